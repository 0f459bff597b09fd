//! What callers may have the running server read and call: links, values of every kind, and the
//! promises around them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rededge::classmap::Legend;
use rededge::crs::{Affine, Crs, GeoBox};
use rededge::io::cog::{CogKind, CogWriter};
use serde_json::{Value, json};

use super::server::{Server, header};

/// A path that was asked for, and the body.
pub type Visits = Arc<Mutex<Vec<(String, String)>>>;

/// A host on the loopback that answers as it is told, and keeps who came.
pub fn host(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> (SocketAddr, Visits) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, visits) = (listener.local_addr().unwrap(), Visits::default());
    let (answer, kept) = (Arc::new(answer), visits.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (answer, kept) = (answer.clone(), kept.clone());
            std::thread::spawn(move || serve(stream, &*answer, &kept));
        }
    });
    (address, visits)
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&str) -> Vec<u8>, visits: &Visits) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut path, mut length) = (String::new(), String::new(), 0);
    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
        if path.is_empty() {
            line.split(' ').nth(1).unwrap_or("/").clone_into(&mut path);
        }
        if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = told.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    let answer = answer(&path);
    visits.lock().unwrap().push((path, String::from_utf8_lossy(&body).into_owned()));
    let _ = stream.write_all(&answer);
}

pub fn answer(status: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.into_bytes(), body.to_vec()].concat()
}

pub fn found(body: impl AsRef<[u8]>) -> Vec<u8> {
    answer("200 OK", "", body.as_ref())
}

const POINT: &str = r#"{"type": "Feature", "properties": {"name": "north"},
    "geometry": {"type": "Point", "coordinates": [113.0, 27.9]}}"#;

/// A server that follows links to these addresses although they are private.
pub fn server(home: &Path, private: &[SocketAddr], more: &str) -> Server {
    let named: Vec<String> = private.iter().map(|a| format!("{:?}", a.to_string())).collect();
    Server::start(home, &format!("[links]\nallow_private = [{}]\n{more}", named.join(", ")))
}

fn heatmap(server: &Server, mines: &Value) -> (u16, Value) {
    let request = json!({"inputs": {"mines": mines}, "outputs": {"mineProblems": {}}});
    let (status, _, answer) = server.execute("mine-heatmap", "", &request);
    (status, answer)
}

/// A class map of stressed patches, 40 x 40 pixels of 10 m.
fn stress_map(path: &Path) {
    let affine = Affine::north_up(7e5, 3.09e6, 10.0, 10.0);
    let grid = GeoBox { rows: 40, cols: 40, affine, crs: Crs::from_epsg(32649).unwrap() };
    let codes: Vec<u8> = (0..1600).map(|k| if (k / 40) % 20 < 10 && k % 20 < 10 { 2 } else { 1 }).collect();
    let mut writer = CogWriter::create(path, &grid, CogKind::Classes(Legend::stress()), &[]).unwrap();
    writer.write(grid.window(), &codes).unwrap();
    writer.finish().unwrap();
}

