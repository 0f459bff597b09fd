//! Dates x bands x pixels on one grid: bands, acquisitions, time grids,
//! regularize and blocks. Axis order is `[time, band, y, x]`, always. Knows no
//! files (a [`PixelSource`] brings the pixels) and no models.

mod band;
mod block;
mod calendar;
mod findings;
mod regularize;
mod request;
mod series_table;
mod smoothing;

pub use band::Band;
pub use block::{Acquisition, Block, Coverage, CubeError, DataCube, PixelSource, day_of_series};
pub use calendar::{Calendar, FEWEST_SHARE, day_and_month};
pub use findings::Findings;
pub(crate) use regularize::fewest_of;
pub use regularize::{FEWEST_DATES, Regularize, Regularizer, TimeGrid, despike};
pub(crate) use regularize::{HAMPEL_FLOOR, HAMPEL_LIMIT};
pub use request::{Area, CloudMask, CubeRequest};
pub use series_table::{IndexSeries, SeriesTable};
pub use smoothing::Smoothing;
