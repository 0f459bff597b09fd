//! Processes as types: [`Process`], the ordered registry, and the [`Context`] a run gets.
//! One process a file. Knows neither where data lives, nor HTTP, nor async.

mod assess_accuracy;
mod card;
mod chain;
mod compare_methods;
mod context;
mod earliest_rice_date;
mod echo;
mod error;
pub mod figures;
mod grid;
mod index_series;
pub mod inputs;
pub mod live;
mod mine_association;
mod mine_heatmap;
mod mines;
mod monitor;
mod registry;
mod report;
mod rice;
mod rice_map;
mod stress;
mod stress_map;
mod stress_persistence;
mod stress_zones;
mod suite_echo;
mod train_rice;
mod train_stress;
mod traits;
mod zones;

pub use context::{
    CancelToken, Context, DataSource, FeatureWriter, Progress, RasterKind, RasterReader, RasterWriter,
    ResultSink, Silent,
};
pub use error::ProcessError;
pub use grid::Choice;
pub use index_series::{Seen, series_at};
pub use registry::{add, find, registry, suggest};
pub use rice_map::read_model;
pub use traits::{DynProcess, Process};

#[cfg(test)]
pub(crate) mod testing;
