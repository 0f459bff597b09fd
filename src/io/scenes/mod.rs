//! From scenes to a [`DataCube`]: STAC collections, SAFE products, GF-6 folders and folders of
//! GeoTIFFs, several of them in one cube.
//!
//! * Scenes outside the dates, or at or above the cloud cover that is allowed, are left out and
//!   noted. A scene that does not tell its cloud cover is kept.
//! * The scenes of one day become one date. Where they overlap, a pixel comes from the first
//!   scene (in the order of the sources) that has most of the bands there.
//! * QA60 and SCL masks hide a pixel in every band of their scene; both apply where a scene has
//!   both. They are read by nearest neighbour.
//! * Pixels without a value are missing: nodata as declared, masks and alpha bands of the files, 0,
//!   fills of signed data, saturated ones, and reflectance that cannot be. What nobody declared is
//!   noted; a band whose values cannot be reflectance is refused.
//! * Reflectance is bilinear where pixels shrink and averaged where they grow.

mod baseline;
mod calibration;
mod folder;
mod geotiffs;
mod gf6;
mod grid;
mod links;
mod opened;
pub(super) mod reader;
pub(super) mod reflectance;
mod safe;
mod sample;
mod scene;
mod stac;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use serde_json::Value;

pub use links::{AnyLinks, Links};
pub use opened::OpenScenes;
pub use scene::SceneError;

use crate::crs::Crs;
use crate::cube::{Band, CloudMask, CubeRequest, DataCube};
use crate::io::raster_file::{Place, RasterFile};
use crate::named::named;
use scene::{Asset, Base, Scene};

/// Headers read at once from links, where waiting is all there is to it.
const LINK_THREADS: usize = 16;

/// Where scenes come from, and the name of the input in messages (`cube`, `cube[1]`).
#[derive(Clone, Debug)]
pub struct SceneSource {
    /// The input, for messages.
    pub input: String,
    /// What it is.
    pub kind: SourceKind,
}

/// A source of scenes.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// A STAC ItemCollection (or one Item) by value; its links are relative to the base folder.
    Items(Value),
    /// A path (relative to the base folder) or http(s) link.
    Location(Location),
}

/// A STAC file or link, a SAFE folder or zip, a GF-6 folder, or a folder of GeoTIFFs.
#[derive(Clone, Debug, Default)]
pub struct Location {
    /// Path or link.
    pub href: String,
    /// How file names of a folder of GeoTIFFs tell date and band: `S2_{date:%Y%m%d}_{band}.tif`.
    pub pattern: Option<String>,
    /// The bands of multi-band files, in order, where the files do not describe them.
    pub bands: Vec<String>,
    /// Reflectance = DN x scale + offset, for folders (default: that of the files' bands, else 0.0001;
    /// 1 for floats).
    pub scale: Option<f64>,
    /// See `scale` (default 0).
    pub offset: Option<f64>,
}

/// Opens a cube over all sources, on the grid that is asked for. Every file of the bands is
/// found and its header read; pixels are read by blocks, later.
///
/// # Errors
/// [`SceneError`] with the input and the way out: missing files, bands or members, Level-1C,
/// scenes given twice, nothing left after the filters, an area outside, a CRS without transform.
pub fn open_cube(
    sources: &[SceneSource],
    base_dir: &Path,
    request: &CubeRequest,
) -> Result<DataCube, SceneError> {
    open_cube_by(&AnyLinks::default(), sources, base_dir, request)
}

/// As [`open_cube`], following links in this way.
///
/// # Errors
/// As [`open_cube`].
pub fn open_cube_by(
    links: &dyn Links,
    sources: &[SceneSource],
    base_dir: &Path,
    request: &CubeRequest,
) -> Result<DataCube, SceneError> {
    OpenScenes::find(links, sources, base_dir, request)?.into_cube()
}

fn find_scenes(
    links: &dyn Links,
    source: &SceneSource,
    base_dir: &Path,
    notes: &mut Vec<String>,
) -> Result<Vec<Scene>, SceneError> {
    let input = &source.input;
    let location = match &source.kind {
        SourceKind::Items(document) => {
            let folder = || Base::Folder(base_dir.to_owned());
            let base = if links.values_name_files() { folder() } else { Base::Nowhere };
            return stac::scenes(input, document, &base);
        }
        SourceKind::Location(location) => location,
    };
    match Base::Folder(base_dir.to_owned()).resolve(input, &location.href)? {
        Place::Link(link) => {
            let document = links.json(&link).map_err(|e| SceneError::new(input, e))?;
            stac::scenes(input, &document, &Base::Link(link))
        }
        Place::File(path) => folder::scenes(input, &path, location, notes),
        Place::Zipped(..) => Err(SceneError::new(input, "not a path or link")),
    }
}

