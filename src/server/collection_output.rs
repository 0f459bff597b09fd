//! Collection output (2.0 draft): `response=collection` makes a job as any other, and answers at
//! once with the collection that it fills.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::error::{ApiError, ok, see_other};
use super::jobs::told;
use super::state::ServerState;
use crate::jobs::Job;
use crate::ogc::outputs::{GEOJSON, GEOTIFF, JSON, essence, media_types};
use crate::ogc::{Execute, Link, Mode, ProcessDescription, ResponseForm, read_query, segment, title_of};
use crate::process::find;

/// The wanted outputs that become collections, and whether they are features.
fn collections(process: &ProcessDescription, asked: &Execute) -> Vec<(String, bool)> {
    let kind = |output: &Value| {
        let types: Vec<&str> = media_types(&output["schema"]).into_iter().map(essence).collect();
        let features = types.contains(&GEOJSON);
        (features || types.contains(&essence(GEOTIFF))).then_some(features)
    };
    let wanted = process.outputs.iter().filter(|(name, _)| asked.wants(name));
    wanted.filter_map(|(name, output)| Some((name.clone(), kind(output)?))).collect()
}

/// Whether an output of a job becomes a collection, and if so whether one of features.
pub fn promised(job: &Job, output: &str) -> Option<bool> {
    let process = find(&job.process)?.describe();
    let asked = Execute::parse(job.request.clone()).ok()?;
    collections(&process, &asked).into_iter().find(|(name, _)| name == output).map(|(_, features)| features)
}

/// The ids of the collections that a job fills.
pub fn ids(job: &Job) -> Vec<String> {
    let asked = Execute::parse(job.request.clone()).unwrap_or_default();
    let outputs = find(&job.process).map(|p| collections(&p.describe(), &asked)).unwrap_or_default();
    outputs.into_iter().map(|(name, _)| format!("{}-{name}", job.id)).collect()
}

/// The form of the answer that the query of a request asks for.
///
/// # Errors
/// 400: none that there is.
pub fn asked_form(request: &HttpRequest) -> Result<Option<ResponseForm>, ApiError> {
    let query = read_query(request.query_string());
    let Some((_, text)) = query.into_iter().find(|(name, _)| name == "response") else { return Ok(None) };
    let form = serde_json::from_value(text.as_str().into());
    let told = || ApiError::parameter("response", format!("`{text}` is none of collection, document, raw"));
    form.map(Some).map_err(|_| told())
}

/// The mode that the query of a request asks for (`mode=async`), as clients of services did before there was
/// `Prefer`.
///
/// # Errors
/// 400: none that there is.
pub fn asked_mode(request: &HttpRequest) -> Result<Option<Mode>, ApiError> {
    let query = read_query(request.query_string());
    let Some((_, text)) = query.into_iter().find(|(name, _)| name == "mode") else { return Ok(None) };
    let told = |_| ApiError::parameter("mode", format!("`{text}` is none of async, sync, auto"));
    serde_json::from_value(text.to_ascii_lowercase().into()).map(Some).map_err(told)
}

/// Looks whether a request can be answered by a collection.
///
/// # Errors
/// 400 that names the outputs that can.
pub fn check(process: &ProcessDescription, asked: &Execute) -> Result<(), ApiError> {
    if !collections(process, asked).is_empty() {
        return Ok(());
    }
    let all = Execute { outputs: Map::new(), ..asked.clone() };
    let known: Vec<String> = collections(process, &all).into_iter().map(|(name, _)| name).collect();
    let why = if known.is_empty() {
        format!("no output of {} is a raster or features", process.summary.id)
    } else {
        format!(
            "none of the outputs that are asked for is a raster or features (those are: {})",
            known.join(", ")
        )
    };
    Err(ApiError::no_collection_output(why))
}

/// 303 to the collection; where several are asked for by name, a document with a link to each. Where
/// no output is named it is the first of the process, and the others are told by `Link`.
pub fn answer(job: &Job, asked: &Execute, state: &ServerState, request: &HttpRequest) -> HttpResponse {
    let base = state.base(request);
    let place = |id: &str| format!("{base}/collections/{}", segment(id));
    let ids = ids(job);
    let named = !asked.outputs.is_empty() && ids.len() > 1;
    let mut response = if named { ok() } else { see_other() };
    let monitor = Link::new(format!("{base}/jobs/{}", job.id), "monitor", JSON);
    response.append_header(("Link", monitor.header()));
    if named {
        return response.json(links(job, asked, &base));
    }
    for other in ids.iter().skip(1) {
        response.append_header(("Link", Link::new(place(other), "related", JSON).header()));
    }
    if let Some(first) = ids.first() {
        response.insert_header((LOCATION, place(first)));
    }
    response.json(told(job, &base))
}

/// A link to each output that was named: to its collection, where it becomes one.
fn links(job: &Job, asked: &Execute, base: &str) -> Value {
    let ids = ids(job);
    let link = |name: &String| {
        let id = format!("{}-{name}", job.id);
        let href = if ids.contains(&id) {
            format!("{base}/collections/{}", segment(&id))
        } else {
            format!("{base}/jobs/{}/results/{}", job.id, segment(name))
        };
        (name.clone(), json!({"href": href, "type": JSON, "title": title_of(name)}))
    };
    Value::Object(asked.outputs.keys().map(link).collect())
}
