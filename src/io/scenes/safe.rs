//! Sentinel-2 SAFE products, as ESA lays them out: a folder or its zip archive.
//!
//! Reflectance = (DN + `BOA_ADD_OFFSET`) / `BOA_QUANTIFICATION_VALUE`, both from
//! `MTD_MSIL2A.xml`; products before baseline 04.00 have no offset. Of each band the finest
//! JPEG 2000 file is taken; the scene classification masks clouds. Products of 2015 to 2018 have
//! other names and members, and may hold the granules of many tiles, each of which is a scene.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use roxmltree::{Document, Node};

use super::scene::{Asset, MaskKind, Scene, SceneError, has_ending, list_files, lower_name};
use crate::cube::Band;
use crate::io::raster_file::Place;
use crate::named;
use crate::text::xml;

/// Metadata files are some hundred kB; more than this is a mistake (bytes).
pub(super) const MAX_XML: u64 = 32 << 20;

/// `T49RFL_20190401T030541_B05_20m.jp2`; Level-2A of 2017 and 2018 puts `L2A_` before it. Level-1C
/// has no resolution in it.
static IMAGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|_)(B\d[\dA]|SCL)(?:_(\d\d)m)?\.jp2$").expect("a constant pattern"));
/// Before: `S2A_USER_SCL_L2A_TL_EPA__20160504T..._A004521_T49RGL_20m.jp2`.
static OLD_CLASSES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"_(SCL)_L2A_TL_.*_(\d\d)m\.jp2$").expect("a constant pattern"));

/// `MTD_MSIL2A.xml`; until 2016 `S2A_OPER_MTD_SAFL1C_PDMC_....xml` and `S2A_USER_MTD_SAFL2A_....xml`.
static METADATA: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:MTD_MSI|S2[A-Z]_(?:OPER|USER)_MTD_SAF)(L1C|L2A)(?:_.*)?\.xml$")
        .expect("a constant pattern")
});

/// `..._T49RGL...` in the name of a granule.
static TILE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"_(T\d\d[A-Z]{3})(?:_|$)").expect("a constant pattern"));

/// The level that a metadata file of a product is of.
fn level_of(file: &str) -> Option<&'static str> {
    let found = METADATA.captures(file.rsplit('/').next()?)?;
    Some(if &found[1] == "L1C" { "L1C" } else { "L2A" })
}

/// Whether a folder is a product: whatever its name, it holds the product's metadata.
pub fn is_product(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|e| e.file_name().to_str().is_some_and(|name| level_of(name).is_some()))
}

/// Whether a name says that it is a product (`….SAFE`, `….SAFE.zip`, `S2A_MSIL2A_….zip`).
pub fn looks_like_product(path: &Path) -> bool {
    let name = lower_name(path);
    has_ending(path, &["safe"])
        || (has_ending(path, &["zip"]) && name.starts_with("s2") && name.contains("_msil"))
}

/// Whether an archive holds a product.
pub fn holds_product(zip: &Path) -> bool {
    let Ok(file) = File::open(zip) else { return false };
    zip::ZipArchive::new(file).is_ok_and(|archive| {
        archive.file_names().any(|name| name.is_ok_and(|name| level_of(&name).is_some()))
    })
}

/// A product's files, in a folder or an archive, which may hold several products.
enum Product {
    Folder(PathBuf),
    Archive(PathBuf),
}

impl Product {
    fn files(&self, path: &str) -> Result<Vec<String>, SceneError> {
        match self {
            Self::Folder(folder) => Ok(list_files(path, folder, 6)?
                .iter()
                .filter_map(|f| f.strip_prefix(folder).ok())
                .map(|f| f.to_string_lossy().into_owned())
                .collect()),
            Self::Archive(zip) => {
                let archive = self.archive(path)?;
                let mut names = archive
                    .file_names()
                    .map(|n| n.map(std::borrow::Cow::into_owned))
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|e| SceneError::new(path, format!("{}: {e}", named::named(&zip))))?;
                names.sort();
                Ok(names)
            }
        }
    }

    fn archive(&self, path: &str) -> Result<zip::ZipArchive<File>, SceneError> {
        let (Self::Folder(zip) | Self::Archive(zip)) = self;
        let fail = |e: String| {
            SceneError::new(path, format!("{}: cannot be read as a zip archive: {e}", named::named(&zip)))
        };
        zip::ZipArchive::new(File::open(zip).map_err(|e| fail(e.to_string()))?)
            .map_err(|e| fail(e.to_string()))
    }

    fn text(&self, path: &str, name: &str) -> Result<String, SceneError> {
        let fail = |e: std::io::Error| SceneError::new(path, format!("{name}: {e}"));
        let mut bytes = Vec::new();
        let read = match self {
            Self::Folder(folder) => {
                File::open(folder.join(name)).map_err(fail)?.take(MAX_XML + 1).read_to_end(&mut bytes)
            }
            Self::Archive(_) => {
                let mut archive = self.archive(path)?;
                let file =
                    archive.by_name(name).map_err(|e| SceneError::new(path, format!("{name}: {e}")))?;
                file.take(MAX_XML + 1).read_to_end(&mut bytes)
            }
        };
        if read.map_err(fail)? as u64 > MAX_XML {
            return Err(SceneError::new(path, format!("{name}: larger than {} MB", MAX_XML >> 20)));
        }
        let text = xml(&bytes, None).map_err(|e| SceneError::new(path, format!("{name}: {e}")))?;
        Ok(text.into_owned())
    }

    fn place(&self, name: &str) -> Place {
        match self {
            Self::Folder(folder) => Place::File(folder.join(name)),
            Self::Archive(zip) => Place::Zipped(zip.clone(), name.to_owned()),
        }
    }

    fn location(&self) -> &Path {
        let (Self::Folder(path) | Self::Archive(path)) = self;
        path
    }
}

