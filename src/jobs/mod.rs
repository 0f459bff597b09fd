//! Jobs: a bounded [`Queue`] of process runs over a [`Store`] in one SQLite file. A [`Host`] opens
//! data and keeps results. Plain threads; knows neither where results live nor who asks.

mod canonical;
mod clock;
mod error;
mod model;
mod notices;
mod query;
mod queue;
mod reporter;
mod rows;
mod schema;
mod store;
mod turns;
mod workers;

pub use error::{JobsError, SubmitError};
pub use model::{Failure, Job, LogLine, NewJob, VERSION};
pub use notices::{Event, Notice, Subscription, Untold};
pub use query::{Filter, Page};
pub use queue::{Host, Limits, Load, Queue};
pub use store::{Expired, Store};

pub use crate::ogc::JobStatus;

#[cfg(test)]
mod tests;
