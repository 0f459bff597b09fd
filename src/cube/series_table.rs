//! Series made elsewhere: no pixels, but the same indices by the same dates.

use std::collections::BTreeMap;

use crate::vector::Value;

/// The series of one spectral index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexSeries {
    /// The name before the `@`, as written.
    pub index: String,
    /// The dates, rising.
    pub dates: Vec<jiff::civil::Date>,
    /// Values `[date][row]`; missing is NaN.
    pub values: Vec<f32>,
}

/// A table of series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesTable {
    /// Properties of each row by column name.
    pub properties: Vec<BTreeMap<String, Value>>,
    /// One series an index, in the order in which the columns name them. Indices may differ in
    /// their dates.
    pub series: Vec<IndexSeries>,
}

impl SeriesTable {
    /// Number of rows (samples).
    pub fn rows(&self) -> usize {
        self.properties.len()
    }
}
