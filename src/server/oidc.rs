//! Bearer tokens of an OpenID Connect issuer: JSON Web Tokens signed by one of its keys (RS256,
//! ES256), for this service, within their time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use super::config::{ConfigError, OidcConfig, is_address};
use crate::text::unmarked;

/// Before the subject of a token in the name of an owner, so that no name of a key is the same.
pub const OWNER: &str = "oidc:";
/// Clocks may differ by so much, seconds.
const LEEWAY: u64 = 30;
/// The time after which the issuer is asked for its keys again.
const STALE: Duration = Duration::from_hours(1);
/// The shortest time between two questions, whatever tokens come.
const PAUSE: Duration = Duration::from_secs(30);
/// How long the issuer has to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of its answer.
const MOST: u64 = 1 << 20;
/// Most letters of a subject.
const LONGEST: usize = 255;

/// Why a token does not do.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The issuer has, as far as is known, no such key.
    #[error("the token is signed by a key that its issuer does not have")]
    UnknownKey,
    /// Anything else.
    #[error("{0}")]
    Token(&'static str),
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

enum Source {
    File(PathBuf),
    Address(String),
    /// As the issuer's configuration names it.
    Discovered,
}

#[derive(Default)]
struct Known {
    keys: Arc<Vec<Jwk>>,
    /// When they were last asked for, with whatever success.
    asked: Option<Instant>,
}

/// An issuer and its keys.
pub struct Issuer {
    name: String,
    audience: String,
    source: Source,
    known: Mutex<Known>,
}

impl Issuer {
    /// The issuer of a configuration, its keys read; none where no tokens are taken.
    ///
    /// # Errors
    /// [`ConfigError`] where a file holds no keys. What cannot be fetched now is fetched later.
    pub fn open(config: &OidcConfig) -> Result<Option<Self>, ConfigError> {
        let (Some(issuer), Some(audience)) = (config.issuer.clone(), config.audience.clone()) else {
            return Ok(None);
        };
        let source = match config.jwks.clone() {
            None => Source::Discovered,
            Some(address) if is_address(&address) => Source::Address(address),
            Some(file) => Source::File(file.into()),
        };
        let opened = Self { name: issuer, audience, source, known: Mutex::default() };
        if let Err(reason) = opened.ask()
            && let Source::File(path) = &opened.source
        {
            return Err(ConfigError::wrong("oidc.jwks", format!("{}: {reason}", path.display())));
        }
        Ok(Some(opened))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who shows this token, as an owner of jobs.
    ///
    /// # Errors
    /// [`Refusal`]; an unknown key may be one that the issuer has by now.
    pub fn owner(&self, token: &str) -> Result<String, Refusal> {
        let header = decode_header(token).map_err(|_| Refusal::Token("neither a key nor a token"))?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(Refusal::Token("the token is signed by neither RS256 nor ES256"));
        }
        let (keys, asked) = {
            let known = self.known();
            (known.keys.clone(), known.asked)
        };
        if asked.is_none_or(|at| at.elapsed() > STALE) && self.may_ask() {
            return Err(Refusal::UnknownKey);
        }
        let mut fitting = keys.iter().filter(|key| fits(key, header.alg, header.kid.as_deref()));
        let (Some(key), None) = (fitting.next(), fitting.next()) else { return Err(Refusal::UnknownKey) };
        let key = DecodingKey::from_jwk(key).map_err(|_| Refusal::UnknownKey)?;
        let mut rules = Validation::new(header.alg);
        rules.leeway = LEEWAY;
        rules.validate_nbf = true;
        rules.set_issuer(&[&self.name]);
        rules.set_audience(&[&self.audience]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let subject = decode::<Claims>(token, &key, &rules).map_err(|e| refusal(e.kind()))?.claims.sub;
        if subject.is_empty() || subject.len() > LONGEST {
            return Err(Refusal::Token("the token's subject is empty or too long"));
        }
        Ok(format!("{OWNER}{subject}"))
    }

    /// Whether the issuer may be asked for its keys by now.
    pub fn may_ask(&self) -> bool {
        self.known().asked.is_none_or(|at| at.elapsed() >= PAUSE)
    }

    /// Asks the issuer for its keys. Blocks.
    ///
    /// # Errors
    /// Why it does not answer; then those known stay.
    pub fn ask(&self) -> Result<(), String> {
        {
            // Once, whoever comes meanwhile.
            let mut known = self.known();
            if known.asked.is_some_and(|at| at.elapsed() < PAUSE) {
                return Ok(());
            }
            known.asked = Some(Instant::now());
        }
        let keys = self.fetch().inspect_err(|reason| {
            tracing::warn!(issuer = self.name, reason, "the issuer's keys cannot be read");
        })?;
        self.known().keys = Arc::new(keys);
        Ok(())
    }

    fn fetch(&self) -> Result<Vec<Jwk>, String> {
        let bytes = match &self.source {
            Source::File(path) => std::fs::read(path).map_err(|e| e.to_string())?,
            Source::Address(address) => get(address)?,
            Source::Discovered => {
                #[derive(Deserialize)]
                struct Discovered {
                    issuer: String,
                    jwks_uri: String,
                }
                let address = format!("{}/.well-known/openid-configuration", self.name.trim_end_matches('/'));
                let found: Discovered = serde_json::from_slice(&unmarked(&get(&address)?))
                    .map_err(|e| format!("{address} is no configuration of an issuer: {e}"))?;
                if found.issuer != self.name {
                    return Err(format!("{address} is of another issuer, {}", found.issuer));
                }
                get(&found.jwks_uri)?
            }
        };
        let set: JwkSet =
            serde_json::from_slice(&unmarked(&bytes)).map_err(|e| format!("no set of keys: {e}"))?;
        let keys: Vec<Jwk> = set.keys.into_iter().filter(|key| algorithm(key).is_some()).collect();
        if keys.is_empty() { Err("no key for RS256 or ES256".to_owned()) } else { Ok(keys) }
    }
}

/// The algorithm that a key is for, where it is one of those that are taken.
fn algorithm(key: &Jwk) -> Option<Algorithm> {
    match &key.algorithm {
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            Some(Algorithm::ES256)
        }
        _ => None,
    }
}

/// Whether a key may have signed a token with this head.
fn fits(key: &Jwk, alg: Algorithm, id: Option<&str>) -> bool {
    let named = key.common.key_algorithm.is_none_or(|named| named.to_string() == format!("{alg:?}"));
    let signs = key.common.public_key_use.as_ref().is_none_or(|u| *u == PublicKeyUse::Signature);
    let meant = id.is_none_or(|id| key.common.key_id.as_deref() == Some(id));
    algorithm(key) == Some(alg) && named && signs && meant
}

fn refusal(kind: &ErrorKind) -> Refusal {
    Refusal::Token(match kind {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token's time has not come yet",
        ErrorKind::InvalidAudience => "the token is for another service",
        ErrorKind::InvalidIssuer => "the token is of another issuer",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks one of exp, iss, aud and sub",
        _ => "the token is not signed by its issuer",
    })
}

fn get(address: &str) -> Result<Vec<u8>, String> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(3).build().into();
    let told = |e: ureq::Error| format!("{address}: {e}");
    let mut answer = agent.get(address).call().map_err(told)?;
    answer.body_mut().with_config().limit(MOST).read_to_vec().map_err(told)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use p256::pkcs8::EncodePrivateKey;
    use serde_json::json;

    use super::*;

    fn signer(id: &str) -> (EncodingKey, Jwk) {
        let key = p256::ecdsa::SigningKey::random(&mut rsa::rand_core::OsRng).to_pkcs8_der().unwrap();
        let key = EncodingKey::from_ec_der(key.as_bytes());
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        public.common.key_id = Some(id.to_owned());
        (key, public)
    }

    #[test]
    fn a_key_that_the_issuer_has_by_now_is_found_once_it_may_be_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        let write = |keys: &[&Jwk]| std::fs::write(&path, json!({"keys": keys}).to_string()).unwrap();
        let ((_, old), (key, new)) = (signer("old"), signer("new"));
        write(&[&old]);
        let config = OidcConfig {
            issuer: Some("https://a".into()),
            audience: Some("b".into()),
            jwks: Some(path.to_string_lossy().into_owned()),
        };
        let issuer = Issuer::open(&config).unwrap().unwrap();
        let exp = jsonwebtoken::get_current_timestamp() + 60;
        let claims = json!({"iss": "https://a", "aud": "b", "sub": "ann", "exp": exp});
        let head = Header { kid: Some("new".into()), ..Header::new(Algorithm::ES256) };
        let token = encode(&head, &claims, &key).unwrap();
        write(&[&old, &new]);
        assert!(matches!(issuer.owner(&token), Err(Refusal::UnknownKey)) && !issuer.may_ask());
        issuer.ask().unwrap();
        assert!(issuer.owner(&token).is_err(), "too early");
        issuer.known().asked = Instant::now().checked_sub(PAUSE);
        assert!(issuer.may_ask());
        issuer.ask().unwrap();
        assert_eq!(issuer.owner(&token).unwrap(), "oidc:ann");
        // What cannot be read leaves what is known.
        std::fs::remove_file(&path).unwrap();
        issuer.known().asked = Instant::now().checked_sub(PAUSE);
        assert!(issuer.ask().is_err());
        assert_eq!(issuer.owner(&token).unwrap(), "oidc:ann");
    }

    #[test]
    fn keys_for_other_uses_sign_nothing() {
        let (_, mut key) = signer("a");
        assert!(fits(&key, Algorithm::ES256, Some("a")) && fits(&key, Algorithm::ES256, None));
        assert!(!fits(&key, Algorithm::ES256, Some("b")) && !fits(&key, Algorithm::RS256, Some("a")));
        key.common.public_key_use = Some(PublicKeyUse::Encryption);
        assert!(!fits(&key, Algorithm::ES256, Some("a")));
    }
}
