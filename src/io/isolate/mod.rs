//! Files of callers, read in a child process. What a request brings by value or by link may be made to do
//! harm: to read other files, to take all memory, to come to no end, to crash a decoder. So a server never
//! opens it itself. It starts its own program again as a child that has given up everything but the one
//! file (`confine`), waits for it as long as it may take and the job is wanted, and reads the plain
//! answer (`wire`). What happens to the child happens to the child alone.

mod child;
mod confine;
#[cfg(test)]
mod tests;
mod wire;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::fetch::Stop;
use super::vector_rows::RowsError;
use super::vectors::{VectorData, VectorFormat};
use crate::cube::SeriesTable;
use crate::vector::MineRows;
use child::{ANSWER, Order, RASTER, TASK, Task, WORDS};
use wire::{Decoder, Refusal};

/// The first argument of a child; it is no command for people.
const COMMAND: &str = "read-foreign";
/// Variables of the environment that a child is given; keys of the server may stand in others.
const KEPT: [&str; 7] = ["LD_LIBRARY_PATH", "PROJ_DATA", "PROJ_LIB", "GDAL_DATA", "LANG", "TZ", "SystemRoot"];
/// What is set for a child: no plug-ins, no files beside a raster, no network of PROJ.
const SET: [(&str, &str); 7] = [
    ("GDAL_DRIVER_PATH", "disable"),
    ("GDAL_PAM_ENABLED", "NO"),
    ("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR"),
    ("GDAL_TIFF_INTERNAL_MASK", "YES"),
    ("GDAL_CACHEMAX", "64"),
    ("PROJ_NETWORK", "OFF"),
    ("MALLOC_ARENA_MAX", "2"),
];
/// The longest pause between two looks at a child.
const LOOK: Duration = Duration::from_millis(20);
/// Children that one reader has at once.
const AT_ONCE: usize = 2;
/// The most that is read of a child's last words.
const LAST_WORDS: u64 = 4096;

/// What starts as a child.
struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
}

static PROGRAM: OnceLock<Program> = OnceLock::new();

/// Serves as a child where this program was started as one, and does not return then. Else it says that
/// this program can, which a server needs. Stands first in `main`, before any thread is started.
pub fn run_if_child() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == COMMAND) {
        let folder = arguments.next().map(PathBuf::from);
        std::process::exit(child::main(folder.as_deref()));
    }
    // Of Linux: the program that runs, also where another has taken its place on disk.
    let own = Path::new("/proc/self/exe");
    let path = if own.exists() { Some(own.to_owned()) } else { std::env::current_exe().ok() };
    if let Some(path) = path {
        read_by(path, []);
    }
}

/// Has another program read files of callers: one whose `main` begins with [`run_if_child`], such as
/// `rededge` itself. For hosts that are no programs of their own. The first that is named counts.
pub fn read_by(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = OsString>) {
    let program = Program { path: program.into(), arguments: arguments.into_iter().collect() };
    let _ = PROGRAM.set(program);
}

/// What reading one file may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: u64,
    /// Time.
    pub time: Duration,
    /// Bytes of the pixels of a raster.
    pub raster: u64,
}

/// Limits as a child sets them for itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Bounds {
    memory: u64,
    seconds: u64,
    /// Bytes of a file that it writes.
    file: u64,
}

/// What a child cannot do on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Open files that reading does not need.
    pub files: bool,
    /// Reach the network.
    pub calls: bool,
}

impl Guard {
    /// Tries what must not be possible.
    fn tried() -> Self {
        Self {
            files: File::open("/proc/self/status").is_err(),
            calls: std::net::TcpListener::bind("127.0.0.1:0").is_err(),
        }
    }
}

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file, in the words of its reader.
    #[error("{0}")]
    File(String),
    /// What it takes to read it.
    #[error("{0}")]
    Limit(String),
    /// Nobody waits any more.
    #[error("reading it was given up")]
    Stopped,
    /// The machine.
    #[error("the process that reads files of callers does not work: {0}")]
    Machine(String),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Machine(error.to_string())
    }
}

/// Reads files of callers by children. Cheap to clone; clones share how many are at work at once.
#[derive(Clone)]
pub struct Reader {
    limits: Limits,
    stop: Option<Stop>,
    places: Arc<Places>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Children that may still be started.
struct Places {
    free: Mutex<usize>,
    given_back: Condvar,
}

/// The right to have a child.
struct Taken<'a>(&'a Places);

