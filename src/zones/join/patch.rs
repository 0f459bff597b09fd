//! Small zones: their pixels lie between the corners of the part of the grid that holds them.

use super::outline::Edge;
use crate::crs::earth::{Xyz, chord2};
use crate::crs::{GeoBox, GlobeGrid};
use crate::zones::shape::{dot, minus};

/// Metres across that a part of a grid may be taken for flat, and metres that it may be off then.
const SMALL: f64 = 100.0;
const FLAT: f64 = 4e-4;
/// Metres that sums and roots may be off.
const ROUNDING: f64 = 1e-6;

/// First and last row or column.
type Span = (u32, u32);

/// A part of a grid so small and flat that it lies between its corners. Columns and rows count from
/// its own first.
#[derive(Clone, Debug)]
pub struct Patch {
    corner: Xyz,
    along: Xyz,
    across: Xyz,
    twist: Xyz,
    /// Its first row and column.
    origin: (u32, u32),
    size: (f64, f64),
}

impl Patch {
    /// The part with these rows and columns.
    pub fn new(globe: &GlobeGrid, rows: Span, cols: Span) -> Self {
        let (west, east) = (f64::from(cols.0), f64::from(cols.1 + 1));
        let (top, bottom) = (f64::from(rows.0), f64::from(rows.1 + 1));
        let (width, height) = (east - west, bottom - top);
        let corners = [(west, top), (east, top), (west, bottom), (east, bottom)];
        let [a, b, c, d] = corners.map(|(col, row)| globe.xyz(col, row));
        let (over_width, over_height) = (1.0 / width, 1.0 / height);
        Self {
            corner: a,
            along: std::array::from_fn(|k| (b[k] - a[k]) * over_width),
            across: std::array::from_fn(|k| (c[k] - a[k]) * over_height),
            twist: std::array::from_fn(|k| (d[k] - c[k] - b[k] + a[k]) * (over_width * over_height)),
            origin: (rows.0, cols.0),
            size: (width, height),
        }
    }

    /// Its first row and column.
    pub fn origin(&self) -> (u32, u32) {
        self.origin
    }

    /// Whether rows and columns of pixels of this size in metres are few enough for a patch.
    pub fn is_small(rows: Span, cols: Span, pixel: (f64, f64)) -> bool {
        let extent = |(first, last): Span, metres: f64| f64::from(last + 1 - first) * metres;
        extent(rows, pixel.1).max(extent(cols, pixel.0)) <= SMALL
    }

    /// Whether small parts anywhere on a grid may stand for it. Far north a parallel bends more
    /// than the ellipsoid does.
    pub fn may_stand(grid: &GeoBox, globe: &GlobeGrid, pixel: (f64, f64)) -> bool {
        let span = |metres: f64| (SMALL / metres).max(1.0) as u32;
        let (rows, cols) = (span(pixel.1), span(pixel.0));
        let places = |count: usize, span: u32| {
            let last = (count as u32).saturating_sub(span);
            [0, last / 2, last].map(|first| (first, first + span - 1))
        };
        let off = |(rows, cols): (Span, Span)| {
            let half = |(first, last): Span| f64::from(last + 1 - first) / 2.0;
            let (row, col) = (half(rows), half(cols));
            let middle = globe.xyz(f64::from(cols.0) + col, f64::from(rows.0) + row);
            chord2(Self::new(globe, rows, cols).xyz(col, row), middle).sqrt()
        };
        let cols = places(grid.cols, cols);
        places(grid.rows, rows).into_iter().all(|r| cols.into_iter().all(|c| off((r, c)) < FLAT))
    }

    /// The place in space at a column and row.
    pub fn xyz(&self, col: f64, row: f64) -> Xyz {
        std::array::from_fn(|k| {
            self.corner[k] + self.along[k] * col + (self.across[k] + self.twist[k] * col) * row
        })
    }

    /// A ball around it.
    pub fn ball(&self) -> (Xyz, f64) {
        let (width, height) = self.size;
        let centre = self.xyz(width / 2.0, height / 2.0);
        let corners = [(0.0, 0.0), (width, 0.0), (0.0, height), (width, height)];
        let reach2 = corners.map(|(col, row)| chord2(self.xyz(col, row), centre)).into_iter();
        (centre, reach2.fold(0.0, f64::max).sqrt() + ROUNDING)
    }

    /// The same part as a plane, to tell which edges are the nearest.
    pub fn plane(&self) -> Plane {
        let (a, b) = (self.along, self.across);
        let up = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
        // The square of the normal's length is that of the parallelogram's area.
        let over_area2 = 1.0 / dot(up, up);
        let (aa, ab, bb) = (dot(a, a), dot(a, b), dot(b, b));
        let (width, height) = self.size;
        Plane {
            corner: self.corner,
            along: a,
            across: b,
            up,
            over_area2,
            square: (aa, ab, bb),
            lean: (-ab / aa, -ab / bb),
            off: dot(self.twist, self.twist).sqrt() * width * height + ROUNDING,
        }
    }
}

/// A patch without its twist.
pub struct Plane {
    corner: Xyz,
    along: Xyz,
    across: Xyz,
    /// Upright, as long as a pixel's area.
    up: Xyz,
    over_area2: f64,
    /// Square of a column's width, the product of both ways, square of a row's height: metres.
    square: (f64, f64, f64),
    /// Columns that the nearest place moves along by row, and rows by column.
    lean: (f64, f64),
    /// Metres that no place of the patch lies farther from its place in the plane.
    pub off: f64,
}

/// A point as a plane has it.
#[derive(Clone, Copy)]
pub struct Seen {
    col: f64,
    row: f64,
    /// Square metres above or below.
    height2: f64,
}

impl Plane {
    /// Where a point lies.
    pub fn see(&self, point: Xyz) -> Seen {
        let from = minus(point, self.corner);
        let (a, b, up) = (dot(from, self.along), dot(from, self.across), dot(from, self.up));
        let (aa, ab, bb) = self.square;
        Seen {
            col: (a * bb - b * ab) * self.over_area2,
            row: (b * aa - a * ab) * self.over_area2,
            height2: up * up * self.over_area2,
        }
    }

    /// Square of the distance of a point to an edge, which runs along a row or a column.
    pub fn square(&self, edge: &Edge, point: Seen) -> f64 {
        let clamp = |at: f64, a: f64, b: f64| at.max(a.min(b)).min(a.max(b));
        let (west, east) = (edge[0] - point.col, edge[2] - point.col);
        let (top, bottom) = (edge[1] - point.row, edge[3] - point.row);
        // One of the two ways has no length, so each next step is exact once the other is known.
        let row = clamp(0.0, top, bottom);
        let col = clamp(self.lean.0 * row, west, east);
        let row = clamp(self.lean.1 * col, top, bottom);
        let (aa, ab, bb) = self.square;
        col * (aa * col + 2.0 * ab * row) + bb * row * row + point.height2
    }
}
