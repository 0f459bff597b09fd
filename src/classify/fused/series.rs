//! From series, or from reflectance, to classes: spectral index, regularize, predictors and
//! trees in one pass over lanes of pixels.

use super::columns::{Computed, LanePredictor};
use super::front::Front;
use super::kernel::Lane;
use super::scorer::Workspace;
use super::{LANES, Scorer};
use crate::classify::recipe::Channel;
use crate::classify::{ClassifyError, SeriesBlock, TreeEnsemble};
use crate::cube::{Band, Block, Regularize};
use crate::predictors::PredictorSet;

/// Trees over predictors of series: computes only the predictors that some tree looks at.
#[derive(Clone, Debug)]
pub struct SeriesScorer {
    scorer: Scorer,
    predictors: Vec<LanePredictor>,
    series: usize,
    steps: usize,
}

impl SeriesScorer {
    /// Trees whose column `i` is predictor `i`.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Model`] as [`Scorer::new`], and where columns and predictors, or
    /// predictors and steps, do not fit.
    pub fn new(predictors: &PredictorSet, ensemble: &TreeEnsemble) -> Result<Self, ClassifyError> {
        Self::with_scorer(predictors, Scorer::new(ensemble)?)
    }

    /// As [`SeriesScorer::new`], with trees that are compiled already.
    ///
    /// # Errors
    ///
    /// As [`SeriesScorer::new`].
    pub fn with_scorer(predictors: &PredictorSet, scorer: Scorer) -> Result<Self, ClassifyError> {
        if let Some(column) = scorer.used_features().iter().find(|&&c| c as usize >= predictors.columns.len())
        {
            return Err(ClassifyError::Model(format!(
                "cannot be scored: the trees look at column {column} of {} predictors",
                predictors.columns.len()
            )));
        }
        if let Some((_, predictor)) = predictors.columns.iter().find(|(_, p)| !p.fits(predictors.steps)) {
            return Err(ClassifyError::Model(format!(
                "cannot be scored: {predictor:?} does not fit series of {} steps",
                predictors.steps
            )));
        }
        Ok(Self {
            predictors: LanePredictor::compile(predictors, scorer.used_features()),
            series: predictors.columns.iter().map(|c| c.0 + 1).max().unwrap_or(0),
            steps: predictors.steps,
            scorer,
        })
    }

    /// The trees.
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// Class probabilities `[class][pixel]` of regular series; NaN for a pixel whose series are
    /// NaN throughout.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Shape`] and [`ClassifyError::Output`] where the sizes do not fit.
    pub fn score(&self, series: &SeriesBlock, out: &mut [f32]) -> Result<(), ClassifyError> {
        let (planes, pixels) = (series.series * series.steps, series.pixels);
        if series.series < self.series || series.steps != self.steps || series.values.len() != planes * pixels
        {
            return Err(ClassifyError::Shape {
                series: self.series,
                steps: self.steps,
                found_series: series.series,
                found_steps: series.steps,
            });
        }
        self.check_output(pixels, out)?;
        let mut work = ChunkMemory::new(self);
        let mut lanes_of = vec![Lane([f32::NAN; LANES]); planes];
        for start in (0..pixels).step_by(LANES) {
            let lanes = LANES.min(pixels - start);
            for (plane, lane) in lanes_of.iter_mut().enumerate() {
                lane.0[..lanes].copy_from_slice(&series.values[plane * pixels + start..][..lanes]);
            }
            work.score(self, &lanes_of);
            work.copy_to(start, lanes, pixels, out);
        }
        Ok(())
    }

    fn check_output(&self, pixels: usize, out: &[f32]) -> Result<(), ClassifyError> {
        let classes = self.scorer.classes();
        if out.len() == classes * pixels {
            Ok(())
        } else {
            Err(ClassifyError::Output { pixels, classes, found: out.len() })
        }
    }
}

/// From blocks of reflectance to classes, for one cube.
#[derive(Clone, Debug)]
pub struct BlockScorer {
    trees: SeriesScorer,
    front: Front,
}

impl BlockScorer {
    /// Trees over predictors of `channels` (one series each, in this order), for a cube whose
    /// dates are `days`.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Shape`] where the time grid has other steps, or there are fewer channels,
    /// than the predictors need.
    pub fn new(
        trees: SeriesScorer,
        channels: &[Channel],
        regularize: &Regularize,
        days: &[f32],
    ) -> Result<Self, ClassifyError> {
        let front = Front::new(channels, regularize, days);
        if front.series() < trees.series || front.steps() != trees.steps {
            return Err(ClassifyError::Shape {
                series: trees.series,
                steps: trees.steps,
                found_series: channels.len(),
                found_steps: front.steps(),
            });
        }
        Ok(Self { trees, front })
    }

