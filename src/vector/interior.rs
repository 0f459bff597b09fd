//! A point inside a geometry, by one line through it.
//!
//! The same point as `geo::InteriorPoint`, which compares all edges with each other and then relates the
//! whole polygon to each candidate: minutes and a gigabyte for 300,000 vertices.

use geo::{BoundingRect, Centroid, Coord, Distance, Euclidean, Geometry, InteriorPoint, Point, Polygon};

/// A point within a geometry; for an area on the widest stretch of a horizontal line through its middle.
/// `None` where the geometry is empty.
pub fn interior_point(geometry: &Geometry<f64>) -> Option<Point<f64>> {
    match geometry {
        Geometry::Polygon(polygon) => widest(polygon).map(|(point, _)| point),
        Geometry::MultiPolygon(polygons) => {
            let wider = |best: (Point<f64>, f64), next: (Point<f64>, f64)| {
                if next.1 > best.1 { next } else { best }
            };
            polygons.iter().filter_map(widest).reduce(wider).map(|(point, _)| point)
        }
        Geometry::GeometryCollection(parts) => {
            let area = |g: &&Geometry<f64>| matches!(g, Geometry::Polygon(_) | Geometry::MultiPolygon(_));
            if !parts.iter().any(|part| area(&part)) {
                return parts.interior_point();
            }
            let centre = parts.centroid()?;
            let points = parts.iter().filter(area).filter_map(interior_point);
            points.min_by(|a, b| Euclidean.distance(*a, centre).total_cmp(&Euclidean.distance(*b, centre)))
        }
        other => other.interior_point(),
    }
}

/// The middle of the widest stretch inside a polygon, and its width.
fn widest(polygon: &Polygon<f64>) -> Option<(Point<f64>, f64)> {
    let bounds = polygon.bounding_rect()?;
    let rings = || std::iter::once(polygon.exterior()).chain(polygon.interiors());
    // Between two vertices, so that the line crosses edges and touches none.
    let mut y = f64::midpoint(bounds.min().y, bounds.max().y);
    let others = || rings().flat_map(geo::LineString::coords).map(|c| c.y).filter(|&other| other != y);
    if rings().flat_map(geo::LineString::coords).any(|c| c.y == y)
        && let Some(nearest) = others().min_by(|a, b| (a - y).abs().total_cmp(&(b - y).abs()))
    {
        y = f64::midpoint(y, nearest);
    }
    let mut crossings: Vec<f64> = Vec::new();
    for line in rings().flat_map(geo::LineString::lines) {
        let (a, b) = if line.start.y <= line.end.y { (line.start, line.end) } else { (line.end, line.start) };
        if a.y <= y && y < b.y {
            crossings.push(a.x + (b.x - a.x) * ((y - a.y) / (b.y - a.y)));
        }
    }
    crossings.sort_unstable_by(f64::total_cmp);
    let stretches = crossings.as_chunks::<2>().0.iter().map(|&[from, to]| {
        let middle = Coord { x: f64::midpoint(from, to), y };
        (Point(middle), to - from)
    });
    let found = stretches.reduce(|best, next| if next.1 > best.1 { next } else { best });
    // A polygon without height has nothing above or below any line.
    found.or_else(|| Some((Point::new(f64::midpoint(bounds.min().x, bounds.max().x), y), 0.0)))
}

#[cfg(test)]
mod tests {
    use geo::{LineString, MultiPolygon, Relate, polygon};

    use super::*;
    use crate::vector::tests::star;

    #[test]
    fn the_point_is_that_of_geo() {
        let hole: Geometry<f64> = polygon!(
            exterior: [(x: 0., y: 0.), (x: 10., y: 1.), (x: 9., y: 9.), (x: 0., y: 8.)],
            interiors: [[(x: 2., y: 2.), (x: 6., y: 2.), (x: 6., y: 7.), (x: 2., y: 7.)]],
        )
        .into();
        let far: Polygon<f64> = polygon![(x: 20., y: 0.), (x: 21., y: 0.), (x: 20.5, y: 3.)];
        let Geometry::Polygon(first) = hole.clone() else { unreachable!() };
        let both: Geometry<f64> = MultiPolygon(vec![far.clone(), first]).into();
        let parts =
            Geometry::GeometryCollection(vec![Point::new(3., 3.).into(), far.into(), hole.clone()].into());
        let line: Geometry<f64> = LineString::from(vec![(0., 0.), (1., 1.), (2., 0.)]).into();
        for geometry in [hole, both, parts, line, star(40, 1.0).into(), Point::new(1., 2.).into()] {
            let (own, other) = (interior_point(&geometry).unwrap(), geometry.interior_point().unwrap());
            assert!(Euclidean.distance(own, other) < 1e-9, "{geometry:?}: {own:?} {other:?}");
        }
        let nothing: Geometry<f64> = Polygon::new(LineString::new(Vec::new()), Vec::new()).into();
        assert_eq!(interior_point(&nothing), None);
        let flat: Geometry<f64> = polygon![(x: 0., y: 1.), (x: 4., y: 1.), (x: 2., y: 1.)].into();
        assert_eq!(interior_point(&flat), Some(Point::new(2., 1.)));
    }

    #[test]
    fn a_large_polygon_has_its_point_at_once() {
        let star = star(300_000, 0.05);
        let point = interior_point(&star.clone().into()).unwrap();
        let (x, y) = point.x_y();
        // The tips lie between these circles.
        assert!(x.hypot(y) < 0.05, "{point:?}");
        let small = crate::vector::tests::star(300, 0.05);
        assert!(small.relate(&interior_point(&small.clone().into()).unwrap()).is_contains());
    }
}
