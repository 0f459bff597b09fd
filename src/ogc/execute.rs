//! The execute request of OGC API - Processes 1.0.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::coerce::{coerce, takes_array, takes_base64, takes_link, takes_object, takes_text};
use super::outputs::{essence, media_types};
use super::words::hint;
use super::{ProcessDescription, Return, link};
use crate::text::unmarked;

/// Path of what is wrong, and what is wrong with it.
pub type Fault = (String, String);

/// What a caller asks of one output.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputRequest {
    /// In the answer, or as a link.
    #[serde(default)]
    pub transmission_mode: Option<Transmission>,
    /// `{"mediaType": ...}`.
    #[serde(default)]
    pub format: Option<Value>,
    /// Media type without a `format` around it, as the 2.0 draft has it.
    #[serde(default)]
    pub media_type: Option<String>,
}

/// How an output is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transmission {
    /// In the answer.
    Value,
    /// As a link.
    Reference,
}

/// The form of the answer to a synchronous request, and of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseForm {
    /// The outputs themselves.
    Raw,
    /// A JSON object of the outputs.
    Document,
    /// The collection that an output becomes, at once (2.0 draft).
    Collection,
}

/// The mode of drafts before 1.0, where `Prefer` stands now, and of WPS 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Wait for the result.
    Sync,
    /// Answer at once.
    Async,
    /// As the server likes.
    Auto,
}

/// Where the end (or a step) of a job is reported to; http and https only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subscriber {
    /// Gets the results.
    #[serde(deserialize_with = "address")]
    pub success_uri: String,
    /// Gets the status when work begins and goes on.
    #[serde(default, deserialize_with = "optional_address", skip_serializing_if = "Option::is_none")]
    pub in_progress_uri: Option<String>,
    /// Gets the status when it fails or is dismissed.
    #[serde(default, deserialize_with = "optional_address", skip_serializing_if = "Option::is_none")]
    pub failed_uri: Option<String>,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let address = String::deserialize(deserializer)?;
    link::fault_of_address(&address).map_or(Ok(address), |fault| Err(D::Error::custom(fault)))
}

fn optional_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let address = Option::<String>::deserialize(deserializer)?;
    match address.as_deref().and_then(link::fault_of_address) {
        Some(fault) => Err(D::Error::custom(fault)),
        None => Ok(address),
    }
}

/// What stood beside a value that was qualified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Qualifier {
    /// Media type of the value.
    pub media_type: Option<String>,
    /// `base64`, or `binary`.
    pub encoding: Option<String>,
}

/// An input that the caller gives by a link although its schema has none: whoever can fetch it
/// hands the bytes to [`Execute::put`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Name of the input.
    pub input: String,
    /// Place in its array.
    pub index: Option<usize>,
    /// The link.
    pub href: String,
    /// Media type that the caller expects there.
    pub media_type: Option<String>,
}

/// An execute request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Execute {
    /// Inputs by name; qualified values (`{"value": ..., "mediaType": ...}`) are unwrapped.
    #[serde(default)]
    pub inputs: Map<String, Value>,
    /// Outputs that are wanted; all where none is named.
    #[serde(default)]
    pub outputs: Map<String, Value>,
    /// `raw`, `document` or `collection`.
    #[serde(default)]
    pub response: Option<ResponseForm>,
    /// `sync` or `async`, from before 1.0.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// Where a server reports to.
    #[serde(default)]
    pub subscriber: Option<Subscriber>,
    /// What stood beside qualified values, by input and place in its array.
    #[serde(skip)]
    pub qualifiers: BTreeMap<(String, Option<usize>), Qualifier>,
}

