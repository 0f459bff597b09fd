//! `stress-zones` as a user calls it, on maps that the tests write: every format, areas, mines
//! that are not clean, inputs that cannot work, and threads that change nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use gdal::vector::LayerAccess;
use geo::{CoordsIter, Densify, Distance, Euclidean, Geodesic, GeodesicArea, Geometry, Intersects};
use proptest::prelude::*;
use rededge::classmap::{Legend, PixelArea};
use rededge::crs::{Affine, Crs, GeoBox};
use rededge::io::cog::{CogKind, CogWriter};
use rededge::io::vectors;
use serde_json::{Value, json};

/// Media types of features and the endings of their files.
const FORMATS: [(&str, &str); 4] = [
    ("application/geo+json", "geojson"),
    ("application/geopackage+sqlite3", "gpkg"),
    ("application/flatgeobuf", "fgb"),
    ("text/csv", "csv"),
];

pub fn utm(rows: usize, cols: usize) -> GeoBox {
    let affine = Affine::north_up(7e5, 3.09e6, 10.0, 10.0);
    GeoBox { rows, cols, affine, crs: Crs::from_epsg(32649).unwrap() }
}

fn write(path: &Path, grid: &GeoBox, kind: CogKind, values: &[u8]) {
    let mut writer = CogWriter::create(path, grid, kind, &[]).unwrap();
    writer.write(grid.window(), values).unwrap();
    writer.finish().unwrap();
}

/// Patches of stressed rice of every size, with holes and corners that touch.
pub fn patches(grid: &GeoBox) -> Vec<u8> {
    let code = |k: usize| {
        let (x, y) = ((k % grid.cols) as f64, (k / grid.cols) as f64);
        match (0.31 * x).sin() + (0.27 * y).cos() + 0.6 * (1.3 * x + 0.9 * y).sin() {
            high if high > 0.55 => 2,
            low if low < -1.2 => 255,
            middle if middle < -0.3 => 0,
            _ => 1,
        }
    };
    (0..grid.rows * grid.cols).map(code).collect()
}

/// A folder with a map, its probability and mines.
pub fn folder(grid: &GeoBox, codes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("map.tif"), grid, CogKind::Classes(Legend::stress()), codes);
    let percent: Vec<u8> = codes.iter().map(|c| if *c == 255 { 255 } else { 40 * c }).collect();
    let label = "probability of stress".to_owned();
    write(&folder.path().join("probability.tif"), grid, CogKind::Percent { label }, &percent);
    let at = |col: f64, row: f64| {
        let (x, y) = grid.affine.apply(col, row);
        let (mut x, mut y) = ([x], [y]);
        grid.crs.transformer_to(&Crs::wgs84()).unwrap().apply(&mut x, &mut y).unwrap();
        format!("{},{}", x[0], y[0])
    };
    let mines = format!(
        "name,ore,lon,lat\nnorth,Pb-Zn,{}\nnowhere,Cu,,\nodd,W,abc,27.9\nsouth,Cu,{}\n",
        at(12.5, 9.5),
        at(60.0, 50.0)
    );
    std::fs::write(folder.path().join("mines.csv"), mines).unwrap();
    folder
}

