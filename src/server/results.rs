//! Results: as a document, raw, or one by one. Files are looked at and read on threads that may wait.

use std::path::{Path, PathBuf};

use actix_files::NamedFile;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value};

use super::collections::{parameters, value};
use super::disposition::named_for_all;
use super::error::{Answer, ApiError, no_content, ok};
use super::features::for_spreadsheets;
use super::html;
use super::inline::{Room, document, parts};
use super::jobs::{own_job, told};
use super::state::{ServerState, block};
use crate::io::spreadsheet::shown_as_text;
use crate::jobs::{Job, JobStatus};
use crate::ogc::outputs::{CSV, JSON, PNG, essence};
use crate::ogc::{Execute, Link, ProblemType, ResponseForm, Transmission, segment};
use crate::process::find;
use crate::store::{plain, result_file};
use crate::style::QML;

/// What a result that is opened in a browser may do: show itself, with the styles that it holds.
const ALONE: &str = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:";

/// An output: its file and media type.
pub struct Output {
    pub name: String,
    pub path: PathBuf,
    pub media_type: String,
}

impl Output {
    /// Whether its file is a JSON document.
    pub fn is_json(&self) -> bool {
        essence(&self.media_type).ends_with("json")
    }
}

/// The address of an output.
pub fn href(base: &str, job: &Job, output: &Output) -> String {
    format!("{base}/jobs/{}/results/{}", job.id, segment(&output.name))
}

pub async fn all(request: HttpRequest, path: web::Path<String>, state: web::Data<ServerState>) -> Answer {
    let answered = async {
        parameters(&request, &["f"])?;
        let job = own_job(&request, &state, &path).await?;
        if !html::wants_page(&request)? {
            return answer(&job, &state, &request).await;
        }
        let described = find(&job.process).map(|p| p.describe().outputs).unwrap_or_default();
        let (shared, shown, order) = (state.clone(), job.clone(), described.clone());
        let found = block(move || {
            let mut found = outputs(&shown, &shared)?;
            found.sort_by_key(|output| order.keys().position(|name| *name == output.name));
            Ok::<_, ApiError>(found.into_iter().map(html::results::Look::at).collect::<Vec<_>>())
        });
        let (found, status) = (found.await??, told(&job, &state.base(&request)));
        Ok(html::show(&request, &state, |site| html::results::page(site, &status, &found, &described)))
    };
    answered.await.map_err(|e: ApiError| e.to(&request))
}

/// One output, or (`f=qml`) its style for QGIS.
pub async fn one(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    state: web::Data<ServerState>,
) -> Answer {
    let (id, output) = path.into_inner();
    let answered = async {
        let query = parameters(&request, &["f", "csv"])?;
        let job = own_job(&request, &state, &id).await?;
        let styled = match value(&query, "f") {
            None => false,
            Some("qml") => true,
            Some(other) => return Err(ApiError::parameter("f", format!("`{other}` is not qml"))),
        };
        let shared = state.clone();
        let opened = block(move || {
            let found = named(&job, &shared, &output)?;
            let table = !styled && essence(&found.media_type) == CSV;
            if for_spreadsheets(&query, table)? {
                return spreadsheet(&found);
            }
            open(if styled { style(&found)? } else { found })
        });
        Ok(opened.await??.into_response(&request))
    };
    answered.await.map_err(|e: ApiError| e.to(&request))
}

/// A table whose formulas are shown as text.
fn spreadsheet(output: &Output) -> Result<Opened, ApiError> {
    let table = std::fs::File::open(&output.path).map_err(|e| ApiError::result(&e))?;
    let mut shown = tempfile::tempfile().map_err(ApiError::internal)?;
    shown_as_text(table, &mut shown).map_err(ApiError::internal)?;
    std::io::Seek::rewind(&mut shown).map_err(ApiError::internal)?;
    let file = NamedFile::from_file(shown, &output.path).map_err(ApiError::internal)?;
    let mime = output.media_type.parse().map_err(ApiError::internal)?;
    // The tag of a file tells of its time, and this one is always new.
    Ok(Opened(named_for_all(file.set_content_type(mime).use_etag(false).use_last_modified(false))))
}

/// The picture that was made with a raster.
pub async fn picture(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    state: web::Data<ServerState>,
) -> Answer {
    let (id, output) = path.into_inner();
    let answered = async {
        parameters(&request, &[])?;
        let job = own_job(&request, &state, &id).await?;
        let shared = state.clone();
        let opened = block(move || {
            let found = named(&job, &shared, &output)?;
            let missing =
                || ApiError::absent(ProblemType::NoSuchOutput, format!("`{output}` has no picture"));
            let path = picture_of(&found).ok_or_else(missing)?;
            open(Output { path, media_type: PNG.to_owned(), ..found })
        });
        Ok(opened.await??.into_response(&request))
    };
    answered.await.map_err(|e: ApiError| e.to(&request))
}

