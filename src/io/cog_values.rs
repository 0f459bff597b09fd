//! Cloud optimized GeoTIFFs of numbers: 32 bits a pixel, NaN nodata, overviews by average. Laid
//! out as class maps are (see [`super::cog`]); the style beside them has the ramp of numbers.

use std::path::{Path, PathBuf};

use super::IoError;
use super::cog_layout::{Tag, geo_tags};
use super::cog_tiles::{self, Source};
use super::growing::GrowingRaster;
use super::legend_files::{SideFile, metadata_xml};
use super::spool::Spool;
use crate::crs::GeoBox;
use crate::raster::Window;
use crate::style::qml;

/// Numbers are kept XOR these bits (a NaN), so that what was never written is NaN.
pub(super) const NOTHING: u32 = f32::NAN.to_bits();

/// Writes a raster of numbers block by block. Pixels that are never written are NaN.
#[derive(Debug)]
pub struct ValuesWriter {
    path: PathBuf,
    grid: GeoBox,
    label: String,
    unit: String,
    geo: Vec<Tag>,
    spool: Spool,
    statistics: Statistics,
}

impl ValuesWriter {
    /// Starts a raster that will stand at `path`. `label` says what is measured, `unit` in what.
    ///
    /// # Errors
    /// As [`super::cog::CogWriter::create`].
    pub fn create(path: &Path, grid: &GeoBox, label: &str, unit: &str) -> Result<Self, IoError> {
        let fail = |reason: &dyn std::fmt::Display| IoError::write(path, reason);
        Ok(Self {
            path: path.to_owned(),
            grid: grid.clone(),
            label: label.to_owned(),
            unit: unit.to_owned(),
            spool: Spool::create(path, grid, 4).map_err(|e| fail(&e))?,
            geo: geo_tags(grid).map_err(|e| fail(&e))?,
            statistics: Statistics::default(),
        })
    }

    /// Writes a window, row-major. Infinite values become NaN.
    ///
    /// # Errors
    /// [`IoError::Write`]: disk full, or a window that does not fit the grid or the values.
    pub fn write(&mut self, window: Window, values: &[f32]) -> Result<(), IoError> {
        let bits = |v: f32| if v.is_finite() { v.to_bits() ^ NOTHING } else { 0 };
        let stored: Vec<u8> = values.iter().flat_map(|&v| bits(v).to_le_bytes()).collect();
        self.spool.write(window, &stored).map_err(|e| IoError::write(&self.path, e))
    }

    /// What is written so far, for others to look at.
    pub fn growing(&self) -> GrowingRaster {
        GrowingRaster::of_numbers(self.grid.clone(), self.spool.clone())
    }

    /// Compresses, makes overviews and puts the file together. Returns the files that were
    /// written: the raster and its style. Uses the rayon pool it runs in.
    ///
    /// # Errors
    /// [`IoError::Write`]: disk full; nothing is left behind.
    pub fn finish(mut self) -> Result<Vec<PathBuf>, IoError> {
        let path = self.path.clone();
        let written = cog_tiles::write(&path, &mut self).and_then(|()| {
            let style = SideFile::Style.path(&path);
            let (least, greatest) = shown_range(self.statistics.least, self.statistics.greatest);
            std::fs::write(&style, qml::of_values(least, greatest, &self.unit))?;
            // The category names of an earlier raster under this name would speak for this one.
            let categories = SideFile::Categories.path(&path);
            if categories.exists() {
                std::fs::remove_file(categories)?;
            }
            Ok(vec![path.clone(), style])
        });
        if written.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        written.map_err(|e| IoError::write(&path, e))
    }
}

impl Source<f32> for ValuesWriter {
    fn shape(&self) -> (usize, usize) {
        (self.grid.rows, self.grid.cols)
    }

    fn nodata(&self) -> f32 {
        f32::NAN
    }

