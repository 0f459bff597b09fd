//! Landing page, conformance, and the list and descriptions of processes with their links.

use serde::Serialize;

use super::link::{Link, OPENAPI_JSON, rel};
use super::outputs::{HTML, JSON};
use super::{ProcessDescription, ProcessSummary, segment};

/// The conformance classes of OGC API - Processes 1.0.
pub const CONFORMANCE_1_0: [&str; 8] = [
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/ogc-process-description",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/job-list",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/callback",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/dismiss",
];

/// Those of the 2.0 draft that hold beside them.
pub const CONFORMANCE_2_0: [&str; 10] = [
    "https://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/ogc-process-description",
    "https://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/json",
    "https://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/html",
    "https://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/oas",
    "https://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/oas30",
    "https://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/job-list",
    "https://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/callback",
    "https://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/dismiss",
    "https://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/kvp-execute",
    "https://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/collection-output",
];

/// What the service declares to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Conformance {
    /// URIs of conformance classes.
    pub conforms_to: Vec<String>,
}

impl Conformance {
    /// The classes of OGC API - Processes, and `more` that other parts of the service add.
    pub fn new<'a>(more: impl IntoIterator<Item = &'a str>) -> Self {
        let own = CONFORMANCE_1_0.into_iter().chain(CONFORMANCE_2_0);
        Self { conforms_to: own.chain(more).map(str::to_owned).collect() }
    }
}

/// The landing page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LandingPage {
    /// The service's name.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// What a request may hold at most.
    pub limits: Limits,
    /// To everything else.
    pub links: Vec<Link>,
}

/// What clients need to know before they send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Megabytes (of 2^20 bytes) of a request's body.
    pub body_megabytes: usize,
}

impl LandingPage {
    /// The landing page of a service at `base` (without a slash at its end), with `more` links.
    pub fn new(title: &str, description: &str, base: &str, limits: Limits, more: Vec<Link>) -> Self {
        let mut links = vec![
            Link::new(format!("{base}/"), "self", JSON).titled("This document"),
            Link::new(format!("{base}/?f=html"), "alternate", HTML).titled("This document as a page"),
            Link::new(format!("{base}/api"), "service-desc", OPENAPI_JSON).titled("The API definition"),
            Link::new(format!("{base}/api?f=html"), "service-doc", HTML).titled("The API's documentation"),
            Link::new(format!("{base}/conformance"), rel::CONFORMANCE, JSON).titled("Conformance classes"),
            Link::new(format!("{base}/conformance"), "conformance", JSON).titled("Conformance classes"),
            Link::new(format!("{base}/processes"), rel::PROCESSES, JSON).titled("The processes"),
            Link::new(format!("{base}/jobs"), rel::JOBS, JSON).titled("The jobs"),
        ];
        links.extend(more);
        Self { title: title.to_owned(), description: description.to_owned(), limits, links }
    }
}

/// Something with links.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Linked<T> {
    /// The thing itself.
    #[serde(flatten)]
    pub item: T,
    /// Its links.
    pub links: Vec<Link>,
}

/// The list of processes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessList {
    /// What there is, each with a link to its description.
    pub processes: Vec<Linked<ProcessSummary>>,
    /// To itself and other pages.
    pub links: Vec<Link>,
}

impl ProcessList {
    /// The list of a service at `base`, with `more` links (`next`, `prev`).
    pub fn new(processes: impl IntoIterator<Item = ProcessSummary>, base: &str, more: Vec<Link>) -> Self {
        let mut links = vec![
            Link::new(format!("{base}/processes"), "self", JSON).titled("This document"),
            Link::new(format!("{base}/processes?f=html"), "alternate", HTML)
                .titled("This document as a page"),
        ];
        links.extend(more);
        let processes = processes.into_iter().map(|item| {
            let own = format!("{base}/processes/{}", segment(item.id));
            let links = vec![
                Link::new(own.clone(), "self", JSON).titled(format!("Description of {}", item.title)),
                Link::new(format!("{own}/execution"), rel::EXECUTE, JSON)
                    .titled(format!("Execute {}", item.title)),
            ];
            Linked { item, links }
        });
        Self { processes: processes.collect(), links }
    }
}

/// A process description with its links.
pub fn process_document(description: ProcessDescription, base: &str) -> Linked<ProcessDescription> {
    let own = format!("{base}/processes/{}", segment(description.summary.id));
    let jobs = format!("{base}/jobs?processID={}", segment(description.summary.id));
    let links = vec![
        Link::new(own.clone(), "self", JSON).titled("This document"),
        Link::new(format!("{own}?f=html"), "alternate", HTML).titled("This document as a page"),
        Link::new(format!("{own}/execution"), rel::EXECUTE, JSON).titled("Where it is executed"),
        Link::new(jobs, rel::JOBS, JSON).titled("Jobs of this process"),
        Link::new(format!("{base}/processes"), "up", JSON).titled("All processes"),
    ];
    Linked { item: description, links }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ogc::testing::description;
    use serde_json::{Value, json};

    fn rels(document: &Value) -> Vec<&str> {
        let links = document["links"].as_array().unwrap();
        links.iter().map(|l| l["rel"].as_str().unwrap()).collect()
    }

    #[test]
    fn the_landing_page_leads_everywhere() {
        let page = json!(LandingPage::new(
            "T",
            "D",
            "http://x",
            Limits { body_megabytes: 32 },
            vec![Link::new("http://x/wps", "related", "text/xml")]
        ));
        assert_eq!(page["limits"]["bodyMegabytes"], 32);
        for wanted in [
            "self",
            "alternate",
            "service-desc",
            "service-doc",
            rel::CONFORMANCE,
            rel::PROCESSES,
            rel::JOBS,
            "related",
        ] {
            assert!(rels(&page).contains(&wanted), "{wanted}");
        }
    }

    #[test]
    fn all_classes_are_declared() {
        let all = Conformance::new(["urn:more"]).conforms_to;
        for class in
            ["core", "ogc-process-description", "json", "html", "oas30", "job-list", "callback", "dismiss"]
        {
            let uri = format!("http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/{class}");
            assert!(all.contains(&uri), "{uri}");
        }
        assert_eq!(all.last().unwrap(), "urn:more");
        assert!(json!(Conformance::new([])).get("conformsTo").is_some());
    }

    #[test]
    fn a_process_is_linked_to_its_description_and_execution() {
        let list = json!(ProcessList::new([description().summary], "http://x", Vec::new()));
        assert_eq!(list["processes"][0]["id"], "demo");
        assert_eq!(list["processes"][0]["links"][0]["href"], "http://x/processes/demo");
        let document = json!(process_document(description(), "http://x"));
        assert_eq!(document["inputs"]["text"]["schema"]["type"], "string");
        assert!(rels(&document).contains(&rel::EXECUTE));
        assert_eq!(document["links"][2]["href"], "http://x/processes/demo/execution");
    }
}
