//! What is written is read back, by this crate and by GDAL.

use gdal::Dataset;
use gdal::vector::LayerAccess;
use geo::{Area, CoordsIter, Geometry, MultiPolygon, Point, Polygon, polygon};

use super::*;
use crate::crs::Crs;
use crate::io::vectors::{self, VectorData};
use crate::vector::{Field, GeometryKind, reproject};

fn schema(crs: &Crs, geometry: GeometryKind, style: &'static str) -> FeatureSchema {
    let fields = vec![
        Field::new("name", FieldKind::Text),
        Field::new("pixels", FieldKind::Integer),
        Field::new("meanProbability", FieldKind::Real),
        Field::new("persistent", FieldKind::Boolean),
    ];
    FeatureSchema { crs: crs.clone(), geometry, fields, style }
}

fn square(x: f64, y: f64, side: f64) -> Polygon<f64> {
    polygon!(
        exterior: [(x: x, y: y), (x: x + side, y: y), (x: x + side, y: y + side), (x: x, y: y + side)],
        interiors: [[
            (x: x + 0.2 * side, y: y + 0.2 * side), (x: x + 0.2 * side, y: y + 0.4 * side),
            (x: x + 0.4 * side, y: y + 0.4 * side), (x: x + 0.4 * side, y: y + 0.2 * side),
        ]],
    )
}

/// A polygon with a hole, a polygon of two parts, and their values.
fn zones(x: f64, y: f64) -> Vec<(Geometry<f64>, Vec<Value>)> {
    let two = MultiPolygon(vec![square(x + 2000.0, y, 100.0), square(x + 3000.0, y, 200.0)]);
    vec![
        (
            square(x, y, 1000.0).into(),
            vec![
                Value::Text("稻田 \"A\", b'c;\nd".to_owned()),
                Value::Integer(9_007_199_254_740_993),
                Value::Number(0.1 + 0.2),
                Value::Bool(true),
            ],
        ),
        (two.into(), vec![Value::Null; 4]),
    ]
}

fn write(
    folder: &Path,
    format: FeatureFormat,
    schema: &FeatureSchema,
    features: &[(Geometry<f64>, Vec<Value>)],
) -> PathBuf {
    let path = folder.join(format!("it's.{}", format.extension()));
    let mut writer = VectorWriter::create(&path, schema, format).unwrap();
    for (geometry, values) in features {
        writer.push(geometry, values).unwrap();
    }
    let files = writer.finish().unwrap();
    assert_eq!(files.len(), if format.styled() { 2 } else { 1 });
    assert!(files.iter().all(|f| f.is_file()));
    path
}

fn named(data: &VectorData, some: bool) -> &crate::vector::Feature {
    let has =
        |f: &&crate::vector::Feature| f.properties.get("name").is_some_and(|v| *v != Value::Null) == some;
    data.table.features.iter().find(has).unwrap()
}

const POLYGONS: [FeatureFormat; 3] =
    [FeatureFormat::GeoJson, FeatureFormat::GeoPackage, FeatureFormat::FlatGeobuf];

