//! Histograms of gradients in fixed point, and the best split of one.

use super::USUAL_LEAF;
use super::bins::{LANES, MISSING};

/// Bits of a cell's packed word that count rows; the rest sums second derivatives.
const COUNT_BITS: u32 = 24;

/// Most rows that a training table may have.
pub(super) const MOST_ROWS: usize = (1 << COUNT_BITS) - 1;

/// The rounded first and second derivative of one row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Grad {
    pub g: i32,
    pub h: u32,
}

/// Sums over rows: first derivatives, and second derivatives packed above the row count.
/// One addition of 16 bytes does all three.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cell {
    g: i64,
    hn: u64,
}

impl Cell {
    #[inline]
    pub fn of(grad: Grad) -> Self {
        Self { g: i64::from(grad.g), hn: (u64::from(grad.h) << COUNT_BITS) | 1 }
    }

    #[inline]
    pub fn plus(self, other: Self) -> Self {
        Self { g: self.g.wrapping_add(other.g), hn: self.hn.wrapping_add(other.hn) }
    }

    #[inline]
    pub fn minus(self, other: Self) -> Self {
        Self { g: self.g.wrapping_sub(other.g), hn: self.hn.wrapping_sub(other.hn) }
    }

    #[inline]
    pub fn count(self) -> usize {
        (self.hn & MOST_ROWS as u64) as usize
    }

    #[inline]
    fn h(self) -> i64 {
        (self.hn >> COUNT_BITS) as i64
    }
}

/// The histograms of [`LANES`] columns.
pub(super) type Block = [[Cell; 256]; LANES];

/// Adds rows, whose cells lie beside them, to the histograms of a block.
pub(super) fn fill(block: &mut Block, bins: &[[u8; LANES]], rows: &[u32], cells: &[Cell]) {
    for (&row, &cell) in rows.iter().zip(cells) {
        for (lane, &bin) in block.iter_mut().zip(&bins[row as usize]) {
            let sum = &mut lane[bin as usize];
            *sum = sum.plus(cell);
        }
    }
}

/// From the integers of cells to derivatives, and what a split must satisfy in their units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Value of one unit of `g` and of `h`.
    pub g_unit: f64,
    pub h_unit: f64,
    /// Penalties in those units.
    l1: f64,
    l2: f64,
    min_h: i64,
    min_count: usize,
}

/// A split of a leaf's rows: bins up to `bin` go left, missing values where `missing_left` says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    pub column: u32,
    pub bin: u8,
    pub missing_left: bool,
    /// Loss reduction, in units of the loss.
    pub gain: f64,
    pub left: Cell,
}

impl Split {
    /// The better of two; the lower column wins a tie, whatever the order of arrival.
    pub fn better(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(x), Some(y)) => {
                let second = y.gain > x.gain || (y.gain == x.gain && y.column < x.column);
                Some(if second { y } else { x })
            }
            (x, y) => x.or(y),
        }
    }
}

impl Rule {
    pub fn new(g_unit: f64, h_unit: f64, params: &super::BoostOptions) -> Self {
        Self {
            g_unit,
            h_unit,
            l1: params.l1 / g_unit,
            // A thousandth of a unit keeps an empty sum of second derivatives off zero.
            l2: params.l2 / h_unit + 1e-3,
            min_h: (params.min_hessian / h_unit).ceil() as i64,
            min_count: params.min_leaf.map_or(USUAL_LEAF, |n| n as usize),
        }
    }

    /// Whether the leaf has rows enough for two.
    pub fn can_split(&self, total: Cell) -> bool {
        total.count() >= 2 * self.min_count && total.h() >= 2 * self.min_h
    }

    fn allows(&self, cell: Cell) -> bool {
        cell.count() >= self.min_count && cell.h() >= self.min_h
    }

    #[inline]
    fn shrunk(&self, g: f64) -> f64 {
        if self.l1 == 0.0 { g } else { g.signum() * (g.abs() - self.l1).max(0.0) }
    }

    /// The value that minimizes the loss of a leaf.
    pub fn leaf_value(&self, total: Cell) -> f64 {
        let ratio = -self.shrunk(total.g as f64) / (total.h() as f64 + self.l2);
        ratio * (self.g_unit / self.h_unit)
    }

    /// The best split of one column: `cells` are its `bins` bins, and the cell of the missing.
    pub fn best(
        &self,
        column: u32,
        cells: &[Cell; 256],
        bins: usize,
        total: Cell,
        min_gain: f64,
    ) -> Option<Split> {
        let missing = cells[MISSING as usize];
        let unit = self.g_unit * self.g_unit / self.h_unit;
        let parent = self.shrunk(total.g as f64).powi(2) / (total.h() as f64 + self.l2);
        // What the two halves must reach together.
        let mut best = parent + min_gain / unit;
        let mut found = None;
        if missing.hn == 0 {
            self.scan(&cells[..bins - 1], Cell::default(), total, &mut best, |bin, left| {
                found = Some((bin, 2 * left.count() >= total.count(), left));
            });
        } else {
            self.scan(&cells[..bins], Cell::default(), total, &mut best, |bin, left| {
                found = Some((bin, false, left));
            });
            self.scan(&cells[..bins - 1], missing, total, &mut best, |bin, left| {
                found = Some((bin, true, left));
            });
        }
        found.map(|(bin, missing_left, left)| Split {
            column,
            bin: bin as u8,
            missing_left,
            gain: (best - parent) * unit,
            left,
        })
    }

