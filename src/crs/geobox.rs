//! A georeferenced grid as one value.

use super::{Affine, Crs};
use crate::raster::Window;

/// Steps in which each edge of a grid is followed.
const EDGE_STEPS: i32 = 32;

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

    /// West, south, east and north in degrees (WGS 84) as OGC has them: west is over east where the
    /// grid lies across the date line, and a grid with a pole in it goes all the way round.
    pub fn lon_lat_extent(&self) -> Option<[f64; 4]> {
        let to_degrees = self.crs.transformer_to(&Crs::wgs84()).ok()?;
        let from_degrees = Crs::wgs84().transformer_to(&self.crs).ok()?;
        // Once around the edge, in steps.
        let (cols, rows) = (self.cols as f64, self.rows as f64);
        let corners = [(0.0, 0.0), (cols, 0.0), (cols, rows), (0.0, rows), (0.0, 0.0)];
        let (mut lons, mut lats): (Vec<f64>, Vec<f64>) = corners
            .windows(2)
            .flat_map(|ends| {
                (0..EDGE_STEPS).map(|k| {
                    let t = f64::from(k) / f64::from(EDGE_STEPS);
                    let at = |a: f64, b: f64| a + (b - a) * t;
                    self.affine.apply(at(ends[0].0, ends[1].0), at(ends[0].1, ends[1].1))
                })
            })
            .unzip();
        to_degrees.apply_each(&mut lons, &mut lats);
        let mut last: Option<f64> = None;
        let [mut west, mut south, mut east, mut north] =
            [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        for (&lon, &lat) in lons.iter().zip(&lats).filter(|(lon, lat)| lon.is_finite() && lat.is_finite()) {
            // No step of the edge is half the way round.
            let lon = last.map_or(lon, |last| lon - 360.0 * ((lon - last) / 360.0).round());
            last = Some(lon);
            (west, east) = (west.min(lon), east.max(lon));
            (south, north) = (south.min(lat), north.max(lat));
        }
        last?;
        for pole in [-90.0, 90.0] {
            let (mut x, mut y) = ([0.0], [pole]);
            from_degrees.apply_each(&mut x, &mut y);
            if !self.crs.is_geographic() && self.pixel_at(x[0], y[0]).is_some() {
                (west, east) = (-180.0, 180.0);
                (south, north) = (south.min(pole), north.max(pole));
            }
        }
        if east - west >= 360.0 {
            return Some([-180.0, south.max(-90.0), 180.0, north.min(90.0)]);
        }
        let turns = ((west + 180.0) / 360.0).floor() * 360.0;
        let (west, east) = (west - turns, east - turns);
        let east = if east > 180.0 { east - 360.0 } else { east };
        Some([west, south.max(-90.0), east, north.min(90.0)])
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

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(epsg: u32, affine: Affine) -> [f64; 4] {
        let crs = Crs::from_epsg(epsg).unwrap();
        GeoBox { rows: 1000, cols: 1000, affine, crs }.lon_lat_extent().unwrap()
    }

    #[test]
    fn extents_know_the_date_line_and_the_poles() {
        let [west, south, east, north] = extent(32649, Affine::north_up(7e5, 3.09e6, 10.0, 10.0));
        assert!((113.0..113.1).contains(&west) && west < east && south < north, "{west} {east}");
        // Fiji, seen from zone 60.
        let [west, south, east, _] = extent(32760, Affine::north_up(7.5e5, 8.0e6, 100.0, 100.0));
        assert!(west > 178.0 && east < -177.0 && (-20.0..-18.0).contains(&south), "{west} {south} {east}");
        let [west, south, east, north] = extent(3413, Affine::north_up(-5e5, 5e5, 1000.0, 1000.0));
        assert_eq!((west, east, north), (-180.0, 180.0, 90.0));
        assert!((80.0..85.0).contains(&south));
        assert_eq!(extent(4326, Affine::north_up(179.5, 1.0, 1e-3, 1e-3)), [179.5, 0.0, -179.5, 1.0]);
        assert_eq!(extent(4326, Affine::north_up(-180.0, 90.0, 0.36, 0.18)), [-180.0, -90.0, 180.0, 90.0]);
        let east = extent(4326, Affine::north_up(190.0, 1.0, 1e-3, 1e-3));
        assert!((east[0] + 170.0).abs() < 1e-9 && (east[2] + 169.0).abs() < 1e-9, "{east:?}");
    }
}
