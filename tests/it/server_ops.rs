//! The promises of operation, by the running server: each test is named with a promise's words.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use regex::Regex;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::server::{Server, header};

/// An echo that takes so long, unlike any other.
pub fn long(text: &str, seconds: f64) -> Value {
    json!({"inputs": {"text": text, "pause": seconds}})
}

pub fn start_job(server: &Server, request: &Value) -> String {
    let (status, _, answer) = server.execute("echo", "respond-async", request);
    assert_eq!(status, 201, "{answer}");
    Server::job(&answer)
}

/// What lies in the folder of results: of each job its folder, and hidden ones in it.
fn kept(home: &Path) -> Vec<PathBuf> {
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path());
        entries.filter(|p| p.is_dir()).collect()
    };
    let jobs = folders(&home.join("results"));
    let halves: Vec<PathBuf> = jobs.iter().flat_map(|job| folders(job)).collect();
    [jobs, halves].concat()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_mins(1), "{what} never happened");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_queue_is_bounded_full_is_503_with_retry_after_and_a_clients_quota_429() {
    let home = tempfile::tempdir().unwrap();
    let config = "[jobs]\nwaiting = 2\nper_caller = 2\n[keys]\nann = \"0123456789abcdef-ann\"\n\
                  bob = \"0123456789abcdef-bob\"\n";
    let server = Server::start(home.path(), config);
    let wps1 = "/wps?service=WPS&version=1.0.0&request=Execute&identifier=echo&storeExecuteResponse=true&\
                status=true&DataInputs=pause=600;text=";
    let wps2 = |text: &str| {
        format!(
            r#"<wps:Execute xmlns:wps="http://www.opengis.net/wps/2.0" xmlns:ows="http://www.opengis.net/ows/2.0"
            service="WPS" version="2.0.0" mode="async" response="document"><ows:Identifier>echo</ows:Identifier>
            <wps:Input id="text"><wps:Data><wps:LiteralValue>{text}</wps:LiteralValue></wps:Data></wps:Input>
            </wps:Execute>"#
        )
    };
    let ask = |name: &str, way: u8, text: &str| {
        let key = format!("Bearer 0123456789abcdef-{name}");
        let kind = if way == 2 { "text/xml" } else { "application/json" };
        let headers = [("Authorization", key.as_str()), ("Content-Type", kind), ("Prefer", "respond-async")];
        match way {
            0 => server.call("POST", "/processes/echo/execution", &headers, &long(text, 600.0).to_string()),
            1 => server.call("GET", &format!("{wps1}{text}"), &headers, ""),
            _ => server.call("POST", "/wps", &headers, &wps2(text)),
        }
    };
    assert_eq!(ask("ann", 0, "a").0, 201);
    assert_eq!(ask("ann", 1, "b").0, 200);
    for (way, text) in ["c", "d", "e"].into_iter().enumerate() {
        let (status, _, said) = ask("ann", way as u8, text);
        assert_eq!(status, 429, "{said}");
        assert!(said.contains("at most 2 jobs"), "{said}");
        assert!(way == 0 || said.contains("exceptionCode=\"ServerBusy\""), "{said}");
    }
    assert_eq!(ask("bob", 0, "f").0, 201, "others have their own");
    for (way, text) in ["g", "h", "i"].into_iter().enumerate() {
        let (status, headers, said) = ask("bob", way as u8, text);
        assert_eq!(status, 503, "{said}");
        assert!(header(&headers, "retry-after").parse::<u64>().is_ok_and(|s| s > 0), "{headers:?}");
        assert!(said.contains("the queue is full"), "{said}");
        assert!(way == 0 || said.contains("exceptionCode=\"ServerBusy\""), "{said}");
    }
    let (status, headers, said) = server.call("GET", &format!("{wps1}x"), &[], "");
    assert!(status == 401 && header(&headers, "www-authenticate") == "Bearer", "{said}");
    assert!(said.contains("ExceptionReport"), "{said}");
}

