//! Made-up series that the benchmarks share.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rededge::classify::Labels;

/// Dates of a series.
pub const STEPS: usize = 20;

/// Noisy NDRE of single rice, double rice and another crop, `[step][pixel]`, and their labels:
/// runs of 16 pixels are one field.
pub fn seasons(pixels: usize, seed: u64) -> (Vec<f32>, Labels) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values = vec![0.0; STEPS * pixels];
    let (mut labels, mut shift) = (vec![0u16; pixels], 0.0);
    for pixel in 0..pixels {
        if pixel % 16 == 0 {
            shift = rng.random_range(-15.0..15.0);
        }
        let label = (pixel / 16 * 7 % 3) as u16;
        // Some samples are mislabelled: trees grow as deep as on real ones.
        labels[pixel] = if rng.random_bool(0.05) { rng.random_range(0..3) } else { label };
        for step in 0..STEPS {
            let day = 100.0 + 10.0 * step as f32;
            let bump = |up: f32, down: f32| {
                1.0 / (1.0 + (-0.08 * (day - up - shift)).exp()) / (1.0 + (0.08 * (day - down - shift)).exp())
            };
            let cover = match label {
                0 => bump(165.0, 270.0),
                1 => bump(120.0, 195.0) + bump(215.0, 290.0),
                _ => bump(140.0, 250.0),
            };
            values[step * pixels + pixel] = 0.15 + 0.5 * cover + rng.random_range(-0.08..0.08);
        }
    }
    let classes = ["single-rice", "double-rice", "non-rice"].map(String::from).to_vec();
    (values, Labels { classes, labels })
}
