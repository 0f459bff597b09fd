//! What clients send that is not quite what a document asks for, and what they and caches are told.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::{Value, json};

use crate::server::{Server, header};

const FEATURES: &str = r#"{"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"date": "2019-07-01", "a": 1, "geometry": "round"}, "geometry": {"type": "Point", "coordinates": [113.0, 27.8]}},
    {"type": "Feature", "properties": {"date": "2020-07-01", "a": 2, "geometry": "square"}, "geometry": {"type": "Point", "coordinates": [113.1, 27.8]}},
    {"type": "Feature", "properties": {"date": "", "a": 3}, "geometry": {"type": "Point", "coordinates": [113.2, 27.8]}}
]}"#;

/// A server with a collection of features, `pits`.
fn serving(home: &Path, more: &str) -> Server {
    let pits = home.join("pits.geojson");
    std::fs::write(&pits, FEATURES).unwrap();
    Server::start(home, &format!("{more}\n[data.mines]\npits = '{}'\n", pits.display()))
}

/// Posts bytes that are no text.
fn post_bytes(server: &Server, path: &str, media_type: &str, body: &[u8]) -> String {
    let address = server.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn varies(headers: &[(String, String)]) -> Vec<String> {
    let lines = headers.iter().filter(|(name, _)| name == "vary");
    let names = lines.flat_map(|(_, value)| value.split(',')).map(|name| name.trim().to_ascii_lowercase());
    names.collect()
}

#[test]
fn a_long_condition_is_answered_or_refused_and_the_server_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let server = serving(home.path(), "");
    let tile = "/collections/pits/tiles/WebMercatorQuad/0/0/0";
    // Of a chain that is taken its length, and one that is too long.
    for (first, link, last, taken) in [
        ("a", "%2B1", "%3E1", 4000),
        ("a", "*1", "%3E1", 4000),
        ("a", "-a", "%3E1", 4000),
        ("1", "/a", "%3Ca", 4000),
        ("a=1", "%20or%20a=1", "", 1800),
        ("a=1", "%20and%20a=1", "", 1500),
    ] {
        for place in ["/collections/pits/items", tile] {
            let ask = |count: usize| {
                server.call("GET", &format!("{place}?filter={first}{}{last}", link.repeat(count)), &[], "")
            };
            let (status, _, text) = ask(taken);
            assert_eq!(status, 200, "{place} {link}: {text}");
            // The head of a request ends at 64 kB.
            let (status, _, text) = ask(if link.len() > 6 { 4000 } else { 8000 });
            assert_eq!(status, 400, "{place} {link}");
            assert!(text.contains("more than 10000") || text.contains("longer than 16384"), "{text}");
        }
    }
    assert_eq!(server.get("/health").0, 200);
}

#[test]
fn a_slash_at_the_end_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let server = serving(home.path(), "");
    for path in [
        "/processes",
        "/processes/echo",
        "/jobs",
        "/conformance",
        "/api",
        "/collections",
        "/collections/pits",
        "/collections/pits/items",
        "/collections/pits/items/1",
        "/collections/pits/tiles/WebMercatorQuad",
        "/collections/pits/tiles/WebMercatorQuad/0/0/0",
        "/tiles/pits/tilejson.json",
        "/tileMatrixSets",
        "/styles",
    ] {
        let (status, _, with) = server.call("GET", &format!("{path}/"), &[], "");
        let (_, _, without) = server.call("GET", path, &[], "");
        assert_eq!(status, 200, "{path}");
        if !path.ends_with("/items") {
            assert_eq!(with, without, "{path}");
        }
    }
    let echo = json!({"inputs": {"text": "x"}, "outputs": {"text": {}}}).to_string();
    let kind = [("Content-Type", "application/json")];
    assert_eq!(server.call("POST", "/processes/echo/execution/", &kind, &echo).2.trim_end(), "\"x\"");
    assert_eq!(server.call("GET", "/wps/?service=WPS&request=GetCapabilities", &[], "").0, 200);
    assert_eq!(server.get("/nothing/").0, 404);
}

