//! A file of columns from a file of features.
//!
//! Features wait in an unnamed file while they are read; in memory are 60 bytes of each, and the
//! distinct texts.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::FileExt;
use std::path::Path;

use geo::{BoundingRect, CoordsIter, Geometry};
use geozero::{CoordDimensions, ToWkb};

use super::levels::{MAX_LEVEL, Mark, levels};
use super::{
    Column, FeatureFile, Head, Kind, LonLatBox, MAGIC, NO_FLAG, NO_LONG, NO_TEXT, NOWHERE, Sections, Shapes,
    TextSection, joined,
};
use crate::crs::Crs;
use crate::io::IoError;
use crate::io::vector_stream::each;
use crate::io::vector_write::antimeridian::cut;
use crate::io::vector_write::lon_lat::to_lon_lat;
use crate::io::vectors::RowSink;
use crate::named::named;
use crate::vector::{Field, FieldKind, Value};

/// Features and vertices that are transformed together.
const BATCH: (usize, usize) = (8192, 1 << 20);

/// Makes the file of columns of `source` at `target`: aside, and renamed. `version` is what
/// [`super::FeatureFile::source`] tells.
///
/// # Errors
/// [`IoError`]: the source cannot be read, nothing in it has a place on Earth, or the disk is full.
pub fn build(source: &Path, version: &str, target: &Path) -> Result<(), IoError> {
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let fail = |e: std::io::Error| IoError::write(target, e);
    let mut rows = Rows::new(target, tempfile::tempfile_in(folder).map_err(fail)?);
    each(source, &mut rows)?;
    rows.flush()?;
    if rows.waiting.is_empty() && rows.left_out > 0 {
        let reason = "none of its features has a place in longitude and latitude; if the coordinates are \
                      projected, give their CRS (a .prj, or a format that carries it)";
        return Err(IoError::read(named(&source).to_string(), reason));
    }
    let aside = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
    rows.write(aside.as_file(), version).and_then(|()| aside.as_file().sync_all()).map_err(fail)?;
    aside.persist(target).map_err(|e| fail(e.error))?;
    Ok(())
}

/// Makes columns of rows that come from elsewhere than a file, in an unnamed file in `folder`. The
/// fields are columns even where no row has a value of them.
///
/// # Errors
/// Those of the rows, and [`IoError::Write`]: the disk is full.
pub fn of_rows(
    folder: &Path,
    fields: &[Field],
    feed: impl FnOnce(&mut dyn RowSink) -> Result<(), IoError>,
) -> Result<FeatureFile, IoError> {
    let fail = |e: std::io::Error| IoError::write(folder, e);
    let mut rows = Rows::new(folder, tempfile::tempfile_in(folder).map_err(fail)?);
    for field in fields {
        let column = rows.new_column(field.name.clone()).map_err(fail)?;
        rows.columns[column].1 = Seen::of(field.kind);
    }
    feed(&mut rows)?;
    rows.flush()?;
    let out = tempfile::tempfile_in(folder).map_err(fail)?;
    rows.write(&out, "").map_err(fail)?;
    FeatureFile::of(out, folder)
}

/// A feature that waits.
struct Waiting {
    at: u64,
    length: u32,
    bounds: LonLatBox,
}

/// What was seen of a column.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "kinds of values seen in a column, each by itself")]
struct Seen {
    numbers: bool,
    fractions: bool,
    /// Whole numbers that 64-bit floating point cannot hold.
    long: bool,
    flags: bool,
    texts: HashMap<String, u32>,
}

impl Seen {
    /// What makes a column of this kind.
    fn of(kind: FieldKind) -> Self {
        let (numbers, fractions) =
            (matches!(kind, FieldKind::Integer | FieldKind::Real), kind == FieldKind::Real);
        Self { numbers, fractions, flags: kind == FieldKind::Boolean, ..Self::default() }
    }

    fn kind(&self) -> Kind {
        match (!self.texts.is_empty(), self.flags, self.numbers) {
            (false, true, false) => Kind::Boolean,
            // As text, both kinds keep all their digits.
            (false, false, true) if self.fractions && self.long => Kind::Text,
            (false, false, true) if self.fractions => Kind::Real,
            (false, false, true) if self.long => Kind::Long,
            (false, false, true) => Kind::Integer,
            _ => Kind::Text,
        }
    }

