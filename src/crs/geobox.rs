//! A georeferenced grid as one value.

use super::{Affine, Crs};
use crate::raster::Window;

/// A rectangle in map coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Smallest x.
    pub min_x: f64,
    /// Smallest y.
    pub min_y: f64,
    /// Largest x.
    pub max_x: f64,
    /// Largest y.
    pub max_y: f64,
}

/// Shape, affine transform and CRS of a grid, as one value. Two rasters may be
/// combined pixel by pixel only where their boxes are equal.
#[derive(Clone, Debug, PartialEq)]
pub struct GeoBox {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Pixel to map coordinates.
    pub affine: Affine,
    /// Coordinate reference system.
    pub crs: Crs,
}

impl GeoBox {
    /// The window of the whole grid.
    pub fn window(&self) -> Window {
        Window::whole(self.rows, self.cols)
    }

    /// The grid of a window of this grid.
    pub fn crop(&self, window: Window) -> Self {
        let (x, y) = self.affine.apply(window.col as f64, window.row as f64);
        let mut affine = self.affine;
        affine.0[0] = x;
        affine.0[3] = y;
        Self { rows: window.rows, cols: window.cols, affine, crs: self.crs.clone() }
    }

    /// Map coordinates of a pixel's centre.
    pub fn centre(&self, row: usize, col: usize) -> (f64, f64) {
        self.affine.apply(col as f64 + 0.5, row as f64 + 0.5)
    }

    /// The pixel under map coordinates (row, col), or `None` outside the grid.
    pub fn pixel_at(&self, x: f64, y: f64) -> Option<(usize, usize)> {
        let (col, row) = self.affine.invert(x, y)?;
        let inside = row >= 0.0 && col >= 0.0 && row < self.rows as f64 && col < self.cols as f64;
        inside.then_some((row as usize, col as usize))
    }

    /// West, south, east and north in degrees (WGS 84), where the CRS can be transformed.
    pub fn lon_lat_bounds(&self) -> Option<[f64; 4]> {
        let b = self.crs.transformer_to(&Crs::wgs84()).ok()?.apply_bounds(self.bounds()).ok()?;
        Some([b.min_x, b.min_y, b.max_x, b.max_y])
    }

    /// The smallest rectangle around all pixels.
    pub fn bounds(&self) -> Bounds {
        let (cols, rows) = (self.cols as f64, self.rows as f64);
        let corners =
            [(0.0, 0.0), (cols, 0.0), (0.0, rows), (cols, rows)].map(|(c, r)| self.affine.apply(c, r));
        let fold = |f: fn(f64, f64) -> f64, get: fn(&(f64, f64)) -> f64, start| {
            corners.iter().map(get).fold(start, f)
        };
        Bounds {
            min_x: fold(f64::min, |p| p.0, f64::INFINITY),
            min_y: fold(f64::min, |p| p.1, f64::INFINITY),
            max_x: fold(f64::max, |p| p.0, f64::NEG_INFINITY),
            max_y: fold(f64::max, |p| p.1, f64::NEG_INFINITY),
        }
    }
}
