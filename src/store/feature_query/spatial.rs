//! How geometries lie to one another.

use std::panic::{AssertUnwindSafe, catch_unwind};

use geo::{BoundingRect, Geometry, Intersects, Line, Point, Polygon, Rect, Relate, coord};

use super::eval::{Chunk, FALSE};
use crate::crs::{Crs, CrsError};
use crate::io::IoError;
use crate::io::feature_file::{LonLatBox, meet};
use crate::ogc::cql2::SpatialRelation;
use crate::vector::reproject;

/// A geometry that features are held against.
#[derive(Debug)]
pub(super) struct Shape {
    pub relation: SpatialRelation,
    pub geometry: Geometry<f64>,
    pub bounds: LonLatBox,
}

impl Shape {
    pub fn new(relation: SpatialRelation, geometry: Geometry<f64>) -> Option<Self> {
        let rect = geometry.bounding_rect()?;
        let bounds = [rect.min().x, rect.min().y, rect.max().x, rect.max().y];
        Some(Self { relation, geometry, bounds })
    }

    /// The rows of a chunk of which it holds; those that `skip` has as false are not looked at.
    pub fn holds(&self, chunk: &Chunk<'_>, skip: Option<&[u8]>) -> Result<Vec<u8>, IoError> {
        let apart = u8::from(self.relation == SpatialRelation::Disjoint);
        let boxes = chunk.boxes()?;
        let mut truth = vec![apart; boxes.len()];
        for (k, own) in boxes.iter().enumerate() {
            if skip.is_none_or(|s| s[k] != FALSE) && meet(own, &self.bounds) {
                truth[k] = u8::from(self.holds_for(&chunk.geometry(k)?));
            }
        }
        Ok(truth)
    }

    fn holds_for(&self, own: &Geometry<f64>) -> bool {
        use SpatialRelation as R;
        let other = &self.geometry;
        // Rings from elsewhere: what the relation does not foresee must not end the request.
        let found = catch_unwind(AssertUnwindSafe(|| match self.relation {
            R::Intersects => own.intersects(other),
            R::Disjoint => !own.intersects(other),
            R::Equals => own.relate(other).is_equal_topo(),
            R::Touches => own.relate(other).is_touches(),
            R::Within => own.relate(other).is_within(),
            R::Overlaps => own.relate(other).is_overlaps(),
            R::Crosses => own.relate(other).is_crosses(),
            R::Contains => own.relate(other).is_contains(),
        }));
        found.unwrap_or(false)
    }
}

/// A box as a geometry: a point or line where it has no width or height.
pub fn rectangle(bounds: &LonLatBox) -> Geometry<f64> {
    let [west, south, east, north] = *bounds;
    let (low, high) = (coord! { x: west, y: south }, coord! { x: east, y: north });
    match (west == east, south == north) {
        (true, true) => Point(low).into(),
        (false, false) => Polygon::from(Rect::new(low, high)).into(),
        _ => Line::new(low, high).into(),
    }
}

/// The boxes in degrees of a box in a CRS, x before y; two where it crosses the antimeridian, west
/// greater than east.
///
/// # Errors
/// [`CrsError`]: it lies outside the CRS.
pub fn in_degrees(bounds: [f64; 4], crs: &Crs) -> Result<Vec<LonLatBox>, CrsError> {
    let [west, south, east, north] = bounds;
    if crs.is_geographic() && west > east {
        return Ok([[west, south, 180.0, north], [-180.0, south, east, north]].to_vec());
    }
    if *crs == Crs::wgs84() {
        return Ok(vec![bounds]);
    }
    // Edges that are straight there bend here.
    let mut outline = match rectangle(&bounds) {
        Geometry::Polygon(p) => Geometry::Polygon(geo::Densify::densify(
            &geo::Euclidean,
            &p,
            ((east - west).max(north - south) / 21.0).max(f64::MIN_POSITIVE),
        )),
        other => other,
    };
    reproject(&mut outline, &crs.transformer_to(&Crs::wgs84())?)?;
    Ok(outline.bounding_rect().map(|r| [r.min().x, r.min().y, r.max().x, r.max().y]).into_iter().collect())
}
