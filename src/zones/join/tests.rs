//! Joins held against a look at every mine, and distances against references.

use geo::{Geometry, MultiPolygon, Point, Rect, coord, polygon};
use proptest::prelude::*;

use super::group::TOUCH;
use super::*;
use crate::classmap::Connectivity;
use crate::crs::earth::{chord2, lon_lat};
use crate::crs::{Affine, Crs};
use crate::raster::Plane;
use crate::zones::polygonize;
use crate::zones::shape::chord_of;

fn chosen() -> [bool; 256] {
    let mut chosen = [false; 256];
    chosen[1] = true;
    chosen
}

fn grid(epsg: u32, affine: Affine, map: &Plane<u8>) -> GeoBox {
    GeoBox { rows: map.rows, cols: map.cols, affine, crs: Crs::from_epsg(epsg).unwrap() }
}

fn utm(map: &Plane<u8>) -> GeoBox {
    grid(32649, Affine::north_up(7e5, 3.09e6, 10.0, 10.0), map)
}

fn joined(map: &Plane<u8>, grid: &GeoBox, mines: &[Geometry<f64>], radius: f64) -> Vec<NearMines> {
    let zones = polygonize(map, &chosen(), Connectivity::Eight);
    Join::new(&zones, grid, &MineIndex::new(mines), radius).unwrap().run(|_| true).unwrap()
}

/// Longitude and latitude of a place on a grid.
fn place(grid: &GeoBox, row: f64, col: f64) -> (f64, f64) {
    lon_lat(GlobeGrid::new(grid).unwrap().xyz(col, row))
}

#[test]
fn distances_and_bearings_are_those_of_geographiclib() {
    #[derive(serde::Deserialize)]
    struct Reference {
        cases: Vec<Case>,
    }
    #[derive(serde::Deserialize)]
    struct Case {
        epsg: u32,
        affine: [f64; 6],
        rows: Vec<String>,
        mines: Vec<Expected>,
    }
    #[derive(serde::Deserialize)]
    struct Expected {
        lon: f64,
        lat: f64,
        metres: f64,
        bearing: f64,
    }
    let text = include_str!("../../../tests/reference/distances/distances.json");
    let reference: Reference = serde_json::from_str(text).unwrap();
    assert_eq!(reference.cases.len(), 6);
    for case in reference.cases {
        let values = case.rows.iter().flat_map(|r| r.bytes().map(|b| b - b'0')).collect();
        let map = Plane { rows: case.rows.len(), cols: case.rows[0].len(), values };
        let grid = grid(case.epsg, Affine(case.affine), &map);
        for mine in &case.mines {
            let at = Geometry::Point(Point::new(mine.lon, mine.lat));
            let found = joined(&map, &grid, &[at], 1000.0);
            assert_eq!(found.len(), 1);
            let (_, metres, bearing) = found[0].nearest.unwrap();
            let name = format!("EPSG:{} {} m: {metres}", case.epsg, mine.metres);
            assert!((metres - mine.metres).abs() < 1e-3, "{name}");
            let turn = (bearing.unwrap() - mine.bearing + 540.0) % 360.0 - 180.0;
            // At a distance s a bearing is as good as the nearest place: millimetres.
            assert!(turn.abs() < 1e-3, "{name}: bearing {bearing:?}, {}", mine.bearing);
        }
    }
}

