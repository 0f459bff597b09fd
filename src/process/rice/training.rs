//! Training with validation: from samples to a model with its card.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde_json::Value as Json;

use super::checks::{channel, training_fault};
use super::inputs::{SmoothingInput, TimeGridInput};
use crate::classify::assess::{Accuracy, Confusion};
use crate::classify::boost::BoostError;
use crate::classify::gru::{Epoch, Score};
use crate::classify::method::{LabelledSeries, Method, SampleFacts, ValidateError, only_class};
use crate::classify::samples::{
    ClassNames, SampleError, check_classes, class_names, from_features, from_table,
};
use crate::classify::splits::{Validation, usual_design};
use crate::classify::{
    Channel, ClassifyError, Model, ModelCard, Observations, SeriesRecipe, Watch, bands_of,
};
use crate::classmap::{Legend, LegendError, RiceError, check_rice};
use crate::crs::{Crs, Ellipsoid};
use crate::cube::{
    Calendar, DataCube, FEWEST_DATES, FEWEST_SHARE, Regularize, Smoothing, TimeGrid, day_and_month,
};
use crate::ogc::{CubeInput, FileInput};
use crate::process::grid::Choice;
use crate::process::{Context, ProcessError, Progress};
use crate::vector::Value;

/// What training needs, gathered from the members of a request.
#[derive(Clone, Copy)]
pub struct Training<'a> {
    pub cube: Option<&'a CubeInput>,
    pub grid: Choice<'a>,
    pub samples: &'a FileInput,
    pub class_property: &'a str,
    pub classes: Option<&'a [String]>,
    pub indices: Option<&'a [String]>,
    /// The series where the request names none.
    pub usual_indices: &'a [&'a str],
    pub time_grid: &'a TimeGridInput,
    pub smoothing: SmoothingInput,
    pub despike: bool,
    pub method: &'a Method,
    pub testing: Testing<'a>,
    pub seed: u64,
    /// Classes that are rice, where their names do not tell.
    pub rice_classes: Option<&'a [String]>,
    /// Whether classes among which nothing is rice are refused.
    pub needs_rice: bool,
}

/// How a model is tested.
#[derive(Clone, Copy)]
pub enum Testing<'a> {
    /// Not at all.
    No,
    /// As it suits the samples: see [`usual_design`].
    Usual,
    /// As asked for.
    By(&'a Validation),
}

impl<'a> Testing<'a> {
    /// As a request says.
    pub fn of(asked: Option<&'a Validation>) -> Self {
        asked.map_or(Self::Usual, Self::By)
    }

    /// The design for these samples. The user is told where there is none.
    pub fn design(self, prepared: &Prepared, context: &Context<'_>) -> Option<Validation> {
        match self {
            Self::No => None,
            Self::By(design) => Some(design.clone()),
            Self::Usual => {
                let design = usual_design(&prepared.facts.about(&prepared.series.labels));
                if design.is_none() {
                    context.progress.note(&format!(
                        "no accuracy: a class has a single point or polygon, which cannot train and test ({}); add \
                         samples of it",
                        counts(&prepared.legend, &prepared.series.labels.counts())
                    ));
                }
                design
            }
        }
    }
}

/// Samples by class, in words.
fn counts<N: std::fmt::Display>(legend: &Legend, counts: &[N]) -> String {
    let of = |(class, n): (&crate::classmap::ClassEntry, &N)| format!("{n} of `{}`", class.name);
    legend.classes.iter().zip(counts).map(of).collect::<Vec<_>>().join(", ")
}

/// Tested samples of a class below which the user is told what the accuracy rests on.
const ENOUGH_TESTED: u64 = 50;

