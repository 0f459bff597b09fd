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
    /// Most rounds over the training samples (default 60, and more where there are few samples).
    #[schemars(range(min = 1, max = 10_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,
    /// Samples of a step of the optimizer (default 256, and less where there are few samples).
    #[schemars(range(min = 1, max = 65_536))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Learning rate of Adam.
    #[schemars(range(min = 0.000_001, max = 1.0))]
    pub learning_rate: f64,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Stop after this many epochs without a lower validation loss, and keep the best epoch
    /// (0: never; default a quarter of `epochs`, and 15 at least). Needs validation samples.
    #[schemars(range(min = 0, max = 10_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
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

/// Rounds over the samples where nothing else is asked for and there are samples enough.
const USUAL_EPOCHS: usize = 60;
/// Samples of a step, likewise.
const USUAL_BATCH: usize = 256;
/// Fewest samples of a step where nothing else is asked for.
const FEWEST_IN_BATCH: usize = 8;
/// Epochs without a lower loss that end a training, likewise.
const USUAL_PATIENCE: usize = 15;
/// Fewest steps of the optimizer where nothing else is asked for.
const FEWEST_UPDATES: usize = 600;

impl Default for GruParams {
    fn default() -> Self {
        Self {
            hidden: 64,
            dense: 32,
            pooling: Pooling::default(),
            epochs: None,
            batch: None,
            learning_rate: 1e-3,
            schedule: Schedule::default(),
            patience: None,
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
            ("epochs", self.epochs.unwrap_or(USUAL_EPOCHS), 10_000),
            ("batch", self.batch.unwrap_or(USUAL_BATCH), 65_536),
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

    /// The same parameters with those that follow the number of training samples: batches of an
    /// eighth of few samples, and rounds enough for [`FEWEST_UPDATES`]. 60 rounds over 40 samples in one
    /// batch are 60 small steps, after which a network has learned next to nothing.
    #[must_use]
    pub(in crate::classify) fn for_samples(&self, samples: usize) -> Self {
        let batch = self.batch.unwrap_or(USUAL_BATCH.min(samples / 8).max(FEWEST_IN_BATCH));
        let updates = samples.div_ceil(batch).max(1);
        let epochs = self.epochs.unwrap_or(USUAL_EPOCHS.max(FEWEST_UPDATES.div_ceil(updates)));
        let patience = self.patience.unwrap_or(USUAL_PATIENCE.max(epochs / 4));
        Self { epochs: Some(epochs), batch: Some(batch), patience: Some(patience), ..self.clone() }
    }

    /// The learning rate of an epoch of so many.
    pub(super) fn rate(&self, epoch: usize, epochs: usize) -> f64 {
        match self.schedule {
            Schedule::Constant => self.learning_rate,
            Schedule::Cosine => {
                let part = epoch as f64 / epochs as f64;
                self.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * part).cos()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_are_trained_on_longer_and_what_is_asked_for_stays() {
        let of = |params: GruParams, samples| {
            let found = params.for_samples(samples);
            (found.batch.unwrap(), found.epochs.unwrap(), found.patience.unwrap())
        };
        assert_eq!(of(GruParams::default(), 2400), (256, 60, 15));
        assert_eq!(of(GruParams::default(), 6000), (256, 60, 15));
        assert_eq!(of(GruParams::default(), 16), (8, 300, 75));
        assert_eq!(of(GruParams::default(), 1), (8, 600, 150));
        let asked = GruParams { batch: Some(4), epochs: Some(3), patience: Some(0), ..GruParams::default() };
        assert_eq!(of(asked, 16), (4, 3, 0));
    }
}
