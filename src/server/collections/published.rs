//! Which collections a caller may see: what the operator offers, and results of the caller's jobs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::jobs::{Filter, Host, Job, JobStatus, JobsError, Queue};
use crate::server::collection_output::promised;
use crate::store::GrowingResults;
use crate::store::collections::{Asked, Catalogue, Collection, JobResults};

/// How long an answer is believed without looking again: files of the operator may change.
const BELIEVED: Duration = Duration::from_secs(2);
/// Answers that are kept.
const KEPT: usize = 4096;
/// Jobs whose results are described when the server starts.
const AHEAD: usize = 1000;
/// Bytes of a job's id at the beginning of a collection's.
const JOB_ID: usize = 36;

type Key = (Option<String>, String);

#[derive(Default)]
struct Known {
    /// Counts what vanished, so that an answer that was on its way meanwhile is not kept.
    age: u64,
    found: HashMap<Key, (Instant, Collection)>,
}

/// The catalogue with who may see what.
pub struct Published {
    catalogue: Catalogue,
    growing: Arc<GrowingResults>,
    known: Mutex<Known>,
}

/// A part of a list.
pub struct CollectionPage {
    /// The collections.
    pub collections: Vec<Collection>,
    /// How many there are.
    pub total: usize,
}

/// What a list is to hold.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Leave out so many first.
    pub offset: usize,
    /// At most so many.
    pub limit: usize,
    /// Only those that touch west, south, east, north.
    pub bbox: Option<[f64; 4]>,
    /// Only those with a day within.
    pub days: Option<(jiff::civil::Date, jiff::civil::Date)>,
}

/// What is known of a job whose results are, or become, collections.
pub fn facts(job: &Job) -> JobResults {
    JobResults {
        job: job.id.clone(),
        process: job.process.clone(),
        created: job.created,
        folder: job.results_id().to_owned(),
    }
}

impl Published {
    /// What is published of a catalogue, and of results that are still computed.
    pub fn new(catalogue: Catalogue, growing: Arc<GrowingResults>) -> Self {
        Self { catalogue, growing, known: Mutex::default() }
    }

    /// Where jobs tell what they have written so far.
    pub fn growing(&self) -> &Arc<GrowingResults> {
        &self.growing
    }

    /// Describes what a job left ahead of the first who asks.
    pub fn describe(&self, job: &Job) {
        if job.state == JobStatus::Successful {
            self.catalogue.of_job(&facts(job));
        }
    }

    /// Sources of the operator's that cannot be read now, by their keys in the configuration.
    pub fn unavailable(&self) -> Vec<String> {
        self.catalogue.unavailable()
    }

    /// Whether the source of a collection of the operator's cannot be read now.
    pub fn is_unavailable(&self, id: &str) -> bool {
        self.catalogue.is_unavailable(id)
    }

    /// Describes what the operator offers, and the newest results ahead of the first list, on a thread of its own.
    pub fn prepare(self: &Arc<Self>, queue: &Arc<Queue>) {
        let (published, queue) = (self.clone(), Arc::downgrade(queue));
        std::thread::spawn(move || {
            published.catalogue.configured(0, usize::MAX);
            let filter = Filter { states: vec![JobStatus::Successful], limit: AHEAD, ..Filter::default() };
            let jobs = queue.upgrade().and_then(|queue| queue.list(&filter).ok());
            for job in jobs.into_iter().flat_map(|page| page.jobs) {
                published.describe(&job);
            }
        });
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The collection, where it was looked for a moment ago.
    pub fn at_hand(&self, owner: Option<&str>, id: &str) -> Option<Collection> {
        let key = (owner.map(str::to_owned), id.to_owned());
        let known = self.known();
        let (since, found) = known.found.get(&key)?;
        (since.elapsed() < BELIEVED).then(|| found.clone())
    }

    /// The collection with this id, where the caller may see it. May read files.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn find(
        &self,
        queue: &Queue,
        owner: Option<&str>,
        id: &str,
    ) -> Result<Option<Collection>, JobsError> {
        let age = self.known().age;
        let found = match self.catalogue.configured_by_id(id) {
            Some(found) => Some(found),
            None => self.of_job(queue, owner, id)?,
        };
        let mut known = self.known();
        let key = (owner.map(str::to_owned), id.to_owned());
        match &found {
            // What grows has changed at the next look.
            Some(collection) if known.age == age && collection.layer.growing.is_none() => {
                if known.found.len() >= KEPT {
                    known.found.clear();
                }
                known.found.insert(key, (Instant::now(), collection.clone()));
            }
            _ => drop(known.found.remove(&key)),
        }
        Ok(found)
    }

    fn of_job(&self, queue: &Queue, owner: Option<&str>, id: &str) -> Result<Option<Collection>, JobsError> {
        let Some((job, output)) = parts(id) else { return Ok(None) };
        if let Some(found) = self.growing.collection(owner, job, output) {
            return Ok(Some(found));
        }
        let Some(job) = queue.get(job)?.filter(|job| job.owner.as_deref() == owner) else { return Ok(None) };
        Ok(match job.state {
            JobStatus::Successful => self.catalogue.of_output(&facts(&job), output),
            // Its results are there a moment before its row says so.
            JobStatus::Running | JobStatus::Accepted => {
                let done = self.catalogue.of_output(&facts(&job), output);
                done.or_else(|| {
                    let features = promised(&job, output)?;
                    Some(Collection::promised(&facts(&job), output, features, &Asked::of(&job.request)))
                })
            }
            JobStatus::Failed | JobStatus::Dismissed => None,
        })
    }

