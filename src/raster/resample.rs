//! From the pixels of one grid to those of another: nearest, bilinear, average.
//!
//! Everything is computed from a target pixel's place in its whole grid, never from its place
//! in a block, so results do not depend on how a grid is cut into blocks.
//!
//! Where both grids share a CRS, a position is affine and the work separates into rows and
//! columns. Otherwise positions come from [`NodeGrid`]: exact transforms at every 32nd target
//! pixel, linear in between. On a sphere of radius R the error of that is at most
//! (32 p)² / 8R for a pixel size p, or 16 p / R pixels: 0.00003 pixels at 10 m and 0.1 at 40 km.

use std::ops::Range;
use std::sync::Arc;

use super::axes::{self, Axis, ratio, weights};
use super::{NodeGrid, Plane, Resampling, Window};
use crate::crs::{Affine, GeoBox};

#[derive(Clone, Debug)]
enum Way {
    Axes { x: Axis, y: Axis },
    Nodes { nodes: Arc<NodeGrid>, source: Affine },
}

/// Where each pixel of a target grid lies in a source raster.
#[derive(Clone, Debug)]
pub struct Mapping {
    way: Way,
    rows: usize,
    cols: usize,
    scale: (f64, f64),
}

/// A rectangle of source pixels that may reach one pixel beyond the raster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// First row.
    pub row: i64,
    /// First column.
    pub col: i64,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
}

impl Footprint {
    fn spanning(rows: (i64, i64), cols: (i64, i64)) -> Self {
        Self {
            row: rows.0,
            col: cols.0,
            rows: (rows.1 - rows.0 + 1).max(0) as usize,
            cols: (cols.1 - cols.0 + 1).max(0) as usize,
        }
    }

    /// The part that lies in a raster of this shape.
    pub fn inside(&self, rows: usize, cols: usize) -> Option<Window> {
        let (row, col) = (self.row.max(0), self.col.max(0));
        let end_row = (self.row + self.rows as i64).min(rows as i64);
        let end_col = (self.col + self.cols as i64).min(cols as i64);
        (row < end_row && col < end_col).then(|| Window {
            row: row as usize,
            col: col as usize,
            rows: (end_row - row) as usize,
            cols: (end_col - col) as usize,
        })
    }
}

impl Mapping {
    /// From `target` to a source of the given grid. `nodes` hold the target's nodes in the
    /// source's CRS where the two differ.
    ///
    /// # Panics
    /// Where the systems differ and `nodes` is `None`.
    pub fn new(target: &GeoBox, source: &GeoBox, nodes: Option<Arc<NodeGrid>>) -> Self {
        let (t, s) = (target.affine.0, source.affine.0);
        let straight = t[2] == 0.0 && t[4] == 0.0 && s[2] == 0.0 && s[4] == 0.0;
        let (rows, cols) = (source.rows, source.cols);
        match nodes {
            None if straight => {
                let x = Axis::snapped((t[0] - s[0]) / s[1], t[1] / s[1], cols);
                let y = Axis::snapped((t[3] - s[3]) / s[5], t[5] / s[5], rows);
                Self { way: Way::Axes { x, y }, rows, cols, scale: (x.step.abs(), y.step.abs()) }
            }
            other => {
                let nodes = other.unwrap_or_else(|| {
                    Arc::new(NodeGrid::new(target, &target.crs).expect("a system transforms to itself"))
                });
                let mut mapping =
                    Self { way: Way::Nodes { nodes, source: source.affine }, rows, cols, scale: (1.0, 1.0) };
                mapping.scale = mapping.local_scale(target.rows / 2, target.cols / 2);
                mapping
            }
        }
    }

    /// Source pixels per target pixel, along x and y (at the middle of the target).
    pub fn scale(&self) -> (f64, f64) {
        self.scale
    }

    /// The source pixel of target pixel (0, 0) (row, col) where the grids are the same but for
    /// a shift by whole pixels.
    pub fn shift(&self) -> Option<(i64, i64)> {
        match &self.way {
            Way::Axes { x, y } => Some((y.whole_offset()?, x.whole_offset()?)),
            Way::Nodes { .. } => None,
        }
    }

    fn local_scale(&self, row: usize, col: usize) -> (f64, f64) {
        let mut places = Vec::with_capacity(4);
        for r in [row, row + 1] {
            self.row_positions(r, col..col + 2, |x, y| places.push((x, y)));
        }
        let (o, right, down) = (places[0], places[1], places[2]);
        let span = |d: f64, e: f64| if d.hypot(e).is_finite() { d.hypot(e) } else { 1.0 };
        (span(right.0 - o.0, down.0 - o.0), span(right.1 - o.1, down.1 - o.1))
    }

