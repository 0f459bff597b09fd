//! A folder of GeoTIFFs whose names tell date and band by a pattern.
//!
//! `{date:%Y%m%d}` is a date by `%Y %y %m %d %j`; `{date}` alone takes `20220105`, `2022-01-05`,
//! `2022_01_05` and `2022005`. `{band}` is a band or mask name (`B05`, `rededge1`, `SCL`). `*` is
//! any text, and any other `{name}` is text that tells scenes of one day apart (`{tile}`).
//! `.tif` stands for `.tiff` and `.TIF` as well.
//! Without `{band}` a file holds several bands, named by its band descriptions or by the list.

use std::collections::BTreeMap;
use std::path::Path;

use regex::Regex;

use super::scene::{Asset, MaskKind, Scene, SceneError, has_ending, list_files};
use super::{Location, first_of};
use crate::cube::Band;
use crate::io::raster_file::{Place, RasterFile};
use crate::named::named;

/// Sentinel-2's baseline 04.00 and with it the offset came on this day: DN of later days may have it.
const FIRST_OFFSET: jiff::civil::Date = jiff::civil::date(2022, 1, 25);

/// Endings of files that may be bands, and are told where they are left out.
const RASTERS: [&str; 3] = ["tif", "tiff", "jp2"];

/// The usual spellings, tried in this order.
const USUAL: [&str; 4] = ["%Y-%m-%d", "%Y_%m_%d", "%Y%m%d", "%Y%j"];

struct Pattern {
    regex: Regex,
    formats: Vec<String>,
    has_band: bool,
    depth: usize,
}

