//! A raster while it is written: what its blocks have left so far, read from where they wait.
//! Nothing is copied for it, so that a raster that nobody looks at costs nothing more.

use std::io::Result;

use super::cog_tiles::TILE;
use super::cog_values::{NOTHING, shown_range};
use super::pyramid::Block;
use super::spool::Spool;
use crate::crs::GeoBox;
use crate::raster::Window;

/// A raster that grows. Coarser levels take every second, fourth, eighth pixel of it.
#[derive(Debug)]
pub struct GrowingRaster {
    grid: GeoBox,
    spool: Spool,
    pixel: Pixel,
}

/// How a pixel is kept.
#[derive(Clone, Copy, Debug)]
enum Pixel {
    /// A byte XOR this one, which is nodata.
    Byte(u8),
    /// A number; NaN is nodata.
    Number,
}

impl GrowingRaster {
    pub(super) fn of_bytes(grid: GeoBox, spool: Spool, nodata: u8) -> Self {
        Self { grid, spool, pixel: Pixel::Byte(nodata) }
    }

    pub(super) fn of_numbers(grid: GeoBox, spool: Spool) -> Self {
        Self { grid, spool, pixel: Pixel::Number }
    }

    /// Shape, transform and CRS.
    pub fn grid(&self) -> &GeoBox {
        &self.grid
    }

    /// How many pixels were written; those that were written twice count twice.
    pub fn written(&self) -> u64 {
        self.spool.written()
    }

    /// The ends of the ramp that its numbers so far are shown with, by a part of them.
    ///
    /// # Errors
    /// Those of reading.
    pub fn range(&self) -> Result<(f64, f64)> {
        let level = self.shapes().len() - 1;
        let (rows, cols) = self.shapes()[level];
        let values = self.read(level, Window { row: 0, col: 0, rows, cols })?;
        let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut see = |v: f64| (least, greatest) = (least.min(v), greatest.max(v));
        match values {
            Block::Bytes(all) => all.into_iter().for_each(|v| see(v.into())),
            Block::Numbers(all) => all.into_iter().filter(|v| !v.is_nan()).for_each(|v| see(v.into())),
        }
        Ok(if least <= greatest { shown_range(least, greatest) } else { (0.0, 1.0) })
    }

    pub(super) fn nodata(&self) -> f64 {
        match self.pixel {
            Pixel::Byte(nodata) => nodata.into(),
            Pixel::Number => f64::NAN,
        }
    }

    pub(super) fn is_bytes(&self) -> bool {
        matches!(self.pixel, Pixel::Byte(_))
    }

    /// Rows and columns by level: as many levels as the finished raster will have.
    pub(super) fn shapes(&self) -> Vec<(usize, usize)> {
        let mut shapes = vec![(self.grid.rows, self.grid.cols)];
        while let Some(&(rows, cols)) = shapes.last().filter(|(rows, cols)| *rows > TILE || *cols > TILE) {
            shapes.push((rows.div_ceil(2), cols.div_ceil(2)));
        }
        shapes
    }

