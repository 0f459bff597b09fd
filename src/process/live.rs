//! Maps that are computed where they are looked at: what is asked of one, and the pixels of a window.
//! They are those of `rice-map` and `stress-map` with the same model, before any sieve.

use std::sync::Arc;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rice::training::check_dates;
use super::rice_map::read_model;
use super::stress::{RiceSource, STRESSED, rice_mask};
use super::stress_map::check_classes;
use super::{Choice, DataSource, ProcessError, Silent};
use crate::classify::predict::{Ground, Masks, PredictError, Predictor, RiceMask};
use crate::classify::{Channel, Model, bands_of};
use crate::classmap::Legend;
use crate::cube::{Band, CloudMask, CubeError, CubeRequest, DataCube, FEWEST_DATES};
use crate::ogc::{AreaInput, BboxInput, DateInterval, FileInput};
use crate::raster::Window;

/// A map that is computed where it is looked at: a cube with a model or a spectral index.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LiveInputs {
    /// For people; its name where not given.
    pub title: Option<String>,
    /// The scenes: a name of `[data.cubes]`.
    pub cube: String,
    /// A model of `train-rice` or `train-stress`: a name of `[data.models]`. Either this or `index`.
    pub model: Option<String>,
    /// What a model's map shows: its classes, or how sure they are (of a model of stress, how probable
    /// stress is).
    pub show: Show,
    /// For a model of stress: a model of rice for the same cube, which tells where rice grows.
    pub rice_model: Option<String>,
    /// For a model of stress: a class map of rice instead, a name of `[data.files]`.
    pub rice_map: Option<String>,
    /// A spectral index or band by name (`NDRE`), on the date that a request names, else on the last.
    pub index: Option<String>,
    /// The values of the index at the ends of its colours; most of what the scenes hold where not given.
    pub range: Option<[f64; 2]>,
    /// First and last day (`2022-04-01/2022-11-30`).
    pub dates: Option<DateInterval>,
    /// West, south, east and north in degrees.
    pub area: Option<[f64; 4]>,
    /// Pixel size; the finest of the bands where not given.
    pub resolution: Option<f64>,
    /// Scenes with this cloud cover (percent) or more are left out.
    pub max_cloud_cover: Option<f64>,
    /// Which masks of the scenes hide clouds: `both`, `qa60`, `scl` or `none`.
    pub cloud_mask: CloudMask,
}

/// What of a model's answer is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// Codes of classes.
    #[default]
    Classes,
    /// Percent.
    Probability,
}

/// How the pixels of a live map are computed.
pub enum LiveRecipe {
    /// By a model.
    Classes {
        /// The model.
        model: Arc<Model>,
        /// Where rice grows, where nothing else is classified.
        rice: Option<RiceSource>,
        /// What is shown.
        show: Show,
    },
    /// By a formula, date by date.
    Index(Channel),
}

/// The pixels of a window, row-major.
pub enum LivePixels {
    /// Codes of classes, or percent.
    Bytes(Vec<u8>),
    /// Values of an index; NaN has none.
    Numbers(Vec<f32>),
}

impl LiveInputs {
    /// The scenes and the grid that are asked for.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming the key.
    pub fn request(&self, bands: Vec<Band>, data: &dyn DataSource) -> Result<CubeRequest, ProcessError> {
        if let Some(resolution) = self.resolution.filter(|r| !(r.is_finite() && *r > 0.0)) {
            return Err(ProcessError::input("resolution", format!("{resolution} is not above 0")));
        }
        if let Some(cover) = self.max_cloud_cover.filter(|c| !(0.0..=100.0).contains(c)) {
            let message = format!("{cover} % is not within 0 to 100 %");
            return Err(ProcessError::input("maxCloudCover", message));
        }
        let area = self.area.map(|bbox| AreaInput::Bbox(BboxInput { bbox, crs: None }));
        let choice = Choice {
            area: area.as_ref(),
            dates: self.dates,
            resolution: self.resolution,
            max_cloud_cover: self.max_cloud_cover,
            cloud_mask: self.cloud_mask,
            ..Choice::default()
        };
        choice.request(bands, data)
    }
}