fn run(folder: &Path, process: &str, request: &Value, out: &str, threads: &str) -> Output {
    std::fs::write(folder.join("request.json"), request.to_string()).unwrap();
    Command::new(env!("CARGO_BIN_EXE_rededge"))
        .args(["run", process])
        .arg(folder.join("request.json"))
        .arg("--out")
        .arg(folder.join(out))
        .env("RAYON_NUM_THREADS", threads)
        // What is put in order waits beside the result.
        .env("TMPDIR", folder.join("absent"))
        .output()
        .unwrap()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs it to its end and returns a document of the results.
fn done(folder: &Path, process: &str, request: &Value, out: &str) {
    let output = run(folder, process, request, out, "2");
    assert!(output.status.success(), "{}", words(&output));
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A request for zones and mines in a format.
fn request(inputs: &Value, media_type: &str) -> Value {
    let format = json!({"format": {"mediaType": media_type}});
    json!({"inputs": inputs, "outputs": {"zones": format, "mines": format, "mineProblems": {}, "summary": {}}})
}

/// Number of zones of a file.
fn count(path: &Path) -> usize {
    if path.extension().is_some_and(|e| e == "csv") {
        return csv::Reader::from_path(path).unwrap().records().map(Result::unwrap).count();
    }
    vectors::read(path).unwrap().table.features.len()
}

#[test]
fn zones_are_the_same_in_every_format_and_their_areas_are_those_of_the_pixels() {
    let grid = utm(64, 90);
    let codes = patches(&grid);
    let folder = folder(&grid, &codes);
    let inputs = json!({
        "stressMap": "map.tif", "probability": "probability.tif", "mines": "mines.csv", "minimumMappingUnit": 0
    });
    let stressed: f64 = codes.iter().map(|c| f64::from(u8::from(*c == 2))).sum();
    let mut counts = Vec::new();
    for (media_type, ending) in FORMATS {
        done(folder.path(), "stress-zones", &request(&inputs, media_type), ending);
        let out = folder.path().join(ending);
        counts.push(count(&out.join(format!("zones.{ending}"))));
        assert_eq!(count(&out.join(format!("mines.{ending}"))), 2);
        let summary = document(&out.join("summary.json"));
        assert_eq!(summary["zones"], counts[0]);
        let hectares = summary["areaHa"].as_f64().unwrap();
        assert!((hectares / (stressed / 100.0) - 1.0).abs() < 1e-9, "{hectares}");
    }
    assert!(counts[0] > 10 && counts.iter().all(|c| *c == counts[0]), "{counts:?}");

    let zones = gdal::Dataset::open(folder.path().join("gpkg/zones.gpkg")).unwrap();
    let mut layer = zones.layer(0).unwrap();
    assert_eq!(layer.spatial_ref().unwrap().auth_code().unwrap(), 32649);
    let field = |feature: &gdal::vector::Feature, name: &str| {
        let index = feature.field_index(name).unwrap();
        feature.field_as_double(index).unwrap().unwrap()
    };
    let mut sum = 0.0;
    for feature in layer.features() {
        let drawn = feature.geometry().unwrap().area() / 1e4;
        let (told, pixels) = (field(&feature, "areaHa"), field(&feature, "pixels"));
        assert!((drawn / told - 1.0).abs() < 1e-9 && (told / (pixels / 100.0) - 1.0).abs() < 1e-9);
        assert_eq!(field(&feature, "meanProbability"), 80.0);
        sum += drawn;
    }
    assert!((sum / (stressed / 100.0) - 1.0).abs() < 1e-9, "{sum}");
}

#[test]
fn zones_of_a_map_in_degrees_have_their_area_on_the_ellipsoid() {
    let affine = Affine::north_up(113.0, 62.0, 2e-3, 1e-3);
    let grid = GeoBox { rows: 70, cols: 60, affine, crs: Crs::wgs84() };
    let codes = patches(&grid);
    let folder = folder(&grid, &codes);
    let inputs = json!({"stressMap": "map.tif", "minimumMappingUnit": 0});
    done(folder.path(), "stress-zones", &request(&inputs, FORMATS[1].0), "out");
    let (mut drawn, mut told) = (0.0, 0.0);
    for zone in vectors::read(&folder.path().join("out/zones.gpkg")).unwrap().table.features {
        // An edge along a parallel is no geodesic: short pieces of it nearly are.
        let area = match &zone.geometry {
            Geometry::Polygon(p) => Euclidean.densify(p, 1e-4).geodesic_area_unsigned(),
            Geometry::MultiPolygon(p) => Euclidean.densify(p, 1e-4).geodesic_area_unsigned(),
            other => panic!("{other:?}"),
        };
        let rededge::vector::Value::Number(hectares) = zone.properties["areaHa"] else { panic!("no area") };
        assert!((area / 1e4 / hectares - 1.0).abs() < 1e-6, "{area} {hectares}");
        drawn += area / 1e4;
        told += hectares;
    }
    let area = PixelArea::of(&grid);
    let stressed = codes.iter().enumerate().filter(|(_, c)| **c == 2);
    let expected: f64 = stressed.map(|(k, _)| area.square_metres(k / grid.cols) / 1e4).sum();
    assert!((told / expected - 1.0).abs() < 1e-9 && (drawn / expected - 1.0).abs() < 1e-6, "{drawn} {told}");
}

#[test]
fn a_map_without_stress_gives_empty_collections_that_can_be_read() {
    let grid = utm(20, 30);
    let folder = folder(&grid, &[1; 600]);
    let inputs = json!({"stressMap": "map.tif", "probability": "probability.tif", "mines": "mines.csv"});
    for (media_type, ending) in FORMATS {
        let output = run(folder.path(), "stress-zones", &request(&inputs, media_type), ending, "2");
        assert!(output.status.success(), "{}", words(&output));
        assert!(words(&output).contains("the result is empty"), "{}", words(&output));
        let out = folder.path().join(ending);
        assert_eq!(count(&out.join(format!("zones.{ending}"))), 0, "{ending}");
        assert_eq!(count(&out.join(format!("mines.{ending}"))), 2, "{ending}");
        assert_eq!(document(&out.join("summary.json"))["areaHa"], 0.0);
    }
    let zones = document(&folder.path().join("geojson/zones.geojson"));
    assert_eq!((&zones["type"], &zones["features"]), (&json!("FeatureCollection"), &json!([])));
    let table = std::fs::read_to_string(folder.path().join("csv/zones.csv")).unwrap();
    assert!(table.starts_with("id,class,areaHa") && table.lines().count() == 1, "{table}");
    let zones = gdal::Dataset::open(folder.path().join("gpkg/zones.gpkg")).unwrap();
    assert_eq!(zones.layer(0).unwrap().feature_count(), 0);
}

#[test]
fn mines_that_are_not_clean_are_told_row_by_row_or_refused() {
    let grid = utm(64, 90);
    let folder = folder(&grid, &patches(&grid));
    for process in ["stress-zones", "mine-heatmap", "mine-association"] {
        let mut inputs = json!({"mines": "mines.csv"});
        if process != "mine-heatmap" {
            inputs["stressMap"] = json!("map.tif");
        }
        done(folder.path(), process, &inputs, process);
        let problems = document(&folder.path().join(process).join("mineProblems.json"));
        let told: Vec<(u64, &str)> = problems
            .as_array()
            .unwrap()
            .iter()
            .map(|p| (p["row"].as_u64().unwrap(), p["action"].as_str().unwrap()))
            .collect();
        assert_eq!(told, [(3, "leftOut"), (4, "leftOut")], "{process}: {problems}");
        assert!(problems[1]["problem"].as_str().unwrap().contains("`abc`"), "{problems}");
        inputs["dirtyRows"] = json!("fail");
        let output = run(folder.path(), process, &inputs, "refused", "2");
        let words = words(&output);
        assert!(!output.status.success() && !folder.path().join("refused").exists());
        assert!(["`mines`", "row 3", "row 4", "`abc`"].iter().all(|w| words.contains(w)), "{words}");
    }
    // Without a usable mine zones come alone, and there is no heat to map.
    std::fs::write(folder.path().join("mines.csv"), "name,lon,lat\na,,\n").unwrap();
    let inputs = json!({"stressMap": "map.tif", "mines": "mines.csv"});
    let output = run(folder.path(), "stress-zones", &inputs, "alone", "2");
    assert!(output.status.success() && words(&output).contains("there is none"), "{}", words(&output));
    let output = run(folder.path(), "mine-heatmap", &json!({"mines": "mines.csv"}), "refused", "2");
    let words = words(&output);
    assert!(words.contains("it holds no mine (row 2:") && words.contains("at least one point"), "{words}");
}

#[test]
fn what_zones_cannot_be_made_of_is_named_by_its_input() {
    let grid = utm(64, 90);
    let folder = folder(&grid, &patches(&grid));
    let other = GeoBox { affine: Affine::north_up(7e5 + 5.0, 3.09e6, 10.0, 10.0), ..grid.clone() };
    let label = "elsewhere".to_owned();
    write(&folder.path().join("shifted.tif"), &other, CogKind::Percent { label }, &[1; 64 * 90]);
    let with = |more: Value| {
        let mut inputs = json!({"stressMap": "map.tif", "mines": "mines.csv"});
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        inputs
    };
    for (more, expected) in [
        (json!({"minesCrs": "EPSG:999999"}), &["`minesCrs`", "999999"][..]),
        (json!({"mines": "gone.csv"}), &["`mines`", "gone.csv"]),
        (json!({"probability": "shifted.tif"}), &["`probability`", "another grid", "700005"]),
        (json!({"radius": -1}), &["`radius`", "-1"]),
        (json!({"radius": 20_040_001}), &["`radius`", "20040001"]),
        (json!({"bands": [1000, 500]}), &["`bands[1]`", "500"]),
        (json!({"bands": []}), &["`bands`"]),
        (json!({"connectivity": 6}), &["`connectivity`", "6"]),
        (json!({"classes": ["stress"]}), &["stress", "stressed-rice"]),
        (json!({"dirtyRows": "drop"}), &["`dirtyRows`", "drop"]),
        (json!({"stressMap": "gone.tif"}), &["`stressMap`", "gone.tif"]),
    ] {
        let output = run(folder.path(), "stress-zones", &with(more.clone()), "refused", "2");
        let words = words(&output);
        assert!(!output.status.success() && !folder.path().join("refused").exists(), "{more}");
        assert!(expected.iter().all(|w| words.contains(w)), "{more}: {words}");
    }
    let within = |radius: f64| {
        done(folder.path(), "stress-zones", &with(json!({"radius": radius, "minimumMappingUnit": 0})), "out");
        let zones = document(&folder.path().join("out/zones.geojson"));
        let counts = zones["features"].as_array().unwrap().iter().map(|z| {
            let z = &z["properties"];
            (z["minesWithin"].as_u64().unwrap(), z["distanceM"].as_f64().unwrap())
        });
        counts.collect::<Vec<_>>()
    };
    // At no distance is a mine that lies in the zone; no mine is farther than half around the Earth.
    assert!(within(0.0).iter().all(|&(count, metres)| (count > 0) == (metres == 0.0)));
    assert!(within(20_040_000.0).iter().all(|&(count, _)| count == 2));
}

#[test]
fn threads_change_nothing() {
    let grid = utm(64, 90);
    let folder = folder(&grid, &patches(&grid));
    let inputs =
        json!({"stressMap": "map.tif", "mines": "mines.csv", "minimumMappingUnit": 0, "simplify": 12});
    let requests = [
        ("stress-zones", request(&inputs, FORMATS[0].0)),
        ("stress-zones", request(&inputs, FORMATS[2].0)),
        ("mine-association", json!({"stressMap": "map.tif", "mines": "mines.csv", "bands": [50, 100, 300]})),
        ("mine-heatmap", json!({"mines": "mines.csv", "bandwidth": 200})),
    ];
    for (process, request) in requests {
        let files = |threads: &str| -> BTreeMap<String, Vec<u8>> {
            let out = format!("{process}-{threads}");
            let output = run(folder.path(), process, &request, &out, threads);
            assert!(output.status.success(), "{}", words(&output));
            let entries = std::fs::read_dir(folder.path().join(out)).unwrap().map(Result::unwrap);
            let read = |e: std::fs::DirEntry| {
                (e.file_name().to_string_lossy().into_owned(), std::fs::read(e.path()).unwrap())
            };
            entries.map(read).collect()
        };
        let (one, two) = (files("1"), files("2"));
        assert!(one.len() > 2 && one.keys().eq(two.keys()), "{:?}", one.keys());
        for (name, bytes) in &one {
            assert!(*bytes == two[name], "{process}: {name} differs");
        }
    }
}

/// Mines on the map with ids of several kinds: none, whole numbers, some twice, codes with zeros in front.
fn random_mines() -> impl Strategy<Value = String> {
    let mine = (0..8u8, 113.025..113.037f64, 27.910..27.917f64);
    (0..4u8, prop::collection::vec(mine, 1..9)).prop_map(|(kind, mines)| {
        let mut text = "site no,name,lon,lat,commodity,id\n".to_owned();
        for (row, (id, lon, lat)) in mines.into_iter().enumerate() {
            let id = match kind {
                0 => String::new(),
                1 => (9_007_199_254_740_993 + row).to_string(),
                2 => format!("M{}", id % 3),
                _ => format!("0{id}"),
            };
            text.push_str(&format!("{row},mine {row},{lon},{lat},ore {row},{id}\n"));
        }
        text
    })
}

/// Metres from a point to a polygon whose edges have a corner every few metres.
fn metres(zone: &Geometry<f64>, mine: geo::Point) -> f64 {
    if zone.intersects(&mine) {
        return 0.0;
    }
    let Geometry::Polygon(polygon) = zone.clone() else {
        let Geometry::MultiPolygon(parts) = zone else { panic!("no polygon") };
        return parts.iter().map(|p| metres(&p.clone().into(), mine)).fold(f64::INFINITY, f64::min);
    };
    let dense = Euclidean.densify(&polygon, 1e-5);
    dense.coords_iter().map(|c| Geodesic.distance(c.into(), mine)).fold(f64::INFINITY, f64::min)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nearest_mines_join_to_the_mines_by_id_in_every_format(mines in random_mines()) {
        let grid = utm(64, 90);
        let folder = folder(&grid, &patches(&grid));
        std::fs::write(folder.path().join("mines.csv"), &mines).unwrap();
        let inputs = json!({"stressMap": "map.tif", "mines": "mines.csv", "minimumMappingUnit": 0});
        for (media_type, ending) in FORMATS {
            done(folder.path(), "stress-zones", &request(&inputs, media_type), "out");
            let read = |name: &str| vectors::read(&folder.path().join(format!("out/{name}.{ending}"))).unwrap().table;
            let (zones, found) = (read("zones").features, read("mines").features);
            let by_id: BTreeMap<String, _> = found.iter().map(|m| (m.properties["id"].to_string(), m)).collect();
            prop_assert_eq!(by_id.len(), found.len(), "ids stand twice: {}", mines);
            prop_assert!(!by_id.contains_key(""));
            for zone in &zones {
                let told = |name: &str| zone.properties[name].clone();
                let mine = by_id.get(&told("nearestMine").to_string());
                let mine = mine.unwrap_or_else(|| panic!("{ending}: no mine {:?}", told("nearestMine")));
                prop_assert_eq!(&mine.properties["id"], &told("nearestMine"), "{}", ending);
                prop_assert_eq!(&mine.properties["name"], &told("nearestMineName"));
                prop_assert_eq!(&mine.properties["commodity"], &told("nearestMineCommodity"));
                if ending == "geojson" {
                    let Geometry::Point(at) = mine.geometry else { panic!("no point") };
                    let away = told("distanceM").as_f64().unwrap();
                    let measured = metres(&zone.geometry, at);
                    prop_assert!((measured - away).abs() < 0.5, "{} {}", measured, away);
                }
            }
        }
    }
}