/// Reads the products of a folder or an archive: a scene for each product and granule.
///
/// # Errors
/// [`SceneError`] naming the file that is missing or malformed.
pub fn scenes(input: &str, location: &Path) -> Result<Vec<Scene>, SceneError> {
    let name = location.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let path = format!("{input} ({name})");
    let product =
        if location.is_dir() { Product::Folder(location.into()) } else { Product::Archive(location.into()) };
    let files = product.files(&path)?;
    let metadata: Vec<&String> = files.iter().filter(|f| level_of(f).is_some()).collect();
    if metadata.is_empty() {
        let why = "no MTD_MSIL2A.xml in it: not a Sentinel-2 SAFE product, or not complete";
        return Err(SceneError::new(path, why));
    }
    let root = |file: &str| file.rfind('/').map_or(0, |end| end + 1);
    let mut scenes = Vec::new();
    for file in &metadata {
        let root_here = &file[..root(file)];
        let mut own: Vec<&str> =
            files.iter().filter(|f| f.starts_with(root_here)).map(String::as_str).collect();
        // Products of both levels in one folder: images of Level-1C have no resolution in their names.
        if metadata.iter().filter(|f| &f[..root(f)] == root_here).count() > 1 {
            let level1 = level_of(file) == Some("L1C");
            own.retain(|f| IMAGE.captures(f).is_none_or(|found| found.get(2).is_none() == level1));
        }
        scenes.extend(read(&path, &name, &product, file, &own)?);
    }
    Ok(scenes)
}

/// The scenes of the product with this metadata file.
fn read(
    path: &str,
    name: &str,
    product: &Product,
    metadata: &str,
    files: &[&str],
) -> Result<Vec<Scene>, SceneError> {
    let level1 = level_of(metadata) == Some("L1C");
    let text = product.text(path, metadata)?;
    // DTDs are refused by the parser's defaults.
    let document = Document::parse(&text).map_err(|e| SceneError::new(path, format!("{metadata}: {e}")))?;
    let find = |tag: &str| value(&document, tag);
    let need =
        |tag: &str| find(tag).ok_or_else(|| SceneError::new(path, format!("{metadata}: has no {tag}")));

    let start = need("PRODUCT_START_TIME")?;
    let date = start.get(..10).and_then(|d| d.parse().ok());
    let date = date.ok_or_else(|| {
        SceneError::new(path, format!("{metadata}: PRODUCT_START_TIME `{start}` is not a time"))
    })?;
    // Level-2A until 2018 (PSD 14.2) names its own members `L2A_`.
    let usual = if level1 { "QUANTIFICATION_VALUE" } else { "BOA_QUANTIFICATION_VALUE" };
    let quantification = match find("L2A_BOA_QUANTIFICATION_VALUE").filter(|_| !level1) {
        Some(found) => find(usual).unwrap_or(found),
        None => need(usual)?,
    };
    let quantification: f64 = quantification.parse().ok().filter(|q| *q > 0.0).ok_or_else(|| {
        SceneError::new(path, format!("{metadata}: {usual} `{quantification}` is not a number above 0"))
    })?;
    let id = find("PRODUCT_URI").or_else(|| find("PRODUCT_URI_2A").filter(|_| !level1));
    let id = id.unwrap_or_else(|| root_name(metadata).unwrap_or(name).to_owned());
    let reading = Reading {
        product,
        path,
        level1,
        quantification,
        offsets: offsets(&document, if level1 { "RADIO_ADD_OFFSET" } else { "BOA_ADD_OFFSET" }),
        nodata: nodata(&document).unwrap_or(0.0),
        id: id.trim_end_matches(".SAFE"),
        date,
        cloud_cover: find("Cloud_Coverage_Assessment").and_then(|c| c.parse().ok()),
    };
    // Products until 2016 hold the granules of many tiles.
    let mut granules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in files {
        if let Some((granule, _)) = file.split_once("/IMG_DATA/") {
            granules.entry(granule).or_default().push(file);
        }
    }
    let names: Vec<String> =
        granules.keys().map(|granule| granule_id(reading.id, granule, &granules)).collect();
    let scenes = granules.into_iter().zip(names).filter_map(|((_, files), id)| reading.scene(id, &files));
    let scenes: Vec<Scene> = scenes.collect();
    if scenes.is_empty() {
        return Err(SceneError::new(
            path,
            "no JPEG 2000 files under GRANULE/*/IMG_DATA: the product is not complete",
        ));
    }
    Ok(scenes)
}

