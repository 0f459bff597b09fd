//! Features by place and condition, sorted and in pages, over a file of columns. Counts are exact:
//! only the columns that a condition names are read, and only blocks that a rectangle meets.

mod compile;
mod eval;
mod possible;
mod spatial;
#[cfg(test)]
mod tests;
mod texts;
mod tile;
mod times;

use std::cmp::Ordering;
use std::ops::Range;

pub use compile::{Filter, FilterError, geometry_name};
pub use spatial::{in_degrees, rectangle};
pub use tile::tile_rows;
pub use times::{TimeFormat, TimeSpan, time_column, time_format};

use crate::io::IoError;
use crate::io::feature_file::{FeatureFile, LonLatBox, meet, within};
use eval::{CHUNK, Chunk, TRUE};
use possible::{Part, parts};

/// What is asked of a file.
#[derive(Debug, Default)]
pub struct FeatureQuery {
    /// Geometries that meet any of these boxes; everywhere where there are none.
    pub boxes: Vec<LonLatBox>,
    /// Conditions, all of which hold.
    pub filters: Vec<Filter>,
    /// Columns to sort by, and whether they fall; features as in their source where there are none.
    pub sort: Vec<(usize, bool)>,
}

impl FeatureQuery {
    /// Whether it asks for everything.
    fn is_open(&self) -> bool {
        self.boxes.is_empty() && self.filters.is_empty()
    }

