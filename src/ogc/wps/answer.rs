//! Answers to executions: ExecuteResponse of 1.0; StatusInfo and Result of 2.0.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use super::kinds::{Kind, media_type_in, of_output, text_of};
use super::xml::{OWS1, OWS2, WPS1, WPS2, XLINK, XSI, Xml};
use super::{Exception, ExceptionCode, Version, WpsExecute, WpsInput};
use crate::ogc::outputs::JSON;
use crate::ogc::{JobStatus, ProcessDescription};

/// An output that is handed over.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputAnswer {
    /// Its name.
    pub name: String,
    /// What it is.
    pub value: OutputValue,
}

/// An output's content, or where it is.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputValue {
    /// A link.
    Reference {
        /// Where to.
        href: String,
        /// Media type of what is there.
        media_type: String,
    },
    /// A JSON value: a literal, a bounding box or a document, by the output's schema.
    Json(Value),
    /// A file's bytes.
    File {
        /// The bytes.
        bytes: Vec<u8>,
        /// Their media type.
        media_type: String,
    },
}

/// A job, as its answers tell of it.
#[derive(Clone, Debug, PartialEq)]
pub struct JobAnswer<'a> {
    /// Its id.
    pub id: &'a str,
    /// Where it stands.
    pub status: JobStatus,
    /// For a reader.
    pub message: &'a str,
    /// Percent done.
    pub progress: Option<u8>,
    /// When it was asked for.
    pub created: Option<Timestamp>,
    /// When its result may be removed (2.0).
    pub expires: Option<Timestamp>,
    /// Why it failed.
    pub exception: Option<&'a Exception>,
    /// The address of the WPS (1.0), with its key and value of GetCapabilities added here.
    pub service: &'a str,
    /// Where its ExecuteResponse is (1.0), where it is kept.
    pub status_location: Option<&'a str>,
    /// What it left.
    pub outputs: &'a [OutputAnswer],
}

/// The ExecuteResponse of 1.0. `lineage` is the request, where it is to be repeated.
pub fn execute_response(
    job: &JobAnswer<'_>,
    process: &ProcessDescription,
    lineage: Option<&WpsExecute>,
) -> String {
    let instance = format!("{}?service=WPS&request=GetCapabilities&version=1.0.0", job.service);
    let mut attributes = vec![
        ("xmlns:wps", WPS1),
        ("xmlns:ows", OWS1),
        ("xmlns:xlink", XLINK),
        ("xmlns:xsi", XSI),
        (
            "xsi:schemaLocation",
            "http://www.opengis.net/wps/1.0.0 http://schemas.opengis.net/wps/1.0.0/wpsExecute_response.xsd",
        ),
        ("service", "WPS"),
        ("version", "1.0.0"),
        ("xml:lang", "en"),
        ("serviceInstance", instance.as_str()),
    ];
    attributes.extend(job.status_location.map(|location| ("statusLocation", location)));
    let mut xml = Xml::document();
    xml.open("wps:ExecuteResponse", &attributes);
    xml.open("wps:Process", &[("wps:processVersion", process.summary.version)]);
    xml.leaf("ows:Identifier", &[], process.summary.id);
    xml.leaf("ows:Title", &[], process.summary.title);
    xml.close();
    let created = job.created.map(|t| t.to_string()).unwrap_or_default();
    let time: &[(&str, &str)] = if created.is_empty() { &[] } else { &[("creationTime", &created)] };
    xml.open("wps:Status", time);
    let says = |usual: &'static str| if job.message.is_empty() { usual } else { job.message };
    match job.status {
        JobStatus::Accepted => xml.leaf("wps:ProcessAccepted", &[], says("accepted")),
        JobStatus::Running => {
            let percent = job.progress.unwrap_or(0).min(99).to_string();
            xml.leaf("wps:ProcessStarted", &[("percentCompleted", &percent)], says("running"));
        }
        JobStatus::Successful => xml.leaf("wps:ProcessSucceeded", &[], says("done")),
        JobStatus::Failed | JobStatus::Dismissed => {
            xml.open("wps:ProcessFailed", &[]);
            let usual = Exception::new(ExceptionCode::NoApplicableCode, says("dismissed"));
            job.exception.unwrap_or(&usual).write(&mut xml, Version::V1);
            xml.close();
        }
    }
    xml.close();
    if let Some(request) = lineage {
        repeat(&mut xml, request);
    }
    if job.status == JobStatus::Successful {
        xml.open("wps:ProcessOutputs", &[]);
        for output in job.outputs {
            let Some(description) = process.outputs.get(&output.name) else { continue };
            xml.open("wps:Output", &[]);
            xml.leaf("ows:Identifier", &[], &output.name);
            let title = description.get("title").and_then(Value::as_str).unwrap_or(&output.name);
            xml.leaf("ows:Title", &[], title);
            value_1(&mut xml, &output.value, &description["schema"]);
            xml.close();
        }
        xml.close();
    }
    xml.finish()
}

