//! `stress-persistence`: in which share of the years a rice pixel was stressed ([Z] 3.3), and how
//! another year's map stands against one year's samples (Tables 3 and 4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figures::{BarFigure, BarPanel, Bars};
use super::inputs::InputFaults;
use super::rice::by_class::csv_of;
use super::stress::STRESSED;
use super::{Context, Process, ProcessError, RasterKind, RasterReader};
use crate::classify::assess::{Accuracy, Confusion};
use crate::classmap::{AreaTally, Legend, PixelArea};
use crate::crs::Crs;
use crate::ogc::{Coverage, Figure, FileInput, TableCsv, outputs};
use crate::raster::{Resampling, Window};
use crate::vector::{columns, cover};

/// Most rows of the blocks that maps are read in, and about how many pixels they have.
const BLOCK: (usize, usize) = (512, 1 << 23);
/// Percent of pixels that were never rice.
const NEVER_RICE: u8 = 255;

/// How lasting stress is.
#[derive(Clone, Copy, Debug)]
pub struct StressPersistence;

/// The maps.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StressPersistenceInputs {
    /// Stress maps of several years, on one grid.
    #[schemars(length(min = 1))]
    maps: Vec<YearMap>,
    /// Samples of one year, to judge the map of every year by.
    #[schemars(extend("x-holds" = outputs::GEOJSON))]
    samples: Option<FileInput>,
    /// The property of the samples that holds the class.
    #[serde(default = "super::rice::inputs::class_property")]
    class_property: String,
}

/// The stress map of one year.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct YearMap {
    /// The year.
    pub year: i16,
    /// The class map that `stress-map` made.
    pub map: FileInput,
}

/// What comes back. Stress is evidence of chlorophyll loss in rice, not a soil test.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct StressPersistenceOutputs {
    /// Percent of the years in which a pixel was stressed, among those in which it was rice; 255
    /// where it never was.
    persistence: Coverage,
    /// Rice and stressed rice of each year.
    years: Vec<YearRow>,
    /// The same as a table.
    table: TableCsv,
    /// The same as bars.
    figure: Figure,
    /// Hectares by the number of years of rice and of stress.
    persistence_areas: Vec<PersistenceRow>,
    /// Accuracy of each year's map by the samples, where there are any.
    accuracy_by_year: Option<Vec<YearAccuracy>>,
}

/// One year.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct YearRow {
    /// The year.
    pub year: i16,
    /// Hectares of rice.
    pub rice_ha: f64,
    /// Hectares of it that are stressed.
    pub stressed_ha: f64,
    /// Their share; null without rice.
    pub share: Option<f64>,
}

/// Pixels with the same history.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersistenceRow {
    /// Years in which they were rice.
    pub years_rice: usize,
    /// Years in which they were stressed.
    pub years_stressed: usize,
    /// Their area.
    pub hectares: f64,
}

/// How right one year's map is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct YearAccuracy {
    /// The year of the map.
    pub year: i16,
    /// Accuracy by the samples that lie on the map.
    pub accuracy: Accuracy,
}

impl Process for StressPersistence {
    type Inputs = StressPersistenceInputs;
    type Outputs = StressPersistenceOutputs;
    const ID: &'static str = "stress-persistence";
    const TITLE: &'static str = "Persistence of stress";
    const DESCRIPTION: &'static str = "Holds stress maps of several years over each other (Zhang et al. 2022): the \
        share of years in which rice was stressed, areas by year and by number of years, and how right each year's \
        map is by one year's samples. Stress is evidence of chlorophyll loss, not a soil test.";

    fn check(inputs: &StressPersistenceInputs, faults: &mut InputFaults) {
        for (i, map) in inputs.maps.iter().enumerate() {
            if inputs.maps[..i].iter().any(|other| other.year == map.year) {
                faults.add(format!("maps[{i}].year"), format!("{} is named twice", map.year));
            }
        }
    }

