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

use super::{Plane, Resampling, Window};
use crate::crs::{Affine, Crs, CrsError, GeoBox};

/// Target pixels between two nodes of a [`NodeGrid`].
const NODE_STEP: usize = 32;
/// Positions this close to a whole (or half, for finer targets) source pixel are meant to be there.
const SNAP: f64 = 1e-3;

/// Map coordinates in another CRS, at every 32nd pixel of a grid.
#[derive(Debug)]
pub struct NodeGrid {
    cols: usize,
    points: Vec<(f64, f64)>,
}

impl NodeGrid {
    /// Transforms the nodes of `grid` to `to`. Nodes that have no place there are NaN, and so are
    /// the pixels around them.
    ///
    /// # Errors
    /// [`CrsError`] where no node at all can be transformed.
    pub fn new(grid: &GeoBox, to: &Crs) -> Result<Self, CrsError> {
        let cols = grid.cols.div_ceil(NODE_STEP) + 1;
        let rows = grid.rows.div_ceil(NODE_STEP) + 1;
        let transformer = grid.crs.transformer_to(to)?;
        let mut points = Vec::with_capacity(rows * cols);
        let mut refusal = None;
        for row in 0..rows {
            let place = |col| grid.affine.apply((col * NODE_STEP) as f64, (row * NODE_STEP) as f64);
            let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = (0..cols).map(place).unzip();
            if transformer.apply(&mut xs, &mut ys).is_err() {
                for col in 0..cols {
                    let (mut x, mut y) = ([place(col).0], [place(col).1]);
                    if let Err(error) = transformer.apply(&mut x, &mut y) {
                        refusal = Some(error);
                        (x, y) = ([f64::NAN], [f64::NAN]);
                    }
                    (xs[col], ys[col]) = (x[0], y[0]);
                }
            }
            points.extend(xs.into_iter().zip(ys));
        }
        match refusal {
            Some(error) if points.iter().all(|p| p.0.is_nan()) => Err(error),
            _ => Ok(Self { cols, points }),
        }
    }

    /// Calls `visit(x, y)` for the centre of each pixel of a row, from left to right.
    fn row(&self, row: usize, cols: Range<usize>, mut visit: impl FnMut(f64, f64)) {
        let node_row = row / NODE_STEP;
        let t = (row as f64 + 0.5) / NODE_STEP as f64 - node_row as f64;
        let at = |node_col: usize| {
            let (a, b) = (
                self.points[node_row * self.cols + node_col],
                self.points[(node_row + 1) * self.cols + node_col],
            );
            (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
        };
        let mut cell = usize::MAX;
        let (mut left, mut right) = ((0.0, 0.0), (0.0, 0.0));
        for col in cols {
            if col / NODE_STEP != cell {
                cell = col / NODE_STEP;
                (left, right) = (at(cell), at(cell + 1));
            }
            let s = (col as f64 + 0.5) / NODE_STEP as f64 - cell as f64;
            visit(left.0 + (right.0 - left.0) * s, left.1 + (right.1 - left.1) * s);
        }
    }
}

/// Where the centres of target pixels lie along one axis of the source, in source pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    start: f64,
    step: f64,
    size: usize,
}

impl Axis {
    /// Cleans rounding off grids that are meant to be aligned, so that equal pixels stay equal.
    fn snapped(start: f64, step: f64, size: usize) -> Self {
        let ratio = if step.abs() < 1.0 { 1.0 / step } else { step };
        let (mut start, mut step) = (start, step);
        if ratio.is_finite() && ((ratio - ratio.round()) / ratio).abs() < 1e-6 && ratio.round() != 0.0 {
            step = if step.abs() < 1.0 { 1.0 / ratio.round() } else { ratio.round() };
            let unit = step.abs().min(1.0);
            let whole = (start / unit).round() * unit;
            if (start - whole).abs() < SNAP * unit {
                start = whole;
            }
        }
        Self { start, step, size }
    }

    fn position(self, index: usize) -> f64 {
        self.start + self.step * (index as f64 + 0.5)
    }

