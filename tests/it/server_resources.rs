//! What the server shares among its callers: connections, answers that hold results, rows and folders that
//! are damaged or gone, and the names of what it offers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::server::{Server, header};
use crate::server_collections::run_heat_map;
use crate::server_ops::{long, start_job};

const CSV: &str = "lon,lat,name\n113.1,27.8,=1+1\n113.2,27.9,-5\n";

fn address(server: &Server) -> &str {
    server.base.strip_prefix("http://").unwrap()
}

/// A server of which no more files may be open than a shell's `ulimit` says.
fn limited(home: &Path, ulimit: &str, config: &str) -> Server {
    let mut shell = Command::new("sh");
    let binary = env!("CARGO_BIN_EXE_rededge");
    shell.args(["-c", &format!("ulimit {ulimit} && exec \"$0\" \"$@\""), binary]);
    Server::start_by(shell, home, config)
}

/// How many descriptors a server has open.
fn descriptors(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap().count()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what} never happened");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn idle_connections_beyond_the_most_give_way_and_jobs_still_find_descriptors() {
    let home = tempfile::tempdir().unwrap();
    let server = limited(home.path(), "-n 256", "");
    let before = descriptors(&server);
    let few: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(address(&server)).unwrap()).collect();
    until("twenty connections", || descriptors(&server) >= before + few.len());
    // Twice as many where each takes two; the server opens some files of its own meanwhile.
    assert!(descriptors(&server) < before + few.len() + few.len() / 2, "a connection takes one descriptor");
    let many: Vec<TcpStream> = (0..450).map(|_| TcpStream::connect(address(&server)).unwrap()).collect();
    // Half of 256 files less 64 are for connections.
    until("idle connections give way", || descriptors(&server) <= before + 70);
    for _ in 0..5 {
        assert_eq!(server.get("/health").0, 200);
    }
    run_heat_map(&server);
    let open = descriptors(&server);
    assert!(open < 200, "{open} of 256 descriptors are open beside {} connections", many.len());
}

#[cfg(target_os = "linux")]
#[test]
fn the_soft_limit_of_open_files_is_raised_to_the_hard_one() {
    let home = tempfile::tempdir().unwrap();
    let server = limited(home.path(), "-S -n 128", "");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.child.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let numbers: Vec<&str> = files.split_whitespace().collect();
    assert_eq!(numbers[3], numbers[4], "{files}");
}

#[test]
fn where_every_connection_is_answered_one_more_is_told_so() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[limits]\nconnections = 8\n");
    let mut busy: Vec<TcpStream> = (0..8)
        .map(|k| {
            let mut stream = TcpStream::connect(address(&server)).unwrap();
            let path = format!("/processes/echo/execution?text=n{k}&pause=6");
            write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", address(&server)).unwrap();
            stream
        })
        .collect();
    let ask = || {
        let mut stream = TcpStream::connect(address(&server)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(stream, "GET /health HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", address(&server))
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    std::thread::sleep(Duration::from_millis(500));
    let refused = ask();
    assert!(refused.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{refused}");
    assert!(refused.contains("\r\nRetry-After: ") && refused.contains("Too many connections"), "{refused}");
    busy.pop();
    until("a place", || ask().starts_with("HTTP/1.1 200"));
}

#[test]
fn results_beyond_the_cap_are_links_in_every_protocol() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "[limits]\ninline_megabytes = 1\n");
    let text = "x".repeat(3 << 20);
    let inputs = json!({"text": text, "number": 2});
    let whole = json!({"inputs": inputs, "response": "document"});
    let (status, _, document) = server.execute("echo", "", &whole);
    assert_eq!((status, &document["number"]), (200, &json!(2.0)));
    let href = document["text"]["href"].as_str().unwrap().to_owned();
    let (_, _, parts) = server.execute("echo", "", &json!({"inputs": inputs}));
    let parts = parts.as_str().unwrap();
    assert!(parts.len() < 4096 && parts.contains("Content-Location: "), "{parts:.2000}");

    let job = href.split("/jobs/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let result = format!("/wps?service=WPS&version=2.0.0&request=GetResult&JobID={job}");
    let (status, _, result) = server.call("GET", &result, &[], "");
    assert_eq!(status, 200);
    assert!(result.contains("<wps:Reference") && result.contains("/results/text"), "{result:.2000}");
    let (_, _, stored) = server.call("GET", &format!("/jobs/{job}/wps"), &[], "");
    assert!(stored.contains("<wps:Reference") && stored.contains(">2"), "{stored:.2000}");
    let (status, _, raw) = server.call("GET", href.strip_prefix(&server.base).unwrap(), &[], "");
    assert!(status == 200 && raw.len() >= text.len(), "what is a link there is whole here");
}

#[test]
fn deleted_results_are_gone_in_every_protocol() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let (_, _, told) = server.execute("echo", "respond-async", &long("gone", 0.0));
    let echo = Server::job(&told);
    server.until(&echo, "successful");
    let heat = run_heat_map(&server);
    let collection = format!("/collections/{heat}-density");
    assert_eq!(server.get(&collection).0, 200);
    for id in [echo.trim_start_matches("/jobs/"), heat.as_str()] {
        std::fs::remove_dir_all(home.path().join("results").join(id)).unwrap();
    }
    for path in ["/results", "/results/text", "/results?f=html"] {
        let (status, _, text) = server.call("GET", &format!("{echo}{path}"), &[], "");
        assert_eq!(status, 410, "{path}: {text}");
        assert!(text.contains("were deleted"), "{path}: {text}");
    }
    let (_, problem) = server.get(&format!("{echo}/results"));
    assert!(problem["type"].as_str().unwrap().ends_with("result-not-available"), "{problem}");
    let (status, _, report) = server.call("GET", &format!("{echo}/wps"), &[], "");
    assert!(status == 410 && report.contains("were deleted"), "{status} {report}");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(server.get(&collection).0, 410);
    assert_eq!(server.get("/collections").0, 200);
    assert_eq!(server.get(&echo).1["status"], "successful", "the job itself is still known");
}

