//! What a file of columns answers.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use geo::Geometry;
use geozero::ToGeo;
use geozero::wkb::Wkb;

use super::spans::Spans;
use super::texts::Texts;
use super::{BLOCK, Head, Kind, LonLatBox, MAGIC, NO_FLAG, NO_LONG, NO_TEXT, NOWHERE, joined, meet};
use crate::io::IoError;
use crate::named::named;
use crate::vector::{Field, GeometryKind, Value};

/// Bytes of geometries that are read together.
const TOGETHER: u64 = 4 << 20;

/// A feature as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its number in its source, from 1.
    pub number: u32,
    /// Longitude and latitude on WGS 84.
    pub geometry: Geometry<f64>,
    /// Values of the columns that were asked for.
    pub values: Vec<Value>,
}

/// An open file of columns. Rows count from 0 in the order of the file; any thread may read.
#[derive(Debug)]
pub struct FeatureFile {
    path: PathBuf,
    file: File,
    head: Head,
    fields: Vec<Field>,
    texts: Vec<Option<Texts>>,
    /// The box of each block of rows.
    blocks: Vec<LonLatBox>,
    pub(super) spans: Spans,
}

impl FeatureFile {
    /// Opens a file.
    ///
    /// # Errors
    /// [`IoError::Read`]: it is missing, of another version or damaged.
    pub fn open(path: &Path) -> Result<Self, IoError> {
        let file = File::open(path).map_err(|e| IoError::read(named(&path).to_string(), e))?;
        Self::of(file, path)
    }

    /// A file of nothing, without a name in a folder.
    ///
    /// # Errors
    /// [`IoError::Write`]: disk full.
    pub fn empty(folder: &Path) -> Result<Self, IoError> {
        super::of_rows(folder, &[], |_| Ok(()))
    }

    /// A file that is open already, which errors call `path`.
    pub(super) fn of(file: File, path: &Path) -> Result<Self, IoError> {
        let fail = |e: std::io::Error| IoError::read(named(&path).to_string(), e);
        let head = read_head(&file).map_err(fail)?;
        let texts = head.texts.iter().map(|t| t.map(|t| Texts::open(&file, t)).transpose());
        let texts = texts.collect::<Result<_, _>>().map_err(fail)?;
        let fields: Vec<Field> = head.columns.iter().map(super::Column::field).collect();
        let (path, blocks, spans) = (path.to_owned(), Vec::new(), Spans::new(fields.len()));
        let mut found = Self { path, file, head, fields, texts, blocks, spans };
        let (mut boxes, mut start) = (Vec::new(), 0);
        while start < found.len() {
            let rows = start..(start + 64 * BLOCK).min(found.len());
            start = rows.end;
            found.boxes(rows, &mut boxes)?;
            found.blocks.extend(boxes.chunks(BLOCK).map(|b| b.iter().fold(NOWHERE, |a, b| joined(&a, b))));
        }
        Ok(found)
    }

    fn fail(&self, e: impl std::fmt::Display) -> IoError {
        IoError::read(named(&self.path).to_string(), e)
    }

    /// What it was made from.
    pub fn source(&self) -> &str {
        &self.head.source
    }

