//! Block-wise prediction: a stream of blocks is read, classified and handed to the writer, all
//! three at once. Memory depends on the block and the threads, never on the scene.

use std::borrow::Borrow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::fused::{BlockGru, BlockScorer};
use super::predictor_trees::PredictorTrees;
use super::recipe::{Channel, bands_of, observe};
use super::{ClassifyError, Model, SeriesBlock, Trained};
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

/// A model made ready for one cube. Both are borrowed for a map, and held where tiles come and go.
pub struct Predictor<C, M> {
    cube: C,
    model: M,
    channels: Vec<Channel>,
    bands: Vec<Band>,
    days: Vec<f32>,
    fused: Fused,
    /// Which classes are rice of some kind.
    rice: Vec<bool>,
    /// The classes whose probability is told; that of the answer where there are none.
    told: Vec<usize>,
    spent: Spent,
}

/// Trees and networks go from reflectance to probabilities in one pass.
enum Fused {
    Trees(BlockScorer),
    Gru(BlockGru),
    No,
}

/// Time of all threads together, in nanoseconds, for the log.
#[derive(Default)]
struct Spent {
    read: AtomicU64,
    score: AtomicU64,
}

/// Which pixels of a window are too steep for rice.
pub type SteepMask<'a> = dyn Fn(Window) -> Result<Vec<bool>, CubeError> + Sync + 'a;

/// What is known of a pixel before it is classified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Nothing: the map that tells has no answer here.
    Unknown,
    /// Rice: only classes of rice come into question.
    Rice,
    /// Anything else, which is not classified.
    Other,
}

/// What the pixels of a window carry.
pub type RiceMask<'a> = dyn Fn(Window) -> Result<Vec<Ground>, CubeError> + Sync + 'a;

/// What is known beforehand.
#[derive(Clone, Copy, Default)]
pub struct Masks<'a> {
    /// Where it is too steep for rice.
    pub steep: Option<&'a SteepMask<'a>>,
    /// Where rice grows.
    pub rice: Option<&'a RiceMask<'a>>,
}

impl<C: Borrow<DataCube> + Sync, M: Borrow<Model> + Sync> Predictor<C, M> {
    fn cube(&self) -> &DataCube {
        self.cube.borrow()
    }

    fn model(&self) -> &Model {
        self.model.borrow()
    }

    /// Fits a model to a cube.
    ///
    /// # Errors
    /// [`ClassifyError`] where the model's series are unknown or its time steps differ from the
    /// cube's dates (a model of the acquisitions themselves).
    pub fn new(cube: C, model: M) -> Result<Self, ClassifyError> {
        let given: &Model = model.borrow();
        let days = given.recipe.days(&cube.borrow().dates());
        let channels = given.recipe.channels()?;
        let steps = given.recipe.regularize.grid.days(&days).len();
        let (series, wanted) = given.trained.classifier().shape();
        if steps != wanted {
            return Err(ClassifyError::Shape {
                series,
                steps: wanted,
                found_series: series,
                found_steps: steps,
            });
        }
        let rice = given.card.legend.is_rice();
        let regularize = &given.recipe.regularize;
        let fuse =
            |trees: &PredictorTrees| BlockScorer::new(trees.scorer()?.clone(), &channels, regularize, &days);
        let fused = match (given.trained.trees(), &given.trained) {
            (Some(trees), _) => Fused::Trees(fuse(trees)?),
            (None, Trained::Gru(gru)) => {
                Fused::Gru(BlockGru::new(gru.kernel(), &channels, regularize, &days))
            }
            (None, _) => Fused::No,
        };
        Ok(Self {
            cube,
            model,
            bands: bands_of(&channels),
            channels,
            days,
            fused,
            rice,
            told: Vec::new(),
            spent: Spent::default(),
        })
    }

