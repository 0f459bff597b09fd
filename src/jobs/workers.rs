//! What the queue and its threads share: the workers, and the threads that tell the host and subscribers.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::reporter::Reporter;
use super::turns::Turns;
use super::{Failure, Host, Job, JobsError, Limits, Store, Untold};
use crate::process::{CancelToken, DynProcess, ProcessError, Progress as _, find};

/// The time between two writes of a job's progress: at most four a second.
pub(super) const TICK: Duration = Duration::from_millis(250);
/// The clock's pause where nothing runs and nothing is swept; it is woken.
pub(super) const FAR: Duration = Duration::from_hours(1);
/// The time after which a write is tried again that the store refused.
pub(super) const RETRY: Duration = Duration::from_secs(1);
/// Pauses before a run is tried again that the system was too short of something for.
const AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15)];
/// Bounds of what a caller is told to wait where the queue is full, seconds.
const RETRY_AFTER_S: (f64, f64) = (1.0, 600.0);

/// A job that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub id: String,
    pub process: String,
    pub owner: Option<String>,
}

impl Waiting {
    pub fn of(job: &Job) -> Self {
        Self { id: job.id.clone(), process: job.process.clone(), owner: job.owner.clone() }
    }
}

/// What was decided of a job while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its row says so already; its files go when it is out.
    Dismissed,
    /// Its row waits for the next start already.
    PutBack,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Done,
    Failed(Failure),
}

/// A job that holds a worker, or whose end could not be written yet.
#[derive(Debug)]
pub(super) struct Running {
    owner: Option<String>,
    pub cancel: CancelToken,
    pub reporter: Arc<Reporter>,
    pub fate: Option<Fate>,
    /// When it was told to stop.
    pub told: Option<Instant>,
    since: Instant,
    /// Its end, where the store refused it.
    pub unwritten: Option<Outcome>,
}

/// What is decided under the one lock.
#[derive(Debug)]
pub(super) struct State {
    pub open: bool,
    pub waiting: VecDeque<Waiting>,
    pub running: BTreeMap<String, Running>,
    turns: Turns,
    /// Mean time of a run, weighted to the last ones, seconds.
    mean_s: Option<f64>,
}

impl State {
    /// Takes the job that is next.
    fn take(&mut self) -> Option<Waiting> {
        self.turns.next(&mut self.waiting, self.running.values().map(|running| &running.owner))
    }

    /// Jobs of this owner that wait or run.
    pub fn of_owner(&self, owner: &str) -> usize {
        let owners = self.waiting.iter().map(|w| &w.owner).chain(self.running.values().map(|r| &r.owner));
        owners.filter(|o| o.as_deref() == Some(owner)).count()
    }

    /// Whether something may still happen to the job.
    pub fn is_active(&self, id: &str) -> bool {
        self.running.get(id).is_some_and(|r| r.fate.is_none()) || self.waiting.iter().any(|w| w.id == id)
    }

    /// When a place in the queue is likely to be free: a run's mean time over the workers; half a
    /// minute where none has ended yet.
    pub fn retry_after_s(&self, workers: usize) -> u64 {
        let guess = self.mean_s.map_or(30.0, |mean| mean / workers as f64);
        guess.clamp(RETRY_AFTER_S.0, RETRY_AFTER_S.1).ceil() as u64
    }
}

/// What the queue and its threads share.
pub(super) struct Shared {
    pub store: Store,
    pub host: Arc<dyn Host>,
    pub limits: Limits,
    state: Mutex<State>,
    /// A job waits, or the queue closes.
    pub work: Condvar,
    /// A job runs, or the queue closes.
    pub clock: Condvar,
    /// A job ended.
    pub ended: Condvar,
    /// Somebody may have to be told, or the queue closes.
    pub notices: Condvar,
    /// Jobs that are over, for the host.
    news: Mutex<Option<Sender<Job>>>,
}

/// What the host answers; `None` where it panicked.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    let answer = catch_unwind(AssertUnwindSafe(work));
    answer.map_err(|panic| tracing::error!(panic = panic_text(&*panic), "the host of jobs panicked")).ok()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

