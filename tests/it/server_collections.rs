//! Collections of the running server: results of jobs and what the operator offers.

use serde_json::{Value, json};

use crate::server::Server;

/// A heat map of two mines: a raster of numbers and quick to make.
pub fn heat_map() -> Value {
    let mine = |lon: f64, lat: f64| {
        json!({"type": "Feature", "properties": {"name": "mine"},
               "geometry": {"type": "Point", "coordinates": [lon, lat]}})
    };
    let mines = json!({"type": "FeatureCollection", "features": [mine(113.0, 27.9), mine(113.05, 27.95)]});
    json!({"inputs": {"mines": mines, "bandwidth": 2000, "cell": 100}})
}

/// Runs the heat map and waits for it; the job's id.
pub fn run_heat_map(server: &Server) -> String {
    let (_, _, job) = server.execute("mine-heatmap", "respond-async", &heat_map());
    server.until(&Server::job(&job), "successful");
    job["jobID"].as_str().unwrap().to_owned()
}

const MINES: &str = r#"{"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"name": "a", "weight": 2}, "geometry": {"type": "Point", "coordinates": [113.1, 27.8]}},
    {"type": "Feature", "properties": {"name": "b", "weight": 1.5}, "geometry": {"type": "Point", "coordinates": [113.2, 27.9]}}
]}"#;

#[test]
fn results_and_offered_data_are_collections_and_go_with_their_result() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("mines.geojson"), MINES).unwrap();
    std::fs::write(home.path().join("model.json"), "{}").unwrap();
    let config = "[data]\nattribution = \"somebody\"\nlicense = \"https://example.org/licence\"\n\
                  [data.files]\n\"my mines\" = \"mines.geojson\"\nmodel = \"model.json\"\n";
    let server = Server::start(home.path(), config);
    let job = run_heat_map(&server);

    let (status, list) = server.get("/collections");
    assert_eq!(status, 200, "{list}");
    let ids: Vec<&str> =
        list["collections"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    let density = format!("{job}-density");
    assert_eq!(ids, ["my-mines", &density], "a model is no layer");
    assert_eq!((&list["numberMatched"], &list["numberReturned"]), (&json!(2), &json!(2)));

    let (_, mines) = server.get("/collections/my-mines");
    assert_eq!(mines["extent"]["spatial"]["bbox"], json!([[113.1, 27.8, 113.2, 27.9]]));
    assert_eq!((&mines["itemType"], &mines["dataType"]), (&json!("feature"), &json!("vector")));
    assert_eq!((&mines["count"], &mines["defaultStyle"]), (&json!(2), &json!("mines")));
    assert_eq!(mines["fields"][1], json!({"name": "weight", "type": "number"}));
    assert_eq!((&mines["attribution"], &mines["offeredAs"]), (&json!("somebody"), &json!("my mines")));

    let (_, raster) = server.get(&format!("/collections/{density}"));
    assert_eq!((&raster["kind"], &raster["dataType"]), (&json!("values"), &json!("coverage")));
    assert!(raster["range"][1].as_f64().unwrap() > 0.0, "{raster}");
    let bbox = raster["extent"]["spatial"]["bbox"][0].as_array().unwrap();
    assert!(bbox[0].as_f64().unwrap() < 113.0 && bbox[3].as_f64().unwrap() > 27.95, "{raster}");
    let via = raster["links"].as_array().unwrap().iter().find(|l| l["rel"] == "via").unwrap();
    assert_eq!(via["href"], format!("{}/jobs/{job}", server.base));

    // Pages, places, and parameters that there are not.
    let (_, page) = server.get("/collections?limit=1");
    let next = page["links"].as_array().unwrap().iter().find(|l| l["rel"] == "next").unwrap();
    let next = next["href"].as_str().unwrap().strip_prefix(&server.base).unwrap().to_owned();
    assert_eq!(server.get(&next).1["collections"][0]["id"], density);
    assert_eq!(server.get("/collections?bbox=113.09,27.7,113.11,27.81").1["numberMatched"], 1);
    assert_eq!(server.get("/collections?bbox=0,0,1,1").1["numberMatched"], 0);
    for wrong in
        ["limit=0", "limit=x", "bbox=1,2,3", "bbox=0,9,1,8", "datetime=soon", "colour=red", "limit=1&limit=2"]
    {
        let (status, problem) = server.get(&format!("/collections?{wrong}"));
        assert_eq!(status, 400, "{wrong}: {problem}");
    }
    for gone in ["nothing", "%2e%2e", &format!("{job}-areas"), &density.replace("-density", "")] {
        assert_eq!(server.get(&format!("/collections/{gone}")).0, 404, "{gone}");
    }

    // A second job shares the result; each collection goes with its own job.
    let shared = run_heat_map(&server);
    let second = format!("/collections/{shared}-density");
    assert_eq!(server.get(&second).0, 200);
    assert_eq!(server.call("DELETE", &format!("/jobs/{shared}"), &[], "").0, 200);
    assert_eq!(server.get(&second).0, 410);
    assert_eq!(server.get(&format!("/collections/{density}")).0, 200);
    assert_eq!(server.call("DELETE", &format!("/jobs/{job}"), &[], "").0, 200);
    assert_eq!(server.get(&format!("/collections/{density}")).0, 410);
    assert_eq!(server.get("/collections").1["numberMatched"], 1);
}

#[test]
fn a_collection_of_a_job_is_its_owners_alone() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("mines.geojson"), MINES).unwrap();
    let (mine, other) = ("aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb");
    let config =
        format!("[keys]\nmine = \"{mine}\"\nother = \"{other}\"\n[data.files]\nmines = \"mines.geojson\"\n");
    let server = Server::start(home.path(), &config);
    let ask = |key: &str, path: &str| {
        let (status, _, text) = server.call("GET", path, &[("X-API-Key", key)], "");
        (status, serde_json::from_str::<Value>(&text).unwrap())
    };
    let headers = [("X-API-Key", mine), ("Content-Type", "application/json"), ("Prefer", "wait=50")];
    let path = "/processes/mine-heatmap/execution";
    let (status, headers, text) = server.call("POST", path, &headers, &heat_map().to_string());
    assert_eq!(status, 200, "{text} {headers:?}");
    let job = ask(mine, "/jobs").1["jobs"][0]["jobID"].as_str().unwrap().to_owned();
    let path = format!("/collections/{job}-density");
    assert_eq!((ask(mine, &path).0, ask(other, &path).0), (200, 404));
    assert_eq!(ask(mine, "/collections").1["numberMatched"], 2);
    assert_eq!(ask(other, "/collections").1["numberMatched"], 1);
    assert_eq!(server.get("/collections").0, 401);
}