/// The inputs and outputs of the request.
fn repeat(xml: &mut Xml, request: &WpsExecute) {
    xml.open("wps:DataInputs", &[]);
    for (name, input) in &request.inputs {
        xml.open("wps:Input", &[]);
        xml.leaf("ows:Identifier", &[], name);
        xml.leaf("ows:Title", &[], name);
        match input {
            WpsInput::Reference { href, media_type } => {
                let mut attributes = vec![("xlink:href", href.as_str())];
                attributes.extend(media_type.as_deref().map(|m| ("mimeType", m)));
                xml.leaf("wps:Reference", &attributes, "");
            }
            other => {
                xml.open("wps:Data", &[]);
                match other {
                    WpsInput::Text(text) => xml.leaf("wps:LiteralData", &[], text),
                    WpsInput::Complex { content, media_type, encoding } => {
                        let mut attributes = Vec::new();
                        attributes.extend(media_type.as_deref().map(|m| ("mimeType", m)));
                        attributes.extend(encoding.as_deref().map(|e| ("encoding", e)));
                        xml.leaf("wps:ComplexData", &attributes, content);
                    }
                    WpsInput::Bbox { corners, crs } => {
                        corners_of(
                            xml,
                            "wps:BoundingBoxData",
                            &corners.map(|c| c.to_string()),
                            crs.as_deref(),
                        );
                    }
                    WpsInput::Reference { .. } => {}
                }
                xml.close();
            }
        }
        xml.close();
    }
    xml.close();
    xml.open("wps:OutputDefinitions", &[]);
    for output in &request.outputs {
        let mut attributes = Vec::new();
        attributes.extend(output.media_type.as_deref().map(|m| ("mimeType", m)));
        xml.open("wps:Output", &attributes);
        xml.leaf("ows:Identifier", &[], &output.name);
        xml.close();
    }
    xml.close();
}

fn corners_of(xml: &mut Xml, name: &str, corners: &[String; 4], crs: Option<&str>) {
    let [left, bottom, right, top] = corners;
    let mut attributes = Vec::new();
    attributes.extend(crs.map(|crs| ("crs", crs)));
    attributes.push(("dimensions", "2"));
    xml.open(name, &attributes);
    xml.leaf("ows:LowerCorner", &[], &format!("{left} {bottom}"));
    xml.leaf("ows:UpperCorner", &[], &format!("{right} {top}"));
    xml.close();
}

/// The corners of a JSON bounding box, and its CRS.
fn bbox_of(value: &Value) -> Option<([String; 4], Option<&str>)> {
    let numbers: Vec<String> = value.get("bbox")?.as_array()?.iter().map(Value::to_string).collect();
    Some((numbers.try_into().ok()?, value.get("crs").and_then(Value::as_str)))
}

/// What stands in XML for a file: its text, or base64.
fn content_of(bytes: &[u8], media_type: &str) -> (String, Option<&'static str>) {
    let essence = crate::ogc::outputs::essence(media_type);
    let text = essence.starts_with("text/") || essence.ends_with("json") || essence.ends_with("xml");
    match std::str::from_utf8(bytes) {
        Ok(content) if text => (content.to_owned(), None),
        _ => (STANDARD.encode(bytes), Some("base64")),
    }
}

