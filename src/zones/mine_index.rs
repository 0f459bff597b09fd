//! Mines in space, found by an R-tree.

use geo::{Coord, Geometry, LineString, MultiPolygon, Polygon};

use rayon::prelude::*;

use super::Zones;
use super::shape::{Outline, PIECE};
use crate::crs::earth::{Xyz, lon_lat, xyz};
use crate::crs::{Crs, CrsError, Ellipsoid, GeoBox};
use crate::vector::nearest::BallTree;
use crate::vector::{PolygonIndex, interior_point};

/// Places that are worth a thread.
const PART: usize = 4096;

/// Mines, points or polygons in longitude and latitude (WGS 84), in their order.
#[derive(Clone, Debug)]
pub struct MineIndex {
    pub(super) mines: Vec<Mine>,
    pub(super) tree: BallTree,
    /// Whether any of them is more than points.
    pub(super) with_ground: bool,
}

/// One mine.
#[derive(Clone, Debug)]
pub(super) struct Mine {
    /// Its points, or the outlines of its polygons.
    pub outline: Outline,
    /// Its polygons.
    pub ground: Option<PolygonIndex>,
    /// A point of it.
    pub at: Xyz,
    /// Longitudes and latitudes that lie in whatever zone holds a part of it: its points, and a
    /// corner of each of its polygons.
    pub anchors: Vec<Coord<f64>>,
}

impl MineIndex {
    /// Indexes mines. Anything but points and polygons has no place, and is never near.
    pub fn new<'a>(geometries: impl IntoIterator<Item = &'a Geometry<f64>>) -> Self {
        let geometries: Vec<&Geometry<f64>> = geometries.into_iter().collect();
        let mines: Vec<Mine> = geometries.into_par_iter().map(Mine::of).collect();
        let placed = mines.iter().enumerate().filter(|(_, m)| !m.outline.is_empty());
        let tree = BallTree::new(placed.map(|(id, m)| (id, m.outline.ball)));
        let with_ground = mines.iter().any(|m| m.ground.is_some());
        Self { mines, tree, with_ground }
    }

    /// Number of mines.
    pub fn len(&self) -> usize {
        self.mines.len()
    }

    /// Whether there is no mine.
    pub fn is_empty(&self) -> bool {
        self.mines.is_empty()
    }

    /// The zones under each mine's anchors, as far as those lie on the grid: mine and zone, by mine.
    ///
    /// # Errors
    /// [`CrsError`] where there is no way to the grid's CRS at all.
    pub(super) fn inside(&self, zones: &Zones, grid: &GeoBox) -> Result<Vec<(u32, u32)>, CrsError> {
        Crs::wgs84().transformer_to(&grid.crs)?;
        let anchors: Vec<(u32, Coord<f64>)> = (0..)
            .zip(&self.mines)
            .flat_map(|(id, mine)| mine.anchors.iter().map(move |&at| (id, at)))
            .collect();
        // A map over the date line counts on beyond 180.
        let turns: &[f64] = if grid.crs.is_geographic() { &[0.0, 360.0, -360.0] } else { &[0.0] };
        let part = |anchors: &[(u32, Coord<f64>)]| -> Vec<(u32, u32)> {
            let to_grid = Crs::wgs84().transformer_to(&grid.crs);
            let place = |coords: &[(u32, Coord<f64>)]| {
                let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = coords.iter().map(|(_, c)| (c.x, c.y)).unzip();
                let placed = to_grid.as_ref().is_ok_and(|to_grid| to_grid.apply(&mut xs, &mut ys).is_ok());
                placed.then_some((xs, ys))
            };
            // One by one where not all have a place: a mine beyond the CRS is none of the others' concern.
            let placed: Vec<Option<(f64, f64)>> = match place(anchors) {
                Some((xs, ys)) => xs.into_iter().zip(ys).map(Some).collect(),
                None => anchors.chunks(1).map(|one| place(one).map(|(xs, ys)| (xs[0], ys[0]))).collect(),
            };
            let zone = |(x, y): (f64, f64)| {
                let (row, col) = turns.iter().find_map(|turn| grid.pixel_at(x + turn, y))?;
                zones.zone_at(row, col)
            };
            anchors.iter().zip(placed).filter_map(|((id, _), at)| Some((*id, zone(at?)? as u32))).collect()
        };
        let size = PART.max(anchors.len().div_ceil(rayon::current_num_threads()));
        let found: Vec<Vec<(u32, u32)>> = anchors.par_chunks(size).map(part).collect();
        Ok(found.concat())
    }
}

