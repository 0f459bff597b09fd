//! The grid of a cube: CRS, resolution and extent, from what is asked and what the scenes have.
//!
//! A grid in the CRS of the first scene is snapped to whole multiples of the pixel size from that
//! scene's own origin, so that its pixels stay as they are; in another CRS, to multiples of the
//! pixel size from the origin of the CRS.

use std::collections::HashMap;

use geo::{BoundingRect, LineString, MapCoords, MultiPolygon};

use super::scene::SceneError;
use crate::budget::{self, Budget, OverBudget};
use crate::crs::{Affine, Bounds, Crs, CrsError, GeoBox, Transformer};
use crate::cube::{Area, CubeRequest};
use crate::raster::Spans;

/// A grid of more pixels than this is a mistake (8 tiles of Sentinel-2).
const MAX_PIXELS: f64 = 1e9;

/// A cube's grid and the pixels of it that lie in the polygons that were asked for.
pub struct TargetGrid {
    /// The grid.
    pub grid: GeoBox,
    /// Pixels inside, where polygons were asked for.
    pub spans: Option<Spans>,
}

/// Chooses the grid. `rasters` are the grids of the bands' files, those of the first scene first.
///
/// # Errors
/// [`SceneError`] where the area lies outside the scenes, a CRS cannot be transformed, or the
/// grid would be absurdly large.
pub fn target_grid(
    input: &str,
    rasters: &[&GeoBox],
    request: &CubeRequest,
) -> Result<TargetGrid, SceneError> {
    let first = rasters.first().ok_or_else(|| SceneError::new(input, "no rasters"))?;
    let crs = request.crs.clone().unwrap_or_else(|| first.crs.clone());
    let crs_error = |e: CrsError| SceneError::new(input, e);
    let mut ways: HashMap<String, Transformer> = HashMap::new();
    let mut union: Option<Bounds> = None;
    let mut seen: Vec<(Bounds, &Crs)> = Vec::new();
    for raster in rasters {
        let bounds = raster.bounds();
        if seen.iter().any(|(b, c)| *b == bounds && c.wkt() == raster.crs.wkt()) {
            continue;
        }
        seen.push((bounds, &raster.crs));
        let way = match ways.entry(raster.crs.wkt().to_owned()) {
            std::collections::hash_map::Entry::Occupied(e) => e.into_mut(),
            std::collections::hash_map::Entry::Vacant(e) => {
                e.insert(raster.crs.transformer_to(&crs).map_err(crs_error)?)
            }
        };
        let bounds = way.apply_bounds(bounds).map_err(crs_error)?;
        union = Some(union.map_or(bounds, |u| join(u, bounds)));
    }
    let union = union.unwrap_or_else(|| first.bounds());

    let finest = rasters
        .iter()
        .filter(|r| r.crs == first.crs)
        .min_by(|a, b| a.affine.pixel_size().0.total_cmp(&b.affine.pixel_size().0));
    let finest = finest.unwrap_or(first);
    let native = native_pixel(finest, &crs).map_err(crs_error)?;
    let same = |a: f64, b: f64| (a - b).abs() <= b * 1e-6;
    let (width, height) = match request.resolution {
        Some(size) if !(size.is_finite() && size > 0.0) => {
            return Err(SceneError::new(
                "resolution",
                format!("{size} is not a pixel size: it must be above 0"),
            ));
        }
        Some(size) if same(native.0, size) && same(native.1, size) => native,
        Some(size) => (size, size),
        None => native,
    };
    let origin = if crs == finest.crs && finest.affine.is_north_up() {
        (finest.affine.0[0], finest.affine.0[3])
    } else {
        (0.0, 0.0)
    };

    let (wanted, polygons) = match &request.area {
        None => (union, None),
        Some(Area::Box(bounds, area_crs)) => {
            let ordered = bounds.min_x < bounds.max_x && bounds.min_y < bounds.max_y;
            if !ordered {
                return Err(SceneError::new("area", "the box is empty: give [minX, minY, maxX, maxY]"));
            }
            let way = area_crs.transformer_to(&crs).map_err(|e| SceneError::new("area", e))?;
            (way.apply_bounds(*bounds).map_err(|e| SceneError::new("area", e))?, None)
        }
        Some(Area::Polygons(polygons)) => {
            follow(polygons).map_err(|e| SceneError::new("area", e))?;
            let polygons = project(polygons, &crs).map_err(|e| SceneError::new("area", e))?;
            let rect = polygons.bounding_rect();
            let rect = rect.ok_or_else(|| SceneError::new("area", "there is no polygon in it"))?;
            let bounds =
                Bounds { min_x: rect.min().x, min_y: rect.min().y, max_x: rect.max().x, max_y: rect.max().y };
            (bounds, Some(polygons))
        }
    };
    let outside = || {
        let show = |b: Bounds| format!("[{:.6}, {:.6}, {:.6}, {:.6}]", b.min_x, b.min_y, b.max_x, b.max_y);
        SceneError::new(
            "area",
            format!(
                "lies outside the scenes: area {} and scenes {} in {}",
                show(wanted),
                show(union),
                crs.name()
            ),
        )
    };
    if wanted.min_x >= union.max_x
        || wanted.max_x <= union.min_x
        || wanted.min_y >= union.max_y
        || wanted.max_y <= union.min_y
    {
        return Err(outside());
    }

    // What lies beyond the scenes is not asked for by naming a wide area.
    let wanted = Bounds {
        min_x: wanted.min_x.max(union.min_x),
        min_y: wanted.min_y.max(union.min_y),
        max_x: wanted.max_x.min(union.max_x),
        max_y: wanted.max_y.min(union.max_y),
    };

    // Whole pixels from the origin; a millionth of a pixel is rounding.
    let low = |v: f64, origin: f64, size: f64| ((v - origin) / size + 1e-6).floor();
    let high = |v: f64, origin: f64, size: f64| ((v - origin) / size - 1e-6).ceil();
    let left = low(wanted.min_x, origin.0, width);
    let right = high(wanted.max_x, origin.0, width).max(left + 1.0);
    let bottom = low(wanted.min_y, origin.1, height);
    let top = high(wanted.max_y, origin.1, height).max(bottom + 1.0);
    let (cols, rows) = (right - left, top - bottom);
    // The smallest pixels make infinitely many, or NaN.
    if (cols * rows).is_nan() || cols * rows > MAX_PIXELS {
        return Err(SceneError::new(
            if request.resolution.is_some() {
                "resolution"
            } else if request.area.is_some() {
                "area"
            } else {
                input
            },
            format!(
                "a grid of {cols} x {rows} pixels of {width} is more than the limit of {MAX_PIXELS:.0} pixels; \
                 ask for a smaller area or a larger pixel size"
            ),
        ));
    }
    let sides = Budget::default().raster(rows as usize, cols as usize);
    sides
        .map_err(|e| SceneError::new(if request.resolution.is_some() { "resolution" } else { "area" }, e))?;
    if let Some(size) = request.resolution.filter(|_| width > 2.0 * (union.max_x - union.min_x)) {
        let unit = if crs.is_geographic() { "degrees" } else { "units" };
        return Err(SceneError::new(
            "resolution",
            format!("a pixel of {size} {unit} of {} is larger than the scenes", crs.name()),
        ));
    }
    let affine = Affine::north_up(origin.0 + left * width, origin.1 + top * height, width, height);
    let grid = GeoBox { rows: rows as usize, cols: cols as usize, affine, crs };
    let spans = polygons.map(|polygons| {
        let pixels = polygons.map_coords(|c| {
            let (x, y) = grid.affine.invert(c.x, c.y).unwrap_or((f64::NAN, f64::NAN));
            geo::Coord { x, y }
        });
        Spans::fill(&pixels, grid.rows, grid.cols)
    });
    let spans = spans.transpose().map_err(|e| SceneError::new("area", e))?;
    if spans.as_ref().is_some_and(Spans::is_empty) {
        return Err(SceneError::new(
            "area",
            "no pixel has its centre in the polygons; are they smaller than a pixel?",
        ));
    }
    Ok(TargetGrid { grid, spans })
}

