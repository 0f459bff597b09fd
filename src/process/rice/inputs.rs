//! How series are made regular, as it stands in a request.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use crate::cube::{Smoothing, TimeGrid};
use crate::process::ProcessError;

/// Inputs of a process that trains on labelled series: the members that all such processes share,
/// and between them its own. (`serde(flatten)` would lose the path of a wrong member.)
macro_rules! training_inputs {
    ($(#[$about:meta])* pub struct $name:ident { $($(#[$meta:meta])* $own:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            /// Scenes: a STAC ItemCollection, a SAFE folder, a GF-6 folder or a folder of GeoTIFFs, or
            /// a list of such sources that are joined; not needed where the samples hold series.
            cube: Option<crate::ogc::CubeInput>,
            /// Labelled points or polygons, or a CSV table of series (columns such as
            /// `NDRE@2022-01-05`).
            #[schemars(extend("x-holds" = crate::ogc::outputs::GEOJSON))]
            samples: crate::ogc::FileInput,
            $($(#[$meta])* $own: $kind,)*
            /// Class names in the order of their codes; samples of other classes are left out.
            classes: Option<Vec<String>>,
            /// The property of the samples that holds the class.
            #[serde(default = "crate::process::rice::inputs::class_property")]
            class_property: String,
            /// Spectral indices or bands whose series are read (default NDRE).
            indices: Option<Vec<String>>,
            /// Where: a box or polygons (default: all scenes).
            area: Option<crate::ogc::AreaInput>,
            /// When: `2019-04-01/2019-10-31`, `..` for an open end (default: all dates).
            dates: Option<crate::ogc::DateInterval>,
            /// Pixel size in metres (degrees where the CRS is geographic); default: the finest band.
            #[schemars(extend("x-unit" = "m", "exclusiveMinimum" = 0))]
            resolution: Option<f64>,
            /// CRS of the pixels, such as `EPSG:32649` (default: that of the first scene).
            crs: Option<String>,
            /// Time steps by day of year, or `acquisitions` (default: every 5 days over the dates).
            #[serde(default)]
            time_grid: crate::process::rice::inputs::TimeGridInput,
            /// Smoothing on the time grid (default: none).
            #[serde(default)]
            smoothing: crate::process::rice::inputs::SmoothingInput,
            /// Whether observations that stick out of a pixel's own series are left out.
            #[serde(default = "crate::process::rice::inputs::yes")]
            despike: bool,
            /// Scenes with this cloud cover or more are left out (default: none are, as clouds are
            /// masked pixel by pixel).
            #[schemars(range(min = 0, max = 100), extend("x-unit" = "%"))]
            max_cloud_cover: Option<f64>,
            /// Which masks of the scenes hide clouds pixel by pixel.
            #[serde(default)]
            cloud_mask: crate::cube::CloudMask,
            /// Accept Level-1C scenes, which are not surface reflectance.
            #[serde(default)]
            allow_top_of_atmosphere: bool,
            /// How the model is tested (default: a holdout of 40/40/20; five folds where a class has
            /// less than 100 samples).
            validation: Option<crate::classify::splits::Validation>,
            /// Seed of every random draw.
            #[serde(default)]
            seed: u64,
        }

        impl $name {
            /// Which scenes, on which grid.
            fn choice(&self) -> crate::process::Choice<'_> {
                crate::process::Choice {
                    area: self.area.as_ref(),
                    dates: self.dates,
                    resolution: self.resolution,
                    crs: self.crs.as_deref(),
                    max_cloud_cover: self.max_cloud_cover,
                    cloud_mask: self.cloud_mask,
                    allow_top_of_atmosphere: self.allow_top_of_atmosphere,
                }
            }

            /// Notes what is wrong with the members that all such processes share.
            fn check_training(&self, faults: &mut crate::process::inputs::InputFaults) {
                self.choice().check(faults);
                crate::process::rice::checks::check(
                    self.indices.as_deref(),
                    self.validation.as_ref(),
                    self.smoothing,
                    faults,
                );
            }

            /// What training needs, with a method.
            fn training<'a>(
                &'a self,
                method: &'a crate::classify::method::Method,
            ) -> crate::process::rice::training::Training<'a> {
                crate::process::rice::training::Training {
                    cube: self.cube.as_ref(),
                    grid: self.choice(),
                    samples: &self.samples,
                    class_property: &self.class_property,
                    classes: self.classes.as_deref(),
                    indices: self.indices.as_deref(),
                    usual_indices: &crate::process::rice::training::USUAL_SERIES,
                    time_grid: &self.time_grid,
                    smoothing: self.smoothing,
                    despike: self.despike,
                    method,
                    testing: crate::process::rice::training::Testing::of(self.validation.as_ref()),
                    seed: self.seed,
                    rice_classes: None,
                    needs_rice: false,
                }
            }
        }
    };
}
pub(in crate::process) use training_inputs;