/// What an accuracy rests on, where some class has few tested samples.
fn rests_on(found: &Confusion, legend: &Legend, design: &Validation) -> Option<String> {
    let tested = found.tested();
    let few = tested.iter().any(|&n| n < ENOUGH_TESTED);
    let [low, high] = found.overall_interval().filter(|_| few)?;
    let by = match design {
        Validation::Holdout { .. } => "held out of training once".to_owned(),
        Validation::Folds { folds } => format!("each tested by a model of the others, in {folds} folds"),
        Validation::Group { .. } => "each group tested by a model of the others".to_owned(),
        Validation::Blocks { folds, .. } => format!("tested by blocks of ground in {folds} folds"),
    };
    Some(format!(
        "the accuracy rests on few samples, {by}: {}; the overall accuracy of such samples lies within {low:.2} to \
         {high:.2} (95 % confidence)",
        counts(legend, &tested)
    ))
}

/// Labelled series that any method can be trained on.
pub struct Prepared {
    pub observations: Observations,
    pub recipe: SeriesRecipe,
    pub legend: Legend,
    pub series: LabelledSeries,
    pub facts: SampleFacts,
}

/// A trained model and how right it is.
pub struct Trained {
    pub model: Model,
    pub confusion: Option<Confusion>,
    pub accuracy: Option<Accuracy>,
    /// The epochs of each training, for networks.
    pub curves: Curves,
}

/// Epochs by training.
pub type Curves = Vec<(String, Vec<Epoch>)>;

/// The series a model reads where the request names none: NDRE (Jiang et al. 2024).
pub const USUAL_SERIES: [&str; 1] = ["NDRE"];