    /// Calls `visit` with the source position (x, y in pixels) of each pixel of a row.
    fn row_positions(&self, row: usize, cols: Range<usize>, mut visit: impl FnMut(f64, f64)) {
        match &self.way {
            Way::Axes { x, y } => {
                for col in cols {
                    visit(x.position(col), y.position(row));
                }
            }
            Way::Nodes { nodes, source } => nodes.row(row, cols, |x, y| {
                let (col, row) = source.invert(x, y).unwrap_or((f64::NAN, f64::NAN));
                visit(col, row);
            }),
        }
    }

    /// The source pixels that a window of the target needs, or `None` where it lies outside.
    pub fn footprint(&self, window: Window, method: Resampling) -> Option<Footprint> {
        if window.is_empty() {
            return None;
        }
        let (rows, cols) = (window.row..window.row + window.rows, window.col..window.col + window.cols);
        if let (Way::Axes { x, y }, Resampling::Nearest | Resampling::Bilinear) = (&self.way, method) {
            let (rows, cols) = (y.valid(rows), x.valid(cols));
            if rows.is_empty() || cols.is_empty() {
                return None;
            }
            let ends = |axis: Axis, range: Range<usize>| {
                let (a, b) = if method == Resampling::Nearest {
                    (axis.nearest(range.start), axis.nearest(range.end - 1))
                } else {
                    (axis.pair(range.start).0, axis.pair(range.end - 1).0)
                };
                (a.min(b), a.max(b) + i64::from(method == Resampling::Bilinear))
            };
            return Some(Footprint::spanning(ends(*y, rows), ends(*x, cols)));
        }
        let mut x = (f64::INFINITY, f64::NEG_INFINITY);
        let mut y = x;
        // The extremes of a continuous map lie on the border of the window.
        for row in rows.clone() {
            let border = row == rows.start || row + 1 == rows.end;
            let step = if border { 1 } else { (window.cols - 1).max(1) };
            for col in cols.clone().step_by(step) {
                self.row_positions(row, col..col + 1, |px, py| {
                    if px.is_finite() && py.is_finite() {
                        x = (x.0.min(px), x.1.max(px));
                        y = (y.0.min(py), y.1.max(py));
                    }
                });
            }
        }
        let margin = |scale: f64| if method == Resampling::Average { scale / 2.0 } else { 1.0 };
        let ends = |range: (f64, f64), margin: f64, size: usize| {
            let low = (range.0 - margin).floor().max(-1.0);
            let high = (range.1 + margin).ceil().min(size as f64);
            (low <= high).then_some((low as i64, high as i64))
        };
        let footprint = Footprint::spanning(
            ends(y, margin(self.scale.1), self.rows)?,
            ends(x, margin(self.scale.0), self.cols)?,
        );
        footprint.inside(self.rows, self.cols).map(|_| footprint)
    }

    /// The nearest source value of each pixel of a window; `outside` where there is none.
    pub fn nearest<T: Copy>(&self, patch: &Patch<T>, window: Window, outside: T, out: &mut [T]) {
        out.fill(outside);
        let cols = window.col..window.col + window.cols;
        if let Way::Axes { x, y } = &self.way {
            let valid = x.valid(cols);
            let first = valid.start - window.col;
            let picks: Vec<usize> =
                valid.map(|col| (x.nearest(col) - patch.at.col).max(0) as usize).collect();
            let mut last: Option<(i64, usize)> = None;
            for row in 0..window.rows {
                if picks.is_empty() || !y.contains(y.position(window.row + row)) {
                    continue;
                }
                let source = y.nearest(window.row + row);
                let start = row * window.cols;
                if let Some((_, done)) = last.filter(|l| l.0 == source) {
                    out.copy_within(done..done + window.cols, start);
                } else {
                    let values = patch.row(source);
                    for (o, &pick) in out[start + first..].iter_mut().zip(&picks) {
                        *o = values[pick];
                    }
                }
                last = Some((source, start));
            }
            return;
        }
        for row in 0..window.rows {
            let mut line = out[row * window.cols..(row + 1) * window.cols].iter_mut();
            self.row_positions(window.row + row, cols.clone(), |x, y| {
                let o = line.next();
                if let (Some(o), true) = (o, self.holds(x, y)) {
                    let row = (y.floor() as i64).clamp(0, self.rows as i64 - 1);
                    let col = (x.floor() as i64).clamp(0, self.cols as i64 - 1);
                    *o = patch.row(row)[(col - patch.at.col) as usize];
                }
            });
        }
    }

    fn holds(&self, x: f64, y: f64) -> bool {
        x > -1e-6 && y > -1e-6 && x < self.cols as f64 + 1e-6 && y < self.rows as f64 + 1e-6
    }

