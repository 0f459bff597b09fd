//! A raster with its overviews, read block by block for pictures of its parts.
//!
//! Tiled GeoTIFFs of one band (results, and what GDAL's COG driver writes with deflate) are read
//! directly: the directories are parsed once, blocks are read at their places from one open file by
//! any number of threads, and inflated in one call. Everything else goes through GDAL, a data set a
//! thread, in the same blocks.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gdal::Dataset;
use gdal::raster::{GdalDataType, RasterBand};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tiff::decoder::Decoder;
use tiff::tags::{ByteOrder, Tag};

use super::gdal_setup::{open_raster, reason};
use super::growing::GrowingRaster;
use super::packed_block::{Packing, Sample};
use super::raster_file::{Place, RasterError, RasterFile};
use crate::crs::GeoBox;
use crate::named::named;
use crate::raster::Window;

/// Rows and columns of the pieces that GDAL is asked for.
const PIECE: usize = 512;
/// No block is larger (bytes).
const MAX_BLOCK: usize = 64 << 20;
/// Bytes of a directory's arrays: offsets of a full Sentinel-2 tile are below 1 MiB.
const MAX_ARRAY: usize = 64 << 20;

/// The pixels of a block, row-major.
#[derive(Debug)]
pub enum Block {
    /// Codes and percent.
    Bytes(Vec<u8>),
    /// Everything else.
    Numbers(Vec<f32>),
}

/// The image, or one of its overviews.
#[derive(Debug)]
struct Level {
    rows: usize,
    cols: usize,
    block_rows: usize,
    block_cols: usize,
    /// First byte and length of each block, where they are read directly.
    places: Vec<(u64, u64)>,
}

/// How blocks are read.
enum Way {
    Direct {
        file: File,
        packing: Packing,
    },
    Gdal {
        path: PathBuf,
        bytes: bool,
        idle: Mutex<Vec<Dataset>>,
    },
    /// Read anew each time, as it changes.
    Growing(GrowingRaster),
}

/// An open raster with its overviews.
pub struct Pyramid {
    id: u64,
    /// Shape, transform and CRS of the image.
    pub grid: GeoBox,
    /// The value of pixels without an answer.
    pub nodata: Option<f64>,
    name: String,
    levels: Vec<Level>,
    way: Way,
}

/// Decoded blocks of many rasters, bounded in bytes.
pub struct BlockCache(Cache<(u64, u32, u32), Arc<Block>, Bytes>);

#[derive(Clone)]
struct Bytes;

impl Weighter<(u64, u32, u32), Arc<Block>> for Bytes {
    fn weight(&self, _: &(u64, u32, u32), block: &Arc<Block>) -> u64 {
        64 + match &**block {
            Block::Bytes(v) => v.len() as u64,
            Block::Numbers(v) => 4 * v.len() as u64,
        }
    }
}

impl BlockCache {
    /// A cache of so many bytes.
    pub fn new(bytes: u64) -> Self {
        Self(Cache::with_weighter(1024, bytes, Bytes))
    }

    /// The first of so many names of rasters that nothing else in the cache has.
    pub fn names(count: usize) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        NEXT.fetch_add(count as u64, Ordering::Relaxed)
    }

    /// A block by the name of its raster, its level and its place: kept, or made now, once for all who
    /// ask for it meanwhile.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn get_or<E>(
        &self,
        key: (u64, u32, u32),
        make: impl FnOnce() -> Result<Arc<Block>, E>,
    ) -> Result<Arc<Block>, E> {
        self.0.get_or_insert_with(&key, make)
    }
}

impl Pyramid {
    /// Reads the directories of a local raster.
    ///
    /// # Errors
    /// [`RasterError`] names the file.
    pub fn open(path: &Path) -> Result<Self, RasterError> {
        let place = Place::File(path.to_owned());
        let head = RasterFile::open(&place, None)?;
        let name = named(&path).to_string();
        let fail = |reason: String| RasterError::Open { place: name.clone(), reason };
        let (levels, way) = match direct(path, &head) {
            Some(found) => found,
            None => through_gdal(path).map_err(|e| fail(reason(&e)))?,
        };
        let nodata = head.nodata.first().copied().flatten();
        let id = BlockCache::names(1);
        Ok(Self { id, grid: head.grid, nodata, name, levels, way })
    }

