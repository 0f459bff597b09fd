//! The answers of operations: what is common to all stands among the components.

use serde_json::{Map, Value, json};

use crate::ogc::ProcessDescription;
use crate::ogc::outputs::{self, essence};

/// Faults that have a name: number, name, what it means.
const FAULTS: [(&str, &str, &str); 12] = [
    ("400", "BadRequest", "A parameter or an input is wrong; it is named."),
    ("401", "Unauthorized", "A key or a token is missing or not known."),
    ("403", "Forbidden", "The key or token does not allow it."),
    ("404", "NotFound", "There is no such resource, or no result yet."),
    ("405", "MethodNotAllowed", "The resource knows no such method."),
    ("406", "NotAcceptable", "There is no representation of the type that is asked for."),
    ("413", "TooLarge", "The request is larger than the service takes."),
    ("415", "UnsupportedType", "The request is of a type that the service does not take."),
    ("422", "Unprocessable", "The request is well-formed and cannot be done."),
    ("429", "TooMany", "The caller has as many jobs or requests as it may; try later."),
    ("500", "Failed", "The service failed."),
    ("503", "Busy", "The service has as much to do as it takes; try later."),
];

/// What any operation may answer.
const ALWAYS: [&str; 6] = ["401", "403", "405", "429", "500", "503"];

/// The answers among the components.
pub fn components() -> Value {
    let problem = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
    let content = json!({
        "application/json": problem, "application/problem+json": problem, "text/html": {"schema": {"type": "string"}}
    });
    let mut all = Map::new();
    for (number, name, what) in FAULTS {
        let mut answer = json!({"description": what, "content": content});
        if matches!(number, "429" | "503") {
            answer["headers"] = json!({"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}}});
        }
        all.insert(name.to_owned(), answer);
    }
    all.insert(
        "Problem".to_owned(),
        json!({"description": "Anything else that went wrong.", "content": content}),
    );
    Value::Object(all)
}

/// The good answers, the faults that are named, those that any operation has, and the default.
pub fn answers(mut good: Value, faults: &[&str]) -> Value {
    if let Some(all) = good.as_object_mut() {
        for (number, name, _) in FAULTS {
            if (faults.contains(&number) || ALWAYS.contains(&number)) && !all.contains_key(number) {
                all.insert(number.to_owned(), json!({"$ref": format!("#/components/responses/{name}")}));
            }
        }
        all.insert("default".to_owned(), json!({"$ref": "#/components/responses/Problem"}));
    }
    good
}

/// A document as JSON or HTML.
pub fn pages(schema: &str) -> Value {
    json!({
        "application/json": {"schema": {"$ref": schema}},
        "text/html": {"schema": {"type": "string"}}
    })
}

/// Every media type that the outputs of a process can have, without parameters.
pub fn media_types_of(process: &ProcessDescription) -> Vec<String> {
    let types = process.outputs.values().flat_map(|output| outputs::media_types(&output["schema"]));
    types.map(|t| essence(t).to_owned()).collect()
}

/// What results come as: JSON, the outputs' own types, several in parts.
pub fn contents(media_types: &[String], parts: bool) -> Value {
    let mut all = Map::new();
    let any = json!({"schema": {"$ref": "#/components/schemas/Any"}});
    all.insert("application/json".to_owned(), any);
    let text = json!({"schema": {"type": "string"}});
    for common in ["text/plain", "text/html"] {
        all.insert(common.to_owned(), text.clone());
    }
    let bytes = json!({"schema": {"type": "string", "format": "binary"}});
    all.insert("application/octet-stream".to_owned(), bytes.clone());
    for media_type in media_types {
        let json = media_type.ends_with("json");
        let content = if json {
            json!({"schema": {"type": "object"}})
        } else if media_type.starts_with("text/") {
            text.clone()
        } else {
            bytes.clone()
        };
        all.entry(media_type.clone()).or_insert(content);
    }
    if parts {
        all.insert("multipart/related".to_owned(), text);
    }
    Value::Object(all)
}

/// Outputs by reference.
pub fn linked() -> Value {
    json!({
        "description": "The outputs are behind the links.",
        "headers": {"Link": {"description": "A link for each output.", "schema": {"type": "string"}}}
    })
}

/// The answers to an execute request.
pub fn execution(media_types: &[String]) -> Value {
    let text = json!({"schema": {"type": "string"}});
    let started = json!({
        "description": "A job is made; its status.",
        "headers": {
            "Location": {"description": "The job.", "schema": {"type": "string", "format": "uri"}},
            "Preference-Applied": text
        },
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/StatusInfo"}}}
    });
    let good = json!({
        "200": {
            "description": "Done: a JSON object of the outputs, or (raw) the outputs themselves.",
            "headers": {"Preference-Applied": text},
            "content": contents(media_types, true)
        },
        "201": started,
        "204": linked(),
        "303": {
            "description": "The collection that the job fills; its status meanwhile.",
            "headers": {
                "Location": {"description": "The collection.", "schema": {"type": "string", "format": "uri"}},
                "Link": {"description": "The job as `monitor`.", "schema": {"type": "string"}}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/StatusInfo"}}}
        }
    });
    answers(good, &["400", "404", "406", "413", "415", "422"])
}
