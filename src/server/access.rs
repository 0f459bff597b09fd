//! Who calls.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::ApiError;
use super::state::ServerState;

/// The name of the caller's key; none where no keys are configured.
///
/// # Errors
/// 401 where keys are configured and none fits.
pub fn caller(state: &ServerState, request: &HttpRequest) -> Result<Option<String>, ApiError> {
    if state.config.keys.is_empty() {
        return Ok(None);
    }
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
    let authorization = request.headers().get(AUTHORIZATION).and_then(|v| v.to_str().ok());
    let password = authorization.and_then(basic);
    let bearer = authorization.and_then(|v| v.strip_prefix("Bearer "));
    let key = password.as_deref().or(bearer).or_else(|| header("X-API-Key"));
    let key = key.map(str::trim).unwrap_or_default();
    let fits = |known: &str| {
        // Compared in full, so that the time tells nothing of where they differ.
        known.len() == key.len()
            && known.bytes().zip(key.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    };
    let found = state.config.keys.iter().find(|(_, known)| fits(known));
    found.map(|(name, _)| Some(name.clone())).ok_or_else(ApiError::unknown_caller)
}

/// The password of `Basic`: QGIS, GDAL and browsers have a place for a name and a password, and none
/// for a key. The name is not looked at.
fn basic(authorization: &str) -> Option<String> {
    let packed = authorization.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(packed.trim()).ok()?).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}
