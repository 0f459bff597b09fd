//! A context for tests of processes: inputs from memory, results kept in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::{
    CancelToken, Context, DataSource, ProcessError, RasterKind, RasterReader, RasterWriter, ResultSink,
    Silent,
};
use crate::crs::GeoBox;
use crate::cube::{CubeRequest, DataCube, SeriesTable};
use crate::ogc::{CubeInput, FileInput};
use crate::vector::FeatureTable;

/// Inputs by the name of the input; outputs by the name of the output.
#[derive(Default)]
pub struct Memory {
    /// The cube that every request gets.
    pub cube: Option<DataCube>,
    /// Features by input.
    pub features: BTreeMap<String, FeatureTable>,
    /// Bytes by input.
    pub bytes: BTreeMap<String, Vec<u8>>,
    /// Documents by output.
    pub documents: Mutex<BTreeMap<String, serde_json::Value>>,
    /// Files by output.
    pub files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// The run's token.
    pub cancel: CancelToken,
}

/// A memory without any input.
pub fn nowhere() -> Memory {
    Memory::default()
}

impl Memory {
    /// The context over this memory.
    pub fn as_context(&self) -> Context<'_> {
        Context { data: self, sink: self, progress: &Silent, cancel: self.cancel.clone() }
    }
}

fn absent(input: &str) -> ProcessError {
    ProcessError::input(input, "not in the test's memory")
}

impl DataSource for Memory {
    fn cube(&self, _: &CubeInput, _: &CubeRequest) -> Result<DataCube, ProcessError> {
        self.cube.clone().ok_or_else(|| absent("cube"))
    }
    fn features(&self, input: &str, _: &FileInput) -> Result<FeatureTable, ProcessError> {
        self.features.get(input).cloned().ok_or_else(|| absent(input))
    }
    fn series(&self, _: &str, _: &FileInput) -> Result<Option<SeriesTable>, ProcessError> {
        Ok(None)
    }
    fn raster(&self, input: &str, _: &FileInput) -> Result<Box<dyn RasterReader>, ProcessError> {
        Err(absent(input))
    }
    fn bytes(&self, input: &str, _: &FileInput) -> Result<Vec<u8>, ProcessError> {
        self.bytes.get(input).cloned().ok_or_else(|| absent(input))
    }
}

impl ResultSink for Memory {
    fn wants(&self, _: &str) -> bool {
        true
    }
    fn raster(
        &self,
        output: &str,
        _: &GeoBox,
        _: &RasterKind,
    ) -> Result<Box<dyn RasterWriter>, ProcessError> {
        Err(ProcessError::failed(format_args!("{output}: no rasters in memory")))
    }
    fn document(&self, output: &str, value: serde_json::Value) -> Result<(), ProcessError> {
        self.documents.lock().unwrap().insert(output.to_owned(), value);
        Ok(())
    }
    fn file(&self, output: &str, _: &str, bytes: &[u8]) -> Result<(), ProcessError> {
        self.files.lock().unwrap().insert(output.to_owned(), bytes.to_vec());
        Ok(())
    }
}
