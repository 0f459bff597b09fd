//! Links against servers of the test: caps, redirects, and addresses that are refused.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicBool;

use super::*;
use ureq::http::Uri;
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::transport::NextTimeout;

/// Answers every path with a head and body of its own, and counts who comes.
fn host(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, visits) = (listener.local_addr().unwrap(), Arc::new(AtomicU32::new(0)));
    let counted = visits.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let _ = stream.write_all(&answer(first.split(' ').nth(1).unwrap_or("/")));
        }
    });
    (address, visits)
}

fn body(text: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len())
        .into_bytes()
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .into_bytes()
}

const CAPS: Caps = Caps { links: 100, bytes: 10_000, time: Duration::from_secs(20) };

fn hosts(any: &[&str], private: &[String]) -> Arc<Hosts> {
    let any: Vec<String> = any.iter().map(|t| (*t).to_owned()).collect();
    Arc::new(Hosts::new(&any, private).unwrap())
}

/// One name, and another address each time it is asked for.
#[derive(Debug)]
struct Fickle {
    addresses: Vec<SocketAddr>,
    asked: Arc<AtomicU32>,
}

impl Resolver for Fickle {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let at = self.asked.fetch_add(1, Ordering::SeqCst) as usize;
        let mut found = self.empty();
        found.push(self.addresses[at.min(self.addresses.len() - 1)]);
        Ok(found)
    }
}

