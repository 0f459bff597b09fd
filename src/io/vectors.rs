//! Points and polygons with their properties from GeoJSON, GML, FlatGeobuf, GeoPackage, Shapefile and
//! CSV, brought to longitude and latitude on WGS 84.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::panic::AssertUnwindSafe;
use std::path::Path;

use flatgeobuf::{FallibleStreamingIterator, FgbReader};
use gdal::vector::sql::Dialect;
use gdal::vector::{FieldValue, LayerAccess, OGRwkbGeometryType};
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};
use geo::{CoordsIter, Geometry};
use geozero::error::Result as GeozeroResult;
use geozero::geo_types::GeoWriter;
use geozero::geojson::GeoJson;
use geozero::wkb::Wkb;
use geozero::{
    ColumnValue, FeatureProcessor, FeatureProperties, GeomProcessor, GeozeroDatasource, PropertyProcessor,
    ToGeo,
};

use super::{IoError, gdal_setup};
use crate::crs::Crs;
use crate::vector::{Feature, FeatureTable, Value, reproject};

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorFormat {
    /// RFC 7946, or older GeoJSON with a `crs` member.
    GeoJson,
    /// GML 2.1.2, 3.1 or 3.2.
    Gml,
    /// FlatGeobuf 3.
    FlatGeobuf,
    /// A GeoPackage with one layer of geometries.
    GeoPackage,
    /// A Shapefile with its .shx, .dbf and .prj.
    Shapefile,
    /// A table with columns `lon` and `lat` (or `longitude`, `latitude`; `x`, `y`).
    Csv,
}

impl VectorFormat {
    /// The format of a file name, by its ending.
    pub fn of_name(name: &str) -> Option<Self> {
        let extension = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "geojson" | "json" => Self::GeoJson,
            "gml" | "xml" => Self::Gml,
            "fgb" => Self::FlatGeobuf,
            "gpkg" => Self::GeoPackage,
            "shp" => Self::Shapefile,
            "csv" | "tsv" | "txt" => Self::Csv,
            _ => return None,
        })
    }
}

/// What was read from a source of features.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VectorData {
    /// The features that have a geometry, in the order of the file.
    pub table: FeatureTable,
    /// How many had none (null or empty) and were left out.
    pub without_geometry: usize,
}

/// Reads a file; its ending tells the format.
///
/// # Errors
/// [`IoError`] names the file (and, for tables, line and column): missing, of no known format,
/// damaged, several layers, or coordinates that are not longitude and latitude.
pub fn read(path: &Path) -> Result<VectorData, IoError> {
    let name = path.display().to_string();
    let format = VectorFormat::of_name(&name).ok_or_else(|| unknown_ending(&name))?;
    match format {
        VectorFormat::GeoPackage | VectorFormat::Shapefile => all_of(&name, raw_ogr(path, &name, format)?),
        _ => parse(&name, format, &std::fs::read(path).map_err(|e| IoError::read(&name, e))?),
    }
}

/// A file whose name does not tell its format.
pub(super) fn unknown_ending(name: &str) -> IoError {
    IoError::read(name, "its ending is none of .geojson, .json, .gml, .fgb, .gpkg, .shp, .csv")
}

/// Reads features from memory; `name` is what errors call them.
///
/// # Errors
/// As [`read`]; GeoPackage and Shapefile are read only from files.
pub fn parse(name: &str, format: VectorFormat, bytes: &[u8]) -> Result<VectorData, IoError> {
    match format {
        VectorFormat::GeoJson => from_geojson(name, bytes),
        VectorFormat::Gml => all_of(name, raw_gml(name, bytes)?),
        VectorFormat::FlatGeobuf => all_of(name, raw_flatgeobuf(name, bytes)?),
        VectorFormat::Csv => from_csv(name, bytes),
        VectorFormat::GeoPackage | VectorFormat::Shapefile => {
            Err(IoError::read(name, "a GeoPackage or Shapefile is read only from a file"))
        }
    }
}

