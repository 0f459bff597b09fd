//! Every parser of foreign bytes: what the targets under `fuzz_targets` run for hours, and
//! `tests/it/parsers.rs` for a moment. That test compares this list with the targets and with the code.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rededge::classify::{Model, SeriesBlock, foreign, lightgbm};
use rededge::crs::Crs;
use rededge::cube::CubeRequest;
use rededge::io::feature_file::{FeatureFile, build};
use rededge::io::pyramid::Pyramid;
use rededge::io::raster_file::{Place, RasterFile};
use rededge::io::scenes::{Links, Location, SceneSource, SourceKind, open_cube_by};
use rededge::io::vectors::{self, VectorFormat};
use rededge::io::{series_csv, vector_rows};
use rededge::ogc::cql2::Expr;
use rededge::ogc::wps::{
    JobAnswer, Operation, execute_response, parse_kvp, parse_xml, text_of_body, version_of_body,
    version_of_query,
};
use rededge::ogc::{Execute, JobStatus, KvpExecute, Prefer, ProcessDescription};
use rededge::process::{find, registry};
use rededge::raster::Window;
use rededge::server::config::ServerConfig;
use rededge::store::feature_query::{FeatureQuery, Filter, TimeSpan};
use serde_json::Value;
use tempfile::TempDir;

/// A parser of foreign bytes.
pub struct Parser {
    /// The name of its target and of the folder of its seeds.
    pub name: &'static str,
    /// Reads bytes, and uses what it made of them.
    pub run: fn(&[u8]),
    /// The files of the crate that read the bytes, below `src`.
    pub files: &'static [&'static str],
}

/// All of them.
pub const PARSERS: &[Parser] = &[
    Parser { name: "config", run: config, files: &["server/config/read.rs"] },
    Parser { name: "cql2", run: cql2, files: &["ogc/cql2/lex.rs", "ogc/cql2/parse.rs"] },
    Parser { name: "crs", run: crs, files: &["crs/reference.rs"] },
    Parser { name: "datetime", run: datetime, files: &["ogc/dates.rs"] },
    Parser {
        name: "execute_json",
        run: execute_json,
        files: &["ogc/execute.rs", "ogc/coerce.rs", "server/execute.rs"],
    },
    Parser { name: "features", run: features, files: &["io/vector_stream.rs", "io/feature_file/read.rs"] },
    Parser { name: "flatgeobuf", run: flatgeobuf, files: &["io/vectors.rs"] },
    Parser { name: "geopackage", run: geopackage, files: &["io/geopackage.rs"] },
    Parser { name: "gf6", run: gf6, files: &["io/scenes/gf6.rs"] },
    Parser { name: "kvp_execute", run: kvp_execute, files: &["ogc/kvp.rs"] },
    Parser { name: "lightgbm", run: lightgbm_text, files: &["classify/lightgbm.rs", "classify/foreign.rs"] },
    Parser { name: "mines_csv", run: mines_csv, files: &["io/table.rs", "io/series_csv.rs"] },
    Parser { name: "mines_geojson", run: mines_geojson, files: &["io/geojson.rs"] },
    Parser { name: "mines_gml", run: mines_gml, files: &["io/gml/tree.rs", "io/gml/mod.rs", "text.rs"] },
    Parser { name: "model", run: model, files: &["classify/model.rs", "classify/sniff.rs"] },
    Parser { name: "prefer", run: prefer, files: &["ogc/prefer.rs"] },
    Parser { name: "safe", run: safe, files: &["io/scenes/safe.rs"] },
    Parser { name: "series_csv", run: series, files: &["io/series_csv.rs"] },
    Parser {
        name: "stac",
        run: stac,
        files: &["io/scenes/stac.rs", "io/scenes/folder.rs", "io/scenes/scene.rs", "io/fetch.rs"],
    },
    Parser { name: "tiff", run: tiff, files: &["io/raster_file.rs", "io/pyramid.rs", "io/chunks.rs"] },
    Parser { name: "wps_kvp", run: wps_kvp, files: &["ogc/wps/kvp.rs"] },
    Parser { name: "wps_xml", run: wps_xml, files: &["ogc/wps/xml.rs", "ogc/wps/read.rs"] },
];

