//! Scenes of a STAC ItemCollection (1.0 and 1.1), by value, from a file or a link.
//!
//! Bands are found by `eo:bands` or `bands` (name, then common name), else by the asset's key:
//! ESA's `B05` or `B05_20m`, earth-search's `rededge1`. Scale, offset and nodata come from each
//! asset's `raster:bands` (or `bands`); the offset else from the scene's processing baseline.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::baseline::{ProcessingBaseline, flag};
use super::scene::{Asset, Base, MaskKind, Scene, SceneError};
use crate::crs::Crs;
use crate::cube::Band;

/// Reads the scenes of a collection.
///
/// # Errors
/// [`SceneError`] naming the member that is missing or malformed.
pub fn scenes(path: &str, document: &Value, base: &Base) -> Result<Vec<Scene>, SceneError> {
    let kind = document.get("type").and_then(Value::as_str).unwrap_or("nothing");
    match kind {
        "Feature" => Ok(vec![scene(path, document, base)?]),
        "FeatureCollection" => {
            let features = document.get("features").and_then(Value::as_array);
            let features = features
                .ok_or_else(|| SceneError::new(path, "a STAC ItemCollection needs a `features` array"))?;
            if features.is_empty() {
                return Err(SceneError::new(path, "the ItemCollection holds no items"));
            }
            let item = |(i, f): (usize, &Value)| scene(&format!("{path}.features[{i}]"), f, base);
            features.iter().enumerate().map(item).collect()
        }
        _ => Err(SceneError::new(
            path,
            format!(
                "expected a STAC ItemCollection (type `FeatureCollection`), found type `{kind}`; \
                 of a Catalog, Collection or API, save the items of a search as one ItemCollection"
            ),
        )),
    }
}

fn scene(path: &str, item: &Value, base: &Base) -> Result<Scene, SceneError> {
    let member = |name: &str| {
        item.get(name).ok_or_else(|| SceneError::new(path, format!("a STAC item needs the member `{name}`")))
    };
    let id = member("id")?;
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    let properties = member("properties")?
        .as_object()
        .ok_or_else(|| SceneError::new(format!("{path}.properties"), "must be an object"))?;
    let date = date(path, properties)?;
    let text = |key: &str| properties.get(key).and_then(Value::as_str).unwrap_or_default();
    let collection = item.get("collection").and_then(Value::as_str).unwrap_or_default();
    let level = [&id, collection, text("processing:level"), text("s2:product_type"), text("product:type")]
        .join(" ")
        .to_ascii_lowercase();
    let top_of_atmosphere = ["l1c", "level-1c", "msi1c", "level1c"].iter().any(|l| level.contains(l));
    let sensor = [&id, collection, text("platform"), text("constellation")].join(" ").to_ascii_lowercase();
    let gf6 = ["gf6", "gf-6", "gaofen-6", "gaofen6"].iter().any(|s| sensor.contains(s));
    let applied = offset_applied(path, properties)?;
    let sentinel2 =
        ["sentinel-2", "sentinel2", "sentinel 2", "s2a_", "s2b_", "s2c_"].iter().any(|s| sensor.contains(s));
    let baseline = baseline(properties, &id, sentinel2, top_of_atmosphere);
    let offset = match baseline {
        _ if gf6 || applied == Some(true) => Some(0.0),
        baseline => baseline.map(ProcessingBaseline::offset),
    };

    let assets = member("assets")?
        .as_object()
        .ok_or_else(|| SceneError::new(format!("{path}.assets"), "must be an object"))?;
    let mut found: BTreeMap<Band, (f64, Asset)> = BTreeMap::new();
    let mut masks: Vec<(MaskKind, f64, Asset)> = Vec::new();
    for (key, asset) in assets {
        let place = format!("{path}.assets.{key}");
        if is_picture(key, asset) {
            continue;
        }
        for (index, metres, name) in bands_of(key, asset) {
            let mask = MaskKind::parse(&name);
            let band = parse_band(&name, gf6);
            if mask.is_none() && band.is_none() {
                continue;
            }
            let href = asset.get("href").and_then(Value::as_str);
            let href = href.ok_or_else(|| SceneError::new(&place, "an asset needs the member `href`"))?;
            let mut entry = Asset { band: index + 1, ..Asset::plain(&place, base.resolve(&place, href)?) };
            if let Some(kind) = mask {
                match masks.iter_mut().find(|m| m.0 == kind) {
                    Some(finest) if metres < finest.1 => *finest = (kind, metres, entry),
                    Some(_) => {}
                    None => masks.push((kind, metres, entry)),
                }
            } else if let Some(band) = band {
                entry.scale = number(&place, asset, index, "scale")?;
                entry.offset = number(&place, asset, index, "offset")?;
                entry.nodata = number(&place, asset, index, "nodata")?;
                if found.get(&band).is_none_or(|finest| metres < finest.0) {
                    found.insert(band, (metres, entry));
                }
            }
        }
    }
    Ok(Scene {
        path: path.to_owned(),
        id,
        date,
        cloud_cover: cloud_cover(path, properties)?,
        top_of_atmosphere,
        offset,
        offset_applied: applied == Some(true),
        crs: crs(properties),
        available: assets.keys().cloned().collect::<Vec<_>>().join(", "),
        bands: found.into_iter().map(|(band, (_, asset))| (band, asset)).collect(),
        masks: masks.into_iter().map(|(kind, _, asset)| (kind, asset)).collect(),
    })
}

