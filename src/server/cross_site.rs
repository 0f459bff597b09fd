//! Requests that a browser sends for somebody else's web page. A server that asks for no keys cannot tell its
//! user from such a page, which could order jobs by a form, a link or a picture, and read results by a name of
//! its own that it points at this machine (DNS rebinding). The same holds for a password that a browser
//! remembers and adds by itself.

use std::net::IpAddr;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN, REFERER,
    TRANSFER_ENCODING,
};
use actix_web::http::uri::Authority;
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError as _, web};

use super::access::Credentials;
use super::error::{ApiError, wps_report};
use super::state::ServerState;
use crate::ogc::read_query;
use crate::ogc::wps::version_of_query;

/// What a browser says of where a request comes from (Fetch Metadata).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Stands before every route.
///
/// # Errors
/// As what is behind it.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request.app_data::<web::Data<ServerState>>().cloned();
    let Some(state) = state else { return Ok(next.call(request).await?.map_into_boxed_body()) };
    if let Err(error) = check(&state, request.request()) {
        let response = refusal(error, request.request());
        return Ok(request.into_response(response));
    }
    let mut response = next.call(request).await?.map_into_boxed_body();
    // What is shown to one caller is no other's: shared caches know nothing of `X-API-Key`.
    if !state.access.is_open() && !response.headers().contains_key(CACHE_CONTROL) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    Ok(response)
}

/// The answer in the words of the interface that was asked.
fn refusal(error: ApiError, request: &HttpRequest) -> HttpResponse {
    if is_wps(request) {
        return wps_report(&error.into(), version_of_query(request.query_string()));
    }
    error.to(request).error_response()
}

fn check(state: &ServerState, request: &HttpRequest) -> Result<(), ApiError> {
    let open = state.access.is_open();
    if open {
        check_host(state, request)?;
    }
    let remembered = matches!(Credentials::of(request), Some(Credentials::Password(_)));
    if !(open || remembered) || !changes(request) {
        return Ok(());
    }
    if is_foreign(state, request) {
        return Err(ApiError::cross_site());
    }
    // A page may send a body without a type to anywhere, without asking first.
    if has_body(request) && !request.headers().contains_key(CONTENT_TYPE) {
        return Err(ApiError::untyped_body());
    }
    Ok(())
}

/// Refuses names that are not the server's own: under them, a page would be of the same origin.
fn check_host(state: &ServerState, request: &HttpRequest) -> Result<(), ApiError> {
    let own = state.config.base_url.as_deref().and_then(authority_of);
    let names = &state.config.server_names;
    let known = |named: &str| {
        let Ok(authority) = named.parse::<Authority>() else { return false };
        let host = bare(authority.host());
        is_loopback(host)
            || own.as_ref().is_some_and(|own| bare(own.host()).eq_ignore_ascii_case(host))
            || names.iter().any(|name| name == "*" || bare(name).eq_ignore_ascii_case(host))
    };
    let headers = request.headers().get_all(HOST).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    let target = request.uri().authority().map(|authority| authority.as_str().to_owned());
    match headers.chain(target).find(|named| !known(named)) {
        Some(named) => Err(ApiError::foreign_host(&named)),
        None => Ok(()),
    }
}

/// Whether a request makes, stops or changes something.
fn changes(request: &HttpRequest) -> bool {
    if !request.method().is_safe() {
        return true;
    }
    let pattern = request.match_pattern().unwrap_or_default();
    if pattern.ends_with("/processes/{process}/execution") {
        return true;
    }
    let orders = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("request")
            && ["execute", "dismiss"].iter().any(|known| value.trim().eq_ignore_ascii_case(known))
    };
    is_wps(request) && read_query(request.query_string()).iter().any(orders)
}

fn is_wps(request: &HttpRequest) -> bool {
    request.match_pattern().is_some_and(|pattern| pattern.ends_with("/wps") && !pattern.contains("/jobs/"))
}

fn has_body(request: &HttpRequest) -> bool {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    length.is_some_and(|length| length.trim() != "0") || request.headers().contains_key(TRANSFER_ENCODING)
}

