//! Maps that are computed where they are looked at, by the running server: the same pixels as jobs
//! leave, by date, kept, shared, and given up when nobody waits.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use rededge::cube::Band;
use rededge::io::county::write_county;
use rededge::simulate::{County, Options};
use serde_json::{Value, json};

use crate::rice::run;
use crate::server::{Server, header};

const ROWS: usize = 300;
const COLS: usize = 340;

/// A county with a model of rice; with one of stress too where that is asked for.
fn county(home: &Path, stress: bool) {
    county_of(home, ROWS, COLS, stress);
}

fn county_of(home: &Path, rows: usize, cols: usize, stress: bool) {
    let bands = vec![Band::Red, Band::RedEdge1, Band::RedEdge2, Band::Nir];
    let options = Options { rows, cols, dates: 8, year: 2019, seed: 42, bands };
    let folder = home.join("county");
    write_county(&County::new(options).unwrap(), &folder, |_| ControlFlow::Continue(())).unwrap();
    let rice = json!({
        "cube": "items.json", "samples": "samples-rice.geojson", "timeGrid": {"step": 15},
        "parameters": {"predictors": ["values"], "rounds": 8}
    });
    run("train-rice", rice, &folder, &home.join("rice")).unwrap();
    if stress {
        let inputs = json!({
            "cube": "items.json", "samples": "samples-stress.geojson", "timeGrid": {"step": 20}, "indices": ["NDRE"],
            "parameters": {"hidden": 4, "dense": 4, "epochs": 2, "batch": 256, "learningRate": 0.01, "patience": 0}
        });
        run("train-stress", inputs, &folder, &home.join("stress")).unwrap();
    }
}

/// A server over the county with these maps.
fn serve(home: &Path, live: &str) -> Server {
    let stress = if home.join("stress").exists() { "stress = \"stress/model.json\"\n" } else { "" };
    let config = format!(
        "[data.cubes]\ncounty = \"county/items.json\"\n[data.models]\nrice = \"rice/model.json\"\n{stress}{live}"
    );
    Server::start(home, &config)
}

const RICE: &str = "[live.rice-now]\ntitle = \"Rice as you look\"\ncube = \"county\"\nmodel = \"rice\"\n";

/// A picture's colours, four bytes a pixel.
fn pixels(bytes: &[u8]) -> Vec<u8> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    pixels.truncate(info.buffer_size());
    pixels
}

fn bytes(server: &Server, path: &str) -> (u16, Vec<u8>) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.get(format!("{}{path}", server.base)).call().unwrap();
    (response.status().as_u16(), response.body_mut().read_to_vec().unwrap())
}

/// Levels with their tiles, as a tileset tells them.
fn tiles(server: &Server, collection: &str, set: &str) -> Vec<(u64, Vec<(u64, u64)>)> {
    let (_, tileset) = server.get(&format!("/collections/{collection}/map/tiles/{set}"));
    let number = |limit: &Value, name: &str| limit[name].as_u64().unwrap();
    let level = |limit: &Value| {
        let rows = number(limit, "minTileRow")..=number(limit, "maxTileRow");
        let cols = number(limit, "minTileCol")..=number(limit, "maxTileCol");
        let all = rows.flat_map(|row| cols.clone().map(move |col| (row, col))).collect();
        (limit["tileMatrix"].as_str().unwrap().parse().unwrap(), all)
    };
    tileset["tileMatrixSetLimits"].as_array().unwrap().iter().map(level).collect()
}

/// Compares every tile of two collections at the levels where a pixel is less than two of theirs.
fn same_tiles(server: &Server, live: &str, batch: &str) {
    for set in ["WebMercatorQuad", "WorldCRS84Quad"] {
        let levels = tiles(server, live, set);
        let finest = levels.last().unwrap().0;
        let (mut compared, mut seen) = (0, 0);
        for (z, all) in levels.into_iter().filter(|(z, _)| z + 3 > finest) {
            for (row, col) in all {
                let at = |collection: &str| {
                    bytes(server, &format!("/collections/{collection}/map/tiles/{set}/{z}/{row}/{col}?f=png"))
                };
                let (ours, theirs) = (at(live), at(batch));
                assert_eq!((ours.0, theirs.0), (200, 200));
                let (ours, theirs) = (pixels(&ours.1), pixels(&theirs.1));
                let differ = ours.chunks(4).zip(theirs.chunks(4)).filter(|(a, b)| a != b).count();
                assert_eq!(differ, 0, "{live} and {batch}: {set} {z}/{row}/{col}");
                seen += ours.chunks(4).filter(|p| p[3] > 0).count();
                compared += 1;
            }
        }
        assert!(compared >= 12 && seen > ROWS * COLS, "{compared} tiles, {seen} pixels seen");
    }
}

