//! Inputs from files beside the request, and from links.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use geo::CoordsIter as _;

use super::cubes::scene_sources;
use super::inbox::Inbox;
use crate::budget::{Budget, OverBudget};
use crate::classmap::Legend;
use crate::crs::{Crs, GeoBox};
use crate::cube::{CubeRequest, DataCube, SeriesTable};
use crate::io::fetch::{Fetcher, shown};
use crate::io::isolate::{ReadError, Reader};
use crate::io::raster_on_grid::RasterOnGrid;
use crate::io::scenes::open_cube;
use crate::io::vector_rows::{self, RowsError};
use crate::io::vectors::{self, VectorData, VectorFormat};
use crate::io::{IoError, gdal_setup, raster_file, series_csv, text};
use crate::named::named;
use crate::ogc::{CubeInput, FileInput, outputs};
use crate::process::{DataSource, ProcessError, Progress, RasterReader};
use crate::raster::{Plane, Resampling, Window};
use crate::vector::{FeatureTable, MineRows};

/// Most bytes that are fetched from a link: models and tables are smaller.
const MAX_FETCH: u64 = 1 << 30;

/// Why what comes inside the inputs of others is not read.
const REFUSED: &str = "values and links are not read here";

/// Opens what inputs name: local paths relative to a folder (that of the inputs file), http(s) links,
/// and what `data:` links hold.
pub struct LocalSource<'a> {
    base: PathBuf,
    progress: &'a dyn Progress,
    fetcher: Fetcher,
    /// What inputs may be.
    budget: Budget,
    /// What came inside the inputs.
    pub(super) inbox: Inbox,
    foreign: Foreign,
    /// Which limits stood in the way of what came.
    limits: Mutex<Vec<String>>,
}

/// How what comes inside the inputs is read.
enum Foreign {
    /// Here: whoever runs the command line brings it.
    Here,
    /// Not at all.
    Refused,
    /// By a process of its own.
    ByChild(Reader),
}

/// Where an input's bytes are.
enum Place<'a> {
    Local(PathBuf),
    Remote(&'a str),
    Inline(&'a serde_json::Map<String, serde_json::Value>),
}

/// An input with its path in the request.
struct Located<'a> {
    input: Cow<'a, str>,
    place: Place<'a>,
    media_type: Option<&'a str>,
    source: &'a LocalSource<'a>,
}

impl<'a> LocalSource<'a> {
    /// A source whose relative paths start at `base`; `progress` is told what is left out.
    pub fn new(base: impl Into<PathBuf>, progress: &'a dyn Progress) -> Self {
        gdal_setup::setup();
        Self {
            base: base.into(),
            progress,
            fetcher: Fetcher::open(),
            budget: Budget::default(),
            inbox: Inbox::default(),
            foreign: Foreign::Here,
            limits: Mutex::default(),
        }
    }

    /// The same for inputs of others: what comes inside of them is read by this reader, or not at all.
    #[must_use]
    pub fn of_others(mut self, reader: Option<Reader>) -> Self {
        self.foreign = reader.map_or(Foreign::Refused, Foreign::ByChild);
        self
    }

    /// The same, refusing rasters and features beyond a budget.
    #[must_use]
    pub fn within(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The same, with a place for what comes inside the inputs.
    #[must_use]
    pub fn keeping_in(mut self, inbox: Inbox) -> Self {
        self.inbox = inbox;
        self
    }

    /// Has a raster that came inside the inputs rewritten before it is opened here.
    pub(super) fn plain_raster(&self, path: &Path) -> Result<(), String> {
        if !self.inbox.holds(path) {
            return Ok(());
        }
        let done = self.inbox.rewritten(path, || match &self.foreign {
            Foreign::Here => Ok(()),
            Foreign::Refused => Err(ReadError::Machine(REFUSED.to_owned())),
            Foreign::ByChild(reader) => reader.raster(path),
        });
        done.map_err(|e| self.words(e))
    }

    /// Whether this tells of a limit, and nothing of what was read.
    pub(super) fn is_limit(&self, message: &str) -> bool {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|own| own == message)
    }

