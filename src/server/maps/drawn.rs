//! A picture as an answer: from the cache, or drawn on the pool.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use tokio::sync::oneshot;

use super::live::refuse_coarse;
use super::service::layer_key;
use crate::server::error::{Answer, ApiError, not_modified, ok};
use crate::server::state::ServerState;
use crate::store::collections::Collection;
use crate::style::Style;
use crate::tiles::{Format, GoOn, Indexed, Painter, Tile, TileAddress, TileError, TileKey, View};

/// Whatever decides pixels beside the file, the style and the place.
const SALT: &str = env!("CARGO_PKG_VERSION");

/// Answers with a tile.
///
/// # Errors
/// 404 where the collection is no map; 503 where too many tiles wait.
pub async fn tile(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    collection: &Collection,
    style: &Style,
    (tile, scale, format): (TileAddress, u8, Format),
) -> Answer {
    let key = TileKey {
        layer: layer_key(&collection.layer).into(),
        style: style.id.as_str().into(),
        tile,
        scale,
        format,
    };
    let etag = key.etag(SALT);
    if is_known(request, &etag) {
        return Ok(unchanged(state, &etag));
    }
    if let Some(kept) = state.maps.cache.get(&key) {
        return Ok(picture(state, &etag, format, kept.bytes));
    }
    refuse_coarse(collection, &View::of(tile, scale))?;
    let painter = painter(state, collection, style).await?;
    let (shared, kept_as) = (state.clone(), key.clone());
    let draw = move |go_on: GoOn<'_>| {
        let bytes = draw(&*painter, &View::of(tile, scale), format, go_on)?;
        shared.maps.cache.insert(kept_as, Tile { bytes: bytes.clone() });
        Ok(bytes)
    };
    let flight = state.maps.flights.join(&key, draw, |work| state.maps.pool.spawn(work))?;
    let bytes = flight.wait().await.map_err(ApiError::internal)?;
    Ok(picture(state, &etag, format, bytes))
}

/// Answers with a map, which is not kept.
///
/// # Errors
/// As [`tile`].
pub async fn map(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    collection: &Collection,
    style: &Style,
    (view, format): (View, Format),
) -> Answer {
    let mut hasher = DefaultHasher::new();
    (SALT, layer_key(&collection.layer), &style.id, view.set, view.cols, view.rows, format).hash(&mut hasher);
    let b = view.bounds;
    [b.min_x, b.min_y, b.max_x, b.max_y].map(f64::to_bits).hash(&mut hasher);
    let etag = format!("\"{:016x}\"", hasher.finish());
    if is_known(request, &etag) {
        return Ok(unchanged(state, &etag));
    }
    refuse_coarse(collection, &view)?;
    let painter = painter(state, collection, style).await?;
    let bytes = on_pool(state, move |go_on| draw(&*painter, &view, format, go_on)).await?;
    Ok(picture(state, &etag, format, bytes))
}

async fn painter(
    state: &web::Data<ServerState>,
    collection: &Collection,
    style: &Style,
) -> Result<Arc<dyn Painter>, ApiError> {
    // Known painters are at hand; a new one reads the head of its file.
    let (shared, collection, style) = (state.clone(), collection.clone(), style.clone());
    let found = if state.maps.has_painter(&collection, &style) {
        shared.maps.painter(&collection, &style)?
    } else {
        web::block(move || shared.maps.painter(&collection, &style)).await??
    };
    found.ok_or_else(ApiError::no_map)
}

fn draw(painter: &dyn Painter, view: &View, format: Format, go_on: GoOn<'_>) -> Result<Bytes, TileError> {
    let picture = painter.paint(view, go_on)?;
    let picture = picture.unwrap_or_else(|| Indexed::empty(view.cols, view.rows));
    picture.encode(format).map(Bytes::from)
}

/// Does the work on the pool, as long as its caller waits.
async fn on_pool(
    state: &web::Data<ServerState>,
    work: impl FnOnce(GoOn<'_>) -> Result<Bytes, TileError> + Send + 'static,
) -> Result<Bytes, ApiError> {
    let (told, wait) = oneshot::channel();
    state.maps.pool.spawn(move || {
        if !told.is_closed() {
            let done = work(&|| !told.is_closed());
            let _ = told.send(done);
        }
    })?;
    Ok(wait.await.map_err(ApiError::internal)??)
}

/// Whether the caller knows it.
fn is_known(request: &HttpRequest, etag: &str) -> bool {
    let known = request.headers().get_all(IF_NONE_MATCH).filter_map(|v| v.to_str().ok());
    known.flat_map(|list| list.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag
    })
}

/// How long a picture may be believed: results do not change, but they may go.
fn believed(state: &ServerState) -> &'static str {
    if state.config.keys.is_empty() { "public, max-age=300" } else { "private, max-age=300" }
}

fn unchanged(state: &ServerState, etag: &str) -> HttpResponse {
    not_modified().insert_header((ETAG, etag)).insert_header((CACHE_CONTROL, believed(state))).finish()
}

/// Answers with bytes of a media type, by their ETag.
pub fn picture(state: &ServerState, etag: &str, format: Format, bytes: Bytes) -> HttpResponse {
    ok().insert_header((ETAG, etag))
        .insert_header((CACHE_CONTROL, believed(state)))
        .content_type(format.media_type())
        .body(bytes)
}

/// Answers with a small text or picture, by the hash of its bytes.
pub fn small(request: &HttpRequest, state: &ServerState, media_type: &str, bytes: Vec<u8>) -> HttpResponse {
    let mut hasher = DefaultHasher::new();
    (media_type, &bytes).hash(&mut hasher);
    let etag = format!("\"{:016x}\"", hasher.finish());
    if is_known(request, &etag) {
        return unchanged(state, &etag);
    }
    ok().insert_header((ETAG, etag))
        .insert_header((CACHE_CONTROL, believed(state)))
        .content_type(media_type)
        .body(bytes)
}
