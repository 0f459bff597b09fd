//! Points and polygons of files that people keep by hand (mines), row by row: what can be used is
//! used, and what is wrong with the others is told.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::panic::catch_unwind;
use std::path::Path;

use geo::{Area, CoordsIter, Geometry, MakeValid, MultiPolygon, Validation};

use super::IoError;
use super::vectors::{self, Raw, RawRow, VectorFormat};
use crate::crs::{Crs, CrsError, Transformer};
use crate::named::named;
use crate::vector::{
    Feature, FeatureTable, MineRows, RowAction, RowProblem, Value, columns, reproject, rings_are_disjoint,
};

/// What can go wrong with a file as a whole.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The file.
    #[error(transparent)]
    File(#[from] IoError),
    /// Its coordinates are in no CRS that it tells.
    #[error(
        "{name}: row {row} has ({x}, {y}), and no row has a longitude and latitude; give the CRS of the coordinates"
    )]
    NoLonLat {
        /// The file.
        name: String,
        /// A row.
        row: usize,
        /// Its first coordinate.
        x: f64,
        /// Its second coordinate.
        y: f64,
    },
}

/// Reads the rows of a file; its ending tells the format. `crs` is that of the coordinates where
/// the file tells none.
///
/// # Errors
/// [`RowsError`]: a file that cannot be read at all, or whose coordinates are no longitude and
/// latitude in any row while no CRS is known.
pub fn read(path: &Path, crs: Option<&Crs>) -> Result<MineRows, RowsError> {
    let name = named(&path).to_string();
    match VectorFormat::of_name(&name) {
        Some(format @ (VectorFormat::GeoPackage | VectorFormat::Shapefile)) => {
            judge(&name, format, vectors::raw_file(path, &name, format)?, crs)
        }
        Some(format) => {
            let bytes = std::fs::read(path).map_err(|e| IoError::read(&name, e))?;
            parse(&name, format, &bytes, crs)
        }
        None => Err(vectors::unknown_ending(&name).into()),
    }
}

/// Reads rows from memory; `name` is what errors call them.
///
/// # Errors
/// As [`read`]; GeoPackage and Shapefile are read only from files.
pub fn parse(
    name: &str,
    format: VectorFormat,
    bytes: &[u8],
    crs: Option<&Crs>,
) -> Result<MineRows, RowsError> {
    let projected = crs.is_some_and(|crs| !crs.is_geographic());
    judge(name, format, vectors::raw_of(name, format, bytes, projected)?, crs)
}

/// Sorts the usable rows from the others. The file's own CRS comes before the caller's.
fn judge(name: &str, format: VectorFormat, raw: Raw, crs: Option<&Crs>) -> Result<MineRows, RowsError> {
    let told = raw.crs.as_ref().or(crs);
    if told.is_none() {
        somewhere_on_earth(name, &raw.rows)?;
    }
    let place = Place::of(told).map_err(|e| IoError::crs(name, e))?;
    let mut found = MineRows { notes: raw.notes, ..MineRows::default() };
    found.notes.extend(vectors::without_crs(format, told).filter(|_| !raw.rows.is_empty()));
    let mut known = Known::default();
    for RawRow { row, geometry, properties, mended } in raw.rows {
        let problems = &mut found.problems;
        let mut tell = |problem: String, action| problems.push(RowProblem { row, problem, action });
        let geometry = geometry.unwrap_or_else(|| Err("it has no geometry".to_owned()));
        let usable = geometry.and_then(points_or_polygons).and_then(|g| place.bring(g)).and_then(valid);
        let (geometry, repaired) = match usable {
            Ok(usable) => usable,
            Err(problem) => {
                tell(problem, RowAction::LeftOut);
                continue;
            }
        };
        let feature = Feature { geometry, properties };
        match known.compare(row, &feature, &found.table, &found.rows) {
            Some((problem, RowAction::LeftOut)) => {
                tell(problem, RowAction::LeftOut);
                continue;
            }
            Some((problem, action)) => tell(problem, action),
            None => {}
        }
        for problem in mended.into_iter().chain(repaired) {
            tell(problem, RowAction::Mended);
        }
        known.add(&feature, found.table.features.len());
        found.table.features.push(feature);
        found.rows.push(row);
    }
    found.problems.sort();
    Ok(found)
}

