//! What the suites of OGC API - Tiles, of tile matrix sets and of WMTS 1.0.0 demand, against the
//! running server: a test a rule. With it styles, legends, values and what web maps ask for.

use serde_json::{Value, json};

use crate::server::{Server, header};
use crate::server_collections::run_heat_map;

/// A server with a heat map, and what is asked for again and again.
struct Maps {
    _home: tempfile::TempDir,
    server: Server,
    job: String,
    /// Address of the collection, without that of the server.
    own: String,
    /// Level, row and column of a tile that shows something.
    tile: [u32; 3],
}

type Headers = Vec<(String, String)>;

impl Maps {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let server = Server::start(home.path(), "");
        let job = run_heat_map(&server);
        let own = format!("/collections/{job}-density");
        let (lon, lat) = (113.0f64, 27.9f64);
        let side = 2f64.powi(11);
        let col = ((lon + 180.0) / 360.0 * side) as u32;
        let row = ((1.0 - lat.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0 * side) as u32;
        Self { _home: home, server, job, own, tile: [11, row, col] }
    }

    fn at(&self, path: &str) -> (u16, Headers, Vec<u8>) {
        self.with(path, &[])
    }

    fn with(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Headers, Vec<u8>) {
        let mut request = ureq::http::Request::builder().uri(format!("{}{path}", self.server.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut response = agent.run(request.body(()).unwrap()).unwrap();
        let told = response.headers().iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap().to_owned()));
        let told = told.collect();
        (response.status().as_u16(), told, response.body_mut().read_to_vec().unwrap())
    }

    fn json(&self, path: &str) -> Value {
        let (status, _, bytes) = self.at(path);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).unwrap()
    }

    /// The path of an address of this server.
    fn path<'a>(&self, href: &'a str) -> &'a str {
        href.strip_prefix(&self.server.base).unwrap()
    }

    fn tile_path(&self) -> String {
        let [z, row, col] = self.tile;
        format!("{}/map/tiles/WebMercatorQuad/{z}/{row}/{col}", self.own)
    }

    fn wmts(&self, more: &str) -> (u16, Headers, Vec<u8>) {
        let [z, row, col] = self.tile;
        let layer = self.own.rsplit('/').next().unwrap();
        self.at(&format!(
            "/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}&STYLE=default&FORMAT=image/png\
             &TILEMATRIXSET=WebMercatorQuad&TILEMATRIX={z}&TILEROW={row}&TILECOL={col}{more}"
        ))
    }
}

fn link<'a>(document: &'a Value, rel: &str) -> &'a Value {
    let links = document["links"].as_array().unwrap();
    links.iter().find(|l| l["rel"] == rel).unwrap_or_else(|| panic!("no link {rel} in {document}"))
}

/// Width, height and how many pixels are not transparent.
fn png(bytes: &[u8]) -> (u32, u32, usize) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let size = info.color_type.samples();
    (info.width, info.height, pixels.chunks(size).filter(|p| p[size - 1] > 0).count())
}

#[test]
fn landing_page_and_conformance_tell_of_tiles() {
    let maps = Maps::start();
    let landing = maps.json("/");
    for rel in [
        "http://www.opengis.net/def/rel/ogc/1.0/data",
        "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes",
        "http://www.opengis.net/def/rel/ogc/1.0/styles",
    ] {
        assert_eq!(maps.at(maps.path(link(&landing, rel)["href"].as_str().unwrap())).0, 200, "{rel}");
    }
    let classes = maps.json("/conformance")["conformsTo"].to_string();
    for class in ["core", "tileset", "tilesets-list", "geodata-tilesets", "png", "oas30"] {
        assert!(classes.contains(&format!("ogcapi-tiles-1/1.0/conf/{class}\"")), "{class}");
    }
}

