//! What a file that is given as a model is: by its first bytes, so that a model saved in another
//! way is told by its name and with the way out.

use std::borrow::Cow;
use std::io::Read;

use super::ClassifyError;

/// Most bytes that a compressed model may unpack to.
const MOST_UNPACKED: u64 = 1 << 30;
/// Most bytes for each compressed one: deflate reaches 1032 only for what repeats itself.
const MOST_RATIO: u64 = 200;
/// Fewest bytes that the ratio is looked at for.
const SMALL: u64 = 16 << 20;

const UTF8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// The way out of every model that is not read here.
const WAY_OUT: &str = "Give a model of `train-rice` or `train-stress` (model.json), or a LightGBM model text \
    (`Booster.save_model`)";

/// The text of a model: unpacked where it is gzip, without a byte order mark, and as UTF-8 where it is
/// UTF-16.
///
/// # Errors
/// [`ClassifyError::Model`]: a file of another kind, told by its name; gzip that is damaged or unpacks
/// to too much.
pub fn plain_model(bytes: &[u8]) -> Result<Cow<'_, [u8]>, ClassifyError> {
    let fail = |why: String| Err(ClassifyError::Model(why));
    if bytes.starts_with(&[0x1F, 0x8B]) {
        let unpacked = unpack(bytes).map_err(ClassifyError::Model)?;
        if unpacked.starts_with(&[0x1F, 0x8B]) {
            return fail("is gzip within gzip: unpack it first".to_owned());
        }
        return Ok(Cow::Owned(plain_model(&unpacked)?.into_owned()));
    }
    if let Some(what) = binary(bytes) {
        return fail(format!("is {what}, which is not read here. {WAY_OUT}"));
    }
    if let Some(rest) = bytes.strip_prefix(UTF8_MARK) {
        return Ok(Cow::Borrowed(rest));
    }
    let little = match bytes {
        [0xFF, 0xFE, ..] => true,
        [0xFE, 0xFF, ..] => false,
        _ => return Ok(Cow::Borrowed(bytes)),
    };
    let unit = |pair: &[u8; 2]| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
    let (pairs, odd) = bytes[2..].as_chunks::<2>();
    match String::from_utf16(&pairs.iter().map(unit).collect::<Vec<u16>>()) {
        Ok(text) if odd.is_empty() => Ok(Cow::Owned(text.into_bytes())),
        _ => fail("is damaged UTF-16 text: save it as UTF-8".to_owned()),
    }
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let most = MOST_UNPACKED.min((bytes.len() as u64).saturating_mul(MOST_RATIO).max(SMALL));
    let mut unpacked = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(bytes).take(most + 1).read_to_end(&mut unpacked);
    read.map_err(|e| format!("is damaged gzip ({e}): pack it again, or give it unpacked"))?;
    if unpacked.len() as u64 > most {
        return Err(format!("is gzip that unpacks to more than {} MiB: give it unpacked", most >> 20));
    }
    Ok(unpacked)
}

