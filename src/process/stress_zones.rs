//! `stress-zones`: where the stressed rice lies, how much it is, and which mine is next to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::check_crs;
use super::inputs::InputFaults;
use super::mines::{DirtyRows, MineProblem, Mines};
use super::stress::STRESSED;
use super::zones::{FoundZones, Joined, YearOf, ZoneOptions, find, write_mines, write_zones};
use super::{Context, Process, ProcessError};
use crate::classmap::Connectivity;
use crate::ogc::outputs::{GEOJSON, GEOTIFF};
use crate::ogc::{FeatureCollection, FileInput};
use crate::process::stress_persistence::YearMap;

/// Longest radius in metres: half the Earth around.
pub const LARGEST_RADIUS: f64 = 20_040_000.0;

/// Draws zones of a stress map and joins them to mines.
#[derive(Clone, Copy, Debug)]
pub struct StressZones;

/// The maps, the mines, and what a zone is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StressZonesInputs {
    /// The class map that `stress-map` made, or any other class map with `classes`.
    #[schemars(extend("x-holds" = GEOTIFF))]
    stress_map: FileInput,
    /// The probability that was made with it: zones tell its mean.
    #[schemars(extend("x-holds" = GEOTIFF))]
    probability: Option<FileInput>,
    /// Mines, points or polygons: GeoJSON, GML, GeoPackage, FlatGeobuf, Shapefile, or CSV with columns
    /// `lon` and `lat`.
    #[schemars(extend("x-holds" = GEOJSON))]
    mines: Option<FileInput>,
    /// CRS of the mines' coordinates, such as `EPSG:4547`, where their file does not tell it.
    mines_crs: Option<String>,
    /// What to do with rows of the mines that are not clean.
    #[serde(default)]
    dirty_rows: DirtyRows,
    /// Classes that are drawn.
    #[serde(default = "stressed")]
    #[schemars(length(min = 1))]
    classes: Vec<String>,
    /// Patches smaller than this fall to their largest neighbour, or away where nodata surrounds
    /// them; 0 keeps all.
    #[serde(default = "half_a_hectare")]
    #[schemars(range(min = 0, max = 1_000_000_000), extend("x-unit" = "ha"))]
    minimum_mapping_unit: f64,
    /// Whether pixels that touch at a corner make one zone (8) or two (4).
    #[serde(default = "eight")]
    #[schemars(extend("enum" = [4, 8]))]
    connectivity: u8,
    /// Mines up to this far from a zone's edge are counted.
    #[serde(default = "five_kilometres")]
    #[schemars(range(min = 0, max = 20_040_000), extend("x-unit" = "m"))]
    radius: f64,
    /// Outer edges of the bands of distance around each mine, rising.
    #[serde(default = "usual_bands")]
    #[schemars(length(min = 1, max = 50), extend("x-unit" = "m"))]
    bands: Vec<f64>,
    /// How far a simplified border may be off; 0 keeps the edges of pixels. Areas and distances
    /// are always those of the pixels.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10_000), extend("x-unit" = "m"))]
    simplify: f64,
    /// The map's year, for `years`.
    year: Option<i16>,
    /// Maps of other years on the same grid: `years` lists those in which at least half of a zone
    /// was of its class.
    other_years: Option<Vec<YearMap>>,
}

fn stressed() -> Vec<String> {
    vec![STRESSED.to_owned()]
}

fn half_a_hectare() -> f64 {
    0.5
}

fn eight() -> u8 {
    8
}

fn five_kilometres() -> f64 {
    5000.0
}

/// Edges of the bands of distance where nothing else is asked for.
pub(in crate::process) fn usual_bands() -> Vec<f64> {
    vec![1000.0, 2000.0, 3000.0, 5000.0]
}

/// What comes back. Stress is evidence of chlorophyll loss in rice, not a soil test.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is read")]
pub struct StressZonesOutputs {
    /// The zones, the largest first: `areaHa` on the ground, `meanProbability` in percent, `years`,
    /// the nearest mine (`nearestMine` is the `id` in the output `mines`) with its distance from the
    /// zone's edge (m, 0 where they meet) and bearing (degrees from north), `minesWithin` the radius,
    /// `mineDensity` (per km2) at its middle.
    zones: FeatureCollection,
    /// The mines with their ids (of the source, or `mine-` and their row), all they came with, and
    /// the hectares of zones around each by distance.
    mines: FeatureCollection,
    /// Rows of the mines that are not clean: what is wrong, and what was done.
    mine_problems: Vec<MineProblem>,
    /// Number of zones and hectares, in all and by distance to the nearest mine.
    summary: Summary,
}

/// All zones together.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Number of zones.
    pub zones: usize,
    /// Their hectares.
    pub area_ha: f64,
    /// Number of mines.
    pub mines: usize,
    /// By distance from a zone's edge to the nearest mine; the last row has no end.
    pub by_distance: Vec<DistanceRow>,
}

/// Zones whose nearest mine is this far.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DistanceRow {
    /// From this distance (m) ..
    pub from_m: f64,
    /// .. to this one, left out; null without end.
    pub to_m: Option<f64>,
    /// Number of zones.
    pub zones: usize,
    /// Their hectares.
    pub area_ha: f64,
}

