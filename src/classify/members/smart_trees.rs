//! Decision tree and random forest (Breiman 2001), trained by smartcore and scored by the
//! project's own scorer: smartcore walks its trees a row at a time.

use serde::Deserialize;
use smartcore::ensemble::random_forest_classifier::{
    RandomForestClassifier, RandomForestClassifierParameters,
};
use smartcore::error::Failed;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::tree::decision_tree_classifier::{DecisionTreeClassifier, DecisionTreeClassifierParameters};

use crate::classify::{ClassifyError, Labels, Link, Tree, TreeEnsemble};

/// A forest as smartcore says of itself through serde. Trees name classes by their place in
/// `classes`.
#[derive(Deserialize)]
struct Forest {
    trees: Vec<Grown>,
    classes: Vec<u16>,
}

#[derive(Deserialize)]
struct Grown {
    nodes: Vec<Node>,
    classes: Vec<u16>,
}

#[derive(Deserialize)]
struct Node {
    output: usize,
    split_feature: usize,
    split_value: Option<f64>,
    true_child: Option<usize>,
    false_child: Option<usize>,
}

/// Trains a random forest of `trees` trees with smartcore; a leaf votes for one class.
///
/// # Errors
/// A number of trees out of range, or smartcore's own reason.
pub fn train_forest(
    rows: &[Vec<f32>],
    labels: &Labels,
    trees: usize,
    seed: u64,
) -> Result<TreeEnsemble, ClassifyError> {
    let count = u16::try_from(trees).ok().filter(|&n| n > 0);
    let count = count.ok_or_else(|| ClassifyError::parameter("trees", "must be 1 to 65535"))?;
    let params = RandomForestClassifierParameters::default().with_n_trees(count).with_seed(seed);
    let forest = matrix(rows)
        .and_then(|x| RandomForestClassifier::fit(&x, &labels.labels, params))
        .map_err(|e| failed("random forest", &e))?;
    let forest: Forest = stored("random forest", &forest)?;
    let trees = forest.trees.iter().map(|t| convert(t, &forest.classes, labels.classes.len())).collect();
    Ok(ensemble(rows, labels, trees))
}

/// Trains one tree down to pure leaves.
pub(in crate::classify) fn train_tree(
    rows: &[Vec<f32>],
    labels: &Labels,
    seed: u64,
) -> Result<TreeEnsemble, ClassifyError> {
    // Columns that split equally well are taken in an order drawn from the seed.
    let params = DecisionTreeClassifierParameters { seed: Some(seed), ..Default::default() };
    let tree = matrix(rows)
        .and_then(|x| DecisionTreeClassifier::fit(&x, &labels.labels, params))
        .map_err(|e| failed("decision tree", &e))?;
    let tree: Grown = stored("decision tree", &tree)?;
    Ok(ensemble(rows, labels, vec![convert(&tree, &tree.classes, labels.classes.len())]))
}

fn matrix(rows: &[Vec<f32>]) -> Result<DenseMatrix<f32>, Failed> {
    DenseMatrix::from_2d_vec(&rows.to_vec())
}

fn failed(learner: &'static str, error: &Failed) -> ClassifyError {
    ClassifyError::Learner { learner, reason: error.to_string() }
}

fn stored<T: for<'a> Deserialize<'a>>(
    learner: &'static str,
    model: &impl serde::Serialize,
) -> Result<T, ClassifyError> {
    let value = serde_json::to_value(model).and_then(serde_json::from_value);
    value.map_err(|e| ClassifyError::Learner { learner, reason: e.to_string() })
}

fn ensemble(rows: &[Vec<f32>], labels: &Labels, trees: Vec<Tree>) -> TreeEnsemble {
    let features = rows.first().map_or(0, Vec::len);
    TreeEnsemble { features, classes: labels.classes.len(), link: Link::Average, base: Vec::new(), trees }
}

/// Numbers smartcore's nodes anew: inner nodes and leaves apart.
fn convert(grown: &Grown, labels: &[u16], classes: usize) -> Tree {
    let mut tree = Tree::default();
    let mut inner = 0;
    let mut leaves = 0;
    let place: Vec<i32> = grown
        .nodes
        .iter()
        .map(|node| {
            let counter = if node.true_child.is_some() { &mut inner } else { &mut leaves };
            *counter += 1;
            if node.true_child.is_some() { *counter - 1 } else { !(*counter - 1) }
        })
        .collect();
    for node in &grown.nodes {
        if let (Some(left), Some(right)) = (node.true_child, node.false_child) {
            tree.feature.push(node.split_feature as u32);
            tree.threshold.push(round_down(node.split_value.unwrap_or(f64::NAN)));
            tree.default_left.push(false);
            tree.left.push(place[left]);
            tree.right.push(place[right]);
        } else {
            let label = usize::from(labels[node.output]);
            tree.leaf.extend((0..classes).map(|k| if k == label { 1.0 } else { 0.0 }));
        }
    }
    tree
}

/// The largest `f32` that is not above: it decides every `f32` alike.
fn round_down(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) > value { near.next_down() } else { near }
}

#[cfg(test)]
mod tests {
    use super::super::tests;
    use super::*;

    #[test]
    fn exported_trees_answer_as_smartcore_does() {
        let (rows, labels) = tests::table(150, 1);
        let (test, _) = tests::table(80, 2);
        let x = matrix(&rows).unwrap();
        let params = DecisionTreeClassifierParameters { seed: Some(7), ..Default::default() };
        let tree = DecisionTreeClassifier::fit(&x, &labels.labels, params);
        let params = RandomForestClassifierParameters::default().with_n_trees(25).with_seed(7);
        let forest = RandomForestClassifier::fit(&x, &labels.labels, params).unwrap();
        let test_x = matrix(&test).unwrap();
        let expected = [tree.unwrap().predict(&test_x).unwrap(), forest.predict(&test_x).unwrap()];
        let found = [train_tree(&rows, &labels, 7).unwrap(), train_forest(&rows, &labels, 25, 7).unwrap()];
        for (found, expected) in found.iter().zip(&expected) {
            for (row, &expected) in test.iter().zip(expected) {
                let p = found.score_row(|c| row[c]);
                let best = p.iter().copied().fold(0.0, f32::max);
                assert_eq!(p[usize::from(expected)], best);
            }
        }
    }

    #[test]
    fn thresholds_are_rounded_down() {
        assert_eq!(round_down(0.5), 0.5);
        assert!(f64::from(round_down(0.1)) <= 0.1 && f64::from(round_down(0.1).next_up()) > 0.1);
    }
}
