//! Items of a collection: a table in pages with a filter, and one item alone.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::values::document;
use super::{Page, Site};
use crate::ogc::outputs::{CSV, GEOPACKAGE};
use crate::ogc::segment;

/// A collection, as its items name it.
pub struct Of<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its title.
    pub title: &'a str,
}

impl Of<'_> {
    fn crumbs(&self, site: &Site) -> Markup {
        let own = site.at(&format!("collections/{}", segment(self.id)));
        html! { p.crumbs { a href=(site.at("collections")) { "Collections" } " / " a href=(own) { (self.title) } } }
    }

    fn map(&self, site: &Site) -> String {
        format!("{}#layers={}:1", site.at("viewer"), segment(self.id))
    }
}

/// The page of a page of items: what is told as GeoJSON, and the parameters that it was asked by.
pub fn page(site: &Site, of: &Of<'_>, told: &Value, query: &[(String, String)]) -> Page {
    let link = |rel: &str, kind: Option<&str>| {
        let links = told["links"].as_array().into_iter().flatten();
        let found = links.filter(|l| l["rel"] == rel && kind.is_none_or(|kind| l["type"] == kind));
        found.filter_map(|l| l["href"].as_str()).map(|href| site.local(href)).next()
    };
    let features = told["features"].as_array().map_or(&[][..], Vec::as_slice);
    let body = html! {
        (of.crumbs(site))
        h1 { "Items of " (of.title) }
        p.actions {
            a.button href=(of.map(site)) { "See them on the map" }
            @if let Some(href) = link("alternate", Some(CSV)) { a.button.second href=(href) data-file { "All as a table" } }
            @if let Some(href) = link("alternate", Some(GEOPACKAGE)) { a.button.second href=(href) data-file { "All as GeoPackage" } }
        }
        (filters(query, number_of(features)))
        @if features.is_empty() { p.empty { "There are no such items." } }
        @else {
            p.faint { (features.len()) " of " (told["numberMatched"]) "." }
            (table(site, of, features))
        }
        nav.pages aria-label="Pages of the items" {
            @if let Some(href) = link("prev", None) { a.button.second rel="prev" href=(href) { "Back" } " " }
            @if let Some(href) = link("next", None) { a.button.second rel="next" href=(href) { "More" } }
        }
    };
    Page::new(format!("Items of {}", of.title), body)
}

/// The name of a property that is a number, as an example.
fn number_of(features: &[Value]) -> &str {
    let properties = features.first().and_then(|f| f["properties"].as_object());
    let found = properties.and_then(|p| p.iter().find(|(_, value)| value.is_number()));
    found.map_or("areaHa", |(name, _)| name)
}

fn filters(query: &[(String, String)], number: &str) -> Markup {
    let own = ["filter", "sortby"];
    let value =
        |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).unwrap_or_default();
    html! {
        form.filters method="get" {
            div.field {
                label for="filter" { "Only where" }
                input #filter type="text" name="filter" value=(value("filter")) placeholder={ (number) " > 2" };
            }
            div.field {
                label for="sortby" { "Sorted by" }
                input #sortby type="text" name="sortby" value=(value("sortby")) placeholder={ "-" (number) };
            }
            // What else was asked for stays; a new condition begins at its first page.
            @for (name, value) in query.iter().filter(|(n, _)| !own.contains(&n.as_str()) && n != "offset") {
                input type="hidden" name=(name) value=(value);
            }
            button.second type="submit" { "Show" }
        }
    }
}

fn table(site: &Site, of: &Of<'_>, features: &[Value]) -> Markup {
    let none = Map::new();
    let properties = |feature: &'_ Value| feature["properties"].as_object().cloned().unwrap_or_default();
    let names: Vec<&String> = features[0]["properties"].as_object().unwrap_or(&none).keys().collect();
    html! {
        div.table tabindex="0" role="region" aria-label="Items" {
            table {
                thead { tr { th scope="col" { "Item" } @for name in &names { th scope="col" { (name) } } } }
                tbody { @for feature in features {
                    @let own = properties(feature);
                    tr {
                        td { a href=(site.at(&format!("collections/{}/items/{}", segment(of.id), feature["id"]))) { (feature["id"]) } }
                        @for name in &names { td { (cell(own.get(name.as_str()))) } }
                    }
                } }
            }
        }
    }
}

fn cell(value: Option<&Value>) -> Markup {
    match value {
        None | Some(Value::Null) => html! {},
        Some(value) => document(value),
    }
}

/// The page of one item.
pub fn item(site: &Site, of: &Of<'_>, told: &Value) -> Page {
    let title = format!("Item {} of {}", told["id"], of.title);
    let kind = told["geometry"]["type"].as_str().unwrap_or("none");
    let body = html! {
        (of.crumbs(site))
        h1 { (title) }
        p.actions {
            a.button href=(of.map(site)) { "See the collection on the map" }
            a.button.second href=(site.at(&format!("collections/{}/items", segment(of.id)))) { "All items" }
        }
        div.table tabindex="0" role="region" aria-label="Its properties" { (document(&told["properties"])) }
        p.faint { "Geometry: " (kind) }
    };
    Page::new(title, body)
}
