//! Polygons of zones held against references, and against the pixels of random maps.

use geo::{Area, Distance, Relate, Validation};
use proptest::prelude::*;

use super::*;
use crate::crs::{Crs, GeoBox};
use crate::vector::cover;

type Corners = Vec<(i64, i64)>;

const EIGHT: Connectivity = Connectivity::Eight;

fn chosen(codes: impl IntoIterator<Item = u8>) -> [bool; 256] {
    let mut chosen = [false; 256];
    codes.into_iter().for_each(|c| chosen[usize::from(c)] = true);
    chosen
}

/// A pixel grid whose map coordinates are columns and negative rows.
fn plain() -> Affine {
    Affine::north_up(0.0, 0.0, 1.0, 1.0)
}

/// A ring without what a drawing does not show: where it starts, which way it runs, corners on a
/// straight line.
fn canonical(mut ring: Corners) -> Corners {
    let count = ring.len();
    let bend = |i: usize| {
        let (a, b, c) = (ring[(i + count - 1) % count], ring[i], ring[(i + 1) % count]);
        (b.0 - a.0) * (c.1 - b.1) != (b.1 - a.1) * (c.0 - b.0)
    };
    let bends: Vec<usize> = (0..count).filter(|&i| bend(i)).collect();
    ring = bends.into_iter().map(|i| ring[i]).collect();
    let least = ring.iter().enumerate().min_by_key(|p| p.1).map_or(0, |p| p.0);
    ring.rotate_left(least);
    if ring[1] > ring[ring.len() - 1] {
        ring[1..].reverse();
    }
    ring
}

/// Polygons as exterior and holes, all sorted.
fn drawn(polygons: Vec<Vec<Corners>>) -> Vec<Vec<Corners>> {
    let mut polygons: Vec<Vec<Corners>> = polygons
        .into_iter()
        .map(|rings| {
            let mut rings: Vec<Corners> = rings.into_iter().map(canonical).collect();
            rings[1..].sort();
            rings
        })
        .collect();
    polygons.sort();
    polygons
}

fn corners(ring: &LineString<f64>) -> Corners {
    ring.coords().take(ring.0.len() - 1).map(|c| (c.x as i64, -c.y as i64)).collect()
}

#[test]
fn polygons_are_those_of_gdal() {
    #[derive(serde::Deserialize)]
    struct Reference {
        cases: Vec<Case>,
    }
    #[derive(serde::Deserialize)]
    struct Case {
        connectivity: u8,
        rows: Vec<String>,
        zones: Vec<ReferenceZone>,
    }
    #[derive(serde::Deserialize)]
    struct ReferenceZone {
        code: u8,
        polygons: Vec<Vec<Corners>>,
    }
    let text = include_str!("../../../tests/reference/polygonize/maps.json");
    let reference: Reference = serde_json::from_str(text).unwrap();
    assert_eq!(reference.cases.len(), 12);
    for case in reference.cases {
        let values: Vec<u8> = case.rows.iter().flat_map(|r| r.bytes().map(|b| b - b'0')).collect();
        let map = Plane { rows: case.rows.len(), cols: case.rows[0].len(), values };
        let connectivity = if case.connectivity == 8 { EIGHT } else { Connectivity::Four };
        let zones = polygonize(&map, &chosen(1..=9), connectivity);
        let mut ours: Vec<_> = (0..zones.zones.len())
            .map(|zone| {
                let polygon = zones.polygon(zone, &plain());
                let rings = |p: &Polygon<f64>| {
                    std::iter::once(p.exterior()).chain(p.interiors()).map(corners).collect::<Vec<_>>()
                };
                (drawn(polygon.0.iter().map(rings).collect()), zones.zones[zone].code)
            })
            .collect();
        let mut theirs: Vec<_> = case.zones.into_iter().map(|z| (drawn(z.polygons), z.code)).collect();
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs);
    }
}

/// Everything that must hold of the zones of any map.
fn check(map: &Plane<u8>, chosen: &[bool; 256], connectivity: Connectivity) {
    let grid = GeoBox {
        rows: map.rows,
        cols: map.cols,
        affine: Affine::north_up(5.0e5, 3.0e6, 10.0, 10.0),
        crs: Crs::from_epsg(32649).unwrap(),
    };
    let zones = polygonize(map, chosen, connectivity);
    let mut owner = vec![None; map.values.len()];
    for (id, zone) in zones.zones.iter().enumerate() {
        let polygon = zones.polygon(id, &grid.affine);
        assert!(polygon.is_valid(), "{polygon:?}");
        assert!(polygon.signed_area() > 0.0, "exteriors run counter-clockwise");
        assert!((polygon.unsigned_area() - zone.pixels as f64 * 100.0).abs() < 1e-9 * 1e4);
        for part in &polygon {
            for span in cover::spans(&grid, part).unwrap() {
                for col in span.cols() {
                    assert_eq!(zones.zone_at(span.row, col), Some(id));
                    assert_eq!(map.get(span.row, col), zone.code);
                    assert!(owner[span.row * map.cols + col].replace(id).is_none());
                }
            }
        }
    }
    let covered = owner.iter().flatten().count() as u64;
    assert_eq!(covered, zones.zones.iter().map(|z| z.pixels).sum::<u64>());
    assert_eq!(covered as usize, map.values.iter().filter(|&&v| chosen[usize::from(v)]).count());
}

