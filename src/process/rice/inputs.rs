//! Inputs of every process that reads a cube and samples, and what they mean.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use crate::cube::{Area, CubeRequest, Smoothing, TimeGrid};
use crate::crs::{Bounds, Crs};
use crate::ogc::{AreaInput, FileInput};
use crate::process::{Context, ProcessError};

/// Days between the steps of the time grid where nothing else is asked for.
const USUAL_STEP: f32 = 5.0;
/// Scenes with this cloud cover or more are left out ([Z] 2.2).
pub const USUAL_CLOUD_COVER: f32 = 30.0;

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
                DayGrid::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(TimeGridInput::Days)
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
        let usual = if first.is_some() { (((last - start) / step).ceil().max(0.0)) as usize + 1 } else { steps };
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

/// The members of a request that say which pixels of which dates are read.
#[derive(Clone, Debug, Default)]
pub struct GridMembers<'a> {
    pub area: Option<&'a AreaInput>,
    pub dates: Option<&'a str>,
    pub resolution: Option<f64>,
    pub crs: Option<&'a str>,
    pub max_cloud_cover: Option<f32>,
    pub allow_top_of_atmosphere: bool,
}

impl GridMembers<'_> {
    /// What is asked of the cube, but for the bands.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming the member.
    pub fn request(&self, context: &Context<'_>) -> Result<CubeRequest, ProcessError> {
        if let Some(resolution) = self.resolution.filter(|r| !(r.is_finite() && *r > 0.0)) {
            return Err(ProcessError::input("resolution", format_args!("{resolution} is not above 0")));
        }
        let cover = self.max_cloud_cover.unwrap_or(USUAL_CLOUD_COVER);
        if !(0.0..=100.0).contains(&cover) {
            return Err(ProcessError::input("maxCloudCover", format_args!("{cover} is not within 0 to 100 percent")));
        }
        Ok(CubeRequest {
            bands: Vec::new(),
            resolution: self.resolution,
            crs: self.crs.map(Crs::parse).transpose().map_err(|e| ProcessError::input("crs", e))?,
            area: self.area.map(|a| area(a, context)).transpose()?,
            dates: self.dates.map(interval).transpose()?,
            // At 100 nothing is left out: a scene that is all cloud by its metadata may still
            // have clear pixels by its mask.
            max_cloud_cover: (cover < 100.0).then_some(cover),
            allow_top_of_atmosphere: self.allow_top_of_atmosphere,
        })
    }
}

/// `2019-04-01/2019-10-31`; `..` leaves an end open.
fn interval(text: &str) -> Result<(jiff::civil::Date, jiff::civil::Date), ProcessError> {
    let bad = || {
        ProcessError::input("dates", format_args!("`{text}` is not an interval such as 2019-04-01/2019-10-31"))
    };
    let (start, end) = text.split_once('/').ok_or_else(bad)?;
    let day = |part: &str, open: jiff::civil::Date| match part.trim() {
        "" | ".." => Ok(open),
        part => part.get(..10).unwrap_or(part).parse().map_err(|_| bad()),
    };
    let (start, end) = (day(start, jiff::civil::Date::MIN)?, day(end, jiff::civil::Date::MAX)?);
    if start > end {
        return Err(ProcessError::input("dates", format_args!("{start} is after {end}")));
    }
    Ok((start, end))
}

fn area(input: &AreaInput, context: &Context<'_>) -> Result<Area, ProcessError> {
    match input {
        AreaInput::Bbox(bbox) => {
            let [min_x, min_y, max_x, max_y] = bbox.bbox;
            if !(min_x < max_x && min_y < max_y && bbox.bbox.iter().all(|v| v.is_finite())) {
                let why = format_args!("{:?} is not [minX, minY, maxX, maxY]", bbox.bbox);
                return Err(ProcessError::input("area.bbox", why));
            }
            let crs = match bbox.crs.as_deref() {
                None => Crs::wgs84(),
                Some(text) => Crs::parse(text).map_err(|e| ProcessError::input("area.crs", e))?,
            };
            Ok(Area::Box(Bounds { min_x, min_y, max_x, max_y }, crs))
        }
        AreaInput::Polygons(file) => polygons(file, context).map(Area::Polygons),
    }
}

fn polygons(file: &FileInput, context: &Context<'_>) -> Result<geo::MultiPolygon<f64>, ProcessError> {
    let mut polygons = Vec::new();
    for feature in context.data.features("area", file)?.features {
        match feature.geometry {
            geo::Geometry::Polygon(p) => polygons.push(p),
            geo::Geometry::MultiPolygon(m) => polygons.extend(m.0),
            _ => {}
        }
    }
    if polygons.is_empty() {
        return Err(ProcessError::input("area", "holds no polygon"));
    }
    Ok(geo::MultiPolygon(polygons))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_with_open_ends_and_bad_ones_named() {
        let (a, b) = interval("2019-04-01/2019-10-31").unwrap();
        assert_eq!((a.to_string(), b.to_string()), ("2019-04-01".into(), "2019-10-31".into()));
        assert!(interval("2019-04-01/..").is_ok() && interval("../2019-04-01").is_ok());
        for bad in ["2019-04-01", "x/y", "2019-05-01/2019-04-01"] {
            assert!(interval(bad).unwrap_err().to_string().starts_with("input `dates`"), "{bad}");
        }
    }

    #[test]
    fn the_time_grid_covers_the_dates_and_bad_members_are_named() {
        let days = [92.0, 100.0, 289.0];
        let TimeGrid::Days { first, step, count } = TimeGridInput::default().grid(&days).unwrap() else { panic!() };
        assert!(first <= 92.0 && first + step * (count - 1) as f32 >= 289.0);
        let grid: TimeGridInput = serde_json::from_str(r#"{"step": 0}"#).unwrap();
        assert!(grid.grid(&days).unwrap_err().to_string().contains("timeGrid.step"));
        assert!(serde_json::from_str::<TimeGridInput>(r#""daily""#).is_err());
        assert_eq!(serde_json::from_str::<TimeGridInput>(r#""acquisitions""#).unwrap().grid(&days).unwrap(), TimeGrid::Acquisitions);
    }
}