fn date(path: &str, properties: &Map<String, Value>) -> Result<jiff::civil::Date, SceneError> {
    let text = ["datetime", "start_datetime"].iter().find_map(|key| properties.get(*key)?.as_str());
    let path = format!("{path}.properties.datetime");
    let text = text.ok_or_else(|| SceneError::new(&path, "a scene needs its time of acquisition"))?;
    let stamp = text.parse::<jiff::Timestamp>().map(|t| t.to_zoned(jiff::tz::TimeZone::UTC).date());
    stamp
        .or_else(|_| text.get(..10).unwrap_or(text).parse())
        .map_err(|_| SceneError::new(path, format!("`{text}` is not a time such as 2022-01-05T03:15:00Z")))
}

/// Whether the catalogue says that the offset is subtracted from the pixels already.
fn offset_applied(path: &str, properties: &Map<String, Value>) -> Result<Option<bool>, SceneError> {
    let stated = properties.iter().filter(|(key, value)| {
        !value.is_null() && key.rsplit(':').next().is_some_and(|name| name == "boa_offset_applied")
    });
    let read = |(key, value): (&String, &Value)| {
        let at = format!("{path}.properties.{key}");
        flag(value).ok_or_else(|| SceneError::new(at, format!("expected true or false, found {value}")))
    };
    let flags = stated.map(read).collect::<Result<Vec<_>, _>>()?;
    Ok((!flags.is_empty()).then(|| flags.contains(&true)))
}

/// The processing baseline: from the members for it, from `processing:version` where that holds
/// one, from the product's name in other members, from the id.
fn baseline(
    properties: &Map<String, Value>,
    id: &str,
    sentinel2: bool,
    level1: bool,
) -> Option<ProcessingBaseline> {
    let own = properties.iter().filter(|(key, _)| key.ends_with("processing_baseline"));
    let version = || ProcessingBaseline::of_version(properties.get("processing:version")?, sentinel2);
    let names = || {
        let texts = properties.values().filter_map(Value::as_str).chain([id]);
        texts.into_iter().find_map(|text| ProcessingBaseline::of_name(&format!("{text}_"), level1))
    };
    own.into_iter()
        .find_map(|(_, value)| ProcessingBaseline::of_member(value))
        .or_else(version)
        .or_else(names)
}

fn cloud_cover(path: &str, properties: &Map<String, Value>) -> Result<Option<f32>, SceneError> {
    match properties.get("eo:cloud_cover") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(percent) => Ok(Some(percent as f32)),
            None => Err(SceneError::new(
                format!("{path}.properties.eo:cloud_cover"),
                format!("expected a number of percent, found {value}"),
            )),
        },
    }
}

fn crs(properties: &Map<String, Value>) -> Option<Crs> {
    let code = properties.get("proj:code").and_then(Value::as_str).map(str::to_owned);
    let epsg = || Some(format!("EPSG:{}", properties.get("proj:epsg")?.as_u64()?));
    let wkt = || properties.get("proj:wkt2").and_then(Value::as_str).map(str::to_owned);
    Crs::parse(&code.or_else(epsg).or_else(wkt)?).ok()
}