    fn run(&self, inputs: StressPersistenceInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let maps = open(&inputs, context)?;
        let grid = maps[0].reader.grid().clone();
        let samples =
            inputs.samples.as_ref().map(|file| samples(file, &inputs, &maps[0], context)).transpose()?;
        let kind = RasterKind::Percent { label: "share of years stressed".to_owned() };
        let mut writer = context
            .sink
            .wants("persistence")
            .then(|| context.sink.raster("persistence", &grid, &kind))
            .transpose()?;
        let by_row = maps.iter().map(|m| AreaTally::bytes(&m.legend, grid.rows));
        let by_row = by_row.sum::<Option<u64>>();
        let _tallies = context.claim("maps", "areas by row and class of all maps", by_row)?;
        let mut tallies: Vec<AreaTally> = maps.iter().map(|m| AreaTally::new(&m.legend, grid.rows)).collect();
        let mut confusions: Vec<Confusion> = maps.iter().map(|m| Confusion::new(&m.names())).collect();
        let area = PixelArea::of(&grid);
        let mut histories = vec![vec![0.0; maps.len() + 1]; maps.len() + 1];
        let blocks = Window::strips(grid.rows, grid.cols, BLOCK.0, BLOCK.1);
        context.progress.step("compare years", blocks.len() as u64);
        for (i, window) in blocks.enumerate() {
            context.cancel.check()?;
            let mut seen = vec![(0u8, 0u8); window.len()];
            for ((map, tally), confusion) in maps.iter().zip(&mut tallies).zip(&mut confusions) {
                let plane = map.reader.read(&grid, window, Resampling::Nearest)?;
                let code = |v: &f32| if (0.0..=255.0).contains(v) { *v as u8 } else { map.legend.nodata };
                let codes: Vec<u8> = plane.values.iter().map(code).collect();
                tally.add(window, &codes);
                for ((rice, stressed), code) in seen.iter_mut().zip(&codes) {
                    *rice += u8::from(map.rice[usize::from(*code)]);
                    *stressed += u8::from(map.stressed.contains(code));
                }
                if let Some(samples) = &samples {
                    count(samples, map, window, &codes, confusion);
                }
            }
            for (row, line) in seen.chunks_exact(window.cols).enumerate() {
                let hectares = area.square_metres(window.row + row) / 1e4;
                for &(rice, stressed) in line {
                    histories[usize::from(rice)][usize::from(stressed)] += hectares;
                }
            }
            if let Some(writer) = &mut writer {
                let percent = |&(rice, stressed): &(u8, u8)| match rice {
                    0 => NEVER_RICE,
                    n => (100.0 * f32::from(stressed) / f32::from(n)).round() as u8,
                };
                writer.write(window, &seen.iter().map(percent).collect::<Vec<_>>())?;
            }
            context.progress.done(i as u64 + 1);
        }
        if let Some(writer) = writer {
            writer.finish()?;
        }
        let rows: Vec<YearRow> =
            maps.iter().zip(&tallies).map(|(map, tally)| map.row(tally, &grid)).collect();
        if rows.iter().all(|r| r.rice_ha == 0.0) {
            context.progress.note("no pixel is rice in any year: the result is empty");
        }
        let histories: Vec<PersistenceRow> = (1..=maps.len())
            .flat_map(|rice| (0..=rice).map(move |stressed| (rice, stressed)))
            .map(|(years_rice, years_stressed)| PersistenceRow {
                years_rice,
                years_stressed,
                hectares: histories[years_rice][years_stressed],
            })
            .collect();
        let document = |value: Result<_, serde_json::Error>| value.map_err(ProcessError::failed);
        context.sink.document("years", document(serde_json::to_value(&rows))?)?;
        context.sink.document("persistenceAreas", document(serde_json::to_value(&histories))?)?;
        if context.sink.wants("table") {
            context.sink.file("table", outputs::CSV, &csv_of(&rows)?)?;
        }
        if context.sink.wants("figure") {
            context.sink.file("figure", outputs::SVG, figure(&rows).svg()?.as_bytes())?;
        }
        if samples.is_some() {
            let judged: Vec<YearAccuracy> = maps
                .iter()
                .zip(&confusions)
                .map(|(map, confusion)| YearAccuracy { year: map.year, accuracy: confusion.accuracy() })
                .collect();
            context.sink.document("accuracyByYear", document(serde_json::to_value(judged))?)?;
        }
        Ok(())
    }
}

/// The map of a year, open.
struct OpenMap {
    year: i16,
    reader: Box<dyn RasterReader>,
    legend: Legend,
    /// By code.
    rice: Vec<bool>,
    stressed: Vec<u8>,
}

impl OpenMap {
    fn names(&self) -> Vec<String> {
        self.legend.classes.iter().map(|c| c.name.clone()).collect()
    }

    fn row(&self, tally: &AreaTally, grid: &crate::crs::GeoBox) -> YearRow {
        let (mut rice_ha, mut stressed_ha) = (0.0, 0.0);
        for class in tally.areas(&self.legend, grid) {
            rice_ha += if self.rice[usize::from(class.code)] { class.hectares } else { 0.0 };
            stressed_ha += if self.stressed.contains(&class.code) { class.hectares } else { 0.0 };
        }
        let share = (rice_ha > 0.0).then(|| stressed_ha / rice_ha);
        YearRow { year: self.year, rice_ha, stressed_ha, share }
    }
}