#[test]
fn the_definition_of_the_api_names_the_operation_of_tiles() {
    let maps = Maps::start();
    let api = maps.json("/api");
    let paths = api["paths"].as_object().unwrap();
    let ids: Vec<&str> = paths.values().filter_map(|p| p["get"]["operationId"].as_str()).collect();
    assert!(ids.iter().filter(|id| id.contains(".getTile")).count() >= 3, "{ids:?}");
    let path = "/collections/{collectionId}/map/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}";
    assert!(paths.contains_key(path));
}

#[test]
fn tile_matrix_sets_are_those_of_the_standard() {
    let maps = Maps::start();
    let list = maps.json("/tileMatrixSets");
    for (set, width) in [("WebMercatorQuad", 1), ("WorldCRS84Quad", 2)] {
        let entry = list["tileMatrixSets"].as_array().unwrap().iter().find(|s| s["id"] == set).unwrap();
        let document = maps.json(maps.path(link(entry, "self")["href"].as_str().unwrap()));
        assert_eq!(document["uri"], format!("http://www.opengis.net/def/tilematrixset/OGC/1.0/{set}"));
        let first = &document["tileMatrices"][0];
        assert_eq!(
            (&first["id"], &first["matrixWidth"], &first["tileWidth"]),
            (&json!("0"), &json!(width), &json!(256))
        );
        let scale = first["scaleDenominator"].as_f64().unwrap();
        assert!((scale * f64::from(width) - 559_082_264.028_717).abs() < 1e-3, "{scale}");
    }
    assert_eq!(maps.at("/tileMatrixSets/Mars2000").0, 404);
}

#[test]
fn a_collection_leads_to_its_tilesets_and_they_to_their_tiles() {
    let maps = Maps::start();
    let collection = maps.json(&maps.own);
    let tilesets =
        link(&collection, "http://www.opengis.net/def/rel/ogc/1.0/tilesets-map")["href"].as_str().unwrap();
    let list = maps.json(maps.path(tilesets));
    assert_eq!(list["tilesets"].as_array().unwrap().len(), 2);
    for summary in list["tilesets"].as_array().unwrap() {
        let tileset = maps.json(maps.path(link(summary, "self")["href"].as_str().unwrap()));
        for member in ["dataType", "crs", "tileMatrixSetURI", "links"] {
            assert!(
                !summary[member].is_null() && summary[member] == tileset[member] || member == "links",
                "{member}"
            );
        }
        assert_eq!(tileset["dataType"], "map");
        let scheme =
            link(&tileset, "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme")["href"].as_str().unwrap();
        assert_eq!(maps.json(maps.path(scheme))["uri"], tileset["tileMatrixSetURI"]);
        // Every template works for the first tile of every level's limits.
        let templates: Vec<&Value> =
            tileset["links"].as_array().unwrap().iter().filter(|l| l["rel"] == "item").collect();
        assert!(templates.iter().all(|l| l["templated"] == true) && templates.len() == 2);
        for limit in tileset["tileMatrixSetLimits"].as_array().unwrap() {
            for template in &templates {
                let href = template["href"].as_str().unwrap();
                let href = href
                    .replace("{tileMatrix}", limit["tileMatrix"].as_str().unwrap())
                    .replace("{tileRow}", &limit["minTileRow"].to_string())
                    .replace("{tileCol}", &limit["minTileCol"].to_string());
                let (status, headers, _) = maps.at(maps.path(&href));
                assert_eq!(
                    (status, header(&headers, "content-type")),
                    (200, template["type"].as_str().unwrap())
                );
            }
        }
    }
}

#[test]
fn a_tile_shows_something_and_an_empty_one_is_transparent() {
    let maps = Maps::start();
    let (status, headers, bytes) = maps.at(&maps.tile_path());
    assert_eq!((status, header(&headers, "content-type")), (200, "image/png"));
    let (width, height, seen) = png(&bytes);
    assert!((width, height) == (256, 256) && seen > 1000, "{seen}");
    let (status, _, bytes) = maps.at(&format!("{}/map/tiles/WebMercatorQuad/11/0/0", maps.own));
    assert_eq!((status, png(&bytes)), (200, (256, 256, 0)));
}

