//! Points and polygons with their properties from GeoJSON, GML, FlatGeobuf, GeoPackage, Shapefile and
//! CSV, brought to longitude and latitude on WGS 84.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek};
use std::panic::AssertUnwindSafe;
use std::path::Path;

use flatgeobuf::{FallibleStreamingIterator, FgbReader};
use gdal::vector::{FieldValue, LayerAccess, OGRwkbGeometryType};
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};
use geo::{CoordsIter, Geometry};
use geozero::error::Result as GeozeroResult;
use geozero::{ColumnValue, FeatureProperties, PropertyProcessor, ToGeo};
use serde::{Deserialize, Serialize};

use super::{IoError, flatgeobuf_lengths, gdal_setup, geojson, geopackage, shapefile, table, wkb};
use crate::crs::{Crs, Transformer};
use crate::named::named;
use crate::vector::{Feature, FeatureTable, Value, reproject};

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What the user should know of the file.
    pub notes: Vec<String>,
}

/// Reads a file; its ending tells the format.
///
/// # Errors
/// [`IoError`] names the file (and, for tables, line and column): missing, of no known format,
/// damaged, several layers, or coordinates that are not longitude and latitude.
pub fn read(path: &Path) -> Result<VectorData, IoError> {
    let name = named(&path).to_string();
    let format = VectorFormat::of_name(&name).ok_or_else(|| unknown_ending(&name))?;
    match format {
        VectorFormat::GeoPackage | VectorFormat::Shapefile => {
            all_of(&name, format, raw_file(path, &name, format)?)
        }
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
    all_of(name, format, raw_of(name, format, bytes, false)?)
}

/// The rows of a file in memory. `projected` says that the coordinates of a table are metres or the like.
pub(super) fn raw_of(
    name: &str,
    format: VectorFormat,
    bytes: &[u8],
    projected: bool,
) -> Result<Raw, IoError> {
    match format {
        VectorFormat::GeoJson => geojson::read(name, bytes),
        VectorFormat::Gml => raw_gml(name, bytes),
        VectorFormat::FlatGeobuf => raw_flatgeobuf(name, bytes),
        VectorFormat::Csv => table::read(name, bytes, projected),
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
    /// What the user should know of the file as a whole.
    pub notes: Vec<String>,
}

/// Rows of which something was mended that are told one by one.
const TOLD: usize = 5;

/// The features of rows, none of which may be damaged.
fn all_of(name: &str, format: VectorFormat, raw: Raw) -> Result<VectorData, IoError> {
    let wgs84 = Crs::wgs84();
    let foreign = raw.crs.as_ref().filter(|crs| **crs != wgs84);
    let transformer = foreign.map(|crs| crs.transformer_to(&wgs84)).transpose();
    let transformer = transformer.map_err(|e| IoError::crs(name, e))?;
    let mut data = VectorData { notes: raw.notes, ..VectorData::default() };
    data.notes.extend(without_crs(format, raw.crs.as_ref()).filter(|_| !raw.rows.is_empty()));
    let mut mended = Vec::new();
    for RawRow { row, geometry, properties, mended: change } in raw.rows {
        let what = format!("{} {row}", if format == VectorFormat::Csv { "line" } else { "feature" });
        let geometry = geometry.transpose().map_err(|e| IoError::read(name, format!("{what}: {e}")))?;
        mended.extend(change.map(|change| format!("{what}: {change}")));
        match geometry.filter(|g| g.coords_count() > 0) {
            Some(geometry) => {
                let geometry = placed(name, &what, geometry, transformer.as_ref())?;
                data.table.features.push(Feature { geometry, properties });
            }
            None => data.without_geometry += 1,
        }
    }
    let more = mended.len().saturating_sub(TOLD);
    data.notes.extend(mended.into_iter().take(TOLD));
    if more > 0 {
        data.notes.push(format!("and {more} more such rows"));
    }
    Ok(data)
}

/// What the user should know where a file that could name its CRS does not.
pub(super) fn without_crs(format: VectorFormat, crs: Option<&Crs>) -> Option<String> {
    let lack = match format {
        VectorFormat::Shapefile => "it has no .prj",
        VectorFormat::GeoPackage | VectorFormat::FlatGeobuf => "its layer names no CRS",
        VectorFormat::GeoJson | VectorFormat::Gml | VectorFormat::Csv => return None,
    };
    let told = || format!("{lack}: its coordinates are taken for longitude and latitude on WGS 84");
    crs.is_none().then(told)
}

/// Brings a feature to WGS 84 and checks that it is there.
fn placed(
    name: &str,
    what: &str,
    mut geometry: Geometry<f64>,
    transformer: Option<&Transformer>,
) -> Result<Geometry<f64>, IoError> {
    if let Some(transformer) = transformer {
        reproject(&mut geometry, transformer).map_err(|e| IoError::crs(name, e))?;
    }
    let outside = |c: &geo::Coord<f64>| !(c.x.abs() <= 360.0 && c.y.abs() <= 90.0);
    let Some(c) = geometry.coords_iter().find(outside) else { return Ok(geometry) };
    let (x, y) = (c.x, c.y);
    let why = if x.abs() <= 90.0 && y.abs() <= 180.0 {
        "longitude and latitude look swapped: longitude comes first (in tables, name the columns `lon` and `lat`)"
    } else {
        "which is no longitude and latitude; if the coordinates are projected, give their CRS (a .prj, or a \
         format that carries it)"
    };
    Err(IoError::read(name, format!("{what} has ({x}, {y}), {why}")))
}

fn typed(value: &ColumnValue) -> Value {
    match *value {
        ColumnValue::Byte(v) => Value::Integer(v.into()),
        ColumnValue::UByte(v) => Value::Integer(v.into()),
        ColumnValue::Bool(v) => Value::Bool(v),
        ColumnValue::Short(v) => Value::Integer(v.into()),
        ColumnValue::UShort(v) => Value::Integer(v.into()),
        ColumnValue::Int(v) => Value::Integer(v.into()),
        ColumnValue::UInt(v) => Value::Integer(v.into()),
        ColumnValue::Long(v) => Value::Integer(v),
        ColumnValue::ULong(v) => v.into(),
        ColumnValue::Float(v) => Value::Number(v.into()),
        ColumnValue::Double(v) => Value::Number(v),
        ColumnValue::String(v) | ColumnValue::Json(v) | ColumnValue::DateTime(v) => Value::Text(v.to_owned()),
        ColumnValue::Binary(_) => Value::Null,
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
    /// What the user should know of the file as a whole.
    fn note(&mut self, note: String) {
        tracing::warn!("{note}");
    }
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

    fn note(&mut self, note: String) {
        self.notes.push(note);
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

/// Reads FlatGeobuf row by row. The reader trusts the lengths within a file: those that it asks memory by are
/// checked before, and where it panics at others, the file is damaged.
pub(super) fn each_flatgeobuf(
    name: &str,
    source: impl Read + Seek,
    sink: &mut dyn RowSink,
) -> Result<(), IoError> {
    std::panic::catch_unwind(AssertUnwindSafe(|| read_flatgeobuf(name, source, sink)))
        .unwrap_or_else(|_| Err(IoError::read(name, "it is damaged: lengths within the file do not fit")))
}

fn read_flatgeobuf(name: &str, mut source: impl Read + Seek, sink: &mut dyn RowSink) -> Result<(), IoError> {
    let fail = |e: &dyn std::fmt::Display| IoError::read(name, format!("it is not FlatGeobuf: {e}"));
    let damaged = |e: String| IoError::read(name, format!("it is damaged: {e}"));
    let start = flatgeobuf_lengths::check_header(&mut source).map_err(damaged)?;
    let (features, node_size) = {
        let reader = FgbReader::open(&mut source).map_err(|e| fail(&e))?;
        (reader.header().features_count(), reader.header().index_node_size())
    };
    flatgeobuf_lengths::check_features(&mut source, start, features, node_size).map_err(damaged)?;
    let reader = FgbReader::open(source).map_err(|e| fail(&e))?;
    let crs = reader.header().crs().and_then(|crs| {
        let code = crs.code();
        let epsg = crs.org().is_none_or(|org| org.eq_ignore_ascii_case("EPSG")) && code > 0;
        if epsg { Some(format!("EPSG:{code}")) } else { crs.wkt().map(str::to_owned) }
    });
    sink.crs(crs.map(|c| Crs::parse(&c)).transpose().map_err(|e| IoError::crs(name, e))?)?;
    let mut features = reader.select_all_seq().map_err(|e| fail(&e))?;
    while let Some(feature) = features.next().map_err(|e| fail(&e))? {
        let geometry = feature.geometry().map(|geometry| {
            flatgeobuf_lengths::check_geometry(&geometry)?;
            feature.to_geo().map_err(|e| e.to_string())
        });
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

/// The rows of a file that is read where it lies.
pub(super) fn raw_file(path: &Path, name: &str, format: VectorFormat) -> Result<Raw, IoError> {
    let mut raw = Raw::default();
    each_file(path, name, format, &mut raw)?;
    Ok(raw)
}

/// Reads a file where it lies, row by row: a GeoPackage or a Shapefile.
pub(super) fn each_file(
    path: &Path,
    name: &str,
    format: VectorFormat,
    sink: &mut dyn RowSink,
) -> Result<(), IoError> {
    // SQLite's and GDAL's own words for a missing file do not name the mistake.
    std::fs::metadata(path).map_err(|e| IoError::read(name, e))?;
    if format == VectorFormat::GeoPackage {
        return geopackage::each(path, name, sink);
    }
    let driver = "ESRI Shapefile";
    let mut texts = shapefile::check(path, name)?;
    let encoding: &[&str] = if texts.are_raw() { &[shapefile::RAW] } else { &[] };
    let options = DatasetOptions {
        open_options: Some(encoding),
        open_flags: GdalOpenFlags::GDAL_OF_VECTOR | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR,
        allowed_drivers: Some(&[driver]),
        ..DatasetOptions::default()
    };
    let fail = |e: &dyn std::fmt::Display| IoError::read(name, format!("as {driver}: {e}"));
    let foreign = |e: &gdal::errors::GdalError| fail(&gdal_setup::reason(e));
    gdal_setup::setup();
    let dataset = Dataset::open_ex(path, options).map_err(|e| foreign(&e))?;
    let layer = dataset.layers().find(|l| l.defn().geometry_type() != OGRwkbGeometryType::wkbNone);
    let mut layer = layer.ok_or_else(|| fail(&"it has no layer of geometries"))?;

    sink.crs(layer.spatial_ref().map(|s| Crs::from_spatial_ref(&s)).transpose().map_err(|e| foreign(&e))?)?;
    let fields: Vec<String> = layer.defn().fields().map(|f| texts.decoded(f.name(), 0)).collect();
    let widths: Vec<usize> = layer.defn().fields().map(|f| usize::try_from(f.width()).unwrap_or(0)).collect();
    for feature in layer.features() {
        // By WKB: the direct way into geo knows no third dimension and no empty parts.
        let geometry = match feature.geometry() {
            Some(geometry) if geometry.has_gdal_ptr() && !geometry.is_empty() => {
                wkb::read(&geometry.wkb().map_err(|e| foreign(&e))?).transpose()
            }
            _ => None,
        };
        let properties = fields.iter().enumerate().map(|(i, field)| {
            let value = match feature.field(i) {
                Ok(Some(FieldValue::StringValue(v))) => Value::Text(texts.decoded(v, widths[i])),
                Ok(value) => value.map_or(Value::Null, field_value),
                // Times and binary fields: as text, where GDAL has one.
                Err(_) => feature.field_as_string(i).ok().flatten().map_or(Value::Null, Value::Text),
            };
            (field.clone(), value)
        });
        sink.row(geometry, properties.collect())?;
    }
    texts.finish(name, sink)
}

fn field_value(value: FieldValue) -> Value {
    match value {
        FieldValue::IntegerValue(v) => Value::Integer(v.into()),
        FieldValue::Integer64Value(v) => Value::Integer(v),
        FieldValue::RealValue(v) => Value::Number(v),
        FieldValue::StringValue(v) => Value::Text(v),
        FieldValue::DateValue(v) => Value::Text(v.to_string()),
        FieldValue::DateTimeValue(v) => Value::Text(v.to_string()),
        FieldValue::StringListValue(v) => Value::Text(v.join(", ")),
        other => Value::Text(format!("{other:?}")),
    }
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
        assert_eq!((&first["id"], &first["ok"]), (&Value::Integer(7), &Value::Bool(true)));
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
            (write("short.geojson", br#"{"type": "Point", "coordinates": [1]}"#), "cannot be read"),
            (write("c.fgb", b"fgb?"), "not FlatGeobuf"),
            (write("cut.fgb", &fgb[..fgb.len() - 20]), "it is damaged"),
            (write("d.gpkg", b"SQLite format 3\0 but no more"), "as GPKG"),
            (write("e.shp", b"no"), "as ESRI Shapefile"),
            (write("f.csv", b"a,b\n1,2\n"), "only a, b"),
            (write("g.csv", b"lon,lat\n1,2\n3,north\n"), "line 3: lat `north` is not a number"),
            (write("h.csv", b"x,y\n700000,3090000\n"), "no longitude and latitude"),
            (write("i.kml", b""), "its ending is none of"),
            (folder.path().join("gone.gpkg"), "No such file"),
        ] {
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(error.contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
        }
    }

    #[test]
    fn findings_in_tables_are_told_with_the_way_out() {
        let semicolons = "name;lon;lat;ppm\na;113,05;27,9;0,5\nb;113,10;27,8;12\n";
        let data = parse("a.csv", VectorFormat::Csv, semicolons.as_bytes()).unwrap();
        close(point(&data, 0), (113.05, 27.9));
        assert_eq!(data.table.features[0].properties["ppm"], Value::Number(0.5));
        let notes = data.notes.join("\n");
        assert!(notes.contains("line 2: lon `113,05` has a decimal comma, read as 113.05"), "{notes}");
        assert!(notes.contains("1 values with a decimal comma"), "{notes}");
        let (gbk, ..) = encoding_rs::GBK.encode("名称,经度,纬度\n大宝山矿,113.7,24.5\n");
        let data = parse("b.csv", VectorFormat::Csv, &gbk).unwrap();
        assert_eq!(data.table.features[0].properties["名称"], Value::Text("大宝山矿".to_owned()));
        assert!(data.notes[0].contains("GBK"), "{:?}", data.notes);
        let swapped = parse("c.csv", VectorFormat::Csv, b"lon,lat\n27.9,113.1\n").unwrap_err().to_string();
        assert!(
            swapped.contains("c.csv") && swapped.contains("line 2") && swapped.contains("swapped"),
            "{swapped}"
        );
        let half = parse("d.csv", VectorFormat::Csv, b"lon,lat\n113.1,\n").unwrap_err().to_string();
        assert!(half.contains("line 2: lat is empty"), "{half}");
        for empty in ["", "lon,lat\n", "\n\n"] {
            let data = parse("e.csv", VectorFormat::Csv, empty.as_bytes()).unwrap();
            assert_eq!((data.table.features.len(), data.without_geometry), (0, 0), "{empty:?}");
        }
    }

    #[test]
    fn layers_without_a_crs_are_taken_for_degrees_and_told() {
        let folder = tempfile::tempdir().unwrap();
        for (driver, file, words) in
            [("GPKG", "a.gpkg", "names no CRS"), ("ESRI Shapefile", "b.shp", "has no .prj")]
        {
            let path = folder.path().join(file);
            let mut dataset =
                DriverManager::get_driver_by_name(driver).unwrap().create_vector_only(&path).unwrap();
            let ty = OGRwkbGeometryType::wkbPoint;
            let options = LayerOptions { name: "samples", srs: None, ty, options: None };
            {
                let layer = dataset.create_layer(options).unwrap();
                let mut feature = OgrFeature::new(layer.defn()).unwrap();
                feature.set_geometry(OgrGeometry::from_wkt("POINT (113.1 27.9)").unwrap()).unwrap();
                feature.create(&layer).unwrap();
            }
            dataset.close().unwrap();
            let data = read(&path).unwrap();
            close(point(&data, 0), (113.1, 27.9));
            assert!(data.notes.iter().any(|note| note.contains(words)), "{file}: {:?}", data.notes);
        }
    }
}
