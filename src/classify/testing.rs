//! Series of made-up seasons for the tests of the classifiers.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Classifier, Labels, SeriesBlock};

/// Series that own their values.
#[derive(Clone)]
#[expect(clippy::struct_field_names, reason = "named as in a block")]
pub struct Series {
    pub series: usize,
    pub steps: usize,
    pub pixels: usize,
    pub values: Vec<f32>,
}

impl Series {
    pub fn block(&self) -> SeriesBlock<'_> {
        SeriesBlock { series: self.series, steps: self.steps, pixels: self.pixels, values: &self.values }
    }

    pub fn clear_pixel(&mut self, pixel: usize) {
        for plane in self.values.chunks_exact_mut(self.pixels) {
            plane[pixel] = f32::NAN;
        }
    }

    pub fn set(&mut self, series: usize, step: usize, pixel: usize, value: f32) {
        self.values[(series * self.steps + step) * self.pixels + pixel] = value;
    }
}

/// One rise and fall of the canopy between two days of the year.
fn season(day: f64, up: f64, down: f64) -> f64 {
    1.0 / (1.0 + (-0.08 * (day - up)).exp()) / (1.0 + (0.08 * (day - down)).exp())
}

/// An index of single rice, double rice and another crop on 20 dates.
pub fn seasons(pixels: usize, seed: u64) -> (Series, Labels) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let steps = 20;
    let mut values = vec![0.0; steps * pixels];
    let mut labels = Vec::with_capacity(pixels);
    for pixel in 0..pixels {
        let label = (pixel % 3) as u16;
        labels.push(label);
        let late = rng.random_range(-10.0..10.0);
        for step in 0..steps {
            let day = 100.0 + 200.0 * step as f64 / (steps - 1) as f64;
            let cover = match label {
                0 => season(day, 165.0 + late, 270.0 + late),
                1 => season(day, 120.0 + late, 195.0 + late) + season(day, 215.0 + late, 290.0 + late),
                _ => season(day, 140.0 + 2.0 * late, 250.0 + late),
            };
            values[step * pixels + pixel] = (0.15 + 0.5 * cover + rng.random_range(-0.06..0.06)) as f32;
        }
    }
    let classes = ["single-rice", "double-rice", "non-rice"].map(String::from).to_vec();
    (Series { series: 1, steps, pixels, values }, Labels { classes, labels })
}

pub fn agreement(found: &[u16], truth: &[u16]) -> f64 {
    found.iter().zip(truth).filter(|(a, b)| a == b).count() as f64 / truth.len() as f64
}

/// Probabilities add up to 1, but for the pixels without series, and do not change when the
/// block is cut.
pub fn check_probabilities(model: &impl Classifier, series: &Series, empty: &[usize]) {
    let classes = model.classes().len();
    let mut whole = vec![0.0; classes * series.pixels];
    model.predict(&series.block(), &mut whole).unwrap();
    for pixel in 0..series.pixels {
        let p: Vec<f32> = (0..classes).map(|k| whole[k * series.pixels + pixel]).collect();
        if empty.contains(&pixel) {
            assert!(p.iter().all(|p| p.is_nan()));
        } else {
            assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5 && p.iter().all(|&p| p >= 0.0), "{p:?}");
        }
        let alone: Vec<f32> = series.values.chunks_exact(series.pixels).map(|plane| plane[pixel]).collect();
        let block = SeriesBlock { pixels: 1, values: &alone, ..series.block() };
        let mut out = vec![0.0; classes];
        model.predict(&block, &mut out).unwrap();
        assert!(
            out.iter().zip(&p).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()),
            "{out:?} {p:?}"
        );
    }
}
