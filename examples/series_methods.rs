//! Times the rivals of `itsgbt` on series in memory, per pixel: what the Python peers of
//! `make bench-peers` do on the same made-up seasons.
//!
//! ```text
//! cargo run --release --example series_methods -- [PIXELS 20000] [DATES 20]
//! ```

#![expect(clippy::print_stdout, reason = "an example that prints its measurements")]

use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use rededge::classify::fused::Scorer;
use rededge::classify::{
    Classifier, ClassifyError, DtwModel, DtwParams, Labels, Library, SeriesBlock, SwvModel, SwvParams,
    TsrfParams, train_smartcore_forest, tsrf,
};

/// Pixels of a block: about what a tile's share of a thread is.
const BLOCK: usize = 4096;

fn main() -> Result<(), ClassifyError> {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<usize>());
    let mut next = |default| arguments.next().and_then(Result::ok).unwrap_or(default);
    let (pixels, steps) = (next(20_000), next(20));
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let (train, labels) = draw(&mut rng, 1500, steps);
    let (test, truth) = draw(&mut rng, pixels, steps);
    let samples = SeriesBlock { series: 1, steps, pixels: 1500, values: &train };
    let blocks = cut(&test, pixels, steps);

    let start = Instant::now();
    let forest = tsrf::train(&samples, &labels, None, &TsrfParams::default(), 0, &|_| true)?;
    report("tsrf", &forest, &blocks, steps, &truth, start)?;

    let start = Instant::now();
    let params = DtwParams { library: Library::Barycentres { count: 4 }, ..DtwParams::default() };
    let dtw = DtwModel::train(&samples, &labels, None, &params, 0, &|_| true)?;
    report("dtw to 12 curves", &dtw, &blocks, steps, &truth, start)?;
    let start = Instant::now();
    blocks.par_iter().try_for_each(|(pixels, values)| {
        dtw.distances(&SeriesBlock { series: 1, steps, pixels: *pixels, values }).map(|_| ())
    })?;
    println!("{:28} {:9.3} us/pixel", "dtw, no limit", start.elapsed().as_secs_f64() / pixels as f64 * 1e6);
    let start = Instant::now();
    let dtw = DtwModel::train(&samples, &labels, None, &DtwParams { band: Some(4), ..params }, 0, &|_| true)?;
    report("dtw to 12 curves, band 4", &dtw, &blocks, steps, &truth, start)?;

    let start = Instant::now();
    let swv = SwvModel::train(&samples, &labels, None, &SwvParams::default(), 0, &|_| true)?;
    report("swv", &swv, &blocks, steps, &truth, start)?;
    for s in swv.stability() {
        println!("    {:24} accuracy {:.3} weight {:.3}", s.member, s.accuracy, s.weight);
    }

    let start = Instant::now();
    let rows: Vec<Vec<f32>> =
        (0..1500).map(|pixel| train.iter().skip(pixel).step_by(1500).copied().collect()).collect();
    let forest = FusedForest {
        classes: labels.classes.clone(),
        steps,
        scorer: Scorer::new(&train_smartcore_forest(&rows, &labels, 100, 0)?)?,
    };
    report("forest of smartcore, fused", &forest, &blocks, steps, &truth, start)
}

/// A random forest that smartcore grew, in the crate's scorer.
struct FusedForest {
    classes: Vec<String>,
    steps: usize,
    scorer: Scorer,
}

impl Classifier for FusedForest {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn shape(&self) -> (usize, usize) {
        (1, self.steps)
    }

    fn predict(&self, series: &SeriesBlock, out: &mut [f32]) -> Result<(), ClassifyError> {
        let plane = |&step: &u32| &series.values[step as usize * series.pixels..][..series.pixels];
        let columns: Vec<&[f32]> = self.scorer.used_features().iter().map(plane).collect();
        self.scorer.score(&columns.concat(), series.pixels, out)
    }
}

/// Prints the time of training and, as the median of seven runs over all blocks, of mapping.
fn report(
    name: &str,
    model: &impl Classifier,
    blocks: &[(usize, Vec<f32>)],
    steps: usize,
    truth: &Labels,
    start: Instant,
) -> Result<(), ClassifyError> {
    let training = start.elapsed().as_secs_f64();
    let mut found = Vec::new();
    let mut times = Vec::new();
    for _ in 0..7 {
        let start = Instant::now();
        let labels: Result<Vec<_>, _> = blocks
            .par_iter()
            .map(|(pixels, values)| {
                model.predict_labels(&SeriesBlock { series: 1, steps, pixels: *pixels, values })
            })
            .collect();
        found = labels?.concat();
        times.push(start.elapsed().as_secs_f64() / found.len() as f64 * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let right = found.iter().zip(&truth.labels).filter(|(a, b)| a == b).count() as f64 / found.len() as f64;
    println!("{name:28} {:9.3} us/pixel   accuracy {right:.3}   training {training:.2} s", times[3]);
    Ok(())
}

/// The series `[step][pixel]` in blocks.
fn cut(values: &[f32], pixels: usize, steps: usize) -> Vec<(usize, Vec<f32>)> {
    let block = |start: usize| {
        let own = BLOCK.min(pixels - start);
        let planes = (0..steps).flat_map(|t| &values[t * pixels + start..][..own]);
        (own, planes.copied().collect())
    };
    (0..pixels).step_by(BLOCK).map(block).collect()
}

/// One rise and fall of the canopy.
fn season(day: f64, up: f64, down: f64) -> f64 {
    1.0 / (1.0 + (-0.08 * (day - up)).exp()) / (1.0 + (0.08 * (day - down)).exp())
}

/// Single rice, double rice and another crop, as the Python peers draw them: `[step][pixel]`.
fn draw(rng: &mut ChaCha8Rng, pixels: usize, steps: usize) -> (Vec<f32>, Labels) {
    let mut values = vec![0.0; steps * pixels];
    let labels: Vec<u16> = (0..pixels).map(|_| rng.random_range(0..3)).collect();
    for (pixel, &label) in labels.iter().enumerate() {
        let j = 6.0 * normal(rng);
        for step in 0..steps {
            let day = 100.0 + 200.0 * step as f64 / (steps - 1) as f64;
            let cover = match label {
                0 => season(day, 165.0 + j, 270.0 + j),
                1 => season(day, 120.0 + j, 195.0 + j) + season(day, 215.0 + j, 290.0 + j),
                _ => season(day, 140.0 + 2.0 * j, 250.0 + j),
            };
            values[step * pixels + pixel] = (0.15 + 0.5 * cover + 0.04 * normal(rng)) as f32;
        }
    }
    let classes = ["single-rice", "double-rice", "non-rice"].map(String::from).to_vec();
    (values, Labels { classes, labels })
}

/// A standard normal number (Box and Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}
