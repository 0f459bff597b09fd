//! The list of processes.

use maud::html;

use super::words::inline;
use super::{Page, Site};
use crate::ogc::ProcessList;

/// The page of the list.
pub fn page(site: &Site, list: &ProcessList) -> Page {
    let body = html! {
        h1 { "Processes" }
        p.lead { (list.processes.len()) " processes, each with a form. Runs become jobs that survive a restart of the server." }
        ul.cards.wide {
            @for process in &list.processes {
                @let summary = &process.item;
                li.card {
                    h2 { a href=(site.at(&format!("processes/{}", crate::ogc::segment(summary.id)))) { (summary.title) } }
                    p { (inline(&summary.description)) }
                    p.faint { code { (summary.id) } " · version " (summary.version) }
                }
            }
        }
        @for link in list.links.iter().filter(|l| ["next", "prev"].contains(&l.rel.as_str())) {
            a.button.second href=(site.local(&link.href)) { (link.rel) }
        }
    };
    Page::new("Processes", body)
}
