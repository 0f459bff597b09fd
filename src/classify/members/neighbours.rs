//! k nearest neighbours (Cover and Hart 1967) by blocked products: the order of the squared
//! distances to a pixel `x` is that of `|t|^2 - 2 x.t` over the samples `t`.

#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the wide registers")]

use serde::{Deserialize, Serialize};

use super::lanes::{LANES, Lane, LaneModel, Packed, ROWS, products};
use crate::classify::{ClassifyError, Labels};

/// The samples, and how many of them vote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::classify) struct Neighbours {
    k: usize,
    samples: Packed,
    /// Squared length of each sample; [`FAR`] for those that fill up the last block.
    squares: Vec<f32>,
    labels: Vec<u16>,
}

/// Farther than any sample.
const FAR: f32 = 1e30;

impl Neighbours {
    pub fn train(rows: &[Vec<f32>], labels: &Labels, k: usize) -> Result<Self, ClassifyError> {
        if k == 0 || k > rows.len() {
            let reason = format!("must be 1 to the {} training samples, not {k}", rows.len());
            return Err(ClassifyError::parameter("neighbours", reason));
        }
        let mut squares: Vec<f32> = rows.iter().map(|r| r.iter().map(|v| v * v).sum()).collect();
        squares.resize(rows.len().next_multiple_of(ROWS), FAR);
        Ok(Self { k, samples: Packed::new(rows), squares, labels: labels.labels.clone() })
    }
}

impl Neighbours {
    /// Whether a model from a file reads so many columns and tells so many classes apart.
    pub fn fits(&self, columns: usize, classes: usize) -> bool {
        let rows = self.labels.len();
        self.samples.fits(columns, rows.next_multiple_of(ROWS))
            && self.squares.len() == rows.next_multiple_of(ROWS)
            && self.squares[rows..].iter().all(|&s| s >= FAR)
            && (1..=rows).contains(&self.k)
            && self.labels.iter().all(|&label| usize::from(label) < classes)
    }
}

/// The nearest samples of each lane so far, nearest first: distance and label.
pub(in crate::classify) struct Near(Vec<(f32, u16)>);

impl LaneModel for Neighbours {
    type Scratch = Near;

    fn scratch(&self) -> Near {
        Near(vec![(FAR, 0); LANES * self.k])
    }

    #[inline(always)]
    fn lanes(&self, x: &[Lane], Near(near): &mut Near, out: &mut [Lane]) {
        near.fill((FAR, 0));
        let mut farthest = [FAR; LANES];
        for (index, (block, squares)) in
            self.samples.blocks().zip(self.squares.chunks_exact(ROWS)).enumerate()
        {
            let product = products(x, block);
            for (r, (product, &square)) in product.iter().zip(squares).enumerate() {
                let mut distance = [0.0; LANES];
                let mut closer = 0u32;
                for l in 0..LANES {
                    distance[l] = square - 2.0 * product[l];
                    closer |= u32::from(distance[l] < farthest[l]);
                }
                if closer == 0 {
                    continue;
                }
                let label = self.labels[index * ROWS + r];
                for l in 0..LANES {
                    if distance[l] < farthest[l] {
                        let near = &mut near[l * self.k..(l + 1) * self.k];
                        insert(near, (distance[l], label));
                        farthest[l] = near[self.k - 1].0;
                    }
                }
            }
        }
        out.fill([0.0; LANES]);
        let share = 1.0 / self.k as f32;
        for (l, near) in near.chunks_exact(self.k).enumerate() {
            for &(_, label) in near {
                out[usize::from(label)][l] += share;
            }
        }
    }
}

/// Puts a sample in its place behind those that are as near, and drops the last.
#[inline(always)]
fn insert(near: &mut [(f32, u16)], new: (f32, u16)) {
    let mut at = near.len() - 1;
    while at > 0 && near[at - 1].0 > new.0 {
        near[at] = near[at - 1];
        at -= 1;
    }
    near[at] = new;
}

#[cfg(test)]
mod tests {
    use smartcore::linalg::basic::matrix::DenseMatrix;
    use smartcore::neighbors::knn_classifier::{KNNClassifier, KNNClassifierParameters};

    use super::super::{lanes, tests};
    use super::*;

    #[test]
    fn the_hand_checked_vote_of_three() {
        let rows = [0.0f32, 1.0, 2.0, 10.0, 11.0].map(|v| vec![v]);
        let labels = Labels { classes: vec!["a".into(), "b".into()], labels: vec![0, 0, 1, 1, 1] };
        let model = Neighbours::train(&rows, &labels, 3).unwrap();
        let mut out = [0.0; 4];
        lanes::predict(&model, &[0.4, 9.0], 2, &mut out);
        for (found, expected) in out.iter().zip([2.0 / 3.0, 0.0, 1.0 / 3.0, 1.0]) {
            assert!((found - expected).abs() < 1e-6, "{out:?}");
        }
    }

    #[test]
    fn labels_equal_those_of_smartcore() {
        let (rows, labels) = tests::table(150, 1);
        let (test, _) = tests::table(101, 2);
        let matrix = |rows: &[Vec<f32>]| DenseMatrix::from_2d_vec(&rows.to_vec()).unwrap();
        let y: Vec<u16> = labels.labels.clone();
        let params = KNNClassifierParameters::default().with_k(5);
        let peer = KNNClassifier::fit(&matrix(&rows), &y, params).unwrap();
        let expected: Vec<u16> = peer.predict(&matrix(&test)).unwrap();
        let model = Neighbours::train(&rows, &labels, 5).unwrap();
        let found = tests::labels_of(&model, &test, 3);
        let equal = found.iter().zip(&expected).filter(|(a, b)| a == b).count();
        // Two classes with the same number of votes are decided differently.
        assert!(equal >= 97, "{equal}");
    }

    #[test]
    fn more_neighbours_than_samples_are_refused_by_name() {
        let (rows, labels) = tests::table(9, 1);
        let error = Neighbours::train(&rows, &labels, 10).unwrap_err().to_string();
        assert!(error.contains("neighbours") && error.contains('9'), "{error}");
    }
}
