//! The queue: takes jobs, hands them to workers, and tells how they stand.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::model::now;
use super::workers::{Fate, Shared, Waiting, guarded};
use super::{
    Failure, Filter, Job, JobStatus, JobsError, LogLine, NewJob, Notice, Page, Store, SubmitError,
    Subscription, Untold,
};
use crate::process::{CancelToken, ProcessError, Progress};

/// What a restart says of a job that was running.
const STOPPED: &str = "the server stopped while it ran";
/// What a job says that waits for the next start.
const PUT_BACK: &str = "the server stopped while it ran; it runs again at the next start";
/// Threads that tell subscribers: one that answers slowly does not keep all others waiting.
const MESSENGERS: usize = 2;
/// How long workers have to come out once their runs are cancelled.
const WAY_OUT: Duration = Duration::from_secs(5);

/// Where jobs meet the rest: opens data, keeps results, tells callers. Everything is called without
/// any lock of the queue held; a panic in it ends the job at most.
pub trait Host: Send + Sync {
    /// Runs the job and commits its results under its id, all or none. Looks at the token (or hands
    /// it to the process) several times a second.
    ///
    /// # Errors
    /// As [`crate::process::Process::run`].
    fn run(&self, job: &Job, progress: &dyn Progress, cancel: CancelToken) -> Result<(), ProcessError>;

    /// Ids under which something has been kept for so long that a job must be there which needs it: what no
    /// job needs is forgotten.
    fn kept(&self) -> Vec<String> {
        Vec::new()
    }

    /// Removes whatever is kept under this id; may be called again, or for what was never there.
    fn forget(&self, id: &str);

    /// A job that was over is dismissed or removed: nothing of it is to be seen any more, even where
    /// another job still shares its results.
    fn vanished(&self, _id: &str) {}

    /// A job is over (successful, failed or dismissed), for callbacks and counters. Called one by
    /// one on a thread of its own.
    fn finished(&self, _job: &Job) {}

    /// Tells somebody what happened to a job. Called from a thread of its own, and again later where
    /// the failure may pass.
    ///
    /// # Errors
    /// [`Untold`].
    fn notify(&self, _notice: &Notice, _job: &Job) -> Result<(), Untold> {
        Ok(())
    }

    /// Whether a job that ran when the server stopped can go on from what it kept.
    fn resumable(&self, _job: &Job) -> bool {
        false
    }

    /// Whether the results of this successful job are still there to be shared.
    fn has_results(&self, _job: &Job) -> bool {
        true
    }
}

/// How much the queue takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Jobs that run at a time, at least 1.
    pub workers: usize,
    /// Jobs that may wait beside those that a free worker takes at once.
    pub waiting: usize,
    /// Jobs of one owner that may wait or run; 0 is any number. Jobs without an owner have no quota.
    pub per_owner: usize,
    /// How long a job that is over is kept with its results; `None` is for good.
    pub retention: Option<Duration>,
    /// How often it is looked for such jobs.
    pub sweep_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            workers: 1,
            waiting: 100,
            per_owner: 10,
            retention: Some(Duration::from_hours(7 * 24)),
            sweep_every: Duration::from_mins(1),
        }
    }
}

/// How busy the queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Jobs that wait.
    pub waiting: usize,
    /// Jobs that hold a worker, those included that are on their way out.
    pub running: usize,
    /// Workers.
    pub workers: usize,
}

/// A bounded queue over a store, with its workers. Dropped, it shuts down without grace.
pub struct Queue {
    shared: Arc<Shared>,
    threads: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

impl Queue {
    /// Starts the workers. Jobs that were waiting when the store was last open run again, in their
    /// order; of those that ran, the host resumes which it can and the others are failed.
    ///
    /// # Errors
    /// [`JobsError::Database`]; [`JobsError::Threads`].
    pub fn start(store: Store, host: Arc<dyn Host>, limits: Limits) -> Result<Self, JobsError> {
        let limits = Limits { workers: limits.workers.max(1), ..limits };
        let (shared, news) = Shared::new(store, host, limits);
        let shared = Arc::new(shared);
        recover(&shared)?;
        let mut queue = Self { shared, threads: std::sync::Mutex::default() };
        for k in 0..limits.workers {
            queue.spawn(format!("job-{k}"), Shared::work)?;
        }
        queue.spawn("job-clock".to_owned(), Shared::keep_time)?;
        queue.spawn("job-news".to_owned(), move |shared| shared.tell(&news))?;
        for k in 0..MESSENGERS {
            queue.spawn(format!("job-notices-{k}"), Shared::notify)?;
        }
        Ok(queue)
    }

