//! What a source of pixels notices while it reads: values that nobody declared, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// Places named in one note.
const SHOWN: usize = 8;

/// Collects findings from all threads, each once, until they are taken as notes.
#[derive(Debug, Default)]
pub struct Findings(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// What was found, and in which scenes and bands, with details.
    new: BTreeMap<String, BTreeMap<String, String>>,
    told: BTreeSet<(String, String)>,
}

impl Findings {
    /// Something about a scene's band. Only the first detail of a place is kept.
    pub fn add(&self, what: &str, place: &str, detail: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = inner.new.get(what).is_some_and(|places| places.contains_key(place))
            || inner.told.contains(&(what.to_owned(), place.to_owned()));
        if !known {
            let places = inner.new.entry(what.to_owned()).or_default();
            places.insert(place.to_owned(), detail.to_owned());
        }
    }

    /// What was found since the last time, a line for each kind, by scene and band.
    pub fn take(&self) -> Vec<String> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = std::mem::take(&mut inner.new);
        let line = |(what, places): (&String, &BTreeMap<String, String>)| {
            let shown: Vec<String> =
                places.iter().take(SHOWN).map(|(place, detail)| format!("{place}{detail}")).collect();
            let more = places.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            format!("{what}: {}{more}", shown.join("; "))
        };
        let notes = new.iter().map(line).collect();
        for (what, places) in new {
            inner.told.extend(places.into_keys().map(|place| (what.clone(), place)));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_told_once_with_its_place() {
        let findings = Findings::default();
        findings.add("odd", "scene a, B05", " (3 of 9)");
        findings.add("odd", "scene a, B05", " (4 of 9)");
        findings.add("odd", "scene b, B05", "");
        assert_eq!(findings.take(), ["odd: scene a, B05 (3 of 9); scene b, B05"]);
        findings.add("odd", "scene a, B05", "");
        assert!(findings.take().is_empty());
        (0..10).for_each(|i| findings.add("even", &format!("scene {i}"), ""));
        assert!(findings.take()[0].ends_with("scene 7; and 2 more"));
    }
}
