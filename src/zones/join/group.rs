//! Zones near each other, joined together: they share the mines that concern any of them.

use std::cell::OnceCell;

use super::outline::{Edge, edges_of};
use super::patch::{Patch, Plane};
use super::{Join, NearMines};
use crate::crs::earth::{Xyz, chord2};
use crate::vector::nearest::Ball;
use crate::zones::Zone;
use crate::zones::border::Ring;
use crate::zones::mine_index::Mine;
use crate::zones::shape::{Approach, Closest, Outline, arc_at_least, arc_at_most, chord_at_most};

/// Two outlines that come this near, metres, cross: their pieces leave the ellipsoid by less.
pub const TOUCH: f64 = 1e-3;
/// Zones of a group that narrow down its mines once more together.
const CLOSE: usize = 16;
/// Cut-off of the density's kernel in bandwidths: the radius is three of them.
const SIGMAS: f64 = 3.0;

/// What groups of zones are joined with; one a thread.
#[derive(Default)]
pub struct Group {
    rings: Vec<Ring>,
    vertices: Vec<u32>,
    corners: Vec<(u32, u32)>,
    places: Vec<Place>,
    /// Mines that concern any zone of the group, by number.
    mines: Vec<Ball>,
    candidates: Candidates,
    work: Work,
}

/// Mines that concern any of a few zones: number, middle and reach of each.
#[derive(Default)]
struct Candidates {
    ids: Vec<u32>,
    /// Axis by axis.
    middles: [Vec<f64>; 3],
    reaches: Vec<f64>,
}

/// Where a zone lies.
struct Place {
    extent: Zone,
    /// Number of its rings.
    rings: usize,
    patch: Option<Patch>,
    /// Its outline, once anything has asked for it.
    outline: OnceCell<Outline>,
    ball: (Xyz, f64),
}

impl Place {
    fn of(extent: Zone) -> Self {
        Self { extent, rings: 0, patch: None, outline: OnceCell::new(), ball: ([0.0; 3], 0.0) }
    }
}

/// What one zone after another is worked on with.
#[derive(Default)]
struct Work {
    edges: Vec<Edge>,
    /// Square metres from the middle of the zone to that of each candidate.
    apart2: Vec<f64>,
    /// Square metres from a mine to each edge.
    squares: Vec<f64>,
    approaches: Vec<(usize, Approach)>,
}

impl Group {
    /// What lies near some zones.
    pub fn join(&mut self, join: &Join<'_>, zones: &[u32]) -> Vec<NearMines> {
        self.place(join, zones);
        self.gather(join);
        let (mut rings, mut corners) = (&self.rings[..], &self.corners[..]);
        let mut found = Vec::with_capacity(zones.len());
        for (zones, places) in zones.chunks(CLOSE).zip(self.places.chunks(CLOSE)) {
            self.candidates.narrow(join, &self.mines, places);
            for (&zone, place) in zones.iter().zip(places) {
                self.work.edges.clear();
                let origin = place.patch.as_ref().map_or((0, 0), Patch::origin);
                for ring in rings.split_off(..place.rings).unwrap_or_default() {
                    let of_ring = corners.split_off(..ring.end - ring.start).unwrap_or_default();
                    edges_of(of_ring, origin, &mut self.work.edges);
                }
                found.push(Near::of(join, zone, place, &self.candidates, &mut self.work));
            }
        }
        found
    }

    /// Fetches what is known of the zones. It lies all over memory, so each kind of it is fetched
    /// for all of them before anything is made of it.
    fn place(&mut self, join: &Join<'_>, zones: &[u32]) {
        let all = join.zones;
        self.places.clear();
        self.places.extend(zones.iter().map(|&zone| Place::of(all.zones[zone as usize])));
        self.rings.clear();
        for (&zone, place) in zones.iter().zip(&mut self.places) {
            let rings = all.rings_of(zone as usize);
            place.rings = rings.len();
            self.rings.extend(rings);
        }
        self.vertices.clear();
        for ring in &self.rings {
            self.vertices.extend(all.vertices_of(ring));
        }
        self.corners.clear();
        self.corners.extend(self.vertices.iter().map(|&vertex| all.corner(vertex)));
        for (&zone, place) in zones.iter().zip(&mut self.places) {
            place.patch = join.patch(&place.extent);
            place.ball = match &place.patch {
                Some(patch) => patch.ball(),
                None => place.outline.get_or_init(|| join.outline(zone as usize)).ball,
            };
        }
    }

