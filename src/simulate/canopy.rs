//! Reflectance of a canopy at Sentinel-2's bands, from a table of PROSPECT-D + 4SAIL runs
//! (`canopy.csv`, made by `examples/canopy_table.py`; Feret et al. 2017,
//! doi:10.1016/j.rse.2017.03.004; Verhoef et al. 2007, doi:10.1109/TGRS.2007.895844).

use std::sync::LazyLock;

use super::calendar::{BACKGROUNDS, State};
use crate::cube::Band;

/// The table's bands, in its order.
pub const BANDS: [Band; 11] = [
    Band::Coastal,
    Band::Blue,
    Band::Green,
    Band::Red,
    Band::RedEdge1,
    Band::RedEdge2,
    Band::RedEdge3,
    Band::Nir,
    Band::Nir08,
    Band::Swir16,
    Band::Swir22,
];

static TABLE: LazyLock<Canopy> = LazyLock::new(|| Canopy::parse(include_str!("canopy.csv")));

/// Reflectance over background, chlorophyll and leaf area.
pub struct Canopy {
    chlorophyll: Vec<f32>,
    leaf_area: Vec<f32>,
    /// `[background][chlorophyll][leaf area]`.
    rows: Vec<[f32; BANDS.len()]>,
}

impl Canopy {
    /// The table that comes with the crate.
    pub fn table() -> &'static Self {
        &TABLE
    }

    fn parse(text: &str) -> Self {
        let mut table = Self { chlorophyll: Vec::new(), leaf_area: Vec::new(), rows: Vec::new() };
        for line in text.lines().filter(|l| !l.starts_with('#')).skip(1) {
            let numbers: Vec<f32> = line.split(',').skip(1).filter_map(|cell| cell.parse().ok()).collect();
            let Ok(row) = numbers[2..].try_into() else { continue };
            for (axis, value) in [(&mut table.chlorophyll, numbers[0]), (&mut table.leaf_area, numbers[1])] {
                if !axis.contains(&value) {
                    axis.push(value);
                }
            }
            table.rows.push(row);
        }
        assert_eq!(table.rows.len(), BACKGROUNDS * table.chlorophyll.len() * table.leaf_area.len());
        table
    }

    /// Reflectance of a state, linear between the table's nodes.
    pub fn reflectance(&self, state: &State) -> [f32; BANDS.len()] {
        let (c, fc) = locate(&self.chlorophyll, state.chlorophyll);
        let (l, fl) = locate(&self.leaf_area, state.leaf_area);
        let mut out = [0.0; BANDS.len()];
        for (background, &share) in state.background.iter().enumerate() {
            if share <= 0.0 {
                continue;
            }
            for (dc, wc) in [(0, 1.0 - fc), (1, fc)] {
                for (dl, wl) in [(0, 1.0 - fl), (1, fl)] {
                    let row = (background * self.chlorophyll.len() + c + dc) * self.leaf_area.len() + l + dl;
                    for (out, value) in out.iter_mut().zip(&self.rows[row]) {
                        *out += share * wc * wl * value;
                    }
                }
            }
        }
        out
    }
}

/// The node below a value, and how far the value is on the way to the next one (0..1).
fn locate(nodes: &[f32], value: f32) -> (usize, f32) {
    let last = nodes.len() - 2;
    let at = nodes.iter().rposition(|&node| node <= value).unwrap_or(0).min(last);
    (at, ((value - nodes[at]) / (nodes[at + 1] - nodes[at])).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_brighten_the_near_infrared_and_chlorophyll_darkens_the_red_edge() {
        let at = |chlorophyll, leaf_area| {
            Canopy::table().reflectance(&State {
                leaf_area,
                chlorophyll,
                background: [0.0, 0.0, 1.0, 0.0, 0.0],
            })
        };
        let (nir, red_edge) = (7, 4);
        assert!(at(40.0, 4.0)[nir] > at(40.0, 1.0)[nir] + 0.1);
        assert!(at(20.0, 4.0)[red_edge] > at(40.0, 4.0)[red_edge] + 0.02);
        let (low, mid, high) = (at(40.0, 1.0)[nir], at(40.0, 1.35)[nir], at(40.0, 1.7)[nir]);
        assert!((mid - f32::midpoint(low, high)).abs() < 1e-5);
    }
}
