//! Trees together with the predictors that they look at: from a block of series to
//! probabilities.

use serde::{Deserialize, Serialize};

use super::classifier::empty_pixels;
use super::{SeriesBlock, TreeEnsemble};
use crate::predictors::PredictorSet;

/// Predictors and the trees over them; column `i` of the trees is predictor `i`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PredictorTrees {
    pub predictors: PredictorSet,
    pub ensemble: TreeEnsemble,
}

impl PredictorTrees {
    /// Drops the predictors that no tree looks at.
    pub fn keep_used(mut self) -> Self {
        let mut used = vec![false; self.predictors.columns.len()];
        for &column in self.ensemble.trees.iter().flat_map(|t| &t.feature) {
            used[column as usize] = true;
        }
        let mut place = vec![0; used.len()];
        let mut kept = Vec::new();
        for (column, _) in used.iter().enumerate().filter(|(_, used)| **used) {
            place[column] = kept.len() as u32;
            kept.push(self.predictors.columns[column]);
        }
        for column in self.ensemble.trees.iter_mut().flat_map(|t| &mut t.feature) {
            *column = place[*column as usize];
        }
        self.ensemble.features = kept.len();
        self.predictors.columns = kept;
        self
    }

    /// Writes probabilities `[class][pixel]`, NaN for pixels without any value.
    pub fn predict(&self, series: &SeriesBlock, out: &mut [f32]) {
        let columns = self.predictors.compute(series.values, series.pixels);
        for (pixel, empty) in empty_pixels(series).into_iter().enumerate() {
            let scores = if empty {
                vec![f32::NAN; self.ensemble.classes]
            } else {
                self.ensemble.score_row(|column| columns[column][pixel])
            };
            for (class, score) in scores.into_iter().enumerate() {
                out[class * series.pixels + pixel] = score;
            }
        }
    }
}
