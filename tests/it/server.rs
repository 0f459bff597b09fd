//! The running server, by its own binary over the loopback: jobs, results, safety, WPS.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A server that is ended with the test.
pub struct Server {
    pub child: Child,
    pub base: String,
    /// Its log: in a pipe, an object a line.
    pub log: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    pub fn start(store: &Path, more: &str) -> Self {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_rededge")), store, more)
    }

    /// As [`Self::start`], by a program that takes the same arguments.
    pub fn start_program(program: &Path, store: &Path, more: &str) -> Self {
        Self::start_by(Command::new(program), store, more)
    }

    /// Starts it by a command to which its arguments are added.
    pub fn start_by(mut command: Command, store: &Path, more: &str) -> Self {
        let config = store.join("rededge.toml");
        std::fs::create_dir_all(store).unwrap();
        std::fs::write(&config, more).unwrap();
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args([Path::new("--data"), store, Path::new("--config"), &config])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut lines = lines.map(|line| {
            let line = line.unwrap();
            serde_json::from_str(&line).unwrap_or(Value::String(line))
        });
        let mut early = Vec::new();
        let said = lines.by_ref().find_map(|line| {
            let address = line["address"].as_str().map(str::to_owned);
            early.push(line);
            address
        });
        let base = said.expect("the server says where it listens");
        let log = Arc::new(Mutex::new(early));
        let kept = log.clone();
        std::thread::spawn(move || lines.for_each(|line| kept.lock().unwrap().push(line)));
        Self { child, base, log }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    pub fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, Vec<(String, String)>, String) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(1)))
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .build()
            .into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = agent.run(request.body(body.to_owned()).unwrap()).unwrap();
        let headers = response.headers().iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap().to_owned()));
        let headers = headers.collect();
        let bytes = response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (response.status().as_u16(), headers, text)
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        let (status, _, text) = self.call("GET", path, &[], "");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub fn execute(
        &self,
        process: &str,
        prefer: &str,
        request: &Value,
    ) -> (u16, Vec<(String, String)>, Value) {
        let headers = [("Content-Type", "application/json"), ("Prefer", prefer)];
        let path = format!("/processes/{process}/execution");
        let (status, headers, text) = self.call("POST", &path, &headers, &request.to_string());
        (status, headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub fn job(answer: &Value) -> String {
        format!("/jobs/{}", answer["jobID"].as_str().unwrap())
    }

    pub fn until(&self, job: &str, wanted: &str) -> Value {
        let start = Instant::now();
        loop {
            let (_, status) = self.get(job);
            if status["status"] == wanted {
                return status;
            }
            assert!(start.elapsed() < Duration::from_mins(1), "{status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A header's value, empty where there is none.
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map_or("", |(_, v)| v)
}

#[test]
fn processes_are_described_and_executed_synchronously_and_not() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let (status, landing) = server.get("/");
    assert_eq!(status, 200);
    for link in landing["links"].as_array().unwrap() {
        let path = link["href"].as_str().unwrap().strip_prefix(&server.base).unwrap();
        assert_eq!(server.get(path).0, 200, "{link}");
    }
    let (_, list) = server.get("/processes");
    assert_eq!(list["processes"].as_array().unwrap().len(), rededge::process::registry().len());
    assert_eq!(server.get("/api").1["openapi"], "3.0.3");
    assert_eq!(server.get("/processes/ehco").1["detail"], "there is no process `ehco`; did you mean `echo`?");

    let hello = json!({"inputs": {"text": "hello", "number": 2}, "response": "document"});
    let (status, headers, answer) = server.execute("echo", "respond-sync, other=1", &hello);
    assert_eq!((status, &answer), (200, &json!({"text": "hello", "number": 2.0})));
    assert_eq!(header(&headers, "link"), "");
    let (_, _, raw) = server.execute("echo", "", &json!({"inputs": {"text": "x"}, "outputs": {"text": {}}}));
    assert_eq!(raw, json!("x"));
    let (status, headers, several) =
        server.execute("echo", "", &json!({"inputs": {"text": "x", "number": 5}}));
    let kind = header(&headers, "content-type");
    let boundary = kind.strip_prefix("multipart/related; boundary=").unwrap();
    let several = several.as_str().unwrap();
    assert_eq!((status, several.matches(boundary).count()), (200, 3));
    assert!(several.contains("Content-ID: <number>\r\n\r\n5.0"), "{several}");
    let links = json!({"inputs": {"text": "y"}, "outputs": {"text": {"transmissionMode": "reference"}}});
    let (status, headers, _) = server.execute("echo", "", &links);
    assert!(status == 204 && header(&headers, "link").contains("/results/text>"), "{headers:?}");

    let (status, headers, answer) = server.execute("echo", "respond-async", &hello);
    assert_eq!((status, header(&headers, "preference-applied")), (201, "respond-async"));
    let job = Server::job(&answer);
    assert!(header(&headers, "location").ends_with(&job));
    let done = server.until(&job, "successful");
    assert!(done["message"].as_str().unwrap().contains("same"), "equal requests share results: {done}");
    assert_eq!(server.get(&format!("{job}/results")).1, json!({"text": "hello", "number": 2.0}));
    assert_eq!(server.get(&format!("{job}/results/text")).1, json!("hello"));
    assert_eq!(server.get(&format!("{job}/results/nothing")).0, 404);
    assert!(server.get(&format!("{job}/log")).1["lines"].is_array());
    let (_, jobs) = server.get("/jobs?processID=echo&status=successful&limit=2");
    assert_eq!((jobs["numberMatched"].clone(), jobs["numberReturned"].clone()), (json!(5), json!(2)));
    assert!(jobs["links"].as_array().unwrap().iter().any(|l| l["rel"] == "next"));
    for bad in ["limit=0", "limit=x", "status=done", "datetime=yesterday", "nonsense=1"] {
        assert_eq!(server.get(&format!("/jobs?{bad}")).0, 400, "{bad}");
    }
}

#[test]
fn what_a_request_may_not_read_it_does_not_read() {
    let home = tempfile::tempdir().unwrap();
    let secret = home.path().join("secret.geojson");
    std::fs::write(&secret, r#"{"type": "Point", "coordinates": [113.0, 27.9]}"#).unwrap();
    let server = Server::start(home.path(), "");
    let secret = secret.display().to_string();
    for href in
        [secret.as_str(), &format!("file://{secret}"), "http://127.0.0.1:1/x.geojson", "../secret.geojson"]
    {
        for mines in [json!(href), json!({"href": href})] {
            let (status, _, answer) =
                server.execute("mine-heatmap", "", &json!({"inputs": {"mines": mines}}));
            assert!(
                status == 400 && answer["input"].as_str().unwrap().starts_with("mines"),
                "{href}: {answer}"
            );
        }
    }
    let value = json!({"type": "Point", "coordinates": [113.0, 27.9]});
    let (status, _, _) = server.execute("mine-heatmap", "", &json!({"inputs": {"mines": value}}));
    assert_eq!(status, 200);
    let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
    let (_, _, text) = server.call("POST", "/wps", &[("Content-Type", "text/xml")], bomb);
    assert!(text.contains("ExceptionReport"), "{text}");
    let post = |kind: &str, body: &str| {
        server.call("POST", "/processes/echo/execution", &[("Content-Type", kind)], body).0
    };
    assert_eq!(post("text/plain", "{}"), 415);
    assert_eq!(post("application/json", "{"), 400);
    assert_eq!(post("application/json", &"x".repeat(33 << 20)), 413);
    assert_eq!(server.execute("echo", "", &json!({"inputs": {"text": "x", "other": 1}})).0, 400);
}

#[test]
fn jobs_survive_a_kill_and_belong_to_whoever_made_them() {
    let home = tempfile::tempdir().unwrap();
    let keys = "[keys]\nann = \"0123456789abcdef-ann\"\nbob = \"0123456789abcdef-bob\"\n";
    let (ann, bob) =
        (("Authorization", "Bearer 0123456789abcdef-ann"), ("X-API-Key", "0123456789abcdef-bob"));
    let server = Server::start(home.path(), keys);
    assert_eq!(server.get("/jobs").0, 401);
    assert_eq!(server.get("/processes").0, 200, "descriptions are for everybody");
    let post = |text: &str, pause: u32| {
        let headers = [("Content-Type", "application/json"), ("Prefer", "respond-async"), ann];
        let body = json!({"inputs": {"text": text, "pause": pause}}).to_string();
        let (status, _, text) = server.call("POST", "/processes/echo/execution", &headers, &body);
        assert_eq!(status, 201, "{text}");
        Server::job(&serde_json::from_str(&text).unwrap())
    };
    let (done, cut, waiting) = (post("a", 0), post("b", 600), post("c", 0));
    let status = |server: &Server, job: &str, who: (&str, &str)| -> (u16, Value) {
        let (status, _, text) = server.call("GET", job, &[who], "");
        (status, serde_json::from_str(&text).unwrap())
    };
    let start = Instant::now();
    while status(&server, &cut, ann).1["status"] != "running" {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(status(&server, &done, bob).0, 404, "somebody else's job is as good as none");
    drop(server); // as by kill -9
    let server = Server::start(home.path(), keys);
    assert_eq!(status(&server, &done, ann).1["status"], "successful");
    let failed = status(&server, &cut, ann).1;
    assert_eq!(
        (&failed["status"], &failed["message"]),
        (&json!("failed"), &json!("the server stopped while it ran"))
    );
    let start = Instant::now();
    while status(&server, &waiting, ann).1["status"] != "successful" {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(server.call("GET", &format!("{done}/results"), &[ann], "").0, 200);
}

#[test]
fn wps_speaks_of_the_same_processes_and_jobs() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let xml = |path: &str| server.call("GET", path, &[], "").2;
    let capabilities = xml("/wps?SERVICE=WPS&Request=GetCapabilities&AcceptVersions=1.0.0");
    assert!(capabilities.contains("wps:Capabilities") && capabilities.contains(">rice-map<"));
    let described = xml("/wps?service=WPS&version=1.0.0&request=DescribeProcess&identifier=ALL");
    assert!(described.contains("stress-zones") && described.contains("minimumMappingUnit"));
    let done = xml("/wps?service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=text=abc");
    assert!(done.contains("ProcessSucceeded") && done.contains(">abc<"), "{done}");
    let wrong = xml("/wps?service=WPS&version=1.0.0&request=Execute&identifier=nothing");
    assert!(wrong.contains("InvalidParameterValue"), "{wrong}");
    let body = r#"<wps:Execute xmlns:wps="http://www.opengis.net/wps/2.0" xmlns:ows="http://www.opengis.net/ows/2.0"
        service="WPS" version="2.0.0" mode="async" response="document">
        <ows:Identifier>org.n52.javaps.test.EchoProcess</ows:Identifier>
        <wps:Input id="literalInput"><wps:Data><wps:LiteralValue>two</wps:LiteralValue></wps:Data></wps:Input>
        <wps:Output id="literalOutput" transmission="value"/></wps:Execute>"#;
    let (_, _, accepted) = server.call("POST", "/wps", &[("Content-Type", "text/xml")], body);
    let id = accepted.split("JobID>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let status = xml(&format!("/wps?service=WPS&version=2.0.0&request=GetStatus&JobID={id}"));
    assert!(status.contains("Succeeded"), "{status}");
    let result = xml(&format!("/wps?service=WPS&version=2.0.0&request=GetResult&JobID={id}"));
    assert!(result.contains(">two<"), "{result}");
    assert!(xml("/wps?service=WPS&version=2.0.0&request=GetStatus&JobID=none").contains("NoSuchJob"));
}
