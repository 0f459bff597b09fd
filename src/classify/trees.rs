//! Decision trees, whatever grew them: boosted trees of our own trainer, forests,
//! trees from LightGBM. One form for the model file and for every scorer.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A binary decision tree. Inner node `i` sends a row left where
/// `value <= threshold[i]`, and a missing value (NaN) where `default_left[i]` says.
/// A child `>= 0` is an inner node, a child `< 0` is leaf `!child`. A tree of one
/// leaf has no inner node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tree {
    /// Column each inner node looks at.
    pub feature: Vec<u32>,
    /// Largest value that goes left. (LightGBM's `f64` thresholds are rounded down to
    /// the largest `f32` below, which decides every `f32` value alike.)
    pub threshold: Vec<f32>,
    /// Where missing values go.
    pub default_left: Vec<bool>,
    /// Left children.
    pub left: Vec<i32>,
    /// Right children.
    pub right: Vec<i32>,
    /// Values of the leaves, `[leaf][output]`: one output for a boosted tree (its score), one
    /// per class for a forest's tree (its probabilities).
    pub leaf: Vec<f32>,
}

/// From the summed leaf values to probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// `exp(s_k) / sum exp(s_j)`: tree `t` adds to class `t mod K`.
    Softmax,
    /// `1 / (1 + exp(-s))` is the second class's probability: every tree adds to the one score.
    Sigmoid,
    /// The mean of the trees' own class probabilities.
    Average,
}

/// Trees and how their answers add up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TreeEnsemble {
    /// Number of columns the trees may look at.
    pub features: usize,
    /// Number of classes.
    pub classes: usize,
    /// How leaf values become probabilities.
    pub link: Link,
    /// Added to each score (`classes` values for softmax, one for sigmoid, none for average).
    pub base: Vec<f32>,
    /// The trees.
    pub trees: Vec<Tree>,
}

impl Tree {
    /// The leaf a row falls into. `value(feature)` gives its columns.
    pub fn leaf_of(&self, value: impl Fn(usize) -> f32) -> usize {
        if self.feature.is_empty() {
            return 0;
        }
        let mut node = 0;
        loop {
            let x = value(self.feature[node] as usize);
            let left = if x.is_nan() { self.default_left[node] } else { x <= self.threshold[node] };
            let child = if left { self.left[node] } else { self.right[node] };
            match usize::try_from(child) {
                Ok(inner) => node = inner,
                Err(_) => return !child as usize,
            }
        }
    }
}

impl Tree {
    /// Why the tree cannot be walked, or nothing: sizes that do not fit, a child that leads
    /// back or nowhere, a column past the last. Checked on everything that comes from a file.
    pub fn problem(&self, features: usize, outputs: usize) -> Option<String> {
        let nodes = self.feature.len();
        if [self.threshold.len(), self.default_left.len(), self.left.len(), self.right.len()] != [nodes; 4] {
            return Some("its lists of nodes differ in length".to_owned());
        }
        let leaves = (nodes + 1).saturating_mul(outputs);
        if self.leaf.len() != leaves {
            return Some(format!("{nodes} inner nodes need {leaves} leaf values, not {}", self.leaf.len()));
        }
        if self.leaf.iter().any(|v| !v.is_finite()) || self.threshold.iter().any(|t| t.is_nan()) {
            return Some("a value is not a number".to_owned());
        }
        if let Some(&column) = self.feature.iter().find(|&&f| f as usize >= features) {
            return Some(format!("it reads column {column} of {features}"));
        }
        let astray = (0..nodes).find_map(|node| {
            [self.left[node], self.right[node]].into_iter().find_map(|child| {
                let fits = match usize::try_from(child) {
                    Ok(inner) => inner > node && inner < nodes,
                    Err(_) => (!child as usize) <= nodes,
                };
                (!fits).then(|| format!("node {node} leads to {child}, which is not below it"))
            })
        });
        if astray.is_some() {
            return astray;
        }
        // As many children as nodes and leaves but the root: where none comes twice, each comes once.
        let mut seen = BTreeSet::new();
        let twice = self.left.iter().chain(&self.right).find(|&&child| !seen.insert(child))?;
        Some(match usize::try_from(*twice) {
            Ok(inner) => format!("node {inner} has two parents"),
            Err(_) => format!("leaf {} has two parents", !twice),
        })
    }
}

impl TreeEnsemble {
    /// Why the trees cannot be scored, or nothing.
    pub fn problem(&self) -> Option<String> {
        let (outputs, bases) = match self.link {
            Link::Average => (self.classes, 0),
            Link::Softmax => (1, self.classes),
            Link::Sigmoid => (1, 1),
        };
        if self.classes < 2 || (self.link == Link::Sigmoid && self.classes != 2) {
            return Some(format!("{} classes do not fit the {:?} link", self.classes, self.link));
        }
        if self.base.len() != bases || self.base.iter().any(|b| !b.is_finite()) {
            return Some(format!("{bases} base scores are needed"));
        }
        if self.trees.is_empty() {
            return Some("there is no tree".to_owned());
        }
        let bad = |(t, tree): (usize, &Tree)| {
            tree.problem(self.features, outputs).map(|why| format!("tree {t}: {why}"))
        };
        self.trees.iter().enumerate().find_map(bad)
    }

    /// Class probabilities of one row by walking every tree: the plain scorer that the fused
    /// one is held against. Sums run in `f64`.
    pub fn score_row(&self, value: impl Fn(usize) -> f32) -> Vec<f32> {
        let outputs = if self.link == Link::Average { self.classes } else { 1 };
        let mut scores = vec![0.0f64; self.classes];
        for (score, &base) in scores.iter_mut().zip(&self.base) {
            *score = f64::from(base);
        }
        for (t, tree) in self.trees.iter().enumerate() {
            let leaf = tree.leaf_of(&value);
            match self.link {
                Link::Softmax => scores[t % self.classes] += f64::from(tree.leaf[leaf]),
                Link::Sigmoid => scores[0] += f64::from(tree.leaf[leaf]),
                Link::Average => {
                    for (k, score) in scores.iter_mut().enumerate() {
                        *score += f64::from(tree.leaf[leaf * outputs + k]);
                    }
                }
            }
        }
        match self.link {
            Link::Softmax => {
                let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = scores.iter().map(|s| (s - top).exp()).sum();
                scores.iter().map(|s| ((s - top).exp() / sum) as f32).collect()
            }
            Link::Sigmoid => {
                let p = 1.0 / (1.0 + (-scores[0]).exp());
                vec![(1.0 - p) as f32, p as f32]
            }
            Link::Average => scores.iter().map(|s| (s / self.trees.len().max(1) as f64) as f32).collect(),
        }
    }
}
