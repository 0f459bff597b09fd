//! Calls back: results and status, to whoever asked to be told.

use std::sync::Arc;
use std::time::Duration;

use super::jobs::told;
use super::results::{document, outputs_in};
use crate::io::fetch::{Caps, Fetcher};
use crate::io::guard::Hosts;
use crate::jobs::{Event, Job, Notice, Untold};
use crate::ogc::Execute;

/// A call sends one document and reads none.
const CAPS: Caps = Caps { links: 1, bytes: 0, time: Duration::from_secs(30) };

/// Sends what a notice is about.
///
/// # Errors
/// [`Untold`]: the address answers that it could not take it, or is one that is not called.
pub fn send(notice: &Notice, job: &Job, folder: &std::path::Path, hosts: Arc<Hosts>) -> Result<(), Untold> {
    let fail = |reason: String| Untold { reason, passing: false };
    let body = match notice.event {
        Event::Success => {
            let asked = Execute::parse(job.request.clone()).unwrap_or_default();
            let found = outputs_in(job, folder).map_err(|e| fail(e.detail()))?;
            document(job, &found, &asked, &notice.origin).map_err(|e| fail(e.detail()))?
        }
        Event::Progress | Event::Failure => {
            serde_json::to_value(told(job, &notice.origin)).map_err(|e| fail(e.to_string()))?
        }
    };
    let sent = Fetcher::guarded(hosts, CAPS).post(&notice.address, body.to_string().as_bytes());
    sent.map_err(|unsent| Untold { reason: unsent.reason, passing: unsent.passing })
}