    fn contains(self, position: f64) -> bool {
        position > -1e-6 && position < self.size as f64 + 1e-6
    }

    /// The target pixels of a range whose centre lies in the source.
    fn valid(self, range: Range<usize>) -> Range<usize> {
        let inside = |&i: &usize| self.contains(self.position(i));
        match range.clone().find(inside) {
            None => range.start..range.start,
            Some(first) => first..range.rev().find(inside).map_or(first, |last| last + 1),
        }
    }

    /// The two source pixels around a position and the weight of the second.
    fn pair(self, index: usize) -> (i64, f32) {
        let between = (self.position(index) - 0.5).clamp(-0.5, self.size as f64 - 0.5);
        let first = between.floor();
        (first as i64, (between - first) as f32)
    }

    fn nearest(self, index: usize) -> i64 {
        (self.position(index).floor() as i64).clamp(0, self.size as i64 - 1)
    }

    /// The part of the source axis under a target pixel.
    fn extent(self, index: usize) -> (f64, f64) {
        let (centre, half) = (self.position(index), self.step.abs() / 2.0);
        ((centre - half).max(0.0), (centre + half).min(self.size as f64))
    }

    fn whole_offset(self) -> Option<i64> {
        (self.step == 1.0 && self.start.fract() == 0.0).then_some(self.start as i64)
    }
}

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
            Way::Axes { x, y } => bilinear_axes(*x, *y, patch, window, out),
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
            Way::Axes { x, y } => average_axes(*x, *y, patch, window, out),
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

/// `sum / weight`, or NaN where nothing was valid. A weight of one keeps the sum's bits.
fn ratio(sum: f32, weight: f32) -> f32 {
    if weight > 1e-6 { sum / weight } else { f32::NAN }
}

/// The pixels that a stretch of an axis touches, with the length in each.
fn weights(low: f64, high: f64) -> impl Iterator<Item = (i64, f32)> + Clone {
    let (first, last) = (low.floor() as i64, high.ceil() as i64);
    (first..last).filter_map(move |i| {
        let length = high.min(i as f64 + 1.0) - low.max(i as f64);
        (length > 1e-6).then_some((i, length as f32))
    })
}

/// Source pixels in memory, possibly with a border that repeats the raster's edge.
#[derive(Clone, Debug)]
pub struct Patch<T> {
    at: Footprint,
    plane: Plane<T>,
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

