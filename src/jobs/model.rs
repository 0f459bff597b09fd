//! What a job is, and how it can stand.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::notices::Subscription;
use crate::ogc::JobStatus;
use crate::process::ProcessError;

/// The version of every process: that of the crate. Results of another version are not shared.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Failure {
    /// The caller can mend it.
    Input {
        /// The input's path.
        input: String,
        /// What is wrong and the way out.
        message: String,
    },
    /// The process could not go on.
    Process {
        /// Why, in words for the operator: it may name files.
        message: String,
    },
    /// It was cut off.
    Interrupted {
        /// By what.
        reason: String,
    },
    /// Its record in the store cannot be read as a whole.
    Record {
        /// The columns that are damaged, between commas.
        columns: String,
    },
}

/// What callers are told where a disk is full: not which.
const FULL: &str = "no space is left on the server's disk";

impl Failure {
    /// What a process's error leaves; a cancelled run is an interrupted one.
    pub(super) fn of(error: ProcessError) -> Self {
        match error {
            ProcessError::Input { input, message } => Self::Input { input, message },
            ProcessError::Failed(message) => Self::Process { message },
            ProcessError::Full(_) => Self::Interrupted { reason: FULL.to_owned() },
            ProcessError::Short { what, .. } => {
                Self::Interrupted { reason: format!("the server has {what}; ask again later") }
            }
            ProcessError::Cancelled => Self::Interrupted { reason: "it was cancelled".to_owned() },
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Input { input, message } => write!(f, "input `{input}`: {message}"),
            Self::Process { message } => f.write_str(message),
            Self::Interrupted { reason } => f.write_str(reason),
            Self::Record { columns } => {
                write!(f, "the record of this job is damaged ({columns}): dismiss it, and ask again")
            }
        }
    }
}

/// One run of a process that somebody asked for. Times are in whole milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// A random UUID.
    pub id: String,
    /// The process.
    pub process: String,
    /// The version of the process, [`VERSION`] for new jobs.
    pub version: String,
    /// Who asked, where callers are known.
    pub owner: Option<String>,
    /// How it stands.
    pub state: JobStatus,
    /// When it was accepted.
    pub created: Timestamp,
    /// When a worker took it.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// When anything of it last changed.
    pub updated: Timestamp,
    /// Percent of the whole run, 0 to 100; 100 once successful.
    pub progress: u8,
    /// The step that runs, or how it ended.
    pub message: String,
    /// The execute request as stored. Null in lists, where requests may be large.
    pub request: Value,
    /// Why it failed, where it did.
    pub failure: Option<Failure>,
    /// The job whose results this one shares.
    pub of: Option<String>,
    /// The id of the request that made it, as it stands in the log of whoever handed it on.
    pub request_id: Option<String>,
    /// How the data looked that the request names, when it was made: with the request it tells whether
    /// two jobs ask for the same. Not kept as such.
    pub basis: String,
}

impl Job {
    /// A new job, accepted now.
    pub(super) fn accepted(new: NewJob) -> Self {
        let now = now();
        Self {
            id: Uuid::new_v4().to_string(),
            process: new.process,
            version: VERSION.to_owned(),
            owner: new.owner,
            state: JobStatus::Accepted,
            created: now,
            started: None,
            finished: None,
            updated: now,
            progress: 0,
            message: "waiting".to_owned(),
            request: new.request,
            failure: None,
            of: None,
            request_id: new.request_id,
            basis: new.basis,
        }
    }

    /// This job as done, with the results of `original`.
    pub(super) fn sharing(mut self, original: &Self) -> Self {
        self.state = JobStatus::Successful;
        self.started = Some(self.created);
        self.finished = Some(self.created);
        self.progress = 100;
        self.message = format!("results of job {}, which asked for the same", original.id);
        self.of = Some(original.id.clone());
        self
    }

    /// The id under which the host keeps this job's results.
    pub fn results_id(&self) -> &str {
        self.of.as_deref().unwrap_or(&self.id)
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct NewJob {
    /// The process.
    pub process: String,
    /// Who asks, where callers are known.
    pub owner: Option<String>,
    /// The execute request.
    pub request: Value,
    /// Run it even where the results of an equal request are there.
    pub fresh: bool,
    /// The id of the request, for logs.
    pub request_id: Option<String>,
    /// How the data looks that the request names: where that differs, so do the results.
    pub basis: String,
    /// Who is told how it goes.
    pub subscriber: Option<Subscription>,
}

/// A line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its number, from 0.
    pub number: u64,
    /// When it was said.
    pub at: Timestamp,
    /// What was said.
    pub text: String,
}

/// Now, in whole milliseconds.
pub(super) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
