//! The mines beside each zone, and the zones around each mine.

use rayon::prelude::*;

use super::Zones;
use super::mine_index::{Mine, MineIndex};
use super::shape::{Approach, Outline, PIECE, arc_at_least, arc_at_most, chord_at_most, chord_of};
use crate::crs::earth::{Xyz, chord2, lon_lat};
use crate::crs::{CrsError, GeoBox, GlobeGrid, pixel_metres};
use crate::vector::nearest::BallTree;

/// Zones that lie near each other and ask the tree together.
const GROUP: usize = 64;
/// Groups between two looks at whether to go on.
const BATCH: usize = 64;
/// Two outlines that come this near, metres, cross: their pieces leave the ellipsoid by less.
const TOUCH: f64 = 1e-3;
/// Metres across that a part of a grid may be taken for flat, and metres that it may be off then.
const SMALL: f64 = 100.0;
const FLAT: f64 = 4e-4;
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
        let mut inside = Vec::new();
        for (mine, pixels) in (0u32..).zip(mines.pixels(grid)?) {
            let held = pixels.into_iter().filter_map(|(row, col)| zones.zone_at(row, col));
            inside.extend(held.map(|zone| (zone as u32, mine)));
        }
        inside.sort_unstable();
        inside.dedup();
        let (globe, pixel) = (GlobeGrid::new(grid)?, pixel_metres(grid));
        let flat = Patch::may_stand(grid, &globe, pixel);
        Ok(Self { zones, mines, globe, pixel, inside, radius, flat })
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
        let mut order: Vec<(u64, u32)> = (0..)
            .zip(&self.zones.zones)
            .map(|(id, zone)| (fast_hilbert::xy2h(middle(zone.cols), middle(zone.rows), 32), id))
            .collect();
        order.par_sort_unstable();
        order.into_iter().map(|o| o.1).collect()
    }

    /// The outline of a zone along its pixels' edges.
    pub(super) fn outline(&self, zone: usize, outline: &mut Outline) {
        outline.clear();
        let (rows, cols) = (self.zones.zones[zone].rows, self.zones.zones[zone].cols);
        let extent = |(first, last): (u32, u32), metres: f64| f64::from(last + 1 - first) * metres;
        if self.flat && extent(rows, self.pixel.1).max(extent(cols, self.pixel.0)) <= SMALL {
            let patch = Patch::new(&self.globe, rows, cols);
            self.follow(zone, outline, |col, row| patch.xyz(col, row));
        } else {
            self.follow(zone, outline, |col, row| self.globe.xyz(col, row));
        }
        outline.close();
    }

    fn follow(&self, zone: usize, outline: &mut Outline, place: impl Fn(f64, f64) -> Xyz) {
        for mut ring in self.zones.pixel_rings(zone) {
            let Some(first) = ring.next() else { continue };
            let at = |(row, col): (u32, u32)| (f64::from(col), f64::from(row));
            let mut before = at(first);
            let mut from = place(before.0, before.1);
            for corner in ring.chain([first]) {
                let next = at(corner);
                let way = (next.0 - before.0, next.1 - before.1);
                // Edges of pixels run along one axis.
                let metres = way.0.abs() * self.pixel.0 + way.1.abs() * self.pixel.1;
                let count = (metres / PIECE) as usize + 1;
                for k in 1..=count {
                    let t = k as f64 / count as f64;
                    let to = place(before.0 + way.0 * t, before.1 + way.1 * t);
                    outline.piece(from, to);
                    from = to;
                }
                before = next;
            }
        }
    }

    /// Mines with a part in a zone.
    fn held(&self, zone: usize) -> &[(u32, u32)] {
        let first = self.inside.partition_point(|i| (i.0 as usize) < zone);
        let rest = &self.inside[first..];
        &rest[..rest.partition_point(|i| i.0 as usize == zone)]
    }

    /// Longitude and latitude of a corner of each ring of a zone: where one lies on a mine's
    /// ground and no borders cross, so does the whole ring.
    fn corners(&self, zone: usize) -> Vec<(f64, f64)> {
        if !self.mines.with_ground {
            return Vec::new();
        }
        self.zones
            .pixel_rings(zone)
            .filter_map(|mut ring| ring.next())
            .map(|(row, col)| lon_lat(self.globe.xyz(f64::from(col), f64::from(row))))
            .collect()
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
        let chords: Vec<f64> = edges.iter().map(|&edge| chord_of(edge)).collect();
        let outermost = chords.last().copied().unwrap_or(0.0);
        let areas = self.zones.square_metres(square_metres);
        let balls: Vec<(Xyz, f64)> = (0..self.zones.zones.len())
            .into_par_iter()
            .map_init(Outline::default, |outline, zone| {
                self.outline(zone, outline);
                outline.ball
            })
            .collect();
        let tree = BallTree::new(balls.iter().copied().enumerate());
        let of_mine = |mine: &Mine| {
            let (centre, reach) = mine.outline.ball;
            let mut sums = vec![0.0; edges.len()];
            if mine.outline.is_empty() {
                return sums;
            }
            let mut near: Vec<usize> = tree.within(centre, outermost + reach).collect();
            near.sort_unstable(); // sums must not depend on the tree
            for zone in near {
                let (at, wide) = balls[zone];
                let apart = chord2(at, centre).sqrt();
                let nearest = band(&chords, (apart - reach - wide).max(0.0));
                if nearest == band(&chords, apart + reach + wide) {
                    if let Some(band) = nearest {
                        sums[band] += areas[zone];
                    }
                } else {
                    self.add_bands(mine, zone, &chords, square_metres, &mut sums);
                }
            }
            sums
        };
        let mut found = Vec::with_capacity(self.mines.len());
        for (first, batch) in (0..).step_by(BATCH).zip(self.mines.mines.chunks(BATCH)) {
            if !go_on(first) {
                return None;
            }
            found.par_extend(batch.par_iter().map(of_mine));
        }
        Some(found)
    }

    /// Adds a zone pixel by pixel.
    fn add_bands(&self, mine: &Mine, zone: usize, chords: &[f64], square_metres: &[f64], sums: &mut [f64]) {
        let (first, last) = self.zones.zones[zone].rows;
        let mut counts = vec![0u64; sums.len()];
        let rows = first as usize..=last as usize;
        for (row, area) in rows.clone().zip(&square_metres[rows]) {
            counts.fill(0);
            for col in self.zones.runs_of(zone, row).flatten() {
                let at = self.globe.xyz(col as f64 + 0.5, row as f64 + 0.5);
                if let Some(band) = band(chords, mine.chord_to(at)) {
                    counts[band] += 1;
                }
            }
            for (sum, &count) in sums.iter_mut().zip(&counts) {
                *sum += count as f64 * area;
            }
        }
    }
}

