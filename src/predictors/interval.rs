//! Interval predictors: Jiang et al. 2024, eq. 2-4; Deng et al. 2013.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Steps `start..=end` of a series, `start < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// First step (t1).
    pub start: usize,
    /// Last step (t2).
    pub end: usize,
}

impl Interval {
    fn values(self, series: &[f32]) -> &[f32] {
        &series[self.start..=self.end]
    }

    /// f1, eq. 2.
    pub fn mean(self, series: &[f32]) -> f32 {
        self.mean64(series) as f32
    }

    fn mean64(self, series: &[f32]) -> f64 {
        let values = self.values(series);
        values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64
    }

    /// f2, eq. 3: the divisor is t2 - t1.
    pub fn deviation(self, series: &[f32]) -> f32 {
        let mean = self.mean64(series);
        let squares: f64 = self.values(series).iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
        (squares / (self.end - self.start) as f64).sqrt() as f32
    }

    /// The smallest value; NaN where the series is nodata.
    pub fn minimum(self, series: &[f32]) -> f32 {
        self.values(series)
            .iter()
            .copied()
            .reduce(|a, b| if b < a || b.is_nan() { b } else { a })
            .unwrap_or(f32::NAN)
    }

    /// The largest value; NaN where the series is nodata.
    pub fn maximum(self, series: &[f32]) -> f32 {
        self.values(series)
            .iter()
            .copied()
            .reduce(|a, b| if b > a || b.is_nan() { b } else { a })
            .unwrap_or(f32::NAN)
    }

    /// f3, eq. 4: the least-squares slope per step.
    pub fn slope(self, series: &[f32]) -> f32 {
        let values = self.values(series);
        let middle = (values.len() - 1) as f64 / 2.0;
        let (mut above, mut below) = (0.0, 0.0);
        for (i, &v) in values.iter().enumerate() {
            let t = i as f64 - middle;
            above += t * f64::from(v);
            below += t * t;
        }
        (above / below) as f32
    }
}

/// Draws `count` random intervals of at least `fewest` steps, no two alike while others are
/// left. The same seed draws the same intervals; the model keeps them.
pub fn draw_intervals(seed: u64, steps: usize, count: usize, fewest: usize) -> Vec<Interval> {
    let fewest = fewest.max(2);
    if steps < fewest {
        return Vec::new();
    }
    let longest = steps - fewest + 1;
    let possible = longest * (longest + 1) / 2;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn: Vec<Interval> = Vec::with_capacity(count);
    while drawn.len() < count {
        let (a, b) = (rng.random_range(0..steps), rng.random_range(0..steps));
        let interval = Interval { start: a.min(b), end: a.max(b) };
        let long_enough = interval.end - interval.start + 1 >= fewest;
        if long_enough && (drawn.len() >= possible || !drawn.contains(&interval)) {
            drawn.push(interval);
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hand_checked_interval() {
        let series = [9.0, 1.0, 2.0, 6.0];
        let i = Interval { start: 1, end: 3 };
        assert_eq!(i.mean(&series), 3.0);
        // ((1-3)^2 + (2-3)^2 + (6-3)^2) / (3 - 1) = 7.
        assert!((i.deviation(&series) - 7.0f32.sqrt()).abs() < 1e-6);
        assert!((i.slope(&series) - 2.5).abs() < 1e-6);
    }

    #[test]
    fn a_seed_draws_the_same_distinct_intervals_again() {
        let a = draw_intervals(7, 20, 20, 3);
        assert_eq!(a, draw_intervals(7, 20, 20, 3));
        assert_ne!(a, draw_intervals(8, 20, 20, 3));
        for (k, i) in a.iter().enumerate() {
            assert!(i.end < 20 && i.end - i.start >= 2 && !a[..k].contains(i));
        }
        assert_eq!(draw_intervals(1, 3, 5, 3).len(), 5);
        assert!(draw_intervals(1, 2, 5, 3).is_empty());
    }
}
