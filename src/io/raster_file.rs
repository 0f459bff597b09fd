//! One raster on disk, in an archive or behind a link, read chunk by chunk.
//!
//! Local GeoTIFFs of one band of bytes or 16-bit numbers are decoded by the `tiff` crate without
//! locks or a global cache; absent chunks of sparse files cost nothing. Everything else (JPEG
//! 2000, links, archives, several bands, floats, masks) is read by GDAL.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use gdal::raster::{ColorInterpretation, GdalDataType, RasterBand};
use gdal::{Dataset, Metadata};
use tiff::ColorType;
use tiff::decoder::{ChunkType, Decoder, DecodingResult, Limits};
use tiff::tags::{ByteOrder, Tag};

use super::chunks::{Chunk, ChunkCache, Reader, Samples};
use super::deflated::Deflated;
use super::gdal_setup::{open_level, reason};
use crate::crs::{Affine, Crs, GeoBox};
use crate::named::named;
use crate::raster::Window;

/// Chunks are decoded whole, so larger ones than this are refused (bytes).
const MAX_CHUNK: usize = 1 << 30;
/// Strips of few rows are read so many at a time through GDAL.
const STRIP_ROWS: usize = 256;

/// Where a raster is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A local file.
    File(PathBuf),
    /// An http(s) link.
    Link(String),
    /// A file in a local zip archive.
    Zipped(PathBuf, String),
}

impl Place {
    /// The path that GDAL opens.
    pub fn gdal_path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Link(link) => PathBuf::from(format!("/vsicurl/{link}")),
            Self::Zipped(zip, inner) => PathBuf::from(format!("/vsizip/{{{}}}/{inner}", zip.display())),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", named(&path)),
            // A query may carry a signature that is nobody else's business.
            Self::Link(link) => f.write_str(link.split('?').next().unwrap_or(link)),
            Self::Zipped(zip, inner) => write!(f, "{} in {}", inner, named(&zip)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum SampleType {
    U8,
    U16,
    F32,
}

/// The header of a raster and the way its pixels are read.
#[derive(Debug)]
pub struct RasterFile {
    id: u32,
    place: Place,
    /// Which of its overviews this is; none where it is the image.
    overview: Option<usize>,
    /// Shape, transform and CRS.
    pub grid: GeoBox,
    /// Nodata value of each band.
    pub nodata: Vec<Option<f64>>,
    /// Scale and offset of each band, where the file states them.
    pub calibration: Vec<Option<(f64, f64)>>,
    /// Description of each band (empty where there is none).
    pub descriptions: Vec<String>,
    /// Whether values are floating point numbers.
    pub floating: bool,
    sample_type: SampleType,
    /// Whether a mask or alpha band says which pixels are missing: they are read as NaN.
    masked: bool,
    chunk_rows: usize,
    chunk_cols: usize,
    /// How it is read.
    way: Way,
    /// Which chunks are in the file, where that is known; absent ones are nodata.
    present: Option<Vec<bool>>,
}

/// How a file's chunks are read.
#[derive(Debug)]
enum Way {
    /// Inflated here.
    Deflated(Deflated),
    /// By the `tiff` crate.
    Tiff,
    /// By GDAL.
    Gdal,
}

/// Header of a raster without a usable CRS.
#[derive(Debug, thiserror::Error)]
pub enum RasterError {
    /// GDAL could not open it.
    #[error("{place}: cannot be read as GeoTIFF or JPEG 2000: {reason}")]
    Open {
        /// The raster.
        place: String,
        /// What GDAL says.
        reason: String,
    },
    /// No CRS or no geotransform.
    #[error("{place}: has no {what}, so its pixels have no place on the ground")]
    NoPlace {
        /// The raster.
        place: String,
        /// What is missing.
        what: &'static str,
    },
    /// Pixels that cannot be decoded.
    #[error(
        "{place}: pixels at row {row}, column {col} cannot be read (truncated or damaged file?): {reason}"
    )]
    Pixels {
        /// The raster.
        place: String,
        /// First row of the chunk.
        row: usize,
        /// First column of the chunk.
        col: usize,
        /// What the decoder says.
        reason: String,
    },
}

impl RasterFile {
    /// Reads the header.
    ///
    /// # Errors
    /// [`RasterError::Open`] and [`RasterError::NoPlace`]; `crs` stands in for a missing CRS.
    pub fn open(place: &Place, crs: Option<&Crs>) -> Result<Self, RasterError> {
        Self::open_level(place, crs, None)
    }

