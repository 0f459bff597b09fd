//! OGC API - Features: items as GeoJSON, and what may be asked of them.

use geo::{Coord, Geometry, LineString, Polygon};
use serde_json::{Map, Value, json};

use super::{Link, title_of};

/// What the service holds to: Features parts 1, 2 and 3, CQL2.
pub const CONFORMANCE: [&str; 19] = [
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables-query-parameters",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/schemas",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
    "http://www.opengis.net/spec/cql2/1.0/conf/advanced-comparison-operators",
    "http://www.opengis.net/spec/cql2/1.0/conf/case-insensitive-comparison",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions-plus",
    "http://www.opengis.net/spec/cql2/1.0/conf/spatial-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/property-property",
    "http://www.opengis.net/spec/cql2/1.0/conf/arithmetic",
];

/// Relation types of collections of features.
pub mod rel {
    /// To what may be asked of items.
    pub const QUERYABLES: &str = "http://www.opengis.net/def/rel/ogc/1.0/queryables";
    /// To what items have.
    pub const SCHEMA: &str = "http://www.opengis.net/def/rel/ogc/1.0/schema";
}

/// Media type of a JSON schema.
pub const SCHEMA_JSON: &str = "application/schema+json";

/// How coordinates are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coordinates {
    /// Digits behind the point.
    pub digits: i32,
    /// Whether y (north, latitude) comes first.
    pub north_first: bool,
}

impl Coordinates {
    fn position(self, c: &Coord<f64>) -> Value {
        let scale = 10f64.powi(self.digits);
        let round = |v: f64| (v * scale).round() / scale + 0.0; // no -0
        let (x, y) = (round(c.x), round(c.y));
        if self.north_first { json!([y, x]) } else { json!([x, y]) }
    }

    fn line(self, line: &LineString<f64>) -> Value {
        line.coords().map(|c| self.position(c)).collect()
    }

    fn polygon(self, polygon: &Polygon<f64>) -> Value {
        let oriented = geo::Orient::orient(polygon, geo::orient::Direction::Default);
        std::iter::once(oriented.exterior()).chain(oriented.interiors()).map(|ring| self.line(ring)).collect()
    }

    /// A geometry as GeoJSON writes it.
    pub fn geometry(self, geometry: &Geometry<f64>) -> Value {
        let (kind, coordinates): (_, Value) = match geometry {
            Geometry::Point(p) => ("Point", self.position(&p.0)),
            Geometry::MultiPoint(p) => ("MultiPoint", p.iter().map(|p| self.position(&p.0)).collect()),
            Geometry::LineString(l) => ("LineString", self.line(l)),
            Geometry::MultiLineString(l) => ("MultiLineString", l.iter().map(|l| self.line(l)).collect()),
            Geometry::Polygon(p) => ("Polygon", self.polygon(p)),
            Geometry::MultiPolygon(p) => ("MultiPolygon", p.iter().map(|p| self.polygon(p)).collect()),
            _ => return Value::Null,
        };
        json!({"type": kind, "coordinates": coordinates})
    }
}

/// An item.
pub fn feature(id: u64, geometry: Value, properties: Map<String, Value>) -> Value {
    json!({"type": "Feature", "id": id, "geometry": geometry, "properties": properties})
}

/// A page of items.
pub fn page(features: Vec<Value>, matched: usize, links: &[Link]) -> Value {
    json!({
        "type": "FeatureCollection",
        "numberMatched": matched,
        "numberReturned": features.len(),
        "timeStamp": jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string(),
        "links": links,
        "features": features,
    })
}

/// The kind of value of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyKind {
    /// Text.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
}

/// A property of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property<'a> {
    /// Its name.
    pub name: &'a str,
    /// The kind of its values.
    pub kind: PropertyKind,
    /// How texts are to be read: `date`, `date-time`.
    pub format: Option<&'a str>,
}

/// The JSON schema of items: what they have (`/schema`), and what may be asked of them
/// (`/queryables`). `geometry` is the name that the geometry has there, and its shape: `point`, `polygon` or
/// `any`; `time` names the property that is the time of an item.
pub fn schema(
    address: &str,
    title: &str,
    (geometry, shape): (&str, &str),
    fields: &[Property<'_>],
    time: Option<&str>,
) -> Value {
    let mut properties = Map::new();
    let shape = json!({
        "title": "Geometry", "x-ogc-role": "primary-geometry", "format": format!("geometry-{shape}")
    });
    properties.insert(geometry.to_owned(), shape);
    for Property { name, kind, format } in fields {
        let kind = match kind {
            PropertyKind::Text => "string",
            PropertyKind::Integer => "integer",
            PropertyKind::Number => "number",
            PropertyKind::Boolean => "boolean",
        };
        let mut property = json!({"title": title_of(name), "type": kind});
        if let Some(format) = format {
            property["format"] = (*format).into();
        }
        if time == Some(*name) {
            property["x-ogc-role"] = "primary-instant".into();
        }
        properties.insert((*name).to_owned(), property);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address,
        "type": "object",
        "title": title,
        "properties": properties,
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::polygon;

    #[test]
    fn coordinates_are_rounded_ordered_and_run_as_geojson_asks() {
        let clockwise = polygon![(x: 0.0, y: 0.0), (x: 0.0, y: 1.000_000_000_4), (x: 1.0, y: 0.0)];
        let degrees = Coordinates { digits: 9, north_first: false };
        let written = degrees.geometry(&clockwise.clone().into());
        assert_eq!(written["coordinates"][0], json!([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]));
        let swapped = Coordinates { north_first: true, ..degrees }.geometry(&clockwise.into());
        assert_eq!(swapped["coordinates"][0][1], json!([0.0, 1.0]));
    }

    #[test]
    fn a_schema_tells_the_kinds() {
        let property = |name, kind, format| Property { name, kind, format };
        let fields = [
            property("areaHa", PropertyKind::Number, None),
            property("date", PropertyKind::Text, Some("date")),
            property("geometry", PropertyKind::Text, None),
        ];
        let schema = schema("http://x/queryables", "Zones", ("geometry_", "polygon"), &fields, Some("date"));
        assert_eq!(schema["properties"]["areaHa"]["type"], "number");
        assert_eq!(schema["properties"]["date"]["x-ogc-role"], "primary-instant");
        assert_eq!(schema["properties"]["date"]["format"], "date");
        assert_eq!(schema["properties"]["geometry_"]["format"], "geometry-polygon");
        assert_eq!(schema["properties"]["geometry"]["type"], "string");
    }
}
