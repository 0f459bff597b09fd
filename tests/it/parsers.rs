//! Parsers of foreign bytes: each has a target of `make fuzz`, and none panics at bytes that are nearly right.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use regex::Regex;

#[path = "../../fuzz/parsers.rs"]
#[expect(dead_code, reason = "targets run a parser by its name")]
mod list;

use list::PARSERS;

/// What reads bytes of a format, as it is written in code.
const READERS: &str = r"serde_json::from_(slice|str|reader)|serde_json::Deserializer::from|FgbReader|\bDocument::parse|\bReader::from_|ReaderBuilder::new|toml::from_str|\bWkt\(|\bWkb\(|\bGeoJson\(|\bDecoder::new|Dataset::open|ZipArchive::new|Pieces::parse|STANDARD\.decode|decode_header|percent_decode_str";

/// Files with such readers that need no target, and why.
const OWN: [(&str, &str); 23] = [
    ("classify/gru/train.rs", "reads what the training wrote before it was stopped"),
    ("classmap/legend.rs", "reads a file of the program"),
    ("classmap/symbols.rs", "reads a file of the program"),
    ("cli/demo.rs", "reads what the demo wrote"),
    ("cli/run.rs", "hands the request on to the parser of `execute_json`"),
    ("io/feature_log.rs", "reads what it wrote"),
    ("io/gdal_setup.rs", "opens a file of its own to see that GDAL works"),
    ("io/vector_write/geopackage.rs", "opens what it wrote"),
    ("io/isolate/child.rs", "reads the task that the server wrote"),
    ("io/spreadsheet.rs", "reads tables that the server wrote"),
    ("jobs/rows.rs", "reads its own rows"),
    ("server/access.rs", "decodes the password of a caller, which is compared as bytes"),
    ("server/html/results.rs", "shows results that processes wrote"),
    ("server/html/values.rs", "shows results that processes wrote"),
    ("server/inline.rs", "reads results that processes wrote"),
    ("server/oidc.rs", "reads the keys of the issuer that the operator trusts; tokens are read by a library"),
    ("server/results.rs", "reads results that processes wrote"),
    ("server/wps.rs", "reads results that processes wrote"),
    ("store/collections/catalogue.rs", "reads what jobs wrote"),
    ("store/identity.rs", "reads what it wrote"),
    (
        "store/inbox.rs",
        "decodes base64 and percent codes by a library; what comes of it goes to the other parsers",
    ),
    ("store/served.rs", "reads what jobs wrote"),
    ("store/sink.rs", "reads what it wrote"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The code of a file without its tests and comments.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let tests = Regex::new(r"(?m)^#\[cfg\(test\)\]\n(#\[.*\]\n)*mod \w+ \{").unwrap();
    let end = tests.find(&text).map_or(text.len(), |m| m.start());
    text[..end].lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|l| [l, "\n"]).collect()
}

