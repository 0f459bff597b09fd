//! Names that people give to the columns of their tables, in one place.

use std::collections::BTreeSet;

use super::{Feature, Value};

/// What tells one mine from another, the best first.
pub const ID: &[&str] = &[
    "id",
    "mine_id",
    "矿山编号",
    "矿山编码",
    "编号",
    "编码",
    "代码",
    "code",
    "采矿许可证号",
    "许可证号",
    "采矿权证号",
    "证号",
    "序号",
    "objectid",
    "fid",
    "ogc_fid",
];

/// What a mine is called.
pub const NAME: &[&str] = &[
    "name",
    "mine_name",
    "矿山名称",
    "矿名",
    "矿区名称",
    "尾矿库名称",
    "采矿权名称",
    "名称",
    "title",
    "site",
    "mine",
    "企业名称",
    "单位名称",
];

/// What a mine digs.
pub const COMMODITY: &[&str] = &[
    "commodity",
    "commodities",
    "mineral",
    "ore",
    "metal",
    "product",
    "开采主矿种",
    "开采矿种",
    "主矿种",
    "主要矿种",
    "矿种",
    "矿产",
    "矿产名称",
];

/// The class of a sample.
pub const CLASS: &[&str] = &[
    "class",
    "label",
    "类别",
    "类型",
    "地类",
    "地类名称",
    "作物",
    "作物类型",
    "作物名称",
    "种植类型",
    "样本类别",
    "标签",
    "crop",
    "type",
    "category",
];

/// Columns of coordinates: the one that grows to the east and the one that grows to the north.
pub const COORDINATES: &[(&str, &str)] = &[
    ("lon", "lat"),
    ("longitude", "latitude"),
    ("lng", "lat"),
    ("long", "lat"),
    ("经度", "纬度"),
    ("东经", "北纬"),
    ("中心经度", "中心纬度"),
    ("中心点经度", "中心点纬度"),
    ("x", "y"),
    ("easting", "northing"),
    ("东坐标", "北坐标"),
];

/// A text as it compares with others: without space around, hyphens and underscores, in lower case,
/// full-width signs as their plain ones.
pub fn folded(text: &str) -> String {
    let plain = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' | '\u{a0}' => ' ',
        _ => c,
    };
    let kept = |c: &char| !c.is_whitespace() && !matches!(c, '-' | '_' | '\u{200b}' | '\u{feff}');
    text.chars().map(plain).filter(kept).flat_map(char::to_lowercase).collect()
}

/// The name of a column as it compares with others: also without a unit in brackets.
fn folded_name(name: &str) -> String {
    let folded = folded(name);
    match folded.split_once('(') {
        Some((before, _)) if !before.is_empty() && folded.ends_with(')') => before.to_owned(),
        _ => folded,
    }
}

/// The place of the first of these columns that a table has.
pub fn position<'a>(columns: impl IntoIterator<Item = &'a str>, wanted: &[&str]) -> Option<usize> {
    let columns: Vec<String> = columns.into_iter().map(folded_name).collect();
    let place = |name: &&str| columns.iter().position(|column| *column == folded(name));
    wanted.iter().find_map(place)
}

/// Why no feature has a property, with those that there are; `None` where one has it.
pub fn missing(features: &[Feature], property: &str) -> Option<String> {
    let known: BTreeSet<&str> =
        features.iter().flat_map(|f| f.properties.keys().map(String::as_str)).collect();
    if known.contains(property) {
        return None;
    }
    let known =
        if known.is_empty() { "none".to_owned() } else { known.into_iter().collect::<Vec<_>>().join(", ") };
    Some(format!("no feature has a property `{property}` (there are: {known})"))
}

/// The value of a feature in the first of these columns in which it has one.
pub fn value<'a>(feature: &'a Feature, wanted: &[&str]) -> Option<&'a Value> {
    let columns: Vec<(String, &Value)> =
        feature.properties.iter().map(|(name, value)| (folded_name(name), value)).collect();
    wanted.iter().find_map(|wanted| {
        let wanted = folded(wanted);
        columns.iter().find(|(name, value)| *name == wanted && is_some(value)).map(|(_, value)| *value)
    })
}

fn is_some(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Text(text) => !text.trim().is_empty(),
        _ => true,
    }
}

/// The places of the columns of coordinates.
pub fn coordinates<'a>(columns: impl IntoIterator<Item = &'a str>) -> Option<(usize, usize)> {
    let columns: Vec<&str> = columns.into_iter().collect();
    let place = |name: &str| position(columns.iter().copied(), &[name]);
    COORDINATES.iter().find_map(|(x, y)| Some((place(x)?, place(y)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_usual_names_in_two_languages() {
        assert_eq!(coordinates(["名称", "经度（°）", " 纬度 (°)"]), Some((1, 2)));
        assert_eq!(coordinates(["ＬＯＮ", "name", "Lat"]), Some((0, 2)));
        assert_eq!(coordinates(["lon", "name"]), None);
        assert_eq!(position(["FID", "Mine-ID", "name"], ID), Some(1));
        assert_eq!(position(["ident", "identity"], ID), None);
        assert_eq!(position(["矿区名称", "名称"], NAME), Some(0));
    }

    #[test]
    fn texts_that_differ_by_case_space_and_width_are_folded_to_one() {
        for text in ["rice", " Rice", "RICE\u{3000}", "ｒｉｃｅ", "ri ce"] {
            assert_eq!(folded(text), "rice", "{text:?}");
        }
        assert_ne!(folded("非水稻"), folded("水稻"));
    }
}
