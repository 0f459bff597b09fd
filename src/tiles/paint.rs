//! What is drawn, and on what.

use super::matrix::{MatrixSet, TileAddress};
use super::picture::Indexed;
use crate::crs::{Bounds, CrsError};
use crate::io::raster_file::RasterError;

/// A rectangle of a matrix set's CRS, in pixels: a tile, or a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// The set whose CRS it is.
    pub set: MatrixSet,
    /// The rectangle.
    pub bounds: Bounds,
    /// Pixels along x.
    pub cols: usize,
    /// Pixels along y.
    pub rows: usize,
}

impl View {
    /// A tile, with `scale` times 256 pixels along a side.
    pub fn of(tile: TileAddress, scale: u8) -> Self {
        let side = super::matrix::TILE * usize::from(scale);
        Self { set: tile.set, bounds: tile.bounds(), cols: side, rows: side }
    }

    /// Units of the CRS along a pixel.
    pub fn pixel(&self) -> (f64, f64) {
        let b = self.bounds;
        ((b.max_x - b.min_x) / self.cols as f64, (b.max_y - b.min_y) / self.rows as f64)
    }
}

/// Whether somebody still waits for a picture: asked between blocks, so that nothing is computed for
/// nobody.
pub type GoOn<'a> = &'a (dyn Fn() -> bool + Sync);

/// Why a tile is not drawn: mistakes of the server's own, unless nobody waits for it any more.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// The file.
    #[error(transparent)]
    File(#[from] RasterError),
    /// A CRS that leads nowhere.
    #[error(transparent)]
    Crs(#[from] CrsError),
    /// What computes the pixels.
    #[error("{0}")]
    Source(String),
    /// Nobody waits for it.
    #[error("nobody waits for this tile any more")]
    Cancelled,
    /// The encoder.
    #[error("a picture cannot be encoded: {0}")]
    Encode(String),
}

/// Draws views of something.
pub trait Painter: Send + Sync {
    /// The picture, or `None` where nothing of it is seen.
    ///
    /// # Errors
    /// [`TileError`]; [`TileError::Cancelled`] once `go_on` says no.
    fn paint(&self, view: &View, go_on: GoOn<'_>) -> Result<Option<Indexed>, TileError>;
}
