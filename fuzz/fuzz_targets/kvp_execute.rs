//! Execution by a query string, for every process.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rededge::ogc::{KvpExecute, ProcessDescription};
use rededge::process::registry;

static PROCESSES: LazyLock<Vec<ProcessDescription>> =
    LazyLock::new(|| registry().iter().map(|p| p.describe()).collect());

fuzz_target!(|data: (u8, &str)| {
    let process = &PROCESSES[usize::from(data.0) % PROCESSES.len()];
    if let Ok(mut asked) = KvpExecute::parse(data.1, process) {
        let _ = asked.execute.check(process);
        let _ = asked.execute.fit(&process.inputs);
    }
});
