//! Pixels in memory: windows, planes, resampling and terrain. Knows no files.

mod plane;
mod window;

pub use plane::{Plane, Resampling};
pub use window::Window;
