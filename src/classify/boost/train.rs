//! The rounds of boosting.

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bins::{Binned, Bins};
use super::grow::{Grower, Grown};
use super::histogram::MOST_ROWS;
use super::loss::Scores;
use super::{BoostError, BoostParams};
use crate::classify::{Labels, Link, Table, Tree, TreeEnsemble};

/// Rows scored together by one thread.
const CHUNK: usize = 2048;

/// Mean cross-entropy after a round.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundLoss {
    /// On the training rows, unweighted.
    pub train: f64,
    /// On the validation rows, where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<f64>,
}

/// What training leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Boosted {
    /// The trees of the kept rounds.
    pub ensemble: TreeEnsemble,
    /// The loss after each round that ran; early stopping ran some that were not kept.
    pub curve: Vec<RoundLoss>,
    /// Loss reduction by column, over the kept rounds.
    pub importance: Vec<f64>,
    /// Number of rounds kept.
    pub rounds: usize,
}

/// Trains boosted trees. `go_on` is asked before each round with its number, from 0; `false`
/// stops. The result depends on the inputs and the seed only, never on the number of threads.
///
/// # Errors
/// The table is empty, too long, has an infinite value or columns of different lengths; one
/// class only; labels that do not fit; a class weight for an unknown class; cancelled.
pub fn train(
    params: &BoostParams,
    table: &Table,
    labels: &Labels,
    validation: Option<(&Table, &Labels)>,
    go_on: &dyn Fn(usize) -> bool,
) -> Result<Boosted, BoostError> {
    check(table, labels)?;
    let params = &params.with_leaf_for(labels);
    if let Some((table_v, labels_v)) = validation {
        check_shape(table_v, labels_v)?;
        if table_v.names != table.names || labels_v.classes != labels.classes {
            let message = "the validation set has other columns or classes than the training set";
            return Err(BoostError::Table(message.into()));
        }
    } else if params.early_stopping > 0 {
        let message = "early stopping needs a validation set; set it to 0 or choose a holdout".into();
        return Err(BoostError::Parameter { member: "earlyStopping", message });
    }
    let weights = params.class_weights.of(labels)?;
    let (rows, classes) = (table.rows(), labels.classes.len());
    let bins = Bins::find(table, params.bins as usize, params.seed)?;
    let data = bins.apply(table);
    let data_v = validation.map(|(table, labels)| (bins.apply(table), labels));

    let base = base_scores(labels, &weights);
    let outputs = base.len();
    let mut scores = Scores::new(&base, rows);
    let mut scores_v = data_v.as_ref().map(|(data, _)| Scores::new(&base, data.rows));
    let (mut g, mut h) = (vec![vec![0.0f32; rows]; outputs], vec![vec![0.0f32; rows]; outputs]);
    let mut growers: Vec<Grower> = (0..outputs).map(|_| Grower::new(&data, &bins, params)).collect();
    let usable: Vec<usize> = (0..bins.bounds.len()).filter(|&c| splittable(&bins, &data, c)).collect();

    let all: Vec<u32> = (0..rows as u32).collect();
    let mut grown: Vec<Grown> = Vec::new();
    let mut curve: Vec<RoundLoss> = Vec::new();
    let (mut best, mut best_loss) = (0, f64::INFINITY);
    scores.derive(&labels.labels, &weights, &mut g, &mut h);
    for round in 0..params.rounds as usize {
        if !go_on(round) {
            return Err(BoostError::Cancelled);
        }
        // The pool is entered once a round, not at every pass over the data.
        let (trees, loss) = rayon::scope(|_| {
            // A stream of its own for each round, so that rounds do not depend on each other.
            let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
            rng.set_stream(1 + round as u64);
            let drawn = draw(&mut rng, &all, params.row_fraction);
            let columns: Vec<Vec<bool>> = (0..outputs)
                .map(|_| draw_columns(&mut rng, &usable, bins.bounds.len(), params.column_fraction))
                .collect();
            let rows_drawn = drawn.as_deref().unwrap_or(&all);
            let trees: Vec<Grown> = growers
                .par_iter_mut()
                .zip(g.par_iter().zip(&h))
                .zip(&columns)
                .zip(&mut scores.values)
                .map(|(((grower, (g, h)), columns), scores)| {
                    let tree = grower.grow(g, h, rows_drawn, columns);
                    if drawn.is_some() {
                        add_scores(&tree, &data, scores);
                    } else {
                        grower.add_to(&tree, scores);
                    }
                    tree
                })
                .collect();
            let train_loss = scores.derive(&labels.labels, &weights, &mut g, &mut h);
            let mut validation = None;
            if let (Some((data, labels)), Some(scores)) = (&data_v, &mut scores_v) {
                for (tree, scores) in trees.iter().zip(&mut scores.values) {
                    add_scores(tree, data, scores);
                }
                validation = Some(scores.loss(&labels.labels));
            }
            (trees, RoundLoss { train: train_loss, validation })
        });
        curve.push(loss);
        let no_split = trees.iter().all(|t| t.tree.feature.is_empty());
        grown.extend(trees);
        if let Some(loss) = loss.validation.filter(|_| params.early_stopping > 0) {
            if loss < best_loss {
                (best, best_loss) = (round + 1, loss);
            } else if round + 1 - best >= params.early_stopping as usize {
                break;
            }
        } else {
            best = round + 1;
        }
        // Without draws the next round would be the same.
        if no_split && params.row_fraction >= 1.0 && params.column_fraction >= 1.0 {
            break;
        }
    }
    grown.truncate(best * outputs);
    let mut importance = vec![0.0; table.columns.len()];
    for &(column, gain) in grown.iter().flat_map(|t| &t.gains) {
        importance[column as usize] += gain;
    }
    let trees: Vec<Tree> = grown.into_iter().map(|t| t.tree).collect();
    let link = if outputs == 1 { Link::Sigmoid } else { Link::Softmax };
    let ensemble = TreeEnsemble { features: table.columns.len(), classes, link, base, trees };
    Ok(Boosted { ensemble, curve, importance, rounds: best })
}

