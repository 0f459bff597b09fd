//! `mine-association`: is stress near mines ([Z] 4.3.2 argues by eye)?

use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figures::{BandBar, BandFigure};
use super::grid::check_crs;
use super::inputs::InputFaults;
use super::mines::{DirtyRows, MineProblem, Mines};
use super::rice::by_class::csv_of;
use super::stress::STRESSED;
use super::{Context, Process, ProcessError, RasterReader};
use crate::classmap::Legend;
use crate::ogc::{Figure, FileInput, TableCsv, outputs};
use crate::raster::{Resampling, Window};
use crate::zones::association::{Association, AssociationError, BandRate, Bands, Ground, Outcome};

/// Pixels of the blocks that the map is read in.
const BLOCK: usize = 1 << 22;
/// Most shifts.
pub(super) const MOST_SHIFTS: usize = 99_999;

/// Whether stress lies near mines.
#[derive(Clone, Copy, Debug)]
pub struct MineAssociation;

/// A map, mines, and how they are held against each other.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MineAssociationInputs {
    /// The class map that `stress-map` made.
    #[schemars(extend("x-holds" = outputs::GEOTIFF))]
    stress_map: FileInput,
    /// The mines: points or polygons (of which a point inside counts), as GeoJSON, GML,
    /// GeoPackage, FlatGeobuf, Shapefile or CSV (lon, lat).
    #[schemars(extend("x-holds" = outputs::GEOJSON))]
    mines: FileInput,
    /// CRS of the mines where their file does not tell, such as `EPSG:32649`; longitude and
    /// latitude where not given.
    mines_crs: Option<String>,
    /// What to do with rows of the mines that are not clean.
    #[serde(default)]
    dirty_rows: DirtyRows,
    /// Upper edges of the bands of distance, rising; the first band starts at 0, and one more
    /// holds all beyond the last.
    #[serde(default = "default_bands")]
    #[schemars(length(min = 1, max = 64), extend("x-unit" = "m"))]
    bands: Vec<f64>,
    /// Random shifts of the mines' pattern; 0 for no test.
    #[serde(default = "default_shifts")]
    #[schemars(range(min = 0, max = MOST_SHIFTS))]
    shifts: usize,
    /// Seed of every random draw.
    #[serde(default)]
    seed: u64,
}

/// What comes back. Stress is evidence of chlorophyll loss in rice, not a soil test; lying near
/// mines does not say that the mines are the cause.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct MineAssociationOutputs {
    /// Rice and stressed rice by distance to the nearest mine.
    bands: Vec<BandRow>,
    /// The same as a table.
    table: TableCsv,
    /// Whether stress falls with the distance to mines more than chance would have it.
    test: TestResult,
    /// Rows of the mines that are not clean: what is wrong, and what was done.
    mine_problems: Vec<MineProblem>,
    /// Stressed share of the rice by band with 95 % intervals, before what the shifts leave.
    figure: Figure,
}

/// One band of distance.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BandRow {
    /// Metres to the nearest mine, from.
    pub from_m: f64,
    /// Metres, to; null for all beyond.
    pub to_m: Option<f64>,
    /// Hectares of rice.
    pub rice_ha: f64,
    /// Hectares of it that are stressed.
    pub stressed_ha: f64,
    /// Their share; null without rice.
    pub rate: Option<f64>,
    /// Lower end of the share's 95 % interval (block bootstrap); null where too few parts of the
    /// map hold rice of the band, or all have the same share.
    pub rate_low: Option<f64>,
    /// Upper end.
    pub rate_high: Option<f64>,
    /// 2.5 percentile of the share under the shifts of the mines; null without a test.
    pub shifted_low: Option<f64>,
    /// 97.5 percentile.
    pub shifted_high: Option<f64>,
    /// Parts of the map, of 64, that hold rice of the band: what the interval rests on.
    pub blocks: usize,
}

/// The test by shifts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// Natural logarithm of the likelihood ratio of a stressed share that does not rise from band
    /// to band against one share for all rice; 0 where it falls nowhere. It counts pixels as if they
    /// were independent, so only the shifts tell whether it is large. Null where there is no
    /// stressed or no unstressed rice.
    pub statistic: Option<f64>,
    /// (1 + shifts whose statistic is at least as large) / (1 + shifts); null without a test.
    pub p_value: Option<f64>,
    /// Shifts that were drawn.
    pub shifts: usize,
    /// Mines on the map: the pattern that is shifted.
    pub mines: usize,
    /// Mines outside: they count in the bands and are not shifted.
    pub mines_outside: usize,
    /// What to read it by.
    pub note: String,
}

fn default_bands() -> Vec<f64> {
    vec![500.0, 1000.0, 2000.0, 3000.0, 5000.0]
}

fn default_shifts() -> usize {
    999
}

