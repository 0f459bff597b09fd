//! Files as messages call them. Callers of a server learn what a file is called and not where it lies; who runs a
//! command on a machine of their own sees whole paths.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether messages have whole paths.
static WHOLE: AtomicBool = AtomicBool::new(false);

/// Has messages of this program tell whole paths. For commands, never for servers.
pub fn show_whole_paths() {
    WHOLE.store(true, Ordering::Relaxed);
}

/// Whether messages have whole paths.
pub fn whole_paths() -> bool {
    WHOLE.load(Ordering::Relaxed)
}

/// A file in a message: its name, or where whole paths are shown, its path. `{:#}` is always the path: for the log.
pub fn named<P: AsRef<Path> + ?Sized>(path: &P) -> Named<'_> {
    Named(path.as_ref())
}

/// See [`named`].
#[derive(Clone, Copy, Debug)]
pub struct Named<'a>(&'a Path);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.file_name().filter(|_| !f.alternate() && !whole_paths());
        match name {
            Some(name) => write!(f, "{}", name.display()),
            None if f.alternate() || whole_paths() => write!(f, "{}", self.0.display()),
            None => f.write_str("the folder"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_name_of_a_file_and_the_log_its_path() {
        let path = Path::new("/srv/data/mines.csv");
        assert_eq!(format!("{}: line 2", named(path)), "mines.csv: line 2");
        assert_eq!(format!("{:#}", named(path)), "/srv/data/mines.csv");
        assert_eq!(named("/srv/..").to_string(), "the folder");
    }
}
