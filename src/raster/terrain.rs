//! Slope of the ground from a digital elevation model.

use super::{Plane, Window};
use crate::crs::{Ellipsoid, GeoBox};

/// The window that must be read for the slope of `wanted`: one pixel more on each side, as far as
/// the grid goes.
pub fn with_margin(grid: &GeoBox, wanted: Window) -> Window {
    let (row, col) = (wanted.row.saturating_sub(1), wanted.col.saturating_sub(1));
    let end_row = (wanted.row + wanted.rows + 1).min(grid.rows);
    let end_col = (wanted.col + wanted.cols + 1).min(grid.cols);
    Window { row, col, rows: end_row - row, cols: end_col - col }
}

/// Slope in degrees, by the third-order finite difference of Horn (1981, Proc. IEEE 69, 14-47,
/// doi:10.1109/PROC.1981.11918), equal to `gdaldem slope -compute_edges`.
///
/// `elevation` (metres) holds the pixels `at` of `grid`: those of `wanted` with a margin of one
/// pixel ([`with_margin`]), so that a slope does not depend on the block it is computed in. NaN is
/// nodata: a pixel without elevation has no slope; a missing neighbour counts as high as the pixel
/// itself. Beyond the edge of the grid the elevation is extrapolated from the two nearest pixels.
///
/// Where the CRS is geographic a pixel's sides are those on the ellipsoid at the row's latitude
/// (gdaldem has one scale for the whole image instead).
pub fn slope(grid: &GeoBox, elevation: &Plane<f32>, at: Window, wanted: Window) -> Plane<f32> {
    let scale = PixelSides::of(grid);
    let mut out = Plane::filled(wanted.rows, wanted.cols, f32::NAN);
    let dem = Elevation { grid, plane: elevation, at };
    for row in 0..wanted.rows {
        let (width, height) = scale.metres(grid, wanted.row + row);
        let degrees = |w: [f64; 9]| {
            let east = ((w[0] + 2.0 * w[3] + w[6]) - (w[2] + 2.0 * w[5] + w[8])) / width;
            let north = ((w[6] + 2.0 * w[7] + w[8]) - (w[0] + 2.0 * w[1] + w[2])) / height;
            ((east * east + north * north).sqrt() / 8.0).atan().to_degrees() as f32
        };
        let three_rows = dem.three_rows(wanted.row + row);
        let line = &mut out.values[row * wanted.cols..][..wanted.cols];
        for (col, to) in line.iter_mut().enumerate() {
            let col = wanted.col + col;
            let inner = three_rows.and_then(|rows| dem.inner_neighbourhood(rows, col));
            *to = degrees(inner.unwrap_or_else(|| dem.neighbourhood(wanted.row + row, col)));
        }
    }
    out
}

/// The sides of pixels in metres.
enum PixelSides {
    Projected(f64, f64),
    Geographic(Ellipsoid),
}

impl PixelSides {
    fn of(grid: &GeoBox) -> Self {
        if grid.crs.is_geographic() {
            return Self::Geographic(Ellipsoid::of(&grid.crs));
        }
        let unit = grid.crs.to_spatial_ref().map_or(1.0, |s| s.linear_units());
        let (width, height) = grid.affine.pixel_size();
        Self::Projected(width * unit, height * unit)
    }

    fn metres(&self, grid: &GeoBox, row: usize) -> (f64, f64) {
        match self {
            Self::Projected(width, height) => (*width, *height),
            Self::Geographic(ellipsoid) => {
                let (width, height) = grid.affine.pixel_size();
                let (_, latitude) = grid.centre(row, grid.cols / 2);
                let (east, north) = ellipsoid.metres_per_degree(latitude);
                (width * east, height * north)
            }
        }
    }
}

struct Elevation<'a> {
    grid: &'a GeoBox,
    plane: &'a Plane<f32>,
    at: Window,
}

