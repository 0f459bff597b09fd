//! From trees to the program that scores them: tests, mask arithmetic, tables.

use std::collections::VecDeque;
use std::ops::Range;

use super::kernel::TABLE;
use crate::classify::{ClassifyError, Link, Tree, TreeEnsemble};

/// A column the trees look at, and its tests in the list of all tests.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub feature: u32,
    /// Tests that send missing values left.
    pub missing_left: Range<usize>,
    /// Tests that send missing values right.
    pub missing_right: Range<usize>,
}

/// An inner node: the lanes of `own` that pass `test` go to `right`, the others to `left`.
/// The first three are places among a tree's masks: leaves first, then inner nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub test: u32,
    pub own: u32,
    pub left: u32,
    pub right: u32,
}

/// A tree of at least two leaves.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    /// Its nodes in the list of all steps, parents first.
    pub steps: Range<usize>,
    pub leaves: usize,
    /// Binary digits of its leaf numbers.
    pub digits: usize,
    /// Its leaf values in the list of all tables, one table an output.
    pub tables: Range<usize>,
    /// The first output it adds to.
    pub output: usize,
    /// To how many outputs it adds.
    pub outputs: usize,
}

/// Trees whose fixed-point sums fit 32 bits: value = integer x unit.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub trees: Range<usize>,
    pub unit: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Program {
    pub columns: Vec<Column>,
    pub thresholds: Vec<f32>,
    pub steps: Vec<Step>,
    pub trees: Vec<Compiled>,
    pub tables: Vec<i32>,
    pub blocks: Vec<Block>,
    /// Start of each output's sum: bases and trees of one leaf.
    pub base: Vec<f64>,
    /// Masks the largest tree needs.
    pub masks: usize,
}

/// Trees an output gets per block: sums of few terms keep many fixed-point digits.
const BLOCK: usize = 64;

/// A distinct test: column, whether missing values go right, threshold.
type Test = (u32, bool, f32);

fn test_order(a: &Test, b: &Test) -> std::cmp::Ordering {
    (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2))
}

impl Program {
    pub fn new(ensemble: &TreeEnsemble) -> Result<Self, ClassifyError> {
        let fail = |why: String| ClassifyError::Model(format!("cannot be scored: {why}"));
        if let Some(why) = ensemble.problem() {
            return Err(fail(why));
        }
        let outputs = if ensemble.link == Link::Sigmoid { 1 } else { ensemble.classes };
        let mut tests: Vec<Test> = ensemble.trees.iter().flat_map(tests_of).collect();
        tests.sort_unstable_by(test_order);
        tests.dedup_by(|a, b| test_order(a, b).is_eq());

        let mut program = Self {
            columns: columns(&tests),
            thresholds: tests.iter().map(|t| t.2).collect(),
            steps: Vec::new(),
            trees: Vec::new(),
            tables: Vec::new(),
            blocks: Vec::new(),
            base: vec![0.0; outputs],
            masks: 0,
        };
        for (base, &value) in program.base.iter_mut().zip(&ensemble.base) {
            *base = f64::from(value);
        }
        let per_block = if ensemble.link == Link::Average { BLOCK } else { BLOCK * outputs };
        for (b, trees) in ensemble.trees.chunks(per_block).enumerate() {
            let unit = unit(trees);
            let first = program.trees.len();
            for (t, tree) in trees.iter().enumerate() {
                let to = if ensemble.link == Link::Average {
                    0..outputs
                } else {
                    let output = (b * per_block + t) % outputs;
                    output..output + 1
                };
                program.add(tree, to, unit, &tests);
            }
            program.blocks.push(Block { trees: first..program.trees.len(), unit });
        }
        Ok(program)
    }

    /// Adds a tree without a problem: every child is a node or a leaf, and each comes once.
    fn add(&mut self, tree: &Tree, to: Range<usize>, unit: f64, tests: &[Test]) {
        let outputs = to.len();
        let leaves = tree.leaf.len() / outputs;
        if tree.feature.is_empty() {
            for (base, &value) in self.base[to].iter_mut().zip(&tree.leaf) {
                *base += f64::from(value);
            }
            return;
        }
        let digits = leaves.next_power_of_two().trailing_zeros() as usize;
        let first_node = 1u32 << digits;
        let start = self.steps.len();
        // Level by level: neighbours in the list do not wait for each other's masks.
        let mut open = VecDeque::from([0usize]);
        while let Some(node) = open.pop_front() {
            let mut place = |child: i32| match usize::try_from(child) {
                Ok(inner) => {
                    open.push_back(inner);
                    first_node + inner as u32
                }
                Err(_) => !child as u32,
            };
            let (right, left) = (place(tree.right[node]), place(tree.left[node]));
            let wanted = test_of(tree, node);
            let test = tests.binary_search_by(|t| test_order(t, &wanted)).unwrap_or_default() as u32;
            self.steps.push(Step { test, own: first_node + node as u32, left, right });
        }
        let size = TABLE.max(1 << digits);
        let table = self.tables.len();
        for output in 0..outputs {
            let values = tree.leaf.iter().skip(output).step_by(outputs);
            self.tables.extend(values.map(|&v| (f64::from(v) / unit).round() as i32));
            self.tables.resize(table + (output + 1) * size, 0);
        }
        self.masks = self.masks.max((1 << digits) + tree.feature.len());
        self.trees.push(Compiled {
            steps: start..self.steps.len(),
            leaves,
            digits,
            tables: table..self.tables.len(),
            output: to.start,
            outputs,
        });
    }
}

fn test_of(tree: &Tree, node: usize) -> Test {
    // -0.0 and 0.0 are one threshold.
    (tree.feature[node], !tree.default_left[node], tree.threshold[node] + 0.0)
}

fn tests_of(tree: &Tree) -> impl Iterator<Item = Test> {
    (0..tree.feature.len()).map(|node| test_of(tree, node))
}

fn columns(tests: &[Test]) -> Vec<Column> {
    let mut end = 0;
    tests
        .chunk_by(|a, b| a.0 == b.0)
        .map(|of_column| {
            let start = end;
            end += of_column.len();
            let middle = start + of_column.partition_point(|t| !t.1);
            Column { feature: of_column[0].0, missing_left: start..middle, missing_right: middle..end }
        })
        .collect()
}

/// The smallest power of two that keeps every sum of these trees within 31 bits.
fn unit(trees: &[Tree]) -> f64 {
    let largest = |t: &Tree| t.leaf.iter().fold(0.0f64, |top, &v| top.max(f64::from(v).abs()));
    let sum: f64 = trees.iter().map(largest).sum();
    // Rounding adds at most half a unit a tree.
    (sum.max(f64::MIN_POSITIVE) / f64::from(1 << 30)).log2().ceil().exp2()
}
