//! Data that an operator offers by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::live::LiveOffers;

/// Names and what they stand for.
pub type Names = BTreeMap<String, PathBuf>;

/// What requests may name.
#[derive(Clone, Debug, Default)]
pub struct Offered {
    /// Cubes by name.
    pub cubes: Names,
    /// Mines by name.
    pub mines: Names,
    /// Models by name.
    pub models: Names,
    /// Other files by name.
    pub files: Names,
    /// Folders by name: their entries are `NAME/FILE`.
    pub folders: Names,
    /// Maps that are computed where they are looked at.
    pub live: LiveOffers,
    /// Styles of files by the files' names.
    pub styles: BTreeMap<String, String>,
    /// The folder of results: a folder a job.
    pub results: PathBuf,
}

/// What an input reads, as far as offers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Scenes.
    Cube,
    /// Mines.
    Mines,
    /// A model.
    Model,
    /// Anything else.
    File,
}

impl Kind {
    /// The kind of data that an input of this name reads (`cube`, `mines`, `riceModel`).
    pub fn of_input(name: &str) -> Self {
        match name {
            "cube" => Self::Cube,
            "mines" => Self::Mines,
            name if name.to_ascii_lowercase().ends_with("model") => Self::Model,
            _ => Self::File,
        }
    }
}

impl Offered {
    /// The scenes that are offered by this name.
    pub fn cube(&self, name: &str) -> Option<PathBuf> {
        self.cubes.get(name).cloned().or_else(|| self.in_folder(name))
    }

    /// The file that is offered by this name, whatever it holds.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        let tables = [&self.mines, &self.models, &self.files];
        tables.into_iter().find_map(|table| table.get(name)).cloned().or_else(|| self.in_folder(name))
    }

    /// Whether requests for files may use this name, whether its file is there now or not.
    pub fn has_name(&self, name: &str) -> bool {
        let tables = [&self.mines, &self.models, &self.files];
        tables.into_iter().any(|table| table.contains_key(name))
            || name.split_once('/').is_some_and(|(folder, _)| self.folders.contains_key(folder))
    }

    /// Names whose file or folder is not there now: their keys in the configuration, and the paths.
    pub fn missing(&self) -> impl Iterator<Item = (String, &PathBuf)> {
        let tables = [
            ("cubes", &self.cubes),
            ("mines", &self.mines),
            ("models", &self.models),
            ("files", &self.files),
            ("folders", &self.folders),
        ];
        let all = tables.into_iter().flat_map(|(table, names)| names.iter().map(move |entry| (table, entry)));
        all.filter(|(_, (_, path))| !path.exists())
            .map(|(table, (name, path))| (format!("data.{table}.{name}"), path))
    }

    fn in_folder(&self, name: &str) -> Option<PathBuf> {
        let (folder, entry) = name.split_once('/')?;
        let folder = self.folders.get(folder)?;
        // Looked for among what is there: the name itself is never used as a path.
        entries(folder).into_iter().find(|found| found == entry).map(|found| folder.join(found))
    }

    /// Names that an input of this kind may be given: those meant for it first, then those that may be.
    pub fn names(&self, kind: Kind) -> Vec<String> {
        let tables = match kind {
            Kind::Cube => vec![&self.cubes],
            Kind::Mines => vec![&self.mines, &self.files],
            Kind::Model => vec![&self.models, &self.files],
            Kind::File => vec![&self.files, &self.mines, &self.models],
        };
        let mut names: Vec<String> = tables.into_iter().flat_map(BTreeMap::keys).cloned().collect();
        for (folder, path) in &self.folders {
            names.extend(entries(path).into_iter().map(|entry| format!("{folder}/{entry}")));
        }
        names
    }
}

/// Names in a folder, without hidden ones.
fn entries(folder: &Path) -> Vec<String> {
    let read = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = read.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_a_folder_have_names_and_nothing_beside_it_does() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("county");
        std::fs::create_dir_all(folder.join("deeper")).unwrap();
        for name in ["county/mines.csv", "county/.secret", "county/deeper/x.csv", "secret.csv"] {
            std::fs::write(home.path().join(name), "lon,lat\n").unwrap();
        }
        let table = |name: &str, path: &Path| -> Names { [(name.to_owned(), path.to_owned())].into() };
        let offered = Offered {
            folders: table("hunan", &folder),
            models: table("rice", &home.path().join("secret.csv")),
            ..Offered::default()
        };
        assert_eq!(offered.file("hunan/mines.csv"), Some(folder.join("mines.csv")));
        assert_eq!(offered.cube("hunan/deeper"), Some(folder.join("deeper")));
        for name in [
            "hunan",
            "hunan/",
            "hunan/.secret",
            "hunan/../secret.csv",
            "hunan/deeper/x.csv",
            "hunan/..",
            "other/mines.csv",
        ] {
            assert_eq!(offered.file(name), None, "{name}");
        }
        assert_eq!(offered.names(Kind::Model), ["rice", "hunan/deeper", "hunan/mines.csv"]);
        assert_eq!(offered.names(Kind::Cube), ["hunan/deeper", "hunan/mines.csv"]);
        std::fs::write(folder.join("later.csv"), "").unwrap();
        assert!(offered.file("hunan/later.csv").is_some());
    }
}