#[test]
fn a_synchronous_call_past_its_cap_becomes_a_job() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[jobs]\nsynchronous_seconds = 1\n");
    let (status, headers, answer) = server.execute("echo", "", &long("a", 2.0));
    assert_eq!(status, 201, "{answer}");
    let job = Server::job(&answer);
    assert!(header(&headers, "location").ends_with(&job));
    assert_eq!(server.get(&format!("{job}/results")).0, 404, "not ready");
    server.until(&job, "successful");
    assert_eq!(server.get(&format!("{job}/results")).0, 200);
}

#[test]
fn dismiss_stops_the_processor_within_a_second() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let job = start_job(&server, &long("a", 600.0));
    server.until(&job, "running");
    let start = Instant::now();
    assert_eq!(server.call("DELETE", &job, &[], "").0, 200);
    until("a free worker", || server.get("/health").1["jobs"]["running"] == 0);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(server.get(&job).1["status"], "dismissed");
    assert_eq!(server.get(&format!("{job}/results")).0, 410);
    assert!(kept(home.path()).is_empty(), "nothing of it is left");
}

#[test]
fn after_a_crash_queued_jobs_run_a_running_one_says_why_it_failed_and_results_are_intact() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let done = start_job(&server, &long("done", 0.0));
    server.until(&done, "successful");
    let before = server.call("GET", &format!("{done}/results/text"), &[], "");
    let running = start_job(&server, &long("cut", 600.0));
    let waiting = start_job(&server, &long("later", 0.0));
    server.until(&running, "running");
    until("a half result", || kept(home.path()).len() == 3);
    drop(server); // kill -9
    assert_eq!(kept(home.path()).len(), 3, "the crash left it");

    let server = Server::start(home.path(), "");
    server.until(&waiting, "successful");
    let failed = server.get(&running).1;
    assert_eq!(
        (&failed["status"], &failed["message"]),
        (&json!("failed"), &json!("the server stopped while it ran"))
    );
    assert_eq!(server.get(&format!("{running}/results")).0, 503);
    let after = server.call("GET", &format!("{done}/results/text"), &[], "");
    assert_eq!(
        (before.0, &before.2, header(&before.1, "etag")),
        (after.0, &after.2, header(&after.1, "etag"))
    );
    let left = kept(home.path());
    assert_eq!(left.len(), 2, "what was half written is swept: {left:?}");
    assert!(left.iter().all(|folder| folder.join("results.json").is_file()));
}

#[test]
fn a_server_that_is_told_to_stop_puts_its_job_back_and_the_next_start_ends_it() {
    let home = tempfile::tempdir().unwrap();
    let config = "[jobs]\ngrace_seconds = 1\n";
    let mut server = Server::start(home.path(), config);
    let job = start_job(&server, &long("again", 4.0));
    let waiting = start_job(&server, &long("after it", 0.0));
    server.until(&job, "running");
    server.signal("TERM");
    until("the news", || server.get("/health").0 == 503);
    let (status, _, refused) = server.execute("echo", "respond-async", &long("late", 0.0));
    assert_eq!(status, 503, "{refused}");
    let exit = server.child.wait().unwrap();
    assert!(exit.success(), "{exit}");
    assert!(kept(home.path()).is_empty());

    let server = Server::start(home.path(), config);
    server.until(&job, "successful");
    server.until(&waiting, "successful");
    assert_eq!(server.get(&format!("{job}/results/text")).1, json!("again"));
    assert_eq!(kept(home.path()).len(), 2);
}

#[test]
fn a_server_that_is_told_to_stop_lets_its_job_finish() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start(home.path(), "[jobs]\ngrace_seconds = 50\n");
    let job = start_job(&server, &long("soon", 1.0));
    server.until(&job, "running");
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    let server = Server::start(home.path(), "");
    assert_eq!(server.get(&job).1["status"], "successful");
    assert_eq!(server.get(&format!("{job}/results/text")).1, json!("soon"));
}

