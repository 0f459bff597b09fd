//! Wire types, one file per standard, and schemas from types. Knows neither the domain nor a
//! web framework.

pub mod coerce;
pub mod collections;
pub mod cql2;
mod dates;
mod execute;
pub mod features;
mod inputs;
mod kvp;
pub mod landing;
pub mod link;

pub mod openapi;
pub mod outputs;
mod prefer;
mod problem;
mod processes;
mod schema;
mod status_info;
#[cfg(test)]
mod testing;
pub mod tiles;
pub mod wmts;
mod words;
pub mod wps;

pub use dates::{DateInterval, moments};
pub use execute::{
    Execute, Mode, OutputRequest, Qualifier, Reference, ResponseForm, Subscriber, Transmission,
};
pub use inputs::{AreaInput, BboxInput, CubeInput, CubeSource, FileInput};
pub use kvp::{KvpExecute, read_query};
pub use landing::{Conformance, LandingPage, Limits, Linked, ProcessList, process_document};
pub use link::{Link, segment};
pub use outputs::{Binary, Coverage, FeatureCollection, Figure, HtmlPage, Markdown, ModelFile, TableCsv};
pub use prefer::{Prefer, Respond, Return};
pub use problem::{InputProblem, PROBLEM_JSON, Problem, ProblemType};
pub use processes::{ProcessDescription, ProcessSummary, title_of};
pub use schema::schema_of;
pub use status_info::{JobList, JobStatus, StatusInfo};
pub use words::{hint, nearest};