#[test]
fn a_host_that_is_allowed_is_read_and_a_private_one_is_not_unless_it_is_named_so() {
    let (address, visits) = host(|_| body("{\"a\": 1}"));
    let link = format!("http://{address}/x?key=secret");
    let fetcher = Fetcher::guarded(hosts(&[], &[address.to_string()]), CAPS);
    assert_eq!(fetcher.json(&link).unwrap()["a"], 1);
    assert_eq!(visits.load(Ordering::SeqCst), 1);

    let strict = Fetcher::guarded(hosts(&[&address.to_string()], &[]), CAPS);
    let error = strict.json(&link).unwrap_err();
    assert!(error.contains("not public") && !error.contains("secret"), "{error}");
    // The same place, spelled otherwise.
    let port = address.port();
    let names = [
        "localhost",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ];
    for name in names {
        let strict = Fetcher::guarded(hosts(&[&format!("{name}:{port}")], &[]), CAPS);
        let error = strict.json(&format!("http://{name}:{port}/x")).unwrap_err();
        assert!(error.contains("not public") || error.contains("not known"), "{name}: {error}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 1, "nobody came");
}

#[test]
fn every_redirect_is_looked_at() {
    let (inner, visits) = host(|_| body("inside"));
    let (outer, _) = host(move |path| match path {
        "/in" => redirect(&format!("http://{inner}/")),
        "/round" => redirect("/round"),
        "/file" => redirect("file:///etc/passwd"),
        "/on" => redirect("there"),
        _ => body("outside"),
    });
    let fetcher = Fetcher::guarded(hosts(&[], &[outer.to_string()]), CAPS);
    let get = |path: &str| fetcher.bytes(&format!("http://{outer}{path}"), 100);
    assert_eq!(get("/on").unwrap(), b"outside");
    for path in ["/in", "/file"] {
        let error = get(path).unwrap_err();
        assert!(error.contains("leads on") && !error.contains(&inner.to_string()), "{error}");
    }
    assert!(get("/round").unwrap_err().contains("leads on more than"));
    // On the list, but private: refused where it is connected to.
    let fetcher = Fetcher::guarded(hosts(&[&inner.to_string()], &[outer.to_string()]), CAPS);
    assert!(fetcher.bytes(&format!("http://{outer}/in"), 100).unwrap_err().contains("not public"));
    assert_eq!(visits.load(Ordering::SeqCst), 0, "nobody came");
    let unsent = fetcher.post(&format!("http://{outer}/in"), b"{}").unwrap_err();
    assert!(!unsent.passing && unsent.reason.contains("302"), "{unsent:?}");
}

#[test]
fn a_name_that_changes_between_the_look_and_the_connection_changes_nothing() {
    let (address, visits) = host(|_| body("inside"));
    let asked = Arc::new(AtomicU32::new(0));
    let (good, nobody) = ("1.1.1.1:9".parse().unwrap(), "192.0.2.1:9".parse().unwrap());
    // The first answer is public and is what is handed on; the next one is looked at anew.
    let fickle = Fickle { addresses: vec![good, address], asked: asked.clone() };
    let guard = GuardedResolver { inner: fickle, hosts: hosts(&["fickle.example"], &[]) };
    let resolve = || {
        guard.resolve(&"http://fickle.example/".parse().unwrap(), &Config::default(), NextTimeout::default())
    };
    assert_eq!(resolve().unwrap().to_vec(), [good]);
    assert!(resolve().unwrap_err().to_string().contains("not public"));
    // Of several answers one that is private is enough.
    asked.store(0, Ordering::SeqCst);
    let fickle = Fickle { addresses: vec![nobody, address], asked: asked.clone() };
    let fetcher = Fetcher::guarded_by(fickle, hosts(&["fickle.example"], &[]), CAPS);
    for _ in 0..2 {
        assert!(fetcher.bytes("http://fickle.example/", 100).unwrap_err().contains("not public"));
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0, "nobody came");
    // An address is asked for once a connection, no more.
    asked.store(0, Ordering::SeqCst);
    let steady = Fickle { addresses: vec![address, nobody], asked: asked.clone() };
    let fetcher = Fetcher::guarded_by(steady, hosts(&[], &["steady.example".to_owned()]), CAPS);
    assert_eq!(fetcher.bytes("http://steady.example/", 100).unwrap(), b"inside");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn bytes_links_and_time_are_capped_and_what_was_found_is_not_told() {
    let (address, _) = host(|path| match path {
        "/endless" => {
            [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec(), vec![b'x'; 100_000]].concat()
        }
        "/packed" => {
            // Ten megabytes of nothing, packed.
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            packed.write_all(&vec![b'0'; 10 << 20]).unwrap();
            let packed = packed.finish().unwrap();
            let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n";
            [format!("{head}Content-Length: {}\r\n\r\n", packed.len()).into_bytes(), packed].concat()
        }
        "/slow" => {
            std::thread::sleep(Duration::from_secs(5));
            body("late")
        }
        "/broken" => {
            b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\nsecret word".to_vec()
        }
        "/odd" => b"secret word\r\n\r\n".to_vec(),
        "/none" => {
            b"HTTP/1.1 403 secret-word\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret".to_vec()
        }
        _ => body("secret"),
    });
    let fetcher = |caps| Fetcher::guarded(hosts(&[], &[address.to_string()]), caps);
    let get = |fetcher: &Fetcher, path: &str| fetcher.bytes(&format!("http://{address}{path}"), u64::MAX);
    for path in ["/endless", "/packed"] {
        assert!(get(&fetcher(CAPS), path).unwrap_err().contains("holds more than"), "{path}");
    }
    let two = fetcher(Caps { links: 2, ..CAPS });
    assert!(get(&two, "/a").is_ok() && get(&two, "/b").is_ok());
    assert!(get(&two, "/c").unwrap_err().contains("one link more than the 2"));
    let all = fetcher(Caps { bytes: 10, ..CAPS });
    assert!(get(&all, "/a").is_ok());
    assert!(get(&all, "/b").unwrap_err().contains("holds more than"), "the bytes of all links count");
    let start = Instant::now();
    assert!(
        get(&fetcher(Caps { time: Duration::from_secs(1), ..CAPS }), "/slow")
            .unwrap_err()
            .contains("too long")
    );
    assert!(start.elapsed() < Duration::from_secs(4));
    for path in ["/broken", "/odd", "/none"] {
        let error = get(&fetcher(CAPS), path).unwrap_err();
        assert!(!error.contains("secret") && !error.contains("word"), "{error}");
    }
    let error = fetcher(CAPS).json(&format!("http://{address}/x")).unwrap_err();
    assert!(error.contains("is not JSON") && !error.contains("secret"), "{error}");
}

#[test]
fn whoever_waits_no_more_is_not_kept() {
    let (address, _) = host(|_| {
        std::thread::sleep(Duration::from_secs(10));
        body("late")
    });
    let gone = Arc::new(AtomicBool::new(false));
    let asked = gone.clone();
    let fetcher = Fetcher::guarded(hosts(&[], &[address.to_string()]), CAPS)
        .stopping(Arc::new(move || asked.load(Ordering::SeqCst)));
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        gone.store(true, Ordering::SeqCst);
    });
    let start = Instant::now();
    assert!(fetcher.bytes(&format!("http://{address}/"), 10).unwrap_err().contains("given up"));
    assert!(start.elapsed() < Duration::from_secs(2));
}
