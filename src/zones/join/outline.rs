//! The outline of a zone along the edges of its pixels.

use super::Join;
use super::patch::Patch;
use crate::crs::earth::{Xyz, lon_lat};
use crate::zones::shape::{Outline, PIECE};

/// An edge of pixels: column and row of its ends.
pub type Edge = [f64; 4];

/// Adds the edges of a ring of corners (row, col), in columns and rows from those of an origin.
pub fn edges_of(ring: &[(u32, u32)], origin: (u32, u32), edges: &mut Vec<Edge>) {
    let at = |&(row, col): &(u32, u32)| (f64::from(col - origin.1), f64::from(row - origin.0));
    let Some(mut from) = ring.last().map(at) else { return };
    edges.extend(ring.iter().map(|corner| {
        let to = at(corner);
        let edge = [from.0, from.1, to.0, to.1];
        from = to;
        edge
    }));
}

impl Join<'_> {
    /// The outline of a zone.
    pub(super) fn outline(&self, zone: usize) -> Outline {
        let patch = self.patch(&self.zones.zones[zone]);
        let origin = patch.as_ref().map_or((0, 0), Patch::origin);
        let mut edges = Vec::new();
        for ring in self.zones.pixel_rings(zone) {
            edges_of(&ring.collect::<Vec<_>>(), origin, &mut edges);
        }
        self.outline_along(&edges, patch.as_ref())
    }

    /// The outline along edges, of a patch or anywhere on the grid.
    pub(super) fn outline_along(&self, edges: &[Edge], patch: Option<&Patch>) -> Outline {
        let mut outline = Outline::default();
        match patch {
            Some(patch) => self.follow(edges, |col, row| patch.xyz(col, row), &mut outline),
            None => self.follow(edges, |col, row| self.globe.xyz(col, row), &mut outline),
        }
        outline.close();
        outline
    }

    fn follow(&self, edges: &[Edge], place: impl Fn(f64, f64) -> Xyz + Copy, outline: &mut Outline) {
        let mut end = None;
        for edge in edges {
            let start = (edge[0], edge[1]);
            let from = match end {
                Some((at, from)) if at == start => from,
                _ => place(start.0, start.1),
            };
            let to = self.cut(edge, from, place, |from, to| outline.piece(from, to));
            end = Some(((edge[2], edge[3]), to));
        }
    }

    /// Cuts an edge that starts at `from` into pieces of at most [`PIECE`] metres, and returns its
    /// end.
    pub(super) fn cut(
        &self,
        edge: &Edge,
        mut from: Xyz,
        place: impl Fn(f64, f64) -> Xyz,
        mut each: impl FnMut(Xyz, Xyz),
    ) -> Xyz {
        let way = (edge[2] - edge[0], edge[3] - edge[1]);
        // Edges of pixels run along one axis.
        let metres = way.0.abs() * self.pixel.0 + way.1.abs() * self.pixel.1;
        let count = (metres / PIECE) as usize + 1;
        for k in 1..=count {
            let t = k as f64 / count as f64;
            let to = place(edge[0] + way.0 * t, edge[1] + way.1 * t);
            each(from, to);
            from = to;
        }
        from
    }

    /// Longitude and latitude of a corner of each ring of a zone, where mines have ground: where one
    /// lies on a mine's ground and no borders cross, so does the whole ring.
    pub(super) fn corners(&self, zone: usize) -> Vec<(f64, f64)> {
        if !self.mines.with_ground {
            return Vec::new();
        }
        self.zones
            .pixel_rings(zone)
            .filter_map(|mut ring| ring.next())
            .map(|(row, col)| lon_lat(self.globe.xyz(f64::from(col), f64::from(row))))
            .collect()
    }
}
