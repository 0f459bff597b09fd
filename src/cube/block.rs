//! The cube, and the blocks it is read in.

use std::sync::Arc;

use super::{Band, Findings};
use crate::crs::GeoBox;
use crate::raster::Window;

/// What can go wrong while a cube's pixels are read or prepared.
#[derive(Debug, thiserror::Error)]
pub enum CubeError {
    /// The pixels could not be read; the text names the file.
    #[error("{0}")]
    Read(String),
    /// A band that the cube does not have.
    #[error("band {band} is in no scene of the cube (it has {available})")]
    NoBand {
        /// What was asked for.
        band: Band,
        /// What there is.
        available: String,
    },
    /// Fewer dates than a series needs.
    #[error("the cube has {dates} usable dates ({dropped}); a series needs at least {needed}")]
    TooFewDates {
        /// Usable dates.
        dates: usize,
        /// Why others were left out.
        dropped: String,
        /// How many are needed.
        needed: usize,
    },
}

/// One date of a cube: all scenes of that day, merged.
#[derive(Clone, Debug, PartialEq)]
pub struct Acquisition {
    /// The day (UTC).
    pub date: jiff::civil::Date,
    /// Ids of the scenes that were merged, in order of precedence.
    pub scenes: Vec<String>,
    /// Mean scene cloud cover in percent, where the metadata tells.
    pub cloud_cover: Option<f32>,
}

/// Days since 1 January of `first_year` (that day is 1).
pub fn day_of_series(date: jiff::civil::Date, first_year: i16) -> f32 {
    let start = jiff::civil::date(first_year, 1, 1);
    (date - start).get_days() as f32 + 1.0
}

/// Whether anything was there to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// No valid pixel: the output is NaN throughout (sparse tiles, outside the scene).
    Empty,
    /// At least one file had data here.
    Some,
}

/// Brings pixels: surface reflectance on the cube's grid. Implemented by `io`.
pub trait PixelSource: Send + Sync {
    /// Reads `bands` of date `time` in `window` into `out`, `[band][pixel]`, row-major.
    /// Nodata, masked and not finite values are NaN.
    ///
    /// # Errors
    /// [`CubeError::Read`] names the file and what is wrong with it.
    fn read(
        &self,
        time: usize,
        bands: &[Band],
        window: Window,
        out: &mut [f32],
    ) -> Result<Coverage, CubeError>;

    /// Whether a date may have data in a window, as far as is known without reading any.
    fn may_have(&self, time: usize, bands: &[Band], window: Window) -> bool {
        let _ = (time, bands, window);
        true
    }

    /// What it notices while it reads.
    fn findings(&self) -> Option<Arc<Findings>> {
        None
    }

    /// Rows and columns of the pieces that files are stored in, in pixels of the cube, where
    /// the finest band has such pieces: blocks of whole pieces are read fastest.
    fn piece(&self) -> Option<(usize, usize)> {
        None
    }
}

/// Dates x bands x pixels on one grid, read by blocks.
#[derive(Clone)]
pub struct DataCube {
    /// The grid of every plane.
    pub grid: GeoBox,
    /// The dates, rising, none twice.
    pub acquisitions: Vec<Acquisition>,
    /// Bands that every date has.
    pub bands: Vec<Band>,
    /// What the reader of the scenes noticed and a user should know (left-out scenes, ...).
    pub notes: Vec<String>,
    source: Arc<dyn PixelSource>,
}

impl std::fmt::Debug for DataCube {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataCube")
            .field("grid", &self.grid)
            .field("dates", &self.acquisitions.len())
            .field("bands", &self.bands)
            .finish_non_exhaustive()
    }
}

impl DataCube {
    /// A cube over a source of pixels.
    pub fn new(
        grid: GeoBox,
        acquisitions: Vec<Acquisition>,
        bands: Vec<Band>,
        notes: Vec<String>,
        source: Arc<dyn PixelSource>,
    ) -> Self {
        Self { grid, acquisitions, bands, notes, source }
    }

    /// The dates.
    pub fn dates(&self) -> Vec<jiff::civil::Date> {
        self.acquisitions.iter().map(|a| a.date).collect()
    }

    /// What its source notices while it reads.
    pub fn findings(&self) -> Option<Arc<Findings>> {
        self.source.findings()
    }

    /// Whether it is known without reading that no date has data in a window (sparse scenes).
    pub fn is_empty(&self, bands: &[Band], window: Window) -> bool {
        (0..self.acquisitions.len()).all(|time| !self.source.may_have(time, bands, window))
    }

    /// Rows and columns of a block of about so many pixels that files are read fastest by: whole
    /// pieces of the finest band where it has any, else a square.
    pub fn block_shape(&self, pixels: usize) -> (usize, usize) {
        let side = (pixels as f64).sqrt().max(1.0);
        let (rows, cols) = self.source.piece().unwrap_or((1, 1));
        if rows * cols > pixels {
            // Parts of a piece: of full width, so that its rows are decoded in order.
            return ((pixels / cols.min(self.grid.cols)).clamp(1, rows), cols.min(self.grid.cols));
        }
        let cols = (cols as f64 * (side / cols as f64).round().max(1.0)) as usize;
        let cols = cols.min(self.grid.cols.max(1));
        let rows = rows * ((pixels as f64 / (rows * cols) as f64).round().max(1.0) as usize);
        (rows.min(self.grid.rows.max(1)), cols)
    }

    /// Reads one date of a window, `[band][pixel]`: for callers that stream date by date.
    ///
    /// # Errors
    /// As [`PixelSource::read`].
    pub fn read_date(
        &self,
        time: usize,
        bands: &[Band],
        window: Window,
        out: &mut [f32],
    ) -> Result<Coverage, CubeError> {
        self.source.read(time, bands, window, out)
    }

    /// Reads every date of a window.
    ///
    /// # Errors
    /// As [`PixelSource::read`].
    pub fn read(&self, bands: &[Band], window: Window) -> Result<Block, CubeError> {
        let stride = bands.len() * window.len();
        let mut values = vec![f32::NAN; self.acquisitions.len() * stride];
        let mut coverage = Coverage::Empty;
        if stride > 0 {
            for (time, out) in values.chunks_exact_mut(stride).enumerate() {
                if self.source.may_have(time, bands, window)
                    && self.source.read(time, bands, window, out)? == Coverage::Some
                {
                    coverage = Coverage::Some;
                }
            }
        }
        Ok(Block { window, bands: bands.to_vec(), values, coverage })
    }
}

/// Every date of some bands in one window, `[time][band][pixel]`; nodata is NaN.
#[derive(Clone, Debug)]
pub struct Block {
    /// Where.
    pub window: Window,
    /// The bands, in the order of the planes.
    pub bands: Vec<Band>,
    /// Reflectance.
    pub values: Vec<f32>,
    /// Whether there is anything in it.
    pub coverage: Coverage,
}

impl Block {
    /// One plane: date `time`, the `band`-th band.
    pub fn plane(&self, time: usize, band: usize) -> &[f32] {
        let pixels = self.window.len();
        let start = (time * self.bands.len() + band) * pixels;
        &self.values[start..start + pixels]
    }
}
