//! Inputs that several processes share, as they stand in a request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file by link or path, or a GeoJSON object by value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FileInput {
    /// `{"href": "samples.gpkg"}`
    Link {
        /// Path or http(s) link.
        href: String,
        /// Media type, where the ending does not tell.
        #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
        media_type: Option<String>,
    },
    /// A plain path or link.
    Path(String),
    /// A GeoJSON FeatureCollection or a model, by value.
    Value(serde_json::Map<String, serde_json::Value>),
}

/// One source of scenes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CubeSource {
    /// A link to a STAC ItemCollection, a SAFE folder or zip, a GF-6 folder, or a folder of
    /// GeoTIFFs with a `pattern`.
    Link {
        /// Path or http(s) link.
        href: String,
        /// For a folder of GeoTIFFs: how file names tell date and band, such as
        /// `S2_{date:%Y%m%d}_{band}.tif`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<String>,
        /// For a folder of GeoTIFFs: reflectance = DN x scale + offset (default 0.0001).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scale: Option<f64>,
        /// For a folder of GeoTIFFs (default 0).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offset: Option<f64>,
    },
    /// A plain path or link.
    Path(String),
    /// A STAC ItemCollection by value.
    ItemCollection(serde_json::Map<String, serde_json::Value>),
}

/// One source of scenes, or several that are joined into one cube.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CubeInput {
    /// Several sources in one cube; the first has precedence on days they share.
    Many(Vec<CubeSource>),
    /// One source.
    One(CubeSource),
}

/// A bounding box as OGC API - Processes writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BboxInput {
    /// `[minX, minY, maxX, maxY]`.
    pub bbox: [f64; 4],
    /// CRS as `EPSG:n` or OGC URI (default CRS84).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crs: Option<String>,
}

/// A bounding box, or polygons as GeoJSON or a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AreaInput {
    /// A box.
    Bbox(BboxInput),
    /// Polygons.
    Polygons(FileInput),
}
