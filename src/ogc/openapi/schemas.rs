//! The schemas of the document: of requests, from the processes' descriptions, and of the
//! documents that are answered.

use serde_json::{Map, Value, json};

use crate::ogc::coerce::{shapes, takes_bbox, takes_link};
use crate::ogc::{JobStatus, ProcessDescription};

/// Keywords of schemas in OpenAPI 3.0.
const KEYWORDS: [&str; 32] = [
    "title",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "required",
    "enum",
    "type",
    "not",
    "allOf",
    "oneOf",
    "anyOf",
    "items",
    "properties",
    "additionalProperties",
    "description",
    "format",
    "default",
    "nullable",
    "readOnly",
    "example",
    "deprecated",
    "$ref",
];

/// A schema with nothing that OpenAPI 3.0 does not know: the encoding of content becomes a
/// format.
pub fn dialect(schema: &Value) -> Value {
    let Some(object) = schema.as_object() else { return schema.clone() };
    let mut plain = Map::new();
    for (key, value) in object {
        let value = match key.as_str() {
            "properties" => {
                let members = value.as_object().into_iter().flatten();
                members.map(|(name, member)| (name.clone(), dialect(member))).collect()
            }
            "oneOf" | "anyOf" | "allOf" => value.as_array().into_iter().flatten().map(dialect).collect(),
            "items" | "not" | "additionalProperties" => dialect(value),
            "contentEncoding" => {
                let format = if value == "base64" { "byte" } else { "binary" };
                plain.insert("format".to_owned(), format.into());
                continue;
            }
            "examples" => {
                if let Some(first) = value.as_array().and_then(|all| all.first()) {
                    plain.insert("example".to_owned(), first.clone());
                }
                continue;
            }
            known if KEYWORDS.contains(&known) => value.clone(),
            _ => continue,
        };
        plain.insert(key.clone(), value);
    }
    // In 3.0 an enumeration that may be null has to say so itself.
    if plain.get("nullable") == Some(&Value::Bool(true))
        && let Some(Value::Array(words)) = plain.get_mut("enum")
        && !words.contains(&Value::Null)
    {
        words.push(Value::Null);
    }
    Value::Object(plain)
}

/// The schema of an execute request of a process.
pub fn execute_schema(process: &ProcessDescription) -> Value {
    let mut inputs = Map::new();
    let mut required = Vec::new();
    for (name, input) in &process.inputs {
        let mut value = json!({"anyOf": [
            dialect(&input["schema"]),
            {"$ref": "#/components/schemas/QualifiedValue"},
            {"$ref": "#/components/schemas/Reference"}
        ]});
        for text in ["title", "description"] {
            if let Some(text_) = input.get(text) {
                value[text] = text_.clone();
            }
        }
        inputs.insert(name.clone(), value);
        if input["minOccurs"] != json!(0) {
            required.push(name.clone());
        }
    }
    let output = json!({"$ref": "#/components/schemas/OutputRequest"});
    let outputs: Map<String, Value> =
        process.outputs.keys().map(|name| (name.clone(), output.clone())).collect();
    let mut inputs = json!({"type": "object", "properties": inputs, "additionalProperties": false});
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "outputs": {"type": "object", "properties": outputs, "additionalProperties": false},
            "response": {"type": "string", "enum": ["raw", "document", "collection"]},
            "mode": {"type": "string", "enum": ["sync", "async", "auto"], "description": "Of old; `Prefer` stands in its place."},
            "subscriber": {"$ref": "#/components/schemas/Subscriber"}
        }
    });
    if !required.is_empty() {
        inputs["required"] = json!(required);
        schema["required"] = json!(["inputs"]);
    }
    schema["properties"]["inputs"] = inputs;
    schema
}

/// An execute request with the inputs that a process requires.
pub fn example_of_inputs(process: &ProcessDescription) -> Value {
    let required = process.inputs.iter().filter(|(_, input)| input["minOccurs"] != json!(0));
    let inputs: Map<String, Value> =
        required.map(|(name, input)| (name.clone(), example(name, &input["schema"]))).collect();
    json!({"inputs": inputs})
}

fn example(name: &str, schema: &Value) -> Value {
    for key in ["example", "default"] {
        if let Some(given) = schema.get(key) {
            return given.clone();
        }
    }
    if let Some(first) = schema.pointer("/examples/0").or_else(|| schema.pointer("/enum/0")) {
        return first.clone();
    }
    if takes_bbox(schema) {
        return json!({"bbox": [113.0, 27.8, 113.2, 28.0]});
    }
    if takes_link(schema) {
        return json!({"href": format!("https://example.org/{name}.json")});
    }
    let Some(shape) = shapes(schema).next() else { return Value::Null };
    match shape.get("type").and_then(Value::as_str) {
        Some("number" | "integer") => shape.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("array") => {
            let items = shape.get("items").cloned().unwrap_or_default();
            let count = shape.get("minItems").and_then(Value::as_u64).unwrap_or(1).min(10);
            (0..count).map(|_| example(name, &items)).collect()
        }
        Some("object") => {
            let members = shape.get("properties").and_then(Value::as_object).into_iter().flatten();
            let required = shape.get("required").and_then(Value::as_array);
            let wanted = |name: &str| required.is_some_and(|all| all.iter().any(|r| r == name));
            members.filter(|(n, _)| wanted(n)).map(|(n, member)| (n.clone(), example(n, member))).collect()
        }
        _ => json!(name),
    }
}

