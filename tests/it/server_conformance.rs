//! What the suites and abstract tests of OGC API - Common, Features, Tiles, of tile matrix sets, CQL2 and WMTS
//! demand beside what `server_features.rs` and `server_tiles.rs` restate; and that `docs/conformance.md` says no
//! more and no less than what is declared and tested.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::server::{Server, header};
use crate::server_collections::run_heat_map;

const MINES: &str = "lon,lat,name,date\n113.0,27.8,old pit,2019-07-01\n113.1,27.9,new pit,2020-01-01\n\
                     113.2,27.9,open pit,2021-01-01T12:00:00Z\n";

/// A server with mines and a heat map of its own.
fn start() -> (tempfile::TempDir, Server, String) {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("mines.csv"), MINES).unwrap();
    // Hosts for callbacks, without which that class is not declared.
    let config = "[data.files]\nmines = \"mines.csv\"\n[links]\nhosts = [\"example.org\"]\n";
    let server = Server::start(home.path(), config);
    let job = run_heat_map(&server);
    (home, server, format!("/collections/{job}-density"))
}

#[test]
fn every_class_that_is_declared_has_a_row_and_every_test_that_is_named_exists() {
    let (_home, server, _) = start();
    let (_, declared) = server.get("/conformance");
    let classes = declared["conformsTo"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned());
    let declared: BTreeSet<String> = classes.collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/conformance.md")).unwrap();
    let mut tests = std::fs::read_to_string(root.join("src/store/feature_query/tests.rs")).unwrap();
    for file in std::fs::read_dir(root.join("tests/it")).unwrap() {
        let path = file.unwrap().path();
        tests += &if path.is_file() { std::fs::read_to_string(path).unwrap() } else { String::new() };
    }
    let mut told = BTreeSet::new();
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let marked: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let own: Vec<&&str> = marked.iter().filter(|text| text.contains("/conf/")).collect();
        // The 2.0 draft of Processes alone has `https`.
        let scheme = |class: &str| if class.contains("processes-1/2.0") { "https" } else { "http" };
        told.extend(own.iter().map(|class| format!("{}://www.opengis.net/spec/{class}", scheme(class))));
        let is_name =
            |text: &&&str| text.contains('_') && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let named: Vec<&&str> = marked.iter().filter(is_name).collect();
        assert!(own.is_empty() || !named.is_empty(), "no test in {row}");
        // Rows of fuzz targets begin with their name.
        for name in named.into_iter().filter(|_| !row.starts_with("| `") || !own.is_empty()) {
            assert!(tests.contains(&format!("fn {name}(")), "there is no test `{name}`");
        }
    }
    let missing: Vec<&String> = declared.difference(&told).collect();
    let more: Vec<&String> = told.difference(&declared).collect();
    assert!(missing.is_empty() && more.is_empty(), "not in the page: {missing:#?}\nnot declared: {more:#?}");
}

/// Common /req/html, Features /req/html/definition: every 200 of these resources is a page too, by `Accept`
/// and by `f`.
#[test]
fn every_resource_of_common_and_features_is_a_page_too() {
    let (_home, server, raster) = start();
    for path in [
        "/",
        "/api",
        "/conformance",
        "/collections",
        &raster,
        "/collections/mines",
        "/collections/mines/items",
        "/collections/mines/items/2",
    ] {
        let (status, headers, by_accept) = server.call("GET", path, &[("Accept", "text/html")], "");
        assert_eq!(
            (status, header(&headers, "content-type").split(';').next()),
            (200, Some("text/html")),
            "{path}"
        );
        let (status, headers, _) = server.call("GET", &format!("{path}?f=html"), &[], "");
        assert_eq!(
            (status, header(&headers, "content-type").split(';').next()),
            (200, Some("text/html")),
            "{path}"
        );
        assert!(by_accept.starts_with("<!DOCTYPE html>"), "{path}");
        let (_, headers, _) = server.call("GET", path, &[], "");
        assert!(header(&headers, "content-type").contains("json"), "{path}: JSON where nothing is said");
    }
}