/// Previews and true-colour pictures carry band names too, but stretched bytes.
fn is_picture(key: &str, asset: &Value) -> bool {
    let has_role = |role: &str| {
        asset
            .get("roles")
            .and_then(Value::as_array)
            .is_some_and(|r| r.iter().any(|v| v.as_str() == Some(role)))
    };
    let picture = ["visual", "overview", "thumbnail", "metadata"].iter().any(|r| has_role(r));
    let key = key.to_ascii_lowercase();
    (picture && !has_role("reflectance"))
        || ["tci", "visual", "overview", "preview", "thumbnail", "rendered_preview", "tilejson"]
            .iter()
            .any(|k| key == *k || key.starts_with(&format!("{k}_")) || key.starts_with(&format!("{k}-")))
}

/// The bands in an asset: index in the file, metres a pixel (where known), name.
fn bands_of(key: &str, asset: &Value) -> Vec<(usize, f64, String)> {
    // `B05_20m` and `red-jp2` are the band and how it is stored.
    let mut stem = key;
    let mut metres = None;
    if let Some((head, tail)) = key.rsplit_once('_')
        && let Some(size) = tail.strip_suffix('m').and_then(|m| m.parse::<f64>().ok())
    {
        (stem, metres) = (head, Some(size));
    }
    let jpeg = key.ends_with("-jp2");
    stem = stem.strip_suffix("-jp2").unwrap_or(stem);
    let raster = |i: usize, name: &str| asset.get("raster:bands")?.get(i)?.get(name)?.as_f64();
    let listed = ["eo:bands", "bands"]
        .iter()
        .filter_map(|k| asset.get(*k)?.as_array())
        .find(|bands| bands.iter().any(|b| b.get("name").is_some() || b.get("eo:common_name").is_some()));
    // Of two copies of one band the finer wins, then the one that is not JPEG 2000.
    let size = |i: usize| {
        let gsd = || asset.get("gsd").and_then(Value::as_f64);
        raster(i, "spatial_resolution").or(metres).or_else(gsd).unwrap_or(0.0) + if jpeg { 1e-3 } else { 0.0 }
    };
    let known = |name: &str| parse_band(name, false).is_some() || MaskKind::parse(name).is_some();
    match listed {
        // One band, and the key says clearly which: keys are what people choose assets by.
        Some(bands) if bands.len() == 1 && known(stem) => vec![(0, size(0), stem.to_owned())],
        Some(bands) => bands
            .iter()
            .enumerate()
            .filter_map(|(i, band)| {
                let text = |k: &str| band.get(k).and_then(Value::as_str);
                let names = [text("name"), text("common_name"), text("eo:common_name")];
                let name = names.into_iter().flatten().find(|n| known(n))?;
                Some((i, size(i), name.to_owned()))
            })
            .collect(),
        None => vec![(0, size(0), stem.to_owned())],
    }
}

