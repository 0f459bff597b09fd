//! What OGC API - Processes 1.0 (OGC 18-062r2) and its executable test suite demand, restated: one test
//! a requirement, its id in the comment. These are our tests, not the suite; `docs/conformance.md`
//! has the table.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Server, header};

const NO_SUCH_PROCESS: &str = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-process";
const NO_SUCH_JOB: &str = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-job";
const NOT_READY: &str = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/result-not-ready";
const RESULTS: &str = "http://www.opengis.net/def/rel/ogc/1.0/results";

fn fresh() -> (TempDir, Server) {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[jobs]\nworkers = 2\n");
    (home, server)
}

fn rels(document: &Value) -> Vec<&str> {
    document["links"].as_array().unwrap().iter().map(|l| l["rel"].as_str().unwrap()).collect()
}

/// Everything that the suite sends to a process that hands its inputs back.
fn everything() -> Value {
    json!({
        "text": "teststring", "list": [], "object": {"value": "teststring"},
        "bbox": {"crs": "urn:ogc:def:crs:EPSG:6.6:4326", "bbox": [345_345_345, 345_345_345, 345_345_345, 345_345_345]},
    })
}

fn values(names: &[&str]) -> Value {
    names
        .iter()
        .map(|n| ((*n).to_owned(), json!({"transmissionMode": "value"})))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// The parts of a multipart answer: head and body of each.
fn parts<'a>(kind: &str, body: &'a str) -> Vec<(&'a str, &'a str)> {
    let boundary = kind.strip_prefix("multipart/related; boundary=").unwrap_or_else(|| panic!("{kind}"));
    let all = body.strip_suffix(&format!("--{boundary}--\r\n")).expect("the last boundary");
    let between = format!("--{boundary}\r\n");
    let parts = all.split(between.as_str()).skip(1);
    parts
        .map(|part| {
            let (head, body) = part.strip_suffix("\r\n").unwrap().split_once("\r\n\r\n").unwrap();
            (head, body.trim())
        })
        .collect()
}

/// A job of `echo` that is done.
fn done(server: &Server, request: &Value) -> String {
    let (status, _, answer) = server.execute("echo", "respond-async", request);
    assert_eq!(status, 201, "{answer}");
    let job = Server::job(&answer);
    server.until(&job, "successful");
    job
}

fn is_problem(answer: &Value, status: u16, kind: &str) {
    assert_eq!(
        (answer["status"].as_u64(), answer["type"].as_str()),
        (Some(status.into()), Some(kind)),
        "{answer}"
    );
    assert!(answer["title"].is_string() && answer["detail"].is_string(), "{answer}");
}

// Core: landing page, API definition, conformance, processes.

#[test] // /req/core/landingpage-op, /req/core/landingpage-success
fn the_landing_page_leads_to_definition_conformance_processes_and_jobs() {
    let (_home, server) = fresh();
    let (status, page) = server.get("/");
    assert_eq!(status, 200);
    for rel in [
        "service-desc",
        "http://www.opengis.net/def/rel/ogc/1.0/conformance",
        "http://www.opengis.net/def/rel/ogc/1.0/processes",
    ] {
        assert!(rels(&page).contains(&rel), "{rel} in {page}");
    }
}

#[test] // /req/core/api-definition-op, /req/core/api-definition-success, /req/oas30/oas-definition-1
fn the_api_definition_is_openapi_3_0_by_its_media_type_too() {
    let (_home, server) = fresh();
    let (_, page) = server.get("/");
    let link = page["links"].as_array().unwrap().iter().find(|l| l["rel"] == "service-desc").unwrap();
    let path = link["href"].as_str().unwrap().strip_prefix(&server.base).unwrap();
    let (status, headers, text) = server.call("GET", path, &[], "");
    assert_eq!((status, header(&headers, "content-type")), (200, link["type"].as_str().unwrap()));
    assert!(header(&headers, "content-type").starts_with("application/vnd.oai.openapi+json;version=3.0"));
    let document: Value = serde_json::from_str(&text).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.0."));
}

