//! A job: its progress while it runs, its log, what it was asked.

use maud::{Markup, html};
use serde_json::Value;

use super::values::input_value;
use super::words::{badge, duration, moment};
use super::{Page, Site};
use crate::jobs::LogLine;
use crate::ogc::{JobStatus, StatusInfo, segment, title_of};

/// Lines of the log that a page shows; the script adds what comes.
const TAIL: usize = 200;

/// What a page of a job shows beside its status.
pub struct Detail<'a> {
    /// The process's title.
    pub title: &'a str,
    /// The execute request.
    pub request: &'a Value,
    /// The log.
    pub lines: &'a [LogLine],
    /// The collection that it fills, where it fills one.
    pub collection: Option<&'a str>,
}

/// The page of a job's status.
pub fn page(site: &Site, job: &StatusInfo, detail: &Detail<'_>) -> Page {
    let own = site.at(&format!("jobs/{}", segment(job.id())));
    let process = site.at(&format!("processes/{}", segment(&job.process_id)));
    let over = job.status.is_over();
    let body = html! {
        p.crumbs { a href=(site.at("jobs")) { "Jobs" } }
        h1 { (detail.title) }
        section #job data-job=(own) data-status=(job.status.as_str()) aria-label="Status" {
            p.standing { (badge(job.status)) " " span #message role="status" { (job.message.as_deref().unwrap_or_default()) } }
            @if !over {
                div.progress {
                    progress #progress max="100" value=(job.progress().unwrap_or(0)) aria-label="Progress of the run" {}
                    span #percent { (job.progress().unwrap_or(0)) " %" }
                }
            }
            @if let Some(problem) = &job.exception {
                p.fault role="alert" {
                    @if let Some(input) = &problem.input { "Input " code { (input) } ": " }
                    (problem.detail.as_deref().unwrap_or(&problem.title))
                }
            }
            p.actions {
                @if job.status == JobStatus::Successful { a.button href=(format!("{own}/results")) { "See the results" } }
                @if let Some(id) = detail.collection.filter(|_| !over) {
                    a.button href=(format!("{}#layers={}:1", site.at("viewer"), segment(id))) { "Watch the map grow" }
                }
                @if !over { button.danger #cancel type="button" hidden { "Cancel the job" } }
                a.button.second href=(process) { "Run it again" }
            }
            @if !over { (sure(detail.title)) }
            noscript { @if !over { p.faint { "This page is loaded again every five seconds. Cancelling needs JavaScript." } } }
        }
        (facts(job))
        h2 { "Inputs" }
        (inputs(detail.request))
        h2 { "Log" }
        @let tail = &detail.lines[detail.lines.len().saturating_sub(TAIL)..];
        @if tail.len() < detail.lines.len() {
            p.faint { "The last " (tail.len()) " of " a href=(format!("{own}/log")) { (detail.lines.len()) " lines" } "." }
        }
        (log(tail))
    };
    let refresh = (!over).then_some(5);
    Page { refresh, ..Page::new(format!("{} ({})", detail.title, job.status.as_str()), body) }
}

/// Asks whether a job is really to be stopped.
fn sure(title: &str) -> Markup {
    html! {
        dialog #sure aria-labelledby="sure-title" {
            form method="dialog" {
                h2 #sure-title { "Stop " (title) "?" }
                p { "What it has done so far is thrown away." }
                p.actions {
                    button.danger value="yes" { "Stop it" }
                    button.second value="no" autofocus { "Let it run" }
                }
            }
        }
    }
}

fn facts(job: &StatusInfo) -> Markup {
    let took = job.started.map(|from| duration(from, job.finished.or(job.updated).unwrap_or(from)));
    html! {
        dl.facts {
            div { dt { "Process" } dd { code { (job.process_id) } } }
            @if let Some(at) = job.created { div { dt { "Asked for" } dd { (moment(at)) } } }
            @if let Some(at) = job.started { div { dt { "Started" } dd { (moment(at)) } } }
            @if let Some(at) = job.finished { div { dt { "Ended" } dd { (moment(at)) } } }
            @if let Some(took) = took { div { dt { "Took" } dd { (took) } } }
            div { dt { "Job" } dd { code.long { (job.id()) } } }
        }
    }
}

fn inputs(request: &Value) -> Markup {
    let inputs = request.get("inputs").and_then(Value::as_object);
    html! {
        @match inputs.filter(|all| !all.is_empty()) {
            Some(all) => {
                div.table tabindex="0" role="region" aria-label="Inputs" {
                    table { tbody { @for (name, value) in all { tr {
                        th scope="row" title=(name) { (title_of(name)) }
                        td.wrap { (input_value(value)) }
                    } } } }
                }
            }
            None => p.empty { "None were given." }
        }
    }
}

/// The page of a job's log alone.
pub fn log_page(site: &Site, id: &str, lines: &[LogLine]) -> Page {
    let body = html! {
        p.crumbs { a href=(site.at("jobs")) { "Jobs" } " / " a href=(site.at(&format!("jobs/{}", segment(id)))) { (id) } }
        h1 { "Log" }
        (log(lines))
    };
    Page::new("Log", body)
}

fn log(lines: &[LogLine]) -> Markup {
    html! {
        div.log role="log" aria-live="off" aria-label="Log" tabindex="0" {
            ol #log data-next=(lines.last().map_or(0, |l| l.number + 1)) {
                @for line in lines {
                    li { time datetime=(line.at) { (line.at.strftime("%H:%M:%S")) } " " span { (line.text) } }
                }
            }
        }
    }
}
