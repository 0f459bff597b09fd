//! The map viewer. What it shows it asks the server for; here is what it is shown in.

use maud::{Markup, html};

use super::problem::key_form;
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
            section #side tabindex="-1" aria-label="Layers" {
                div.side-head {
                    h1 { "Map" }
                    button.second.small #copy type="button" { "Copy link" }
                    button.icon #hide-side type="button" aria-label="Hide the layers" { span aria-hidden="true" { "×" } }
                }
                noscript { p.note { "The map needs JavaScript." } }
                (shown(site))
                (compare())
                (filter())
                (all())
            }
            div #maps {
                div #left {}
                div #right hidden {}
                p.name-of #name-left hidden {}
                p.name-of #name-right hidden {}
                div #edge role="slider" tabindex="0" aria-label="Where the sides meet" aria-valuemin="0" aria-valuemax="100" aria-valuenow="50" hidden {}
                button.second #show-side type="button" aria-controls="side" aria-expanded="true" hidden { "Layers" }
                div #busy aria-hidden="true" hidden {}
                div #said role="status" hidden {
                    span #said-text {}
                    button.icon #said-close type="button" aria-label="Close the message" { span aria-hidden="true" { "×" } }
                }
                div #where aria-hidden="true" {}
                div #details aria-live="polite" role="region" aria-label="What is here" hidden {}
            }
        }
        script type="module" src=(site.at("static/viewer.js")) {}
    }
}

/// What is on the map, and why there is nothing.
fn shown(site: &Site) -> Markup {
    html! {
        div #start-key hidden {
            h2 { "Sign in" }
            p { "This server asks for a key before it shows its layers." }
            @if site.keyed { (key_form()) }
        }
        div.empty #start-empty hidden {
            p { "There is no layer yet. Results of processes appear here as soon as they are there." }
            p.actions { a.button href=(site.at("processes")) { "Run a process" } }
        }
        h2.unseen { "On the map" }
        ul #shown {}
        p.empty #nothing hidden { "Nothing is on the map. Choose from all layers below." }
    }
}

fn compare() -> Markup {
    html! {
        div #compare-part hidden {
            h2 { "Side by side" }
            div.field {
                label for="compare" { "On the right side" }
                select #compare { option value="" { "nothing: one map" } }
            }
        }
    }
}

fn filter() -> Markup {
    html! {
        div #filter-part hidden {
            h2 { "Filter zones" }
            form #filter {
                div.pair {
                    div.field { label for="filter-area" { "At least " span.unit { "ha" } } input #filter-area type="number" min="0" step="any"; }
                    div.field { label for="filter-distance" { "A mine within " span.unit { "m" } } input #filter-distance type="number" min="0" step="any"; }
                }
                div.field {
                    label for="filter-text" { "Condition" }
                    input #filter-text type="text" spellcheck="false" autocomplete="off" placeholder="minesWithin >= 2" aria-describedby="filter-about";
                    p.hint #filter-about { "In CQL2 text, over the attributes of the zones." }
                }
                p.fault #filter-fault role="alert" hidden {}
                p.actions {
                    button.second type="submit" { "Filter" }
                    button.plain.link #filter-clear type="button" hidden { "Show all" }
                }
                p.hint #filter-said role="status" {}
            }
        }
    }
}

fn all() -> Markup {
    html! {
        div #all-part hidden {
            h2 { "All layers" }
            div.field {
                label for="find" { "Find a layer" }
                input #find type="search" autocomplete="off";
            }
            div #layers {}
        }
    }
}
