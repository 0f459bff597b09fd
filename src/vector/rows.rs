//! Features of a table as people keep them: with their rows, and what is wrong with which row.

use super::FeatureTable;

/// What was done with a row that has a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowAction {
    /// Its feature is not in the table.
    LeftOut,
    /// Its feature is in the table, mended.
    Mended,
    /// Its feature is in the table as it is.
    Kept,
}

/// Something that is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowProblem {
    /// The row: the line of a table, the number of a feature (from 1) in other files.
    pub row: usize,
    /// What is wrong.
    pub problem: String,
    /// What was done about it.
    pub action: RowAction,
}

/// The usable features of a file, with what was wrong with the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MineRows {
    /// The usable features, in the order of the file.
    pub table: FeatureTable,
    /// The row of each of them.
    pub rows: Vec<usize>,
    /// What is wrong, by rising row.
    pub problems: Vec<RowProblem>,
    /// What the user should know of the file as a whole.
    pub notes: Vec<String>,
}

impl MineRows {
    /// The rows of a table of which nothing more is known: they count from 1.
    pub fn of(table: FeatureTable) -> Self {
        Self { rows: (1..=table.features.len()).collect(), table, ..Self::default() }
    }
}
