//! The conformance declaration.

use std::collections::BTreeMap;

use maud::html;

use super::{Page, Site};
use crate::ogc::Conformance;

/// The page of the conformance declaration: the classes by their standard.
pub fn page(_: &Site, conformance: &Conformance) -> Page {
    let mut standards: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for class in &conformance.conforms_to {
        let (standard, name) = class.split_once("/conf/").unwrap_or((class, ""));
        standards.entry(standard).or_default().push(name);
    }
    let body = html! {
        h1 { "Conformance" }
        p.lead { "The classes of standards that this service declares to hold. The declaration is its own: it is not certified." }
        @for (standard, names) in &standards {
            h2.code { (standard) }
            ul.tags { @for name in names { li { (name) } } }
        }
    };
    Page::new("Conformance", body)
}
