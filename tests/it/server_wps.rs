//! What WPS 2.0 (OGC 14-065, annex A) and WPS 1.0.0 (OGC 05-007r7) and their executable test suites demand,
//! restated: one test a requirement, its number in the comment. These are our tests, not the suites;
//! `docs/conformance.md` has the table.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use roxmltree::{Document, Node};
use tempfile::TempDir;

use crate::server::{Server, header};

const WPS1: &str = "http://www.opengis.net/wps/1.0.0";
const WPS2: &str = "http://www.opengis.net/wps/2.0";
const OWS1: &str = "http://www.opengis.net/ows/1.1";
const OWS2: &str = "http://www.opengis.net/ows/2.0";
/// The process that the suite of WPS 2.0 names in its requests.
const ECHO: &str = "org.n52.javaps.test.EchoProcess";

fn fresh() -> (TempDir, Server) {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[jobs]\nworkers = 2\n");
    (home, server)
}

struct Answer {
    status: u16,
    kind: String,
    text: String,
}

impl Answer {
    fn of((status, headers, text): (u16, Vec<(String, String)>, String)) -> Self {
        Self { status, kind: header(&headers, "content-type").to_owned(), text }
    }

    /// The answer as XML, of this root.
    fn xml<T>(&self, namespace: &str, root: &str, look: impl FnOnce(Node<'_, '_>) -> T) -> T {
        assert!(self.kind.starts_with("text/xml"), "{}: {}", self.kind, self.text);
        let document = Document::parse(&self.text).unwrap();
        let found = document.root_element();
        assert!(found.has_tag_name((namespace, root)), "{root}: {}", self.text);
        look(found)
    }

    /// Code and locator of an exception.
    fn exception(&self, namespace: &str) -> (String, String) {
        self.xml(namespace, "ExceptionReport", |root| {
            let exception = root.descendants().find(|n| n.has_tag_name((namespace, "Exception"))).unwrap();
            let attribute = |name| exception.attribute(name).unwrap_or_default().to_owned();
            assert!(!texts(exception, namespace, "ExceptionText")[0].is_empty());
            (attribute("exceptionCode"), attribute("locator"))
        })
    }
}

fn texts(node: Node<'_, '_>, namespace: &str, name: &str) -> Vec<String> {
    let found = node.descendants().filter(|n| n.has_tag_name((namespace, name)));
    found.map(|n| n.text().unwrap_or_default().trim().to_owned()).collect()
}

fn get(server: &Server, query: &str) -> Answer {
    Answer::of(server.call("GET", &format!("/wps?{query}"), &[], ""))
}

fn post(server: &Server, body: &str) -> Answer {
    Answer::of(server.call("POST", "/wps", &[("Content-Type", "application/xml")], body))
}

/// An Execute of 2.0.
fn execute_2(attributes: &str, inputs: &str, outputs: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><wps:Execute xmlns:wps="{WPS2}" xmlns:ows="{OWS2}"
        xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
        xsi:schemaLocation="http://www.opengis.net/wps/2.0 http://schemas.opengis.net/wps/2.0/wps.xsd"
        service="WPS" version="2.0.0" {attributes}><ows:Identifier>{ECHO}</ows:Identifier>{inputs}{outputs}</wps:Execute>"#
    )
}

