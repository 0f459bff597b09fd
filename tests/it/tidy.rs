//! Holds the house to `docs/architecture.md`: which room may use which, how long a file may grow,
//! what must not be written where. An exception stands in the list below with its reason, and
//! leaves it when it is no longer needed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;

/// Room, and the rooms it may use directly (what those may use, it may use too).
const ROOMS: &[(&str, &[&str])] = &[
    ("budget", &[]),
    ("crs", &["budget"]),
    ("raster", &["crs"]),
    ("vector", &["raster"]),
    ("cube", &["raster", "vector"]),
    ("spectral", &["cube"]),
    ("predictors", &["spectral"]),
    ("classify", &["predictors"]),
    ("classmap", &["raster", "vector"]),
    ("zones", &["classmap"]),
    ("simulate", &["cube", "vector"]),
    ("style", &["classmap"]),
    ("io", &["cube", "style", "simulate"]),
    ("tiles", &["io"]),
    ("ogc", &[]),
    ("process", &["classify", "zones", "ogc"]),
    ("store", &["process", "io"]),
    ("jobs", &["process"]),
    ("server", &["jobs", "store", "tiles"]),
];

/// Lines of a file before its tests.
const LONGEST: usize = 600;

/// Rule, file, why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("direction", "crs/geobox.rs", "a grid crops by a window of pixels and tells its own"),
    ("direction", "classify/model.rs", "a model carries the legend of the maps it makes"),
    ("direction", "classify/samples.rs", "a class is found by another name of the same meaning"),
    ("direction", "classify/foreign.rs", "a model from elsewhere is given a legend"),
    ("colour", "io/quicklook.rs", "paper and ink of the picture around a map"),
];

struct Source {
    /// Below `src`, with forward slashes.
    name: String,
    /// Everything before the tests, with its comments.
    text: String,
}

impl Source {
    fn room(&self) -> Option<&str> {
        self.name.split_once('/').map(|(room, _)| room)
    }

    fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(k, line)| (k + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|e| e.unwrap().path()) {
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut found = Vec::new();
    files(&src, "rs", &mut found);
    found.retain(|path| !path.ends_with("tests.rs"));
    found.sort();
    let tests = Regex::new(r"(?m)^#\[cfg\(test\)\]\n(#\[.*\]\n)*mod \w+ \{").unwrap();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let end = tests.find(&text).map_or(text.len(), |m| m.start());
        let name = path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
        Source { name, text: text[..end].to_owned() }
    };
    found.iter().map(read).collect()
}

/// Fails with every finding that no exception covers, and with exceptions that cover nothing.
fn judge(rule: &str, findings: &[(String, String)]) {
    let excused = |file: &str| EXCEPTIONS.iter().any(|(r, f, _)| *r == rule && *f == file);
    let mut complaints: Vec<String> = findings
        .iter()
        .filter(|(file, _)| !excused(file))
        .map(|(file, what)| format!("{file}: {what}"))
        .collect();
    for (_, file, _) in EXCEPTIONS.iter().filter(|(r, ..)| *r == rule) {
        if !findings.iter().any(|(found, _)| found == file) {
            complaints.push(format!("{file} needs its exception no longer"));
        }
    }
    assert!(complaints.is_empty(), "{rule}:\n{}", complaints.join("\n"));
}

fn search(rule: &str, pattern: &str, in_file: impl Fn(&Source) -> bool) {
    let pattern = Regex::new(pattern).unwrap();
    let mut findings = Vec::new();
    for source in sources().iter().filter(|s| in_file(s)) {
        for (number, line) in source.code_lines() {
            if let Some(hit) = pattern.find(line) {
                findings.push((source.name.clone(), format!("line {number} has `{}`", hit.as_str())));
            }
        }
    }
    judge(rule, &findings);
}

