//! The pages of the running server: who gets one, where its links lead, what it loads.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};

use crate::server::{Server, header};

const BROWSER: (&str, &str) =
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8");
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x>";

fn page(server: &Server, path: &str) -> String {
    let (status, headers, text) = server.call("GET", path, &[BROWSER], "");
    assert_eq!(status, 200, "{path}: {text}");
    assert_eq!(header(&headers, "content-type"), "text/html; charset=utf-8", "{path}");
    let policy = header(&headers, "content-security-policy");
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{path}: {policy}");
    text
}

#[test]
fn pages_are_for_those_who_prefer_them() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let (_, _, done) = server.execute("echo", "respond-async", &json!({"inputs": {"text": "x"}}));
    let job = Server::job(&done);
    server.until(&job, "successful");
    let own = [job.clone(), format!("{job}/log"), format!("{job}/results")];
    let fixed = ["/", "/conformance", "/api", "/processes", "/processes/echo", "/jobs"];
    for path in fixed.into_iter().chain(own.iter().map(String::as_str)) {
        let kind = |query: &str, accept: &[(&str, &str)]| {
            let (status, headers, _) = server.call("GET", &format!("{path}{query}"), accept, "");
            assert_eq!(status, 200, "{path}{query} {accept:?}");
            assert!(header(&headers, "vary").to_lowercase().contains("accept"), "{path}: {headers:?}");
            header(&headers, "content-type").starts_with("text/html")
        };
        assert!(kind("", &[BROWSER]) && kind("", &[("Accept", "text/html")]), "{path}");
        assert!(kind("?f=html", &[]) && kind("?f=html", &[("Accept", "application/json")]), "{path}");
        if !path.ends_with("/results") {
            assert!(
                !kind("", &[]) && !kind("", &[("Accept", "*/*")]) && !kind("?f=json", &[BROWSER]),
                "{path}"
            );
        }
        let (status, _, text) = server.call("GET", &format!("{path}?f=xml"), &[], "");
        assert!(status == 400 && text.contains("\"input\":\"f\""), "{path}: {text}");
    }
    let classes = server.get("/conformance").1["conformsTo"].to_string();
    assert!(classes.contains("ogcapi-processes-1/1.0/conf/html"));

    let (status, headers, text) = server.call("GET", "/processes/ehco", &[BROWSER], "");
    assert_eq!((status, header(&headers, "content-type")), (404, "text/html; charset=utf-8"));
    assert!(text.contains("did you mean"), "{text}");
    let (status, _, text) = server.call("GET", "/jobs?limit=0", &[BROWSER], "");
    assert!(status == 400 && text.contains("<code>limit</code>"), "{text}");
    let (_, headers, _) = server.call("GET", "/nothing", &[], "");
    assert_eq!(header(&headers, "content-type"), "application/json");
}

#[test]
fn every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let point = json!({"type": "Point", "coordinates": [113.0, 27.9]});
    let (_, _, done) = server.execute("mine-heatmap", "respond-async", &json!({"inputs": {"mines": point}}));
    server.until(&Server::job(&done), "successful");
    let link = Regex::new(r#"<(\w+)[^>]*?\s(?:href|src|data-picture)="([^"]*)""#).unwrap();
    let inline = Regex::new(r"<script>|<[^>]*\s(on\w+|style)=|<style").unwrap();
    let (mut seen, mut waiting) = (BTreeSet::new(), VecDeque::from(["/".to_owned()]));
    let mut pictures = 0;
    while let Some(path) = waiting.pop_front() {
        let (status, headers, text) = server.call("GET", &path, &[BROWSER], "");
        assert_eq!(status, 200, "{path}: {text}");
        pictures += usize::from(header(&headers, "content-type") == "image/png");
        if !header(&headers, "content-type").starts_with("text/html") || path.contains("f=json") {
            continue;
        }
        assert!(!inline.is_match(&text), "{path}");
        assert_eq!(text.matches("<h1").count(), 1, "{path}");
        for hit in link.captures_iter(&text) {
            let (element, target) = (&hit[1], hit[2].replace("&amp;", "&"));
            assert!(!target.contains("://"), "{path}: <{element}> leads to {target}");
            let target = match target.chars().next() {
                Some('#') => {
                    assert!(text.contains(&format!("id=\"{}\"", &target[1..])), "{path}: {target}");
                    continue;
                }
                Some('?') => format!("{}{target}", path.split('?').next().unwrap()),
                _ => target.split('#').next().unwrap().to_owned(),
            };
            if seen.insert(target.clone()) {
                waiting.push_back(target);
            }
        }
    }
    // The map, its legend and the picture of the result.
    assert!(seen.len() > 40 && pictures == 3, "{pictures} {seen:?}");
}

