//! Support vector machine with a radial basis kernel, `exp(-gamma |x - s|^2)`: smartcore trains
//! one for each pair of classes, and its support vectors are evaluated here, lane by lane.
//!
//! The decision value f of a pair becomes a probability `1 / (1 + exp(a f + b))` (Platt 1999, with
//! the fit of Lin et al. 2007); the probability of a class is the mean of its pairs, scaled to
//! add up to 1 (Price et al. 1995; 2 / K times the mean over K - 1 pairs).

#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the wide registers")]

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::svm::Kernels;
use smartcore::svm::svc::{SVC, SVCParameters};

use super::lanes::{self, LANES, Lane, LaneModel, Packed, ROWS, exp, products};
use crate::classify::{ClassifyError, Labels};

/// Support vectors of all pairs, each vector once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::classify) struct Machine {
    gamma: f32,
    vectors: Packed,
    /// Squared length of each vector.
    squares: Vec<f32>,
    /// Weight of each vector in each pair, `[vector][pair]`; 0 fills up the last block.
    weights: Vec<f32>,
    pairs: Vec<Pair>,
}

/// Two classes, and from the decision value to the probability of the second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair {
    classes: [u16; 2],
    bias: f32,
    /// a and b of Platt's sigmoid.
    sigmoid: [f32; 2],
}

/// What smartcore's machine says of itself through serde.
#[derive(Deserialize)]
struct Trained {
    instances: Vec<Vec<f64>>,
    w: Vec<f64>,
    b: f64,
}

impl Machine {
    /// Trains with penalty `c` and `gamma`; `check` are the rows and labels that the sigmoids
    /// are fitted to.
    pub fn train(
        rows: &[Vec<f32>],
        labels: &Labels,
        check: (&[Vec<f32>], &[u16]),
        (c, gamma): (f64, f64),
        seed: u64,
    ) -> Result<Self, ClassifyError> {
        if c <= 0.0 || !c.is_finite() {
            return Err(ClassifyError::parameter("penalty", "must be a number above 0"));
        }
        if gamma <= 0.0 || !gamma.is_finite() {
            return Err(ClassifyError::parameter("gamma", "must be a number above 0"));
        }
        let failed = |reason: String| ClassifyError::Learner { learner: "support vector machine", reason };
        let counts = labels.counts();
        let present: Vec<u16> = (0..counts.len() as u16).filter(|&k| counts[usize::from(k)] > 0).collect();
        let mut trained = Vec::new();
        for (i, &first) in present.iter().enumerate() {
            for &second in &present[i + 1..] {
                let own: Vec<usize> =
                    (0..rows.len()).filter(|&r| [first, second].contains(&labels.labels[r])).collect();
                let x: Vec<Vec<f64>> =
                    own.iter().map(|&r| rows[r].iter().map(|&v| f64::from(v)).collect()).collect();
                let y: Vec<i32> =
                    own.iter().map(|&r| if labels.labels[r] == first { -1 } else { 1 }).collect();
                let x = DenseMatrix::from_2d_vec(&x).map_err(|e| failed(e.to_string()))?;
                let parameters = SVCParameters::default()
                    .with_c(c)
                    .with_kernel(Kernels::rbf().with_gamma(gamma))
                    .with_seed(Some(seed));
                let machine = SVC::fit(&x, &y, &parameters).map_err(|e| failed(e.to_string()))?;
                let stored = serde_json::to_value(&machine).map_err(|e| failed(e.to_string()))?;
                let stored: Trained = serde_json::from_value(stored).map_err(|e| failed(e.to_string()))?;
                trained.push(([first, second], stored));
            }
        }
        let mut machine = Self::gather(trained, gamma as f32);
        machine.fit_sigmoids(check.0, check.1);
        Ok(machine)
    }