    /// Finds the mines: none beyond can be a zone's nearest, or within the radius.
    fn gather(&mut self, join: &Join<'_>) {
        let bounds = Bounds::of(&self.places);
        let tree = &join.mines.tree;
        self.mines.clear();
        if let Some((nearest, apart)) = tree.nearest(bounds.middle) {
            let limit = bounds.limit(join, apart + 2.0 * nearest.radius);
            self.mines.extend(tree.within(bounds.middle, limit).copied());
            self.mines.sort_unstable_by_key(|mine| mine.id); // sums must not depend on the tree
        }
    }
}

/// A ball around some zones.
struct Bounds {
    middle: Xyz,
    reach: f64,
}

impl Bounds {
    fn of(places: &[Place]) -> Self {
        let count = places.len() as f64;
        let middle: Xyz = std::array::from_fn(|k| places.iter().map(|p| p.ball.0[k]).sum::<f64>() / count);
        let reach = places.iter().map(|p| chord2(p.ball.0, middle).sqrt() + p.ball.1).fold(0.0, f64::max);
        Self { middle, reach }
    }

    /// Metres from the middle beyond which no mine concerns any of the zones, where one lies wholly
    /// within `farthest` of it: that one is near enough for each of them.
    fn limit(&self, join: &Join<'_>, farthest: f64) -> f64 {
        chord_at_most(arc_at_most(farthest + self.reach)).max(chord_at_most(join.radius)) + self.reach
    }
}

impl Candidates {
    /// Chooses those of a group's mines that concern some of its zones.
    fn narrow(&mut self, join: &Join<'_>, mines: &[Ball], places: &[Place]) {
        let bounds = Bounds::of(places);
        let apart = |mine: &Ball| chord2(mine.centre, bounds.middle);
        let farthest =
            mines.iter().map(|mine| apart(mine).sqrt() + mine.radius).fold(f64::INFINITY, f64::min);
        let limit = bounds.limit(join, farthest);
        self.ids.clear();
        self.middles.iter_mut().for_each(Vec::clear);
        self.reaches.clear();
        for mine in mines.iter().filter(|mine| apart(mine) <= (limit + mine.radius).powi(2)) {
            self.ids.push(mine.id);
            self.middles.iter_mut().zip(mine.centre).for_each(|(middles, at)| middles.push(at));
            self.reaches.push(mine.radius);
        }
    }
}

/// One zone and the candidates of its group.
struct Near<'a> {
    join: &'a Join<'a>,
    zone: u32,
    place: &'a Place,
    candidates: &'a Candidates,
    edges: &'a [Edge],
    apart2: &'a [f64],
    /// The zone's patch as a plane.
    plane: Option<(&'a Patch, Plane)>,
    /// A corner of each ring, where mines have ground.
    corners: Vec<(f64, f64)>,
}

impl<'a> Near<'a> {
    fn of(
        join: &'a Join<'a>,
        zone: u32,
        place: &'a Place,
        candidates: &'a Candidates,
        work: &'a mut Work,
    ) -> NearMines {
        let [xs, ys, zs] = &candidates.middles;
        let middle = place.ball.0;
        work.apart2.clear();
        work.apart2.extend(xs.iter().zip(ys).zip(zs).map(|((&x, &y), &z)| chord2([x, y, z], middle)));
        let near = Self {
            join,
            zone,
            place,
            candidates,
            edges: &work.edges,
            apart2: &work.apart2,
            plane: place.patch.as_ref().map(|patch| (patch, patch.plane())),
            corners: join.corners(zone as usize),
        };
        let (within, density) = near.around(&mut work.squares);
        NearMines { nearest: near.nearest(&mut work.squares, &mut work.approaches), within, density }
    }

    fn mine(&self, candidate: usize) -> &Mine {
        &self.join.mines.mines[self.candidates.ids[candidate] as usize]
    }

    fn outline(&self) -> &Outline {
        self.place.outline.get_or_init(|| self.join.outline_along(self.edges, self.place.patch.as_ref()))
    }

    /// How near the zone comes to a mine, as far as that is within `limit` metres; no distance
    /// where they have ground in common.
    fn approach(&self, candidate: usize, limit: f64, squares: &mut Vec<f64>) -> Option<Approach> {
        let (id, mine) = (self.candidates.ids[candidate], self.mine(candidate));
        let meet =
            || self.join.holds(self.zone, id) || self.corners.iter().any(|&(lon, lat)| mine.holds(lon, lat));
        let found = match (&self.plane, mine.outline.as_point()) {
            (Some((patch, plane)), Some(point)) => self.approach_point(patch, plane, point, limit, squares),
            _ => self.outline().approach(&mine.outline, limit),
        };
        match found {
            Some(found) if found.chord > TOUCH && !meet() => Some(found),
            None if !meet() => None,
            _ => Some(Approach { chord: 0.0, here: mine.at, there: mine.at }),
        }
    }

