//! The lengths that a FlatGeobuf file declares, against the file's own length: the reader asks for memory
//! by them before it reads.

use std::io::{Read, Seek, SeekFrom};

use flatgeobuf::Geometry;

/// Bytes before the header: the magic bytes and the header's size.
const PREFIX: u64 = 12;
/// Bytes of a node of the index.
const NODE: u64 = 40;

/// Checks the size of the header and rewinds; tells where the header ends. A file without the magic bytes is
/// left to the reader, which says what it is not.
///
/// # Errors
/// What is wrong, in words.
pub fn check_header(source: &mut (impl Read + Seek)) -> Result<u64, String> {
    let length = source.seek(SeekFrom::End(0)).map_err(|e| e.to_string())?;
    source.rewind().map_err(|e| e.to_string())?;
    let mut prefix = [0; PREFIX as usize];
    if length < PREFIX {
        return Ok(length);
    }
    source.read_exact(&mut prefix).map_err(|e| e.to_string())?;
    source.rewind().map_err(|e| e.to_string())?;
    let [.., a, b, c, d] = prefix;
    let header = u64::from(u32::from_le_bytes([a, b, c, d]));
    let end = PREFIX + header;
    if end > length && prefix.starts_with(b"fgb") {
        return Err(format!("it declares a header of {header} bytes, and the file has {length}"));
    }
    Ok(end)
}

/// Checks the size of the index and of each feature, the header of which ends at `start`, and rewinds.
///
/// # Errors
/// What is wrong, in words.
pub fn check_features(
    source: &mut (impl Read + Seek),
    start: u64,
    features: u64,
    node_size: u16,
) -> Result<(), String> {
    let io = |e: std::io::Error| e.to_string();
    let length = source.seek(SeekFrom::End(0)).map_err(io)?;
    let index = index_bytes(features, node_size)?;
    let mut at = start.saturating_add(index);
    if at > length {
        return Err(format!(
            "it declares {features} features with an index of {index} bytes, and the file has {length}"
        ));
    }
    source.seek(SeekFrom::Start(at)).map_err(io)?;
    let mut number = 0_u64;
    while at < length && (features == 0 || number < features) {
        number += 1;
        let mut size = [0; 4];
        source.read_exact(&mut size).map_err(|_| format!("it ends within feature {number}"))?;
        let size = u32::from_le_bytes(size);
        at += 4 + u64::from(size);
        if at > length {
            return Err(format!(
                "feature {number} declares {size} bytes, and the file ends {} bytes before that",
                at - length
            ));
        }
        source.seek_relative(i64::from(size)).map_err(io)?;
    }
    source.rewind().map_err(io)
}

/// Bytes of the index over so many features.
fn index_bytes(features: u64, node_size: u16) -> Result<u64, String> {
    if features == 0 || node_size == 0 {
        return Ok(0);
    }
    if node_size == 1 {
        return Err("its index has nodes of one entry".to_owned());
    }
    let (mut level, mut nodes) = (features, features);
    while level > 1 {
        level = level.div_ceil(node_size.into());
        nodes = nodes.saturating_add(level);
    }
    // One feature has a root above it all the same.
    let nodes = if features == 1 { 2 } else { nodes };
    Ok(nodes.saturating_mul(NODE))
}

/// Checks that the parts of a geometry end within its coordinates.
///
/// # Errors
/// What is wrong, in words.
pub fn check_geometry(geometry: &Geometry<'_>) -> Result<(), String> {
    let coordinates = geometry.xy().map_or(0, |xy| xy.len() / 2);
    let mut before = 0;
    for end in geometry.ends().iter().flatten() {
        if end < before || end as usize > coordinates {
            return Err(format!("a part ends at vertex {end} of {coordinates}"));
        }
        before = end;
    }
    geometry.parts().iter().flatten().try_for_each(|part| check_geometry(&part))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn an_index_has_the_size_that_the_reader_gives_it() {
        for features in [1, 2, 15, 16, 17, 256, 257, 100_000] {
            for node_size in [2, 16, 65_535] {
                let theirs = flatgeobuf::packed_r_tree::PackedRTree::index_size(features, node_size);
                assert_eq!(
                    index_bytes(features as u64, node_size),
                    Ok(theirs as u64),
                    "{features} {node_size}"
                );
            }
        }
        assert_eq!(index_bytes(0, 16), Ok(0));
        assert_eq!(index_bytes(5, 0), Ok(0));
        assert!(index_bytes(5, 1).is_err());
        assert_eq!(index_bytes(u64::MAX, 2), Ok(u64::MAX));
    }

    #[test]
    fn lengths_beyond_the_file_are_refused() {
        let file = |header: u32, rest: &[u8]| {
            let mut bytes = b"fgb\x03fgb\0".to_vec();
            bytes.extend(header.to_le_bytes());
            bytes.extend(rest);
            Cursor::new(bytes)
        };
        assert_eq!(check_header(&mut file(4, b"head")), Ok(16));
        assert!(check_header(&mut file(5, b"head")).unwrap_err().contains("declares a header of 5 bytes"));
        assert_eq!(check_header(&mut Cursor::new(b"fgb")), Ok(3), "too short to be one");
        let mut two = file(4, b"head\x02\0\0\0ab\x01\0\0\0c");
        assert_eq!(check_features(&mut two, 16, 0, 0), Ok(()));
        assert_eq!(check_features(&mut two, 16, 2, 0), Ok(()));
        let mut giant = file(4, b"head\x02\0\0\0ab\xff\xff\xff\xff");
        let error = check_features(&mut giant, 16, 0, 0).unwrap_err();
        assert!(error.contains("feature 2 declares 4294967295 bytes"), "{error}");
        let error = check_features(&mut two, 16, 1 << 60, 16).unwrap_err();
        assert!(error.contains("with an index of"), "{error}");
        assert!(check_features(&mut file(4, b"head\x02\0"), 16, 0, 0).unwrap_err().contains("ends within"));
    }
}