#[test]
fn links_given_by_callers_are_http_only_off_by_default_and_go_to_hosts_on_the_list() {
    let home = tempfile::tempdir().unwrap();
    let (address, visits) = host(|_| found(POINT));
    let off = Server::start(home.path(), "");
    let link = json!({"href": format!("http://{address}/mines.geojson")});
    let (status, answer) = heatmap(&off, &link);
    assert_eq!((status, &answer["input"]), (400, &json!("mines.href")), "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains("not followed"), "{answer}");
    let classes = off.get("/conformance").1.to_string();
    assert!(!classes.contains("conf/callback"));
    drop(off);

    let on = server(home.path(), &[address], "hosts = [\"data.example\"]\n");
    assert!(on.get("/conformance").1.to_string().contains("conf/callback"));
    for mines in [link, json!(format!("http://{address}/mines.geojson"))] {
        let (status, answer) = heatmap(&on, &mines);
        assert_eq!(status, 200, "{answer}");
    }
    let came = visits.lock().unwrap().len();
    assert_eq!(came, 2, "a link may lead elsewhere the next time: its results are not shared");
    let port = address.port();
    for wrong in [
        format!("https://other.example/{port}"),
        format!("http://data.example:{port}/x"),
        format!("http://data.example@{address}/x"),
        format!("http://localhost:{port}/x"),
        format!("http://2130706433:{port}/x"),
        format!("http://0x7f.1:{port}/x"),
        format!("http://[::1]:{port}/x"),
        format!("http://[::ffff:127.0.0.1]:{port}/x"),
        format!("ftp://{address}/x"),
        format!("gopher://{address}/x"),
        format!("file://{}", home.path().join("rededge.toml").display()),
        format!("/vsicurl/http://{address}/x"),
    ] {
        let (status, answer) = heatmap(&on, &json!({"href": wrong}));
        assert!(status == 400 && answer["input"].as_str().unwrap().starts_with("mines"), "{wrong}: {answer}");
    }
    assert_eq!(visits.lock().unwrap().len(), came, "nobody came");
}

#[test]
fn private_addresses_are_refused_when_connecting_and_at_each_redirect() {
    let home = tempfile::tempdir().unwrap();
    let (inside, visits) = host(|_| found(POINT));
    let (port, redirect) = (inside.port(), format!("Location: http://{inside}/secret-place\r\n"));
    let (outside, _) = host(move |_| answer("302 Found", &redirect, b""));
    // Any host, but only with public addresses; one that is private and leads on.
    let server = server(
        home.path(),
        &[outside],
        &format!(
            "hosts = [\"*\", \"*:{port}\", \"127.0.0.1:{port}\", \"localhost:{port}\", \"2130706433:{port}\", \"0x7f000001:{port}\", \"[::1]:{port}\", \"[::ffff:7f00:1]:{port}\"]\n"
        ),
    );
    for name in ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "[::1]", "[::ffff:7f00:1]"] {
        let (status, answer) = heatmap(&server, &json!({"href": format!("http://{name}:{port}/x.geojson")}));
        let detail = answer["detail"].as_str().unwrap();
        assert_eq!(status, 400, "{answer}");
        assert!(detail.contains("not public") || detail.contains("not known"), "{name}: {answer}");
    }
    let (status, answer) = heatmap(&server, &json!({"href": format!("http://{outside}/x.geojson")}));
    let detail = answer["detail"].as_str().unwrap();
    assert!(status == 400 && detail.contains("not public") && !detail.contains("secret"), "{answer}");
    assert!(visits.lock().unwrap().is_empty(), "nobody came");
}

#[test]
fn bytes_time_and_number_of_links_are_capped() {
    let home = tempfile::tempdir().unwrap();
    let (address, _) = host(|path| match path {
        "/large" => found(vec![b' '; 3 << 20]),
        "/slow" => {
            std::thread::sleep(Duration::from_secs(5));
            found(POINT)
        }
        _ => found("7"),
    });
    let server = server(home.path(), &[address], "megabytes = 2\nseconds = 2\ncount = 2\n");
    let (_, answer) = heatmap(&server, &json!({"href": format!("http://{address}/large")}));
    assert!(answer["detail"].as_str().unwrap().contains("2 MB"), "{answer}");
    let start = Instant::now();
    let (status, answer) = heatmap(&server, &json!({"href": format!("http://{address}/slow")}));
    assert!(status == 400 && start.elapsed() < Duration::from_secs(4), "{answer}");
    let list = |n: usize| -> Vec<Value> {
        (0..n).map(|k| json!({"href": format!("http://{address}/{k}")})).collect()
    };
    let echo = |n: usize| {
        server.execute(
            "echo",
            "",
            &json!({"inputs": {"text": "x", "list": list(n)}, "outputs": {"list": {}}}),
        )
    };
    assert_eq!(echo(2).2, json!([7.0, 7.0]));
    let (status, _, answer) = echo(3);
    assert!(status == 400 && answer["detail"].as_str().unwrap().contains("one link more"), "{answer}");
}

