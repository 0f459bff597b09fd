//! Wire types, one file per standard, and schemas from types. Knows neither the domain nor a
//! web framework.

mod dates;
mod inputs;
pub mod outputs;
mod processes;
mod schema;

pub use dates::DateInterval;
pub use inputs::{AreaInput, BboxInput, CubeInput, CubeSource, FileInput};
pub use outputs::{Binary, Coverage, FeatureCollection, Figure, HtmlPage, Markdown, ModelFile, TableCsv};
pub use processes::{Execute, OutputRequest, ProcessDescription, ProcessSummary, title_of};
pub use schema::schema_of;
