//! The methods by name: from observed series and labels to a trained classifier, and how right
//! each is under a validation design.

use std::collections::BTreeMap;

use super::assess::Confusion;
use super::boost::{BoostOptions, BoostParams};
use super::classifier::{NO_CLASS, check_samples, check_validation};
use super::gru::{self, GruParams};
use super::itsgbt::{self, PredictorChoice};
use super::splits::{Fold, Samples, SplitError, Validation, hold_out, split};
use super::watch::{Part, Watch};
use super::{
    Classifier, ClassifyError, DtwModel, DtwParams, ForestParams, Labels, Observations, SeriesBlock,
    SeriesRecipe, SeriesTrees, SwvModel, SwvParams, Trained, TsrfParams, boost, forest, search, tsrf,
};

/// Share of the samples that is set aside for a parameter search or early stopping where the
/// design has no validation part.
const SET_ASIDE: f64 = 0.3;

/// A method with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// Intervals and Fourier coefficients, boosted trees (Jiang et al. 2024).
    Itsgbt {
        /// The predictors.
        predictors: PredictorChoice,
        /// The trees.
        boost: BoostParams,
        /// Whether leaves, samples per leaf and shrinkage are chosen on the validation samples.
        search: bool,
    },
    /// Time series forest (Deng et al. 2013).
    Tsrf(TsrfParams),
    /// Nearest standard curve by dynamic time warping.
    Dtw(DtwParams),
    /// Random forest of every series value (Zhang et al. 2022, 3.1).
    Forest(ForestParams),
    /// Stability-weighted vote of six classifiers.
    Swv(Box<SwvParams>),
    /// Gated recurrent unit (Zhang et al. 2022).
    Gru(GruParams),
}

/// Regular series of samples and their classes.
#[derive(Clone, Debug)]
pub struct LabelledSeries {
    /// Number of series a sample has.
    pub series: usize,
    /// Time steps.
    pub steps: usize,
    /// `[series][step][sample]`.
    pub values: Vec<f32>,
    /// The classes.
    pub labels: Labels,
}

impl LabelledSeries {
    /// Makes the observations of samples regular.
    pub fn of(observations: &Observations, recipe: &SeriesRecipe) -> Self {
        let (values, _) = recipe.regularize(&observations.days, &observations.values, observations.len());
        let series = recipe.series.len();
        let steps = recipe.regularize.grid.days(&observations.days).len();
        Self { series, steps, values, labels: observations.labels.clone() }
    }

    /// What a classifier reads.
    pub fn block(&self) -> SeriesBlock<'_> {
        let (series, steps, pixels) = (self.series, self.steps, self.labels.labels.len());
        SeriesBlock { series, steps, pixels, values: &self.values }
    }

    /// The samples at `rows`.
    pub fn select(&self, rows: &[usize]) -> Self {
        let n = self.labels.labels.len().max(1);
        let values = self.values.chunks_exact(n).flat_map(|plane| rows.iter().map(|&r| plane[r])).collect();
        Self { values, labels: self.labels.select(rows), ..*self }
    }
}

