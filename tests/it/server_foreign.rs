//! Files of callers that are made to do harm, sent to a running server: each is an error of its input, and
//! the server goes on as if nothing had come.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::server::Server;

/// A text that no answer may hold.
const SECRET: &str = "b5a1-the-key-of-ann";
const ENDLESS: &str =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS fid, x AS geom FROM c";

fn heatmap(mines: &Value) -> Value {
    json!({"inputs": {"mines": mines, "cell": 500, "bandwidth": 3000}, "outputs": {"density": {}}})
}

/// The answer to mines, which is never cut off and never holds a secret.
fn asked(server: &Server, mines: &Value) -> (u16, Value) {
    let (status, _, answer) = server.execute("mine-heatmap", "", &heatmap(mines));
    assert!(!answer.to_string().contains(SECRET), "{answer}");
    (status, answer)
}

/// That the server is well, and does the work of others.
fn goes_on(server: &Server) {
    assert_eq!(server.get("/health").0, 200);
    let good = json!({"value": "lon,lat\n113.1,27.9\n", "mediaType": "text/csv"});
    let (status, _, answer) = server.execute("mine-heatmap", "", &heatmap(&good));
    assert_eq!(status, 200, "{answer}");
}

fn packed(bytes: &[u8]) -> Value {
    json!({"value": STANDARD.encode(bytes), "encoding": "base64", "mediaType": "application/geopackage+sqlite3"})
}

/// A GeoPackage of one point, changed by these statements.
fn package(folder: &Path, more: &str) -> Vec<u8> {
    let path = folder.join("made.gpkg");
    let _ = std::fs::remove_file(&path);
    let made = Connection::open(&path).unwrap();
    made.execute_batch(
        "PRAGMA application_id = 1196444487; \
         CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT, \
             organization_coordsys_id INTEGER, definition TEXT, description TEXT); \
         INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, 'undefined', ''); \
         CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT, identifier TEXT, srs_id INTEGER); \
         INSERT INTO gpkg_contents VALUES ('mines', 'features', 'mines', 4326); \
         CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, \
             srs_id INTEGER, z TINYINT, m TINYINT); \
         INSERT INTO gpkg_geometry_columns VALUES ('mines', 'geom', 'POINT', 4326, 0, 0); \
         CREATE TABLE mines (fid INTEGER PRIMARY KEY, geom POINT, name TEXT); \
         INSERT INTO mines VALUES (1, X'47500001E610000001010000006666666666465C406666666666E63B40', 'one')",
    )
    .unwrap();
    made.execute_batch(more).unwrap();
    drop(made);
    std::fs::read(&path).unwrap()
}

/// A polygon whose rings cross millions of times: to put them in order takes minutes.
fn tangled(vertices: u64) -> Value {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64
    };
    let mut ring: Vec<[f64; 2]> = (0..vertices).map(|_| [113.0 + next(), 27.0 + next()]).collect();
    ring.push(ring[0]);
    json!({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    ]})
}

