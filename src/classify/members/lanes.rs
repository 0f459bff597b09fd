//! What the lane-wise members share: products with rows packed in fours, and a fast
//! exponential.

#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the wide registers")]

use serde::{Deserialize, Serialize};

use crate::classify::fused::{LaneWork, dispatch};

/// Pixels worked on at once.
pub(in crate::classify) const LANES: usize = 16;

/// One value of each of [`LANES`] pixels.
pub(in crate::classify) type Lane = [f32; LANES];

/// Rows that are multiplied together, to read each column of the pixels once for all of them.
pub(super) const ROWS: usize = 4;

/// A matrix, packed `[block of four rows][column][row of the block]`; the last block is filled
/// up with zeros.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Packed {
    columns: usize,
    values: Vec<f32>,
}

impl Packed {
    pub fn new(rows: &[Vec<f32>]) -> Self {
        let columns = rows.first().map_or(0, Vec::len);
        let value = |row: usize, column: usize| rows.get(row).map_or(0.0, |r| r[column]);
        let blocks = 0..rows.len().div_ceil(ROWS);
        let values = blocks
            .flat_map(|b| (0..columns).flat_map(move |c| (0..ROWS).map(move |r| (b * ROWS + r, c))))
            .map(|(row, column)| value(row, column))
            .collect();
        Self { columns, values }
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Whether it has this many columns and, filled up, this many rows.
    pub fn fits(&self, columns: usize, filled_rows: usize) -> bool {
        // What a file says of its sizes may be anything.
        columns > 0 && self.columns == columns && columns.checked_mul(filled_rows) == Some(self.values.len())
    }

    /// The blocks, each `[column][row of the block]`.
    #[inline(always)]
    pub fn blocks(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.columns * ROWS)
    }
}

/// Products of the pixels with the four rows of a block.
#[inline(always)]
pub(super) fn products(x: &[Lane], block: &[f32]) -> [Lane; ROWS] {
    let mut sums = [[0.0; LANES]; ROWS];
    for (x, weights) in x.iter().zip(block.chunks_exact(ROWS)) {
        for (sum, &weight) in sums.iter_mut().zip(weights) {
            for l in 0..LANES {
                sum[l] += x[l] * weight;
            }
        }
    }
    sums
}

/// `exp(x)` for x in -87 to 88, within 3e-7 of the value near 0 and 4e-6 at the ends; smaller
/// numbers count as -87.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // 1.5 * 2^23: adding it rounds to an integer, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let t = (if x > -87.0 { x } else { -87.0 }) * std::f32::consts::LOG2_E;
    let rounded = t + ROUND;
    let f = t - (rounded - ROUND);
    // 2^f for f in -1/2 to 1/2: Taylor series of exp(f ln 2).
    let mut p = 1.540_353e-4;
    p = p * f + 1.333_355_8e-3;
    p = p * f + 9.618_129e-3;
    p = p * f + 5.550_411e-2;
    p = p * f + 0.240_226_5;
    p = p * f + std::f32::consts::LN_2;
    p = p * f + 1.0;
    f32::from_bits(p.to_bits().wrapping_add(rounded.to_bits() << 23))
}

/// Scores to probabilities, in place: `exp(s_k) / sum exp(s_j)`.
#[inline(always)]
pub(super) fn softmax(scores: &mut [Lane]) {
    let mut top = [f32::NEG_INFINITY; LANES];
    for score in &*scores {
        for l in 0..LANES {
            top[l] = if score[l] > top[l] { score[l] } else { top[l] };
        }
    }
    let mut sum = [0.0; LANES];
    for score in &mut *scores {
        for l in 0..LANES {
            score[l] = exp(score[l] - top[l]);
            sum[l] += score[l];
        }
    }
    for score in scores {
        for l in 0..LANES {
            score[l] /= sum[l];
        }
    }
}

/// A model that answers for [`LANES`] pixels at a time.
pub(in crate::classify) trait LaneModel {
    /// Memory that is made once and used for all lanes.
    type Scratch;

    fn scratch(&self) -> Self::Scratch;

    /// Probabilities of each class. Implementations carry `#[inline(always)]`.
    fn lanes(&self, x: &[Lane], scratch: &mut Self::Scratch, out: &mut [Lane]);
}

/// Runs a model over predictors `[column][pixel]`, without missing values, to probabilities
/// `[class][pixel]`.
pub(in crate::classify) fn predict<M: LaneModel>(model: &M, columns: &[f32], pixels: usize, out: &mut [f32]) {
    if pixels > 0 {
        dispatch(Work { model, columns, pixels, out });
    }
}

struct Work<'a, M> {
    model: &'a M,
    columns: &'a [f32],
    pixels: usize,
    out: &'a mut [f32],
}

impl<M: LaneModel> LaneWork for Work<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { model, columns, pixels, out } = self;
        let mut x = vec![[0.0; LANES]; columns.len() / pixels];
        let mut answer = vec![[0.0; LANES]; out.len() / pixels];
        let mut scratch = model.scratch();
        for start in (0..pixels).step_by(LANES) {
            let lanes = LANES.min(pixels - start);
            for (x, column) in x.iter_mut().zip(columns.chunks_exact(pixels)) {
                x.fill(column[start]);
                x[..lanes].copy_from_slice(&column[start..start + lanes]);
            }
            model.lanes(&x, &mut scratch, &mut answer);
            for (out, answer) in out.chunks_exact_mut(pixels).zip(&answer) {
                out[start..start + lanes].copy_from_slice(&answer[..lanes]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_exponential_is_within_a_few_units_of_the_last_place() {
        for i in -8700..=100 {
            let x = i as f32 / 100.0;
            let (found, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((found / expected - 1.0).abs() < 6e-6, "exp({x}) = {found}, not {expected}");
        }
        assert!(exp(-1e9) < 1e-37);
    }

    #[test]
    fn packed_products_equal_plain_ones() {
        let rows: Vec<Vec<f32>> = (0..6).map(|r| (0..3).map(|c| (r * 3 + c) as f32).collect()).collect();
        let packed = Packed::new(&rows);
        let x: Vec<Lane> = (0..3).map(|c| std::array::from_fn(|l| (c + l) as f32)).collect();
        let found: Vec<Lane> = packed.blocks().flat_map(|b| products(&x, b)).collect();
        assert_eq!(found.len(), 8);
        for (row, found) in rows.iter().zip(&found) {
            for l in 0..LANES {
                let expected: f32 = row.iter().zip(&x).map(|(w, x)| w * x[l]).sum();
                assert_eq!(found[l], expected);
            }
        }
    }
}
