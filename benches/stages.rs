//! The other hot paths, each alone: simulating, reading, regularizing, training, the rivals of
//! `itsgbt`, the sieve and the class COG. One thread, but for training and the COG, which use all.
//!
//! `cargo bench --bench stages`

use std::ops::ControlFlow;
use std::path::Path;

use divan::{Bencher, counter::ItemsCount};
use rededge::classify::boost::{self, BoostOptions, BoostParams};
use rededge::classify::itsgbt::{Family, PredictorChoice};
use rededge::classify::{
    Classifier, DtwModel, DtwParams, Library, SeriesBlock, SwvModel, SwvParams, Table, TsrfParams, tsrf,
};
use rededge::classmap::{Connectivity, Legend, sieve};
use rededge::crs::Crs;
use rededge::cube::{Band, CubeRequest, Regularize, Regularizer, Smoothing, TimeGrid};
use rededge::io::cog::{CogKind, CogWriter};
use rededge::io::county::write_county;
use rededge::io::feature_log::FeatureLog;
use rededge::io::scenes::{Location, SceneSource, SourceKind, open_cube};
use rededge::io::vector_write::{FeatureFormat, VectorWriter};
use rededge::raster::{Plane, Window};
use rededge::simulate::{BLOCK, County, Options};
use rededge::vector::{FeatureSchema, Field, FieldKind, GeometryKind, Value};
use seasons::{STEPS, seasons};

#[path = "shared/seasons.rs"]
mod seasons;

const PIXELS: usize = 16_384;
const SAMPLES: usize = 1500;
const ZONES: usize = 20_000;
/// Side of the county that is simulated, read, sieved and written.
const SIDE: usize = 1024;

fn main() {
    divan::main();
}

fn county(dates: usize) -> County {
    let bands = vec![Band::RedEdge1, Band::Nir];
    County::new(Options { rows: SIDE, cols: SIDE, dates, year: 2019, seed: 42, bands })
        .expect("a valid county")
}

#[divan::bench(sample_count = 10)]
fn simulate_one_date(bencher: Bencher) {
    let county = county(3);
    let ground = county.ground((0, 0));
    bencher.counter(ItemsCount::new(BLOCK * BLOCK)).bench_local(|| county.scene(&ground, 1));
}

/// Two bands and a mask of three dates, from deflated GeoTIFFs to reflectance on one grid.
#[divan::bench(sample_count = 10)]
fn read_a_block(bencher: Bencher) {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("county");
    write_county(&county(3), &folder, |_| ControlFlow::Continue(())).expect("room for a county");
    let location = Location { href: folder.join("items.json").display().to_string(), ..Location::default() };
    let source = SceneSource { input: "cube".to_owned(), kind: SourceKind::Location(location) };
    let bands = vec![Band::RedEdge1, Band::Nir];
    let request = CubeRequest { bands: bands.clone(), ..CubeRequest::default() };
    let window = Window { row: 256, col: 256, rows: 512, cols: 512 };
    bencher.counter(ItemsCount::new(3 * window.len())).bench_local(|| {
        // A cube opened anew has nothing in its cache.
        let cube = open_cube(std::slice::from_ref(&source), Path::new("."), &request).expect("a cube");
        cube.read(&bands, window).expect("a block").values.len()
    });
}

/// The plain form of what the fused inference does in lanes.
#[divan::bench(args = [false, true])]
fn regularize(bencher: Bencher, despike: bool) {
    let days: Vec<f32> = (0..STEPS).map(|i| 98.0 + 10.0 * i as f32).collect();
    let grid = TimeGrid::Days { first: 95.0, step: 10.0, count: STEPS };
    let regularizer = Regularizer::new(&Regularize { grid, despike, smoothing: Smoothing::None }, &days);
    let (mut values, mut out) = (seasons(PIXELS, 3).0, vec![0.0; STEPS * PIXELS]);
    values.iter_mut().step_by(4).for_each(|v| *v = f32::NAN);
    bencher.counter(ItemsCount::new(PIXELS)).bench_local(|| regularizer.apply(&values, PIXELS, &mut out));
}

#[divan::bench(sample_count = 10)]
fn train_boosted_trees(bencher: Bencher) {
    let families = vec![Family::Intervals, Family::Coefficients];
    let choice = PredictorChoice { families, intervals: STEPS, ..PredictorChoice::default() };
    let set = choice.draw(1, STEPS, 1).expect("20 steps hold these predictors");
    let (values, labels) = seasons(SAMPLES, 1);
    let table = Table { names: set.names(&["NDRE".to_owned()]), columns: set.compute(&values, SAMPLES) };
    let params = BoostParams::try_from(BoostOptions::default()).expect("defaults are valid");
    bencher.counter(ItemsCount::new(SAMPLES)).bench_local(|| {
        boost::train(&params, &table, &labels, None, &|_| true).expect("the samples have three classes")
    });
}

