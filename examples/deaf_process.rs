//! A process that does not look at its token, as one of a plugin may be: what the server tells of it
//! (`tests/it/server_budgets.rs`).
#![expect(clippy::print_stderr, reason = "a command talks to its terminal")]

#[path = "../src/cli/mod.rs"]
mod cli;

use std::process::ExitCode;
use std::time::Duration;

use rededge::process::{self, Context, Process, ProcessError};
use schemars::JsonSchema;
use serde::Deserialize;

/// Sleeps, whatever it is told.
struct Sleep;

/// How long.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Inputs {
    /// Seconds.
    seconds: f64,
}

/// What comes back.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Outputs {
    /// Seconds that it slept.
    slept: f64,
}

impl Process for Sleep {
    type Inputs = Inputs;
    type Outputs = Outputs;
    const ID: &'static str = "sleep";
    const TITLE: &'static str = "Sleep";
    const DESCRIPTION: &'static str = "Sleeps without looking at its token.";

    fn run(&self, inputs: Inputs, context: &Context<'_>) -> Result<(), ProcessError> {
        std::thread::sleep(Duration::from_secs_f64(inputs.seconds));
        context.sink.document("slept", inputs.seconds.into())
    }
}

fn main() -> ExitCode {
    match process::add(&[&Sleep]) {
        Ok(()) => cli::main(),
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
