//! What lies near in space: an R-tree of balls. The only file that names `rstar`.

use std::ops::Range;

use rayon::prelude::*;
use rstar::RTree;
use rstar::primitives::{GeomWithData, Rectangle};

use crate::crs::earth::{Xyz, chord2};

/// Balls in a leaf of the tree: packing leaves takes a sort, a tree of single balls many.
const LEAF: usize = 16;

/// Balls in space by their number. A geometry is found by a ball around it.
#[derive(Clone, Debug)]
pub struct BallTree {
    /// By leaf.
    balls: Vec<Ball>,
    leaves: RTree<GeomWithData<Rectangle<Xyz>, Range<u32>>>,
}

/// A ball by its number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ball {
    /// Middle.
    pub centre: Xyz,
    /// Metres.
    pub radius: f64,
    /// Number.
    pub id: u32,
}

impl Ball {
    /// Metres from its surface to a point, 0 inside.
    fn distance(&self, point: Xyz) -> f64 {
        (chord2(self.centre, point).sqrt() - self.radius).max(0.0)
    }
}

impl BallTree {
    /// A tree of numbered balls (centre and radius in metres).
    pub fn new(balls: impl IntoIterator<Item = (usize, (Xyz, f64))>) -> Self {
        let balls = balls.into_iter().map(|(id, (centre, radius))| Ball { centre, radius, id: id as u32 });
        let balls = along_a_curve(balls.collect());
        let leaf = |(first, balls): (u32, &[Ball])| {
            let mut bounds = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
            for ball in balls {
                for axis in 0..3 {
                    bounds.0[axis] = bounds.0[axis].min(ball.centre[axis] - ball.radius);
                    bounds.1[axis] = bounds.1[axis].max(ball.centre[axis] + ball.radius);
                }
            }
            GeomWithData::new(Rectangle::from_corners(bounds.0, bounds.1), first..first + balls.len() as u32)
        };
        let leaves = (0..).step_by(LEAF).zip(balls.chunks(LEAF)).map(leaf).collect();
        Self { leaves: RTree::bulk_load(leaves), balls }
    }

    fn leaf(&self, range: &Range<u32>) -> &[Ball] {
        &self.balls[range.start as usize..range.end as usize]
    }

    /// The ball whose surface is nearest (0 inside), the first of those that are as near, and
    /// metres to it.
    pub fn nearest(&self, at: Xyz) -> Option<(&Ball, f64)> {
        let mut found: Option<(&Ball, f64)> = None;
        for (leaf, d2) in self.leaves.nearest_neighbor_iter_with_distance_2(at) {
            if found.is_some_and(|(_, least)| d2 > least * least) {
                break;
            }
            for ball in self.leaf(&leaf.data) {
                let metres = ball.distance(at);
                if found.is_none_or(|(best, least)| (metres, ball.id) < (least, best.id)) {
                    found = Some((ball, metres));
                }
            }
        }
        found
    }

    /// The balls that reach within a distance (metres, straight), in no order.
    pub fn within(&self, at: Xyz, distance: f64) -> impl Iterator<Item = &Ball> {
        self.leaves
            .locate_within_distance(at, distance * distance)
            .flat_map(|leaf| self.leaf(&leaf.data))
            .filter(move |ball| ball.distance(at) <= distance)
    }
}

/// Orders balls along Morton's curve, so that those that follow each other lie near each other.
fn along_a_curve(balls: Vec<Ball>) -> Vec<Ball> {
    let mut low = [f64::INFINITY; 3];
    let mut high = [f64::NEG_INFINITY; 3];
    for ball in &balls {
        for axis in 0..3 {
            low[axis] = low[axis].min(ball.centre[axis]);
            high[axis] = high[axis].max(ball.centre[axis]);
        }
    }
    let widest = (0..3).map(|axis| high[axis] - low[axis]).fold(f64::MIN_POSITIVE, f64::max);
    let scale = f64::from((1 << 21) - 1) / widest;
    let place = |ball: &Ball| {
        let bits = |axis: usize| spread(((ball.centre[axis] - low[axis]) * scale) as u64) << axis;
        bits(0) | bits(1) | bits(2)
    };
    let mut order: Vec<(u64, u32)> = balls.par_iter().map(place).zip(0..balls.len() as u32).collect();
    order.par_sort_unstable();
    order.into_iter().map(|(_, i)| balls[i as usize]).collect()
}

/// Spreads the lowest 21 bits of a number to every third.
fn spread(number: u64) -> u64 {
    let mut bits = number & 0x1f_ffff;
    bits = (bits | bits << 32) & 0x001f_0000_0000_ffff;
    bits = (bits | bits << 16) & 0x001f_0000_ff00_00ff;
    bits = (bits | bits << 8) & 0x100f_00f0_0f00_f00f;
    bits = (bits | bits << 4) & 0x10c3_0c30_c30c_30c3;
    (bits | bits << 2) & 0x1249_2492_4924_9249
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::earth::xyz;

    #[test]
    fn balls_are_found_over_the_date_line_and_at_the_pole() {
        let places = [(179.9, 10.0), (-179.9, 10.0), (0.0, 90.0), (170.0, 10.0)];
        let tree = BallTree::new(places.map(|(lon, lat)| (xyz(lon, lat), 0.0)).into_iter().enumerate());
        let nearest = |lon: f64, lat: f64| tree.nearest(xyz(lon, lat)).map(|(ball, _)| ball.id);
        assert_eq!(nearest(-179.95, 10.0), Some(1));
        assert_eq!(nearest(179.95, 10.0), Some(0));
        assert_eq!(nearest(180.0, 89.0), Some(2));
        let mut near: Vec<u32> = tree.within(xyz(-179.95, 10.0), 20_000.0).map(|ball| ball.id).collect();
        near.sort_unstable();
        assert_eq!(near, [0, 1]);
        let wide = BallTree::new([(0, (xyz(0.0, 0.0), 5000.0))]);
        assert_eq!(wide.nearest(xyz(0.01, 0.0)).map(|n| n.1), Some(0.0));
        assert_eq!(BallTree::new([]).nearest(xyz(0.0, 0.0)), None);
    }

    #[test]
    fn balls_are_those_of_brute_force() {
        let share = |i: usize, step: f64| (i as f64 * step).fract();
        let balls: Vec<(Xyz, f64)> = (0..1000)
            .map(|i| (xyz(share(i, 0.618_034), share(i, 0.414_214)), (i % 7) as f64 * 400.0))
            .chain([(xyz(0.5, 0.5), 0.0), (xyz(0.5, 0.5), 0.0)])
            .collect();
        let tree = BallTree::new(balls.iter().copied().enumerate());
        for i in 0..200 {
            let at = xyz(share(i, 0.754_878) * 1.2, share(i, 0.569_841));
            let metres = |(centre, radius): (Xyz, f64)| (chord2(centre, at).sqrt() - radius).max(0.0);
            let least = balls.iter().map(|&b| metres(b)).fold(f64::INFINITY, f64::min);
            let (ball, found) = tree.nearest(at).unwrap();
            assert_eq!(found, least);
            assert_eq!(Some(ball.id as usize), balls.iter().position(|&b| metres(b) == least));
            let mut within: Vec<usize> = tree.within(at, 5000.0).map(|ball| ball.id as usize).collect();
            within.sort_unstable();
            let expected: Vec<usize> = (0..balls.len()).filter(|&i| metres(balls[i]) <= 5000.0).collect();
            assert_eq!(within, expected);
        }
    }
}
