//! `earliest-rice-date`: how early in the season rice can be told ([J] 4.4).

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::figures::{Curve, CurveFigure, Panel, Point, XAxis};
use super::inputs::InputFaults;
use super::rice::by_class::csv_of;
use super::rice::inputs::{cut, training_inputs};
use super::rice::parameters::{MethodName, Parameters};
use super::rice::training::{Prepared, Training, training_error};
use super::{Context, Process, ProcessError};
use crate::classify::assess::Confusion;
use crate::classify::boost::BoostError;
use crate::classify::method::{LabelledSeries, Method, ValidateError};
use crate::classify::splits::{Fold, Validation, split};
use crate::classify::{ClassifyError, SeriesRecipe};
use crate::classmap::Legend;
use crate::ogc::{Figure, TableCsv, outputs};

/// Images in the first row of the table.
const FIRST: usize = 2;

/// Finds the earliest date of rice.
#[derive(Clone, Copy, Debug)]
pub struct EarliestRiceDate;

training_inputs! {
    /// The samples, the method, and what counts as identified.
    pub struct EarliestRiceDateInputs {
        /// How pixels are classified.
        #[serde(default)]
        method: MethodName,
        /// Parameters of the method; harmonics, interval length and band are narrowed where the
        /// first images make shorter series.
        #[serde(default)]
        parameters: Parameters,
        /// The share of identified samples that must be reached for good.
        #[serde(default = "usual_threshold")]
        #[schemars(range(min = 0, max = 1))]
        threshold: f64,
    }
}

/// [J] 4.4.
fn usual_threshold() -> f64 {
    0.90
}

/// What comes back.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct EarliestRiceDateOutputs {
    /// The first date from which the share of identified samples stays at or above the threshold.
    earliest: Earliest,
    /// Accuracy with the first 2, 3, .. N images.
    accuracy_by_date: Vec<ByDate>,
    /// The same as a table.
    table: TableCsv,
    /// The same as a figure.
    figure: Figure,
}

/// The answer; nulls where the threshold is never reached for good.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Earliest {
    /// The share of identified samples that was asked for.
    pub threshold: f64,
    /// Number of images until then.
    pub images: Option<usize>,
    /// The date of the last of them.
    pub date: Option<String>,
    /// Its day of year.
    pub day_of_year: Option<i16>,
}

/// Accuracy with the first images.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ByDate {
    /// Number of images.
    pub images: usize,
    /// Date of the last of them.
    pub date: String,
    /// Its day of year.
    pub day_of_year: i16,
    /// Overall accuracy of the samples that can be classified by then; null where too few can.
    pub overall: Option<f64>,
    /// Kappa of the same.
    pub kappa: Option<f64>,
    /// Share of the tested samples that have the clear observations that a series needs by then:
    /// three, as a pixel of a map, or both of the first two.
    pub classified: f64,
    /// Share of the tested samples that are classified, and rightly: `overall` x `classified`.
    pub identified: f64,
}

impl Process for EarliestRiceDate {
    type Inputs = EarliestRiceDateInputs;
    type Outputs = EarliestRiceDateOutputs;
    const ID: &'static str = "earliest-rice-date";
    const TITLE: &'static str = "Earliest date of rice";
    const DESCRIPTION: &'static str = "Trains and tests with the first 2, 3, .. N images of the season, with the same \
        division of the samples each time, and finds the date from which the share of rightly classified samples \
        stays at or above a threshold (Jiang et al. 2024, 4.4). Nothing that was observed later is used.";

    fn check(inputs: &EarliestRiceDateInputs, faults: &mut InputFaults) {
        inputs.check_training(faults);
        faults.note(inputs.parameters.method(inputs.method));
    }

