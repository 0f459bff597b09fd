//! GeoPackage, through GDAL: one layer with a spatial index, and its style in the table
//! `layer_styles`, where QGIS looks for it.

use std::path::{Path, PathBuf};

use gdal::errors::GdalError;
use gdal::vector::sql::Dialect;
use gdal::vector::{Feature, FieldDefn, LayerAccess, LayerOptions, OGRFieldType, OGRwkbGeometryType, ToGdal};
use gdal::{Dataset, DatasetOptions, DriverManager, GdalOpenFlags, config};
use geo::{Geometry, MultiPolygon};

use super::{Backend, IoError, Row};
use crate::io::gdal_setup;
use crate::vector::{FeatureSchema, Field, FieldKind, GeometryKind, Value};

pub(super) struct Writer {
    path: PathBuf,
    layer: String,
    kind: GeometryKind,
    /// The column of geometries.
    geometry: String,
    dataset: Dataset,
}

impl Writer {
    pub(super) fn create(
        path: &Path,
        layer: &str,
        schema: &FeatureSchema,
        style: &str,
    ) -> Result<Self, IoError> {
        gdal_setup::setup();
        let geometry = beside("geom", &schema.fields);
        let reference =
            schema.crs.to_spatial_ref().map_err(|e| IoError::crs(path.display().to_string(), e))?;
        let start = || -> Result<Dataset, GdalError> {
            let mut dataset = quick(|| DriverManager::get_driver_by_name("GPKG")?.create_vector_only(path))?;
            let (name, fid) =
                (format!("GEOMETRY_NAME={geometry}"), format!("FID={}", beside("fid", &schema.fields)));
            dataset.create_layer(LayerOptions {
                name: layer,
                srs: Some(&reference),
                ty: match schema.geometry {
                    GeometryKind::Point => OGRwkbGeometryType::wkbPoint,
                    GeometryKind::Polygon => OGRwkbGeometryType::wkbMultiPolygon,
                    GeometryKind::Any => OGRwkbGeometryType::wkbUnknown,
                },
                // The index is made at the end, where a failure is told.
                options: Some(&["SPATIAL_INDEX=NO", &name, &fid]),
            })?;
            // By SQL, as the safe way through GDAL knows no columns of true and false.
            for field in &schema.fields {
                let kind = match field.kind {
                    FieldKind::Text => "TEXT",
                    FieldKind::Integer => "INTEGER",
                    FieldKind::Real => "REAL",
                    FieldKind::Boolean => "BOOLEAN",
                };
                let add = format!("ALTER TABLE {} ADD COLUMN {} {kind}", quoted(layer), quoted(&field.name));
                dataset.execute_sql(add, None, Dialect::DEFAULT)?;
            }
            style_table(&mut dataset, layer, &geometry, style)?;
            dataset.close()?;
            // Opened anew it knows the columns.
            let options = DatasetOptions {
                open_flags: GdalOpenFlags::GDAL_OF_VECTOR | GdalOpenFlags::GDAL_OF_UPDATE,
                allowed_drivers: Some(&["GPKG"]),
                ..DatasetOptions::default()
            };
            quick(|| Dataset::open_ex(path, options))
        };
        // GDAL adds to a file that is there.
        let _ = std::fs::remove_file(path);
        let dataset = start().map_err(|e| IoError::write(path, e))?;
        Ok(Self { path: path.to_owned(), layer: layer.to_owned(), kind: schema.geometry, geometry, dataset })
    }

    fn batch(&mut self, rows: Vec<Row>) -> Result<(), GdalError> {
        let transaction = self.dataset.start_transaction()?;
        let layer = transaction.layer_by_name(&self.layer)?;
        for Row { geometry, values } in rows {
            let mut feature = Feature::new(layer.defn())?;
            for (i, value) in values.iter().enumerate() {
                match value {
                    Value::Null => feature.set_field_null(i)?,
                    Value::Bool(v) => feature.set_field_integer(i, i32::from(*v))?,
                    Value::Integer(v) => feature.set_field_integer64(i, *v)?,
                    Value::Number(v) => feature.set_field_double(i, *v)?,
                    Value::Text(v) => feature.set_field_string(i, v)?,
                }
            }
            let geometry = match geometry {
                Geometry::Polygon(polygon) if self.kind == GeometryKind::Polygon => {
                    MultiPolygon(vec![polygon]).to_gdal()?
                }
                other => other.to_gdal()?,
            };
            feature.set_geometry(geometry)?;
            feature.create(&layer)?;
        }
        transaction.commit()
    }
}

