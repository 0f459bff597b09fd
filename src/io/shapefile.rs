//! What GDAL does not check of a Shapefile: whether its parts are whole and belong together, and which
//! encoding its texts are in. Where nothing tells, the encoding is found by the bytes.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::IoError;
use super::text::{self, Driver};
use super::vectors::RowSink;

/// The option that makes GDAL give every byte of a text as a character of its own.
pub(super) const RAW: &str = "ENCODING=ISO-8859-1";

/// The texts of a Shapefile: GDAL gives their bytes where the encoding is known, else decodes itself.
#[derive(Debug, Default)]
pub(super) struct Texts {
    encoding: Option<&'static Encoding>,
    notes: Vec<String>,
    /// Texts that the width of their column cuts within a character.
    cut: usize,
    /// A text that is damaged.
    damaged: Option<String>,
}

impl Texts {
    /// Whether GDAL is to give bytes.
    pub(super) fn are_raw(&self) -> bool {
        self.encoding.is_some()
    }

    /// A text that GDAL gave, of a column of this width.
    pub(super) fn decoded(&mut self, text: String, width: usize) -> String {
        let Some(encoding) = self.encoding.filter(|_| !text.is_ascii()) else {
            if text.contains('\u{fffd}') {
                self.damaged.get_or_insert_with(|| text.clone());
            }
            return text;
        };
        let bytes: Vec<u8> = text.chars().map(byte_of).collect();
        if let Some(decoded) = strictly(encoding, &bytes) {
            return decoded;
        }
        let Some(whole) = without_cut_character(encoding, &bytes, width) else {
            self.damaged.get_or_insert_with(|| String::from_utf8_lossy(&bytes).into_owned());
            return text;
        };
        self.cut += 1;
        whole
    }

    /// Tells what was found, when all is read.
    pub(super) fn finish(self, name: &str, sink: &mut dyn RowSink) -> Result<(), IoError> {
        if let Some(text) = self.damaged {
            let encoding = self.encoding.map_or("the encoding that it names", text::name_of);
            return Err(IoError::read(
                name,
                format!(
                    "the text `{text}` of its .dbf is not in {encoding}; put the name of the encoding into a .cpg \
                     file beside it (such as UTF-8 or GBK)"
                ),
            ));
        }
        self.notes.into_iter().for_each(|note| sink.note(note));
        if self.cut > 0 {
            let cut = self.cut;
            sink.note(format!(
                "{cut} texts are cut within a character by the width of their column in the .dbf"
            ));
        }
        Ok(())
    }
}

/// The byte that GDAL made a character of. Some versions take what Latin 1 leaves open from Windows.
fn byte_of(c: char) -> u8 {
    u8::try_from(u32::from(c)).unwrap_or_else(|_| {
        let mut buffer = [0; 4];
        let (bytes, ..) = WINDOWS_1252.encode(c.encode_utf8(&mut buffer));
        bytes.first().copied().unwrap_or(b'?')
    })
}

fn strictly(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
}

/// The text of a cell that fills its column, without the character at its end that does not fit.
fn without_cut_character(encoding: &'static Encoding, bytes: &[u8], width: usize) -> Option<String> {
    let lengths = (bytes.len().saturating_sub(3)..bytes.len()).rev();
    let fills = bytes.len() >= width && width > 0;
    lengths.filter(|_| fills).find_map(|length| strictly(encoding, &bytes[..length]))
}

/// The part of a Shapefile with another ending, in small or capital letters.
fn part(path: &Path, ending: &str) -> Option<PathBuf> {
    [ending.to_owned(), ending.to_uppercase()].iter().map(|e| path.with_extension(e)).find(|p| p.exists())
}

