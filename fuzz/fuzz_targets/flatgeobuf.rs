//! Features of FlatGeobuf.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rededge_fuzz::run("flatgeobuf", data));
