//! `swv`: stability-weighted vote of six classifiers (Shen et al. 2018, as Jiang et al. 2024
//! use it): random forest, decision tree, k nearest neighbours, support vector machine,
//! gradient boosted trees, back-propagation network. All read every series at every step,
//! standardized by the training samples; a missing value counts as their mean.
//!
//! The weight of a member is its stable accuracy: with `a` the mean and `s` the standard
//! deviation of its overall accuracies on [`PARTS`] parts of the validation samples, `max(0, a -
//! s)`, scaled so that the six add up to 1. See `docs/decisions/0012-stability-weights.md`.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::boost::{self, BoostError, BoostOptions, BoostParams};
use super::classifier::{check_samples, check_validation, clear_empty, empty_pixels};
use super::members::{self, Machine, Neighbours, Network, NetworkParams};
use super::scored_trees::ScoredTrees;
use super::standardize::robust_moments;
use super::watch::Watch;
use super::{Classifier, ClassifyError, Labels, NO_CLASS, SeriesBlock, Table, most_probable};

/// Parts of the validation samples that a member's accuracy is measured on.
pub const PARTS: usize = 5;

/// Pixels that are standardized together.
const CHUNK: usize = 1024;

/// What a member brings to the vote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Vote {
    /// Its probabilities.
    #[default]
    Soft,
    /// One voice for its most probable class.
    Hard,
}

/// Parameters of the vote and its members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct SwvParams {
    /// What a member brings to the vote.
    pub vote: Vote,
    /// Trees of the random forest.
    pub trees: usize,
    /// Neighbours that vote (default 5, and no more than the smallest class has samples).
    pub neighbours: Option<usize>,
    /// Penalty C of the support vector machine.
    pub penalty: f64,
    /// Width of its kernel; 1 over the number of predictors where absent.
    pub gamma: Option<f64>,
    /// The boosted trees.
    pub boosting: BoostOptions,
    /// The back-propagation network.
    pub network: NetworkParams,
}

impl Default for SwvParams {
    fn default() -> Self {
        let network = NetworkParams::default();
        let boosting = BoostOptions::default();
        Self { vote: Vote::Soft, trees: 100, neighbours: None, penalty: 1.0, gamma: None, boosting, network }
    }
}

/// Neighbours that vote where nothing else is asked for.
const USUAL_NEIGHBOURS: usize = 5;

/// Most trees of the forest: smartcore cannot be asked to stop while it grows them.
const MOST_TREES: usize = 1000;

/// The members in the order of the weights.
pub const MEMBERS: [&str; 6] = [
    "random-forest",
    "decision-tree",
    "k-nearest-neighbours",
    "support-vector-machine",
    "boosted-trees",
    "back-propagation-network",
];

/// A trained vote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SwvModel {
    classes: Vec<String>,
    series: usize,
    steps: usize,
    vote: Vote,
    scale: Standardize,
    members: Members,
    stability: Vec<Stability>,
}

/// How a member did on the validation samples, and what that makes of its vote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// The member.
    pub member: String,
    /// Mean overall accuracy over the parts.
    pub accuracy: f32,
    /// Standard deviation of it (divisor n - 1).
    pub deviation: f32,
    /// Its share of the vote.
    pub weight: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    forest: ScoredTrees,
    tree: ScoredTrees,
    neighbours: Neighbours,
    machine: Machine,
    boosted: ScoredTrees,
    network: Network,
}