/// Checks the parts of a Shapefile and finds the encoding of its texts.
///
/// # Errors
/// A part that is cut, and parts that do not belong together.
pub(super) fn check(path: &Path, name: &str) -> Result<Texts, IoError> {
    let fail = |reason: String| IoError::read(name, reason);
    let shapes = part(path, "shx").map(|shx| length_told(&shx, name)).transpose()?.flatten();
    length_told(path, name)?;
    let Some(dbf) = part(path, "dbf") else {
        let notes = vec!["it has no .dbf beside it: its features have no properties".to_owned()];
        return Ok(Texts { notes, ..Texts::default() });
    };
    let table = Table::read(&dbf).map_err(|e| fail(format!("its .dbf cannot be read: {e}")))?;
    if table.is_cut() {
        return Err(fail(format!(
            "its .dbf is cut: {} rows take {} bytes, and it has {}; copy the whole file",
            table.rows,
            table.told(),
            table.length
        )));
    }
    // The index has 8 bytes a shape behind its header of 100.
    let shapes = shapes.map(|length| length.saturating_sub(100) / 8);
    if let Some(shapes) = shapes.filter(|shapes| *shapes != table.rows) {
        let rows = table.rows;
        return Err(fail(format!(
            "its .shx has {shapes} shapes and its .dbf {rows} rows: they are not of one Shapefile; copy all its files"
        )));
    }
    let label = part(path, "cpg").and_then(|cpg| std::fs::read_to_string(cpg).ok());
    let mut texts = encoding_of(&table, label.as_deref());
    texts.notes.iter_mut().for_each(|note| note.insert_str(0, ".dbf: "));
    Ok(texts)
}

/// The length that the header of a .shp or .shx tells; `None` where it has no header.
fn length_told(path: &Path, name: &str) -> Result<Option<u64>, IoError> {
    let mut header = [0; 28];
    let file = File::open(path).map_err(|e| IoError::read(name, e))?;
    let length = file.metadata().map_err(|e| IoError::read(name, e))?.len();
    if length < 100 || (&file).read_exact(&mut header).is_err() {
        return Ok(None);
    }
    // In words of 16 bits.
    let told = 2 * u64::from(u32::from_be_bytes([header[24], header[25], header[26], header[27]]));
    if told > length {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let reason =
            format!("its .{ending} is cut: it says {told} bytes, and has {length}; copy the whole file");
        return Err(IoError::read(name, reason));
    }
    Ok(Some(told))
}

/// The encoding that a .cpg names, that the header names, or that the bytes are in, in this order.
fn encoding_of(table: &Table, label: Option<&str>) -> Texts {
    let plain = |notes| Texts { notes, ..Texts::default() };
    if table.texts.is_empty() {
        return plain(Vec::new());
    }
    let label = label.map(str::trim).filter(|label| !label.is_empty());
    let named = match (label, table.driver) {
        (Some(label), _) => text::of_label(label).map_or(Driver::Other, Driver::Known),
        (None, driver) => driver,
    };
    let by = || label.map_or("its header".to_owned(), |label| format!("the .cpg (`{label}`)"));
    match named {
        Driver::Known(encoding) if table.is_in(encoding) => {
            Texts { encoding: Some(encoding), ..Texts::default() }
        }
        // GDAL may know it; what it cannot read it marks.
        Driver::Other => plain(Vec::new()),
        Driver::Known(_) | Driver::Unknown => {
            let encoding = if table.is_in(UTF_8) {
                UTF_8
            } else {
                text::legacy(table.texts.iter().map(|(bytes, _)| bytes.as_slice()))
            };
            let found = text::name_of(encoding);
            let note = match named {
                Driver::Known(wrong) => {
                    format!(
                        "its text is not in {}, as {} says: it is read as {found}",
                        text::name_of(wrong),
                        by()
                    )
                }
                _ => format!(
                    "nothing names the encoding of its text: it is read as {found}, found by its bytes; where names \
                     look wrong, put the name of the encoding into a .cpg file beside it"
                ),
            };
            Texts { encoding: Some(encoding), notes: vec![note], ..Texts::default() }
        }
    }
}

/// A .dbf: what its header tells, and its texts that are not ASCII, each with the width of its column.
#[derive(Debug)]
struct Table {
    rows: u64,
    header: u64,
    row: u64,
    length: u64,
    driver: Driver,
    texts: Vec<(Vec<u8>, usize)>,
}