    /// The pixels of a window of a level.
    pub(super) fn read(&self, level: usize, window: Window) -> Result<Block> {
        let step = 1 << level;
        let at = |k: usize, size: usize| (k * step + step / 2).min(size - 1);
        let first = at(window.col, self.grid.cols);
        let cols: Vec<usize> =
            (window.col..window.col + window.cols).map(|col| at(col, self.grid.cols) - first).collect();
        let bytes = if self.is_bytes() { 1 } else { 4 };
        let mut line = vec![0; cols.last().map_or(0, |last| (last + 1) * bytes)];
        let (mut codes, mut numbers) = (Vec::new(), Vec::new());
        for row in window.row..window.row + window.rows {
            self.spool.read_from(at(row, self.grid.rows), first, &mut line)?;
            match self.pixel {
                Pixel::Byte(nodata) => codes.extend(cols.iter().map(|&col| line[col] ^ nodata)),
                Pixel::Number => {
                    let bits = line.as_chunks::<4>().0;
                    let number = |&col: &usize| f32::from_bits(u32::from_le_bytes(bits[col]) ^ NOTHING);
                    numbers.extend(cols.iter().map(number));
                }
            }
        }
        Ok(if self.is_bytes() { Block::Bytes(codes) } else { Block::Numbers(numbers) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classmap::Legend;
    use crate::crs::{Affine, Crs};
    use crate::io::cog::{CogKind, CogWriter};
    use crate::io::cog_values::ValuesWriter;
    use crate::io::pyramid::{BlockCache, Pyramid};

    fn grid(rows: usize, cols: usize) -> GeoBox {
        GeoBox {
            rows,
            cols,
            affine: Affine::north_up(7e5, 3.09e6, 10.0, 10.0),
            crs: Crs::from_epsg(32649).unwrap(),
        }
    }

    fn whole(pyramid: &Pyramid, level: usize) -> Vec<f32> {
        let (rows, cols) = pyramid.shape(level);
        let window = Window { row: 0, col: 0, rows, cols };
        let mut found = vec![f32::NAN; rows * cols];
        let cache = BlockCache::new(1 << 20);
        let put = |block: &Block, width: usize, part: Window, from: (usize, usize)| {
            for line in part.row..part.row + part.rows {
                for col in part.col..part.col + part.cols {
                    let at = (line - from.0) * width + col - from.1;
                    found[line * cols + col] = match block {
                        Block::Bytes(v) => v[at].into(),
                        Block::Numbers(v) => v[at],
                    };
                }
            }
        };
        pyramid.visit(&cache, level, window, put).unwrap();
        found
    }

    #[test]
    fn blocks_are_seen_as_they_come_and_in_the_end_all_is_as_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.tif");
        let grid = grid(1301, 1777);
        let code = |row: usize, col: usize| ((row / 37 + col / 53) % 4) as u8;
        let mut writer = CogWriter::create(&path, &grid, CogKind::Classes(Legend::rice()), &[]).unwrap();
        let growing = Pyramid::growing(writer.growing());
        let nodata = f32::from(Legend::rice().nodata);
        let watched = writer.growing();
        assert!(whole(&growing, 0).iter().all(|&v| v == nodata) && watched.written() == 0);
        for (k, w) in Window::blocks(1301, 1777, 512, 512).enumerate() {
            let values: Vec<u8> =
                (0..w.len()).map(|i| code(w.row + i / w.cols, w.col + i % w.cols)).collect();
            writer.write(w, &values).unwrap();
            if k == 4 {
                let seen = whole(&growing, 0);
                let filled = (0..1301 * 1777).filter(|i| seen[*i] != nodata).count();
                assert_eq!(watched.written(), 512 * 1777 + 512 * 512);
                assert!(filled > 0 && filled < 1301 * 1777);
            }
        }
        writer.finish().unwrap();
        let done = Pyramid::open(&path).unwrap();
        assert_eq!(
            whole(&growing, 0),
            whole(&done, 0),
            "the file is unnamed: it is there while it is looked at"
        );
        assert_eq!(growing.levels(), done.levels());
        let coarse = whole(&growing, 2);
        assert_eq!(growing.shape(2), done.shape(2));
        let cols = growing.shape(2).1;
        assert_eq!(coarse[7 * cols + 9], f32::from(code(7 * 4 + 2, 9 * 4 + 2)));
    }

    #[test]
    fn numbers_have_a_range_once_there_are_any() {
        let folder = tempfile::tempdir().unwrap();
        let grid = grid(700, 600);
        let mut writer =
            ValuesWriter::create(&folder.path().join("heat.tif"), &grid, "density", "1").unwrap();
        let growing = writer.growing();
        assert_eq!(growing.range().unwrap(), (0.0, 1.0));
        let window = Window { row: 100, col: 100, rows: 300, cols: 300 };
        let values: Vec<f32> = (0..window.len()).map(|i| (i / 300) as f32).collect();
        writer.write(window, &values).unwrap();
        let (least, greatest) = growing.range().unwrap();
        assert!(least <= 1.0 && greatest >= 297.0, "{least} {greatest}");
        assert!(whole(&Pyramid::growing(writer.growing()), 0)[0].is_nan());
    }
}