fn check_shape(table: &Table, labels: &Labels) -> Result<(), BoostError> {
    let fail = |message: String| Err(BoostError::Table(message));
    let rows = table.rows();
    if rows == 0 {
        return fail("there are no samples (or no predictors)".into());
    }
    if let Some((name, column)) = table.names.iter().zip(&table.columns).find(|(_, c)| c.len() != rows) {
        return fail(format!("column `{name}` has {} rows, the first has {rows}", column.len()));
    }
    if labels.labels.len() != rows || table.names.len() != table.columns.len() {
        return fail(format!(
            "{} labels for {rows} rows, {} names for {} columns",
            labels.labels.len(),
            table.names.len(),
            table.columns.len()
        ));
    }
    if labels.labels.iter().any(|&l| usize::from(l) >= labels.classes.len()) {
        return fail("a label is not among the classes".into());
    }
    Ok(())
}

fn check(table: &Table, labels: &Labels) -> Result<(), BoostError> {
    check_shape(table, labels)?;
    if table.rows() > MOST_ROWS {
        return Err(BoostError::Table(format!("{} samples; at most {MOST_ROWS} are allowed", table.rows())));
    }
    let counts = labels.counts();
    let present = counts.iter().filter(|&&n| n > 0).count();
    if present < 2 {
        let only = labels.classes.iter().zip(&counts).find(|(_, n)| **n > 0).map_or("", |(c, _)| c);
        return Err(BoostError::Table(format!("all samples are of one class, `{only}`; two are needed")));
    }
    Ok(())
}

/// Scores before the first tree: the log of each class's share (the log-odds of the second of
/// two), as LightGBM's `boost_from_average`.
fn base_scores(labels: &Labels, weights: &[f64]) -> Vec<f32> {
    let totals: Vec<f64> = labels.counts().iter().zip(weights).map(|(&n, w)| n as f64 * w).collect();
    let sum: f64 = totals.iter().sum();
    match totals[..] {
        [first, second] => vec![(second / first).ln() as f32],
        _ => totals.iter().map(|t| (t / sum).max(1e-15).ln() as f32).collect(),
    }
}

/// A column with one bin and nothing missing (or nothing else) has no split.
fn splittable(bins: &Bins, data: &Binned, column: usize) -> bool {
    !bins.bounds[column].is_empty() || (1..data.rows).any(|row| data.bin(column, row) != data.bin(column, 0))
}

fn draw(rng: &mut ChaCha8Rng, all: &[u32], fraction: f64) -> Option<Vec<u32>> {
    if fraction >= 1.0 {
        return None;
    }
    let count = ((all.len() as f64 * fraction).round() as usize).max(1);
    let mut rows: Vec<u32> = index::sample(rng, all.len(), count).into_iter().map(|r| r as u32).collect();
    rows.sort_unstable();
    Some(rows)
}

