//! What went wrong, as a page.

use maud::{Markup, html};

use super::{Page, Site};
use crate::ogc::Problem;

/// The page of a problem; with a form for a key where one is asked for.
pub fn page(site: &Site, problem: &Problem, sign_in: bool) -> Page {
    let body = html! {
        div.problem {
            @if let Some(status) = problem.status { p.number aria-hidden="true" { (status) } }
            h1 { (problem.title) }
            @if let Some(detail) = &problem.detail { p.lead { (detail) } }
            @if let Some(input) = &problem.input { p { "It is about " code { (input) } "." } }
            @if sign_in { (key_form()) }
            p.actions {
                a.button.second href=(site.at("")) { "To the start" }
                a.button.second href=(site.at("processes")) { "To the processes" }
            }
        }
    };
    Page::new(&problem.title, body)
}

/// Asks for a key; `page.js` does the rest.
pub(super) fn key_form() -> Markup {
    html! {
        form #sign-in {
            div.field {
                label for="key" { "Your key" }
                input #key type="password" autocomplete="current-password" required aria-describedby="key-about key-fault";
                div.about #key-about { p { "It is kept until this tab is closed, and sent to this server only." } }
                p.fault #key-fault role="alert" hidden {}
            }
            button type="submit" { "Sign in" }
            noscript { p { "Signing in needs JavaScript. Programs send the key as " code { "Authorization: Bearer KEY" } "." } }
        }
    }
}
