//! The execute request of OGC API - Processes, for every process.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rededge_fuzz::run("execute_json", data));
