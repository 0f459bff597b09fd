//! A million zones behind a server: makes the file, and measures pages and vector tiles over HTTP.
//!
//! usage: features_load make FILE [SIDE 10980]    zones of a map of SIDE x SIDE pixels; the ending tells the format
//!        features_load ask URL [CALLS 200]       URL of the collection; one caller, prints milliseconds as JSON
#![expect(clippy::print_stdout, reason = "a command talks to its terminal")]

#[path = "../benches/shared/blots.rs"]
mod blots;

use std::path::Path;
use std::time::Instant;

use blots::blots;
use geo::Geometry;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rededge::classmap::Connectivity;
use rededge::crs::{Affine, Crs};
use rededge::io::vector_write::{FeatureFormat, VectorWriter};
use rededge::vector::{FeatureSchema, Field, FieldKind, GeometryKind, Value};
use rededge::zones::polygonize;
use serde_json::{Value as Json, json};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: Option<&String>, usual: usize| text.map_or(Ok(usual), |t| t.parse());
    match args.first().map(String::as_str) {
        Some("make") if args.len() > 1 => make(Path::new(&args[1]), number(args.get(2), 10_980)?),
        Some("ask") if args.len() > 1 => ask(&args[1], number(args.get(2), 200)?),
        _ => Err("usage: features_load make FILE [SIDE] | ask URL [CALLS]".into()),
    }
}

fn make(path: &Path, side: usize) -> Result<(), Failure> {
    use FieldKind::{Integer, Real, Text};
    let format = [FeatureFormat::GeoJson, FeatureFormat::GeoPackage, FeatureFormat::FlatGeobuf];
    let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    let format = format.into_iter().find(|f| f.extension() == ending).ok_or("geojson, gpkg or fgb")?;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let map = blots(side, &mut rng);
    let mut chosen = [false; 256];
    chosen[2] = true;
    let zones = polygonize(&map, &chosen, Connectivity::Four);
    let affine = Affine::north_up(600_000.0, 3_100_020.0, 10.0, 10.0);
    let fields = [
        ("id", Integer),
        ("class", Text),
        ("areaHa", Real),
        ("pixels", Integer),
        ("meanProbability", Real),
        ("years", Text),
        ("nearestMine", Text),
        ("nearestMineName", Text),
        ("nearestMineCommodity", Text),
        ("distanceM", Real),
        ("bearingDeg", Real),
        ("minesWithin", Integer),
        ("mineDensity", Real),
    ];
    let schema = FeatureSchema {
        crs: Crs::from_epsg(32649)?,
        geometry: GeometryKind::Polygon,
        fields: fields.into_iter().map(|(name, kind)| Field::new(name, kind)).collect(),
        style: "zones",
    };
    let mut writer = VectorWriter::create(path, &schema, format)?;
    let text = Value::Text;
    for (i, zone) in zones.zones.iter().enumerate() {
        let mine = rng.random_range(0..10_000);
        let mut uniform = |most: f64| (rng.random::<f64>() * most * 1000.0).round() / 1000.0;
        let values = [
            Value::Number(i as f64 + 1.0),
            text("stressed-rice".to_owned()),
            Value::Number(f64::from(zone.pixels as u32) / 100.0),
            Value::Number(f64::from(zone.pixels as u32)),
            Value::Number(uniform(100.0)),
            text(["2019", "2019, 2020", "2019, 2020, 2021"][i % 3].to_owned()),
            text(format!("M{mine}")),
            text(format!("mine {mine}")),
            text(["lead", "zinc", "cadmium", "copper"][mine % 4].to_owned()),
            Value::Number(uniform(9000.0)),
            Value::Number(uniform(360.0)),
            Value::Number(uniform(12.0).round()),
            Value::Number(uniform(1.0)),
        ];
        writer.push(&Geometry::MultiPolygon(zones.polygon(i, &affine)), &values)?;
    }
    writer.finish()?;
    println!("{}", json!({"zones": zones.zones.len(), "file": path.display().to_string()}));
    Ok(())
}