/// Runs a parser by its name, for a target. Panics that the crate catches (those of the geometry library and of
/// FlatGeobuf) stay quiet: the hook of the fuzzer would end the run. One that is not caught still does.
pub fn run(name: &str, data: &[u8]) {
    static QUIET: std::sync::Once = std::sync::Once::new();
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let parser = PARSERS.iter().find(|parser| parser.name == name).expect("a target stands in the list");
    (parser.run)(data);
}

static PROCESSES: LazyLock<Vec<ProcessDescription>> =
    LazyLock::new(|| registry().iter().map(|p| p.describe()).collect());

/// A process by the first byte, and the bytes behind it.
fn process_and_rest(data: &[u8]) -> Option<(&'static ProcessDescription, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((&PROCESSES[usize::from(*first) % PROCESSES.len()], rest))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for files")
}

fn written(folder: &TempDir, name: &str, data: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder");
    std::fs::write(&path, data).expect("a file");
    path
}

fn text(data: &[u8]) -> &str {
    std::str::from_utf8(data).unwrap_or_default()
}

fn config(data: &[u8]) {
    let folder = folder();
    if let Ok(config) = ServerConfig::read(&written(&folder, "rededge.toml", data)) {
        let _ = (config.check(), config.effective());
    }
}

/// A condition, asked of a few features.
fn cql2(data: &[u8]) {
    static FEATURES: LazyLock<(TempDir, FeatureFile)> = LazyLock::new(|| {
        let folder = folder();
        let table = b"lon,lat,a,name,date,open\n1,1,2.5,b,2019-07-01,true\n2,2,,,,false\n";
        let (source, target) = (written(&folder, "a.csv", table), folder.path().join("columns"));
        build(&source, "1", &target).expect("a table");
        let file = FeatureFile::open(&target).expect("its columns");
        (folder, file)
    });
    let Ok(expr) = Expr::parse(text(data)) else { return };
    let file = &FEATURES.1;
    if let Ok(filter) = Filter::compile(&expr, file, &|_| Ok(())) {
        let query = FeatureQuery { filters: vec![filter], ..FeatureQuery::default() };
        assert!(query.count(file).expect("the columns are whole") <= file.len());
    }
}

fn crs(data: &[u8]) {
    if let Ok(crs) = Crs::parse(text(data)) {
        let _ = (crs.name(), crs.is_north_first(), crs.to_spatial_ref());
    }
}

fn datetime(data: &[u8]) {
    if let Some(span) = TimeSpan::parse(text(data)) {
        assert!(span.meets(&span));
    }
    let _ = serde_json::from_value::<rededge::ogc::DateInterval>(text(data).into());
}

/// The execute request of OGC API - Processes, for every process.
fn execute_json(data: &[u8]) {
    let Some((process, body)) = process_and_rest(data) else { return };
    let Ok(document) = serde_json::from_slice(&rededge::text::unmarked(body)) else { return };
    let Ok(mut asked) = Execute::parse(document) else { return };
    if asked.check(process).is_err() || asked.fit(&process.inputs).is_err() {
        return;
    }
    for link in asked.references(&process.inputs) {
        let _ = asked.put(&link, body, &process.inputs);
    }
    for output in process.outputs.keys() {
        let _ = (asked.wants(output), asked.transmission(output));
    }
    let again = serde_json::json!({"inputs": asked.inputs, "outputs": asked.outputs});
    let again = Execute::parse(again).expect("what was read is read again");
    assert!(again.media_types(&process.outputs).is_ok());
}

