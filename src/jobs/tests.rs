//! The queue over a real store, with a host that does what the test asks.

mod damage;
mod dismissal;
mod restart;
mod results;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::process::{CancelToken, Context, ProcessError, Progress, find};
use crate::store::{LocalSink, LocalSource};

const LONG: Duration = Duration::from_secs(20);

/// Does what the request's `do` says, and remembers what it was asked.
#[derive(Default)]
struct Fake {
    ran: Mutex<Vec<String>>,
    forgotten: Mutex<Vec<String>>,
    finished: Mutex<Vec<(String, JobStatus)>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    resumes: AtomicBool,
    lost_results: AtomicBool,
    kept: Mutex<Vec<String>>,
    short: AtomicUsize,
    gate: (Mutex<bool>, Condvar),
}

impl Fake {
    fn open_gate(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }

    fn act(&self, job: &Job, progress: &dyn Progress, cancel: &CancelToken) -> Result<(), ProcessError> {
        match job.request["do"].as_str().unwrap_or("nothing") {
            "wait" => {
                progress.step("wait for the gate", 0);
                let mut open = self.gate.0.lock().unwrap();
                while !*open {
                    cancel.check()?;
                    open = self.gate.1.wait_timeout(open, Duration::from_millis(20)).unwrap().0;
                }
                Ok(())
            }
            "work" => {
                progress.step("count", 1_000_000_000);
                (0..u64::MAX).try_for_each(|k| {
                    progress.done(k);
                    cancel.check()
                })
            }
            "ignore" => {
                let start = Instant::now();
                while !*self.gate.0.lock().unwrap() && start.elapsed() < LONG {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Ok(())
            }
            "talk" => {
                for step in ["open", "count"] {
                    progress.step(step, 4);
                    progress.note("one is left out");
                    progress.done(3);
                }
                self.act(
                    &Job { request: json!({"do": "wait"}), ..job.clone() },
                    &crate::process::Silent,
                    cancel,
                )
            }
            "panic" => panic!("index out of bounds"),
            "fail" => Err(ProcessError::failed("the disk is full")),
            "short" if self.short.fetch_add(1, Ordering::SeqCst) == 0 => {
                Err(ProcessError::Short { what: "too many open files", reason: "a.tif".to_owned() })
            }
            "refuse" => Err(ProcessError::input("dates", "is required")),
            _ => Ok(()),
        }
    }
}

/// Counts a run out, however it ends.
struct Out<'a>(&'a AtomicUsize);
impl Drop for Out<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Host for Fake {
    fn run(&self, job: &Job, progress: &dyn Progress, cancel: CancelToken) -> Result<(), ProcessError> {
        self.ran.lock().unwrap().push(job.id.clone());
        let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        let _out = Out(&self.at_once);
        self.act(job, progress, &cancel)
    }

    fn kept(&self) -> Vec<String> {
        self.kept.lock().unwrap().clone()
    }

    fn forget(&self, id: &str) {
        self.forgotten.lock().unwrap().push(id.to_owned());
    }

    fn finished(&self, job: &Job) {
        self.finished.lock().unwrap().push((job.id.clone(), job.state));
        assert_ne!(job.request["do"], "fail", "a host that panics harms nobody");
    }

    fn resumable(&self, _: &Job) -> bool {
        self.resumes.load(Ordering::SeqCst)
    }

    fn has_results(&self, _: &Job) -> bool {
        !self.lost_results.load(Ordering::SeqCst)
    }
}

struct House {
    folder: tempfile::TempDir,
    host: Arc<Fake>,
    limits: Limits,
}

impl House {
    fn new(limits: Limits) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), host: Arc::default(), limits }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("jobs.sqlite")
    }

    fn open(&self) -> Queue {
        Queue::start(Store::open(&self.path()).unwrap(), self.host.clone(), self.limits).unwrap()
    }
}

fn limits(workers: usize, waiting: usize) -> Limits {
    Limits { workers, waiting, ..Limits::default() }
}

/// A request that is like no other.
fn asks(what: &str) -> NewJob {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    let request = json!({"do": what, "inputs": {"number": number}});
    NewJob { process: "fake".into(), request, ..NewJob::default() }
}

fn owned(what: &str, owner: &str) -> NewJob {
    NewJob { owner: Some(owner.into()), ..asks(what) }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LONG, "{what} never happened");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn state(queue: &Queue, id: &str) -> JobStatus {
    queue.get(id).unwrap().unwrap().state
}

fn runs(queue: &Queue, id: &str) {
    until("running", || state(queue, id) == JobStatus::Running);
}

