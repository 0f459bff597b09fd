//! `rededge run PROCESS INPUTS.json --out DIR`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rededge::budget::Limits;
use rededge::ogc::Execute;
use rededge::process::{self, ProcessError};
use serde_json::Value;

use super::Failure;
use super::report::Report;
use super::runner::{Run, WorkArgs};
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
    /// An input in place of the file's, or beside them: `--set seed=7`, `--set model=model.txt`. The
    /// value is JSON, or else a text; paths are relative to the file
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = parse_input)]
    set: Vec<(String, Value)>,
    /// Folder where training keeps its state after each epoch: the same command goes on from there
    /// after an interruption
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// A limit in place of its default, such as `--limit pixels=100000000000`: `pixels` of a raster
    /// (20000000000), `vertices` of the features of an input (20000000), `geometry_vertices` of one
    /// geometry (2000000), `memory_megabytes` for what is held whole (4096)
    #[arg(long, value_name = "NAME=NUMBER", value_parser = parse_limit)]
    limit: Vec<(String, u64)>,
    #[command(flatten)]
    work: WorkArgs,
}

impl Args {
    /// Runs the command.
    pub fn execute(self) -> ExitCode {
        self.work.execute(|report, stop| Ok((self.run(report, stop)?, String::new())))
    }

    fn run(&self, report: &Report, stop: &Stop) -> Result<Vec<PathBuf>, Failure> {
        let process = find(&self.process)?;
        let request = read_request(&self.inputs, &self.set)?;
        let base = self.inputs.parent().unwrap_or(Path::new(""));
        let keep = self.keep.as_deref();
        let mut limits = Limits::default();
        for (name, value) in &self.limit {
            limits.set(name, *value);
        }
        let (out, threads) = (&*self.out, self.work.threads);
        Run { process, request, base, out, threads, keep, limits }.execute(report, stop)
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

fn parse_input(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("is not NAME=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((name.to_owned(), value))
}

fn parse_limit(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("is not NAME=NUMBER")?;
    let value = value.parse().map_err(|_| format!("`{value}` is no whole number"))?;
    if !Limits::default().set(name, value) {
        return Err(format!("there is no limit `{name}` (there are {})", Limits::NAMES.join(", ")));
    }
    Ok((name.to_owned(), value))
}

fn read_request(path: &Path, set: &[(String, Value)]) -> Result<Execute, Failure> {
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let bad = |reason: String| Failure::BadInput(format!("{name}: {reason}"));
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|e| bad(e.to_string()))?;
    let document = serde_json::from_slice(&rededge::text::unmarked(&bytes))
        .map_err(|e| bad(format!("not JSON: {e}")))?;
    let mut request =
        Execute::parse(document).map_err(|(path, message)| ProcessError::malformed(&path, &message))?;
    request.inputs.extend(set.iter().cloned());
    Ok(request)
}
