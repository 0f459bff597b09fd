//! Models trained elsewhere on tables of series: LightGBM over columns such as `NDRE@2022-01-05`.

use super::lightgbm;
use super::{Channel, ClassifyError, Model, ModelCard, SeriesRecipe, SeriesTrees, Trained};
use crate::classmap::Legend;
use crate::cube::{Regularize, Smoothing, TimeGrid, day_of_series};
use crate::predictors::{Predictor, PredictorSet};

/// Whether a file is a LightGBM model text.
pub fn is_lightgbm(bytes: &[u8]) -> bool {
    bytes.starts_with(b"tree\n") || bytes.starts_with(b"tree\r\n")
}

/// Makes a LightGBM model text a model of series: its columns must be named `INDEX@DATE`, and
/// become values at those days of the year, linearly interpolated between a pixel's clear dates.
/// LightGBM keeps no class names: `classes` names them in the order of its labels.
///
/// # Errors
/// A text that cannot be read, columns that are no series, classes that do not fit.
pub fn from_lightgbm(bytes: &[u8], classes: Option<&[String]>) -> Result<Model, ClassifyError> {
    let fail = |why: String| ClassifyError::Model(why);
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
    let first_year = dates.first().map_or(1970, |d| d.year());
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
    let days = dates.iter().map(|&d| day_of_series(d, first_year)).collect();
    let regularize =
        Regularize { grid: TimeGrid::Listed { days }, despike: false, smoothing: Smoothing::None };
    let recipe = SeriesRecipe { series: series.iter().map(|s| (*s).to_owned()).collect(), regularize };
    let legend = Legend::of_classes(classes).map_err(|e| fail(e.to_string()))?;
    // Codes may sort the classes otherwise than the model's labels: the classes follow the legend.
    let order: Vec<usize> = legend
        .classes
        .iter()
        .map(|c| classes.iter().position(|n| *n == c.name).unwrap_or_default())
        .collect();
    if order.iter().enumerate().any(|(i, &o)| i != o) {
        let wanted: Vec<&str> = legend.classes.iter().map(|c| c.name.as_str()).collect();
        return Err(fail(format!("must have its labels in the order of the legend: {}", wanted.join(", "))));
    }
    let predictors = PredictorSet { steps: dates.len(), columns: predictors };
    let model = SeriesTrees::new(classes.to_vec(), series.len(), predictors, read.ensemble);
    let card = ModelCard {
        method: "lightgbm".to_owned(),
        legend,
        seed: 0,
        samples: Vec::new(),
        dates: (dates[0], dates[dates.len() - 1]),
        parameters: serde_json::Value::Null,
        accuracy: None,
        software: "LightGBM".to_owned(),
    };
    Ok(Model::new(card, recipe, Trained::Itsgbt(model)))
}

/// The series and date of a column's name.
fn column(name: &str) -> Option<(Channel, jiff::civil::Date)> {
    let (index, date) = name.split_once('@')?;
    Some((Channel::parse(index).ok()?, date.parse().ok()?))
}
