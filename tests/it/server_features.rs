//! Features and vector tiles of the running server: the demands of OGC API - Features parts 1, 2 and 3 and
//! of OGC API - Tiles, one test a rule, named in its comment by the identifier of the standard.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use geo::{BoundingRect, Geometry, Intersects, polygon};
use geozero::ToGeo;
use geozero::mvt::{Message, Tile};
use rededge::crs::Crs;
use rededge::io::vector_write::{FeatureFormat, VectorWriter};
use rededge::vector::{FeatureSchema, Field, FieldKind, GeometryKind, Value as Cell};
use serde_json::{Value, json};

use crate::server::{Server, header};

const CRS84: &str = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";
const EPSG: &str = "http://www.opengis.net/def/crs/EPSG/0/";

/// Zones along a row of UTM zone 49, each 60 m wide, and two mines.
fn write_zones(folder: &Path, count: usize) {
    let schema = FeatureSchema {
        crs: Crs::from_epsg(32649).unwrap(),
        geometry: GeometryKind::Polygon,
        fields: vec![
            Field::new("id", FieldKind::Integer),
            Field::new("class", FieldKind::Text),
            Field::new("areaHa", FieldKind::Real),
            Field::new("nearestMine", FieldKind::Text),
            Field::new("distanceM", FieldKind::Real),
        ],
        style: "zones",
    };
    let mut writer =
        VectorWriter::create(&folder.join("zones.gpkg"), &schema, FeatureFormat::GeoPackage).unwrap();
    for i in 0..count {
        let (x, y) = (700_000.0 + (i % 100) as f64 * 100.0, 3_090_000.0 + (i / 100) as f64 * 100.0);
        let zone =
            polygon![(x: x, y: y), (x: x + 60.0, y: y), (x: x + 60.0, y: y + 60.0), (x: x, y: y + 60.0)];
        let mine = if i % 10 == 9 { Cell::Null } else { Cell::Text(format!("M{}", i % 3)) };
        let values = [
            Cell::Number(i as f64 + 1.0),
            Cell::Text("stressed-rice".into()),
            Cell::Number(0.36 + (i * 7 % 100) as f64 / 10.0),
            mine,
            Cell::Number(i as f64 * 10.5),
        ];
        writer.push(&zone.into(), &values).unwrap();
    }
    writer.finish().unwrap();
    let mines = "lon,lat,name,date\n113.0,27.8,old pit,2019-07-01\n179.9,10,east,2020-01-01\n-179.9,10,west,2021-01-01T12:00:00Z\n";
    std::fs::write(folder.join("mines.csv"), mines).unwrap();
}

struct Fixture {
    server: Server,
    home: tempfile::TempDir,
}

impl Fixture {
    fn of(count: usize) -> Self {
        let home = tempfile::tempdir().unwrap();
        write_zones(home.path(), count);
        let config = "[data.files]\nzones = \"zones.gpkg\"\nmines = \"mines.csv\"\n";
        Self { server: Server::start(home.path(), config), home }
    }

    fn new() -> Self {
        Self::of(500)
    }

    /// A page of zones.
    fn zones(&self, query: &str) -> Value {
        let (status, page) = self.server.get(&format!("/collections/zones/items{query}"));
        assert_eq!(status, 200, "{query}: {page}");
        page
    }

    fn refused(&self, path: &str) -> String {
        let (status, problem) = self.server.get(path);
        assert_eq!(status, 400, "{path}: {problem}");
        problem.to_string()
    }

    fn tile(&self, place: &str) -> Tile {
        let (status, headers, bytes) = self.bytes(&format!("/collections/zones/tiles/{place}"));
        assert_eq!(
            (status, header(&headers, "content-type")),
            (200, "application/vnd.mapbox-vector-tile"),
            "{place}"
        );
        Tile::decode(bytes.as_slice()).unwrap()
    }

    fn bytes(&self, path: &str) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut response = agent.get(format!("{}{path}", self.server.base)).call().unwrap();
        let headers = response.headers().iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap().to_owned()));
        let headers = headers.collect();
        (response.status().as_u16(), headers, response.body_mut().read_to_vec().unwrap())
    }
}

