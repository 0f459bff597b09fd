//! Class codes, names and colours, in one place.

use serde::{Deserialize, Serialize};

/// One class of a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassEntry {
    /// The pixel's code.
    pub code: u8,
    /// The class name (`single-rice`).
    pub name: String,
    /// Red, green, blue.
    pub color: [u8; 3],
}

/// The classes of a map by rising code, and its nodata code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Legend {
    /// The classes.
    pub classes: Vec<ClassEntry>,
    /// The code of pixels without an answer.
    pub nodata: u8,
}
