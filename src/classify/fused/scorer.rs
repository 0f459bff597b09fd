//! Scoring by bits: see the module's own words.

use super::kernel::{Kernel, Lane, Mask, Portable};
use super::program::{Compiled, Program, Step};
use super::{LANES, LaneWork, Lanes, link};
use crate::classify::{ClassifyError, Link, TreeEnsemble};

/// Scores tree ensembles over lanes of pixels: boosted trees, forests, trees from elsewhere.
/// Probabilities equal [`TreeEnsemble::score_row`] within 1e-6.
#[derive(Clone, Debug)]
pub struct Scorer {
    program: Program,
    used: Vec<u32>,
    classes: usize,
    trees: usize,
    link: Link,
    lanes: Lanes,
}

/// What brings the columns that the trees look at, lane by lane.
pub(super) trait Columns {
    /// The values of the used column `column` ([`Scorer::used_features`]) of the current lanes.
    /// Implementations carry `#[inline(always)]`.
    fn column(&mut self, column: usize, out: &mut Lane<f32>);
}

impl Scorer {
    /// Compiles the trees for the widest instruction set of this machine.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Model`] where lists have the wrong lengths, children do not exist or
    /// have two parents, or a threshold or leaf is not a number; the text names the tree.
    pub fn new(ensemble: &TreeEnsemble) -> Result<Self, ClassifyError> {
        Self::with_lanes(ensemble, Lanes::best())
    }

    /// As [`Scorer::new`], for a given instruction set.
    ///
    /// # Errors
    ///
    /// As [`Scorer::new`].
    pub fn with_lanes(ensemble: &TreeEnsemble, lanes: Lanes) -> Result<Self, ClassifyError> {
        let program = Program::new(ensemble)?;
        Ok(Self {
            used: program.columns.iter().map(|c| c.feature).collect(),
            program,
            classes: ensemble.classes,
            trees: ensemble.trees.len(),
            link: ensemble.link,
            lanes,
        })
    }

    /// The columns that some tree looks at, rising: the only ones that have to be computed.
    pub fn used_features(&self) -> &[u32] {
        &self.used
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The instruction set it runs on.
    pub fn lanes(&self) -> Lanes {
        self.lanes
    }

    /// Class probabilities `[class][pixel]` of `predictors`, `[used column][pixel]` in the order
    /// of [`Scorer::used_features`]; missing values are NaN and go where the trees send them.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Predictors`] and [`ClassifyError::Output`] where the sizes do not fit.
    pub fn score(&self, predictors: &[f32], pixels: usize, out: &mut [f32]) -> Result<(), ClassifyError> {
        if predictors.len() != self.used.len() * pixels {
            return Err(ClassifyError::Predictors {
                columns: self.used.len(),
                pixels,
                found: predictors.len(),
            });
        }
        if out.len() != self.classes * pixels {
            return Err(ClassifyError::Output { pixels, classes: self.classes, found: out.len() });
        }
        let mut work = Workspace::new(self);
        let mut chunk = vec![[0.0; LANES]; self.classes];
        for start in (0..pixels).step_by(LANES) {
            let lanes = LANES.min(pixels - start);
            self.score_lanes(Stored { predictors, pixels, start, lanes }, &mut work, &mut chunk);
            for (class, chunk) in chunk.iter().enumerate() {
                out[class * pixels + start..][..lanes].copy_from_slice(&chunk[..lanes]);
            }
        }
        Ok(())
    }

    /// One chunk of lanes, from columns to probabilities.
    pub(super) fn score_lanes(&self, columns: impl Columns, work: &mut Workspace, out: &mut [[f32; LANES]]) {
        let scorer = self;
        match self.lanes {
            Lanes::Portable => self.lanes.run(Chunk { scorer, kernel: Portable, columns, work, out }),
            #[cfg(target_arch = "x86_64")]
            Lanes::Avx2(kernel) => self.lanes.run(Chunk { scorer, kernel, columns, work, out }),
            #[cfg(target_arch = "x86_64")]
            Lanes::Avx512(kernel) => self.lanes.run(Chunk { scorer, kernel, columns, work, out }),
        }
    }
}

/// Columns that lie in memory, `[column][pixel]`.
struct Stored<'a> {
    predictors: &'a [f32],
    pixels: usize,
    start: usize,
    lanes: usize,
}