/// Level, row and column of the tile of a place.
fn place(level: i32, longitude: f64, latitude: f64) -> (i32, u64, u64) {
    let latitude = latitude.to_radians();
    let y = 0.5 - (latitude.tan() + 1.0 / latitude.cos()).ln() / std::f64::consts::TAU;
    let across = 2f64.powi(level);
    (level, (y * across) as u64, ((longitude / 360.0 + 0.5) * across) as u64)
}

fn ids(page: &Value) -> Vec<u64> {
    page["features"].as_array().unwrap().iter().map(|f| f["id"].as_u64().unwrap()).collect()
}

fn link<'a>(document: &'a Value, rel: &str) -> Option<&'a str> {
    let links = document["links"].as_array().unwrap();
    links.iter().find(|l| l["rel"] == rel).map(|l| l["href"].as_str().unwrap())
}

/// /req/core/conformance-success, /req/crs/crs-uri, /req/filter/filter-param
#[test]
fn conformance_lists_the_classes_of_features() {
    let fixture = Fixture::of(1);
    let (_, conformance) = fixture.server.get("/conformance");
    let classes: Vec<&str> =
        conformance["conformsTo"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
    for end in [
        "ogcapi-features-1/1.0/conf/core",
        "ogcapi-features-1/1.0/conf/geojson",
        "ogcapi-features-2/1.0/conf/crs",
        "ogcapi-features-3/1.0/conf/features-filter",
        "cql2/1.0/conf/cql2-text",
        "ogcapi-tiles-1/1.0/conf/mvt",
    ] {
        assert!(classes.iter().any(|c| c.ends_with(end)), "{end}");
    }
}

/// /req/core/fc-md-items-links, /req/crs/crs-uri, /req/crs/storagecrs-valid-value
#[test]
fn a_collection_links_its_items_and_lists_its_systems() {
    let fixture = Fixture::new();
    let (_, zones) = fixture.server.get("/collections/zones");
    assert_eq!(zones["itemType"], "feature");
    assert!(link(&zones, "items").unwrap().ends_with("/collections/zones/items"));
    for rel in ["queryables", "schema", "tilesets-vector"] {
        assert!(link(&zones, &format!("http://www.opengis.net/def/rel/ogc/1.0/{rel}")).is_some(), "{rel}");
    }
    let crs: Vec<&str> = zones["crs"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
    assert_eq!(crs, [CRS84, &format!("{EPSG}4326"), &format!("{EPSG}3857"), &format!("{EPSG}32649")]);
    assert!(crs.contains(&zones["storageCrs"].as_str().unwrap()));
}

/// /req/core/fc-op, /req/core/fc-response, /req/core/fc-timeStamp, /req/core/fc-numberMatched
#[test]
fn items_are_a_feature_collection_with_counts_and_links() {
    let fixture = Fixture::new();
    let (status, headers, text) = fixture.server.call("GET", "/collections/zones/items", &[], "");
    let page: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, header(&headers, "content-type")), (200, "application/geo+json"));
    assert_eq!((&page["type"], &page["numberMatched"]), (&json!("FeatureCollection"), &json!(500)));
    assert_eq!((&page["numberReturned"], page["features"].as_array().unwrap().len()), (&json!(10), 10));
    assert!(page["timeStamp"].as_str().unwrap().ends_with('Z'));
    assert!(link(&page, "self").is_some() && link(&page, "alternate").is_some());
    assert_eq!(header(&headers, "content-crs"), format!("<{CRS84}>"));
    let first = &page["features"][0];
    assert_eq!(
        first["properties"],
        json!({"id": 1, "class": "stressed-rice", "areaHa": 0.36, "nearestMine": "M0", "distanceM": 0.0})
    );
    assert_eq!((&first["type"], &first["geometry"]["type"]), (&json!("Feature"), &json!("MultiPolygon")));
}

