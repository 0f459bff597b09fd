//! Runs one process into one folder, on a bounded pool, with everything or nothing written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rededge::budget::{Budget, Limits};
use rededge::ogc::Execute;
use rededge::process::{Context, DynProcess, ProcessError, Progress};
use rededge::store::{LocalSink, LocalSource};

use super::Failure;
use super::report::{Report, ReportArgs};
use super::stop::Stop;

/// What every command that works for long can be told.
#[derive(clap::Args, Clone, Debug)]
pub struct WorkArgs {
    /// Number of threads (all cores where not given); the results do not depend on it
    #[arg(long, short, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub threads: Option<usize>,
    #[command(flatten)]
    pub report: ReportArgs,
}

impl WorkArgs {
    /// Works, and tells how it went. The work returns the files to name and what else there is to
    /// say at the end.
    pub fn execute(
        &self,
        work: impl FnOnce(&Report, &Stop) -> Result<(Vec<PathBuf>, String), Failure>,
    ) -> ExitCode {
        let report = Report::start(&self.report);
        let stop = Stop::install();
        match work(&report, &stop) {
            Ok((files, told)) => {
                report.finish(&files);
                if !self.report.quiet && !told.is_empty() {
                    eprintln!("{told}");
                }
                ExitCode::SUCCESS
            }
            Err(failure) => {
                report.fail(&failure);
                ExitCode::from(failure.exit_code())
            }
        }
    }
}

/// A run: which process, on what, where to.
pub struct Run<'a> {
    /// The process.
    pub process: &'static dyn DynProcess,
    /// Its inputs and wanted outputs.
    pub request: Execute,
    /// Relative paths of the inputs start here.
    pub base: &'a Path,
    /// The folder of the results.
    pub out: &'a Path,
    /// Threads; all cores where `None`.
    pub threads: Option<usize>,
    /// Where an interrupted run keeps what it needs to go on.
    pub keep: Option<&'a Path>,
    /// What it may take.
    pub limits: Limits,
}

impl Run<'_> {
    /// Runs, and returns the files that were written, `results.json` last.
    pub fn execute(self, progress: &dyn Progress, stop: &Stop) -> Result<Vec<PathBuf>, Failure> {
        let known = self.process.describe().outputs;
        if let Some(unknown) = self.request.outputs.keys().find(|name| !known.contains_key(*name)) {
            let names = known.keys().cloned().collect::<Vec<_>>().join(", ");
            let message = format!("{} has no such output (it has {names})", self.process.id());
            return Err(ProcessError::input(format!("outputs.{unknown}"), message).into());
        }
        let formats = self.request.media_types(&known).map_err(|(at, what)| ProcessError::input(at, what))?;
        let inputs = serde_json::Value::Object(self.request.inputs);
        self.process.check_json(&inputs, &[]).map_err(ProcessError::from)?;
        let pool = pool(self.threads)?;
        let budget = Budget::new(self.limits);
        let sink = LocalSink::create(self.out, self.request.outputs.keys().cloned())
            .map_err(|e| Failure::Failed(e.to_string()))?
            .keeping(self.keep)
            .in_formats(formats)
            .within(budget.clone());
        stop.guard(Some(sink.staging()));
        // What waits to be put in order (FlatGeobuf) waits where there is room for the result.
        let _ = tempfile::env::override_temp_dir(self.out);
        let source = LocalSource::new(self.base, progress).within(budget.clone());
        let context = Context::new(&source, &sink, progress, stop.token.clone()).within(budget);
        let run = AssertUnwindSafe(|| pool.install(|| self.process.run_json(inputs, &context)));
        catch_unwind(run).unwrap_or_else(|panic| Err(ProcessError::failed(panic_text(&*panic))))?;
        stop.token.check()?;
        // From here on the hidden folder may hold what was there before.
        stop.guard(None);
        sink.commit().map_err(|e| Failure::Failed(e.to_string()))
    }
}

/// Threads to work on; all cores where `None`.
pub fn pool(threads: Option<usize>) -> Result<rayon::ThreadPool, Failure> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .thread_name(|i| format!("rededge-{i}"))
        .build()
        .map_err(|e| Failure::Failed(format!("no threads to run on: {e}")))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    format!("a bug in rededge, nothing was written; please report it: {text}")
}