    fn spawn(&mut self, name: String, work: impl FnOnce(&Shared) + Send + 'static) -> Result<(), JobsError> {
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name(name).spawn(move || work(&shared));
        let threads = self.threads.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        threads.push(thread.map_err(JobsError::Threads)?);
        Ok(())
    }

    /// Takes a job: its row is written, then it waits for a worker. Where a job of the same owner,
    /// process and version asked for the same and succeeded, the new one shares its results and is
    /// successful at once, unless it is to be fresh.
    ///
    /// # Errors
    /// [`SubmitError`]; then nothing is recorded.
    pub fn submit(&self, mut new: NewJob) -> Result<Job, SubmitError> {
        let (fresh, subscriber) = (new.fresh, new.subscriber.take());
        let mut job = Job::accepted(new);
        if !self.shared.state().open {
            return Err(SubmitError::Stopping);
        }
        if !fresh && let Some(shared) = self.share(&job, subscriber.as_ref())? {
            self.shared.announce(&shared);
            return Ok(shared);
        }
        let limits = self.shared.limits;
        let mut state = self.shared.state();
        if !state.open {
            return Err(SubmitError::Stopping);
        }
        if let Some(owner) = &job.owner
            && limits.per_owner > 0
            && state.of_owner(owner) >= limits.per_owner
        {
            return Err(SubmitError::Quota { limit: limits.per_owner });
        }
        let free = limits.workers.saturating_sub(state.running.len());
        if state.waiting.len() >= limits.waiting.saturating_add(free) {
            return Err(SubmitError::Full { retry_after_s: state.retry_after_s(limits.workers) });
        }
        // Times in the order of numbers, as both order lists.
        job.created = now();
        job.updated = job.created;
        self.shared.store.insert(&job, subscriber.as_ref())?;
        state.waiting.push_back(Waiting::of(&job));
        drop(state);
        self.shared.work.notify_one();
        Ok(job)
    }

    /// The job as one that shares the results of an equal one, recorded, where there is such.
    fn share(&self, job: &Job, subscriber: Option<&Subscription>) -> Result<Option<Job>, JobsError> {
        let Some(original) = self.shared.store.find_same(job)? else { return Ok(None) };
        if guarded(|| self.shared.host.has_results(&original)) != Some(true) {
            return Ok(None);
        }
        let shared = job.clone().sharing(&original);
        Ok(self.shared.store.insert_sharing(&shared, subscriber)?.then_some(shared))
    }

    /// The job with this id, with its request.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn get(&self, id: &str) -> Result<Option<Job>, JobsError> {
        self.shared.store.get(id)
    }

