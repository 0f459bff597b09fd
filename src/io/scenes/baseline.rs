//! Sentinel-2's processing baseline, from the forms in which catalogues and names state it, and
//! what catalogues say about the offset that comes with it.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// The offset of reflectance since baseline 04.00.
pub const OFFSET: f64 = -0.1;

/// A processing baseline such as 05.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessingBaseline {
    major: u8,
    minor: u8,
}

/// Ids and product names hold level and baseline: `S2A_MSIL2A_20190101T030541_N0211_R075_...`.
static IN_NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)S2[A-Z]_MSI(L1C|L2A)_\d{8}T\d{6}_N(\d\d)(\d\d)_").expect("a constant pattern")
});

/// `05.11`, `N0511`, `N05.11`, `0511`, `5.11`, `4.0`, `4`.
static WRITTEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)^N?(\d\d?)(?:\.(\d\d?)|(\d\d))?$").expect("a constant pattern"));

impl ProcessingBaseline {
    /// A baseline by its two numbers. Those from 10 on are none: 99.99 marks products that a user
    /// processed, whose offset depends on what they were made from.
    fn new(major: u8, minor: u8) -> Option<Self> {
        (major < 10).then_some(Self { major, minor })
    }

    /// The value of a member that holds a baseline: text or a number, padded or not.
    pub fn of_member(value: &Value) -> Option<Self> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let found = WRITTEN.captures(&text)?;
        let major = found[1].parse().ok()?;
        let minor = match (found.get(2), found.get(3)) {
            // The number 5.1 is 05.10: numbers lose the zero at the end.
            (Some(minor), _) if minor.as_str().len() == 1 => 10 * minor.as_str().parse::<u8>().ok()?,
            (Some(minor), _) | (None, Some(minor)) => minor.as_str().parse().ok()?,
            (None, None) => 0,
        };
        Self::new(major, minor)
    }

    /// The value of `processing:version`, which holds the version of any software: only what is
    /// written as a baseline is one. A number cannot be padded, so it is one where the scene is
    /// known to be Sentinel-2's.
    pub fn of_version(value: &Value, sentinel2: bool) -> Option<Self> {
        let written = match value {
            Value::String(text) => {
                let text = text.trim().as_bytes();
                let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
                // Two and two digits, or one and two.
                let point = text.iter().position(|&b| b == b'.').unwrap_or(0);
                (point == 2 || (point == 1 && sentinel2))
                    && text.len() == point + 3
                    && (0..text.len()).all(|at| at == point || digit(at))
            }
            Value::Number(_) => sentinel2,
            _ => false,
        };
        Self::of_member(value).filter(|_| written)
    }

    /// The baseline in the name of a product of the given level.
    pub fn of_name(name: &str, level1: bool) -> Option<Self> {
        let found = IN_NAME.captures(name)?;
        let same_level = found[1].eq_ignore_ascii_case(if level1 { "L1C" } else { "L2A" });
        Self::new(found[2].parse().ok()?, found[3].parse().ok()?).filter(|_| same_level)
    }

    /// The offset of reflectance that comes with it.
    pub fn offset(self) -> f64 {
        if self.major >= 4 { OFFSET } else { 0.0 }
    }
}

impl std::fmt::Display for ProcessingBaseline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}.{:02}", self.major, self.minor)
    }
}

/// A member that says yes or no: as a truth value, a number or text. `None` for anything else.
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_f64()? {
            0.0 => Some(false),
            1.0 => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "t" | "1" | "applied" => Some(true),
            "false" | "no" | "n" | "f" | "0" | "none" | "not applied" | "not_applied" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_baseline_is_read_in_every_form_it_is_written_in() {
        for (value, expected) in [
            (json!("05.11"), Some("05.11")),
            (json!("N0511"), Some("05.11")),
            (json!("n05.10"), Some("05.10")),
            (json!("0400"), Some("04.00")),
            (json!("3.01"), Some("03.01")),
            (json!("2.14"), Some("02.14")),
            (json!(4.0), Some("04.00")),
            (json!(4), Some("04.00")),
            (json!(5.11), Some("05.11")),
            (json!(5.1), Some("05.10")),
            (json!("99.99"), None),
            (json!("2.11.0"), None),
            (json!("10.00"), None),
            (json!("unknown"), None),
            (json!(""), None),
            (json!(null), None),
        ] {
            let found = ProcessingBaseline::of_member(&value).map(|b| b.to_string());
            assert_eq!(found.as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn a_version_of_other_software_is_not_a_baseline() {
        let read = |value| ProcessingBaseline::of_version(&value, true).map(|b| b.to_string());
        for value in [json!("1.0"), json!("2.11.0"), json!("4.2"), json!("v5.0"), json!("12.34"), json!("5")]
        {
            assert_eq!(read(value.clone()), None, "{value}");
        }
        assert_eq!(read(json!("05.00")).as_deref(), Some("05.00"));
        assert_eq!(read(json!("5.11")).as_deref(), Some("05.11"));
        assert_eq!(read(json!(4.0)).as_deref(), Some("04.00"));
        assert_eq!(ProcessingBaseline::of_version(&json!(4.0), false), None, "of an unknown sensor");
    }

    #[test]
    fn a_name_tells_the_baseline_of_its_own_level() {
        let name = "S2A_MSIL2A_20250731T131909_N0511_R095_T20EPT_20250731T143919.SAFE";
        assert_eq!(ProcessingBaseline::of_name(name, false).unwrap().offset(), OFFSET);
        assert_eq!(ProcessingBaseline::of_name(name, true), None);
        let without = "S2B_MSIL2A_20240825T173909_R098_T13TDE_20240825T215747";
        assert_eq!(ProcessingBaseline::of_name(without, false), None);
        let old = "S2A_MSIL2A_20190101T030541_N0211_R075_T49RGL_20190101T061056";
        assert_eq!(ProcessingBaseline::of_name(old, false).unwrap().offset(), 0.0);
        let own = "S2A_MSIL2A_20190101T030541_N9999_R075_T49RGL_20190101T061056";
        assert_eq!(ProcessingBaseline::of_name(own, false), None);
    }

    #[test]
    fn flags_are_read_as_truth_values_numbers_and_text() {
        for value in [json!(true), json!("true"), json!("Applied"), json!("yes"), json!(1)] {
            assert_eq!(flag(&value), Some(true), "{value}");
        }
        for value in [json!(false), json!("False"), json!("no"), json!(0)] {
            assert_eq!(flag(&value), Some(false), "{value}");
        }
        for value in [json!("maybe"), json!(2), json!([true])] {
            assert_eq!(flag(&value), None, "{value}");
        }
    }
}