fn end(queue: &Queue, id: &str) -> Job {
    let job = queue.wait(id, LONG).unwrap().unwrap();
    assert!(job.state.is_over(), "{job:?}");
    job
}

#[test]
fn a_job_is_recorded_runs_and_its_end_is_told() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let job = queue.submit(asks("nothing")).unwrap();
    assert_eq!((job.state, job.version.as_str()), (JobStatus::Accepted, VERSION));
    let done = end(&queue, &job.id);
    assert_eq!((done.state, done.progress, done.request.clone()), (JobStatus::Successful, 100, job.request));
    until("the news", || *house.host.finished.lock().unwrap() == [(job.id.clone(), JobStatus::Successful)]);
    assert_eq!(queue.wait("no-such-job", LONG).unwrap(), None);
    assert_eq!(queue.list(&Filter::default()).unwrap().total, 1);
}

#[test]
fn jobs_run_in_the_order_in_which_they_came() {
    let house = House::new(limits(1, 50));
    let queue = house.open();
    let ids: Vec<String> = (0..20).map(|_| queue.submit(asks("nothing")).unwrap().id).collect();
    end(&queue, &ids[19]);
    assert_eq!(*house.host.ran.lock().unwrap(), ids);
}

#[test]
fn two_workers_run_two_jobs_at_a_time_and_never_three() {
    let house = House::new(limits(2, 10));
    let queue = house.open();
    let ids: Vec<String> = (0..5).map(|_| queue.submit(asks("wait")).unwrap().id).collect();
    runs(&queue, &ids[0]);
    runs(&queue, &ids[1]);
    assert_eq!(queue.load(), Load { waiting: 3, running: 2, workers: 2 });
    until("two at once", || house.host.at_once.load(Ordering::SeqCst) == 2);
    house.host.open_gate();
    for id in &ids {
        assert_eq!(end(&queue, id).state, JobStatus::Successful);
    }
    assert_eq!(house.host.most_at_once.load(Ordering::SeqCst), 2);
}

#[test]
fn a_full_queue_refuses_and_says_when_to_come_again() {
    let house = House::new(limits(1, 2));
    let queue = house.open();
    let ids: Vec<String> = (0..3).map(|_| queue.submit(asks("wait")).unwrap().id).collect();
    match queue.submit(asks("wait")).unwrap_err() {
        SubmitError::Full { retry_after_s } => assert!((1..=600).contains(&retry_after_s)),
        other => panic!("{other}"),
    }
    assert_eq!(queue.list(&Filter::default()).unwrap().total, 3, "nothing is recorded of a refused job");
    queue.dismiss(&ids[2]).unwrap();
    queue.submit(asks("wait")).unwrap();

    // Nobody may wait: a free worker still takes a job.
    let house = House::new(limits(1, 0));
    let queue = house.open();
    queue.submit(asks("wait")).unwrap();
    assert!(matches!(queue.submit(asks("wait")), Err(SubmitError::Full { .. })));
}

#[test]
fn many_callers_at_once_fill_the_queue_exactly() {
    let house = House::new(limits(2, 5));
    let queue = house.open();
    let taken: usize = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..5).filter(|_| queue.submit(asks("wait")).is_ok()).count()))
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    assert_eq!(taken, 7);
}

#[test]
fn an_owner_has_a_quota_and_leaves_others_theirs() {
    let house = House::new(Limits { per_owner: 2, ..limits(1, 10) });
    let queue = house.open();
    let first = queue.submit(owned("wait", "anna")).unwrap();
    queue.submit(owned("wait", "anna")).unwrap();
    assert!(matches!(queue.submit(owned("wait", "anna")), Err(SubmitError::Quota { limit: 2 })));
    queue.submit(owned("wait", "ben")).unwrap();
    (0..3).for_each(|_| drop(queue.submit(asks("wait")).unwrap()));
    house.host.open_gate();
    end(&queue, &first.id);
    until("room", || queue.submit(owned("nothing", "anna")).is_ok());
}

#[test]
fn failures_keep_their_kind_and_a_panic_harms_no_other_job() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let ids = ["panic", "fail", "refuse", "nothing"].map(|what| queue.submit(asks(what)).unwrap().id);
    let panicked = end(&queue, &ids[0]);
    assert_eq!(panicked.state, JobStatus::Failed);
    assert!(
        panicked.message.contains("a bug in rededge") && !panicked.message.contains("index"),
        "{}",
        panicked.message
    );
    let failed = end(&queue, &ids[1]);
    assert_eq!(failed.failure, Some(Failure::Process { message: "the disk is full".into() }));
    let refused = end(&queue, &ids[2]);
    assert_eq!(
        refused.failure,
        Some(Failure::Input { input: "dates".into(), message: "is required".into() })
    );
    assert_eq!(refused.message, "input `dates`: is required");
    assert_eq!(end(&queue, &ids[3]).state, JobStatus::Successful);
    until("all news", || house.host.finished.lock().unwrap().len() == 4);
}