#[test] // /req/core/conformance-op, /req/core/conformance-success
fn conformance_declares_what_is_served() {
    let (_home, server) = fresh();
    let (status, declared) = server.get("/conformance");
    let classes: Vec<&str> =
        declared["conformsTo"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
    assert_eq!(status, 200);
    for class in ["core", "ogc-process-description", "json", "html", "oas30", "job-list", "dismiss"] {
        let uri = format!("http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/{class}");
        assert!(classes.contains(&uri.as_str()), "{uri}");
    }
    assert!(classes.iter().any(|class| class.ends_with("/2.0/conf/kvp-execute")));
}

#[test] // /req/core/http
fn what_no_route_takes_is_refused_by_its_status() {
    let (_home, server) = fresh();
    assert_eq!(server.get("/no/such/thing").0, 404);
    for (method, path) in [("DELETE", "/processes"), ("PUT", "/jobs"), ("POST", "/conformance")] {
        assert_eq!(server.call(method, path, &[], "").0, 405, "{method} {path}");
    }
}

#[test] // /req/core/process-list, /req/core/process-list-success
fn the_process_list_holds_a_summary_of_each_process() {
    let (_home, server) = fresh();
    let (status, list) = server.get("/processes");
    assert_eq!(status, 200);
    let processes = list["processes"].as_array().unwrap();
    for (process, known) in processes.iter().zip(rededge::process::registry()) {
        assert_eq!(process["id"], known.id());
        assert!(process["version"].is_string(), "{process}");
        assert_eq!(process["jobControlOptions"], json!(["sync-execute", "async-execute", "dismiss"]));
        assert_eq!(process["outputTransmission"], json!(["value", "reference"]));
        let own = process["links"].as_array().unwrap().iter().find(|l| l["rel"] == "self").unwrap();
        let path = own["href"].as_str().unwrap().strip_prefix(&server.base).unwrap();
        assert_eq!(server.get(path).1["id"], known.id());
    }
}

#[test] // /req/core/pl-limit-definition, /req/core/pl-limit-response, /req/core/pl-links
fn the_process_list_comes_in_pages_that_are_linked() {
    let (_home, server) = fresh();
    let all = rededge::process::registry();
    let (mut path, mut seen) = ("/processes?limit=3".to_owned(), Vec::new());
    loop {
        let (status, page) = server.get(&path);
        assert_eq!(status, 200);
        let ids = page["processes"].as_array().unwrap();
        assert!((1..=3).contains(&ids.len()));
        seen.extend(ids.iter().map(|p| p["id"].as_str().unwrap().to_owned()));
        let next = page["links"].as_array().unwrap().iter().find(|l| l["rel"] == "next");
        let Some(next) = next else { break };
        path = next["href"].as_str().unwrap().strip_prefix(&server.base).unwrap().to_owned();
    }
    assert!(seen.iter().eq(all.iter().map(|p| p.id())), "{seen:?}");
    assert!(rels(&server.get("/processes?limit=3&offset=3").1).contains(&"prev"));
    assert!(rels(&server.get("/processes").1).contains(&"self"));
    for bad in ["limit=0", "limit=-1", "limit=x", "offset=-1", "limits=3"] {
        let (status, answer) = server.get(&format!("/processes?{bad}"));
        assert_eq!((status, &answer["input"]), (400, &json!(bad.split('=').next().unwrap())), "{answer}");
    }
}

#[test] // /req/core/process, /req/core/process-success
fn a_process_is_described_at_its_own_path() {
    let (_home, server) = fresh();
    let (status, echo) = server.get("/processes/echo");
    assert_eq!((status, &echo["id"]), (200, &json!("echo")));
    let execute = echo["links"]
        .as_array()
        .unwrap()
        .iter()
        .find(|l| l["rel"] == "http://www.opengis.net/def/rel/ogc/1.0/execute")
        .unwrap();
    assert_eq!(execute["href"], format!("{}/processes/echo/execution", server.base));
}

#[test] // /req/core/process-exception-no-such-process
fn a_process_that_is_not_there_is_told_by_the_type_of_the_problem() {
    let (_home, server) = fresh();
    let (status, answer) = server.get("/processes/no-such-process");
    assert_eq!(status, 404);
    is_problem(&answer, 404, NO_SUCH_PROCESS);
    let (status, _, answer) = server.execute("no-such-process", "", &json!({"inputs": {}}));
    assert_eq!(status, 404);
    is_problem(&answer, 404, NO_SUCH_PROCESS);
}

// OGC process description, JSON.

#[test] // /req/ogc-process-description/json-encoding, inputs-def, input-def, input-mixed-type, outputs-def, output-def, output-mixed-type
fn every_description_holds_inputs_and_outputs_with_schemas_of_openapi_3_0() {
    fn look(schema: &Value, place: &str) {
        const FOREIGN: [&str; 8] =
            ["$ref", "$defs", "$schema", "const", "if", "prefixItems", "patternProperties", "anyOf"];
        match schema {
            Value::Object(members) => {
                for (key, value) in members {
                    assert!(!FOREIGN.contains(&key.as_str()), "{place}: {key}");
                    assert!(
                        key != "type" || value.is_string() || !place.ends_with("schema"),
                        "{place}: {value}"
                    );
                    assert!(!key.starts_with("exclusive") || value.is_boolean(), "{place}: {key} {value}");
                    look(value, &format!("{place}/{key}"));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| look(item, place)),
            _ => {}
        }
    }
    let (_home, server) = fresh();
    let mut mixed = 0;
    for known in rededge::process::registry() {
        let (_, process) = server.get(&format!("/processes/{}", known.id()));
        for part in ["inputs", "outputs"] {
            let members = process[part].as_object().unwrap();
            assert!(!members.is_empty(), "{part} of {}", known.id());
            for (name, member) in members {
                let place = format!("{}/{name}", known.id());
                assert!(member["title"].is_string() && member["schema"].is_object(), "{place}");
                look(&member["schema"], &format!("{place}/schema"));
                mixed += usize::from(member["schema"]["oneOf"].is_array());
                if part == "inputs" {
                    assert!(member["minOccurs"].is_u64() && member["maxOccurs"].is_u64(), "{place}");
                }
            }
        }
    }
    assert!(mixed > 10, "inputs of mixed type");
}

#[test] // units: the rule of the metadata's role
fn units_stand_in_the_metadata_of_the_input() {
    let (_home, server) = fresh();
    let (_, zones) = server.get("/processes/stress-zones");
    assert_eq!(zones["inputs"]["radius"]["metadata"], json!([{"role": "uom", "title": "m"}]));
}

#[test] // /req/json/definition, /req/json/content
fn json_is_answered_where_nothing_is_asked_and_where_it_is() {
    let (_home, server) = fresh();
    for path in ["/", "/conformance", "/processes", "/processes/echo", "/jobs", "/processes?f=json"] {
        for accept in [&[][..], &[("Accept", "*/*")], &[("Accept", "application/json")]] {
            let (status, headers, text) = server.call("GET", path, accept, "");
            assert_eq!(status, 200, "{path} {accept:?}");
            assert!(header(&headers, "content-type").starts_with("application/json"), "{path} {accept:?}");
            assert!(serde_json::from_str::<Value>(&text).unwrap().is_object());
        }
    }
}

#[test] // RFC 9457; the suite takes application/json
fn a_problem_has_its_media_type_only_where_it_is_listed() {
    let (_home, server) = fresh();
    let kind = |accept: &[(&str, &str)]| {
        let (_, headers, _) = server.call("GET", "/jobs/none", accept, "");
        header(&headers, "content-type").to_owned()
    };
    assert_eq!(kind(&[]), "application/json");
    assert_eq!(kind(&[("Accept", "application/json")]), "application/json");
    assert_eq!(kind(&[("Accept", "application/json, application/problem+json")]), "application/problem+json");
}

// Core: execution.

#[test] // /req/core/job-creation-op, /req/core/job-creation-request, /req/core/job-creation-default-execution-mode
fn without_a_preference_the_answer_is_the_result() {
    let (_home, server) = fresh();
    let request = json!({"inputs": everything(), "outputs": values(&["text", "object", "bbox", "list"])});
    let (status, headers, _) = server.execute("echo", "", &request);
    assert_eq!(
        (status, header(&headers, "link")),
        (200, ""),
        "no Link header where nothing is to be followed"
    );
}

#[test] // /req/core/job-creation-auto-execution-mode, /req/core/job-creation-success-async
fn an_asynchronous_execution_is_201_with_location_and_status() {
    let (_home, server) = fresh();
    for prefer in ["respond-async", "respond-async ", "handling=lenient, respond-async;foo, wait=x"] {
        let (status, headers, info) = server.execute("echo", prefer, &json!({"inputs": everything()}));
        assert_eq!((status, header(&headers, "preference-applied")), (201, "respond-async"), "{prefer}");
        assert_eq!(header(&headers, "location"), format!("{}{}", server.base, Server::job(&info)));
        assert_eq!((&info["type"], &info["processID"]), (&json!("process"), &json!("echo")));
        server.until(&Server::job(&info), "successful");
    }
}

#[test] // RFC 7240
fn preferences_that_are_not_known_do_no_harm_and_the_first_holds() {
    let (_home, server) = fresh();
    for (prefer, expected) in [
        ("respond-sync", 200),
        ("nonsense=\"respond-async\"", 200),
        ("respond-sync, respond-async", 200),
        ("wait=x", 200),
    ] {
        assert_eq!(server.execute("echo", prefer, &json!({"inputs": {"text": "a"}})).0, expected, "{prefer}");
    }
    let (status, _, info) = server.execute("echo", "wait=0", &json!({"inputs": {"text": "a", "pause": 30}}));
    assert_eq!(status, 201, "{info}");
    server.call("DELETE", &Server::job(&info), &[], "");
}

#[test] // /req/core/job-creation-inputs, /req/core/job-creation-input-inline
fn inputs_stand_in_the_request() {
    let (_home, server) = fresh();
    let request = json!({"inputs": {"text": "a", "number": 2.5, "choice": "two"}, "response": "document"});
    assert_eq!(server.execute("echo", "", &request).2, json!({"text": "a", "number": 2.5, "choice": "two"}));
}

#[test] // /req/core/job-creation-input-inline-object
fn an_object_stands_in_the_request_qualified_or_not() {
    let (_home, server) = fresh();
    for object in [json!({"value": {"a": [1, {"b": null}]}}), json!({"a": [1, {"b": null}]})] {
        let request = json!({"inputs": {"text": "t", "object": object}, "outputs": values(&["object"])});
        assert_eq!(server.execute("echo", "", &request).2, json!({"a": [1, {"b": null}]}));
    }
    let request =
        json!({"inputs": {"text": "t", "object": {"value": "teststring"}}, "outputs": values(&["object"])});
    assert_eq!(server.execute("echo", "", &request).2, "teststring", "as the suite sends it");
}

#[test] // /req/core/job-creation-input-inline-mixed
fn an_input_of_mixed_type_takes_each_of_its_shapes() {
    let (_home, server) = fresh();
    let point = json!({"type": "Point", "coordinates": [113.0, 27.9]});
    let text = point.to_string();
    for mines in [point, json!({"value": text, "mediaType": "application/geo+json"})] {
        let request = json!({"inputs": {"mines": mines}, "outputs": values(&["density"])});
        let (status, headers, _) = server.execute("mine-heatmap", "", &request);
        assert_eq!(status, 200);
        assert!(header(&headers, "content-type").starts_with("image/tiff"));
    }
}

#[test] // /req/core/job-creation-input-inline-binary
fn bytes_stand_in_the_request_as_base64() {
    let (_home, server) = fresh();
    for bytes in [
        json!("SUkqAA=="),
        json!({"value": "SUkqAA==", "format": {"mediaType": "image/tiff; application=geotiff", "encoding": "base64"}}),
        json!({"value": "SUkqAA==", "encoding": "base64"}),
    ] {
        let request = json!({"inputs": {"text": "t", "bytes": bytes}, "outputs": values(&["bytes"])});
        assert_eq!(server.execute("echo", "", &request).2, "SUkqAA==");
    }
    let broken = json!({"inputs": {"text": "t", "bytes": {"value": "%", "encoding": "base64"}}});
    let (status, _, answer) = server.execute("echo", "", &broken);
    assert_eq!((status, &answer["input"]), (400, &json!("bytes")));
}

#[test] // /req/core/job-creation-input-inline-bbox
fn a_bounding_box_comes_back_as_it_went() {
    let (_home, server) = fresh();
    for bbox in [
        everything()["bbox"].clone(),
        json!({"bbox": [51.9, 7.0, 52.0, 7.1], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}),
    ] {
        let request = json!({"inputs": {"text": "t", "bbox": bbox}, "outputs": values(&["bbox"])});
        let (status, _, answer) = server.execute("echo", "", &request);
        assert_eq!((status, &answer["crs"]), (200, &bbox["crs"]));
        let numbers = |value: &Value| {
            value["bbox"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&answer), numbers(&bbox));
    }
}

#[test] // /req/core/job-creation-input-array
fn several_values_are_an_array() {
    let (_home, server) = fresh();
    for list in [json!([]), json!([1.5, 2, -3])] {
        let request = json!({"inputs": {"text": "t", "list": list}, "outputs": values(&["list"])});
        let (status, _, answer) = server.execute("echo", "", &request);
        let numbers =
            |v: &Value| v.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect::<Vec<_>>();
        assert_eq!((status, numbers(&answer)), (200, numbers(&list)));
    }
}

#[test] // /req/core/job-creation-input-validation
fn an_input_that_does_not_fit_is_400_and_named() {
    let (_home, server) = fresh();
    for (inputs, named) in [
        (json!({"text": "t", "bytes": {"type": "wrong/type"}}), "bytes"),
        (json!({"text": 7}), "text"),
        (json!({"text": "t", "list": [1, "two"]}), "list[1]"),
        (json!({"text": "t", "bbox": {"bbox": [1, 2, 3]}}), "bbox.bbox"),
        (json!({"text": "t", "choice": "four"}), "choice"),
        (json!({"text": "t", "pause": -1}), "pause"),
        (json!({"number": 1}), "text"),
        (json!({"text": "t", "txet": "t"}), "txet"),
    ] {
        for prefer in ["", "respond-async"] {
            let (status, headers, answer) = server.execute("echo", prefer, &json!({"inputs": inputs}));
            if status == 201 {
                let job = Server::job(&answer);
                let failed = server.until(&job, "failed");
                assert_eq!(failed["exception"]["input"], named, "{failed}");
                let (status, answer) = server.get(&format!("{job}/results"));
                assert_eq!((status, &answer["input"]), (400, &json!(named)), "{answer}");
            } else {
                assert_eq!((status, &answer["input"]), (400, &json!(named)), "{answer}");
                assert!(header(&headers, "content-type").starts_with("application/json"));
            }
        }
    }
}

#[test] // /req/core/job-creation-default-outputs
fn where_no_outputs_are_named_all_come() {
    let (_home, server) = fresh();
    for outputs in [None, Some(json!({}))] {
        let mut request =
            json!({"inputs": {"text": "a", "number": 1, "choice": "one"}, "response": "document"});
        if let Some(outputs) = outputs {
            request["outputs"] = outputs;
        }
        let (_, _, answer) = server.execute("echo", "", &request);
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["text", "number", "choice"]);
    }
}

#[test] // /req/core/job-creation-sync-raw-value-one, /req/core/job-results-async-raw-value-one
fn one_raw_output_is_answered_as_itself() {
    let (_home, server) = fresh();
    let request = json!({"inputs": everything(), "outputs": values(&["text"]), "response": "raw"});
    let (status, headers, answer) = server.execute("echo", "", &request);
    assert_eq!((status, &answer), (200, &json!("teststring")));
    assert!(header(&headers, "content-type").starts_with("application/json"));
    assert_eq!(server.get(&format!("{}/results", done(&server, &request))), (200, json!("teststring")));
}

#[test] // /req/core/job-creation-sync-raw-value-multi, /req/core/job-results-async-raw-value-multi
fn several_raw_outputs_are_parts_of_one_answer() {
    let (_home, server) = fresh();
    let request = json!({"inputs": everything(), "outputs": values(&["text", "bbox"]), "response": "raw"});
    let job = done(&server, &request);
    let sync = |path: &str| {
        let headers = [("Content-Type", "application/json")];
        server.call("POST", path, &headers, &request.to_string())
    };
    for (status, headers, body) in
        [sync("/processes/echo/execution"), server.call("GET", &format!("{job}/results"), &[], "")]
    {
        assert_eq!(status, 200);
        let parts = parts(header(&headers, "content-type"), &body);
        assert_eq!(parts.len(), 2);
        assert!(
            parts[0].0.contains("Content-ID: <text>")
                && parts[0].0.contains("Content-Type: application/json")
        );
        assert_eq!(parts[0].1, "\"teststring\"");
        assert!(parts[1].0.contains("Content-ID: <bbox>"));
    }
}

#[test] // /req/core/job-creation-sync-raw-ref, /req/core/job-results-async-raw-ref
fn raw_outputs_by_reference_are_204_with_a_link_each() {
    let (_home, server) = fresh();
    let reference = json!({"transmissionMode": "reference"});
    let request =
        json!({"inputs": {"text": "a", "number": 1}, "outputs": {"text": reference, "number": reference}});
    let job = done(&server, &request);
    let (status, headers, _) = server.execute("echo", "", &request);
    let later = server.call("GET", &format!("{job}/results"), &[], "");
    for (status, headers) in [(status, headers), (later.0, later.1)] {
        assert_eq!(status, 204);
        let links: Vec<&str> = headers.iter().filter(|(k, _)| k == "link").map(|(_, v)| v.as_str()).collect();
        assert_eq!(links.len(), 2, "{links:?}");
        let href = links[0].trim_start_matches('<').split('>').next().unwrap();
        assert_eq!(server.get(href.strip_prefix(&server.base).unwrap()), (200, json!("a")));
    }
}

#[test] // /req/core/job-creation-sync-raw-mixed-multi, /req/core/job-results-async-raw-mixed-multi
fn raw_outputs_by_value_and_by_reference_are_parts_and_those_by_reference_empty() {
    let (_home, server) = fresh();
    let outputs = json!({"text": {"transmissionMode": "value"}, "number": {"transmissionMode": "reference"}});
    let request = json!({"inputs": {"text": "a", "number": 7}, "outputs": outputs, "response": "raw"});
    let headers = [("Content-Type", "application/json")];
    let (status, headers, body) =
        server.call("POST", "/processes/echo/execution", &headers, &request.to_string());
    assert_eq!(status, 200);
    let parts = parts(header(&headers, "content-type"), &body);
    assert_eq!(parts[0].1, "\"a\"");
    let place = parts[1].0.lines().find_map(|line| line.strip_prefix("Content-Location: ")).unwrap();
    assert_eq!(parts[1].1, "");
    assert_eq!(server.get(place.trim().strip_prefix(&server.base).unwrap()), (200, json!(7.0)));
}

#[test] // /req/core/job-creation-sync-document, /req/core/job-results-async-document
fn a_document_is_the_bare_map_of_outputs() {
    let (_home, server) = fresh();
    let outputs = json!({"text": {"transmissionMode": "value"}, "number": {"transmissionMode": "reference"}});
    let request = json!({"inputs": {"text": "a", "number": 7}, "outputs": outputs, "response": "document"});
    let job = done(&server, &request);
    for answer in [server.execute("echo", "", &request).2, server.get(&format!("{job}/results")).1] {
        assert_eq!(answer["text"], "a");
        let href = answer["number"]["href"].as_str().unwrap();
        assert_eq!(server.get(href.strip_prefix(&server.base).unwrap()), (200, json!(7.0)));
        assert_eq!(answer.as_object().unwrap().len(), 2);
    }
}

// Core: jobs.

#[test] // /req/core/job, /req/core/job-success, and the members of the 2.0 draft beside them
fn the_status_of_a_job_speaks_both_dialects() {
    let (_home, server) = fresh();
    let job = done(&server, &json!({"inputs": {"text": "a", "number": 3}}));
    let (status, info) = server.get(&job);
    assert_eq!(status, 200);
    assert_eq!(info["jobID"], info["id"]);
    assert_eq!((&info["status"], &info["progress"]), (&json!("successful"), &json!(100)));
    for time in ["created", "started", "finished", "updated"] {
        let text = info[time].as_str().unwrap();
        assert!(text.parse::<jiff::Timestamp>().is_ok(), "{time}: {text}");
    }
    assert!(rels(&info).contains(&"self") && rels(&info).contains(&RESULTS), "{info}");
}

#[test] // /req/core/job-exception-no-such-job, /req/core/job-results-exception-no-such-job
fn a_job_that_is_not_there_is_told_by_the_type_of_the_problem() {
    let (_home, server) = fresh();
    for path in [
        "/jobs/invalid-job",
        "/jobs/invalid-job/results",
        "/jobs/invalid-job/results/text",
        "/jobs/invalid-job/log",
    ] {
        let (status, answer) = server.get(path);
        assert_eq!(status, 404);
        is_problem(&answer, 404, NO_SUCH_JOB);
    }
    let (status, _, text) = server.call("DELETE", "/jobs/invalid-job", &[], "");
    assert_eq!(status, 404);
    is_problem(&serde_json::from_str(&text).unwrap(), 404, NO_SUCH_JOB);
}

#[test] // /req/core/job-results-exception-results-not-ready
fn results_of_a_job_that_runs_are_not_ready() {
    let (_home, server) = fresh();
    let request = json!({"inputs": {"text": "teststring", "pause": 5}, "outputs": values(&["text"]), "response": "raw"});
    let (_, _, info) = server.execute("echo", "respond-async", &request);
    let (status, answer) = server.get(&format!("{}/results", Server::job(&info)));
    assert_eq!(status, 404);
    is_problem(&answer, 404, NOT_READY);
    assert!(!rels(&server.get(&Server::job(&info)).1).contains(&RESULTS));
}

#[test] // /req/core/job-results, /req/core/job-results-sync
fn results_stay_at_their_address() {
    let (_home, server) = fresh();
    let job = done(&server, &json!({"inputs": {"text": "a"}, "response": "document"}));
    for _ in 0..2 {
        assert_eq!(server.get(&format!("{job}/results")), (200, json!({"text": "a"})));
    }
}

#[test] // /req/core/job-results-failed
fn results_of_a_job_that_failed_answer_why() {
    let (_home, server) = fresh();
    let (status, _, answer) = server.execute("echo", "", &json!({"invalid-execute-request": "true)"}));
    assert_eq!(status, 400);
    assert!(answer["type"].as_str().unwrap().ends_with("/invalid-parameter-value"), "{answer}");
    let mines = json!({"inputs": {"mines": {"type": "FeatureCollection", "features": []}}});
    let (_, _, info) = server.execute("mine-heatmap", "respond-async", &mines);
    server.until(&Server::job(&info), "failed");
    let (status, answer) = server.get(&format!("{}/results", Server::job(&info)));
    assert_eq!((status, &answer["input"]), (400, &json!("mines")), "{answer}");
}

#[test] // progress over the whole run, with messages; a log a job
fn progress_rises_over_the_whole_job_and_the_log_tells_its_steps() {
    let (_home, server) = fresh();
    let (_, _, info) =
        server.execute("echo", "respond-async", &json!({"inputs": {"text": "a", "pause": 1.2}}));
    let (job, start, mut seen) = (Server::job(&info), Instant::now(), Vec::new());
    loop {
        let (_, info) = server.get(&job);
        seen.push(info["progress"].as_u64().unwrap());
        if info["status"] == "successful" {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(seen.is_sorted() && seen.last() == Some(&100), "{seen:?}");
    assert!(seen.iter().any(|p| (20..100).contains(p)), "{seen:?}");
    let (_, log) = server.get(&format!("{job}/log"));
    let lines: Vec<&str> =
        log["lines"].as_array().unwrap().iter().map(|l| l["text"].as_str().unwrap()).collect();
    assert_eq!(lines, ["wait", "hand back"]);
    assert_eq!(server.get(&format!("{job}/log?from=1")).1["lines"].as_array().unwrap().len(), 1);
    assert_eq!(server.get(&format!("{job}/log?from=x")).0, 400);
}

// Job list.

#[test] // /req/job-list/job-list-op, job-list-success, limit-definition, limit-response, links
fn the_job_list_comes_in_pages_the_newest_first() {
    let (_home, server) = fresh();
    let jobs: Vec<String> =
        (0..5).map(|n| done(&server, &json!({"inputs": {"text": "a", "number": n}}))).collect();
    let (status, page) = server.get("/jobs?limit=2");
    assert_eq!((status, &page["numberMatched"], &page["numberReturned"]), (200, &json!(5), &json!(2)));
    let ids = |page: &Value| page["jobs"].as_array().unwrap().iter().map(Server::job).collect::<Vec<_>>();
    let mut seen = ids(&page);
    let mut next = page;
    while let Some(link) = next["links"].as_array().unwrap().iter().find(|l| l["rel"] == "next") {
        let path = link["href"].as_str().unwrap().strip_prefix(&server.base).unwrap().to_owned();
        next = server.get(&path).1;
        seen.extend(ids(&next));
    }
    assert!(seen.iter().eq(jobs.iter().rev()), "{seen:?} {jobs:?}");
}

#[test] // /req/job-list/type-response, processid-response, status-response, datetime-response, duration-response
fn the_job_list_is_filtered_by_each_parameter() {
    let (_home, server) = fresh();
    let short = done(&server, &json!({"inputs": {"text": "short"}}));
    let long = done(&server, &json!({"inputs": {"text": "long", "pause": 1.1}}));
    let (_, _, failed) = server.execute(
        "mine-heatmap",
        "respond-async",
        &json!({"inputs": {"mines": {"type": "FeatureCollection", "features": []}}}),
    );
    let failed = Server::job(&failed);
    server.until(&failed, "failed");
    let created = server.get(&long).1["created"].as_str().unwrap().to_owned();
    let found = |query: &str| {
        let (status, page) = server.get(&format!("/jobs?{query}"));
        assert_eq!(status, 200, "{query}: {page}");
        let mut jobs: Vec<String> = page["jobs"].as_array().unwrap().iter().map(Server::job).collect();
        jobs.reverse();
        jobs
    };
    let all = vec![short.clone(), long.clone(), failed.clone()];
    assert_eq!(found("type=process"), all);
    assert_eq!(found("processID=echo"), all[..2]);
    assert_eq!(found("processID=mine-heatmap,echo"), all);
    assert_eq!(found("processID=mine-heatmap&processID=rice-map"), all[2..]);
    assert_eq!(found("status=failed"), all[2..]);
    assert_eq!(found("status=failed,successful"), all);
    assert_eq!(found(&format!("datetime={created}/..")), all[1..]);
    assert_eq!(found(&format!("datetime=../{created}")), all[..2]);
    assert_eq!(found(&format!("datetime={created}")), all[1..2]);
    assert_eq!(found("datetime=2001-01-01T00:00:00Z/2002-01-01T00:00:00Z"), [""; 0]);
    assert_eq!(found("minDuration=1"), all[1..2]);
    assert_eq!(found("maxDuration=1&processID=echo"), all[..1]);
    assert_eq!(found("status=successful&minDuration=1&processID=echo"), all[1..2]);
    for bad in ["type=thing", "status=done", "datetime=2001", "minDuration=long", "maxDuration=-1"] {
        let (status, answer) = server.get(&format!("/jobs?{bad}"));
        assert_eq!((status, &answer["input"]), (400, &json!(bad.split('=').next().unwrap())), "{answer}");
    }
}

// Dismiss.

#[test] // /req/dismiss/job-dismiss-op, /req/dismiss/job-dismiss-success
fn a_dismissed_job_is_told_as_dismissed_and_its_results_are_gone() {
    let (_home, server) = fresh();
    let (_, _, running) =
        server.execute("echo", "respond-async", &json!({"inputs": {"text": "a", "pause": 600}}));
    let over = done(&server, &json!({"inputs": {"text": "b"}}));
    for job in [Server::job(&running), over] {
        let (status, _, text) = server.call("DELETE", &job, &[], "");
        let info: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &info["status"]), (200, &json!("dismissed")));
        assert!(rels(&info).contains(&"up"), "{info}");
        assert_eq!(server.get(&job).1["status"], "dismissed");
        assert_eq!(server.get(&format!("{job}/results")).0, 410);
    }
}

// OpenAPI 3.0.

#[test] // /req/oas30/oas-impl, /req/oas30/completeness, /req/oas30/exceptions-codes
fn the_definition_knows_every_path_and_status_of_the_processes() {
    let (_home, server) = fresh();
    let (_, document) = server.get("/api");
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/",
        "/conformance",
        "/processes",
        "/processes/{processID}",
        "/processes/{processID}/execution",
        "/jobs",
        "/jobs/{jobID}",
        "/jobs/{jobID}/results",
        "/jobs/{jobID}/results/{outputID}",
        "/jobs/{jobID}/log",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    let codes = |path: &str, method: &str| {
        paths[path][method]["responses"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    for code in ["200", "201", "204", "400", "404", "415", "429", "503"] {
        assert!(codes("/processes/echo/execution", "post").contains(&code.to_owned()), "{code}");
    }
    assert!(codes("/jobs/{jobID}", "delete").contains(&"404".to_owned()));
    for process in rededge::process::registry() {
        let item = &paths[&format!("/processes/{}/execution", process.id())];
        assert!(item["get"].is_object() && item["post"].is_object(), "{}", process.id());
    }
}

// KVP execute (2.0 draft).

#[test] // /req/kvp-execute (draft)
fn a_process_is_executed_by_a_query_string() {
    let (_home, server) = fresh();
    let get = |query: &str| server.get(&format!("/processes/echo/execution?{query}"));
    let answer = get("text=a%20b&number=2.5&list=1,2&bbox=1,2,3,4&response=document");
    assert_eq!(answer.0, 200);
    assert_eq!(
        answer.1,
        json!({"text": "a b", "number": 2.5, "list": [1.0, 2.0], "bbox": {"bbox": [1.0, 2.0, 3.0, 4.0]}})
    );
    assert_eq!(get("text=hello&text[include]=true"), (200, json!("hello")));
    assert_eq!(
        get("text=x&number=1&response[f]=application/json"),
        (200, json!({"text": "x", "number": 1.0}))
    );
    let (status, info) = get("text=a&response[prefer]=respond-async");
    assert_eq!(status, 201);
    server.until(&Server::job(&info), "successful");
    for (bad, named) in [
        ("", "text"),
        ("text=a&txet=b", "txet"),
        ("text=a&text=b", "text"),
        ("text=a&list=x", "list[0]"),
        ("text=a&zones[include]=true", "zones[include]"),
    ] {
        let (status, answer) = get(bad);
        assert_eq!((status, &answer["input"]), (400, &json!(named)), "{bad}: {answer}");
    }
    assert_eq!(server.get("/processes/nothing/execution?text=a").0, 404);
}

// Busy, too large, of the wrong type.

#[test] // promise 4 of the design: nothing is cut off without a word
fn a_body_of_another_type_or_too_large_is_told_by_its_status() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[limits]\nbody_megabytes = 1\n");
    let post = |kind: &str, body: &str| {
        let (status, _, text) =
            server.call("POST", "/processes/echo/execution", &[("Content-Type", kind)], body);
        (status, serde_json::from_str::<Value>(&text).unwrap_or_default())
    };
    let (status, answer) = post("application/xml", "<a/>");
    assert_eq!(status, 415);
    assert!(answer["detail"].as_str().unwrap().contains("application/json"), "{answer}");
    let large = json!({"inputs": {"text": "x".repeat(2 << 20)}}).to_string();
    assert_eq!(post("application/json", &large).0, 413);
    assert_eq!(server.get("/").1["limits"], json!({"bodyMegabytes": 1}), "it is told beforehand");
    for broken in ["", "{", "[]", "null", "7", "{\"inputs\": 3}"] {
        assert_eq!(post("application/json", broken).0, 400, "{broken}");
    }
}
