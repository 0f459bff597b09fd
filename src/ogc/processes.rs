//! OGC API - Processes - Part 1: Core 1.0: the process description, and the execute request.

use std::collections::BTreeMap;

use schemars::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::outputs::{essence, media_types};
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
            if let Some(Value::String(unit)) = take("x-unit") {
                member.insert("metadata".to_owned(), json!([{"role": "uom", "title": unit}]));
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

/// What a caller asks of one output.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputRequest {
    /// `value` or `reference`.
    #[serde(default)]
    pub transmission_mode: Option<String>,
    /// `{"mediaType": ...}`.
    #[serde(default)]
    pub format: Option<Value>,
}

/// An execute request. The members that only concern a server (`response`, `subscriber`, `mode`)
/// are accepted.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Execute {
    /// Inputs by name; qualified values (`{"value": ..., "mediaType": ...}`) are unwrapped.
    #[serde(default)]
    pub inputs: Map<String, Value>,
    /// Outputs that are wanted; all where none is named.
    #[serde(default)]
    pub outputs: Map<String, Value>,
    /// `raw` or `document`.
    #[serde(default)]
    pub response: Option<String>,
    /// `sync` or `async`, from before 1.0.
    #[serde(default)]
    pub mode: Option<String>,
    /// Where a server reports to.
    #[serde(default)]
    pub subscriber: Option<Value>,
}

impl Execute {
    /// Reads an execute request, or the bare inputs where there is no member `inputs`.
    ///
    /// # Errors
    /// The path of the wrong member and what is wrong with it.
    pub fn parse(document: Value) -> Result<Self, (String, String)> {
        let Value::Object(object) = document else {
            return Err((String::new(), "expected an object of inputs".to_owned()));
        };
        let mut request = if object.contains_key("inputs") {
            serde_path_to_error::deserialize(Value::Object(object))
                .map_err(|e| (e.path().to_string(), e.inner().to_string()))?
        } else {
            Self { inputs: object, ..Self::default() }
        };
        for (name, value) in &request.outputs {
            serde_path_to_error::deserialize::<_, OutputRequest>(value)
                .map_err(|e| (format!("outputs.{name}"), e.inner().to_string()))?;
        }
        for value in request.inputs.values_mut() {
            unqualify(value);
            if let Value::Array(items) = value {
                items.iter_mut().for_each(unqualify);
            }
        }
        Ok(request)
    }

    /// The media types that are asked for, by output. `outputs` are those of the process's
    /// description.
    ///
    /// # Errors
    /// The path of a media type that the output does not have (`outputs.zones.format.mediaType`),
    /// or of an output that the process does not have, and what there is.
    pub fn media_types(
        &self,
        outputs: &Map<String, Value>,
    ) -> Result<BTreeMap<String, String>, (String, String)> {
        let mut asked = BTreeMap::new();
        for (name, value) in &self.outputs {
            let Some(output) = outputs.get(name) else {
                let known = outputs.keys().cloned().collect::<Vec<_>>().join(", ");
                return Err((format!("outputs.{name}"), format!("there is no such output (known: {known})")));
            };
            let path = format!("outputs.{name}.format");
            let Some(format) = value.get("format").filter(|f| !f.is_null()) else { continue };
            let Some(format) = format.as_object() else {
                return Err((path, "expected an object with the member `mediaType`".to_owned()));
            };
            let Some(wanted) = format.get("mediaType").filter(|m| !m.is_null()) else { continue };
            let known = media_types(&output["schema"]);
            let same = |known: &&str| {
                let wanted = wanted.as_str().unwrap_or_default();
                essence(known).eq_ignore_ascii_case(essence(wanted))
            };
            let Some(found) = known.iter().find(|k| same(k)) else {
                let known = known.iter().map(|k| essence(k)).collect::<Vec<_>>().join(", ");
                return Err((
                    format!("{path}.mediaType"),
                    format!("{wanted} is no media type of this output (known: {known})"),
                ));
            };
            asked.insert(name.clone(), (*found).to_owned());
        }
        Ok(asked)
    }
}

/// `{"value": x, "mediaType": ...}` is x.
fn unqualify(value: &mut Value) {
    let Some(object) = value.as_object_mut() else { return };
    let qualifiers = ["value", "mediaType", "encoding", "schema", "format"];
    if object.contains_key("value")
        && object.keys().all(|k| qualifiers.contains(&k.as_str()))
        && let Some(inner) = object.shift_remove("value")
    {
        *value = inner;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_titles() {
        assert_eq!(title_of("maxCloudCover"), "Max cloud cover");
    }

    #[test]
    fn bare_inputs_and_execute_requests_are_both_read() {
        let bare = Execute::parse(json!({"cube": "x"})).unwrap();
        let full =
            Execute::parse(json!({"inputs": {"cube": {"value": "x"}}, "outputs": {"map": {}}})).unwrap();
        assert_eq!(bare.inputs, full.inputs);
        assert_eq!(full.outputs.keys().collect::<Vec<_>>(), ["map"]);
        let (path, _) = Execute::parse(json!({"inputs": {}, "output": {}})).unwrap_err();
        assert_eq!(path, "output");
    }

    #[test]
    fn media_types_are_asked_for_by_output() {
        #[derive(schemars::JsonSchema)]
        #[expect(dead_code, reason = "a type of a schema")]
        struct Outputs {
            zones: crate::ogc::FeatureCollection,
            map: crate::ogc::Coverage,
            areas: Vec<f64>,
        }
        let schema = crate::ogc::schema_of::<Outputs>();
        let known = ProcessDescription::new("x", "X", "", &schema, &schema).outputs;
        let ask = |outputs: Value| {
            Execute::parse(json!({"inputs": {}, "outputs": outputs})).unwrap().media_types(&known)
        };
        let asked = ask(json!({
            "zones": {"format": {"mediaType": "Application/GeoPackage+sqlite3"}},
            "map": {"format": {"mediaType": "image/tiff"}, "transmissionMode": "reference"},
            "areas": {"format": {"mediaType": "application/json"}},
        }))
        .unwrap();
        assert_eq!(asked["zones"], "application/geopackage+sqlite3");
        assert!(asked["map"].starts_with("image/tiff; application=geotiff"));
        assert_eq!(ask(json!({"zones": {}, "map": {"format": {}}})).unwrap().len(), 0);
        let (path, message) = ask(json!({"zones": {"format": {"mediaType": "text/html"}}})).unwrap_err();
        assert_eq!(path, "outputs.zones.format.mediaType");
        assert!(
            message.contains("\"text/html\"") && message.contains("known: application/geo+json, "),
            "{message}"
        );
        assert_eq!(ask(json!({"zones": {"format": "gpkg"}})).unwrap_err().0, "outputs.zones.format");
        assert_eq!(ask(json!({"zonse": {}})).unwrap_err().0, "outputs.zonse");
    }
}