fn literal(attributes: &str) -> String {
    let input = r#"<wps:Input id="literalInput"><wps:Data><wps:LiteralValue>hello_literal</wps:LiteralValue></wps:Data></wps:Input>"#;
    execute_2(attributes, input, r#"<wps:Output id="literalOutput" transmission="value"/>"#)
}

fn of_job(operation: &str, job: &str) -> String {
    format!(
        r#"<wps:{operation} xmlns:wps="{WPS2}" service="WPS" version="2.0.0"><wps:JobID>{job}</wps:JobID></wps:{operation}>"#
    )
}

fn started(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.xml(WPS2, "StatusInfo", |root| texts(root, WPS2, "JobID")[0].clone())
}

// WPS 2.0.

#[test] // A.4.1, A.4.3: the description, with each kind of data
fn the_suites_echo_is_described_with_literal_complex_and_box() {
    let (_home, server) = fresh();
    let described =
        get(&server, &format!("Service=WPS&Version=2.0.0&Request=DescribeProcess&Identifier={ECHO}"));
    described.xml(WPS2, "ProcessOfferings", |root| {
        let offering = root.first_element_child().unwrap();
        let words =
            |name: &str| offering.attribute(name).unwrap().split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words("jobControlOptions"), ["sync-execute", "async-execute", "dismiss"]);
        assert_eq!(words("outputTransmission"), ["value", "reference"]);
        for kind in ["LiteralData", "ComplexData", "BoundingBoxData"] {
            for place in ["Input", "Output"] {
                let members = root.descendants().filter(|n| n.has_tag_name((WPS2, place)));
                let with = members.filter(|m| m.children().any(|c| c.has_tag_name((WPS2, kind))));
                assert_eq!(with.count(), 1, "{kind} in {place}: {}", described.text);
            }
        }
    });
}

