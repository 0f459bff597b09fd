//! The one versioned model file, with its card.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::gru::GruModel;
use super::predictor_trees::PredictorTrees;
use super::{Classifier, ClassifyError, DtwModel, SeriesRecipe, SeriesTrees, SwvModel};
use crate::classmap::Legend;
use crate::text::unmarked;

/// What a model file says it is.
const FORMAT: &str = "rededge-model";
/// The version this crate writes; it reads this one and those before.
///
/// 2: spectral indices are held to their range, and days are counted in years of 365 days. Models of
/// version 1 read indices and days as they were trained with.
const VERSION: u32 = 2;

/// Where a model comes from and how right it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelCard {
    /// The method's id (`itsgbt`).
    pub method: String,
    /// Codes, names and colours, in the order of the classifier's classes.
    pub legend: Legend,
    /// The seed of every random draw.
    pub seed: u64,
    /// Samples of each class it was trained on, in the order of the legend.
    pub samples: Vec<usize>,
    /// First and last date of the training series.
    pub dates: (jiff::civil::Date, jiff::civil::Date),
    /// Where the training scenes lie: west, south, east, north in degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<[f64; 4]>,
    /// What it must not be used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<String>,
    /// The parameters it was trained with.
    pub parameters: serde_json::Value,
    /// The accuracy document of its validation, where it was validated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<serde_json::Value>,
    /// The software and its version.
    pub software: String,
}

/// A trained classifier of any method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Trained {
    /// Intervals and Fourier coefficients, boosted trees.
    Itsgbt(SeriesTrees),
    /// Time series forest.
    Tsrf(SeriesTrees),
    /// Standard curves and dynamic time warping.
    Dtw(DtwModel),
    /// Random forest of every value.
    Forest(SeriesTrees),
    /// Stability-weighted vote of six classifiers.
    Swv(Box<SwvModel>),
    /// Gated recurrent unit.
    Gru(GruModel),
}

impl Trained {
    /// The classifier behind the method.
    pub fn classifier(&self) -> &dyn Classifier {
        match self {
            Self::Itsgbt(model) | Self::Tsrf(model) | Self::Forest(model) => model,
            Self::Dtw(model) => model,
            Self::Swv(model) => model.as_ref(),
            Self::Gru(model) => model,
        }
    }

    /// The trees, where the method is one of trees over predictors.
    pub(super) fn trees(&self) -> Option<&PredictorTrees> {
        match self {
            Self::Itsgbt(model) | Self::Tsrf(model) | Self::Forest(model) => Some(&model.trees),
            Self::Dtw(_) | Self::Swv(_) | Self::Gru(_) => None,
        }
    }
}

/// A model file: card, what it reads, what it learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    format: String,
    version: u32,
    /// Where it comes from.
    pub card: ModelCard,
    /// Which series it reads.
    pub recipe: SeriesRecipe,
    /// What it learned.
    pub trained: Trained,
}

impl Model {
    /// A model of this version.
    pub fn new(card: ModelCard, recipe: SeriesRecipe, trained: Trained) -> Self {
        Self { format: FORMAT.to_owned(), version: VERSION, card, recipe, trained }
    }

