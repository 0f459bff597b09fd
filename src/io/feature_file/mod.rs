//! Features in columns: a file made from any file of features, that answers what lies in a
//! rectangle and what holds of attributes in milliseconds.
//!
//! Rows stand by the zoom level from which on a map shows them, and along a Hilbert curve within a
//! level. So what a rectangle asks for lies in few blocks of rows, found by the blocks' boxes, and a
//! map of the whole world reads the first rows alone. Every attribute is a column of its own: numbers
//! of 8 bytes (whole ones as such where floating point would lose digits), codes of sorted texts, bytes
//! for true and false.
//!
//! Layout, little-endian: boxes, numbers of features, rows of features, places of geometries,
//! geometries (WKB, longitude and latitude), columns, texts; then a description as JSON, its length,
//! and [`MAGIC`]. A file of another version is made anew.

mod build;
mod levels;
mod read;
mod spans;
#[cfg(test)]
mod tests;
mod texts;

use serde::{Deserialize, Serialize};

pub use build::build;
pub(super) use build::of_rows;
pub use levels::{FEW, MAX_LEVEL, square_of};
pub use read::{FeatureFile, Stored};
pub use spans::{Span, stretches};
pub use texts::Texts;

use crate::vector::{Field, FieldKind, GeometryKind};

/// The last bytes of a file: what it is, and its version.
const MAGIC: &[u8; 8] = b"rdxfeat2";

/// Rows of a block.
pub const BLOCK: usize = 256;

/// West, south, east and north, in degrees.
pub type LonLatBox = [f64; 4];

/// Whether two boxes have a point in common.
pub fn meet(a: &LonLatBox, b: &LonLatBox) -> bool {
    a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3]
}

/// Whether a box lies within another.
pub fn within(inner: &LonLatBox, outer: &LonLatBox) -> bool {
    inner[0] >= outer[0] && inner[2] <= outer[2] && inner[1] >= outer[1] && inner[3] <= outer[3]
}

const NOWHERE: LonLatBox = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];

fn joined(a: &LonLatBox, b: &LonLatBox) -> LonLatBox {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}

/// What a file says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Head {
    /// What it was made from: changes when the source does.
    source: String,
    /// Where this description begins.
    at: u64,
    rows: usize,
    /// Features that have no place on a map.
    left_out: usize,
    geometry: Shapes,
    /// The CRS of the source.
    epsg: Option<u32>,
    bounds: Option<LonLatBox>,
    /// By zoom level, the rows that are shown: these many, from the first.
    levels: Vec<usize>,
    columns: Vec<Column>,
    sections: Sections,
    texts: Vec<Option<TextSection>>,
}

/// Where the parts that every file has begin.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Sections {
    boxes: u64,
    numbers: u64,
    rows: u64,
    places: u64,
    geometries: u64,
}

/// Where the texts of a column are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct TextSection {
    count: usize,
    places: u64,
    bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Shapes {
    Points,
    Polygons,
    Any,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Column {
    name: String,
    kind: Kind,
    at: u64,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Text,
    /// Whole numbers, each of which floating point holds.
    Integer,
    /// Whole numbers of which floating point would lose digits.
    Long,
    Real,
    Boolean,
}

impl Kind {
    fn field(self) -> FieldKind {
        match self {
            Self::Text => FieldKind::Text,
            Self::Integer | Self::Long => FieldKind::Integer,
            Self::Real => FieldKind::Real,
            Self::Boolean => FieldKind::Boolean,
        }
    }

    /// Bytes of a value.
    fn width(self) -> usize {
        match self {
            Self::Text => 4,
            Self::Integer | Self::Long | Self::Real => 8,
            Self::Boolean => 1,
        }
    }
}

impl Column {
    fn field(&self) -> Field {
        Field::new(self.name.clone(), self.kind.field())
    }
}

impl Shapes {
    fn geometry(self) -> GeometryKind {
        match self {
            Self::Points => GeometryKind::Point,
            Self::Polygons => GeometryKind::Polygon,
            Self::Any => GeometryKind::Any,
        }
    }
}

/// The code of a text that is missing.
const NO_TEXT: u32 = u32::MAX;
/// A long whole number that is missing.
const NO_LONG: i64 = i64::MIN;
/// True or false that is missing.
const NO_FLAG: u8 = 2;
