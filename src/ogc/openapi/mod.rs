//! The OpenAPI 3.0 document of the service, from the descriptions of its processes and the list
//! of what is served.

mod answers;
mod data;
mod features;
mod maps;
mod schemas;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::answers::{answers, pages};
use self::schemas::{component_schemas, dialect, example_of_inputs, execute_schema};
use super::coerce::takes_text;
use super::{JobStatus, ProcessDescription};

/// A part of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `/`
    Landing,
    /// `/conformance`
    Conformance,
    /// `/api`
    Api,
    /// `/processes` and `/processes/{processID}`
    Processes,
    /// `POST /processes/{processID}/execution`
    Execution,
    /// `GET /processes/{processID}/execution`
    KvpExecution,
    /// `/jobs` and `/jobs/{jobID}`
    Jobs,
    /// `/jobs/{jobID}/results`
    Results,
    /// `/jobs/{jobID}/results/{outputID}`
    Output,
    /// `/jobs/{jobID}/log`
    Log,
    /// `/health`
    Health,
    /// `/metrics`
    Metrics,
    /// `/collections` and `/collections/{collectionId}`
    Collections,
    /// Tile matrix sets, tiles and maps.
    Tiles,
    /// Styles and legends.
    Styles,
    /// Values of rasters.
    Values,
    /// `/collections/{collectionId}/items` and what tells how to ask for them
    Features,
    /// `/collections/{collectionId}/tiles`
    VectorTiles,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 18] = [
        Self::Landing,
        Self::Conformance,
        Self::Api,
        Self::Processes,
        Self::Execution,
        Self::KvpExecution,
        Self::Jobs,
        Self::Results,
        Self::Output,
        Self::Log,
        Self::Health,
        Self::Metrics,
        Self::Collections,
        Self::Tiles,
        Self::Styles,
        Self::Values,
        Self::Features,
        Self::VectorTiles,
    ];
}

/// What the document is made from.
#[derive(Clone, Debug)]
pub struct OpenApi<'a> {
    /// The service's name.
    pub title: &'a str,
    /// What it is for.
    pub description: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Its address, without a slash at its end.
    pub base: &'a str,
    /// What it runs.
    pub processes: &'a [ProcessDescription],
    /// What it serves.
    pub parts: &'a [Part],
    /// Whether it asks for keys or tokens.
    pub secured: bool,
    /// Execute requests to show, by process; one is made from the description where none is given.
    pub examples: &'a BTreeMap<String, Value>,
    /// Most jobs or processes on a page.
    pub page_limit: u64,
}