fn value_1(xml: &mut Xml, value: &OutputValue, schema: &Value) {
    if let OutputValue::Reference { href, media_type } = value {
        let media_type = media_type_in(Version::V1, media_type);
        return xml.leaf("wps:Reference", &[("href", href), ("mimeType", &media_type)], "");
    }
    xml.open("wps:Data", &[]);
    match value {
        OutputValue::Json(json) => match (of_output(schema, Version::V1), text_of(json), bbox_of(json)) {
            (Kind::Literal { data_type, .. }, Some(text), _) => {
                let data_type = format!("http://www.w3.org/2001/XMLSchema#{data_type}");
                xml.leaf("wps:LiteralData", &[("dataType", &data_type)], &text);
            }
            (Kind::Bbox, _, Some((corners, crs))) => corners_of(xml, "wps:BoundingBoxData", &corners, crs),
            _ => xml.leaf("wps:ComplexData", &[("mimeType", JSON)], &json.to_string()),
        },
        OutputValue::File { bytes, media_type } => {
            let (content, encoding) = content_of(bytes, media_type);
            let media_type = media_type_in(Version::V1, media_type);
            let mut attributes = vec![("mimeType", media_type.as_str())];
            attributes.extend(encoding.map(|e| ("encoding", e)));
            xml.leaf("wps:ComplexData", &attributes, &content);
        }
        OutputValue::Reference { .. } => {}
    }
    xml.close();
}

fn head_2() -> [(&'static str, &'static str); 5] {
    [
        ("xmlns:wps", WPS2),
        ("xmlns:ows", OWS2),
        ("xmlns:xlink", XLINK),
        ("xmlns:xsi", XSI),
        ("xsi:schemaLocation", "http://www.opengis.net/wps/2.0 http://schemas.opengis.net/wps/2.0/wps.xsd"),
    ]
}

/// The StatusInfo of 2.0. Why a job failed is no part of it: GetResult tells by an exception.
pub fn status_info(job: &JobAnswer<'_>) -> String {
    let mut xml = Xml::document();
    xml.open("wps:StatusInfo", &head_2());
    xml.leaf("wps:JobID", &[], job.id);
    let status = match job.status {
        JobStatus::Accepted => "Accepted",
        JobStatus::Running => "Running",
        JobStatus::Successful => "Succeeded",
        JobStatus::Failed => "Failed",
        JobStatus::Dismissed => "Dismissed",
    };
    xml.leaf("wps:Status", &[], status);
    if let Some(expires) = job.expires {
        xml.leaf("wps:ExpirationDate", &[], &expires.to_string());
    }
    if let Some(percent) = job.progress.filter(|_| job.status == JobStatus::Running) {
        xml.leaf("wps:PercentCompleted", &[], &percent.min(99).to_string());
    }
    xml.finish()
}