#[test]
fn tiles_outside_of_their_matrix_are_not_found() {
    let maps = Maps::start();
    let own = format!("{}/map/tiles", maps.own);
    for path in [
        "WebMercatorQuad/1/2/0",
        "WebMercatorQuad/1/0/2",
        "WebMercatorQuad/99/0/0",
        "WebMercatorQuad/1/-1/0",
        "WebMercatorQuad/one/0/0",
        "WorldCRS84Quad/0/0/2",
        "NoSuchSet/0/0/0",
    ] {
        assert_eq!(maps.at(&format!("{own}/{path}")).0, 404, "{path}");
    }
    assert_eq!(maps.at("/collections/nothing/map/tiles/WebMercatorQuad/0/0/0").0, 404);
    assert_eq!(maps.at(&format!("{}/styles/rice/map/tiles/WebMercatorQuad/0/0/0", maps.own)).0, 404);
}

#[test]
fn unknown_parameters_and_values_are_refused() {
    let maps = Maps::start();
    for query in ["colour=red", "f=gif", "f=png&f=png"] {
        assert_eq!(maps.at(&format!("{}?{query}", maps.tile_path())).0, 400, "{query}");
    }
    for path in ["/tileMatrixSets", "/styles", &maps.own, &format!("{}/map/tiles", maps.own)] {
        assert_eq!(maps.at(&format!("{path}?colour=red")).0, 400, "{path}");
    }
}

#[test]
fn tiles_come_as_png_or_webp_by_parameter_or_accept() {
    let maps = Maps::start();
    for (query, accept, expected) in [
        ("?f=webp", "*/*", "image/webp"),
        ("?f=png", "image/webp", "image/png"),
        ("", "image/webp", "image/webp"),
        ("", "image/avif,image/webp,*/*;q=0.8", "image/png"),
        ("", "image/webp, image/png;q=0", "image/webp"),
        ("", "image/webp;q=0, image/png;q=0", "image/png"),
    ] {
        let (status, headers, bytes) =
            maps.with(&format!("{}{query}", maps.tile_path()), &[("Accept", accept)]);
        assert_eq!((status, header(&headers, "content-type")), (200, expected), "{query} {accept}");
        assert_eq!(&bytes[..4], if expected == "image/png" { b"\x89PNG" } else { b"RIFF" });
    }
}

#[test]
fn a_tile_that_is_known_is_not_sent_again_and_goes_with_its_result() {
    let maps = Maps::start();
    let path = maps.tile_path();
    let (_, first, _) = maps.at(&path);
    let etag = header(&first, "etag");
    assert!(etag.starts_with('"') && !header(&first, "cache-control").is_empty(), "{first:?}");
    assert_eq!(header(&maps.at(&path).1, "etag"), etag, "the same from the cache");
    for known in [etag, "*", &format!("\"other\", W/{etag}")] {
        let (status, headers, bytes) = maps.with(&path, &[("If-None-Match", known)]);
        assert_eq!((status, bytes.len(), header(&headers, "etag")), (304, 0, etag), "{known}");
    }
    assert_eq!(maps.with(&path, &[("If-None-Match", "\"other\"")]).0, 200);
    assert_eq!(maps.server.call("DELETE", &format!("/jobs/{}", maps.job), &[], "").0, 200);
    assert_eq!(maps.at(&path).0, 410);
    assert_eq!(maps.with(&path, &[("If-None-Match", etag)]).0, 410);
    assert_eq!(maps.wmts("").0, 400);
}

