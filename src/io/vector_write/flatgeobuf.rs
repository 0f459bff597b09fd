//! FlatGeobuf 3, through the `flatgeobuf` crate: features go to an unnamed file in the
//! folder for such (commands put it beside their results), and are in the order of the index at the end.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use flatgeobuf::{ColumnType, FgbCrs, FgbWriter, FgbWriterOptions, GeometryType};
use geozero::{ColumnValue, PropertyProcessor};

use super::{Backend, IoError, Row};
use crate::vector::{FeatureSchema, Field, FieldKind, GeometryKind, Value};

pub(super) struct Writer {
    path: PathBuf,
    fields: Vec<Field>,
    out: BufWriter<File>,
    inner: FgbWriter<'static>,
}

impl Writer {
    pub(super) fn create(path: &Path, layer: &str, schema: &FeatureSchema) -> Result<Self, IoError> {
        let fail = |e: &dyn std::fmt::Display| IoError::write(path, e);
        let out = BufWriter::with_capacity(1 << 20, File::create(path).map_err(|e| fail(&e))?);
        let name = schema.crs.name();
        let code = schema.crs.epsg().and_then(|code| i32::try_from(code).ok());
        let crs = FgbCrs {
            org: code.map(|_| "EPSG"),
            code: code.unwrap_or(0),
            name: Some(&name),
            wkt: Some(schema.crs.wkt()),
            ..FgbCrs::default()
        };
        let (kind, many) = match schema.geometry {
            GeometryKind::Point => (GeometryType::Point, false),
            GeometryKind::Polygon => (GeometryType::MultiPolygon, true),
            GeometryKind::Any => (GeometryType::Unknown, false),
        };
        let options = FgbWriterOptions {
            detect_type: false,
            promote_to_multi: many,
            crs,
            ..FgbWriterOptions::default()
        };
        let mut inner = FgbWriter::create_with_options(layer, kind, options).map_err(|e| fail(&e))?;
        for field in &schema.fields {
            let kind = match field.kind {
                FieldKind::Text => ColumnType::String,
                FieldKind::Integer => ColumnType::Long,
                FieldKind::Real => ColumnType::Double,
                FieldKind::Boolean => ColumnType::Bool,
            };
            inner.add_column(&field.name, kind, |_, _| {});
        }
        Ok(Self { path: path.to_owned(), fields: schema.fields.clone(), out, inner })
    }
}

impl Backend for Writer {
    fn write(&mut self, rows: Vec<Row>) -> Result<(), IoError> {
        let fields = &self.fields;
        for Row { geometry, values } in rows {
            let mut told = Ok(false);
            let added = self.inner.add_feature_geom(geometry, |feature| {
                for (i, (field, value)) in fields.iter().zip(&values).enumerate() {
                    let value = match value {
                        Value::Null => continue,
                        Value::Bool(v) => ColumnValue::Bool(*v),
                        Value::Integer(v) => ColumnValue::Long(*v),
                        Value::Number(v) => ColumnValue::Double(*v),
                        Value::Text(v) => ColumnValue::String(v),
                    };
                    if told.is_ok() {
                        told = feature.property(i, &field.name, &value);
                    }
                }
            });
            added.and(told).map_err(|e| IoError::write(&self.path, e))?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), IoError> {
        let Self { path, mut out, inner, .. } = *self;
        inner.write(&mut out).map_err(|e| IoError::write(&path, e))?;
        out.flush().map_err(|e| IoError::write(&path, e))
    }
}
