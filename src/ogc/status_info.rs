//! What is told of jobs: statusInfo of OGC API - Processes 1.0 and of the 2.0 draft in one
//! object, and the list of jobs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Link, Problem};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// It waits.
    Accepted,
    /// It runs.
    Running,
    /// It is done.
    Successful,
    /// It ended without a result.
    Failed,
    /// Its owner stopped it.
    Dismissed,
}

impl JobStatus {
    /// Every status, in the order in which a job may pass them.
    pub const ALL: [Self; 5] =
        [Self::Accepted, Self::Running, Self::Successful, Self::Failed, Self::Dismissed];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Running => "running",
            Self::Successful => "successful",
            Self::Failed => "failed",
            Self::Dismissed => "dismissed",
        }
    }

    /// Whether nothing more will happen.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Successful | Self::Failed | Self::Dismissed)
    }
}

impl std::fmt::Display for JobStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for JobStatus {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == word);
        found.ok_or_else(|| {
            let hint = super::words::hint(word, Self::ALL.iter().map(|s| s.as_str()));
            format!("`{word}` is no status of a job{hint}")
        })
    }
}

/// The status of a job. 1.0 calls its id `jobID`, the draft `id`: both stand here.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatusInfo {
    #[serde(rename = "jobID")]
    job_id: String,
    id: String,
    /// Id of the process.
    #[serde(rename = "processID")]
    pub process_id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Where the job stands.
    pub status: JobStatus,
    /// For a reader: the step it is at, or why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it failed, for a program (draft).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<Problem>,
    /// The execute request, or a link to it (draft).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
    /// When it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When work on it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended, in whatever way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// When any of this changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
    /// 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<u8>,
    /// Whether its results are those of an earlier job that asked for the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// To itself, its results, its log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
}

impl StatusInfo {
    /// The status of a job, with nothing else told yet.
    pub fn new(id: impl Into<String>, process_id: impl Into<String>, status: JobStatus) -> Self {
        let id = id.into();
        Self {
            job_id: id.clone(),
            id,
            process_id: process_id.into(),
            kind: "process",
            status,
            message: None,
            exception: None,
            request: None,
            created: None,
            started: None,
            finished: None,
            updated: None,
            progress: None,
            cached: false,
            links: Vec::new(),
        }
    }

    /// The job's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Percent done.
    pub fn progress(&self) -> Option<u8> {
        self.progress
    }

    /// With percent done; more than 100 is 100.
    pub fn with_progress(mut self, percent: u8) -> Self {
        self.progress = Some(percent.min(100));
        self
    }

    /// With the usual links: itself, the results once there are some, the log, the list of jobs.
    /// `base` is the service's address without a slash at its end.
    pub fn with_links(mut self, base: &str) -> Self {
        let own = format!("{base}/jobs/{}", super::segment(&self.id));
        let json = super::outputs::JSON;
        self.links.push(Link::new(own.clone(), "self", json).titled("This job"));
        self.links
            .push(Link::new(format!("{own}?f=html"), "alternate", "text/html").titled("This job as a page"));
        if self.status == JobStatus::Successful {
            let results = Link::new(format!("{own}/results"), super::link::rel::RESULTS, json);
            self.links.push(results.titled("Results of this job"));
        }
        self.links.push(Link::new(format!("{own}/log"), "related", json).titled("Log of this job"));
        self.links.push(Link::new(format!("{base}/jobs"), "up", json).titled("All jobs"));
        self
    }
}

/// A page of the list of jobs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobList {
    /// The jobs of this page.
    pub jobs: Vec<StatusInfo>,
    /// `self`, `next`, `prev`.
    pub links: Vec<Link>,
    /// Jobs that the filters let through, on all pages.
    pub number_matched: u64,
    /// Jobs on this page.
    pub number_returned: u64,
}

impl JobList {
    /// A page of jobs.
    pub fn new(jobs: Vec<StatusInfo>, number_matched: u64, links: Vec<Link>) -> Self {
        let number_returned = jobs.len() as u64;
        Self { jobs, links, number_matched, number_returned }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_object_serves_both_dialects() {
        let mut info = StatusInfo::new("7", "echo", JobStatus::Running).with_progress(140);
        info.created = Some("2022-01-05T10:00:00Z".parse().unwrap());
        let written = json!(info);
        assert_eq!(
            written,
            json!({
                "jobID": "7", "id": "7", "processID": "echo", "type": "process", "status": "running",
                "created": "2022-01-05T10:00:00Z", "progress": 100
            })
        );
    }

    #[test]
    fn results_are_linked_once_there_are_some() {
        let rels = |status| {
            let info = StatusInfo::new("a b", "echo", status).with_links("http://x");
            info.links.into_iter().map(|l| l.rel).collect::<Vec<_>>()
        };
        assert!(!rels(JobStatus::Running).iter().any(|r| r.ends_with("/results")));
        assert!(rels(JobStatus::Successful).iter().any(|r| r.ends_with("/results")));
        let info = StatusInfo::new("a b", "echo", JobStatus::Accepted).with_links("http://x");
        assert_eq!(info.links[0].href, "http://x/jobs/a%20b");
    }

    #[test]
    fn words_and_statuses_agree() {
        for status in JobStatus::ALL {
            assert_eq!(json!(status), status.as_str());
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("runing".parse::<JobStatus>().unwrap_err().contains("did you mean `running`"));
        assert!(JobStatus::Dismissed.is_over() && !JobStatus::Accepted.is_over());
        let list = JobList::new(vec![StatusInfo::new("1", "echo", JobStatus::Failed)], 12, Vec::new());
        assert_eq!(json!(list)["numberMatched"], 12);
        assert_eq!(json!(list)["numberReturned"], 1);
    }
}