    /// Jobs by a filter, newest first.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn list(&self, filter: &Filter) -> Result<Page, JobsError> {
        self.shared.store.list(filter)
    }

    /// Lines of a job's log from this number on, at most `limit`.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn log(&self, id: &str, from: u64, limit: usize) -> Result<Vec<LogLine>, JobsError> {
        self.shared.store.log(id, from, limit)
    }

    /// How many jobs there are in each state.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn states(&self) -> Result<Vec<(JobStatus, u64)>, JobsError> {
        self.shared.store.states()
    }

    /// Whether rows can be written.
    ///
    /// # Errors
    /// [`JobsError::Database`] where not.
    pub fn touch(&self) -> Result<(), JobsError> {
        self.shared.store.touch()
    }

    /// Whether jobs are taken: the queue is open and none of its threads has ended.
    pub fn is_alive(&self) -> bool {
        let threads = self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.shared.state().open && !threads.iter().any(JoinHandle::is_finished)
    }

    /// How busy the queue is.
    pub fn load(&self) -> Load {
        let state = self.shared.state();
        Load {
            waiting: state.waiting.len(),
            running: state.running.len(),
            workers: self.shared.limits.workers,
        }
    }

    /// Jobs that were dismissed longer ago than this and still hold a worker.
    pub fn deaf(&self, grace: Duration) -> Vec<String> {
        let state = self.shared.state();
        let late = state.running.iter().filter(|(_, job)| job.told.is_some_and(|at| at.elapsed() > grace));
        late.map(|(id, _)| id.clone()).collect()
    }

    /// Waits until the job is over, at most so long, and tells how it stands then; `None` where
    /// there is no such job.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn wait(&self, id: &str, patience: Duration) -> Result<Option<Job>, JobsError> {
        let start = Instant::now();
        let mut state = self.shared.state();
        while state.is_active(id) {
            let left = patience.saturating_sub(start.elapsed());
            if left.is_zero() {
                break;
            }
            state = self.shared.wait_for_end(state, left);
        }
        drop(state);
        self.shared.store.get(id)
    }

    /// Gives a job up: one that waits never runs; one that runs is told to stop; the results of one
    /// that is over are removed, unless others share them. Tells the job as it stands then; `None`
    /// where there is no such job.
    ///
    /// # Errors
    /// [`JobsError::Database`]; then nothing has changed.
    pub fn dismiss(&self, id: &str) -> Result<Option<Job>, JobsError> {
        let mut state = self.shared.state();
        let waited = state.waiting.iter().position(|w| w.id == id);
        let changed = self.shared.store.dismiss(id)?;
        if let Some(place) = waited {
            state.waiting.remove(place);
        }
        let runs = state.running.get_mut(id).map(|running| {
            running.fate = Some(Fate::Dismissed);
            running.told.get_or_insert_with(Instant::now);
            running.cancel.cancel();
        });
        drop(state);
        self.shared.ended.notify_all();
        let job = self.shared.store.get(id)?;
        // What still runs is cleared away by its worker, on its way out.
        if let Some(job) = job.as_ref().filter(|_| changed && runs.is_none()) {
            self.shared.clear_away(job.results_id());
            let _ = guarded(|| self.shared.host.vanished(&job.id));
            if waited.is_some() {
                self.shared.announce(job);
            }
        }
        self.shared.notices.notify_all();
        Ok(job)
    }

    /// Takes no more jobs. Those that wait stay in the store for the next start; those that run have
    /// so long to end, then they are cancelled and wait for the next start too. Tells whether all
    /// workers are out.
    pub fn shutdown(&self, grace: Duration) -> bool {
        let mut state = self.shared.state();
        state.open = false;
        state.waiting.clear();
        drop(state);
        self.shared.work.notify_all();
        self.shared.clock.notify_all();
        self.shared.ended.notify_all();
        self.shared.notices.notify_all();
        if !self.shared.wait_for_all(grace) {
            let mut state = self.shared.state();
            for (id, running) in state.running.iter_mut().filter(|(_, running)| running.fate.is_none()) {
                if let Err(error) = self.shared.store.put_back(id, PUT_BACK) {
                    tracing::error!(job = id, %error, "a job could not be put back");
                }
                running.fate = Some(Fate::PutBack);
                running.cancel.cancel();
            }
            drop(state);
            self.shared.ended.notify_all();
        }
        let out = self.shared.wait_for_all(WAY_OUT);
        self.shared.hang_up();
        let mut threads = self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let deadline = Instant::now() + if out { WAY_OUT } else { Duration::ZERO };
        while threads.iter().any(|t| !t.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        for thread in threads.extract_if(.., |t| t.is_finished()) {
            let _ = thread.join();
        }
        out && threads.is_empty()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shutdown(Duration::ZERO);
    }
}

/// Takes up what an earlier process left.
fn recover(shared: &Shared) -> Result<(), JobsError> {
    let mut waiting = Vec::new();
    for job in shared.store.unfinished()? {
        // With its request: what cannot be read cannot run.
        let Some(job) = shared.store.get(&job.id)? else { continue };
        if let Some(damaged) = &job.failure {
            shared.store.fail(&job.id, damaged)?;
            shared.clear_away(&job.id);
            shared.announce_by_id(&job.id);
            continue;
        }
        if job.state == JobStatus::Running {
            if guarded(|| shared.host.resumable(&job)) == Some(true) {
                shared.store.put_back(&job.id, "goes on from what it kept when the server stopped")?;
            } else {
                shared.store.fail(&job.id, &Failure::Interrupted { reason: STOPPED.to_owned() })?;
                shared.clear_away(&job.id);
                shared.announce_by_id(&job.id);
                continue;
            }
        }
        waiting.push(Waiting::of(&job));
    }
    shared.state().waiting.extend(waiting);
    Ok(())
}
