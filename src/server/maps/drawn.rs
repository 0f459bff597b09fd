//! A tile or picture as an answer: from the cache, or drawn on the pool.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read as _;
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderValue, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use flate2::read::GzDecoder;
use tokio::sync::oneshot;

use super::live::refuse_coarse;
use super::service::layer_key;
use crate::ogc::tiles::MVT;
use crate::server::error::{Answer, ApiError, not_modified, ok};
use crate::server::state::{ServerState, block};
use crate::server::wire::{is_known, takes_encoding};
use crate::store::collections::{Collection, Layer};
use crate::style::Style;
use crate::tiles::{Format, GoOn, Indexed, Painter, PoolFull, Tile, TileAddress, TileError, TileKey, View};

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
        media_type: format.media_type(),
    };
    let etag = key.etag(SALT);
    if is_known(request, &etag) {
        return Ok(of_layer(&collection.layer, unchanged(state, &etag)));
    }
    if let Some(kept) = state.maps.cache.get(&key) {
        return Ok(picture(state, &etag, format, kept.bytes));
    }
    refuse_coarse(collection, &View::of(tile, scale))?;
    let painter = painter(state, collection, style).await?;
    let draw = move |go_on: GoOn<'_>| draw(&*painter, &View::of(tile, scale), format, go_on);
    let bytes = keeping(state, (&collection.layer, &key), draw).await?;
    Ok(of_layer(&collection.layer, picture(state, &etag, format, bytes)))
}

/// Answers with a tile of features, packed by gzip. `asked` is what decides it beside its collection and
/// place; where it is not kept, `prepare` reads that, and what it hands back draws.
///
/// # Errors
/// 503 where too many tiles wait; those of `prepare`.
pub async fn vector_tile<D>(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    (layer, asked, tile): (&Layer, &str, TileAddress),
    prepare: impl FnOnce() -> Result<D, ApiError> + Send + 'static,
) -> Answer
where
    D: FnOnce(GoOn<'_>) -> Result<Bytes, TileError> + Send + 'static,
{
    let key =
        TileKey { layer: layer_key(layer).into(), style: asked.into(), tile, scale: 1, media_type: MVT };
    // Weak, as not everybody takes it packed.
    let etag = key.etag(SALT);
    let weak = format!("W/{etag}");
    if is_known(request, &etag) {
        return Ok(of_layer(layer, unchanged(state, &weak)));
    }
    let kept = state.maps.cache.get(&key);
    let bytes = match kept {
        Some(kept) => kept.bytes,
        None => keeping(state, (layer, &key), block(prepare).await??).await?,
    };
    Ok(of_layer(layer, packed(request, state, &weak, bytes)?))
}

/// Draws a tile, once for all who ask for it meanwhile, and keeps it, unless its layer grows.
async fn keeping(
    state: &web::Data<ServerState>,
    (layer, key): (&Layer, &TileKey),
    draw: impl FnOnce(GoOn<'_>) -> Result<Bytes, TileError> + Send + 'static,
) -> Result<Bytes, ApiError> {
    let (shared, kept_as, keep) = (state.clone(), key.clone(), layer.growing.is_none());
    let draw = move |go_on: GoOn<'_>| {
        let bytes = draw(go_on)?;
        if keep {
            shared.maps.cache.insert(kept_as, Tile { bytes: bytes.clone() });
        }
        Ok(bytes)
    };
    let flight = state.maps.flights.join(key, draw, |work| state.maps.pool.spawn(work))?;
    let given_up = || PoolFull { waiting: state.config.maps.waiting };
    flight.wait().await.ok_or_else(given_up)?.map_err(ApiError::internal)
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
        return Ok(of_layer(&collection.layer, unchanged(state, &etag)));
    }
    refuse_coarse(collection, &view)?;
    let painter = painter(state, collection, style).await?;
    let bytes = on_pool(state, move |go_on| draw(&*painter, &view, format, go_on)).await?;
    Ok(of_layer(&collection.layer, picture(state, &etag, format, bytes)))
}

/// A tile or picture of a layer; of one that grows it is asked for again whenever it is looked at.
fn of_layer(layer: &Layer, mut answer: HttpResponse) -> HttpResponse {
    if layer.growing.is_some() {
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    answer
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
        block(move || shared.maps.painter(&collection, &style)).await??
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

/// How long a picture may be believed: results do not change, but they may go.
fn believed(state: &ServerState) -> &'static str {
    if state.access.is_open() { "public, max-age=300" } else { "private, max-age=300" }
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

/// Answers with a packed tile, unpacked for those who do not take it so.
fn packed(request: &HttpRequest, state: &ServerState, etag: &str, bytes: Bytes) -> Answer {
    let (encoding, bytes) = if takes_encoding(request, "gzip") {
        ("gzip", bytes)
    } else {
        let mut plain = Vec::new();
        GzDecoder::new(&*bytes).read_to_end(&mut plain).map_err(ApiError::internal)?;
        ("identity", plain.into())
    };
    let mut response = ok();
    response.insert_header((ETAG, etag)).insert_header((CACHE_CONTROL, believed(state)));
    response.insert_header((VARY, "Accept-Encoding")).insert_header((CONTENT_ENCODING, encoding));
    Ok(response.content_type(MVT).body(bytes))
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
