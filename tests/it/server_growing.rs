//! Collection output: `response=collection` leads to a collection that fills while its job runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use rededge::classmap::Legend;
use rededge::crs::{Affine, Crs, GeoBox};
use rededge::io::cog::{CogKind, CogWriter};

use crate::server::{Server, header};

type Headers = Vec<(String, String)>;

/// Jobs run on one thread, so that their blocks come one by one.
const ONE: &str = "[jobs]\nthreads = 1\n";

/// Asks for a collection; the status, the headers and the document of the answer.
fn post(
    server: &Server,
    process: &str,
    query: &str,
    more: &[(&str, &str)],
    request: &Value,
) -> (u16, Headers, Value) {
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(more);
    let path = format!("/processes/{process}/execution{query}");
    let (status, headers, text) = server.call("POST", &path, &headers, &request.to_string());
    (status, headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Follows the answer to the collection; its path and that of the job.
fn follow(server: &Server, (status, headers, answer): (u16, Headers, Value)) -> (String, String) {
    assert_eq!(status, 303, "{answer}");
    let place = header(&headers, "location").strip_prefix(&server.base).unwrap().to_owned();
    let job = Server::job(&answer);
    let links: Vec<&str> =
        headers.iter().filter(|(k, _)| k.eq_ignore_ascii_case("link")).map(|(_, v)| v.as_str()).collect();
    let monitor = format!("<{}{job}>; rel=\"monitor\"", server.base);
    assert!(links.iter().any(|l| l.starts_with(&monitor)), "{links:?}");
    assert!(place.starts_with(&job.replace("/jobs/", "/collections/")), "{place} {job}");
    (place, job)
}

fn bytes(server: &Server, path: &str, headers: &[(&str, &str)]) -> (u16, Headers, Vec<u8>) {
    let mut request = ureq::http::Request::builder().uri(format!("{}{path}", server.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.run(request.body(()).unwrap()).unwrap();
    let told = response.headers().iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap().to_owned()));
    let told = told.collect();
    (response.status().as_u16(), told, response.body_mut().read_to_vec().unwrap())
}

/// The pixels of a picture with their opacity.
fn pixels(png: &[u8]) -> Vec<[u8; 4]> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut all = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut all).unwrap();
    assert_eq!(info.color_type.samples(), 4);
    all.as_chunks::<4>().0.to_vec()
}

fn tile(server: &Server, path: &str) -> (Headers, Vec<[u8; 4]>) {
    let (status, headers, png) = bytes(server, path, &[]);
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&png));
    (headers, pixels(&png))
}

fn drawn(picture: &[[u8; 4]]) -> usize {
    picture.iter().filter(|p| p[3] > 0).count()
}

