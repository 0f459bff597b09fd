//! Geometries from one CRS to another.

use std::cell::{Cell, RefCell};

use geo::{Geometry, MapCoordsInPlace};

use crate::crs::{CrsError, Transformer};

/// Transforms every vertex of a geometry.
///
/// # Errors
/// [`CrsError`] where a vertex cannot be transformed; the geometry is then unchanged.
pub fn reproject(geometry: &mut Geometry<f64>, transformer: &Transformer) -> Result<(), CrsError> {
    if transformer.is_identity() {
        return Ok(());
    }
    // All vertices in one call: a call per vertex costs PROJ far more than the arithmetic.
    let (xs, ys) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    geometry.map_coords_in_place(|c| {
        xs.borrow_mut().push(c.x);
        ys.borrow_mut().push(c.y);
        c
    });
    let (mut xs, mut ys) = (xs.into_inner(), ys.into_inner());
    transformer.apply(&mut xs, &mut ys)?;
    let next = Cell::new(0);
    geometry.map_coords_in_place(|_| {
        let i = next.replace(next.get() + 1);
        geo::coord! { x: xs[i], y: ys[i] }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use geo::{Geometry, polygon};

    use super::*;
    use crate::crs::Crs;

    #[test]
    fn a_polygon_with_a_hole_comes_back_from_utm() {
        let there = Geometry::Polygon(polygon!(
            exterior: [(x: 113.0, y: 27.0), (x: 113.1, y: 27.0), (x: 113.1, y: 27.1)],
            interiors: [[(x: 113.05, y: 27.01), (x: 113.08, y: 27.01), (x: 113.08, y: 27.05)]],
        ));
        let (wgs, utm) = (Crs::wgs84(), Crs::from_epsg(32649).unwrap());
        let mut geometry = there.clone();
        reproject(&mut geometry, &wgs.transformer_to(&utm).unwrap()).unwrap();
        reproject(&mut geometry, &utm.transformer_to(&wgs).unwrap()).unwrap();
        let (Geometry::Polygon(a), Geometry::Polygon(b)) = (there, geometry) else { unreachable!() };
        for (a, b) in a.interiors()[0].coords().zip(b.interiors()[0].coords()) {
            assert!((a.x - b.x).abs() < 1e-9 && (a.y - b.y).abs() < 1e-9);
        }
    }
}
