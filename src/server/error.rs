//! Errors as answers: the only file with status codes.

use actix_web::dev::ServiceResponse;
use actix_web::error::PayloadError;
use actix_web::http::header::{
    ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER, VARY,
    WWW_AUTHENTICATE,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, web};

use super::html;
use super::state::ServerState;
use crate::jobs::{Failure, Job, JobStatus, JobsError, SubmitError};
use crate::ogc::wmts::{self, WmtsException};
use crate::ogc::wps::{Exception, ExceptionCode, Version, XML};
use crate::ogc::{InputProblem, PROBLEM_JSON, Problem, ProblemType};
use crate::process::ProcessError;
use crate::process::inputs::InputFaults;
use crate::store::Shortage;
use crate::tiles::{PoolFull, TileError};

/// What is answered where nothing else can be.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    problem: Box<Problem>,
    retry_after: Option<u64>,
    listed: bool,
    /// As a page, for those who read pages.
    page: Option<String>,
}

/// What a page may load: what is served here, and nothing that stands in it.
const CSP: &str = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// Seconds after which it is worth asking again where the system is short of something.
const RETRY_AFTER_S: u64 = 2;

/// What a handler answers.
pub type Answer = Result<HttpResponse, ApiError>;

impl ApiError {
    fn new(status: StatusCode, problem: Problem) -> Self {
        Self {
            status,
            problem: Box::new(problem.status(status.as_u16())),
            retry_after: None,
            listed: false,
            page: None,
        }
    }

