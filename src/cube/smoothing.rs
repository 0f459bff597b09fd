//! Smoothing of regular series, as one matrix: a smoothed series is a linear map of the series.

use serde::{Deserialize, Serialize};

/// How a regular series is smoothed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Smoothing {
    /// Not at all.
    #[default]
    None,
    /// Least-squares polynomials in a moving window (Savitzky & Golay 1964); at the ends the
    /// first and last full window's polynomial is used.
    SavitzkyGolay {
        /// Steps in the window, odd.
        window: usize,
        /// Degree of the polynomial, below the window.
        degree: usize,
    },
    /// Penalized least squares with second differences (Whittaker 1923; Eilers 2003).
    Whittaker {
        /// Weight of the penalty; 1 to 100 for series of 10 to 40 steps.
        lambda: f64,
    },
}

impl Smoothing {
    /// Why the options fit no series of `steps` values, or nothing.
    pub fn problem(self, steps: usize) -> Option<String> {
        match self {
            Self::None => None,
            Self::SavitzkyGolay { window, degree } => {
                if window % 2 == 0 || window > steps {
                    Some(format!(
                        "the window must be odd and at most the {steps} steps of a series, not {window}"
                    ))
                } else if degree >= window {
                    Some(format!("the degree must be below the window of {window}, not {degree}"))
                } else {
                    None
                }
            }
            Self::Whittaker { lambda } => {
                (!(0.0..=1e6).contains(&lambda)).then(|| format!("lambda must be 0 to 1000000, not {lambda}"))
            }
        }
    }

    /// The smoother of series of `steps` values, `[to][from]`; `None` where nothing is smoothed.
    pub fn matrix(self, steps: usize) -> Option<Vec<f32>> {
        let identity = |i: usize, j: usize| f64::from(u8::from(i == j));
        let rows: Vec<f64> = match self {
            Self::None => return None,
            Self::SavitzkyGolay { window, degree } => {
                let window = window.min(steps);
                let degree = degree.min(window.saturating_sub(1));
                (0..steps)
                    .flat_map(|step| {
                        let start = step.saturating_sub(window / 2).min(steps - window);
                        let weights = polynomial_weights(window, degree, (step - start) as f64);
                        (0..steps).map(move |j| {
                            if (start..start + window).contains(&j) { weights[j - start] } else { 0.0 }
                        })
                    })
                    .collect()
            }
            Self::Whittaker { lambda } => {
                let mut system = vec![0.0; steps * steps];
                for i in 0..steps {
                    system[i * steps + i] = 1.0;
                }
                for i in 0..steps.saturating_sub(2) {
                    for (a, wa) in [(i, 1.0), (i + 1, -2.0), (i + 2, 1.0)] {
                        for (b, wb) in [(i, 1.0), (i + 1, -2.0), (i + 2, 1.0)] {
                            system[a * steps + b] += lambda * wa * wb;
                        }
                    }
                }
                let right: Vec<f64> = (0..steps * steps).map(|k| identity(k / steps, k % steps)).collect();
                solve(system, right, steps)
            }
        };
        Some(rows.into_iter().map(|w| w as f32).collect())
    }
}

/// Weights of `window` equally spaced values in the least-squares polynomial's value at `at`.
fn polynomial_weights(window: usize, degree: usize, at: f64) -> Vec<f64> {
    let terms = degree + 1;
    // Positions are centred and scaled to [-1, 1] so that the normal equations stay well conditioned.
    let half = ((window - 1) as f64 / 2.0).max(1.0);
    let power = |x: f64, k: usize| ((x - (window - 1) as f64 / 2.0) / half).powi(k as i32);
    let mut normal = vec![0.0; terms * terms];
    let mut right = vec![0.0; terms * window];
    for i in 0..window {
        for a in 0..terms {
            right[a * window + i] = power(i as f64, a);
            for b in 0..terms {
                normal[a * terms + b] += power(i as f64, a) * power(i as f64, b);
            }
        }
    }
    let coefficients = solve(normal, right, terms);
    (0..window).map(|i| (0..terms).map(|k| power(at, k) * coefficients[k * window + i]).sum()).collect()
}