impl Table {
    fn read(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut file = BufReader::with_capacity(1 << 20, file);
        let mut start = [0; 32];
        file.read_exact(&mut start)?;
        let [_, _, _, _, a, b, c, d, e, f, g, h, ..] = start;
        let rows = u32::from_le_bytes([a, b, c, d]);
        let (header, row) = (u16::from_le_bytes([e, f]), u16::from_le_bytes([g, h]));
        let mut table = Self {
            rows: rows.into(),
            header: header.into(),
            row: row.into(),
            length,
            driver: Driver::of(start[29]),
            texts: Vec::new(),
        };
        if table.is_cut() || header < 33 || row == 0 {
            return Ok(table);
        }
        let mut columns = vec![0; usize::from(header) - 32];
        file.read_exact(&mut columns)?;
        let mut known = std::collections::HashSet::new();
        let (mut at, mut fields) = (1, Vec::new());
        for column in columns.as_chunks::<32>().0.iter().take_while(|column| column[0] != b'\r') {
            let name = column[..11].split(|b| *b == 0).next().unwrap_or_default();
            table.keep(name, 0, &mut known);
            let (kind, width) = (column[11], usize::from(column[16]));
            if kind == b'C' {
                fields.push(at..at + width);
            }
            at += width;
        }
        let mut row = vec![0; usize::from(row)];
        for _ in 0..rows {
            file.read_exact(&mut row)?;
            for field in &fields {
                let cell = row.get(field.clone()).unwrap_or_default();
                let cell = cell.split(|b| *b == 0).next().unwrap_or_default();
                table.keep(cell.trim_ascii_end(), field.len(), &mut known);
            }
        }
        Ok(table)
    }

    fn keep(&mut self, text: &[u8], width: usize, known: &mut std::collections::HashSet<Vec<u8>>) {
        if !text.is_ascii() && !known.contains(text) {
            known.insert(text.to_vec());
            self.texts.push((text.to_vec(), width));
        }
    }

    /// The bytes that its rows take by its header.
    fn told(&self) -> u64 {
        self.header + self.rows * self.row
    }

    fn is_cut(&self) -> bool {
        self.told() > self.length
    }

    /// Whether all texts are in an encoding, but for characters that the widths of columns cut.
    fn is_in(&self, encoding: &'static Encoding) -> bool {
        self.texts.iter().all(|(bytes, width)| {
            strictly(encoding, bytes).is_some() || without_cut_character(encoding, bytes, *width).is_some()
        })
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, GBK};
    use gdal::DriverManager;
    use gdal::vector::{
        Feature, FieldDefn, Geometry, LayerAccess as _, LayerOptions, OGRFieldType, OGRwkbGeometryType,
    };

    use super::*;

    /// Texts, language driver, `.cpg`, the texts read, the note.
    type Case<'a> = (&'a [&'a [u8]], u8, Option<&'a str>, &'a [&'a str], &'a str);
    use crate::io::vectors::{self, VectorData};
    use crate::vector::Value;

    /// A Shapefile of points with a class of six bytes; text is put in by its bytes.
    fn write(folder: &Path, classes: &[&[u8]], driver: u8, label: Option<&str>) -> PathBuf {
        let path = folder.join("a.shp");
        let mut dataset =
            DriverManager::get_driver_by_name("ESRI Shapefile").unwrap().create_vector_only(&path).unwrap();
        let layer = dataset
            .create_layer(LayerOptions {
                name: "a",
                srs: None,
                ty: OGRwkbGeometryType::wkbPoint,
                options: Some(&["ENCODING="]),
            })
            .unwrap();
        let field = FieldDefn::new("class", OGRFieldType::OFTString).unwrap();
        field.set_width(6);
        field.add_to_layer(&layer).unwrap();
        for i in 0..classes.len() {
            let mut feature = Feature::new(layer.defn()).unwrap();
            feature.set_field_string(0, "abcdef").unwrap();
            feature.set_geometry(Geometry::from_wkt(&format!("POINT (113.{i} 27)")).unwrap()).unwrap();
            feature.create(&layer).unwrap();
        }
        dataset.close().unwrap();
        let dbf = path.with_extension("dbf");
        let mut bytes = std::fs::read(&dbf).unwrap();
        bytes[29] = driver;
        let start = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        for (i, class) in classes.iter().enumerate() {
            let cell = &mut bytes[start + i * 7 + 1..start + i * 7 + 7];
            cell.fill(b' ');
            cell[..class.len()].copy_from_slice(class);
        }
        std::fs::write(&dbf, bytes).unwrap();
        let cpg = path.with_extension("cpg");
        match label {
            Some(label) => std::fs::write(cpg, label).unwrap(),
            None => std::fs::remove_file(cpg).unwrap_or_default(),
        }
        path
    }

