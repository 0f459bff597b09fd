//! Who may ask: keys, tokens and passwords, other people's web pages, and the address that links begin with.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::server::{Server, header};
use crate::server_tokens::{ISSUER, Signer, claims, start};

const KEY: &str = "0123456789abcdef-ann";
const HELLO: &str = r#"{"inputs": {"text": "hello"}}"#;
const JSON: (&str, &str) = ("Content-Type", "application/json");
const EVIL: (&str, &str) = ("Origin", "https://evil.example");

/// An answer to a request that is written by hand: its status and the text behind it.
fn raw(server: &Server, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server.base.strip_prefix("http://").unwrap()).unwrap();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    write!(stream, "{head}\r\n{length}Connection: close\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

fn jobs(server: &Server) -> Value {
    server.get("/jobs").1["numberMatched"].clone()
}

#[test]
fn maps_of_private_jobs_are_not_for_shared_caches_whichever_way_callers_are_known() {
    let signer = Signer::es256("one");
    let token = format!("Bearer {}", signer.sign(&claims(ISSUER, "ann")));
    let bearer = format!("Bearer {KEY}");
    let password = format!("basic {}", BASE64_STANDARD.encode(format!("qgis:{KEY}")));
    let keys = format!("[keys]\nann = \"{KEY}\"\n");
    for (way, config, shown, wanted) in [
        ("open", "", None, "public, max-age=300"),
        ("keys", keys.as_str(), Some(("Authorization", bearer.as_str())), "private, max-age=300"),
        ("keys", keys.as_str(), Some(("X-API-Key", KEY)), "private, max-age=300"),
        ("keys", keys.as_str(), Some(("Authorization", password.as_str())), "private, max-age=300"),
        (
            "keys_file",
            "keys_file = \"keys.toml\"\n",
            Some(("Authorization", bearer.as_str())),
            "private, max-age=300",
        ),
        ("oidc", "", Some(("Authorization", token.as_str())), "private, max-age=300"),
    ] {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("keys.toml"), format!("ann = \"{KEY}\"\n")).unwrap();
        let server = if way == "oidc" {
            start(home.path(), &[&signer], "")
        } else {
            Server::start(home.path(), config)
        };
        let mines = json!({"inputs": {"mines": {"type": "Point", "coordinates": [113.0, 27.9]}}, "response": "document"});
        let mut headers = vec![JSON];
        headers.extend(shown);
        let path = "/processes/mine-heatmap/execution";
        let (status, _, text) = server.call("POST", path, &headers, &mines.to_string());
        assert_eq!(status, 200, "{way}: {text}");
        let shown: Vec<(&str, &str)> = shown.into_iter().collect();
        let (_, _, listed) = server.call("GET", "/jobs", &shown, "");
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let job = listed["jobs"][0]["jobID"].as_str().unwrap();
        for path in [
            format!("/collections/{job}-density/map?width=32"),
            format!("/collections/{job}-density/map/tiles/WebMercatorQuad/0/0/0"),
            format!("/tiles/{job}-density/0/0/0.png"),
        ] {
            let (status, headers, _) = server.call("GET", &path, &shown, "");
            assert_eq!((status, header(&headers, "cache-control")), (200, wanted), "{way}: {path}");
            if way != "open" {
                assert_eq!(server.call("GET", &path, &[], "").0, 401, "{way}: {path}");
            }
        }
        let (_, headers, _) = server.call("GET", &format!("/jobs/{job}/results/density"), &shown, "");
        let whose = if way == "open" { "" } else { "private, no-cache" };
        assert_eq!(header(&headers, "cache-control"), whose, "{way}");
    }
}

#[test]
fn names_of_authorization_schemes_are_the_same_in_any_case() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &format!("[keys]\nann = \"{KEY}\"\n"));
    let packed = BASE64_STANDARD.encode(format!("anybody:{KEY}"));
    for shown in [
        format!("Basic {packed}"),
        format!("basic {packed}"),
        format!("BASIC  {packed}"),
        format!("bearer {KEY}"),
        format!("BEARER {KEY}"),
    ] {
        assert_eq!(server.call("GET", "/jobs", &[("Authorization", &shown)], "").0, 200, "{shown}");
    }
    for shown in [format!("Digest {packed}"), format!("basic{packed}"), KEY.to_owned()] {
        assert_eq!(server.call("GET", "/jobs", &[("Authorization", &shown)], "").0, 401, "{shown}");
    }
}