/// A row of a file before it is judged.
#[derive(Debug)]
pub(super) struct RawRow {
    /// The line of a table, the number of a feature in other files.
    pub row: usize,
    /// Its geometry in the CRS of the file, or why it cannot be read, where there is one.
    pub geometry: Option<Result<Geometry<f64>, String>>,
    pub properties: BTreeMap<String, Value>,
    /// What was mended to read it.
    pub mended: Option<String>,
}

/// The rows of a file and the CRS that the file tells.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub rows: Vec<RawRow>,
    pub crs: Option<Crs>,
}

/// The features of rows, none of which may be damaged.
fn all_of(name: &str, raw: Raw) -> Result<VectorData, IoError> {
    let mut collector = Collector::default();
    for RawRow { row, geometry, properties, .. } in raw.rows {
        let geometry = geometry.transpose();
        let geometry = geometry.map_err(|e| IoError::read(name, format!("feature {row}: {e}")))?;
        collector.push(geometry, properties);
    }
    collector.finish(name, raw.crs.as_ref())
}

/// Collects features, counts those without geometry.
#[derive(Default)]
struct Collector {
    geometry: GeoWriter,
    properties: BTreeMap<String, Value>,
    data: VectorData,
}

impl Collector {
    fn push(&mut self, geometry: Option<Geometry<f64>>, properties: BTreeMap<String, Value>) {
        match geometry.filter(|g| g.coords_count() > 0) {
            Some(geometry) => self.data.table.features.push(Feature { geometry, properties }),
            None => self.data.without_geometry += 1,
        }
    }

    /// Brings everything to WGS 84 and checks that it is there.
    fn finish(mut self, name: &str, crs: Option<&Crs>) -> Result<VectorData, IoError> {
        let wgs84 = Crs::wgs84();
        let transformer = crs
            .filter(|crs| **crs != wgs84)
            .map(|crs| crs.transformer_to(&wgs84))
            .transpose()
            .map_err(|e| IoError::crs(name, e))?;
        for (number, feature) in (1..).zip(&mut self.data.table.features) {
            if let Some(transformer) = &transformer {
                reproject(&mut feature.geometry, transformer).map_err(|e| IoError::crs(name, e))?;
            }
            let outside = |c: &geo::Coord<f64>| !(c.x.abs() <= 360.0 && c.y.abs() <= 90.0);
            if let Some(c) = feature.geometry.coords_iter().find(outside) {
                return Err(IoError::read(
                    name,
                    format!(
                        "feature {number} has ({}, {}), which is no longitude and latitude; if the coordinates \
                         are projected, give their CRS (a .prj, or a format that carries it)",
                        c.x, c.y
                    ),
                ));
            }
        }
        Ok(self.data)
    }
}

/// Passes GeoJSON's events on to the geometry under construction.
macro_rules! forward {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {
        $(fn $method(&mut self, $($argument: $type),*) -> GeozeroResult<()> {
            self.geometry.$method($($argument),*)
        })*
    };
}

impl GeomProcessor for Collector {
    forward! {
        xy(x: f64, y: f64, idx: usize);
        point_begin(idx: usize);
        point_end(idx: usize);
        multipoint_begin(size: usize, idx: usize);
        multipoint_end(idx: usize);
        linestring_begin(tagged: bool, size: usize, idx: usize);
        linestring_end(tagged: bool, idx: usize);
        multilinestring_begin(size: usize, idx: usize);
        multilinestring_end(idx: usize);
        polygon_begin(tagged: bool, size: usize, idx: usize);
        polygon_end(tagged: bool, idx: usize);
        multipolygon_begin(size: usize, idx: usize);
        multipolygon_end(idx: usize);
        geometrycollection_begin(size: usize, idx: usize);
        geometrycollection_end(idx: usize);
    }
}

impl PropertyProcessor for Collector {
    fn property(&mut self, _: usize, name: &str, value: &ColumnValue) -> GeozeroResult<bool> {
        self.properties.insert(name.to_owned(), typed(value));
        Ok(false)
    }
}

