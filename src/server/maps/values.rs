//! The values behind a map: at a point, counted, and as the file itself.

use actix_web::{HttpRequest, web};
use serde_json::{Map, Value, json};

use super::images::name;
use super::live::{dated, refuse_live};
use super::service::Maps;
use crate::classmap::{AreaTally, PixelArea};
use crate::crs::{Crs, GeoBox};
use crate::io::pyramid::{Block, Pyramid};
use crate::raster::Window;
use crate::server::collections::{collection, parameters, value};
use crate::server::error::{Answer, ApiError, document};
use crate::server::results::{Output, open};
use crate::server::state::{ServerState, block};
use crate::store::collections::{Collection, LayerKind};
use crate::tiles::{Levels, TileError};

/// Rows of a raster that are counted at a time.
const BAND: usize = 512;
/// Steps of a histogram of numbers.
const STEPS: usize = 20;

/// A number of degrees.
fn degrees(query: &[(String, String)], name: &str, most: f64) -> Result<f64, ApiError> {
    let text = value(query, name).ok_or_else(|| ApiError::parameter(name, "is missing"))?;
    text.parse::<f64>().ok().filter(|v| v.abs() <= most).ok_or_else(|| {
        ApiError::parameter(name, format!("`{text}` is not a number of degrees from -{most} to {most}"))
    })
}

pub async fn point(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = async {
        let query = parameters(&request, &["lon", "lat", "datetime", "f"])?;
        let (lon, lat) = (degrees(&query, "lon", 360.0)?, degrees(&query, "lat", 90.0)?);
        let found = collection(&request, &state, name(&request, "collection")).await?;
        let found = dated(found, value(&query, "datetime"))?;
        let mut told = at(&state, &found, (lon, lat)).await?;
        told.insert("lon".to_owned(), lon.into());
        told.insert("lat".to_owned(), lat.into());
        Ok::<_, ApiError>(told)
    };
    Ok(document(&told.await.map_err(|e| e.to(&request))?))
}

/// What a raster holds at a longitude and latitude: `value` is null outside and where there is no
/// answer.
///
/// # Errors
/// 404 where the collection is no raster.
pub async fn at(
    state: &web::Data<ServerState>,
    collection: &Collection,
    (lon, lat): (f64, f64),
) -> Result<Map<String, Value>, ApiError> {
    if !collection.layer.kind.is_raster() {
        return Err(ApiError::no_map());
    }
    let (shared, layer) = (state.clone(), collection.layer.clone());
    let read = move || -> Result<_, TileError> {
        if layer.is_awaited() {
            return Ok(None);
        }
        let levels = shared.maps.levels(&layer)?;
        let Some((row, col)) = pixel_of(levels.grid(), lon, lat)? else { return Ok(None) };
        let number = number_at(&*levels, row, col)?;
        Ok(Some((row, col, number)))
    };
    let found = block(read).await??;
    let mut told = Map::new();
    let number = found.and_then(|(row, col, number)| {
        told.insert("row".to_owned(), row.into());
        told.insert("col".to_owned(), col.into());
        number
    });
    told.insert("value".to_owned(), number.map_or(Value::Null, |v| json!(shortest(v))));
    match &collection.layer.kind {
        LayerKind::Classes { legend, .. } => {
            let class = number.and_then(|code| legend.entry(code as u8));
            told.insert("class".to_owned(), class.map_or(Value::Null, |c| c.name.as_str().into()));
        }
        LayerKind::Percent { label, .. } => {
            told.insert("label".to_owned(), label.as_str().into());
            told.insert("unit".to_owned(), "%".into());
        }
        LayerKind::Values { label, unit, .. } => {
            told.insert("label".to_owned(), label.as_str().into());
            told.insert("unit".to_owned(), unit.as_str().into());
        }
        _ => {}
    }
    Ok(told)
}

/// A number of 32 bits in as many digits as it has.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

/// What is told of a point as a feature.
pub fn as_feature(told: &Map<String, Value>, (lon, lat): (f64, f64)) -> Value {
    json!({"type": "FeatureCollection", "features": [{
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": told
    }]})
}

fn pixel_of(grid: &GeoBox, lon: f64, lat: f64) -> Result<Option<(usize, usize)>, TileError> {
    let (mut x, mut y) = ([lon], [lat]);
    Crs::wgs84().transformer_to(&grid.crs)?.apply_each(&mut x, &mut y);
    if grid.crs.is_geographic() {
        let least = grid.bounds().min_x;
        x[0] = (x[0] - least).rem_euclid(360.0) + least;
    }
    Ok(grid.pixel_at(x[0], y[0]))
}

fn number_at(levels: &dyn Levels, row: usize, col: usize) -> Result<Option<f32>, TileError> {
    let mut found = None;
    let window = Window { row, col, rows: 1, cols: 1 };
    levels.visit(0, window, &|| true, &mut |block, width, part, from| {
        let at = (part.row - from.0) * width + part.col - from.1;
        found = Some(match block {
            Block::Bytes(v) => f32::from(v[at]),
            Block::Numbers(v) => v[at],
        });
    })?;
    Ok(found.filter(|v| is_answer(*v, levels.nodata())))
}

fn is_answer(value: f32, nodata: Option<f64>) -> bool {
    !value.is_nan() && nodata.is_none_or(|nodata| value != nodata as f32)
}

