//! Runs jobs: opens what they name, keeps what they leave.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::budget;
use super::collections::{Published, facts};
use super::config::{ConfigError, ServerConfig};
use super::maps::Maps;
use super::metrics::Metrics;
use crate::budget::{Budget, Limits};
use crate::io::fetch::{Caps, Fetcher, Stop};
use crate::io::guard::Hosts;
use crate::io::isolate::Reader;
use crate::jobs::{Host, Job, Notice, Queue, Untold};
use crate::ogc::Execute;
use crate::process::{CancelToken, Context, ProcessError, Progress, find};
use crate::store::collections::{Asked, is_layer_of_features};
use crate::store::{
    FeatureIndexes, Identity, LocalSink, Offered, Runs, STAGING, ServedSource, Shortage, plain, result_of,
};

/// Free bytes below which nothing can be written any more.
const NO_SPACE: u64 = 128 << 10;
/// How long a folder of results may be without a job: that of a job is never.
const GRACE: Duration = Duration::from_hours(1);

/// What a job may reach beyond what is offered.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Hosts that links lead to.
    pub hosts: Arc<Hosts>,
    /// What one request may have fetched.
    pub caps: Caps,
    /// Where it is kept while the job runs.
    pub folder: PathBuf,
    /// What a job may take.
    pub limits: Limits,
    /// Reads files that came by value or by link.
    pub reader: Reader,
    /// Megabytes of results that a callback may hold.
    pub inline_megabytes: usize,
}

impl Reach {
    /// As the operator has it, with the folder of the store.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] naming `links`.
    pub fn of(config: &ServerConfig, store: &Path) -> Result<Self, ConfigError> {
        let wrong = |reason| ConfigError::Wrong { path: "links".to_owned(), reason };
        let hosts = config.links.hosts().map_err(wrong)?;
        let (caps, folder) = (config.links.caps(), store.join("fetched"));
        let (limits, reader) = (&config.limits, Reader::new(config.reader.limits()));
        let inline_megabytes = limits.inline_megabytes;
        Ok(Self { hosts, caps, folder, limits: limits.of_a_job(), reader, inline_megabytes })
    }
}

/// Where jobs run and results stay: a folder a job below the store's folder, written aside and
/// renamed, with a `manifest.json` of what made it.
pub struct RunHost {
    offered: Offered,
    reach: Reach,
    threads: usize,
    /// Threads of jobs that are over, for the next: new ones a job would leave the allocator an arena each.
    idle: Mutex<Vec<rayon::ThreadPool>>,
    metrics: Arc<Metrics>,
    queue: OnceLock<Weak<Queue>>,
    published: Arc<Published>,
    maps: Arc<Maps>,
    indexes: Arc<FeatureIndexes>,
}

impl RunHost {
    /// A host over what is offered, with so many threads a job.
    pub fn new(
        offered: Offered,
        reach: Reach,
        threads: usize,
        published: Arc<Published>,
        maps: Arc<Maps>,
        metrics: Arc<Metrics>,
        indexes: Arc<FeatureIndexes>,
    ) -> Self {
        Self {
            offered,
            reach,
            threads,
            idle: Mutex::default(),
            metrics,
            queue: OnceLock::new(),
            published,
            maps,
            indexes,
        }
    }

    /// Hosts that links may lead to.
    pub fn hosts(&self) -> &Hosts {
        &self.reach.hosts
    }

    /// What reads what comes by value or by link.
    pub fn reader(&self) -> &Reader {
        &self.reach.reader
    }

    /// Whether this is the name of a file or cube.
    pub fn offers(&self, name: &str) -> bool {
        self.offered.file(name).is_some() || self.offered.cube(name).is_some()
    }

    /// Whether a link leads to a result that `owner` may read.
    pub fn is_result(&self, href: &str, owner: Option<&str>) -> bool {
        result_of(href).is_some_and(|(job, _)| self.may_read(job, owner).is_some())
    }

    /// How the data looks that a request names.
    pub fn identity(&self, request: &Execute, owner: Option<&str>) -> Identity {
        Identity::of(&request.inputs, &self.offered, &|href| self.is_result(href, owner))
    }

    /// What requests may name.
    pub fn offered(&self) -> &Offered {
        &self.offered
    }