/// What a file of bytes is, where it is known not to be a model that is read.
fn binary(bytes: &[u8]) -> Option<&'static str> {
    let has = |text: &[u8]| bytes[..bytes.len().min(4096)].windows(text.len()).any(|w| w == text);
    Some(match bytes {
        [] => "an empty file",
        [b'P', b'K', 3, 4, ..] if has(b".npy") => "a zip of NumPy arrays (npz)",
        [b'P', b'K', 3, 4, ..] if has(b"data.pkl") => "a PyTorch model (`torch.save`)",
        [b'P', b'K', 3, 4, ..] if has(b"schema.json") => "a zip that skops wrote",
        [b'P', b'K', 3, 4, ..] => "a zip archive (as PyTorch, Keras and skops save models)",
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "a NumPy array",
        [0x80, 2..=5, ..] if has(b"joblib") => "a pickle that joblib wrote",
        [0x80, 2..=5, ..] if has(b"lightgbm") => "a pickle of a LightGBM model",
        [0x80, 2..=5, ..] if has(b"xgboost") => "a pickle of an XGBoost model",
        [0x80, 2..=5, ..] if has(b"sklearn") => "a pickle of a scikit-learn model",
        [0x80, 2..=5, ..] => "a Python pickle",
        [0x78, 0x01 | 0x5E | 0x9C | 0xDA, ..] => "compressed by zlib (as joblib compresses pickles)",
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => "compressed by bzip2",
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => "compressed by xz",
        [0x28, 0xB5, 0x2F, 0xFD, ..] => "compressed by Zstandard",
        [0x89, b'H', b'D', b'F', ..] => "an HDF5 file (as Keras saves models)",
        // A message whose first field is ir_version, a small number, and which names what wrote it.
        [0x08, 1..=20, 0x12 | 0x1A | 0x22 | 0x2A | 0x3A | 0x42, ..] => "an ONNX model",
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => "a TensorFlow Lite model",
        // UBJSON: an object whose first key has a length of a byte or a long one.
        [b'{', b'L' | b'i' | b'U' | b'l' | b'I', 0..=31, ..] => "an XGBoost model in UBJSON",
        [b'b', b'i', b'n', b'f', ..] => "an XGBoost model in its old binary form",
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => "a TIFF raster",
        [b'C', b'B', b'M', b'1', ..] => "a CatBoost model",
        _ => return None,
    })
}

/// Why a text is not a model of this program.
pub(super) fn not_a_model(bytes: &[u8], error: &serde_json::Error) -> String {
    let text = String::from_utf8_lossy(bytes);
    let start = text.trim_start();
    if start.starts_with(['{', '[']) {
        let what = match serde_json::from_slice::<serde_json::Value>(bytes) {
            Err(e) => {
                return format!("is damaged JSON ({e}): it was cut or changed on its way; copy it again");
            }
            Ok(json) => of_json(&json),
        };
        return what.map_or_else(
            || format!("is not a rededge model (JSON with `format` and `version`): {error}. {WAY_OUT}"),
            |(what, way_out)| format!("is {what}, which is not read here. {way_out}"),
        );
    }
    if start.starts_with('<') {
        return format!("is XML or HTML, as PMML or a page of a server. {WAY_OUT}");
    }
    if start.starts_with("booster[") || start.starts_with("0:[") {
        return format!("is a text dump of XGBoost trees, which is not read here. {WAY_OUT}");
    }
    if std::str::from_utf8(bytes).is_err() {
        return format!("is neither JSON nor a text. {WAY_OUT}");
    }
    format!("is not a rededge model (JSON with `format` and `version`). {WAY_OUT}")
}

