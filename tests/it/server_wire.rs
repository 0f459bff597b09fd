//! What every answer of the running server passes: CORS, compression, ETags, errors of the framework.

use std::io::{Read, Write};
use std::net::TcpStream;

use regex::Regex;
use serde_json::{Value, json};

use crate::server::{Server, header};
use crate::server_ops::{long, start_job};

#[test]
fn pages_of_other_origins_are_answered_as_configured() {
    let home = tempfile::tempdir().unwrap();
    let ask = |server: &Server, method: &str, origin: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type,prefer,authorization"),
        ];
        let some = if method == "OPTIONS" { &headers[..] } else { &headers[..1] };
        server.call(method, "/processes/echo/execution", some, "")
    };
    let allowed = |answer: &(u16, Vec<(String, String)>, String)| {
        header(&answer.1, "access-control-allow-origin").to_owned()
    };
    let server = Server::start(home.path(), "");
    let here = server.call("GET", "/processes", &[("Origin", "http://localhost:3000")], "");
    assert_eq!(allowed(&here), "http://localhost:3000");
    let exposed = header(&here.1, "access-control-expose-headers").to_ascii_lowercase();
    for name in [
        "location",
        "link",
        "preference-applied",
        "content-crs",
        "ogc-numbermatched",
        "etag",
        "x-request-id",
        "content-range",
        "content-disposition",
        "cache-status",
        "ogc-numberreturned",
    ] {
        assert!(exposed.split(", ").any(|e| e == name), "{name}: {exposed}");
    }
    let elsewhere = server.call("GET", "/processes", &[("Origin", "https://evil.example")], "");
    assert_eq!(
        (elsewhere.0, allowed(&elsewhere).as_str()),
        (200, ""),
        "a page from elsewhere may not read it"
    );
    assert_eq!(allowed(&ask(&server, "OPTIONS", "https://evil.example")), "");
    drop(server);

    let config = "[cors]\norigins = [\"https://maps.example\"]\n";
    let server = Server::start(home.path(), config);
    let preflight = ask(&server, "OPTIONS", "https://maps.example");
    assert_eq!((preflight.0, allowed(&preflight).as_str()), (200, "https://maps.example"));
    let methods = header(&preflight.1, "access-control-allow-methods").to_owned();
    assert!(methods.contains("POST") && methods.contains("DELETE"), "{methods}");
    let headers = header(&preflight.1, "access-control-allow-headers").to_ascii_lowercase();
    assert!(headers.contains("prefer") && headers.contains("content-type"), "{headers}");
    assert_eq!(allowed(&ask(&server, "OPTIONS", "http://localhost:3000")), "");
    drop(server);

    let server = Server::start(home.path(), "[keys]\nann = \"0123456789abcdef-ann\"\n");
    assert_eq!(
        allowed(&ask(&server, "OPTIONS", "https://any.example")),
        "*",
        "who shows a key may come from anywhere"
    );
}

