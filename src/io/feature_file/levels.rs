//! From which zoom level on a feature is shown, so that no tile holds too many.
//!
//! A feature of [`VISIBLE`] pixels or more is always shown. Of smaller ones a tile shows all where
//! they are few; else the largest of each square of [`SQUARE`] pixels. What a level shows, every
//! deeper level shows too.

use std::collections::HashMap;

use super::LonLatBox;

/// The level at which everything is shown.
pub const MAX_LEVEL: u8 = 16;
/// Pixels of a tile's edge.
const TILE: f64 = 256.0;
/// Pixels from which on a feature is never left out.
const VISIBLE: f64 = 2.0;
/// Squares along a tile's edge, one small feature each.
const SQUARES: f64 = 64.0;
/// Features that a tile shows without a choice.
pub const FEW: usize = 4096;

/// A feature as it lies in the square of the web map, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mark {
    x: f64,
    y: f64,
    /// The longer edge of its box.
    size: f64,
    /// The area of its box.
    area: f64,
}

/// A longitude and latitude in the square of the web map: x to the east, y to the south, 0 to 1.
pub fn square_of(longitude: f64, latitude: f64) -> (f64, f64) {
    let sine = latitude.clamp(-85.051_128_779_806_6, 85.051_128_779_806_6).to_radians().sin();
    let y = 0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * std::f64::consts::PI);
    (longitude / 360.0 + 0.5, y)
}

impl Mark {
    /// The mark of a feature's box.
    pub(super) fn of(bounds: &LonLatBox) -> Self {
        let (west, north) = square_of(bounds[0], bounds[3]);
        let (east, south) = square_of(bounds[2], bounds[1]);
        let (width, height) = (east - west, south - north);
        Self {
            x: f64::midpoint(west, east),
            y: f64::midpoint(north, south),
            size: width.max(height),
            area: width * height,
        }
    }

    /// The square of a level that its middle is in; `across` squares along the edge of the world.
    fn square(&self, across: f64) -> u64 {
        let at = |v: f64| (v * across).clamp(0.0, across - 1.0) as u64;
        at(self.y) << 32 | at(self.x)
    }

    /// Whether it comes before another that is in the same square: the larger, then the first.
    fn before(&self, own: usize, other: &Self, others: usize) -> bool {
        self.area > other.area || (self.area == other.area && own < others)
    }

    fn visible(&self, level: u8) -> bool {
        self.size * TILE * 2f64.powi(level.into()) >= VISIBLE
    }

    /// Its place along a Hilbert curve.
    pub(super) fn curve(&self) -> u64 {
        let at = |v: f64| (v * 4_294_967_296.0).clamp(0.0, 4_294_967_295.0) as u32;
        fast_hilbert::xy2h(at(self.x), at(self.y), 32)
    }
}

/// For each feature the least level that shows it.
pub(super) fn levels(marks: &[Mark]) -> Vec<u8> {
    let mut levels = vec![MAX_LEVEL; marks.len()];
    let mut hidden: Vec<u32> = (0..marks.len() as u32).collect();
    for level in 0..MAX_LEVEL {
        let across = 2f64.powi(level.into());
        let mut in_tile: HashMap<u64, usize> = HashMap::new();
        for mark in marks {
            *in_tile.entry(mark.square(across)).or_default() += 1;
        }
        let mut largest: HashMap<u64, u32> = HashMap::new();
        for (i, mark) in marks.iter().enumerate() {
            let best = largest.entry(mark.square(across * SQUARES)).or_insert(i as u32);
            if mark.before(i, &marks[*best as usize], *best as usize) {
                *best = i as u32;
            }
        }
        hidden.retain(|&i| {
            let mark = &marks[i as usize];
            let shown = mark.visible(level)
                || in_tile[&mark.square(across)] <= FEW
                || largest[&mark.square(across * SQUARES)] == i;
            if shown {
                levels[i as usize] = level;
            }
            !shown
        });
        if hidden.is_empty() {
            break;
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_features_are_shown_at_every_level() {
        let marks: Vec<Mark> =
            (0..100).map(|i| Mark::of(&[f64::from(i) / 1e5, 0.0, f64::from(i) / 1e5, 0.0])).collect();
        assert!(levels(&marks).iter().all(|&level| level == 0));
    }

    #[test]
    fn a_tile_shows_at_most_one_small_feature_a_square_and_all_that_are_large() {
        // A hundred thousand points within half a degree, and one area that covers them.
        let mut boxes: Vec<LonLatBox> = (0..100_000)
            .map(|i| [f64::from(i % 400) / 800.0, f64::from(i / 400) / 500.0])
            .map(|[x, y]| [x, y, x, y])
            .collect();
        boxes.push([0.0, 0.0, 0.5, 0.5]);
        let marks: Vec<Mark> = boxes.iter().map(Mark::of).collect();
        let levels = levels(&marks);
        let large = 0.5 / 360.0 * 256.0;
        let from = (VISIBLE / large).log2().ceil() as u8;
        assert!(levels[100_000] <= from);
        for level in 0..MAX_LEVEL {
            let across = 2f64.powi(level.into());
            let mut tiles: HashMap<u64, usize> = HashMap::new();
            for (mark, _) in marks.iter().zip(&levels).filter(|(_, l)| **l <= level) {
                *tiles.entry(mark.square(across)).or_default() += 1;
            }
            assert!(tiles.values().all(|&n| n <= FEW + 1), "level {level}: {tiles:?}");
        }
    }
}
