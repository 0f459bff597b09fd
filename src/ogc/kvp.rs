//! Execution by a query string, as the 2.0 draft of OGC API - Processes has it: `?in=value`,
//! `in[href]=..`, `in[value]=..&in[mediaType]=..`, `box[crs]=..`, `out[include]=true`,
//! `response[prefer]=..`, `response[f]=..`.

use serde_json::{Map, Value, json};

use super::coerce::{coerce, takes_array, takes_bbox, takes_link};
use super::execute::Fault;
use super::words::hint;
use super::{Execute, ProcessDescription};

/// An execute request from a query, and what else stood in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KvpExecute {
    /// The request.
    pub execute: Execute,
    /// As the header `Prefer` (`prefer`, `response[prefer]`).
    pub prefer: Option<String>,
    /// As the header `Accept` (`f`, `response[f]`).
    pub format: Option<String>,
}

/// A query's keys and values in their order, decoded: `+` is a space, percent codes are bytes.
pub fn read_query(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(k, v)| (decode(k), decode(v)))
        .collect()
}

impl KvpExecute {
    /// Reads the query of an execution of `process`.
    ///
    /// # Errors
    /// The parameter that is unknown, given twice or does not fit, and why.
    pub fn parse(query: &str, process: &ProcessDescription) -> Result<Self, Fault> {
        let pairs = read_query(query);
        let included = |name: &str| pairs.iter().any(|(k, _)| *k == format!("{name}[include]"));
        let mut all = Self::default();
        let mut inputs: Map<String, Value> = Map::new();
        let mut outputs: Map<String, Value> = Map::new();
        let mut left_out: Vec<&str> = Vec::new();
        let (mut response, mut mode) = (None, None);
        for (key, value) in &pairs {
            let (name, member) = match key.split_once('[') {
                Some((name, member)) if member.ends_with(']') => (name, &member[..member.len() - 1]),
                _ => (key.as_str(), ""),
            };
            let fault = |what: String| Err((key.clone(), what));
            let known = (process.inputs.get(name), process.outputs.contains_key(name));
            let of_output = matches!(member, "include" | "transmissionMode")
                || (matches!(member, "mediaType" | "encoding" | "schema") && included(name));
            match (name, member, known) {
                (_, "", (Some(input), _)) => {
                    let schema = &input["schema"];
                    give(&mut inputs, name, schema, value).map_err(|what| (key.clone(), what))?;
                }
                (_, "include", (_, true)) => match value.as_str() {
                    "true" | "" => _ = outputs.entry(name).or_insert_with(|| json!({})),
                    "false" => left_out.push(name),
                    _ => return fault("is neither true nor false".to_owned()),
                },
                (_, "mediaType" | "transmissionMode", (_, true)) if of_output => {
                    let output = outputs.entry(name).or_insert_with(|| json!({}));
                    output[member] = value.as_str().into();
                }
                (_, "encoding" | "schema", (_, true)) if of_output => {}
                (_, _, (Some(input), _)) => {
                    let schema = &input["schema"];
                    qualify(&mut inputs, name, member, schema, value).map_err(|what| (key.clone(), what))?;
                }
                ("f", "", _) | ("response", "f", _) => all.format = Some(value.clone()),
                ("prefer", "", _) | ("response", "prefer", _) => all.prefer = Some(value.clone()),
                ("response", "", _) => response = Some(value.clone()),
                ("mode", "", _) => mode = Some(value.to_ascii_lowercase()),
                ("outputs", "", _) => {
                    for output in value.split(',').map(str::trim).filter(|o| !o.is_empty()) {
                        outputs.entry(output).or_insert_with(|| json!({}));
                    }
                }
                _ => {
                    let known = process.inputs.keys().chain(process.outputs.keys()).map(String::as_str);
                    return fault(format!("there is no such parameter{}", hint(name, known)));
                }
            }
        }
        if outputs.is_empty() && !left_out.is_empty() {
            let rest = process.outputs.keys().filter(|name| !left_out.contains(&name.as_str()));
            outputs = rest.map(|name| (name.clone(), json!({}))).collect();
        }
        let mut document = json!({"inputs": inputs, "outputs": outputs});
        if let Some(response) = response {
            document["response"] = response.into();
        }
        if let Some(mode) = mode {
            document["mode"] = mode.into();
        }
        all.execute = Execute::parse(document)?;
        Ok(all)
    }
}

/// A plain value of an input; a second one of the same name stands behind the first in an array.
fn give(inputs: &mut Map<String, Value>, name: &str, schema: &Value, text: &str) -> Result<(), String> {
    let value = coerce(schema, text);
    match inputs.get_mut(name) {
        None => _ = inputs.insert(name.to_owned(), value),
        Some(Value::Object(box_)) if box_.contains_key("crs") && !box_.contains_key("bbox") => {
            let Some(found) = value.get("bbox") else { return Err("is no bounding box".to_owned()) };
            box_.insert("bbox".to_owned(), found.clone());
        }
        Some(first) if takes_array(schema) => {
            let mut items = match first.take() {
                Value::Array(items) => items,
                one => vec![one],
            };
            match value {
                Value::Array(more) => items.extend(more),
                one => items.push(one),
            }
            *first = Value::Array(items);
        }
        Some(_) => return Err("is given twice".to_owned()),
    }
    Ok(())
}

