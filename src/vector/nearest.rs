//! What lies near in space: an R-tree of balls. The only file that names `rstar`.

use rstar::{AABB, PointDistance, RTree, RTreeObject};

use crate::crs::earth::{Xyz, chord2};

/// Balls in space by their number. A geometry is found by a ball around it.
#[derive(Clone, Debug)]
pub struct BallTree(RTree<Ball>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Ball {
    centre: Xyz,
    radius: f64,
    id: u32,
}

impl RTreeObject for Ball {
    type Envelope = AABB<Xyz>;
    fn envelope(&self) -> Self::Envelope {
        AABB::from_corners(self.centre.map(|v| v - self.radius), self.centre.map(|v| v + self.radius))
    }
}

impl PointDistance for Ball {
    fn distance_2(&self, point: &Xyz) -> f64 {
        (chord2(self.centre, *point).sqrt() - self.radius).max(0.0).powi(2)
    }
}

impl BallTree {
    /// A tree of numbered balls (centre and radius in metres).
    pub fn new(balls: impl IntoIterator<Item = (usize, (Xyz, f64))>) -> Self {
        let balls = balls.into_iter().map(|(id, (centre, radius))| Ball { centre, radius, id: id as u32 });
        Self(RTree::bulk_load(balls.collect()))
    }

    /// All balls by rising distance of their surface (0 inside), which is given in metres.
    pub fn nearest(&self, at: Xyz) -> impl Iterator<Item = (usize, f64)> {
        self.0.nearest_neighbor_iter_with_distance_2(at).map(|(ball, d2)| (ball.id as usize, d2.sqrt()))
    }

    /// The balls that reach within a distance (metres, straight), in no order.
    pub fn within(&self, at: Xyz, distance: f64) -> impl Iterator<Item = usize> {
        self.0.locate_within_distance(at, distance * distance).map(|ball| ball.id as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::earth::xyz;

    #[test]
    fn balls_come_by_distance_also_over_the_date_line() {
        let places = [(179.9, 10.0), (-179.9, 10.0), (0.0, 90.0), (170.0, 10.0)];
        let tree = BallTree::new(places.map(|(lon, lat)| (xyz(lon, lat), 0.0)).into_iter().enumerate());
        let order: Vec<usize> = tree.nearest(xyz(-179.95, 10.0)).map(|n| n.0).collect();
        assert_eq!(order, [1, 0, 3, 2]);
        let mut near: Vec<usize> = tree.within(xyz(-179.95, 10.0), 20_000.0).collect();
        near.sort_unstable();
        assert_eq!(near, [0, 1]);
        let wide = BallTree::new([(0, (xyz(0.0, 0.0), 5000.0))]);
        assert_eq!(wide.nearest(xyz(0.01, 0.0)).next(), Some((0, 0.0)));
    }
}
