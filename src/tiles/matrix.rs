//! Tile matrix sets: where a tile lies (OGC 17-083r4).

use crate::crs::{Affine, Bounds, Crs, GeoBox};

/// Radius of the sphere of web maps.
const RADIUS: f64 = 6_378_137.0;
/// Metres of a pixel of which a scale's denominator is told.
const PIXEL: f64 = 0.000_28;
/// Pixels along a tile's side.
pub const TILE: usize = 256;
/// The finest matrix.
const FINEST: u8 = 24;

/// A way of cutting the world into tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MatrixSet {
    /// That of web maps.
    WebMercatorQuad,
    /// Degrees, two tiles at the coarsest.
    WorldCrs84Quad,
}

/// A tile of a matrix set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TileAddress {
    /// The set.
    pub set: MatrixSet,
    /// Level, 0 the coarsest.
    pub z: u8,
    /// Row, 0 the northernmost.
    pub row: u32,
    /// Column, 0 the westernmost.
    pub col: u32,
}

impl MatrixSet {
    /// Every set.
    pub const ALL: [Self; 2] = [Self::WebMercatorQuad, Self::WorldCrs84Quad];

    /// Its id.
    pub fn id(self) -> &'static str {
        match self {
            Self::WebMercatorQuad => "WebMercatorQuad",
            Self::WorldCrs84Quad => "WorldCRS84Quad",
        }
    }

    /// The set with this id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.id() == id)
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::WebMercatorQuad => "Google Maps Compatible for the World",
            Self::WorldCrs84Quad => "CRS84 for the World",
        }
    }

    /// Its URI among OGC's definitions.
    pub fn uri(self) -> String {
        format!("http://www.opengis.net/def/tilematrixset/OGC/1.0/{}", self.id())
    }

    /// The URI of its CRS.
    pub fn crs_uri(self) -> &'static str {
        match self {
            Self::WebMercatorQuad => "http://www.opengis.net/def/crs/EPSG/0/3857",
            Self::WorldCrs84Quad => "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        }
    }

    /// The same as a URN, and the name of the set that WMTS 1.0.0 knows.
    pub fn wmts_names(self) -> (&'static str, &'static str) {
        match self {
            Self::WebMercatorQuad => {
                ("urn:ogc:def:crs:EPSG::3857", "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible")
            }
            Self::WorldCrs84Quad => {
                ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:wkss:OGC:1.0:GoogleCRS84Quad")
            }
        }
    }

    /// Its CRS, x before y.
    pub fn crs(self) -> Crs {
        match self {
            Self::WebMercatorQuad => Crs::from_epsg(3857).expect("PROJ knows EPSG:3857"),
            Self::WorldCrs84Quad => Crs::wgs84(),
        }
    }

    /// The finest level.
    pub fn finest(self) -> u8 {
        FINEST
    }

    /// The upper left corner of the world.
    pub fn origin(self) -> (f64, f64) {
        match self {
            Self::WebMercatorQuad => (-std::f64::consts::PI * RADIUS, std::f64::consts::PI * RADIUS),
            Self::WorldCrs84Quad => (-180.0, 90.0),
        }
    }

    /// Columns and rows of tiles at a level.
    pub fn size(self, z: u8) -> (u32, u32) {
        let side = 1u32 << z.min(FINEST);
        match self {
            Self::WebMercatorQuad => (side, side),
            Self::WorldCrs84Quad => (2 * side, side),
        }
    }

    /// Units of the CRS along a pixel of a tile of 256.
    pub fn cell_size(self, z: u8) -> f64 {
        let world = -2.0 * self.origin().0;
        world / (f64::from(self.size(z).0) * TILE as f64)
    }

    /// The scale's denominator at a pixel of 0.28 mm.
    pub fn scale_denominator(self, z: u8) -> f64 {
        let metres = match self {
            Self::WebMercatorQuad => 1.0,
            Self::WorldCrs84Quad => RADIUS.to_radians(),
        };
        self.cell_size(z) * metres / PIXEL
    }

    /// The place of a longitude and latitude; latitudes that have none are moved to the edge.
    pub fn project(self, lon: f64, lat: f64) -> (f64, f64) {
        match self {
            Self::WebMercatorQuad => {
                let lat = lat.clamp(-89.999_999, 89.999_999).to_radians();
                let edge = std::f64::consts::PI * RADIUS;
                (lon.to_radians() * RADIUS, (lat.tan().asinh() * RADIUS).clamp(-edge, edge))
            }
            Self::WorldCrs84Quad => (lon, lat),
        }
    }

    /// Longitude and latitude of a place.
    pub fn unproject(self, x: f64, y: f64) -> (f64, f64) {
        match self {
            Self::WebMercatorQuad => ((x / RADIUS).to_degrees(), (y / RADIUS).sinh().atan().to_degrees()),
            Self::WorldCrs84Quad => (x, y),
        }
    }

    /// The tiles of a level that a rectangle of degrees touches: first and last column and row.
    /// West may be over east, across the date line; then columns run on beyond the last.
    pub fn limits(self, z: u8, [west, south, east, north]: [f64; 4]) -> ([u32; 2], [u32; 2]) {
        let (cols, rows) = self.size(z);
        let (left, top) = self.origin();
        let side = self.cell_size(z) * TILE as f64;
        let index = |at: f64, most: u32| (at.max(0.0) as u32).min(most - 1);
        let (x0, y0) = self.project(west, north);
        let (x1, y1) = self.project(east, south);
        let whole = west > east;
        let across = if whole {
            [0, cols - 1]
        } else {
            [index((x0 - left) / side, cols), index(((x1 - left) / side - 1e-9).max(0.0), cols)]
        };
        let down = [index((top - y0) / side, rows), index(((top - y1) / side - 1e-9).max(0.0), rows)];
        (across, down)
    }

    /// Whether a rectangle of degrees is a pixel or more in both directions at a level.
    pub fn shows(self, z: u8, [west, south, east, north]: [f64; 4]) -> bool {
        let east = if west > east { east + 360.0 } else { east };
        let (x0, y0) = self.project(west, south);
        let (x1, y1) = self.project(east, north);
        let cell = self.cell_size(z);
        x1 - x0 >= cell && y1 - y0 >= cell
    }

    /// The level whose pixels are nearest to, and not coarser than, `metres` on the ground at a
    /// latitude.
    pub fn level_of(self, metres: f64, latitude: f64) -> u8 {
        let ground = |z: u8| {
            let cell = self.cell_size(z);
            match self {
                Self::WebMercatorQuad => cell * latitude.to_radians().cos(),
                Self::WorldCrs84Quad => cell.to_radians() * RADIUS,
            }
        };
        (0..=FINEST).find(|&z| ground(z) <= metres * 1.01).unwrap_or(FINEST)
    }
}