#[test]
fn polygons_come_back_with_holes_parts_nulls_and_any_text() {
    for (code, x, y) in [(32649, 7e5, 3.09e6), (32649, 5e5, 8_881_000.0), (4326, 113.0, 0.0)] {
        let crs = Crs::from_epsg(code).unwrap();
        let mut features = zones(x, y);
        if code == 4326 {
            // The same shapes in degrees.
            for (geometry, _) in &mut features {
                use geo::MapCoordsInPlace;
                geometry
                    .map_coords_in_place(|c| geo::coord! { x: 113.0 + (c.x - 113.0) / 1e5, y: c.y / 1e5 });
            }
        }
        for format in POLYGONS {
            let folder = tempfile::tempdir().unwrap();
            let path = write(folder.path(), format, &schema(&crs, GeometryKind::Polygon, "zones"), &features);
            let data = vectors::read(&path).unwrap_or_else(|e| panic!("{format:?}: {e}"));
            assert_eq!(data.table.features.len(), 2, "{format:?}");
            let (first, second) = (named(&data, true), named(&data, false));
            assert_eq!(Some(&first.properties["name"]), features[0].1.first(), "{format:?}");
            assert_eq!(first.properties["pixels"], Value::Integer(9_007_199_254_740_993), "{format:?}");
            assert_eq!(first.properties["meanProbability"], Value::Number(0.1 + 0.2), "{format:?}");
            assert_eq!(first.properties["persistent"], Value::Bool(true), "{format:?}");
            let missing = |name: &str| second.properties.get(name).is_none_or(|v| *v == Value::Null);
            assert!(
                ["name", "pixels", "meanProbability", "persistent"].into_iter().all(missing),
                "{format:?}"
            );

            let to = Crs::wgs84().transformer_to(&crs).unwrap();
            for (found, (written, _)) in [first, second].into_iter().zip(&features) {
                let mut found = found.geometry.clone();
                reproject(&mut found, &to).unwrap();
                let (a, b) = (found.signed_area(), written.signed_area());
                assert!((a - b).abs() < 1e-4 * b, "{format:?}: {a} {b}");
                assert_eq!(found.coords_count(), written.coords_count(), "{format:?}");
            }
        }
    }
}

#[test]
fn gdal_finds_the_fields_the_crs_and_the_style() {
    let crs = Crs::from_epsg(32649).unwrap();
    let schema = schema(&crs, GeometryKind::Polygon, "zones");
    for format in POLYGONS {
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), format, &schema, &zones(7e5, 3.09e6));
        let dataset = Dataset::open_ex(
            &path,
            gdal::DatasetOptions {
                open_flags: gdal::GdalOpenFlags::GDAL_OF_VECTOR,
                ..gdal::DatasetOptions::default()
            },
        )
        .unwrap();
        let layer = dataset.layer(0).unwrap();
        assert_eq!(layer.name(), "it's");
        assert_eq!(layer.feature_count(), 2);
        let fields: Vec<_> = layer.defn().fields().map(|f| f.name()).collect();
        let own: Vec<_> = schema.fields.iter().map(|f| f.name.clone()).collect();
        assert!(fields.ends_with(&own), "{format:?} {fields:?}");
        let found = Crs::from_spatial_ref(&layer.spatial_ref().unwrap()).unwrap();
        let expected = if format == FeatureFormat::GeoJson { Crs::wgs84() } else { crs.clone() };
        assert_eq!(found, expected, "{format:?}");
        if format == FeatureFormat::GeoPackage {
            let sql = "SELECT styleQML, useAsDefault FROM layer_styles WHERE f_table_name = 'it''s'";
            let mut rows =
                dataset.execute_sql(sql, None, gdal::vector::sql::Dialect::DEFAULT).unwrap().unwrap();
            let row = rows.features().next().unwrap();
            let beside = std::fs::read_to_string(path.with_extension("qml")).unwrap();
            assert_eq!(row.field_as_string(0).unwrap().unwrap(), beside);
            assert_eq!(row.field_as_integer(1).unwrap(), Some(1));
            let sql = "SELECT HasSpatialIndex('it''s', 'geom')";
            let mut rows =
                dataset.execute_sql(sql, None, gdal::vector::sql::Dialect::DEFAULT).unwrap().unwrap();
            assert_eq!(rows.features().next().unwrap().field_as_integer(0).unwrap(), Some(1));
        }
    }
}

#[test]
fn geojson_follows_its_standard() {
    let crs = Crs::from_epsg(32649).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let schema = schema(&crs, GeometryKind::Polygon, "zones");
    let path = write(folder.path(), FeatureFormat::GeoJson, &schema, &zones(7e5, 3.09e6));
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let ids: Vec<_> = json["features"].as_array().unwrap().iter().map(|f| f["id"].as_u64()).collect();
    assert_eq!(ids, [Some(1), Some(2)]);
    assert!(json.get("crs").is_none());
    assert_eq!(json["features"][0]["properties"]["pixels"], 9_007_199_254_740_993_i64);
    let x = json["features"][0]["geometry"]["coordinates"][0][0][0].as_f64().unwrap();
    assert!((x * 1e9 - (x * 1e9).round()).abs() < 1e-4, "{x}");
}

