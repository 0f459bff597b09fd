//! The control of one input, by its schema. What each kind is read as stands in `styles/page.js`.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::form::Offers;
use super::words::{inline, prose};
use crate::ogc::coerce::{shapes, takes_array, takes_base64, takes_bbox, takes_link, takes_text};
use crate::ogc::title_of;

/// An input, or a member of one.
pub struct Field<'a> {
    /// Where it stands: `validation.folds`.
    pub path: String,
    /// What it is called.
    pub title: String,
    /// What it is.
    pub about: &'a str,
    /// Its unit.
    pub unit: Option<&'a str>,
    /// Whether it must be given.
    pub required: bool,
    /// What it may be.
    pub schema: &'a Value,
}

/// How an input is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Choice,
    Choices,
    Source,
    Bbox,
    Bytes,
    Switch,
    Number,
    Dates,
    Text,
    List,
    Group,
    Variants,
    Rows,
    Json,
}

impl Kind {
    fn of(schema: &Value) -> Self {
        let plain = |s: &Value| matches!(s["type"].as_str(), Some("string" | "number" | "integer"));
        let items = &schema["items"];
        match schema["type"].as_str() {
            _ if schema["enum"].is_array() => Self::Choice,
            _ if takes_link(schema) && takes_text(schema) => Self::Source,
            _ if takes_bbox(schema) => Self::Bbox,
            _ if takes_base64(schema) => Self::Bytes,
            _ if is_dates(schema) => Self::Dates,
            Some("boolean") => Self::Switch,
            Some("number" | "integer") => Self::Number,
            Some("string") => Self::Text,
            Some("array") if items["enum"].is_array() => Self::Choices,
            Some("array") if plain(items) => Self::List,
            Some("array") if Self::of(items) == Self::Group => Self::Rows,
            Some("object") if schema["properties"].as_object().is_some_and(|p| !p.is_empty()) => Self::Group,
            None if shapes(schema).count() > 1 && shapes(schema).all(|s| fixed(s).is_some()) => {
                Self::Variants
            }
            _ => Self::Json,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Choice => "choice",
            Self::Choices => "choices",
            Self::Source => "source",
            Self::Bbox => "bbox",
            Self::Bytes => "bytes",
            Self::Switch => "switch",
            Self::Number => "number",
            Self::Dates => "dates",
            Self::Text => "text",
            Self::List => "list",
            Self::Group => "group",
            Self::Variants => "variants",
            Self::Rows => "rows",
            Self::Json => "json",
        }
    }

    /// Whether it consists of several controls.
    fn is_set(self) -> bool {
        matches!(
            self,
            Self::Choices
                | Self::Source
                | Self::Bbox
                | Self::Dates
                | Self::Group
                | Self::Variants
                | Self::Rows
        )
    }
}

/// Whether a schema takes an interval of days.
pub fn is_dates(schema: &Value) -> bool {
    shapes(schema).any(|s| s["type"] == "array" && s["items"]["format"] == "date")
}

/// What tells this shape of several from the others: its title, and the members (or the word) that
/// it always has.
fn fixed(shape: &Value) -> Option<(String, Value)> {
    if let Some([word]) = shape["enum"].as_array().map(Vec::as_slice) {
        return Some((word.as_str()?.to_owned(), word.clone()));
    }
    let properties = shape["properties"].as_object()?;
    let tags = properties.iter().filter_map(|(name, s)| match s["enum"].as_array()?.as_slice() {
        [only] => Some((name.clone(), only.clone())),
        _ => None,
    });
    let tags: serde_json::Map<String, Value> = tags.collect();
    let words: Vec<&str> = tags.values().filter_map(Value::as_str).collect();
    let names = || properties.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    Some((if words.is_empty() { names() } else { words.join(" ") }, Value::Object(tags)))
}

/// The control with its label, its description and a place for what is wrong with it.
pub fn field(field: &Field<'_>, offers: &Offers) -> Markup {
    let kind = Kind::of(field.schema);
    let id = format!("in-{}", field.path);
    let label = html! {
        (field.title)
        @if let Some(unit) = field.unit { " " span.unit { (unit) } }
        @if field.required { " " span.must { "required" } }
    };
    let after = html! {
        div.about id=(format!("{id}-about")) {
            (prose(field.about))
            @if let Some(default) = default_text(field.schema) { p { "Default: " (default) "." } }
        }
        p.fault id=(format!("{id}-fault")) role="alert" hidden {}
    };
    let required = field.required.then_some("");
    html! {
        @if kind.is_set() {
            fieldset.field data-path=(field.path) data-kind=(kind.name()) data-required=[required]
                aria-describedby=(described_by(&id)) {
                legend { (label) }
                (inside(kind, field, &id, offers))
                (after)
            }
        } @else {
            div.field data-path=(field.path) data-kind=(kind.name()) data-required=[required]
                data-numbers=[is_numbers(&field.schema["items"]).then_some("")] {
                label for=(id) { (label) }
                (inside(kind, field, &id, offers))
                (after)
            }
        }
    }
}

fn described_by(id: &str) -> String {
    format!("{id}-about {id}-fault")
}