#[test]
fn a_damaged_row_is_told_for_itself_and_the_others_are_listed() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "");
    let jobs: Vec<String> = ["a", "b"].map(|text| start_job(&server, &long(text, 0.0))).into();
    for job in &jobs {
        server.until(job, "successful");
    }
    let database = rusqlite::Connection::open(home.path().join("jobs.sqlite")).unwrap();
    let id = jobs[0].trim_start_matches("/jobs/");
    database
        .execute("UPDATE jobs SET failure = 'x', updated = 9223372036854775807 WHERE id = ?", [id])
        .unwrap();
    let (status, list) = server.get("/jobs");
    assert_eq!((status, list["numberReturned"].clone()), (200, json!(2)), "{list}");
    assert_eq!(server.get("/collections").0, 200);
    let (status, told) = server.get(&jobs[0]);
    assert_eq!((status, &told["status"]), (200, &json!("failed")));
    assert!(told["message"].as_str().unwrap().contains("damaged (updated, failure)"), "{told}");
    let (status, problem) = server.get(&format!("{}/results", jobs[0]));
    assert!(status == 500 && problem["detail"].as_str().unwrap().contains("damaged"), "{problem}");
    assert_eq!(server.get(&format!("{}/results", jobs[1])).0, 200);
    assert_eq!(server.call("DELETE", &jobs[0], &[], "").0, 200);
}

#[cfg(unix)]
#[test]
fn old_folders_of_results_without_a_job_are_removed_and_nothing_else_is() {
    let home = tempfile::tempdir().unwrap();
    let results = home.path().join("results");
    let long_ago = SystemTime::now() - Duration::from_hours(5);
    let folder = |name: &str, old: bool| {
        let folder = results.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("results.json"), "{}").unwrap();
        if old {
            std::fs::File::open(&folder).unwrap().set_modified(long_ago).unwrap();
        }
        folder
    };
    let stray = folder("0f0e0d0c-0b0a-4000-8000-000000000001", true);
    let young = folder("0f0e0d0c-0b0a-4000-8000-000000000002", false);
    let foreign = [folder("notes", true), folder("0F0E0D0C-0B0A-4000-8000-000000000003", true)];
    let server = Server::start(home.path(), "");
    let job = start_job(&server, &long("kept", 0.0));
    server.until(&job, "successful");
    until("the stray folder to go", || !stray.exists());
    let own = results.join(job.trim_start_matches("/jobs/"));
    std::fs::File::open(&own).unwrap().set_modified(long_ago).unwrap();
    drop(server);
    let server = Server::start(home.path(), "");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(server.get(&format!("{job}/results")).0, 200);
    assert!(young.exists() && foreign.iter().all(|folder| folder.exists()));
}

