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
    /// The steps of the process and their shares of the time.
    plan: &'static [(&'static str, u32)],
    /// Share of the whole run that is done before the step, and that of the step.
    before: f64,
    share: f64,
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
    /// Percent of the whole run.
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

    /// Places a step in the run, which never seems to go back.
    fn enter(&mut self, name: &str) {
        self.before += self.share;
        let all = f64::from(self.plan.iter().map(|(_, weight)| weight).sum::<u32>());
        let mut sum = 0.0;
        let planned = self.plan.iter().find_map(|(step, weight)| {
            let start = sum;
            sum += f64::from(*weight) / all;
            let rest = name.strip_prefix(step)?;
            (rest.is_empty() || rest.starts_with(':')).then_some((start, sum, rest.is_empty()))
        });
        let unknown = (self.before, if self.plan.is_empty() { 1.0 } else { self.before }, false);
        let (start, end, whole) = planned.unwrap_or(unknown);
        self.before = self.before.max(start);
        let left = (end - self.before).max(0.0);
        // One step of who knows how many.
        self.share = if whole { left } else { left / 2.0 };
    }
}

impl Reporter {
    /// A reporter of a process with these steps.
    pub(super) fn of(plan: &'static [(&'static str, u32)]) -> Self {
        Self { told: Mutex::new(Told { plan, ..Told::default() }), done: AtomicU64::new(0) }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was said since the last call; `None` where nothing was.
    pub(super) fn news(&self) -> Option<News> {
        let mut told = self.told();
        let done = self.done.load(Ordering::Relaxed).min(told.total);
        let part = if told.total == 0 { 0.0 } else { done as f64 / told.total as f64 };
        // What is done in full is told by the end of the job.
        let percent = (100.0 * (told.before + told.share * part) + 1e-9).min(99.0) as u8;
        let percent = percent.max(told.written.1);
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
        told.enter(name);
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
        assert_eq!((news.step.as_str(), news.percent), ("classify", 16), "a third of the half that is left");
        let lines: Vec<_> = news.lines.into_iter().map(|(_, text)| text).collect();
        assert_eq!(lines, ["classify", "2 scenes are left out"]);
        assert_eq!(reporter.news(), None);
        reporter.done(101);
        assert_eq!(reporter.news(), None, "not a percent more");
        reporter.done(900);
        assert_eq!(reporter.news().unwrap().percent, 50);
        reporter.step("of unknown length", 0);
        reporter.done(u64::MAX);
        assert_eq!(reporter.news().unwrap().percent, 50);
    }

    #[test]
    fn the_percent_is_that_of_the_whole_run_and_never_goes_back() {
        let reporter = Reporter::of(&[("open", 10), ("rice", 40), ("write", 50)]);
        let mut seen = Vec::new();
        let mut at = |name: &str, done: u64| {
            if done == 0 {
                reporter.step(name, 4);
            }
            reporter.done(done);
            seen.extend(reporter.news().map(|news| news.percent));
        };
        for (name, done) in
            [("open", 0), ("open", 2), ("rice: train", 0), ("rice: train", 4), ("rice: map", 0), ("aside", 0)]
        {
            at(name, done);
        }
        // A step that comes again, and one that was not planned, take nothing back.
        for (name, done) in [("open", 0), ("write", 0), ("write", 2), ("write", 1), ("write", 4)] {
            at(name, done);
        }
        assert_eq!(seen, [0, 5, 10, 30, 30, 40, 40, 50, 75, 99]);
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