impl Process for StressZones {
    type Inputs = StressZonesInputs;
    type Outputs = StressZonesOutputs;
    const ID: &'static str = "stress-zones";
    const TITLE: &'static str = "Stress zones";
    const DESCRIPTION: &'static str = "Draws the zones of a stress map as polygons along the edges of its pixels, \
        small patches sieved out, and joins them to mines: area, mean probability, nearest mine with geodesic \
        distance and bearing, mines within a radius; for each mine the stressed area by distance. Stress is \
        evidence of chlorophyll loss, not a soil test.";

    fn check(inputs: &StressZonesInputs, faults: &mut InputFaults) {
        check_bands(&inputs.bands, faults);
        check_crs("minesCrs", inputs.mines_crs.as_deref(), faults);
        if inputs.mines.is_none() && inputs.mines_crs.is_some() {
            faults.add("minesCrs", "there are no `mines`");
        }
        let mut years: Vec<i16> = inputs.year.into_iter().collect();
        for (i, other) in inputs.other_years.iter().flatten().enumerate() {
            if years.contains(&other.year) {
                faults.add(format!("otherYears[{i}].year"), format!("{} is named twice", other.year));
            }
            years.push(other.year);
        }
    }

    fn run(&self, inputs: StressZonesInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let options = inputs.options();
        let mines = match &inputs.mines {
            Some(file) => Some(Mines::read(file, inputs.mines_crs.as_deref(), inputs.dirty_rows, context)?),
            None => None,
        };
        if mines.as_ref().is_some_and(Mines::is_empty) {
            context.progress.note("mines: there is none; zones come without");
        }
        let map = context.data.raster("stressMap", &inputs.stress_map)?;
        let probability =
            inputs.probability.as_ref().map(|f| context.data.raster("probability", f)).transpose()?;
        let found = find(map.as_ref(), "stressMap", &options, context)?;
        if let Some(mines) = &mines {
            mines.look_for_swapped(map.grid(), context).map_err(ProcessError::failed)?;
        }
        if found.zones.zones.is_empty() {
            context
                .progress
                .note(&format!("no pixel is {}: the result is empty", options.classes.join(" or ")));
        }
        let means = probability.map(|p| found.means(p.as_ref(), "probability", context)).transpose()?;
        let years = inputs.years(&found, context)?;
        let joined = mines
            .as_ref()
            .map(|mines| found.join(mines, inputs.radius, &inputs.bands, context))
            .transpose()?;
        let beside = mines.as_ref().zip(joined.as_ref());
        write_zones("zones", &found, means.as_deref(), &years, beside, context)?;
        if let Some((mines, joined)) = beside {
            write_mines("mines", mines, joined, &inputs.bands, context)?;
            mines.write_problems(context)?;
        }
        let summary = summary(&found, joined.as_ref(), &inputs.bands);
        context.sink.document("summary", serde_json::to_value(summary).map_err(ProcessError::failed)?)
    }
}

/// Zones and hectares, in all and by distance.
pub(in crate::process) fn summary(found: &FoundZones, joined: Option<&Joined>, edges: &[f64]) -> Summary {
    let mut rows: Vec<DistanceRow> = std::iter::once(0.0)
        .chain(edges.iter().copied())
        .zip(edges.iter().copied().map(Some).chain([None]))
        .map(|(from_m, to_m)| DistanceRow { from_m, to_m, zones: 0, area_ha: 0.0 })
        .collect();
    for (near, area) in joined.iter().flat_map(|j| &j.near).zip(&found.areas) {
        let Some((_, metres, _)) = near.nearest else { continue };
        if let Some(row) = rows.iter_mut().find(|r| r.to_m.is_none_or(|to| metres < to)) {
            row.zones += 1;
            row.area_ha += area / 1e4;
        }
    }
    let mines = joined.map_or(0, |j| j.bands.len());
    Summary {
        zones: found.areas.len(),
        area_ha: found.areas.iter().sum::<f64>() / 1e4,
        mines,
        by_distance: if mines == 0 { Vec::new() } else { rows },
    }
}

/// Notes edges of bands of distance that do not rise.
fn check_bands(bands: &[f64], faults: &mut InputFaults) {
    for (i, &edge) in bands.iter().enumerate() {
        let below = if i == 0 { 0.0 } else { bands[i - 1] };
        if !(edge > below && edge <= LARGEST_RADIUS) {
            let why = format!("{edge} m: the edges must rise, from above 0 to {LARGEST_RADIUS} m");
            faults.add(format!("bands[{i}]"), why);
        }
    }
}

impl StressZonesInputs {
    /// What a zone is.
    fn options(&self) -> ZoneOptions<'_> {
        let connectivity = if self.connectivity == 4 { Connectivity::Four } else { Connectivity::Eight };
        ZoneOptions {
            classes: &self.classes,
            minimum_mapping_unit: self.minimum_mapping_unit,
            connectivity,
            simplify: self.simplify,
        }
    }

    /// The share of each zone that other years' maps call the same.
    fn years(&self, found: &FoundZones, context: &Context<'_>) -> Result<Vec<YearOf>, ProcessError> {
        let mut years: Vec<YearOf> = Vec::new();
        if let Some(year) = self.year {
            years.push(YearOf { year, shares: vec![1.0; found.areas.len()] });
        }
        for (i, other) in self.other_years.iter().flatten().enumerate() {
            let input = format!("otherYears[{i}].map");
            let map = context.data.raster(&input, &other.map)?;
            let shares = found.share_alike(map.as_ref(), &input, context)?;
            years.push(YearOf { year: other.year, shares });
        }
        years.sort_by_key(|y| y.year);
        Ok(years)
    }
}
