//! WPS as XML. What a request leads to in an answer is well-formed again.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rededge_fuzz::run("wps_xml", data));
