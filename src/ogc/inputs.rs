//! Inputs that several processes share, as they stand in a request.
//!
//! Where several JSON shapes are allowed, the shape decides which one is meant and its own parser
//! reports what is wrong, so that an error names the member (`cube[1].scale`) instead of saying
//! that nothing matched.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, SeqAccess, Visitor, value};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// A file by link or path, or a GeoJSON object by value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FileInput {
    /// `{"href": "samples.gpkg"}`
    Link {
        /// Path or http(s) link.
        href: String,
        /// Media type, where the ending does not tell.
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        media_type: Option<String>,
    },
    /// A plain path or link.
    Path(String),
    /// A GeoJSON FeatureCollection or a model, by value.
    Value(Map<String, Value>),
}

/// One source of scenes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum CubeSource {
    /// A link to a STAC ItemCollection, a SAFE folder or zip, a GF-6 folder, or a folder of
    /// GeoTIFFs with a `pattern`.
    Link {
        /// Path or http(s) link.
        href: String,
        /// For a folder of GeoTIFFs: how file names tell date and band, such as
        /// `S2_{date:%Y%m%d}_{band}.tif`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pattern: Option<String>,
        /// For a folder of GeoTIFFs whose files hold several bands without descriptions: their
        /// names in order, such as `["B04", "B05", "B08"]`.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        bands: Vec<String>,
        /// For a folder of GeoTIFFs: reflectance = DN x scale + offset (default 0.0001).
        #[serde(skip_serializing_if = "Option::is_none")]
        scale: Option<f64>,
        /// For a folder of GeoTIFFs (default 0).
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<f64>,
    },
    /// A plain path or link.
    Path(String),
    /// A STAC ItemCollection by value.
    ItemCollection(Map<String, Value>),
}

/// One source of scenes, or several that are joined into one cube.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum CubeInput {
    /// Several sources in one cube; the first has precedence on days they share.
    Many(Vec<CubeSource>),
    /// One source.
    One(CubeSource),
}

/// A bounding box as OGC API - Processes writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BboxInput {
    /// `[minX, minY, maxX, maxY]`.
    pub bbox: [f64; 4],
    /// CRS as `EPSG:n` or OGC URI (default CRS84).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crs: Option<String>,
}

/// A bounding box, or polygons as GeoJSON or a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AreaInput {
    /// A box.
    Bbox(BboxInput),
    /// Polygons.
    Polygons(FileInput),
}

/// The members of an object that may be a link or a value: the known members of a link are
/// parsed with their types (so that a wrong one is named by its path), the others kept.
#[derive(Default)]
struct LinkOrValue {
    href: Option<String>,
    pattern: Option<String>,
    bands: Vec<String>,
    scale: Option<f64>,
    offset: Option<f64>,
    bbox: Option<[f64; 4]>,
    crs: Option<String>,
    media_type: Option<String>,
    rest: Map<String, Value>,
}

