//! What can go wrong with jobs themselves, whatever they run.

/// Why the store or the queue could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// The file cannot be made or opened.
    #[error("cannot open the job store {path}: {reason}")]
    Open {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Another process holds the file.
    #[error("the job store {path} is in use by another rededge; stop that one or choose another file")]
    InUse {
        /// The file.
        path: String,
    },
    /// The file's tables are of a version from the future.
    #[error(
        "the job store {path} has tables of version {found}, this rededge knows up to {known}; use a newer one"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        found: i64,
        /// The newest known.
        known: i64,
    },
    /// A statement failed: a full disk, a broken file.
    #[error("the job store failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The system gives no threads.
    #[error("no threads to run jobs on: {0}")]
    Threads(std::io::Error),
}

impl JobsError {
    /// Whether there is no space left for a row.
    pub fn is_full(&self) -> bool {
        let Self::Database(error) = self else { return false };
        error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
    }
}

/// Why a job was not accepted. Nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The queue is full.
    #[error("the queue is full; try again in {retry_after_s} s")]
    Full {
        /// When a place is likely to be free, seconds.
        retry_after_s: u64,
    },
    /// The owner has as many jobs that are not over as it may have.
    #[error("at most {limit} jobs of one owner may wait or run at a time")]
    Quota {
        /// That many.
        limit: usize,
    },
    /// The queue is shutting down.
    #[error("no new jobs are taken: the server is stopping")]
    Stopping,
    /// The row could not be written.
    #[error(transparent)]
    Store(#[from] JobsError),
}
