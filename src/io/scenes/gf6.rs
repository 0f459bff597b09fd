//! GF-6 WFV: eight-band orthorectified surface reflectance GeoTIFFs beside their XML.
//!
//! The agency distributes Level 1A: digital numbers without map projection (an `.rpb` file holds
//! the sensor model). Such a product is refused: it must be orthorectified and corrected for the
//! atmosphere first. Reflectance = DN x scale + offset, 0.0001 and 0 unless the input says else.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use roxmltree::Document;

use super::Location;
use super::safe::MAX_XML;
use super::scene::{Asset, Scene, SceneError, has_ending, lower_name};
use crate::cube::Band;
use crate::io::raster_file::{Place, RasterError, RasterFile};
use crate::named::named;

static DAY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"_(20\d\d)(\d\d)(\d\d)(?:_|\D|$)").expect("a constant pattern"));

/// Whether a file belongs to a GF-6 WFV product.
pub fn is_gf6(path: &Path) -> bool {
    lower_name(path).starts_with("gf6_wfv")
}

/// Reads the products of a folder: one scene for each eight-band GeoTIFF.
///
/// # Errors
/// [`SceneError`] for Level 1A, a missing date, or other than eight bands.
pub fn scenes(
    input: &str,
    folder: &Path,
    files: &[PathBuf],
    location: &Location,
) -> Result<Vec<Scene>, SceneError> {
    let images: Vec<&PathBuf> =
        files.iter().filter(|f| is_gf6(f) && has_ending(f, &["tif", "tiff"])).collect();
    if images.is_empty() {
        return Err(SceneError::new(input, format!("{} has GF-6 files but no GeoTIFF", named(&folder))));
    }
    images.into_iter().map(|image| scene(input, image, files, location)).collect()
}

fn scene(input: &str, image: &Path, files: &[PathBuf], location: &Location) -> Result<Scene, SceneError> {
    let name = lower_name(image);
    let shown = image.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let path = format!("{input} ({shown})");
    let stem = image.with_extension("");
    let beside = |ending: &str| {
        let same = |f: &&PathBuf| {
            f.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending))
                && belongs(&stem, &f.with_extension(""))
        };
        files.iter().find(same)
    };
    let raw = |why: &str| {
        SceneError::new(
            &path,
            format!(
                "{shown} is a raw GF-6 Level 1A product ({why}); orthorectify it (gdalwarp -rpc with a DEM), correct \
                 it to surface reflectance (6S, FLAASH), and give the eight-band GeoTIFF of that"
            ),
        )
    };
    let place = Place::File(image.to_owned());
    if beside("rpb").is_some() {
        return Err(raw("an .rpb file lies beside it"));
    }
    let file = match RasterFile::open(&place, None) {
        Ok(file) => file,
        Err(RasterError::NoPlace { .. }) if name.contains("l1a") => {
            return Err(raw("it has no map projection"));
        }
        Err(error) => return Err(SceneError::new(&path, error)),
    };
    if file.nodata.len() != 8 {
        return Err(SceneError::new(
            &path,
            format!(
                "{shown} has {} bands; GF-6 WFV surface reflectance has eight, B1 to B8",
                file.nodata.len()
            ),
        ));
    }
    let xml = beside("xml").map(|xml| metadata(&path, xml)).transpose()?.unwrap_or_default();
    let from_name = || {
        let day = DAY.captures(&name)?;
        jiff::civil::Date::new(day[1].parse().ok()?, day[2].parse().ok()?, day[3].parse().ok()?).ok()
    };
    let date = xml.date.or_else(from_name).ok_or_else(|| {
        SceneError::new(&path, "no date: neither StartTime in the XML beside it nor _YYYYMMDD_ in its name")
    })?;
    let asset = |band: usize| Asset {
        band,
        scale: location.scale,
        offset: location.offset,
        ..Asset::plain(format!("{path}: band {band}"), place.clone())
    };
    Ok(Scene {
        id: stem.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        date,
        cloud_cover: xml.cloud,
        top_of_atmosphere: false,
        offset: Some(0.0),
        offset_applied: false,
        crs: None,
        bands: Band::ALL.into_iter().filter_map(|b| Some((b, asset(b.gf6()?)))).collect(),
        masks: Vec::new(),
        available: "GF-6 WFV's B1 to B8".to_owned(),
        path,
    })
}

/// Whether a file without its ending names the same product: the image may carry `_sr` or `-1`.
fn belongs(image: &Path, other: &Path) -> bool {
    let (image, other) = (lower_name(image), lower_name(other));
    image == other || image.strip_prefix(&other).is_some_and(|rest| rest.starts_with(['-', '_', '.']))
}

#[derive(Default)]
struct Metadata {
    date: Option<jiff::civil::Date>,
    cloud: Option<f32>,
}

fn metadata(path: &str, xml: &Path) -> Result<Metadata, SceneError> {
    let fail = |e: String| SceneError::new(path, format!("{}: {e}", named(&xml)));
    let size = std::fs::metadata(xml).map_err(|e| fail(e.to_string()))?.len();
    if size > MAX_XML {
        return Err(fail(format!("larger than {} MB", MAX_XML >> 20)));
    }
    let bytes = std::fs::read(xml).map_err(|e| fail(e.to_string()))?;
    let text = crate::text::xml(&bytes, None).map_err(fail)?;
    let document = Document::parse(&text).map_err(|e| fail(e.to_string()))?;
    let find = |tags: &[&str]| {
        let node = document.descendants().find(|n| tags.contains(&n.tag_name().name()))?;
        node.text().map(|t| t.trim().to_owned())
    };
    let time = find(&["StartTime", "CenterTime", "ImagingStartTime", "ReceiveTime"]);
    Ok(Metadata {
        date: time.and_then(|t| t.get(..10)?.parse().ok()),
        cloud: find(&["CloudPercent", "CloudCover"])
            .and_then(|c| c.parse().ok())
            .filter(|c| (0.0..=100.0).contains(c)),
    })
}
