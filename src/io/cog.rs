//! Cloud optimized GeoTIFFs of one byte a pixel: class maps and percent rasters.
//!
//! Blocks arrive in any order and go to an unnamed file beside the result; when all are there,
//! tiles are compressed in parallel, overviews are made (mode for classes, average for percent,
//! each from the level before, nodata left out), and the file is put together in COG order. Memory
//! is the overviews (a third of the map) and a few rows of tiles. Unlike GDAL's COG driver, which
//! can only copy, this writes each pixel once uncompressed and once compressed.
//!
//! The legend stands in the file: a colour table, and band metadata `CLASS_<code>=<name>`. GDAL
//! (before 3.12 altogether) keeps *category names* of a GeoTIFF only in a side file, so a small
//! `.aux.xml` is written too, and a `.qml` for QGIS (see [`super::legend_files`]); without them the
//! names are still in the file.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use flate2::{Compress, Compression, FlushCompress, Status};
use gdal::{Dataset, Metadata};
use rayon::prelude::*;

use super::cog_layout::{Image, Tag, framed_tile, geo_tags, head};
use super::legend_files::{SideFile, escape};
use super::{IoError, gdal_setup};
use crate::classmap::{ClassEntry, Legend};
use crate::crs::GeoBox;
use crate::raster::Window;

/// Pixels along a tile's side.
const TILE: usize = 512;
/// Tiles that are compressed at a time.
const BATCH: usize = 32;
/// Of zlib's levels the last cheap one: 6 takes three times as long for 3 % fewer bytes.
const LEVEL: u32 = 5;

/// What the bytes mean.
#[derive(Clone, Debug, PartialEq)]
pub enum CogKind {
    /// Class codes.
    Classes(Legend),
    /// Percent 0..100, 255 nodata.
    Percent {
        /// What is measured: the band's description.
        label: String,
    },
}

impl CogKind {
    /// The value of pixels without an answer.
    pub fn nodata(&self) -> u8 {
        match self {
            Self::Classes(legend) => legend.nodata,
            Self::Percent { .. } => 255,
        }
    }
}

/// Writes a raster block by block. Pixels that are never written are nodata.
#[derive(Debug)]
pub struct CogWriter {
    path: PathBuf,
    grid: GeoBox,
    kind: CogKind,
    metadata: Vec<(String, String)>,
    geo: Vec<Tag>,
    /// Row-major pixels, each XOR nodata, so that holes of the file are nodata.
    spool: File,
}

