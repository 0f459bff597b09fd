//! Coordinate systems of requests, by reference (OGC API - Features, part 2).

use geo::Geometry;

use crate::crs::{Crs, CrsError, Transformer};
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
            _ => text.to_owned(),
        };
        if !known.contains(&uri) {
            let told = format!("`{text}` is not supported; this collection has {}", known.join(", "));
            return Err(ApiError::parameter(parameter, told));
        }
        if uri == CRS84 {
            return Ok(Self::usual());
        }
        let code = uri.rsplit('/').next().and_then(|code| code.parse().ok()).unwrap_or(4326);
        let crs = Crs::from_epsg(code).map_err(ApiError::internal)?;
        Ok(Self { north_first: crs.is_north_first(), uri, crs })
    }

    /// Four numbers in the order of the system, as x and y.
    pub fn ordered(&self, bounds: [f64; 4]) -> [f64; 4] {
        let [a, b, c, d] = bounds;
        if self.north_first { [b, a, d, c] } else { bounds }
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
