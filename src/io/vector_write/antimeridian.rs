//! Polygons that cross the 180th meridian, cut there as RFC 7946 (3.1.9) asks.

use geo::{BooleanOps, BoundingRect, Coord, Geometry, LineString, MultiPolygon, Point, Polygon, Rect, coord};

use super::lon_lat::within;

/// Longitudes nearer to the 180th meridian than this, in degrees, lie on it.
const NEAR: f64 = 1e-8;

/// The geometry with all longitudes within -180..180: polygons that cross the 180th meridian in
/// parts. `continuous` says that longitudes run on from vertex to vertex (179, 181); else a step
/// of more than half a turn (179, -179) is one over the meridian.
pub(in crate::io) fn cut(geometry: Geometry<f64>, continuous: bool) -> Geometry<f64> {
    let point = |p: Point<f64>| Point::new(within(p.x()), p.y());
    match geometry {
        Geometry::Point(p) => point(p).into(),
        Geometry::MultiPoint(points) => {
            Geometry::MultiPoint(points.into_iter().map(point).collect::<Vec<_>>().into())
        }
        Geometry::Polygon(polygon) => {
            let mut parts = cut_polygon(polygon, continuous);
            match parts.pop() {
                Some(only) if parts.is_empty() => only.into(),
                Some(last) => {
                    parts.push(last);
                    MultiPolygon(parts).into()
                }
                None => MultiPolygon(parts).into(),
            }
        }
        Geometry::MultiPolygon(polygons) => {
            MultiPolygon(polygons.into_iter().flat_map(|p| cut_polygon(p, continuous)).collect()).into()
        }
        other => other,
    }
}

/// West and east end of a ring.
fn span(ring: &LineString<f64>) -> (f64, f64) {
    ring.0.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(w, e), c| (w.min(c.x), e.max(c.x)))
}

fn cut_polygon(polygon: Polygon<f64>, continuous: bool) -> Vec<Polygon<f64>> {
    let (west, east) = span(polygon.exterior());
    if west >= -180.0 && east <= 180.0 && (continuous || east - west < 180.0) {
        return vec![polygon];
    }
    let (mut exterior, mut holes) = polygon.into_inner();
    if !continuous {
        run_on(&mut exterior);
        let (west, east) = span(&exterior);
        for hole in &mut holes {
            run_on(hole);
            let (w, e) = span(hole);
            // The turn in which the hole lies within its exterior.
            let turns = (f64::midpoint(west, east) - f64::midpoint(w, e)) / 360.0;
            shift(hole, turns.round());
        }
    }
    let (west, east) = span(&exterior);
    let polygon = Polygon::new(exterior, holes);
    let turn = |longitude: f64| ((longitude + 180.0) / 360.0).floor() as i32;
    // An end on the meridian belongs to the turn on its inner side.
    let (first, last) = (turn(west + NEAR), turn(east - NEAR));
    if first >= last {
        return vec![into_turn(polygon, first)];
    }
    let Some(bounds) = polygon.bounding_rect() else { return vec![polygon] };
    (first..=last)
        .flat_map(|k| {
            let begin = 360.0 * f64::from(k) - 180.0;
            let margin = 0.01 * (bounds.height() + NEAR);
            let window = Rect::new(
                coord! { x: begin.max(west), y: bounds.min().y - margin },
                coord! { x: (begin + 360.0).min(east), y: bounds.max().y + margin },
            );
            let part = polygon.intersection(&window.to_polygon());
            part.into_iter().map(move |p| into_turn(p, k))
        })
        .collect()
}

/// Makes the longitudes of a ring run on from vertex to vertex. A ring around a pole, which ends
/// a turn away from its start, is led over the pole.
fn run_on(ring: &mut LineString<f64>) {
    let mut turns = 0.0;
    let mut last = ring.0.first().map_or(0.0, |c| c.x);
    for c in &mut ring.0 {
        turns -= ((c.x - last) / 360.0).round();
        last = c.x;
        c.x += 360.0 * turns;
    }
    if let (Some(&first), Some(&end)) = (ring.0.first(), ring.0.last())
        && (end.x - first.x).abs() > 180.0
    {
        let north = ring.0.iter().map(|c| c.y).sum::<f64>() > 0.0;
        let y = if north { 90.0 } else { -90.0 };
        ring.0.extend([coord! { x: end.x, y: y }, coord! { x: first.x, y: y }, first]);
    }
}