/// Everything that must hold of simplified zones.
fn check_simplified(map: &Plane<u8>, chosen: &[bool; 256], connectivity: Connectivity, tolerance: f64) {
    let mut zones = polygonize(map, chosen, connectivity);
    let before = zones.clone();
    zones.simplify((1.0, 1.0), tolerance);
    let all: Vec<MultiPolygon<f64>> = (0..zones.zones.len()).map(|z| zones.polygon(z, &plain())).collect();
    for (id, polygon) in all.iter().enumerate() {
        assert!(polygon.is_valid(), "{polygon:?}");
        assert!(polygon.signed_area() > 0.0);
        // No corner that is gone lies farther from the border than asked.
        for ring in before.pixel_rings(id) {
            for (row, col) in ring {
                let at = geo::Point::new(f64::from(col), -f64::from(row));
                let lines = polygon.0.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()));
                let off = lines.map(|l| geo::Euclidean.distance(&at, l)).fold(f64::INFINITY, f64::min);
                assert!(off <= tolerance + 1e-9, "{off}");
            }
        }
    }
    for (i, a) in all.iter().enumerate() {
        for b in &all[..i] {
            let relation = a.relate(b);
            assert!(
                !relation.is_overlaps() && !relation.is_within() && !relation.is_contains(),
                "{a:?} {b:?}"
            );
        }
    }
    if map.values.iter().all(|&v| chosen[usize::from(v)]) {
        // A map without gaps stays one; only its outer border may be cut off.
        let area: f64 = all.iter().map(Area::unsigned_area).sum();
        let outline =
            polygonize(&Plane { values: vec![1; map.values.len()], ..*map }, &self::chosen([1]), EIGHT);
        assert!(area <= outline.polygon(0, &plain()).unsigned_area() + 1e-9);
    }
}

fn maps() -> impl Strategy<Value = Plane<u8>> {
    (1usize..14, 1usize..14, 1u8..4).prop_flat_map(|(rows, cols, classes)| {
        proptest::collection::vec(0..=classes, rows * cols).prop_map(move |values| Plane {
            rows,
            cols,
            values,
        })
    })
}

proptest! {
    #[test]
    fn zones_of_any_map_are_valid_and_hold_their_pixels(map in maps()) {
        for connectivity in [Connectivity::Four, EIGHT] {
            check(&map, &chosen(1..=9), connectivity);
            check(&map, &chosen([2]), connectivity);
            check(&map, &chosen(0..=9), connectivity);
        }
    }

    #[test]
    fn simplified_zones_of_any_map_are_valid_and_overlap_nowhere(map in maps(), tolerance in 0.3f64..4.0) {
        for connectivity in [Connectivity::Four, EIGHT] {
            check_simplified(&map, &chosen(1..=9), connectivity, tolerance);
            check_simplified(&map, &chosen(0..=9), connectivity, tolerance);
        }
    }
}

#[test]
fn wide_maps_with_long_runs_are_followed_too() {
    let (rows, cols) = (40, 700);
    let values = (0..rows * cols).map(|i| u8::from((i % cols) / 37 % 3 == (i / cols) / 11 % 2)).collect();
    check(&Plane { rows, cols, values }, &chosen([1]), EIGHT);
}

#[test]
fn a_staircase_becomes_a_slope_and_neighbours_keep_one_border() {
    // Two classes that meet along a diagonal: the border between them becomes one straight line.
    let map =
        Plane { rows: 40, cols: 40, values: (0..1600).map(|i| 1 + u8::from(i % 40 > i / 40)).collect() };
    let mut zones = polygonize(&map, &chosen([1, 2]), EIGHT);
    zones.simplify((10.0, 10.0), 10.0);
    let all: Vec<_> = (0..2).map(|z| zones.polygon(z, &plain())).collect();
    let count = |p: &MultiPolygon<f64>| p.0[0].exterior().0.len();
    assert!(count(&all[0]) < 10 && count(&all[1]) < 10, "{all:?}");
    let area: f64 = all.iter().map(Area::unsigned_area).sum();
    // Only at the map's outer corners something may be cut off.
    assert!(area > 1500.0, "{area}");
    check_simplified(&map, &chosen([1, 2]), EIGHT, 1.0);
}

#[test]
fn an_empty_map_has_no_zone() {
    let map = Plane::filled(7, 5, 0);
    let mut zones = polygonize(&map, &chosen([2]), EIGHT);
    zones.simplify((1.0, 1.0), 2.0);
    assert!(zones.zones.is_empty() && zones.corners() == 0 && zones.zone_at(3, 3).is_none());
}
