//! The `Prefer` header.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rededge::ogc::Prefer;

fuzz_target!(|headers: Vec<&str>| {
    let once = Prefer::parse(headers);
    let again = once.applied().map_or(Prefer::default(), |applied| Prefer::parse([applied.as_str()]));
    assert_eq!(once, again);
});