/// A part of a grid so small and flat that it lies between its corners.
struct Patch {
    origin: (f64, f64),
    corner: Xyz,
    along: Xyz,
    across: Xyz,
    twist: Xyz,
}

impl Patch {
    /// The part with these rows and columns.
    fn new(globe: &GlobeGrid, rows: (u32, u32), cols: (u32, u32)) -> Self {
        let (west, east) = (f64::from(cols.0), f64::from(cols.1 + 1));
        let (top, bottom) = (f64::from(rows.0), f64::from(rows.1 + 1));
        let (width, height) = (east - west, bottom - top);
        let corners = [(west, top), (east, top), (west, bottom), (east, bottom)];
        let [a, b, c, d] = corners.map(|(col, row)| globe.xyz(col, row));
        let each = |of: &dyn Fn(usize) -> f64| [of(0), of(1), of(2)];
        Self {
            origin: (west, top),
            corner: a,
            along: each(&|k| (b[k] - a[k]) / width),
            across: each(&|k| (c[k] - a[k]) / height),
            twist: each(&|k| (d[k] - c[k] - b[k] + a[k]) / (width * height)),
        }
    }

    /// Whether small parts anywhere on a grid may stand for it. Far north a parallel bends more
    /// than the ellipsoid does.
    fn may_stand(grid: &GeoBox, globe: &GlobeGrid, pixel: (f64, f64)) -> bool {
        let span = |metres: f64| (SMALL / metres).max(1.0) as u32;
        let (rows, cols) = (span(pixel.1), span(pixel.0));
        let places = |count: usize, span: u32| {
            let last = (count as u32).saturating_sub(span);
            [0, last / 2, last].map(|first| (first, first + span - 1))
        };
        let off = |(rows, cols): ((u32, u32), (u32, u32))| {
            let middle = |(first, last): (u32, u32)| f64::midpoint(first.into(), f64::from(last) + 1.0);
            let (row, col) = (middle(rows), middle(cols));
            chord2(Self::new(globe, rows, cols).xyz(col, row), globe.xyz(col, row)).sqrt()
        };
        let cols = places(grid.cols, cols);
        places(grid.rows, rows).into_iter().all(|r| cols.into_iter().all(|c| off((r, c)) < FLAT))
    }

