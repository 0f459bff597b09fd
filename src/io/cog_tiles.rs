//! The images of a cloud optimized GeoTIFF: tiles are compressed in parallel, overviews made each
//! from the level before, and the file put together in COG order. Memory is the overviews (a third
//! of the pixels) and a few rows of tiles.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::{Compress, Compression, FlushCompress, Status};
use rayon::prelude::*;

use super::cog_layout::{Image, Tag, framed_tile, head};
use super::geotiff_write::Sample;
use super::spool::folder_of;
use crate::raster::Window;

/// Pixels along a tile's side.
pub(super) const TILE: usize = 512;
/// Tiles that are compressed at a time.
const BATCH: usize = 32;
/// Of zlib's levels the last cheap one: 6 takes three times as long for 3 % fewer bytes.
const LEVEL: u32 = 5;

/// Where the pixels and tags of a file come from.
pub(super) trait Source<T> {
    /// Rows and columns of the full image.
    fn shape(&self) -> (usize, usize);
    /// The value of pixels without an answer.
    fn nodata(&self) -> T;
    /// Fills a buffer with whole rows; called once for each, from the first to the last.
    fn read(&mut self, first: usize, rows: &mut [T]) -> Result<()>;
    /// One pixel from four (some of which may be the same one, at an odd edge).
    fn reduce(&self, four: [T; 4]) -> T;
    /// The tags of the full image beside its size, its format and its tiles; asked for when all
    /// pixels were read.
    fn full_tags(&self) -> Vec<Tag>;
    /// The tags of every image.
    fn tags(&self) -> Vec<Tag>;
}

/// Bytes that [`write`] holds at a time of an image of values of this many bytes: its rows of tiles and
/// all overviews. `None` where no number holds them.
pub fn memory(rows: usize, cols: usize, size: usize) -> Option<u64> {
    let band = band_rows(cols).min(rows).checked_mul(cols)?;
    // A quarter of the pixels, and a quarter of these while they are halved.
    let overviews = rows.div_ceil(2).checked_mul(cols.div_ceil(2))?;
    let values = overviews.checked_add(overviews / 4)?.checked_add(band)?;
    (values as u64).checked_mul(size as u64)
}

/// Rows that are compressed at a time: whole rows of tiles, enough for all threads.
fn band_rows(cols: usize) -> usize {
    BATCH.div_ceil(cols.div_ceil(TILE).max(1)) * TILE
}

/// Writes the file.
pub(super) fn write<T, S>(path: &Path, source: &mut S) -> Result<()>
where
    T: Sample + Send + Sync,
    S: Source<T> + Sync,
{
    let mut packed = Packed { file: tempfile::tempfile_in(folder_of(path))?, images: Vec::new() };
    let (rows, cols) = source.shape();
    let nodata = source.nodata();

    // The full image by bands of tile rows, then each overview as a whole.
    let band_rows = band_rows(cols);
    let mut level = Level { rows: rows.div_ceil(2), cols: cols.div_ceil(2), values: Vec::new() };
    let mut band = vec![nodata; band_rows.min(rows) * cols];
    packed.begin(Vec::new());
    for first in (0..rows).step_by(band_rows) {
        let band = &mut band[..band_rows.min(rows - first) * cols];
        source.read(first, band)?;
        packed.add(band, cols, nodata)?;
        level.values.extend(halve(band, cols, source));
    }
    drop(band);
    packed.images[0].tags = image_tags::<T, S>(source, rows, cols);
    packed.images[0].tags.extend(source.full_tags());
    let (mut above_rows, mut above_cols) = (rows, cols);
    while above_rows > TILE || above_cols > TILE {
        let mut tags = image_tags::<T, S>(source, level.rows, level.cols);
        tags.push(Tag::long(254, &[1])); // a reduced image
        packed.begin(tags);
        packed.add(&level.values, level.cols, nodata)?;
        (above_rows, above_cols) = (level.rows, level.cols);
        level = Level {
            values: halve(&level.values, level.cols, source),
            rows: level.rows.div_ceil(2),
            cols: level.cols.div_ceil(2),
        };
    }
    packed.write_to(path)
}

