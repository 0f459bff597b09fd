//! Density of mines as a heat map ([Z] Fig. 9): a Gaussian kernel around each, in mines per square
//! kilometre.
//!
//! **Decided:** the kernel ends at four bandwidths and is divided by what then remains of it
//! (1 - e^-8), so that a mine counts as one; distances are straight lines through space. On a
//! sphere a circle of chord c covers exactly pi c^2, so the mass is that of the plane; within four
//! bandwidths of 2 km the chord is shorter than the way on the ground by less than a millimetre.

use std::collections::HashMap;
use std::f64::consts::TAU;

use rayon::prelude::*;

use crate::crs::GlobeGrid;
use crate::crs::earth::{Xyz, chord2};
use crate::raster::{Plane, Window};

/// Bandwidths at which the kernel ends.
pub const REACH: f64 = 4.0;
/// Cells of a row after which it is asked whether to go on.
const ASKED: usize = 64;
/// Square metres of a square kilometre.
const KM2: f64 = 1e6;

/// A mine in space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source {
    /// Its place, Earth-centred metres on WGS 84.
    pub at: Xyz,
    /// What it counts, at least 0; 1 for a mine among equals.
    pub weight: f64,
}

/// Mines with their kernel. The mines are kept in cubes as wide as the kernel reaches, so a place
/// looks at those of its own cube and of the 26 around it only.
#[derive(Clone, Debug)]
pub struct HeatMap {
    sources: Vec<Source>,
    cubes: HashMap<[i32; 3], Vec<usize>>,
    bandwidth: f64,
}

/// The mines around the cube that was asked for last: the next cell of a row is mostly in the same.
#[derive(Default)]
struct Near {
    cube: Option<[i32; 3]>,
    sources: Vec<usize>,
}

impl HeatMap {
    /// The heat map of these mines; `bandwidth` is the kernel's sigma in metres, above 0.
    pub fn new(sources: Vec<Source>, bandwidth: f64) -> Self {
        let mut cubes: HashMap<[i32; 3], Vec<usize>> = HashMap::new();
        for (i, source) in sources.iter().enumerate() {
            cubes.entry(cube(source.at, bandwidth)).or_default().push(i);
        }
        Self { sources, cubes, bandwidth }
    }

    /// The density at a place, per square kilometre.
    pub fn at(&self, place: Xyz) -> f64 {
        self.sum(place, &mut Near::default())
    }

    /// The density at the centres of a window's cells, per square kilometre. Each cell's value is
    /// the same in any window and with any number of threads.
    pub fn block(&self, globe: &GlobeGrid, window: Window) -> Plane<f32> {
        self.block_while(globe, window, || true).unwrap_or_else(|| unreachable!("nothing stops it"))
    }

    /// [`HeatMap::block`] as long as `go_on` says so, which is asked every few cells; `None` where it said
    /// no. A wide kernel sums all mines in every cell.
    pub fn block_while(
        &self,
        globe: &GlobeGrid,
        window: Window,
        go_on: impl Fn() -> bool + Sync,
    ) -> Option<Plane<f32>> {
        let mut plane = Plane::filled(window.rows, window.cols, 0.0f32);
        let lines = plane.values.par_chunks_mut(window.cols.max(1)).enumerate();
        let done = lines.try_for_each(|(row, line)| {
            let mut near = Near::default();
            let row = (window.row + row) as f64 + 0.5;
            for (col, value) in line.iter_mut().enumerate() {
                if col.is_multiple_of(ASKED) && !go_on() {
                    return None;
                }
                *value = self.sum(globe.xyz((window.col + col) as f64 + 0.5, row), &mut near) as f32;
            }
            Some(())
        });
        done.map(|()| plane)
    }

