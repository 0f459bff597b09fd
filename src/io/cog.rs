//! Cloud optimized GeoTIFFs of one byte a pixel: class maps and percent rasters.
//!
//! Blocks arrive in any order and go to an unnamed file beside the result ([`super::spool`]); when
//! all are there, tiles are compressed and overviews made (mode for classes, average for percent,
//! nodata left out; [`super::cog_tiles`]). Unlike GDAL's COG driver, which can only copy, this
//! writes each pixel once uncompressed and once compressed. Numbers: [`super::cog_values`].
//!
//! The legend stands in the file: a colour table, and band metadata `CLASS_<code>=<name>`. GDAL
//! (before 3.12 altogether) keeps *category names* of a GeoTIFF only in a side file, so a small
//! `.aux.xml` is written too, and a `.qml` for QGIS (see [`super::legend_files`]); without them the
//! names are still in the file.

use std::path::{Path, PathBuf};

use gdal::{Dataset, Metadata};

use super::cog_layout::{Tag, geo_tags};
use super::cog_tiles::{self, Source};
use super::cog_values::Statistics;
use super::growing::GrowingRaster;
use super::legend_files::{SideFile, metadata_xml};
use super::spool::Spool;
use super::{IoError, gdal_setup};
use crate::classmap::{ClassEntry, Legend, percent_style};
use crate::crs::GeoBox;
use crate::named::named;
use crate::raster::Window;
use crate::style::{Style, escape};

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
    /// Pixels XOR nodata, so that what was never written is nodata.
    spool: Spool,
    /// Pixels by value.
    histogram: Vec<u64>,
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
        Ok(Self {
            path: path.to_owned(),
            grid: grid.clone(),
            spool: Spool::create(path, grid, 1).map_err(|e| fail(&e))?,
            geo: geo_tags(grid).map_err(|e| fail(&e))?,
            metadata: metadata.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect(),
            kind,
            histogram: vec![0; 256],
        })
    }

    /// Writes a window, row-major.
    ///
    /// # Errors
    /// [`IoError::Write`]: disk full, or a window that does not fit the grid or the values.
    pub fn write(&mut self, window: Window, values: &[u8]) -> Result<(), IoError> {
        let nodata = self.kind.nodata();
        let stored: Vec<u8> = values.iter().map(|v| v ^ nodata).collect();
        self.spool.write(window, &stored).map_err(|e| IoError::write(&self.path, e))
    }

    /// What is written so far, for others to look at.
    pub fn growing(&self) -> GrowingRaster {
        GrowingRaster::of_bytes(self.grid.clone(), self.spool.clone(), self.kind.nodata())
    }

    /// Compresses, makes overviews and puts the file together. Returns the files that were
    /// written: the raster and its side files. Uses the rayon pool it runs in.
    ///
    /// # Errors
    /// [`IoError::Write`]: disk full; nothing is left behind.
    pub fn finish(mut self) -> Result<Vec<PathBuf>, IoError> {
        let path = self.path.clone();
        let written = cog_tiles::write(&path, &mut self).and_then(|()| self.side_files());
        if written.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        written.map_err(|e| IoError::write(&path, e))
    }

    fn side_files(&self) -> std::io::Result<Vec<PathBuf>> {
        let mut files = vec![self.path.clone()];
        for side in SideFile::ALL {
            let path = side.path(&self.path);
            let text = match (&self.kind, side) {
                (CogKind::Classes(legend), side) => Some(side.text(legend)),
                (CogKind::Percent { label }, SideFile::Style) => {
                    Style::find(percent_style(label)).map(|style| style.qml())
                }
                (CogKind::Percent { .. }, SideFile::Categories) => None,
            };
            if let Some(text) = text {
                std::fs::write(&path, text)?;
                files.push(path);
            } else if path.exists() {
                // A side file of an earlier raster under this name would speak for this one.
                std::fs::remove_file(&path)?;
            }
        }
        Ok(files)
    }

    /// Items of the file and of the band, by their attributes.
    fn items(&self) -> Vec<(String, String)> {
        let mut items: Vec<(String, String)> = Vec::new();
        let mut item = |attributes: String, value: &str| items.push((attributes, value.to_owned()));
        for (key, value) in &self.metadata {
            item(format!("name=\"{}\"", escape(key)), value);
        }
        let band = |name: &str| format!("name=\"{name}\" sample=\"0\"");
        let role = |name: &str, role: &str| format!("{} role=\"{role}\"", band(name));
        match &self.kind {
            CogKind::Classes(legend) => {
                item(role("DESCRIPTION", "description"), "class");
                if let Some(note) = legend.note() {
                    item(band("NOTE"), note);
                }
                for class in &legend.classes {
                    let pixels = self.histogram[usize::from(class.code)].to_string();
                    item(band(&format!("CLASS_{}", class.code)), &class.name);
                    item(band(&format!("PIXELS_{}", class.code)), &pixels);
                }
                if !legend.rice.is_empty() {
                    let codes: Vec<String> = legend.rice.iter().map(ToString::to_string).collect();
                    item(band("RICE_CLASSES"), &codes.join(" "));
                }
            }
            CogKind::Percent { label } => {
                item(role("DESCRIPTION", "description"), label);
                item(role("UNITTYPE", "unittype"), "percent");
                for (name, value) in statistics(&self.histogram[..255]) {
                    item(band(&format!("STATISTICS_{name}")), &value.to_string());
                }
            }
        }
        items
    }
}