fn shift(ring: &mut LineString<f64>, turns: f64) {
    ring.0.iter_mut().for_each(|c| c.x += 360.0 * turns);
}

/// A polygon of a turn, moved to the turn around 0; what is nearly on the meridian is on it.
fn into_turn(polygon: Polygon<f64>, turn: i32) -> Polygon<f64> {
    let back = |c: &mut Coord<f64>| {
        c.x -= 360.0 * f64::from(turn);
        if c.x.abs() > 180.0 - NEAR {
            c.x = 180.0f64.copysign(c.x);
        }
    };
    let (mut exterior, mut holes) = polygon.into_inner();
    for ring in std::iter::once(&mut exterior).chain(&mut holes) {
        ring.0.iter_mut().for_each(back);
    }
    Polygon::new(exterior, holes)
}

#[cfg(test)]
mod tests {
    use geo::{Area, Validation, polygon};

    use super::*;

    fn parts(geometry: Geometry<f64>) -> Vec<Polygon<f64>> {
        match geometry {
            Geometry::Polygon(p) => vec![p],
            Geometry::MultiPolygon(m) => m.0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_polygon_with_a_hole_over_the_meridian_is_cut_in_two() {
        let east = polygon!(
            exterior: [(x: 179.0, y: 10.0), (x: -179.0, y: 10.0), (x: -179.0, y: 12.0), (x: 179.0, y: 12.0)],
            interiors: [[(x: 179.5, y: 10.5), (x: 179.5, y: 11.5), (x: -179.5, y: 11.5), (x: -179.5, y: 10.5)]],
        );
        for (start, continuous) in [(east.clone(), false), (run_on_all(&east), true)] {
            let cut = parts(cut(start.into(), continuous));
            assert_eq!(cut.len(), 2, "{cut:?}");
            let area: f64 = cut.iter().map(Area::unsigned_area).sum();
            assert!((area - 3.0).abs() < 1e-6, "{area}");
            for part in &cut {
                assert!(part.is_valid());
                let (w, e) = span(part.exterior());
                assert!((w, e) == (-180.0, -179.0) || (w, e) == (179.0, 180.0), "{w} {e}");
            }
        }
    }

    fn run_on_all(polygon: &Polygon<f64>) -> Polygon<f64> {
        let (mut exterior, mut holes) = polygon.clone().into_inner();
        run_on(&mut exterior);
        holes.iter_mut().for_each(run_on);
        Polygon::new(exterior, holes)
    }

    #[test]
    fn what_only_touches_the_meridian_stays_whole() {
        let touching = polygon![(x: -180.0, y: 1.0), (x: 179.5, y: 2.0), (x: 179.5, y: 1.0)];
        let whole = parts(cut(touching.into(), false));
        assert_eq!(whole.len(), 1);
        assert_eq!(span(whole[0].exterior()), (179.5, 180.0));
    }

    #[test]
    fn a_turn_further_is_brought_back() {
        let far = polygon![(x: 361.0, y: 1.0), (x: 362.0, y: 1.0), (x: 361.5, y: 2.0)];
        assert_eq!(span(parts(cut(far.into(), true))[0].exterior()), (1.0, 2.0));
        assert_eq!(cut(Point::new(190.0, 3.0).into(), true), Point::new(-170.0, 3.0).into());
    }

    #[test]
    fn a_polygon_around_the_pole_covers_it() {
        let ring: Vec<(f64, f64)> = (0..36).map(|i| (within(f64::from(i) * 10.0), 80.0)).collect();
        let cut = parts(cut(Polygon::new(ring.into(), Vec::new()).into(), false));
        let area: f64 = cut.iter().map(Area::unsigned_area).sum();
        assert!((area - 3600.0).abs() < 1e-3, "{area}");
    }
}