#[test]
fn what_was_fetched_is_never_echoed_in_an_error() {
    let home = tempfile::tempdir().unwrap();
    let (address, _) = host(|path| match path {
        "/json" => found(r#"{"secretword": "#),
        "/csv" => found("secretword,b\nsecretword,2\n"),
        "/geojson" => found(
            r#"{"type": "Feature", "properties": {"secretword": 1}, "geometry": {"type": "Secretword"}}"#,
        ),
        "/stac" => found(r#"{"type": "secretword"}"#),
        "/gone" => answer("404 secretword", "X-Secretword: 1\r\n", b"secretword"),
        _ => found("root:secretword:0:0"),
    });
    let server = server(home.path(), &[address], "");
    let told = |process: &str, inputs: Value| {
        let (status, _, answer) = server.execute(process, "respond-async", &json!({"inputs": inputs}));
        assert_eq!(status, 201, "{answer}");
        let job = Server::job(&answer);
        let status = server.until(&job, "failed").to_string();
        let (code, results) = server.get(&format!("{job}/results"));
        assert_eq!(code, 400, "{results}");
        let all = [status, results.to_string(), server.get(&format!("{job}/log")).1.to_string()].concat();
        assert!(!all.to_lowercase().contains("secretword"), "{all}");
        results
    };
    for (path, kind) in [
        ("json", "application/geo+json"),
        ("csv", "text/csv"),
        ("geojson", "application/geo+json"),
        ("passwd", "text/csv"),
        ("passwd", "image/tiff"),
        ("gone", "text/csv"),
    ] {
        let link = json!({"href": format!("http://{address}/{path}?key=1"), "type": kind});
        let answer = told("mine-heatmap", json!({"mines": link}));
        assert!(answer["input"].as_str().unwrap().starts_with("mines"), "{answer}");
    }
    for path in ["stac", "json"] {
        told(
            "index-series",
            json!({"cube": {"href": format!("http://{address}/{path}")}, "indices": ["NDRE"],
            "features": {"type": "Point", "coordinates": [113, 28]}}),
        );
    }
    told(
        "echo",
        json!({"text": "x", "object": {"href": format!("http://{address}/json")}, "list": [{"href": format!("http://{address}/passwd")}]}),
    );
}

#[test]
fn rasters_from_callers_are_geotiffs_and_nothing_that_points_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let map = home.path().join("map.tif");
    stress_map(&map);
    let bytes = std::fs::read(&map).unwrap();
    let vrt = format!(
        "<VRTDataset rasterXSize=\"40\" rasterYSize=\"40\"><SRS>EPSG:32649</SRS><GeoTransform>700000,10,0,3090000,0,-10</GeoTransform>\
         <VRTRasterBand dataType=\"Byte\" band=\"1\"><SimpleSource><SourceFilename>{}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>",
        map.display()
    );
    let elsewhere = r#"{"type": "FeatureCollection", "features": [],
        "crs": {"type": "link", "properties": {"href": "file:///etc/passwd", "type": "proj4"}}}"#;
    let linked = home.path().join("linked.gpkg");
    gdal::DriverManager::get_driver_by_name("GPKG")
        .unwrap()
        .create_vector_only(&linked)
        .unwrap()
        .close()
        .unwrap();
    {
        let file = rusqlite::Connection::open(&linked).unwrap();
        file.execute_batch("CREATE VIEW mines AS SELECT 1 AS fid").unwrap();
    }
    let linked = std::fs::read(linked).unwrap();
    let (sent, text) = (bytes.clone(), vrt.clone());
    let (address, visits) = host(move |path| match path {
        "/map.tif" => found(&sent),
        "/mines.geojson" => found(elsewhere),
        "/linked.gpkg" => found(&linked),
        _ => found(&text),
    });
    let server = server(home.path(), &[address], "");
    let zones = |map: Value| {
        let request =
            json!({"inputs": {"stressMap": map, "minimumMappingUnit": 0}, "outputs": {"zones": {}}});
        let (status, _, answer) = server.execute("stress-zones", "", &request);
        (status, answer)
    };
    let (status, answer) = zones(json!({"href": format!("http://{address}/map.tif")}));
    assert_eq!((status, answer["features"].as_array().unwrap().len()), (200, 4));
    let packed = |text: &str, kind: &str| json!({"value": STANDARD.encode(text), "encoding": "base64", "mediaType": kind});
    for wrong in [
        json!({"href": format!("http://{address}/vrt.tif")}),
        json!({"href": format!("http://{address}/map.vrt"), "type": "image/tiff; application=geotiff"}),
        packed(&vrt, "image/tiff; application=geotiff"),
        packed(&vrt, "application/octet-stream"),
        json!({"href": format!("data:image/tiff;base64,{}", STANDARD.encode(&vrt))}),
        json!(vrt),
        json!(map.display().to_string()),
        json!({"href": format!("/vsicurl/http://{address}/map.tif")}),
        json!({"href": format!("GTIFF_DIR:1:{}", map.display())}),
    ] {
        let (status, answer) = zones(wrong.clone());
        assert!(
            status == 400 && answer["input"].as_str().unwrap().starts_with("stressMap"),
            "{wrong}: {answer}"
        );
        assert!(
            !answer.to_string().contains(home.path().to_str().unwrap())
                || wrong.to_string().contains("map.tif"),
            "{answer}"
        );
    }
    for wrong in ["mines.geojson", "linked.gpkg"] {
        let (status, answer) = heatmap(&server, &json!({"href": format!("http://{address}/{wrong}")}));
        assert_eq!(status, 400, "{wrong}: {answer}");
    }
    assert!(visits.lock().unwrap().iter().all(|(path, _)| path != "/etc/passwd"));
    let left = std::fs::read_dir(home.path().join("fetched")).unwrap().count();
    assert_eq!(left, 0, "what was fetched goes with the job");
}

