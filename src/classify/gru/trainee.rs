//! The network as burn trains it.

use burn::module::{Module, Param, ParamId};
use burn::nn::Linear;
use burn::tensor::activation::{relu, sigmoid, tanh};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{GruParams, GruWeights, Pooling};
use crate::classify::ClassifyError;

/// The network. burn's own `Gru` has six matrices a step and copies all states at every step;
/// this one multiplies by three, and a test holds the two together.
#[derive(Module, Debug)]
pub struct Trainee {
    input: Param<Tensor<2>>,
    gates: Param<Tensor<2>>,
    candidate: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    dense: Linear,
    output: Linear,
}

impl GruWeights {
    /// Weights drawn evenly from `+-1 / sqrt(n)`, `n` the hidden units or a layer's inputs.
    pub fn draw(series: usize, classes: usize, params: &GruParams, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (h, d) = (params.hidden, params.dense);
        let read = params.pooling.width() * h;
        let mut draw = |n: usize, fan: usize| -> Vec<f32> {
            let limit = 1.0 / (fan as f32).sqrt();
            (0..n).map(|_| rng.random_range(-limit..limit)).collect()
        };
        Self {
            pooling: params.pooling,
            hidden: h,
            input: draw(series * 3 * h, h),
            recurrent: draw(h * 3 * h, h),
            bias: draw(3 * h, h),
            dense: draw(read * d, read),
            dense_bias: draw(d, read),
            output: draw(d * classes, d),
            output_bias: draw(classes, d),
        }
    }
}

impl Trainee {
    /// The network with these weights.
    pub fn new(weights: &GruWeights, device: &Device) -> Self {
        let (h, d, classes) = (weights.hidden, weights.dense_bias.len(), weights.output_bias.len());
        // Fixed ids: the optimizer's state is kept by them.
        let mut ids = (1..).map(ParamId::from);
        let mut id = || ids.next().unwrap_or_default();
        let mut matrix = |values: Vec<f32>, columns: usize| {
            let rows = values.len() / columns;
            let data = TensorData::new(values, [rows, columns]);
            let mut param = Param::<Tensor<2>>::from_data(data, device);
            param.id = id();
            param
        };
        let part = |columns: std::ops::Range<usize>| -> Vec<f32> {
            weights.recurrent.chunks_exact(3 * h).flat_map(|row| row[columns.clone()].to_vec()).collect()
        };
        let (input, gates) = (matrix(weights.input.clone(), 3 * h), matrix(part(0..2 * h), 2 * h));
        let candidate = matrix(part(2 * h..3 * h), h);
        let (dense, output) = (matrix(weights.dense.clone(), d), matrix(weights.output.clone(), classes));
        let mut vector = |values: &[f32]| {
            let data = TensorData::new(values.to_vec(), [values.len()]);
            let mut param = Param::<Tensor<1>>::from_data(data, device);
            param.id = id();
            param
        };
        Self {
            input,
            gates,
            candidate,
            bias: vector(&weights.bias),
            dense: Linear { weight: dense, bias: Some(vector(&weights.dense_bias)) },
            output: Linear { weight: output, bias: Some(vector(&weights.output_bias)) },
        }
    }

    /// Scores `[batch, classes]` of series `[step, batch, series]`, before softmax.
    pub fn forward(&self, x: Tensor<3>, pooling: Pooling) -> Tensor<2> {
        let [steps, batch, series] = x.dims();
        let hidden = self.candidate.val().dims()[0];
        let mut state = Tensor::<2>::zeros([batch, hidden], &x.device());
        let mut total: Option<Tensor<2>> = None;
        let bias = self.bias.val().reshape([1, 3 * hidden]);
        for step in 0..steps {
            let x = x.clone().slice([step..step + 1, 0..batch, 0..series]).reshape([batch, series]);
            let from_input = x.matmul(self.input.val()) + bias.clone();
            let gates = from_input.clone().slice([0..batch, 0..2 * hidden]);
            let gates = sigmoid(gates + state.clone().matmul(self.gates.val()));
            let update = gates.clone().slice([0..batch, 0..hidden]);
            let reset = gates.slice([0..batch, hidden..2 * hidden]);
            let candidate = from_input.slice([0..batch, 2 * hidden..3 * hidden]);
            let candidate = tanh(candidate + (reset * state.clone()).matmul(self.candidate.val()));
            state = candidate.clone() + update * (state - candidate);
            if pooling != Pooling::Last {
                total = Some(match total {
                    None => state.clone(),
                    Some(total) => total + state.clone(),
                });
            }
        }
        let mean = total.map(|t| t / steps as f64);
        let read = match (pooling, mean) {
            (Pooling::Mean, Some(mean)) => mean,
            (Pooling::LastAndMean, Some(mean)) => Tensor::cat(vec![state, mean], 1),
            _ => state,
        };
        self.output.forward(relu(self.dense.forward(read)))
    }

