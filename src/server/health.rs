//! Whether the server can do what it is there for: asked by load balancers, who have no key.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::{HttpRequest, web};
use serde_json::{Map, Value, json};

use super::access::caller;
use super::error::{Answer, ApiError, fit};
use super::state::{ServerState, block};

/// How long an answer stands: strangers ask too, and every question writes.
const STANDS: Duration = Duration::from_secs(1);

/// How one thing stands; what is wrong in words for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Check {
    Pass,
    /// The server works, and somebody should look.
    Warn(String),
    Fail(String),
}

impl Check {
    fn of<T, E: std::fmt::Display>(result: Result<T, E>) -> Self {
        result.map_or_else(|error| Self::Fail(error.to_string()), |_| Self::Pass)
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn(_) => "warn",
            Self::Fail(_) => "fail",
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Pass => None,
            Self::Warn(reason) | Self::Fail(reason) => Some(reason),
        }
    }
}

/// What was found, by what was looked at.
type Found = Vec<(&'static str, Check)>;

/// The last answer, and what is asked for.
pub struct Health {
    /// Bytes that must be free.
    free: u64,
    /// How long a dismissed job may take to come out.
    grace: Duration,
    last: Mutex<Option<(Instant, Found)>>,
}

impl Health {
    /// Well as long as so many bytes are free and dismissed jobs come out in so long, among the rest.
    pub fn new(free: u64, grace: Duration) -> Self {
        Self { free, grace, last: Mutex::default() }
    }

    /// Looks at everything, or tells what was found a moment ago. Blocks.
    fn look(&self, state: &ServerState) -> Found {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = last.as_ref().filter(|(at, _)| at.elapsed() < STANDS) {
            return found.clone();
        }
        let results = state.folder.join("results");
        let written = tempfile::Builder::new()
            .prefix(crate::store::STAGING)
            .tempfile_in(&results)
            .and_then(|mut file| std::io::Write::write_all(&mut file, b"well"));
        let free = match fs4::available_space(&results) {
            Ok(free) if free < self.free => {
                Check::Fail(format!("{} MB are free, fewer than {} MB", free >> 20, self.free >> 20))
            }
            other => Check::of(other),
        };
        let deaf = state.queue.deaf(self.grace);
        let workers = match deaf.as_slice() {
            _ if !state.queue.is_alive() => Check::Fail("no jobs are taken".to_owned()),
            [] => Check::Pass,
            deaf => Check::Warn(format!(
                "dismissed more than {} s ago and still running, so that {} of {} workers take no jobs: {}; where it \
                 stays so, restart the server",
                self.grace.as_secs(),
                deaf.len(),
                state.queue.load().workers,
                deaf.join(", ")
            )),
        };
        let unavailable = state.published.unavailable();
        let sources = if unavailable.is_empty() {
            Check::Pass
        } else {
            Check::Warn(format!("unavailable: {}", unavailable.join(", ")))
        };
        let found = vec![
            ("jobs", Check::of(state.queue.touch())),
            ("results", Check::of(written)),
            ("space", free),
            ("workers", workers),
            ("sources", sources),
        ];
        for (name, check) in &found {
            match check {
                Check::Pass => {}
                Check::Warn(reason) => tracing::warn!(check = name, reason, "not well"),
                Check::Fail(reason) => tracing::error!(check = name, reason, "not well"),
            }
        }
        *last = Some((Instant::now(), found.clone()));
        found
    }
}

/// Passes, warns, or fails, and says what; why, and how busy it is, only to callers that are known.
pub async fn health(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let known = caller(&state, &request).await.is_ok();
    let looked = state.clone();
    let found = block(move || looked.health.look(&looked)).await;
    let found = found.map_err(|e| ApiError::from(e).to(&request))?;
    let mut told = told(&found, known);
    let worst =
        ["fail", "warn"].into_iter().find(|word| found.iter().any(|(_, check)| check.word() == *word));
    told["status"] = json!(worst.unwrap_or("pass"));
    if known {
        let load = state.queue.load();
        told["version"] = json!(env!("CARGO_PKG_VERSION"));
        told["jobs"] = json!({"waiting": load.waiting, "running": load.running, "workers": load.workers});
    }
    Ok(fit(worst != Some("fail")).insert_header(("Cache-Control", "no-store")).json(told))
}

/// Every check by its name; why one does not pass only to callers that are known.
fn told(found: &Found, known: bool) -> Value {
    let check = |(name, found): &(&str, Check)| {
        let mut check = json!({"status": found.word()});
        if let (true, Some(reason)) = (known, found.reason()) {
            check["output"] = json!(reason);
        }
        ((*name).to_owned(), check)
    };
    json!({"status": Value::Null, "checks": found.iter().map(check).collect::<Map<_, _>>()})
}