/// Mean and standard deviation of each predictor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Standardize {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl SwvModel {
    /// Trains the six members and weighs them by the validation samples. Without any, a
    /// quarter of each class of the training samples is drawn for that, and the members are
    /// trained on the rest.
    ///
    /// # Errors
    ///
    /// Samples of fewer than two classes, more neighbours than samples, other parameters out
    /// of range, a member that cannot be trained.
    pub fn train(
        series: &SeriesBlock,
        labels: &Labels,
        validation: Option<(&SeriesBlock, &Labels)>,
        params: &SwvParams,
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<Self, ClassifyError> {
        if params.trees > MOST_TREES {
            let reason = format!("must be 1 to {MOST_TREES}, not {}", params.trees);
            return Err(ClassifyError::parameter("trees", reason));
        }
        check_samples(series, labels)?;
        check_validation(series, labels, validation)?;
        let rows: Vec<usize> = usable(series);
        let (train, check) = match validation {
            Some(_) => (rows, Vec::new()),
            None => hold_out(&rows, labels, seed),
        };
        let fitted = labels.select(&train);
        let raw = gather(series, &train);
        if fitted.counts().iter().filter(|&&n| n > 0).count() < 2 {
            return Err(ClassifyError::Samples("training needs series of at least two classes".into()));
        }
        let scale = Standardize::of(&raw);
        let rows: Vec<Vec<f32>> = raw.iter().map(|row| scale.row(row)).collect();
        let (check_rows, check_labels) = match validation {
            Some((block, labels)) => {
                let rows = usable(block);
                (gather(block, &rows), labels.select(&rows))
            }
            None => (gather(series, &check), labels.select(&check)),
        };
        if check_labels.labels.is_empty() {
            return Err(ClassifyError::Samples("no validation sample has a series".into()));
        }
        let check_rows: Vec<Vec<f32>> = check_rows.iter().map(|row| scale.row(row)).collect();
        let members =
            Members::train(&rows, &fitted, (&check_rows, &check_labels.labels), params, seed, watch)?;
        if !watch.go_on(0.9) {
            return Err(BoostError::Cancelled.into());
        }
        let stability = members.weigh(&check_rows, &check_labels, seed)?;
        Ok(Self {
            classes: labels.classes.clone(),
            series: series.series,
            steps: series.steps,
            vote: params.vote,
            scale,
            members,
            stability,
        })
    }

    /// Why a model from a file cannot be used, or nothing.
    pub fn problem(&self) -> Option<String> {
        let (columns, classes) = (self.series.saturating_mul(self.steps), self.classes.len());
        let members = &self.members;
        let trees = [&members.forest, &members.tree, &members.boosted];
        let positive = |v: &f32| v.is_finite() && *v > 0.0;
        let fits = self.scale.deviation.iter().all(positive)
            && self.scale.mean.iter().all(|m| m.is_finite())
            && self.stability.iter().all(|s| (0.0..=1.0).contains(&s.weight))
            && self.scale.mean.len() == columns
            && self.scale.deviation.len() == columns
            && self.stability.len() == MEMBERS.len()
            && trees.iter().all(|trees| trees.fits(columns, classes))
            && members.neighbours.fits(columns, classes)
            && members.machine.fits(columns, classes)
            && members.network.fits(columns, classes);
        (!fits).then(|| "a member of the vote does not fit the series and classes".to_owned())
    }

    /// Accuracy and weight of each member.
    pub fn stability(&self) -> &[Stability] {
        &self.stability
    }
}

