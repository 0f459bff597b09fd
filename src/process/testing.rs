//! A context for tests of processes: inputs from memory, results kept in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::{
    CancelToken, Context, DataSource, ProcessError, RasterKind, RasterReader, RasterWriter, ResultSink,
    Silent,
};
use crate::budget::Budget;
use crate::crs::GeoBox;
use crate::cube::{CubeRequest, DataCube, IndexSeries, SeriesTable};
use crate::ogc::{CubeInput, FileInput};
use crate::vector::FeatureTable;

/// Inputs by the name of the input; outputs by the name of the output.
#[derive(Default)]
pub struct Memory {
    /// The cube that every request gets.
    pub cube: Option<DataCube>,
    /// Features by input.
    pub features: BTreeMap<String, FeatureTable>,
    /// Tables of series by input.
    pub tables: BTreeMap<String, SeriesTable>,
    /// Bytes by input.
    pub bytes: BTreeMap<String, Vec<u8>>,
    /// Documents by output.
    pub documents: Mutex<BTreeMap<String, serde_json::Value>>,
    /// Files by output.
    pub files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// The run's token.
    pub cancel: CancelToken,
    /// The run's budget.
    pub budget: Budget,
}

/// A memory without any input.
pub fn nowhere() -> Memory {
    Memory::default()
}

impl Memory {
    /// With a table of series as this input.
    pub fn with_table(mut self, input: &str, table: SeriesTable) -> Self {
        self.tables.insert(input.to_owned(), table);
        self
    }

    /// The context over this memory.
    pub fn as_context(&self) -> Context<'_> {
        Context::new(self, self, &Silent, self.cancel.clone()).within(self.budget.clone())
    }
}

/// Samples of three classes over 14 dates, every 12 days from day 101 of 2021: all alike until
/// day 161, then single rice rises, double rice falls and the rest stays.
pub fn seasons(samples: usize) -> SeriesTable {
    let dates: Vec<jiff::civil::Date> =
        (0..14).map(|k| jiff::civil::date(2021, 4, 11) + jiff::Span::new().days(12 * k)).collect();
    let classes = ["single-rice", "double-rice", "non-rice"];
    let mut values = Vec::new();
    for date in 0..dates.len() {
        let since = (date as f32 - 5.0).max(0.0);
        values.extend((0..samples).map(|i| {
            // A little noise that is no class's own.
            let noise = 0.02 * ((i / 3 * 31 + date * 17) as f32 * 0.7).sin();
            0.4 + noise + [0.06, -0.05, 0.0][i % 3] * since
        }));
    }
    let property = |i: usize| ("class".to_owned(), crate::vector::Value::Text(classes[i % 3].to_owned()));
    SeriesTable {
        properties: (0..samples).map(|i| [property(i)].into()).collect(),
        series: vec![IndexSeries { index: "NDRE".to_owned(), dates, values }],
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
    fn series(&self, input: &str, _: &FileInput) -> Result<Option<SeriesTable>, ProcessError> {
        Ok(self.tables.get(input).cloned())
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
