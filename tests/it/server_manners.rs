//! How the running server behaves to clients and proxies: methods, preferences, parameters, addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Server, header};
use crate::server_collections::run_heat_map;
use crate::server_ops::long;

/// What is mounted and is not of the API that the document describes: WPS and WMTS describe themselves, files
/// belong to pages.
const OTHERS: [&str; 7] = [
    "",
    "/static/{}",
    "/wps",
    "/jobs/{}/wps",
    "/wmts/1.0.0/WMTSCapabilities.xml",
    "/wmts/1.0.0/{}/{}/{}/{}/{}/{}.{}",
    "/wmts/1.0.0/{}/{}/{}/{}/{}/{}/{}/{}.json",
];
/// What takes whatever it is asked with: clients of WMTS send keys of their own, and what asks for health or
/// figures is no reader of answers.
const TOLERANT: [&str; 3] = ["/wmts", "/health", "/metrics"];

/// A path with its variables' names left out.
fn shape(path: &str) -> String {
    let mut shape = String::new();
    for (k, part) in path.split(['{', '}']).enumerate() {
        shape += if k % 2 == 0 { part } else { "{}" };
    }
    shape
}

/// A server with a raster of a job and features that it offers; the job.
fn furnished(home: &std::path::Path, more: &str) -> (Server, String) {
    let gml = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/gml/gml32.gml");
    let server = Server::start(home, &format!("{more}\n[data.mines]\npits = {gml:?}\n"));
    let job = run_heat_map(&server);
    (server, job)
}

/// A path of the document with something that is there in the place of each variable.
fn real(path: &str, job: &str) -> String {
    let features = ["/items", "/queryables", "/schema", "}/tiles"].iter().any(|part| path.contains(part));
    let collection =
        if features && !path.contains("/map/") { "pits".to_owned() } else { format!("{job}-density") };
    [
        ("{processID}", "echo"),
        ("{jobID}", job),
        ("{outputID}", "density"),
        ("{collectionId}", &collection),
        ("{featureId}", "1"),
        ("{styleId}", "heat-map"),
        ("{tileMatrixSetId}", "WebMercatorQuad"),
        ("{tileMatrix}", "0"),
        ("{tileRow}", "0"),
        ("{tileCol}", "0"),
        ("{z}", "0"),
        ("{x}", "0"),
        ("{y}", "0.png"),
    ]
    .iter()
    .fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
}

