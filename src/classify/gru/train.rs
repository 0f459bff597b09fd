//! Training: epochs of steps of AdamW on the cross-entropy, the best epoch kept.

use std::hash::{DefaultHasher, Hash, Hasher};

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer, OptimizerRecord};
use burn::tensor::{Bytes, Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::augment::{add_noise, drop_dates};
use super::device::training_device;
use super::trainee::Trainee;
use super::{GruModel, GruParams, GruWeights, standard, whole};
use crate::classify::boost::BoostError;
use crate::classify::classifier::{check_samples, check_validation};
use crate::classify::watch::Watch;
use crate::classify::{Classifier as _, ClassifyError, Labels, SeriesBlock};

/// Gradients longer than this are shortened to it: one odd batch does not undo an epoch.
const LONGEST_GRADIENT: f32 = 1.0;

/// How a training stood after an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Epoch {
    /// 1 for the first.
    pub epoch: usize,
    /// On the training samples, while they were trained on.
    pub training: Score,
    /// On the validation samples, after the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Score>,
}

/// Loss and accuracy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// Mean cross-entropy, weighted by class.
    pub loss: f64,
    /// Share of the samples that are classified rightly.
    pub overall: f64,
    /// The same by class, in the order of the classes; null for a class without samples.
    pub by_class: Vec<Option<f64>>,
}

/// What a training needs to go on.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Checkpoint {
    /// Of the samples, the parameters and the seed.
    fingerprint: u64,
    epochs: Vec<Epoch>,
    weights: GruWeights,
    best: Option<Best>,
    optimizer: Vec<u8>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Best {
    epoch: usize,
    loss: f64,
    weights: GruWeights,
}

/// Trains a network. With validation samples and a patience it stops early and keeps the best
/// epoch; the parameters that come back have that many epochs.
///
/// # Errors
/// [`ClassifyError`]: samples or parameters that do not fit, a loss that is no number (the epoch
/// and batch are named; the last good epoch stays in the checkpoint), cancelled.
pub fn train(
    block: &SeriesBlock,
    labels: &Labels,
    validation: Option<(&SeriesBlock, &Labels)>,
    params: &GruParams,
    seed: u64,
    watch: &dyn Watch,
) -> Result<(GruModel, GruParams), ClassifyError> {
    params.check()?;
    check_samples(block, labels)?;
    check_validation(block, labels, validation)?;
    let weights = params.class_weights.of(labels)?;
    let (mean, deviation) = standard(block);
    let training = Standardized::new(block, labels, &mean, &deviation);
    if training.labels.is_empty() {
        return Err(ClassifyError::Samples("no sample has all its series".into()));
    }
    let model = |weights: GruWeights| GruModel {
        classes: labels.classes.clone(),
        steps: block.steps,
        mean: mean.clone(),
        deviation: deviation.clone(),
        weights,
    };
    let asked = params;
    let params = &asked.for_samples(training.labels.len());
    let (most, patience) = (params.epochs.unwrap_or(1), params.patience.unwrap_or(0));
    let patience = if validation.is_some() { patience } else { 0 };
    let device = training_device();
    let mut run =
        Run::start(&training, params, seed, fingerprint(block, labels, params, seed), watch, &device)?;
    while run.epochs.len() < most {
        let epoch = run.epochs.len();
        let since_best = run.best.as_ref().map_or(0, |b| epoch - b.epoch);
        if patience > 0 && since_best >= patience {
            break;
        }
        let score = run.epoch(&training, &weights, seed, watch)?;
        let state = run.trainee.weights(params.pooling)?;
        let validation = match validation {
            Some((block, labels)) => Some(score_of(&model(state.clone()), block, labels, &weights)?),
            None => None,
        };
        let told = Epoch { epoch: epoch + 1, training: score, validation };
        let loss = told.validation.as_ref().map(|v| v.loss);
        watch.epoch("", &told);
        run.epochs.push(told);
        if let Some(loss) = loss.filter(|&loss| run.best.as_ref().is_none_or(|b| loss < b.loss)) {
            run.best = Some(Best { epoch: epoch + 1, loss, weights: state.clone() });
        }
        run.keep(state, watch)?;
        if !watch.go_on((epoch + 1) as f64 / most as f64) {
            return Err(BoostError::Cancelled.into());
        }
    }
    let (epochs, best) = match run.best {
        Some(best) if patience > 0 => (best.epoch, best.weights),
        _ => (run.epochs.len(), run.trainee.weights(params.pooling)?),
    };
    Ok((model(best), GruParams { epochs: Some(epochs.max(1)), patience: Some(0), ..asked.clone() }))
}

