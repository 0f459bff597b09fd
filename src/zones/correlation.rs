//! Circular correlation of two grids: a sum over all cells for every shift at once.

use rayon::prelude::*;
use rustfft::num_complex::Complex64;
use rustfft::{FftDirection, FftPlanner};

/// One of the two grids, transformed once for many others.
pub struct Correlation {
    /// The spectrum, columns by rows.
    spectrum: Vec<Complex64>,
    rows: usize,
    cols: usize,
}

impl Correlation {
    /// Takes a grid of `rows x cols` values.
    pub fn new(values: Vec<Complex64>, rows: usize, cols: usize) -> Self {
        Self { spectrum: forward(values, rows, cols), rows, cols }
    }

    /// For each shift `(i, j)` of a real grid the sum over all cells of this grid's value at
    /// `(row, col)` times the other's at `(row - i, col - j)`, around the edges; at `i * cols + j`.
    pub fn with(&self, other: &[f64]) -> Vec<Complex64> {
        let other = other.iter().map(|&v| Complex64::new(v, 0.0)).collect();
        let mut product = forward(other, self.rows, self.cols);
        product.par_iter_mut().zip(&self.spectrum).for_each(|(b, a)| *b = a * b.conj());
        transform(&mut product, self.rows, FftDirection::Inverse);
        let mut sums = transpose(&product, self.cols, self.rows);
        transform(&mut sums, self.cols, FftDirection::Inverse);
        let scale = 1.0 / (self.rows * self.cols) as f64;
        sums.par_iter_mut().for_each(|sum| *sum *= scale);
        sums
    }
}

/// The spectrum of a grid, columns by rows.
fn forward(mut values: Vec<Complex64>, rows: usize, cols: usize) -> Vec<Complex64> {
    transform(&mut values, cols, FftDirection::Forward);
    let mut spectrum = transpose(&values, rows, cols);
    transform(&mut spectrum, rows, FftDirection::Forward);
    spectrum
}

/// Transforms each line of `length` values.
fn transform(values: &mut [Complex64], length: usize, direction: FftDirection) {
    let fft = FftPlanner::new().plan_fft(length, direction);
    let scratch = || vec![Complex64::default(); fft.get_inplace_scratch_len()];
    values
        .par_chunks_exact_mut(length)
        .for_each_init(scratch, |scratch, line| fft.process_with_scratch(line, scratch));
}

fn transpose(values: &[Complex64], rows: usize, cols: usize) -> Vec<Complex64> {
    let mut turned = vec![Complex64::default(); values.len()];
    turned.par_chunks_exact_mut(rows).enumerate().for_each(|(col, line)| {
        for (row, value) in line.iter_mut().enumerate() {
            *value = values[row * cols + col];
        }
    });
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shift_is_that_of_brute_force() {
        for (rows, cols) in [(1, 1), (1, 7), (5, 1), (12, 17), (16, 8)] {
            let value = |k: usize| (k as f64 * 0.618_034).fract();
            let a: Vec<Complex64> =
                (0..rows * cols).map(|k| Complex64::new((50.0 * value(k)).floor(), value(k + 99))).collect();
            let b: Vec<f64> = (0..rows * cols).map(|k| 3000.0 * value(k * k + 3)).collect();
            let found = Correlation::new(a.clone(), rows, cols).with(&b);
            for i in 0..rows {
                for j in 0..cols {
                    let mut sum = Complex64::default();
                    for (k, a) in a.iter().enumerate() {
                        let (row, col) = (k / cols, k % cols);
                        sum += a * b[(row + rows - i) % rows * cols + (col + cols - j) % cols];
                    }
                    assert!((found[i * cols + j] - sum).norm() < 1e-9 * sum.norm().max(1.0), "{i} {j}");
                }
            }
        }
    }
}
