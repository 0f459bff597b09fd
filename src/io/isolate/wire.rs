//! How the child tells the server what it read: numbers, texts and geometries one after the other in a
//! file. No length is believed that the file has no bytes for.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use geozero::{CoordDimensions, ToWkb};

use crate::cube::{IndexSeries, SeriesTable};
use crate::io::vector_rows::RowsError;
use crate::io::vectors::VectorData;
use crate::io::wkb;
use crate::vector::{Feature, FeatureTable, MineRows, RowAction, RowProblem, Value};

/// What stands first: both ends are one program, and of one version.
const MARK: &[u8] = concat!("rededge ", env!("CARGO_PKG_VERSION"), "\n").as_bytes();

/// Why there is nothing.
#[derive(Debug)]
pub enum Refusal {
    /// In words.
    File(String),
    /// The coordinates need a CRS.
    Rows(RowsError),
}

/// Writes an answer.
pub struct Encoder<W>(W);

/// Reads an answer.
pub struct Decoder<R> {
    source: R,
    left: u64,
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer of the reader has {what}"))
}

impl<W: Write> Encoder<W> {
    /// Begins an answer.
    pub fn new(mut sink: W) -> io::Result<Self> {
        sink.write_all(MARK)?;
        Ok(Self(sink))
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }

    pub fn byte(&mut self, value: u8) -> io::Result<()> {
        self.0.write_all(&[value])
    }

    pub fn number(&mut self, value: u64) -> io::Result<()> {
        self.0.write_all(&value.to_le_bytes())
    }

    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.number(bytes.len() as u64)?;
        self.0.write_all(bytes)
    }

    /// That there is nothing, and why.
    pub fn refusal(&mut self, refusal: &Refusal) -> io::Result<()> {
        match refusal {
            Refusal::Rows(RowsError::NoLonLat { name, row, x, y }) => {
                self.byte(2)?;
                self.text(name)?;
                self.number(*row as u64)?;
                self.number(x.to_bits())?;
                self.number(y.to_bits())
            }
            Refusal::Rows(RowsError::File(error)) => {
                self.byte(1)?;
                self.text(&error.to_string())
            }
            Refusal::File(why) => {
                self.byte(1)?;
                self.text(why)
            }
        }
    }

    fn properties(&mut self, properties: &BTreeMap<String, Value>) -> io::Result<()> {
        self.number(properties.len() as u64)?;
        for (name, value) in properties {
            self.text(name)?;
            match value {
                Value::Null => self.byte(0)?,
                Value::Bool(v) => self.byte(1 + u8::from(*v))?,
                Value::Number(v) => {
                    self.byte(3)?;
                    self.number(v.to_bits())?;
                }
                Value::Text(v) => {
                    self.byte(4)?;
                    self.text(v)?;
                }
                Value::Integer(v) => {
                    self.byte(5)?;
                    self.number(v.cast_unsigned())?;
                }
            }
        }
        Ok(())
    }

    fn table(&mut self, table: &FeatureTable) -> io::Result<()> {
        self.number(table.features.len() as u64)?;
        for Feature { geometry, properties } in &table.features {
            self.bytes(&geometry.to_wkb(CoordDimensions::xy()).map_err(io::Error::other)?)?;
            self.properties(properties)?;
        }
        Ok(())
    }

    pub fn features(&mut self, data: &VectorData) -> io::Result<()> {
        self.number(data.without_geometry as u64)?;
        self.table(&data.table)?;
        self.notes(&data.notes)
    }

    fn notes(&mut self, notes: &[String]) -> io::Result<()> {
        self.number(notes.len() as u64)?;
        notes.iter().try_for_each(|note| self.text(note))
    }

    pub fn rows(&mut self, rows: &MineRows) -> io::Result<()> {
        self.table(&rows.table)?;
        self.notes(&rows.notes)?;
        self.number(rows.rows.len() as u64)?;
        rows.rows.iter().try_for_each(|row| self.number(*row as u64))?;
        self.number(rows.problems.len() as u64)?;
        for RowProblem { row, problem, action } in &rows.problems {
            self.number(*row as u64)?;
            self.text(problem)?;
            self.byte(match action {
                RowAction::LeftOut => 0,
                RowAction::Mended => 1,
                RowAction::Kept => 2,
            })?;
        }
        Ok(())
    }

    pub fn series(&mut self, table: Option<&SeriesTable>) -> io::Result<()> {
        let Some(table) = table else { return self.byte(0) };
        self.byte(1)?;
        self.number(table.properties.len() as u64)?;
        table.properties.iter().try_for_each(|row| self.properties(row))?;
        self.number(table.series.len() as u64)?;
        for IndexSeries { index, dates, values } in &table.series {
            self.text(index)?;
            self.number(dates.len() as u64)?;
            dates.iter().try_for_each(|date| self.text(&date.to_string()))?;
            self.number(values.len() as u64)?;
            values.iter().try_for_each(|value| self.0.write_all(&value.to_le_bytes()))?;
        }
        Ok(())
    }
}

