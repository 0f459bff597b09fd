//! Parameters of the network and its training.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::classify::ClassifyError;
use crate::classify::boost::ClassWeights;

/// What the fully connected layers read of the recurrent one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The state after the last step (Zhang et al. 2022).
    Last,
    /// The mean state over all steps.
    Mean,
    /// Both.
    #[default]
    LastAndMean,
}

impl Pooling {
    /// How many times the hidden units it reads.
    pub(in crate::classify) fn width(self) -> usize {
        if self == Self::LastAndMean { 2 } else { 1 }
    }
}

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// Half a cosine from the learning rate to a hundredth of it.
    #[default]
    Cosine,
}

/// Parameters of the network and its training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GruParams {
    /// Hidden units.
    #[schemars(range(min = 1, max = 512))]
    pub hidden: usize,
    /// Units of the first fully connected layer.
    #[schemars(range(min = 1, max = 512))]
    pub dense: usize,
    /// What the fully connected layers read.
    pub pooling: Pooling,
    /// Most rounds over the training samples.
    #[schemars(range(min = 1, max = 10_000))]
    pub epochs: usize,
    /// Samples of a step of the optimizer.
    #[schemars(range(min = 1, max = 65_536))]
    pub batch: usize,
    /// Learning rate of Adam.
    #[schemars(range(min = 0.000_001, max = 1.0))]
    pub learning_rate: f64,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Stop after this many epochs without a lower validation loss, and keep the best epoch
    /// (0: never). Needs validation samples.
    #[schemars(range(min = 0, max = 10_000))]
    pub patience: usize,
    /// Share of the time steps of a sample that are dropped in each epoch and filled from the
    /// others, so that a model survives another year's clouds.
    #[schemars(range(min = 0.0, max = 0.9))]
    pub drop_dates: f64,
    /// Standard deviation of noise added in each epoch, in standard deviations of a series.
    #[schemars(range(min = 0.0, max = 2.0))]
    pub noise: f64,
    /// Weight decay (AdamW).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub weight_decay: f64,
    /// How much the samples of each class count.
    pub class_weights: ClassWeights,
}

impl Default for GruParams {
    fn default() -> Self {
        Self {
            hidden: 64,
            dense: 32,
            pooling: Pooling::default(),
            epochs: 60,
            batch: 256,
            learning_rate: 1e-3,
            schedule: Schedule::default(),
            patience: 15,
            drop_dates: 0.35,
            noise: 0.0,
            weight_decay: 0.0,
            class_weights: ClassWeights::default(),
        }
    }
}

impl GruParams {
    /// Refuses what cannot be trained with.
    ///
    /// # Errors
    /// [`ClassifyError::Parameter`], named.
    pub(super) fn check(&self) -> Result<(), ClassifyError> {
        for (name, value, most) in [
            ("hidden", self.hidden, 512),
            ("dense", self.dense, 512),
            ("epochs", self.epochs, 10_000),
            ("batch", self.batch, 65_536),
        ] {
            if !(1..=most).contains(&value) {
                return Err(ClassifyError::parameter(name, format!("{value} is not within 1 to {most}")));
            }
        }
        for (name, value, low, high) in [
            ("learningRate", self.learning_rate, 1e-6, 1.0),
            ("dropDates", self.drop_dates, 0.0, 0.9),
            ("noise", self.noise, 0.0, 2.0),
            ("weightDecay", self.weight_decay, 0.0, 1.0),
        ] {
            if !(low..=high).contains(&value) {
                return Err(ClassifyError::parameter(name, format!("{value} is not within {low} to {high}")));
            }
        }
        Ok(())
    }

    /// The learning rate of an epoch.
    pub(super) fn rate(&self, epoch: usize) -> f64 {
        match self.schedule {
            Schedule::Constant => self.learning_rate,
            Schedule::Cosine => {
                let part = epoch as f64 / self.epochs as f64;
                self.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * part).cos()))
            }
        }
    }
}
