//! `compare-methods`: the methods side by side on one's own samples ([J] Tables 2 to 4, Fig. 3
//! and 10).

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figures::{BarFigure, BarPanel, Bars};
use super::inputs::InputFaults;
use super::rice::by_class::{ByClass, csv_of};
use super::rice::inputs::training_inputs;
use super::rice::parameters::{MethodName, Parameters};
use super::rice::training::{Prepared, Told, Training};
use super::rice::trial::{importance, mapping_seconds};
use super::{Context, Process, ProcessError};
use crate::classify::assess::ByClass as Shares;
use crate::classify::importance::{Importance, Part};
use crate::classify::splits::Validation;
use crate::classmap::Legend;
use crate::ogc::{Figure, TableCsv, outputs};

/// Compares methods.
#[derive(Clone, Copy, Debug)]
pub struct CompareMethods;

training_inputs! {
    /// The samples and the methods.
    pub struct CompareMethodsInputs {
        /// The methods (default: all).
        #[serde(default = "all_methods")]
        #[schemars(length(min = 1))]
        methods: Vec<MethodName>,
        /// Parameters of each method.
        #[serde(default)]
        parameters_by_method: ParametersByMethod,
    }
}

fn all_methods() -> Vec<MethodName> {
    vec![MethodName::Itsgbt, MethodName::Tsrf, MethodName::Dtw, MethodName::Forest, MethodName::Swv]
}

/// Parameters of the methods that are compared.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields, default)]
pub struct ParametersByMethod {
    /// Of `itsgbt`.
    itsgbt: Parameters,
    /// Of `tsrf`.
    tsrf: Parameters,
    /// Of `dtw`.
    dtw: Parameters,
    /// Of `forest`.
    forest: Parameters,
    /// Of `swv`.
    swv: Parameters,
}

impl ParametersByMethod {
    fn of(&self, method: MethodName) -> &Parameters {
        match method {
            MethodName::Itsgbt => &self.itsgbt,
            MethodName::Tsrf => &self.tsrf,
            MethodName::Dtw => &self.dtw,
            MethodName::Forest => &self.forest,
            MethodName::Swv => &self.swv,
        }
    }
}

/// What comes back. The same seed gives the same values but for the seconds.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct CompareMethodsOutputs {
    /// Accuracy and time of each method, in the order asked for.
    comparison: Vec<Compared>,
    /// The same as a table, a row a method.
    table: TableCsv,
    /// The same as bars.
    figure: Figure,
    /// Fourier coefficients A, B, C and phi of each class's mean series by harmonic k.
    fourier: TableCsv,
    /// Each class's mean series, its harmonics, and what the mean and they add up to, by day of
    /// year.
    harmonics: TableCsv,
    /// The same as curves, of the first series.
    harmonic_figure: Figure,
    /// Mean, deviation and slope of sliding intervals by class, with their spread over samples.
    intervals: TableCsv,
    /// The same as curves, of the first series.
    interval_figure: Figure,
    /// Permutation importance: the overall accuracy that each method loses when the values of one
    /// day are exchanged between samples that it was not trained on (30 %), mean and standard
    /// deviation of five exchanges.
    importance: TableCsv,
}

/// One method.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// The method.
    pub method: String,
    /// Share of the tested samples that are right.
    pub overall: Option<f64>,
    /// Agreement beyond chance.
    pub kappa: Option<f64>,
    /// Producer's accuracy by class.
    pub producers: Shares<Option<f64>>,
    /// User's accuracy by class.
    pub users: Shares<Option<f64>>,
    /// Seconds to train on all samples.
    pub training_seconds: f64,
    /// Seconds to classify a million regular series; reading them comes to that.
    pub mapping_seconds_per_million_pixels: f64,
}

impl Process for CompareMethods {
    type Inputs = CompareMethodsInputs;
    type Outputs = CompareMethodsOutputs;
    const ID: &'static str = "compare-methods";
    const TITLE: &'static str = "Compare methods";
    const DESCRIPTION: &'static str = "Trains and tests Auto-ITSGBT and its rivals (time series forest, dynamic time \
        warping, random forest, stability-weighted vote) on the same samples with the same division: accuracy, time, \
        permutation importance, and what the classes look like (Jiang et al. 2024, Tables 2 to 4, Fig. 3 and 10).";

