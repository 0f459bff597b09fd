//! WPS 1.0.0 and 2.0.0, from the same jobs and descriptions.

use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::access::caller;
use super::error::{ApiError, Refused, wps_report, wps_unreadable};
use super::inline::Room;
use super::jobs::{PROCESS_FAILED, message, submit};
use super::pages::DESCRIPTION;
use super::results::{Opened, Output, href, open, outputs};
use super::state::{ServerState, block};
use crate::jobs::{Failure, Job, JobStatus};
use crate::ogc::outputs::{JSON, essence, media_types};
use crate::ogc::wps::{
    Exception, ExceptionCode, JobAnswer, Operation, OutputAnswer, OutputValue, Service, Version, WpsExecute,
    WpsRequest, XML, capabilities, descriptions, execute_response, parse_kvp, parse_xml, result, status_info,
    text_of_body, version_of_body, version_of_query,
};
use crate::ogc::{Mode, ProcessDescription, Transmission};
use crate::process::{DynProcess, find, registry};

/// Bytes of a JSON document that is read, to see what it is.
const SMALL: usize = 64 << 10;
/// How long a status or result that was asked for at once waits for a short job.
const SHORT: Duration = Duration::from_millis(500);
/// Bytes of a document that is looked at whether it is a literal.
const MOST_LITERAL: u64 = 16 << 20;

pub async fn get(request: HttpRequest, state: web::Data<ServerState>) -> HttpResponse {
    let query = request.query_string();
    match parse_kvp(query) {
        Ok(asked) => answer(&request, &state, asked).await,
        Err(exception) => wps_report(&exception.into(), version_of_query(query)),
    }
}

pub async fn post(
    request: HttpRequest,
    body: Result<web::Bytes, actix_web::Error>,
    state: web::Data<ServerState>,
) -> HttpResponse {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("text/xml");
    if !essence(kind).to_ascii_lowercase().ends_with("xml") {
        return wps_report(&ApiError::media_type(kind, "text/xml").into(), Version::V1);
    }
    let body = match body {
        Ok(body) => body,
        Err(e) => {
            let refused = ApiError::body(&e, state.config.limits.body_megabytes).into();
            return wps_report(&refused, Version::V1);
        }
    };
    let text = match text_of_body(&body, kind) {
        Ok(text) => text,
        Err(exception) => return wps_unreadable(&exception, Version::V1),
    };
    match parse_xml(&text) {
        Ok(asked) => answer(&request, &state, asked).await,
        Err(exception) => wps_unreadable(&exception, version_of_body(&text)),
    }
}

async fn answer(request: &HttpRequest, state: &web::Data<ServerState>, asked: WpsRequest) -> HttpResponse {
    let version = asked.version;
    match run(request, state, asked).await {
        Ok(response) => response,
        Err(exception) => wps_report(&exception, version),
    }
}

async fn run(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    asked: WpsRequest,
) -> Result<HttpResponse, Refused> {
    let version = asked.version;
    let xml = |text: String| Ok(super::error::ok().content_type(XML).body(text));
    let url = format!("{}/wps", state.base(request));
    match asked.operation {
        Operation::GetCapabilities => {
            let service = Service {
                title: &state.config.title,
                description: DESCRIPTION,
                provider: "rededge",
                url: &url,
            };
            let all: Vec<_> = registry().iter().map(|p| p.describe().summary).collect();
            xml(capabilities(&service, &all, version))
        }
        Operation::DescribeProcess(ids) => {
            let all = ids.iter().any(|id| id.eq_ignore_ascii_case("ALL"));
            let wanted: Vec<ProcessDescription> = if all {
                registry().iter().map(|p| p.describe()).collect()
            } else {
                ids.iter().map(|id| known(id).map(DynProcess::describe)).collect::<Result<_, _>>()?
            };
            xml(descriptions(&wanted, version))
        }
        Operation::Execute(execute) => execute_job(request, state, &execute, version).await,
        Operation::GetStatus(id) => {
            let job = own(request, state, &id, SHORT).await?;
            xml(status_info(&told(&job, &url, None, &[])))
        }
        Operation::GetResult(id) => {
            let job = own(request, state, &id, SHORT).await?;
            finished(&job)?;
            let written = Written { form: Form::Result, url, location: None };
            xml(written.of(request, state, job, None).await?)
        }
        Operation::Dismiss(id) => {
            let job = own(request, state, &id, Duration::ZERO).await?;
            let queue = state.queue.clone();
            let stopped = block(move || queue.dismiss(&job.id)).await.ok().and_then(Result::ok).flatten();
            let mut job = stopped.ok_or_else(|| no_job(&id))?;
            job.state = JobStatus::Dismissed;
            xml(status_info(&told(&job, &url, None, &[])))
        }
    }
}

