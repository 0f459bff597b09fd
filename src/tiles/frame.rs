//! Tiles of vectors in longitude and latitude: where a tile is, and where in it a place lies.

use std::f64::consts::PI;

use super::mvt::{EXTENT, MARGIN};
use crate::io::feature_file::{LonLatBox, square_of};

/// A tile matrix set, by its identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grid {
    /// The web map: level 0 is one tile of the world up to 85 degrees.
    WebMercatorQuad,
    /// Degrees: level 0 is two tiles.
    WorldCrs84Quad,
}

/// Deepest level.
pub const DEEPEST: u8 = 24;

impl Grid {
    /// Those that vector tiles are served in.
    pub const ALL: [Self; 2] = [Self::WebMercatorQuad, Self::WorldCrs84Quad];

    /// Its identifier.
    pub fn id(self) -> &'static str {
        match self {
            Self::WebMercatorQuad => "WebMercatorQuad",
            Self::WorldCrs84Quad => "WorldCRS84Quad",
        }
    }

    /// Its URI.
    pub fn uri(self) -> String {
        format!("http://www.opengis.net/def/tilematrixset/OGC/1.0/{}", self.id())
    }

    /// The URI of its CRS.
    pub fn crs(self) -> &'static str {
        match self {
            Self::WebMercatorQuad => "http://www.opengis.net/def/crs/EPSG/0/3857",
            Self::WorldCrs84Quad => "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        }
    }

    /// The set of an identifier.
    pub fn of(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grid| grid.id() == id)
    }

    /// Columns and rows of a level.
    fn size(self, level: u8) -> (u32, u32) {
        let across = 1u32 << level;
        match self {
            Self::WebMercatorQuad => (across, across),
            Self::WorldCrs84Quad => (across * 2, across),
        }
    }

    /// The tile of a level, row and column; nothing outside of the matrix.
    pub fn tile(self, level: u8, row: u32, column: u32) -> Option<Frame> {
        let (columns, rows) = if level <= DEEPEST { self.size(level) } else { (0, 0) };
        (column < columns && row < rows).then_some(Frame { grid: self, level, row, column })
    }
}

/// A tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    grid: Grid,
    level: u8,
    row: u32,
    column: u32,
}

impl Frame {
    /// A longitude and latitude in units of the tile, y down.
    pub fn to_tile(&self, longitude: f64, latitude: f64) -> (f64, f64) {
        let (columns, rows) = self.grid.size(self.level);
        let (x, y) = match self.grid {
            Grid::WebMercatorQuad => square_of(longitude, latitude),
            Grid::WorldCrs84Quad => (longitude / 360.0 + 0.5, 0.5 - latitude / 180.0),
        };
        let units =
            |v: f64, across: u32, own: u32| (v * f64::from(across) - f64::from(own)) * f64::from(EXTENT);
        (units(x, columns, self.column), units(y, rows, self.row))
    }

    /// The place of a column and row, which need not be whole.
    fn place(&self, column: f64, row: f64) -> (f64, f64) {
        let (columns, rows) = self.grid.size(self.level);
        let (x, y) = (column / f64::from(columns), row / f64::from(rows));
        let latitude = match self.grid {
            Grid::WebMercatorQuad => (PI * (1.0 - 2.0 * y)).sinh().atan().to_degrees(),
            Grid::WorldCrs84Quad => 90.0 - 180.0 * y,
        };
        (x * 360.0 - 180.0, latitude)
    }

    /// Around the tile and its margin. To the poles where the tile is at the edge of the map.
    pub fn bounds(&self) -> LonLatBox {
        let margin = MARGIN / f64::from(EXTENT);
        let (column, row) = (f64::from(self.column), f64::from(self.row));
        let (west, north) = self.place(column - margin, row - margin);
        let (east, south) = self.place(column + 1.0 + margin, row + 1.0 + margin);
        let last = self.grid.size(self.level).1 - 1;
        let south = if self.row == last { -90.0 } else { south };
        [west, south, east, if self.row == 0 { 90.0 } else { north }]
    }

    /// The level of the web map whose pixels are about as large.
    pub fn web_level(&self) -> u8 {
        match self.grid {
            Grid::WebMercatorQuad => self.level,
            Grid::WorldCrs84Quad => self.level + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_of_tiles_lie_where_the_matrix_has_them() {
        let world = Grid::WebMercatorQuad.tile(0, 0, 0).unwrap();
        let (x, y) = world.to_tile(0.0, 0.0);
        assert!((x - 2048.0).abs() < 1e-6 && (y - 2048.0).abs() < 1e-6);
        let tile = Grid::WebMercatorQuad.tile(10, 429, 833).unwrap();
        let (lon, lat) = tile.place(833.0, 429.0);
        let (x, y) = tile.to_tile(lon, lat);
        assert!(x.abs() < 1e-4 && y.abs() < 1e-4, "{x} {y}");
        let degrees = Grid::WorldCrs84Quad.tile(3, 2, 13).unwrap();
        let (x, y) = degrees.to_tile(112.5, 45.0);
        assert_eq!((x, y), (0.0, 0.0));
        assert!(degrees.bounds()[0] < 112.5 && degrees.bounds()[3] > 45.0);
    }

    #[test]
    fn outside_of_the_matrix_there_is_nothing() {
        assert!(Grid::WebMercatorQuad.tile(1, 0, 2).is_none());
        assert!(Grid::WorldCrs84Quad.tile(0, 0, 1).is_some());
        assert!(Grid::WorldCrs84Quad.tile(0, 1, 0).is_none());
        assert!(Grid::WebMercatorQuad.tile(25, 0, 0).is_none());
        assert_eq!(Grid::of("WorldCRS84Quad"), Some(Grid::WorldCrs84Quad));
        assert_eq!(Grid::of("webmercatorquad"), None);
    }
}
