//! What every reader of scenes finds: one acquisition with its bands and masks, as files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::crs::Crs;
use crate::cube::{Band, CloudMask};
use crate::io::fetch::joined;
use crate::io::raster_file::Place;
use crate::named::named;

/// Why scenes could not become a cube.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SceneError {
    /// The input, such as `cube[1].features[3].assets.B05`.
    pub path: String,
    /// What is wrong and the way out.
    pub message: String,
}

impl SceneError {
    /// An error at an input.
    pub fn new(path: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self { path: path.into(), message: message.to_string() }
    }
}

/// One band of one scene.
#[derive(Clone, Debug)]
pub struct Asset {
    /// The input it stands in.
    pub path: String,
    /// The file.
    pub place: Place,
    /// The band of the file, from 1.
    pub band: usize,
    /// Reflectance = DN x scale + offset. Without it that of the file's band, else 0.0001 for whole
    /// numbers and 1 for floats.
    pub scale: Option<f64>,
    /// Without it that of the file's band, else [`Scene::offset`] for whole numbers and 0 for floats.
    pub offset: Option<f64>,
    /// DN that is no measurement, besides the file's own and 0.
    pub nodata: Option<f64>,
    /// Whether scale, offset and nodata stand in the metadata of the product itself.
    pub certain: bool,
}

impl Asset {
    /// The only band of a file, with nothing known about its values.
    pub fn plain(path: impl Into<String>, place: Place) -> Self {
        Self { path: path.into(), place, band: 1, scale: None, offset: None, nodata: None, certain: false }
    }
}

/// How a mask says that a pixel is unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskKind {
    /// Bits 10 (opaque clouds) and 11 (cirrus) [Z].
    Qa60,
    /// Scene classification: nodata, saturated, cloud shadow, clouds, cirrus, snow.
    Scl,
}

impl MaskKind {
    /// The code outside a mask's file and in its absent tiles.
    pub const OUTSIDE: u16 = 0;

    /// The mask of an asset key or a file name part (`QA60`, `scl`).
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "qa60" => Some(Self::Qa60),
            "scl" => Some(Self::Scl),
            _ => None,
        }
    }

    /// Whether this mask is among those that were asked for.
    pub fn asked(self, wanted: CloudMask) -> bool {
        match wanted {
            CloudMask::Both => true,
            CloudMask::Qa60 => self == Self::Qa60,
            CloudMask::Scl => self == Self::Scl,
            CloudMask::None => false,
        }
    }

    /// Whether a code means that the pixel must not be used.
    pub fn hides(self, code: u16) -> bool {
        match self {
            Self::Qa60 => code & 0b1100_0000_0000 != 0,
            Self::Scl => matches!(code, 0 | 1 | 3 | 8..=11),
        }
    }

    /// [`MaskKind::hides`] of every code that bits or classes can tell apart.
    pub fn table(self) -> Vec<bool> {
        let codes = match self {
            Self::Qa60 => 0..=u16::MAX,
            Self::Scl => 0..=255,
        };
        codes.map(|code| self.hides(code)).collect()
    }
}

/// One acquisition.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The input it stands in, such as `cube.features[3]`.
    pub path: String,
    /// Its id.
    pub id: String,
    /// Its day (UTC).
    pub date: jiff::civil::Date,
    /// Cloud cover in percent.
    pub cloud_cover: Option<f32>,
    /// Level-1C: top of atmosphere.
    pub top_of_atmosphere: bool,
    /// Reflectance offset of whole numbers where nothing else tells it: -0.1 for Sentinel-2 since
    /// baseline 04.00. `None` where the baseline is not known.
    pub offset: Option<f64>,
    /// Whether the catalogue says that the offset is subtracted from the pixels already.
    pub offset_applied: bool,
    /// CRS of its files where they carry none.
    pub crs: Option<Crs>,
    /// Its bands.
    pub bands: BTreeMap<Band, Asset>,
    /// Its masks.
    pub masks: Vec<(MaskKind, Asset)>,
    /// Names of what it has, for messages.
    pub available: String,
}

/// Satellite and tile in an id: `S2B_20EPT_20250731_0_L1C`, `S2A_MSIL2A_..._T49RGL_...`.
static SATELLITE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("(?i)(?:^|_)(S2[A-Z])_").expect("a constant pattern"));
/// See [`SATELLITE`].
static TILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)_T?(\d\d[C-HJ-NP-X][A-HJ-NP-Z][A-HJ-NP-V])(?:_|$)").expect("a constant pattern")
});

