//! `monitor`: from scenes to a report in one call: rice, stress, zones, mines, and whether it is
//! the mines.

use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::chain::{Passed, Seen, Step, outer_path, result};
use super::inputs::InputFaults;
use super::mine_association::{MOST_SHIFTS, MineAssociation};
use super::mine_heatmap::{MineHeatmap, NARROWEST, WIDEST};
use super::mines::{DirtyRows, MineProblem};
use super::report::Report;
use super::rice::inputs::{SmoothingInput, TimeGridInput};
use super::rice::parameters::{MethodName, Parameters};
use super::rice_map::RiceMap;
use super::stress_map::StressMap;
use super::stress_zones::{StressZones, Summary};
use super::{Context, DynProcess, Process, ProcessError};
use crate::classify::assess::Accuracy;
use crate::classify::gru::GruParams;
use crate::classify::splits::Validation;
use crate::classmap::ClassArea;
use crate::cube::CloudMask;
use crate::ogc::outputs::{GEOJSON, GEOTIFF, HTML, MODEL};
use crate::ogc::{
    AreaInput, Coverage, CubeInput, DateInterval, FeatureCollection, Figure, FileInput, HtmlPage, ModelFile,
    TableCsv,
};
use crate::process::mine_association::{BandRow, TestResult};

/// The whole chain.
#[derive(Clone, Copy, Debug)]
pub struct Monitor;

/// Scenes, what is known of the ground, and mines. Members go to the process that they belong to:
/// `rice-map`, `stress-map`, `stress-zones`, `mine-heatmap` and `mine-association` say more of each.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MonitorInputs {
    /// Scenes: a STAC ItemCollection, a SAFE folder, a GF-6 folder or a folder of GeoTIFFs, or a list
    /// of such sources that are joined.
    cube: Passed<CubeInput>,
    /// A class map of rice. One of `riceMap`, `riceModel` and `riceSamples` says where rice grows.
    #[schemars(extend("x-holds" = GEOTIFF))]
    rice_map: Option<Passed<FileInput>>,
    /// A model of `train-rice`.
    #[schemars(extend("x-holds" = MODEL))]
    rice_model: Option<Passed<FileInput>>,
    /// Samples of rice, to train with.
    #[schemars(extend("x-holds" = GEOJSON))]
    rice_samples: Option<Passed<FileInput>>,
    /// How rice is classified, where samples are given.
    rice_method: Option<Passed<MethodName>>,
    /// Parameters of that method.
    rice_parameters: Option<Passed<Parameters>>,
    /// Classes that are rice, where neither their names nor the map or model of rice tell.
    rice_classes: Option<Passed<Vec<String>>>,
    /// Samples of stress (`unstressed-rice`, `stressed-rice`), to train with. Either this or `model`.
    #[schemars(extend("x-holds" = GEOJSON))]
    samples: Option<Passed<FileInput>>,
    /// A model of `train-stress`. Either this or `samples`.
    #[schemars(extend("x-holds" = MODEL))]
    model: Option<Passed<FileInput>>,
    /// Parameters of the network and its training.
    parameters: Option<Passed<GruParams>>,
    /// The property of the samples that holds the class (default `class`).
    class_property: Option<Passed<String>>,
    /// How the models are tested (default: a holdout of 40/40/20).
    validation: Option<Passed<Validation>>,
    /// Where: a box or polygons (default: all scenes).
    area: Option<Passed<AreaInput>>,
    /// When: `2019-04-01/2019-10-31`, `..` for an open end (default: all dates).
    dates: Option<Passed<DateInterval>>,
    /// Elevation in metres, for the slope mask.
    #[schemars(extend("x-holds" = GEOTIFF))]
    dem: Option<Passed<FileInput>>,
    /// Ground steeper than this carries no rice (default 8; needs `dem`).
    #[schemars(range(min = 0, max = 90), extend("x-unit" = "deg"))]
    max_slope: Option<Passed<f32>>,
    /// Pixel size in metres (degrees where the CRS is geographic); default: the finest band.
    #[schemars(extend("x-unit" = "m", "exclusiveMinimum" = 0))]
    resolution: Option<Passed<f64>>,
    /// CRS of the maps, such as `EPSG:32649` (default: that of the first scene).
    crs: Option<Passed<String>>,
    /// Time steps of models that are trained (default: every 5 days over the dates).
    time_grid: Option<Passed<TimeGridInput>>,
    /// Smoothing on the time grid of models that are trained (default: none).
    smoothing: Option<Passed<SmoothingInput>>,
    /// Whether observations that stick out of a pixel's own series are left out (default true).
    despike: Option<Passed<bool>>,
    /// Scenes with this cloud cover or more are left out (default: none are).
    #[schemars(range(min = 0, max = 100), extend("x-unit" = "%"))]
    max_cloud_cover: Option<Passed<f64>>,
    /// Which masks of the scenes hide clouds pixel by pixel (default both).
    cloud_mask: Option<Passed<CloudMask>>,
    /// Accept Level-1C scenes, which are not surface reflectance (default false).
    allow_top_of_atmosphere: Option<Passed<bool>>,
    /// Seed of every random draw (default 0).
    seed: Option<Passed<u64>>,
    /// Mines, points or polygons; without them there are zones and no more.
    #[schemars(extend("x-holds" = GEOJSON))]
    mines: Option<Passed<FileInput>>,
    /// CRS of the mines' coordinates, where their file does not tell it.
    mines_crs: Option<Passed<String>>,
    /// What to do with rows of the mines that are not clean (default: report them).
    dirty_rows: Option<Passed<DirtyRows>>,
    /// Zones smaller than this fall to their largest neighbour (default 0.5).
    #[schemars(range(min = 0, max = 1_000_000_000), extend("x-unit" = "ha"))]
    minimum_mapping_unit: Option<Passed<f64>>,
    /// Mines up to this far from a zone's edge are counted (default 5000).
    #[schemars(range(min = 0, max = 20_040_000), extend("x-unit" = "m"))]
    radius: Option<Passed<f64>>,
    /// How far a simplified border may be off; 0 keeps the edges of pixels (default 0).
    #[schemars(range(min = 0, max = 10_000), extend("x-unit" = "m"))]
    simplify: Option<Passed<f64>>,
    /// Outer edges of the bands of distance, rising.
    #[schemars(length(min = 1, max = 50), extend("x-unit" = "m"))]
    bands: Option<Passed<Vec<f64>>>,
    /// Standard deviation of the heat map's kernel (default 2000).
    #[schemars(extend("x-unit" = "m", "minimum" = NARROWEST, "maximum" = WIDEST))]
    bandwidth: Option<Passed<f64>>,
    /// Random shifts of the mines' pattern (default 999).
    #[schemars(range(min = 0, max = MOST_SHIFTS))]
    shifts: Option<Passed<usize>>,
    /// The year that is mapped, for `years`.
    year: Option<Passed<i16>>,
    /// Title of the report.
    title: Option<String>,
}