#[test]
fn a_limit_above_the_most_is_the_most() {
    let home = tempfile::tempdir().unwrap();
    let server = serving(home.path(), "");
    for path in ["/jobs", "/processes", "/collections", "/collections/pits/items"] {
        for limit in ["1001", "100000", "99999999999999999999999999"] {
            let (status, page) = server.get(&format!("{path}?limit={limit}"));
            assert_eq!(status, 200, "{path} {limit}: {page}");
        }
        for wrong in ["0", "-1", "1.5", "", "many"] {
            assert_eq!(server.get(&format!("{path}?limit={wrong}")).0, 400, "{path} {wrong}");
        }
    }
}

#[test]
fn bodies_and_files_with_byte_order_marks_and_other_encodings_are_read() {
    let home = tempfile::tempdir().unwrap();
    let utf_16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let gml = r#"<?xml version="1.0" encoding="UTF-16"?><gml:featureMembers xmlns:gml="http://www.opengis.net/gml"><gml:mine><gml:name>矿</gml:name><gml:at><gml:Point><gml:pos>113 27.8</gml:pos></gml:Point></gml:at></gml:mine></gml:featureMembers>"#;
    let (file, table) = (home.path().join("a.gml"), home.path().join("b.csv"));
    std::fs::write(&file, utf_16(&format!("\u{feff}{gml}"))).unwrap();
    std::fs::write(&table, "\u{feff}lon,lat,name\n113,27.8,矿\n").unwrap();
    // The configuration has a mark too.
    let server = Server::start(
        home.path(),
        &format!("\u{feff}title = \"Marked\"\n[data.mines]\na = {file:?}\nb = {table:?}\n"),
    );
    assert_eq!(server.get("/").1["title"], "Marked");
    for name in ["a", "b"] {
        let (_, page) = server.get(&format!("/collections/{name}/items"));
        assert_eq!(page["features"][0]["properties"]["name"], "矿", "{name}: {page}");
    }

    let echo = json!({"inputs": {"text": "矿"}, "outputs": {"text": {}}}).to_string();
    let path = "/processes/echo/execution";
    for body in [format!("\u{feff}{echo}").into_bytes(), utf_16(&format!("\u{feff}{echo}"))] {
        let answer = post_bytes(&server, path, "application/json", &body);
        assert!(answer.trim_end().ends_with("\"矿\""), "{answer}");
    }
    let wps = |encoding: &str| {
        format!(
            r#"<?xml version="1.0" encoding="{encoding}"?><wps:Execute xmlns:wps="http://www.opengis.net/wps/2.0" xmlns:ows="http://www.opengis.net/ows/2.0" service="WPS" version="2.0.0" response="raw" mode="sync"><ows:Identifier>echo</ows:Identifier><wps:Input id="text"><wps:Data><wps:LiteralValue>é</wps:LiteralValue></wps:Data></wps:Input><wps:Output id="text"/></wps:Execute>"#
        )
    };
    let latin: Vec<u8> = wps("ISO-8859-1").chars().map(|c| c as u8).collect();
    let bare: Vec<u8> = wps("UTF-8")
        .replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "")
        .chars()
        .map(|c| c as u8)
        .collect();
    for (media_type, body) in [
        ("text/xml", utf_16(&format!("\u{feff}{}", wps("UTF-16")))),
        ("application/xml; charset=utf-16", utf_16(&wps("UTF-16"))),
        ("text/xml", latin),
        ("text/xml; charset=\"iso-8859-1\"", bare.clone()),
    ] {
        let answer = post_bytes(&server, "/wps", media_type, &body);
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\né"),
            "{media_type}: {answer}"
        );
    }
    let refused = post_bytes(&server, "/wps", "text/xml", &bare);
    assert!(refused.contains("ExceptionReport") && refused.contains("it is not UTF-8"), "{refused}");
}

#[test]
fn answers_tell_what_they_depend_on() {
    let home = tempfile::tempdir().unwrap();
    let server = serving(home.path(), "");
    for path in [
        "/collections/pits/items",
        "/collections/pits/items/1",
        "/collections/pits/items?limit=1",
        "/api",
        "/jobs",
    ] {
        let (_, headers, _) = server.call("GET", path, &[], "");
        let names = varies(&headers);
        assert!(
            names.contains(&"accept".to_owned()) && names.contains(&"accept-encoding".to_owned()),
            "{path}: {names:?}"
        );
        assert!(!names.contains(&"authorization".to_owned()), "{path}: {names:?}");
        let known = [("If-None-Match", header(&headers, "etag"))];
        let (status, headers, _) = server.call("GET", path, &known, "");
        if !path.ends_with("/jobs") {
            assert_eq!(status, 304, "{path}");
        }
        assert!(varies(&headers).contains(&"accept".to_owned()), "{path}: {headers:?}");
    }
    drop(server);
    let server = serving(home.path(), "[keys]\nann = \"0123456789abcdef-ann\"\n");
    let key = [("Authorization", "Bearer 0123456789abcdef-ann")];
    let (status, headers, _) = server.call("GET", "/collections/pits/items", &key, "");
    assert_eq!(status, 200);
    for name in ["accept", "authorization", "x-api-key"] {
        assert!(varies(&headers).contains(&name.to_owned()), "{name}: {headers:?}");
    }
}

