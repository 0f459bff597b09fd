//! A writer of plain tiled GeoTIFFs: deflate, predictors 2 and 3, sparse where a tile holds
//! nothing but zeros. It appends tile by tile, keeps no file open, and gives the same bytes for
//! the same order of tiles. (Results are COGs with overviews and go another way.)

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, write::ZlibEncoder};

use crate::crs::GeoBox;

/// A pixel type that can be written.
pub trait Sample: Copy + PartialEq + Default {
    /// Bits a sample, TIFF's sample format and its predictor.
    const FORMAT: (u16, u16, u16);
    /// Appends a row of a tile as the predictor leaves it.
    fn encode(row: &[Self], out: &mut Vec<u8>);
}

impl Sample for u8 {
    const FORMAT: (u16, u16, u16) = (8, 1, 1);
    fn encode(row: &[Self], out: &mut Vec<u8>) {
        out.extend_from_slice(row);
    }
}

impl Sample for u16 {
    const FORMAT: (u16, u16, u16) = (16, 1, 2);
    fn encode(row: &[Self], out: &mut Vec<u8>) {
        let mut last = 0;
        out.extend(row.iter().flat_map(|&value| {
            let difference = value.wrapping_sub(last);
            last = value;
            difference.to_le_bytes()
        }));
    }
}

impl Sample for f32 {
    const FORMAT: (u16, u16, u16) = (32, 3, 3);
    fn encode(row: &[Self], out: &mut Vec<u8>) {
        // The bytes of a row by significance, then differences between neighbours.
        let start = out.len();
        for byte in 0..4 {
            out.extend(row.iter().map(|value| value.to_be_bytes()[byte]));
        }
        for k in (start + 1..out.len()).rev() {
            out[k] = out[k].wrapping_sub(out[k - 1]);
        }
    }
}

/// A GeoTIFF that is being written.
#[derive(Debug)]
pub struct TiledWriter {
    path: PathBuf,
    grid: GeoBox,
    tile: usize,
    nodata: Option<u8>,
    format: (u16, u16, u16),
    end: u64,
    offsets: Vec<u32>,
    counts: Vec<u32>,
}

/// A value of the directory: TIFF's type, the count, the bytes.
type Field = (u16, usize, Vec<u8>);

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

