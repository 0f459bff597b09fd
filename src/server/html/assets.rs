//! The style sheet, the script and the icon of the pages: in the binary.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, web};
use sha2::{Digest, Sha256};

use crate::ogc::ProblemType;
use crate::server::error::{Answer, ApiError, not_modified, ok};

/// A file that pages load.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    text: &'static str,
    /// Of its bytes, in quotes.
    tag: String,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        asset("page.css", "text/css; charset=utf-8", include_str!("../../../styles/page.css")),
        asset("page.js", "text/javascript; charset=utf-8", include_str!("../../../styles/page.js")),
        asset("icon.svg", "image/svg+xml", include_str!("../../../styles/icon.svg")),
    ]
});

fn asset(name: &'static str, media_type: &'static str, text: &'static str) -> Asset {
    let hash: String = Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Asset { name, media_type, text, tag: format!("\"{hash}\"") }
}

pub async fn one(request: HttpRequest, name: web::Path<String>) -> Answer {
    let found = ASSETS.iter().find(|asset| asset.name == name.as_str()).ok_or_else(|| {
        ApiError::absent(ProblemType::Plain, format!("there is no file `{name}`")).to(&request)
    })?;
    let known = request.headers().get(IF_NONE_MATCH).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let same = known.split(',').map(str::trim).any(|tag| tag.trim_start_matches("W/") == found.tag);
    let mut response = if same { not_modified() } else { ok() };
    response.insert_header((ETAG, found.tag.as_str())).insert_header((CACHE_CONTROL, "no-cache"));
    Ok(if same { response.finish() } else { response.content_type(found.media_type).body(found.text) })
}
