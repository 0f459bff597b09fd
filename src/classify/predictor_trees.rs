//! Trees together with the predictors that they look at: from a block of series to
//! probabilities.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::classifier::clear_empty;
use super::fused::Scorer;
use super::{ClassifyError, SeriesBlock, TreeEnsemble};
use crate::predictors::PredictorSet;

/// Predictors and the trees over them; column `i` of the trees is predictor `i`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PredictorTrees {
    pub predictors: PredictorSet,
    pub ensemble: TreeEnsemble,
    /// Compiled when it is first asked: a model from a file is checked before.
    #[serde(skip)]
    scorer: OnceLock<Scorer>,
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

    /// Writes probabilities `[class][pixel]`, NaN for pixels without any value.
    pub fn predict(&self, series: &SeriesBlock, out: &mut [f32]) -> Result<(), ClassifyError> {
        let scorer = match self.scorer.get() {
            Some(scorer) => scorer,
            None => {
                let compiled = Scorer::new(&self.ensemble)?;
                self.scorer.get_or_init(|| compiled)
            }
        };
        let columns = self.predictors.compute(series.values, series.pixels);
        let used: Vec<&[f32]> = scorer.used_features().iter().map(|&c| &columns[c as usize][..]).collect();
        scorer.score(&used.concat(), series.pixels, out)?;
        clear_empty(series, out);
        Ok(())
    }
}