/// Runs a process over the county; the job's id.
fn job(server: &Server, process: &str, inputs: &Value) -> String {
    let (_, _, told) = server.execute(process, "respond-async", &json!({"inputs": inputs}));
    server.until(&Server::job(&told), "successful");
    told["jobID"].as_str().unwrap().to_owned()
}

fn figure(server: &Server, outcome: &str) -> f64 {
    let (_, _, text) = server.call("GET", "/metrics", &[], "");
    let name = format!("rededge_live_blocks_total{{outcome=\"{outcome}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&name)).map_or(0.0, |n| n.parse().unwrap())
}

#[test]
fn live_rice_has_the_pixels_of_the_job_and_is_a_collection_like_others() {
    let home = tempfile::tempdir().unwrap();
    county(home.path(), false);
    let live = format!("{RICE}[live.sure]\ncube = \"county\"\nmodel = \"rice\"\nshow = \"probability\"\n");
    let server = serve(home.path(), &live);
    let batch = job(&server, "rice-map", &json!({"cube": "county", "model": "rice"}));
    same_tiles(&server, "rice-now", &format!("{batch}-classMap"));
    same_tiles(&server, "sure", &format!("{batch}-confidence"));

    let (_, told) = server.get("/collections/rice-now");
    assert_eq!((&told["title"], &told["kind"]), (&json!("Rice as you look"), &json!("classes")));
    assert_eq!((&told["live"]["cube"], &told["live"]["byDate"]), (&json!("county"), &json!(false)));
    assert_eq!((told["live"]["dates"].as_array().unwrap().len(), &told["live"]["minZoom"]), (8, &json!(0)));
    assert_eq!((&told["defaultStyle"], &told["shape"]), (&json!("rice"), &json!([ROWS, COLS])));
    let links = told["links"].as_array().unwrap();
    assert!(links.iter().all(|l| !l["href"].as_str().unwrap().ends_with("/coverage")));
    let (_, list) = server.get("/collections");
    assert!(list["collections"].as_array().unwrap().iter().any(|c| c["id"] == "rice-now"), "{list}");

    // Values, legend and every way to a tile.
    let bbox = &told["extent"]["spatial"]["bbox"][0];
    let middle = |a: usize| f64::midpoint(bbox[a].as_f64().unwrap(), bbox[a + 2].as_f64().unwrap());
    let (lon, lat) = (middle(0), middle(1));
    let at = |collection: &str| server.get(&format!("/collections/{collection}/point?lon={lon}&lat={lat}")).1;
    assert_eq!(at("rice-now"), at(&format!("{batch}-classMap")));
    assert_eq!(at("sure"), at(&format!("{batch}-confidence")));
    let (z, all) = tiles(&server, "rice-now", "WebMercatorQuad").pop().unwrap();
    let (row, col) = all[all.len() / 2];
    let own = format!("/collections/rice-now/map/tiles/WebMercatorQuad/{z}/{row}/{col}");
    let first = bytes(&server, &own).1;
    for path in [
        format!("/tiles/rice-now/{z}/{col}/{row}.png"),
        format!("/wmts/1.0.0/rice-now/default/WebMercatorQuad/{z}/{row}/{col}.png"),
        format!("/collections/rice-now/styles/rice/map/tiles/WebMercatorQuad/{z}/{row}/{col}"),
    ] {
        assert_eq!(bytes(&server, &path), (200, first.clone()), "{path}");
    }
    let (_, _, capabilities) = server.call("GET", "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", &[], "");
    assert!(capabilities.contains("<ows:Identifier>rice-now</ows:Identifier>"));
    assert_eq!(server.get("/collections/rice-now/styles/rice/legend").0, 200);
    assert_eq!(server.get("/tiles/rice-now/tilejson.json").1["minzoom"], 0);
    let map = bytes(&server, "/collections/rice-now/map?width=300");
    assert!(map.0 == 200 && pixels(&map.1).chunks(4).any(|p| p[3] > 0));
    for path in ["statistics", "coverage"] {
        let (status, told) = server.get(&format!("/collections/rice-now/{path}"));
        assert!(status == 404 && told["detail"].as_str().unwrap().contains("rice-map"), "{path}: {told}");
    }
    assert_eq!(bytes(&server, &format!("{own}?datetime=2019-06-01")), (200, first), "one map of all dates");

    // The whole of it in one tile, from coarser levels.
    let whole = tiles(&server, "rice-now", "WebMercatorQuad").into_iter().rfind(|(_, all)| all.len() == 1);
    let (z, all) = whole.unwrap();
    let (row, col) = all[0];
    let (status, tile) = bytes(&server, &format!("/tiles/rice-now/{z}/{col}/{row}.png"));
    assert!(status == 200 && pixels(&tile).chunks(4).filter(|p| p[3] > 0).count() > 100);

    // Known by its ETag, until a scene or the model changes.
    for file in [scene_file(&home.path().join("county")), home.path().join("rice/model.json")] {
        let etag = header(&server.call("GET", &own, &[], "").1, "etag").to_owned();
        assert_eq!(server.call("GET", &own, &[("If-None-Match", &etag)], "").0, 304);
        std::fs::write(&file, std::fs::read(&file).unwrap()).unwrap();
        std::thread::sleep(Duration::from_millis(2200));
        let (status, headers, _) = server.call("GET", &own, &[("If-None-Match", &etag)], "");
        assert!(status == 200 && header(&headers, "etag") != etag, "{}: {status}", file.display());
    }
}

#[test]
fn coarse_tiles_read_the_overviews_of_the_scenes() {
    let home = tempfile::tempdir().unwrap();
    county(home.path(), false);
    // Enough for a quarter of the pixels of the scenes, too few for all of them.
    let config = format!("[maps]\nlive_pixels = 700000\n{RICE}");
    let least = |server: &Server| server.get("/collections/rice-now").1["live"]["minZoom"].as_u64().unwrap();
    let whole = |server: &Server| {
        let levels = tiles(server, "rice-now", "WebMercatorQuad");
        levels.into_iter().rfind(|(_, all)| all.len() == 1).map(|(z, all)| (z, all[0]))
    };
    let server = serve(home.path(), &config);
    assert!(least(&server) > 10 && whole(&server).is_none(), "{}", least(&server));
    drop(server);

    add_overviews(&home.path().join("county"));
    let server = serve(home.path(), &config);
    assert_eq!(least(&server), 0);
    assert!(whole(&server).is_some());
    let batch = job(&server, "rice-map", &json!({"cube": "county", "model": "rice"}));
    let map = |collection: &str| {
        let (status, bytes) = bytes(&server, &format!("/collections/{collection}/map?width=150&height=130"));
        assert_eq!(status, 200);
        pixels(&bytes)
    };
    // Classified from averages, and the commonest of classes: alike, and in the same place.
    let (ours, theirs) = (map("rice-now"), map(&format!("{batch}-classMap")));
    let both: Vec<_> = ours.chunks(4).zip(theirs.chunks(4)).filter(|(a, b)| a[3].max(b[3]) > 0).collect();
    let same = both.iter().filter(|(a, b)| a == b).count() as f64 / both.len() as f64;
    let outline = both.iter().filter(|(a, b)| a[3] == b[3]).count() as f64 / both.len() as f64;
    assert!(both.len() > 10_000 && same > 0.7 && outline > 0.97, "{} {same} {outline}", both.len());
}

/// Averages of two and four pixels in every file of pixels of the county.
fn add_overviews(folder: &Path) {
    let document: Value = serde_json::from_slice(&std::fs::read(folder.join("items.json")).unwrap()).unwrap();
    for item in document["features"].as_array().unwrap() {
        for (name, asset) in item["assets"].as_object().unwrap() {
            let options = gdal::DatasetOptions {
                open_flags: gdal::GdalOpenFlags::GDAL_OF_UPDATE | gdal::GdalOpenFlags::GDAL_OF_RASTER,
                ..gdal::DatasetOptions::default()
            };
            let path = folder.join(asset["href"].as_str().unwrap());
            let mut dataset = gdal::Dataset::open_ex(path, options).unwrap();
            let method = if name == "QA60" { "NEAREST" } else { "AVERAGE" };
            dataset.build_overviews(method, &[2, 4], &[]).unwrap();
        }
    }
}

/// A file of pixels of the county.
fn scene_file(folder: &Path) -> std::path::PathBuf {
    let document: Value = serde_json::from_slice(&std::fs::read(folder.join("items.json")).unwrap()).unwrap();
    let assets = document["features"][3]["assets"].as_object().unwrap();
    folder.join(assets["B05"]["href"].as_str().unwrap())
}

#[test]
fn live_stress_has_the_pixels_of_the_job() {
    let home = tempfile::tempdir().unwrap();
    county(home.path(), true);
    let live = "[live.stress-now]\ncube = \"county\"\nmodel = \"stress\"\nrice_model = \"rice\"\n\
                [live.probable]\ncube = \"county\"\nmodel = \"stress\"\nrice_model = \"rice\"\nshow = \"probability\"\n";
    let server = serve(home.path(), live);
    let inputs = json!({"cube": "county", "model": "stress", "riceModel": "rice"});
    let batch = job(&server, "stress-map", &inputs);
    same_tiles(&server, "stress-now", &format!("{batch}-classMap"));
    same_tiles(&server, "probable", &format!("{batch}-probability"));
    let (_, told) = server.get("/collections/stress-now");
    assert_eq!(told["defaultStyle"], "stress");
    assert!(told["description"].as_str().unwrap().contains("not a soil test"), "{told}");
}

#[test]
fn an_index_is_a_map_of_each_date() {
    let home = tempfile::tempdir().unwrap();
    county(home.path(), false);
    let server = serve(home.path(), "[live.ndre]\ncube = \"county\"\nindex = \"NDRE\"\n");
    let (_, told) = server.get("/collections/ndre");
    let dates: Vec<&str> =
        told["live"]["dates"].as_array().unwrap().iter().map(|d| d.as_str().unwrap()).collect();
    assert_eq!((dates.len(), &told["live"]["datetime"]), (8, &json!(dates[7])));
    assert_eq!((&told["live"]["byDate"], &told["live"]["parameter"]), (&json!(true), &json!("datetime")));
    assert!(told["range"][0].as_f64() < told["range"][1].as_f64(), "{told}");
    assert_eq!(told["defaultStyle"], "index");
    let extent = &told["extent"]["temporal"]["interval"][0];
    assert!(
        extent[0].as_str().unwrap().starts_with(dates[0])
            && extent[1].as_str().unwrap().starts_with(dates[7])
    );

    // Date by date what the series at the place tells.
    let bbox = &told["extent"]["spatial"]["bbox"][0];
    let mut clear = 0;
    for share in [0.2, 0.45, 0.7] {
        let along = |a: usize| {
            let (low, high) = (bbox[a].as_f64().unwrap(), bbox[a + 2].as_f64().unwrap());
            low + share * (high - low)
        };
        let (lon, lat) = (along(0), along(1));
        let (_, series) = server.get(&format!("/collections/county/series?lon={lon}&lat={lat}&index=NDRE"));
        for seen in series["series"].as_array().unwrap() {
            let date = seen["date"].as_str().unwrap();
            let path = format!("/collections/ndre/point?lon={lon}&lat={lat}&datetime={date}");
            let (_, point) = server.get(&path);
            if seen["clouds"] == true {
                assert!(point["value"].is_null(), "{seen} {point}");
            } else {
                let (a, b) = (seen["value"].as_f64().unwrap(), point["value"].as_f64().unwrap());
                assert!((a - b).abs() < 1e-6, "{seen} {point}");
                clear += 1;
            }
        }
    }
    assert!(clear > 8, "{clear}");

    let tile = |datetime: &str| {
        let (z, all) = tiles(&server, "ndre", "WebMercatorQuad").pop().unwrap();
        let (row, col) = all[all.len() / 2];
        bytes(&server, &format!("/tiles/ndre/{z}/{col}/{row}.png{datetime}"))
    };
    let on = |text: &str| tile(&format!("?datetime={text}")).1;
    assert_eq!(tile("").1, on(dates[7]));
    assert_ne!(on(dates[3]), on(dates[7]));
    let day: jiff::civil::Date = dates[3].parse().unwrap();
    assert_eq!(on(&day.tomorrow().unwrap().to_string()), on(dates[3]), "the nearest");
    assert_eq!(on(&format!("{}/{}", dates[1], dates[3])), on(dates[3]), "the last within");
    // WMTS has the dates as a dimension, by query and by address.
    let (_, _, text) = server.call("GET", "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", &[], "");
    let xml = roxmltree::Document::parse(&text).unwrap();
    let dimension = xml.descendants().find(|n| n.tag_name().name() == "Dimension").unwrap();
    let texts = |name: &str| -> Vec<&str> {
        dimension.descendants().filter(|n| n.tag_name().name() == name).filter_map(|n| n.text()).collect()
    };
    assert_eq!(
        (texts("Identifier"), texts("Default"), texts("Value").len()),
        (vec!["Time"], vec![dates[7]], 8)
    );
    let (z, all) = tiles(&server, "ndre", "WebMercatorQuad").pop().unwrap();
    let (row, col) = all[all.len() / 2];
    let key = "/wmts?service=WMTS&request=GetTile&version=1.0.0&layer=ndre&style=&format=image/png&\
               tilematrixset=WebMercatorQuad";
    let by_query =
        |time: &str| bytes(&server, &format!("{key}&tilematrix={z}&tilerow={row}&tilecol={col}&Time={time}"));
    let template =
        xml.descendants().filter_map(|n| n.attribute("template")).find(|t| t.ends_with(".png?time={Time}"));
    let place = template.unwrap().replace("{Style}", "default").replace("{TileMatrixSet}", "WebMercatorQuad");
    let place = place.replace("{TileMatrix}", &z.to_string()).replace("{TileRow}", &row.to_string());
    let place = place.replace("{TileCol}", &col.to_string()).replace("{Time}", dates[3]);
    assert_eq!(by_query(dates[3]).1, on(dates[3]));
    assert_eq!(bytes(&server, place.strip_prefix(&server.base).unwrap()).1, on(dates[3]));
    assert_eq!(by_query("default").1, on(dates[7]));
    assert_eq!(by_query("sometimes").0, 400);

    assert_eq!(tile("?datetime=2001-01-01/2001-02-01").0, 404);
    assert_eq!(tile("?datetime=now").0, 400);
    let (_, tilejson) = server.get(&format!("/tiles/ndre/tilejson.json?datetime={}", dates[3]));
    assert!(tilejson["tiles"][0].as_str().unwrap().ends_with(&format!("?datetime={}", dates[3])));
}

#[test]
fn what_does_not_fit_is_told_by_its_key_at_the_start() {
    let home = tempfile::tempdir().unwrap();
    county(home.path(), false);
    for (live, key) in [
        ("cube = \"other\"\nmodel = \"rice\"", "live.x.cube: "),
        ("cube = \"county\"\nmodel = \"other\"", "live.x.model: "),
        ("cube = \"county\"", "live.x.model: "),
        ("cube = \"county\"\nindex = \"NDXX\"", "live.x.index: "),
        ("cube = \"county\"\nmodel = \"rice\"\nrice_model = \"rice\"", "live.x.rice_model: "),
        ("cube = \"county\"\nmodel = \"rice\"\ndates = \"2019-04-01/2019-06-15\"", "live.x.model: "),
        ("cube = \"county\"\nmodel = \"rice\"\narea = [1.0, 1.0, 2.0, 2.0]", "live.x.area: "),
        ("cube = \"county\"\nindex = \"NDRE\"\nmax_cloud_cover = 300.0", "live.x.max_cloud_cover: "),
    ] {
        let file = home.path().join("wrong.toml");
        let config = format!(
            "[data.cubes]\ncounty = \"county/items.json\"\n[data.models]\nrice = \"rice/model.json\"\n[live.x]\n{live}\n"
        );
        std::fs::write(&file, config).unwrap();
        for command in ["config", "serve"] {
            let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_rededge"));
            program.args([command, "--config"]).arg(&file).arg("--data").arg(home.path().join("store"));
            let told = program.args(["--listen", "127.0.0.1:0"]).output().unwrap();
            let text = String::from_utf8_lossy(&told.stderr);
            assert!(told.status.code() == Some(2) && text.contains(key), "{command}: {live}: {text}");
        }
    }
}

#[test]
fn a_tile_is_computed_once_for_all_and_no_further_when_nobody_waits() {
    let home = tempfile::tempdir().unwrap();
    // So many blocks that the last is far off when the first is there, however fast the machine.
    let side: usize = 1000;
    county_of(home.path(), side, side, false);
    let server = serve(home.path(), &format!("[maps]\nthreads = 1\n{RICE}"));
    let host = server.base.strip_prefix("http://").unwrap();
    let blocks = side.div_ceil(128).pow(2) as f64;

    // A map of all blocks, whose client goes once the first is there.
    let mut client = TcpStream::connect(host).unwrap();
    write!(client, "GET /collections/rice-now/map?width={side} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let start = Instant::now();
    while figure(&server, "computed") < 1.0 {
        assert!(start.elapsed() < Duration::from_secs(30), "nothing is computed");
    }
    drop(client);
    while figure(&server, "cancelled") < 1.0 {
        assert!(start.elapsed() < Duration::from_secs(30), "it is not given up");
    }
    let stopped = figure(&server, "computed");
    std::thread::sleep(Duration::from_millis(300));
    assert!(stopped < blocks && figure(&server, "computed") == stopped, "{stopped} of {blocks}");

    // Many clients of one tile of the middle, at the level of the pixels: two more are listed.
    let whole = tiles(&server, "rice-now", "WebMercatorQuad");
    let (z, all) = &whole[whole.len() - 3];
    let (row, col) = all[all.len() / 2];
    let path = format!("/tiles/rice-now/{z}/{col}/{row}.png");
    let ask = || {
        let mut client = TcpStream::connect(host).unwrap();
        write!(client, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        let body = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        answer.split_off(body)
    };
    let answers: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|a| *a == answers[0] && a.starts_with(b"\x89PNG")));
    // Some 256 pixels across touch three or four blocks either way; each client alone would compute them all.
    let computed = figure(&server, "computed") - stopped;
    assert!((2.0..=16.0).contains(&computed), "{computed}");
}

#[test]
fn what_cannot_wait_is_refused_and_may_come_again() {
    let home = tempfile::tempdir().unwrap();
    county(home.path(), false);
    let server = serve(home.path(), &format!("[maps]\nthreads = 1\nwaiting = 1\n{RICE}"));
    let (z, all) = tiles(&server, "rice-now", "WebMercatorQuad").pop().unwrap();
    let path = |(row, col): (u64, u64)| format!("/tiles/rice-now/{z}/{col}/{row}.png");
    let statuses: Vec<(u16, String)> = std::thread::scope(|scope| {
        let ask = |tile: (u64, u64)| {
            let (status, headers, _) = server.call("GET", &path(tile), &[], "");
            (status, header(&headers, "retry-after").to_owned())
        };
        // Each tile by two clients.
        let threads: Vec<_> =
            all[..8].iter().chain(&all[..8]).map(|&tile| scope.spawn(move || ask(tile))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|(status, _)| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses.iter().any(|(status, retry)| *status == 503 && !retry.is_empty()), "{statuses:?}");
    // As a client does that is told to try again.
    let start = Instant::now();
    for tile in &all[..8] {
        while bytes(&server, &path(*tile)).0 == 503 {
            assert!(start.elapsed() < Duration::from_secs(30), "it is refused for good");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(bytes(&server, &path(*tile)).0, 200);
    }
}

#[test]
fn too_coarse_a_tile_is_refused_where_scenes_would_be_read_whole() {
    let home = tempfile::tempdir().unwrap();
    county(home.path(), false);
    let server = serve(home.path(), &format!("[maps]\nlive_pixels = 1000\n{RICE}"));
    let levels = tiles(&server, "rice-now", "WebMercatorQuad");
    let least = levels[0].0;
    assert!(least > 8, "{least}");
    assert_eq!(server.get("/tiles/rice-now/tilejson.json").1["minzoom"], least);
    assert_eq!(server.get("/collections/rice-now").1["live"]["minZoom"], least);
    let (row, col) = levels[0].1[0];
    assert_eq!(bytes(&server, &format!("/tiles/rice-now/{least}/{col}/{row}.png")).0, 200);
    let (status, told) = server.get(&format!("/tiles/rice-now/{}/{}/{}.png", least - 1, col / 2, row / 2));
    assert!(status == 404 && told["detail"].as_str().unwrap().contains("gdaladdo"), "{told}");
}