#[test]
fn what_is_refused_by_its_weight_is_not_sent() {
    let home = tempfile::tempdir().unwrap();
    let server = serving(home.path(), "");
    let items = "/collections/pits/items";
    for (accept, expected) in [
        ("text/csv;q=0, application/geo+json;q=0.1", "application/geo+json"),
        ("application/geo+json;q=0, text/csv", "text/csv"),
        ("text/csv;q=0.5, application/geo+json", "application/geo+json"),
        ("text/csv, application/geo+json", "text/csv"),
        ("*/*, application/geo+json;q=0, application/json;q=0, text/html;q=0", "text/csv"),
        ("image/png", "application/geo+json"),
        ("text/csv;q=0", "application/geo+json"),
    ] {
        let (status, headers, _) = server.call("GET", items, &[("Accept", accept)], "");
        assert_eq!(
            (status, header(&headers, "content-type").split(';').next().unwrap()),
            (200, expected),
            "{accept}"
        );
    }
    for (path, accept) in [
        (items, "*/*;q=0"),
        (items, "application/geo+json;q=0, application/json;q=0"),
        ("/processes", "application/json;q=0"),
        ("/api", "*/*;q=0"),
    ] {
        let (status, _, text) = server.call("GET", path, &[("Accept", accept)], "");
        assert_eq!(status, 406, "{path} {accept}: {text}");
        assert!(text.contains("Accept"), "{text}");
    }
    assert_eq!(server.call("GET", "/processes?f=json", &[("Accept", "*/*;q=0")], "").0, 200);
    let tile = "/collections/pits/tiles/WebMercatorQuad/0/0/0";
    let (_, headers, _) = server.call("GET", tile, &[("Accept-Encoding", "gzip;q=0")], "");
    assert_eq!(header(&headers, "content-encoding"), "");
}

#[test]
fn times_with_blanks_and_far_ends_are_filtered() {
    let home = tempfile::tempdir().unwrap();
    let server = serving(home.path(), "");
    let ids = |query: &str| -> Vec<u64> {
        let (status, page) = server.get(&format!("/collections/pits/items?{query}"));
        assert_eq!(status, 200, "{query}: {page}");
        page["features"].as_array().unwrap().iter().map(|f| f["properties"]["a"].as_u64().unwrap()).collect()
    };
    // The third has no time: it is there at all times.
    assert_eq!(ids("datetime=2019-01-01/2019-12-31"), [1, 3]);
    assert_eq!(ids("datetime=2020-01-01/.."), [2, 3]);
    for all in ["0001-01-01T00:00:00Z/9999-12-31T23:59:59Z", "../9999-12-31", "0001-01-01/9999-12-31"] {
        assert_eq!(ids(&format!("datetime={all}")), [1, 2, 3], "{all}");
    }
    assert_eq!(ids("datetime=9999-12-31"), [3]);
    assert_eq!(ids("filter=date%3CDATE('9999-12-31')"), [1, 2]);
    for path in ["/jobs", "/collections"] {
        let (status, page) =
            server.get(&format!("{path}?datetime=0001-01-01T00:00:00Z/9999-12-31T23:59:59Z"));
        assert_eq!(status, 200, "{path}: {page}");
    }
    let (_, schema) = server.get("/collections/pits/schema");
    let date = &schema["properties"]["date"];
    assert_eq!((&date["format"], &date["x-ogc-role"]), (&json!("date"), &json!("primary-instant")));
}

