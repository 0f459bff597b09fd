//! A raster drawn on a view: nearest for codes, bilinear for percent and numbers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::levels::Levels;
use super::matrix::MatrixSet;
use super::mesh::Mesh;
use super::paint::{GoOn, Painter, TileError, View};
use super::picture::Indexed;
use crate::crs::{Crs, GeoBox, Transformer};
use crate::io::pyramid::Block;
use crate::raster::Window;
use crate::style::Palette;

/// Pixels of a raster that are laid side by side to draw from; larger parts are drawn in pieces.
const WINDOW: usize = 1 << 22;
/// Pixels of the tile around the raster's own rectangle that are looked at too.
const MARGIN: f64 = 2.0;
/// Transforms that a thread keeps.
const TRANSFORMS: usize = 32;

/// A raster with the colours of its pixels.
pub struct RasterSource {
    levels: Arc<dyn Levels>,
    palette: Arc<Palette>,
    /// West, south, east, north in degrees; the whole world where it is not known.
    bounds: [f64; 4],
}

impl RasterSource {
    /// A raster that lies within `bounds` (degrees; west over east across the date line).
    pub fn new(levels: Arc<dyn Levels>, palette: Arc<Palette>, bounds: Option<[f64; 4]>) -> Self {
        Self { levels, palette, bounds: bounds.unwrap_or([-180.0, -90.0, 180.0, 90.0]) }
    }

    /// The parts of a view in which the raster may be seen: columns and rows.
    fn seen(&self, view: &View) -> Vec<(Range<usize>, Range<usize>)> {
        let [west, south, east, north] = self.bounds;
        let (width, height) = view.pixel();
        let pixels = |from: f64, to: f64, size: usize| {
            let first = (from - MARGIN).floor().clamp(0.0, size as f64) as usize;
            first..((to + MARGIN).ceil().clamp(first as f64, size as f64) as usize)
        };
        let spans = if west <= east { vec![(west, east)] } else { vec![(west, 180.0), (-180.0, east)] };
        let parts = spans.into_iter().map(|(west, east)| {
            let (x0, y0) = view.set.project(west, north);
            let (x1, y1) = view.set.project(east, south);
            let b = view.bounds;
            let cols = pixels((x0 - b.min_x) / width, (x1 - b.min_x) / width, view.cols);
            let rows = pixels((b.max_y - y0) / height, (b.max_y - y1) / height, view.rows);
            (cols, rows)
        });
        parts.filter(|(cols, rows)| !cols.is_empty() && !rows.is_empty()).collect()
    }

    /// The coarsest level whose pixels are no larger than those of the view. `scale` is pixels of
    /// the image along a pixel of the view.
    fn level(&self, scale: f64) -> usize {
        let fits = |&level: &usize| 1.0 / self.levels.factors(level).0 <= scale * 1.0001;
        (0..self.levels.levels()).rev().find(fits).unwrap_or(0)
    }

    /// Draws a part of a view.
    fn draw(
        &self,
        on: &mut Canvas<'_>,
        mesh: &Mesh,
        level: usize,
        part: Part,
        go_on: GoOn<'_>,
    ) -> Result<(), TileError> {
        let Some(window) = self.window(mesh, level, &part) else { return Ok(()) };
        if window.len() > WINDOW && (part.cols.len() > 1 || part.rows.len() > 1) {
            let (a, b) = part.halves();
            self.draw(on, mesh, level, a, go_on)?;
            return self.draw(on, mesh, level, b, go_on);
        }
        let scale = self.levels.factors(level);
        let place = Place { window, scale };
        match &*self.palette {
            Palette::Codes { table, smooth: false, .. } => {
                let bytes = self.read((level, window), go_on, self.nodata_byte(), |v| v as u8, |v| v)?;
                nearest(on, mesh, &part, &place, &bytes, table);
            }
            Palette::Codes { table, .. } => {
                let nodata = self.nodata_byte();
                let bytes = self.read((level, window), go_on, nodata, |v| v as u8, |v| v)?;
                let value = |v: u8| if v == nodata { f32::NAN } else { f32::from(v) };
                bilinear(on, mesh, &part, &place, &bytes, value, |v| table[v.round() as usize & 255]);
            }
            Palette::Range { least, greatest, .. } => {
                let nodata = self.levels.nodata().map_or(f32::NAN, |v| v as f32);
                let numbers = self.read((level, window), go_on, nodata, |v| v, f32::from)?;
                let value = |v: f32| if v == nodata { f32::NAN } else { v };
                let share = 254.0 / (greatest - least).max(f64::MIN_POSITIVE) as f32;
                let least = *least as f32;
                let index = |v: f32| 1 + ((v - least) * share).round().clamp(0.0, 254.0) as u8;
                bilinear(on, mesh, &part, &place, &numbers, value, index);
            }
        }
        Ok(())
    }

    fn nodata_byte(&self) -> u8 {
        self.levels.nodata().filter(|v| (0.0..=255.0).contains(v)).map_or(255, |v| v as u8)
    }

