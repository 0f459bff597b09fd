//! Simpler borders that stay the borders they were: shared, closed, uncrossed.
//!
//! Corners are taken away one by one, those that spare the smallest triangle first (Visvalingam
//! and Whyatt 1993), while
//!
//! * every corner that is gone lies within the tolerance of what stands for it,
//! * the triangle that goes holds no other corner, so that no two borders ever cross or touch,
//! * corners where more than two borders meet stay, and no two borders between the same two of
//!   them become the same line.
//!
//! A corner stands once for all zones around it, so neighbours lose it together.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::border::Border;

/// Which corners of a border are left.
pub struct Simplifier<'a> {
    border: &'a Border,
    keep: Vec<bool>,
    /// Metres of a pixel along columns and rows.
    pixel: (f64, f64),
    tolerance: f64,
    /// Pairs of nodes that a straight line already joins.
    chords: HashSet<(u32, u32)>,
}

/// A border between two nodes, or around without any.
struct Arc {
    vertices: Vec<u32>,
    closed: bool,
}

impl<'a> Simplifier<'a> {
    /// Marks the corners that are left where none may lie farther than `tolerance` metres from the
    /// simpler border. `go_on` is asked once a corner; `None` where it said no.
    pub fn run(
        border: &'a Border,
        pixel: (f64, f64),
        tolerance: f64,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Vec<bool>> {
        let count = border.at.len();
        let mut this = Self { border, keep: vec![true; count], pixel, tolerance, chords: HashSet::new() };
        let mut seen = vec![false; count];
        let nodes = || (0..count as u32).filter(|&v| border.is_node(v));
        for node in nodes() {
            let direct = border.all_neighbours(node).filter(|&next| next > node && border.is_node(next));
            this.chords.extend(direct.map(|next| (node, next)));
        }
        // Borders between nodes first: what is left over goes around without any.
        for node in nodes() {
            for next in border.all_neighbours(node) {
                if !border.is_node(next) && !seen[next as usize] {
                    let arc = this.arc(node, next, &mut seen);
                    this.simplify(&arc, go_on)?;
                }
            }
        }
        for vertex in 0..count as u32 {
            if !seen[vertex as usize] && !border.is_node(vertex) {
                let arc = this.ring(vertex, &mut seen);
                this.simplify(&arc, go_on)?;
            }
        }
        Some(this.keep)
    }

    /// The border from a node over its neighbour to the next node.
    fn arc(&self, node: u32, next: u32, seen: &mut [bool]) -> Arc {
        let mut vertices = vec![node];
        let (mut before, mut at) = (node, next);
        while !self.border.is_node(at) {
            seen[at as usize] = true;
            vertices.push(at);
            (before, at) = (at, self.beyond(before, at));
        }
        vertices.push(at);
        Arc { vertices, closed: false }
    }

    fn ring(&self, start: u32, seen: &mut [bool]) -> Arc {
        let mut vertices = Vec::new();
        let (mut before, mut at) = (self.border.neighbours(start).1, start);
        while !seen[at as usize] {
            seen[at as usize] = true;
            vertices.push(at);
            (before, at) = (at, self.beyond(before, at));
        }
        Arc { vertices, closed: true }
    }

    fn beyond(&self, before: u32, at: u32) -> u32 {
        let (along, across) = self.border.neighbours(at);
        if before == along { across } else { along }
    }

    fn simplify(&mut self, arc: &Arc, go_on: &dyn Fn() -> bool) -> Option<()> {
        let vertices = &arc.vertices;
        let last = vertices.len() - 1;
        // Neighbours that are left, by position in the arc.
        let mut before: Vec<usize> = (0..=last).map(|i| if i == 0 { last } else { i - 1 }).collect();
        let mut after: Vec<usize> = (0..=last).map(|i| if i == last { 0 } else { i + 1 }).collect();
        let inner = if arc.closed { 0..=last } else { 1..=last - 1 };
        let mut left = vertices.len();
        // A loop from a node to itself needs two corners beside it to enclose anything.
        let least = match (arc.closed, vertices[0] == vertices[last]) {
            (true, _) => 3,
            (false, true) => 4,
            (false, false) => 2,
        };
        let mut heap: BinaryHeap<Reverse<(u64, usize)>> =
            inner.map(|i| Reverse((self.spared(vertices, before[i], i, after[i]), i))).collect();
        while let Some(Reverse((spared, i))) = heap.pop() {
            if !go_on() {
                return None;
            }
            let vertex = vertices[i];
            let (a, b) = (before[i], after[i]);
            if !self.keep[vertex as usize] || self.spared(vertices, a, i, b) != spared {
                continue; // gone, or its neighbours have changed since
            }
            if left <= least || !self.may_go(vertices, a, i, b, left == 3 && !arc.closed) {
                continue;
            }
            self.keep[vertex as usize] = false;
            left -= 1;
            after[a] = b;
            before[b] = a;
            for j in [a, b] {
                if arc.closed || (j != 0 && j != last) {
                    heap.push(Reverse((self.spared(vertices, before[j], j, after[j]), j)));
                }
            }
        }
        Some(())
    }

    /// Twice the area in pixels that goes with corner `i` between `a` and `b`.
    fn spared(&self, vertices: &[u32], a: usize, i: usize, b: usize) -> u64 {
        let place = |k: usize| self.place(vertices[k]);
        cross(place(a), place(i), place(b)).unsigned_abs()
    }

    fn place(&self, vertex: u32) -> (i64, i64) {
        let (row, col) = self.border.at[vertex as usize];
        (i64::from(col), i64::from(row))
    }

    fn may_go(&mut self, vertices: &[u32], a: usize, i: usize, b: usize, becomes_chord: bool) -> bool {
        let (from, to) = (self.place(vertices[a]), self.place(vertices[b]));
        let mut k = (a + 1) % vertices.len();
        while k != b {
            if self.metres_off(self.place(vertices[k]), from, to) > self.tolerance {
                return false;
            }
            k = (k + 1) % vertices.len();
        }
        let corners = [vertices[a], vertices[i], vertices[b]];
        if self.holds_another(corners) {
            return false;
        }
        let chord = (corners[0].min(corners[2]), corners[0].max(corners[2]));
        !becomes_chord || self.chords.insert(chord)
    }

    /// Metres from a point to a segment.
    fn metres_off(&self, p: (i64, i64), a: (i64, i64), b: (i64, i64)) -> f64 {
        let metres = |q: (i64, i64)| ((q.0 - a.0) as f64 * self.pixel.0, (q.1 - a.1) as f64 * self.pixel.1);
        let ((px, py), (bx, by)) = (metres(p), metres(b));
        let length2 = bx * bx + by * by;
        let t = if length2 > 0.0 { ((px * bx + py * by) / length2).clamp(0.0, 1.0) } else { 0.0 };
        (px - t * bx).hypot(py - t * by)
    }

    /// Whether a triangle holds a corner that is left, beside its own three.
    fn holds_another(&self, own: [u32; 3]) -> bool {
        let [a, b, c] = own.map(|v| self.place(v));
        let (top, bottom) = (a.1.min(b.1).min(c.1), a.1.max(b.1).max(c.1));
        for row in top..=bottom {
            // The triangle's columns in this row of corners.
            let (mut west, mut east) = (i64::MAX, i64::MIN);
            for (p, q) in [(a, b), (b, c), (c, a)] {
                let (p, q) = if p.1 <= q.1 { (p, q) } else { (q, p) };
                if !(p.1..=q.1).contains(&row) {
                    continue;
                }
                if p.1 == q.1 {
                    (west, east) = (west.min(p.0).min(q.0), east.max(p.0).max(q.0));
                } else {
                    let (run, rise) = ((q.0 - p.0) * (row - p.1), q.1 - p.1);
                    west = west.min(p.0 + run.div_euclid(rise));
                    east = east.max(p.0 + run.div_euclid(rise) + i64::from(run.rem_euclid(rise) > 0));
                }
            }
            let range = self.border.row(row as usize);
            let line = &self.border.at[range.clone()];
            let first = line.partition_point(|v| i64::from(v.1) < west);
            for (offset, at) in line[first..].iter().enumerate().take_while(|(_, v)| i64::from(v.1) <= east) {
                let vertex = (range.start + first + offset) as u32;
                if self.keep[vertex as usize] && !own.contains(&vertex) {
                    let p = (i64::from(at.1), row);
                    let sides = [cross(a, b, p), cross(b, c, p), cross(c, a, p)];
                    if sides.iter().all(|&s| s >= 0) || sides.iter().all(|&s| s <= 0) {
                        return true;
                    }
                }
            }
        }
        false
    }
}

/// Twice the signed area of a triangle.
fn cross(a: (i64, i64), b: (i64, i64), c: (i64, i64)) -> i64 {
    (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
}