    /// A wrong input or member of the body.
    pub fn input(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Problem::input(path, detail))
    }

    /// A wrong parameter of the query.
    pub fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Problem::parameter(name, detail))
    }

    /// Nothing of this kind under the path.
    pub fn absent(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, Problem::new(kind).detail(detail))
    }

    /// A body of another type than is taken.
    pub fn media_type(found: &str, taken: &str) -> Self {
        let detail = format!("the body is `{found}`; send {taken}");
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::titled("Unsupported media type").detail(detail),
        )
    }

    /// A caller that accepts none of the forms that there are.
    pub fn not_acceptable(forms: &[&str]) -> Self {
        let detail = format!("`Accept` refuses every form that there is: {}", forms.join(", "));
        Self::new(StatusCode::NOT_ACCEPTABLE, Problem::titled("Not acceptable").detail(detail))
    }

    /// A body that could not be read: too large, too slow, or cut off.
    pub fn body(error: &actix_web::Error, megabytes: usize) -> Self {
        let status = error.as_response_error().status_code();
        if status != StatusCode::PAYLOAD_TOO_LARGE {
            return Self::framework(error);
        }
        let limit =
            format!("the body is larger than the {megabytes} MB that are taken (`limits.body_megabytes`)");
        Self::new(status, Problem::titled("Payload too large").detail(limit))
    }

    /// A body whose type is not told.
    pub fn untyped_body() -> Self {
        let told =
            "the body needs its type: send `Content-Type`, such as application/json (text/xml for WPS)";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Problem::titled("Unsupported media type").detail(told))
    }

    /// A request under a name that is none of the server's.
    pub fn foreign_host(host: &str) -> Self {
        let told = format!(
            "`{host}` is no name of this server, which asks for no keys and answers under loopback names and \
             that of `base_url` alone; its operator adds names by `server_names`"
        );
        Self::new(StatusCode::MISDIRECTED_REQUEST, Problem::titled("Misdirected request").detail(told))
    }

    /// A request that another site's web page has a browser send.
    pub fn cross_site() -> Self {
        let told = "another site's web page changes nothing here; its operator allows pages by `cors.origins`, \
                    and pages show keys as `Authorization: Bearer KEY`";
        Self::new(StatusCode::FORBIDDEN, Problem::titled("Forbidden").detail(told))
    }

    /// A caller without a key that fits.
    pub fn unknown_caller() -> Self {
        let problem = Problem::titled("Unauthorized").detail("send your key as `Authorization: Bearer KEY`");
        Self::new(StatusCode::UNAUTHORIZED, problem)
    }

    /// A token that does not do, and why.
    pub fn refused_token(reason: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, Problem::titled("Unauthorized").detail(reason))
    }

    /// An error of the framework: a body that is too large, comes too slowly or cannot be read.
    pub fn framework(error: &actix_web::Error) -> Self {
        let cause = error.as_response_error();
        let status = match error.as_error::<PayloadError>() {
            Some(PayloadError::Io(e)) if e.kind() == std::io::ErrorKind::TimedOut => {
                StatusCode::REQUEST_TIMEOUT
            }
            _ => cause.status_code(),
        };
        Self::of_status(status, Some(error.to_string()))
    }

    /// An answer of the framework that says nothing but its status.
    pub fn bare(response: &HttpResponse) -> Self {
        Self::of_status(response.status(), None)
    }

    fn of_status(status: StatusCode, detail: Option<String>) -> Self {
        let problem = Problem::titled(status.canonical_reason().unwrap_or("Error"));
        // What went wrong inside is for the log.
        let detail = detail.filter(|_| !status.is_server_error());
        Self::new(status, detail.into_iter().fold(problem, Problem::detail))
    }

    /// A mistake of the server's own: the caller learns no more than that. Where the system is short of
    /// something, it is no mistake, and told as what it is.
    pub fn internal(reason: impl std::fmt::Display) -> Self {
        let reason = reason.to_string();
        if let Some(short) = Shortage::of_text(&reason) {
            tracing::error!(reason, "the server has {}", short.words());
            return Self::short(short);
        }
        tracing::error!(%reason, "internal error");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Problem::titled("Internal error"))
    }

    /// Too little of something: what may be over in a moment is to be asked again.
    fn short(short: Shortage) -> Self {
        let (status, retry_after) = match short {
            Shortage::Space => (StatusCode::INSUFFICIENT_STORAGE, None),
            Shortage::Files | Shortage::Memory | Shortage::Threads => {
                (StatusCode::SERVICE_UNAVAILABLE, Some(RETRY_AFTER_S))
            }
        };
        let problem = Problem::titled(status.canonical_reason().unwrap_or("Error"));
        let problem = problem.detail(format!("the server has {}", short.words()));
        Self { retry_after, ..Self::new(status, problem) }
    }

    /// A result that cannot be read: one that is not there was deleted.
    pub fn result(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::NotFound { Self::gone() } else { Self::internal(error) }
    }

    /// Results that were there once.
    pub fn gone() -> Self {
        let why = "the results of this job were deleted; run the process again";
        Self::new(StatusCode::GONE, Problem::new(ProblemType::ResultNotAvailable).detail(why))
    }

    /// Whether the same may be asked again in a moment.
    pub fn is_passing(&self) -> bool {
        self.retry_after.is_some()
    }

    /// A collection that is no map: its features are drawn by clients.
    pub fn no_map() -> Self {
        Self::absent(ProblemType::Plain, "this collection is no raster: it has no map, values or coverage")
    }

    /// A collection whose source cannot be read now.
    pub fn unavailable(id: &str) -> Self {
        let told = format!(
            "the source of the collection `{id}` cannot be read now; it is tried again when asked for"
        );
        let problem = Problem::titled("Unavailable").detail(told);
        Self { retry_after: Some(10), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, problem) }
    }

    /// A request whose outputs are no collections.
    pub fn no_collection_output(why: impl Into<String>) -> Self {
        let problem = Problem::new(ProblemType::CollectionOutputUnsupported).detail(why);
        Self::new(StatusCode::BAD_REQUEST, problem)
    }

    /// What is only there once the job is done.
    pub fn still_growing() -> Self {
        let why = "the collection is still computed: its file is there once its job is done";
        Self::absent(ProblemType::ResultNotReady, why)
    }

    /// Why a job has no results.
    pub fn no_results(job: &Job) -> Self {
        let detail = job.failure.as_ref().map_or_else(|| job.message.clone(), ToString::to_string);
        match (&job.failure, job.state) {
            (Some(Failure::Input { input, message }), _) => Self::input(input, message),
            (Some(Failure::Interrupted { .. }), _) => {
                let problem = Problem::new(ProblemType::ResultNotAvailable).detail(detail);
                Self::new(StatusCode::SERVICE_UNAVAILABLE, problem)
            }
            (Some(Failure::Process { .. }), _) => {
                let problem =
                    Problem::new(ProblemType::ResultNotAvailable).detail(super::jobs::PROCESS_FAILED);
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, problem)
            }
            (Some(Failure::Record { .. }), _) => {
                let problem = Problem::new(ProblemType::ResultNotAvailable).detail(detail);
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, problem)
            }
            (None, JobStatus::Dismissed) => {
                let problem = Problem::new(ProblemType::ResultNotAvailable).detail("the job was dismissed");
                Self::new(StatusCode::GONE, problem)
            }
            (None, _) => Self::absent(ProblemType::ResultNotReady, format!("the job is {}", job.state)),
        }
    }

    /// Whether there is no such thing.
    pub fn is_absent(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// What is wrong, in words.
    pub fn detail(&self) -> String {
        self.problem.detail.clone().unwrap_or_else(|| self.problem.title.clone())
    }

    /// As the caller's `Accept` would have it: problem+json only where it is listed, a page where it is
    /// preferred.
    pub fn to(mut self, request: &HttpRequest) -> Self {
        let accept = request.headers().get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        self.listed = accept.contains(PROBLEM_JSON);
        *self.problem = self.problem.instance(request.path());
        let pages = request.method() == Method::GET && html::prefers_page(request);
        if let Some(state) = request.app_data::<web::Data<ServerState>>().filter(|_| pages) {
            let site = html::Site::new(request, state);
            let sign_in = self.status == StatusCode::UNAUTHORIZED;
            let page = html::problem::page(&site, &self.problem, sign_in);
            self.page = Some(page.render(&site).into_string());
        }
        self
    }
}

