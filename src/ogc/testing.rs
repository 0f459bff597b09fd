//! A process that has one input and output of each kind, for the tests of this room.

use schemars::JsonSchema;
use serde_json::Value;

use super::{
    AreaInput, BboxInput, Binary, Coverage, CubeInput, FeatureCollection, FileInput, ProcessDescription,
    TableCsv, schema_of,
};

#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is read")]
struct Inputs {
    /// Any text.
    text: String,
    /// How far.
    #[schemars(range(min = 0, max = 100), extend("x-unit" = "m"))]
    #[serde(default = "ten")]
    radius: f64,
    /// How many.
    count: Option<u32>,
    /// Whether.
    flag: Option<bool>,
    /// One of two.
    choice: Option<Choice>,
    /// Some numbers.
    list: Option<Vec<f64>>,
    /// A box.
    bbox: Option<BboxInput>,
    /// A box or polygons.
    area: Option<AreaInput>,
    /// Any object.
    object: Option<serde_json::Map<String, Value>>,
    /// Bytes.
    #[schemars(extend("contentEncoding" = "base64", "contentMediaType" = "application/octet-stream"))]
    bytes: Option<String>,
    /// A file.
    file: Option<FileInput>,
    /// A raster.
    #[schemars(extend("x-holds" = super::outputs::GEOTIFF))]
    raster: Option<FileInput>,
    /// Scenes.
    cube: Option<CubeInput>,
}

fn ten() -> f64 {
    10.0
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is read")]
enum Choice {
    /// The first.
    One,
    /// The second.
    Two,
}

#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
struct Outputs {
    /// The text.
    text: String,
    /// A number.
    number: f64,
    /// The box.
    bbox: BboxInput,
    /// A document.
    areas: Vec<f64>,
    /// A raster.
    class_map: Coverage,
    /// Features.
    zones: FeatureCollection,
    /// A table.
    table: TableCsv,
    /// Bytes.
    file: Binary,
}

/// The description of the process.
pub fn description() -> ProcessDescription {
    let (inputs, outputs) = (schema_of::<Inputs>(), schema_of::<Outputs>());
    ProcessDescription::new("demo", "Demo", "Has one input of each kind; <b> & more.", &inputs, &outputs)
}