    fn words(&self, error: ReadError) -> String {
        let text = error.to_string();
        match error {
            ReadError::Limit(_) => {
                self.limits.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone());
            }
            ReadError::Machine(reason) => tracing::error!(reason, "a file of a caller cannot be read"),
            ReadError::File(_) | ReadError::Stopped => {}
        }
        text
    }

    fn locate<'b>(&'b self, input: &'b str, file: &'b FileInput) -> Result<Located<'b>, ProcessError> {
        let (input, href, mut media_type) = match file {
            FileInput::Link { href, media_type } => {
                (Cow::Owned(format!("{input}.href")), href, media_type.as_deref())
            }
            FileInput::Path(path) => (Cow::Borrowed(input), path, None),
            FileInput::Value(value) => {
                let (input, place) = (Cow::Borrowed(input), Place::Inline(value));
                return Ok(Located { input, place, media_type: None, source: self });
            }
        };
        let place = if href.starts_with("data:") {
            // The file's ending says what it holds.
            let kept = self.inbox.data(href, media_type.take());
            Place::Local(kept.map_err(|e| ProcessError::input(input.as_ref(), e))?)
        } else if href.starts_with("http://") || href.starts_with("https://") {
            Place::Remote(href)
        } else {
            Place::Local(self.base.join(href.strip_prefix("file://").unwrap_or(href)))
        };
        Ok(Located { input, place, media_type, source: self })
    }
}

impl Located<'_> {
    /// What errors call it. A link's query may carry a signature that is nobody else's business.
    fn name(&self) -> String {
        match &self.place {
            Place::Local(path) => named(&path).to_string(),
            Place::Remote(link) => shown(link).to_owned(),
            Place::Inline(_) => "the object".to_owned(),
        }
    }

    fn refuse(&self, reason: impl std::fmt::Display) -> ProcessError {
        ProcessError::input(self.input.as_ref(), reason)
    }

    fn bytes(&self) -> Result<Vec<u8>, ProcessError> {
        match &self.place {
            Place::Inline(value) => serde_json::to_vec(value).map_err(|e| self.refuse(e)),
            Place::Local(path) => std::fs::read(path).map_err(|e| self.refuse(unreadable(path, &e))),
            Place::Remote(link) => self.source.fetcher.bytes(link, MAX_FETCH).map_err(|e| self.refuse(e)),
        }
    }

    /// The format of features, by the media type or the ending.
    fn vector_format(&self) -> Option<VectorFormat> {
        if matches!(self.place, Place::Inline(_)) {
            return Some(VectorFormat::GeoJson);
        }
        let of_type =
            self.media_type.and_then(|m| VectorFormat::of_name(&format!("x.{}", outputs::extension(m))));
        of_type.or_else(|| VectorFormat::of_name(&self.name()))
    }

    /// Who reads it where it came inside the inputs of others, and from which file.
    fn by_child(&self) -> Result<Option<(&Reader, PathBuf)>, ProcessError> {
        let inside = match &self.place {
            Place::Inline(_) => true,
            Place::Local(path) => self.source.inbox.holds(path),
            Place::Remote(_) => false,
        };
        match &self.source.foreign {
            Foreign::Here => Ok(None),
            _ if !inside => Ok(None),
            Foreign::Refused => Err(self.refuse(REFUSED)),
            Foreign::ByChild(reader) => {
                let path = match &self.place {
                    Place::Local(path) => path.clone(),
                    _ => self.source.inbox.value(&self.bytes()?, "json").map_err(|e| self.refuse(e))?,
                };
                Ok(Some((reader, path)))
            }
        }
    }

    fn unread(&self, error: ReadError) -> ProcessError {
        self.refuse(self.source.words(error))
    }

    fn features(&self) -> Result<VectorData, ProcessError> {
        let io = |e: IoError| self.refuse(e);
        if let Some((reader, path)) = self.by_child()? {
            let format = self.vector_format().ok_or_else(|| self.unknown_format())?;
            return reader.features(&self.name(), &path, format).map_err(|e| self.unread(e));
        }
        match (&self.place, self.vector_format()) {
            (Place::Local(path), None | Some(VectorFormat::GeoPackage | VectorFormat::Shapefile)) => {
                std::fs::metadata(path).map_err(|e| self.refuse(unreadable(path, &e)))?;
                vectors::read(path).map_err(io)
            }
            (_, Some(format)) => vectors::parse(&self.name(), format, &self.bytes()?).map_err(io),
            (_, None) => Err(self.unknown_format()),
        }
    }

    fn unknown_format(&self) -> ProcessError {
        self.refuse(format_args!(
            "{}: its format is not known; give the media type as `type` beside `href`",
            self.name()
        ))
    }

    fn rows(
        &self,
        crs: Option<&Crs>,
        definition: Option<&str>,
    ) -> Result<Result<MineRows, RowsError>, ProcessError> {
        if let Some((reader, path)) = self.by_child()? {
            let format = self.vector_format().ok_or_else(|| self.unknown_format())?;
            return reader.mines(&self.name(), &path, format, definition).map_err(|e| self.unread(e));
        }
        Ok(match (&self.place, self.vector_format()) {
            (Place::Local(path), None | Some(VectorFormat::GeoPackage | VectorFormat::Shapefile)) => {
                std::fs::metadata(path).map_err(|e| self.refuse(unreadable(path, &e)))?;
                vector_rows::read(path, crs)
            }
            (_, Some(format)) => vector_rows::parse(&self.name(), format, &self.bytes()?, crs),
            (_, None) => return Err(self.unknown_format()),
        })
    }
}