fn bands(edges: &[f64]) -> Result<Bands, ProcessError> {
    Bands::new(edges).map_err(|e| {
        let at = match e {
            AssociationError::NotRising(edge) => edges.iter().rposition(|b| *b == edge || edge.is_nan()),
            _ => None,
        };
        ProcessError::input(at.map_or("bands".to_owned(), |k| format!("bands[{k}]")), e)
    })
}

impl Process for MineAssociation {
    type Inputs = MineAssociationInputs;
    type Outputs = MineAssociationOutputs;
    const ID: &'static str = "mine-association";
    const TITLE: &'static str = "Stress by distance to mines";
    const DESCRIPTION: &'static str = "Asks whether rice is stressed near mines (Zhang et al. 2022, 4.3.2): the \
        stressed share of the rice by distance to the nearest mine with 95 % intervals, and a p-value from random \
        shifts of the mines' pattern over the map. Near is not because of: stress is evidence of \
        chlorophyll loss, not a soil test, and mines lie where ground, slope and water differ too.";

    fn check(inputs: &MineAssociationInputs, faults: &mut InputFaults) {
        faults.note(bands(&inputs.bands));
        check_crs("minesCrs", inputs.mines_crs.as_deref(), faults);
    }

    fn run(&self, inputs: MineAssociationInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let bands = bands(&inputs.bands)?;
        let reader = context.data.raster("stressMap", &inputs.stress_map)?;
        let codes = codes(reader.as_ref())?;
        let grid = reader.grid().clone();
        let mines = Mines::read_some(&inputs.mines, inputs.mines_crs.as_deref(), inputs.dirty_rows, context)?;
        let places = mines.on_grid(&grid).map_err(ProcessError::failed)?;
        let mut question =
            Association::new(&grid, &places, bands).map_err(|e| ProcessError::input("mines", e))?;
        let blocks = Window::strips(grid.rows, grid.cols, 512, BLOCK);
        context.progress.step("measure distances", blocks.len() as u64);
        for (i, window) in blocks.enumerate() {
            context.cancel.check()?;
            let plane = reader.read(&grid, window, Resampling::Nearest)?;
            let ground = |v: &f32| if (0.0..=255.0).contains(v) { codes[*v as usize] } else { Ground::Other };
            question.add(window.row, &plane.values.iter().map(ground).collect::<Vec<_>>());
            context.progress.done(i as u64 + 1);
        }
        context.progress.step("shift the mines", inputs.shifts as u64);
        let told = AtomicU64::new(0);
        let go_on = |done: usize| {
            if told.fetch_max(done as u64, Ordering::Relaxed) < done as u64 {
                context.progress.done(done as u64);
            }
            !context.cancel.is_cancelled()
        };
        let outcome = question.finish(inputs.shifts, inputs.seed, go_on).ok_or(ProcessError::Cancelled)?;
        let rows: Vec<BandRow> = outcome.bands.iter().map(BandRow::of).collect();
        let test = TestResult::of(&outcome);
        if outcome.bands.iter().all(|b| b.rice_ha == 0.0) {
            context.progress.note("no pixel of the map is rice: the result is empty");
        }
        let document = |value: Result<_, serde_json::Error>| value.map_err(ProcessError::failed);
        context.sink.document("bands", document(serde_json::to_value(&rows))?)?;
        context.sink.document("test", document(serde_json::to_value(&test))?)?;
        if context.sink.wants("table") {
            context.sink.file("table", outputs::CSV, &csv_of(&rows)?)?;
        }
        if context.sink.wants("figure") {
            context.sink.file("figure", outputs::SVG, figure(&outcome).svg()?.as_bytes())?;
        }
        Ok(())
    }
}

impl BandRow {
    fn of(band: &BandRate) -> Self {
        Self {
            from_m: band.from,
            to_m: band.to,
            rice_ha: band.rice_ha,
            stressed_ha: band.stressed_ha,
            rate: band.rate,
            rate_low: band.interval.map(|i| i.0),
            rate_high: band.interval.map(|i| i.1),
            shifted_low: band.shifted.map(|s| s.0),
            shifted_high: band.shifted.map(|s| s.1),
            blocks: band.blocks,
        }
    }
}

