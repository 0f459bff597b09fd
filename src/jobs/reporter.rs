//! Progress of a running job, kept in memory until the clock writes it down: whoever computes never
//! waits for the store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::model::now;
use crate::process::Progress;

/// Most lines that a job's log keeps.
const MAX_LINES: usize = 10_000;
/// Most letters of a line.
const MAX_LETTERS: usize = 2000;

/// Takes what a process says.
#[derive(Debug, Default)]
pub(super) struct Reporter {
    told: Mutex<Told>,
    done: AtomicU64,
}

#[derive(Debug, Default)]
struct Told {
    step: String,
    total: u64,
    lines: Vec<(Timestamp, String)>,
    /// Lines so far, written ones included.
    count: usize,
    written: (String, u8),
}

/// What is new since the last time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News {
    /// The step that runs.
    pub step: String,
    /// Percent of it.
    pub percent: u8,
    /// New lines of the log.
    pub lines: Vec<(Timestamp, String)>,
}

impl Told {
    fn line(&mut self, text: &str) {
        self.count += 1;
        let text = match self.count {
            ..=MAX_LINES => text.chars().take(MAX_LETTERS).collect(),
            n if n == MAX_LINES + 1 => format!("more than {MAX_LINES} lines: the rest is left out"),
            _ => return,
        };
        self.lines.push((now(), text));
    }
}

impl Reporter {
    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was said since the last call; `None` where nothing was.
    pub(super) fn news(&self) -> Option<News> {
        let mut told = self.told();
        let done = self.done.load(Ordering::Relaxed).min(told.total);
        let percent = (u128::from(done) * 100).checked_div(u128::from(told.total)).unwrap_or(0) as u8;
        let standing = (told.step.clone(), percent);
        if told.lines.is_empty() && told.written == standing {
            return None;
        }
        told.written.clone_from(&standing);
        let (step, percent) = standing;
        Some(News { step, percent, lines: std::mem::take(&mut told.lines) })
    }
}

impl Progress for Reporter {
    fn step(&self, name: &str, total: u64) {
        let mut told = self.told();
        name.clone_into(&mut told.step);
        told.total = total;
        self.done.store(0, Ordering::Relaxed);
        told.line(name);
    }

    fn done(&self, units: u64) {
        self.done.store(units, Ordering::Relaxed);
    }

    fn note(&self, message: &str) {
        self.told().line(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_a_note_and_units_become_news_once() {
        let reporter = Reporter::default();
        assert_eq!(reporter.news(), None);
        reporter.step("classify", 300);
        reporter.note("2 scenes are left out");
        reporter.done(100);
        let news = reporter.news().unwrap();
        assert_eq!((news.step.as_str(), news.percent), ("classify", 33));
        let lines: Vec<_> = news.lines.into_iter().map(|(_, text)| text).collect();
        assert_eq!(lines, ["classify", "2 scenes are left out"]);
        assert_eq!(reporter.news(), None);
        reporter.done(101);
        assert_eq!(reporter.news(), None, "not a percent more");
        reporter.done(900);
        assert_eq!(reporter.news().unwrap().percent, 100);
        reporter.step("of unknown length", 0);
        reporter.done(u64::MAX);
        assert_eq!(reporter.news().unwrap().percent, 0);
    }

    #[test]
    fn a_talkative_process_fills_neither_memory_nor_disk() {
        let reporter = Reporter::default();
        for _ in 0..MAX_LINES + 500 {
            reporter.note(&"ü".repeat(3000));
        }
        let lines = reporter.news().unwrap().lines;
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert_eq!(lines[0].1.chars().count(), MAX_LETTERS);
        assert!(lines[MAX_LINES].1.contains("left out"));
    }
}
