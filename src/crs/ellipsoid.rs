//! The size of a degree, and of a cell of degrees, on an ellipsoid.

use super::Crs;

/// An ellipsoid of revolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ellipsoid {
    /// Semi-major axis in metres.
    pub semi_major: f64,
    /// Semi-minor axis in metres.
    pub semi_minor: f64,
}

impl Ellipsoid {
    /// WGS 84.
    pub const WGS84: Self = Self { semi_major: 6_378_137.0, semi_minor: 6_356_752.314_245_179 };

    /// The ellipsoid of a CRS; WGS 84 where it names none.
    pub fn of(crs: &Crs) -> Self {
        crs.to_spatial_ref()
            .ok()
            .and_then(|s| Some(Self { semi_major: s.semi_major().ok()?, semi_minor: s.semi_minor().ok()? }))
            .filter(|e| e.semi_major >= e.semi_minor && e.semi_minor > 0.0)
            .unwrap_or(Self::WGS84)
    }

    fn eccentricity_squared(self) -> f64 {
        1.0 - (self.semi_minor / self.semi_major).powi(2)
    }

    /// Metres per degree of longitude and of latitude at a latitude in degrees: the radii of
    /// curvature in the prime vertical and in the meridian.
    pub fn metres_per_degree(self, latitude: f64) -> (f64, f64) {
        let (sin, cos) = latitude.to_radians().sin_cos();
        let e2 = self.eccentricity_squared();
        let w2 = 1.0 - e2 * sin * sin;
        let prime_vertical = self.semi_major / w2.sqrt();
        let meridian = prime_vertical * (1.0 - e2) / w2;
        (prime_vertical * cos * 1f64.to_radians(), meridian * 1f64.to_radians())
    }

    /// Square metres of the cell between two parallels, `width` degrees of longitude wide: exact,
    /// by the authalic function (Snyder 1987, Map Projections, eq. 3-12).
    pub fn cell_area(self, south: f64, north: f64, width: f64) -> f64 {
        let e2 = self.eccentricity_squared();
        let e = e2.sqrt();
        let q = |latitude: f64| {
            let sin = latitude.to_radians().sin();
            if e < 1e-9 {
                return 2.0 * sin;
            }
            (1.0 - e2) * (sin / (1.0 - e2 * sin * sin) + (e * sin).atanh() / e)
        };
        0.5 * self.semi_major.powi(2) * width.to_radians().abs() * (q(north) - q(south)).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cells_of_the_earth_add_up_to_its_surface() {
        // 510 065 621.72 km2 is the surface of WGS 84.
        let area: f64 =
            (-90..90).map(|lat| Ellipsoid::WGS84.cell_area(f64::from(lat), f64::from(lat + 1), 360.0)).sum();
        assert!((area / 1e6 - 510_065_621.724).abs() < 0.01, "{}", area / 1e6);
    }

    #[test]
    fn a_ten_metre_cell_equals_the_geodesic_polygon() {
        use geo::{GeodesicArea, Rect, coord};
        let (south, west, step) = (10.3, 105.2, 9e-5);
        let cell = Rect::new(coord! { x: west, y: south }, coord! { x: west + step, y: south + step });
        let reference = cell.to_polygon().geodesic_area_unsigned();
        let area = Ellipsoid::WGS84.cell_area(south, south + step, step);
        // A geodesic polygon's sides are geodesics, not parallels: the difference is far below this.
        assert!((area / reference - 1.0).abs() < 1e-6, "{area} {reference}");
    }

    #[test]
    fn a_degree_has_its_published_length() {
        // National Geospatial-Intelligence Agency's table: 45 degrees north, WGS 84.
        let (east, north) = Ellipsoid::WGS84.metres_per_degree(45.0);
        assert!((east - 78_846.8).abs() < 0.1 && (north - 111_131.8).abs() < 0.1, "{east} {north}");
    }
}
