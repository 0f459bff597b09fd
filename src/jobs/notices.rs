//! Notices: who is told of what happens to a job, kept beside it until they are told or given up.

use std::time::Duration;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::model::now;
use super::store::{Result, Store};
use super::{Job, JobStatus};

/// Pauses between tries; after the last one a notice is given up.
const PAUSES_S: [u64; 5] = [1, 5, 30, 120, 600];
/// A notice that is being told is left alone by others for so long.
const LEASE: Duration = Duration::from_mins(2);

/// What is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The results are there.
    Success,
    /// Work has begun.
    Progress,
    /// It ended without results.
    Failure,
}

impl Event {
    const ALL: [Self; 3] = [Self::Success, Self::Progress, Self::Failure];

    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Progress => "progress",
            Self::Failure => "failure",
        }
    }

    /// What a job that passes into this state is to tell.
    fn of(state: JobStatus) -> Option<Self> {
        match state {
            JobStatus::Accepted => None,
            JobStatus::Running => Some(Self::Progress),
            JobStatus::Successful => Some(Self::Success),
            JobStatus::Failed | JobStatus::Dismissed => Some(Self::Failure),
        }
    }
}

impl ToSql for Event {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for Event {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        let found = Self::ALL.into_iter().find(|event| event.as_str() == name);
        found.ok_or_else(|| FromSqlError::Other(format!("no event is called {name}").into()))
    }
}

/// Who is told how a job goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Addresses by event.
    pub addresses: Vec<(Event, String)>,
    /// Where the job was asked for: what is told may refer to it.
    pub origin: String,
}

/// Something that somebody is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    number: i64,
    /// The job's id.
    pub job: String,
    /// What happened.
    pub event: Event,
    /// Who is told.
    pub address: String,
    /// Where the job was asked for.
    pub origin: String,
    /// How often it was tried before.
    pub tries: usize,
}

/// Why somebody could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    /// In words, for the operator.
    pub reason: String,
    /// Whether it may go better later.
    pub passing: bool,
}

/// Records who is told of a new job.
pub(super) fn subscribe(
    transaction: &Transaction<'_>,
    job: i64,
    state: JobStatus,
    subscriber: Option<&Subscription>,
) -> rusqlite::Result<()> {
    let Some(subscriber) = subscriber else { return Ok(()) };
    let mut insert = transaction.prepare_cached(
        "INSERT INTO notices (job, event, address, origin, tries, due) VALUES (?, ?, ?, ?, 0, ?)",
    )?;
    for (event, address) in &subscriber.addresses {
        let due = (Event::of(state) == Some(*event)).then(|| now().as_millisecond());
        // What can no longer happen needs no row.
        if due.is_some() || !state.is_over() {
            insert.execute(params![job, event, address, subscriber.origin, due])?;
        }
    }
    Ok(())
}

/// Notices of a job that has passed into a state are due; those of what can no longer happen go.
pub(super) fn fall_due(transaction: &Transaction<'_>, id: &str, state: JobStatus) -> rusqlite::Result<()> {
    let Some(event) = Event::of(state) else { return Ok(()) };
    let of_job = "job = (SELECT number FROM jobs WHERE id = ?1)";
    transaction
        .prepare_cached(&format!(
            "UPDATE notices SET due = ?3 WHERE {of_job} AND event = ?2 AND due IS NULL"
        ))?
        .execute(params![id, event, now().as_millisecond()])?;
    if state.is_over() {
        transaction
            .prepare_cached(&format!("DELETE FROM notices WHERE {of_job} AND due IS NULL"))?
            .execute([id])?;
    }
    Ok(())
}

fn notice_of(row: &Row<'_>) -> rusqlite::Result<Notice> {
    let tries: i64 = row.get(5)?;
    Ok(Notice {
        number: row.get(0)?,
        job: row.get(1)?,
        event: row.get(2)?,
        address: row.get(3)?,
        origin: row.get(4)?,
        tries: usize::try_from(tries).unwrap_or(0),
    })
}

impl Store {
    /// Takes the notice that has been due for longest, so that nobody else does for a while.
    ///
    /// # Errors
    /// [`super::JobsError::Database`].
    pub fn take_notice(&self) -> Result<Option<Notice>> {
        let now = now().as_millisecond();
        self.write(|t| {
            let found = t
                .prepare_cached(
                    "SELECT notices.number, id, event, address, origin, tries FROM notices \
                     JOIN jobs ON job = jobs.number WHERE due <= ? ORDER BY due LIMIT 1",
                )?
                .query_row([now], notice_of)
                .optional()?;
            if let Some(notice) = &found {
                let lease = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
                t.prepare_cached("UPDATE notices SET due = ?2, tries = tries + 1 WHERE number = ?1")?
                    .execute([notice.number, now.saturating_add(lease)])?;
            }
            Ok(found)
        })
    }

