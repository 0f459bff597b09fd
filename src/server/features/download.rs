//! Items as a file: written aside, some thousand at a time, and sent from there.

use std::fs::File;

use actix_files::NamedFile;

use super::asked::{Asked, Format};
use crate::crs::Crs;
use crate::io::feature_file::FeatureFile;
use crate::io::spreadsheet::shown_as_text_in;
use crate::io::vector_write::{FeatureFormat, VectorWriter};
use crate::server::disposition::{attachment, file_name};
use crate::server::error::ApiError;
use crate::vector::{FeatureSchema, GeometryKind, reproject};

/// Items that are in memory at once.
const BATCH: usize = 4096;

/// A file of items, how many matched and how many are in it.
pub struct Download {
    pub file: NamedFile,
    pub matched: usize,
    pub returned: usize,
}

/// Writes what is asked for; `shown` has formulas of a table written as text.
///
/// # Errors
/// 400 where a table is asked for in another CRS; 500: disk full.
pub fn download(
    file: &FeatureFile,
    asked: &Asked,
    (format, shown): (Format, bool),
    name: &str,
) -> Result<Download, ApiError> {
    let kind = match format {
        Format::Csv if asked.crs.crs != Crs::wgs84() => {
            let told = "a table has longitude and latitude; ask for geojson or gpkg in another CRS";
            return Err(ApiError::parameter("crs", told));
        }
        Format::Csv => FeatureFormat::Csv,
        Format::GeoPackage | Format::GeoJson | Format::Page => FeatureFormat::GeoPackage,
    };
    let (matched, rows) = asked
        .query
        .page(file, asked.offset, asked.limit.unwrap_or(usize::MAX))
        .map_err(ApiError::internal)?;
    let folder = tempfile::tempdir().map_err(ApiError::internal)?;
    let name = format!("{}.{}", file_name(name), kind.extension());
    let path = folder.path().join(&name);
    let schema = FeatureSchema {
        crs: asked.crs.crs.clone(),
        geometry: file.geometry(),
        fields: asked.columns.iter().map(|&c| file.fields()[c].clone()).collect(),
        style: if file.geometry() == GeometryKind::Point { "mines" } else { "zones" },
    };
    let mut writer = VectorWriter::create(&path, &schema, kind).map_err(ApiError::internal)?;
    let way = asked.crs.away_from_degrees().map_err(ApiError::internal)?;
    for rows in rows.chunks(BATCH) {
        for mut stored in file.features(rows, &asked.columns).map_err(ApiError::internal)? {
            reproject(&mut stored.geometry, &way).map_err(ApiError::internal)?;
            writer.push(&stored.geometry, &stored.values).map_err(ApiError::internal)?;
        }
    }
    writer.finish().map_err(ApiError::internal)?;
    let path = if shown {
        let table = folder.path().join("shown");
        shown_as_text_in(&path, &table).map_err(ApiError::internal)?;
        table
    } else {
        path
    };
    // Open, it outlives its folder.
    let open = File::open(&path).map_err(ApiError::internal)?;
    let sent = NamedFile::from_file(open, &path).map_err(ApiError::internal)?;
    let mime = format.media_type().parse().map_err(ApiError::internal)?;
    let file = sent.set_content_type(mime).set_content_disposition(attachment(&name)).use_etag(false);
    Ok(Download { file: file.use_last_modified(false), matched, returned: rows.len() })
}
