//! The clock of the queue: writes progress down, tries ends again that the store refused, and removes what is
//! kept no longer.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::JobsError;
use super::model::now;
use super::workers::{FAR, RETRY, Shared, TICK, guarded, held};

/// Rows that a sweep takes at a time.
const SWEPT: usize = 200;

impl Shared {
    /// The clock, until the queue is closed and nothing runs: progress, ends that the store refused,
    /// retention.
    pub fn keep_time(&self) {
        let mut next_sweep = Instant::now();
        let mut next_retry = Instant::now();
        let mut next_look = Instant::now();
        loop {
            if next_look <= Instant::now() {
                self.clear_strays();
                next_look = Instant::now() + FAR;
            }
            if let Some(retention) = self.limits.retention.filter(|_| next_sweep <= Instant::now()) {
                if let Err(error) = self.sweep(retention) {
                    tracing::error!(%error, "old jobs cannot be removed");
                }
                next_sweep = Instant::now() + self.limits.sweep_every;
            }
            let state = self.state();
            if !state.open && state.running.is_empty() {
                return;
            }
            let state = if state.running.is_empty() {
                let next = if self.limits.retention.is_some() { next_sweep } else { next_look };
                let pause = next.min(next_look).saturating_duration_since(Instant::now());
                held(self.clock.wait_timeout(state, pause)).0
            } else {
                // Not on the condition: woken early, it would write more often.
                drop(state);
                std::thread::sleep(TICK);
                self.state()
            };
            let running: Vec<_> = state
                .running
                .iter()
                .map(|(id, r)| (id.clone(), r.reporter.clone(), r.unwritten.clone()))
                .collect();
            drop(state);
            let retries = next_retry <= Instant::now();
            for (id, reporter, unwritten) in running {
                match unwritten {
                    Some(outcome) if retries => self.conclude(&id, outcome),
                    Some(_) => {}
                    None => self.write_down(&id, &reporter),
                }
            }
            if retries {
                next_retry = Instant::now() + RETRY;
            }
        }
    }

    /// Has the host remove what it keeps and no job needs, as after a crash or another job store.
    fn clear_strays(&self) {
        for id in guarded(|| self.host.kept()).unwrap_or_default() {
            match self.store.is_needed(&id) {
                Ok(true) => {}
                Ok(false) => {
                    tracing::info!(job = id, "results that no job needs are removed");
                    guarded(|| self.host.forget(&id));
                }
                Err(error) => {
                    tracing::error!(%error, "results that no job needs stay until the next look");
                    return;
                }
            }
        }
    }

    /// Removes jobs that ended longer ago than this, and their results.
    fn sweep(&self, retention: Duration) -> Result<(), JobsError> {
        let age = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let before = now().as_millisecond().saturating_sub(age);
        let Ok(before) = Timestamp::from_millisecond(before) else { return Ok(()) };
        loop {
            let old = self.store.expire(before, SWEPT)?;
            for results in old.iter().filter_map(|job| job.results.as_deref()) {
                guarded(|| self.host.forget(results));
            }
            for job in &old {
                guarded(|| self.host.vanished(&job.id));
            }
            self.store.delete(old.iter().map(|job| job.id.as_str()))?;
            if old.len() < SWEPT {
                return Ok(());
            }
        }
    }
}
