//! Chunks of GeoTIFFs that are deflated, as most are: inflated in one call, their horizontal
//! predictor undone on the way to pixels. docs/decisions/0014-inflating.md says why not by `tiff`.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use libdeflater::Decompressor;

use super::chunks::Samples;
use crate::raster::Window;

/// Where the chunks of a file are, and how they are packed.
#[derive(Debug)]
pub struct Deflated {
    /// Of each chunk: its first byte, and how many.
    pub places: Vec<(u64, u64)>,
    /// Whether each value is stored as its difference from the one before it.
    pub differences: bool,
    /// Whether values are of 16 bits (little-endian), else of 8.
    pub wide: bool,
    /// Columns of a chunk as it is stored.
    pub cols: usize,
    /// Rows of a tile as it is stored; strips have as many as there are left.
    pub rows: Option<usize>,
}

thread_local! {
    static INFLATE: RefCell<(Decompressor, Vec<u8>, Vec<u8>)> =
        RefCell::new((Decompressor::new(), Vec::new(), Vec::new()));
}

impl Deflated {
    /// Reads a chunk whose pixels within the raster are `window`.
    ///
    /// # Errors
    /// A message: the file ends before the chunk does, or it does not inflate to its size.
    pub fn read(&self, file: &mut File, index: usize, window: Window) -> Result<Samples, String> {
        INFLATE.with_borrow_mut(|(inflate, packed, plain)| {
            let (start, bytes) = self.places[index];
            let size = if self.wide { 2 } else { 1 };
            let wanted = self.rows.unwrap_or(window.rows) * self.cols * size;
            // Deflate saves at least nothing: more bytes than that are no chunk.
            if bytes > 2 * wanted as u64 + 1024 {
                return Err(format!("a chunk of {bytes} bytes holds {wanted}"));
            }
            // Before memory is asked for: the table of chunks may say anything.
            let length = file.metadata().map_err(|e| e.to_string())?.len();
            if start.checked_add(bytes).is_none_or(|end| end > length) {
                return Err(format!("the file ends before a chunk of {bytes} bytes at {start}"));
            }
            packed.resize(bytes as usize, 0);
            file.seek(SeekFrom::Start(start)).map_err(|e| e.to_string())?;
            file.read_exact(packed).map_err(|e| e.to_string())?;
            plain.resize(wanted, 0);
            let found = inflate.zlib_decompress(packed, plain).map_err(|e| e.to_string())?;
            if found != wanted {
                return Err(format!("a chunk inflates to {found} bytes, not {wanted}"));
            }
            let rows = plain.chunks_exact(self.cols * size).take(window.rows);
            Ok(if self.wide {
                let pixels = rows.map(|row| &row.as_chunks::<2>().0[..window.cols]);
                let mut values = Vec::with_capacity(window.len());
                for row in pixels {
                    let stored = row.iter().map(|&v| u16::from_le_bytes(v));
                    add_up(stored, self.differences, u16::wrapping_add, &mut values);
                }
                Samples::U16(values)
            } else {
                let mut values = Vec::with_capacity(window.len());
                for row in rows {
                    let stored = row[..window.cols].iter().copied();
                    add_up(stored, self.differences, u8::wrapping_add, &mut values);
                }
                Samples::U8(values)
            })
        })
    }
}

/// The values of a row from what is stored of them.
fn add_up<T: Copy + Default>(
    stored: impl Iterator<Item = T>,
    differences: bool,
    add: impl Fn(T, T) -> T,
    values: &mut Vec<T>,
) {
    if differences {
        let mut sum = T::default();
        values.extend(stored.map(|v| {
            sum = add(sum, v);
            sum
        }));
    } else {
        values.extend(stored);
    }
}