fn documented(server: &Server) -> BTreeMap<String, BTreeSet<String>> {
    let (_, api) = server.get("/api");
    let methods = |item: &Value| item.as_object().unwrap().keys().map(|m| m.to_uppercase()).collect();
    api["paths"].as_object().unwrap().iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

#[test]
fn every_route_is_documented_and_every_documented_one_tells_its_methods() {
    let home = tempfile::tempdir().unwrap();
    let (server, job) = furnished(home.path(), "[log]\nlevel = \"info,rededge::server::routes=debug\"");
    let documented = documented(&server);
    let is_mount = |line: &&Value| line["message"] == "mounted";
    let mounted: BTreeSet<String> = {
        let log = server.log.lock().unwrap();
        log.iter().filter(is_mount).map(|line| shape(line["path"].as_str().unwrap())).collect()
    };
    assert!(mounted.len() > 50, "{mounted:?}");
    // The execution of each process is described by itself.
    let shapes: BTreeSet<String> = documented
        .keys()
        .filter(|path| !path.ends_with("/execution") || path.contains('{'))
        .map(|path| shape(path))
        .collect();
    let others: BTreeSet<String> = OTHERS.map(str::to_owned).into();
    let missing: Vec<_> = mounted.difference(&shapes).filter(|path| !others.contains(*path)).collect();
    assert!(missing.is_empty(), "mounted, and not in the document: {missing:?}");
    let gone: Vec<_> = shapes.difference(&mounted).collect();
    assert!(gone.is_empty(), "in the document, and not mounted: {gone:?}");
    let stale: Vec<_> = others.difference(&mounted).collect();
    assert!(stale.is_empty(), "not mounted any more: {stale:?}");

    for (path, mut methods) in documented {
        if path.ends_with("/execution") {
            // Each process's own description tells both.
            methods.extend(["GET".to_owned(), "POST".to_owned()]);
        } else if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        let path = real(&path, &job);
        let (status, headers, text) = server.call("PATCH", &path, &[], "");
        assert_eq!(status, 405, "{path}: {text}");
        let allowed: BTreeSet<String> = header(&headers, "allow").split(", ").map(str::to_owned).collect();
        assert_eq!(allowed, methods, "{path}");
        assert!(text.contains("Method Not Allowed"), "{path}: {text}");
    }
}

#[test]
fn head_is_get_without_the_body() {
    let home = tempfile::tempdir().unwrap();
    let (server, job) = furnished(home.path(), "");
    for path in [
        "/".to_owned(),
        "/processes".to_owned(),
        "/api".to_owned(),
        format!("/jobs/{job}"),
        format!("/jobs/{job}/results/density"),
        format!("/collections/{job}-density/map/tiles/WebMercatorQuad/0/0/0"),
        "/collections/pits/items?limit=1".to_owned(),
    ] {
        // The client would unpack the body that is not there.
        let plain = [("Accept-Encoding", "identity")];
        let (status, whole, _) = server.call("GET", &path, &plain, "");
        let (head, headers, body) = server.call("HEAD", &path, &plain, "");
        assert_eq!((status, head, body.as_str()), (200, 200, ""), "{path}");
        for name in ["content-type", "etag"] {
            assert_eq!(header(&headers, name), header(&whole, name), "{path} {name}");
        }
    }
}

#[test]
fn a_parameter_that_there_is_not_is_400_and_named() {
    let home = tempfile::tempdir().unwrap();
    let (server, job) = furnished(home.path(), "");
    for (path, methods) in documented(&server) {
        if !methods.contains("GET") {
            continue;
        }
        let asked = real(&path, &job);
        let (status, problem) = server.get(&format!("{asked}?colour=red"));
        if TOLERANT.contains(&path.as_str()) {
            let (plain, _) = server.get(&asked);
            assert_eq!(status, plain, "{path}: {problem}");
            continue;
        }
        assert_eq!(status, 400, "{path}: {problem}");
        assert!(problem.to_string().contains("colour"), "{path}: {problem}");
    }
    // Clients of WPS and WMTS send keys of their own.
    for path in ["/wps?service=WPS&request=GetCapabilities", "/wmts?service=WMTS&request=GetCapabilities"] {
        assert_eq!(server.get(&format!("{path}&colour=red")).0, 200, "{path}");
    }
}

#[test]
fn what_was_done_of_preferences_is_told() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[jobs]\nworkers = 2\nsynchronous_seconds = 5\n");
    let ask = |prefer: &str, request: &Value| {
        let (status, headers, answer) = server.execute("echo", prefer, request);
        (status, header(&headers, "preference-applied").to_owned(), headers, answer)
    };
    let both = |text: &str| {
        let outputs = json!({"text": {}, "number": {}});
        json!({"inputs": {"text": text, "number": 2}, "outputs": outputs, "response": "document"})
    };
    let (status, applied, ..) = ask("", &both("a"));
    assert_eq!((status, applied.as_str()), (200, ""));
    for (prefer, told) in [
        ("wait=4", "wait=4"),
        ("wait=400", "wait=400"),
        ("return=representation, wait=3", "wait=3, return=representation"),
        // RFC 7240, 4.3: a job only where the result is not there by then.
        ("respond-async, wait=4", "wait=4"),
    ] {
        let (status, applied, _, answer) = ask(prefer, &both(prefer));
        assert_eq!((status, applied.as_str()), (200, told), "{prefer}");
        assert_eq!(answer["text"], prefer);
    }
    // A job instead: as it was preferred, or as it took longer.
    for (prefer, told) in [
        ("respond-async", "respond-async"),
        ("respond-async, return=minimal", "respond-async"),
        ("wait=1, respond-async", "respond-async, wait=1"),
        ("wait=1", "wait=1"),
    ] {
        let start = Instant::now();
        let (status, applied, headers, job) = ask(prefer, &long(prefer, 20.0));
        assert_eq!((status, applied.as_str()), (201, told), "{prefer}");
        assert!(start.elapsed() < Duration::from_secs(5) && header(&headers, "location").contains("/jobs/"));
        server.call("DELETE", &Server::job(&job), &[], "");
    }
    // Links instead of the outputs.
    let (status, applied, _, answer) = ask("return=minimal", &both("b"));
    assert_eq!((status, applied.as_str()), (200, "return=minimal"));
    let href = answer["text"]["href"].as_str().unwrap().strip_prefix(&server.base).unwrap();
    assert_eq!(server.get(href), (200, json!("b")));
    let (status, applied, headers, _) = ask("return=minimal", &json!({"inputs": {"text": "c"}}));
    assert_eq!((status, applied.as_str()), (204, "return=minimal"));
    assert!(header(&headers, "link").contains("rel=\"text\""), "{headers:?}");
    // What the request itself says stands over it.
    let own = json!({"inputs": {"text": "d"}, "outputs": {"text": {"transmissionMode": "value"}}});
    let (status, applied, _, answer) = ask("return=minimal", &own);
    assert_eq!((status, applied.as_str(), answer), (200, "", json!("d")));
}