fn scattered() -> impl Strategy<Value = (Plane<u8>, Vec<(f64, f64, f64)>)> {
    let map = proptest::collection::vec(0u8..5, 20 * 24).prop_map(|values| Plane {
        rows: 20,
        cols: 24,
        values: values.into_iter().map(|v| u8::from(v == 0)).collect(),
    });
    let mines = proptest::collection::vec((-30.0f64..50.0, -30.0f64..54.0, 0.0f64..6.0), 1..40);
    (map, mines)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn the_join_is_that_of_brute_force(
        (map, places) in scattered(),
        radius in 0.0f64..600.0,
        kind in 0usize..4,
        turn in prop_oneof![Just(0.0), Just(1.0)],
    ) {
        // Small pixels near each other, upright, leaning and in degrees, and large ones whose edges
        // are cut into pieces; mines around them, and far in the east.
        let (size, epsg, affine) = [
            (10.0, 32649, Affine::north_up(6e5, 3.09e6, 10.0, 10.0)),
            (10.0, 32649, Affine([6e5, 7.0, 6.0, 3.09e6, 2.0, -9.0])),
            (10.0, 4326, Affine::north_up(25.0, 28.0, 1e-4, 9e-5)),
            (2000.0, 32649, Affine::north_up(6e5, 3.09e6, 2000.0, 2000.0)),
        ][kind];
        let radius = radius * size / 10.0;
        let grid = grid(epsg, affine, &map);
        let mines: Vec<Geometry<f64>> = places
            .iter()
            .map(|&(row, col, side)| {
                let (lon, lat) = place(&grid, row, col);
                let lon = lon + turn;
                // Half of the mines are points, the others boxes of some pixels.
                if side < 3.0 {
                    return Geometry::Point(Point::new(lon, lat));
                }
                let reach = side * size * 1e-6;
                Geometry::Polygon(Rect::new(coord! {x: lon, y: lat}, coord! {x: lon + reach, y: lat + reach}).to_polygon())
            })
            .collect();
        let index = MineIndex::new(&mines);
        let zones = polygonize(&map, &chosen(), Connectivity::Eight);
        let join = Join::new(&zones, &grid, &index, radius).unwrap();
        let found = join.run(|_| true).unwrap();
        for (zone, near) in found.iter().enumerate() {
            let outline = join.outline(zone);
            let corners = join.corners(zone);
            let metres: Vec<f64> = index
                .mines
                .iter()
                .enumerate()
                .map(|(id, mine)| {
                    let approach = outline.approach(&mine.outline, f64::INFINITY).unwrap();
                    let held = join.inside.contains(&(id as u32, zone as u32));
                    let meet = held || corners.iter().any(|&(lon, lat)| mine.holds(lon, lat));
                    if meet || approach.chord <= TOUCH { 0.0 } else { outline.measure(&mine.outline, &approach).0 }
                })
                .collect();
            let least = metres.iter().copied().fold(f64::INFINITY, f64::min);
            let nearest = near.nearest.unwrap();
            prop_assert_eq!(nearest.1, least);
            prop_assert_eq!(nearest.0, metres.iter().position(|&m| m == least).unwrap());
            prop_assert_eq!(near.within as usize, metres.iter().filter(|&&m| m <= radius).count());
        }
    }
}

/// A map of 30 x 30 pixels with one zone of 6 x 6 in its middle.
fn block() -> Plane<u8> {
    let within = |i: usize| (12..18).contains(&i);
    Plane {
        rows: 30,
        cols: 30,
        values: (0..900).map(|i| u8::from(within(i / 30) && within(i % 30))).collect(),
    }
}

#[test]
fn mines_inside_a_zone_are_at_no_distance_and_zones_inside_a_mine_neither() {
    let map = block();
    let grid = utm(&map);
    let (lon, lat) = place(&grid, 15.5, 15.5);
    let inside = Geometry::Point(Point::new(lon, lat));
    let near = joined(&map, &grid, &[inside], 0.0)[0];
    assert_eq!((near.nearest, near.within, near.density), (Some((0, 0.0, None)), 1, 0.0));
    // A pit around the zone; then one whose hole holds the zone, 20 m away on each side.
    let square = |half: f64| {
        let corners = [(-half, -half), (-half, half), (half, half), (half, -half)];
        geo::LineString::from_iter(corners.map(|(row, col)| place(&grid, 15.0 + row, 15.0 + col)))
    };
    let pit = Geometry::Polygon(geo::Polygon::new(square(10.0), vec![]));
    assert_eq!(joined(&map, &grid, &[pit], 10.0)[0].nearest.unwrap().1, 0.0);
    let ring = Geometry::Polygon(geo::Polygon::new(square(10.0), vec![square(5.0)]));
    let near = joined(&map, &grid, &[ring], 10.0)[0];
    // 20 m of the map are 20 m on the ground but for the scale of the projection.
    assert!((near.nearest.unwrap().1 - 20.0).abs() < 0.02, "{near:?}");
    assert_eq!(near.within, 0);
    // A pit within the zone, and one across its border.
    for at in [(14.0, 14.0), (10.5, 15.0)] {
        let corners = [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0)].map(|(r, c)| place(&grid, at.0 + r, at.1 + c));
        let pit = Geometry::Polygon(geo::Polygon::new(geo::LineString::from_iter(corners), vec![]));
        assert_eq!(joined(&map, &grid, &[pit], 10.0)[0].nearest.unwrap().1, 0.0);
    }
}

