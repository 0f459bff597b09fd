//! What there is: landing page, conformance, processes.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, ETAG, VARY};
use actix_web::{HttpRequest, web};
use bytes::Bytes;
use serde_json::{Value, json};

use super::access::at_hand;
use super::collections::parameters;
use super::error::{Answer, ApiError, not_modified, ok};
use super::html;
use super::paging::{MOST, Page};
use super::state::{ServerState, block};
use super::wire::{is_known, weak_tag};
use crate::ogc::collections::rel;
use crate::ogc::link::OPENAPI_JSON;
use crate::ogc::openapi::{OpenApi, Part};
use crate::ogc::outputs::{HTML, JSON};
use crate::ogc::{
    Conformance, LandingPage, Limits, Link, ProblemType, ProcessDescription, ProcessList, features,
    process_document, read_query, wmts,
};
use crate::process::{DynProcess, find, registry, suggest};
use crate::store::{Kind, Offered};

/// What the service says of itself.
pub const DESCRIPTION: &str = "Paddy rice, heavy-metal stress in rice and the mines behind it, from Sentinel-2 and GF-6 \
    time series. Stress is evidence of chlorophyll loss, not a soil test.";

/// Conformance classes that are not served yet.
/// The class of what is only done for hosts that are named.
const CALLBACK: &str = "/conf/callback";

pub async fn landing(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    parameters(&request, &["f"]).map_err(|e| e.to(&request))?;
    let base = state.base(&request);
    let links = data_links(&base);
    let limits = Limits { body_megabytes: state.config.limits.body_megabytes };
    let page = LandingPage::new(&state.config.title, DESCRIPTION, &base, limits, links);
    html::answer(&request, &state, &page, html::landing::page)
}

pub async fn viewer(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    parameters(&request, &[]).map_err(|e| e.to(&request))?;
    Ok(html::show(&request, &state, html::viewer::page))
}

/// To the data: collections and what is made of them.
fn data_links(base: &str) -> Vec<Link> {
    vec![
        Link::new(format!("{base}/collections"), rel::DATA, JSON).titled("The collections"),
        Link::new(format!("{base}/collections"), "data", JSON).titled("The collections"),
        Link::new(format!("{base}/tileMatrixSets"), rel::TILING_SCHEMES, JSON).titled("Tile matrix sets"),
        Link::new(format!("{base}/styles"), rel::STYLES, JSON).titled("Styles"),
        Link::new(format!("{base}/wmts?service=WMTS&request=GetCapabilities"), "related", wmts::XML)
            .titled("WMTS 1.0.0"),
        Link::new(format!("{base}/viewer"), "preview", HTML).titled("The map"),
    ]
}

/// Conformance classes of collections and of what is made of them.
const DATA_CLASSES: [&str; 28] = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/landing-page",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/simple-query",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/png",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixsetlimits",
    "http://www.opengis.net/spec/tms/2.0/conf/tilesetmetadata",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixsetlimits",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilesetmetadata",
    "http://www.opengis.net/spec/ogcapi-styles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-styles-1/1.0/conf/mapbox-styles",
    "http://www.opengis.net/spec/ogcapi-styles-1/1.0/conf/sld-10",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/collection-map",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/png",
];

pub async fn conformance(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    parameters(&request, &["f"]).map_err(|e| e.to(&request))?;
    let mut classes = Conformance::new(DATA_CLASSES.into_iter().chain(features::CONFORMANCE));
    if state.host.hosts().is_empty() {
        classes.conforms_to.retain(|class| !class.ends_with(CALLBACK));
    }
    html::answer(&request, &state, &classes, html::conformance::page)
}

pub async fn processes(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let query = read_query(request.query_string());
    let page = Page::of(&query, MOST).map_err(|e| e.to(&request))?;
    let (base, all) = (state.base(&request), registry());
    let links = page.beside(&format!("{base}/processes"), &query, all.len() as u64);
    let summaries = all.iter().skip(page.offset).take(page.limit).map(|p| p.describe().summary);
    let list = ProcessList::new(summaries, &base, links);
    html::answer(&request, &state, &list, html::processes::page)
}