fn is_lon_lat(x: f64, y: f64) -> bool {
    x.abs() <= 360.0 && y.abs() <= 90.0
}

/// Whether a latitude and a longitude stand in each other's place.
fn looks_swapped(x: f64, y: f64) -> bool {
    y.abs() > 90.0 && x.abs() <= 90.0 && y.abs() <= 180.0
}

/// Refuses coordinates that are nowhere longitude and latitude, in neither order.
fn somewhere_on_earth(name: &str, rows: &[RawRow]) -> Result<(), RowsError> {
    let mut nowhere = None;
    for row in rows {
        let Some(Ok(geometry)) = &row.geometry else { continue };
        let Some(c) = geometry.coords_iter().find(|c| c.x.is_finite() && c.y.is_finite()) else { continue };
        if is_lon_lat(c.x, c.y) || looks_swapped(c.x, c.y) {
            return Ok(());
        }
        nowhere = nowhere.or(Some((row.row, c)));
    }
    nowhere.map_or(Ok(()), |(row, c)| Err(RowsError::NoLonLat { name: name.to_owned(), row, x: c.x, y: c.y }))
}

/// The geometry where it is of points or polygons.
fn points_or_polygons(geometry: Geometry<f64>) -> Result<Geometry<f64>, String> {
    let kind = match &geometry {
        Geometry::MultiPoint(points) if points.0.len() == 1 => return Ok(points.0[0].into()),
        Geometry::Point(_) | Geometry::MultiPoint(_) | Geometry::Polygon(_) | Geometry::MultiPolygon(_) => {
            return if geometry.coords_count() == 0 {
                Err("it has an empty geometry".to_owned())
            } else {
                Ok(geometry)
            };
        }
        Geometry::Line(_) | Geometry::LineString(_) | Geometry::MultiLineString(_) => "a line",
        _ => "a collection of geometries",
    };
    Err(format!("it is {kind}; expected a point or a polygon"))
}

/// The way of coordinates to longitude and latitude.
struct Place {
    transformer: Option<Transformer>,
    /// What the CRS is called, where it is projected.
    projected: Option<String>,
}

impl Place {
    fn of(crs: Option<&Crs>) -> Result<Self, CrsError> {
        let transformer = crs.map(|crs| crs.transformer_to(&Crs::wgs84())).transpose()?;
        let projected = crs.filter(|crs| !crs.is_geographic()).map(Crs::name);
        Ok(Self { transformer, projected })
    }

    /// The geometry in longitude and latitude, or why it has no place.
    fn bring(&self, mut geometry: Geometry<f64>) -> Result<Geometry<f64>, String> {
        let all = |test: &dyn Fn(f64, f64) -> bool| geometry.coords_iter().all(|c| test(c.x, c.y));
        if !all(&|x, y| x.is_finite() && y.is_finite()) {
            return Err("a coordinate is not a number".to_owned());
        }
        if all(&|x, y| x == 0.0 && y == 0.0) {
            return Err("its coordinates are 0, 0, as of a place that is not known".to_owned());
        }
        let first = geometry.coords_iter().next().unwrap_or_default();
        let (x, y) = (first.x, first.y);
        if let Some(crs) = &self.projected {
            if all(&|x, y| x.abs() <= 180.0 && y.abs() <= 90.0) {
                return Err(format!("({x}, {y}) looks like longitude and latitude, not like {crs}"));
            }
        } else if all(&looks_swapped) {
            return Err(format!(
                "latitude {y} is out of range: longitude and latitude look swapped (lon {y}, lat {x}?)"
            ));
        } else if let Some(c) = geometry.coords_iter().find(|c| !is_lon_lat(c.x, c.y)) {
            return Err(out_of_range(c.x, c.y));
        }
        if let Some(transformer) = &self.transformer {
            let outside = |_| format!("({x}, {y}) lies outside the CRS of the file");
            reproject(&mut geometry, transformer).map_err(outside)?;
            if let Some(c) = geometry.coords_iter().find(|c| !is_lon_lat(c.x, c.y)) {
                return Err(out_of_range(c.x, c.y));
            }
        }
        Ok(geometry)
    }
}

fn out_of_range(x: f64, y: f64) -> String {
    if y.abs() > 90.0 && x.abs() > 360.0 {
        format!("longitude {x} and latitude {y} are out of range")
    } else if y.abs() > 90.0 {
        format!("latitude {y} is out of range")
    } else {
        format!("longitude {x} is out of range")
    }
}

