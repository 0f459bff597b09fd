//! What links lead to: fetched with caps on time, size and number. On the command line whoever
//! types a link may read it; links from elsewhere go through a list of hosts, redirects too, and
//! nothing of what is found is told in an error.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Response;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use ureq::unversioned::resolver::{DefaultResolver, Resolver};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body};

use super::guard::{GuardedResolver, Hosts, Refusal};

/// No ItemCollection is larger than this (bytes).
const MAX_JSON: u64 = 64 << 20;
/// One link is given up after this.
const LONGEST: Duration = Duration::from_mins(2);
/// A host that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(20);
/// A link may lead on so many times.
const REDIRECTS: usize = 5;
/// How often it is looked whether the caller still waits.
const LOOK: Duration = Duration::from_millis(100);

/// Caps on all that one request may have fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Links.
    pub links: u32,
    /// Bytes of all together.
    pub bytes: u64,
    /// Time for all together, from the first.
    pub time: Duration,
}

/// Says whether nobody waits any more.
pub type Stop = Arc<dyn Fn() -> bool + Send + Sync>;

/// Fetches what links lead to. Cheap to clone; clones share what the caps leave.
#[derive(Clone)]
pub struct Fetcher {
    inner: Arc<Inner>,
    stop: Option<Stop>,
}

struct Inner {
    agent: Agent,
    /// Where links may lead; anywhere on the command line.
    guard: Option<(Arc<Hosts>, Caps)>,
    links: AtomicU32,
    bytes: AtomicU64,
    until: Option<Instant>,
}

/// What was found at the end of a link.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The media type that the host names.
    pub media_type: Option<String>,
}

/// Why something could not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// In words, for the operator.
    pub reason: String,
    /// Whether it may go better later.
    pub passing: bool,
}

fn config() -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_per_read(Some(SILENCE))
        .user_agent(concat!("rededge/", env!("CARGO_PKG_VERSION")))
}

impl Fetcher {
    /// For the command line: follows any http(s) link.
    pub fn open() -> Self {
        Self::of(config().build().into(), None)
    }

    /// For links from elsewhere.
    pub fn guarded(hosts: Arc<Hosts>, caps: Caps) -> Self {
        Self::guarded_by(DefaultResolver::default(), hosts, caps)
    }

    /// As [`Fetcher::guarded`], asking this resolver for addresses.
    pub fn guarded_by(inner: impl Resolver, hosts: Arc<Hosts>, caps: Caps) -> Self {
        // No proxy: it would connect in the place of the guard. No pool: every connection is looked at.
        let config: Config = config().proxy(None).max_idle_connections(0).build();
        let resolver = GuardedResolver { inner, hosts: hosts.clone() };
        Self::of(Agent::with_parts(config, DefaultConnector::default(), resolver), Some((hosts, caps)))
    }

    fn of(agent: Agent, guard: Option<(Arc<Hosts>, Caps)>) -> Self {
        let until = guard.as_ref().map(|(_, caps)| Instant::now() + caps.time);
        let inner = Inner { agent, guard, links: AtomicU32::new(0), bytes: AtomicU64::new(0), until };
        Self { inner: Arc::new(inner), stop: None }
    }

    /// The same, giving up where nobody waits any more.
    #[must_use]
    pub fn stopping(mut self, stop: Stop) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Fetches a JSON document.
    ///
    /// # Errors
    /// A message without the link's query or the document's text.
    pub fn json(&self, link: &str) -> Result<serde_json::Value, String> {
        serde_json::from_slice(&crate::text::unmarked(&self.bytes(link, MAX_JSON)?))
            .map_err(|e| format!("{}: is not JSON: line {}, column {}", shown(link), e.line(), e.column()))
    }

    /// Fetches a document of at most so many bytes.
    ///
    /// # Errors
    /// As [`Fetcher::json`].
    pub fn bytes(&self, link: &str, most: u64) -> Result<Vec<u8>, String> {
        let (inner, at) = (self.inner.clone(), link.to_owned());
        self.attend(link, move || {
            let mut bytes = Vec::new();
            inner.get(&at, most, &mut bytes).map(|_| bytes)
        })
    }

