//! `rice-map`: where rice grows.

use schemars::JsonSchema;

use super::inputs::InputFaults;
use super::rice::inputs::{SmoothingInput, TimeGridInput, map_inputs};
use super::rice::map::{MapOptions, map, write};
use super::rice::parameters::{MethodName, Parameters};
use super::rice::training::{Testing, USUAL_SERIES, open_cube, rice_error};
use super::{Context, DataSource, Process, ProcessError};
use crate::classify::assess::Accuracy;
use crate::classify::{Model, bands_of, foreign, plain_model};
use crate::classmap::ClassArea;
use crate::ogc::outputs::{GEOJSON, MODEL};
use crate::ogc::{Coverage, FileInput, ModelFile};

/// Maps rice from the series of a cube.
#[derive(Clone, Copy, Debug)]
pub struct RiceMap;

map_inputs! {
    /// What is mapped, and by what.
    pub struct RiceMapInputs {
        /// Labelled points or polygons, or a CSV table of series, to train with. Either this or `model`.
        #[schemars(extend("x-holds" = GEOJSON))]
        samples: Option<FileInput>,
        /// A model trained before. Either this or `samples`.
        #[schemars(extend("x-holds" = MODEL))]
        model: Option<FileInput>,
        /// How pixels are classified.
        #[serde(default)]
        method: MethodName,
        /// Parameters of the method.
        #[serde(default)]
        parameters: Parameters,
        /// Classes that are rice, where their names do not tell (`rice`, names that end with `-rice`
        /// other than `non-rice`, and Chinese names such as 水稻, 单季稻 and 早稻 do). The map and the
        /// model keep it.
        rice_classes: Option<Vec<String>>,
    }
}

/// What is told where neither way to a classifier is given.
const NEITHER: &str = "either `samples` or a `model` is needed";

/// What comes back.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct RiceMapOutputs {
    /// The class of each pixel, with names and colours in the file.
    class_map: Coverage,
    /// Probability in percent of the class that the pixel was classified as, before
    /// `minimumMappingUnit`; 255 is nodata.
    confidence: Coverage,
    /// Pixels and hectares of each class.
    areas: Vec<ClassArea>,
    /// Accuracy by the validation, and area-adjusted by the map; none where a model was given, and
    /// where the samples cannot tell.
    accuracy: Option<Accuracy>,
    /// The model that made the map.
    model: ModelFile,
}

impl Process for RiceMap {
    type Inputs = RiceMapInputs;
    type Outputs = RiceMapOutputs;
    const ID: &'static str = "rice-map";
    const TITLE: &'static str = "Rice map";
    const DESCRIPTION: &'static str = "Maps rice (single, double, non-rice, or any classes of the samples) from the \
        series of a spectral index: regularized by day of year, interval and Fourier predictors, gradient boosted \
        trees (Auto-ITSGBT, Jiang et al. 2024), or one of its rivals. Trains on samples or applies a model.";
    const STEPS: &'static [(&'static str, u32)] = &[
        ("open scenes", 5),
        ("read samples", 15),
        ("validate", 20),
        ("train", 20),
        ("classify", 35),
        ("sieve", 1),
        ("write", 4),
    ];

    fn check(inputs: &RiceMapInputs, faults: &mut InputFaults) {
        inputs.check_map(faults);
        match (&inputs.samples, &inputs.model) {
            (None, None) => faults.add("samples", NEITHER),
            (Some(_), Some(_)) => faults.add("model", "`samples` and `model` exclude each other"),
            (None, Some(_)) => inputs.check_what_the_model_decides(faults),
            (Some(_), None) => faults.note(inputs.parameters.method(inputs.method)),
        }
    }

    fn run(&self, inputs: RiceMapInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let steep = inputs.mask(context)?;
        let options =
            MapOptions { steep, rice: None, told: None, minimum_mapping_unit: inputs.minimum_mapping_unit };
        let (cube, mut model, trained) = match (&inputs.samples, &inputs.model) {
            (None, None) => return Err(ProcessError::input("samples", NEITHER)),
            (_, Some(file)) => {
                let model = read_model("model", file, inputs.classes.as_deref(), context.data)?;
                model.card.legend.clone().with_rice(inputs.rice_classes.as_deref()).map_err(rice_error)?;
                let channels = model.recipe.channels().map_err(|e| ProcessError::input("model", e))?;
                (open_cube(&inputs.cube, &inputs.choice(), bands_of(&channels), context)?, model, None)
            }
            (Some(samples), None) => {
                let method = inputs.parameters.method(inputs.method)?;
                let mut training = inputs.training(samples, &USUAL_SERIES, &method);
                if !context.sink.wants("accuracy") {
                    training.testing = Testing::No;
                }
                training.needs_rice = true;
                training.rice_classes = inputs.rice_classes.as_deref();
                let channels = training.channels()?;
                let cube = open_cube(&inputs.cube, &training.grid, bands_of(&channels), context)?;
                let trained = training.run(Some(&cube), context)?;
                (cube, trained.model, trained.confusion.zip(trained.accuracy))
            }
        };
        model.card.legend =
            model.card.legend.with_rice(inputs.rice_classes.as_deref()).map_err(rice_error)?;
        let areas = map(&cube, &model, &options, context)?;
        write(&model, &areas, trained, context)
    }
}

impl RiceMapInputs {
    /// A model brings its own method, series and time grid: asking for others would be in vain.
    fn check_what_the_model_decides(&self, faults: &mut InputFaults) {
        let asked = [
            ("method", self.method != MethodName::default()),
            ("indices", self.indices.is_some()),
            ("timeGrid", self.time_grid != TimeGridInput::default()),
            ("smoothing", self.smoothing != SmoothingInput::default()),
            ("despike", !self.despike),
            ("parameters", self.parameters != Parameters::default()),
            ("validation", self.validation.is_some()),
            ("seed", self.seed != 0),
        ];
        for (name, _) in asked.into_iter().filter(|asked| asked.1) {
            faults.add(name, "the `model` decides this; leave it out");
        }
    }
}

/// Reads a model of this crate or of LightGBM.
///
/// # Errors
/// [`ProcessError::Input`] naming `input`, or `classes` that a model decides itself.
pub fn read_model(
    input: &str,
    file: &FileInput,
    classes: Option<&[String]>,
    data: &dyn DataSource,
) -> Result<Model, ProcessError> {
    let bytes = data.bytes(input, file)?;
    let bytes = plain_model(&bytes).map_err(|e| ProcessError::input(input, e))?;
    if classes.is_some() && !foreign::is_lightgbm(&bytes) {
        return Err(ProcessError::input("classes", "the `model` decides this; leave it out"));
    }
    if foreign::is_lightgbm(&bytes) {
        return foreign::from_lightgbm(&bytes, classes).map_err(|e| ProcessError::input(input, e));
    }
    Model::from_bytes(&bytes).map_err(|e| ProcessError::input(input, e))
}