    /// The same, telling the probability of some classes together instead of that of the answer.
    #[must_use]
    pub fn telling(self, classes: Vec<usize>) -> Self {
        Self { told: classes, ..self }
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
    pub fn block(&self, window: Window, masks: Masks<'_>) -> Result<BlockAnswer, PredictError<()>> {
        let pixels = window.len();
        let nodata = self.model().card.legend.nodata;
        let mut answer =
            BlockAnswer { window, codes: vec![nodata; pixels], confidence: vec![NO_PERCENT; pixels] };
        let ground = Self::ground(window, masks)?;
        let chosen = ground.as_deref().map(rice_of);
        let start = Instant::now();
        // Where no pixel is rice, nothing needs to be read.
        let block = match &chosen {
            Some(chosen) if chosen.is_empty() => None,
            _ => Some(self.cube().read(&self.bands, window)?).filter(|b| b.coverage != Coverage::Empty),
        };
        let start = Spent::since(start, &self.spent.read);
        let Some(block) = block else {
            self.decide(None, ground.as_deref(), None, &mut answer);
            return Ok(answer);
        };
        let classifier = self.model().trained.classifier();
        let mut probabilities = vec![0.0; classifier.classes().len() * pixels];
        match &self.fused {
            Fused::Trees(trees) => {
                trees.score(&block, &mut probabilities)?;
            }
            Fused::Gru(gru) => gru.score(&block, chosen.as_deref(), &mut probabilities)?,
            Fused::No => {
                let observed = observe(&self.channels, &block, self.days.len());
                drop(block);
                let (values, _) = self.model().recipe.regularize(&self.days, &observed, pixels);
                let (series, steps) = classifier.shape();
                classifier
                    .predict(&SeriesBlock { series, steps, pixels, values: &values }, &mut probabilities)?;
            }
        }
        Spent::since(start, &self.spent.score);
        let steep = match (&ground, masks.steep) {
            (None, Some(mask)) => Some(mask(window)?),
            _ => None,
        };
        self.decide(Some(&probabilities), ground.as_deref(), steep.as_deref(), &mut answer);
        Ok(answer)
    }

    /// What is known of the pixels where a map of rice is given; steep ground carries none.
    fn ground(window: Window, masks: Masks<'_>) -> Result<Option<Vec<Ground>>, CubeError> {
        let Some(rice) = masks.rice else { return Ok(None) };
        let mut ground = rice(window)?;
        if let Some(steep) = masks.steep.filter(|_| ground.contains(&Ground::Rice)) {
            for (ground, steep) in ground.iter_mut().zip(steep(window)?) {
                if steep && *ground == Ground::Rice {
                    *ground = Ground::Other;
                }
            }
        }
        Ok(Some(ground))
    }

    /// The most probable class of each pixel; of a steep one the most probable that is not rice.
    fn decide(
        &self,
        probabilities: Option<&[f32]>,
        ground: Option<&[Ground]>,
        steep: Option<&[bool]>,
        answer: &mut BlockAnswer,
    ) {
        let (legend, pixels) = (&self.model().card.legend, answer.codes.len());
        let other = self.rice.iter().position(|rice| !rice).map_or(legend.nodata, |c| legend.classes[c].code);
        for pixel in 0..pixels {
            let ground = ground.map(|g| g[pixel]);
            if ground == Some(Ground::Other) {
                answer.codes[pixel] = other;
                continue;
            }
            let Some(probabilities) = probabilities.filter(|_| ground != Some(Ground::Unknown)) else {
                continue;
            };
            let barred = |rice: bool| match ground {
                Some(_) => !rice,
                None => rice && steep.is_some_and(|s| s[pixel]),
            };
            let p = |class: usize| probabilities[class * pixels + pixel];
            let (mut best, mut total) = (None::<usize>, 0.0);
            for (class, &rice) in self.rice.iter().enumerate() {
                if p(class).is_nan() || barred(rice) {
                    continue;
                }
                total += p(class);
                if best.is_none_or(|top| p(class) > p(top)) {
                    best = Some(class);
                }
            }
            if let Some(class) = best {
                answer.codes[pixel] = legend.classes[class].code;
                let told = match self.told.as_slice() {
                    [] => p(class),
                    told => told.iter().filter(|&&t| !barred(self.rice[t])).map(|&t| p(t)).sum(),
                };
                let share = if total > 0.0 { told / total } else { 0.0 };
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
        masks: Masks<'_>,
        go_on: &(dyn Fn(usize) -> bool + Sync),
        write: impl FnMut(BlockAnswer) -> Result<(), W> + Send,
    ) -> Result<(), PredictError<W>> {
        let (rows, cols) = (self.cube().grid.rows, self.cube().grid.cols);
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
                let answer = self.block(window, masks).map_err(PredictError::widen)?;
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

/// Positions of the rice pixels.
fn rice_of(ground: &[Ground]) -> Vec<u32> {
    let rice = ground.iter().enumerate().filter(|(_, g)| **g == Ground::Rice);
    rice.map(|(pixel, _)| pixel as u32).collect()
}
