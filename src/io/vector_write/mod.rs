//! Writes features as a stream: GeoJSON, GeoPackage, FlatGeobuf or a table, each with its fields.
//!
//! Features wait in batches of some thousands (one call of PROJ, one transaction a batch), so that
//! memory does not grow with their number; FlatGeobuf alone keeps an index entry for each.

pub(super) mod antimeridian;
mod flatgeobuf;
mod geojson;
mod geopackage;
pub(super) mod lon_lat;
mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use geo::{CoordsIter, Geometry};

use super::IoError;
use crate::classmap::Symbol;
use crate::style::qml;
use crate::vector::{FeatureSchema, FieldKind, Value};

/// Most features and vertices that wait to be written.
const BATCH: (usize, usize) = (8192, 1 << 20);

/// The formats that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureFormat {
    /// RFC 7946: longitude and latitude on WGS 84, cut at the antimeridian, ids from 1.
    GeoJson,
    /// A GeoPackage of one layer in the CRS of the features, with its style inside.
    GeoPackage,
    /// FlatGeobuf 3 with an index, in the CRS of the features.
    FlatGeobuf,
    /// A table with `lon` and `lat` of the point, or of a point inside the polygon.
    Csv,
}

impl FeatureFormat {
    /// The ending of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::GeoJson => "geojson",
            Self::GeoPackage => "gpkg",
            Self::FlatGeobuf => "fgb",
            Self::Csv => "csv",
        }
    }

    /// Whether a `.qml` stands beside its files, which QGIS takes up by itself.
    pub fn styled(self) -> bool {
        self != Self::Csv
    }
}

/// A feature on its way: its geometry in the schema's CRS, a value a field.
struct Row {
    geometry: Geometry<f64>,
    values: Vec<Value>,
}

/// Writes one format.
trait Backend: Send {
    /// Writes features, in order.
    fn write(&mut self, rows: Vec<Row>) -> Result<(), IoError>;
    /// Ends the file.
    fn finish(self: Box<Self>) -> Result<(), IoError>;
}

/// Writes features one by one into a file of one of the [formats](FeatureFormat).
pub struct VectorWriter {
    path: PathBuf,
    schema: FeatureSchema,
    backend: Box<dyn Backend>,
    rows: Vec<Row>,
    vertices: usize,
    written: usize,
    style: Option<String>,
}

impl VectorWriter {
    /// Starts a file at `path`; the layer is called as the file without its ending.
    ///
    /// # Errors
    /// [`IoError`] names the file: no permission, disk full, a CRS that the format cannot hold, a
    /// style that `styles/features.json` does not have.
    pub fn create(path: &Path, schema: &FeatureSchema, format: FeatureFormat) -> Result<Self, IoError> {
        let layer = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let symbol = Symbol::of(schema.style)
            .ok_or_else(|| IoError::write(path, format!("there is no style `{}`", schema.style)))?;
        let style = qml::of_features(symbol);
        let backend: Box<dyn Backend> = match format {
            FeatureFormat::GeoJson => Box::new(geojson::Writer::create(path, &layer, schema)?),
            FeatureFormat::GeoPackage => Box::new(geopackage::Writer::create(path, &layer, schema, &style)?),
            FeatureFormat::FlatGeobuf => Box::new(flatgeobuf::Writer::create(path, &layer, schema)?),
            FeatureFormat::Csv => Box::new(table::Writer::create(path, schema)?),
        };
        Ok(Self {
            path: path.to_owned(),
            schema: schema.clone(),
            backend,
            rows: Vec::new(),
            vertices: 0,
            written: 0,
            style: format.styled().then_some(style),
        })
    }

    /// Takes a feature: its geometry in the schema's CRS, exteriors counter-clockwise with north
    /// up, and a value a field. Numbers that are not finite become null.
    ///
    /// # Errors
    /// [`IoError::Write`]: disk full, an empty geometry, values that are not those of the schema.
    pub fn push(&mut self, geometry: &Geometry<f64>, values: &[Value]) -> Result<(), IoError> {
        let number = self.written + self.rows.len() + 1;
        let refuse = |reason: String| IoError::write(&self.path, format!("feature {number}: {reason}"));
        let vertices = geometry.coords_count();
        if vertices == 0 {
            return Err(refuse("its geometry is empty".to_owned()));
        }
        let values = fitting(&self.schema, values).map_err(refuse)?;
        self.rows.push(Row { geometry: geometry.clone(), values });
        self.vertices += vertices;
        if self.rows.len() >= BATCH.0 || self.vertices >= BATCH.1 { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), IoError> {
        let rows = std::mem::take(&mut self.rows);
        self.written += rows.len();
        self.vertices = 0;
        if rows.is_empty() { Ok(()) } else { self.backend.write(rows) }
    }

    /// Ends the file and writes its style beside it. Returns the files that were written.
    ///
    /// # Errors
    /// [`IoError::Write`]: disk full; nothing is left behind.
    pub fn finish(mut self) -> Result<Vec<PathBuf>, IoError> {
        let flushed = self.flush();
        let Self { path, backend, style, .. } = self;
        let written = flushed.and_then(|()| backend.finish()).and_then(|()| {
            let mut files = vec![path.clone()];
            if let Some(style) = style {
                let beside = path.with_extension("qml");
                std::fs::write(&beside, style).map_err(|e| IoError::write(&beside, e))?;
                files.push(beside);
            }
            Ok(files)
        });
        if written.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        written
    }
}

impl std::fmt::Debug for VectorWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VectorWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The values as the fields hold them.
fn fitting(schema: &FeatureSchema, values: &[Value]) -> Result<Vec<Value>, String> {
    if values.len() != schema.fields.len() {
        return Err(format!("{} values for {} fields", values.len(), schema.fields.len()));
    }
    let fit = |(field, value): (&crate::vector::Field, &Value)| match (field.kind, value) {
        (_, Value::Null) => Ok(Value::Null),
        (FieldKind::Integer | FieldKind::Real, Value::Number(n)) if !n.is_finite() => Ok(Value::Null),
        (FieldKind::Integer, Value::Number(n)) if n.abs() < 9e18 => Ok(Value::Integer(n.round() as i64)),
        (FieldKind::Real, Value::Integer(n)) => Ok(Value::Number(*n as f64)),
        (FieldKind::Integer, Value::Integer(_))
        | (FieldKind::Real, Value::Number(_))
        | (FieldKind::Boolean, Value::Bool(_)) => Ok(value.clone()),
        // A null byte ends a text for GDAL, and stands in nobody's table.
        (FieldKind::Text, value) => Ok(Value::Text(value.to_string().replace('\0', ""))),
        (kind, value) => Err(format!("`{value}` in field {}, which is {kind:?}", field.name)),
    };
    schema.fields.iter().zip(values).map(fit).collect()
}
