//! Text of foreign bytes: byte order marks, and the encodings that XML declares.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// JSON, CSV, TOML and the like without a byte order mark; UTF-16 that has one as UTF-8. What has none, and
/// what its mark does not fit, stays as it is.
pub fn unmarked(bytes: &[u8]) -> Cow<'_, [u8]> {
    match Encoding::for_bom(bytes) {
        Some((encoding, mark)) if encoding == UTF_8 => Cow::Borrowed(&bytes[mark..]),
        Some((encoding, mark)) => {
            match encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]) {
                Some(text) => Cow::Owned(text.into_owned().into_bytes()),
                None => Cow::Borrowed(bytes),
            }
        }
        None => Cow::Borrowed(bytes),
    }
}

/// The text of an XML document, without a byte order mark. Its encoding is that of the mark, else the one that
/// `charset` (of a media type) names, else the one that the document declares, else UTF-8 (RFC 7303).
///
/// # Errors
/// An encoding that is not known, or bytes that are none of it.
pub fn xml<'a>(bytes: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, str>, String> {
    let (encoding, mark) = match Encoding::for_bom(bytes) {
        Some(found) => found,
        None => (encoding_of_xml(bytes, charset)?, 0),
    };
    encoding
        .decode_without_bom_handling_and_without_replacement(&bytes[mark..])
        .ok_or_else(|| format!("it is not {}", encoding.name()))
}

fn encoding_of_xml(bytes: &[u8], charset: Option<&str>) -> Result<&'static Encoding, String> {
    // UTF-16 without a mark, by how `<` looks in it.
    let wide = match bytes {
        [b'<', 0, ..] => Some(UTF_16LE),
        [0, b'<', ..] => Some(UTF_16BE),
        _ => None,
    };
    if let Some(wide) = wide {
        return Ok(wide);
    }
    let declared = declared(bytes);
    let Some(name) = charset.or(declared.as_deref()) else { return Ok(UTF_8) };
    match Encoding::for_label(name.trim().as_bytes()) {
        // A declaration that can be read is not in UTF-16: a program took it over from another document.
        Some(found) if found == UTF_16LE || found == UTF_16BE => Ok(UTF_8),
        Some(found) => Ok(found),
        None => Err(format!("its encoding `{name}` is not known; save it as UTF-8")),
    }
}

/// The encoding in `<?xml version="1.0" encoding="…"?>`.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = bytes.strip_prefix(b"<?xml")?;
    let end = head.windows(2).take(1024).position(|two| two == b"?>")?;
    let head = std::str::from_utf8(&head[..end]).ok()?;
    let (_, rest) = head.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split_once(quote).map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str, of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(of).collect()
    }

    #[test]
    fn byte_order_marks_are_taken_off() {
        let plain = br#"{"a": "b"}"#;
        assert_eq!(&*unmarked(plain), plain);
        assert_eq!(&*unmarked(b"\xef\xbb\xbf{\"a\": \"b\"}"), plain);
        for of in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            assert_eq!(&*unmarked(&utf_16("\u{feff}{\"a\": \"b\"}", of)), plain);
        }
        // Half a character.
        assert_eq!(&*unmarked(b"\xff\xfea"), b"\xff\xfea");
        assert_eq!(&*unmarked(b""), b"");
    }

    #[test]
    fn xml_is_read_in_the_encoding_that_it_has() {
        let text = "<?xml version='1.0' encoding='UTF-16'?><a>é稻</a>";
        for of in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            assert_eq!(xml(&utf_16(text, of), None).unwrap(), text);
            assert_eq!(xml(&utf_16(&format!("\u{feff}{text}"), of), Some("utf-8")).unwrap(), text);
        }
        assert_eq!(xml(text.as_bytes(), None).unwrap(), text);
        assert_eq!(xml("\u{feff}<a/>".as_bytes(), None).unwrap(), "<a/>");
        let latin = b"<?xml version=\"1.0\" encoding = \"ISO-8859-1\" ?><a>\xe9</a>";
        assert!(xml(latin, None).unwrap().ends_with("<a>é</a>"));
        assert!(xml(b"<a>\xe9</a>", Some("iso-8859-1")).unwrap().ends_with("<a>é</a>"));
        assert!(xml(b"<?xml version='1.0' encoding='GB2312'?><a>\xb5\xbe</a>", None).unwrap().contains('稻'));
        assert_eq!(xml(b"<a>\xe9</a>", None).unwrap_err(), "it is not UTF-8");
        let unknown = xml(b"<?xml version='1.0' encoding='EBCDIC-5'?><a/>", None).unwrap_err();
        assert!(unknown.contains("`EBCDIC-5`") && unknown.contains("UTF-8"), "{unknown}");
    }
}
