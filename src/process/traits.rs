//! What a process is.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

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
    /// Parses the inputs (a bad member is named by its path) and runs.
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

    fn run_json(&self, inputs: serde_json::Value, context: &Context<'_>) -> Result<(), ProcessError> {
        let inputs: P::Inputs = serde_path_to_error::deserialize(inputs)
            .map_err(|e| ProcessError::malformed(&e.path().to_string(), &e.inner().to_string()))?;
        self.run(inputs, context)
    }
}
