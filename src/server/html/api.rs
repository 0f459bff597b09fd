//! The operations of the API, from the OpenAPI document.

use maud::{Markup, html};
use serde_json::Value;

use super::words::inline;
use super::{Page, Site};

/// The page of an OpenAPI document.
pub fn page(site: &Site, api: &Value) -> Page {
    let tags: Vec<&Value> = api["tags"].as_array().into_iter().flatten().collect();
    let body = html! {
        h1 { "API" }
        p.lead { "Every operation, with its parameters and answers. The same for programs: "
            a href=(site.at("api?f=json")) { "OpenAPI " (api["openapi"].as_str().unwrap_or_default()) } "." }
        @if site.keyed { p.note { "Send your key as " code { "Authorization: Bearer KEY" } " or " code { "X-API-Key: KEY" } "." } }
        nav aria-label="Groups of operations" { ul.tags {
            @for tag in &tags { @let name = text(tag, "name"); li { a href=(format!("#tag-{name}")) { (name) } } }
        } }
        @for tag in &tags {
            @let name = text(tag, "name");
            h2 id=(format!("tag-{name}")) { (name) }
            p.faint { (text(tag, "description")) }
            @for (path, verb, operation) in operations(api, name) { (shown(api, path, verb, operation)) }
        }
    };
    Page::new("API", body)
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

fn operations<'a>(api: &'a Value, tag: &str) -> Vec<(&'a str, &'a str, &'a Value)> {
    let paths = api["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, item)| {
        let verbs = item.as_object().into_iter().flatten();
        verbs.map(move |(verb, operation)| (path.as_str(), verb.as_str(), operation))
    });
    all.filter(|(_, _, operation)| {
        operation["tags"].as_array().is_some_and(|tags| tags.iter().any(|t| t == tag))
    })
    .collect()
}

/// What a `$ref` leads to, or the value itself.
fn resolved<'a>(api: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    target.and_then(|pointer| api.pointer(pointer)).unwrap_or(value)
}

fn shown(api: &Value, path: &str, verb: &str, operation: &Value) -> Markup {
    let parameters: Vec<&Value> =
        operation["parameters"].as_array().into_iter().flatten().map(|p| resolved(api, p)).collect();
    html! {
        details.operation id=(text(operation, "operationId")) {
            summary {
                span.verb data-verb=(verb) { (verb.to_uppercase()) } " "
                code.path { (path) } " "
                span.faint { (text(operation, "summary")) }
            }
            @if let Some(about) = operation["description"].as_str() { p { (inline(about)) } }
            @if !parameters.is_empty() {
                h3 { "Parameters" }
                dl.outputs { @for parameter in parameters { div {
                    dt { code { (text(parameter, "name")) } " " span.faint { (text(parameter, "in")) } }
                    dd { (inline(text(parameter, "description"))) " " span.faint { (allowed(&parameter["schema"])) } }
                } } }
            }
            @if let Some(example) = operation.pointer("/requestBody/content/application~1json/example") {
                h3 { "Body" }
                pre { (format!("{example:#}")) }
            }
            h3 { "Answers" }
            dl.outputs { @for (code, answer) in operation["responses"].as_object().into_iter().flatten() {
                @let answer = resolved(api, answer);
                div {
                    dt { (code) }
                    dd { (text(answer, "description")) " "
                        span.faint { (answer["content"].as_object().into_iter().flatten().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>().join(", ")) } }
                }
            } }
        }
    }
}

/// Type, values, bounds and default of a parameter, in words.
fn allowed(schema: &Value) -> String {
    let schema = if schema["type"] == "array" { &schema["items"] } else { schema };
    let mut parts = vec![text(schema, "type").to_owned()];
    if let Some(words) = schema["enum"].as_array() {
        parts.push(format!(
            "one of {}",
            words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        ));
    }
    for (member, word) in [("minimum", "from"), ("maximum", "to"), ("default", "default")] {
        if let Some(value) = schema.get(member) {
            parts.push(format!("{word} {value}"));
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}
