//! Inputs are checked before a job is accepted, on every road; boxes have the order of axes that their CRS's name
//! stands for.

use std::process::Command;

use serde_json::{Value, json};

use crate::server::Server;

const MINE: &str = r#"{"type":"Point","coordinates":[113.0,27.9]}"#;

fn mine() -> Value {
    serde_json::from_str(MINE).unwrap()
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[test]
fn a_wrong_input_is_refused_before_there_is_a_job_on_every_road() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let wrong = json!({"inputs": {"mines": mine(), "bandwidth": -5}});
    for prefer in ["respond-async", "respond-sync"] {
        let (status, _, answer) = server.execute("mine-heatmap", prefer, &wrong);
        assert_eq!((status, &answer["input"]), (400, &json!("bandwidth")), "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains("-5 m is not within 1"), "{answer}");
    }
    let collection = json!({"inputs": {"mines": mine(), "bandwidth": -5}, "response": "collection"});
    assert_eq!(server.execute("mine-heatmap", "", &collection).0, 400);
    let query = format!("/processes/mine-heatmap/execution?mines={}&bandwidth=-5", encoded(MINE));
    for path in [query.clone(), format!("{query}&prefer=respond-async")] {
        let (status, answer) = server.get(&path);
        assert_eq!((status, &answer["input"]), (400, &json!("bandwidth")), "{answer}");
    }
    let wps = format!(
        "/wps?service=WPS&version=1.0.0&request=Execute&identifier=mine-heatmap&DataInputs=mines={};bandwidth=-5",
        encoded(MINE)
    );
    for path in [wps.clone(), format!("{wps}&storeExecuteResponse=true&status=true")] {
        let text = server.call("GET", &path, &[], "").2;
        assert!(text.contains("InvalidParameterValue") && text.contains("bandwidth"), "{text}");
    }
    let v1 = format!(
        r#"<wps:Execute xmlns:wps="http://www.opengis.net/wps/1.0.0" xmlns:ows="http://www.opengis.net/ows/1.1"
        service="WPS" version="1.0.0"><ows:Identifier>mine-heatmap</ows:Identifier><wps:DataInputs>
        <wps:Input><ows:Identifier>mines</ows:Identifier><wps:Data><wps:ComplexData mimeType="application/geo+json"
        >{MINE}</wps:ComplexData></wps:Data></wps:Input>
        <wps:Input><ows:Identifier>bandwidth</ows:Identifier><wps:Data><wps:LiteralData>-5</wps:LiteralData></wps:Data>
        </wps:Input></wps:DataInputs></wps:Execute>"#
    );
    let v2 = |mode: &str| {
        format!(
            r#"<wps:Execute xmlns:wps="http://www.opengis.net/wps/2.0" xmlns:ows="http://www.opengis.net/ows/2.0"
            service="WPS" version="2.0.0" mode="{mode}" response="document"><ows:Identifier>mine-heatmap</ows:Identifier>
            <wps:Input id="mines"><wps:Data mimeType="application/geo+json">{MINE}</wps:Data></wps:Input>
            <wps:Input id="bandwidth"><wps:Data>-5</wps:Data></wps:Input>
            <wps:Output id="density" transmission="reference"/></wps:Execute>"#
        )
    };
    for body in [v1, v2("sync"), v2("async")] {
        let text = server.call("POST", "/wps", &[("Content-Type", "text/xml")], &body).2;
        assert!(text.contains("InvalidParameterValue") && text.contains("-5 m is not within"), "{text}");
    }
    assert_eq!(server.get("/jobs").1["numberMatched"], 0, "no job was made");

    let file = home.path().join("inputs.json");
    std::fs::write(&file, wrong.to_string()).unwrap();
    let out = home.path().join("out");
    let run = Command::new(env!("CARGO_BIN_EXE_rededge"))
        .args(["run", "mine-heatmap"])
        .arg(&file)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(2), "{told}");
    assert!(told.contains("bandwidth") && !out.exists(), "nothing is written: {told}");
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let inputs = json!({
        "mines": mine(), "bandwidth": 1e9, "cell": 0, "crs": "EPSG:nonsense", "minesCrs": "EPSG:32649",
        "area": {"bbox": [1, 2, 3]}
    });
    let (status, _, answer) = server.execute("mine-heatmap", "respond-async", &json!({"inputs": inputs}));
    assert_eq!(status, 400);
    let paths: Vec<&str> =
        answer["errors"].as_array().unwrap().iter().map(|e| e["input"].as_str().unwrap()).collect();
    assert_eq!(paths, ["area.bbox", "bandwidth", "cell"], "{answer}");
    let detail = answer["detail"].as_str().unwrap();
    assert!(detail.contains("`bandwidth`") && detail.contains("`cell`"), "{detail}");
}

