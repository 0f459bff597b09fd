//! Mines as GML, row by row, and the same as a table of features.
#![no_main]

use std::sync::Once;

use libfuzzer_sys::fuzz_target;
use rededge::io::vectors::{self, VectorFormat};
use rededge::io::vector_rows;

static QUIET: Once = Once::new();

fuzz_target!(|data: &[u8]| {
    // Panics of the geometry library are caught and told as the row's problem; the hook of the fuzzer would
    // end the run. One that is not caught still does.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    if let Ok(found) = vector_rows::parse("mines.gml", VectorFormat::Gml, data, None) {
        assert_eq!(found.rows.len(), found.table.features.len());
    }
    let _ = vectors::parse("mines.gml", VectorFormat::Gml, data);
});
