//! `stress-map`: where rice has lost chlorophyll.

use std::sync::Arc;

use schemars::JsonSchema;

use super::inputs::InputFaults;
use super::rice::inputs::{SmoothingInput, TimeGridInput, map_inputs};
use super::rice::map::{MapOptions, map, write};
use super::rice::parameters::{MethodName, Parameters};
use super::rice::training::{Testing, Training, USUAL_SERIES, open_cube, rice_error};
use super::rice_map::read_model;
use super::stress::{LIMITS, RiceSource, STRESS_INDICES, STRESSED, rice_mask};
use super::{Context, Process, ProcessError};
use crate::classify::assess::Accuracy;
use crate::classify::gru::GruParams;
use crate::classify::method::Method;
use crate::classify::{Model, bands_of};
use crate::classmap::ClassArea;
use crate::cube::{Band, DataCube};
use crate::ogc::outputs::{GEOJSON, GEOTIFF, MODEL};
use crate::ogc::{Coverage, FileInput, ModelFile};

/// Maps stressed rice.
#[derive(Clone, Copy, Debug)]
pub struct StressMap;

map_inputs! {
    /// What is mapped, and by what.
    pub struct StressMapInputs {
        /// Labelled points or polygons (`unstressed-rice`, `stressed-rice` and others) to train with.
        /// Either this or `model`.
        #[schemars(extend("x-holds" = GEOJSON))]
        samples: Option<FileInput>,
        /// A model of `train-stress`. Either this or `samples`.
        #[schemars(extend("x-holds" = MODEL))]
        model: Option<FileInput>,
        /// A class map of rice: only its rice is classified. One of `riceMap`, `riceModel` and
        /// `riceSamples`, or none: then `model` or `samples` must tell what is no rice.
        #[schemars(extend("x-holds" = GEOTIFF))]
        rice_map: Option<FileInput>,
        /// A model of `train-rice`, applied to the same cube.
        #[schemars(extend("x-holds" = MODEL))]
        rice_model: Option<FileInput>,
        /// Samples of rice: a model of rice is trained on them first, as `rice-map` does by default.
        #[schemars(extend("x-holds" = GEOJSON))]
        rice_samples: Option<FileInput>,
        /// Parameters of the network and its training.
        #[serde(default)]
        parameters: GruParams,
        /// Classes of `riceMap`, `riceModel` or `riceSamples` that are rice, where neither their names
        /// nor the map or model tell.
        rice_classes: Option<Vec<String>>,
    }
}

/// What is told where neither way to a classifier is given.
const NEITHER: &str = "either `samples` or a `model` is needed";

/// What comes back. Stress found here is evidence of chlorophyll loss in rice, not a soil test.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct StressMapOutputs {
    /// The class of each pixel: evidence of chlorophyll loss in rice, not a soil test.
    class_map: Coverage,
    /// Probability of stressed rice in percent, of rice alone where it is known where rice grows;
    /// 255 is nodata.
    probability: Coverage,
    /// Pixels and hectares of each class.
    areas: Vec<ClassArea>,
    /// Accuracy by the validation, and area-adjusted by the map; none where a model was given, and
    /// where the samples cannot tell.
    accuracy: Option<Accuracy>,
    /// The model that made the map.
    model: ModelFile,
}

impl Process for StressMap {
    type Inputs = StressMapInputs;
    type Outputs = StressMapOutputs;
    const ID: &'static str = "stress-map";
    const TITLE: &'static str = "Stress map";
    const DESCRIPTION: &'static str = "Maps rice that has lost chlorophyll, as under heavy metals, from the series of \
        eight red-edge indices by a gated recurrent unit (Zhang et al. 2022): class and probability of each pixel. \
        Rice comes from a map, a model or samples. What it finds is evidence of chlorophyll loss, not a soil test.";
    const STEPS: &'static [(&'static str, u32)] = super::rice_map::RiceMap::STEPS;

    fn check(inputs: &StressMapInputs, faults: &mut InputFaults) {
        inputs.check_map(faults);
        if inputs.model.is_some() {
            inputs.check_what_the_model_decides(faults);
        } else if inputs.samples.is_none() {
            faults.add("samples", NEITHER);
        }
        inputs.check_rice(faults);
    }

    fn run(&self, inputs: StressMapInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let steep = inputs.mask(context)?;
        let given = inputs.given_model(context)?;
        let rice = inputs.rice(context)?;
        if inputs.rice_classes.is_some() && rice.is_none() && inputs.rice_samples.is_none() {
            let why = "goes with `riceMap`, `riceModel` or `riceSamples`";
            return Err(ProcessError::input("riceClasses", why));
        }
        let method = Method::Gru(inputs.parameters.clone());
        let usual = Parameters::default().method(MethodName::default())?;
        let training = inputs.samples.as_ref().map(|s| inputs.training(s, &STRESS_INDICES, &method));
        let rice_training = inputs.rice_samples.as_ref().map(|s| inputs.training(s, &USUAL_SERIES, &usual));

        let mut bands: Vec<Band> = Vec::new();
        let neither = || ProcessError::input("samples", NEITHER);
        let channels = match &given {
            Some(model) => model.recipe.channels().map_err(|e| ProcessError::input("model", e))?,
            None => training.as_ref().ok_or_else(neither)?.channels()?,
        };
        bands.extend(bands_of(&channels));
        if let Some(RiceSource::Model(model, _)) = &rice {
            let channels = model.recipe.channels().map_err(|e| ProcessError::input("riceModel", e))?;
            bands.extend(bands_of(&channels));
        }
        if let Some(training) = &rice_training {
            let training = Training { indices: None, ..*training };
            bands.extend(bands_of(&training.channels()?));
        }
        bands.sort_unstable();
        bands.dedup();
        let cube = open_cube(&inputs.cube, &inputs.choice(), bands, context)?;

        let rice = match rice_training {
            Some(training) => {
                context.progress.note("a model of rice is trained first");
                let training = Training {
                    indices: None,
                    testing: Testing::No,
                    classes: None,
                    needs_rice: true,
                    rice_classes: inputs.rice_classes.as_deref(),
                    ..training
                };
                let trained =
                    training.run(Some(&cube), context).map_err(|e| renamed(e, "samples", "riceSamples"))?;
                let legend = trained.model.card.legend.clone();
                Some(RiceSource::Model(Arc::new(trained.model), legend))
            }
            None => rice,
        };
        let (model, trained) = if let Some(model) = given {
            (model, None)
        } else {
            let trained = training.ok_or_else(neither)?.run(Some(&cube), context)?;
            let mut model = trained.model;
            model.card.limits = Some(LIMITS.to_owned());
            (model, trained.confusion.zip(trained.accuracy))
        };
        check_classes(&model, rice.is_some())?;
        let areas = mapped(&cube, &model, rice.as_ref(), steep, inputs.minimum_mapping_unit, context)?;
        let is_rice = model.card.legend.is_rice();
        if areas.iter().zip(is_rice).filter(|(_, rice)| *rice).all(|(a, _)| a.pixels == 0) {
            context.progress.note("no pixel is rice: the map is empty");
        }
        write(&model, &areas, trained, context)
    }
}

