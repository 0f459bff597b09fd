//! The rows of GeoJSON: features one by one, so that one that is damaged does not end the others.

use std::collections::{BTreeMap, BTreeSet};

use geozero::ToGeo;
use geozero::geojson::GeoJson;
use serde_json::{Map, Value as Json};

use super::vectors::{Raw, RawRow};
use super::{IoError, text};
use crate::crs::Crs;
use crate::vector::Value;

/// Reads a document: features, a feature or a geometry.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Raw, IoError> {
    let fail = |e: &dyn std::fmt::Display| IoError::read(name, format!("it is not GeoJSON: {e}"));
    let text::Decoded { text, note } = text::decode(bytes).map_err(|e| fail(&e))?;
    let document: Json = serde_json::from_str(&text).map_err(|e| fail(&e))?;
    let Json::Object(mut object) = document else { return Err(fail(&"expected an object")) };
    let crs = old_crs(name, object.get("crs"))?;
    let features = match object.get("type").and_then(Json::as_str) {
        Some("FeatureCollection") => match object.remove("features") {
            Some(Json::Array(features)) => features,
            _ => return Err(fail(&"a FeatureCollection has an array `features`")),
        },
        Some("Feature") => vec![Json::Object(object)],
        Some(_) => vec![serde_json::json!({"geometry": object})],
        None => return Err(fail(&"it has no `type`")),
    };
    let rows: Vec<RawRow> = (1..).zip(features).map(|(row, feature)| row_of(row, feature)).collect();
    let rounded = rows.iter().flat_map(|row| &row.properties).filter(|(_, value)| is_rounded(value));
    let rounded: BTreeSet<&str> = rounded.map(|(name, _)| name.as_str()).collect();
    let rounded: Vec<String> = rounded.into_iter().map(|name| format!("`{name}`")).collect();
    let mut notes: Vec<String> = note.into_iter().collect();
    if !rounded.is_empty() {
        let names = rounded.join(", ");
        notes.push(format!(
            "whole numbers in {names} have more digits than 64 bits hold and are rounded; write them as text"
        ));
    }
    Ok(Raw { rows, crs, notes })
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

/// Whether a whole number was too long to be read digit by digit.
fn is_rounded(value: &Value) -> bool {
    matches!(value, Value::Number(n) if n.abs() > u64::MAX as f64 && n.abs() < 1e40)
}

/// A value of JSON; lists and objects are text.
pub(super) fn typed(value: Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(v) => Value::Bool(v),
        Json::Number(v) => match (v.as_i64(), v.as_u64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(whole)) => whole.into(),
            (None, None) => v.as_f64().map_or(Value::Null, Value::Number),
        },
        Json::String(v) => Value::Text(v),
        other => Value::Text(other.to_string()),
    }
}

/// The CRS of GeoJSON before RFC 7946, as GDAL and QGIS still write it in the member `crs`.
pub(super) fn old_crs(name: &str, member: Option<&Json>) -> Result<Option<Crs>, IoError> {
    let definition = member.and_then(|crs| crs.pointer("/properties/name"));
    let parsed = definition.and_then(Json::as_str).map(Crs::parse);
    parsed.transpose().map_err(|e| IoError::crs(name, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_keep_their_digits_or_are_told() {
        let text = r#"{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "m-1", "geometry": null,
            "properties": {"a": 9007199254740993, "b": 18446744073709551615, "c": 123456789012345678901, "d": 1.0, "e": ""}}]}"#;
        let raw = read("a.geojson", text.as_bytes()).unwrap();
        let properties = &raw.rows[0].properties;
        assert_eq!(properties["a"], Value::Integer(9_007_199_254_740_993));
        assert_eq!(properties["b"], Value::Text("18446744073709551615".to_owned()));
        assert_eq!((&properties["d"], &properties["e"]), (&Value::Number(1.0), &Value::Text(String::new())));
        assert_eq!(properties["id"], Value::Text("m-1".to_owned()));
        assert!(raw.notes.len() == 1 && raw.notes[0].contains("`c`"), "{:?}", raw.notes);
    }
}
