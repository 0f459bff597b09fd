//! Bearer tokens of an issuer, signed here by real keys.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::pkcs1::EncodeRsaPrivateKey;
use serde_json::{Value, json};

use crate::server::{Server, header};

/// A key with its public half as its issuer shows it.
pub struct Signer {
    key: EncodingKey,
    alg: Algorithm,
    id: &'static str,
}

impl Signer {
    pub fn rs256(id: &'static str) -> Self {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        let der = key.to_pkcs1_der().unwrap();
        Self { key: EncodingKey::from_rsa_der(der.as_bytes()), alg: Algorithm::RS256, id }
    }

    pub fn es256(id: &'static str) -> Self {
        use p256::pkcs8::EncodePrivateKey;
        let key = p256::ecdsa::SigningKey::random(&mut rsa::rand_core::OsRng);
        let der = key.to_pkcs8_der().unwrap();
        Self { key: EncodingKey::from_ec_der(der.as_bytes()), alg: Algorithm::ES256, id }
    }

    fn public(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.alg).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        jwk
    }

    pub fn sign(&self, claims: &Value) -> String {
        encode(&Header { kid: Some(self.id.to_owned()), ..Header::new(self.alg) }, claims, &self.key).unwrap()
    }
}

pub const ISSUER: &str = "https://login.example.org/realms/maps";

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Claims that do, for a subject.
pub fn claims(issuer: &str, subject: &str) -> Value {
    json!({"iss": issuer, "aud": ["other", "rededge"], "sub": subject, "exp": now() + 300, "nbf": now() - 5})
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn ask(server: &Server, path: &str, token: &str) -> (u16, Vec<(String, String)>, Value) {
    let (status, headers, text) =
        server.call("GET", path, &[("Authorization", &format!("Bearer {token}"))], "");
    (status, headers, serde_json::from_str(&text).unwrap_or_default())
}

pub fn start(home: &Path, keys: &[&Signer], more: &str) -> Server {
    let set = JwkSet { keys: keys.iter().map(|key| key.public()).collect() };
    std::fs::write(home.join("jwks.json"), serde_json::to_vec(&set).unwrap()).unwrap();
    let config =
        format!("[oidc]\nissuer = \"{ISSUER}\"\naudience = \"rededge\"\njwks = \"jwks.json\"\n{more}");
    Server::start(home, &config)
}

#[test]
fn tokens_of_the_issuer_are_taken_and_all_others_refused() {
    let home = tempfile::tempdir().unwrap();
    let (rsa, ec, foreign) = (Signer::rs256("one"), Signer::es256("two"), Signer::es256("two"));
    let server = start(home.path(), &[&rsa, &ec], "[keys]\nann = \"0123456789abcdef\"\n");
    let good = claims(ISSUER, "ann");
    for signer in [&rsa, &ec] {
        let (status, _, answer) = ask(&server, "/jobs", &signer.sign(&good));
        assert_eq!(status, 200, "{answer}");
    }
    assert_eq!(ask(&server, "/jobs", "0123456789abcdef").0, 200, "keys do as well");

    let part = |text: &str| BASE64.encode(text);
    let signed = rsa.sign(&good);
    let (body, signature) = (signed.split('.').nth(1).unwrap(), signed.split('.').nth(2).unwrap());
    // The public key as the secret of a symmetric signature: an old trick.
    let public = serde_json::to_vec(&rsa.public()).unwrap();
    let symmetric = Header { kid: Some("one".into()), ..Header::new(Algorithm::HS256) };
    let symmetric = encode(&symmetric, &good, &EncodingKey::from_secret(&public)).unwrap();
    let unnamed = encode(&Header::new(Algorithm::ES256), &good, &ec.key).unwrap();
    assert_eq!(ask(&server, "/jobs", &unnamed).0, 200, "one key alone can be meant");
    for (what, token, said) in [
        ("expired", rsa.sign(&with(good.clone(), "exp", json!(now() - 60))), "expired"),
        ("of tomorrow", ec.sign(&with(good.clone(), "nbf", json!(now() + 3600))), "not come yet"),
        ("for others", rsa.sign(&with(good.clone(), "aud", json!("other"))), "another service"),
        ("of others", rsa.sign(&with(good.clone(), "iss", json!("https://evil.example"))), "another issuer"),
        ("without end", ec.sign(&without(good.clone(), "exp")), "lacks"),
        ("for nobody", ec.sign(&without(good.clone(), "aud")), "lacks"),
        ("without issuer", ec.sign(&without(good.clone(), "iss")), "lacks"),
        ("of nobody", ec.sign(&without(good.clone(), "sub")), ""),
        ("of an empty subject", ec.sign(&with(good.clone(), "sub", json!(""))), "subject"),
        ("by another key of that name", foreign.sign(&good), "not signed by its issuer"),
        ("by an unknown key", Signer::es256("three").sign(&good), "does not have"),
        (
            "not signed",
            format!("{}.{body}.", part(r#"{"alg":"none","kid":"one"}"#)),
            "neither a key nor a token",
        ),
        ("by a symmetric key", symmetric, "neither RS256 nor ES256"),
        (
            "by the other algorithm",
            format!("{}.{body}.{signature}", part(r#"{"alg":"ES256","kid":"one"}"#)),
            "does not have",
        ),
        (
            "changed",
            signed.replace(body, &part(&with(good.clone(), "sub", json!("bob")).to_string())),
            "not signed",
        ),
        ("cut", signed[..signed.len() - 4].to_owned(), "not signed"),
        ("no token", "x.y.z".to_owned(), "neither a key nor a token"),
        ("nothing", String::new(), "key"),
    ] {
        let (status, headers, answer) = ask(&server, "/jobs", &token);
        assert_eq!((status, header(&headers, "www-authenticate")), (401, "Bearer"), "{what}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(said), "{what}: {answer}");
    }
    let log = server.log.lock().unwrap();
    assert!(!log.iter().any(|line| line.to_string().contains(body)), "no token is logged");
}

#[test]
fn a_job_belongs_to_the_subject_of_the_token() {
    let home = tempfile::tempdir().unwrap();
    let signer = Signer::es256("one");
    let server = start(home.path(), &[&signer], "[keys]\nann = \"0123456789abcdef\"\n");
    let token = |subject: &str| format!("Bearer {}", signer.sign(&claims(ISSUER, subject)));
    let body = json!({"inputs": {"text": "mine"}}).to_string();
    let ann = token("ann");
    let headers =
        [("Content-Type", "application/json"), ("Prefer", "respond-async"), ("Authorization", &ann)];
    let (status, _, text) = server.call("POST", "/processes/echo/execution", &headers, &body);
    assert_eq!(status, 201, "{text}");
    let job = Server::job(&serde_json::from_str(&text).unwrap());
    for (path, caller, wanted) in [
        (&job, token("ann"), 200),
        (&job, token("bob"), 404),
        (&job, "Bearer 0123456789abcdef".to_owned(), 404),
        (&"/jobs".to_owned(), token("ann"), 200),
    ] {
        let (status, _, text) = server.call("GET", path, &[("Authorization", &caller)], "");
        assert_eq!(status, wanted, "{text}");
        assert!(path != "/jobs" || text.contains(job.rsplit('/').next().unwrap()), "{text}");
    }
    let others = server.call("GET", "/jobs", &[("X-API-Key", "0123456789abcdef")], "").2;
    assert!(others.contains("\"numberMatched\":0"), "a key of the same name is another caller: {others}");
    assert_eq!(server.call("DELETE", &job, &[("Authorization", &token("bob"))], "").0, 404);
    assert_eq!(server.call("DELETE", &job, &[("Authorization", &token("ann"))], "").0, 200);
}

#[test]
fn the_issuers_keys_are_found_by_its_configuration_and_it_is_not_asked_again_and_again() {
    let home = tempfile::tempdir().unwrap();
    let (known, unknown) = (Signer::rs256("known"), Signer::es256("unknown"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let (told, count) = (issuer.clone(), asked.clone());
    let set = serde_json::to_string(&JwkSet { keys: vec![known.public()] }).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut head) = (stream.unwrap(), Vec::new());
            let mut part = [0; 1024];
            while !head.windows(4).any(|w| w == b"\r\n\r\n") {
                let n = stream.read(&mut part).unwrap();
                head.extend(&part[..n]);
            }
            count.fetch_add(1, Ordering::SeqCst);
            let body = if head.starts_with(b"GET /.well-known/openid-configuration ") {
                json!({"issuer": told, "jwks_uri": format!("{told}/certs")}).to_string()
            } else {
                set.clone()
            };
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
        }
    });
    let config = format!("[oidc]\nissuer = \"{issuer}\"\naudience = \"rededge\"\n");
    let server = Server::start(home.path(), &config);
    assert_eq!(ask(&server, "/jobs", &known.sign(&claims(&issuer, "ann"))).0, 200);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    for k in 0..20 {
        assert_eq!(ask(&server, "/jobs", &unknown.sign(&claims(&issuer, &format!("{k}")))).0, 401);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2, "tokens of strangers do not drive the server to its issuer");
    assert_eq!(ask(&server, "/jobs", &known.sign(&claims(&issuer, "ann"))).0, 200);
    drop(server);

    // An issuer that is away is no reason not to serve the others.
    let config = "[keys]\nann = \"0123456789abcdef\"\n[oidc]\nissuer = \"http://127.0.0.1:1\"\naudience = \"rededge\"\n";
    let server = Server::start(home.path(), config);
    assert_eq!(ask(&server, "/jobs", "0123456789abcdef").0, 200);
    assert_eq!(ask(&server, "/jobs", &known.sign(&claims("http://127.0.0.1:1", "ann"))).0, 401);
}