/// Level, row and column of the tile of web maps at a place.
fn at(level: u32, lon: f64, lat: f64) -> String {
    let side = 2f64.powi(level as i32);
    let col = ((lon + 180.0) / 360.0 * side) as u32;
    let row = ((1.0 - lat.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0 * side) as u32;
    format!("{level}/{row}/{col}")
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_mins(2), "{what} does not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A simulated county: its scenes and samples, and the middle of it.
fn county(home: &Path) -> String {
    let folder = home.join("county");
    let size = ["--width", "1100", "--height", "700", "--dates", "8", "--seed", "3", "--bands", "ndre"];
    let made = Command::new(env!("CARGO_BIN_EXE_rededge")).arg("simulate").arg(&folder).args(size).output();
    assert!(made.unwrap().status.success());
    format!(
        "{ONE}[data.cubes]\ncounty = \"{0}/items.json\"\n[data.files]\nsamples = \"{0}/samples-rice.geojson\"\n",
        folder.display()
    )
}

fn rice() -> Value {
    json!({"inputs": {"cube": "county", "samples": "samples", "maxCloudCover": 100, "seed": 1,
                      "validation": {"by": "holdout", "fractions": [0.5, 0, 0.5]},
                      "parameters": {"rounds": 5, "predictors": ["values"]}}})
}

#[test]
fn a_map_is_seen_while_it_is_computed_and_in_the_end_it_is_the_result() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &county(home.path()));
    let bbox = server.get("/collections/county").1["extent"]["spatial"]["bbox"][0].clone();
    let edge = |k: usize| bbox[k].as_f64().unwrap();
    let middle = (f64::midpoint(edge(0), edge(2)), f64::midpoint(edge(1), edge(3)));

    // Whoever would wait for the result does not have to.
    let start = Instant::now();
    let mut request = rice();
    request["outputs"] = json!({"classMap": {}});
    // The slowest method, so that there is time to look.
    request["inputs"]["method"] = "swv".into();
    request["inputs"]["parameters"] = json!({});
    let answer = post(&server, "rice-map", "?response=collection", &[("Prefer", "wait=50")], &request);
    assert!(start.elapsed() < Duration::from_secs(10), "answered at once");
    let (own, job) = follow(&server, answer);
    assert!(own.ends_with("-classMap"));
    let (status, told) = server.get(&own);
    assert_eq!(status, 200, "{told}");
    assert!(["accepted", "running"].contains(&told["status"].as_str().unwrap()), "{told}");
    let monitor = told["links"].as_array().unwrap().iter().find(|l| l["rel"] == "monitor").unwrap();
    assert_eq!(monitor["href"], format!("{}{job}", server.base));

    // The whole of it, a corner where its first block lies, and that corner by another way.
    let whole = format!("{own}/map/tiles/WebMercatorQuad/{}", at(11, middle.0, middle.1));
    let corner = format!("{own}/map/tiles/WebMercatorQuad/{}", at(14, edge(0) + 0.02, edge(3) - 0.02));
    assert_eq!(drawn(&tile(&server, &whole).1), 0, "nothing is there yet, and that is no error");
    let mut seen: Vec<(usize, Vec<[u8; 4]>)> = Vec::new();
    let mut growing = Vec::new();
    until("the end", || {
        let (headers, picture) = tile(&server, &whole);
        let (_, near) = tile(&server, &corner);
        let (_, told) = server.get(&own);
        if told["status"].is_null() {
            return true;
        }
        assert_eq!(header(&headers, "cache-control"), "no-cache", "{told}");
        growing.push(header(&headers, "etag").to_owned());
        seen.push((drawn(&picture), near));
        if drawn(&picture) > 0 && seen.len().is_multiple_of(8) {
            assert!(told["progress"].as_u64().unwrap() < 100 && told["status"] == "running", "{told}");
            assert_eq!(told["extent"]["spatial"]["bbox"][0][0].as_f64().unwrap().round(), edge(0).round());
            assert_eq!(bytes(&server, &format!("{own}/coverage"), &[]).0, 404, "the file comes in the end");
            let list = server.get("/collections").1;
            let listed = list["collections"]
                .as_array()
                .unwrap()
                .iter()
                .find(|c| own.ends_with(c["id"].as_str().unwrap()));
            assert_eq!(listed.unwrap()["status"], "running");
            assert_eq!(server.get(&format!("{job}?f=json")).1["status"], "running");
        }
        false
    });
    server.until(&job, "successful");
    let (headers, picture) = tile(&server, &whole);
    let (_, last) = tile(&server, &corner);
    let counts: Vec<usize> = seen.iter().map(|(count, _)| *count).collect();
    println!(
        "pixels of the whole in the course of {} looks: {counts:?}, in the end {}",
        seen.len(),
        drawn(&picture)
    );
    assert_eq!(counts[0], 0);
    assert!(counts.is_sorted(), "what was there stays there");
    let partly: Vec<usize> =
        counts.iter().copied().filter(|c| *c > 0 && *c < drawn(&picture) * 9 / 10).collect();
    assert!(partly.len() >= 2 && partly[0] < *partly.last().unwrap(), "{counts:?}");
    assert!(drawn(&last) > 10_000, "the corner is within the county: {}", drawn(&last));
    let mut differ = 0;
    for (_, near) in &seen {
        differ += near.iter().zip(&last).filter(|(a, b)| a[3] > 0 && a != b).count();
    }
    assert_eq!(differ, 0, "at full resolution every pixel that is there is that of the result");
    assert!(
        seen.iter().any(|(count, near)| *count < drawn(&picture) && *near == last),
        "the corner was done first"
    );
    growing.sort();
    growing.dedup();
    assert!(growing.len() >= 4 && !growing.contains(&header(&headers, "etag").to_owned()), "{growing:?}");
    assert!(header(&headers, "cache-control").contains("max-age"));
    assert_eq!(bytes(&server, &format!("{own}/coverage"), &[]).0, 200);
    assert_eq!(
        server.get("/collections?limit=1000").1["numberMatched"],
        3,
        "the cube, the samples and the map"
    );

    // The same again is there at once.
    let again = post(&server, "rice-map", "?response=collection", &[], &request);
    assert!(header(&again.1, "cache-status").contains("hit"), "{:?}", again.1);
    let (other, _) = follow(&server, again);
    assert!(server.get(&other).1["status"].is_null());
    assert_eq!(tile(&server, &other.replace(&other, &whole.replace(&own, &other))).1, picture);
}

