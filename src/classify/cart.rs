//! Classification trees grown exactly (Breiman et al. 1984), best leaf first: what random
//! forests and the time series forest are made of.

use std::cmp::Ordering;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{ClassifyError, Tree};

/// What a good split is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// Largest decrease of the Gini impurity.
    #[default]
    Gini,
    /// Largest decrease of the entropy.
    Entropy,
    /// Deng et al. 2013, section 3.2: the decrease of the entropy, and among equal ones the
    /// widest margin between the threshold and the nearest value.
    Entrance,
}

/// How a tree grows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct TreeParams {
    /// What a good split is.
    pub criterion: Criterion,
    /// Most leaves of a tree, 2 to 255; the leaf whose split gains most grows first.
    pub max_leaves: usize,
    /// Fewest samples of a leaf.
    pub min_leaf: usize,
    /// Columns looked at for each split, drawn anew each time; all where absent.
    pub columns_per_split: Option<usize>,
}

impl Default for TreeParams {
    fn default() -> Self {
        Self { criterion: Criterion::Gini, max_leaves: 255, min_leaf: 1, columns_per_split: None }
    }
}

impl TreeParams {
    /// Refuses parameters that no tree can grow with.
    pub(crate) fn check(&self) -> Result<(), ClassifyError> {
        if !(2..=255).contains(&self.max_leaves) {
            return Err(ClassifyError::parameter("maxLeaves", "must be 2 to 255"));
        }
        if self.min_leaf == 0 {
            return Err(ClassifyError::parameter("minLeaf", "must be at least 1"));
        }
        if self.columns_per_split == Some(0) {
            return Err(ClassifyError::parameter("columnsPerSplit", "must be at least 1"));
        }
        Ok(())
    }
}

/// What a tree is grown from: columns, and a label and a weight (how often a bootstrap drew
/// it, 0 for never) for each row.
pub(crate) struct Grower<'a> {
    pub columns: &'a [Vec<f32>],
    pub labels: &'a [u16],
    pub weights: &'a [u32],
    pub classes: usize,
    pub params: &'a TreeParams,
}

/// A leaf that may be split, and where its parent points at it.
struct Open {
    rows: Vec<u32>,
    parent: Option<(usize, bool)>,
    split: Option<Split>,
}

#[derive(Clone, Copy)]
struct Split {
    column: u32,
    threshold: f32,
    missing_left: bool,
    /// Decrease of the summed impurity.
    gain: f64,
    margin: f32,
}

/// One value of a column with what it stands for.
type Entry = (f32, u16, u32);

/// Weight of the margin beside the entropy: small enough to break ties only.
const MARGIN: f64 = 1e-9;