impl LiveRecipe {
    /// Reads the models that are named.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming the key.
    pub fn read(inputs: &LiveInputs, data: &dyn DataSource) -> Result<Self, ProcessError> {
        let rice = [("rice_model", &inputs.rice_model), ("rice_map", &inputs.rice_map)];
        let given = rice.into_iter().find(|(_, name)| name.is_some()).map(|(key, _)| key);
        match (&inputs.model, &inputs.index) {
            (None, None) => Err(ProcessError::input("model", "either a `model` or an `index` is needed")),
            (Some(_), Some(_)) => Err(ProcessError::input("index", "`model` and `index` exclude each other")),
            (None, Some(index)) => {
                if let Some(key) = given.or((inputs.show != Show::Classes).then_some("show")) {
                    return Err(ProcessError::input(key, "goes with a `model`, not with an `index`"));
                }
                Channel::parse(index).map(Self::Index).map_err(|e| ProcessError::input("index", e))
            }
            (Some(model), None) => {
                if inputs.range.is_some() {
                    return Err(ProcessError::input("range", "goes with an `index`, not with a `model`"));
                }
                let model = read_model("model", &FileInput::Path(model.clone()), None, data)?;
                let rice = rice_source(inputs, data)?;
                let stress = !model.card.legend.stressed().is_empty();
                if let Some(key) = given.filter(|_| !stress) {
                    let why = format!("goes with a model of stress; `model` has no class `{STRESSED}`");
                    return Err(ProcessError::input(key, why));
                }
                if stress {
                    check_classes(&model, rice.is_some())?;
                }
                Ok(Self::Classes { model: Arc::new(model), rice, show: inputs.show })
            }
        }
    }

    /// The bands that it reads.
    ///
    /// # Errors
    /// [`ProcessError::Input`]: a model of series that are not known.
    pub fn bands(&self) -> Result<Vec<Band>, ProcessError> {
        let of = |key: &str, model: &Model| {
            let channels = model.recipe.channels().map_err(|e| ProcessError::input(key, e))?;
            Ok::<_, ProcessError>(bands_of(&channels))
        };
        match self {
            Self::Index(channel) => Ok(channel.bands()),
            Self::Classes { model, rice, .. } => {
                let mut bands = of("model", model)?;
                if let Some(RiceSource::Model(rice, _)) = rice {
                    bands.extend(of("rice_model", rice)?);
                    bands.sort_unstable();
                    bands.dedup();
                }
                Ok(bands)
            }
        }
    }

    /// The classes and what the percent tell of, where it is a model.
    pub fn legend(&self) -> Option<(&Legend, String)> {
        let Self::Classes { model, .. } = self else { return None };
        let label = if self.told().is_empty() {
            "confidence".to_owned()
        } else {
            format!("probability of {STRESSED}")
        };
        Some((&model.card.legend, label))
    }

    /// The classes whose probability is told.
    fn told(&self) -> Vec<usize> {
        let Self::Classes { model, .. } = self else { return Vec::new() };
        model.card.legend.stressed()
    }

    /// Made ready for a cube.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming the key: a model that does not fit the dates.
    pub fn over(&self, cube: DataCube) -> Result<LiveMap, ProcessError> {
        let what = match self {
            Self::Index(channel) => What::Index(*channel),
            Self::Classes { model, rice, show } => {
                if cube.acquisitions.len() < FEWEST_DATES {
                    let dates = cube.acquisitions.len();
                    let why = format!("has {dates} usable dates; a series needs at least {FEWEST_DATES}");
                    return Err(ProcessError::input("cube", why));
                }
                check_dates(model, &cube, &Silent)?;
                if let Some(RiceSource::Model(rice, _)) = rice {
                    check_dates(rice, &cube, &Silent).map_err(of_rice)?;
                }
                let mask = rice.as_ref().map(|source| rice_mask(source, cube.clone())).transpose();
                let mask = mask.map_err(|e| ProcessError::input("rice_model", e))?;
                let predictor = Predictor::new(cube.clone(), model.clone());
                let predictor = predictor.map_err(|e| ProcessError::input("model", e))?;
                let predictor = Box::new(predictor.telling(self.told()));
                let rice = mask.map(|mask| Box::new(mask) as GroundMask);
                What::Classes { predictor, rice, show: *show }
            }
        };
        Ok(LiveMap { cube, what })
    }
}

