//! Pixels and hectares of each class.

use serde::{Deserialize, Serialize};

use super::Legend;
use crate::crs::{Crs, Ellipsoid, GeoBox};
use crate::raster::Window;

/// How much of a map a class covers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ClassArea {
    /// The pixel's code.
    pub code: u8,
    /// The class name.
    pub name: String,
    /// Number of pixels.
    pub pixels: u64,
    /// Hectares on the ground: geodesic where the CRS is geographic or its projection stretches
    /// areas, such as web maps' Mercator; else by the map's own units.
    pub hectares: f64,
}

/// Square metres of a pixel in row `row`.
///
/// Where the CRS is geographic it is the area of the cell on the ellipsoid (exact for north-up
/// grids; for rotated ones the element of area at the middle of the row). Where it is projected
/// it is the determinant of the affine transform times the square of the unit in metres: a scale
/// of the projection of up to half a percent (0.1 % in a UTM zone) is not undone. A larger one is,
/// row by row, as it is in the middle column.
#[derive(Clone, Debug)]
pub struct PixelArea<'a> {
    grid: &'a GeoBox,
    ellipsoid: Option<Ellipsoid>,
    projected: f64,
    /// By row, where the projection stretches areas.
    undone: Option<Vec<f64>>,
}

/// Largest scale of areas that is left as it is.
const STRETCH: f64 = 0.005;

impl<'a> PixelArea<'a> {
    /// The pixel areas of a grid.
    pub fn of(grid: &'a GeoBox) -> Self {
        let c = &grid.affine.0;
        let unit = grid.crs.to_spatial_ref().map_or(1.0, |s| s.linear_units());
        let projected = (c[1] * c[5] - c[2] * c[4]).abs() * unit * unit;
        let geographic = grid.crs.is_geographic();
        let stretched = |area: &f64| (area / projected - 1.0).abs() > STRETCH;
        let undone = if geographic || grid.rows == 0 { None } else { on_the_ground(grid) };
        Self {
            grid,
            ellipsoid: geographic.then(|| Ellipsoid::of(&grid.crs)),
            projected,
            undone: undone.filter(|rows| rows.iter().any(stretched)),
        }
    }

    /// Square metres of each pixel of a row.
    pub fn square_metres(&self, row: usize) -> f64 {
        let Some(ellipsoid) = self.ellipsoid else {
            return self.undone.as_ref().map_or(self.projected, |rows| rows[row.min(rows.len() - 1)]);
        };
        let c = &self.grid.affine.0;
        if self.grid.affine.is_north_up() {
            let north = c[3] + row as f64 * c[5];
            return ellipsoid.cell_area(north + c[5], north, c[1]);
        }
        let (_, latitude) = self.grid.centre(row, self.grid.cols / 2);
        let (east, north) = ellipsoid.metres_per_degree(latitude);
        (c[1] * c[5] - c[2] * c[4]).abs() * east * north
    }

    /// How many pixels `hectares` are in the middle of the grid, rounded up: a minimum mapping
    /// unit as a sieve's threshold.
    pub fn pixels(&self, hectares: f64) -> u32 {
        let pixels = hectares * 1e4 / self.square_metres(self.grid.rows / 2);
        // A unit of exactly n pixels must not become n + 1 by the last bit of a division.
        (pixels - 1e-9 * pixels).ceil().max(0.0) as u32
    }
}

/// Square metres on the ellipsoid of the middle pixel of each row; `None` where a point has no
/// place on Earth.
fn on_the_ground(grid: &GeoBox) -> Option<Vec<f64>> {
    let to_degrees = grid.crs.transformer_to(&Crs::wgs84()).ok()?;
    let ellipsoid = Ellipsoid::of(&Crs::wgs84());
    let (c, middle) = (&grid.affine.0, grid.cols / 2);
    // Half a pixel to each side: west, east, south, north as the affine has them.
    let sides = [(-0.5, 0.0), (0.5, 0.0), (0.0, 0.5), (0.0, -0.5)];
    let centres = (0..grid.rows).map(|row| grid.centre(row, middle));
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = centres
        .flat_map(|(x, y)| sides.map(|(i, j)| (x + c[1] * i + c[2] * j, y + c[4] * i + c[5] * j)))
        .unzip();
    to_degrees.apply(&mut xs, &mut ys).ok()?;
    let row = |(x, y): (&[f64; 4], &[f64; 4])| {
        let (east, north) = ellipsoid.metres_per_degree(y.iter().sum::<f64>() / 4.0);
        ((x[1] - x[0]) * (y[3] - y[2]) - (x[3] - x[2]) * (y[1] - y[0])).abs() * east * north
    };
    let rows: Vec<f64> = xs.as_chunks().0.iter().zip(ys.as_chunks().0).map(row).collect();
    rows.iter().all(|a| a.is_finite()).then_some(rows)
}

/// Counts pixels by class and row, block by block. The sums do not depend on the order of blocks.
#[derive(Clone, Debug)]
pub struct AreaTally {
    codes: Vec<Option<usize>>,
    classes: usize,
    counts: Vec<u32>,
}

