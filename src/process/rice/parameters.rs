//! Parameters of the methods as they stand in a request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inputs::MOST_STEPS;
use crate::classify::boost::{BoostError, BoostOptions, BoostParams, ClassWeights};
use crate::classify::itsgbt::{Family, PredictorChoice};
use crate::classify::method::Method;
use crate::classify::{DtwParams, ForestParams, Library, SwvParams, TsrfParams, Vote};
use crate::process::ProcessError;

/// A classification method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MethodName {
    /// Interval and Fourier predictors, gradient boosted trees.
    #[default]
    Itsgbt,
    /// Time series forest.
    Tsrf,
    /// Nearest standard curve by dynamic time warping.
    Dtw,
    /// Random forest of every series value.
    Forest,
    /// Stability-weighted vote of six classifiers.
    Swv,
}

/// A family of predictors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FamilyName {
    /// Mean, deviation and slope of random intervals.
    Intervals,
    /// Fourier amplitudes C_0..C_k: blind to the planting date.
    Amplitudes,
    /// Smallest and largest value and deviation of the whole series.
    Range,
    /// Fourier coefficients A_k and B_k: they learn the calendar.
    Coefficients,
    /// Fourier phases.
    Phases,
    /// The series itself.
    Values,
}

/// Parameters; those of other methods are refused.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Parameters {
    /// itsgbt: families of predictors (default amplitudes).
    #[serde(skip_serializing_if = "Option::is_none")]
    predictors: Option<Vec<FamilyName>>,
    /// itsgbt, tsrf: number of random intervals (itsgbt: as many as steps; tsrf: its square root, a tree).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000))]
    intervals: Option<usize>,
    /// itsgbt, tsrf: fewest steps of an interval (default 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = MOST_STEPS))]
    minimum_interval_length: Option<usize>,
    /// itsgbt: highest harmonic (default 5).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = MOST_STEPS))]
    harmonics: Option<usize>,
    /// itsgbt: whether leaves, samples per leaf and shrinkage are chosen on the validation samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<bool>,
    /// itsgbt: boosting rounds (default 100).
    #[serde(skip_serializing_if = "Option::is_none")]
    rounds: Option<u32>,
    /// itsgbt: most leaves of a tree (default 31).
    #[serde(skip_serializing_if = "Option::is_none")]
    leaves: Option<u32>,
    /// itsgbt: shrinkage (default 0.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,
    /// itsgbt: fewest samples in a leaf (default 20, and less where there are few samples).
    #[serde(skip_serializing_if = "Option::is_none")]
    min_leaf: Option<u32>,
    /// itsgbt: share of the samples that each round draws (default 0.8).
    #[serde(skip_serializing_if = "Option::is_none")]
    row_fraction: Option<f64>,
    /// itsgbt: share of the predictors that each tree draws (default 0.8).
    #[serde(skip_serializing_if = "Option::is_none")]
    column_fraction: Option<f64>,
    /// itsgbt: stop after this many rounds without a better validation loss (default 0: never).
    #[serde(skip_serializing_if = "Option::is_none")]
    early_stopping: Option<u32>,
    /// itsgbt: how much each class counts: "equal" (default), "balanced" or {"given": {class: weight}}.
    #[serde(skip_serializing_if = "Option::is_none")]
    class_weights: Option<ClassWeights>,
    /// tsrf, forest, swv: number of trees of the forest (default 100).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    trees: Option<usize>,
    /// dtw: steps that the warping may shift (Sakoe-Chiba band).
    #[serde(skip_serializing_if = "Option::is_none")]
    band: Option<usize>,
    /// dtw: standard curves of each class; 0 (default) takes the class mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    barycentres: Option<usize>,
    /// dtw: a pixel further than this from every curve is non-rice.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_distance: Option<f32>,
    /// swv: whether members vote by their probabilities, "soft" (default), or by their answers,
    /// "hard".
    #[serde(skip_serializing_if = "Option::is_none")]
    vote: Option<Vote>,
    /// swv: nearest neighbours that vote (default 5, and no more than the smallest class has samples).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    neighbours: Option<usize>,
    /// swv: penalty C of the support vector machine (default 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    penalty: Option<f64>,
    /// swv: gamma of its kernel (default 1 over the number of series values).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    gamma: Option<f64>,
}