impl Execute {
    /// Reads an execute request, or the bare inputs where there is no member `inputs`.
    ///
    /// # Errors
    /// The path of the wrong member and what is wrong with it.
    pub fn parse(document: Value) -> Result<Self, Fault> {
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
            serde_path_to_error::deserialize::<_, OutputRequest>(value).map_err(|e| {
                let path = e.path().to_string();
                let dot = if path == "." { String::new() } else { format!(".{path}") };
                (format!("outputs.{name}{dot}"), e.inner().to_string())
            })?;
        }
        for (name, value) in &mut request.inputs {
            let mut note = |index, qualifier: Option<Qualifier>| {
                if let Some(qualifier) = qualifier.filter(|q| *q != Qualifier::default()) {
                    request.qualifiers.insert((name.clone(), index), qualifier);
                }
            };
            note(None, unqualify(value));
            if let Value::Array(items) = value {
                for (index, item) in items.iter_mut().enumerate() {
                    note(Some(index), unqualify(item));
                }
            }
        }
        Ok(request)
    }

    /// Whether an output is wanted.
    pub fn wants(&self, output: &str) -> bool {
        self.outputs.is_empty() || self.outputs.contains_key(output)
    }

    /// How an output is to be handed over, where the caller says so.
    pub fn transmission(&self, output: &str) -> Option<Transmission> {
        let mode = self.outputs.get(output)?.get("transmissionMode")?;
        Transmission::deserialize(mode).ok()
    }

    /// Hands outputs over in the form that the caller prefers where the request itself does not say how.
    /// Whether it does nowhere, so that the preference holds for all: `outputs` are those of the process's
    /// description.
    pub fn prefer(&mut self, form: Return, outputs: &Map<String, Value>) -> bool {
        if self.outputs.values().any(|output| output.get("transmissionMode").is_some_and(|m| !m.is_null())) {
            return false;
        }
        if form == Return::Minimal {
            if self.outputs.is_empty() {
                self.outputs = outputs.keys().map(|name| (name.clone(), json!({}))).collect();
            }
            for output in self.outputs.values_mut().filter_map(Value::as_object_mut) {
                output.insert("transmissionMode".to_owned(), "reference".into());
            }
        }
        true
    }

    /// Looks at the request with the process's description: unknown and missing inputs, unknown
    /// outputs and media types. What the values hold is for the process to say.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, process: &ProcessDescription) -> Result<(), Fault> {
        let known = || process.inputs.keys().map(String::as_str);
        if let Some(unknown) = self.inputs.keys().find(|name| !process.inputs.contains_key(*name)) {
            return Err((unknown.clone(), format!("there is no such input{}", hint(unknown, known()))));
        }
        let required = |input: &Value| input.get("minOccurs").and_then(Value::as_u64) != Some(0);
        let mut missing =
            process.inputs.iter().filter(|(name, input)| required(input) && !self.inputs.contains_key(*name));
        if let Some((name, _)) = missing.next() {
            return Err((name.clone(), "is required".to_owned()));
        }
        self.media_types(&process.outputs).map(|_| ())
    }

    /// The media types that are asked for, by output. `outputs` are those of the process's
    /// description.
    ///
    /// # Errors
    /// The path of a media type that the output does not have (`outputs.zones.format.mediaType`),
    /// or of an output that the process does not have, and what there is.
    pub fn media_types(&self, outputs: &Map<String, Value>) -> Result<BTreeMap<String, String>, Fault> {
        let mut asked = BTreeMap::new();
        for (name, value) in &self.outputs {
            let Some(output) = outputs.get(name) else {
                let hint = hint(name, outputs.keys().map(String::as_str));
                return Err((format!("outputs.{name}"), format!("there is no such output{hint}")));
            };
            let given = |member: &str| value.get(member).filter(|f| !f.is_null());
            let (path, wanted) = match (given("format"), given("mediaType")) {
                (Some(Value::Object(format)), _) => {
                    let wanted = format.get("mediaType").filter(|m| !m.is_null());
                    (format!("outputs.{name}.format.mediaType"), wanted)
                }
                (Some(_), _) => {
                    let path = format!("outputs.{name}.format");
                    return Err((path, "expected an object with the member `mediaType`".to_owned()));
                }
                (None, bare) => (format!("outputs.{name}.mediaType"), bare),
            };
            let Some(wanted) = wanted else { continue };
            let known = media_types(&output["schema"]);
            let same = |known: &&str| {
                let wanted = wanted.as_str().unwrap_or_default();
                essence(known).eq_ignore_ascii_case(essence(wanted))
            };
            let Some(found) = known.iter().find(|k| same(k)) else {
                let known = known.iter().map(|k| essence(k)).collect::<Vec<_>>().join(", ");
                return Err((path, format!("{wanted} is no media type of this output (known: {known})")));
            };
            asked.insert(name.clone(), (*found).to_owned());
        }
        Ok(asked)
    }

    /// Makes qualified values into what the inputs' schemas take: JSON text into objects; other
    /// content, where a link is taken, into a `data:` link; and leaves from links only the members
    /// that the schema has. `inputs` are those of the process's description.
    ///
    /// # Errors
    /// The input whose content cannot be read.
    pub fn fit(&mut self, inputs: &Map<String, Value>) -> Result<(), Fault> {
        for (name, value) in &mut self.inputs {
            let Some(schema) = inputs.get(name).and_then(|i| i.get("schema")) else { continue };
            if let Some(qualifier) = self.qualifiers.get(&(name.clone(), None)) {
                fit_one(value, qualifier, schema).map_err(|fault| (name.clone(), fault))?;
            }
            strip_link(value, schema);
            if let Value::Array(items) = value {
                for (index, item) in items.iter_mut().enumerate() {
                    if let Some(qualifier) = self.qualifiers.get(&(name.clone(), Some(index))) {
                        fit_one(item, qualifier, schema).map_err(|f| (format!("{name}[{index}]"), f))?;
                    }
                    strip_link(item, schema);
                }
            }
        }
        Ok(())
    }

    /// All links among the inputs with their paths, and the texts where a link may stand. `inputs` are
    /// those of the process's description.
    pub fn links(&self, inputs: &Map<String, Value>) -> Vec<(String, &str)> {
        let mut found = Vec::new();
        for (name, value) in &self.inputs {
            let taken = inputs.get(name).and_then(|i| i.get("schema")).is_some_and(takes_link);
            let places = match value {
                Value::Array(items) => {
                    items.iter().enumerate().map(|(k, item)| (format!("{name}[{k}]"), item)).collect()
                }
                one => vec![(name.clone(), one)],
            };
            found.extend(places.into_iter().filter_map(|(path, value)| match value {
                Value::String(text) if taken => Some((path, text.as_str())),
                Value::Object(members) => Some((format!("{path}.href"), members.get("href")?.as_str()?)),
                _ => None,
            }));
        }
        found
    }

    /// Inputs that are given by a link although their schema has none: to be fetched and handed to
    /// [`Self::put`]. `inputs` are those of the process's description.
    pub fn references(&self, inputs: &Map<String, Value>) -> Vec<Reference> {
        let mut found = Vec::new();
        for (name, value) in &self.inputs {
            let Some(schema) = inputs.get(name).and_then(|i| i.get("schema")) else { continue };
            if takes_link(schema) {
                continue;
            }
            let mut note = |index, value: &Value| {
                if let Some((href, media_type)) = link_of(value) {
                    found.push(Reference { input: name.clone(), index, href, media_type });
                }
            };
            note(None, value);
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                note(Some(index), item);
            }
        }
        found
    }

    /// Puts what was fetched in the place of its link, in the form that the schema takes: base64,
    /// JSON or text.
    ///
    /// # Errors
    /// The input whose content is neither.
    pub fn put(
        &mut self,
        reference: &Reference,
        bytes: &[u8],
        inputs: &Map<String, Value>,
    ) -> Result<(), Fault> {
        let name = &reference.input;
        let empty = Value::Null;
        let schema = inputs.get(name).and_then(|i| i.get("schema")).unwrap_or(&empty);
        let value = if takes_base64(schema) {
            Value::String(STANDARD.encode(bytes))
        } else {
            // Nothing of what was fetched is told.
            let bytes = unmarked(bytes);
            let text = std::str::from_utf8(&bytes)
                .map_err(|_| (name.clone(), "what the link leads to is no text".to_owned()))?;
            let schema = match reference.index {
                Some(_) => schema.get("items").unwrap_or(schema),
                None => schema,
            };
            let wanted = takes_object(schema) || takes_array(schema);
            let value = coerce(schema, text);
            if wanted && value.is_string() && !takes_text(schema) {
                return Err((
                    name.clone(),
                    "what the link leads to is not the JSON that it takes".to_owned(),
                ));
            }
            value
        };
        let place = match (self.inputs.get_mut(name), reference.index) {
            (Some(Value::Array(items)), Some(index)) => items.get_mut(index),
            (place, _) => place,
        };
        if let Some(place) = place {
            *place = value;
        }
        Ok(())
    }
}

