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
            Paint::Ramp { stops, range, unit } => (0..stops.len())
                .map(|k| {
                    let share = k as f64 / (stops.len() - 1).max(1) as f64;
                    let number = range.0 + (range.1 - range.0) * share;
                    let [r, g, b, opacity] = along(stops, share);
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
