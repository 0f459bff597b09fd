//! Paddy rice, heavy-metal stress in rice and the mines behind it, from
//! Sentinel-2 and GF-6 time series.
//!
//! The rooms of the crate and their direction are described in
//! `docs/architecture.md` and held by the `tidy` test: a room on the left may
//! use a room on the right, never back.
//!
//! ```text
//! main ─ server ┬ jobs ── process
//!      │        └ tiles ── io
//!      └ store ┬ process ┬ classify ─ predictors ─ spectral ─ cube ─ raster ─ crs ─ budget
//!              │         ├ zones ─ classmap ─ raster, vector
//!              │         └ ogc (no arrows out)
//!              └ io ─ simulate, cube, style, classmap, vector, raster
//! ```

pub mod budget;
pub mod classify;
pub mod classmap;
pub mod crs;
pub mod cube;
pub mod io;
pub mod jobs;
pub mod named;
pub mod ogc;
pub mod predictors;
pub mod process;
pub mod raster;
pub mod server;
pub mod simulate;
pub mod spectral;
pub mod store;
pub mod style;
pub mod text;
pub mod tiles;
pub mod vector;
pub mod zones;
