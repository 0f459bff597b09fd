//! Models that LightGBM wrote.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rededge_fuzz::run("lightgbm", data));