impl LinkOrValue {
    /// Reads an object. `members` are those that belong to a link or a box here.
    fn read<'de, A: MapAccess<'de>>(mut map: A, members: &[&str]) -> Result<Self, A::Error> {
        let mut all = Self::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                known if !members.contains(&known) => {
                    // Once it is known to be a link or a box, anything else is a slip; it is
                    // refused as the member's value, so that the path names it.
                    if all.href.is_some() || all.bbox.is_some() {
                        return Err(map
                            .next_value_seed(Refuse { members })
                            .err()
                            .unwrap_or_else(|| A::Error::custom(format_args!("unknown member `{key}`"))));
                    }
                    let value = map.next_value()?;
                    all.rest.insert(key, value);
                }
                "href" => all.href = Some(map.next_value()?),
                "pattern" => all.pattern = map.next_value()?,
                "bands" => all.bands = map.next_value()?,
                "scale" => all.scale = map.next_value()?,
                "offset" => all.offset = map.next_value()?,
                "bbox" => all.bbox = Some(map.next_value()?),
                "crs" => all.crs = map.next_value()?,
                _ => all.media_type = map.next_value()?,
            }
        }
        if let (true, Some(key)) = (all.href.is_some() || all.bbox.is_some(), all.rest.keys().next()) {
            return Err(A::Error::custom(format_args!(
                "unknown member `{key}`, expected {}",
                one_of(members)
            )));
        }
        Ok(all)
    }

    fn link_or_value<E: Error>(mut self, members: &[&str]) -> Result<FileInput, E> {
        if let Some(href) = self.href {
            return Ok(FileInput::Link { href, media_type: self.media_type });
        }
        // GeoJSON's own `type` was read as a link's.
        if let Some(kind) = self.media_type.take() {
            self.rest.insert("type".to_owned(), Value::String(kind));
        }
        if self.rest.is_empty() {
            return Err(E::custom(format_args!("an empty object; expected {}", one_of(members))));
        }
        Ok(FileInput::Value(self.rest))
    }
}

/// Refuses a member whatever its value is.
struct Refuse<'a> {
    members: &'a [&'a str],
}

impl<'de> serde::de::DeserializeSeed<'de> for Refuse<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        Err(D::Error::custom(format_args!("unknown member, expected {}", one_of(self.members))))
    }
}

fn one_of(members: &[&str]) -> String {
    members.iter().map(|m| format!("`{m}`")).collect::<Vec<_>>().join(", ")
}

/// A visitor of the shapes text, object and (where `many`) array.
macro_rules! by_shape {
    ($type:ty, $expecting:literal, text: $text:expr, object: $object:expr $(, array: $array:expr)?) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Shape;
                impl<'de> Visitor<'de> for Shape {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_str<E: Error>(self, text: &str) -> Result<$type, E> {
                        if text.trim().is_empty() {
                            return Err(E::custom(concat!("an empty text; expected ", $expecting)));
                        }
                        Ok($text(text.to_owned()))
                    }
                    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<$type, A::Error> {
                        $object(map)
                    }
                    $(fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<$type, A::Error> {
                        $array(seq)
                    })?
                }
                deserializer.deserialize_any(Shape)
            }
        }
    };
}

const FILE_MEMBERS: &[&str] = &["href", "type"];
const CUBE_MEMBERS: &[&str] = &["href", "type", "pattern", "bands", "scale", "offset"];
const AREA_MEMBERS: &[&str] = &["bbox", "crs", "href", "type"];

by_shape!(
    FileInput,
    "a path, a link `{\"href\": ..}` or a GeoJSON object",
    text: FileInput::Path,
    object: |map| LinkOrValue::read(map, FILE_MEMBERS)?.link_or_value(FILE_MEMBERS)
);

by_shape!(
    CubeSource,
    "a path, a link `{\"href\": ..}` or a STAC ItemCollection",
    text: CubeSource::Path,
    object: |map| {
        let mut all = LinkOrValue::read(map, CUBE_MEMBERS)?;
        let (pattern, bands) = (all.pattern.take(), std::mem::take(&mut all.bands));
        let (scale, offset) = (all.scale.take(), all.offset.take());
        match all.link_or_value::<A::Error>(CUBE_MEMBERS)? {
            FileInput::Link { href, .. } => Ok(CubeSource::Link { href, pattern, bands, scale, offset }),
            FileInput::Value(items) if items.contains_key("features") => Ok(CubeSource::ItemCollection(items)),
            _ => Err(A::Error::custom(
                "neither `href` (a link) nor `features` (a STAC ItemCollection) is given",
            )),
        }
    }
);

