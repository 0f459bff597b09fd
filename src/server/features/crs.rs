//! Coordinate systems of requests, by reference (OGC API - Features, part 2).

use geo::Geometry;

use crate::crs::{Crs, CrsError, NamedCrs, Transformer};
use crate::ogc::collections::{CRS84, crs_uri};
use crate::ogc::features::Coordinates;
use crate::server::error::ApiError;
use crate::vector::reproject;

/// A coordinate system as a request names it.
#[derive(Clone, Debug)]
pub struct AskedCrs {
    /// Its URI.
    pub uri: String,
    /// The system; x before y.
    pub crs: Crs,
    /// Whether coordinates are written and read y before x.
    pub north_first: bool,
}

/// The systems of a collection: those of every one, and that of its source.
pub fn supported(epsg: Option<u32>) -> Vec<String> {
    let more = epsg.filter(|code| ![4326, 3857].contains(code));
    [CRS84.to_owned(), crs_uri(4326), crs_uri(3857)].into_iter().chain(more.map(crs_uri)).collect()
}

/// The URI of a system that is named by a URN, or by a URI with another version or scheme.
fn uri_of(text: &str) -> Option<String> {
    let by_authority = text.starts_with("urn:") || text.contains("/def/crs/");
    let named = by_authority.then(|| NamedCrs::parse(text).ok()).flatten()?;
    if named.crs == Crs::wgs84() && !named.north_first {
        return Some(CRS84.to_owned());
    }
    named.crs.epsg().map(crs_uri)
}

impl AskedCrs {
    /// Longitude and latitude.
    pub fn usual() -> Self {
        Self { uri: CRS84.to_owned(), crs: Crs::wgs84(), north_first: false }
    }

    /// The system that a parameter names.
    ///
    /// # Errors
    /// 400 naming the parameter and the systems that are supported.
    pub fn parse(parameter: &str, text: &str, epsg: Option<u32>) -> Result<Self, ApiError> {
        let known = supported(epsg);
        let uri = match text.trim_matches(['[', ']']).split_once(':') {
            Some((authority, code)) if authority.eq_ignore_ascii_case("EPSG") => {
                code.parse().map_or_else(|_| text.to_owned(), crs_uri)
            }
            Some(("OGC", "CRS84")) => CRS84.to_owned(),
            _ => uri_of(text).unwrap_or_else(|| text.to_owned()),
        };
        if !known.contains(&uri) {
            let told = format!("`{text}` is not supported; this collection has {}", known.join(", "));
            return Err(ApiError::parameter(parameter, told));
        }
        let NamedCrs { crs, north_first } = NamedCrs::parse(&uri).map_err(ApiError::internal)?;
        Ok(Self { uri, crs, north_first })
    }

    /// Four numbers in the order of the system, as x and y.
    pub fn ordered(&self, bounds: [f64; 4]) -> [f64; 4] {
        NamedCrs { crs: self.crs.clone(), north_first: self.north_first }.x_first(bounds)
    }

    /// Brings a geometry of a request to longitude and latitude.
    ///
    /// # Errors
    /// Why that is not possible.
    pub fn to_degrees(&self, geometry: &mut Geometry<f64>) -> Result<(), String> {
        if self.north_first {
            use geo::MapCoordsInPlace as _;
            geometry.map_coords_in_place(|c| geo::Coord { x: c.y, y: c.x });
        }
        let way = self.crs.transformer_to(&Crs::wgs84());
        way.and_then(|way| reproject(geometry, &way)).map_err(|e| e.to_string())
    }

    /// The way from longitude and latitude.
    ///
    /// # Errors
    /// [`CrsError::NoTransform`].
    pub fn away_from_degrees(&self) -> Result<Transformer, CrsError> {
        Crs::wgs84().transformer_to(&self.crs)
    }

    /// How coordinates are written.
    pub fn coordinates(&self) -> Coordinates {
        Coordinates { digits: if self.crs.is_geographic() { 9 } else { 4 }, north_first: self.north_first }
    }

    /// The value of `Content-Crs`.
    pub fn header(&self) -> String {
        format!("<{}>", self.uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_the_same_by_each_of_its_names() {
        for (text, uri, north_first) in [
            ("EPSG:4326", crs_uri(4326), true),
            ("[EPSG:4326]", crs_uri(4326), true),
            ("http://www.opengis.net/def/crs/EPSG/0/4326", crs_uri(4326), true),
            ("https://www.opengis.net/def/crs/EPSG/0/4326", crs_uri(4326), true),
            ("urn:ogc:def:crs:EPSG::4326", crs_uri(4326), true),
            ("urn:ogc:def:crs:OGC:1.3:CRS84", CRS84.to_owned(), false),
            (CRS84, CRS84.to_owned(), false),
            ("urn:ogc:def:crs:EPSG::32649", crs_uri(32649), false),
        ] {
            let asked = AskedCrs::parse("crs", text, Some(32649)).unwrap();
            assert_eq!((asked.uri.as_str(), asked.north_first), (uri.as_str(), north_first), "{text}");
        }
        for wrong in ["urn:ogc:def:crs:EPSG::32650", "EPSG:x", "nonsense", ""] {
            assert!(AskedCrs::parse("crs", wrong, Some(32649)).is_err(), "{wrong}");
        }
    }
}