/// Solves `system x = right` (`n x n`, `n x m`) by elimination with pivoting.
fn solve(mut system: Vec<f64>, mut right: Vec<f64>, n: usize) -> Vec<f64> {
    let m = right.len() / n;
    for k in 0..n {
        let pivot =
            (k..n).max_by(|&a, &b| system[a * n + k].abs().total_cmp(&system[b * n + k].abs())).unwrap_or(k);
        for j in 0..n {
            system.swap(k * n + j, pivot * n + j);
        }
        for j in 0..m {
            right.swap(k * m + j, pivot * m + j);
        }
        for i in (0..n).filter(|&i| i != k) {
            let factor = system[i * n + k] / system[k * n + k];
            if factor != 0.0 {
                for j in k..n {
                    system[i * n + j] -= factor * system[k * n + j];
                }
                for j in 0..m {
                    right[i * m + j] -= factor * right[k * m + j];
                }
            }
        }
    }
    for i in 0..n {
        for j in 0..m {
            right[i * m + j] /= system[i * n + i];
        }
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(smoothing: Smoothing, series: &[f32]) -> Vec<f32> {
        let matrix = smoothing.matrix(series.len()).unwrap();
        matrix.chunks(series.len()).map(|row| row.iter().zip(series).map(|(w, v)| w * v).sum()).collect()
    }

    #[test]
    fn savitzky_golay_keeps_a_parabola_up_to_its_ends() {
        let parabola: Vec<f32> = (0..12).map(|i| 0.1 * (i * i) as f32 - i as f32).collect();
        for (a, b) in
            apply(Smoothing::SavitzkyGolay { window: 5, degree: 2 }, &parabola).iter().zip(&parabola)
        {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }

    #[test]
    fn a_series_shorter_than_the_polynomial_stays_as_it_is() {
        for steps in 1..=3 {
            let series = &[0.3, 0.5, 0.1][..steps];
            let smooth = apply(Smoothing::SavitzkyGolay { window: 7, degree: 3 }, series);
            assert!(smooth.iter().zip(series).all(|(a, b)| (a - b).abs() < 1e-6), "{smooth:?}");
        }
    }

    #[test]
    fn savitzky_golay_has_the_published_weights() {
        // Savitzky & Golay 1964, five points, quadratic: (-3 12 17 12 -3) / 35.
        let matrix = Smoothing::SavitzkyGolay { window: 5, degree: 2 }.matrix(9).unwrap();
        for (w, e) in matrix[4 * 9 + 2..4 * 9 + 7].iter().zip([-3.0f32, 12.0, 17.0, 12.0, -3.0]) {
            assert!((w - e / 35.0).abs() < 1e-6);
        }
    }

    #[test]
    fn whittaker_keeps_a_line_and_the_sum() {
        let line: Vec<f32> = (0..10).map(|i| 0.3 + 0.02 * i as f32).collect();
        for (a, b) in apply(Smoothing::Whittaker { lambda: 10.0 }, &line).iter().zip(&line) {
            assert!((a - b).abs() < 1e-5);
        }
        let bumpy = [0.0f32, 1.0, 0.0, 0.0, 0.0, 0.0];
        let smooth = apply(Smoothing::Whittaker { lambda: 5.0 }, &bumpy);
        assert!((smooth.iter().sum::<f32>() - 1.0).abs() < 1e-5 && smooth[1] < 0.7);
    }

    #[test]
    fn options_that_fit_no_series_are_named() {
        assert!(Smoothing::SavitzkyGolay { window: 4, degree: 2 }.problem(10).unwrap().contains("odd"));
        assert!(Smoothing::SavitzkyGolay { window: 5, degree: 5 }.problem(10).unwrap().contains("degree"));
        assert!(Smoothing::Whittaker { lambda: -1.0 }.problem(10).is_some());
        assert!(Smoothing::None.problem(1).is_none());
    }
}
