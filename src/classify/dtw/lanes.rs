//! Dynamic time warping of many pixels against one curve at a time, pixels in lanes: the
//! matrix is filled row by row for [`LANES`] pixels at once.
//!
//! A curve is skipped where a lower bound of its distance (first and last values as in
//! `LB_Kim`, the others as in `LB_Keogh`) already exceeds what can still matter for every lane,
//! and given up at the row of the matrix where that becomes clear. Neither changes an answer.

#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the wide registers")]

use super::Curve;
use crate::classify::SeriesBlock;
use crate::classify::fused::LaneWork;

/// Pixels worked on at once: one AVX-512 register, two of AVX2.
const LANES: usize = 16;

type Lane = [f32; LANES];

/// Which distances are worth finding.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limits {
    /// All.
    None,
    /// Those up to `reach` beyond the nearest class, the class of the largest distance `max`
    /// included. Others may come back as infinite.
    Within { reach: f32, max: Option<f32> },
}

/// Finds the distance of every pixel to the nearest curve of each class, `[class][pixel]`.
pub(super) struct Nearest<'a> {
    pub series: &'a SeriesBlock<'a>,
    pub classes: usize,
    pub curves: &'a [Curve],
    pub band: usize,
    pub limits: Limits,
    pub out: &'a mut [f32],
}

/// The largest and smallest value of a curve within the band around each step.
struct Envelope {
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Envelope {
    fn new(curve: &[f32], steps: usize, band: usize) -> Self {
        let around = |i: usize, values: &[f32]| {
            let near = &values[i.saturating_sub(band)..=(i + band).min(steps - 1)];
            near.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)))
        };
        let pairs = curve.chunks_exact(steps).flat_map(|values| {
            (0..steps).map(
                move |i| if i == 0 || i + 1 == steps { (values[i], values[i]) } else { around(i, values) },
            )
        });
        let (low, high) = pairs.unzip();
        Self { low, high }
    }
}

impl LaneWork for Nearest<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { series, classes, curves, band, limits, out } = self;
        let (steps, pixels) = (series.steps, series.pixels);
        let envelopes: Vec<_> = curves.iter().map(|c| Envelope::new(&c.values, steps, band)).collect();
        let mut x = vec![[f32::NAN; LANES]; series.series * steps];
        let mut row = vec![[f32::INFINITY; LANES]; steps + 1];
        let mut bounds = vec![([0.0; LANES], 0.0f32, 0usize); curves.len()];
        let mut best = vec![[f32::INFINITY; LANES]; classes];
        for start in (0..pixels).step_by(LANES) {
            let lanes = LANES.min(pixels - start);
            for (lane, plane) in x.iter_mut().zip(series.values.chunks_exact(pixels)) {
                // The last group repeats its first pixel, so that idle lanes never delay giving up.
                let first = plane[start];
                lane.fill(first);
                lane[..lanes].copy_from_slice(&plane[start..start + lanes]);
            }
            let scale = scales(&x);
            // The nearest class so far, and one temperature, in the unscaled squares of each lane.
            let (mut nearest, mut reach) = ([f32::INFINITY; LANES], [f32::INFINITY; LANES]);
            if let Limits::Within { reach: distance, max } = limits {
                for l in 0..LANES {
                    reach[l] = distance / scale[l].sqrt();
                    nearest[l] = max.map_or(f32::INFINITY, |max| max * max / scale[l]);
                }
            }
            for (k, (bound, envelope)) in bounds.iter_mut().zip(&envelopes).enumerate() {
                let squares = lower_bound(&x, envelope);
                *bound = (squares, squares.iter().sum(), k);
            }
            bounds.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.2.cmp(&b.2)));
            best.fill([f32::INFINITY; LANES]);
            for (bound, _, k) in &bounds {
                let curve = &curves[*k];
                let mut limit = best[curve.class];
                for l in 0..LANES {
                    let beyond = nearest[l].sqrt() + reach[l];
                    limit[l] = least(limit[l], beyond * beyond);
                }
                if all_reach(bound, &limit) {
                    continue;
                }
                let found = if series.series == 1 {
                    warp::<true>(&x, &curve.values, steps, band, &limit, &mut row)
                } else {
                    warp::<false>(&x, &curve.values, steps, band, &limit, &mut row)
                };
                for l in 0..LANES {
                    best[curve.class][l] = least(found[l], best[curve.class][l]);
                    nearest[l] = least(found[l], nearest[l]);
                }
            }
            for (class, best) in best.iter().enumerate() {
                let out = &mut out[class * pixels + start..][..lanes];
                for (out, (best, scale)) in out.iter_mut().zip(best.iter().zip(&scale)) {
                    *out = (best * scale).sqrt();
                }
            }
        }
    }
}