/// /req/core/fc-limit-response-1, /req/core/fc-links, /req/core/fc-prev-link
#[test]
fn pages_follow_one_another_to_the_end_and_back() {
    let fixture = Fixture::new();
    let mut seen = Vec::new();
    let mut next = "/collections/zones/items?limit=150&sortby=-distanceM&distanceM=".to_owned();
    next.truncate(next.len() - "&distanceM=".len());
    let mut before: Option<Value> = None;
    loop {
        let (_, page) = fixture.server.get(&next);
        seen.extend(ids(&page));
        if let Some(before) = &before {
            let back = link(&page, "prev").unwrap().strip_prefix(&fixture.server.base).unwrap();
            assert_eq!(ids(&fixture.server.get(back).1), ids(before));
        } else {
            assert!(link(&page, "prev").is_none());
        }
        match link(&page, "next") {
            Some(href) => href.strip_prefix(&fixture.server.base).unwrap().clone_into(&mut next),
            None => break,
        }
        before = Some(page);
    }
    assert_eq!(seen, (1..=500).rev().collect::<Vec<_>>());
    assert_eq!(fixture.zones("?limit=1000000")["numberReturned"], 500, "more than most is the most");
    assert_eq!(ids(&fixture.zones("?offset=9999")), [0u64; 0]);
}

/// /req/core/fc-limit-definition, fc-bbox-definition, fc-time-definition
#[test]
fn the_document_of_the_api_defines_the_parameters() {
    let fixture = Fixture::of(1);
    let (_, api) = fixture.server.get("/api");
    let operation = &api["paths"]["/collections/{collectionId}/items"]["get"];
    let parameter = |name: &str| {
        operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["name"] == name)
            .unwrap_or_else(|| panic!("{name}"))
    };
    for name in [
        "limit",
        "bbox",
        "datetime",
        "crs",
        "bbox-crs",
        "filter",
        "filter-lang",
        "filter-crs",
        "sortby",
        "properties",
    ] {
        assert_eq!(
            (&parameter(name)["in"], &parameter(name)["explode"]),
            (&json!("query"), &json!(false)),
            "{name}"
        );
    }
    assert_eq!(parameter("limit")["schema"]["default"], 10);
    assert_eq!(parameter("bbox")["schema"]["minItems"], 4);
    let ids = api["paths"].as_object().unwrap().values().filter_map(|p| p["get"]["operationId"].as_str());
    let mut ids = ids;
    assert!(ids.any(|id| id.contains(".getTile")));
}

