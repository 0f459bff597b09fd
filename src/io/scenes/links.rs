//! How links in scenes are followed.

use serde_json::Value;

use crate::io::fetch::Fetcher;
use crate::io::raster_file::Place;

/// Follows links that name scenes and stand in them.
pub trait Links: Sync {
    /// Whether a collection by value may name files: only where it is whoever runs the machine that
    /// gives it.
    fn values_name_files(&self) -> bool;
    /// A JSON document.
    ///
    /// # Errors
    /// Why it cannot be had, without a word of it.
    fn json(&self, link: &str) -> Result<Value, String>;
    /// Where a raster is read from.
    ///
    /// # Errors
    /// As [`Links::json`].
    fn raster(&self, link: &str) -> Result<Place, String>;
}

/// On the command line any link is followed, and rasters are read where they are, window by window.
pub struct AnyLinks(Fetcher);

impl Default for AnyLinks {
    fn default() -> Self {
        Self(Fetcher::open())
    }
}

impl Links for AnyLinks {
    fn values_name_files(&self) -> bool {
        true
    }

    fn json(&self, link: &str) -> Result<Value, String> {
        self.0.json(link)
    }

    fn raster(&self, link: &str) -> Result<Place, String> {
        Ok(Place::Link(link.to_owned()))
    }
}
