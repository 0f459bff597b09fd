//! One band of pixels in memory, and how it is resampled.

use crate::budget::{self, OverBudget};

/// `rows x cols` values, row-major. NaN is nodata in planes of `f32`.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane<T> {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// The values.
    pub values: Vec<T>,
}

impl<T: Copy> Plane<T> {
    /// A plane of one value.
    pub fn filled(rows: usize, cols: usize, value: T) -> Self {
        Self { rows, cols, values: vec![value; rows * cols] }
    }

    /// A plane of one value, or an error where the machine has no memory for it.
    ///
    /// # Errors
    /// [`OverBudget::Machine`].
    pub fn try_filled(what: &'static str, rows: usize, cols: usize, value: T) -> Result<Self, OverBudget> {
        let values = budget::filled(what, value, rows.saturating_mul(cols))?;
        Ok(Self { rows, cols, values })
    }

    /// The value at a pixel.
    pub fn get(&self, row: usize, col: usize) -> T {
        self.values[row * self.cols + col]
    }
}

/// How values of one grid become values of another. **Decided** (methods, section 1): nearest
/// for masks and classes, bilinear for reflectance when the pixel shrinks, average when it grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resampling {
    /// The pixel under the centre: codes and masks.
    Nearest,
    /// Between the four pixels around the centre; missing ones are left out of the weights, and
    /// where the one under the centre is missing, so is the result.
    Bilinear,
    /// The mean of the valid pixels under the target pixel.
    Average,
}