fn is_numbers(schema: &Value) -> bool {
    matches!(schema["type"].as_str(), Some("number" | "integer"))
}

/// The default as it is read.
fn default_text(schema: &Value) -> Option<String> {
    match schema.get("default")? {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) if !items.iter().any(|i| i.is_object() || i.is_array()) => {
            Some(items.iter().map(plain).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) if members.is_empty() => None,
        // The word that names a shape, and what else it says.
        Value::Object(members) if members.values().any(Value::is_string) => {
            let words = members.iter().map(|(name, value)| match value {
                Value::String(word) => word.clone(),
                other => format!("{} {other}", title_of(name).to_lowercase()),
            });
            Some(words.collect::<Vec<_>>().join(", "))
        }
        other => Some(other.to_string()),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn inside(kind: Kind, field: &Field<'_>, id: &str, offers: &Offers) -> Markup {
    let schema = field.schema;
    let about = described_by(id);
    let required = field.required.then_some("true");
    let hint = default_text(schema).unwrap_or_default();
    match kind {
        Kind::Number => {
            let bound = |name: &str| schema.get(name).filter(|v| v.is_number()).map(Value::to_string);
            let step = if schema["type"] == "integer" { "1" } else { "any" };
            html! {
                input id=(id) type="number" inputmode="decimal" step=(step) min=[bound("minimum")] max=[bound("maximum")]
                    placeholder=(hint) aria-required=[required] aria-describedby=(about);
            }
        }
        Kind::Switch => {
            let default = schema["default"].as_bool();
            html! {
                select id=(id) aria-required=[required] aria-describedby=(about) {
                    option value="" { (default.map_or("not given", |yes| if yes { "default (yes)" } else { "default (no)" })) }
                    option value="true" { "yes" }
                    option value="false" { "no" }
                }
            }
        }
        Kind::Choice => choice(schema, id, &about, required, &hint),
        Kind::Choices => choices(schema),
        Kind::Text => html! {
            input id=(id) type="text" placeholder=(hint) maxlength=[schema["maxLength"].as_u64()]
                aria-required=[required] aria-describedby=(about);
        },
        Kind::List => html! {
            input id=(id) type="text" placeholder=(if hint.is_empty() { "one, two, …".to_owned() } else { hint })
                aria-required=[required] aria-describedby=(about);
            p.hint { "Separated by commas." }
        },
        Kind::Bytes => html! { input id=(id) type="file" aria-required=[required] aria-describedby=(about); },
        Kind::Json => html! {
            textarea id=(id) rows="4" spellcheck="false" placeholder=(json_hint(schema)) aria-required=[required]
                aria-describedby=(about) {}
            p.hint { "As JSON." }
        },
        Kind::Dates => html! {
            div.row {
                label { span { "first day" } input type="date" data-end="first"; }
                label { span { "last day" } input type="date" data-end="last"; }
            }
        },
        Kind::Bbox => bbox(),
        Kind::Source => source(field, id, offers),
        Kind::Group => html! {
            details.group { summary { "Show" } div.grid { (members(schema, &field.path, offers)) } }
        },
        Kind::Variants => variants(field, id, offers),
        Kind::Rows => html! {
            div.rows {}
            template { div.item { (members(&schema["items"], &format!("{}[#]", field.path), offers))
                button.second data-less type="button" { "Remove" } } }
            button.second data-more type="button" { "Add one" }
        },
    }
}

fn json_hint(schema: &Value) -> String {
    match schema["type"].as_str() {
        Some("array") => "[…]".to_owned(),
        _ => schema.get("default").map_or_else(|| "{…}".to_owned(), Value::to_string),
    }
}

fn choice(schema: &Value, id: &str, about: &str, required: Option<&str>, default: &str) -> Markup {
    let none = if default.is_empty() { "not given".to_owned() } else { format!("default ({default})") };
    html! {
        select id=(id) aria-required=[required] aria-describedby=(about) {
            option value="" { (if required.is_some() { "choose …".to_owned() } else { none }) }
            @for value in schema["enum"].as_array().into_iter().flatten().filter(|v| !v.is_null()) {
                option value=(value) { (plain(value)) }
            }
        }
    }
}

fn choices(schema: &Value) -> Markup {
    html! {
        div.row.tight { @for value in schema["items"]["enum"].as_array().into_iter().flatten() {
            label.check { input type="checkbox" value=(value); " " (plain(value)) }
        } }
    }
}

fn bbox() -> Markup {
    html! {
        div.row {
            @for name in ["west", "south", "east", "north"] {
                label { span { (name) } input type="number" step="any" data-side=(name); }
            }
            label.wide { span { "coordinate system" } input type="text" data-crs placeholder="WGS 84, longitude and latitude"; }
        }
    }
}

/// A cube, a file or an area: a name of the server, a result, a link, an upload, a text, a box.
fn source(field: &Field<'_>, id: &str, offers: &Offers) -> Markup {
    let schema = field.schema;
    let cube = shapes(schema).any(|s| s.pointer("/properties/features").is_some());
    let names = if cube { &offers.cubes } else { &offers.files };
    let several = cube && takes_array(schema) && names.len() > 1;
    html! {
        label.unseen for=(format!("{id}-from")) { (field.title) ": from where" }
        select id=(format!("{id}-from")) data-from aria-describedby=(described_by(id)) {
            option value="" { (if field.required { "choose …" } else { "not given" }) }
            @if !names.is_empty() {
                optgroup label=(if cube { "Cubes of this server" } else { "Files of this server" }) {
                    @for name in names { option value=(format!("name:{name}")) { (name) } }
                }
            }
            @if several { option value="several" { "several cubes …" } }
            @if takes_bbox(schema) { option value="bbox" { "a box …" } }
            @if !cube {
                option value="result" { "a result of a job …" }
                option value="file" { "a file of mine …" }
                option value="text" { "a text to paste …" }
            }
            option value="link" { "a link …" }
        }
        @if several {
            div.part data-part="several" hidden { div.row.tight { @for name in names {
                label.check { input type="checkbox" value=(json!(name)); " " (name) }
            } } }
        }
        @if takes_bbox(schema) { div.part data-part="bbox" hidden { (bbox()) } }
        @if !cube {
            div.part data-part="result" hidden {
                label { span { "Link of the result" } input type="text" placeholder="/jobs/…/results/…" list="results"; }
            }
            div.part data-part="file" hidden {
                label { span { "GeoJSON, GML, CSV, GeoPackage, FlatGeobuf, GeoTIFF or a model" } input type="file"; }
            }
            div.part data-part="text" hidden {
                label { span { "GeoJSON, or CSV with a header" } textarea rows="6" spellcheck="false" {} }
            }
        }
        div.part data-part="link" hidden {
            label { span { "Link (the server may allow none)" } input type="url" placeholder="https://…"; }
        }
        @if cube && names.is_empty() {
            p.hint { "This server offers no cubes yet: its operator names them under " code { "[data.cubes]" } "." }
        }
    }
}

/// The members of an object, each with its control; those that can only be one thing are not asked
/// for.
fn members(schema: &Value, path: &str, offers: &Offers) -> Markup {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let asked = schema["properties"].as_object().into_iter().flatten();
    html! {
        @for (name, member) in asked.filter(|(_, m)| m["enum"].as_array().is_none_or(|words| words.len() != 1)) {
            (field(
                &Field {
                    path: format!("{path}.{name}"),
                    title: title_of(name),
                    about: member["description"].as_str().unwrap_or_default(),
                    unit: member["x-unit"].as_str(),
                    required: required.contains(&name.as_str()),
                    schema: member,
                },
                offers,
            ))
        }
    }
}

/// One of several shapes.
fn variants(field: &Field<'_>, id: &str, offers: &Offers) -> Markup {
    let shapes: Vec<(&Value, (String, Value))> =
        shapes(field.schema).filter_map(|s| Some((s, fixed(s)?))).collect();
    let default = default_text(field.schema);
    html! {
        label.unseen for=(format!("{id}-shape")) { (field.title) ": which" }
        select id=(format!("{id}-shape")) data-shape {
            option value="" { @match &default { Some(text) => { "default (" (text) ")" } None => "not given" } }
            @for (index, (_, (title, _))) in shapes.iter().enumerate() { option value=(index) { (title) } }
        }
        @for (index, (shape, (_, fixed))) in shapes.iter().enumerate() {
            div.part data-part=(index) data-fixed=(fixed) hidden {
                @if let Some(about) = shape["description"].as_str() { p.hint { (inline(about)) } }
                // Members of different shapes may share a name: the id tells them apart.
                (members(shape, &format!("{}@{index}", field.path), offers))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::find;

    fn kind(process: &str, input: &str) -> Kind {
        Kind::of(&find(process).unwrap().describe().inputs[input]["schema"])
    }

    #[test]
    fn schemas_find_their_controls() {
        for (process, input, wanted) in [
            ("echo", "text", Kind::Text),
            ("echo", "number", Kind::Number),
            ("echo", "choice", Kind::Choice),
            ("echo", "list", Kind::List),
            ("echo", "bbox", Kind::Bbox),
            ("echo", "object", Kind::Json),
            ("echo", "bytes", Kind::Bytes),
            ("echo", "file", Kind::Source),
            ("rice-map", "cube", Kind::Source),
            ("rice-map", "area", Kind::Source),
            ("rice-map", "dates", Kind::Dates),
            ("rice-map", "despike", Kind::Switch),
            ("rice-map", "method", Kind::Choice),
            ("rice-map", "parameters", Kind::Group),
            ("rice-map", "validation", Kind::Variants),
            ("rice-map", "smoothing", Kind::Variants),
            ("rice-map", "timeGrid", Kind::Variants),
            ("compare-methods", "methods", Kind::Choices),
            ("compare-methods", "parametersByMethod", Kind::Group),
            ("stress-zones", "connectivity", Kind::Choice),
            ("stress-zones", "otherYears", Kind::Rows),
        ] {
            assert_eq!(kind(process, input), wanted, "{process} {input}");
        }
    }
}
