//! What the user is told while a run goes on: bars on a terminal, one line a step in a pipe, or
//! JSON lines. All of it on standard error.

use std::io::IsTerminal as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rededge::process::Progress;

use super::Failure;

/// How often a JSON log tells the progress of a step.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What every command that runs something can be told.
#[derive(clap::Args, Clone, Debug)]
pub struct ReportArgs {
    /// Text for people, or one JSON object a line
    #[arg(long, value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// Say nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// Tells how far a run is.
#[derive(Debug)]
pub struct Report {
    look: Look,
    start: Instant,
    step: Mutex<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Quiet,
    Bars,
    Lines,
    Json,
}

#[derive(Debug)]
struct Step {
    name: String,
    total: u64,
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Report {
    /// Chooses the look and starts the log (level from `RUST_LOG`).
    pub fn start(args: &ReportArgs) -> Self {
        let look = match (args.log_format, args.quiet) {
            (LogFormat::Json, _) => Look::Json,
            (LogFormat::Text, true) => Look::Quiet,
            (LogFormat::Text, false) if std::io::stderr().is_terminal() => Look::Bars,
            (LogFormat::Text, false) => Look::Lines,
        };
        let level = match (look, args.quiet) {
            (Look::Json, false) => "info",
            (Look::Json, true) | (Look::Quiet, _) => "error",
            _ => "warn",
        };
        let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| level.into());
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        // A second start in one process keeps the first log.
        let _ = if look == Look::Json {
            log.json().flatten_event(true).with_target(false).try_init()
        } else {
            log.with_target(false).without_time().try_init()
        };
        let start = Instant::now();
        let step = Mutex::new(Step { name: String::new(), total: 0, bar: None, told: start });
        Self { look, start, step }
    }

    /// Ends the last step and tells where the results are.
    pub fn finish(&self, files: &[std::path::PathBuf]) {
        self.close();
        let seconds = self.start.elapsed().as_secs_f64();
        match self.look {
            Look::Quiet => {}
            Look::Json => {
                let files: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
                tracing::info!(seconds, files = %files.join(" "), "done");
            }
            Look::Bars | Look::Lines => {
                eprintln!("done in {seconds:.1} s:");
                for file in files {
                    eprintln!("  {}", file.display());
                }
            }
        }
    }

    /// Tells why the command failed.
    pub fn fail(&self, failure: &Failure) {
        self.close();
        if self.look == Look::Json {
            tracing::error!(exit = failure.exit_code(), "{failure}");
        } else {
            eprintln!("error: {failure}");
        }
    }

    fn close(&self) {
        if let Some(bar) = self.lock().bar.take() {
            bar.finish();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Step> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Report {
    fn step(&self, name: &str, total: u64) {
        self.close();
        let mut step = self.lock();
        name.clone_into(&mut step.name);
        step.total = total;
        step.told = Instant::now();
        match self.look {
            Look::Quiet => {}
            Look::Json => tracing::info!(step = name, total, "step"),
            Look::Lines => {
                let count = if total > 1 { format!(" ({total})") } else { String::new() };
                eprintln!("[{:7.1} s] {name}{count}", self.start.elapsed().as_secs_f64());
            }
            Look::Bars => {
                let (bar, template) = if total > 0 {
                    (ProgressBar::new(total), "{elapsed:>4} {msg:<32} [{bar:32}] {pos}/{len}, {eta} left")
                } else {
                    (ProgressBar::new_spinner(), "{elapsed:>4} {msg:<32} {spinner}")
                };
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style.progress_chars("=> "));
                }
                bar.set_message(name.to_owned());
                bar.enable_steady_tick(Duration::from_millis(200));
                step.bar = Some(bar);
            }
        }
    }

    fn done(&self, units: u64) {
        let mut step = self.lock();
        if let Some(bar) = &step.bar {
            bar.set_position(units);
        } else if self.look == Look::Json && step.told.elapsed() >= TELL_EVERY {
            step.told = Instant::now();
            tracing::info!(step = step.name, done = units, total = step.total, "progress");
        }
    }

    fn note(&self, message: &str) {
        let step = self.lock();
        match (self.look, &step.bar) {
            (Look::Quiet, _) => {}
            (Look::Json, _) => tracing::warn!(step = step.name, "{message}"),
            (_, Some(bar)) => bar.suspend(|| eprintln!("note: {message}")),
            (_, None) => eprintln!("note: {message}"),
        }
    }
}
