//! Collections, as OGC API - Common part 2 and the parts that build on it describe them.

use jiff::civil::Date;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::Link;

/// Longitude and latitude on WGS 84, in this order.
pub const CRS84: &str = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";

/// Relation types of collections and what they lead to.
pub mod rel {
    /// To the list of collections.
    pub const DATA: &str = "http://www.opengis.net/def/rel/ogc/1.0/data";
    /// To tilesets of rendered maps.
    pub const TILESETS_MAP: &str = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-map";
    /// To tilesets of vector tiles.
    pub const TILESETS_VECTOR: &str = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector";
    /// To a rendered map.
    pub const MAP: &str = "http://www.opengis.net/def/rel/ogc/1.0/map";
    /// To the values themselves.
    pub const COVERAGE: &str = "http://www.opengis.net/def/rel/ogc/1.0/coverage";
    /// To styles.
    pub const STYLES: &str = "http://www.opengis.net/def/rel/ogc/1.0/styles";
    /// To a legend.
    pub const LEGEND: &str = "http://www.opengis.net/def/rel/ogc/1.0/legend";
    /// To the tile matrix sets that are known.
    pub const TILING_SCHEMES: &str = "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes";
    /// To the definition of a tile matrix set.
    pub const TILING_SCHEME: &str = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme";
}

/// The URI of a CRS by its EPSG code.
pub fn crs_uri(epsg: u32) -> String {
    format!("http://www.opengis.net/def/crs/EPSG/0/{epsg}")
}

/// Where and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Extent {
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spatial: Option<SpatialExtent>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporal: Option<TemporalExtent>,
}

/// A rectangle around everything.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpatialExtent {
    /// West, south, east, north.
    pub bbox: [[f64; 4]; 1],
    /// Of the numbers.
    pub crs: &'static str,
    /// The same in the CRS of the storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_crs_bbox: Option<[[f64; 4]; 1]>,
}

/// First and last day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TemporalExtent {
    /// First and last moment.
    pub interval: [[String; 2]; 1],
    /// The calendar.
    pub trs: &'static str,
}

impl Extent {
    /// The extent of a rectangle and of days.
    pub fn new(bounds: Option<[f64; 4]>, storage: Option<[f64; 4]>, dates: Option<(Date, Date)>) -> Self {
        let spatial =
            bounds.map(|b| SpatialExtent { bbox: [b], crs: CRS84, storage_crs_bbox: storage.map(|s| [s]) });
        let temporal = dates.map(|(first, last)| TemporalExtent {
            interval: [[format!("{first}T00:00:00Z"), format!("{last}T23:59:59Z")]],
            trs: "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian",
        });
        Self { spatial, temporal }
    }
}

/// What its items or cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataType {
    /// Cells.
    Coverage,
    /// Features.
    Vector,
}

impl Serialize for DataType {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match self {
            Self::Coverage => "coverage",
            Self::Vector => "vector",
        })
    }
}

/// The description of a collection.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionInfo {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
    /// What it is.
    pub description: String,
    /// Whom to name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribution: Option<String>,
    /// Where and when.
    pub extent: Extent,
    /// `feature`, where it has items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_type: Option<&'static str>,
    /// Cells or features.
    pub data_type: DataType,
    /// The CRSs that it can be had in.
    pub crs: Vec<String>,
    /// The CRS that it is kept in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_crs: Option<String>,
    /// Ids of its styles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub styles: Vec<Value>,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_style: Option<String>,
    /// What this service says beyond the standards: classes, bands, dates, counts.
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
    /// To everything else of it.
    pub links: Vec<Link>,
}

/// A page of collections.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionList {
    /// To itself and other pages.
    pub links: Vec<Link>,
    /// How many there are.
    pub number_matched: usize,
    /// How many are here.
    pub number_returned: usize,
    /// The collections.
    pub collections: Vec<CollectionInfo>,
}