    fn run(&self, inputs: EarliestRiceDateInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let method = inputs.parameters.method(inputs.method)?;
        let training = inputs.training(&method);
        let cube = training.open_cube(context)?;
        let prepared = training.prepare(cube.as_ref(), context)?;
        let Some(design) = training.testing.design(&prepared, context) else {
            let why = "a class has a single point or polygon, which cannot train and test; add samples of it";
            return Err(ProcessError::input("samples", why));
        };
        let rows = by_date(&training, &prepared, &design, &method, context)?;
        let earliest = earliest(&rows, inputs.threshold);
        let document = |value: Result<_, serde_json::Error>| value.map_err(ProcessError::failed);
        context.sink.document("earliest", document(serde_json::to_value(&earliest))?)?;
        context.sink.document("accuracyByDate", document(serde_json::to_value(&rows))?)?;
        if context.sink.wants("table") {
            context.sink.file("table", outputs::CSV, &csv_of(&rows)?)?;
        }
        if context.sink.wants("figure") {
            let svg = figure(&rows, &prepared.observations.dates, &earliest, method.id())?.svg()?;
            context.sink.file("figure", outputs::SVG, svg.as_bytes())?;
        }
        Ok(())
    }
}

/// Trains and tests with the first images, their number rising. The samples are divided once, so
/// that accuracies differ by what was observed and not by the draw.
fn by_date(
    training: &Training<'_>,
    prepared: &Prepared,
    design: &Validation,
    method: &Method,
    context: &Context<'_>,
) -> Result<Vec<ByDate>, ProcessError> {
    let about = prepared.facts.about(&prepared.series.labels);
    let told = |e: ValidateError| training_error(e, training.method);
    let folds = split(design, &about, training.seed).map_err(|e| told(e.into()))?;
    let tested = folds.iter().map(|f| f.test.len()).sum::<usize>().max(1);
    let dates = &prepared.observations.dates;
    let rounds = (dates.len() - FIRST + 1) as f64;
    context.progress.step("train and test by date", 100);
    let mut rows = Vec::new();
    let mut last_error = None;
    for images in FIRST..=dates.len() {
        let series = first_images(prepared, images);
        let clear = clear(&series);
        let folds = only(&folds, &clear);
        let classified = folds.iter().map(|f| f.test.len()).sum::<usize>() as f64 / tested as f64;
        let method = method.clone().shortened(series.steps);
        let go_on = |part: f64| {
            context.progress.done((100.0 * ((images - FIRST) as f64 + part) / rounds) as u64);
            !context.cancel.is_cancelled()
        };
        let found = match method.validate_on(&folds, &series, &about, training.seed, &go_on) {
            Ok((found, _)) => Some(found),
            // Few samples are clear in the first images: what cannot be trained identifies nothing.
            Err(error) if of_samples(&error) => {
                last_error = Some(error);
                None
            }
            Err(other) => return Err(told(other)),
        };
        context.cancel.check()?;
        rows.push(row(images, dates[images - 1], found.as_ref(), classified));
    }
    match last_error {
        Some(error) if rows.iter().all(|r| r.overall.is_none()) => Err(told(error)),
        _ => Ok(rows),
    }
}

/// Whether other samples would mend it.
fn of_samples(error: &ValidateError) -> bool {
    match error {
        ValidateError::Split(_) | ValidateError::OneClass { .. } => true,
        ValidateError::Classify(e) => matches!(
            e,
            ClassifyError::Samples(_)
                | ClassifyError::NoSplit(_)
                | ClassifyError::Parameter { name: "minLeaf" | "neighbours", .. }
                | ClassifyError::Boost(BoostError::Table(_))
        ),
    }
}

fn row(images: usize, date: Date, found: Option<&Confusion>, classified: f64) -> ByDate {
    let accuracy = found.map(Confusion::accuracy);
    let overall = accuracy.as_ref().and_then(|a| a.overall);
    ByDate {
        images,
        date: date.to_string(),
        day_of_year: date.day_of_year(),
        overall,
        kappa: accuracy.and_then(|a| a.kappa),
        classified,
        identified: overall.unwrap_or(0.0) * classified,
    }
}

