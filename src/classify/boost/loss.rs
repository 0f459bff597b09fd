//! Cross-entropy of softmax and sigmoid: derivatives and values.

use rayon::prelude::*;

/// Rows handled together. Partial sums are over these, whatever the number of threads.
const CHUNK: usize = 4096;

/// Scores and derivatives, `[output][row]`: one output for two classes, else one per class.
pub(super) struct Scores {
    pub values: Vec<Vec<f64>>,
}

impl Scores {
    pub fn new(base: &[f32], rows: usize) -> Self {
        Self { values: base.iter().map(|&b| vec![f64::from(b); rows]).collect() }
    }

    /// The mean cross-entropy.
    pub fn loss(&self, labels: &[u16]) -> f64 {
        let chunks: Vec<f64> = labels
            .par_chunks(CHUNK)
            .enumerate()
            .map(|(c, labels)| {
                let mut row = vec![0.0; self.values.len()];
                let mut sum = 0.0;
                for (i, &label) in labels.iter().enumerate() {
                    for (score, values) in row.iter_mut().zip(&self.values) {
                        *score = values[c * CHUNK + i];
                    }
                    sum += row_loss(&mut row, label);
                }
                sum
            })
            .collect();
        chunks.iter().sum::<f64>() / labels.len().max(1) as f64
    }

    /// First and second derivatives at each row, times its weight (LightGBM's `multiclass`
    /// scales the second by K/(K-1); its `binary` does not), and the mean cross-entropy.
    pub fn derive(&self, labels: &[u16], weights: &[f64], g: &mut [Vec<f32>], h: &mut [Vec<f32>]) -> f64 {
        let outputs = self.values.len();
        let factor = if outputs == 1 { 1.0 } else { outputs as f64 / (outputs as f64 - 1.0) };
        let mut jobs: Vec<Vec<(&mut [f32], &mut [f32])>> = Vec::new();
        for (k, (g, h)) in g.iter_mut().zip(h).enumerate() {
            for (c, pair) in g.chunks_mut(CHUNK).zip(h.chunks_mut(CHUNK)).enumerate() {
                if k == 0 {
                    jobs.push(Vec::with_capacity(outputs));
                }
                jobs[c].push(pair);
            }
        }
        let sums: Vec<f64> = jobs
            .into_par_iter()
            .zip(labels.par_chunks(CHUNK))
            .enumerate()
            .map(|(c, (mut out, labels))| {
                let mut row = vec![0.0; outputs];
                let mut sum = 0.0;
                for (i, &label) in labels.iter().enumerate() {
                    for (score, values) in row.iter_mut().zip(&self.values) {
                        *score = values[c * CHUNK + i];
                    }
                    sum += row_loss(&mut row, label);
                    let weight = weights[usize::from(label)];
                    for (k, (&p, (g, h))) in row.iter().zip(&mut out).enumerate() {
                        let own = if outputs == 1 { label == 1 } else { k == usize::from(label) };
                        let hit = if own { 1.0 } else { 0.0 };
                        g[i] = ((p - hit) * weight) as f32;
                        h[i] = (factor * p * (1.0 - p) * weight) as f32;
                    }
                }
                sum
            })
            .collect();
        sums.iter().sum::<f64>() / labels.len().max(1) as f64
    }
}

/// Turns the scores of one row into probabilities (of the second class where there is one
/// score) and gives the row's cross-entropy.
fn row_loss(row: &mut [f64], label: u16) -> f64 {
    if let [score] = row {
        let margin = if label == 1 { *score } else { -*score };
        // ln(1 + e^-m) without overflow.
        let small = (-margin.abs()).exp();
        let loss = (-margin).max(0.0) + small.ln_1p();
        let p = if *score >= 0.0 { 1.0 / (1.0 + (-margin.abs()).exp()) } else { small / (1.0 + small) };
        *score = p;
        return loss;
    }
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let own = row[usize::from(label)] - top;
    let mut sum = 0.0;
    for score in row.iter_mut() {
        *score = (*score - top).exp();
        sum += *score;
    }
    for score in row.iter_mut() {
        *score /= sum;
    }
    sum.ln() - own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_equal_finite_differences() {
        for outputs in [1usize, 3] {
            let base: Vec<Vec<f64>> = (0..outputs).map(|k| vec![0.3 * k as f64 - 0.4, 1.1]).collect();
            let labels = [1u16, 0];
            let (mut g, mut h) = (vec![vec![0.0f32; 2]; outputs], vec![vec![0.0f32; 2]; outputs]);
            Scores { values: base.clone() }.derive(&labels, &[1.0; 3], &mut g, &mut h);
            let step = 1e-4;
            let at = |k: usize, row: usize, by: f64| {
                let mut values = base.clone();
                values[k][row] += by;
                2.0 * Scores { values }.loss(&labels)
            };
            let factor = if outputs == 1 { 1.0 } else { 1.5 };
            for k in 0..outputs {
                for row in 0..2 {
                    let first = (at(k, row, step) - at(k, row, -step)) / (2.0 * step);
                    let second =
                        (at(k, row, step) - 2.0 * at(k, row, 0.0) + at(k, row, -step)) / (step * step);
                    assert!((first - f64::from(g[k][row])).abs() < 1e-5);
                    assert!((second * factor - f64::from(h[k][row])).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn extreme_scores_have_a_finite_loss() {
        assert_eq!(row_loss(&mut [1000.0], 0), 1000.0);
        assert_eq!(row_loss(&mut [-1000.0, 0.0, 1000.0], 0), 2000.0);
    }
}
