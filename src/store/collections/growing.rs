//! Layers that are still computed.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Asked, Collection, JobResults, Layer, LayerKind, Origin};
use crate::io::feature_file::FeatureFile;
use crate::io::pyramid::Pyramid;
use crate::ogc::outputs::{GEOJSON, GEOTIFF};
use crate::ogc::title_of;
use crate::vector::GeometryKind;

/// What there is so far.
#[derive(Clone)]
pub enum Growing {
    /// Nothing: the job waits, or works on something else.
    Nothing,
    /// The pixels that were written; all others are nodata.
    Raster(Arc<Pyramid>),
    /// The features that were written.
    Features(Arc<FeatureFile>),
}

impl std::fmt::Debug for Growing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Raster(_) => "Raster",
            Self::Features(_) => "Features",
        })
    }
}

impl Layer {
    /// Whether nothing of it is there yet.
    pub fn is_awaited(&self) -> bool {
        matches!(self.growing, Some(Growing::Nothing))
    }

    /// A layer of which only is known that it will come.
    fn promised(version: String, features: bool, asked: &Asked) -> Self {
        let kind = if features {
            LayerKind::Features { geometry: GeometryKind::Any, count: 0, fields: Vec::new(), epsg: None }
        } else {
            LayerKind::Promised
        };
        Self {
            file: PathBuf::new(),
            media_type: if features { GEOJSON } else { GEOTIFF }.to_owned(),
            version,
            kind,
            bounds: None,
            dates: asked.dates,
            styles: Vec::new(),
            live: None,
            growing: Some(Growing::Nothing),
        }
    }
}

impl Collection {
    /// The collection of an output of a job. Of maps of two years, each tells of which scenes it is.
    pub fn of_job(job: &JobResults, output: &str, subject: Option<&str>, layer: Arc<Layer>) -> Self {
        let of = subject.map_or_else(String::new, |subject| format!(", {subject}"));
        Self {
            id: format!("{}-{output}", job.job),
            title: format!("{} of {}{of}", title_of(output), job.process),
            origin: Origin::Job {
                job: job.job.clone(),
                process: job.process.clone(),
                output: output.to_owned(),
                created: job.created,
            },
            layer,
        }
    }

    /// The collection of an output that the job has not begun to write.
    pub fn promised(job: &JobResults, output: &str, features: bool, asked: &Asked) -> Self {
        let layer = Layer::promised(format!("promised-{}-{output}", job.job), features, asked);
        Self::of_job(job, output, asked.subject.as_deref(), Arc::new(layer))
    }
}
