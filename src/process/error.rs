//! How a process can fail, from the caller's side.

/// Why a process did not finish.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The caller can mend it: the input is named.
    #[error("input `{input}`: {message}")]
    Input {
        /// The input's path, such as `validation.fractions[1]`.
        input: String,
        /// What is wrong and the way out.
        message: String,
    },
    /// The caller (or a signal) stopped it.
    #[error("cancelled")]
    Cancelled,
    /// Anything else: a full disk, a broken file in the middle of a scene.
    #[error("{0}")]
    Failed(String),
}

impl ProcessError {
    /// A mistake in an input.
    pub fn input(input: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self::Input { input: input.into(), message: message.to_string() }
    }

    /// A failure that is not the caller's.
    pub fn failed(reason: impl std::fmt::Display) -> Self {
        Self::Failed(reason.to_string())
    }
}
