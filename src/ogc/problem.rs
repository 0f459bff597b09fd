//! Problem documents (RFC 9457) with the exception types of OGC API - Processes.

use serde::{Serialize, Serializer};

/// Media type of a problem, where the caller lists it; plain JSON otherwise.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What kind of problem it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProblemType {
    /// No process has the id of the path.
    NoSuchProcess,
    /// No job has the id of the path.
    NoSuchJob,
    /// The process has no output of this name (2.0 draft).
    NoSuchOutput,
    /// The job still runs.
    ResultNotReady,
    /// The job is done and left nothing, as it failed or was dismissed (2.0 draft).
    ResultNotAvailable,
    /// No collection can be made of the outputs that are asked for (2.0 draft).
    CollectionOutputUnsupported,
    /// A parameter of the query is unknown or has a value that cannot be.
    InvalidQueryParameterValue,
    /// An input, or another member of a request's body, is wrong.
    InvalidParameterValue,
    /// Nothing more than what the title says.
    #[default]
    Plain,
}

impl ProblemType {
    /// Every type.
    pub const ALL: [Self; 9] = [
        Self::NoSuchProcess,
        Self::NoSuchJob,
        Self::NoSuchOutput,
        Self::ResultNotReady,
        Self::ResultNotAvailable,
        Self::CollectionOutputUnsupported,
        Self::InvalidQueryParameterValue,
        Self::InvalidParameterValue,
        Self::Plain,
    ];

    /// The URI that stands in the document.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::NoSuchProcess => {
                "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-process"
            }
            Self::NoSuchJob => "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-job",
            Self::NoSuchOutput => {
                "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-output"
            }
            Self::ResultNotReady => {
                "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/result-not-ready"
            }
            Self::ResultNotAvailable => {
                "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/result-not-available"
            }
            Self::CollectionOutputUnsupported => {
                "https://www.opengis.net/def/exceptions/ogcapi-processes-1/2.0/collection-output-unsupported"
            }
            Self::InvalidQueryParameterValue => {
                "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/invalid-query-parameter-value"
            }
            Self::InvalidParameterValue => {
                "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/invalid-parameter-value"
            }
            Self::Plain => "about:blank",
        }
    }

    /// A title where none other is given.
    pub const fn title(self) -> &'static str {
        match self {
            Self::NoSuchProcess => "No such process",
            Self::NoSuchJob => "No such job",
            Self::NoSuchOutput => "No such output",
            Self::ResultNotReady => "Result not ready",
            Self::ResultNotAvailable => "Result not available",
            Self::CollectionOutputUnsupported => "No collection can be made",
            Self::InvalidQueryParameterValue => "Invalid query parameter",
            Self::InvalidParameterValue => "Invalid input",
            Self::Plain => "Problem",
        }
    }
}

impl Serialize for ProblemType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.uri())
    }
}

/// A problem document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The kind.
    #[serde(rename = "type")]
    pub kind: ProblemType,
    /// The kind in words: the same for each occurrence.
    pub title: String,
    /// The protocol's number for it, set by who answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What is wrong here, and the way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The occurrence: the path of the request or the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Path of the input or parameter that is wrong, such as `validation.fractions[1]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// All inputs that are wrong, where several are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<InputProblem>,
}

/// One of several inputs that are wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputProblem {
    /// Its path.
    pub input: String,
    /// What is wrong, and the way out.
    pub detail: String,
}

impl Problem {
    /// A problem of a kind, with the kind's title.
    pub fn new(kind: ProblemType) -> Self {
        Self { kind, title: kind.title().to_owned(), ..Self::default() }
    }

    /// A problem that only has a title.
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// A wrong input: its path and what is wrong with it.
    pub fn input(path: impl Into<String>, detail: impl Into<String>) -> Self {
        let path = path.into();
        let problem = Self::new(ProblemType::InvalidParameterValue).detail(detail);
        if path.is_empty() { problem } else { Self { input: Some(path), ..problem } }
    }

    /// A wrong parameter of the query.
    pub fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        let kind = ProblemType::InvalidQueryParameterValue;
        Self { input: Some(name.into()), ..Self::new(kind).detail(detail) }
    }

    /// With what is wrong here.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With the occurrence.
    pub fn instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// With the protocol's number.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn a_problem_is_an_object_with_the_uri_of_its_type() {
        let problem = Problem::new(ProblemType::NoSuchJob)
            .detail("no job has the id `x`")
            .instance("/jobs/x")
            .status(404);
        assert_eq!(
            json!(problem),
            json!({
                "type": "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-job",
                "title": "No such job", "status": 404, "detail": "no job has the id `x`", "instance": "/jobs/x"
            })
        );
        assert_eq!(
            json!(Problem::titled("Too many requests")),
            json!({"type": "about:blank", "title": "Too many requests"})
        );
        assert_eq!(json!(Problem::input("cube[1]", "is required"))["input"], "cube[1]");
        assert_eq!(json!(Problem::input("", "no JSON")).get("input"), None);
        assert_eq!(json!(Problem::parameter("limit", "x"))["input"], "limit");
    }

    #[test]
    fn no_two_types_share_a_uri() {
        let uris: BTreeSet<_> = ProblemType::ALL.iter().map(|t| t.uri()).collect();
        assert_eq!(uris.len(), ProblemType::ALL.len());
    }
}
