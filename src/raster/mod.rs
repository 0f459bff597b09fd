//! Pixels in memory: windows, planes, resampling and terrain. Knows no files.

mod axes;
mod nodes;
mod plane;
mod resample;
mod spans;
pub mod terrain;
mod window;

pub use nodes::NodeGrid;
pub use plane::{Plane, Resampling};
pub use resample::{Footprint, Mapping, Patch};
pub use spans::{Spans, scan};
pub use window::Window;
