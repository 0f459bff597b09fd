//! `mine-heatmap`: how dense mines are ([Z] Fig. 9).

use geo::{BoundingRect, Densify, Euclidean, Geometry, LineString, MapCoords, MultiPolygon};
use schemars::JsonSchema;
use serde::Deserialize;

use super::inputs::InputFaults;
use super::mines::{DirtyRows, MinePoint, MineProblem, Mines};
use super::{Context, Process, ProcessError, RasterKind, grid};
use crate::budget::{self, OverBudget};
use crate::crs::earth::{chord2, lon_lat, xyz};
use crate::crs::{Affine, Bounds, Crs, CrsError, Ellipsoid, GeoBox, GlobeGrid};
use crate::cube::Area;
use crate::ogc::outputs::GEOJSON;
use crate::ogc::{AreaInput, Coverage, FileInput};
use crate::raster::{Spans, Window};
use crate::vector::{Value, reproject};
use crate::zones::heatmap::{HeatMap, Source};

/// Most cells of a map.
const MOST_CELLS: f64 = 4e8;
/// Cells of a block.
const BLOCK: usize = 1 << 22;
/// Bandwidths around the mines that the map reaches where no area is given.
const MARGIN: f64 = 3.0;
/// Narrowest bandwidth in metres.
pub(super) const NARROWEST: f64 = 1.0;
/// Widest bandwidth in metres: beyond it the Earth is not flat.
pub(super) const WIDEST: f64 = 2e5;
/// Metres from the middle of the mines within which a UTM zone (or the polar map) serves as CRS.
const ZONE: f64 = 1e6;
/// Longest edge of a polygon in degrees that is taken for straight in another CRS.
const EDGE: f64 = 0.05;

/// A heat map of mines.
#[derive(Clone, Copy, Debug)]
pub struct MineHeatmap;

/// Mines, and how they are spread.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MineHeatmapInputs {
    /// The mines: points or polygons (of which a point inside counts), as GeoJSON, GML,
    /// GeoPackage, FlatGeobuf, Shapefile or CSV (lon, lat).
    #[schemars(extend("x-holds" = GEOJSON))]
    mines: FileInput,
    /// CRS of the mines where their file does not tell, such as `EPSG:32649`; longitude and
    /// latitude where not given.
    mines_crs: Option<String>,
    /// What to do with rows of the mines that are not clean.
    #[serde(default)]
    dirty_rows: DirtyRows,
    /// Property that holds what a mine counts: a number from 0, such as tonnes. Every mine counts
    /// 1 where not given.
    weight: Option<String>,
    /// Standard deviation of the Gaussian kernel around each mine.
    #[serde(default = "default_bandwidth")]
    #[schemars(extend("x-unit" = "m", "minimum" = NARROWEST, "maximum" = WIDEST))]
    bandwidth: f64,
    /// Side of a cell; a tenth of the bandwidth where not given. Where `crs` is geographic, as
    /// many degrees as that is in the middle.
    #[schemars(extend("x-unit" = "m", "exclusiveMinimum" = 0))]
    cell: Option<f64>,
    /// Where: a bounding box or polygons (cells whose centre lies outside are nodata). Mines
    /// outside count too. The mines and three bandwidths around them where not given.
    area: Option<AreaInput>,
    /// CRS of the map, such as `EPSG:32649`; the UTM zone of the mines' middle where not given.
    crs: Option<String>,
}

/// The map.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct MineHeatmapOutputs {
    /// Mines per square kilometre (their weight, where one is named); the sum over all cells is
    /// the number of mines.
    density: Coverage,
    /// Rows of the mines that are not clean: what is wrong, and what was done.
    mine_problems: Vec<MineProblem>,
}

fn default_bandwidth() -> f64 {
    2000.0
}

impl Process for MineHeatmap {
    type Inputs = MineHeatmapInputs;
    type Outputs = MineHeatmapOutputs;
    const ID: &'static str = "mine-heatmap";
    const TITLE: &'static str = "Heat map of mines";
    const DESCRIPTION: &'static str = "Spreads each mine by a Gaussian kernel that ends at four bandwidths and whose \
        whole is one mine (Zhang et al. 2022, Fig. 9): mines per square kilometre, by distances on the Earth and not \
        on the map.";