    /// A raster that is written meanwhile.
    pub fn growing(raster: GrowingRaster) -> Self {
        let level =
            |(rows, cols)| Level { rows, cols, block_rows: rows, block_cols: cols, places: Vec::new() };
        Self {
            id: BlockCache::names(1),
            grid: raster.grid().clone(),
            nodata: Some(raster.nodata()),
            name: "a raster that grows".to_owned(),
            levels: raster.shapes().into_iter().map(level).collect(),
            way: Way::Growing(raster),
        }
    }

    /// Image and overviews: 0 is the image.
    pub fn levels(&self) -> usize {
        self.levels.len()
    }

    /// Rows and columns of a level.
    pub fn shape(&self, level: usize) -> (usize, usize) {
        (self.levels[level].rows, self.levels[level].cols)
    }

    /// Whether blocks are bytes.
    pub fn is_bytes(&self) -> bool {
        match &self.way {
            Way::Direct { packing, .. } => packing.sample == Sample::U8,
            Way::Gdal { bytes, .. } => *bytes,
            Way::Growing(raster) => raster.is_bytes(),
        }
    }

    /// Calls `visit` with each block that a window of a level touches: the block, its width, where
    /// the part of it that both share lies in the level, and where the block begins. Blocks that a
    /// sparse file does not hold are left out.
    ///
    /// # Errors
    /// [`RasterError::Pixels`] where a block cannot be decoded.
    pub fn visit(
        &self,
        cache: &BlockCache,
        level: usize,
        window: Window,
        mut visit: impl FnMut(&Block, usize, Window, (usize, usize)),
    ) -> Result<(), RasterError> {
        let shape = &self.levels[level];
        if let Way::Growing(raster) = &self.way {
            let Some(part) =
                window.intersection(Window { row: 0, col: 0, rows: shape.rows, cols: shape.cols })
            else {
                return Ok(());
            };
            let block =
                raster.read(level, part).map_err(|e| self.unread(part.row, part.col, e.to_string()))?;
            visit(&block, part.cols, part, (part.row, part.col));
            return Ok(());
        }
        let across = shape.cols.div_ceil(shape.block_cols);
        let down = window.row / shape.block_rows..(window.row + window.rows).div_ceil(shape.block_rows);
        for block_row in down {
            let along = window.col / shape.block_cols..(window.col + window.cols).div_ceil(shape.block_cols);
            for block_col in along {
                let (row, col) = (block_row * shape.block_rows, block_col * shape.block_cols);
                if row >= shape.rows || col >= shape.cols {
                    continue;
                }
                let here = Window {
                    row,
                    col,
                    rows: shape.block_rows.min(shape.rows - row),
                    cols: shape.block_cols.min(shape.cols - col),
                };
                let index = block_row * across + block_col;
                if shape.places.get(index).is_some_and(|place| place.1 == 0) {
                    continue;
                }
                let Some(part) = here.intersection(window) else { continue };
                let key = (self.id, level as u32, index as u32);
                let block = cache.get_or(key, || self.decode(level, index, here));
                let block = block.map_err(|reason| self.unread(row, col, reason))?;
                // Blocks read directly are whole; GDAL's end with the raster.
                let width = if shape.places.is_empty() { here.cols } else { shape.block_cols };
                visit(&block, width, part, (row, col));
            }
        }
        Ok(())
    }

    fn unread(&self, row: usize, col: usize, reason: String) -> RasterError {
        RasterError::Pixels { place: self.name.clone(), row, col, reason }
    }

    fn decode(&self, level: usize, index: usize, here: Window) -> Result<Arc<Block>, String> {
        let shape = &self.levels[level];
        match &self.way {
            Way::Growing(raster) => raster.read(level, here).map(Arc::new).map_err(|e| e.to_string()),
            Way::Direct { file, packing } => {
                packing.read(file, shape.places[index], (shape.block_rows, shape.block_cols)).map(Arc::new)
            }
            Way::Gdal { path, bytes, idle } => {
                let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let dataset = match taken {
                    Some(dataset) => dataset,
                    None => open_raster(path).map_err(|e| reason(&e))?,
                };
                let block = read_gdal(&dataset, level, here, *bytes).map_err(|e| reason(&e));
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(dataset);
                block.map(Arc::new)
            }
        }
    }
}

fn band_of(dataset: &Dataset, level: usize) -> gdal::errors::Result<RasterBand<'_>> {
    let band = dataset.rasterband(1)?;
    if level == 0 { Ok(band) } else { band.overview(level - 1) }
}

