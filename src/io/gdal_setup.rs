//! How this crate uses GDAL: a small block cache, retries, no messages on the terminal.

use std::path::Path;
use std::sync::Once;

use gdal::errors::GdalError;
use gdal::{Dataset, DatasetOptions, GdalOpenFlags, config};

use crate::named::whole_paths;

/// The drivers that rasters from outside are opened with; never VRT or other drivers that follow
/// links to further files.
const DRIVERS: [&str; 6] = ["GTiff", "JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID", "JP2Lura"];

static SETUP: Once = Once::new();

/// Sets GDAL up once for the process. Options that the environment already sets are kept.
pub fn setup() {
    SETUP.call_once(|| {
        for (key, value) in [
            // The crate keeps its own decoded chunks; GDAL's cache only bridges neighbouring reads.
            ("GDAL_CACHEMAX", "64"),
            ("GDAL_HTTP_MAX_RETRY", "3"),
            ("GDAL_HTTP_RETRY_DELAY", "1"),
            ("GDAL_HTTP_CONNECTTIMEOUT", "10"),
            ("GDAL_HTTP_TIMEOUT", "60"),
            ("GDAL_HTTP_MULTIRANGE", "YES"),
            ("GDAL_HTTP_MERGE_CONSECUTIVE_RANGES", "YES"),
            ("CPL_VSIL_CURL_CACHE_SIZE", "33554432"),
        ] {
            if std::env::var_os(key).is_none() {
                let _ = config::set_config_option(key, value);
            }
        }
        config::set_error_handler(|kind, code, message| {
            tracing::debug!(?kind, code, message, "gdal");
        });
    });
}

/// Why GDAL did not do something. Its own words have paths in them: callers of a server are told what kind of
/// fault it is, and the log has the words.
pub fn reason(error: &GdalError) -> String {
    tracing::info!(%error, "gdal");
    if whole_paths() {
        return error.to_string();
    }
    match error {
        GdalError::CplError { number: 4, .. } => {
            "it is damaged, not there, or of no format that is read here"
        }
        GdalError::CplError { number: 2, .. } => "there is not enough memory for it",
        GdalError::CplError { number: 3, .. } => "it cannot be read to its end",
        _ => "it is damaged, or not as its format says",
    }
    .to_owned()
}

/// Opens a raster for reading with the named drivers only.
///
/// # Errors
/// GDAL's, where it is none of those or damaged.
pub fn open_raster(path: &Path) -> Result<Dataset, GdalError> {
    open_level(path, None)
}

/// The same as if an overview, counted from 0, were all there is.
///
/// # Errors
/// As [`open_raster`].
pub fn open_level(path: &Path, overview: Option<usize>) -> Result<Dataset, GdalError> {
    setup();
    let level = overview.map(|k| format!("OVERVIEW_LEVEL={k}"));
    let options: Vec<&str> = level.iter().map(String::as_str).collect();
    let remote = path.starts_with("/vsicurl") || path.starts_with("/vsizip");
    if remote {
        // No directory listings over the network, and none of a whole archive.
        let _ = config::set_thread_local_config_option("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR");
    }
    let opened = Dataset::open_ex(
        path,
        DatasetOptions {
            open_flags: GdalOpenFlags::GDAL_OF_RASTER | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR,
            allowed_drivers: Some(&DRIVERS),
            open_options: (!options.is_empty()).then_some(&options),
            ..DatasetOptions::default()
        },
    );
    if remote {
        let _ = config::clear_thread_local_config_option("GDAL_DISABLE_READDIR_ON_OPEN");
    }
    opened
}
