//! `train-rice`: a model of rice from samples, with its card.

use schemars::JsonSchema;
use serde::Deserialize;

use super::grid::Choice;
use super::rice::inputs::{SmoothingInput, TimeGridInput};
use super::rice::parameters::{MethodName, Parameters};
use super::rice::training::Training;
use super::{Context, Process, ProcessError};
use crate::classify::assess::Accuracy;
use crate::classify::splits::Validation;
use crate::ogc::{AreaInput, CubeInput, DateInterval, FileInput, ModelFile};

/// Trains a model of rice.
#[derive(Clone, Copy, Debug)]
pub struct TrainRice;

/// What it is trained on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrainRiceInputs {
    /// Scenes, as for `rice-map`; not needed where the samples hold series.
    cube: Option<CubeInput>,
    /// Labelled points or polygons, or a CSV table of series (columns such as `NDRE@2022-01-05`).
    samples: FileInput,
    /// How pixels are classified.
    #[serde(default)]
    method: MethodName,
    /// Class names in the order of their codes; samples of other classes are left out.
    classes: Option<Vec<String>>,
    /// The property of the samples that holds the class.
    #[serde(default = "class_property")]
    class_property: String,
    /// Spectral indices or bands whose series are read (default NDRE).
    indices: Option<Vec<String>>,
    /// Where: a box or polygons (default: all scenes).
    area: Option<AreaInput>,
    /// When: `2019-04-01/2019-10-31`, `..` for an open end (default: all dates).
    dates: Option<DateInterval>,
    /// Pixel size in metres (degrees where the CRS is geographic); default: the finest band.
    #[schemars(extend("x-unit" = "m"))]
    resolution: Option<f64>,
    /// CRS of the pixels, such as `EPSG:32649` (default: that of the first scene).
    crs: Option<String>,
    /// Time steps by day of year, or `acquisitions` (default: every 5 days over the dates).
    #[serde(default)]
    time_grid: TimeGridInput,
    /// Smoothing on the time grid (default: none).
    #[serde(default)]
    smoothing: SmoothingInput,
    /// Whether observations that stick out of a pixel's own series are left out.
    #[serde(default = "yes")]
    despike: bool,
    /// Scenes with this cloud cover or more are left out (default 30; 100 keeps all).
    #[schemars(range(min = 0, max = 100), extend("x-unit" = "%"))]
    max_cloud_cover: Option<f64>,
    /// Accept Level-1C scenes, which are not surface reflectance.
    #[serde(default)]
    allow_top_of_atmosphere: bool,
    /// How the model is tested (default: a holdout of 40/40/20).
    #[serde(default)]
    validation: Validation,
    /// Parameters of the method.
    #[serde(default)]
    parameters: Parameters,
    /// Seed of every random draw.
    #[serde(default)]
    seed: u64,
}

fn class_property() -> String {
    "class".to_owned()
}

fn yes() -> bool {
    true
}

/// What comes back.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct TrainRiceOutputs {
    /// The model with its card, for `rice-map`.
    model: ModelFile,
    /// Accuracy by the validation.
    accuracy: Accuracy,
}

impl Process for TrainRice {
    type Inputs = TrainRiceInputs;
    type Outputs = TrainRiceOutputs;
    const ID: &'static str = "train-rice";
    const TITLE: &'static str = "Train a rice model";
    const DESCRIPTION: &'static str = "Trains a model of rice on labelled samples and tests it by a validation design \
        (holdout, folds, leave one group out, spatial blocks). The model file carries its card: classes, series, \
        time grid, parameters, samples and accuracy. The last training uses all samples.";

    fn run(&self, inputs: TrainRiceInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let training = Training {
            cube: inputs.cube.as_ref(),
            grid: Choice {
                area: inputs.area.as_ref(),
                dates: inputs.dates,
                resolution: inputs.resolution,
                crs: inputs.crs.as_deref(),
                max_cloud_cover: inputs.max_cloud_cover,
                allow_top_of_atmosphere: inputs.allow_top_of_atmosphere,
            },
            samples: &inputs.samples,
            class_property: &inputs.class_property,
            classes: inputs.classes.as_deref(),
            indices: inputs.indices.as_deref(),
            time_grid: &inputs.time_grid,
            smoothing: inputs.smoothing,
            despike: inputs.despike,
            method: inputs.method,
            parameters: &inputs.parameters,
            validation: Some(&inputs.validation),
            seed: inputs.seed,
        };
        let cube = training.open_cube(context)?;
        let trained = training.run(cube.as_ref(), context)?;
        let bytes = trained.model.to_bytes().map_err(ProcessError::failed)?;
        context.sink.file("model", crate::ogc::outputs::MODEL, &bytes)?;
        context
            .sink
            .document("accuracy", serde_json::to_value(trained.accuracy).map_err(ProcessError::failed)?)
    }
}
