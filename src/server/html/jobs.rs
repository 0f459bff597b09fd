//! The list of jobs.

use maud::{Markup, html};

use super::words::{badge, duration, moment};
use super::{Page, Site};
use crate::jobs::Filter;
use crate::ogc::{JobList, JobStatus, StatusInfo, segment};
use crate::process::registry;

/// The page of the list.
pub fn page(site: &Site, list: &JobList, narrowed: &Filter) -> Page {
    let link = |rel: &str| list.links.iter().find(|link| link.rel == rel);
    let body = html! {
        h1 { "Jobs" }
        (filters(site, narrowed))
        @if list.jobs.is_empty() {
            p.empty { "There are no such jobs. " a href=(site.at("processes")) { "Run a process" } " to make one." }
        } @else {
            p.faint { (list.number_returned) " of " (list.number_matched) ", newest first." }
            div.table tabindex="0" role="region" aria-label="Jobs" {
                table.stacks {
                    thead { tr { th scope="col" { "Process" } th scope="col" { "Status" } th scope="col" { "Asked for" }
                        th scope="col" { "Took" } th scope="col" { "Message" } } }
                    tbody { @for job in &list.jobs { (row(site, job)) } }
                }
            }
        }
        nav.pages aria-label="Pages of the list" {
            @if let Some(link) = link("prev") { a.button.second rel="prev" href=(site.local(&link.href)) { "Newer" } }
            @if let Some(link) = link("next") { a.button.second rel="next" href=(site.local(&link.href)) { "Older" } }
        }
    };
    Page::new("Jobs", body)
}

fn row(site: &Site, job: &StatusInfo) -> Markup {
    let took = job.started.map(|from| duration(from, job.finished.or(job.updated).unwrap_or(from)));
    html! {
        tr {
            td data-head="Process" { a href=(site.at(&format!("jobs/{}", segment(job.id())))) { (job.process_id) } }
            td data-head="Status" {
                (badge(job.status))
                @if job.status == JobStatus::Running { " " (job.progress().unwrap_or(0)) " %" }
            }
            td data-head="Asked for" { @if let Some(at) = job.created { (moment(at)) } }
            td.n data-head="Took" { (took.unwrap_or_default()) }
            td.wrap data-head="Message" { (job.message.as_deref().unwrap_or_default()) }
        }
    }
}

fn filters(site: &Site, narrowed: &Filter) -> Markup {
    html! {
        form.filters method="get" action=(site.at("jobs")) {
            div.field {
                label for="process" { "Process" }
                select #process name="processID" {
                    option value="" { "all" }
                    @for id in registry().iter().map(|p| p.id()) {
                        option value=(id) selected[narrowed.processes.iter().any(|p| p == id)] { (id) }
                    }
                }
            }
            div.field {
                label for="status" { "Status" }
                select #status name="status" {
                    option value="" { "all" }
                    @for state in JobStatus::ALL {
                        option value=(state.as_str()) selected[narrowed.states.contains(&state)] { (state.as_str()) }
                    }
                }
            }
            input type="hidden" name="limit" value="25";
            button.second type="submit" { "Show" }
        }
    }
}
