//! The gated recurrent unit over lanes of pixels: the states of a few pixels stay in the first
//! cache for the whole season, and each weight that is read serves all lanes.
//!
//! Against the equations of [`crate::classify::gru`] two things are rearranged, by algebra alone:
//! the series are standardized inside the weights, and with `E = exp(-a)`,
//! `(1 - z) n + z h = (E_z (1 - E_n^2) + h (1 + E_n^2)) / ((1 + E_z) (1 + E_n^2))`
//! needs one division for two activations.

use super::LANES;
use super::front::Front;
use super::lanes::{Lanes, Registers, TileWork};
use crate::classify::ClassifyError;
use crate::classify::gru::{GruWeights, Pooling};
use crate::classify::recipe::Channel;
use crate::cube::{Block, Regularize};

/// Rows of a matrix that lie together.
const PACK: usize = 8;

/// A network made ready for lanes of pixels.
#[derive(Clone, Debug)]
pub struct GruKernel {
    lanes: Lanes,
    pooling: Pooling,
    series: usize,
    /// Update gates, then reset gates; inputs, then states.
    gates: Packed,
    candidate: Packed,
    dense: Packed,
    output: Packed,
    classes: usize,
}

/// Rows in packs of [`PACK`]; each pack is its biases, then its weights column by column. The
/// last is filled up with zeros.
#[derive(Clone, Debug)]
struct Packed {
    columns: usize,
    values: Vec<[f32; PACK]>,
}

impl Packed {
    fn new(
        rows: usize,
        columns: usize,
        bias: impl Fn(usize) -> f32,
        weight: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let mut values = Vec::with_capacity(rows.div_ceil(PACK) * (columns + 1));
        for first in (0..rows).step_by(PACK) {
            let row = |r: usize| Some(first + r).filter(|&row| row < rows);
            values.push(std::array::from_fn(|r| row(r).map_or(0.0, &bias)));
            values.extend(
                (0..columns).map(|c| std::array::from_fn(|r| row(r).map_or(0.0, |row| weight(row, c)))),
            );
        }
        Self { columns, values }
    }

    /// Rows, filled up.
    fn rows(&self) -> usize {
        self.values.len() / (self.columns + 1) * PACK
    }

    /// Bias and products of all rows, `ROWS` at a time, to `sink` with their position.
    #[inline(always)]
    fn products<R: Registers, const ROWS: usize, const PARTS: usize, const L: usize>(
        &self,
        registers: R,
        x: &[[f32; L]],
        mut sink: impl FnMut(usize, &[f32; L]),
    ) {
        const { assert!(PARTS * R::WIDTH == L && PACK.is_multiple_of(ROWS)) };
        for (pack, values) in self.values.chunks_exact(self.columns + 1).enumerate() {
            for part in 0..PACK / ROWS {
                let weights = |w: &[f32; PACK]| w.as_chunks::<ROWS>().0[part];
                let mut sums = weights(&values[0]).map(|bias| [registers.splat(bias); PARTS]);
                for (x, w) in x.iter().zip(&values[1..]) {
                    let x: [R::Register; PARTS] =
                        std::array::from_fn(|p| registers.load(&x[p * R::WIDTH..(p + 1) * R::WIDTH]));
                    let w = weights(w);
                    for r in 0..ROWS {
                        let w = registers.splat(w[r]);
                        for p in 0..PARTS {
                            sums[r][p] = registers.multiply_add(w, x[p], sums[r][p]);
                        }
                    }
                }
                for (r, sum) in sums.iter().enumerate() {
                    let mut lanes = [0.0; L];
                    for (&sum, lanes) in sum.iter().zip(lanes.chunks_exact_mut(R::WIDTH)) {
                        registers.store(sum, lanes);
                    }
                    sink(pack * PACK + part * ROWS + r, &lanes);
                }
            }
        }
    }
}