#[test]
fn formulas_in_tables_are_data_and_shown_where_it_is_asked_for() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("mines.csv"), CSV).unwrap();
    let server = Server::start(home.path(), "[data.files]\nmines = \"mines.csv\"\n");
    let table = |more: &str| server.call("GET", &format!("/collections/mines/items?{more}"), &[], "");
    for more in ["f=csv", "f=csv&csv=data"] {
        let (status, _, text) = table(more);
        assert!(status == 200 && text.contains("\n=1+1,") && text.contains("\n-5,"), "{text}");
    }
    let (status, headers, text) = table("f=csv&csv=spreadsheet");
    assert!(status == 200 && text.contains("\n'=1+1,") && text.contains("\n-5,"), "{text}");
    assert_eq!(header(&headers, "content-disposition"), "attachment; filename=\"mines.csv\"");
    for wrong in ["f=csv&csv=yes", "f=geojson&csv=spreadsheet"] {
        let (status, _, text) = table(wrong);
        assert!(status == 400 && text.contains("csv"), "{wrong}: {text}");
    }
    let job = start_job(&server, &long("=1+1", 0.0));
    server.until(&job, "successful");
    assert_eq!(server.get(&format!("{job}/results/text?csv=spreadsheet")).0, 400, "it is no table");
}

#[test]
fn names_of_any_script_keep_an_address_of_their_own() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("矿.csv"), CSV).unwrap();
    let both = "[data.files]\n\"湖北 矿\" = \"矿.csv\"\n\"湖南 矿\" = \"矿.csv\"\n";
    let alone = "[data.files]\n\"湖南 矿\" = \"矿.csv\"\n\"old name\" = \"矿.csv\"\n";
    let encoded = "/collections/%E6%B9%96%E5%8D%97-%E7%9F%BF";
    for config in [both, alone] {
        let server = Server::start(home.path(), config);
        let (_, list) = server.get("/collections");
        assert_eq!(list["numberMatched"], 2);
        let (status, told) = server.get(encoded);
        assert_eq!((status, &told["id"], &told["offeredAs"]), (200, &json!("湖南-矿"), &json!("湖南 矿")));
        for link in told["links"].as_array().unwrap() {
            let href = link["href"].as_str().unwrap();
            assert!(href.is_ascii(), "{href}");
            if href.contains(encoded) && !href.contains('{') {
                let (status, _, text) = server.call("GET", href.strip_prefix(&server.base).unwrap(), &[], "");
                assert_eq!(status, 200, "{href}: {text:.300}");
            }
        }
        let (_, headers, _) = server.call("GET", &format!("{encoded}/items?f=csv"), &[], "");
        // A hyphen may be percent-encoded there.
        let disposition = header(&headers, "content-disposition").replace("%2D", "-");
        assert!(disposition.contains("filename*=UTF-8''%E6%B9%96%E5%8D%97-%E7%9F%BF.csv"), "{disposition}");
        let id = if config == alone {
            "/collections/old-name"
        } else {
            "/collections/%E6%B9%96%E5%8C%97-%E7%9F%BF"
        };
        assert_eq!(server.get(id).0, 200);
    }
    let collide = "[data.files]\n\"a b\" = \"矿.csv\"\n[data.mines]\na-b = \"矿.csv\"\n";
    std::fs::write(home.path().join("rededge.toml"), collide).unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_rededge"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .args([home.path(), Path::new("--config"), &home.path().join("rededge.toml")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("data.files.a b") && said.contains("data.mines.a-b"), "{said}");
}

#[test]
fn one_job_of_a_caller_does_not_wait_for_all_of_another() {
    let home = tempfile::tempdir().unwrap();
    let keys = "[keys]\nann = \"0123456789abcdef-ann\"\nbob = \"0123456789abcdef-bob\"\n";
    let server = Server::start(home.path(), keys);
    let post = |key: &str, text: &str| -> String {
        let headers = [("Content-Type", "application/json"), ("Prefer", "respond-async"), ("X-API-Key", key)];
        let body = long(text, 0.3).to_string();
        let (status, _, text) = server.call("POST", "/processes/echo/execution", &headers, &body);
        assert_eq!(status, 201, "{text}");
        Server::job(&serde_json::from_str(&text).unwrap())
    };
    let (ann, bob) = ("0123456789abcdef-ann", "0123456789abcdef-bob");
    let many: Vec<String> = (0..15).map(|k| post(ann, &k.to_string())).collect();
    let one = post(bob, "one");
    let status = |key: &str, job: &str| -> Value {
        serde_json::from_str(&server.call("GET", job, &[("X-API-Key", key)], "").2).unwrap()
    };
    until("bob's job", || status(bob, &one)["status"] == "successful");
    let waiting = many.iter().filter(|job| status(ann, job)["status"] == "accepted").count();
    assert!(waiting >= 8, "bob waited for all but {waiting} of ann's jobs");
}
