//! Parameters of boosting: as they stand in a request, and checked.

use std::collections::BTreeMap;
use std::ops::Deref;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BoostError;
use crate::classify::Labels;

/// How much the samples of each class count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Every sample counts 1.
    #[default]
    Equal,
    /// Every class counts the same in total: a sample counts n / (classes x n of its class).
    Balanced,
    /// A weight for each class by name, above 0; a class that is left out counts 1.
    Given(BTreeMap<String, f64>),
}

/// Parameters of the boosted trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BoostOptions {
    /// Boosting rounds; each grows one tree per class (one tree for two classes).
    #[schemars(range(min = 1, max = 10_000))]
    pub rounds: u32,
    /// Most leaves of a tree.
    #[schemars(range(min = 2, max = 255))]
    pub leaves: u32,
    /// What share of a tree's answer is added (shrinkage).
    #[schemars(range(min = 0.0001, max = 1.0))]
    pub learning_rate: f64,
    /// Fewest samples in a leaf (default: 20, and less where there are few samples).
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_leaf: Option<u32>,
    /// Smallest sum of second derivatives in a leaf.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub min_hessian: f64,
    /// L1 penalty on leaf values.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub l1: f64,
    /// L2 penalty on leaf values.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub l2: f64,
    /// Smallest gain that is worth a split.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub min_gain: f64,
    /// Most bins a predictor's values are put into; missing values have their own.
    #[schemars(range(min = 2, max = 255))]
    pub bins: u32,
    /// Share of the samples each round draws, without replacement.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub row_fraction: f64,
    /// Share of the predictors each tree draws.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub column_fraction: f64,
    /// How much the samples of each class count.
    pub class_weights: ClassWeights,
    /// Stop after this many rounds without a better validation loss and keep the best round
    /// (0: never). Needs a validation set.
    #[schemars(range(min = 0, max = 10_000))]
    pub early_stopping: u32,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for BoostOptions {
    fn default() -> Self {
        Self {
            rounds: 100,
            leaves: 31,
            learning_rate: 0.1,
            min_leaf: None,
            min_hessian: 1e-3,
            l1: 0.0,
            l2: 0.0,
            min_gain: 0.0,
            bins: 255,
            row_fraction: 1.0,
            column_fraction: 1.0,
            class_weights: ClassWeights::Equal,
            early_stopping: 0,
            seed: 0,
        }
    }
}

/// [`BoostOptions`] whose every member is in its range.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BoostParams(BoostOptions);

impl Deref for BoostParams {
    type Target = BoostOptions;
    fn deref(&self) -> &BoostOptions {
        &self.0
    }
}

impl TryFrom<BoostOptions> for BoostParams {
    type Error = BoostError;

    fn try_from(o: BoostOptions) -> Result<Self, BoostError> {
        whole("rounds", o.rounds, 1, 10_000)?;
        whole("leaves", o.leaves, 2, 255)?;
        real("learningRate", o.learning_rate, 1e-4, 1.0)?;
        if let Some(min_leaf) = o.min_leaf {
            whole("minLeaf", min_leaf, 1, 1_000_000)?;
        }
        real("minHessian", o.min_hessian, 0.0, 1e6)?;
        real("l1", o.l1, 0.0, 1e6)?;
        real("l2", o.l2, 0.0, 1e6)?;
        real("minGain", o.min_gain, 0.0, 1e6)?;
        whole("bins", o.bins, 2, 255)?;
        real("rowFraction", o.row_fraction, 0.01, 1.0)?;
        real("columnFraction", o.column_fraction, 0.01, 1.0)?;
        whole("earlyStopping", o.early_stopping, 0, 10_000)?;
        if let ClassWeights::Given(weights) = &o.class_weights {
            for (class, &weight) in weights {
                if !(1e-6..=1e6).contains(&weight) {
                    let message =
                        format!("the weight of class `{class}` is {weight}; 0.000001 to 1000000 is allowed");
                    return Err(BoostError::Parameter { member: "classWeights", message });
                }
            }
        }
        Ok(Self(o))
    }
}

impl ClassWeights {
    /// The weight of each class.
    ///
    /// # Errors
    /// A given weight is for a class that no sample has.
    pub(in crate::classify) fn of(&self, labels: &Labels) -> Result<Vec<f64>, BoostError> {
        match self {
            Self::Equal => Ok(vec![1.0; labels.classes.len()]),
            Self::Balanced => {
                let (rows, classes) = (labels.labels.len() as f64, labels.classes.len() as f64);
                Ok(labels.counts().iter().map(|&n| rows / (classes * n.max(1) as f64)).collect())
            }
            Self::Given(given) => {
                if let Some(class) = given.keys().find(|class| !labels.classes.contains(class)) {
                    let message =
                        format!("there is no class `{class}`; the classes are {}", labels.classes.join(", "));
                    return Err(BoostError::Parameter { member: "classWeights", message });
                }
                Ok(labels.classes.iter().map(|class| given.get(class).copied().unwrap_or(1.0)).collect())
            }
        }
    }
}

/// Fewest samples in a leaf where nothing else is asked for and there are samples enough.
pub(in crate::classify) const USUAL_LEAF: usize = 20;

/// Fewest samples in a leaf for these samples: [`USUAL_LEAF`], but no more than a 25th of all samples
/// and a third of the smallest class. 20 samples a leaf leave no split of 40 samples, and none for a
/// class of ten.
pub(in crate::classify) fn usual_leaf(labels: &Labels) -> u32 {
    let smallest = labels.counts().into_iter().filter(|&n| n > 0).min().unwrap_or(0);
    USUAL_LEAF.min(labels.labels.len() / 25).min(smallest / 3).max(1) as u32
}

impl BoostParams {
    /// The same parameters with a smallest leaf: that which was asked for, or [`usual_leaf`].
    #[must_use]
    pub(in crate::classify) fn with_leaf_for(&self, labels: &Labels) -> Self {
        Self(BoostOptions {
            min_leaf: Some(self.min_leaf.unwrap_or_else(|| usual_leaf(labels))),
            ..self.0.clone()
        })
    }

    /// The same parameters, every round kept: for training on all samples at the end.
    #[must_use]
    pub fn without_early_stopping(&self) -> Self {
        Self(BoostOptions { early_stopping: 0, ..self.0.clone() })
    }
}

fn whole(member: &'static str, value: u32, low: u32, high: u32) -> Result<(), BoostError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(BoostError::Parameter { member, message: format!("{value} is not within {low} to {high}") })
}

fn real(member: &'static str, value: f64, low: f64, high: f64) -> Result<(), BoostError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(BoostError::Parameter { member, message: format!("{value} is not within {low} to {high}") })
}
