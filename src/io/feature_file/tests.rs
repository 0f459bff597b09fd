//! The same features from every format, found as a look at each of them finds them.

use geo::{BoundingRect, Geometry, polygon};
use proptest::prelude::*;

use super::*;
use crate::crs::Crs;
use crate::io::vector_write::{FeatureFormat, VectorWriter};
use crate::vector::{FeatureSchema, GeometryKind, Value};

fn square(x: f64, y: f64, side: f64) -> Geometry<f64> {
    polygon![(x: x, y: y), (x: x + side, y: y), (x: x + side, y: y + side), (x: x, y: y + side)].into()
}

/// Writes zones in a format and opens their columns.
fn opened(
    folder: &std::path::Path,
    format: FeatureFormat,
    crs: &Crs,
    zones: &[(Geometry<f64>, Vec<Value>)],
) -> FeatureFile {
    let schema = FeatureSchema {
        crs: crs.clone(),
        geometry: GeometryKind::Polygon,
        fields: vec![
            Field::new("id", FieldKind::Integer),
            Field::new("areaHa", FieldKind::Real),
            Field::new("nearestMine", FieldKind::Text),
        ],
        style: "zones",
    };
    let source = folder.join(format!("zones.{}", format.extension()));
    let mut writer = VectorWriter::create(&source, &schema, format).unwrap();
    for (geometry, values) in zones {
        writer.push(geometry, values).unwrap();
    }
    writer.finish().unwrap();
    let target = folder.join("zones.columns");
    build(&source, "1", &target).unwrap();
    FeatureFile::open(&target).unwrap()
}

fn zones(count: usize) -> Vec<(Geometry<f64>, Vec<Value>)> {
    let zone = |i: usize| {
        let mine = if i.is_multiple_of(5) { Value::Null } else { Value::Text(format!("mine {}", i % 7)) };
        let values = vec![Value::Integer(i as i64 + 1), Value::Number(i as f64 * 0.25), mine];
        (square(700_000.0 + (i % 40) as f64 * 100.0, 3_090_000.0 + (i / 40) as f64 * 100.0, 60.0), values)
    };
    (0..count).map(zone).collect()
}

#[test]
fn every_format_gives_the_same_columns() {
    let folder = tempfile::tempdir().unwrap();
    let utm = Crs::from_epsg(32649).unwrap();
    let zones = zones(1000);
    for format in
        [FeatureFormat::GeoJson, FeatureFormat::GeoPackage, FeatureFormat::FlatGeobuf, FeatureFormat::Csv]
    {
        let file = opened(folder.path(), format, &utm, &zones);
        assert_eq!((file.len(), file.left_out()), (1000, 0), "{format:?}");
        let names: Vec<&str> = file.fields().iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["id", "areaHa", "nearestMine"], "{format:?}");
        let kinds: Vec<FieldKind> = file.fields().iter().map(|f| f.kind).collect();
        assert_eq!(kinds, [FieldKind::Integer, FieldKind::Real, FieldKind::Text], "{format:?}");
        let own_crs = matches!(format, FeatureFormat::GeoPackage | FeatureFormat::FlatGeobuf);
        assert_eq!(file.epsg(), own_crs.then_some(32649), "{format:?}");
        let mut rows = Vec::new();
        file.rows_of(0..1000, &mut rows).unwrap();
        let stored = file.features(&rows, &[0, 1, 2]).unwrap();
        for (number, feature) in (1..).zip(&stored) {
            assert_eq!(feature.number, number);
            // FlatGeobuf orders features along its own curve.
            let Value::Integer(id) = feature.values[0] else { panic!() };
            assert_eq!(feature.values, zones[id as usize - 1].1, "{format:?}");
            let rect = feature.geometry.bounding_rect().unwrap();
            assert!((113.0..113.2).contains(&rect.min().x) && (27.8..28.0).contains(&rect.max().y));
        }
    }
}