impl TestResult {
    fn of(outcome: &Outcome) -> Self {
        let test = outcome.test;
        let total = |of: fn(&BandRate) -> f64| outcome.bands.iter().map(of).sum::<f64>();
        let (rice, stressed) = (total(|b| b.rice_ha), total(|b| b.stressed_ha));
        let mut note = match test.p_value {
            _ if rice == 0.0 => "no test: no pixel of the map is rice".to_owned(),
            _ if stressed == 0.0 => "no test: no rice of the map is stressed".to_owned(),
            _ if test.statistic.is_none() => "no test: all rice of the map is stressed".to_owned(),
            None => "no test: no shift was asked for".to_owned(),
            Some(_) => {
                "one-sided: how often the mines, shifted together over the map, would have stress fall with \
                 distance as plainly as it does; near is not because of"
                    .to_owned()
            }
        };
        if outcome.outside > 0 {
            note += &format!(
                "; {} of {} mines lie outside the map and are not shifted",
                outcome.outside,
                outcome.outside + outcome.mines
            );
        }
        if outcome.factor > 1 {
            note += &format!("; the test counts in cells of {0} x {0} pixels", outcome.factor);
        }
        Self {
            statistic: test.statistic,
            p_value: test.p_value,
            shifts: test.shifts,
            mines: outcome.mines,
            mines_outside: outcome.outside,
            note,
        }
    }
}

/// What each code of a stress map means.
fn codes(reader: &dyn RasterReader) -> Result<Vec<Ground>, ProcessError> {
    let legend = reader.legend().cloned().unwrap_or_else(Legend::stress);
    let stressed = legend.stressed();
    if stressed.is_empty() {
        let names: Vec<&str> = legend.classes.iter().map(|c| c.name.as_str()).collect();
        let why = format!("has no class `{STRESSED}` (it has {}): is it a stress map?", names.join(", "));
        return Err(ProcessError::input("stressMap", why));
    }
    let mut codes = vec![Ground::Other; 256];
    for (class, _) in legend.classes.iter().zip(legend.is_rice()).filter(|(_, rice)| *rice) {
        codes[usize::from(class.code)] = Ground::Unstressed;
    }
    for k in stressed {
        codes[usize::from(legend.classes[k].code)] = Ground::Stressed;
    }
    Ok(codes)
}

fn figure(outcome: &Outcome) -> BandFigure {
    let color = Legend::stress().classes.iter().find(|c| c.name == STRESSED).map_or([0; 3], |c| c.color);
    let kilometres = |metres: f64| format!("{}", metres / 1000.0);
    let bar = |band: &BandRate| BandBar {
        name: match band.to {
            Some(to) => format!("{}\u{2013}{} km", kilometres(band.from), kilometres(to)),
            None => format!("over {} km", kilometres(band.from)),
        },
        below: format!("{} ha rice", hectares(band.rice_ha)),
        value: band.rate,
        interval: band.interval,
        expected: band.shifted,
    };
    let total = |of: fn(&BandRate) -> f64| outcome.bands.iter().map(of).sum::<f64>();
    let (rice, stressed) = (total(|b| b.rice_ha), total(|b| b.stressed_ha));
    let test = match outcome.test.p_value {
        Some(p) => format!("p = {p:.3} ({} shifts of the mines)", outcome.test.shifts),
        None => "no test".to_owned(),
    };
    BandFigure {
        title: format!("Stressed rice by distance to the nearest mine: {test}"),
        panel: "stressed share of the rice".to_owned(),
        bars: outcome.bands.iter().map(bar).collect(),
        color,
        value: "share with its 95 % interval".to_owned(),
        expected: "95 % of the shifts".to_owned(),
        overall: (rice > 0.0).then(|| ("all rice".to_owned(), stressed / rice)),
    }
}

/// Hectares with the digits that count.
fn hectares(value: f64) -> String {
    let decimals = usize::from(value < 100.0 && value > 0.0);
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        let question = |ground: &[Ground]| {
            let affine = crate::crs::Affine::north_up(7e5, 3.09e6, 100.0, 100.0);
            let crs = crate::crs::Crs::from_epsg(32649).unwrap();
            let grid = crate::crs::GeoBox { rows: 40, cols: 40, affine, crs };
            let bands = Bands::new(&[500.0, 1000.0]).unwrap();
            let mut question = Association::new(&grid, &[(9.0, 9.0), (-5.0, 3.0)], bands).unwrap();
            question.add(0, ground);
            question.finish(99, 1, |_| true).unwrap()
        };
        let at = |k: usize| match ((k % 40) as f64 - 9.0).hypot((k / 40) as f64 - 9.0) {
            near if near < 8.0 => Ground::Stressed,
            _ => Ground::Unstressed,
        };
        question(&(0..1600).map(at).collect::<Vec<_>>())
    }

    #[test]
    fn the_note_says_what_was_left_out_and_the_figure_what_p_is() {
        let outcome = outcome();
        let test = TestResult::of(&outcome);
        assert_eq!((test.mines, test.mines_outside), (1, 1));
        assert!(test.note.contains("1 of 2 mines lie outside"), "{}", test.note);
        assert_eq!(test.p_value, Some(0.01));
        let svg = figure(&outcome).svg().unwrap();
        assert!(svg.contains("p = 0.010") && svg.contains("over 1 km") && svg.contains("all rice"));
    }
}