/// Reads the scenes of a folder by the location's pattern.
///
/// # Errors
/// [`SceneError`] for a pattern without a date, names that fit none, or bands without a name.
pub fn scenes(
    input: &str,
    folder: &Path,
    location: &Location,
    notes: &mut Vec<String>,
) -> Result<Vec<Scene>, SceneError> {
    let text = location.pattern.as_deref().unwrap_or_default();
    let pattern = parse(&format!("{input}.pattern"), text)?;
    let listed = location
        .bands
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let unknown =
                || SceneError::new(format!("{input}.bands[{i}]"), format!("`{name}` is no known band"));
            Band::parse(name).ok_or_else(unknown)
        })
        .collect::<Result<Vec<_>, _>>()?;

    let mut found: BTreeMap<(jiff::civil::Date, String), Scene> = BTreeMap::new();
    let (mut unknown, mut unfit, mut deeper) = (Vec::new(), Vec::new(), Vec::new());
    // A folder deeper too, to tell what is there.
    let files = list_files(input, folder, pattern.depth + 1)?;
    for file in &files {
        let Some(name) = file.strip_prefix(folder).ok().and_then(Path::to_str) else { continue };
        let Some(captures) = pattern.regex.captures(name) else {
            if name.split_once('/').is_some_and(|(_, rest)| pattern.regex.is_match(rest)) {
                deeper.push(name);
            } else if has_ending(file, &RASTERS) && name.matches('/').count() <= pattern.depth {
                unfit.push(name);
            }
            continue;
        };
        let path = format!("{input} ({name})");
        let written = &captures["date"];
        let date = pattern.formats.iter().find_map(|f| jiff::civil::Date::strptime(f, written).ok());
        let date = date.ok_or_else(|| SceneError::new(&path, format!("`{written}` is not a date")))?;
        let group = pattern.regex.capture_names().flatten().filter(|n| n.starts_with("by_"));
        let group = group.map(|n| captures[n].to_owned()).collect::<Vec<_>>().join("_");
        let scene = found.entry((date, group.clone())).or_insert_with(|| Scene {
            path: path.clone(),
            id: [date.to_string(), group].join("_").trim_end_matches('_').to_owned(),
            date,
            cloud_cover: None,
            top_of_atmosphere: false,
            offset: (date < FIRST_OFFSET).then_some(0.0),
            offset_applied: false,
            crs: None,
            bands: BTreeMap::new(),
            masks: Vec::new(),
            available: String::new(),
        });
        let place = Place::File(file.clone());
        let with = |band: usize| Asset {
            band,
            scale: location.scale,
            offset: location.offset,
            ..Asset::plain(&path, place.clone())
        };
        let mut add = |name: &str, band: Option<Band>, asset: Asset| {
            if let Some(kind) = MaskKind::parse(name) {
                scene.masks.push((kind, asset));
            } else if let Some(band) = band {
                if let Some(first) = scene.bands.get(&band) {
                    let message = format!("band {band} of {date} is given twice (first as {})", first.place);
                    return Err(SceneError::new(&path, message));
                }
                scene.bands.insert(band, asset);
            }
            Ok(())
        };
        if pattern.has_band {
            let name = &captures["band"];
            let band = Band::parse(name);
            if band.is_none() && MaskKind::parse(name).is_none() {
                unknown.push(name.to_owned());
            }
            add(name, band, with(1))?;
        } else if listed.is_empty() {
            let header = RasterFile::open(&place, None).map_err(|e| SceneError::new(&path, e))?;
            for (i, name) in header.descriptions.iter().enumerate() {
                add(name, Band::parse(name), with(i + 1))?;
            }
        } else {
            for (i, &band) in listed.iter().enumerate() {
                add(band.common_name(), Some(band), with(i + 1))?;
            }
        }
    }
    if found.is_empty() {
        if let Some(first) = deeper.first() {
            let message = format!(
                "no file in {} fits `{text}`, but {} in folders below do, such as `{first}`: begin the pattern with `*/`",
                named(folder),
                deeper.len()
            );
            return Err(SceneError::new(format!("{input}.pattern"), message));
        }
        let example = files.iter().find_map(|f| f.strip_prefix(folder).ok()).map(|f| named(&f).to_string());
        let example = example.map_or("the folder is empty".to_owned(), |e| format!("the first is `{e}`"));
        let message = format!("none of {} files in {} fits `{text}`; {example}", files.len(), named(&folder));
        return Err(SceneError::new(format!("{input}.pattern"), message));
    }
    unknown.sort();
    unknown.dedup();
    let mut left_out = |names: &[&str], why: &str| {
        if !names.is_empty() {
            let (count, folder) = (names.len(), named(folder));
            notes.push(format!("{count} files in {folder} are left out, as {why}: {}", first_of(names)));
        }
    };
    left_out(&unfit, &format!("their names do not fit `{text}`"));
    left_out(&deeper, "they lie in folders below, which a pattern that begins with `*/` reads");
    if !unknown.is_empty() {
        let names: Vec<&str> = unknown.iter().map(String::as_str).collect();
        notes.push(format!("files whose `{{band}}` is no known band are left out: {}", first_of(&names)));
    }
    let mut scenes: Vec<Scene> = found.into_values().collect();
    for scene in &mut scenes {
        let names = scene.bands.keys().map(Band::to_string).collect::<Vec<_>>().join(", ");
        scene.available = if names.is_empty() { "no known band".to_owned() } else { names };
        if scene.bands.is_empty() {
            let why = if pattern.has_band {
                format!("`{{band}}` found only {}", unknown.join(", "))
            } else {
                "its bands have no descriptions; list them as `bands`, such as [\"B04\", \"B05\", \"B08\"]"
                    .to_owned()
            };
            return Err(SceneError::new(&scene.path, format!("no known band: {why}")));
        }
    }
    Ok(scenes)
}