    /// The weights as they are now.
    ///
    /// # Errors
    /// [`ClassifyError::Learner`] where the device does not give them back.
    pub fn weights(&self, pooling: Pooling) -> Result<GruWeights, ClassifyError> {
        let failed = |e: String| ClassifyError::Learner { learner: "burn", reason: e };
        let values = |data: TensorData| data.try_to_vec::<f32>().map_err(|e| failed(format!("{e:?}")));
        let matrix = |param: &Param<Tensor<2>>| values(param.val().into_data());
        let vector = |param: &Param<Tensor<1>>| values(param.val().into_data());
        let bias = |linear: &Linear| linear.bias.as_ref().map_or_else(|| Ok(Vec::new()), vector);
        let [hidden, _] = self.candidate.val().dims();
        let (gates, candidate) = (matrix(&self.gates)?, matrix(&self.candidate)?);
        let rows = gates.chunks_exact(2 * hidden).zip(candidate.chunks_exact(hidden));
        Ok(GruWeights {
            pooling,
            hidden,
            input: matrix(&self.input)?,
            recurrent: rows.flat_map(|(gates, candidate)| [gates, candidate].concat()).collect(),
            bias: vector(&self.bias)?,
            dense: matrix(&self.dense.weight)?,
            dense_bias: bias(&self.dense)?,
            output: matrix(&self.output.weight)?,
            output_bias: bias(&self.output)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::Linear;
    use burn::nn::gru::{Gru, GruConfig};

    use super::*;
    use crate::classify::fused::{GruKernel, Lanes};

    fn numbers(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| rng.random_range(-1.5..1.5)).collect()
    }

    /// Series `[step][batch][series]` as `[series][step][batch]`.
    fn planes(x: &[f32], steps: usize, batch: usize, series: usize) -> Vec<f32> {
        let at = |s: usize, t: usize, b: usize| x[(t * batch + b) * series + s];
        let order =
            (0..series).flat_map(|s| (0..steps).flat_map(move |t| (0..batch).map(move |b| (s, t, b))));
        order.map(|(s, t, b)| at(s, t, b)).collect()
    }

    #[test]
    fn the_kernel_equals_burn_within_1e_5_in_every_version() {
        for (pooling, hidden, series, classes, steps, batch) in [
            (Pooling::Last, 64, 8, 3, 33, 70),
            (Pooling::Mean, 20, 3, 2, 7, 5),
            (Pooling::LastAndMean, 33, 5, 9, 12, 40),
        ] {
            let params = GruParams { hidden, pooling, dense: 13, ..GruParams::default() };
            let mut weights = GruWeights::draw(series, classes, &params, 1);
            // Wider than at the start, as training leaves them.
            weights.input.iter_mut().for_each(|w| *w *= 4.0);
            weights.recurrent.iter_mut().for_each(|w| *w *= 2.0);
            let device = Device::flex();
            let x = numbers(steps * batch * series, 2);
            let trainee = Trainee::new(&weights, &device);
            let tensor = Tensor::<3>::from_data(TensorData::new(x.clone(), [steps, batch, series]), &device);
            let scores = trainee.forward(tensor, pooling);
            let expected = burn::tensor::activation::softmax(scores, 1).into_data();
            let expected: Vec<f32> = expected.iter::<f32>().collect();
            assert_eq!(trainee.weights(pooling).unwrap(), weights);

            // The kernel standardizes: give it the series as they were before.
            let (mean, deviation) = (numbers(series, 3), vec![0.4f32; series]);
            let mut raw = planes(&x, steps, batch, series);
            for (s, values) in raw.chunks_exact_mut(steps * batch).enumerate() {
                for v in values {
                    *v = *v * deviation[s] + mean[s];
                }
            }
            for lanes in Lanes::available() {
                let kernel = GruKernel::new(&weights, &mean, &deviation).with_lanes(lanes);
                let mut out = vec![0.0; classes * batch];
                kernel.predict(&raw, batch, steps, &mut out);
                for (k, p) in out.iter().enumerate() {
                    let e = expected[(k % batch) * classes + k / batch];
                    assert!((p - e).abs() < 1e-5, "{} {pooling:?} {k}: {p} {e}", lanes.name());
                }
            }
        }
    }

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Reference {
        series: usize,
        hidden: usize,
        steps: usize,
        batch: usize,
        x: Vec<f32>,
        labels: Vec<i32>,
        class_weights: Vec<f32>,
        weights: Weights,
        scores: Vec<f32>,
        loss: f32,
        gradients: Weights,
    }

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Weights {
        input: Vec<f32>,
        recurrent: Vec<f32>,
        bias: Vec<f32>,
        dense: Vec<f32>,
        dense_bias: Vec<f32>,
        output: Vec<f32>,
        output_bias: Vec<f32>,
    }

    impl Weights {
        fn network(self, hidden: usize) -> GruWeights {
            let Self { input, recurrent, bias, dense, dense_bias, output, output_bias } = self;
            let pooling = Pooling::LastAndMean;
            GruWeights { pooling, hidden, input, recurrent, bias, dense, dense_bias, output, output_bias }
        }
    }

    #[test]
    fn scores_loss_and_gradients_are_those_of_pytorch() {
        let text = include_str!("../../../tests/reference/gru/gru.json");
        let r: Reference = serde_json::from_str(text).unwrap();
        let device = Device::flex().autodiff();
        let trainee = Trainee::new(&r.weights.network(r.hidden), &device);
        let x = TensorData::new(r.x, [r.steps, r.batch, r.series]);
        let scores = trainee.forward(Tensor::<3>::from_data(x, &device), Pooling::LastAndMean);
        let near = |found: Vec<f32>, expected: &[f32], what: &str| {
            assert_eq!(found.len(), expected.len(), "{what}");
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() < 2e-6 * b.abs().max(1.0), "{what}: {a} {b}");
            }
        };
        near(scores.clone().into_data().iter::<f32>().collect(), &r.scores, "scores");
        let labels = TensorData::new(r.labels, [r.batch]);
        let loss = burn::nn::loss::CrossEntropyLossConfig::new()
            .with_weights(Some(r.class_weights))
            .init(&device)
            .forward(scores, Tensor::<1, burn::tensor::Int>::from_data(labels, &device));
        near(loss.clone().into_data().iter::<f32>().collect(), &[r.loss], "loss");
        let all = loss.backward();
        let of = |matrix: &Param<Tensor<2>>| -> Vec<f32> {
            matrix.val().grad(&all).unwrap().into_data().iter::<f32>().collect()
        };
        let of_bias = |bias: &Param<Tensor<1>>| -> Vec<f32> {
            bias.val().grad(&all).unwrap().into_data().iter::<f32>().collect()
        };
        let (gates, candidate) = (of(&trainee.gates), of(&trainee.candidate));
        let rows = gates.chunks_exact(2 * r.hidden).zip(candidate.chunks_exact(r.hidden));
        let recurrent: Vec<f32> = rows.flat_map(|(gates, new)| [gates, new].concat()).collect();
        near(of(&trainee.input), &r.gradients.input, "input");
        near(recurrent, &r.gradients.recurrent, "recurrent");
        near(of_bias(&trainee.bias), &r.gradients.bias, "bias");
        near(of(&trainee.dense.weight), &r.gradients.dense, "dense");
        near(of_bias(trainee.dense.bias.as_ref().unwrap()), &r.gradients.dense_bias, "dense bias");
        near(of(&trainee.output.weight), &r.gradients.output, "output");
        near(of_bias(trainee.output.bias.as_ref().unwrap()), &r.gradients.output_bias, "output bias");
    }

