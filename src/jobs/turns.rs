//! Whose job is next: callers take turns, so that one with a hundred jobs does not keep one with a single
//! job waiting until all of them are done.

use std::collections::{HashMap, HashSet, VecDeque};

use super::workers::Waiting;

/// Callers whose last turn is kept although they have nothing in the queue.
const REMEMBERED: usize = 1024;

/// When each caller had its last turn. Callers without a name are one.
#[derive(Debug, Default)]
pub(super) struct Turns {
    count: u64,
    last: HashMap<Option<String>, u64>,
}

impl Turns {
    /// Takes the next job from those that wait: of the callers that wait, the one with the fewest jobs
    /// running; among several, the one whose last turn is longest ago. The jobs of one caller run in their
    /// order. `running` are the owners of the jobs that run.
    pub fn next<'a>(
        &mut self,
        waiting: &mut VecDeque<Waiting>,
        running: impl Iterator<Item = &'a Option<String>>,
    ) -> Option<Waiting> {
        let mut runs: HashMap<&Option<String>, usize> = HashMap::new();
        for owner in running {
            *runs.entry(owner).or_default() += 1;
        }
        let turn = |job: &Waiting| {
            let last = self.last.get(&job.owner).copied().unwrap_or(0);
            (runs.get(&job.owner).copied().unwrap_or(0), last)
        };
        // Of equals the first: that is the order in which they came.
        let (place, _) = waiting.iter().enumerate().min_by_key(|(_, job)| turn(job))?;
        let taken = waiting.remove(place)?;
        self.count += 1;
        self.last.insert(taken.owner.clone(), self.count);
        if self.last.len() > REMEMBERED {
            let mut known: HashSet<&Option<String>> = waiting.iter().map(|job| &job.owner).collect();
            known.extend(runs.into_keys());
            self.last.retain(|owner, _| *owner == taken.owner || known.contains(owner));
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: &str, owner: &str) -> Waiting {
        let owner = (!owner.is_empty()).then(|| owner.to_owned());
        Waiting { id: id.to_owned(), process: "echo".to_owned(), owner }
    }

    #[test]
    fn one_job_of_a_caller_is_next_after_one_of_the_caller_with_a_hundred() {
        let mut waiting: VecDeque<Waiting> = (0..100).map(|k| job(&format!("a{k}"), "ann")).collect();
        let mut turns = Turns::default();
        assert_eq!(turns.next(&mut waiting, [].iter()).unwrap().id, "a0");
        waiting.extend([job("b0", "bob"), job("n0", ""), job("b1", "bob")]);
        let order: Vec<String> =
            std::iter::from_fn(|| turns.next(&mut waiting, [].iter())).map(|job| job.id).collect();
        assert_eq!(order[..6], ["b0", "n0", "a1", "b1", "a2", "a3"]);
        assert_eq!(order.len(), 102);
    }

    #[test]
    fn a_caller_whose_jobs_run_already_lets_the_others_go_first() {
        let mut waiting: VecDeque<Waiting> = [job("a1", "ann"), job("b1", "bob")].into();
        let mut turns = Turns::default();
        turns.next(&mut [job("b0", "bob")].into(), [].iter());
        let running = [Some("ann".to_owned()), Some("ann".to_owned()), Some("bob".to_owned())];
        assert_eq!(turns.next(&mut waiting, running.iter()).unwrap().id, "b1");
        assert!(turns.next(&mut VecDeque::new(), running.iter()).is_none());
    }
}