/// The id of a granule: the product's, with the tile where there are several tiles, or with the
/// whole name where a tile has several granules.
fn granule_id(product: &str, granule: &str, all: &BTreeMap<&str, Vec<&str>>) -> String {
    fn name(granule: &str) -> &str {
        granule.rsplit('/').next().unwrap_or(granule)
    }
    fn tile(granule: &str) -> Option<&str> {
        TILE.captures(name(granule)).and_then(|found| Some(found.get(1)?.as_str()))
    }
    if all.len() == 1 {
        return product.to_owned();
    }
    match tile(granule) {
        Some(own) if all.keys().filter(|g| tile(g) == Some(own)).count() == 1 => format!("{product}_{own}"),
        _ => format!("{product}_{}", name(granule)),
    }
}

/// The folder that a file of an archive lies in.
fn root_name(file: &str) -> Option<&str> {
    file.rsplit('/').nth(1)
}

/// What the scenes of a product have in common.
struct Reading<'a> {
    product: &'a Product,
    path: &'a str,
    level1: bool,
    quantification: f64,
    offsets: BTreeMap<Band, f64>,
    nodata: f64,
    id: &'a str,
    date: jiff::civil::Date,
    cloud_cover: Option<f32>,
}

impl Reading<'_> {
    /// The scene of a granule with these files, where there are any images among them.
    fn scene(&self, id: String, files: &[&str]) -> Option<Scene> {
        let Self { path, level1, quantification, .. } = *self;
        let mut finest: BTreeMap<&str, (u32, &str)> = BTreeMap::new();
        for file in files {
            let Some(found) = IMAGE.captures(file).or_else(|| OLD_CLASSES.captures(file)) else { continue };
            let metres = found.get(2).and_then(|m| m.as_str().parse().ok()).unwrap_or(0);
            let key = found.get(1)?.as_str();
            if finest.get(key).is_none_or(|f| metres < f.0) {
                finest.insert(key, (metres, file));
            }
        }
        if finest.is_empty() {
            return None;
        }
        let available = finest.keys().copied().collect::<Vec<_>>().join(", ");
        let mut bands = BTreeMap::new();
        let mut masks = Vec::new();
        for (key, (_, file)) in finest {
            let mut asset = Asset::plain(format!("{path}: {file}"), self.product.place(file));
            if let Some(kind) = MaskKind::parse(key) {
                masks.push((kind, asset));
            } else if let Some(band) = Band::parse(key) {
                let offset = self.offsets.get(&band).copied().unwrap_or(0.0);
                asset.scale = Some(1.0 / quantification);
                asset.offset = Some(offset / quantification);
                asset.nodata = Some(self.nodata);
                asset.certain = true;
                bands.insert(band, asset);
            }
        }
        Some(Scene {
            id,
            date: self.date,
            cloud_cover: self.cloud_cover,
            top_of_atmosphere: level1,
            offset: Some(0.0),
            offset_applied: false,
            crs: None,
            bands,
            masks,
            available: format!("{available} ({})", named::named(self.product.location())),
            path: path.to_owned(),
        })
    }
}

fn value(document: &Document, tag: &str) -> Option<String> {
    let node = document.descendants().find(|n| n.has_tag_name(tag) || n.tag_name().name() == tag)?;
    node.text().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
}

/// Offset in digital numbers of each band. `band_id` is the position in `Spectral_Information`.
fn offsets(document: &Document, tag: &str) -> BTreeMap<Band, f64> {
    /// The order of `bandId`, where the product does not spell it out.
    const ORDER: [&str; 13] =
        ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12"];
    let named = |tag: &'static str| document.descendants().filter(move |n| n.tag_name().name() == tag);
    let physical: BTreeMap<&str, &str> = named("Spectral_Information")
        .filter_map(|n| Some((n.attribute("bandId")?, n.attribute("physicalBand")?)))
        .collect();
    let band = |node: &Node| {
        let id = node.attribute("band_id")?;
        let name = physical.get(id).copied().or_else(|| ORDER.get(id.parse::<usize>().ok()?).copied())?;
        Band::parse(name)
    };
    document
        .descendants()
        .filter(|n| n.tag_name().name() == tag)
        .filter_map(|n| Some((band(&n)?, n.text()?.trim().parse().ok()?)))
        .collect()
}

/// `Special_Values` with the text NODATA.
fn nodata(document: &Document) -> Option<f64> {
    let special = document.descendants().filter(|n| n.tag_name().name() == "Special_Values");
    for node in special {
        let child = |tag: &str| node.children().find(|c| c.tag_name().name() == tag)?.text();
        if child("SPECIAL_VALUE_TEXT").map(str::trim) == Some("NODATA") {
            return child("SPECIAL_VALUE_INDEX")?.trim().parse().ok();
        }
    }
    None
}
