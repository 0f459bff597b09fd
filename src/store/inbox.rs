//! Files that came inside a request or were fetched for it, in a folder that goes with the run.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use tempfile::TempDir;

use crate::io::fetch::{Fetcher, shown};
use crate::io::isolate::ReadError;
use crate::ogc::outputs::extension;

/// The first bytes of formats that are opened as files, and their endings. A file is what it begins
/// with, whatever it is called.
const MAGIC: [(&[u8], &str); 6] = [
    (b"II*\0", "tif"),
    (b"MM\0*", "tif"),
    (b"II+\0", "tif"),
    (b"MM\0+", "tif"),
    (b"SQLite format 3\0", "gpkg"),
    (b"fgb", "fgb"),
];
/// Endings of formats that are read as text, as their names tell.
const TEXTS: [&str; 7] = ["geojson", "json", "csv", "tsv", "txt", "gml", "xml"];

/// Keeps files as long as it is there.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Where its folder is made; the system's for temporary files where not given.
    below: Option<PathBuf>,
    folder: OnceLock<TempDir>,
    count: AtomicUsize,
    /// What is here already, by its link.
    known: Mutex<HashMap<String, PathBuf>>,
    /// What came of rewriting a file.
    rewritten: Mutex<HashMap<PathBuf, Rewritten>>,
}

/// What came of rewriting one file.
type Rewritten = Arc<OnceLock<Result<(), ReadError>>>;

impl Inbox {
    /// An inbox whose folder is made below this one, once something comes.
    pub fn below(folder: &Path) -> Self {
        Self { below: Some(folder.to_owned()), ..Self::default() }
    }

    /// The file that a link leads to; fetched once.
    ///
    /// # Errors
    /// As [`Fetcher::file`].
    pub fn fetched(
        &self,
        fetcher: &Fetcher,
        link: &str,
        media_type: Option<&str>,
    ) -> Result<PathBuf, String> {
        if let Some(known) = self.known(link) {
            return Ok(known);
        }
        let path = self.next(name_of(link))?;
        let found = fetcher.file(link, &path)?;
        self.keep(link, &path, media_type, found.media_type.as_deref())
    }

    /// The file that a `data:` link holds.
    ///
    /// # Errors
    /// It is not well-formed; a disk that is full.
    pub fn data(&self, link: &str, media_type: Option<&str>) -> Result<PathBuf, String> {
        if let Some(known) = self.known(link) {
            return Ok(known);
        }
        let (own, bytes) = decoded(link)?;
        let path = self.next("value")?;
        std::fs::write(&path, bytes).map_err(|e| format!("cannot be kept: {}", e.kind()))?;
        self.keep(link, &path, media_type, Some(&own))
    }

    /// A file of a value that stands in the request itself.
    ///
    /// # Errors
    /// A disk that is full.
    pub fn value(&self, bytes: &[u8], ending: &str) -> Result<PathBuf, String> {
        let path = self.next("value")?.with_extension(ending);
        std::fs::write(&path, bytes).map_err(|e| format!("cannot be kept: {}", e.kind()))?;
        Ok(path)
    }

    /// Rewrites one of its files, once; whoever asks meanwhile waits.
    ///
    /// # Errors
    /// Those of the work, each time.
    pub fn rewritten(
        &self,
        path: &Path,
        work: impl FnOnce() -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut all = self.rewritten.lock().unwrap_or_else(PoisonError::into_inner);
        let one = all.entry(path.to_owned()).or_default().clone();
        drop(all);
        one.get_or_init(work).clone()
    }

    /// Whether a path is one of its files.
    pub fn holds(&self, path: impl AsRef<Path>) -> bool {
        self.folder.get().is_some_and(|folder| path.as_ref().starts_with(folder.path()))
    }

    fn known(&self, link: &str) -> Option<PathBuf> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(link).cloned()
    }

    /// A place of its own for a file, under a name that messages may have.
    fn next(&self, name: &str) -> Result<PathBuf, String> {
        if self.folder.get().is_none() {
            let made = match &self.below {
                Some(below) => std::fs::create_dir_all(below).and_then(|()| TempDir::new_in(below)),
                None => TempDir::new(),
            };
            // Another thread may have been quicker: its folder is as good.
            let _ = self.folder.set(made.map_err(|e| format!("cannot be kept: {}", e.kind()))?);
        }
        let folder = self.folder.get().ok_or("cannot be kept")?;
        let own = folder.path().join(self.count.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::create_dir(&own).map_err(|e| format!("cannot be kept: {}", e.kind()))?;
        Ok(own.join(name))
    }

    /// Gives a file the ending of what it holds.
    fn keep(
        &self,
        link: &str,
        path: &Path,
        media_type: Option<&str>,
        told: Option<&str>,
    ) -> Result<PathBuf, String> {
        let ending = ending(path, link, media_type, told);
        let named = path.with_extension(ending);
        std::fs::rename(path, &named).map_err(|e| format!("cannot be kept: {}", e.kind()))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(link.to_owned(), named.clone());
        Ok(named)
    }
}

