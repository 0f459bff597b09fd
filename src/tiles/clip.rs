//! Rings and lines cut to a square.

use geo::{Coord, LineString};

/// A side of the square: what lies within it, and where a segment meets it.
struct Side {
    along_x: bool,
    at: f64,
    below: bool,
}

impl Side {
    fn of(&self, c: &Coord<f64>) -> f64 {
        if self.along_x { c.x } else { c.y }
    }

    fn inside(&self, c: &Coord<f64>) -> bool {
        if self.below { self.of(c) <= self.at } else { self.of(c) >= self.at }
    }

    fn crossing(&self, a: &Coord<f64>, b: &Coord<f64>) -> Coord<f64> {
        let t = (self.at - self.of(a)) / (self.of(b) - self.of(a));
        if self.along_x {
            Coord { x: self.at, y: a.y + (b.y - a.y) * t }
        } else {
            Coord { x: a.x + (b.x - a.x) * t, y: self.at }
        }
    }
}

fn sides(low: f64, high: f64) -> [Side; 4] {
    let side = |along_x, at, below| Side { along_x, at, below };
    [side(true, low, false), side(true, high, true), side(false, low, false), side(false, high, true)]
}

/// A ring cut to the square from `low` to `high` (Sutherland and Hodgman 1974): parts that fall
/// asunder stay joined along its sides, where nobody sees it. Nothing where nothing is inside.
pub fn clip_ring(ring: &LineString<f64>, low: f64, high: f64) -> Option<LineString<f64>> {
    let mut coords = ring.0.clone();
    coords.pop();
    for side in sides(low, high) {
        let mut kept = Vec::with_capacity(coords.len() + 4);
        for (k, b) in coords.iter().enumerate() {
            let a = &coords[(k + coords.len() - 1) % coords.len()];
            match (side.inside(a), side.inside(b)) {
                (true, true) => kept.push(*b),
                (true, false) => kept.push(side.crossing(a, b)),
                (false, true) => kept.extend([side.crossing(a, b), *b]),
                (false, false) => {}
            }
        }
        coords = kept;
    }
    let first = *coords.first()?;
    coords.push(first);
    Some(LineString(coords))
}

/// The parts of a line within the square from `low` to `high`.
pub fn clip_line(line: &LineString<f64>, low: f64, high: f64) -> Vec<LineString<f64>> {
    let mut parts: Vec<Vec<Coord<f64>>> = Vec::new();
    for segment in line.lines() {
        let (mut a, mut b) = (segment.start, segment.end);
        let mut gone = false;
        for side in sides(low, high) {
            match (side.inside(&a), side.inside(&b)) {
                (true, true) => {}
                (true, false) => b = side.crossing(&a, &b),
                (false, true) => a = side.crossing(&a, &b),
                (false, false) => gone = true,
            }
        }
        if gone {
            continue;
        }
        match parts.last_mut() {
            Some(part) if part.last() == Some(&a) => part.push(b),
            _ => parts.push(vec![a, b]),
        }
    }
    parts.into_iter().map(LineString).collect()
}
