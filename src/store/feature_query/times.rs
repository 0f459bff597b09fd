//! Times of features: a column of texts most of which are dates or times.

use jiff::civil::{Date, DateTime, Time};

use super::compile::{Filter, Node};
use super::texts::Codes;
use crate::io::IoError;
use crate::io::feature_file::FeatureFile;
use crate::ogc::moments;

/// Names of columns that tell a time.
const NAMES: [&str; 5] = ["datetime", "date", "time", "timestamp", "acquired"];
/// Most texts of a column that are looked at to tell what it holds.
const LOOKED_AT: usize = 100;

/// A time in UTC, or a span of it whose ends may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSpan {
    start: DateTime,
    end: DateTime,
}

/// How the texts of a column tell times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// All are dates.
    Date,
    /// All are times of RFC 3339.
    DateTime,
    /// Most are dates or times.
    Mixed,
}

/// A date (the whole day) or a time (RFC 3339).
fn instant(text: &str) -> Option<TimeSpan> {
    moments(text).map(|(start, end)| TimeSpan { start, end })
}

/// The time that a value of a feature tells: a date or time as programs write them. Without an offset it is in
/// UTC.
fn of_value(text: &str) -> Option<TimeSpan> {
    instant(text).or_else(|| {
        let text = text.trim().replace('/', "-").replace(" +", "+").replace(" UTC", "Z");
        instant(&text).or_else(|| instant(&(text + "Z")))
    })
}

/// The moment that a value tells; of a date, its beginning.
pub(super) fn beginning(text: &str) -> Option<DateTime> {
    of_value(text).map(|t| t.start)
}

impl TimeSpan {
    /// From a day to another, both included.
    pub fn days(first: Date, last: Date) -> Self {
        Self { start: first.to_datetime(Time::MIN), end: last.to_datetime(Time::MAX) }
    }

    /// Reads `2019-07-01`, `2019-07-01T10:00:00Z`, or two of them with `/` between; `..` or nothing
    /// is an open end.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((first, last)) = text.split_once('/') else { return instant(text) };
        let open = |text: &str| text.is_empty() || text == "..";
        let start = if open(first) { Some(DateTime::MIN) } else { instant(first).map(|i| i.start) };
        let end = if open(last) { Some(DateTime::MAX) } else { instant(last).map(|i| i.end) };
        let (start, end) = (start?, end?);
        (start <= end && !(open(first) && open(last))).then_some(Self { start, end })
    }

    /// Whether both have a moment in common.
    pub fn meets(&self, other: &Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }

    /// Features of a column of times that meet this span, and those that have no time (OGC API - Features,
    /// requirement 25 C).
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn filter(&self, file: &FeatureFile, column: usize) -> Result<Filter, IoError> {
        let codes = Codes::chosen(file, column, |text| of_value(text).is_none_or(|t| t.meets(self)))?;
        Ok(Filter::of(Node::Or(vec![Node::Codes(column, codes), Node::Missing(column)])))
    }
}

/// How a column tells times, where at least half of its texts do. Blank ones say nothing, of either.
///
/// # Errors
/// [`IoError::Read`].
pub fn time_format(file: &FeatureFile, column: usize) -> Result<Option<TimeFormat>, IoError> {
    let count = file.texts(column).map_or(0, crate::io::feature_file::Texts::len);
    let step = count.div_ceil(LOOKED_AT).max(1);
    let (mut dates, mut times, mut told, mut others) = (0, 0, 0, 0);
    for code in (0..count).step_by(step) {
        let text = file.text(column, code)?;
        match instant(&text) {
            Some(_) if text.len() == 10 => dates += 1,
            Some(_) => times += 1,
            None if of_value(&text).is_some() => told += 1,
            None if text.trim().is_empty() => {}
            None => others += 1,
        }
    }
    let all = dates + times + told;
    Ok(match () {
        () if all == 0 || others > all => None,
        () if dates == all + others => Some(TimeFormat::Date),
        () if times == all + others => Some(TimeFormat::DateTime),
        () => Some(TimeFormat::Mixed),
    })
}

/// The column that tells the time of each feature.
///
/// # Errors
/// [`IoError::Read`].
pub fn time_column(file: &FeatureFile) -> Result<Option<usize>, IoError> {
    let named = |name: &str| NAMES.iter().any(|n| n.eq_ignore_ascii_case(name));
    for (column, _) in (0..).zip(file.fields()).filter(|(_, f)| named(&f.name)) {
        if time_format(file, column)?.is_some() {
            return Ok(Some(column));
        }
    }
    Ok(None)
}
