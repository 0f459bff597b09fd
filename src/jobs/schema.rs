//! The tables, by version. A version that was released is never changed: a change is a new entry
//! in [`MIGRATIONS`] and a new golden file in `tests/reference/jobs`.

use rusqlite::{Connection, TransactionBehavior};

/// Statements from one version of the tables to the next; the first makes version 1.
const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    process TEXT NOT NULL,
    version TEXT NOT NULL,
    owner TEXT,
    state TEXT NOT NULL CHECK (state IN ('accepted', 'running', 'successful', 'failed', 'dismissed')),
    created INTEGER NOT NULL,
    started INTEGER,
    finished INTEGER,
    updated INTEGER NOT NULL,
    progress INTEGER NOT NULL CHECK (progress BETWEEN 0 AND 100),
    message TEXT NOT NULL,
    failure TEXT,
    shares TEXT,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_by_time ON jobs (created, number, state, process, owner, started, finished);
CREATE INDEX jobs_by_owner ON jobs (owner, created, number, state, process, started, finished);
CREATE INDEX jobs_by_state ON jobs (state, created, number, process, owner, started, finished);
CREATE INDEX jobs_by_process ON jobs (process, created, number, state, owner, started, finished);
CREATE INDEX jobs_by_end ON jobs (finished) WHERE finished IS NOT NULL;
CREATE INDEX jobs_that_share ON jobs (shares) WHERE shares IS NOT NULL;
CREATE INDEX jobs_to_share ON jobs (hash, process, version)
    WHERE state = 'successful' AND shares IS NULL;
CREATE TABLE requests (
    job INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    request TEXT NOT NULL
) STRICT;
CREATE TABLE log (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    line INTEGER NOT NULL,
    at INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (job, line)
) STRICT, WITHOUT ROWID;
",
    "
ALTER TABLE jobs ADD COLUMN request_id TEXT;
CREATE INDEX jobs_by_duration ON jobs (finished - started, created, number, state, process, owner);
",
    "
CREATE TABLE notices (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    event TEXT NOT NULL CHECK (event IN ('success', 'progress', 'failure')),
    address TEXT NOT NULL,
    origin TEXT NOT NULL,
    tries INTEGER NOT NULL,
    due INTEGER
) STRICT;
CREATE INDEX notices_by_job ON notices (job);
CREATE INDEX notices_by_time ON notices (due) WHERE due IS NOT NULL;
",
];

/// The newest version of the tables.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// The version of the tables in a file; 0 where it is new.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings the tables to [`NEWEST`], all or nothing.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from = usize::try_from(version(&transaction)?).unwrap_or(0);
    for statements in MIGRATIONS.iter().skip(from) {
        transaction.execute_batch(statements)?;
    }
    transaction.pragma_update(None, "user_version", NEWEST)?;
    transaction.commit()
}

/// The tables and indexes of a file as text, in order of their names.
#[cfg(test)]
pub(super) fn dump(connection: &Connection) -> String {
    let mut statement = connection
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name")
        .unwrap();
    let rows: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    format!("PRAGMA user_version = {};\n{};\n", version(connection).unwrap(), rows.join(";\n"))
}