/// Pieces that [`MineIndex::new`] cuts the outlines of mines into.
pub fn outline_pieces<'a>(geometries: impl IntoIterator<Item = &'a Geometry<f64>>) -> f64 {
    let ellipsoid = Ellipsoid::of(&Crs::wgs84());
    let pieces = |line: geo::Line<f64>| (metres(&ellipsoid, line.start, line.end) / PIECE).ceil().max(1.0);
    geometries.into_iter().flat_map(rings).flat_map(LineString::lines).map(pieces).sum()
}

/// The rings of a geometry's polygons.
fn rings(geometry: &Geometry<f64>) -> Vec<&LineString<f64>> {
    fn of(polygon: &Polygon<f64>) -> impl Iterator<Item = &LineString<f64>> {
        std::iter::once(polygon.exterior()).chain(polygon.interiors())
    }
    match geometry {
        Geometry::Polygon(polygon) => of(polygon).collect(),
        Geometry::MultiPolygon(polygons) => polygons.iter().flat_map(of).collect(),
        Geometry::GeometryCollection(parts) => parts.iter().flat_map(rings).collect(),
        _ => Vec::new(),
    }
}

/// Metres between two places in longitude and latitude, along a straight line.
fn metres(ellipsoid: &Ellipsoid, a: Coord<f64>, b: Coord<f64>) -> f64 {
    let (east, north) = ellipsoid.metres_per_degree(f64::midpoint(a.y, b.y));
    ((b.x - a.x) * east).hypot((b.y - a.y) * north)
}

impl Mine {
    fn of(geometry: &Geometry<f64>) -> Self {
        let mut mine = Self { outline: Outline::default(), ground: None, at: [0.0; 3], anchors: Vec::new() };
        let mut polygons = Vec::new();
        mine.add(geometry, &mut polygons);
        let place = match interior_point(geometry) {
            Some(point) => point.0,
            None => mine.anchors.first().copied().unwrap_or_default(),
        };
        mine.at = xyz(place.x, place.y);
        mine.outline.close();
        mine.ground = (!polygons.is_empty()).then(|| PolygonIndex::new(&MultiPolygon(polygons)));
        mine
    }

    fn add(&mut self, geometry: &Geometry<f64>, polygons: &mut Vec<Polygon<f64>>) {
        match geometry {
            Geometry::Point(p) => self.point(p.0),
            Geometry::MultiPoint(points) => points.iter().for_each(|p| self.point(p.0)),
            Geometry::Polygon(p) => self.polygon(p, polygons),
            Geometry::MultiPolygon(all) => all.iter().for_each(|p| self.polygon(p, polygons)),
            Geometry::Rect(r) => self.polygon(&r.to_polygon(), polygons),
            Geometry::Triangle(t) => self.polygon(&t.to_polygon(), polygons),
            Geometry::GeometryCollection(parts) => parts.iter().for_each(|part| self.add(part, polygons)),
            Geometry::Line(_) | Geometry::LineString(_) | Geometry::MultiLineString(_) => {}
        }
    }

    fn point(&mut self, at: Coord<f64>) {
        self.anchors.push(at);
        self.outline.point(xyz(at.x, at.y));
    }

    fn polygon(&mut self, polygon: &Polygon<f64>, polygons: &mut Vec<Polygon<f64>>) {
        let Some(&first) = polygon.exterior().0.first() else { return };
        self.anchors.push(first);
        for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
            self.ring(ring);
        }
        polygons.push(polygon.clone());
    }

    fn ring(&mut self, ring: &LineString<f64>) {
        let corners = &ring.0;
        if corners.len() < 2 {
            return;
        }
        let ellipsoid = Ellipsoid::of(&Crs::wgs84());
        let metres = |i: usize| metres(&ellipsoid, corners[i], corners[i + 1]);
        let between = |i: usize, t: f64| {
            let (a, b) = (corners[i], corners[i + 1]);
            xyz(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t)
        };
        self.outline.line(corners.len() - 1, metres, between);
    }

    /// Straight metres from a place on the ellipsoid; none on the mine's own ground.
    pub fn chord_to(&self, at: Xyz) -> f64 {
        if self.ground.is_some() {
            let (lon, lat) = lon_lat(at);
            if self.holds(lon, lat) {
                return 0.0;
            }
        }
        self.outline.chord_to(at)
    }

    /// Whether a place lies on the mine's ground, holes left out.
    pub fn holds(&self, lon: f64, lat: f64) -> bool {
        self.ground.as_ref().is_some_and(|ground| {
            [0.0, 360.0, -360.0].iter().any(|turn| ground.holds(Coord { x: lon + turn, y: lat }))
        })
    }
}
