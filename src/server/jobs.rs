//! Jobs: list, status, log, dismiss.

use actix_web::{HttpRequest, web};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::access::caller;
use super::collections::parameters;
use super::error::{Answer, ApiError, document};
use super::html;
use super::pages::known;
use super::paging::{Page, limit_of, whole};
use super::state::{ServerState, block};
use super::watch::id_of;
use super::{budget, collection_output, links};
use crate::jobs::{Failure, Filter, Job, LogLine, NewJob};
use crate::ogc::{Execute, JobList, JobStatus, Problem, ProblemType, StatusInfo, moments};
use crate::process::find;

/// What callers learn where a process failed by no fault of theirs.
pub const PROCESS_FAILED: &str = "the process failed; the server's log says why";
/// Lines of a log in one answer.
const LINES: usize = 1000;

/// Hands a request to the queue, once its inputs, its links and its size are looked at: the one way in, for every
/// interface.
///
/// # Errors
/// 400 for inputs that the process cannot run with, for a link that is not followed and for more pixels than
/// are taken; as
/// [`crate::jobs::Queue::submit`].
pub async fn submit(
    state: &web::Data<ServerState>,
    request: &HttpRequest,
    process: &str,
    owner: Option<String>,
    asked: Execute,
) -> Result<Job, ApiError> {
    let found = known(process)?;
    let description = found.describe();
    budget::check(&asked, &description, state.config.limits.pixels)?;
    let new = NewJob {
        process: process.to_owned(),
        owner,
        request_id: id_of(request),
        subscriber: links::subscription(&asked, &state.base(request)),
        ..NewJob::default()
    };
    let shared = state.clone();
    let submitted = block(move || {
        links::check(&shared, &asked, &description, new.owner.as_deref())?;
        // Those that are fetched are looked at when the job runs.
        let later = asked.references(&description.inputs);
        let later: Vec<&str> = later.iter().map(|link| link.input.as_str()).collect();
        let inputs = Value::Object(asked.inputs);
        found.check_json(&inputs, &later)?;
        let Value::Object(inputs) = inputs else { return Err(ApiError::internal("inputs are an object")) };
        let asked = Execute { inputs, ..asked };
        let identity = shared.host.identity(&asked, new.owner.as_deref());
        // Inputs may be tens of megabytes: they are moved.
        let mut request = json!({"inputs": null, "outputs": asked.outputs, "response": asked.response});
        request["inputs"] = Value::Object(asked.inputs);
        let new = NewJob { request, fresh: !identity.steady, basis: identity.text, ..new };
        Ok::<_, ApiError>(shared.queue.submit(new)?)
    });
    submitted.await?
}

/// What a job says last. Why a process failed by no fault of its caller is for the server's log.
pub fn message(job: &Job) -> &str {
    if matches!(job.failure, Some(Failure::Process { .. })) { PROCESS_FAILED } else { &job.message }
}

/// A job as it is told.
pub fn told(job: &Job, base: &str) -> StatusInfo {
    let exception = job.failure.as_ref().map(|f| match f {
        Failure::Input { input, message } => Problem::input(input, message),
        Failure::Process { .. } => Problem::new(ProblemType::ResultNotAvailable).detail(PROCESS_FAILED),
        Failure::Interrupted { reason } => Problem::new(ProblemType::ResultNotAvailable).detail(reason),
        Failure::Record { .. } => Problem::new(ProblemType::ResultNotAvailable).detail(f.to_string()),
    });
    let mut told =
        StatusInfo::new(&job.id, &job.process, job.state).with_progress(job.progress).with_links(base);
    told.message = Some(message(job).to_owned());
    told.exception = exception;
    told.created = Some(job.created);
    told.started = job.started;
    told.finished = job.finished;
    told.updated = Some(job.updated);
    told.cached = job.of.is_some();
    told
}

/// The caller's job of the path.
///
/// # Errors
/// 401, or 404: somebody else's job is as good as none.
pub async fn own_job(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    id: &str,
) -> Result<Job, ApiError> {
    let owner = caller(state, request).await?;
    let (queue, wanted) = (state.queue.clone(), id.to_owned());
    let job = block(move || queue.get(&wanted)).await??;
    job.filter(|job| job.owner == owner)
        .ok_or_else(|| ApiError::absent(ProblemType::NoSuchJob, format!("there is no job `{id}`")))
}

pub async fn status(request: HttpRequest, path: web::Path<String>, state: web::Data<ServerState>) -> Answer {
    parameters(&request, &["f"]).map_err(|e| e.to(&request))?;
    let job = own_job(&request, &state, &path).await.map_err(|e| e.to(&request))?;
    let lines = match html::wants_page(&request) {
        Ok(true) => lines(&state, &job, 0, usize::MAX >> 1).await.map_err(|e| e.to(&request))?,
        _ => Vec::new(),
    };
    html::answer(&request, &state, &told(&job, &state.base(&request)), |site, told| {
        let title = find(&job.process).map_or(job.process.as_str(), |p| p.describe().summary.title);
        let ids = collection_output::ids(&job);
        let collection = ids.first().map(String::as_str);
        html::job::page(
            site,
            told,
            &html::job::Detail { title, request: &job.request, lines: &lines, collection },
        )
    })
}

