//! From a type to its JSON schema, in the dialect of OpenAPI 3.0 that clients of OGC API -
//! Processes read: everything inlined, no `$ref`, `$defs`, `const`, type arrays or numeric
//! `exclusiveMinimum`.
//!
//! A member declares its unit with `#[schemars(extend("x-unit" = "m"))]`; the process description
//! moves it to the input's metadata (role `uom`). An input that is a file says by `x-holds` what is
//! usually in it (role `media-type`), so that forms know whether to ask for a raster or for features.

use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// The schema of `T` as a request writes it.
pub fn schema_of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::openapi3().with(|s| {
        s.inline_subschemas = true;
        s.meta_schema = None;
    });
    let mut schema = settings
        .with_transform(to_openapi_3_0 as fn(&mut Schema))
        .into_generator()
        .into_root_schema_for::<T>();
    schema.remove("title"); // the name of the Rust type
    schema
}

fn to_openapi_3_0(schema: &mut Schema) {
    transform_subschemas(&mut to_openapi_3_0, schema);
    let Some(object) = schema.as_object_mut() else { return };
    unwrap_doc_lines(object);
    flatten_string_enum(object);
    for bound in ["minimum", "maximum"] {
        let exclusive = if bound == "minimum" { "exclusiveMinimum" } else { "exclusiveMaximum" };
        if let Some(value) = object.get(exclusive).filter(|v| v.is_number()).cloned() {
            object.insert(bound.to_owned(), value);
            object.insert(exclusive.to_owned(), Value::Bool(true));
        }
    }
    // Rust's widths (`uint32`) are no formats of OpenAPI.
    if let Some(Value::String(format)) = object.get("format")
        && format.starts_with("uint")
    {
        object.remove("format");
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some(any) = object.remove("anyOf") {
        object.insert("oneOf".to_owned(), any);
    }
    // `oneOf: [X, null]` of an optional member: X itself, nullable.
    if let Some(Value::Array(shapes)) = object.get_mut("oneOf") {
        let all = shapes.len();
        shapes.retain(|shape| !is_null(shape));
        if shapes.len() < all {
            object.insert("nullable".to_owned(), Value::Bool(true));
        }
    }
    if let Some(Value::Array(shapes)) = object.get("oneOf")
        && let [Value::Object(only)] = shapes.as_slice()
    {
        let mut only = only.clone();
        object.remove("oneOf");
        for (key, value) in std::mem::take(object) {
            only.insert(key, value);
        }
        *object = only;
    }
}

/// Whether a shape lets nothing through but null.
fn is_null(shape: &Value) -> bool {
    shape.get("type") == Some(&Value::from("null"))
        || shape.get("enum").and_then(Value::as_array).is_some_and(|v| v.iter().all(Value::is_null))
}

/// Lines of a doc comment are wrapped for the source, not for the reader.
fn unwrap_doc_lines(object: &mut serde_json::Map<String, Value>) {
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = unwrap_lines(text);
    }
}

/// Joins the lines of each paragraph.
pub(super) fn unwrap_lines(text: &str) -> String {
    text.split("\n\n")
        .map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// An enum of words, each with its doc comment, is one `enum` with the comments in the
/// description: forms and plug-ins make a list of choices from it.
fn flatten_string_enum(object: &mut serde_json::Map<String, Value>) {
    let Some(Value::Array(shapes)) = object.get("oneOf") else { return };
    let mut words = Vec::new();
    let mut texts = Vec::new();
    for shape in shapes {
        let Some(Value::Array(values)) = shape.get("enum") else { return };
        if shape.get("type") != Some(&Value::from("string")) {
            return;
        }
        let text = shape.get("description").and_then(Value::as_str);
        for value in values {
            if let (Some(word), Some(text)) = (value.as_str(), text) {
                texts.push(format!("`{word}`: {}", text.trim_end_matches('.')));
            }
            words.push(value.clone());
        }
    }
    object.remove("oneOf");
    object.insert("type".to_owned(), "string".into());
    object.insert("enum".to_owned(), Value::Array(words));
    if !texts.is_empty() {
        let own = object.get("description").and_then(Value::as_str).unwrap_or_default();
        let all = format!("{own}\n\n{}.", texts.join("; "));
        object.insert("description".to_owned(), all.trim().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    /// How.
    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    enum Method {
        /// The first.
        #[default]
        FirstOne,
        /// The second.
        SecondOne,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is read")]
    struct Inputs {
        /// A size that is
        /// wrapped.
        #[schemars(extend("x-unit" = "m", "exclusiveMinimum" = 0))]
        pixel_size: f64,
        #[serde(default)]
        method: Method,
        optional: Option<Vec<u32>>,
        nested: Option<Nested>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(tag = "by", rename_all = "camelCase")]
    #[expect(dead_code, reason = "only its schema is read")]
    enum Nested {
        /// Parts.
        Holdout {
            /// Shares.
            fractions: [f64; 3],
        },
        /// Groups.
        Group { property: String },
    }

    fn words(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    if matches!(key.as_str(), "$ref" | "$defs" | "const" | "anyOf" | "$schema")
                        || (key == "type" && value.is_array())
                        || (key.starts_with("exclusive") && value.is_number())
                    {
                        found.push(key.clone());
                    }
                    words(value, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|v| words(v, found)),
            _ => {}
        }
    }

    #[test]
    fn a_schema_uses_only_what_openapi_3_0_has() {
        let schema = schema_of::<Inputs>().to_value();
        let mut found = Vec::new();
        words(&schema, &mut found);
        assert!(found.is_empty(), "{found:?} in {schema:#}");
        let properties = &schema["properties"];
        assert_eq!(properties["pixelSize"]["description"], "A size that is wrapped.");
        assert_eq!(properties["pixelSize"]["minimum"], 0);
        assert_eq!(properties["pixelSize"]["exclusiveMinimum"], true);
        assert_eq!(properties["method"]["enum"], serde_json::json!(["first-one", "second-one"]));
        assert_eq!(properties["method"]["default"], "first-one");
        assert_eq!(properties["optional"]["nullable"], true, "{schema:#}");
        assert_eq!(properties["nested"]["nullable"], true, "{schema:#}");
        assert_eq!(properties["nested"]["oneOf"].as_array().map(Vec::len), Some(2), "{schema:#}");
        assert_eq!(schema["additionalProperties"], false);
    }
}