/// A training under way.
struct Run<'a> {
    params: &'a GruParams,
    fingerprint: u64,
    trainee: Trainee,
    optimizer: ModuleOptimizer,
    epochs: Vec<Epoch>,
    best: Option<Best>,
    device: &'a Device,
}

impl<'a> Run<'a> {
    /// Begins, or goes on where a checkpoint of the same training stands.
    fn start(
        samples: &Standardized,
        params: &'a GruParams,
        seed: u64,
        fingerprint: u64,
        watch: &dyn Watch,
        device: &'a Device,
    ) -> Result<Self, ClassifyError> {
        let optimizer = AdamWConfig::new()
            .with_epsilon(1e-8)
            .with_weight_decay(params.weight_decay as f32)
            .with_grad_clipping(Some(burn::grad_clipping::GradientClippingConfig::Norm(LONGEST_GRADIENT)))
            .init();
        let kept = watch.resume("").and_then(|bytes| serde_json::from_slice::<Checkpoint>(&bytes).ok());
        let classes = samples.classes;
        let fits = |c: &Checkpoint| {
            c.fingerprint == fingerprint && c.weights.problem(samples.series, classes).is_none()
        };
        if let Some(kept) = kept.filter(fits) {
            let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(kept.optimizer));
            let record = record.map_err(|e| learner(format!("the checkpoint's optimizer: {e:?}")))?;
            for epoch in &kept.epochs {
                watch.epoch("", epoch);
            }
            return Ok(Self {
                params,
                fingerprint,
                trainee: Trainee::new(&kept.weights, device),
                optimizer: optimizer.load_record(record),
                epochs: kept.epochs,
                best: kept.best,
                device,
            });
        }
        let weights = GruWeights::draw(samples.series, classes, params, seed);
        let trainee = Trainee::new(&weights, device);
        Ok(Self { params, fingerprint, trainee, optimizer, epochs: Vec::new(), best: None, device })
    }

    fn keep(&self, weights: GruWeights, watch: &dyn Watch) -> Result<(), ClassifyError> {
        let optimizer = self.optimizer.to_record().into_bytes();
        let optimizer = optimizer.map_err(|e| learner(format!("the optimizer's state: {e:?}")))?.to_vec();
        let state = Checkpoint {
            fingerprint: self.fingerprint,
            epochs: self.epochs.clone(),
            weights,
            best: self.best.clone(),
            optimizer,
        };
        let bytes = serde_json::to_vec(&state).map_err(|e| learner(e.to_string()))?;
        watch.keep("", &bytes).map_err(|e| learner(format!("the checkpoint cannot be kept: {e}")))
    }

    /// One round over the samples. Every draw depends on the seed and the epoch alone, so that a
    /// training that goes on draws what it would have drawn.
    fn epoch(
        &mut self,
        samples: &Standardized,
        weights: &[f64],
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<Score, ClassifyError> {
        let number = self.epochs.len();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(1 + number as u64);
        let mut order: Vec<usize> = (0..samples.labels.len()).collect();
        order.shuffle(&mut rng);
        let loss = CrossEntropyLossConfig::new()
            .with_weights(Some(weights.iter().map(|&w| w as f32).collect()))
            .init(self.device);
        let (size, most) = (self.params.batch.unwrap_or(1), self.params.epochs.unwrap_or(1));
        let (rate, mut tally) = (self.params.rate(number, most), Tally::new(weights.len()));
        let batches = order.len().div_ceil(size);
        for (k, batch) in order.chunks(size).enumerate() {
            let (x, y) = samples.batch(batch, self.params, &mut rng, self.device);
            let scores = self.trainee.forward(x, self.params.pooling);
            let value = loss.forward(scores.clone(), y);
            let number_of = value.clone().into_data().iter::<f32>().next().unwrap_or(f32::NAN);
            if !number_of.is_finite() {
                return Err(ClassifyError::Diverged { epoch: number + 1, batch: k + 1, batches });
            }
            let gradients = GradientsParams::from_grads(value.backward(), &self.trainee);
            self.trainee = self.optimizer.step(rate, self.trainee.clone(), gradients);
            let found: Vec<i64> = scores.argmax(1).into_data().iter::<i64>().collect();
            tally.add(batch.iter().map(|&r| samples.labels[r]), &found, f64::from(number_of));
            let done = (number as f64 + (k + 1) as f64 / batches as f64) / most as f64;
            if !watch.go_on(done) {
                return Err(BoostError::Cancelled.into());
            }
        }
        Ok(tally.score())
    }
}

/// Loss and rightly classified samples, summed.
struct Tally {
    loss: f64,
    right: Vec<usize>,
    all: Vec<usize>,
}

impl Tally {
    fn new(classes: usize) -> Self {
        Self { loss: 0.0, right: vec![0; classes], all: vec![0; classes] }
    }