by_shape!(
    CubeInput,
    "a path, a link `{\"href\": ..}`, a STAC ItemCollection, or an array of these",
    text: |text| CubeInput::One(CubeSource::Path(text)),
    object: |map| CubeSource::deserialize(value::MapAccessDeserializer::new(map)).map(CubeInput::One),
    array: |seq| {
        let many: Vec<CubeSource> = Vec::deserialize(value::SeqAccessDeserializer::new(seq))?;
        if many.is_empty() {
            return Err(A::Error::custom("an empty array; expected at least one source of scenes"));
        }
        Ok(CubeInput::Many(many))
    }
);

by_shape!(
    AreaInput,
    "`{\"bbox\": [minX, minY, maxX, maxY], \"crs\": ..}`, or polygons: a path, a link `{\"href\": ..}` or GeoJSON",
    text: |text| AreaInput::Polygons(FileInput::Path(text)),
    object: |map| {
        let mut all = LinkOrValue::read(map, AREA_MEMBERS)?;
        match (all.bbox, all.crs.take()) {
            (Some(bbox), crs) => Ok(AreaInput::Bbox(BboxInput { bbox, crs })),
            (None, None) => all.link_or_value(AREA_MEMBERS).map(AreaInput::Polygons),
            (None, Some(_)) => Err(A::Error::custom("`crs` needs `bbox` beside it")),
        }
    },
    array: |seq| {
        let bbox = <[f64; 4]>::deserialize(value::SeqAccessDeserializer::new(seq))?;
        Ok(AreaInput::Bbox(BboxInput { bbox, crs: None }))
    }
);

/// A schema written by hand: the shapes above, as exactly one of.
macro_rules! schema {
    ($type:ty, $name:literal, $schema:expr) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema.try_into().expect("an object is a schema")
            }
        }
    };
}

fn path_schema(what: &str) -> Value {
    json_schema!({"type": "string", "minLength": 1, "description": format!("A path or http(s) link to {what}.")})
        .to_value()
}

fn link_schema(what: &str) -> Value {
    json_schema!({
        "type": "object",
        "description": format!("A link to {what}."),
        "required": ["href"],
        "additionalProperties": false,
        "properties": {
            "href": {"type": "string", "minLength": 1, "description": "Path or http(s) link."},
            "type": {"type": "string", "description": "Media type, where the ending does not tell."}
        }
    })
    .to_value()
}

fn geojson_schema(what: &str) -> Value {
    json_schema!({
        "type": "object",
        "description": what,
        "required": ["type"],
        "properties": {
            "type": {"type": "string", "enum": [
                "FeatureCollection", "Feature", "Point", "MultiPoint", "LineString",
                "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"
            ]}
        }
    })
    .to_value()
}

fn file_shapes() -> Vec<Value> {
    let value = json_schema!({
        "type": "object",
        "description": "GeoJSON or a model, by value.",
        "not": {"required": ["href"]}
    });
    vec![path_schema("the file"), link_schema("the file"), value.to_value()]
}

fn cube_shapes() -> Vec<Value> {
    const WHAT: &str = "a STAC ItemCollection, a SAFE folder or zip, a GF-6 folder, or a folder of GeoTIFFs";
    let mut link = link_schema(WHAT);
    link["properties"]["pattern"] = serde_json::json!({
        "type": "string",
        "description": "For a folder of GeoTIFFs: how file names tell date and band, such as \
                        `S2_{date:%Y%m%d}_{band}.tif`."
    });
    link["properties"]["bands"] = serde_json::json!({
        "type": "array", "items": {"type": "string"},
        "description": "For a folder of GeoTIFFs whose files hold several bands without descriptions: \
                        their names in order, such as `[\"B04\", \"B05\", \"B08\"]`."
    });
    link["properties"]["scale"] = serde_json::json!({
        "type": "number", "default": 0.0001,
        "description": "For a folder of GeoTIFFs: reflectance = DN x scale + offset."
    });
    link["properties"]["offset"] =
        serde_json::json!({"type": "number", "default": 0, "description": "For a folder of GeoTIFFs."});
    let collection = serde_json::json!({
        "type": "object",
        "description": "A STAC ItemCollection, by value.",
        "required": ["type", "features"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": {"type": "object"}}
        }
    });
    vec![path_schema(WHAT), link, collection]
}

