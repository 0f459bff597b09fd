//! Which web pages may call.

use actix_cors::Cors;
use actix_web::http::header::{ETAG, LINK, LOCATION};

use super::cross_site::is_here;
use super::state::ServerState;
use super::watch::REQUEST_ID;

/// Seconds that a browser remembers what it was allowed.
const REMEMBERED: usize = 3600;

/// As configured; where nothing is, any page may call where callers show a key, and else only pages of
/// this machine: a page from elsewhere must not reach a server that asks nobody.
pub fn cors(state: &ServerState) -> Cors {
    let exposed = [
        "Accept-Ranges",
        "Cache-Status",
        "Content-Crs",
        "Content-Disposition",
        "Content-Range",
        "OGC-NumberMatched",
        "OGC-NumberReturned",
        "Preference-Applied",
        "Retry-After",
        REQUEST_ID,
    ];
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "DELETE"])
        .allow_any_header()
        .expose_headers([LOCATION, LINK, ETAG])
        .expose_headers(exposed)
        .max_age(REMEMBERED)
        .block_on_origin_mismatch(false);
    match &state.config.cors.origins {
        None if !state.access.is_open() => cors.allow_any_origin().send_wildcard(),
        None => cors.allowed_origin_fn(|origin, _| origin.to_str().is_ok_and(is_here)),
        Some(origins) if origins.iter().any(|o| o == "*") => cors.allow_any_origin().send_wildcard(),
        Some(origins) => origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)),
    }
}
