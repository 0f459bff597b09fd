//! Times and intervals of requests.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rededge_fuzz::run("datetime", data));
