//! Labels and models: samples, splits, one classifier a file, the model file,
//! assessment and block-wise prediction. Knows no files and no processes.

pub mod assess;
pub mod boost;
mod classifier;
mod error;
pub mod fused;
mod series;
pub mod splits;
mod table;
mod trees;

pub use classifier::{Classifier, NO_CLASS, most_probable};
pub use error::ClassifyError;
pub use series::SeriesBlock;
pub use table::{Labels, Table};
pub use trees::{Link, Tree, TreeEnsemble};