/// /req/core/query-param-unknown, /req/core/query-param-invalid
#[test]
fn unknown_and_invalid_parameters_are_400_and_named() {
    let fixture = Fixture::new();
    for (query, told) in [
        ("unknown=1", "neither a parameter nor a property"),
        ("areHa=1", "did you mean `areaHa`?"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1&limit=2", "given twice"),
        ("offset=-1", "offset"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=1,2,3,4,5", "bbox"),
        ("bbox=1,2,3,a", "bbox"),
        ("bbox=0,10,1,5", "bbox"),
        ("bbox=0,-100,1,5", "bbox"),
        ("datetime=yesterday", "datetime"),
        ("datetime=2020-01-01/2019-01-01", "datetime"),
        ("filter=araHa%20%3E%202", "there is no property `araHa`; did you mean `areaHa`? (known: id, class"),
        ("filter=areaHa%20%3E", "at character 9"),
        ("filter-lang=cql2-json", "cql2-text"),
        ("sortby=size", "there is no property `size`"),
        ("properties=id,size", "there is no property `size`"),
        ("areaHa=much", "no number"),
        ("f=xml", "geojson, html, csv, gpkg"),
        ("crs=http://www.opengis.net/def/crs/EPSG/0/2154", "is not supported"),
        ("bbox-crs=nonsense", "is not supported"),
        ("filter-crs=EPSG:2154", "is not supported"),
        ("f=csv&crs=EPSG:3857", "a table has longitude and latitude"),
    ] {
        let detail = fixture.refused(&format!("/collections/zones/items?{query}"));
        assert!(detail.contains(told), "{query}: {detail}");
    }
    assert_eq!(fixture.server.get("/collections/nowhere/items").0, 404);
}

/// /req/core/fc-bbox-response, /per/core/fc-bbox: exactly those whose geometry meets the box
#[test]
fn a_box_finds_what_meets_it() {
    let fixture = Fixture::new();
    let all = fixture.zones("?limit=500");
    let boxes: Vec<(u64, geo::Rect<f64>)> =
        all["features"].as_array().unwrap().iter().map(|f| (f["id"].as_u64().unwrap(), rect(f))).collect();
    for wanted in [
        [113.03, 27.92, 113.06, 27.9205],
        [113.03, 27.9201, 113.03, 27.9201],
        [0.0, 0.0, 1.0, 1.0],
        [-180.0, -90.0, 180.0, 90.0],
    ] {
        let [w, s, e, n] = wanted;
        let page = fixture.zones(&format!("?limit=500&bbox={w},{s},{e},{n}"));
        let area = geo::Rect::new((w, s), (e, n));
        let near: Vec<u64> = boxes.iter().filter(|(_, r)| r.intersects(&area)).map(|(id, _)| *id).collect();
        let found = ids(&page);
        // A box that misses the bounding rectangle misses the geometry; squares of UTM lean a little.
        assert!(found.iter().all(|id| near.contains(id)), "{wanted:?}");
        assert!(
            near.len() - found.len() <= near.len() / 10 + 1,
            "{wanted:?}: {} of {}",
            found.len(),
            near.len()
        );
        assert_eq!(page["numberMatched"], found.len());
    }
    let heights = fixture.zones("?limit=500&bbox=113.03,27.92,0,113.06,27.9205,9");
    assert_eq!(ids(&heights), ids(&fixture.zones("?limit=500&bbox=113.03,27.92,113.06,27.9205")));
    let (_, fiji) = fixture.server.get("/collections/mines/items?bbox=170,-10,-170,20");
    assert_eq!(ids(&fiji), [2, 3], "across the antimeridian");
}

fn rect(feature: &Value) -> geo::Rect<f64> {
    let text = feature["geometry"].to_string();
    let geometry: Geometry<f64> = geozero::geojson::GeoJson(&text).to_geo().unwrap();
    geometry.bounding_rect().unwrap()
}

/// /req/core/fc-time-response
#[test]
fn a_time_finds_what_has_it() {
    let fixture = Fixture::of(1);
    let mines =
        |query: &str| ids(&fixture.server.get(&format!("/collections/mines/items?datetime={query}")).1);
    assert_eq!(mines("2019-07-01"), [1]);
    assert_eq!(mines("2019-07-01T10:00:00Z/.."), [1, 2, 3]);
    assert_eq!(mines("../2020-06-01"), [1, 2]);
    assert_eq!(mines("2021-01-01T12:00:00Z"), [3]);
    assert_eq!(
        fixture.zones("?datetime=1999-01-01")["numberMatched"],
        1,
        "what has no time is there at all times"
    );
}

/// /req/core/f-op, /req/core/f-success, /req/core/f-links
#[test]
fn one_item_has_its_links_and_others_are_404() {
    let fixture = Fixture::new();
    let (status, headers, text) = fixture.server.call("GET", "/collections/zones/items/42", &[], "");
    let item: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, header(&headers, "content-crs")), (200, format!("<{CRS84}>").as_str()));
    assert_eq!((&item["id"], &item["properties"]["id"]), (&json!(42), &json!(42)));
    assert!(link(&item, "self").is_some() && link(&item, "collection").is_some());
    for wrong in ["0", "501", "-1", "abc", "99999999999999999999"] {
        assert_eq!(fixture.server.get(&format!("/collections/zones/items/{wrong}")).0, 404, "{wrong}");
    }
    fixture.refused("/collections/zones/items/1?filter=id=1");
}