#[test]
fn every_parser_has_a_fuzz_target_and_seeds() {
    let listed: BTreeSet<String> = PARSERS.iter().map(|p| p.name.to_owned()).collect();
    assert_eq!(listed.len(), PARSERS.len(), "a name stands twice");
    let mut files = Vec::new();
    rust_files(&root().join("fuzz/fuzz_targets"), &mut files);
    let targets: BTreeSet<String> =
        files.iter().map(|f| f.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(listed, targets, "fuzz/parsers.rs and fuzz/fuzz_targets");
    for (file, target) in files.iter().map(|f| (f, f.file_stem().unwrap().to_string_lossy())) {
        let runs = std::fs::read_to_string(file).unwrap().contains(&format!("run(\"{target}\", data)"));
        assert!(runs, "{target} does not run its parser");
    }
    // `make fuzz` runs what `cargo fuzz list` names: the binaries of this file.
    let manifest: toml::Table = toml::from_str(include_str!("../../fuzz/Cargo.toml")).unwrap();
    let bins = manifest["bin"].as_array().unwrap();
    let built: BTreeSet<String> = bins.iter().map(|b| b["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(listed, built, "fuzz/parsers.rs and fuzz/Cargo.toml");
    for parser in PARSERS {
        assert!(!seeds(parser.name).is_empty(), "fuzz/seeds/{} is empty", parser.name);
    }
}

#[test]
fn every_file_that_reads_foreign_bytes_is_run_by_a_target() {
    let readers = Regex::new(READERS).unwrap();
    let src = root().join("src");
    let run: BTreeSet<&str> = PARSERS.iter().flat_map(|p| p.files).copied().collect();
    for file in &run {
        assert!(src.join(file).is_file(), "fuzz/parsers.rs names {file}, which there is not");
    }
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut reading = BTreeSet::new();
    for path in files.iter().filter(|f| !f.ends_with("tests.rs") && !f.ends_with("reference.rs")) {
        let name = path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
        if !name.contains("/tests/")
            && let Some(reader) = readers.find(&code(path))
        {
            let excused = OWN.iter().any(|(file, _)| *file == name);
            assert!(
                run.contains(name.as_str()) || excused,
                "src/{name} reads by `{}`: name it in fuzz/parsers.rs with a target that runs it",
                reader.as_str()
            );
            reading.insert(name);
        }
    }
    for (file, _) in OWN {
        assert!(reading.contains(file), "{file} needs its exception no longer");
    }
}

#[test]
fn the_seeds_of_models_are_models() {
    for seed in seeds("model") {
        rededge::classify::Model::from_bytes(&seed).unwrap();
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = root().join("fuzz/seeds").join(name);
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Insert(at, more) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Remove(at, count) => {
                let at = at.index(bytes.len());
                bytes.drain(at..bytes.len().min(at + count));
            }
            Self::Repeat(at, count, times) => {
                let at = at.index(bytes.len());
                let part = bytes[at..bytes.len().min(at + count)].repeat(*times);
                bytes.splice(at..at, part);
            }
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    let odd: Vec<&'static [u8]> = vec![
        b"-1",
        b"0",
        b"1e999",
        b"18446744073709551615",
        b"NaN",
        b"\"",
        b"'",
        b"<",
        b">",
        b"&",
        b"{",
        b"}",
        b"[",
        b"]",
        b"(",
        b")",
        b",",
        b":",
        b"=",
        b"\n",
        b"\0",
        b"\xff\xff\xff\xff",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"%",
        b"null",
        b"true",
    ];
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        4 => (any::<Index>(), prop::sample::select(odd)).prop_map(|(at, more)| Edit::Insert(at, more.to_vec())),
        2 => (any::<Index>(), 1..40usize).prop_map(|(at, count)| Edit::Remove(at, count)),
        1 => (any::<Index>(), 1..12usize, 2..400usize).prop_map(|(at, count, times)| Edit::Repeat(at, count, times)),
    ]
}

#[test]
fn no_parser_panics_at_bytes_that_are_nearly_right() {
    std::thread::scope(|scope| {
        for half in PARSERS.chunks(PARSERS.len().div_ceil(2)) {
            scope.spawn(move || half.iter().for_each(try_parser));
        }
    });
}

fn try_parser(parser: &list::Parser) {
    let seeds = seeds(parser.name);
    let edited = (prop::sample::select(seeds.clone()), prop::collection::vec(edit(), 1..6)).prop_map(
        |(mut bytes, edits)| {
            for edit in &edits {
                edit.apply(&mut bytes);
            }
            bytes
        },
    );
    let bytes = prop_oneof![8 => edited, 1 => prop::collection::vec(any::<u8>(), 0..200)];
    let config =
        Config { cases: 64, failure_persistence: None, max_shrink_time: 20_000, ..Config::default() };
    let run = |bytes: Vec<u8>| {
        (parser.run)(&bytes);
        Ok::<_, TestCaseError>(())
    };
    for seed in seeds {
        run(seed).unwrap();
    }
    if let Err(error) = TestRunner::new(config).run(&bytes, run) {
        panic!("{}: {error}", parser.name);
    }
}