    /// Columns of its overviews, in their order.
    ///
    /// # Errors
    /// [`RasterError::Open`].
    pub fn overviews(&self) -> Result<Vec<usize>, RasterError> {
        let list = || -> gdal::errors::Result<Vec<usize>> {
            let dataset = open_level(&self.place.gdal_path(), None)?;
            let band = dataset.rasterband(1)?;
            (0..band.overview_count()?.max(0) as usize).map(|k| Ok(band.overview(k)?.size().0)).collect()
        };
        list().map_err(|e| RasterError::Open { place: self.place.to_string(), reason: reason(&e) })
    }

    /// One of its overviews as a raster of its own.
    ///
    /// # Errors
    /// As [`RasterFile::open`].
    pub fn overview(&self, overview: usize) -> Result<Self, RasterError> {
        let level = Self::open_level(&self.place, Some(&self.grid.crs), Some(overview))?;
        // What the bands state stands in the image, and not always in its overviews.
        Ok(Self { calibration: self.calibration.clone(), nodata: self.nodata.clone(), ..level })
    }

    fn open_level(place: &Place, crs: Option<&Crs>, overview: Option<usize>) -> Result<Self, RasterError> {
        static IDS: AtomicU32 = AtomicU32::new(0);
        let name = place.to_string();
        let fail = |reason: String| RasterError::Open { place: name.clone(), reason };
        let dataset = open_level(&place.gdal_path(), overview).map_err(|e| fail(reason(&e)))?;
        let (cols, rows) = dataset.raster_size();
        if rows == 0 || cols == 0 || dataset.raster_count() == 0 {
            return Err(fail("no pixels".to_owned()));
        }
        let no_place = |what| RasterError::NoPlace { place: name.clone(), what };
        let affine = Affine(dataset.geo_transform().map_err(|_| no_place("geotransform"))?);
        if affine.invert(0.0, 0.0).is_none() {
            return Err(no_place("usable geotransform"));
        }
        let crs = match dataset.spatial_ref().ok().and_then(|s| Crs::from_spatial_ref(&s).ok()) {
            Some(own) if !own.wkt().is_empty() && !own.wkt().starts_with("LOCAL_CS") => own,
            _ => crs.cloned().ok_or_else(|| no_place("coordinate reference system"))?,
        };
        let mut nodata = Vec::new();
        let mut calibration = Vec::new();
        let mut descriptions = Vec::new();
        let mut sample_type = SampleType::U8;
        let (mut floating, mut masked, mut block) = (false, false, (1, 1));
        for (i, band) in dataset.rasterbands().enumerate() {
            let band = band.map_err(|e| fail(reason(&e)))?;
            let data_type = band.band_type();
            if i > 0 && matches!(band.color_interpretation(), ColorInterpretation::AlphaBand) {
                continue; // the mask of the bands before it
            }
            nodata.push(band.no_data_value());
            calibration.push(stated_calibration(&band));
            masked |= band.mask_flags().is_ok_and(|f| f.is_per_dataset() && !f.is_all_valid());
            descriptions.push(band.description().unwrap_or_default());
            let this = match data_type {
                GdalDataType::UInt8 => SampleType::U8,
                GdalDataType::UInt16 => SampleType::U16,
                _ => SampleType::F32,
            };
            floating |= data_type.is_floating();
            if i == 0 {
                (sample_type, block) = (this, band.block_size());
            } else if this != sample_type {
                sample_type = SampleType::F32;
            }
        }
        if masked {
            sample_type = SampleType::F32;
        }
        let (chunk_cols, mut chunk_rows) = (block.0.clamp(1, cols), block.1.clamp(1, rows));
        let mut file = Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            place: place.clone(),
            overview,
            grid: GeoBox { rows, cols, affine, crs },
            nodata,
            calibration,
            descriptions,
            floating,
            sample_type,
            masked,
            chunk_rows,
            chunk_cols: block.0.clamp(1, cols.max(block.0)),
            way: Way::Gdal,
            present: None,
        };
        file.chunk_rows = block.1.max(1);
        if let Some((way, present)) = file.direct_way() {
            file.way = way;
            file.present = Some(present);
        } else {
            if chunk_cols == cols && chunk_rows < STRIP_ROWS {
                chunk_rows = (STRIP_ROWS / chunk_rows) * chunk_rows;
            }
            (file.chunk_rows, file.chunk_cols) = (chunk_rows, chunk_cols);
        }
        if file.chunk_rows.saturating_mul(file.chunk_cols).saturating_mul(4) > MAX_CHUNK {
            return Err(fail(
                "it is one piece too large to decode; rewrite it with tiles (gdal_translate -of COG)"
                    .to_owned(),
            ));
        }
        Ok(file)
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    fn local(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            _ => None,
        }
    }

    /// How the file can be read without GDAL, where the `tiff` crate sees it as GDAL does, and
    /// which of its chunks exist.
    fn direct_way(&self) -> Option<(Way, Vec<bool>)> {
        if self.nodata.len() != 1 || self.sample_type == SampleType::F32 || self.overview.is_some() {
            return None;
        }
        let mut decoder = open_tiff(self.local()?).ok()?;
        let bits = if self.sample_type == SampleType::U8 { 8 } else { 16 };
        if decoder.dimensions().ok()? != (self.grid.cols as u32, self.grid.rows as u32)
            || decoder.colortype().ok()? != ColorType::Gray(bits)
            || decoder.chunk_dimensions() != (self.chunk_cols as u32, self.chunk_rows as u32)
            || decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation).ok()? != Some(1)
        {
            return None;
        }
        let compression = decoder.find_tag_unsigned::<u16>(Tag::Compression).ok()?;
        // none, LZW, deflate (both codes), ZSTD
        if !matches!(compression, None | Some(1 | 5 | 8 | 32946 | 50000)) {
            return None;
        }
        let tiled = decoder.get_chunk_type() == ChunkType::Tile;
        let (offsets, counts) = if tiled {
            (Tag::TileOffsets, Tag::TileByteCounts)
        } else {
            (Tag::StripOffsets, Tag::StripByteCounts)
        };
        let offsets = decoder.get_tag_u64_vec(offsets).ok()?;
        let counts = decoder.get_tag_u64_vec(counts).ok()?;
        let expected = self.grid.rows.div_ceil(self.chunk_rows) * self.grid.cols.div_ceil(self.chunk_cols);
        if offsets.len() != expected || counts.len() != expected {
            return None;
        }
        let present = offsets.iter().map(|&o| o != 0).collect();
        let predictor = decoder.find_tag_unsigned::<u16>(Tag::Predictor).ok()?.unwrap_or(1);
        let order = matches!(decoder.byte_order(), ByteOrder::LittleEndian) || bits == 8;
        let deflated = matches!(compression, Some(8 | 32946)) && matches!(predictor, 1 | 2) && order;
        let way = if deflated {
            Way::Deflated(Deflated {
                places: offsets.into_iter().zip(counts).collect(),
                differences: predictor == 2,
                wide: bits == 16,
                cols: self.chunk_cols,
                rows: tiled.then_some(self.chunk_rows),
            })
        } else {
            Way::Tiff
        };
        Some((way, present))
    }

    /// Rows and columns of the pieces it is stored in.
    pub fn chunk_shape(&self) -> (usize, usize) {
        (self.chunk_rows, self.chunk_cols)
    }

    /// Bytes of one row of decoded chunks, absent ones left out.
    pub fn row_bytes(&self) -> usize {
        let size = match self.sample_type {
            SampleType::U8 => 1,
            SampleType::U16 => 2,
            SampleType::F32 => 4,
        };
        let whole = self.chunk_rows.min(self.grid.rows) * self.grid.cols * size;
        self.present.as_ref().map_or(whole, |p| {
            let share = p.iter().filter(|&&there| there).count() as f64 / p.len().max(1) as f64;
            (whole as f64 * share) as usize
        })
    }

    /// The chunks that a window touches: index and window.
    fn chunks(&self, window: Window) -> impl Iterator<Item = (usize, Window)> + use<> {
        let (rows, cols) = (self.grid.rows, self.grid.cols);
        let (height, width) = (self.chunk_rows, self.chunk_cols);
        let across = cols.div_ceil(width);
        let down = window.row / height..(window.row + window.rows).div_ceil(height);
        let along = window.col / width..(window.col + window.cols).div_ceil(width);
        down.flat_map(move |r| {
            along.clone().map(move |c| {
                let chunk = Window {
                    row: r * height,
                    col: c * width,
                    rows: height.min(rows - r * height),
                    cols: width.min(cols - c * width),
                };
                (r * across + c, chunk)
            })
        })
    }

    /// The parts of the pieces in the file that lie in a window.
    pub fn stored_pieces(&self, window: Window) -> Vec<Window> {
        let there = self.chunks(window).filter(|(index, _)| self.is_present(*index));
        there.filter_map(|(_, chunk)| chunk.intersection(window)).collect()
    }

    fn is_present(&self, chunk: usize) -> bool {
        self.present.as_ref().is_none_or(|p| p[chunk])
    }

    /// Whether any chunk of a window is in the file.
    pub fn any_present(&self, window: Window) -> bool {
        self.present.is_none() || self.chunks(window).any(|(index, _)| self.is_present(index))
    }

    /// Whether every chunk of a window is in the file.
    pub fn all_present(&self, window: Window) -> bool {
        self.present.is_none() || self.chunks(window).all(|(index, _)| self.is_present(index))
    }

    /// Calls `visit` with each chunk that a window touches and the part that both share (in
    /// pixels of the raster). Absent chunks are left out. `keep` decoded chunks for later blocks
    /// even where the window covers them whole.
    ///
    /// # Errors
    /// [`RasterError::Pixels`] where a chunk cannot be decoded.
    pub fn visit(
        &self,
        cache: &ChunkCache,
        band: usize,
        window: Window,
        keep: bool,
        mut visit: impl FnMut(&Chunk, Window),
    ) -> Result<(), RasterError> {
        let mut reader = None;
        let mut result = Ok(());
        for (index, place) in self.chunks(window).filter(|c| self.is_present(c.0)) {
            let Some(part) = place.intersection(window) else { continue };
            let chunk = cache.get((self.id, band as u16, index as u32), keep || part != place, || {
                let reader = match &mut reader {
                    Some(reader) => reader,
                    none => none.insert(match cache.take_reader(self.id) {
                        Some(idle) => idle,
                        None => self.reader()?,
                    }),
                };
                self.decode(reader, band, index, place)
            });
            match chunk {
                Ok(chunk) => visit(&chunk, part),
                Err(reason) => {
                    result = Err(RasterError::Pixels {
                        place: self.place.to_string(),
                        row: place.row,
                        col: place.col,
                        reason,
                    });
                    break;
                }
            }
        }
        if let Some(reader) = reader {
            cache.give_reader(self.id, reader);
        }
        result
    }

    fn reader(&self) -> Result<Reader, String> {
        match (&self.way, self.local()) {
            (Way::Deflated(_), Some(path)) => {
                File::open(path).map(Reader::Deflated).map_err(|e| e.to_string())
            }
            (Way::Tiff, Some(path)) => open_tiff(path).map(|d| Reader::Tiff(Box::new(d))),
            _ => {
                let opened = open_level(&self.place.gdal_path(), self.overview);
                opened.map(Reader::Gdal).map_err(|e| reason(&e))
            }
        }
    }

    fn decode(
        &self,
        reader: &mut Reader,
        band: usize,
        index: usize,
        window: Window,
    ) -> Result<Chunk, String> {
        let samples = match reader {
            Reader::Deflated(file) => match &self.way {
                Way::Deflated(deflated) => deflated.read(file, index, window)?,
                Way::Tiff | Way::Gdal => return Err("another kind of file".to_owned()),
            },
            Reader::Tiff(decoder) => match decoder.read_chunk(index as u32).map_err(|e| e.to_string())? {
                DecodingResult::U8(values) => Samples::U8(values),
                DecodingResult::U16(values) => Samples::U16(values),
                _ => return Err("unexpected sample type".to_owned()),
            },
            Reader::Gdal(dataset) => {
                read_gdal(dataset, band, window, self.sample_type, self.masked).map_err(|e| reason(&e))?
            }
        };
        if samples.len() == window.len() {
            Ok(Chunk { window, samples })
        } else {
            Err("unexpected chunk size".to_owned())
        }
    }
}

