//! Maps, tiles, styles and values of collections in the OpenAPI document.

use serde_json::{Value, json};

use super::answers::answers;
use super::data::collection_parameter;
use super::{Part, page};

const TILES: [&str; 2] = ["image/png", "image/webp"];

/// The paths of maps.
pub fn paths() -> Vec<(Part, &'static str, Value)> {
    let styled = |id: &str| [collection_parameter(), text("styleId", "path", id)];
    let plain = [collection_parameter()];
    let mut all = vec![
        (Part::Tiles, "/tileMatrixSets", document("getTileMatrixSets", "Tile matrix sets", &[])),
        (
            Part::Tiles,
            "/tileMatrixSets/{tileMatrixSetId}",
            document("getTileMatrixSet", "Definition of a tile matrix set", &[set()]),
        ),
        (
            Part::Tiles,
            "/collections/{collectionId}/map/tiles",
            document("collection.map.getTileSetsList", "Tilesets of maps of a collection", &plain),
        ),
        (
            Part::Tiles,
            "/collections/{collectionId}/map/tiles/{tileMatrixSetId}",
            document(
                "collection.map.getTileSet",
                "A tileset of maps of a collection",
                &with(&plain, &[set()]),
            ),
        ),
        (
            Part::Tiles,
            "/collections/{collectionId}/map/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
            bytes("collection.map.getTile", "A tile of a map", &TILES, &with(&plain, &tile())),
        ),
        (
            Part::Tiles,
            "/collections/{collectionId}/styles/{styleId}/map/tiles",
            document(
                "collection.style.map.getTileSetsList",
                "Tilesets in a style",
                &styled("Id of a style."),
            ),
        ),
        (
            Part::Tiles,
            "/collections/{collectionId}/styles/{styleId}/map/tiles/{tileMatrixSetId}",
            document(
                "collection.style.map.getTileSet",
                "A tileset in a style",
                &with(&styled("Id of a style."), &[set()]),
            ),
        ),
        (
            Part::Tiles,
            "/collections/{collectionId}/styles/{styleId}/map/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
            bytes(
                "collection.style.map.getTile",
                "A tile of a map in a style",
                &TILES,
                &with(&styled("Id of a style."), &tile()),
            ),
        ),
        (
            Part::Tiles,
            "/collections/{collectionId}/map",
            bytes("collection.getMap", "A map of a collection", &TILES, &with(&plain, &view())),
        ),
        (
            Part::Tiles,
            "/collections/{collectionId}/styles/{styleId}/map",
            bytes(
                "collection.style.getMap",
                "A map in a style",
                &TILES,
                &with(&styled("Id of a style."), &view()),
            ),
        ),
    ];
    all.extend(xyz());
    all.extend(styles());
    all.extend(values());
    all
}

fn xyz() -> Vec<(Part, &'static str, Value)> {
    let style = text("style", "query", "Id of a style; the collection's own where none is given.");
    let tilejson = [collection_parameter(), style.clone(), date()];
    let number = |name: &str, what: &str| {
        json!({"name": name, "in": "path", "required": true, "description": what,
               "schema": {"type": "integer", "minimum": 0}})
    };
    let mut parameters = vec![
        collection_parameter(),
        number("z", "Level."),
        number("x", "Column."),
        text("y", "path", "Row with its ending: `7.png`, `7@2x.png`, `7.webp`."),
        style,
        date(),
    ];
    parameters[3]["example"] = "0.png".into();
    vec![
        (
            Part::Tiles,
            "/tiles/{collectionId}/tilejson.json",
            document("getTileJson", "TileJSON of a collection", &tilejson),
        ),
        (
            Part::Tiles,
            "/tiles/{collectionId}/{z}/{x}/{y}",
            bytes("xyz.getTile", "A tile as web maps ask for it", &TILES, &parameters),
        ),
        (Part::Tiles, "/wmts", wmts()),
    ]
}

