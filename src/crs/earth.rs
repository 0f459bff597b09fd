//! Points of the Earth (WGS 84) in space: where nearness has no seams at the date line and no poles.

/// Semi-major axis of WGS 84 in metres.
pub const SEMI_MAJOR: f64 = 6_378_137.0;
/// Flattening of WGS 84.
pub const FLATTENING: f64 = 1.0 / 298.257_223_563;
/// Square of the first eccentricity of WGS 84.
pub const E2: f64 = FLATTENING * (2.0 - FLATTENING);

/// Earth-centred, Earth-fixed metres.
pub type Xyz = [f64; 3];

/// The point on the ellipsoid at a longitude and latitude in degrees.
pub fn xyz(longitude: f64, latitude: f64) -> Xyz {
    let (sin_lon, cos_lon) = longitude.to_radians().sin_cos();
    let (sin_lat, cos_lat) = latitude.to_radians().sin_cos();
    let normal = SEMI_MAJOR / (1.0 - E2 * sin_lat * sin_lat).sqrt();
    [normal * cos_lat * cos_lon, normal * cos_lat * sin_lon, normal * (1.0 - E2) * sin_lat]
}

/// Longitude and latitude in degrees of a point near the ellipsoid (within a few hundred metres:
/// exact to a hundredth of a millimetre), by Bowring's formula.
pub fn lon_lat(at: Xyz) -> (f64, f64) {
    let polar = SEMI_MAJOR * (1.0 - FLATTENING);
    let second = E2 / (1.0 - E2);
    let across = at[0].hypot(at[1]);
    let (sin, cos) = (at[2] * SEMI_MAJOR).atan2(across * polar).sin_cos();
    let latitude = (at[2] + second * polar * sin.powi(3)).atan2(across - E2 * SEMI_MAJOR * cos.powi(3));
    (at[1].atan2(at[0]).to_degrees(), latitude.to_degrees())
}

/// Square of the straight distance between two points.
pub fn chord2(a: Xyz, b: Xyz) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_and_back_is_the_same_point() {
        for (lon, lat) in [(113.0, 27.9), (-179.999, 80.0), (0.0, -89.99), (45.0, 0.0), (179.0, 52.0)] {
            let (a, b) = lon_lat(xyz(lon, lat));
            assert!((a - lon).abs() < 1e-11 && (b - lat).abs() < 1e-11, "{a} {b}");
        }
        // A quarter of the equator is a chord of sqrt(2) radii.
        assert!((chord2(xyz(0.0, 0.0), xyz(90.0, 0.0)).sqrt() - SEMI_MAJOR * 2f64.sqrt()).abs() < 1e-6);
    }
}