impl Scene {
    /// Satellite, tile and day: what the levels of one acquisition have in common.
    pub fn acquisition(&self) -> Option<(String, String, jiff::civil::Date)> {
        let part = |pattern: &Regex| Some(pattern.captures(&self.id)?[1].to_ascii_uppercase());
        Some((part(&SATELLITE)?, part(&TILE)?, self.date))
    }
}

/// Where a scene's links lead: relative to a folder or to the link of the document.
#[derive(Clone, Debug)]
pub enum Base {
    /// A local folder.
    Folder(PathBuf),
    /// The link of the document itself: nothing in it leads to files.
    Link(String),
    /// Nowhere: a document by value from elsewhere. Nothing in it leads to files either.
    Nowhere,
}

impl Base {
    /// Follows a link of the document.
    ///
    /// # Errors
    /// [`SceneError`] for schemes that are not served here.
    pub fn resolve(&self, path: &str, href: &str) -> Result<Place, SceneError> {
        let plain = href.split('?').next().unwrap_or(href);
        let name = if plain.contains('/') { named(plain).to_string() } else { plain.to_owned() };
        let refuse = |why: &str| Err(SceneError::new(path, format!("`{name}`: {why}")));
        if href.trim().is_empty() {
            return refuse("an empty link");
        }
        if href.starts_with("/vsi") || has_ending(Path::new(href), &["vrt"]) {
            return refuse("virtual files are not read; give the path or http(s) link of the raster itself");
        }
        if let Some((scheme, rest)) = href.split_once("://") {
            return match scheme {
                "http" | "https" => Ok(Place::Link(href.to_owned())),
                "file" if matches!(self, Self::Folder(_)) => Ok(Place::File(decoded(PathBuf::from(rest)))),
                _ => refuse(
                    "only paths and http(s) links are read; use the asset's https link, or download it",
                ),
            };
        }
        match self {
            Self::Folder(folder) => Ok(Place::File(decoded(folder.join(href)))),
            Self::Link(link) => match joined(link, href) {
                Some(link) => Ok(Place::Link(link)),
                None => refuse("leads nowhere"),
            },
            Self::Nowhere => refuse("by value, only whole http(s) links are read"),
        }
    }
}

/// The path as it stands, or with its percent codes resolved where only that file exists.
fn decoded(path: PathBuf) -> PathBuf {
    let text = path.to_string_lossy();
    if path.exists() || !text.contains('%') {
        return path;
    }
    let plain = PathBuf::from(percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned());
    if plain.exists() { plain } else { path }
}

/// A file's name without regard to case; `ends` and prefixes are compared in lower case.
pub fn lower_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// Whether a file has one of these endings (lower case, without the dot).
pub fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|e| endings.iter().any(|ending| e.eq_ignore_ascii_case(ending)))
}

/// The files below a folder, sorted, at most so many folders deep.
///
/// # Errors
/// [`SceneError`] where a folder cannot be listed.
pub fn list_files(path: &str, folder: &Path, depth: usize) -> Result<Vec<PathBuf>, SceneError> {
    let fail = |e: std::io::Error| SceneError::new(path, format!("{}: {e}", named(&folder)));
    let mut entries =
        std::fs::read_dir(folder).map_err(fail)?.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.path();
        if !entry.is_dir() {
            files.push(entry);
        } else if depth > 0 {
            files.extend(list_files(path, &entry, depth - 1)?);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_from_where_they_stand() {
        let base = Base::Link("http://host:80/a/b/items.json?key=1".to_owned());
        for (href, place) in [
            ("x/B05.tif", "http://host:80/a/b/x/B05.tif"),
            ("./x.tif", "http://host:80/a/b/x.tif"),
            ("../x.tif", "http://host:80/a/x.tif"),
            ("/x.tif", "http://host:80/x.tif"),
            ("https://other/x.tif", "https://other/x.tif"),
        ] {
            assert_eq!(base.resolve("cube", href).unwrap(), Place::Link(place.to_owned()));
        }
        let base = Base::Folder(PathBuf::from("/data"));
        assert_eq!(base.resolve("cube", "a/B05.tif").unwrap(), Place::File(PathBuf::from("/data/a/B05.tif")));
        for href in ["s3://bucket/x.tif", "/vsicurl/http://x", "x.vrt", ""] {
            let error = base.resolve("cube.features[3].assets.B05", href).unwrap_err();
            assert_eq!(error.path, "cube.features[3].assets.B05");
        }
        for base in [Base::Nowhere, Base::Link("http://host/items.json".to_owned())] {
            assert!(base.resolve("cube", "file:///etc/passwd").is_err());
            assert_eq!(
                base.resolve("cube", "http://host/x.tif").unwrap(),
                Place::Link("http://host/x.tif".to_owned())
            );
        }
        assert!(Base::Nowhere.resolve("cube", "/etc/passwd").is_err());
    }
}