    fn row(&self, row: i64) -> &[T] {
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

#[derive(Clone, Copy, PartialEq)]
enum Line {
    Full,
    Holes,
    Empty,
}

fn line_state(values: &[f32]) -> Line {
    let missing: usize = values.iter().map(|v| usize::from(v.is_nan())).sum();
    match missing {
        0 => Line::Full,
        n if n == values.len() => Line::Empty,
        _ => Line::Holes,
    }
}

/// Rows without missing pixels skip the weights. Both ways give the same bits: a full set of
/// weights adds up to exactly one ((1 - w) + w rounds to 1 for every w in [0, 1]).
fn bilinear_axes(x: Axis, y: Axis, patch: &Patch<f32>, window: Window, out: &mut [f32]) {
    let cols = x.valid(window.col..window.col + window.cols);
    if cols.is_empty() {
        out.fill(f32::NAN);
        return;
    }
    let inside = cols.start - window.col..cols.end - window.col;
    let taps: Vec<(usize, f32)> = cols
        .map(|col| {
            let (first, weight) = x.pair(col);
            ((first - patch.at.col) as usize, weight)
        })
        .collect();
    let doubling = x.step == 0.5 && (x.start * 2.0).fract() == 0.0;
    let states: Vec<Line> = patch.plane.values.chunks_exact(patch.at.cols).map(line_state).collect();
    let (mut sum, mut weight) = (vec![0.0_f32; patch.at.cols], vec![0.0_f32; patch.at.cols]);
    for (row, line) in out.chunks_exact_mut(window.cols).enumerate() {
        if !y.contains(y.position(window.row + row)) {
            line.fill(f32::NAN);
            continue;
        }
        let (first, w) = y.pair(window.row + row);
        let (a, b) = (patch.row(first), patch.row(first + 1));
        let index = (first - patch.at.row) as usize;
        let states = (states[index], states[index + 1]);
        line[..inside.start].fill(f32::NAN);
        line[inside.end..].fill(f32::NAN);
        let line = &mut line[inside.clone()];
        match states {
            (Line::Empty, Line::Empty) => line.fill(f32::NAN),
            (Line::Full, Line::Full) => {
                let u = 1.0 - w;
                for ((s, &a), &b) in sum.iter_mut().zip(a).zip(b) {
                    *s = a * u + b * w;
                }
                if doubling { double(&sum, &taps, line) } else { blend(&sum, &taps, line) }
            }
            _ => {
                let u = 1.0 - w;
                for (((s, d), &a), &b) in sum.iter_mut().zip(&mut weight).zip(a).zip(b) {
                    let (va, ua) = if a.is_nan() { (0.0, 0.0) } else { (a, u) };
                    let (vb, wb) = if b.is_nan() { (0.0, 0.0) } else { (b, w) };
                    *s = va * ua + vb * wb;
                    *d = ua + wb;
                }
                let under = if w < 0.5 { a } else { b };
                for (o, &(i, w)) in line.iter_mut().zip(&taps) {
                    let u = 1.0 - w;
                    let value = ratio(sum[i] * u + sum[i + 1] * w, weight[i] * u + weight[i + 1] * w);
                    *o = if under[i + usize::from(w >= 0.5)].is_nan() { f32::NAN } else { value };
                }
            }
        }
    }
}

fn blend(values: &[f32], taps: &[(usize, f32)], out: &mut [f32]) {
    for (o, &(i, w)) in out.iter_mut().zip(taps) {
        *o = values[i] * (1.0 - w) + values[i + 1] * w;
    }
}

/// [`blend`] where target pixels are half as wide as source pixels: weights of a quarter and
/// three quarters in turn, in pairs that vectorize.
fn double(values: &[f32], taps: &[(usize, f32)], out: &mut [f32]) {
    let (out, taps) = if taps[0].1 == 0.75 {
        (out, taps)
    } else {
        blend(values, &taps[..1], &mut out[..1]);
        (&mut out[1..], &taps[1..])
    };
    let Some(&(base, _)) = taps.first() else { return };
    let pairs = out.len() / 2;
    let (even, rest) = out.split_at_mut(pairs * 2);
    let source = &values[base..];
    for ((pair, a), (b, c)) in
        even.chunks_exact_mut(2).zip(source).zip(source.iter().skip(1).zip(source.iter().skip(2)))
    {
        pair[0] = a * 0.25 + b * 0.75;
        pair[1] = b * 0.75 + c * 0.25;
    }
    blend(values, &taps[pairs * 2..], rest);
}

fn average_axes(x: Axis, y: Axis, patch: &Patch<f32>, window: Window, out: &mut [f32]) {
    let cols: Vec<Vec<(usize, f32)>> = (window.col..window.col + window.cols)
        .map(|col| {
            let (low, high) = x.extent(col);
            weights(low, high).map(|(i, w)| ((i - patch.at.col) as usize, w)).collect()
        })
        .collect();
    let (mut sum, mut weight) = (vec![0.0_f32; patch.at.cols], vec![0.0_f32; patch.at.cols]);
    for (row, line) in out.chunks_exact_mut(window.cols).enumerate() {
        sum.fill(0.0);
        weight.fill(0.0);
        let (low, high) = y.extent(window.row + row);
        for (source, w) in weights(low, high) {
            for ((s, d), &v) in sum.iter_mut().zip(&mut weight).zip(patch.row(source)) {
                let (v, w) = if v.is_nan() { (0.0, 0.0) } else { (v, w) };
                *s += v * w;
                *d += w;
            }
        }
        for (o, taps) in line.iter_mut().zip(&cols) {
            let (mut total, mut full) = (0.0, 0.0);
            for &(i, w) in taps {
                total += sum[i] * w;
                full += weight[i] * w;
            }
            *o = ratio(total, full);
        }
    }
}
