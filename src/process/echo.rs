//! `echo`: hands its inputs back. For conformance suites, and to try an interface out.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Context, Process, ProcessError};
use crate::ogc::{BboxInput, Binary, FileInput, outputs};

/// Hands its inputs back.
#[derive(Clone, Copy, Debug)]
pub struct Echo;

/// What is handed back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EchoInputs {
    /// Any text.
    text: String,
    /// Any number.
    number: Option<f64>,
    /// One of three words.
    #[schemars(extend("format" = "sf-token"))]
    // the suite sends words of its own where no format is told
    choice: Option<Choice>,
    /// A list of numbers.
    list: Option<Vec<f64>>,
    /// Any JSON object, or a text.
    object: Option<Document>,
    /// A bounding box; it is not looked at.
    bbox: Option<BboxInput>,
    /// Bytes as base64.
    #[schemars(extend("contentEncoding" = "base64", "contentMediaType" = "application/octet-stream"))]
    bytes: Option<String>,
    /// A file, handed back byte by byte.
    #[schemars(with = "Option<Binary>")]
    file: Option<FileInput>,
    /// How long to wait before answering (at most an hour).
    #[schemars(range(min = 0, max = 3600), extend("x-unit" = "s"))]
    pause: Option<f64>,
}

/// A word to choose.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Choice {
    /// The first.
    One,
    /// The second.
    Two,
    /// The third.
    Three,
}

/// What the suite sends where an object is described: an object, and a text that it calls one.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Document {
    /// An object.
    Object(Map<String, Value>),
    /// A text.
    Text(String),
}

/// What comes back: each input that was given, under its own name.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct EchoOutputs {
    /// The text.
    text: String,
    /// The number.
    number: Option<f64>,
    /// The word.
    choice: Option<Choice>,
    /// The list.
    list: Option<Vec<f64>>,
    /// The object or text.
    object: Option<Document>,
    /// The box.
    bbox: Option<BboxInput>,
    /// The base64 text.
    bytes: Option<String>,
    /// The file's bytes.
    file: Option<Binary>,
}

impl Process for Echo {
    type Inputs = EchoInputs;
    type Outputs = EchoOutputs;
    const ID: &'static str = "echo";
    const TITLE: &'static str = "Echo";
    const DESCRIPTION: &'static str =
        "Hands its inputs back under their own names: for conformance suites, and to try an interface out.";
    const STEPS: &'static [(&'static str, u32)] = &[("wait", 99), ("hand back", 1)];

    fn run(&self, inputs: EchoInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        if let Some(seconds) = inputs.pause {
            wait(seconds, context)?;
        }
        let documents = [
            ("text", Some(json!(inputs.text))),
            ("number", inputs.number.map(|n| json!(n))),
            ("choice", inputs.choice.map(|c| json!(c))),
            ("list", inputs.list.map(|l| json!(l))),
            ("object", inputs.object.map(|o| json!(o))),
            ("bbox", inputs.bbox.map(|b| json!(b))),
            ("bytes", inputs.bytes.map(Value::String)),
        ];
        context.progress.step("hand back", documents.len() as u64);
        for (done, (name, value)) in documents.into_iter().enumerate() {
            context.cancel.check()?;
            if let Some(value) = value.filter(|_| context.sink.wants(name)) {
                context.sink.document(name, value)?;
            }
            context.progress.done(done as u64 + 1);
        }
        if let Some(file) = inputs.file.filter(|_| context.sink.wants("file")) {
            let bytes = context.data.bytes("file", &file)?;
            context.sink.file("file", outputs::BINARY, &bytes)?;
        }
        Ok(())
    }
}

/// Waits, and looks at the token ten times a second.
fn wait(seconds: f64, context: &Context<'_>) -> Result<(), ProcessError> {
    context.progress.step("wait", (seconds * 1000.0) as u64);
    let (start, end) = (Instant::now(), Duration::from_secs_f64(seconds));
    while start.elapsed() < end {
        context.cancel.check()?;
        std::thread::sleep(end.saturating_sub(start.elapsed()).min(Duration::from_millis(100)));
        context.progress.done(start.elapsed().as_millis() as u64);
    }
    Ok(())
}
