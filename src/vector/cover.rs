//! Which pixels of a grid a geometry covers.

use std::ops::Range;

use geo::{Coord, Geometry, LineString, Polygon};

use super::reproject;
use crate::crs::{CrsError, GeoBox, Transformer};

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
/// an edge share no pixel). Lines cover nothing. Sorted by row and column, none twice.
///
/// The geometry is in the transformer's source system, the grid in its target.
///
/// # Errors
/// [`CrsError`] where a vertex cannot be transformed.
pub fn pixels(
    grid: &GeoBox,
    geometry: &Geometry<f64>,
    to_grid: &Transformer,
) -> Result<Vec<(usize, usize)>, CrsError> {
    let mut geometry = geometry.clone();
    reproject(&mut geometry, to_grid)?;
    let mut found = Vec::new();
    collect(grid, &geometry, &mut found);
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn collect(grid: &GeoBox, geometry: &Geometry<f64>, found: &mut Vec<(usize, usize)>) {
    let mut polygon = |p: &Polygon<f64>| {
        for span in spans(grid, p) {
            found.extend(span.cols().map(|col| (span.row, col)));
        }
    };
    match geometry {
        Geometry::Point(p) => found.extend(grid.pixel_at(p.x(), p.y())),
        Geometry::MultiPoint(points) => points.iter().for_each(|p| found.extend(grid.pixel_at(p.x(), p.y()))),
        Geometry::Polygon(p) => polygon(p),
        Geometry::MultiPolygon(polygons) => polygons.iter().for_each(polygon),
        Geometry::Rect(r) => polygon(&r.to_polygon()),
        Geometry::Triangle(t) => polygon(&t.to_polygon()),
        Geometry::GeometryCollection(parts) => parts.iter().for_each(|part| collect(grid, part, found)),
        Geometry::Line(_) | Geometry::LineString(_) | Geometry::MultiLineString(_) => {}
    }
}

/// Runs of pixels whose centres lie within a polygon (in the grid's CRS), holes left out, by
/// rising row and column. The even-odd rule holds, whichever way the rings run.
pub fn spans(grid: &GeoBox, polygon: &Polygon<f64>) -> Vec<Span> {
    let to_pixels = |ring: &LineString<f64>| -> Vec<Coord<f64>> {
        ring.coords().filter_map(|c| grid.affine.invert(c.x, c.y)).map(|(x, y)| Coord { x, y }).collect()
    };
    let rings: Vec<_> =
        std::iter::once(polygon.exterior()).chain(polygon.interiors()).map(to_pixels).collect();
    let ys = || rings.iter().flatten().map(|c| c.y);
    let first = row_from(ys().fold(f64::INFINITY, f64::min), grid.rows);
    let last = row_from(ys().fold(f64::NEG_INFINITY, f64::max), grid.rows);

    let mut crossings: Vec<Vec<f64>> = vec![Vec::new(); last.saturating_sub(first)];
    for ring in &rings {
        for edge in ring.windows(2) {
            // From the upper to the lower end, so that both polygons at an edge compute the
            // same crossings.
            let (a, b) = if edge[0].y <= edge[1].y { (edge[0], edge[1]) } else { (edge[1], edge[0]) };
            for row in row_from(a.y, grid.rows)..row_from(b.y, grid.rows) {
                let share = (row as f64 + 0.5 - a.y) / (b.y - a.y);
                crossings[row - first].push(a.x + share * (b.x - a.x));
            }
        }
    }
    let mut spans = Vec::new();
    for (row, xs) in crossings.iter_mut().enumerate() {
        xs.sort_unstable_by(f64::total_cmp);
        for pair in xs.chunks_exact(2) {
            let (start, end) = (row_from(pair[0], grid.cols), row_from(pair[1], grid.cols));
            if start < end {
                spans.push(Span { row: first + row, start, end });
            }
        }
    }
    spans
}

/// The first pixel whose centre is at or beyond a position, within `0..=count`.
fn row_from(position: f64, count: usize) -> usize {
    ((position - 0.5).ceil().max(0.0) as usize).min(count)
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
        assert_eq!(pixels(&grid(), &point, &identity()).unwrap(), [(0, 1)]);
        let outside = Geometry::Point(Point::new(699_999.0, 3_089_999.0));
        assert!(pixels(&grid(), &outside, &identity()).unwrap().is_empty());
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
        let found = pixels(&grid, &Geometry::Polygon(polygon), &identity()).unwrap();
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
        let count = |p: &Polygon<f64>| spans(&grid(), p).iter().map(|s| s.cols().len()).sum::<usize>();
        let whole =
            polygon![(x: left, y: top), (x: right, y: top), (x: right, y: bottom), (x: left, y: bottom)];
        assert_eq!(count(&one) + count(&two), count(&whole));
        let (one, two) = (Geometry::Polygon(one), Geometry::Polygon(two));
        let mut both = pixels(&grid(), &one, &identity()).unwrap();
        both.extend(pixels(&grid(), &two, &identity()).unwrap());
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
        assert_eq!(pixels(&grid, &point, &to_grid).unwrap(), [(30, 20)]);
    }
}
