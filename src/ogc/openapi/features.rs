//! Features and vector tiles in the OpenAPI document.

use serde_json::{Value, json};

use super::data::{bbox_parameter, collection_parameter, datetime_parameter};
use super::{Part, format_parameter, offset_parameter, page};
use crate::ogc::features::SCHEMA_JSON;
use crate::ogc::outputs::{CSV, GEOJSON, GEOPACKAGE, HTML};
use crate::ogc::tiles::MVT;

/// The paths of features and vector tiles.
pub fn paths() -> Vec<(Part, &'static str, Value)> {
    let (features, tiles) = (Part::Features, Part::VectorTiles);
    vec![
        (features, "/collections/{collectionId}/items", items()),
        (features, "/collections/{collectionId}/items/{featureId}", item()),
        (
            features,
            "/collections/{collectionId}/queryables",
            schema("getQueryables", "What may be asked of items"),
        ),
        (features, "/collections/{collectionId}/schema", schema("getSchema", "What items have")),
        (tiles, "/collections/{collectionId}/tiles", tilesets()),
        (tiles, "/collections/{collectionId}/tiles/{tileMatrixSetId}", tileset()),
        (
            tiles,
            "/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
            tile(),
        ),
    ]
}

fn query(name: &str, description: &str, example: &str) -> Value {
    json!({
        "name": name, "in": "query", "description": description, "style": "form", "explode": false,
        "schema": {"type": "string"}, "example": example
    })
}

fn choice(name: &str, description: &str, among: &[&str]) -> Value {
    json!({
        "name": name, "in": "query", "description": description, "style": "form", "explode": false,
        "schema": {"type": "string", "enum": among}
    })
}

fn crs(name: &str, of_what: &str) -> Value {
    let description = format!("URI of the CRS {of_what}; longitude and latitude where not given.");
    query(name, &description, "http://www.opengis.net/def/crs/EPSG/0/3857")
}

fn limit() -> Value {
    json!({
        "name": "limit", "in": "query", "style": "form", "explode": false,
        "description": "Most items on a page; of files, all where not given.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 10}
    })
}

/// Conditions on items.
fn conditions() -> Vec<Value> {
    vec![
        query("filter", "Only items of which this holds.", "areaHa > 2 AND distanceM < 3000"),
        choice("filter-lang", "The language of `filter`.", &["cql2-text"]),
        crs("filter-crs", "of geometries in `filter`"),
        query("properties", "Names of properties that are wanted.", "areaHa,nearestMine"),
        json!({
            "name": "queryables", "in": "query", "style": "form", "explode": true,
            "description": "Any property by its name: only items that have this value.",
            "schema": {"type": "object", "additionalProperties": {"type": "string"}}, "example": {}
        }),
    ]
}

/// Bodies of several media types.
fn bodies(operation: &mut Value, types: &[&str]) {
    let content: serde_json::Map<String, Value> = types
        .iter()
        .map(|kind| {
            let text = kind.contains("json") || kind.starts_with("text/");
            let schema = if kind.contains("json") {
                json!({"type": "object"})
            } else if text {
                json!({"type": "string"})
            } else {
                json!({"type": "string", "format": "binary"})
            };
            ((*kind).to_owned(), json!({"schema": schema}))
        })
        .collect();
    operation["responses"]["200"]["content"] = Value::Object(content);
    operation["responses"]["304"] = json!({"description": "What the caller has is still right."});
}

fn items() -> Value {
    let mut operation = page("getFeatures", "Data", "Items of a collection", "Any", "404");
    let mut parameters = vec![
        collection_parameter(),
        limit(),
        offset_parameter(),
        bbox_parameter(),
        crs("bbox-crs", "of `bbox`"),
        crs("crs", "of the answer"),
        datetime_parameter(),
        query("sortby", "Properties to sort by, `-` before those that fall.", "-areaHa,nearestMine"),
        choice(
            "f",
            "The format of the answer, before what `Accept` says.",
            &["geojson", "json", "html", "csv", "gpkg"],
        ),
        choice(
            "csv",
            "Of a table: `spreadsheet` writes cells that a spreadsheet would run as formulas so that they are \
             shown; `data` leaves them as they are.",
            &["data", "spreadsheet"],
        ),
    ];
    parameters.extend(conditions());
    operation["parameters"] = Value::Array(parameters);
    bodies(&mut operation, &[GEOJSON, HTML, CSV, GEOPACKAGE]);
    json!({"get": operation})
}

fn item() -> Value {
    let mut operation = page("getFeature", "Data", "An item", "Any", "404");
    operation["parameters"] = json!([
        collection_parameter(),
        {"name": "featureId", "in": "path", "required": true, "description": "Id of an item.", "schema": {"type": "string"}},
        crs("crs", "of the answer"),
        query("properties", "Names of properties that are wanted.", "areaHa,nearestMine"),
        choice("f", "The format of the answer.", &["geojson", "json", "html"]),
    ]);
    bodies(&mut operation, &[GEOJSON, HTML]);
    json!({"get": operation})
}

fn schema(id: &str, summary: &str) -> Value {
    let mut operation = page(id, "Data", summary, "Any", "404");
    operation["parameters"] = json!([collection_parameter(), format_parameter()]);
    operation["responses"]["200"]["content"] = json!({SCHEMA_JSON: {"schema": {"type": "object"}}});
    json!({"get": operation})
}

fn grid_parameter() -> Value {
    json!({
        "name": "tileMatrixSetId", "in": "path", "required": true, "description": "A tile matrix set.",
        "schema": {"type": "string", "enum": ["WebMercatorQuad", "WorldCRS84Quad"]}
    })
}

fn tilesets() -> Value {
    let mut operation =
        page("collection.vector.getTileSetsList", "Data", "Vector tilesets of a collection", "Any", "404");
    operation["parameters"] = json!([collection_parameter(), format_parameter()]);
    json!({"get": operation})
}

fn tileset() -> Value {
    let mut operation = page("collection.vector.getTileSet", "Data", "A vector tileset", "Any", "404");
    operation["parameters"] = json!([
        collection_parameter(),
        grid_parameter(),
        choice("f", "TileJSON is that of WebMercatorQuad.", &["json", "tilejson"]),
    ]);
    json!({"get": operation})
}

fn tile() -> Value {
    let mut operation = page("collection.vector.getTile", "Data", "A vector tile", "Any", "404");
    let place = |name: &str, of: &str| json!({"name": name, "in": "path", "required": true, "description": of, "schema": {"type": "string"}, "example": "0"});
    let mut parameters = vec![
        collection_parameter(),
        grid_parameter(),
        place("tileMatrix", "The zoom level."),
        place("tileRow", "The row, from the north."),
        place("tileCol", "The column, from the west."),
        choice("f", "The format of the answer.", &["mvt", "pbf"]),
    ];
    parameters.extend(conditions());
    operation["parameters"] = Value::Array(parameters);
    bodies(&mut operation, &[MVT]);
    operation["responses"]["400"] = operation["responses"]["404"].clone();
    json!({"get": operation})
}
