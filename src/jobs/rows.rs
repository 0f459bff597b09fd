//! Rows of the store as jobs. A row that is damaged reads as a failed job that says so: one of them never
//! keeps the others from being listed, and its job can still be dismissed.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Type, ValueRef};

use super::{Failure, Job, JobStatus};

/// The columns of [`job_of`], in order.
pub(super) const COLUMNS: &str = "id, process, version, owner, state, created, started, finished, updated, progress, \
                                  message, failure, shares, request_id";
/// Where the request stands behind them.
const REQUEST: usize = 14;

impl ToSql for JobStatus {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for JobStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        name.parse().map_err(|e: String| FromSqlError::Other(e.into()))
    }
}

/// The time in this column, stored as milliseconds since 1970.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let stored: Option<i64> = row.get(column)?;
    let read = stored.map(Timestamp::from_millisecond).transpose();
    read.map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, e.into()))
}

/// The JSON in this column.
fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let stored: Option<String> = row.get(column)?;
    let read = stored.as_deref().map(serde_json::from_str).transpose();
    read.map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, e.into()))
}

/// Reads columns, and notes those that cannot be read.
#[derive(Default)]
struct Reader(Vec<&'static str>);

impl Reader {
    fn or<T>(&mut self, column: usize, read: rusqlite::Result<T>, instead: T) -> T {
        read.unwrap_or_else(|_| {
            self.0.push(COLUMNS.split(", ").nth(column).unwrap_or("request"));
            instead
        })
    }

    fn get<T: FromSql + Default>(&mut self, row: &Row<'_>, column: usize) -> T {
        self.or(column, row.get(column), T::default())
    }

    fn time(&mut self, row: &Row<'_>, column: usize) -> Option<Timestamp> {
        self.or(column, time(row, column), None)
    }
}

/// A job without its request; `None` where not even its id can be read.
pub(super) fn job_of(row: &Row<'_>) -> Option<Job> {
    read(row, false)
}

/// As [`job_of`], with the request in the column behind the others.
pub(super) fn whole_job_of(row: &Row<'_>) -> Option<Job> {
    read(row, true)
}

fn read(row: &Row<'_>, with_request: bool) -> Option<Job> {
    let id: String = row
        .get(0)
        .map_err(|error| tracing::error!(%error, "a row of the job store has no id that can be read"))
        .ok()?;
    let mut reader = Reader::default();
    let mut job = Job {
        id,
        process: reader.get(row, 1),
        version: reader.get(row, 2),
        owner: reader.get(row, 3),
        state: reader.or(4, row.get(4), JobStatus::Failed),
        created: reader.time(row, 5).unwrap_or_default(),
        started: reader.time(row, 6),
        finished: reader.time(row, 7),
        updated: reader.time(row, 8).unwrap_or_default(),
        progress: reader.get(row, 9),
        message: reader.get(row, 10),
        request: serde_json::Value::Null,
        failure: reader.or(11, json(row, 11), None),
        of: reader.get(row, 12),
        request_id: reader.get(row, 13),
        basis: String::new(),
    };
    if with_request {
        match json(row, REQUEST) {
            Ok(Some(request)) => job.request = request,
            // What is over needs its request no longer.
            _ if job.state.is_over() => tracing::warn!(job = job.id, "its request cannot be read"),
            _ => reader.0.push("request"),
        }
    }
    if !reader.0.is_empty() {
        let columns = reader.0.join(", ");
        tracing::error!(job = job.id, columns, "a row of the job store is damaged");
        let failure = Failure::Record { columns };
        job.state = JobStatus::Failed;
        job.message = failure.to_string();
        job.failure = Some(failure);
    }
    Some(job)
}