#[test]
fn hostile_texts_stay_texts() {
    let home = tempfile::tempdir().unwrap();
    let config = format!("title = {}\n", json!(HOSTILE));
    let server = Server::start(home.path(), &config);
    let inputs = json!({"text": HOSTILE, "object": {HOSTILE: HOSTILE}, "number": 1});
    let (_, _, done) = server.execute("echo", "respond-async", &json!({"inputs": inputs}));
    let job = Server::job(&done);
    server.until(&job, "successful");
    let broken = json!({"inputs": {"mines": {"type": HOSTILE, "x": [HOSTILE]}}});
    let (_, _, failed) = server.execute("mine-heatmap", "respond-async", &broken);
    let failed = Server::job(&failed);
    server.until(&failed, "failed");
    for path in [&job, &format!("{job}/results"), &failed, "/", "/jobs", "/processes/echo"] {
        let text = page(&server, path);
        assert!(!text.contains("<script>alert") && !text.contains("<img src=x"), "{path}: {text}");
    }
    assert!(page(&server, &job).contains("&lt;script&gt;alert(1)"));
    let path = format!("/jobs?f=html&{}=1", "%3Cscript%3Ealert(1)%3C/script%3E");
    let (status, _, text) = server.call("GET", &path, &[], "");
    assert!(status == 400 && !text.contains("<script>alert"), "{text}");
    // What is opened by itself runs as nobody's page.
    let (_, headers, _) = server.call("GET", &format!("{job}/results/text"), &[BROWSER], "");
    assert!(header(&headers, "content-security-policy").starts_with("sandbox"), "{headers:?}");
}

#[test]
fn a_running_job_is_followed_and_shown_without_scripts() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let request = json!({"inputs": {"text": "slow", "pause": 600}});
    let (_, _, answer) = server.execute("echo", "respond-async", &request);
    let job = Server::job(&answer);
    server.until(&job, "running");
    std::thread::sleep(Duration::from_millis(600));
    let text = page(&server, &job);
    for wanted in
        ["http-equiv=\"refresh\"", "<progress", "role=\"status\"", "id=\"cancel\"", ">wait<", ">slow<"]
    {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    server.call("DELETE", &job, &[], "");
    let text = page(&server, &job);
    assert!(!text.contains("http-equiv=\"refresh\"") && text.contains("dismissed"), "{text}");
    let (status, _, text) = server.call("GET", &format!("{job}/results"), &[BROWSER], "");
    assert!(status == 410 && text.contains("<h1>"), "{text}");
}

#[test]
fn where_a_key_is_asked_for_the_page_asks_for_it() {
    let home = tempfile::tempdir().unwrap();
    let config = "[keys]\nann = \"0123456789abcdef-ann\"\n[data.files]\nsecret-name = \"rededge.toml\"\n";
    let server = Server::start(home.path(), config);
    let (status, headers, text) = server.call("GET", "/jobs", &[BROWSER], "");
    assert_eq!((status, header(&headers, "www-authenticate")), (401, "Bearer"));
    assert!(text.contains("id=\"sign-in\"") && text.contains("type=\"password\""), "{text}");
    let with_key = [BROWSER, ("Authorization", "Bearer 0123456789abcdef-ann")];
    let (status, _, text) = server.call("GET", "/jobs", &with_key, "");
    assert!(status == 200 && !text.contains("id=\"sign-in\""), "{text}");
    let form = |headers: &[(&str, &str)]| server.call("GET", "/processes/mine-heatmap", headers, "").2;
    assert!(!form(&[BROWSER]).contains("secret-name") && form(&with_key).contains("secret-name"));
}

