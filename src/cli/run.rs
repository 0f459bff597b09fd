//! `rededge run PROCESS INPUTS.json --out DIR`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rededge::ogc::Execute;
use rededge::process::{self, ProcessError};

use super::Failure;
use super::report::{Report, ReportArgs};
use super::runner::Run;
use super::stop::Stop;

/// Run a process on the inputs of a JSON file
///
/// The file holds the inputs as an object, or an execute request of OGC API - Processes
/// (`{"inputs": {..}, "outputs": {..}}`); `-` reads it from standard input. Paths in it are
/// relative to the file. Each output becomes DIR/<output>.<ext>, and DIR/results.json lists them.
/// Exit codes: 0 done, 1 failed or cancelled (nothing is written), 2 bad input.
#[derive(clap::Args)]
pub struct Args {
    /// Id of the process; `rededge describe` lists them
    process: String,
    /// JSON file of the inputs, or `-`
    inputs: PathBuf,
    /// Folder of the results; made where it is missing
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
    /// Number of threads (all cores where not given); the results do not depend on it
    #[arg(long, short, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1024))]
    threads: Option<usize>,
    #[command(flatten)]
    report: ReportArgs,
}

impl Args {
    /// Runs the command.
    pub fn execute(self) -> ExitCode {
        let report = Report::start(&self.report);
        let stop = Stop::install();
        match self.run(&report, &stop) {
            Ok(files) => {
                report.finish(&files);
                ExitCode::SUCCESS
            }
            Err(failure) => {
                report.fail(&failure);
                ExitCode::from(failure.exit_code())
            }
        }
    }

    fn run(&self, report: &Report, stop: &Stop) -> Result<Vec<PathBuf>, Failure> {
        let process = find(&self.process)?;
        let request = read_request(&self.inputs)?;
        let base = self.inputs.parent().unwrap_or(Path::new(""));
        Run { process, request, base, out: &self.out, threads: self.threads }.execute(report, stop)
    }
}

/// The process of this id.
pub fn find(id: &str) -> Result<&'static dyn process::DynProcess, Failure> {
    process::find(id).ok_or_else(|| {
        let hint = process::suggest(id).map_or_else(
            || "`rededge describe` lists them".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Failure::BadInput(format!("there is no process `{id}`; {hint}"))
    })
}

fn read_request(path: &Path) -> Result<Execute, Failure> {
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let bad = |reason: String| Failure::BadInput(format!("{name}: {reason}"));
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|e| bad(e.to_string()))?;
    let document = serde_json::from_str(&text).map_err(|e| bad(format!("not JSON: {e}")))?;
    Execute::parse(document).map_err(|(path, message)| ProcessError::malformed(&path, &message).into())
}
