//! Features in longitude and latitude on WGS 84, many in one call of PROJ.

use std::cell::{Cell, RefCell};

use geo::{Geometry, MapCoordsInPlace};

use crate::crs::{Crs, CrsError};

/// Transforms geometries to longitude and latitude on WGS 84. Degrees stay in the turn in which
/// they were given (181 stays 181); from projected systems they come as PROJ gives them, within
/// -180..180.
pub(in crate::io) fn to_lon_lat(geometries: &mut [&mut Geometry<f64>], crs: &Crs) -> Result<(), CrsError> {
    let transformer = crs.transformer_to(&Crs::wgs84())?;
    if transformer.is_identity() {
        return Ok(());
    }
    let (xs, ys) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    for geometry in geometries.iter_mut() {
        geometry.map_coords_in_place(|c| {
            xs.borrow_mut().push(c.x);
            ys.borrow_mut().push(c.y);
            c
        });
    }
    let (mut xs, mut ys) = (xs.into_inner(), ys.into_inner());
    transformer.apply(&mut xs, &mut ys)?;
    let next = Cell::new(0);
    for geometry in geometries.iter_mut() {
        geometry.map_coords_in_place(|c| {
            let i = next.replace(next.get() + 1);
            let turns = if crs.is_geographic() { ((c.x - xs[i]) / 360.0).round() } else { 0.0 };
            geo::coord! { x: xs[i] + 360.0 * turns, y: ys[i] }
        });
    }
    Ok(())
}

/// A longitude within -180..180.
pub(super) fn within(longitude: f64) -> f64 {
    if (-180.0..=180.0).contains(&longitude) {
        longitude
    } else {
        longitude - 360.0 * ((longitude + 180.0) / 360.0).floor()
    }
}
