//! `forest`: random forest (Breiman 2001) on every band and date, as Zhang et al. 2022,
//! section 3.1, map six land covers.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cart::{Grower, TreeParams, bootstrap};
use super::classifier::{check_samples, check_validation};
use super::error::check_trees;
use super::watch::{Parts, Watch};
use super::{ClassifyError, Labels, Link, SeriesBlock, SeriesTrees, TreeEnsemble};
use crate::predictors::{Predictor, PredictorSet};

/// Parameters of a random forest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ForestParams {
    /// Number of trees.
    pub trees: usize,
    /// How each grows. Where `columnsPerSplit` is absent, the square root of the number of
    /// columns is drawn for each split.
    pub tree: TreeParams,
}

impl Default for ForestParams {
    fn default() -> Self {
        Self { trees: 100, tree: TreeParams::default() }
    }
}

/// Trains a random forest on the value of every series at every step, each tree on a bootstrap of
/// the samples: the probability of a class is the mean of its share in the leaf that each tree
/// sends a pixel to. The validation samples are checked and otherwise not needed.
///
/// # Errors
///
/// Samples of fewer than two classes, or parameters out of range.
pub fn train(
    series: &SeriesBlock,
    labels: &Labels,
    validation: Option<(&SeriesBlock, &Labels)>,
    params: &ForestParams,
    seed: u64,
    watch: &dyn Watch,
) -> Result<SeriesTrees, ClassifyError> {
    check_samples(series, labels)?;
    check_validation(series, labels, validation)?;
    let values: Vec<_> = (0..series.steps).map(|step| Predictor::Value { step }).collect();
    let predictors = PredictorSet::for_each_series(series.series, series.steps, &values);
    let columns: Vec<Vec<f32>> = series.values.chunks_exact(series.pixels).map(<[f32]>::to_vec).collect();
    let ensemble = grow_forest(&columns, labels, params, seed, watch)?;
    Ok(SeriesTrees::new(labels.classes.clone(), series.series, predictors, ensemble))
}

/// Grows a random forest over columns; tree `t` draws from stream `t` of the seed, so that
/// the forest does not depend on the number of threads.
pub(crate) fn grow_forest(
    columns: &[Vec<f32>],
    labels: &Labels,
    params: &ForestParams,
    seed: u64,
    watch: &dyn Watch,
) -> Result<TreeEnsemble, ClassifyError> {
    check_trees(params.trees)?;
    params.tree.check()?;
    let per_split = params.tree.columns_per_split.unwrap_or((columns.len() as f64).sqrt() as usize);
    let tree =
        TreeParams { columns_per_split: Some(per_split.clamp(1, columns.len())), ..params.tree.clone() };
    let classes = labels.classes.len();
    let parts = Parts::new(watch, params.trees);
    let trees = (0..params.trees as u64)
        .into_par_iter()
        .map(|t| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(t);
            let weights = bootstrap(labels.labels.len(), &mut rng);
            let grower =
                Grower { columns, labels: &labels.labels, weights: &weights, classes, params: &tree };
            let grown = grower.grow(&mut rng);
            parts.next().map(|()| grown)
        })
        .collect::<Result<Vec<_>, ClassifyError>>()?;
    Ok(TreeEnsemble { features: columns.len(), classes, link: Link::Average, base: Vec::new(), trees })
}

#[cfg(test)]
mod tests {
    use super::super::{Classifier, testing};
    use super::*;

    #[test]
    fn a_forest_tells_the_made_up_seasons_apart() {
        let (samples, labels) = testing::seasons(400, 1);
        let (test, truth) = testing::seasons(400, 2);
        let model = train(&samples.block(), &labels, None, &ForestParams::default(), 3, &|_| true).unwrap();
        let found = model.predict_labels(&test.block()).unwrap();
        let agreement = testing::agreement(&found, &truth.labels);
        assert!(agreement > 0.93, "{agreement}");
        let again: SeriesTrees = serde_json::from_str(&serde_json::to_string(&model).unwrap()).unwrap();
        assert_eq!(again, model);
    }

    #[test]
    fn probabilities_add_up_and_pixels_without_series_have_none() {
        let (samples, labels) = testing::seasons(90, 1);
        let model = train(&samples.block(), &labels, None, &ForestParams::default(), 3, &|_| true).unwrap();
        let mut gap = testing::seasons(40, 5).0;
        gap.clear_pixel(7);
        testing::check_probabilities(&model, &gap, &[7]);
    }

    #[test]
    fn no_tree_is_refused_by_name() {
        let (samples, labels) = testing::seasons(30, 1);
        let params = ForestParams { trees: 0, ..ForestParams::default() };
        let error = train(&samples.block(), &labels, None, &params, 0, &|_| true).unwrap_err();
        assert!(error.to_string().contains("trees"));
    }
}
