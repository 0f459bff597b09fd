//! What a classifier reads of a series: interval and Fourier predictors (methods, section 3),
//! one file per family. Knows no labels and no models.

mod fourier;
mod interval;

pub use fourier::fourier_coefficients;
pub use interval::{Interval, draw_intervals};

use serde::{Deserialize, Serialize};

/// One predictor of one series s_1..s_N. Positions count from 0 and both ends are included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Predictor {
    /// The value at a step.
    Value {
        /// The step.
        step: usize,
    },
    /// Mean of an interval, Jiang et al. 2024, eq. 2.
    Mean(Interval),
    /// Standard deviation of an interval with divisor t2 - t1, eq. 3.
    Deviation(Interval),
    /// Least-squares slope of an interval against the position, eq. 4.
    Slope(Interval),
    /// The smallest value of an interval.
    Minimum(Interval),
    /// The largest value of an interval.
    Maximum(Interval),
    /// A_k, eq. 7 (A_0 is twice the mean).
    Cosine {
        /// Harmonic.
        k: usize,
    },
    /// B_k, eq. 8.
    Sine {
        /// Harmonic.
        k: usize,
    },
    /// C_k = sqrt(A_k^2 + B_k^2), eq. 9; C_0 keeps its sign and is the mean, A_0/2.
    Amplitude {
        /// Harmonic.
        k: usize,
    },
    /// phi_k = atan2(A_k, B_k), eq. 10.
    Phase {
        /// Harmonic.
        k: usize,
    },
}

/// The predictors of a model, in the order of its columns, over one or several series of the
/// same time steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PredictorSet {
    /// Time steps of a series.
    pub steps: usize,
    /// (series, predictor) of each column.
    pub columns: Vec<(usize, Predictor)>,
}

impl PredictorSet {
    /// The same predictors for each of `series` series.
    pub fn for_each_series(series: usize, steps: usize, predictors: &[Predictor]) -> Self {
        let columns = (0..series).flat_map(|s| predictors.iter().map(move |&p| (s, p))).collect();
        Self { steps, columns }
    }

    /// Names of the columns, such as `NDRE mean 3-9` or `NDRE C2`.
    pub fn names(&self, series: &[String]) -> Vec<String> {
        self.columns
            .iter()
            .map(|&(s, p)| {
                let of = |what: &str, i: Interval| format!("{} {what} {}-{}", series[s], i.start, i.end);
                match p {
                    Predictor::Value { step } => format!("{} {step}", series[s]),
                    Predictor::Mean(i) => of("mean", i),
                    Predictor::Deviation(i) => of("deviation", i),
                    Predictor::Slope(i) => of("slope", i),
                    Predictor::Minimum(i) => of("minimum", i),
                    Predictor::Maximum(i) => of("maximum", i),
                    Predictor::Cosine { k } => format!("{} A{k}", series[s]),
                    Predictor::Sine { k } => format!("{} B{k}", series[s]),
                    Predictor::Amplitude { k } => format!("{} C{k}", series[s]),
                    Predictor::Phase { k } => format!("{} phi{k}", series[s]),
                }
            })
            .collect()
    }

    /// The highest harmonic any column reads.
    fn harmonics(&self) -> usize {
        self.columns.iter().filter_map(|(_, p)| p.harmonic()).max().unwrap_or(0)
    }

    /// All columns for series `[series][step][pixel]`: `[column][pixel]`, NaN where a series is
    /// nodata. The plain form, through an FFT, that the fused inference is held against.
    pub fn compute(&self, values: &[f32], pixels: usize) -> Vec<Vec<f32>> {
        let mut columns = vec![vec![f32::NAN; pixels]; self.columns.len()];
        let mut transform = fourier::Transform::new(self.steps);
        let harmonics = self.harmonics();
        let mut series = vec![0.0f32; self.steps];
        for s in self.columns.iter().map(|c| c.0).max().map_or(0..0, |last| 0..last + 1) {
            let wants_fourier = self.columns.iter().any(|&(of, p)| of == s && p.harmonic().is_some());
            for pixel in 0..pixels {
                for (step, value) in series.iter_mut().enumerate() {
                    *value = values[(s * self.steps + step) * pixels + pixel];
                }
                let coefficients =
                    if wants_fourier { transform.coefficients(&series, harmonics) } else { Vec::new() };
                for (column, &(of, predictor)) in columns.iter_mut().zip(&self.columns) {
                    if of == s {
                        column[pixel] = predictor.of(&series, &coefficients);
                    }
                }
            }
        }
        columns
    }
}

