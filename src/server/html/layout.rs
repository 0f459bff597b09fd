//! What all pages share: head, header, footer.

use actix_web::HttpRequest;
use maud::{DOCTYPE, Markup, html};

use crate::server::access::at_hand;
use crate::server::state::ServerState;

/// What every page knows of the service it belongs to.
pub struct Site {
    /// The service's name.
    pub title: String,
    /// Whether the service asks for keys.
    pub keyed: bool,
    /// Whether the caller may see what belongs to callers.
    pub known: bool,
    /// What links of documents begin with.
    base: String,
    /// What links of pages begin with: the path of `base`.
    root: String,
    /// The query of this page without its `f`, for the same as JSON.
    query: String,
}

/// A page.
pub struct Page {
    /// Its title.
    pub title: String,
    /// What stands in `main`.
    pub body: Markup,
    /// Seconds after which a reader without scripts sees it anew.
    pub refresh: Option<u32>,
    /// Whether it is made of a document that is there as JSON too.
    pub has_json: bool,
}

impl Page {
    /// A page that stays as it is.
    pub fn new(title: impl Into<String>, body: Markup) -> Self {
        Self { title: title.into(), body, refresh: None, has_json: true }
    }

    /// The whole document.
    pub fn render(&self, site: &Site) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) @if self.title != site.title { " · " (site.title) } }
                    link rel="icon" type="image/svg+xml" href=(site.at("static/icon.svg"));
                    link rel="stylesheet" href=(site.at("static/page.css"));
                    @if self.has_json { link rel="alternate" type="application/json" href=(site.as_json()); }
                    script src=(site.at("static/page.js")) defer {}
                    @if let Some(seconds) = self.refresh {
                        noscript { meta http-equiv="refresh" content=(seconds); }
                    }
                }
                body data-root=(site.root) data-keyed=[site.keyed.then_some("")] data-known=[site.known.then_some("")] {
                    a.skip href="#main" { "Skip to the content" }
                    (header(site))
                    main #main tabindex="-1" { (self.body) }
                    (footer(site, self.has_json))
                }
            }
        }
    }
}

fn header(site: &Site) -> Markup {
    html! {
        header.top {
            a.brand href=(site.at("")) {
                img src=(site.at("static/icon.svg")) alt="" width="28" height="28";
                span { (site.title) }
            }
            nav aria-label="Main" {
                a href=(site.at("processes")) { "Processes" }
                a href=(site.at("jobs")) { "Jobs" }
                a href=(site.at("collections")) { "Collections" }
                a href=(site.at("viewer")) { "Map" }
                a href=(site.at("api")) { "API" }
                @if site.keyed && !site.known { a #to-sign-in href=(site.at("jobs")) { "Sign in" } }
                @if site.keyed { button.plain #sign-out type="button" hidden { "Sign out" } }
            }
        }
    }
}

fn footer(site: &Site, has_json: bool) -> Markup {
    html! {
        footer.end {
            @if has_json { a href=(site.as_json()) { "This page as JSON" } }
            a href=(site.at("conformance")) { "Conformance" }
            span { "rededge " (env!("CARGO_PKG_VERSION")) }
        }
    }
}

impl Site {
    /// The service as this request sees it.
    pub fn new(request: &HttpRequest, state: &ServerState) -> Self {
        let base = state.base(request);
        let rest = base.split_once("://").map_or("", |(_, rest)| rest);
        let root = rest.find('/').map_or("", |at| &rest[at..]).to_owned();
        let query: Vec<String> = crate::ogc::read_query(request.query_string())
            .iter()
            .filter(|(name, _)| name != "f")
            .map(|(name, value)| format!("{}={}&", crate::ogc::segment(name), crate::ogc::segment(value)))
            .collect();
        Self {
            title: state.config.title.clone(),
            keyed: !state.access.is_open(),
            known: at_hand(state, request).is_ok(),
            base,
            root,
            query: query.concat(),
        }
    }

    /// The address of a place of the service.
    pub fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.root)
    }

    /// The address of a document's link: without the host, where it is this service's own.
    pub fn local(&self, href: &str) -> String {
        match href.strip_prefix(&self.base) {
            Some(rest) => format!("{}{rest}", self.root),
            None => href.to_owned(),
        }
    }

    fn as_json(&self) -> String {
        format!("?{}f=json", self.query)
    }
}