    /// The bands a block must have.
    pub fn bands(&self) -> &[Band] {
        self.front.bands()
    }

    /// Class probabilities `[class][pixel]` of a block, NaN for pixels with too few valid dates;
    /// their number.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Output`] where `out` has another size, [`ClassifyError::Samples`] where
    /// the block misses a band or has other dates.
    pub fn score(&self, block: &Block, out: &mut [f32]) -> Result<usize, ClassifyError> {
        let pixels = block.window.len();
        self.trees.check_output(pixels, out)?;
        self.chunks(block, |work, start, lanes| work.copy_to(start, lanes, pixels, out))
    }

    fn chunks(
        &self,
        block: &Block,
        mut sink: impl FnMut(&ChunkMemory, usize, usize),
    ) -> Result<usize, ClassifyError> {
        let mut work = ChunkMemory::new(&self.trees);
        let mut lost = 0;
        self.front.chunks(block, None, self.trees.scorer.lanes(), |planes, start, lanes| {
            work.score(&self.trees, planes);
            lost += work.missing[..lanes].iter().filter(|&&m| m).count();
            sink(&work, start, lanes);
        })?;
        Ok(lost)
    }
}

/// Memory for one thread's chunks.
struct ChunkMemory {
    missing: [bool; LANES],
    scoring: Workspace,
    probabilities: Vec<[f32; LANES]>,
}

impl ChunkMemory {
    fn new(trees: &SeriesScorer) -> Self {
        Self {
            missing: [false; LANES],
            scoring: Workspace::new(&trees.scorer),
            probabilities: vec![[0.0; LANES]; trees.scorer.classes()],
        }
    }

    /// From planes to probabilities.
    fn score(&mut self, trees: &SeriesScorer, planes: &[Lane<f32>]) {
        self.missing = [true; LANES];
        for plane in planes {
            for (missing, v) in self.missing.iter_mut().zip(&plane.0) {
                *missing &= v.is_nan();
            }
        }
        let columns = Computed { predictors: &trees.predictors, planes };
        trees.scorer.score_lanes(columns, &mut self.scoring, &mut self.probabilities);
        for plane in &mut self.probabilities {
            for (p, &missing) in plane.iter_mut().zip(&self.missing) {
                *p = if missing { f32::NAN } else { *p };
            }
        }
    }