    fn read(&mut self, first: usize, rows: &mut [f32]) -> std::io::Result<()> {
        let mut bytes = vec![0; 4 * rows.len()];
        self.spool.read(first, &mut bytes)?;
        for (to, from) in rows.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *to = f32::from_bits(u32::from_le_bytes(*from) ^ NOTHING);
            self.statistics.add(f64::from(*to), 1.0);
        }
        Ok(())
    }

    fn reduce(&self, four: [f32; 4]) -> f32 {
        let (sum, count) = four
            .iter()
            .filter(|v| !v.is_nan())
            .fold((0.0, 0.0), |(sum, count), &v| (sum + f64::from(v), count + 1.0));
        if count > 0.0 { (sum / count) as f32 } else { f32::NAN }
    }

    fn full_tags(&self) -> Vec<Tag> {
        let band = "sample=\"0\"";
        let mut items = vec![
            (format!("name=\"DESCRIPTION\" {band} role=\"description\""), self.label.clone()),
            (format!("name=\"UNITTYPE\" {band} role=\"unittype\""), self.unit.clone()),
        ];
        for (name, value) in self.statistics.items() {
            items.push((format!("name=\"STATISTICS_{name}\" {band}"), value.to_string()));
        }
        let mut tags = vec![
            Tag::text(305, concat!("rededge ", env!("CARGO_PKG_VERSION"))),
            Tag::text(42112, &metadata_xml(&items)),
        ];
        tags.extend(self.geo.iter().cloned());
        tags
    }

    fn tags(&self) -> Vec<Tag> {
        vec![Tag::short(262, &[1]), Tag::text(42113, "nan")]
    }
}

/// Statistics by the names that GDAL gives them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Statistics {
    count: f64,
    mean: f64,
    squares: f64,
    least: f64,
    greatest: f64,
}

impl Statistics {
    /// Takes a value so many times.
    pub(super) fn add(&mut self, value: f64, times: f64) {
        if value.is_nan() || times == 0.0 {
            return;
        }
        if self.count == 0.0 {
            (self.least, self.greatest) = (value, value);
        }
        self.count += times;
        (self.least, self.greatest) = (self.least.min(value), self.greatest.max(value));
        let step = value - self.mean;
        self.mean += step * times / self.count;
        self.squares += times * step * (value - self.mean);
    }

    /// None where there is no value.
    pub(super) fn items(&self) -> Vec<(&'static str, f64)> {
        if self.count == 0.0 {
            return Vec::new();
        }
        let deviation = (self.squares / self.count).sqrt();
        vec![("MINIMUM", self.least), ("MAXIMUM", self.greatest), ("MEAN", self.mean), ("STDDEV", deviation)]
    }
}

