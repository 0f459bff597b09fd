//! WPS 1.0.0 and 2.0.0: requests by key and value or as XML become one [`WpsRequest`], in which
//! Execute is the execute request of OGC API - Processes; answers are written as XML.

mod answer;
mod describe;
mod exception;
mod kinds;
mod kvp;
mod read;
mod xml;

use serde_json::{Map, Value, json};

pub use self::answer::{JobAnswer, OutputAnswer, OutputValue, execute_response, result, status_info};
pub use self::describe::{Service, capabilities, descriptions};
pub use self::exception::{Exception, ExceptionCode};
pub use self::kvp::{parse_kvp, version_of_query};
pub use self::read::{parse_xml, text_of_body, version_of_body};

use super::coerce::{coerce, shapes, takes_array, takes_bbox, takes_link, takes_text};
use super::{Execute, Mode, ProcessDescription, ResponseForm, Transmission, nearest};

/// Media type of the answers.
pub const XML: &str = "text/xml; charset=utf-8";

/// Version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1.0.0
    V1,
    /// 2.0.0
    V2,
}

impl Version {
    /// As it stands in requests and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1.0.0",
            Self::V2 => "2.0.0",
        }
    }

    fn of(text: &str) -> Option<Self> {
        match text.trim() {
            "1.0.0" | "1.0" => Some(Self::V1),
            "2.0.0" | "2.0" => Some(Self::V2),
            _ => None,
        }
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct WpsRequest {
    /// In which version it is to be answered.
    pub version: Version,
    /// What is asked.
    pub operation: Operation,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// What the service is and has.
    GetCapabilities,
    /// Descriptions of processes: of all, where one is `ALL`.
    DescribeProcess(Vec<String>),
    /// An execution.
    Execute(WpsExecute),
    /// Where a job stands (2.0).
    GetStatus(String),
    /// What a job left (2.0).
    GetResult(String),
    /// A job is to be stopped (2.0).
    Dismiss(String),
}

/// An execution as the protocol has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WpsExecute {
    /// Id of the process.
    pub identifier: String,
    /// Inputs in their order; a name may stand more than once.
    pub inputs: Vec<(String, WpsInput)>,
    /// Outputs that are asked for; all where empty.
    pub outputs: Vec<WpsOutput>,
    /// Whether the answer is the output itself.
    pub raw: bool,
    /// When it is answered.
    pub mode: Option<Mode>,
    /// 1.0: whether the answer is kept at an address of its own.
    pub store: bool,
    /// 1.0: whether the answer repeats the inputs.
    pub lineage: bool,
}

/// An input.
#[derive(Clone, Debug, PartialEq)]
pub enum WpsInput {
    /// A literal, or a value by key and value, whose kind the schema tells.
    Text(String),
    /// Content with or without its media type.
    Complex {
        /// Text, XML, or base64.
        content: String,
        /// Its media type.
        media_type: Option<String>,
        /// `base64`, where it is.
        encoding: Option<String>,
    },
    /// A link.
    Reference {
        /// Where to.
        href: String,
        /// Media type of what is there.
        media_type: Option<String>,
    },
    /// A box.
    Bbox {
        /// Lower and upper corner.
        corners: [f64; 4],
        /// Its CRS.
        crs: Option<String>,
    },
}

/// An output that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WpsOutput {
    /// Its name.
    pub name: String,
    /// Media type.
    pub media_type: Option<String>,
    /// Whether a link is wanted.
    pub transmission: Option<Transmission>,
}

impl WpsExecute {
    /// The execute request, with inputs as the process's schemas take them.
    ///
    /// # Errors
    /// What is wrong, with the input or output as the locator.
    pub fn to_execute(&self, process: &ProcessDescription) -> Result<Execute, Exception> {
        let mut inputs: Map<String, Value> = Map::new();
        for (name, input) in &self.inputs {
            let Some(description) = process.inputs.get(name) else {
                let near = nearest(name, process.inputs.keys().map(String::as_str));
                let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
                return Err(Exception::invalid(name, format!("there is no such input{near}")));
            };
            let schema = &description["schema"];
            if input.says_nothing(description) {
                continue;
            }
            let value = input.to_value(schema);
            match inputs.get_mut(name) {
                None => _ = inputs.insert(name.clone(), value),
                Some(first) if takes_array(schema) => append(first, value),
                Some(_) => return Err(Exception::invalid(name, "is given more than once")),
            }
        }
        // One value where only an array is taken is an array of one.
        for (name, value) in &mut inputs {
            let only_array = shapes(&process.inputs[name]["schema"]).all(|s| s["type"] == "array");
            if only_array && !value.is_array() {
                *value = json!([value.take()]);
            }
        }
        let outputs: Map<String, Value> = self.outputs.iter().map(WpsOutput::to_member).collect();
        let fault = |(path, message): (String, String)| {
            let locator = path.strip_prefix("outputs.").unwrap_or(&path);
            Exception::invalid(locator.split('.').next().unwrap_or_default(), message)
        };
        let mut request = Execute::parse(json!({"inputs": inputs, "outputs": outputs})).map_err(fault)?;
        request.fit(&process.inputs).map_err(fault)?;
        if let Some(missing) = process.inputs.iter().find_map(|(name, input)| {
            (input["minOccurs"] != json!(0) && !request.inputs.contains_key(name)).then_some(name)
        }) {
            return Err(Exception::new(ExceptionCode::MissingParameterValue, "is required").at(missing));
        }
        request.check(process).map_err(fault)?;
        let single = request.outputs.len() == 1 || (request.outputs.is_empty() && process.outputs.len() == 1);
        if self.raw && !single {
            return Err(Exception::invalid("response", "raw data can only be had of a single output"));
        }
        request.response = Some(if self.raw { ResponseForm::Raw } else { ResponseForm::Document });
        request.mode = self.mode;
        Ok(request)
    }
}

