//! The results of a job: what there is, how it looks, where to get it.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::values::{csv_table, document, feature_table};
use super::words::{inline, size};
use super::{Page, Site};
use crate::ogc::outputs::{CSV, FLATGEOBUF, GEOJSON, GEOPACKAGE, HTML, JSON, MARKDOWN, PNG, SVG, essence};
use crate::ogc::{StatusInfo, segment, title_of};
use crate::server::results::{Output, picture_of};

/// An output with what a page shows of it. Reads files.
pub struct Look {
    output: Output,
    bytes: u64,
    picture: bool,
    text: Vec<u8>,
}

impl Look {
    /// Looks at the file of an output.
    pub fn at(output: Output) -> Self {
        let bytes = std::fs::metadata(&output.path).map_or(0, |m| m.len());
        let read = [CSV, GEOJSON, JSON, MARKDOWN, "text/plain"].contains(&essence(&output.media_type));
        let text =
            if read && bytes <= SHOWN { std::fs::read(&output.path).unwrap_or_default() } else { Vec::new() };
        Self { bytes, picture: picture_of(&output).is_some(), text, output }
    }
}

/// Bytes of a file that a page still shows.
const SHOWN: u64 = 1 << 20;

/// The page of a job's outputs. `described` are those of its process.
pub fn page(site: &Site, job: &StatusInfo, outputs: &[Look], described: &Map<String, Value>) -> Page {
    let own = site.at(&format!("jobs/{}", segment(job.id())));
    let body = html! {
        p.crumbs { a href=(site.at("jobs")) { "Jobs" } " / " a href=(own) { (job.process_id) } }
        h1 { "Results of " (job.process_id) }
        @if outputs.is_empty() { p.empty { "The job left no outputs." } }
        @if outputs.len() > 2 { (contents(outputs)) }
        @for look in outputs { (section(site, &own, look, described.get(&look.output.name))) }
    };
    Page::new(format!("Results of {}", job.process_id), body)
}

fn contents(outputs: &[Look]) -> Markup {
    html! {
        nav aria-label="Outputs" { ul.tags { @for Look { output, .. } in outputs {
            li { a href=(format!("#{}", output.name)) { (title_of(&output.name)) } }
        } } }
    }
}

fn section(site: &Site, own: &str, look: &Look, described: Option<&Value>) -> Markup {
    let Look { output, bytes, .. } = look;
    let href = format!("{own}/results/{}", segment(&output.name));
    let text = |member: &str| described.and_then(|d| d.get(member)).and_then(Value::as_str);
    let file = output.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let layer = ["image/tiff", GEOJSON, GEOPACKAGE, FLATGEOBUF].contains(&essence(&output.media_type));
    let job = own.rsplit('/').next().unwrap_or_default();
    let is_page = essence(&output.media_type) == HTML;
    html! {
        section.output id=(output.name) aria-labelledby=(format!("{}-title", output.name)) {
            h2 id=(format!("{}-title", output.name)) { (text("title").map_or_else(|| title_of(&output.name), str::to_owned)) }
            @if let Some(about) = text("description") { p { (inline(about)) } }
            p.get {
                a.button.second href=(href) download=(file) data-file { "Download" }
                @if is_page && !site.keyed { " " a href=(href) { "Open the page" } }
                @if layer { a href=(format!("{}#layers={}-{}:1", site.at("viewer"), job, segment(&output.name))) { "On the map" } }
                span.faint { (essence(&output.media_type)) ", " (size(*bytes)) }
            }
            @if *bytes <= SHOWN || output.media_type.starts_with("image/") { (shown(site, &href, look)) }
        }
    }
}

/// How an output looks, where it can be looked at.
fn shown(site: &Site, href: &str, look: &Look) -> Markup {
    let Look { output, text, picture: pictured, .. } = look;
    let title = title_of(&output.name);
    let framed = |table: Markup| {
        html! { div.table tabindex="0" role="region" aria-label=(format!("{title} as a table")) { (table) } }
    };
    let json = || serde_json::from_slice::<Value>(text).ok();
    match essence(&output.media_type) {
        SVG | PNG => picture(site, href, &title),
        "image/tiff" if *pictured => picture(site, &format!("{href}/picture"), &title),
        CSV => csv_table(text).map_or_else(|| html! {}, framed),
        GEOJSON => json().and_then(|v| feature_table(&v)).map_or_else(|| html! {}, framed),
        JSON => json().map_or_else(|| html! {}, |v| framed(document(&v))),
        MARKDOWN | "text/plain" => html! { pre { (String::from_utf8_lossy(text)) } },
        _ => html! {},
    }
}

/// A picture; behind keys the script fetches it.
fn picture(site: &Site, href: &str, title: &str) -> Markup {
    let alt = format!("Picture of {}", title.to_lowercase());
    html! {
        figure {
            @if site.keyed { img data-picture=(href) alt=(alt); }
            @else { a href=(href) { img src=(href) alt=(alt) loading="lazy"; } }
        }
    }
}
