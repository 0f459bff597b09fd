//! What a process is.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::inputs::{self, InputFaults};
use super::{Context, ProcessError};
use crate::ogc::{ProcessDescription, schema_of};

/// A process: typed inputs, named outputs that it hands to the context's sink. Its description
/// (JSON schema, units, defaults, allowed values) is derived from the types; every interface
/// (HTTP, WPS, command line, plugins) reads that description.
pub trait Process: Send + Sync + 'static {
    /// What the caller gives. Doc comments become descriptions, `#[serde(default)]` defaults,
    /// `#[schemars(extend("x-unit" = "m"))]` units. `#[serde(rename_all = "camelCase",
    /// deny_unknown_fields)]` always; never `#[serde(flatten)]`, which loses the path of a wrong
    /// member.
    type Inputs: DeserializeOwned + JsonSchema + Send;
    /// One member per output; the schema says what each is. A raster or a file output has the
    /// marker type of `ogc`, a document its own type.
    type Outputs: JsonSchema;
    /// Kebab-case id, as in the design's table.
    const ID: &'static str;
    /// A short human title.
    const TITLE: &'static str;
    /// What it does, in a few sentences, with the source.
    const DESCRIPTION: &'static str;
    /// The steps that a run tells of, in their order, each with its usual share of the time, so that its
    /// progress is that of the whole. A name stands for all steps that begin with it and a colon. Where
    /// none are named, each step takes half of what is left.
    const STEPS: &'static [(&'static str, u32)] = &[];

    /// Notes what is wrong with inputs that are of their shapes and within the ranges of their schema: members
    /// that exclude or need each other, texts that are read (a CRS, an index). Nothing is opened here. What is
    /// noted refuses a request before it becomes a job, and [`Self::run`] need not look again.
    fn check(_inputs: &Self::Inputs, _faults: &mut InputFaults) {}

    /// Runs the process. Results go to `context.sink`; the token is looked at per block.
    ///
    /// # Errors
    /// [`ProcessError::Input`] for what the caller can mend, naming the input;
    /// [`ProcessError::Cancelled`]; else [`ProcessError::Failed`].
    fn run(&self, inputs: Self::Inputs, context: &Context<'_>) -> Result<(), ProcessError>;
}

/// The erased twin of [`Process`], for registries and interfaces.
pub trait DynProcess: Send + Sync {
    /// Kebab-case id.
    fn id(&self) -> &'static str;
    /// The whole description, derived from the types.
    fn describe(&self) -> ProcessDescription;
    /// As [`Process::STEPS`].
    fn steps(&self) -> &'static [(&'static str, u32)];
    /// Looks whether inputs can be run with, without opening anything. Members that are named `later` are not
    /// there yet.
    ///
    /// # Errors
    /// All that is wrong, each by its path.
    fn check_json(&self, inputs: &serde_json::Value, later: &[&str]) -> Result<(), InputFaults>;
    /// Checks the inputs as [`DynProcess::check_json`] does, and runs.
    ///
    /// # Errors
    /// As [`Process::run`].
    fn run_json(&self, inputs: serde_json::Value, context: &Context<'_>) -> Result<(), ProcessError>;
}

impl<P: Process> DynProcess for P {
    fn id(&self) -> &'static str {
        P::ID
    }

    fn describe(&self) -> ProcessDescription {
        let (inputs, outputs) = (schema_of::<P::Inputs>(), schema_of::<P::Outputs>());
        ProcessDescription::new(P::ID, P::TITLE, P::DESCRIPTION, &inputs, &outputs)
    }

    fn steps(&self) -> &'static [(&'static str, u32)] {
        P::STEPS
    }

    fn check_json(&self, inputs: &serde_json::Value, later: &[&str]) -> Result<(), InputFaults> {
        inputs::parse(inputs, later, P::check).map(drop)
    }

    fn run_json(&self, inputs: serde_json::Value, context: &Context<'_>) -> Result<(), ProcessError> {
        let parsed = inputs::parse(&inputs, &[], P::check)?;
        let parsed = parsed.ok_or_else(|| ProcessError::input("inputs", "are not complete"))?;
        drop(inputs);
        let result = self.run(parsed, context);
        context.note_findings();
        result
    }
}