#[test]
fn a_radius_of_nothing_and_of_half_the_earth_count_what_they_should() {
    let map = block();
    let grid = utm(&map);
    let mines = [(113.0, 27.9), (-67.0, -27.9), (0.0, 90.0)].map(|p| Geometry::Point(Point::from(p)));
    assert_eq!(joined(&map, &grid, &mines, 0.0)[0].within, 0);
    assert_eq!(joined(&map, &grid, &mines, 1e7)[0].within, 2);
    assert_eq!(joined(&map, &grid, &mines, 20_040_000.0)[0].within, 3);
    assert_eq!(joined(&map, &grid, &[], 5000.0)[0], NearMines { nearest: None, within: 0, density: 0.0 });
}

#[test]
fn zones_over_the_antimeridian_find_the_mines_on_either_side() {
    let map = block();
    let grid = grid(4326, Affine::north_up(179.985, 80.015, 1e-3, 1e-3), &map);
    let mines = [(-179.99, 80.0), (179.99, 80.0), (-179.9995, 80.0)].map(|p| Geometry::Point(Point::from(p)));
    let near = joined(&map, &grid, &mines, 500.0)[0];
    assert_eq!((near.nearest, near.within), (Some((2, 0.0, None)), 3));
}

#[test]
fn bands_hold_the_area_by_distance_from_each_mine() {
    let map = Plane::filled(60, 60, 1);
    let grid = utm(&map);
    let (lon, lat) = place(&grid, 30.0, 30.0);
    let (x, y) = place(&grid, 90.0, 30.0);
    let pit = polygon![(x: x - 1e-6, y: y - 1e-6), (x: x + 1e-6, y: y - 1e-6), (x: x, y: y + 1e-6)];
    let mines = [
        Geometry::Point(Point::new(lon, lat)),
        Geometry::MultiPolygon(MultiPolygon(vec![pit])),
        Geometry::Point(Point::new(0.0, 0.0)),
    ];
    let (zones, index) = (polygonize(&map, &chosen(), Connectivity::Four), MineIndex::new(&mines));
    let join = Join::new(&zones, &grid, &index, 100.0).unwrap();
    let areas = join.bands(&[100.0, 200.0, 5000.0], &[100.0; 60], |_| true).unwrap();
    // By the centres of pixels a circle's area is its own to a percent or so.
    let circle = |metres: f64| std::f64::consts::PI * metres * metres;
    assert!((areas[0][0] / circle(100.0) - 1.0).abs() < 0.02, "{areas:?}");
    assert!((areas[0][1] / (circle(200.0) - circle(100.0)) - 1.0).abs() < 0.02);
    assert_eq!(areas[0].iter().sum::<f64>(), 360_000.0);
    assert_eq!((areas[1][..2].to_vec(), areas[1][2]), (vec![0.0, 0.0], 360_000.0));
    assert_eq!(areas[2], [0.0; 3]);
    // A square far from every band's edge is counted as a whole.
    let whole = join.bands(&[5000.0], &[100.0; 60], |_| true).unwrap();
    assert_eq!(whole[0], [360_000.0]);
}

