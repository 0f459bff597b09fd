//! What reading one file of a caller may take.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::io::isolate::Limits;

/// The process that reads what comes by value or by link (docs/security.md).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReaderConfig {
    /// Megabytes of memory that reading one file by value or by link may take.
    pub memory_megabytes: u64,
    /// Seconds that reading one file by value or by link may take.
    pub seconds: u64,
    /// Megabytes that the pixels of one raster by value or by link may be, unpacked.
    pub raster_megabytes: u64,
}

impl Default for ReaderConfig {
    fn default() -> Self {
        Self { memory_megabytes: 2048, seconds: 300, raster_megabytes: 4096 }
    }
}

impl ReaderConfig {
    /// The same as limits.
    pub fn limits(&self) -> Limits {
        let bytes = |megabytes: u64| megabytes.saturating_mul(1 << 20);
        Limits {
            memory: bytes(self.memory_megabytes),
            time: Duration::from_secs(self.seconds),
            raster: bytes(self.raster_megabytes),
        }
    }
}