/// `{"value": x, "mediaType": ...}` is x.
fn unqualify(value: &mut Value) -> Option<Qualifier> {
    let object = value.as_object_mut()?;
    let qualifiers = [
        "value",
        "mediaType",
        "encoding",
        "schema",
        "format",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
    ];
    if !object.contains_key("value") || !object.keys().all(|k| qualifiers.contains(&k.as_str())) {
        return None;
    }
    let inner = object.shift_remove("value")?;
    let text =
        |places: [&str; 3]| places.iter().find_map(|place| value.pointer(place)?.as_str()).map(str::to_owned);
    let qualifier = Qualifier {
        media_type: text(["/mediaType", "/contentMediaType", "/format/mediaType"]),
        encoding: text(["/encoding", "/contentEncoding", "/format/encoding"]),
    };
    *value = inner;
    Some(qualifier)
}

/// Bytes from base64, in lines or not, padded or not.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let packed: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(&packed).or_else(|_| STANDARD_NO_PAD.decode(&packed)).ok()
}

fn is_json(media_type: &str) -> bool {
    let essence = essence(media_type).to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json") || essence.ends_with("/geojson")
}

/// A qualified text as its schema takes it.
fn fit_one(value: &mut Value, qualifier: &Qualifier, schema: &Value) -> Result<(), String> {
    let Value::String(text) = &*value else { return Ok(()) };
    let media_type = qualifier.media_type.as_deref();
    let packed = qualifier.encoding.as_deref().is_some_and(|e| e.eq_ignore_ascii_case("base64"));
    let unpack = || from_base64(text).ok_or_else(|| "is not valid base64".to_owned());
    if takes_base64(schema) {
        if packed {
            unpack()?;
        } else if media_type.is_some() && from_base64(text).is_none() {
            *value = STANDARD.encode(text).into();
        }
        return Ok(());
    }
    let (link, object) = (takes_link(schema), takes_object(schema) || takes_array(schema));
    if !packed && (media_type.is_none() || !(link || object)) {
        return Ok(());
    }
    let bytes = if packed { unpack()? } else { text.as_bytes().to_vec() };
    if object && media_type.is_none_or(is_json) {
        if let Ok(parsed) = serde_json::from_slice::<Value>(&unmarked(&bytes))
            && (parsed.is_object() || parsed.is_array())
        {
            *value = parsed;
            return Ok(());
        }
        // A name of data, to which a client has put the usual media type.
        if !packed && takes_text(schema) && !text.trim_start().starts_with(['{', '[']) {
            return Ok(());
        }
        if media_type.is_some() || !link {
            return Err("is not valid JSON".to_owned());
        }
    }
    if link {
        let media_type = media_type.unwrap_or(super::outputs::BINARY);
        let plain: String = media_type.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
        let href = format!("data:{plain};base64,{}", STANDARD.encode(&bytes));
        *value = json!({"href": href, "type": media_type});
    } else if let Ok(text) = String::from_utf8(bytes) {
        *value = coerce(schema, &text);
    }
    Ok(())
}

