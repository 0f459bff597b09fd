//! The metadata of GF-6 scenes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rededge_fuzz::run("gf6", data));
