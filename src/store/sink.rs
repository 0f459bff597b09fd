//! Results in a folder: all of a run's files appear at once, or none does.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::features::{StagedFeatures, styled};
use super::growing::GrowingJob;
use super::shortage::reason;
use crate::budget::{Budget, Claim};
use crate::classmap::{Legend, Symbol};
use crate::crs::GeoBox;
use crate::io::IoError;
use crate::io::cog::{CogKind, CogWriter};
use crate::io::cog_tiles;
use crate::io::cog_values::ValuesWriter;
use crate::io::growing::GrowingRaster;
use crate::io::quicklook::{self, Marks};
use crate::io::raster_file::Place;
use crate::io::raster_on_grid::RasterOnGrid;
use crate::ogc::outputs::{GEOTIFF, JSON, PNG, extension};
use crate::ogc::title_of;
use crate::process::{FeatureWriter, ProcessError, RasterKind, RasterReader, RasterWriter, ResultSink};
use crate::raster::{Plane, Resampling, Window};
use crate::vector::FeatureSchema;

/// How the hidden folders begin that hold what is not finished.
pub const STAGING: &str = ".rededge-";

/// What can go wrong where results are kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot take results.
    #[error("cannot write results to {path}: {reason}")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        reason: String,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {reason}; nothing was changed")]
    Write {
        /// The file's final name.
        path: String,
        /// Why, and the way out.
        reason: String,
    },
}

impl From<StoreError> for ProcessError {
    fn from(error: StoreError) -> Self {
        Self::failed(error)
    }
}

/// Takes a run's results into a folder. Everything is written into a hidden folder inside it, on
/// the same file system; [`LocalSink::commit`] renames it into place, `results.json` last. Dropped
/// without a commit, it leaves the folder as it was.
#[derive(Debug)]
pub struct LocalSink {
    folder: PathBuf,
    staging: TempDir,
    /// Folders that this sink made, outermost first: taken away again where nothing is committed.
    made: Vec<PathBuf>,
    wanted: BTreeSet<String>,
    /// Media types that the caller asked for, by output.
    formats: BTreeMap<String, String>,
    results: Results,
    committed: bool,
    /// Where interrupted runs keep what they need to go on.
    keep: Option<PathBuf>,
    /// Who is shown what is written so far.
    seen: Option<Arc<GrowingJob>>,
    /// What rasters may be.
    budget: Budget,
}

impl LocalSink {
    /// A sink into `folder`, which is made where it is missing. `wanted` names the outputs that
    /// the caller wants; empty is all.
    ///
    /// # Errors
    /// [`StoreError::Folder`] where the folder cannot be made or written to.
    pub fn create(folder: &Path, wanted: impl IntoIterator<Item = String>) -> Result<Self, StoreError> {
        let refuse = |reason: String| StoreError::Folder { path: folder.display().to_string(), reason };
        if folder.exists() && !folder.is_dir() {
            return Err(refuse("it is a file, not a folder".to_owned()));
        }
        let made: Vec<PathBuf> = folder
            .ancestors()
            .take_while(|p| !p.as_os_str().is_empty() && !p.exists())
            .map(Path::to_owned)
            .collect();
        std::fs::create_dir_all(folder).map_err(|e| refuse(reason(&e)))?;
        let staging =
            tempfile::Builder::new().prefix(STAGING).tempdir_in(folder).map_err(|e| refuse(reason(&e)))?;
        Ok(Self {
            folder: folder.to_owned(),
            staging,
            made,
            wanted: wanted.into_iter().collect(),
            formats: BTreeMap::new(),
            results: Results::default(),
            committed: false,
            keep: None,
            seen: None,
            budget: Budget::default(),
        })
    }

    /// The same, keeping in a folder of its own what an interrupted run needs to go on.
    #[must_use]
    pub fn keeping(mut self, folder: Option<&Path>) -> Self {
        self.keep = folder.map(Path::to_owned);
        self
    }

    /// The same, showing wanted rasters and features while they are written.
    #[must_use]
    pub fn seen(mut self, by: Arc<GrowingJob>) -> Self {
        self.seen = Some(by);
        self
    }

