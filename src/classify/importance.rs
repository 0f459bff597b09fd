//! Permutation importance (Breiman 2001, section 10; Fisher et al. 2019): how much accuracy a
//! classifier of any kind loses when the values of one step, one series or one window of the
//! season are exchanged between the validation samples.

use std::ops::RangeInclusive;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::classifier::check_samples;
use super::{Classifier, ClassifyError, Labels, SeriesBlock};

/// What is exchanged together, so that it stays consistent in itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Part {
    /// One step of one series.
    Value {
        /// The series.
        series: usize,
        /// The step.
        step: usize,
    },
    /// All steps of one series.
    Series {
        /// The series.
        series: usize,
    },
    /// Some successive steps of all series.
    Window {
        /// The first and the last step.
        steps: RangeInclusive<usize>,
    },
}

/// How much a part matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// What was exchanged.
    pub part: Part,
    /// Mean loss of overall accuracy; about 0, or below, for a part that does not matter.
    pub loss: f64,
    /// Standard deviation of the loss over the repetitions (divisor n - 1).
    pub deviation: f64,
}

/// Every step of every series by itself.
pub fn each_value(series: usize, steps: usize) -> Vec<Part> {
    (0..series).flat_map(|series| (0..steps).map(move |step| Part::Value { series, step })).collect()
}

/// Windows of `length` steps that cover the season side by side; the last may be shorter.
pub fn each_window(steps: usize, length: usize) -> Vec<Part> {
    let length = length.max(1);
    let window = |first: usize| Part::Window { steps: first..=(first + length).min(steps) - 1 };
    (0..steps).step_by(length).map(window).collect()
}

/// The importance of each part on validation samples, in the order of `parts`. Each part is
/// exchanged `repetitions` times, in the same orders for all parts.
///
/// # Errors
///
/// Samples that do not fit the classifier, no repetition, a part outside of the series.
pub fn permutation_importance(
    classifier: &dyn Classifier,
    series: &SeriesBlock,
    labels: &Labels,
    parts: &[Part],
    repetitions: usize,
    seed: u64,
) -> Result<Vec<Importance>, ClassifyError> {
    check_samples(series, labels)?;
    if repetitions == 0 {
        return Err(ClassifyError::parameter("repetitions", "must be at least 1"));
    }
    let planes: Vec<Vec<usize>> = parts.iter().map(|p| planes_of(p, series)).collect::<Result<_, _>>()?;
    let orders: Vec<Vec<usize>> = (0..repetitions as u64)
        .map(|r| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(r);
            let mut order: Vec<usize> = (0..series.pixels).collect();
            order.shuffle(&mut rng);
            order
        })
        .collect();
    let accuracy = |values: &[f32]| -> Result<f64, ClassifyError> {
        let found = classifier.predict_labels(&SeriesBlock { values, ..*series })?;
        let right = found.iter().zip(&labels.labels).filter(|(a, b)| a == b).count();
        Ok(right as f64 / series.pixels as f64)
    };
    let whole = accuracy(series.values)?;
    let losses = |planes: &Vec<usize>| -> Result<Vec<f64>, ClassifyError> {
        let mut values = series.values.to_vec();
        let exchanged = orders.iter().map(|order| {
            for &plane in planes {
                let start = plane * series.pixels;
                for (to, &from) in order.iter().enumerate() {
                    values[start + to] = series.values[start + from];
                }
            }
            accuracy(&values).map(|a| whole - a)
        });
        exchanged.collect()
    };
    let losses: Vec<Vec<f64>> = planes.par_iter().map(losses).collect::<Result<_, _>>()?;
    let summary = |(part, losses): (&Part, Vec<f64>)| {
        let n = losses.len() as f64;
        let loss = losses.iter().sum::<f64>() / n;
        let squares: f64 = losses.iter().map(|l| (l - loss).powi(2)).sum();
        Importance { part: part.clone(), loss, deviation: (squares / (n - 1.0).max(1.0)).sqrt() }
    };
    Ok(parts.iter().zip(losses).map(summary).collect())
}

/// The planes `[series][step]` of a part.
fn planes_of(part: &Part, block: &SeriesBlock) -> Result<Vec<usize>, ClassifyError> {
    let steps = block.steps;
    let (planes, inside): (Vec<usize>, bool) = match part {
        Part::Value { series, step } => {
            (vec![series * steps + step], *series < block.series && *step < steps)
        }
        Part::Series { series } => ((series * steps..(series + 1) * steps).collect(), *series < block.series),
        Part::Window { steps: window } => {
            let of_series = |s: usize| window.clone().map(move |step| s * steps + step);
            ((0..block.series).flat_map(of_series).collect(), !window.is_empty() && *window.end() < steps)
        }
    };
    if !inside {
        let reason = format!("{part:?} lies outside of {} series of {steps} steps", block.series);
        return Err(ClassifyError::parameter("part", reason));
    }
    Ok(planes)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Series;
    use super::super::{ForestParams, forest};
    use super::*;

    #[test]
    fn only_the_step_that_tells_the_classes_apart_matters() {
        // Two series of three steps; the second series' middle step is the class, the rest alike.
        let n = 60;
        let mut samples = Series { series: 2, steps: 3, pixels: n, values: vec![0.5; 6 * n] };
        let labels =
            Labels { classes: vec!["a".into(), "b".into()], labels: (0..n as u16).map(|i| i % 2).collect() };
        for i in 0..n {
            samples.set(1, 1, i, (i % 2) as f32);
        }
        let model =
            forest::train(&samples.block(), &labels, None, &ForestParams::default(), 1, &|_| true).unwrap();
        let mut parts = each_value(2, 3);
        parts.extend([Part::Series { series: 0 }, Part::Series { series: 1 }]);
        parts.extend(each_window(3, 2));
        let found = permutation_importance(&model, &samples.block(), &labels, &parts, 8, 3).unwrap();
        let matters: Vec<&Part> = found.iter().filter(|i| i.loss > 0.3).map(|i| &i.part).collect();
        let expected =
            [Part::Value { series: 1, step: 1 }, Part::Series { series: 1 }, Part::Window { steps: 0..=1 }];
        assert_eq!(matters, expected.iter().collect::<Vec<_>>());
        assert!(found.iter().all(|i| i.loss == 0.0 || i.loss > 0.3), "{found:?}");
        let again = permutation_importance(&model, &samples.block(), &labels, &parts, 8, 3).unwrap();
        assert_eq!(found, again);
        let outside = [Part::Value { series: 2, step: 0 }];
        let error = permutation_importance(&model, &samples.block(), &labels, &outside, 8, 3).unwrap_err();
        assert!(error.to_string().contains("part"));
    }
}
