//! The execute request of OGC API - Processes, for every process.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rededge::ogc::{Execute, ProcessDescription};
use rededge::process::registry;

static PROCESSES: LazyLock<Vec<ProcessDescription>> =
    LazyLock::new(|| registry().iter().map(|p| p.describe()).collect());

fuzz_target!(|data: (u8, &[u8])| {
    let process = &PROCESSES[usize::from(data.0) % PROCESSES.len()];
    let Ok(document) = serde_json::from_slice(data.1) else { return };
    let Ok(mut asked) = Execute::parse(document) else { return };
    if asked.check(process).is_err() || asked.fit(&process.inputs).is_err() {
        return;
    }
    for link in asked.references(&process.inputs) {
        let _ = asked.put(&link, data.1, &process.inputs);
    }
    for output in process.outputs.keys() {
        let _ = (asked.wants(output), asked.transmission(output));
    }
    let again = serde_json::json!({"inputs": asked.inputs, "outputs": asked.outputs});
    let again = Execute::parse(again).expect("what was read is read again");
    assert!(again.media_types(&process.outputs).is_ok());
});