    /// The same, refusing rasters beyond a budget.
    #[must_use]
    pub fn within(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The same, with the media types that the caller asked for by output; outputs of features
    /// are GeoJSON where it asked for none.
    #[must_use]
    pub fn in_formats(mut self, formats: BTreeMap<String, String>) -> Self {
        self.formats = formats;
        self
    }

    /// The file that keeps what has this name.
    fn kept_at(&self, name: &str) -> Option<PathBuf> {
        let plain: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        Some(self.keep.as_ref()?.join(format!("{plain}.checkpoint")))
    }

    /// The hidden folder that holds results until they are committed.
    pub fn staging(&self) -> &Path {
        self.staging.path()
    }

    /// Makes every result visible, in place of what an earlier run lists in its `results.json` and
    /// of files of the same names, and returns their paths, `results.json` last. Should a file refuse to move, what was there before is put back.
    ///
    /// # Errors
    /// [`StoreError::Write`] naming the file.
    pub fn commit(mut self) -> Result<Vec<PathBuf>, StoreError> {
        let results = std::mem::take(&mut *self.results.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut text = serde_json::to_vec_pretty(&results).unwrap_or_default();
        text.push(b'\n');
        self.write("results.json", &text)?;
        let mut names = self.staged()?;
        names.sort_by_key(|name| (name == "results.json", name.clone()));
        for name in &names {
            let sync = std::fs::File::open(self.staging.path().join(name)).and_then(|f| f.sync_all());
            sync.map_err(|e| self.refuse(name, &e))?;
            if self.folder.join(name).is_dir() {
                return Err(self.refuse(name, &std::io::Error::other("a folder of that name is in the way")));
            }
        }
        self.swap(&names)?;
        self.committed = true;
        // Renames are on disk once the folder is.
        let _ = std::fs::File::open(&self.folder).and_then(|f| f.sync_all());
        Ok(names.iter().map(|name| self.folder.join(name)).collect())
    }

    /// Moves the old files aside and the new ones in; undoes it all at the first refusal.
    fn swap(&self, names: &[String]) -> Result<(), StoreError> {
        let old = self.staging.path().join("replaced");
        std::fs::create_dir(&old).map_err(|e| self.refuse("results.json", &e))?;
        let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
        let mut go = |from: PathBuf, to: PathBuf| {
            std::fs::rename(&from, &to)?;
            moved.push((from, to));
            Ok(())
        };
        let stale = self.of_an_earlier_run().into_iter().filter(|name| !names.contains(name));
        let stale: Vec<String> = stale.filter(|name| self.folder.join(name).is_file()).collect();
        for name in stale.iter().chain(names) {
            let (target, new) = (self.folder.join(name), self.staging.path().join(name));
            let exists = target.symlink_metadata().is_ok();
            let aside = if exists { go(target.clone(), old.join(name)) } else { Ok(()) };
            if let Err(e) = aside.and_then(|()| if stale.contains(name) { Ok(()) } else { go(new, target) }) {
                for (from, to) in moved.iter().rev() {
                    let _ = std::fs::rename(to, from);
                }
                return Err(self.refuse(name, &e));
            }
        }
        Ok(())
    }

    /// The files that the `results.json` in the folder lists, with those beside them: left behind,
    /// they would pass for results of this run.
    fn of_an_earlier_run(&self) -> Vec<String> {
        let listed = std::fs::read(self.folder.join("results.json")).ok();
        let listed: Option<Map<String, Value>> = listed.and_then(|b| serde_json::from_slice(&b).ok());
        let mut names = BTreeSet::new();
        for entry in listed.unwrap_or_default().values() {
            let previews = entry.get("links").and_then(Value::as_array).into_iter().flatten();
            for href in previews.chain([entry]).filter_map(|e| e.get("href")?.as_str()) {
                names.insert(href.to_owned());
                if let Some(stem) = href.strip_suffix(".tif") {
                    names.extend([format!("{href}.aux.xml"), format!("{stem}.qml")]);
                } else if let Some((stem, _)) = href.rsplit_once('.').filter(|(_, ending)| styled(ending)) {
                    names.insert(format!("{stem}.qml"));
                }
            }
        }
        // A name that leads elsewhere is none that was written here.
        names.into_iter().filter(|n| !n.contains(['/', '\\'])).collect()
    }

    /// Names of the files that are ready, subordinate files (`.aux.xml`) included.
    fn staged(&self) -> Result<Vec<String>, StoreError> {
        let list = || -> std::io::Result<Vec<String>> {
            std::fs::read_dir(self.staging.path())?
                .map(|entry| entry.map(|e| e.file_name().to_string_lossy().into_owned()))
                .collect()
        };
        list().map_err(|e| self.refuse("results.json", &e))
    }

    /// Adds a file that is no output.
    ///
    /// # Errors
    /// [`StoreError::Write`]: disk full.
    pub fn file_aside(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(name, bytes)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let write = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(self.staging.path().join(name))?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|e| self.refuse(name, &e))
    }

    fn refuse(&self, name: &str, error: &std::io::Error) -> StoreError {
        StoreError::Write { path: self.folder.join(name).display().to_string(), reason: reason(error) }
    }
}

/// What `results.json` will say, shared with the results that are being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Results(Arc<Mutex<Map<String, Value>>>);

impl Results {
    pub(super) fn list(&self, output: &str, entry: Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(output.to_owned(), entry);
    }

