//! Outlines in space: the distance between two of them on the ellipsoid.
//!
//! An outline is cut into pieces of at most [`PIECE`] metres, which leave any reasonable line
//! between their ends (a straight line of the map, of longitude and latitude, a geodesic) by less
//! than a third of a millimetre, up to 80 degrees north. The nearest pieces are found by straight distances in space and
//! measured by geodesics (Karney 2013).

use geographiclib_rs::{Geodesic, InverseGeodesic};

use std::ops::Range;
use std::sync::LazyLock;

use crate::crs::earth::{self, Xyz, chord2, lon_lat};

/// Metres up to which a chord tells its geodesic.
const SHORT: f64 = 20_000.0;
/// Longest piece of an outline in metres.
pub const PIECE: f64 = 50.0;
/// Pieces that are passed over together.
const CHUNK: usize = 32;
/// Least and largest radius that make an arc of a chord longer and shorter than any geodesic of
/// WGS 84 over the same chord is.
const RADII: (f64, f64) = (6_330_000.0, 6_410_000.0);
/// Chords beyond this, metres, bound nothing from above.
const LONG_CHORD: f64 = 12_000_000.0;
/// Metres that sums and roots may be off.
const ROUNDING: f64 = 1e-6;
/// No two points lie farther apart, metres.
const HALF_AROUND: f64 = 20_038_000.0;

static WGS84: LazyLock<Geodesic> = LazyLock::new(Geodesic::wgs84);

/// The least geodesic distance over a chord, metres.
pub fn arc_at_least(chord: f64) -> f64 {
    let sine = (chord / (2.0 * RADII.1)).clamp(0.0, 1.0);
    // All terms of an arc sine are positive.
    let angle = if chord < SHORT { sine * (1.0 + sine * sine / 6.0) } else { sine.asin() };
    2.0 * RADII.1 * angle - ROUNDING
}

/// The largest geodesic distance over a chord, metres.
pub fn arc_at_most(chord: f64) -> f64 {
    if chord > LONG_CHORD {
        return HALF_AROUND;
    }
    let sine = chord / (2.0 * RADII.0);
    // The terms left out are less than a thousandth of the second over so short a chord.
    let angle = if chord < SHORT { sine * (1.0 + sine * sine / 5.99) } else { sine.asin() };
    2.0 * RADII.0 * angle + ROUNDING
}

/// The chord under an arc of the mean Earth, metres: to tell bands of distance apart.
pub fn chord_of(arc: f64) -> f64 {
    let double = RADII.0 + RADII.1;
    if arc >= double * std::f64::consts::FRAC_PI_2 { f64::INFINITY } else { double * (arc / double).sin() }
}

/// The longest chord under an arc, metres.
pub fn chord_at_most(arc: f64) -> f64 {
    arc.min(2.0 * RADII.1)
}

/// Metres on the ellipsoid, and degrees clockwise from north at the first point.
pub fn geodesic(from: Xyz, to: Xyz) -> (f64, f64) {
    let ((lon, lat), (to_lon, to_lat)) = (lon_lat(from), lon_lat(to));
    let (metres, bearing, _, _): (f64, f64, f64, f64) = WGS84.inverse(lat, lon, to_lat, to_lon);
    (metres, (bearing + 360.0) % 360.0)
}

/// The same over at most [`SHORT`] metres, from the chord and the curvature of the ellipsoid's
/// normal section between the points: within a tenth of a millimetre of the geodesic.
fn short_geodesic(from: Xyz, to: Xyz) -> (f64, f64) {
    let middle: Xyz = std::array::from_fn(|k| f64::midpoint(from[k], to[k]));
    let way = minus(to, from);
    let chord = dot(way, way).sqrt();
    if chord == 0.0 {
        return (0.0, 0.0);
    }
    let (east, north, sin2) = frame(middle);
    let (e, n) = (dot(way, east) / chord, dot(way, north) / chord);
    let flat = 1.0 - earth::E2 * sin2;
    let (prime, meridian) =
        (earth::SEMI_MAJOR / flat.sqrt(), earth::SEMI_MAJOR * (1.0 - earth::E2) / (flat * flat.sqrt()));
    let curvature = n * n / meridian + e * e / prime;
    let turn2 = (chord * curvature).powi(2);
    let metres = chord * (1.0 + turn2 / 24.0 * (1.0 + turn2 * 3.0 / 80.0));
    let (east, north, _) = frame(from);
    let bearing = dot(way, east).atan2(dot(way, north)).to_degrees();
    (metres, (bearing + 360.0) % 360.0)
}