/// Vertices of polygons whose edges are compared pair by pair, for which the reason is exact.
const MOST_COMPARED: usize = 2000;

/// A geometry whose rings do not cross, with what was mended.
fn valid(geometry: Geometry<f64>) -> Result<(Geometry<f64>, Option<String>), String> {
    let polygons = match &geometry {
        Geometry::Polygon(polygon) => MultiPolygon(vec![polygon.clone()]),
        Geometry::MultiPolygon(polygons) => polygons.clone(),
        _ => return Ok((geometry, None)),
    };
    let whole = |polygons: &MultiPolygon<f64>| polygons.unsigned_area() > 0.0;
    if rings_are_disjoint(&polygons) && whole(&polygons) {
        return Ok((geometry, None));
    }
    if polygons.coords_count() > MOST_COMPARED {
        return mended(&polygons, "its rings touch or cross");
    }
    // Rings from elsewhere: what the checks do not foresee must not end the run.
    let checked = catch_unwind(|| polygons.check_validation().map_err(|e| e.to_string()));
    let reason = match checked {
        Ok(Ok(())) if whole(&polygons) => return Ok((geometry, None)),
        Ok(Ok(())) => return Err("its polygon has no area".to_owned()),
        Ok(Err(reason)) => reason,
        Err(_) => "its rings cannot be checked".to_owned(),
    };
    mended(&polygons, &reason)
}

/// The polygons with their rings in order, and what was mended.
fn mended(polygons: &MultiPolygon<f64>, reason: &str) -> Result<(Geometry<f64>, Option<String>), String> {
    let mended = catch_unwind(|| polygons.make_valid().ok()).ok().flatten();
    match mended.filter(|m| m.unsigned_area() > 0.0) {
        Some(MultiPolygon(mut parts)) => {
            let told = format!("its polygon is not valid ({reason}); its rings were put in order");
            let geometry = match parts.pop() {
                Some(only) if parts.is_empty() => only.into(),
                last => {
                    parts.extend(last);
                    MultiPolygon(parts).into()
                }
            };
            Ok((geometry, Some(told)))
        }
        None => Err(format!("its polygon is not valid ({reason}) and has no area")),
    }
}

/// Features by their place, to find those that stand twice.
#[derive(Default)]
struct Known {
    places: HashMap<Vec<(u64, u64)>, Vec<usize>>,
}

impl Known {
    fn key(feature: &Feature) -> Vec<(u64, u64)> {
        let bits = |v: f64| (v + 0.0).to_bits(); // no -0
        feature.geometry.coords_iter().map(|c| (bits(c.x), bits(c.y))).collect()
    }

    fn add(&mut self, feature: &Feature, index: usize) {
        self.places.entry(Self::key(feature)).or_default().push(index);
    }

    /// What is to be said of a feature beside those that are known.
    fn compare(
        &self,
        row: usize,
        feature: &Feature,
        table: &FeatureTable,
        rows: &[usize],
    ) -> Option<(String, RowAction)> {
        let there = self.places.get(&Self::key(feature))?;
        let twin = there.iter().find(|&&i| same(&table.features[i], feature));
        debug_assert!(there.iter().all(|&i| rows[i] <= row));
        if let Some(&twin) = twin {
            return Some((format!("it is the same as row {}", rows[twin]), RowAction::LeftOut));
        }
        let first = rows[*there.first()?];
        let told = format!("it is at the same place as row {first}, with other properties");
        Some((told, RowAction::Kept))
    }
}

/// Whether two features of the same place are one: by their names where they have any, else by
/// all properties but their numbers in the file.
fn same(a: &Feature, b: &Feature) -> bool {
    let name = |feature: &Feature| Some(columns::value(feature, columns::NAME)?.to_string());
    match (name(a), name(b)) {
        (None, None) => {
            let rest = |feature: &Feature| -> Vec<(String, Value)> {
                let own = |key: &String| columns::position([key.as_str()], columns::ID).is_none();
                let all = feature.properties.iter().filter(|(key, _)| own(key));
                all.map(|(key, value)| (key.clone(), value.clone())).collect()
            };
            rest(a) == rest(b)
        }
        (a, b) => a == b,
    }
}