    /// Bilinear values of a window: missing source pixels (NaN) are left out of the weights; where
    /// the source pixel under the centre is missing, or the centre lies outside, the result is
    /// missing too (as `gdalwarp` has it), so that holes neither grow nor shrink.
    pub fn bilinear(&self, patch: &Patch<f32>, window: Window, out: &mut [f32]) {
        match &self.way {
            Way::Axes { x, y } => axes::bilinear(*x, *y, patch, window, out),
            Way::Nodes { .. } => {
                let (width, height) = (self.cols as f64, self.rows as f64);
                for row in 0..window.rows {
                    let mut line = out[row * window.cols..(row + 1) * window.cols].iter_mut();
                    self.row_positions(window.row + row, window.col..window.col + window.cols, |x, y| {
                        let Some(o) = line.next() else { return };
                        *o = f32::NAN;
                        if self.holds(x, y) {
                            let u = (x - 0.5).clamp(-0.5, width - 0.5);
                            let v = (y - 0.5).clamp(-0.5, height - 0.5);
                            let (i, j) = (u.floor(), v.floor());
                            let (wx, wy) = ((u - i) as f32, (v - j) as f32);
                            let col = (i as i64 - patch.at.col) as usize;
                            let (a, b) = (patch.row(j as i64), patch.row(j as i64 + 1));
                            let (mut sum, mut weight) = (0.0, 0.0);
                            for (value, w) in [
                                (a[col], (1.0 - wx) * (1.0 - wy)),
                                (a[col + 1], wx * (1.0 - wy)),
                                (b[col], (1.0 - wx) * wy),
                                (b[col + 1], wx * wy),
                            ] {
                                if !value.is_nan() {
                                    sum += value * w;
                                    weight += w;
                                }
                            }
                            let under = if wy < 0.5 { a } else { b };
                            let missing = under[col + usize::from(wx >= 0.5)].is_nan();
                            *o = if missing { f32::NAN } else { ratio(sum, weight) };
                        }
                    });
                }
            }
        }
    }

    /// The mean of the valid source pixels under each pixel of a window, by area.
    pub fn average(&self, patch: &Patch<f32>, window: Window, out: &mut [f32]) {
        match &self.way {
            Way::Axes { x, y } => axes::average(*x, *y, patch, window, out),
            Way::Nodes { .. } => {
                let half = (self.scale.0 / 2.0, self.scale.1 / 2.0);
                for row in 0..window.rows {
                    let mut line = out[row * window.cols..(row + 1) * window.cols].iter_mut();
                    self.row_positions(window.row + row, window.col..window.col + window.cols, |x, y| {
                        let Some(o) = line.next() else { return };
                        *o = f32::NAN;
                        if x.is_finite() && y.is_finite() {
                            let cols = weights((x - half.0).max(0.0), (x + half.0).min(self.cols as f64));
                            let rows = weights((y - half.1).max(0.0), (y + half.1).min(self.rows as f64));
                            let (mut sum, mut weight) = (0.0, 0.0);
                            for (row, wy) in rows {
                                let values = patch.row(row);
                                for (col, wx) in cols.clone() {
                                    let value = values[(col - patch.at.col) as usize];
                                    if !value.is_nan() {
                                        sum += value * (wx * wy);
                                        weight += wx * wy;
                                    }
                                }
                            }
                            *o = ratio(sum, weight);
                        }
                    });
                }
            }
        }
    }
}

/// Source pixels in memory, possibly with a border that repeats the raster's edge.
#[derive(Clone, Debug)]
pub struct Patch<T> {
    pub(super) at: Footprint,
    pub(super) plane: Plane<T>,
}

impl<T: Copy> Patch<T> {
    /// A patch of one value.
    pub fn filled(at: Footprint, value: T) -> Self {
        Self { at, plane: Plane::filled(at.rows, at.cols, value) }
    }

    /// The values of a source row from a source column on, to be written.
    pub fn row_mut(&mut self, row: usize, col: usize) -> &mut [T] {
        let row = (row as i64 - self.at.row) as usize;
        let col = (col as i64 - self.at.col) as usize;
        &mut self.plane.values[row * self.at.cols + col..(row + 1) * self.at.cols]
    }

    /// The values of a source row.
    pub(super) fn row(&self, row: i64) -> &[T] {
        let row = (row - self.at.row) as usize;
        &self.plane.values[row * self.at.cols..(row + 1) * self.at.cols]
    }

    /// Repeats the raster's edge where the patch reaches beyond a raster of this shape.
    pub fn repeat_edges(&mut self, rows: usize, cols: usize) {
        let Some(inside) = self.at.inside(rows, cols) else { return };
        let width = self.at.cols;
        let first_col = (inside.col as i64 - self.at.col) as usize;
        let last_col = first_col + inside.cols - 1;
        let first_row = (inside.row as i64 - self.at.row) as usize;
        let last_row = first_row + inside.rows - 1;
        for row in first_row..=last_row {
            let line = &mut self.plane.values[row * width..(row + 1) * width];
            let (left, right) = (line[first_col], line[last_col]);
            line[..first_col].fill(left);
            line[last_col + 1..].fill(right);
        }
        for row in (0..first_row).chain(last_row + 1..self.at.rows) {
            let from = if row < first_row { first_row } else { last_row };
            self.plane.values.copy_within(from * width..(from + 1) * width, row * width);
        }
    }
}