impl Members {
    fn train(
        rows: &[Vec<f32>],
        labels: &Labels,
        check: (&[Vec<f32>], &[u16]),
        params: &SwvParams,
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<Self, ClassifyError> {
        let columns = rows.first().map_or(0, Vec::len);
        let gamma = params.gamma.unwrap_or(1.0 / columns as f64);
        // What fails fast comes first.
        let smallest = labels.counts().into_iter().filter(|&n| n > 0).min().unwrap_or(1);
        let neighbours =
            Neighbours::train(rows, labels, params.neighbours.unwrap_or(USUAL_NEIGHBOURS.min(smallest)))?;
        let options = BoostOptions { seed, ..params.boosting.clone() };
        let ((machine, network), (boosted, (forest, tree))) = rayon::join(
            || {
                rayon::join(
                    || Machine::train(rows, labels, check, (params.penalty, gamma), seed),
                    || Network::train(rows, labels, &params.network, seed, watch),
                )
            },
            || {
                rayon::join(
                    || train_boosted(rows, labels, options),
                    || {
                        (
                            members::train_forest(rows, labels, params.trees, seed),
                            members::train_tree(rows, labels, seed),
                        )
                    },
                )
            },
        );
        Ok(Self {
            forest: ScoredTrees::new(forest?)?,
            tree: ScoredTrees::new(tree?)?,
            neighbours,
            machine: machine?,
            boosted: boosted?,
            network: network?,
        })
    }

    /// Probabilities `[class][pixel]` of one member for standardized columns.
    fn predict(
        &self,
        member: usize,
        columns: &[f32],
        pixels: usize,
        out: &mut [f32],
    ) -> Result<(), ClassifyError> {
        match member {
            0 => return self.forest.score(columns, pixels, out),
            1 => return self.tree.score(columns, pixels, out),
            2 => members::predict(&self.neighbours, columns, pixels, out),
            3 => members::predict(&self.machine, columns, pixels, out),
            4 => return self.boosted.score(columns, pixels, out),
            _ => members::predict(&self.network, columns, pixels, out),
        }
        Ok(())
    }

    /// Measures each member on the parts of the validation samples.
    fn weigh(&self, rows: &[Vec<f32>], labels: &Labels, seed: u64) -> Result<Vec<Stability>, ClassifyError> {
        let classes = labels.classes.len();
        let columns: Vec<f32> = (0..rows[0].len()).flat_map(|c| rows.iter().map(move |r| r[c])).collect();
        let parts = parts(labels, seed);
        let mut out = vec![0.0; classes * rows.len()];
        let measured = MEMBERS.iter().enumerate().map(|(member, name)| {
            self.predict(member, &columns, rows.len(), &mut out)?;
            let found = most_probable(&out, classes, rows.len());
            let share = |part: &Vec<usize>| {
                part.iter().filter(|&&r| found[r] == labels.labels[r]).count() as f64 / part.len() as f64
            };
            let (accuracy, deviation) = mean_and_deviation(&parts.iter().map(share).collect::<Vec<_>>());
            let weight = (accuracy - deviation).max(0.0) as f32;
            let (accuracy, deviation) = (accuracy as f32, deviation as f32);
            Ok(Stability { member: (*name).into(), accuracy, deviation, weight })
        });
        let mut stability: Vec<Stability> = measured.collect::<Result<_, ClassifyError>>()?;
        let sum: f32 = stability.iter().map(|s| s.weight).sum();
        for s in &mut stability {
            s.weight = if sum > 0.0 { s.weight / sum } else { 1.0 / MEMBERS.len() as f32 };
        }
        Ok(stability)
    }
}

impl Classifier for SwvModel {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn shape(&self) -> (usize, usize) {
        (self.series, self.steps)
    }

    fn predict(&self, series: &SeriesBlock, out: &mut [f32]) -> Result<(), ClassifyError> {
        self.check(series, out)?;
        let classes = self.classes.len();
        let (mut columns, mut answer, mut sum) = (Vec::new(), Vec::new(), Vec::new());
        for start in (0..series.pixels).step_by(CHUNK) {
            let pixels = CHUNK.min(series.pixels - start);
            columns.clear();
            for (c, plane) in series.values.chunks_exact(series.pixels).enumerate() {
                self.scale.column(c, &plane[start..start + pixels], &mut columns);
            }
            answer.resize(classes * pixels, 0.0);
            sum.clear();
            sum.resize(classes * pixels, 0.0f32);
            for (member, stability) in self.stability.iter().enumerate() {
                let weight = stability.weight;
                self.members.predict(member, &columns, pixels, &mut answer)?;
                if self.vote == Vote::Hard {
                    raise_hands(&mut answer, classes, pixels);
                }
                for (sum, p) in sum.iter_mut().zip(&answer) {
                    *sum += weight * p;
                }
            }
            for class in 0..classes {
                out[class * series.pixels + start..][..pixels]
                    .copy_from_slice(&sum[class * pixels..(class + 1) * pixels]);
            }
        }
        clear_empty(series, out);
        Ok(())
    }
}

impl Standardize {
    fn of(rows: &[Vec<f32>]) -> Self {
        let columns = rows.first().map_or(0, Vec::len);
        let (mean, deviation) = (0..columns).map(|c| robust_moments(rows.iter().map(|r| r[c]))).unzip();
        Self { mean, deviation }
    }

