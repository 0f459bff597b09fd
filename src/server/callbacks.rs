//! Calls back: results and status, to whoever asked to be told.

use std::sync::Arc;
use std::time::Duration;

use super::error::ApiError;
use super::inline::{Room, document};
use super::jobs::told;
use super::results::outputs_in;
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
pub fn send(
    notice: &Notice,
    job: &Job,
    folder: &std::path::Path,
    inline_megabytes: usize,
    hosts: Arc<Hosts>,
) -> Result<(), Untold> {
    let fail = |reason: String| Untold { reason, passing: false };
    let body = match notice.event {
        Event::Success => {
            let asked = Execute::parse(job.request.clone()).unwrap_or_default();
            let unread = |e: ApiError| Untold { reason: e.detail(), passing: e.is_passing() };
            let found = outputs_in(job, folder).map_err(unread)?;
            document(job, &found, &asked, &notice.origin, Room::new(inline_megabytes)).map_err(unread)?
        }
        Event::Progress | Event::Failure => {
            serde_json::to_string(&told(job, &notice.origin)).map_err(|e| fail(e.to_string()))?
        }
    };
    let sent = Fetcher::guarded(hosts, CAPS).post(&notice.address, body.as_bytes());
    sent.map_err(|unsent| Untold { reason: unsent.reason, passing: unsent.passing })
}