/// The schemas that several operations share.
pub fn component_schemas() -> Value {
    let statuses: Vec<&str> = JobStatus::ALL.iter().map(|s| s.as_str()).collect();
    let links = json!({"type": "array", "items": {"$ref": "#/components/schemas/Link"}});
    let text = json!({"type": "string"});
    let time = json!({"type": "string", "format": "date-time"});
    let whole = json!({"type": "integer", "minimum": 0});
    let summary = json!({
        "type": "object",
        "required": ["id", "version"],
        "properties": {
            "id": text, "title": text, "description": text, "version": text,
            "jobControlOptions": {"type": "array", "items": {"type": "string", "enum": ["sync-execute", "async-execute", "dismiss"]}},
            "outputTransmission": {"type": "array", "items": {"type": "string", "enum": ["value", "reference"]}},
            "links": links
        }
    });
    let mut process = summary.clone();
    process["properties"]["inputs"] = json!({"type": "object", "additionalProperties": {"type": "object"}});
    process["properties"]["outputs"] = json!({"type": "object", "additionalProperties": {"type": "object"}});
    json!({
        "Any": {"description": "Any JSON."},
        "Link": {
            "type": "object", "required": ["href"],
            "properties": {"href": text, "rel": text, "type": text, "title": text, "hreflang": text}
        },
        "Problem": {
            "type": "object", "required": ["type"],
            "properties": {
                "type": text, "title": text, "status": {"type": "integer"}, "detail": text, "instance": text,
                "input": {"type": "string", "description": "Path of the input or parameter that is wrong."}
            },
            "additionalProperties": true
        },
        "LandingPage": {
            "type": "object", "required": ["links"],
            "properties": {
                "title": text, "description": text, "links": links,
                "limits": {
                    "type": "object",
                    "properties": {"bodyMegabytes": {"type": "integer", "description": "Megabytes that the body of a request may have."}}
                }
            }
        },
        "Conformance": {
            "type": "object", "required": ["conformsTo"], "properties": {"conformsTo": {"type": "array", "items": text}}
        },
        "ProcessSummary": summary,
        "ProcessList": {
            "type": "object", "required": ["processes", "links"],
            "properties": {"processes": {"type": "array", "items": {"$ref": "#/components/schemas/ProcessSummary"}}, "links": links}
        },
        "Process": process,
        "StatusInfo": {
            "type": "object", "required": ["jobID", "id", "type", "status"],
            "properties": {
                "jobID": text, "id": text, "processID": text, "type": {"type": "string", "enum": ["process"]},
                "status": {"type": "string", "enum": statuses}, "message": text,
                "exception": {"$ref": "#/components/schemas/Problem"}, "request": {"$ref": "#/components/schemas/Any"},
                "created": time, "started": time, "finished": time, "updated": time,
                "progress": {"type": "integer", "minimum": 0, "maximum": 100}, "links": links,
                "cached": {"type": "boolean", "description": "Whether the results are those of an earlier job that asked for the same."}
            }
        },
        "JobList": {
            "type": "object", "required": ["jobs", "links"],
            "properties": {
                "jobs": {"type": "array", "items": {"$ref": "#/components/schemas/StatusInfo"}}, "links": links,
                "numberMatched": whole, "numberReturned": whole
            }
        },
        "QualifiedValue": {
            "type": "object", "required": ["value"], "additionalProperties": false,
            "description": "A value with its media type or encoding beside it.",
            "properties": {
                "value": {"$ref": "#/components/schemas/Any"}, "mediaType": text,
                "encoding": {"type": "string", "description": "`base64` or none."},
                "schema": {"$ref": "#/components/schemas/Any"}, "format": {"type": "object"}
            }
        },
        "Reference": {
            "type": "object", "required": ["href"], "description": "A value by a link, where the operator allows it.",
            "properties": {"href": {"type": "string", "minLength": 1}, "type": text, "rel": text, "title": text, "hreflang": text}
        },
        "OutputRequest": {
            "type": "object",
            "properties": {
                "transmissionMode": {"type": "string", "enum": ["value", "reference"]},
                "format": {"type": "object", "properties": {"mediaType": text, "encoding": text, "schema": {"$ref": "#/components/schemas/Any"}}}
            }
        },
        "Subscriber": {
            "type": "object", "required": ["successUri"], "additionalProperties": false,
            "properties": {
                "successUri": {"type": "string", "format": "uri"},
                "inProgressUri": {"type": "string", "format": "uri"},
                "failedUri": {"type": "string", "format": "uri"}
            }
        },
        "Health": {
            "type": "object", "required": ["status"],
            "properties": {"status": {"type": "string", "enum": ["pass", "warn", "fail"]}}, "additionalProperties": true
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ogc::testing::description;

    #[test]
    fn a_request_has_the_inputs_of_its_process() {
        let schema = execute_schema(&description());
        let inputs = &schema["properties"]["inputs"];
        assert_eq!(inputs["required"], json!(["text"]));
        assert_eq!(inputs["properties"]["bytes"]["anyOf"][0]["format"], "byte");
        assert_eq!(inputs["properties"]["choice"]["anyOf"][0]["enum"], json!(["one", "two", null]));
        assert_eq!(schema["required"], json!(["inputs"]));
        assert_eq!(
            schema["properties"]["outputs"]["properties"].as_object().unwrap().len(),
            description().outputs.len()
        );
    }

    #[test]
    fn an_example_fits_its_schema() {
        assert_eq!(example_of_inputs(&description()), json!({"inputs": {"text": "text"}}));
        let inputs = description().inputs;
        assert_eq!(example("list", &inputs["list"]["schema"]), json!([1]));
        assert_eq!(example("radius", &inputs["radius"]["schema"]), json!(10.0));
        assert_eq!(example("cube", &inputs["cube"]["schema"])["href"], "https://example.org/cube.json");
        assert!(example("area", &inputs["area"]["schema"]).get("bbox").is_some());
    }
}
