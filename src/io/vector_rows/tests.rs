//! Tables as people keep them.

use gdal::DriverManager;
use gdal::vector::{Feature as OgrFeature, Geometry as OgrGeometry, LayerAccess, LayerOptions};

use super::*;

fn table(text: &str) -> MineRows {
    parse("mines.csv", VectorFormat::Csv, text.as_bytes(), None).unwrap()
}

fn geojson(text: &str) -> MineRows {
    parse("mines.geojson", VectorFormat::GeoJson, text.as_bytes(), None).unwrap()
}

fn told(found: &MineRows, row: usize) -> Vec<(&str, RowAction)> {
    let of_row = found.problems.iter().filter(|p| p.row == row);
    of_row.map(|p| (p.problem.as_str(), p.action)).collect()
}

fn point(found: &MineRows, at: usize) -> (f64, f64) {
    let Geometry::Point(p) = found.table.features[at].geometry else { panic!("not a point") };
    p.x_y()
}

#[test]
fn every_row_of_a_dirty_table_is_judged_for_itself() {
    let found = table(
        "\u{feff}name;Lon;Lat;ore\r\n\
         Good pit;113.1;27.9;007\r\n\
         \r\n\
         No place;;27.9;Pb\r\n\
         Words;east;27.9;Pb\r\n\
         Comma;113,0382;27,5;Zn\r\n\
         Swapped;27.9;113.1;Cu\r\n\
         Far;1131.0;27.9;Cu\r\n\
         High;80.0;270.9;Cu\r\n\
         Nowhere;0;0;Cu\r\n\
         ;;;\r\n\
         Short;113.3\r\n\
         Good pit;113.1;27.9;Pb\r\n\
         Other pit;113.1;27.9;Pb\r\n\
         Thousands;1,131,000;27.9;Pb\r\n\
         Infinite;inf;27.9;Pb\r\n\
         \"Last; \"\"pit\"\"\";113.2;28;\r\n",
    );
    assert_eq!(found.rows, [2, 6, 14, 17]);
    let names: Vec<String> = found.table.features.iter().map(|f| f.properties["name"].to_string()).collect();
    assert_eq!(names, ["Good pit", "Comma", "Other pit", "Last; \"pit\""]);
    assert_eq!(point(&found, 1), (113.0382, 27.5));
    assert_eq!(found.table.features[0].properties["ore"], Value::Text("007".into()));
    assert_eq!(found.table.features[3].properties["ore"], Value::Null);
    for (row, words, action) in [
        (4, "Lon is empty", RowAction::LeftOut),
        (5, "Lon `east` is not a number", RowAction::LeftOut),
        (6, "Lon `113,0382` has a decimal comma, read as 113.0382; Lat", RowAction::Mended),
        (7, "look swapped", RowAction::LeftOut),
        (8, "longitude 1131 is out of range", RowAction::LeftOut),
        (9, "latitude 270.9 is out of range", RowAction::LeftOut),
        (10, "0, 0", RowAction::LeftOut),
        (12, "Lat is empty", RowAction::LeftOut),
        (13, "the same as row 2", RowAction::LeftOut),
        (14, "at the same place as row 2", RowAction::Kept),
        (15, "`1,131,000` is not a number", RowAction::LeftOut),
        (16, "`inf` is not a number", RowAction::LeftOut),
    ] {
        let told = told(&found, row);
        let [(problem, done)] = told[..] else { panic!("row {row}: {told:?}") };
        assert!(problem.contains(words) && done == action, "row {row}: {problem} {done:?}");
    }
    assert_eq!(found.problems.len(), 12);
    assert!(found.problems.is_sorted());
}

#[test]
fn decimal_commas_are_told_from_thousands_and_from_separators() {
    let found = table("name,lon,lat\na,\"113,0382\",\"27,9\"\nb,113,0382,27,9\nc,113.5,27.9,,\n");
    assert_eq!(found.rows, [2, 4]);
    assert!(told(&found, 3)[0].0.contains("5 cells and the header 3"));
    let utm = Crs::from_epsg(32649).unwrap();
    let text = "x;y\n700123,5;3090000\n700,123;3090000\n";
    let found = parse("mines.csv", VectorFormat::Csv, text.as_bytes(), Some(&utm)).unwrap();
    assert_eq!(found.rows, [2]);
    assert!(told(&found, 3)[0].0.contains("between thousands"));
}

