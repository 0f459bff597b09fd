//! Clouds, the shadows they throw, and a cloud mask that misses their rims.

use super::hash::{hash, stream, uniform};
use super::noise::{noise, octaves, smoothstep};

/// Cells of 60 m in a block of 480 pixels of 10 m.
pub const CELLS: usize = 80;
/// Cells looked at around a block: shadows fall at most this far.
const MARGIN: usize = 6;
const STRIDE: usize = CELLS + 2 * MARGIN;

/// The sky of one pass.
#[derive(Clone, Copy, Debug)]
pub struct Sky {
    seed: u64,
    threshold: f32,
    /// Where a cell's shadow comes from, in cells (east, south).
    sun: (isize, isize),
    /// Reflectance added by haze.
    pub haze: f32,
}

/// Clouds over one block, on cells of 60 m with a margin.
pub struct Clouds {
    alpha: Vec<f32>,
    sun: (isize, isize),
    /// Whether any cell carries cloud or shadow.
    pub any: bool,
}

impl Sky {
    /// The sky of a pass. A third of the passes is nearly clear, a fifth mostly overcast.
    pub fn new(seed: u64) -> Self {
        let draw = uniform(seed, 1);
        let cover = match uniform(seed, 2) {
            kind if kind < 0.36 => 0.07 * draw,
            kind if kind < 0.80 => 0.08 + 0.37 * draw,
            _ => 0.45 + 0.35 * draw,
        };
        let clouds = stream(seed, 3);
        // The height of the field that leaves this share above it, from places all over.
        let mut heights: Vec<f32> = (0..2048)
            .map(|k| {
                let id = hash(clouds, k, 77);
                field(clouds, 400_000.0 * uniform(id, 1), 400_000.0 * uniform(id, 2))
            })
            .collect();
        heights.sort_by(f32::total_cmp);
        let at = ((1.0 - cover) * (heights.len() - 1) as f32) as usize;
        // In the northern hemisphere's morning the sun stands in the south-east.
        let height = 2 + (uniform(seed, 4) * 3.0) as isize;
        Self { seed: clouds, threshold: heights[at], sun: (height, height), haze: 0.006 * uniform(seed, 5) }
    }

    /// The clouds over a block.
    pub fn clouds(&self, block: (usize, usize)) -> Clouds {
        let mut alpha = vec![0.0; STRIDE * STRIDE];
        let mut any = false;
        for (k, alpha) in alpha.iter_mut().enumerate() {
            let cell = |block: usize, k: usize| ((block * CELLS + k) as f32 - MARGIN as f32 + 0.5) * 60.0;
            let (x, y) = (cell(block.1, k % STRIDE), cell(block.0, k / STRIDE));
            *alpha = smoothstep(-0.10, 0.13, field(self.seed, x, y) - self.threshold);
            any |= *alpha > 0.0;
        }
        Clouds { alpha, sun: self.sun, any }
    }

    /// Brightness of the cloud tops at a place, about 1.
    pub fn brightness(&self, x: f32, y: f32) -> f32 {
        1.0 + 0.25 * noise(self.seed ^ 5, x / 400.0, y / 400.0)
    }
}

fn field(seed: u64, x: f32, y: f32) -> f32 {
    octaves(seed, x / 7000.0, y / 7000.0, 4)
}

impl Clouds {
    fn at(&self, row: isize, column: isize) -> f32 {
        let index = |k: isize| (k + MARGIN as isize).clamp(0, STRIDE as isize - 1) as usize;
        self.alpha[index(row) * STRIDE + index(column)]
    }

    /// Opacity (0..1) of cloud and depth of shadow (0..1) at a 10 m pixel of the block.
    pub fn veil(&self, row: usize, column: usize) -> (f32, f32) {
        let place = |k: usize| {
            let cell = (k as f32 + 0.5) / 6.0 - 0.5;
            (cell.floor() as isize, cell - cell.floor())
        };
        let ((r, fr), (c, fc)) = (place(row), place(column));
        let between = |dr: isize, dc: isize| {
            let at = |i, j| self.at(r + dr + i, c + dc + j);
            (at(0, 0) * (1.0 - fc) + at(0, 1) * fc) * (1.0 - fr)
                + (at(1, 0) * (1.0 - fc) + at(1, 1) * fc) * fr
        };
        (between(0, 0), between(self.sun.1, self.sun.0))
    }

    /// Sentinel-2's QA60 of the block: 1024 opaque cloud, 2048 cirrus. Rims and shadows are not in it.
    pub fn qa60(&self) -> Vec<u16> {
        (0..CELLS * CELLS)
            .map(|k| match self.at((k / CELLS) as isize, (k % CELLS) as isize) {
                a if a > 0.6 => 1024,
                a if a > 0.35 => 2048,
                _ => 0,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_blocks_share_their_clouds() {
        let sky = (0..40).map(Sky::new).find(|s| s.threshold < 0.1).unwrap();
        let (left, right) = (sky.clouds((3, 4)), sky.clouds((3, 5)));
        for row in 0..CELLS as isize {
            for k in 0..3 {
                assert_eq!(left.at(row, CELLS as isize + k), right.at(row, k));
            }
        }
    }

    #[test]
    fn the_mask_misses_rims_and_shadows() {
        let (mut flagged, mut missed) = (0, 0);
        for sky in (0..20).map(Sky::new) {
            let clouds = sky.clouds((0, 0));
            let mask = clouds.qa60();
            for (k, &bits) in mask.iter().enumerate() {
                let (row, column) = (k / CELLS * 6 + 3, k % CELLS * 6 + 3);
                flagged += usize::from(bits > 0);
                let (alpha, shade) = clouds.veil(row, column);
                missed += usize::from(bits == 0 && (alpha > 0.1 || shade > 0.1));
            }
        }
        assert!(flagged > 1000 && missed > flagged / 20 && missed < flagged, "{flagged} {missed}");
    }
}
