//! Predictors and labels as a table, column by column.

/// A table of predictors, column-major: what trees are trained on. Missing is NaN.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Names of the columns.
    pub names: Vec<String>,
    /// The columns, all of the same length.
    pub columns: Vec<Vec<f32>>,
}

impl Table {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// The rows at `rows`, in that order.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            names: self.names.clone(),
            columns: self.columns.iter().map(|c| rows.iter().map(|&r| c[r]).collect()).collect(),
        }
    }
}

/// The class of each row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Class names; a label is a position in this list.
    pub classes: Vec<String>,
    /// A label a row.
    pub labels: Vec<u16>,
}

impl Labels {
    /// The labels at `rows`, in that order.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self { classes: self.classes.clone(), labels: rows.iter().map(|&r| self.labels[r]).collect() }
    }

    /// Number of rows of each class.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &label in &self.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }
}
