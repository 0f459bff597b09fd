//! Legends as documents: what each colour means, in English and Chinese.

use serde::Serialize;
use serde_json::{Value, json};

use super::qml::short;
use super::{Paint, Style, along};
use crate::classmap::{Hex, Symbol, names};

/// One line of a legend.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LegendEntry {
    /// What is coloured so.
    pub value: EntryValue,
    /// In English.
    pub label: String,
    /// In Chinese, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_zh: Option<String>,
    /// `#rrggbb`.
    pub color: String,
    /// 0 to 1.
    pub opacity: f64,
}

/// A code, a number, or nothing (features that are all alike).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EntryValue {
    /// A code of a class.
    Code(u8),
    /// A number on a ramp.
    Number(f64),
    /// All features.
    All,
}

impl Style {
    /// The lines of its legend.
    pub fn entries(&self) -> Vec<LegendEntry> {
        match &self.paint {
            Paint::Classes(legend) => legend
                .classes
                .iter()
                .map(|class| LegendEntry {
                    value: EntryValue::Code(class.code),
                    label: class.name.clone(),
                    label_zh: names(&class.name).map(|n| n.zh.clone()),
                    color: Hex(class.color).to_string(),
                    opacity: 1.0,
                })
                .collect(),
            Paint::Ramp { stops, range, unit } => ticks(*range)
                .into_iter()
                .map(|number| {
                    let [r, g, b, opacity] = along(stops, share(*range, number));
                    LegendEntry {
                        value: EntryValue::Number(number),
                        label: format!("{} {unit}", short(number)).trim_end().to_owned(),
                        label_zh: None,
                        color: Hex([r, g, b]).to_string(),
                        opacity: (f64::from(opacity) / 2.55).round() / 100.0,
                    }
                })
                .collect(),
            Paint::Symbol(symbol) => {
                let (fill, opacity) = match symbol {
                    Symbol::Polygon { fill, opacity, .. } => {
                        (fill, (f64::from(*opacity) * 100.0).round() / 100.0)
                    }
                    Symbol::Point { fill, .. } => (fill, 1.0),
                };
                vec![LegendEntry {
                    value: EntryValue::All,
                    label: self.title.clone(),
                    label_zh: self.title_zh.clone(),
                    color: fill.to_string(),
                    opacity,
                }]
            }
        }
    }
}

/// How far along a ramp a number lies.
pub fn share((least, greatest): (f64, f64), number: f64) -> f64 {
    (number - least) / (greatest - least).max(f64::MIN_POSITIVE)
}

/// Round numbers from a least to a greatest, three to five of them as a rule.
pub fn ticks((least, greatest): (f64, f64)) -> Vec<f64> {
    let raw = (greatest - least) / 4.0;
    if !(raw.is_finite() && raw > 0.0) {
        return vec![least];
    }
    let exponent = raw.log10().floor() as i32;
    let rest = raw / 10f64.powi(exponent);
    // In quarters, so that whole numbers are multiplied and the last digit is right.
    let quarters =
        [4.0, 8.0, 10.0, 20.0].into_iter().find(|q| q / 4.0 >= rest * (1.0 - 1e-9)).unwrap_or(40.0);
    let number = |k: i64| {
        let whole = k as f64 * quarters;
        if exponent < 0 { whole / (4.0 * 10f64.powi(-exponent)) } else { whole / 4.0 * 10f64.powi(exponent) }
    };
    let step = number(1);
    let (first, last) = ((least / step - 1e-9).ceil() as i64, (greatest / step + 1e-9).floor() as i64);
    (first..=last).map(number).collect()
}

pub(super) fn document(style: &Style) -> Value {
    let kind = match &style.paint {
        Paint::Classes(_) => "classes",
        Paint::Ramp { .. } => "ramp",
        Paint::Symbol(Symbol::Polygon { .. }) => "polygon",
        Paint::Symbol(Symbol::Point { .. }) => "point",
    };
    let mut document = json!({
        "id": style.id, "title": style.title, "kind": kind, "entries": style.entries(),
    });
    if let Some(title) = &style.title_zh {
        document["title_zh"] = title.as_str().into();
    }
    if let Some(note) = &style.note {
        document["note"] = note.as_str().into();
    }
    if let Paint::Ramp { unit, .. } = &style.paint
        && !unit.is_empty()
    {
        document["unit"] = unit.as_str().into();
    }
    document
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn ticks_are_round_and_within_their_ends() {
        assert_eq!(ticks((0.0, 100.0)), [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(ticks((0.0, 0.0731)), [0.0, 0.02, 0.04, 0.06]);
        assert_eq!(ticks((-3.0, 121.875)), [0.0, 50.0, 100.0]);
        assert_eq!(ticks((1e-5, 0.3)), [0.1, 0.2, 0.3]);
        assert_eq!(ticks((0.0, 1.0)), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(ticks((2.0, 2.0)), [2.0]);
        for k in 1..2000 {
            let (least, greatest) = (f64::from(k % 37) * -0.013, f64::from(k * k) * 0.0071);
            let found = ticks((least, greatest));
            assert!((2..=6).contains(&found.len()), "{least} {greatest}: {found:?}");
            assert!(found.iter().all(|t| *t >= least - 1e-9 && *t <= greatest * (1.0 + 1e-9)));
        }
    }
}
