//! Who calls.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

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
    let bearer = request.headers().get(AUTHORIZATION).and_then(|v| v.to_str().ok());
    let key = bearer.and_then(|v| v.strip_prefix("Bearer ")).or_else(|| header("X-API-Key"));
    let key = key.map(str::trim).unwrap_or_default();
    let fits = |known: &str| {
        // Compared in full, so that the time tells nothing of where they differ.
        known.len() == key.len()
            && known.bytes().zip(key.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    };
    let found = state.config.keys.iter().find(|(_, known)| fits(known));
    found.map(|(name, _)| Some(name.clone())).ok_or_else(ApiError::unknown_caller)
}
