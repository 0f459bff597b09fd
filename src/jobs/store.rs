//! Jobs in one SQLite file. Every function is one transaction; nothing is cached, so that what is
//! told is what a crash would leave.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::model::now;
use super::rows::{COLUMNS, job_of, time, whole_job_of};
use super::{
    Failure, Filter, Job, JobStatus, JobsError, LogLine, Page, Subscription, canonical, notices, schema,
};

/// The states in which nothing more happens to a job by itself.
const OVER: &str = "('successful', 'failed', 'dismissed')";
/// Prepared statements that are kept.
const STATEMENTS: usize = 64;

pub(super) type Result<T> = std::result::Result<T, JobsError>;

/// The rows of all jobs. One process at a time holds a file.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    /// Held as long as the store is open; the system lets go of it when the process dies.
    _lock: File,
}

/// A job whose time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The job.
    pub id: String,
    /// The id under which its results are kept, where no other job shares them.
    pub results: Option<String>,
}

/// The failure as it is stored.
fn failure_text(failure: Option<&Failure>) -> Option<String> {
    failure.and_then(|f| serde_json::to_string(f).ok())
}

/// The jobs of a query.
fn jobs_of(
    statement: &mut rusqlite::Statement<'_>,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Job>> {
    let rows = statement.query_map(values, |row| Ok(job_of(row)))?;
    rows.filter_map(rusqlite::Result::transpose).collect()
}

fn insert(
    transaction: &Transaction<'_>,
    job: &Job,
    subscriber: Option<&Subscription>,
) -> rusqlite::Result<()> {
    let millis = |t: Timestamp| t.as_millisecond();
    transaction
        .prepare_cached(
            "INSERT INTO jobs (id, process, version, owner, state, created, started, finished, updated, \
             progress, message, failure, shares, request_id, hash) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            job.id,
            job.process,
            job.version,
            job.owner,
            job.state,
            millis(job.created),
            job.started.map(millis),
            job.finished.map(millis),
            millis(job.updated),
            job.progress.min(100),
            job.message,
            failure_text(job.failure.as_ref()),
            job.of,
            job.request_id,
            canonical::hash(&job.request, &job.basis),
        ])?;
    let number = transaction.last_insert_rowid();
    transaction
        .prepare_cached("INSERT INTO requests (job, request) VALUES (?, ?)")?
        .execute(params![number, job.request.to_string()])?;
    notices::subscribe(transaction, number, job.state, subscriber)
}

/// The id under which results are kept that no successful job shares any more.
fn unshared(connection: &Connection, results_id: &str) -> rusqlite::Result<Option<String>> {
    let shared: bool = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM jobs WHERE id = ?1 AND state = 'successful') \
             OR EXISTS (SELECT 1 FROM jobs WHERE shares = ?1 AND state = 'successful')",
        )?
        .query_row([results_id], |row| row.get(0))?;
    Ok((!shared).then(|| results_id.to_owned()))
}