impl TileAddress {
    /// The tile, where the set has one there.
    pub fn new(set: MatrixSet, z: u8, row: u32, col: u32) -> Option<Self> {
        let (cols, rows) = set.size(z);
        (z <= set.finest() && row < rows && col < cols).then_some(Self { set, z, row, col })
    }

    /// Its rectangle in the set's CRS.
    pub fn bounds(self) -> Bounds {
        let side = self.set.cell_size(self.z) * TILE as f64;
        let (left, top) = self.set.origin();
        let (min_x, max_y) = (left + f64::from(self.col) * side, top - f64::from(self.row) * side);
        Bounds { min_x, min_y: max_y - side, max_x: min_x + side, max_y }
    }

    /// Its pixels as a grid, `scale` times 256 along a side.
    pub fn grid(self, scale: u8) -> GeoBox {
        let pixels = TILE * usize::from(scale);
        let bounds = self.bounds();
        let size = (bounds.max_x - bounds.min_x) / pixels as f64;
        let affine = Affine::north_up(bounds.min_x, bounds.max_y, size, size);
        GeoBox { rows: pixels, cols: pixels, affine, crs: self.set.crs() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_and_corners_are_those_of_the_standard() {
        let web = MatrixSet::WebMercatorQuad;
        assert!((web.scale_denominator(0) - 559_082_264.028_717).abs() < 1e-3);
        assert!((web.scale_denominator(24) - 33.323_899_747_652_9).abs() < 1e-9);
        assert!((web.cell_size(0) - 156_543.033_928_040_97).abs() < 1e-6);
        let degrees = MatrixSet::WorldCrs84Quad;
        assert!((degrees.scale_denominator(0) - 279_541_132.014_358).abs() < 1e-3);
        assert_eq!((degrees.cell_size(0), degrees.size(1)), (0.703_125, (4, 2)));
        assert!((web.origin().1 - 20_037_508.342_789_244).abs() < 1e-6);
        for set in MatrixSet::ALL {
            assert_eq!(MatrixSet::parse(set.id()), Some(set));
            let (cols, rows) = set.size(3);
            let last = TileAddress::new(set, 3, rows - 1, cols - 1).unwrap().bounds();
            assert!((last.max_x + set.origin().0).abs() < 1e-6 && (last.min_y + set.origin().1).abs() < 1e-6);
            assert!(TileAddress::new(set, 3, rows, 0).is_none() && TileAddress::new(set, 25, 0, 0).is_none());
        }
    }

    #[test]
    fn tiles_of_a_rectangle_hold_its_corners() {
        for set in MatrixSet::ALL {
            let bounds = [113.0, 27.5, 113.4, 27.9];
            let (across, down) = set.limits(12, bounds);
            for (lon, lat) in [(113.0, 27.9), (113.4, 27.5)] {
                let (x, y) = set.project(lon, lat);
                let inside = (down[0]..=down[1]).flat_map(|r| (across[0]..=across[1]).map(move |c| (r, c)));
                let b = inside.map(|(r, c)| TileAddress::new(set, 12, r, c).unwrap().bounds());
                assert_eq!(
                    b.filter(|b| b.min_x <= x && x <= b.max_x && b.min_y <= y && y <= b.max_y).count(),
                    1
                );
            }
            let (lon, lat) = set.unproject(set.project(113.3, -27.7).0, set.project(113.3, -27.7).1);
            assert!((lon - 113.3).abs() < 1e-12 && (lat + 27.7).abs() < 1e-12);
            assert!(set.shows(11, bounds) && !set.shows(0, bounds));
            assert!(set.shows(1, [179.0, -1.0, -179.0, 1.0]) && !set.shows(0, [179.9, -0.1, -179.9, 0.1]));
            assert_eq!(set.limits(0, [-180.0, -90.0, 180.0, 90.0]).1, [0, 0]);
        }
        assert_eq!(MatrixSet::WebMercatorQuad.level_of(10.0, 0.0), 14);
    }
}