    /// Removes what runs left that were cut off. Before anything runs.
    pub fn sweep(&self) {
        // What runs had fetched that were cut off.
        let _ = std::fs::remove_dir_all(&self.reach.folder);
        for folder in folders(&self.offered.results) {
            for half in folders(&folder).filter(|f| named(f).starts_with(STAGING)) {
                remove(&half);
            }
            // Results are there once their list is; of a job that was cut off there are none.
            if is_job_id(&named(&folder)) && !folder.join("results.json").exists() {
                remove(&folder);
            }
        }
    }

    /// Tells whom to ask about other jobs.
    pub fn ask(&self, queue: &Arc<Queue>) {
        let _ = self.queue.set(Arc::downgrade(queue));
    }

    /// The folder of a job's results.
    pub fn folder(&self, results_id: &str) -> PathBuf {
        self.offered.results.join(results_id)
    }

    /// Threads for a job of its own: those of another must not lend it theirs.
    fn pool(&self) -> Result<rayon::ThreadPool, ProcessError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let new = || rayon::ThreadPoolBuilder::new().num_threads(self.threads).build();
        idle.map_or_else(new, Ok).map_err(|e| ProcessError::failed(format_args!("no threads to run on: {e}")))
    }

    /// Follows links for a job, where any is followed, until it is stopped.
    fn fetcher(&self, cancel: &CancelToken) -> Option<Fetcher> {
        if self.reach.hosts.is_empty() {
            return None;
        }
        Some(Fetcher::guarded(self.reach.hosts.clone(), self.reach.caps).stopping(stop(cancel)))
    }

    /// A failure, or that the system has too little of something: no space (whoever wrote, the file system
    /// knows), no descriptors, no memory. Then an input that cannot be read is no mistake of the caller.
    fn or_short(&self, error: ProcessError) -> ProcessError {
        let (ProcessError::Failed(reason) | ProcessError::Input { message: reason, .. }) = &error else {
            return error;
        };
        let failed = matches!(error, ProcessError::Failed(_));
        match Shortage::of_text(reason) {
            Some(short) if short.passes() => {
                ProcessError::Short { what: short.words(), reason: reason.clone() }
            }
            Some(_) if failed => ProcessError::Full(reason.clone()),
            _ if failed && self.is_full() => ProcessError::Full(reason.clone()),
            _ => error,
        }
    }

    fn is_full(&self) -> bool {
        fs4::available_space(&self.offered.results).is_ok_and(|free| free < NO_SPACE)
    }

    /// The job's results are there and belong to `owner`.
    fn may_read(&self, id: &str, owner: Option<&str>) -> Option<String> {
        let queue = self.queue.get()?.upgrade()?;
        let job = queue.get(id).ok()??;
        (job.owner.as_deref() == owner).then(|| job.results_id().to_owned())
    }
}

/// Says when a job is not wanted any more.
fn stop(cancel: &CancelToken) -> Stop {
    let cancel = cancel.clone();
    Arc::new(move || cancel.is_cancelled())
}

