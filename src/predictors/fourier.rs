//! Fourier predictors: Jiang et al. 2024, eq. 6-10, by rustfft.

use std::sync::Arc;

use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};

/// (A_k, B_k) for k = 0..=`harmonics` of s_1..s_N: A_k = (2/N) sum s_n cos(2 pi k n/N), B_k
/// with sin. A_0/2 is the mean. Harmonics above N - 1 repeat those below.
pub fn fourier_coefficients(series: &[f32], harmonics: usize) -> Vec<(f64, f64)> {
    Transform::new(series.len()).coefficients(series, harmonics)
}

/// A planned transform for series of one length.
pub(super) struct Transform {
    fft: Option<Arc<dyn Fft<f64>>>,
    buffer: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl Transform {
    pub(super) fn new(steps: usize) -> Self {
        let fft = (steps > 0).then(|| FftPlanner::new().plan_fft_forward(steps));
        let scratch = vec![Complex64::default(); fft.as_ref().map_or(0, |f| f.get_inplace_scratch_len())];
        Self { fft, buffer: vec![Complex64::default(); steps], scratch }
    }

    pub(super) fn coefficients(&mut self, series: &[f32], harmonics: usize) -> Vec<(f64, f64)> {
        let Some(fft) = &self.fft else { return vec![(f64::NAN, f64::NAN); harmonics + 1] };
        for (slot, &v) in self.buffer.iter_mut().zip(series) {
            *slot = Complex64::new(f64::from(v), 0.0);
        }
        fft.process_with_scratch(&mut self.buffer, &mut self.scratch);
        let n = series.len();
        (0..=harmonics)
            .map(|k| {
                // The papers count n from 1, the transform from 0: one step's turn between them.
                let turn = Complex64::cis(-std::f64::consts::TAU * k as f64 / n as f64);
                let value = self.buffer[k % n] * turn * (2.0 / n as f64);
                (value.re, -value.im)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::fourier_coefficients;

    #[test]
    fn the_transform_equals_the_sums_of_the_paper_for_any_length() {
        for n in [3usize, 7, 20, 33] {
            let series: Vec<f32> = (0..n).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
            for (k, (a, b)) in fourier_coefficients(&series, 5).into_iter().enumerate() {
                let angle = |i: usize| std::f64::consts::TAU * k as f64 * (i + 1) as f64 / n as f64;
                let sum = |f: fn(f64) -> f64| {
                    2.0 / n as f64
                        * series.iter().enumerate().map(|(i, &s)| f64::from(s) * f(angle(i))).sum::<f64>()
                };
                assert!((a - sum(f64::cos)).abs() < 1e-9 && (b - sum(f64::sin)).abs() < 1e-9, "n {n} k {k}");
            }
        }
    }
}