impl Columns for Stored<'_> {
    #[inline(always)]
    fn column(&mut self, column: usize, out: &mut Lane<f32>) {
        let values = &self.predictors[column * self.pixels + self.start..][..self.lanes];
        out.0[..self.lanes].copy_from_slice(values);
    }
}

/// Memory for one thread's chunks.
pub(super) struct Workspace {
    /// A mask a test.
    tests: Vec<Mask>,
    /// The masks of a tree: leaves first, then inner nodes.
    masks: Vec<Mask>,
    column: Lane<f32>,
    sums: Vec<Lane<i32>>,
    totals: Vec<[f64; LANES]>,
}

impl Workspace {
    pub fn new(scorer: &Scorer) -> Self {
        let outputs = scorer.program.base.len();
        Self {
            tests: vec![Mask([0; LANES / 8]); scorer.program.thresholds.len()],
            masks: vec![Mask([0; LANES / 8]); scorer.program.masks],
            column: Lane([0.0; LANES]),
            sums: vec![Lane([0; LANES]); outputs],
            totals: vec![[0.0; LANES]; outputs],
        }
    }
}

struct Chunk<'a, K, C> {
    scorer: &'a Scorer,
    kernel: K,
    columns: C,
    work: &'a mut Workspace,
    out: &'a mut [[f32; LANES]],
}

impl<K: Kernel, C: Columns> LaneWork for Chunk<'_, K, C> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let (program, work) = (&self.scorer.program, self.work);
        for (c, column) in program.columns.iter().enumerate() {
            self.columns.column(c, &mut work.column);
            for (tests, nan_right) in [(&column.missing_left, false), (&column.missing_right, true)] {
                let (thresholds, masks) =
                    (&program.thresholds[tests.clone()], &mut work.tests[tests.clone()]);
                if !masks.is_empty() {
                    self.kernel.compare(&work.column, thresholds, nan_right, masks);
                }
            }
        }
        for (totals, &base) in work.totals.iter_mut().zip(&program.base) {
            totals.fill(base);
        }
        for block in &program.blocks {
            work.sums.fill(Lane([0; LANES]));
            for tree in &program.trees[block.trees.clone()] {
                let steps = &program.steps[tree.steps.clone()];
                descend(tree, steps, &work.tests, &mut work.masks);
                let digits = fold(tree.digits, &mut work.masks);
                let sums = &mut work.sums[tree.output..tree.output + tree.outputs];
                self.kernel.look_up(digits, &program.tables[tree.tables.clone()], sums);
            }
            for (totals, sums) in work.totals.iter_mut().zip(&work.sums) {
                for (total, &sum) in totals.iter_mut().zip(&sums.0) {
                    *total += f64::from(sum) * block.unit;
                }
            }
        }
        link::probabilities(self.scorer.link, self.scorer.trees, &work.totals, self.out);
    }
}

/// From the root, which every lane reaches, to the lanes of each leaf.
#[inline(always)]
fn descend(tree: &Compiled, steps: &[Step], tests: &[Mask], masks: &mut [Mask]) {
    let leaves = 1 << tree.digits;
    masks[tree.leaves..leaves].fill(Mask([0; LANES / 8]));
    masks[leaves] = Mask([!0; LANES / 8]);
    for step in steps {
        let (own, test) = (masks[step.own as usize], tests[step.test as usize]);
        let (mut left, mut right) = (own, own);
        for ((left, right), test) in left.0.iter_mut().zip(&mut right.0).zip(&test.0) {
            *left &= !test;
            *right &= test;
        }
        masks[step.left as usize] = left;
        masks[step.right as usize] = right;
    }
}

/// From the lanes of each leaf to the binary digits of each lane's leaf number, lowest first.
/// They take the places `1 << digits ..` (the inner nodes' masks, no longer needed).
#[inline(always)]
fn fold(digits: usize, masks: &mut [Mask]) -> &[Mask] {
    let (leaves, rest) = masks.split_at_mut(1 << digits);
    for (digit, out) in rest[..digits].iter_mut().enumerate() {
        let pairs = 1 << (digits - 1 - digit);
        let mut set = Mask([0; LANES / 8]);
        for pair in 0..pairs {
            let (even, odd) = (leaves[2 * pair], leaves[2 * pair + 1]);
            for ((set, both), (even, odd)) in
                set.0.iter_mut().zip(&mut leaves[pair].0).zip(even.0.iter().zip(&odd.0))
            {
                *set |= odd;
                *both = even | odd;
            }
        }
        *out = set;
    }
    &rest[..digits]
}