    fn xyz(&self, col: f64, row: f64) -> Xyz {
        let (u, v) = (col - self.origin.0, row - self.origin.1);
        std::array::from_fn(|k| self.corner[k] + self.along[k] * u + (self.across[k] + self.twist[k] * u) * v)
    }
}

/// The band that a chord lies in.
fn band(chords: &[f64], chord: f64) -> Option<usize> {
    chords.iter().position(|&edge| chord < edge)
}

/// Zones near each other, and the mines that concern any of them.
#[derive(Default)]
struct Group {
    outlines: Vec<Outline>,
    /// Candidates: number, middle and reach of each, axis by axis.
    ids: Vec<u32>,
    middles: [Vec<f64>; 3],
    reaches: Vec<f64>,
    /// Metres from the middle of a zone to that of each candidate.
    apart: Vec<f64>,
}

impl Group {
    fn join(&mut self, join: &Join<'_>, zones: &[u32]) -> Vec<NearMines> {
        self.outlines.resize_with(self.outlines.len().max(zones.len()), Outline::default);
        for (outline, &zone) in self.outlines.iter_mut().zip(zones) {
            join.outline(zone as usize, outline);
        }
        self.gather(join, zones.len());
        (0..zones.len()).map(|k| self.of(join, k, zones[k] as usize)).collect()
    }

    /// Finds the candidates: no mine beyond can be a zone's nearest, or within the radius.
    fn gather(&mut self, join: &Join<'_>, count: usize) {
        let outlines = &self.outlines[..count];
        let middle: Xyz =
            std::array::from_fn(|k| outlines.iter().map(|o| o.ball.0[k]).sum::<f64>() / count as f64);
        let reach = outlines.iter().map(|o| chord2(o.ball.0, middle).sqrt() + o.ball.1).fold(0.0, f64::max);
        self.ids.clear();
        let tree = &join.mines.tree;
        if let Some((nearest, apart)) = tree.nearest(middle).next() {
            // The nearest of the group's middle is near enough for every zone of the group.
            let wide = join.mines.mines[nearest].outline.ball.1;
            let most = chord_at_most(arc_at_most(apart + 2.0 * wide + reach));
            self.ids.extend(
                tree.within(middle, most.max(chord_at_most(join.radius)) + reach).map(|id| id as u32),
            );
            self.ids.sort_unstable(); // sums must not depend on the tree
        }
        let ball = |id: &u32| join.mines.mines[*id as usize].outline.ball;
        for (axis, middles) in self.middles.iter_mut().enumerate() {
            middles.clear();
            middles.extend(self.ids.iter().map(|id| ball(id).0[axis]));
        }
        self.reaches.clear();
        self.reaches.extend(self.ids.iter().map(|id| ball(id).1));
    }

    fn of(&mut self, join: &Join<'_>, k: usize, zone: usize) -> NearMines {
        let (middle, _) = self.outlines[k].ball;
        let [xs, ys, zs] = &self.middles;
        self.apart.clear();
        self.apart.extend(xs.iter().zip(ys).zip(zs).map(|((x, y), z)| {
            ((x - middle[0]).powi(2) + (y - middle[1]).powi(2) + (z - middle[2]).powi(2)).sqrt()
        }));
        let near = Near {
            group: self,
            join,
            zone: &self.outlines[k],
            held: join.held(zone),
            corners: join.corners(zone),
        };
        let (within, density) = near.around();
        NearMines { nearest: near.nearest(), within, density }
    }
}

