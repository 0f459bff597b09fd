//! The least and the greatest value of each stretch of rows of a column, so that conditions leave out
//! what cannot fulfil them, and do not look at what must.

use std::ops::Range;
use std::sync::OnceLock;

use super::FeatureFile;
use crate::io::IoError;

/// Rows of a stretch. Few in tests, so that random rows make many of each kind.
pub const STRETCH: usize = if cfg!(test) { 16 } else { 2048 };
/// Rows that are read together.
const TOGETHER: usize = 32 * STRETCH;

/// What the rows of a stretch have in a column, as numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// The least value; more than the greatest where all are missing.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
    /// Whether some are missing.
    pub missing: bool,
}

impl Span {
    fn of(values: &[f64]) -> Self {
        let none = Self { least: f64::INFINITY, greatest: f64::NEG_INFINITY, missing: false };
        values.iter().fold(none, |span, v| Self {
            least: span.least.min(*v),
            greatest: span.greatest.max(*v),
            missing: span.missing || v.is_nan(),
        })
    }
}

/// The spans of every column, each found when it is first asked for.
#[derive(Debug)]
pub(super) struct Spans(Vec<OnceLock<Vec<Span>>>);

impl Spans {
    pub(super) fn new(columns: usize) -> Self {
        Self((0..columns).map(|_| OnceLock::new()).collect())
    }
}

impl FeatureFile {
    /// What each stretch of rows has in a column.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn spans(&self, column: usize) -> Result<&[Span], IoError> {
        let known = &self.spans.0[column];
        if let Some(spans) = known.get() {
            return Ok(spans);
        }
        let (mut spans, mut values) = (Vec::with_capacity(self.len().div_ceil(STRETCH)), Vec::new());
        for start in (0..self.len()).step_by(TOGETHER) {
            self.values(column, start..(start + TOGETHER).min(self.len()), &mut values)?;
            spans.extend(values.chunks(STRETCH).map(Span::of));
        }
        Ok(known.get_or_init(|| spans))
    }
}

/// The stretches of a range of rows: each with its number and its part of the range.
pub fn stretches(rows: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
    let all = rows.start / STRETCH..rows.end.div_ceil(STRETCH);
    let part = move |k: usize| (k, rows.start.max(k * STRETCH)..rows.end.min((k + 1) * STRETCH));
    all.map(part).filter(|(_, rows)| !rows.is_empty())
}