    #[test]
    fn the_network_is_burns_own_gru_with_the_reset_before_the_product() {
        let params = GruParams { hidden: 6, dense: 4, pooling: Pooling::Last, ..GruParams::default() };
        let (series, steps, batch, h) = (3, 5, 4, 6);
        let weights = GruWeights::draw(series, 2, &params, 5);
        let device = Device::flex();
        let columns = |values: &[f32], gate: usize| -> Vec<f32> {
            values.chunks_exact(3 * h).flat_map(|row| row[gate * h..(gate + 1) * h].to_vec()).collect()
        };
        let linear = |values: Vec<f32>, bias: Vec<f32>| Linear {
            weight: Param::from_data(TensorData::new(values.clone(), [values.len() / h, h]), &device),
            bias: Some(Param::from_data(TensorData::new(bias, [h]), &device)),
        };
        let mut gru: Gru = GruConfig::new(series, h, true).with_reset_after(false).init(&device);
        for (gate, controller) in
            [&mut gru.update_gate, &mut gru.reset_gate, &mut gru.new_gate].into_iter().enumerate()
        {
            controller.input_transform = linear(columns(&weights.input, gate), columns(&weights.bias, gate));
            controller.hidden_transform = linear(columns(&weights.recurrent, gate), vec![0.0; h]);
        }
        let x = numbers(steps * batch * series, 6);
        let x = Tensor::<3>::from_data(TensorData::new(x, [steps, batch, series]), &device);
        let states = gru.forward(x.clone().swap_dims(0, 1), None);
        let last = states.slice([0..batch, steps - 1..steps, 0..h]).reshape([batch, h]);
        let trainee = Trainee::new(&weights, &device);
        let expected = trainee.output.forward(relu(trainee.dense.forward(last)));
        let found = trainee.forward(x, Pooling::Last);
        let apart = (expected - found).abs().max().into_data().iter::<f32>().next().unwrap();
        assert!(apart < 1e-6, "{apart}");
    }
}