/// What a file from a link is called, without its ending: as in the link, where that is plain.
fn name_of(link: &str) -> &str {
    let last = shown(link).rsplit('/').next().unwrap_or_default();
    let stem = last.split('.').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !stem.is_empty() && stem.len() <= 60 && stem.chars().all(plain) { stem } else { "file" }
}

/// The ending of a file: by its first bytes, else, among texts, by the media type that the caller
/// gives, its name, or the media type that came with it. What says that it is a raster and does not
/// begin as one is neither.
fn ending(path: &Path, link: &str, media_type: Option<&str>, told: Option<&str>) -> &'static str {
    let mut head = [0; 16];
    let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut head)).unwrap_or(0);
    if let Some((_, ending)) = MAGIC.iter().find(|(magic, _)| head[..read].starts_with(magic)) {
        return ending;
    }
    let text = |name: &str| TEXTS.into_iter().find(|known| known.eq_ignore_ascii_case(name));
    let typed = |media_type: Option<&str>| text(extension(media_type?));
    let named = || text(shown(link).rsplit_once('.')?.1).filter(|_| !link.starts_with("data:"));
    typed(media_type).or_else(named).or_else(|| typed(told)).unwrap_or("bin")
}

/// Media type and bytes of a `data:` link (RFC 2397).
fn decoded(link: &str) -> Result<(String, Vec<u8>), String> {
    let (head, body) = link
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(','))
        .ok_or("is no `data:` link: there is no comma after its media type")?;
    let (media_type, packed) = match head.strip_suffix(";base64") {
        Some(media_type) => (media_type, true),
        None => (head, false),
    };
    let plain: Vec<u8> = percent_encoding::percent_decode_str(body).collect();
    let bytes = if packed {
        let text: Vec<u8> = plain.into_iter().filter(|b| !b.is_ascii_whitespace()).collect();
        let tried = STANDARD.decode(&text).or_else(|_| STANDARD_NO_PAD.decode(&text));
        tried.or_else(|_| URL_SAFE.decode(&text)).map_err(|_| "is not valid base64")?
    } else {
        plain
    };
    Ok((media_type.to_owned(), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_it_begins_with() {
        let inbox = Inbox::default();
        let name = |link: &str, media_type| {
            let path = inbox.data(link, media_type).unwrap();
            path.extension().unwrap().to_str().unwrap().to_owned()
        };
        let packed = |bytes: &[u8]| format!("data:image/tiff;base64,{}", STANDARD.encode(bytes));
        assert_eq!(name(&packed(b"II*\0rest"), None), "tif");
        assert_eq!(name(&packed(b"<VRTDataset/>"), None), "bin");
        assert_eq!(name(&packed(b"SQLite format 3\0"), None), "gpkg");
        assert_eq!(name("data:text/csv,lon%2Clat%0A1%2C2", None), "csv");
        assert_eq!(name("data:,{}", Some("application/geo+json")), "geojson");
        assert_eq!(name("data:application/geo+json,[1]", None), "geojson");
        assert_eq!(name("data:text/plain,a.csv", None), "txt");
        assert_eq!(name("data:text/html,a.csv", None), "bin");
        for wrong in ["data:text/csv", "data:x;base64,%%%"] {
            assert!(inbox.data(wrong, None).is_err(), "{wrong}");
        }
        let folder = inbox.folder.get().unwrap().path().to_owned();
        assert!(folder.exists());
        let csv = inbox.known("data:text/csv,lon%2Clat%0A1%2C2").unwrap();
        assert_eq!(csv.file_name().unwrap(), "value.csv");
        for (link, name) in [
            ("https://a.example/b/mines.csv?key=1", "mines"),
            ("https://a.example/S2_2019.B05.tif", "S2_2019"),
            ("https://a.example/", "file"),
            ("https://a.example/..", "file"),
            ("https://a.example/a%2Fb.csv", "file"),
        ] {
            assert_eq!(name_of(link), name, "{link}");
        }
        drop(inbox);
        assert!(!folder.exists(), "files go with the run");
    }
}