impl CogWriter {
    /// Starts a raster that will stand at `path`. `metadata` are items of the file, such as the
    /// method and the sources.
    ///
    /// # Errors
    /// [`IoError::Write`]: no permission, disk full, a CRS that GeoTIFF cannot hold, a grid of no
    /// or of more than 2^32 pixels.
    pub fn create(
        path: &Path,
        grid: &GeoBox,
        kind: CogKind,
        metadata: &[(&str, &str)],
    ) -> Result<Self, IoError> {
        let fail = |reason: &dyn std::fmt::Display| IoError::write(path, reason);
        let pixels = grid.rows as u64 * grid.cols as u64;
        if pixels == 0 || pixels > u64::from(u32::MAX) {
            return Err(fail(&format!("{} x {} pixels do not fit into one file", grid.rows, grid.cols)));
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let spool = tempfile::tempfile_in(folder).map_err(|e| fail(&e))?;
        spool.set_len(pixels).map_err(|e| fail(&e))?;
        Ok(Self {
            path: path.to_owned(),
            grid: grid.clone(),
            geo: geo_tags(grid).map_err(|e| fail(&e))?,
            metadata: metadata.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect(),
            kind,
            spool,
        })
    }

    /// Writes a window, row-major.
    ///
    /// # Errors
    /// [`IoError::Write`]: disk full, or a window that does not fit the grid or the values.
    pub fn write(&mut self, window: Window, values: &[u8]) -> Result<(), IoError> {
        if window.is_empty() {
            return Ok(());
        }
        let inside = window.row + window.rows <= self.grid.rows && window.col + window.cols <= self.grid.cols;
        if !inside || values.len() != window.len() {
            return Err(IoError::write(&self.path, format!("{} values for {window:?}", values.len())));
        }
        let nodata = self.kind.nodata();
        let stored: Vec<u8> = values.iter().map(|v| v ^ nodata).collect();
        // Rows that span the grid lie one behind another.
        let run = if window.cols == self.grid.cols { window.len() } else { window.cols };
        for (row, line) in stored.chunks_exact(run).enumerate() {
            let offset = ((window.row + row) * self.grid.cols + window.col) as u64;
            self.spool.write_all_at(line, offset).map_err(|e| IoError::write(&self.path, e))?;
        }
        Ok(())
    }

    /// Compresses, makes overviews and puts the file together. Returns the files that were
    /// written: the raster, and for classes its side files. Uses the rayon pool it runs in.
    ///
    /// # Errors
    /// [`IoError::Write`]: disk full; nothing is left behind.
    pub fn finish(mut self) -> Result<Vec<PathBuf>, IoError> {
        let written = self.assemble();
        if written.is_err() {
            let _ = std::fs::remove_file(&self.path);
        }
        written.map_err(|e| IoError::write(&self.path, e))
    }

    fn assemble(&mut self) -> std::io::Result<Vec<PathBuf>> {
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut packed = Packed { file: tempfile::tempfile_in(folder)?, images: Vec::new() };
        let (rows, cols) = (self.grid.rows, self.grid.cols);
        let (nodata, average) = (self.kind.nodata(), matches!(self.kind, CogKind::Percent { .. }));

        // The full image by bands of tile rows, then each overview as a whole.
        let band_rows = BATCH.div_ceil(cols.div_ceil(TILE)) * TILE;
        let mut level = Level { rows: rows.div_ceil(2), cols: cols.div_ceil(2), values: Vec::new() };
        let mut band = vec![0; band_rows.min(rows) * cols];
        packed.begin(Vec::new());
        let mut histogram = [0u64; 256];
        for first in (0..rows).step_by(band_rows) {
            let band = &mut band[..band_rows.min(rows - first) * cols];
            self.spool.read_exact_at(band, (first * cols) as u64)?;
            for value in band.iter_mut() {
                *value ^= nodata;
                histogram[usize::from(*value)] += 1;
            }
            packed.add(band, cols, nodata)?;
            level.values.extend(reduce(band, cols, nodata, average));
        }
        drop(band);
        packed.images[0].tags = self.full_tags(&histogram);
        let (mut above_rows, mut above_cols) = (rows, cols);
        while above_rows > TILE || above_cols > TILE {
            let mut tags = self.tags(level.rows, level.cols);
            tags.push(Tag::long(254, &[1])); // a reduced image
            packed.begin(tags);
            packed.add(&level.values, level.cols, nodata)?;
            (above_rows, above_cols) = (level.rows, level.cols);
            level = Level {
                values: reduce(&level.values, level.cols, nodata, average),
                rows: level.rows.div_ceil(2),
                cols: level.cols.div_ceil(2),
            };
        }
        packed.write_to(&self.path)?;

        let mut files = vec![self.path.clone()];
        for side in SideFile::ALL {
            let path = side.path(&self.path);
            if let CogKind::Classes(legend) = &self.kind {
                std::fs::write(&path, side.text(legend))?;
                files.push(path);
            } else if path.exists() {
                // A side file of an earlier raster under this name would speak for this one.
                std::fs::remove_file(&path)?;
            }
        }
        Ok(files)
    }

    /// The tags of the full image, which alone carries the metadata.
    fn full_tags(&self, histogram: &[u64; 256]) -> Vec<Tag> {
        let mut tags = self.tags(self.grid.rows, self.grid.cols);
        tags.push(Tag::text(305, concat!("rededge ", env!("CARGO_PKG_VERSION"))));
        tags.push(Tag::text(42112, &self.metadata_xml(histogram)));
        tags.extend(self.geo.iter().cloned());
        tags
    }

    fn tags(&self, rows: usize, cols: usize) -> Vec<Tag> {
        let mut tags = vec![
            Tag::long(256, &[cols as u32]),
            Tag::long(257, &[rows as u32]),
            Tag::short(258, &[8]),
            Tag::short(259, &[8]), // Adobe deflate
            Tag::short(277, &[1]),
            Tag::short(284, &[1]),
            Tag::long(322, &[TILE as u32]),
            Tag::long(323, &[TILE as u32]),
            Tag::short(339, &[1]),
            Tag::text(42113, &self.kind.nodata().to_string()),
        ];
        match &self.kind {
            CogKind::Percent { .. } => tags.push(Tag::short(262, &[1])),
            CogKind::Classes(legend) => {
                let mut colours = [0u16; 768];
                for class in &legend.classes {
                    for (channel, &value) in class.color.iter().enumerate() {
                        colours[channel * 256 + usize::from(class.code)] = u16::from(value) * 257;
                    }
                }
                tags.push(Tag::short(262, &[3]));
                tags.push(Tag::short(320, &colours));
            }
        }
        tags
    }

    fn metadata_xml(&self, histogram: &[u64; 256]) -> String {
        let mut xml = String::from("<GDALMetadata>\n");
        let mut item = |attributes: &str, value: &str| {
            // GDAL writes and reads values escaped twice.
            let _ = writeln!(xml, "  <Item {attributes}>{}</Item>", escape(&escape(value)));
        };
        for (key, value) in &self.metadata {
            item(&format!("name=\"{}\"", escape(key)), value);
        }
        match &self.kind {
            CogKind::Classes(legend) => {
                item("name=\"DESCRIPTION\" sample=\"0\" role=\"description\"", "class");
                if let Some(note) = legend.note() {
                    item("name=\"NOTE\" sample=\"0\"", note);
                }
                for class in &legend.classes {
                    let pixels = histogram[usize::from(class.code)].to_string();
                    item(&format!("name=\"CLASS_{}\" sample=\"0\"", class.code), &class.name);
                    item(&format!("name=\"PIXELS_{}\" sample=\"0\"", class.code), &pixels);
                }
            }
            CogKind::Percent { label } => {
                item("name=\"DESCRIPTION\" sample=\"0\" role=\"description\"", label);
                item("name=\"UNITTYPE\" sample=\"0\" role=\"unittype\"", "percent");
                for (name, value) in statistics(&histogram[..255]) {
                    item(&format!("name=\"STATISTICS_{name}\" sample=\"0\""), &value.to_string());
                }
            }
        }
        xml.push_str("</GDALMetadata>\n");
        xml
    }
}

/// Statistics by the names that GDAL gives them, of the values 0.. with these counts; none where
/// there is no value. They spare clients a pass over the file.
fn statistics(counts: &[u64]) -> Vec<(&'static str, f64)> {
    let present = || counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(v, &n)| (v as f64, n as f64));
    let total: f64 = present().map(|(_, n)| n).sum();
    let (Some((minimum, _)), Some((maximum, _))) = (present().next(), present().next_back()) else {
        return Vec::new();
    };
    let mean = present().map(|(v, n)| v * n).sum::<f64>() / total;
    let variance = present().map(|(v, n)| (v - mean).powi(2) * n).sum::<f64>() / total;
    vec![("MINIMUM", minimum), ("MAXIMUM", maximum), ("MEAN", mean), ("STDDEV", variance.sqrt())]
}

