//! Tiles of OGC API - Tiles, and maps of OGC API - Maps.

use actix_web::{HttpRequest, web};

use super::drawn;
use super::live::dated;
use super::service::style_of;
use crate::crs::Bounds;
use crate::ogc::ProblemType;
use crate::server::collections::{bbox, collection, parameters, value, whole};
use crate::server::error::{Answer, ApiError};
use crate::server::html::Accepted;
use crate::server::state::ServerState;
use crate::store::collections::Collection;
use crate::style::Style;
use crate::tiles::{Format, MatrixSet, TileAddress, View};

/// Most pixels along a side of a map.
const MAP_SIDE: usize = 4096;

/// What a path has in the place of a name of its route; empty where the route has none.
pub fn name<'a>(request: &'a HttpRequest, key: &str) -> &'a str {
    request.match_info().get(key).unwrap_or_default()
}

/// The collection and the style of a path.
///
/// # Errors
/// 401, 404.
pub async fn styled(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    id: &str,
    style: &str,
) -> Result<(Collection, Style), ApiError> {
    let found = collection(request, state, id).await?;
    let style = style_of(&found, style).ok_or_else(|| {
        let known = found.layer.styles.join(", ");
        ApiError::absent(ProblemType::Plain, format!("`{id}` has no style `{style}` (it has: {known})"))
    })?;
    Ok((found, style))
}

/// The tile matrix set of a path.
///
/// # Errors
/// 404.
pub fn matrix_set(id: &str) -> Result<MatrixSet, ApiError> {
    MatrixSet::parse(id).ok_or_else(|| {
        let known = MatrixSet::ALL.map(MatrixSet::id).join(", ");
        ApiError::absent(ProblemType::Plain, format!("there is no tile matrix set `{id}` (known: {known})"))
    })
}

/// The tile of a path.
///
/// # Errors
/// 404: no number, or outside of the matrix.
pub fn address(set: MatrixSet, z: &str, row: &str, col: &str) -> Result<TileAddress, ApiError> {
    let outside = || {
        let text = format!("{} has no tile in matrix `{z}`, row `{row}`, column `{col}`", set.id());
        ApiError::absent(ProblemType::Plain, text)
    };
    let (z, row, col) = (z.parse().ok(), row.parse().ok(), col.parse().ok());
    let found = z.zip(row).zip(col).and_then(|((z, row), col)| TileAddress::new(set, z, row, col));
    found.ok_or_else(outside)
}

/// The format that is asked for: by `f`, else by `Accept`, else PNG.
///
/// # Errors
/// 400 naming `f`.
pub fn format_of(request: &HttpRequest, f: Option<&str>) -> Result<Format, ApiError> {
    if let Some(f) = f {
        return Format::parse(f)
            .ok_or_else(|| ApiError::parameter("f", format!("`{f}` is no format of tiles (png, webp)")));
    }
    let accepted = Accepted::of(request);
    let weight = |format: Format| accepted.weight(format.media_type()).unwrap_or(0.0);
    // PNG wherever it is taken: some that accept WebP cannot show it.
    Ok(if weight(Format::WebP) > 0.0 && weight(Format::Png) == 0.0 { Format::WebP } else { Format::Png })
}

pub async fn tile(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let drawn = async {
        let query = parameters(&request, &["f", "datetime"])?;
        let format = format_of(&request, value(&query, "f"))?;
        let (found, style) =
            styled(&request, &state, name(&request, "collection"), name(&request, "style")).await?;
        let found = dated(found, value(&query, "datetime"))?;
        let set = matrix_set(name(&request, "set"))?;
        let tile = address(set, name(&request, "z"), name(&request, "row"), name(&request, "col"))?;
        drawn::tile(&request, &state, &found, &style, (tile, 1, format)).await
    };
    drawn.await.map_err(|e| e.to(&request))
}

pub async fn map(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let drawn = async {
        let query = parameters(&request, &["f", "bbox", "width", "height", "crs", "datetime"])?;
        let format = format_of(&request, value(&query, "f"))?;
        let (found, style) =
            styled(&request, &state, name(&request, "collection"), name(&request, "style")).await?;
        let found = dated(found, value(&query, "datetime"))?;
        let view = view_of(&query, &found)?;
        drawn::map(&request, &state, &found, &style, (view, format)).await
    };
    drawn.await.map_err(|e| e.to(&request))
}

/// The rectangle of a map: in degrees, or as web maps have it. Where only one side is given, the
/// other keeps pixels square.
fn view_of(query: &[(String, String)], collection: &Collection) -> Result<View, ApiError> {
    let set = match value(query, "crs") {
        None => MatrixSet::WorldCrs84Quad,
        Some(crs) if crs.ends_with("CRS84") => MatrixSet::WorldCrs84Quad,
        Some(crs) if crs.ends_with("3857") => MatrixSet::WebMercatorQuad,
        Some(other) => {
            let text = format!("`{other}` is none of CRS84 and EPSG:3857, which maps are drawn in");
            return Err(ApiError::parameter("crs", text));
        }
    };
    let asked = value(query, "bbox").map(bbox).transpose()?;
    let [west, south, east, north] =
        asked.or(collection.layer.bounds).unwrap_or([-180.0, -90.0, 180.0, 90.0]);
    let east = if west > east { east + 360.0 } else { east };
    let ((min_x, min_y), (max_x, max_y)) = (set.project(west, south), set.project(east, north));
    if min_x >= max_x || min_y >= max_y {
        return Err(ApiError::parameter("bbox", "holds no area"));
    }
    let ratio = (max_y - min_y) / (max_x - min_x);
    let side = |other: Option<&str>, ratio: f64| {
        let other: Option<f64> = other.and_then(|v| v.parse().ok());
        let usual = other.map_or(if ratio > 1.0 { 1024.0 / ratio } else { 1024.0 }, |v| v / ratio);
        (usual.round() as usize).clamp(1, MAP_SIDE)
    };
    let cols = whole(query, "width", 1..=MAP_SIDE, side(value(query, "height"), ratio))?;
    let rows =
        whole(query, "height", 1..=MAP_SIDE, ((cols as f64 * ratio).round() as usize).clamp(1, MAP_SIDE))?;
    Ok(View { set, bounds: Bounds { min_x, min_y, max_x, max_y }, cols, rows })
}
