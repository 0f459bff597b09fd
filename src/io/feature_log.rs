//! Features on their way, in an unnamed file: added one by one, and read again from the first
//! whenever somebody wants to see how far it is.

use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use geo::Geometry;
use geozero::wkb::Wkb;
use geozero::{CoordDimensions, ToGeo, ToWkb};

use super::IoError;
use super::feature_file::{FeatureFile, of_rows};
use super::vectors::RowSink;
use crate::vector::{FeatureSchema, FieldKind, Value};

/// Bytes that wait in memory.
const WAITING: usize = 1 << 18;

/// What was added so far.
#[derive(Debug, Default)]
struct Tail {
    /// Bytes in the file.
    end: u64,
    waiting: Vec<u8>,
    features: usize,
}

/// A log of features of one schema. Any thread may add and read.
#[derive(Debug)]
pub struct FeatureLog {
    schema: FeatureSchema,
    folder: PathBuf,
    file: File,
    tail: Mutex<Tail>,
}

impl FeatureLog {
    /// An empty log, whose file is in a folder.
    ///
    /// # Errors
    /// [`IoError::Write`]: no permission, disk full.
    pub fn create(folder: &Path, schema: &FeatureSchema) -> Result<Self, IoError> {
        let file = tempfile::tempfile_in(folder).map_err(|e| IoError::write(folder, e))?;
        Ok(Self { schema: schema.clone(), folder: folder.to_owned(), file, tail: Mutex::default() })
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many features were added.
    pub fn len(&self) -> usize {
        self.tail().features
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a feature: its geometry in the schema's CRS and a value a field.
    ///
    /// # Errors
    /// [`IoError::Write`]: disk full, values that are not those of the schema.
    pub fn push(&self, geometry: &Geometry<f64>, values: &[Value]) -> Result<(), IoError> {
        let fail = |e: &dyn std::fmt::Display| IoError::write(&self.folder, e);
        let wkb = geometry.to_wkb(CoordDimensions::xy()).map_err(|e| fail(&e))?;
        if values.len() != self.schema.fields.len() {
            return Err(fail(&format_args!(
                "{} values for {} fields",
                values.len(),
                self.schema.fields.len()
            )));
        }
        let mut tail = self.tail();
        put_bytes(&mut tail.waiting, &wkb);
        for (field, value) in self.schema.fields.iter().zip(values) {
            match (field.kind, value) {
                (FieldKind::Integer, Value::Number(number)) if number.abs() < 9e18 => {
                    put(&mut tail.waiting, &Value::Integer(number.round() as i64));
                }
                (_, value) => put(&mut tail.waiting, value),
            }
        }
        tail.features += 1;
        if tail.waiting.len() >= WAITING { self.flush(&mut tail).map_err(|e| fail(&e)) } else { Ok(()) }
    }

    fn flush(&self, tail: &mut Tail) -> std::io::Result<()> {
        self.file.write_all_at(&tail.waiting, tail.end)?;
        tail.end += tail.waiting.len() as u64;
        tail.waiting.clear();
        Ok(())
    }

    /// The columns of what was added so far, in an unnamed file in a folder.
    ///
    /// # Errors
    /// [`IoError`]: disk full.
    pub fn columns(&self, folder: &Path) -> Result<FeatureFile, IoError> {
        let fail = |e: std::io::Error| IoError::write(&self.folder, e);
        let (end, features) = {
            let mut tail = self.tail();
            self.flush(&mut tail).map_err(fail)?;
            (tail.end, tail.features)
        };
        of_rows(folder, &self.schema.fields, |sink| {
            sink.crs(Some(self.schema.crs.clone()))?;
            let mut from = BufReader::with_capacity(WAITING, Part { file: &self.file, start: 0, end });
            (0..features).try_for_each(|_| self.read(&mut from, sink).map_err(fail)?)
        })
    }

    /// Hands on the next feature.
    fn read(&self, from: &mut impl Read, sink: &mut dyn RowSink) -> std::io::Result<Result<(), IoError>> {
        let geometry = Wkb(take_bytes(from)?).to_geo().map_err(|e| e.to_string());
        let mut properties = Vec::with_capacity(self.schema.fields.len());
        for field in &self.schema.fields {
            properties.push((field.name.clone(), take(from)?));
        }
        Ok(sink.row(Some(geometry), properties))
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(0),
        Value::Bool(flag) => out.push(1 + u8::from(*flag)),
        Value::Number(number) => {
            out.push(3);
            out.extend(number.to_le_bytes());
        }
        Value::Integer(number) => {
            out.push(5);
            out.extend(number.to_le_bytes());
        }
        Value::Text(text) => {
            out.push(4);
            put_bytes(out, text.as_bytes());
        }
    }
}

fn take_bytes(from: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn take(from: &mut impl Read) -> std::io::Result<Value> {
    let mut kind = [0];
    from.read_exact(&mut kind)?;
    Ok(match kind[0] {
        0 => Value::Null,
        1 => Value::Bool(false),
        2 => Value::Bool(true),
        3 => {
            let mut number = [0; 8];
            from.read_exact(&mut number)?;
            Value::Number(f64::from_le_bytes(number))
        }
        5 => {
            let mut number = [0; 8];
            from.read_exact(&mut number)?;
            Value::Integer(i64::from_le_bytes(number))
        }
        _ => Value::Text(String::from_utf8_lossy(&take_bytes(from)?).into_owned()),
    })
}

/// Reads a file from a place to an end, wherever others read it.
struct Part<'a> {
    file: &'a File,
    start: u64,
    end: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = usize::try_from(self.end - self.start).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read_at(&mut buffer[..most], self.start)?;
        self.start += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use geo::{Point, polygon};

    use super::*;
    use crate::crs::Crs;
    use crate::vector::{Field, GeometryKind};

    #[test]
    fn what_was_added_is_in_columns_and_what_comes_later_is_in_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let fields = [
            ("id", FieldKind::Integer),
            ("areaHa", FieldKind::Real),
            ("name", FieldKind::Text),
            ("seen", FieldKind::Boolean),
        ];
        let schema = FeatureSchema {
            crs: Crs::from_epsg(32649).unwrap(),
            geometry: GeometryKind::Polygon,
            fields: fields.map(|(name, kind)| Field::new(name, kind)).to_vec(),
            style: "zones",
        };
        let log = FeatureLog::create(folder.path(), &schema).unwrap();
        let empty = log.columns(folder.path()).unwrap();
        assert_eq!((empty.len(), empty.fields()), (0, schema.fields.as_slice()), "columns are there at once");
        let push = |k: usize| {
            let x = 7e5 + 100.0 * k as f64;
            let square = polygon![(x: x, y: 3.09e6), (x: x + 50.0, y: 3.09e6), (x: x + 50.0, y: 3.0901e6)];
            let name = if k.is_multiple_of(3) { Value::Null } else { Value::Text(format!("zone {}", k % 7)) };
            let values =
                [Value::Number(k as f64), Value::Number(k as f64 / 8.0), name, Value::Bool(k % 2 == 1)];
            log.push(&square.into(), &values).unwrap();
        };
        (1..=5000).for_each(push);
        let first = log.columns(folder.path()).unwrap();
        (5001..=5003).for_each(push);
        let second = log.columns(folder.path()).unwrap();
        assert_eq!((first.len(), second.len(), log.len()), (5000, 5003, 5003));
        assert_eq!(second.fields(), schema.fields);
        let mut rows = Vec::new();
        second.rows_of(5001..5002, &mut rows).unwrap();
        let stored = second.features(&rows, &[0, 1, 2, 3]).unwrap();
        let expected = [
            Value::Integer(5002),
            Value::Number(625.25),
            Value::Text("zone 4".to_owned()),
            Value::Bool(false),
        ];
        assert_eq!(stored[0].values, expected);
        let bounds = second.bounds().unwrap();
        assert!(bounds[0] > 112.9 && bounds[2] < 119.0 && bounds[1] > 27.0, "{bounds:?}");
        let point = Point::new(7e5, 3.09e6).into();
        assert!(log.push(&point, &[Value::Null]).is_err(), "too few values");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its files have no names");
    }
}