fn wmts() -> Value {
    let parameters: Vec<Value> = [
        ("service", "WMTS"),
        ("request", "GetCapabilities, GetTile or GetFeatureInfo"),
        ("version", "1.0.0"),
        ("layer", "Id of a collection"),
        ("style", "Id of a style"),
        ("format", "image/png or image/webp"),
        ("tilematrixset", "WebMercatorQuad or WorldCRS84Quad"),
        ("tilematrix", "Level"),
        ("tilerow", "Row"),
        ("tilecol", "Column"),
        ("infoformat", "application/json"),
        ("i", "Column of the pixel"),
        ("j", "Row of the pixel"),
    ]
    .iter()
    .map(|(name, what)| text(name, "query", &format!("{what}. Keys stand in any case, others are ignored.")))
    .collect();
    let mut operation = bytes(
        "wmts",
        "WMTS 1.0.0 by keys and values",
        &["application/xml", "image/png", "image/webp", "application/json"],
        &parameters,
    );
    operation["get"]["responses"]["400"] = json!({
        "description": "A report of what is wrong.",
        "content": {"application/xml": {"schema": {"type": "string"}}}
    });
    operation
}

fn styles() -> Vec<(Part, &'static str, Value)> {
    let style = [text("styleId", "path", "Id of a style.")];
    let encodings =
        ["application/vnd.mapbox.style+json", "application/vnd.ogc.sld+xml", "application/vnd.qgis.qml+xml"];
    let encoded = |id: &str, parameters: &[Value]| {
        let f = json!({"name": "f", "in": "query", "schema": {"type": "string", "enum": ["mapbox", "sld10", "qml"]},
                       "description": "MapLibre, SLD 1.0 or QGIS, whatever `Accept` says."});
        let mut operation = bytes_without_format(id, "A style", &encodings, parameters);
        push(&mut operation, f);
        operation
    };
    let legend = |id: &str, parameters: &[Value]| {
        let f = json!({"name": "f", "in": "query", "schema": {"type": "string", "enum": ["json", "png"]},
                       "description": "A document or a picture."});
        let mut operation =
            bytes_without_format(id, "A legend", &["application/json", "image/png"], parameters);
        push(&mut operation, f);
        operation
    };
    let of = with(&[collection_parameter()], &style);
    vec![
        (Part::Styles, "/styles", document("getStyles", "Styles", &[])),
        (Part::Styles, "/styles/{styleId}", encoded("getStyle", &style)),
        (Part::Styles, "/styles/{styleId}/metadata", document("getStyleMetadata", "About a style", &style)),
        (Part::Styles, "/styles/{styleId}/legend", legend("getLegend", &style)),
        (
            Part::Styles,
            "/collections/{collectionId}/styles",
            document("collection.getStyles", "Styles of a collection", &[collection_parameter()]),
        ),
        (Part::Styles, "/collections/{collectionId}/styles/{styleId}", encoded("collection.getStyle", &of)),
        (
            Part::Styles,
            "/collections/{collectionId}/styles/{styleId}/legend",
            legend("collection.getLegend", &of),
        ),
    ]
}

fn values() -> Vec<(Part, &'static str, Value)> {
    let degrees = |name: &str, most: f64| {
        json!({"name": name, "in": "query", "required": true, "description": "Degrees (WGS 84).",
               "schema": {"type": "number", "minimum": -most, "maximum": most}})
    };
    let place = with(&[collection_parameter()], &[degrees("lon", 360.0), degrees("lat", 90.0)]);
    let index = text("index", "query", "A spectral index or a band by its name; NDRE where none is given.");
    let (point, series) = (with(&place, &[date()]), with(&place, &[index]));
    vec![
        (
            Part::Values,
            "/collections/{collectionId}/point",
            document("collection.getPoint", "The value of a raster at a point", &point),
        ),
        (
            Part::Values,
            "/collections/{collectionId}/series",
            document("collection.getSeries", "A spectral index of a cube at a point, date by date", &series),
        ),
        (
            Part::Values,
            "/collections/{collectionId}/statistics",
            document(
                "collection.getStatistics",
                "Hectares by class, or the spread of the values",
                &[collection_parameter()],
            ),
        ),
        (
            Part::Values,
            "/collections/{collectionId}/coverage",
            bytes_without_format(
                "collection.getCoverage",
                "The raster as a cloud optimized GeoTIFF; `Range` is understood",
                &["image/tiff"],
                &[collection_parameter()],
            ),
        ),
    ]
}