impl Source<u8> for CogWriter {
    fn shape(&self) -> (usize, usize) {
        (self.grid.rows, self.grid.cols)
    }

    fn nodata(&self) -> u8 {
        self.kind.nodata()
    }

    fn read(&mut self, first: usize, rows: &mut [u8]) -> std::io::Result<()> {
        self.spool.read(first, rows)?;
        let nodata = self.kind.nodata();
        for value in rows {
            *value ^= nodata;
            self.histogram[usize::from(*value)] += 1;
        }
        Ok(())
    }

    /// The most frequent class of four pixels (of equals the first in reading order) or their
    /// average; nodata only where all are.
    fn reduce(&self, four: [u8; 4]) -> u8 {
        match &self.kind {
            CogKind::Classes(legend) => mode(four, legend.nodata),
            CogKind::Percent { .. } => mean(four, self.kind.nodata()),
        }
    }

    fn full_tags(&self) -> Vec<Tag> {
        let mut tags = vec![
            Tag::text(305, concat!("rededge ", env!("CARGO_PKG_VERSION"))),
            Tag::text(42112, &metadata_xml(&self.items())),
        ];
        tags.extend(self.geo.iter().cloned());
        tags
    }

    fn tags(&self) -> Vec<Tag> {
        let mut tags = vec![Tag::text(42113, &self.kind.nodata().to_string())];
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
}

/// Statistics of the values 0.. with these counts. They spare clients a pass over the file.
fn statistics(counts: &[u64]) -> Vec<(&'static str, f64)> {
    let mut found = Statistics::default();
    (0..).zip(counts).for_each(|(value, &count)| found.add(f64::from(value), count as f64));
    found.items()
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
    let declared = band.metadata_item("RICE_CLASSES", "").unwrap_or_default();
    let rice = declared.split(' ').filter_map(|code| code.parse().ok()).collect();
    (!classes.is_empty()).then_some(Legend { classes, nodata, rice })
}

/// Opens a raster of this module's kind for reading.
pub(super) fn open(path: &Path) -> Result<Dataset, IoError> {
    gdal_setup::open_raster(path).map_err(|e| IoError::read(named(&path).to_string(), gdal_setup::reason(&e)))
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
        let source = CogWriter::create(&path, &grid, CogKind::Classes(Legend::rice()), &[]).unwrap();
        assert_eq!(half.data(), cog_tiles::halve(&values, 1777, &source));
    }

    #[test]
    fn the_bytes_do_not_depend_on_blocks_or_threads() {
        let folder = tempfile::tempdir().unwrap();
        let (grid, values) = (grid(700, 600), codes(700, 600));
        let percent = || CogKind::Percent { label: "confidence".to_owned() };
        let paths = ["a.tif", "b.tif"].map(|n| folder.path().join(n));
        write(&paths[0], &grid, percent(), &values, (700, 600));
        let style = std::fs::read_to_string(paths[0].with_extension("qml")).unwrap();
        assert_eq!(Some(style), Style::find("probability").map(|s| s.qml()));
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
        let folder = tempfile::tempdir().unwrap();
        let kind = CogKind::Classes(Legend::rice());
        let source = CogWriter::create(&folder.path().join("a.tif"), &grid(3, 3), kind, &[]).unwrap();
        assert_eq!(cog_tiles::halve(&[1, 1, 2, 1, 1, 2, 3, 3, 3], 3, &source), [1, 2, 3, 3]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let path = Path::new("/nonexistent-folder/map.tif");
        let error = CogWriter::create(path, &grid(9, 9), CogKind::Classes(Legend::rice()), &[]).unwrap_err();
        assert!(error.to_string().contains("/nonexistent-folder/map.tif"), "{error}");
    }
}
