//! One process as a step of another: its outputs under other names, and read again by the steps
//! that follow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use super::inputs::first_part;
use super::{
    Context, DataSource, DynProcess, FeatureWriter, ProcessError, Progress, RasterKind, RasterReader,
    RasterWriter, ResultSink,
};
use crate::cube::{CubeRequest, DataCube, SeriesTable};
use crate::ogc::{CubeInput, FileInput};
use crate::vector::{FeatureSchema, FeatureTable, MineRows, Value};

/// What a raster of the same run is called by a later step.
const OF_THIS_RUN: &str = "result:";

/// The input that reads an output of the same run.
pub fn result(output: &str) -> Json {
    Json::String(format!("{OF_THIS_RUN}{output}"))
}

/// An input that is checked as `T` and handed on as it came.
#[derive(Debug, Clone)]
pub struct Passed<T> {
    json: Json,
    kind: std::marker::PhantomData<fn() -> T>,
}

impl<T> Passed<T> {
    /// As it came.
    pub fn json(&self) -> Json {
        self.json.clone()
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Passed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        T::deserialize(&json).map_err(D::Error::custom)?;
        Ok(Self { json, kind: std::marker::PhantomData })
    }
}

impl<T: JsonSchema> JsonSchema for Passed<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// The path of a step's input by the names that the whole has for its inputs: the step's name, the whole's name.
pub fn outer_path(path: &str, names: &[(&str, &str)]) -> String {
    let name = first_part(path);
    let outer = names.iter().find(|(inner, _)| *inner == name).map_or(name, |(_, outer)| outer);
    format!("{outer}{}", &path[name.len()..])
}

/// What passed by while the steps ran.
#[derive(Debug, Default)]
pub struct Seen {
    /// Documents by their names in the whole.
    pub documents: BTreeMap<String, Json>,
    /// Files by their names in the whole.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The first features of each output, with their fields.
    pub features: BTreeMap<String, SeenFeatures>,
    /// What the user was told.
    pub notes: Vec<String>,
}

/// The first features of an output.
#[derive(Debug, Clone)]
pub struct SeenFeatures {
    /// What they hold.
    pub schema: FeatureSchema,
    /// Geometry and values, at most [`MOST_SEEN`].
    pub rows: Vec<(geo::Geometry<f64>, Vec<Value>)>,
    /// How many there are in all.
    pub count: usize,
}

/// Features that are kept for pictures and tables.
const MOST_SEEN: usize = 5000;

/// A step of a run.
pub struct Step<'a, 'b> {
    /// The run it is a step of.
    pub context: &'a Context<'b>,
    /// What progress calls it.
    pub name: &'a str,
    /// Outputs that are kept: the step's name, the whole's name.
    pub outputs: &'a [(&'a str, &'a str)],
    /// Inputs that the whole calls otherwise: the step's name, the whole's name.
    pub inputs: &'a [(&'a str, &'a str)],
    /// Where all that passes by is noted.
    pub seen: Arc<Mutex<Seen>>,
}

impl Step<'_, '_> {
    /// Runs a process as this step.
    ///
    /// # Errors
    /// Those of the process, inputs by the names that the whole has for them.
    pub fn run(&self, process: &dyn DynProcess, inputs: Json) -> Result<(), ProcessError> {
        let cancel = self.context.cancel.clone();
        let context = Context::new(self, self, self, cancel).within(self.context.budget.clone());
        process.run_json(inputs, &context).map_err(|error| match error {
            ProcessError::Input { input, message } => {
                ProcessError::Input { input: outer_path(&input, self.inputs), message }
            }
            other => other,
        })
    }