    fn check(inputs: &CompareMethodsInputs, faults: &mut InputFaults) {
        inputs.check_training(faults);
        for name in all_methods() {
            let method = inputs.parameters_by_method.of(name).method(name);
            faults.note(method.map_err(|e| named(e, name)));
        }
        for (i, name) in inputs.methods.iter().enumerate() {
            if inputs.methods[..i].contains(name) {
                faults.add(format!("methods[{i}]"), "is named twice");
            }
        }
    }

    fn run(&self, inputs: CompareMethodsInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let mut methods = Vec::new();
        for &name in &inputs.methods {
            let method = inputs.parameters_by_method.of(name).method(name).map_err(|e| named(e, name))?;
            methods.push((name, method));
        }
        let first = inputs.training(&methods[0].1);
        let cube = first.open_cube(context)?;
        let prepared = first.prepare(cube.as_ref(), context)?;
        describe_classes(&prepared, context)?;
        let design = first.testing.design(&prepared, context);
        let (mut rows, mut matters) = (Vec::new(), Vec::new());
        for (name, method) in &methods {
            let training = inputs.training(method);
            let (row, found) =
                compare(&training, &prepared, design.as_ref(), context).map_err(|e| named(e, *name))?;
            rows.push(row);
            matters.push(found);
        }
        let comparison = serde_json::to_value(&rows).map_err(ProcessError::failed)?;
        context.sink.document("comparison", comparison)?;
        let file = |output: &str, media_type: &str, bytes: &dyn Fn() -> Result<Vec<u8>, ProcessError>| {
            if context.sink.wants(output) { context.sink.file(output, media_type, &bytes()?) } else { Ok(()) }
        };
        file("table", outputs::CSV, &|| table(&rows, &prepared.legend))?;
        file("figure", outputs::SVG, &|| figure(&rows, &prepared.legend))?;
        file("importance", outputs::CSV, &|| importance_table(&rows, &matters, &prepared))
    }
}

/// The path of a parameter as it stands in this process's inputs.
fn named(error: ProcessError, method: MethodName) -> ProcessError {
    match error {
        ProcessError::Input { input, message } => match input.strip_prefix("parameters") {
            Some(rest) => {
                let id = serde_json::to_value(method).ok();
                let id = id.as_ref().and_then(|v| v.as_str()).unwrap_or_default();
                ProcessError::Input { input: format!("parametersByMethod.{id}{rest}"), message }
            }
            None => ProcessError::Input { input, message },
        },
        other => other,
    }
}

/// Tests, trains, times and looks into one method.
fn compare(
    training: &Training<'_>,
    prepared: &Prepared,
    design: Option<&Validation>,
    context: &Context<'_>,
) -> Result<(Compared, Vec<Importance>), ProcessError> {
    let id = training.method.id();
    context.progress.note(&format!("method {id}"));
    let told = Told::new(context);
    let (confusion, method) = match design {
        Some(design) => training.validate(prepared, training.method.clone(), design, &told)?,
        None => (None, training.method.clone()),
    };
    let found = confusion.map(|found| found.accuracy());
    let (overall, kappa) = (found.as_ref().and_then(|a| a.overall), found.as_ref().and_then(|a| a.kappa));
    let (producers, users) = found.map(|a| (a.producers, a.users)).unwrap_or_default();
    let start = Instant::now();
    let (model, method) = training.train(prepared, &method, &told)?;
    let training_seconds = start.elapsed().as_secs_f64();
    context.progress.step("take the time", 0);
    let seconds = mapping_seconds(model.classifier(), &prepared.series).map_err(ProcessError::failed)?;
    context.cancel.check()?;
    let matters = if context.sink.wants("importance") {
        context.progress.step("exchange values", 0);
        importance(training, prepared, &method, context)?
    } else {
        Vec::new()
    };
    let row = Compared {
        method: id.to_owned(),
        overall,
        kappa,
        producers,
        users,
        training_seconds,
        mapping_seconds_per_million_pixels: seconds,
    };
    Ok((row, matters))
}

/// An output, its media type and how it is made.
type Written<'a> = (&'a str, &'a str, &'a dyn Fn() -> Result<Vec<u8>, ProcessError>);

/// Writes what does not depend on a method.
fn describe_classes(prepared: &Prepared, context: &Context<'_>) -> Result<(), ProcessError> {
    let days = days_of_year(prepared);
    let by_class = ByClass {
        series: &prepared.series,
        names: &prepared.recipe.series,
        days: &days,
        legend: &prepared.legend,
    };
    let parts: [Written<'_>; 5] = [
        ("fourier", outputs::CSV, &|| by_class.fourier()),
        ("harmonics", outputs::CSV, &|| by_class.harmonic_table()),
        ("harmonicFigure", outputs::SVG, &|| by_class.harmonic_figure().map(String::into_bytes)),
        ("intervals", outputs::CSV, &|| by_class.interval_table()),
        ("intervalFigure", outputs::SVG, &|| by_class.interval_figure().map(String::into_bytes)),
    ];
    for (output, media_type, bytes) in parts {
        if context.sink.wants(output) {
            context.sink.file(output, media_type, &bytes()?)?;
        }
    }
    Ok(())
}