fn open(inputs: &StressPersistenceInputs, context: &Context<'_>) -> Result<Vec<OpenMap>, ProcessError> {
    if inputs.maps.len() > usize::from(u8::MAX) {
        let why =
            format!("names {} maps, more than the {} years that are counted", inputs.maps.len(), u8::MAX);
        return Err(ProcessError::input("maps", why));
    }
    let mut maps: Vec<OpenMap> = Vec::new();
    for (i, map) in inputs.maps.iter().enumerate() {
        let path = format!("maps[{i}].map");
        let reader = context.data.raster(&path, &map.map)?;
        let legend = reader.legend().cloned().unwrap_or_else(Legend::stress);
        let names: Vec<&str> = legend.classes.iter().map(|c| c.name.as_str()).collect();
        let stressed: Vec<u8> = legend.stressed().iter().map(|&k| legend.classes[k].code).collect();
        if stressed.is_empty() {
            let why = format!("has no class `{STRESSED}` (it has {}): is it a stress map?", names.join(", "));
            return Err(ProcessError::input(path, why));
        }
        if let Some(first) = maps.first() {
            let (a, b) = (first.reader.grid(), reader.grid());
            if a != b {
                let show =
                    |g: &crate::crs::GeoBox| format!("{} x {} pixels in {}", g.cols, g.rows, g.crs.name());
                let why = format!(
                    "lies on another grid ({}) than the map of {} ({}); make both with the same area, crs and resolution",
                    show(b),
                    first.year,
                    show(a)
                );
                return Err(ProcessError::input(path, why));
            }
        }
        let mut rice = vec![false; 256];
        for (class, is_rice) in legend.classes.iter().zip(legend.is_rice()) {
            rice[usize::from(class.code)] = is_rice;
        }
        maps.push(OpenMap { year: map.year, reader, legend, rice, stressed });
    }
    maps.sort_by_key(|m| m.year);
    Ok(maps)
}

/// The pixel and the class of a sample.
type LabelledPixel = ((usize, usize), String);

/// The samples' pixels and classes, by row.
fn samples(
    file: &FileInput,
    inputs: &StressPersistenceInputs,
    map: &OpenMap,
    context: &Context<'_>,
) -> Result<Vec<LabelledPixel>, ProcessError> {
    let table = context.data.features("samples", file)?;
    if let Some(why) = columns::missing(&table.features, &inputs.class_property) {
        return Err(ProcessError::input("classProperty", why));
    }
    let grid = map.reader.grid();
    let to_grid = Crs::wgs84().transformer_to(&grid.crs).map_err(ProcessError::failed)?;
    let mut found = Vec::new();
    for feature in &table.features {
        let Some(class) = feature.properties.get(&inputs.class_property) else { continue };
        let pixels = cover::pixels(grid, &feature.geometry, &to_grid, found.len())
            .map_err(|over| ProcessError::input("samples", over))?;
        found.extend(pixels.into_iter().map(|at| (at, class.to_string())));
    }
    let known = map.names();
    found.retain(|(_, class)| known.contains(class));
    if found.is_empty() {
        let why = format!("no sample of the classes {} lies on the maps", known.join(", "));
        return Err(ProcessError::input("samples", why));
    }
    found.sort_unstable();
    Ok(found)
}

/// Counts the samples of a window.
fn count(samples: &[LabelledPixel], map: &OpenMap, window: Window, codes: &[u8], confusion: &mut Confusion) {
    let from = samples.partition_point(|s| s.0.0 < window.row);
    let to = samples.partition_point(|s| s.0.0 < window.row + window.rows);
    for ((row, col), class) in &samples[from..to] {
        let code = codes[(row - window.row) * window.cols + col - window.col];
        let label = map.legend.classes.iter().position(|c| c.name == *class);
        let found = map.legend.classes.iter().position(|c| c.code == code);
        if let (Some(label), Some(found)) = (label, found) {
            confusion.matrix[label][found] += 1;
        }
    }
}

fn figure(rows: &[YearRow]) -> BarFigure {
    let stress = Legend::stress();
    let bars = |name: &str, class: &str, of: &dyn Fn(&YearRow) -> Option<f64>| Bars {
        name: name.to_owned(),
        color: stress.classes.iter().find(|c| c.name == class).map_or([0; 3], |c| c.color),
        values: rows.iter().map(of).collect(),
    };
    BarFigure {
        title: "Rice that has lost chlorophyll, by year".to_owned(),
        groups: rows.iter().map(|r| r.year.to_string()).collect(),
        panels: vec![
            BarPanel {
                title: "hectares".to_owned(),
                full: None,
                bars: vec![
                    bars("rice", "unstressed-rice", &|r| Some(r.rice_ha)),
                    bars("stressed", STRESSED, &|r| Some(r.stressed_ha)),
                ],
            },
            BarPanel {
                title: "stressed share of the rice".to_owned(),
                full: Some(1.0),
                bars: vec![bars("stressed", STRESSED, &|r| r.share)],
            },
        ],
    }
}