/// East, north and the squared sine of the latitude at a point near the ellipsoid.
fn frame(at: Xyz) -> (Xyz, Xyz, f64) {
    let up = [at[0], at[1], at[2] / (1.0 - earth::E2)];
    let length = dot(up, up).sqrt();
    let up = up.map(|v| v / length);
    let across = (up[0] * up[0] + up[1] * up[1]).sqrt().max(f64::MIN_POSITIVE);
    let east = [-up[1] / across, up[0] / across, 0.0];
    let north = [-up[2] * east[1], up[2] * east[0], up[0] * east[1] - up[1] * east[0]];
    (east, north, up[2] * up[2])
}

/// Middle and radius.
type Ball = (Xyz, f64);

/// Pieces of one or more outlines, or points (pieces without length).
#[derive(Clone, Debug, Default)]
pub struct Outline {
    pieces: Vec<[Xyz; 2]>,
    /// Balls around each [`CHUNK`] pieces, around each [`CHUNK`] of these balls, and so on up to a level
    /// of no more than [`CHUNK`]. None where the pieces are few.
    levels: Vec<Vec<Ball>>,
    /// A ball around all of them.
    pub ball: Ball,
}

impl Outline {
    /// Adds a point.
    pub fn point(&mut self, at: Xyz) {
        self.pieces.push([at, at]);
    }

    /// Adds a piece of a line, at most [`PIECE`] metres long.
    pub fn piece(&mut self, from: Xyz, to: Xyz) {
        self.pieces.push([from, to]);
    }

    /// Adds a line from corner to corner, `between(i, t)` a share `t` of the way behind corner `i`.
    pub fn line(
        &mut self,
        corners: usize,
        metres: impl Fn(usize) -> f64,
        between: impl Fn(usize, f64) -> Xyz,
    ) {
        let mut from = between(0, 0.0);
        for i in 0..corners {
            let count = (metres(i) / PIECE).ceil().max(1.0) as usize;
            for k in 1..=count {
                let to = between(i, k as f64 / count as f64);
                self.pieces.push([from, to]);
                from = to;
            }
        }
    }

    /// Prepares for measuring, once all is added: points and lines that close.
    pub fn close(&mut self) {
        // Where lines close, each end is another piece's beginning.
        self.ball = ball_of(&self.pieces, 1);
        self.levels.clear();
        if self.pieces.len() > CHUNK {
            self.levels.push(self.pieces.chunks(CHUNK).map(|pieces| ball_of(pieces, 2)).collect());
        }
        while let Some(last) = self.levels.last().filter(|level| level.len() > CHUNK) {
            let next = last.chunks(CHUNK).map(ball_around_balls).collect();
            self.levels.push(next);
        }
    }