const LINK: [&str; 6] = ["href", "type", "rel", "title", "hreflang", "method"];

/// The link that a value is: an object with `href` and members of links only.
fn link_of(value: &Value) -> Option<(String, Option<String>)> {
    let object = value.as_object()?;
    let href = object.get("href")?.as_str()?.to_owned();
    let media_type = object.get("type").and_then(Value::as_str).map(str::to_owned);
    object.keys().all(|k| LINK.contains(&k.as_str())).then_some((href, media_type))
}

/// A link's members that say nothing to a process are taken off.
fn strip_link(value: &mut Value, schema: &Value) {
    if takes_link(schema)
        && link_of(value).is_some()
        && let Some(object) = value.as_object_mut()
    {
        object.retain(|key, _| matches!(key.as_str(), "href" | "type"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ogc::testing::description;

    fn parse(document: Value) -> Execute {
        Execute::parse(document).unwrap()
    }

    fn fitted(inputs: Value) -> Result<Map<String, Value>, Fault> {
        let mut request = parse(json!({"inputs": inputs}));
        request.fit(&description().inputs).map(|()| request.inputs)
    }

    #[test]
    fn bare_inputs_and_execute_requests_are_both_read() {
        let bare = parse(json!({"cube": "x"}));
        let full = parse(json!({"inputs": {"cube": {"value": "x"}}, "outputs": {"map": {}}}));
        assert_eq!(bare.inputs, full.inputs);
        assert_eq!(full.outputs.keys().collect::<Vec<_>>(), ["map"]);
        let (path, _) = Execute::parse(json!({"inputs": {}, "output": {}})).unwrap_err();
        assert_eq!(path, "output");
        assert!(Execute::parse(json!([])).is_err());
    }

    #[test]
    fn the_form_of_the_answer_is_read() {
        let request = parse(json!({
            "inputs": {}, "response": "raw", "mode": "async",
            "outputs": {"zones": {"transmissionMode": "reference"}, "table": {}},
            "subscriber": {"successUri": "https://x/y", "failedUri": null}
        }));
        assert_eq!(request.response, Some(ResponseForm::Raw));
        assert_eq!(request.mode, Some(Mode::Async));
        assert_eq!(request.transmission("zones"), Some(Transmission::Reference));
        assert_eq!(request.transmission("table"), None);
        assert!(request.wants("zones") && !request.wants("classMap"));
        assert_eq!(request.subscriber.unwrap().success_uri, "https://x/y");
    }

    #[test]
    fn a_wrong_member_is_named() {
        let path = |document: Value| Execute::parse(document).unwrap_err().0;
        assert_eq!(path(json!({"inputs": {}, "response": "xml"})), "response");
        assert_eq!(
            path(json!({"inputs": {}, "outputs": {"a": {"transmissionMode": "fax"}}})),
            "outputs.a.transmissionMode"
        );
        assert_eq!(
            path(json!({"inputs": {}, "subscriber": {"successUri": "file:///x"}})),
            "subscriber.successUri"
        );
        assert_eq!(path(json!({"inputs": {}, "subscriber": {}})), "subscriber");
        let subscriber = json!({"successUri": "http://x", "inProgressUri": "gopher://x"});
        assert_eq!(path(json!({"inputs": {}, "subscriber": subscriber})), "subscriber.inProgressUri");
        assert_eq!(path(json!({"inputs": 3})), "inputs");
    }

    #[test]
    fn a_request_is_checked_with_the_description() {
        let check = |document: Value| parse(document).check(&description());
        assert_eq!(check(json!({"text": "a"})), Ok(()));
        assert_eq!(check(json!({})).unwrap_err(), ("text".to_owned(), "is required".to_owned()));
        let (path, message) = check(json!({"text": "a", "raduis": 3})).unwrap_err();
        assert_eq!(path, "raduis");
        assert!(message.contains("did you mean `radius`?"), "{message}");
        let (path, message) = check(json!({"inputs": {"text": "a"}, "outputs": {"zonse": {}}})).unwrap_err();
        assert_eq!(path, "outputs.zonse");
        assert!(message.contains("did you mean `zones`?"), "{message}");
    }

    #[test]
    fn media_types_are_asked_for_by_output() {
        let known = description().outputs;
        let ask = |outputs: Value| parse(json!({"inputs": {}, "outputs": outputs})).media_types(&known);
        let asked = ask(json!({
            "zones": {"format": {"mediaType": "Application/GeoPackage+sqlite3"}},
            "classMap": {"format": {"mediaType": "image/tiff"}, "transmissionMode": "reference"},
            "areas": {"mediaType": "application/json"},
        }))
        .unwrap();
        assert_eq!(asked["zones"], "application/geopackage+sqlite3");
        assert!(asked["classMap"].starts_with("image/tiff; application=geotiff"));
        assert_eq!(asked["areas"], "application/json");
        assert_eq!(ask(json!({"zones": {}, "classMap": {"format": {}}})).unwrap().len(), 0);
        let (path, message) = ask(json!({"zones": {"format": {"mediaType": "text/html"}}})).unwrap_err();
        assert_eq!(path, "outputs.zones.format.mediaType");
        assert!(
            message.contains("\"text/html\"") && message.contains("known: application/geo+json, "),
            "{message}"
        );
        assert_eq!(ask(json!({"zones": {"format": "gpkg"}})).unwrap_err().0, "outputs.zones.format");
    }

    #[test]
    fn qualified_values_become_what_the_schema_takes() {
        let geojson = r#"{"type":"FeatureCollection","features":[]}"#;
        let packed = STANDARD.encode(geojson);
        let inputs = fitted(json!({
            "text": {"value": "plain", "mediaType": "text/plain"},
            "file": {"value": packed, "encoding": "base64", "mediaType": "application/geo+json"},
            "object": {"value": {"a": 1}, "mediaType": "application/json"},
            "bytes": {"value": "aGk=", "contentEncoding": "base64"},
            "area": {"value": geojson, "mediaType": "application/geo+json"},
        }))
        .unwrap();
        assert_eq!(inputs["text"], "plain");
        assert_eq!(inputs["file"]["type"], "FeatureCollection");
        assert_eq!(inputs["object"], json!({"a": 1}));
        assert_eq!(inputs["bytes"], "aGk=");
        assert_eq!(inputs["area"]["features"], json!([]));
    }

    #[test]
    fn other_content_becomes_a_data_link() {
        let gml = json!({"value": "<gml/>", "mediaType": "application/gml+xml; version=3.2"});
        let inputs = fitted(json!({"file": gml, "cube": [{"value": "AAE=", "encoding": "base64"}]})).unwrap();
        let href = inputs["file"]["href"].as_str().unwrap();
        assert_eq!(
            href,
            format!("data:application/gml+xml;version=3.2;base64,{}", STANDARD.encode("<gml/>"))
        );
        assert_eq!(inputs["cube"][0]["href"], "data:application/octet-stream;base64,AAE=");
        assert_eq!(fitted(json!({"bytes": {"value": "%", "encoding": "base64"}})).unwrap_err().0, "bytes");
        let name = json!({"value": "mines-2024", "mediaType": "application/geo+json"});
        assert_eq!(fitted(json!({"file": name})).unwrap()["file"], "mines-2024");
        let broken = json!({"value": "{", "mediaType": "application/geo+json"});
        assert_eq!(fitted(json!({"file": broken})).unwrap_err().0, "file");
    }

    #[test]
    fn links_where_none_is_taken_are_fetched_and_put() {
        let known = description().inputs;
        let mut request = parse(json!({
            "file": {"href": "http://x/a", "type": "text/csv", "rel": "item", "title": "A"},
            "bytes": {"href": "http://x/b", "type": "image/png"},
            "object": {"href": "http://x/c"},
            "list": [{"href": "http://x/d"}, 2],
        }));
        request.fit(&known).unwrap();
        assert_eq!(request.inputs["file"], json!({"href": "http://x/a", "type": "text/csv"}));
        let links = request.references(&known);
        assert_eq!(
            links.iter().map(|l| l.href.as_str()).collect::<Vec<_>>(),
            ["http://x/b", "http://x/c", "http://x/d"]
        );
        for (link, bytes) in links.iter().zip([&b"\x00\x01"[..], b"{\"a\": 1}", b"7"]) {
            request.put(link, bytes, &known).unwrap();
        }
        assert_eq!(request.inputs["bytes"], "AAE=");
        assert_eq!(request.inputs["object"], json!({"a": 1}));
        assert_eq!(request.inputs["list"], json!([7, 2]));
        let (_, message) = request.put(&links[1], b"secret", &known).unwrap_err();
        assert!(!message.contains("secret"), "{message}");
    }
}
