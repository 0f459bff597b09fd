//! A layer from its file.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;

use gdal::Metadata;
use gdal::raster::{GdalDataType, RasterBand};

use super::{Layer, LayerKind, Live};
use crate::classify::predict::NO_PERCENT;
use crate::classmap::{Legend, percent_style};
use crate::crs::GeoBox;
use crate::cube::{CubeRequest, DataCube};
use crate::io::cog::read_legend;
use crate::io::cog_values::shown_range;
use crate::io::gdal_setup::open_raster;
use crate::io::raster_file::{Place, RasterFile};
use crate::io::scenes::open_cube;
use crate::ogc::outputs::{CSV, FLATGEOBUF, GEOJSON, GEOPACKAGE, GEOTIFF, GML, essence};
use crate::ogc::{CubeInput, CubeSource};
use crate::process::ProcessError;
use crate::process::live::{LiveRecipe, Show};
use crate::store::{FeatureIndexes, LiveLayer, Offered, scene_sources};
use crate::style::{Paint, Style};
use crate::vector::GeometryKind;

/// Why a file is no layer.
pub type Reason = String;

/// What a media type may be a layer of.
pub fn may_be_layer(media_type: &str) -> bool {
    [essence(GEOTIFF), GEOJSON, GEOPACKAGE, FLATGEOBUF, CSV].contains(&essence(media_type))
}

/// The media type of a configured file, by its ending; `None` where it is none of a layer.
pub fn media_type_of(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
    Some(match ending.as_str() {
        "tif" | "tiff" => GEOTIFF,
        "jp2" => "image/jp2",
        "geojson" => GEOJSON,
        "gml" => GML,
        "gpkg" => GEOPACKAGE,
        "fgb" => FLATGEOBUF,
        "csv" => CSV,
        "shp" => "application/vnd.shp",
        _ => return None,
    })
}

/// Changes when a file does.
pub fn version_of(path: &Path) -> Option<String> {
    let meta = std::fs::metadata(path).ok()?;
    let since = meta.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(format!("{:x}-{:x}", meta.len(), since.as_nanos()))
}

/// Describes a raster or a file of features, in a style that the operator names or in its own.
///
/// # Errors
/// Why it is no layer, with the file's name: for the log.
pub fn file(
    path: &Path,
    media_type: &str,
    style: Option<&str>,
    indexes: &FeatureIndexes,
) -> Result<Layer, Reason> {
    let version = version_of(path).ok_or_else(|| format!("{} is not there", path.display()))?;
    let raster = essence(media_type).starts_with("image/");
    let (kind, bounds) =
        if raster { raster_layer(path, style)? } else { feature_layer(path, style, indexes)? };
    let styles = style.map_or_else(|| styles_of(&kind), |style| vec![style.to_owned()]);
    let (file, media_type) = (path.to_owned(), media_type.to_owned());
    Ok(Layer { file, media_type, version, kind, bounds, dates: None, styles, live: None, growing: None })
}

type Described = (LayerKind, Option<[f64; 4]>);

