//! The rows of a table (CSV) with a longitude and a latitude: each by its line in the file.

use geo::Point;

use super::IoError;
use crate::io::series_csv;
use crate::io::vectors::{Raw, RawRow};
use crate::vector::Value;

/// Columns of coordinates, the usual ones first.
const COLUMNS: [(&str, &str); 8] = [
    ("lon", "lat"),
    ("longitude", "latitude"),
    ("lng", "lat"),
    ("long", "lat"),
    ("x", "y"),
    ("easting", "northing"),
    ("经度", "纬度"),
    ("东经", "北纬"),
];

/// Reads a table. `projected` says that the coordinates are metres or the like, where a comma may
/// stand between thousands.
pub(super) fn read(name: &str, bytes: &[u8], projected: bool) -> Result<Raw, IoError> {
    let fail = |reason: String| IoError::read(name, reason);
    if let Err(e) = std::str::from_utf8(bytes) {
        let line = 1 + line_ends(&bytes[..e.valid_up_to()]);
        return Err(fail(format!("line {line} is not UTF-8 text; save the table as UTF-8")));
    }
    let (mut builder, bytes) = series_csv::builder(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Raw::default());
    }
    let mut table = builder.flexible(true).from_reader(bytes);
    let header = table.headers().map_err(|e| fail(e.to_string()))?.clone();
    let column = |wanted: &str| header.iter().position(|h| h.trim().to_lowercase() == wanted);
    let Some((x, y)) = COLUMNS.iter().find_map(|(x, y)| Some((column(x)?, column(y)?))) else {
        let columns: Vec<_> = header.iter().collect();
        return Err(fail(format!(
            "it has no columns `lon` and `lat` (or `x` and `y`), only {}",
            columns.join(", ")
        )));
    };

    let mut rows = Vec::new();
    let mut lines = Lines { bytes, at: 0, line: 1 };
    for record in table.records() {
        let record = record.map_err(|e| fail(e.to_string()))?;
        let row = lines.of(record.position().map_or(0, csv::Position::byte) as usize);
        if record.iter().all(str::is_empty) {
            continue;
        }
        let extra = record.len() > header.len() && record.iter().skip(header.len()).any(|c| !c.is_empty());
        let read = if extra {
            Err(format!(
                "it has {} cells and the header {}; a decimal comma, or a comma in a text, needs quotes",
                record.len(),
                header.len()
            ))
        } else {
            let cell = |at: usize| coordinate(&header[at], record.get(at).unwrap_or_default(), projected);
            cell(x).and_then(|x| Ok((x, cell(y)?)))
        };
        let (geometry, mended) = match read {
            Ok(((x, mended_x), (y, mended_y))) => {
                let mended: Vec<String> = [mended_x, mended_y].into_iter().flatten().collect();
                let mended = (!mended.is_empty()).then(|| mended.join("; "));
                (Ok(Point::new(x, y).into()), mended)
            }
            Err(problem) => (Err(problem), None),
        };
        let others = header.iter().zip(&record).enumerate().filter(|(i, _)| *i != x && *i != y);
        let properties = others.map(|(_, (h, v))| (h.trim().to_owned(), Value::parse(v))).collect();
        rows.push(RawRow { row, geometry: Some(geometry), properties, mended });
    }
    Ok(Raw { rows, crs: None })
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
fn coordinate(column: &str, cell: &str, projected: bool) -> Result<(f64, Option<String>), String> {
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