/// Items as a page: the same features, conditions and links to the pages beside it.
#[test]
fn items_are_a_table_with_a_filter_in_pages() {
    let (_home, server, _) = start();
    let page = |query: &str| {
        let (status, _, text) =
            server.call("GET", &format!("/collections/mines/items?{query}"), &[("Accept", "text/html")], "");
        assert_eq!(status, 200, "{query}: {text}");
        text
    };
    let first = page("limit=2");
    assert!(first.contains("2 of 3") && first.contains("old pit") && !first.contains("open pit"), "{first}");
    let next =
        first.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let second = page(next.split('?').nth(1).unwrap());
    assert!(
        second.contains("open pit") && second.contains("rel=\"prev\"") && !second.contains("rel=\"next\"")
    );
    let filtered = page("filter=name%20like%20%27n%25%27&sortby=-name");
    assert!(filtered.contains("1 of 1") && filtered.contains("new pit"));
    // What was asked stands in the form again, and cannot break out of it.
    assert!(
        filtered.contains("value=\"name like 'n%'\"") && filtered.contains("value=\"-name\""),
        "{filtered}"
    );
    let nothing = page("filter=name%20%3D%20%27%22%3E%3Cscript%3E%27");
    assert!(nothing.contains("There are no such items") && !nothing.contains("<script>'"));
    let (status, _, item) = server.call("GET", "/collections/mines/items/2", &[("Accept", "text/html")], "");
    assert!(status == 200 && item.contains("new pit") && item.contains("Point"), "{item}");
    let (status, _, wrong) =
        server.call("GET", "/collections/mines/items?filter=nam%3D1", &[("Accept", "text/html")], "");
    assert!(status == 400 && wrong.contains("did you mean"), "{wrong}");
    assert_eq!(server.get("/collections/mines/items/2?f=xml").0, 400);
}

/// CQL2 /req/basic-cql2: dates and times are values too.
#[test]
fn conditions_know_dates_and_times() {
    let (_home, server, _) = start();
    for (filter, count) in [
        ("date >= DATE('2020-01-01')", 2),
        ("date < TIMESTAMP('2021-01-01T13:00:00%2B01:00')", 2),
        ("date = TIMESTAMP('2021-01-01T14:00:00%2B02:00')", 1),
        ("date between DATE('2019-01-01') and DATE('2020-06-01')", 2),
        ("date <> DATE('2019-07-01') and name like '%25pit'", 2),
    ] {
        let path =
            format!("/collections/mines/items?filter={}", filter.replace(' ', "%20").replace('>', "%3E"));
        let (status, found) = server.get(&path.replace('<', "%3C"));
        assert_eq!((status, &found["numberMatched"]), (200, &json!(count)), "{filter}: {found}");
    }
    let (status, problem) = server.get("/collections/mines/items?filter=date%3DDATE('2019-13-01')");
    assert_eq!((status, &problem["input"]), (400, &json!("filter")), "{problem}");
}

/// 17-083r4 /req/json-tilematrixset, and the words of the draft that older clients know.
#[test]
fn a_tile_matrix_set_says_the_same_in_the_words_of_its_draft() {
    let (_home, server, _) = start();
    for set in ["WebMercatorQuad", "WorldCRS84Quad"] {
        let (_, told) = server.get(&format!("/tileMatrixSets/{set}"));
        assert_eq!((&told["id"], &told["crs"]), (&told["identifier"], &told["supportedCRS"]));
        let corners = &told["boundingBox"];
        let levels = told["tileMatrices"].as_array().unwrap();
        for (level, z) in levels.iter().zip(0..) {
            assert_eq!(
                (&level["id"], &level["identifier"]),
                (&json!(format!("{z}")), &json!(format!("{z}")))
            );
            assert_eq!(level["pointOfOrigin"], level["topLeftCorner"]);
            // Origin, cells and tiles make up the box.
            let number = |name: &str| level[name].as_f64().unwrap();
            let (x, y) =
                (level["pointOfOrigin"][0].as_f64().unwrap(), level["pointOfOrigin"][1].as_f64().unwrap());
            let cell = number("cellSize");
            let right = x + cell * number("tileWidth") * number("matrixWidth");
            let low = y - cell * number("tileHeight") * number("matrixHeight");
            let close = |a: f64, b: &Value| (a - b.as_f64().unwrap()).abs() < 1e-6 * a.abs().max(1.0);
            assert!(close(x, &corners["lowerLeft"][0]) && close(y, &corners["upperRight"][1]), "{level}");
            assert!(
                close(right, &corners["upperRight"][0]) && close(low, &corners["lowerLeft"][1]),
                "{level}"
            );
        }
    }
}