fn join(a: Bounds, b: Bounds) -> Bounds {
    Bounds {
        min_x: a.min_x.min(b.min_x),
        min_y: a.min_y.min(b.min_y),
        max_x: a.max_x.max(b.max_x),
        max_y: a.max_y.max(b.max_y),
    }
}

/// The pixel size of a raster in units of a CRS. Between metric systems it stays as it is.
fn native_pixel(raster: &GeoBox, crs: &Crs) -> Result<(f64, f64), CrsError> {
    let native = raster.affine.pixel_size();
    if &raster.crs == crs {
        return Ok(native);
    }
    let centre = (raster.rows as f64 / 2.0, raster.cols as f64 / 2.0);
    let places =
        [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)].map(|(c, r)| raster.affine.apply(centre.1 + c, centre.0 + r));
    let (mut xs, mut ys) = (places.map(|p| p.0), places.map(|p| p.1));
    raster.crs.transformer_to(crs)?.apply(&mut xs, &mut ys)?;
    let area = ((xs[1] - xs[0]) * (ys[2] - ys[0]) - (xs[2] - xs[0]) * (ys[1] - ys[0])).abs();
    let size = area.sqrt();
    if raster.crs.is_geographic() == crs.is_geographic() && (size / native.0 - 1.0).abs() < 0.01 {
        return Ok(native);
    }
    // Two digits: a pixel of 0.000091 degrees, not 0.0000908314.
    let unit = 10_f64.powf(size.log10().floor() - 1.0);
    let size = (size / unit).round() * unit;
    Ok((size, size))
}