    /// The pixels of a level that a part of a view needs.
    fn window(&self, mesh: &Mesh, level: usize, part: &Part) -> Option<Window> {
        let [x0, y0, x1, y1] = mesh.around(part.cols.clone(), part.rows.clone())?;
        let (along, down) = self.levels.factors(level);
        let (rows, cols) = self.levels.shape(level);
        let span = |from: f64, to: f64, size: usize| {
            let first = (from - 1.0).floor().clamp(0.0, size as f64) as usize;
            (first, ((to + 1.0).ceil().clamp(0.0, size as f64) as usize).saturating_sub(first))
        };
        let (col, width) = span(x0 * along, x1 * along, cols);
        let (row, height) = span(y0 * down, y1 * down, rows);
        (width > 0 && height > 0).then_some(Window { row, col, rows: height, cols: width })
    }

    /// The pixels of a window side by side.
    fn read<T: Copy>(
        &self,
        (level, window): (usize, Window),
        go_on: GoOn<'_>,
        nodata: T,
        of_number: impl Fn(f32) -> T,
        of_byte: impl Fn(u8) -> T,
    ) -> Result<Vec<T>, TileError> {
        let mut values = vec![nodata; window.len()];
        self.levels.visit(level, window, go_on, &mut |block, width, part, (row, col)| {
            for line in part.row..part.row + part.rows {
                let from = (line - row) * width + part.col - col;
                let to = (line - window.row) * window.cols + part.col - window.col;
                let to = &mut values[to..to + part.cols];
                match block {
                    Block::Bytes(v) => {
                        to.iter_mut().zip(&v[from..]).for_each(|(to, &v)| *to = of_byte(v));
                    }
                    Block::Numbers(v) => {
                        to.iter_mut().zip(&v[from..]).for_each(|(to, &v)| *to = of_number(v));
                    }
                }
            }
        })?;
        Ok(values)
    }
}

impl Painter for RasterSource {
    fn paint(&self, view: &View, go_on: GoOn<'_>) -> Result<Option<Indexed>, TileError> {
        let parts = self.seen(view);
        if parts.is_empty() {
            return Ok(None);
        }
        let mut pixels = vec![0; view.cols * view.rows];
        let grid = self.levels.grid();
        let (width, height) = view.pixel();
        for (cols, rows) in parts {
            let (left, top) = (
                view.bounds.min_x + cols.start as f64 * width,
                view.bounds.max_y - rows.start as f64 * height,
            );
            let mut refusal = Ok(());
            let mesh = Mesh::new(cols.len(), rows.len(), |xs, ys| {
                for (x, y) in xs.iter_mut().zip(ys.iter_mut()) {
                    (*x, *y) = (left + *x * width, top - *y * height);
                }
                if let Err(error) = places(view.set, grid, xs, ys) {
                    refusal = Err(error);
                    xs.fill(f64::NAN);
                }
            });
            refusal?;
            let scale = mesh.scale();
            if scale.is_nan() {
                continue;
            }
            let mut canvas = Canvas { pixels: &mut pixels, cols: view.cols, at: (cols.start, rows.start) };
            let whole = Part { cols: 0..cols.len(), rows: 0..rows.len() };
            self.draw(&mut canvas, &mesh, self.level(scale), whole, go_on)?;
        }
        let seen = pixels.iter().any(|&p| p != 0);
        Ok(seen.then(|| Indexed { cols: view.cols, rows: view.rows, pixels, palette: self.palette.clone() }))
    }
}

/// Columns and rows of a grid at places of a matrix set's CRS; NaN where there is none.
///
/// # Errors
/// [`crate::crs::CrsError`] where there is no way at all.
fn places(set: MatrixSet, grid: &GeoBox, xs: &mut [f64], ys: &mut [f64]) -> Result<(), crate::crs::CrsError> {
    thread_local! {
        static KNOWN: RefCell<HashMap<(MatrixSet, String), Transformer>> = RefCell::default();
    }
    let web = grid.crs.epsg() == Some(3857);
    let degrees = grid.crs.epsg() == Some(4326);
    if !(web && set == MatrixSet::WebMercatorQuad) {
        for (x, y) in xs.iter_mut().zip(ys.iter_mut()) {
            (*x, *y) = set.unproject(*x, *y);
        }
        if !degrees {
            KNOWN.with_borrow_mut(|known| {
                let key = (set, grid.crs.wkt().to_owned());
                if known.len() >= TRANSFORMS && !known.contains_key(&key) {
                    known.clear();
                }
                let way = match known.entry(key) {
                    std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                    std::collections::hash_map::Entry::Vacant(entry) => {
                        entry.insert(Crs::wgs84().transformer_to(&grid.crs)?)
                    }
                };
                way.apply_each(xs, ys);
                Ok::<_, crate::crs::CrsError>(())
            })?;
        }
    }
    let least = grid.crs.is_geographic().then(|| grid.bounds().min_x);
    for (x, y) in xs.iter_mut().zip(ys) {
        if let Some(least) = least {
            // The same meridian, where the grid has it: 181 degrees are 179 west.
            *x = (*x - least + 1e-9).rem_euclid(360.0) - 1e-9 + least;
        }
        (*x, *y) = grid.affine.invert(*x, *y).unwrap_or((f64::NAN, f64::NAN));
    }
    Ok(())
}

