//! Text whose encoding nobody tells: found by its bytes, decoded without a lost character, and told.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, GBK, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes that are looked at to tell the two kinds of UTF-16 apart.
const LOOKED_AT: usize = 1 << 16;
/// Share of common characters from which text beyond ASCII is taken for GBK without further evidence.
const MOSTLY: f64 = 0.7;

/// A text, and what the user should know of its encoding.
#[derive(Debug)]
pub(crate) struct Decoded<'a> {
    pub text: Cow<'a, str>,
    pub note: Option<String>,
}

/// The text of a file: UTF-8, UTF-16 with or without a byte order mark, or an older encoding that is
/// found by its bytes.
///
/// # Errors
/// The line that is text in no encoding, and the way out.
pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded<'_>, String> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return whole(&bytes[mark..], encoding).map(|text| Decoded { text, note: None });
    }
    if let Some(encoding) = utf16(bytes) {
        let note = Some(found(encoding));
        return whole(bytes, encoding).map(|text| Decoded { text, note });
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Decoded { text: Cow::Borrowed(text), note: None });
    }
    let encoding = legacy([bytes]);
    whole(bytes, encoding).map(|text| Decoded { text, note: Some(found(encoding)) })
}

fn found(encoding: &'static Encoding) -> String {
    let name = name_of(encoding);
    format!("its text is read as {name}, found by its bytes; where names look wrong, save it as UTF-8")
}

/// What an encoding is called; GBK is a part of GB 18030, and both are decoded alike.
pub(super) fn name_of(encoding: &'static Encoding) -> &'static str {
    if encoding == GBK { "GB 18030 (GBK)" } else { encoding.name() }
}

fn whole<'a>(bytes: &'a [u8], encoding: &'static Encoding) -> Result<Cow<'a, str>, String> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or_else(|| {
        let valid = std::str::from_utf8(bytes).err().map_or(0, |e| e.valid_up_to());
        let line = bytes[..valid].split(|b| *b == b'\n').count();
        let tried = if encoding == UTF_8 { String::new() } else { format!(" nor {}", name_of(encoding)) };
        format!("line {line} is not UTF-8 text{tried}; save the table as UTF-8")
    })
}

/// UTF-16 without a byte order mark: every second byte of its separators is zero.
fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    match (zeros(0), zeros(1)) {
        _ if !bytes.len().is_multiple_of(2) => None,
        (0, 1..) => Some(UTF_16LE),
        (1.., 0) => Some(UTF_16BE),
        _ => None,
    }
}

/// The encoding of texts that are not UTF-8, by their bytes. Pairs of bytes that are all common Chinese
/// characters are GBK: a few short names are too little for statistics.
pub(super) fn legacy<'a>(texts: impl IntoIterator<Item = &'a [u8]> + Clone) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    for text in texts.clone() {
        detector.feed(text, false);
        detector.feed(b"\n", false);
    }
    detector.feed(b"", true);
    let (common, pairs) =
        texts.clone().into_iter().map(chinese_pairs).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    if common == pairs {
        return GBK;
    }
    // Text of this trade is likely to be Chinese; letters of Europe between ASCII form no common characters.
    let likely = detector.guess(Some(b"cn"), Utf8Detection::Deny);
    let likely = if likely == GBK && (common as f64) < MOSTLY * pairs as f64 {
        detector.guess(None, Utf8Detection::Deny)
    } else {
        likely
    };
    let fits = |text| {
        let decoded = likely.decode_without_bom_handling_and_without_replacement(text);
        decoded.is_some_and(|text| !text.chars().any(|c| ('\u{e000}'..='\u{f8ff}').contains(&c)))
    };
    if texts.into_iter().all(fits) { likely } else { detector.guess(None, Utf8Detection::Deny) }
}

/// How many characters beyond ASCII are signs and the 3755 most common characters of GB 2312, and how many
/// there are.
fn chinese_pairs(text: &[u8]) -> (usize, usize) {
    let (mut rest, mut common, mut all) = (text, 0, 0);
    loop {
        rest = match rest {
            [] => return (common, all),
            [byte, tail @ ..] if byte.is_ascii() => tail,
            [0xa1..=0xa3 | 0xb0..=0xd7, 0xa1..=0xfe, tail @ ..] => {
                (common, all) = (common + 1, all + 1);
                tail
            }
            [_, 0x40..=0xfe, tail @ ..] | [_, tail @ ..] => {
                all += 1;
                tail
            }
        }
    }
}

/// The encoding that a `.cpg` file names, as ArcGIS, GDAL and QGIS write them.
pub(super) fn of_label(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().to_ascii_lowercase();
    if let Some(known) = Encoding::for_label(label.as_bytes()) {
        return Some(known);
    }
    let digits = label.trim_start_matches(|c: char| !c.is_ascii_digit());
    of_code_page(digits.parse().ok()?)
}

