//! `train-rice`: a model of rice from samples, with its card.

use schemars::JsonSchema;

use super::inputs::InputFaults;
use super::rice::inputs::training_inputs;
use super::rice::parameters::{MethodName, Parameters};
use super::rice::training::Training;
use super::{Context, Process, ProcessError};
use crate::classify::assess::Accuracy;
use crate::ogc::ModelFile;

/// Trains a model of rice.
#[derive(Clone, Copy, Debug)]
pub struct TrainRice;

training_inputs! {
    /// What it is trained on.
    pub struct TrainRiceInputs {
        /// How pixels are classified.
        #[serde(default)]
        method: MethodName,
        /// Parameters of the method.
        #[serde(default)]
        parameters: Parameters,
        /// Classes that are rice, where their names do not tell. The model keeps it.
        rice_classes: Option<Vec<String>>,
    }
}

/// What comes back.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct TrainRiceOutputs {
    /// The model with its card, for `rice-map`.
    model: ModelFile,
    /// Accuracy by the validation; none where the samples cannot tell.
    accuracy: Option<Accuracy>,
}

impl Process for TrainRice {
    type Inputs = TrainRiceInputs;
    type Outputs = TrainRiceOutputs;
    const ID: &'static str = "train-rice";
    const TITLE: &'static str = "Train a rice model";
    const DESCRIPTION: &'static str = "Trains a model of rice on labelled samples and tests it by a validation design \
        (holdout, folds, leave one group out, spatial blocks). The model file carries its card: classes, series, \
        time grid, parameters, samples and accuracy. The last training uses all samples.";
    const STEPS: &'static [(&'static str, u32)] =
        &[("open scenes", 5), ("read samples", 25), ("validate", 35), ("train", 35)];

    fn check(inputs: &TrainRiceInputs, faults: &mut InputFaults) {
        inputs.check_training(faults);
        faults.note(inputs.parameters.method(inputs.method));
    }

    fn run(&self, inputs: TrainRiceInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let method = inputs.parameters.method(inputs.method)?;
        let training = Training { rice_classes: inputs.rice_classes.as_deref(), ..inputs.training(&method) };
        let cube = training.open_cube(context)?;
        let trained = training.run(cube.as_ref(), context)?;
        if trained.model.card.legend.is_rice().iter().all(|rice| !rice) {
            let note =
                "no class is known to be rice: name those that are in `riceClasses`, here or in `rice-map`";
            context.progress.note(note);
        }
        let bytes = trained.model.to_bytes().map_err(ProcessError::failed)?;
        context.sink.file("model", crate::ogc::outputs::MODEL, &bytes)?;
        match trained.accuracy {
            Some(accuracy) => context
                .sink
                .document("accuracy", serde_json::to_value(accuracy).map_err(ProcessError::failed)?),
            None => Ok(()),
        }
    }
}
