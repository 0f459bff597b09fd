//! How series are made regular, as it stands in a request.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use crate::cube::{Smoothing, TimeGrid};
use crate::process::ProcessError;

/// Days between the steps of the time grid where nothing else is asked for.
const USUAL_STEP: f32 = 5.0;

/// The time grid as it stands in a request: `"acquisitions"`, or the steps by day of year.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeGridInput {
    /// The cube's own dates.
    Acquisitions,
    /// Equal steps.
    Days(DayGrid),
}

/// Equal steps by day of year.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayGrid {
    first: Option<f32>,
    step: Option<f32>,
    count: Option<usize>,
}

impl Default for TimeGridInput {
    fn default() -> Self {
        Self::Days(DayGrid::default())
    }
}

impl<'de> Deserialize<'de> for TimeGridInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = TimeGridInput;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"acquisitions\" or an object with first, step and count")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TimeGridInput, E> {
                match text {
                    "acquisitions" => Ok(TimeGridInput::Acquisitions),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<TimeGridInput, A::Error> {
                DayGrid::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    .map(TimeGridInput::Days)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for TimeGridInput {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "TimeGrid".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "oneOf": [
                {"type": "string", "enum": ["acquisitions"]},
                {
                    "type": "object",
                    "properties": {
                        "first": {"type": "number", "description": "first day of year"},
                        "step": {"type": "number", "default": USUAL_STEP, "description": "days from step to step"},
                        "count": {"type": "integer", "minimum": 3, "description": "number of steps"}
                    },
                    "additionalProperties": false
                }
            ]
        })
    }
}

impl TimeGridInput {
    /// The grid for a cube with these days.
    ///
    /// # Errors
    /// A step or count that makes no grid, named by its path.
    pub fn grid(&self, days: &[f32]) -> Result<TimeGrid, ProcessError> {
        let Self::Days(DayGrid { first, step, count }) = self else { return Ok(TimeGrid::Acquisitions) };
        let bad = |member: &str, why: String| Err(ProcessError::input(format!("timeGrid.{member}"), why));
        let step = step.unwrap_or(USUAL_STEP);
        if !(0.5..=366.0).contains(&step) {
            return bad("step", format!("{step} is not within 0.5 to 366 days"));
        }
        if first.is_some_and(|f| !(-400.0..=800.0).contains(&f)) {
            return bad("first", format!("{} is no day of year", first.unwrap_or_default()));
        }
        let TimeGrid::Days { first: start, count: steps, .. } = TimeGrid::covering(days, step) else {
            return Ok(TimeGrid::Acquisitions);
        };
        let start = first.unwrap_or(start);
        let last = days.last().copied().unwrap_or(start);
        let usual =
            if first.is_some() { (((last - start) / step).ceil().max(0.0)) as usize + 1 } else { steps };
        let count = count.unwrap_or(usual);
        if !(3..=2000).contains(&count) {
            return bad("count", format!("{count} steps; a series has 3 to 2000"));
        }
        Ok(TimeGrid::Days { first: start, step, count })
    }
}

/// Smoothing as it stands in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SmoothingInput {
    /// None.
    #[default]
    None,
    /// Savitzky-Golay: polynomials in a moving window.
    SavitzkyGolay {
        /// Steps in the window, odd.
        window: usize,
        /// Degree of the polynomial.
        degree: usize,
    },
    /// Whittaker: penalized least squares.
    Whittaker {
        /// Weight of the penalty.
        lambda: f64,
    },
}

impl From<SmoothingInput> for Smoothing {
    fn from(input: SmoothingInput) -> Self {
        match input {
            SmoothingInput::None => Self::None,
            SmoothingInput::SavitzkyGolay { window, degree } => Self::SavitzkyGolay { window, degree },
            SmoothingInput::Whittaker { lambda } => Self::Whittaker { lambda },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_grid_covers_the_dates_and_bad_members_are_named() {
        let days = [92.0, 100.0, 289.0];
        let TimeGrid::Days { first, step, count } = TimeGridInput::default().grid(&days).unwrap() else {
            panic!()
        };
        assert!(first <= 92.0 && first + step * (count - 1) as f32 >= 289.0);
        let grid: TimeGridInput = serde_json::from_str(r#"{"step": 0}"#).unwrap();
        assert!(grid.grid(&days).unwrap_err().to_string().contains("timeGrid.step"));
        assert!(serde_json::from_str::<TimeGridInput>(r#""daily""#).is_err());
        assert_eq!(
            serde_json::from_str::<TimeGridInput>(r#""acquisitions""#).unwrap().grid(&days).unwrap(),
            TimeGrid::Acquisitions
        );
    }
}