    /// Fetches a file.
    ///
    /// # Errors
    /// As [`Fetcher::json`]; a disk that is full.
    pub fn file(&self, link: &str, path: &Path) -> Result<Found, String> {
        let (inner, at, path) = (self.inner.clone(), link.to_owned(), path.to_owned());
        self.attend(link, move || {
            let file = std::fs::File::create(&path);
            let mut file = file.map_err(|e| format!("{}: cannot be kept: {}", shown(&at), e.kind()))?;
            inner.get(&at, u64::MAX, &mut file)
        })
    }

    /// Sends a JSON document. An answer that leads elsewhere is not followed.
    ///
    /// # Errors
    /// [`Unsent`].
    pub fn post(&self, link: &str, document: &[u8]) -> Result<(), Unsent> {
        let unsent =
            |reason: String, passing| Unsent { reason: format!("{}: {reason}", shown(link)), passing };
        self.inner.permit(link).map_err(|e| unsent(e.to_string(), false))?;
        let request = self.inner.agent.post(link).header(CONTENT_TYPE, "application/json");
        let request = request.config().timeout_global(Some(SILENCE)).build();
        match request.send(document) {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => {
                let status = answer.status().as_u16();
                Err(unsent(format!("answers {status}"), matches!(status, 408 | 425 | 429 | 500..)))
            }
            Err(error) => Err(unsent(self.inner.words(&error), !is_refusal(&error))),
        }
    }

    /// Works elsewhere where it must be possible to give up: what waits for a host cannot look up.
    fn attend<T: Send + 'static>(
        &self,
        link: &str,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let Some(stop) = &self.stop else { return work() };
        let (sender, receiver) = mpsc::sync_channel(1);
        let worker = std::thread::Builder::new().name("fetch".to_owned());
        let started = worker.spawn(move || drop(sender.send(work())));
        started.map_err(|e| format!("{}: cannot be fetched: {}", shown(link), e.kind()))?;
        loop {
            match receiver.recv_timeout(LOOK) {
                Ok(done) => return done,
                Err(mpsc::RecvTimeoutError::Timeout) if !stop() => {}
                Err(_) => return Err(format!("{}: was given up", shown(link))),
            }
        }
    }
}

impl Inner {
    fn permit(&self, link: &str) -> Result<(), Refusal> {
        match &self.guard {
            Some((hosts, _)) => hosts.check(link).map(drop),
            None if link.starts_with("http://") || link.starts_with("https://") => Ok(()),
            None => Err(Refusal::NoLink),
        }
    }

    /// Fetches into `sink`.
    fn get(&self, link: &str, most: u64, sink: &mut dyn Write) -> Result<Found, String> {
        let fail = |why: String| format!("{}: {why}", shown(link));
        if let Some((_, caps)) = &self.guard
            && self.links.fetch_add(1, Ordering::Relaxed) >= caps.links
        {
            return Err(fail(format!(
                "is one link more than the {} that a request may have followed",
                caps.links
            )));
        }
        let mut at = link.to_owned();
        for _ in 0..=REDIRECTS {
            // What stands behind a redirect is the host's word, and not told.
            let led_on = "leads on to where links are not followed".to_owned();
            self.permit(&at).map_err(|e| fail(if at == link { e.to_string() } else { led_on }))?;
            let mut answer = self.call(&at).map_err(&fail)?;
            let status = answer.status();
            if status.is_redirection() && status.as_u16() != 304 {
                let next = answer.headers().get(LOCATION).and_then(|v| v.to_str().ok());
                at = next
                    .and_then(|next| joined(&at, next))
                    .ok_or_else(|| fail("leads on to nowhere".into()))?;
                continue;
            }
            if !status.is_success() {
                return Err(fail(format!("cannot be fetched: the host answers {}", status.as_u16())));
            }
            self.read(&mut answer, most, sink).map_err(fail)?;
            let media_type = answer.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
            return Ok(Found { media_type: media_type.map(str::to_owned) });
        }
        Err(fail(format!("leads on more than {REDIRECTS} times")))
    }

