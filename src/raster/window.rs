//! A rectangle of pixels.

/// A rectangle of pixels of some grid: `rows x cols` pixels from (`row`, `col`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// First row.
    pub row: usize,
    /// First column.
    pub col: usize,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
}

impl Window {
    /// The window of a whole grid.
    pub fn whole(rows: usize, cols: usize) -> Self {
        Self { row: 0, col: 0, rows, cols }
    }

    /// Number of pixels.
    pub fn len(self) -> usize {
        self.rows * self.cols
    }

    /// Whether the window has no pixels.
    pub fn is_empty(self) -> bool {
        self.rows == 0 || self.cols == 0
    }

    /// The pixels two windows share, or `None`.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let (row, col) = (self.row.max(other.row), self.col.max(other.col));
        let end_row = (self.row + self.rows).min(other.row + other.rows);
        let end_col = (self.col + self.cols).min(other.col + other.cols);
        (row < end_row && col < end_col).then(|| Self { row, col, rows: end_row - row, cols: end_col - col })
    }

    /// Windows of whole rows that cover `rows x cols`: so many rows that a window has about `pixels`
    /// pixels, at least one and at most `most_rows`. However wide a raster is, a window of it stays small.
    pub fn strips(
        rows: usize,
        cols: usize,
        most_rows: usize,
        pixels: usize,
    ) -> impl ExactSizeIterator<Item = Self> {
        let height = (pixels / cols.max(1)).clamp(1, most_rows.max(1));
        let strip =
            move |k: usize| Self { row: k * height, col: 0, rows: height.min(rows - k * height), cols };
        (0..rows.div_ceil(height)).map(strip)
    }

    /// Windows of at most `block_rows x block_cols` that cover `rows x cols`, row by row.
    pub fn blocks(
        rows: usize,
        cols: usize,
        block_rows: usize,
        block_cols: usize,
    ) -> impl Iterator<Item = Self> {
        (0..rows).step_by(block_rows.max(1)).flat_map(move |row| {
            (0..cols).step_by(block_cols.max(1)).map(move |col| Self {
                row,
                col,
                rows: block_rows.min(rows - row),
                cols: block_cols.min(cols - col),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_cover_all_rows_and_stay_small_on_wide_rasters() {
        let strips: Vec<Window> = Window::strips(1000, 100, 512, 1 << 20).collect();
        assert_eq!(strips.iter().map(|w| (w.row, w.rows)).collect::<Vec<_>>(), [(0, 512), (512, 488)]);
        assert!(Window::strips(600, 2_000_000, 512, 1 << 22).all(|w| w.rows == 2 && w.cols == 2_000_000));
        assert!(Window::strips(3, 10_000_000, 512, 1 << 20).all(|w| w.rows == 1));
    }
}