impl OpenApi<'_> {
    /// The document.
    pub fn document(&self) -> Value {
        let mut document = json!({
            "openapi": "3.0.3",
            "info": {
                "title": self.title, "description": self.description, "version": self.version,
                "license": {"name": "MIT OR Apache-2.0"}
            },
            "servers": [{"url": self.base}],
            "tags": [
                {"name": "Capabilities", "description": "What the service is and holds."},
                {"name": "Processes", "description": "What it can run."},
                {"name": "Jobs", "description": "What it runs and ran."},
                {"name": "Data", "description": "Results and data as layers."},
                {"name": "Maps", "description": "Tiles, styles and values of layers."},
                {"name": "Operation", "description": "How it fares."}
            ],
            "paths": self.paths(),
            "components": {"schemas": component_schemas(), "responses": answers::components()}
        });
        if self.secured {
            document["components"]["securitySchemes"] = json!({
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}
            });
            document["security"] = json!([{"bearer": []}, {"key": []}]);
        }
        document
    }

    fn serves(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    fn paths(&self) -> Map<String, Value> {
        let mut paths = Map::new();
        let mut put = |part: Part, path: &str, item: Value| {
            if self.serves(part) {
                paths.insert(path.to_owned(), item);
            }
        };
        put(
            Part::Landing,
            "/",
            json!({"get": page("getLandingPage", "Capabilities", "Landing page", "LandingPage", "")}),
        );
        put(
            Part::Conformance,
            "/conformance",
            json!({"get": page("getConformance", "Capabilities", "Conformance classes", "Conformance", "")}),
        );
        put(Part::Api, "/api", api());
        put(Part::Processes, "/processes", self.processes());
        put(Part::Processes, "/processes/{processID}", self.process());
        if self.serves(Part::Execution) {
            paths.insert("/processes/{processID}/execution".to_owned(), self.any_execution());
            for process in self.processes {
                let path = format!("/processes/{}/execution", process.summary.id);
                paths.insert(path, self.execution(process));
            }
        }
        let mut put = |part: Part, path: &str, item: Value| {
            if self.serves(part) {
                paths.insert(path.to_owned(), item);
            }
        };
        put(Part::Jobs, "/jobs", self.jobs());
        put(Part::Jobs, "/jobs/{jobID}", job());
        put(Part::Results, "/jobs/{jobID}/results", self.results());
        put(Part::Output, "/jobs/{jobID}/results/{outputID}", self.output());
        put(Part::Output, "/jobs/{jobID}/results/{outputID}/picture", picture());
        put(Part::Log, "/jobs/{jobID}/log", log());
        put(Part::Collections, "/viewer", viewer());
        put(Part::Health, "/health", health());
        put(Part::Metrics, "/metrics", metrics());
        let all = data::paths().into_iter().chain(maps::paths()).chain(features::paths());
        for (part, path, item) in all {
            put(part, path, item);
        }
        paths
    }

    fn processes(&self) -> Value {
        let mut operation = page("getProcesses", "Processes", "List of processes", "ProcessList", "400");
        operation["parameters"] =
            json!([format_parameter(), self.limit_parameter(self.page_limit), offset_parameter()]);
        json!({"get": operation})
    }

    fn process(&self) -> Value {
        let mut operation =
            page("getProcessDescription", "Processes", "Description of a process", "Process", "404");
        operation["parameters"] = json!([self.process_parameter(), format_parameter()]);
        json!({"get": operation})
    }

    /// An id is an identifier to a generator of requests, and a choice to a reader.
    fn process_parameter(&self) -> Value {
        let ids: Vec<&str> = self.processes.iter().map(|p| p.summary.id).collect();
        let mut parameter = json!({
            "name": "processID", "in": "path", "required": true, "description": "Id of a process.",
            "schema": {"type": "string"}
        });
        if let Some(first) = ids.first() {
            parameter["example"] = json!(first);
            parameter["schema"]["enum"] = json!(ids);
        }
        parameter
    }

    fn limit_parameter(&self, usual: u64) -> Value {
        json!({
            "name": "limit", "in": "query", "description": "Most items on a page.", "style": "form",
            "schema": {"type": "integer", "minimum": 1, "maximum": self.page_limit, "default": usual}
        })
    }

    /// Any process: for clients that know the path from the standard.
    fn any_execution(&self) -> Value {
        let body = json!({"type": "object", "additionalProperties": true});
        let post = json!({
            "operationId": "execute", "tags": ["Processes"], "summary": "Execute a process",
            "description": "The request of each process is described at its own path.",
            "parameters": [self.process_parameter(), prefer_parameter(), response_parameter()],
            "requestBody": {"required": true, "content": {"application/json": {"schema": body}}},
            "responses": answers::execution(&[])
        });
        json!({"post": post})
    }

    fn execution(&self, process: &ProcessDescription) -> Value {
        let summary = &process.summary;
        let example = self.examples.get(summary.id).cloned().unwrap_or_else(|| example_of_inputs(process));
        let media_types = answers::media_types_of(process);
        let mut item = json!({"post": {
            "operationId": format!("execute.{}", summary.id), "tags": ["Processes"],
            "summary": format!("Execute {}", summary.title), "description": summary.description,
            "parameters": [prefer_parameter(), response_parameter()],
            "requestBody": {
                "required": true,
                "content": {"application/json": {"schema": execute_schema(process), "example": example}}
            },
            "responses": answers::execution(&media_types),
            "callbacks": callbacks()
        }});
        if self.serves(Part::KvpExecution) {
            let mut parameters: Vec<Value> =
                process.inputs.iter().map(|(name, input)| query_parameter(name, input)).collect();
            parameters.push(json!({
                "name": "response[prefer]", "in": "query", "schema": {"type": "string"},
                "description": "As the header Prefer."
            }));
            parameters.push(response_parameter());
            parameters.push(json!({
                "name": "response[f]", "in": "query", "schema": {"type": "string"},
                "description": "As the header Accept."
            }));
            item["get"] = json!({
                "operationId": format!("executeByQuery.{}", summary.id), "tags": ["Processes"],
                "summary": format!("Execute {} by a query string", summary.title),
                "description": "Inputs by reference as `input[href]`, qualified ones as `input[value]` and \
                                `input[mediaType]`, outputs as `output[include]=true` (2.0 draft).",
                "parameters": parameters,
                "responses": answers::execution(&media_types)
            });
        }
        item
    }

    fn jobs(&self) -> Value {
        let statuses: Vec<&str> = JobStatus::ALL.iter().map(|s| s.as_str()).collect();
        let many = |name: &str, what: &str, items: Value| {
            json!({
                "name": name, "in": "query", "description": what, "style": "form", "explode": false,
                "schema": {"type": "array", "items": items}
            })
        };
        let seconds = |name: &str, what: &str| {
            json!({
                "name": name, "in": "query", "description": what, "style": "form",
                "schema": {"type": "integer", "minimum": 0}
            })
        };
        let mut operation = page("getJobs", "Jobs", "List of jobs", "JobList", "400");
        operation["parameters"] = json!([
            many("type", "Only jobs of these types.", json!({"type": "string", "enum": ["process"]})),
            many("processID", "Only jobs of these processes.", json!({"type": "string"})),
            many("status", "Only jobs with these statuses.", json!({"type": "string", "enum": statuses})),
            {
                "name": "datetime", "in": "query", "style": "form", "schema": {"type": "string"},
                "description": "Only jobs created at this time, or in this interval (`first/last`, `..` leaves an end open).",
                "example": "2022-01-01T00:00:00Z/.."
            },
            seconds("minDuration", "Only jobs that took or take longer than this, in seconds."),
            seconds("maxDuration", "Only jobs that took or take less than this, in seconds."),
            self.limit_parameter(10), offset_parameter(), format_parameter()
        ]);
        json!({"get": operation})
    }

    fn all_media_types(&self) -> Vec<String> {
        let mut all: Vec<String> = self.processes.iter().flat_map(answers::media_types_of).collect();
        all.sort();
        all.dedup();
        all
    }

    fn results(&self) -> Value {
        let good = json!({
            "200": {"description": "The results: a JSON object of the outputs, or the outputs themselves.",
                    "content": answers::contents(&self.all_media_types(), true)},
            "204": answers::linked()
        });
        json!({"get": {
            "operationId": "getResults", "tags": ["Jobs"], "summary": "Results of a job",
            "parameters": [job_parameter(), format_parameter()],
            "responses": answers(good, &["400", "404", "406"])
        }})
    }

    fn output(&self) -> Value {
        let headers = json!({
            "ETag": {"schema": {"type": "string"}}, "Accept-Ranges": {"schema": {"type": "string"}},
            "Content-Disposition": {"schema": {"type": "string"}}
        });
        let content = answers::contents(&self.all_media_types(), false);
        let good = json!({
            "200": {"description": "The output.", "headers": headers, "content": content},
            "206": {"description": "The part of the output that `Range` asks for.", "content": content},
            "303": {"description": "The output is elsewhere.", "headers": {"Location": {"schema": {"type": "string"}}}},
            "304": {"description": "The output is as the caller knows it."},
            "416": {"description": "The output has no such part."}
        });
        json!({"get": {
            "operationId": "getResult", "tags": ["Jobs"], "summary": "One output of a job",
            "parameters": [
                job_parameter(), output_parameter(),
                {"name": "f", "in": "query", "description": "The output's style for QGIS instead, where it has one.",
                 "schema": {"type": "string", "enum": ["qml"]}},
                {"name": "csv", "in": "query",
                 "description": "Of a table: `spreadsheet` has cells that a spreadsheet would run as formulas shown.",
                 "schema": {"type": "string", "enum": ["data", "spreadsheet"]}},
                {"name": "Range", "in": "header", "schema": {"type": "string"}, "description": "Which bytes."}
            ],
            "responses": answers(good, &["400", "404", "406"])
        }})
    }
}