#[test]
fn what_members_say_to_each_other_is_looked_at_before_a_job_too() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let items = json!({"type": "FeatureCollection", "features": []});
    for (process, inputs, path) in [
        ("index-series", json!({"cube": "c", "features": "f", "indices": ["NDRE", "NOPE"]}), "indices[1]"),
        ("index-series", json!({"cube": "c", "features": "f", "dates": "2022-02-01/2022-01-01"}), "dates"),
        ("index-series", json!({"cube": "c", "features": "f", "resolution": 0}), "resolution"),
        ("rice-map", json!({"cube": "c"}), "samples"),
        ("rice-map", json!({"cube": "c", "samples": "s", "model": "m"}), "model"),
        ("rice-map", json!({"cube": "c", "model": "m", "seed": 4}), "seed"),
        ("rice-map", json!({"cube": "c", "samples": "s", "maxSlope": 3}), "maxSlope"),
        ("rice-map", json!({"cube": "c", "samples": "s", "parameters": {"rounds": 0}}), "parameters.rounds"),
        ("rice-map", json!({"cube": "c", "samples": "s", "timeGrid": {"step": 0}}), "timeGrid.step"),
        (
            "rice-map",
            json!({"cube": "c", "samples": "s", "smoothing": {"kind": "savitzky-golay", "window": 4, "degree": 2}}),
            "smoothing",
        ),
        (
            "rice-map",
            json!({"cube": "c", "samples": "s", "validation": {"by": "holdout", "fractions": [0.5, 0.4, 0.2]}}),
            "validation",
        ),
        (
            "train-rice",
            json!({"samples": "s", "validation": {"by": "folds", "folds": 1}}),
            "validation.folds",
        ),
        ("train-stress", json!({"samples": "s", "parameters": {"hidden": 0}}), "parameters.hidden"),
        ("stress-map", json!({"cube": "c", "samples": "s", "riceMap": "a", "riceModel": "b"}), "riceMap"),
        ("stress-zones", json!({"stressMap": "s", "bands": [2000, 1000]}), "bands[1]"),
        ("stress-zones", json!({"stressMap": "s", "connectivity": 5}), "connectivity"),
        ("stress-persistence", json!({"maps": []}), "maps"),
        ("mine-association", json!({"stressMap": "s", "mines": mine(), "shifts": 100_000}), "shifts"),
        ("earliest-rice-date", json!({"samples": "s", "threshold": 1.5}), "threshold"),
        ("compare-methods", json!({"samples": "s", "methods": ["dtw", "dtw"]}), "methods[1]"),
        ("echo", json!({"text": "a", "pause": -1}), "pause"),
        (
            "monitor",
            json!({"cube": "c", "riceModel": "r", "model": "m", "mines": mine(), "bandwidth": -5}),
            "bandwidth",
        ),
        (
            "monitor",
            json!({"cube": "c", "riceSamples": "r", "riceParameters": {"rounds": 0}, "model": "m"}),
            "riceParameters.rounds",
        ),
        ("monitor", json!({"cube": "c", "model": "m"}), "riceSamples"),
        ("rice-map", json!({"cube": items, "samples": "s", "nonsense": 1}), "nonsense"),
    ] {
        let (status, _, answer) = server.execute(process, "respond-async", &json!({"inputs": inputs}));
        assert_eq!((status, &answer["input"]), (400, &json!(path)), "{process}: {answer}");
    }
    assert_eq!(server.get("/jobs").1["numberMatched"], 0);
}

/// Bounds of the map of mines near 113 E, 27.9 N within this area; the fault where it is refused.
fn mapped(server: &Server, area: &Value) -> Result<[f64; 4], Value> {
    let request = json!({
        "inputs": {"mines": mine(), "area": area, "crs": "EPSG:4326", "cell": 500},
        "outputs": {"density": {"transmissionMode": "reference"}}, "response": "document"
    });
    let (status, _, answer) = server.execute("mine-heatmap", "", &request);
    if status != 200 {
        return Err(answer);
    }
    let job = server.get("/jobs").1["jobs"][0]["jobID"].as_str().unwrap().to_owned();
    let (_, collection) = server.get(&format!("/collections/{job}-density"));
    Ok(serde_json::from_value(collection["extent"]["spatial"]["bbox"][0].clone()).unwrap())
}

#[test]
fn boxes_have_the_order_of_axes_that_the_name_of_their_crs_stands_for() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let (x_first, y_first) = ([112.9, 27.8, 113.1, 28.0], [27.8, 112.9, 28.0, 113.1]);
    let near = |found: [f64; 4]| found.iter().zip(x_first).all(|(a, b)| (a - b).abs() < 0.02);
    for (crs, corners) in [
        (None, x_first),
        (Some("EPSG:4326"), x_first),
        (Some("http://www.opengis.net/def/crs/OGC/1.3/CRS84"), x_first),
        (Some("urn:ogc:def:crs:OGC:1.3:CRS84"), x_first),
        (Some("http://www.opengis.net/def/crs/EPSG/0/4326"), y_first),
        (Some("urn:ogc:def:crs:EPSG::4326"), y_first),
        (Some("urn:ogc:def:crs:EPSG:6.6:4326"), y_first),
    ] {
        let mut area = json!({"bbox": corners});
        if let Some(crs) = crs {
            area["crs"] = crs.into();
        }
        let found = mapped(&server, &area).unwrap_or_else(|e| panic!("{crs:?}: {e}"));
        assert!(near(found), "{crs:?}: {found:?}");
    }
    for (area, said) in [
        (json!({"bbox": x_first, "crs": "urn:ogc:def:crs:EPSG::4326"}), "latitude before longitude"),
        (json!({"bbox": y_first}), "112.9 is no latitude"),
        (json!({"bbox": [179, -10, -179, 10]}), "antimeridian"),
        (json!({"bbox": [170, -10, 190, 10]}), "190 is no longitude"),
        (json!({"bbox": [112, 28, 113, 27]}), "minY < maxY"),
        (json!({"bbox": [112, 27, 113, 28], "crs": "EPSG:99999"}), "EPSG:99999"),
    ] {
        let error = mapped(&server, &area).unwrap_err();
        assert!(error["detail"].as_str().unwrap().contains(said), "{area}: {error}");
    }
    // What is only handed back is handed back as it came.
    let odd = json!({"bbox": [345_345_345.0, 2.0, 3.0, 4.0], "crs": "urn:ogc:def:crs:EPSG:6.6:4326"});
    let echo = json!({"inputs": {"text": "a", "bbox": odd}, "response": "document"});
    assert_eq!(server.execute("echo", "", &echo).2["bbox"], odd);
}
