//! What the data that a request names look like just now: a file that has changed under its name is
//! other data.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Offered, is_link};

/// Folders of a cube are looked into so deep.
const DEEPEST: usize = 8;
/// A document of scenes that is larger is known by its size and time alone.
const LARGEST: u64 = 256 << 20;

/// What a request reads besides its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Names and state of all that is offered by name; empty where nothing is.
    pub text: String,
    /// Whether the same request reads the same again: not where it reads links.
    pub steady: bool,
}

impl Identity {
    /// That of a request's inputs; `own` tells links to results that are kept here.
    pub fn of(
        inputs: &serde_json::Map<String, Value>,
        offered: &Offered,
        own: &dyn Fn(&str) -> bool,
    ) -> Self {
        let mut found = Self { text: String::new(), steady: true };
        inputs.values().for_each(|value| found.add(value, offered, own));
        found
    }

    fn add(&mut self, value: &Value, offered: &Offered, own: &dyn Fn(&str) -> bool) {
        match value {
            Value::String(name) => self.add_name(name, offered, own),
            Value::Array(values) => values.iter().for_each(|value| self.add(value, offered, own)),
            Value::Object(members) => match members.get("href").and_then(Value::as_str) {
                Some(href) => self.add_name(href, offered, own),
                // Scenes by value lead to links.
                None => self.steady &= value.pointer("/features/0/assets").is_none(),
            },
            _ => {}
        }
    }

    fn add_name(&mut self, name: &str, offered: &Offered, own: &dyn Fn(&str) -> bool) {
        for path in [offered.file(name), offered.cube(name)].into_iter().flatten() {
            self.text += &format!("{name}={};", fingerprint(&path));
        }
        self.steady &= !is_link(name) || own(name);
    }
}

/// Path, size and time of every file, and of those that a collection of scenes names.
fn fingerprint(path: &Path) -> String {
    let mut hash = Sha256::new();
    let mut files = Vec::new();
    list(path, DEEPEST, &mut files);
    for file in &files {
        note(&mut hash, file);
        let scenes = file.extension().is_some_and(|e| e == "json" || e == "geojson");
        if scenes && (path.is_file() || file.parent() == Some(path)) {
            for asset in assets(file) {
                note(&mut hash, &asset);
            }
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn list(path: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    if !path.is_dir() {
        files.push(path.to_owned());
        return;
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().filter_map(|e| Some(e.ok()?.path()));
    let mut entries: Vec<PathBuf> = entries.collect();
    entries.sort();
    if depth > 0 {
        for entry in entries {
            list(&entry, depth - 1, files);
        }
    }
}

fn note(hash: &mut Sha256, file: &Path) {
    let told = std::fs::metadata(file).ok().map(|m| {
        let modified = m.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        (m.len(), modified.unwrap_or_default().as_nanos())
    });
    hash.update(format!("{}|{told:?};", file.display()));
}

/// The files that a collection of scenes names.
fn assets(document: &Path) -> Vec<PathBuf> {
    let folder = document.parent().unwrap_or(Path::new("/"));
    let small = std::fs::metadata(document).is_ok_and(|m| m.len() <= LARGEST);
    let read = || serde_json::from_slice::<Value>(&std::fs::read(document).ok()?).ok();
    let Some(read) = small.then(read).flatten() else { return Vec::new() };
    let one = [read.clone()];
    let items = read["features"].as_array().map_or(&one[..], Vec::as_slice);
    let hrefs = items.iter().filter_map(|item| item["assets"].as_object()).flat_map(|assets| assets.values());
    let local = hrefs.filter_map(|asset| asset["href"].as_str()).filter(|href| !is_link(href));
    local.map(|href| folder.join(href.strip_prefix("file://").unwrap_or(href))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_that_changes_under_its_name_is_other_data() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("scenes")).unwrap();
        std::fs::write(at("mines.csv"), "lon,lat\n1,2\n").unwrap();
        std::fs::write(at("scenes/a.tif"), "a").unwrap();
        let items = json!({"features": [{"assets": {"B05": {"href": "scenes/a.tif"}}}]});
        std::fs::write(at("items.json"), items.to_string()).unwrap();
        let offered = Offered {
            cubes: [("cube".to_owned(), at("items.json")), ("folder".to_owned(), at("scenes"))].into(),
            files: [("mines".to_owned(), at("mines.csv"))].into(),
            ..Offered::default()
        };
        let of =
            |inputs: Value| Identity::of(inputs.as_object().unwrap(), &offered, &|href| href == "http://own");
        for (inputs, file) in [
            (json!({"mines": "mines", "x": 1}), "mines.csv"),
            (json!({"mines": {"href": "mines"}}), "mines.csv"),
            (json!({"cube": ["cube"]}), "scenes/a.tif"),
            (json!({"cube": "cube"}), "items.json"),
            (json!({"cube": {"href": "folder"}}), "scenes/a.tif"),
        ] {
            let before = of(inputs.clone());
            assert!(before.steady && !before.text.is_empty());
            assert_eq!(before, of(inputs.clone()), "nothing has changed");
            let text = std::fs::read_to_string(at(file)).unwrap();
            std::fs::write(at(file), text + " ").unwrap();
            assert_ne!(before, of(inputs), "{file}");
        }
        assert_eq!(of(json!({"text": "abc"})), Identity { text: String::new(), steady: true });
        assert!(of(json!({"mines": "http://own"})).steady);
        for links in
            [json!({"mines": "https://x/y"}), json!({"cube": [{"href": "HTTP://x"}]}), json!({"cube": items})]
        {
            assert!(!of(links).steady);
        }
    }
}