/// An operation that answers with a document as JSON or HTML.
fn page(id: &str, tag: &str, summary: &str, schema: &str, faults: &str) -> Value {
    let content = pages(&format!("#/components/schemas/{schema}"));
    let good = json!({
        "200": {"description": format!("{summary}."), "content": content},
        "304": {"description": "It is as the caller knows it."}
    });
    let mut codes = vec!["400", "406"];
    codes.extend((!faults.is_empty() && faults != "400").then_some(faults));
    json!({
        "operationId": id, "tags": [tag], "summary": summary, "parameters": [format_parameter()],
        "responses": answers(good, &codes)
    })
}

fn api() -> Value {
    let mut content = pages("#/components/schemas/Any");
    content[super::link::OPENAPI_JSON] = json!({"schema": {"type": "object"}});
    json!({"get": {
        "operationId": "getApi", "tags": ["Capabilities"], "summary": "This document",
        "parameters": [format_parameter()],
        "responses": answers(json!({"200": {"description": "The API definition.", "content": content}}), &["400", "406"])
    }})
}

fn viewer() -> Value {
    let content = json!({"text/html": {"schema": {"type": "string"}}});
    json!({"get": {
        "operationId": "getViewer", "tags": ["Data"], "summary": "A map of the collections", "parameters": [],
        "responses": answers(json!({"200": {"description": "The page.", "content": content}}), &["400"])
    }})
}