    fn add(&mut self, truth: impl Iterator<Item = u16>, found: &[i64], mean_loss: f64) {
        for (truth, &found) in truth.zip(found) {
            self.all[usize::from(truth)] += 1;
            self.right[usize::from(truth)] += usize::from(i64::from(truth) == found);
        }
        self.loss += mean_loss * found.len() as f64;
    }

    fn score(&self) -> Score {
        let share = |right: usize, all: usize| right as f64 / all as f64;
        let n: usize = self.all.iter().sum();
        Score {
            loss: self.loss / n.max(1) as f64,
            overall: share(self.right.iter().sum(), n.max(1)),
            by_class: self.right.iter().zip(&self.all).map(|(&r, &n)| (n > 0).then(|| share(r, n))).collect(),
        }
    }
}

/// Loss and accuracy of a model on samples.
fn score_of(
    model: &GruModel,
    block: &SeriesBlock,
    labels: &Labels,
    weights: &[f64],
) -> Result<Score, ClassifyError> {
    let (n, classes) = (block.pixels, labels.classes.len());
    let mut p = vec![0.0f32; classes * n];
    model.predict(block, &mut p)?;
    let (mut tally, mut loss, mut total) = (Tally::new(classes), 0.0, 0.0);
    for (row, &truth) in labels.labels.iter().enumerate() {
        let of = |class: usize| p[class * n + row];
        if of(0).is_nan() {
            continue;
        }
        let truth_at = usize::from(truth);
        let found = (0..classes).max_by(|&a, &b| of(a).total_cmp(&of(b)).then(b.cmp(&a))).unwrap_or(0);
        tally.add(std::iter::once(truth), &[found as i64], 0.0);
        loss -= weights[truth_at] * f64::from(of(truth_at).max(1e-30)).ln();
        total += weights[truth_at];
    }
    Ok(Score { loss: loss / f64::max(total, f64::MIN_POSITIVE), ..tally.score() })
}

/// Standardized samples, `[sample][series][step]`.
struct Standardized {
    values: Vec<f32>,
    labels: Vec<u16>,
    classes: usize,
    series: usize,
    steps: usize,
}

impl Standardized {
    fn new(block: &SeriesBlock, labels: &Labels, mean: &[f32], deviation: &[f32]) -> Self {
        let rows = whole(block);
        let (series, steps, n) = (block.series, block.steps, block.pixels);
        let one = |&row: &usize| {
            (0..series * steps).map(move |plane| {
                let s = plane / steps;
                (block.values[plane * n + row] - mean[s]) / deviation[s]
            })
        };
        Self {
            values: rows.iter().flat_map(one).collect(),
            labels: rows.iter().map(|&r| labels.labels[r]).collect(),
            classes: labels.classes.len(),
            series,
            steps,
        }
    }