    /// The whole's name of an output that is kept.
    fn outer(&self, output: &str) -> Option<&str> {
        self.outputs.iter().find(|(inner, _)| *inner == output).map(|(_, outer)| *outer)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DataSource for Step<'_, '_> {
    fn cube(&self, cube: &CubeInput, request: &CubeRequest) -> Result<DataCube, ProcessError> {
        self.context.data.cube(cube, request)
    }
    fn features(&self, input: &str, file: &FileInput) -> Result<FeatureTable, ProcessError> {
        self.context.data.features(input, file)
    }
    fn mines(&self, input: &str, file: &FileInput, crs: Option<&str>) -> Result<MineRows, ProcessError> {
        self.context.data.mines(input, file, crs)
    }
    fn series(&self, input: &str, file: &FileInput) -> Result<Option<SeriesTable>, ProcessError> {
        self.context.data.series(input, file)
    }
    fn raster(&self, input: &str, file: &FileInput) -> Result<Box<dyn RasterReader>, ProcessError> {
        match file {
            FileInput::Path(path) if path.starts_with(OF_THIS_RUN) => {
                self.context.sink.reopen(&path[OF_THIS_RUN.len()..])
            }
            _ => self.context.data.raster(input, file),
        }
    }
    fn bytes(&self, input: &str, file: &FileInput) -> Result<Vec<u8>, ProcessError> {
        self.context.data.bytes(input, file)
    }
}

impl ResultSink for Step<'_, '_> {
    fn wants(&self, output: &str) -> bool {
        // The steps that follow and the report need what the caller may not.
        self.outer(output).is_some()
    }
    fn raster(
        &self,
        output: &str,
        grid: &crate::crs::GeoBox,
        kind: &RasterKind,
    ) -> Result<Box<dyn RasterWriter>, ProcessError> {
        self.context.sink.raster(self.outer(output).unwrap_or(output), grid, kind)
    }
    fn features(&self, output: &str, schema: &FeatureSchema) -> Result<Box<dyn FeatureWriter>, ProcessError> {
        let outer = self.outer(output).unwrap_or(output);
        let inner = self.context.sink.features(outer, schema)?;
        let nothing = SeenFeatures { schema: schema.clone(), rows: Vec::new(), count: 0 };
        self.seen().features.insert(outer.to_owned(), nothing);
        Ok(Box::new(Watched { inner, output: outer.to_owned(), seen: self.seen.clone() }))
    }
    fn reopen(&self, output: &str) -> Result<Box<dyn RasterReader>, ProcessError> {
        self.context.sink.reopen(self.outer(output).unwrap_or(output))
    }
    fn document(&self, output: &str, value: Json) -> Result<(), ProcessError> {
        let Some(outer) = self.outer(output) else { return Ok(()) };
        self.seen().documents.insert(outer.to_owned(), value.clone());
        self.context.sink.document(outer, value)
    }
    fn kept(&self, name: &str) -> Option<Vec<u8>> {
        self.context.sink.kept(&format!("{} {name}", self.name))
    }
    fn keep(&self, name: &str, state: &[u8]) -> Result<(), ProcessError> {
        self.context.sink.keep(&format!("{} {name}", self.name), state)
    }
    fn file(&self, output: &str, media_type: &str, bytes: &[u8]) -> Result<(), ProcessError> {
        let Some(outer) = self.outer(output) else { return Ok(()) };
        self.seen().files.insert(outer.to_owned(), bytes.to_vec());
        self.context.sink.file(outer, media_type, bytes)
    }
}

impl Progress for Step<'_, '_> {
    fn step(&self, name: &str, total: u64) {
        self.context.progress.step(&format!("{}: {name}", self.name), total);
    }
    fn done(&self, units: u64) {
        self.context.progress.done(units);
    }
    fn note(&self, message: &str) {
        self.seen().notes.push(message.to_owned());
        self.context.progress.note(message);
    }
}

/// Features on their way, the first of them remembered.
struct Watched {
    inner: Box<dyn FeatureWriter>,
    output: String,
    seen: Arc<Mutex<Seen>>,
}

impl FeatureWriter for Watched {
    fn push(&mut self, geometry: &geo::Geometry<f64>, values: &[Value]) -> Result<(), ProcessError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(features) = seen.features.get_mut(&self.output) {
            features.count += 1;
            if features.rows.len() < MOST_SEEN {
                features.rows.push((geometry.clone(), values.to_vec()));
            }
        }
        drop(seen);
        self.inner.push(geometry, values)
    }
    fn finish(self: Box<Self>) -> Result<(), ProcessError> {
        self.inner.finish()
    }
}
