//! From text to JSON by a schema: values of a query string, and literals of XML, say nothing of
//! their type, the process's description does.

use serde_json::{Map, Value, json};

/// A schema's alternatives, or itself.
pub fn shapes(schema: &Value) -> impl Iterator<Item = &Value> {
    let many = schema.get("oneOf").and_then(Value::as_array);
    let one = many.is_none().then_some(schema);
    many.into_iter().flatten().chain(one)
}

fn kind(schema: &Value) -> &str {
    schema.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// Whether a schema takes a link (`{"href": ...}`): it says so, or is that of a file's bytes.
pub fn takes_link(schema: &Value) -> bool {
    let is_file = |s: &Value| s.get("contentEncoding").and_then(Value::as_str) == Some("binary");
    shapes(schema).any(|s| s.pointer("/properties/href").is_some() || is_file(s))
        || shapes(schema).any(|s| kind(s) == "array" && s.get("items").is_some_and(takes_link))
}

/// Whether a schema takes a bounding box.
pub fn takes_bbox(schema: &Value) -> bool {
    shapes(schema).any(is_bbox)
}

fn is_bbox(shape: &Value) -> bool {
    shape.get("format").and_then(Value::as_str) == Some("ogc-bbox")
        || shape.pointer("/properties/bbox").is_some()
}

/// Whether a schema takes bytes as base64 text.
pub fn takes_base64(schema: &Value) -> bool {
    shapes(schema).any(|s| s.get("contentEncoding").and_then(Value::as_str) == Some("base64"))
}

/// Whether a schema takes an array.
pub fn takes_array(schema: &Value) -> bool {
    shapes(schema).any(|s| kind(s) == "array")
}

/// Whether a schema takes an object.
pub fn takes_object(schema: &Value) -> bool {
    shapes(schema).any(|s| kind(s) == "object")
}

/// Whether a schema takes a plain text.
pub fn takes_text(schema: &Value) -> bool {
    shapes(schema).any(|s| kind(s) == "string")
}

/// The value that `text` stands for where `schema` holds. Where it cannot be one, it stays a
/// text, and the process's own parser says what is wrong with it.
pub fn coerce(schema: &Value, text: &str) -> Value {
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    if trimmed.starts_with(['{', '[', '"'])
        && let Ok(value) = serde_json::from_str::<Value>(trimmed)
        && shapes(schema).any(|s| matches(s, &value))
    {
        return value;
    }
    let found = shapes(schema).find_map(|shape| match kind(shape) {
        "number" | "integer" => number(trimmed),
        "boolean" => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        "object" if is_bbox(shape) => bbox(trimmed),
        "array" if !takes_text(schema) => {
            let any = Value::Null;
            let items = shape.get("items").unwrap_or(&any);
            Some(list(trimmed).map(|item| coerce(items, item)).collect())
        }
        _ => None,
    });
    found.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Whether a value is of a shape's type.
fn matches(shape: &Value, value: &Value) -> bool {
    match (kind(shape), value) {
        ("object", Value::Object(_)) | ("array", Value::Array(_)) | ("", _) => true,
        // A JSON text in quotes, where only an enumeration can be meant.
        ("string", Value::String(word)) => {
            shape.get("enum").and_then(Value::as_array).is_some_and(|e| e.iter().any(|w| w == word))
        }
        _ => false,
    }
}

/// A number; a whole one stays whole.
fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(json!(whole));
    }
    let decimal = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    text.parse::<f64>().ok().filter(|n| decimal && n.is_finite()).map(|n| json!(n))
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    inner.split(',').map(str::trim).filter(move |_| !inner.trim().is_empty())
}

/// `minX,minY,maxX,maxY` and maybe a CRS (and a count of dimensions, as WPS writes it).
pub fn bbox(text: &str) -> Option<Value> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let numbers: Vec<Value> = parts.iter().map_while(|p| number(p)).collect();
    if !matches!(parts.len(), 4..=6) || numbers.len() < 4 || numbers.len() == 6 {
        return None;
    }
    let mut object = Map::new();
    object.insert("bbox".to_owned(), numbers[..4].into());
    if let Some(crs) = parts.get(4).filter(|crs| !crs.is_empty()) {
        object.insert("crs".to_owned(), (*crs).into());
    }
    Some(Value::Object(object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ogc::testing::description;

    fn as_input(name: &str, text: &str) -> Value {
        coerce(&description().inputs[name]["schema"], text)
    }

    #[test]
    fn text_becomes_what_the_schema_takes() {
        assert_eq!(as_input("text", "12"), "12");
        assert_eq!(as_input("text", "[1]"), "[1]");
        assert_eq!(as_input("radius", "12.5"), 12.5);
        assert_eq!(as_input("count", " 3 "), 3);
        assert_eq!(as_input("radius", "far"), "far");
        assert_eq!(as_input("radius", "inf"), "inf");
        assert_eq!(as_input("flag", "True"), true);
        assert_eq!(as_input("choice", "one"), "one");
        assert_eq!(as_input("list", "1,2.5"), json!([1, 2.5]));
        assert_eq!(as_input("list", "[1,2]"), json!([1, 2]));
        assert_eq!(as_input("list", ""), json!([]));
        assert_eq!(as_input("bbox", "1,2,3,4"), json!({"bbox": [1, 2, 3, 4]}));
        assert_eq!(
            as_input("area", "1,2,3,4,urn:ogc:def:crs:EPSG::4326,2"),
            json!({"bbox": [1, 2, 3, 4], "crs": "urn:ogc:def:crs:EPSG::4326"})
        );
        assert_eq!(as_input("area", "area.gpkg"), "area.gpkg");
        assert_eq!(as_input("object", r#"{"a": 1}"#), json!({"a": 1}));
        assert_eq!(as_input("file", r#"{"href": "http://x"}"#), json!({"href": "http://x"}));
        assert_eq!(as_input("file", "{broken"), "{broken");
        assert_eq!(as_input("cube", "a, b"), "a, b");
    }

    #[test]
    fn schemas_tell_what_they_take() {
        let inputs = description().inputs;
        let schema = |name: &str| inputs[name]["schema"].clone();
        assert!(takes_link(&schema("file")) && takes_link(&schema("cube")) && !takes_link(&schema("bytes")));
        assert!(takes_bbox(&schema("area")) && takes_bbox(&schema("bbox")) && !takes_bbox(&schema("file")));
        assert!(takes_base64(&schema("bytes")) && !takes_base64(&schema("text")));
        assert!(
            takes_array(&schema("list")) && takes_object(&schema("object")) && takes_text(&schema("text"))
        );
    }
}
