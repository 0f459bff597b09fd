//! Which web pages may call.

use actix_cors::Cors;
use actix_web::http::Uri;
use actix_web::http::header::{ETAG, LINK, LOCATION};

use super::config::ServerConfig;
use super::watch::REQUEST_ID;

/// Seconds that a browser remembers what it was allowed.
const REMEMBERED: usize = 3600;

/// As configured; where nothing is, any page may call where callers show a key, and else only pages of
/// this machine: a page from elsewhere must not reach a server that asks nobody.
pub fn cors(config: &ServerConfig) -> Cors {
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
    match &config.cors.origins {
        None if config.asks_for_keys() => cors.allow_any_origin().send_wildcard(),
        None => cors.allowed_origin_fn(|origin, _| origin.to_str().is_ok_and(is_here)),
        Some(origins) if origins.iter().any(|o| o == "*") => cors.allow_any_origin().send_wildcard(),
        Some(origins) => origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)),
    }
}

/// Whether a page is of this machine.
fn is_here(origin: &str) -> bool {
    let uri = origin.parse::<Uri>().ok();
    uri.as_ref().and_then(Uri::host).is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_are_told_from_others() {
        for here in ["http://localhost:3000", "https://localhost", "http://127.0.0.1:8080", "http://[::1]:1"]
        {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in
            ["null", "https://localhost.example.org", "http://127.0.0.1.example.org", "http://10.0.0.1"]
        {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }
}
