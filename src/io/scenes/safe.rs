//! Sentinel-2 SAFE products, as ESA lays them out: a folder or its zip archive.
//!
//! Reflectance = (DN + `BOA_ADD_OFFSET`) / `BOA_QUANTIFICATION_VALUE`, both from
//! `MTD_MSIL2A.xml`; products before baseline 04.00 have no offset. Of each band the finest
//! JPEG 2000 file is taken; the scene classification masks clouds.

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
const MAX_XML: u64 = 32 << 20;

/// `T49RFL_20190401T030541_B05_20m.jp2`; older products put `L2A_` before it, Level-1C has no
/// resolution in it.
static IMAGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|_)(B\d[\dA]|SCL)(?:_(\d\d)m)?\.jp2$").expect("a constant pattern"));

/// Whether a folder is a product.
pub fn is_product(folder: &Path) -> bool {
    ["MTD_MSIL2A.xml", "MTD_MSIL1C.xml"].iter().any(|name| folder.join(name).is_file())
}

/// Whether a name says that it is one (`….SAFE`, `….SAFE.zip`, `S2A_MSIL2A_….zip`).
pub fn looks_like_product(path: &Path) -> bool {
    let name = lower_name(path);
    has_ending(path, &["safe"])
        || (has_ending(path, &["zip"]) && name.starts_with("s2") && name.contains("_msil"))
}

/// A product's files, in a folder or an archive.
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

/// Reads a product's metadata.
///
/// # Errors
/// [`SceneError`] naming the file that is missing or malformed.
pub fn scene(input: &str, location: &Path) -> Result<Scene, SceneError> {
    let name = location.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let path = format!("{input} ({name})");
    let product =
        if location.is_dir() { Product::Folder(location.into()) } else { Product::Archive(location.into()) };
    let files = product.files(&path)?;
    let named = |end: &str| files.iter().find(|f| f.rsplit('/').next() == Some(end)).cloned();
    let metadata = named("MTD_MSIL2A.xml").or_else(|| named("MTD_MSIL1C.xml")).ok_or_else(|| {
        SceneError::new(&path, "no MTD_MSIL2A.xml in it: not a Sentinel-2 SAFE product, or not complete")
    })?;
    let text = product.text(&path, &metadata)?;
    // DTDs are refused by the parser's defaults.
    let document = Document::parse(&text).map_err(|e| SceneError::new(&path, format!("{metadata}: {e}")))?;
    let find = |tag: &str| value(&document, tag);
    let need =
        |tag: &str| find(tag).ok_or_else(|| SceneError::new(&path, format!("{metadata}: has no {tag}")));

    let start = need("PRODUCT_START_TIME")?;
    let date = start.get(..10).and_then(|d| d.parse().ok());
    let date = date.ok_or_else(|| {
        SceneError::new(&path, format!("{metadata}: PRODUCT_START_TIME `{start}` is not a time"))
    })?;
    let level1 = metadata.ends_with("MTD_MSIL1C.xml");
    let quantification = if level1 { "QUANTIFICATION_VALUE" } else { "BOA_QUANTIFICATION_VALUE" };
    let quantification: f64 = need(quantification)?.parse().ok().filter(|q| *q > 0.0).ok_or_else(|| {
        SceneError::new(&path, format!("{metadata}: {quantification} is not a number above 0"))
    })?;
    let offsets = offsets(&document, if level1 { "RADIO_ADD_OFFSET" } else { "BOA_ADD_OFFSET" });
    let nodata = nodata(&document).unwrap_or(0.0);

    let mut finest: BTreeMap<String, (u32, String)> = BTreeMap::new();
    for file in files.iter().filter(|f| f.contains("IMG_DATA/")) {
        let Some(found) = IMAGE.captures(file) else { continue };
        let metres = found.get(2).and_then(|m| m.as_str().parse().ok()).unwrap_or(0);
        let key = found[1].to_owned();
        if finest.get(&key).is_none_or(|f| metres < f.0) {
            finest.insert(key, (metres, file.clone()));
        }
    }
    if finest.is_empty() {
        return Err(SceneError::new(
            &path,
            "no JPEG 2000 files under GRANULE/*/IMG_DATA: the product is not complete",
        ));
    }
    let available = finest.keys().cloned().collect::<Vec<_>>().join(", ");
    let mut bands = BTreeMap::new();
    let mut masks = Vec::new();
    for (key, (_, file)) in finest {
        let mut asset = Asset::plain(format!("{path}: {file}"), product.place(&file));
        if let Some(kind) = MaskKind::parse(&key) {
            masks.push((kind, asset));
        } else if let Some(band) = Band::parse(&key) {
            let offset = offsets.get(&band).copied().unwrap_or(0.0);
            asset.scale = Some(1.0 / quantification);
            asset.offset = Some(offset / quantification);
            asset.nodata = Some(nodata);
            bands.insert(band, asset);
        }
    }
    let id = find("PRODUCT_URI").unwrap_or(name);
    Ok(Scene {
        id: id.trim_end_matches(".SAFE").to_owned(),
        date,
        cloud_cover: find("Cloud_Coverage_Assessment").and_then(|c| c.parse().ok()),
        top_of_atmosphere: level1,
        default_offset: 0.0,
        crs: None,
        bands,
        masks,
        available: format!("{available} ({})", named::named(product.location())),
        path,
    })
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
