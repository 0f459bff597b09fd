//! Which hosts links from elsewhere may lead to, and which addresses: a name is on a list or it is
//! not followed, and what it resolves to is looked at before anything is connected.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// One entry of a list of hosts: `example.org`, `*.example.org` (all below it), `example.org:8443`,
/// or `*` for any. Without a port it is 80 and 443.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HostRule {
    name: String,
    port: Option<u16>,
}

impl HostRule {
    fn parse(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let (name, port) = match lower.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                let port = port.parse().map_err(|_| format!("`{text}` has no port after its colon"))?;
                (name.to_owned(), Some(port))
            }
            _ => (lower, None),
        };
        let host = name.strip_prefix("*.").unwrap_or(&name);
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if host != "*" && (host.is_empty() || !host.chars().all(plain)) {
            return Err(format!(
                "`{text}` is no host such as example.org, *.example.org or example.org:8443"
            ));
        }
        Ok(Self { name, port })
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        let named = match self.name.strip_prefix('*') {
            Some(below) => host.len() > below.len() && host.ends_with(below),
            None => host == self.name,
        };
        named && self.port.map_or(matches!(port, 80 | 443), |own| own == port)
    }
}

/// The hosts that links may lead to, and those of them whose addresses may be private.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    any: Vec<HostRule>,
    private: Vec<HostRule>,
}

/// Why a link is not followed. Tells nothing of what the host's name resolves to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no http(s) link with a host.
    #[error("is no http or https link with a host and without a user")]
    NoLink,
    /// No host is on the list.
    #[error("links are not followed by this server; give the value itself, or a name that it offers")]
    Off,
    /// The host is not on the list.
    #[error("links to {0} are not followed; its operator names the hosts that are, in `links.hosts`")]
    Host(String),
    /// The address is none that may be connected to.
    #[error("{0} has an address that is not public, and is not followed")]
    Address(String),
}

impl Hosts {
    /// The hosts of two lists; those of `private` may have private addresses and need not stand in
    /// `any` too.
    ///
    /// # Errors
    /// The entry that is no host.
    pub fn new(any: &[String], private: &[String]) -> Result<Self, String> {
        let rules = |list: &[String]| list.iter().map(|t| HostRule::parse(t)).collect::<Result<Vec<_>, _>>();
        Ok(Self { any: rules(any)?, private: rules(private)? })
    }

    /// Whether no link is followed at all.
    pub fn is_empty(&self) -> bool {
        self.any.is_empty() && self.private.is_empty()
    }

    /// Looks at a link as it is written, without asking for its addresses.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn check(&self, link: &str) -> Result<Uri, Refusal> {
        let uri: Uri = link.parse().map_err(|_| Refusal::NoLink)?;
        self.may_be_private(&uri)?;
        Ok(uri)
    }

    /// Whether the host may be followed, and then whether its addresses may be private.
    fn may_be_private(&self, uri: &Uri) -> Result<bool, Refusal> {
        let default = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return Err(Refusal::NoLink),
        };
        let authority = uri.authority().ok_or(Refusal::NoLink)?;
        let (host, port) = (host_of(uri).ok_or(Refusal::NoLink)?, authority.port_u16().unwrap_or(default));
        if authority.as_str().contains('@') {
            return Err(Refusal::NoLink);
        }
        if self.is_empty() {
            return Err(Refusal::Off);
        }
        let private = self.private.iter().any(|rule| rule.covers(&host, port));
        if private || self.any.iter().any(|rule| rule.covers(&host, port)) {
            return Ok(private);
        }
        Err(Refusal::Host(host))
    }
}

/// The host as it is compared: in lower case, without a dot at its end.
fn host_of(uri: &Uri) -> Option<String> {
    let host = uri.host()?.to_ascii_lowercase();
    let host = host.strip_suffix('.').map_or(host.clone(), str::to_owned);
    (!host.is_empty()).then_some(host)
}

/// Whether an address is one of the public internet: by the registries of special-purpose addresses
/// (RFC 6890 and what came after), everything else is refused. Addresses that carry an IPv4 address
/// inside (mapped, 6to4, Teredo, NAT64) are refused whatever they carry.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => public_4(v4),
        IpAddr::V6(v6) => public_6(v6),
    }
}