    /// The file's bytes (JSON).
    ///
    /// # Errors
    /// [`ClassifyError::Model`] where a value cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ClassifyError> {
        serde_json::to_vec(self).map_err(|e| ClassifyError::Model(format!("cannot be written: {e}")))
    }

    /// Reads and checks a model file.
    ///
    /// # Errors
    /// [`ClassifyError::Model`]: not a model, a newer version, damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ClassifyError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let fail = |why: String| ClassifyError::Model(why);
        let bytes = &*unmarked(bytes);
        let head: Head =
            serde_json::from_slice(bytes).map_err(|e| fail(super::sniff::not_a_model(bytes, &e)))?;
        if head.format != FORMAT {
            return Err(fail(format!("is a `{}`, not a `{FORMAT}`", head.format)));
        }
        if head.version == 0 || head.version > VERSION {
            let version = head.version;
            return Err(fail(format!("has version {version}; this rededge reads up to version {VERSION}")));
        }
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let model: Self = serde_path_to_error::deserialize(&mut json)
            .map_err(|e| fail(format!("is damaged at `{}`: {}", e.path(), e.inner())))?;
        match model.problem() {
            None => Ok(model),
            Some(why) => Err(fail(format!("is damaged: {why}"))),
        }
    }

    fn problem(&self) -> Option<String> {
        let classifier = self.trained.classifier();
        if classifier.classes().len() != self.card.legend.classes.len() {
            return Some("the legend and the classifier differ in classes".to_owned());
        }
        if classifier.shape().0 != self.recipe.series.len() {
            return Some("the recipe and the classifier differ in series".to_owned());
        }
        let codes: BTreeSet<u8> = self.card.legend.classes.iter().map(|c| c.code).collect();
        if codes.len() != self.card.legend.classes.len() || codes.contains(&self.card.legend.nodata) {
            return Some("two classes have one code, or that of nodata".to_owned());
        }
        if let Some(why) = self.recipe.regularize.problem() {
            return Some(why);
        }
        self.recipe.channels().err().map(|e| e.to_string()).or_else(|| match &self.trained {
            Trained::Itsgbt(model) | Trained::Tsrf(model) | Trained::Forest(model) => model.problem(),
            Trained::Dtw(model) => model.problem(),
            Trained::Swv(model) => model.problem(),
            Trained::Gru(model) => model.problem(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Channel, ForestParams, forest, testing};
    use super::*;
    use crate::cube::{Calendar, Regularize, Smoothing, TimeGrid};

    fn model() -> Model {
        let (samples, labels) = testing::seasons(30, 1);
        let params = ForestParams { trees: 3, ..ForestParams::default() };
        let trained = forest::train(&samples.block(), &labels, None, &params, 3, &|_| true).unwrap();
        let card = ModelCard {
            method: "forest".to_owned(),
            legend: Legend::rice(),
            seed: 3,
            samples: vec![10, 10, 10],
            dates: (jiff::civil::date(2020, 4, 1), jiff::civil::date(2020, 10, 1)),
            region: None,
            limits: None,
            parameters: serde_json::Value::Null,
            accuracy: None,
            software: "test".to_owned(),
        };
        let grid = TimeGrid::Days { first: 91.0, step: 10.0, count: 20 };
        let regularize = Regularize { grid, despike: false, smoothing: Smoothing::None };
        let series = vec!["REP".to_owned()];
        let recipe = SeriesRecipe { series, regularize, bounded: true, calendar: Calendar::Season };
        Model::new(card, recipe, Trained::Forest(trained))
    }

    #[test]
    fn a_model_comes_back_as_it_was_and_says_its_version() {
        let model = model();
        let bytes = model.to_bytes().unwrap();
        assert_eq!(Model::from_bytes(&bytes).unwrap(), model);
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((&json["version"], &json["recipe"]["bounded"]), (&2.into(), &true.into()));
        let mut newer = json;
        newer["version"] = 3.into();
        let error = Model::from_bytes(&serde_json::to_vec(&newer).unwrap()).unwrap_err().to_string();
        assert!(error.contains("version 3") && error.contains("up to version 2"), "{error}");
    }

    /// What version 1 wrote: neither `bounded` nor `calendar`.
    #[test]
    fn a_model_of_version_1_reads_indices_and_days_as_it_was_trained_with() {
        let mut json = serde_json::to_value(model()).unwrap();
        json["version"] = 1.into();
        let recipe = json["recipe"].as_object_mut().unwrap();
        recipe.remove("bounded").unwrap();
        recipe.remove("calendar").unwrap();
        let old = Model::from_bytes(&serde_json::to_vec(&json).unwrap()).unwrap();
        // Water: B05 and B06 nearly equal. REP's bands are B07, B04, B05, B06.
        let bands = [[0.03f32], [0.05], [0.042], [0.0421]];
        let rep = |model: &Model| {
            let channel = model.recipe.channels().unwrap()[0];
            assert_eq!(channel.name(), "REP");
            let mut out = [0.0f32];
            let place = |band| channel.bands().iter().position(|b| *b == band).unwrap();
            channel.compute(|band| &bands[place(band)][..], &mut out);
            out[0]
        };
        assert!(matches!(old.recipe.channels().unwrap()[0], Channel::Formula(_)));
        assert!((rep(&old) - (700.0 + 40.0 * (0.04 - 0.042) / 0.0001)).abs() < 5.0, "{}", rep(&old));
        assert_eq!(rep(&model()), 680.0);
        // After a 29 February it counts the days that went by.
        let dates =
            [jiff::civil::date(2020, 4, 1), jiff::civil::date(2020, 6, 1), jiff::civil::date(2020, 10, 7)];
        assert_eq!(old.recipe.days(&dates), [92.0, 153.0, 281.0]);
        assert_eq!(model().recipe.days(&dates), [91.0, 152.0, 280.0]);
    }
}