impl Places {
    fn take(&self) -> Taken<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.given_back.wait_while(free, |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Taken(self)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.given_back.notify_one();
    }
}

/// A child, which does not outlive this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Reader {
    /// A reader within these limits.
    pub fn new(limits: Limits) -> Self {
        let places = Arc::new(Places { free: Mutex::new(AT_ONCE), given_back: Condvar::new() });
        Self { limits, stop: None, places }
    }

    /// One for another job, which ends its children where nobody waits any more.
    #[must_use]
    pub fn stopping(&self, stop: Stop) -> Self {
        Self { stop: Some(stop), ..Self::new(self.limits) }
    }

    /// Starts a child that tries what it cannot do.
    ///
    /// # Errors
    /// [`ReadError::Machine`]: no child can be started.
    pub fn guard(&self) -> Result<Guard, ReadError> {
        self.ask(None, Task::Guard, self.limits.memory, |answer| {
            Ok(Guard { files: answer.byte()? == 1, calls: answer.byte()? == 1 })
        })
    }

    /// Features of a file, as [`super::vectors::parse`] reads them; `name` is what errors call it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn features(&self, name: &str, path: &Path, format: VectorFormat) -> Result<VectorData, ReadError> {
        let task = Task::Features { name: name.to_owned(), format };
        self.ask(Some(path), task, self.limits.memory, Decoder::features)
    }

    /// Rows of a file, as [`super::vector_rows::parse`] reads them.
    ///
    /// # Errors
    /// [`ReadError`]; within, that the coordinates need a CRS.
    pub fn mines(
        &self,
        name: &str,
        path: &Path,
        format: VectorFormat,
        crs: Option<&str>,
    ) -> Result<Result<MineRows, RowsError>, ReadError> {
        let task = Task::Mines { name: name.to_owned(), format, crs: crs.map(str::to_owned) };
        self.answer(Some(path), task, self.limits.memory, |answer| match answer {
            Ok(mut rows) => Ok(Ok(Ok(rows.rows()?))),
            Err(Refusal::Rows(error)) => Ok(Ok(Err(error))),
            Err(Refusal::File(why)) => Ok(Err(ReadError::File(why))),
        })?
    }

    /// A table of series, or none where the file is anything else.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn series(&self, name: &str, path: &Path) -> Result<Option<SeriesTable>, ReadError> {
        let task = Task::Series { name: name.to_owned() };
        self.ask(Some(path), task, self.limits.memory, Decoder::series)
    }

    /// Writes a GeoTIFF anew in its place, plain and in tiles: what is opened then is what the child wrote.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn raster(&self, path: &Path) -> Result<(), ReadError> {
        let room = self.limits.raster.saturating_add(self.limits.raster / 15);
        self.run(Some(path), Task::Raster, room, |folder| {
            match open(folder)? {
                Ok(_) => std::fs::rename(plain_file(&folder.join(RASTER))?, path)?,
                Err(refusal) => return Ok(Err(refused(refusal))),
            }
            Ok(Ok(()))
        })?
    }

    fn ask<T>(
        &self,
        input: Option<&Path>,
        task: Task,
        file: u64,
        read: impl FnOnce(&mut Decoder<BufReader<File>>) -> io::Result<T>,
    ) -> Result<T, ReadError> {
        self.answer(input, task, file, |answer| match answer {
            Ok(mut answer) => Ok(Ok(read(&mut answer)?)),
            Err(refusal) => Ok(Err(refused(refusal))),
        })?
    }

    fn answer<T>(
        &self,
        input: Option<&Path>,
        task: Task,
        file: u64,
        read: impl FnOnce(Result<Decoder<BufReader<File>>, Refusal>) -> io::Result<T>,
    ) -> Result<T, ReadError> {
        self.run(input, task, file, |folder| read(open(folder)?))
    }

    /// Runs a child in a folder of its own beside the file, and reads what it left there.
    fn run<T>(
        &self,
        input: Option<&Path>,
        task: Task,
        file: u64,
        read: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<T, ReadError> {
        let program = PROGRAM.get().ok_or_else(|| {
            let why = "no program is known that can be started as a child: call `rededge::io::isolate::run_if_child` \
                       first in `main`, or name one by `rededge::io::isolate::read_by`";
            ReadError::Machine(why.to_owned())
        })?;
        let _place = self.places.take();
        let beside = input.and_then(Path::parent).map_or_else(tempfile::env::temp_dir, Path::to_owned);
        let folder = tempfile::Builder::new().prefix("read-").tempdir_in(std::path::absolute(beside)?)?;
        let bounds = Bounds { memory: self.limits.memory, seconds: self.limits.time.as_secs().max(1), file };
        let input = input.map(std::path::absolute).transpose()?;
        let order = Order { parent: std::process::id(), bounds, input, task };
        let order = serde_json::to_vec(&order).map_err(io::Error::other)?;
        std::fs::write(folder.path().join(TASK), order)?;
        let words = File::create(folder.path().join(WORDS))?;
        let child = Command::new(&program.path)
            .args(&program.arguments)
            .arg(COMMAND)
            .arg(folder.path())
            .env_clear()
            .envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .envs(SET)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(words)
            .spawn()?;
        let status = self.wait(Running(child))?;
        if status.success() {
            return Ok(read(folder.path())?);
        }
        let mut words = String::new();
        let _ = File::open(folder.path().join(WORDS)).map(|f| f.take(LAST_WORDS).read_to_string(&mut words));
        tracing::warn!(%status, words, "a process that read a file of a caller ended");
        Err(self.why(status, &words, file))
    }

    fn wait(&self, mut child: Running) -> Result<ExitStatus, ReadError> {
        let until = Instant::now() + self.limits.time;
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.0.try_wait()? {
                return Ok(status);
            }
            if self.stop.as_ref().is_some_and(|stop| stop()) {
                return Err(ReadError::Stopped);
            }
            if Instant::now() > until {
                return Err(self.too_long());
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LOOK);
        }
    }

    fn too_long(&self) -> ReadError {
        let seconds = self.limits.time.as_secs();
        ReadError::Limit(format!(
            "reading it took longer than {seconds} s (`reader.seconds`) and was ended; give less, or a simpler file"
        ))
    }

    /// Why a child ended before its time.
    fn why(&self, status: ExitStatus, words: &str, file: u64) -> ReadError {
        #[cfg(unix)]
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        #[cfg(not(unix))]
        let signal: Option<i32> = None;
        let named = |wanted: &[&str]| wanted.iter().any(|w| words.contains(w));
        if named(&["memory allocation of", "bad_alloc", "ut of memory"]) {
            return ReadError::Limit(format!(
                "reading it takes more than {} MB of memory (`reader.memory_megabytes`); give less, or a smaller \
                 part",
                self.limits.memory >> 20
            ));
        }
        if named(&["overflowed its stack"]) {
            return ReadError::File("it is nested too deep".to_owned());
        }
        match signal {
            // SIGKILL, SIGXCPU and SIGXFSZ have these numbers on all systems that are served.
            Some(9) => ReadError::Limit(
                "reading it was ended by the system, which does so where memory runs short; give less, or a \
                 smaller part"
                    .to_owned(),
            ),
            Some(24) => self.too_long(),
            Some(25) => ReadError::Limit(format!("it unpacks to more than {} MB", file >> 20)),
            Some(number) => ReadError::File(format!(
                "it ended the process that read it (signal {number}): it is damaged, or made to do harm"
            )),
            None => ReadError::Machine(format!("{status}: {}", words.trim())),
        }
    }
}

fn refused(refusal: Refusal) -> ReadError {
    match refusal {
        Refusal::File(why) => ReadError::File(why),
        Refusal::Rows(error) => ReadError::File(error.to_string()),
    }
}

/// A file that the child made, which is no link to another.
fn plain_file(path: &Path) -> io::Result<&Path> {
    let plain = std::fs::symlink_metadata(path)?.is_file();
    if plain { Ok(path) } else { Err(io::Error::other("the reader left something else than a file")) }
}

/// The answer in a folder.
fn open(folder: &Path) -> io::Result<Result<Decoder<BufReader<File>>, Refusal>> {
    let file = File::open(plain_file(&folder.join(ANSWER))?)?;
    let bytes = file.metadata()?.len();
    Decoder::open(BufReader::with_capacity(1 << 16, file), bytes)
}