/// Inputs of a process that maps a cube by a model, or by one that it trains first: the members that
/// all such processes share, and between them its own.
macro_rules! map_inputs {
    ($(#[$about:meta])* pub struct $name:ident { $($(#[$meta:meta])* $own:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            /// Scenes: a STAC ItemCollection, a SAFE folder, a GF-6 folder or a folder of GeoTIFFs, or
            /// a list of such sources that are joined.
            cube: crate::ogc::CubeInput,
            $($(#[$meta])* $own: $kind,)*
            /// Class names in the order of their codes; samples of other classes are left out.
            classes: Option<Vec<String>>,
            /// The property of the samples that holds the class.
            #[serde(default = "crate::process::rice::inputs::class_property")]
            class_property: String,
            /// Spectral indices or bands whose series are read (default: NDRE for rice, eight red-edge
            /// indices for stress).
            indices: Option<Vec<String>>,
            /// Where: a box or polygons (default: all scenes).
            area: Option<crate::ogc::AreaInput>,
            /// When: `2019-04-01/2019-10-31`, `..` for an open end (default: all dates).
            dates: Option<crate::ogc::DateInterval>,
            /// Elevation in metres, for the slope mask.
            #[schemars(extend("x-holds" = crate::ogc::outputs::GEOTIFF))]
            dem: Option<crate::ogc::FileInput>,
            /// Ground steeper than this carries no rice (default 8; needs `dem`).
            #[schemars(range(min = 0, max = 90), extend("x-unit" = "deg"))]
            max_slope: Option<f32>,
            /// Pixel size in metres (degrees where the CRS is geographic); default: the finest band.
            #[schemars(extend("x-unit" = "m", "exclusiveMinimum" = 0))]
            resolution: Option<f64>,
            /// CRS of the map, such as `EPSG:32649` (default: that of the first scene).
            crs: Option<String>,
            /// Time steps by day of year, or `acquisitions` (default: every 5 days over the dates).
            #[serde(default)]
            time_grid: crate::process::rice::inputs::TimeGridInput,
            /// Smoothing on the time grid (default: none).
            #[serde(default)]
            smoothing: crate::process::rice::inputs::SmoothingInput,
            /// Whether observations that stick out of a pixel's own series are left out.
            #[serde(default = "crate::process::rice::inputs::yes")]
            despike: bool,
            /// Scenes with this cloud cover or more are left out (default: none are, as clouds are
            /// masked pixel by pixel).
            #[schemars(range(min = 0, max = 100), extend("x-unit" = "%"))]
            max_cloud_cover: Option<f64>,
            /// Which masks of the scenes hide clouds pixel by pixel.
            #[serde(default)]
            cloud_mask: crate::cube::CloudMask,
            /// Accept Level-1C scenes, which are not surface reflectance.
            #[serde(default)]
            allow_top_of_atmosphere: bool,
            /// Patches smaller than this fall to their largest neighbour; 0 keeps all. Percentages stay
            /// those of the class before.
            #[serde(default)]
            #[schemars(range(min = 0), extend("x-unit" = "ha"))]
            minimum_mapping_unit: f64,
            /// How the model is tested (default: a holdout of 40/40/20; five folds where a class has
            /// less than 100 samples).
            validation: Option<crate::classify::splits::Validation>,
            /// Seed of every random draw.
            #[serde(default)]
            seed: u64,
        }

        impl $name {
            /// Which scenes, on which grid.
            fn choice(&self) -> crate::process::Choice<'_> {
                crate::process::Choice {
                    area: self.area.as_ref(),
                    dates: self.dates,
                    resolution: self.resolution,
                    crs: self.crs.as_deref(),
                    max_cloud_cover: self.max_cloud_cover,
                    cloud_mask: self.cloud_mask,
                    allow_top_of_atmosphere: self.allow_top_of_atmosphere,
                }
            }

            /// What training on samples needs.
            fn training<'a>(
                &'a self,
                samples: &'a crate::ogc::FileInput,
                usual_indices: &'a [&'a str],
                method: &'a crate::classify::method::Method,
            ) -> crate::process::rice::training::Training<'a> {
                crate::process::rice::training::Training {
                    cube: Some(&self.cube),
                    grid: self.choice(),
                    samples,
                    class_property: &self.class_property,
                    classes: self.classes.as_deref(),
                    indices: self.indices.as_deref(),
                    usual_indices,
                    time_grid: &self.time_grid,
                    smoothing: self.smoothing,
                    despike: self.despike,
                    method,
                    testing: crate::process::rice::training::Testing::of(self.validation.as_ref()),
                    seed: self.seed,
                    rice_classes: None,
                    needs_rice: false,
                }
            }

            /// Notes what is wrong with the members that all such processes share.
            fn check_map(&self, faults: &mut crate::process::inputs::InputFaults) {
                self.choice().check(faults);
                crate::process::rice::checks::check(
                    self.indices.as_deref(),
                    self.validation.as_ref(),
                    self.smoothing,
                    faults,
                );
                if self.max_slope.is_some() && self.dem.is_none() {
                    faults.add("maxSlope", "needs a dem");
                }
            }

            /// The slope mask.
            ///
            /// # Errors
            /// [`ProcessError::Input`](crate::process::ProcessError::Input) naming the member.
            fn mask(
                &self,
                context: &crate::process::Context<'_>,
            ) -> Result<Option<crate::process::rice::map::Steep>, crate::process::ProcessError> {
                crate::process::rice::map::steep(self.dem.as_ref(), self.max_slope, context)
            }
        }
    };
}
pub(in crate::process) use map_inputs;

