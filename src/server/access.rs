//! Who calls: by a key, or by a token of an issuer.

use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpRequest, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::config::key::{self, Key};
use super::config::{ConfigError, ServerConfig};
use super::error::ApiError;
use super::oidc::{Issuer, Refusal};
use super::state::ServerState;

/// Whom the server knows.
pub struct Access {
    keys: Vec<(String, Key)>,
    issuer: Option<Issuer>,
}

impl Access {
    /// Reads the keys and those of the issuer.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file or key. An issuer that cannot be reached is asked again later.
    pub fn open(config: &ServerConfig) -> Result<Self, ConfigError> {
        let mut keys = config.keys.clone();
        if let Some(path) = &config.keys_file {
            for (name, key) in key::of_file(path)? {
                if keys.insert(name.clone(), key).is_some() {
                    return Err(ConfigError::wrong("keys_file", format!("`{name}` has a key already")));
                }
            }
        }
        let issuer = Issuer::open(&config.oidc)?;
        if config.asks_for_keys() && keys.is_empty() && issuer.is_none() {
            return Err(ConfigError::wrong("keys_file", "holds no key"));
        }
        if let Some(name) = keys.keys().find(|name| name.starts_with(super::oidc::OWNER)) {
            return Err(ConfigError::wrong(
                "keys",
                format!("`{name}` could be mistaken for the owner of a token"),
            ));
        }
        Ok(Self { keys: keys.into_iter().collect(), issuer })
    }

    /// Whether anybody is asked.
    pub fn is_open(&self) -> bool {
        self.keys.is_empty() && self.issuer.is_none()
    }

    /// The name of the key that is shown.
    fn holder(&self, shown: &str) -> Option<&str> {
        let shown = Key::of(shown);
        self.keys.iter().find(|(_, key)| key.fits(&shown)).map(|(name, _)| name.as_str())
    }
}

/// The name of the caller by the keys that are at hand; none where nobody is asked.
///
/// # Errors
/// 401 where keys or tokens are asked for and none fits.
pub fn at_hand(state: &ServerState, request: &HttpRequest) -> Result<Option<String>, ApiError> {
    found(state, request).map_err(ApiError::from)
}

/// As [`at_hand`]; where a token names a key that is not, its issuer is asked.
///
/// # Errors
/// As [`at_hand`].
pub async fn caller(
    state: &web::Data<ServerState>,
    request: &HttpRequest,
) -> Result<Option<String>, ApiError> {
    let mut answer = found(state, request);
    if matches!(answer, Err(Stranger::Token(Refusal::UnknownKey)))
        && state.access.issuer.as_ref().is_some_and(Issuer::may_ask)
    {
        let asking = state.clone();
        super::state::block(move || asking.access.issuer.as_ref().map(Issuer::ask)).await?;
        answer = found(state, request);
    }
    Ok(answer?)
}

/// Why nobody is known to call.
enum Stranger {
    Nameless,
    Token(Refusal),
}

impl From<Stranger> for ApiError {
    fn from(stranger: Stranger) -> Self {
        match stranger {
            Stranger::Nameless => Self::unknown_caller(),
            Stranger::Token(refusal) => Self::refused_token(&refusal.to_string()),
        }
    }
}

fn found(state: &ServerState, request: &HttpRequest) -> Result<Option<String>, Stranger> {
    let access = &state.access;
    if access.is_open() {
        return Ok(None);
    }
    let shown = match Credentials::of(request) {
        Some(Credentials::Password(text) | Credentials::Token(text)) => Some(text),
        None => request.headers().get("X-API-Key").and_then(|v| v.to_str().ok()).map(str::to_owned),
    };
    let shown = shown.as_deref().map(str::trim).unwrap_or_default();
    match (access.holder(shown), &access.issuer) {
        (Some(name), _) => Ok(Some(name.to_owned())),
        (None, Some(issuer)) if !shown.is_empty() => issuer.owner(shown).map(Some).map_err(Stranger::Token),
        _ => Err(Stranger::Nameless),
    }
}

/// What `Authorization` shows (RFC 9110 11.4: the name of a scheme is the same in any case).
#[derive(Debug, PartialEq)]
pub enum Credentials {
    /// The password of `Basic`: QGIS, GDAL and browsers have a place for a name and a password, and none for a
    /// key. The name is not looked at.
    Password(String),
    /// The token of `Bearer`.
    Token(String),
}

impl Credentials {
    /// Those of a request, where it shows some that are well-formed.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        Self::parse(request.headers().get(AUTHORIZATION)?.to_str().ok()?)
    }

    fn parse(authorization: &str) -> Option<Self> {
        let (scheme, rest) = authorization.trim_start().split_once(' ')?;
        let rest = rest.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(Self::Token(rest.to_owned())),
            "basic" => {
                let text = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
                text.split_once(':').map(|(_, password)| Self::Password(password.to_owned()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_schemes_are_the_same_in_any_case() {
        let packed = STANDARD.encode("ann:se:cret");
        for scheme in ["Basic", "basic", "BASIC"] {
            let shown = Credentials::parse(&format!("{scheme} {packed}"));
            assert_eq!(shown, Some(Credentials::Password("se:cret".to_owned())));
        }
        for scheme in ["Bearer", "bearer", "bEARER"] {
            let shown = Credentials::parse(&format!("{scheme}  abc "));
            assert_eq!(shown, Some(Credentials::Token("abc".to_owned())));
        }
        for none in ["", "abc", "Digest abc", "Basic %%%", "basicYTpi"] {
            assert_eq!(Credentials::parse(none), None, "{none}");
        }
    }
}
