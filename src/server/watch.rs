//! Around every request: its id, a line in the log, figures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use tracing::Instrument;

use super::connections::Line;
use super::state::ServerState;
use super::taken::Taken;

/// The header of ids.
pub const REQUEST_ID: &str = "x-request-id";
/// Most letters of an id that is taken over.
const LONGEST: usize = 64;
/// What is asked for so often that it would fill the log.
const QUIET: [&str; 2] = ["/health", "/metrics"];
/// Stands for all paths where nothing is.
const NOWHERE: &str = "none";

/// The id of a request.
#[derive(Clone, Debug)]
struct RequestId(String);

/// The id of a request, where it is watched.
pub fn id_of(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<RequestId>().map(|id| id.0.clone())
}

/// Watches a request: the id that the caller gave where it is plain, else a new one, stands in every
/// line of its log, in the answer, and with the job that it starts.
///
/// # Errors
/// As what is behind it.
pub async fn watch(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let line = request.request().conn_data::<Arc<Line>>().cloned();
    // HTTP/1.0 need not say whom it calls.
    let called = line.as_ref().filter(|_| !request.headers().contains_key(HOST)).and_then(|line| line.local);
    if let Some(Ok(called)) = called.map(|called| HeaderValue::from_str(&called.to_string())) {
        request.headers_mut().insert(HOST, called);
    }
    let line = line.map(|line| line.busy());
    let given = request.headers().get(REQUEST_ID).and_then(|v| v.to_str().ok()).filter(|id| is_plain(id));
    let id = given.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::error_span!("request", request_id = id);
    let inside = span.clone();
    async move {
        let start = Instant::now();
        let (state, method) =
            (request.app_data::<web::Data<ServerState>>().cloned(), request.method().clone());
        let path = request.path().to_owned();
        let mut response = next.call(request).await?.map_into_boxed_body();
        super::wire::finish_headers(&mut response);
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(HeaderName::from_static(REQUEST_ID), value);
        }
        let (status, took) = (response.status(), start.elapsed());
        let route = response.request().match_pattern().unwrap_or_else(|| NOWHERE.to_owned());
        if let Some(state) = &state {
            state.metrics.answered(&route, &method, status.as_u16(), took);
        }
        let (status_number, ms) = (status.as_u16(), took.as_secs_f64() * 1e3);
        if status.is_server_error() {
            tracing::warn!(%method, path, route, status = status_number, ms, "answered");
        } else if QUIET.contains(&route.as_str()) {
            tracing::debug!(%method, path, route, status = status_number, ms, "answered");
        } else {
            tracing::info!(%method, path, route, status = status_number, ms, "answered");
        }
        let Some((line, state)) = line.zip(state) else { return Ok(response) };
        let base = Duration::from_secs(state.config.limits.client_seconds);
        Ok(response.map_body(|_, body| BoxBody::new(Taken::new(body, line, base))))
    }
    .instrument(inside)
    .await
}

/// Whether an id can do no harm in a log or a header.
fn is_plain(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:+=/".contains(c);
    !id.is_empty() && id.len() <= LONGEST && id.chars().all(allowed)
}