pub async fn statistics(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = async {
        parameters(&request, &["f"])?;
        let found = collection(&request, &state, name(&request, "collection")).await?;
        if !found.layer.kind.is_raster() {
            return Err(ApiError::no_map());
        }
        refuse_live(&found)?;
        if found.layer.is_awaited() {
            return Ok(json!({"pixels": 0, "hectares": 0.0}));
        }
        let shared = state.clone();
        Ok(block(move || shared.maps.statistics(&found.layer, counted)).await??)
    };
    Ok(document(&told.await.map_err(|e| e.to(&request))?))
}

/// Counts the whole raster: pixels and hectares by class, or the spread of its numbers.
fn counted(maps: &Maps, kind: &LayerKind, pyramid: &Pyramid) -> Result<Value, TileError> {
    match kind {
        LayerKind::Classes { legend, grid } => {
            let mut tally = AreaTally::new(legend, grid.rows);
            each_band(maps, pyramid, |window, values| {
                let codes: Vec<u8> =
                    values.iter().map(|&v| if v.is_nan() { legend.nodata } else { v as u8 }).collect();
                tally.add(window, &codes);
            })?;
            let areas = tally.areas(legend, grid);
            let all: u64 = areas.iter().map(|a| a.pixels).sum();
            let class = |a: &crate::classmap::ClassArea| {
                json!({"value": a.code, "name": a.name, "pixels": a.pixels, "hectares": rounded(a.hectares),
                       "share": rounded(a.pixels as f64 / all.max(1) as f64)})
            };
            let hectares: f64 = areas.iter().map(|a| a.hectares).sum();
            Ok(json!({"pixels": all, "hectares": rounded(hectares),
                      "classes": areas.iter().map(class).collect::<Vec<_>>()}))
        }
        LayerKind::Percent { grid, .. } | LayerKind::Values { grid, .. } => {
            let range = match kind {
                LayerKind::Values { range, .. } => *range,
                _ => (0.0, 100.0),
            };
            spread(maps, pyramid, grid, range)
        }
        LayerKind::Cube { .. } | LayerKind::Features { .. } | LayerKind::Promised => Ok(Value::Null),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// Least, greatest, mean and deviation of the numbers, and a histogram over a range.
fn spread(maps: &Maps, pyramid: &Pyramid, grid: &GeoBox, range: (f64, f64)) -> Result<Value, TileError> {
    let (mut count, mut mean, mut squares) = (0u64, 0.0, 0.0);
    let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut steps = [0u64; STEPS];
    let mut square_metres = 0.0;
    let area = PixelArea::of(grid);
    each_band(maps, pyramid, |window, values| {
        for (k, row) in values.chunks(window.cols).enumerate() {
            let mut here = 0u32;
            for value in row.iter().filter(|v| !v.is_nan()).map(|&v| f64::from(v)) {
                here += 1;
                count += 1;
                let off = value - mean;
                mean += off / count as f64;
                squares += off * (value - mean);
                (least, greatest) = (least.min(value), greatest.max(value));
                let share = (value - range.0) / (range.1 - range.0).max(f64::MIN_POSITIVE);
                steps[((share * STEPS as f64) as usize).min(STEPS - 1)] += 1;
            }
            square_metres += f64::from(here) * area.square_metres(window.row + k);
        }
    })?;
    if count == 0 {
        return Ok(json!({"pixels": 0, "hectares": 0.0}));
    }
    let edge = |k: usize| range.0 + (range.1 - range.0) * k as f64 / STEPS as f64;
    let histogram: Vec<Value> = steps
        .iter()
        .enumerate()
        .map(|(k, n)| json!({"from": edge(k), "to": edge(k + 1), "pixels": n}))
        .collect();
    Ok(json!({
        "pixels": count, "hectares": rounded(square_metres / 1e4), "min": least, "max": greatest, "mean": mean,
        "standardDeviation": (squares / count as f64).sqrt(), "histogram": histogram
    }))
}

/// Calls `visit` with rows of the image, from the first to the last; NaN has no answer.
fn each_band(maps: &Maps, pyramid: &Pyramid, mut visit: impl FnMut(Window, &[f32])) -> Result<(), TileError> {
    let (rows, cols) = pyramid.shape(0);
    for first in (0..rows).step_by(BAND) {
        let window = Window { row: first, col: 0, rows: BAND.min(rows - first), cols };
        let mut values = vec![f32::NAN; window.len()];
        pyramid.visit(maps.blocks(), 0, window, |block, width, part, from| {
            for line in part.row..part.row + part.rows {
                let at = (line - from.0) * width + part.col - from.1;
                let to = &mut values[(line - window.row) * cols + part.col..][..part.cols];
                for (k, to) in to.iter_mut().enumerate() {
                    let value = match block {
                        Block::Bytes(v) => f32::from(v[at + k]),
                        Block::Numbers(v) => v[at + k],
                    };
                    *to = if is_answer(value, pyramid.nodata) { value } else { f32::NAN };
                }
            }
        })?;
        visit(window, &values);
    }
    Ok(())
}

pub async fn coverage(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = async {
        parameters(&request, &["f"])?;
        let found = collection(&request, &state, name(&request, "collection")).await?;
        if !found.layer.kind.is_raster() {
            return Err(ApiError::no_map());
        }
        refuse_live(&found)?;
        let layer = &found.layer;
        if layer.growing.is_some() {
            return Err(ApiError::still_growing());
        }
        let (path, media_type) = (layer.file.clone(), layer.media_type.clone());
        let opened = block(move || open(Output { name: found.id, path, media_type })).await??;
        Ok(opened.into_response(&request))
    };
    told.await.map_err(|e| e.to(&request))
}