impl Store {
    /// Opens the file, which is made where it is missing, and brings its tables to the newest
    /// version. A file `<path>.lock` beside it is held as long as the store is open.
    ///
    /// # Errors
    /// [`JobsError::Open`], [`JobsError::InUse`] by another process, [`JobsError::Newer`].
    pub fn open(path: &Path) -> Result<Self> {
        let name = || path.display().to_string();
        let refuse =
            |reason: &dyn std::fmt::Display| JobsError::Open { path: name(), reason: reason.to_string() };
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = File::options().create(true).truncate(false).write(true).open(lock_path);
        let lock = lock.map_err(|e| refuse(&e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JobsError::InUse { path: name() }),
            Err(TryLockError::Error(e)) => return Err(refuse(&e)),
        }
        let mut connection = Connection::open(path).map_err(|e| refuse(&e))?;
        let prepare = |connection: &mut Connection| {
            connection.busy_timeout(Duration::from_secs(10))?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            // Files for a moment would be missing where too many are open.
            connection.pragma_update(None, "temp_store", "MEMORY")?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            schema::version(connection)
        };
        let found = prepare(&mut connection).map_err(|e| refuse(&e))?;
        if found > schema::NEWEST {
            return Err(JobsError::Newer { path: name(), found, known: schema::NEWEST });
        }
        schema::migrate(&mut connection).map_err(|e| refuse(&e))?;
        Ok(Self { connection: Mutex::new(connection), _lock: lock })
    }

    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One transaction that writes.
    pub(super) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answer = work(&transaction)?;
        transaction.commit()?;
        Ok(answer)
    }

    /// One statement that writes; whether it changed a row.
    fn change(&self, sql: &str, values: impl rusqlite::Params) -> Result<bool> {
        Ok(self.connection().prepare_cached(sql)?.execute(values)? > 0)
    }

    /// Records a new job and who is told of it.
    ///
    /// # Errors
    /// [`JobsError::Database`], where the id is taken too.
    pub fn insert(&self, job: &Job, subscriber: Option<&Subscription>) -> Result<()> {
        self.write(|t| insert(t, job, subscriber))
    }

    /// Records many new jobs at once, all or none.
    ///
    /// # Errors
    /// As [`Store::insert`].
    pub fn insert_all(&self, jobs: &[Job]) -> Result<()> {
        self.write(|t| jobs.iter().try_for_each(|job| insert(t, job, None)))
    }

    /// Records a job that shares the results of another, where that one still has them: `false`
    /// and nothing recorded where not.
    ///
    /// # Errors
    /// As [`Store::insert`].
    pub fn insert_sharing(&self, job: &Job, subscriber: Option<&Subscription>) -> Result<bool> {
        self.write(|t| {
            let gone = unshared(t, job.results_id())?.is_some();
            if !gone {
                insert(t, job, subscriber)?;
            }
            Ok(!gone)
        })
    }

    /// The job with this id, with its request.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn get(&self, id: &str) -> Result<Option<Job>> {
        let connection = self.connection();
        let sql =
            format!("SELECT {COLUMNS}, request FROM jobs LEFT JOIN requests ON job = number WHERE id = ?");
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(statement.query_row([id], |row| Ok(whole_job_of(row))).optional()?.flatten())
    }

    /// Jobs by a filter, newest first, with the exact number of all that it lets through. Damaged rows are
    /// failed jobs among them, and left out where they have no id.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn list(&self, filter: &Filter) -> Result<Page> {
        let (now, connection) = (now(), self.connection());
        let count = filter.count(now);
        let total: i64 = connection
            .prepare_cached(&count.sql)?
            .query_row(rusqlite::params_from_iter(count.values), |row| row.get(0))?;
        let page = filter.page(COLUMNS, now, total.unsigned_abs());
        let mut statement = connection.prepare_cached(&page.sql)?;
        let jobs = jobs_of(&mut statement, rusqlite::params_from_iter(page.values))?;
        Ok(Page { jobs, total: total.unsigned_abs() })
    }

    /// How many jobs there are in each state.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn states(&self) -> Result<Vec<(JobStatus, u64)>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT state, count(*) FROM jobs GROUP BY state")?;
        let rows = statement.query_map([], |row| {
            let count: i64 = row.get(1)?;
            Ok((row.get(0)?, count.unsigned_abs()))
        })?;
        Ok(rows.filter_map(std::result::Result::ok).collect())
    }

    /// Writes what is there already, to see whether the file can be written.
    ///
    /// # Errors
    /// [`JobsError::Database`] where not.
    pub fn touch(&self) -> Result<()> {
        self.write(|t| t.pragma_update(None, "user_version", schema::NEWEST))
    }

    /// Jobs that are not over, oldest first, without their requests.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn unfinished(&self) -> Result<Vec<Job>> {
        let connection = self.connection();
        let sql =
            format!("SELECT {COLUMNS} FROM jobs WHERE state IN ('accepted', 'running') ORDER BY number");
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(jobs_of(&mut statement, [])?)
    }

    /// The newest successful job of the same process, version and owner whose request asks for the
    /// same as this one's, and which holds results of its own.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn find_same(&self, job: &Job) -> Result<Option<Job>> {
        let hash = canonical::hash(&job.request, &job.basis);
        let connection = self.connection();
        let sql = format!(
            "SELECT {COLUMNS} FROM jobs WHERE hash = ? AND process = ? AND version = ? AND owner IS ? \
             AND state = 'successful' AND shares IS NULL ORDER BY number DESC LIMIT 1"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let values = params![hash, job.process, job.version, job.owner];
        let found = statement.query_row(values, |row| Ok(job_of(row))).optional()?.flatten();
        Ok(found.filter(|found| found.state == JobStatus::Successful))
    }

    /// An accepted job runs from now on; `false` where it is not accepted (any more).
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn start(&self, id: &str) -> Result<bool> {
        self.pass(
            id,
            JobStatus::Running,
            "UPDATE jobs SET state = 'running', started = ?2, updated = ?2, progress = 0, message = '' \
             WHERE id = ?1 AND state = 'accepted'",
            params![id, now().as_millisecond()],
        )
    }

    /// A running job waits again, and `message` says why.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn put_back(&self, id: &str, message: &str) -> Result<bool> {
        self.change(
            "UPDATE jobs SET state = 'accepted', started = NULL, updated = ?2, progress = 0, message = ?3 \
             WHERE id = ?1 AND state = 'running'",
            params![id, now().as_millisecond(), message],
        )
    }

    /// Records how far a running job is, and appends to its log.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn progress(
        &self,
        id: &str,
        percent: u8,
        message: &str,
        lines: &[(Timestamp, String)],
    ) -> Result<()> {
        self.write(|t| {
            t.prepare_cached(
                "UPDATE jobs SET progress = ?2, message = ?3, updated = ?4 \
                 WHERE id = ?1 AND state = 'running'",
            )?
            .execute(params![id, percent.min(100), message, now().as_millisecond()])?;
            let mut append = t.prepare_cached(
                "INSERT INTO log (job, line, at, text) SELECT number, \
                 (SELECT coalesce(max(line) + 1, 0) FROM log WHERE job = number), ?2, ?3 \
                 FROM jobs WHERE id = ?1",
            )?;
            for (at, text) in lines {
                append.execute(params![id, at.as_millisecond(), text])?;
            }
            Ok(())
        })
    }

    /// Lines of a job's log from this number on, at most `limit`.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn log(&self, id: &str, from: u64, limit: usize) -> Result<Vec<LogLine>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT line, at, text FROM log JOIN jobs ON job = number WHERE id = ? AND line >= ? \
             ORDER BY line LIMIT ?",
        )?;
        let bounds = (i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = statement.query_map(params![id, bounds.0, bounds.1], |row| {
            let number: i64 = row.get(0)?;
            Ok(LogLine {
                number: number.unsigned_abs(),
                at: time(row, 1).ok().flatten().unwrap_or_default(),
                text: row.get(2).unwrap_or_else(|_| "this line cannot be read".to_owned()),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// A job passes into a state by this statement, and whoever is to be told of that will be.
    fn pass(&self, id: &str, into: JobStatus, sql: &str, values: impl rusqlite::Params) -> Result<bool> {
        self.write(|t| {
            let changed = t.prepare_cached(sql)?.execute(values)? > 0;
            if changed {
                notices::fall_due(t, id, into)?;
            }
            Ok(changed)
        })
    }

    fn end(&self, id: &str, state: JobStatus, message: &str, failure: Option<&Failure>) -> Result<bool> {
        self.pass(
            id,
            state,
            "UPDATE jobs SET state = ?2, finished = ?3, updated = ?3, message = ?4, failure = ?5, \
             started = coalesce(started, ?3), progress = iif(?2 = 'successful', 100, progress) \
             WHERE id = ?1 AND state IN ('accepted', 'running')",
            params![id, state, now().as_millisecond(), message, failure_text(failure)],
        )
    }

    /// A job's results are there; `false` where it was over already.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn finish(&self, id: &str) -> Result<bool> {
        self.end(id, JobStatus::Successful, "done", None)
    }

    /// A job ended without results; `false` where it was over already.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn fail(&self, id: &str, failure: &Failure) -> Result<bool> {
        self.end(id, JobStatus::Failed, &failure.to_string(), Some(failure))
    }

    /// A job is given up, in whatever state it is; `false` where it was before, or is not there.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn dismiss(&self, id: &str) -> Result<bool> {
        self.pass(
            id,
            JobStatus::Dismissed,
            "UPDATE jobs SET state = 'dismissed', finished = coalesce(finished, ?2), updated = ?2, \
             message = 'dismissed' WHERE id = ?1 AND state <> 'dismissed'",
            params![id, now().as_millisecond()],
        )
    }

    /// Whether no successful job needs the results kept under this id.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn is_unshared(&self, results_id: &str) -> Result<bool> {
        Ok(unshared(&self.connection(), results_id)?.is_some())
    }

    /// Whether a job that waits, runs or was successful may have results under this id, of its own or
    /// shared.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn is_needed(&self, results_id: &str) -> Result<bool> {
        let needed = self
            .connection()
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM jobs WHERE id = ?1 \
                 AND state IN ('accepted', 'running', 'successful')) \
                 OR EXISTS (SELECT 1 FROM jobs WHERE shares = ?1 AND state = 'successful')",
            )?
            .query_row([results_id], |row| row.get(0))?;
        Ok(needed)
    }

    /// Removes the rows of these jobs, with their logs.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn delete<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<()> {
        self.write(|t| {
            let mut delete = t.prepare_cached("DELETE FROM jobs WHERE id = ?")?;
            ids.into_iter().try_for_each(|id| delete.execute([id]).map(drop))
        })
    }

    /// The first step of a sweep: jobs that ended before this time, at most `limit`, the oldest
    /// first. They are dismissed, so that no new job shares their results. Then their results are
    /// removed, then [`Store::delete`] takes the rows: should it be cut off, the next sweep finds
    /// them again.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn expire(&self, before: Timestamp, limit: usize) -> Result<Vec<Expired>> {
        self.write(|t| {
            let mut statement = t.prepare_cached(&format!(
                "SELECT id, coalesce(shares, id) FROM jobs \
                 WHERE finished < ? AND +state IN {OVER} ORDER BY finished LIMIT ?"
            ))?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement
                .query_map(params![before.as_millisecond(), limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
            // A row without an id that can be read keeps no other.
            let old: Vec<(String, String)> = rows.filter_map(std::result::Result::ok).collect();
            let mut dismiss = t.prepare_cached("UPDATE jobs SET state = 'dismissed' WHERE id = ?")?;
            old.iter().try_for_each(|(id, _)| dismiss.execute([id]).map(drop))?;
            old.into_iter().map(|(id, results)| Ok(Expired { id, results: unshared(t, &results)? })).collect()
        })
    }

    /// The plan by which SQLite reads a page of this filter and counts it.
    #[cfg(test)]
    fn plan(&self, filter: &Filter) -> Vec<String> {
        let total = self.list(filter).unwrap().total;
        let connection = self.connection();
        let explain = |query: super::query::Query| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", query.sql)).unwrap();
            let rows =
                statement.query_map(rusqlite::params_from_iter(query.values), |row| row.get(3)).unwrap();
            rows.collect::<rusqlite::Result<Vec<String>>>().unwrap()
        };
        [explain(filter.page(COLUMNS, now(), total)), explain(filter.count(now()))].concat()
    }
}

#[cfg(test)]
mod tests;