#[test]
fn zones_over_the_antimeridian_are_cut_whatever_the_crs() {
    let utm = |code: u32, x: f64| (Crs::from_epsg(code).unwrap(), x);
    for (crs, x) in [utm(32601, 3.2e5), utm(32660, 6.5e5)] {
        // 60 N: the 180th meridian lies at 333 and 667 km.
        let features = [(square(x, 6_655_000.0, 40_000.0).into(), vec![Value::Null; 4])];
        let folder = tempfile::tempdir().unwrap();
        let schema = schema(&crs, GeometryKind::Polygon, "zones");
        let path = write(folder.path(), FeatureFormat::GeoJson, &schema, &features);
        let data = vectors::read(&path).unwrap();
        let Geometry::MultiPolygon(parts) = &data.table.features[0].geometry else { panic!("not cut") };
        assert!(parts.coords_iter().all(|c| c.x.abs() <= 180.0 && c.x.abs() > 178.0));
        assert!(
            parts.iter().any(|p| p.exterior().0[0].x > 0.0)
                && parts.iter().any(|p| p.exterior().0[0].x < 0.0)
        );
        let whole: f64 = features[0].0.unsigned_area();
        let to = Crs::wgs84().transformer_to(&crs).unwrap();
        let mut back = Geometry::MultiPolygon(parts.clone());
        reproject(&mut back, &to).unwrap();
        assert!((back.unsigned_area() / whole - 1.0).abs() < 1e-3, "{}", back.unsigned_area());
        assert!(parts.iter().all(|p| p.signed_area() > 0.0));
    }
}

#[test]
fn points_and_tables_come_back() {
    let crs = Crs::from_epsg(32649).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let schema = schema(&crs, GeometryKind::Point, "mines");
    let (mut xs, mut ys) = ([7e5, 7.1e5], [3.09e6; 2]);
    let values = zones(0.0, 0.0).into_iter().map(|(_, v)| v);
    let features: Vec<_> = xs.iter().zip(&ys).map(|(&x, &y)| Point::new(x, y).into()).zip(values).collect();
    crs.transformer_to(&Crs::wgs84()).unwrap().apply(&mut xs, &mut ys).unwrap();
    for format in
        [FeatureFormat::Csv, FeatureFormat::GeoJson, FeatureFormat::GeoPackage, FeatureFormat::FlatGeobuf]
    {
        let path = write(folder.path(), format, &schema, &features);
        let data = vectors::read(&path).unwrap_or_else(|e| panic!("{format:?}: {e}"));
        for (k, feature) in [named(&data, true), named(&data, false)].into_iter().enumerate() {
            let Geometry::Point(p) = feature.geometry else { panic!("{format:?}: no point") };
            assert!((p.x() - xs[k]).abs() < 1e-8 && (p.y() - ys[k]).abs() < 1e-8, "{format:?}: {p:?}");
        }
        assert_eq!(Some(&named(&data, true).properties["name"]), features[0].1.first(), "{format:?}");
    }
}

#[test]
fn a_field_may_be_called_fid() {
    let folder = tempfile::tempdir().unwrap();
    let schema = FeatureSchema {
        fields: vec![
            Field::new("FID", FieldKind::Text),
            Field::new("fid_", FieldKind::Integer),
            Field::new("geom", FieldKind::Boolean),
            Field::new("a \"b\"", FieldKind::Real),
        ],
        ..schema(&Crs::wgs84(), GeometryKind::Point, "mines")
    };
    let values =
        vec![Value::Text("M7".to_owned()), Value::Integer(7), Value::Bool(false), Value::Number(0.5)];
    let features = [(Point::new(113.0, 27.9).into(), values.clone())];
    let path = write(folder.path(), FeatureFormat::GeoPackage, &schema, &features);
    let data = vectors::read(&path).unwrap();
    let properties = &data.table.features[0].properties;
    let found = ["FID", "fid_", "geom", "a \"b\""].map(|name| properties[name].clone());
    assert_eq!(found.as_slice(), values);
}