/// The ends of the ramp that numbers between these two are shown with: where they are all the
/// same, it begins or ends at zero.
pub fn shown_range(least: f64, greatest: f64) -> (f64, f64) {
    if least < greatest {
        (least, greatest)
    } else if least > 0.0 {
        (0.0, least)
    } else if least < 0.0 {
        (least, 0.0)
    } else {
        (0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use gdal::Metadata;

    use super::*;
    use crate::crs::{Affine, Crs};
    use crate::io::cog::open;

    fn grid(rows: usize, cols: usize) -> GeoBox {
        GeoBox {
            rows,
            cols,
            affine: Affine::north_up(7e5, 3.09e6, 10.0, 10.0),
            crs: Crs::from_epsg(32649).unwrap(),
        }
    }

    fn number(i: usize) -> f32 {
        if i.is_multiple_of(7) { f32::NAN } else { (i % 1000) as f32 / 8.0 - 3.0 }
    }

    fn write(path: &Path, grid: &GeoBox, block: (usize, usize)) -> Vec<PathBuf> {
        let mut writer = ValuesWriter::create(path, grid, "mines & zones", "1/km2").unwrap();
        let mut windows: Vec<_> = Window::blocks(grid.rows, grid.cols, block.0, block.1).collect();
        windows.reverse();
        for w in windows {
            let at = |i: usize| (w.row + i / w.cols) * grid.cols + w.col + i % w.cols;
            let part: Vec<f32> = (0..w.len()).map(|i| number(at(i))).collect();
            writer.write(w, &part).unwrap();
        }
        writer.finish().unwrap()
    }

    fn same(a: &[f32], b: &[f32]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
    }

    #[test]
    fn numbers_come_back_with_grid_unit_statistics_and_overviews() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heat.tif");
        std::fs::write(folder.path().join("heat.tif.aux.xml"), "old").unwrap();
        let grid = grid(1301, 1777);
        let files = write(&path, &grid, (200, 333));
        assert_eq!(files, ["heat.tif", "heat.qml"].map(|name| folder.path().join(name)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left behind");

        let values: Vec<f32> = (0..1301 * 1777).map(number).collect();
        let dataset = open(&path).unwrap();
        assert_eq!(dataset.geo_transform().unwrap(), grid.affine.0);
        assert_eq!(Crs::from_spatial_ref(&dataset.spatial_ref().unwrap()).unwrap(), grid.crs);
        assert_eq!(dataset.metadata_item("LAYOUT", "IMAGE_STRUCTURE"), Some("COG".to_owned()));
        let band = dataset.rasterband(1).unwrap();
        assert_eq!(band.band_type(), gdal::raster::GdalDataType::Float32);
        assert_eq!(
            (band.description().unwrap(), band.unit()),
            ("mines & zones".to_owned(), "1/km2".to_owned())
        );
        assert!(band.no_data_value().unwrap().is_nan());
        assert_eq!(band.block_size(), (512, 512));
        assert!(same(band.read_band_as::<f32>().unwrap().data(), &values));
        let item = |name: &str| band.metadata_item(name, "").unwrap().parse::<f64>().unwrap();
        assert_eq!((item("STATISTICS_MINIMUM"), item("STATISTICS_MAXIMUM")), (-3.0, 121.875));
        let valid = || values.iter().filter(|v| !v.is_nan()).map(|&v| f64::from(v));
        let mean = valid().sum::<f64>() / valid().count() as f64;
        let deviation = (valid().map(|v| (v - mean).powi(2)).sum::<f64>() / valid().count() as f64).sqrt();
        assert!((item("STATISTICS_MEAN") - mean).abs() < 1e-9);
        assert!((item("STATISTICS_STDDEV") - deviation).abs() < 1e-9);
        assert_eq!(band.overview_count().unwrap(), 2);
        let half = band.overview(0).unwrap().read_band_as::<f32>().unwrap();
        assert_eq!(half.shape(), (889, 651));
        let four: Vec<f32> = [0, 1, 1777, 1778].map(number).into_iter().filter(|v| !v.is_nan()).collect();
        assert_eq!(half.data()[0], four.iter().sum::<f32>() / four.len() as f32);
        let style = std::fs::read_to_string(&files[1]).unwrap();
        assert!(style.contains("minimumValue=\"-3\" maximumValue=\"121.875\""), "{style}");
    }

    #[test]
    fn the_bytes_do_not_depend_on_blocks_or_threads() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a.tif", "b.tif"].map(|n| folder.path().join(n));
        write(&paths[0], &grid(700, 600), (700, 600));
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        one.install(|| write(&paths[1], &grid(700, 600), (64, 64)));
        let [a, b] = paths.map(|p| std::fs::read(p).unwrap());
        assert!(a == b);
    }

    #[test]
    fn what_is_never_written_or_infinite_is_nodata() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heat.tif");
        let mut writer = ValuesWriter::create(&path, &grid(90, 80), "heat", "").unwrap();
        let window = Window { row: 10, col: 10, rows: 1, cols: 3 };
        writer.write(window, &[0.0, f32::INFINITY, 2.5]).unwrap();
        assert!(writer.write(Window { row: 89, ..window }, &[1.0; 2]).is_err());
        writer.finish().unwrap();
        let raster =
            crate::io::raster_on_grid::RasterOnGrid::open(&crate::io::raster_file::Place::File(path))
                .unwrap();
        let whole = raster.grid().window();
        let plane = raster.read(raster.grid(), whole, crate::raster::Resampling::Nearest).unwrap();
        assert_eq!((plane.get(10, 10), plane.get(10, 12)), (0.0, 2.5));
        assert_eq!(plane.values.iter().filter(|v| !v.is_nan()).count(), 2);
    }

    #[test]
    fn one_number_alone_is_shown_from_zero() {
        assert_eq!(shown_range(1.0, 3.0), (1.0, 3.0));
        assert_eq!(shown_range(2.0, 2.0), (0.0, 2.0));
        assert_eq!(shown_range(-2.0, -2.0), (-2.0, 0.0));
        assert_eq!(shown_range(0.0, 0.0), (0.0, 1.0));
    }
}
