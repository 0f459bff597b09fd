//! The mines beside each zone, and the zones around each mine.

use rayon::prelude::*;

use super::Zones;
use super::mine_index::{Mine, MineIndex};
use super::shape::{Outline, arc_at_least, arc_at_most, chord_at_most};
use crate::crs::earth::{Xyz, chord2, lon_lat};
use crate::crs::{CrsError, GeoBox, GlobeGrid, pixel_metres};

/// Zones that are joined between two looks at whether to go on.
const BATCH: usize = 4096;
/// Two outlines that come this near, metres, cross: their pieces leave the ellipsoid by less.
const TOUCH: f64 = 1e-3;
/// Cut-off of the density's kernel in bandwidths: the radius is three of them.
const SIGMAS: f64 = 3.0;

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
    /// Mines with a part in each zone, by zone.
    inside: Vec<(u32, u32)>,
    radius: f64,
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
        let mut inside = Vec::new();
        for (mine, pixels) in (0u32..).zip(mines.pixels(grid)?) {
            let held = pixels.into_iter().filter_map(|(row, col)| zones.zone_at(row, col));
            inside.extend(held.map(|zone| (zone as u32, mine)));
        }
        inside.sort_unstable();
        inside.dedup();
        Ok(Self { zones, mines, globe: GlobeGrid::new(grid)?, pixel: pixel_metres(grid), inside, radius })
    }

    /// What lies near every zone, by rayon's threads. `go_on` is told how many zones are done and
    /// says whether to go on; `None` where it did not.
    pub fn run(&self, go_on: impl Fn(usize) -> bool) -> Option<Vec<NearMines>> {
        let count = self.zones.zones.len();
        let mut found = Vec::with_capacity(count);
        for first in (0..count).step_by(BATCH) {
            if !go_on(first) {
                return None;
            }
            let batch = first..count.min(first + BATCH);
            found.par_extend(
                batch.into_par_iter().map_init(Outline::default, |outline, zone| self.of(zone, outline)),
            );
        }
        Some(found)
    }

    /// The outline of a zone along its pixels' edges.
    pub(super) fn outline(&self, zone: usize, outline: &mut Outline) {
        outline.clear();
        let mut corners: Vec<(f64, f64)> = Vec::new();
        for ring in self.zones.pixel_rings(zone) {
            corners.clear();
            corners.extend(ring.map(|(row, col)| (f64::from(col), f64::from(row))));
            corners.push(corners[0]);
            let metres = |i: usize| {
                let (a, b) = (corners[i], corners[i + 1]);
                ((b.0 - a.0) * self.pixel.0).hypot((b.1 - a.1) * self.pixel.1)
            };
            let between = |i: usize, t: f64| {
                let (a, b) = (corners[i], corners[i + 1]);
                self.globe.xyz(a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
            };
            outline.line(corners.len() - 1, metres, between);
        }
        outline.close();
    }

    fn of(&self, zone: usize, outline: &mut Outline) -> NearMines {
        self.outline(zone, outline);
        let held = self.inside.partition_point(|i| (i.0 as usize) < zone);
        let held: Vec<u32> =
            self.inside[held..].iter().take_while(|i| i.0 as usize == zone).map(|i| i.1).collect();
        let corners = self.corners(zone);
        let nearest = self.nearest(outline, &held, &corners);
        let (within, density) = self.around(outline, &held, &corners);
        NearMines { nearest, within, density }
    }

    /// Longitude and latitude of a corner of each ring of a zone: where one lies on a mine's
    /// ground and no borders cross, so does the whole ring.
    fn corners(&self, zone: usize) -> Vec<(f64, f64)> {
        if self.mines.mines.iter().all(|m| m.ground.is_none()) {
            return Vec::new();
        }
        self.zones
            .pixel_rings(zone)
            .filter_map(|mut ring| ring.next())
            .map(|(row, col)| lon_lat(self.globe.xyz(f64::from(col), f64::from(row))))
            .collect()
    }

    /// Whether a mine and a zone have ground in common, as far as their borders do not cross.
    fn meet(mine: &Mine, id: usize, held: &[u32], corners: &[(f64, f64)]) -> bool {
        held.contains(&(id as u32)) || corners.iter().any(|&(lon, lat)| mine.holds(lon, lat))
    }

    fn nearest(
        &self,
        zone: &Outline,
        held: &[u32],
        corners: &[(f64, f64)],
    ) -> Option<(usize, f64, Option<f64>)> {
        let (centre, reach) = zone.ball;
        let mut candidates: Vec<(usize, f64)> = Vec::new();
        let mut most = f64::INFINITY;
        for (id, distance) in self.mines.tree.nearest(centre) {
            if arc_at_least((distance - reach).max(0.0)) > most {
                break;
            }
            let mine = &self.mines.mines[id];
            if mine.outline.is_empty() {
                continue;
            }
            let limit = if most.is_finite() { chord_at_most(most) } else { f64::INFINITY };
            let mut chord = zone.chord(&mine.outline, limit);
            if chord <= TOUCH || Self::meet(mine, id, held, corners) {
                chord = 0.0;
            }
            if chord.is_finite() {
                most = most.min(arc_at_most(chord));
                candidates.push((id, chord));
            }
        }
        candidates.sort_unstable_by_key(|c| c.0);
        let mut best: Option<(usize, f64, Option<f64>)> = None;
        for (id, chord) in candidates {
            if arc_at_least(chord) > most || best.is_some_and(|b| b.1 <= arc_at_least(chord)) {
                continue;
            }
            let found = if chord == 0.0 {
                (id, 0.0, None)
            } else {
                let (metres, bearing) = zone.measure(&self.mines.mines[id].outline, chord);
                (id, metres, Some(bearing))
            };
            if best.is_none_or(|b| found.1 < b.1) {
                best = Some(found);
            }
        }
        best
    }

    /// How many mines lie within the radius, and how densely.
    fn around(&self, zone: &Outline, held: &[u32], corners: &[(f64, f64)]) -> (u32, f64) {
        let (centre, reach) = zone.ball;
        let limit = chord_at_most(self.radius);
        let (sigma, mut within, mut weight) = (self.radius / SIGMAS, 0, 0.0);
        let (all, spread) = self.mines.ball;
        let everywhere = arc_at_most(chord2(all, centre).sqrt() + spread + reach) <= self.radius;
        if everywhere {
            within = self.mines.mines.iter().filter(|m| !m.outline.is_empty()).count() as u32;
        }
        for id in self.mines.tree.within(centre, limit + reach) {
            let mine = &self.mines.mines[id];
            if mine.outline.is_empty() {
                continue;
            }
            let to_middle = chord2(mine.at, centre);
            if self.radius > 0.0 && to_middle <= limit * limit {
                weight += (-0.5 * to_middle / (sigma * sigma)).exp();
            }
            let (at, wide) = mine.outline.ball;
            let farthest = chord2(at, centre).sqrt() + reach + wide;
            if everywhere {
                continue;
            }
            let counts = arc_at_most(farthest) <= self.radius || {
                let chord = zone.chord(&mine.outline, limit);
                chord <= TOUCH
                    || Self::meet(mine, id, held, corners)
                    || arc_at_most(chord) <= self.radius
                    || (arc_at_least(chord) <= self.radius
                        && zone.measure(&mine.outline, chord).0 <= self.radius)
            };
            within += u32::from(counts);
        }
        // The mass of the kernel within three bandwidths is 1 - exp(-9/2).
        let mass = std::f64::consts::TAU * sigma * sigma * (1.0 - (-0.5 * SIGMAS * SIGMAS).exp());
        (within, if mass > 0.0 { weight / mass * 1e6 } else { 0.0 })
    }

    /// The place of a pixel's centre.
    pub(super) fn centre(&self, row: usize, col: usize) -> Xyz {
        self.globe.xyz(col as f64 + 0.5, row as f64 + 0.5)
    }

    /// The square metres of every zone within bands of distance around each mine, by the centres
    /// of pixels. `edges` are the bands' outer edges in metres, rising; `square_metres` the area
    /// of a pixel by row. `None` where `go_on` did not.
    pub fn bands(
        &self,
        edges: &[f64],
        square_metres: &[f64],
        go_on: impl Fn(usize) -> bool,
    ) -> Option<Vec<Vec<f64>>> {
        let outermost = edges.last().copied().unwrap_or(0.0);
        let areas = self.zones.square_metres(square_metres);
        let balls: Vec<(Xyz, f64)> = (0..self.zones.zones.len())
            .into_par_iter()
            .map_init(Outline::default, |outline, zone| {
                self.outline(zone, outline);
                outline.ball
            })
            .collect();
        let tree = crate::vector::nearest::BallTree::new(balls.iter().copied());
        let mut found = Vec::with_capacity(self.mines.len());
        for (first, batch) in (0..).step_by(64).zip(self.mines.mines.chunks(64)) {
            if !go_on(first) {
                return None;
            }
            found.par_extend(batch.par_iter().map(|mine| {
                let (centre, reach) = mine.outline.ball;
                let mut sums = vec![0.0; edges.len()];
                if mine.outline.is_empty() {
                    return sums;
                }
                let mut near: Vec<usize> = tree.within(centre, chord_at_most(outermost) + reach).collect();
                near.sort_unstable(); // sums must not depend on the tree
                for zone in near {
                    let band = |metres: f64| edges.iter().position(|&edge| metres < edge);
                    let (at, wide) = balls[zone];
                    let apart = chord2(at, centre).sqrt();
                    let nearest = band(arc_at_least((apart - reach - wide).max(0.0)));
                    if nearest == band(arc_at_most(apart + reach + wide)) {
                        nearest.into_iter().for_each(|band| sums[band] += areas[zone]);
                    } else {
                        self.add_bands(mine, zone, band, square_metres, &mut sums);
                    }
                }
                sums
            }));
        }
        Some(found)
    }

    /// Adds a zone pixel by pixel.
    fn add_bands(
        &self,
        mine: &Mine,
        zone: usize,
        band: impl Fn(f64) -> Option<usize>,
        square_metres: &[f64],
        sums: &mut [f64],
    ) {
        let (first, last) = self.zones.zones[zone].rows;
        let mut pixel = Outline::default();
        for row in first as usize..=last as usize {
            let mut counts = vec![0u64; sums.len()];
            for cols in self.zones.runs_of(zone, row) {
                for col in cols {
                    let at = self.centre(row, col);
                    pixel.clear();
                    pixel.point(at);
                    pixel.close();
                    let (lon, lat) = lon_lat(at);
                    let chord =
                        if mine.holds(lon, lat) { 0.0 } else { mine.outline.chord(&pixel, f64::INFINITY) };
                    let metres = f64::midpoint(arc_at_least(chord), arc_at_most(chord));
                    if let Some(band) = band(metres) {
                        counts[band] += 1;
                    }
                }
            }
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count as f64 * square_metres[row];
            }
        }
    }
}

#[cfg(test)]
mod tests;
