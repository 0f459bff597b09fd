//! Times of features: a column of texts that are dates or times.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::compile::{Filter, Node};
use super::texts::Codes;
use crate::io::IoError;
use crate::io::feature_file::FeatureFile;

/// Names of columns that tell a time.
const NAMES: [&str; 5] = ["datetime", "date", "time", "timestamp", "acquired"];

/// A time, or a span of it whose ends may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSpan {
    start: Timestamp,
    end: Timestamp,
}

/// A date (the whole day) or a time (RFC 3339).
fn instant(text: &str) -> Option<TimeSpan> {
    if let Ok(date) =
        text.parse::<Date>().map_err(drop).and_then(|d| if text.len() == 10 { Ok(d) } else { Err(()) })
    {
        return TimeSpan::days(date, date);
    }
    let time: Timestamp = text.parse().ok()?;
    Some(TimeSpan { start: time, end: time })
}

/// The moment that a text tells; of a date, its beginning.
pub(super) fn beginning(text: &str) -> Option<Timestamp> {
    instant(text).map(|t| t.start)
}

impl TimeSpan {
    /// From a day to another, both included.
    pub fn days(first: Date, last: Date) -> Option<Self> {
        let start = first.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let end = last.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
        Some(Self { start, end: end.checked_sub(1.nanosecond()).ok()? })
    }

    /// Reads `2019-07-01`, `2019-07-01T10:00:00Z`, or two of them with `/` between; `..` or nothing
    /// is an open end.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((first, last)) = text.split_once('/') else { return instant(text) };
        let open = |text: &str| text.is_empty() || text == "..";
        let start = if open(first) { Some(Timestamp::MIN) } else { instant(first).map(|i| i.start) };
        let end = if open(last) { Some(Timestamp::MAX) } else { instant(last).map(|i| i.end) };
        let (start, end) = (start?, end?);
        (start <= end && !(open(first) && open(last))).then_some(Self { start, end })
    }

    /// Whether both have a moment in common.
    pub fn meets(&self, other: &Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }

    /// Features of a column of times that meet this span.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn filter(&self, file: &FeatureFile, column: usize) -> Result<Filter, IoError> {
        let codes = Codes::chosen(file, column, |text| instant(text).is_some_and(|t| t.meets(self)))?;
        Ok(Filter::of(Node::Codes(column, codes)))
    }
}

/// The column that tells the time of each feature.
pub fn time_column(file: &FeatureFile) -> Option<usize> {
    let named = |name: &str| NAMES.iter().any(|n| n.eq_ignore_ascii_case(name));
    let mut candidates = (0..).zip(file.fields()).filter(|(_, f)| named(&f.name)).map(|(column, _)| column);
    candidates.find(|&column| {
        let some = file.texts(column).is_some_and(|t| !t.is_empty());
        some && file.text(column, 0).is_ok_and(|text| instant(&text).is_some())
    })
}
