//! Pages for people: what the JSON documents tell, as HTML. One file a page; each is made from the
//! document that is answered as JSON, and nothing is loaded from elsewhere.

pub mod api;
pub mod assets;
pub mod collection;
pub mod collections;
pub mod conformance;
mod control;
mod form;
pub mod items;
pub mod job;
pub mod jobs;
pub mod landing;
mod layout;
mod negotiate;
pub mod problem;
pub mod process;
pub mod processes;
pub mod results;
mod values;
pub mod viewer;
mod words;

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::error::{Answer, ApiError, document, page};
use super::state::ServerState;
use crate::ogc::outputs::{HTML, JSON};

pub use form::Offers;
pub use layout::{Page, Site};
pub use negotiate::{Accepted, is_negotiated, prefers_page, refuses_json, wants_page, wants_page_of};

/// A document as the caller reads it: JSON, or the page that is made of it.
///
/// # Errors
/// 400 where `f` is neither `json` nor `html`; 406 where `Accept` refuses both.
pub fn answer<T: Serialize>(
    request: &HttpRequest,
    state: &ServerState,
    told: &T,
    make: impl FnOnce(&Site, &T) -> Page,
) -> Answer {
    if wants_page(request).map_err(|e| e.to(request))? {
        Ok(show(request, state, |site| make(site, told)))
    } else if refuses_json(request) {
        Err(ApiError::not_acceptable(&[JSON, HTML]).to(request))
    } else {
        Ok(document(told))
    }
}

/// A page, whatever the caller reads.
pub fn show(request: &HttpRequest, state: &ServerState, make: impl FnOnce(&Site) -> Page) -> HttpResponse {
    let site = Site::new(request, state);
    page(make(&site).render(&site).into_string())
}
