//! The rice processes as a user runs them: on the real scene, on the simulated ones, and on
//! inputs that cannot work.

use std::path::Path;

use rededge::classify::predict::{Masks, Predictor};
use rededge::classify::{Model, bands_of};
use rededge::cube::CubeRequest;
use rededge::process::{CancelToken, Context, ProcessError, Silent, find};
use rededge::raster::Window;
use rededge::store::{LocalSink, LocalSource};
use serde_json::{Value, json};

use crate::scenes::open;
use crate::shared_data;

/// Runs a process on `threads` threads into `out`, with relative paths below `base`.
fn run_on(threads: usize, process: &str, inputs: Value, base: &Path, out: &Path) -> Result<(), ProcessError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let sink = LocalSink::create(out, []).unwrap();
    let source = LocalSource::new(base, &Silent);
    let context = Context::new(&source, &sink, &Silent, CancelToken::default());
    pool.install(|| find(process).unwrap().run_json(inputs, &context))?;
    sink.commit().unwrap();
    Ok(())
}

pub fn run(process: &str, inputs: Value, base: &Path, out: &Path) -> Result<(), ProcessError> {
    run_on(2, process, inputs, base, out)
}

pub fn document(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub fn codes(path: &Path) -> Vec<u8> {
    let data = gdal::Dataset::open(path).unwrap();
    data.rasterband(1).unwrap().read_band_as::<u8>().unwrap().data().to_vec()
}

/// Overall accuracy and kappa of a map where `mask` is 1.
pub fn score(map: &Path, truth: &Path, mask: &Path) -> (f64, f64) {
    let (map, truth, mask) = (codes(map), codes(truth), codes(mask));
    let mut matrix = [[0.0f64; 4]; 4];
    for ((&m, &t), _) in map.iter().zip(&truth).zip(&mask).filter(|(_, k)| **k == 1) {
        matrix[usize::from(t)][usize::from(m)] += 1.0;
    }
    let total: f64 = matrix.iter().flatten().sum();
    let agree = (0..4).map(|k| matrix[k][k]).sum::<f64>() / total;
    let row = |k: usize| matrix[k].iter().sum::<f64>();
    let chance =
        (0..4).map(|k| row(k) * (0..4).map(|r| matrix[r][k]).sum::<f64>()).sum::<f64>() / (total * total);
    (agree, (agree - chance) / (1.0 - chance))
}

#[test]
fn rice_is_told_on_clusters_that_were_left_out_of_a_real_scene() {
    let Some(data) = shared_data() else { return };
    let base = data.join("mekong-2022");
    let home = tempfile::tempdir().unwrap();
    let (mut overall, mut kappa) = (0.0, 0.0);
    for seed in 0..5 {
        let inputs = json!({
            "cube": "items.json", "samples": "samples.geojson", "maxCloudCover": 100, "seed": seed,
            "validation": {"by": "group", "property": "cluster"}
        });
        run("train-rice", inputs, &base, home.path()).unwrap();
        let accuracy = document(&home.path().join("accuracy.json"));
        let total: u64 = accuracy["matrix"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|r| r.as_array().unwrap())
            .map(|v| v.as_u64().unwrap())
            .sum();
        assert_eq!(total, 600);
        overall += accuracy["overall"].as_f64().unwrap() / 5.0;
        kappa += accuracy["kappa"].as_f64().unwrap() / 5.0;
    }
    println!("mekong-2022, leave one cluster out, five seeds: overall {overall:.4}, kappa {kappa:.4}");
    assert!(overall >= 0.94 && kappa >= 0.88, "{overall} {kappa}");
}

#[test]
fn a_simulated_county_is_mapped_and_its_model_serves_the_next_year() {
    let Some(data) = shared_data() else { return };
    let (first, second) = (data.join("zhuzhou-sim-2019"), data.join("zhuzhou-sim-2020"));
    let mask = first.join("truth-testmask.tif");
    let home = tempfile::tempdir().unwrap();
    let (a, b) = (home.path().join("2019"), home.path().join("2020"));
    let inputs = json!({
        "cube": "items.json", "samples": "samples-rice.geojson", "maxCloudCover": 100, "despike": false,
        "parameters": {"predictors": ["values"]}, "seed": 1
    });
    run("rice-map", inputs, &first, &a).unwrap();
    let (overall, kappa) = score(&a.join("classMap.tif"), &first.join("truth-rice.tif"), &mask);
    println!("zhuzhou-sim-2019 (simulated), test half: overall {overall:.4}, kappa {kappa:.4}");
    assert!(overall >= 0.960 && kappa >= 0.934, "{overall} {kappa}");
    let accuracy = document(&a.join("accuracy.json"));
    assert!(accuracy["areaAdjusted"]["areasHa"]["single-rice"]["interval"].is_array());
    let areas = document(&a.join("areas.json"));
    let hectares: f64 = areas.as_array().unwrap().iter().map(|c| c["hectares"].as_f64().unwrap()).sum();
    assert!((hectares - 900.0).abs() < 1e-6, "{hectares}");

    let inputs = json!({"cube": "items.json", "model": a.join("model.json"), "maxCloudCover": 100});
    run("rice-map", inputs, &second, &b).unwrap();
    let (overall, _) = score(&b.join("classMap.tif"), &second.join("truth-rice.tif"), &mask);
    println!("zhuzhou-sim-2020 (simulated) by the model of 2019: overall {overall:.4}");
    assert!(overall >= 0.93, "{overall}");
}

#[test]
fn a_map_does_not_depend_on_threads_and_steep_ground_carries_no_rice() {
    let Some(data) = shared_data() else { return };
    let base = data.join("zhuzhou-sim-2019");
    let home = tempfile::tempdir().unwrap();
    let inputs = json!({
        "cube": "items.json", "samples": "samples-rice.geojson", "maxCloudCover": 100,
        "dem": "dem.tif", "maxSlope": 8, "minimumMappingUnit": 0.1, "parameters": {"rounds": 20}
    });
    let folders: Vec<_> = [1, 3]
        .map(|threads| {
            let out = home.path().join(threads.to_string());
            run_on(threads, "rice-map", inputs.clone(), &base, &out).unwrap();
            out
        })
        .into();
    for file in ["classMap.tif", "confidence.tif", "model.json", "areas.json", "accuracy.json"] {
        let bytes = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
        assert!(bytes(&folders[0]) == bytes(&folders[1]), "{file} depends on threads");
    }
    let free = home.path().join("free");
    let mut without = inputs;
    for member in ["dem", "maxSlope"] {
        without.as_object_mut().unwrap().remove(member);
    }
    run("rice-map", without, &base, &free).unwrap();
    let rice =
        |folder: &Path| codes(&folder.join("classMap.tif")).iter().filter(|&&c| c == 1 || c == 2).count();
    assert!(rice(&folders[0]) < rice(&free), "the scene has steep ground that looks like rice");
}

#[test]
fn a_pixel_has_the_same_answer_in_a_block_of_any_size() {
    let Some(data) = shared_data() else { return };
    let base = data.join("zhuzhou-sim-2019");
    let home = tempfile::tempdir().unwrap();
    for method in ["itsgbt", "tsrf", "dtw", "swv"] {
        let out = home.path().join(method);
        let inputs = json!({"cube": "items.json", "samples": "samples-rice.geojson", "method": method});
        run("train-rice", inputs, &base, &out).unwrap();
        let model = Model::from_bytes(&std::fs::read(out.join("model.json")).unwrap()).unwrap();
        let request =
            CubeRequest { bands: bands_of(&model.recipe.channels().unwrap()), ..CubeRequest::default() };
        let cube = open(base.join("items.json"), &request).unwrap();
        let predictor = Predictor::new(&cube, &model).unwrap();
        let whole = Window { row: 40, col: 30, rows: 61, cols: 150 };
        let expected = predictor.block(whole, Masks::default()).unwrap();
        assert!(expected.codes.iter().any(|&c| c != expected.codes[0]));
        for (rows, cols) in [(1, 150), (61, 1), (17, 64)] {
            for part in Window::blocks(whole.rows, whole.cols, rows, cols) {
                let at = Window { row: whole.row + part.row, col: whole.col + part.col, ..part };
                let found = predictor.block(at, Masks::default()).unwrap();
                for row in 0..part.rows {
                    let (own, start) = (row * part.cols, (part.row + row) * whole.cols + part.col);
                    for (found, expected) in
                        [(&found.codes, &expected.codes), (&found.confidence, &expected.confidence)]
                    {
                        assert!(
                            found[own..own + part.cols] == expected[start..start + part.cols],
                            "{method}"
                        );
                    }
                }
            }
        }
    }
}

/// What a process says to inputs that cannot work.
fn refusal(process: &str, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Option<String> {
    let base = shared_data()?.join("zhuzhou-sim-2019");
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let mut inputs = json!({"cube": "items.json", "samples": "samples-rice.geojson", "maxCloudCover": 100});
    change(inputs.as_object_mut().unwrap());
    let error = run(process, inputs, &base, &out).unwrap_err();
    assert!(matches!(error, ProcessError::Input { .. }), "{error}");
    let left: Vec<_> = std::fs::read_dir(&out).map(|d| d.flatten().collect()).unwrap_or_default();
    assert!(left.is_empty(), "something was left behind: {left:?}");
    Some(error.to_string())
}

fn point(lon: f64, lat: f64, class: &str) -> Value {
    json!({"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": {"class": class}})
}

fn collection(features: Vec<Value>) -> Value {
    json!({"type": "FeatureCollection", "features": features})
}

#[test]
fn inputs_that_cannot_work_are_named_and_nothing_is_written() {
    type Change = fn(&mut serde_json::Map<String, Value>);
    let cases: [(&str, Change, &[&str]); 22] = [
        (
            "nothing to train with",
            |i| {
                i.remove("samples");
            },
            &["samples", "model"],
        ),
        (
            "a model and samples",
            |i| {
                i.insert("model".into(), json!("m.json"));
            },
            &["model", "exclude"],
        ),
        (
            "an unknown index",
            |i| {
                i.insert("indices".into(), json!(["NDRE", "NOPE"]));
            },
            &["indices[1]", "NOPE", "NDVI"],
        ),
        (
            "an unknown member",
            |i| {
                i.insert("clases".into(), json!([]));
            },
            &["clases"],
        ),
        (
            "a mistyped parameter",
            |i| {
                i.insert("parameters".into(), json!({"leaves": "many"}));
            },
            &["parameters.leaves"],
        ),
        (
            "a parameter out of range",
            |i| {
                i.insert("parameters".into(), json!({"rounds": 0}));
            },
            &["parameters.rounds"],
        ),
        (
            "an area outside the scenes",
            |i| {
                i.insert("area".into(), json!({"bbox": [10.0, 10.0, 10.1, 10.1]}));
            },
            &["area"],
        ),
        (
            "too few dates",
            |i| {
                i.insert("dates".into(), json!("2019-04-01/2019-04-12"));
            },
            &["usable dates", "at least 3"],
        ),
        (
            "an unknown CRS",
            |i| {
                i.insert("crs".into(), json!("EPSG:0"));
            },
            &["crs", "EPSG:0"],
        ),
        (
            "a CRS of heights",
            |i| {
                i.insert("crs".into(), json!("EPSG:5703"));
            },
            &["input `crs`", "neither projected nor geographic"],
        ),
        (
            "a file for a CRS",
            |i| {
                i.insert("crs".into(), json!("/tmp/x.prj"));
            },
            &["input `crs`"],
        ),
        (
            "a pixel of ten degrees",
            |i| {
                i.insert("crs".into(), json!("EPSG:4326"));
                i.insert("resolution".into(), json!(10));
            },
            &["input `resolution`", "10 degrees"],
        ),
        (
            "a time grid beyond the dates",
            |i| {
                i.insert("timeGrid".into(), json!({"first": 300, "step": 5, "count": 50}));
            },
            &["input `timeGrid`", "0 % of the steps"],
        ),
        (
            "an absurd number of intervals",
            |i| {
                let parameters =
                    json!({"predictors": ["intervals"], "intervals": 4_611_686_018_427_387_904_u64});
                i.insert("parameters".into(), parameters);
            },
            &["parameters.intervals", "10000"],
        ),
        (
            "an absurd number of trees",
            |i| {
                i.insert("method".into(), json!("forest"));
                i.insert("parameters".into(), json!({"trees": 100_000_000}));
            },
            &["parameters.trees", "10000"],
        ),
        (
            "steep ground and classes that say nothing of rice",
            |i| {
                i.insert("dem".into(), json!("dem.tif"));
                i.insert("classProperty".into(), json!("code"));
            },
            &["input `riceClasses`", "1, 2, 3"],
        ),
        (
            "classes that no sample has",
            |i| {
                i.insert("classes".into(), json!(["rice", "other"]));
            },
            &["input `samples`", "single-rice"],
        ),
        (
            "an unknown property",
            |i| {
                i.insert("classProperty".into(), json!("kind"));
            },
            &["samples", "kind", "class"],
        ),
        (
            "samples outside",
            |i| {
                i.insert(
                    "samples".into(),
                    collection(vec![point(10.0, 10.0, "rice"), point(10.0, 10.1, "b")]),
                );
            },
            &["samples", "none of the samples"],
        ),
        (
            "one class only",
            |i| {
                i.insert(
                    "samples".into(),
                    collection(vec![point(113.045, 27.9, "rice"), point(113.046, 27.9, "rice")]),
                );
            },
            &["samples", "two classes", "rice: 2"],
        ),
        (
            "a class too small for the split",
            |i| {
                i.insert(
                    "samples".into(),
                    collection(
                        (0..9)
                            .map(|k| {
                                let class = if k == 0 { "rice" } else { "b" };
                                point(113.045 + 0.0003 * f64::from(k), 27.9, class)
                            })
                            .collect(),
                    ),
                );
                i.insert("validation".into(), json!({"by": "folds", "folds": 2}));
            },
            &["validation", "`rice`"],
        ),
        (
            "a missing file",
            |i| {
                i.insert("samples".into(), json!("nowhere.geojson"));
            },
            &["samples", "nowhere.geojson"],
        ),
    ];
    for (what, change, words) in cases {
        let Some(error) = refusal("rice-map", change) else { return };
        for word in words {
            assert!(error.contains(word), "{what}: `{word}` is not in: {error}");
        }
    }
}

#[test]
fn a_model_that_does_not_fit_is_refused() {
    let Some(data) = shared_data() else { return };
    let base = data.join("zhuzhou-sim-2019");
    let home = tempfile::tempdir().unwrap();
    let inputs = json!({
        "cube": "items.json", "samples": "samples-rice.geojson", "maxCloudCover": 100,
        "indices": ["REP"], "timeGrid": "acquisitions", "parameters": {"rounds": 2}
    });
    run("train-rice", inputs, &base, home.path()).unwrap();
    let model = home.path().join("model.json");
    // Another year has other dates than a model of the acquisitions themselves.
    let other = json!({"cube": "items.json", "model": model, "maxCloudCover": 100});
    let error = run("rice-map", other, &data.join("zhuzhou-sim-2020"), &home.path().join("o")).unwrap_err();
    assert!(
        error.to_string().contains("model") && error.to_string().contains("33 dates as they are"),
        "{error}"
    );
    // What the model decides cannot be asked for.
    let asked = json!({"cube": "items.json", "model": model, "method": "dtw"});
    let error = run("rice-map", asked, &base, &home.path().join("o")).unwrap_err();
    assert!(error.to_string().starts_with("input `method`"), "{error}");
    // A model of the season does not fit its first weeks.
    let season =
        json!({"cube": "items.json", "samples": "samples-rice.geojson", "parameters": {"rounds": 2}});
    run("train-rice", season, &base, home.path()).unwrap();
    let spring = json!({"cube": "items.json", "model": model, "dates": "2019-04-01/2019-05-15"});
    let error = run("rice-map", spring, &base, &home.path().join("o")).unwrap_err();
    assert!(error.to_string().contains("% of the steps are covered"), "{error}");
    let inputs = json!({
        "cube": "items.json", "samples": "samples-rice.geojson", "maxCloudCover": 100,
        "indices": ["REP"], "timeGrid": "acquisitions", "parameters": {"rounds": 2}
    });
    run("train-rice", inputs, &base, home.path()).unwrap();
    // This scene has no B06 and B07.
    let error = run(
        "rice-map",
        json!({"cube": "items.json", "model": model, "maxCloudCover": 100}),
        &data.join("mekong-2022"),
        &home.path().join("o"),
    )
    .unwrap_err();
    assert!(error.to_string().contains("B07") || error.to_string().contains("B06"), "{error}");
    let mut text = std::fs::read_to_string(&model).unwrap();
    text.truncate(text.len() / 2);
    std::fs::write(&model, text).unwrap();
    let error = run(
        "rice-map",
        json!({"cube": "items.json", "model": model, "maxCloudCover": 100}),
        &base,
        &home.path().join("o"),
    )
    .unwrap_err();
    assert!(matches!(&error, ProcessError::Input { input, .. } if input == "model"), "{error}");
}

#[test]
fn a_table_of_series_trains_without_a_cube() {
    let home = tempfile::tempdir().unwrap();
    let mut table = String::from("id,class,field");
    for month in 1..=9 {
        table.push_str(&format!(",NDRE@2022-0{month}-05"));
    }
    table.push('\n');
    for row in 0..80 {
        let rice = row % 2 == 0;
        table.push_str(&format!("{row},{},{}", if rice { "rice" } else { "non-rice" }, row / 10));
        for month in 1..=9 {
            let season = if rice { (f64::from(month) * 0.7).sin() * 0.3 } else { 0.02 };
            let missing = (row + month) % 7 == 0;
            table.push_str(&if missing {
                ",".to_owned()
            } else {
                format!(",{}", 0.3 + season + f64::from(row % 5) * 0.004)
            });
        }
        table.push('\n');
    }
    std::fs::write(home.path().join("series.csv"), table).unwrap();
    let inputs = json!({
        "samples": "series.csv", "timeGrid": {"step": 15}, "validation": {"by": "group", "property": "field"},
        "parameters": {"minLeaf": 2}
    });
    run("train-rice", inputs, home.path(), &home.path().join("out")).unwrap();
    let accuracy = document(&home.path().join("out/accuracy.json"));
    assert_eq!(accuracy["classes"], json!(["non-rice", "rice"]));
    assert!(accuracy["overall"].as_f64().unwrap() > 0.95, "{accuracy}");
}