/// Features of GeoJSON, as a collection reads them, and its columns.
fn features(data: &[u8]) {
    let folder = folder();
    let target = folder.path().join("columns");
    if build(&written(&folder, "a.geojson", data), "1", &target).is_ok() {
        let file = FeatureFile::open(&target).expect("what was written is read");
        let rows: Vec<u32> = (0..file.len().min(100) as u32).collect();
        let columns: Vec<usize> = (0..file.fields().len()).collect();
        assert_eq!(file.features(&rows, &columns).expect("its features").len(), rows.len());
    }
}

fn flatgeobuf(data: &[u8]) {
    let _ = vectors::parse("a.fgb", VectorFormat::FlatGeobuf, data);
    let _ = vector_rows::parse("a.fgb", VectorFormat::FlatGeobuf, data, None);
}

fn geopackage(data: &[u8]) {
    let folder = folder();
    let path = written(&folder, "a.gpkg", data);
    let _ = (vectors::read(&path), vector_rows::read(&path, None));
}

/// Execution by a query string, for every process.
fn kvp_execute(data: &[u8]) {
    let Some((process, query)) = process_and_rest(data) else { return };
    if let Ok(mut asked) = KvpExecute::parse(text(query), process) {
        let _ = asked.execute.check(process);
        let _ = asked.execute.fit(&process.inputs);
    }
}

fn lightgbm_text(data: &[u8]) {
    if let Ok(model) = lightgbm::read(text(data)) {
        let scores = model.ensemble.score_row(|column| column as f32 - 1.0);
        assert_eq!(scores.len(), model.ensemble.classes);
    }
    let classes = ["rice", "corn", "other"].map(str::to_owned);
    for count in 2..=classes.len() {
        let _ = foreign::from_lightgbm(data, Some(&classes[..count]));
    }
}

fn mines_csv(data: &[u8]) {
    rows("mines.csv", VectorFormat::Csv, data);
}

fn mines_geojson(data: &[u8]) {
    rows("mines.geojson", VectorFormat::GeoJson, data);
}

fn mines_gml(data: &[u8]) {
    rows("mines.gml", VectorFormat::Gml, data);
}

/// Mines row by row, and the same as a table of features.
fn rows(name: &str, format: VectorFormat, data: &[u8]) {
    if let Ok(found) = vector_rows::parse(name, format, data, None) {
        assert_eq!(found.rows.len(), found.table.features.len());
    }
    let _ = vectors::parse(name, format, data);
}

fn model(data: &[u8]) {
    let Ok(model) = Model::from_bytes(data) else { return };
    let classifier = model.trained.classifier();
    let (series, steps) = classifier.shape();
    // A model may be for more steps than there is memory for.
    if series.saturating_mul(steps) > 100_000 {
        return;
    }
    let values: Vec<f32> = (0..series * steps).map(|k| k as f32 / 10.0).collect();
    let block = SeriesBlock { series, steps, pixels: 1, values: &values };
    let mut out = vec![0.0; classifier.classes().len()];
    classifier.predict(&block, &mut out).expect("what was checked can be scored");
}

/// The `Prefer` header, a line each.
fn prefer(data: &[u8]) {
    let once = Prefer::parse(text(data).lines());
    let again = once.applied().map_or(Prefer::default(), |applied| Prefer::parse([applied.as_str()]));
    assert_eq!(once, again);
}

fn series(data: &[u8]) {
    let _ = (series_csv::is_series(data), series_csv::parse("a.csv", data));
}

/// Follows no link and opens no file.
struct Nowhere;

impl Links for Nowhere {
    fn values_name_files(&self) -> bool {
        false
    }

    fn json(&self, _: &str) -> Result<Value, String> {
        Err("no link is followed".to_owned())
    }

    fn raster(&self, _: &str) -> Result<Place, String> {
        Err("no link is followed".to_owned())
    }
}