/// A proxy that stands before a server: it takes `/gis` from the path, and says so.
fn proxy(server: &Server) -> SocketAddr {
    let inside = server.base.strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let outside = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let inside = inside.clone();
            std::thread::spawn(move || pass(stream, &inside, outside));
        }
    });
    outside
}

fn pass(mut outer: TcpStream, inside: &str, outside: SocketAddr) {
    let mut reader = BufReader::new(outer.try_clone().unwrap());
    let (mut line, mut head, mut length) = (String::new(), String::new(), 0);
    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
        let lower = line.to_ascii_lowercase();
        if head.is_empty() {
            let (method, rest) = line.split_once(' ').unwrap();
            let rest = rest.strip_prefix("/gis").unwrap();
            head = format!("{method} {}{rest}", if rest.starts_with('/') { "" } else { "/" });
        } else if let Some(told) = lower.strip_prefix("content-length:") {
            length = told.trim().parse().unwrap();
            head += &line;
        } else if !["host:", "connection:", "x-forwarded"].iter().any(|own| lower.starts_with(own)) {
            head += &line;
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    head += &format!(
        "Host: {inside}\r\nX-Forwarded-Host: {outside}\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Prefix: /gis\r\n\
         Connection: close\r\n\r\n"
    );
    let mut inner = TcpStream::connect(inside).unwrap();
    inner.write_all(head.as_bytes()).unwrap();
    inner.write_all(&body).unwrap();
    let _ = std::io::copy(&mut inner, &mut outer);
}

/// Every address in a document.
fn addresses<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                match inner {
                    Value::String(text) if ["href", "url"].contains(&name.as_str()) => found.push(text),
                    inner => addresses(inner, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| addresses(item, found)),
        Value::String(text) if text.starts_with("http://127.0.0.1") => found.push(text),
        _ => {}
    }
}