#[test] // the precondition of A.5, and A.5.3: input by value
fn the_suites_echo_hands_a_literal_and_xml_back() {
    let (_home, server) = fresh();
    assert!(post(&server, &literal(r#"response="raw" mode="sync""#)).text.contains("hello_literal"));
    let xml = r#"<wps:Input id="complexInput"><wps:Data><wps:ComplexData><testElement>hello_complex</testElement></wps:ComplexData></wps:Data></wps:Input>"#;
    let request = execute_2(
        r#"response="raw" mode="sync""#,
        xml,
        r#"<wps:Output id="complexOutput" transmission="value"/>"#,
    );
    let answer = post(&server, &request);
    assert!(answer.kind.starts_with("text/xml"), "{}", answer.kind);
    let document = Document::parse(&answer.text).unwrap();
    let found = document.descendants().find(|n| n.tag_name().name() == "testElement").unwrap();
    assert_eq!(found.text(), Some("hello_complex"));
}

#[test] // A.5.1, A.5.2: service name and version
fn another_service_or_version_is_refused_by_the_status_too() {
    let (_home, server) = fresh();
    assert_eq!(get(&server, "Service=WPS&Version=2.0.0&Request=GetCapabilities").status, 200);
    let other = get(&server, "Service=WMS&Version=2.0.0&Request=GetCapabilities");
    assert_eq!(
        (other.status, other.exception(OWS2)),
        (400, ("InvalidParameterValue".into(), "service".into()))
    );
    let newer = get(&server, "Service=WPS&Version=3.0.0&Request=GetCapabilities");
    assert_eq!((newer.status, newer.exception(OWS2).0), (400, "VersionNegotiationFailed".into()));
}

#[test] // A.5.5, A.5.6: output by value and by reference
fn an_output_comes_by_value_or_by_reference_as_it_is_asked_for() {
    let (_home, server) = fresh();
    let input = r#"<wps:Input id="literalInput"><wps:Data>hello</wps:Data></wps:Input>"#;
    let ask = |transmission: &str| {
        let output = format!(r#"<wps:Output id="literalOutput" transmission="{transmission}"/>"#);
        post(&server, &execute_2(r#"response="document" mode="sync""#, input, &output))
    };
    ask("value").xml(WPS2, "Result", |root| {
        assert_eq!(texts(root, WPS2, "LiteralValue"), ["hello"]);
        let output = root.descendants().find(|n| n.has_tag_name((WPS2, "Output"))).unwrap();
        assert_eq!(output.attribute("id"), Some("literalOutput"));
    });
    let href = ask("reference").xml(WPS2, "Result", |root| {
        let link = root.descendants().find(|n| n.has_tag_name((WPS2, "Reference"))).unwrap();
        link.attribute(("http://www.w3.org/1999/xlink", "href")).unwrap().to_owned()
    });
    assert_eq!(server.get(href.strip_prefix(&server.base).unwrap()).1, "hello");
}

#[test] // A.5.7: unique identifiers of processes, of ALL
fn every_process_has_an_identifier_of_its_own() {
    let (_home, server) = fresh();
    let all = get(&server, "Service=WPS&Version=2.0.0&Request=DescribeProcess&Identifier=ALL");
    let ids = all.xml(WPS2, "ProcessOfferings", |root| {
        let processes = root.descendants().filter(|n| n.has_tag_name((WPS2, "Process")));
        processes
            .map(|p| {
                p.children()
                    .find(|c| c.has_tag_name((OWS2, "Identifier")))
                    .unwrap()
                    .text()
                    .unwrap()
                    .to_owned()
            })
            .collect::<Vec<_>>()
    });
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), rededge::process::registry().len());
    assert_eq!(ids.len(), rededge::process::registry().len());
}

#[test] // A.5.8: unique identifiers of jobs
fn every_job_has_an_identifier_of_its_own() {
    let (_home, server) = fresh();
    let jobs: BTreeSet<String> =
        (0..6).map(|_| started(&post(&server, &literal(r#"response="document" mode="async""#)))).collect();
    assert_eq!(jobs.len(), 6);
}

#[test] // A.5.9, A.5.16: GetCapabilities
fn capabilities_come_by_post_and_by_keys_of_any_case() {
    let (_home, server) = fresh();
    let body = format!(
        r#"<wps:GetCapabilities xmlns:wps="{WPS2}" xmlns:ows="{OWS2}" service="WPS"><ows:AcceptVersions><ows:Version>2.0.0</ows:Version></ows:AcceptVersions></wps:GetCapabilities>"#
    );
    for answer in [
        post(&server, &body),
        get(&server, "SERVICE=WPS&VERSION=2.0.0&REQUEST=GetCapabilities"),
        get(&server, "service=WPS&version=2.0.0&request=GetCapabilities&odd=key"),
    ] {
        assert_eq!(answer.status, 200);
        answer.xml(WPS2, "Capabilities", |root| {
            let operations: Vec<_> = root
                .descendants()
                .filter(|n| n.has_tag_name((OWS2, "Operation")))
                .filter_map(|n| n.attribute("name"))
                .collect();
            assert_eq!(
                operations,
                ["GetCapabilities", "DescribeProcess", "Execute", "GetStatus", "GetResult", "Dismiss"]
            );
            assert_eq!(
                root.descendants().filter(|n| n.has_tag_name((WPS2, "ProcessSummary"))).count(),
                rededge::process::registry().len()
            );
        });
    }
}

#[test] // A.5.10, A.5.17: DescribeProcess
fn descriptions_come_by_post_and_by_keys_of_any_case() {
    let (_home, server) = fresh();
    let body = format!(
        r#"<wps:DescribeProcess xmlns:wps="{WPS2}" xmlns:ows="{OWS2}" service="WPS" version="2.0.0"><ows:Identifier>rice-map</ows:Identifier></wps:DescribeProcess>"#
    );
    for answer in [
        post(&server, &body),
        get(&server, "SERVICE=WPS&VERSION=2.0.0&REQUEST=DescribeProcess&IDENTIFIER=rice-map"),
        get(&server, "service=WPS&version=2.0.0&request=DescribeProcess&identifier=rice-map"),
    ] {
        answer.xml(WPS2, "ProcessOfferings", |root| {
            assert!(texts(root, OWS2, "Identifier").contains(&"rice-map".to_owned()));
        });
    }
    let unknown = get(&server, "service=WPS&version=2.0.0&request=DescribeProcess&identifier=nothing");
    assert_eq!((unknown.status, unknown.exception(OWS2).0), (400, "NoSuchProcess".into()));
}

#[test] // A.5.11: synchronous execution
fn a_synchronous_execution_is_a_result_or_the_raw_output() {
    let (_home, server) = fresh();
    post(&server, &literal(r#"response="document" mode="sync""#)).xml(WPS2, "Result", |root| {
        assert_eq!(texts(root, WPS2, "LiteralValue"), ["hello_literal"]);
    });
    let raw = post(&server, &literal(r#"response="raw" mode="sync""#));
    assert_eq!((raw.status, raw.text.as_str()), (200, "hello_literal"));
    assert_eq!(raw.kind, "text/plain; charset=utf-8");
}

#[test] // A.5.12, A.5.13: asynchronous execution, and as the server likes
fn an_asynchronous_execution_is_a_status_whatever_its_response() {
    let (_home, server) = fresh();
    for response in ["document", "raw"] {
        started(&post(&server, &literal(&format!(r#"response="{response}" mode="async""#))));
        assert_eq!(post(&server, &literal(&format!(r#"response="{response}" mode="auto""#))).status, 200);
    }
}

#[test] // A.5.14, A.5.18: GetStatus
fn the_status_of_a_job_comes_by_post_and_by_keys_of_any_case() {
    let (_home, server) = fresh();
    let job = started(&post(&server, &literal(r#"response="document" mode="async""#)));
    for answer in [
        post(&server, &of_job("GetStatus", &job)),
        get(&server, &format!("SERVICE=WPS&VERSION=2.0.0&REQUEST=GetStatus&JOBID={job}")),
        get(&server, &format!("service=WPS&version=2.0.0&request=GetStatus&jobid={job}")),
    ] {
        // Asked at once: a short job is waited for.
        answer.xml(WPS2, "StatusInfo", |root| assert_eq!(texts(root, WPS2, "Status"), ["Succeeded"]));
    }
}

#[test] // A.5.15, A.5.19: GetResult
fn the_result_of_a_job_comes_by_post_and_by_keys_of_any_case() {
    let (_home, server) = fresh();
    for response in ["document", "raw"] {
        let job = started(&post(&server, &literal(&format!(r#"response="{response}" mode="async""#))));
        for answer in [
            post(&server, &of_job("GetResult", &job)),
            get(&server, &format!("SERVICE=WPS&VERSION=2.0.0&REQUEST=GetResult&JOBID={job}")),
        ] {
            answer
                .xml(WPS2, "Result", |root| assert_eq!(texts(root, WPS2, "LiteralValue"), ["hello_literal"]));
        }
    }
}

#[test] // 14-065, 10.4: NoSuchJob, ResultNotReady; 10.5: Dismiss
fn a_job_is_dismissed_and_its_exceptions_are_those_of_the_standard() {
    let (_home, server) = fresh();
    let long = format!(
        r#"<wps:Execute xmlns:wps="{WPS2}" xmlns:ows="{OWS2}" service="WPS" version="2.0.0" mode="async"><ows:Identifier>echo</ows:Identifier>
        <wps:Input id="text"><wps:Data>a</wps:Data></wps:Input><wps:Input id="pause"><wps:Data>600</wps:Data></wps:Input></wps:Execute>"#
    );
    let job = started(&post(&server, &long));
    let early = post(&server, &of_job("GetResult", &job));
    assert_eq!((early.status, early.exception(OWS2).0), (400, "ResultNotReady".into()));
    let start = Instant::now();
    for answer in [
        post(&server, &of_job("Dismiss", &job)),
        get(&server, &format!("service=WPS&version=2.0.0&request=GetStatus&jobid={job}")),
    ] {
        answer.xml(WPS2, "StatusInfo", |root| assert_eq!(texts(root, WPS2, "Status"), ["Dismissed"]));
    }
    assert!(start.elapsed() < Duration::from_secs(2));
    for operation in ["GetStatus", "GetResult", "Dismiss"] {
        let (code, locator) = post(&server, &of_job(operation, "none")).exception(OWS2);
        assert_eq!((code.as_str(), locator.as_str()), ("NoSuchJob", "JobID"), "{operation}");
    }
}

#[test] // 14-065, 9.7: a job that failed tells by GetResult why
fn a_failed_job_tells_which_input_was_wrong() {
    let (_home, server) = fresh();
    let request = format!(
        r#"<wps:Execute xmlns:wps="{WPS2}" xmlns:ows="{OWS2}" service="WPS" version="2.0.0" mode="async"><ows:Identifier>mine-heatmap</ows:Identifier>
        <wps:Input id="mines"><wps:Data>no-such-name</wps:Data></wps:Input></wps:Execute>"#
    );
    let job = started(&post(&server, &request));
    post(&server, &of_job("GetStatus", &job))
        .xml(WPS2, "StatusInfo", |root| assert_eq!(texts(root, WPS2, "Status"), ["Failed"]));
    assert_eq!(
        post(&server, &of_job("GetResult", &job)).exception(OWS2),
        ("InvalidParameterValue".into(), "mines".into())
    );
}

// WPS 1.0.0.

#[test] // A.4.1.2: what is no request is told by the status and a report
fn a_post_without_a_request_is_a_report_with_an_error_status() {
    let (_home, server) = fresh();
    for path in [
        "/wps?service=wps&version=1.0.0&request=GetCapabilities",
        "/wps?service=wps&request=DescribeProcess&Version=1.0.0",
    ] {
        let answer = Answer::of(server.call("POST", path, &[], ""));
        assert_eq!(answer.status, 400);
        answer.exception(OWS1);
    }
}

#[test] // A.4.2.1 to A.4.2.4: GetCapabilities
fn capabilities_of_1_0_are_negotiated() {
    let (_home, server) = fresh();
    for query in [
        "service=wps&request=GetCapabilities&AcceptVersions=1.0.0",
        "service=wps&request=GetCapabilities&aCcepTVersioNS=1.0.0",
        "service=WPS&request=getcapabilities&acceptversions=0.4.0,1.0.0,2.0.0&language=en",
    ] {
        get(&server, query).xml(WPS1, "Capabilities", |root| {
            assert_eq!(root.attribute("version"), Some("1.0.0"));
            assert_eq!(texts(root, OWS1, "Language"), ["en", "en"]);
            assert_eq!(
                root.descendants().filter(|n| n.has_tag_name((WPS1, "Process"))).count(),
                rededge::process::registry().len()
            );
        });
    }
    for wrong in ["3.0.0", "0.0.1"] {
        let answer = get(&server, &format!("service=wps&request=GetCapabilities&AcceptVersions={wrong}"));
        // The suite and clients of 1.0 read reports from good answers only.
        assert_eq!((answer.status, answer.exception(OWS1).0), (200, "VersionNegotiationFailed".into()));
    }
    let wrong = format!(r#"<wps:getcapabilities service="WPS" xmlns:wps="{WPS1}"/>"#);
    post(&server, &wrong).exception(OWS1);
}

#[test] // A.4.3.1 to A.4.3.4: DescribeProcess
fn descriptions_of_1_0_come_by_keys_and_by_post_in_their_language() {
    let (_home, server) = fresh();
    let body = format!(
        r#"<wps:DescribeProcess service="WPS" version="1.0.0" xmlns:wps="{WPS1}" xmlns:ows="{OWS1}"><ows:Identifier>ALL</ows:Identifier></wps:DescribeProcess>"#
    );
    for answer in [
        post(&server, &body),
        get(&server, "service=wps&version=1.0.0&request=DescribeProcess&Identifier=ALL&language=en"),
    ] {
        answer.xml(WPS1, "ProcessDescriptions", |root| {
            assert_eq!(root.attribute(("http://www.w3.org/XML/1998/namespace", "lang")), Some("en"));
            assert_eq!(root.children().filter(Node::is_element).count(), rededge::process::registry().len());
        });
    }
    let missing = get(&server, "service=wps&version=1.0.0&request=DescribeProcess");
    assert_eq!(missing.exception(OWS1), ("MissingParameterValue".into(), "Identifier".into()));
}

#[test] // A.4.4.1, A.4.4.3, A.4.4.6: Execute by keys, raw, in a language
fn an_execution_by_keys_is_a_response_or_the_raw_output() {
    let (_home, server) = fresh();
    let done = get(
        &server,
        "service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=text=abc;number=2.5;list=1;list=2&Language=en-US",
    );
    done.xml(WPS1, "ExecuteResponse", |root| {
        assert_eq!(root.descendants().filter(|n| n.has_tag_name((WPS1, "ProcessSucceeded"))).count(), 1);
        assert_eq!(texts(root, WPS1, "LiteralData"), ["abc", "2.5"]);
        assert_eq!(texts(root, WPS1, "ComplexData"), ["[1.0,2.0]"]);
    });
    let raw = get(
        &server,
        "service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=text=abc&RawDataOutput=text",
    );
    assert_eq!((raw.status, raw.text.as_str()), (200, "abc"));
}

#[test] // A.4.4.2, A.4.4.4: Execute by post, lineage, boxes
fn an_execution_by_post_repeats_its_inputs_where_it_is_asked_to() {
    let (_home, server) = fresh();
    let body = format!(
        r#"<wps:Execute service="WPS" version="1.0.0" xmlns:wps="{WPS1}" xmlns:ows="{OWS1}"><ows:Identifier>echo</ows:Identifier><wps:DataInputs>
        <wps:Input><ows:Identifier>text</ows:Identifier><wps:Data><wps:LiteralData>a &lt; b</wps:LiteralData></wps:Data></wps:Input>
        <wps:Input><ows:Identifier>bbox</ows:Identifier><wps:Data><wps:BoundingBoxData crs="EPSG:4326" dimensions="2"><ows:LowerCorner>1 2</ows:LowerCorner><ows:UpperCorner>3 4</ows:UpperCorner></wps:BoundingBoxData></wps:Data></wps:Input>
        <wps:Input><ows:Identifier>object</ows:Identifier><wps:Data><wps:ComplexData mimeType="application/json">{{"a": 1}}</wps:ComplexData></wps:Data></wps:Input>
        </wps:DataInputs><wps:ResponseForm><wps:ResponseDocument lineage="true"/></wps:ResponseForm></wps:Execute>"#
    );
    post(&server, &body).xml(WPS1, "ExecuteResponse", |root| {
        let part = |name| root.children().find(|n| n.has_tag_name((WPS1, name))).unwrap();
        for name in ["DataInputs", "ProcessOutputs"] {
            assert_eq!(texts(part(name), WPS1, "LiteralData"), ["a < b"], "{name}");
            assert_eq!(texts(part(name), OWS1, "UpperCorner").len(), 1, "{name}");
        }
        assert_eq!(texts(part("ProcessOutputs"), WPS1, "ComplexData"), [r#"{"a":1}"#]);
        assert_eq!(root.children().filter(|n| n.has_tag_name((WPS1, "OutputDefinitions"))).count(), 1);
    });
}

#[test] // A.4.4.5: the response document that is updated
fn a_stored_response_is_followed_at_its_location() {
    let (_home, server) = fresh();
    let query = "service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=text=abc;pause=1.5&storeExecuteResponse=true&status=true";
    let location =
        get(&server, query).xml(WPS1, "ExecuteResponse", |root| {
            assert!(root.descendants().any(
                |n| n.has_tag_name((WPS1, "ProcessAccepted")) || n.has_tag_name((WPS1, "ProcessStarted"))
            ));
            root.attribute("statusLocation").unwrap().to_owned()
        });
    let (path, start, mut percents) =
        (location.strip_prefix(&server.base).unwrap(), Instant::now(), Vec::new());
    loop {
        let answer = Answer::of(server.call("GET", path, &[], ""));
        let over = answer.xml(WPS1, "ExecuteResponse", |root| {
            assert_eq!(root.attribute("statusLocation"), Some(location.as_str()));
            let running = root.descendants().find(|n| n.has_tag_name((WPS1, "ProcessStarted")));
            percents.extend(running.and_then(|n| n.attribute("percentCompleted")?.parse::<u8>().ok()));
            texts(root, WPS1, "LiteralData") == ["abc"]
        });
        if over {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(30));
    }
    assert!(percents.is_sorted() && percents.iter().any(|p| (1..100).contains(p)), "{percents:?}");
}

#[test] // the GeoTIFF as clients of 1.0 know it; vectors as GML
fn maps_are_advertised_and_answered_as_geotiff_of_1_0_and_gml_is_taken() {
    let (_home, server) = fresh();
    let described = get(&server, "service=WPS&version=1.0.0&request=DescribeProcess&identifier=mine-heatmap");
    described.xml(WPS1, "ProcessDescriptions", |root| {
        let formats: Vec<_> = root
            .descendants()
            .filter(|n| n.tag_name().name() == "MimeType")
            .filter_map(|n| n.text())
            .collect();
        assert!(
            formats.contains(&"image/tiff; subtype=geotiff") && formats.iter().any(|f| f.contains("gml")),
            "{formats:?}"
        );
    });
    let body = format!(
        r#"<wps:Execute service="WPS" version="1.0.0" xmlns:wps="{WPS1}" xmlns:ows="{OWS1}"><ows:Identifier>mine-heatmap</ows:Identifier><wps:DataInputs>
        <wps:Input><ows:Identifier>mines</ows:Identifier><wps:Data><wps:ComplexData mimeType="application/geo+json">{{"type": "Point", "coordinates": [113.0, 27.9]}}</wps:ComplexData></wps:Data></wps:Input>
        </wps:DataInputs><wps:ResponseForm><wps:ResponseDocument><wps:Output asReference="true" mimeType="image/tiff; subtype=geotiff"><ows:Identifier>density</ows:Identifier></wps:Output></wps:ResponseDocument></wps:ResponseForm></wps:Execute>"#
    );
    post(&server, &body).xml(WPS1, "ExecuteResponse", |root| {
        let link = root
            .descendants()
            .find(|n| n.has_tag_name((WPS1, "Reference")))
            .unwrap_or_else(|| panic!("{root:?}"));
        assert_eq!(link.attribute("mimeType"), Some("image/tiff; subtype=geotiff"));
        let href = link.attribute("href").unwrap().strip_prefix(&server.base).unwrap();
        assert!(server.call("GET", href, &[], "").2.starts_with("II"));
    });
}

// Both: what must not be read.

#[test] // promise 3 of the design: DOCTYPE, depth, size
fn xml_that_would_do_harm_is_refused() {
    let (_home, server) = fresh();
    let entity = format!(
        r#"<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><wps:GetStatus xmlns:wps="{WPS2}" service="WPS" version="2.0.0"><wps:JobID>&e;</wps:JobID></wps:GetStatus>"#
    );
    let laughs = r#"<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>"#;
    let start = Instant::now();
    for (bad, why) in [
        (entity.as_str(), "DOCTYPE"),
        (laughs, "DOCTYPE"),
        (&"<a>".repeat(200_000), "too deep"),
        ("<a", "well-formed"),
        ("", "well-formed"),
    ] {
        let answer = post(&server, bad);
        assert!(
            answer.status == 400 && answer.text.contains(why) && !answer.text.contains("root:"),
            "{why}: {}",
            answer.text
        );
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    let (status, _, text) =
        server.call("POST", "/wps", &[("Content-Type", "text/xml")], &"x".repeat(33 << 20));
    assert_eq!(status, 413, "{text}");
}

#[test]
fn the_page_on_conformance_tells_of_every_test() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/conformance.md")).unwrap();
    let test = regex::Regex::new(r"(?m)^#\[test\][^\n]*\n(?:\s*//[^\n]*\n)*fn (\w+)").unwrap();
    for source in [include_str!("server_ogcapi_processes.rs"), include_str!("server_wps.rs")] {
        for found in test.captures_iter(source) {
            let told = page.contains(&format!("`{}`", &found[1])) || found[1].starts_with("the_page_on_");
            assert!(told, "{} does not stand in docs/conformance.md", &found[1]);
        }
    }
}
