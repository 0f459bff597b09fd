//! Tilesets of vector tiles (OGC API - Tiles) and TileJSON 3.

use serde_json::{Map, Value, json};

use super::collections::rel;
use super::features::PropertyKind;
use super::outputs::JSON;

/// Media type of a vector tile.
pub const MVT: &str = "application/vnd.mapbox-vector-tile";
/// Media type of TileJSON.
pub const TILEJSON: &str = "application/vnd.mapbox.tile+json;version=3.0";
/// The level down to which tiles differ from those above.
const DEEPEST: u8 = 16;

/// A tileset of a collection.
#[derive(Clone, Debug)]
pub struct Tileset<'a> {
    /// The address of the service.
    pub base: &'a str,
    /// The collection's id.
    pub collection: &'a str,
    /// For people.
    pub title: &'a str,
    /// The layer in its tiles.
    pub layer: &'a str,
    /// Identifier and URI of the tile matrix set, and the URI of its CRS.
    pub grid: (&'static str, String, &'static str),
    /// West, south, east, north.
    pub bounds: Option<[f64; 4]>,
    /// 0 points, 2 polygons.
    pub geometry: Option<u8>,
    /// Attributes.
    pub fields: Vec<(&'a str, PropertyKind)>,
}

impl Tileset<'_> {
    fn own(&self) -> String {
        format!("{}/collections/{}/tiles/{}", self.base, self.collection, self.grid.0)
    }

    /// What lists tell of it.
    fn summary(&self) -> Value {
        let (id, uri, crs) = &self.grid;
        let (own, scheme) = (self.own(), format!("{}/tileMatrixSets/{id}", self.base));
        json!({
            "title": format!("{}, {id}", self.title),
            "dataType": "vector",
            "crs": crs,
            "tileMatrixSetId": id,
            "tileMatrixSetURI": uri,
            "links": [
                {"rel": "self", "type": JSON, "href": own, "title": "This tileset"},
                {"rel": rel::TILING_SCHEME, "type": JSON, "href": scheme, "title": "Its tile matrix set"},
                {"rel": "item", "type": MVT, "templated": true, "title": "Tiles",
                 "href": format!("{own}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}")},
            ],
        })
    }

    /// All that is told of it.
    pub fn document(&self) -> Value {
        let mut document = self.summary();
        if self.grid.0 == "WebMercatorQuad"
            && let Some(links) = document["links"].as_array_mut()
        {
            let href = format!("{}?f=tilejson", self.own());
            links.push(json!({"rel": "describedby", "type": TILEJSON, "href": href, "title": "TileJSON"}));
        }
        let kinds =
            self.fields.iter().map(|(name, kind)| ((*name).to_owned(), json!({"type": schema_type(*kind)})));
        let properties: Map<String, Value> = kinds.collect();
        let mut layer = json!({
            "id": self.layer, "title": self.title, "dataType": "vector",
            "minTileMatrix": "0", "maxTileMatrix": DEEPEST.to_string(),
            "propertiesSchema": {"type": "object", "properties": properties},
        });
        if let Some(dimension) = self.geometry {
            layer["geometryDimension"] = dimension.into();
        }
        document["layers"] = json!([layer]);
        if let Some([west, south, east, north]) = self.bounds {
            document["boundingBox"] = json!({
                "lowerLeft": [west, south], "upperRight": [east, north],
                "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
            });
        }
        document
    }

    /// As TileJSON 3.
    pub fn tilejson(&self) -> Value {
        let fields = self.fields.iter().map(|(name, kind)| {
            let kind = match kind {
                PropertyKind::Text => "String",
                PropertyKind::Integer | PropertyKind::Number => "Number",
                PropertyKind::Boolean => "Boolean",
            };
            ((*name).to_owned(), kind.into())
        });
        let fields: Map<String, Value> = fields.collect();
        let mut document = json!({
            "tilejson": "3.0.0",
            "name": self.title,
            "scheme": "xyz",
            "tiles": [format!("{}/{{z}}/{{y}}/{{x}}", self.own())],
            "minzoom": 0,
            "maxzoom": DEEPEST,
            "vector_layers": [{"id": self.layer, "minzoom": 0, "maxzoom": DEEPEST, "fields": fields}],
        });
        if let Some([west, south, east, north]) = self.bounds {
            let edge = 85.051_129;
            let (south, north) = (south.clamp(-edge, edge), north.clamp(-edge, edge));
            document["bounds"] = json!([west, south, east, north]);
            document["center"] = json!([f64::midpoint(west, east), f64::midpoint(south, north), 8]);
        }
        document
    }
}

fn schema_type(kind: PropertyKind) -> &'static str {
    match kind {
        PropertyKind::Text => "string",
        PropertyKind::Integer => "integer",
        PropertyKind::Number => "number",
        PropertyKind::Boolean => "boolean",
    }
}

/// The list of tilesets of a collection.
pub fn tilesets(sets: &[Tileset<'_>]) -> Value {
    let own =
        sets.first().map_or_else(String::new, |s| format!("{}/collections/{}/tiles", s.base, s.collection));
    json!({
        "links": [{"rel": "self", "type": JSON, "href": own, "title": "This document"}],
        "tilesets": sets.iter().map(Tileset::summary).collect::<Vec<_>>(),
    })
}
