//! Coordinate systems, as requests and files name them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rededge_fuzz::run("crs", data));
