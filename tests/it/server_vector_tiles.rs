//! A real `stress-zones` job through to its items, conditions, vector tiles and styles; what is kept of tiles.

use geozero::mvt::{Message, Tile};
use serde_json::{Value, json};

use crate::server::{Server, header};
use crate::zones;

/// A server with a finished job of zones and mines.
struct Zones {
    _home: tempfile::TempDir,
    server: Server,
    job: String,
    summary: Value,
}

impl Zones {
    fn start() -> Self {
        let grid = zones::utm(80, 90);
        let home = zones::folder(&grid, &zones::patches(&grid));
        let files = ["map.tif", "probability.tif", "mines.csv"];
        let config: String =
            files.iter().map(|f| format!("{} = \"{f}\"\n", f.split('.').next().unwrap())).collect();
        let server = Server::start(home.path(), &format!("[data.files]\n{config}"));
        let named = |name: &str| json!({"href": name});
        let inputs = json!({
            "stressMap": named("map"), "probability": named("probability"), "mines": named("mines"),
            "minimumMappingUnit": 0, "bands": [200.0, 500.0]
        });
        let (_, _, job) = server.execute("stress-zones", "respond-async", &json!({"inputs": inputs}));
        let path = Server::job(&job);
        server.until(&path, "successful");
        let (status, summary) = server.get(&format!("{path}/results/summary"));
        assert_eq!(status, 200, "{summary}");
        Self { _home: home, server, job: job["jobID"].as_str().unwrap().to_owned(), summary }
    }

    fn path(&self, output: &str, below: &str) -> String {
        format!("/collections/{}-{output}{below}", self.job)
    }

    fn json(&self, output: &str, below: &str) -> Value {
        let (status, found) = self.server.get(&self.path(output, below));
        assert_eq!(status, 200, "{below}: {found}");
        found
    }

    /// A tile as it is sent to those who take it packed.
    fn sent(&self, path: &str, known: &str) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.get(format!("{}{path}", self.server.base)).header("If-None-Match", known);
        let mut response = request.call().unwrap();
        let told = response.headers().iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap().to_owned()));
        let told = told.collect();
        (response.status().as_u16(), told, response.body_mut().read_to_vec().unwrap())
    }

    fn tile(&self, output: &str, below: &str) -> Tile {
        let (status, _, bytes) = self.sent(&self.path(output, &format!("/tiles/{below}")), "");
        assert_eq!(status, 200, "{below}");
        Tile::decode(bytes.as_slice()).unwrap()
    }

    /// Bytes of tiles that are kept.
    fn kept(&self) -> u64 {
        let (_, figures) = self.server.get("/metrics");
        let line = figures.as_str().unwrap().lines().find(|l| l.starts_with("rededge_tile_cache_bytes "));
        line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
    }
}

#[test]
fn zones_of_a_job_are_items_that_are_filtered_and_tiles_that_hold_the_same() {
    let zones = Zones::start();
    let count = zones.summary["zones"].as_u64().unwrap();
    assert!(count > 20, "{}", zones.summary);
    let all = zones.json("zones", "/items?limit=10000");
    let features = all["features"].as_array().unwrap();
    assert_eq!((all["numberMatched"].as_u64(), features.len() as u64), (Some(count), count));
    // The planner's question, and the same asked of all items here.
    let (area, distance) = (0.05, 400.0);
    let fits = |p: &Value| {
        p["areaHa"].as_f64().unwrap() > area && p["distanceM"].as_f64().is_some_and(|d| d < distance)
    };
    let wanted: Vec<&Value> = features.iter().filter(|f| fits(&f["properties"])).collect();
    assert!(!wanted.is_empty() && wanted.len() < features.len());
    let question = format!("filter=areaHa%20%3E%20{area}%20and%20distanceM%20%3C%20{distance}");
    let found = zones.json("zones", &format!("/items?limit=10000&{question}"));
    assert_eq!(found["features"].as_array().unwrap().iter().collect::<Vec<_>>(), wanted);
    // Every zone is in the tile of the world, and those of the question where it is asked.
    let shown = |tile: Tile| tile.layers[0].features.len();
    assert_eq!(shown(zones.tile("zones", "WebMercatorQuad/0/0/0")) as u64, count);
    assert_eq!(shown(zones.tile("zones", &format!("WorldCRS84Quad/0/0/1?{question}"))), wanted.len());
    // The mines with the hectares of zones around them by distance.
    let mines = zones.json("mines", "/items");
    assert_eq!(mines["numberMatched"], 2);
    for mine in mines["features"].as_array().unwrap() {
        let own = &mine["properties"];
        let near = |band: &str| own[band].as_f64().unwrap_or_else(|| panic!("{band} of {own}"));
        assert!(
            own["name"].is_string()
                && near("stressedHa0To200M") + near("stressedHa200To500M") == near("stressedHa")
                && near("stressedHa") > 0.0,
            "{own}"
        );
    }
    assert_eq!(shown(zones.tile("mines", "WebMercatorQuad/0/0/0")), 2);
}