    /// The answer to one address, tried again where the failure may pass.
    fn call(&self, at: &str) -> Result<Response<Body>, String> {
        let mut tries = 0;
        loop {
            let left = self.left()?;
            let tried = self.agent.get(at).config().timeout_global(Some(left)).build().call();
            let passing = match &tried {
                Ok(answer) => matches!(answer.status().as_u16(), 429 | 500..),
                // A host that was silent for so long will be silent again.
                Err(error) => matches!(error, ureq::Error::Io(_)),
            };
            if !passing || tries == 2 {
                return tried.map_err(|e| self.words(&e));
            }
            tries += 1;
            std::thread::sleep(Duration::from_millis(500 << tries));
        }
    }

    /// The time that is left for a link.
    fn left(&self) -> Result<Duration, String> {
        let Some(until) = self.until else { return Ok(LONGEST) };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("the time that a request may fetch for is over".to_owned());
        }
        Ok(left)
    }

    /// Reads a body as far as the caps allow.
    fn read(&self, answer: &mut Response<Body>, most: u64, sink: &mut dyn Write) -> Result<(), String> {
        let all = self.guard.as_ref().map_or(u64::MAX, |(_, caps)| caps.bytes);
        let too_large = |most: u64| format!("holds more than the {} MB that are fetched", most >> 20);
        let told = answer.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        let left = all.saturating_sub(self.bytes.load(Ordering::Relaxed));
        if told.is_some_and(|told| told > most.min(left)) {
            return Err(too_large(most.min(all)));
        }
        let mut reader = answer.body_mut().as_reader();
        let (mut part, mut read) = (vec![0; 1 << 16], 0_u64);
        loop {
            let count = reader.read(&mut part).map_err(|e| match self.guard {
                Some(_) => "cannot be fetched: the host broke off or took too long".to_owned(),
                None => format!("cannot be fetched: {e}"),
            })?;
            if count == 0 {
                return Ok(());
            }
            read += count as u64;
            // Counted as they come: what a packed answer unpacks to counts too.
            if read > most || self.bytes.fetch_add(count as u64, Ordering::Relaxed) + count as u64 > all {
                return Err(too_large(most.min(all)));
            }
            sink.write_all(&part[..count]).map_err(|e| format!("cannot be kept: {}", e.kind()))?;
        }
    }

    /// An error in words that hold nothing of what a guarded host said.
    fn words(&self, error: &ureq::Error) -> String {
        let why = match error {
            ureq::Error::Other(other) if other.is::<Refusal>() => return other.to_string(),
            other if self.guard.is_none() => return format!("cannot be fetched: {other}"),
            ureq::Error::Timeout(_) => "the host took too long",
            ureq::Error::HostNotFound => "the host is not known",
            ureq::Error::Io(_) | ureq::Error::ConnectionFailed => "the host cannot be reached",
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) => "the connection cannot be made secure",
            _ => "the host does not answer as it should",
        };
        format!("cannot be fetched: {why}")
    }
}

fn is_refusal(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Other(other) if other.is::<Refusal>())
}

/// A link as it may be shown: a query may carry a signature that is nobody else's business.
pub fn shown(link: &str) -> &str {
    link.split(['?', '#']).next().unwrap_or(link)
}

/// Where a link leads that stands at another.
pub fn joined(base: &str, link: &str) -> Option<String> {
    let scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if link.split_once("://").is_some_and(|(before, _)| before.chars().all(scheme)) {
        return Some(link.to_owned());
    }
    let base = shown(base);
    let (scheme, rest) = base.split_once("://")?;
    if let Some(other) = link.strip_prefix("//") {
        return Some(format!("{scheme}://{other}"));
    }
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if link.starts_with('/') {
        return Some(format!("{scheme}://{host}{link}"));
    }
    let mut folders: Vec<&str> = path.split('/').skip(1).collect();
    folders.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => _ = folders.pop(),
            part => folders.push(part),
        }
    }
    Some(format!("{scheme}://{host}/{}", folders.join("/")))
}

#[cfg(test)]
mod tests;