/// What comes back. Stress is evidence of chlorophyll loss in rice, not a soil test.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct MonitorOutputs {
    /// One page with maps, tables and figures, to read and to hand on.
    report: HtmlPage,
    /// Where rice grows; not written where a map was given.
    rice_map: Coverage,
    /// Probability in percent of the class of rice.
    rice_confidence: Coverage,
    /// Pixels and hectares of each class of rice.
    rice_areas: Vec<ClassArea>,
    /// Accuracy of the rice map; none where a model or map was given.
    rice_accuracy: Option<Accuracy>,
    /// The model of rice.
    rice_model: ModelFile,
    /// Which rice has lost chlorophyll.
    stress_map: Coverage,
    /// Probability of stressed rice in percent.
    probability: Coverage,
    /// Pixels and hectares of each class of stress.
    areas: Vec<ClassArea>,
    /// Accuracy of the stress map; none where a model was given.
    accuracy: Option<Accuracy>,
    /// The model of stress.
    model: ModelFile,
    /// The zones, the largest first, as `stress-zones` writes them.
    zones: FeatureCollection,
    /// The mines with the hectares of zones around each.
    mines: FeatureCollection,
    /// Rows of the mines that are not clean.
    mine_problems: Vec<MineProblem>,
    /// Number of zones and hectares, by distance to the nearest mine.
    summary: Summary,
    /// Density of mines per square kilometre.
    density: Coverage,
    /// Stressed share of the rice by distance to the nearest mine.
    association: Vec<BandRow>,
    /// The same as a table.
    association_table: TableCsv,
    /// Whether stress lies nearer to mines than chance would have it.
    association_test: TestResult,
    /// The same as a figure.
    association_figure: Figure,
}

