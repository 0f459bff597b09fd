//! How features and numbers are drawn, in one place: `styles/features.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::legend::Hex;

/// How the features of a layer are drawn: all alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "geometry", rename_all = "lowercase", deny_unknown_fields)]
pub enum Symbol {
    /// Polygons.
    Polygon {
        /// Inside.
        fill: Hex,
        /// Of the inside, 0..1.
        opacity: f32,
        /// The line around it.
        outline: Hex,
        /// Of the line, in millimetres.
        width: f32,
    },
    /// Points.
    Point {
        /// One of the simple markers of QGIS, such as `diamond`.
        shape: String,
        /// Inside.
        fill: Hex,
        /// The line around it.
        outline: Hex,
        /// Of the marker, in millimetres.
        size: f32,
        /// Of the line, in millimetres.
        width: f32,
    },
}

impl Symbol {
    /// The symbol of a layer's style (`zones`, `mines`), where there is one.
    pub fn of(style: &str) -> Option<&'static Self> {
        STYLES.symbols.get(style)
    }
}

/// A stop of the ramp of numbers: they stand at equal distances from the least to the greatest.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RampStop {
    /// Its colour.
    pub color: Hex,
    /// 0..1, for maps that lie over others.
    pub opacity: f32,
}

/// The ramp of rasters of numbers, from the least to the greatest.
pub fn values_ramp() -> &'static [RampStop] {
    &STYLES.values
}

/// The ramp of spectral indices, from the least to the greatest.
pub fn index_ramp() -> &'static [RampStop] {
    &STYLES.index
}

/// The colour at a share (0..1) of the way along the ramp of numbers, opaque.
pub fn values_color(share: f32) -> [u8; 3] {
    let ramp = values_ramp();
    let position = share.clamp(0.0, 1.0) * (ramp.len() - 1) as f32;
    let low = (position as usize).min(ramp.len() - 2);
    let rest = position - low as f32;
    std::array::from_fn(|i| {
        let (a, b) = (f32::from(ramp[low].color.0[i]), f32::from(ramp[low + 1].color.0[i]));
        (a + (b - a) * rest).round() as u8
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Styles {
    symbols: BTreeMap<String, Symbol>,
    values: Vec<RampStop>,
    index: Vec<RampStop>,
}

static STYLES: LazyLock<Styles> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../styles/features.json")).expect("styles/features.json is valid")
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classmap::Legend;

    #[test]
    fn zones_have_the_colour_of_stressed_rice() {
        let Some(Symbol::Polygon { fill, .. }) = Symbol::of("zones") else { panic!("no polygons") };
        assert_eq!(fill.0, Legend::stress().entry(2).unwrap().color);
        assert!(matches!(Symbol::of("mines"), Some(Symbol::Point { .. })));
        assert!(Symbol::of("no such style").is_none());
    }

    #[test]
    fn the_ramp_of_numbers_darkens_all_the_way() {
        let light = |share: f32| values_color(share).iter().map(|&c| u32::from(c)).sum::<u32>();
        let lights: Vec<u32> = (0..=20).map(|i| light(i as f32 / 20.0)).collect();
        assert!(lights.windows(2).all(|w| w[1] < w[0]), "{lights:?}");
        assert_eq!(values_color(2.0), values_ramp().last().unwrap().color.0);
        assert_eq!(values_color(-1.0), values_ramp()[0].color.0);
    }
}
