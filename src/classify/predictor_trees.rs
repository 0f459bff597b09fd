//! Trees together with the predictors that they look at: from a block of series to
//! probabilities. `itsgbt`, `tsrf` and `forest` differ in how they train, not in what comes of it.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::fused::SeriesScorer;
use super::{Classifier, ClassifyError, SeriesBlock, TreeEnsemble};
use crate::predictors::{Predictor, PredictorSet};

/// Predictors and the trees over them; column `i` of the trees is predictor `i`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PredictorTrees {
    pub predictors: PredictorSet,
    pub ensemble: TreeEnsemble,
    /// Compiled when it is first asked: a model from a file is checked before.
    #[serde(skip)]
    scorer: OnceLock<SeriesScorer>,
}

impl PartialEq for PredictorTrees {
    fn eq(&self, other: &Self) -> bool {
        self.predictors == other.predictors && self.ensemble == other.ensemble
    }
}

impl PredictorTrees {
    /// Joins trees with the predictors that are their columns, and drops those predictors that
    /// no tree looks at.
    pub fn new(mut predictors: PredictorSet, mut ensemble: TreeEnsemble) -> Self {
        let mut used = vec![false; predictors.columns.len()];
        for &column in ensemble.trees.iter().flat_map(|t| &t.feature) {
            used[column as usize] = true;
        }
        let mut place = vec![0; used.len()];
        let mut kept = Vec::new();
        for (column, _) in used.iter().enumerate().filter(|(_, used)| **used) {
            place[column] = kept.len() as u32;
            kept.push(predictors.columns[column]);
        }
        for column in ensemble.trees.iter_mut().flat_map(|t| &mut t.feature) {
            *column = place[*column as usize];
        }
        ensemble.features = kept.len();
        predictors.columns = kept;
        Self { predictors, ensemble, scorer: OnceLock::new() }
    }

    /// Why trees from a file cannot be used for so many series and classes, or nothing.
    pub fn problem(&self, series_count: usize, classes: usize) -> Option<String> {
        let (predictors, ensemble, steps) = (&self.predictors, &self.ensemble, self.predictors.steps);
        let outside =
            |&(series, predictor): &(usize, Predictor)| series >= series_count || !predictor.fits(steps);
        if steps == 0 || predictors.columns.iter().any(outside) {
            return Some("a predictor reads past the series".to_owned());
        }
        if ensemble.features != predictors.columns.len() || ensemble.classes != classes {
            return Some("the trees, the predictors and the classes differ in number".to_owned());
        }
        ensemble.problem()
    }

    /// Writes probabilities `[class][pixel]`, NaN for pixels without any value.
    ///
    /// # Errors
    ///
    /// As [`SeriesScorer::new`] and [`SeriesScorer::score`].
    pub fn predict(&self, series: &SeriesBlock, out: &mut [f32]) -> Result<(), ClassifyError> {
        self.scorer()?.score(series, out)
    }

    /// The trees, ready for many blocks.
    ///
    /// # Errors
    ///
    /// As [`SeriesScorer::new`].
    pub fn scorer(&self) -> Result<&SeriesScorer, ClassifyError> {
        if let Some(scorer) = self.scorer.get() {
            return Ok(scorer);
        }
        let compiled = SeriesScorer::new(&self.predictors, &self.ensemble)?;
        Ok(self.scorer.get_or_init(|| compiled))
    }
}

/// A classifier of trees over predictors of series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesTrees {
    classes: Vec<String>,
    series: usize,
    pub(super) trees: PredictorTrees,
}

impl SeriesTrees {
    /// Trees, whose columns are `predictors`, over so many series; predictors that no tree looks
    /// at are dropped.
    pub fn new(classes: Vec<String>, series: usize, predictors: PredictorSet, trees: TreeEnsemble) -> Self {
        Self { classes, series, trees: PredictorTrees::new(predictors, trees) }
    }

    /// The trees, whose columns are those of [`SeriesTrees::predictors`].
    pub fn ensemble(&self) -> &TreeEnsemble {
        &self.trees.ensemble
    }

    /// The predictors that some tree looks at.
    pub fn predictors(&self) -> &PredictorSet {
        &self.trees.predictors
    }

    /// Why a model from a file cannot be used, or nothing.
    pub fn problem(&self) -> Option<String> {
        self.trees.problem(self.series, self.classes.len())
    }
}

impl Classifier for SeriesTrees {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn shape(&self) -> (usize, usize) {
        (self.series, self.trees.predictors.steps)
    }

    fn predict(&self, series: &SeriesBlock, out: &mut [f32]) -> Result<(), ClassifyError> {
        self.check(series, out)?;
        self.trees.predict(series, out)
    }
}
