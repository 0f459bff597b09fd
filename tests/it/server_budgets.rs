//! Small requests that declare large things: they are refused by name, and the server goes on in little
//! memory.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::server::Server;

/// Bytes of a GeoTIFF of a few kB that declares so many pixels: all its tiles are absent.
pub fn sparse_tiff(cols: u32, rows: u32, tile: u32) -> Vec<u8> {
    let tiles = cols.div_ceil(tile) * rows.div_ceil(tile);
    let long = |values: &[u32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let short = |values: &[u16]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let double = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let nothing = long(&vec![0; tiles as usize]);
    // EPSG:32649, pixels are areas.
    let keys = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32649];
    let entries: [(u16, u16, u32, Vec<u8>); 13] = [
        (256, 4, 1, long(&[cols])),
        (257, 4, 1, long(&[rows])),
        (258, 3, 1, short(&[8, 0])),
        (259, 3, 1, short(&[8, 0])),
        (262, 3, 1, short(&[1, 0])),
        (277, 3, 1, short(&[1, 0])),
        (322, 4, 1, long(&[tile])),
        (323, 4, 1, long(&[tile])),
        (324, 4, tiles, nothing.clone()),
        (325, 4, tiles, nothing),
        (33550, 12, 3, double(&[10.0, 10.0, 0.0])),
        (33922, 12, 6, double(&[0.0, 0.0, 0.0, 500_000.0, 3_090_000.0, 0.0])),
        (34735, 3, 16, short(&keys)),
    ];
    let mut head = b"II*\0\x08\0\0\0".to_vec();
    head.extend((entries.len() as u16).to_le_bytes());
    let mut at = head.len() + 12 * entries.len() + 4;
    let mut rest = Vec::new();
    for (tag, kind, count, value) in entries {
        head.extend(tag.to_le_bytes().into_iter().chain(kind.to_le_bytes()).chain(count.to_le_bytes()));
        if value.len() <= 4 {
            head.extend(value);
        } else {
            head.extend((at as u32).to_le_bytes());
            at += value.len();
            rest.extend(value);
        }
    }
    head.extend([0; 4]);
    head.extend(rest);
    head
}

fn by_value(media_type: &str, bytes: &[u8]) -> Value {
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    json!({"href": format!("data:{media_type};base64,{text}"), "type": media_type})
}

fn mine() -> Value {
    json!({"type": "Point", "coordinates": [111.01, 27.9]})
}

/// Peak megabytes of the server so far.
fn peak_megabytes(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() >> 10
}

/// Refused with 400 at once, by the input's name; tells why.
fn refused(server: &Server, process: &str, inputs: &Value, input: &str) -> String {
    let (status, _, answer) = server.execute(process, "", &json!({"inputs": inputs}));
    assert_eq!(status, 400, "{process}: {answer}");
    let named = answer["input"].as_str().unwrap();
    assert!(named.starts_with(input), "{process}: {answer}");
    answer["detail"].as_str().unwrap().to_owned()
}

#[test]
fn a_raster_of_a_million_by_a_million_pixels_is_refused_by_every_process_that_takes_one() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let giant = by_value("image/tiff", &sparse_tiff(1_000_000, 1_000_000, 16_384));
    let small = by_value("image/tiff", &sparse_tiff(100, 100, 112));
    let samples = json!({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"class": "stressed-rice"}, "geometry": mine()}]});
    let before = peak_megabytes(&server);
    for (process, inputs, input) in [
        ("assess-accuracy", json!({"map": giant, "samples": samples}), "map"),
        ("assess-accuracy", json!({"map": small, "samples": giant}), "samples"),
        ("assess-accuracy", json!({"map": small, "samples": samples, "mask": giant}), "mask"),
        ("stress-persistence", json!({"maps": [{"year": 2021, "map": giant}]}), "maps[0].map"),
        ("stress-zones", json!({"stressMap": giant, "mines": mine()}), "stressMap"),
        ("stress-zones", json!({"stressMap": small, "probability": giant}), "probability"),
        ("mine-association", json!({"stressMap": giant, "mines": mine()}), "stressMap"),
    ] {
        let why = refused(&server, process, &inputs, input);
        assert!(
            why.contains("1000000 x 1000000 pixels")
                && (why.contains("limits.pixels") || why.contains("reader.raster_megabytes")),
            "{process}: {why}"
        );
        assert!(!why.contains(&*home.path().to_string_lossy()), "{why}");
    }
    assert!(peak_megabytes(&server) < before + 200, "{before} MB before, {} after", peak_megabytes(&server));

    // As long a side is none that tables by row are made for.
    let long = by_value("image/tiff", &sparse_tiff(16, 2_100_000, 8192));
    let why = refused(&server, "assess-accuracy", &json!({"map": long, "samples": samples}), "map");
    assert!(why.contains("no side may be longer than 2000000"), "{why}");
    assert_eq!(server.get("/health").1["status"], "pass");
}

