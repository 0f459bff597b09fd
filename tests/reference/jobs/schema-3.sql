PRAGMA user_version = 3;
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
, request_id TEXT) STRICT;
CREATE TABLE log (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    line INTEGER NOT NULL,
    at INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (job, line)
) STRICT, WITHOUT ROWID;
CREATE TABLE notices (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    event TEXT NOT NULL CHECK (event IN ('success', 'progress', 'failure')),
    address TEXT NOT NULL,
    origin TEXT NOT NULL,
    tries INTEGER NOT NULL,
    due INTEGER
) STRICT;
CREATE TABLE requests (
    job INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    request TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_by_duration ON jobs (finished - started, created, number, state, process, owner);
CREATE INDEX jobs_by_end ON jobs (finished) WHERE finished IS NOT NULL;
CREATE INDEX jobs_by_owner ON jobs (owner, created, number, state, process, started, finished);
CREATE INDEX jobs_by_process ON jobs (process, created, number, state, owner, started, finished);
CREATE INDEX jobs_by_state ON jobs (state, created, number, process, owner, started, finished);
CREATE INDEX jobs_by_time ON jobs (created, number, state, process, owner, started, finished);
CREATE INDEX jobs_that_share ON jobs (shares) WHERE shares IS NOT NULL;
CREATE INDEX jobs_to_share ON jobs (hash, process, version)
    WHERE state = 'successful' AND shares IS NULL;
CREATE INDEX notices_by_job ON notices (job);
CREATE INDEX notices_by_time ON notices (due) WHERE due IS NOT NULL;
