//! Execution by a query string, for every process.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rededge_fuzz::run("kvp_execute", data));
