//! The distinct texts of a column, sorted: their codes stand in their order.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::TextSection;

/// Bytes of texts that are held in memory; more are read from the file where they are asked for.
const HELD: u64 = 4 << 20;
/// Texts that are looked at together.
const RUN: usize = 4096;

/// Sorted texts by code.
#[derive(Debug)]
pub struct Texts {
    section: TextSection,
    held: Option<(Vec<u64>, Vec<u8>)>,
}

impl Texts {
    pub(super) fn open(file: &File, section: TextSection) -> std::io::Result<Self> {
        let mut texts = Self { section, held: None };
        let places = (section.count as u64 + 1) * 8;
        if places < HELD {
            let found = texts.places(file, 0..section.count)?;
            let length = found.last().copied().unwrap_or(0);
            if places + length <= HELD {
                let mut bytes = vec![0; length as usize];
                file.read_exact_at(&mut bytes, section.bytes)?;
                texts.held = Some((found, bytes));
            }
        }
        Ok(texts)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.section.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn places(&self, file: &File, codes: Range<usize>) -> std::io::Result<Vec<u64>> {
        let mut bytes = vec![0; (codes.len() + 1) * 8];
        file.read_exact_at(&mut bytes, self.section.places + codes.start as u64 * 8)?;
        Ok(bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect())
    }

    /// Calls `each` with the texts of a range of codes, in order.
    pub(super) fn each(
        &self,
        file: &File,
        codes: Range<usize>,
        each: &mut dyn FnMut(usize, &str),
    ) -> std::io::Result<()> {
        let wrong = |_| std::io::Error::other("a text is damaged");
        if let Some((places, bytes)) = &self.held {
            for code in codes {
                let text = &bytes[places[code] as usize..places[code + 1] as usize];
                each(code, std::str::from_utf8(text).map_err(wrong)?);
            }
            return Ok(());
        }
        for start in codes.clone().step_by(RUN) {
            let run = start..codes.end.min(start + RUN);
            let places = self.places(file, run.clone())?;
            let first = places[0];
            let length = places[places.len() - 1].saturating_sub(first);
            let mut bytes = vec![0; length as usize];
            file.read_exact_at(&mut bytes, self.section.bytes + first)?;
            for (code, pair) in run.zip(places.windows(2)) {
                let text = bytes.get((pair[0] - first) as usize..(pair[1] - first) as usize);
                each(code, std::str::from_utf8(text.unwrap_or_default()).map_err(wrong)?);
            }
        }
        Ok(())
    }

    /// The text of a code.
    pub(super) fn get(&self, file: &File, code: usize) -> std::io::Result<String> {
        let mut found = String::new();
        self.each(file, code..code + 1, &mut |_, text| text.clone_into(&mut found))?;
        Ok(found)
    }

    /// How many texts stand before this one.
    pub(super) fn rank(&self, file: &File, text: &str) -> std::io::Result<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.get(file, middle)?.as_str() < text {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}