    /// Whether this output is a raster that is finished.
    fn is_raster(&self, output: &str) -> bool {
        let results = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        results.get(output).is_some_and(|entry| entry["type"] == GEOTIFF)
    }
}

/// The writer of a raster.
enum Pixels {
    Bytes(CogWriter),
    Numbers(ValuesWriter),
}

impl Pixels {
    fn growing(&self) -> GrowingRaster {
        match self {
            Self::Bytes(writer) => writer.growing(),
            Self::Numbers(writer) => writer.growing(),
        }
    }
}

/// A raster on its way.
struct StagedRaster {
    writer: Pixels,
    /// What finishing it will hold in memory.
    claim: Claim,
    output: String,
    title: String,
    marks: Option<Marks>,
    results: Results,
    staging: PathBuf,
    folder: PathBuf,
}

impl StagedRaster {
    /// An error about a staged file, told of the file it was to become.
    fn fail(&self, error: &dyn std::fmt::Display) -> ProcessError {
        final_names(error, &self.staging, &self.folder)
    }
}

/// An error about a staged file, told of the file it was to become.
pub(super) fn final_names(error: &dyn std::fmt::Display, staging: &Path, folder: &Path) -> ProcessError {
    let text = error.to_string().replace(&*staging.to_string_lossy(), &folder.to_string_lossy());
    ProcessError::failed(format_args!("{text}; nothing was changed"))
}

impl RasterWriter for StagedRaster {
    fn write(&mut self, window: Window, values: &[u8]) -> Result<(), ProcessError> {
        match &mut self.writer {
            Pixels::Bytes(writer) => writer.write(window, values).map_err(|e| self.fail(&e)),
            Pixels::Numbers(_) => Err(ProcessError::failed(format_args!("{} holds numbers", self.output))),
        }
    }

    fn write_values(&mut self, window: Window, values: &[f32]) -> Result<(), ProcessError> {
        match &mut self.writer {
            Pixels::Numbers(writer) => writer.write(window, values).map_err(|e| self.fail(&e)),
            Pixels::Bytes(_) => Err(ProcessError::failed(format_args!("{} holds bytes", self.output))),
        }
    }

    fn finish(self: Box<Self>) -> Result<(), ProcessError> {
        let Self { writer, claim: _claim, output, title, marks, results, staging, folder } = *self;
        let fail = |e: &dyn std::fmt::Display| final_names(e, &staging, &folder);
        let finished = match writer {
            Pixels::Bytes(writer) => writer.finish(),
            Pixels::Numbers(writer) => writer.finish(),
        };
        finished.map_err(|e| fail(&e))?;
        let picture = quicklook::of_cog(&staging.join(format!("{output}.tif")), &title, marks.as_ref())
            .map_err(|e| fail(&e))?;
        let preview = format!("{output}.png");
        std::fs::write(staging.join(&preview), picture)
            .map_err(|e| fail(&IoError::write(&staging.join(&preview), reason(&e))))?;
        results.list(
            &output,
            json!({
                "href": format!("{output}.tif"),
                "type": GEOTIFF,
                "links": [{"rel": "preview", "href": preview, "type": PNG}]
            }),
        );
        Ok(())
    }
}

/// A raster of this run that is finished but not yet under its name.
struct StagedReader {
    raster: RasterOnGrid,
    staging: PathBuf,
    folder: PathBuf,
}

impl RasterReader for StagedReader {
    fn grid(&self) -> &GeoBox {
        self.raster.grid()
    }

    fn legend(&self) -> Option<&Legend> {
        self.raster.legend()
    }

