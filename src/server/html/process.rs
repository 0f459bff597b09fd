//! A process: what it does, a form to run it, what comes back.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::form::{Offers, form};
use super::words::{inline, prose};
use super::{Page, Site};
use crate::ogc::outputs::{essence, media_types};
use crate::ogc::{Linked, ProcessDescription, segment};

/// The page of a process's description.
pub fn page(site: &Site, process: &Linked<ProcessDescription>, offers: &Offers) -> Page {
    let summary = &process.item.summary;
    let own = site.at(&format!("processes/{}", segment(summary.id)));
    let body = html! {
        p.crumbs { a href=(site.at("processes")) { "Processes" } }
        h1 { (summary.title) }
        div.lead { (prose(&summary.description)) }
        p.faint { code { (summary.id) } " · version " (summary.version) " · "
            a href=(site.at(&format!("jobs?processID={}", segment(summary.id)))) { "jobs of this process" } }
        @if site.keyed && !site.known {
            p.note { "This server asks for a key: " a href=(site.at("jobs")) { "sign in" } " to run processes." }
        }
        (form(&own, &process.item, offers))
        h2 #outputs { "What comes back" }
        (outputs(&process.item))
        details.program {
            summary { "From a program" }
            (program(process))
        }
    };
    Page::new(summary.title, body)
}

fn outputs(process: &ProcessDescription) -> Markup {
    html! {
        dl.outputs { @for (name, output) in &process.outputs {
            div {
                dt { (output["title"].as_str().unwrap_or(name)) " " code { (name) } }
                dd {
                    @if let Some(about) = output["description"].as_str() { (inline(about)) " " }
                    span.faint { (media_types(&output["schema"]).into_iter().map(essence).collect::<Vec<_>>().join(", ")) }
                }
            }
        } }
    }
}

/// The same request from a command line, for the inputs that must be given.
fn program(process: &Linked<ProcessDescription>) -> Markup {
    let required = process.item.inputs.iter().filter(|(_, input)| input["minOccurs"] != json!(0));
    let inputs: serde_json::Map<String, Value> =
        required.map(|(name, input)| (name.clone(), sample(&input["schema"]))).collect();
    let href = process
        .links
        .iter()
        .find(|l| l.rel == crate::ogc::link::rel::EXECUTE)
        .map_or("", |l| l.href.as_str());
    let body = json!({"inputs": inputs, "response": "document"});
    html! {
        pre { "curl -i -H 'Content-Type: application/json' -H 'Prefer: respond-async' \\\n  -d '" (body) "' \\\n  '" (href) "'" }
    }
}

fn sample(schema: &Value) -> Value {
    let shape = crate::ogc::coerce::shapes(schema).next().unwrap_or(schema);
    match (&shape["enum"][0], shape["type"].as_str()) {
        (Value::Null, Some("number" | "integer")) => json!(1),
        (Value::Null, Some("boolean")) => json!(true),
        (Value::Null, Some("array")) => json!([]),
        (Value::Null, Some("object")) => json!({}),
        (Value::Null, _) => json!("…"),
        (first, _) => first.clone(),
    }
}
