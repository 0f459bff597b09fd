//! Maps that are computed where they are looked at: their blocks as levels to draw from, their dates,
//! and how coarse they may be looked at.

use std::sync::Arc;

use prometheus::IntCounterVec;
use serde_json::{Value, json};

use super::documents::level_below;
use crate::io::pyramid::{Block, BlockCache};
use crate::ogc::ProblemType;
use crate::process::live::LivePixels;
use crate::raster::Window;
use crate::server::collections::days;
use crate::server::error::ApiError;
use crate::store::LiveLayer;
use crate::store::collections::{Collection, Live};
use crate::store::live::BLOCK;
use crate::tiles::{GoOn, Levels, MatrixSet, TileError, View, Visit};

/// A live map on one date.
pub struct LiveLevels {
    /// What computes it.
    pub live: Live,
    /// The value of pixels without an answer.
    pub nodata: Option<f64>,
    /// Where blocks are kept.
    pub blocks: Arc<BlockCache>,
    /// Counts what becomes of them.
    pub counted: IntCounterVec,
}

impl LiveLevels {
    fn map(&self) -> &LiveLayer {
        &self.live.map
    }

    fn compute(&self, level: usize, window: Window, go_on: GoOn<'_>) -> Result<Arc<Block>, TileError> {
        if !go_on() {
            self.counted.with_label_values(&["cancelled"]).inc();
            return Err(TileError::Cancelled);
        }
        let found = self.map().block(level, self.live.time, window);
        self.counted.with_label_values(&["computed"]).inc();
        Ok(Arc::new(match found.map_err(|e| TileError::Source(e.to_string()))? {
            LivePixels::Bytes(v) => Block::Bytes(v),
            LivePixels::Numbers(v) => Block::Numbers(v),
        }))
    }
}

impl Levels for LiveLevels {
    fn grid(&self) -> &crate::crs::GeoBox {
        self.map().grid(0)
    }

    fn nodata(&self) -> Option<f64> {
        self.nodata
    }

    fn levels(&self) -> usize {
        self.map().levels()
    }

    fn shape(&self, level: usize) -> (usize, usize) {
        let grid = self.map().grid(level);
        (grid.rows, grid.cols)
    }

    /// A pixel is twice as wide from level to level, and the last may reach beyond the image.
    fn factors(&self, level: usize) -> (f64, f64) {
        let factor = 1.0 / (1u64 << level) as f64;
        (factor, factor)
    }

    fn visit(
        &self,
        level: usize,
        window: Window,
        go_on: GoOn<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<(), TileError> {
        let (rows, cols) = self.shape(level);
        let across = cols.div_ceil(BLOCK);
        for block_row in window.row / BLOCK..(window.row + window.rows).min(rows).div_ceil(BLOCK) {
            for block_col in window.col / BLOCK..(window.col + window.cols).min(cols).div_ceil(BLOCK) {
                let (row, col) = (block_row * BLOCK, block_col * BLOCK);
                let here = Window { row, col, rows: BLOCK.min(rows - row), cols: BLOCK.min(cols - col) };
                let Some(part) = here.intersection(window) else { continue };
                let index = (block_row * across + block_col) as u32;
                let key = (self.map().name(self.live.time), level as u32, index);
                let block = self.blocks.get_or(key, || self.compute(level, here, go_on))?;
                visit(&block, here.cols, part, (row, col));
            }
        }
        Ok(())
    }
}

/// The collection on the date that is asked for; where dates are no maps of their own, as it is.
///
/// # Errors
/// 400 where it is no date; 404 where there is none within an interval.
pub fn dated(collection: Collection, datetime: Option<&str>) -> Result<Collection, ApiError> {
    let Some(text) = datetime else { return Ok(collection) };
    let days = days(text)?;
    let by_date = collection.layer.live.as_ref().is_some_and(|live| live.map.is_by_date());
    if !by_date {
        return Ok(collection);
    }
    let found = collection.on(days);
    found.ok_or_else(|| {
        ApiError::absent(ProblemType::Plain, format!("`{}` has no date within {text}", collection.id))
    })
}

/// The coarsest level of a matrix set that a collection is drawn at: 0 but for live maps whose scenes
/// would be read whole.
pub fn least_zoom(collection: &Collection, set: MatrixSet) -> u8 {
    match &collection.layer.live {
        Some(live) if !live.map.reaches_all() => {
            // A level is drawn from until a pixel is almost two of it.
            level_below(collection, set, 1.9 * (1u64 << (live.map.levels() - 1)) as f64)
        }
        _ => 0,
    }
}

/// Refuses a view of a live map that would read too much.
///
/// # Errors
/// 404 with the way out.
pub fn refuse_coarse(collection: &Collection, view: &View) -> Result<(), ApiError> {
    let least = least_zoom(collection, view.set);
    if least == 0 || view.pixel().0 <= view.set.cell_size(least) * 1.001 {
        return Ok(());
    }
    Err(ApiError::absent(
        ProblemType::Plain,
        format!(
            "this map is computed where it is looked at, from level {least} of {} on: coarser, it would read too \
             much of scenes that have no overviews (gdaladdo makes them)",
            view.set.id()
        ),
    ))
}

/// Refuses what only a raster in a file has.
///
/// # Errors
/// 404 naming what makes such a file.
pub fn refuse_live(collection: &Collection) -> Result<(), ApiError> {
    if collection.layer.live.is_none() {
        return Ok(());
    }
    let why = "this map is computed where it is looked at, and never as a whole: run `rice-map` or `stress-map` with \
               its cube and model for statistics and a file";
    Err(ApiError::absent(ProblemType::Plain, why))
}

/// What clients need to know of a live map.
pub fn told_live(collection: &Collection, live: &Live, cube: &str) -> Value {
    let by_date = live.map.is_by_date();
    let mut told = json!({
        "cube": cube, "byDate": by_date, "dates": live.map.dates(),
        "minZoom": least_zoom(collection, MatrixSet::WebMercatorQuad)
    });
    if by_date {
        told["parameter"] = "datetime".into();
        told["datetime"] = json!(live.map.dates().get(live.time));
    }
    told
}