impl TiledWriter {
    /// Starts a file of square tiles. `tile` is a multiple of 16; the grid is north up and its
    /// CRS has an EPSG code.
    ///
    /// # Errors
    /// The error of the file system, or `InvalidInput` for a grid that cannot be written.
    pub fn create<T: Sample>(
        path: &Path,
        grid: &GeoBox,
        tile: usize,
        nodata: Option<u8>,
    ) -> io::Result<Self> {
        if tile == 0 || !tile.is_multiple_of(16) {
            return Err(invalid(format!("tiles of {tile} pixels: TIFF wants a multiple of 16")));
        }
        if !grid.affine.is_north_up() || grid.crs.epsg().and_then(|code| u16::try_from(code).ok()).is_none() {
            return Err(invalid(format!(
                "the grid in {} is not north up with an EPSG code",
                grid.crs.name()
            )));
        }
        let mut header = Vec::from(*b"II\x2a\0");
        header.extend(0_u32.to_le_bytes());
        std::fs::write(path, &header)?;
        let tiles = grid.rows.div_ceil(tile) * grid.cols.div_ceil(tile);
        Ok(Self {
            path: path.to_owned(),
            grid: grid.clone(),
            tile,
            nodata,
            format: T::FORMAT,
            end: header.len() as u64,
            offsets: vec![0; tiles],
            counts: vec![0; tiles],
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a tile, `tile x tile` values row by row; what lies beyond the grid's edge does not matter.
    ///
    /// # Errors
    /// The error of the file system (a full disk), `InvalidInput` for a tile that does not fit
    /// or a file that would pass 4 GiB.
    pub fn append<T: Sample>(&mut self, row: usize, col: usize, values: &[T]) -> io::Result<()> {
        let across = self.grid.cols.div_ceil(self.tile);
        let index = row * across + col;
        if values.len() != self.tile * self.tile || index >= self.offsets.len() || T::FORMAT != self.format {
            return Err(invalid(format!("tile ({row}, {col}) does not fit {}", self.path.display())));
        }
        if values.iter().all(|&v| v == T::default()) {
            return Ok(());
        }
        let mut raw = Vec::with_capacity(size_of_val(values));
        for line in values.chunks_exact(self.tile) {
            T::encode(line, &mut raw);
        }
        let mut encoder = ZlibEncoder::new(Vec::with_capacity(raw.len()), Compression::fast());
        encoder.write_all(&raw)?;
        let packed = encoder.finish()?;
        let place = (u32::try_from(self.end), u32::try_from(self.end + packed.len() as u64));
        let (Ok(offset), Ok(_)) = place else {
            return Err(invalid(format!("{} would pass 4 GiB", self.path.display())));
        };
        OpenOptions::new().append(true).open(&self.path)?.write_all(&packed)?;
        self.offsets[index] = offset;
        self.counts[index] = packed.len() as u32;
        self.end += packed.len() as u64;
        Ok(())
    }

    /// Writes the directory; without it the file is no TIFF.
    ///
    /// # Errors
    /// The error of the file system.
    pub fn finish(self) -> io::Result<()> {
        let code = self.grid.crs.epsg().and_then(|code| u16::try_from(code).ok()).unwrap_or(0);
        let (model, key) = if self.grid.crs.is_geographic() { (2, 2048) } else { (1, 3072) };
        let geokeys: [u16; 16] = [1, 1, 0, 3, 1024, 0, 1, model, 1025, 0, 1, 1, key, 0, 1, code];
        let c = self.grid.affine.0;
        let short = |values: &[u16]| (3, values.len(), values.iter().flat_map(|v| v.to_le_bytes()).collect());
        let long = |values: &[u32]| (4, values.len(), values.iter().flat_map(|v| v.to_le_bytes()).collect());
        let double =
            |values: &[f64]| (12, values.len(), values.iter().flat_map(|v| v.to_le_bytes()).collect());
        let (bits, format, predictor) = self.format;
        let mut entries: Vec<(u16, Field)> = vec![
            (256, long(&[self.grid.cols as u32])),
            (257, long(&[self.grid.rows as u32])),
            (258, short(&[bits])),
            (259, short(&[8])),
            (262, short(&[1])),
            (277, short(&[1])),
            (284, short(&[1])),
            (317, short(&[predictor])),
            (322, long(&[self.tile as u32])),
            (323, long(&[self.tile as u32])),
            (324, long(&self.offsets)),
            (325, long(&self.counts)),
            (339, short(&[format])),
            (33550, double(&[c[1], -c[5], 0.0])),
            (33922, double(&[0.0, 0.0, 0.0, c[0], c[3], 0.0])),
            (34735, short(&geokeys)),
        ];
        if let Some(nodata) = self.nodata {
            let text = format!("{nodata}\0").into_bytes();
            entries.push((42113, (2, text.len(), text)));
        }
        // The directory starts at an even offset; long values follow it.
        let pad = self.end % 2;
        let at = self.end + pad;
        let mut extra = at + 2 + 12 * entries.len() as u64 + 4;
        let (mut directory, mut values) = (vec![0; pad as usize], Vec::new());
        directory.extend((entries.len() as u16).to_le_bytes());
        for (tag, (kind, count, mut bytes)) in entries {
            directory.extend(tag.to_le_bytes());
            directory.extend(u16::to_le_bytes(kind));
            directory.extend((count as u32).to_le_bytes());
            if bytes.len() <= 4 {
                bytes.resize(4, 0);
                directory.extend(bytes);
            } else {
                directory.extend((extra as u32).to_le_bytes());
                bytes.resize(bytes.len().next_multiple_of(2), 0);
                extra += bytes.len() as u64;
                values.extend(bytes);
            }
        }
        directory.extend(0_u32.to_le_bytes());
        directory.extend(values);
        if u32::try_from(extra).is_err() {
            return Err(invalid(format!("{} would pass 4 GiB", self.path.display())));
        }
        let mut file: File = OpenOptions::new().read(true).write(true).open(&self.path)?;
        file.seek(SeekFrom::End(0))?;
        file.write_all(&directory)?;
        file.seek(SeekFrom::Start(4))?;
        file.write_all(&(at as u32).to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::{Affine, Crs};

    fn round_trip<T: Sample + gdal::raster::GdalType + std::fmt::Debug>(value: impl Fn(usize) -> T) {
        let grid = GeoBox {
            rows: 70,
            cols: 50,
            affine: Affine::north_up(600_000.0, 3_100_020.0, 10.0, 10.0),
            crs: Crs::from_epsg(32649).unwrap(),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tif");
        let mut writer = TiledWriter::create::<T>(&path, &grid, 32, Some(0)).unwrap();
        let expected: Vec<T> = (0..70 * 50).map(&value).collect();
        for row in 0..3 {
            for col in 0..2 {
                let at = |k: usize| (row * 32 + k / 32, col * 32 + k % 32);
                let tile: Vec<T> = (0..32 * 32)
                    .map(|k| {
                        if at(k).0 < 70 && at(k).1 < 50 {
                            expected[at(k).0 * 50 + at(k).1]
                        } else {
                            T::default()
                        }
                    })
                    .collect();
                writer.append(row, col, &tile).unwrap();
            }
        }
        writer.finish().unwrap();
        let data = gdal::Dataset::open(&path).unwrap();
        assert_eq!(data.raster_size(), (50, 70));
        assert_eq!(data.geo_transform().unwrap(), grid.affine.0);
        assert_eq!(data.spatial_ref().unwrap().auth_code().unwrap(), 32649);
        let band = data.rasterband(1).unwrap();
        assert_eq!(band.no_data_value(), Some(0.0));
        let read = band.read_as::<T>((0, 0), (50, 70), (50, 70), None).unwrap();
        assert_eq!(read.data(), expected);
    }

    #[test]
    fn gdal_reads_back_what_was_written() {
        round_trip(|k| if k < 1700 { 0 } else { (k * 7 % 251) as u8 });
        round_trip(|k| if k < 1700 { 0 } else { (k * 7919 % 65_521) as u16 });
        round_trip(|k| if k < 1700 { 0.0 } else { (k as f32).sin() * 300.0 });
    }

    #[test]
    fn a_tile_that_does_not_fit_is_refused() {
        let grid =
            GeoBox { rows: 10, cols: 10, affine: Affine::north_up(0.0, 0.0, 1.0, 1.0), crs: Crs::wgs84() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tif");
        assert!(TiledWriter::create::<u8>(&path, &grid, 10, None).is_err());
        let mut writer = TiledWriter::create::<u8>(&path, &grid, 16, None).unwrap();
        assert!(writer.append(1, 0, &[1_u8; 256]).is_err());
        assert!(writer.append(0, 0, &[1_u16; 256]).is_err());
    }
}