    fn code(&mut self, text: String) -> u32 {
        let next = self.texts.len() as u32;
        *self.texts.entry(text).or_insert(next)
    }
}

/// A value as it waits.
#[derive(Clone, Copy)]
enum Cell {
    Number(f64),
    Integer(i64),
    Flag(bool),
    Text(u32),
}

impl Cell {
    const BYTES: usize = 11;

    fn write(self, column: usize, out: &mut Vec<u8>) {
        let (tag, payload) = match self {
            Self::Number(n) => (0u8, n.to_le_bytes()),
            Self::Integer(n) => (3, n.to_le_bytes()),
            Self::Flag(f) => (1, u64::from(f).to_le_bytes()),
            Self::Text(code) => (2, u64::from(code).to_le_bytes()),
        };
        out.extend((column as u16).to_le_bytes());
        out.push(tag);
        out.extend(payload);
    }

    fn read(bytes: &[u8; Self::BYTES]) -> (usize, Self) {
        let [a, b, tag, payload @ ..] = *bytes;
        let cell = match tag {
            0 => Self::Number(f64::from_le_bytes(payload)),
            1 => Self::Flag(payload[0] == 1),
            3 => Self::Integer(i64::from_le_bytes(payload)),
            _ => Self::Text(u64::from_le_bytes(payload) as u32),
        };
        (u16::from_le_bytes([a, b]).into(), cell)
    }
}

/// A feature as it was read.
type Read = (Geometry<f64>, Vec<(String, Value)>);

/// Features on their way.
struct Rows<'a> {
    target: &'a Path,
    spool: BufWriter<File>,
    end: u64,
    waiting: Vec<Waiting>,
    geometry_bytes: u64,
    left_out: usize,
    crs: Option<Crs>,
    names: HashMap<String, usize>,
    columns: Vec<(String, Seen)>,
    pending: Vec<Read>,
    vertices: usize,
    points: bool,
    polygons: bool,
    others: bool,
}

impl<'a> Rows<'a> {
    fn new(target: &'a Path, spool: File) -> Self {
        Self {
            target,
            spool: BufWriter::with_capacity(1 << 20, spool),
            end: 0,
            waiting: Vec::new(),
            geometry_bytes: 0,
            left_out: 0,
            crs: None,
            names: HashMap::new(),
            columns: Vec::new(),
            pending: Vec::new(),
            vertices: 0,
            points: false,
            polygons: false,
            others: false,
        }
    }

