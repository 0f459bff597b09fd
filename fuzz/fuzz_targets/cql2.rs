//! Conditions of CQL2, asked of a few features.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rededge_fuzz::run("cql2", data));
