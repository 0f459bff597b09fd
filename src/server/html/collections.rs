//! The list of collections.

use maud::{Markup, html};

use super::words::inline;
use super::{Page, Site};
use crate::ogc::collections::{CollectionInfo, CollectionList};
use crate::ogc::segment;

/// The page of the list.
pub fn page(site: &Site, list: &CollectionList) -> Page {
    let link = |rel: &str| list.links.iter().find(|link| link.rel == rel);
    let body = html! {
        h1 { "Collections" }
        p.lead { "Layers for maps: what the operator offers, and results of jobs. "
            a href=(site.at("viewer")) { "Look at them on the map" } "." }
        @if list.collections.is_empty() { p.empty { "There are none yet. " a href=(site.at("processes")) { "Run a process" } " to make some." } }
        @else { p.faint { (list.number_returned) " of " (list.number_matched) "." } }
        ul.cards { @for collection in &list.collections { (card(site, collection)) } }
        nav.pages aria-label="Pages of the list" {
            @if let Some(link) = link("prev") { a.button.second rel="prev" href=(site.local(&link.href)) { "Back" } " " }
            @if let Some(link) = link("next") { a.button.second rel="next" href=(site.local(&link.href)) { "More" } }
        }
    };
    Page::new("Collections", body)
}

fn card(site: &Site, collection: &CollectionInfo) -> Markup {
    html! {
        li.card {
            h2 { a href=(site.at(&format!("collections/{}", segment(&collection.id)))) { (collection.title) } }
            p { (inline(&collection.description)) }
        }
    }
}