/// /req/crs/fc-crs-action, /req/crs/ogc-crs-header, /req/crs/fc-bbox-crs-action: axes in the order of the system
#[test]
fn coordinates_come_in_the_system_and_order_that_is_asked_for() {
    let fixture = Fixture::new();
    let first = |crs: &str| {
        let path = format!("/collections/zones/items?limit=1&crs={crs}");
        let (_, headers, text) = fixture.server.call("GET", &path, &[], "");
        assert_eq!(header(&headers, "content-crs"), format!("<{crs}>"));
        let page: Value = serde_json::from_str(&text).unwrap();
        let corner = &page["features"][0]["geometry"]["coordinates"][0][0][0];
        [corner[0].as_f64().unwrap(), corner[1].as_f64().unwrap()]
    };
    let (lonlat, latlon) = (first(CRS84), first(&format!("{EPSG}4326")));
    assert_eq!(lonlat, [latlon[1], latlon[0]]);
    let utm = first(&format!("{EPSG}32649"));
    assert!((utm[0] - 700_000.0).abs() < 0.001 && (utm[1] - 3_090_000.0).abs() < 0.001, "{utm:?}");
    assert!(first(&format!("{EPSG}3857"))[0] > 1.25e7);
    let [item] =
        &ids(&fixture.zones(&format!("?bbox=700310,3090010,700320,3090020&bbox-crs={EPSG}32649")))[..]
    else {
        panic!()
    };
    assert_eq!(*item, 4);
    let [x, y] = lonlat;
    let north_first =
        format!("?bbox={},{},{},{}&bbox-crs={EPSG}4326", y - 1e-5, x - 1e-5, y + 1e-5, x + 1e-5);
    assert_eq!(ids(&fixture.zones(&north_first)), [1]);
    let (status, headers, _) =
        fixture.server.call("GET", &format!("/collections/zones/items/3?crs={EPSG}3857"), &[], "");
    assert_eq!((status, header(&headers, "content-crs")), (200, format!("<{EPSG}3857>").as_str()));
}

/// /req/features-filter/filter-param, /req/queryables/get-conformance, cql2 /req/basic-cql2, /req/advanced-comparison-operators
#[test]
fn conditions_find_what_fulfils_them() {
    let fixture = Fixture::new();
    let area = |i: usize| 0.36 + (i * 7 % 100) as f64 / 10.0;
    let matched = |filter: &str| {
        let query: String = filter.bytes().map(|b| format!("%{b:02X}")).collect();
        fixture.zones(&format!("?limit=1&filter-lang=cql2-text&filter={query}"))["numberMatched"]
            .as_u64()
            .unwrap() as usize
    };
    let count = |test: &dyn Fn(usize) -> bool| (0..500).filter(|i| test(*i)).count();
    let mine = |i: usize| if i % 10 == 9 { None } else { Some(i % 3) };
    assert_eq!(
        matched("areaHa > 2 and distanceM < 3000"),
        count(&|i| area(i) > 2.0 && (i as f64) * 10.5 < 3000.0)
    );
    assert_eq!(
        matched("areaHa BETWEEN 1 AND 3 OR id IN (1, 2, 3)"),
        count(&|i| (1.0..=3.0).contains(&area(i)) || i < 3)
    );
    assert_eq!(matched("nearestMine = 'M1'"), count(&|i| mine(i) == Some(1)));
    assert_eq!(matched("nearestMine <> 'M1'"), count(&|i| mine(i).is_some_and(|m| m != 1)));
    assert_eq!(matched("nearestMine IS NULL"), 50);
    assert_eq!(matched("casei(nearestMine) LIKE casei('m_')"), 450);
    assert_eq!(matched("distanceM > id * 10.5 OR distanceM % 10.5 <> 0"), 0);
    assert_eq!(matched("S_INTERSECTS(geometry, BBOX(0, 0, 180, 90))"), 500);
    assert_eq!(matched("s_within(geometry, POLYGON((0 0, 1 0, 1 1, 0 0)))"), 0);
    let utm = "S_INTERSECTS(geometry, POINT(700310 3090010))".replace(' ', "%20");
    let page = fixture.zones(&format!("?filter={utm}&filter-crs={EPSG}32649"));
    assert_eq!(ids(&page), [4]);
    assert_eq!(ids(&fixture.zones("?nearestMine=M1&limit=2&sortby=-id&properties=id")), [497, 494]);
    let chosen = fixture.zones("?limit=1&properties=distanceM,id");
    assert_eq!(chosen["features"][0]["properties"], json!({"distanceM": 0.0, "id": 1}));
    assert_eq!(ids(&fixture.zones("?sortby=nearestMine,-areaHa&limit=500")).len(), 500);
}