/// What a JSON is that other programs write of models, and the way out.
fn of_json(json: &serde_json::Value) -> Option<(&'static str, &'static str)> {
    let first = json.as_array().and_then(|trees| trees.first()).unwrap_or(json);
    let has = |key: &str| first.get(key).is_some();
    Some(match () {
        () if has("tree_info") => (
            "a dump of a LightGBM model (`Booster.dump_model`)",
            "Save the model by `Booster.save_model` (from scikit-learn: `model.booster_.save_model`) and give that text",
        ),
        () if has("learner") => ("an XGBoost model (`Booster.save_model`)", WAY_OUT),
        () if has("nodeid") && (has("children") || has("leaf")) => {
            ("a dump of XGBoost trees (`Booster.dump_model`)", WAY_OUT)
        }
        () if has("oblivious_trees") => ("a CatBoost model", WAY_OUT),
        () if first.get("type").and_then(|t| t.as_str()).is_some_and(|t| t.starts_with("Feature")) => {
            ("GeoJSON, as samples are", "Give it as `samples`, and a model as `model`")
        }
        () if has("matrix") && has("overall") => ("an accuracy document", WAY_OUT),
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::{Model, foreign};
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn why(bytes: &[u8]) -> String {
        let plain = plain_model(bytes);
        plain.and_then(|plain| Model::from_bytes(&plain)).unwrap_err().to_string()
    }

    #[test]
    fn models_of_other_programs_are_told_by_name_with_the_way_out() {
        for (bytes, wanted) in [
            (&b"\x80\x04\x95\x1e\x00\x00\x00sklearn.ensemble"[..], "a pickle of a scikit-learn model"),
            (b"\x80\x03cjoblib.numpy_pickle\n", "a pickle that joblib wrote"),
            (b"\x80\x05\x95", "a Python pickle"),
            (b"\x78\x9c\x00\x01", "compressed by zlib"),
            (b"PK\x03\x04\x14\x00model/data.pkl", "a PyTorch model"),
            (b"PK\x03\x04\x14\x00arr_0.npy", "npz"),
            (b"PK\x03\x04\x14\x00schema.json", "skops"),
            (b"\x89HDF\r\n\x1a\n", "HDF5"),
            (b"\x08\x08\x12\x07pytorch", "ONNX"),
            (b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{", "XGBoost model in UBJSON"),
            (b"binf\x00\x00", "XGBoost"),
            (br#"{"name": "tree", "version": "v4", "tree_info": []}"#, "save_model"),
            (br#"{"learner": {"attributes": {}}, "version": [2, 1, 0]}"#, "an XGBoost model"),
            (br#"[{"nodeid": 0, "depth": 0, "children": []}]"#, "XGBoost trees"),
            (b"booster[0]:\n0:[f0<0.5] yes=1,no=2", "XGBoost trees"),
            (br#"{"type": "FeatureCollection", "features": []}"#, "as `samples`"),
            (br#"{"a": 1}"#, "not a rededge model"),
            (br#"{"format": "rededge-model", "vers"#, "damaged JSON"),
            (b"<?xml version=\"1.0\"?><PMML/>", "PMML"),
            (b"", "an empty file"),
            (b"hello", "not a rededge model"),
            (b"\xff\xfe{", "damaged UTF-16"),
        ] {
            let found = why(bytes);
            assert!(found.contains(wanted), "{wanted}: {found}");
        }
        for bytes in [&b"\x80\x04\x95"[..], b"\x89HDF", br#"{"learner": 1}"#, b"hello"] {
            assert!(why(bytes).contains("train-rice"), "{}", why(bytes));
        }
    }

    #[test]
    fn a_packed_or_marked_text_is_the_text() {
        let text = "tree\nversion=v4\n";
        let utf16 = |little: bool| -> Vec<u8> {
            let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
            units.flat_map(|u: u16| if little { u.to_le_bytes() } else { u.to_be_bytes() }).collect()
        };
        let marked = [UTF8_MARK, text.as_bytes()].concat();
        for bytes in [
            text.as_bytes().to_vec(),
            gzip(text.as_bytes()),
            gzip(&marked),
            marked,
            utf16(true),
            utf16(false),
        ] {
            let plain = plain_model(&bytes).unwrap();
            assert_eq!(std::str::from_utf8(&plain).unwrap(), text);
            assert!(foreign::is_lightgbm(&plain));
        }
    }

    #[test]
    fn gzip_that_unpacks_to_too_much_or_is_damaged_is_refused() {
        let bomb = gzip(&vec![b' '; 40 << 20]);
        assert!(bomb.len() < 100_000);
        assert!(why(&bomb).contains("unpacks to more than 16 MiB"), "{}", why(&bomb));
        let whole = gzip(&b"tree\n".repeat(1000));
        assert!(why(&whole[..whole.len() / 2]).contains("damaged gzip"));
        assert!(why(&gzip(&gzip(b"tree\n"))).contains("gzip within gzip"));
        assert!(why(&gzip(b"\x80\x04\x95")).contains("a Python pickle"));
    }
}
