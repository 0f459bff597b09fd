//! Jobs that are given up.

use super::*;

#[test]
fn a_busy_process_is_dismissed_within_a_second() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let job = queue.submit(asks("work")).unwrap();
    runs(&queue, &job.id);
    let start = Instant::now();
    assert_eq!(queue.dismiss(&job.id).unwrap().unwrap().state, JobStatus::Dismissed);
    until("the files to go", || *house.host.forgotten.lock().unwrap() == [job.id.clone()]);
    until("a free worker", || queue.load().running == 0);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(state(&queue, &job.id), JobStatus::Dismissed);
    assert_eq!(queue.dismiss(&job.id).unwrap().unwrap().state, JobStatus::Dismissed, "twice is once");
    until("the news", || *house.host.finished.lock().unwrap() == [(job.id.clone(), JobStatus::Dismissed)]);
    assert_eq!(house.host.forgotten.lock().unwrap().len(), 1);
    assert_eq!(queue.dismiss("no-such-job").unwrap(), None);
}

#[test]
fn a_process_that_does_not_listen_is_dismissed_too_and_its_results_go_when_it_is_out() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let job = queue.submit(asks("ignore")).unwrap();
    runs(&queue, &job.id);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| queue.wait(&job.id, LONG).unwrap().unwrap().state);
        queue.dismiss(&job.id).unwrap();
        assert_eq!(waits.join().unwrap(), JobStatus::Dismissed, "who waits is told at once");
    });
    assert!(house.host.forgotten.lock().unwrap().is_empty());
    assert_eq!(queue.load().running, 1);
    assert!(queue.deaf(LONG).is_empty(), "it has so long to come out");
    until("it is late", || queue.deaf(Duration::from_millis(10)) == [job.id.clone()]);
    house.host.open_gate();
    until("the files to go", || *house.host.forgotten.lock().unwrap() == [job.id.clone()]);
    assert_eq!(state(&queue, &job.id), JobStatus::Dismissed);
    until("a free worker", || queue.deaf(Duration::ZERO).is_empty());
}

#[test]
fn a_job_that_waits_or_is_over_is_dismissed_at_once() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let running = queue.submit(asks("wait")).unwrap();
    runs(&queue, &running.id);
    let waiting = queue.submit(asks("nothing")).unwrap();
    queue.dismiss(&waiting.id).unwrap();
    assert_eq!(queue.load().waiting, 0);
    house.host.open_gate();
    end(&queue, &running.id);
    queue.dismiss(&running.id).unwrap();
    assert_eq!(*house.host.forgotten.lock().unwrap(), [waiting.id.clone(), running.id.clone()]);
    assert_eq!(house.host.ran.lock().unwrap().as_slice(), std::slice::from_ref(&running.id));
    assert_eq!(state(&queue, &running.id), JobStatus::Dismissed);
}