fn refuse_duplicates(scenes: &[Scene]) -> Result<(), SceneError> {
    let mut ids: HashMap<&str, &str> = HashMap::new();
    let mut files: HashMap<(&Place, usize), &str> = HashMap::new();
    for scene in scenes {
        if let Some(first) = ids.insert(&scene.id, &scene.path) {
            let message = format!("scene `{}` is given twice (first as {first}); remove one", scene.id);
            return Err(SceneError::new(&scene.path, message));
        }
        for asset in scene.bands.values() {
            if let Some(first) = files.insert((&asset.place, asset.band), &asset.path) {
                let message = format!("{} is given twice (first as {first}); remove one", asset.place);
                return Err(SceneError::new(&asset.path, message));
            }
        }
    }
    Ok(())
}

/// Leaves out the Level-1C scene of an acquisition whose Level-2A scene is there too, and says so.
fn prefer_level2(scenes: Vec<Scene>, notes: &mut Vec<String>) -> Vec<Scene> {
    let better: HashSet<_> =
        scenes.iter().filter(|s| !s.top_of_atmosphere).filter_map(Scene::acquisition).collect();
    let twin = |s: &Scene| s.top_of_atmosphere && s.acquisition().is_some_and(|a| better.contains(&a));
    let (left, kept): (Vec<_>, Vec<_>) = scenes.into_iter().partition(twin);
    if !left.is_empty() {
        let ids: Vec<&str> = left.iter().map(|s| s.id.as_str()).collect();
        notes.push(format!(
            "{} Level-1C scenes left out, as their Level-2A scenes are there: {}",
            left.len(),
            first_of(&ids)
        ));
    }
    kept
}

/// The first names of a list, for messages.
fn first_of(names: &[&str]) -> String {
    let shown = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 5 { format!("{shown}, ...") } else { shown }
}

/// Leaves out what the request does not want, and says so.
fn filter(
    input: &str,
    scenes: Vec<Scene>,
    request: &CubeRequest,
    all_notes: &mut Vec<String>,
) -> Result<Vec<Scene>, SceneError> {
    let total = scenes.len();
    let mut notes = Vec::new();
    let (mut kept, mut cloudy, mut outside) = (Vec::new(), Vec::new(), 0);
    for scene in scenes {
        if request.dates.is_some_and(|(first, last)| scene.date < first || scene.date > last) {
            outside += 1;
        } else if let (Some(limit), Some(cover)) = (request.max_cloud_cover, scene.cloud_cover)
            && cover >= limit
        {
            cloudy.push(scene.id);
        } else {
            kept.push(scene);
        }
    }
    if outside > 0 {
        notes.push(format!("{outside} of {total} scenes lie outside the dates that were asked for"));
    }
    if let Some(limit) = request.max_cloud_cover.filter(|_| !cloudy.is_empty()) {
        let ids: Vec<&str> = cloudy.iter().map(String::as_str).collect();
        notes.push(format!(
            "{} of {total} scenes left out: cloud cover of {limit} % or more ({})",
            cloudy.len(),
            first_of(&ids)
        ));
    }
    if kept.is_empty() {
        let why = if notes.is_empty() { "there are none".to_owned() } else { notes.join("; ") };
        return Err(SceneError::new(input, format!("no scene is left: {why}")));
    }
    all_notes.append(&mut notes);
    if !request.allow_top_of_atmosphere
        && let Some(raw) = kept.iter().find(|s| s.top_of_atmosphere)
    {
        return Err(SceneError::new(
            &raw.path,
            format!(
                "scene `{}` is Level-1C, top-of-atmosphere reflectance; use its Level-2A product (Sen2Cor makes \
                 one), or allow it with `allowTopOfAtmosphere: true`",
                raw.id
            ),
        ));
    }
    Ok(kept)
}

