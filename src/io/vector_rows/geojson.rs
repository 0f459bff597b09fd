//! The rows of GeoJSON: features one by one, so that one that is damaged does not end the others.

use std::collections::BTreeMap;

use geozero::ToGeo;
use geozero::geojson::GeoJson;
use serde_json::{Map, Value as Json};

use super::IoError;
use crate::io::vectors::{Raw, RawRow, old_geojson_crs};
use crate::vector::Value;

pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Raw, IoError> {
    let fail = |e: &dyn std::fmt::Display| IoError::read(name, format!("it is not GeoJSON: {e}"));
    let text = std::str::from_utf8(bytes).map_err(|e| fail(&e))?.trim_start_matches('\u{feff}');
    let crs = old_geojson_crs(name, text)?;
    let document: Json = serde_json::from_str(text).map_err(|e| fail(&e))?;
    let Json::Object(mut object) = document else { return Err(fail(&"expected an object")) };
    let features = match object.get("type").and_then(Json::as_str) {
        Some("FeatureCollection") => match object.remove("features") {
            Some(Json::Array(features)) => features,
            _ => return Err(fail(&"a FeatureCollection has an array `features`")),
        },
        Some("Feature") => vec![Json::Object(object)],
        Some(_) => vec![serde_json::json!({"geometry": object})],
        None => return Err(fail(&"it has no `type`")),
    };
    let rows = (1..).zip(features).map(|(row, feature)| row_of(row, feature)).collect();
    Ok(Raw { rows, crs })
}

fn row_of(row: usize, feature: Json) -> RawRow {
    let Json::Object(mut feature) = feature else {
        let geometry = Some(Err("it is not a feature".to_owned()));
        return RawRow { row, geometry, properties: BTreeMap::new(), mended: None };
    };
    let geometry =
        feature.remove("geometry").filter(|g| !g.is_null()).filter(|g| !is_empty(g)).map(|g| {
            GeoJson(&g.to_string()).to_geo().map_err(|e| format!("its geometry cannot be read: {e}"))
        });
    let properties = match feature.remove("properties") {
        Some(Json::Object(properties)) => properties,
        _ => Map::new(),
    };
    let mut properties: BTreeMap<String, Value> =
        properties.into_iter().map(|(key, value)| (key, typed(value))).collect();
    if let Some(id) = feature.remove("id").filter(|id| !id.is_null()) {
        properties.entry("id".to_owned()).or_insert_with(|| typed(id));
    }
    RawRow { row, geometry, properties, mended: None }
}

/// Whether a geometry has no coordinates, as an empty one is written.
fn is_empty(geometry: &Json) -> bool {
    geometry.get("coordinates").and_then(Json::as_array).is_some_and(Vec::is_empty)
}

fn typed(value: Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(v) => Value::Bool(v),
        Json::Number(v) => v.as_f64().map_or(Value::Null, Value::Number),
        Json::String(v) => Value::Text(v),
        other => Value::Text(other.to_string()),
    }
}