    fn check(inputs: &MineHeatmapInputs, faults: &mut InputFaults) {
        grid::check_crs("minesCrs", inputs.mines_crs.as_deref(), faults);
        grid::check_crs("crs", inputs.crs.as_deref(), faults);
        grid::check_area(inputs.area.as_ref(), faults);
    }

    fn run(&self, inputs: MineHeatmapInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let mines = Mines::read_some(&inputs.mines, inputs.mines_crs.as_deref(), inputs.dirty_rows, context)?;
        let sources = sources(&mines, inputs.weight.as_deref())?;
        let cell = inputs.cell.unwrap_or(inputs.bandwidth / 10.0);
        if cell > inputs.bandwidth {
            let note = format!(
                "cells of {cell} m are wider than the bandwidth of {} m: mines between their centres may vanish",
                inputs.bandwidth
            );
            context.progress.note(&note);
        }
        let (grid, spans) = target(&inputs, &sources, cell, context)?;
        let globe = GlobeGrid::new(&grid).map_err(|e| place_error(&inputs, e))?;
        let map = HeatMap::new(sources, inputs.bandwidth);
        if !context.sink.wants("density") {
            return Ok(());
        }
        let (label, unit) = match &inputs.weight {
            None => ("mines per square kilometre".to_owned(), "1/km2".to_owned()),
            Some(weight) => (format!("{weight} of mines per square kilometre"), "1/km2".to_owned()),
        };
        let places = mines.on_grid(&grid).map_err(|e| place_error(&inputs, e))?;
        let kind = RasterKind::Values { label, unit, marks: Some(("mines", places)) };
        let mut writer = context.sink.raster("density", &grid, &kind)?;
        let block_rows = (BLOCK / grid.cols).clamp(1, 512);
        let blocks: Vec<Window> = Window::blocks(grid.rows, grid.cols, block_rows, BLOCK).collect();
        context.progress.step("spread the mines", blocks.len() as u64);
        for (i, &window) in blocks.iter().enumerate() {
            context.cancel.check()?;
            let plane = map.block_while(&globe, window, || !context.cancel.is_cancelled());
            let mut plane = plane.ok_or(ProcessError::Cancelled)?;
            if let Some(spans) = &spans {
                for (row, line) in plane.values.chunks_exact_mut(window.cols).enumerate() {
                    let cols = window.col..window.col + window.cols;
                    spans.gaps(window.row + row, cols, |from, to| {
                        line[from - window.col..to - window.col].fill(f32::NAN);
                    });
                }
            }
            writer.write_values(window, &plane.values)?;
            context.progress.done(i as u64 + 1);
        }
        writer.finish()
    }
}