#[test]
fn retention_sweeps_rows_and_files() {
    let home = tempfile::tempdir().unwrap();
    let config = "[jobs]\nkeep_days = 7\n";
    let mut server = Server::start(home.path(), config);
    let [old, young] = ["old", "young"].map(|text| start_job(&server, &long(text, 0.0)));
    server.until(&old, "successful");
    server.until(&young, "successful");
    server.signal("TERM");
    server.child.wait().unwrap();
    let id = |job: &str| job.rsplit('/').next().unwrap().to_owned();
    let days: i64 = 8 * 86_400_000;
    let rows = Connection::open(home.path().join("jobs.sqlite")).unwrap();
    let aged =
        rows.execute("UPDATE jobs SET finished = finished - ?1 WHERE id = ?2", (days, id(&old))).unwrap();
    assert_eq!(aged, 1);
    drop(rows);
    let server = Server::start(home.path(), config);
    until("the sweep", || server.get(&old).0 == 404);
    assert_eq!(server.get(&young).1["status"], "successful");
    assert_eq!(kept(home.path()), [home.path().join("results").join(id(&young))]);
}

/// A server whose files cannot grow: on a small file system where that can be had, else by a limit.
fn cramped(home: &Path, config: &str) -> (Server, bool) {
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(home).output();
    if mounted.is_ok_and(|output| output.status.success()) {
        return (Server::start(home, config), true);
    }
    println!("no file system can be mounted: a limit on files stands in for it");
    let mut limited = Command::new("sh");
    // The signal is not heeded, so that writing fails as on a full disk.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_rededge")]);
    (Server::start_by(limited, home, config), false)
}

struct Mounted<'a>(&'a Path, bool);
impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        if self.1 {
            let _ = Command::new("umount").arg("-l").arg(self.0).status();
        }
    }
}

