//! The configuration of the server.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rededge_fuzz::run("config", data));