#[test]
fn projected_coordinates_want_their_crs() {
    let text = "name,x,y\na,700000,3090000\nb,113.1,27.9\n";
    let found = table(text);
    assert_eq!((found.rows.as_slice(), told(&found, 2).len()), (&[3][..], 1));
    let only = text.lines().take(2).collect::<Vec<_>>().join("\n");
    let error = parse("mines.csv", VectorFormat::Csv, only.as_bytes(), None).unwrap_err();
    assert!(matches!(error, RowsError::NoLonLat { row: 2, x: 700_000.0, .. }), "{error}");
    let utm = Crs::from_epsg(32649).unwrap();
    let found = parse("mines.csv", VectorFormat::Csv, text.as_bytes(), Some(&utm)).unwrap();
    assert!((113.0..113.1).contains(&point(&found, 0).0));
    assert!(told(&found, 3)[0].0.contains("looks like longitude and latitude, not like EPSG:32649"));
    // A file of rows that are all swapped is told row by row.
    let found = table("lon,lat\n27.9,113.1\n27.8,113.2\n");
    assert_eq!((found.rows.len(), found.problems.len()), (0, 2));
}

#[test]
fn files_without_rows_are_no_mistake() {
    for text in ["", "\n\n", "lon,lat\n", "\u{feff}lon;lat;name\r\n"] {
        assert_eq!(table(text), MineRows::default(), "{text:?}");
    }
    assert_eq!(geojson(r#"{"type": "FeatureCollection", "features": []}"#), MineRows::default());
}

#[test]
fn files_that_cannot_be_read_at_all_are_named() {
    for (format, bytes, words) in [
        (VectorFormat::Csv, &b"a,b\n1,2\n"[..], "no columns `lon` and `lat`"),
        (VectorFormat::GeoJson, b"{\"type\": \"FeatureCollection\"", "not GeoJSON"),
        (VectorFormat::GeoJson, b"[1]", "expected an object"),
        (VectorFormat::GeoJson, b"{\"type\": \"FeatureCollection\"}", "an array `features`"),
        (VectorFormat::FlatGeobuf, b"fgb?", "not FlatGeobuf"),
    ] {
        let error = parse("mines.x", format, bytes, None).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("mines.x"), "{error}");
    }
}

#[test]
fn features_of_geojson_are_judged_one_by_one() {
    let found = geojson(
        r#"{"type": "FeatureCollection", "features": [
        {"type": "Feature", "id": "m-1", "properties": {"name": "a", "tags": ["x"]},
         "geometry": {"type": "Point", "coordinates": [113.1, 27.9, 55]}},
        {"type": "Feature", "id": 7, "properties": {"id": "own"}, "geometry": {"type": "MultiPoint", "coordinates": [[113.2, 27.9]]}},
        {"type": "Feature", "properties": {}, "geometry": null},
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": []}},
        {"type": "Feature", "properties": null, "geometry": {"type": "LineString", "coordinates": [[113, 27], [113.1, 27]]}},
        {"type": "Feature", "properties": null, "geometry": {"type": "Point", "coordinates": ["113,1", 27]}},
        {"type": "Feature", "properties": null, "geometry": {"type": "Point", "coordinates": [113]}},
        {"type": "Feature", "properties": null, "geometry": {"type": "Polygon", "coordinates":
            [[[113, 27], [113.2, 27.2], [113.2, 27], [113, 27.2], [113, 27]]]}},
        {"type": "Feature", "properties": null, "geometry": {"type": "Polygon", "coordinates": [[[113, 27], [113.1, 27.1], [113, 27]]]}},
        {"type": "Feature", "properties": null, "geometry": {"type": "Polygon", "coordinates": [[[113, 27]]]}},
        {"type": "Feature", "properties": {"name": "good"}, "geometry": {"type": "Polygon", "coordinates":
            [[[113, 27], [113.2, 27], [113.2, 27.2], [113, 27]]]}},
        {"type": "Feature", "properties": {"name": "good"}, "geometry": {"type": "Polygon", "coordinates":
            [[[113, 27], [113.2, 27], [113.2, 27.2], [113, 27]]]}},
        "nothing",
        {"type": "Feature", "properties": null, "geometry": {"type": "GeometryCollection", "geometries":
            [{"type": "Point", "coordinates": [113, 27]}]}}
    ]}"#,
    );
    assert_eq!(found.rows, [1, 2, 8, 11], "{:#?}", found.problems);
    assert_eq!(found.table.features[0].properties["id"], Value::Text("m-1".into()));
    assert_eq!(found.table.features[0].properties["tags"], Value::Text("[\"x\"]".into()));
    assert_eq!(found.table.features[1].properties["id"], Value::Text("own".into()));
    assert_eq!(point(&found, 1), (113.2, 27.9));
    let Geometry::MultiPolygon(parts) = &found.table.features[2].geometry else { panic!("one part") };
    assert!(parts.0.len() == 2 && parts.is_valid());
    for (row, words, action) in [
        (3, "no geometry", RowAction::LeftOut),
        (4, "no geometry", RowAction::LeftOut),
        (5, "a line", RowAction::LeftOut),
        (6, "cannot be read", RowAction::LeftOut),
        (7, "cannot be read", RowAction::LeftOut),
        (8, "rings were put in order", RowAction::Mended),
        (9, "area", RowAction::LeftOut),
        (10, "", RowAction::LeftOut),
        (12, "the same as row 11", RowAction::LeftOut),
        (13, "not a feature", RowAction::LeftOut),
        (14, "collection", RowAction::LeftOut),
    ] {
        let told = told(&found, row);
        let [(problem, done)] = told[..] else { panic!("row {row}: {told:?}") };
        assert!(problem.contains(words) && done == action, "row {row}: {problem} {done:?}");
    }
    let bare = geojson(r#"{"type": "Point", "coordinates": [1, 2]}"#);
    assert_eq!((bare.rows.as_slice(), point(&bare, 0)), (&[1][..], (1.0, 2.0)));
}

