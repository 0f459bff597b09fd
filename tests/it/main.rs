//! The integration tests, one binary. Tests that read the project's data find it by
//! `shared_data` and say so where it is absent.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail by panic and say why it skips")]

mod cli;
mod county;
mod deliveries;
mod methods;
mod mines;
mod monitor;
mod parsers;
mod products;
mod rice;
mod scenes;
mod server;
mod server_access;
mod server_budgets;
mod server_clients;
mod server_collections;
mod server_config;
mod server_conformance;
mod server_desktop;
mod server_features;
mod server_foreign;
mod server_gml;
mod server_growing;
mod server_html;
mod server_inputs;
mod server_links;
mod server_live;
mod server_manners;
mod server_ogcapi_processes;
mod server_ops;
mod server_own_process;
mod server_resources;
mod server_sources;
mod server_styles;
mod server_tiles;
mod server_tokens;
mod server_vector_tiles;
mod server_wire;
mod server_wps;
mod spectral;
mod stress;
mod styles;
mod tidy;
mod tiles;
mod training;
mod zones;

use std::path::PathBuf;

/// The folder of test data: `REDEDGE_DATA`, or `../shared/data` beside the checkout.
#[allow(dead_code, reason = "which tests need data changes")]
pub fn shared_data() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("REDEDGE_DATA").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is absent (set REDEDGE_DATA)", folder.display());
    None
}
