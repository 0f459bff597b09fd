//! Results: as a document, raw, or one by one.

use std::path::{Path, PathBuf};

use actix_files::NamedFile;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::{HttpRequest, web};
use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::collections::{parameters, value};
use super::error::{Answer, ApiError, no_content, ok};
use super::html;
use super::jobs::{own_job, told};
use super::state::ServerState;
use crate::jobs::{Job, JobStatus};
use crate::ogc::outputs::{PNG, essence};
use crate::ogc::{Execute, ProblemType, ResponseForm, Transmission};
use crate::process::find;
use crate::store::{plain, result_file};
use crate::style::QML;

/// Bytes of an output that may stand in a document.
const INLINE: u64 = 16 << 20;

/// What a result that is opened in a browser may do: show itself, with the styles that it holds.
const ALONE: &str = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:";

/// An output: its file and media type.
pub struct Output {
    pub name: String,
    pub path: PathBuf,
    pub media_type: String,
}

pub async fn all(request: HttpRequest, path: web::Path<String>, state: web::Data<ServerState>) -> Answer {
    parameters(&request, &["f"]).map_err(|e| e.to(&request))?;
    let job = own_job(&request, &state, &path).await.map_err(|e| e.to(&request))?;
    if !html::wants_page(&request).map_err(|e| e.to(&request))? {
        return answer(&job, &state, &request).await.map_err(|e| e.to(&request));
    }
    let mut found = outputs(&job, &state).map_err(|e| e.to(&request))?;
    let described = find(&job.process).map(|p| p.describe().outputs).unwrap_or_default();
    found.sort_by_key(|output| described.keys().position(|name| *name == output.name));
    let status = told(&job, &state.base(&request));
    Ok(html::show(&request, &state, |site| html::results::page(site, &status, &found, &described)))
}

/// One output, or (`f=qml`) its style for QGIS.
pub async fn one(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    state: web::Data<ServerState>,
) -> Answer {
    let (id, output) = path.into_inner();
    let query = parameters(&request, &["f"]).map_err(|e| e.to(&request))?;
    let job = own_job(&request, &state, &id).await.map_err(|e| e.to(&request))?;
    let styled = match value(&query, "f") {
        None => false,
        Some("qml") => true,
        Some(other) => return Err(ApiError::parameter("f", format!("`{other}` is not qml")).to(&request)),
    };
    let found = named(&job, &state, &output)
        .and_then(|found| if styled { style(&found) } else { Ok(found) })
        .and_then(|found| file(&found, &request));
    found.map_err(|e| e.to(&request))
}

