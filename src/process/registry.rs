//! The ordered list of processes. Every interface derives from it: a new process is one file and
//! one line here.

use std::sync::OnceLock;

use super::DynProcess;
use super::assess_accuracy::AssessAccuracy;
use super::compare_methods::CompareMethods;
use super::earliest_rice_date::EarliestRiceDate;
use super::echo::Echo;
use super::error::nearest;
use super::index_series::IndexSeries;
use super::mine_association::MineAssociation;
use super::mine_heatmap::MineHeatmap;
use super::monitor::Monitor;
use super::rice_map::RiceMap;
use super::stress_map::StressMap;
use super::stress_persistence::StressPersistence;
use super::stress_zones::StressZones;
use super::suite_echo::SuiteEcho;
use super::train_rice::TrainRice;
use super::train_stress::TrainStress;

static BUILT_IN: &[&dyn DynProcess] = &[
    &Monitor,
    &RiceMap,
    &TrainRice,
    &EarliestRiceDate,
    &CompareMethods,
    &StressMap,
    &TrainStress,
    &StressPersistence,
    &StressZones,
    &MineHeatmap,
    &MineAssociation,
    &AssessAccuracy,
    &IndexSeries,
    &Echo,
];

/// All processes; fixed once it was asked for.
static REGISTRY: OnceLock<Vec<&'static dyn DynProcess>> = OnceLock::new();

/// What conformance suites ask for by name.
static UNLISTED: &[&dyn DynProcess] = &[&SuiteEcho];

/// All processes, in the order in which they are listed.
pub fn registry() -> &'static [&'static dyn DynProcess] {
    REGISTRY.get_or_init(|| BUILT_IN.to_vec())
}

/// Adds processes of a host's own behind those of the crate: they stand in every interface like these.
/// The first thing that a program does.
///
/// # Errors
/// The list was read already, or an id is taken.
pub fn add(own: &[&'static dyn DynProcess]) -> Result<(), String> {
    let all: Vec<&'static dyn DynProcess> = BUILT_IN.iter().chain(own).copied().collect();
    let taken = |at: usize| all[..at].iter().chain(UNLISTED).any(|p| p.id() == all[at].id());
    if let Some(at) = (BUILT_IN.len()..all.len()).find(|&at| taken(at)) {
        return Err(format!("there is a process `{}` already", all[at].id()));
    }
    REGISTRY.set(all).map_err(|_| "the list of processes was read already".to_owned())
}

/// The process with this id, listed or not.
pub fn find(id: &str) -> Option<&'static dyn DynProcess> {
    registry().iter().chain(UNLISTED).copied().find(|p| p.id() == id)
}

/// The id a misspelt one probably means.
pub fn suggest(id: &str) -> Option<&'static str> {
    nearest(id, registry().iter().map(|p| p.id()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ogc::schema_of;
    use crate::process::Process;

    #[test]
    fn processes_are_added_first_thing_and_under_ids_of_their_own() {
        assert_eq!(add(&[&Echo]).unwrap_err(), "there is a process `echo` already");
        assert_eq!(registry().len(), BUILT_IN.len());
        assert!(add(&[]).unwrap_err().contains("read already"));
    }

    #[test]
    fn ids_are_kebab_case_and_none_is_twice() {
        let ids: Vec<_> = registry().iter().map(|p| p.id()).collect();
        for (i, id) in ids.iter().enumerate() {
            assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{id}");
            assert!(!ids[..i].contains(id), "{id} is listed twice");
        }
    }

    #[test]
    fn every_member_of_every_process_says_what_it_is() {
        for process in registry() {
            let description = process.describe();
            for (name, member) in description.inputs.iter().chain(&description.outputs) {
                let text = member.get("description").and_then(|d| d.as_str()).unwrap_or_default();
                assert!(!text.is_empty(), "{}: `{name}` has no doc comment", process.id());
            }
        }
    }

    #[test]
    fn every_process_refuses_unknown_members() {
        fn refuses<P: Process>(_: &P) -> bool {
            schema_of::<P::Inputs>().get("additionalProperties") == Some(&false.into())
        }
        assert!(refuses(&Echo));
        for process in registry() {
            let context = crate::process::testing::nowhere();
            let error = process
                .run_json(serde_json::json!({"noSuchMember": 1}), &context.as_context())
                .unwrap_err()
                .to_string();
            assert!(error.starts_with("input `noSuchMember`: unknown member"), "{}: {error}", process.id());
        }
    }

    #[test]
    fn every_process_is_described_to_every_interface() {
        use crate::ogc::openapi::{OpenApi, Part};
        use crate::ogc::wps::{Version, descriptions};

        let processes: Vec<_> = registry().iter().map(|p| p.describe()).collect();
        let api = OpenApi {
            title: "T",
            description: "D",
            version: "1",
            base: "http://localhost",
            processes: &processes,
            parts: &Part::ALL,
            secured: false,
            examples: &std::collections::BTreeMap::new(),
            page_limit: 1000,
        };
        let paths = api.document()["paths"].as_object().unwrap().len();
        for version in [Version::V1, Version::V2] {
            let text = descriptions(&processes, version);
            let xml = roxmltree::Document::parse(&text).unwrap();
            let all = xml.root_element().children().filter(roxmltree::Node::is_element).count();
            assert_eq!(all, processes.len());
        }
        assert!(paths > processes.len() + 10);
    }
}
