//! What a tile shows.

use super::Filter;
use super::eval::{Chunk, TRUE};
use super::possible::{Part, parts};
use crate::io::IoError;
use crate::io::feature_file::{FEW, FeatureFile, LonLatBox, MAX_LEVEL, meet};

/// Most features of a tile; those that count for more on a map come first in a file.
const MOST: usize = 16_384;

/// The rows that a tile shows: all that the zoom level shows and that fulfil the conditions. Where
/// conditions leave few, those of deeper levels too, level by level, so that they lie evenly.
///
/// # Errors
/// [`IoError::Read`].
pub fn tile_rows(
    file: &FeatureFile,
    bounds: &LonLatBox,
    filters: &[Filter],
    level: u8,
) -> Result<Vec<u32>, IoError> {
    let mut found = Vec::new();
    let mut start = 0;
    let level = level.min(MAX_LEVEL);
    for deeper in level..=MAX_LEVEL {
        let end = file.shown(deeper);
        let before = found.len();
        matching(file, bounds, filters, start..end, &mut found)?;
        if deeper > level && found.len() > FEW {
            found.truncate(before);
        }
        start = end;
        if filters.is_empty() || found.len() > FEW / 4 || start == file.len() {
            break;
        }
    }
    found.truncate(MOST);
    Ok(found)
}

fn matching(
    file: &FeatureFile,
    bounds: &LonLatBox,
    filters: &[Filter],
    among: std::ops::Range<usize>,
    found: &mut Vec<u32>,
) -> Result<(), IoError> {
    for range in file.candidates(&[*bounds], among.end) {
        for Part { rows, sure } in parts(file, filters, range.start.max(among.start)..range.end)? {
            let chunk = Chunk::new(file, rows.clone());
            let mut truth: Vec<u8> = chunk.boxes()?.iter().map(|b| u8::from(meet(b, bounds))).collect();
            for filter in filters.iter().filter(|_| !sure) {
                chunk.narrow(filter, &mut truth)?;
            }
            found.extend(rows.zip(truth).filter(|(_, t)| *t == TRUE).map(|(row, _)| row as u32));
        }
    }
    Ok(())
}