impl FeatureProcessor for Collector {
    fn feature_end(&mut self, _: u64) -> GeozeroResult<()> {
        let geometry = self.geometry.take_geometry();
        let properties = std::mem::take(&mut self.properties);
        self.push(geometry, properties);
        Ok(())
    }
}

fn typed(value: &ColumnValue) -> Value {
    match *value {
        ColumnValue::Byte(v) => Value::Number(v.into()),
        ColumnValue::UByte(v) => Value::Number(v.into()),
        ColumnValue::Bool(v) => Value::Bool(v),
        ColumnValue::Short(v) => Value::Number(v.into()),
        ColumnValue::UShort(v) => Value::Number(v.into()),
        ColumnValue::Int(v) => Value::Number(v.into()),
        ColumnValue::UInt(v) => Value::Number(v.into()),
        ColumnValue::Long(v) => Value::Number(v as f64),
        ColumnValue::ULong(v) => Value::Number(v as f64),
        ColumnValue::Float(v) => Value::Number(v.into()),
        ColumnValue::Double(v) => Value::Number(v),
        ColumnValue::String(v) | ColumnValue::Json(v) | ColumnValue::DateTime(v) => Value::Text(v.to_owned()),
        ColumnValue::Binary(_) => Value::Null,
    }
}

fn from_geojson(name: &str, bytes: &[u8]) -> Result<VectorData, IoError> {
    let fail = |e: &dyn std::fmt::Display| IoError::read(name, format!("it is not GeoJSON: {e}"));
    let text = std::str::from_utf8(bytes).map_err(|e| fail(&e))?.trim_start_matches('\u{feff}');
    let mut collector = Collector::default();
    GeoJson(text).process(&mut collector).map_err(|e| fail(&e))?;
    // A bare geometry has no feature around it.
    if let Some(geometry) = collector.geometry.take_geometry() {
        collector.push(Some(geometry), BTreeMap::new());
    }
    let crs = old_geojson_crs(name, text)?;
    collector.finish(name, crs.as_ref())
}

/// The `crs` member of GeoJSON before RFC 7946, as GDAL and QGIS still write it.
pub(super) fn old_geojson_crs(name: &str, text: &str) -> Result<Option<Crs>, IoError> {
    if !text.contains("\"crs\"") {
        return Ok(None);
    }
    let head: GeoJsonHead = serde_json::from_str(text).map_err(|e| IoError::read(name, e))?;
    head.crs(name)
}

/// The part of GeoJSON that tells the CRS.
#[derive(serde::Deserialize)]
pub(super) struct GeoJsonHead {
    crs: Option<serde_json::Value>,
}

impl GeoJsonHead {
    pub(super) fn crs(&self, name: &str) -> Result<Option<Crs>, IoError> {
        let definition = self.crs.as_ref().and_then(|crs| crs.pointer("/properties/name"));
        let parsed = definition.and_then(serde_json::Value::as_str).map(Crs::parse);
        parsed.transpose().map_err(|e| IoError::crs(name, e))
    }
}

/// What takes the rows of a file as they are read: first the CRS that the file tells, then row by row.
pub(super) trait RowSink {
    /// The CRS of the geometries, where the file tells it.
    fn crs(&mut self, crs: Option<Crs>) -> Result<(), IoError>;
    /// A feature: its geometry, or why that cannot be read, where it has one; its properties.
    fn row(
        &mut self,
        geometry: Option<Result<Geometry<f64>, String>>,
        properties: Vec<(String, Value)>,
    ) -> Result<(), IoError>;
}

impl RowSink for Raw {
    fn crs(&mut self, crs: Option<Crs>) -> Result<(), IoError> {
        self.crs = crs;
        Ok(())
    }

    fn row(
        &mut self,
        geometry: Option<Result<Geometry<f64>, String>>,
        properties: Vec<(String, Value)>,
    ) -> Result<(), IoError> {
        let row = self.rows.len() + 1;
        self.rows.push(RawRow { row, geometry, properties: properties.into_iter().collect(), mended: None });
        Ok(())
    }
}