/// WMTS 1.0.0, 7.1 and 10: versions, what is missing, and that every name and address that the capabilities
/// tell is one that works.
#[test]
fn wmts_capabilities_name_what_is_there_and_their_addresses_work() {
    let (_home, server, _) = start();
    for (query, code, locator) in [
        (
            "service=WMTS&request=GetCapabilities&acceptversions=2.0.0",
            "VersionNegotiationFailed",
            "acceptversions",
        ),
        ("request=GetCapabilities", "MissingParameterValue", "service"),
        ("service=WMTS", "MissingParameterValue", "request"),
        ("service=WMTS&request=Nothing", "InvalidParameterValue", "request"),
    ] {
        let (status, text) = server.get(&format!("/wmts?{query}"));
        let text = text.as_str().unwrap();
        let told = format!("exceptionCode=\"{code}\" locator=\"{locator}\"");
        assert!(status == 400 && text.contains(&told), "{query}: {text}");
    }
    let (status, text) = server.get("/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&ACCEPTVERSIONS=3.0.0,1.0.0");
    assert_eq!(status, 200);
    let text = text.as_str().unwrap();
    let xml = roxmltree::Document::parse(text).unwrap();
    let all = |name: &str| xml.descendants().filter(|n| n.tag_name().name() == name).collect::<Vec<_>>();
    let child = |of: roxmltree::Node<'_, '_>, name: &str| {
        of.children()
            .find(|n| n.tag_name().name() == name)
            .and_then(|n| n.text())
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(xml.root_element().attribute("version"), Some("1.0.0"));
    assert_eq!(all("ServiceType")[0].text(), Some("OGC WMTS"));
    let operations: Vec<&str> = all("Operation").iter().map(|n| n.attribute("name").unwrap()).collect();
    assert!(operations.contains(&"GetCapabilities") && operations.contains(&"GetTile"), "{operations:?}");
    let sets: BTreeSet<String> = all("TileMatrixSet")
        .into_iter()
        .filter(|n| n.children().any(|c| c.tag_name().name() == "TileMatrix"))
        .map(|n| child(n, "Identifier"))
        .collect();
    assert_eq!(sets.len(), 2);
    for layer in all("Layer") {
        let linked: Vec<String> = layer
            .children()
            .filter(|n| n.tag_name().name() == "TileMatrixSetLink")
            .map(|link| child(link, "TileMatrixSet"))
            .collect();
        assert!(!linked.is_empty() && linked.iter().all(|set| sets.contains(set)), "{linked:?}");
        let style = layer.children().find(|n| n.tag_name().name() == "Style").unwrap();
        let resources = layer.children().filter(|n| n.tag_name().name() == "ResourceURL");
        let tiles: Vec<_> = resources.filter(|n| n.attribute("resourceType") == Some("tile")).collect();
        assert!(!tiles.is_empty());
        for resource in tiles {
            for set in &linked {
                let href = resource.attribute("template").unwrap();
                let href = [
                    ("{Style}", child(style, "Identifier").as_str()),
                    ("{style}", child(style, "Identifier").as_str()),
                    ("{TileMatrixSet}", set.as_str()),
                    ("{TileMatrix}", "0"),
                    ("{TileRow}", "0"),
                    ("{TileCol}", "0"),
                ]
                .iter()
                .fold(href.to_owned(), |href, (name, value)| href.replace(name, value));
                let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
                let answer = agent.get(&href).call().unwrap_or_else(|e| panic!("{href}: {e}"));
                assert_eq!(answer.headers()["content-type"], resource.attribute("format").unwrap(), "{href}");
            }
        }
    }
}