/// The legend that stands in a raster's file: `CLASS_<code>` items and the colour table. `None`
/// where there are no such items, or the file is no raster.
pub fn read_legend(dataset: &Dataset) -> Option<Legend> {
    let band = dataset.rasterband(1).ok()?;
    let colours = band.color_table();
    let mut classes: Vec<ClassEntry> = band
        .metadata()
        .filter(|m| m.domain.is_empty())
        .filter_map(|m| {
            let code: u8 = m.key.strip_prefix("CLASS_")?.parse().ok()?;
            let colour = colours.as_ref().and_then(|t| t.entry_as_rgb(usize::from(code)));
            let color = colour.map_or([0; 3], |c| [c.r as u8, c.g as u8, c.b as u8]);
            Some(ClassEntry { code, name: m.value, color })
        })
        .collect();
    classes.sort_by_key(|c| c.code);
    let nodata = band.no_data_value().filter(|v| (0.0..=255.0).contains(v)).unwrap_or(0.0) as u8;
    (!classes.is_empty()).then_some(Legend { classes, nodata })
}

/// Opens a raster of this module's kind for reading.
pub(super) fn open(path: &Path) -> Result<Dataset, IoError> {
    gdal_setup::open_raster(path).map_err(|e| IoError::read(path.display().to_string(), e))
}