/// The usual name of the property that holds the class.
pub(in crate::process) fn class_property() -> String {
    "class".to_owned()
}

/// For switches that are on where nothing else is asked for.
pub(in crate::process) fn yes() -> bool {
    true
}

/// Days between the steps of the time grid where nothing else is asked for.
const USUAL_STEP: f32 = 5.0;
/// Most steps of the time grid.
pub(super) const MOST_STEPS: usize = 2000;

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
                        "first": {"type": "number", "minimum": -400, "maximum": 800, "description": "first day of year"},
                        "step": {"type": "number", "minimum": 0.5, "maximum": 366, "default": USUAL_STEP,
                                 "description": "days from step to step"},
                        "count": {"type": "integer", "minimum": 3, "maximum": MOST_STEPS,
                                  "description": "number of steps"}
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
    /// A count that makes no grid.
    pub fn grid(&self, days: &[f32]) -> Result<TimeGrid, ProcessError> {
        let Self::Days(DayGrid { first, step, count }) = self else { return Ok(TimeGrid::Acquisitions) };
        let step = step.unwrap_or(USUAL_STEP);
        let TimeGrid::Days { first: start, count: steps, .. } = TimeGrid::covering(days, step) else {
            return Ok(TimeGrid::Acquisitions);
        };
        let start = first.unwrap_or(start);
        let last = days.last().copied().unwrap_or(start);
        let usual =
            if first.is_some() { (((last - start) / step).ceil().max(0.0)) as usize + 1 } else { steps };
        let count = count.unwrap_or(usual);
        // As many as the dates have steps, where none is asked for.
        if !(3..=MOST_STEPS).contains(&count) {
            let why = format!("{count} steps; a series has 3 to {MOST_STEPS}");
            return Err(ProcessError::input("timeGrid.count", why));
        }
        Ok(TimeGrid::Days { first: start, step, count })
    }
}

/// The part of a time grid that a series of dates up to `last_day` has seen: no step lies beyond
/// the first at or after that day, and three steps are always left.
pub fn cut(grid: TimeGrid, last_day: f32) -> TimeGrid {
    match grid {
        TimeGrid::Days { first, step, count } => {
            let seen = ((last_day - first) / step).ceil().max(0.0) as usize + 1;
            TimeGrid::Days { first, step, count: count.min(seen.max(3)) }
        }
        other => other,
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
    fn a_cut_grid_ends_at_the_first_step_that_holds_the_last_day() {
        let days = |grid: TimeGrid| grid.days(&[]);
        let grid = TimeGrid::Days { first: 91.0, step: 5.0, count: 40 };
        assert_eq!(days(cut(grid.clone(), 107.0)), [91.0, 96.0, 101.0, 106.0, 111.0]);
        assert_eq!(days(cut(grid.clone(), 80.0)), [91.0, 96.0, 101.0]);
        assert_eq!(cut(grid.clone(), 400.0), grid);
    }

    #[test]
    fn the_time_grid_covers_the_dates_and_bad_members_are_named() {
        let days = [92.0, 100.0, 289.0];
        let TimeGrid::Days { first, step, count } = TimeGridInput::default().grid(&days).unwrap() else {
            panic!()
        };
        assert!(first <= 92.0 && first + step * (count - 1) as f32 >= 289.0);
        let grid: TimeGridInput = serde_json::from_str(r#"{"first": 91, "step": 0.5}"#).unwrap();
        assert!(grid.grid(&[92.0, 2000.0]).unwrap_err().to_string().contains("timeGrid.count"));
        assert!(serde_json::from_str::<TimeGridInput>(r#""daily""#).is_err());
        assert_eq!(
            serde_json::from_str::<TimeGridInput>(r#""acquisitions""#).unwrap().grid(&days).unwrap(),
            TimeGrid::Acquisitions
        );
    }
}
