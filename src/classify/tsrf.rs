//! `tsrf`: time series forest (Deng et al. 2013, *Information Sciences* 239, 142-153,
//! doi:10.1016/j.ins.2013.02.030). Each tree draws its own random intervals and looks at
//! their mean, standard deviation and slope.

use std::collections::HashMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cart::{Criterion, Grower, TreeParams};
use super::classifier::{check_samples, check_validation};
use super::error::{check_intervals, check_trees};
use super::watch::{Parts, Watch};
use super::{ClassifyError, Labels, Link, SeriesBlock, SeriesTrees, Tree, TreeEnsemble};
use crate::predictors::{Interval, Predictor, PredictorSet, draw_intervals};

/// Parameters of a time series forest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct TsrfParams {
    /// Number of trees.
    pub trees: usize,
    /// Intervals that a tree draws of each series; where absent, the square root of the number
    /// of steps, as Deng et al. do.
    pub intervals: Option<usize>,
    /// Fewest steps of an interval.
    pub min_length: usize,
    /// How each tree grows. By default to 32 leaves: on the series measured (docs/methods.md)
    /// more leaves cost time and gain nothing.
    pub tree: TreeParams,
}

impl Default for TsrfParams {
    fn default() -> Self {
        let tree = TreeParams { criterion: Criterion::Entrance, max_leaves: 32, ..TreeParams::default() };
        Self { trees: 100, intervals: None, min_length: 3, tree }
    }
}

/// Trains a time series forest, every tree on all samples: the probability of a class is the mean
/// of its share in the leaf that each tree sends a pixel to. The validation samples are checked and
/// otherwise not needed.
///
/// # Errors
///
/// Samples of fewer than two classes, intervals longer than the series, other parameters
/// out of range.
pub fn train(
    series: &SeriesBlock,
    labels: &Labels,
    validation: Option<(&SeriesBlock, &Labels)>,
    params: &TsrfParams,
    seed: u64,
    watch: &dyn Watch,
) -> Result<SeriesTrees, ClassifyError> {
    check_samples(series, labels)?;
    check_validation(series, labels, validation)?;
    let steps = series.steps;
    check_trees(params.trees)?;
    if !(2..=steps).contains(&params.min_length) {
        let reason = format!("must be 2 to the {steps} steps of the series, not {}", params.min_length);
        return Err(ClassifyError::parameter("minimumIntervalLength", reason));
    }
    check_intervals(params.intervals.unwrap_or(1))?;
    params.tree.check()?;
    let count = params.intervals.unwrap_or((steps as f64).sqrt().round() as usize);
    let classes = labels.classes.len();
    let weights = vec![1; series.pixels];
    let parts = Parts::new(watch, params.trees);
    let grown = (0..params.trees as u64)
        .into_par_iter()
        .map(|t| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(t);
            let set = draw_predictors(series.series, steps, count, params.min_length, &mut rng);
            let columns = set.compute(series.values, series.pixels);
            let grower = Grower {
                columns: &columns,
                labels: &labels.labels,
                weights: &weights,
                classes,
                params: &params.tree,
            };
            let tree = grower.grow(&mut rng);
            parts.next().map(|()| (set, tree))
        })
        .collect::<Result<Vec<(PredictorSet, Tree)>, ClassifyError>>()?;
    let (predictors, ensemble) = concatenate(steps, classes, grown);
    Ok(SeriesTrees::new(labels.classes.clone(), series.series, predictors, ensemble))
}

/// The three predictors of `count` random intervals of each series.
fn draw_predictors(
    series: usize,
    steps: usize,
    count: usize,
    fewest: usize,
    rng: &mut ChaCha8Rng,
) -> PredictorSet {
    let mut columns = Vec::with_capacity(3 * series * count);
    for s in 0..series {
        for i in draw_intervals(rng.random(), steps, count, fewest) {
            columns
                .extend([Predictor::Mean(i), Predictor::Deviation(i), Predictor::Slope(i)].map(|p| (s, p)));
        }
    }
    PredictorSet { steps, columns }
}

