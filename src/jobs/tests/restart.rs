//! What a stop and a crash leave, and what the next start makes of it.

use std::path::Path;

use super::*;

#[test]
fn a_shutdown_lets_running_jobs_end_and_keeps_the_waiting_for_the_next_start() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let first = queue.submit(asks("wait")).unwrap();
    let second = queue.submit(asks("nothing")).unwrap();
    runs(&queue, &first.id);
    std::thread::scope(|scope| {
        let down = scope.spawn(|| queue.shutdown(LONG));
        until("refusal", || matches!(queue.submit(asks("nothing")), Err(SubmitError::Stopping)));
        house.host.open_gate();
        assert!(down.join().unwrap());
    });
    assert_eq!(state(&queue, &first.id), JobStatus::Successful);
    assert_eq!(state(&queue, &second.id), JobStatus::Accepted);
    drop(queue);
    let queue = house.open();
    assert_eq!(end(&queue, &second.id).state, JobStatus::Successful);
    // A submission of above may have come just before the doors closed.
    assert_eq!(house.host.ran.lock().unwrap()[..2], [first.id, second.id]);
}

#[test]
fn jobs_that_outlive_the_grace_run_again_at_the_next_start() {
    let house = House::new(limits(2, 10));
    let queue = house.open();
    let ids = ["wait", "wait", "nothing"].map(|what| queue.submit(asks(what)).unwrap().id);
    runs(&queue, &ids[1]);
    let start = Instant::now();
    assert!(queue.shutdown(Duration::from_millis(50)));
    assert!(start.elapsed() < Duration::from_secs(3));
    for id in &ids {
        let job = queue.get(id).unwrap().unwrap();
        assert_eq!((job.state, job.started), (JobStatus::Accepted, None));
    }
    assert!(house.host.finished.lock().unwrap().is_empty(), "nothing is over");
    drop(queue);
    house.host.open_gate();
    let queue = house.open();
    for id in &ids {
        assert_eq!(end(&queue, id).state, JobStatus::Successful);
    }
}

#[test]
fn after_a_crash_what_waited_runs_in_order_and_what_ran_says_why_it_failed() {
    let house = House::new(limits(1, 1));
    let rows = |store: &Store| {
        let new = || Job::accepted(asks("nothing"));
        let jobs: Vec<Job> = (0..6).map(|_| new()).collect();
        store.insert_all(&jobs).unwrap();
        store.start(&jobs[0].id).unwrap();
        store.finish(&jobs[0].id).unwrap();
        store.start(&jobs[1].id).unwrap();
        jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    // A store that is dropped with a job running is what a crash leaves.
    let ids = rows(&Store::open(&house.path()).unwrap());
    let queue = house.open();
    end(&queue, &ids[5]);
    assert_eq!(*house.host.ran.lock().unwrap(), ids[2..]);
    let failed = queue.get(&ids[1]).unwrap().unwrap();
    assert_eq!(
        failed.failure,
        Some(Failure::Interrupted { reason: "the server stopped while it ran".into() })
    );
    assert_eq!(state(&queue, &ids[0]), JobStatus::Successful);
    assert_eq!(*house.host.forgotten.lock().unwrap(), [ids[1].clone()]);
    until("the news", || {
        house.host.finished.lock().unwrap().first() == Some(&(ids[1].clone(), JobStatus::Failed))
    });

    // A host that can go on from what it kept runs it again, first.
    let house = House::new(limits(1, 1));
    house.host.resumes.store(true, Ordering::SeqCst);
    let ids = rows(&Store::open(&house.path()).unwrap());
    let queue = house.open();
    end(&queue, &ids[5]);
    assert_eq!(*house.host.ran.lock().unwrap(), ids[1..]);
    assert_eq!(state(&queue, &ids[1]), JobStatus::Successful);
    assert!(house.host.forgotten.lock().unwrap().is_empty());
}

const CRASH: &str = "REDEDGE_TEST_CRASH";

/// Not a test of its own: the process that the next one kills.
#[test]
fn a_process_that_is_killed() {
    let Some(folder) = std::env::var_os(CRASH) else { return };
    let folder = Path::new(&folder);
    let store = Store::open(&folder.join("jobs.sqlite")).unwrap();
    let queue = Queue::start(store, Arc::new(Fake::default()), limits(1, 10)).unwrap();
    let done = queue.submit(asks("nothing")).unwrap().id;
    end(&queue, &done);
    let running = queue.submit(asks("wait")).unwrap().id;
    let waiting = queue.submit(asks("nothing")).unwrap().id;
    runs(&queue, &running);
    std::fs::write(folder.join("ids.part"), [done, running, waiting].join(" ")).unwrap();
    std::fs::rename(folder.join("ids.part"), folder.join("ids")).unwrap();
    std::thread::sleep(Duration::from_mins(1));
}

#[test]
fn a_killed_process_loses_nothing_that_was_accepted() {
    let house = House::new(limits(1, 10));
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "jobs::tests::restart::a_process_that_is_killed", "--test-threads=1"])
        .env(CRASH, house.folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let ids = house.folder.path().join("ids");
    until("the jobs of the other process", || ids.exists());
    assert!(matches!(Store::open(&house.path()), Err(JobsError::InUse { .. })));
    child.kill().unwrap();
    child.wait().unwrap();
    let ids = std::fs::read_to_string(ids).unwrap();
    let ids: Vec<&str> = ids.split(' ').collect();
    let queue = house.open();
    assert_eq!(end(&queue, ids[2]).state, JobStatus::Successful);
    assert_eq!([ids[0], ids[1]].map(|id| state(&queue, id)), [JobStatus::Successful, JobStatus::Failed]);
    assert_eq!(*house.host.ran.lock().unwrap(), [ids[2]]);
}