/// Mines in space with their weights.
fn sources(mines: &Mines, weight: Option<&str>) -> Result<Vec<Source>, ProcessError> {
    let known = |name: &str| mines.points().any(|m| m.properties.contains_key(name));
    if let Some(name) = weight.filter(|name| !known(name)) {
        let mut names: Vec<&str> =
            mines.points().flat_map(|m| m.properties.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let why = format!("no mine has a property `{name}` (they have {})", names.join(", "));
        return Err(ProcessError::input("weight", why));
    }
    let source = |mine: MinePoint| {
        let weight = match weight.map(|name| (name, mine.properties.get(name))) {
            None => 1.0,
            Some((name, value)) => {
                let number = value.and_then(Value::as_f64);
                if let Some(number) = number.filter(|number| number.is_finite() && *number >= 0.0) {
                    return Ok(Source { at: xyz(mine.longitude, mine.latitude), weight: number });
                }
                let found = match value {
                    None | Some(Value::Null) => "nothing".to_owned(),
                    Some(value) => format!("`{value}`"),
                };
                let why = format!(
                    "row {} of the mines has {found} as `{name}`, expected a number from 0",
                    mine.row
                );
                return Err(ProcessError::input("weight", why));
            }
        };
        Ok(Source { at: xyz(mine.longitude, mine.latitude), weight })
    };
    mines.points().map(source).collect()
}

fn place_error(inputs: &MineHeatmapInputs, error: CrsError) -> ProcessError {
    let input = if inputs.area.is_some() && inputs.crs.is_none() { "area" } else { "crs" };
    ProcessError::input(input, format_args!("a part of the map has no place on Earth: {error}"))
}

/// The grid, snapped to whole cells from the origin of its CRS, and the cells of it that lie in
/// the polygons that were asked for.
fn target(
    inputs: &MineHeatmapInputs,
    sources: &[Source],
    cell: f64,
    context: &Context<'_>,
) -> Result<(GeoBox, Option<Spans>), ProcessError> {
    let mut middle = [0.0; 3];
    for source in sources {
        (0..3).for_each(|axis| middle[axis] += source.at[axis] / sources.len() as f64);
    }
    let (longitude, latitude) = lon_lat(middle);
    let crs = if let Some(text) = &inputs.crs {
        grid::parse_crs("crs", text)?
    } else {
        let farthest = sources.iter().map(|s| chord2(s.at, middle).sqrt()).fold(0.0, f64::max);
        if farthest > ZONE && inputs.area.is_none() {
            let why = format!(
                "mines lie {:.0} km from their middle, which no UTM zone holds: name a CRS, such as EPSG:4326, or an \
                 `area`",
                farthest / 1e3
            );
            return Err(ProcessError::input("crs", why));
        }
        zone(longitude, latitude).map_err(|e| ProcessError::input("crs", e))?
    };
    let area = inputs.area.as_ref().map(|area| grid::parse_area(area, context.data)).transpose()?;
    let area_error = |e: CrsError| ProcessError::input("area", e);
    let (bounds, polygons) = match area {
        None => (None, None),
        Some(Area::Box(bounds, from)) => {
            let way = from.transformer_to(&crs).map_err(area_error)?;
            (Some(way.apply_bounds(bounds).map_err(area_error)?), None)
        }
        Some(Area::Polygons(polygons)) => {
            let steps = |line: geo::Line<f64>| (line.dx().hypot(line.dy()) / EDGE).ceil().max(1.0);
            let rings = polygons.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()));
            budget::followed("0.05 degrees", rings.flat_map(LineString::lines).map(steps).sum())
                .map_err(|over| ProcessError::input("area", over))?;
            let mut geometry = Geometry::MultiPolygon(Euclidean.densify(&polygons, EDGE));
            let way = Crs::wgs84().transformer_to(&crs).map_err(area_error)?;
            reproject(&mut geometry, &way).map_err(area_error)?;
            let rect = geometry
                .bounding_rect()
                .ok_or_else(|| ProcessError::input("area", "there is no polygon in it"))?;
            let (min, max) = (rect.min(), rect.max());
            let Geometry::MultiPolygon(polygons) = geometry else { unreachable!("it was made one above") };
            (Some(Bounds { min_x: min.x, min_y: min.y, max_x: max.x, max_y: max.y }), Some(polygons))
        }
    };
    // Units of the CRS in a metre: of its degrees at the middle of what is drawn.
    let middle_latitude =
        bounds.filter(|_| crs.is_geographic()).map_or(latitude, |b| f64::midpoint(b.min_y, b.max_y));
    let per_metre = if crs.is_geographic() {
        let (east, north) = Ellipsoid::of(&crs).metres_per_degree(middle_latitude.clamp(-89.9, 89.9));
        (1.0 / east, 1.0 / north)
    } else {
        let unit = crs.to_spatial_ref().map_or(1.0, |s| s.linear_units());
        (1.0 / unit, 1.0 / unit)
    };
    let bounds = match bounds {
        Some(bounds) => bounds,
        None => around(sources, longitude, &crs, (per_metre.0, per_metre.1), MARGIN * inputs.bandwidth)
            .map_err(|e| ProcessError::input("crs", e))?,
    };
    let (width, height) = (cell * per_metre.0, cell * per_metre.1);
    // A millionth of a cell is rounding.
    let low = |v: f64, size: f64| (v / size + 1e-6).floor();
    let high = |v: f64, size: f64| (v / size - 1e-6).ceil();
    let (left, bottom) = (low(bounds.min_x, width), low(bounds.min_y, height));
    let (right, top) =
        (high(bounds.max_x, width).max(left + 1.0), high(bounds.max_y, height).max(bottom + 1.0));
    let (cols, rows) = (right - left, top - bottom);
    // The smallest cells make infinitely many, or NaN.
    if (cols * rows).is_nan() || cols * rows > MOST_CELLS {
        let square_metres =
            (bounds.max_x - bounds.min_x) / per_metre.0 * ((bounds.max_y - bounds.min_y) / per_metre.1);
        let enough = ((square_metres / MOST_CELLS).sqrt() * 1.01).ceil();
        let why = format!(
            "cells of {cell} m make more than {MOST_CELLS:.0}; give a cell of {enough} m or more, or a smaller area"
        );
        return Err(ProcessError::input("cell", why));
    }
    context.budget.raster(rows as usize, cols as usize).map_err(|over| ProcessError::input("cell", over))?;
    let affine = Affine::north_up(left * width, top * height, width, height);
    let grid = GeoBox { rows: rows as usize, cols: cols as usize, affine, crs };
    let spans = polygons.map(|polygons| fill(&polygons, &grid)).transpose();
    let spans = spans.map_err(|over| ProcessError::input("area", over))?;
    if spans.as_ref().is_some_and(Spans::is_empty) {
        let why = "no cell has its centre in the polygons; give a smaller `cell`";
        return Err(ProcessError::input("area", why));
    }
    Ok((grid, spans))
}

