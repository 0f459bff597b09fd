//! The members of the stability-weighted vote that are not boosted trees, each over
//! standardized predictors without missing values.

mod lanes;
mod machine;
mod neighbours;
mod network;
mod smart_trees;

pub(super) use lanes::predict;
pub(super) use machine::Machine;
pub(super) use neighbours::Neighbours;
pub(super) use network::Network;
pub use network::NetworkParams;
pub use smart_trees::train_forest;
pub(super) use smart_trees::train_tree;

#[cfg(test)]
mod tests {
    use super::lanes::{LaneModel, predict};
    use crate::classify::{Labels, most_probable, testing};

    /// Standardized rows of the made-up seasons.
    pub(super) fn table(rows: usize, seed: u64) -> (Vec<Vec<f32>>, Labels) {
        let (series, labels) = testing::seasons(rows, seed);
        let row = |r: usize| series.values.chunks_exact(rows).map(|plane| (plane[r] - 0.35) / 0.2).collect();
        ((0..rows).map(row).collect(), labels)
    }

    pub(super) fn labels_of(model: &impl LaneModel, rows: &[Vec<f32>], classes: usize) -> Vec<u16> {
        let columns: Vec<f32> = (0..20).flat_map(|c| rows.iter().map(move |r| r[c])).collect();
        let mut out = vec![0.0; classes * rows.len()];
        predict(model, &columns, rows.len(), &mut out);
        most_probable(&out, classes, rows.len())
    }
}
