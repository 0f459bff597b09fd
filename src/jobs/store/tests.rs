//! The store of jobs on a real file: what is kept, listed and found again.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;

use super::*;
use crate::jobs::{NewJob, VERSION};

fn new(process: &str, owner: Option<&str>, request: serde_json::Value) -> Job {
    let owner = owner.map(str::to_owned);
    Job::accepted(NewJob { process: process.to_owned(), owner, request, ..NewJob::default() })
}

fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("jobs.sqlite")).unwrap();
    (folder, store)
}

fn millis(t: i64) -> Timestamp {
    Timestamp::from_millisecond(t).unwrap()
}

fn ids(store: &Store, filter: &Filter) -> Vec<String> {
    store.list(filter).unwrap().jobs.into_iter().map(|job| job.id).collect()
}

fn reference(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/reference/jobs", name].iter().collect()
}

/// A file as version 1 left it.
fn version_1(path: &Path) {
    let connection = Connection::open(path).unwrap();
    for part in ["schema-1.sql", "rows-1.sql"] {
        connection.execute_batch(&std::fs::read_to_string(reference(part)).unwrap()).unwrap();
    }
}

#[test]
fn a_job_comes_back_as_it_was_written() {
    let (_folder, store) = open();
    let mut job = new("echo", Some("anna"), json!({"inputs": {"text": "a", "z": 1, "b": [1.5, null]}}));
    store.insert(&job, None).unwrap();
    assert_eq!(store.get(&job.id).unwrap().unwrap(), job);
    assert_eq!(job.id.len(), 36);
    assert!(store.insert(&job, None).is_err(), "an id is taken once");
    assert_eq!(store.get("none").unwrap(), None);

    job.request_id = Some("r-1".into());
    job.id.push('2');
    store.insert(&job, None).unwrap();
    assert_eq!(store.get(&job.id).unwrap().unwrap(), job);

    job = new("echo", None, json!({}));
    job.state = JobStatus::Failed;
    job.started = Some(job.created);
    job.finished = Some(job.created);
    job.failure = Some(Failure::Input { input: "a.b[1]".into(), message: "is \"odd\"".into() });
    store.insert(&job, None).unwrap();
    assert_eq!(store.get(&job.id).unwrap().unwrap(), job);
}

#[test]
fn a_job_passes_its_states_and_none_twice() {
    let (_folder, store) = open();
    let job = new("echo", None, json!({}));
    let standing = || store.get(&job.id).unwrap().unwrap();
    store.insert(&job, None).unwrap();
    assert!(store.start(&job.id).unwrap());
    assert!(!store.start(&job.id).unwrap(), "it runs already");
    assert!(standing().started.is_some());
    assert!(store.put_back(&job.id, "later").unwrap());
    assert_eq!((standing().state, standing().started), (JobStatus::Accepted, None));
    assert!(store.start(&job.id).unwrap());
    store.progress(&job.id, 40, "classify", &[]).unwrap();
    assert_eq!((standing().progress, standing().message.as_str()), (40, "classify"));
    assert!(store.finish(&job.id).unwrap());
    let failure = Failure::Process { message: "late".into() };
    assert!(!store.fail(&job.id, &failure).unwrap(), "it is over");
    store.progress(&job.id, 50, "late", &[]).unwrap();
    let done = standing();
    assert_eq!((done.state, done.progress, done.failure.clone()), (JobStatus::Successful, 100, None));
    assert!(done.finished >= done.started && done.started >= Some(done.created));
    assert!(store.dismiss(&job.id).unwrap());
    assert!(!store.dismiss(&job.id).unwrap());
    assert_eq!((standing().state, standing().finished), (JobStatus::Dismissed, done.finished));
    store.delete([job.id.as_str()]).unwrap();
    assert_eq!(store.get(&job.id).unwrap(), None);
    assert!(!store.dismiss(&job.id).unwrap());
}

#[test]
fn a_log_is_read_from_any_line_and_goes_with_its_job() {
    let (_folder, store) = open();
    let job = new("echo", None, json!({}));
    store.insert(&job, None).unwrap();
    let line = |k: i64| (millis(k), format!("line {k}"));
    store.progress(&job.id, 0, "a", &[line(0), line(1)]).unwrap();
    store.progress(&job.id, 0, "a", &[line(2)]).unwrap();
    let log = store.log(&job.id, 1, 10).unwrap();
    assert_eq!(log[0], LogLine { number: 1, at: millis(1), text: "line 1".into() });
    assert_eq!((log.len(), log[1].number), (2, 2));
    assert_eq!(store.log(&job.id, 0, 1).unwrap().len(), 1);
    assert!(store.log(&job.id, 3, 10).unwrap().is_empty());
    store.delete([job.id.as_str()]).unwrap();
    let left: i64 = store
        .connection()
        .query_row("SELECT (SELECT count(*) FROM log) + (SELECT count(*) FROM requests)", [], |r| r.get(0))
        .unwrap();
    assert_eq!(left, 0);
    store.progress(&job.id, 0, "a", &[line(3)]).unwrap();
    assert!(store.log(&job.id, 0, 10).unwrap().is_empty());
}