    fn flush(&mut self) -> Result<(), IoError> {
        let mut pending = std::mem::take(&mut self.pending);
        self.vertices = 0;
        if let Some(crs) = &self.crs {
            let mut geometries: Vec<&mut Geometry<f64>> = pending.iter_mut().map(|(g, _)| g).collect();
            let copy: Vec<Geometry<f64>> = geometries.iter().map(|g| (**g).clone()).collect();
            // One point outside the CRS fails them all: then each is tried by itself.
            if to_lon_lat(&mut geometries, crs).is_err() {
                for ((geometry, _), original) in pending.iter_mut().zip(copy) {
                    *geometry = original;
                    if to_lon_lat(&mut [&mut *geometry], crs).is_err() {
                        *geometry = Geometry::MultiPoint(geo::MultiPoint(Vec::new()));
                    }
                }
            }
        }
        let continuous = self.crs.as_ref().is_none_or(Crs::is_geographic);
        for (geometry, properties) in pending {
            let on_earth = |c: geo::Coord<f64>| c.x.abs() <= 540.0 && c.y.abs() <= 90.0;
            let placed = geometry.coords_count() > 0 && geometry.coords_iter().all(on_earth);
            let placed = placed.then(|| cut(geometry, continuous)).filter(|g| g.coords_count() > 0);
            match placed.and_then(|g| Some((g.bounding_rect()?, g))) {
                Some((rect, geometry)) => {
                    let bounds = [rect.min().x, rect.min().y, rect.max().x, rect.max().y];
                    self.add(&geometry, bounds, properties).map_err(|e| IoError::write(self.target, e))?;
                }
                None => self.left_out += 1,
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        geometry: &Geometry<f64>,
        bounds: LonLatBox,
        properties: Vec<(String, Value)>,
    ) -> std::io::Result<()> {
        match geometry {
            Geometry::Point(_) | Geometry::MultiPoint(_) => self.points = true,
            Geometry::Polygon(_) | Geometry::MultiPolygon(_) => self.polygons = true,
            _ => self.others = true,
        }
        let wkb = geometry.to_wkb(CoordDimensions::xy()).map_err(std::io::Error::other)?;
        let mut record = Vec::with_capacity(wkb.len() + 4 + properties.len() * Cell::BYTES);
        record.extend((wkb.len() as u32).to_le_bytes());
        record.extend(&wkb);
        for (name, value) in properties {
            let column = match self.names.get(&name) {
                Some(&column) => column,
                None => self.new_column(name)?,
            };
            let seen = &mut self.columns[column].1;
            let cell = match value {
                Value::Null => continue,
                Value::Number(n) if !n.is_finite() => continue,
                Value::Number(n) => {
                    (seen.numbers, seen.fractions) = (true, true);
                    Cell::Number(n)
                }
                Value::Integer(n) => {
                    seen.numbers = true;
                    seen.long |= i128::from(n) != n as f64 as i128;
                    // The least of all marks what is missing among long ones.
                    seen.fractions |= n == NO_LONG;
                    Cell::Integer(n)
                }
                Value::Bool(flag) => {
                    seen.flags = true;
                    Cell::Flag(flag)
                }
                Value::Text(text) => Cell::Text(seen.code(text)),
            };
            cell.write(column, &mut record);
        }
        let (at, length) = (self.end, record.len() as u32);
        self.end += record.len() as u64;
        self.geometry_bytes += wkb.len() as u64;
        self.waiting.push(Waiting { at, length, bounds });
        if self.waiting.len() >= u32::MAX as usize {
            return Err(std::io::Error::other("more features than have a number"));
        }
        self.spool.write_all(&record)
    }

    fn new_column(&mut self, name: String) -> std::io::Result<usize> {
        let column = self.columns.len();
        if column == usize::from(u16::MAX) {
            return Err(std::io::Error::other("more columns than have a number"));
        }
        self.names.insert(name.clone(), column);
        self.columns.push((name, Seen::default()));
        Ok(column)
    }

    /// Writes everything.
    fn write(mut self, out: &File, version: &str) -> std::io::Result<()> {
        self.spool.flush()?;
        let spool = self.spool.get_ref();
        let kinds: Vec<Kind> = self.columns.iter().map(|(_, seen)| seen.kind()).collect();
        // Numbers among texts become texts.
        let mixed =
            |(k, (_, seen)): (usize, &(String, Seen))| kinds[k] == Kind::Text && (seen.numbers || seen.flags);
        if self.columns.iter().enumerate().any(mixed) {
            let mut bytes = Vec::new();
            for row in &self.waiting {
                let (_, cells) = record(spool, row, &mut bytes)?;
                for (column, text) in cells.filter_map(|(c, cell)| Some((c, text_of(cell)?))) {
                    if kinds[column] == Kind::Text {
                        self.columns[column].1.code(text);
                    }
                }
            }
        }
        let marks: Vec<Mark> = self.waiting.iter().map(|r| Mark::of(&r.bounds)).collect();
        let levels = levels(&marks);
        let mut order: Vec<u32> = (0..self.waiting.len() as u32).collect();
        order.sort_by_cached_key(|&i| (levels[i as usize], marks[i as usize].curve(), i));
        drop(marks);
        let shown = (0..=MAX_LEVEL).map(|level| levels.iter().filter(|l| **l <= level).count()).collect();

        let n = self.waiting.len() as u64;
        let sections = Sections {
            boxes: 0,
            numbers: n * 32,
            rows: n * 36,
            places: n * 40,
            geometries: n * 40 + (n + 1) * 8,
        };
        self.write_places(out, &order, sections)?;
        let mut end = sections.geometries + self.geometry_bytes;
        let mut columns = Vec::new();
        for ((name, _), &kind) in self.columns.iter().zip(&kinds) {
            columns.push(Column { name: name.clone(), kind, at: end });
            end += n * kind.width() as u64;
        }
        let (texts, codes, end) = self.write_texts(out, &kinds, end)?;
        self.write_rows(out, &order, sections, &columns, &codes)?;

        let bounds = self.waiting.iter().fold(NOWHERE, |all, r| joined(&all, &r.bounds));
        let head = Head {
            source: version.to_owned(),
            at: end,
            rows: self.waiting.len(),
            left_out: self.left_out,
            geometry: match (self.points, self.polygons, self.others) {
                (true, false, false) => Shapes::Points,
                (false, true, false) => Shapes::Polygons,
                _ => Shapes::Any,
            },
            epsg: self.crs.as_ref().and_then(Crs::epsg),
            bounds: (!self.waiting.is_empty()).then_some(bounds),
            levels: shown,
            columns,
            sections,
            texts,
        };
        let head = serde_json::to_vec(&head)?;
        let mut tail = Tail::at(out, end);
        tail.put(&head)?;
        tail.put(&(head.len() as u64).to_le_bytes())?;
        tail.put(MAGIC)?;
        tail.flush()
    }

    fn write_places(&self, out: &File, order: &[u32], sections: Sections) -> std::io::Result<()> {
        let mut boxes = Tail::at(out, sections.boxes);
        let mut numbers = Tail::at(out, sections.numbers);
        let mut rows = vec![0u32; order.len()];
        for (row, &i) in (0..).zip(order) {
            for edge in self.waiting[i as usize].bounds {
                boxes.put(&edge.to_le_bytes())?;
            }
            numbers.put(&(i + 1).to_le_bytes())?;
            rows[i as usize] = row;
        }
        let mut of_numbers = Tail::at(out, sections.rows);
        for row in rows {
            of_numbers.put(&row.to_le_bytes())?;
        }
        boxes.flush()?;
        numbers.flush()?;
        of_numbers.flush()
    }

    /// Writes sorted texts; returns for each column the new code of each old one.
    #[expect(clippy::type_complexity, reason = "three answers of one pass")]
    fn write_texts(
        &mut self,
        out: &File,
        kinds: &[Kind],
        mut end: u64,
    ) -> std::io::Result<(Vec<Option<TextSection>>, Vec<(Vec<u32>, HashMap<String, u32>)>, u64)> {
        let (mut sections, mut codes) = (Vec::new(), Vec::new());
        for ((_, seen), kind) in self.columns.iter_mut().zip(kinds) {
            if *kind != Kind::Text {
                sections.push(None);
                codes.push((Vec::new(), HashMap::new()));
                continue;
            }
            let found = std::mem::take(&mut seen.texts);
            let mut new_of = vec![0; found.len()];
            let mut sorted: Vec<(String, u32)> = found.into_iter().collect();
            sorted.sort_unstable();
            let count = sorted.len();
            let section = TextSection { count, places: end, bytes: end + (count as u64 + 1) * 8 };
            let (mut places, mut bytes) = (Tail::at(out, section.places), Tail::at(out, section.bytes));
            let mut at = 0u64;
            places.put(&at.to_le_bytes())?;
            for (new, (text, old)) in (0..).zip(&sorted) {
                new_of[*old as usize] = new;
                bytes.put(text.as_bytes())?;
                at += text.len() as u64;
                places.put(&at.to_le_bytes())?;
            }
            places.flush()?;
            bytes.flush()?;
            end = section.bytes + at;
            sections.push(Some(section));
            // Numbers among texts are found by their text.
            let by_text = if seen.numbers || seen.flags {
                (0..).zip(sorted).map(|(new, (text, _))| (text, new)).collect()
            } else {
                HashMap::new()
            };
            codes.push((new_of, by_text));
        }
        Ok((sections, codes, end))
    }

    fn write_rows(
        &self,
        out: &File,
        order: &[u32],
        sections: Sections,
        columns: &[Column],
        codes: &[(Vec<u32>, HashMap<String, u32>)],
    ) -> std::io::Result<()> {
        let spool = self.spool.get_ref();
        let mut places = Tail::at(out, sections.places);
        let mut geometries = Tail::at(out, sections.geometries);
        let mut tails: Vec<Tail<'_>> = columns.iter().map(|c| Tail::at(out, c.at)).collect();
        let (mut at, mut bytes) = (0u64, Vec::new());
        let mut cells: Vec<Option<Cell>> = vec![None; columns.len()];
        places.put(&at.to_le_bytes())?;
        for &i in order {
            let (wkb, found) = record(spool, &self.waiting[i as usize], &mut bytes)?;
            geometries.put(wkb)?;
            at += wkb.len() as u64;
            places.put(&at.to_le_bytes())?;
            cells.fill(None);
            found.for_each(|(column, cell)| cells[column] = Some(cell));
            for (k, (column, tail)) in columns.iter().zip(&mut tails).enumerate() {
                match (column.kind, cells[k]) {
                    (Kind::Text, cell) => {
                        let code = match cell {
                            None => NO_TEXT,
                            Some(Cell::Text(old)) => codes[k].0[old as usize],
                            Some(other) => {
                                text_of(other).and_then(|t| codes[k].1.get(&t).copied()).unwrap_or(NO_TEXT)
                            }
                        };
                        tail.put(&code.to_le_bytes())?;
                    }
                    (Kind::Boolean, Some(Cell::Flag(flag))) => tail.put(&[u8::from(flag)])?,
                    (Kind::Boolean, _) => tail.put(&[NO_FLAG])?,
                    (Kind::Long, Some(Cell::Integer(n))) => tail.put(&n.to_le_bytes())?,
                    (Kind::Long, _) => tail.put(&NO_LONG.to_le_bytes())?,
                    (_, Some(Cell::Number(n))) => tail.put(&n.to_le_bytes())?,
                    (_, Some(Cell::Integer(n))) => tail.put(&(n as f64).to_le_bytes())?,
                    _ => tail.put(&f64::NAN.to_le_bytes())?,
                }
            }
        }
        places.flush()?;
        geometries.flush()?;
        tails.iter_mut().try_for_each(Tail::flush)
    }
}

/// What a cell that is no text is as text.
fn text_of(cell: Cell) -> Option<String> {
    match cell {
        Cell::Number(n) => Some(Value::Number(n).to_string()),
        Cell::Integer(n) => Some(n.to_string()),
        Cell::Flag(f) => Some(f.to_string()),
        Cell::Text(_) => None,
    }
}

/// A feature that waits: its geometry and its cells with their columns.
fn record<'b>(
    spool: &File,
    row: &Waiting,
    bytes: &'b mut Vec<u8>,
) -> std::io::Result<(&'b [u8], impl Iterator<Item = (usize, Cell)> + use<'b>)> {
    bytes.resize(row.length as usize, 0);
    spool.read_exact_at(bytes, row.at)?;
    let damaged = || std::io::Error::other("a waiting feature is damaged");
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(damaged)?;
    let (wkb, cells) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(damaged)?;
    Ok((wkb, cells.as_chunks::<{ Cell::BYTES }>().0.iter().map(Cell::read)))
}

impl RowSink for Rows<'_> {
    fn crs(&mut self, crs: Option<Crs>) -> Result<(), IoError> {
        self.crs = crs;
        Ok(())
    }

    fn row(
        &mut self,
        geometry: Option<Result<Geometry<f64>, String>>,
        properties: Vec<(String, Value)>,
    ) -> Result<(), IoError> {
        let Some(Ok(geometry)) = geometry else {
            self.left_out += 1;
            return Ok(());
        };
        self.vertices += geometry.coords_count();
        self.pending.push((geometry, properties));
        if self.pending.len() >= BATCH.0 || self.vertices >= BATCH.1 { self.flush() } else { Ok(()) }
    }
}

/// Writes on from a place in a file.
struct Tail<'a> {
    file: &'a File,
    at: u64,
    waiting: Vec<u8>,
}

impl<'a> Tail<'a> {
    fn at(file: &'a File, at: u64) -> Self {
        Self { file, at, waiting: Vec::new() }
    }

    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= 1 << 18 { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.write_all_at(&self.waiting, self.at)?;
        self.at += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }
}