/// /req/queryables/get-queryables-response
#[test]
fn queryables_are_a_schema_of_the_properties() {
    let fixture = Fixture::of(1);
    for what in ["queryables", "schema"] {
        let (status, headers, text) =
            fixture.server.call("GET", &format!("/collections/zones/{what}"), &[], "");
        let schema: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, header(&headers, "content-type")), (200, "application/schema+json"));
        assert_eq!(schema["$id"], format!("{}/collections/zones/{what}", fixture.server.base));
        assert_eq!(schema["properties"]["areaHa"], json!({"title": "Area ha", "type": "number"}));
        assert_eq!(schema["properties"]["geometry"]["format"], "geometry-polygon-or-multipolygon");
        assert_eq!(schema["additionalProperties"], false);
    }
}

/// The whole of what matches, as a table and as a GeoPackage.
#[test]
fn all_that_matches_is_had_as_a_table_or_a_geopackage() {
    let fixture = Fixture::new();
    let (status, headers, table) = fixture
        .bytes("/collections/zones/items?f=csv&filter=id%20%3C%3D%20300&sortby=-id&properties=id,areaHa");
    let table = String::from_utf8(table).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!((status, lines.len(), lines[0]), (200, 301, "id,areaHa,lon,lat"));
    assert!(lines[1].starts_with("300,"), "{}", lines[1]);
    assert_eq!(
        (header(&headers, "ogc-numbermatched"), header(&headers, "ogc-numberreturned")),
        ("300", "300")
    );
    assert!(header(&headers, "content-disposition").contains("zones.csv"));
    let (_, headers, part) = fixture.bytes("/collections/zones/items?f=csv&limit=7");
    assert_eq!(
        (String::from_utf8(part).unwrap().lines().count(), header(&headers, "ogc-numbermatched")),
        (8, "500")
    );
    let (_, headers, package) = fixture.bytes(&format!("/collections/zones/items?f=gpkg&crs={EPSG}32649"));
    assert_eq!(header(&headers, "content-type"), "application/geopackage+sqlite3");
    let path = fixture.home.path().join("back.gpkg");
    std::fs::write(&path, package).unwrap();
    assert_eq!(rededge::io::vectors::read(&path).unwrap().table.features.len(), 500);
    let accept = [("Accept", "text/csv")];
    let (_, headers, _) = fixture.server.call("GET", "/collections/zones/items?limit=1", &accept, "");
    assert!(header(&headers, "content-type").starts_with("text/csv"));
}

/// HEAD, ETag and 304, of items and of tiles.
#[test]
fn what_the_caller_has_is_not_sent_again() {
    let fixture = Fixture::new();
    for path in [
        "/collections/zones/items?limit=3",
        "/collections/zones/items/1",
        "/collections/zones/tiles/WebMercatorQuad/0/0/0",
    ] {
        let (_, headers, body) = fixture.bytes(path);
        let tag = header(&headers, "etag").to_owned();
        assert!(!tag.is_empty() && !body.is_empty(), "{path}");
        let (status, _, body) = fixture.server.call("GET", path, &[("If-None-Match", &tag)], "");
        assert_eq!((status, body.as_str()), (304, ""), "{path}");
        let (status, _, body) = fixture.server.call("HEAD", path, &[("Accept-Encoding", "identity")], "");
        assert_eq!((status, body.as_str()), (200, ""), "{path}");
        assert_eq!(fixture.server.call("GET", path, &[("If-None-Match", "\"other\"")], "").0, 200);
    }
}