#[test]
fn files_of_pages_are_known_by_their_tags() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    for (name, kind) in
        [("page.css", "text/css"), ("page.js", "text/javascript"), ("icon.svg", "image/svg+xml")]
    {
        let path = format!("/static/{name}");
        let (status, headers, text) = server.call("GET", &path, &[], "");
        assert!(status == 200 && header(&headers, "content-type").starts_with(kind), "{headers:?}");
        assert!(!text.contains("http://") || name == "icon.svg", "{name}");
        let tag = header(&headers, "etag").to_owned();
        assert_eq!(server.call("GET", &path, &[("If-None-Match", &tag)], "").0, 304);
        assert_eq!(server.call("GET", &path, &[("If-None-Match", "\"other\"")], "").0, 200);
    }
    assert_eq!(server.call("GET", "/static/..%2fpage.css", &[], "").0, 404);
    let (_, nothing): (u16, Value) = server.get("/static/secret");
    assert_eq!(nothing["status"], 404);
}

#[test]
fn the_series_at_a_point_is_that_of_the_process_with_its_clouds() {
    let home = tempfile::tempdir().unwrap();
    let county = home.path().join("county");
    let size = ["--width", "60", "--height", "60", "--dates", "10", "--seed", "3", "--bands", "ndre"];
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_rededge"))
        .arg("simulate")
        .arg(&county)
        .args(size)
        .output();
    assert!(made.unwrap().status.success());
    let config = "[data.cubes]\ncounty = \"county/items.json\"\n";
    let server = Server::start(home.path(), config);
    let (_, told) = server.get("/collections/county");
    let bbox: Vec<f64> = told["extent"]["spatial"]["bbox"][0]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect();
    let (lon, lat) = (f64::midpoint(bbox[0], bbox[2]), f64::midpoint(bbox[1], bbox[3]));
    let (status, told) = server.get(&format!("/collections/county/series?lon={lon}&lat={lat}&index=NDRE"));
    assert_eq!(status, 200, "{told}");
    let series = told["series"].as_array().unwrap();
    let point = json!({"type": "Point", "coordinates": [lon, lat]});
    let inputs = json!({"inputs": {"cube": "county", "features": point}, "outputs": {"table": {}}});
    let (status, _, table) = server.execute("index-series", "", &inputs);
    assert_eq!(status, 200, "{table}");
    let mut lines =
        table.as_str().unwrap().lines().map(|l| l.split(',').map(str::to_owned).collect::<Vec<_>>());
    let (heads, values) = (lines.next().unwrap(), lines.next().unwrap());
    let mut seen = 0;
    for (head, value) in heads.iter().zip(&values) {
        let Some(date) = head.strip_prefix("NDRE@") else { continue };
        let of_date = series.iter().find(|s| s["date"] == date).unwrap_or_else(|| panic!("{date}"));
        assert_eq!(of_date["clouds"].as_bool().unwrap(), value.is_empty(), "{date}: {of_date} {value}");
        if let Ok(value) = value.parse::<f64>() {
            assert!((of_date["value"].as_f64().unwrap() - value).abs() < 1e-6, "{date}");
        }
        seen += 1;
    }
    assert_eq!((seen, series.len()), (10, 10));
    assert!(series.iter().any(|s| s["clouds"] == true) && series.iter().any(|s| s["clouds"] == false));
    assert_eq!(server.get("/collections/county/series?lon=0&lat=0").1["series"], json!([]));
    for (bad, input) in [
        ("lon=0", "lat"),
        ("lon=x&lat=0", "lon"),
        ("lon=0&lat=0&index=NDXX", "index"),
        ("lon=0&lat=0&x=1", "x"),
    ] {
        let (status, told) = server.get(&format!("/collections/county/series?{bad}"));
        assert!(status == 400 && told["input"] == input, "{bad}: {told}");
    }
    assert_eq!(server.get("/collections/none/series?lon=0&lat=0").0, 404);
    let map = page(&server, "/viewer");
    assert!(map.contains("id=\"maps\"") || map.contains("make viewer"), "{map}");
    assert!(
        page(&server, "/collections").contains("/collections/county")
            && page(&server, "/collections/county").contains("/viewer#layers=county")
    );
}
