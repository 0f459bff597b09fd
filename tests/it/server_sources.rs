//! Sources of the operator's that are missing or broken, and what callers learn of files.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::Server;

const PLACE: &str = r#"{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"class": "a"},
    "geometry": {"type": "Point", "coordinates": [113.0, 27.9]}}]}"#;

/// A collection of one scene whose only file is not there.
fn items() -> Value {
    let asset = |name: &str| json!({"href": format!("pictures/{name}.tif")});
    json!({"type": "FeatureCollection", "features": [{
        "type": "Feature", "stac_version": "1.0.0", "id": "S2A_MSIL2A_1",
        "properties": {"datetime": "2019-05-01T00:00:00Z"}, "geometry": null, "links": [],
        "assets": {"B04": asset("B04"), "B05": asset("B05"), "B06": asset("B06"), "B08": asset("B08")}
    }]})
}

fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not come back");
        std::thread::sleep(Duration::from_millis(200));
    }
}

const CONFIG: &str = "[data.cubes]\ngone = \"gone/items.json\"\nbroken = \"broken.json\"\n\
    [data.mines]\npits = \"pits.geojson\"\n[data.models]\nrice = \"rice.json\"\n[data.files]\nlist = \"list.csv\"\n\
    [data.folders]\nlater = \"later\"\n[live.index]\ncube = \"gone\"\nindex = \"NDRE\"\n\
    [live.rice]\ncube = \"broken\"\nmodel = \"rice\"\n";

#[test]
fn a_server_starts_without_a_source_tells_so_and_has_it_once_it_is_there() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("broken.json"), "{").unwrap();
    let server = Server::start(home.path(), CONFIG);
    let all = [
        "data.cubes.gone",
        "data.cubes.broken",
        "data.mines.pits",
        "data.models.rice",
        "data.files.list",
        "data.folders.later",
        "live.index",
        "live.rice",
    ];
    until(|| {
        let (status, health) = server.get("/health");
        assert_eq!((status, &health["status"]), (200, &json!("warn")), "{health}");
        let told = health["checks"]["sources"]["output"].as_str().unwrap().to_owned();
        all.iter().all(|key| told.contains(key))
    });
    let log = server.log.lock().unwrap().iter().map(Value::to_string).collect::<String>();
    assert!(all.iter().all(|key| log.contains(key)), "{log}");
    let (status, answer) = server.get("/collections/pits");
    assert_eq!(status, 503, "{answer}");
    assert!(!answer.to_string().contains(home.path().to_str().unwrap()), "{answer}");
    assert_eq!(server.get("/collections/nothing").0, 404);
    assert_eq!(server.get("/collections").0, 200);
    assert_eq!(server.execute("echo", "", &json!({"inputs": {"text": "a"}})).0, 200, "the rest goes on");

    std::fs::write(home.path().join("pits.geojson"), PLACE).unwrap();
    until(|| server.get("/collections/pits").0 == 200);
    until(|| {
        !server.get("/health").1["checks"]["sources"]["output"].as_str().unwrap().contains("data.mines.pits")
    });
    std::fs::remove_file(home.path().join("pits.geojson")).unwrap();
    until(|| server.get("/collections/pits").0 == 503);
}