impl Method {
    /// The method's id.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Itsgbt { .. } => "itsgbt",
            Self::Tsrf(_) => "tsrf",
            Self::Dtw(_) => "dtw",
            Self::Forest(_) => "forest",
            Self::Swv(_) => "swv",
            Self::Gru(_) => "gru",
        }
    }

    /// Trains on samples. `validation` chooses parameters where the method has some to choose.
    ///
    /// # Errors
    /// [`ClassifyError`]: one class only, parameters that do not fit, cancelled.
    pub fn train(
        &self,
        samples: &LabelledSeries,
        validation: Option<&LabelledSeries>,
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<(Trained, Self), ClassifyError> {
        let block = samples.block();
        let labels = &samples.labels;
        let held = validation.map(|v| (v.block(), &v.labels));
        let held = held.as_ref().map(|(b, l)| (b, *l));
        Ok(match self {
            Self::Itsgbt { predictors, boost, search } => {
                let (model, boost) =
                    train_itsgbt(predictors, boost, *search, (&block, labels), held, seed, watch)?;
                let chosen = Self::Itsgbt { predictors: predictors.clone(), boost, search: false };
                (Trained::Itsgbt(model), chosen)
            }
            Self::Tsrf(params) => {
                (Trained::Tsrf(tsrf::train(&block, labels, held, params, seed, watch)?), self.clone())
            }
            Self::Dtw(params) => {
                (Trained::Dtw(DtwModel::train(&block, labels, held, params, seed, watch)?), self.clone())
            }
            Self::Forest(params) => {
                (Trained::Forest(forest::train(&block, labels, held, params, seed, watch)?), self.clone())
            }
            Self::Swv(params) => {
                let model = SwvModel::train(&block, labels, held, params, seed, watch)?;
                (Trained::Swv(Box::new(model)), self.clone())
            }
            Self::Gru(params) => {
                let (model, params) = gru::train(&block, labels, held, params, seed, watch)?;
                (Trained::Gru(model), Self::Gru(params))
            }
        })
    }

    /// Whether training wants samples to choose parameters with.
    fn chooses(&self) -> bool {
        match self {
            Self::Itsgbt { boost, search, .. } => *search || boost.early_stopping > 0,
            Self::Gru(params) => params.patience != Some(0),
            Self::Tsrf(_) | Self::Dtw(_) | Self::Forest(_) | Self::Swv(_) => false,
        }
    }

    /// Trains and tests by a design: the pooled confusion of all folds, and the method with the
    /// parameters that a holdout's validation samples chose.
    ///
    /// # Errors
    /// [`ValidateError`].
    pub fn validate(
        &self,
        samples: &LabelledSeries,
        about: &Samples<'_>,
        design: &Validation,
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<(Confusion, Self), ValidateError> {
        self.validate_on(&split(design, about, seed)?, samples, about, seed, watch)
    }

    /// As [`Method::validate`], with the folds themselves.
    ///
    /// # Errors
    /// [`ValidateError`].
    pub fn validate_on(
        &self,
        folds: &[Fold],
        samples: &LabelledSeries,
        about: &Samples<'_>,
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<(Confusion, Self), ValidateError> {
        let mut confusion = Confusion::new(&samples.labels.classes);
        let mut chosen = self.clone();
        for (k, fold) in folds.iter().enumerate() {
            let (train, held) = if !fold.validation.is_empty() || !self.chooses() {
                (fold.train.clone(), fold.validation.clone())
            } else {
                self.set_aside(about, &fold.train, seed)?
            };
            let held = (!held.is_empty()).then(|| samples.select(&held));
            let width = 1.0 / folds.len() as f64;
            let name = format!("validation: {}", fold.name);
            let part = Part { whole: watch, from: k as f64 * width, width, name: &name };
            let trained_on = samples.select(&train);
            let (model, method) = self.train(&trained_on, held.as_ref(), seed, &part)?;
            if let Some(class) = only_class(model.classifier(), &trained_on)? {
                return Err(ValidateError::OneClass { class, samples: train.len() });
            }
            let test = samples.select(&fold.test);
            let found = model.classifier().predict_labels(&test.block())?;
            let part = Confusion::count(&samples.labels.classes, &test.labels.labels, &found)
                .map_err(|e| ClassifyError::Samples(e.to_string()))?;
            confusion.add(&part).map_err(|e| ClassifyError::Samples(e.to_string()))?;
            if folds.len() == 1 {
                chosen = method;
            }
        }
        Ok((confusion, chosen))
    }

    /// Trains on all samples; a method that still has parameters to choose sets some aside first.
    ///
    /// # Errors
    /// [`ValidateError`].
    pub fn train_on_all(
        &self,
        samples: &LabelledSeries,
        about: &Samples<'_>,
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<(Trained, Self), ValidateError> {
        let mut method = self.clone();
        let all: Vec<usize> = (0..samples.labels.labels.len()).collect();
        let (train, held) =
            if self.chooses() { self.set_aside(about, &all, seed)? } else { (Vec::new(), Vec::new()) };
        let choosing = !held.is_empty();
        if choosing {
            let first = Part { whole: watch, from: 0.0, width: 0.5, name: "choice of parameters" };
            (_, method) = self.train(&samples.select(&train), Some(&samples.select(&held)), seed, &first)?;
            method.stop_choosing();
        }
        // A network without samples to choose its epochs with takes all of them; trees cannot.
        method.stop_choosing();
        let from = if choosing { 0.5 } else { 0.0 };
        let last = Part { whole: watch, from, width: 1.0 - from, name: "all samples" };
        Ok(method.train(samples, None, seed, &last)?)
    }

    /// Sets samples aside to choose parameters with. None are where a class has a single point or
    /// polygon and the choice was not asked for.
    fn set_aside(
        &self,
        about: &Samples<'_>,
        rows: &[usize],
        seed: u64,
    ) -> Result<(Vec<usize>, Vec<usize>), SplitError> {
        let usual = matches!(self, Self::Gru(GruParams { patience: None, .. }));
        match hold_out(about, rows, SET_ASIDE, seed) {
            Err(SplitError::TooFew { .. }) if usual => Ok((rows.to_vec(), Vec::new())),
            found => found,
        }
    }

    /// The method with the values that parameters have which follow the samples: what a model's card
    /// tells.
    #[must_use]
    pub fn for_samples(mut self, labels: &Labels) -> Self {
        match &mut self {
            Self::Itsgbt { boost, .. } => *boost = boost.with_leaf_for(labels),
            Self::Gru(params) => *params = params.for_samples(labels.labels.len()),
            Self::Tsrf(_) | Self::Dtw(_) | Self::Forest(_) | Self::Swv(_) => {}
        }
        self
    }

    /// Keeps the parameters as they are: training needs no validation samples any more.
    fn stop_choosing(&mut self) {
        match self {
            Self::Itsgbt { boost, search, .. } => {
                *search = false;
                *boost = boost.without_early_stopping();
            }
            Self::Gru(params) => params.patience = Some(0),
            Self::Tsrf(_) | Self::Dtw(_) | Self::Forest(_) | Self::Swv(_) => {}
        }
    }

    /// The method with parameters that fit series of `steps`, where they were meant for longer
    /// ones: fewer harmonics, shorter intervals, a narrower band.
    #[must_use]
    pub fn shortened(mut self, steps: usize) -> Self {
        match &mut self {
            Self::Itsgbt { predictors, .. } => {
                predictors.harmonics = predictors.harmonics.min(steps / 2);
                predictors.fewest_steps = predictors.fewest_steps.min(steps);
            }
            Self::Tsrf(params) => params.min_length = params.min_length.min(steps),
            Self::Dtw(params) => params.band = params.band.map(|b| b.min(steps.saturating_sub(1))),
            Self::Forest(_) | Self::Swv(_) | Self::Gru(_) => {}
        }
        self
    }

    /// A method whose parameters were chosen by a holdout, made ready to train on all samples.
    #[must_use]
    pub fn settled(mut self) -> Self {
        self.stop_choosing();
        self
    }
}

/// The one class that a model gives for all of the samples of several that it was trained on, where it
/// does so: such a model tells nothing apart.
///
/// # Errors
/// Samples that do not fit the model.
pub fn only_class(
    model: &dyn Classifier,
    trained_on: &LabelledSeries,
) -> Result<Option<String>, ClassifyError> {
    let found = model.predict_labels(&trained_on.block())?;
    let first = found.iter().copied().find(|&label| label != NO_CLASS);
    let only = first.filter(|first| found.iter().all(|label| label == first || *label == NO_CLASS));
    let several = trained_on.labels.counts().into_iter().filter(|&n| n > 0).count() > 1;
    Ok(only.filter(|_| several).map(|class| model.classes()[usize::from(class)].clone()))
}

/// Why a validation did not finish.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// The samples cannot be divided so.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Training failed.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// A model that tells no classes apart: how often it is right says how many samples there are of
    /// one class, and no more.
    #[error("a model of {samples} samples gives `{class}` for all of them, whatever they are")]
    OneClass {
        /// The class.
        class: String,
        /// What it was trained on.
        samples: usize,
    },
}

type Held<'a> = Option<(&'a SeriesBlock<'a>, &'a Labels)>;

fn train_itsgbt(
    choice: &PredictorChoice,
    params: &BoostParams,
    searching: bool,
    (block, labels): (&SeriesBlock, &Labels),
    validation: Held,
    seed: u64,
    watch: &dyn Watch,
) -> Result<(SeriesTrees, BoostParams), ClassifyError> {
    check_samples(block, labels)?;
    check_validation(block, labels, validation)?;
    let predictors = choice.draw(block.series, block.steps, seed)?;
    let names: Vec<String> = (0..block.series).map(|s| s.to_string()).collect();
    let table = itsgbt::table(&predictors, &names, block);
    let params = BoostParams::try_from(BoostOptions { seed, ..(**params).clone() })?;
    let held = validation.map(|(b, l)| (itsgbt::table(&predictors, &names, b), l));
    let held = held.as_ref().map(|(t, l)| (t, *l));
    let (ensemble, params) = match held {
        Some(held) if searching => {
            let found = search::search(&params, &table, labels, held, &|part| watch.go_on(part))?;
            (found.model.ensemble, found.params)
        }
        _ => {
            let rounds = f64::from(params.rounds);
            let used = if params.early_stopping > 0 { held } else { None };
            let trained =
                boost::train(&params, &table, labels, used, &|round| watch.go_on(round as f64 / rounds))?;
            let kept = BoostOptions { rounds: trained.rounds.max(1) as u32, ..(*params).clone() };
            (trained.ensemble, BoostParams::try_from(kept)?)
        }
    };
    if ensemble.trees.iter().all(|tree| tree.feature.is_empty()) {
        return Err(no_split(&params, labels));
    }
    Ok((SeriesTrees::new(labels.classes.clone(), block.series, predictors, ensemble), params))
}

/// Why trees found nothing to split.
fn no_split(params: &BoostParams, labels: &Labels) -> ClassifyError {
    let samples = labels.labels.len();
    if let Some(leaf) =
        params.min_leaf.filter(|&leaf| 2.0 * f64::from(leaf) > params.row_fraction * samples as f64)
    {
        let reason = format!(
            "leaves of {leaf} samples and more leave nothing to split of {samples} training samples: every pixel \
             would be of one class; leave it out, or give a smaller one"
        );
        return ClassifyError::parameter("minLeaf", reason);
    }
    ClassifyError::NoSplit(format!(
        "no predictor tells the classes of {samples} training samples apart: every pixel would be of one class; \
         give more samples, other `indices` or other `predictors`"
    ))
}

/// What a validation design may look at, gathered from samples.
#[derive(Clone, Debug, Default)]
pub struct SampleFacts {
    units: Vec<u32>,
    properties: BTreeMap<String, Vec<String>>,
    xy: Option<Vec<[f64; 2]>>,
}

impl SampleFacts {
    /// Gathers them; `positions` are in metres (of any projected CRS).
    pub fn of(observations: &Observations, positions: Option<Vec<[f64; 2]>>) -> Self {
        let names: std::collections::BTreeSet<&String> =
            observations.samples.iter().flat_map(|s| s.properties.keys()).collect();
        let value = |s: &super::Sample, name: &String| {
            s.properties.get(name).map(ToString::to_string).unwrap_or_default()
        };
        let properties = names
            .into_iter()
            .map(|n| (n.clone(), observations.samples.iter().map(|s| value(s, n)).collect()))
            .collect();
        let units = observations.samples.iter().map(|s| s.feature as u32).collect();
        Self { units, properties, xy: positions }
    }

    /// As the splits read them.
    pub fn about<'a>(&'a self, labels: &'a Labels) -> Samples<'a> {
        Samples { labels, units: Some(&self.units), properties: &self.properties, xy: self.xy.as_deref() }
    }
}
