//! What every answer passes on its way out: how bodies are read, what is compressed, ETags of
//! documents, and errors of the framework in our words.

use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, VARY,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use sha2::{Digest, Sha256};

use super::error::{self, ApiError};
use super::html::is_negotiated;
use super::pace::Paced;
use super::state::{ServerState, block};

/// Bytes of a body whose hash takes longer than others should wait.
const LARGE: usize = 1 << 20;

/// Marks what is not to be compressed.
const LEFT_ALONE: HeaderValue = HeaderValue::from_static("identity");
/// Headers that tell who asks.
const CREDENTIALS: [&str; 2] = ["Authorization", "X-API-Key"];

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
    let response = if error::is_ok(&response) && is_read(response.request()) {
        tagged(response).await
    } else {
        response
    };
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

/// The ETag of a document, made of what it says. Weak: it may be compressed on its way.
pub fn weak_tag(body: &[u8]) -> String {
    let hash: String = Sha256::digest(body)[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{hash}\"")
}

/// A document with an ETag made of what it says; nothing but the tag where the caller has it.
async fn tagged(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if response.headers().contains_key(ETAG) {
        return response;
    }
    let (request, response) = response.into_parts();
    let (mut response, body) = response.into_parts();
    let body = match body.try_into_bytes() {
        Ok(body) => body,
        Err(body) => return ServiceResponse::new(request, response.set_body(body)),
    };
    let hashed = if body.len() < LARGE {
        Ok(weak_tag(&body))
    } else {
        let whole = body.clone();
        block(move || weak_tag(&whole)).await
    };
    let Ok(tag) = hashed else {
        return ServiceResponse::new(request, response.set_body(BoxBody::new(body)));
    };
    if let Ok(value) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, value);
    }
    if is_known(&request, &tag) {
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
    let packed = error::is_ok(&response)
        && ["gzip", "deflate"].iter().any(|coding| takes_encoding(response.request(), coding));
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

/// Whether a caller takes an encoding (RFC 9110, 12.5.3); who says nothing takes none.
pub fn takes_encoding(request: &HttpRequest, coding: &str) -> bool {
    let said = request.headers().get_all(ACCEPT_ENCODING).filter_map(|v| v.to_str().ok());
    takes(&said.collect::<Vec<_>>().join(","), coding)
}

fn takes(accept: &str, coding: &str) -> bool {
    let weight = |wanted: &str| {
        accept.split(',').find_map(|one| {
            let mut parts = one.split(';').map(|part| part.trim().to_ascii_lowercase());
            (parts.next()? == wanted).then(|| {
                parts.find_map(|part| part.strip_prefix("q=")?.trim().parse::<f32>().ok()).unwrap_or(1.0)
            })
        })
    };
    weight(coding).or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

/// Finishes the headers of an answer, once all have written theirs: takes the mark away that keeps the
/// compression off, which is no encoding to be told, and tells in one line what the answer depends on.
pub fn finish_headers<B>(response: &mut ServiceResponse<B>) {
    let request = response.request().clone();
    let headers = response.headers_mut();
    if headers.get(CONTENT_ENCODING) == Some(&LEFT_ALONE) {
        headers.remove(CONTENT_ENCODING);
    }
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !name.is_empty() && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
    };
    if is_negotiated(&request) {
        add("Accept");
    }
    if gains(headers) {
        add("Accept-Encoding");
    }
    let state = request.app_data::<web::Data<ServerState>>();
    if state.is_some_and(|state| !state.access.is_open()) {
        CREDENTIALS.into_iter().for_each(&mut add);
    }
    let told: Vec<String> =
        headers.get_all(VARY).filter_map(|v| v.to_str().ok()).map(str::to_owned).collect();
    told.iter().flat_map(|line| line.split(',')).for_each(|name| add(name.trim()));
    headers.remove(VARY);
    if let Ok(all) = HeaderValue::from_str(&names.join(", "))
        && !all.is_empty()
    {
        headers.insert(VARY, all);
    }
}

/// Whether the media type is one that compression makes smaller.
fn gains(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()) else { return true };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let ends = ["json", "xml", "javascript", "mapbox-vector-tile"];
    kind.starts_with("text/") || kind.starts_with("multipart/") || ends.iter().any(|end| kind.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::takes;

    #[test]
    fn an_encoding_of_weight_0_is_not_taken() {
        for accept in ["gzip", "br, GZIP;q=0.5", "*", "identity, *;q=0.1"] {
            assert!(takes(accept, "gzip"), "{accept}");
        }
        for accept in ["", "br", "gzip;q=0", "*, gzip;q=0.0", "*;q=0", "xgzip", "identity"] {
            assert!(!takes(accept, "gzip"), "{accept}");
        }
    }
}