/// The numbers of a server's children.
#[cfg(target_os = "linux")]
fn children(server: &Server) -> Vec<u32> {
    let own = server.child.id();
    let of = |pid: u32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = text.rsplit_once(')')?;
        let mut parts = rest.split_whitespace();
        let state = parts.next()?.to_owned();
        let parent: u32 = parts.next()?.parse().ok()?;
        (parent == own && state != "Z").then_some(pid)
    };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| of(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// Waits until something holds.
fn until(what: &str, most: Duration, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < most, "{what}: not after {most:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn geopackages_that_lead_elsewhere_or_never_end_are_refused_and_the_server_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let secret = home.path().join("keys.txt");
    std::fs::write(&secret, format!("{SECRET}\n{SECRET}\n")).unwrap();
    let server = Server::start(home.path(), "");
    let (status, answer) = asked(&server, &packed(&package(home.path(), "")));
    assert_eq!(status, 200, "a package that means no harm: {answer}");

    let schema = |set: &str| {
        format!("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET {set} WHERE name = 'mines'")
    };
    let text = |of: &str| {
        let call = format!("VirtualText('{}', 'UTF-8', 0, POINT, NONE, ',')", secret.display());
        schema(&format!("rootpage = 0, sql = '{of} {}'", call.replace('\'', "''")))
    };
    let attacks = [
        ("a virtual table by two spaces", text("CREATE  VIRTUAL TABLE mines USING")),
        ("a virtual table by a comment", text("CREATE/**/VIRTUAL TABLE mines USING")),
        ("a view", format!("DROP TABLE mines; CREATE VIEW mines AS {ENDLESS}")),
        (
            "a view in capitals",
            schema(&format!("type = 'VIEW', rootpage = 0, sql = 'CREATE VIEW mines AS {ENDLESS}'")),
        ),
        ("empty SQL", schema("sql = ''")),
        ("no SQL", schema("sql = NULL")),
        ("no SQL of another row", "CREATE TABLE b (c); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = NULL WHERE name = 'b'".to_owned()),
        ("a generated column", "ALTER TABLE mines ADD COLUMN big AS (zeroblob(766000000))".to_owned()),
        (
            "a view for the CRS",
            format!("DROP TABLE gpkg_spatial_ref_sys; CREATE VIEW gpkg_spatial_ref_sys AS {ENDLESS}"),
        ),
        (
            "a view for the layers",
            format!("DROP TABLE gpkg_geometry_columns; CREATE VIEW gpkg_geometry_columns AS {ENDLESS}"),
        ),
    ];
    for (what, more) in attacks {
        let (status, answer) = asked(&server, &packed(&package(home.path(), &more)));
        assert_eq!(status, 400, "{what}: {answer}");
        assert!(answer["input"].as_str().is_some_and(|i| i.starts_with("mines")), "{what}: {answer}");
        goes_on(&server);
    }
    let whole = package(home.path(), "");
    for end in [1, 15, 16, 100, 1024, 4096, whole.len() / 2] {
        let (status, answer) = asked(&server, &packed(&whole[..end]));
        assert_eq!(status, 400, "cut at {end}: {answer}");
    }
    goes_on(&server);
    assert_eq!(std::fs::read_dir(home.path().join("fetched")).unwrap().count(), 0, "values go with the job");
}

#[test]
fn damaged_files_of_every_format_are_errors_of_their_input() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let nested = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let gml = "<a>".repeat(100_000);
    for (kind, bytes) in [
        ("application/geo+json", nested.as_bytes()),
        ("application/geo+json", &b"{\"type\": \"FeatureCollection\", \"features\": [{\"type\""[..]),
        ("application/gml+xml", gml.as_bytes()),
        ("text/csv", b"lon,lat\n\xff\xfe,1\n"),
        ("application/flatgeobuf", b"fgb\x03fgb\x00\xff\xff\xff\x7f\x00\x00\x00\x00"),
    ] {
        let value = json!({"value": STANDARD.encode(bytes), "encoding": "base64", "mediaType": kind});
        let (status, answer) = asked(&server, &value);
        assert_eq!(status, 400, "{kind}: {answer}");
        assert!(answer["input"].as_str().is_some_and(|i| i.starts_with("mines")), "{kind}: {answer}");
    }
    goes_on(&server);
}

#[test]
fn limits_of_memory_and_time_are_named_and_the_server_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[reader]\nmemory_megabytes = 96\n");
    let mut table = "lon,lat,name\n".to_owned();
    for k in 0..500_000 {
        table += &format!("113.{k:06},27.9,mine {k}\n");
    }
    let (status, answer) = asked(&server, &json!({"value": table, "mediaType": "text/csv"}));
    let detail = answer.to_string();
    assert!(
        status == 400 && detail.contains("96 MB of memory (`reader.memory_megabytes`)"),
        "{status} {detail}"
    );
    goes_on(&server);
    let many = Server::start(&home.path().join("b"), "[reader]\nseconds = 2\nmemory_megabytes = 8192\n");
    let (status, answer) = asked(&many, &tangled(20_000));
    let detail = answer.to_string();
    assert!(status == 400 && detail.contains("longer than 2 s (`reader.seconds`)"), "{status} {detail}");
    goes_on(&many);
}

#[cfg(target_os = "linux")]
#[test]
fn dismissing_a_job_ends_its_child_within_a_second_and_others_run_beside_it() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[jobs]\nworkers = 2\n[reader]\nmemory_megabytes = 8192\n");
    let (status, _, accepted) = server.execute("mine-heatmap", "respond-async", &heatmap(&tangled(8_000)));
    assert_eq!(status, 201, "{accepted}");
    let job = Server::job(&accepted);
    until("a child", Duration::from_secs(20), || !children(&server).is_empty());
    goes_on(&server);
    assert!(!children(&server).is_empty(), "it still reads");
    assert_eq!(server.call("DELETE", &job, &[], "").0, 200);
    until("the child's end", Duration::from_secs(1), || children(&server).is_empty());
    goes_on(&server);
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_ends_with_its_server() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let (status, _, accepted) = server.execute("mine-heatmap", "respond-async", &heatmap(&tangled(8_000)));
    assert_eq!(status, 201, "{accepted}");
    until("a child", Duration::from_secs(20), || !children(&server).is_empty());
    let child = children(&server)[0];
    server.signal("KILL");
    let state = || std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    until("the child's end", Duration::from_secs(1), || {
        let text = state();
        text.is_empty() || text.contains(") Z ")
    });
}

#[test]
fn the_command_of_the_child_is_not_for_people() {
    let run =
        |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_rededge")).args(arguments).output().unwrap();
    let help = run(&["--help"]);
    assert!(!String::from_utf8_lossy(&help.stdout).contains("read-foreign"));
    assert!(!run(&["read-foreign"]).status.success());
    assert!(!run(&["read-foreign", "/nowhere"]).status.success());
}