impl Training<'_> {
    /// The series to read.
    ///
    /// # Errors
    /// An unknown index, named.
    pub fn channels(&self) -> Result<Vec<Channel>, ProcessError> {
        let usual: Vec<String> = self.usual_indices.iter().map(ToString::to_string).collect();
        let names = self.indices.filter(|i| !i.is_empty()).unwrap_or(&usual);
        names.iter().enumerate().map(|(i, name)| channel(i, name)).collect()
    }

    /// Opens the cube with the bands of the series.
    ///
    /// # Errors
    /// [`ProcessError::Input`] with the path of what cannot be opened.
    pub fn open_cube(&self, context: &Context<'_>) -> Result<Option<DataCube>, ProcessError> {
        let Some(cube) = self.cube else { return Ok(None) };
        let bands = bands_of(&self.channels()?);
        open_cube(cube, &self.grid, bands, context).map(Some)
    }

    /// Trains and validates. `cube` is what [`Training::open_cube`] opened.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming the member; cancelled.
    pub fn run(&self, cube: Option<&DataCube>, context: &Context<'_>) -> Result<Trained, ProcessError> {
        let prepared = self.prepare(cube, context)?;
        let mut method = self.method.clone();
        let (mut confusion, mut accuracy) = (None, None);
        let told = Told::new(context);
        if let Some(design) = self.testing.design(&prepared, context) {
            (confusion, method) = self.validate(&prepared, method, &design, &told)?;
            accuracy = confusion.as_ref().map(|found| {
                let note = rests_on(found, &prepared.legend, &design);
                if let Some(note) = &note {
                    context.progress.note(note);
                }
                Accuracy { validation: Some(design), note, ..found.accuracy() }
            });
        }
        let (trained, method) = self.train(&prepared, &method, &told)?;
        let Prepared { observations, recipe, legend, series, .. } = prepared;
        let card = ModelCard {
            method: method.id().to_owned(),
            samples: series.labels.counts(),
            legend,
            seed: self.seed,
            dates: (observations.dates[0], observations.dates[observations.dates.len() - 1]),
            region: cube.and_then(|c| c.grid.lon_lat_bounds()),
            limits: None,
            parameters: method_parameters(&method.for_samples(&series.labels)),
            accuracy: accuracy
                .as_ref()
                .map(serde_json::to_value)
                .transpose()
                .map_err(ProcessError::failed)?,
            software: format!("rededge {}", env!("CARGO_PKG_VERSION")),
        };
        Ok(Trained { model: Model::new(card, recipe, trained), confusion, accuracy, curves: told.curves() })
    }

    /// Reads the samples and makes their series regular.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming the member; cancelled.
    pub fn prepare(&self, cube: Option<&DataCube>, context: &Context<'_>) -> Result<Prepared, ProcessError> {
        let channels = self.channels()?;
        let mut observations = self.gather(cube, &channels, context)?;
        let recipe = self.recipe(&observations, &channels)?;
        observations.days = recipe.days(&observations.dates);
        let observations = usable(observations, &recipe, context)?;
        let legend = self.legend(&observations)?;
        let observations = in_order_of(observations, &legend);
        let series = LabelledSeries::of(&observations, &recipe);
        let facts = SampleFacts::of(&observations, metres(&observations, cube));
        Ok(Prepared { observations, recipe, legend, series, facts })
    }

    /// Tests a method by a design; it comes back with the parameters that a holdout chose. A model
    /// that tells no classes apart has no accuracy, and the user is told why.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming the member; cancelled.
    pub fn validate(
        &self,
        prepared: &Prepared,
        method: Method,
        design: &Validation,
        told: &Told<'_>,
    ) -> Result<(Option<Confusion>, Method), ProcessError> {
        told.context.progress.step("validate", 100);
        let about = prepared.facts.about(&prepared.series.labels);
        match method.validate(&prepared.series, &about, design, self.seed, told) {
            Ok((found, chosen)) => {
                let chose = matches!(design, Validation::Holdout { .. });
                Ok((Some(found), if chose { chosen.settled() } else { method }))
            }
            Err(
                why @ (ValidateError::OneClass { .. } | ValidateError::Classify(ClassifyError::NoSplit(_))),
            ) => {
                told.context.progress.note(&format!("no accuracy: in the validation, {why}"));
                Ok((None, method))
            }
            Err(other) => Err(training_error(other, self.method)),
        }
    }

    /// Trains a method on all samples.
    ///
    /// # Errors
    /// As [`Training::validate`].
    pub fn train(
        &self,
        prepared: &Prepared,
        method: &Method,
        told: &Told<'_>,
    ) -> Result<(crate::classify::Trained, Method), ProcessError> {
        told.context.progress.step("train", 100);
        let about = prepared.facts.about(&prepared.series.labels);
        let (trained, method) = method
            .train_on_all(&prepared.series, &about, self.seed, told)
            .map_err(|e| training_error(e, self.method))?;
        let only = only_class(trained.classifier(), &prepared.series).map_err(ProcessError::failed)?;
        if let Some(class) = only {
            told.context.progress.note(&format!(
                "the model gives `{class}` for every training sample ({}), and so will its map: the classes' series do \
                 not differ, or more samples or training are needed",
                counts(&prepared.legend, &prepared.series.labels.counts())
            ));
        }
        Ok((trained, method))
    }

    fn gather(
        &self,
        cube: Option<&DataCube>,
        channels: &[Channel],
        context: &Context<'_>,
    ) -> Result<Observations, ProcessError> {
        let names = ClassNames { property: self.class_property, classes: self.classes };
        let check_rice = |rows: &mut dyn Iterator<Item = &BTreeMap<String, Value>>| {
            if !self.needs_rice && self.rice_classes.is_none() {
                return Ok(());
            }
            let found = class_names(&names, rows);
            // Nothing with a class is a fault of its own.
            let checked = if found.is_empty() { Ok(()) } else { check_rice(&found, self.rice_classes) };
            checked.map_err(rice_error)
        };
        let table = context.data.series("samples", self.samples)?;
        if let Some(table) = &table {
            check_rice(&mut table.properties.iter())?;
        }
        let gathered = match (table, cube) {
            (Some(table), _) => from_table(&table, channels, &names),
            (None, None) => {
                let why = "these samples hold no series (columns such as NDRE@2022-01-05): a cube is needed";
                return Err(ProcessError::input("cube", why));
            }
            (None, Some(cube)) => {
                let features = context.data.features("samples", self.samples)?;
                check_rice(&mut features.features.iter().map(|f| &f.properties))?;
                context.progress.step("read samples", features.features.len() as u64);
                let read = std::sync::atomic::AtomicUsize::new(0);
                let done = |n: usize| {
                    let all = read.fetch_add(n, std::sync::atomic::Ordering::Relaxed) + n;
                    context.progress.done(all as u64);
                    !context.cancel.is_cancelled()
                };
                from_features(cube, channels, &features, &names, &done)
            }
        };
        context.cancel.check()?;
        let gathered = gathered.map_err(|e| match e {
            SampleError::Cube(e) => ProcessError::input("cube", e),
            other => ProcessError::input("samples", other),
        })?;
        for note in &gathered.notes {
            context.progress.note(note);
        }
        Ok(gathered.observations)
    }

    fn recipe(
        &self,
        observations: &Observations,
        channels: &[Channel],
    ) -> Result<SeriesRecipe, ProcessError> {
        if observations.dates.len() < FEWEST_DATES {
            let why = format!(
                "has {} usable dates; a series needs at least {FEWEST_DATES}",
                observations.dates.len()
            );
            return Err(ProcessError::input(if self.cube.is_some() { "cube" } else { "samples" }, why));
        }
        let grid: TimeGrid = self.time_grid.grid(&observations.days)?;
        // A grid that is asked for may begin before the New Year where the dates begin after it.
        let days = Calendar::Season.days_on(&grid, &observations.dates);
        if grid.share_within(&days) < FEWEST_SHARE {
            let why = format_args!("{}; leave it out, or choose other `dates`", beyond(&grid, &days));
            return Err(ProcessError::input("timeGrid", why));
        }
        let smoothing = Smoothing::from(self.smoothing);
        if let Some(why) = smoothing.problem(grid.days(&days).len()) {
            return Err(ProcessError::input("smoothing", why));
        }
        let regularize = Regularize { grid, despike: self.despike, smoothing };
        let series = channels.iter().map(|c| c.name().to_owned()).collect();
        Ok(SeriesRecipe { series, regularize, bounded: true, calendar: Calendar::Season })
    }

    fn legend(&self, observations: &Observations) -> Result<Legend, ProcessError> {
        check_classes(observations).map_err(|e| ProcessError::input("samples", e))?;
        let legend = Legend::of_classes(&observations.labels.classes);
        let legend = legend.map_err(|e: LegendError| {
            ProcessError::input(if self.classes.is_some() { "classes" } else { "samples" }, e)
        })?;
        if self.needs_rice || self.rice_classes.is_some() {
            return legend.with_rice(self.rice_classes).map_err(rice_error);
        }
        Ok(legend)
    }
}

