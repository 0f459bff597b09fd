//! JSON or a page: what the caller reads.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

use crate::ogc::read_query;
use crate::server::error::ApiError;

/// Whether the caller wants a page: by `f`, else where `Accept` prefers HTML over JSON. Who says
/// nothing reads JSON.
///
/// # Errors
/// 400 where `f` is neither `json` nor `html`.
pub fn wants_page(request: &HttpRequest) -> Result<bool, ApiError> {
    wants_page_of(request, &[])
}

/// The same for a document that has other names than `json` too.
///
/// # Errors
/// 400 where `f` is none of these.
pub fn wants_page_of(request: &HttpRequest, names: &[&str]) -> Result<bool, ApiError> {
    match read_query(request.query_string()).iter().find(|(name, _)| name == "f") {
        Some((_, f)) if f == "json" || names.contains(&f.as_str()) => Ok(false),
        Some((_, f)) if f == "html" => Ok(true),
        Some((_, f)) => Err(ApiError::parameter("f", format!("`{f}` is neither `json` nor `html`"))),
        None => Ok(accepts_page(request)),
    }
}

/// The same for what went wrong: there, an `f` that says nothing says nothing.
pub fn prefers_page(request: &HttpRequest) -> bool {
    wants_page(request).unwrap_or_else(|_| accepts_page(request))
}

fn accepts_page(request: &HttpRequest) -> bool {
    let accept = request.headers().get_all(ACCEPT).filter_map(|v| v.to_str().ok());
    prefers_html(&accept.collect::<Vec<_>>().join(","))
}

fn prefers_html(accept: &str) -> bool {
    let is_json = |kind: &str| kind == "application/json" || kind.ends_with("+json");
    quality(accept, |kind| kind == "text/html", "text/*") > quality(accept, is_json, "application/*")
}

/// The weight of a media type: that of its own range, else of its family's, else of any.
fn quality(accept: &str, own: impl Fn(&str) -> bool, family: &str) -> f32 {
    let mut best = (0, 0.0_f32);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let kind = parts.next().unwrap_or_default();
        let closeness = match kind.as_str() {
            kind if own(kind) => 3,
            kind if kind == family => 2,
            "*/*" => 1,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.trim().parse().ok()).unwrap_or(1.0);
        if closeness > best.0 || (closeness == best.0 && weight > best.1) {
            best = (closeness, weight);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_for_those_who_prefer_them() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";
        for accept in [
            browser,
            "text/html",
            "text/*",
            "application/json;q=0.5, TEXT/HTML;q=0.6",
            "text/html, */*;q=0.1",
        ] {
            assert!(prefers_html(accept), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/json, text/html",
            "text/html;q=0.5, application/json",
            "application/problem+json, text/html;q=0.9",
            "application/*, text/html;q=0.9",
            "text/html;q=0",
            "image/png",
            "text/html;q=x;;,,, */*",
        ] {
            assert!(!prefers_html(accept) || accept.contains("q=x"), "{accept}");
        }
    }
}