impl From<InputFaults> for ApiError {
    /// The first by its path; the others stand behind it, and each in `errors`.
    fn from(faults: InputFaults) -> Self {
        let errors =
            faults.iter().map(|f| InputProblem { input: f.input.clone(), detail: f.message.clone() });
        let errors: Vec<InputProblem> = errors.collect();
        let mut error = match ProcessError::from(faults) {
            ProcessError::Input { input, message } => Self::input(input, message),
            other => Self::input("inputs", other.to_string()),
        };
        if errors.len() > 1 {
            error.problem.errors = errors;
        }
        error
    }
}

impl From<JobsError> for ApiError {
    fn from(error: JobsError) -> Self {
        if error.is_full() {
            tracing::error!(%error, "no space is left for jobs");
            return Self::short(Shortage::Space);
        }
        Self::internal(error)
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        let told = |status, title: &str, error: &SubmitError| {
            Self::new(status, Problem::titled(title).detail(error.to_string()))
        };
        match error {
            SubmitError::Full { retry_after_s } => Self {
                retry_after: Some(retry_after_s),
                ..told(StatusCode::SERVICE_UNAVAILABLE, "The queue is full", &error)
            },
            SubmitError::Quota { .. } => told(StatusCode::TOO_MANY_REQUESTS, "Too many jobs", &error),
            SubmitError::Stopping => told(StatusCode::SERVICE_UNAVAILABLE, "The server is stopping", &error),
            SubmitError::Store(error) => error.into(),
        }
    }
}

impl From<TileError> for ApiError {
    fn from(error: TileError) -> Self {
        Self::internal(error)
    }
}

impl From<PoolFull> for ApiError {
    fn from(error: PoolFull) -> Self {
        let problem = Problem::titled("Too many tiles").detail(error.to_string());
        Self { retry_after: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, problem) }
    }
}

impl From<actix_web::error::BlockingError> for ApiError {
    fn from(error: actix_web::error::BlockingError) -> Self {
        Self::internal(error)
    }
}

