//! The echo that the conformance suite of WPS 2.0 asks for by its name and the names of its inputs.
//! It is found by its id, and listed nowhere: people have `echo`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Context, Process, ProcessError};
use crate::ogc::BboxInput;

/// Hands a literal, XML and a bounding box back.
#[derive(Clone, Copy, Debug)]
pub struct SuiteEcho;

/// What is handed back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the suite names them")]
pub struct SuiteEchoInputs {
    /// Any text.
    literal_input: Option<String>,
    /// XML.
    #[schemars(extend("contentMediaType" = "text/xml"))]
    complex_input: Option<String>,
    /// A bounding box; it is not looked at.
    boundingbox_input: Option<BboxInput>,
}

/// What comes back.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, clippy::struct_field_names, reason = "only its schema is read, by these names")]
pub struct SuiteEchoOutputs {
    /// The text.
    literal_output: Option<String>,
    /// The XML.
    #[schemars(extend("contentMediaType" = "text/xml"))]
    complex_output: Option<String>,
    /// The box.
    boundingbox_output: Option<BboxInput>,
}

impl Process for SuiteEcho {
    type Inputs = SuiteEchoInputs;
    type Outputs = SuiteEchoOutputs;
    const ID: &'static str = "org.n52.javaps.test.EchoProcess";
    const TITLE: &'static str = "Echo of the conformance suite";
    const DESCRIPTION: &'static str = "Hands a literal, XML and a bounding box back.";

    fn run(&self, inputs: SuiteEchoInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let sink = context.sink;
        if let Some(text) = inputs.literal_input.filter(|_| sink.wants("literalOutput")) {
            sink.document("literalOutput", json!(text))?;
        }
        if let Some(xml) = inputs.complex_input.filter(|_| sink.wants("complexOutput")) {
            sink.file("complexOutput", "text/xml", xml.as_bytes())?;
        }
        if let Some(bbox) = inputs.boundingbox_input.filter(|_| sink.wants("boundingboxOutput")) {
            sink.document("boundingboxOutput", json!(bbox))?;
        }
        Ok(())
    }
}