/// A member of an input that is a link, a qualified value or a box.
fn qualify(
    inputs: &mut Map<String, Value>,
    name: &str,
    member: &str,
    schema: &Value,
    text: &str,
) -> Result<(), String> {
    let known = match member {
        "crs" => takes_bbox(schema),
        "href" | "type" | "value" | "mediaType" | "encoding" | "schema" => true,
        // What a link says to a reader.
        "rel" | "title" | "hreflang" => return Ok(()),
        // `pattern`, `scale` of a link to a folder.
        other => takes_link(schema) && link_members(schema).any(|known| known == other),
    };
    if !known {
        return Err(format!("an input has no member `{member}`"));
    }
    let object = inputs.entry(name).or_insert_with(|| json!({}));
    // `file=text&file[mediaType]=..` is a qualified value too.
    if !object.is_object() {
        *object = json!({"value": object.take()});
    }
    let value = match member {
        "href" | "type" | "crs" | "value" | "mediaType" | "encoding" | "schema" => Value::from(text),
        other => {
            let own = schema_of_member(schema, other);
            own.map_or_else(|| Value::from(text), |own| coerce(own, text))
        }
    };
    if object.get(member).is_some() && member != "crs" {
        return Err("is given twice".to_owned());
    }
    object[member] = value;
    Ok(())
}

fn link_members(schema: &Value) -> impl Iterator<Item = &str> {
    let links = super::coerce::shapes(schema).filter(|s| s.pointer("/properties/href").is_some());
    links.filter_map(|s| s["properties"].as_object()).flat_map(|p| p.keys().map(String::as_str))
}

fn schema_of_member<'a>(schema: &'a Value, member: &str) -> Option<&'a Value> {
    super::coerce::shapes(schema).find_map(|s| s.get("properties")?.get(member))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ogc::testing::description;
    use crate::ogc::{ResponseForm, Transmission};

    fn parse(query: &str) -> Result<KvpExecute, Fault> {
        KvpExecute::parse(query, &description())
    }

    #[test]
    fn values_take_the_type_of_their_input() {
        let request =
            parse("text=12&radius=3.5&flag=true&list=1,2&bbox=1,2,3,4&object=%7B%22a%22:1%7D").unwrap();
        assert_eq!(
            Value::Object(request.execute.inputs),
            json!({"text": "12", "radius": 3.5, "flag": true, "list": [1, 2], "bbox": {"bbox": [1, 2, 3, 4]}, "object": {"a": 1}})
        );
        assert_eq!(parse("text=a+b%2Bc").unwrap().execute.inputs["text"], "a b+c");
        assert_eq!(parse("list=1&list=2").unwrap().execute.inputs["list"], json!([1, 2]));
    }

    #[test]
    fn members_stand_in_brackets() {
        let inputs = |query: &str| Value::Object(parse(query).unwrap().execute.inputs);
        assert_eq!(
            inputs("file[href]=http://x/y&file%5Btype%5D=text/csv&file[title]=Y"),
            json!({"file": {"href": "http://x/y", "type": "text/csv"}})
        );
        let boxed = json!({"bbox": {"bbox": [1, 2, 3, 4], "crs": "EPSG:4326"}});
        assert_eq!(inputs("bbox=1,2,3,4&bbox[crs]=EPSG:4326"), boxed);
        assert_eq!(
            inputs("bbox[crs]=EPSG:4326&bbox=1,2,3,4"),
            json!({"bbox": {"crs": "EPSG:4326", "bbox": [1, 2, 3, 4]}})
        );
        let request = parse("bytes[value]=aGk%3D&bytes[mediaType]=image/png").unwrap().execute;
        assert_eq!(request.inputs["bytes"], "aGk=");
        assert_eq!(request.qualifiers.len(), 1);
        assert_eq!(inputs("cube[href]=x&cube[scale]=0.5"), json!({"cube": {"href": "x", "scale": 0.5}}));
    }

    #[test]
    fn outputs_and_the_answer_are_asked_for() {
        let request = parse(
            "text=a&zones[include]=true&zones[mediaType]=text/csv&table[transmissionMode]=reference\
             &response[f]=application/json&response[prefer]=respond-async&response=raw",
        )
        .unwrap();
        assert_eq!(request.execute.outputs.keys().collect::<Vec<_>>(), ["zones", "table"]);
        assert_eq!(request.execute.transmission("table"), Some(Transmission::Reference));
        let asked = request.execute.media_types(&description().outputs).unwrap();
        assert_eq!(asked["zones"], "text/csv");
        assert_eq!(request.prefer.as_deref(), Some("respond-async"));
        assert_eq!(request.format.as_deref(), Some("application/json"));
        assert_eq!(request.execute.response, Some(ResponseForm::Raw));
        let outputs = parse("text=a&text[include]=false").unwrap().execute.outputs;
        assert!(!outputs.contains_key("text") && outputs.contains_key("zones"));
    }

    #[test]
    fn mistakes_are_named() {
        let (key, message) = parse("raduis=3").unwrap_err();
        assert_eq!(key, "raduis");
        assert!(message.contains("did you mean `radius`?"), "{message}");
        assert_eq!(parse("text=a&text=b").unwrap_err(), ("text".to_owned(), "is given twice".to_owned()));
        assert_eq!(parse("text[odd]=b").unwrap_err().0, "text[odd]");
        assert_eq!(parse("zones[include]=perhaps").unwrap_err().0, "zones[include]");
        assert_eq!(parse("response=xml").unwrap_err().0, "response");
    }
}
