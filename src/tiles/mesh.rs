//! Where the pixels of a tile lie in a raster: exact at the nodes of a mesh, linear in between. The
//! mesh is made finer until its nodes are foretold by those of the mesh before.

use std::ops::Range;

/// Pixels of the tile by which a finer mesh may still surprise the one before. What is left is a
/// quarter of it where the transform is smooth.
const SURPRISE: f64 = 0.1;

/// Column and row of the raster, at the nodes of a mesh over a rectangle of a tile.
#[derive(Debug)]
pub struct Mesh {
    cols: usize,
    rows: usize,
    /// Cells along a side.
    cells: usize,
    nodes: Vec<(f64, f64)>,
}

impl Mesh {
    /// The mesh over `cols` x `rows` pixels. `place` turns columns and rows of the rectangle, with
    /// fractions, to those of the raster; NaN has no place.
    pub fn new(cols: usize, rows: usize, mut place: impl FnMut(&mut [f64], &mut [f64])) -> Self {
        let mut at = |cells: usize| {
            let step = |k: usize, size: usize| k as f64 * size as f64 / cells as f64;
            let side = cells + 1;
            let (mut xs, mut ys): (Vec<f64>, Vec<f64>) =
                (0..side * side).map(|k| (step(k % side, cols), step(k / side, rows))).unzip();
            place(&mut xs, &mut ys);
            Self { cols, rows, cells, nodes: xs.into_iter().zip(ys).collect() }
        };
        let mut cells = 4;
        let mut coarse = at(2);
        loop {
            let fine = at(cells);
            if cells >= cols.max(rows) || coarse.surprise(&fine) <= SURPRISE * fine.scale() {
                return fine;
            }
            (coarse, cells) = (fine, cells * 2);
        }
    }

    /// How far the nodes of a mesh of twice the cells are from where this one expects them.
    fn surprise(&self, fine: &Self) -> f64 {
        let side = fine.cells + 1;
        let far = |k: usize| {
            let (i, j) = (k % side, k / side);
            let four = [
                (i / 2, j / 2),
                (i.div_ceil(2), j / 2),
                (i / 2, j.div_ceil(2)),
                (i.div_ceil(2), j.div_ceil(2)),
            ];
            let four = four.map(|(i, j)| self.nodes[j * (self.cells + 1) + i]);
            let mean = four.iter().fold((0.0, 0.0), |m, p| (m.0 + p.0 / 4.0, m.1 + p.1 / 4.0));
            let (x, y) = fine.nodes[k];
            match (x.is_nan(), mean.0.is_nan()) {
                (true, true) => 0.0,
                (false, false) => (x - mean.0).abs().max((y - mean.1).abs()),
                _ => f64::INFINITY,
            }
        };
        (0..fine.nodes.len()).map(far).fold(0.0, f64::max)
    }

