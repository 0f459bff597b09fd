//! Block-wise prediction: a stream of blocks is read, classified and handed to the writer, all
//! three at once. Memory depends on the block and the threads, never on the scene.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::fused::BlockScorer;
use super::predictor_trees::PredictorTrees;
use super::recipe::{Channel, bands_of, observe};
use super::{ClassifyError, Model, SeriesBlock};
use crate::cube::{Band, Coverage, CubeError, DataCube};
use crate::raster::Window;

/// Percent of pixels without an answer.
pub const NO_PERCENT: u8 = 255;

/// Side of a block in pixels: that of the tiles that are read and written, where it fits.
const BLOCK_SIDE: usize = 512;
/// Most bytes of reflectance a thread holds; longer series get smaller blocks.
const BLOCK_BYTES: usize = 96 << 20;

/// What can go wrong between the cube and the map. `W` is the writer's error.
#[derive(Debug, thiserror::Error)]
pub enum PredictError<W> {
    /// The pixels could not be read.
    #[error(transparent)]
    Cube(#[from] CubeError),
    /// The model does not fit.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The answer could not be written.
    #[error("{0}")]
    Write(W),
}

/// The class map of one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockAnswer {
    /// Where.
    pub window: Window,
    /// Class codes of the model's legend, its nodata where there is no answer.
    pub codes: Vec<u8>,
    /// Probability of that class in percent, [`NO_PERCENT`] where there is no answer.
    pub confidence: Vec<u8>,
}

/// A model made ready for one cube.
pub struct Predictor<'a> {
    cube: &'a DataCube,
    model: &'a Model,
    channels: Vec<Channel>,
    bands: Vec<Band>,
    days: Vec<f32>,
    /// Trees go from reflectance to probabilities in one pass.
    fused: Option<BlockScorer>,
    /// Classes that a steep pixel cannot be.
    rice: Vec<bool>,
    spent: Spent,
}

/// Time of all threads together, in nanoseconds, for the log.
#[derive(Default)]
struct Spent {
    read: AtomicU64,
    score: AtomicU64,
}

/// Which pixels of a window are too steep for rice.
pub type SteepMask<'a> = dyn Fn(Window) -> Result<Vec<bool>, CubeError> + Sync + 'a;

impl<'a> Predictor<'a> {
    /// Fits a model to a cube.
    ///
    /// # Errors
    /// [`ClassifyError`] where the model's series are unknown or its time steps differ from the
    /// cube's dates (a model of the acquisitions themselves).
    pub fn new(cube: &'a DataCube, model: &'a Model) -> Result<Self, ClassifyError> {
        let channels = model.recipe.channels()?;
        let days = cube.days();
        let steps = model.recipe.regularize.grid.days(&days).len();
        let (series, wanted) = model.trained.classifier().shape();
        if steps != wanted {
            return Err(ClassifyError::Shape {
                series,
                steps: wanted,
                found_series: series,
                found_steps: steps,
            });
        }
        let rice = model.card.legend.classes.iter().map(|c| is_rice(&c.name)).collect();
        let regularize = &model.recipe.regularize;
        let fuse =
            |trees: &PredictorTrees| BlockScorer::new(trees.scorer()?.clone(), &channels, regularize, &days);
        let fused = model.trained.trees().map(fuse).transpose()?;
        Ok(Self {
            cube,
            model,
            bands: bands_of(&channels),
            channels,
            days,
            fused,
            rice,
            spent: Spent::default(),
        })
    }

    /// The side of the blocks that are read.
    pub fn block_side(&self) -> usize {
        let pixel = 4 * self.days.len() * self.bands.len();
        let mut side = BLOCK_SIDE;
        while side > 64 && side * side * pixel > BLOCK_BYTES {
            side /= 2;
        }
        side
    }

    /// Classifies one window.
    ///
    /// # Errors
    /// As [`crate::cube::PixelSource::read`].
    pub fn block(&self, window: Window, steep: Option<&SteepMask>) -> Result<BlockAnswer, PredictError<()>> {
        let pixels = window.len();
        let nodata = self.model.card.legend.nodata;
        let start = Instant::now();
        let block = self.cube.read(&self.bands, window)?;
        let start = Spent::since(start, &self.spent.read);
        let mut answer =
            BlockAnswer { window, codes: vec![nodata; pixels], confidence: vec![NO_PERCENT; pixels] };
        if block.coverage == Coverage::Empty {
            return Ok(answer);
        }
        let classifier = self.model.trained.classifier();
        let mut probabilities = vec![0.0; classifier.classes().len() * pixels];
        if let Some(fused) = &self.fused {
            fused.score(&block, &mut probabilities)?;
        } else {
            let observed = observe(&self.channels, &block, self.days.len());
            drop(block);
            let (values, _) = self.model.recipe.regularize(&self.days, &observed, pixels);
            let (series, steps) = classifier.shape();
            classifier
                .predict(&SeriesBlock { series, steps, pixels, values: &values }, &mut probabilities)?;
        }
        Spent::since(start, &self.spent.score);
        let steep = steep.map(|mask| mask(window)).transpose()?;
        self.decide(&probabilities, steep.as_deref(), &mut answer);
        Ok(answer)
    }