    fn value(&self, column: usize, value: f32) -> f32 {
        if value.is_nan() { 0.0 } else { (value - self.mean[column]) / self.deviation[column] }
    }

    fn row(&self, row: &[f32]) -> Vec<f32> {
        row.iter().enumerate().map(|(c, &v)| self.value(c, v)).collect()
    }

    fn column(&self, column: usize, values: &[f32], out: &mut Vec<f32>) {
        out.extend(values.iter().map(|&v| self.value(column, v)));
    }
}

/// Mean, and standard deviation with divisor n - 1; 0 and 0 of nothing.
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}

/// Turns probabilities into one voice for the most probable class.
fn raise_hands(p: &mut [f32], classes: usize, pixels: usize) {
    let labels = most_probable(p, classes, pixels);
    p.fill(0.0);
    for (pixel, &label) in labels.iter().enumerate().filter(|(_, label)| **label != NO_CLASS) {
        p[usize::from(label) * pixels + pixel] = 1.0;
    }
}

/// The boosted member, over the same standardized rows.
fn train_boosted(
    rows: &[Vec<f32>],
    labels: &Labels,
    options: BoostOptions,
) -> Result<ScoredTrees, ClassifyError> {
    let failed = |reason: String| ClassifyError::Learner { learner: "boosted trees", reason };
    let params = BoostParams::try_from(options).map_err(|e| failed(e.to_string()))?;
    let columns = rows.first().map_or(0, Vec::len);
    let table = Table {
        names: (0..columns).map(|c| c.to_string()).collect(),
        columns: (0..columns).map(|c| rows.iter().map(|r| r[c]).collect()).collect(),
    };
    let boosted =
        boost::train(&params, &table, labels, None, &|_| true).map_err(|e| failed(e.to_string()))?;
    ScoredTrees::new(boosted.ensemble)
}

/// The samples that hold any value.
fn usable(series: &SeriesBlock) -> Vec<usize> {
    empty_pixels(series).iter().enumerate().filter(|(_, empty)| !**empty).map(|(i, _)| i).collect()
}

fn gather(series: &SeriesBlock, rows: &[usize]) -> Vec<Vec<f32>> {
    rows.iter().map(|&r| series.values.chunks_exact(series.pixels).map(|plane| plane[r]).collect()).collect()
}

/// The rows of each class, in an order drawn from the seed.
fn shuffled_by_class(rows: &[usize], labels: &Labels, seed: u64) -> Vec<Vec<usize>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let of_class =
        |class: usize| rows.iter().copied().filter(move |&r| usize::from(labels.labels[r]) == class);
    let mut classes: Vec<Vec<usize>> = (0..labels.classes.len()).map(|k| of_class(k).collect()).collect();
    for rows in &mut classes {
        rows.shuffle(&mut rng);
    }
    classes
}

/// Rows to train on and a quarter of each class to weigh with, one at least of a class of several.
/// Where no class has several, what is trained on must weigh too.
fn hold_out(rows: &[usize], labels: &Labels, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let (mut train, mut check) = (Vec::new(), Vec::new());
    for rows in shuffled_by_class(rows, labels, seed) {
        let (a, b) = rows.split_at(if rows.len() > 1 { (rows.len() / 4).max(1) } else { 0 });
        check.extend(a);
        train.extend(b);
    }
    if check.is_empty() {
        check.clone_from(&train);
    }
    train.sort_unstable();
    check.sort_unstable();
    (train, check)
}

