//! The child: takes its task from a folder, gives up what it does not need, reads, and leaves its answer
//! in the folder.

use std::fs::File;
use std::io::{self, BufWriter};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use gdal::DriverManager;
use gdal::raster::RasterCreationOptions;
use serde::{Deserialize, Serialize};

use super::confine::confine;
use super::wire::{Encoder, Refusal};
use super::{Bounds, Guard};
use crate::crs::Crs;
use crate::io::vector_rows;
use crate::io::vectors::{self, VectorFormat};
use crate::io::{IoError, gdal_setup, series_csv};

/// The task, by its file in the folder.
pub const TASK: &str = "task.json";
/// The answer.
pub const ANSWER: &str = "answer";
/// What the child says on standard error, such as why it aborts.
pub const WORDS: &str = "words";
/// The raster that the child writes.
pub const RASTER: &str = "raster.tif";

/// What a child is started for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// The process that waits.
    pub parent: u32,
    pub bounds: Bounds,
    /// The file that is read.
    pub input: Option<PathBuf>,
    pub task: Task,
}

/// What is read of a file. `name` is what errors call it.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    Features {
        name: String,
        format: VectorFormat,
    },
    Mines {
        name: String,
        format: VectorFormat,
        crs: Option<String>,
    },
    Series {
        name: String,
    },
    Raster,
    Guard,
    /// Something that a child must not be able to do.
    #[cfg(test)]
    Misuse(super::tests::Misuse),
}

/// Does the task in a folder; the exit code is 0 where there is an answer.
pub fn main(folder: Option<&Path>) -> i32 {
    // The server tells what is wrong with the file.
    std::panic::set_hook(Box::new(|_| {}));
    let done = folder.ok_or_else(|| io::Error::other("no folder")).and_then(serve);
    i32::from(done.is_err())
}

fn serve(folder: &Path) -> io::Result<()> {
    let order: Order = serde_json::from_slice(&std::fs::read(folder.join(TASK))?)?;
    // Opened before the limits hold: a full answer is told as such.
    let answer = BufWriter::new(File::create(folder.join(ANSWER))?);
    confine(&order.bounds, order.parent, order.input.as_deref(), folder)?;
    let mut encoder = Encoder::new(answer)?;
    let read = catch_unwind(|| read(&order, folder));
    let broken = || Err(Refusal::File("it is damaged: its reader came to no end with it".to_owned()));
    match read.unwrap_or_else(|_| broken()) {
        Ok(found) => {
            encoder.byte(0)?;
            found(&mut encoder)?;
        }
        Err(refusal) => encoder.refusal(&refusal)?,
    }
    encoder.finish()
}

impl From<IoError> for Refusal {
    fn from(error: IoError) -> Self {
        Self::File(error.to_string())
    }
}

/// What writes down what was read.
type Found = Box<dyn FnOnce(&mut Encoder<BufWriter<File>>) -> io::Result<()>>;

fn read(order: &Order, folder: &Path) -> Result<Found, Refusal> {
    let input = order.input.as_deref().unwrap_or(Path::new(""));
    let bytes = |name: &str| std::fs::read(input).map_err(|e| IoError::read(name, e));
    let by_path = |format| matches!(format, VectorFormat::GeoPackage | VectorFormat::Shapefile);
    Ok(match &order.task {
        Task::Features { name, format } => {
            let data = if by_path(*format) {
                vectors::read(input)?
            } else {
                vectors::parse(name, *format, &bytes(name)?)?
            };
            Box::new(move |encoder| encoder.features(&data))
        }
        Task::Mines { name, format, crs } => {
            let crs = crs.as_deref().map(Crs::parse).transpose();
            let crs = crs.map_err(|e| Refusal::File(e.to_string()))?;
            let rows = if by_path(*format) {
                vector_rows::read(input, crs.as_ref())
            } else {
                vector_rows::parse(name, *format, &bytes(name)?, crs.as_ref())
            };
            let rows = rows.map_err(Refusal::Rows)?;
            Box::new(move |encoder| encoder.rows(&rows))
        }
        Task::Series { name } => {
            let bytes = bytes(name)?;
            let table =
                if series_csv::is_series(&bytes) { Some(series_csv::parse(name, &bytes)?) } else { None };
            Box::new(move |encoder| encoder.series(table.as_ref()))
        }
        Task::Raster => {
            rewrite(input, &folder.join(RASTER), order.bounds.file)?;
            Box::new(|_| Ok(()))
        }
        Task::Guard => {
            let guard = Guard::tried();
            Box::new(move |encoder| {
                encoder.byte(u8::from(guard.files))?;
                encoder.byte(u8::from(guard.calls))
            })
        }
        #[cfg(test)]
        Task::Misuse(misuse) => {
            let told = misuse.attempt();
            Box::new(move |encoder| encoder.text(&told))
        }
    })
}

/// Writes a GeoTIFF anew, plain and in tiles, with everything that is read of rasters: bands, nodata, scale
/// and offset, descriptions, colours, masks.
fn rewrite(input: &Path, output: &Path, most: u64) -> Result<(), Refusal> {
    let name = crate::named::named(input).to_string();
    let fail = |reason: &dyn std::fmt::Display| Refusal::from(IoError::read(&name, reason));
    let source = gdal_setup::open_raster(input).map_err(|e| {
        fail(&format_args!("cannot be read as GeoTIFF or JPEG 2000: {}", gdal_setup::reason(&e)))
    })?;
    let (cols, rows) = source.raster_size();
    let mut pixel = 0_u64;
    for band in source.rasterbands() {
        pixel += u64::from(band.map_err(|e| fail(&gdal_setup::reason(&e)))?.band_type().bits()).div_ceil(8);
    }
    let bytes = (cols as u64).saturating_mul(rows as u64).saturating_mul(pixel);
    // Room for what is beside the pixels.
    if bytes > most - most / 16 {
        return Err(fail(&format_args!(
            "its {cols} x {rows} pixels are {} MB, more than the {} MB that one raster may be \
             (`reader.raster_megabytes`); give a smaller part, or one at a coarser resolution",
            bytes >> 20,
            (most - most / 16) >> 20
        )));
    }
    let driver = DriverManager::get_driver_by_name("GTiff").map_err(|e| fail(&gdal_setup::reason(&e)))?;
    let options = RasterCreationOptions::from_iter([
        "TILED=YES",
        "INTERLEAVE=BAND",
        "COMPRESS=DEFLATE",
        "ZLEVEL=1",
        "BIGTIFF=IF_SAFER",
    ]);
    let written = source.create_copy(&driver, output, &options).and_then(gdal::Dataset::close);
    written.map_err(|e| {
        fail(&format_args!(
            "its pixels cannot be read (truncated or damaged file?): {}",
            gdal_setup::reason(&e)
        ))
    })
}