fn read_gdal(dataset: &Dataset, level: usize, here: Window, bytes: bool) -> gdal::errors::Result<Block> {
    let band = band_of(dataset, level)?;
    let (at, size) = ((here.col as isize, here.row as isize), (here.cols, here.rows));
    Ok(if bytes {
        Block::Bytes(band.read_as::<u8>(at, size, size, None)?.into_shape_and_vec().1)
    } else {
        Block::Numbers(band.read_as::<f32>(at, size, size, None)?.into_shape_and_vec().1)
    })
}

fn through_gdal(path: &Path) -> gdal::errors::Result<(Vec<Level>, Way)> {
    let dataset = open_raster(path)?;
    let count = dataset.rasterband(1)?.overview_count()?.max(0) as usize;
    let bytes = dataset.rasterband(1)?.band_type() == GdalDataType::UInt8;
    let mut levels = Vec::new();
    for level in 0..=count {
        let (cols, rows) = band_of(&dataset, level)?.size();
        // Overviews that do not shrink are none.
        if levels.last().is_none_or(|last: &Level| cols < last.cols && cols > 0 && rows > 0) {
            levels.push(Level { rows, cols, block_rows: PIECE, block_cols: PIECE, places: Vec::new() });
        } else {
            break;
        }
    }
    Ok((levels, Way::Gdal { path: path.to_owned(), bytes, idle: Mutex::new(vec![dataset]) }))
}

/// The levels of a file that can be read without GDAL, and how; `None` where it cannot.
fn direct(path: &Path, head: &RasterFile) -> Option<(Vec<Level>, Way)> {
    if head.nodata.len() != 1 {
        return None;
    }
    let mut limits = tiff::decoder::Limits::default();
    limits.ifd_value_size = MAX_ARRAY;
    let buffered = BufReader::new(File::open(path).ok()?);
    let mut decoder = Decoder::new(buffered).ok()?.with_limits(limits);
    if !matches!(decoder.byte_order(), ByteOrder::LittleEndian) {
        return None;
    }
    let mut levels: Vec<Level> = Vec::new();
    let mut packing = None;
    loop {
        let subfile = decoder.find_tag_unsigned::<u32>(Tag::NewSubfileType).ok()?.unwrap_or(0);
        // 1 is a reduced image, 4 a mask: pixels that are hidden by one are read by GDAL.
        if subfile & 4 != 0 {
            return None;
        }
        let (level, here) = directory(&mut decoder)?;
        match (&packing, levels.last()) {
            (None, None) if subfile == 0 => packing = Some(here),
            (Some(known), Some(last)) if subfile == 1 && *known == here && level.cols < last.cols => {}
            _ => return None,
        }
        levels.push(level);
        if !decoder.more_images() {
            break;
        }
        decoder.next_image().ok()?;
    }
    let image = levels.first()?;
    if (image.rows, image.cols) != (head.grid.rows, head.grid.cols) {
        return None;
    }
    Some((levels, Way::Direct { file: File::open(path).ok()?, packing: packing? }))
}

/// One directory of the file: size and places of its blocks, and how they are packed.
fn directory(decoder: &mut Decoder<BufReader<File>>) -> Option<(Level, Packing)> {
    let mut number =
        |tag: Tag, usual: u32| Some(decoder.find_tag_unsigned::<u32>(tag).ok()?.unwrap_or(usual));
    let (cols, rows) = (number(Tag::ImageWidth, 0)? as usize, number(Tag::ImageLength, 0)? as usize);
    let block_cols = number(Tag::TileWidth, 0)? as usize;
    let block_rows = number(Tag::TileLength, 0)? as usize;
    if number(Tag::SamplesPerPixel, 1)? != 1 || cols * rows * block_cols * block_rows == 0 {
        return None;
    }
    let packing = Packing::of(
        number(Tag::Compression, 1)?,
        number(Tag::Predictor, 1)?,
        number(Tag::BitsPerSample, 1)?,
        number(Tag::SampleFormat, 1)?,
    )?;
    if block_rows.saturating_mul(block_cols).saturating_mul(4) > MAX_BLOCK {
        return None;
    }
    let offsets = decoder.get_tag_u64_vec(Tag::TileOffsets).ok()?;
    let counts = decoder.get_tag_u64_vec(Tag::TileByteCounts).ok()?;
    let expected = rows.div_ceil(block_rows) * cols.div_ceil(block_cols);
    if offsets.len() != expected || counts.len() != expected {
        return None;
    }
    let places = offsets.into_iter().zip(counts).collect();
    Some((Level { rows, cols, block_rows, block_cols, places }, packing))
}
