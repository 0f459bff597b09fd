//! What a set of features holds, for those who write it.

use crate::crs::Crs;

/// The kind of value in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Real,
    /// True or false.
    Boolean,
}

/// A property that every feature has (or [`super::Value::Null`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The property's name, in camelCase.
    pub name: String,
    /// The kind of its values.
    pub kind: FieldKind,
}

impl Field {
    /// A field.
    pub fn new(name: impl Into<String>, kind: FieldKind) -> Self {
        Self { name: name.into(), kind }
    }
}

/// What the geometries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeometryKind {
    /// Points alone.
    Point,
    /// Polygons; a feature of several parts is a MultiPolygon.
    Polygon,
    /// Points and polygons side by side.
    Any,
}

/// The table of features that will be written.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureSchema {
    /// The CRS of the geometries that will come.
    pub crs: Crs,
    /// What they are.
    pub geometry: GeometryKind,
    /// Their properties, in order.
    pub fields: Vec<Field>,
    /// The style of `styles/` that they are drawn with (`zones`, `mines`).
    pub style: &'static str,
}