fn draw_columns(rng: &mut ChaCha8Rng, usable: &[usize], columns: usize, fraction: f64) -> Vec<bool> {
    let mut chosen = vec![false; columns];
    let count = ((usable.len() as f64 * fraction).round() as usize).max(1).min(usable.len());
    if count == usable.len() {
        for &column in usable {
            chosen[column] = true;
        }
    } else {
        for i in index::sample(rng, usable.len(), count) {
            chosen[usable[i]] = true;
        }
    }
    chosen
}

fn add_scores(tree: &Grown, data: &Binned, scores: &mut [f64]) {
    scores.par_chunks_mut(CHUNK).enumerate().for_each(|(c, scores)| {
        for (i, score) in scores.iter_mut().enumerate() {
            *score += tree.value_of(data, c * CHUNK + i);
        }
    });
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::super::{BoostOptions, ClassWeights};
    use super::*;

    /// Three noisy classes, told by two of five columns; every seventh value is missing.
    fn sample(rows: usize, seed: u64) -> (Table, Labels) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut columns = vec![Vec::new(); 5];
        let mut labels = Vec::new();
        for row in 0..rows {
            let x: Vec<f32> = (0..5).map(|_| rng.random::<f32>()).collect();
            let class = if x[0] > 0.6 { 2 } else { u16::from(x[1] > 0.5) };
            labels.push(if rng.random::<f32>() < 0.05 { (class + 1) % 3 } else { class });
            for (c, column) in columns.iter_mut().enumerate() {
                column.push(if (row + c) % 7 == 0 { f32::NAN } else { x[c] });
            }
        }
        let names = (0..5).map(|c| format!("x{c}")).collect();
        (Table { names, columns }, Labels { classes: ["a", "b", "c"].map(String::from).to_vec(), labels })
    }

    fn params(change: impl FnOnce(&mut BoostOptions)) -> BoostParams {
        let mut options = BoostOptions { rounds: 30, leaves: 8, ..BoostOptions::default() };
        change(&mut options);
        BoostParams::try_from(options).unwrap()
    }

    fn fit(params: &BoostParams, rows: usize) -> Boosted {
        let (table, labels) = sample(rows, 1);
        train(params, &table, &labels, None, &|_| true).unwrap()
    }

    fn accuracy(model: &TreeEnsemble, table: &Table, labels: &Labels) -> f64 {
        let hits = (0..table.rows()).filter(|&row| {
            let p = model.score_row(|c| table.columns[c][row]);
            let best = (0..p.len()).max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap();
            best == usize::from(labels.labels[row])
        });
        hits.count() as f64 / table.rows() as f64
    }

    #[test]
    fn it_learns_through_missing_values() {
        let model = fit(&params(|_| ()), 2000);
        let (table, labels) = sample(2000, 2);
        let overall = accuracy(&model.ensemble, &table, &labels);
        assert!(overall > 0.82, "{overall}");
        let noise: f64 = model.importance[2..].iter().sum();
        assert!(noise < 0.15 * model.importance.iter().sum::<f64>(), "{:?}", model.importance);
        assert!(model.curve.windows(2).all(|w| w[1].train < w[0].train));
    }

    #[test]
    fn the_model_is_the_same_for_any_number_of_threads() {
        let params = params(|o| (o.row_fraction, o.column_fraction) = (0.7, 0.6));
        let models: Vec<Boosted> = [1, 2, 5]
            .iter()
            .map(|&n| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
                pool.install(|| fit(&params, 6000))
            })
            .collect();
        assert_eq!(models[0], models[1]);
        assert_eq!(models[0], models[2]);
    }

    #[test]
    fn the_loss_of_the_last_round_is_that_of_the_model() {
        for classes in [2, 3] {
            let (table, mut labels) = sample(800, 3);
            labels.classes.truncate(classes);
            labels.labels.iter_mut().for_each(|l| *l %= classes as u16);
            let model = train(&params(|_| ()), &table, &labels, Some((&table, &labels)), &|_| true).unwrap();
            let loss = -(0..table.rows())
                .map(|r| {
                    let p = model.ensemble.score_row(|c| table.columns[c][r]);
                    f64::from(p[usize::from(labels.labels[r])]).ln()
                })
                .sum::<f64>()
                / 800.0;
            let last = model.curve.last().unwrap();
            assert!((last.train - loss).abs() < 1e-5 && (last.validation.unwrap() - loss).abs() < 1e-5);
            assert_eq!(model.ensemble.trees.len(), 30 * if classes == 2 { 1 } else { 3 });
        }
    }

    #[test]
    fn early_stopping_keeps_the_best_round() {
        let (table, labels) = sample(600, 4);
        let (table_v, labels_v) = sample(600, 5);
        let params = params(|o| (o.rounds, o.min_leaf, o.early_stopping) = (400, Some(2), 10));
        let model = train(&params, &table, &labels, Some((&table_v, &labels_v)), &|_| true).unwrap();
        let loss = |r: &RoundLoss| r.validation.unwrap();
        let best = (0..model.curve.len())
            .min_by(|&a, &b| loss(&model.curve[a]).total_cmp(&loss(&model.curve[b])))
            .unwrap();
        assert_eq!((model.rounds, model.curve.len()), (best + 1, best + 11));
        assert_eq!(model.ensemble.trees.len(), 3 * model.rounds);
    }

    #[test]
    fn leaves_and_samples_per_leaf_are_bounded() {
        let (table, labels) = sample(1500, 6);
        let params = params(|o| (o.leaves, o.min_leaf) = (12, Some(50)));
        let model = train(&params, &table, &labels, None, &|_| true).unwrap();
        for tree in &model.ensemble.trees {
            assert!(tree.leaf.len() <= 12 && tree.leaf.len() == tree.feature.len() + 1);
            let mut counts = vec![0; tree.leaf.len()];
            for row in 0..1500 {
                counts[tree.leaf_of(|c| table.columns[c][row])] += 1;
            }
            assert!(counts.iter().all(|&n| n >= 50), "{counts:?}");
        }
    }

    #[test]
    fn balanced_weights_find_the_rare_class() {
        let (table, mut labels) = sample(3000, 7);
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        labels.classes.truncate(2);
        // Class 1 is likelier above 0.8, but rarer than class 0 everywhere.
        for (row, label) in labels.labels.iter_mut().enumerate() {
            let likely = if table.columns[0][row] > 0.8 { 0.3 } else { 0.05 };
            *label = u16::from(rng.random::<f32>() < likely);
        }
        let recall = |weights: ClassWeights| {
            let params = params(|o| o.class_weights = weights);
            let model = train(&params, &table, &labels, None, &|_| true).unwrap().ensemble;
            let rare: Vec<usize> = (0..3000).filter(|&r| labels.labels[r] == 1).collect();
            let found = rare.iter().filter(|&&r| model.score_row(|c| table.columns[c][r])[1] > 0.5).count();
            found as f64 / rare.len() as f64
        };
        let (equal, balanced) = (recall(ClassWeights::Equal), recall(ClassWeights::Balanced));
        assert!(balanced > equal + 0.2, "{equal} {balanced}");
    }

    #[test]
    fn histograms_that_find_no_room_change_nothing() {
        let (table, labels) = sample(1500, 9);
        let params = params(|_| ());
        let bins = Bins::find(&table, 255, 0).unwrap();
        let data = bins.apply(&table);
        let g: Vec<f32> = labels.labels.iter().map(|&l| f32::from(l) - 0.9).collect();
        let h = vec![0.2; 1500];
        let rows: Vec<u32> = (0..1500).collect();
        let grow = |room: Option<usize>| {
            let mut grower = Grower::new(&data, &bins, &params);
            grower.limit(room);
            grower.grow(&g, &h, &rows, &[true; 5]).tree
        };
        assert_eq!(grow(None), grow(Some(0)));
    }

    #[test]
    fn bad_input_is_refused_by_name() {
        let bad = BoostOptions { learning_rate: 0.0, ..BoostOptions::default() };
        let message = BoostParams::try_from(bad).unwrap_err().to_string();
        assert!(message.contains("learningRate"), "{message}");

        let says = |change: &dyn Fn(&mut Table, &mut Labels), params: &BoostParams, word: &str| {
            let (mut table, mut labels) = sample(50, 1);
            change(&mut table, &mut labels);
            let message = train(params, &table, &labels, None, &|_| true).unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        };
        let usual = params(|_| ());
        says(&|_, l| l.labels.fill(1), &usual, "`b`");
        says(&|t, _| t.columns[3][7] = f32::INFINITY, &usual, "`x3` of sample 7");
        says(&|t, _| t.columns[3].truncate(1), &usual, "`x3`");
        says(&|_, l| l.labels[0] = 9, &usual, "not among");
        says(&|t, l| (t.columns.clear(), l.labels.clear()).1, &usual, "no samples");
        says(&|_, _| (), &params(|o| o.early_stopping = 5), "earlyStopping");
        let weights = ClassWeights::Given([("rice".to_string(), 2.0)].into());
        says(&|_, _| (), &params(|o| o.class_weights = weights), "`rice`");
        let (table, labels) = sample(50, 1);
        assert_eq!(train(&usual, &table, &labels, None, &|r| r < 3), Err(BoostError::Cancelled));
    }
}
