//! The classifiers against pyts and scikit-learn (`tests/reference/classifiers`).

use serde_json::Value;

use super::members::{Machine, Neighbours, predict};
use super::testing::agreement;
use super::{
    Classifier, ForestParams, Labels, Link, SeriesBlock, SeriesTrees, Tree, TreeEnsemble, TsrfParams, forest,
    most_probable, tsrf,
};
use crate::predictors::{Interval, Predictor, PredictorSet};

const STEPS: usize = 20;
const CLASSES: usize = 3;

struct Reference {
    json: Value,
    train: Vec<Vec<f32>>,
    test: Vec<Vec<f32>>,
    labels: Labels,
    truth: Vec<u16>,
}

impl Reference {
    fn read() -> Self {
        let json: Value =
            serde_json::from_str(include_str!("../../tests/reference/classifiers/classifiers.json")).unwrap();
        let rows = |name: &str| serde_json::from_value(json[name].clone()).unwrap();
        let labels = |name: &str| serde_json::from_value(json[name].clone()).unwrap();
        let classes = ["single-rice", "double-rice", "non-rice"].map(String::from).to_vec();
        Self {
            train: rows("train"),
            test: rows("test"),
            labels: Labels { classes, labels: labels("labels") },
            truth: labels("truth"),
            json,
        }
    }

    /// The trees of scikit-learn, over `features` columns.
    fn trees(&self, of: &str, features: usize) -> TreeEnsemble {
        let trees: Vec<Tree> = serde_json::from_value(self.json[of]["trees"].clone()).unwrap();
        TreeEnsemble { features, classes: CLASSES, link: Link::Average, base: Vec::new(), trees }
    }

    /// Holds probabilities `[class][pixel]` against the tool's, `[pixel][class]`.
    fn check(&self, of: &str, found: &[f32]) {
        let expected: Vec<Vec<f32>> = serde_json::from_value(self.json[of]["probabilities"].clone()).unwrap();
        for (pixel, expected) in expected.iter().enumerate() {
            for (class, &expected) in expected.iter().enumerate() {
                let found = found[class * self.test.len() + pixel];
                assert!((found - expected).abs() < 1e-6, "{of}: pixel {pixel}: {found}, not {expected}");
            }
        }
    }

    /// Holds our own training against the tool's, on samples that neither has seen.
    fn check_training(&self, of: &str, model: &impl Classifier) {
        let own = agreement(&model.predict_labels(&block(&planes(&self.test))).unwrap(), &self.truth);
        let theirs = self.json[of]["accuracyOf100"].as_f64().unwrap();
        assert!(own > theirs - 0.03, "{of}: {own}, not about {theirs}");
    }
}

/// `[pixel][step]` to `[step][pixel]`.
fn planes(rows: &[Vec<f32>]) -> Vec<f32> {
    (0..STEPS).flat_map(|step| rows.iter().map(move |row| row[step])).collect()
}

fn block(planes: &[f32]) -> SeriesBlock<'_> {
    SeriesBlock { series: 1, steps: STEPS, pixels: planes.len() / STEPS, values: planes }
}

fn score(predictors: &[Predictor], trees: TreeEnsemble, rows: &[Vec<f32>]) -> Vec<f32> {
    let predictors = PredictorSet::for_each_series(1, STEPS, predictors);
    let mut out = vec![0.0; CLASSES * rows.len()];
    let classes = vec![String::new(); CLASSES];
    let model = SeriesTrees::new(classes, 1, predictors, trees);
    model.predict(&block(&planes(rows)), &mut out).unwrap();
    out
}

#[test]
fn a_time_series_forest_of_pyts_answers_as_pyts_does() {
    let reference = Reference::read();
    let intervals: Vec<[usize; 2]> =
        serde_json::from_value(reference.json["tsrf"]["intervals"].clone()).unwrap();
    let predictors: Vec<Predictor> = intervals
        .iter()
        .map(|&[start, end]| Interval { start, end: end - 1 })
        .flat_map(|i| [Predictor::Mean(i), Predictor::Deviation(i), Predictor::Slope(i)])
        .collect();
    let trees = reference.trees("tsrf", predictors.len());
    reference.check("tsrf", &score(&predictors, trees, &reference.test));
}

#[test]
fn a_random_forest_of_scikit_learn_answers_as_scikit_learn_does() {
    let reference = Reference::read();
    let values: Vec<Predictor> = (0..STEPS).map(|step| Predictor::Value { step }).collect();
    reference.check("forest", &score(&values, reference.trees("forest", STEPS), &reference.test));
}

#[test]
fn our_own_forests_are_as_right_as_those_of_pyts_and_scikit_learn() {
    let reference = Reference::read();
    let train = planes(&reference.train);
    let (samples, labels) = (block(&train), &reference.labels);
    let tsrf = tsrf::train(&samples, labels, None, &TsrfParams::default(), 1, &|_| true).unwrap();
    reference.check_training("tsrf", &tsrf);
    let forest = forest::train(&samples, labels, None, &ForestParams::default(), 1, &|_| true).unwrap();
    reference.check_training("forest", &forest);
}

#[test]
fn the_nearest_neighbours_vote_as_those_of_scikit_learn() {
    let reference = Reference::read();
    let model = Neighbours::train(&reference.train, &reference.labels, 5).unwrap();
    let mut out = vec![0.0; CLASSES * reference.test.len()];
    predict(&model, &planes(&reference.test), reference.test.len(), &mut out);
    reference.check("neighbours", &out);
}

#[test]
fn the_support_vector_machine_decides_as_that_of_scikit_learn() {
    let reference = Reference::read();
    let standard = |rows: &[Vec<f32>]| -> Vec<Vec<f32>> {
        rows.iter().map(|row| row.iter().map(|v| (v - 0.35) / 0.2).collect()).collect()
    };
    let (train, test) = (standard(&reference.train), standard(&reference.test));
    let check = (&train[..], &reference.labels.labels[..]);
    let model = Machine::train(&train, &reference.labels, check, (1.0, 1.0 / STEPS as f64), 1).unwrap();
    let mut out = vec![0.0; CLASSES * test.len()];
    predict(&model, &planes(&test), test.len(), &mut out);
    let found = most_probable(&out, CLASSES, test.len());
    let expected: Vec<u16> = serde_json::from_value(reference.json["machine"]["labels"].clone()).unwrap();
    // Three pairs vote by Platt's probabilities here, by decisions there.
    assert!(agreement(&found, &expected) >= 0.97, "{}", agreement(&found, &expected));
}
