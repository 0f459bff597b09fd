//! Execute.

use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::access::caller;
use super::collection_output;
use super::error::{Answer, ApiError, created};
use super::jobs::{submit, told};
use super::pages::known;
use super::results::answer;
use super::state::{ServerState, block};
use crate::jobs::Job;
use crate::ogc::{Execute, KvpExecute, Mode, Prefer, Respond, ResponseForm};
use crate::process::DynProcess;
use crate::text::unmarked;

pub async fn execute(
    request: HttpRequest,
    path: web::Path<String>,
    body: Result<web::Bytes, actix_web::Error>,
    state: web::Data<ServerState>,
) -> Answer {
    let answer = async {
        let body = body.map_err(|e| ApiError::body(&e, state.config.limits.body_megabytes))?;
        run(&request, &path, &body, &state).await
    };
    answer.await.map_err(|e| e.to(&request))
}

async fn run(request: &HttpRequest, id: &str, body: &[u8], state: &web::Data<ServerState>) -> Answer {
    let owner = caller(state, request).await?;
    let process = known(id)?;
    let kind =
        request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("application/json");
    if !kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().ends_with("json") {
        return Err(ApiError::media_type(kind, "application/json"));
    }
    let document: Value = serde_json::from_slice(&unmarked(body))
        .map_err(|e| ApiError::input("", format!("the body is not JSON: {e}")))?;
    let mut asked = Execute::parse(document).map_err(wrong)?;
    asked.response = collection_output::asked_form(request)?.or(asked.response);
    asked.mode = collection_output::asked_mode(request)?.or(asked.mode);
    perform(request, state, process, owner, asked, preferences(request)).await
}

/// Executes by a query string (2.0 draft).
pub async fn by_query(
    request: HttpRequest,
    path: web::Path<String>,
    state: web::Data<ServerState>,
) -> Answer {
    run_query(&request, &path, &state).await.map_err(|e| e.to(&request))
}

async fn run_query(request: &HttpRequest, id: &str, state: &web::Data<ServerState>) -> Answer {
    let owner = caller(state, request).await?;
    let process = known(id)?;
    let mut asked = KvpExecute::parse(request.query_string(), &process.describe())
        .map_err(|(name, what)| ApiError::parameter(name, what))?;
    if asked.format.as_deref().is_some_and(|format| format.ends_with("json")) {
        asked.execute.response.get_or_insert(ResponseForm::Document);
    }
    let prefer = asked.prefer.as_deref().map(|text| Prefer::parse([text]));
    let prefer = prefer.unwrap_or_else(|| preferences(request));
    perform(request, state, process, owner, asked.execute, prefer).await
}

fn wrong((path, what): (String, String)) -> ApiError {
    ApiError::input(path, what)
}

fn preferences(request: &HttpRequest) -> Prefer {
    Prefer::parse(request.headers().get_all("Prefer").filter_map(|v| v.to_str().ok()))
}

/// Submits what was asked, and waits where the caller does.
async fn perform(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    process: &'static dyn DynProcess,
    owner: Option<String>,
    mut asked: Execute,
    prefer: Prefer,
) -> Answer {
    let description = process.describe();
    asked.check(&description).map_err(wrong)?;
    asked.fit(&description.inputs).map_err(wrong)?;
    if asked.response == Some(ResponseForm::Collection) {
        return at_once(request, state, process, owner, asked, prefer).await;
    }
    let form = prefer.form.filter(|form| asked.prefer(*form, &description.outputs));
    let later = prefer.respond == Some(Respond::Async)
        || (prefer.respond.is_none() && asked.mode == Some(Mode::Async));

    let job = submit(state, request, process.id(), owner, asked).await?;
    let most = state.config.jobs.synchronous_seconds;
    // Who prefers a job and names seconds would rather have the result if it is there by then.
    let usual = if later { 0 } else { most };
    let patience = Duration::from_secs(prefer.wait.map_or(usual, |wait| u64::from(wait).min(most)));
    let (queue, waited) = (state.queue.clone(), job.id.clone());
    let job = if patience.is_zero() {
        job
    } else {
        block(move || queue.wait(&waited, patience)).await??.unwrap_or(job)
    };
    let in_time = !patience.is_zero() && job.state.is_over();
    let mut answer =
        if in_time { answer(&job, state, request).await? } else { accepted(&job, state, request) };
    let respond = prefer.respond.filter(|respond| *respond == Respond::Async && !in_time);
    let form = form.filter(|_| in_time);
    tell(&mut answer, &job, Prefer { respond, form, wait: prefer.wait });
    Ok(answer)
}

/// Submits what was asked, and answers with what it fills. Nobody has to wait for that.
async fn at_once(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    process: &'static dyn DynProcess,
    owner: Option<String>,
    asked: Execute,
    prefer: Prefer,
) -> Answer {
    let outputs = Execute { outputs: asked.outputs.clone(), ..Execute::default() };
    collection_output::check(&process.describe(), &outputs)?;
    let job = submit(state, request, process.id(), owner, asked).await?;
    let mut answer = collection_output::answer(&job, &outputs, state, request);
    let respond = prefer.respond.filter(|respond| *respond == Respond::Async);
    tell(&mut answer, &job, Prefer { respond, form: None, wait: None });
    Ok(answer)
}

/// Says what was done of the preferences, and whose results these are.
fn tell(answer: &mut HttpResponse, job: &Job, applied: Prefer) {
    let applied = applied.applied().and_then(|applied| applied.parse().ok());
    let applied = applied.map(|applied| (HeaderName::from_static("preference-applied"), applied));
    for (name, said) in applied.into_iter().chain(cache_status(job)) {
        answer.headers_mut().insert(name, said);
    }
}

/// Says that results are those of an earlier job (RFC 9211).
fn cache_status(job: &Job) -> Option<(HeaderName, HeaderValue)> {
    let said = format!("rededge; hit; key=\"{}\"", job.of.as_ref()?);
    Some((HeaderName::from_static("cache-status"), said.parse().ok()?))
}

/// 201 with where the job is.
fn accepted(job: &Job, state: &ServerState, request: &HttpRequest) -> HttpResponse {
    let base = state.base(request);
    let mut response = created();
    response.insert_header((LOCATION, format!("{base}/jobs/{}", job.id)));
    response.json(told(job, &base))
}