/// Jobs at 1 s, 2 s, ..: process, owner, state and how long they ran.
fn some() -> Vec<Job> {
    let job = |k: i64, process: &str, owner: Option<&str>, state: JobStatus, seconds: Option<i64>| Job {
        id: format!("job-{k}"),
        state,
        created: millis(k * 1000),
        started: seconds.map(|_| millis(k * 1000)),
        finished: seconds.map(|s| millis((k + s) * 1000)),
        ..new(process, owner, json!({"inputs": {"k": k}}))
    };
    vec![
        job(1, "rice-map", Some("anna"), JobStatus::Successful, Some(10)),
        job(2, "rice-map", Some("ben"), JobStatus::Failed, Some(20)),
        job(3, "echo", Some("anna"), JobStatus::Accepted, None),
        job(4, "stress-map", None, JobStatus::Successful, Some(30)),
        job(5, "echo", Some("anna"), JobStatus::Dismissed, None),
    ]
}

#[test]
fn lists_are_filtered_paged_and_counted_exactly() {
    let (_folder, store) = open();
    store.insert_all(&some()).unwrap();
    let all = Filter::default();
    assert_eq!(ids(&store, &all), ["job-5", "job-4", "job-3", "job-2", "job-1"]);
    assert!(store.list(&all).unwrap().jobs.iter().all(|job| job.request.is_null()));

    let page = Filter { limit: 2, offset: 1, ..all.clone() };
    assert_eq!(
        (ids(&store, &page), store.list(&page).unwrap().total),
        (vec!["job-4".into(), "job-3".into()], 5)
    );
    let after = Filter { limit: 2, after: Some("job-3".into()), ..all.clone() };
    assert_eq!(
        (ids(&store, &after), store.list(&after).unwrap().total),
        (vec!["job-2".into(), "job-1".into()], 5)
    );
    assert!(ids(&store, &Filter { after: Some("gone".into()), ..all.clone() }).is_empty());
    assert_eq!(store.list(&Filter { limit: 0, ..all.clone() }).unwrap(), Page { jobs: vec![], total: 5 });

    let owner = Filter { owner: Some("anna".into()), ..all.clone() };
    assert_eq!(ids(&store, &owner), ["job-5", "job-3", "job-1"]);
    let process = Filter { processes: vec!["echo".into()], ..owner.clone() };
    assert_eq!(ids(&store, &process), ["job-5", "job-3"]);
    let processes = Filter { processes: vec!["rice-map".into(), "stress-map".into()], ..all.clone() };
    assert_eq!(ids(&store, &processes), ["job-4", "job-2", "job-1"]);
    let states = Filter { states: vec![JobStatus::Failed, JobStatus::Dismissed], ..all.clone() };
    assert_eq!(ids(&store, &states), ["job-5", "job-2"]);
    let state = Filter { states: vec![JobStatus::Successful], owner: Some("anna".into()), ..all.clone() };
    assert_eq!((ids(&store, &state), store.list(&state).unwrap().total), (vec!["job-1".into()], 1));

    let within = Filter { created_from: Some(millis(2000)), created_to: Some(millis(4000)), ..all.clone() };
    assert_eq!(ids(&store, &within), ["job-4", "job-3", "job-2"]);
    let later = Timestamp::from_nanosecond(2_000_000_001).unwrap();
    assert_eq!(ids(&store, &Filter { created_from: Some(later), ..within }), ["job-4", "job-3"]);

    let long = Filter { min_duration_s: Some(20), ..all.clone() };
    assert_eq!(ids(&store, &long), ["job-4", "job-2"]);
    let between = Filter { min_duration_s: Some(10), max_duration_s: Some(20), ..all.clone() };
    assert_eq!(ids(&store, &between), ["job-2", "job-1"]);
    // A job that runs has run so long by now.
    store.start("job-3").unwrap();
    assert_eq!(ids(&store, &Filter { max_duration_s: Some(9), ..all }), ["job-3"]);
}

