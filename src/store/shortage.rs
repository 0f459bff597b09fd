//! What a system can run out of, as the errors of libraries tell it: most hand on no more than a text.

use std::io::ErrorKind;

/// What there is too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// Space on a disk: full, a quota that is used up, a limit on files.
    Space,
    /// Descriptors of open files.
    Files,
    /// Memory.
    Memory,
    /// Threads, or another resource that is there again in a moment.
    Threads,
}

/// What a disk without space is told as, with the way out.
const NO_SPACE: [&str; 3] = [
    "the disk is full; free some space or choose another folder",
    "the disk quota is used up; free some space",
    "the file is larger than this system allows (ulimit -f)",
];

/// Parts of messages, by which GDAL, SQLite and Rust tell it.
const TEXTS: [(&str, Shortage); 15] = [
    (NO_SPACE[0], Shortage::Space),
    (NO_SPACE[1], Shortage::Space),
    (NO_SPACE[2], Shortage::Space),
    ("No space left on device", Shortage::Space),
    ("Disk quota exceeded", Shortage::Space),
    ("database or disk is full", Shortage::Space),
    ("Too many open files", Shortage::Files),
    ("(os error 23)", Shortage::Files),
    ("(os error 24)", Shortage::Files),
    ("Cannot allocate memory", Shortage::Memory),
    ("(os error 12)", Shortage::Memory),
    ("Out of memory", Shortage::Memory),
    ("out of memory", Shortage::Memory),
    ("Resource temporarily unavailable", Shortage::Threads),
    ("(os error 11)", Shortage::Threads),
];

impl Shortage {
    /// What a message tells of.
    pub fn of_text(message: &str) -> Option<Self> {
        TEXTS.iter().find(|(text, _)| message.contains(text)).map(|(_, shortage)| *shortage)
    }

    /// In words that callers may read.
    pub fn words(self) -> &'static str {
        match self {
            Self::Space => "no space left on its disk",
            Self::Files => "too many open files",
            Self::Memory => "too little memory",
            Self::Threads => "too few threads",
        }
    }

    /// Whether it may be over in a moment by itself.
    pub fn passes(self) -> bool {
        self != Self::Space
    }
}

/// An i/o error with the way out.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::StorageFull => NO_SPACE[0].to_owned(),
        ErrorKind::QuotaExceeded => NO_SPACE[1].to_owned(),
        ErrorKind::FileTooLarge => NO_SPACE[2].to_owned(),
        ErrorKind::PermissionDenied => "no permission to write there".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_told_as_what_they_are() {
        for (number, shortage) in [
            (12, Shortage::Memory),
            (11, Shortage::Threads),
            (23, Shortage::Files),
            (24, Shortage::Files),
            (28, Shortage::Space),
        ] {
            let error = std::io::Error::from_raw_os_error(number);
            assert_eq!(Shortage::of_text(&error.to_string()), Some(shortage), "{error}");
            assert_eq!(Shortage::of_text(&reason(&error)), Some(shortage), "{error}");
            assert_eq!(shortage.passes(), number != 28);
        }
        let absent = std::io::Error::from_raw_os_error(2);
        assert_eq!(Shortage::of_text(&absent.to_string()), None);
    }
}
