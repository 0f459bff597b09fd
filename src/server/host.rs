//! Runs jobs: opens what they name, keeps what they leave.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::collections::Published;
use super::maps::Maps;
use crate::jobs::{Host, Job, Queue};
use crate::ogc::Execute;
use crate::process::{CancelToken, Context, ProcessError, Progress, find};
use crate::store::{LocalSink, Offered, ServedSource, plain};

/// Where jobs run and results stay: a folder a job below the store's folder, written aside and
/// renamed, with a `manifest.json` of what made it.
pub struct RunHost {
    offered: Offered,
    threads: usize,
    queue: OnceLock<Weak<Queue>>,
    published: Arc<Published>,
    maps: Arc<Maps>,
}

impl RunHost {
    /// A host over what is offered, with so many threads a job.
    pub fn new(offered: Offered, threads: usize, published: Arc<Published>, maps: Arc<Maps>) -> Self {
        Self { offered, threads, queue: OnceLock::new(), published, maps }
    }

    /// Tells whom to ask about other jobs.
    pub fn ask(&self, queue: &Arc<Queue>) {
        let _ = self.queue.set(Arc::downgrade(queue));
    }

    /// What requests may name.
    pub fn offered(&self) -> &Offered {
        &self.offered
    }

    /// The folder of a job's results.
    pub fn folder(&self, results_id: &str) -> PathBuf {
        self.offered.results.join(results_id)
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
        let run = pool.install(|| process.run_json(Value::Object(request.inputs.clone()), &context));
        if let Err(ProcessError::Failed(reason)) = &run {
            tracing::error!(job = job.id, process = job.process, reason, "the process failed");
        }
        run?;
        cancel.check()?;
        sink.file_aside("manifest.json", &manifest(job, sink.staging())?)?;
        sink.commit()?;
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

    fn has_results(&self, job: &Job) -> bool {
        self.folder(job.results_id()).join("results.json").is_file()
    }
}

/// What made the results: process, version, inputs, and the hash of every file.
fn manifest(job: &Job, staging: &std::path::Path) -> Result<Vec<u8>, ProcessError> {
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