pub async fn process(request: HttpRequest, path: web::Path<String>, state: web::Data<ServerState>) -> Answer {
    parameters(&request, &["f"]).map_err(|e| e.to(&request))?;
    let process = known(&path).map_err(|e| e.to(&request))?;
    let mut described = process.describe();
    let mut offers = html::Offers::default();
    // Nothing is told of it to those who are not known.
    if at_hand(&state, &request).is_ok() {
        let shared = state.clone();
        let told = block(move || {
            let offered = shared.host.offered();
            offer(&mut described, offered);
            (described, html::Offers::of(offered))
        });
        (described, offers) = told.await.map_err(|e| ApiError::from(e).to(&request))?;
    }
    let told = process_document(described, &state.base(&request));
    html::answer(&request, &state, &told, |site, told| html::process::page(site, told, &offers))
}

/// Tells at each input that takes a file or scenes which names this server offers for it.
fn offer(description: &mut ProcessDescription, offered: &Offered) {
    for (name, input) in &mut description.inputs {
        let takes_link = input["schema"].to_string().contains("\"href\"");
        let names = if takes_link { offered.names(Kind::of_input(name)) } else { Vec::new() };
        if let (false, Some(schema)) = (names.is_empty(), input["schema"].as_object_mut()) {
            schema.insert("x-offered".to_owned(), json!(names));
        }
    }
}

/// The process with this id.
///
/// # Errors
/// 404 with the id that it probably means.
pub fn known(id: &str) -> Result<&'static dyn DynProcess, ApiError> {
    find(id).ok_or_else(|| {
        let hint = suggest(id).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        ApiError::absent(ProblemType::NoSuchProcess, format!("there is no process `{id}`{hint}"))
    })
}

/// The definition of the API.
pub async fn api(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    parameters(&request, &["f"]).map_err(|e| e.to(&request))?;
    let as_page = html::wants_page(&request).map_err(|e| e.to(&request))?;
    let base = state.base(&request);
    let definition = state.definitions.get(&base).unwrap_or_else(|| {
        let made = Arc::new(Definition::of(&state, &base));
        state.definitions.insert(base, made.clone());
        made
    });
    if as_page {
        return Ok(html::show(&request, &state, |site| html::api::page(site, &definition.document)));
    }
    if html::refuses_json(&request) {
        return Err(ApiError::not_acceptable(&[OPENAPI_JSON, HTML]).to(&request));
    }
    let headers = [(ETAG, definition.tag.as_str()), (CACHE_CONTROL, "no-cache"), (VARY, "Accept")];
    let known = is_known(&request, &definition.tag);
    let mut response = if known { not_modified() } else { ok() };
    for header in headers {
        response.insert_header(header);
    }
    Ok(if known {
        response.finish()
    } else {
        response.content_type(OPENAPI_JSON).body(definition.text.clone())
    })
}

/// The definition of the API at one address: made once, as it is large and changes only with the configuration.
pub struct Definition {
    document: Value,
    text: Bytes,
    tag: String,
}

impl Definition {
    fn of(state: &ServerState, base: &str) -> Self {
        let described: Vec<_> = registry().iter().map(|p| p.describe()).collect();
        let api = OpenApi {
            title: &state.config.title,
            description: DESCRIPTION,
            version: env!("CARGO_PKG_VERSION"),
            base,
            processes: &described,
            parts: &Part::ALL,
            secured: !state.access.is_open(),
            examples: &BTreeMap::new(),
            page_limit: 1000,
        };
        let document = api.document();
        let text = Bytes::from(document.to_string());
        let tag = weak_tag(&text);
        Self { document, text, tag }
    }
}

pub async fn nowhere(request: HttpRequest) -> Answer {
    Err(ApiError::absent(ProblemType::Plain, "there is nothing here").to(&request))
}