    /// Tries each bin as the last of the left half, which starts with `left`.
    #[inline]
    fn scan(
        &self,
        cells: &[Cell],
        mut left: Cell,
        total: Cell,
        best: &mut f64,
        mut found: impl FnMut(usize, Cell),
    ) {
        // Sums stay below 2^53, so that differences are exact in `f64` too.
        let (g, h) = (total.g as f64, total.h() as f64 + 2.0 * self.l2);
        for (bin, &cell) in cells.iter().enumerate() {
            if cell.hn == 0 {
                continue;
            }
            left = left.plus(cell);
            if !self.allows(left) {
                continue;
            }
            let right = total.minus(left);
            if !self.allows(right) {
                break;
            }
            let (gl, hl) = (left.g as f64, left.h() as f64 + self.l2);
            let (gl, gr, hr) = (self.shrunk(gl), self.shrunk(g - gl), h - hl);
            // gl^2/hl + gr^2/hr, with the one division left for when it is better.
            let (numerator, denominator) = (gl * gl * hr + gr * gr * hl, hl * hr);
            if numerator > *best * denominator {
                let score = numerator / denominator;
                if score > *best {
                    *best = score;
                    found(bin, left);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::boost::BoostOptions;

    fn rule(options: &BoostOptions) -> Rule {
        Rule::new(1e-3, 1e-3, options)
    }

    fn cell(g: i64, h: u64, count: u64) -> Cell {
        Cell { g, hn: (h << COUNT_BITS) | count }
    }

    #[test]
    fn the_best_split_separates_the_signs() {
        let options = BoostOptions { min_leaf: Some(1), ..BoostOptions::default() };
        let mut cells = [Cell::default(); 256];
        cells[0] = cell(-4000, 1000, 4);
        cells[3] = cell(-2000, 500, 2);
        cells[5] = cell(6000, 1500, 6);
        let total = cells[0].plus(cells[3]).plus(cells[5]);
        let split = rule(&options).best(7, &cells, 8, total, 0.0).unwrap();
        assert_eq!((split.column, split.bin, split.left.count()), (7, 3, 6));
        // 6^2/1.5 + 6^2/1.5 - 0
        assert!((split.gain - 48.0).abs() < 1e-3, "{}", split.gain);
        assert!((rule(&options).leaf_value(split.left) - 4.0).abs() < 1e-4);
    }

    #[test]
    fn missing_values_go_to_the_side_that_gains() {
        let options = BoostOptions { min_leaf: Some(1), ..BoostOptions::default() };
        for missing_left in [true, false] {
            let mut cells = [Cell::default(); 256];
            cells[0] = cell(-4000, 1000, 4);
            cells[1] = cell(4000, 1000, 4);
            cells[255] = cell(if missing_left { -2000 } else { 2000 }, 500, 2);
            let total = cells[0].plus(cells[1]).plus(cells[255]);
            let split = rule(&options).best(0, &cells, 2, total, 0.0).unwrap();
            assert_eq!((split.bin, split.missing_left), (0, missing_left));
        }
    }

    #[test]
    fn missing_values_alone_can_be_split_off() {
        let options = BoostOptions { min_leaf: Some(1), ..BoostOptions::default() };
        let mut cells = [Cell::default(); 256];
        cells[0] = cell(-4000, 1000, 4);
        cells[1] = cell(-4000, 1000, 4);
        cells[255] = cell(4000, 1000, 4);
        let total = cells[0].plus(cells[1]).plus(cells[255]);
        let split = rule(&options).best(0, &cells, 2, total, 0.0).unwrap();
        assert_eq!((split.bin, split.missing_left, split.left.count()), (1, false, 8));
    }

    #[test]
    fn small_leaves_and_small_gains_are_refused() {
        let options = BoostOptions { min_leaf: Some(5), ..BoostOptions::default() };
        let mut cells = [Cell::default(); 256];
        cells[0] = cell(-4000, 1000, 4);
        cells[1] = cell(4000, 1000, 8);
        let total = cells[0].plus(cells[1]);
        assert!(rule(&options).best(0, &cells, 2, total, 0.0).is_none());
        let options = BoostOptions { min_leaf: Some(4), ..options };
        assert!(rule(&options).best(0, &cells, 2, total, 0.0).is_some());
        assert!(rule(&options).best(0, &cells, 2, total, 32.1).is_none());
    }
}
