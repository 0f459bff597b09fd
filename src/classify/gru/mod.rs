//! Gated recurrent unit over several series of a pixel ([Zhang et al. 2022] 2.4, eq. 1-3), trained
//! by burn and evaluated by the fused kernel.
//!
//! With `s` the logistic function, `x_t` the standardized series at step `t` and `*` by element:
//!
//! ```text
//! z_t = s(W_z x_t + U_z h_(t-1) + b_z)                    update gate
//! r_t = s(W_r x_t + U_r h_(t-1) + b_r)                    reset gate
//! n_t = tanh(W_n x_t + U_n (r_t * h_(t-1)) + b_n)         eq. 3: reset before the product
//! h_t = (1 - z_t) * n_t + z_t * h_(t-1)
//! ```
//!
//! then two fully connected layers, rectified units between them, and softmax.
//!
//! [Zhang et al. 2022]: https://doi.org/10.3390/ijerph19052567

mod augment;
mod device;
mod params;
mod train;
mod trainee;
mod weights;

use serde::{Deserialize, Serialize};

use super::classifier::{Classifier, empty_pixels};
use super::fused::GruKernel;
use super::standardize::robust_moments;
use super::{ClassifyError, SeriesBlock};

pub use params::{GruParams, Pooling, Schedule};
pub(super) use train::train;
pub use train::{Epoch, Score};
pub use weights::GruWeights;

/// A trained network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GruModel {
    classes: Vec<String>,
    steps: usize,
    /// Mean of each series among the training samples.
    mean: Vec<f32>,
    /// Standard deviation of each series among the training samples.
    deviation: Vec<f32>,
    weights: GruWeights,
}

impl GruModel {
    /// Why a model from a file cannot be used, or nothing.
    pub(super) fn problem(&self) -> Option<String> {
        let series = self.mean.len();
        let finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
        if series == 0 || self.steps == 0 || self.deviation.len() != series {
            return Some("the series have no steps, means or deviations".to_owned());
        }
        if !finite(&self.mean) || !finite(&self.deviation) || self.deviation.iter().any(|&d| d <= 0.0) {
            return Some("a mean or a deviation is no number, or not above 0".to_owned());
        }
        self.weights.problem(series, self.classes.len())
    }

    /// The kernel of this network; it reads series as they are and standardizes by its weights.
    pub(super) fn kernel(&self) -> GruKernel {
        GruKernel::new(&self.weights, &self.mean, &self.deviation)
    }
}

impl Classifier for GruModel {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn shape(&self) -> (usize, usize) {
        (self.mean.len(), self.steps)
    }

    fn predict(&self, series: &SeriesBlock, out: &mut [f32]) -> Result<(), ClassifyError> {
        self.check(series, out)?;
        self.kernel().predict(series.values, series.pixels, self.steps, out);
        Ok(())
    }
}

/// Mean and standard deviation of each series over samples and steps, without outliers; 1 for a
/// constant series.
fn standard(block: &SeriesBlock) -> (Vec<f32>, Vec<f32>) {
    let one = |values: &[f32]| robust_moments(values.iter().copied());
    block.values.chunks_exact((block.steps * block.pixels).max(1)).map(one).unzip()
}

/// Samples whose series are all there.
fn whole(block: &SeriesBlock) -> Vec<usize> {
    let n = block.pixels;
    let missing = empty_pixels(block);
    (0..n).filter(|&p| !missing[p] && block.values.iter().skip(p).step_by(n).all(|v| v.is_finite())).collect()
}