#[test]
fn documents_are_compressed_and_known_ones_not_sent_again_and_ranges_stay_exact() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let gzip = ("Accept-Encoding", "gzip");
    let raw = |path: &str, headers: &[(&str, &str)]| {
        // No client that unpacks by itself.
        let address = server.base.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let headers: String = headers.iter().map(|(k, v)| format!("{k}: {v}\r\n")).collect();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        (head, answer[end + 4..].to_vec())
    };
    let etag = Regex::new("etag: (\\S+)").unwrap();
    for path in ["/processes", "/api", "/processes/rice-map", "/"] {
        let (plain, whole) = raw(path, &[]);
        let (packed, short) = raw(path, &[gzip]);
        assert!(!plain.contains("content-encoding") && packed.contains("content-encoding: gzip"), "{packed}");
        assert!(short.len() < whole.len() && packed.contains("vary:"), "{path}");
        let tag = etag.captures(&plain).unwrap()[1].to_owned();
        assert!(tag.starts_with("w/\""), "{tag}");
        let (again, body) =
            raw(path, &[("If-None-Match", &format!("\"other\", {}", tag.replace("w/", "W/")))]);
        assert!(again.starts_with("http/1.1 304") && again.contains(&tag) && body.is_empty(), "{again}");
        assert!(raw(path, &[("If-None-Match", "\"other\"")]).0.starts_with("http/1.1 200"));
    }

    let job = crate::server_collections::run_heat_map(&server);
    let tif = format!("/jobs/{job}/results/density");
    let (head, whole) = raw(&tif, &[gzip]);
    assert!(
        head.contains("image/tiff") && !head.contains("content-encoding") && head.contains("etag: \""),
        "{head}"
    );
    assert!(
        head.contains("accept-ranges: bytes") && head.contains(&format!("content-length: {}", whole.len()))
    );
    let (head, part) = raw(&tif, &[gzip, ("Range", "bytes=100-299")]);
    assert!(head.starts_with("http/1.1 206") && !head.contains("gzip"), "{head}");
    assert_eq!(part, whole[100..300]);

    // A document of a job: compressed on request, by ranges as it is, and no range of it is joined to
    // what was compressed.
    let echoed = start_job(&server, &long(&"echo ".repeat(500), 0.0));
    server.until(&echoed, "successful");
    let text = format!("{echoed}/results/text");
    let (_, whole) = raw(&text, &[]);
    let (head, packed) = raw(&text, &[gzip]);
    assert!(head.contains("content-encoding: gzip") && packed.len() < whole.len(), "{head}");
    let tag = etag.captures(&head).unwrap()[1].to_owned();
    assert!(tag.starts_with("w/"), "{tag}");
    let (head, part) = raw(&text, &[gzip, ("Range", "bytes=5-9")]);
    assert!(head.starts_with("http/1.1 206") && !head.contains("content-encoding: gzip"), "{head}");
    assert_eq!(part, whole[5..10]);
    let (head, _) = raw(&text, &[gzip, ("Range", "bytes=5-9"), ("If-Range", &tag.replace("w/", "W/"))]);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let (head, _) = raw(&text, &[gzip, ("If-None-Match", &tag.replace("w/", "W/"))]);
    assert!(head.starts_with("http/1.1 304"), "{head}");
}

#[test]
fn what_the_framework_refuses_is_told_as_everything_else() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[limits]\nbody_megabytes = 1\n");
    let headers = [("Content-Type", "application/json"), ("Accept", "application/problem+json")];
    for (method, path, body, wanted) in [
        ("POST", "/processes/echo/execution", "x".repeat(2 << 20), 413),
        ("PUT", "/processes", String::new(), 405),
    ] {
        let (status, answered, text) = server.call(method, path, &headers, &body);
        assert_eq!(
            (status, header(&answered, "content-type")),
            (wanted, "application/problem+json"),
            "{text}"
        );
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&problem["status"], &problem["instance"]), (&json!(wanted), &json!(path)));
    }
}

#[test]
fn a_body_at_the_border_is_taken_and_a_byte_more_is_413() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[limits]\nbody_megabytes = 1\n");
    let most = 1 << 20;
    let body = |size: usize| {
        let head = r#"{"inputs": {"text": "a"}}"#;
        format!("{head}{}", " ".repeat(size - head.len()))
    };
    let wps = |size: usize| {
        let head = r#"<wps:GetCapabilities xmlns:wps="http://www.opengis.net/wps/2.0" service="WPS"/>"#;
        format!("{head}{}", " ".repeat(size - head.len()))
    };
    for (path, kind, at, over) in [
        ("/processes/echo/execution", "application/json", body(most), body(most + 1)),
        ("/wps", "text/xml", wps(most), wps(most + 1)),
    ] {
        let send = |body: &str| server.call("POST", path, &[("Content-Type", kind)], body);
        let (status, _, text) = send(&at);
        assert_eq!(status, 200, "{path}: {text}");
        let (status, _, text) = send(&over);
        assert!(status == 413 && text.contains("1 MB"), "{path}: {status} {text}");
        // The same without a length that tells it before.
        for (body, wanted) in [(&at, "200"), (&over, "413")] {
            let address = server.base.strip_prefix("http://").unwrap();
            let mut stream = TcpStream::connect(address).unwrap();
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {kind}\r\nConnection: close\r\n\
                 Transfer-Encoding: chunked\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            for part in body.as_bytes().chunks(100_000) {
                let sent = stream.write_all(format!("{:x}\r\n", part.len()).as_bytes());
                _ = sent.and_then(|()| stream.write_all(part)).and_then(|()| stream.write_all(b"\r\n"));
            }
            _ = stream.write_all(b"0\r\n\r\n");
            let mut answer = Vec::new();
            _ = stream.read_to_end(&mut answer);
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with(&format!("HTTP/1.1 {wanted}")), "{path}: {answer}");
        }
    }
}