impl<R: Read> Decoder<R> {
    /// Begins to read an answer of so many bytes: it, or why there is none.
    pub fn open(source: R, bytes: u64) -> io::Result<Result<Self, Refusal>> {
        let mut this = Self { source, left: bytes };
        if this.take(MARK.len() as u64)? != MARK {
            return Err(damaged("another version"));
        }
        Ok(match this.byte()? {
            0 => Ok(this),
            1 => Err(Refusal::File(this.text()?)),
            2 => Err(Refusal::Rows(RowsError::NoLonLat {
                name: this.text()?,
                row: this.number()? as usize,
                x: f64::from_bits(this.number()?),
                y: f64::from_bits(this.number()?),
            })),
            _ => return Err(damaged("no beginning")),
        })
    }

    fn take(&mut self, count: u64) -> io::Result<Vec<u8>> {
        self.left = self.left.checked_sub(count).ok_or_else(|| damaged("no end"))?;
        let mut bytes = vec![0; count as usize];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        self.left = self.left.checked_sub(N as u64).ok_or_else(|| damaged("no end"))?;
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    pub fn byte(&mut self) -> io::Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> io::Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let count = self.number()?;
        self.take(count)
    }

    pub fn text(&mut self) -> io::Result<String> {
        String::from_utf8(self.bytes()?).map_err(|_| damaged("a text that is none"))
    }

    /// So many things, each of which takes at least so many bytes.
    fn many<T>(&mut self, least: u64, mut one: impl FnMut(&mut Self) -> io::Result<T>) -> io::Result<Vec<T>> {
        let count = self.number()?;
        if count.saturating_mul(least) > self.left {
            return Err(damaged("no end"));
        }
        (0..count).map(|_| one(self)).collect()
    }

    fn properties(&mut self) -> io::Result<BTreeMap<String, Value>> {
        let all = self.many(9, |this| {
            let name = this.text()?;
            let value = match this.byte()? {
                0 => Value::Null,
                1 => Value::Bool(false),
                2 => Value::Bool(true),
                3 => Value::Number(f64::from_bits(this.number()?)),
                4 => Value::Text(this.text()?),
                5 => Value::Integer(this.number()?.cast_signed()),
                _ => return Err(damaged("a value of another kind")),
            };
            Ok((name, value))
        })?;
        Ok(all.into_iter().collect())
    }

    fn table(&mut self) -> io::Result<FeatureTable> {
        let features = self.many(16, |this| {
            let geometry = wkb::read(&this.bytes()?).map_err(|e| damaged(&e))?;
            let geometry = geometry.ok_or_else(|| damaged("a feature without a place"))?;
            Ok(Feature { geometry, properties: this.properties()? })
        })?;
        Ok(FeatureTable { features })
    }

    pub fn features(&mut self) -> io::Result<VectorData> {
        let without_geometry = self.number()? as usize;
        Ok(VectorData { without_geometry, table: self.table()?, notes: self.many(8, Self::text)? })
    }

    pub fn rows(&mut self) -> io::Result<MineRows> {
        let table = self.table()?;
        let notes = self.many(8, Self::text)?;
        let rows = self.many(8, |this| Ok(this.number()? as usize))?;
        let problems = self.many(17, |this| {
            let (row, problem) = (this.number()? as usize, this.text()?);
            let action = match this.byte()? {
                0 => RowAction::LeftOut,
                1 => RowAction::Mended,
                2 => RowAction::Kept,
                _ => return Err(damaged("an action of another kind")),
            };
            Ok(RowProblem { row, problem, action })
        })?;
        if rows.len() != table.features.len() {
            return Err(damaged("rows that do not fit"));
        }
        Ok(MineRows { table, rows, problems, notes })
    }

