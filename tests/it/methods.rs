//! The methods through the processes: each makes a map with its confidence, and all are compared.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use rededge::cube::Band;
use rededge::io::county::write_county;
use rededge::simulate::{County, Options};
use serde_json::{Value, json};

/// Runs a process on inputs; the results are in `folder`/out.
fn run(folder: &Path, process: &str, inputs: &Value) {
    std::fs::write(folder.join("inputs.json"), inputs.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rededge"));
    command.args(["run", process]).arg(folder.join("inputs.json")).arg("--out").arg(folder.join("out"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{inputs}: {}", String::from_utf8_lossy(&output.stderr));
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The pixels of a confidence map.
fn percent(path: &Path) -> Vec<u8> {
    let data = gdal::Dataset::open(path).unwrap();
    data.rasterband(1).unwrap().read_band_as::<u8>().unwrap().data().to_vec()
}

#[test]
fn each_method_makes_a_map_with_its_confidence() {
    let folder = tempfile::tempdir().unwrap();
    let bands = vec![Band::RedEdge1, Band::Nir];
    let county = County::new(Options { rows: 96, cols: 96, dates: 8, year: 2019, seed: 42, bands }).unwrap();
    write_county(&county, folder.path(), |_| ControlFlow::Continue(())).unwrap();
    for method in ["itsgbt", "tsrf", "dtw", "forest", "swv"] {
        let inputs = json!({
            "cube": "items.json", "samples": "samples-rice.geojson", "method": method, "maxCloudCover": 100,
            "timeGrid": {"step": 10}
        });
        run(folder.path(), "rice-map", &inputs);
        let values = percent(&folder.path().join("out/confidence.tif"));
        assert_eq!(values.len(), 96 * 96);
        let valid: Vec<u8> = values.into_iter().filter(|v| *v != 255).collect();
        assert!(valid.len() > 1000, "{method}: {} pixels have an answer", valid.len());
        // The most probable of three classes has at least a third.
        assert!(valid.iter().all(|v| (33..=100).contains(v)), "{method}");
        assert!(valid.iter().any(|v| *v != valid[0]), "{method}");
    }
}

#[test]
fn methods_are_compared_and_the_earliest_date_found_on_the_simulated_scenes() {
    let Some(data) = crate::shared_data().map(|d| d.join("zhuzhou-sim-2019")).filter(|d| d.is_dir()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let shared = json!({
        "cube": data.join("items.json"), "samples": data.join("samples-rice.geojson"), "maxCloudCover": 100,
        "despike": false
    });
    let with = |more: Value| {
        let mut inputs = shared.as_object().unwrap().clone();
        inputs.extend(more.as_object().unwrap().clone());
        Value::Object(inputs)
    };
    let methods = ["itsgbt", "forest", "dtw"];
    let inputs =
        with(json!({"methods": methods, "parametersByMethod": {"itsgbt": {"predictors": ["values"]}}}));
    run(folder.path(), "compare-methods", &inputs);
    let out = folder.path().join("out");
    for row in read_json(&out.join("comparison.json")).as_array().unwrap() {
        assert!(row["overall"].as_f64().unwrap() > 0.7, "{row:#}");
    }
    for file in ["table.csv", "figure.svg", "fourier.csv", "harmonicFigure.svg", "intervalFigure.svg"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let inputs = with(json!({"parameters": {"predictors": ["values"], "rounds": 30}}));
    run(folder.path(), "earliest-rice-date", &inputs);
    let rows = read_json(&out.join("accuracyByDate.json"));
    let rows = rows.as_array().unwrap();
    assert_eq!((rows.len(), rows[0]["images"].as_u64()), (33 - 1, Some(2)));
    let overall = |row: &Value| row["overall"].as_f64().unwrap_or(0.0);
    assert!(overall(&rows[0]) < overall(&rows[31]) && overall(&rows[31]) > 0.9, "{rows:#?}");
    let day = read_json(&out.join("earliest.json"))["dayOfYear"].as_i64().unwrap();
    assert!((100..300).contains(&day), "{day}");
}
