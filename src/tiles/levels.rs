//! What a raster is drawn from: blocks of pixels, of the image and of coarser levels of it.

use std::sync::Arc;

use super::paint::{GoOn, TileError};
use crate::crs::GeoBox;
use crate::io::pyramid::{Block, BlockCache, Pyramid};
use crate::raster::Window;

/// Is shown a block, its width, where the part of it that is wanted lies in the level, and where the
/// block begins.
pub type Visit<'a> = dyn FnMut(&Block, usize, Window, (usize, usize)) + 'a;

/// A raster with coarser levels: level 0 is the image itself.
pub trait Levels: Send + Sync {
    /// Shape, transform and CRS of the image.
    fn grid(&self) -> &GeoBox;
    /// The value of pixels without an answer.
    fn nodata(&self) -> Option<f64>;
    /// How many levels there are.
    fn levels(&self) -> usize;
    /// Rows and columns of a level.
    fn shape(&self, level: usize) -> (usize, usize);

    /// Columns and rows of a level along one of the image.
    fn factors(&self, level: usize) -> (f64, f64) {
        let ((rows, cols), (all_rows, all_cols)) = (self.shape(level), self.shape(0));
        (cols as f64 / all_cols as f64, rows as f64 / all_rows as f64)
    }

    /// Shows the blocks of a level that a window touches, as long as somebody waits for them. Blocks
    /// that hold nothing may be left out.
    ///
    /// # Errors
    /// [`TileError`].
    fn visit(
        &self,
        level: usize,
        window: Window,
        go_on: GoOn<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<(), TileError>;
}

/// A raster in a file.
pub struct FileLevels {
    /// The file.
    pub pyramid: Arc<Pyramid>,
    /// Where its decoded blocks are kept.
    pub blocks: Arc<BlockCache>,
}

impl Levels for FileLevels {
    fn grid(&self) -> &GeoBox {
        &self.pyramid.grid
    }

    fn nodata(&self) -> Option<f64> {
        self.pyramid.nodata
    }

    fn levels(&self) -> usize {
        self.pyramid.levels()
    }

    fn shape(&self, level: usize) -> (usize, usize) {
        self.pyramid.shape(level)
    }

    fn visit(
        &self,
        level: usize,
        window: Window,
        go_on: GoOn<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<(), TileError> {
        if !go_on() {
            return Err(TileError::Cancelled);
        }
        Ok(self.pyramid.visit(&self.blocks, level, window, visit)?)
    }
}
