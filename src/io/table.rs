//! The rows of a table (CSV) with a longitude and a latitude: each by its line in the file.

use geo::Point;

use super::vectors::{Raw, RawRow};
use super::{IoError, series_csv, text};
use crate::vector::{Value, columns};

/// Reads a table. `projected` says that the coordinates are metres or the like, where a comma may
/// stand between thousands.
pub(super) fn read(name: &str, bytes: &[u8], projected: bool) -> Result<Raw, IoError> {
    let fail = |reason: String| IoError::read(name, reason);
    let text::Decoded { text, note } = text::decode(bytes).map_err(fail)?;
    let mut raw = Raw { notes: note.into_iter().collect(), ..Raw::default() };
    let (mut builder, bytes) = series_csv::builder(text.as_bytes());
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(raw);
    }
    let mut table = builder.flexible(true).from_reader(bytes);
    let header = table.headers().map_err(|e| fail(e.to_string()))?.clone();
    let (x, y) = columns_of_coordinates(name, &header)?;
    let mut lines = Lines { bytes, at: 0, line: 1 };
    let mut decimal_commas = false;
    for record in table.records() {
        let record = record.map_err(|e| fail(e.to_string()))?;
        let row = lines.of(record.position().map_or(0, csv::Position::byte) as usize);
        if record.iter().all(str::is_empty) {
            continue;
        }
        let extra = record.len() > header.len() && record.iter().skip(header.len()).any(|c| !c.is_empty());
        let cell = |at: usize| coordinate(&header[at], record.get(at).unwrap_or_default(), projected);
        let empty = |at: usize| record.get(at).is_none_or(str::is_empty);
        let geometry = if extra {
            Some(Err(format!(
                "it has {} cells and the header {}; a decimal comma, or a comma in a text, needs quotes",
                record.len(),
                header.len()
            )))
        } else if empty(x) && empty(y) {
            None
        } else {
            Some(cell(x).and_then(|x| Ok((x, cell(y)?))))
        };
        let mut mended = Vec::new();
        if record.len() < header.len() {
            mended.push(format!("it has {} cells and the header {}", record.len(), header.len()));
        }
        let geometry = geometry.map(|read| {
            read.map(|((x, mended_x), (y, mended_y))| {
                decimal_commas |= mended_x.is_some() || mended_y.is_some();
                mended.extend([mended_x, mended_y].into_iter().flatten());
                Point::new(x, y).into()
            })
        });
        let mended = (!mended.is_empty()).then(|| mended.join("; "));
        let others = header.iter().zip(&record).enumerate().filter(|(i, _)| *i != x && *i != y);
        let properties = others.map(|(_, (h, v))| (h.trim().to_owned(), Value::parse(v))).collect();
        raw.rows.push(RawRow { row, geometry, properties, mended });
    }
    // Who writes coordinates with decimal commas writes all numbers so.
    if decimal_commas && series_csv::separator(bytes) != b',' {
        let values = raw.rows.iter_mut().flat_map(|row| row.properties.values_mut());
        let mut read = 0;
        values.for_each(|value| read += usize::from(with_decimal_comma(value)));
        if read > 0 {
            raw.notes.push(format!("{read} values with a decimal comma are read as numbers"));
        }
    }
    Ok(raw)
}

/// Reads a text such as `0,25` as the number that it is.
fn with_decimal_comma(value: &mut Value) -> bool {
    let Value::Text(text) = value else { return false };
    let Ok((number, Some(_))) = coordinate("", text, false) else { return false };
    *value = Value::Number(number);
    true
}

/// The columns of longitude and latitude.
pub(super) fn columns_of_coordinates(
    name: &str,
    header: &csv::StringRecord,
) -> Result<(usize, usize), IoError> {
    columns::coordinates(header).ok_or_else(|| {
        let columns: Vec<_> = header.iter().collect();
        let columns = columns.join(", ");
        IoError::read(
            name,
            format!("it has no columns `lon` and `lat` (or `x` and `y`, `经度` and `纬度`), only {columns}"),
        )
    })
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.split(|&b| b == b'\n').count() - 1
}

/// Counts lines as an editor does, whatever their ends.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of a record that begins at a byte or behind the empty lines there.
    fn of(&mut self, byte: usize) -> usize {
        let rest = self.bytes.get(byte..).unwrap_or_default();
        let start = byte + rest.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let passed = self.bytes.get(self.at..start).unwrap_or_default();
        self.line += line_ends(passed);
        self.at = self.at.max(start);
        self.line
    }
}

/// A coordinate, with what was mended to read it.
pub(super) fn coordinate(column: &str, cell: &str, projected: bool) -> Result<(f64, Option<String>), String> {
    let text = cell.trim();
    if text.is_empty() {
        return Err(format!("{column} is empty"));
    }
    let not_a_number = || format!("{column} `{text}` is not a number");
    if let Ok(number) = text.parse::<f64>() {
        return if number.is_finite() { Ok((number, None)) } else { Err(not_a_number()) };
    }
    let Some((whole, decimals)) = text.split_once(',') else { return Err(not_a_number()) };
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole.trim_start_matches(['-', '+'])) || !digits(decimals) {
        return Err(not_a_number());
    }
    if projected && decimals.len() == 3 {
        return Err(format!("{column} `{text}` may have a decimal comma or a comma between thousands"));
    }
    let number: f64 = format!("{whole}.{decimals}").parse().map_err(|_| not_a_number())?;
    Ok((number, Some(format!("{column} `{text}` has a decimal comma, read as {number}"))))
}
