//! Labels and models: samples, splits, one classifier a file, the model file,
//! assessment and block-wise prediction. Knows no files and no processes.

pub mod assess;
pub mod boost;
mod cart;
mod classifier;
mod dtw;
mod error;
pub mod foreign;
pub mod forest;
pub mod fused;
pub mod gru;
pub mod importance;
pub mod itsgbt;
pub mod lightgbm;
mod members;
pub mod method;
mod model;
mod observations;
mod plausible;
pub mod predict;
mod predictor_trees;
mod recipe;
#[cfg(test)]
mod reference;
pub mod samples;
mod scored_trees;
pub mod search;
mod series;
mod sniff;
pub mod splits;
mod standardize;
mod swv;
mod table;
#[cfg(test)]
mod testing;
mod trees;
pub mod tsrf;
mod watch;

pub use cart::{Criterion, TreeParams};
pub use classifier::{Classifier, NO_CLASS, most_probable};
pub use dtw::{Curve, DtwModel, DtwParams, Library};
pub use error::ClassifyError;
pub use forest::ForestParams;
pub use members::{NetworkParams, train_forest as train_smartcore_forest};
pub use model::{Model, ModelCard, Trained};
pub use observations::{Observations, Sample, observe_pixels};
pub use predictor_trees::SeriesTrees;
pub use recipe::{Channel, SeriesRecipe, bands_of, observe};
pub use series::SeriesBlock;
pub use sniff::plain_model;
pub use swv::{MEMBERS, Stability, SwvModel, SwvParams, Vote};
pub use table::{Labels, Table};
pub use trees::{Link, Tree, TreeEnsemble};
pub use tsrf::TsrfParams;
pub use watch::Watch;