    /// The most probable class of each pixel; of a steep one the most probable that is not rice.
    fn decide(&self, probabilities: &[f32], steep: Option<&[bool]>, answer: &mut BlockAnswer) {
        let pixels = answer.codes.len();
        for pixel in 0..pixels {
            let is_steep = steep.is_some_and(|s| s[pixel]);
            let (mut best, mut total) = (None::<(usize, f32)>, 0.0);
            for (class, &rice) in self.rice.iter().enumerate() {
                let p = probabilities[class * pixels + pixel];
                if p.is_nan() || (is_steep && rice) {
                    continue;
                }
                total += p;
                if best.is_none_or(|(_, top)| p > top) {
                    best = Some((class, p));
                }
            }
            if let Some((class, p)) = best {
                answer.codes[pixel] = self.model.card.legend.classes[class].code;
                let share = if total > 0.0 { p / total } else { 0.0 };
                answer.confidence[pixel] = (100.0 * share).round() as u8;
            }
        }
    }

    /// Classifies the whole cube. Blocks are read and classified on the current rayon pool and
    /// handed to `write` on a thread of its own, in no fixed order. `go_on` is asked once a block
    /// with the number of pixels done.
    ///
    /// # Errors
    /// The first error of a block or of `write`; [`PredictError::Cancelled`].
    pub fn run<W: Send>(
        &self,
        steep: Option<&SteepMask>,
        go_on: &(dyn Fn(usize) -> bool + Sync),
        write: impl FnMut(BlockAnswer) -> Result<(), W> + Send,
    ) -> Result<(), PredictError<W>> {
        let (rows, cols) = (self.cube.grid.rows, self.cube.grid.cols);
        let side = self.block_side();
        let mut write = write;
        std::thread::scope(|scope| {
            let (sender, answers) = sync_channel::<BlockAnswer>(2 * rayon::current_num_threads());
            let writer = scope.spawn(move || {
                let mut written = 0;
                for answer in answers {
                    written += answer.codes.len();
                    write(answer).map_err(PredictError::Write)?;
                    if !go_on(written) {
                        return Err(PredictError::Cancelled);
                    }
                }
                Ok(())
            });
            let blocks = Window::blocks(rows, cols, side, side).par_bridge();
            let read = blocks.try_for_each_with(sender, |sender, window| {
                let answer = self.block(window, steep).map_err(PredictError::widen)?;
                // A writer that is gone has an error of its own to tell.
                sender.send(answer).map_err(|_| PredictError::Cancelled)
            });
            let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            self.spent.tell(rows * cols);
            match read {
                Err(PredictError::Cancelled) | Ok(()) => written,
                Err(other) => Err(other),
            }
        })
    }
}

impl Spent {
    /// Adds the time since a start; the next start.
    fn since(start: Instant, to: &AtomicU64) -> Instant {
        let now = Instant::now();
        to.fetch_add((now - start).as_nanos() as u64, Ordering::Relaxed);
        now
    }

    fn tell(&self, pixels: usize) {
        let seconds = |spent: &AtomicU64| Duration::from_nanos(spent.load(Ordering::Relaxed)).as_secs_f64();
        let (read, score) = (seconds(&self.read), seconds(&self.score));
        tracing::info!(pixels, read_thread_seconds = read, score_thread_seconds = score, "classified");
    }
}

impl PredictError<()> {
    fn widen<W>(self) -> PredictError<W> {
        match self {
            Self::Cube(e) => PredictError::Cube(e),
            Self::Classify(e) => PredictError::Classify(e),
            Self::Cancelled | Self::Write(()) => PredictError::Cancelled,
        }
    }
}

/// Whether a class is rice of some kind, which steep ground cannot carry.
pub fn is_rice(class: &str) -> bool {
    class == "rice" || (class.ends_with("-rice") && class != "non-rice")
}

#[cfg(test)]
mod tests {
    use super::is_rice;

    #[test]
    fn steep_ground_carries_no_rice_of_any_kind() {
        assert!(is_rice("rice") && is_rice("single-rice") && is_rice("double-rice"));
        assert!(!is_rice("non-rice") && !is_rice("forest"));
    }
}