impl GruKernel {
    /// The kernel of a network whose series are standardized by `mean` and `deviation`.
    pub fn new(weights: &GruWeights, mean: &[f32], deviation: &[f32]) -> Self {
        let (series, hidden) = (mean.len(), weights.hidden);
        let filled = hidden.next_multiple_of(PACK);
        // Row `to` of a gate or candidate that begins at column `from` of the matrices.
        let input = |row: usize, s: usize| weights.input[s * 3 * hidden + row] / deviation[s];
        let bias = |row: usize| {
            let shift = |s: usize| f64::from(input(row, s)) * f64::from(mean[s]);
            (f64::from(weights.bias[row]) - (0..series).map(shift).sum::<f64>()) as f32
        };
        let recurrent = |row: usize, column: usize| {
            if column < series {
                input(row, column)
            } else if column - series < hidden {
                weights.recurrent[(column - series) * 3 * hidden + row]
            } else {
                0.0
            }
        };
        // The states are filled up to whole packs: a gate of the first part ends where the second
        // begins, whatever the number of hidden units.
        let gate = |row: usize| {
            let (part, unit) = (row / filled, row % filled);
            (unit < hidden).then_some(part * hidden + unit)
        };
        let width = weights.pooling.width();
        let read = |column: usize| {
            let (part, unit) = (column / filled, column % filled);
            (unit < hidden).then_some(part * hidden + unit)
        };
        let (d, classes) = (weights.dense_bias.len(), weights.output_bias.len());
        let columns = series + filled;
        Self {
            lanes: Lanes::best(),
            pooling: weights.pooling,
            series,
            gates: Packed::new(
                2 * filled,
                columns,
                |row| gate(row).map_or(0.0, bias),
                |row, c| gate(row).map_or(0.0, |row| recurrent(row, c)),
            ),
            candidate: Packed::new(
                hidden,
                columns,
                |row| bias(2 * hidden + row),
                |row, c| recurrent(2 * hidden + row, c),
            ),
            dense: Packed::new(
                d,
                width * filled,
                |row| weights.dense_bias[row],
                |row, c| read(c).map_or(0.0, |c| weights.dense[c * d + row]),
            ),
            output: Packed::new(
                classes,
                d.next_multiple_of(PACK),
                |row| weights.output_bias[row],
                |row, c| if c < d { weights.output[c * classes + row] } else { 0.0 },
            ),
            classes,
        }
    }

    /// The same network for another instruction set.
    #[cfg(test)]
    pub fn with_lanes(mut self, lanes: Lanes) -> Self {
        self.lanes = lanes;
        self
    }

    /// Class probabilities `[class][pixel]` of series `[series][step][pixel]`; NaN for a pixel
    /// of which a value is missing.
    pub fn predict(&self, series: &[f32], pixels: usize, steps: usize, out: &mut [f32]) {
        let plane = |k: usize| &series[k * pixels..(k + 1) * pixels];
        self.predict_planes(plane, pixels, steps, out);
    }

    /// The same of planes, `series x steps` of them with `pixels` values each.
    pub(super) fn predict_planes<'a>(
        &self,
        plane: impl Fn(usize) -> &'a [f32],
        pixels: usize,
        steps: usize,
        out: &mut [f32],
    ) {
        self.lanes.run_tiles(Work { kernel: self, plane, pixels, steps, out });
    }
}

/// From blocks of reflectance to class probabilities by a network, for one cube.
#[derive(Clone, Debug)]
pub struct BlockGru {
    kernel: GruKernel,
    front: Front,
}

impl BlockGru {
    /// A network over series of `channels`, in this order, for a cube whose dates are `days`.
    pub fn new(kernel: GruKernel, channels: &[Channel], regularize: &Regularize, days: &[f32]) -> Self {
        Self { kernel, front: Front::new(channels, regularize, days) }
    }

    /// Class probabilities `[class][pixel]` of a block, NaN for pixels with too few valid dates
    /// and for those that are not `chosen` (default: all are); only these are computed.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Output`] where `out` has another size, [`ClassifyError::Samples`] where
    /// the block misses a band or has other dates.
    pub fn score(&self, block: &Block, chosen: Option<&[u32]>, out: &mut [f32]) -> Result<(), ClassifyError> {
        let (pixels, classes, steps) = (block.window.len(), self.kernel.classes, self.front.steps());
        if out.len() != classes * pixels {
            return Err(ClassifyError::Output { pixels, classes, found: out.len() });
        }
        out.fill(f32::NAN);
        let mut found = vec![0.0; classes * LANES];
        self.front.chunks(block, chosen, self.kernel.lanes, |planes, start, n| {
            let found = &mut found[..classes * n];
            self.kernel.predict_planes(|k| &planes[k].0[..n], n, steps, found);
            for (class, found) in found.chunks_exact(n).enumerate() {
                for (i, &p) in found.iter().enumerate() {
                    let pixel = chosen.map_or(start + i, |c| c[start + i] as usize);
                    out[class * pixels + pixel] = p;
                }
            }
        })
    }
}

struct Work<'k, 'o, F> {
    kernel: &'k GruKernel,
    plane: F,
    pixels: usize,
    steps: usize,
    out: &'o mut [f32],
}