    /// What the outline would tell of a point, by the few of its pieces that can be the nearest.
    fn approach_point(
        &self,
        patch: &Patch,
        plane: &Plane,
        point: Xyz,
        limit: f64,
        squares: &mut Vec<f64>,
    ) -> Option<Approach> {
        let seen = plane.see(point);
        squares.clear();
        squares.extend(self.edges.iter().map(|edge| plane.square(edge, seen)));
        let least = squares.iter().copied().fold(f64::INFINITY, f64::min).sqrt();
        // Each distance in the plane is its own to `off`, so what can be the nearest is to twice that.
        let most2 = (least.min(limit) + 2.0 * plane.off).powi(2);
        let mut closest = Closest::within(limit);
        for (edge, _) in self.edges.iter().zip(squares.iter()).filter(|(_, square)| **square <= most2) {
            let place = |col, row| patch.xyz(col, row);
            self.join.cut(edge, place(edge[0], edge[1]), place, |from, to| {
                closest.look(&[from, to], &[point, point]);
            });
        }
        closest.approach()
    }

    fn measure(&self, candidate: usize, approach: &Approach) -> (f64, Option<f64>) {
        if approach.chord == 0.0 {
            return (0.0, None);
        }
        let (metres, bearing) = match approach.short() {
            Some(measured) => measured,
            None => self.outline().measure(&self.mine(candidate).outline, approach),
        };
        (metres, Some(bearing))
    }

    fn nearest(
        &self,
        squares: &mut Vec<f64>,
        approaches: &mut Vec<(usize, Approach)>,
    ) -> Option<(usize, f64, Option<f64>)> {
        let (reaches, reach) = (&self.candidates.reaches, self.place.ball.1);
        let nearer = |best: (usize, f64), next: (usize, f64)| if next.1 < best.1 { next } else { best };
        let (first, least2) = self.apart2.iter().copied().enumerate().reduce(nearer)?;
        let mut most = arc_at_most(least2.sqrt() + reaches[first] + reach);
        approaches.clear();
        let mut look = |i: usize, most: &mut f64| {
            if let Some(approach) = self.approach(i, chord_at_most(*most), squares) {
                *most = most.min(arc_at_most(approach.chord));
                approaches.push((i, approach));
            }
        };
        look(first, &mut most);
        for (i, (&apart2, wide)) in self.apart2.iter().zip(reaches).enumerate() {
            let reach = reach + wide;
            let limit = chord_at_most(most) + reach;
            if apart2 <= limit * limit && i != first && arc_at_least(apart2.sqrt() - reach) <= most {
                look(i, &mut most);
            }
        }
        let mut best: Option<(usize, f64, Option<f64>)> = None;
        for (i, approach) in approaches {
            if arc_at_least(approach.chord) <= most {
                let (id, (metres, bearing)) = (self.candidates.ids[*i] as usize, self.measure(*i, approach));
                if best.is_none_or(|b| (metres, id) < (b.1, b.0)) {
                    best = Some((id, metres, bearing));
                }
            }
        }
        best
    }

    /// How many mines lie within the radius, and how densely.
    fn around(&self, squares: &mut Vec<f64>) -> (u32, f64) {
        let (radius, reach) = (self.join.radius, self.place.ball.1);
        let (limit, sigma) = (chord_at_most(radius), radius / SIGMAS);
        let (mut within, mut weight) = (0, 0.0);
        for (i, (&apart2, wide)) in self.apart2.iter().zip(&self.candidates.reaches).enumerate() {
            let reach = reach + wide;
            if apart2 > (limit + reach).powi(2) {
                continue;
            }
            if radius > 0.0 && apart2 <= limit * limit {
                weight += (-0.5 * apart2 / (sigma * sigma)).exp();
            }
            let farthest = apart2.sqrt() + reach;
            // A chord is the cheaper look, and certain enough well within a small radius.
            let surely =
                if radius < 100_000.0 { farthest < 0.99 * radius } else { arc_at_most(farthest) <= radius };
            let mut near = || {
                let found = self.approach(i, limit, squares);
                found.is_some_and(|found| self.measure(i, &found).0 <= radius)
            };
            within += u32::from(surely || near());
        }
        // The mass of the kernel within three bandwidths is 1 - exp(-9/2).
        let mass = std::f64::consts::TAU * sigma * sigma * (1.0 - (-0.5 * SIGMAS * SIGMAS).exp());
        (within, if mass > 0.0 { weight / mass * 1e6 } else { 0.0 })
    }
}