#[test]
fn waiting_for_a_job_ends_with_it_or_with_patience() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let job = queue.submit(asks("wait")).unwrap();
    let start = Instant::now();
    let standing = queue.wait(&job.id, Duration::from_millis(60)).unwrap().unwrap();
    assert!(!standing.state.is_over() && start.elapsed() >= Duration::from_millis(60));
    std::thread::scope(|scope| {
        let waits =
            scope.spawn(|| (queue.wait(&job.id, Duration::MAX).unwrap().unwrap().state, Instant::now()));
        std::thread::sleep(Duration::from_millis(30));
        let opened = Instant::now();
        house.host.open_gate();
        let (state, woken) = waits.join().unwrap();
        assert_eq!(state, JobStatus::Successful);
        assert!(woken - opened < Duration::from_secs(1));
    });
}

#[test]
fn steps_and_notes_reach_the_message_the_percent_and_the_log() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let job = queue.submit(asks("talk")).unwrap();
    until("progress", || queue.get(&job.id).unwrap().unwrap().progress == 68);
    assert_eq!(queue.get(&job.id).unwrap().unwrap().message, "count");
    house.host.open_gate();
    end(&queue, &job.id);
    let lines: Vec<String> = queue.log(&job.id, 0, 10).unwrap().into_iter().map(|line| line.text).collect();
    assert_eq!(lines, ["open", "one is left out", "count", "one is left out"]);
    assert_eq!(queue.log(&job.id, 2, 10).unwrap()[0].number, 2);
}

#[test]
fn a_process_that_tells_millions_of_units_is_written_four_times_a_second() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let job = queue.submit(asks("work")).unwrap();
    runs(&queue, &job.id);
    let mut versions = BTreeSet::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(1200) {
        versions.insert(queue.get(&job.id).unwrap().unwrap().updated);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(versions.len() <= 7, "{versions:?}");
    queue.dismiss(&job.id).unwrap();
}

/// Runs real processes into folders named by their jobs.
struct Folders(PathBuf);

impl Host for Folders {
    fn run(&self, job: &Job, progress: &dyn Progress, cancel: CancelToken) -> Result<(), ProcessError> {
        let process = find(&job.process).ok_or_else(|| ProcessError::failed("no such process"))?;
        let sink = LocalSink::create(&self.0.join(&job.id), [])?;
        let source = LocalSource::new(&self.0, progress);
        let context = Context::new(&source, &sink, progress, cancel);
        process.run_json(job.request["inputs"].clone(), &context)?;
        sink.commit()?;
        Ok(())
    }

    fn forget(&self, id: &str) {
        let _ = std::fs::remove_dir_all(self.0.join(id));
    }
}

#[test]
fn a_real_process_leaves_its_results_and_a_dismissed_one_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    let store = Store::open(&folder.path().join("jobs.sqlite")).unwrap();
    let queue = Queue::start(store, Arc::new(Folders(results.clone())), limits(2, 10)).unwrap();
    let echo = |inputs: serde_json::Value| {
        let request = json!({"inputs": inputs});
        queue.submit(NewJob { process: "echo".into(), request, ..NewJob::default() }).unwrap().id
    };
    let slow = echo(json!({"text": "slow", "pause": 3000}));
    let quick = echo(json!({"text": "hello", "number": 4.5}));
    let wrong = echo(json!({"txt": "hello"}));
    assert_eq!(end(&queue, &quick).state, JobStatus::Successful);
    let read = |name: &str| std::fs::read_to_string(results.join(&quick).join(name)).unwrap();
    assert!(read("results.json").contains("text.json"));
    assert_eq!(read("text.json").trim(), "\"hello\"");
    assert!(matches!(end(&queue, &wrong).failure, Some(Failure::Input { input, .. }) if input == "txt"));

    until("its folder", || results.join(&slow).exists());
    let start = Instant::now();
    queue.dismiss(&slow).unwrap();
    until("a free worker", || queue.load().running == 0);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(!results.join(&slow).exists());
    queue.dismiss(&quick).unwrap();
    assert!(!results.join(&quick).exists());
    assert_eq!(queue.log(&slow, 0, 10).unwrap()[0].text, "wait");
}