/// A stress map of very many zones: stressed squares of two pixels.
fn squares(home: &Path, side: usize) -> PathBuf {
    let grid = GeoBox {
        rows: side,
        cols: side,
        affine: Affine::north_up(7e5, 3.09e6, 10.0, 10.0),
        crs: Crs::from_epsg(32649).unwrap(),
    };
    let codes: Vec<u8> =
        (0..side * side).map(|k| if (k / side) % 4 < 2 && (k % side) % 4 < 2 { 2 } else { 1 }).collect();
    let path = home.join("stress.tif");
    let mut writer = CogWriter::create(&path, &grid, CogKind::Classes(Legend::stress()), &[]).unwrap();
    writer.write(grid.window(), &codes).unwrap();
    writer.finish().unwrap();
    path
}

#[test]
fn zones_are_seen_while_they_are_written_and_in_the_end_all_are_there() {
    let home = tempfile::tempdir().unwrap();
    let side = 2400;
    squares(home.path(), side);
    let server = Server::start(home.path(), &format!("{ONE}[data.files]\nstress = \"stress.tif\"\n"));
    let request =
        json!({"inputs": {"stressMap": "stress", "minimumMappingUnit": 0}, "outputs": {"zones": {}}});
    let (own, job) = follow(&server, post(&server, "stress-zones", "?response=collection", &[], &request));
    let (status, first) = server.get(&format!("{own}/items?filter=areaHa%20%3E%200"));
    assert_eq!((status, &first["type"]), (200, &json!("FeatureCollection")), "{first}");
    let (_, described) = server.get(&own);
    assert_eq!((&described["itemType"], &described["dataType"]), (&json!("feature"), &json!("vector")));
    let mut counts = Vec::new();
    let vector = format!("{own}/tiles/WebMercatorQuad/{}", at(12, 113.06, 27.9));
    let mut tiles = Vec::new();
    until("the end", || {
        let (status, page) =
            server.get(&format!("{own}/items?limit=3&sortby=-id&filter=areaHa%20%3E%200.01"));
        assert_eq!(status, 200, "{page}");
        let matched = page["numberMatched"].as_u64().unwrap();
        let returned = page["numberReturned"].as_u64().unwrap();
        assert_eq!(returned, matched.min(3), "{page}");
        // The largest number is that of the last one that was written.
        if matched > 0 && counts.len() < 200 {
            assert_eq!(page["features"][0]["properties"]["id"], matched, "{page}");
        }
        let (status, _, tile) = bytes(&server, &vector, &[]);
        assert_eq!(status, 200);
        if server.get(&own).1["status"].is_null() {
            return true;
        }
        counts.push(matched);
        tiles.push(tile.len());
        false
    });
    server.until(&job, "successful");
    let all = (side as u64 / 4).pow(2);
    let (_, page) = server.get(&format!("{own}/items?limit=1"));
    println!(
        "zones in the course of {} looks: {counts:?}, in the end {}",
        counts.len(),
        page["numberMatched"]
    );
    assert_eq!(page["numberMatched"], all);
    assert!(counts.is_sorted() && counts[0] == 0);
    assert!(counts.iter().any(|&c| c > 0 && c < all), "{counts:?}");
    assert!(tiles[0] < 100 && bytes(&server, &vector, &[]).2.len() > 1000, "{tiles:?}");
    let left: Vec<String> = std::fs::read_dir(home.path().join("columns"))
        .unwrap()
        .map(|f| f.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(left.len() <= 1, "columns of what grew have no names: {left:?}");
}

/// A heat map of so many cells that it takes some seconds.
fn slow_heat(cell: u32) -> Value {
    let mine = |lon: f64, lat: f64| json!({"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [lon, lat]}});
    let mines: Vec<Value> =
        (0..40).map(|k| mine(113.0 + 0.01 * f64::from(k % 8), 27.9 + 0.01 * f64::from(k / 8))).collect();
    json!({"inputs": {"mines": {"type": "FeatureCollection", "features": mines}, "bandwidth": 3000, "cell": cell}})
}

/// Waits until a part of a map is there.
fn until_begun(server: &Server, own: &str, headers: &[(&str, &str)]) -> String {
    let whole = format!("{own}/map/tiles/WebMercatorQuad/{}", at(9, 113.03, 27.92));
    until("the first block", || {
        let (status, _, png) = bytes(server, &whole, headers);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&png));
        drawn(&pixels(&png)) > 0
    });
    whole
}

#[test]
fn what_is_dismissed_is_gone_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), ONE);
    let (own, job) =
        follow(&server, post(&server, "mine-heatmap", "?response=collection", &[], &slow_heat(5)));
    let whole = until_begun(&server, &own, &[]);
    let (_, told) = server.get(&own);
    assert!(told["kind"] == "values" && told["range"][1].as_f64().unwrap() > 0.0, "{told}");
    let (_, point) = server.get(&format!("{own}/point?lon=113.03&lat=28.1"));
    assert!(point["unit"] == "1/km2", "{point}");
    assert!(server.get(&format!("{own}/statistics")).1["pixels"].as_u64().unwrap() > 0);
    // On the page of the job stands the way to its map.
    let (_, _, page) = server.call("GET", &job, &[("Accept", "text/html")], "");
    assert!(page.contains(&format!("/viewer#layers={}:1", own.rsplit('/').next().unwrap())), "{page}");
    assert_eq!(server.call("DELETE", &job, &[], "").0, 200);
    for path in [&own, &whole] {
        let (status, problem) = server.get(path);
        assert_eq!((status, &problem["detail"]), (410, &json!("the job was dismissed")), "{path}");
    }
    assert_eq!(server.get("/collections").1["numberMatched"], 0);
    let results = home.path().join("results");
    until("the end of the job", || std::fs::read_dir(&results).unwrap().count() == 0);
}