#[test]
fn web_maps_find_tiles_of_both_scales_and_tilejson() {
    let maps = Maps::start();
    let id = maps.own.rsplit('/').next().unwrap();
    let [z, row, col] = maps.tile;
    let (_, _, once) = maps.at(&format!("/tiles/{id}/{z}/{col}/{row}.png"));
    let (_, _, twice) = maps.at(&format!("/tiles/{id}/{z}/{col}/{row}@2x.png"));
    let ((width, _, seen), (wide, high, more)) = (png(&once), png(&twice));
    assert_eq!((width, wide, high), (256, 512, 512));
    assert!((more as f64 / seen as f64 - 4.0).abs() < 0.2, "{seen} {more}");
    assert_eq!(maps.at(&format!("/tiles/{id}/{z}/{col}/{row}.webp")).0, 200);
    for wrong in [format!("{z}/{col}/{row}.gif"), format!("{z}/{col}/{row}"), format!("{z}/99999/{row}.png")]
    {
        assert_eq!(maps.at(&format!("/tiles/{id}/{wrong}")).0, 404, "{wrong}");
    }
    let tilejson = maps.json(&format!("/tiles/{id}/tilejson.json"));
    assert_eq!((&tilejson["tilejson"], &tilejson["scheme"]), (&json!("3.0.0"), &json!("xyz")));
    let tile = tilejson["tiles"][0].as_str().unwrap();
    let tile =
        tile.replace("{z}", &z.to_string()).replace("{x}", &col.to_string()).replace("{y}", &row.to_string());
    assert_eq!(png(&maps.at(maps.path(&tile)).2).2, seen);
    assert!(tilejson["bounds"][0].as_f64().unwrap() < 113.0 && tilejson["center"][2].as_u64().is_some());
}

#[test]
fn a_map_of_any_rectangle_is_drawn() {
    let maps = Maps::start();
    let (status, headers, bytes) = maps.at(&format!("{}/map?width=300", maps.own));
    assert_eq!((status, header(&headers, "content-type")), (200, "image/png"));
    let (width, height, seen) = png(&bytes);
    assert!(width == 300 && height > 100 && seen > 1000, "{width} {height} {seen}");
    let query =
        "bbox=112.9,27.8,113.1,28.0&width=200&height=100&crs=http://www.opengis.net/def/crs/EPSG/0/3857";
    let (status, _, bytes) = maps.at(&format!("{}/map?{query}", maps.own));
    assert_eq!((status, png(&bytes).0, png(&bytes).1), (200, 200, 100));
    for wrong in ["width=0", "width=99999", "bbox=1,2,3", "crs=EPSG:32649", "bbox=1,1,1,1"] {
        assert_eq!(maps.at(&format!("{}/map?{wrong}", maps.own)).0, 400, "{wrong}");
    }
}