/// /req/tileset/tileset-description, /req/core/tc-tilematrixset-definition, TileJSON 3
#[test]
fn a_tileset_tells_its_matrix_its_type_and_where_its_tiles_are() {
    let fixture = Fixture::new();
    let (status, list) = fixture.server.get("/collections/zones/tiles");
    assert_eq!((status, list["tilesets"].as_array().unwrap().len()), (200, 2));
    for set in list["tilesets"].as_array().unwrap() {
        let (status, set) =
            fixture.server.get(link(set, "self").unwrap().strip_prefix(&fixture.server.base).unwrap());
        assert_eq!((status, &set["dataType"]), (200, &json!("vector")));
        assert!(
            set["tileMatrixSetURI"]
                .as_str()
                .unwrap()
                .starts_with("http://www.opengis.net/def/tilematrixset/OGC/1.0/W")
        );
        let item = set["links"].as_array().unwrap().iter().find(|l| l["rel"] == "item").unwrap();
        assert_eq!(
            (&item["templated"], &item["type"]),
            (&json!(true), &json!("application/vnd.mapbox-vector-tile"))
        );
        assert_eq!(set["layers"][0]["propertiesSchema"]["properties"]["areaHa"]["type"], "number");
    }
    let (_, tilejson) = fixture.server.get("/collections/zones/tiles/WebMercatorQuad?f=tilejson");
    assert_eq!(
        (&tilejson["tilejson"], &tilejson["vector_layers"][0]["id"]),
        (&json!("3.0.0"), &json!("zones"))
    );
    assert!(tilejson["tiles"][0].as_str().unwrap().ends_with("/tiles/WebMercatorQuad/{z}/{y}/{x}"));
    assert_eq!(tilejson["vector_layers"][0]["fields"]["nearestMine"], "String");
    assert_eq!(fixture.server.get("/collections/zones/tiles/Nowhere").0, 404);
    fixture.refused("/collections/zones/tiles/WorldCRS84Quad?f=tilejson");
}

/// /req/core/tc-success, /req/core/tc-error: an empty tile is 200, one outside of the matrix 404
#[test]
fn tiles_hold_what_lies_in_them_and_outside_is_404() {
    let fixture = Fixture::new();
    let (level, row, column) = place(14, 113.04, 27.919);
    let tile = fixture.tile(&format!("WebMercatorQuad/{level}/{row}/{column}"));
    let layer = &tile.layers[0];
    assert_eq!((layer.name.as_str(), layer.keys.len()), ("zones", 5));
    let (_, all) = fixture.server.get("/collections/zones/items?limit=500");
    let drawn: Vec<u64> = layer.features.iter().map(|f| f.id.unwrap()).collect();
    assert!(!drawn.is_empty());
    // A zone back in degrees lies where the item does.
    let across = 2f64.powi(14);
    for feature in &layer.features {
        let geometry = feature.to_geo().unwrap();
        let middle = geometry.bounding_rect().unwrap().center();
        if !(0.0..4096.0).contains(&middle.x) || !(0.0..4096.0).contains(&middle.y) {
            continue;
        }
        let (x, y) =
            ((column as f64 + middle.x / 4096.0) / across, (row as f64 + middle.y / 4096.0) / across);
        let lon = x * 360.0 - 180.0;
        let lat = (std::f64::consts::PI * (1.0 - 2.0 * y)).sinh().atan().to_degrees();
        let item =
            all["features"].as_array().unwrap().iter().find(|f| f["id"] == feature.id.unwrap()).unwrap();
        let own = rect(item);
        assert!(own.min().x - 1e-4 < lon && lon < own.max().x + 1e-4, "{lon} {own:?}");
        assert!(own.min().y - 1e-4 < lat && lat < own.max().y + 1e-4, "{lat} {own:?}");
    }
    assert_eq!(fixture.tile("WebMercatorQuad/0/0/0").layers[0].features.len(), 500, "few are all shown");
    assert_eq!(fixture.tile("WorldCRS84Quad/0/0/1").layers[0].features.len(), 500);
    assert_eq!(fixture.tile("WorldCRS84Quad/0/0/0").layers[0].features.len(), 0);
    assert_eq!(fixture.tile("WebMercatorQuad/5/0/0").layers[0].features.len(), 0);
    assert!(!fixture.tile("WebMercatorQuad/22/1761188/3414204").layers.is_empty());
    for outside in ["0/0/1", "3/8/0", "3/-1/0", "3/a/0", "25/0/0", "x/0/0"] {
        assert_eq!(
            fixture.server.get(&format!("/collections/zones/tiles/WebMercatorQuad/{outside}")).0,
            404,
            "{outside}"
        );
    }
}