fn with(some: &[Value], more: &[Value]) -> Vec<Value> {
    some.iter().chain(more).cloned().collect()
}

fn text(name: &str, place: &str, what: &str) -> Value {
    let mut parameter = json!({"name": name, "in": place, "description": what, "schema": {"type": "string"}});
    if place == "path" {
        parameter["required"] = true.into();
    }
    parameter
}

fn set() -> Value {
    json!({"name": "tileMatrixSetId", "in": "path", "required": true, "description": "Id of a tile matrix set.",
           "schema": {"type": "string", "enum": ["WebMercatorQuad", "WorldCRS84Quad"]}})
}

fn tile() -> [Value; 5] {
    let index = |name: &str, what: &str| {
        json!({"name": name, "in": "path", "required": true, "description": what,
               "schema": {"type": "integer", "minimum": 0}})
    };
    let matrix = json!({"name": "tileMatrix", "in": "path", "required": true, "description": "Level.",
                        "schema": {"type": "string"}, "example": "0"});
    [
        set(),
        matrix,
        index("tileRow", "Row, 0 the northernmost."),
        index("tileCol", "Column, 0 the westernmost."),
        date(),
    ]
}

fn view() -> Vec<Value> {
    let side = |name: &str| {
        json!({"name": name, "in": "query", "description": "Pixels.",
               "schema": {"type": "integer", "minimum": 1, "maximum": 4096}})
    };
    let crs = json!({"name": "crs", "in": "query", "description": "What the map is drawn in.", "schema": {
        "type": "string", "enum": [
            "http://www.opengis.net/def/crs/OGC/1.3/CRS84", "http://www.opengis.net/def/crs/EPSG/0/3857"
        ]
    }});
    vec![super::data::bbox_parameter(), side("width"), side("height"), crs, date()]
}

/// The date of collections that have a map of each.
fn date() -> Value {
    json!({"name": "datetime", "in": "query", "style": "form", "explode": false, "schema": {"type": "string"},
           "example": "2019-07-15", "description": "Where each date is a map of its own (a live map of a spectral \
           index): the nearest date to this day, or the last within an interval. Elsewhere it changes nothing."})
}

fn document(id: &str, summary: &str, parameters: &[Value]) -> Value {
    let mut operation = page(id, "Maps", summary, "Any", "404");
    operation["parameters"] = json!(with(parameters, &[super::format_parameter()]));
    json!({"get": operation})
}

fn bytes(id: &str, summary: &str, media_types: &[&str], parameters: &[Value]) -> Value {
    let mut operation = bytes_without_format(id, summary, media_types, parameters);
    if id != "wmts" && id != "xyz.getTile" {
        push(
            &mut operation,
            json!({"name": "f", "in": "query", "schema": {"type": "string", "enum": ["png", "webp"]},
                   "description": "The format, whatever `Accept` says."}),
        );
    }
    operation
}

fn push(operation: &mut Value, parameter: Value) {
    if let Some(parameters) = operation["get"]["parameters"].as_array_mut() {
        parameters.push(parameter);
    }
}

/// An operation that answers with bytes of one of these media types.
fn bytes_without_format(id: &str, summary: &str, media_types: &[&str], parameters: &[Value]) -> Value {
    let content: serde_json::Map<String, Value> = media_types
        .iter()
        .map(|t| ((*t).to_owned(), json!({"schema": {"type": "string", "format": "binary"}})))
        .collect();
    let headers = json!({"ETag": {"schema": {"type": "string"}}});
    let good = json!({
        "200": {"description": format!("{summary}."), "headers": headers, "content": content},
        "206": {"description": "The part that `Range` asks for."},
        "304": {"description": "It is as the caller knows it."}
    });
    json!({"get": {
        "operationId": id, "tags": ["Maps"], "summary": summary, "parameters": parameters,
        "responses": answers(good, &["400", "404", "406"])
    }})
}
