//! What a run gets from its host: data, a place for results, progress, a way to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::ProcessError;
use crate::budget::{Budget, Claim};
use crate::classmap::Legend;
use crate::crs::GeoBox;
use crate::cube::{CubeRequest, DataCube, Findings, SeriesTable};
use crate::ogc::{CubeInput, FileInput};
use crate::raster::{Plane, Window};
use crate::vector::{FeatureSchema, FeatureTable, MineRows, Value};

/// Everything a run may touch.
pub struct Context<'a> {
    /// Where inputs come from.
    pub data: &'a dyn DataSource,
    /// Where outputs go.
    pub sink: &'a dyn ResultSink,
    /// Who is told how far it is.
    pub progress: &'a dyn Progress,
    /// Looked at once a block.
    pub cancel: CancelToken,
    /// What it may take. Inputs and outputs are held to it where they are opened; a process claims what
    /// it holds whole.
    pub budget: Budget,
    /// What the cubes of the run notice while they are read.
    findings: Mutex<Vec<Arc<Findings>>>,
}

impl<'a> Context<'a> {
    /// What a run gets.
    pub fn new(
        data: &'a dyn DataSource,
        sink: &'a dyn ResultSink,
        progress: &'a dyn Progress,
        cancel: CancelToken,
    ) -> Self {
        Self { data, sink, progress, cancel, budget: Budget::default(), findings: Mutex::default() }
    }

    /// The same within this budget.
    #[must_use]
    pub fn within(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Opens the cube and tells the user what its reader noticed.
    ///
    /// # Errors
    /// As [`DataSource::cube`].
    pub fn open_cube(&self, cube: &CubeInput, request: &CubeRequest) -> Result<DataCube, ProcessError> {
        self.progress.step("open the scenes", 0);
        let cube = self.data.cube(cube, request)?;
        self.note_cube(&cube);
        self.cancel.check()?;
        Ok(cube)
    }

    /// Claims memory for something that is held whole, because of an input.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming the input where the budget has no room for it.
    pub fn claim(&self, input: &str, what: &'static str, bytes: Option<u64>) -> Result<Claim, ProcessError> {
        self.budget.claim(what, bytes).map_err(|over| ProcessError::input(input, over))
    }

    /// Tells the user what a cube's reader noticed so far, and what it will by [`Context::note_findings`].
    pub fn note_cube(&self, cube: &DataCube) {
        cube.notes.iter().for_each(|note| self.progress.note(note));
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).extend(cube.findings());
    }

    /// Tells the user what the readers of the run's cubes noticed while they read.
    pub fn note_findings(&self) {
        let findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.iter().flat_map(|f| f.take()).for_each(|note| self.progress.note(&note));
    }
}

/// Opens what inputs name. Implemented by `store` over `io`.
pub trait DataSource: Send + Sync {
    /// Opens a cube on the grid that is asked for.
    ///
    /// # Errors
    /// [`ProcessError::Input`] with the path below the member (`cube.features[3].assets.B05`).
    fn cube(&self, cube: &CubeInput, request: &CubeRequest) -> Result<DataCube, ProcessError>;
    /// Reads points or polygons with their properties (samples, mines, areas), in WGS 84.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming `input`.
    fn features(&self, input: &str, file: &FileInput) -> Result<FeatureTable, ProcessError>;
    /// Reads points or polygons that people keep by hand, with their rows and what is wrong with
    /// which; a file without rows gives none. `crs` is that of the coordinates where the file does
    /// not tell it.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming `input`: a file that cannot be read at all; or naming
    /// `<input>Crs`, a CRS that is none.
    fn mines(&self, input: &str, file: &FileInput, _crs: Option<&str>) -> Result<MineRows, ProcessError> {
        Ok(MineRows::of(self.features(input, file)?))
    }
    /// Reads a table of series (`NDRE@2022-01-05` columns), or `None` where the file is anything
    /// else: `samples` may be either.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming `input`.
    fn series(&self, input: &str, file: &FileInput) -> Result<Option<SeriesTable>, ProcessError>;
    /// Reads one band of a raster onto a grid: nearest for codes, bilinear for values. NaN is nodata.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming `input`.
    fn raster(&self, input: &str, file: &FileInput) -> Result<Box<dyn RasterReader>, ProcessError>;
    /// The bytes of a small file (a model, a CSV table).
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming `input`.
    fn bytes(&self, input: &str, file: &FileInput) -> Result<Vec<u8>, ProcessError>;
}

/// A raster that is read by windows of its own grid or of another.
pub trait RasterReader: Send + Sync {
    /// The raster's own grid.
    fn grid(&self) -> &GeoBox;
    /// Category names by code, where the file carries a legend.
    fn legend(&self) -> Option<&Legend>;
    /// Reads a window of `grid` (the raster's own or another); NaN is nodata and outside.
    ///
    /// # Errors
    /// [`ProcessError::Failed`] naming the file.
    fn read(
        &self,
        grid: &GeoBox,
        window: Window,
        method: crate::raster::Resampling,
    ) -> Result<Plane<f32>, ProcessError>;
}