async fn execute_job(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    execute: &WpsExecute,
    version: Version,
) -> Result<HttpResponse, Refused> {
    let owner = caller(state, request).await?;
    let found = known(&execute.identifier)?;
    let process = found.describe();
    let asked = execute.to_execute(&process)?;
    let job = submit(state, request, found.id(), owner, asked).await?;
    let url = format!("{}/wps", state.base(request));
    let later = execute.mode == Some(Mode::Async);
    let patience =
        if later { Duration::ZERO } else { Duration::from_secs(state.config.jobs.synchronous_seconds) };
    let job = waited(state, job, patience).await;
    let xml = |text: String| super::error::ok().content_type(XML).body(text);
    let location = status_location(&state.base(request), &job);
    // Of 2.0 a job that is asked for is told by its status, even where it is done already.
    if !job.state.is_over() || (later && version == Version::V2) {
        return Ok(match version {
            Version::V1 => xml(execute_response(&told(&job, &url, Some(&location), &[]), &process, None)),
            Version::V2 => xml(status_info(&told(&job, &url, None, &[]))),
        });
    }
    finished(&job)?;
    if execute.raw
        && let Some(output) = first(state, &job).await?
    {
        return Ok(match output {
            Raw::Literal(text) => super::error::ok().content_type("text/plain; charset=utf-8").body(text),
            Raw::File(opened) => opened.into_response(request),
        });
    }
    let form = match version {
        Version::V1 => Form::Response { lineage: execute.lineage },
        Version::V2 => Form::Result,
    };
    let written = Written { form, url, location: execute.store.then_some(location) };
    Ok(xml(written.of(request, state, job, Some(execute.clone())).await?))
}

/// An output that is sent by itself.
enum Raw {
    /// A literal as bare text: WPS knows no JSON around it.
    Literal(String),
    File(Box<Opened>),
}

/// The first output of a job.
async fn first(state: &web::Data<ServerState>, job: &Job) -> Result<Option<Raw>, ApiError> {
    let (shared, job) = (state.clone(), job.clone());
    let raw = |output: Output| match plain_text(&output) {
        Some(text) => Ok(Raw::Literal(text)),
        None => open(output).map(|opened| Raw::File(Box::new(opened))),
    };
    block(move || outputs(&job, &shared)?.into_iter().next().map(raw).transpose()).await?
}

/// Which document tells of a job.
#[derive(Clone, Copy)]
enum Form {
    /// An ExecuteResponse (1.0), with the request where it is to be repeated.
    Response { lineage: bool },
    /// A Result (2.0).
    Result,
}

/// A document with outputs in it: files are read, and what is large is written, on a thread that may wait.
struct Written {
    form: Form,
    url: String,
    location: Option<String>,
}

impl Written {
    async fn of(
        self,
        request: &HttpRequest,
        state: &web::Data<ServerState>,
        job: Job,
        execute: Option<WpsExecute>,
    ) -> Result<String, Refused> {
        let (shared, base) = (state.clone(), state.base(request));
        let process = known(&job.process)?.describe();
        let text = block(move || {
            let outputs = match job.state {
                JobStatus::Successful => values(&job, &shared, &base, &process, execute.as_ref())?,
                _ => Vec::new(),
            };
            let failure = failure_of(&job);
            let mut told = told(&job, &self.url, self.location.as_deref(), &outputs);
            told.exception = failure.as_ref();
            Ok::<_, ApiError>(match self.form {
                Form::Response { lineage } => {
                    execute_response(&told, &process, execute.as_ref().filter(|_| lineage))
                }
                Form::Result => result(&told, &process),
            })
        });
        Ok(text.await.map_err(ApiError::from)??)
    }
}

/// A literal as its bare text: WPS knows no JSON around it.
fn plain_text(output: &Output) -> Option<String> {
    let size = std::fs::metadata(&output.path).ok()?.len();
    if essence(&output.media_type) != JSON || size > MOST_LITERAL {
        return None;
    }
    match serde_json::from_slice(&std::fs::read(&output.path).ok()?).ok()? {
        Value::String(text) => Some(text),
        literal @ (Value::Number(_) | Value::Bool(_)) => Some(literal.to_string()),
        _ => None,
    }
}

/// The ExecuteResponse of a job (1.0).
pub async fn stored(
    request: HttpRequest,
    path: web::Path<String>,
    state: web::Data<ServerState>,
) -> HttpResponse {
    let answer = async {
        let job = own(&request, &state, &path, SHORT).await?;
        let base = state.base(&request);
        let (url, location) = (format!("{base}/wps"), status_location(&base, &job));
        let written = Written { form: Form::Response { lineage: false }, url, location: Some(location) };
        written.of(&request, &state, job, None).await
    };
    match answer.await {
        Ok(text) => super::error::ok().content_type(XML).body(text),
        Err(exception) => wps_report(&exception, Version::V1),
    }
}