pub(super) fn held<T>(lock: Result<T, PoisonError<T>>) -> T {
    lock.unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn new(store: Store, host: Arc<dyn Host>, limits: Limits) -> (Self, Receiver<Job>) {
        let (sender, receiver) = channel();
        let state = State {
            open: true,
            waiting: VecDeque::new(),
            running: BTreeMap::new(),
            turns: Turns::default(),
            mean_s: None,
        };
        let shared = Self {
            store,
            host,
            limits,
            state: Mutex::new(state),
            work: Condvar::new(),
            clock: Condvar::new(),
            ended: Condvar::new(),
            notices: Condvar::new(),
            news: Mutex::new(Some(sender)),
        };
        (shared, receiver)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        held(self.state.lock())
    }

    /// Lets go of the state until a job ends, at most so long.
    pub fn wait_for_end<'a>(&self, state: MutexGuard<'a, State>, most: Duration) -> MutexGuard<'a, State> {
        held(self.ended.wait_timeout(state, most)).0
    }

    /// Waits until nothing runs, at most so long; whether nothing does.
    pub fn wait_for_all(&self, most: Duration) -> bool {
        let runs = |state: &mut State| !state.running.is_empty();
        held(self.ended.wait_timeout_while(self.state(), most, runs)).0.running.is_empty()
    }

    /// Tells the host that a job is over, soon and elsewhere.
    pub fn announce(&self, job: &Job) {
        if let Some(news) = &*held(self.news.lock()) {
            let _ = news.send(job.clone());
        }
    }

    /// The thread that tells subscribers, until the queue closes. What was not told by then is at the
    /// next start.
    pub fn notify(&self) {
        loop {
            let wait = match self.tell_one() {
                Ok(true) => Duration::ZERO,
                Ok(false) => self.store.next_notice().ok().flatten().unwrap_or(FAR),
                Err(error) => {
                    tracing::error!(%error, "notices cannot be read");
                    RETRY
                }
            };
            let state = self.state();
            if !state.open {
                return;
            }
            if !wait.is_zero() {
                // Looked at again at least every second: a notice may fall due between look and wait.
                drop(held(self.notices.wait_timeout(state, wait.min(RETRY))));
            }
        }
    }

    /// Tells the notice that is due, if one is.
    fn tell_one(&self) -> Result<bool, JobsError> {
        let Some(notice) = self.store.take_notice()? else { return Ok(false) };
        let Some(job) = self.store.get(&notice.job)?.filter(|job| notice.still_holds(job)) else {
            self.store.settle_notice(&notice, None)?;
            return Ok(true);
        };
        let panicked = || Err(Untold { reason: "telling it panicked".to_owned(), passing: false });
        let told = guarded(|| self.host.notify(&notice, &job)).unwrap_or_else(panicked);
        if let Err(Untold { reason, passing }) = &told {
            tracing::warn!(
                job = notice.job,
                tries = notice.tries,
                passing,
                reason,
                "a subscriber is not told"
            );
        }
        self.store.settle_notice(&notice, told.as_ref().err())?;
        Ok(true)
    }

    /// As [`Shared::announce`].
    pub fn announce_by_id(&self, id: &str) {
        match self.store.get(id) {
            Ok(Some(job)) => self.announce(&job),
            Ok(None) => {}
            Err(error) => tracing::error!(job = id, %error, "nobody is told of the end of a job"),
        }
    }

    /// No more news: the thread that tells ends once it has told what there is.
    pub fn hang_up(&self) {
        held(self.news.lock()).take();
    }

    /// The thread that tells.
    pub fn tell(&self, news: &Receiver<Job>) {
        for job in news {
            guarded(|| self.host.finished(&job));
        }
    }

    /// Has the host remove what is kept under this id, where no successful job shares it.
    pub fn clear_away(&self, results_id: &str) {
        match self.store.is_unshared(results_id) {
            Ok(true) => drop(guarded(|| self.host.forget(results_id))),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(job = results_id, %error, "results are left behind until the sweep");
            }
        }
    }

    /// A worker, until the queue closes.
    pub fn work(&self) {
        while let Some((id, cancel, reporter)) = self.next() {
            let outcome = self.run(&id, cancel, &reporter);
            self.write_down(&id, &reporter);
            self.conclude(&id, outcome);
        }
    }

    /// Waits for the next job and marks it as running; `None` once the queue is closed.
    fn next(&self) -> Option<(String, CancelToken, Arc<Reporter>)> {
        let mut state = self.state();
        while state.open {
            let Some(waiting) = state.take() else {
                state = held(self.work.wait(state));
                continue;
            };
            match self.store.start(&waiting.id) {
                Ok(true) => {
                    let steps = find(&waiting.process).map_or(&[][..], DynProcess::steps);
                    let (cancel, reporter) = (CancelToken::default(), Arc::new(Reporter::of(steps)));
                    let running = Running {
                        owner: waiting.owner,
                        cancel: cancel.clone(),
                        reporter: reporter.clone(),
                        fate: None,
                        told: None,
                        since: Instant::now(),
                        unwritten: None,
                    };
                    state.running.insert(waiting.id.clone(), running);
                    drop(state);
                    self.clock.notify_all();
                    self.notices.notify_one();
                    return Some((waiting.id, cancel, reporter));
                }
                Ok(false) => tracing::warn!(job = waiting.id, "a job left the queue without a word"),
                Err(error) => {
                    tracing::error!(job = waiting.id, %error, "a job cannot be started; it is tried again");
                    state.waiting.push_front(waiting);
                    state = held(self.work.wait_timeout(state, RETRY)).0;
                }
            }
        }
        None
    }

    fn run(&self, id: &str, cancel: CancelToken, reporter: &Reporter) -> Outcome {
        let process = |message: &str| Outcome::Failed(Failure::Process { message: message.to_owned() });
        let job = match self.store.get(id) {
            Ok(Some(job)) => job,
            Ok(None) => return process("its record is gone"),
            Err(error) => {
                tracing::error!(job = id, %error, "a job cannot be read");
                return process("its record cannot be read");
            }
        };
        // What started it is told in every line of the log.
        let request = job.request_id.as_deref();
        let span = tracing::error_span!("job", job = id, process = job.process, request_id = request);
        let _inside = span.enter();
        tracing::info!("the job starts");
        match self.run_patiently(&job, &cancel, reporter) {
            Ok(Ok(())) => {
                tracing::info!("the job is done");
                Outcome::Done
            }
            Ok(Err(error)) => {
                if let ProcessError::Failed(message)
                | ProcessError::Full(message)
                | ProcessError::Short { reason: message, .. } = &error
                {
                    tracing::error!(reason = message, "the job failed");
                }
                Outcome::Failed(Failure::of(error))
            }
            Err(panic) => {
                tracing::error!(panic = panic_text(&*panic), "the process panicked");
                process("a bug in rededge, nothing was kept; please report it with the log of the server")
            }
        }
    }

    /// Runs a job, and again after a pause where the system was too short of something: nothing of the run
    /// before is kept.
    fn run_patiently(
        &self,
        job: &Job,
        cancel: &CancelToken,
        reporter: &Reporter,
    ) -> std::thread::Result<Result<(), ProcessError>> {
        let mut pauses = AGAIN.into_iter();
        loop {
            let ran = catch_unwind(AssertUnwindSafe(|| self.host.run(job, reporter, cancel.clone())));
            let Ok(Err(ProcessError::Short { what, reason })) = &ran else { return ran };
            let Some(pause) = pauses.next() else { return ran };
            let seconds = pause.as_secs();
            tracing::warn!(reason, seconds, "the server has {what}; the job is tried again");
            reporter.note(&format!("the server has {what}; it is tried again in {seconds} s"));
            let until = Instant::now() + pause;
            while Instant::now() < until {
                if cancel.is_cancelled() {
                    return Ok(Err(ProcessError::Cancelled));
                }
                std::thread::sleep(TICK);
            }
        }
    }

    /// Writes the end of a run, and says so. Where the store refuses, the clock tries again.
    pub fn conclude(&self, id: &str, outcome: Outcome) {
        let mut state = self.state();
        let Some(running) = state.running.get_mut(id) else { return };
        let fate = running.fate;
        let (written, over) = match (fate, &outcome) {
            (Some(Fate::Dismissed), _) => (Ok(true), true),
            // It ended in time after all: its results are there.
            (_, Outcome::Done) => (self.store.finish(id), true),
            (Some(Fate::PutBack), _) => (Ok(true), false),
            (None, Outcome::Failed(failure)) => (self.store.fail(id, failure), true),
        };
        if let Err(error) = written {
            tracing::error!(job = id, %error, "the end of a job cannot be written; it is tried again");
            running.unwritten = Some(outcome);
            return;
        }
        let took = running.since.elapsed().as_secs_f64();
        if fate.is_none() {
            state.mean_s = Some(state.mean_s.map_or(took, |mean| 0.8 * mean + 0.2 * took));
        }
        // The files first: whoever sees that nothing runs finds none.
        if fate == Some(Fate::Dismissed) {
            drop(state);
            self.clear_away(id);
            state = self.state();
        }
        state.running.remove(id);
        drop(state);
        self.ended.notify_all();
        self.clock.notify_all();
        self.notices.notify_one();
        if over {
            self.announce_by_id(id);
        }
    }

    /// Writes down what a job said since the last time.
    pub fn write_down(&self, id: &str, reporter: &Reporter) {
        if let Some(news) = reporter.news()
            && let Err(error) = self.store.progress(id, news.percent, &news.step, &news.lines)
        {
            tracing::warn!(job = id, %error, "progress is lost");
        }
    }
}