impl Elevation<'_> {
    /// The rows above, at and below a row, where all three were read.
    fn three_rows(&self, row: usize) -> Option<[&[f32]; 3]> {
        let first = row.checked_sub(self.at.row + 1)?;
        let cols = self.at.cols;
        let line = |r: usize| self.plane.values.get(r * cols..(r + 1) * cols);
        Some([line(first)?, line(first + 1)?, line(first + 2)?])
    }

    /// The nine elevations around a pixel where nothing is missing: nearly all of them.
    fn inner_neighbourhood(&self, rows: [&[f32]; 3], col: usize) -> Option<[f64; 9]> {
        let first = col.checked_sub(self.at.col + 1)?;
        let mut nine = [0.0; 9];
        for (row, to) in rows.iter().zip(nine.chunks_exact_mut(3)) {
            for (value, to) in row.get(first..first + 3)?.iter().zip(to) {
                *to = f64::from(*value);
            }
        }
        (!nine.iter().any(|v| v.is_nan())).then_some(nine)
    }

    /// A pixel of the grid; NaN where it is nodata or was not read.
    fn get(&self, row: usize, col: usize) -> f64 {
        let (Some(r), Some(c)) = (row.checked_sub(self.at.row), col.checked_sub(self.at.col)) else {
            return f64::NAN;
        };
        if r < self.at.rows && c < self.at.cols { f64::from(self.plane.get(r, c)) } else { f64::NAN }
    }

    /// The nine elevations around a pixel, rows from north to south; all NaN where the pixel is.
    fn neighbourhood(&self, row: usize, col: usize) -> [f64; 9] {
        let centre = self.get(row, col);
        if centre.is_nan() {
            return [f64::NAN; 9];
        }
        let (rows, cols) = (self.grid.rows, self.grid.cols);
        std::array::from_fn(|i| {
            let (up, left) = (i / 3, i % 3);
            // Rows and columns beyond the edge go on as the two before them do; in the first and
            // the last row, though, gdaldem lets the nearest column stand in.
            let outside_row = (up == 0 && row == 0) || (up == 2 && row + 1 == rows);
            let outside_col = (left == 0 && col == 0) || (left == 2 && col + 1 == cols);
            let r = if outside_row { row } else { row + up - 1 };
            let c = if outside_col { col } else { col + left - 1 };
            let value = if outside_row && rows > 1 {
                let inner = if up == 0 { row + 1 } else { row - 1 };
                2.0 * self.get(r, c) - self.get(inner, c)
            } else if outside_col && cols > 1 && row > 0 && row + 1 < rows {
                let inner = if left == 0 { col + 1 } else { col - 1 };
                2.0 * self.get(r, c) - self.get(r, inner)
            } else {
                self.get(r, c)
            };
            if value.is_nan() { centre } else { value }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::{Affine, Crs};

    fn hills() -> (GeoBox, Plane<f32>, Plane<f32>) {
        let text = include_str!("../../tests/reference/slope/hills.json");
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        let plane = |key: &str| {
            let rows = json[key].as_array().unwrap();
            let values = rows.iter().flat_map(|r| r.as_array().unwrap()).map(|v| match v.as_f64().unwrap() {
                -9999.0 => f32::NAN,
                v => v as f32,
            });
            Plane { rows: rows.len(), cols: rows[0].as_array().unwrap().len(), values: values.collect() }
        };
        let (elevation, slope) = (plane("elevation"), plane("slope"));
        let grid = GeoBox {
            rows: elevation.rows,
            cols: elevation.cols,
            affine: Affine::north_up(7e5, 3e6, 20.0, 30.0),
            crs: Crs::from_epsg(32649).unwrap(),
        };
        (grid, elevation, slope)
    }

    #[test]
    fn slopes_equal_those_of_gdaldem_with_edges_holes_and_oblong_pixels() {
        let (grid, elevation, reference) = hills();
        let found = slope(&grid, &elevation, grid.window(), grid.window());
        for (i, (a, b)) in found.values.iter().zip(&reference.values).enumerate() {
            let at = (i / grid.cols, i % grid.cols);
            assert!((a - b).abs() < 1e-3 || (a.is_nan() && b.is_nan()), "{at:?}: {a} {b}");
        }
    }

    #[test]
    fn blocks_of_any_size_give_the_same_slopes() {
        let (grid, elevation, _) = hills();
        let whole = slope(&grid, &elevation, grid.window(), grid.window());
        for wanted in Window::blocks(grid.rows, grid.cols, 5, 7) {
            let at = with_margin(&grid, wanted);
            let mut part = Plane::filled(at.rows, at.cols, 0.0);
            for i in 0..at.len() {
                part.values[i] = elevation.get(at.row + i / at.cols, at.col + i % at.cols);
            }
            let block = slope(&grid, &part, at, wanted);
            for i in 0..wanted.len() {
                let (a, b) =
                    (block.values[i], whole.get(wanted.row + i / wanted.cols, wanted.col + i % wanted.cols));
                assert!(a == b || (a.is_nan() && b.is_nan()));
            }
        }
    }

    #[test]
    fn a_plane_in_degrees_has_the_slope_of_its_metres() {
        // At 60 degrees north a degree of longitude is half a degree of latitude.
        let step = 1e-4;
        let grid =
            GeoBox { rows: 5, cols: 5, affine: Affine::north_up(10.0, 60.0, step, step), crs: Crs::wgs84() };
        let (east, _) = Ellipsoid::WGS84.metres_per_degree(60.0);
        let mut dem = Plane::filled(5, 5, 0.0);
        for i in 0..25 {
            dem.values[i] = (i % 5) as f32 * (step * east) as f32; // one metre up a metre east
        }
        let slope = slope(&grid, &dem, grid.window(), grid.window());
        // gdaldem's corners are flatter: there the nearest column stands in for the missing one.
        let inner = slope.values[5..20].iter().all(|s| (s - 45.0).abs() < 0.01);
        assert!(inner && (slope.get(0, 2) - 45.0).abs() < 0.01, "{slope:?}");
    }
}
