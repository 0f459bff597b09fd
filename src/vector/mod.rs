//! Geometry with attributes, and the pixels it covers. Knows no files, JSON or async.

pub mod columns;
pub mod cover;
mod holds;
mod interior;
pub mod nearest;
mod reproject;
mod rows;
mod schema;
mod validity;

use std::collections::BTreeMap;

pub use holds::PolygonIndex;
pub use interior::interior_point;
pub use reproject::reproject;
pub use rows::{MineRows, RowAction, RowProblem};
pub use schema::{FeatureSchema, Field, FieldKind, GeometryKind};
pub use validity::rings_are_disjoint;

/// A property of a feature.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Missing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number. Whole numbers beyond 64 bits are kept as text, digit by digit.
    Integer(i64),
    /// A number with a fraction, or one of a source that knows no whole numbers.
    Number(f64),
    /// Any text.
    Text(String),
}

impl Value {
    /// The value of a cell of a table without types: nothing, a number or text. What a number would
    /// not give back is text, as it is somebody's identifier: digits behind a leading zero (`007`),
    /// digits around an `E` (`12E5`), and more digits than a whole number of 64 bits holds.
    pub fn parse(cell: &str) -> Self {
        let cell = cell.trim();
        let digits = cell.trim_start_matches(['-', '+']);
        let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        let plain_exponent = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'e' | b'E'));
        match cell.parse::<f64>() {
            _ if cell.is_empty() => Self::Null,
            Ok(_) if leading_zero => Self::Text(cell.to_owned()),
            Ok(_) if whole => cell.parse().map_or_else(|_| Self::Text(cell.to_owned()), Self::Integer),
            Ok(number) if number.is_finite() && !plain_exponent => Self::Number(number),
            _ => Self::Text(cell.to_owned()),
        }
    }

    /// The value as a number, where it is one. Above 2^53 the last digits of a whole number are lost:
    /// for measures, never for identifiers.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(whole) => Some(*whole as f64),
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl From<i64> for Value {
    fn from(whole: i64) -> Self {
        Self::Integer(whole)
    }
}

/// Beyond 63 bits as text.
impl From<u64> for Value {
    fn from(whole: u64) -> Self {
        i64::try_from(whole).map_or_else(|_| Self::Text(whole.to_string()), Self::Integer)
    }
}

impl From<usize> for Value {
    fn from(whole: usize) -> Self {
        (whole as u64).into()
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Integer(n) => write!(f, "{n}"),
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

#[cfg(test)]
pub(crate) mod tests {
    use geo::{LineString, Polygon};

    use super::*;

    /// A star around the origin of so many vertices, its tips at a radius and the notches halfway.
    pub fn star(vertices: u32, radius: f64) -> Polygon<f64> {
        let place = |i: u32| {
            let turn = f64::from(i) / f64::from(vertices) * std::f64::consts::TAU;
            let radius = if i.is_multiple_of(2) { radius } else { radius / 2.0 };
            (turn.cos() * radius, turn.sin() * radius)
        };
        Polygon::new((0..vertices).map(place).collect::<LineString<f64>>(), Vec::new())
    }

    #[test]
    fn cells_are_numbers_only_where_a_number_gives_them_back() {
        for (cell, value) in [
            ("", Value::Null),
            (" 7 ", Value::Integer(7)),
            ("-12", Value::Integer(-12)),
            ("9007199254740993", Value::Integer(9_007_199_254_740_993)),
            ("9223372036854775807", Value::Integer(i64::MAX)),
            ("0", Value::Integer(0)),
            ("0.25", Value::Number(0.25)),
            ("1e-5", Value::Number(1e-5)),
            ("2.5E3", Value::Number(2500.0)),
        ] {
            assert_eq!(Value::parse(cell), value, "{cell}");
        }
        for text in [
            "007",
            "043010200",
            "-01",
            "12E5",
            "18446744073709551616",
            "1234567890123456789012",
            "inf",
            "nan",
            "1,5",
        ] {
            assert_eq!(Value::parse(text), Value::Text(text.to_owned()));
        }
        assert_eq!(Value::from(u64::MAX), Value::Text("18446744073709551615".to_owned()));
    }
}
