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
    let fail = |why: String| format!("{shown}: {why}");
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_global(Some(Duration::from_mins(2)))
        .build()
        .into();
    let mut tries = 0;
    let mut answer = loop {
        match agent.get(link).call() {
            Ok(answer) => break answer,
            Err(ureq::Error::StatusCode(429 | 500..=599) | ureq::Error::Io(_) | ureq::Error::Timeout(_))
                if tries < 2 =>
            {
                tries += 1;
                std::thread::sleep(Duration::from_millis(500 << tries));
            }
            Err(error) => return Err(fail(format!("cannot be fetched: {error}"))),
        }
    };
    let bytes = answer.body_mut().with_config().limit(MAX_BYTES).read_to_vec();
    let bytes =
        bytes.map_err(|e| fail(format!("cannot be fetched: {e} (at most {} MB)", MAX_BYTES >> 20)))?;
    serde_json::from_slice(&bytes)
        .map_err(|e| fail(format!("is not JSON: line {}, column {}", e.line(), e.column())))
}