/// The member that a list of classes that are rice stands in.
pub fn rice_error(error: RiceError) -> ProcessError {
    match error {
        RiceError::Unknown { position, .. } => ProcessError::input(format!("riceClasses[{position}]"), error),
        RiceError::NoRice { .. } | RiceError::Empty { .. } => ProcessError::input("riceClasses", error),
    }
}

/// Opens a cube with these bands.
///
/// # Errors
/// [`ProcessError::Input`] with the path of what cannot be opened.
pub fn open_cube(
    cube: &CubeInput,
    grid: &Choice<'_>,
    bands: Vec<crate::cube::Band>,
    context: &Context<'_>,
) -> Result<DataCube, ProcessError> {
    context.progress.step("open scenes", 0);
    let request = grid.request(bands, context.data)?;
    let cube = context.data.cube(cube, &request)?;
    context.note_cube(&cube);
    if cube.acquisitions.len() < FEWEST_DATES {
        let why = format_args!(
            "has {} usable dates; a series needs at least {FEWEST_DATES} (maxCloudCover, dates and area leave scenes out)",
            cube.acquisitions.len()
        );
        return Err(ProcessError::input("cube", why));
    }
    Ok(cube)
}

/// Refuses a cube whose dates are not those that a model was made for: what lies beyond its dates
/// would be the nearest value, repeated.
///
/// # Errors
/// [`ProcessError::Input`] naming `model`.
pub fn check_dates(model: &Model, cube: &DataCube, progress: &dyn Progress) -> Result<(), ProcessError> {
    let (grid, days) = (&model.recipe.regularize.grid, model.recipe.days(&cube.dates()));
    let (wanted, found) = (model.trained.classifier().shape().1, days.len());
    if *grid == TimeGrid::Acquisitions && wanted != found {
        let why = format_args!(
            "was trained on {wanted} dates as they are (timeGrid `acquisitions`), and the cube has {found}; choose \
             `dates` that leave as many, or train with a time grid by day of year"
        );
        return Err(ProcessError::input("model", why));
    }
    let share = grid.share_within(&days);
    if matches!(grid, TimeGrid::Observed { .. }) && share < 1.0 {
        let why = format_args!(
            "learned from missing values on dates that the cube must have too: it has {:.0} % of them",
            100.0 * share
        );
        if share < FEWEST_SHARE {
            return Err(ProcessError::input("model", why));
        }
        progress.note(&format!("the model {why}"));
        return Ok(());
    }
    if share < FEWEST_SHARE {
        let why = format_args!(
            "does not fit the cube: {}; give scenes (`cube`, `dates`) of the model's season, or train on samples of \
             this one",
            beyond(grid, &days)
        );
        return Err(ProcessError::input("model", why));
    }
    if share < 0.95 {
        progress.note(&format!("the model sees less than it was trained on: {}", beyond(grid, &days)));
    }
    Ok(())
}

