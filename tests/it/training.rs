//! Training that fits what a user has: few samples, seasons over a New Year, water under ratios of
//! bands, classes with names of any language. The scenes are made here.

use std::path::Path;
use std::sync::Mutex;

use gdal::DriverManager;
use gdal::raster::{Buffer, RasterCreationOptions};
use gdal::spatial_ref::SpatialRef;
use jiff::civil::{Date, date};
use rededge::process::{CancelToken, Context, ProcessError, Progress, find};
use rededge::store::{LocalSink, LocalSource};
use serde_json::{Value, json};

use crate::rice::{codes, document};

const SIDE: usize = 24;

/// Keeps what the user is told.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn step(&self, _: &str, _: u64) {}
    fn done(&self, _: u64) {}
    fn note(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

/// Runs a process in a folder, into `out` below it; gives all that it told, in lines.
fn run(process: &str, inputs: Value, base: &Path, out: &str) -> Result<String, ProcessError> {
    let notes = Notes::default();
    let sink = LocalSink::create(&base.join(out), []).unwrap();
    let source = LocalSource::new(base, &notes);
    let context = Context::new(&source, &sink, &notes, CancelToken::default());
    find(process).unwrap().run_json(inputs, &context)?;
    sink.commit().unwrap();
    Ok(notes.0.into_inner().unwrap().join("\n"))
}

/// Dates from one day on, every `step` days.
fn dates(from: Date, count: i64, step: i64) -> Vec<Date> {
    (0..count).map(|k| from + jiff::Span::new().days(k * step)).collect()
}

/// Writes a scene of every date: digital numbers by date, band, row and column.
fn write_scenes(folder: &Path, dates: &[Date], bands: &[&str], of: impl Fn(Date, &str, usize, usize) -> u16) {
    std::fs::create_dir_all(folder).unwrap();
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let options = RasterCreationOptions::from_iter(["COMPRESS=DEFLATE"]);
    for &day in dates {
        for &band in bands {
            let path = folder.join(format!("S2_{}_{band}.tif", day.strftime("%Y%m%d")));
            let file = driver.create_with_band_type_with_options::<u16, _>(path, SIDE, SIDE, 1, &options);
            let mut file = file.unwrap();
            file.set_spatial_ref(&SpatialRef::from_epsg(32649).unwrap()).unwrap();
            file.set_geo_transform(&[700_000.0, 10.0, 0.0, 3_090_000.0, 0.0, -10.0]).unwrap();
            let cells = (0..SIDE * SIDE).map(|i| of(day, band, i / SIDE, i % SIDE)).collect();
            let mut buffer = Buffer::new((SIDE, SIDE), cells);
            file.rasterband(1).unwrap().write((0, 0), (SIDE, SIDE), &mut buffer).unwrap();
        }
    }
}

fn cube(folder: &str) -> Value {
    json!({"href": folder, "pattern": "S2_{date:%Y%m%d}_{band}.tif"})
}

/// Points in the middle of pixels, with their classes.
fn write_samples(path: &Path, samples: &[(usize, usize, &str)]) {
    let to_degrees =
        rededge::crs::Crs::from_epsg(32649).unwrap().transformer_to(&rededge::crs::Crs::wgs84()).unwrap();
    let feature = |&(row, col, class): &(usize, usize, &str)| {
        let (x, y) = (700_005.0 + 10.0 * col as f64, 3_089_995.0 - 10.0 * row as f64);
        let (mut lon, mut lat) = ([x], [y]);
        to_degrees.apply(&mut lon, &mut lat).unwrap();
        json!({
            "type": "Feature", "properties": {"class": class},
            "geometry": {"type": "Point", "coordinates": [lon[0], lat[0]]}
        })
    };
    let features: Vec<Value> = samples.iter().map(feature).collect();
    std::fs::write(path, json!({"type": "FeatureCollection", "features": features}).to_string()).unwrap();
}

/// A number of a pixel and a date that looks like noise, within -1 to 1.
fn noise(day: Date, row: usize, col: usize) -> f64 {
    let seed = f64::from(day.day_of_year()) * 12.9898 + row as f64 * 78.233 + col as f64 * 37.719;
    (seed.sin() * 43_758.545_3).fract()
}

/// Rice in the left half: its canopy rises and falls by days of the season; grass in the right one.
fn paddy(start: Date) -> impl Fn(Date, &str, usize, usize) -> u16 {
    move |day, band, row, col| {
        let since = f64::from((day - start).get_days());
        let canopy = if col < SIDE / 2 {
            0.75 * (-((since - 60.0) / 25.0).powi(2)).exp()
        } else {
            0.35 + 0.05 * (since / 40.0).sin()
        };
        let canopy = canopy + 0.01 * noise(day, row, col);
        let reflectance = match band {
            "B08" => 0.15 + 0.35 * canopy,
            "B05" => 0.13 - 0.03 * canopy,
            _ => 0.08 - 0.05 * canopy,
        };
        (1e4 * reflectance) as u16
    }
}

/// The first `each` of either half in an order that skips about, with these names.
fn halves(each: usize, rice: &'static str, other: &'static str) -> Vec<(usize, usize, &'static str)> {
    // 97 and the number of places have no divisor in common: each comes once.
    let (width, all) = (SIDE / 2 - 2, SIDE * (SIDE / 2 - 2));
    assert!(each <= all);
    let places: Vec<(usize, usize)> =
        (0..each).map(|k| 97 * k % all).map(|i| (i / width, i % width + 1)).collect();
    let right = places.iter().map(|&(row, col)| (row, col + SIDE / 2, other));
    places.iter().map(|&(row, col)| (row, col, rice)).chain(right).collect()
}

/// Share of the pixels that are mapped rightly: `left` in the left half, `right` in the right one.
fn right_share(map: &Path, left: u8, right: u8) -> f64 {
    let codes = codes(map);
    let wanted = |i: usize| if i % SIDE < SIDE / 2 { left } else { right };
    codes.iter().enumerate().filter(|(i, code)| **code == wanted(*i)).count() as f64 / codes.len() as f64
}

const BANDS: [&str; 3] = ["B04", "B05", "B08"];

#[test]
fn few_samples_are_mapped_as_they_are_and_the_figure_says_what_it_rests_on() {
    let home = tempfile::tempdir().unwrap();
    let start = date(2022, 5, 1);
    write_scenes(&home.path().join("z"), &dates(start, 12, 10), &BANDS, paddy(start));
    for (each, tests) in [(20, true), (58, true), (2, true), (1, false)] {
        write_samples(&home.path().join("s.geojson"), &halves(each, "rice", "other"));
        let out = format!("out{each}");
        let inputs = json!({"cube": cube("z"), "samples": "s.geojson"});
        let told = run("rice-map", inputs, home.path(), &out).unwrap();
        let legend = document(&home.path().join(&out).join("areas.json"));
        let code = |name: &str| {
            let class = legend.as_array().unwrap().iter().find(|c| c["name"] == name).unwrap();
            class["code"].as_u64().unwrap() as u8
        };
        let map = home.path().join(&out).join("classMap.tif");
        let share = right_share(&map, code("rice"), code("other"));
        assert!(share > if each > 2 { 0.97 } else { 0.8 }, "{each} of each: {share}");
        let accuracy = home.path().join(&out).join("accuracy.json");
        assert_eq!(accuracy.is_file(), tests, "{each} of each");
        if !tests {
            assert!(told.contains("no accuracy") && told.contains("1 of `rice`"), "{told}");
            continue;
        }
        let accuracy = document(&accuracy);
        let tested: u64 = accuracy["matrix"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|r| r.as_array().unwrap())
            .map(|v| v.as_u64().unwrap())
            .sum();
        assert_eq!(tested, 2 * each as u64);
        assert_eq!(accuracy["validation"]["by"], "folds");
        if each > 2 {
            assert!(accuracy["overall"].as_f64().unwrap() > 0.95, "{accuracy}");
        }
        // 58 of each are enough to say nothing of.
        assert_eq!(told.contains("rests on few samples"), each < 50, "{told}");
        assert_eq!(accuracy["note"].is_string(), each < 50);
    }
}

#[test]
fn leaves_that_are_asked_for_and_fit_no_split_are_refused_instead_of_a_map_of_one_class() {
    let home = tempfile::tempdir().unwrap();
    let start = date(2022, 5, 1);
    write_scenes(&home.path().join("z"), &dates(start, 12, 10), &BANDS, paddy(start));
    write_samples(&home.path().join("s.geojson"), &halves(20, "rice", "other"));
    let inputs = json!({"cube": cube("z"), "samples": "s.geojson", "parameters": {"minLeaf": 20}});
    let error = run("rice-map", inputs, home.path(), "out").unwrap_err().to_string();
    assert!(error.contains("parameters.minLeaf") && error.contains("nothing to split"), "{error}");
    // What fits is honoured.
    let inputs = json!({"cube": cube("z"), "samples": "s.geojson", "parameters": {"minLeaf": 5}});
    run("train-rice", inputs, home.path(), "five").unwrap();
    assert_eq!(document(&home.path().join("five/model.json"))["card"]["parameters"]["minLeaf"], 5);
}

#[test]
fn a_model_of_a_season_over_the_new_year_maps_other_years_and_the_other_way_round() {
    let home = tempfile::tempdir().unwrap();
    let seasons = [
        ("over", date(2021, 12, 28), date(2021, 12, 28)),
        ("after", date(2023, 1, 2), date(2022, 12, 28)),
        ("leap", date(2024, 1, 4), date(2023, 12, 28)),
        ("from-leap", date(2020, 12, 29), date(2020, 12, 28)),
    ];
    for (name, first, start) in seasons {
        write_scenes(&home.path().join(name), &dates(first, 15, 8), &BANDS, paddy(start));
    }
    write_samples(&home.path().join("s.geojson"), &halves(60, "rice", "other"));
    // Values by date: a model that reads them a month off is wrong.
    for (method, parameters) in [
        ("itsgbt", json!({"predictors": ["values"]})),
        ("tsrf", json!({"trees": 20})),
        ("dtw", json!({"band": 2})),
        ("forest", json!({"trees": 20})),
        ("swv", json!({"trees": 20})),
    ] {
        for (trained, mapped) in
            [("over", "after"), ("after", "over"), ("over", "leap"), ("from-leap", "after")]
        {
            let model = format!("model-{method}-{trained}");
            let inputs = json!({
                "cube": cube(trained), "samples": "s.geojson", "method": method, "parameters": parameters,
                "timeGrid": {"step": 8}, "validation": {"by": "folds", "folds": 2}
            });
            if !home.path().join(&model).exists() {
                run("train-rice", inputs, home.path(), &model).unwrap();
            }
            let out = format!("{model}-{mapped}");
            let inputs = json!({"cube": cube(mapped), "model": format!("{model}/model.json")});
            run("rice-map", inputs, home.path(), &out).unwrap();
            let share = right_share(&home.path().join(&out).join("classMap.tif"), 2, 1);
            assert!(share > 0.97, "{method}: {trained} to {mapped}: {share}");
        }
    }
    // A season of another part of the year is refused, with both seasons and the way out.
    write_scenes(
        &home.path().join("summer"),
        &dates(date(2022, 6, 1), 12, 8),
        &BANDS,
        paddy(date(2022, 6, 1)),
    );
    let inputs = json!({"cube": cube("summer"), "model": "model-itsgbt-over/model.json"});
    let error = run("rice-map", inputs, home.path(), "never").unwrap_err().to_string();
    for words in ["input `model`", "December", "1 June", "% of the steps", "train on samples"] {
        assert!(error.contains(words), "`{words}`: {error}");
    }
}

#[test]
fn a_map_without_rice_is_refused_until_the_classes_of_rice_are_named() {
    let home = tempfile::tempdir().unwrap();
    let start = date(2022, 5, 1);
    write_scenes(&home.path().join("z"), &dates(start, 12, 10), &BANDS, paddy(start));
    let samples = |rice, other| write_samples(&home.path().join("s.geojson"), &halves(30, rice, other));
    let inputs =
        || json!({"cube": cube("z"), "samples": "s.geojson", "validation": {"by": "folds", "folds": 2}});
    samples("水田", "旱地");
    let error = run("rice-map", inputs(), home.path(), "none").unwrap_err().to_string();
    for words in ["riceClasses", "水田", "旱地"] {
        assert!(error.contains(words), "`{words}`: {error}");
    }
    let mut named = inputs();
    named["riceClasses"] = json!(["水田"]);
    run("rice-map", named, home.path(), "named").unwrap();
    // The map and the model keep it: nothing needs to be named again.
    let data = gdal::Dataset::open(home.path().join("named/classMap.tif")).unwrap();
    let legend = rededge::io::cog::read_legend(&data).unwrap();
    let rice: Vec<&str> =
        legend.classes.iter().zip(legend.is_rice()).filter(|c| c.1).map(|c| c.0.name.as_str()).collect();
    assert_eq!(rice, ["水田"]);
    let again = json!({"cube": cube("z"), "model": "named/model.json"});
    run("rice-map", again, home.path(), "again").unwrap();
    let wrong = json!({"cube": cube("z"), "model": "named/model.json", "riceClasses": ["稻"]});
    let error = run("rice-map", wrong, home.path(), "wrong").unwrap_err().to_string();
    assert!(error.contains("riceClasses[0]") && error.contains("`稻`"), "{error}");
    // Names that are known to be rice.
    samples("单季稻", "非水稻");
    run("rice-map", inputs(), home.path(), "known").unwrap();
    samples("water", "forest");
    assert!(run("rice-map", inputs(), home.path(), "water").is_err());
}

/// Stress by fields of six pixels, and water along one side where three bands are equal but for noise.
fn stressed_paddy(equal: bool) -> impl Fn(Date, &str, usize, usize) -> u16 {
    move |day, band, row, col| {
        let since = f64::from((day - date(2022, 5, 1)).get_days());
        let n = |k: usize| noise(day, row + 31 * k, col);
        if col < 5 {
            let apart = if equal { 0.0 } else { 100.0 };
            return match band {
                "B01" => 420.0 + n(1) - apart,
                "B05" => 420.0 + n(2) + apart,
                "B06" => 420.0 + n(3),
                "B07" | "B08" => 380.0 + 3.0 * n(4),
                _ => 450.0 + 3.0 * n(5),
            } as u16;
        }
        let canopy = (-((since - 70.0) / 35.0).powi(2)).exp();
        let health = if (row / 6 + col / 6) % 2 == 0 { 0.72 } else { 1.0 } + 0.06 * n(6);
        let green = canopy * health;
        let reflectance = match band {
            "B01" => 0.03 + 0.004 * n(1),
            "B03" => 0.09 - 0.02 * green,
            "B04" => 0.09 - 0.06 * green,
            "B05" => 0.14 - 0.04 * green,
            "B06" => 0.17 + 0.16 * green,
            _ => 0.19 + 0.22 * green + 0.004 * n(2),
        };
        (1e4 * reflectance) as u16
    }
}

#[test]
fn water_under_ratios_of_equal_bands_does_not_spoil_a_model_of_stress() {
    let home = tempfile::tempdir().unwrap();
    let bands = ["B01", "B03", "B04", "B05", "B06", "B07", "B08"];
    let days = dates(date(2022, 5, 1), 11, 14);
    let samples: Vec<(usize, usize, &str)> = (0..SIDE * SIDE)
        .filter(|i| i % 3 == 0)
        .map(|i| (i / SIDE, i % SIDE))
        .map(|(row, col)| match (col < 5, (row / 6 + col / 6) % 2 == 0) {
            (true, _) => (row, col, "non-rice"),
            (false, true) => (row, col, "stressed-rice"),
            (false, false) => (row, col, "unstressed-rice"),
        })
        .collect();
    write_samples(&home.path().join("s.geojson"), &samples);
    let overall = ["apart", "equal"].map(|water| {
        write_scenes(&home.path().join(water), &days, &bands, stressed_paddy(water == "equal"));
        let inputs = json!({
            "cube": cube(water), "samples": "s.geojson", "seed": 1, "timeGrid": {"step": 14}, "despike": false,
            "parameters": {"hidden": 16, "dense": 8, "epochs": 60, "learningRate": 0.01},
            "validation": {"by": "holdout", "fractions": [0.5, 0.2, 0.3]}
        });
        run("train-stress", inputs, home.path(), &format!("out-{water}")).unwrap();
        let accuracy = document(&home.path().join(format!("out-{water}/accuracy.json")));
        accuracy["overall"].as_f64().unwrap()
    });
    assert!(overall[0] > 0.9 && overall[1] > 0.9 && (overall[0] - overall[1]).abs() < 0.06, "{overall:?}");
    // The deviations of REP and MSR are those of what the indices mean.
    let model = document(&home.path().join("out-equal/model.json"));
    let deviation = |k: usize| model["trained"]["deviation"][k].as_f64().unwrap();
    assert!(deviation(0) < 40.0 && deviation(2) < 13.0, "{} {}", deviation(0), deviation(2));
}
