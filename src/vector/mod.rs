//! Geometry with attributes. Knows no files, JSON or async.

use std::collections::BTreeMap;

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
