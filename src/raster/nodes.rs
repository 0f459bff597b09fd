//! Exact transforms at the nodes of a coarse grid, linear in between.

use std::ops::Range;

use crate::crs::{Crs, CrsError, GeoBox};

/// Target pixels between two nodes of a [`NodeGrid`].
const NODE_STEP: usize = 32;

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
    pub(super) fn row(&self, row: usize, cols: Range<usize>, mut visit: impl FnMut(f64, f64)) {
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