/// Attributes that are chosen, conditions, packing.
#[test]
fn tiles_are_filtered_and_packed() {
    let fixture = Fixture::new();
    let tile =
        fixture.tile("WebMercatorQuad/0/0/0?properties=id,areaHa&filter=id%20%3C%3D%2020&nearestMine=M1");
    let layer = &tile.layers[0];
    let found: Vec<u64> = layer.features.iter().map(|f| f.id.unwrap()).collect();
    let mut sorted = found.clone();
    sorted.sort_unstable();
    assert_eq!(
        (sorted, &layer.keys[..]),
        (vec![2, 5, 8, 11, 14, 17], &["id".to_owned(), "areaHa".to_owned()][..])
    );
    let detail = fixture.refused("/collections/zones/tiles/WebMercatorQuad/0/0/0?filter=size=2");
    assert!(detail.contains("there is no property `size`"), "{detail}");
    fixture.refused("/collections/zones/tiles/WebMercatorQuad/0/0/0?limit=3");
    let path = "/collections/zones/tiles/WebMercatorQuad/0/0/0";
    let host = fixture.server.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let ask = "Accept-Encoding: gzip\r\nConnection: close";
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n{ask}\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let body = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&answer[..body]).to_ascii_lowercase();
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert!(answer[body..].windows(2).any(|w| w == [0x1f, 0x8b]));
}

/// Many zones: a tile of the whole world stays small, and every level down shows more of them.
#[test]
fn many_zones_are_thinned_until_there_is_room() {
    let fixture = Fixture::of(20_000);
    let shown: Vec<usize> = [0, 4, 8, 10]
        .iter()
        .map(|z| {
            let (level, row, column) = place(*z, 113.05, 27.95);
            let tile = fixture.tile(&format!("WebMercatorQuad/{level}/{row}/{column}"));
            let features = &tile.layers[0].features;
            assert!(features.iter().all(|f| !f.geometry.is_empty()));
            features.len()
        })
        .collect();
    assert!(
        shown[0] >= 1 && shown.windows(2).all(|w| w[0] <= w[1]) && shown.iter().all(|n| *n <= 8192),
        "{shown:?}"
    );
    let rare = fixture.tile("WebMercatorQuad/0/0/0?filter=id%20in%20(7,%20777,%2017777)");
    assert_eq!(rare.layers[0].features.len(), 3, "what a condition leaves is shown");
}

/// Results of a job are collections with items, as soon as it is done.
#[test]
fn zones_of_a_job_have_items_and_tiles() {
    let fixture = Fixture::of(1);
    let mine = |lon: f64| json!({"type": "Feature", "properties": {"name": "mine"}, "geometry": {"type": "Point", "coordinates": [lon, 27.9]}});
    let mines = json!({"type": "FeatureCollection", "features": [mine(113.0), mine(113.1)]});
    let request = json!({"inputs": {"mines": mines, "bandwidth": 2000, "cell": 500}});
    let (_, _, job) = fixture.server.execute("mine-heatmap", "respond-async", &request);
    fixture.server.until(&Server::job(&job), "successful");
    let raster = format!("/collections/{}-density", job["jobID"].as_str().unwrap());
    assert_eq!(fixture.server.get(&raster).0, 200);
    assert_eq!(fixture.server.get(&format!("{raster}/items")).0, 404, "a raster has no items");
    assert_eq!(fixture.server.get(&format!("{raster}/tiles/WebMercatorQuad/0/0/0")).0, 404);
}
