//! Files that pages load: in the binary, the map library where `make viewer` brought it.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, web};
use sha2::{Digest, Sha256};

use crate::ogc::ProblemType;
use crate::server::error::{Answer, ApiError, not_modified, ok};

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file that pages load.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
    /// Of its bytes, in quotes.
    tag: String,
}

/// Name, media type and bytes of a file below `styles/`.
macro_rules! file {
    ($name:literal, $kind:expr) => {
        file!($name, $kind, "")
    };
    ($name:literal, $kind:expr, $folder:literal) => {
        ($name, $kind, include_bytes!(concat!("../../../styles/", $folder, $name)).as_slice())
    };
}

type File = (&'static str, &'static str, &'static [u8]);

const OWN: [File; 13] = [
    file!("page.css", CSS),
    file!("page.js", SCRIPT),
    file!("icon.svg", "image/svg+xml"),
    file!("viewer.css", CSS, "viewer/"),
    file!("viewer.js", SCRIPT, "viewer/"),
    file!("viewer-chart.js", SCRIPT, "viewer/"),
    file!("viewer-dom.js", SCRIPT, "viewer/"),
    file!("viewer-grow.js", SCRIPT, "viewer/"),
    file!("viewer-layers.js", SCRIPT, "viewer/"),
    file!("viewer-list.js", SCRIPT, "viewer/"),
    file!("viewer-map.js", SCRIPT, "viewer/"),
    file!("viewer-panels.js", SCRIPT, "viewer/"),
    file!("viewer-state.js", SCRIPT, "viewer/"),
];

#[cfg(map_library)]
const LIBRARY: &[File] = &[
    file!("maplibre-gl.css", CSS, "viewer/dist/"),
    file!("maplibre-gl.mjs", SCRIPT, "viewer/dist/"),
    file!("maplibre-gl-worker.mjs", SCRIPT, "viewer/dist/"),
];
#[cfg(not(map_library))]
const LIBRARY: &[File] = &[];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| OWN.iter().chain(LIBRARY).map(asset).collect());

fn asset((name, media_type, bytes): &File) -> Asset {
    let hash: String = Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Asset { name, media_type, bytes, tag: format!("\"{hash}\"") }
}

/// Whether the map library is in this binary.
pub fn has_map_library() -> bool {
    !LIBRARY.is_empty()
}

pub async fn one(request: HttpRequest, name: web::Path<String>) -> Answer {
    let found = ASSETS.iter().find(|asset| asset.name == name.as_str()).ok_or_else(|| {
        ApiError::absent(ProblemType::Plain, format!("there is no file `{name}`")).to(&request)
    })?;
    let known = request.headers().get(IF_NONE_MATCH).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let same = known.split(',').map(str::trim).any(|tag| tag.trim_start_matches("W/") == found.tag);
    let mut response = if same { not_modified() } else { ok() };
    response.insert_header((ETAG, found.tag.as_str())).insert_header((CACHE_CONTROL, "no-cache"));
    Ok(if same { response.finish() } else { response.content_type(found.media_type).body(found.bytes) })
}
