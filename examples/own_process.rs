//! A process of one's own beside those of the crate: it stands in the API, WPS, the command line, and
//! through its description in QGIS and pygeoapi, with nothing else written.
//!
//! ```sh
//! cargo run --release --example own_process -- describe count-features
//! cargo run --release --example own_process -- serve
//! ```
#![expect(clippy::print_stderr, reason = "a command talks to its terminal")]

#[path = "../src/cli/mod.rs"]
mod cli;

use std::collections::BTreeMap;
use std::process::ExitCode;

use rededge::ogc::FileInput;
use rededge::ogc::outputs::GEOJSON;
use rededge::process::{self, Context, Process, ProcessError};
use rededge::vector::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Counts features by what a property holds.
struct CountFeatures;

/// What is counted.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Inputs {
    /// The features, such as mines.
    #[schemars(extend("x-holds" = GEOJSON))]
    features: FileInput,
    /// The property that they are counted by.
    property: String,
}

/// What comes back.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Outputs {
    /// Number of features by what the property holds.
    counts: BTreeMap<String, u64>,
    /// Number of all features.
    total: u64,
}

impl Process for CountFeatures {
    type Inputs = Inputs;
    type Outputs = Outputs;
    const ID: &'static str = "count-features";
    const TITLE: &'static str = "Count features";
    const DESCRIPTION: &'static str = "Counts features by what one of their properties holds.";

    fn run(&self, inputs: Inputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let table = context.data.features("features", &inputs.features)?;
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for feature in &table.features {
            let held = match feature.properties.get(&inputs.property) {
                Some(Value::Text(text)) => text.clone(),
                Some(value @ (Value::Integer(_) | Value::Number(_))) => value.to_string(),
                _ => "none".to_owned(),
            };
            *counts.entry(held).or_default() += 1;
        }
        context.sink.document("total", table.features.len().into())?;
        context.sink.document("counts", serde_json::to_value(counts).map_err(ProcessError::failed)?)
    }
}

fn main() -> ExitCode {
    match process::add(&[&CountFeatures]) {
        Ok(()) => cli::main(),
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
