//! The whole chain on the simulated scene, through the command line.

use std::process::Command;

use serde_json::{Value, json};

use crate::shared_data;

#[test]
fn one_call_leads_from_scenes_to_a_report() {
    let Some(data) = shared_data() else { return };
    let scene = data.join("zhuzhou-sim-2019");
    let folder = tempfile::tempdir().unwrap();
    let run = |inputs: Value, out: &str| {
        let file = folder.path().join("inputs.json");
        std::fs::write(&file, inputs.to_string()).unwrap();
        let rededge = Command::new(env!("CARGO_BIN_EXE_rededge"))
            .args(["run", "monitor"])
            .args([&file, &"--out".into(), &folder.path().join(out)])
            .output()
            .unwrap();
        (rededge.status.code(), String::from_utf8_lossy(&rededge.stderr).into_owned())
    };
    let inputs = json!({
        "cube": scene.join("items.json"),
        "riceMap": scene.join("truth-rice.tif"),
        "samples": scene.join("samples-stress.geojson"),
        "parameters": {"epochs": 2},
        "mines": scene.join("mines.geojson"),
        "minimumMappingUnit": 0.2, "simplify": 12, "bandwidth": 500, "shifts": 99, "year": 2019,
        "title": "A <title> & more",
    });
    let (code, log) = run(inputs.clone(), "out");
    assert_eq!(code, Some(0), "{log}");
    let out = folder.path().join("out");
    let text = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let document = |name: &str| -> Value { serde_json::from_str(&text(name)).unwrap() };

    let report = text("report.html");
    assert!(report.contains("<h1>A &lt;title&gt; &amp; more</h1>"));
    assert!(report.contains("not a soil test") && report.contains("mine 4"));
    // Nothing is loaded from elsewhere.
    let links = ["src=\"", "href=\""].map(|a| report.split(a).skip(1).collect::<Vec<_>>()).concat();
    assert!(links.len() >= 3 && links.iter().all(|l| l.starts_with("data:")), "{}", links.len());
    assert!(!report.contains("@import") && !report.contains("url("));

    let zones = document("zones.geojson");
    let zones = zones["features"].as_array().unwrap();
    let sum: f64 = zones.iter().map(|z| z["properties"]["areaHa"].as_f64().unwrap()).sum();
    let summary = document("summary.json");
    assert!((summary["areaHa"].as_f64().unwrap() / sum - 1.0).abs() < 1e-9);
    assert!(zones.len() > 3 && summary["zones"] == zones.len());
    assert!(zones.iter().all(|z| z["properties"]["areaHa"].as_f64().unwrap() >= 0.2 - 1e-9));
    assert!(zones.iter().all(|z| z["properties"]["meanProbability"].as_f64().unwrap() > 40.0));
    assert!(zones.iter().all(|z| z["properties"]["years"] == "2019"));
    for name in ["stressMap.tif", "probability.tif", "density.tif", "mines.geojson", "association.json"] {
        assert!(out.join(name).exists(), "{name}");
    }
    assert!(!out.join("riceMap.tif").exists(), "the map of rice was given");

    // Members go by the names that the whole has for them.
    let mut wrong = inputs.clone();
    wrong["riceModel"] = json!("model.json");
    let (code, log) = run(wrong, "no");
    assert!(code == Some(2) && log.contains("input `riceModel`"), "{log}");
    let mut wrong = inputs.clone();
    wrong["riceMap"].take();
    wrong["riceSamples"] = json!("none.geojson");
    wrong.as_object_mut().unwrap().remove("riceMap");
    let (code, log) = run(wrong, "no");
    assert!(code == Some(2) && log.contains("input `riceSamples`"), "{log}");
    assert!(!folder.path().join("no").exists());
}