/// Day of year of each step.
fn days_of_year(prepared: &Prepared) -> Vec<f32> {
    prepared.recipe.regularize.grid.days(&prepared.observations.days)
}

fn table(rows: &[Compared], legend: &Legend) -> Result<Vec<u8>, ProcessError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let mut header = vec!["method".to_owned(), "overall".to_owned(), "kappa".to_owned()];
    for of in ["producers", "users"] {
        header.extend(legend.classes.iter().map(|c| format!("{of}:{}", c.name)));
    }
    header.extend(["trainingSeconds".to_owned(), "mappingSecondsPerMillionPixels".to_owned()]);
    csv.write_record(&header).map_err(ProcessError::failed)?;
    let text = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
    for row in rows {
        let mut record = vec![row.method.clone(), text(row.overall), text(row.kappa)];
        for of in [&row.producers, &row.users] {
            record.extend(legend.classes.iter().map(|c| text(of.get(&c.name).copied().flatten())));
        }
        record.extend([row.training_seconds, row.mapping_seconds_per_million_pixels].map(|v| v.to_string()));
        csv.write_record(&record).map_err(ProcessError::failed)?;
    }
    csv.into_inner().map_err(ProcessError::failed)
}

fn figure(rows: &[Compared], legend: &Legend) -> Result<Vec<u8>, ProcessError> {
    // The second colour is left out: it is nearly that of single rice.
    let names = ["overall", "none", "training", "mapping", "kappa"];
    let own = Legend::of_classes(&names).map_err(ProcessError::failed)?;
    let bars = |k: usize, of: &dyn Fn(&Compared) -> Option<f64>| Bars {
        name: own.classes[k].name.clone(),
        color: own.classes[k].color,
        values: rows.iter().map(of).collect(),
    };
    let by_class = |of: &dyn Fn(&Compared) -> &Shares<Option<f64>>| -> Vec<Bars> {
        let class = |c: &crate::classmap::ClassEntry| Bars {
            name: c.name.clone(),
            color: c.color,
            values: rows.iter().map(|r| of(r).get(&c.name).copied().flatten()).collect(),
        };
        legend.classes.iter().map(class).collect()
    };
    let panel =
        |title: &str, full: Option<f64>, bars: Vec<Bars>| BarPanel { title: title.to_owned(), full, bars };
    let figure = BarFigure {
        title: "Methods compared".to_owned(),
        groups: rows.iter().map(|r| r.method.clone()).collect(),
        panels: vec![
            panel(
                "overall accuracy and kappa",
                Some(1.0),
                vec![bars(0, &|r| r.overall), bars(4, &|r| r.kappa)],
            ),
            panel("producer's accuracy", Some(1.0), by_class(&|r| &r.producers)),
            panel("user's accuracy", Some(1.0), by_class(&|r| &r.users)),
            panel("training (s)", None, vec![bars(2, &|r| Some(r.training_seconds))]),
            panel(
                "mapping (s per million pixels)",
                None,
                vec![bars(3, &|r| Some(r.mapping_seconds_per_million_pixels))],
            ),
        ],
    };
    figure.svg().map(String::into_bytes)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportanceRow<'a> {
    method: &'a str,
    series: &'a str,
    day_of_year: f32,
    loss: f64,
    deviation: f64,
}

