//! A small search over boosting parameters: every candidate is trained with early stopping and
//! judged by its loss on the validation set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::boost::{BoostError, BoostOptions, BoostParams, Boosted, train, usual_leaf};
use super::{Labels, Table};

/// Rounds without a better validation loss that end a candidate's training.
const PATIENCE: u32 = 20;

/// One candidate and how it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// Most leaves of a tree.
    pub leaves: u32,
    /// Fewest samples in a leaf.
    pub min_leaf: u32,
    /// Shrinkage.
    pub learning_rate: f64,
    /// Rounds until the best validation loss.
    pub rounds: usize,
    /// Mean cross-entropy on the validation set after those rounds.
    pub loss: f64,
}

/// What the search found.
#[derive(Clone, Debug)]
pub struct Searched {
    /// The parameters of the best candidate, with its number of rounds.
    pub params: BoostParams,
    /// The model of the best candidate, trained on the training set alone.
    pub model: Boosted,
    /// All candidates, in the order tried.
    pub tried: Vec<Candidate>,
}

/// Tries leaves, samples per leaf and shrinkage around `params` (rounds by early stopping, within
/// `params.rounds`), whose own values are the first candidate. The lowest validation loss wins,
/// the earlier candidate on a tie. `go_on` is asked before each round of each candidate with the
/// share of the work that is done at most.
///
/// # Errors
/// As [`train`].
pub fn search(
    params: &BoostParams,
    table: &Table,
    labels: &Labels,
    validation: (&Table, &Labels),
    go_on: &dyn Fn(f64) -> bool,
) -> Result<Searched, BoostError> {
    let candidates = candidates(&params.with_leaf_for(labels), usual_leaf(labels));
    let mut best: Option<Searched> = None;
    let mut tried = Vec::new();
    for (i, options) in candidates.iter().enumerate() {
        let candidate = BoostParams::try_from(options.clone())?;
        let share =
            |round: usize| (i as f64 + round as f64 / f64::from(candidate.rounds)) / candidates.len() as f64;
        let model = train(&candidate, table, labels, Some(validation), &|round| go_on(share(round)))?;
        let kept = model.rounds.checked_sub(1).and_then(|last| model.curve.get(last));
        let loss = kept.and_then(|l| l.validation).unwrap_or(f64::INFINITY);
        tried.push(Candidate {
            leaves: options.leaves,
            min_leaf: options.min_leaf.unwrap_or_default(),
            learning_rate: options.learning_rate,
            rounds: model.rounds,
            loss,
        });
        let lowest = tried[..i].iter().map(|t| t.loss).fold(f64::INFINITY, f64::min);
        if loss < lowest || best.is_none() {
            let rounds = (model.rounds as u32).max(1);
            let params = BoostParams::try_from(BoostOptions {
                rounds,
                early_stopping: params.early_stopping,
                ..options.clone()
            })?;
            best = Some(Searched { params, model, tried: Vec::new() });
        }
    }
    let Some(mut best) = best else {
        return Err(BoostError::Table("there is no candidate to search".into()));
    };
    best.tried = tried;
    Ok(best)
}

/// The given parameters, then simpler and richer trees, each at two sizes of leaf, and a
/// slower shrinkage.
fn candidates(params: &BoostParams, usual_leaf: u32) -> Vec<BoostOptions> {
    let early_stopping = if params.early_stopping == 0 { PATIENCE } else { params.early_stopping };
    let base = BoostOptions { early_stopping, ..(**params).clone() };
    let mut all = vec![base.clone()];
    for leaves in [7, 15, 31, 63] {
        for min_leaf in [(usual_leaf / 4).max(1), usual_leaf] {
            all.push(BoostOptions { leaves, min_leaf: Some(min_leaf), ..base.clone() });
        }
    }
    all.push(BoostOptions { learning_rate: (base.learning_rate / 2.0).max(1e-4), ..base });
    let mut distinct: Vec<BoostOptions> = Vec::new();
    for options in all {
        if !distinct.contains(&options) {
            distinct.push(options);
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn sample(seed: u64) -> (Table, Labels) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let columns: Vec<Vec<f32>> = (0..3).map(|_| (0..400).map(|_| rng.random()).collect()).collect();
        let labels = (0..400).map(|r| u16::from(columns[0][r] > columns[1][r])).collect();
        let names = ["a", "b", "c"].map(String::from).to_vec();
        (Table { names, columns }, Labels { classes: ["x", "y"].map(String::from).to_vec(), labels })
    }

    #[test]
    fn the_candidate_of_lowest_loss_is_taken() {
        let ((table, labels), (table_v, labels_v)) = (sample(1), sample(2));
        let options = BoostOptions { rounds: 60, leaves: 2, ..BoostOptions::default() };
        let params = BoostParams::try_from(options).unwrap();
        let found = search(&params, &table, &labels, (&table_v, &labels_v), &|_| true).unwrap();
        let lowest = found.tried.iter().map(|t| t.loss).fold(f64::INFINITY, f64::min);
        assert_eq!(found.tried.len(), 10);
        let taken = found.tried.iter().find(|t| t.loss == lowest).unwrap();
        assert_eq!((taken.leaves, Some(taken.min_leaf)), (found.params.leaves, found.params.min_leaf));
        assert_eq!((found.params.rounds as usize, found.params.early_stopping), (found.model.rounds, 0));
        assert!(lowest < found.tried[0].loss, "stumps cannot compare two columns");
        let again = train(&found.params, &table, &labels, None, &|_| true).unwrap();
        assert_eq!(again.ensemble, found.model.ensemble);
        let stopped = search(&params, &table, &labels, (&table_v, &labels_v), &|share| share < 0.5);
        assert_eq!(stopped.unwrap_err(), BoostError::Cancelled);
    }
}