fn is_line(geometry: &geo::Geometry<f64>) -> bool {
    use geo::Geometry::{Line, LineString, MultiLineString};
    matches!(geometry, Line(_) | LineString(_) | MultiLineString(_))
}

/// Why a path cannot be read, with the way out.
fn unreadable(path: &Path, error: &std::io::Error) -> String {
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => "does not exist (paths are relative to the inputs file)".to_owned(),
        std::io::ErrorKind::IsADirectory => "is a folder, expected a file".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    format!("{} {reason}", named(&path))
}

/// Checks the vertices of features.
fn vertices_within(budget: &Budget, table: &FeatureTable) -> Result<(), OverBudget> {
    budget.geometries(table.features.iter().map(|feature| feature.geometry.coords_count()))
}

impl DataSource for LocalSource<'_> {
    fn cube(&self, cube: &CubeInput, request: &CubeRequest) -> Result<DataCube, ProcessError> {
        let sources = scene_sources("cube", cube);
        open_cube(&sources, &self.base, request).map_err(|e| ProcessError::input(e.path, e.message))
    }

    fn features(&self, input: &str, file: &FileInput) -> Result<FeatureTable, ProcessError> {
        let located = self.locate(input, file)?;
        let data = located.features()?;
        for note in &data.notes {
            self.progress.note(&format!("{input}: {}: {note}", located.name()));
        }
        let lines = data.table.features.iter().filter(|f| is_line(&f.geometry)).count();
        if lines > 0 {
            let all = data.table.features.len();
            return Err(located.refuse(format_args!(
                "{}: {lines} of its {all} features are lines, which cover no pixel; give points or polygons (a buffer \
                 around a line is one)",
                located.name()
            )));
        }
        if data.without_geometry > 0 {
            let (lost, all) = (data.without_geometry, data.without_geometry + data.table.features.len());
            self.progress
                .note(&format!("{input}: {lost} of {all} features have no geometry and are left out"));
        }
        if data.table.features.is_empty() {
            return Err(ProcessError::input(
                input,
                "it holds no feature with a geometry; give a file with at least one point or polygon",
            ));
        }
        vertices_within(&self.budget, &data.table).map_err(|over| ProcessError::input(input, over))?;
        Ok(data.table)
    }

    fn mines(&self, input: &str, file: &FileInput, crs: Option<&str>) -> Result<MineRows, ProcessError> {
        let crs_input = format!("{input}Crs");
        let parsed = crs.map(Crs::parse).transpose().map_err(|e| ProcessError::input(&crs_input, e))?;
        let located = self.locate(input, file)?;
        let rows = located.rows(parsed.as_ref(), crs)?.map_err(|e| match e {
            RowsError::File(e) => located.refuse(e),
            far @ RowsError::NoLonLat { .. } => located.refuse(format_args!("{far} as `{crs_input}`")),
        })?;
        vertices_within(&self.budget, &rows.table).map_err(|over| located.refuse(over))?;
        Ok(rows)
    }

    fn series(&self, input: &str, file: &FileInput) -> Result<Option<SeriesTable>, ProcessError> {
        let located = self.locate(input, file)?;
        if located.vector_format() != Some(VectorFormat::Csv) {
            return Ok(None);
        }
        if let Some((reader, path)) = located.by_child()? {
            return reader.series(&located.name(), &path).map_err(|e| located.unread(e));
        }
        let bytes = located.bytes()?;
        // What is text in no encoding is told by who reads it.
        let Ok(text::Decoded { text, note }) = text::decode(&bytes) else { return Ok(None) };
        if !series_csv::is_series(text.as_bytes()) {
            return Ok(None);
        }
        if let Some(note) = note {
            self.progress.note(&format!("{input}: {}: {note}", located.name()));
        }
        series_csv::parse(&located.name(), text.as_bytes()).map(Some).map_err(|e| located.refuse(e))
    }

    fn raster(&self, input: &str, file: &FileInput) -> Result<Box<dyn RasterReader>, ProcessError> {
        let located = self.locate(input, file)?;
        let place = match &located.place {
            Place::Local(path) => {
                std::fs::metadata(path).map_err(|e| located.refuse(unreadable(path, &e)))?;
                self.plain_raster(path).map_err(|e| located.refuse(e))?;
                raster_file::Place::File(path.clone())
            }
            Place::Remote(link) => raster_file::Place::Link((*link).to_owned()),
            Place::Inline(_) => return Err(located.refuse("expected a path or link to a raster")),
        };
        let raster = RasterOnGrid::open(&place).map_err(|e| located.refuse(e))?;
        let (rows, cols) = (raster.grid().rows, raster.grid().cols);
        let fits = self.budget.raster(rows, cols);
        fits.map_err(|over| located.refuse(format_args!("{} {over}", located.name())))?;
        Ok(Box::new(raster))
    }

    fn bytes(&self, input: &str, file: &FileInput) -> Result<Vec<u8>, ProcessError> {
        self.locate(input, file)?.bytes()
    }
}