    fn read(&self, grid: &GeoBox, window: Window, method: Resampling) -> Result<Plane<f32>, ProcessError> {
        let read = self.raster.read(grid, window, method);
        read.map_err(|e| final_names(&e, &self.staging, &self.folder))
    }
}

impl Drop for LocalSink {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        let _ = std::fs::remove_dir_all(self.staging.path());
        for folder in &self.made {
            let _ = std::fs::remove_dir(folder); // only where it is empty
        }
    }
}

impl ResultSink for LocalSink {
    fn wants(&self, output: &str) -> bool {
        self.wanted.is_empty() || self.wanted.contains(output)
    }

    fn kept(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.kept_at(name)?).ok()
    }

    fn keep(&self, name: &str, state: &[u8]) -> Result<(), ProcessError> {
        let (Some(path), Some(folder)) = (self.kept_at(name), &self.keep) else { return Ok(()) };
        // Aside and renamed: what is cut off while it is written must not replace the last good one.
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            let mut aside = tempfile::NamedTempFile::new_in(folder)?;
            aside.write_all(state)?;
            aside.persist(&path)?;
            Ok(())
        };
        write().map_err(|e| ProcessError::failed(format_args!("{}: {}", path.display(), reason(&e))))
    }

    fn raster(
        &self,
        output: &str,
        grid: &GeoBox,
        kind: &RasterKind,
    ) -> Result<Box<dyn RasterWriter>, ProcessError> {
        let over = |over| ProcessError::input(format!("outputs.{output}"), over);
        self.budget.raster(grid.rows, grid.cols).map_err(over)?;
        let size = if matches!(kind, RasterKind::Values { .. }) { 4 } else { 1 };
        let held = cog_tiles::memory(grid.rows, grid.cols, size);
        let claim = self.budget.claim("writing this raster", held).map_err(over)?;
        let path = self.staging.path().join(format!("{output}.tif"));
        let bytes = |kind: CogKind| CogWriter::create(&path, grid, kind, &[]).map(Pixels::Bytes);
        let (writer, title) = match kind {
            RasterKind::Classes(legend) => (bytes(CogKind::Classes(legend.clone())), title_of(output)),
            RasterKind::Percent { label } => {
                (bytes(CogKind::Percent { label: label.clone() }), label.clone())
            }
            RasterKind::Values { label, unit, .. } => {
                (ValuesWriter::create(&path, grid, label, unit).map(Pixels::Numbers), label.clone())
            }
        };
        let writer = writer.map_err(|e| final_names(&e, self.staging.path(), &self.folder))?;
        if let Some(seen) = self.seen.as_ref().filter(|_| self.wants(output)) {
            seen.raster(output, kind, || writer.growing());
        }
        let marks = match kind {
            RasterKind::Values { marks: Some((style, places)), .. } => {
                Symbol::of(style).map(|symbol| Marks { symbol, name: style, places: places.clone() })
            }
            _ => None,
        };
        Ok(Box::new(StagedRaster {
            writer,
            claim,
            output: output.to_owned(),
            title,
            marks,
            results: self.results.clone(),
            staging: self.staging.path().to_owned(),
            folder: self.folder.clone(),
        }))
    }

    fn features(&self, output: &str, schema: &FeatureSchema) -> Result<Box<dyn FeatureWriter>, ProcessError> {
        let format = self.formats.get(output).map(String::as_str);
        let (staging, folder) = (self.staging.path(), self.folder.as_path());
        let results = self.results.clone();
        let features = StagedFeatures::create(output, schema, format, results, staging, folder)?;
        Ok(Box::new(match self.seen.as_ref().filter(|_| self.wants(output)) {
            Some(seen) => features.seen(seen, schema),
            None => features,
        }))
    }

    fn reopen(&self, output: &str) -> Result<Box<dyn RasterReader>, ProcessError> {
        let (staging, folder) = (self.staging.path().to_owned(), self.folder.clone());
        if !self.results.is_raster(output) {
            return Err(ProcessError::failed(format_args!("{output}: no raster of this name is finished")));
        }
        let raster = RasterOnGrid::open(&Place::File(staging.join(format!("{output}.tif"))));
        let raster = raster.map_err(|e| final_names(&e, &staging, &folder))?;
        Ok(Box::new(StagedReader { raster, staging, folder }))
    }

    fn picture(&self, output: &str) -> Option<Vec<u8>> {
        let path = self.staging.path().join(format!("{output}.png"));
        self.results.is_raster(output).then(|| std::fs::read(path).ok()).flatten()
    }

    fn document(&self, output: &str, value: Value) -> Result<(), ProcessError> {
        if !self.wants(output) {
            return Ok(());
        }
        let mut text = serde_json::to_vec_pretty(&value).map_err(ProcessError::failed)?;
        text.push(b'\n');
        self.file(output, JSON, &text)
    }

    fn file(&self, output: &str, media_type: &str, bytes: &[u8]) -> Result<(), ProcessError> {
        let name = format!("{output}.{}", extension(media_type));
        self.write(&name, bytes)?;
        self.results.list(output, json!({"href": name, "type": media_type}));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn results_appear_only_when_the_run_commits() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a/b");
        let sink = LocalSink::create(&out, []).unwrap();
        sink.document("accuracy", json!({"overall": 1})).unwrap();
        sink.file("table", "text/csv", b"a\n1\n").unwrap();
        assert!(names(&out).iter().all(|n| n.starts_with('.')));
        let files = sink.commit().unwrap();
        assert_eq!(names(&out), ["accuracy.json", "results.json", "table.csv"]);
        assert_eq!(files.last().unwrap(), &out.join("results.json"));
        let results: Value = serde_json::from_slice(&std::fs::read(&files[2]).unwrap()).unwrap();
        assert_eq!(results["table"], json!({"href": "table.csv", "type": "text/csv"}));
    }

    #[test]
    fn a_run_that_fails_leaves_nothing_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new");
        drop(LocalSink::create(&out, []).unwrap());
        assert!(!out.exists(), "a folder made for the run goes with it");

        std::fs::write(folder.path().join("table.csv"), "old").unwrap();
        let sink = LocalSink::create(folder.path(), []).unwrap();
        sink.file("table", "text/csv", b"new").unwrap();
        drop(sink);
        assert_eq!(names(folder.path()), ["table.csv"]);
        assert_eq!(std::fs::read(folder.path().join("table.csv")).unwrap(), b"old");
    }

    #[test]
    fn what_a_run_keeps_is_there_for_the_next_and_no_result() {
        let folder = tempfile::tempdir().unwrap();
        let (out, keep) = (folder.path().join("out"), folder.path().join("keep"));
        let sink = LocalSink::create(&out, []).unwrap().keeping(Some(&keep));
        assert_eq!(sink.kept("validation: fold 1"), None);
        sink.keep("validation: fold 1", b"state").unwrap();
        drop(sink);
        assert!(!out.exists());
        let again = LocalSink::create(&out, []).unwrap().keeping(Some(&keep));
        assert_eq!(again.kept("validation: fold 1").unwrap(), b"state");
        assert_eq!(again.kept("all samples"), None);
    }

    #[test]
    fn what_an_earlier_run_left_does_not_pass_for_a_result_of_this_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        let first = LocalSink::create(folder.path(), []).unwrap();
        first.document("accuracy", json!({"overall": 1})).unwrap();
        first.document("areas", json!([1])).unwrap();
        first.commit().unwrap();
        let second = LocalSink::create(folder.path(), []).unwrap();
        second.document("areas", json!([2])).unwrap();
        second.commit().unwrap();
        assert_eq!(names(folder.path()), ["areas.json", "notes.txt", "results.json"]);
    }

    fn square_kilometre() -> GeoBox {
        GeoBox {
            rows: 100,
            cols: 100,
            affine: crate::crs::Affine::north_up(7e5, 3.09e6, 10.0, 10.0),
            crs: crate::crs::Crs::from_epsg(32649).unwrap(),
        }
    }

    fn zones(sink: &LocalSink) -> Result<(), ProcessError> {
        let schema = FeatureSchema {
            crs: square_kilometre().crs,
            geometry: crate::vector::GeometryKind::Polygon,
            fields: vec![crate::vector::Field::new("name", crate::vector::FieldKind::Text)],
            style: "zones",
        };
        let mut writer = sink.features("zones", &schema)?;
        let triangle = geo::Triangle::from([(7e5, 3e6), (7.1e5, 3e6), (7e5, 3.1e6)]).to_polygon();
        writer.push(&triangle.into(), &[crate::vector::Value::Text("a".to_owned())])?;
        writer.finish()
    }

    #[test]
    fn features_come_in_the_format_that_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        for (format, file) in [
            (None, "zones.geojson"),
            (Some("application/geopackage+sqlite3"), "zones.gpkg"),
            (Some("application/flatgeobuf"), "zones.fgb"),
            (Some("text/csv"), "zones.csv"),
        ] {
            let sink = LocalSink::create(folder.path(), []).unwrap();
            let formats = format.map(|f| ("zones".to_owned(), f.to_owned()));
            let sink = sink.in_formats(formats.into_iter().collect());
            zones(&sink).unwrap();
            sink.commit().unwrap();
            let mut expected = vec!["results.json".to_owned(), file.to_owned()];
            if file != "zones.csv" {
                expected.push("zones.qml".to_owned());
            }
            // What stood beside the file of the run before is gone with it.
            assert_eq!(names(folder.path()), expected);
            let results: Value =
                serde_json::from_slice(&std::fs::read(folder.path().join("results.json")).unwrap()).unwrap();
            let media_type = format.unwrap_or("application/geo+json");
            assert_eq!(results["zones"], json!({"href": file, "type": media_type}));
        }
        let sink = LocalSink::create(folder.path(), []).unwrap();
        let sink = sink.in_formats([("zones".to_owned(), "text/html".to_owned())].into());
        let error = zones(&sink).unwrap_err().to_string();
        assert!(error.contains("outputs.zones.format.mediaType") && error.contains("text/csv"), "{error}");
    }

    #[test]
    fn errors_of_features_name_the_file_that_was_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let sink = LocalSink::create(folder.path(), []).unwrap();
        std::fs::create_dir(sink.staging().join("zones.geojson")).unwrap();
        let error = zones(&sink).unwrap_err().to_string();
        let place = folder.path().join("zones.geojson");
        assert!(error.contains(place.to_str().unwrap()) && !error.contains(".rededge-"), "{error}");
    }

    #[test]
    fn a_finished_raster_is_read_again_before_the_run_commits() {
        let folder = tempfile::tempdir().unwrap();
        let sink = LocalSink::create(folder.path(), []).unwrap();
        assert!(sink.reopen("rice").is_err() && sink.picture("rice").is_none());
        let grid = square_kilometre();
        let mut writer = sink.raster("rice", &grid, &RasterKind::Classes(Legend::rice())).unwrap();
        writer.write(grid.window(), &[2; 10_000]).unwrap();
        assert!(writer.write_values(grid.window(), &vec![2.0; 10_000]).is_err());
        writer.finish().unwrap();
        let reader = sink.reopen("rice").unwrap();
        assert_eq!((reader.grid(), reader.legend()), (&grid, Some(&Legend::rice())));
        let plane = reader.read(&grid, grid.window(), Resampling::Nearest).unwrap();
        assert!(plane.values.iter().all(|&v| v == 2.0));
        assert_eq!(sink.picture("rice").unwrap()[..4], *b"\x89PNG");

        let kind = RasterKind::Values { label: "density".to_owned(), unit: "1/km2".to_owned(), marks: None };
        let mut writer = sink.raster("heat", &grid, &kind).unwrap();
        assert!(writer.write(grid.window(), &[2; 10_000]).is_err());
        writer.write_values(grid.window(), &vec![0.25; 10_000]).unwrap();
        writer.finish().unwrap();
        let plane = sink.reopen("heat").unwrap().read(&grid, grid.window(), Resampling::Bilinear).unwrap();
        assert!(plane.values.iter().all(|&v| v == 0.25));
        assert!(sink.picture("heat").is_some());
        sink.commit().unwrap();
        let expected = [
            "heat.png",
            "heat.qml",
            "heat.tif",
            "results.json",
            "rice.png",
            "rice.qml",
            "rice.tif",
            "rice.tif.aux.xml",
        ];
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn a_folder_in_the_way_is_named_and_the_old_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("accuracy.json"), "old").unwrap();
        std::fs::create_dir(folder.path().join("table.csv")).unwrap();
        let sink = LocalSink::create(folder.path(), []).unwrap();
        sink.document("accuracy", json!(1)).unwrap();
        sink.file("table", "text/csv", b"new").unwrap();
        let error = sink.commit().unwrap_err().to_string();
        assert!(error.contains("table.csv"), "{error}");
        assert_eq!(names(folder.path()), ["accuracy.json", "table.csv"]);
        assert_eq!(std::fs::read(folder.path().join("accuracy.json")).unwrap(), b"old");
    }
}