#[test]
fn styles_name_the_layer_that_tiles_and_tilejson_have() {
    let zones = Zones::start();
    for output in ["zones", "mines"] {
        let tile = zones.tile(output, "WebMercatorQuad/0/0/0");
        let layer = tile.layers[0].name.as_str();
        let tilejson = zones.json(output, "/tiles/WebMercatorQuad?f=tilejson");
        assert_eq!(tilejson["vector_layers"][0]["id"], layer);
        assert_eq!(zones.json(output, "/tiles/WebMercatorQuad")["layers"][0]["id"], layer);
        let styles = zones.json(output, "/styles");
        for style in styles["styles"].as_array().unwrap() {
            let id = style["id"].as_str().unwrap();
            let style = zones.json(output, &format!("/styles/{id}?f=mapbox"));
            let layers = style["layers"].as_array().unwrap();
            assert!(!layers.is_empty() && layers.iter().all(|l| l["source-layer"] == layer), "{style}");
            // Its tiles are those of the collection.
            let tiles = style["sources"]["layer"]["tiles"][0].as_str().unwrap();
            let tiles = tiles.replace("{z}", "0").replace("{y}", "0").replace("{x}", "0");
            let (_, _, bytes) = zones.sent(tiles.strip_prefix(&zones.server.base).unwrap(), "");
            assert_eq!(Tile::decode(bytes.as_slice()).unwrap(), tile);
        }
    }
}

#[test]
fn a_vector_tile_is_kept_told_as_known_and_goes_with_its_result() {
    let zones = Zones::start();
    let path = zones.path("zones", "/tiles/WebMercatorQuad/0/0/0");
    assert_eq!(zones.kept(), 0);
    let (_, headers, first) = zones.sent(&path, "");
    let tag = header(&headers, "etag").to_owned();
    assert!(tag.starts_with("W/\"") && !header(&headers, "cache-control").is_empty(), "{headers:?}");
    let kept = zones.kept();
    assert!(kept > 1000);
    let (_, headers, second) = zones.sent(&path, "\"other\"");
    assert_eq!((header(&headers, "etag"), &second), (tag.as_str(), &first));
    assert_eq!(zones.sent(&format!("{path}?f=mvt"), "").2, first);
    assert_eq!(zones.kept(), kept, "one tile is kept once");
    for known in [tag.as_str(), "*", tag.trim_start_matches("W/")] {
        let (status, headers, bytes) = zones.sent(&path, known);
        assert_eq!((status, bytes.len(), header(&headers, "etag")), (304, 0, tag.as_str()), "{known}");
    }
    let chosen = zones.sent(&format!("{path}?properties=areaHa"), &tag);
    assert!(chosen.0 == 200 && chosen.2.len() < first.len() && zones.kept() > kept);
    let (_, plain, bytes) = zones.server.call("GET", &path, &[("Accept-Encoding", "identity")], "");
    assert_eq!((plain.len() > 3, bytes), (true, String::from_utf8_lossy(&first).into_owned()));
    assert_eq!(zones.server.call("DELETE", &format!("/jobs/{}", zones.job), &[], "").0, 200);
    assert_eq!((zones.sent(&path, &tag).0, zones.kept()), (410, 0));
}