fn picture() -> Value {
    let content = json!({"image/png": {"schema": {"type": "string", "format": "binary"}}});
    let good = json!({
        "200": {"description": "The picture.", "content": content},
        "206": {"description": "The part of the picture that `Range` asks for.", "content": content},
        "304": {"description": "The picture is as the caller knows it."},
        "416": {"description": "The picture has no such part."}
    });
    json!({"get": {
        "operationId": "getPicture", "tags": ["Jobs"], "summary": "The picture that was made with a raster",
        "parameters": [job_parameter(), output_parameter()],
        "responses": answers(good, &["400", "404"])
    }})
}

fn output_parameter() -> Value {
    json!({
        "name": "outputID", "in": "path", "required": true, "description": "Name of an output.",
        "schema": {"type": "string"}
    })
}

fn format_parameter() -> Value {
    json!({
        "name": "f", "in": "query", "description": "JSON or a page, whatever `Accept` says.", "style": "form",
        "schema": {"type": "string", "enum": ["json", "html"]}
    })
}

fn offset_parameter() -> Value {
    json!({
        "name": "offset", "in": "query", "description": "Items to leave out before the first.", "style": "form",
        "schema": {"type": "integer", "minimum": 0, "default": 0}
    })
}

fn job_parameter() -> Value {
    json!({
        "name": "jobID", "in": "path", "required": true, "description": "Id of a job.",
        "schema": {"type": "string"}
    })
}

fn prefer_parameter() -> Value {
    json!({
        "name": "Prefer", "in": "header", "schema": {"type": "string"}, "example": "respond-async",
        "description": "`respond-async`, `wait=N`, `return=minimal` or `return=representation` (RFC 7240)."
    })
}

fn response_parameter() -> Value {
    json!({
        "name": "response", "in": "query", "schema": {"type": "string", "enum": ["raw", "document", "collection"]},
        "description": "The form of the answer; `collection` answers 303 to the collection that an output becomes, whose tiles and features appear as they are computed."
    })
}

/// An input as a parameter of the query.
fn query_parameter(name: &str, input: &Value) -> Value {
    let schema = dialect(&input["schema"]);
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let plain = |s: &Value| {
        matches!(s.get("type").and_then(Value::as_str), Some("string" | "number" | "integer" | "boolean"))
    };
    let mut parameter = json!({
        "name": name, "in": "query", "required": input["minOccurs"] != json!(0) && plain(&schema),
    });
    if let Some(text) = input.get("description") {
        parameter["description"] = text.clone();
    }
    if plain(&schema) {
        parameter["schema"] = schema;
    } else if kind == "array" && schema.get("items").is_some_and(plain) {
        parameter["schema"] = schema;
        parameter["style"] = "form".into();
        parameter["explode"] = false.into();
    } else if kind == "object" || !takes_text(&schema) {
        parameter["content"] = json!({"application/json": {"schema": schema}});
    } else {
        parameter["schema"] = json!({"type": "string"});
    }
    parameter
}

fn callbacks() -> Value {
    let event = |what: &str, schema: &str| {
        json!({"post": {
            "requestBody": {"content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}}},
            "responses": {"default": {"description": format!("What is answered to {what} is not looked at.")}}
        }})
    };
    json!({
        "jobCompleted": {"{$request.body#/subscriber/successUri}": event("the results", "Any")},
        "jobInProgress": {"{$request.body#/subscriber/inProgressUri}": event("the status", "StatusInfo")},
        "jobFailed": {"{$request.body#/subscriber/failedUri}": event("the status", "StatusInfo")}
    })
}

fn job() -> Value {
    let mut get = page("getStatus", "Jobs", "Status of a job", "StatusInfo", "404");
    get["parameters"] = json!([job_parameter(), format_parameter()]);
    let content = pages("#/components/schemas/StatusInfo");
    let good =
        json!({"200": {"description": "The status of the job, which is dismissed.", "content": content}});
    let delete = json!({
        "operationId": "dismiss", "tags": ["Jobs"], "summary": "Stop a job, or remove its results",
        "parameters": [job_parameter()],
        "responses": answers(good, &["404", "406"])
    });
    json!({"get": get, "delete": delete})
}

fn log() -> Value {
    let content = json!({
        "application/json": {"schema": {"$ref": "#/components/schemas/Any"}},
        "text/plain": {"schema": {"type": "string"}},
        "text/html": {"schema": {"type": "string"}}
    });
    json!({"get": {
        "operationId": "getLog", "tags": ["Jobs"], "summary": "Log of a job",
        "parameters": [job_parameter(), format_parameter()],
        "responses": answers(json!({"200": {"description": "What the job told on its way.", "content": content}}), &["400", "404", "406"])
    }})
}

fn health() -> Value {
    let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}});
    let good = json!({
        "200": {"description": "All is well, or works and should be looked at (`warn`).", "content": content},
        "503": {"description": "Something is not, and what.", "content": content}
    });
    json!({"get": {
        "operationId": "getHealth", "tags": ["Operation"], "summary": "Whether the service is well",
        "security": [], "responses": answers(good, &[])
    }})
}

