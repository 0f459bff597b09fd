//! Standard curves: class means and DTW barycentres (Petitjean et al. 2011, *Pattern
//! Recognition* 44, 678-693) of k-means clusters.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::path::warp;
use crate::classify::ClassifyError;
use crate::classify::watch::{Parts, Watch};

/// Rounds of assignment and averaging; clusters settle long before.
const ROUNDS: usize = 15;

/// The mean of the samples at each step. A step at which all miss is interpolated between the
/// steps around it.
pub(super) fn class_mean(
    samples: &[Vec<f32>],
    series: usize,
    steps: usize,
    class: &str,
) -> Result<Vec<f32>, ClassifyError> {
    let mut sums = vec![(0.0f64, 0u32); series * steps];
    for sample in samples {
        for ((sum, n), &value) in sums.iter_mut().zip(sample).filter(|(_, v)| !v.is_nan()) {
            *sum += f64::from(value);
            *n += 1;
        }
    }
    let mut curve: Vec<f32> = sums.iter().map(|&(sum, n)| (sum / f64::from(n)) as f32).collect();
    for values in curve.chunks_exact_mut(steps) {
        if !fill(values) {
            return Err(ClassifyError::Samples(format!(
                "the samples of class {class} hold no value of one of the series"
            )));
        }
    }
    Ok(curve)
}

/// Interpolates missing values; false where all miss.
fn fill(values: &mut [f32]) -> bool {
    let known: Vec<usize> = (0..values.len()).filter(|&i| !values[i].is_nan()).collect();
    let (Some(&first), Some(&last)) = (known.first(), known.last()) else { return false };
    let (before, after) = (values[first], values[last]);
    values[..first].fill(before);
    values[last + 1..].fill(after);
    for gap in known.windows(2) {
        let (a, b) = (values[gap[0]], values[gap[1]]);
        let length = gap[1] - gap[0];
        for (i, value) in values[gap[0]..gap[1]].iter_mut().enumerate().skip(1) {
            *value = a + (b - a) * i as f32 / length as f32;
        }
    }
    true
}

/// `count` barycentres of the samples of a class: k-means with the DTW distance, started far
/// apart (k-means++) from the seed.
pub(super) fn cluster(
    samples: &[Vec<f32>],
    series: usize,
    steps: usize,
    band: usize,
    (count, seed): (usize, u64),
    class: &str,
    watch: &dyn Watch,
) -> Result<Vec<Vec<f32>>, ClassifyError> {
    if count == 0 || count > samples.len() {
        let reason = format!("must be 1 to the {} samples of class {class}, not {count}", samples.len());
        return Err(ClassifyError::parameter("barycentres", reason));
    }
    let mean = class_mean(samples, series, steps, class)?;
    // Finding the first centres compares as often as a round does.
    let parts = Parts::new(watch, count + ROUNDS);
    let mut centres = start(samples, &mean, steps, band, count, seed, &parts)?;
    let mut members = Vec::new();
    for _ in 0..ROUNDS {
        parts.next()?;
        // In parallel over samples, in order: the same centres on any number of threads.
        let paths: Vec<(usize, Vec<(usize, usize)>)> = samples
            .par_iter()
            .map(|sample| {
                let warped = centres.iter().map(|centre| warp(sample, centre, steps, band)).enumerate();
                let nearest = warped.reduce(|a, b| if b.1.0 < a.1.0 { b } else { a });
                nearest.map_or((0, Vec::new()), |(k, (_, path))| (k, path))
            })
            .collect();
        let assigned: Vec<usize> = paths.iter().map(|p| p.0).collect();
        let before = centres.clone();
        for (k, centre) in centres.iter_mut().enumerate() {
            average(centre, samples.iter().zip(&paths).filter(|(_, p)| p.0 == k), steps);
        }
        if assigned == members && largest_move(&before, &centres) < 1e-5 {
            break;
        }
        members = assigned;
    }
    Ok(centres)
}

/// First centres: the sample nearest to the mean, then samples drawn with a chance that grows
/// with the squared distance to the centres there are.
fn start(
    samples: &[Vec<f32>],
    mean: &[f32],
    steps: usize,
    band: usize,
    count: usize,
    seed: u64,
    parts: &Parts<'_>,
) -> Result<Vec<Vec<f32>>, ClassifyError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // A centre has no gaps: those of the sample are filled from the class mean.
    let whole = |s: &Vec<f32>| s.iter().zip(mean).map(|(&v, &m)| if v.is_nan() { m } else { v }).collect();
    let to =
        |centre: &[f32]| -> Vec<f64> { samples.par_iter().map(|s| warp(s, centre, steps, band).0).collect() };
    let from_mean = to(mean);
    let first = (0..samples.len()).min_by(|&a, &b| from_mean[a].total_cmp(&from_mean[b])).unwrap_or(0);
    let mut centres: Vec<Vec<f32>> = vec![whole(&samples[first])];
    let mut nearest = to(&centres[0]);
    while centres.len() < count {
        parts.next()?;
        let total: f64 = nearest.iter().sum();
        let mut left = rng.random_range(0.0..1.0) * total;
        let drawn = nearest.iter().position(|d| {
            left -= d;
            left < 0.0
        });
        let next: Vec<f32> = whole(&samples[drawn.unwrap_or(centres.len())]);
        for (near, d) in nearest.iter_mut().zip(to(&next)) {
            *near = near.min(d);
        }
        centres.push(next);
    }
    Ok(centres)
}

/// Moves a centre to the mean of what the paths match with each of its steps.
fn average<'a>(
    centre: &mut [f32],
    members: impl Iterator<Item = (&'a Vec<f32>, &'a (usize, Vec<(usize, usize)>))>,
    steps: usize,
) {
    let mut sums = vec![(0.0f64, 0u32); centre.len()];
    for (sample, (_, path)) in members {
        for (s, values) in sample.chunks_exact(steps).enumerate() {
            for &(i, j) in path.iter().filter(|&&(i, _)| !values[i].is_nan()) {
                let (sum, n) = &mut sums[s * steps + j];
                *sum += f64::from(values[i]);
                *n += 1;
            }
        }
    }
    for (value, (sum, n)) in centre.iter_mut().zip(sums) {
        if n > 0 {
            *value = (sum / f64::from(n)) as f32;
        }
    }
}

fn largest_move(before: &[Vec<f32>], after: &[Vec<f32>]) -> f32 {
    before.iter().flatten().zip(after.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}
