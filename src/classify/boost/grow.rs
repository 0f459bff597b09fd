//! Leaf-wise growth of one tree: the leaf with the largest gain is split next.

use rayon::prelude::*;

use super::BoostOptions;
use super::bins::{Binned, Bins, LANES, MISSING};
use super::histogram::{Block, Cell, Grad, Rule, Split, fill};
use crate::classify::Tree;

/// Histograms kept at once by one grower; past it a leaf's histogram is built anew.
const HISTOGRAM_BYTES: usize = 1 << 28;

/// Below this many elementary steps a pass over the columns runs on one thread.
const WORTH_SPLITTING: usize = 20_000;

/// A whole number of [`Block`]s, one array a column.
type Histogram = Vec<[Cell; 256]>;

/// A grown tree, and the same tree over bins.
pub(super) struct Grown {
    pub tree: Tree,
    bins: Vec<u8>,
    /// Columns and loss reduction of the splits.
    pub gains: Vec<(u32, f64)>,
}

impl Grown {
    /// The value of the leaf that a row of a binned table falls into.
    pub fn value_of(&self, data: &Binned, row: usize) -> f64 {
        let tree = &self.tree;
        let mut node = 0i32;
        if tree.feature.is_empty() {
            node = -1;
        }
        while let Ok(inner) = usize::try_from(node) {
            let bin = data.bin(tree.feature[inner] as usize, row);
            let left = if bin == MISSING { tree.default_left[inner] } else { bin <= self.bins[inner] };
            node = if left { tree.left[inner] } else { tree.right[inner] };
        }
        f64::from(tree.leaf[!node as usize])
    }
}

struct Leaf {
    start: usize,
    end: usize,
    total: Cell,
    split: Option<Split>,
    histogram: Option<Histogram>,
    /// The inner node above, and whether this is its left child.
    above: Option<(usize, bool)>,
}

impl Leaf {
    fn len(&self) -> usize {
        self.end - self.start
    }
}

/// Grows trees on one binned table; buffers are kept from tree to tree.
pub(super) struct Grower<'a> {
    data: &'a Binned,
    bins: &'a Bins,
    params: &'a BoostOptions,
    /// Rows, ordered by leaf.
    rows: Vec<u32>,
    aside: Vec<u32>,
    grads: Vec<Grad>,
    /// The derivatives of the rows of the leaves in hand, side by side.
    cells: [Vec<Cell>; 2],
    spare: Vec<Histogram>,
    live: usize,
    most_live: usize,
    leaves: Vec<Leaf>,
}

impl<'a> Grower<'a> {
    pub fn new(data: &'a Binned, bins: &'a Bins, params: &'a BoostOptions) -> Self {
        let bytes = (size_of::<Block>() * data.blocks.len()).max(1);
        Self {
            data,
            bins,
            params,
            rows: Vec::new(),
            aside: vec![0; data.rows],
            grads: vec![Grad::default(); data.rows],
            cells: Default::default(),
            spare: Vec::new(),
            live: 0,
            most_live: HISTOGRAM_BYTES / bytes,
            leaves: Vec::new(),
        }
    }

    /// Keeps at most `room` histograms (tests only; `None` is the default).
    #[cfg(test)]
    pub fn limit(&mut self, room: Option<usize>) {
        self.most_live = room.unwrap_or(self.most_live);
    }

    /// Grows a tree from the derivatives of the loss at each row. `drawn` are the rows it may
    /// see, `columns` says which predictors.
    pub fn grow(&mut self, g: &[f32], h: &[f32], drawn: &[u32], columns: &[bool]) -> Grown {
        let rule = self.round_to_units(g, h, drawn);
        self.rows.clear();
        self.rows.extend_from_slice(drawn);
        self.leaves.clear();
        let total = drawn.iter().fold(Cell::default(), |sum, &r| sum.plus(Cell::of(self.grads[r as usize])));
        self.leaves.push(Leaf {
            start: 0,
            end: drawn.len(),
            total,
            split: None,
            histogram: None,
            above: None,
        });
        if rule.can_split(total) {
            self.search(0, None, None, &rule, columns);
        }

        let mut grown = Grown { tree: Tree::default(), bins: Vec::new(), gains: Vec::new() };
        while self.leaves.len() < self.params.leaves as usize {
            // The first of the best, so that a tie does not depend on anything else.
            let mut next: Option<(usize, Split)> = None;
            for (leaf, split) in self.leaves.iter().enumerate().filter_map(|(i, l)| Some((i, l.split?))) {
                if next.is_none_or(|(_, best)| split.gain > best.gain) {
                    next = Some((leaf, split));
                }
            }
            let Some((leaf, split)) = next else { break };
            let last = self.leaves.len() + 1 == self.params.leaves as usize;
            self.split(leaf, split, last, &rule, columns, &mut grown);
        }
        for leaf in 0..self.leaves.len() {
            let histogram = self.leaves[leaf].histogram.take();
            self.free(histogram);
            let value = rule.leaf_value(self.leaves[leaf].total) * self.params.learning_rate;
            // A tree that found no split says nothing.
            grown.tree.leaf.push(if self.leaves.len() == 1 { 0.0 } else { value as f32 });
        }
        grown
    }

