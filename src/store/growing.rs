//! Results that are being written, for whoever looks at them meanwhile. A job that runs tells here
//! what its sink has opened; it is forgotten as soon as the run ends.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::collections::{Asked, Collection, Growing, JobResults, Layer, LayerKind, styles_of};
use crate::io::IoError;
use crate::io::feature_file::FeatureFile;
use crate::io::feature_log::FeatureLog;
use crate::io::growing::GrowingRaster;
use crate::io::pyramid::Pyramid;
use crate::ogc::outputs::{GEOJSON, GEOTIFF};
use crate::process::{CancelToken, RasterKind};
use crate::vector::FeatureSchema;

/// Columns of features that grow are made anew at most so often, and at most a fifth of the time.
const ANEW: Duration = Duration::from_millis(500);
const SHARE: u32 = 4;

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The jobs that run, with what they have written so far.
#[derive(Debug)]
pub struct GrowingResults {
    jobs: Mutex<HashMap<String, Arc<GrowingJob>>>,
    /// Where the columns of features wait.
    folder: PathBuf,
}

/// Whose job runs, and since when.
#[derive(Debug)]
pub struct Runs {
    /// The job.
    pub job: JobResults,
    /// Its owner, where callers are known.
    pub owner: Option<String>,
    /// What it is to make.
    pub asked: Asked,
    /// Where it is cancelled, nothing of it is seen any more.
    pub cancel: CancelToken,
}

impl GrowingResults {
    /// Without a job. Columns of features are kept in `folder`, in files without names.
    pub fn new(folder: &Path) -> Self {
        Self { jobs: Mutex::default(), folder: folder.to_owned() }
    }

    /// A job begins; it is seen until what is returned is dropped.
    pub fn begin(self: &Arc<Self>, runs: Runs) -> GrowingRun {
        let id = runs.job.job.clone();
        let run = uuid::Uuid::new_v4().simple().to_string();
        let job = Arc::new(GrowingJob { runs, run, outputs: Mutex::default() });
        held(&self.jobs).insert(id.clone(), job.clone());
        GrowingRun { all: self.clone(), id, job }
    }

    /// The job, where it runs and is its owner's.
    fn job(&self, owner: Option<&str>, id: &str) -> Option<Arc<GrowingJob>> {
        let job = held(&self.jobs).get(id).cloned()?;
        (job.runs.owner.as_deref() == owner && !job.runs.cancel.is_cancelled()).then_some(job)
    }

    /// What an output of a job holds so far, once it has begun.
    pub fn collection(&self, owner: Option<&str>, job: &str, output: &str) -> Option<Collection> {
        self.job(owner, job)?.collection(output, &self.folder)
    }

    /// What all outputs of an owner's jobs hold so far, the newest job first.
    pub fn of(&self, owner: Option<&str>) -> Vec<Collection> {
        let mut jobs: Vec<_> = held(&self.jobs).keys().cloned().collect();
        jobs.sort_unstable();
        let mut jobs: Vec<_> = jobs.iter().filter_map(|id| self.job(owner, id)).collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.runs.job.created));
        let all = |job: &Arc<GrowingJob>| {
            let outputs: Vec<String> = held(&job.outputs).keys().cloned().collect();
            outputs.into_iter().filter_map(|name| job.collection(&name, &self.folder)).collect::<Vec<_>>()
        };
        jobs.iter().flat_map(all).collect()
    }
}

/// A run that is seen as long as this is held.
#[derive(Debug)]
pub struct GrowingRun {
    all: Arc<GrowingResults>,
    id: String,
    job: Arc<GrowingJob>,
}

impl GrowingRun {
    /// What its sink tells.
    pub fn job(&self) -> Arc<GrowingJob> {
        self.job.clone()
    }
}

impl Drop for GrowingRun {
    fn drop(&mut self) {
        held(&self.all.jobs).remove(&self.id);
    }
}

/// A job that runs.
#[derive(Debug)]
pub struct GrowingJob {
    runs: Runs,
    /// No other run has it: a run that begins anew has other versions of its layers.
    run: String,
    outputs: Mutex<BTreeMap<String, Arc<Output>>>,
}

/// An output that was begun.
enum Output {
    Raster { pyramid: Arc<Pyramid>, raster: GrowingRaster, layer: Layer },
    Features { features: Features, layer: Layer },
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Raster { .. }) { "Raster" } else { "Features" })
    }
}

