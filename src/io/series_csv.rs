//! Tables of series made elsewhere: a row a sample, a column an index and date
//! (`NDRE@2022-01-05`), other columns properties (among them the class).

use super::IoError;
use crate::cube::{IndexSeries, SeriesTable};
use crate::vector::Value;

/// Whether a table has columns of series, told by its header line.
pub fn is_series(bytes: &[u8]) -> bool {
    reader(bytes).headers().is_ok_and(|h| h.iter().any(|name| name.contains('@')))
}

/// Reads a table of series; `name` is what errors call it. Empty cells, `NA` and `NaN` are
/// missing. Columns may be separated by commas, semicolons or tabs.
///
/// # Errors
/// [`IoError::Read`] names line and column: no series column, a date that is none, a column twice,
/// a cell that is no number, lines of different length, no rows.
pub fn parse(name: &str, bytes: &[u8]) -> Result<SeriesTable, IoError> {
    let fail = |reason: String| IoError::read(name, reason);
    let mut table = reader(bytes);
    let header = table.headers().map_err(|e| fail(e.to_string()))?.clone();

    // Column -> (position of its index, date); `None` for properties.
    let mut series: Vec<(String, Vec<(jiff::civil::Date, usize)>)> = Vec::new();
    let mut properties = Vec::new();
    for (column, title) in header.iter().enumerate() {
        let Some((index, date)) = title.split_once('@') else {
            properties.push((column, title.to_owned()));
            continue;
        };
        let date: jiff::civil::Date = date.trim().parse().map_err(|_| {
            fail(format!("line 1, column `{title}`: `{}` is not a date like 2022-01-05", date.trim()))
        })?;
        let index = index.trim();
        if index.is_empty() {
            return Err(fail(format!("line 1, column `{title}`: no index before the @")));
        }
        let position = series.iter().position(|(known, _)| known == index).unwrap_or_else(|| {
            series.push((index.to_owned(), Vec::new()));
            series.len() - 1
        });
        let dates = &mut series[position].1;
        if dates.iter().any(|&(known, _)| known == date) {
            return Err(fail(format!("line 1: column `{title}` stands twice")));
        }
        dates.push((date, column));
    }
    if series.is_empty() {
        return Err(fail("no column is a series; name them like NDRE@2022-01-05".to_owned()));
    }
    for (i, (_, title)) in properties.iter().enumerate() {
        if properties[..i].iter().any(|(_, known)| known == title) {
            return Err(fail(format!("line 1: column `{title}` stands twice")));
        }
    }
    for (_, dates) in &mut series {
        dates.sort_unstable();
    }

    let mut rows = Vec::new();
    let mut columns: Vec<Vec<f32>> = vec![Vec::new(); header.len()];
    for record in table.records() {
        let record = record.map_err(|e| fail(e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        for &(_, column) in series.iter().flat_map(|(_, dates)| dates) {
            let value = cell(&record[column]).ok_or_else(|| {
                fail(format!(
                    "line {line}, column `{}`: `{}` is not a finite number{}",
                    &header[column],
                    &record[column],
                    if record[column].contains(',') {
                        "; write a point, not a comma, before decimals"
                    } else {
                        ""
                    }
                ))
            })?;
            columns[column].push(value);
        }
        rows.push(
            properties
                .iter()
                .map(|(column, title)| (title.clone(), Value::parse(&record[*column])))
                .collect(),
        );
    }
    if rows.is_empty() {
        return Err(fail("it has a header and no rows".to_owned()));
    }
    let series = series.into_iter().map(|(index, dates)| IndexSeries {
        index,
        values: dates.iter().flat_map(|&(_, column)| std::mem::take(&mut columns[column])).collect(),
        dates: dates.into_iter().map(|(date, _)| date).collect(),
    });
    Ok(SeriesTable { properties: rows, series: series.collect() })
}

/// A number, NaN for a missing one, `None` for anything else.
fn cell(text: &str) -> Option<f32> {
    let text = text.trim();
    if ["", "na", "nan", "null"].contains(&text.to_ascii_lowercase().as_str()) {
        return Some(f32::NAN);
    }
    text.parse().ok().filter(|v: &f32| v.is_finite())
}

/// A reader of a table with a header, by whichever of comma, semicolon and tab the header has most.
pub(super) fn reader(bytes: &[u8]) -> csv::Reader<&[u8]> {
    let (builder, bytes) = builder(bytes);
    builder.from_reader(bytes)
}

/// The same from a stream.
pub(super) fn streaming<R: std::io::BufRead>(mut source: R) -> std::io::Result<csv::Reader<R>> {
    let head = source.fill_buf()?;
    let (builder, rest) = builder(head);
    let mark = head.len() - rest.len();
    source.consume(mark);
    Ok(builder.from_reader(source))
}

/// How such a table is read, and its bytes without a byte order mark.
pub(super) fn builder(bytes: &[u8]) -> (csv::ReaderBuilder, &[u8]) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(separator(bytes)).trim(csv::Trim::All);
    (builder, bytes)
}

/// What separates the columns of a table: whichever of comma, semicolon and tab its header has most.
pub(super) fn separator(bytes: &[u8]) -> u8 {
    let header = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
    let count = |separator: u8| header.split(|&b| b == separator).count();
    let others = [b';', b'\t'].into_iter().filter(|&s| count(s) > count(b','));
    others.max_by_key(|&s| count(s)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_with_unsorted_dates_and_holes_is_read() {
        let text = b"id,NDRE@2022-02-05,class,NDRE@2022-01-05,EVI@2022-01-05\n\
                     007,0.5,rice,,1\n8,NaN,non-rice,0.25,-2e-1\n";
        let table = parse("samples.csv", text).unwrap();
        assert_eq!(table.rows(), 2);
        assert_eq!(table.properties[0]["class"], Value::Text("rice".into()));
        assert_eq!(table.properties[0]["id"], Value::Text("007".into()));
        assert_eq!(table.properties[1]["id"], Value::Integer(8));
        let ndre = &table.series[0];
        assert_eq!((ndre.index.as_str(), ndre.dates.len()), ("NDRE", 2));
        assert!(ndre.dates[0] < ndre.dates[1]);
        assert!(ndre.values[0].is_nan() && ndre.values[3].is_nan());
        assert_eq!(ndre.values[1..3], [0.25, 0.5]);
        assert_eq!(table.series[1].values, [1.0, -0.2]);
        assert!(is_series(text) && !is_series(b"lon,lat\n1,2\n"));
    }

    #[test]
    fn mistakes_are_named_by_line_and_column() {
        for (text, expected) in [
            ("NDRE@2022-01-05,class\n0.1,a\nabc,b\n", "line 3, column `NDRE@2022-01-05`: `abc`"),
            ("NDRE@2022-01-05,class\ninf,a\n", "line 2, column `NDRE@2022-01-05`: `inf`"),
            ("NDRE@2022-13-05,class\n", "column `NDRE@2022-13-05`: `2022-13-05` is not a date"),
            ("NDRE@2022-01-05,NDRE@2022-01-05\n", "stands twice"),
            ("NDRE@2022-01-05,a,a\n", "column `a` stands twice"),
            ("class,lon\n", "no column is a series"),
            ("NDRE@2022-01-05,class\n1\n", "line: 2"),
            ("NDRE@2022-01-05,class\n", "no rows"),
            ("", "no column is a series"),
        ] {
            let error = parse("samples.csv", text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("samples.csv"), "{error}");
        }
    }

    #[test]
    fn semicolons_and_a_byte_order_mark_are_understood() {
        let table = parse("a.csv", "\u{feff}class;NDRE@2022-01-05\nrice;0.5\n".as_bytes()).unwrap();
        assert_eq!(table.properties[0]["class"], Value::Text("rice".into()));
    }
}