#[test]
fn jobs_of_the_same_millisecond_are_listed_once_each() {
    let (_folder, store) = open();
    let jobs: Vec<Job> = (0..25).map(|k| Job { created: millis(7), ..new("echo", None, json!(k)) }).collect();
    store.insert_all(&jobs).unwrap();
    let mut seen = Vec::new();
    let mut filter = Filter { limit: 4, ..Filter::default() };
    loop {
        let page = ids(&store, &filter);
        let Some(last) = page.last() else { break };
        filter.after = Some(last.clone());
        seen.extend(page);
    }
    let expected: Vec<String> = jobs.into_iter().rev().map(|job| job.id).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_hundred_thousand_jobs_are_listed_from_an_index() {
    let (_folder, store) = open();
    let processes = ["rice-map", "stress-map", "stress-zones", "echo"];
    let request = json!({"inputs": {"cube": {"features": vec!["x".repeat(40); 10]}}});
    let jobs: Vec<Job> = (0..100_000_i64)
        .map(|k| Job {
            state: JobStatus::ALL[if k % 1000 == 0 { 3 } else { 2 }],
            created: millis(k * 10),
            started: Some(millis(k * 10 + 1)),
            finished: Some(millis(k * 10 + k % 60_000)),
            ..new(processes[k as usize % 4], Some(["anna", "ben", "cem"][k as usize % 3]), request.clone())
        })
        .collect();
    jobs.chunks(10_000).for_each(|part| store.insert_all(part).unwrap());
    let all = Filter::default();
    let text = |s: &str| Some(s.to_owned());
    let filters = [
        ("all", all.clone(), 100_000),
        ("owner", Filter { owner: text("anna"), ..all.clone() }, 33_334),
        ("failed", Filter { states: vec![JobStatus::Failed], ..all.clone() }, 100),
        ("states", Filter { states: vec![JobStatus::Failed, JobStatus::Successful], ..all.clone() }, 100_000),
        ("process", Filter { processes: vec!["echo".into()], ..all.clone() }, 25_000),
        (
            "interval",
            Filter {
                created_from: Some(millis(1000)),
                created_to: Some(millis(1990)),
                owner: text("ben"),
                ..all.clone()
            },
            34,
        ),
        ("long", Filter { min_duration_s: Some(59), ..all.clone() }, 999),
        ("short", Filter { max_duration_s: Some(50), ..all.clone() }, 90_002),
        ("none", Filter { min_duration_s: Some(61), ..all.clone() }, 0),
        ("waiting", Filter { states: vec![JobStatus::Accepted, JobStatus::Running], ..all.clone() }, 0),
        ("after", Filter { after: Some(jobs[50].id.clone()), ..all }, 100_000),
    ];
    for (name, filter, total) in filters {
        for step in store.plan(&filter) {
            let by_index = step.contains("USING INDEX") || step.contains("USING COVERING INDEX");
            // A few rows may be sorted.
            let sorts = total <= 2000 && step == "USE TEMP B-TREE FOR ORDER BY";
            let parts = step.contains("SUBQUERY") || step == "SCAN CONSTANT ROW";
            let joins = ["COMPOUND QUERY", "LEFT-MOST SUBQUERY", "UNION ALL"].contains(&step.as_str());
            let by_number = step == "SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)";
            assert!(by_index || sorts || parts || joins || by_number, "{name}: {step}");
        }
        let start = Instant::now();
        let page = store.list(&filter).unwrap();
        let took = start.elapsed();
        println!("{name}: {} of {} in {:.2} ms", page.jobs.len(), page.total, took.as_secs_f64() * 1e3);
        assert_eq!((page.jobs.len() as u64, page.total), (total.min(10), total), "{name}");
        assert!(took < Duration::from_millis(500), "{name}: {took:?}");
    }
}

#[test]
fn results_are_shared_by_the_same_process_version_owner_and_request_only() {
    let (_folder, store) = open();
    let request = json!({"inputs": {"a": 1, "b": 2}, "response": "raw"});
    let job = new("echo", Some("anna"), request);
    let same = new("echo", Some("anna"), json!({"inputs": {"b": 2.0, "a": 1}}));
    store.insert(&job, None).unwrap();
    assert_eq!(store.find_same(&same).unwrap(), None, "it is not done yet");
    store.start(&job.id).unwrap();
    store.finish(&job.id).unwrap();
    assert_eq!(store.find_same(&same).unwrap().unwrap().id, job.id);
    assert_eq!(same.version, VERSION);
    for other in [
        Job { version: "0.0.1".into(), ..same.clone() },
        Job { process: "rice-map".into(), ..same.clone() },
        Job { owner: None, ..same.clone() },
        Job { request: json!({"inputs": {"a": 1}}), ..same.clone() },
    ] {
        assert_eq!(store.find_same(&other).unwrap(), None);
    }
    let shared = same.clone().sharing(&job);
    assert!(store.insert_sharing(&shared, None).unwrap());
    assert_eq!(store.get(&shared.id).unwrap().unwrap().results_id(), job.id);
    // Shared results stay until the last job that needs them goes.
    store.dismiss(&job.id).unwrap();
    assert!(!store.is_unshared(&job.id).unwrap());
    assert_eq!(store.find_same(&same).unwrap(), None);
    store.dismiss(&shared.id).unwrap();
    assert!(store.is_unshared(&job.id).unwrap());
    assert!(!store.insert_sharing(&same.sharing(&job), None).unwrap());
}

#[test]
fn jobs_expire_with_their_results_once_nobody_shares_those() {
    let (_folder, store) = open();
    store.insert_all(&some()).unwrap();
    // job-1 ends at 11 s, job-2 at 22 s, job-4 at 34 s; a late job shares what job-1 left.
    let late = Job { id: "late".into(), ..new("echo", None, json!({})) };
    let late = late.sharing(&store.get("job-1").unwrap().unwrap());
    assert!(store.insert_sharing(&late, None).unwrap());
    let expired =
        |id: &str, results: Option<&str>| Expired { id: id.into(), results: results.map(str::to_owned) };
    assert_eq!(store.expire(millis(11_000), 10).unwrap(), []);
    let old = store.expire(millis(30_000), 10).unwrap();
    assert_eq!(old, [expired("job-1", None), expired("job-2", Some("job-2"))]);
    assert_eq!(store.expire(millis(30_000), 1).unwrap(), old[..1], "until they are deleted");
    store.delete(["job-1", "job-2"]).unwrap();
    let now = millis(Timestamp::now().as_millisecond() + 1000);
    let old = store.expire(now, 10).unwrap();
    assert_eq!(old, [expired("job-4", Some("job-4")), expired("late", Some("job-1"))]);
    store.delete(["job-4", "late"]).unwrap();
    assert_eq!(ids(&store, &Filter::default()), ["job-5", "job-3"], "what waits stays");
}

#[test]
fn the_tables_are_those_of_the_golden_file_of_their_version() {
    let (_folder, store) = open();
    let text = schema::dump(&store.connection());
    let path = reference(&format!("schema-{}.sql", schema::NEWEST));
    if !path.exists() && std::env::var_os("CI").is_none() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        text,
        std::fs::read_to_string(path).unwrap(),
        "a released version of the tables is never changed"
    );
}