impl RasterReader for RasterOnGrid {
    fn grid(&self) -> &GeoBox {
        self.grid()
    }

    fn legend(&self) -> Option<&Legend> {
        self.legend()
    }

    fn read(&self, grid: &GeoBox, window: Window, method: Resampling) -> Result<Plane<f32>, ProcessError> {
        self.read(grid, window, method).map_err(ProcessError::failed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::process::Silent;

    #[test]
    fn mines_come_from_files_and_objects_and_their_crs_is_asked_for_by_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mines.csv"), "name,x,y\na,700000,3090000\n").unwrap();
        let source = LocalSource::new(folder.path(), &Silent);
        let file: FileInput = serde_json::from_value(json!({"href": "mines.csv"})).unwrap();
        let error = source.mines("mines", &file, None).unwrap_err().to_string();
        assert!(error.contains("input `mines.href`") && error.contains("as `minesCrs`"), "{error}");
        let error = source.mines("mines", &file, Some("EPSG:nonsense")).unwrap_err().to_string();
        assert!(error.contains("input `minesCrs`"), "{error}");
        let found = source.mines("mines", &file, Some("EPSG:32649")).unwrap();
        assert_eq!((found.rows.as_slice(), found.problems.len()), (&[2][..], 0));

        let object = json!({"type": "FeatureCollection", "features": [
            {"type": "Feature", "id": 9, "properties": {}, "geometry": {"type": "Point", "coordinates": [113, 28]}},
            {"type": "Feature", "properties": {}, "geometry": null}
        ]});
        let object: FileInput = serde_json::from_value(object).unwrap();
        let found = source.mines("mines", &object, None).unwrap();
        assert_eq!(found.table.features[0].properties["id"], crate::vector::Value::Integer(9));
        assert_eq!((found.rows.as_slice(), found.problems[0].row), (&[1][..], 2));
        let gone: FileInput = serde_json::from_value(json!("gone.gpkg")).unwrap();
        assert!(source.mines("mines", &gone, None).unwrap_err().to_string().contains("does not exist"));
    }
}