/// The series of all samples from the first images only, on the part of the time grid that they
/// have seen; missing throughout for a sample that was not clear often enough.
fn first_images(prepared: &Prepared, images: usize) -> LabelledSeries {
    let observations = prepared.observations.first_dates(images);
    let mut recipe: SeriesRecipe = prepared.recipe.clone();
    recipe.regularize.grid = cut(recipe.regularize.grid, observations.days[images - 1]);
    LabelledSeries::of(&observations, &recipe)
}

/// Which samples have all their series.
fn clear(series: &LabelledSeries) -> Vec<bool> {
    let n = series.labels.labels.len();
    let mut clear = vec![true; n];
    for plane in series.values.chunks_exact(n.max(1)) {
        clear.iter_mut().zip(plane).for_each(|(c, v)| *c &= v.is_finite());
    }
    clear
}

/// The folds with some of their samples; a fold that tests none is left out.
fn only(folds: &[Fold], kept: &[bool]) -> Vec<Fold> {
    let some = |rows: &[usize]| rows.iter().copied().filter(|&r| kept[r]).collect();
    let part = |fold: &Fold| Fold {
        name: fold.name.clone(),
        train: some(&fold.train),
        validation: some(&fold.validation),
        test: some(&fold.test),
    };
    folds.iter().map(part).filter(|f| !f.test.is_empty()).collect()
}

/// The first date from which no later one falls below the threshold.
fn earliest(rows: &[ByDate], threshold: f64) -> Earliest {
    let below = rows.iter().rposition(|r| r.overall.is_none() || r.identified < threshold);
    let first = rows.get(below.map_or(0, |i| i + 1));
    Earliest {
        threshold,
        images: first.map(|r| r.images),
        date: first.map(|r| r.date.clone()),
        day_of_year: first.map(|r| r.day_of_year),
    }
}

