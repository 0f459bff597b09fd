//! An interval of days, as OGC and STAC write it.

use std::borrow::Cow;
use std::fmt;

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::temporal::Pieces;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The first and the last moment, in UTC, of a date (its whole day) or of a time of RFC 3339 with its offset.
/// Without a zone of their own, as the timestamps of `jiff` end before the year 9999 does, which many clients
/// take for an open end.
pub fn moments(text: &str) -> Option<(DateTime, DateTime)> {
    let pieces = Pieces::parse(text).ok().filter(|pieces| pieces.time_zone_annotation().is_none())?;
    let date = pieces.date();
    match (pieces.time(), pieces.to_numeric_offset()) {
        (None, None) if text.len() == 10 => Some((date.to_datetime(Time::MIN), date.to_datetime(Time::MAX))),
        (Some(time), Some(offset)) => {
            let moment = date.to_datetime(time).saturating_sub(i64::from(offset.seconds()).seconds());
            Some((moment, moment))
        }
        _ => None,
    }
}

/// First and last day, both included: `"2022-01-01/2022-12-31"` or
/// `["2022-01-01", "2022-12-31"]`; `..` (or null in the array) leaves an end open. Times of day
/// are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateInterval {
    /// First day.
    pub first: Date,
    /// Last day.
    pub last: Date,
}

impl DateInterval {
    fn new(first: &str, last: &str) -> Result<Self, String> {
        let day = |text: &str, open: Date| match text.trim() {
            "" | ".." => Ok(open),
            text => text
                .get(..10)
                .filter(|_| text.len() == 10 || text[10..].starts_with(['T', ' ']))
                .and_then(|day| day.parse().ok())
                .ok_or_else(|| format!("`{text}` is not a date like 2022-01-05")),
        };
        let interval = Self { first: day(first, Date::MIN)?, last: day(last, Date::MAX)? };
        if interval.first > interval.last {
            return Err(format!(
                "the interval ends ({}) before it begins ({})",
                interval.last, interval.first
            ));
        }
        Ok(interval)
    }
}

impl<'de> Deserialize<'de> for DateInterval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape;
        impl<'de> Visitor<'de> for Shape {
            type Value = DateInterval;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an interval `first/last` or an array of first and last day")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<DateInterval, E> {
                let (first, last) = text.split_once('/').unwrap_or((text, text));
                DateInterval::new(first, last).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<DateInterval, A::Error> {
                let mut next = || seq.next_element::<Option<String>>();
                match (next()?, next()?, next()?) {
                    (Some(first), Some(last), None) => {
                        DateInterval::new(&first.unwrap_or_default(), &last.unwrap_or_default())
                            .map_err(A::Error::custom)
                    }
                    _ => Err(A::Error::custom("expected two days: the first and the last")),
                }
            }
        }
        deserializer.deserialize_any(Shape)
    }
}

impl Serialize for DateInterval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let end = |day: Date, open| if day == open { "..".to_owned() } else { day.to_string() };
        serializer.collect_str(&format_args!("{}/{}", end(self.first, Date::MIN), end(self.last, Date::MAX)))
    }
}

impl JsonSchema for DateInterval {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "DateInterval".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"oneOf": [
            {"type": "string", "description": "`first/last`, such as `2022-01-01/2022-12-31`; `..` leaves an end open."},
            {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string", "format": "date", "nullable": true},
             "description": "First and last day; null leaves an end open."}
        ]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dates_and_times_of_all_years_have_moments() {
        let both = |text: &str| moments(text).map(|(first, last)| format!("{first} {last}"));
        for (text, found) in [
            ("2019-07-01", "2019-07-01T00:00:00 2019-07-01T23:59:59.999999999"),
            ("9999-12-31", "9999-12-31T00:00:00 9999-12-31T23:59:59.999999999"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59 9999-12-31T23:59:59"),
            ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59.999999999 9999-12-31T23:59:59.999999999"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00 0001-01-01T00:00:00"),
            ("0000-01-01", "0000-01-01T00:00:00 0000-01-01T23:59:59.999999999"),
            ("2019-07-02T01:00:00.5+02:00", "2019-07-01T23:00:00.5 2019-07-01T23:00:00.5"),
            ("2019-07-02t01:00:00z", "2019-07-02T01:00:00 2019-07-02T01:00:00"),
        ] {
            assert_eq!(both(text).as_deref(), Some(found), "{text}");
        }
        for wrong in [
            "",
            "2019",
            "2019-07",
            "2019-13-01",
            "2019-07-01T10:00:00",
            "2019-07-01Z",
            "today",
            "2019-07-01T10:00:00+02:00[Europe/Berlin]",
            "10:00:00Z",
            "20190701",
        ] {
            assert_eq!(both(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn both_forms_are_read_and_mistakes_told() {
        let parse = |v| serde_json::from_value::<DateInterval>(v).map_err(|e| e.to_string());
        let year = parse(json!("2022-01-01/2022-12-31")).unwrap();
        assert_eq!(parse(json!(["2022-01-01T00:00:00Z", "2022-12-31"])), Ok(year));
        assert_eq!(parse(json!("../2022-12-31")).unwrap().first, Date::MIN);
        assert_eq!(parse(json!(["2022-01-01", null])).unwrap().last, Date::MAX);
        assert_eq!(parse(json!("2022-05-01")).unwrap().first, parse(json!("2022-05-01")).unwrap().last);
        assert!(parse(json!("2022-1-1/..")).unwrap_err().contains("`2022-1-1` is not a date"));
        assert!(parse(json!("2022-02-01/2022-01-01")).unwrap_err().contains("before it begins"));
        assert!(parse(json!(["2022-02-01"])).unwrap_err().contains("two days"));
        assert_eq!(json!(year), json!("2022-01-01/2022-12-31"));
    }
}