impl Predictor {
    /// The harmonic it reads, where it is a Fourier predictor.
    pub fn harmonic(self) -> Option<usize> {
        match self {
            Self::Cosine { k } | Self::Sine { k } | Self::Amplitude { k } | Self::Phase { k } => Some(k),
            _ => None,
        }
    }

    /// Whether series of `steps` values have it.
    pub fn fits(self, steps: usize) -> bool {
        match self {
            Self::Value { step } => step < steps,
            Self::Mean(i) | Self::Deviation(i) | Self::Slope(i) | Self::Minimum(i) | Self::Maximum(i) => {
                i.start < i.end && i.end < steps
            }
            Self::Cosine { k } | Self::Sine { k } | Self::Amplitude { k } | Self::Phase { k } => k < steps,
        }
    }

    fn of(self, series: &[f32], coefficients: &[(f64, f64)]) -> f32 {
        match self {
            Self::Value { step } => series[step],
            Self::Mean(i) => i.mean(series),
            Self::Deviation(i) => i.deviation(series),
            Self::Slope(i) => i.slope(series),
            Self::Minimum(i) => i.minimum(series),
            Self::Maximum(i) => i.maximum(series),
            Self::Cosine { k } => coefficients[k].0 as f32,
            Self::Sine { k } => coefficients[k].1 as f32,
            Self::Amplitude { k: 0 } => (coefficients[0].0 / 2.0) as f32,
            Self::Amplitude { k } => coefficients[k].0.hypot(coefficients[k].1) as f32,
            Self::Phase { k } => coefficients[k].0.atan2(coefficients[k].1) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_series_has_no_slope_no_deviation_and_only_a_mean() {
        let whole = Interval { start: 0, end: 9 };
        let predictors = [
            Predictor::Mean(whole),
            Predictor::Deviation(whole),
            Predictor::Slope(whole),
            Predictor::Amplitude { k: 0 },
            Predictor::Amplitude { k: 1 },
        ];
        let set = PredictorSet::for_each_series(1, 10, &predictors);
        let columns = set.compute(&[0.4; 10], 1);
        for (column, expected) in columns.iter().zip([0.4, 0.0, 0.0, 0.4, 0.0]) {
            assert!((column[0] - expected).abs() < 1e-6, "{columns:?}");
        }
    }

    #[test]
    fn amplitudes_do_not_see_a_circular_shift() {
        let series: Vec<f32> = (0..20).map(|i| (i as f32 * 0.9).sin() + 0.1 * i as f32).collect();
        let shifted: Vec<f32> = (0..20).map(|i| series[(i + 7) % 20]).collect();
        let predictors: Vec<_> = (0..6).map(|k| Predictor::Amplitude { k }).collect();
        let set = PredictorSet::for_each_series(1, 20, &predictors);
        for (a, b) in set.compute(&series, 1).iter().zip(set.compute(&shifted, 1)) {
            assert!((a[0] - b[0]).abs() < 1e-5);
        }
    }

    #[test]
    fn a_series_without_data_has_no_predictors() {
        let set = PredictorSet::for_each_series(
            1,
            8,
            &[Predictor::Amplitude { k: 2 }, Predictor::Value { step: 3 }],
        );
        assert!(set.compute(&[f32::NAN; 8], 1).iter().all(|c| c[0].is_nan()));
    }
}
