//! The learned numbers.

use serde::{Deserialize, Serialize};

use super::Pooling;

/// Weights of the network; matrices are `[from][to]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GruWeights {
    /// What the fully connected layers read.
    pub pooling: Pooling,
    /// Hidden units `H`.
    pub hidden: usize,
    /// `[series][3 H]`: update gate, reset gate, candidate.
    pub input: Vec<f32>,
    /// `[H][3 H]`, in the same order.
    pub recurrent: Vec<f32>,
    /// `[3 H]`.
    pub bias: Vec<f32>,
    /// The first fully connected layer, `[H or 2 H][D]`.
    pub dense: Vec<f32>,
    /// `[D]`.
    pub dense_bias: Vec<f32>,
    /// The second, `[D][classes]`.
    pub output: Vec<f32>,
    /// `[classes]`.
    pub output_bias: Vec<f32>,
}

impl GruWeights {
    /// Why the weights do not make a network of so many series and classes, or nothing.
    pub(super) fn problem(&self, series: usize, classes: usize) -> Option<String> {
        let (h, d) = (self.hidden, self.dense_bias.len());
        if h == 0 || h > 512 || d == 0 || d > 512 || classes == 0 {
            return Some("a layer has no unit, or too many".to_owned());
        }
        let parts = [
            ("input", &self.input, series * 3 * h),
            ("recurrent", &self.recurrent, h * 3 * h),
            ("bias", &self.bias, 3 * h),
            ("dense", &self.dense, self.pooling.width() * h * d),
            ("denseBias", &self.dense_bias, d),
            ("output", &self.output, d * classes),
            ("outputBias", &self.output_bias, classes),
        ];
        for (name, values, expected) in parts {
            if values.len() != expected {
                return Some(format!("`{name}` has {} weights, not {expected}", values.len()));
            }
            if values.iter().any(|v| !v.is_finite()) {
                return Some(format!("`{name}` has weights that are no numbers"));
            }
        }
        None
    }
}
