//! What is changed about training samples from epoch to epoch.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Drops a share of the time steps of one sample, the same in all its series, and fills them
/// linearly from those that are left (the nearest value at the ends); two steps are always left.
/// `values` is `[series][step]`.
pub fn drop_dates(values: &mut [f32], steps: usize, share: f64, rng: &mut ChaCha8Rng) {
    let kept: Vec<usize> = (0..steps).filter(|_| !rng.random_bool(share)).collect();
    if kept.len() < 2 || kept.len() == steps {
        return;
    }
    for series in values.chunks_exact_mut(steps) {
        let (first, last) = (kept[0], kept[kept.len() - 1]);
        let (start, end) = (series[first], series[last]);
        series[..first].fill(start);
        series[last..].fill(end);
        for pair in kept.windows(2) {
            let (a, b) = (series[pair[0]], series[pair[1]]);
            let gap = series.iter_mut().enumerate().take(pair[1]).skip(pair[0] + 1);
            for (step, value) in gap {
                *value = a + (b - a) * (step - pair[0]) as f32 / (pair[1] - pair[0]) as f32;
            }
        }
    }
}

/// Adds normal noise (Box and Muller 1958).
pub fn add_noise(values: &mut [f32], deviation: f64, rng: &mut ChaCha8Rng) {
    for pair in values.chunks_mut(2) {
        let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt() * deviation;
        let (sine, cosine) = (std::f64::consts::TAU * rng.random::<f64>()).sin_cos();
        for (value, part) in pair.iter_mut().zip([cosine, sine]) {
            *value += (radius * part) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_straight_line_survives_dropped_dates_between_its_kept_ends() {
        let line: Vec<f32> = (0..40).map(|i| i as f32).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut values = [line.clone(), line.iter().map(|v| -v).collect()].concat();
        drop_dates(&mut values, 40, 0.5, &mut rng);
        let (low, high) = (values[0], values[39]);
        for (step, v) in line.iter().enumerate() {
            assert!((values[step] - v.clamp(low, high)).abs() < 1e-4, "{step}");
            assert!((values[40 + step] + values[step]).abs() < 1e-4, "the same steps in every series");
        }
    }

    #[test]
    fn noise_has_the_deviation_that_was_asked_for() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut values = vec![0.0f32; 20_001];
        add_noise(&mut values, 0.3, &mut rng);
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let deviation = (values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / n).sqrt();
        assert!(mean.abs() < 0.01 && (deviation - 0.3).abs() < 0.01, "{mean} {deviation}");
    }
}