/// Points in which an edge is followed in steps of a hundredth of a degree.
fn steps(line: geo::Line<f64>) -> f64 {
    (line.dx().abs().max(line.dy().abs()) / 0.01).ceil().clamp(1.0, 1000.0)
}

/// Refuses polygons whose edges would become too many points.
fn follow(polygons: &MultiPolygon<f64>) -> Result<(), OverBudget> {
    let rings = polygons.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()));
    budget::followed("0.01 degrees", rings.flat_map(LineString::lines).map(steps).sum())
}

/// Polygons (WGS 84) in another CRS, long edges followed in steps of a hundredth of a degree.
fn project(polygons: &MultiPolygon<f64>, crs: &Crs) -> Result<MultiPolygon<f64>, CrsError> {
    let way = Crs::wgs84().transformer_to(crs)?;
    if way.is_identity() {
        return Ok(polygons.clone());
    }
    let ring = |ring: &LineString<f64>| -> Result<LineString<f64>, CrsError> {
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        for line in ring.lines() {
            let (dx, dy) = (line.end.x - line.start.x, line.end.y - line.start.y);
            let steps = steps(line);
            for step in 0..steps as usize {
                let t = step as f64 / steps;
                xs.push(line.start.x + dx * t);
                ys.push(line.start.y + dy * t);
            }
        }
        way.apply(&mut xs, &mut ys)?;
        let mut points: Vec<(f64, f64)> = xs.into_iter().zip(ys).collect();
        points.extend(points.first().copied());
        Ok(LineString::from(points))
    };
    let polygon = |p: &geo::Polygon<f64>| {
        let holes = p.interiors().iter().map(&ring).collect::<Result<_, _>>()?;
        Ok(geo::Polygon::new(ring(p.exterior())?, holes))
    };
    Ok(MultiPolygon(polygons.iter().map(polygon).collect::<Result<_, CrsError>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utm(x: f64, y: f64, size: f64, rows: usize, cols: usize) -> GeoBox {
        GeoBox { rows, cols, affine: Affine::north_up(x, y, size, size), crs: Crs::from_epsg(32649).unwrap() }
    }

    #[test]
    fn an_equal_grid_stays_equal() {
        let (fine, coarse) =
            (utm(700_000.0, 3_090_000.0, 10.0, 300, 300), utm(700_000.0, 3_090_000.0, 20.0, 150, 150));
        let target = target_grid("cube", &[&coarse, &fine], &CubeRequest::default()).unwrap();
        assert_eq!(target.grid, fine);
    }

    #[test]
    fn areas_are_snapped_to_whole_pixels_of_the_scene() {
        let scene = utm(700_003.0, 3_090_007.0, 10.0, 300, 300);
        let bounds = Bounds { min_x: 700_510.0, min_y: 3_089_000.0, max_x: 700_555.0, max_y: 3_089_042.0 };
        let area = Some(Area::Box(bounds, scene.crs.clone()));
        let grid =
            target_grid("cube", &[&scene], &CubeRequest { area, ..CubeRequest::default() }).unwrap().grid;
        assert_eq!((grid.affine.0[0], grid.affine.0[3]), (700_503.0, 3_089_047.0));
        assert_eq!((grid.rows, grid.cols), (5, 6));
    }

    #[test]
    fn areas_outside_and_absurd_grids_are_refused() {
        let scene = utm(700_000.0, 3_090_000.0, 10.0, 300, 300);
        let far = Bounds { min_x: 10.0, min_y: 10.0, max_x: 11.0, max_y: 11.0 };
        let area = Some(Area::Box(far, Crs::wgs84()));
        let error =
            target_grid("cube", &[&scene], &CubeRequest { area, ..CubeRequest::default() }).err().unwrap();
        assert!(error.path == "area" && error.message.contains("outside the scenes"), "{error}");
        let request = CubeRequest { resolution: Some(1e-3), ..CubeRequest::default() };
        assert!(target_grid("cube", &[&scene], &request).err().unwrap().message.contains("limit"));
        let request = CubeRequest { resolution: Some(-1.0), ..CubeRequest::default() };
        assert_eq!(target_grid("cube", &[&scene], &request).err().unwrap().path, "resolution");
    }

    #[test]
    fn a_metric_pixel_stays_metric_across_zones_and_becomes_degrees() {
        let scene = utm(700_000.0, 3_090_000.0, 10.0, 300, 300);
        let at = |epsg| {
            let request = CubeRequest { crs: Some(Crs::from_epsg(epsg).unwrap()), ..CubeRequest::default() };
            target_grid("cube", &[&scene], &request).unwrap().grid.affine.pixel_size()
        };
        assert_eq!(at(32650), (10.0, 10.0));
        assert!((9e-5..1e-4).contains(&at(4326).0));
    }
}