impl Parameters {
    /// The members that are given.
    fn given(&self) -> Vec<String> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(members)) => members.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The method with these parameters.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming the parameter: out of range, or of another method.
    pub fn method(&self, name: MethodName) -> Result<Method, ProcessError> {
        let trees = ["trees", "intervals", "minimumIntervalLength"];
        let known: &[&str] = match name {
            MethodName::Itsgbt => &[
                "predictors",
                "intervals",
                "minimumIntervalLength",
                "harmonics",
                "search",
                "rounds",
                "leaves",
                "learningRate",
                "minLeaf",
                "rowFraction",
                "columnFraction",
                "earlyStopping",
                "classWeights",
            ],
            MethodName::Tsrf => &trees,
            MethodName::Dtw => &["band", "barycentres", "maxDistance"],
            MethodName::Forest => &trees[..1],
            MethodName::Swv => &["trees", "vote", "neighbours", "penalty", "gamma"],
        };
        if let Some(other) = self.given().iter().find(|g| !known.contains(&g.as_str())) {
            let why = format!("is no parameter of this method; it has {}", known.join(", "));
            return Err(ProcessError::input(format!("parameters.{other}"), why));
        }
        Ok(match name {
            MethodName::Itsgbt => self.itsgbt()?,
            MethodName::Tsrf => {
                let usual = TsrfParams::default();
                Method::Tsrf(TsrfParams {
                    trees: self.trees.unwrap_or(usual.trees),
                    intervals: self.intervals.or(usual.intervals),
                    min_length: self.minimum_interval_length.unwrap_or(usual.min_length),
                    ..usual
                })
            }
            MethodName::Dtw => {
                let usual = DtwParams::default();
                let library = match self.barycentres {
                    None | Some(0) => usual.library,
                    Some(count) => Library::Barycentres { count },
                };
                Method::Dtw(DtwParams {
                    library,
                    band: self.band.or(usual.band),
                    max_distance: self.max_distance.or(usual.max_distance),
                    ..usual
                })
            }
            MethodName::Forest => {
                let usual = ForestParams::default();
                Method::Forest(ForestParams { trees: self.trees.unwrap_or(usual.trees), ..usual })
            }
            MethodName::Swv => {
                let usual = SwvParams::default();
                Method::Swv(Box::new(SwvParams {
                    vote: self.vote.unwrap_or(usual.vote),
                    trees: self.trees.unwrap_or(usual.trees),
                    neighbours: self.neighbours.or(usual.neighbours),
                    penalty: self.penalty.unwrap_or(usual.penalty),
                    gamma: self.gamma.or(usual.gamma),
                    ..usual
                }))
            }
        })
    }

    fn itsgbt(&self) -> Result<Method, ProcessError> {
        let usual = PredictorChoice::default();
        let families = self
            .predictors
            .as_ref()
            .map_or(usual.families, |names| names.iter().copied().map(family).collect());
        let predictors = PredictorChoice {
            families,
            intervals: self.intervals.unwrap_or(usual.intervals),
            fewest_steps: self.minimum_interval_length.unwrap_or(usual.fewest_steps),
            harmonics: self.harmonics.unwrap_or(usual.harmonics),
        };
        let options = BoostOptions::default();
        let boost = BoostParams::try_from(BoostOptions {
            rounds: self.rounds.unwrap_or(options.rounds),
            leaves: self.leaves.unwrap_or(options.leaves),
            learning_rate: self.learning_rate.unwrap_or(options.learning_rate),
            min_leaf: self.min_leaf.or(options.min_leaf),
            // Drawing steadies models of few groups: docs/decisions/0003-defaults.md.
            row_fraction: self.row_fraction.unwrap_or(0.8),
            column_fraction: self.column_fraction.unwrap_or(0.8),
            early_stopping: self.early_stopping.unwrap_or(options.early_stopping),
            class_weights: self.class_weights.clone().unwrap_or_default(),
            ..options
        })
        .map_err(|e| match e {
            BoostError::Parameter { member, message } => {
                ProcessError::input(format!("parameters.{member}"), message)
            }
            other => ProcessError::input("parameters", other),
        })?;
        Ok(Method::Itsgbt { predictors, boost, search: self.search.unwrap_or(false) })
    }
}

fn family(name: FamilyName) -> Family {
    match name {
        FamilyName::Intervals => Family::Intervals,
        FamilyName::Amplitudes => Family::Amplitudes,
        FamilyName::Range => Family::Range,
        FamilyName::Coefficients => Family::Coefficients,
        FamilyName::Phases => Family::Phases,
        FamilyName::Values => Family::Values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_of_another_method_is_refused_by_name() {
        let p: Parameters = serde_json::from_str(r#"{"band": 3}"#).unwrap();
        assert!(p.method(MethodName::Dtw).is_ok());
        let error = p.method(MethodName::Itsgbt).unwrap_err().to_string();
        assert!(error.contains("parameters.band"), "{error}");
    }

    #[test]
    fn a_parameter_out_of_range_is_named() {
        let p: Parameters = serde_json::from_str(r#"{"leaves": 1}"#).unwrap();
        assert!(p.method(MethodName::Itsgbt).unwrap_err().to_string().contains("parameters.leaves"));
    }
}