#[test]
fn a_collection_that_cannot_be_made_tells_why() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("mines.csv"), "name,place\na,b\n").unwrap();
    let server = Server::start(home.path(), &format!("{ONE}[data.files]\nmines = \"mines.csv\"\n"));
    let request = json!({"inputs": {"mines": "mines"}});
    let (own, job) = follow(&server, post(&server, "mine-heatmap", "?response=collection", &[], &request));
    server.until(&job, "failed");
    let (_, results) = server.get(&format!("{job}/results"));
    for path in [own.clone(), format!("{own}/map/tiles/WebMercatorQuad/0/0/0")] {
        let (status, problem) = server.get(&path);
        assert_eq!((status, &problem["input"]), (400, &json!("mines")), "{problem}");
        assert_eq!(problem["detail"], results["detail"]);
    }
    assert_eq!(server.get(&own.replace("density", "nothing")).0, 404);
    assert_eq!(server.get("/collections").1["collections"], json!([]));
}

#[test]
fn what_grows_is_its_owners_alone_and_ends_with_the_server() {
    let home = tempfile::tempdir().unwrap();
    let (mine, other) = ("aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb");
    let config = format!("[keys]\nmine = \"{mine}\"\nother = \"{other}\"\n{ONE}workers = 1\n");
    let server = Server::start(home.path(), &config);
    let key = |key: &'static str| [("X-API-Key", key)];
    let ask = |server: &Server, key: &str, path: &str| {
        let (status, _, text) = server.call("GET", path, &[("X-API-Key", key)], "");
        (status, serde_json::from_str::<Value>(&text).unwrap_or_default())
    };
    assert_eq!(post(&server, "mine-heatmap", "?response=collection", &[], &slow_heat(5)).0, 401);
    let (own, job) =
        follow(&server, post(&server, "mine-heatmap", "?response=collection", &key(mine), &slow_heat(5)));
    let next = post(&server, "mine-heatmap", "?response=collection", &key(mine), &slow_heat(100));
    let (waiting, _) = follow(&server, next);
    let whole = until_begun(&server, &own, &key(mine));
    for path in [&own, &whole, &waiting, &job] {
        assert_eq!((ask(&server, mine, path).0, ask(&server, other, path).0), (200, 404), "{path}");
        assert_eq!(server.get(path).0, 401, "{path}");
    }
    assert_eq!(ask(&server, mine, &waiting).1["status"], "accepted");
    assert_eq!(ask(&server, mine, "/collections").1["numberMatched"], 1);
    assert_eq!(ask(&server, other, "/collections").1["numberMatched"], 0);
    drop(server); // as by kill -9
    let server = Server::start(home.path(), &config);
    let (status, problem) = ask(&server, mine, &own);
    assert_eq!((status, &problem["detail"]), (503, &json!("the server stopped while it ran")));
    until("the job that waited", || {
        let (status, told) = ask(&server, mine, &waiting);
        assert_eq!(status, 200, "{told}");
        told["status"].is_null()
    });
    assert_eq!(ask(&server, mine, "/collections").1["numberMatched"], 1);
}

