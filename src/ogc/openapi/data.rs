//! Collections in the OpenAPI document, and the pieces that paths below them share.

use serde_json::{Value, json};

use super::{Part, format_parameter, offset_parameter, page};

/// The paths of collections.
pub fn paths() -> Vec<(Part, &'static str, Value)> {
    vec![
        (Part::Collections, "/collections", collections()),
        (Part::Collections, "/collections/{collectionId}", collection()),
    ]
}

fn collections() -> Value {
    let mut operation = page("getCollections", "Data", "List of collections", "Any", "400");
    operation["parameters"] = json!([
        limit_parameter(100),
        offset_parameter(),
        bbox_parameter(),
        datetime_parameter(),
        format_parameter()
    ]);
    json!({"get": operation})
}

fn collection() -> Value {
    let mut operation = page("getCollection", "Data", "Description of a collection", "Any", "404");
    operation["parameters"] = json!([collection_parameter(), format_parameter()]);
    json!({"get": operation})
}

/// The id of a collection in a path.
pub fn collection_parameter() -> Value {
    json!({
        "name": "collectionId", "in": "path", "required": true, "description": "Id of a collection.",
        "schema": {"type": "string"}
    })
}

/// How many items a page holds.
pub fn limit_parameter(usual: usize) -> Value {
    json!({
        "name": "limit", "in": "query", "description": "Most items on a page.", "style": "form", "explode": false,
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": usual}
    })
}

/// A rectangle of degrees.
pub fn bbox_parameter() -> Value {
    json!({
        "name": "bbox", "in": "query", "style": "form", "explode": false,
        "description": "Only what touches west, south, east, north in degrees; west may be over east, across the date line.",
        "schema": {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
    })
}

/// A time or an interval.
pub fn datetime_parameter() -> Value {
    json!({
        "name": "datetime", "in": "query", "style": "form", "explode": false, "schema": {"type": "string"},
        "description": "Only what lies at this time, or in this interval (`first/last`, `..` leaves an end open).",
        "example": "2022-01-01/2022-12-31"
    })
}
