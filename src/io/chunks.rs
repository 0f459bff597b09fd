//! Decoded pieces of rasters, kept for the blocks that follow, and the readers that decode them.
//!
//! Blocks are read row by row, so a chunk that reaches below one row of blocks is wanted again
//! by the next. A cache bounded in bytes keeps what was used last; a chunk that two threads want
//! at once is decoded by one of them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;
use std::io::BufReader;
use std::sync::{Arc, Mutex, PoisonError};

use gdal::Dataset;
use tiff::decoder::Decoder;

use crate::raster::Window;

/// Values as the file holds them.
#[derive(Debug)]
pub enum Samples {
    /// Bytes.
    U8(Vec<u8>),
    /// 16-bit codes or digital numbers.
    U16(Vec<u16>),
    /// Everything else.
    F32(Vec<f32>),
}

impl Samples {
    /// The value at a position.
    pub fn at(&self, position: usize) -> f32 {
        match self {
            Self::U8(v) => f32::from(v[position]),
            Self::U16(v) => f32::from(v[position]),
            Self::F32(v) => v[position],
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::U16(v) => v.len(),
            Self::F32(v) => v.len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::U16(v) => v.len() * 2,
            Self::F32(v) => v.len() * 4,
        }
    }
}

/// One decoded tile or strip.
#[derive(Debug)]
pub struct Chunk {
    /// Where it lies in the raster.
    pub window: Window,
    /// Its pixels, row-major.
    pub samples: Samples,
}

/// An open file.
pub enum Reader {
    /// Inflated here.
    Deflated(File),
    /// Read by the `tiff` crate.
    Tiff(Box<Decoder<BufReader<File>>>),
    /// Read by GDAL.
    Gdal(Dataset),
}

type Key = (u32, u16, u32);
type Slot = Arc<Mutex<Option<Arc<Chunk>>>>;

#[derive(Default)]
struct Kept {
    slots: HashMap<Key, (Slot, u64)>,
    by_age: BTreeMap<u64, (Key, usize)>,
    clock: u64,
    bytes: usize,
}

/// Chunks and open readers of one cube.
pub struct ChunkCache {
    kept: Mutex<Kept>,
    readers: Mutex<VecDeque<(u32, Reader)>>,
    capacity: usize,
}

/// Files that stay open between reads.
const OPEN_FILES: usize = 192;

impl ChunkCache {
    /// A cache of so many bytes of pixels.
    pub fn new(capacity: usize) -> Self {
        Self { kept: Mutex::default(), readers: Mutex::default(), capacity }
    }

    /// The chunk under a key: from the cache, or decoded, and then kept where `keep` says so.
    pub fn get<E>(
        &self,
        key: Key,
        keep: bool,
        decode: impl FnOnce() -> Result<Chunk, E>,
    ) -> Result<Arc<Chunk>, E> {
        let slot = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.clock += 1;
            let now = kept.clock;
            match kept.slots.get_mut(&key) {
                Some((slot, age)) => {
                    let (slot, was) = (slot.clone(), std::mem::replace(age, now));
                    if let Some(entry) = kept.by_age.remove(&was) {
                        kept.by_age.insert(now, entry);
                    }
                    Some(slot)
                }
                None if keep => {
                    let slot = Slot::default();
                    kept.slots.insert(key, (slot.clone(), now));
                    kept.by_age.insert(now, (key, 0));
                    Some(slot)
                }
                None => None,
            }
        };
        let Some(slot) = slot else { return decode().map(Arc::new) };
        let mut held = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chunk) = &*held {
            return Ok(chunk.clone());
        }
        let chunk = Arc::new(decode()?);
        *held = Some(chunk.clone());
        drop(held);
        self.account(key, chunk.samples.bytes());
        Ok(chunk)
    }

    fn account(&self, key: Key, bytes: usize) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(age) = kept.slots.get(&key).map(|s| s.1) else { return };
        if let Some(entry) = kept.by_age.get_mut(&age) {
            entry.1 = bytes;
        }
        kept.bytes += bytes;
        while kept.bytes > self.capacity {
            // Entries of no bytes are being decoded by another thread.
            let oldest = kept.by_age.iter().find(|(_, e)| e.1 > 0 && e.0 != key).map(|(&age, &e)| (age, e));
            let Some((age, (old, size))) = oldest else { break };
            kept.by_age.remove(&age);
            kept.slots.remove(&old);
            kept.bytes -= size;
        }
    }

    /// An idle reader of a file, if there is one.
    pub fn take_reader(&self, file: u32) -> Option<Reader> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let found = readers.iter().position(|r| r.0 == file)?;
        readers.remove(found).map(|r| r.1)
    }

    /// Gives a reader back for the next read.
    pub fn give_reader(&self, file: u32, reader: Reader) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.push_back((file, reader));
        if readers.len() > OPEN_FILES {
            readers.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_decoded_once_and_the_cache_stays_within_its_bytes() {
        let cache = ChunkCache::new(2500);
        let mut decoded = 0;
        let mut get = |index: u32, keep| {
            let chunk = cache.get::<()>((0, 1, index), keep, || {
                decoded += 1;
                Ok(Chunk { window: Window::whole(10, 50), samples: Samples::U16(vec![1; 500]) })
            });
            assert_eq!(chunk.unwrap().window.len(), 500);
            decoded
        };
        assert_eq!(get(0, true), 1);
        assert_eq!(get(0, true), 1);
        assert_eq!(get(1, true), 2);
        assert_eq!(get(0, true), 2);
        assert_eq!(get(2, true), 3, "pushes out chunk 1, used longest ago");
        assert_eq!(get(0, true), 3);
        assert_eq!(get(1, true), 4);
        assert_eq!(get(7, false), 5);
        assert_eq!(get(7, false), 6, "not kept");
    }
}
