//! Blocks of tiled GeoTIFFs as they are packed: deflate or nothing, with any of TIFF's predictors.
//! Read at their place from a file that threads share.

use std::cell::RefCell;
use std::fs::File;

use libdeflater::Decompressor;

use super::pyramid::Block;

/// What a pixel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// A byte.
    U8,
    /// A 16-bit number.
    U16,
    /// A number of 32 bits with a fraction.
    F32,
}

/// How a file packs its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// What a pixel is.
    pub sample: Sample,
    deflated: bool,
    predictor: u32,
}

thread_local! {
    static INFLATE: RefCell<(Decompressor, Vec<u8>, Vec<u8>)> =
        RefCell::new((Decompressor::new(), Vec::new(), Vec::new()));
}

impl Packing {
    /// By the numbers of TIFF's tags; `None` for one that is not read here.
    pub fn of(compression: u32, predictor: u32, bits: u32, format: u32) -> Option<Self> {
        let sample = match (bits, format) {
            (8, 1) => Sample::U8,
            (16, 1) => Sample::U16,
            (32, 3) => Sample::F32,
            _ => return None,
        };
        let deflated = match compression {
            1 => false,
            8 | 32946 => true,
            _ => return None,
        };
        let fits = match predictor {
            1 => true,
            2 => sample != Sample::F32,
            3 => sample == Sample::F32,
            _ => false,
        };
        // Without compression a predictor is not looked at, by no reader alike.
        (fits && (deflated || predictor == 1)).then_some(Self { sample, deflated, predictor })
    }

    fn size(self) -> usize {
        match self.sample {
            Sample::U8 => 1,
            Sample::U16 => 2,
            Sample::F32 => 4,
        }
    }

    /// Reads a block of so many rows and columns.
    ///
    /// # Errors
    /// A message: the file ends before the block does, or it does not inflate to its size.
    pub fn read(
        self,
        file: &File,
        (start, bytes): (u64, u64),
        (rows, cols): (usize, usize),
    ) -> Result<Block, String> {
        let wanted = rows * cols * self.size();
        // Deflate saves at least nothing: more bytes than that are no block.
        if bytes > 2 * wanted as u64 + 1024 || (!self.deflated && bytes < wanted as u64) {
            return Err(format!("a block of {bytes} bytes holds {wanted}"));
        }
        INFLATE.with_borrow_mut(|(inflate, packed, plain)| {
            packed.resize(bytes as usize, 0);
            read_at(file, packed, start).map_err(|e| e.to_string())?;
            if self.deflated {
                plain.resize(wanted, 0);
                let found = inflate.zlib_decompress(packed, plain).map_err(|e| e.to_string())?;
                if found != wanted {
                    return Err(format!("a block inflates to {found} bytes, not {wanted}"));
                }
                Ok(self.values(plain, cols))
            } else {
                Ok(self.values(&mut packed[..wanted], cols))
            }
        })
    }

    /// Pixels from bytes, their predictor undone.
    fn values(self, plain: &mut [u8], cols: usize) -> Block {
        match self.sample {
            Sample::U8 => {
                if self.predictor == 2 {
                    for row in plain.chunks_exact_mut(cols) {
                        add_up(row, 1);
                    }
                }
                Block::Bytes(plain.to_vec())
            }
            Sample::U16 => {
                let mut values = Vec::with_capacity(plain.len() / 2);
                for row in plain.chunks_exact(cols * 2) {
                    let stored = row.as_chunks::<2>().0.iter().map(|&v| u16::from_le_bytes(v));
                    if self.predictor == 2 {
                        let mut sum = 0u16;
                        values.extend(stored.map(|v| {
                            sum = sum.wrapping_add(v);
                            f32::from(sum)
                        }));
                    } else {
                        values.extend(stored.map(f32::from));
                    }
                }
                Block::Numbers(values)
            }
            Sample::F32 if self.predictor == 3 => {
                let mut values = Vec::with_capacity(plain.len() / 4);
                for row in plain.chunks_exact_mut(cols * 4) {
                    add_up(row, 1);
                    // Bytes stand by significance, the greatest first.
                    let (a, rest) = row.split_at(cols);
                    let (b, rest) = rest.split_at(cols);
                    let (c, d) = rest.split_at(cols);
                    values.extend((0..cols).map(|k| f32::from_be_bytes([a[k], b[k], c[k], d[k]])));
                }
                Block::Numbers(values)
            }
            Sample::F32 => {
                Block::Numbers(plain.as_chunks::<4>().0.iter().map(|&v| f32::from_le_bytes(v)).collect())
            }
        }
    }
}

/// Bytes from their differences to those `step` before them.
fn add_up(row: &mut [u8], step: usize) {
    for k in step..row.len() {
        row[k] = row[k].wrapping_add(row[k - step]);
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], start: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, start)
}

#[cfg(windows)]
fn read_at(file: &File, mut into: &mut [u8], mut start: u64) -> std::io::Result<()> {
    while !into.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, into, start)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        (into, start) = (&mut into[count..], start + count as u64);
    }
    Ok(())
}