/// Scale, offset or nodata of a band. A number that is none would leave reflectance wrong without
/// a word, so it is refused by its path.
fn number(path: &str, asset: &Value, index: usize, name: &str) -> Result<Option<f64>, SceneError> {
    let long = format!("raster:{name}");
    let owners = ["raster:bands", "bands"].iter().filter_map(|k| {
        asset.get(*k).and_then(|bands| bands.get(index)).map(|band| (format!("{path}.{k}[{index}]"), band))
    });
    let found = owners.chain([(path.to_owned(), asset)]).find_map(|(path, owner)| {
        let key =
            [long.as_str(), name].into_iter().find(|key| owner.get(*key).is_some_and(|v| !v.is_null()))?;
        Some((format!("{path}.{key}"), owner.get(key)?))
    });
    let Some((path, value)) = found else { return Ok(None) };
    // STAC writes the nodata values that JSON has no numbers for as text.
    let nodata = name == "nodata";
    let number = match value {
        Value::String(text) if nodata => match text.to_ascii_lowercase().as_str() {
            "nan" => Some(f64::NAN),
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        other => other.as_f64(),
    };
    match number {
        None => Err(SceneError::new(path, format!("expected a number, found {value}"))),
        Some(0.0) if name == "scale" => Err(SceneError::new(path, "a scale of 0 leaves no reflectance")),
        number => Ok(number),
    }
}

/// A band by name. GF-6's `B5` is not Sentinel-2's.
fn parse_band(name: &str, gf6: bool) -> Option<Band> {
    if gf6 {
        let number = name.trim().trim_start_matches(['B', 'b']).parse::<usize>().ok();
        if let Some(number) = number {
            return Band::ALL.into_iter().find(|b| b.gf6() == Some(number));
        }
    }
    match name.to_ascii_lowercase().as_str() {
        // STAC's electro-optical extension 2.0 names the red edges by wavelength.
        "rededge071" => Some(Band::RedEdge1),
        "rededge075" => Some(Band::RedEdge2),
        "rededge078" => Some(Band::RedEdge3),
        _ => Band::parse(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::scenes::baseline::OFFSET;
    use serde_json::json;

    fn read(assets: Value, properties: Value) -> Scene {
        let mut all = json!({"datetime": "2022-07-05T03:15:00Z"});
        for (key, value) in properties.as_object().unwrap() {
            all[key] = value.clone();
        }
        let item = json!({"type": "Feature", "id": "a", "properties": all, "assets": assets});
        scenes("cube", &item, &Base::Folder("/data".into())).unwrap().remove(0)
    }

    #[test]
    fn keys_of_every_catalogue_name_their_bands() {
        let file = |name: &str| json!({"href": name});
        let scene = read(
            json!({
                "B05_20m": file("esa20.jp2"), "B05_60m": file("esa60.jp2"), "nir": file("nir.tif"),
                "nir-jp2": file("nir.jp2"), "B8A": file("b8a.tif"), "SCL_20m": file("scl.jp2"),
                "visual": {"href": "tci.tif", "eo:bands": [{"name": "red"}, {"name": "green"}, {"name": "blue"}]},
                "rededge2": {"href": "re2.tif", "eo:bands": [{"name": "rededge2", "common_name": "rededge"}]},
                "stack": {"href": "stack.tif", "bands": [{"name": "B02"}, {"eo:common_name": "green", "name": "x"}]},
            }),
            json!({}),
        );
        let place = |band| {
            let asset = &scene.bands[&band];
            (asset.place.gdal_path().display().to_string(), asset.band)
        };
        assert_eq!(place(Band::RedEdge1), ("/data/esa20.jp2".into(), 1));
        assert_eq!(place(Band::Nir), ("/data/nir.tif".into(), 1));
        assert_eq!(place(Band::Nir08), ("/data/b8a.tif".into(), 1));
        assert_eq!(place(Band::RedEdge2), ("/data/re2.tif".into(), 1));
        assert_eq!(place(Band::Blue), ("/data/stack.tif".into(), 1));
        assert_eq!(place(Band::Green), ("/data/stack.tif".into(), 2));
        assert!(!scene.bands.contains_key(&Band::Red), "a picture is no reflectance");
        assert_eq!(scene.masks[0].0, MaskKind::Scl);
    }

    #[test]
    fn offsets_belong_to_each_scene() {
        let plain = json!({"B05": {"href": "a.tif"}});
        let offset = |properties: Value| read(plain.clone(), properties).offset;
        for (properties, expected) in [
            (json!({"s2:processing_baseline": "03.01"}), Some(0.0)),
            (json!({"s2:processing_baseline": "3.01"}), Some(0.0)),
            (json!({"s2:processing_baseline": "2.14"}), Some(0.0)),
            (json!({"s2:processing_baseline": "04.00"}), Some(OFFSET)),
            (json!({"s2:processing_baseline": 4.0}), Some(OFFSET)),
            (json!({"sentinel:processing_baseline": 5.11}), Some(OFFSET)),
            (json!({"s2:processing_baseline": "99.99"}), None),
            (json!({"processing:version": "05.00"}), Some(OFFSET)),
            (json!({"processing:version": "1.0"}), None),
            (json!({"processing:version": "2.11.0"}), None),
            (json!({"processing:version": 5.11, "platform": "sentinel-2a"}), Some(OFFSET)),
            (
                json!({"s2:product_uri": "S2A_MSIL2A_20220705T030541_N0400_R075_T49RFL_20220705T070000.SAFE"}),
                Some(OFFSET),
            ),
            (
                json!({"product_uri": "S2A_MSIL2A_20190705T030541_N0211_R075_T49RFL_20190705T070000.SAFE"}),
                Some(0.0),
            ),
            // The product that surface reflectance was made from by somebody else.
            (
                json!({"sentinel:product_name": "S2A_MSIL1C_20230705T030541_N0509_R075_T49RFL_20230705T070000"}),
                None,
            ),
            (json!({}), None),
            (
                json!({"s2:processing_baseline": "04.00", "earthsearch:boa_offset_applied": false}),
                Some(OFFSET),
            ),
            (json!({"s2:processing_baseline": "04.00", "earthsearch:boa_offset_applied": true}), Some(0.0)),
            (json!({"s2:processing_baseline": "04.00", "earthsearch:boa_offset_applied": "true"}), Some(0.0)),
            (json!({"s2:processing_baseline": "04.00", "sentinel:boa_offset_applied": "applied"}), Some(0.0)),
            (
                json!({"s2:processing_baseline": "04.00", "earthsearch:boa_offset_applied": "false"}),
                Some(OFFSET),
            ),
        ] {
            assert_eq!(offset(properties.clone()), expected, "{properties}");
        }
        let stated = json!({"B05": {"href": "a.tif", "raster:bands": [{"scale": 0.0001, "offset": -0.1, "nodata": 0}]}});
        let asset = read(stated, json!({})).bands[&Band::RedEdge1].clone();
        assert_eq!(asset.offset, Some(-0.1));
        let newer =
            json!({"B05": {"href": "a.tif", "raster:scale": 0.0001, "raster:offset": -0.1, "nodata": 0}});
        let asset = read(newer, json!({})).bands[&Band::RedEdge1].clone();
        assert_eq!((asset.scale, asset.offset, asset.nodata), (Some(0.0001), Some(-0.1), Some(0.0)));
    }

    #[test]
    fn an_id_tells_the_baseline_where_no_member_does() {
        let item = |id: &str| {
            let item = json!({"type": "Feature", "id": id, "assets": {"B05": {"href": "a.tif"}},
                "properties": {"datetime": "2022-07-05T03:15:00Z"}});
            scenes("cube", &item, &Base::Folder("/data".into())).unwrap().remove(0).offset
        };
        assert_eq!(item("S2A_MSIL2A_20220705T030541_N0510_R075_T49RFL_20220705T070000"), Some(OFFSET));
        assert_eq!(item("S2A_MSIL2A_20190705T030541_N0211_R075_T49RFL_20190705T070000"), Some(0.0));
        assert_eq!(item("S2A_MSIL2A_20220705T030541_N0510"), Some(OFFSET));
        assert_eq!(item("S2B_MSIL2A_20240825T173909_R098_T13TDE_20240825T215747"), None);
    }

    #[test]
    fn malformed_documents_are_refused_by_member() {
        let base = Base::Folder("/data".into());
        let refuse = |document: Value| scenes("cube", &document, &base).unwrap_err();
        assert!(refuse(json!({"type": "Collection"})).message.contains("ItemCollection"));
        assert!(refuse(json!({"type": "FeatureCollection", "features": []})).message.contains("no items"));
        let item =
            json!({"type": "FeatureCollection", "features": [{"id": "a", "properties": {}, "assets": {}}]});
        assert_eq!(refuse(item).path, "cube.features[0].properties.datetime");
        let item = json!({"type": "Feature", "id": "a", "properties": {"datetime": "soon"}, "assets": {}});
        assert!(refuse(item).message.contains("soon"));
        let item = json!({"type": "Feature", "id": "a", "properties": {"datetime": "2022-01-01T00:00:00Z"},
            "assets": {"B05": {}}});
        assert_eq!(refuse(item).path, "cube.assets.B05");
        for (band, member) in [
            (json!({"scale": "0.0001"}), "raster:bands[0].scale"),
            (json!({"scale": 0}), "raster:bands[0].scale"),
            (json!({"scale": 0.0001, "offset": "-0.1"}), "raster:bands[0].offset"),
            (json!({"nodata": "abc"}), "raster:bands[0].nodata"),
        ] {
            let item = json!({"type": "Feature", "id": "a", "properties": {"datetime": "2022-01-01T00:00:00Z"},
                "assets": {"B05": {"href": "a.tif", "raster:bands": [band]}}});
            assert_eq!(refuse(item).path, format!("cube.assets.B05.{member}"));
        }
        let item = json!({"type": "Feature", "id": "a", "assets": {},
            "properties": {"datetime": "2022-01-01T00:00:00Z", "eo:cloud_cover": "high"}});
        assert_eq!(refuse(item).path, "cube.properties.eo:cloud_cover");
        let item = json!({"type": "Feature", "id": "a", "assets": {},
            "properties": {"datetime": "2022-01-01T00:00:00Z", "earthsearch:boa_offset_applied": "perhaps"}});
        assert_eq!(refuse(item).path, "cube.properties.earthsearch:boa_offset_applied");
    }
}
