//! Inputs from files beside the request, and from links.

use std::path::{Path, PathBuf};

use super::cubes::scene_sources;
use crate::cube::{CubeRequest, DataCube};
use crate::io::scenes::open_cube;
use crate::ogc::{CubeInput, FileInput};
use crate::process::{DataSource, ProcessError, RasterReader};
use crate::vector::FeatureTable;

/// Opens what inputs name: local paths relative to a folder (that of the inputs file), and
/// http(s) links.
#[derive(Clone, Debug)]
pub struct LocalSource {
    base: PathBuf,
}

impl LocalSource {
    /// A source whose relative paths start at `base`.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into() }
    }

    fn path(&self, href: &str) -> PathBuf {
        self.base.join(href.strip_prefix("file://").unwrap_or(href))
    }
}

/// The path or link of an input, and the input's path in the request.
fn href<'a>(input: &str, file: &'a FileInput) -> Option<(String, &'a str)> {
    match file {
        FileInput::Link { href, .. } => Some((format!("{input}.href"), href)),
        FileInput::Path(path) => Some((input.to_owned(), path)),
        FileInput::Value(_) => None,
    }
}

fn is_remote(href: &str) -> bool {
    href.starts_with("http://") || href.starts_with("https://")
}

/// Why a path cannot be read, with the way out.
fn unreadable(input: &str, path: &Path, error: &std::io::Error) -> ProcessError {
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => "does not exist (paths are relative to the inputs file)".to_owned(),
        std::io::ErrorKind::IsADirectory => "is a folder, expected a file".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    ProcessError::input(input, format_args!("{} {reason}", path.display()))
}

impl DataSource for LocalSource {
    fn cube(&self, cube: &CubeInput, request: &CubeRequest) -> Result<DataCube, ProcessError> {
        open_cube(&scene_sources("cube", cube), &self.base, request)
            .map_err(|e| ProcessError::input(e.path, e.message))
    }

    fn features(&self, _input: &str, _file: &FileInput) -> Result<FeatureTable, ProcessError> {
        Err(ProcessError::failed("features cannot be read yet"))
    }

    fn raster(&self, _input: &str, _file: &FileInput) -> Result<Box<dyn RasterReader>, ProcessError> {
        Err(ProcessError::failed("rasters cannot be read yet"))
    }

    fn bytes(&self, input: &str, file: &FileInput) -> Result<Vec<u8>, ProcessError> {
        let (input, href) = match (href(input, file), file) {
            (Some(found), _) => found,
            (None, FileInput::Value(value)) => {
                return serde_json::to_vec(value).map_err(|e| ProcessError::input(input, e));
            }
            (None, _) => return Err(ProcessError::input(input, "neither a path nor a value")),
        };
        if is_remote(href) {
            let fetch = || -> Result<Vec<u8>, ureq::Error> {
                ureq::get(href).call()?.body_mut().with_config().limit(MAX_FETCH).read_to_vec()
            };
            return fetch().map_err(|e| ProcessError::input(input, format_args!("{href}: {e}")));
        }
        let path = self.path(href);
        std::fs::read(&path).map_err(|e| unreadable(&input, &path, &e))
    }
}

/// Most bytes that are fetched from a link: models and tables are smaller.
const MAX_FETCH: u64 = 1 << 30;