#[test]
fn without_names_all_properties_tell_twins_from_neighbours() {
    let found = table("id,ore,lon,lat\n1,Pb,113.1,27.9\n2,Pb,113.1,27.9\n3,Zn,113.1,27.9\n4,Zn,113.1,27.9\n");
    assert_eq!(found.rows, [2, 4]);
    assert_eq!(told(&found, 3), [("it is the same as row 2", RowAction::LeftOut)]);
    assert_eq!(told(&found, 4)[0].1, RowAction::Kept);
    assert_eq!(told(&found, 5), [("it is the same as row 4", RowAction::LeftOut)]);
}

#[test]
fn files_of_gdal_are_judged_by_feature_and_take_a_crs_where_they_tell_none() {
    let folder = tempfile::tempdir().unwrap();
    let utm = Crs::from_epsg(32649).unwrap();
    let reference = utm.to_spatial_ref().unwrap();
    for (driver, file, told_crs) in [
        ("ESRI Shapefile", "a.shp", false),
        ("ESRI Shapefile", "b.shp", true),
        ("GPKG", "c.gpkg", true),
        ("FlatGeobuf", "d.fgb", true),
    ] {
        let path = folder.path().join(file);
        let mut dataset =
            DriverManager::get_driver_by_name(driver).unwrap().create_vector_only(&path).unwrap();
        let layer = dataset
            .create_layer(LayerOptions {
                name: "mines",
                srs: told_crs.then_some(&reference),
                ty: gdal::vector::OGRwkbGeometryType::wkbPolygon,
                options: None,
            })
            .unwrap();
        for wkt in [
            "POLYGON ((700000 3090000, 700000 3091000, 701000 3091000, 701000 3090000, 700000 3090000))",
            "POLYGON ((710000 3090000, 711000 3091000, 711000 3090000, 710000 3091000, 710000 3090000))",
            "POLYGON ((710000 3090000, 711000 3091000, 710000 3090000))",
        ] {
            let mut feature = OgrFeature::new(layer.defn()).unwrap();
            feature.set_geometry(OgrGeometry::from_wkt(wkt).unwrap()).unwrap();
            feature.create(&layer).unwrap();
        }
        dataset.close().unwrap();
        let without = read(&path, None);
        assert_eq!(without.is_ok(), told_crs, "{file}: {without:?}");
        let found = read(&path, Some(&utm)).unwrap();
        let actions: Vec<RowAction> = found.problems.iter().map(|p| p.action).collect();
        assert_eq!(found.rows.len(), 2, "{file}: {:?}", found.problems);
        assert!(actions.contains(&RowAction::Mended) && actions.contains(&RowAction::LeftOut), "{file}");
        let c = found.table.features[0].geometry.coords_iter().next().unwrap();
        assert!((112.9..113.3).contains(&c.x) && (27.8..28.0).contains(&c.y), "{file}: {c:?}");
    }
    let error = read(&folder.path().join("gone.gpkg"), None).unwrap_err().to_string();
    assert!(error.contains("No such file"), "{error}");
    assert!(read(Path::new("a.kml"), None).unwrap_err().to_string().contains("its ending is none of"));
}

#[test]
fn text_in_gbk_is_read_and_told() {
    let gbk = b"\xc3\xfb\xb3\xc6,lon,lat\n\xbf\xf3\xc9\xbd,113.1,27.9\n";
    let found = parse("mines.csv", VectorFormat::Csv, gbk, None).unwrap();
    assert_eq!(found.table.features[0].properties["名称"], Value::Text("矿山".to_owned()));
    assert!(found.notes[0].contains("GBK"), "{:?}", found.notes);
}
