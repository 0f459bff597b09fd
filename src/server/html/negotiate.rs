//! JSON or a page: what the caller reads.

use actix_web::http::header::ACCEPT;
use actix_web::{HttpMessage as _, HttpRequest};

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

/// Whether JSON is refused, by an `Accept` that gives it the weight 0 where no `f` asks for it.
pub fn refuses_json(request: &HttpRequest) -> bool {
    let asked = read_query(request.query_string()).iter().any(|(name, _)| name == "f");
    !asked && Accepted::of(request).json() == Some(0.0)
}

fn accepts_page(request: &HttpRequest) -> bool {
    Accepted::of(request).prefers_html()
}

/// Marks a request whose answer depends on its header `Accept`.
struct Negotiated;

/// Whether the answer of a request depends on its header `Accept`.
pub fn is_negotiated(request: &HttpRequest) -> bool {
    request.extensions().contains::<Negotiated>()
}

/// What a caller accepts: media ranges with their weights (RFC 9110, 12.5.1).
pub struct Accepted {
    ranges: Vec<(String, f32)>,
}

impl Accepted {
    /// What the headers of a request say.
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions_mut().insert(Negotiated);
        let all = request.headers().get_all(ACCEPT).filter_map(|v| v.to_str().ok());
        Self::parse(&all.collect::<Vec<_>>().join(","))
    }

    fn parse(accept: &str) -> Self {
        let ranges = accept.split(',').map(|range| {
            let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
            let kind = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.trim().parse().ok());
            (kind, weight.filter(|w: &f32| w.is_finite()).unwrap_or(1.0))
        });
        Self { ranges: ranges.filter(|(kind, _)| !kind.is_empty()).collect() }
    }

    /// The weight of a media type: that of its own range, else of its family's, else of any; nothing where it
    /// is not named.
    pub fn weight(&self, media_type: &str) -> Option<f32> {
        let family = format!("{}/*", media_type.split('/').next().unwrap_or_default());
        self.closest(|kind| kind == media_type, &family)
    }

    /// At which place a media type itself is named.
    pub fn place(&self, media_type: &str) -> Option<usize> {
        self.ranges.iter().position(|(kind, _)| kind == media_type)
    }

    fn json(&self) -> Option<f32> {
        self.closest(|kind| kind == "application/json" || kind.ends_with("+json"), "application/*")
    }

    fn prefers_html(&self) -> bool {
        self.weight("text/html").unwrap_or(0.0) > self.json().unwrap_or(0.0)
    }

    fn closest(&self, own: impl Fn(&str) -> bool, family: &str) -> Option<f32> {
        let mut best: Option<(u8, f32)> = None;
        for (kind, weight) in &self.ranges {
            let closeness = match kind.as_str() {
                kind if own(kind) => 3,
                kind if kind == family => 2,
                "*/*" => 1,
                _ => continue,
            };
            if best.is_none_or(|best| (closeness, *weight) > best) {
                best = Some((closeness, *weight));
            }
        }
        best.map(|(_, weight)| weight)
    }
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
            assert!(Accepted::parse(accept).prefers_html(), "{accept}");
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
            assert!(!Accepted::parse(accept).prefers_html() || accept.contains("q=x"), "{accept}");
        }
    }
    #[test]
    fn what_has_the_weight_0_is_not_accepted() {
        let accepted = Accepted::parse("text/csv;q=0, application/*;q=0.5, */*;q=0.1, application/json;q=0");
        assert_eq!(accepted.weight("text/csv"), Some(0.0));
        assert_eq!(accepted.weight("application/geopackage+sqlite3"), Some(0.5));
        assert_eq!((accepted.weight("image/png"), accepted.json()), (Some(0.1), Some(0.0)));
        assert_eq!(Accepted::parse("text/html").weight("text/csv"), None);
    }
}
