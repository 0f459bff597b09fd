//! What every answer passes on its way out: how bodies are read, what is compressed, ETags of
//! documents, and errors of the framework in our words.

use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, ETAG, EntityTag, HeaderMap, HeaderValue,
    IF_NONE_MATCH, TryIntoHeaderValue,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use sha2::{Digest, Sha256};

use super::error::{self, ApiError};
use super::pace::Paced;
use super::state::ServerState;

/// Marks what is not to be compressed.
const LEFT_ALONE: HeaderValue = HeaderValue::from_static("identity");

/// Reads the body at its pace, and finishes the answer.
///
/// # Errors
/// As what is behind it.
pub async fn finish(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Some(state) = request.app_data::<web::Data<ServerState>>() {
        let base = Duration::from_secs(state.config.limits.client_seconds);
        let paced = Paced::new(request.take_payload(), base);
        request.set_payload(paced.into_payload());
    }
    let response = next.call(request).await?.map_into_boxed_body();
    let response = in_our_words(response);
    let response =
        if error::is_ok(&response) && is_read(response.request()) { tagged(response) } else { response };
    Ok(compressible(response))
}

fn is_read(request: &HttpRequest) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// An error of the framework as a problem like all others.
fn in_our_words(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let foreign = response.response().error().filter(|e| e.as_error::<ApiError>().is_none());
    let told = match foreign {
        Some(error) => Some(ApiError::framework(error)),
        None if error::is_fault(&response) && response.response().body().size() == BodySize::Sized(0) => {
            Some(ApiError::bare(response.response()))
        }
        None => None,
    };
    match told {
        Some(error) => {
            let mut answer = actix_web::ResponseError::error_response(&error.to(response.request()));
            if let Some(methods) = response.headers().get(ALLOW) {
                answer.headers_mut().insert(ALLOW, methods.clone());
            }
            let (request, _) = response.into_parts();
            ServiceResponse::new(request, answer)
        }
        None => response,
    }
}

/// Whether the caller has what has this tag, weak or strong.
pub fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let bare = |tag: &'_ str| tag.trim().trim_start_matches("W/").to_owned();
    let known = request.headers().get_all(IF_NONE_MATCH).filter_map(|v| v.to_str().ok());
    known.flat_map(|list| list.split(',')).any(|one| one.trim() == "*" || bare(one) == bare(tag))
}

/// A document with an ETag made of what it says; nothing but the tag where the caller has it.
fn tagged(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if response.headers().contains_key(ETAG) {
        return response;
    }
    let (request, response) = response.into_parts();
    let (mut response, body) = response.into_parts();
    let body = match body.try_into_bytes() {
        Ok(body) => body,
        Err(body) => return ServiceResponse::new(request, response.set_body(body)),
    };
    let hash: String = Sha256::digest(&body)[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    // Weak: it may be compressed on its way.
    let tag = EntityTag::new_weak(hash);
    if let Ok(value) = tag.clone().try_into_value() {
        response.headers_mut().insert(ETAG, value);
    }
    if is_known(&request, &tag.to_string()) {
        let mut same = error::not_modified();
        for (name, value) in response.headers().iter().filter(|(name, _)| *name != CONTENT_TYPE) {
            same.append_header((name.clone(), value.clone()));
        }
        return ServiceResponse::new(request, same.finish());
    }
    ServiceResponse::new(request, response.set_body(BoxBody::new(body)))
}

/// Leaves alone what gains nothing by compression and what is read by ranges; a file that may be
/// compressed has a weak tag, so that no range of it is joined to another form.
fn compressible(mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let accepts = response.request().headers().get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok());
    let packed = error::is_ok(&response)
        && accepts.is_some_and(|a| ["gzip", "deflate", "*"].iter().any(|e| a.contains(e)));
    let headers = response.headers_mut();
    if !gains(headers) {
        headers.insert(CONTENT_ENCODING, LEFT_ALONE);
    } else if packed
        && let Some(tag) = headers.get(ETAG).and_then(|v| v.to_str().ok()).filter(|t| !t.starts_with("W/"))
        && let Ok(weak) = HeaderValue::from_str(&format!("W/{tag}"))
    {
        headers.insert(ETAG, weak);
    }
    response
}

/// Takes the mark away that keeps the compression off: it is no encoding to be told.
pub fn unmark(headers: &mut HeaderMap) {
    if headers.get(CONTENT_ENCODING) == Some(&LEFT_ALONE) {
        headers.remove(CONTENT_ENCODING);
    }
}

/// Whether the media type is one that compression makes smaller.
fn gains(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()) else { return true };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let ends = ["json", "xml", "javascript", "mapbox-vector-tile"];
    kind.starts_with("text/") || kind.starts_with("multipart/") || ends.iter().any(|end| kind.ends_with(end))
}