    pub fn series(&mut self) -> io::Result<Option<SeriesTable>> {
        if self.byte()? == 0 {
            return Ok(None);
        }
        let properties = self.many(8, Self::properties)?;
        let series = self.many(24, |this| {
            let index = this.text()?;
            let dates =
                this.many(8, |this| this.text()?.parse().map_err(|_| damaged("a date that is none")))?;
            let values = this.many(4, |this| this.array().map(f32::from_le_bytes))?;
            Ok(IndexSeries { index, dates, values })
        })?;
        if series.iter().any(|s| Some(s.values.len()) != s.dates.len().checked_mul(properties.len())) {
            return Err(damaged("series that do not fit"));
        }
        Ok(Some(SeriesTable { properties, series }))
    }
}

#[cfg(test)]
mod tests {
    use geo::point;

    use super::*;

    fn table() -> FeatureTable {
        let values = [
            ("a", Value::Null),
            ("b", Value::Bool(true)),
            ("c", Value::Number(0.1 + 0.2)),
            ("d", Value::Text("水稻".to_owned())),
            ("e", Value::Integer(-9_007_199_254_740_993)),
        ];
        let properties: BTreeMap<_, _> = values.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        let feature =
            |x: f64| Feature { geometry: point!(x: x, y: 27.9).into(), properties: properties.clone() };
        FeatureTable { features: vec![feature(113.1), feature(1.0 / 3.0)] }
    }

    fn written(write: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes).unwrap();
        write(&mut encoder);
        encoder.finish().unwrap();
        bytes
    }

    fn decoder(bytes: &[u8]) -> Decoder<&[u8]> {
        Decoder::open(bytes, bytes.len() as u64).unwrap().unwrap()
    }

    #[test]
    fn what_is_told_is_read_back() {
        let data = VectorData { table: table(), without_geometry: 3, notes: vec!["read as GBK".to_owned()] };
        let bytes = written(|e| e.byte(0).and_then(|()| e.features(&data)).unwrap());
        assert_eq!(decoder(&bytes).features().unwrap(), data);

        let problem = RowProblem { row: 3, problem: "crossed".to_owned(), action: RowAction::Mended };
        let rows = MineRows {
            table: table(),
            rows: vec![2, 7],
            problems: vec![problem],
            notes: vec!["a note".to_owned()],
        };
        let bytes = written(|e| e.byte(0).and_then(|()| e.rows(&rows)).unwrap());
        assert_eq!(decoder(&bytes).rows().unwrap(), rows);

        let index = IndexSeries {
            index: "NDRE".to_owned(),
            dates: vec![jiff::civil::date(2022, 7, 5)],
            values: vec![0.25, 0.5],
        };
        let series =
            SeriesTable { properties: vec![table().features[0].properties.clone(); 2], series: vec![index] };
        let bytes = written(|e| e.byte(0).and_then(|()| e.series(Some(&series))).unwrap());
        assert_eq!(decoder(&bytes).series().unwrap(), Some(series));

        let bytes = written(|e| e.refusal(&Refusal::File("no".to_owned())).unwrap());
        assert!(
            matches!(Decoder::open(&*bytes, bytes.len() as u64).unwrap(), Err(Refusal::File(t)) if t == "no")
        );
    }

    #[test]
    fn answers_that_are_cut_off_or_count_too_far_are_errors() {
        let data = VectorData { table: table(), ..VectorData::default() };
        let bytes = written(|e| e.byte(0).and_then(|()| e.features(&data)).unwrap());
        for end in 0..bytes.len() {
            let cut = &bytes[..end];
            let read = Decoder::open(cut, end as u64).and_then(|d| d.unwrap().features());
            assert!(read.is_err(), "cut at {end}");
        }
        let huge = written(|e| {
            e.byte(0).unwrap();
            e.number(0).unwrap();
            e.number(u64::MAX).unwrap();
        });
        assert!(decoder(&huge).features().unwrap_err().to_string().contains("no end"));
        assert!(Decoder::open(&b"rededge 0.0.0\n\0"[..], 15).is_err(), "another version");
    }
}
