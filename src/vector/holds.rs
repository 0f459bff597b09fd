//! Whether a place lies in polygons, asked many times.

use geo::kernels::{Kernel, Orientation, RobustKernel};
use geo::{BoundingRect, Coord, Intersects, Line, MultiPolygon, Polygon, Rect};

/// Edges, or stretches of edges, that are passed over together.
const STRETCH: usize = 32;

/// Polygons whose edges are found by their height: a place looks at those that its parallel crosses.
#[derive(Clone, Debug)]
pub struct PolygonIndex(Vec<Indexed>);

#[derive(Clone, Debug)]
struct Indexed {
    bounds: Rect<f64>,
    /// By their lower ends, each from the lower to the upper.
    edges: Vec<Line<f64>>,
    /// The highest upper end of each [`STRETCH`] edges, of each [`STRETCH`] of these, and so on.
    highest: Vec<Vec<f64>>,
}

impl PolygonIndex {
    /// Indexes polygons.
    pub fn new(polygons: &MultiPolygon<f64>) -> Self {
        Self(polygons.iter().filter_map(Indexed::of).collect())
    }

    /// Whether a place lies in a polygon or on its border, holes left out.
    pub fn holds(&self, place: Coord<f64>) -> bool {
        self.0.iter().any(|polygon| polygon.holds(place, &mut 0))
    }
}

impl Indexed {
    fn of(polygon: &Polygon<f64>) -> Option<Self> {
        let bounds = polygon.bounding_rect()?;
        let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
        let upward = |line: Line<f64>| {
            if line.start.y <= line.end.y { line } else { Line::new(line.end, line.start) }
        };
        let mut edges: Vec<Line<f64>> = rings.flat_map(geo::LineString::lines).map(upward).collect();
        edges.sort_unstable_by(|a, b| a.start.y.total_cmp(&b.start.y));
        let mut highest: Vec<Vec<f64>> = Vec::new();
        let most = |heights: &mut dyn Iterator<Item = f64>| heights.fold(f64::NEG_INFINITY, f64::max);
        if edges.len() > STRETCH {
            highest.push(edges.chunks(STRETCH).map(|part| most(&mut part.iter().map(|e| e.end.y))).collect());
        }
        while let Some(last) = highest.last().filter(|level| level.len() > STRETCH) {
            let next = last.chunks(STRETCH).map(|part| most(&mut part.iter().copied())).collect();
            highest.push(next);
        }
        Some(Self { bounds, edges, highest })
    }

    /// Whether a place lies in it; counts the edges that were looked at.
    fn holds(&self, place: Coord<f64>, looked: &mut usize) -> bool {
        if !self.bounds.intersects(&place) {
            return false;
        }
        let below = self.edges.partition_point(|edge| edge.start.y <= place.y);
        let (mut inside, mut on_border) = (false, false);
        let mut look = |edges: &[Line<f64>]| {
            for edge in edges.iter().filter(|edge| edge.end.y >= place.y) {
                *looked += 1;
                let (a, b) = (edge.start, edge.end);
                let (west, east) = (a.x.min(b.x), a.x.max(b.x));
                if place.x > east {
                    continue;
                }
                on_border |= place.x >= west && edge.intersects(&place);
                let left =
                    place.x < west || RobustKernel::orient2d(a, b, place) == Orientation::CounterClockwise;
                inside ^= left && place.y < b.y;
            }
        };
        self.descend(self.highest.len(), 0..1, below, place.y, &mut look);
        inside || on_border
    }

    /// Hands over the edges among the first `below` that may reach `y`. A level's entries stand for
    /// [`STRETCH`] of the level below it; under the last come the edges.
    fn descend(
        &self,
        level: usize,
        entries: std::ops::Range<usize>,
        below: usize,
        y: f64,
        look: &mut dyn FnMut(&[Line<f64>]),
    ) {
        let Some(level) = level.checked_sub(1) else {
            let edges = entries.start * STRETCH..(entries.end * STRETCH).min(below);
            // Few edges have no levels above them, and one entry stands for all.
            let edges = if self.highest.is_empty() { 0..below } else { edges };
            return look(self.edges.get(edges).unwrap_or_default());
        };
        let heights = &self.highest[level];
        let whole = level + 1 == self.highest.len();
        let range = if whole {
            0..heights.len()
        } else {
            entries.start * STRETCH..(entries.end * STRETCH).min(heights.len())
        };
        for entry in range.filter(|&entry| heights[entry] >= y) {
            self.descend(level, entry..entry + 1, below, y, look);
        }
    }
}

#[cfg(test)]
mod tests {
    use geo::{LineString, Point, polygon};

    use super::*;
    use crate::vector::tests::star;

    #[test]
    fn places_lie_inside_where_geo_says_so() {
        let pierced = polygon!(
            exterior: [(x: 0., y: 0.), (x: 8., y: 0.), (x: 8., y: 8.), (x: 4., y: 4.), (x: 0., y: 8.)],
            interiors: [[(x: 2., y: 1.), (x: 4., y: 1.), (x: 4., y: 3.), (x: 2., y: 3.)]],
        );
        let overlapping =
            MultiPolygon(vec![pierced.clone(), polygon![(x: 3., y: 1.), (x: 9., y: 1.), (x: 9., y: 3.)]]);
        for polygons in [MultiPolygon(vec![pierced]), overlapping, MultiPolygon(vec![star(4000, 8.0)])] {
            let index = PolygonIndex::new(&polygons);
            for i in -20..=180 {
                for j in -20..=180 {
                    let place = Coord { x: f64::from(i) / 20.0, y: f64::from(j) / 20.0 };
                    assert_eq!(index.holds(place), polygons.intersects(&Point(place)), "{place:?}");
                }
            }
            for corner in polygons.iter().flat_map(|p| p.exterior().coords()).take(500) {
                assert!(index.holds(*corner), "{corner:?}");
            }
        }
        let empty = PolygonIndex::new(&MultiPolygon(vec![Polygon::new(LineString::new(Vec::new()), vec![])]));
        assert!(!empty.holds(Coord { x: 0., y: 0. }));
    }

    #[test]
    fn a_place_looks_at_the_edges_at_its_height_alone() {
        let circle: LineString<f64> = (0..300_000)
            .map(|i| f64::from(i) / 300_000.0 * std::f64::consts::TAU)
            .map(|turn| (turn.cos(), turn.sin()))
            .collect();
        let index = Indexed::of(&Polygon::new(circle, Vec::new())).unwrap();
        let mut looked = 0;
        for k in 0..1000 {
            let y = f64::from(k) / 600.0 - 0.8;
            assert!(index.holds(Coord { x: 0.1, y }, &mut looked) || y.abs() > 0.99);
        }
        assert!(looked < 10_000, "{looked} edges for 1000 places");
    }
}