#[test]
fn styles_and_legends_come_in_every_encoding() {
    let maps = Maps::start();
    let list = maps.json("/styles");
    let ids: Vec<&str> =
        list["styles"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
    assert_eq!(ids, rededge::style::IDS);
    for style in list["styles"].as_array().unwrap() {
        for sheet in style["links"].as_array().unwrap() {
            let (status, headers, _) = maps.at(maps.path(sheet["href"].as_str().unwrap()));
            let kind = header(&headers, "content-type");
            assert_eq!((status, kind), (200, sheet["type"].as_str().unwrap()), "{sheet}");
        }
    }
    for (accept, kind) in [
        ("*/*", "application/vnd.mapbox.style+json"),
        ("application/vnd.ogc.sld+xml;version=1.0", "application/vnd.ogc.sld+xml;version=1.0"),
        ("application/vnd.qgis.qml+xml", "application/vnd.qgis.qml+xml"),
    ] {
        let (_, headers, _) = maps.with("/styles/stress", &[("Accept", accept)]);
        assert_eq!(header(&headers, "content-type"), kind);
    }
    assert_eq!((maps.at("/styles/nothing").0, maps.at("/styles/rice?f=css").0), (404, 400));
    // A collection's own: with the ends of its ramp and the addresses of its tiles.
    let own = format!("{}/styles/heat-map", maps.own);
    let style = maps.json(&format!("{own}?f=mapbox"));
    let tiles = style["sources"]["layer"]["tiles"][0].as_str().unwrap();
    let tile = tiles.replace("{z}", "0").replace("{y}", "0").replace("{x}", "0");
    assert_eq!(maps.at(maps.path(&tile)).0, 200);
    let legend = maps.json(&format!("{own}/legend"));
    let range = &maps.json(&maps.own)["range"];
    let ticks: Vec<f64> =
        legend["entries"].as_array().unwrap().iter().map(|e| e["value"].as_f64().unwrap()).collect();
    let within = |t: &f64| *t >= range[0].as_f64().unwrap() && *t <= range[1].as_f64().unwrap();
    assert!(legend["kind"] == "ramp" && ticks.len() > 1 && ticks.iter().all(within), "{legend} {range}");
    let picture = maps.at(&format!("{own}/legend?f=png"));
    assert!(picture.0 == 200 && png(&picture.2).0 > 50);
}

#[test]
fn values_are_told_at_points_counted_and_downloaded_in_parts() {
    let maps = Maps::start();
    let at = maps.json(&format!("{}/point?lon=113.0&lat=27.9", maps.own));
    let range = maps.json(&maps.own)["range"].clone();
    let value = at["value"].as_f64().unwrap();
    assert!(value > 0.0 && value <= range[1].as_f64().unwrap() * 1.001, "{at} {range}");
    assert_eq!(maps.json(&format!("{}/point?lon=0&lat=0", maps.own))["value"], Value::Null);
    for wrong in ["lon=1", "lon=x&lat=1", "lon=1&lat=91", "lon=1&lat=1&z=2"] {
        assert_eq!(maps.at(&format!("{}/point?{wrong}", maps.own)).0, 400, "{wrong}");
    }
    let statistics = maps.json(&format!("{}/statistics", maps.own));
    assert!((statistics["max"].as_f64().unwrap() - range[1].as_f64().unwrap()).abs() < 1e-6, "{statistics}");
    let counted: u64 =
        statistics["histogram"].as_array().unwrap().iter().map(|s| s["pixels"].as_u64().unwrap()).sum();
    assert_eq!(statistics["pixels"].as_u64().unwrap(), counted);

    let path = format!("{}/coverage", maps.own);
    let (status, headers, whole) = maps.at(&path);
    assert_eq!((status, header(&headers, "accept-ranges"), &whole[..4]), (200, "bytes", &b"II*\0"[..]));
    let (status, headers, part) = maps.with(&path, &[("Range", "bytes=8-15")]);
    assert_eq!((status, part.as_slice()), (206, &whole[8..16]));
    assert!(header(&headers, "content-range").ends_with(&format!("/{}", whole.len())));
    let etag = header(&headers, "etag");
    assert_eq!(maps.with(&path, &[("If-None-Match", etag)]).0, 304);
    assert_eq!(maps.with(&path, &[("Range", "bytes=999999999-")]).0, 416);
}

#[test]
fn wmts_describes_its_layers() {
    let maps = Maps::start();
    for path in ["/wmts?service=WMTS&request=GetCapabilities", "/wmts/1.0.0/WMTSCapabilities.xml"] {
        let (status, headers, bytes) = maps.at(path);
        assert_eq!((status, header(&headers, "content-type")), (200, "application/xml"));
        let text = String::from_utf8(bytes).unwrap();
        let xml = roxmltree::Document::parse(&text).unwrap();
        let find = |name: &str| {
            xml.descendants().filter(|n| n.has_tag_name(("http://www.opengis.net/wmts/1.0", name))).count()
        };
        assert_eq!((find("Layer"), find("TileMatrixSet"), find("TileMatrix")), (1, 4, 50));
        assert_eq!((find("ResourceURL"), find("Style"), find("Format")), (3, 1, 2));
        let legend = xml.descendants().find(|n| n.tag_name().name() == "LegendURL").unwrap();
        let href = legend.attribute(("http://www.w3.org/1999/xlink", "href")).unwrap();
        assert_eq!(maps.at(maps.path(href)).0, 200);
    }
}

#[test]
fn wmts_gives_the_same_tile_by_query_and_by_address() {
    let maps = Maps::start();
    let (_, _, expected) = maps.at(&maps.tile_path());
    let (status, headers, bytes) = maps.wmts("&foo=bar");
    assert_eq!((status, header(&headers, "content-type")), (200, "image/png"));
    assert!(bytes == expected, "unknown keys are ignored");
    let [z, row, col] = maps.tile;
    let id = maps.own.rsplit('/').next().unwrap();
    let (status, _, bytes) =
        maps.at(&format!("/wmts/1.0.0/{id}/default/WebMercatorQuad/{z}/{row}/{col}.png"));
    assert!(status == 200 && bytes == expected);
    let lower = format!(
        "/wmts?service=wmts&request=gettile&version=1.0.0&layer={id}&style=heat-map&format=image/webp\
         &tilematrixset=WebMercatorQuad&tilematrix={z}&tilerow={row}&tilecol={col}"
    );
    assert_eq!(&maps.at(&lower).2[..4], b"RIFF");
}

#[test]
fn wmts_names_what_is_wrong() {
    let maps = Maps::start();
    let id = maps.own.rsplit('/').next().unwrap();
    let ask = |layer: &str, style: &str, format: &str, set: &str, z: &str, row: &str| {
        let (status, headers, bytes) = maps.at(&format!(
            "/wmts?service=WMTS&request=GetTile&version=1.0.0&layer={layer}&style={style}&format={format}\
             &tilematrixset={set}&tilematrix={z}&tilerow={row}&tilecol=0"
        ));
        assert_eq!((status, header(&headers, "content-type")), (400, "application/xml"));
        let text = String::from_utf8(bytes).unwrap();
        let xml = roxmltree::Document::parse(&text).unwrap();
        let exception = xml.descendants().find(|n| n.tag_name().name() == "Exception").unwrap();
        let of = |name: &str| exception.attribute(name).unwrap().to_owned();
        (of("exceptionCode"), of("locator"))
    };
    let png = "image/png";
    let set = "WebMercatorQuad";
    let invalid = |locator: &str| ("InvalidParameterValue".to_owned(), locator.to_owned());
    assert_eq!(ask("nothing", "default", png, set, "0", "0"), invalid("layer"));
    assert_eq!(ask(id, "nothing", png, set, "0", "0"), invalid("style"));
    assert_eq!(ask(id, "default", "image/gif", set, "0", "0"), invalid("format"));
    assert_eq!(ask(id, "default", png, "Mars", "0", "0"), invalid("tilematrixset"));
    assert_eq!(ask(id, "default", png, set, "99", "0"), invalid("tilematrix"));
    assert_eq!(ask(id, "default", png, set, "0", "x"), invalid("tilerow"));
    assert_eq!(ask(id, "default", png, set, "0", "1"), ("TileOutOfRange".to_owned(), "tilerow".to_owned()));
    let (_, _, bytes) = maps.at("/wmts?service=WMTS&request=GetTile&version=1.0.0");
    assert!(String::from_utf8(bytes).unwrap().contains("MissingParameterValue"));
}

#[test]
fn wmts_tells_what_is_at_a_pixel() {
    let maps = Maps::start();
    let [z, row, col] = maps.tile;
    let id = maps.own.rsplit('/').next().unwrap();
    let info = |i: &str| {
        maps.at(&format!(
            "/wmts?service=WMTS&request=GetFeatureInfo&version=1.0.0&layer={id}&style=default&format=image/png\
             &tilematrixset=WebMercatorQuad&tilematrix={z}&tilerow={row}&tilecol={col}&i={i}&j=150\
             &infoformat=application/json"
        ))
    };
    let (status, _, bytes) = info("216");
    let told: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(status, 200);
    assert!(told["features"][0]["properties"]["value"].as_f64().is_some(), "{told}");
    let (status, _, bytes) = info("256");
    assert!(status == 400 && String::from_utf8(bytes).unwrap().contains("PointIJOutOfRange"));
    let rest = format!("/wmts/1.0.0/{id}/default/WebMercatorQuad/{z}/{row}/{col}/150/216.json");
    assert_eq!(serde_json::from_slice::<Value>(&maps.at(&rest).2).unwrap(), told);
}