/// The picture that was made with a raster.
pub async fn picture(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    state: web::Data<ServerState>,
) -> Answer {
    let (id, output) = path.into_inner();
    parameters(&request, &[]).map_err(|e| e.to(&request))?;
    let job = own_job(&request, &state, &id).await.map_err(|e| e.to(&request))?;
    let found = named(&job, &state, &output).and_then(|found| {
        let missing = || ApiError::absent(ProblemType::NoSuchOutput, format!("`{output}` has no picture"));
        let path = picture_of(&found).ok_or_else(missing)?;
        file(&Output { path, media_type: PNG.to_owned(), ..found }, &request)
    });
    found.map_err(|e| e.to(&request))
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

/// The results in the form that was asked for.
pub async fn answer(job: &Job, state: &ServerState, request: &HttpRequest) -> Answer {
    let found = outputs(job, state)?;
    let asked = Execute::parse(job.request.clone()).unwrap_or_default();
    if matches!(asked.response, Some(ResponseForm::Document | ResponseForm::Collection)) {
        let base = state.base(request);
        return Ok(ok().json(document(job, &found, &asked, &base)?));
    }
    let base = state.base(request);
    let href =
        |output: &Output| format!("{base}/jobs/{}/results/{}", job.id, crate::ogc::segment(&output.name));
    let by_link = |output: &Output| asked.transmission(&output.name) == Some(Transmission::Reference);
    match found.as_slice() {
        [single] if !by_link(single) => file(single, request),
        several if several.iter().all(by_link) => {
            let mut response = no_content();
            for output in several {
                let link = crate::ogc::Link::new(href(output), &output.name, &output.media_type);
                response.append_header(("Link", link.header()));
            }
            Ok(response.finish())
        }
        several => parts(several, by_link, href),
    }
}

/// Several outputs in one answer. A part that was asked for by reference, or is more than an answer
/// should hold, is empty and tells where its content is.
fn parts(found: &[Output], by_link: impl Fn(&Output) -> bool, href: impl Fn(&Output) -> String) -> Answer {
    let boundary = uuid::Uuid::new_v4().simple().to_string();
    let (mut body, mut left) = (Vec::new(), INLINE);
    for output in found {
        let size = std::fs::metadata(&output.path).map_err(ApiError::internal)?.len();
        let elsewhere = by_link(output) || size > left;
        let place = if elsewhere { format!("Content-Location: {}\r\n", href(output)) } else { String::new() };
        let head = format!(
            "--{boundary}\r\nContent-Type: {}\r\nContent-ID: <{}>\r\n{place}\r\n",
            output.media_type, output.name
        );
        body.extend(head.into_bytes());
        if !elsewhere {
            left -= size;
            body.extend(std::fs::read(&output.path).map_err(ApiError::internal)?);
        }
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").into_bytes());
    Ok(ok().content_type(format!("multipart/related; boundary={boundary}")).body(body))
}

/// The outputs that a successful job left.
pub fn outputs(job: &Job, state: &ServerState) -> Result<Vec<Output>, ApiError> {
    outputs_in(job, &state.host.folder(job.results_id()))
}

/// As [`outputs`], in this folder.
pub fn outputs_in(job: &Job, folder: &Path) -> Result<Vec<Output>, ApiError> {
    if job.state != JobStatus::Successful {
        return Err(ApiError::no_results(job));
    }
    let text = std::fs::read(folder.join("results.json")).map_err(ApiError::internal)?;
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

/// A file with ranges, an ETag and its media type.
pub fn file(output: &Output, request: &HttpRequest) -> Answer {
    let file = NamedFile::open(&output.path).map_err(ApiError::internal)?;
    let mime = output.media_type.parse().map_err(ApiError::internal)?;
    let mut response = file.set_content_type(mime).use_etag(true).prefer_utf8(true).into_response(request);
    // What a result holds runs as nobody's page.
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(ALONE));
    Ok(response)
}

/// The bare map of outputs.
pub fn document(job: &Job, found: &[Output], asked: &Execute, base: &str) -> Result<Value, ApiError> {
    let mut document = Map::new();
    for output in found {
        let size = std::fs::metadata(&output.path).map_err(ApiError::internal)?.len();
        let is_json = output.media_type.split(';').next().is_some_and(|t| t.ends_with("json"));
        // What does not fit into a document is told by its link, whatever was asked for.
        let by_link = match asked.transmission(&output.name) {
            Some(Transmission::Reference) => true,
            Some(Transmission::Value) => size > INLINE,
            None => size > INLINE || !is_json,
        };
        let value = if by_link {
            json!({"href": format!("{base}/jobs/{}/results/{}", job.id, output.name), "type": output.media_type})
        } else {
            let bytes = std::fs::read(&output.path).map_err(ApiError::internal)?;
            if is_json {
                serde_json::from_slice(&bytes).map_err(ApiError::internal)?
            } else if let (true, Ok(text)) =
                (output.media_type.starts_with("text/"), String::from_utf8(bytes.clone()))
            {
                json!({"value": text, "mediaType": output.media_type})
            } else {
                let text = base64::engine::general_purpose::STANDARD.encode(bytes);
                json!({"value": text, "encoding": "base64", "mediaType": output.media_type})
            }
        };
        document.insert(output.name.clone(), value);
    }
    Ok(Value::Object(document))
}