/// The picture beside a raster, where there is one.
pub fn picture_of(output: &Output) -> Option<PathBuf> {
    let raster = essence(&output.media_type) == "image/tiff";
    Some(output.path.with_extension("png")).filter(|picture| raster && picture.is_file())
}

/// The output of this name.
fn named(job: &Job, state: &ServerState, output: &str) -> Result<Output, ApiError> {
    let outputs = outputs(job, state)?;
    outputs.into_iter().find(|o| o.name == output && plain(&o.name)).ok_or_else(|| {
        ApiError::absent(ProblemType::NoSuchOutput, format!("the job has no output `{output}`"))
    })
}

/// An answer that is made on a thread that may wait.
enum Made {
    Document(String),
    File(Box<Opened>),
    Links(Vec<Link>),
    Parts(String, Vec<u8>),
}

/// The results in the form that was asked for.
pub async fn answer(job: &Job, state: &web::Data<ServerState>, request: &HttpRequest) -> Answer {
    let (job, shared, base) = (job.clone(), state.clone(), state.base(request));
    Ok(match block(move || make(&job, &shared, &base)).await?? {
        Made::Document(text) => ok().content_type(JSON).body(text),
        Made::File(opened) => opened.into_response(request),
        Made::Parts(kind, body) => ok().content_type(kind).body(body),
        Made::Links(links) => {
            let mut response = no_content();
            for link in links {
                response.append_header(("Link", link.header()));
            }
            response.finish()
        }
    })
}

fn make(job: &Job, state: &ServerState, base: &str) -> Result<Made, ApiError> {
    let mut found = outputs(job, state)?;
    let room = Room::new(state.config.limits.inline_megabytes);
    let asked = Execute::parse(job.request.clone()).unwrap_or_default();
    if matches!(asked.response, Some(ResponseForm::Document | ResponseForm::Collection)) {
        return document(job, &found, &asked, base, room).map(Made::Document);
    }
    let by_link = |output: &Output| asked.transmission(&output.name) == Some(Transmission::Reference);
    match found.as_slice() {
        [single] if !by_link(single) => open(found.remove(0)).map(|opened| Made::File(Box::new(opened))),
        several if several.iter().all(by_link) => {
            let link = |output: &Output| Link::new(href(base, job, output), &output.name, &output.media_type);
            Ok(Made::Links(several.iter().map(link).collect()))
        }
        several => parts(job, several, by_link, base, room).map(|(kind, body)| Made::Parts(kind, body)),
    }
}

/// The outputs that a successful job left. Reads a file.
///
/// # Errors
/// Why there are none; 410 where they were deleted.
pub fn outputs(job: &Job, state: &ServerState) -> Result<Vec<Output>, ApiError> {
    outputs_in(job, &state.host.folder(job.results_id()))
}

/// As [`outputs`], in this folder.
///
/// # Errors
/// As [`outputs`].
pub fn outputs_in(job: &Job, folder: &Path) -> Result<Vec<Output>, ApiError> {
    if job.state != JobStatus::Successful {
        return Err(ApiError::no_results(job));
    }
    let text = std::fs::read(folder.join("results.json")).map_err(|e| ApiError::result(&e))?;
    let listed: Map<String, Value> = serde_json::from_slice(&text).map_err(ApiError::internal)?;
    let output = |(name, entry): (&String, &Value)| {
        Some(Output {
            name: name.clone(),
            path: result_file(folder, name)?,
            media_type: entry["type"].as_str()?.to_owned(),
        })
    };
    Ok(listed.iter().filter_map(output).collect())
}

/// The style that stands beside an output.
fn style(output: &Output) -> Result<Output, ApiError> {
    let path = output.path.with_extension("qml");
    if !path.is_file() {
        let why = format!("the output `{}` has no style", output.name);
        return Err(ApiError::absent(ProblemType::Plain, why));
    }
    Ok(Output { name: output.name.clone(), path, media_type: QML.to_owned() })
}

/// A file that is open, to be sent.
pub struct Opened(NamedFile);

/// Opens the file of an output.
///
/// # Errors
/// 410 where it is gone.
pub fn open(output: Output) -> Result<Opened, ApiError> {
    let file = NamedFile::open(&output.path).map_err(|e| ApiError::result(&e))?;
    let mime = output.media_type.parse().map_err(ApiError::internal)?;
    let file = file.set_content_type(mime).use_etag(true).prefer_utf8(true);
    Ok(Opened(named_for_all(file)))
}

impl Opened {
    /// The file with ranges, an ETag and its media type.
    pub fn into_response(self, request: &HttpRequest) -> HttpResponse {
        let mut response = self.0.into_response(request);
        // What a result holds runs as nobody's page.
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(ALONE));
        response
    }
}
