//! Whether rings keep apart from each other, in the time of a sort.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound;

use geo::kernels::{Kernel, Orientation, RobustKernel};
use geo::{Coord, Intersects, Line, LineString, MultiPolygon, Winding};

/// Whether no ring of the polygons touches or crosses itself or another one, every hole lies in its
/// polygon, and no polygon lies in another. Such polygons are valid. Others may be valid too, since rings
/// may touch in points.
///
/// A sweep over the edges (Shamos and Hoey 1976), `O(n log n)` for `n` vertices; comparing all pairs of
/// edges takes hours for some hundred thousand vertices.
///
/// ```
/// use geo::{MultiPolygon, polygon};
/// use rededge::vector::rings_are_disjoint;
///
/// let square = polygon![(x: 0., y: 0.), (x: 1., y: 0.), (x: 1., y: 1.), (x: 0., y: 1.)];
/// assert!(rings_are_disjoint(&MultiPolygon(vec![square])));
/// let crossed = polygon![(x: 0., y: 0.), (x: 1., y: 1.), (x: 1., y: 0.), (x: 0., y: 1.)];
/// assert!(!rings_are_disjoint(&MultiPolygon(vec![crossed])));
/// ```
pub fn rings_are_disjoint(polygons: &MultiPolygon<f64>) -> bool {
    let mut rings = Vec::new();
    let mut edges = Vec::new();
    for (part, polygon) in polygons.iter().enumerate() {
        let exterior = (polygon.exterior(), false);
        for (ring, hole) in std::iter::once(exterior).chain(polygon.interiors().iter().map(|r| (r, true))) {
            if !add_edges(ring, rings.len(), &mut edges) {
                return false;
            }
            rings.push(Ring { part, hole, counter_clockwise: ring.is_ccw() });
        }
    }
    sweep(&rings, &edges)
}

struct Ring {
    /// The polygon it belongs to.
    part: usize,
    hole: bool,
    counter_clockwise: bool,
}

/// An edge from its left to its right end; of a vertical one, from the lower to the upper.
#[derive(Clone, Copy)]
struct Edge {
    left: Coord<f64>,
    right: Coord<f64>,
    /// Index of its ring.
    ring: usize,
    /// Whether the ring runs from the left to the right end.
    forward: bool,
}

fn order(a: Coord<f64>, b: Coord<f64>) -> Ordering {
    a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y))
}

/// Adds the edges of a ring; `false` for a ring with fewer than three edges or with a vertex of no number.
fn add_edges(ring: &LineString<f64>, index: usize, edges: &mut Vec<Edge>) -> bool {
    let before = edges.len();
    for Line { start, end } in ring.lines() {
        if ![start.x, start.y, end.x, end.y].iter().all(|v| v.is_finite()) {
            return false;
        }
        // `+ 0.0` makes -0 and 0 one value.
        let [start, end] = [start, end].map(|c| Coord { x: c.x + 0.0, y: c.y + 0.0 });
        match order(start, end) {
            Ordering::Less => edges.push(Edge { left: start, right: end, ring: index, forward: true }),
            Ordering::Greater => edges.push(Edge { left: end, right: start, ring: index, forward: false }),
            // A repeated vertex.
            Ordering::Equal => {}
        }
    }
    edges.len() - before >= 3
}

/// An edge that the sweep line meets, ordered from bottom to top.
#[derive(Clone, Copy)]
struct Active<'a> {
    edges: &'a [Edge],
    index: usize,
}

impl Active<'_> {
    fn edge(&self) -> &Edge {
        &self.edges[self.index]
    }
}

impl Ord for Active<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.index == other.index {
            return Ordering::Equal;
        }
        let (a, b) = (self.edge(), other.edge());
        // The one that begins first is the line, the other one's left end lies above or below.
        if order(a.left, b.left).is_le() {
            side(a, b).then(self.index.cmp(&other.index))
        } else {
            side(b, a).reverse().then(self.index.cmp(&other.index))
        }
    }
}