impl AreaTally {
    /// Bytes of a tally of `legend`'s classes over `rows` rows.
    pub fn bytes(legend: &Legend, rows: usize) -> Option<u64> {
        (rows as u64).checked_mul(legend.classes.len() as u64)?.checked_mul(size_of::<u32>() as u64)
    }

    /// An empty tally of `legend`'s classes over `rows` rows.
    pub fn new(legend: &Legend, rows: usize) -> Self {
        let mut codes = vec![None; 256];
        for (position, class) in legend.classes.iter().enumerate() {
            codes[usize::from(class.code)] = Some(position);
        }
        let classes = legend.classes.len();
        Self { codes, classes, counts: vec![0; rows * classes] }
    }

    /// Counts the pixels of a window; codes that are not in the legend are left out.
    pub fn add(&mut self, window: Window, codes: &[u8]) {
        for (row, line) in codes.chunks_exact(window.cols.max(1)).enumerate() {
            let mut counts = [0u32; 256];
            for &code in line {
                counts[usize::from(code)] += 1;
            }
            let start = (window.row + row) * self.classes;
            for (count, position) in counts.iter().zip(&self.codes) {
                if let Some(position) = position {
                    self.counts[start + position] += count;
                }
            }
        }
    }

    /// Pixels and hectares of each class, in the legend's order.
    pub fn areas(&self, legend: &Legend, grid: &GeoBox) -> Vec<ClassArea> {
        let area = PixelArea::of(grid);
        let mut sums = vec![(0u64, 0.0); self.classes];
        for (row, counts) in self.counts.chunks_exact(self.classes.max(1)).enumerate() {
            let pixel = area.square_metres(row);
            for (sum, &count) in sums.iter_mut().zip(counts) {
                sum.0 += u64::from(count);
                sum.1 += f64::from(count) * pixel;
            }
        }
        let named = legend.classes.iter().zip(sums);
        named
            .map(|(class, (pixels, square_metres))| ClassArea {
                code: class.code,
                name: class.name.clone(),
                pixels,
                hectares: square_metres / 1e4,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::Affine;

    fn grid(crs: Crs, affine: Affine) -> GeoBox {
        GeoBox { rows: 40, cols: 30, affine, crs }
    }

    #[test]
    fn areas_of_a_projected_map_are_pixels_times_pixel_size() {
        let grid = grid(Crs::from_epsg(32649).unwrap(), Affine::north_up(7e5, 3.09e6, 20.0, 10.0));
        let legend = Legend::rice();
        let codes: Vec<u8> = (0..1200).map(|i| (i % 4) as u8).collect();
        let mut whole = AreaTally::new(&legend, 40);
        whole.add(grid.window(), &codes);
        let areas = whole.areas(&legend, &grid);
        assert_eq!(areas[0].pixels, 300);
        assert!((areas[0].hectares - 300.0 * 0.02).abs() < 1e-9);

        let mut blocks = AreaTally::new(&legend, 40);
        for w in Window::blocks(40, 30, 7, 11).collect::<Vec<_>>().into_iter().rev() {
            let block: Vec<u8> =
                (0..w.len()).map(|i| codes[(w.row + i / w.cols) * 30 + w.col + i % w.cols]).collect();
            blocks.add(w, &block);
        }
        assert_eq!(blocks.areas(&legend, &grid), areas);
        assert_eq!(PixelArea::of(&grid).pixels(0.5), 25);
        assert_eq!(PixelArea::of(&grid).pixels(0.51), 26);
    }

    #[test]
    fn areas_of_a_stretched_projection_are_those_on_the_ground() {
        // Mercator stretches areas by 1 / cos^2 of the latitude, here 27.9 degrees: 1.28.
        let mercator = Crs::from_epsg(3857).unwrap();
        let (mut x, mut y) = ([113.0], [27.9]);
        Crs::wgs84().transformer_to(&mercator).unwrap().apply(&mut x, &mut y).unwrap();
        let grid = grid(mercator, Affine::north_up(x[0], y[0], 10.0, 10.0));
        let area = PixelArea::of(&grid).square_metres(20);
        let expected = 100.0 * 27.9f64.to_radians().cos().powi(2);
        assert!((area / expected - 1.0).abs() < 0.01, "{area} {expected}");
    }

    #[test]
    fn areas_of_a_map_in_degrees_are_geodesic() {
        use geo::{GeodesicArea, Rect, coord};
        let step = 9e-5;
        let grid = grid(Crs::wgs84(), Affine::north_up(105.0, 10.0, step, step));
        let legend = Legend::rice();
        let mut tally = AreaTally::new(&legend, 40);
        tally.add(grid.window(), &[1; 1200]);
        let bounds = grid.bounds();
        let rect = Rect::new(
            coord! { x: bounds.min_x, y: bounds.min_y },
            coord! { x: bounds.max_x, y: bounds.max_y },
        );
        let reference = rect.to_polygon().geodesic_area_unsigned() / 1e4;
        let area = tally.areas(&legend, &grid)[0].hectares;
        assert!((area / reference - 1.0).abs() < 1e-5, "{area} {reference}");
    }
}
