//! Inner loops over lanes of pixels, compiled for several instruction sets and chosen at
//! run time. The only module of the crate with `unsafe` code.

mod lanes;

pub use lanes::{LaneWork, dispatch};