#[test]
fn bands_are_those_of_every_pixel() {
    // Zones of all sizes over several squares of pixels, one of them cut by the map's edge.
    let strewn = |i: usize| u8::from((i * 7919) % 13 < 4 || (i % 150 > 80 && i / 150 > 70));
    let map = Plane { rows: 130, cols: 150, values: (0..130 * 150).map(strewn).collect() };
    for grid in [utm(&map), grid(4326, Affine::north_up(179.99, 60.0, 2e-4, 1e-4), &map)] {
        let globe = GlobeGrid::new(&grid).unwrap();
        let mines: Vec<Geometry<f64>> = (0..30)
            .map(|k| {
                let at = |step: f64, size: f64| (f64::from(k) * step).fract() * size * 1.4 - size * 0.2;
                let (lon, lat) = place(&grid, at(0.618_034, 130.0), at(0.414_214, 150.0));
                let reach = coord! {x: lon + 5e-4, y: lat + 4e-4};
                match k % 3 {
                    0 => Geometry::Polygon(Rect::new(coord! {x: lon, y: lat}, reach).to_polygon()),
                    _ => Geometry::Point(Point::new(lon, lat)),
                }
            })
            .collect();
        let (zones, index) = (polygonize(&map, &chosen(), Connectivity::Eight), MineIndex::new(&mines));
        let areas: Vec<f64> = (0..130).map(|row| 100.0 + f64::from(row)).collect();
        let edges = [60.0, 200.0, 550.0];
        let join = Join::new(&zones, &grid, &index, 100.0).unwrap();
        let found = join.bands(&edges, &areas, |_| true).unwrap();
        for (mine, found) in index.mines.iter().zip(&found) {
            let mut expected = [0.0; 3];
            for i in (0..map.values.len()).filter(|&i| map.values[i] == 1) {
                let (row, col) = (i / 150, i % 150);
                let chord = mine.chord_to(globe.xyz(col as f64 + 0.5, row as f64 + 0.5));
                if let Some(band) = edges.iter().position(|&edge| chord < chord_of(edge)) {
                    expected[band] += areas[row];
                }
            }
            assert_eq!(found[..], expected);
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(Some(found), pool.install(|| join.bands(&edges, &areas, |_| true)));
    }
}

#[test]
fn the_density_of_evenly_strewn_mines_is_theirs() {
    let map = block();
    let grid = utm(&map);
    // One mine a hectare over 4 km by 4 km: 100 per km2.
    let places = (0..40).flat_map(|r| (0..40).map(move |c| (r, c)));
    let mines: Vec<Geometry<f64>> = places
        .map(|(r, c)| {
            Geometry::Point(Point::from(place(
                &grid,
                f64::from(r) * 10.0 - 185.0,
                f64::from(c) * 10.0 - 185.0,
            )))
        })
        .collect();
    let near = joined(&map, &grid, &mines, 1500.0)[0];
    assert!((near.density - 100.0).abs() < 1.0, "{near:?}");
    let one = joined(&map, &grid, &mines, 1500.0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(one, pool.install(|| joined(&map, &grid, &mines, 1500.0)));
}

#[test]
fn small_zones_are_placed_like_large_ones() {
    let flat = |epsg: u32, affine: [f64; 6]| {
        let grid = grid(epsg, Affine(affine), &Plane::filled(300, 300, 0));
        let globe = GlobeGrid::new(&grid).unwrap();
        let patch = Patch::new(&globe, (200, 209), (100, 109));
        let corners = (0..=100).map(|k| (100.0 + f64::from(k % 11), 200.0 + f64::from(k / 10)));
        let off =
            corners.map(|(col, row)| chord2(patch.xyz(col - 100.0, row - 200.0), globe.xyz(col, row)).sqrt());
        (Patch::may_stand(&grid, &globe, pixel_metres(&grid)), off.fold(0.0, f64::max) < 4e-4)
    };
    // The bend of the ellipsoid, upright: it changes no distance along the ground.
    assert_eq!(flat(32649, [7e5, 10.0, 0.0, 3.09e6, 0.0, -10.0]), (true, true));
    assert_eq!(flat(4326, [25.0, 9e-5, 0.0, 28.0, 0.0, -9e-5]), (true, true));
    // At 80 degrees north a parallel bends too much.
    assert_eq!(flat(4326, [25.0, 5e-4, 0.0, 80.0, 0.0, -9e-5]), (false, false));
}