/// A part of a mesh's rectangle.
struct Part {
    cols: Range<usize>,
    rows: Range<usize>,
}

impl Part {
    fn halves(self) -> (Self, Self) {
        let cut = |r: &Range<usize>| r.start + r.len() / 2;
        let Self { cols, rows } = self;
        if cols.len() > rows.len() {
            let at = cut(&cols);
            (Self { cols: cols.start..at, rows: rows.clone() }, Self { cols: at..cols.end, rows })
        } else {
            let at = cut(&rows);
            (Self { cols: cols.clone(), rows: rows.start..at }, Self { cols, rows: at..rows.end })
        }
    }
}

/// The view's pixels, and where the mesh's rectangle begins on it.
struct Canvas<'a> {
    pixels: &'a mut [u8],
    cols: usize,
    at: (usize, usize),
}

impl Canvas<'_> {
    fn run(&mut self, row: usize, cols: &Range<usize>) -> &mut [u8] {
        let start = (self.at.1 + row) * self.cols + self.at.0;
        &mut self.pixels[start + cols.start..start + cols.end]
    }
}

/// Where the window lies in the image.
struct Place {
    window: Window,
    scale: (f64, f64),
}

/// Bits behind the point of places along a run.
const POINT: u32 = 32;

fn nearest(on: &mut Canvas<'_>, mesh: &Mesh, part: &Part, place: &Place, codes: &[u8], table: &[u8; 256]) {
    let (width, height) = (place.window.cols as u64, place.window.rows as u64);
    let fixed = |v: f64| (v * (1u64 << POINT) as f64) as i64;
    for row in part.rows.clone() {
        mesh.row(row, part.cols.clone(), |run, at, step| {
            if !(at.0.is_finite() && at.1.is_finite() && step.0.is_finite() && step.1.is_finite()) {
                return;
            }
            let mut x = fixed(at.0 * place.scale.0 - place.window.col as f64);
            let mut y = fixed(at.1 * place.scale.1 - place.window.row as f64);
            let (dx, dy) = (fixed(step.0 * place.scale.0), fixed(step.1 * place.scale.1));
            for pixel in on.run(row, &run) {
                // What is negative becomes large, and is outside too.
                let (col, line) = ((x >> POINT) as u64, (y >> POINT) as u64);
                if col < width && line < height {
                    *pixel = table[usize::from(codes[(line * width + col) as usize])];
                }
                (x, y) = (x.wrapping_add(dx), y.wrapping_add(dy));
            }
        });
    }
}

/// `value` is NaN for what is missing; missing neighbours are left out of the weights, and where the
/// pixel under the centre is missing, so is the result.
fn bilinear<T: Copy>(
    on: &mut Canvas<'_>,
    mesh: &Mesh,
    part: &Part,
    place: &Place,
    values: &[T],
    value: impl Fn(T) -> f32,
    index: impl Fn(f32) -> u8,
) {
    let (width, height) = (place.window.cols, place.window.rows);
    for row in part.rows.clone() {
        mesh.row(row, part.cols.clone(), |run, at, step| {
            for (k, pixel) in on.run(row, &run).iter_mut().enumerate() {
                let x = (at.0 + k as f64 * step.0) * place.scale.0 - place.window.col as f64;
                let y = (at.1 + k as f64 * step.1) * place.scale.1 - place.window.row as f64;
                // NaN is within nothing.
                if !(x >= 0.0 && y >= 0.0 && x < width as f64 && y < height as f64) {
                    continue;
                }
                if value(values[y as usize * width + x as usize]).is_nan() {
                    continue;
                }
                let (left, top) = ((x - 0.5).floor(), (y - 0.5).floor());
                let (s, t) = ((x - 0.5 - left) as f32, (y - 0.5 - top) as f32);
                let clamped = |v: f64, size: usize| (v.max(0.0) as usize).min(size - 1);
                let (c0, c1) = (clamped(left, width), clamped(left + 1.0, width));
                let (r0, r1) = (clamped(top, height), clamped(top + 1.0, height));
                let four = [
                    (r0, c0, (1.0 - s) * (1.0 - t)),
                    (r0, c1, s * (1.0 - t)),
                    (r1, c0, (1.0 - s) * t),
                    (r1, c1, s * t),
                ];
                let (mut sum, mut weights) = (0.0, 0.0);
                for (r, c, weight) in four {
                    let v = value(values[r * width + c]);
                    if !v.is_nan() {
                        sum += v * weight;
                        weights += weight;
                    }
                }
                *pixel = index(sum / weights);
            }
        });
    }
}