    /// One list of vectors for all pairs.
    fn gather(trained: Vec<([u16; 2], Trained)>, gamma: f32) -> Self {
        let pair_count = trained.len();
        let mut place: HashMap<Vec<u32>, usize> = HashMap::new();
        let (mut vectors, mut weights, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
        for (pair, (classes, Trained { instances, w, b })) in trained.into_iter().enumerate() {
            for (instance, w) in instances.iter().zip(w) {
                let vector: Vec<f32> = instance.iter().map(|&v| v as f32).collect();
                let key = vector.iter().map(|v| v.to_bits()).collect();
                let at = *place.entry(key).or_insert_with(|| {
                    vectors.push(vector);
                    weights.resize(vectors.len() * pair_count, 0.0);
                    vectors.len() - 1
                });
                weights[at * pair_count + pair] += w as f32;
            }
            pairs.push(Pair { classes, bias: b as f32, sigmoid: [-1.0, 0.0] });
        }
        let mut squares: Vec<f32> = vectors.iter().map(|v| v.iter().map(|x| x * x).sum()).collect();
        squares.resize(vectors.len().next_multiple_of(ROWS), 0.0);
        weights.resize(squares.len() * pair_count, 0.0);
        Self { gamma, vectors: Packed::new(&vectors), squares, weights, pairs }
    }

    /// Whether a model from a file reads so many columns and tells so many classes apart.
    pub fn fits(&self, columns: usize, classes: usize) -> bool {
        let rows = self.squares.len();
        rows.is_multiple_of(ROWS)
            && self.vectors.fits(columns, rows)
            && !self.pairs.is_empty()
            && self.weights.len() == rows * self.pairs.len()
            && self.pairs.iter().flat_map(|pair| pair.classes).all(|class| usize::from(class) < classes)
    }

    /// Decision values of each pair.
    #[inline(always)]
    fn decide(&self, x: &[Lane], decisions: &mut [Lane]) {
        for (decision, pair) in decisions.iter_mut().zip(&self.pairs) {
            *decision = [pair.bias; LANES];
        }
        let mut own = [0.0; LANES];
        for x in x {
            for l in 0..LANES {
                own[l] += x[l] * x[l];
            }
        }
        let per_block = ROWS * self.pairs.len();
        let parts = self.squares.chunks_exact(ROWS).zip(self.weights.chunks_exact(per_block));
        for (block, (squares, weights)) in self.vectors.blocks().zip(parts) {
            let product = products(x, block);
            for (r, weights) in weights.chunks_exact(self.pairs.len()).enumerate() {
                let mut kernel = [0.0; LANES];
                for l in 0..LANES {
                    kernel[l] = exp(-self.gamma * (own[l] + squares[r] - 2.0 * product[r][l]));
                }
                for (decision, &weight) in decisions.iter_mut().zip(weights) {
                    for l in 0..LANES {
                        decision[l] += weight * kernel[l];
                    }
                }
            }
        }
    }

    fn fit_sigmoids(&mut self, rows: &[Vec<f32>], labels: &[u16]) {
        let columns: Vec<f32> =
            (0..self.vectors.columns()).flat_map(|c| rows.iter().map(move |row| row[c])).collect();
        let mut decisions = vec![0.0; rows.len() * self.pairs.len()];
        lanes::predict(&Decisions(self), &columns, rows.len(), &mut decisions);
        for (pair, decisions) in self.pairs.iter_mut().zip(decisions.chunks_exact(rows.len().max(1))) {
            let samples: Vec<(f64, bool)> = decisions
                .iter()
                .zip(labels)
                .filter(|(_, label)| pair.classes.contains(label))
                .map(|(&f, &label)| (f64::from(f), label == pair.classes[1]))
                .collect();
            pair.sigmoid = fit_sigmoid(&samples);
        }
    }
}

/// The decision values as a model of their own.
struct Decisions<'a>(&'a Machine);

impl LaneModel for Decisions<'_> {
    type Scratch = ();

    fn scratch(&self) {}

    #[inline(always)]
    fn lanes(&self, x: &[Lane], (): &mut (), out: &mut [Lane]) {
        self.0.decide(x, out);
    }
}

impl LaneModel for Machine {
    type Scratch = Vec<Lane>;

    fn scratch(&self) -> Vec<Lane> {
        vec![[0.0; LANES]; self.pairs.len()]
    }

    #[inline(always)]
    fn lanes(&self, x: &[Lane], decisions: &mut Vec<Lane>, out: &mut [Lane]) {
        self.decide(x, decisions);
        out.fill([0.0; LANES]);
        let share = 1.0 / self.pairs.len() as f32;
        for (pair, f) in self.pairs.iter().zip(&*decisions) {
            let [a, b] = pair.sigmoid;
            for l in 0..LANES {
                let z = a * f[l] + b;
                let z = if z < 80.0 { z } else { 80.0 };
                let p = share / (1.0 + exp(z));
                out[usize::from(pair.classes[1])][l] += p;
                out[usize::from(pair.classes[0])][l] += share - p;
            }
        }
    }
}