struct Level {
    rows: usize,
    cols: usize,
    values: Vec<u8>,
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
    fn add(&mut self, values: &[u8], cols: usize, nodata: u8) -> std::io::Result<()> {
        let across = cols.div_ceil(TILE);
        let rows = values.len() / cols;
        let down = rows.div_ceil(TILE);
        for batch in Window::blocks(down, across, BATCH.div_ceil(across), across) {
            let tiles: Vec<Vec<u8>> = (0..batch.len())
                .into_par_iter()
                .map_init(
                    || (Compress::new(Compression::new(LEVEL), true), vec![0u8; TILE * TILE]),
                    |(zlib, tile), i| {
                        let (row, col) = ((batch.row + i / across) * TILE, (i % across) * TILE);
                        let width = TILE.min(cols - col);
                        tile.fill(nodata);
                        for (line, to) in (row..rows.min(row + TILE)).zip(tile.chunks_exact_mut(TILE)) {
                            let from = line * cols + col;
                            to[..width].copy_from_slice(&values[from..from + width]);
                        }
                        deflate(zlib, tile).map(|bytes| framed_tile(&bytes))
                    },
                )
                .collect::<std::io::Result<_>>()?;
            for tile in tiles {
                self.file.write_all(&tile)?;
                if let Some(image) = self.images.last_mut() {
                    image.tiles.push((tile.len() - 8) as u32);
                }
            }
        }
        Ok(())
    }

