//! `train-stress`: a network that tells stressed from healthy rice, with its card and curves.

use schemars::JsonSchema;
use serde::Serialize;

use super::card::card_of;
use super::figures::{Curve, CurveFigure, Panel, Point, XAxis};
use super::inputs::InputFaults;
use super::rice::inputs::training_inputs;
use super::rice::training::Training;
use super::stress::{LIMITS, STRESS_INDICES};
use super::{Context, Process, ProcessError};
use crate::classify::assess::Accuracy;
use crate::classify::gru::{Epoch, GruParams, Score};
use crate::classify::method::Method;
use crate::classmap::Legend;
use crate::ogc::{Figure, Markdown, ModelFile, outputs};

/// Trains a network of stress.
#[derive(Clone, Copy, Debug)]
pub struct TrainStress;

training_inputs! {
    /// What it is trained on. `indices` are the eight of Zhang et al. (2022) where none are named.
    pub struct TrainStressInputs {
        /// Parameters of the network and its training.
        #[serde(default)]
        parameters: GruParams,
    }
}

/// What comes back.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct TrainStressOutputs {
    /// The model with its card, for `stress-map`.
    model: ModelFile,
    /// The card to read: data, dates, region, accuracy, and what the model must not be used for.
    model_card: Markdown,
    /// Accuracy by the validation; none where the samples cannot tell.
    accuracy: Option<Accuracy>,
    /// Loss and accuracy of each epoch of each training: those of the validation, and the last one.
    curves: Vec<TrainingCurve>,
    /// The same as curves (Zhang et al. 2022, Fig. 6).
    curves_figure: Figure,
}

/// The epochs of one training.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrainingCurve {
    /// Which one.
    pub training: String,
    /// The classes, in the order of the accuracies by class.
    pub classes: Vec<String>,
    /// Its epochs.
    pub epochs: Vec<Epoch>,
}

impl Process for TrainStress {
    type Inputs = TrainStressInputs;
    type Outputs = TrainStressOutputs;
    const ID: &'static str = "train-stress";
    const TITLE: &'static str = "Train a model of stress";
    const DESCRIPTION: &'static str = "Trains a gated recurrent unit on the series of eight red-edge indices \
        (Zhang et al. 2022) to tell rice with chlorophyll loss from healthy rice, and tests it by a validation \
        design. Loss and accuracy are told epoch by epoch; the model carries its card. What it finds is evidence of \
        chlorophyll loss, not a soil test.";
    const STEPS: &'static [(&'static str, u32)] = super::train_rice::TrainRice::STEPS;

    fn check(inputs: &TrainStressInputs, faults: &mut InputFaults) {
        inputs.check_training(faults);
    }

    fn run(&self, inputs: TrainStressInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let method = Method::Gru(inputs.parameters.clone());
        let training = Training { usual_indices: &STRESS_INDICES, ..inputs.training(&method) };
        let cube = training.open_cube(context)?;
        let mut trained = training.run(cube.as_ref(), context)?;
        trained.model.card.limits = Some(LIMITS.to_owned());
        let bytes = trained.model.to_bytes().map_err(ProcessError::failed)?;
        context.sink.file("model", outputs::MODEL, &bytes)?;
        context.sink.file("modelCard", outputs::MARKDOWN, card_of(&trained.model).as_bytes())?;
        let document = |value: Result<_, serde_json::Error>| value.map_err(ProcessError::failed);
        if let Some(accuracy) = trained.accuracy {
            context.sink.document("accuracy", document(serde_json::to_value(accuracy))?)?;
        }
        let classes: Vec<String> = trained.model.card.legend.classes.iter().map(|c| c.name.clone()).collect();
        let curves = trained.curves.into_iter().map(|(training, epochs)| TrainingCurve {
            training,
            classes: classes.clone(),
            epochs,
        });
        let curves: Vec<TrainingCurve> = curves.collect();
        context.sink.document("curves", document(serde_json::to_value(&curves))?)?;
        if context.sink.wants("curvesFigure") {
            let legend = &trained.model.card.legend;
            context.sink.file("curvesFigure", outputs::SVG, figure(&curves, legend)?.svg()?.as_bytes())?;
        }
        Ok(())
    }
}

/// Loss, accuracy and accuracy by class over the epochs of the first training that was held
/// against other samples, else of the last one.
fn figure(curves: &[TrainingCurve], legend: &Legend) -> Result<CurveFigure, ProcessError> {
    let tested = |c: &&TrainingCurve| c.epochs.iter().any(|e| e.validation.is_some());
    let curve = curves.iter().find(tested).or(curves.last());
    let curve = curve.ok_or_else(|| ProcessError::failed("there is no epoch to draw"))?;
    let line = |name: &str, color: [u8; 3], of: &dyn Fn(&Epoch) -> Option<f64>| Curve {
        name: name.to_owned(),
        color,
        points: (curve.epochs.iter())
            .filter_map(|e| Some(Point { x: e.epoch as f64, y: of(e)?, spread: 0.0 }))
            .collect(),
    };
    let both = |of: &dyn Fn(&Score) -> f64| {
        vec![
            line("training", TRAINING, &|e| Some(of(&e.training))),
            line("held out", HELD_OUT, &|e| e.validation.as_ref().map(of)),
        ]
    };
    let by_class = legend.classes.iter().enumerate().map(|(k, class)| {
        line(&class.name, class.color, &|e| e.validation.as_ref().unwrap_or(&e.training).by_class[k])
    });
    Ok(CurveFigure {
        title: format!("Training of the network ({})", curve.training),
        x: XAxis::Number("epoch".to_owned()),
        panels: vec![
            Panel { title: "loss (cross-entropy)".to_owned(), curves: both(&|s| s.loss) },
            Panel { title: "share of the samples that are right".to_owned(), curves: both(&|s| s.overall) },
            Panel { title: "the same by class".to_owned(), curves: by_class.collect() },
        ],
    })
}

/// Colours of the curves (Okabe and Ito 2008).
const TRAINING: [u8; 3] = [0x00, 0x72, 0xb2];
/// See [`TRAINING`].
const HELD_OUT: [u8; 3] = [0xcc, 0x79, 0xa7];