#[test]
fn values_come_as_data_links_and_base64_by_both_protocols() {
    let home = tempfile::tempdir().unwrap();
    let map = home.path().join("map.tif");
    stress_map(&map);
    let packed = STANDARD.encode(std::fs::read(&map).unwrap());
    let server = Server::start(home.path(), "");
    let csv = "name,lon,lat\nnorth,113.001,27.9\n";
    let kind = "image/tiff; application=geotiff; profile=cloud-optimized";
    for (map, mines) in [
        (
            json!({"value": packed, "encoding": "base64", "mediaType": kind}),
            json!({"value": csv, "mediaType": "text/csv"}),
        ),
        (
            json!({"href": format!("data:image/tiff;base64,{packed}")}),
            json!({"href": format!("data:text/csv,{}", csv.replace('\n', "%0A"))}),
        ),
    ] {
        let request = json!({"inputs": {"stressMap": map, "mines": mines, "minimumMappingUnit": 0}, "response": "document",
            "outputs": {"zones": {}, "mines": {}}});
        let (status, _, answer) = server.execute("stress-zones", "", &request);
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["zones"]["features"].as_array().unwrap().len(), 4);
        assert_eq!(answer["mines"]["features"][0]["properties"]["name"], "north");
    }
    let execute = format!(
        r#"<wps:Execute xmlns:wps="http://www.opengis.net/wps/1.0.0" xmlns:ows="http://www.opengis.net/ows/1.1" service="WPS" version="1.0.0">
        <ows:Identifier>stress-zones</ows:Identifier><wps:DataInputs>
        <wps:Input><ows:Identifier>stressMap</ows:Identifier><wps:Data><wps:ComplexData mimeType="image/tiff; subtype=geotiff" encoding="base64">{packed}</wps:ComplexData></wps:Data></wps:Input>
        <wps:Input><ows:Identifier>mines</ows:Identifier><wps:Data><wps:ComplexData mimeType="text/csv"><![CDATA[{csv}]]></wps:ComplexData></wps:Data></wps:Input>
        <wps:Input><ows:Identifier>minimumMappingUnit</ows:Identifier><wps:Data><wps:LiteralData>0</wps:LiteralData></wps:Data></wps:Input>
        </wps:DataInputs><wps:ResponseForm><wps:RawDataOutput mimeType="application/geo+json"><ows:Identifier>zones</ows:Identifier></wps:RawDataOutput></wps:ResponseForm></wps:Execute>"#
    );
    let (status, _, text) = server.call("POST", "/wps", &[("Content-Type", "text/xml")], &execute);
    let zones: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} {text}"));
    assert_eq!(zones["features"].as_array().unwrap().len(), 4);
}

#[test]
fn inputs_by_reference_work_in_both_protocols() {
    let home = tempfile::tempdir().unwrap();
    let (address, _) = host(|path| if path == "/bytes" { found([0, 255, 7]) } else { found(POINT) });
    let server = server(home.path(), &[address], "");
    let bytes = json!({"inputs": {"text": "x", "bytes": {"href": format!("http://{address}/bytes"), "type": "image/png"}}, "outputs": {"bytes": {}}});
    assert_eq!(server.execute("echo", "", &bytes).2, json!(STANDARD.encode([0, 255, 7])));
    let xml = format!(
        r#"<wps:Execute xmlns:wps="http://www.opengis.net/wps/1.0.0" xmlns:ows="http://www.opengis.net/ows/1.1" xmlns:xlink="http://www.w3.org/1999/xlink" service="WPS" version="1.0.0">
        <ows:Identifier>mine-heatmap</ows:Identifier><wps:DataInputs>
        <wps:Input><ows:Identifier>mines</ows:Identifier><wps:Reference xlink:href="http://{address}/mines" mimeType="application/geo+json"/></wps:Input>
        </wps:DataInputs><wps:ResponseForm><wps:RawDataOutput><ows:Identifier>mineProblems</ows:Identifier></wps:RawDataOutput></wps:ResponseForm></wps:Execute>"#
    );
    let (_, _, text) = server.call("POST", "/wps", &[("Content-Type", "text/xml")], &xml);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap_or_else(|_| panic!("{text}")), json!([]));
    let (_, _, text) = server.call(
        "POST",
        "/wps",
        &[("Content-Type", "text/xml")],
        &xml.replace("127.0.0.1", "other.example"),
    );
    assert!(text.contains("ExceptionReport") && text.contains("locator=\"mines.href\""), "{text}");
}

