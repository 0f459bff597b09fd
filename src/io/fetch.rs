//! Small documents behind links, with caps on time and size.

use std::time::Duration;

/// No ItemCollection is larger than this (bytes).
const MAX_BYTES: u64 = 64 << 20;

/// Fetches a JSON document.
///
/// # Errors
/// A message without the link's query or the document's text.
pub fn json(link: &str) -> Result<serde_json::Value, String> {
    let shown = link.split('?').next().unwrap_or(link);
    serde_json::from_slice(&bytes(link, MAX_BYTES)?)
        .map_err(|e| format!("{shown}: is not JSON: line {}, column {}", e.line(), e.column()))
}

/// Fetches a document of at most so many bytes.
///
/// # Errors
/// As [`json`].
pub fn bytes(link: &str, most: u64) -> Result<Vec<u8>, String> {
    let shown = link.split('?').next().unwrap_or(link);
    let fail = |why: String| format!("{shown}: {why}");
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_global(Some(Duration::from_mins(2)))
        .build()
        .into();
    let mut tries = 0;
    let mut answer = loop {
        let tried = agent.get(link).call();
        let passing = match &tried {
            Ok(answer) => matches!(answer.status().as_u16(), 429 | 500..),
            // A host that was silent for so long will be silent again.
            Err(error) => matches!(error, ureq::Error::Io(_)),
        };
        if passing && tries < 2 {
            tries += 1;
            std::thread::sleep(Duration::from_millis(500 << tries));
            continue;
        }
        break tried.map_err(|e| fail(format!("cannot be fetched: {e}")))?;
    };
    if !answer.status().is_success() {
        return Err(fail(format!("cannot be fetched: the host answers {}", answer.status())));
    }
    let bytes = answer.body_mut().with_config().limit(most).read_to_vec();
    bytes.map_err(|e| fail(format!("cannot be fetched: {e} (at most {} MB)", most >> 20)))
}
