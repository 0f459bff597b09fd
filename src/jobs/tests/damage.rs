//! Rows that are damaged, results without a job, and a system that is short of something.

use super::*;

fn spoil(house: &House, sql: &str, id: &str) {
    let connection = rusqlite::Connection::open(house.path()).unwrap();
    connection.pragma_update(None, "ignore_check_constraints", true).unwrap();
    assert_eq!(connection.execute(sql, [id]).unwrap(), 1);
}

#[test]
fn a_damaged_row_is_a_failed_job_and_keeps_no_other_from_being_listed() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let good = queue.submit(asks("nothing")).unwrap();
    end(&queue, &good.id);
    for (sql, column) in [
        ("UPDATE jobs SET failure = 'not JSON' WHERE id = ?", "failure"),
        ("UPDATE jobs SET created = 9223372036854775807 WHERE id = ?", "created"),
        ("UPDATE jobs SET state = 'x', progress = -1 WHERE id = ?", "state, progress"),
        ("UPDATE jobs SET message = CAST(x'ff' AS TEXT) WHERE id = ?", "message"),
    ] {
        let job = queue.submit(NewJob { fresh: true, ..asks("nothing") }).unwrap();
        end(&queue, &job.id);
        spoil(&house, sql, &job.id);
        let found = queue.get(&job.id).unwrap().unwrap();
        assert_eq!(found.failure, Some(Failure::Record { columns: column.to_owned() }));
        assert_eq!(found.state, JobStatus::Failed);
        let listed = queue.list(&Filter::default()).unwrap();
        assert!(listed.jobs.contains(&Job { request: serde_json::Value::Null, ..found }), "{column}");
        assert!(listed.jobs.iter().any(|job| job.id == good.id && job.state == JobStatus::Successful));
        queue.states().unwrap();
        assert_eq!(queue.dismiss(&job.id).unwrap().unwrap().id, job.id);
    }
}

#[test]
fn a_queue_starts_over_damaged_rows_and_runs_the_others() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let holding = queue.submit(asks("wait")).unwrap();
    until("it to run", || state(&queue, &holding.id) == JobStatus::Running);
    let [no_request, no_time, good] =
        [1, 2, 3].map(|_| queue.submit(NewJob { fresh: true, ..asks("nothing") }).unwrap().id);
    queue.shutdown(Duration::ZERO);
    drop(queue);
    let of = "(SELECT number FROM jobs WHERE id = ?)";
    spoil(&house, &format!("UPDATE requests SET request = '{{' WHERE job = {of}"), &no_request);
    spoil(&house, "UPDATE jobs SET updated = 9223372036854775807 WHERE id = ?", &no_time);
    house.host.open_gate();
    let queue = house.open();
    assert_eq!(end(&queue, &good).state, JobStatus::Successful);
    for id in [no_request, no_time] {
        let job = queue.get(&id).unwrap().unwrap();
        assert!(matches!(job.failure, Some(Failure::Record { .. })), "{job:?}");
        assert!(!house.host.ran.lock().unwrap().contains(&id));
    }
}

#[test]
fn what_no_job_needs_is_forgotten_at_the_start() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let [done, failed] = ["nothing", "fail"].map(|what| queue.submit(asks(what)).unwrap().id);
    end(&queue, &done);
    end(&queue, &failed);
    drop(queue);
    house.host.forgotten.lock().unwrap().clear();
    let stray = "7a3c6a6e-0000-4000-8000-000000000000".to_owned();
    *house.host.kept.lock().unwrap() = vec![done, failed.clone(), stray.clone()];
    let _queue = house.open();
    until("both to go", || *house.host.forgotten.lock().unwrap() == [failed.clone(), stray.clone()]);
}

#[test]
fn a_run_that_was_short_of_something_is_tried_again() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let job = queue.submit(asks("short")).unwrap();
    assert_eq!(end(&queue, &job.id).state, JobStatus::Successful);
    assert_eq!(house.host.ran.lock().unwrap().len(), 2);
    let log = queue.log(&job.id, 0, 10).unwrap();
    assert!(log.iter().any(|line| line.text.contains("too many open files")), "{log:?}");
    house.host.short.store(0, Ordering::SeqCst);
    let again = queue.submit(NewJob { fresh: true, ..asks("short") }).unwrap();
    until("the first try", || house.host.ran.lock().unwrap().len() == 3);
    queue.dismiss(&again.id).unwrap();
    assert_eq!(end(&queue, &again.id).state, JobStatus::Dismissed, "a pause ends with the job");
}

#[test]
fn a_caller_with_many_jobs_does_not_keep_another_waiting() {
    let house = House::new(Limits { per_owner: 0, ..limits(1, 100) });
    let queue = house.open();
    let holding = queue.submit(owned("wait", "anna")).unwrap();
    until("it to run", || state(&queue, &holding.id) == JobStatus::Running);
    let fresh = |owner| queue.submit(NewJob { fresh: true, ..owned("nothing", owner) }).unwrap().id;
    let many: Vec<String> = (0..50).map(|_| fresh("anna")).collect();
    let one = fresh("ben");
    house.host.open_gate();
    end(&queue, &many[49]);
    let ran = house.host.ran.lock().unwrap().clone();
    assert_eq!(ran[1], one, "ben's only job runs before anna's others");
    assert_eq!(ran[2..], many, "the jobs of a caller run in their order");
}