/// Waits until as many have come.
fn wait(visits: &Visits, count: usize) -> Vec<(String, String)> {
    let start = Instant::now();
    loop {
        let now = visits.lock().unwrap().clone();
        if now.len() >= count {
            return now;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{now:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn callbacks_come_are_tried_again_and_survive_a_restart_by_the_same_guard() {
    let home = tempfile::tempdir().unwrap();
    let tries = Mutex::new(0);
    let (address, visits) = host(move |path| {
        let mut tries = tries.lock().unwrap();
        *tries += usize::from(path == "/done");
        if path == "/done" && *tries == 1 { answer("503 Busy", "", b"") } else { found("") }
    });
    let on = server(home.path(), &[address], "");
    let subscriber = |host: &str| {
        json!({"successUri": format!("http://{host}/done"), "inProgressUri": format!("http://{host}/begun"),
        "failedUri": format!("http://{host}/failed")})
    };
    let ask = |text: &str, pause: f64, host: &str| json!({"inputs": {"text": text, "pause": pause}, "outputs": {"text": {}}, "subscriber": subscriber(host)});
    let (status, _, answer) = on.execute("echo", "respond-async", &ask("hello", 0.0, &address.to_string()));
    assert_eq!(status, 201, "{answer}");
    let came = wait(&visits, 3);
    let paths: Vec<&str> = came.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths.iter().filter(|p| **p == "/done").count(), 2, "tried again: {paths:?}");
    let begun: Value = serde_json::from_str(&came.iter().find(|(p, _)| p == "/begun").unwrap().1).unwrap();
    assert_eq!(begun["jobID"], answer["jobID"]);
    let done: Value = serde_json::from_str(&came.iter().rfind(|(p, _)| p == "/done").unwrap().1).unwrap();
    assert_eq!(done, json!({"text": "hello"}));

    // An equal request shares results and is told at once; a job that is dismissed tells so.
    on.execute("echo", "respond-async", &ask("hello", 0.0, &address.to_string()));
    assert_eq!(wait(&visits, 4)[3].0, "/done");
    let (_, _, answer) = on.execute("echo", "respond-async", &ask("long", 600.0, &address.to_string()));
    wait(&visits, 5);
    on.call("DELETE", &Server::job(&answer), &[], "");
    let last = wait(&visits, 6)[5].clone();
    assert!(last.0 == "/failed" && last.1.contains("dismissed"), "{last:?}");

    // What is asked for before a kill is told after it.
    let (_, _, cut) = on.execute("echo", "respond-async", &ask("cut", 600.0, &address.to_string()));
    wait(&visits, 7);
    drop(on);
    let on = server(home.path(), &[address], "");
    let last = wait(&visits, 8)[7].clone();
    assert!(last.0 == "/failed" && last.1.contains(cut["jobID"].as_str().unwrap()), "{last:?}");

    for (host, words) in [
        ("other.example", "links.hosts"),
        ("u:p@other.example", "user"),
        (&format!("localhost:{}", address.port()), "links.hosts"),
    ] {
        let (status, _, answer) = on.execute("echo", "", &ask("x", 0.0, host));
        assert_eq!((status, &answer["input"]), (400, &json!("subscriber.successUri")), "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains(words), "{answer}");
    }
    drop(on);
    let off = Server::start(home.path(), "");
    assert_eq!(off.execute("echo", "", &ask("x", 0.0, &address.to_string())).0, 400);
    assert_eq!(visits.lock().unwrap().len(), 8, "nobody else came");
}

#[test]
fn body_over_the_cap_is_413_and_a_wrong_type_415_for_wps_too() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[limits]\nbody_megabytes = 1\n");
    let large = "x".repeat((1 << 20) + 1);
    let post =
        |path: &str, kind: &str, body: &str| server.call("POST", path, &[("Content-Type", kind)], body);
    let (status, _, text) = post("/processes/echo/execution", "application/json", &large);
    assert!(
        status == 413 && text.contains("1 MB") && text.contains("limits.body_megabytes"),
        "{status} {text}"
    );
    assert_eq!(post("/processes/echo/execution", "text/plain", "{}").0, 415);
    let (status, headers, text) = post("/wps", "text/xml", &large);
    assert!(
        status == 413 && text.contains("ExceptionReport") && text.contains("FileSizeExceeded"),
        "{status} {text}"
    );
    assert!(header(&headers, "content-type").starts_with("text/xml"));
    let (status, _, text) = post("/wps", "application/json", "{}");
    assert!(status == 415 && text.contains("ExceptionReport"), "{status} {text}");
}

#[test]
fn xml_with_a_doctype_is_refused_and_depth_and_size_are_capped() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let secret = home.path().join("secret.txt");
    std::fs::write(&secret, "secretword").unwrap();
    let start = Instant::now();
    let lol: String =
        (1..10).map(|k| format!("<!ENTITY l{k} \"{}\">", format!("&l{};", k - 1).repeat(10))).collect();
    for body in [
        format!("<!DOCTYPE x [<!ENTITY l0 \"lol\">{lol}]><x>&l9;</x>"),
        format!("<!DOCTYPE x [<!ENTITY e SYSTEM \"file://{}\">]><x>&e;</x>", secret.display()),
        format!("<?xml version=\"1.0\"?><!DOCTYPE x SYSTEM \"file://{}\"><x/>", secret.display()),
        "<!DOCTYPE x [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/x.dtd\">%p;]><x/>".to_owned(),
        "<a>".repeat(200_000),
        format!("<a{}/>", (0..20_000).map(|k| format!(" a{k}=\"\"")).collect::<String>()),
    ] {
        let (_, _, text) = server.call("POST", "/wps", &[("Content-Type", "text/xml")], &body);
        assert!(text.contains("ExceptionReport") && !text.contains("secretword"), "{text}");
        assert!(["DOCTYPE", "deep", "attributes"].iter().any(|word| text.contains(word)), "{text}");
    }
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(server.get("/health").0, 200);
}

#[test]
fn local_paths_never_come_from_a_request() {
    let home = tempfile::tempdir().unwrap();
    let secret = home.path().join("secret.geojson");
    std::fs::write(&secret, POINT).unwrap();
    std::fs::create_dir(home.path().join("results")).unwrap();
    let config = format!("[data.files]\nmines = {:?}\n", secret.display().to_string());
    let server = Server::start(home.path(), &config);
    let path = secret.display().to_string();
    for trick in [
        path.clone(),
        format!("file://{path}"),
        format!("FILE://{path}"),
        format!("/vsifile/{path}"),
        format!("/vsicurl/file://{path}"),
        "../secret.geojson".to_owned(),
        "mines/../../secret.geojson".to_owned(),
        "mines\0.geojson".to_owned(),
        path.replace('/', "%2F"),
        "..%2fsecret.geojson".to_owned(),
        "..\\secret.geojson".to_owned(),
        "/jobs/../secret.geojson/results/x".to_owned(),
        "/jobs/x/results/../../secret.geojson".to_owned(),
        "mines ".to_owned(),
        String::new(),
    ] {
        for value in [json!(trick), json!({"href": trick})] {
            let (status, answer) = heatmap(&server, &value);
            assert_eq!(status, 400, "{trick}: {answer}");
            let (_, _, answer) =
                server.execute("index-series", "", &json!({"inputs": {"cube": value, "features": "mines"}}));
            assert!(answer["input"].as_str().unwrap().starts_with("cube"), "{trick}: {answer}");
        }
    }
    assert_eq!(heatmap(&server, &json!("mines")).0, 200);
    for trick in [
        "..",
        "%2e%2e",
        "..%2f..%2fsecret.geojson",
        "%2fetc%2fpasswd",
        "x%00",
        "....//",
        "..%5c",
        "results.json",
    ] {
        for path in [
            format!("/jobs/{trick}"),
            format!("/jobs/{trick}/results"),
            format!("/jobs/{trick}/results/{trick}"),
            format!("/jobs/{trick}/log"),
            format!("/jobs/{trick}/wps"),
            format!("/processes/{trick}"),
        ] {
            let (status, answer) = server.get(&path);
            let report = status == 200 && answer.to_string().contains("ows:ExceptionReport");
            assert!(report || matches!(status, 400 | 404), "{path}: {status} {answer}");
            assert!(!answer.to_string().contains("coordinates"), "{path}");
        }
        assert!(matches!(server.execute(trick, "", &json!({"inputs": {}})).0, 400 | 404), "{trick}");
    }
    let (_, _, answer) = server.execute("echo", "respond-async", &json!({"inputs": {"text": "x"}}));
    let job = Server::job(&answer);
    server.until(&job, "successful");
    for trick in
        ["..%2f..%2fsecret.geojson", "results", "manifest", "manifest.json", "text.json", "text%00", "%2e%2e"]
    {
        assert!(matches!(server.get(&format!("{job}/results/{trick}")).0, 400 | 404), "{trick}");
    }
    for trick in ["../x", "/etc/passwd", "x\0", "results"] {
        let request = json!({"inputs": {"text": "x"}, "outputs": {trick: {}}});
        assert_eq!(server.execute("echo", "", &request).0, 400, "{trick}");
    }
    assert!(!home.path().join("x").exists());
}

#[test]
fn a_file_that_changed_under_its_name_is_a_fresh_run_and_shared_results_say_so() {
    let home = tempfile::tempdir().unwrap();
    let mines = home.path().join("mines.csv");
    std::fs::write(&mines, "name,lon,lat\na,113.0,27.9\n").unwrap();
    let config = format!("[data.files]\nmines = {:?}\n", mines.display().to_string());
    let server = Server::start(home.path(), &config);
    let run = || {
        let request = json!({"inputs": {"mines": "mines"}, "outputs": {"mineProblems": {}}});
        let (status, headers, answer) = server.execute("mine-heatmap", "respond-async", &request);
        assert_eq!(status, 201, "{answer}");
        let cached = header(&headers, "cache-status").contains("hit");
        let status = server.until(&Server::job(&answer), "successful");
        assert_eq!(status["cached"] == json!(true), cached, "{status}");
        assert_eq!(status["message"].as_str().unwrap().contains("asked for the same"), cached, "{status}");
        cached
    };
    assert_eq!([run(), run()], [false, true]);
    std::fs::write(&mines, "name,lon,lat\na,113.0,27.9\nb,113.1,27.9\n").unwrap();
    assert_eq!([run(), run()], [false, true], "other data, then the same again");
}

/// The middle of the rasters that the tests write, longitude and latitude.
fn middle() -> [f64; 2] {
    let (mut x, mut y) = ([700_205.0], [3_089_795.0]);
    Crs::from_epsg(32649).unwrap().transformer_to(&Crs::wgs84()).unwrap().apply(&mut x, &mut y).unwrap();
    [x[0], y[0]]
}

/// Scenes of one band on three days, as bytes by file name, and their collection with links that begin so.
fn scenes(folder: &Path, base: &str) -> Value {
    let affine = Affine::north_up(7e5, 3.09e6, 10.0, 10.0);
    let grid = GeoBox { rows: 40, cols: 40, affine, crs: Crs::from_epsg(32649).unwrap() };
    let items = (1..=3_u8).map(|day| {
        let file = folder.join(format!("B05-{day}.tif"));
        let label = "reflectance".to_owned();
        let mut writer = CogWriter::create(&file, &grid, CogKind::Percent { label }, &[]).unwrap();
        writer.write(grid.window(), &vec![day * 10; 1600]).unwrap();
        writer.finish().unwrap();
        json!({"type": "Feature", "id": format!("s{day}"), "properties": {"datetime": format!("2022-07-0{day}T03:00:00Z")},
            "assets": {"B05": {"href": format!("{base}B05-{day}.tif"), "raster:bands": [{"scale": 0.01, "offset": 0}]}}})
    });
    json!({"type": "FeatureCollection", "features": items.collect::<Vec<_>>()})
}

#[test]
fn scenes_by_value_or_link_lead_to_assets_on_allowed_hosts_and_nowhere_else() {
    let (home, remote) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let items = scenes(remote.path(), "");
    std::fs::write(remote.path().join("items.json"), items.to_string()).unwrap();
    let inside = format!("file://{}/", remote.path().display());
    std::fs::write(remote.path().join("inside.json"), scenes(remote.path(), &inside).to_string()).unwrap();
    let folder = remote.path().to_owned();
    let (address, _) = host(move |path| match std::fs::read(folder.join(path.trim_start_matches('/'))) {
        Ok(bytes) => found(bytes),
        Err(_) => answer("404 Not Found", "", b""),
    });
    let server = server(home.path(), &[address], "");
    let series = |cube: Value| {
        let at = json!({"type": "Point", "coordinates": middle()});
        let request =
            json!({"inputs": {"cube": cube, "features": at, "indices": ["B05"]}, "outputs": {"table": {}}});
        let (status, _, answer) = server.execute("index-series", "", &request);
        (status, answer)
    };
    let by_value = scenes(remote.path(), &format!("http://{address}/"));
    let (status, first) = series(by_value.clone());
    assert_eq!(status, 200, "{first}");
    let first = first.as_str().unwrap().to_owned();
    assert!(["0.0999", "0.1999", "0.2999"].iter().all(|value| first.contains(value)), "{first}");
    let (status, second) = series(json!({"href": format!("http://{address}/items.json")}));
    assert_eq!((status, second), (200, json!(first)));

    for (wrong, at) in [
        (scenes(remote.path(), &inside), "cube.features[0].assets.B05"),
        (scenes(remote.path(), &format!("{}/", remote.path().display())), "cube.features[0].assets.B05"),
        (scenes(remote.path(), "http://other.example/"), "cube.features[0].assets.B05"),
        (scenes(remote.path(), &format!("/vsicurl/http://{address}/")), "cube.features[0].assets.B05"),
        (json!({"href": format!("http://{address}/inside.json")}), "cube.features[0].assets.B05"),
        (json!({"href": "http://other.example/items.json"}), "cube.href"),
        (json!(remote.path().display().to_string()), "cube"),
    ] {
        let (status, answer) = series(wrong.clone());
        assert_eq!((status, &answer["input"]), (400, &json!(at)), "{wrong}: {answer}");
    }
    std::fs::write(remote.path().join("B05-2.tif"), "<VRTDataset/>").unwrap();
    let (status, answer) = series(by_value);
    assert_eq!((status, &answer["input"]), (400, &json!("cube.features[1].assets.B05")), "{answer}");
}

#[test]
fn area_times_dates_over_the_pixel_budget_is_400_naming_the_limit() {
    let home = tempfile::tempdir().unwrap();
    let items = scenes(home.path(), "");
    std::fs::write(home.path().join("items.json"), items.to_string()).unwrap();
    let config = format!(
        "[limits]\npixels = 4000\n[data.cubes]\ncounty = {:?}\n",
        home.path().join("items.json").display().to_string()
    );
    let server = Server::start(home.path(), &config);
    let samples = json!({"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"class": "rice"},
        "geometry": {"type": "Point", "coordinates": middle()}}]});
    let map = |more: Value, prefer: &str| {
        let mut inputs = json!({"cube": "county", "samples": samples, "indices": ["B05"]});
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, _, answer) = server.execute("rice-map", prefer, &json!({"inputs": inputs}));
        (status, answer)
    };
    let (status, answer) = map(json!({}), "");
    let detail = answer["detail"].as_str().unwrap();
    assert_eq!((status, &answer["input"]), (400, &json!("area")), "{answer}");
    assert!(
        detail.contains("4800") && detail.contains("4000") && detail.contains("limits.pixels"),
        "{detail}"
    );
    // Within the budget: other mistakes are told.
    let (_, answer) = map(json!({"dates": "2022-07-01/2022-07-02"}), "");
    assert!(!answer["detail"].as_str().unwrap().contains("limits.pixels"), "{answer}");
    // Known before anything is opened or queued.
    let area = json!({"area": {"bbox": [113.0, 27.0, 114.0, 28.0]}, "resolution": 10});
    let (status, answer) = map(area, "respond-async");
    assert!(status == 400 && answer["detail"].as_str().unwrap().contains("limits.pixels"), "{answer}");
    assert_eq!(server.get("/jobs").1["numberMatched"], 2);
    // What reads a few pixels of the cube has no such budget.
    let request = json!({"inputs": {"cube": "county", "features": samples, "indices": ["B05"]}, "outputs": {"table": {}}});
    assert_eq!(server.execute("index-series", "", &request).0, 200);
}
