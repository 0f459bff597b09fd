//! Tables for spreadsheets: a cell that a spreadsheet would run as a formula is written so that it is shown.
//! Only where it is asked for, as such a cell is no longer what the data says.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use super::IoError;

/// Whether a spreadsheet takes a cell for a formula: it begins as one, in ASCII or full width, and is no
/// number such as -5.
fn is_formula(cell: &str) -> bool {
    let begins = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let number =
        cell.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) && cell.parse::<f64>().is_ok();
    begins && !number
}

/// Copies a table, with an apostrophe before every cell that is a formula, its header included.
///
/// # Errors
/// Rows that are none, or a disk that is full.
pub fn shown_as_text(table: impl Read, out: impl Write) -> csv::Result<()> {
    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(table);
    let mut out = csv::WriterBuilder::new().flexible(true).from_writer(out);
    let mut row = csv::ByteRecord::new();
    while rows.read_byte_record(&mut row)? {
        for cell in &row {
            match std::str::from_utf8(cell) {
                Ok(text) if is_formula(text) => out.write_field(format!("'{text}"))?,
                _ => out.write_field(cell)?,
            }
        }
        out.write_record(None::<&[u8]>)?;
    }
    Ok(out.flush()?)
}

/// As [`shown_as_text`], from one file into another.
///
/// # Errors
/// [`IoError`] naming the file.
pub fn shown_as_text_in(from: &Path, to: &Path) -> Result<(), IoError> {
    let table = File::open(from).map_err(|e| IoError::read(from.display().to_string(), e))?;
    let out = File::create(to).map_err(|e| IoError::write(to, e))?;
    shown_as_text(table, out).map_err(|e| IoError::write(to, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_shown_and_numbers_stay_numbers() {
        let table = "name,=x\n-5,+1.5e-3\n\"=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",@sum\n-1+2,a=b\n-inf,\"\n=1\"\n湖南,＝1\n";
        let mut out = Vec::new();
        shown_as_text(table.as_bytes(), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "name,'=x\n-5,+1.5e-3\n\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",'@sum\n'-1+2,a=b\n'-inf,\"'\n=1\"\n湖南,'＝1\n"
        );
    }
}
