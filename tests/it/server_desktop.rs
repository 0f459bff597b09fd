//! What programs on a desk need of the server beside the standards: styles of results, what a file
//! input holds, and keys as passwords.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::server::Server;

#[test]
fn a_result_has_its_style_for_qgis_and_a_document_has_none() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let mines = json!({"type": "Point", "coordinates": [113.0, 27.9]});
    let (_, _, job) = server.execute("mine-heatmap", "respond-async", &json!({"inputs": {"mines": mines}}));
    let job = Server::job(&job);
    server.until(&job, "successful");
    let (status, style) = server.get(&format!("{job}/results/density?f=qml"));
    let style = style.as_str().unwrap();
    assert!(status == 200 && style.contains("<qgis") && style.contains("singlebandpseudocolor"), "{style}");
    let (status, problem) = server.get(&format!("{job}/results/mineProblems?f=qml"));
    assert_eq!((status, &problem["detail"]), (404, &json!("the output `mineProblems` has no style")));
}

#[test]
fn inputs_that_are_files_say_what_they_hold() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let (_, zones) = server.get("/processes/stress-zones");
    let holds = |input: &str| {
        let metadata = zones["inputs"][input]["metadata"].as_array().cloned().unwrap_or_default();
        let held = metadata.into_iter().find(|m| m["role"] == "media-type");
        held.and_then(|m| m["title"].as_str().map(str::to_owned)).unwrap_or_default()
    };
    assert!(holds("stressMap").starts_with("image/tiff"), "{zones:#}");
    assert_eq!((holds("mines").as_str(), holds("radius").as_str()), ("application/geo+json", ""));
}

#[test]
fn a_key_is_also_taken_as_the_password_of_basic() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[keys]\nann = \"0123456789abcdef-ann\"\n");
    let status = |credentials: &str| {
        let header = format!("Basic {}", STANDARD.encode(credentials));
        server.call("GET", "/jobs", &[("Authorization", &header)], "").0
    };
    assert_eq!(status("ann:0123456789abcdef-ann"), 200);
    for wrong in ["ann:0123456789abcdef-bob", "0123456789abcdef-ann:", "0123456789abcdef-ann", ":", ""] {
        assert_eq!(status(wrong), 401, "{wrong}");
    }
    assert_eq!(server.call("GET", "/jobs", &[("Authorization", "Basic %%%")], "").0, 401);
}
