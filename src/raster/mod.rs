//! Pixels in memory: windows, planes, resampling and terrain. Knows no files.

mod plane;
pub mod terrain;
mod window;

pub use plane::{Plane, Resampling};
pub use window::Window;