impl StressMapInputs {
    /// A model brings its own series: asking for others would be in vain.
    fn check_what_the_model_decides(&self, faults: &mut InputFaults) {
        // A model of rice that is trained on the way is regularized as asked.
        let alone = self.rice_samples.is_none();
        let asked = [
            ("timeGrid", alone && self.time_grid != TimeGridInput::default()),
            ("smoothing", alone && self.smoothing != SmoothingInput::default()),
            ("despike", alone && !self.despike),
            ("samples", self.samples.is_some()),
            ("classes", self.classes.is_some()),
            ("indices", self.indices.is_some()),
            ("validation", self.validation.is_some()),
            ("parameters", self.parameters != GruParams::default()),
        ];
        for (name, _) in asked.into_iter().filter(|asked| asked.1) {
            faults.add(name, "the `model` decides this; leave it out");
        }
    }

    /// The model that is given.
    fn given_model(&self, context: &Context<'_>) -> Result<Option<Model>, ProcessError> {
        let Some(file) = &self.model else { return Ok(None) };
        read_model("model", file, None, context.data).map(Some)
    }

    /// There is one way at most to know where rice grows.
    fn check_rice(&self, faults: &mut InputFaults) {
        let given = [&self.rice_map, &self.rice_model, &self.rice_samples];
        if given.iter().filter(|g| g.is_some()).count() > 1 {
            let input = if self.rice_map.is_some() { "riceMap" } else { "riceModel" };
            faults.add(input, "`riceMap`, `riceModel` and `riceSamples` exclude each other");
        }
    }

    /// Where rice comes from, as far as it needs no training.
    fn rice(&self, context: &Context<'_>) -> Result<Option<RiceSource>, ProcessError> {
        let declared = self.rice_classes.as_deref();
        if let Some(file) = &self.rice_map {
            let map = context.data.raster("riceMap", file)?;
            return RiceSource::of_map(map, declared).map(Some).map_err(rice_error);
        }
        let Some(file) = &self.rice_model else { return Ok(None) };
        let model = read_model("riceModel", file, None, context.data)?;
        RiceSource::of_model(model, declared).map(Some).map_err(rice_error)
    }
}

/// Refuses a model that tells nothing of stress, or that must tell rice apart and cannot.
pub fn check_classes(model: &Model, rice_is_known: bool) -> Result<(), ProcessError> {
    let legend = &model.card.legend;
    let names: Vec<&str> = legend.classes.iter().map(|c| c.name.as_str()).collect();
    if legend.stressed().is_empty() {
        let why = format!("has no class `{STRESSED}`, nor one of that meaning (it has {})", names.join(", "));
        return Err(ProcessError::input("model", why));
    }
    if !rice_is_known && legend.is_rice().iter().all(|rice| *rice) {
        let why = format!(
            "tells {} apart and nothing else: say where rice grows (riceMap, riceModel or riceSamples)",
            names.join(" and ")
        );
        return Err(ProcessError::input("model", why));
    }
    Ok(())
}

fn mapped(
    cube: &DataCube,
    model: &Model,
    rice: Option<&RiceSource>,
    steep: Option<super::rice::map::Steep>,
    minimum_mapping_unit: f64,
    context: &Context<'_>,
) -> Result<Vec<ClassArea>, ProcessError> {
    let refuse = |e| ProcessError::input("riceModel", e);
    let mask = rice.map(|source| rice_mask(source, cube)).transpose().map_err(refuse)?;
    if let Some(RiceSource::Model(model, _)) = rice {
        super::rice::training::check_dates(model, cube, context.progress)?;
    }
    let mask = mask.as_ref().map(|m| m as &crate::classify::predict::RiceMask<'_>);
    let options = MapOptions { steep, rice: mask, told: Some(STRESSED), minimum_mapping_unit };
    map(cube, model, &options, context)
}

/// An error about one member, told of the member that it was for here.
fn renamed(error: ProcessError, from: &str, to: &str) -> ProcessError {
    match error {
        ProcessError::Input { input, message } if input == from => {
            ProcessError::Input { input: to.to_owned(), message }
        }
        other => other,
    }
}