#[test]
fn on_a_full_disk_the_job_fails_with_its_reason_nothing_is_half_written_and_the_server_lives() {
    let (home, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(data.path().join("big.bin"), vec![7; 4 << 20]).unwrap();
    let config =
        format!("[limits]\nfree_megabytes = 1\n[data.files]\nbig = \"{}/big.bin\"\n", data.path().display());
    let (server, mounted) = cramped(home.path(), &config);
    let _mounted = Mounted(home.path(), mounted);
    let job = start_job(&server, &json!({"inputs": {"text": "big", "file": {"href": "big"}}}));
    let failed = server.until(&job, "failed");
    assert_eq!(failed["message"], "no space is left on the server's disk");
    let (status, told) = server.get(&format!("{job}/results"));
    assert_eq!((status, &told["detail"]), (503, &json!("no space is left on the server's disk")));
    assert!(!told.to_string().contains("big.bin"));
    until("an empty folder", || kept(home.path()).is_empty());
    let logged = server
        .log
        .lock()
        .unwrap()
        .iter()
        .any(|line| line["reason"].as_str().is_some_and(|r| r.contains("file")));
    assert!(logged, "the log says which file");
    let small = start_job(&server, &json!({"inputs": {"text": "small"}}));
    server.until(&small, "successful");
    assert_eq!(server.get("/health").0, 200);
    if mounted {
        // Full for good: health says so, and goes back once there is room.
        let free = || fs4::available_space(home.path()).unwrap();
        std::fs::write(home.path().join("ballast"), vec![1; (free() - (64 << 10)) as usize]).unwrap();
        until("bad health", || server.get("/health").0 == 503);
        assert_eq!(server.get("/health").1["checks"]["space"]["status"], "fail");
        assert_eq!(server.get(&small).1["status"], "successful");
        std::fs::remove_file(home.path().join("ballast")).unwrap();
        until("good health", || server.get("/health").0 == 200);
    }
}

/// Writes bytes one by one, so many a second, until the other end has enough; how long that took and
/// what was answered.
fn drip(address: &str, whole: &[u8], pause: Duration) -> (Duration, String) {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let (mut answer, mut part) = (Vec::new(), [0; 1024]);
    for byte in whole {
        if stream.write_all(&[*byte]).is_err() {
            break;
        }
        std::thread::sleep(pause);
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(n) => answer.extend(&part[..n]),
            Err(_) => {}
        }
        assert!(start.elapsed() < Duration::from_mins(1), "it is served for ever");
    }
    (start.elapsed(), String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn slow_clients_are_cut_off_while_others_are_served() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[limits]\nclient_seconds = 2\n");
    let address = server.base.strip_prefix("http://").unwrap();
    let head = format!("GET /processes HTTP/1.1\r\nHost: {address}\r\nX-Slow: {}\r\n\r\n", "x".repeat(600));
    let body = format!(
        "POST /processes/echo/execution HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: 4000\r\n\r\n"
    );
    let second = Duration::from_secs(1);
    std::thread::scope(|scope| {
        let slow_heads: Vec<_> =
            (0..20).map(|_| scope.spawn(|| drip(address, head.as_bytes(), second))).collect();
        let slow_bodies: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let start = Instant::now();
                    let mut stream = TcpStream::connect(address).unwrap();
                    stream.write_all(body.as_bytes()).unwrap();
                    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
                    let (mut answer, mut part) = (Vec::new(), [0; 1024]);
                    loop {
                        let sent = stream.write_all(b" ").is_ok();
                        match stream.read(&mut part) {
                            Ok(0) => break,
                            Ok(n) => answer.extend(&part[..n]),
                            Err(_) if sent => {}
                            Err(_) => break,
                        }
                        assert!(start.elapsed() < Duration::from_mins(1), "it is served for ever");
                    }
                    String::from_utf8_lossy(&answer).into_owned()
                })
            })
            .collect();
        // Meanwhile everybody else is served.
        for k in 0..10 {
            assert_eq!(server.execute("echo", "", &long(&format!("quick {k}"), 0.0)).0, 200);
        }
        for slow in slow_heads {
            let (took, answer) = slow.join().unwrap();
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{took:?}: {answer}");
        }
        for slow in slow_bodies {
            let answer = slow.join().unwrap();
            assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("too slowly"), "{answer}");
        }
    });
    // A large body that keeps its pace has longer than the limit.
    let text = "x".repeat(200 << 10);
    let whole = long(&text, 0.0).to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = body.replace("4000", &whole.len().to_string());
    stream.write_all(head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    for part in whole.as_bytes().chunks(whole.len() / 12) {
        stream.write_all(part).unwrap();
        std::thread::sleep(Duration::from_millis(300));
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{}", &answer[..answer.len().min(300)]);
}

/// Rows of jobs that are over, as the server leaves them.
fn fill(home: &Path, count: i64) {
    drop(rededge::jobs::Store::open(&home.join("jobs.sqlite")).unwrap());
    let rows = Connection::open(home.join("jobs.sqlite")).unwrap();
    rows.execute_batch("BEGIN").unwrap();
    let now = jiff::Timestamp::now().as_millisecond();
    let mut row = rows
        .prepare(
            "INSERT INTO jobs (id, process, version, state, created, started, finished, updated, progress, \
             message, hash) VALUES (?1, ?2, '0.1.0', ?3, ?4, ?4, ?5, ?5, 100, 'done', ?1)",
        )
        .unwrap();
    let processes = ["rice-map", "stress-map", "stress-zones", "echo"];
    for k in 0..count {
        let state = if k % 1000 == 0 { "failed" } else { "successful" };
        let created = now - 3_600_000 + k * 10;
        let id = format!("00000000-0000-4000-8000-{k:012}");
        row.execute((id, processes[(k % 4) as usize], state, created, created + k % 60_000)).unwrap();
    }
    rows.execute_batch("INSERT INTO requests SELECT number, '{\"inputs\":{}}' FROM jobs; COMMIT").unwrap();
}

#[test]
fn a_hundred_thousand_jobs_are_filtered_and_counted() {
    let home = tempfile::tempdir().unwrap();
    fill(home.path(), 100_000);
    let server = Server::start(home.path(), "");
    let agent = ureq::Agent::new_with_defaults();
    let ask = |filter: &str| -> Value {
        let text = agent.get(format!("{}/jobs?limit=10{filter}", server.base)).call().unwrap();
        let text = text.into_body().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    };
    for (filter, matched) in [
        ("", 100_000),
        ("&offset=1000", 100_000),
        ("&status=failed", 100),
        ("&status=running,accepted", 0),
        ("&processID=echo,rice-map", 50_000),
        ("&minDuration=59", 1000),
        ("&minDuration=1", 98_000),
        ("&maxDuration=0", 2),
        ("&minDuration=100", 0),
        ("&processID=echo&status=successful&minDuration=30&maxDuration=31", 500),
        ("&datetime=2020-01-01T00:00:00Z/..&type=process", 100_000),
    ] {
        let page = ask(filter);
        assert_eq!(page["numberMatched"], json!(matched), "{filter}");
        assert_eq!(page["jobs"].as_array().unwrap().len(), matched.min(10), "{filter}");
    }
}

#[test]
fn logs_are_structured_and_a_requests_id_is_in_every_line_of_it_and_of_its_job() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let body = long("logged", 0.0).to_string();
    let headers =
        [("Content-Type", "application/json"), ("Prefer", "respond-async"), ("X-Request-Id", "trace-7f/1")];
    let (status, answered, text) = server.call("POST", "/processes/echo/execution", &headers, &body);
    assert_eq!((status, header(&answered, "x-request-id")), (201, "trace-7f/1"));
    let job = Server::job(&serde_json::from_str(&text).unwrap());
    server.until(&job, "successful");
    assert_eq!(server.get(&format!("{job}/log")).1["requestID"], "trace-7f/1");
    for odd in ["two words", "", &"x".repeat(65), "<b>"] {
        let (_, answered, _) = server.call("GET", "/conformance", &[("X-Request-Id", odd)], "");
        let made = header(&answered, "x-request-id");
        assert!(made.len() == 36 && made != odd, "{made}");
    }
    let of_it = |line: &&Value| line["span"]["request_id"] == "trace-7f/1";
    until("the line of the job", || {
        let log = server.log.lock().unwrap();
        log.iter().filter(of_it).any(|l| l["message"] == "the job is done")
    });
    let log = server.log.lock().unwrap().clone();
    assert!(log.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()), "{log:?}");
    let lines: Vec<&Value> = log.iter().filter(of_it).collect();
    let answered = lines.iter().find(|l| l["message"] == "answered").unwrap();
    assert_eq!(answered["route"], "/processes/{process}/execution");
    assert_eq!((&answered["status"], &answered["method"]), (&json!(201), &json!("POST")));
    assert!(answered["ms"].is_number());
    let of_job = lines.iter().find(|l| l["message"] == "the job starts").unwrap();
    assert_eq!(
        (&of_job["span"]["job"], &of_job["span"]["process"]),
        (&json!(job.rsplit('/').next().unwrap()), &json!("echo"))
    );
}