#[test]
fn rooms_use_only_rooms_to_their_right() {
    let direct: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut allowed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    // A room stands below those it uses, so one pass in order closes the table.
    for (room, uses) in ROOMS {
        let mut all = BTreeSet::from([*room]);
        for used in *uses {
            all.extend(
                allowed.get(used).unwrap_or_else(|| panic!("{room} uses {used}, which stands below it")),
            );
        }
        allowed.insert(room, all);
    }
    let path = Regex::new(r"\bcrate::(?:(\w+)|\{([^}]*)\})").unwrap();
    let mut findings = Vec::new();
    for source in &sources() {
        // The binary and its commands stand left of everything.
        let Some(room) = source.room().filter(|room| *room != "cli") else { continue };
        let Some(allowed) = allowed.get(room) else {
            findings.push((source.name.clone(), format!("room `{room}` is not in the table of this test")));
            continue;
        };
        let code: String = source.code_lines().flat_map(|(_, line)| [line, "\n"]).collect();
        for hit in path.captures_iter(&code) {
            let single = hit.get(1).map(|m| vec![m.as_str()]);
            let group = || hit.get(2).map_or("", |m| m.as_str()).split(',');
            let used =
                single.unwrap_or_else(|| group().map(|p| p.trim().split("::").next().unwrap()).collect());
            for used in used.into_iter().filter(|used| direct.contains_key(used) && !allowed.contains(used)) {
                findings.push((source.name.clone(), format!("`{room}` uses `{used}`")));
            }
        }
    }
    judge("direction", &findings);
}

#[test]
fn every_file_says_what_it_is_and_none_grows_too_long() {
    let all = sources();
    let silent = all.iter().filter(|s| !s.text.starts_with("//!"));
    judge(
        "module doc",
        &silent.map(|s| (s.name.clone(), "has no module doc".to_owned())).collect::<Vec<_>>(),
    );
    let long = all.iter().map(|s| (s, s.text.lines().count())).filter(|(_, lines)| *lines > LONGEST);
    let long = long.map(|(s, lines)| (s.name.clone(), format!("has {lines} lines before its tests")));
    judge("length", &long.collect::<Vec<_>>());
}

#[test]
fn no_web_word_stands_below_the_server() {
    let web = r"StatusCode|HttpRe(quest|sponse)|actix|\bHeaderMap\b|Cache-Control";
    search("web", web, |s| s.room() != Some("server"));
    // And in the server, one file says by which status it is answered.
    let status = r"StatusCode|HttpResponse(Builder)?::";
    search("status", status, |s| s.room() == Some("server") && !s.name.ends_with("error.rs"));
}

#[test]
fn nothing_below_io_touches_a_file() {
    let below =
        ["crs", "raster", "vector", "cube", "spectral", "predictors", "classify", "classmap", "zones"];
    let pure = |s: &Source| {
        s.room().is_some_and(|r| below.contains(&r) || ["simulate", "ogc", "process"].contains(&r))
    };
    search("files", r"std::fs\b|\bFile::(open|create)\b|OpenOptions|Dataset::open", pure);
}

#[test]
fn colours_live_in_the_legends() {
    search("colour", r##""#[0-9a-fA-F]{6}"|RGBColor\(\s*\d|Rgb888::new\(\s*\d"##, |_| true);
}

#[test]
fn nothing_is_left_for_later() {
    let later = Regex::new(concat!("TO", "DO|FIX", "ME|X", "XX\\b")).unwrap();
    let mut found = Vec::new();
    for folder in ["src", "tests", "examples", "benches", "docs"] {
        for ending in ["rs", "py", "md"] {
            files(&root().join(folder), ending, &mut found);
        }
    }
    let marked: Vec<_> =
        found.iter().filter(|f| later.is_match(&std::fs::read_to_string(f).unwrap())).collect();
    assert!(marked.is_empty(), "{marked:?}");
}

#[test]
fn the_architecture_page_has_a_paragraph_for_every_room() {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let room = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!path.is_dir() || page.contains(&format!("### `{room}`")), "{room} has no paragraph");
    }
}
