//! What a training tells while it runs, and what may stop it.

use super::gru::Epoch;

/// Follows a training. A closure that takes the share done is one.
pub trait Watch {
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

impl<F: Fn(f64) -> bool> Watch for F {
    fn go_on(&self, share: f64) -> bool {
        self(share)
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
