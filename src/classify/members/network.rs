//! Back-propagation network (Rumelhart et al. 1986): one hidden layer of rectified units, trained
//! by burn (cross-entropy, Adam) and evaluated here, lane by lane.

#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the wide registers")]

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::lanes::{LANES, Lane, LaneModel, Packed, ROWS, products, softmax};
use crate::classify::watch::{Parts, Watch};
use crate::classify::{ClassifyError, Labels};

/// Parameters of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkParams {
    /// Units of the hidden layer.
    pub hidden: usize,
    /// Rounds over the training samples.
    pub epochs: usize,
    /// Samples of a step.
    pub batch: usize,
    /// Learning rate of Adam.
    pub learning_rate: f64,
}

impl Default for NetworkParams {
    fn default() -> Self {
        Self { hidden: 64, epochs: 150, batch: 128, learning_rate: 2e-3 }
    }
}

/// The trained layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::classify) struct Network {
    hidden: Layer,
    output: Layer,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Layer {
    weights: Packed,
    bias: Vec<f32>,
}

/// The network as burn trains it.
#[derive(Module, Debug)]
struct Trainee {
    hidden: Linear,
    output: Linear,
}

impl Trainee {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.output.forward(relu(self.hidden.forward(x)))
    }
}

impl Network {
    pub fn train(
        rows: &[Vec<f32>],
        labels: &Labels,
        params: &NetworkParams,
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<Self, ClassifyError> {
        for (name, value) in [
            ("network.hidden", params.hidden),
            ("network.epochs", params.epochs),
            ("network.batch", params.batch),
        ] {
            if value == 0 {
                return Err(ClassifyError::parameter(name, "must be at least 1"));
            }
        }
        if params.learning_rate <= 0.0 || !params.learning_rate.is_finite() {
            return Err(ClassifyError::parameter("network.learningRate", "must be a number above 0"));
        }
        let columns = rows.first().map_or(0, Vec::len);
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut trainee = Trainee {
            hidden: linear(columns, params.hidden, &device, &mut rng),
            output: linear(params.hidden, labels.classes.len(), &device, &mut rng),
        };
        let loss = CrossEntropyLossConfig::new().init(&device);
        let mut adam = AdamConfig::new().init();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let epochs = Parts::new(watch, params.epochs);
        for _ in 0..params.epochs {
            epochs.next()?;
            order.shuffle(&mut rng);
            for batch in order.chunks(params.batch) {
                let values: Vec<f32> = batch.iter().flat_map(|&r| rows[r].iter().copied()).collect();
                let targets: Vec<i32> = batch.iter().map(|&r| i32::from(labels.labels[r])).collect();
                let x = Tensor::<2>::from_data(TensorData::new(values, [batch.len(), columns]), &device);
                let y = Tensor::<1, Int>::from_data(TensorData::new(targets, [batch.len()]), &device);
                let gradients = loss.forward(trainee.forward(x), y).backward();
                let gradients = GradientsParams::from_grads(gradients, &trainee);
                trainee = adam.step(params.learning_rate, trainee, gradients);
            }
        }
        Ok(Self { hidden: Layer::of(&trainee.hidden)?, output: Layer::of(&trainee.output)? })
    }
}

impl Network {
    /// Whether a model from a file reads so many columns and tells so many classes apart.
    pub fn fits(&self, columns: usize, classes: usize) -> bool {
        let hidden = self.output.weights.columns();
        self.hidden.fits(columns, hidden) && self.output.fits(hidden, classes)
    }
}

/// A layer with weights drawn evenly from `+-1 / sqrt(inputs)`.
fn linear(inputs: usize, outputs: usize, device: &Device, rng: &mut ChaCha8Rng) -> Linear {
    let limit = 1.0 / (inputs as f32).sqrt();
    let mut draw = |n: usize| -> Vec<f32> { (0..n).map(|_| rng.random_range(-limit..limit)).collect() };
    Linear {
        weight: Param::from_data(TensorData::new(draw(inputs * outputs), [inputs, outputs]), device),
        bias: Some(Param::from_data(TensorData::new(draw(outputs), [outputs]), device)),
    }
}

impl Layer {
    fn of(linear: &Linear) -> Result<Self, ClassifyError> {
        let failed = |e: String| ClassifyError::Learner { learner: "back-propagation network", reason: e };
        let values = |data: TensorData| data.try_to_vec::<f32>().map_err(|e| failed(format!("{e:?}")));
        let [inputs, outputs] = linear.weight.val().dims();
        let weights = values(linear.weight.val().into_data())?;
        let mut bias = match &linear.bias {
            Some(bias) => values(bias.val().into_data())?,
            None => vec![0.0; outputs],
        };
        if weights.iter().chain(&bias).any(|w| !w.is_finite()) {
            return Err(failed("training diverged; a smaller learningRate may help".into()));
        }
        let rows: Vec<Vec<f32>> =
            (0..outputs).map(|o| (0..inputs).map(|i| weights[i * outputs + o]).collect()).collect();
        bias.resize(outputs.next_multiple_of(ROWS), 0.0);
        Ok(Self { weights: Packed::new(&rows), bias })
    }