#[test]
fn a_server_that_asks_nobody_answers_under_its_own_names_alone() {
    let home = tempfile::tempdir().unwrap();
    let config =
        "base_url = \"https://maps.example.org/gis\"\nserver_names = [\"box.internal\", \"192.168.1.7\"]\n";
    let server = Server::start(home.path(), config);
    let ask = |host: &str, path: &str| raw(&server, &format!("GET {path} HTTP/1.1\r\nHost: {host}"), "");
    for host in [
        "127.0.0.1:8080",
        "localhost",
        "LocalHost:1",
        "localhost.",
        "[::1]:8080",
        "maps.example.org",
        "MAPS.example.org:443",
        "box.internal:8080",
        "192.168.1.7",
    ] {
        assert_eq!(ask(host, "/jobs").0, 200, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "a b",
    ] {
        for path in ["/jobs", "/", "/processes", "/health", "/viewer", "/static/page.js"] {
            let (status, answer) = ask(host, path);
            assert!(status == 421 || (host == "a b" && status == 400), "{host} {path}: {answer}");
        }
    }
    let (_, answer) = ask("evil.example", "/jobs");
    assert!(answer.contains("server_names"), "the way out is told: {answer}");
    let (status, answer) = ask("evil.example", "/wps?service=WPS&request=GetCapabilities");
    assert!(status == 421 && answer.contains("ExceptionReport"), "{answer}");

    // Where callers show keys, a name tells nothing.
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &format!("[keys]\nann = \"{KEY}\"\n"));
    assert_eq!(raw(&server, "GET /processes HTTP/1.1\r\nHost: anything.example", "").0, 200);
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "server_names = [\"*\"]\n");
    assert_eq!(raw(&server, "GET /jobs HTTP/1.1\r\nHost: anything.example", "").0, 200);
}

const WPS2: &str = r#"<wps:Execute xmlns:wps="http://www.opengis.net/wps/2.0" xmlns:ows="http://www.opengis.net/ows/2.0"
    service="WPS" version="2.0.0" mode="async" response="document"><ows:Identifier>echo</ows:Identifier>
    <wps:Input id="text"><wps:Data>a</wps:Data></wps:Input>
    <wps:Output id="text" transmission="value"/></wps:Execute>"#;

#[test]
fn other_sites_pages_change_nothing_on_a_server_that_asks_nobody() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let cross = ("Sec-Fetch-Site", "cross-site");
    let by_query = "/processes/echo/execution?text=a";
    let by_wps = "/wps?service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=text=a";
    for foreign in [
        &[EVIL][..],
        &[("Origin", "null")],
        &[("Origin", "http://localhost.evil.example")],
        &[EVIL, ("Sec-Fetch-Site", "same-origin")],
        &[cross],
        &[("Referer", "https://evil.example/page")],
    ] {
        let with = |more: &[(&'static str, &'static str)]| [foreign, more].concat();
        assert_eq!(server.call("POST", "/processes/echo/execution", &with(&[JSON]), HELLO).0, 403);
        assert_eq!(server.call("GET", by_query, &with(&[]), "").0, 403, "{foreign:?}");
        for path in [by_wps, &by_wps.replace("request=Execute", "REQUEST=execute")] {
            let (status, _, text) = server.call("GET", path, &with(&[]), "");
            assert!(status == 403 && text.contains("ExceptionReport"), "{foreign:?}: {text}");
        }
        let (status, _, text) = server.call("POST", "/wps", &with(&[("Content-Type", "text/xml")]), WPS2);
        assert!(status == 403 && text.contains("ExceptionReport"), "{foreign:?}: {text}");
        let (status, ..) = server.call("GET", "/wps?service=WPS&request=GetCapabilities", &with(&[]), "");
        assert_eq!(status, 200, "what only reads is answered");
    }
    assert_eq!(jobs(&server), 0);

    // The server's own pages, those of this machine, and other programs.
    let own = server.base.clone();
    for near in [
        vec![],
        vec![("Origin", own.as_str())],
        vec![("Origin", "http://localhost:3000"), cross],
        vec![("Sec-Fetch-Site", "same-origin")],
        vec![("Sec-Fetch-Site", "same-site")],
        vec![("Sec-Fetch-Site", "none")],
    ] {
        assert_eq!(
            server.call("POST", "/processes/echo/execution", &[&near[..], &[JSON]].concat(), HELLO).0,
            200
        );
        assert_eq!(server.call("GET", by_query, &near, "").0, 200, "{near:?}");
        assert!(server.call("GET", by_wps, &near, "").2.contains("ProcessSucceeded"), "{near:?}");
    }
    let (_, _, answer) =
        server.execute("echo", "respond-async", &json!({"inputs": {"text": "b", "pause": 600}}));
    let job = Server::job(&answer);
    let id = job.rsplit('/').next().unwrap();
    let dismiss = format!("/wps?service=WPS&version=2.0.0&request=Dismiss&jobID={id}");
    assert_eq!(server.call("DELETE", &job, &[EVIL], "").0, 403);
    assert_eq!(server.call("GET", &dismiss, &[cross], "").0, 403);
    assert!(["running", "accepted"].contains(&server.get(&job).1["status"].as_str().unwrap()));
    assert_eq!(server.call("DELETE", &job, &[], "").0, 200);
}

