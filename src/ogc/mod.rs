//! Wire types, one file per standard, and schemas from types. Knows neither the domain nor a
//! web framework.

mod inputs;

pub use inputs::{AreaInput, BboxInput, CubeInput, CubeSource, FileInput};
