//! OGC API - Processes - Part 1: Core 1.0: the process description.

use schemars::Schema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::schema::unwrap_lines;

/// What a list of processes says about one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessSummary {
    /// Kebab-case id.
    pub id: &'static str,
    /// Human title.
    pub title: &'static str,
    /// What it does.
    pub description: String,
    /// Version of the process.
    pub version: &'static str,
    /// `sync-execute`, `async-execute`, `dismiss`.
    pub job_control_options: &'static [&'static str],
    /// `value`, `reference`.
    pub output_transmission: &'static [&'static str],
}

/// A process description: what every interface reads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessDescription {
    /// What the list says.
    #[serde(flatten)]
    pub summary: ProcessSummary,
    /// Inputs by name, in the order of the type.
    pub inputs: Map<String, Value>,
    /// Outputs by name, in the order of the type.
    pub outputs: Map<String, Value>,
}

impl ProcessDescription {
    /// The description of a process from its texts and the schemas of its inputs and outputs
    /// (objects, as [`super::schema_of`] makes them).
    pub fn new(
        id: &'static str,
        title: &'static str,
        description: &str,
        inputs: &Schema,
        outputs: &Schema,
    ) -> Self {
        Self {
            summary: ProcessSummary {
                id,
                title,
                description: unwrap_lines(description),
                version: env!("CARGO_PKG_VERSION"),
                job_control_options: &["sync-execute", "async-execute", "dismiss"],
                output_transmission: &["value", "reference"],
            },
            inputs: members(inputs, |member, required| {
                member.insert("minOccurs".to_owned(), json!(usize::from(required)));
                member.insert("maxOccurs".to_owned(), json!(1));
            }),
            outputs: members(outputs, |_, _| {}),
        }
    }
}

/// The properties of an object's schema, each as `{title, description, schema, ...}`.
fn members(schema: &Schema, complete: impl Fn(&mut Map<String, Value>, bool)) -> Map<String, Value> {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let mut schema = schema.clone();
            let mut member = Map::new();
            let mut take = |key: &str| schema.as_object_mut().and_then(|s| s.shift_remove(key));
            member.insert("title".to_owned(), take("title").unwrap_or_else(|| title_of(name).into()));
            if let Some(text) = take("description") {
                member.insert("description".to_owned(), text);
            }
            let told =
                [("x-unit", "uom"), ("x-holds", "media-type")].into_iter().filter_map(|(key, role)| {
                    let Value::String(title) = take(key)? else { return None };
                    Some(json!({"role": role, "title": title}))
                });
            let told: Vec<Value> = told.collect();
            if !told.is_empty() {
                member.insert("metadata".to_owned(), Value::Array(told));
            }
            member.insert("schema".to_owned(), schema);
            complete(&mut member, required.contains(&name.as_str()));
            (name.clone(), Value::Object(member))
        })
        .collect()
}

/// The title of a member: `maxCloudCover` is "Max cloud cover".
pub fn title_of(name: &str) -> String {
    let mut title = String::new();
    for (i, letter) in name.chars().enumerate() {
        if letter.is_uppercase() {
            title.push(' ');
        }
        if i == 0 { title.extend(letter.to_uppercase()) } else { title.extend(letter.to_lowercase()) }
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_what_a_file_holds_stand_in_the_metadata() {
        let described = crate::ogc::testing::description();
        assert_eq!(described.inputs["radius"]["metadata"], json!([{"role": "uom", "title": "m"}]));
        let holds = json!([{"role": "media-type", "title": crate::ogc::outputs::GEOTIFF}]);
        assert_eq!(described.inputs["raster"]["metadata"], holds);
        assert_eq!(described.inputs["raster"]["schema"].get("x-holds"), None);
    }

    #[test]
    fn names_become_titles() {
        assert_eq!(title_of("maxCloudCover"), "Max cloud cover");
    }
}