#[test]
fn config_warns_of_missing_sources_and_mistakes_still_stop_the_server() {
    let home = tempfile::tempdir().unwrap();
    let config = |text: &str| {
        std::fs::write(home.path().join("rededge.toml"), text).unwrap();
        let run = Command::new(env!("CARGO_BIN_EXE_rededge")).arg("config").current_dir(home.path()).output();
        let run = run.unwrap();
        (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
    };
    std::fs::write(home.path().join("broken.json"), "{").unwrap();
    let (code, told) = config(CONFIG);
    assert_eq!(code, Some(0), "{told}");
    for key in ["data.cubes.gone", "data.mines.pits", "live.index.cube", "live.rice"] {
        assert!(told.contains(&format!("warning: unavailable: {key}")), "{key}: {told}");
    }
    for wrong in [
        "[data.mine]\na = \"b\"\n",
        "[live.a]\ncube = \"none\"\nindex = \"NDRE\"\n",
        "[data.cubes]\nc = \"c.json\"\n[live.a]\ncubes = \"c\"\n",
    ] {
        let (code, told) = config(wrong);
        assert_eq!(code, Some(2), "{wrong}: {told}");
    }
}

fn folder_is_not_told(home: &Path, what: &str, text: &str) {
    let folder = home.to_str().unwrap();
    assert!(!text.contains(folder) && !text.contains("/secret/"), "{what}: {text}");
}

#[test]
fn no_answer_tells_where_files_lie() {
    let outer = tempfile::tempdir().unwrap();
    let home = outer.path().join("secret");
    std::fs::create_dir_all(home.join("scenes/pictures")).unwrap();
    std::fs::write(home.join("scenes/items.json"), items().to_string()).unwrap();
    std::fs::write(home.join("damaged.tif"), "II*\0 and no more").unwrap();
    std::fs::write(home.join("damaged.gpkg"), "SQLite format 3\0 and no more").unwrap();
    std::fs::write(home.join("damaged.geojson"), "{\"type\": 1").unwrap();
    std::fs::write(home.join("damaged.csv"), "lon,lat\n1,far\n").unwrap();
    std::fs::write(home.join("place.geojson"), PLACE).unwrap();
    let config = "[data.cubes]\nscenes = \"scenes/items.json\"\n[data.files]\nmap = \"damaged.tif\"\n\
        gpkg = \"damaged.gpkg\"\njson = \"damaged.geojson\"\ncsv = \"damaged.csv\"\nplace = \"place.geojson\"\n\
        gone = \"gone.geojson\"\n";
    let server = Server::start(&home, config);
    for (process, inputs, said) in [
        ("index-series", json!({"cube": "scenes", "features": "place"}), "B0"),
        ("assess-accuracy", json!({"map": "map", "samples": "place"}), "damaged.tif"),
        ("mine-heatmap", json!({"mines": "gpkg"}), "damaged.gpkg"),
        ("mine-heatmap", json!({"mines": "json"}), "damaged.geojson"),
        ("mine-heatmap", json!({"mines": "csv"}), ""),
        ("mine-heatmap", json!({"mines": "gone"}), "gone.geojson"),
        ("mine-heatmap", json!({"mines": {"href": "data:text/csv,lon%2Clat%0A1%2Cfar"}}), ""),
    ] {
        let (status, _, answer) = server.execute(process, "", &json!({"inputs": inputs}));
        assert!(status == 400 || status == 200, "{process}: {answer}");
        folder_is_not_told(&home, process, &answer.to_string());
        assert!(answer.to_string().contains(said), "{process}: {answer}");
        let (_, jobs) = server.get("/jobs");
        folder_is_not_told(&home, "jobs", &jobs.to_string());
        let job = jobs["jobs"][0]["jobID"].as_str().unwrap();
        for path in ["", "/log", "/results", "/wps"] {
            let text = server.call("GET", &format!("/jobs/{job}{path}"), &[], "").2;
            folder_is_not_told(&home, path, &text);
        }
        let page = server.call("GET", &format!("/jobs/{job}"), &[("Accept", "text/html")], "").2;
        folder_is_not_told(&home, "page", &page);
        let status = format!("/wps?service=WPS&version=2.0.0&request=GetStatus&JobID={job}");
        folder_is_not_told(&home, "GetStatus", &server.call("GET", &status, &[], "").2);
    }
    let wps = "/wps?service=WPS&version=1.0.0&request=Execute&identifier=mine-heatmap&DataInputs=mines=json";
    let text = server.call("GET", wps, &[], "").2;
    assert!(text.contains("damaged.geojson"), "{text}");
    folder_is_not_told(&home, "wps", &text);
    for path in [
        "/collections",
        "/collections/scenes",
        "/collections/map",
        "/health",
        "/collections/scenes/series?lon=113&lat=27.9",
        "/collections/scenes/map?width=8",
    ] {
        let text = server.call("GET", path, &[], "").2;
        folder_is_not_told(&home, path, &text);
    }

    // Who runs a command sees the path.
    let file = home.join("inputs.json");
    std::fs::write(&file, json!({"cube": "scenes/items.json", "features": "place.geojson"}).to_string())
        .unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_rededge"))
        .args(["run", "index-series"])
        .arg(&file)
        .arg("--out")
        .arg(home.join("out"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(told.contains(home.join("scenes/pictures").to_str().unwrap()), "{told}");
}