/// Ids of the styles that suit a layer, the default first.
pub fn styles_of(kind: &LayerKind) -> Vec<String> {
    let ids: &[&str] = match kind {
        LayerKind::Classes { legend, .. } => &[legend.style().unwrap_or("classes")],
        LayerKind::Percent { label, .. } if percent_style(label) == "persistence" => {
            &["persistence", "probability"]
        }
        LayerKind::Percent { .. } => &["probability", "persistence"],
        LayerKind::Values { .. } => &["heat-map"],
        LayerKind::Features { geometry: GeometryKind::Point, .. } => &["mines"],
        LayerKind::Features { .. } => &["zones"],
        LayerKind::Cube { .. } | LayerKind::Promised => &[],
    };
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn raster_layer(path: &Path, style: Option<&str>) -> Result<Described, Reason> {
    let fail = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let file = RasterFile::open(&Place::File(path.to_owned()), None).map_err(|e| fail(&e))?;
    let dataset = open_raster(path).map_err(|e| fail(&e))?;
    let band = dataset.rasterband(1).map_err(|e| fail(&e))?;
    let (grid, bounds) = (file.grid.clone(), file.grid.lon_lat_extent());
    let label = band.description().unwrap_or_default();
    let nodata = band.no_data_value();
    let bytes = band.band_type() == GdalDataType::UInt8;
    let kind = match style.and_then(Style::find).map(|style| style.paint) {
        Some(Paint::Symbol(_)) => return Err(fail(&"its style is one of features")),
        Some(Paint::Ramp { unit, .. }) if !bytes && unit == "%" => {
            return Err(fail(&"its style is one of percent in bytes, and it holds no bytes"));
        }
        Some(Paint::Classes(_)) if !bytes => {
            return Err(fail(&"its style is one of codes, and it holds no bytes"));
        }
        // The operator's word stands over what the file says.
        Some(Paint::Classes(legend)) => LayerKind::Classes { grid, legend },
        Some(Paint::Ramp { unit, .. }) if unit == "%" => LayerKind::Percent { grid, label, nodata },
        Some(Paint::Ramp { .. }) => values(grid, label, &band).map_err(|e| fail(&e))?,
        None => match read_legend(&dataset) {
            Some(legend) => LayerKind::Classes { grid, legend },
            // The percent rasters of this crate are bytes with 255 as nodata.
            None if bytes && nodata == Some(255.0) => LayerKind::Percent { grid, label, nodata },
            None => values(grid, label, &band).map_err(|e| fail(&e))?,
        },
    };
    Ok((kind, bounds))
}

fn values(grid: GeoBox, label: String, band: &RasterBand) -> gdal::errors::Result<LayerKind> {
    let (unit, nodata, range) = (band.unit(), band.no_data_value(), range_of(band)?);
    Ok(LayerKind::Values { grid, label, unit, nodata, range })
}

/// The ends of the ramp: the least and greatest value as the file tells, else of an overview.
fn range_of(band: &RasterBand) -> gdal::errors::Result<(f64, f64)> {
    let told = |name: &str| band.metadata_item(name, "")?.parse::<f64>().ok();
    if let (Some(least), Some(greatest)) = (told("STATISTICS_MINIMUM"), told("STATISTICS_MAXIMUM")) {
        return Ok(shown_range(least, greatest));
    }
    let found = band.compute_raster_min_max(true)?;
    Ok(shown_range(found.min, found.max))
}

/// Whether a file that a job left is one of features.
pub fn is_layer_of_features(path: &Path) -> bool {
    match media_type_of(path) {
        Some(CSV) => has_places(path),
        other => [Some(GEOJSON), Some(GEOPACKAGE), Some(FLATGEOBUF)].contains(&other),
    }
}

/// Whether a table has places, by its head: those of series or areas have none.
pub fn has_places(path: &Path) -> bool {
    let mut head = String::new();
    let read =
        std::fs::File::open(path).and_then(|file| BufReader::new(file.take(1 << 16)).read_line(&mut head));
    let columns = head.split([',', ';', '\t']).map(|c| c.trim().trim_matches('"').to_ascii_lowercase());
    let places = ["lon", "longitude", "lng", "x", "wkt", "geometry"];
    read.is_ok() && columns.into_iter().any(|c| places.contains(&c.as_str()))
}

fn feature_layer(path: &Path, style: Option<&str>, indexes: &FeatureIndexes) -> Result<Described, Reason> {
    if style.and_then(Style::find).is_some_and(|style| !style.is_of_features()) {
        return Err(format!("{}: its style is one of rasters", path.display()));
    }
    let table = indexes.of(path).map_err(|e| e.to_string())?;
    let kind = LayerKind::Features {
        geometry: table.geometry(),
        count: table.len() as u64,
        fields: table.fields().to_vec(),
        epsg: table.epsg(),
    };
    Ok((kind, table.bounds()))
}

/// Describes a cube that the operator offers.
///
/// # Errors
/// As [`file`].
pub fn cube(path: &Path) -> Result<Layer, Reason> {
    let opened = open_configured_cube(path)?;
    let dates: Vec<_> = opened.acquisitions.iter().map(|a| a.date).collect();
    Ok(Layer {
        file: path.to_owned(),
        media_type: "application/geo+json".to_owned(),
        version: version_of(path).unwrap_or_default(),
        bounds: opened.grid.lon_lat_extent(),
        dates: dates.first().copied().zip(dates.last().copied()),
        kind: LayerKind::Cube { grid: opened.grid.clone(), bands: opened.bands.clone(), dates },
        styles: Vec::new(),
        live: None,
        growing: None,
    })
}

/// Describes a map that is computed where it is looked at, and opens what computes it.
///
/// # Errors
/// The key of its configuration and why it does not do.
pub fn live(name: &str, version: String, offered: &Offered) -> Result<Layer, ProcessError> {
    let inputs = &offered.live.maps[name];
    let map = LiveLayer::open(inputs, offered)?;
    let grid = map.grid(0).clone();
    let (bounds, dates) = (grid.lon_lat_extent(), map.dates());
    let dates = dates.first().copied().zip(dates.last().copied());
    let percent =
        |label: String| LayerKind::Percent { grid: grid.clone(), label, nodata: Some(f64::from(NO_PERCENT)) };
    let (kind, style) = match map.recipe() {
        LiveRecipe::Classes { show: Show::Classes, .. } => {
            let legend = map.recipe().legend().map_or_else(Legend::rice, |(legend, _)| legend.clone());
            let style = legend.style().unwrap_or("classes").to_owned();
            (LayerKind::Classes { grid, legend }, style)
        }
        LiveRecipe::Classes { show: Show::Probability, .. } => {
            let label = map.recipe().legend().map_or_else(String::new, |(_, label)| label);
            (percent(label), "probability".to_owned())
        }
        LiveRecipe::Index(channel) => {
            let (label, range) = (channel.name().to_owned(), map.range());
            let kind = LayerKind::Values { grid, label, unit: String::new(), nodata: None, range };
            (kind, "index".to_owned())
        }
    };
    let time = map.dates().len().saturating_sub(1);
    Ok(Layer {
        file: Path::new("live").join(name),
        media_type: GEOTIFF.to_owned(),
        version,
        kind,
        bounds,
        dates,
        styles: vec![style],
        live: Some(Live { map: Arc::new(map), time }),
        growing: None,
    })
}

fn open_configured_cube(path: &Path) -> Result<DataCube, Reason> {
    let input = CubeInput::One(CubeSource::Path(path.to_string_lossy().into_owned()));
    open_cube(&scene_sources("cube", &input), Path::new("/"), &CubeRequest::default())
        .map_err(|e| format!("{}: {}", path.display(), e.message))
}
