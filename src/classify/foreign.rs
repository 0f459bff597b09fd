//! Models trained elsewhere on tables of series: LightGBM over columns such as `NDRE@2022-01-05`.

use super::lightgbm;
use super::{
    Channel, ClassifyError, Link, Model, ModelCard, SeriesRecipe, SeriesTrees, Trained, Tree, TreeEnsemble,
};
use crate::classmap::Legend;
use crate::cube::{Calendar, Regularize, Smoothing, TimeGrid};
use crate::predictors::{Predictor, PredictorSet};
use crate::text::unmarked;

/// Whether a file is a LightGBM model text.
pub fn is_lightgbm(bytes: &[u8]) -> bool {
    let bytes = &*unmarked(bytes);
    bytes.starts_with(b"tree\n") || bytes.starts_with(b"tree\r\n")
}

/// Makes a LightGBM model text a model of series: its columns must be named `INDEX@DATE`. A model
/// that learned from missing values gets what was observed on those very dates and NaN where
/// nothing was; any other gets values at those days of the year, linearly interpolated between a
/// pixel's clear dates.
/// LightGBM keeps no class names: `classes` names them in the order of its labels.
///
/// # Errors
/// A text that cannot be read, columns that are no series, classes that do not fit.
pub fn from_lightgbm(bytes: &[u8], classes: Option<&[String]>) -> Result<Model, ClassifyError> {
    let fail = |why: String| ClassifyError::Model(why);
    let bytes = &*unmarked(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| fail("is not text".to_owned()))?;
    let read = lightgbm::read(text).map_err(|e| fail(format!("cannot be used: {e}")))?;
    let classes = classes.ok_or_else(|| {
        let n = read.ensemble.classes;
        fail(format!("is from LightGBM, which keeps no class names: name its {n} classes in `classes`, in the order of their labels"))
    })?;
    if classes.len() != read.ensemble.classes {
        let (given, needed) = (classes.len(), read.ensemble.classes);
        return Err(fail(format!("has {needed} classes, `classes` names {given}")));
    }
    let mut columns = Vec::new();
    for name in &read.feature_names {
        columns.push(column(name).ok_or_else(|| {
            fail(format!(
                "reads column `{name}`, which is no series: name columns INDEX@DATE, such as NDRE@2022-01-05"
            ))
        })?);
    }
    let mut series: Vec<&'static str> = Vec::new();
    let mut dates: Vec<jiff::civil::Date> = columns.iter().map(|c| c.1).collect();
    dates.sort_unstable();
    dates.dedup();
    let mut predictors = Vec::new();
    for (channel, date) in &columns {
        let name = channel.name();
        let position = series.iter().position(|s| *s == name).unwrap_or_else(|| {
            series.push(name);
            series.len() - 1
        });
        let step = dates.binary_search(date).unwrap_or_default();
        predictors.push((position, Predictor::Value { step }));
    }
    let days = Calendar::Season.days(&dates);
    let grid = if read.missing { TimeGrid::Observed { days } } else { TimeGrid::Listed { days } };
    let regularize = Regularize { grid, despike: false, smoothing: Smoothing::None };
    let series_names = series.iter().map(|s| (*s).to_owned()).collect();
    // Its table held the indices as their formulas give them.
    let recipe =
        SeriesRecipe { series: series_names, regularize, bounded: false, calendar: Calendar::Season };
    let legend = Legend::of_classes(classes).map_err(|e| fail(e.to_string()))?;
    // Codes may sort the classes otherwise than the model's labels: the classes follow the legend.
    let order: Vec<usize> = legend
        .classes
        .iter()
        .map(|c| classes.iter().position(|n| *n == c.name).unwrap_or_default())
        .collect();
    let predictors = PredictorSet { steps: dates.len(), columns: predictors };
    let classes = legend.classes.iter().map(|c| c.name.clone()).collect();
    let model = SeriesTrees::new(classes, series.len(), predictors, in_order(read.ensemble, &order));
    let card = ModelCard {
        method: "lightgbm".to_owned(),
        legend,
        seed: 0,
        samples: Vec::new(),
        dates: (dates[0], dates[dates.len() - 1]),
        region: None,
        limits: None,
        parameters: serde_json::Value::Null,
        accuracy: None,
        software: "LightGBM".to_owned(),
    };
    Ok(Model::new(card, recipe, Trained::Itsgbt(model)))
}

/// The same trees with their classes in another order: class `k` is what `order[k]` was.
fn in_order(mut ensemble: TreeEnsemble, order: &[usize]) -> TreeEnsemble {
    match ensemble.link {
        Link::Softmax => {
            ensemble.base = order.iter().map(|&k| ensemble.base[k]).collect();
            let round = |trees: &[Tree]| -> Vec<Tree> { order.iter().map(|&k| trees[k].clone()).collect() };
            ensemble.trees = ensemble.trees.chunks_exact(order.len()).flat_map(round).collect();
        }
        // One score for the second class: the other way round it is its negative.
        Link::Sigmoid if order == [1, 0] => {
            let negative = |values: &mut Vec<f32>| values.iter_mut().for_each(|v| *v = -*v);
            negative(&mut ensemble.base);
            ensemble.trees.iter_mut().for_each(|tree| negative(&mut tree.leaf));
        }
        Link::Sigmoid => {}
        Link::Average => {
            for tree in &mut ensemble.trees {
                let leaf = |leaf: &[f32]| -> Vec<f32> { order.iter().map(|&k| leaf[k]).collect() };
                tree.leaf = tree.leaf.chunks_exact(order.len()).flat_map(leaf).collect();
            }
        }
    }
    ensemble
}

/// The series and date of a column's name.
fn column(name: &str) -> Option<(Channel, jiff::civil::Date)> {
    let (index, date) = name.split_once('@')?;
    Some((Channel::parse(index).ok()?, date.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_in_another_order_keep_their_probabilities() {
        let stump = |leaf: &[f32]| Tree {
            feature: vec![0],
            threshold: vec![0.5],
            default_left: vec![true],
            left: vec![!0],
            right: vec![!1],
            leaf: leaf.to_vec(),
        };
        let of = |link, classes, base: &[f32], trees| TreeEnsemble {
            features: 1,
            classes,
            link,
            base: base.to_vec(),
            trees,
        };
        let scores = [[0.3, -0.2], [1.0, 0.1], [-0.7, 0.9], [0.2, 0.4], [0.0, -1.0], [0.5, 0.6]];
        let softmax = of(Link::Softmax, 3, &[0.1, 0.2, 0.3], scores.iter().map(|s| stump(s)).collect());
        let sigmoid = of(Link::Sigmoid, 2, &[0.4], vec![stump(&scores[0]), stump(&scores[1])]);
        let average = of(Link::Average, 2, &[], vec![stump(&[0.9, 0.1, 0.2, 0.8])]);
        for (ensemble, order) in [(softmax, vec![2, 0, 1]), (sigmoid, vec![1, 0]), (average, vec![1, 0])] {
            for x in [0.0, 1.0] {
                let before = ensemble.score_row(|_| x);
                let after = in_order(ensemble.clone(), &order).score_row(|_| x);
                for (k, p) in after.iter().enumerate() {
                    assert!((p - before[order[k]]).abs() < 1e-6, "{before:?} {after:?}");
                }
            }
        }
    }
}
