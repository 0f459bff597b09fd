//! What an input or output is to WPS: literal, complex or bounding box, by its JSON schema.

use serde_json::Value;

use super::Version;
use crate::ogc::coerce::{shapes, takes_base64, takes_link, takes_object};
use crate::ogc::outputs::{self, essence};

/// A format of complex data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// Media type as WPS clients know it.
    pub media_type: String,
    /// Whether it is handed over as base64 where it stands in XML.
    pub base64: bool,
}

/// What an input or output is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A number, word or truth.
    Literal {
        /// `string`, `double`, `integer`, `boolean`, as XML Schema calls them.
        data_type: &'static str,
        /// The words that are allowed; any where empty.
        allowed: Vec<String>,
        /// Least and greatest value.
        range: (Option<String>, Option<String>),
        /// Where none is given.
        default: Option<String>,
        /// Whether several may be given.
        many: bool,
    },
    /// A bounding box.
    Bbox,
    /// Anything else, in one of these formats, the usual first.
    Complex(Vec<Format>),
}

/// The media type of a WPS version: 1.0 clients know GeoTIFF by another parameter.
pub fn media_type_in(version: Version, media_type: &str) -> String {
    match (version, essence(media_type)) {
        (Version::V1, "image/tiff") => "image/tiff; subtype=geotiff".to_owned(),
        _ => media_type.to_owned(),
    }
}

fn format(version: Version, media_type: &str) -> Format {
    let essence = essence(media_type);
    let text = essence.starts_with("text/") || essence.ends_with("json") || essence.ends_with("xml");
    Format { media_type: media_type_in(version, media_type), base64: !text }
}

/// A JSON scalar as text.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn literal(schema: &Value, many: bool) -> Option<Kind> {
    if takes_object(schema) {
        return None;
    }
    let shape = shapes(schema).find(|s| {
        let kind = s.get("type").and_then(Value::as_str);
        kind.is_some_and(|k| matches!(k, "string" | "number" | "integer" | "boolean"))
            && s.get("contentMediaType").is_none()
    })?;
    let data_type = match shape["type"].as_str() {
        Some("number") => "double",
        Some("integer") => "integer",
        Some("boolean") => "boolean",
        _ => "string",
    };
    let words = shape.get("enum").and_then(Value::as_array).into_iter().flatten();
    let bound = |key: &str| shape.get(key).and_then(text_of);
    Some(Kind::Literal {
        data_type,
        allowed: words.filter_map(text_of).collect(),
        range: (bound("minimum"), bound("maximum")),
        default: schema.get("default").or_else(|| shape.get("default")).and_then(text_of),
        many,
    })
}

/// What an input is.
pub fn of_input(schema: &Value, version: Version) -> Kind {
    if schema.get("format").and_then(Value::as_str) == Some("ogc-bbox") {
        return Kind::Bbox;
    }
    if takes_base64(schema) {
        let media_type = outputs::media_types(schema).first().copied().unwrap_or(outputs::BINARY).to_owned();
        return Kind::Complex(vec![Format { media_type, base64: true }]);
    }
    if takes_link(schema) {
        let known = [
            outputs::GEOJSON,
            outputs::JSON,
            "text/xml; subtype=gml/3.1.1",
            "application/gml+xml; version=3.2",
            outputs::CSV,
            outputs::GEOPACKAGE,
            outputs::FLATGEOBUF,
            "image/tiff; application=geotiff",
        ];
        return Kind::Complex(known.into_iter().map(|t| format(version, t)).collect());
    }
    if let Some(kind) = literal(schema, false) {
        return kind;
    }
    let items = shapes(schema).find_map(|s| s.get("items"));
    let many = items.and_then(|items| literal(items, true));
    let types = outputs::media_types(schema).into_iter();
    many.unwrap_or_else(|| Kind::Complex(types.map(|t| format(version, t)).collect()))
}

/// What an output is.
pub fn of_output(schema: &Value, version: Version) -> Kind {
    if schema.get("format").and_then(Value::as_str) == Some("ogc-bbox") {
        return Kind::Bbox;
    }
    let types = outputs::media_types(schema);
    if types == [outputs::JSON]
        && let Some(kind) = literal(schema, false)
    {
        return kind;
    }
    Kind::Complex(types.into_iter().map(|t| format(version, t)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ogc::testing::description;

    #[test]
    fn schemas_become_kinds() {
        let process = description();
        let input = |name: &str| of_input(&process.inputs[name]["schema"], Version::V1);
        let output = |name: &str| of_output(&process.outputs[name]["schema"], Version::V1);
        assert!(matches!(input("text"), Kind::Literal { data_type: "string", many: false, .. }));
        assert!(matches!(
            input("radius"),
            Kind::Literal { data_type: "double", default: Some(_), range: (Some(_), Some(_)), .. }
        ));
        assert!(matches!(input("count"), Kind::Literal { data_type: "integer", .. }));
        assert!(matches!(input("choice"), Kind::Literal { allowed, .. } if allowed == ["one", "two"]));
        assert!(matches!(input("list"), Kind::Literal { many: true, .. }));
        assert_eq!(input("bbox"), Kind::Bbox);
        assert!(matches!(input("bytes"), Kind::Complex(f) if f[0].base64));
        assert!(matches!(input("file"), Kind::Complex(f) if f[0].media_type == "application/geo+json"));
        assert!(matches!(input("object"), Kind::Complex(f) if f[0].media_type == "application/json"));
        assert!(matches!(output("text"), Kind::Literal { .. }));
        assert!(
            matches!(output("classMap"), Kind::Complex(f) if f[0].media_type == "image/tiff; subtype=geotiff" && f[0].base64)
        );
        assert!(matches!(output("zones"), Kind::Complex(f) if f.len() == 4 && !f[0].base64));
        assert_eq!(output("bbox"), Kind::Bbox);
    }
}