/// The rows of GML.
pub(super) fn raw_gml(name: &str, bytes: &[u8]) -> Result<Raw, IoError> {
    let mut raw = Raw::default();
    super::gml::each(name, bytes, &mut raw)?;
    Ok(raw)
}

/// The rows of FlatGeobuf.
pub(super) fn raw_flatgeobuf(name: &str, bytes: &[u8]) -> Result<Raw, IoError> {
    let mut raw = Raw::default();
    each_flatgeobuf(name, Cursor::new(bytes), &mut raw)?;
    Ok(raw)
}

/// Reads FlatGeobuf row by row. The reader trusts the lengths within a file, and panics where a
/// damaged one lies.
pub(super) fn each_flatgeobuf(name: &str, source: impl Read, sink: &mut dyn RowSink) -> Result<(), IoError> {
    std::panic::catch_unwind(AssertUnwindSafe(|| read_flatgeobuf(name, source, sink)))
        .unwrap_or_else(|_| Err(IoError::read(name, "it is damaged: lengths within the file do not fit")))
}

fn read_flatgeobuf(name: &str, source: impl Read, sink: &mut dyn RowSink) -> Result<(), IoError> {
    let fail = |e: &dyn std::fmt::Display| IoError::read(name, format!("it is not FlatGeobuf: {e}"));
    let reader = FgbReader::open(source).map_err(|e| fail(&e))?;
    let crs = reader.header().crs().and_then(|crs| {
        let code = crs.code();
        let epsg = crs.org().is_none_or(|org| org.eq_ignore_ascii_case("EPSG")) && code > 0;
        if epsg { Some(format!("EPSG:{code}")) } else { crs.wkt().map(str::to_owned) }
    });
    sink.crs(crs.map(|c| Crs::parse(&c)).transpose().map_err(|e| IoError::crs(name, e))?)?;
    let mut features = reader.select_all_seq().map_err(|e| fail(&e))?;
    while let Some(feature) = features.next().map_err(|e| fail(&e))? {
        let geometry = feature.geometry().map(|_| feature.to_geo().map_err(|e| e.to_string()));
        let mut properties = Properties::default();
        feature.process_properties(&mut properties).map_err(|e| fail(&e))?;
        sink.row(geometry, properties.0)?;
    }
    Ok(())
}

/// Properties in their order.
#[derive(Default)]
struct Properties(Vec<(String, Value)>);

impl PropertyProcessor for Properties {
    fn property(&mut self, _: usize, name: &str, value: &ColumnValue) -> GeozeroResult<bool> {
        self.0.push((name.to_owned(), typed(value)));
        Ok(false)
    }
}

/// The rows of a file that GDAL reads.
pub(super) fn raw_ogr(path: &Path, name: &str, format: VectorFormat) -> Result<Raw, IoError> {
    let mut raw = Raw::default();
    each_ogr(path, name, format, &mut raw)?;
    Ok(raw)
}