/// One list of predictors for all trees, each named once.
fn concatenate(
    steps: usize,
    classes: usize,
    grown: Vec<(PredictorSet, Tree)>,
) -> (PredictorSet, TreeEnsemble) {
    let key = |&(series, predictor): &(usize, Predictor)| match predictor {
        Predictor::Mean(i) => Some((series, 0, i)),
        Predictor::Deviation(i) => Some((series, 1, i)),
        Predictor::Slope(i) => Some((series, 2, i)),
        _ => None,
    };
    let mut columns = Vec::new();
    let mut place: HashMap<Option<(usize, u8, Interval)>, u32> = HashMap::new();
    let mut trees = Vec::with_capacity(grown.len());
    for (set, mut tree) in grown {
        for feature in &mut tree.feature {
            let column = set.columns[*feature as usize];
            *feature = *place.entry(key(&column)).or_insert_with(|| {
                columns.push(column);
                columns.len() as u32 - 1
            });
        }
        trees.push(tree);
    }
    let ensemble =
        TreeEnsemble { features: columns.len(), classes, link: Link::Average, base: Vec::new(), trees };
    (PredictorSet { steps, columns }, ensemble)
}

#[cfg(test)]
mod tests {
    use super::super::Classifier;
    use super::super::testing::{self, Series};
    use super::*;

    #[test]
    fn a_rising_series_is_told_from_a_falling_one_by_its_slope() {
        // Two samples, one rising and one falling about the same mean.
        let values = (0..6).flat_map(|t| [t as f32, 5.0 - t as f32]).collect();
        let samples = Series { series: 1, steps: 6, pixels: 2, values };
        let labels = Labels { classes: vec!["up".into(), "down".into()], labels: vec![0, 1] };
        let params = TsrfParams { trees: 20, min_length: 6, ..TsrfParams::default() };
        let model = train(&samples.block(), &labels, None, &params, 1, &|_| true).unwrap();
        // The whole series is the only interval; its mean and deviation are equal for both.
        assert_eq!(model.predictors().columns, [(0, Predictor::Slope(Interval { start: 0, end: 5 }))]);
        let mut out = [0.0; 4];
        model.predict(&samples.block(), &mut out).unwrap();
        assert_eq!(out, [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn seasons_are_told_apart_alike_by_the_same_seed() {
        let (samples, labels) = testing::seasons(400, 1);
        let (test, truth) = testing::seasons(400, 2);
        let model = train(&samples.block(), &labels, None, &TsrfParams::default(), 3, &|_| true).unwrap();
        assert!(testing::agreement(&model.predict_labels(&test.block()).unwrap(), &truth.labels) > 0.97);
        let again = train(&samples.block(), &labels, None, &TsrfParams::default(), 3, &|_| true).unwrap();
        assert_eq!(again, model);
        let stored: SeriesTrees = serde_json::from_str(&serde_json::to_string(&model).unwrap()).unwrap();
        assert_eq!(stored, model);
    }

    #[test]
    fn probabilities_add_up_and_do_not_depend_on_the_block() {
        let (samples, labels) = testing::seasons(90, 1);
        let params = TsrfParams { trees: 30, ..TsrfParams::default() };
        let model = train(&samples.block(), &labels, None, &params, 3, &|_| true).unwrap();
        let mut test = testing::seasons(70, 5).0;
        test.clear_pixel(33);
        testing::check_probabilities(&model, &test, &[33]);
    }

    #[test]
    fn bad_parameters_are_refused_by_name() {
        let (samples, labels) = testing::seasons(30, 1);
        let refuse = |params: TsrfParams| {
            train(&samples.block(), &labels, None, &params, 0, &|_| true).unwrap_err().to_string()
        };
        assert!(
            refuse(TsrfParams { min_length: 21, ..TsrfParams::default() }).contains("minimumIntervalLength")
        );
        assert!(refuse(TsrfParams { intervals: Some(0), ..TsrfParams::default() }).contains("intervals"));
        assert!(refuse(TsrfParams { trees: 0, ..TsrfParams::default() }).contains("trees"));
        let one = Labels { labels: vec![1; 30], ..labels.clone() };
        let error = train(&samples.block(), &one, None, &TsrfParams::default(), 0, &|_| true).unwrap_err();
        assert!(error.to_string().contains("two classes"));
    }
}