    /// The rows that match, rising; of the first `end` rows.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn rows(&self, file: &FeatureFile, end: usize) -> Result<Vec<u32>, IoError> {
        if self.is_open() {
            return Ok((0..end as u32).collect());
        }
        let mut found = Vec::new();
        for range in self.ranges(file, end) {
            for part in parts(file, &self.filters, range)? {
                self.matching(file, part, &mut found)?;
            }
        }
        Ok(found)
    }

    /// Ranges of rows outside of which nothing matches.
    fn ranges(&self, file: &FeatureFile, end: usize) -> Vec<Range<usize>> {
        let mut boxes: Vec<&[LonLatBox]> = self.filters.iter().filter_map(Filter::boxes).collect();
        if !self.boxes.is_empty() {
            boxes.push(&self.boxes);
        }
        // The narrowest of the places: what lies in all lies in that one.
        let area = |b: &&&[LonLatBox]| b.iter().map(|b| (b[2] - b[0]) * (b[3] - b[1])).sum::<f64>();
        match boxes.iter().min_by(|a, b| area(a).total_cmp(&area(b))) {
            Some(boxes) => file.candidates(boxes, end),
            None => std::iter::once(0..end).filter(|r| !r.is_empty()).collect(),
        }
    }

    fn matching(&self, file: &FeatureFile, part: Part, found: &mut Vec<u32>) -> Result<(), IoError> {
        let Part { rows, sure } = part;
        if sure && self.boxes.is_empty() {
            found.extend(rows.map(|row| row as u32));
            return Ok(());
        }
        let chunk = Chunk::new(file, rows.clone());
        let mut truth = vec![TRUE; rows.len()];
        if !self.boxes.is_empty() {
            self.in_boxes(&chunk, &mut truth)?;
        }
        for filter in self.filters.iter().filter(|_| !sure) {
            chunk.narrow(filter, &mut truth)?;
        }
        found.extend(rows.zip(truth).filter(|(_, t)| *t == TRUE).map(|(row, _)| row as u32));
        Ok(())
    }

    fn in_boxes(&self, chunk: &Chunk<'_>, truth: &mut [u8]) -> Result<(), IoError> {
        let shapes: Vec<_> = self.boxes.iter().map(rectangle).collect();
        for (k, own) in chunk.boxes()?.iter().enumerate() {
            let inside = self.boxes.iter().any(|b| within(own, b));
            let near = || self.boxes.iter().zip(&shapes).filter(|(b, _)| meet(own, b));
            let found = inside || {
                near().next().is_some() && {
                    let geometry = chunk.geometry(k)?;
                    near().any(|(_, shape)| geo::Intersects::intersects(&geometry, shape))
                }
            };
            truth[k] = u8::from(found);
        }
        Ok(())
    }

    /// How many features match.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn count(&self, file: &FeatureFile) -> Result<usize, IoError> {
        if self.is_open() { Ok(file.len()) } else { Ok(self.rows(file, file.len())?.len()) }
    }

    /// How many match, and the rows of a page of them.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn page(
        &self,
        file: &FeatureFile,
        offset: usize,
        limit: usize,
    ) -> Result<(usize, Vec<u32>), IoError> {
        if self.is_open() && self.sort.is_empty() {
            let mut rows = Vec::new();
            let start = offset.min(file.len());
            file.rows_of(start..start.saturating_add(limit).min(file.len()), &mut rows)?;
            return Ok((file.len(), rows));
        }
        let rows = self.rows(file, file.len())?;
        let matched = rows.len();
        Ok((matched, self.sorted(file, rows, offset, limit)?))
    }

    /// A page of rows in their order.
    fn sorted(
        &self,
        file: &FeatureFile,
        rows: Vec<u32>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<u32>, IoError> {
        let start = offset.min(rows.len());
        let end = start.saturating_add(limit).min(rows.len());
        if start == end {
            return Ok(Vec::new());
        }
        let numbers = gather(&rows, file.len(), |range, out| file.numbers(range, out))?;
        if self.sort.is_empty() {
            let mut keyed: Vec<(u32, u32)> = numbers.into_iter().zip(rows).collect();
            if end < keyed.len() {
                keyed.select_nth_unstable(end);
                keyed.truncate(end);
            }
            keyed.sort_unstable();
            return Ok(keyed[start..].iter().map(|(_, row)| *row).collect());
        }
        let keys = self.sort.iter().map(|(column, falling)| {
            let values = gather(&rows, file.len(), |range, out| file.values(*column, range, out))?;
            Ok((values, *falling))
        });
        let keys: Vec<(Vec<f64>, bool)> = keys.collect::<Result<_, IoError>>()?;
        // Among long whole numbers those come next that floating point has as equal.
        let longs = self.sort.iter().map(|(column, _)| {
            if file.is_long(*column) {
                gather(&rows, file.len(), |range, out| file.longs(*column, range, out))
            } else {
                Ok(Vec::new())
            }
        });
        let longs: Vec<Vec<Option<i64>>> = longs.collect::<Result<_, IoError>>()?;
        let compare = |a: &u32, b: &u32| {
            let (a, b) = (*a as usize, *b as usize);
            let by_keys = keys.iter().zip(&longs).map(|((values, falling), longs)| {
                let rest = longs.get(a).cmp(&longs.get(b));
                order(values[a], values[b], *falling).then(if *falling { rest.reverse() } else { rest })
            });
            by_keys.fold(Ordering::Equal, Ordering::then).then(numbers[a].cmp(&numbers[b]))
        };
        let mut places: Vec<u32> = (0..rows.len() as u32).collect();
        if start > 0 {
            places.select_nth_unstable_by(start, compare);
        }
        let mut places = places.split_off(start);
        if end - start < places.len() {
            places.select_nth_unstable_by(end - start, compare);
            places.truncate(end - start);
        }
        places.sort_unstable_by(compare);
        Ok(places.into_iter().map(|i| rows[i as usize]).collect())
    }
}

/// What is missing stands last, whichever way the others go.
fn order(a: f64, b: f64, falling: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) if falling => b.total_cmp(&a),
        (false, false) => a.total_cmp(&b),
        (a, b) => a.cmp(&b),
    }
}

/// What a column has for rising rows.
fn gather<T: Copy>(
    rows: &[u32],
    end: usize,
    read: impl Fn(Range<usize>, &mut Vec<T>) -> Result<(), IoError>,
) -> Result<Vec<T>, IoError> {
    let (mut found, mut block, mut values) = (Vec::with_capacity(rows.len()), 0..0, Vec::new());
    for &row in rows {
        let row = row as usize;
        if !block.contains(&row) {
            block = row..(row + CHUNK).min(end);
            read(block.clone(), &mut values)?;
        }
        found.push(values[row - block.start]);
    }
    Ok(found)
}