    /// A page of the caller's collections: what the operator offers, what is being computed, then
    /// results, newest first.
    ///
    /// # Errors
    /// [`JobsError::Database`].
    pub fn list(
        &self,
        queue: &Queue,
        owner: Option<&str>,
        wanted: &Wanted,
    ) -> Result<CollectionPage, JobsError> {
        let filter = Filter {
            states: vec![JobStatus::Successful],
            owner: owner.map(str::to_owned),
            limit: usize::MAX,
            ..Filter::default()
        };
        let jobs = queue.list(&filter)?.jobs;
        let own = |job: &&Job| job.owner.as_deref() == owner && job.state == JobStatus::Successful;
        let jobs: Vec<JobResults> = jobs.iter().filter(own).map(facts).collect();
        let growing = self.growing.of(owner);
        if wanted.bbox.is_some() || wanted.days.is_some() {
            let configured = self.catalogue.configured(0, usize::MAX);
            let all = configured
                .into_iter()
                .chain(growing)
                .chain(jobs.iter().flat_map(|job| self.catalogue.of_job(job)));
            let fitting: Vec<Collection> = all.filter(|c| fits(c, wanted)).collect();
            let total = fitting.len();
            let collections = fitting.into_iter().skip(wanted.offset).take(wanted.limit).collect();
            return Ok(CollectionPage { collections, total });
        }
        // Without a filter only those of the page are described.
        let (mut skip, mut left) = (wanted.offset, wanted.limit);
        let mut collections = self.catalogue.configured(skip, left);
        let mut total = self.catalogue.configured_len();
        left -= left.min(total.saturating_sub(skip));
        skip = skip.saturating_sub(total);
        total += growing.len();
        let begun = growing.len().min(skip);
        let here = left.min(growing.len() - begun);
        collections.extend(growing.into_iter().skip(begun).take(here));
        (left, skip) = (left - here, skip - begun);
        for job in &jobs {
            let count = self.catalogue.outputs_len(job);
            total += count;
            if left > 0 && skip < count {
                let here = left.min(count - skip);
                collections.extend(self.catalogue.of_job(job).into_iter().skip(skip).take(here));
                left -= here;
            }
            skip = skip.saturating_sub(count);
        }
        Ok(CollectionPage { collections, total })
    }

    /// Results that are gone.
    pub fn forget(&self, folder: &str) {
        self.catalogue.forget(folder);
        self.vanished();
    }

    /// A job is gone, or its results are: answers are looked for anew.
    pub fn vanished(&self) {
        let mut known = self.known();
        known.age += 1;
        known.found.clear();
    }
}

/// The caller's job that would have made this collection, had it not failed or been dismissed, or that made
/// it and whose results were deleted.
///
/// # Errors
/// [`JobsError::Database`].
pub fn given_up(
    queue: &Queue,
    owner: Option<&str>,
    id: &str,
    host: &dyn Host,
) -> Result<Option<Job>, JobsError> {
    let Some((job, output)) = parts(id) else { return Ok(None) };
    let job = queue.get(job)?.filter(|job| job.owner.as_deref() == owner);
    let over = |job: &Job| match job.state {
        JobStatus::Failed | JobStatus::Dismissed => true,
        JobStatus::Successful => !host.has_results(job),
        JobStatus::Accepted | JobStatus::Running => false,
    };
    Ok(job.filter(|job| over(job) && promised(job, output).is_some()))
}

/// The job and the output of the id of a collection.
fn parts(id: &str) -> Option<(&str, &str)> {
    let (job, output) = id.split_at_checked(JOB_ID)?;
    Some((job, output.strip_prefix('-')?))
}

/// Whether a collection lies where and when it is wanted.
fn fits(collection: &Collection, wanted: &Wanted) -> bool {
    let layer = &collection.layer;
    let place = match (wanted.bbox, layer.bounds) {
        (Some(bbox), Some(bounds)) => touch(bbox, bounds),
        (Some(_), None) => false,
        (None, _) => true,
    };
    let time = match (wanted.days, layer.dates) {
        (Some((first, last)), Some((begin, end))) => begin <= last && end >= first,
        // What has no time is there at all times.
        _ => true,
    };
    place && time
}

/// Whether two rectangles of degrees touch; either may cross the date line (west over east).
fn touch(a: [f64; 4], b: [f64; 4]) -> bool {
    let spans = |r: [f64; 4]| {
        if r[0] <= r[2] { vec![(r[0], r[2])] } else { vec![(r[0], 180.0), (-180.0, r[2])] }
    };
    let along = spans(a).iter().any(|x| spans(b).iter().any(|y| x.0 <= y.1 && x.1 >= y.0));
    along && a[1] <= b[3] && a[3] >= b[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_touch_across_the_date_line_too() {
        let fiji = [177.0, -20.0, -178.0, -12.0];
        assert!(touch(fiji, [179.0, -15.0, 179.5, -14.0]));
        assert!(touch(fiji, [-179.0, -15.0, -178.5, -14.0]));
        assert!(!touch(fiji, [0.0, -15.0, 10.0, -14.0]));
        assert!(!touch(fiji, [178.0, 0.0, 179.0, 1.0]));
        assert!(touch([0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 2.0, 2.0]));
    }
}
