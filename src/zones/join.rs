//! The mines beside each zone, and the zones around each mine.

mod bands;
mod group;
mod outline;
mod patch;

use rayon::prelude::*;

use self::group::Group;
use self::patch::Patch;
use super::mine_index::MineIndex;
use super::{Zone, Zones};
use crate::crs::{CrsError, GeoBox, GlobeGrid, pixel_metres};

/// Zones that lie near each other and ask the tree together.
const GROUP: usize = 64;
/// Groups between two looks at whether to go on.
const BATCH: usize = 64;

/// What lies near a zone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearMines {
    /// The nearest mine: number, geodesic metres from the zone's edge to it (0 where they meet),
    /// degrees clockwise from north at the edge (none where they meet).
    pub nearest: Option<(usize, f64, Option<f64>)>,
    /// Number of mines within the radius of the zone's edge, or inside it.
    pub within: u32,
    /// Density of mines at the middle of the zone, per km2: a Gaussian kernel whose bandwidth is a
    /// third of the radius, cut off at the radius.
    pub density: f64,
}

/// Joins zones of a map to mines.
pub struct Join<'a> {
    zones: &'a Zones,
    mines: &'a MineIndex,
    globe: GlobeGrid,
    pixel: (f64, f64),
    /// Mines with a part in a zone, and the zone, by mine.
    inside: Vec<(u32, u32)>,
    /// First of these of each mine, and the number of all at the end.
    first_inside: Vec<u32>,
    radius: f64,
    /// Whether small zones may be placed by their corners.
    flat: bool,
}

impl<'a> Join<'a> {
    /// Prepares a join. Mines within `radius` metres (0 to half the Earth) are counted.
    ///
    /// # Errors
    /// [`CrsError`] where the map has no place on Earth.
    pub fn new(
        zones: &'a Zones,
        grid: &'a GeoBox,
        mines: &'a MineIndex,
        radius: f64,
    ) -> Result<Self, CrsError> {
        let inside = mines.inside(zones, grid)?;
        let mut first_inside = vec![0; mines.len() + 1];
        for &(mine, _) in &inside {
            first_inside[mine as usize + 1] += 1;
        }
        for mine in 1..first_inside.len() {
            first_inside[mine] += first_inside[mine - 1];
        }
        let (globe, pixel) = (GlobeGrid::new(grid)?, pixel_metres(grid));
        let flat = Patch::may_stand(grid, &globe, pixel);
        Ok(Self { zones, mines, globe, pixel, inside, first_inside, radius, flat })
    }

    /// What lies near every zone, by rayon's threads. `go_on` is told how many zones are done and
    /// says whether to go on; `None` where it did not.
    pub fn run(&self, go_on: impl Fn(usize) -> bool) -> Option<Vec<NearMines>> {
        let none = NearMines { nearest: None, within: 0, density: 0.0 };
        let mut found = vec![none; self.zones.zones.len()];
        let order = self.by_place();
        for (batch, zones) in order.chunks(GROUP * BATCH).enumerate() {
            if !go_on(batch * GROUP * BATCH) {
                return None;
            }
            let near: Vec<Vec<NearMines>> = zones
                .par_chunks(GROUP)
                .map_init(Group::default, |group, zones| group.join(self, zones))
                .collect();
            for (&zone, near) in zones.iter().zip(near.into_iter().flatten()) {
                found[zone as usize] = near;
            }
        }
        Some(found)
    }

    /// The zones along a Hilbert curve: each lies near the next.
    fn by_place(&self) -> Vec<u32> {
        let middle = |(first, last): (u32, u32)| u32::midpoint(first, last);
        let place = |zone: &Zone| fast_hilbert::xy2h(middle(zone.cols), middle(zone.rows), 32);
        let zones = &self.zones.zones;
        let mut order: Vec<(u64, u32)> = zones.par_iter().map(place).zip(0..zones.len() as u32).collect();
        order.par_sort_unstable();
        order.into_iter().map(|o| o.1).collect()
    }

    /// The part of the grid that stands for a zone, where it is small and flat.
    fn patch(&self, zone: &Zone) -> Option<Patch> {
        let small = self.flat && Patch::is_small(zone.rows, zone.cols, self.pixel);
        small.then(|| Patch::new(&self.globe, zone.rows, zone.cols))
    }

    /// Whether a mine has a part in a zone.
    fn holds(&self, zone: u32, mine: u32) -> bool {
        let (first, end) = (self.first_inside[mine as usize], self.first_inside[mine as usize + 1]);
        self.inside[first as usize..end as usize].iter().any(|i| i.1 == zone)
    }
}

#[cfg(test)]
mod tests;
