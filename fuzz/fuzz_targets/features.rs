//! Features of GeoJSON, as collections read them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rededge_fuzz::run("features", data));
