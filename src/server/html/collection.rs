//! A collection: what it is, how it looks, what leads to its data.

use maud::{Markup, html};
use serde_json::Value;

use super::values::document;
use super::words::inline;
use super::{Page, Site};
use crate::ogc::collections::{CollectionInfo, rel};
use crate::ogc::{Link, segment};

/// Links that the page has in other forms, or that are for programs alone.
const NOT_LISTED: [&str; 6] = ["self", "alternate", "up", "via", "enclosure", rel::LEGEND];

/// The page of a collection.
pub fn page(site: &Site, collection: &CollectionInfo) -> Page {
    let link = |rel: &str| collection.links.iter().find(|link| link.rel == rel);
    let legend = |link: &&Link| link.rel == rel::LEGEND && link.media_type.as_deref() == Some("image/png");
    let listed = collection.links.iter().filter(|link| !NOT_LISTED.contains(&link.rel.as_str()));
    let body = html! {
        p.crumbs { a href=(site.at("collections")) { "Collections" } }
        h1 { (collection.title) }
        p.lead { (inline(&collection.description)) }
        p.actions {
            a.button href=(format!("{}#layers={}:1", site.at("viewer"), segment(&collection.id))) { "See it on the map" }
            @if let Some(link) = link("items") { a.button.second href=(site.local(&link.href)) { "Its items" } }
            @if let Some(link) = link("enclosure") { a.button.second href=(site.local(&link.href)) data-file { "Download" } }
            @if let Some(link) = link("via") { a.button.second href=(site.local(&link.href)) { "The job that made it" } }
        }
        (facts(collection))
        @if let Some(link) = collection.links.iter().find(legend) {
            h2 { "Legend" }
            figure {
                @if site.keyed { img data-picture=(site.local(&link.href)) alt="Legend"; }
                @else { img src=(site.local(&link.href)) alt="Legend" loading="lazy"; }
            }
        }
        h2 { "More of it" }
        dl.outputs { @for link in listed { div {
            dt { a href=(site.local(&link.href)) { (link.title.as_deref().unwrap_or(&link.rel)) } }
            @if let Some(kind) = &link.media_type { dd.faint { (kind) } }
        } } }
    };
    // One that grows is looked at again.
    let refresh = collection.more.contains_key("status").then_some(5);
    Page { refresh, ..Page::new(&collection.title, body) }
}

fn facts(collection: &CollectionInfo) -> Markup {
    let shown =
        ["status", "progress", "count", "bands", "dates", "fields", "classes", "unit", "range", "shape"];
    let own = shown.iter().filter_map(|name| Some((*name, collection.more.get(*name)?)));
    let extent = serde_json::to_value(&collection.extent).unwrap_or_default();
    let place = extent.pointer("/spatial/bbox/0").cloned();
    let members: serde_json::Map<String, Value> = [
        ("id", Some(Value::from(collection.id.as_str()))),
        ("westSouthEastNorth", place),
        ("crs", collection.storage_crs.as_deref().map(Value::from)),
        ("attribution", collection.attribution.as_deref().map(Value::from)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .chain(own.map(|(name, value)| (name.to_owned(), value.clone())))
    .collect();
    html! { div.table tabindex="0" role="region" aria-label="About it" { (document(&Value::Object(members))) } }
}