/// Opens scenes and reads a corner of the first date.
fn cube(kind: SourceKind, folder: &Path) {
    let sources = [SceneSource { input: "cube".to_owned(), kind }];
    let Ok(cube) = open_cube_by(&Nowhere, &sources, folder, &CubeRequest::default()) else { return };
    let window = Window { row: 0, col: 0, rows: cube.grid.rows.min(16), cols: cube.grid.cols.min(16) };
    let mut out = vec![0.0; cube.bands.len() * window.len()];
    let _ = cube.read_date(0, &cube.bands, window, &mut out);
}

fn at(folder: &TempDir, name: &str) -> SourceKind {
    let href = folder.path().join(name).to_string_lossy().into_owned();
    SourceKind::Location(Location { href, ..Location::default() })
}

fn stac(data: &[u8]) {
    let folder = folder();
    written(&folder, "items.json", data);
    cube(at(&folder, "items.json"), folder.path());
    if let Ok(items) = serde_json::from_slice(data) {
        cube(SourceKind::Items(items), folder.path());
    }
}

fn safe(data: &[u8]) {
    let folder = folder();
    let image = "a.SAFE/GRANULE/L2A/IMG_DATA/R20m/T49RFL_20190401T030541_B05_20m.jp2";
    written(&folder, image, b"no picture");
    written(&folder, "a.SAFE/MTD_MSIL2A.xml", data);
    cube(at(&folder, "a.SAFE"), folder.path());
}

fn gf6(data: &[u8]) {
    let folder = folder();
    written(&folder, "GF6_WFV_E113.0_N27.5_20190401_L1A1119_SR.tif", b"no picture");
    written(&folder, "GF6_WFV_E113.0_N27.5_20190401_L1A1119.xml", data);
    cube(at(&folder, ""), folder.path());
}

/// A raster: its header, its pixels as those of a scene, and its levels as those of a map.
fn tiff(data: &[u8]) {
    let folder = folder();
    let path = written(&folder, "B04_20190401.tif", data);
    if let Ok(raster) = RasterFile::open(&Place::File(path.clone()), None) {
        let _ = raster.overviews();
    }
    let _ = Pyramid::open(&path);
    let mut kind = at(&folder, "");
    if let SourceKind::Location(location) = &mut kind {
        location.pattern = Some("{band}_{date:%Y%m%d}.tif".to_owned());
    }
    cube(kind, folder.path());
}

fn wps_kvp(data: &[u8]) {
    let query = text(data);
    match parse_kvp(query) {
        Ok(request) => {
            if let Operation::Execute(execute) = request.operation
                && let Some(process) = find(&execute.identifier).or_else(|| find("echo"))
            {
                let _ = execute.to_execute(&process.describe());
            }
        }
        Err(exception) => _ = exception.report(version_of_query(query)),
    }
}

/// WPS as XML. What a request leads to in an answer is well-formed again.
fn wps_xml(data: &[u8]) {
    let Ok(text) = text_of_body(data, "text/xml") else { return };
    let request = match parse_xml(&text) {
        Ok(request) => request,
        Err(exception) => {
            let report = exception.report(version_of_body(&text));
            return assert!(parse_xml(&report).is_err(), "a report is no request");
        }
    };
    let Operation::Execute(execute) = request.operation else { return };
    let Some(process) = find(&execute.identifier).or_else(|| find("echo")) else { return };
    let process = process.describe();
    if execute.to_execute(&process).is_err() {
        return;
    }
    let job = JobAnswer {
        id: "1",
        status: JobStatus::Successful,
        message: "",
        progress: None,
        created: None,
        expires: None,
        exception: None,
        service: "http://localhost/wps",
        status_location: None,
        outputs: &[],
    };
    let answer = execute_response(&job, &process, Some(&execute));
    let refused = parse_xml(&answer).expect_err("an answer is no request");
    assert!(!refused.text.contains("well-formed"), "{}", refused.text);
}