/// Milliseconds of calls: median, 99th percentile, most; and kilobytes of a mean answer.
fn timed(calls: usize, mut address: impl FnMut(usize) -> String) -> Result<Json, Failure> {
    let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
    let (mut times, mut bytes) = (Vec::new(), 0);
    for k in 0..calls {
        let address = address(k);
        let start = Instant::now();
        bytes += agent
            .get(&address)
            .header("Accept-Encoding", "gzip")
            .call()?
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_vec()?
            .len();
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| (times[((calls - 1) as f64 * share).round() as usize] * 10.0).round() / 10.0;
    Ok(json!({"median": at(0.5), "p99": at(0.99), "most": at(1.0), "kB": bytes / calls / 1000}))
}

fn ask(collection: &str, calls: usize) -> Result<(), Failure> {
    let text = ureq::get(collection).call()?.body_mut().read_to_string()?;
    let told: Json = serde_json::from_str(&text)?;
    let edge = |k: usize| told["extent"]["spatial"]["bbox"][0][k].as_f64().unwrap_or_default();
    let (west, south, east, north) = (edge(0), edge(1), edge(2), edge(3));
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut found = serde_json::Map::new();
    let items = format!("{collection}/items?limit=100");
    let mut between = |low: f64, high: f64| low + rng.random::<f64>() * (high - low);
    found.insert("first pages".into(), timed(calls, |k| format!("{items}&offset={}", k * 100))?);
    let filter = |area: f64, metres: f64| {
        format!("filter=areaHa%20%3E%20{area:.3}%20and%20distanceM%20%3C%20{metres:.1}")
    };
    found.insert(
        "filtered".into(),
        timed(calls, |_| format!("{items}&{}", filter(between(0.0, 0.4), between(0.0, 9000.0))))?,
    );
    found.insert(
        "filtered, sorted".into(),
        timed(calls, |_| {
            format!("{items}&sortby=-areaHa&{}", filter(between(0.0, 0.4), between(0.0, 9000.0)))
        })?,
    );
    found.insert(
        "filtered, one mine".into(),
        timed(calls, |k| format!("{items}&nearestMine=M{}&sortby=distanceM", k * 37 % 10_000))?,
    );
    let mut boxed = |share: f64| {
        let (x, y) =
            (between(west, east - (east - west) * share), between(south, north - (north - south) * share));
        format!("bbox={x:.6},{y:.6},{:.6},{:.6}", x + (east - west) * share, y + (north - south) * share)
    };
    found.insert("in a hundredth of the area".into(), timed(calls, |_| format!("{items}&{}", boxed(0.1)))?);
    found.insert(
        "in a quarter of the area, filtered".into(),
        timed(calls, |_| format!("{items}&{}&{}", boxed(0.5), filter(0.2, 3000.0)))?,
    );
    for zoom in 0..=16u32 {
        let across = f64::from(1u32 << zoom);
        let mut place = || {
            let (lon, lat) =
                (west + rng.random::<f64>() * (east - west), south + rng.random::<f64>() * (north - south));
            let y =
                0.5 - (lat.to_radians().tan() + 1.0 / lat.to_radians().cos()).ln() / std::f64::consts::TAU;
            format!(
                "{collection}/tiles/WebMercatorQuad/{zoom}/{}/{}",
                (y * across) as u64,
                ((lon / 360.0 + 0.5) * across) as u64
            )
        };
        found.insert(format!("tile {zoom}"), timed(calls, |_| place())?);
        if zoom % 4 == 0 {
            found.insert(
                format!("tile {zoom}, filtered"),
                timed(calls, |k| format!("{}?{}", place(), filter(k as f64 / 1000.0, 3000.0)))?,
            );
        }
    }
    println!("{}", serde_json::to_string_pretty(&found)?);
    Ok(())
}