/// The Result of 2.0.
pub fn result(job: &JobAnswer<'_>, process: &ProcessDescription) -> String {
    let mut xml = Xml::document();
    xml.open("wps:Result", &head_2());
    xml.leaf("wps:JobID", &[], job.id);
    if let Some(expires) = job.expires {
        xml.leaf("wps:ExpirationDate", &[], &expires.to_string());
    }
    for output in job.outputs {
        xml.open("wps:Output", &[("id", &output.name)]);
        let schema = process.outputs.get(&output.name).and_then(|o| o.get("schema")).unwrap_or(&Value::Null);
        match &output.value {
            OutputValue::Reference { href, media_type } => {
                xml.leaf("wps:Reference", &[("xlink:href", href), ("mimeType", media_type)], "");
            }
            OutputValue::File { bytes, media_type } => {
                let (content, encoding) = content_of(bytes, media_type);
                let mut attributes = vec![("mimeType", media_type.as_str())];
                attributes.extend(encoding.map(|e| ("encoding", e)));
                xml.leaf("wps:Data", &attributes, &content);
            }
            OutputValue::Json(json) => match (of_output(schema, Version::V2), text_of(json), bbox_of(json)) {
                (Kind::Literal { data_type, .. }, Some(text), _) => {
                    let data_type = format!("http://www.w3.org/2001/XMLSchema#{data_type}");
                    xml.open("wps:Data", &[("mimeType", "text/xml")]);
                    xml.leaf("wps:LiteralValue", &[("dataType", &data_type)], &text);
                    xml.close();
                }
                (Kind::Bbox, _, Some((corners, crs))) => {
                    xml.open("wps:Data", &[("mimeType", "text/xml")]);
                    corners_of(&mut xml, "ows:BoundingBox", &corners, crs);
                    xml.close();
                }
                _ => xml.leaf("wps:Data", &[("mimeType", JSON)], &json.to_string()),
            },
        }
        xml.close();
    }
    xml.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ogc::testing::description;
    use serde_json::json;

    fn outputs() -> Vec<OutputAnswer> {
        let output = |name: &str, value| OutputAnswer { name: name.to_owned(), value };
        vec![
            output("text", OutputValue::Json(json!("a < b"))),
            output("number", OutputValue::Json(json!(2.5))),
            output("bbox", OutputValue::Json(json!({"bbox": [1, 2, 3, 4.5], "crs": "EPSG:4326"}))),
            output("areas", OutputValue::Json(json!([1.5, 2]))),
            output(
                "classMap",
                OutputValue::Reference {
                    href: "http://x/a?b=1&c=2".into(),
                    media_type: crate::ogc::outputs::GEOTIFF.into(),
                },
            ),
            output(
                "table",
                OutputValue::File { bytes: b"a,b\n1,2\n".to_vec(), media_type: "text/csv".into() },
            ),
            output(
                "file",
                OutputValue::File { bytes: vec![0, 159, 146], media_type: "application/octet-stream".into() },
            ),
        ]
    }

    fn job(status: JobStatus, outputs: &[OutputAnswer]) -> JobAnswer<'_> {
        JobAnswer {
            id: "7",
            status,
            message: "",
            progress: Some(40),
            created: Some("2022-01-05T10:00:00Z".parse().unwrap()),
            expires: Some("2022-02-05T10:00:00Z".parse().unwrap()),
            exception: None,
            service: "http://localhost/wps",
            status_location: Some("http://localhost/wps/7.xml"),
            outputs,
        }
    }

    #[test]
    fn execute_responses_are_written() {
        let (process, outputs) = (description(), outputs());
        let input = |name: &str, input| (name.to_owned(), input);
        let request = WpsExecute {
            identifier: "demo".into(),
            inputs: vec![
                input("text", WpsInput::Text("a".into())),
                input("bbox", WpsInput::Bbox { corners: [1.0, 2.0, 3.0, 4.0], crs: None }),
                input("cube", WpsInput::Reference { href: "http://x".into(), media_type: None }),
            ],
            ..WpsExecute::default()
        };
        insta::assert_snapshot!(
            "succeeded_1",
            execute_response(&job(JobStatus::Successful, &outputs), &process, Some(&request))
        );
        insta::assert_snapshot!("started_1", execute_response(&job(JobStatus::Running, &[]), &process, None));
        insta::assert_snapshot!(
            "accepted_1",
            execute_response(&job(JobStatus::Accepted, &[]), &process, None)
        );
        let exception = Exception::invalid("radius", "is too great");
        let failed = JobAnswer { exception: Some(&exception), ..job(JobStatus::Failed, &[]) };
        insta::assert_snapshot!("failed_1", execute_response(&failed, &process, None));
    }

    #[test]
    fn status_and_result_of_2_0_are_written() {
        let outputs = outputs();
        insta::assert_snapshot!("status_2", status_info(&job(JobStatus::Running, &[])));
        insta::assert_snapshot!("result_2", result(&job(JobStatus::Successful, &outputs), &description()));
        assert!(status_info(&job(JobStatus::Successful, &[])).contains("<wps:Status>Succeeded<"));
    }
}