fn append(first: &mut Value, value: Value) {
    if !first.is_array() {
        *first = json!([first.take()]);
    }
    if let Value::Array(items) = first {
        match value {
            Value::Array(more) => items.extend(more),
            one => items.push(one),
        }
    }
}

impl WpsInput {
    /// Clients (birdy) send the default CRS of an optional box as if it were its value, and forms
    /// send empty literals.
    fn says_nothing(&self, description: &Value) -> bool {
        let Self::Text(text) = self else { return false };
        let schema = &description["schema"];
        let empty = text.trim().is_empty() && !takes_text(schema);
        description["minOccurs"] == json!(0)
            && (empty || (takes_bbox(schema) && describe::CRS.contains(&text.trim())))
    }

    fn to_value(&self, schema: &Value) -> Value {
        match self {
            Self::Text(text) => coerce(schema, text),
            Self::Reference { href, media_type: Some(media_type) } => {
                json!({"href": href, "type": media_type})
            }
            Self::Reference { href, media_type: None } => json!({"href": href}),
            Self::Bbox { corners, crs: Some(crs) } => json!({"bbox": corners, "crs": crs}),
            Self::Bbox { corners, crs: None } => json!({"bbox": corners}),
            Self::Complex { content, media_type, encoding } => {
                let xml = content.trim_start().starts_with('<');
                let given = media_type.as_deref().or((xml && takes_link(schema)).then_some("text/xml"));
                if given.is_none() && encoding.is_none() {
                    return coerce(schema, content);
                }
                let mut value = json!({"value": content});
                if let Some(media_type) = given {
                    value["mediaType"] = media_type.into();
                }
                if let Some(encoding) = encoding {
                    value["encoding"] = encoding.to_ascii_lowercase().into();
                }
                value
            }
        }
    }
}

impl WpsOutput {
    fn to_member(&self) -> (String, Value) {
        let mut request = json!({});
        if let Some(media_type) = &self.media_type {
            request["mediaType"] = media_type.as_str().into();
        }
        if let Some(transmission) = self.transmission {
            request["transmissionMode"] = json!(transmission);
        }
        (self.name.clone(), request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ogc::testing::description;

    fn execute(inputs: Vec<(&str, WpsInput)>) -> Result<Execute, Exception> {
        let inputs = inputs.into_iter().map(|(name, input)| (name.to_owned(), input)).collect();
        WpsExecute { identifier: "demo".into(), inputs, ..WpsExecute::default() }.to_execute(&description())
    }

    fn text(text: &str) -> WpsInput {
        WpsInput::Text(text.to_owned())
    }

    fn complex(content: &str, media_type: Option<&str>, encoding: Option<&str>) -> WpsInput {
        let own = |t: Option<&str>| t.map(str::to_owned);
        WpsInput::Complex { content: content.into(), media_type: own(media_type), encoding: own(encoding) }
    }

    #[test]
    fn inputs_become_what_the_schemas_take() {
        let request = execute(vec![
            ("text", text("7")),
            ("radius", text("2.5")),
            ("list", text("1")),
            ("list", text("2")),
            ("bbox", WpsInput::Bbox { corners: [1.0, 2.0, 3.0, 4.0], crs: None }),
            ("file", complex("<gml/>", None, None)),
            ("object", complex(r#"{"a": 1}"#, Some("application/json"), None)),
            ("bytes", complex("aGk=", Some("image/png"), Some("base64"))),
            ("cube", WpsInput::Reference { href: "http://x".into(), media_type: None }),
        ])
        .unwrap();
        let expected = json!({
            "text": "7", "radius": 2.5, "list": [1, 2], "bbox": {"bbox": [1.0, 2.0, 3.0, 4.0]},
            "file": {"href": "data:text/xml;base64,PGdtbC8+", "type": "text/xml"},
            "object": {"a": 1}, "bytes": "aGk=", "cube": {"href": "http://x"}
        });
        assert_eq!(Value::Object(request.inputs), expected);
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        let request =
            execute(vec![("text", text("")), ("radius", text(" ")), ("bbox", text(describe::CRS[0]))])
                .unwrap();
        assert_eq!(Value::Object(request.inputs), json!({"text": ""}));
    }

    #[test]
    fn mistakes_have_a_locator() {
        let fault = |inputs| execute(inputs).unwrap_err();
        assert_eq!(fault(vec![]).code, ExceptionCode::MissingParameterValue);
        assert_eq!(fault(vec![]).locator.as_deref(), Some("text"));
        let unknown = fault(vec![("txet", text("a"))]);
        assert_eq!(
            (unknown.code, unknown.locator.as_deref()),
            (ExceptionCode::InvalidParameterValue, Some("txet"))
        );
        assert!(unknown.text.contains("text"), "{unknown:?}");
        assert_eq!(fault(vec![("text", text("a")), ("text", text("b"))]).locator.as_deref(), Some("text"));
        let mut raw =
            WpsExecute { inputs: vec![("text".into(), text("a"))], raw: true, ..WpsExecute::default() };
        assert_eq!(raw.to_execute(&description()).unwrap_err().locator.as_deref(), Some("response"));
        raw.outputs = vec![WpsOutput {
            name: "classMap".into(),
            media_type: Some("image/tiff; subtype=geotiff".into()),
            transmission: None,
        }];
        let request = raw.to_execute(&description()).unwrap();
        assert_eq!(request.response, Some(ResponseForm::Raw));
        raw.outputs[0].name = "clasMap".into();
        assert_eq!(raw.to_execute(&description()).unwrap_err().locator.as_deref(), Some("clasMap"));
    }
}
