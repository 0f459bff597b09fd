//! Outputs of features, in the format that the caller asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::growing::GrowingJob;
use super::sink::{Results, final_names};
use crate::io::feature_log::FeatureLog;
use crate::io::vector_write::{FeatureFormat, VectorWriter};
use crate::ogc::outputs::{CSV, FLATGEOBUF, GEOJSON, GEOPACKAGE, essence};
use crate::process::{FeatureWriter, ProcessError};
use crate::vector::{FeatureSchema, Value};

/// Media type and format, the default first.
const FORMATS: [(&str, FeatureFormat); 4] = [
    (GEOJSON, FeatureFormat::GeoJson),
    (GEOPACKAGE, FeatureFormat::GeoPackage),
    (FLATGEOBUF, FeatureFormat::FlatGeobuf),
    (CSV, FeatureFormat::Csv),
];

/// Whether files of features with this ending have a style beside them.
pub(super) fn styled(ending: &str) -> bool {
    FORMATS.iter().any(|(_, format)| format.extension() == ending && format.styled())
}

/// Features on their way.
pub(super) struct StagedFeatures {
    writer: VectorWriter,
    output: String,
    media_type: &'static str,
    name: String,
    results: Results,
    staging: PathBuf,
    folder: PathBuf,
    /// The same features for those who look at them meanwhile.
    log: Option<Arc<FeatureLog>>,
}

impl StagedFeatures {
    /// Starts an output in a format by its media type; GeoJSON where there is none.
    pub(super) fn create(
        output: &str,
        schema: &FeatureSchema,
        media_type: Option<&str>,
        results: Results,
        staging: &Path,
        folder: &Path,
    ) -> Result<Self, ProcessError> {
        let wanted = essence(media_type.unwrap_or(GEOJSON));
        let found = FORMATS.iter().find(|(known, _)| known.eq_ignore_ascii_case(wanted));
        let &(media_type, format) = found.ok_or_else(|| {
            let known = FORMATS.map(|(known, _)| known).join(", ");
            ProcessError::input(
                format!("outputs.{output}.format.mediaType"),
                format!("`{wanted}` is no media type of features (known: {known})"),
            )
        })?;
        let name = format!("{output}.{}", format.extension());
        let writer = VectorWriter::create(&staging.join(&name), schema, format)
            .map_err(|e| final_names(&e, staging, folder))?;
        let (staging, folder) = (staging.to_owned(), folder.to_owned());
        Ok(Self { writer, output: output.to_owned(), media_type, name, results, staging, folder, log: None })
    }

    /// The same, shown while they are written. That they cannot be shown is no reason to fail.
    pub(super) fn seen(mut self, by: &GrowingJob, schema: &FeatureSchema) -> Self {
        match FeatureLog::create(&self.staging, schema).map(Arc::new) {
            Ok(log) => {
                by.features(&self.output, schema, log.clone());
                self.log = Some(log);
            }
            Err(error) => tracing::warn!(%error, "features are not seen before they are done"),
        }
        self
    }
}

impl FeatureWriter for StagedFeatures {
    fn push(&mut self, geometry: &geo::Geometry<f64>, values: &[Value]) -> Result<(), ProcessError> {
        self.writer.push(geometry, values).map_err(|e| final_names(&e, &self.staging, &self.folder))?;
        if let Some(Err(error)) = self.log.as_ref().map(|log| log.push(geometry, values)) {
            tracing::warn!(%error, "features are not seen before they are done");
            self.log = None;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), ProcessError> {
        self.writer.finish().map_err(|e| final_names(&e, &self.staging, &self.folder))?;
        self.results.list(&self.output, json!({"href": self.name, "type": self.media_type}));
        Ok(())
    }
}
