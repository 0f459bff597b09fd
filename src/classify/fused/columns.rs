//! Predictors over lanes: the same numbers as [`PredictorSet::compute`], up to rounding in `f32`.

use super::kernel::Lane;
use super::scorer::Columns;
use crate::predictors::{Predictor, PredictorSet};

/// Lanes whose sums stay in registers.
const TILE: usize = 64;

/// A predictor as arithmetic on planes.
#[derive(Clone, Debug)]
pub(super) enum LanePredictor {
    /// Sum of weight x value from plane `first` on.
    Linear { first: usize, weights: Vec<f32>, total: f32 },
    /// Standard deviation of `count` planes.
    Deviation { first: usize, count: usize },
    /// Smallest of `count` planes.
    Minimum { first: usize, count: usize },
    /// Largest of `count` planes.
    Maximum { first: usize, count: usize },
    /// Length of the vector of two linear maps; the first one's weights add up to `total`.
    Amplitude { first: usize, weights: Vec<[f32; 2]>, total: f32 },
    /// Its angle.
    Phase { first: usize, weights: Vec<[f32; 2]>, total: f32 },
}

impl LanePredictor {
    /// The columns `used` of a set.
    pub fn compile(set: &PredictorSet, used: &[u32]) -> Vec<Self> {
        used.iter()
            .map(|&column| {
                let (series, predictor) = set.columns[column as usize];
                Self::new(series * set.steps, set.steps, predictor)
            })
            .collect()
    }

    fn new(first: usize, steps: usize, predictor: Predictor) -> Self {
        let wave = |k: usize| {
            (1..=steps).map(move |n| {
                let (sin, cos) = (std::f64::consts::TAU * (k * n % steps) as f64 / steps as f64).sin_cos();
                [cos, sin].map(|w| (2.0 / steps as f64 * w) as f32)
            })
        };
        // Harmonics that are multiples of N see the constant; all others do not.
        let constant = |k: usize| if k.is_multiple_of(steps) { 2.0 } else { 0.0 };
        let linear = |first: usize, weights: Vec<f32>, total: f32| Self::Linear { first, weights, total };
        match predictor {
            Predictor::Value { step } => linear(first + step, vec![1.0], 1.0),
            Predictor::Mean(i) => {
                let count = i.end - i.start + 1;
                linear(first + i.start, vec![1.0 / count as f32; count], 1.0)
            }
            Predictor::Deviation(i) => Self::Deviation { first: first + i.start, count: i.end - i.start + 1 },
            Predictor::Minimum(i) => Self::Minimum { first: first + i.start, count: i.end - i.start + 1 },
            Predictor::Maximum(i) => Self::Maximum { first: first + i.start, count: i.end - i.start + 1 },
            Predictor::Slope(i) => {
                let middle = (i.end - i.start) as f64 / 2.0;
                let t = (i.start..=i.end).map(|n| (n - i.start) as f64 - middle);
                let below: f64 = t.clone().map(|t| t * t).sum();
                linear(first + i.start, t.map(|t| (t / below) as f32).collect(), 0.0)
            }
            Predictor::Cosine { k } => linear(first, wave(k).map(|w| w[0]).collect(), constant(k)),
            Predictor::Sine { k } => linear(first, wave(k).map(|w| w[1]).collect(), 0.0),
            Predictor::Amplitude { k: 0 } => linear(first, vec![1.0 / steps as f32; steps], 1.0),
            Predictor::Amplitude { k } => {
                Self::Amplitude { first, weights: wave(k).collect(), total: constant(k) }
            }
            Predictor::Phase { k } => Self::Phase { first, weights: wave(k).collect(), total: constant(k) },
        }
    }
}

/// Columns computed from planes `[series x step]` when they are asked for.
pub(super) struct Computed<'a> {
    pub predictors: &'a [LanePredictor],
    pub planes: &'a [Lane<f32>],
}