    /// The point that it is, where it is no more than one.
    pub fn as_point(&self) -> Option<Xyz> {
        match self.pieces[..] {
            [[at, end]] if at == end => Some(at),
            _ => None,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Hands the pieces over that may lie within `limit` of a ball, chunk by chunk and in their order.
    /// `visit` tells the limit from then on.
    fn near(&self, ball: Ball, limit: f64, mut visit: impl FnMut(&[[Xyz; 2]]) -> f64) {
        match self.levels.last() {
            None => drop(visit(&self.pieces)),
            Some(top) => self.descend(self.levels.len() - 1, 0..top.len(), ball, &mut { limit }, &mut visit),
        }
    }

    fn descend(
        &self,
        level: usize,
        entries: Range<usize>,
        (centre, radius): Ball,
        limit: &mut f64,
        visit: &mut dyn FnMut(&[[Xyz; 2]]) -> f64,
    ) {
        for entry in entries {
            let (at, reach) = self.levels[level][entry];
            if chord2(at, centre) > (*limit + reach + radius).powi(2) {
                continue;
            }
            let below = |count: usize| entry * CHUNK..((entry + 1) * CHUNK).min(count);
            match level.checked_sub(1) {
                None => *limit = visit(&self.pieces[below(self.pieces.len())]),
                Some(next) => {
                    self.descend(next, below(self.levels[next].len()), (centre, radius), limit, visit);
                }
            }
        }
    }

    /// Straight metres to a point.
    pub fn chord_to(&self, point: Xyz) -> f64 {
        // A chunk that is near leaves few others that can be nearer: that with the nearest middle, down
        // from the top level.
        let nearest = self.levels.iter().rev().try_fold(0..usize::MAX, |among, level| {
            let apart = |entry: &usize| chord2(level[*entry].0, point);
            let entries = among.start..among.end.min(level.len());
            let nearest = entries.min_by(|a, b| apart(a).total_cmp(&apart(b)))?;
            Some(nearest * CHUNK..(nearest + 1) * CHUNK)
        });
        let nearest = nearest.filter(|_| !self.levels.is_empty());
        let least = |pieces: &[[Xyz; 2]]| {
            pieces.iter().map(|piece| to_point2(piece, point).0).fold(f64::INFINITY, f64::min)
        };
        let mut least2 = nearest.map_or(f64::INFINITY, |pieces| {
            least(&self.pieces[pieces.start..pieces.end.min(self.pieces.len())])
        });
        self.near((point, 0.0), least2.sqrt(), |pieces| {
            least2 = least2.min(least(pieces));
            least2.sqrt()
        });
        least2.sqrt()
    }

    /// Where this outline comes nearest to another, by straight distance, as far as that is at most
    /// `limit` metres.
    pub fn approach(&self, other: &Self, limit: f64) -> Option<Approach> {
        let mut closest = Closest::within(limit);
        // Pieces of the other that are too far from all of this one are not looked at.
        other.near(self.ball, limit, |others| {
            for theirs in others {
                self.near(ball_of_piece(theirs), closest.least2.sqrt(), |pieces| {
                    for own in pieces {
                        closest.look(own, theirs);
                    }
                    closest.least2.sqrt()
                });
            }
            closest.least2.sqrt()
        });
        closest.approach()
    }

    /// Geodesic metres to another outline, and the bearing at this one.
    pub fn measure(&self, other: &Self, approach: &Approach) -> (f64, f64) {
        if let Some(measured) = approach.short() {
            return measured;
        }
        let mut best = (f64::INFINITY, 0.0);
        // Pieces whose arc could still be the shortest.
        let most = arc_at_most(approach.chord) + 1e-6;
        let limit = chord_at_most(most);
        other.near(self.ball, limit, |others| {
            for theirs in others {
                self.near(ball_of_piece(theirs), limit, |pieces| {
                    for own in pieces {
                        let (d2, here, there) = between2(own, theirs);
                        if arc_at_least(d2.sqrt()) <= most.min(best.0) {
                            let measured = geodesic(here, there);
                            if measured.0 < best.0 {
                                best = measured;
                            }
                        }
                    }
                    limit
                });
            }
            limit
        });
        best
    }
}

/// The first of the nearest pieces so far.
pub struct Closest {
    least2: f64,
    found: Option<(Xyz, Xyz)>,
}

impl Closest {
    /// Looks for pieces at most `limit` metres apart.
    pub fn within(limit: f64) -> Self {
        Self { least2: limit * limit, found: None }
    }

    /// Looks at a piece of the one outline and one of the other.
    pub fn look(&mut self, own: &[Xyz; 2], theirs: &[Xyz; 2]) {
        let (d2, here, there) = between2(own, theirs);
        if d2 < self.least2 || (d2 == self.least2 && self.found.is_none()) {
            self.least2 = d2;
            self.found = Some((here, there));
        }
    }

    /// What was found.
    pub fn approach(&self) -> Option<Approach> {
        self.found.map(|(here, there)| Approach { chord: self.least2.sqrt(), here, there })
    }
}

/// Where two outlines come nearest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Approach {
    /// Straight metres.
    pub chord: f64,
    /// The place on the one.
    pub here: Xyz,
    /// The place on the other.
    pub there: Xyz,
}

impl Approach {
    /// Geodesic metres and the bearing, where they are near enough for no other place to be nearer
    /// by its geodesic.
    pub fn short(&self) -> Option<(f64, f64)> {
        (self.chord <= SHORT).then(|| short_geodesic(self.here, self.there))
    }
}

/// A ball around the first ends of pieces, or around both.
fn ball_of(pieces: &[[Xyz; 2]], ends: usize) -> (Xyz, f64) {
    ball_around(|| pieces.iter().flat_map(|p| p[..ends].iter().copied()))
}

/// A ball around points; at the Earth's middle where there is none.
pub fn ball_around<I: Iterator<Item = Xyz>>(points: impl Fn() -> I) -> (Xyz, f64) {
    let Some(first) = points().next() else { return ([0.0; 3], 0.0) };
    let (mut low, mut high) = (first, first);
    for point in points() {
        for axis in 0..3 {
            low[axis] = low[axis].min(point[axis]);
            high[axis] = high[axis].max(point[axis]);
        }
    }
    let centre: Xyz = std::array::from_fn(|k| f64::midpoint(low[k], high[k]));
    (centre, points().map(|p| chord2(p, centre)).fold(0.0, f64::max).sqrt())
}

/// A ball around balls.
fn ball_around_balls(balls: &[Ball]) -> Ball {
    let (centre, _) = ball_around(|| balls.iter().map(|ball| ball.0));
    let reach = |ball: &Ball| chord2(ball.0, centre).sqrt() + ball.1;
    (centre, balls.iter().map(reach).fold(0.0, f64::max))
}

fn ball_of_piece(piece: &[Xyz; 2]) -> (Xyz, f64) {
    let centre = std::array::from_fn(|k| f64::midpoint(piece[0][k], piece[1][k]));
    (centre, chord2(piece[0], centre).sqrt())
}

/// From `b` to `a`.
pub fn minus(a: Xyz, b: Xyz) -> Xyz {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// Inner product.
pub fn dot(a: Xyz, b: Xyz) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn along(a: Xyz, way: Xyz, t: f64) -> Xyz {
    [a[0] + way[0] * t, a[1] + way[1] * t, a[2] + way[2] * t]
}

/// Square of the distance of a piece to a point, and the nearest place on it.
fn to_point2(piece: &[Xyz; 2], point: Xyz) -> (f64, Xyz) {
    let way = minus(piece[1], piece[0]);
    let length2 = dot(way, way);
    let t = if length2 > 0.0 { (dot(minus(point, piece[0]), way) / length2).clamp(0.0, 1.0) } else { 0.0 };
    let at = along(piece[0], way, t);
    (chord2(at, point), at)
}

/// Square of the distance of two pieces, and the nearest places on both (Ericson 2005, 5.1.9).
fn between2(a: &[Xyz; 2], b: &[Xyz; 2]) -> (f64, Xyz, Xyz) {
    if b[0] == b[1] {
        let (d2, at) = to_point2(a, b[0]);
        return (d2, at, b[0]);
    }
    let (u, v, w) = (minus(a[1], a[0]), minus(b[1], b[0]), minus(a[0], b[0]));
    let (uu, vv, uv, uw, vw) = (dot(u, u), dot(v, v), dot(u, v), dot(u, w), dot(v, w));
    let clear = uu * vv - uv * uv;
    let mut s = if clear > 1e-12 * uu * vv { ((uv * vw - uw * vv) / clear).clamp(0.0, 1.0) } else { 0.0 };
    let mut t = (uv * s + vw) / vv;
    if !(0.0..=1.0).contains(&t) {
        t = t.clamp(0.0, 1.0);
        s = if uu > 0.0 { ((uv * t - uw) / uu).clamp(0.0, 1.0) } else { 0.0 };
    }
    let (here, there) = (along(a[0], u, s), along(b[0], v, t));
    (chord2(here, there), here, there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::earth::xyz;

    /// A circle of so many pieces around a place, with a radius in degrees.
    fn circle(pieces: u32, lon: f64, radius: f64) -> Outline {
        let place = |i: u32| {
            let turn = f64::from(i % pieces) / f64::from(pieces) * std::f64::consts::TAU;
            xyz(lon + turn.cos() * radius, 28.0 + turn.sin() * radius)
        };
        let mut outline = Outline::default();
        (0..pieces).for_each(|i| outline.piece(place(i), place(i + 1)));
        outline.close();
        outline
    }

    #[test]
    fn the_nearest_of_many_pieces_is_that_of_all_and_few_are_looked_at() {
        let large = circle(100_000, 113.0, 0.3);
        assert_eq!(large.levels.len(), 3);
        for (lon, lat) in [(113.0, 28.0), (113.31, 28.0), (113.2, 28.2), (110.0, 25.0), (113.0, 27.69)] {
            let point = xyz(lon, lat);
            let all =
                large.pieces.iter().map(|piece| to_point2(piece, point).0).fold(f64::INFINITY, f64::min);
            assert_eq!(large.chord_to(point), all.sqrt());
        }
        let mut looked = 0;
        let near = xyz(113.31, 28.0);
        let limit = large.chord_to(near);
        large.near((near, 0.0), limit, |pieces| {
            looked += pieces.len();
            limit
        });
        assert!(looked < 2000, "{looked} of 100000 pieces");

        let other = circle(5000, 113.4, 0.05);
        let mut closest = Closest::within(f64::INFINITY);
        for theirs in &other.pieces[2480..2520] {
            for own in &large.pieces {
                closest.look(own, theirs);
            }
        }
        let all = closest.approach().unwrap();
        assert_eq!(large.approach(&other, f64::INFINITY).unwrap().chord, all.chord);
        assert_eq!(large.approach(&other, all.chord / 2.0), None);
    }
}