#[test]
fn metrics_are_prometheus_and_their_labels_are_bounded() {
    let home = tempfile::tempdir().unwrap();
    let config = "[keys]\nann = \"0123456789abcdef-ann\"\n";
    let server = Server::start(home.path(), config);
    let ann = ("Authorization", "Bearer 0123456789abcdef-ann");
    assert_eq!(server.call("GET", "/metrics", &[], "").0, 401);
    let headers = [ann, ("Content-Type", "application/json")];
    assert_eq!(
        server.call("POST", "/processes/echo/execution", &headers, &long("a", 0.0).to_string()).0,
        200
    );
    for k in 0..30 {
        server.call("GET", &format!("/nowhere/{k}"), &[], "");
        server.call("GET", &format!("/jobs/{k}"), &[ann], "");
        server.call("GET", &format!("/processes/{k}"), &[], "");
    }
    let (status, headers, text) = server.call("GET", "/metrics", &[ann], "");
    assert!(status == 200 && header(&headers, "content-type").starts_with("text/plain"), "{headers:?}");
    let line =
        Regex::new(r#"^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+)$"#)
            .unwrap();
    for found in text.lines() {
        assert!(line.is_match(found), "{found}");
    }
    for expected in [
        r#"rededge_http_requests_total{method="GET",route="/jobs/{job}",status="404"} 30"#,
        r#"rededge_http_requests_total{method="GET",route="none",status="404"} 30"#,
        r#"rededge_http_requests_total{method="POST",route="/processes/{process}/execution",status="200"} 1"#,
        r#"rededge_http_request_duration_seconds_count{method="GET",route="/processes/{process}"} 30"#,
        r#"rededge_jobs{state="successful"} 1"#,
        r#"rededge_jobs_over_total{process="echo",state="successful"} 1"#,
        r#"rededge_job_duration_seconds_count{process="echo"} 1"#,
        r#"rededge_queue{what="workers"} 1"#,
        concat!(r#"rededge_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""} 1"#),
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    assert!(
        text.contains(r#"rededge_store_bytes{part="results"} "#)
            && text.contains("rededge_store_free_bytes ")
    );
    assert_eq!(text.matches("rededge_http_requests_total{").count(), 5, "{text}");
}

#[test]
fn health_tells_the_truth() {
    let home = tempfile::tempdir().unwrap();
    let config = "[keys]\nann = \"0123456789abcdef-ann\"\n";
    let server = Server::start(home.path(), config);
    let ann = ("Authorization", "Bearer 0123456789abcdef-ann");
    let ask = |headers: &[(&str, &str)]| -> (u16, Value) {
        let (status, _, text) = server.call("GET", "/health", headers, "");
        (status, serde_json::from_str(&text).unwrap())
    };
    let (status, well) = ask(&[]);
    assert_eq!((status, &well["status"]), (200, &json!("pass")), "a load balancer has no key: {well}");
    assert!(well["jobs"].is_null() && well["version"].is_null(), "strangers learn no more: {well}");
    let (_, well) = ask(&[ann]);
    assert_eq!((&well["jobs"]["workers"], &well["version"]), (&json!(1), &json!(env!("CARGO_PKG_VERSION"))));

    let (results, aside) = (home.path().join("results"), home.path().join("aside"));
    std::fs::rename(&results, &aside).unwrap();
    std::fs::write(&results, "").unwrap();
    until("bad health", || ask(&[]).0 == 503);
    let (_, bad) = ask(&[]);
    assert_eq!((&bad["status"], &bad["checks"]["results"]), (&json!("fail"), &json!({"status": "fail"})));
    assert_eq!(bad["checks"]["workers"]["status"], "pass");
    let (_, bad) = ask(&[ann]);
    assert!(bad["checks"]["results"]["output"].is_string(), "{bad}");
    std::fs::remove_file(&results).unwrap();
    std::fs::rename(&aside, &results).unwrap();
    until("good health", || ask(&[]).0 == 200);
    assert_eq!(server.call("HEAD", "/health", &[("Accept-Encoding", "identity")], "").0, 200);
    drop(server);

    let server = Server::start(home.path(), "[limits]\nfree_megabytes = 1000000000\n");
    let (status, bad) = server.get("/health");
    assert_eq!((status, &bad["checks"]["space"]["status"]), (503, &json!("fail")));
}