#[test]
fn pages_that_the_operator_names_may_order_and_keys_make_pages_strangers_no_longer() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[cors]\norigins = [\"https://maps.example.org\"]\n");
    let post = |server: &Server, headers: &[(&str, &str)]| {
        let headers = [headers, &[JSON]].concat();
        server.call("POST", "/processes/echo/execution", &headers, HELLO).0
    };
    assert_eq!(post(&server, &[("Origin", "https://maps.example.org")]), 200);
    assert_eq!(post(&server, &[EVIL]), 403);
    assert_eq!(
        post(&server, &[("Origin", "http://localhost:3000")]),
        403,
        "those that are named, and no others"
    );

    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &format!("[keys]\nann = \"{KEY}\"\n"));
    let bearer = format!("Bearer {KEY}");
    assert_eq!(
        post(&server, &[EVIL, ("Authorization", &bearer)]),
        200,
        "a page that shows a key is its caller"
    );
    assert_eq!(post(&server, &[EVIL, ("X-API-Key", KEY)]), 200);
    // A browser remembers a password and adds it to what any page asks for.
    let password = format!("Basic {}", BASE64_STANDARD.encode(format!("ann:{KEY}")));
    assert_eq!(post(&server, &[EVIL, ("Authorization", &password)]), 403);
    assert_eq!(post(&server, &[("Authorization", &password)]), 200);
}

#[test]
fn a_body_needs_its_type_where_nobody_is_asked() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let host = "Host: 127.0.0.1";
    let (status, answer) = raw(&server, &format!("POST /processes/echo/execution HTTP/1.1\r\n{host}"), HELLO);
    assert!(status == 415 && answer.contains("Content-Type"), "{answer}");
    let (status, answer) = raw(&server, &format!("POST /wps HTTP/1.1\r\n{host}"), WPS2);
    assert!(status == 415 && answer.contains("ExceptionReport"), "{answer}");
    assert_eq!(jobs(&server), 0);
    for (path, kind, body) in
        [("/processes/echo/execution", "application/json", HELLO), ("/wps", "text/xml", WPS2)]
    {
        let (status, answer) =
            raw(&server, &format!("POST {path} HTTP/1.1\r\n{host}\r\nContent-Type: {kind}"), body);
        assert_eq!(status, 200, "{answer}");
    }
}

#[test]
fn every_link_begins_with_base_url_and_with_no_header_that_is_not_trusted() {
    let forwarded = [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https")];
    for (config, base) in
        [("", None), ("base_url = \"https://maps.example.org/gis/\"\n", Some("https://maps.example.org/gis"))]
    {
        let home = tempfile::tempdir().unwrap();
        let server = Server::start(home.path(), config);
        let base = base.unwrap_or(&server.base).to_owned();
        let execute = "/wps?service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=text=a&\
                       storeExecuteResponse=true&status=true";
        let (_, _, started) = server.call("GET", execute, &forwarded, "");
        let location = started.split("statusLocation=\"").nth(1).unwrap().split('"').next().unwrap();
        let path = location.strip_prefix(&base).unwrap_or_else(|| panic!("{location}"));
        let (_, _, stored) = server.call("GET", path, &forwarded, "");
        assert!(stored.contains(&format!("statusLocation=\"{base}{path}\"")), "{stored}");
        let job = path.strip_suffix("/wps").unwrap();
        for path in [
            "/",
            "/api",
            "/jobs",
            job,
            "/processes/echo",
            "/wps?service=WPS&request=GetCapabilities",
            "/wmts?service=WMTS&request=GetCapabilities",
            "/collections",
        ] {
            let (status, _, text) = server.call("GET", path, &forwarded, "");
            assert!(status == 200 && text.contains(&base), "{path}: {text}");
            assert!(!text.contains("evil.example"), "{path}: {text}");
        }
        let headers = [&forwarded[..], &[JSON, ("Prefer", "respond-async")]].concat();
        let (status, headers, _) = server.call("POST", "/processes/echo/execution", &headers, HELLO);
        assert_eq!(status, 201);
        assert!(header(&headers, "location").starts_with(&format!("{base}/jobs/")), "{headers:?}");
    }
}
