//! Conditions on texts: looked at once for each distinct text, then by its code.

use std::collections::HashMap;
use std::ops::Range;

use super::eval::{Chunk, UNKNOWN};
use crate::io::IoError;
use crate::io::feature_file::FeatureFile;
use crate::ogc::cql2::Comparison;

/// Codes of texts.
#[derive(Debug)]
pub(super) enum Codes {
    /// From a first to one before the last: sorted texts have codes in their order.
    Range(Range<usize>),
    /// A bit a code.
    Bits(Vec<u64>),
}

impl Codes {
    pub fn has(&self, code: usize) -> bool {
        match self {
            Self::Range(range) => range.contains(&code),
            Self::Bits(bits) => bits.get(code / 64).is_some_and(|word| word >> (code % 64) & 1 == 1),
        }
    }

    /// The codes of texts beside a text.
    pub fn compared(file: &FeatureFile, column: usize, how: Comparison, text: &str) -> Result<Self, IoError> {
        let count = file.texts(column).map_or(0, crate::io::feature_file::Texts::len);
        let low = file.rank(column, text)?;
        let high = low + usize::from(low < count && file.text(column, low)? == text);
        Ok(Self::Range(match how {
            Comparison::Equal => low..high,
            Comparison::Less => 0..low,
            Comparison::LessOrEqual => 0..high,
            Comparison::Greater => high..count,
            Comparison::GreaterOrEqual => low..count,
            Comparison::Unequal => return Self::chosen(file, column, |t| t != text),
        }))
    }

    /// The codes of texts that are chosen one by one.
    pub fn chosen(
        file: &FeatureFile,
        column: usize,
        mut chosen: impl FnMut(&str) -> bool,
    ) -> Result<Self, IoError> {
        let count = file.texts(column).map_or(0, crate::io::feature_file::Texts::len);
        let mut bits = vec![0u64; count.div_ceil(64)];
        file.each_text(column, &mut |code, text| bits[code / 64] |= u64::from(chosen(text)) << (code % 64))?;
        Ok(Self::Bits(bits))
    }
}

/// A text of which upper and lower case are one.
pub(super) fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// A pattern of `LIKE` as a regular expression: `%` any text, `_` any character, `\` before what is
/// meant as it stands.
pub(super) fn pattern(like: &str, fold: bool) -> Result<regex::Regex, regex::Error> {
    let (mut text, mut chars) = (String::from("^"), like.chars());
    while let Some(c) = chars.next() {
        match c {
            '%' => text += ".*",
            '_' => text += ".",
            '\\' => text += &regex::escape(&chars.next().unwrap_or('\\').to_string()),
            other => text += &regex::escape(&other.to_string()),
        }
    }
    text += "$";
    regex::RegexBuilder::new(&text).dot_matches_new_line(true).case_insensitive(fold).build()
}

/// Two columns of texts beside each other.
pub(super) fn compare(
    chunk: &Chunk<'_>,
    how: Comparison,
    a: usize,
    b: usize,
    fold: bool,
) -> Result<Vec<u8>, IoError> {
    let mut known: HashMap<(usize, usize), String> = HashMap::new();
    let mut text = |column: usize, code: f64| -> Result<String, IoError> {
        if let Some(text) = known.get(&(column, code as usize)) {
            return Ok(text.clone());
        }
        let read = chunk.file.text(column, code as usize)?;
        let read = if fold { folded(&read) } else { read };
        known.insert((column, code as usize), read.clone());
        Ok(read)
    };
    let pairs = chunk.column(a)?.into_iter().zip(chunk.column(b)?);
    pairs
        .map(|(x, y)| {
            if x.is_nan() || y.is_nan() {
                return Ok(UNKNOWN);
            }
            Ok(u8::from(how.holds(text(a, x)?.cmp(&text(b, y)?))))
        })
        .collect()
}
