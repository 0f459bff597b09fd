//! Maps in tiles: where tiles lie, rasters drawn on them, pictures, and a bounded cache.
//!
//! A tile is drawn from blocks of the overview that fits, warped by a mesh whose error is below a
//! tenth of a pixel, into bytes that a palette colours.

mod cache;
mod clip;
mod frame;
mod levels;
mod matrix;
mod mesh;
pub mod mvt;
mod paint;
mod picture;
mod pool;
mod raster;

pub use cache::{Tile, TileCache, TileKey};
pub use levels::{FileLevels, Levels, Visit};
pub use matrix::{MatrixSet, TileAddress};
pub use paint::{GoOn, Painter, TileError, View};
pub use picture::{Format, Indexed};
pub use pool::{Pool, PoolFull};
pub use raster::RasterSource;