impl Process for Monitor {
    type Inputs = MonitorInputs;
    type Outputs = MonitorOutputs;
    const ID: &'static str = "monitor";
    const TITLE: &'static str = "Monitor";
    const DESCRIPTION: &'static str = "The whole chain in one call: maps rice, finds the rice that has lost \
        chlorophyll, draws its zones, joins them to mines, asks whether it is the mines, and writes tables, figures \
        and one page of report with maps. Stress is evidence of chlorophyll loss, not a soil test.";
    const STEPS: &'static [(&'static str, u32)] = &[
        ("rice", 40),
        ("stress", 40),
        ("zones", 8),
        ("heat map", 2),
        ("association", 8),
        ("write the report", 2),
    ];

    fn check(inputs: &MonitorInputs, faults: &mut InputFaults) {
        inputs.check_ways(faults);
        let mut look = |process: &dyn DynProcess, request: Json, names: &[(&str, &str)]| {
            for fault in process.check_json(&request, &[]).err().into_iter().flatten() {
                faults.add(outer_path(&fault.input, names), fault.message);
            }
        };
        if let Some(request) = inputs.rice_request() {
            look(&RiceMap, request, &RICE_INPUTS);
        }
        look(&StressMap, inputs.stress_request(result("riceMap")), &[]);
        look(&StressZones, inputs.zones_request(), &[]);
        if let Some(mines) = &inputs.mines {
            look(&MineHeatmap, inputs.heat_map_request(mines), &[]);
            look(&MineAssociation, inputs.association_request(mines), &[]);
        }
    }

    fn run(&self, inputs: MonitorInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let rice = inputs.map_rice(&seen, context)?;
        inputs.map_stress(rice, &seen, context)?;
        inputs.draw_zones(&seen, context)?;
        inputs.ask_mines(&seen, context)?;
        if context.sink.wants("report") {
            context.progress.step("write the report", 0);
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            let stress = context.sink.reopen("stressMap")?;
            let title = inputs.title.as_deref().unwrap_or("Stressed rice and mines");
            let html = Report { title, seen: &seen, stress: stress.as_ref(), context }.html()?;
            context.sink.file("report", HTML, html.as_bytes())?;
        }
        Ok(())
    }
}

/// Inputs that `rice-map` calls otherwise: its name, the name here.
const RICE_INPUTS: [(&str, &str); 4] = [
    ("model", "riceModel"),
    ("samples", "riceSamples"),
    ("method", "riceMethod"),
    ("parameters", "riceParameters"),
];

/// Members that are given, by the names that a step has for them.
macro_rules! given {
    ($inputs:expr, $($name:literal: $member:ident),* $(,)?) => {{
        let mut object = Map::new();
        $(if let Some(value) = &$inputs.$member {
            object.insert($name.to_owned(), value.json());
        })*
        object
    }};
}

impl MonitorInputs {
    /// The members that both maps take.
    fn scenes(&self) -> Map<String, Json> {
        let mut object = given!(self,
            "area": area, "dates": dates, "dem": dem, "maxSlope": max_slope, "resolution": resolution,
            "crs": crs, "maxCloudCover": max_cloud_cover, "cloudMask": cloud_mask,
            "allowTopOfAtmosphere": allow_top_of_atmosphere,
        );
        object.insert("cube".to_owned(), self.cube.json());
        object
    }

    /// The members of training.
    fn training(&self) -> Map<String, Json> {
        given!(self,
            "classProperty": class_property, "validation": validation, "timeGrid": time_grid,
            "smoothing": smoothing, "despike": despike, "seed": seed,
        )
    }

    /// There is one way to know where rice grows, and one to stress.
    fn check_ways(&self, faults: &mut InputFaults) {
        let ways = [
            ("riceMap", self.rice_map.is_some()),
            ("riceModel", self.rice_model.is_some()),
            ("riceSamples", self.rice_samples.is_some()),
        ];
        let given: Vec<&str> = ways.iter().filter(|w| w.1).map(|w| w.0).collect();
        match given.as_slice() {
            [] => faults.add(
                "riceSamples",
                "one of `riceMap`, `riceModel` and `riceSamples` must say where rice grows",
            ),
            [_] => {}
            [first, second, ..] => faults.add(*second, format!("`{first}` says already where rice grows")),
        }
    }

    /// What is asked of `rice-map`, where no map is given.
    fn rice_request(&self) -> Option<Json> {
        if self.rice_map.is_some() {
            return None;
        }
        let mut object = self.scenes();
        object.extend(given!(self, "model": rice_model, "samples": rice_samples, "method": rice_method, "parameters": rice_parameters, "riceClasses": rice_classes));
        if self.rice_samples.is_some() {
            object.extend(self.training());
        }
        Some(Json::Object(object))
    }

    /// What is asked of `stress-map`.
    fn stress_request(&self, rice: Json) -> Json {
        let mut object = self.scenes();
        object.extend(given!(self, "model": model, "samples": samples, "parameters": parameters, "riceClasses": rice_classes));
        if self.samples.is_some() && self.model.is_none() {
            object.extend(self.training());
            // Rice is known: only its two states are told apart.
            object.insert("classes".to_owned(), json!(["unstressed-rice", "stressed-rice"]));
        }
        object.insert("riceMap".to_owned(), rice);
        Json::Object(object)
    }

