//! Inference of tree ensembles, one thread: walking trees row by row beside the fused scorer in
//! every version this machine has, and the whole way from reflectance to probabilities.
//!
//! `cargo bench --bench inference`

use divan::{Bencher, counter::ItemsCount};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rededge::classify::boost::{self, BoostOptions, BoostParams};
use rededge::classify::fused::{BlockScorer, Lanes, Scorer, SeriesScorer};
use rededge::classify::itsgbt::{Family, PredictorChoice};
use rededge::classify::{Channel, SeriesBlock, Table, TreeEnsemble, train_smartcore_forest};
use rededge::cube::{Band, Block, Coverage, Regularize, Smoothing, TimeGrid};
use rededge::predictors::PredictorSet;
use rededge::raster::Window;
use seasons::{STEPS, seasons};

#[path = "shared/seasons.rs"]
mod seasons;

const PIXELS: usize = 16_384;

fn main() {
    divan::main();
}

/// 3 N + 17 predictors and 300 trees of 31 leaves, as the rice paper's job has them.
fn boosted() -> (PredictorSet, TreeEnsemble) {
    let choice = PredictorChoice {
        families: vec![Family::Intervals, Family::Coefficients, Family::Amplitudes],
        intervals: STEPS,
        ..PredictorChoice::default()
    };
    let set = choice.draw(1, STEPS, 1).expect("20 steps hold these predictors");
    let (values, labels) = seasons(3000, 1);
    let columns = set.compute(&values, 3000);
    let table = Table { names: set.names(&["NDRE".to_owned()]), columns };
    let params = BoostParams::try_from(BoostOptions { early_stopping: 0, ..BoostOptions::default() });
    let boosted = boost::train(&params.expect("defaults are valid"), &table, &labels, None, &|_| true);
    (set, boosted.expect("the samples have three classes").ensemble)
}

/// 100 trees on 1500 samples, every step a column.
fn forest() -> TreeEnsemble {
    let (values, labels) = seasons(1500, 2);
    let rows: Vec<Vec<f32>> =
        (0..1500).map(|p| (0..STEPS).map(|step| values[step * 1500 + p]).collect()).collect();
    train_smartcore_forest(&rows, &labels, 100, 1).expect("the samples have three classes")
}

fn versions() -> Vec<&'static str> {
    Lanes::available().map(Lanes::name).collect()
}

fn lanes(name: &str) -> Lanes {
    Lanes::available().find(|l| l.name() == name).unwrap_or(Lanes::Portable)
}

/// The columns a scorer reads, and room for its answer.
fn used(scorer: &Scorer, columns: &[Vec<f32>]) -> (Vec<f32>, Vec<f32>) {
    let used: Vec<&[f32]> = scorer.used_features().iter().map(|&c| &columns[c as usize][..]).collect();
    (used.concat(), vec![0.0; scorer.classes() * PIXELS])
}

#[divan::bench]
fn boosted_row_by_row(bencher: Bencher) {
    let (set, ensemble) = boosted();
    let columns = set.compute(&seasons(PIXELS, 3).0, PIXELS);
    let rows = 512;
    bencher
        .counter(ItemsCount::new(rows))
        .bench_local(|| (0..rows).map(|p| ensemble.score_row(|c| columns[c][p])[0]).sum::<f32>());
}

#[divan::bench(args = versions())]
fn boosted_fused(bencher: Bencher, version: &str) {
    let (set, ensemble) = boosted();
    let scorer = Scorer::with_lanes(&ensemble, lanes(version)).expect("trained trees are valid");
    let (columns, mut out) = used(&scorer, &set.compute(&seasons(PIXELS, 3).0, PIXELS));
    bencher
        .counter(ItemsCount::new(PIXELS))
        .bench_local(|| scorer.score(&columns, PIXELS, &mut out).expect("sizes fit"));
}

#[divan::bench(args = versions())]
fn predictors_and_boosted_fused(bencher: Bencher, version: &str) {
    let (set, ensemble) = boosted();
    let scorer = Scorer::with_lanes(&ensemble, lanes(version)).expect("trained trees are valid");
    let scorer = SeriesScorer::with_scorer(&set, scorer).expect("predictors fit");
    let (values, mut out) = (seasons(PIXELS, 3).0, vec![0.0; 3 * PIXELS]);
    let series = SeriesBlock { series: 1, steps: STEPS, pixels: PIXELS, values: &values };
    bencher
        .counter(ItemsCount::new(PIXELS))
        .bench_local(|| scorer.score(&series, &mut out).expect("sizes fit"));
}

/// NDRE, outliers, regularize, predictors and trees; a quarter of the observations is clouded.
#[divan::bench(args = versions())]
fn reflectance_to_probabilities(bencher: Bencher, version: &str) {
    let (set, ensemble) = boosted();
    let scorer = Scorer::with_lanes(&ensemble, lanes(version)).expect("trained trees are valid");
    let scorer = SeriesScorer::with_scorer(&set, scorer).expect("predictors fit");
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let ndre = seasons(PIXELS, 3).0;
    let mut values = Vec::with_capacity(2 * ndre.len());
    for plane in ndre.chunks_exact(PIXELS) {
        let seen: Vec<f32> =
            plane.iter().map(|&v| if rng.random_bool(0.25) { f32::NAN } else { v }).collect();
        values.extend(seen.iter().map(|v| 0.3 + 0.0 * v));
        values.extend(seen.iter().map(|v| 0.3 * (1.0 - v) / (1.0 + v)));
    }
    let block = Block {
        window: Window::whole(1, PIXELS),
        bands: vec![Band::Nir, Band::RedEdge1],
        values,
        coverage: Coverage::Some,
    };
    let days: Vec<f32> = (0..STEPS).map(|i| 98.0 + 10.0 * i as f32).collect();
    let regularize = Regularize {
        grid: TimeGrid::Days { first: 95.0, step: 10.0, count: STEPS },
        despike: true,
        smoothing: Smoothing::None,
    };
    let channels = [Channel::parse("NDRE").expect("NDRE is in the registry")];
    let fused = BlockScorer::new(scorer, &channels, &regularize, &days).expect("steps fit");
    let mut out = vec![0.0; 3 * PIXELS];
    bencher
        .counter(ItemsCount::new(PIXELS))
        .bench_local(|| fused.score(&block, &mut out).expect("sizes fit"));
}

/// A forest that smartcore grew; scikit-learn scores 160,000 rows a second of such a one.
#[divan::bench(args = versions())]
fn smartcore_forest_fused(bencher: Bencher, version: &str) {
    let scorer = Scorer::with_lanes(&forest(), lanes(version)).expect("exported trees are valid");
    let values = seasons(PIXELS, 3).0;
    let columns: Vec<Vec<f32>> = values.chunks_exact(PIXELS).map(<[f32]>::to_vec).collect();
    let (columns, mut out) = used(&scorer, &columns);
    bencher
        .counter(ItemsCount::new(PIXELS))
        .bench_local(|| scorer.score(&columns, PIXELS, &mut out).expect("sizes fit"));
}