    fn sum(&self, place: Xyz, near: &mut Near) -> f64 {
        let own = cube(place, self.bandwidth);
        if near.cube != Some(own) {
            near.cube = Some(own);
            near.sources.clear();
            for k in 0..27 {
                let at = [own[0] + k % 3 - 1, own[1] + k / 3 % 3 - 1, own[2] + k / 9 - 1];
                near.sources.extend(self.cubes.get(&at).into_iter().flatten());
            }
            // The order of the file, so that sums do not depend on which cube a place lies in.
            near.sources.sort_unstable();
        }
        let sigma2 = self.bandwidth * self.bandwidth;
        let weigh = |&i: &usize| {
            let source = &self.sources[i];
            let squares = chord2(place, source.at) / sigma2;
            if squares > REACH * REACH { 0.0 } else { source.weight * (-0.5 * squares).exp() }
        };
        let mass = TAU * sigma2 * -(-0.5 * REACH * REACH).exp_m1();
        KM2 * near.sources.iter().map(weigh).sum::<f64>() / mass
    }
}

/// The cube of a place.
fn cube(at: Xyz, bandwidth: f64) -> [i32; 3] {
    at.map(|metres| (metres / (REACH * bandwidth)).floor() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classmap::PixelArea;
    use crate::crs::earth::xyz;
    use crate::crs::{Affine, Crs, GeoBox};

    fn mines(places: &[(f64, f64, f64)]) -> Vec<Source> {
        places.iter().map(|&(lon, lat, weight)| Source { at: xyz(lon, lat), weight }).collect()
    }

    /// A grid in degrees around a place: half its sides and its cells in metres.
    fn around(lon: f64, lat: f64, half: f64, cell: f64) -> GeoBox {
        let (east, north) = crate::crs::Ellipsoid::of(&Crs::wgs84()).metres_per_degree(lat);
        let side = 2 * (half / cell).ceil() as usize;
        let (width, height) = (cell / east, cell / north);
        let affine = Affine::north_up(
            lon - side as f64 / 2.0 * width,
            lat + side as f64 / 2.0 * height,
            width,
            height,
        );
        GeoBox { rows: side, cols: side, affine, crs: Crs::wgs84() }
    }

    /// Density times area over all cells.
    fn whole(map: &HeatMap, grid: &GeoBox) -> f64 {
        let plane = map.block(&GlobeGrid::new(grid).unwrap(), grid.window());
        let area = PixelArea::of(grid);
        let rows = plane.values.chunks_exact(grid.cols).enumerate();
        rows.map(|(row, line)| {
            line.iter().map(|v| f64::from(*v)).sum::<f64>() * area.square_metres(row) / KM2
        })
        .sum()
    }

    #[test]
    fn the_whole_is_the_number_of_mines_wherever_they_lie() {
        for (lon, lat) in [(113.0, 27.9), (180.0, -16.5), (-180.0, 0.0), (15.0, 80.0), (-70.0, -83.0)] {
            let wrap = |lon: f64| if lon > 180.0 { lon - 360.0 } else { lon };
            let places = [
                (wrap(lon + 1e-3), lat, 1.0),
                (lon - 2e-3, lat + 2e-3, 1.0),
                (wrap(lon + 4e-3), lat - 1e-3, 0.0),
                (lon, lat, 2.5),
            ];
            let grid = around(lon, lat, 5500.0, 100.0);
            let sum = whole(&HeatMap::new(mines(&places), 1000.0), &grid);
            assert!((sum / 4.5 - 1.0).abs() < 1e-3, "{lon} {lat}: {sum}");
        }
    }

    #[test]
    fn the_whole_is_the_number_of_mines_on_a_grid_in_metres() {
        let grid = GeoBox {
            rows: 300,
            cols: 200,
            affine: Affine::north_up(6.7e5, 3.09e6, 60.0, 40.0),
            crs: Crs::from_epsg(32649).unwrap(),
        };
        let globe = GlobeGrid::new(&grid).unwrap();
        let at = |col, row| Source { at: globe.xyz(col, row), weight: 1.0 };
        let map = HeatMap::new(vec![at(100.2, 140.0), at(90.0, 160.3), at(120.0, 150.0)], 1000.0);
        // Near 180 km from the zone's middle meridian the scale of UTM is 1.
        let sum = whole(&map, &grid);
        assert!((sum / 3.0 - 1.0).abs() < 1e-3, "{sum}");
    }

    #[test]
    fn one_mine_is_the_closed_form() {
        let map = HeatMap::new(mines(&[(113.0, 27.9, 3.0)]), 2000.0);
        let (east, _) = crate::crs::Ellipsoid::of(&Crs::wgs84()).metres_per_degree(27.9);
        for metres in [0.0f64, 500.0, 2000.0, 5000.0, 7990.0, 8010.0, 50_000.0] {
            let found = map.at(xyz(113.0 + metres / east, 27.9));
            let peak = 3.0 / (TAU * 4.0 * (1.0 - (-8f64).exp()));
            let expected = if metres > 8000.0 { 0.0 } else { peak * (-metres * metres / 8e6).exp() };
            assert!((found - expected).abs() <= 1e-5 * expected, "{metres}: {found} {expected}");
        }
    }

    #[test]
    fn cubes_change_nothing_and_neither_do_windows() {
        let places: Vec<(f64, f64, f64)> = (0..400)
            .map(|i| {
                let i = f64::from(i);
                (179.6 + (i * 0.618).fract() * 0.8, 52.0 + (i * 0.414).fract() * 0.5, (i * 0.271).fract())
            })
            .map(|(lon, lat, weight)| (if lon > 180.0 { lon - 360.0 } else { lon }, lat, weight))
            .collect();
        let map = HeatMap::new(mines(&places), 1500.0);
        let grid = GeoBox {
            rows: 61,
            cols: 83,
            affine: Affine::north_up(179.5, 52.6, 0.012, 0.012),
            crs: Crs::wgs84(),
        };
        let globe = GlobeGrid::new(&grid).unwrap();
        let once = map.block(&globe, grid.window());
        let mut most = 0.0f64;
        for row in 0..grid.rows {
            for col in 0..grid.cols {
                let here = globe.xyz(col as f64 + 0.5, row as f64 + 0.5);
                let all = map.sources.iter().map(|s| {
                    let d2 = chord2(here, s.at) / (1500.0 * 1500.0);
                    if d2 > 16.0 { 0.0 } else { s.weight * (-d2 / 2.0).exp() }
                });
                let expected = 1e6 * all.sum::<f64>() / (TAU * 1500.0 * 1500.0 * (1.0 - (-8f64).exp()));
                let found = f64::from(once.get(row, col));
                assert!((found - expected).abs() <= 1e-6 * expected, "{row} {col}: {found} {expected}");
                most = most.max(found);
            }
        }
        assert!(most > 0.1, "{most}");
        for window in Window::blocks(grid.rows, grid.cols, 7, 13) {
            let part = map.block(&globe, window);
            for (k, value) in part.values.iter().enumerate() {
                let whole = once.get(window.row + k / window.cols, window.col + k % window.cols);
                assert_eq!(value.to_bits(), whole.to_bits());
            }
        }
    }

    #[test]
    fn values_are_those_of_scipy_with_geodesic_distances() {
        let text = include_str!("../../tests/reference/heatmap/densities.json");
        let reference: serde_json::Value = serde_json::from_str(text).unwrap();
        let numbers = |value: &serde_json::Value| -> Vec<f64> {
            value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
        };
        for site in reference["sites"].as_array().unwrap() {
            let places = |name: &str| site[name].as_array().unwrap().iter().map(numbers);
            let sources = places("mines").map(|m| Source { at: xyz(m[0], m[1]), weight: m[2] }).collect();
            let map = HeatMap::new(sources, site["bandwidth"].as_f64().unwrap());
            for p in places("places") {
                let found = map.at(xyz(p[0], p[1]));
                assert!((found - p[2]).abs() <= 3e-6 * p[2], "{}: {p:?} {found}", site["name"]);
            }
            let grid = &site["grid"];
            let affine = numbers(&grid["affine"]).try_into().map(Affine).unwrap();
            let crs = Crs::from_epsg(grid["epsg"].as_u64().unwrap() as u32).unwrap();
            let grid = GeoBox { rows: 400, cols: 400, affine, crs };
            let plane = map.block(&GlobeGrid::new(&grid).unwrap(), grid.window());
            for cell in places("cells") {
                let found = f64::from(plane.get(cell[0] as usize, cell[1] as usize));
                assert!((found - cell[2]).abs() <= 3e-6 * cell[2], "{}: {cell:?} {found}", site["name"]);
            }
        }
    }
}
