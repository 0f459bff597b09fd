//! What a path holds: a STAC file, SAFE products, GF-6 products or plain GeoTIFFs.

use std::path::{Path, PathBuf};

use super::scene::{Base, Scene, SceneError, has_ending, list_files};
use super::{Location, first_of, geotiffs, gf6, safe, stac};

use crate::named::named;

/// A STAC file of more bytes than this is a mistake.
const MAX_JSON: u64 = 256 << 20;

/// Folders below the one that is named in which products are looked for.
const DEPTH: usize = 2;

/// Endings of files that may be scenes, and are told where they are left out.
const RASTERS: [&str; 12] =
    ["tif", "tiff", "jp2", "zip", "tar", "gz", "tgz", "img", "vrt", "hdf", "nc", "json"];

/// The scenes of a local path. What is left out of a folder stands in `notes`.
///
/// # Errors
/// [`SceneError`] where there is nothing, or nothing that is known.
pub fn scenes(
    input: &str,
    path: &Path,
    location: &Location,
    notes: &mut Vec<String>,
) -> Result<Vec<Scene>, SceneError> {
    if !path.exists() {
        return Err(SceneError::new(input, format!("there is no file or folder {}", named(&path))));
    }
    if path.is_file() {
        return file(input, path);
    }
    if location.pattern.is_some() {
        return geotiffs::scenes(input, path, location, notes);
    }
    if safe::is_product(path) {
        return safe::scenes(input, path);
    }
    let mut found = Found::default();
    found.search(input, path, DEPTH)?;
    if !found.products.is_empty() {
        found.tell_others(path, "no Sentinel-2 products", notes);
        return found.scenes(input, notes);
    }
    let files = list_files(input, path, DEPTH)?;
    if files.iter().any(|f| gf6::is_gf6(f)) {
        found.others.retain(|f| !gf6::is_gf6(f));
        found.tell_others(path, "no GF-6 products", notes);
        return gf6::scenes(input, path, &files, location);
    }
    if let Some(items) =
        ["items.json", "item_collection.json"].map(|n| path.join(n)).into_iter().find(|p| p.is_file())
    {
        return stac_file(input, &items);
    }
    let there = match found.others.first().and_then(|f| f.strip_prefix(path).ok()) {
        Some(first) => {
            format!(" (of {} files that may be scenes, the first is `{}`)", found.others.len(), named(first))
        }
        None => String::new(),
    };
    Err(SceneError::new(
        input,
        format!(
            "{} holds no SAFE product (MTD_MSIL2A.xml), no GF-6 product (GF6_WFV_*.tif) and no items.json{there}; \
             for a folder of GeoTIFFs give a `pattern` such as `S2_{{date:%Y%m%d}}_{{band}}.tif`",
            named(&path)
        ),
    ))
}

fn file(input: &str, path: &Path) -> Result<Vec<Scene>, SceneError> {
    if has_ending(path, &["zip"]) {
        return safe::scenes(input, path);
    }
    if has_ending(path, &["json", "geojson"]) {
        return stac_file(input, path);
    }
    Err(SceneError::new(
        input,
        format!(
            "{} is no STAC file (.json) and no SAFE archive (.zip); for GeoTIFFs give their folder as `href` \
             with a `pattern` such as `S2_{{date:%Y%m%d}}_{{band}}.tif`",
            named(path)
        ),
    ))
}

/// What a folder holds.
#[derive(Default)]
struct Found {
    /// Folders of products, then archives, each by name.
    products: Vec<PathBuf>,
    /// Files that may be scenes and are not part of a product.
    others: Vec<PathBuf>,
}

impl Found {
    fn search(&mut self, input: &str, folder: &Path, depth: usize) -> Result<(), SceneError> {
        let fail = |e: std::io::Error| SceneError::new(input, format!("{}: {e}", named(folder)));
        let entries = std::fs::read_dir(folder).map_err(fail)?;
        let mut entries: Vec<PathBuf> =
            entries.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>().map_err(fail)?;
        entries.sort();
        let mut archives = Vec::new();
        for entry in entries {
            if entry.is_dir() {
                if safe::looks_like_product(&entry) || safe::is_product(&entry) {
                    self.products.push(entry);
                } else if depth > 0 {
                    self.search(input, &entry, depth - 1)?;
                }
            } else if has_ending(&entry, &["zip"])
                && (safe::looks_like_product(&entry) || safe::holds_product(&entry))
            {
                archives.push(entry);
            } else if has_ending(&entry, &RASTERS) {
                self.others.push(entry);
            }
        }
        self.products.append(&mut archives);
        Ok(())
    }

    /// Says which files are left out of a folder, and why.
    fn tell_others(&self, folder: &Path, why: &str, notes: &mut Vec<String>) {
        let names: Vec<String> =
            self.others.iter().map(|f| f.strip_prefix(folder).unwrap_or(f).display().to_string()).collect();
        if !names.is_empty() {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let folder = named(folder);
            notes.push(format!(
                "{} files in {folder} are left out, as they are {why}: {}",
                names.len(),
                first_of(&names)
            ));
        }
    }

    /// The scenes of all products. A product and its archive are the same scene: the folder is read.
    fn scenes(&self, input: &str, notes: &mut Vec<String>) -> Result<Vec<Scene>, SceneError> {
        let folders_first = |path: &&PathBuf| !path.is_dir();
        let mut products: Vec<&PathBuf> = self.products.iter().collect();
        products.sort_by_key(folders_first);
        let mut scenes: Vec<Scene> = Vec::new();
        for product in products {
            for scene in safe::scenes(input, product)? {
                match scenes.iter().find(|known| known.id == scene.id) {
                    Some(known) => notes.push(format!(
                        "{} is left out, as it is scene `{}` of {} again",
                        scene.path, scene.id, known.path
                    )),
                    None => scenes.push(scene),
                }
            }
        }
        // In the order of their names, wherever they were found.
        scenes.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(scenes)
    }
}

fn stac_file(input: &str, path: &Path) -> Result<Vec<Scene>, SceneError> {
    let fail = |e: String| SceneError::new(input, format!("{}: {e}", named(&path)));
    let size = std::fs::metadata(path).map_err(|e| fail(e.to_string()))?.len();
    if size > MAX_JSON {
        return Err(fail(format!("is larger than {} MB", MAX_JSON >> 20)));
    }
    let bytes = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    let document = serde_json::from_slice(&crate::text::unmarked(&bytes))
        .map_err(|e| fail(format!("is not JSON: {e}")))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    stac::scenes(input, &document, &Base::Folder(folder.to_owned()))
}