impl PartialOrd for Active<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Active<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl Eq for Active<'_> {}

/// Whether `first` lies below `second`, which begins at the same place or later.
fn side(first: &Edge, second: &Edge) -> Ordering {
    let of = |place| match RobustKernel::orient2d(first.left, first.right, place) {
        Orientation::CounterClockwise => Ordering::Less,
        Orientation::Clockwise => Ordering::Greater,
        Orientation::Collinear => Ordering::Equal,
    };
    of(second.left).then_with(|| of(second.right))
}

/// Whether two edges meet elsewhere than in the vertex that joins them.
fn meet(a: &Edge, b: &Edge) -> bool {
    let start = |e: &Edge| if e.forward { e.left } else { e.right };
    let end = |e: &Edge| if e.forward { e.right } else { e.left };
    let joined = a.ring == b.ring && (start(a) == end(b) || end(a) == start(b));
    if !joined {
        return Line::new(a.left, a.right).intersects(&Line::new(b.left, b.right));
    }
    // Joined edges meet elsewhere only where one runs back over the other.
    let back = a.left == b.left || a.right == b.right;
    back && side(a, b) == Ordering::Equal
}

fn sweep(rings: &[Ring], edges: &[Edge]) -> bool {
    // Ends before beginnings at the same place, so that edges that follow each other are not both active.
    let mut events: Vec<(Coord<f64>, bool, usize)> = Vec::with_capacity(2 * edges.len());
    for (index, edge) in edges.iter().enumerate() {
        events.push((edge.left, true, index));
        events.push((edge.right, false, index));
    }
    events.sort_unstable_by(|a, b| order(a.0, b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    if visited_twice(&events) {
        return false;
    }
    let mut active: BTreeSet<Active> = BTreeSet::new();
    let mut seen = vec![false; rings.len()];
    for (_, begins, index) in events {
        let this = Active { edges, index };
        let edge = this.edge();
        if !begins {
            active.remove(&this);
        }
        let below = active.range((Bound::Unbounded, Bound::Excluded(this))).next_back().copied();
        let above = active.range((Bound::Excluded(this), Bound::Unbounded)).next().copied();
        if begins {
            if [below, above].iter().flatten().any(|near| meet(near.edge(), edge)) {
                return false;
            }
            if !std::mem::replace(&mut seen[edge.ring], true) && !placed(rings, edge.ring, below) {
                return false;
            }
            active.insert(this);
        } else if let (Some(below), Some(above)) = (below, above)
            && meet(below.edge(), above.edge())
        {
            return false;
        }
    }
    true
}

/// Whether more than two edges share an end: rings touch there.
fn visited_twice(events: &[(Coord<f64>, bool, usize)]) -> bool {
    events.windows(3).any(|w| w[0].0 == w[1].0 && w[1].0 == w[2].0)
}

/// Whether a ring that begins above the edge `below` lies where it may: a hole in its polygon, an exterior
/// outside of all polygons.
fn placed(rings: &[Ring], ring: usize, below: Option<Active>) -> bool {
    let ring = &rings[ring];
    let around = below.and_then(|below| {
        let edge = below.edge();
        let of = &rings[edge.ring];
        let inside_ring = edge.forward == of.counter_clockwise;
        (inside_ring != of.hole).then_some(of.part)
    });
    if ring.hole { around == Some(ring.part) } else { around.is_none() }
}

#[cfg(test)]
mod tests {
    use geo::{Validation, polygon};
    use proptest::prelude::*;

    use super::*;

    fn one(polygon: geo::Polygon<f64>) -> bool {
        rings_are_disjoint(&MultiPolygon(vec![polygon]))
    }

    /// A star with spikes to the left and to the right whose boxes overlap.
    fn star(vertices: u32) -> geo::Polygon<f64> {
        let place = |i: u32| {
            let turn = f64::from(i) / f64::from(vertices) * std::f64::consts::TAU;
            let radius = if i % 2 == 1 { 0.6 } else { 1.0 };
            (turn.cos() * radius, turn.sin() * radius)
        };
        geo::Polygon::new((0..vertices).map(place).collect(), Vec::new())
    }

    #[test]
    fn holes_and_parts_are_told_from_those_out_of_place() {
        let square = |x: f64, y: f64, size: f64| {
            LineString::from(vec![(x, y), (x + size, y), (x + size, y + size), (x, y + size)])
        };
        let with = |holes: Vec<LineString<f64>>| geo::Polygon::new(square(0.0, 0.0, 10.0), holes);
        assert!(one(with(vec![square(1.0, 1.0, 2.0), square(5.0, 5.0, 2.0)])));
        assert!(!one(with(vec![square(11.0, 1.0, 2.0)])), "a hole outside");
        assert!(!one(with(vec![square(1.0, 1.0, 5.0), square(2.0, 2.0, 2.0)])), "a hole in a hole");
        assert!(!one(with(vec![square(-1.0, 1.0, 2.0)])), "a hole over the border");
        let island = geo::Polygon::new(square(2.0, 2.0, 2.0), Vec::new());
        let lake = with(vec![square(1.0, 1.0, 5.0)]);
        assert!(rings_are_disjoint(&MultiPolygon(vec![lake.clone(), island.clone()])));
        assert!(!rings_are_disjoint(&MultiPolygon(vec![with(Vec::new()), island])), "a part in a part");
        assert!(!one(polygon![(x: 0., y: 0.), (x: 4., y: 0.), (x: 2., y: 0.), (x: 2., y: 2.)]), "a spike");
        assert!(!one(
            polygon![(x: 0., y: 0.), (x: 2., y: 2.), (x: 4., y: 0.), (x: 4., y: 4.), (x: 2., y: 2.), (x: 0., y: 4.)]
        ));
    }

    #[test]
    fn polygons_of_many_vertices_are_checked_without_comparing_all_pairs() {
        // All pairs would be 10^10.
        let mut polygon = star(100_000);
        assert!(one(polygon.clone()));
        polygon.exterior_mut(|ring| ring.0.swap(10, 12));
        assert!(!one(polygon));
    }

    proptest! {
        #[test]
        fn disjoint_rings_are_valid_and_valid_ones_that_do_not_touch_are_disjoint(
            rings in prop::collection::vec(prop::collection::vec((0..9_i8, 0..9_i8), 3..7), 1..4),
        ) {
            let ring = |places: &Vec<(i8, i8)>| -> LineString<f64> {
                places.iter().map(|&(x, y)| (f64::from(x), f64::from(y))).collect()
            };
            let polygon = geo::Polygon::new(ring(&rings[0]), rings[1..].iter().map(ring).collect());
            let all: Vec<&LineString<f64>> = std::iter::once(polygon.exterior()).chain(polygon.interiors()).collect();
            let mut vertices: Vec<Coord<f64>> = all.iter().flat_map(|r| r.0[1..].iter().copied()).collect();
            vertices.sort_by(|a, b| order(*a, *b));
            let touching = vertices.windows(2).any(|w| w[0] == w[1])
                || all.iter().enumerate().any(|(k, a)| all[k + 1..].iter().any(|b| a.intersects(*b)));
            // geo does not compare edges that follow each other, one of which may run back over the other.
            let spike = all.iter().any(|ring| {
                let edges: Vec<(f64, f64)> =
                    ring.lines().map(|l| (l.dx(), l.dy())).filter(|d| *d != (0.0, 0.0)).collect();
                let next = edges.iter().cycle().skip(1);
                edges.iter().zip(next).any(|(a, b)| a.0 * b.1 == a.1 * b.0 && a.0 * b.0 + a.1 * b.1 < 0.0)
            });
            let disjoint = one(polygon.clone());
            prop_assert!(!disjoint || polygon.is_valid(), "{polygon:?}");
            prop_assert!(disjoint || touching || spike || !polygon.is_valid(), "{polygon:?}");
        }
    }
}
