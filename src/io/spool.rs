//! The pixels of a raster on their way, in an unnamed file beside the result: blocks come in any
//! order, rows are read in theirs.

use std::fs::File;
use std::io::{Error, Result};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::crs::GeoBox;
use crate::raster::Window;

/// Row-major pixels of a few bytes each. What was never written is zeros. A clone is the same one.
#[derive(Clone, Debug)]
pub(super) struct Spool {
    file: Arc<File>,
    rows: usize,
    cols: usize,
    bytes: usize,
    written: Arc<AtomicU64>,
}

impl Spool {
    /// A spool for a raster that will stand at `path`, of so many bytes a pixel.
    pub(super) fn create(path: &Path, grid: &GeoBox, bytes: usize) -> Result<Self> {
        let pixels = grid.rows as u64 * grid.cols as u64;
        if pixels == 0 || pixels > u64::from(u32::MAX) {
            let text = format!("{} x {} pixels do not fit into one file", grid.rows, grid.cols);
            return Err(Error::other(text));
        }
        let file = tempfile::tempfile_in(folder_of(path))?;
        file.set_len(pixels * bytes as u64)?;
        let (file, written) = (Arc::new(file), Arc::default());
        Ok(Self { file, rows: grid.rows, cols: grid.cols, bytes, written })
    }

    /// Writes a window, row-major.
    pub(super) fn write(&self, window: Window, pixels: &[u8]) -> Result<()> {
        let inside = window.row + window.rows <= self.rows && window.col + window.cols <= self.cols;
        if !inside || pixels.len() != window.len() * self.bytes {
            return Err(Error::other(format!("{} values for {window:?}", pixels.len() / self.bytes)));
        }
        if window.is_empty() {
            return Ok(());
        }
        // Rows that span the grid lie one behind another.
        let run = if window.cols == self.cols { window.len() } else { window.cols };
        for (row, line) in pixels.chunks_exact(run * self.bytes).enumerate() {
            let pixel = (window.row + row) * self.cols + window.col;
            self.file.write_all_at(line, (pixel * self.bytes) as u64)?;
        }
        self.written.fetch_add(window.len() as u64, Ordering::Release);
        Ok(())
    }

    /// Fills a buffer with whole rows from `first` on.
    pub(super) fn read(&self, first: usize, rows: &mut [u8]) -> Result<()> {
        self.read_from(first, 0, rows)
    }

    /// Fills a buffer with pixels from this one on.
    pub(super) fn read_from(&self, row: usize, col: usize, pixels: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(pixels, ((row * self.cols + col) * self.bytes) as u64)
    }

    /// How many pixels were written; those that were written twice count twice.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
