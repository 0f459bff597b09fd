//! Packages as programs write them, and as somebody would who means harm.

use super::*;
use crate::io::vectors::Raw;

/// A package of two points with every kind of column, and then this.
fn package(folder: &Path, more: &str) -> std::path::PathBuf {
    let path = folder.join("a.gpkg");
    let _ = std::fs::remove_file(&path);
    let point = "X'47500001E61000000101000000000000000000F03F0000000000000040'";
    let made = Connection::open(&path).unwrap();
    made.execute_batch(&format!(
        "CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT, \
             organization_coordsys_id INTEGER, definition TEXT); \
         INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, ''); \
         CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, \
             srs_id INTEGER, z TINYINT, m TINYINT); \
         INSERT INTO gpkg_geometry_columns VALUES ('mines', 'geom', 'POINT', 4326, 0, 0); \
         CREATE TABLE mines (fid INTEGER PRIMARY KEY, geom POINT, ok BOOLEAN, count MEDIUMINT, share REAL, \
             name TEXT(20), day DATE, seen DATETIME, raw BLOB); \
         INSERT INTO mines VALUES (1, {point}, 1, 7, 0.5, 'one', '2022-07-05', '2022-07-05T10:00:00.5Z', X'0AFF'); \
         INSERT INTO mines VALUES (2, NULL, 0, NULL, 2, 'two', NULL, '2022-07-05T10:00:00+05:30', NULL); {more}"
    ))
    .unwrap();
    path
}

fn read(path: &Path) -> Result<Raw, String> {
    let mut raw = Raw::default();
    each(path, "a.gpkg", &mut raw).map(|()| raw).map_err(|e| e.to_string())
}

#[test]
fn every_kind_of_column_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let raw = read(&package(folder.path(), "")).unwrap();
    assert_eq!(raw.crs.unwrap().epsg(), Some(4326));
    let [first, second] = &raw.rows[..] else { panic!("{:?}", raw.rows) };
    assert_eq!(first.geometry, Some(Ok(geo::point!(x: 1.0, y: 2.0).into())));
    assert_eq!(second.geometry, None);
    let text = |t: &str| Value::Text(t.to_owned());
    let wanted = [
        ("count", Value::Integer(7)),
        ("day", text("2022-07-05")),
        ("name", text("one")),
        ("ok", Value::Bool(true)),
        ("raw", text("0AFF")),
        ("seen", text("2022-07-05 10:00:00 +00:00")),
        ("share", Value::Number(0.5)),
    ];
    assert_eq!(first.properties, wanted.map(|(k, v)| (k.to_owned(), v)).into());
    assert_eq!(second.properties["seen"], text("2022-07-05 10:00:00 +05:30"));
    assert_eq!(second.properties["count"], Value::Null);
}

#[test]
fn tables_beside_the_layer_are_not_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let more = "CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c; \
                CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, y0, y1); CREATE VIRTUAL TABLE f USING fts5(t); \
                CREATE TABLE pragma_table_list (name, type); CREATE TABLE styles (sld TEXT);";
    assert_eq!(read(&package(folder.path(), more)).unwrap().rows.len(), 2);
}

#[test]
fn only_ordinary_tables_are_read_whatever_the_schema_says() {
    let folder = tempfile::tempdir().unwrap();
    let schema = |set: &str| {
        format!(
            "DROP TABLE mines; CREATE TABLE mines (fid INTEGER PRIMARY KEY, geom POINT); \
             PRAGMA writable_schema = ON; UPDATE sqlite_schema SET {set} WHERE name = 'mines';"
        )
    };
    let endless =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS fid, x AS geom FROM c";
    for (what, more, words) in [
        ("a view", format!("DROP TABLE mines; CREATE VIEW mines AS {endless};"), "is a view"),
        ("a view in capitals", schema(&format!("type = 'VIEW', rootpage = 0, sql = 'CREATE VIEW mines AS {endless}'")), ""),
        (
            "a virtual table",
            schema("rootpage = 0, sql = 'CREATE  VIRTUAL TABLE mines USING VirtualText(''/etc/passwd'', ''UTF-8'', 0, POINT, NONE, '':'')'"),
            "",
        ),
        ("a search table", "DROP TABLE mines; CREATE VIRTUAL TABLE mines USING fts5(geom);".to_owned(), "is a virtual"),
        ("empty SQL", schema("sql = ''"), ""),
        ("no SQL", schema("sql = NULL"), ""),
        (
            "a generated column",
            "ALTER TABLE mines ADD COLUMN big AS (zeroblob(766000000));".to_owned(),
            "the column `big` of `mines` is generated",
        ),
        (
            "a CRS from a view",
            format!("DROP TABLE gpkg_spatial_ref_sys; CREATE VIEW gpkg_spatial_ref_sys AS {endless};"),
            "is a view",
        ),
        (
            "layers from a view",
            format!("DROP TABLE gpkg_geometry_columns; CREATE VIEW gpkg_geometry_columns AS {endless};"),
            "is a view",
        ),
        ("no layer", "DROP TABLE mines;".to_owned(), "no layer of geometries"),
        (
            "two layers",
            "CREATE TABLE b (geom POINT); INSERT INTO gpkg_geometry_columns VALUES ('b', 'geom', 'POINT', 0, 0, 0);"
                .to_owned(),
            "2 layers (mines, b)",
        ),
    ] {
        let path = package(folder.path(), &more);
        let error = read(&path).map(|raw| raw.rows.len());
        assert!(error.as_ref().is_err_and(|e| e.contains("as GPKG") && e.contains(words)), "{what}: {error:?}");
    }
}

#[test]
fn a_package_that_is_cut_off_is_an_error_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = package(folder.path(), "");
    let whole = std::fs::read(&path).unwrap();
    let cut = folder.path().join("cut.gpkg");
    for end in (0..whole.len()).step_by(509) {
        std::fs::write(&cut, &whole[..end]).unwrap();
        let read = read(&cut);
        assert!(read.is_err() || end > 4096, "cut at {end}");
    }
}

#[test]
fn a_package_that_was_written_with_a_log_is_read_where_none_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = package(folder.path(), "PRAGMA journal_mode = WAL;");
    assert_eq!(read(&path).unwrap().rows.len(), 2);
    let odd = folder.path().join("a ?#%.gpkg");
    std::fs::rename(&path, &odd).unwrap();
    assert_eq!(read(&odd).unwrap().rows.len(), 2);
}