fn bbox_schema() -> Value {
    serde_json::json!({
        "type": "object",
        "format": "ogc-bbox",
        "description": "A bounding box.",
        "required": ["bbox"],
        "additionalProperties": false,
        "properties": {
            "bbox": {
                "type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "number"},
                "description": "`[minX, minY, maxX, maxY]`."
            },
            "crs": {
                "type": "string", "default": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
                "description": "CRS as `EPSG:n` or OGC URI."
            }
        }
    })
}

schema!(FileInput, "FileInput", serde_json::json!({"oneOf": file_shapes()}));
schema!(CubeSource, "CubeSource", serde_json::json!({"oneOf": cube_shapes()}));
schema!(CubeInput, "CubeInput", {
    let mut shapes = cube_shapes();
    shapes.push(serde_json::json!({
        "type": "array", "minItems": 1, "items": {"oneOf": cube_shapes()},
        "description": "Several sources in one cube; the first has precedence on days they share."
    }));
    serde_json::json!({"oneOf": shapes})
});
schema!(BboxInput, "BboxInput", bbox_schema());
schema!(AreaInput, "AreaInput", {
    let polygons = geojson_schema("Polygons as GeoJSON, by value.");
    let shapes = [bbox_schema(), path_schema("polygons"), link_schema("polygons"), polygons];
    serde_json::json!({"oneOf": shapes})
});

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
        serde_path_to_error::deserialize(value).map_err(|e| format!("{}: {}", e.path(), e.inner()))
    }

    #[derive(Debug, Deserialize)]
    struct Inputs {
        cube: CubeInput,
    }

    #[test]
    fn each_shape_becomes_its_variant() {
        assert_eq!(parse(json!("a.tif")), Ok(FileInput::Path("a.tif".into())));
        let link = FileInput::Link { href: "a".into(), media_type: Some("text/csv".into()) };
        assert_eq!(parse(json!({"type": "text/csv", "href": "a"})), Ok(link));
        let Ok(FileInput::Value(map)) = parse(json!({"type": "FeatureCollection", "features": []})) else {
            panic!("GeoJSON by value")
        };
        assert_eq!(map["type"], "FeatureCollection");
        assert_eq!(
            parse(json!([1, 2, 3, 4])),
            Ok(AreaInput::Bbox(BboxInput { bbox: [1.0, 2.0, 3.0, 4.0], crs: None }))
        );
        assert!(matches!(parse(json!("area.gpkg")), Ok(AreaInput::Polygons(FileInput::Path(_)))));
        assert!(
            matches!(parse(json!(["a", {"href": "b", "scale": 1}])), Ok(CubeInput::Many(v)) if v.len() == 2)
        );
    }

    #[test]
    fn a_wrong_member_is_named_by_its_path() {
        let error = |value: Value| parse::<Inputs>(json!({"cube": value})).map(|i| i.cube).unwrap_err();
        assert!(
            error(json!({"href": 3})).starts_with("cube.href: invalid type"),
            "{}",
            error(json!({"href": 3}))
        );
        let unknown = error(json!(["a", {"href": "b", "patern": "x"}]));
        assert!(unknown.starts_with("cube[1].patern: unknown member, expected `href`"), "{unknown}");
        let before = error(json!({"patern": "x", "href": "b"}));
        assert!(before.starts_with("cube: unknown member `patern`"), "{before}");
        let mistyped = error(json!([{"href": "b", "scale": "much"}]));
        assert!(mistyped.starts_with("cube[0].scale: invalid type"), "{mistyped}");
        assert!(error(json!(7)).contains("expected a path, a link"), "{}", error(json!(7)));
        assert!(error(json!([])).contains("at least one"));
        assert!(error(json!("")).contains("empty text"));
    }
}