    fn fits(&self, inputs: usize, outputs: usize) -> bool {
        let rows = outputs.checked_next_multiple_of(ROWS);
        rows.is_some_and(|rows| self.weights.fits(inputs, rows) && self.bias.len() == rows)
    }

    /// Values of the outputs, as many as `out` takes.
    #[inline(always)]
    fn forward(&self, x: &[Lane], out: &mut [Lane]) {
        let blocks = self.weights.blocks().zip(self.bias.chunks_exact(ROWS));
        for ((block, bias), out) in blocks.zip(out.chunks_mut(ROWS)) {
            let product = products(x, block);
            for ((out, product), &bias) in out.iter_mut().zip(&product).zip(bias) {
                for l in 0..LANES {
                    out[l] = product[l] + bias;
                }
            }
        }
    }
}

impl LaneModel for Network {
    type Scratch = Vec<Lane>;

    fn scratch(&self) -> Vec<Lane> {
        vec![[0.0; LANES]; self.output.weights.columns()]
    }

    #[inline(always)]
    fn lanes(&self, x: &[Lane], hidden: &mut Vec<Lane>, out: &mut [Lane]) {
        self.hidden.forward(x, hidden);
        for unit in hidden.iter_mut() {
            for value in unit {
                *value = if *value > 0.0 { *value } else { 0.0 };
            }
        }
        self.output.forward(hidden, out);
        softmax(out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests;
    use super::*;

    #[test]
    fn the_hand_checked_network_answers_as_computed_by_hand() {
        let layer =
            |rows: &[Vec<f32>], bias: &[f32]| Layer { weights: Packed::new(rows), bias: bias.to_vec() };
        // One hidden unit max(0, 2x - 1); outputs h and 0.
        let network = Network {
            hidden: layer(&[vec![2.0]], &[-1.0, 0.0, 0.0, 0.0]),
            output: layer(&[vec![1.0], vec![0.0]], &[0.0; 4]),
        };
        let mut out = [0.0; 4];
        super::super::lanes::predict(&network, &[0.0, 2.0], 2, &mut out);
        let p = 1.0 / (1.0 + (-3f32).exp());
        for (found, expected) in out.iter().zip([0.5, p, 0.5, 1.0 - p]) {
            assert!((found - expected).abs() < 1e-6, "{out:?}");
        }
    }

    #[test]
    fn a_network_learns_the_made_up_seasons_alike_by_the_same_seed() {
        let (rows, labels) = tests::table(240, 1);
        let (test, truth) = tests::table(240, 2);
        let params = NetworkParams { epochs: 40, ..NetworkParams::default() };
        let network = Network::train(&rows, &labels, &params, 1, &|_| true).unwrap();
        let agreement =
            crate::classify::testing::agreement(&tests::labels_of(&network, &test, 3), &truth.labels);
        assert!(agreement > 0.93, "{agreement}");
        assert_eq!(network, Network::train(&rows, &labels, &params, 1, &|_| true).unwrap());
    }

    #[test]
    fn bad_parameters_are_refused_by_name() {
        let (rows, labels) = tests::table(9, 1);
        let params = NetworkParams { hidden: 0, ..NetworkParams::default() };
        assert!(
            Network::train(&rows, &labels, &params, 0, &|_| true)
                .unwrap_err()
                .to_string()
                .contains("network.hidden")
        );
    }
}