impl From<actix_web::Error> for ApiError {
    fn from(error: actix_web::Error) -> Self {
        Self::framework(&error)
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem.title)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, seconds));
        }
        if self.status == StatusCode::REQUEST_TIMEOUT {
            response.insert_header((CONNECTION, "close"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(page) = &self.page {
            return as_page(response, page.clone());
        }
        response.insert_header((VARY, "Accept"));
        response.content_type(if self.listed { PROBLEM_JSON } else { "application/json" });
        response.body(serde_json::to_string(&self.problem).unwrap_or_default())
    }
}

/// Why a request of WPS is refused.
#[derive(Debug)]
pub struct Refused {
    exception: Exception,
    /// Where it is no mistake of the request itself.
    status: Option<StatusCode>,
    retry_after: Option<u64>,
}

impl From<Exception> for Refused {
    fn from(exception: Exception) -> Self {
        Self { exception, status: None, retry_after: None }
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        let busy = matches!(error.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        let code = match error.status {
            StatusCode::PAYLOAD_TOO_LARGE => ExceptionCode::FileSizeExceeded,
            _ if busy => ExceptionCode::ServerBusy,
            _ => ExceptionCode::NoApplicableCode,
        };
        let told = [
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::GONE,
            StatusCode::MISDIRECTED_REQUEST,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ];
        let own = busy || error.status.is_server_error() || told.contains(&error.status);
        let exception = match &error.problem.input {
            Some(input) => Exception::invalid(input, error.detail()),
            None => Exception::new(code, error.detail()),
        };
        Self { exception, status: own.then_some(error.status), retry_after: error.retry_after }
    }
}

/// A report of WPS. What is wrong with a request stands with 200 in 1.0, as its clients expect, and
/// with 400 in 2.0; a server that is busy or asks for a key says so by the status too.
pub fn wps_report(refused: &Refused, version: Version) -> HttpResponse {
    let usual = match version {
        Version::V1 => StatusCode::OK,
        Version::V2 => StatusCode::BAD_REQUEST,
    };
    let mut response = HttpResponse::build(refused.status.unwrap_or(usual));
    if let Some(seconds) = refused.retry_after {
        response.insert_header((RETRY_AFTER, seconds));
    }
    if refused.status == Some(StatusCode::UNAUTHORIZED) {
        response.insert_header((WWW_AUTHENTICATE, "Bearer"));
    }
    response.content_type(XML).body(refused.exception.report(version))
}

/// Whether a document was answered.
pub fn is_ok(response: &ServiceResponse) -> bool {
    response.status() == StatusCode::OK
}

/// Whether something went wrong.
pub fn is_fault(response: &ServiceResponse) -> bool {
    response.status().is_client_error() || response.status().is_server_error()
}

/// A report on oneself: well, or not.
pub fn fit(well: bool) -> HttpResponseBuilder {
    HttpResponse::build(if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE })
}

/// A report of WMTS.
pub fn wmts_report(exception: &WmtsException) -> HttpResponse {
    HttpResponse::BadRequest().content_type(wmts::XML).body(exception.report())
}

/// A report on a body that is no request of WPS.
pub fn wps_unreadable(exception: &Exception, version: Version) -> HttpResponse {
    HttpResponse::BadRequest().content_type(XML).body(exception.report(version))
}

/// The whole answer on a connection for which there is no place.
pub fn too_many_connections() -> String {
    let problem =
        Problem::titled("Too many connections").detail("the server has no place for another connection");
    let problem = problem.status(StatusCode::SERVICE_UNAVAILABLE.as_u16());
    let body = serde_json::to_string(&problem).unwrap_or_default();
    format!(
        "HTTP/1.1 {}\r\nContent-Type: {PROBLEM_JSON}\r\nContent-Length: {}\r\nRetry-After: {RETRY_AFTER_S}\r\n\
         Connection: close\r\n\r\n{body}",
        StatusCode::SERVICE_UNAVAILABLE,
        body.len()
    )
}

/// A document that stands beside a page: which of them is answered, `Accept` says.
pub fn document(value: &impl serde::Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((VARY, "Accept")).insert_header((CACHE_CONTROL, "no-cache")).json(value)
}

/// A page.
pub fn page(text: String) -> HttpResponse {
    as_page(HttpResponse::Ok(), text)
}

fn as_page(mut response: HttpResponseBuilder, text: String) -> HttpResponse {
    response
        .content_type("text/html; charset=utf-8")
        .insert_header((VARY, "Accept"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, CSP))
        .insert_header((REFERRER_POLICY, "same-origin"))
        .body(text)
}

/// What the caller has already.
pub fn not_modified() -> HttpResponseBuilder {
    HttpResponse::NotModified()
}

/// A document as it is.
pub fn ok() -> HttpResponseBuilder {
    HttpResponse::Ok()
}

/// Nothing but headers.
pub fn no_content() -> HttpResponseBuilder {
    HttpResponse::NoContent()
}

/// What was asked for is elsewhere.
pub fn see_other() -> HttpResponseBuilder {
    HttpResponse::SeeOther()
}

/// A job that was made.
pub fn created() -> HttpResponseBuilder {
    HttpResponse::Created()
}