/// What is wrong with a model of rice is wrong with its key.
fn of_rice(error: ProcessError) -> ProcessError {
    match error {
        ProcessError::Input { message, .. } => ProcessError::input("rice_model", message),
        other => other,
    }
}

fn rice_source(inputs: &LiveInputs, data: &dyn DataSource) -> Result<Option<RiceSource>, ProcessError> {
    let named = |name: &String| FileInput::Path(name.clone());
    match (&inputs.rice_model, &inputs.rice_map) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(ProcessError::input("rice_map", "`rice_model` and `rice_map` exclude each other"))
        }
        (Some(model), None) => {
            let model = read_model("rice_model", &named(model), None, data)?;
            RiceSource::of_model(model, None).map(Some).map_err(|e| ProcessError::input("rice_model", e))
        }
        (None, Some(map)) => {
            let map = data.raster("rice_map", &named(map))?;
            RiceSource::of_map(map, None).map(Some).map_err(|e| ProcessError::input("rice_map", e))
        }
    }
}

/// Where rice grows, for any thread.
type GroundMask = Box<dyn Fn(Window) -> Result<Vec<Ground>, CubeError> + Send + Sync>;

enum What {
    Classes { predictor: Box<Predictor<DataCube, Arc<Model>>>, rice: Option<GroundMask>, show: Show },
    Index(Channel),
}

/// A live map over one cube.
pub struct LiveMap {
    cube: DataCube,
    what: What,
}

impl LiveMap {
    /// The dates of the cube, rising.
    pub fn dates(&self) -> impl Iterator<Item = Date> {
        self.cube.acquisitions.iter().map(|a| a.date)
    }

    /// The pixels of a window; `time` is the date of an index.
    ///
    /// # Errors
    /// [`CubeError::Read`] naming the file.
    pub fn block(&self, time: usize, window: Window) -> Result<LivePixels, CubeError> {
        match &self.what {
            What::Index(channel) => self.index(*channel, time, window).map(LivePixels::Numbers),
            What::Classes { predictor, rice, show } => {
                let rice = rice.as_ref().map(|mask| &**mask as &RiceMask<'_>);
                let answer = predictor.block(window, Masks { steep: None, rice }).map_err(|e| match e {
                    PredictError::Cube(e) => e,
                    PredictError::Classify(e) => CubeError::Read(e.to_string()),
                    PredictError::Cancelled | PredictError::Write(()) => {
                        CubeError::Read("cancelled".to_owned())
                    }
                })?;
                Ok(LivePixels::Bytes(match show {
                    Show::Classes => answer.codes,
                    Show::Probability => answer.confidence,
                }))
            }
        }
    }

    fn index(&self, channel: Channel, time: usize, window: Window) -> Result<Vec<f32>, CubeError> {
        let (bands, pixels) = (channel.bands(), window.len());
        let mut planes = vec![f32::NAN; bands.len() * pixels];
        self.cube.read_date(time, &bands, window, &mut planes)?;
        let mut values = vec![f32::NAN; pixels];
        let plane = |band: Band| {
            let k = bands.iter().position(|b| *b == band).unwrap_or_default();
            &planes[k * pixels..(k + 1) * pixels]
        };
        channel.compute(plane, &mut values);
        Ok(values)
    }
}
