//! Labels and models: samples, splits, one classifier a file, the model file,
//! assessment and block-wise prediction. Knows no files and no processes.

mod series;
mod table;
mod trees;

pub use series::SeriesBlock;
pub use table::{Labels, Table};
pub use trees::{Link, Tree, TreeEnsemble};
