//! The map viewer. What it shows it asks the server for; here is what it is shown in.

use maud::{Markup, html};

use super::{Page, Site, assets};

/// The page of the viewer; where the map library is not built in, how to build it.
pub fn page(site: &Site) -> Page {
    let body = if assets::has_map_library() { viewer(site) } else { missing() };
    Page { has_json: false, ..Page::new("Map", body) }
}

fn missing() -> Markup {
    html! {
        h1 { "Map" }
        p.note { "This server was built without its map library. " code { "make viewer build" } " brings it (it needs npm) and builds it in." }
        p { "Everything else works without it: collections are layers for QGIS and other clients." }
    }
}

fn viewer(site: &Site) -> Markup {
    html! {
        link rel="stylesheet" href=(site.at("static/maplibre-gl.css"));
        link rel="stylesheet" href=(site.at("static/viewer.css"));
        div.viewer data-app {
            aside aria-label="Layers" {
                h1 { "Map" }
                div.field {
                    label for="find" { "Find a layer" }
                    input #find type="search" autocomplete="off";
                }
                div #layers {}
                (compare())
                (filter())
                p.actions { button.second #copy type="button" { "Copy the link to this view" } }
                noscript { p.note { "The map needs JavaScript." } }
            }
            div #maps role="region" aria-label="Map" {
                div #left {}
                div #right hidden {}
                div #edge aria-hidden="true" hidden {}
                p #said role="status" hidden {}
                div #where aria-hidden="true" {}
                div #details aria-live="polite" role="region" aria-label="What is here" hidden {}
            }
        }
        script type="module" src=(site.at("static/viewer.js")) {}
    }
}

fn compare() -> Markup {
    html! {
        h2 { "Side by side" }
        div.field {
            label for="compare" { "On the right side" }
            select #compare { option value="" { "one map" } }
        }
        div.field #swipe-row hidden {
            label for="swipe" { "Where the sides meet" }
            input #swipe type="range" min="0" max="1" step="0.01";
        }
    }
}

fn filter() -> Markup {
    html! {
        h2 { "Filter zones" }
        form #filter {
            div.field { label for="filter-area" { "At least " span.unit { "ha" } } input #filter-area type="number" min="0" step="any"; }
            div.field { label for="filter-distance" { "A mine within " span.unit { "m" } } input #filter-distance type="number" min="0" step="any"; }
            div.field {
                label for="filter-text" { "Condition" }
                input #filter-text type="text" spellcheck="false" placeholder="minesWithin >= 2" aria-describedby="filter-about";
                p.hint #filter-about { "In CQL2 text, over the attributes of the zones." }
            }
            p.fault #filter-fault role="alert" hidden {}
            button.second type="submit" { "Filter" }
            p.hint #filter-said role="status" {}
        }
    }
}