    /// Adds the tree's values to the scores of the rows that it was grown from.
    pub fn add_to(&self, grown: &Grown, scores: &mut [f64]) {
        for (leaf, &value) in self.leaves.iter().zip(&grown.tree.leaf) {
            for &row in &self.rows[leaf.start..leaf.end] {
                scores[row as usize] += f64::from(value);
            }
        }
    }

    /// Fixed point whose unit fits this round's largest derivatives: 28 bits for `g` (its sum
    /// then fits the 53 of `f64`), and for `h` what leaves its sum 39.
    fn round_to_units(&mut self, g: &[f32], h: &[f32], drawn: &[u32]) -> Rule {
        let mut most = [f32::MIN_POSITIVE; 2];
        for (&g, &h) in g.iter().zip(h) {
            most = [most[0].max(g.abs()), most[1].max(h)];
        }
        let g_unit = f64::from(most[0]) / f64::from(1u32 << 28);
        let h_levels = ((1u64 << 39) / drawn.len().max(1) as u64).min(1 << 30);
        let h_unit = f64::from(most[1]) / h_levels as f64;
        let (per_g, per_h) = ((1.0 / g_unit) as f32, (1.0 / h_unit) as f32);
        for ((grad, &g), &h) in self.grads.iter_mut().zip(g).zip(h) {
            *grad = Grad { g: (g * per_g) as i32, h: (h * per_h + 0.5) as u32 };
        }
        Rule::new(g_unit, h_unit, self.params)
    }

    /// Splits a leaf; the right half becomes a new leaf.
    fn split(
        &mut self,
        leaf: usize,
        split: Split,
        last: bool,
        rule: &Rule,
        columns: &[bool],
        grown: &mut Grown,
    ) {
        let new = self.leaves.len();
        let node = grown.tree.feature.len();
        let column = split.column as usize;
        let bounds = &self.bins.bounds[column];
        let tree = &mut grown.tree;
        tree.feature.push(split.column);
        // All known values go left when only the missing ones go right.
        tree.threshold.push(bounds.get(split.bin as usize).copied().unwrap_or(f32::MAX));
        tree.default_left.push(split.missing_left);
        tree.left.push(!(leaf as i32));
        tree.right.push(!(new as i32));
        grown.bins.push(split.bin);
        grown.gains.push((split.column, split.gain));
        if let Some((above, left)) = self.leaves[leaf].above {
            let children = if left { &mut tree.left } else { &mut tree.right };
            children[above] = node as i32;
        }

        let middle = self.partition(leaf, split);
        let parent = &mut self.leaves[leaf];
        let histogram = parent.histogram.take();
        let right = Leaf {
            start: middle,
            end: parent.end,
            total: parent.total.minus(split.left),
            split: None,
            histogram: None,
            above: Some((node, false)),
        };
        parent.end = middle;
        parent.total = split.left;
        parent.split = None;
        parent.above = Some((node, true));
        let (small, large) = if parent.len() <= right.len() { (leaf, new) } else { (new, leaf) };
        self.leaves.push(right);
        if last || !rule.can_split(self.leaves[large].total) && !rule.can_split(self.leaves[small].total) {
            self.free(histogram);
        } else {
            self.search(small, Some(large), histogram, rule, columns);
        }
    }

    /// Orders the rows of a leaf into left and right, each in its old order.
    fn partition(&mut self, leaf: usize, split: Split) -> usize {
        let Leaf { start, end, .. } = self.leaves[leaf];
        let (block, lane) = (&self.data.blocks[split.column as usize / LANES], split.column as usize % LANES);
        let rows = &mut self.rows[start..end];
        let (mut left, mut right) = (0, 0);
        for i in 0..rows.len() {
            let row = rows[i];
            let bin = block[row as usize][lane];
            let goes_left = if bin == MISSING { split.missing_left } else { bin <= split.bin };
            rows[left] = row;
            self.aside[right] = row;
            left += usize::from(goes_left);
            right += usize::from(!goes_left);
        }
        rows[left..].copy_from_slice(&self.aside[..right]);
        start + left
    }