impl<'a, F: Fn(usize) -> &'a [f32]> TileWork for Work<'_, '_, F> {
    #[inline(always)]
    fn run<R: Registers, const ROWS: usize, const PARTS: usize, const L: usize>(self, registers: R) {
        let Self { kernel, plane, pixels, steps, out } = self;
        let (series, hidden) = (kernel.series, kernel.candidate.rows());
        let zero = [0.0f32; L];
        // Inputs and states side by side, and the same with the states that the gates let pass.
        let mut now = vec![zero; series + hidden];
        let mut passed = vec![zero; series + hidden];
        let mut gates = vec![zero; kernel.gates.rows()];
        let mut total = vec![zero; hidden];
        let mut read = vec![zero; kernel.dense.columns];
        let mut dense = vec![zero; kernel.output.columns];
        let mut scores = vec![zero; kernel.output.rows()];
        for start in (0..pixels).step_by(L) {
            let lanes = L.min(pixels - start);
            let mut missing = [false; L];
            now[series..].fill(zero);
            total.fill(zero);
            for step in 0..steps {
                for s in 0..series {
                    let values = &plane(s * steps + step)[start..start + lanes];
                    now[s][..lanes].copy_from_slice(values);
                    for (missing, v) in missing.iter_mut().zip(&now[s]) {
                        *missing |= !v.is_finite();
                    }
                    passed[s] = now[s];
                }
                kernel.gates.products::<R, ROWS, PARTS, L>(registers, &now, |row, sum| gates[row] = *sum);
                let (update, reset) = gates.split_at(hidden);
                for ((passed, state), reset) in passed[series..].iter_mut().zip(&now[series..]).zip(reset) {
                    for l in 0..L {
                        passed[l] = state[l] / (1.0 + exp::<R>(-reset[l]));
                    }
                }
                let states = &mut now[series..];
                kernel.candidate.products::<R, ROWS, PARTS, L>(registers, &passed, |row, sum| {
                    let (state, update) = (&mut states[row], &update[row]);
                    for l in 0..L {
                        let (z, n) = (exp::<R>(-update[l]), exp::<R>(-2.0 * sum[l]));
                        let above = multiply_add::<R>(z, 1.0 - n, state[l] * (1.0 + n));
                        state[l] = above / ((1.0 + z) * (1.0 + n));
                    }
                });
                if kernel.pooling != Pooling::Last {
                    for (total, state) in total.iter_mut().zip(&now[series..]) {
                        for l in 0..L {
                            total[l] += state[l];
                        }
                    }
                }
            }
            let (last, mean) = match kernel.pooling {
                Pooling::Last => (Some(0), None),
                Pooling::Mean => (None, Some(0)),
                Pooling::LastAndMean => (Some(0), Some(hidden)),
            };
            if let Some(at) = last {
                read[at..at + hidden].copy_from_slice(&now[series..]);
            }
            if let Some(at) = mean {
                for (read, total) in read[at..].iter_mut().zip(&total) {
                    for l in 0..L {
                        read[l] = total[l] / steps as f32;
                    }
                }
            }
            kernel.dense.products::<R, ROWS, PARTS, L>(registers, &read, |row, sum| {
                dense[row] = sum.map(|v| if v > 0.0 { v } else { 0.0 });
            });
            kernel.output.products::<R, ROWS, PARTS, L>(registers, &dense, |row, sum| scores[row] = *sum);
            softmax::<R, L>(&mut scores[..kernel.classes]);
            for (class, p) in scores[..kernel.classes].iter().enumerate() {
                for l in 0..lanes {
                    out[class * pixels + start + l] = if missing[l] { f32::NAN } else { p[l] };
                }
            }
        }
    }
}

#[inline(always)]
fn multiply_add<R: Registers>(a: f32, b: f32, c: f32) -> f32 {
    if R::FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// `exp(x)` within 2e-7 of its value for x in -40 to 40; what lies beyond counts as the end.
#[inline(always)]
fn exp<R: Registers>(x: f32) -> f32 {
    // 1.5 * 2^23: adding it rounds to an integer, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x > -40.0 { x } else { -40.0 };
    let x = if x < 40.0 { x } else { 40.0 };
    let rounded = multiply_add::<R>(x, std::f32::consts::LOG2_E, ROUND);
    let whole = rounded - ROUND;
    // ln 2 in two parts: the first has few digits, so that its product is exact.
    let f = multiply_add::<R>(whole, -1.428_606_8e-6, multiply_add::<R>(whole, -0.693_145_75, x));
    let mut p = 1.0 / 720.0;
    for c in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = multiply_add::<R>(p, f, c);
    }
    f32::from_bits(p.to_bits().wrapping_add(rounded.to_bits() << 23))
}