fn public_4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        0 | 10 | 127 => true,           // this network, private, loopback
        100 => (64..=127).contains(&b), // carrier-grade NAT
        169 => b == 254,                // link-local, where clouds keep their metadata
        172 => (16..=31).contains(&b),  // private
        192 => matches!((b, c), (168, _) | (0, 0 | 2) | (88, 99)), // private, protocols, documentation, 6to4
        198 => matches!((b, c), (18 | 19, _) | (51, 100)), // benchmarks, documentation
        203 => (b, c) == (0, 113),      // documentation
        _ => a >= 224,                  // multicast, reserved, broadcast
    };
    !special
}

fn public_6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Protocols, among them Teredo; documentation; 6to4.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// What even a host that may be private must not be: an address of nobody, of many, or of the link,
/// where clouds keep their metadata.
fn never(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[0] == 0 || v4.is_multicast() || v4.is_broadcast() || v4.is_link_local(),
        IpAddr::V6(v6) => {
            let mapped = v6.to_ipv4_mapped().is_some_and(|v4| never(IpAddr::V4(v4)));
            // Amazon's metadata have a unique local address of their own.
            let metadata = v6.segments()[..2] == [0xfd00, 0x0ec2];
            mapped || metadata || v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local()
        }
    }
}

/// Resolves a name once, looks at every address, and hands exactly these on to be connected to: a
/// name that answers otherwise a moment later changes nothing.
#[derive(Debug)]
pub struct GuardedResolver<R> {
    /// Who is asked.
    pub inner: R,
    /// Which hosts may be.
    pub hosts: Arc<Hosts>,
}

impl<R: Resolver> Resolver for GuardedResolver<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let refuse = |refusal: Refusal| ureq::Error::Other(Box::new(refusal));
        let private = self.hosts.may_be_private(uri).map_err(refuse)?;
        let found = self.inner.resolve(uri, config, timeout)?;
        let good = |ip: IpAddr| if private { !never(ip) } else { is_public(ip) };
        // A name that leads outside and inside is a mistake or an attack: one wrong address is enough.
        if found.iter().all(|address| good(address.ip())) {
            return Ok(found);
        }
        Err(refuse(Refusal::Address(host_of(uri).unwrap_or_default())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(any: &[&str], private: &[&str]) -> Hosts {
        let own = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        Hosts::new(&own(any), &own(private)).unwrap()
    }

    #[test]
    fn only_hosts_on_the_list_are_followed_and_only_on_their_ports() {
        let list = hosts(&["example.org", "*.data.example", "other.example:8443"], &["intranet"]);
        for good in [
            "http://example.org/x",
            "https://EXAMPLE.org./x?y",
            "https://a.b.data.example",
            "https://other.example:8443/",
            "http://intranet/x",
            "https://example.org:443/",
        ] {
            assert!(list.check(good).is_ok(), "{good}");
        }
        for wrong in [
            "https://data.example/",
            "https://evildata.example/",
            "https://example.org.evil.example/",
            "http://example.org:22/",
            "https://other.example/",
            "http://intranet:8080/",
            "http://example.org@evil.example/",
            "http://user:word@example.org/",
            "ftp://example.org/",
            "file:///etc/passwd",
            "/vsicurl/http://example.org/",
            "//example.org/x",
            "http:///x",
            "example.org",
        ] {
            assert!(list.check(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Hosts::default().check("http://example.org/").unwrap_err(), Refusal::Off);
        assert!(hosts(&["*"], &[]).check("https://anything.example/").is_ok());
        for wrong in ["", "*.", "http://x", "a b", "x:port", "a*b"] {
            assert!(Hosts::new(&[wrong.to_owned()], &[]).is_err(), "{wrong}");
        }
        assert!(hosts(&["[::1]:80", "127.0.0.1:81"], &[]).check("http://[::1]:80/").is_ok());
    }

    #[test]
    fn addresses_of_special_use_are_not_public() {
        for address in ["1.1.1.1", "8.8.8.8", "100.63.0.1", "172.32.0.1", "192.0.3.1", "2606:4700::1111"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:1.1.1.1",
            "::ffff:127.0.0.1",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in
            ["0.0.0.0", "169.254.169.254", "224.0.0.1", "fe80::1", "fd00:ec2::254", "::ffff:169.254.1.1"]
        {
            assert!(never(address.parse().unwrap()), "{address}");
        }
        assert!(!never("127.0.0.1".parse().unwrap()) && !never("fd12::1".parse().unwrap()));
    }
}
