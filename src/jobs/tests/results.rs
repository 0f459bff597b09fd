//! How long results are kept, and who shares them.

use super::*;

#[test]
fn old_jobs_go_with_their_results_and_young_ones_stay() {
    let retention = Some(Duration::from_millis(300));
    let house = House::new(Limits { retention, sweep_every: Duration::from_millis(40), ..limits(2, 10) });
    let queue = house.open();
    let running = queue.submit(asks("wait")).unwrap();
    let old: Vec<String> = ["nothing", "fail"].map(|what| queue.submit(asks(what)).unwrap().id).into();
    until("the old to go", || old.iter().all(|id| queue.get(id).unwrap().is_none()));
    let mut forgotten = house.host.forgotten.lock().unwrap().clone();
    forgotten.sort();
    let mut expected = old.clone();
    expected.sort();
    assert_eq!(forgotten, expected);
    assert_eq!(state(&queue, &running.id), JobStatus::Running);
}

#[test]
fn an_equal_request_shares_results_unless_it_is_to_be_fresh() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let ask = owned("nothing", "anna");
    let first = queue.submit(ask.clone()).unwrap();
    end(&queue, &first.id);
    let second = queue.submit(ask.clone()).unwrap();
    assert_eq!((second.state, second.of.as_deref()), (JobStatus::Successful, Some(first.id.as_str())));
    assert!(second.message.contains(&first.id) && second.id != first.id);
    assert_eq!(queue.get(&second.id).unwrap().unwrap(), second);
    until("news of both", || house.host.finished.lock().unwrap().len() == 2);

    let fresh = queue.submit(NewJob { fresh: true, ..ask.clone() }).unwrap();
    assert_eq!(end(&queue, &fresh.id).of, None);
    let other = queue.submit(NewJob { owner: Some("ben".into()), ..ask.clone() }).unwrap();
    assert_eq!(end(&queue, &other.id).of, None, "nobody learns what others ran");
    let failing = asks("fail");
    end(&queue, &queue.submit(failing.clone()).unwrap().id);
    assert_eq!(queue.submit(failing).unwrap().state, JobStatus::Accepted, "failures are not shared");

    house.host.lost_results.store(true, Ordering::SeqCst);
    assert_eq!(queue.submit(ask).unwrap().of, None, "what is lost is made again");
}

#[test]
fn shared_results_go_with_the_last_job_that_shares_them() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let ask = asks("nothing");
    let first = queue.submit(ask.clone()).unwrap();
    end(&queue, &first.id);
    let second = queue.submit(ask).unwrap();
    queue.dismiss(&first.id).unwrap();
    assert!(house.host.forgotten.lock().unwrap().is_empty());
    queue.dismiss(&second.id).unwrap();
    assert_eq!(*house.host.forgotten.lock().unwrap(), [first.id]);
}
