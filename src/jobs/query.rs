//! Which jobs a list holds.

use jiff::Timestamp;
use rusqlite::types::Value;

use super::{Job, JobStatus};

/// What jobs to list; the default is all of them, newest first.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Runs of these processes; empty is all.
    pub processes: Vec<String>,
    /// In these states; empty is all.
    pub states: Vec<JobStatus>,
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

/// Jobs that are rather found by any index and sorted than looked for in order of time.
const FEW: u64 = 2000;

/// Which index SQLite may use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// Whichever leads to the fewest rows: to count, and to read a page of few.
    Any,
    /// One in the order of time: a page of many is full after a few rows, and nothing is sorted.
    InOrder,
}

/// Which jobs a condition on durations is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Those that are over: their durations are indexed.
    Over,
    /// Those that run: they are few, and their durations change.
    Running,
    /// All, by what each has.
    Both,
}

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

    /// One value may choose the index; several would have their rows sorted, so they may not where the
    /// plan is in order: a plus says so to SQLite.
    fn one_of(&mut self, column: &str, plan: Plan, values: Vec<Value>) {
        let mark = if plan == Plan::InOrder { "+" } else { "" };
        match values.len() {
            0 => {}
            1 => self.and(&format!("{column} = ?"), values),
            n => self.and(&format!("{mark}{column} IN ({})", vec!["?"; n].join(", ")), values),
        }
    }
}

impl Filter {
    fn conditions(&self, now: Timestamp, plan: Plan, part: Part) -> Conditions {
        let mut all = Conditions::default();
        all.one_of("owner", plan, self.owner.iter().cloned().map(Value::Text).collect());
        all.one_of("state", plan, self.states.iter().map(|s| Value::Text(s.as_str().to_owned())).collect());
        all.one_of("process", plan, self.processes.iter().cloned().map(Value::Text).collect());
        let time = |t: Timestamp| Value::Integer(t.as_millisecond());
        if let Some(from) = self.created_from {
            // Times are stored in whole milliseconds: one that is between two starts at the next.
            let between = i64::from(from.subsec_nanosecond() % 1_000_000 != 0);
            all.and("created >= ?", [Value::Integer(from.as_millisecond().saturating_add(between))]);
        }
        if let Some(to) = self.created_to {
            all.and("created <= ?", [time(to)]);
        }
        let seconds = |s: u64| Value::Integer(i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(1000));
        let bounds = [(self.min_duration_s, ">="), (self.max_duration_s, "<=")];
        for (bound, sign) in bounds.into_iter().filter_map(|(bound, sign)| Some((seconds(bound?), sign))) {
            let (duration, values) = match part {
                Part::Over => ("finished - started", vec![bound]),
                Part::Running => ("? - started", vec![time(now), bound]),
                Part::Both => ("coalesce(finished, ?) - started", vec![time(now), bound]),
            };
            all.and(&format!("{duration} {sign} ?"), values);
        }
        if part == Part::Running {
            all.and("state = 'running'", []);
        }
        all
    }

    /// How many there are.
    pub(super) fn count(&self, now: Timestamp) -> Query {
        let part = |part| self.conditions(now, Plan::Any, part);
        if !self.asks_for_duration() {
            let Conditions { sql, values } = part(Part::Both);
            return Query { sql: format!("SELECT count(*) FROM jobs{sql}"), values };
        }
        let (over, running) = (part(Part::Over), part(Part::Running));
        let count = |c: &Conditions| format!("(SELECT count(*) FROM jobs{})", c.sql);
        let sql = format!("SELECT {} + {}", count(&over), count(&running));
        Query { sql, values: [over.values, running.values].concat() }
    }

    fn asks_for_duration(&self) -> bool {
        self.min_duration_s.is_some() || self.max_duration_s.is_some()
    }

    /// Jobs found by the index of durations, and those that run.
    fn by_duration(&self, now: Timestamp) -> Conditions {
        let part = |part| self.conditions(now, Plan::Any, part);
        let (over, running) = (part(Part::Over), part(Part::Running));
        let numbers = |c: &Conditions| format!("SELECT number FROM jobs{}", c.sql);
        let mut all = Conditions::default();
        all.and(
            &format!("number IN ({} UNION ALL {})", numbers(&over), numbers(&running)),
            [over.values, running.values].concat(),
        );
        all
    }

    /// The page of them, `columns` of each, where there are so many in `total`.
    pub(super) fn page(&self, columns: &str, now: Timestamp, total: u64) -> Query {
        let plan = if total <= FEW { Plan::Any } else { Plan::InOrder };
        let mut all = self.conditions(now, plan, Part::Both);
        if plan == Plan::Any && self.asks_for_duration() {
            all = self.by_duration(now);
        }
        if let Some(after) = &self.after {
            all.and(
                "(created, number) < (SELECT created, number FROM jobs WHERE id = ?)",
                [Value::Text(after.clone())],
            );
        }
        let count = |n: usize| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        all.values.extend([count(self.limit), count(self.offset)]);
        let mark = if plan == Plan::Any { "+" } else { "" };
        let order = format!("ORDER BY {mark}created DESC, {mark}number DESC LIMIT ? OFFSET ?");
        Query { sql: format!("SELECT {columns} FROM jobs{} {order}", all.sql), values: all.values }
    }
}
