//! Inputs of requests from elsewhere: data that the operator offers by name, results of earlier
//! jobs, values, and links to hosts that the operator allows. Paths of a request are never followed.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::LocalSource;
use super::cubes::scene_sources;
use super::inbox::Inbox;
use super::offered::{Kind, Offered};
use crate::budget::Budget;
use crate::cube::{CubeRequest, DataCube, SeriesTable};
use crate::io::fetch::Fetcher;
use crate::io::isolate::Reader;
use crate::io::raster_file::Place;
use crate::io::scenes::{Links, open_cube_by};
use crate::ogc::{CubeInput, CubeSource, FileInput};
use crate::process::{DataSource, ProcessError, Progress, RasterReader};
use crate::vector::{FeatureTable, MineRows};

/// Most names of a message.
const NAMED: usize = 20;
/// Most bytes of an input that is read as a whole.
const MAX_BYTES: u64 = 1 << 30;
/// What is told of a link's content that could not be used.
const UNTOLD: &str = "cannot be used as it is; why is not told, as the request reads links and what they lead to is \
                      never repeated: give the data by value to see more, or ask the server's operator for its log";

/// Opens what a request names.
pub struct ServedSource<'a> {
    offered: &'a Offered,
    local: LocalSource<'a>,
    /// The folder of a job's results, where they are the caller's to read.
    folder_of: &'a (dyn Fn(&str) -> Option<String> + Send + Sync),
    links: Option<Fetcher>,
    /// Most pixels times dates of a cube that is mapped.
    pixels: Option<u64>,
    /// What this source said itself of links, which may be told.
    said: Mutex<Vec<String>>,
    fetched: AtomicBool,
}

