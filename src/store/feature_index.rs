//! The files of columns of vector results and configured files: made when they are first asked for,
//! and again when their source changes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::io::IoError;
use crate::io::feature_file::{FeatureFile, build};

/// Files that are kept open.
const OPEN: usize = 64;

/// A file, once it is open. Its lock is held while it is made, so that it is made once.
type Slot = Arc<Mutex<Option<Arc<FeatureFile>>>>;

/// How often files were asked for, and each file with the last time.
type Open = (u64, HashMap<PathBuf, (u64, Slot)>);

/// Files of columns by their sources. Those of results stand beside them, and go with them.
#[derive(Debug)]
pub struct FeatureIndexes {
    results: PathBuf,
    folder: PathBuf,
    /// With the time of the last use.
    open: Mutex<Open>,
}

impl FeatureIndexes {
    /// For results below a folder, and other files by way of another.
    pub fn new(results: &Path, folder: &Path) -> Self {
        Self { results: results.to_owned(), folder: folder.to_owned(), open: Mutex::default() }
    }

    /// The columns of a file of features. Waits while they are made.
    ///
    /// # Errors
    /// [`IoError`]: the source cannot be read, or the columns cannot be written.
    pub fn of(&self, source: &Path) -> Result<Arc<FeatureFile>, IoError> {
        let slot = self.slot(source);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let version = version_of(source)?;
        if let Some(file) = slot.as_ref().filter(|f| f.source() == version) {
            return Ok(file.clone());
        }
        let target = self.place(source);
        let kept = FeatureFile::open(&target).ok().filter(|f| f.source() == version);
        let file = Arc::new(if let Some(file) = kept {
            file
        } else {
            let start = std::time::Instant::now();
            if let Some(folder) = target.parent() {
                std::fs::create_dir_all(folder).map_err(|e| IoError::write(folder, e))?;
            }
            build(source, &version, &target)?;
            let file = FeatureFile::open(&target)?;
            let (features, left_out) = (file.len(), file.left_out());
            let milliseconds = start.elapsed().as_millis() as u64;
            tracing::info!(source = %source.display(), features, left_out, milliseconds, "put into columns");
            file
        });
        *slot = Some(file.clone());
        Ok(file)
    }

    /// Columns of nothing.
    ///
    /// # Errors
    /// [`IoError::Write`]: disk full.
    pub fn nothing(&self) -> Result<Arc<FeatureFile>, IoError> {
        std::fs::create_dir_all(&self.folder).map_err(|e| IoError::write(&self.folder, e))?;
        FeatureFile::empty(&self.folder).map(Arc::new)
    }

    /// Makes the columns of files ahead of their first request, on a thread of its own.
    pub fn prepare(self: &Arc<Self>, sources: Vec<PathBuf>) {
        let indexes = self.clone();
        std::thread::spawn(move || {
            for source in sources {
                if let Err(error) = indexes.of(&source) {
                    tracing::warn!(%error, "a file is not in columns");
                }
            }
        });
    }

    /// The lock of a source; those that were not used for longest are closed.
    fn slot(&self, source: &Path) -> Slot {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.0 += 1;
        let now = open.0;
        if open.1.len() >= OPEN && !open.1.contains_key(source) {
            let idle = open.1.iter().filter(|(_, (_, slot))| Arc::strong_count(slot) == 1);
            if let Some(oldest) = idle.min_by_key(|(_, (used, _))| *used).map(|(path, _)| path.clone()) {
                open.1.remove(&oldest);
            }
        }
        let (used, slot) = open.1.entry(source.to_owned()).or_default();
        *used = now;
        slot.clone()
    }

    /// Where the columns of a source are.
    fn place(&self, source: &Path) -> PathBuf {
        let name = source.file_name().unwrap_or_default().to_string_lossy();
        if source.starts_with(&self.results) {
            return source.with_file_name(format!(".{name}.columns"));
        }
        let hash = Sha256::digest(source.as_os_str().as_encoded_bytes());
        let hex: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
        self.folder.join(format!("{hex}.columns"))
    }
}

/// Changes when a file does.
fn version_of(path: &Path) -> Result<String, IoError> {
    let read = |e: std::io::Error| IoError::read(path.display().to_string(), e);
    let meta = std::fs::metadata(path).map_err(read)?;
    let since = meta.modified().map_err(read)?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(format!("{:x}-{:x}", meta.len(), since.as_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_made_once_and_again_when_the_source_changes() {
        let home = tempfile::tempdir().unwrap();
        let results = home.path().join("results");
        std::fs::create_dir_all(results.join("job")).unwrap();
        let indexes = FeatureIndexes::new(&results, &home.path().join("columns"));
        let (own, offered) = (results.join("job/mines.csv"), home.path().join("mines.csv"));
        for source in [&own, &offered] {
            std::fs::write(source, "lon,lat,name\n113,27,a\n").unwrap();
            let first = indexes.of(source).unwrap();
            assert_eq!(first.len(), 1);
            assert!(Arc::ptr_eq(&first, &indexes.of(source).unwrap()));
            std::fs::write(source, "lon,lat,name\n113,27,a\n114,28,b\n").unwrap();
            assert_eq!((first.len(), indexes.of(source).unwrap().len()), (1, 2));
        }
        assert!(results.join("job/.mines.csv.columns").is_file());
        assert_eq!(std::fs::read_dir(home.path().join("columns")).unwrap().count(), 1);
        let made = std::fs::metadata(indexes.place(&own)).unwrap().modified().unwrap();
        let again = FeatureIndexes::new(&results, &home.path().join("columns"));
        again.of(&own).unwrap();
        assert_eq!(std::fs::metadata(again.place(&own)).unwrap().modified().unwrap(), made);
        std::fs::write(indexes.place(&own), "damaged").unwrap();
        assert_eq!(FeatureIndexes::new(&results, home.path()).of(&own).unwrap().len(), 2);
        assert!(indexes.of(&home.path().join("gone.csv")).unwrap_err().to_string().contains("gone.csv"));
    }

    #[test]
    fn only_so_many_files_are_open() {
        let home = tempfile::tempdir().unwrap();
        let indexes = FeatureIndexes::new(home.path(), home.path());
        for k in 0..OPEN + 10 {
            let source = home.path().join(format!("{k}.csv"));
            std::fs::write(&source, "lon,lat\n1,2\n").unwrap();
            indexes.of(&source).unwrap();
        }
        assert_eq!(indexes.open.lock().unwrap().1.len(), OPEN);
    }
}