/// a and b of `P(second | f) = 1 / (1 + exp(a f + b))` by Newton's method with backtracking, on
/// Platt's smoothed targets (Lin, Lin and Weng 2007, algorithm 1).
fn fit_sigmoid(samples: &[(f64, bool)]) -> [f32; 2] {
    let second = samples.iter().filter(|s| s.1).count() as f64;
    let first = samples.len() as f64 - second;
    if samples.is_empty() {
        return [-1.0, 0.0];
    }
    let (high, low) = ((second + 1.0) / (second + 2.0), 1.0 / (first + 2.0));
    let target = |is_second: bool| if is_second { high } else { low };
    let loss = |a: f64, b: f64| -> f64 {
        let of = |&(f, y): &(f64, bool)| {
            let z = a * f + b;
            let t = target(y);
            if z >= 0.0 { t * z + (-z).exp().ln_1p() } else { (t - 1.0) * z + z.exp().ln_1p() }
        };
        samples.iter().map(of).sum()
    };
    let (mut a, mut b) = (0.0, ((first + 1.0) / (second + 1.0)).ln());
    let mut before = loss(a, b);
    for _ in 0..100 {
        let (mut h11, mut h22, mut h21, mut g1, mut g2) = (1e-12, 1e-12, 0.0, 0.0, 0.0);
        for &(f, y) in samples {
            let p = 1.0 / (1.0 + (a * f + b).exp());
            let (d1, d2) = (target(y) - p, p * (1.0 - p));
            h11 += f * f * d2;
            h22 += d2;
            h21 += f * d2;
            g1 += f * d1;
            g2 += d1;
        }
        if g1.abs() < 1e-5 && g2.abs() < 1e-5 {
            break;
        }
        let det = h11 * h22 - h21 * h21;
        let (da, db) = (-(h22 * g1 - h21 * g2) / det, -(h11 * g2 - h21 * g1) / det);
        let slope = g1 * da + g2 * db;
        let mut step = 1.0;
        loop {
            let after = loss(a + step * da, b + step * db);
            if after < before + 1e-4 * step * slope {
                (a, b, before) = (a + step * da, b + step * db, after);
                break;
            }
            step /= 2.0;
            if step < 1e-10 {
                return [a as f32, b as f32];
            }
        }
    }
    [a as f32, b as f32]
}

#[cfg(test)]
mod tests {
    use super::super::tests;
    use super::*;

    #[test]
    fn the_sigmoid_of_two_symmetric_samples_is_symmetric() {
        let [a, b] = fit_sigmoid(&[(-1.0, false), (1.0, true)]);
        assert!(b.abs() < 1e-4, "{a} {b}");
        // Platt's targets are 1/3 and 2/3: exp(-a) = 2.
        assert!((f64::from(a) + 2f64.ln()).abs() < 1e-3, "{a}");
    }

    #[test]
    fn lanes_equal_smartcores_decision_function() {
        let (rows, mut labels) = tests::table(120, 1);
        labels.labels.iter_mut().for_each(|l| *l %= 2);
        let labels = Labels { classes: labels.classes[..2].to_vec(), ..labels };
        let x: Vec<Vec<f64>> = rows.iter().map(|r| r.iter().map(|&v| f64::from(v)).collect()).collect();
        let y: Vec<i32> = labels.labels.iter().map(|&l| if l == 0 { -1 } else { 1 }).collect();
        let x = DenseMatrix::from_2d_vec(&x).unwrap();
        let parameters = SVCParameters::default()
            .with_c(1.0)
            .with_kernel(Kernels::rbf().with_gamma(0.05))
            .with_seed(Some(4));
        let peer = SVC::fit(&x, &y, &parameters).unwrap();
        let expected: Vec<f64> = peer.decision_function(&x).unwrap();
        let machine = Machine::train(&rows, &labels, (&rows, &labels.labels), (1.0, 0.05), 4).unwrap();
        let columns: Vec<f32> = (0..20).flat_map(|c| rows.iter().map(move |r| r[c])).collect();
        let mut found = vec![0.0; 120];
        lanes::predict(&Decisions(&machine), &columns, 120, &mut found);
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} {expected}");
        }
    }

    #[test]
    fn three_classes_are_told_apart() {
        let (rows, labels) = tests::table(240, 1);
        let (test, truth) = tests::table(240, 2);
        let machine = Machine::train(&rows, &labels, (&rows, &labels.labels), (1.0, 0.05), 4).unwrap();
        let found = tests::labels_of(&machine, &test, 3);
        let agreement = crate::classify::testing::agreement(&found, &truth.labels);
        assert!(agreement > 0.93, "{agreement}");
        assert!(
            Machine::train(&rows, &labels, (&rows, &[]), (0.0, 1.0), 0)
                .unwrap_err()
                .to_string()
                .contains("penalty")
        );
    }
}