/// Reads a file that GDAL reads row by row.
pub(super) fn each_ogr(
    path: &Path,
    name: &str,
    format: VectorFormat,
    sink: &mut dyn RowSink,
) -> Result<(), IoError> {
    // GDAL's own words for a missing file name its drivers, not the mistake.
    std::fs::metadata(path).map_err(|e| IoError::read(name, e))?;
    let driver = if format == VectorFormat::GeoPackage { "GPKG" } else { "ESRI Shapefile" };
    let options = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_VECTOR | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR,
        allowed_drivers: Some(&[driver]),
        ..DatasetOptions::default()
    };
    let fail = |e: &dyn std::fmt::Display| IoError::read(name, format!("as {driver}: {e}"));
    gdal_setup::setup();
    let dataset = Dataset::open_ex(path, options).map_err(|e| fail(&e))?;
    // A GeoPackage also keeps tables without geometry, such as QGIS's styles.
    let mut layers: Vec<_> =
        dataset.layers().filter(|l| l.defn().geometry_type() != OGRwkbGeometryType::wkbNone).collect();
    if layers.len() > 1 {
        let names: Vec<_> = layers.iter().map(LayerAccess::name).collect();
        return Err(fail(&format!("it has {} layers ({}); keep one", names.len(), names.join(", "))));
    }
    let Some(mut layer) = layers.pop() else { return Err(fail(&"it has no layer of geometries")) };

    sink.crs(layer.spatial_ref().map(|s| Crs::from_spatial_ref(&s)).transpose().map_err(|e| fail(&e))?)?;
    let fields: Vec<String> = layer.defn().fields().map(|f| f.name()).collect();
    let flags = if format == VectorFormat::GeoPackage {
        flags(&dataset, &layer.name()).map_err(|e| fail(&e))?
    } else {
        Vec::new()
    };
    for feature in layer.features() {
        // By WKB: the direct way into geo knows no third dimension and no empty parts.
        let geometry = match feature.geometry() {
            Some(geometry) if geometry.has_gdal_ptr() && !geometry.is_empty() => {
                let mut flat = geometry.clone();
                flat.flatten_to_2d();
                let bytes = flat.wkb().map_err(|e| fail(&e))?;
                Some(Wkb(bytes).to_geo().map_err(|e| e.to_string()))
            }
            _ => None,
        };
        let properties = fields.iter().enumerate().map(|(i, field)| {
            let value = match feature.field(i) {
                Ok(Some(FieldValue::IntegerValue(v))) if flags.contains(field) => Value::Bool(v != 0),
                Ok(value) => value.map_or(Value::Null, field_value),
                // Times and binary fields: as text, where GDAL has one.
                Err(_) => feature.field_as_string(i).ok().flatten().map_or(Value::Null, Value::Text),
            };
            (field.clone(), value)
        });
        sink.row(geometry, properties.collect())?;
    }
    Ok(())
}

/// The columns of a GeoPackage that hold true and false, which GDAL's fields tell as whole numbers.
fn flags(dataset: &Dataset, layer: &str) -> gdal::errors::Result<Vec<String>> {
    let layer = layer.replace('\'', "''");
    let sql = format!("SELECT name FROM pragma_table_info('{layer}') WHERE upper(type) = 'BOOLEAN'");
    let Some(mut found) = dataset.execute_sql(sql, None, Dialect::DEFAULT)? else { return Ok(Vec::new()) };
    found.features().map(|row| Ok(row.field_as_string(0)?.unwrap_or_default())).collect()
}

fn field_value(value: FieldValue) -> Value {
    match value {
        FieldValue::IntegerValue(v) => Value::Number(v.into()),
        FieldValue::Integer64Value(v) => Value::Number(v as f64),
        FieldValue::RealValue(v) => Value::Number(v),
        FieldValue::StringValue(v) => Value::Text(v),
        FieldValue::DateValue(v) => Value::Text(v.to_string()),
        FieldValue::DateTimeValue(v) => Value::Text(v.to_string()),
        FieldValue::StringListValue(v) => Value::Text(v.join(", ")),
        other => Value::Text(format!("{other:?}")),
    }
}

/// The columns of longitude and latitude.
pub(super) fn columns_of_places(name: &str, header: &csv::StringRecord) -> Result<(usize, usize), IoError> {
    let column = |wanted: &str| header.iter().position(|h| h.trim().eq_ignore_ascii_case(wanted));
    let pairs = [("lon", "lat"), ("longitude", "latitude"), ("lng", "lat"), ("long", "lat"), ("x", "y")];
    let found = pairs.iter().find_map(|(x, y)| Some((column(x)?, column(y)?)));
    found.ok_or_else(|| {
        let columns: Vec<_> = header.iter().collect();
        let reason =
            format!("it has no columns `lon` and `lat` (or `x` and `y`), only {}", columns.join(", "));
        IoError::read(name, reason)
    })
}