/// The encoding of a code page of Windows.
fn of_code_page(page: u32) -> Option<&'static Encoding> {
    let label = match page {
        936 | 54936 => "gbk".to_owned(),
        950 => "big5".to_owned(),
        932 => "shift_jis".to_owned(),
        949 => "euc-kr".to_owned(),
        65001 => "utf-8".to_owned(),
        866 => "ibm866".to_owned(),
        874 | 1250..=1258 => format!("windows-{page}"),
        28591..=28606 => format!("iso-8859-{}", page - 28590),
        8859 => "iso-8859-1".to_owned(),
        88591..=88599 => format!("iso-8859-{}", page - 88590),
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

/// What the language driver of a `.dbf` says of its text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Driver {
    /// Nothing, or "ANSI": whatever the writer's system had.
    Unknown,
    /// An encoding.
    Known(&'static Encoding),
    /// A code page that is not decoded here.
    Other,
}

impl Driver {
    /// Of the byte in the header.
    pub(super) fn of(id: u8) -> Self {
        let page = match id {
            0 | 0x57 => return Self::Unknown,
            0x03 | 0x58 | 0x59 => 1252,
            0x13 | 0x7b => 932,
            0x26 | 0x65 => 866,
            0x4d | 0x7a => 936,
            0x4e | 0x79 => 949,
            0x4f | 0x78 => 950,
            0x50 | 0x7c => 874,
            0x7d => 1255,
            0x7e => 1256,
            0xc8 => 1250,
            0xc9 => 1251,
            0xca => 1254,
            0xcb => 1253,
            0xcc => 1257,
            _ => return Self::Other,
        };
        of_code_page(page).map_or(Self::Other, Self::Known)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, WINDOWS_1251, WINDOWS_1252};

    use super::*;

    #[test]
    fn tables_of_many_encodings_are_decoded_and_told() {
        let chinese = "名称,经度,纬度\n大宝山矿,113.7,24.5\n铅锌矿,113.1,27.9\n";
        let traditional = "名稱,經度,緯度\n鉛鋅礦山,113.1,27.9\n銅礦與鐵礦,113.2,27.8\n";
        let german = "name,lon,lat\nGrünfläche,13.1,52.5\nWiese bei Köln,6.9,50.9\nÖdland,7,51\n";
        let russian = "название,lon,lat\nрудник Северный,88.2,69.3\nШахта Октябрьская,88.1,69.4\n";
        for (text, encoding) in
            [(chinese, GBK), (traditional, BIG5), (german, WINDOWS_1252), (russian, WINDOWS_1251)]
        {
            let (bytes, used, lossy) = encoding.encode(text);
            assert!(used == encoding && !lossy);
            let decoded = decode(&bytes).unwrap();
            assert_eq!(decoded.text, text, "{}", encoding.name());
            assert!(decoded.note.unwrap().contains(name_of(encoding)));
        }
        assert!(decode(chinese.as_bytes()).unwrap().note.is_none());
    }

    #[test]
    fn utf16_is_read_with_and_without_its_mark() {
        let text = "名称,lon,lat\n矿,113.1,27.9\n";
        for (mark, note) in [("\u{feff}", false), ("", true)] {
            let marked = format!("{mark}{text}");
            let little: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
            for bytes in [little, big] {
                let decoded = decode(&bytes).unwrap();
                assert_eq!((decoded.text.as_ref(), decoded.note.is_some()), (text, note));
            }
        }
        let marked = format!("\u{feff}{text}");
        assert_eq!(decode(marked.as_bytes()).unwrap().text, text);
    }

    #[test]
    fn short_chinese_names_are_gbk() {
        for name in ["水稻", "其他", "非水稻", "矿"] {
            let (bytes, ..) = GBK.encode(name);
            assert_eq!(legacy([bytes.as_ref()]), GBK, "{name}");
        }
    }

    #[test]
    fn what_is_text_in_no_encoding_is_refused_with_its_line() {
        let mut bytes = b"name,lon,lat\nok,1,2\n".to_vec();
        bytes.extend_from_slice(b"\xff\xff\xff\x00\x01\x02,3,4\n");
        if let Err(error) = decode(&bytes) {
            assert!(error.contains("line 3") && error.contains("save the table as UTF-8"), "{error}");
        } else {
            assert!(!decode(&bytes).unwrap().text.contains('\u{fffd}'));
        }
    }

    #[test]
    fn labels_and_language_drivers_name_encodings() {
        for (label, encoding) in [
            ("UTF-8", UTF_8),
            ("GBK", GBK),
            ("gb2312\r\n", GBK),
            ("936", GBK),
            ("CP936", GBK),
            ("ANSI 936", GBK),
            ("Big5", BIG5),
            ("950", BIG5),
            ("ISO-8859-1", WINDOWS_1252),
            ("88591", WINDOWS_1252),
            ("OEM 1251", WINDOWS_1251),
            ("65001", UTF_8),
        ] {
            assert_eq!(of_label(label), Some(encoding), "{label}");
        }
        assert_eq!(of_label("whatever"), None);
        assert_eq!(Driver::of(0x4d), Driver::Known(GBK));
        assert_eq!(
            (Driver::of(0), Driver::of(0x57), Driver::of(1)),
            (Driver::Unknown, Driver::Unknown, Driver::Other)
        );
    }
}