/// Where the ExecuteResponse of a job is.
fn status_location(base: &str, job: &Job) -> String {
    format!("{base}/jobs/{}/wps", job.id)
}

fn known(id: &str) -> Result<&'static dyn DynProcess, Exception> {
    find(id).ok_or_else(|| {
        Exception::new(ExceptionCode::NoSuchProcess, format!("there is no process {id}")).at("Identifier")
    })
}

fn no_job(id: &str) -> Exception {
    Exception::new(ExceptionCode::NoSuchJob, format!("there is no job {id}")).at("JobID")
}

async fn own(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    id: &str,
    patience: Duration,
) -> Result<Job, Refused> {
    let job = super::jobs::own_job(request, state, id).await;
    let job = job.map_err(|e| if e.is_absent() { no_job(id).into() } else { Refused::from(e) })?;
    Ok(waited(state, job, patience).await)
}

async fn waited(state: &web::Data<ServerState>, job: Job, patience: Duration) -> Job {
    let (queue, id) = (state.queue.clone(), job.id.clone());
    let found = block(move || queue.wait(&id, patience)).await;
    found.ok().and_then(Result::ok).flatten().unwrap_or(job)
}

fn failure_of(job: &Job) -> Option<Exception> {
    job.failure.as_ref().map(|failure| match failure {
        Failure::Input { input, message } => Exception::invalid(input, message.clone()),
        Failure::Process { .. } => Exception::new(ExceptionCode::NoApplicableCode, PROCESS_FAILED),
        Failure::Interrupted { reason } => Exception::new(ExceptionCode::NoApplicableCode, reason.clone()),
        Failure::Record { .. } => Exception::new(ExceptionCode::NoApplicableCode, failure.to_string()),
    })
}

/// A job with results, or why there are none.
fn finished(job: &Job) -> Result<(), Exception> {
    match job.state {
        JobStatus::Successful => Ok(()),
        JobStatus::Failed | JobStatus::Dismissed => Err(failure_of(job)
            .unwrap_or_else(|| Exception::new(ExceptionCode::NoApplicableCode, job.message.clone()))),
        JobStatus::Accepted | JobStatus::Running => {
            Err(Exception::new(ExceptionCode::ResultNotReady, format!("the job is {}", job.state))
                .at("JobID"))
        }
    }
}

fn told<'a>(
    job: &'a Job,
    service: &'a str,
    status_location: Option<&'a str>,
    outputs: &'a [OutputAnswer],
) -> JobAnswer<'a> {
    JobAnswer {
        id: &job.id,
        status: job.state,
        message: message(job),
        progress: Some(job.progress),
        created: Some(job.created),
        expires: None,
        exception: None,
        service,
        status_location,
        outputs,
    }
}

/// Whether JSON is an object or an array.
fn is_compound(json: &[u8]) -> bool {
    json.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|first| b"{[".contains(first))
}

/// The outputs of a job: documents by value, files by link unless a value is asked for. What has no room
/// in the answer is a link too.
fn values(
    job: &Job,
    state: &ServerState,
    base: &str,
    process: &ProcessDescription,
    execute: Option<&WpsExecute>,
) -> Result<Vec<OutputAnswer>, ApiError> {
    let mut room = Room::new(state.config.limits.inline_megabytes);
    let mut one = |output: &Output| {
        let asked = execute.and_then(|e| e.outputs.iter().find(|o| o.name == output.name)?.transmission);
        let is_json = essence(&output.media_type) == JSON;
        let schema = process.outputs.get(&output.name).map_or(&Value::Null, |o| &o["schema"]);
        let file = media_types(schema) != [JSON];
        let by_link = asked == Some(Transmission::Reference) || (asked.is_none() && file);
        let media_type = output.media_type.clone();
        let value = match if by_link { None } else { room.take(output)? } {
            None => OutputValue::Reference { href: href(base, job, output), media_type },
            // A value of its own, or a small document; a large one stays as it is written.
            Some(bytes) if is_json && (bytes.len() < SMALL || !is_compound(&bytes)) => {
                OutputValue::Json(serde_json::from_slice(&bytes).map_err(ApiError::internal)?)
            }
            Some(bytes) => OutputValue::File { bytes, media_type },
        };
        Ok(OutputAnswer { name: output.name.clone(), value })
    };
    outputs(job, state)?.iter().map(&mut one).collect()
}