/// One zone and the candidates of its group.
struct Near<'a> {
    group: &'a Group,
    join: &'a Join<'a>,
    zone: &'a Outline,
    held: &'a [(u32, u32)],
    corners: Vec<(f64, f64)>,
}

impl Near<'_> {
    fn mine(&self, candidate: usize) -> &Mine {
        &self.join.mines.mines[self.group.ids[candidate] as usize]
    }

    /// How near the zone comes to a mine, as far as that is within `limit` metres; no distance
    /// where they have ground in common.
    fn approach(&self, candidate: usize, limit: f64) -> Option<Approach> {
        let (id, mine) = (self.group.ids[candidate], self.mine(candidate));
        let meet = || {
            self.held.iter().any(|h| h.1 == id) || self.corners.iter().any(|&(lon, lat)| mine.holds(lon, lat))
        };
        match self.zone.approach(&mine.outline, limit) {
            Some(found) if found.chord > TOUCH && !meet() => Some(found),
            None if !meet() => None,
            _ => Some(Approach { chord: 0.0, here: mine.at, there: mine.at }),
        }
    }

    fn measure(&self, candidate: usize, approach: &Approach) -> (f64, Option<f64>) {
        if approach.chord == 0.0 {
            return (0.0, None);
        }
        let (metres, bearing) = self.zone.measure(&self.mine(candidate).outline, approach);
        (metres, Some(bearing))
    }

    fn nearest(&self) -> Option<(usize, f64, Option<f64>)> {
        let (apart, reaches, reach) = (&self.group.apart, &self.group.reaches, self.zone.ball.1);
        let farthest =
            apart.iter().zip(reaches).map(|(apart, wide)| apart + wide).fold(f64::INFINITY, f64::min);
        let mut most = arc_at_most(farthest + reach);
        let limit = chord_at_most(most) + reach;
        let mut candidates: Vec<(usize, Approach)> = Vec::new();
        for (i, (apart, wide)) in apart.iter().zip(reaches).enumerate() {
            if apart - wide <= limit
                && arc_at_least(apart - wide - reach) <= most
                && let Some(approach) = self.approach(i, chord_at_most(most))
            {
                most = most.min(arc_at_most(approach.chord));
                candidates.push((i, approach));
            }
        }
        let mut best: Option<(usize, f64, Option<f64>)> = None;
        for (i, approach) in candidates {
            if arc_at_least(approach.chord) <= most {
                let (metres, bearing) = self.measure(i, &approach);
                if best.is_none_or(|b| metres < b.1) {
                    best = Some((self.group.ids[i] as usize, metres, bearing));
                }
            }
        }
        best
    }

    /// How many mines lie within the radius, and how densely.
    fn around(&self) -> (u32, f64) {
        let (radius, reach) = (self.join.radius, self.zone.ball.1);
        let (limit, sigma) = (chord_at_most(radius), radius / SIGMAS);
        let (mut within, mut weight) = (0, 0.0);
        for (i, (&apart, wide)) in self.group.apart.iter().zip(&self.group.reaches).enumerate() {
            if apart - wide - reach > limit {
                continue;
            }
            if radius > 0.0 && apart <= limit {
                weight += (-0.5 * (apart / sigma).powi(2)).exp();
            }
            let farthest = apart + wide + reach;
            // A chord is the cheaper look, and certain enough well within a small radius.
            let surely =
                if radius < 100_000.0 { farthest < 0.99 * radius } else { arc_at_most(farthest) <= radius };
            within += u32::from(
                surely || self.approach(i, limit).is_some_and(|found| self.measure(i, &found).0 <= radius),
            );
        }
        // The mass of the kernel within three bandwidths is 1 - exp(-9/2).
        let mass = std::f64::consts::TAU * sigma * sigma * (1.0 - (-0.5 * SIGMAS * SIGMAS).exp());
        (within, if mass > 0.0 { weight / mass * 1e6 } else { 0.0 })
    }
}

#[cfg(test)]
mod tests;