fn importance_table(
    rows: &[Compared],
    matters: &[Vec<Importance>],
    prepared: &Prepared,
) -> Result<Vec<u8>, ProcessError> {
    let days = days_of_year(prepared);
    let of_method =
        |(row, found): (&'_ Compared, &'_ Vec<Importance>)| -> Vec<(String, usize, usize, f64, f64)> {
            let value = |i: &Importance| match i.part {
                Part::Value { series, step } => Some((row.method.clone(), series, step, i.loss, i.deviation)),
                Part::Series { .. } | Part::Window { .. } => None,
            };
            found.iter().filter_map(value).collect()
        };
    let all: Vec<_> = rows.iter().zip(matters).flat_map(of_method).collect();
    csv_of(all.iter().map(|(method, series, step, loss, deviation)| ImportanceRow {
        method,
        series: &prepared.recipe.series[*series],
        day_of_year: days[*step],
        loss: *loss,
        deviation: *deviation,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::DynProcess as _;
    use crate::process::testing::{Memory, seasons};

    fn run(inputs: &serde_json::Value) -> Result<Memory, ProcessError> {
        let memory = Memory::default().with_table("samples", seasons(90));
        CompareMethods.run_json(inputs.clone(), &memory.as_context())?;
        Ok(memory)
    }

    #[test]
    fn all_methods_stand_in_one_table_with_all_its_figures() {
        let inputs = serde_json::json!({
            "samples": "table.csv", "despike": false, "timeGrid": {"step": 12},
            "validation": {"by": "folds", "folds": 3},
            "parametersByMethod": {"itsgbt": {"minLeaf": 3}, "tsrf": {"trees": 20}, "forest": {"trees": 20}, "swv": {"trees": 20}}
        });
        let memory = run(&inputs).unwrap();
        let documents = memory.documents.lock().unwrap();
        let rows = documents["comparison"].as_array().unwrap();
        let methods: Vec<&str> = rows.iter().map(|r| r["method"].as_str().unwrap()).collect();
        assert_eq!(methods, ["itsgbt", "tsrf", "dtw", "forest", "swv"]);
        for row in rows {
            assert!(row["overall"].as_f64().unwrap() > 0.9, "{row:#}");
            assert_eq!(row["producers"].as_object().unwrap().len(), 3);
            assert!(row["mappingSecondsPerMillionPixels"].as_f64().unwrap() > 0.0);
        }
        let files = memory.files.lock().unwrap();
        let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
        assert_eq!(text("table").lines().count(), 1 + 5);
        assert!(
            text("table").starts_with("method,overall,kappa,producers:single-rice,producers:double-rice")
        );
        for figure in ["figure", "harmonicFigure", "intervalFigure"] {
            assert!(text(figure).starts_with("<svg") && text(figure).contains("double-rice"), "{figure}");
        }
        assert!(text("fourier").starts_with("series,class,k,a,b,c,phi\nNDRE,single-rice,0,"));
        let importance = text("importance");
        // Until day 161 the classes are alike: exchanging those values cannot matter much.
        let mut losses = csv::Reader::from_reader(importance.as_bytes());
        for row in losses.records().map(Result::unwrap).filter(|r| &r[0] == "dtw") {
            let (day, loss): (f64, f64) = (row[2].parse().unwrap(), row[3].parse().unwrap());
            assert!(day > 161.0 || loss.abs() < 0.15, "{row:?}");
        }
        let steps = importance.lines().filter(|l| l.starts_with("swv,NDRE,")).count();
        assert!(steps >= 14, "{importance}");
    }

    #[test]
    fn the_same_seed_gives_the_same_values_but_for_the_seconds() {
        let inputs = serde_json::json!({
            "samples": "table.csv", "methods": ["itsgbt", "forest"], "seed": 3,
            "parametersByMethod": {"itsgbt": {"rounds": 10}, "forest": {"trees": 10}}
        });
        let results = || {
            let memory = run(&inputs).unwrap();
            let mut rows = memory.documents.lock().unwrap()["comparison"].clone();
            for row in rows.as_array_mut().unwrap() {
                row.as_object_mut().unwrap().retain(|name, _| !name.contains("econds"));
            }
            let files = memory.files.lock().unwrap();
            (rows, files["importance"].clone(), files["intervals"].clone())
        };
        assert_eq!(results(), results());
    }

    #[test]
    fn a_wrong_parameter_is_named_by_its_method() {
        let case = |inputs: serde_json::Value| run(&inputs).err().unwrap().to_string();
        let error =
            case(serde_json::json!({"samples": "t.csv", "parametersByMethod": {"dtw": {"trees": 3}}}));
        assert!(error.starts_with("input `parametersByMethod.dtw.trees`"), "{error}");
        let error =
            case(serde_json::json!({"samples": "t.csv", "parametersByMethod": {"dtw": {"band": 300}}}));
        assert!(error.starts_with("input `parametersByMethod.dtw.band`"), "{error}");
        let error = case(serde_json::json!({"samples": "t.csv", "methods": ["dtw", "dtw"]}));
        assert!(error.starts_with("input `methods[1]`"), "{error}");
        let error = case(serde_json::json!({"samples": "t.csv", "methods": ["lstm"]}));
        assert!(error.starts_with("input `methods[0]`"), "{error}");
    }
}