fn image_tags<T: Sample, S: Source<T>>(source: &S, rows: usize, cols: usize) -> Vec<Tag> {
    let (bits, format, predictor) = T::FORMAT;
    let mut tags = vec![
        Tag::long(256, &[cols as u32]),
        Tag::long(257, &[rows as u32]),
        Tag::short(258, &[bits]),
        Tag::short(259, &[8]), // Adobe deflate
        Tag::short(277, &[1]),
        Tag::short(284, &[1]),
        Tag::long(322, &[TILE as u32]),
        Tag::long(323, &[TILE as u32]),
        Tag::short(339, &[format]),
    ];
    if predictor != 1 {
        tags.push(Tag::short(317, &[predictor]));
    }
    tags.extend(source.tags());
    tags
}

/// Halves rows and columns, the last ones alone where odd.
pub(super) fn halve<T, S>(values: &[T], cols: usize, source: &S) -> Vec<T>
where
    T: Sample + Send + Sync,
    S: Source<T> + Sync,
{
    let (rows, half) = (values.len() / cols, cols.div_ceil(2));
    let mut out = vec![T::default(); rows.div_ceil(2) * half];
    out.par_chunks_exact_mut(half).enumerate().for_each(|(row, line)| {
        let upper = &values[2 * row * cols..][..cols];
        let lower = if 2 * row + 1 < rows { &values[(2 * row + 1) * cols..][..cols] } else { upper };
        for (col, to) in line.iter_mut().enumerate() {
            let (a, b) = (2 * col, (2 * col + 1).min(cols - 1));
            let four = [upper[a], upper[b], lower[a], lower[b]];
            *to = if four == [four[0]; 4] { four[0] } else { source.reduce(four) };
        }
    });
    out
}

struct Level<T> {
    rows: usize,
    cols: usize,
    values: Vec<T>,
}

/// Compressed tiles of all images, in an unnamed file, in the order they were made.
struct Packed {
    file: File,
    images: Vec<Image>,
}

impl Packed {
    fn begin(&mut self, tags: Vec<Tag>) {
        self.images.push(Image { tags, tiles: Vec::new() });
    }

    /// Compresses the tiles of some rows, which begin at a row of tiles.
    fn add<T: Sample + Send + Sync>(&mut self, values: &[T], cols: usize, nodata: T) -> Result<()> {
        let across = cols.div_ceil(TILE);
        let rows = values.len() / cols;
        let down = rows.div_ceil(TILE);
        for batch in Window::blocks(down, across, BATCH.div_ceil(across), across) {
            let tiles: Vec<Vec<u8>> = (0..batch.len())
                .into_par_iter()
                .map_init(
                    || (Compress::new(Compression::new(LEVEL), true), vec![nodata; TILE], Vec::new()),
                    |(zlib, whole, tile), i| {
                        let (row, col) = ((batch.row + i / across) * TILE, (i % across) * TILE);
                        let width = TILE.min(cols - col);
                        tile.clear();
                        for line in row..row + TILE {
                            whole.fill(nodata);
                            if line < rows {
                                let from = line * cols + col;
                                whole[..width].copy_from_slice(&values[from..from + width]);
                            }
                            T::encode(whole, tile);
                        }
                        deflate(zlib, tile).map(|bytes| framed_tile(&bytes))
                    },
                )
                .collect::<Result<_>>()?;
            for tile in tiles {
                self.file.write_all(&tile)?;
                if let Some(image) = self.images.last_mut() {
                    image.tiles.push((tile.len() - 8) as u32);
                }
            }
        }
        Ok(())
    }

    fn write_to(&mut self, path: &Path) -> Result<()> {
        let head = head(&self.images)
            .ok_or_else(|| std::io::Error::other("more than 4 GiB of compressed pixels in one file"))?;
        let mut out = File::create(path)?;
        out.write_all(&head)?;
        let mut end: u64 = self.images.iter().map(Image::data_len).sum();
        for image in self.images.iter().rev() {
            let length = image.data_len();
            end -= length;
            self.file.seek(SeekFrom::Start(end))?;
            let copied = std::io::copy(&mut Read::by_ref(&mut self.file).take(length), &mut out)?;
            debug_assert_eq!(copied, length);
        }
        out.flush()
    }
}

fn deflate(zlib: &mut Compress, tile: &[u8]) -> Result<Vec<u8>> {
    zlib.reset();
    let mut out = Vec::with_capacity(tile.len() / 4 + 64);
    loop {
        let consumed = zlib.total_in() as usize;
        match zlib.compress_vec(&tile[consumed..], &mut out, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => return Ok(out),
            Ok(_) => out.reserve(tile.len() / 2),
            Err(e) => return Err(std::io::Error::other(e)),
        }
    }
}
