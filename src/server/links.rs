//! Links in requests: where they may lead, who is called back, and what a request reads.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::state::ServerState;
use crate::io::fetch::Caps;
use crate::io::guard::Hosts;
use crate::jobs::{Event, Subscription};
use crate::ogc::{Execute, ProcessDescription};
use crate::store::is_link;

/// Links that requests may hold: inputs by reference, assets of scenes, and addresses to call back.
/// None is followed unless its host is named here.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinksConfig {
    /// Hosts that links may lead to: `data.example.org`, `*.example.org` for all below it,
    /// `example.org:8443` for another port than 80 and 443, `*` for every host. Their addresses must be
    /// public.
    pub hosts: Vec<String>,
    /// Hosts that links may lead to although their addresses are private or loopback
    /// (`intranet.example`). They need not stand in `hosts` too.
    pub allow_private: Vec<String>,
    /// Links that one request may have followed.
    pub count: u32,
    /// Megabytes that one request may have fetched.
    pub megabytes: u64,
    /// Seconds that one request may fetch for.
    pub seconds: u64,
}

impl Default for LinksConfig {
    fn default() -> Self {
        Self { hosts: Vec::new(), allow_private: Vec::new(), count: 1000, megabytes: 4096, seconds: 1800 }
    }
}

impl LinksConfig {
    /// The hosts.
    ///
    /// # Errors
    /// The entry that is no host.
    pub fn hosts(&self) -> Result<Arc<Hosts>, String> {
        Hosts::new(&self.hosts, &self.allow_private).map(Arc::new)
    }

    /// What one request may have fetched.
    pub fn caps(&self) -> Caps {
        let (links, bytes) = (self.count, self.megabytes.saturating_mul(1 << 20));
        Caps { links, bytes, time: Duration::from_secs(self.seconds) }
    }
}

/// Refuses links that would not be followed, before the job is queued.
///
/// # Errors
/// 400 with the path of the link.
pub fn check(
    state: &ServerState,
    asked: &Execute,
    process: &ProcessDescription,
    owner: Option<&str>,
) -> Result<(), ApiError> {
    for (path, href) in asked.links(&process.inputs) {
        if is_link(href) && !state.host.offers(href) && !state.host.is_result(href, owner) {
            state.host.hosts().check(href).map_err(|refusal| ApiError::input(path, refusal.to_string()))?;
        }
    }
    let Some(subscriber) = &asked.subscriber else { return Ok(()) };
    let addresses = [
        ("successUri", Some(&subscriber.success_uri)),
        ("inProgressUri", subscriber.in_progress_uri.as_ref()),
        ("failedUri", subscriber.failed_uri.as_ref()),
    ];
    for (name, address) in addresses.into_iter().filter_map(|(name, address)| Some((name, address?))) {
        let refuse = |refusal: crate::io::guard::Refusal| {
            ApiError::input(format!("subscriber.{name}"), refusal.to_string())
        };
        state.host.hosts().check(address).map_err(refuse)?;
    }
    Ok(())
}

/// Who is to be called back; `base` is the address that links begin with.
pub fn subscription(asked: &Execute, base: &str) -> Option<Subscription> {
    let subscriber = asked.subscriber.as_ref()?;
    let addresses = [
        (Event::Success, Some(&subscriber.success_uri)),
        (Event::Progress, subscriber.in_progress_uri.as_ref()),
        (Event::Failure, subscriber.failed_uri.as_ref()),
    ];
    let addresses = addresses.into_iter().filter_map(|(event, address)| Some((event, address?.clone())));
    Some(Subscription { addresses: addresses.collect(), origin: base.to_owned() })
}