#[test]
fn a_file_of_version_1_opens_with_all_that_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    version_1(&path);
    let store = Store::open(&path).unwrap();
    assert_eq!(schema::dump(&store.connection()), schema::dump(&open().1.connection()));
    let id = |k: u32| format!("5f0c4c0e-0c5e-4c3b-9a67-0d4d6f3b000{k}");
    assert_eq!(ids(&store, &Filter::default()), [5, 4, 3, 2, 1].map(id));
    let failed = store.get(&id(3)).unwrap().unwrap();
    assert_eq!(failed.failure, Some(Failure::Input { input: "dates".into(), message: "is required".into() }));
    assert_eq!((failed.state, failed.created), (JobStatus::Failed, millis(1_763_700_200_000)));
    assert_eq!(store.get(&id(2)).unwrap().unwrap().results_id(), id(1));
    assert_eq!(store.get(&id(1)).unwrap().unwrap().request, json!({"inputs": {"method": "itsgbt"}}));
    assert_eq!(store.log(&id(1), 0, 10).unwrap().len(), 2);
    let unfinished: Vec<_> = store.unfinished().unwrap().into_iter().map(|job| job.id).collect();
    assert_eq!(unfinished, [id(4), id(5)]);
}

#[test]
fn a_file_from_the_future_one_in_use_and_one_that_is_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    let store = Store::open(&path).unwrap();
    assert!(matches!(Store::open(&path), Err(JobsError::InUse { .. })));
    store.connection().pragma_update(None, "user_version", schema::NEWEST + 1).unwrap();
    drop(store);
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, JobsError::Newer { .. }), "{error}");

    let path = folder.path().join("letter.txt");
    std::fs::write(&path, "dear sir, ".repeat(1000)).unwrap();
    let error = Store::open(&path).unwrap_err().to_string();
    assert!(error.contains("letter.txt") && error.contains("not a database"), "{error}");
    let error = Store::open(&folder.path().join("no/such/folder/jobs.sqlite")).unwrap_err();
    assert!(matches!(error, JobsError::Open { .. }));
}