#[inline(always)]
fn softmax<R: Registers, const L: usize>(scores: &mut [[f32; L]]) {
    let (mut top, mut sum) = ([f32::NEG_INFINITY; L], [0.0f32; L]);
    for score in &*scores {
        for l in 0..L {
            top[l] = if score[l] > top[l] { score[l] } else { top[l] };
        }
    }
    for score in &mut *scores {
        for l in 0..L {
            score[l] = exp::<R>(score[l] - top[l]);
            sum[l] += score[l];
        }
    }
    for score in scores {
        for l in 0..L {
            score[l] /= sum[l];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::kernel::Portable;
    use super::*;
    use crate::classify::gru::GruParams;

    /// The equations of [`crate::classify::gru`] as they stand there, in `f64`.
    fn plain(w: &GruWeights, x: &[Vec<f64>]) -> Vec<f64> {
        let (h, logistic) = (w.hidden, |a: f64| 1.0 / (1.0 + (-a).exp()));
        let sum = |matrix: &[f32], from: &[f64], to: usize, columns: usize| -> f64 {
            from.iter().enumerate().map(|(i, v)| v * f64::from(matrix[i * columns + to])).sum()
        };
        let (mut state, mut mean) = (vec![0.0; h], vec![0.0; h]);
        for x in x {
            let input = |k: usize| sum(&w.input, x, k, 3 * h) + f64::from(w.bias[k]);
            let gate = |k: usize| logistic(input(k) + sum(&w.recurrent, &state, k, 3 * h));
            let passed: Vec<f64> = (0..h).map(|k| gate(h + k) * state[k]).collect();
            let new = |k: usize| (input(2 * h + k) + sum(&w.recurrent, &passed, 2 * h + k, 3 * h)).tanh();
            state = (0..h).map(|k| (1.0 - gate(k)) * new(k) + gate(k) * state[k]).collect();
            for (m, s) in mean.iter_mut().zip(&state) {
                *m += s;
            }
        }
        for m in &mut mean {
            *m /= x.len() as f64;
        }
        let read = match w.pooling {
            Pooling::Last => state,
            Pooling::Mean => mean,
            Pooling::LastAndMean => [state, mean].concat(),
        };
        let (d, classes) = (w.dense_bias.len(), w.output_bias.len());
        let dense: Vec<f64> =
            (0..d).map(|k| (sum(&w.dense, &read, k, d) + f64::from(w.dense_bias[k])).max(0.0)).collect();
        let scores: Vec<f64> = (0..classes)
            .map(|k| (sum(&w.output, &dense, k, classes) + f64::from(w.output_bias[k])).exp())
            .collect();
        scores.iter().map(|s| s / scores.iter().sum::<f64>()).collect()
    }

    #[test]
    fn every_version_computes_the_equations_and_missing_pixels_have_no_answer() {
        let (series, classes, steps, pixels) = (3, 3, 4, 37);
        for (pooling, hidden) in [(Pooling::Last, 8), (Pooling::Mean, 11), (Pooling::LastAndMean, 5)] {
            let params = GruParams { hidden, dense: 6, pooling, ..GruParams::default() };
            let weights = GruWeights::draw(series, classes, &params, 7);
            let value = |k: usize| ((k * 37 % 101) as f32 - 50.0) / 20.0;
            let mut values: Vec<f32> = (0..series * steps * pixels).map(value).collect();
            let (mean, deviation) = ([0.1, -0.4, 0.7], [0.5, 1.5, 0.9]);
            let expected: Vec<Vec<f64>> = (0..pixels)
                .map(|p| {
                    let at = |s: usize, t: usize| values[(s * steps + t) * pixels + p] - mean[s];
                    let step = |t| (0..series).map(|s| f64::from(at(s, t) / deviation[s])).collect();
                    plain(&weights, &(0..steps).map(step).collect::<Vec<_>>())
                })
                .collect();
            values[5 * pixels + 20] = f32::NAN;
            for lanes in Lanes::available() {
                let kernel = GruKernel::new(&weights, &mean, &deviation).with_lanes(lanes);
                let mut out = vec![0.0; classes * pixels];
                kernel.predict(&values, pixels, steps, &mut out);
                for (k, p) in out.iter().enumerate() {
                    let (class, pixel) = (k / pixels, k % pixels);
                    let near = (f64::from(*p) - expected[pixel][class]).abs() < 2e-6;
                    assert!(if pixel == 20 { p.is_nan() } else { near }, "{} {pooling:?} {k}", lanes.name());
                }
            }
        }
    }

    #[test]
    fn the_exponential_is_within_2e_7_of_itself() {
        // Under Miri every hundredth would take minutes.
        for i in (-4000..=4000).step_by(if cfg!(miri) { 97 } else { 1 }) {
            let x = i as f32 / 100.0;
            let expected = f64::from(x).exp();
            let found = exp::<Portable>(x);
            assert!((f64::from(found) / expected - 1.0).abs() < 2.5e-7, "exp({x}) = {found}");
        }
        assert!(exp::<Portable>(-1e9) < 1e-17 && exp::<Portable>(1e9) > 1e17);
    }
}