#[test]
fn behind_a_proxy_that_changes_the_path_every_link_leads_through_it() {
    let home = tempfile::tempdir().unwrap();
    let (mut server, job) = furnished(home.path(), "trust_proxy = true\n[links]\nhosts = []");
    let outside = format!("http://{}/gis", proxy(&server));
    let inside = std::mem::replace(&mut server.base, outside.clone());
    let density = format!("/collections/{job}-density");
    for path in [
        "/",
        "/processes",
        "/jobs",
        &format!("/jobs/{job}"),
        "/collections",
        &density,
        &format!("{density}/map/tiles"),
        &format!("{density}/map/tiles/WebMercatorQuad"),
        &format!("{density}/styles"),
        &format!("/tiles/{job}-density/tilejson.json"),
        "/collections/pits",
        "/collections/pits/items?limit=2",
        "/collections/pits/tiles/WebMercatorQuad?f=tilejson",
        "/api",
    ] {
        let (status, document) = server.get(path);
        assert_eq!(status, 200, "{path}: {document}");
        let mut links = Vec::new();
        addresses(&document, &mut links);
        let own: Vec<_> = links.iter().filter(|l| l.contains("//127.0.0.1")).collect();
        assert!(!own.is_empty(), "{path}: {document}");
        for link in own {
            assert!(link.starts_with(&outside), "{path}: {link}");
            if !link.contains(['{', '%']) && !link.ends_with("/execution") {
                let way = link.strip_prefix(&outside).unwrap();
                assert_eq!(server.call("GET", way, &[], "").0, 200, "{path}: {link}");
            }
        }
    }
    // Tiles by the templates that clients find.
    let (_, tileset) = server.get(&format!("{density}/map/tiles/WebMercatorQuad"));
    let item = tileset["links"].as_array().unwrap().iter().find(|l| l["rel"] == "item").unwrap();
    let (_, tilejson) = server.get(&format!("/tiles/{job}-density/tilejson.json"));
    for template in [&item["href"], &tilejson["tiles"][0]] {
        let tile = ["{tileMatrix}", "{tileRow}", "{tileCol}", "{z}", "{x}", "{y}"]
            .iter()
            .fold(template.as_str().unwrap().to_owned(), |tile, name| tile.replace(name, "0"));
        let way = tile.strip_prefix(&outside).unwrap_or_else(|| panic!("{tile}"));
        let (status, headers, _) = server.call("GET", way, &[], "");
        assert_eq!((status, header(&headers, "content-type")), (200, "image/png"), "{tile}");
    }
    // Pages and what they load; what points to a job; descriptions in XML.
    let linked = regex::Regex::new("(?:href|src|action)=\"(/[^\"]*)\"").unwrap();
    for path in ["/", "/processes/echo", "/viewer", &format!("/jobs/{job}"), "/no-such-thing"] {
        let (_, _, page) = server.call("GET", path, &[("Accept", "text/html")], "");
        let mut count = 0;
        for found in linked.captures_iter(&page) {
            assert!(found[1].starts_with("/gis"), "{path}: {}", &found[1]);
            count += 1;
        }
        assert!(count > 3 && !page.contains(&inside), "{path}");
        assert_eq!(server.call("GET", "/static/page.css", &[], "").0, 200);
    }
    let (_, headers, _) = server.execute("echo", "respond-async", &long("far", 0.0));
    assert!(header(&headers, "location").starts_with(&format!("{outside}/jobs/")), "{headers:?}");
    for path in ["/wps?service=WPS&request=GetCapabilities", "/wmts?service=WMTS&request=GetCapabilities"] {
        let (_, _, text) = server.call("GET", path, &[], "");
        assert!(text.contains(&outside) && !text.contains(&inside), "{path}: {text}");
    }
    server.base = inside;
}

#[test]
fn what_callers_say_of_proxies_is_not_believed() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    for (name, value) in [
        ("Forwarded", "host=evil.example;proto=https"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Prefix", "/evil"),
    ] {
        let (status, _, text) = server.call("GET", "/processes", &[(name, value)], "");
        assert!(status == 200 && text.contains(&format!("{}/processes", server.base)), "{name}: {text}");
        assert!(!text.contains("evil") && !text.contains("https://127"), "{name}: {text}");
    }
}