    fn write_to(&mut self, path: &Path) -> std::io::Result<()> {
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

fn deflate(zlib: &mut Compress, tile: &[u8]) -> std::io::Result<Vec<u8>> {
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

/// Halves rows and columns (the last ones alone where odd): the most frequent class of four
/// pixels (of equals the first in reading order) or their average; nodata only where all are.
fn reduce(values: &[u8], cols: usize, nodata: u8, average: bool) -> Vec<u8> {
    let (rows, half) = (values.len() / cols, cols.div_ceil(2));
    let mut out = vec![0; rows.div_ceil(2) * half];
    out.par_chunks_exact_mut(half).enumerate().for_each(|(row, line)| {
        let upper = &values[2 * row * cols..][..cols];
        let lower = if 2 * row + 1 < rows { &values[(2 * row + 1) * cols..][..cols] } else { upper };
        for (col, to) in line.iter_mut().enumerate() {
            let (a, b) = (2 * col, (2 * col + 1).min(cols - 1));
            let four = [upper[a], upper[b], lower[a], lower[b]];
            *to = if four == [four[0]; 4] {
                four[0]
            } else if average {
                mean(four, nodata)
            } else {
                mode(four, nodata)
            };
        }
    });
    out
}

fn mode(four: [u8; 4], nodata: u8) -> u8 {
    let mut best = (nodata, 0);
    for value in four {
        let count = four.iter().map(|&v| u8::from(v == value)).sum::<u8>();
        if value != nodata && count > best.1 {
            best = (value, count);
        }
    }
    best.0
}

fn mean(four: [u8; 4], nodata: u8) -> u8 {
    let valid = || four.iter().filter(|&&v| v != nodata).map(|&v| u32::from(v));
    match valid().count() as u32 {
        0 => nodata,
        n => ((valid().sum::<u32>() + n / 2) / n) as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::{Affine, Crs};

    fn grid(rows: usize, cols: usize) -> GeoBox {
        GeoBox {
            rows,
            cols,
            affine: Affine::north_up(7e5, 3.09e6, 10.0, 10.0),
            crs: Crs::from_epsg(32649).unwrap(),
        }
    }

    fn codes(rows: usize, cols: usize) -> Vec<u8> {
        (0..rows * cols).map(|i| ((i / cols / 37 + i % cols / 53) % 4) as u8).collect()
    }

    fn write(
        path: &Path,
        grid: &GeoBox,
        kind: CogKind,
        values: &[u8],
        block: (usize, usize),
    ) -> Vec<PathBuf> {
        let mut writer = CogWriter::create(path, grid, kind, &[("METHOD", "a < b & \"c\"")]).unwrap();
        let mut windows: Vec<_> = Window::blocks(grid.rows, grid.cols, block.0, block.1).collect();
        windows.reverse();
        for w in windows {
            let part: Vec<u8> =
                (0..w.len()).map(|i| values[(w.row + i / w.cols) * grid.cols + w.col + i % w.cols]).collect();
            writer.write(w, &part).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn a_class_map_comes_back_with_legend_grid_overviews_and_metadata() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.tif");
        let (grid, values) = (grid(1301, 1777), codes(1301, 1777));
        let files = write(&path, &grid, CogKind::Classes(Legend::rice()), &values, (200, 333));
        assert_eq!(files, ["map.tif", "map.tif.aux.xml", "map.qml"].map(|name| folder.path().join(name)));
        let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().path()).collect();
        left.sort_by_key(|path| files.iter().position(|f| f == path));
        assert_eq!(left, files, "nothing else is left behind");

        // Without the side files: what is in the file itself.
        files[1..].iter().for_each(|side| std::fs::remove_file(side).unwrap());
        let dataset = open(&path).unwrap();
        assert_eq!(read_legend(&dataset), Some(Legend::rice()));
        assert_eq!(dataset.geo_transform().unwrap(), grid.affine.0);
        assert_eq!(Crs::from_spatial_ref(&dataset.spatial_ref().unwrap()).unwrap(), grid.crs);
        assert_eq!(dataset.metadata_item("METHOD", ""), Some("a < b & \"c\"".to_owned()));
        assert_eq!(dataset.metadata_item("LAYOUT", "IMAGE_STRUCTURE"), Some("COG".to_owned()));
        let band = dataset.rasterband(1).unwrap();
        assert_eq!(band.description().unwrap(), "class");
        assert_eq!(band.no_data_value(), Some(0.0));
        assert_eq!(band.block_size(), (512, 512));
        assert_eq!(band.read_band_as::<u8>().unwrap().data(), values);
        assert_eq!(band.overview_count().unwrap(), 2);
        let half = band.overview(0).unwrap().read_band_as::<u8>().unwrap();
        assert_eq!(half.shape(), (889, 651));
        assert_eq!(half.data(), reduce(&values, 1777, 0, false));
    }

    #[test]
    fn the_bytes_do_not_depend_on_blocks_or_threads() {
        let folder = tempfile::tempdir().unwrap();
        let (grid, values) = (grid(700, 600), codes(700, 600));
        let percent = || CogKind::Percent { label: "confidence".to_owned() };
        let paths = ["a.tif", "b.tif"].map(|n| folder.path().join(n));
        write(&paths[0], &grid, percent(), &values, (700, 600));
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        one.install(|| write(&paths[1], &grid, percent(), &values, (64, 64)));
        let [a, b] = paths.map(|p| std::fs::read(p).unwrap());
        assert!(a == b);
    }

    #[test]
    fn pixels_never_written_are_nodata() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stress.tif");
        let mut writer =
            CogWriter::create(&path, &grid(90, 80), CogKind::Classes(Legend::stress()), &[]).unwrap();
        writer.write(Window { row: 10, col: 10, rows: 2, cols: 3 }, &[0, 1, 2, 2, 1, 0]).unwrap();
        assert!(writer.write(Window { row: 89, col: 0, rows: 2, cols: 1 }, &[1, 1]).is_err());
        writer.finish().unwrap();
        let dataset = open(&path).unwrap();
        assert_eq!(read_legend(&dataset), Some(Legend::stress()));
        let values = dataset.rasterband(1).unwrap().read_band_as::<u8>().unwrap();
        assert_eq!(values.data()[10 * 80 + 10..][..3], [0, 1, 2]);
        assert_eq!(values.data().iter().map(|&v| usize::from(v == 255)).sum::<usize>(), 90 * 80 - 6);
    }

    #[test]
    fn overviews_take_the_most_frequent_class_or_the_mean_of_what_is_there() {
        assert_eq!(mode([1, 2, 2, 3], 0), 2);
        assert_eq!(mode([0, 0, 0, 3], 0), 3);
        assert_eq!(mode([3, 1, 1, 3], 0), 3);
        assert_eq!(mode([0; 4], 0), 0);
        assert_eq!(mean([10, 20, 255, 255], 255), 15);
        assert_eq!(mean([255; 4], 255), 255);
        assert_eq!(reduce(&[1, 1, 2, 1, 1, 2, 3, 3, 3], 3, 0, false), [1, 2, 3, 3]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let path = Path::new("/nonexistent-folder/map.tif");
        let error = CogWriter::create(path, &grid(9, 9), CogKind::Classes(Legend::rice()), &[]).unwrap_err();
        assert!(error.to_string().contains("/nonexistent-folder/map.tif"), "{error}");
    }
}
