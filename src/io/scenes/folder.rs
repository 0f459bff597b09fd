//! What a path holds: a STAC file, SAFE products, GF-6 products or plain GeoTIFFs.

use std::path::Path;

use super::scene::{Base, Scene, SceneError, has_ending, list_files};
use super::{Location, geotiffs, gf6, safe, stac};

use crate::named::named;

/// A STAC file of more bytes than this is a mistake.
const MAX_JSON: u64 = 256 << 20;

/// The scenes of a local path.
///
/// # Errors
/// [`SceneError`] where there is nothing, or nothing that is known.
pub fn scenes(input: &str, path: &Path, location: &Location) -> Result<Vec<Scene>, SceneError> {
    if !path.exists() {
        return Err(SceneError::new(input, format!("there is no file or folder {}", named(&path))));
    }
    if path.is_file() {
        if has_ending(path, &["zip"]) {
            return Ok(vec![safe::scene(input, path)?]);
        }
        if has_ending(path, &["json", "geojson"]) {
            return stac_file(input, path);
        }
        return Err(SceneError::new(
            input,
            format!(
                "{} is no STAC file (.json) and no SAFE archive (.zip); for GeoTIFFs give their folder as `href` \
                 with a `pattern` such as `S2_{{date:%Y%m%d}}_{{band}}.tif`",
                named(&path)
            ),
        ));
    }
    if location.pattern.is_some() {
        return geotiffs::scenes(input, path, location);
    }
    if safe::is_product(path) {
        return Ok(vec![safe::scene(input, path)?]);
    }
    let mut entries: Vec<_> = std::fs::read_dir(path)
        .map_err(|e| SceneError::new(input, format!("{}: {e}", named(&path))))?
        .filter_map(|e| e.ok().map(|e| e.path()))
        .collect();
    entries.sort();
    let products: Vec<_> = entries.iter().filter(|p| safe::looks_like_product(p)).collect();
    if !products.is_empty() {
        return products.into_iter().map(|p| safe::scene(input, p)).collect();
    }
    let files = list_files(input, path, 2)?;
    if files.iter().any(|f| gf6::is_gf6(f)) {
        return gf6::scenes(input, path, &files, location);
    }
    if let Some(items) =
        ["items.json", "item_collection.json"].map(|n| path.join(n)).into_iter().find(|p| p.is_file())
    {
        return stac_file(input, &items);
    }
    Err(SceneError::new(
        input,
        format!(
            "{} holds no SAFE product (MTD_MSIL2A.xml), no GF-6 product (GF6_WFV_*.tif) and no items.json; \
             for a folder of GeoTIFFs give a `pattern` such as `S2_{{date:%Y%m%d}}_{{band}}.tif`",
            named(&path)
        ),
    ))
}

fn stac_file(input: &str, path: &Path) -> Result<Vec<Scene>, SceneError> {
    let fail = |e: String| SceneError::new(input, format!("{}: {e}", named(&path)));
    let size = std::fs::metadata(path).map_err(|e| fail(e.to_string()))?.len();
    if size > MAX_JSON {
        return Err(fail(format!("is larger than {} MB", MAX_JSON >> 20)));
    }
    let bytes = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    let document = serde_json::from_slice(&crate::text::unmarked(&bytes)).map_err(|e| fail(format!("is not JSON: {e}")))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    stac::scenes(input, &document, &Base::Folder(folder.to_owned()))
}