#[test]
fn a_table_of_polygons_has_points_inside_them() {
    use geo::Contains;
    let folder = tempfile::tempdir().unwrap();
    let features = zones(0.0, 0.0)
        .into_iter()
        .map(|(g, v)| {
            use geo::MapCoords;
            (g.map_coords(|c| geo::coord! { x: 180.0 + c.x / 1e5, y: 10.0 + c.y / 1e5 }), v)
        })
        .collect::<Vec<_>>();
    let schema = schema(&Crs::wgs84(), GeometryKind::Polygon, "zones");
    let data = vectors::read(&write(folder.path(), FeatureFormat::Csv, &schema, &features)).unwrap();
    for (feature, (polygon, _)) in data.table.features.iter().zip(&features) {
        let Geometry::Point(p) = feature.geometry else { panic!() };
        assert!(p.x() < -179.0 && polygon.contains(&Point::new(p.x() + 360.0, p.y())), "{p:?}");
    }
}

#[test]
fn an_empty_layer_is_a_layer_and_many_features_pass_through() {
    let crs = Crs::from_epsg(32649).unwrap();
    for format in
        [FeatureFormat::Csv, FeatureFormat::GeoJson, FeatureFormat::GeoPackage, FeatureFormat::FlatGeobuf]
    {
        let folder = tempfile::tempdir().unwrap();
        let schema = schema(&crs, GeometryKind::Point, "mines");
        let none = vectors::read(&write(folder.path(), format, &schema, &[])).unwrap();
        assert_eq!(none.table.features.len(), 0, "{format:?}");
        let many: Vec<_> = (0..20_000)
            .map(|i| {
                let number = Value::Integer(i.into());
                (
                    Point::new(7e5 + f64::from(i), 3.09e6).into(),
                    vec![Value::Null, number, Value::Null, Value::Null],
                )
            })
            .collect();
        let all = vectors::read(&write(folder.path(), format, &schema, &many)).unwrap();
        let sum: f64 =
            all.table.features.iter().map(|f| f.properties["pixels"].as_f64().unwrap_or(f64::NAN)).sum();
        assert_eq!((all.table.features.len(), sum), (20_000, 199_990_000.0), "{format:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_the_file_and_the_feature() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zones.geojson");
    let mut schema = schema(&Crs::wgs84(), GeometryKind::Point, "mines");
    let mut writer = VectorWriter::create(&path, &schema, FeatureFormat::GeoJson).unwrap();
    let place: Geometry<f64> = Point::new(1.0, 2.0).into();
    let wrong = [Value::Null, Value::Text("many".into()), Value::Null, Value::Null];
    for (geometry, values, expected) in [
        (&place, &wrong[..], "`many` in field pixels"),
        (&place, &wrong[..1], "1 values for 4 fields"),
        (&MultiPolygon::<f64>(Vec::new()).into(), &wrong[..], "is empty"),
    ] {
        let error = writer.push(geometry, values).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("zones.geojson: feature 1"), "{error}");
    }
    for format in
        [FeatureFormat::Csv, FeatureFormat::GeoJson, FeatureFormat::GeoPackage, FeatureFormat::FlatGeobuf]
    {
        let error = VectorWriter::create(Path::new("/no-such-folder/a"), &schema, format).unwrap_err();
        assert!(error.to_string().contains("/no-such-folder/a"), "{error}");
    }
    schema.style = "nobody's";
    assert!(VectorWriter::create(&path, &schema, FeatureFormat::GeoJson).is_err());
}