/// Whether a page of another site has a browser send this. Other programs say nothing of pages.
fn is_foreign(state: &ServerState, request: &HttpRequest) -> bool {
    let header = |name: HeaderName| request.headers().get(name).map(HeaderValue::as_bytes);
    if let Some(origin) = header(ORIGIN) {
        return !std::str::from_utf8(origin).is_ok_and(|origin| is_allowed(state, request, origin));
    }
    match header(SITE) {
        Some(b"same-origin" | b"none") => false,
        // Another name of the same domain, or another port of this machine.
        Some(b"same-site") => !own_authority(request).is_some_and(|own| is_loopback(bare(own.host()))),
        Some(_) => true,
        // Browsers say nothing of the site where the connection could be listened to.
        None => header(REFERER).is_some_and(|page| {
            !std::str::from_utf8(page).is_ok_and(|page| is_allowed(state, request, page))
        }),
    }
}

/// Whether pages of this origin may change something: those of the server itself, those that the operator
/// names, and where none are named those of this machine.
fn is_allowed(state: &ServerState, request: &HttpRequest, origin: &str) -> bool {
    let Some(page) = authority_of(origin) else { return false };
    let same =
        |own: Option<Authority>| own.is_some_and(|own| own.as_str().eq_ignore_ascii_case(page.as_str()));
    if same(own_authority(request)) || same(authority_of(&state.base(request))) {
        return true;
    }
    match &state.config.cors.origins {
        None => is_loopback(bare(page.host())),
        Some(origins) => origins.iter().any(|named| {
            // Any page is one that shows a key, where there are keys.
            (named == "*" && state.access.is_open()) || same(authority_of(named))
        }),
    }
}

fn own_authority(request: &HttpRequest) -> Option<Authority> {
    request.headers().get(HOST)?.to_str().ok()?.parse().ok()
}

fn authority_of(address: &str) -> Option<Authority> {
    address.parse::<Uri>().ok()?.into_parts().authority
}

/// A host without brackets and without the dot that ends a whole name.
fn bare(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether a page is of this machine.
pub fn is_here(origin: &str) -> bool {
    authority_of(origin).is_some_and(|authority| is_loopback(bare(authority.host())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::ServerConfig;
    use crate::server::configure;

    #[test]
    fn pages_of_this_machine_are_told_from_others() {
        for here in [
            "http://localhost:3000",
            "https://LOCALHOST",
            "http://localhost.:8080",
            "http://127.0.0.1:8080",
            "http://127.8.9.1",
            "http://[::1]:1",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in [
            "null",
            "",
            "file://",
            "https://localhost.example.org",
            "http://127.0.0.1.example.org",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "http://[::]",
        ] {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }

    #[actix_web::test]
    async fn the_guard_stands_before_routes_that_a_host_mounts() {
        use actix_web::App;
        use actix_web::test::{TestRequest, call_service, init_service};

        let home = tempfile::tempdir().unwrap();
        let config = ServerConfig { store: Some(home.path().to_owned()), ..ServerConfig::default() };
        let state = web::Data::new(ServerState::start(config).unwrap().at("/gis/rededge"));
        let scope = web::scope("/gis/rededge").configure(|config| configure(config, state.clone()));
        let app = init_service(App::new().service(scope)).await;
        let by_query = "/gis/rededge/processes/echo/execution?text=a";
        let by_wps =
            "/gis/rededge/wps?service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=text=a";
        for (host, site, path, wanted) in [
            ("localhost", "none", "/gis/rededge/", 200),
            ("localhost", "cross-site", "/gis/rededge/processes", 200),
            ("evil.example", "none", "/gis/rededge/processes", 421),
            ("localhost", "cross-site", by_query, 403),
            ("localhost", "cross-site", by_wps, 403),
            ("localhost", "none", by_query, 200),
            ("localhost", "none", by_wps, 200),
        ] {
            let request =
                TestRequest::get().uri(path).insert_header((HOST, host)).insert_header((SITE, site));
            let response = call_service(&app, request.to_request()).await;
            assert_eq!(response.status().as_u16(), wanted, "{host} {site} {path}");
        }
        let post = TestRequest::post()
            .uri("/gis/rededge/processes/echo/execution")
            .insert_header((HOST, "localhost"));
        let post =
            post.insert_header((ORIGIN, "https://evil.example")).set_json(serde_json::json!({"text": "a"}));
        assert_eq!(call_service(&app, post.to_request()).await.status().as_u16(), 403);
        state.queue.shutdown(std::time::Duration::ZERO);
    }
}