impl GrowingJob {
    /// A raster is begun. `raster` gives a view of it.
    pub(super) fn raster(&self, output: &str, kind: &RasterKind, raster: impl Fn() -> GrowingRaster) {
        let seen = raster();
        let grid = seen.grid().clone();
        let bounds = grid.lon_lat_extent();
        let kind = match kind {
            RasterKind::Classes(legend) => LayerKind::Classes { grid, legend: legend.clone() },
            RasterKind::Percent { label } => {
                LayerKind::Percent { grid, label: label.clone(), nodata: Some(255.0) }
            }
            RasterKind::Values { label, unit, .. } => LayerKind::Values {
                grid,
                label: label.clone(),
                unit: unit.clone(),
                nodata: Some(f64::NAN),
                range: (0.0, 1.0),
            },
        };
        let layer = self.layer(GEOTIFF, kind, bounds);
        let pyramid = Arc::new(Pyramid::growing(raster()));
        self.begun(output, Output::Raster { pyramid, raster: seen, layer });
    }

    /// Features are begun, which are added to a log too.
    pub(super) fn features(&self, output: &str, schema: &FeatureSchema, log: Arc<FeatureLog>) {
        let kind = LayerKind::Features {
            geometry: schema.geometry,
            count: 0,
            fields: schema.fields.clone(),
            epsg: schema.crs.epsg(),
        };
        let mut layer = self.layer(GEOJSON, kind, None);
        layer.styles = vec![schema.style.to_owned()];
        let features = Features { log, shown: Mutex::default(), making: Mutex::default() };
        self.begun(output, Output::Features { features, layer });
    }

    fn layer(&self, media_type: &str, kind: LayerKind, bounds: Option<[f64; 4]>) -> Layer {
        Layer {
            file: PathBuf::new(),
            media_type: media_type.to_owned(),
            version: String::new(),
            styles: styles_of(&kind),
            kind,
            bounds,
            dates: self.runs.asked.dates,
            live: None,
            growing: None,
        }
    }

    fn begun(&self, output: &str, begun: Output) {
        held(&self.outputs).insert(output.to_owned(), Arc::new(begun));
    }

    fn collection(&self, output: &str, folder: &Path) -> Option<Collection> {
        let begun = held(&self.outputs).get(output).cloned()?;
        let layer = match &*begun {
            Output::Raster { pyramid, raster, layer } => {
                let mut layer = layer.clone();
                // Told before anything is read: what is read has at least as much.
                layer.version = format!("{}-{output}-{}", self.run, raster.written());
                if let LayerKind::Values { range, .. } = &mut layer.kind {
                    *range = raster.range().unwrap_or(*range);
                }
                layer.growing = Some(Growing::Raster(pyramid.clone()));
                layer
            }
            Output::Features { features, layer } => {
                let file =
                    features.shown(folder).map_err(|error| tracing::warn!(%error, "features are not seen"));
                let file = file.ok()?;
                let mut layer = layer.clone();
                layer.version = format!("{}-{output}-{}", self.run, file.len());
                layer.bounds = file.bounds();
                if let LayerKind::Features { count, .. } = &mut layer.kind {
                    *count = file.len() as u64;
                }
                layer.growing = Some(Growing::Features(file));
                layer
            }
        };
        let subject = self.runs.asked.subject.as_deref();
        Some(Collection::of_job(&self.runs.job, output, subject, Arc::new(layer)))
    }
}

/// Columns that were made, of how many features, when, and how long it took.
struct Shown {
    file: Arc<FeatureFile>,
    features: usize,
    at: Instant,
    took: Duration,
}

/// Features that grow.
struct Features {
    log: Arc<FeatureLog>,
    shown: Mutex<Option<Shown>>,
    /// Held while columns are made: others take those that there are.
    making: Mutex<()>,
}

impl Features {
    /// The columns that are there, where they are new enough.
    fn fresh(&self, always: bool) -> Option<Arc<FeatureFile>> {
        let shown = held(&self.shown);
        let shown = shown.as_ref()?;
        let soon = shown.at.elapsed() < ANEW.max(shown.took * SHARE);
        (always || soon || shown.features == self.log.len()).then(|| shown.file.clone())
    }

    /// The columns of the features so far.
    fn shown(&self, folder: &Path) -> Result<Arc<FeatureFile>, IoError> {
        if let Some(file) = self.fresh(false) {
            return Ok(file);
        }
        let Ok(_making) = self.making.try_lock() else {
            if let Some(file) = self.fresh(true) {
                return Ok(file);
            }
            let _first = held(&self.making);
            return self.fresh(true).map_or_else(|| self.make(folder), Ok);
        };
        self.make(folder)
    }

    fn make(&self, folder: &Path) -> Result<Arc<FeatureFile>, IoError> {
        let (start, features) = (Instant::now(), self.log.len());
        std::fs::create_dir_all(folder).map_err(|e| IoError::write(folder, e))?;
        let file = Arc::new(self.log.columns(folder)?);
        let shown = Shown { file: file.clone(), features, at: Instant::now(), took: start.elapsed() };
        *held(&self.shown) = Some(shown);
        Ok(file)
    }
}