    /// How a notice went: it is told, or, for what came between, tried again later or given up.
    ///
    /// # Errors
    /// [`super::JobsError::Database`].
    pub fn settle_notice(&self, notice: &Notice, untold: Option<&Untold>) -> Result<()> {
        let later = untold.filter(|untold| untold.passing).and_then(|_| PAUSES_S.get(notice.tries));
        self.write(|t| {
            match later {
                Some(&pause) => t
                    .prepare_cached("UPDATE notices SET due = ?2 WHERE number = ?1")?
                    .execute([notice.number, now().as_millisecond() + pause as i64 * 1000])?,
                None => t.prepare_cached("DELETE FROM notices WHERE number = ?")?.execute([notice.number])?,
            };
            Ok(())
        })
    }

    /// The time until the next notice is due; `None` where there is none.
    ///
    /// # Errors
    /// [`super::JobsError::Database`].
    pub fn next_notice(&self) -> Result<Option<Duration>> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT min(due) FROM notices WHERE due IS NOT NULL")?;
        let due: Option<i64> = statement.query_row([], |row| row.get(0))?;
        let wait = |due: i64| {
            Duration::from_millis(due.saturating_sub(now().as_millisecond()).max(0).unsigned_abs())
        };
        Ok(due.map(wait))
    }
}

impl Notice {
    /// Whether the job still stands as the notice says.
    pub fn still_holds(&self, job: &Job) -> bool {
        self.event == Event::Progress || Event::of(job.state) == Some(self.event)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jobs::NewJob;

    fn subscriber() -> Subscription {
        let address = |event: Event| (event, format!("http://host/{}", event.as_str()));
        Subscription { addresses: Event::ALL.map(address).to_vec(), origin: "http://here".into() }
    }

    fn recorded(store: &Store) -> Job {
        let job = Job::accepted(NewJob { process: "echo".into(), request: json!({}), ..NewJob::default() });
        store.insert(&job, Some(&subscriber())).unwrap();
        job
    }

    #[test]
    fn a_job_tells_of_its_beginning_and_its_end_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.sqlite");
        let store = Store::open(&path).unwrap();
        let job = recorded(&store);
        assert_eq!((store.take_notice().unwrap(), store.next_notice().unwrap()), (None, None));
        store.start(&job.id).unwrap();
        let begun = store.take_notice().unwrap().unwrap();
        assert_eq!((begun.event, begun.job.as_str(), begun.tries), (Event::Progress, job.id.as_str(), 0));
        assert_eq!(store.take_notice().unwrap(), None, "one is enough to tell it");
        store.settle_notice(&begun, None).unwrap();
        store.finish(&job.id).unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        let done = store.take_notice().unwrap().unwrap();
        assert_eq!((done.event, done.address.as_str()), (Event::Success, "http://host/success"));
        store.settle_notice(&done, None).unwrap();
        assert_eq!(store.next_notice().unwrap(), None, "a success leaves no failure to tell");
    }

    #[test]
    fn what_passes_is_tried_again_with_longer_pauses_and_given_up_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.sqlite")).unwrap();
        let job = recorded(&store);
        store.dismiss(&job.id).unwrap();
        let untold = Untold { reason: "busy".into(), passing: true };
        let mut waits = Vec::new();
        for tries in 0..=PAUSES_S.len() {
            store.connection().execute("UPDATE notices SET due = 0", []).unwrap();
            let notice = store.take_notice().unwrap().unwrap();
            assert_eq!((notice.event, notice.tries), (Event::Failure, tries));
            store.settle_notice(&notice, Some(&untold)).unwrap();
            waits.extend(store.next_notice().unwrap().map(|wait| wait.as_secs()));
        }
        assert_eq!(waits.len(), PAUSES_S.len());
        assert!(waits.is_sorted() && waits[4] > 590, "{waits:?}");
        let again = recorded(&store);
        store.dismiss(&again.id).unwrap();
        let notice = store.take_notice().unwrap().unwrap();
        store.settle_notice(&notice, Some(&Untold { passing: false, ..untold })).unwrap();
        assert_eq!(store.next_notice().unwrap(), None);
        let third = recorded(&store);
        store.delete([third.id.as_str()]).unwrap();
        let left: i64 =
            store.connection().query_row("SELECT count(*) FROM notices", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "notices go with their job");
    }
}
