//! From a class map to polygons along the edges of its pixels.

use std::ops::Range;

use geo::{Coord, LineString, MultiPolygon, Polygon};

use super::border::{Border, Ring};
use super::regions::{Regions, Run};
use super::simplify::Simplifier;
use crate::classmap::Connectivity;
use crate::crs::Affine;
use crate::raster::Plane;

/// One patch of a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zone {
    /// The class code.
    pub code: u8,
    /// Number of pixels.
    pub pixels: u64,
    /// First and last row and column (inclusive).
    pub rows: (u32, u32),
    /// See `rows`.
    pub cols: (u32, u32),
}

/// The zones of a map, in reading order of their first pixels, and their borders.
///
/// A zone is what its pixels are joined to by edges, or by edges and corners. Its polygons are
/// valid as OGC Simple Features asks: where pixels meet over a corner alone, a zone has two
/// polygons that touch in a point; where it encloses something but for a corner, a hole touches
/// the exterior in a point. Neighbours share the corners of their borders.
#[derive(Clone, Debug)]
pub struct Zones {
    /// The zones.
    pub zones: Vec<Zone>,
    regions: Regions,
    border: Border,
    vertices: Vec<u32>,
    /// By zone, part and position.
    rings: Vec<Ring>,
    /// First ring of each zone, and the number of all at the end.
    first_ring: Vec<usize>,
    /// Corners that are left, where borders were simplified.
    keep: Option<Vec<bool>>,
}

/// Finds the zones of the chosen class codes.
pub fn polygonize(map: &Plane<u8>, chosen: &[bool; 256], connectivity: Connectivity) -> Zones {
    polygonize_while(map, chosen, connectivity, &|| true).unwrap_or_else(|| unreachable!("nothing stops it"))
}

/// [`polygonize`] as long as `go_on` says so, which is asked once a row; `None` where it said no.
pub fn polygonize_while(
    map: &Plane<u8>,
    chosen: &[bool; 256],
    connectivity: Connectivity,
    go_on: &dyn Fn() -> bool,
) -> Option<Zones> {
    let regions = Regions::of(map, chosen, connectivity, go_on)?;
    let mut border = Border::of(map, chosen, go_on)?;
    let (mut rings, vertices) = border.rings(map, chosen, &regions, go_on)?;
    let zone_of = |ring: &Ring| regions.zone_of_part[ring.part as usize];
    rings.sort_by_key(|ring| (zone_of(ring), ring.part)); // stable: an exterior stays before its holes
    let mut first_ring = vec![0; regions.codes.len() + 1];
    for ring in &rings {
        first_ring[zone_of(ring) as usize + 1] += 1;
    }
    for zone in 1..first_ring.len() {
        first_ring[zone] += first_ring[zone - 1];
    }
    let mut zones: Vec<Zone> = regions
        .codes
        .iter()
        .map(|&code| Zone { code, pixels: 0, rows: (u32::MAX, 0), cols: (u32::MAX, 0) })
        .collect();
    for row in 0..map.rows {
        for run in regions.row(row) {
            let zone = &mut zones[regions.zone_of_part[run.part as usize] as usize];
            zone.pixels += u64::from(run.end - run.start);
            zone.rows = (zone.rows.0.min(row as u32), zone.rows.1.max(row as u32));
            zone.cols = (zone.cols.0.min(run.start), zone.cols.1.max(run.end - 1));
        }
    }
    Some(Zones { zones, regions, border, vertices, rings, first_ring, keep: None })
}

impl Zones {
    /// Takes corners out of the borders such that none that is gone lies farther than `tolerance`
    /// metres from what stands for it. Zones stay valid, and neighbours closed. `pixel` is the
    /// width and height of a pixel in metres. Areas and distances remain those of the pixels.
    pub fn simplify(&mut self, pixel: (f64, f64), tolerance: f64) {
        let _ = self.simplify_while(pixel, tolerance, &|| true);
    }

