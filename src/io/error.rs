//! What can go wrong with a file, and which file it is.

use std::path::Path;

use crate::crs::CrsError;

/// What can go wrong while a file is read or written.
#[derive(Debug, thiserror::Error)]
pub enum IoError {
    /// The file is missing, not readable or not of its kind.
    #[error("cannot read {name}: {reason}")]
    Read {
        /// The file.
        name: String,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// The file cannot be written: disk full, no permission.
    #[error("cannot write {name}: {reason}")]
    Write {
        /// The file.
        name: String,
        /// What the system says.
        reason: String,
    },
    /// The file's coordinate reference system.
    #[error("{name}: {source}")]
    Crs {
        /// The file.
        name: String,
        /// What is wrong with it.
        source: CrsError,
    },
}

impl IoError {
    /// A file that cannot be read.
    pub fn read(name: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Read { name: name.into(), reason: reason.to_string() }
    }

    /// A file that cannot be written.
    pub fn write(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Write { name: path.display().to_string(), reason: reason.to_string() }
    }

    /// A coordinate reference system that cannot be used.
    pub fn crs(name: impl Into<String>, source: CrsError) -> Self {
        Self::Crs { name: name.into(), source }
    }
}