    /// `[step, batch, series]` and labels of the samples at `rows`, changed as the parameters say.
    fn batch(
        &self,
        rows: &[usize],
        params: &GruParams,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> (Tensor<3>, Tensor<1, Int>) {
        let (series, steps, n) = (self.series, self.steps, rows.len());
        let mut values = vec![0.0f32; steps * n * series];
        let mut sample = vec![0.0f32; series * steps];
        for (place, &row) in rows.iter().enumerate() {
            sample.copy_from_slice(&self.values[row * series * steps..][..series * steps]);
            if params.drop_dates > 0.0 {
                drop_dates(&mut sample, steps, params.drop_dates, rng);
            }
            if params.noise > 0.0 {
                add_noise(&mut sample, params.noise, rng);
            }
            for (s, line) in sample.chunks_exact(steps).enumerate() {
                for (step, &v) in line.iter().enumerate() {
                    values[(step * n + place) * series + s] = v;
                }
            }
        }
        let labels: Vec<i32> = rows.iter().map(|&r| i32::from(self.labels[r])).collect();
        (
            Tensor::from_data(TensorData::new(values, [steps, n, series]), device),
            Tensor::from_data(TensorData::new(labels, [n]), device),
        )
    }
}

fn learner(reason: String) -> ClassifyError {
    ClassifyError::Learner { learner: "burn", reason }
}

/// Tells trainings apart.
fn fingerprint(block: &SeriesBlock, labels: &Labels, params: &GruParams, seed: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (block.series, block.steps, block.pixels, seed, &labels.classes, &labels.labels).hash(&mut hasher);
    block.values.iter().for_each(|v| v.to_bits().hash(&mut hasher));
    format!("{params:?}").hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::classify::testing::{agreement, seasons};

    fn quick() -> GruParams {
        GruParams {
            hidden: 12,
            dense: 8,
            epochs: Some(8),
            batch: Some(32),
            learning_rate: 0.01,
            ..GruParams::default()
        }
    }

    /// Keeps what it is given, and stops at a share.
    struct Keeper {
        stop: f64,
        kept: Mutex<Option<Vec<u8>>>,
        epochs: Mutex<Vec<usize>>,
    }

    impl Watch for Keeper {
        fn go_on(&self, share: f64) -> bool {
            share < self.stop
        }
        fn epoch(&self, _: &str, epoch: &Epoch) {
            self.epochs.lock().unwrap().push(epoch.epoch);
        }
        fn resume(&self, _: &str) -> Option<Vec<u8>> {
            self.kept.lock().unwrap().clone()
        }
        fn keep(&self, _: &str, state: &[u8]) -> Result<(), String> {
            *self.kept.lock().unwrap() = Some(state.to_vec());
            Ok(())
        }
    }

    #[test]
    fn a_network_learns_the_made_up_seasons_and_its_curves_say_so() {
        let (samples, labels) = seasons(240, 1);
        let (test, truth) = seasons(120, 2);
        let keeper = Keeper { stop: 2.0, kept: Mutex::default(), epochs: Mutex::default() };
        let params = GruParams { epochs: Some(25), drop_dates: 0.2, noise: 0.05, ..quick() };
        let (model, settled) = train(&samples.block(), &labels, None, &params, 1, &keeper).unwrap();
        let right = agreement(&model.predict_labels(&test.block()).unwrap(), &truth.labels);
        assert!(right > 0.9, "{right}");
        assert_eq!(*keeper.epochs.lock().unwrap(), (1..=25).collect::<Vec<_>>());
        assert_eq!((settled.epochs, settled.patience), (Some(25), Some(0)));
        assert!(model.problem().is_none());
    }

    #[test]
    fn a_training_that_was_interrupted_goes_on_to_the_same_model() {
        let (samples, labels) = seasons(96, 1);
        let held = seasons(48, 2);
        let params = GruParams { drop_dates: 0.1, ..quick() };
        let go = |watch: &dyn Watch| {
            train(&samples.block(), &labels, Some((&held.0.block(), &held.1)), &params, 3, watch)
        };
        let (whole, _) = go(&|_: f64| true).unwrap();
        let first = Keeper { stop: 0.45, kept: Mutex::default(), epochs: Mutex::default() };
        assert!(matches!(go(&first), Err(ClassifyError::Boost(BoostError::Cancelled))));
        let second = Keeper {
            stop: 2.0,
            kept: Mutex::new(first.kept.into_inner().unwrap()),
            epochs: Mutex::default(),
        };
        let (resumed, _) = go(&second).unwrap();
        assert_eq!(resumed, whole);
        assert!(second.epochs.into_inner().unwrap().len() >= 8, "the epochs before are told again");
    }

    #[test]
    fn the_best_epoch_is_kept_and_training_stops_after_patience() {
        let (samples, labels) = seasons(60, 1);
        // Labels that nothing can be learned of: the loss on others soon rises.
        let (held, mut wrong) = seasons(60, 2);
        wrong.labels.rotate_left(1);
        let params = GruParams { epochs: Some(200), patience: Some(3), ..quick() };
        let keeper = Keeper { stop: 2.0, kept: Mutex::default(), epochs: Mutex::default() };
        let (_, settled) =
            train(&samples.block(), &labels, Some((&held.block(), &wrong)), &params, 1, &keeper).unwrap();
        let told = keeper.epochs.into_inner().unwrap().len();
        assert!(told < 200 && settled.epochs == Some(told - 3), "{told} {:?}", settled.epochs);
    }

    #[test]
    fn a_loss_that_is_no_number_stops_training_and_names_the_batch() {
        let (samples, labels) = seasons(60, 1);
        let (block, params) = (samples.block(), quick());
        let (mean, deviation) = standard(&block);
        let training = Standardized::new(&block, &labels, &mean, &deviation);
        let device = Device::flex().autodiff();
        let go_on = |_: f64| true;
        let mut run = Run::start(&training, &params, 1, 0, &go_on, &device).unwrap();
        let mut weights = run.trainee.weights(params.pooling).unwrap();
        weights.output[0] = f32::NAN;
        run.trainee = Trainee::new(&weights, &device);
        let error = run.epoch(&training, &[1.0; 3], 1, &go_on).unwrap_err().to_string();
        assert!(error.contains("epoch 1, batch 1 of 2"), "{error}");
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let (samples, labels) = seasons(60, 1);
        for (params, name) in [
            (GruParams { hidden: 0, ..quick() }, "hidden"),
            (GruParams { drop_dates: 1.5, ..quick() }, "dropDates"),
            (GruParams { learning_rate: f64::NAN, ..quick() }, "learningRate"),
        ] {
            let error = train(&samples.block(), &labels, None, &params, 1, &|_: f64| true).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
