//! Which jobs a list holds.

use jiff::Timestamp;
use rusqlite::types::Value;

use super::{Job, JobState};

/// What jobs to list; the default is all of them, newest first.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Runs of these processes; empty is all.
    pub processes: Vec<String>,
    /// In these states; empty is all.
    pub states: Vec<JobState>,
    /// Created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Created at this time or earlier.
    pub created_to: Option<Timestamp>,
    /// That ran (or run already) for at least so many seconds; jobs that never started have no
    /// duration.
    pub min_duration_s: Option<u64>,
    /// That ran (or run so far) for at most so many seconds.
    pub max_duration_s: Option<u64>,
    /// Of this owner; `None` is everybody's.
    pub owner: Option<String>,
    /// At most so many.
    pub limit: usize,
    /// Leave out so many first.
    pub offset: usize,
    /// Only those that come after the job with this id; where it is gone, none.
    pub after: Option<String>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            processes: Vec::new(),
            states: Vec::new(),
            created_from: None,
            created_to: None,
            min_duration_s: None,
            max_duration_s: None,
            owner: None,
            limit: 10,
            offset: 0,
            after: None,
        }
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Newest first, without their requests.
    pub jobs: Vec<Job>,
    /// How many jobs the filter lets through, `limit`, `offset` and `after` aside.
    pub total: u64,
}

/// SQL with what its question marks stand for.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// Several values of a column choose the index, to count.
const ANY_INDEX: &str = "";
/// They must not where a page is read: its rows would have to be sorted, so they are looked at in
/// order of time instead. The mark says so to SQLite.
const NO_INDEX: &str = "+";

/// Conditions, joined by AND.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql += if self.sql.is_empty() { " WHERE " } else { " AND " };
        self.sql += condition;
        self.values.extend(values);
    }

    /// One value may choose the index, several as `mark` says.
    fn one_of(&mut self, column: &str, mark: &str, values: Vec<Value>) {
        match values.len() {
            0 => {}
            1 => self.and(&format!("{column} = ?"), values),
            n => self.and(&format!("{mark}{column} IN ({})", vec!["?"; n].join(", ")), values),
        }
    }
}

impl Filter {
    fn conditions(&self, now: Timestamp, mark: &str) -> Conditions {
        let mut all = Conditions::default();
        all.one_of("owner", mark, self.owner.iter().cloned().map(Value::Text).collect());
        all.one_of("state", mark, self.states.iter().map(|s| Value::Text(s.as_str().to_owned())).collect());
        all.one_of("process", mark, self.processes.iter().cloned().map(Value::Text).collect());
        let time = |t: Timestamp| Value::Integer(t.as_millisecond());
        if let Some(from) = self.created_from {
            // Times are stored in whole milliseconds: one that is between two starts at the next.
            let between = i64::from(from.subsec_nanosecond() % 1_000_000 != 0);
            all.and("created >= ?", [Value::Integer(from.as_millisecond().saturating_add(between))]);
        }
        if let Some(to) = self.created_to {
            all.and("created <= ?", [time(to)]);
        }
        let duration = "coalesce(finished, ?) - started";
        let seconds = |s: u64| Value::Integer(i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(1000));
        if let Some(least) = self.min_duration_s {
            all.and(&format!("{duration} >= ?"), [time(now), seconds(least)]);
        }
        if let Some(most) = self.max_duration_s {
            all.and(&format!("{duration} <= ?"), [time(now), seconds(most)]);
        }
        all
    }

    /// How many there are.
    pub(super) fn count(&self, now: Timestamp) -> Query {
        let Conditions { sql, values } = self.conditions(now, ANY_INDEX);
        Query { sql: format!("SELECT count(*) FROM jobs{sql}"), values }
    }

    /// The page of them, `columns` of each.
    pub(super) fn page(&self, columns: &str, now: Timestamp) -> Query {
        let mut all = self.conditions(now, NO_INDEX);
        if let Some(after) = &self.after {
            all.and(
                "(created, number) < (SELECT created, number FROM jobs WHERE id = ?)",
                [Value::Text(after.clone())],
            );
        }
        let count = |n: usize| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        all.values.extend([count(self.limit), count(self.offset)]);
        let order = "ORDER BY created DESC, number DESC LIMIT ? OFFSET ?";
        Query { sql: format!("SELECT {columns} FROM jobs{} {order}", all.sql), values: all.values }
    }
}
