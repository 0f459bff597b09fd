//! Geometry with attributes, and the pixels it covers. Knows no files, JSON or async.

pub mod cover;
mod reproject;
mod rows;
mod schema;

use std::collections::BTreeMap;

pub use reproject::reproject;
pub use rows::{MineRows, RowAction, RowProblem};
pub use schema::{FeatureSchema, Field, FieldKind, GeometryKind};

/// A property of a feature.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Missing.
    Null,
    /// True or false.
    Bool(bool),
    /// Any number.
    Number(f64),
    /// Any text.
    Text(String),
}

impl Value {
    /// The value of a cell of a table without types: nothing, a number or text. Digits behind a
    /// leading zero (`007`) are text: they are somebody's identifier.
    pub fn parse(cell: &str) -> Self {
        let cell = cell.trim();
        let digits = cell.trim_start_matches(['-', '+']);
        let identifier = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        match cell.parse::<f64>() {
            _ if cell.is_empty() => Self::Null,
            Ok(number) if number.is_finite() && !identifier => Self::Number(number),
            _ => Self::Text(cell.to_owned()),
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Number(n) => write!(f, "{n}"),
            Self::Text(t) => f.write_str(t),
        }
    }
}

/// A geometry with its properties.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// The geometry, longitude and latitude on WGS 84.
    pub geometry: geo::Geometry<f64>,
    /// Properties by name.
    pub properties: BTreeMap<String, Value>,
}

/// Features of one source, all in WGS 84 (longitude before latitude).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureTable {
    /// The features, in the order of the file.
    pub features: Vec<Feature>,
}