/// Takes results. Everything is written aside and appears under its name only when the run
/// commits; a run that fails or is cancelled leaves nothing.
pub trait ResultSink: Send + Sync {
    /// Whether the caller wants this output (all, where it named none).
    fn wants(&self, output: &str) -> bool;
    /// Starts a raster output (a COG when finished).
    ///
    /// # Errors
    /// [`ProcessError::Failed`]: disk full, no permission.
    fn raster(
        &self,
        output: &str,
        grid: &GeoBox,
        kind: &RasterKind,
    ) -> Result<Box<dyn RasterWriter>, ProcessError>;
    /// Starts an output of features, in the format that the caller asked for (GeoJSON where it
    /// named none).
    ///
    /// # Errors
    /// As [`ResultSink::raster`].
    fn features(
        &self,
        output: &str,
        _schema: &FeatureSchema,
    ) -> Result<Box<dyn FeatureWriter>, ProcessError> {
        Err(ProcessError::failed(format_args!("{output}: no features are kept here")))
    }
    /// Opens a raster of this run that is finished, for the steps that follow.
    ///
    /// # Errors
    /// [`ProcessError::Failed`] where there is none.
    fn reopen(&self, output: &str) -> Result<Box<dyn RasterReader>, ProcessError> {
        Err(ProcessError::failed(format_args!("{output}: nothing is kept here to be read again")))
    }
    /// The picture (PNG) of a raster of this run that is finished, where one was drawn.
    fn picture(&self, _output: &str) -> Option<Vec<u8>> {
        None
    }
    /// Hands over a JSON document.
    ///
    /// # Errors
    /// As [`ResultSink::raster`].
    fn document(&self, output: &str, value: serde_json::Value) -> Result<(), ProcessError>;
    /// What a run that was interrupted kept under this name, to go on from.
    fn kept(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }
    /// Keeps what a later run needs to go on, should this one be interrupted.
    ///
    /// # Errors
    /// As [`ResultSink::raster`].
    fn keep(&self, _name: &str, _state: &[u8]) -> Result<(), ProcessError> {
        Ok(())
    }
    /// Hands over a file by its media type (`image/svg+xml`, `text/csv`, `image/png`).
    ///
    /// # Errors
    /// As [`ResultSink::raster`].
    fn file(&self, output: &str, media_type: &str, bytes: &[u8]) -> Result<(), ProcessError>;
}

/// What a raster output holds.
#[derive(Clone, Debug)]
pub enum RasterKind {
    /// Class codes with names and colours; overviews by mode.
    Classes(Legend),
    /// Percent 0..100 (confidence, probability), 255 nodata; overviews by average.
    Percent {
        /// What is measured, for the file's description and the quick-look.
        label: String,
    },
    /// Numbers (32 bits, NaN nodata), written by [`RasterWriter::write_values`]; overviews by average.
    Values {
        /// What is measured, for the file's description and the quick-look.
        label: String,
        /// Its unit, such as `1/km2`.
        unit: String,
        /// What the quick-look marks: the style of points in `styles/`, and the columns and rows of
        /// the places on the grid, with fractions.
        marks: Option<(&'static str, Vec<(f64, f64)>)>,
    },
}

/// Takes features one by one.
pub trait FeatureWriter: Send {
    /// Writes a feature: its geometry in the schema's CRS, exteriors counter-clockwise with north
    /// up, and a value a field.
    ///
    /// # Errors
    /// [`ProcessError::Failed`]: disk full.
    fn push(&mut self, geometry: &geo::Geometry<f64>, values: &[Value]) -> Result<(), ProcessError>;
    /// Ends the file. Nothing is visible before the whole run commits.
    ///
    /// # Errors
    /// [`ProcessError::Failed`]: disk full.
    fn finish(self: Box<Self>) -> Result<(), ProcessError>;
}

/// Takes a raster block by block, from one thread at a time, in any order.
pub trait RasterWriter: Send {
    /// Writes a window.
    ///
    /// # Errors
    /// [`ProcessError::Failed`]: disk full.
    fn write(&mut self, window: Window, values: &[u8]) -> Result<(), ProcessError>;
    /// Writes a window of [`RasterKind::Values`].
    ///
    /// # Errors
    /// [`ProcessError::Failed`]: disk full, or a raster of bytes.
    fn write_values(&mut self, _window: Window, _values: &[f32]) -> Result<(), ProcessError> {
        Err(ProcessError::failed("this raster holds bytes"))
    }
    /// Overviews, COG layout, quick-look. Nothing is visible before the whole run commits.
    ///
    /// # Errors
    /// [`ProcessError::Failed`]: disk full.
    fn finish(self: Box<Self>) -> Result<(), ProcessError>;
}

/// Is told how far a run is.
pub trait Progress: Send + Sync {
    /// A step begins; `total` units of work, 0 where unknown.
    fn step(&self, name: &str, total: u64);
    /// Units of the step that are done (absolute).
    fn done(&self, units: u64);
    /// Something the user should know (left-out scenes, lost samples).
    fn note(&self, message: &str);
}

/// A progress that says nothing, for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: &str, _: u64) {}
    fn done(&self, _: u64) {}
    fn note(&self, _: &str) {}
}

/// Says that a run should stop; cheap to clone and to look at.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Asks the run to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// `Err(Cancelled)` once somebody asked.
    ///
    /// # Errors
    /// [`ProcessError::Cancelled`].
    pub fn check(&self) -> Result<(), ProcessError> {
        if self.is_cancelled() { Err(ProcessError::Cancelled) } else { Ok(()) }
    }
}
