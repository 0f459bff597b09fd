//! Mines as GML, row by row, and the same as a table of features.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rededge_fuzz::run("mines_gml", data));
