//! Mines as processes read them: points, of polygons a point inside.

use std::collections::BTreeMap;

use geo::InteriorPoint;

use super::{Context, ProcessError, grid};
use crate::crs::Crs;
use crate::ogc::FileInput;
use crate::vector::{Value, reproject};

/// A mine of a file.
#[derive(Clone, Debug)]
pub struct Mine {
    /// Its feature in the file, from 1.
    pub row: usize,
    /// Degrees east on WGS 84.
    pub longitude: f64,
    /// Degrees north.
    pub latitude: f64,
    /// Its properties.
    pub properties: BTreeMap<String, Value>,
}

/// Reads mines. `crs` is that of coordinates that are plainly not degrees, as in tables of metres;
/// files that tell their own are read by it.
///
/// # Errors
/// [`ProcessError::Input`] naming `mines` where there is none, or `minesCrs`.
pub fn mines(context: &Context<'_>, file: &FileInput, crs: Option<&str>) -> Result<Vec<Mine>, ProcessError> {
    let crs = crs.map(|text| grid::parse_crs("minesCrs", text)).transpose()?.unwrap_or_else(Crs::wgs84);
    let to_degrees = crs.transformer_to(&Crs::wgs84()).map_err(|e| ProcessError::input("minesCrs", e))?;
    let mut found = Vec::new();
    let mut empty = 0;
    for (i, feature) in context.data.features("mines", file)?.features.into_iter().enumerate() {
        let mut geometry = feature.geometry;
        let degrees = |p: geo::Point| p.x().abs() <= 360.0 && p.y().abs() <= 90.0;
        if geometry.interior_point().is_some_and(|p| !degrees(p)) {
            let why = |e| ProcessError::input("minesCrs", format_args!("mine {} lies nowhere: {e}", i + 1));
            reproject(&mut geometry, &to_degrees).map_err(why)?;
        }
        match geometry.interior_point() {
            Some(at) if degrees(at) => found.push(Mine {
                row: i + 1,
                longitude: at.x(),
                latitude: at.y(),
                properties: feature.properties,
            }),
            Some(at) => {
                let why = format!(
                    "mine {} lies at {}, {}, which are not degrees: give the CRS of the file as `minesCrs`",
                    i + 1,
                    at.x(),
                    at.y()
                );
                return Err(ProcessError::input("mines", why));
            }
            None => empty += 1,
        }
    }
    if empty > 0 {
        context.progress.note(&format!("mines: {empty} without a place are left out"));
    }
    if found.is_empty() {
        let why = "it holds no mine; give a file with at least one point or polygon of a mine";
        return Err(ProcessError::input("mines", why));
    }
    Ok(found)
}
