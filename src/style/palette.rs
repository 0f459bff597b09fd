//! The colours of tiles: a palette, and which pixel has which of its entries.

use super::{Paint, along};

/// Colours by index, and the index of a pixel's value. Entry 0 is transparent.
#[derive(Clone, Debug)]
pub enum Palette {
    /// Bytes: codes of classes, or percent.
    Codes {
        /// The index of each byte.
        table: Box<[u8; 256]>,
        /// Whether what lies between two bytes means something: percent.
        smooth: bool,
        /// Red, green, blue, opacity.
        colors: Vec<[u8; 4]>,
    },
    /// Numbers: index 1 is the least, 255 the greatest.
    Range {
        /// At index 1.
        least: f64,
        /// At index 255.
        greatest: f64,
        /// Red, green, blue, opacity.
        colors: Vec<[u8; 4]>,
    },
}

impl Palette {
    /// One in which everything is transparent.
    pub fn empty() -> Self {
        Self::Codes { table: Box::new([0; 256]), smooth: false, colors: vec![[0; 4]] }
    }

    /// Red, green, blue and opacity of each index.
    pub fn colors(&self) -> &[[u8; 4]] {
        match self {
            Self::Codes { colors, .. } | Self::Range { colors, .. } => colors,
        }
    }

    /// The index of a number, as tiles have it; 0 where it has none.
    pub fn index(&self, value: f32) -> u8 {
        match self {
            _ if value.is_nan() => 0,
            Self::Codes { table, .. } => {
                let code = value.round();
                if (0.0..=255.0).contains(&code) { table[code as usize] } else { 0 }
            }
            Self::Range { least, greatest, .. } => {
                let share = (f64::from(value) - least) / (greatest - least).max(f64::MIN_POSITIVE);
                1 + (share * 254.0).round().clamp(0.0, 254.0) as u8
            }
        }
    }
}

pub(super) fn of(paint: &Paint) -> Option<Palette> {
    let mut colors = vec![[0; 4]];
    Some(match paint {
        Paint::Classes(legend) => {
            let mut table = Box::new([0; 256]);
            for class in legend.classes.iter().filter(|c| c.code != legend.nodata).take(255) {
                table[usize::from(class.code)] = colors.len() as u8;
                let [r, g, b] = class.color;
                colors.push([r, g, b, 255]);
            }
            Palette::Codes { table, smooth: false, colors }
        }
        Paint::Ramp { stops, unit, .. } if unit == "%" => {
            let mut table = Box::new([0; 256]);
            for percent in 0..=100u8 {
                table[usize::from(percent)] = percent + 1;
                colors.push(along(stops, f64::from(percent) / 100.0));
            }
            Palette::Codes { table, smooth: true, colors }
        }
        Paint::Ramp { stops, range, .. } => {
            colors.extend((0..255).map(|k| along(stops, f64::from(k) / 254.0)));
            Palette::Range { least: range.0, greatest: range.1, colors }
        }
        Paint::Symbol(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Style;
    use crate::classmap::Legend;

    #[test]
    fn every_class_has_its_colour_and_everything_else_none() {
        let palette = Style::find("stress").unwrap().palette().unwrap();
        for class in Legend::stress().classes {
            let [r, g, b, a] = palette.colors()[usize::from(palette.index(f32::from(class.code)))];
            assert_eq!(([r, g, b], a), (class.color, 255));
        }
        for nothing in [3.0, 255.0, -1.0, 300.0, f32::NAN] {
            assert_eq!(palette.colors()[usize::from(palette.index(nothing))][3], 0, "{nothing}");
        }
    }

    #[test]
    fn numbers_run_along_the_ramp_between_their_ends() {
        let palette = Style::find("heat-map").unwrap().over(2.0, 4.0, "1/km2").palette().unwrap();
        assert_eq!((palette.index(2.0), palette.index(4.0), palette.index(3.0)), (1, 255, 128));
        assert_eq!((palette.index(-9.0), palette.index(9.0), palette.index(f32::NAN)), (1, 255, 0));
        let percent = Style::find("probability").unwrap().over(2.0, 4.0, "x").palette().unwrap();
        assert_eq!((percent.index(0.0), percent.index(100.0), percent.index(255.0)), (1, 101, 0));
    }
}