#[divan::bench(args = ["tsrf", "dtw", "swv"], sample_count = 10)]
fn rival(bencher: Bencher, method: &str) {
    let (values, labels) = seasons(SAMPLES, 1);
    let samples = SeriesBlock { series: 1, steps: STEPS, pixels: SAMPLES, values: &values };
    let model: Box<dyn Classifier> = match method {
        "tsrf" => Box::new(
            tsrf::train(&samples, &labels, None, &TsrfParams::default(), 1, &|_| true).expect("a model"),
        ),
        "dtw" => {
            let params = DtwParams { library: Library::Barycentres { count: 4 }, ..DtwParams::default() };
            Box::new(DtwModel::train(&samples, &labels, None, &params, 1, &|_| true).expect("a model"))
        }
        _ => Box::new(
            SwvModel::train(&samples, &labels, None, &SwvParams::default(), 1, &|_| true).expect("a model"),
        ),
    };
    let (test, mut out) = (seasons(PIXELS, 3).0, vec![0.0; 3 * PIXELS]);
    let block = SeriesBlock { series: 1, steps: STEPS, pixels: PIXELS, values: &test };
    bencher
        .counter(ItemsCount::new(PIXELS))
        .bench_local(|| model.predict(&block, &mut out).expect("sizes fit"));
}

/// A class map of fields of 16 x 16 pixels, every seventh pixel another class.
fn speckled() -> Plane<u8> {
    let class = |i: usize| {
        let (row, col) = (i / SIDE, i % SIDE);
        if i.is_multiple_of(7) { 2 } else { 1 + ((row / 16 + col / 16) % 3) as u8 }
    };
    Plane { rows: SIDE, cols: SIDE, values: (0..SIDE * SIDE).map(class).collect() }
}

#[divan::bench]
fn sieve_a_map(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(SIDE * SIDE))
        .with_inputs(speckled)
        .bench_local_refs(|map| sieve(map, Some(0), 5, Connectivity::Four));
}

#[divan::bench(sample_count = 10)]
fn write_a_class_cog(bencher: Bencher) {
    let (home, map) = (tempfile::tempdir().expect("a folder"), speckled());
    let (path, grid) = (home.path().join("map.tif"), county(3).grid(1));
    bencher.counter(ItemsCount::new(SIDE * SIDE)).bench_local(|| {
        let mut cog = CogWriter::create(&path, &grid, CogKind::Classes(Legend::rice()), &[]).expect("a file");
        cog.write(Window::whole(SIDE, SIDE), &map.values).expect("room");
        cog.finish().expect("room")
    });
}

/// Zones of 24 corners and three attributes: into GeoJSON, or into the log by which they are seen meanwhile,
/// which a job does beside it.
#[divan::bench(args = ["file", "log"], sample_count = 10)]
fn write_zones(bencher: Bencher, to: &str) {
    let fields = [("id", FieldKind::Integer), ("class", FieldKind::Text), ("areaHa", FieldKind::Real)];
    let fields = fields.iter().map(|(name, kind)| Field::new(*name, *kind)).collect();
    let crs = Crs::from_epsg(32649).expect("a known system");
    let schema = FeatureSchema { crs, geometry: GeometryKind::Polygon, fields, style: "zones" };
    let corner = |k: usize| {
        let turn = k as f64 * std::f64::consts::TAU / 24.0;
        (7e5 + 50.0 * turn.cos(), 3.09e6 + 50.0 * turn.sin())
    };
    let zone: geo::Geometry<f64> = geo::Polygon::new((0..24).map(corner).collect(), Vec::new()).into();
    let values = [Value::Number(7.0), Value::Text("stressed-rice".to_owned()), Value::Number(0.78)];
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("zones.geojson");
    bencher.counter(ItemsCount::new(ZONES)).bench_local(|| {
        if to == "log" {
            let log = FeatureLog::create(home.path(), &schema).expect("a writable folder");
            (0..ZONES).for_each(|_| log.push(&zone, &values).expect("room"));
            return;
        }
        let mut writer =
            VectorWriter::create(&path, &schema, FeatureFormat::GeoJson).expect("a writable folder");
        (0..ZONES).for_each(|_| writer.push(&zone, &values).expect("room"));
        writer.finish().expect("room");
    });
}
