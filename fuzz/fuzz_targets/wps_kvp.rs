//! WPS by key and value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rededge::ogc::wps::{Operation, parse_kvp, version_of_query};
use rededge::process::find;

fuzz_target!(|query: &str| {
    match parse_kvp(query) {
        Ok(request) => {
            if let Operation::Execute(execute) = request.operation
                && let Some(process) = find(&execute.identifier).or_else(|| find("echo"))
            {
                let _ = execute.to_execute(&process.describe());
            }
        }
        Err(exception) => _ = exception.report(version_of_query(query)),
    }
});
