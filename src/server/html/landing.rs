//! The landing page.

use maud::html;

use super::{Page, Site};
use crate::ogc::link::rel;
use crate::ogc::{LandingPage, Link, collections};

/// What stands below the links that the service's parts are known by.
const ABOUT: [(&str, &str); 7] = [
    (rel::PROCESSES, "What can be run: each with a form made from its description."),
    (rel::JOBS, "What runs and ran: progress, log, results."),
    (collections::rel::DATA, "Rasters and features: results and what the operator offers."),
    ("preview", "Layers side by side, series at a click, zones with their mines."),
    ("service-doc", "Every operation, with its parameters and answers."),
    ("service-desc", "The same as an OpenAPI 3.0 document, for programs."),
    (rel::CONFORMANCE, "The standards that the service declares to hold."),
];

/// The page of the landing document.
pub fn page(site: &Site, landing: &LandingPage) -> Page {
    let shown = |link: &&Link| !["self", "alternate", "conformance", "data"].contains(&link.rel.as_str());
    let rank = |link: &Link| ABOUT.iter().position(|(rel, _)| *rel == link.rel);
    let mut links: Vec<&Link> = landing.links.iter().filter(shown).collect();
    // What people come for stands first, what the service adds of its own after it.
    links.sort_by_key(|link| rank(link).map_or(4, |at| if at < 4 { at } else { at + 1 }));
    let body = html! {
        div.hero {
            h1 { (landing.title) }
            p.lead { (landing.description) }
            p.actions {
                a.button href=(site.at("processes")) { "Run a process" }
                a.button.second href=(site.at("jobs")) { "See the jobs" }
            }
        }
        h2 { "What is here" }
        ul.cards {
            @for link in links {
                li.card {
                    h3 { a href=(site.local(&link.href)) { (link.title.as_deref().unwrap_or(&link.rel)) } }
                    @if let Some(at) = rank(link) { p { (ABOUT[at].1) } }
                }
            }
        }
    };
    Page::new(&landing.title, body)
}