fn figure(
    rows: &[ByDate],
    dates: &[Date],
    earliest: &Earliest,
    method: &str,
) -> Result<CurveFigure, ProcessError> {
    let days = |images: usize| f64::from((dates[images - 1] - dates[0]).get_days());
    let point = |row: &ByDate, y: f64| Point { x: days(row.images), y, spread: 0.0 };
    let threshold = format!("threshold {}", earliest.threshold);
    let names = ["overall", "kappa", "identified", &threshold];
    let legend = Legend::of_classes(&names).map_err(ProcessError::failed)?;
    let curves = legend.classes.iter().enumerate().map(|(k, entry)| {
        let points = match k {
            0 => rows.iter().filter_map(|r| Some(point(r, r.overall?))).collect(),
            1 => rows.iter().filter_map(|r| Some(point(r, r.kappa?))).collect(),
            2 => rows.iter().map(|r| point(r, r.identified)).collect(),
            _ => [rows.first(), rows.last()]
                .into_iter()
                .flatten()
                .map(|r| point(r, earliest.threshold))
                .collect(),
        };
        Curve { name: entry.name.clone(), color: entry.color, points }
    });
    let answer = match (&earliest.date, earliest.images) {
        (Some(date), Some(images)) => format!("from {date} on, with {images} images"),
        _ => "not reached for good".to_owned(),
    };
    Ok(CurveFigure {
        title: format!("Accuracy by the date of the last image ({method}); {threshold}: {answer}"),
        x: XAxis::Dates(dates[0]),
        panels: vec![Panel {
            title: "share of the tested samples; kappa".to_owned(),
            curves: curves.collect(),
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::DynProcess as _;
    use crate::process::testing::{Memory, seasons};

    fn by_hand(identified: &[f64]) -> Vec<ByDate> {
        let rows = identified.iter().enumerate().map(|(i, &share)| ByDate {
            images: i + 2,
            date: format!("2021-05-{:02}", i + 1),
            day_of_year: 121 + i as i16,
            overall: Some(share),
            kappa: None,
            classified: 1.0,
            identified: share,
        });
        rows.collect()
    }

    #[test]
    fn the_earliest_date_is_the_one_after_the_last_below_the_threshold() {
        let rows = by_hand(&[0.5, 0.92, 0.8, 0.9, 0.95]);
        let answer = earliest(&rows, 0.9);
        assert_eq!((answer.images, answer.day_of_year), (Some(5), Some(124)));
        assert_eq!(earliest(&rows, 0.5).images, Some(2));
        assert_eq!(
            earliest(&rows, 0.96),
            Earliest { threshold: 0.96, images: None, date: None, day_of_year: None }
        );
    }

    fn run(inputs: &serde_json::Value) -> Result<Memory, ProcessError> {
        let memory = Memory::default().with_table("samples", seasons(90));
        EarliestRiceDate.run_json(inputs.clone(), &memory.as_context())?;
        Ok(memory)
    }

    #[test]
    fn classes_that_part_in_summer_are_told_apart_in_summer() {
        for method in ["itsgbt", "tsrf", "dtw", "forest"] {
            let inputs = serde_json::json!({
                "samples": "table.csv", "method": method, "despike": false,
                "validation": {"by": "folds", "folds": 3}
            });
            let memory = run(&inputs).unwrap();
            let documents = memory.documents.lock().unwrap();
            let rows = documents["accuracyByDate"].as_array().unwrap();
            assert_eq!(rows.len(), 14 - 1, "2 to 14 images");
            // Until day 161 all classes are the same.
            assert!(rows[0]["overall"].as_f64().unwrap() < 0.7, "{method}: {:#}", rows[0]);
            assert!(rows[12]["overall"].as_f64().unwrap() > 0.95, "{method}: {:#}", rows[11]);
            let day = documents["earliest"]["dayOfYear"].as_i64().unwrap();
            assert!((161..=221).contains(&day), "{method}: {day}");
            let files = memory.files.lock().unwrap();
            let table = String::from_utf8(files["table"].clone()).unwrap();
            assert!(table.starts_with("images,date,dayOfYear,overall,kappa,classified,identified\n"));
            assert!(files["figure"].starts_with(b"<svg"));
        }
    }

    #[test]
    fn two_images_are_trained_and_tested_on_any_grid() {
        for (grid, smoothing) in [
            (
                serde_json::json!("acquisitions"),
                serde_json::json!({"kind": "savitzky-golay", "window": 5, "degree": 3}),
            ),
            (serde_json::json!({"step": 10}), serde_json::json!({"kind": "none"})),
        ] {
            let inputs = serde_json::json!({
                "samples": "table.csv", "timeGrid": grid, "smoothing": smoothing,
                "validation": {"by": "holdout"}
            });
            let memory = run(&inputs).unwrap();
            let documents = memory.documents.lock().unwrap();
            let first = &documents["accuracyByDate"][0];
            assert_eq!(
                (&first["images"], &first["classified"]),
                (&2.into(), &1.0.into()),
                "{grid}: {first:#}"
            );
            // The classes are alike until day 161: how right it is says nothing.
            assert!(first["overall"].is_number(), "{grid}: {first:#}");
        }
    }

    #[test]
    fn what_later_images_show_changes_nothing_before() {
        let table = |dates: &str| {
            let inputs = serde_json::json!({
                "samples": "table.csv", "despike": false, "seed": 4, "validation": {"by": "holdout"}
            });
            let mut memory = Memory::default().with_table("samples", seasons(90));
            if dates == "upset" {
                let series = &mut memory.tables.get_mut("samples").unwrap().series[0];
                let (n, from) = (90, 10 * 90);
                series.values[from..14 * n].reverse();
            }
            EarliestRiceDate.run_json(inputs, &memory.as_context()).unwrap();
            memory.documents.into_inner().unwrap()["accuracyByDate"].as_array().unwrap().clone()
        };
        assert_eq!(table("as they are")[..9], table("upset")[..9]);
    }

    #[test]
    fn a_threshold_out_of_range_is_named() {
        let inputs = serde_json::json!({"samples": "table.csv", "threshold": 1.2});
        assert!(run(&inputs).err().unwrap().to_string().starts_with("input `threshold`"));
    }
}