    fn classes(data: &VectorData) -> Vec<String> {
        data.table.features.iter().map(|f| f.properties["class"].to_string()).collect()
    }

    #[test]
    fn texts_are_decoded_by_label_by_header_and_by_their_bytes() {
        let in_gbk = |text| GBK.encode(text).0.into_owned();
        let (rice, other) = (in_gbk("水稻"), in_gbk("其他"));
        let utf8 = "水稻".as_bytes();
        let (big5, ..) = BIG5.encode("鉛鋅");
        let cases: [Case; 8] = [
            (&[&rice, &other, b"rice"], 0, None, &["水稻", "其他", "rice"], "GBK"),
            (&[&rice, &other], 0x57, None, &["水稻", "其他"], "GBK"),
            (&[&rice, &other], 0x4d, None, &["水稻", "其他"], ""),
            (&[&rice, &other], 0, Some("936"), &["水稻", "其他"], ""),
            (&[&rice, &other], 0, Some("UTF-8"), &["水稻", "其他"], "not in UTF-8"),
            (&[utf8, b"rice"], 0, None, &["水稻", "rice"], "UTF-8"),
            (&[&big5], 0, Some("BIG5"), &["鉛鋅"], ""),
            // Six bytes hold a character and two thirds of the next.
            (&[utf8, b"\xe6\xb0\xb4 \xe7\xa8"], 0, Some("UTF-8"), &["水稻", "水 "], ""),
        ];
        for (bytes, driver, label, expected, note) in cases {
            let folder = tempfile::tempdir().unwrap();
            let path = write(folder.path(), bytes, driver, label);
            let data = vectors::read(&path).unwrap();
            assert_eq!(classes(&data), expected, "{driver} {label:?}");
            let told = data.notes.iter().filter(|n| n.starts_with(".dbf")).cloned().collect::<String>();
            assert_eq!(told.contains(note), !note.is_empty() || told.is_empty(), "{told}");
        }
    }

    #[test]
    fn cut_parts_and_parts_of_another_shapefile_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (ending, words) in
            [("dbf", "its .dbf is cut"), ("shp", "its .shp is cut"), ("shx", "its .shx is cut")]
        {
            let path = write(folder.path(), &[b"a".as_slice(); 40], 0, None);
            let part = path.with_extension(ending);
            let bytes = std::fs::read(&part).unwrap();
            std::fs::write(&part, &bytes[..bytes.len() / 2]).unwrap();
            let error = vectors::read(&path).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("a.shp"), "{error}");
        }
        let path = write(folder.path(), &[b"a".as_slice(); 3], 0, None);
        let other = tempfile::tempdir().unwrap();
        let longer = write(other.path(), &[b"a".as_slice(); 5], 0, None);
        std::fs::copy(longer.with_extension("dbf"), path.with_extension("dbf")).unwrap();
        let error = vectors::read(&path).unwrap_err().to_string();
        assert!(error.contains("3 shapes and its .dbf 5 rows"), "{error}");
        std::fs::remove_file(path.with_extension("dbf")).unwrap();
        let data = vectors::read(&path).unwrap();
        assert!(data.notes.iter().any(|n| n.contains("no .dbf")), "{:?}", data.notes);
        assert_eq!(data.table.features[0].properties.get("class"), None::<&Value>);
    }
}