/// How a time grid and dates lie to each other.
fn beyond(grid: &TimeGrid, days: &[f32]) -> String {
    let ends = |days: &[f32]| match (days.first(), days.last()) {
        (Some(&first), Some(&last)) => {
            format!("{first:.0} to {last:.0} ({} to {})", day_and_month(first), day_and_month(last))
        }
        _ => "none".to_owned(),
    };
    format!(
        "the time steps are days of year {}, the dates {}: {:.0} % of the steps are covered",
        ends(&grid.days(days)),
        ends(days),
        100.0 * grid.share_within(days)
    )
}

/// Drops samples without a usable series, tells how many, and refuses to go on without any.
fn usable(
    observations: Observations,
    recipe: &SeriesRecipe,
    context: &Context<'_>,
) -> Result<Observations, ProcessError> {
    let all = observations.len();
    let (kept, lost) = observations.usable(recipe);
    if kept.is_empty() {
        let why = format_args!(
            "all {all} samples lie on nodata or have fewer than {FEWEST_DATES} clear dates (maxCloudCover leaves cloudy scenes out)"
        );
        return Err(ProcessError::input("samples", why));
    }
    if lost > 0 {
        context.progress.note(&format!(
            "{lost} of {all} samples lie on nodata or have fewer than {FEWEST_DATES} clear dates and are left out"
        ));
    }
    Ok(kept)
}

/// Labels in the order of the legend's codes, so that class k of a model is entry k of its legend.
fn in_order_of(mut observations: Observations, legend: &Legend) -> Observations {
    let names: Vec<String> = legend.classes.iter().map(|c| c.name.clone()).collect();
    let place: Vec<u16> = observations
        .labels
        .classes
        .iter()
        .map(|c| names.iter().position(|n| n == c).unwrap_or_default() as u16)
        .collect();
    for label in &mut observations.labels.labels {
        *label = place[usize::from(*label)];
    }
    observations.labels.classes = names;
    observations
}

/// Positions of samples in metres, for spatial blocks.
fn metres(observations: &Observations, cube: Option<&DataCube>) -> Option<Vec<[f64; 2]>> {
    let crs = &cube?.grid.crs;
    let positions: Option<Vec<(f64, f64)>> = observations.samples.iter().map(|s| s.position).collect();
    let positions = positions?;
    if !crs.is_geographic() {
        return Some(positions.into_iter().map(|(x, y)| [x, y]).collect());
    }
    // One scale for all keeps blocks square where the samples are.
    let middle = positions.iter().map(|p| p.1).sum::<f64>() / positions.len().max(1) as f64;
    let (east, north) = Ellipsoid::of(&Crs::wgs84()).metres_per_degree(middle);
    Some(positions.into_iter().map(|(x, y)| [x * east, y * north]).collect())
}