impl RunHost {
    fn run_once(&self, job: &Job, progress: &dyn Progress, cancel: CancelToken) -> Result<(), ProcessError> {
        let process = find(&job.process)
            .ok_or_else(|| ProcessError::failed(format_args!("there is no process `{}`", job.process)))?;
        let wrong = |(path, what): (String, String)| ProcessError::input(path, what);
        let mut request = Execute::parse(job.request.clone()).map_err(wrong)?;
        let description = process.describe();
        let formats = request.media_types(&description.outputs).map_err(wrong)?;
        let folder = self.folder(&job.id);
        let seen = self.published.growing().begin(Runs {
            job: facts(job),
            owner: job.owner.clone(),
            asked: Asked::of(&job.request),
            cancel: cancel.clone(),
        });
        let sink = LocalSink::create(&folder, request.outputs.keys().cloned())?;
        let budget = Budget::new(self.reach.limits);
        let sink = sink.in_formats(formats).seen(seen.job()).within(budget.clone());
        let resolve = |id: &str| self.may_read(id, job.owner.as_deref());
        let source = ServedSource::new(&self.offered, progress, &resolve)
            .following(self.fetcher(&cancel), &self.reach.folder)
            .reading_by(self.reach.reader.stopping(stop(&cancel)))
            .within(budget.clone(), budget::maps(&description));
        for link in request.references(&description.inputs) {
            progress.step("fetch", 0);
            let bytes = source.content(&link.input, &link.href, link.media_type.as_deref());
            cancel.check()?;
            request
                .put(&link, &bytes.map_err(|e| source.told(self.or_short(e)))?, &description.inputs)
                .map_err(wrong)?;
        }
        let context = Context::new(&source, &sink, progress, cancel.clone()).within(budget);
        let pool = self.pool()?;
        let span = tracing::Span::current();
        let run = move || process.run_json(Value::Object(request.inputs), &context);
        let run = pool.install(|| span.in_scope(run)).and_then(|()| {
            sink.file_aside("manifest.json", &manifest(job, sink.staging())?)?;
            Ok(())
        });
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(pool);
        cancel.check()?;
        // Asked while what was written is still there.
        run.map_err(|error| source.told(self.or_short(error)))?;
        let files = sink.commit()?;
        // Results of features answer at once when they are first asked for.
        for file in files.iter().filter(|file| is_layer_of_features(file)) {
            progress.step("put features into columns", 0);
            if let Err(error) = self.indexes.of(file) {
                tracing::warn!(job = job.id, %error, "results are not in columns");
            }
        }
        Ok(())
    }
}

impl Host for RunHost {
    fn run(&self, job: &Job, progress: &dyn Progress, cancel: CancelToken) -> Result<(), ProcessError> {
        self.run_once(job, progress, cancel).map_err(|error| self.or_short(error))
    }

    fn kept(&self) -> Vec<String> {
        let old = |folder: &PathBuf| {
            let changed = std::fs::metadata(folder).and_then(|found| found.modified());
            changed.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > GRACE))
        };
        let mut ids: Vec<String> = folders(&self.offered.results).filter(old).map(|f| named(&f)).collect();
        ids.retain(|name| is_job_id(name));
        ids
    }

    fn notify(&self, notice: &Notice, job: &Job) -> Result<(), Untold> {
        let folder = self.folder(job.results_id());
        super::callbacks::send(notice, job, &folder, self.reach.inline_megabytes, self.reach.hosts.clone())
    }

    fn forget(&self, id: &str) {
        if plain(id) {
            let _ = std::fs::remove_dir_all(self.folder(id));
            self.published.forget(id);
            self.maps.forget(&self.folder(id));
        }
    }

    fn vanished(&self, _id: &str) {
        self.published.vanished();
    }

    fn finished(&self, job: &Job) {
        self.metrics.job_over(job);
        self.published.describe(job);
    }

    fn has_results(&self, job: &Job) -> bool {
        self.folder(job.results_id()).join("results.json").is_file()
    }
}

/// Folders in a folder.
fn folders(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

fn named(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a folder of this name is one of a job: others are somebody else's.
fn is_job_id(name: &str) -> bool {
    uuid::Uuid::parse_str(name).is_ok_and(|id| id.to_string() == name)
}

fn remove(folder: &Path) {
    match std::fs::remove_dir_all(folder) {
        Ok(()) => tracing::info!(folder = named(folder), "removed what an interrupted run left"),
        Err(error) => tracing::warn!(folder = named(folder), %error, "cannot be removed"),
    }
}

/// What made the results: process, version, inputs, and the hash of every file.
fn manifest(job: &Job, staging: &Path) -> Result<Vec<u8>, ProcessError> {
    let mut files = serde_json::Map::new();
    let entries = std::fs::read_dir(staging).map_err(ProcessError::failed)?;
    let mut paths: Vec<PathBuf> =
        entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_file()).collect();
    paths.sort();
    for path in paths {
        let mut hash = Sha256::new();
        let mut file = std::fs::File::open(&path).map_err(ProcessError::failed)?;
        std::io::copy(&mut file, &mut hash).map_err(ProcessError::failed)?;
        let hex: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.insert(name, json!({"sha256": hex}));
    }
    let manifest = json!({
        "job": job.id, "process": job.process, "version": job.version, "created": job.created,
        "request": job.request, "files": files,
    });
    serde_json::to_vec_pretty(&manifest).map_err(ProcessError::failed)
}