#[test]
fn several_outputs_are_several_collections_and_what_is_none_is_refused() {
    let home = tempfile::tempdir().unwrap();
    squares(home.path(), 40);
    let mines = r#"{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "a"},
        "geometry": {"type": "Point", "coordinates": [113.05, 27.9]}}]}"#;
    std::fs::write(home.path().join("mines.geojson"), mines).unwrap();
    let config = format!("{ONE}[data.files]\nstress = \"stress.tif\"\nmines = \"mines.geojson\"\n");
    let server = Server::start(home.path(), &config);
    let inputs = json!({"stressMap": "stress", "mines": "mines", "minimumMappingUnit": 0});

    // None is named: the first, and a link to the other.
    let (status, headers, answer) =
        post(&server, "stress-zones", "?response=collection", &[], &json!({"inputs": inputs}));
    let (own, job) = follow(&server, (status, headers.clone(), answer));
    assert!(own.ends_with("-zones"));
    let other = own.replace("-zones", "-mines");
    assert!(headers.iter().any(|(_, v)| v.contains(&other) && v.contains("rel=\"related\"")), "{headers:?}");
    server.until(&job, "successful");
    assert_eq!(server.get(&format!("{other}/items")).1["numberMatched"], 1);

    // Two are named: a document with a link to each, as the results will be.
    let request = json!({"inputs": inputs, "outputs": {"zones": {}, "mines": {}, "summary": {}}, "response": "collection"});
    let (status, headers, links) = post(&server, "stress-zones", "", &[], &request);
    assert_eq!((status, header(&headers, "content-type")), (200, "application/json"), "{links}");
    for name in ["zones", "mines", "summary"] {
        let path = links[name]["href"].as_str().unwrap().strip_prefix(&server.base).unwrap().to_owned();
        assert_eq!(path.contains("/collections/"), name != "summary", "{links}");
        until(name, || server.get(&path).0 == 200);
    }

    // By a query string too.
    let path = "/processes/stress-zones/execution?stressMap=stress&minimumMappingUnit=0&zones[include]=true&response=collection";
    let (status, headers, text) = server.call("GET", path, &[], "");
    let (own, job) = follow(&server, (status, headers, serde_json::from_str(&text).unwrap()));
    server.until(&job, "successful");
    assert!(server.get(&own).1["count"].as_u64().unwrap() > 0);

    // What is no raster and no features.
    let unsupported =
        "https://www.opengis.net/def/exceptions/ogcapi-processes-1/2.0/collection-output-unsupported";
    let request = json!({"inputs": inputs, "outputs": {"summary": {}}});
    let (status, _, problem) = post(&server, "stress-zones", "?response=collection", &[], &request);
    assert_eq!((status, &problem["type"]), (400, &json!(unsupported)), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("zones, mines"), "{problem}");
    let hello = json!({"inputs": {"text": "hello"}, "outputs": {"text": {}}});
    assert_eq!(post(&server, "echo", "?response=collection", &[], &hello).2["type"], unsupported);
    let (status, _, problem) = post(&server, "echo", "?response=everything", &[], &hello);
    assert_eq!((status, &problem["input"]), (400, &json!("response")), "{problem}");
    assert_eq!(post(&server, "echo", "?response=raw", &[], &hello).2, "hello");
    let (_, jobs) = server.get("/jobs");
    assert_eq!(jobs["numberMatched"], 4, "what is refused makes no job");
    let classes = server.get("/conformance").1["conformsTo"].to_string();
    assert!(classes.contains("ogcapi-processes-1/2.0/conf/collection-output"));
}
