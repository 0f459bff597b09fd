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

/// What was found, by what was looked at; a fault in words for the operator.
type Found = Vec<(&'static str, Result<(), String>)>;

/// The last answer, and what is asked for.
pub struct Health {
    /// Bytes that must be free.
    free: u64,
    last: Mutex<Option<(Instant, Found)>>,
}

impl Health {
    /// Well as long as so many bytes are free, among the rest.
    pub fn new(free: u64) -> Self {
        Self { free, last: Mutex::default() }
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
                Err(format!("{} MB are free, fewer than {} MB", free >> 20, self.free >> 20))
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        let workers = if state.queue.is_alive() { Ok(()) } else { Err("no jobs are taken".to_owned()) };
        let found = vec![
            ("jobs", state.queue.touch().map_err(|e| e.to_string())),
            ("results", written.map_err(|e| e.to_string())),
            ("space", free),
            ("workers", workers),
        ];
        for (name, fault) in &found {
            if let Err(reason) = fault {
                tracing::error!(check = name, reason, "not well");
            }
        }
        *last = Some((Instant::now(), found.clone()));
        found
    }
}

/// Passes, or fails and says what; why, and how busy it is, only to callers that are known.
pub async fn health(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let known = caller(&state, &request).await.is_ok();
    let looked = state.clone();
    let found = block(move || looked.health.look(&looked)).await;
    let found = found.map_err(|e| ApiError::from(e).to(&request))?;
    let passes = found.iter().all(|(_, fault)| fault.is_ok());
    let mut told = told(&found, known);
    told["status"] = json!(word(passes));
    if known {
        let load = state.queue.load();
        told["version"] = json!(env!("CARGO_PKG_VERSION"));
        told["jobs"] = json!({"waiting": load.waiting, "running": load.running, "workers": load.workers});
    }
    Ok(fit(passes).insert_header(("Cache-Control", "no-store")).json(told))
}

fn word(well: bool) -> &'static str {
    if well { "pass" } else { "fail" }
}

/// Every check by its name; why one fails only to callers that are known.
fn told(found: &Found, known: bool) -> Value {
    let check = |(name, fault): &(&str, Result<(), String>)| {
        let mut check = json!({"status": word(fault.is_ok())});
        if let (true, Err(reason)) = (known, fault) {
            check["output"] = json!(reason);
        }
        ((*name).to_owned(), check)
    };
    json!({"status": Value::Null, "checks": found.iter().map(check).collect::<Map<_, _>>()})
}
