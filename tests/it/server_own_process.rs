//! A process that is added to the registry is in every interface, with nothing else written. The program
//! is `examples/own_process.rs`; `make test-qgis` finds the same process in QGIS.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::server::Server;

/// The example, which a whole `cargo test` builds beside the binary, and one with `--test it` does not.
fn program() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_BIN_EXE_rededge")).with_file_name("examples/own_process");
    let missing = !program.is_file() && std::env::var_os("CI").is_none();
    if missing {
        println!("skipped: {} is absent (cargo build --release --example own_process)", program.display());
    }
    (!missing).then_some(program)
}

fn points() -> Value {
    let mine = |ore: &str| {
        json!({"type": "Feature", "properties": {"ore": ore},
               "geometry": {"type": "Point", "coordinates": [113.0, 27.9]}})
    };
    json!({"type": "FeatureCollection", "features": [mine("Pb-Zn"), mine("Sb"), mine("Pb-Zn")]})
}

#[test]
fn an_added_process_is_in_the_api_in_wps_and_on_the_command_line() {
    let Some(program) = program() else { return };
    let home = tempfile::tempdir().unwrap();
    let server = Server::start_program(&program, home.path(), "");
    let (_, list) = server.get("/processes");
    let last = list["processes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["id"], &last["title"]), (&json!("count-features"), &json!("Count features")));
    let (_, api) = server.get("/api");
    assert!(api["paths"].get("/processes/count-features/execution").is_some());
    let request = json!({"inputs": {"features": points(), "property": "ore"}, "response": "document"});
    let (status, _, done) = server.execute("count-features", "", &request);
    assert_eq!((status, done), (200, json!({"total": 3, "counts": {"Pb-Zn": 2, "Sb": 1}})));
    let (status, _, wrong) = server.execute("count-features", "", &json!({"inputs": {"features": points()}}));
    assert_eq!((status, &wrong["input"]), (400, &json!("property")));

    let wps = |query: &str| server.call("GET", &format!("/wps?service=WPS&{query}"), &[], "").2;
    assert!(wps("request=GetCapabilities").contains(">count-features<"));
    let described = wps("version=1.0.0&request=DescribeProcess&identifier=count-features");
    assert!(described.contains("The property that they are counted by."), "{described}");

    let inputs = home.path().join("inputs.json");
    std::fs::write(&inputs, json!({"features": points(), "property": "ore"}).to_string()).unwrap();
    let out = home.path().join("out");
    let run = |arguments: &[&std::ffi::OsStr]| Command::new(&program).args(arguments).output().unwrap();
    let described = run(&["describe".as_ref(), "count-features".as_ref()]);
    assert!(String::from_utf8_lossy(&described.stdout).contains("Count features"));
    let done =
        run(&["run".as_ref(), "count-features".as_ref(), inputs.as_ref(), "--out".as_ref(), out.as_ref()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let counts: Value = serde_json::from_slice(&std::fs::read(out.join("counts.json")).unwrap()).unwrap();
    assert_eq!(counts["Sb"], 1);
}