    /// How many features it has.
    pub fn len(&self) -> usize {
        self.head.rows
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Features of its source that have no place on a map.
    pub fn left_out(&self) -> usize {
        self.head.left_out
    }

    /// What the geometries are.
    pub fn geometry(&self) -> GeometryKind {
        self.head.geometry.geometry()
    }

    /// The EPSG code of the source's CRS.
    pub fn epsg(&self) -> Option<u32> {
        self.head.epsg
    }

    /// Around all features.
    pub fn bounds(&self) -> Option<LonLatBox> {
        self.head.bounds
    }

    /// The columns.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The texts of a column of texts.
    pub fn texts(&self, column: usize) -> Option<&Texts> {
        self.texts.get(column)?.as_ref()
    }

    /// The rows that a map shows at a zoom level: these many, from the first.
    pub fn shown(&self, level: u8) -> usize {
        self.head.levels.get(usize::from(level)).copied().unwrap_or(self.len())
    }

    /// Ranges of rows, rising, outside of which nothing meets any of the boxes.
    pub fn candidates(&self, boxes: &[LonLatBox], rows: usize) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for (block, bounds) in self.blocks.iter().enumerate().take(rows.div_ceil(BLOCK)) {
            if !boxes.iter().any(|b| meet(b, bounds)) {
                continue;
            }
            let (start, end) = (block * BLOCK, ((block + 1) * BLOCK).min(rows));
            match found.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => found.push(start..end),
            }
        }
        found
    }

    fn bytes<const N: usize, T>(
        &self,
        at: u64,
        rows: Range<usize>,
        out: &mut Vec<T>,
        of: impl Fn([u8; N]) -> T,
    ) -> Result<(), IoError> {
        let mut bytes = vec![0; rows.len() * N];
        self.file.read_exact_at(&mut bytes, at + (rows.start * N) as u64).map_err(|e| self.fail(e))?;
        out.clear();
        out.extend(bytes.as_chunks::<N>().0.iter().map(|b| of(*b)));
        Ok(())
    }

    /// The boxes of rows.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn boxes(&self, rows: Range<usize>, out: &mut Vec<LonLatBox>) -> Result<(), IoError> {
        self.bytes::<32, _>(self.head.sections.boxes, rows, out, |b| {
            let edges = b.as_chunks::<8>().0;
            [0, 1, 2, 3].map(|i| f64::from_le_bytes(edges[i]))
        })
    }

    /// The numbers of rows.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn numbers(&self, rows: Range<usize>, out: &mut Vec<u32>) -> Result<(), IoError> {
        self.bytes(self.head.sections.numbers, rows, out, u32::from_le_bytes)
    }

    /// The rows of the features numbered from `first` (from 0) on.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn rows_of(&self, features: Range<usize>, out: &mut Vec<u32>) -> Result<(), IoError> {
        self.bytes(self.head.sections.rows, features, out, u32::from_le_bytes)
    }

    /// Values of a column as numbers: of texts their codes, of true and false 1 and 0; what is missing
    /// is not a number.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn values(&self, column: usize, rows: Range<usize>, out: &mut Vec<f64>) -> Result<(), IoError> {
        let column = &self.head.columns[column];
        match column.kind {
            Kind::Integer | Kind::Real => self.bytes(column.at, rows, out, f64::from_le_bytes),
            Kind::Long => self.bytes(column.at, rows, out, |b| match i64::from_le_bytes(b) {
                NO_LONG => f64::NAN,
                number => number as f64,
            }),
            Kind::Text => self.bytes(column.at, rows, out, |b| match u32::from_le_bytes(b) {
                NO_TEXT => f64::NAN,
                code => code.into(),
            }),
            Kind::Boolean => self.bytes(column.at, rows, out, |[b]| match b {
                NO_FLAG => f64::NAN,
                flag => flag.into(),
            }),
        }
    }

    /// Whether a column has whole numbers that [`values`](Self::values) rounds;
    /// [`longs`](Self::longs) has all their digits.
    pub fn is_long(&self, column: usize) -> bool {
        self.head.columns[column].kind == Kind::Long
    }

    /// The whole numbers of such a column.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn longs(
        &self,
        column: usize,
        rows: Range<usize>,
        out: &mut Vec<Option<i64>>,
    ) -> Result<(), IoError> {
        let some = |b| Some(i64::from_le_bytes(b)).filter(|n| *n != NO_LONG);
        self.bytes(self.head.columns[column].at, rows, out, some)
    }

    /// The text of a code in a column.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn text(&self, column: usize, code: usize) -> Result<String, IoError> {
        match self.texts(column) {
            Some(texts) if code < texts.len() => texts.get(&self.file, code).map_err(|e| self.fail(e)),
            _ => Ok(String::new()),
        }
    }

    /// How many texts of a column stand before this one in their order.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn rank(&self, column: usize, text: &str) -> Result<usize, IoError> {
        self.texts(column).map_or(Ok(0), |t| t.rank(&self.file, text).map_err(|e| self.fail(e)))
    }

    /// Calls `each` with every text of a column, in order.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn each_text(&self, column: usize, each: &mut dyn FnMut(usize, &str)) -> Result<(), IoError> {
        let Some(texts) = self.texts(column) else { return Ok(()) };
        texts.each(&self.file, 0..texts.len(), each).map_err(|e| self.fail(e))
    }

    /// The geometry of a row.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn geometry_of(&self, row: usize) -> Result<Geometry<f64>, IoError> {
        let mut places = Vec::new();
        self.bytes(self.head.sections.places, row..row + 2, &mut places, u64::from_le_bytes)?;
        Wkb(self.wkb(places[0], places[1].saturating_sub(places[0]))?).to_geo().map_err(|e| self.fail(e))
    }

    /// Bytes among the geometries.
    fn wkb(&self, at: u64, length: u64) -> Result<Vec<u8>, IoError> {
        let mut wkb = vec![0; length as usize];
        self.file.read_exact_at(&mut wkb, self.head.sections.geometries + at).map_err(|e| self.fail(e))?;
        Ok(wkb)
    }

    /// Features by their rows, in the order of `rows`, with the values of some columns.
    ///
    /// # Errors
    /// [`IoError::Read`].
    pub fn features(&self, rows: &[u32], columns: &[usize]) -> Result<Vec<Stored>, IoError> {
        // Read in the order of the file, a block at a time.
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|&i| rows[i]);
        let mut found: Vec<Option<Stored>> = vec![None; rows.len()];
        for group in order.chunk_by(|&a, &b| rows[a] as usize / BLOCK == rows[b] as usize / BLOCK) {
            let (Some(&first), Some(&last)) = (group.first(), group.last()) else { continue };
            let range = rows[first] as usize..rows[last] as usize + 1;
            let (mut numbers, mut places) = (Vec::new(), Vec::new());
            self.numbers(range.clone(), &mut numbers)?;
            self.bytes(
                self.head.sections.places,
                range.start..range.end + 1,
                &mut places,
                u64::from_le_bytes,
            )?;
            let start = places[0];
            let together = places[places.len() - 1].saturating_sub(start);
            let all = (together <= TOGETHER).then(|| self.wkb(start, together)).transpose()?;
            for &i in group {
                let k = rows[i] as usize - range.start;
                let (from, to) = (places[k] - start, places[k + 1] - start);
                let geometry = match &all {
                    Some(all) => Wkb(all.get(from as usize..to as usize).unwrap_or_default()).to_geo(),
                    None => Wkb(self.wkb(places[k], to - from)?).to_geo(),
                };
                let geometry = geometry.map_err(|e| self.fail(e))?;
                found[i] =
                    Some(Stored { number: numbers[k], geometry, values: vec![Value::Null; columns.len()] });
            }
        }
        let mut found: Vec<Stored> = found.into_iter().flatten().collect();
        for (k, &column) in columns.iter().enumerate() {
            self.column(column, rows, &order, |i, value| found[i].values[k] = value)?;
        }
        Ok(found)
    }

    /// The values of a column for some rows; `order` has positions in `rows` by rising row.
    fn column(
        &self,
        column: usize,
        rows: &[u32],
        order: &[usize],
        mut put: impl FnMut(usize, Value),
    ) -> Result<(), IoError> {
        let kind = self.head.columns[column].kind;
        let mut texts = std::collections::HashMap::new();
        let mut block = 0..0;
        let (mut values, mut longs) = (Vec::new(), Vec::new());
        for &i in order {
            let row = rows[i] as usize;
            if !block.contains(&row) {
                let start = row / BLOCK * BLOCK;
                block = start..(start + BLOCK).min(self.len());
                self.values(column, block.clone(), &mut values)?;
                if kind == Kind::Long {
                    self.longs(column, block.clone(), &mut longs)?;
                }
            }
            let value = values[row - block.start];
            let value = match kind {
                _ if value.is_nan() => Value::Null,
                Kind::Integer => Value::Integer(value as i64),
                Kind::Long => longs[row - block.start].map_or(Value::Null, Value::Integer),
                Kind::Real => Value::Number(value),
                Kind::Boolean => Value::Bool(value == 1.0),
                Kind::Text => {
                    let code = value as usize;
                    let known: Option<&String> = texts.get(&code);
                    Value::Text(match known {
                        Some(text) => text.clone(),
                        None => texts.entry(code).or_insert(self.text(column, code)?).clone(),
                    })
                }
            };
            put(i, value);
        }
        Ok(())
    }
}

fn read_head(file: &File) -> std::io::Result<Head> {
    let other = || std::io::Error::other("it is no file of columns of this version");
    let length = file.metadata()?.len();
    let mut tail = [0; 16];
    file.read_exact_at(&mut tail, length.checked_sub(16).ok_or_else(other)?)?;
    let ([head, magic], _) = tail.as_chunks::<8>() else { return Err(other()) };
    let head = u64::from_le_bytes(*head);
    let start = (length - 16).checked_sub(head).filter(|_| magic == MAGIC).ok_or_else(other)?;
    let mut bytes = vec![0; head as usize];
    file.read_exact_at(&mut bytes, start)?;
    let head: Head = serde_json::from_slice(&bytes).map_err(std::io::Error::other)?;
    // What it says of itself must fit into it.
    let sizes = head.columns.iter().map(|c| c.at.saturating_add((head.rows * c.kind.width()) as u64));
    let fits = head.at == start
        && sizes.chain([head.sections.geometries]).all(|end| end <= start)
        && head.texts.len() == head.columns.len()
        && head.levels.iter().all(|rows| *rows <= head.rows);
    fits.then_some(head).ok_or_else(other)
}