    /// What is asked of `stress-zones`.
    fn zones_request(&self) -> Json {
        let mut object = given!(self,
            "mines": mines, "minesCrs": mines_crs, "dirtyRows": dirty_rows,
            "minimumMappingUnit": minimum_mapping_unit, "radius": radius, "simplify": simplify,
            "bands": bands, "year": year,
        );
        object.insert("stressMap".to_owned(), result("stressMap"));
        object.insert("probability".to_owned(), result("probability"));
        Json::Object(object)
    }

    /// What is asked of `mine-heatmap`.
    fn heat_map_request(&self, mines: &Passed<FileInput>) -> Json {
        let mut object = given!(self, "minesCrs": mines_crs, "dirtyRows": dirty_rows, "bandwidth": bandwidth);
        object.insert("mines".to_owned(), mines.json());
        Json::Object(object)
    }

    /// What is asked of `mine-association`.
    fn association_request(&self, mines: &Passed<FileInput>) -> Json {
        let mut object = given!(self, "minesCrs": mines_crs, "dirtyRows": dirty_rows, "bands": bands, "shifts": shifts, "seed": seed);
        object.insert("mines".to_owned(), mines.json());
        object.insert("stressMap".to_owned(), result("stressMap"));
        Json::Object(object)
    }

    /// Maps rice, where no map is given, and returns the input that tells the next step of it.
    fn map_rice(&self, seen: &Arc<Mutex<Seen>>, context: &Context<'_>) -> Result<Json, ProcessError> {
        if let Some(map) = &self.rice_map {
            return Ok(map.json());
        }
        let Some(request) = self.rice_request() else { return Ok(result("riceMap")) };
        let step = Step {
            context,
            name: "rice",
            outputs: &[
                ("classMap", "riceMap"),
                ("confidence", "riceConfidence"),
                ("areas", "riceAreas"),
                ("accuracy", "riceAccuracy"),
                ("model", "riceModel"),
            ],
            inputs: &RICE_INPUTS,
            seen: seen.clone(),
        };
        step.run(&RiceMap as &dyn DynProcess, request)?;
        Ok(result("riceMap"))
    }

    fn map_stress(
        &self,
        rice: Json,
        seen: &Arc<Mutex<Seen>>,
        context: &Context<'_>,
    ) -> Result<(), ProcessError> {
        let step = Step {
            context,
            name: "stress",
            outputs: &[
                ("classMap", "stressMap"),
                ("probability", "probability"),
                ("areas", "areas"),
                ("accuracy", "accuracy"),
                ("model", "model"),
            ],
            inputs: &[],
            seen: seen.clone(),
        };
        step.run(&StressMap as &dyn DynProcess, self.stress_request(rice))
    }

    fn draw_zones(&self, seen: &Arc<Mutex<Seen>>, context: &Context<'_>) -> Result<(), ProcessError> {
        let names = ["zones", "mines", "mineProblems", "summary"].map(|n| (n, n));
        let step = Step { context, name: "zones", outputs: &names, inputs: &[], seen: seen.clone() };
        step.run(&StressZones as &dyn DynProcess, self.zones_request())
    }

    /// Heat map and association, as far as there are mines.
    fn ask_mines(&self, seen: &Arc<Mutex<Seen>>, context: &Context<'_>) -> Result<(), ProcessError> {
        let Some(mines) = &self.mines else {
            context.progress.note("no `mines` are given: zones come without them");
            return Ok(());
        };
        let step = Step {
            context,
            name: "heat map",
            outputs: &[("density", "density")],
            inputs: &[],
            seen: seen.clone(),
        };
        let mapped = step.run(&MineHeatmap as &dyn DynProcess, self.heat_map_request(mines));
        or_without(mapped, "heat map", seen, context)?;
        let step = Step {
            context,
            name: "association",
            outputs: &[
                ("bands", "association"),
                ("table", "associationTable"),
                ("test", "associationTest"),
                ("figure", "associationFigure"),
            ],
            inputs: &[],
            seen: seen.clone(),
        };
        let asked = step.run(&MineAssociation as &dyn DynProcess, self.association_request(mines));
        or_without(asked, "association", seen, context)
    }
}

/// Zones are worth having where the mines do not suffice for more: none at all, or none on the map.
fn or_without(
    outcome: Result<(), ProcessError>,
    name: &str,
    seen: &Arc<Mutex<Seen>>,
    context: &Context<'_>,
) -> Result<(), ProcessError> {
    match outcome {
        Err(ProcessError::Input { input, message }) if input == "mines" => {
            let note = format!("no {name}: {message}");
            context.progress.note(&note);
            seen.lock().unwrap_or_else(PoisonError::into_inner).notes.push(note);
            Ok(())
        }
        outcome => outcome,
    }
}