/// Leaves each scene the masks that were asked for.
///
/// # Errors
/// [`SceneError`] naming `cloudMask` where no scene has the one mask that was asked for.
fn choose_masks(scenes: &mut [Scene], wanted: CloudMask, notes: &mut Vec<String>) -> Result<(), SceneError> {
    for scene in &mut *scenes {
        scene.masks.retain(|(kind, _)| kind.asked(wanted));
    }
    let name = match wanted {
        CloudMask::None => {
            notes.push("clouds are not masked, as `cloudMask` is none".to_owned());
            return Ok(());
        }
        CloudMask::Both => "QA60 or SCL",
        CloudMask::Qa60 => "QA60",
        CloudMask::Scl => "SCL",
    };
    let maskless = scenes.iter().filter(|s| s.masks.is_empty()).count();
    if maskless == scenes.len() && wanted != CloudMask::Both {
        let message = format!("no scene has {name}; leave `cloudMask` away to use what there is");
        return Err(SceneError::new("cloudMask", message));
    }
    if maskless > 0 {
        notes.push(format!(
            "{maskless} of {} scenes have no {name}: their clouds are not masked",
            scenes.len()
        ));
    }
    Ok(())
}

/// The bands that were asked for, all of which every scene must have; or those that all have.
fn common_bands(input: &str, scenes: &[Scene], wanted: &[Band]) -> Result<Vec<Band>, SceneError> {
    if wanted.is_empty() {
        let common: Vec<Band> =
            Band::ALL.into_iter().filter(|b| scenes.iter().all(|s| s.bands.contains_key(b))).collect();
        if common.is_empty() {
            return Err(SceneError::new(input, "there is no band that every scene has"));
        }
        return Ok(common);
    }
    let mut bands: Vec<Band> = Vec::new();
    for &band in wanted {
        if let Some(scene) = scenes.iter().find(|s| !s.bands.contains_key(&band)) {
            return Err(SceneError::new(
                &scene.path,
                format!("scene `{}` has no band {band}; it has {}", scene.id, scene.available),
            ));
        }
        if !bands.contains(&band) {
            bands.push(band);
        }
    }
    Ok(bands)
}

/// Reads the headers of all files, several at a time.
fn open_files(
    links: &dyn Links,
    scenes: &[Scene],
    bands: &[Band],
) -> Result<HashMap<Place, Arc<RasterFile>>, SceneError> {
    let mut seen = HashSet::new();
    let mut wanted: Vec<(&Asset, Option<&Crs>)> = Vec::new();
    for scene in scenes {
        for asset in bands.iter().map(|b| &scene.bands[b]).chain(scene.masks.iter().map(|m| &m.1)) {
            if let Place::File(path) = &asset.place
                && !path.is_file()
            {
                return Err(SceneError::new(&asset.path, format!("there is no file {}", named(&path))));
            }
            if seen.insert(&asset.place) {
                wanted.push((asset, scene.crs.as_ref()));
            }
        }
    }
    let open = |(asset, crs): &(&Asset, Option<&Crs>)| {
        let fetched = match &asset.place {
            Place::Link(link) => Some(links.raster(link).map_err(|e| SceneError::new(&asset.path, e))?),
            Place::File(_) | Place::Zipped(..) => None,
        };
        let place = fetched.as_ref().unwrap_or(&asset.place);
        let file = RasterFile::open(place, *crs).map_err(|e| SceneError::new(&asset.path, e))?;
        Ok((asset.place.clone(), Arc::new(file)))
    };
    // The error of the first file in order, whichever thread is faster; what comes after it is left.
    let failed = Mutex::new(None::<(usize, SceneError)>);
    let first = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    let one = |(i, asset)| {
        if first().as_ref().is_some_and(|f| f.0 < i) {
            return None;
        }
        let keep = |error| {
            let mut first = first();
            if first.as_ref().is_none_or(|f| i < f.0) {
                *first = Some((i, error));
            }
        };
        open(asset).map_err(keep).ok()
    };
    let all = || wanted.par_iter().enumerate().filter_map(one).collect::<Vec<_>>();
    let opened = if wanted.iter().any(|(asset, _)| matches!(asset.place, Place::Link(_))) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(LINK_THREADS).build();
        pool.map_err(|e| SceneError::new("cube", e))?.install(all)
    } else {
        all()
    };
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(opened.into_iter().collect()),
    }
}