impl Backend for Writer {
    fn write(&mut self, rows: Vec<Row>) -> Result<(), IoError> {
        self.batch(rows).map_err(|e| unwritten(&self.path, &e))
    }

    fn finish(self: Box<Self>) -> Result<(), IoError> {
        let Self { path, layer, geometry, mut dataset, .. } = *self;
        let mut end = || -> Result<(), GdalError> {
            dataset.flush_cache()?;
            let layer = layer.replace('\'', "''");
            let index = format!("SELECT CreateSpatialIndex('{layer}', '{geometry}')");
            dataset.execute_sql(index, None, Dialect::DEFAULT)?;
            dataset.flush_cache()
        };
        end().map_err(|e| unwritten(&path, &e))?;
        dataset.close().map_err(|e| IoError::write(&path, e))
    }
}

/// A name as it stands in SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name of a column of the format's own: as it is wanted, or like it where a field has it.
fn beside(wanted: &str, fields: &[Field]) -> String {
    let mut name = wanted.to_owned();
    while fields.iter().any(|field| field.name.eq_ignore_ascii_case(&name)) {
        name.push('_');
    }
    name
}

/// GDAL keeps to itself what the system said.
fn unwritten(path: &Path, error: &GdalError) -> IoError {
    IoError::write(path, format!("{error}; the disk may be full"))
}

/// Runs with SQLite not waiting for the disk: what is unfinished after a crash is thrown away
/// anyway, and what is finished is synchronised as a whole.
fn quick<T>(run: impl FnOnce() -> Result<T, GdalError>) -> Result<T, GdalError> {
    let key = "OGR_SQLITE_SYNCHRONOUS";
    let set = config::get_thread_local_config_option(key, "").is_ok_and(|v| v.is_empty());
    if set {
        let _ = config::set_thread_local_config_option(key, "OFF");
    }
    let result = run();
    if set {
        let _ = config::clear_thread_local_config_option(key);
    }
    result
}

/// The table `layer_styles` as QGIS makes it, with the style of the layer as its default.
fn style_table(dataset: &mut Dataset, layer: &str, geometry: &str, style: &str) -> Result<(), GdalError> {
    let columns = [
        ("f_table_catalog", OGRFieldType::OFTString, 256),
        ("f_table_schema", OGRFieldType::OFTString, 256),
        ("f_table_name", OGRFieldType::OFTString, 256),
        ("f_geometry_column", OGRFieldType::OFTString, 256),
        ("styleName", OGRFieldType::OFTString, 30),
        ("styleQML", OGRFieldType::OFTString, 0),
        ("styleSLD", OGRFieldType::OFTString, 0),
        ("useAsDefault", OGRFieldType::OFTInteger, 0),
        ("description", OGRFieldType::OFTString, 0),
        ("owner", OGRFieldType::OFTString, 30),
        ("ui", OGRFieldType::OFTString, 30),
        ("update_time", OGRFieldType::OFTDateTime, 0),
    ];
    let table = dataset.create_layer(LayerOptions {
        name: "layer_styles",
        srs: None,
        ty: OGRwkbGeometryType::wkbNone,
        options: Some(&["FID=id"]),
    })?;
    for (name, kind, width) in columns {
        let column = FieldDefn::new(name, kind)?;
        if width > 0 {
            column.set_width(width);
        }
        column.add_to_layer(&table)?;
    }
    let mut row = Feature::new(table.defn())?;
    let texts = [
        ("f_table_catalog", ""),
        ("f_table_schema", ""),
        ("f_table_name", layer),
        ("f_geometry_column", geometry),
        ("styleName", layer),
        ("styleQML", style),
        ("styleSLD", ""),
        ("description", ""),
        ("owner", ""),
        // When it was written does not matter, and would make every file another.
        ("update_time", "2000-01-01T00:00:00.000Z"),
    ];
    for (name, text) in texts {
        row.set_field_string(row.field_index(name)?, text)?;
    }
    row.set_field_integer(row.field_index("useAsDefault")?, 1)?;
    row.create(&table)
}
