//! Gradient boosted trees: histograms of binned predictors, leaf-wise growth, softmax over the
//! classes (a sigmoid for two), as LightGBM trains them (Ke et al. 2017, *NeurIPS* 30).
//!
//! Gradients are rounded to fixed point once a round and summed as integers. Integer sums do
//! not depend on their order, so a model is the same to the last bit for any number of
//! threads, and the sibling of a histogram is exactly its parent minus the other child.

mod bins;
mod grow;
mod histogram;
mod loss;
mod params;
mod train;

pub use params::{BoostOptions, BoostParams, ClassWeights};
pub(in crate::classify) use params::{USUAL_LEAF, usual_leaf};
pub use train::{Boosted, RoundLoss, train};

/// Why boosting could not be trained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoostError {
    /// A parameter out of its range.
    #[error("parameter `{member}`: {message}")]
    Parameter {
        /// The member of the wire object, such as `learningRate`.
        member: &'static str,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// The table cannot be trained on.
    #[error("{0}")]
    Table(String),
    /// The caller stopped it.
    #[error("cancelled")]
    Cancelled,
}