fn open_tiff(path: &Path) -> Result<Decoder<BufReader<File>>, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_CHUNK;
    // Offsets of the chunks of a large raster are more than the default of 1 MiB.
    limits.ifd_value_size = 64 << 20;
    let decoder = Decoder::new(BufReader::with_capacity(1 << 16, file)).map_err(|e| e.to_string())?;
    Ok(decoder.with_limits(limits))
}

fn read_gdal(
    dataset: &Dataset,
    band: usize,
    window: Window,
    sample_type: SampleType,
    masked: bool,
) -> Result<Samples, gdal::errors::GdalError> {
    let band = dataset.rasterband(band)?;
    let origin = (window.col as isize, window.row as isize);
    let size = (window.cols, window.rows);
    Ok(match sample_type {
        SampleType::U8 => Samples::U8(band.read_as::<u8>(origin, size, size, None)?.into_shape_and_vec().1),
        SampleType::U16 => {
            Samples::U16(band.read_as::<u16>(origin, size, size, None)?.into_shape_and_vec().1)
        }
        SampleType::F32 => {
            let mut values = band.read_as::<f32>(origin, size, size, None)?.into_shape_and_vec().1;
            if masked {
                let mask = band.open_mask_band()?.read_as::<u8>(origin, size, size, None)?;
                for (value, &valid) in values.iter_mut().zip(mask.data()) {
                    *value = if valid == 0 { f32::NAN } else { *value };
                }
            }
            Samples::F32(values)
        }
    })
}

/// Scale and offset as the band states them; of either alone, the other is 1 or 0.
fn stated_calibration(band: &RasterBand) -> Option<(f64, f64)> {
    let stated = |value: Option<f64>| value.filter(|v| v.is_finite());
    match (stated(band.scale()), stated(band.offset())) {
        (None, None) => None,
        (scale, offset) => Some((scale.unwrap_or(1.0), offset.unwrap_or(0.0))),
    }
}