impl Grower<'_> {
    /// Grows one tree. Its leaves hold the class shares of their samples.
    pub fn grow(&self, rng: &mut ChaCha8Rng) -> Tree {
        let mut tree = Tree::default();
        let rows: Vec<u32> =
            (0..self.labels.len() as u32).filter(|&r| self.weights[r as usize] > 0).collect();
        let split = self.best_split(&rows, rng);
        let mut open = vec![Open { rows, parent: None, split }];
        while open.len() < self.params.max_leaves {
            let gain = |o: &Open| o.split.map_or(0.0, |s| s.gain);
            let best = (0..open.len()).reduce(|a, b| if gain(&open[b]) > gain(&open[a]) { b } else { a });
            let Some((best, split)) = best.and_then(|b| open[b].split.map(|s| (b, s))) else { break };
            let leaf = open.swap_remove(best);
            let node = tree.feature.len();
            link(&mut tree, leaf.parent, node as i32);
            tree.feature.push(split.column);
            tree.threshold.push(split.threshold);
            tree.default_left.push(split.missing_left);
            tree.left.push(0);
            tree.right.push(0);
            let column = &self.columns[split.column as usize];
            let (left, right): (Vec<u32>, Vec<u32>) = leaf.rows.into_iter().partition(|&r| {
                let value = column[r as usize];
                if value.is_nan() { split.missing_left } else { value <= split.threshold }
            });
            for (rows, is_left) in [(left, true), (right, false)] {
                let split = self.best_split(&rows, rng);
                open.push(Open { rows, parent: Some((node, is_left)), split });
            }
        }
        for (leaf, Open { rows, parent, .. }) in open.into_iter().enumerate() {
            link(&mut tree, parent, !(leaf as i32));
            let counts = self.counts(&rows);
            let total: f64 = counts.iter().sum();
            tree.leaf.extend(counts.iter().map(|n| (n / total) as f32));
        }
        tree
    }

    fn counts(&self, rows: &[u32]) -> Vec<f64> {
        let mut counts = vec![0.0; self.classes];
        for &row in rows {
            counts[usize::from(self.labels[row as usize])] += f64::from(self.weights[row as usize]);
        }
        counts
    }

    /// The best split of these rows over a random choice of columns. As in scikit-learn, columns
    /// that cannot be split do not count as looked at.
    fn best_split(&self, rows: &[u32], rng: &mut ChaCha8Rng) -> Option<Split> {
        let counts = self.counts(rows);
        if counts.iter().filter(|&&n| n > 0.0).count() < 2 {
            return None;
        }
        let mut order: Vec<u32> = (0..self.columns.len() as u32).collect();
        let wanted = self.params.columns_per_split.unwrap_or(order.len());
        let (mut looked_at, mut best) = (0, None::<Split>);
        let mut entries: Vec<Entry> = Vec::with_capacity(rows.len());
        let mut missing = vec![0.0; self.classes];
        for drawn in 0..order.len() {
            if looked_at == wanted {
                break;
            }
            let other = rng.random_range(drawn..order.len());
            order.swap(drawn, other);
            let values = &self.columns[order[drawn] as usize];
            entries.clear();
            missing.fill(0.0);
            for &row in rows {
                let row = row as usize;
                if values[row].is_nan() {
                    missing[usize::from(self.labels[row])] += f64::from(self.weights[row]);
                } else {
                    entries.push((values[row], self.labels[row], self.weights[row]));
                }
            }
            entries.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            let Some(split) = self.split_column(order[drawn], &entries, &counts, &missing) else { continue };
            looked_at += 1;
            if best.is_none_or(|b| self.compare(&split, &b) == Ordering::Greater) {
                best = Some(split);
            }
        }
        best.filter(|s| s.gain > 1e-12)
    }

    fn compare(&self, a: &Split, b: &Split) -> Ordering {
        let score = |s: &Split| match self.params.criterion {
            Criterion::Entrance => s.gain + MARGIN * f64::from(s.margin),
            Criterion::Gini | Criterion::Entropy => s.gain,
        };
        score(a).total_cmp(&score(b))
    }

    /// The best threshold of one column, missing values tried on either side; none where the
    /// column is constant or every split leaves too few samples.
    fn split_column(&self, column: u32, entries: &[Entry], counts: &[f64], missing: &[f64]) -> Option<Split> {
        let before = self.impurity(counts);
        let any_missing = missing.iter().any(|&n| n > 0.0);
        let fewest = self.params.min_leaf as f64;
        let mut below = vec![0.0; self.classes];
        let (mut left, mut right) = (below.clone(), below.clone());
        let mut best = None::<Split>;
        for pair in entries.windows(2) {
            let [(low, label, weight), (high, ..)] = [pair[0], pair[1]];
            below[usize::from(label)] += f64::from(weight);
            if low >= high {
                continue;
            }
            for missing_left in [true, false] {
                if missing_left && !any_missing {
                    continue;
                }
                for k in 0..self.classes {
                    left[k] = below[k] + if missing_left { missing[k] } else { 0.0 };
                    right[k] = counts[k] - left[k];
                }
                let (n_left, n_right): (f64, f64) = (left.iter().sum(), right.iter().sum());
                if n_left < fewest || n_right < fewest {
                    continue;
                }
                let gain = before - self.impurity(&left) - self.impurity(&right);
                let middle = low + (high - low) / 2.0;
                let split = Split {
                    column,
                    threshold: if middle < high { middle } else { low },
                    // Without missing samples to learn from, they follow the larger side.
                    missing_left: if any_missing { missing_left } else { n_left >= n_right },
                    gain,
                    margin: (high - low) / 2.0,
                };
                if best.is_none_or(|b| self.compare(&split, &b) == Ordering::Greater) {
                    best = Some(split);
                }
            }
        }
        best
    }

    /// Impurity times the number of samples.
    fn impurity(&self, counts: &[f64]) -> f64 {
        let total: f64 = counts.iter().sum();
        if total <= 0.0 {
            return 0.0;
        }
        match self.params.criterion {
            Criterion::Gini => total - counts.iter().map(|n| n * n).sum::<f64>() / total,
            Criterion::Entropy | Criterion::Entrance => {
                counts.iter().filter(|&&n| n > 0.0).map(|n| -n * (n / total).ln()).sum()
            }
        }
    }
}