pub async fn dismiss(request: HttpRequest, path: web::Path<String>, state: web::Data<ServerState>) -> Answer {
    parameters(&request, &["f"]).map_err(|e| e.to(&request))?;
    let job = own_job(&request, &state, &path).await.map_err(|e| e.to(&request))?;
    let queue = state.queue.clone();
    let dismissed = block(move || queue.dismiss(&job.id)).await.map_err(ApiError::from);
    let dismissed = dismissed.and_then(|job| Ok(job?)).map_err(|e| e.to(&request))?;
    match dismissed {
        Some(job) => {
            let mut told = told(&job, &state.base(&request));
            told.status = JobStatus::Dismissed;
            Ok(document(&told))
        }
        None => Err(ApiError::absent(ProblemType::NoSuchJob, "the job is gone").to(&request)),
    }
}

pub async fn log(request: HttpRequest, path: web::Path<String>, state: web::Data<ServerState>) -> Answer {
    let job = own_job(&request, &state, &path).await.map_err(|e| e.to(&request))?;
    let from = first_line(&query(&request)).map_err(|e| e.to(&request))?;
    let lines = lines(&state, &job, from, LINES).await.map_err(|e| e.to(&request))?;
    let told: Vec<_> =
        lines.iter().map(|l| json!({"number": l.number, "time": l.at, "text": l.text})).collect();
    html::answer(&request, &state, &json!({"requestID": job.request_id, "lines": told}), |site, _| {
        html::job::log_page(site, &job.id, &lines)
    })
}

/// Lines of a job's log from this number on.
async fn lines(
    state: &web::Data<ServerState>,
    job: &Job,
    from: u64,
    most: usize,
) -> Result<Vec<LogLine>, ApiError> {
    let (queue, id) = (state.queue.clone(), job.id.clone());
    Ok(block(move || queue.log(&id, from, most)).await??)
}

/// From which line on a log is asked for.
fn first_line(query: &[(String, String)]) -> Result<u64, ApiError> {
    query.iter().try_fold(0, |from, (name, value)| match name.as_str() {
        "from" => Ok(whole(name, value)? as u64),
        "f" => Ok(from),
        other => Err(ApiError::parameter(other, "there is no such parameter")),
    })
}

pub async fn list(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let owner = caller(&state, &request).await.map_err(|e| e.to(&request))?;
    let query = query(&request);
    let filter = filter(&query).map_err(|e| e.to(&request))?;
    let filter = Filter { owner, ..filter };
    let (queue, asked) = (state.queue.clone(), filter.clone());
    let page = block(move || queue.list(&asked)).await.map_err(ApiError::from);
    let page = page.and_then(|p| Ok(p?)).map_err(|e| e.to(&request))?;
    let base = state.base(&request);
    let (address, part) = (format!("{base}/jobs"), Page { limit: filter.limit, offset: filter.offset });
    let mut links = vec![part.link(&address, &query, filter.offset, "self")];
    links.extend(part.beside(&address, &query, page.total));
    let list = JobList::new(page.jobs.iter().map(|j| told(j, &base)).collect(), page.total, links);
    html::answer(&request, &state, &list, |site, list| html::jobs::page(site, list, &filter))
}

/// The parameters of a query, in their order.
fn query(request: &HttpRequest) -> Vec<(String, String)> {
    crate::ogc::read_query(request.query_string())
}

fn filter(query: &[(String, String)]) -> Result<Filter, ApiError> {
    let mut filter = Filter::default();
    for (name, value) in query {
        let each = || value.split(',').map(str::trim).filter(|v| !v.is_empty());
        match name.as_str() {
            "limit" => filter.limit = limit_of(value)?,
            "offset" => filter.offset = whole(name, value)?,
            "type" => {
                if let Some(other) = each().find(|v| *v != "process") {
                    return Err(ApiError::parameter(
                        "type",
                        format!("`{other}` is no type of job (process)"),
                    ));
                }
            }
            "processID" => filter.processes.extend(each().map(str::to_owned)),
            "status" => {
                for word in each() {
                    let state = word.parse().map_err(|what: String| ApiError::parameter("status", what))?;
                    filter.states.push(state);
                }
            }
            "minDuration" => filter.min_duration_s = Some(whole(name, value)? as u64),
            "maxDuration" => filter.max_duration_s = Some(whole(name, value)? as u64),
            "datetime" => (filter.created_from, filter.created_to) = interval(value)?,
            "f" => {}
            other => return Err(ApiError::parameter(other, "there is no such parameter")),
        }
    }
    Ok(filter)
}

/// `A/B`, `../B`, `A/..` or one time.
fn interval(text: &str) -> Result<(Option<Timestamp>, Option<Timestamp>), ApiError> {
    let time = |text: &str| match text {
        "" | ".." => Ok(None),
        text => moments(text).map(Some).ok_or_else(|| {
            ApiError::parameter("datetime", format!("`{text}` is no time such as 2024-05-01T00:00:00Z"))
        }),
    };
    let (from, to) = text.split_once('/').unwrap_or((text, text));
    let (from, to) = (time(from)?, time(to)?);
    // Timestamps end before the year 9999 does.
    let timestamp = |moment: DateTime| match moment.to_zoned(TimeZone::UTC) {
        Ok(zoned) => zoned.timestamp(),
        Err(_) if moment.year() > 0 => Timestamp::MAX,
        Err(_) => Timestamp::MIN,
    };
    Ok((from.map(|(first, _)| timestamp(first)), to.map(|(_, last)| timestamp(last))))
}