/// Squared distances of the lanes to one curve; infinite where given up.
#[inline(always)]
fn warp<const ONE: bool>(
    x: &[Lane],
    curve: &[f32],
    steps: usize,
    band: usize,
    limit: &Lane,
    row: &mut [Lane],
) -> Lane {
    row.fill([f32::INFINITY; LANES]);
    // row[j + 1] holds the cost of the path that ends at step j of the curve.
    row[0] = [0.0; LANES];
    for i in 0..steps {
        let (first, last) = (i.saturating_sub(band), (i + band).min(steps - 1));
        let mut across = row[first];
        row[first] = [f32::INFINITY; LANES];
        let mut left = [f32::INFINITY; LANES];
        let mut smallest = [f32::INFINITY; LANES];
        let own = x[i];
        let cells = &mut row[first + 1..last + 2];
        for (cell, j) in cells.iter_mut().zip(first..) {
            let mut cost = [0.0; LANES];
            if ONE {
                let c = curve[j];
                for l in 0..LANES {
                    let d = own[l] - c;
                    cost[l] = present(d * d);
                }
            } else {
                for (x, c) in x.chunks_exact(steps).zip(curve.chunks_exact(steps)) {
                    for l in 0..LANES {
                        let d = x[i][l] - c[j];
                        cost[l] += present(d * d);
                    }
                }
            }
            for l in 0..LANES {
                let up = cell[l];
                left[l] = least(least(across[l], up), left[l]) + cost[l];
                across[l] = up;
                cell[l] = left[l];
                smallest[l] = least(smallest[l], left[l]);
            }
        }
        if all_reach(&smallest, limit) {
            return [f32::INFINITY; LANES];
        }
    }
    row[steps]
}

/// What every path costs at least: each value against the envelope of the curve.
#[inline(always)]
fn lower_bound(x: &[Lane], envelope: &Envelope) -> Lane {
    let mut sum = [0.0; LANES];
    for (x, (&low, &high)) in x.iter().zip(envelope.low.iter().zip(&envelope.high)) {
        for l in 0..LANES {
            let above = present(x[l] - high);
            let below = present(low - x[l]);
            sum[l] += above * above + below * below;
        }
    }
    sum
}

/// Values over values present, of each lane.
#[inline(always)]
fn scales(x: &[Lane]) -> Lane {
    let mut present = [0.0f32; LANES];
    for x in x {
        for l in 0..LANES {
            present[l] += if x[l].is_nan() { 0.0 } else { 1.0 };
        }
    }
    present.map(|n| x.len() as f32 / if n > 1.0 { n } else { 1.0 })
}

#[inline(always)]
fn all_reach(a: &Lane, limit: &Lane) -> bool {
    let mut below = 0u32;
    for l in 0..LANES {
        below |= u32::from(a[l] < limit[l]);
    }
    below == 0
}

/// The value, or 0 where it is negative or missing.
#[inline(always)]
fn present(d: f32) -> f32 {
    if d > 0.0 { d } else { 0.0 }
}

/// The smaller of two numbers; one instruction, unlike `f32::min`.
#[inline(always)]
fn least(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}