#[test]
fn what_has_no_place_is_left_out_and_mixed_values_are_texts() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("mines.geojson");
    let text = r#"{"type": "FeatureCollection", "bbox": [1, 2, 3, 4], "features": [
        {"type": "Feature", "id": "M-1", "properties": {"depth": 12, "open": true}, "geometry": {"type": "Point", "coordinates": [113, 27, 4]}},
        {"type": "Feature", "properties": {"depth": "deep", "open": null}, "geometry": {"type": "Point", "coordinates": [113.5, 27]}},
        {"type": "Feature", "properties": null, "geometry": null},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": []}},
        {"type": "Feature", "geometry": {"type": "GeometryCollection", "geometries": []}},
        {"geometry": {"coordinates": [[[179, 0], [181, 0], [181, 1], [179, 1], [179, 0]]], "type": "Polygon"}, "type": "Feature"},
        {"type": "Feature", "properties": {"depth": 12}, "geometry": {"type": "Point", "coordinates": [700000, 3090000]}}
    ]}"#;
    std::fs::write(&source, format!("\u{feff}{text}")).unwrap();
    let target = folder.path().join("columns");
    build(&source, "v", &target).unwrap();
    let file = FeatureFile::open(&target).unwrap();
    assert_eq!((file.len(), file.left_out(), file.source(), file.geometry()), (3, 4, "v", GeometryKind::Any));
    let mut rows = Vec::new();
    file.rows_of(0..3, &mut rows).unwrap();
    let names: Vec<&str> = file.fields().iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["id", "depth", "open"]);
    let stored = file.features(&rows, &[0, 1, 2]).unwrap();
    let told = |t: &str| Value::Text(t.to_owned());
    assert_eq!(stored[0].values, [told("M-1"), told("12"), Value::Bool(true)]);
    assert_eq!(stored[1].values, [Value::Null, told("deep"), Value::Null]);
    assert!(
        matches!(&stored[2].geometry, Geometry::MultiPolygon(parts) if parts.0.len() == 2),
        "cut at the antimeridian"
    );

    std::fs::write(
        &source,
        text.replace("\"features\"", "\"crs\": {\"properties\": {\"name\": \"EPSG:32649\"}}, \"features\""),
    )
    .unwrap();
    assert!(build(&source, "v", &target).is_ok());
    assert_eq!(FeatureFile::open(&target).unwrap().epsg(), Some(32649));
    std::fs::write(&source, r#"{"type": "FeatureCollection", "features": [{"geometry": {"type": "Point", "coordinates": [7e5, 3e6]}}]}"#).unwrap();
    assert!(build(&source, "v", &target).unwrap_err().to_string().contains("give their CRS"));
    std::fs::write(&source, r#"{"type": "FeatureCollection", "features": [{"geometry": {"#).unwrap();
    assert!(build(&source, "v", &target).unwrap_err().to_string().contains("not GeoJSON"));
}

#[test]
fn a_damaged_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("columns");
    let utm = Crs::from_epsg(32649).unwrap();
    opened(folder.path(), FeatureFormat::GeoJson, &utm, &zones(10));
    let whole = std::fs::read(folder.path().join("zones.columns")).unwrap();
    for bytes in [&whole[..whole.len() - 1], &whole[40..], b"", b"rdxfeat1", b"rdxfeat2"] {
        std::fs::write(&file, bytes).unwrap();
        assert!(FeatureFile::open(&file).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn blocks_leave_out_nothing_that_meets_a_box(
        places in prop::collection::vec((-179.0..178.0f64, -80.0..80.0f64, 0.0..1.0f64), 1..3000),
        west in -180.0..170.0f64, south in -85.0..80.0f64, width in 0.0..100.0f64, height in 0.0..60.0f64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let zones: Vec<_> = (0..).zip(&places)
            .map(|(i, (x, y, side))| (square(*x, *y, side + 1e-6), vec![Value::Integer(i.into()), Value::Null, Value::Null]))
            .collect();
        let file = opened(folder.path(), FeatureFormat::GeoJson, &Crs::wgs84(), &zones);
        let wanted = [west, south, west + width, south + height];
        let (mut boxes, mut found, mut all) = (Vec::new(), 0, 0);
        for rows in file.candidates(&[wanted], file.len()) {
            file.boxes(rows, &mut boxes).unwrap();
            found += boxes.iter().filter(|b| meet(b, &wanted)).count();
        }
        file.boxes(0..file.len(), &mut boxes).unwrap();
        all += boxes.iter().filter(|b| meet(b, &wanted)).count();
        prop_assert_eq!(found, all);
    }
}
