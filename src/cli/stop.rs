//! Ctrl-C and SIGTERM: the first asks the run to stop, the second stops at once. Neither leaves
//! half-written results.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rededge::process::CancelToken;

/// What a signal needs to know; one per process.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// The token of everything that runs.
    pub token: CancelToken,
    staging: Arc<Mutex<Option<PathBuf>>>,
}

impl Stop {
    /// Installs the handler. Once per process.
    pub fn install() -> Self {
        let stop = Self::default();
        let seen = stop.clone();
        let handler = move || {
            if seen.token.is_cancelled() {
                if let Some(folder) = seen.staging.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    let _ = std::fs::remove_dir_all(folder);
                }
                eprintln!("error: stopped at once, nothing was written");
                std::process::exit(1);
            }
            seen.token.cancel();
            eprintln!("stopping; press Ctrl-C again to stop at once");
        };
        if let Err(error) = ctrlc::set_handler(handler) {
            tracing::warn!(%error, "signals are not handled");
        }
        stop
    }

    /// The folder to take away where the run is stopped at once; `None` once it has committed.
    pub fn guard(&self, staging: Option<&Path>) {
        *self.staging.lock().unwrap_or_else(PoisonError::into_inner) = staging.map(Path::to_owned);
    }
}