fn from_csv(name: &str, bytes: &[u8]) -> Result<VectorData, IoError> {
    let mut table = super::series_csv::reader(bytes);
    let header = table.headers().map_err(|e| IoError::read(name, e))?.clone();
    let (x, y) = columns_of_places(name, &header)?;
    let mut collector = Collector::default();
    for record in table.records() {
        let record = record.map_err(|e| IoError::read(name, e))?;
        let line = record.position().map_or(0, csv::Position::line);
        let number = |at: usize| match Value::parse(&record[at]) {
            Value::Null => Ok(None),
            Value::Number(v) => Ok(Some(v)),
            _ => {
                let reason =
                    format!("line {line}, column {}: `{}` is not a number", &header[at], &record[at]);
                Err(IoError::read(name, reason))
            }
        };
        let point = number(x)?.zip(number(y)?).map(|(x, y)| geo::Point::new(x, y).into());
        let others = header.iter().zip(&record).enumerate().filter(|(i, _)| *i != x && *i != y);
        collector.push(point, others.map(|(_, (h, v))| (h.trim().to_owned(), Value::parse(v))).collect());
    }
    collector.finish(name, None)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use gdal::DriverManager;
    use gdal::spatial_ref::SpatialRef;
    use gdal::vector::{
        Feature as OgrFeature, FieldDefn, Geometry as OgrGeometry, LayerOptions, OGRFieldType,
    };

    use super::*;

    const GEOJSON: &str = r#"{"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"class": "rice", "id": 7, "ok": true, "none": null},
         "geometry": {"type": "Point", "coordinates": [113.1, 27.9]}},
        {"type": "Feature", "properties": {"class": "lost"}, "geometry": null},
        {"type": "Feature", "properties": {"class": "empty"}, "geometry": {"type": "Polygon", "coordinates": []}},
        {"type": "Feature", "properties": null, "geometry": {"type": "Polygon", "coordinates":
            [[[113, 27], [113.2, 27], [113.2, 27.1], [113, 27]], [[113.1, 27.01], [113.15, 27.01], [113.15, 27.02], [113.1, 27.01]]]}}
    ]}"#;

    fn point(data: &VectorData, at: usize) -> (f64, f64) {
        let Geometry::Point(p) = data.table.features[at].geometry else { panic!("not a point") };
        p.x_y()
    }

    fn close(a: (f64, f64), b: (f64, f64)) {
        assert!((a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9, "{a:?} {b:?}");
    }

    #[test]
    fn geojson_is_read_and_features_without_geometry_are_counted() {
        let data = parse("a.geojson", VectorFormat::GeoJson, GEOJSON.as_bytes()).unwrap();
        assert_eq!((data.table.features.len(), data.without_geometry), (2, 2));
        let first = &data.table.features[0].properties;
        assert_eq!(first["class"], Value::Text("rice".into()));
        assert_eq!((&first["id"], &first["ok"]), (&Value::Number(7.0), &Value::Bool(true)));
        let Geometry::Polygon(polygon) = &data.table.features[1].geometry else { panic!() };
        assert_eq!(polygon.interiors().len(), 1);
        let bare = br#"{"type": "Point", "coordinates": [1, 2, 3]}"#;
        close(point(&parse("b", VectorFormat::GeoJson, bare).unwrap(), 0), (1.0, 2.0));
    }

    #[test]
    fn geojson_with_an_older_crs_member_is_reprojected() {
        let text = r#"{"type": "FeatureCollection",
            "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32649"}},
            "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [700000, 3090000]}}]}"#;
        let data = parse("a.json", VectorFormat::GeoJson, text.as_bytes()).unwrap();
        assert!((113.0..113.1).contains(&point(&data, 0).0));
    }

    /// Writes features through OGR: points with height in UTM, one without geometry (which GDAL's FlatGeobuf
    /// cannot hold).
    fn write_ogr(driver: &str, path: &Path) {
        let driver = DriverManager::get_driver_by_name(driver).unwrap();
        let mut dataset = driver.create_vector_only(path).unwrap();
        let reference = SpatialRef::from_epsg(32649).unwrap();
        let layer = dataset
            .create_layer(LayerOptions {
                name: "samples",
                srs: Some(&reference),
                ty: OGRwkbGeometryType::wkbPoint25D,
                options: None,
            })
            .unwrap();
        for (name, kind) in [("class", OGRFieldType::OFTString), ("depth", OGRFieldType::OFTReal)] {
            FieldDefn::new(name, kind).unwrap().add_to_layer(&layer).unwrap();
        }
        let defn = layer.defn();
        for (wkt, class) in [
            (Some("POINT Z (700000 3090000 1)"), "rice"),
            (None, "lost"),
            (Some("POINT Z (700100 3090000 5)"), "corn"),
        ] {
            let mut feature = OgrFeature::new(defn).unwrap();
            feature.set_field_string(0, class).unwrap();
            if wkt.is_none() && driver.short_name() == "FlatGeobuf" {
                continue;
            }
            if let Some(wkt) = wkt {
                feature.set_geometry(OgrGeometry::from_wkt(wkt).unwrap()).unwrap();
            }
            feature.create(&layer).unwrap();
        }
    }

    #[test]
    fn geopackage_shapefile_and_flatgeobuf_give_the_same_points() {
        let folder = tempfile::tempdir().unwrap();
        let (mut xs, mut ys) = ([700_000.0, 700_100.0], [3_090_000.0; 2]);
        let utm = Crs::from_epsg(32649).unwrap();
        utm.transformer_to(&Crs::wgs84()).unwrap().apply(&mut xs, &mut ys).unwrap();
        for (driver, file) in [("GPKG", "a.gpkg"), ("ESRI Shapefile", "a.shp"), ("FlatGeobuf", "a.fgb")] {
            let path = folder.path().join(file);
            write_ogr(driver, &path);
            let data = read(&path).unwrap_or_else(|e| panic!("{file}: {e}"));
            let without = usize::from(driver != "FlatGeobuf");
            assert_eq!((data.table.features.len(), data.without_geometry), (2, without), "{file}");
            // FlatGeobuf orders features along a Hilbert curve.
            let classes = data.table.features.iter().map(|f| f.properties["class"].to_string());
            let rice = classes.clone().position(|c| c == "rice").unwrap();
            assert_eq!(classes.filter(|c| c == "corn").count(), 1, "{file}");
            close(point(&data, rice), (xs[0], ys[0]));
            close(point(&data, 1 - rice), (xs[1], ys[1]));
        }
    }

    #[test]
    fn tables_with_longitude_and_latitude_are_points() {
        let text = b"name;Lon;LAT;ore\nold pit;113.1;27.9;007\nunknown;;;Pb\n";
        let data = parse("mines.csv", VectorFormat::Csv, text).unwrap();
        assert_eq!(data.without_geometry, 1);
        close(point(&data, 0), (113.1, 27.9));
        assert_eq!(data.table.features[0].properties["ore"], Value::Text("007".into()));
    }

    #[test]
    fn damaged_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let fgb = folder.path().join("whole.fgb");
        write_ogr("FlatGeobuf", &fgb);
        let fgb = fs::read(fgb).unwrap();
        for (path, expected) in [
            (write("a.geojson", b"{\"type\": \"FeatureCollection\""), "not GeoJSON"),
            (write("short.geojson", br#"{"type": "Point", "coordinates": [1]}"#), "not GeoJSON"),
            (write("c.fgb", b"fgb?"), "not FlatGeobuf"),
            (write("cut.fgb", &fgb[..fgb.len() - 20]), "not FlatGeobuf"),
            (write("d.gpkg", b"SQLite format 3\0 but no more"), "as GPKG"),
            (write("e.shp", b"no"), "as ESRI Shapefile"),
            (write("f.csv", b"a,b\n1,2\n"), "only a, b"),
            (write("g.csv", b"lon,lat\n1,2\n3,north\n"), "line 3, column lat: `north`"),
            (write("h.csv", b"x,y\n700000,3090000\n"), "no longitude and latitude"),
            (write("i.kml", b""), "its ending is none of"),
            (folder.path().join("gone.gpkg"), "No such file"),
        ] {
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(error.contains(path.to_str().unwrap()), "{error}");
        }
    }
}
