//! How a command can fail, and its exit code.

use rededge::process::ProcessError;

/// Why a command did not finish.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The caller can mend it.
    #[error("{0}")]
    BadInput(String),
    /// Ctrl-C.
    #[error("cancelled, nothing was written")]
    Cancelled,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    /// 1 failed or cancelled, 2 bad input.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::BadInput(_) => 2,
            Self::Cancelled | Self::Failed(_) => 1,
        }
    }
}

impl From<ProcessError> for Failure {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Input { .. } => Self::BadInput(error.to_string()),
            ProcessError::Cancelled => Self::Cancelled,
            ProcessError::Failed(reason)
            | ProcessError::Full(reason)
            | ProcessError::Short { reason, .. } => Self::Failed(reason),
        }
    }
}