fn parse(path: &str, text: &str) -> Result<Pattern, SceneError> {
    let mut regex = String::from("^");
    let (mut formats, mut has_band) = (Vec::new(), false);
    let mut rest = text.trim_start_matches("./");
    let depth = rest.matches('/').count();
    while let Some(special) = rest.find(['{', '*']) {
        regex.push_str(&regex::escape(&rest[..special]));
        rest = &rest[special..];
        if let Some(after) = rest.strip_prefix('*') {
            regex.push_str("[^/]*");
            rest = after;
            continue;
        }
        let end =
            rest.find('}').ok_or_else(|| SceneError::new(path, format!("`{text}`: a `{{` is not closed")))?;
        let name = &rest[1..end];
        rest = &rest[end + 1..];
        match name.split_once(':').unwrap_or((name, "")) {
            ("date", _) if !formats.is_empty() => {
                return Err(SceneError::new(path, format!("`{text}`: {{date}} may stand once")));
            }
            ("date", "") => {
                formats = USUAL.map(str::to_owned).to_vec();
                regex.push_str(r"(?<date>\d{4}-\d\d-\d\d|\d{4}_\d\d_\d\d|\d{8}|\d{7})");
            }
            ("date", format) => {
                regex += &["(?<date>", &date_regex(path, format)?, ")"].concat();
                formats = vec![format.to_owned()];
            }
            ("band", "") => {
                has_band = true;
                regex.push_str("(?<band>[A-Za-z0-9]+)");
            }
            (other, "") if other.chars().all(|c| c.is_ascii_alphanumeric()) && !other.is_empty() => {
                regex += &["(?<by_", other, ">[^/]+?)"].concat();
            }
            _ => return Err(SceneError::new(path, format!("`{text}`: {{{name}}} is not understood"))),
        }
    }
    // Whichever way the ending is written.
    let lower = rest.to_ascii_lowercase();
    match [".tiff", ".tif"].iter().find(|ending| lower.ends_with(*ending)) {
        Some(ending) => {
            regex.push_str(&regex::escape(&rest[..rest.len() - ending.len()]));
            regex.push_str(r"\.(?i:tiff?)");
        }
        None => regex.push_str(&regex::escape(rest)),
    }
    regex.push('$');
    if formats.is_empty() {
        let hint = "it needs {date} or {date:%Y%m%d}, as in `S2_{date:%Y%m%d}_{band}.tif`";
        return Err(SceneError::new(path, format!("`{text}`: {hint}")));
    }
    let regex = Regex::new(&regex).map_err(|e| SceneError::new(path, format!("`{text}`: {e}")))?;
    Ok(Pattern { regex, formats, has_band, depth })
}

fn date_regex(path: &str, format: &str) -> Result<String, SceneError> {
    let mut regex = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            regex.push_str(&regex::escape(&letter.to_string()));
            continue;
        }
        regex.push_str(match letters.next() {
            Some('Y') => r"\d{4}",
            Some('j') => r"\d{3}",
            Some('y' | 'm' | 'd' | 'H' | 'M' | 'S') => r"\d\d",
            other => {
                let other = other.map_or(String::new(), String::from);
                let message =
                    format!("`%{other}` in {{date:{format}}} is not one of %Y %y %m %d %j %H %M %S");
                return Err(SceneError::new(path, message));
            }
        });
    }
    Ok(regex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_date_and_band_in_names() {
        let read = |pattern: &str, name: &str| {
            let pattern = parse("p", pattern).unwrap();
            let found = pattern.regex.captures(name)?;
            let date =
                pattern.formats.iter().find_map(|f| jiff::civil::Date::strptime(f, &found["date"]).ok())?;
            Some((date.to_string(), found.name("band").map(|b| b.as_str().to_owned())))
        };
        let july = |band: Option<&str>| Some(("2022-07-05".to_owned(), band.map(str::to_owned)));
        assert_eq!(read("S2_{date:%Y%m%d}_{band}.tif", "S2_20220705_B05.tif"), july(Some("B05")));
        assert_eq!(read("{date}/{band}.tif", "2022-07-05/SCL.tif"), july(Some("SCL")));
        assert_eq!(read("*_{date}_{tile}.tif", "x_2022186_T48P.tif"), july(None));
        assert_eq!(read("{date:%d%m%y}.tif", "050722.tif"), july(None));
        assert_eq!(read("S2_{date:%Y%m%d}_{band}.tif", "S2_20220705_B05.tiff"), july(Some("B05")));
        assert_eq!(read("S2_{date:%Y%m%d}_{band}.tiff", "S2_20220705_B05.TIF"), july(Some("B05")));
        assert_eq!(read("S2_{date:%Y%m%d}_{band}.tif", "S2_20220705_B05.jp2"), None);
    }

    #[test]
    fn bad_patterns_are_refused_with_the_way_out() {
        for (pattern, word) in
            [("{band}.tif", "{date}"), ("{date", "closed"), ("{date:%Q}", "%Q"), ("{date}{date}", "once")]
        {
            let error = parse("cube.pattern", pattern).err().unwrap();
            assert!(error.message.contains(word), "{error}");
        }
    }
}
