//! Where data comes from and results go: implements the two traits of `process` over `io`.
//! Knows no processes and no HTTP routes.

pub mod collections;
mod cubes;
mod feature_index;
pub mod feature_query;
mod features;
mod growing;
mod identity;
mod inbox;
pub mod live;
mod offered;
mod served;
mod shortage;
mod sink;
mod source;

pub use cubes::scene_sources;
pub use feature_index::FeatureIndexes;
pub use growing::{GrowingJob, GrowingResults, GrowingRun, Runs};
pub use identity::Identity;
pub use live::{LiveLayer, LiveOffers};
pub use offered::{Kind, Offered};
pub use served::{ServedSource, is_link, plain, result_file, result_of};
pub use shortage::Shortage;
pub use sink::{LocalSink, STAGING, StoreError};
pub use source::LocalSource;
