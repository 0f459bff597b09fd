//! WPS as XML. What a request leads to in an answer is well-formed again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rededge::ogc::JobStatus;
use rededge::ogc::wps::{JobAnswer, Operation, execute_response, parse_xml, version_of_body};
use rededge::process::find;

fuzz_target!(|text: &str| {
    let request = match parse_xml(text) {
        Ok(request) => request,
        Err(exception) => {
            let report = exception.report(version_of_body(text));
            return assert!(parse_xml(&report).is_err(), "a report is no request");
        }
    };
    let Operation::Execute(execute) = request.operation else { return };
    let Some(process) = find(&execute.identifier).or_else(|| find("echo")) else { return };
    let process = process.describe();
    if execute.to_execute(&process).is_err() {
        return;
    }
    let job = JobAnswer {
        id: "1",
        status: JobStatus::Successful,
        message: "",
        progress: None,
        created: None,
        expires: None,
        exception: None,
        service: "http://localhost/wps",
        status_location: None,
        outputs: &[],
    };
    let answer = execute_response(&job, &process, Some(&execute));
    let refused = parse_xml(&answer).expect_err("an answer is no request");
    assert!(!refused.text.contains("well-formed"), "{}", refused.text);
});
