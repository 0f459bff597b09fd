use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
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
    finished: Mutex<Vec<(String, JobState)>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    resumes: AtomicBool,
    lost_results: AtomicBool,
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
    NewJob { process: "fake".into(), owner: None, request, fresh: false }
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

fn state(queue: &Queue, id: &str) -> JobState {
    queue.get(id).unwrap().unwrap().state
}

fn runs(queue: &Queue, id: &str) {
    until("running", || state(queue, id) == JobState::Running);
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
    assert_eq!((job.state, job.version.as_str()), (JobState::Accepted, VERSION));
    let done = end(&queue, &job.id);
    assert_eq!((done.state, done.progress, done.request.clone()), (JobState::Successful, 100, job.request));
    until("the news", || *house.host.finished.lock().unwrap() == [(job.id.clone(), JobState::Successful)]);
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
    house.host.open_gate();
    for id in &ids {
        assert_eq!(end(&queue, id).state, JobState::Successful);
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
    assert_eq!(panicked.state, JobState::Failed);
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
    assert_eq!(end(&queue, &ids[3]).state, JobState::Successful);
    until("all news", || house.host.finished.lock().unwrap().len() == 4);
}

#[test]
fn a_busy_process_is_dismissed_within_a_second() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let job = queue.submit(asks("work")).unwrap();
    runs(&queue, &job.id);
    let start = Instant::now();
    assert_eq!(queue.dismiss(&job.id).unwrap().unwrap().state, JobState::Dismissed);
    until("the files to go", || *house.host.forgotten.lock().unwrap() == [job.id.clone()]);
    until("a free worker", || queue.load().running == 0);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(state(&queue, &job.id), JobState::Dismissed);
    assert_eq!(queue.dismiss(&job.id).unwrap().unwrap().state, JobState::Dismissed, "twice is once");
    until("the news", || *house.host.finished.lock().unwrap() == [(job.id.clone(), JobState::Dismissed)]);
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
        assert_eq!(waits.join().unwrap(), JobState::Dismissed, "who waits is told at once");
    });
    assert!(house.host.forgotten.lock().unwrap().is_empty());
    assert_eq!(queue.load().running, 1);
    house.host.open_gate();
    until("the files to go", || *house.host.forgotten.lock().unwrap() == [job.id.clone()]);
    assert_eq!(state(&queue, &job.id), JobState::Dismissed);
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
    assert_eq!(state(&queue, &running.id), JobState::Dismissed);
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
        assert_eq!(state, JobState::Successful);
        assert!(woken - opened < Duration::from_secs(1));
    });
}

#[test]
fn steps_and_notes_reach_the_message_the_percent_and_the_log() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let job = queue.submit(asks("talk")).unwrap();
    until("progress", || queue.get(&job.id).unwrap().unwrap().progress == 75);
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
    assert_eq!(state(&queue, &first.id), JobState::Successful);
    assert_eq!(state(&queue, &second.id), JobState::Accepted);
    drop(queue);
    let queue = house.open();
    assert_eq!(end(&queue, &second.id).state, JobState::Successful);
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
        assert_eq!((job.state, job.started), (JobState::Accepted, None));
    }
    assert!(house.host.finished.lock().unwrap().is_empty(), "nothing is over");
    drop(queue);
    house.host.open_gate();
    let queue = house.open();
    for id in &ids {
        assert_eq!(end(&queue, id).state, JobState::Successful);
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
    assert_eq!(state(&queue, &ids[0]), JobState::Successful);
    assert_eq!(*house.host.forgotten.lock().unwrap(), [ids[1].clone()]);
    until("the news", || {
        house.host.finished.lock().unwrap().first() == Some(&(ids[1].clone(), JobState::Failed))
    });

    // A host that can go on from what it kept runs it again, first.
    let house = House::new(limits(1, 1));
    house.host.resumes.store(true, Ordering::SeqCst);
    let ids = rows(&Store::open(&house.path()).unwrap());
    let queue = house.open();
    end(&queue, &ids[5]);
    assert_eq!(*house.host.ran.lock().unwrap(), ids[1..]);
    assert_eq!(state(&queue, &ids[1]), JobState::Successful);
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
        .args(["--exact", "jobs::tests::a_process_that_is_killed", "--test-threads=1"])
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
    assert_eq!(end(&queue, ids[2]).state, JobState::Successful);
    assert_eq!([ids[0], ids[1]].map(|id| state(&queue, id)), [JobState::Successful, JobState::Failed]);
    assert_eq!(*house.host.ran.lock().unwrap(), [ids[2]]);
}

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
    assert_eq!(state(&queue, &running.id), JobState::Running);
}

#[test]
fn an_equal_request_shares_results_unless_it_is_to_be_fresh() {
    let house = House::new(limits(1, 10));
    let queue = house.open();
    let ask = owned("nothing", "anna");
    let first = queue.submit(ask.clone()).unwrap();
    end(&queue, &first.id);
    let second = queue.submit(ask.clone()).unwrap();
    assert_eq!((second.state, second.of.as_deref()), (JobState::Successful, Some(first.id.as_str())));
    assert!(second.message.contains(&first.id) && second.id != first.id);
    assert_eq!(queue.get(&second.id).unwrap().unwrap(), second);
    until("news of both", || house.host.finished.lock().unwrap().len() == 2);

    let fresh = queue.submit(NewJob { fresh: true, ..ask.clone() }).unwrap();
    assert_eq!(end(&queue, &fresh.id).of, None);
    let other = queue.submit(NewJob { owner: Some("ben".into()), ..ask.clone() }).unwrap();
    assert_eq!(end(&queue, &other.id).of, None, "nobody learns what others ran");
    let failing = asks("fail");
    end(&queue, &queue.submit(failing.clone()).unwrap().id);
    assert_eq!(queue.submit(failing).unwrap().state, JobState::Accepted, "failures are not shared");

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

/// Runs real processes into folders named by their jobs.
struct Folders(PathBuf);

impl Host for Folders {
    fn run(&self, job: &Job, progress: &dyn Progress, cancel: CancelToken) -> Result<(), ProcessError> {
        let process = find(&job.process).ok_or_else(|| ProcessError::failed("no such process"))?;
        let sink = LocalSink::create(&self.0.join(&job.id), [])?;
        let source = LocalSource::new(&self.0, progress);
        let context = Context { data: &source, sink: &sink, progress, cancel };
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
        queue.submit(NewJob { process: "echo".into(), owner: None, request, fresh: false }).unwrap().id
    };
    let slow = echo(json!({"text": "slow", "pause": 3000}));
    let quick = echo(json!({"text": "hello", "number": 4.5}));
    let wrong = echo(json!({"txt": "hello"}));
    assert_eq!(end(&queue, &quick).state, JobState::Successful);
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