    /// [`Zones::simplify`] as long as `go_on` says so, which is asked once a corner; whether it did to the
    /// end. The borders are as they were where not.
    #[must_use]
    pub fn simplify_while(&mut self, pixel: (f64, f64), tolerance: f64, go_on: &dyn Fn() -> bool) -> bool {
        if tolerance <= 0.0 {
            self.keep = None;
            return true;
        }
        let keep = Simplifier::run(&self.border, pixel, tolerance, go_on);
        let done = keep.is_some();
        self.keep = keep.or_else(|| self.keep.take());
        done
    }

    /// Bytes for each run of equal pixels of a map, where all of them are borders: the run, four corners
    /// with their ways, and the rings through them.
    pub const BYTES_OF_RUN: u64 = 96;

    /// Number of corners of all borders.
    pub fn corners(&self) -> usize {
        self.border.at.len()
    }

    /// The runs of a row's pixels with their zones.
    pub fn runs(&self, row: usize) -> impl Iterator<Item = (Range<usize>, usize)> {
        let zone = |run: &Run| self.regions.zone_of_part[run.part as usize] as usize;
        self.regions.row(row).iter().map(move |run| (run.start as usize..run.end as usize, zone(run)))
    }

    /// The runs of pixels of any zone in a row, as far as they lie between columns.
    pub fn runs_between(&self, row: usize, cols: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let runs = self.regions.row(row);
        let first = runs.partition_point(|run| run.end as usize <= cols.start);
        runs[first..]
            .iter()
            .map(|run| run.start as usize..run.end as usize)
            .take_while(move |run| run.start < cols.end)
            .map(move |run| run.start.max(cols.start)..run.end.min(cols.end))
    }

    /// Square metres of every zone, from those of a pixel by row.
    pub fn square_metres(&self, of_pixel: &[f64]) -> Vec<f64> {
        let mut areas = vec![0.0; self.zones.len()];
        for (row, area) in of_pixel.iter().enumerate() {
            self.runs(row).for_each(|(cols, zone)| areas[zone] += cols.len() as f64 * area);
        }
        areas
    }

    /// The zone at a pixel.
    pub fn zone_at(&self, row: usize, col: usize) -> Option<usize> {
        self.regions.zone_at(row, col).map(|zone| zone as usize)
    }

    /// The borders of a zone as they were before any simplification, ring by ring: corners of
    /// pixels as (row, col), the first not repeated.
    pub fn pixel_rings(&self, zone: usize) -> impl Iterator<Item = impl Iterator<Item = (u32, u32)>> {
        self.rings_of(zone).iter().map(|ring| self.vertices_of(ring).iter().map(|&v| self.corner(v)))
    }

    /// The rings of a zone.
    pub(super) fn rings_of(&self, zone: usize) -> &[Ring] {
        &self.rings[self.first_ring[zone]..self.first_ring[zone + 1]]
    }

    /// The vertices of a ring, the first not repeated.
    pub(super) fn vertices_of(&self, ring: &Ring) -> &[u32] {
        &self.vertices[ring.start..ring.end]
    }

    /// Row and column of a vertex.
    pub(super) fn corner(&self, vertex: u32) -> (u32, u32) {
        self.border.at[vertex as usize]
    }

    /// The polygons of a zone in map coordinates, exteriors counter-clockwise with north up.
    pub fn polygon(&self, zone: usize, affine: &Affine) -> MultiPolygon<f64> {
        let rings = self.rings_of(zone);
        let c = &affine.0;
        let flipped = c[1] * c[5] - c[2] * c[4] > 0.0;
        let line = |ring: &Ring| {
            let kept = self
                .vertices_of(ring)
                .iter()
                .filter(|&&v| self.keep.as_ref().is_none_or(|keep| keep[v as usize]));
            let mut coords: Vec<Coord<f64>> = kept
                .map(|&v| {
                    let (row, col) = self.corner(v);
                    let (x, y) = affine.apply(f64::from(col), f64::from(row));
                    Coord { x, y }
                })
                .collect();
            if flipped {
                coords.reverse();
            }
            coords.extend(coords.first().copied());
            LineString(coords)
        };
        MultiPolygon(
            rings
                .chunk_by(|a, b| a.part == b.part)
                .map(|of_part| Polygon::new(line(&of_part[0]), of_part[1..].iter().map(line).collect()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests;