fn link(tree: &mut Tree, parent: Option<(usize, bool)>, child: i32) {
    match parent {
        Some((node, true)) => tree.left[node] = child,
        Some((node, false)) => tree.right[node] = child,
        None => {}
    }
}

/// How often a bootstrap of `rows` draws each row.
pub(crate) fn bootstrap(rows: usize, rng: &mut ChaCha8Rng) -> Vec<u32> {
    let mut weights = vec![0; rows];
    for _ in 0..rows {
        weights[rng.random_range(0..rows)] += 1;
    }
    weights
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn grow(columns: &[Vec<f32>], labels: &[u16], params: &TreeParams) -> Tree {
        let weights = vec![1; labels.len()];
        Grower { columns, labels, weights: &weights, classes: 2, params }
            .grow(&mut ChaCha8Rng::seed_from_u64(0))
    }

    #[test]
    fn the_hand_checked_split_halves_the_gap() {
        let tree = grow(&[vec![1.0, 2.0, 4.0, 5.0]], &[0, 0, 1, 1], &TreeParams::default());
        assert_eq!((tree.feature.as_slice(), tree.threshold.as_slice()), (&[0][..], &[3.0][..]));
        assert_eq!(tree.leaf_of(|_| 3.0), !tree.left[0] as usize);
        assert_eq!(tree.leaf[tree.leaf_of(|_| 1.0) * 2..][..2], [1.0, 0.0]);
        assert_eq!(tree.leaf[tree.leaf_of(|_| 9.0) * 2..][..2], [0.0, 1.0]);
    }

    #[test]
    fn missing_values_go_where_their_classes_are() {
        let column = vec![1.0, 2.0, 4.0, 5.0, f32::NAN, f32::NAN];
        let tree = grow(&[column], &[0, 0, 1, 1, 1, 1], &TreeParams::default());
        assert_eq!(tree.leaf[tree.leaf_of(|_| f32::NAN) * 2..][..2], [0.0, 1.0]);
    }

    #[test]
    fn among_equal_entropies_entrance_takes_the_wider_margin() {
        let columns = [vec![0.0, 0.1, 0.2, 0.3], vec![0.0, 0.1, 0.8, 0.9]];
        let params = TreeParams { criterion: Criterion::Entrance, ..TreeParams::default() };
        assert_eq!(grow(&columns, &[0, 0, 1, 1], &params).feature, [1]);
    }

    #[test]
    fn leaves_are_as_few_and_as_large_as_asked() {
        let column: Vec<f32> = (0..64).map(|i| i as f32).collect();
        let labels: Vec<u16> = (0..64).map(|i| (i / 3 % 2) as u16).collect();
        let full = grow(std::slice::from_ref(&column), &labels, &TreeParams::default());
        for (i, &label) in labels.iter().enumerate() {
            let leaf = full.leaf_of(|_| i as f32);
            assert_eq!(full.leaf[leaf * 2 + usize::from(label)], 1.0);
        }
        let params = TreeParams { max_leaves: 5, min_leaf: 4, ..TreeParams::default() };
        let small = grow(&[column], &labels, &params);
        assert!(small.feature.len() <= 4);
        let mut sizes = vec![0; small.feature.len() + 1];
        for i in 0..64 {
            sizes[small.leaf_of(|_| i as f32)] += 1;
        }
        assert!(sizes.iter().all(|&n| n >= 4), "{sizes:?}");
    }

    #[test]
    fn parameters_that_no_tree_can_grow_with_are_refused_by_name() {
        let params = TreeParams { max_leaves: 256, ..TreeParams::default() };
        assert!(params.check().unwrap_err().to_string().contains("maxLeaves"));
        let params = TreeParams { min_leaf: 0, ..TreeParams::default() };
        assert!(params.check().unwrap_err().to_string().contains("minLeaf"));
    }
}
