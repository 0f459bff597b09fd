//! What a training tells while it runs, and what may stop it.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::ClassifyError;
use super::boost::BoostError;
use super::gru::Epoch;

/// Follows a training. A closure that takes the share done is one.
pub trait Watch: Sync {
    /// Told now and then which share is done; `false` stops.
    fn go_on(&self, share: f64) -> bool;

    /// Told after each epoch of a network. `training` names it where a design has several.
    fn epoch(&self, _training: &str, _epoch: &Epoch) {}

    /// What a training of this name left when it was interrupted.
    fn resume(&self, _training: &str) -> Option<Vec<u8>> {
        None
    }

    /// Keeps what a training of this name needs to go on after an interruption.
    ///
    /// # Errors
    /// Why it could not be kept.
    fn keep(&self, _training: &str, _state: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

impl<F: Fn(f64) -> bool + Sync> Watch for F {
    fn go_on(&self, share: f64) -> bool {
        self(share)
    }
}

/// Counts the equal parts of a training that are done, on any threads.
pub(super) struct Parts<'a> {
    watch: &'a dyn Watch,
    all: usize,
    done: AtomicUsize,
}

impl<'a> Parts<'a> {
    pub fn new(watch: &'a dyn Watch, all: usize) -> Self {
        Self { watch, all: all.max(1), done: AtomicUsize::new(0) }
    }

    /// One more part is done.
    ///
    /// # Errors
    /// [`BoostError::Cancelled`] where the watch says stop.
    pub fn next(&self) -> Result<(), ClassifyError> {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.watch.go_on(done as f64 / self.all as f64) {
            Ok(())
        } else {
            Err(BoostError::Cancelled.into())
        }
    }
}

/// One training of several.
pub(super) struct Part<'a> {
    pub whole: &'a dyn Watch,
    /// Share that is done before it.
    pub from: f64,
    /// Its own share.
    pub width: f64,
    pub name: &'a str,
}

impl Watch for Part<'_> {
    fn go_on(&self, share: f64) -> bool {
        self.whole.go_on(self.from + self.width * share)
    }

    fn epoch(&self, _: &str, epoch: &Epoch) {
        self.whole.epoch(self.name, epoch);
    }

    fn resume(&self, _: &str) -> Option<Vec<u8>> {
        self.whole.resume(self.name)
    }

    fn keep(&self, _: &str, state: &[u8]) -> Result<(), String> {
        self.whole.keep(self.name, state)
    }
}