/// Whether a text is an http(s) link.
pub fn is_link(href: &str) -> bool {
    let scheme = href.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

impl<'a> ServedSource<'a> {
    /// A source over what is offered; `folder_of` names the folder of a job's results, where they
    /// are the caller's to read.
    pub fn new(
        offered: &'a Offered,
        progress: &'a dyn Progress,
        folder_of: &'a (dyn Fn(&str) -> Option<String> + Send + Sync),
    ) -> Self {
        let local = LocalSource::new("/", progress).of_others(None);
        let (links, pixels, said, fetched) = (None, None, Mutex::default(), AtomicBool::new(false));
        Self { offered, local, folder_of, links, pixels, said, fetched }
    }

    /// The same, following links by this fetcher, where there is one; what comes is kept below
    /// `folder` as long as the source is there.
    #[must_use]
    pub fn following(mut self, links: Option<Fetcher>, folder: &Path) -> Self {
        self.links = links;
        self.local = self.local.keeping_in(Inbox::below(folder));
        self
    }

    /// The same, having what comes by value or by link read by this reader; without one it is refused.
    #[must_use]
    pub fn reading_by(mut self, reader: Reader) -> Self {
        self.local = self.local.of_others(Some(reader));
        self
    }

    /// The same, refusing rasters and features beyond a budget, and cubes of more pixels times dates where
    /// they are mapped.
    #[must_use]
    pub fn within(mut self, budget: Budget, mapped: bool) -> Self {
        self.pixels = mapped.then(|| budget.limits().pixels);
        self.local = self.local.within(budget);
        self
    }

    /// An error as its caller may see it: once a link was followed, without anything of what it led to.
    pub fn told(&self, error: ProcessError) -> ProcessError {
        let ProcessError::Input { input, message } = error else { return error };
        if self.fetched.load(Ordering::Relaxed) && !self.was_said(&message) {
            tracing::warn!(input, message, "an input that was read from a link cannot be used");
            return ProcessError::input(input, UNTOLD);
        }
        tracing::info!(input, message, "an input cannot be used");
        ProcessError::input(input, message)
    }

    fn was_said(&self, message: &str) -> bool {
        if self.local.is_limit(message) {
            return true;
        }
        let said = self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        said.iter().any(|own| own == message)
    }

    /// Notes that this may be told, and hands it on.
    fn say(&self, message: String) -> String {
        self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(message.clone());
        message
    }

    fn fetcher(&self) -> Result<&Fetcher, String> {
        let off = "links are not followed by this server; give the value itself, or a name that it offers";
        self.links.as_ref().ok_or_else(|| self.say(off.to_owned()))
    }

    /// The file that a link leads to.
    fn fetch(&self, link: &str, media_type: Option<&str>) -> Result<PathBuf, String> {
        let found = self.local.inbox.fetched(self.fetcher()?, link, media_type).map_err(|e| self.say(e))?;
        self.fetched.store(true, Ordering::Relaxed);
        Ok(found)
    }

    /// The bytes that a link leads to, for an input that takes none.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming `input`.
    pub fn content(
        &self,
        input: &str,
        href: &str,
        media_type: Option<&str>,
    ) -> Result<Vec<u8>, ProcessError> {
        let file = FileInput::Link { href: href.to_owned(), media_type: media_type.map(str::to_owned) };
        self.bytes(input, &file)
    }

    fn file(&self, input: &str, file: &FileInput) -> Result<FileInput, ProcessError> {
        let (href, media_type) = match file {
            FileInput::Value(_) => return Ok(file.clone()),
            FileInput::Link { href, media_type } => (href, media_type.as_deref()),
            FileInput::Path(href) => (href, None),
        };
        if href.starts_with("data:") {
            return Ok(file.clone());
        }
        let path = match self.offered.file(href).or_else(|| self.result(href)) {
            Some(path) => path,
            None if is_link(href) => {
                self.fetch(href, media_type).map_err(|e| ProcessError::input(format!("{input}.href"), e))?
            }
            None => return Err(self.unknown(input)),
        };
        // Messages have its name alone.
        tracing::debug!(input, href, path = %path.display(), "a file is read");
        Ok(FileInput::Path(path.to_string_lossy().into_owned()))
    }

    /// The same for what is read as a whole, which may not be of any size.
    fn whole(&self, input: &str, file: &FileInput) -> Result<FileInput, ProcessError> {
        let file = self.file(input, file)?;
        if let FileInput::Path(path) = &file
            && !by_parts(path)
            && std::fs::metadata(path).is_ok_and(|m| m.len() > MAX_BYTES)
        {
            let why = format!("is larger than the {} MB that are read at once", MAX_BYTES >> 20);
            return Err(ProcessError::input(input, self.say(why)));
        }
        Ok(file)
    }

    fn unknown(&self, input: &str) -> ProcessError {
        let known = self.known(Kind::of_input(input));
        let why = format!(
            "is neither a name that this server offers ({known}), nor a result of one of your jobs \
             (`/jobs/ID/results/OUTPUT`), nor a link, nor a value; paths are not followed"
        );
        ProcessError::input(input, self.say(why))
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

    /// The file of a link to a result.
    fn result(&self, href: &str) -> Option<PathBuf> {
        let (job, output) = result_of(href)?;
        let folder = (self.folder_of)(job)?;
        result_file(&self.offered.results.join(folder), output)
    }

    /// The source as it is opened: a cube of this server by its path, links and values as they are
    /// where links are followed. Tells whether it is of this server.
    fn cube_source(&self, source: &CubeSource) -> Result<(CubeSource, bool), ProcessError> {
        let refuse = |why: String| ProcessError::input("cube", self.say(why));
        let href = match source {
            CubeSource::Path(href) | CubeSource::Link { href, .. } => href,
            CubeSource::ItemCollection(_) => {
                self.fetcher().map_err(|e| refuse(format!("scenes by value lead to links: {e}")))?;
                return Ok((source.clone(), false));
            }
        };
        let Some(path) = self.offered.cube(href) else {
            if is_link(href) {
                self.fetcher().map_err(refuse)?;
                return Ok((source.clone(), false));
            }
            let known = self.known(Kind::Cube);
            let why =
                format!("is no cube that this server offers ({known}) and no link; paths are not followed");
            return Err(refuse(why));
        };
        tracing::debug!(href, path = %path.display(), "scenes are read");
        let path = path.to_string_lossy().into_owned();
        let source = match source {
            CubeSource::Link { pattern, bands, scale, offset, .. } => CubeSource::Link {
                href: path,
                pattern: pattern.clone(),
                bands: bands.clone(),
                scale: *scale,
                offset: *offset,
            },
            _ => CubeSource::Path(path),
        };
        Ok((source, true))
    }

    /// Refuses a cube that is too much for one request.
    fn within_budget(&self, cube: DataCube) -> Result<DataCube, ProcessError> {
        let (rows, cols, dates) = (cube.grid.rows, cube.grid.cols, cube.acquisitions.len());
        let asked = (rows as u64).saturating_mul(cols as u64).saturating_mul(dates as u64);
        match self.pixels {
            Some(most) if asked > most => {
                let why = format!(
                    "asks for {asked} pixels x dates ({cols} x {rows} pixels on {dates} dates), more than the \
                     {most} that this server takes (`limits.pixels`); choose a smaller area, fewer dates or a \
                     coarser resolution"
                );
                Err(ProcessError::input("area", self.say(why)))
            }
            _ => Ok(cube),
        }
    }
}

/// Rasters are fetched whole, and only as GeoTIFF.
impl Links for ServedSource<'_> {
    fn values_name_files(&self) -> bool {
        false
    }

    fn json(&self, link: &str) -> Result<serde_json::Value, String> {
        let document = self.fetcher()?.json(link).map_err(|e| self.say(e))?;
        self.fetched.store(true, Ordering::Relaxed);
        Ok(document)
    }

    fn raster(&self, link: &str) -> Result<Place, String> {
        let path = self.fetch(link, None)?;
        if path.extension().is_none_or(|e| e != "tif") {
            let what = crate::io::fetch::shown(link);
            return Err(self.say(format!("{what}: is no GeoTIFF, and other rasters are not read from links")));
        }
        self.local.plain_raster(&path)?;
        Ok(Place::File(path))
    }
}

/// Job and output of a link that ends with `/jobs/ID/results/OUTPUT`.
pub fn result_of(href: &str) -> Option<(&str, &str)> {
    let mut parts = href.split(['?', '#']).next()?.rsplit('/');
    let (output, results, job, jobs) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (results == "results" && jobs == "jobs" && plain(job) && plain(output)).then_some((job, output))
}

/// Whether a file is opened where it lies and read by parts.
fn by_parts(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|e| ["gpkg", "shp"].iter().any(|own| e.eq_ignore_ascii_case(own)))
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
        let sources = match cube {
            CubeInput::One(source) => vec![self.cube_source(source)?],
            CubeInput::Many(sources) => {
                sources.iter().map(|s| self.cube_source(s)).collect::<Result<Vec<_>, _>>()?
            }
        };
        let own = sources.iter().all(|(_, own)| *own);
        let mut sources: Vec<CubeSource> = sources.into_iter().map(|(source, _)| source).collect();
        let cube = match cube {
            CubeInput::One(_) => CubeInput::One(sources.remove(0)),
            CubeInput::Many(_) => CubeInput::Many(sources),
        };
        // The operator's own collections may lead anywhere.
        let opened = if own {
            self.local.cube(&cube, request)?
        } else {
            open_cube_by(self, &scene_sources("cube", &cube), Path::new("/"), request)
                .map_err(|e| ProcessError::input(e.path, e.message))?
        };
        self.within_budget(opened)
    }
    fn features(&self, input: &str, file: &FileInput) -> Result<FeatureTable, ProcessError> {
        self.local.features(input, &self.whole(input, file)?)
    }
    fn mines(&self, input: &str, file: &FileInput, crs: Option<&str>) -> Result<MineRows, ProcessError> {
        self.local.mines(input, &self.whole(input, file)?, crs)
    }
    fn series(&self, input: &str, file: &FileInput) -> Result<Option<SeriesTable>, ProcessError> {
        self.local.series(input, &self.whole(input, file)?)
    }
    fn raster(&self, input: &str, file: &FileInput) -> Result<Box<dyn RasterReader>, ProcessError> {
        let file = self.file(input, file)?;
        if let FileInput::Path(path) = &file
            && self.local.inbox.holds(path)
            && Path::new(path).extension().is_none_or(|e| e != "tif")
        {
            return Err(ProcessError::input(input, self.say("is no GeoTIFF".to_owned())));
        }
        self.local.raster(input, &file)
    }
    fn bytes(&self, input: &str, file: &FileInput) -> Result<Vec<u8>, ProcessError> {
        self.local.bytes(input, &self.whole(input, file)?)
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
            assert!(error.contains("input `mines") && !error.contains("secret"), "{error}");
        }
        let value = json!({"type": "Point", "coordinates": [1, 2]});
        let value = FileInput::Value(value.as_object().unwrap().clone());
        let inline = FileInput::Path("data:text/csv,lon%2Clat%0A1%2C2".to_owned());
        for foreign in [&value, &inline] {
            let error = source.features("mines", foreign).unwrap_err().to_string();
            assert!(error.contains("values and links are not read here"), "without a reader: {error}");
        }
        let cube = CubeInput::One(CubeSource::Path("/etc".to_owned()));
        assert!(source.cube(&cube, &CubeRequest::default()).unwrap_err().to_string().contains("no cube"));
    }

    #[test]
    fn what_is_read_as_a_whole_has_a_size_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str, size: u64| {
            let path = folder.path().join(name);
            std::fs::File::create(&path).unwrap().set_len(size).unwrap();
            (name.to_owned(), path)
        };
        let files = [
            place("border.csv", MAX_BYTES),
            place("over.csv", MAX_BYTES + 1),
            place("over.gml", MAX_BYTES + 1),
            place("over.gpkg", MAX_BYTES + 1),
        ];
        let offered = Offered { files: files.into(), ..Offered::default() };
        let source = ServedSource::new(&offered, &Silent, &|_| None);
        let named = |name: &str| FileInput::Path(name.to_owned());
        assert!(source.whole("mines", &named("border.csv")).is_ok());
        assert!(source.whole("mines", &named("over.gpkg")).is_ok(), "GDAL reads it by parts");
        for name in ["over.csv", "over.gml"] {
            let told = "is larger than the 1024 MB that are read at once";
            let errors = [
                source.features("mines", &named(name)).map(|_| ()),
                source.mines("mines", &named(name), None).map(|_| ()),
                source.series("mines", &named(name)).map(|_| ()),
                source.bytes("mines", &named(name)).map(|_| ()),
            ];
            for error in errors.map(Result::unwrap_err) {
                let error = error.to_string();
                assert!(error.contains(told) && error.contains("mines"), "{error}");
            }
        }
    }
}