fn fill(polygons: &MultiPolygon<f64>, grid: &GeoBox) -> Result<Spans, OverBudget> {
    let pixels = polygons.map_coords(|c| {
        let (x, y) = grid.affine.invert(c.x, c.y).unwrap_or((f64::NAN, f64::NAN));
        geo::Coord { x, y }
    });
    Spans::fill(&pixels, grid.rows, grid.cols)
}

/// The rectangle around mines and `margin` metres. In degrees it runs across the date line where
/// the mines do.
fn around(
    sources: &[Source],
    longitude: f64,
    crs: &Crs,
    per_metre: (f64, f64),
    margin: f64,
) -> Result<Bounds, CrsError> {
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = sources.iter().map(|s| lon_lat(s.at)).unzip();
    Crs::wgs84().transformer_to(crs)?.apply(&mut xs, &mut ys)?;
    if crs.is_geographic() {
        for x in &mut xs {
            *x = longitude + (*x - longitude + 180.0).rem_euclid(360.0) - 180.0;
        }
    }
    let least = |v: &[f64]| v.iter().copied().fold(f64::INFINITY, f64::min);
    let most = |v: &[f64]| v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (x, y) = (margin * per_metre.0, margin * per_metre.1);
    let mut bounds =
        Bounds { min_x: least(&xs) - x, min_y: least(&ys) - y, max_x: most(&xs) + x, max_y: most(&ys) + y };
    if crs.is_geographic() {
        (bounds.min_y, bounds.max_y) = (bounds.min_y.max(-90.0), bounds.max_y.min(90.0));
    }
    Ok(bounds)
}

