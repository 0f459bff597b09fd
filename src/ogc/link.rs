//! Links between resources, as every OGC API writes them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde::{Deserialize, Serialize};

/// Relation types of OGC API - Processes and OGC API - Common.
pub mod rel {
    /// To the list of processes.
    pub const PROCESSES: &str = "http://www.opengis.net/def/rel/ogc/1.0/processes";
    /// To the list of jobs.
    pub const JOBS: &str = "http://www.opengis.net/def/rel/ogc/1.0/job-list";
    /// To where a process is executed.
    pub const EXECUTE: &str = "http://www.opengis.net/def/rel/ogc/1.0/execute";
    /// To the results of a job.
    pub const RESULTS: &str = "http://www.opengis.net/def/rel/ogc/1.0/results";
    /// To the conformance declaration.
    pub const CONFORMANCE: &str = "http://www.opengis.net/def/rel/ogc/1.0/conformance";
}

/// Media type of the API definition.
pub const OPENAPI_JSON: &str = "application/vnd.oai.openapi+json;version=3.0";

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where to.
    pub href: String,
    /// What it is to this resource: a registered name or one of [`rel`].
    pub rel: String,
    /// Media type of what is there.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// For a reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Language of what is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hreflang: Option<String>,
}

impl Link {
    /// A link of a media type.
    pub fn new(href: impl Into<String>, rel: &str, media_type: &str) -> Self {
        Self {
            href: href.into(),
            rel: rel.to_owned(),
            media_type: Some(media_type.to_owned()),
            ..Self::default()
        }
    }

    /// The same with a title.
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// As the value of a `Link` header (RFC 8288): `<href>; rel="..."; type="..."`.
    pub fn header(&self) -> String {
        let bare = |text: &str| text.chars().filter(|c| !c.is_control() && *c != '"').collect::<String>();
        let href: String = self.href.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
        let mut text = format!("<{href}>; rel=\"{}\"", bare(&self.rel));
        if let Some(media_type) = &self.media_type {
            text += &format!("; type=\"{}\"", bare(media_type));
        }
        text
    }
}

/// A text as one segment of a path or a value of a query: all but letters, digits and `-._~`
/// percent-encoded.
pub fn segment(text: &str) -> String {
    const SAFE: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(text, &SAFE).to_string()
}

/// What is wrong with an address that callbacks would go to, if anything: it is to be absolute,
/// http or https, with a host and without a user in it.
pub fn fault_of_address(address: &str) -> Option<&'static str> {
    let lower = address.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://")) else {
        return Some("is no http or https address");
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.starts_with(':') {
        return Some("names no host");
    }
    if host.contains('@') {
        return Some("holds a user or password");
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\\' | '<' | '>' | '"');
    (address.len() > 2048 || address.contains(odd)).then_some("is no valid address")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_link_is_written_without_empty_members() {
        let link = Link::new("http://x/jobs/1", "self", "application/json").titled("This job");
        assert_eq!(
            json!(link),
            json!({"href": "http://x/jobs/1", "rel": "self", "type": "application/json", "title": "This job"})
        );
        assert_eq!(link.header(), "<http://x/jobs/1>; rel=\"self\"; type=\"application/json\"");
        assert_eq!(Link::new("a>\r\nb", "x\"y", "t").header(), "<ab>; rel=\"xy\"; type=\"t\"");
    }

    #[test]
    fn addresses_of_callbacks_are_looked_at() {
        assert_eq!(fault_of_address("https://example.org:8443/done?job=1"), None);
        for wrong in [
            "ftp://x/",
            "http://",
            "http:///x",
            "http://u:p@x/",
            "javascript:1",
            "http://x/ y",
            "http://:80/",
            "http://a\\b",
        ] {
            assert!(fault_of_address(wrong).is_some(), "{wrong}");
        }
        assert_eq!(segment("a b/é"), "a%20b%2F%C3%A9");
    }
}
