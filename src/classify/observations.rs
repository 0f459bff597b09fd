//! Labelled series: what samples look like before they are made regular.

use std::collections::BTreeMap;

use super::recipe::{Channel, bands_of, observe};
use super::{Labels, SeriesRecipe};
use crate::cube::{CubeError, DataCube};
use crate::raster::Window;
use crate::vector::Value;

/// One labelled pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Where, in map units of the cube's CRS (or of the table): for spatial blocks.
    pub position: Option<(f64, f64)>,
    /// The feature it comes from: pixels of one polygon stay together in a split.
    pub feature: usize,
    /// The feature's properties: for splits by group.
    pub properties: BTreeMap<String, Value>,
}

/// Observed series of samples with their classes, `[series][date][sample]`; NaN is missing.
#[derive(Clone, Debug)]
pub struct Observations {
    /// Names of the series.
    pub series: Vec<String>,
    /// The dates, rising.
    pub dates: Vec<jiff::civil::Date>,
    /// The day of each date on the time grid (see [`crate::cube::Calendar`]).
    pub days: Vec<f32>,
    /// The values.
    pub values: Vec<f32>,
    /// The samples.
    pub samples: Vec<Sample>,
    /// Their classes.
    pub labels: Labels,
}

impl Observations {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The samples at `rows`, in that order.
    pub fn select(&self, rows: &[usize]) -> Self {
        let n = self.len();
        let values = if n == 0 {
            Vec::new()
        } else {
            self.values.chunks_exact(n).flat_map(|plane| rows.iter().map(|&r| plane[r])).collect()
        };
        Self {
            series: self.series.clone(),
            dates: self.dates.clone(),
            days: self.days.clone(),
            values,
            samples: rows.iter().map(|&r| self.samples[r].clone()).collect(),
            labels: self.labels.select(rows),
        }
    }

    /// The first `dates` dates only: for the earliest identifiable time.
    pub fn first_dates(&self, dates: usize) -> Self {
        let (all, n) = (self.dates.len(), self.len());
        let values = (0..self.series.len())
            .flat_map(|s| self.values[s * all * n..(s * all + dates) * n].iter().copied())
            .collect();
        Self {
            dates: self.dates[..dates].to_vec(),
            days: self.days[..dates].to_vec(),
            values,
            ..self.clone()
        }
    }

    /// Drops samples whose series have too few dates for the recipe, and tells how many.
    pub fn usable(self, recipe: &SeriesRecipe) -> (Self, usize) {
        let (regular, _) = recipe.regularize(&self.days, &self.values, self.len());
        let n = self.len();
        let kept: Vec<usize> =
            (0..n).filter(|&i| regular.iter().skip(i).step_by(n.max(1)).all(|v| v.is_finite())).collect();
        let lost = n - kept.len();
        if lost == 0 { (self, 0) } else { (self.select(&kept), lost) }
    }
}

/// Reads the series under pixels of a cube, `[series][date][pixel of the list]`, block by block
/// so that each part of a file is read once. `cancelled` is asked once a block.
///
/// # Errors
/// As [`crate::cube::PixelSource::read`].
pub fn observe_pixels(
    cube: &DataCube,
    channels: &[Channel],
    pixels: &[(usize, usize)],
    block_size: usize,
    done: &(dyn Fn(usize) -> bool + Sync),
) -> Result<Vec<f32>, CubeError> {
    use rayon::prelude::*;
    let dates = cube.acquisitions.len();
    let bands = bands_of(channels);
    let mut blocks: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (i, &(row, col)) in pixels.iter().enumerate() {
        blocks.entry((row / block_size, col / block_size)).or_default().push(i);
    }
    let planes = channels.len() * dates;
    let blocks: Vec<Vec<usize>> = blocks.into_values().collect();
    let read: Vec<Vec<f32>> = blocks
        .par_iter()
        .map(|members| {
            let window = window_around(members.iter().map(|&i| pixels[i]));
            let block = cube.read(&bands, window)?;
            let observed = observe(channels, &block, dates);
            let mut values = Vec::with_capacity(planes * members.len());
            for plane in observed.chunks_exact(window.len()) {
                values.extend(members.iter().map(|&i| {
                    let (row, col) = pixels[i];
                    plane[(row - window.row) * window.cols + col - window.col]
                }));
            }
            if done(members.len()) { Ok(values) } else { Err(CubeError::Read("cancelled".to_owned())) }
        })
        .collect::<Result<_, CubeError>>()?;
    let mut values = vec![f32::NAN; planes * pixels.len()];
    for (members, block) in blocks.iter().zip(&read) {
        for (plane, part) in block.chunks_exact(members.len()).enumerate() {
            for (&i, &v) in members.iter().zip(part) {
                values[plane * pixels.len() + i] = v;
            }
        }
    }
    Ok(values)
}

fn window_around(pixels: impl Iterator<Item = (usize, usize)>) -> Window {
    let (mut top, mut left, mut bottom, mut right) = (usize::MAX, usize::MAX, 0, 0);
    for (row, col) in pixels {
        (top, left) = (top.min(row), left.min(col));
        (bottom, right) = (bottom.max(row + 1), right.max(col + 1));
    }
    Window { row: top, col: left, rows: bottom - top, cols: right - left }
}
