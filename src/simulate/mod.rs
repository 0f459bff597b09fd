//! A paddy county with known truth: fields, crop calendars, terrain, mines, clouds and
//! what Sentinel-2 would see of them. Pure pixels; `io::county` writes the files.
//!
//! Everything is a function of a seed and of the place: any block can be made alone, in any
//! order, by any number of threads, with the same bytes. What lasts (relief, field borders,
//! mines, pollution) depends on the seed; what changes (crops, clouds, noise) also on the year.

mod calendar;
mod canopy;
mod county;
mod hash;
mod land;
mod mines;
mod noise;
mod samples;
mod sky;

pub use calendar::Cover;
pub use county::{BLOCK, Baseline, County, Options, Pass, SceneBlock, SimulateError, native_step};
pub use land::Ground;
pub use mines::Mine;
pub use samples::{Sampler, Theme};