    /// Finds the best splits of a leaf and its larger sibling. The sibling's histogram is its
    /// parent's minus the leaf's, where the parent's is still there.
    fn search(
        &mut self,
        small: usize,
        large: Option<usize>,
        parent: Option<Histogram>,
        rule: &Rule,
        columns: &[bool],
    ) {
        let mut small_histogram = self.take();
        let inherit = parent.is_some();
        let mut large_histogram = parent;
        if large.is_some() && !inherit {
            large_histogram = Some(self.take());
        }
        let min_gain = self.params.min_gain;
        for (cells, leaf) in self.cells.iter_mut().zip([Some(small), large.filter(|_| !inherit)]) {
            cells.clear();
            let rows = leaf.map_or(0..0, |leaf| self.leaves[leaf].start..self.leaves[leaf].end);
            cells.extend(self.rows[rows].iter().map(|&row| Cell::of(self.grads[row as usize])));
        }
        let (data, bins, [small_cells, large_cells]) = (self.data, self.bins, &self.cells);
        let look = |leaf: usize| {
            let leaf = &self.leaves[leaf];
            (&self.rows[leaf.start..leaf.end], leaf.total, rule.can_split(leaf.total))
        };
        let (small_rows, small_total, scan_small) = look(small);
        let large_leaf = large.map(look);

        let pass = |(b, (small, mut large)): (usize, (&mut Block, Option<&mut Block>))| {
            let first = b * LANES;
            let used = &bins.bounds[first..bins.bounds.len().min(first + LANES)];
            let mut best = (None, None);
            if !columns[first..first + used.len()].contains(&true) {
                return best;
            }
            clear(small, used);
            fill(small, &data.blocks[b], small_rows, small_cells);
            if let (Some(large), Some((rows, ..)), false) = (large.as_deref_mut(), large_leaf, inherit) {
                clear(large, used);
                fill(large, &data.blocks[b], rows, large_cells);
            }
            // Lane by lane, while its cells are in the nearest cache.
            for (lane, bounds) in used.iter().enumerate().filter(|(lane, _)| columns[first + lane]) {
                let (column, n) = ((first + lane) as u32, bounds.len() + 1);
                let look = |best, cells: &[Cell; 256], total| {
                    Split::better(best, rule.best(column, cells, n, total, min_gain))
                };
                if let (Some(large), Some((_, total, scan))) = (large.as_deref_mut(), large_leaf) {
                    if inherit {
                        subtract(&mut large[lane], &small[lane], n);
                    }
                    if scan {
                        best.1 = look(best.1, &large[lane], total);
                    }
                }
                if scan_small {
                    best.0 = look(best.0, &small[lane], small_total);
                }
            }
            best
        };
        let steps = small_rows.len() * LANES + 1024 * LANES;
        let blocks = data.blocks.len();
        let at_once = (WORTH_SPLITTING / steps).max(1).min(blocks.max(1));
        let join = |a: (Option<Split>, Option<Split>), b: (Option<Split>, Option<Split>)| {
            (Split::better(a.0, b.0), Split::better(a.1, b.1))
        };
        let small_blocks = small_histogram.as_chunks_mut::<LANES>().0;
        let best = match &mut large_histogram {
            Some(large) => small_blocks
                .par_iter_mut()
                .zip(large.as_chunks_mut::<LANES>().0.par_iter_mut().map(Some))
                .enumerate()
                .with_min_len(at_once)
                .map(pass)
                .reduce(|| (None, None), join),
            None => small_blocks
                .par_iter_mut()
                .map(|block| (block, None))
                .enumerate()
                .with_min_len(at_once)
                .map(pass)
                .reduce(|| (None, None), join),
        };
        self.leaves[small].split = best.0;
        self.keep(small, Some(small_histogram));
        if let Some(large) = large {
            self.leaves[large].split = best.1;
            self.keep(large, large_histogram);
        }
    }

    fn take(&mut self) -> Histogram {
        self.live += 1;
        self.spare.pop().unwrap_or_else(|| vec![[Cell::default(); 256]; LANES * self.data.blocks.len()])
    }

    fn free(&mut self, histogram: Option<Histogram>) {
        if let Some(histogram) = histogram {
            self.live -= 1;
            self.spare.push(histogram);
        }
    }

    /// Keeps the histogram of a leaf that may be split, while there is room.
    fn keep(&mut self, leaf: usize, histogram: Option<Histogram>) {
        if self.leaves[leaf].split.is_some() && self.live <= self.most_live {
            self.leaves[leaf].histogram = histogram;
        } else {
            self.free(histogram);
        }
    }
}

/// Empties the cells that `fill` may touch.
fn clear(block: &mut Block, used: &[Vec<f32>]) {
    for (lane, cells) in block.iter_mut().enumerate() {
        let bins = used.get(lane).map_or(0, Vec::len) + 1;
        cells[..bins].fill(Cell::default());
        cells[MISSING as usize] = Cell::default();
    }
}

fn subtract(from: &mut [Cell; 256], what: &[Cell; 256], bins: usize) {
    for (a, b) in from[..bins].iter_mut().zip(&what[..bins]) {
        *a = a.minus(*b);
    }
    from[MISSING as usize] = from[MISSING as usize].minus(what[MISSING as usize]);
}