impl<'a> Columns for Computed<'a> {
    #[inline(always)]
    fn column(&mut self, column: usize, out: &mut Lane<f32>) {
        for tile in 0..out.0.len() / TILE {
            let here = |plane: &'a Lane<f32>| -> &'a [f32; TILE] { &plane.0.as_chunks().0[tile] };
            let out: &mut [f32; TILE] = &mut out.0.as_chunks_mut().0[tile];
            match &self.predictors[column] {
                LanePredictor::Linear { first, weights, total } => {
                    let planes = &self.planes[*first..][..weights.len()];
                    // Differences from the first value: large offsets cost no digits.
                    let origin = here(&planes[0]);
                    *out = origin.map(|v| v * total);
                    for (plane, weight) in planes[1..].iter().zip(&weights[1..]) {
                        for ((sum, v), o) in out.iter_mut().zip(here(plane)).zip(origin) {
                            *sum += weight * (v - o);
                        }
                    }
                }
                LanePredictor::Deviation { first, count } => {
                    let planes = &self.planes[*first..][..*count];
                    let origin = here(&planes[0]);
                    let mut mean = [0.0; TILE];
                    for plane in planes {
                        for ((sum, v), o) in mean.iter_mut().zip(here(plane)).zip(origin) {
                            *sum += v - o;
                        }
                    }
                    let share = 1.0 / *count as f32;
                    for mean in &mut mean {
                        *mean *= share;
                    }
                    *out = [0.0; TILE];
                    for plane in planes {
                        for (((sum, v), o), m) in out.iter_mut().zip(here(plane)).zip(origin).zip(&mean) {
                            let apart = (v - o) - m;
                            *sum += apart * apart;
                        }
                    }
                    let divisor = 1.0 / (*count - 1).max(1) as f32;
                    for value in out {
                        *value = (*value * divisor).sqrt();
                    }
                }
                LanePredictor::Minimum { first, count } => {
                    let planes = &self.planes[*first..][..*count];
                    out.copy_from_slice(here(&planes[0]));
                    for plane in &planes[1..] {
                        for (best, &v) in out.iter_mut().zip(here(plane)) {
                            *best = if v < *best || v.is_nan() { v } else { *best };
                        }
                    }
                }
                LanePredictor::Maximum { first, count } => {
                    let planes = &self.planes[*first..][..*count];
                    out.copy_from_slice(here(&planes[0]));
                    for plane in &planes[1..] {
                        for (best, &v) in out.iter_mut().zip(here(plane)) {
                            *best = if v > *best || v.is_nan() { v } else { *best };
                        }
                    }
                }
                LanePredictor::Amplitude { first, weights, total } => {
                    let (a, b) = vector(&self.planes[*first..], weights, *total, tile);
                    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                        *out = (a * a + b * b).sqrt();
                    }
                }
                LanePredictor::Phase { first, weights, total } => {
                    let (a, b) = vector(&self.planes[*first..], weights, *total, tile);
                    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                        *out = a.atan2(b);
                    }
                }
            }
        }
    }
}

/// Two linear maps of the same planes.
#[inline(always)]
fn vector<'a>(
    planes: &'a [Lane<f32>],
    weights: &[[f32; 2]],
    total: f32,
    tile: usize,
) -> ([f32; TILE], [f32; TILE]) {
    let here = |plane: &'a Lane<f32>| -> &'a [f32; TILE] { &plane.0.as_chunks().0[tile] };
    let origin = here(&planes[0]);
    let (mut a, mut b) = (origin.map(|v| v * total), origin.map(|v| v * 0.0));
    for (plane, weight) in planes.iter().zip(weights).skip(1) {
        for (((a, b), v), o) in a.iter_mut().zip(&mut b).zip(here(plane)).zip(origin) {
            *a += weight[0] * (v - o);
            *b += weight[1] * (v - o);
        }
    }
    (a, b)
}
