//! Inputs of requests from elsewhere: data that the operator offers by name, results of earlier
//! jobs, and values. Paths and links of a request are never followed.

use std::path::{Path, PathBuf};

use super::LocalSource;
use super::offered::{Kind, Offered};
use crate::cube::{CubeRequest, DataCube, SeriesTable};
use crate::ogc::{CubeInput, CubeSource, FileInput};
use crate::process::{DataSource, ProcessError, Progress, RasterReader};
use crate::vector::{FeatureTable, MineRows};

/// Most names of a message.
const NAMED: usize = 20;

/// Opens what a request names.
pub struct ServedSource<'a> {
    offered: &'a Offered,
    local: LocalSource<'a>,
    /// The folder of a job's results, where they are the caller's to read.
    folder_of: &'a (dyn Fn(&str) -> Option<String> + Send + Sync),
}

impl<'a> ServedSource<'a> {
    /// A source over what is offered; `folder_of` names the folder of a job's results, where they
    /// are the caller's to read.
    pub fn new(
        offered: &'a Offered,
        progress: &'a dyn Progress,
        folder_of: &'a (dyn Fn(&str) -> Option<String> + Send + Sync),
    ) -> Self {
        Self { offered, local: LocalSource::new("/", progress), folder_of }
    }

    fn file(&self, input: &str, file: &FileInput) -> Result<FileInput, ProcessError> {
        let href = match file {
            FileInput::Value(_) => return Ok(file.clone()),
            FileInput::Link { href, .. } | FileInput::Path(href) => href,
        };
        let path = self.offered.file(href).or_else(|| self.result(href)).ok_or_else(|| {
            let known = self.known(Kind::of_input(input));
            ProcessError::input(
                input,
                format!(
                    "is neither a name that this server offers ({known}), nor a result of one of your jobs \
                     (`/jobs/ID/results/OUTPUT`), nor a value; paths and links are not followed"
                ),
            )
        })?;
        Ok(FileInput::Path(path.to_string_lossy().into_owned()))
    }

    /// Names to choose from, in words.
    fn known(&self, kind: Kind) -> String {
        let mut names = self.offered.names(kind);
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        match (names.is_empty(), more) {
            (true, _) => "none".to_owned(),
            (false, 0) => names.join(", "),
            (false, more) => format!("{}, and {more} more", names.join(", ")),
        }
    }

    /// The file of a link that ends with `/jobs/ID/results/OUTPUT`.
    fn result(&self, href: &str) -> Option<PathBuf> {
        let mut parts = href.split(['?', '#']).next()?.rsplit('/');
        let (output, results, job, jobs) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if results != "results" || jobs != "jobs" || !plain(job) || !plain(output) {
            return None;
        }
        let folder = (self.folder_of)(job)?;
        result_file(&self.offered.results.join(folder), output)
    }

    fn cube_source(&self, source: &CubeSource) -> Result<CubeSource, ProcessError> {
        let href = match source {
            CubeSource::Path(href) | CubeSource::Link { href, .. } => href,
            CubeSource::ItemCollection(_) => {
                let why = "scenes by value lead to links, which are not followed; name a cube of this server";
                return Err(ProcessError::input("cube", why));
            }
        };
        let Some(path) = self.offered.cube(href) else {
            let known = self.known(Kind::Cube);
            let why =
                format!("is not a cube that this server offers ({known}); paths and links are not followed");
            return Err(ProcessError::input("cube", why));
        };
        let path = path.to_string_lossy().into_owned();
        Ok(match source {
            CubeSource::Link { pattern, bands, scale, offset, .. } => CubeSource::Link {
                href: path,
                pattern: pattern.clone(),
                bands: bands.clone(),
                scale: *scale,
                offset: *offset,
            },
            _ => CubeSource::Path(path),
        })
    }
}

/// Whether a text names a file and leads nowhere else.
pub fn plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The file of an output, as the `results.json` of its folder tells.
pub fn result_file(folder: &Path, output: &str) -> Option<PathBuf> {
    let listed: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("results.json")).ok()?).ok()?;
    let href = listed.get(output)?.get("href")?.as_str()?;
    (!href.contains(['/', '\\'])).then(|| folder.join(href))
}

impl DataSource for ServedSource<'_> {
    fn cube(&self, cube: &CubeInput, request: &CubeRequest) -> Result<DataCube, ProcessError> {
        let cube = match cube {
            CubeInput::One(source) => CubeInput::One(self.cube_source(source)?),
            CubeInput::Many(sources) => {
                CubeInput::Many(sources.iter().map(|s| self.cube_source(s)).collect::<Result<_, _>>()?)
            }
        };
        self.local.cube(&cube, request)
    }
    fn features(&self, input: &str, file: &FileInput) -> Result<FeatureTable, ProcessError> {
        self.local.features(input, &self.file(input, file)?)
    }
    fn mines(&self, input: &str, file: &FileInput, crs: Option<&str>) -> Result<MineRows, ProcessError> {
        self.local.mines(input, &self.file(input, file)?, crs)
    }
    fn series(&self, input: &str, file: &FileInput) -> Result<Option<SeriesTable>, ProcessError> {
        self.local.series(input, &self.file(input, file)?)
    }
    fn raster(&self, input: &str, file: &FileInput) -> Result<Box<dyn RasterReader>, ProcessError> {
        self.local.raster(input, &self.file(input, file)?)
    }
    fn bytes(&self, input: &str, file: &FileInput) -> Result<Vec<u8>, ProcessError> {
        self.local.bytes(input, &self.file(input, file)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::process::Silent;

    #[test]
    fn names_values_and_own_results_are_read_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let job = folder.path().join("a-1");
        std::fs::create_dir(&job).unwrap();
        std::fs::write(job.join("table.csv"), "lon,lat\n1,2\n").unwrap();
        std::fs::write(
            job.join("results.json"),
            r#"{"table": {"href": "table.csv"}, "out": {"href": "../x"}}"#,
        )
        .unwrap();
        std::fs::write(folder.path().join("secret.csv"), "lon,lat\n1,2\n").unwrap();
        let offered = Offered {
            files: [("mines".to_owned(), job.join("table.csv"))].into(),
            results: folder.path().to_owned(),
            ..Offered::default()
        };
        let mine = |job: &str| (job == "a-1").then(|| job.to_owned());
        let source = ServedSource::new(&offered, &Silent, &mine);
        let read = |href: &str| source.features("mines", &FileInput::Path(href.to_owned()));
        for href in ["mines", "/jobs/a-1/results/table", "http://here/rededge/jobs/a-1/results/table?f=csv"] {
            assert_eq!(read(href).unwrap().features.len(), 1, "{href}");
        }
        let secret = folder.path().join("secret.csv").display().to_string();
        for href in [
            secret.as_str(),
            &format!("file://{secret}"),
            "http://127.0.0.1/x.csv",
            "/jobs/b-2/results/table",
            "/jobs/a-1/results/out",
            "/jobs/../results/table",
            "/jobs/a-1/results/../table",
            "",
        ] {
            let error = read(href).unwrap_err().to_string();
            assert!(error.contains("input `mines`") && !error.contains("secret"), "{error}");
        }
        let value = json!({"type": "Point", "coordinates": [1, 2]});
        let value = FileInput::Value(value.as_object().unwrap().clone());
        assert_eq!(source.features("mines", &value).unwrap().features.len(), 1);
        let cube = CubeInput::One(CubeSource::Path("/etc".to_owned()));
        assert!(source.cube(&cube, &CubeRequest::default()).unwrap_err().to_string().contains("not a cube"));
    }
}
