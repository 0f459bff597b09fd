//! Documents of OGC API - Tiles (20-057) and of tile matrix sets (17-083r4), and TileJSON 3.

use serde::Serialize;
use serde_json::{Value, json};

use super::Link;
use super::collections::{CRS84, rel};
use super::outputs::JSON;

/// Media type of a vector tile.
pub const MVT: &str = "application/vnd.mapbox-vector-tile";

/// A tile matrix set as it is told, with the names that its draft had beside those of the standard:
/// GDAL 3.6 knows no others.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TileMatrixSetInfo {
    /// Its id.
    pub id: String,
    /// The same, in the draft.
    pub identifier: String,
    /// For people.
    pub title: String,
    /// Its URI among OGC's definitions.
    pub uri: String,
    /// The URI of its CRS.
    pub crs: String,
    /// The same, in the draft.
    #[serde(rename = "supportedCRS")]
    pub supported_crs: String,
    /// The world that it spans.
    pub bounding_box: Value,
    /// Names of the axes, in the order of coordinates.
    pub ordered_axes: [&'static str; 2],
    /// The URI of its scales, where they have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub well_known_scale_set: Option<String>,
    /// Its levels, the coarsest first.
    pub tile_matrices: Vec<TileMatrixInfo>,
}

/// A level of a tile matrix set.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TileMatrixInfo {
    /// Its id.
    pub id: String,
    /// The same, in the draft.
    pub identifier: String,
    /// At a pixel of 0.28 mm.
    pub scale_denominator: f64,
    /// Units of the CRS along a pixel.
    pub cell_size: f64,
    /// Where the origin is.
    pub corner_of_origin: &'static str,
    /// The origin.
    pub point_of_origin: [f64; 2],
    /// The same, in the draft.
    pub top_left_corner: [f64; 2],
    /// Pixels.
    pub tile_width: usize,
    /// Pixels.
    pub tile_height: usize,
    /// Tiles.
    pub matrix_width: u32,
    /// Tiles.
    pub matrix_height: u32,
}

/// Which tiles of a level hold something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TileLimits {
    /// The level.
    pub tile_matrix: String,
    /// First row.
    pub min_tile_row: u32,
    /// Last row.
    pub max_tile_row: u32,
    /// First column.
    pub min_tile_col: u32,
    /// Last column.
    pub max_tile_col: u32,
}

/// A set of tiles of something.
#[derive(Clone, Debug, Default)]
pub struct TilesetInfo {
    /// For people.
    pub title: String,
    /// `map` or `vector`.
    pub data_type: &'static str,
    /// Address of this tileset, below which its tiles are.
    pub own: String,
    /// Address of the service, without a slash at its end.
    pub base: String,
    /// Id and URI of the tile matrix set, and the URI of its CRS.
    pub set: (String, String, String),
    /// West, south, east, north.
    pub bounds: Option<[f64; 4]>,
    /// Levels with what they hold.
    pub limits: Vec<TileLimits>,
    /// The level at which a map may open.
    pub zoom: u8,
    /// Media types of tiles, with their name as the parameter `f`.
    pub formats: Vec<(&'static str, &'static str)>,
    /// Id, title and legend of the style.
    pub style: Option<(String, String, String)>,
    /// Whom to name.
    pub attribution: Option<String>,
    /// Whether it is told as TileJSON too.
    pub tilejson: bool,
    /// Layers of vector tiles with their attributes.
    pub layers: Option<Value>,
}

impl TilesetInfo {
    /// The short form that stands in lists.
    pub fn summary(&self) -> Value {
        json!({
            "title": self.title, "dataType": self.data_type, "crs": self.set.2, "tileMatrixSetURI": self.set.1,
            "tileMatrixSetId": self.set.0,
            "links": [
                Link::new(&self.own, "self", JSON).titled(&self.title),
                Link::new(format!("{}/tileMatrixSets/{}", self.base, self.set.0), rel::TILING_SCHEME, JSON)
                    .titled("Definition of the tile matrix set")
            ]
        })
    }

    /// The whole of it.
    pub fn document(&self) -> Value {
        let mut document = self.summary();
        if let Some(links) = document["links"].as_array_mut() {
            for (media_type, name) in &self.formats {
                links.push(json!({
                    "href": format!("{}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?f={name}", self.own),
                    "rel": "item", "type": media_type, "templated": true,
                    "title": format!("Tiles as {media_type}")
                }));
            }
            if self.tilejson {
                let own = format!("{}?f=tilejson", self.own);
                links.push(json!(Link::new(own, "describedby", JSON).titled("TileJSON")));
            }
        }
        document["tileMatrixSetLimits"] = json!(self.limits);
        if let Some([west, south, east, north]) = self.bounds {
            document["boundingBox"] =
                json!({"lowerLeft": [west, south], "upperRight": [east, north], "crs": CRS84});
            document["centerPoint"] = json!({
                "coordinates": centre([west, south, east, north]), "crs": CRS84, "tileMatrix": self.zoom.to_string()
            });
        }
        if let Some((id, title, legend)) = &self.style {
            document["style"] = json!({"id": id, "title": title, "links": [
                Link::new(legend, rel::LEGEND, "image/png").titled("Legend")
            ]});
        }
        if let Some(attribution) = &self.attribution {
            document["attribution"] = attribution.as_str().into();
        }
        if let Some(layers) = &self.layers {
            document["layers"] = layers.clone();
        }
        document
    }
}

/// The middle of a rectangle of degrees, which may cross the date line.
pub fn centre([west, south, east, north]: [f64; 4]) -> [f64; 2] {
    let east = if west > east { east + 360.0 } else { east };
    let lon = f64::midpoint(west, east);
    [if lon > 180.0 { lon - 360.0 } else { lon }, f64::midpoint(south, north)]
}

/// The list of tilesets.
pub fn tilesets(own: &str, sets: &[TilesetInfo]) -> Value {
    let summaries: Vec<Value> = sets.iter().map(TilesetInfo::summary).collect();
    json!({"links": [Link::new(own, "self", JSON).titled("This document")], "tilesets": summaries})
}

/// TileJSON 3.0.0.
#[derive(Clone, Debug, Default)]
pub struct TileJson {
    /// For people.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Addresses with `{z}`, `{x}` and `{y}`.
    pub tiles: Vec<String>,
    /// West, south, east, north.
    pub bounds: Option<[f64; 4]>,
    /// Coarsest and finest level.
    pub zooms: (u8, u8),
    /// The level at which a map may open.
    pub zoom: u8,
    /// Whom to name.
    pub attribution: Option<String>,
    /// Layers of vector tiles with their attributes.
    pub vector_layers: Option<Value>,
}

impl TileJson {
    /// The document.
    pub fn document(&self) -> Value {
        let mut document = json!({
            "tilejson": "3.0.0", "name": self.name, "description": self.description, "scheme": "xyz",
            "tiles": self.tiles, "minzoom": self.zooms.0, "maxzoom": self.zooms.1
        });
        if let Some(bounds) = self.bounds {
            let [lon, lat] = centre(bounds);
            document["center"] = json!([lon, lat, self.zoom]);
            // TileJSON's bounds do not cross the date line.
            let whole = [-180.0, bounds[1], 180.0, bounds[3]];
            document["bounds"] = json!(if bounds[0] > bounds[2] { whole } else { bounds });
        }
        if let Some(attribution) = &self.attribution {
            document["attribution"] = attribution.as_str().into();
        }
        if let Some(layers) = &self.vector_layers {
            document["vector_layers"] = layers.clone();
        }
        document
    }
}