/// The validation samples in [`PARTS`] parts of equal classes; fewer where there are few samples.
fn parts(labels: &Labels, seed: u64) -> Vec<Vec<usize>> {
    let rows: Vec<usize> = (0..labels.labels.len()).collect();
    let mut parts = vec![Vec::new(); PARTS];
    for (i, row) in shuffled_by_class(&rows, labels, seed).into_iter().flatten().enumerate() {
        parts[i % PARTS].push(row);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    fn quick() -> SwvParams {
        let network = NetworkParams { epochs: 30, ..NetworkParams::default() };
        let boosting = BoostOptions { rounds: 20, ..BoostOptions::default() };
        SwvParams { trees: 20, boosting, network, ..SwvParams::default() }
    }

    #[test]
    fn the_hand_checked_stability() {
        let (mean, deviation) = mean_and_deviation(&[0.8, 0.9, 1.0]);
        assert!((mean - 0.9).abs() < 1e-12 && (deviation - 0.1).abs() < 1e-12);
    }

    #[test]
    fn the_vote_of_six_tells_the_made_up_seasons_apart() {
        let (train, labels) = testing::seasons(240, 1);
        let (check, check_labels) = testing::seasons(120, 2);
        let (test, truth) = testing::seasons(300, 3);
        let (check_block, test_block) = (check.block(), test.block());
        for vote in [Vote::Soft, Vote::Hard] {
            let params = SwvParams { vote, ..quick() };
            let validation = Some((&check_block, &check_labels));
            let model = SwvModel::train(&train.block(), &labels, validation, &params, 5, &|_| true).unwrap();
            let agreement = testing::agreement(&model.predict_labels(&test_block).unwrap(), &truth.labels);
            assert!(agreement > 0.93, "{vote:?} {agreement} {:?}", model.stability());
            let sum: f32 = model.stability().iter().map(|s| s.weight).sum();
            assert!((sum - 1.0).abs() < 1e-6);
            // A wrong reading of a member shows as an accuracy far below the others'.
            assert!(model.stability().iter().all(|s| s.accuracy > 0.85), "{:?}", model.stability());
        }
    }

    #[test]
    fn without_validation_samples_a_quarter_is_held_out() {
        let (train, labels) = testing::seasons(120, 1);
        let model = SwvModel::train(&train.block(), &labels, None, &quick(), 5, &|_| true).unwrap();
        let again = SwvModel::train(&train.block(), &labels, None, &quick(), 5, &|_| true).unwrap();
        assert!(model == again, "a seed trains the same model");
        let text = serde_json::to_string(&model).unwrap();
        let stored: SwvModel = serde_json::from_str(&text).unwrap();
        assert!(stored == model);
        let mut test = testing::seasons(40, 3).0;
        test.clear_pixel(17);
        testing::check_probabilities(&stored, &test, &[17]);
    }

    #[test]
    fn bad_parameters_are_refused_by_name() {
        let (train, labels) = testing::seasons(30, 1);
        let refuse = |params: SwvParams| {
            SwvModel::train(&train.block(), &labels, None, &params, 0, &|_| true).unwrap_err().to_string()
        };
        assert!(refuse(SwvParams { neighbours: Some(31), ..quick() }).contains("neighbours"));
        assert!(refuse(SwvParams { penalty: 0.0, ..quick() }).contains("penalty"));
        assert!(refuse(SwvParams { gamma: Some(-1.0), ..quick() }).contains("gamma"));
        assert!(refuse(SwvParams { trees: 0, ..quick() }).contains("trees"));
        let boosting = BoostOptions { rounds: 0, ..BoostOptions::default() };
        assert!(refuse(SwvParams { boosting, ..quick() }).contains("rounds"));
    }
}