fn metrics() -> Value {
    let good = json!({"200": {
        "description": "Figures for Prometheus.",
        "content": {"text/plain": {"schema": {"type": "string"}}}
    }});
    json!({"get": {
        "operationId": "getMetrics", "tags": ["Operation"], "summary": "Figures of the service",
        "responses": answers(good, &[])
    }})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ogc::testing::description;
    use std::collections::BTreeSet;

    fn document(parts: &[Part]) -> Value {
        let processes = [description()];
        let examples = BTreeMap::new();
        OpenApi {
            title: "T",
            description: "D",
            version: "1.0.0",
            base: "http://localhost:8080",
            processes: &processes,
            parts,
            secured: true,
            examples: &examples,
            page_limit: 1000,
        }
        .document()
    }

    fn operations(document: &Value) -> Vec<(String, String, &Value)> {
        let paths = document["paths"].as_object().unwrap();
        let verbs = |(path, item): (&String, &'_ Value)| {
            let item = item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            item.into_iter().map(|verb| (path.clone(), verb)).collect::<Vec<_>>()
        };
        paths
            .iter()
            .flat_map(verbs)
            .map(|(p, v)| (p.clone(), v.clone(), &document["paths"][&p][&v]))
            .collect()
    }

    #[test]
    fn every_operation_has_an_id_a_success_and_a_default() {
        let document = document(&Part::ALL);
        let mut ids = BTreeSet::new();
        for (path, verb, operation) in operations(&document) {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{verb} {path}"));
            assert!(ids.insert(id.to_owned()), "{id} is twice");
            let codes: Vec<_> = operation["responses"].as_object().unwrap().keys().collect();
            assert!(codes.iter().any(|c| c.starts_with('2')), "{verb} {path}");
            assert!(codes.iter().any(|c| *c == "default"), "{verb} {path}");
            let parameters = operation.get("parameters").and_then(Value::as_array);
            for name in path.split(['{', '}']).skip(1).step_by(2) {
                let declared =
                    parameters.is_some_and(|all| all.iter().any(|p| p["name"] == name && p["in"] == "path"));
                assert!(declared, "{name} of {verb} {path}");
            }
        }
        for id in [
            "execute.demo",
            "executeByQuery.demo",
            "dismiss",
            "getResult",
            "getLog",
            "getHealth",
            "getMetrics",
        ] {
            assert!(ids.contains(id), "{id}");
        }
        let codes = document["paths"]["/processes/demo/execution"]["post"]["responses"].as_object().unwrap();
        for code in
            ["200", "201", "204", "303", "400", "401", "403", "404", "406", "413", "415", "429", "500", "503"]
        {
            assert!(codes.contains_key(code), "{code}");
        }
    }

    #[test]
    fn only_what_is_served_is_described() {
        let document = document(&[Part::Landing, Part::Processes]);
        let paths: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(paths, ["/", "/processes", "/processes/{processID}"]);
    }

    #[test]
    fn every_reference_leads_somewhere_and_schemas_are_openapi_3_0() {
        fn walk(value: &Value, document: &Value) {
            match value {
                Value::Object(object) => {
                    if let Some(target) = object.get("$ref").and_then(Value::as_str) {
                        assert!(document.pointer(&target[1..]).is_some(), "{target}");
                    }
                    for word in ["contentEncoding", "contentMediaType", "const", "$defs", "x-unit"] {
                        assert!(!object.contains_key(word), "{word} in {value}");
                    }
                    object.values().for_each(|v| walk(v, document));
                }
                Value::Array(items) => items.iter().for_each(|v| walk(v, document)),
                _ => {}
            }
        }
        let document = document(&Part::ALL);
        walk(&document, &document);
        insta::assert_json_snapshot!("openapi", document["paths"]["/processes/demo/execution"]);
    }
}
