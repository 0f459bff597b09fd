//! Runs jobs: opens what they name, keeps what they leave.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::collections::Published;
use super::maps::Maps;
use super::metrics::Metrics;
use crate::jobs::{Host, Job, Queue};
use crate::ogc::Execute;
use crate::process::{CancelToken, Context, ProcessError, Progress, find};
use crate::store::collections::is_layer_of_features;
use crate::store::{FeatureIndexes, LocalSink, Offered, STAGING, ServedSource, no_space, plain};

/// Free bytes below which nothing can be written any more.
const NO_SPACE: u64 = 128 << 10;

/// Where jobs run and results stay: a folder a job below the store's folder, written aside and
/// renamed, with a `manifest.json` of what made it.
pub struct RunHost {
    offered: Offered,
    threads: usize,
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
        threads: usize,
        published: Arc<Published>,
        maps: Arc<Maps>,
        metrics: Arc<Metrics>,
        indexes: Arc<FeatureIndexes>,
    ) -> Self {
        Self { offered, threads, metrics, queue: OnceLock::new(), published, maps, indexes }
    }

    /// What requests may name.
    pub fn offered(&self) -> &Offered {
        &self.offered
    }

    /// Removes what runs left that were cut off. Before anything runs.
    pub fn sweep(&self) {
        for folder in folders(&self.offered.results) {
            for half in folders(&folder).filter(|f| named(f).starts_with(STAGING)) {
                remove(&half);
            }
            // Results are there once their list is; of a job that was cut off there are none.
            if uuid::Uuid::parse_str(&named(&folder)).is_ok() && !folder.join("results.json").exists() {
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

    /// A failure, or that there is no space left: whoever wrote, the file system knows.
    fn or_full(&self, error: ProcessError) -> ProcessError {
        match error {
            ProcessError::Failed(reason) if self.is_full() || no_space(&reason) => ProcessError::Full(reason),
            other => other,
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

impl Host for RunHost {
    fn run(&self, job: &Job, progress: &dyn Progress, cancel: CancelToken) -> Result<(), ProcessError> {
        let process = find(&job.process)
            .ok_or_else(|| ProcessError::failed(format_args!("there is no process `{}`", job.process)))?;
        let wrong = |(path, what): (String, String)| ProcessError::input(path, what);
        let request = Execute::parse(job.request.clone()).map_err(wrong)?;
        let formats = request.media_types(&process.describe().outputs).map_err(wrong)?;
        let folder = self.folder(&job.id);
        let sink = LocalSink::create(&folder, request.outputs.keys().cloned())?.in_formats(formats);
        let resolve = |id: &str| self.may_read(id, job.owner.as_deref());
        let source = ServedSource::new(&self.offered, progress, &resolve);
        let context = Context { data: &source, sink: &sink, progress, cancel: cancel.clone() };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads)
            .build()
            .map_err(|e| ProcessError::failed(format_args!("no threads to run on: {e}")))?;
        let span = tracing::Span::current();
        let run = || process.run_json(Value::Object(request.inputs.clone()), &context);
        let run = pool.install(|| span.in_scope(run)).and_then(|()| {
            cancel.check()?;
            sink.file_aside("manifest.json", &manifest(job, sink.staging())?)?;
            Ok(())
        });
        // Asked while what was written is still there.
        run.map_err(|error| self.or_full(error))?;
        let files = sink.commit().map_err(|error| self.or_full(error.into()))?;
        // Results of features answer at once when they are first asked for.
        for file in files.iter().filter(|file| is_layer_of_features(file)) {
            progress.step("put features into columns", 0);
            if let Err(error) = self.indexes.of(file) {
                tracing::warn!(job = job.id, %error, "results are not in columns");
            }
        }
        Ok(())
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
