//! Vector tiles in longitude and latitude: what lies in a tile, and where in it.

use super::matrix::{MatrixSet, TileAddress};
use super::mvt::{EXTENT, MARGIN};
use crate::io::feature_file::{LonLatBox, square_of};

impl TileAddress {
    /// A longitude and latitude in units of a vector tile, y down.
    pub fn to_units(self, longitude: f64, latitude: f64) -> (f64, f64) {
        let (columns, rows) = self.set.size(self.z);
        let (x, y) = match self.set {
            MatrixSet::WebMercatorQuad => square_of(longitude, latitude),
            MatrixSet::WorldCrs84Quad => (longitude / 360.0 + 0.5, 0.5 - latitude / 180.0),
        };
        let units =
            |v: f64, across: u32, own: u32| (v * f64::from(across) - f64::from(own)) * f64::from(EXTENT);
        (units(x, columns, self.col), units(y, rows, self.row))
    }

    /// Degrees around a vector tile and its margin; to the poles at the edge of the map.
    pub fn degrees(self) -> LonLatBox {
        let bounds = self.bounds();
        let margin = (bounds.max_x - bounds.min_x) * MARGIN / f64::from(EXTENT);
        let (west, south) = self.set.unproject(bounds.min_x - margin, bounds.min_y - margin);
        let (east, north) = self.set.unproject(bounds.max_x + margin, bounds.max_y + margin);
        let last = self.set.size(self.z).1 - 1;
        let south = if self.row == last { -90.0 } else { south };
        [west, south, east, if self.row == 0 { 90.0 } else { north }]
    }

    /// The level of the web map whose pixels are about as large.
    pub fn web_level(self) -> u8 {
        match self.set {
            MatrixSet::WebMercatorQuad => self.z,
            MatrixSet::WorldCrs84Quad => self.z + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_of_tiles_lie_where_the_matrix_has_them() {
        let world = TileAddress::new(MatrixSet::WebMercatorQuad, 0, 0, 0).unwrap();
        let (x, y) = world.to_units(0.0, 0.0);
        assert!((x - 2048.0).abs() < 1e-6 && (y - 2048.0).abs() < 1e-6);
        for set in MatrixSet::ALL {
            let tile = TileAddress::new(set, 10, 429, 833).unwrap();
            let bounds = tile.bounds();
            let (lon, lat) = set.unproject(bounds.min_x, bounds.max_y);
            let (x, y) = tile.to_units(lon, lat);
            assert!(x.abs() < 1e-4 && y.abs() < 1e-4, "{x} {y}");
            let around = tile.degrees();
            let (x, y) = tile.to_units(around[0], around[3]);
            assert!((x + MARGIN).abs() < 1e-3 && (y + MARGIN).abs() < 1e-3, "{x} {y}");
        }
        let degrees = TileAddress::new(MatrixSet::WorldCrs84Quad, 3, 2, 13).unwrap();
        assert_eq!(degrees.to_units(112.5, 45.0), (0.0, 0.0));
        assert!(degrees.degrees()[0] < 112.5 && degrees.degrees()[3] > 45.0);
        assert_eq!(world.degrees()[1], -90.0);
    }
}