/// The member of the request that an error of the samples or the method is about.
pub fn training_error(error: ValidateError, method: &Method) -> ProcessError {
    match error {
        ValidateError::Split(e) => training_fault(&e),
        ValidateError::Classify(ClassifyError::Boost(BoostError::Cancelled)) => ProcessError::Cancelled,
        ValidateError::Classify(ClassifyError::Parameter { name, reason }) => {
            ProcessError::input(format!("parameters.{name}"), reason)
        }
        ValidateError::Classify(ClassifyError::Boost(BoostError::Parameter { member, message })) => {
            ProcessError::input(format!("parameters.{member}"), message)
        }
        e @ ValidateError::OneClass { .. } => ProcessError::input("samples", e),
        ValidateError::Classify(
            e @ (ClassifyError::Samples(_)
            | ClassifyError::NoSplit(_)
            | ClassifyError::Boost(BoostError::Table(_))),
        ) => ProcessError::input("samples", e),
        ValidateError::Classify(e) => ProcessError::failed(format_args!("method {}: {e}", method.id())),
    }
}

/// The parameters that training ended with, for the card.
fn method_parameters(method: &Method) -> Json {
    let tidy = |v: Result<Json, serde_json::Error>| v.unwrap_or(Json::Null);
    match method {
        Method::Itsgbt { predictors, boost, .. } => {
            let mut all = serde_json::Map::new();
            for part in [tidy(serde_json::to_value(predictors)), tidy(serde_json::to_value(boost))] {
                if let Json::Object(members) = part {
                    let known: BTreeSet<String> = all.keys().cloned().collect();
                    all.extend(members.into_iter().filter(|(name, _)| !known.contains(name)));
                }
            }
            Json::Object(all)
        }
        Method::Tsrf(p) => tidy(serde_json::to_value(p)),
        Method::Dtw(p) => tidy(serde_json::to_value(p)),
        Method::Forest(p) => tidy(serde_json::to_value(p)),
        Method::Swv(p) => tidy(serde_json::to_value(p)),
        Method::Gru(p) => tidy(serde_json::to_value(p)),
    }
}

/// Tells the user how far a training is, and keeps its epochs.
pub struct Told<'a> {
    context: &'a Context<'a>,
    curves: Mutex<Curves>,
}

impl<'a> Told<'a> {
    pub fn new(context: &'a Context<'a>) -> Self {
        Self { context, curves: Mutex::default() }
    }

    /// The epochs by training.
    pub fn curves(self) -> Curves {
        self.curves.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Told<'_> {
    fn go_on(&self, share: f64) -> bool {
        self.context.progress.done((share * 100.0) as u64);
        !self.context.cancel.is_cancelled()
    }

    fn epoch(&self, training: &str, epoch: &Epoch) {
        let score = |s: &Score| format!("loss {:.4}, {:.1} % right", s.loss, 100.0 * s.overall);
        let held = epoch.validation.as_ref().map_or(String::new(), |v| format!("; held out: {}", score(v)));
        let number = epoch.epoch;
        self.context.progress.note(&format!("{training}: epoch {number}: {}{held}", score(&epoch.training)));
        let mut curves = self.curves.lock().unwrap_or_else(PoisonError::into_inner);
        match curves.iter_mut().find(|c| c.0 == training) {
            Some(curve) => curve.1.push(epoch.clone()),
            None => curves.push((training.to_owned(), vec![epoch.clone()])),
        }
    }

    fn resume(&self, training: &str) -> Option<Vec<u8>> {
        self.context.sink.kept(training)
    }

    fn keep(&self, training: &str, state: &[u8]) -> Result<(), String> {
        self.context.sink.keep(training, state).map_err(|e| e.to_string())
    }
}