    /// Pixels of the raster along a pixel of the tile, in the finer direction; NaN where nothing of
    /// the rectangle has a place.
    pub fn scale(&self) -> f64 {
        let side = self.cells + 1;
        let node = |i: usize, j: usize| self.nodes[j * side + i];
        let length = |a: (f64, f64), b: (f64, f64), pixels: f64| (a.0 - b.0).hypot(a.1 - b.1) / pixels;
        let (width, height) = (self.cols as f64 / self.cells as f64, self.rows as f64 / self.cells as f64);
        let each = (0..self.cells * self.cells).map(|k| {
            let (i, j) = (k % self.cells, k / self.cells);
            let here = node(i, j);
            length(here, node(i + 1, j), width).min(length(here, node(i, j + 1), height))
        });
        let mut all: Vec<f64> = each.filter(|s| s.is_finite()).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The rectangle of the raster around a part of the tile's rectangle: least and greatest column
    /// and row; `None` where nothing of it has a place.
    pub fn around(&self, cols: Range<usize>, rows: Range<usize>) -> Option<[f64; 4]> {
        let span = |range: &Range<usize>, size: usize| {
            let cell = |at: f64| at * self.cells as f64 / size as f64;
            let first = cell(range.start as f64).floor() as usize;
            (first, (cell(range.end as f64).ceil() as usize).min(self.cells))
        };
        let (i, j) = (span(&cols, self.cols), span(&rows, self.rows));
        let mut found: Option<[f64; 4]> = None;
        for row in j.0..=j.1 {
            for &(x, y) in &self.nodes[row * (self.cells + 1)..][i.0..=i.1] {
                if !x.is_nan() {
                    let b = found.get_or_insert([x, y, x, y]);
                    *b = [b[0].min(x), b[1].min(y), b[2].max(x), b[3].max(y)];
                }
            }
        }
        found
    }

    /// Calls `visit` with the runs of a row along which places are linear: columns of the rectangle,
    /// the place of the first pixel's centre, and the step from pixel to pixel.
    pub fn row(
        &self,
        row: usize,
        cols: Range<usize>,
        mut visit: impl FnMut(Range<usize>, (f64, f64), (f64, f64)),
    ) {
        let height = self.rows as f64 / self.cells as f64;
        let width = self.cols as f64 / self.cells as f64;
        let at = (row as f64 + 0.5) / height;
        let line = (at as usize).min(self.cells - 1);
        let t = at - line as f64;
        let side = self.cells + 1;
        let node = |i: usize| {
            let (a, b) = (self.nodes[line * side + i], self.nodes[(line + 1) * side + i]);
            (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
        };
        // The first column whose centre lies in a cell.
        let first = |cell: usize| (((cell as f64) * width - 0.5).ceil().max(0.0) as usize).min(self.cols);
        let mut cell = (((cols.start as f64 + 0.5) / width) as usize).min(self.cells - 1);
        let mut start = cols.start;
        while start < cols.end {
            let end = if cell + 1 == self.cells { cols.end } else { first(cell + 1).clamp(start, cols.end) };
            if start < end {
                let (left, right) = (node(cell), node(cell + 1));
                let step = ((right.0 - left.0) / width, (right.1 - left.1) / width);
                let along = start as f64 + 0.5 - cell as f64 * width;
                visit(start..end, (left.0 + step.0 * along, left.1 + step.1 * along), step);
            }
            (start, cell) = (end, cell + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error over all pixels of a rectangle.
    fn worst(cols: usize, rows: usize, exact: impl Fn(f64, f64) -> (f64, f64)) -> (f64, usize) {
        let mesh = Mesh::new(cols, rows, |xs, ys| {
            for (x, y) in xs.iter_mut().zip(ys) {
                (*x, *y) = exact(*x, *y);
            }
        });
        let mut worst = 0f64;
        let mut seen = 0;
        for row in 0..rows {
            mesh.row(row, 0..cols, |run, at, step| {
                for (k, col) in run.enumerate() {
                    let here = (at.0 + k as f64 * step.0, at.1 + k as f64 * step.1);
                    let true_place = exact(col as f64 + 0.5, row as f64 + 0.5);
                    worst = worst.max((here.0 - true_place.0).abs()).max((here.1 - true_place.1).abs());
                    seen += 1;
                }
            });
        }
        assert_eq!(seen, cols * rows);
        (worst, mesh.cells)
    }

    #[test]
    fn pixels_lie_where_they_should_to_a_tenth_of_a_pixel() {
        let linear = |x: f64, y: f64| (3.0 * x + 0.1 * y - 7.0, 0.2 * x - 2.0 * y + 1.0);
        let (error, cells) = worst(256, 256, linear);
        assert!(error < 1e-9 && cells == 4, "{error} {cells}");
        // As latitude in web maps: odd about the middle, so that the middle tells nothing.
        let odd = |x: f64, y: f64| (x, 300.0 * ((y - 128.0) / 60.0).tanh());
        let (error, cells) = worst(256, 256, odd);
        assert!(error < 0.1 && cells > 4, "{error} {cells}");
        let bent = |x: f64, y: f64| (x + 1e-3 * y * y, y - 2e-3 * x * x + 1e-5 * x * x * y);
        for (cols, rows) in [(256, 256), (512, 512), (100, 7), (1, 256), (37, 201)] {
            let (error, _) = worst(cols, rows, bent);
            assert!(error < 0.1, "{cols} x {rows}: {error}");
        }
    }

    #[test]
    fn what_has_no_place_stays_without() {
        let mesh = Mesh::new(64, 64, |xs, ys| {
            for (x, y) in xs.iter_mut().zip(ys.iter_mut()) {
                if *x > 30.0 {
                    (*x, *y) = (f64::NAN, f64::NAN);
                }
            }
        });
        let mut placed = 0;
        mesh.row(5, 0..64, |run, at, step| {
            placed += run.enumerate().filter(|(k, _)| (at.0 + *k as f64 * step.0).is_finite()).count();
        });
        assert!((29..=31).contains(&placed), "{placed}");
        assert_eq!(mesh.around(40..64, 40..64), None);
        assert!((mesh.scale() - 1.0).abs() < 1e-9);
    }
}