#[test]
fn a_map_that_is_held_whole_has_to_fit_into_the_memory_of_a_job() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[limits]\nmemory_megabytes = 512\n");
    // 2.5 GB as a plane of bytes.
    let large = by_value("image/tiff", &sparse_tiff(50_000, 50_000, 16_384));
    let before = peak_megabytes(&server);
    let why = refused(&server, "stress-zones", &json!({"stressMap": large}), "stressMap");
    assert!(why.contains("would take 2385 MB") && why.contains("512 MB"), "{why}");
    assert!(peak_megabytes(&server) < before + 200, "{before} MB before, {} after", peak_megabytes(&server));
}

#[test]
fn the_pixels_of_every_raster_are_held_to_the_limit_of_the_operator() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[limits]\npixels = 10000\n");
    let edge = json!({"inputs": {"stressMap": by_value("image/tiff", &sparse_tiff(100, 100, 112))}});
    assert_eq!(server.execute("stress-zones", "", &edge).0, 200);
    let over = json!({"stressMap": by_value("image/tiff", &sparse_tiff(100, 101, 112))});
    let why = refused(&server, "stress-zones", &over, "stressMap");
    assert!(why.contains("100 x 101 pixels, more than the 10000"), "{why}");
    // Results are rasters too.
    let heat = json!({"mines": mine(), "bandwidth": 1000, "cell": 10});
    let why = refused(&server, "mine-heatmap", &heat, "cell");
    assert!(why.contains("more than the 10000"), "{why}");
}

#[test]
fn the_smallest_cells_are_refused_and_not_counted_wrongly() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    for cell in [0.01, 1e-9, 1e-300, 5e-324] {
        let why = refused(&server, "mine-heatmap", &json!({"mines": mine(), "cell": cell}), "cell");
        assert!(why.contains("give a cell of 1 m or more"), "{why}");
    }
}

/// A circle of so many vertices with this radius in degrees, or a star of as many.
fn round(vertices: u32, radius: f64, star: bool) -> Value {
    let place = |i: u32| {
        let turn = f64::from(i % vertices) / f64::from(vertices) * std::f64::consts::TAU;
        let radius = if star && i % 2 == 1 { radius * 0.6 } else { radius };
        json!([111.005 + turn.cos() * radius, 27.92 + turn.sin() * radius])
    };
    json!({"type": "Polygon", "coordinates": [(0..=vertices).map(place).collect::<Vec<_>>()]})
}

fn feature(geometry: &Value) -> Value {
    json!({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"class": "stressed-rice", "id": "a"}, "geometry": geometry}]})
}

#[test]
fn polygons_of_300_000_vertices_take_seconds_and_little_memory() {
    let home = tempfile::tempdir().unwrap();
    // Two arenas, so that what is measured is memory in use, not free memory of each thread's arena.
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rededge"));
    command.env("MALLOC_ARENA_MAX", "2");
    let server = Server::start_by(command, home.path(), "[jobs]\nsynchronous_seconds = 300\n");
    let map = by_value("image/tiff", &sparse_tiff(200, 200, 208));
    let (circle, star) = (feature(&round(300_000, 0.01, false)), feature(&round(300_000, 0.01, true)));
    let start = Instant::now();
    let run = |process: &str, inputs: &Value| {
        let (status, _, answer) =
            server.execute(process, "respond-async", &json!({"inputs": inputs, "response": "document"}));
        assert_eq!(status, 201, "{process}: {answer}");
        server.until(&Server::job(&answer), "successful");
    };
    for polygon in [&circle, &star] {
        run("mine-heatmap", &json!({"mines": polygon, "cell": 500}));
        run("mine-heatmap", &json!({"mines": mine(), "area": polygon, "cell": 20}));
        run("mine-association", &json!({"stressMap": map, "mines": polygon, "shifts": 20}));
    }
    run("stress-zones", &json!({"stressMap": map, "mines": circle}));
    // The longest edges of a star are followed on the ground, and make more points than are taken.
    let wide = feature(&round(300_000, 5.0, true));
    let why = refused(&server, "mine-heatmap", &json!({"mines": mine(), "area": wide, "cell": 500}), "area");
    assert!(why.contains("simplify the polygons"), "{why}");
    assert!(start.elapsed() < Duration::from_mins(5), "{:?}", start.elapsed());
    // The requests themselves are 12 MB of text.
    assert!(peak_megabytes(&server) < 1000, "{} MB", peak_megabytes(&server));
}

#[test]
fn vertices_are_held_to_the_limits_of_the_operator() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[limits]\nvertices = 15\ngeometry_vertices = 10\n");
    let heat = |mines: Value| json!({"mines": mines, "cell": 500});
    let why = refused(&server, "mine-heatmap", &heat(feature(&round(10, 0.01, false))), "mines");
    assert!(why.contains("feature 1 has 11 vertices, more than the 10"), "{why}");
    let points: Vec<Value> = (0..16).map(|i| json!([111.0, 27.0 + 0.01 * f64::from(i)])).collect();
    let each = |at: &Value| json!({"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": at}});
    let table = |n: usize| json!({"type": "FeatureCollection", "features": points[..n].iter().map(each).collect::<Vec<_>>()});
    let why = refused(&server, "mine-heatmap", &heat(table(16)), "mines");
    assert!(why.contains("16 vertices, more than the 15") && why.contains("limits.vertices"), "{why}");
    assert_eq!(server.execute("mine-heatmap", "", &json!({"inputs": heat(table(15))})).0, 200);
}

