//! Tells the crate whether `make viewer` brought the map library, so that it is built in. A build
//! without it works: the page of the map then says how to get it.

use std::path::Path;

/// The files of the library that the binary serves.
const FILES: [&str; 3] = ["maplibre-gl.css", "maplibre-gl.mjs", "maplibre-gl-worker.mjs"];

fn main() {
    let folder = Path::new("styles/viewer/dist");
    println!("cargo::rustc-check-cfg=cfg(map_library)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", folder.display());
    if FILES.iter().all(|file| folder.join(file).is_file()) {
        println!("cargo::rustc-cfg=map_library");
    }
}