#[test]
fn a_property_called_geometry_stands_beside_the_geometry() {
    let home = tempfile::tempdir().unwrap();
    let server = serving(home.path(), "");
    let (_, queryables) = server.get("/collections/pits/queryables");
    assert_eq!(queryables["properties"]["geometry"]["type"], "string");
    assert_eq!(queryables["properties"]["geometry_"]["x-ogc-role"], "primary-geometry");
    for filter in [
        "geometry='round'",
        "S_INTERSECTS(geometry_,POINT(113%2027.8))",
        "S_INTERSECTS(geometry,POINT(113%2027.8))",
    ] {
        let (status, page) = server.get(&format!("/collections/pits/items?filter={filter}"));
        assert_eq!((status, &page["numberMatched"]), (200, &json!(1)), "{filter}: {page}");
        let feature = &page["features"][0];
        assert_eq!(
            (&feature["geometry"]["type"], &feature["properties"]["geometry"]),
            (&json!("Point"), &json!("round"))
        );
    }
    assert_eq!(server.get("/collections/pits/items?geometry=square").1["numberMatched"], 1);
}

#[test]
fn tilejson_of_features_leads_to_tiles_that_there_are() {
    let home = tempfile::tempdir().unwrap();
    let server = serving(home.path(), "");
    let (status, tilejson) = server.get("/tiles/pits/tilejson.json");
    assert_eq!((status, &tilejson["vector_layers"][0]["id"]), (200, &json!("pits")));
    let tile = ["{z}", "{x}", "{y}"]
        .iter()
        .fold(tilejson["tiles"][0].as_str().unwrap().to_owned(), |tile, name| tile.replace(name, "0"));
    let (status, headers, _) = server.call("GET", tile.strip_prefix(&server.base).unwrap(), &[], "");
    assert_eq!((status, header(&headers, "content-type")), (200, "application/vnd.mapbox-vector-tile"));
}

#[test]
fn capabilities_and_the_definition_are_asked_for_anew_and_known_by_their_tag() {
    let home = tempfile::tempdir().unwrap();
    let server = serving(home.path(), "server_names = [\"maps.example\"]\n");
    for path in ["/wmts?service=WMTS&request=GetCapabilities", "/wmts/1.0.0/WMTSCapabilities.xml", "/api"] {
        let (status, headers, text) = server.call("GET", path, &[], "");
        assert_eq!((status, header(&headers, "cache-control")), (200, "no-cache"), "{path}");
        let tag = header(&headers, "etag").to_owned();
        assert!(!tag.is_empty() && !text.is_empty(), "{path}");
        let (status, headers, text) = server.call("GET", path, &[("If-None-Match", &tag)], "");
        assert_eq!((status, header(&headers, "etag"), text.as_str()), (304, tag.as_str(), ""), "{path}");
    }
    // The links of the definition are those of the address that was asked.
    let (_, api) = server.get("/api");
    assert_eq!(api["servers"][0]["url"], server.base);
    let (_, _, other) = server.call("GET", "/api", &[("Host", "maps.example")], "");
    let other: Value = serde_json::from_str(&other).unwrap();
    assert_eq!(other["servers"][0]["url"], "http://maps.example");
}

#[test]
fn a_mode_in_the_query_is_done() {
    let home = tempfile::tempdir().unwrap();
    let server = serving(home.path(), "");
    let echo = json!({"inputs": {"text": "x"}, "outputs": {"text": {}}}).to_string();
    let kind = [("Content-Type", "application/json")];
    let path = "/processes/echo/execution";
    for (method, query, body, expected) in [
        ("POST", "?mode=async", echo.as_str(), 201),
        ("POST", "?mode=ASYNC", &echo, 201),
        ("POST", "?mode=sync", &echo, 200),
        ("POST", "?mode=auto", &echo, 200),
        ("POST", "?mode=later", &echo, 400),
        ("GET", "?text=y&outputs=text&mode=async", "", 201),
        ("GET", "?text=y&outputs=text&mode=sync", "", 200),
        ("GET", "?text=y&outputs=text&mode=later", "", 400),
    ] {
        let (status, headers, text) = server.call(method, &format!("{path}{query}"), &kind, body);
        assert_eq!(status, expected, "{method} {query}: {text}");
        assert_eq!(header(&headers, "location").contains("/jobs/"), expected == 201, "{method} {query}");
    }
    // What the header prefers stands over it.
    let both = [kind[0], ("Prefer", "respond-sync")];
    assert_eq!(server.call("POST", &format!("{path}?mode=async"), &both, &echo).0, 200);
}