#[test]
fn a_giant_map_is_compared_by_blocks_and_stops_when_it_is_dismissed() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    // Just below the limit of pixels: minutes of work, block by block.
    let giant = by_value("image/tiff", &sparse_tiff(140_000, 140_000, 16_384));
    let samples = json!({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"class": "stressed-rice"},
         "geometry": {"type": "Point", "coordinates": [111.2, 27.5]}}]});
    let before = peak_megabytes(&server);
    let request = json!({"inputs": {"map": giant, "samples": samples}});
    let (status, _, answer) = server.execute("assess-accuracy", "respond-async", &request);
    assert_eq!(status, 201, "{answer}");
    let job = Server::job(&answer);
    server.until(&job, "running");
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(server.call("DELETE", &job, &[], "").0, 200);
    let start = Instant::now();
    while server.get("/health").1["jobs"]["running"] != 0 {
        assert!(start.elapsed() < Duration::from_secs(20), "it is still running");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(peak_megabytes(&server) < before + 600, "{before} MB before, {} after", peak_megabytes(&server));
}

#[test]
fn lengths_that_a_flatgeobuf_declares_are_compared_with_its_own() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let polygon = geozero::geojson::GeoJson(
        r#"{"type": "Polygon", "coordinates": [[[111,27],[112,27],[112,28],[111,28],[111,27]],
            [[111.2,27.2],[111.4,27.2],[111.4,27.4],[111.2,27.2]]]}"#,
    );
    let mut good = Vec::new();
    let kind = flatgeobuf::GeometryType::Polygon;
    let mut writer = flatgeobuf::FgbWriter::create("mines", kind).unwrap();
    writer.add_feature_geom(polygon, |_| {}).unwrap();
    writer.write(&mut good).unwrap();
    let heat = |bytes: &[u8]| json!({"mines": by_value("application/flatgeobuf", bytes), "cell": 2000});
    assert_eq!(server.execute("mine-heatmap", "", &json!({"inputs": heat(&good)})).0, 200);

    let header = u32::from_le_bytes(good[8..12].try_into().unwrap()) as usize;
    // One feature and a root above it.
    let feature = 12 + header + 2 * 40;
    let with = |at: usize, value: u32| {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let before = peak_megabytes(&server);
    for (at, value, told) in [
        (feature, 0xffff_fff0, "feature 1 declares 4294967280 bytes"),
        (feature, good.len() as u32, "feature 1 declares"),
        (8, 0x7fff_ffff, "declares a header of 2147483647 bytes"),
    ] {
        let why = refused(&server, "mine-heatmap", &heat(&with(at, value)), "mines");
        assert!(why.contains(told), "{why}");
    }
    // The ends of the rings: 5 and 9 vertices.
    let ends: Vec<u8> = [5_u32, 9].iter().flat_map(|v| v.to_le_bytes()).collect();
    let at = good.windows(8).position(|bytes| bytes == ends).unwrap();
    for value in [0x7fff_fff0, 0xffff_ffff] {
        let (status, _, answer) =
            server.execute("mine-heatmap", "", &json!({"inputs": heat(&with(at, value))}));
        assert!(status == 400 && answer.to_string().contains("a part ends at vertex"), "{answer}");
    }
    assert!(peak_megabytes(&server) < before + 100, "{before} MB before, {} after", peak_megabytes(&server));
}

/// The example, which a whole `cargo test` builds beside the binary, and one with `--test it` does not.
fn deaf_program() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_BIN_EXE_rededge")).with_file_name("examples/deaf_process");
    let missing = !program.is_file() && std::env::var_os("CI").is_none();
    if missing {
        println!("skipped: {} is absent (cargo build --example deaf_process)", program.display());
    }
    (!missing).then_some(program)
}

#[test]
fn health_warns_of_a_dismissed_job_that_still_runs() {
    let Some(program) = deaf_program() else { return };
    let home = tempfile::tempdir().unwrap();
    let server = Server::start_program(&program, home.path(), "[jobs]\ngrace_seconds = 1\n");
    let (_, _, answer) = server.execute("sleep", "respond-async", &json!({"inputs": {"seconds": 15}}));
    let job = Server::job(&answer);
    server.until(&job, "running");
    assert_eq!(server.call("DELETE", &job, &[], "").0, 200);
    let until = |word: &str| {
        let start = Instant::now();
        loop {
            let (status, health) = server.get("/health");
            assert_eq!(status, 200, "{health}");
            if health["status"] == word {
                return health;
            }
            assert!(start.elapsed() < Duration::from_secs(40), "{health}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    assert_eq!(server.get("/health").1["status"], "pass", "it has its time to come out");
    let health = until("warn");
    let workers = &health["checks"]["workers"];
    assert_eq!(workers["status"], "warn");
    let told = workers["output"].as_str().unwrap();
    assert!(told.contains(job.rsplit('/').next().unwrap()) && told.contains("1 of 1 workers"), "{told}");
    until("pass");
}
