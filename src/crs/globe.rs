//! Where the pixels of a grid lie in space, without a projection per point.

use super::earth::{self, Xyz};
use super::{Crs, CrsError, Ellipsoid, GeoBox};

/// Metres from node to node. A cubic through four of them leaves the ellipsoid by less than a
/// hundredth of a millimetre.
const NODE_METRES: f64 = 4000.0;

/// Most nodes: those of the whole Earth.
const MOST_NODES: f64 = 6e7;

/// Positions in space (Earth-centred metres, WGS 84) of any place of a grid: cubics through nodes
/// that PROJ has placed.
#[derive(Clone, Debug)]
pub struct GlobeGrid {
    /// Pixels from node to node, along columns and rows.
    step: (f64, f64),
    /// Nodes in a row of nodes.
    across: usize,
    nodes: Vec<Xyz>,
}

impl GlobeGrid {
    /// Places the nodes.
    ///
    /// # Errors
    /// [`CrsError`] where a part of the grid has no place on Earth.
    pub fn new(grid: &GeoBox) -> Result<Self, CrsError> {
        let (width, height) = pixel_metres(grid);
        let step = |metres: f64, pixels: usize| {
            // A grid that spans the Earth needs no finer nodes than its pixels, and no more than it has.
            (NODE_METRES / metres).max(1.0).min(pixels.max(1) as f64)
        };
        let step = (step(width, grid.cols), step(height, grid.rows));
        let count = |pixels: usize, step: f64| (pixels as f64 / step).ceil() as usize + 4;
        let (across, down) = (count(grid.cols, step.0), count(grid.rows, step.1));
        if (across as f64) * (down as f64) > MOST_NODES {
            let reason = format!("a map of {} x {} pixels is larger than the Earth", grid.cols, grid.rows);
            return Err(CrsError::NoTransform { from: grid.crs.name(), to: "WGS 84".to_owned(), reason });
        }
        let at = |i: usize, step: f64| (i as f64 - 1.0) * step;
        let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = (0..across * down)
            .map(|k| grid.affine.apply(at(k % across, step.0), at(k / across, step.1)))
            .unzip();
        grid.crs.transformer_to(&Crs::wgs84())?.apply(&mut xs, &mut ys)?;
        let nodes = xs.iter().zip(&ys).map(|(&lon, &lat)| earth::xyz(lon, lat)).collect();
        Ok(Self { step, across, nodes })
    }

    /// The place in space at a column and row (0, 0 is the grid's outer corner; pixels' centres
    /// are at halves). Good within the grid and a node around it.
    pub fn xyz(&self, col: f64, row: f64) -> Xyz {
        let down = self.nodes.len() / self.across;
        let cell = |at: f64, count: usize| {
            let first = (at.max(0.0) as usize).min(count - 4);
            (first, at - first as f64)
        };
        let (i, u) = cell(col / self.step.0, self.across);
        let (j, v) = cell(row / self.step.1, down);
        let (wu, wv) = (cubic(u), cubic(v));
        let mut out = [0.0; 3];
        for (k, &weight) in wv.iter().enumerate() {
            let line = &self.nodes[(j + k) * self.across + i..][..4];
            for axis in 0..3 {
                let sum = wu[0] * line[0][axis]
                    + wu[1] * line[1][axis]
                    + wu[2] * line[2][axis]
                    + wu[3] * line[3][axis];
                out[axis] += weight * sum;
            }
        }
        out
    }
}

/// Weights of Lagrange's cubic through -1, 0, 1, 2 at `t`.
fn cubic(t: f64) -> [f64; 4] {
    let (a, b, c) = (t + 1.0, t - 1.0, t - 2.0);
    [-t * b * c / 6.0, a * b * c / 2.0, -a * t * c / 2.0, a * t * b / 6.0]
}

/// Metres of a pixel's width and height in the middle of a grid.
pub fn pixel_metres(grid: &GeoBox) -> (f64, f64) {
    let (width, height) = grid.affine.pixel_size();
    if grid.crs.is_geographic() {
        let (_, latitude) = grid.centre(grid.rows / 2, grid.cols / 2);
        let (east, north) = Ellipsoid::of(&grid.crs).metres_per_degree(latitude.clamp(-89.9, 89.9));
        return (width * east, height * north);
    }
    let unit = grid.crs.to_spatial_ref().map_or(1.0, |s| s.linear_units());
    (width * unit, height * unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::Affine;

    #[test]
    fn places_are_those_of_proj_to_a_hundredth_of_a_millimetre() {
        let grids = [
            (32649, Affine::north_up(7e5, 3.09e6, 10.0, 10.0), 5000, 3000),
            (32601, Affine::north_up(300_000.0, 8_900_000.0, 20.0, 20.0), 400, 700),
            (4326, Affine::north_up(179.7, 80.3, 1e-3, 1e-3), 900, 800),
            (3857, Affine::north_up(1.25e7, 3.2e6, 100.0, 100.0), 1200, 1000),
            (32649, Affine([7e5, 7.0, 7.0, 3.09e6, 7.0, -7.0]), 300, 300),
        ];
        for (epsg, affine, rows, cols) in grids {
            let grid = GeoBox { rows, cols, affine, crs: Crs::from_epsg(epsg).unwrap() };
            let globe = GlobeGrid::new(&grid).unwrap();
            let to_degrees = grid.crs.transformer_to(&Crs::wgs84()).unwrap();
            for k in 0..500 {
                let (row, col) = ((k * 37 % rows) as f64 + 0.3, (k * 53 % cols) as f64 + 0.9);
                let (x, y) = affine.apply(col, row);
                let (mut x, mut y) = ([x], [y]);
                to_degrees.apply(&mut x, &mut y).unwrap();
                let off = earth::chord2(globe.xyz(col, row), earth::xyz(x[0], y[0])).sqrt();
                assert!(off < 1e-5, "EPSG:{epsg} at {row}, {col}: {off} m");
            }
        }
    }
}