/// The UTM zone of a place, or the polar map beyond 84 north and 80 south.
fn zone(longitude: f64, latitude: f64) -> Result<Crs, CrsError> {
    let zone = (((longitude + 180.0) / 6.0).floor() as i64).rem_euclid(60) as u32 + 1;
    Crs::from_epsg(match latitude {
        north if north > 84.0 => 5041,
        south if south < -80.0 => 5042,
        north if north >= 0.0 => 32600 + zone,
        _ => 32700 + zone,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use geo::{Point, polygon};
    use serde_json::json;

    use super::*;
    use crate::process::testing::{Memory, nowhere};
    use crate::process::{DynProcess as _, RasterWriter, ResultSink, Silent};
    use crate::vector::{Feature, FeatureTable};

    type Raster = Arc<Mutex<Option<(GeoBox, String, Vec<f32>)>>>;

    /// Keeps one raster of numbers.
    #[derive(Default)]
    struct Kept(Raster);
    struct Writer(Raster);

    impl ResultSink for Kept {
        fn wants(&self, _: &str) -> bool {
            true
        }
        fn raster(
            &self,
            _: &str,
            grid: &GeoBox,
            kind: &RasterKind,
        ) -> Result<Box<dyn RasterWriter>, ProcessError> {
            let RasterKind::Values { label, unit, .. } = kind else { panic!("numbers are expected") };
            let values = vec![f32::INFINITY; grid.rows * grid.cols];
            *self.0.lock().unwrap() = Some((grid.clone(), format!("{label}, {unit}"), values));
            Ok(Box::new(Writer(self.0.clone())))
        }
        fn document(&self, _: &str, _: serde_json::Value) -> Result<(), ProcessError> {
            Ok(())
        }
        fn file(&self, _: &str, _: &str, _: &[u8]) -> Result<(), ProcessError> {
            Ok(())
        }
    }

    impl RasterWriter for Writer {
        fn write(&mut self, _: Window, _: &[u8]) -> Result<(), ProcessError> {
            panic!("numbers are expected")
        }
        fn write_values(&mut self, window: Window, values: &[f32]) -> Result<(), ProcessError> {
            let mut kept = self.0.lock().unwrap();
            let (grid, _, all) = kept.as_mut().unwrap();
            for (row, line) in values.chunks_exact(window.cols).enumerate() {
                all[(window.row + row) * grid.cols + window.col..][..window.cols].copy_from_slice(line);
            }
            Ok(())
        }
        fn finish(self: Box<Self>) -> Result<(), ProcessError> {
            Ok(())
        }
    }

    fn memory(mines: &[(f64, f64)]) -> Memory {
        let mut memory = nowhere();
        let feature = |(i, (lon, lat)): (usize, &(f64, f64))| Feature {
            geometry: Point::new(*lon, *lat).into(),
            properties: [
                ("tonnes".to_owned(), Value::Number(i as f64)),
                ("name".to_owned(), Value::Text(format!("mine {i}"))),
            ]
            .into(),
        };
        let features = mines.iter().enumerate().map(feature).collect();
        memory.features.insert("mines".to_owned(), FeatureTable { features });
        memory
    }

    fn run(memory: &Memory, more: serde_json::Value) -> Result<(GeoBox, String, Vec<f32>), ProcessError> {
        let sink = Kept::default();
        let context =
            Context::new(memory, &sink, &Silent, memory.cancel.clone()).within(memory.budget.clone());
        let mut inputs = json!({"mines": "mines.geojson"});
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        MineHeatmap.run_json(inputs, &context)?;
        Ok(sink.0.lock().unwrap().take().unwrap())
    }

    fn sum(grid: &GeoBox, values: &[f32]) -> f64 {
        let area = crate::classmap::PixelArea::of(grid);
        let rows = values.chunks_exact(grid.cols).enumerate();
        rows.map(|(row, line)| {
            let line: f64 = line.iter().filter(|v| !v.is_nan()).map(|v| f64::from(*v)).sum();
            line * area.square_metres(row) / 1e6
        })
        .sum()
    }

    #[test]
    fn the_default_map_holds_nearly_all_of_every_mine_in_their_zone() {
        let places = [(113.03, 27.91), (113.05, 27.90), (113.2, 27.95)];
        for (shift, latitude, epsg) in
            [(0.0, 0.0, 32649), (66.87, -44.0, 32760), (0.0, 57.0, 5041), (0.0, -112.0, 5042)]
        {
            let moved = places.map(|(lon, lat)| {
                let lon: f64 = lon + shift;
                (if lon > 180.0 { lon - 360.0 } else { lon }, lat + latitude)
            });
            let (grid, label, values) = run(&memory(&moved), json!({})).unwrap();
            assert_eq!((grid.crs.epsg(), label.as_str()), (Some(epsg), "mines per square kilometre, 1/km2"));
            assert_eq!(grid.affine.pixel_size(), (200.0, 200.0));
            let sum = sum(&grid, &values);
            // Three bandwidths to each side hold 99.5 % of a mine, and the map's scale is not 1.
            assert!((2.97..3.03).contains(&sum) || epsg > 5040 && epsg < 5043 && sum > 2.9, "{epsg}: {sum}");
            assert!(grid.rows * grid.cols < 300 * 300, "{} x {}", grid.rows, grid.cols);
        }
    }

    #[test]
    fn a_map_in_degrees_runs_across_the_date_line() {
        let mines = memory(&[(179.99, -16.5), (-179.98, -16.52)]);
        let (grid, _, values) = run(&mines, json!({"crs": "EPSG:4326", "cell": 250})).unwrap();
        let bounds = grid.bounds();
        assert!(grid.cols < 80 && (bounds.max_x > 180.0 || bounds.min_x < -180.0), "{bounds:?}");
        assert!((sum(&grid, &values) / 2.0 - 1.0).abs() < 0.01);
    }

    #[test]
    fn weights_count_and_areas_cut() {
        let mut memory = memory(&[(113.03, 27.91), (113.05, 27.90), (113.2, 27.95)]);
        let (grid, label, values) = run(&memory, json!({"weight": "tonnes", "bandwidth": 1000})).unwrap();
        assert!(label.starts_with("tonnes of mines"), "{label}");
        assert!((sum(&grid, &values) / 3.0 - 1.0).abs() < 0.01);
        let area =
            polygon![(x: 113.0, y: 27.8), (x: 113.1, y: 27.8), (x: 113.1, y: 28.0), (x: 113.0, y: 28.0)];
        let feature = Feature { geometry: area.into(), properties: [].into() };
        memory.features.insert("area".to_owned(), FeatureTable { features: vec![feature] });
        let (grid, _, values) =
            run(&memory, json!({"area": "area.geojson", "crs": "EPSG:3857", "bandwidth": 1000})).unwrap();
        assert!(values.iter().all(|v| v.is_nan() || (0.0..1.0).contains(v)));
        let inside = sum(&grid, &values);
        assert!((inside / 2.0 - 1.0).abs() < 0.01, "{inside}");
        let turned = run(&memory, json!({"area": "area.geojson", "bandwidth": 1000})).unwrap();
        assert!(turned.2.iter().any(|v| v.is_nan()) && (sum(&turned.0, &turned.2) / 2.0 - 1.0).abs() < 0.01);
    }

    #[test]
    fn what_cannot_work_is_named() {
        let mines = memory(&[(113.03, 27.91), (113.05, 27.90)]);
        let refused = |memory: &Memory, more| run(memory, more).unwrap_err().to_string();
        let words = |text: String, words: &[&str]| {
            assert!(words.iter().all(|w| text.contains(w)), "{words:?} are not in: {text}");
        };
        words(refused(&memory(&[]), json!({})), &["input `mines`", "at least one point"]);
        words(refused(&mines, json!({"bandwidth": 0})), &["input `bandwidth`", "not within 1"]);
        words(refused(&mines, json!({"cell": -1})), &["input `cell`", "above 0"]);
        words(refused(&mines, json!({"cell": 0.1})), &["input `cell`", "give a cell of"]);
        words(refused(&mines, json!({"weight": "tons"})), &["input `weight`", "name, tonnes"]);
        words(refused(&mines, json!({"weight": "name"})), &["input `weight`", "row 1", "`mine 0`"]);
        words(refused(&mines, json!({"crs": "EPSG:no"})), &["input `crs`"]);
        let far = memory(&[(113.0, 27.9), (87.0, 43.0)]);
        words(refused(&far, json!({})), &["input `crs`", "EPSG:4326"]);
        assert!(run(&far, json!({"crs": "EPSG:4326", "cell": 5000})).is_ok());
        let negative = |value| {
            let mut mines = memory(&[(113.0, 27.9), (113.0, 27.8)]);
            let table = mines.features.get_mut("mines").unwrap();
            table.features[1].properties.insert("tonnes".to_owned(), value);
            refused(&mines, json!({"weight": "tonnes"}))
        };
        words(negative(Value::Number(-1.0)), &["row 2", "`-1`"]);
        words(negative(Value::Null), &["row 2", "nothing"]);
    }
}