    fn copy_to(&self, start: usize, lanes: usize, pixels: usize, out: &mut [f32]) {
        for (class, plane) in self.probabilities.iter().enumerate() {
            out[class * pixels + start..][..lanes].copy_from_slice(&plane[..lanes]);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::regular::LaneRegularizer;
    use super::*;
    use crate::classify::{Link, Tree};
    use crate::cube::{Coverage, Regularizer, Smoothing, TimeGrid};
    use crate::predictors::{Interval, Predictor, draw_intervals};
    use crate::raster::Window;
    use crate::spectral;

    /// One stump a predictor: its probability says on which side of the threshold the pixel is.
    fn stumps(columns: usize, thresholds: &[f32]) -> TreeEnsemble {
        let trees = (0..columns)
            .map(|c| Tree {
                feature: vec![c as u32],
                threshold: vec![thresholds[c]],
                default_left: vec![c % 2 == 0],
                left: vec![!0],
                right: vec![!1],
                leaf: vec![-0.5, 0.7],
            })
            .collect();
        TreeEnsemble { features: columns, classes: 3, link: Link::Softmax, base: vec![0.0; 3], trees }
    }

    fn every_predictor(steps: usize) -> Vec<Predictor> {
        let mut all = vec![Predictor::Value { step: 0 }, Predictor::Value { step: steps - 1 }];
        for i in draw_intervals(5, steps, 12, 2) {
            all.extend([Predictor::Mean(i), Predictor::Deviation(i), Predictor::Slope(i)]);
            all.extend([Predictor::Minimum(i), Predictor::Maximum(i)]);
        }
        for k in 0..steps {
            all.extend([Predictor::Cosine { k }, Predictor::Sine { k }, Predictor::Amplitude { k }]);
            all.push(Predictor::Phase { k });
        }
        all
    }

    /// Clouded noise around a season.
    fn reflectance(rng: &mut ChaCha8Rng, dates: usize, pixels: usize) -> Block {
        let bands = vec![Band::RedEdge1, Band::Green, Band::Nir];
        let mut values = Vec::new();
        for date in 0..dates {
            let season = (date as f32 / dates as f32 * 6.0).sin() * 0.1;
            for band in 0..bands.len() {
                values.extend((0..pixels).map(|_| match rng.random_range(0..10) {
                    0..3 => f32::NAN,
                    3 if band == 2 => f32::INFINITY,
                    _ => 0.2 + 0.1 * band as f32 + season + rng.random_range(-0.05..0.05),
                }));
            }
        }
        let window = Window { col: 0, row: 0, cols: pixels, rows: 1 };
        Block { window, bands, values, coverage: Coverage::Some }
    }

    fn plain_series(block: &Block, regularize: &Regularize, days: &[f32], steps: usize) -> (Vec<f32>, usize) {
        let (ndre, pixels) = (spectral::find("NDRE").unwrap(), block.window.len());
        let mut observed = vec![0.0; days.len() * pixels];
        for (date, out) in observed.chunks_exact_mut(pixels).enumerate() {
            (ndre.compute)(&[block.plane(date, 2), block.plane(date, 0)], out);
        }
        let mut series = vec![0.0; steps * pixels];
        let lost = Regularizer::new(regularize, days).apply(&observed, pixels, &mut series);
        (series, lost)
    }

    fn gridded() -> (Vec<f32>, [Regularize; 5]) {
        let days: Vec<f32> = (0..14).map(|i| 91.0 + 7.0 * i as f32 + (i % 3) as f32).collect();
        let grid = || TimeGrid::Days { first: 85.0, step: 10.0, count: 12 };
        let how = |grid, despike, smoothing| Regularize { grid, despike, smoothing };
        let all = [
            how(grid(), false, Smoothing::None),
            how(TimeGrid::Acquisitions, false, Smoothing::None),
            how(
                TimeGrid::Observed { days: days.iter().step_by(2).map(|d| d + 0.2).collect() },
                false,
                Smoothing::None,
            ),
            how(grid(), true, Smoothing::None),
            how(grid(), true, Smoothing::SavitzkyGolay { window: 5, degree: 2 }),
        ];
        (days, all)
    }

    #[test]
    fn lanes_regularize_to_the_same_bits_as_the_plain_form() {
        let (days, all) = gridded();
        for (regularize, dates) in all.iter().flat_map(|r| [(r, days.len()), (r, 2)]) {
            let days = &days[..dates];
            let block = reflectance(&mut ChaCha8Rng::seed_from_u64(1), dates, LANES);
            let lane = LaneRegularizer::new(regularize, days);
            let (plain, _) = plain_series(&block, regularize, days, lane.steps());
            let ndre = spectral::find("NDRE").unwrap();
            let mut observed = vec![Lane([0.0; LANES]); days.len()];
            for (date, out) in observed.iter_mut().enumerate() {
                (ndre.compute)(&[block.plane(date, 2), block.plane(date, 0)], &mut out.0);
            }
            let mut out = vec![Lane([0.0; LANES]); lane.steps()];
            lane.apply(&observed, &mut lane.scratch(), &mut out);
            for (step, (lane, plain)) in out.iter().zip(plain.chunks_exact(LANES)).enumerate() {
                for (l, (a, b)) in lane.0.iter().zip(plain).enumerate() {
                    assert!(a == b || (a.is_nan() && b.is_nan()), "{regularize:?} {step} {l}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn lanes_compute_the_predictors_of_the_plain_form() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        // Miri runs a thousand times slower: the short series alone.
        let longest = if cfg!(miri) { 7 } else { 20 };
        let series = [(12, 0.4f32), (7, 0.0), (20, 700.0)];
        for (steps, offset) in series.into_iter().filter(|s| s.0 <= longest) {
            let predictors = every_predictor(steps);
            let set = PredictorSet::for_each_series(2, steps, &predictors);
            let values: Vec<f32> =
                (0..2 * steps * LANES).map(|_| offset + rng.random_range(-0.5..0.5f32)).collect();
            let planes: Vec<Lane<f32>> = values.as_chunks::<LANES>().0.iter().map(|&v| Lane(v)).collect();
            let plain = set.compute(&values, LANES);
            let used: Vec<u32> = (0..set.columns.len() as u32).collect();
            let predictors = LanePredictor::compile(&set, &used);
            let mut columns = Computed { predictors: &predictors, planes: &planes };
            let mut out = Lane([0.0; LANES]);
            for (column, plain) in plain.iter().enumerate() {
                super::super::scorer::Columns::column(&mut columns, column, &mut out);
                let predictor = set.columns[column].1;
                for (a, b) in out.0.iter().zip(plain) {
                    let mut apart = (a - b).abs();
                    if let Predictor::Phase { k } = predictor {
                        // An angle is as sure as its vector is long.
                        apart = apart.min((apart - std::f32::consts::TAU).abs());
                        if (2 * k).is_multiple_of(steps) {
                            continue;
                        }
                        assert!(apart < 5e-3, "{predictor:?}: {a} {b}");
                    } else {
                        assert!(apart < 2e-6 * b.abs().max(1.0), "{predictor:?} {steps}: {a} {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_fused_path_classifies_as_the_plain_steps_one_by_one() {
        let (days, all) = gridded();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let filled = all.into_iter().filter(|r| !matches!(r.grid, TimeGrid::Observed { .. }));
        for (regularize, pixels) in filled.zip([1, 511, 513, 1100]) {
            let steps = regularize.grid.days(&days).len();
            let predictors: Vec<Predictor> = every_predictor(steps)
                .into_iter()
                .filter(|p| !matches!(p, Predictor::Phase { .. }))
                .collect();
            let set = PredictorSet::for_each_series(1, steps, &predictors);
            let block = reflectance(&mut rng, days.len(), pixels);
            let (series, lost) = plain_series(&block, &regularize, &days, steps);
            let columns = set.compute(&series, pixels);
            // Thresholds in the widest gap near the middle: rounding sends no pixel over.
            let thresholds: Vec<f32> = columns.iter().map(|c| widest_gap(c)).collect();
            let ensemble = stumps(columns.len(), &thresholds);
            let trees = SeriesScorer::new(&set, &ensemble).unwrap();
            let mut from_series = vec![0.0; 3 * pixels];
            let view = SeriesBlock { series: 1, steps, pixels, values: &series };
            trees.score(&view, &mut from_series).unwrap();
            let ndre = Channel::Index(spectral::find("NDRE").unwrap());
            let fused = BlockScorer::new(trees, &[ndre], &regularize, &days).unwrap();
            let mut out = vec![0.0; 3 * pixels];
            assert_eq!(fused.score(&block, &mut out).unwrap(), lost);
            for pixel in 0..pixels {
                let empty = (0..steps).all(|s| series[s * pixels + pixel].is_nan());
                let plain = ensemble.score_row(|c| columns[c][pixel]);
                let of = |all: &[f32]| [0, 1, 2].map(|k| all[k * pixels + pixel]);
                if empty {
                    assert!(of(&out).iter().all(|p| p.is_nan()));
                    continue;
                }
                for ((a, b), p) in of(&out).iter().zip(of(&from_series)).zip(&plain) {
                    assert!((a - p).abs() < 1e-6 && (b - p).abs() < 1e-6, "pixel {pixel}: {a} {b} {p}");
                }
            }
        }
    }

    fn widest_gap(column: &[f32]) -> f32 {
        let mut sorted: Vec<f32> = column.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f32::total_cmp);
        let wide = |p: &&[f32]| p[1] - p[0];
        let gap = sorted.windows(2).max_by(|a, b| wide(a).total_cmp(&wide(b)));
        // Columns that only hold rounding (a sine of half the steps) split nothing.
        gap.filter(|p| wide(p) > 1e-4).map_or(10.0, |p| f32::midpoint(p[0], p[1]))
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let set = PredictorSet::for_each_series(1, 5, &[Predictor::Mean(Interval { start: 2, end: 5 })]);
        let ensemble = stumps(1, &[0.0]);
        assert!(SeriesScorer::new(&set, &ensemble).unwrap_err().to_string().contains("5 steps"));
        let set = PredictorSet::for_each_series(1, 6, &[Predictor::Mean(Interval { start: 2, end: 5 })]);
        assert!(SeriesScorer::new(&set, &stumps(2, &[0.0; 2])).is_err());
        let trees = SeriesScorer::new(&set, &ensemble).unwrap();
        let regularize =
            Regularize { grid: TimeGrid::Acquisitions, despike: false, smoothing: Smoothing::None };
        assert!(BlockScorer::new(trees, &[], &regularize, &[1.0; 6]).is_err());
    }
}
