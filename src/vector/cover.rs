//! Which pixels of a grid a geometry covers.

use std::ops::Range;

use geo::{Coord, Geometry, Line, LineString, Polygon};

use super::reproject;
use crate::budget::{MOST_COVERED, OverBudget};
use crate::crs::{GeoBox, Transformer};
use crate::raster::scan;

/// Pixels of one row whose centres lie within a polygon.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The row.
    pub row: usize,
    /// First column.
    pub start: usize,
    /// One past the last column.
    pub end: usize,
}

impl Span {
    /// The columns.
    pub fn cols(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// The pixels (row, column) of a geometry: of a point the pixel under it, of a polygon those
/// whose centre lies within (a centre on an edge belongs to one side only, so polygons that share
/// an edge share no pixel). Lines cover nothing. Sorted by row and column, none twice. A geometry too far
/// away for the grid's projection covers none.
///
/// The geometry is in the transformer's source system, the grid in its target; `before` pixels are covered
/// by others.
///
/// # Errors
/// [`OverBudget::Crossings`]; [`OverBudget::Covered`] where there are more than [`MOST_COVERED`] with those
/// before.
pub fn pixels(
    grid: &GeoBox,
    geometry: &Geometry<f64>,
    to_grid: &Transformer,
    before: usize,
) -> Result<Vec<(usize, usize)>, OverBudget> {
    let mut geometry = geometry.clone();
    if reproject(&mut geometry, to_grid).is_err() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    collect(grid, &geometry, &mut found, MOST_COVERED.saturating_sub(before))?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn collect(
    grid: &GeoBox,
    geometry: &Geometry<f64>,
    found: &mut Vec<(usize, usize)>,
    most: usize,
) -> Result<(), OverBudget> {
    let mut polygon = |p: &Polygon<f64>| -> Result<(), OverBudget> {
        let spans = spans(grid, p)?;
        let covered = spans.iter().fold(found.len(), |sum, span| sum.saturating_add(span.cols().len()));
        if covered > most {
            return Err(OverBudget::Covered);
        }
        for span in spans {
            found.extend(span.cols().map(|col| (span.row, col)));
        }
        Ok(())
    };
    match geometry {
        Geometry::Point(p) => found.extend(grid.pixel_at(p.x(), p.y())),
        Geometry::MultiPoint(points) => points.iter().for_each(|p| found.extend(grid.pixel_at(p.x(), p.y()))),
        Geometry::Polygon(p) => polygon(p)?,
        Geometry::MultiPolygon(polygons) => polygons.iter().try_for_each(polygon)?,
        Geometry::Rect(r) => polygon(&r.to_polygon())?,
        Geometry::Triangle(t) => polygon(&t.to_polygon())?,
        Geometry::GeometryCollection(parts) => {
            parts.iter().try_for_each(|part| collect(grid, part, found, most))?;
        }
        Geometry::Line(_) | Geometry::LineString(_) | Geometry::MultiLineString(_) => {}
    }
    Ok(())
}

/// Runs of pixels whose centres lie within a polygon (in the grid's CRS), holes left out, by
/// rising row and column. The even-odd rule holds, whichever way the rings run.
///
/// # Errors
/// [`OverBudget::Crossings`].
pub fn spans(grid: &GeoBox, polygon: &Polygon<f64>) -> Result<Vec<Span>, OverBudget> {
    let pixel = |c: Coord<f64>| {
        let (x, y) = grid.affine.invert(c.x, c.y).unwrap_or((f64::NAN, f64::NAN));
        Coord { x, y }
    };
    let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
    let edges = rings.flat_map(LineString::lines).map(|line| Line::new(pixel(line.start), pixel(line.end)));
    let mut spans = Vec::new();
    scan(edges, grid.rows, grid.cols, |row, start, end| spans.push(Span { row, start, end }))?;
    Ok(spans)
}

#[cfg(test)]
mod tests {
    use geo::{Contains, Point, polygon};

    use super::*;
    use crate::crs::{Affine, Crs};

    fn grid() -> GeoBox {
        GeoBox {
            rows: 60,
            cols: 50,
            affine: Affine::north_up(7e5, 3.09e6, 10.0, 10.0),
            crs: Crs::from_epsg(32649).unwrap(),
        }
    }

    fn identity() -> Transformer {
        grid().crs.transformer_to(&grid().crs).unwrap()
    }

    #[test]
    fn a_point_covers_the_pixel_under_it() {
        let point = Geometry::Point(Point::new(700_015.0, 3_089_999.0));
        assert_eq!(pixels(&grid(), &point, &identity(), 0).unwrap(), [(0, 1)]);
        let outside = Geometry::Point(Point::new(699_999.0, 3_089_999.0));
        assert!(pixels(&grid(), &outside, &identity(), 0).unwrap().is_empty());
    }

    #[test]
    fn a_polygon_covers_the_centres_within_it_as_brute_force_says() {
        let polygon = polygon!(
            exterior: [
                (x: 700_031.37, y: 3_089_977.83), (x: 700_402.37, y: 3_089_911.83),
                (x: 700_555.37, y: 3_089_377.83), (x: 700_222.37, y: 3_089_600.83),
                (x: 699_950.37, y: 3_089_433.83),
            ],
            interiors: [[
                (x: 700_200.37, y: 3_089_850.83), (x: 700_300.37, y: 3_089_850.83),
                (x: 700_250.37, y: 3_089_700.83),
            ]],
        );
        let grid = grid();
        let mut expected = Vec::new();
        for row in 0..grid.rows {
            for col in 0..grid.cols {
                let (x, y) = grid.centre(row, col);
                if polygon.contains(&Point::new(x, y)) {
                    expected.push((row, col));
                }
            }
        }
        let found = pixels(&grid, &Geometry::Polygon(polygon), &identity(), 0).unwrap();
        assert!(found.len() > 500);
        assert!(found == expected, "{} pixels instead of {}", found.len(), expected.len());
    }

    #[test]
    fn polygons_that_share_an_edge_share_no_pixel_and_leave_none_out() {
        let (left, middle, right) = (700_003.0, 700_105.0, 700_495.0);
        let (top, bottom) = (3_089_995.0, 3_089_405.0);
        let slanted = middle + 190.0;
        let one =
            polygon![(x: left, y: top), (x: middle, y: top), (x: slanted, y: bottom), (x: left, y: bottom)];
        let two =
            polygon![(x: middle, y: top), (x: right, y: top), (x: right, y: bottom), (x: slanted, y: bottom)];
        let count =
            |p: &Polygon<f64>| spans(&grid(), p).unwrap().iter().map(|s| s.cols().len()).sum::<usize>();
        let whole =
            polygon![(x: left, y: top), (x: right, y: top), (x: right, y: bottom), (x: left, y: bottom)];
        assert_eq!(count(&one) + count(&two), count(&whole));
        let (one, two) = (Geometry::Polygon(one), Geometry::Polygon(two));
        let mut both = pixels(&grid(), &one, &identity(), 0).unwrap();
        both.extend(pixels(&grid(), &two, &identity(), 0).unwrap());
        both.sort_unstable();
        both.dedup();
        assert_eq!(both.len(), count(&whole));
    }

    #[test]
    fn geometries_in_degrees_are_brought_to_the_grid() {
        let grid = grid();
        let to_grid = Crs::wgs84().transformer_to(&grid.crs).unwrap();
        let (x, y) = grid.centre(30, 20);
        let (mut xs, mut ys) = ([x], [y]);
        grid.crs.transformer_to(&Crs::wgs84()).unwrap().apply(&mut xs, &mut ys).unwrap();
        let point = Geometry::Point(Point::new(xs[0], ys[0]));
        assert_eq!(pixels(&grid, &point, &to_grid, 0).unwrap(), [(30, 20)]);
    }

    #[test]
    fn a_polygon_over_a_giant_grid_is_refused_before_its_pixels_are_listed() {
        let grid = GeoBox { rows: 100_000, cols: 100_000, ..grid() };
        let (left, top) = (7e5, 3.09e6);
        let all = polygon![(x: left, y: top), (x: left + 1e6, y: top), (x: left + 1e6, y: top - 1e6), (x: left, y: top - 1e6)];
        assert_eq!(pixels(&grid, &all.into(), &identity(), 0), Err(OverBudget::Covered));
        let some = polygon![(x: left, y: top), (x: left + 100.0, y: top), (x: left, y: top - 100.0)];
        assert!(pixels(&grid, &some.clone().into(), &identity(), 0).is_ok());
        assert_eq!(pixels(&grid, &some.into(), &identity(), MOST_COVERED), Err(OverBudget::Covered));
    }
}
