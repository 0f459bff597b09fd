//! `assess-accuracy`: how right a class map is, from samples or a reference map.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::inputs::InputFaults;
use super::rice::map::area_adjusted;
use super::{Context, Process, ProcessError, RasterReader};
use crate::classify::assess::{Accuracy, Confusion};
use crate::classmap::{AreaTally, Legend};
use crate::crs::Crs;
use crate::ogc::FileInput;
use crate::ogc::outputs::{GEOJSON, GEOTIFF};
use crate::raster::{Resampling, Window};
use crate::vector::{Value, columns, cover};

/// Most rows of the blocks that maps are read in, and about how many pixels they have.
const BLOCK: (usize, usize) = (1024, 1 << 24);

/// How right a class map is.
#[derive(Clone, Copy, Debug)]
pub struct AssessAccuracy;

/// The map and what is known of the ground.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssessInputs {
    /// The class map: a GeoTIFF.
    #[schemars(extend("x-holds" = GEOTIFF))]
    map: FileInput,
    /// The reference: points or polygons with a class (each pixel of a polygon counts as a
    /// sample), or a GeoTIFF of class codes; its own legend, where it has one, names them, else the
    /// map's.
    #[schemars(extend("x-holds" = GEOJSON))]
    samples: FileInput,
    /// The property that holds the class of a sample.
    #[serde(default = "default_class_property")]
    class_property: String,
    /// Names of the map's classes by code, from 1, where the map carries no legend and they are
    /// not those of the rice, stress or land cover legend.
    classes: Option<Vec<String>>,
    /// A GeoTIFF: only pixels where it is neither 0 nor nodata are counted.
    #[schemars(extend("x-holds" = GEOTIFF))]
    mask: Option<FileInput>,
}

/// The document.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
pub struct AssessOutputs {
    /// Confusion matrix, overall accuracy, kappa, producer's and user's accuracy, F1, and
    /// accuracy and areas weighted by the mapped area with 95 % intervals (Olofsson et al. 2014).
    accuracy: Accuracy,
}

fn default_class_property() -> String {
    "class".to_owned()
}

impl Process for AssessAccuracy {
    type Inputs = AssessInputs;
    type Outputs = AssessOutputs;
    const ID: &'static str = "assess-accuracy";
    const TITLE: &'static str = "Accuracy of a class map";
    const DESCRIPTION: &'static str = "Compares a class map with samples or with a reference map: confusion \
        matrix, overall accuracy, kappa, producer's and user's accuracy, F1, and accuracy and areas weighted \
        by the mapped area of each class with 95 % intervals (Olofsson et al. 2014, \
        doi:10.1016/j.rse.2014.02.015).";

    fn check(inputs: &AssessInputs, faults: &mut InputFaults) {
        faults.note(inputs.classes.as_deref().map(of_classes).transpose());
    }

    fn run(&self, inputs: AssessInputs, context: &Context<'_>) -> Result<(), ProcessError> {
        let map = context.data.raster("map", &inputs.map)?;
        let mask = inputs.mask.as_ref().map(|m| context.data.raster("mask", m)).transpose()?;
        let reference = Reference::read(&inputs, map.as_ref(), mask.as_deref(), context)?;
        let legend = reference.legend(&inputs, map.legend())?;
        let (confusion, areas) = reference.compare(map.as_ref(), mask.as_deref(), &legend, context)?;
        if confusion.samples() == 0 {
            let message = "every sample lies on nodata of the map or outside it";
            return Err(ProcessError::input("samples", message));
        }
        let mut accuracy = confusion.accuracy();
        accuracy.area_adjusted = area_adjusted(&confusion, &areas, context);
        let document = serde_json::to_value(&accuracy).map_err(ProcessError::failed)?;
        context.sink.document("accuracy", document)
    }
}

fn of_classes(names: &[String]) -> Result<Legend, ProcessError> {
    Legend::of_classes(names).map_err(|e| ProcessError::input("classes", e))
}

/// What the map is held against.
enum Reference {
    /// Pixels of the map and their class.
    Samples(Vec<((usize, usize), String)>),
    /// A raster of the map's codes.
    Map(Box<dyn RasterReader>),
}

impl Reference {
    fn read(
        inputs: &AssessInputs,
        map: &dyn RasterReader,
        mask: Option<&dyn RasterReader>,
        context: &Context<'_>,
    ) -> Result<Self, ProcessError> {
        if is_raster(&inputs.samples) {
            return context.data.raster("samples", &inputs.samples).map(Self::Map);
        }
        let table = context.data.features("samples", &inputs.samples)?;
        let property = inputs.class_property.as_str();
        if let Some(why) = columns::missing(&table.features, property) {
            return Err(ProcessError::input("classProperty", why));
        }
        let grid = map.grid();
        let to_grid = Crs::wgs84().transformer_to(&grid.crs).map_err(ProcessError::failed)?;
        let (mut pixels, mut without_class, mut outside) = (Vec::new(), 0, 0);
        for feature in &table.features {
            let class = match feature.properties.get(property) {
                None | Some(Value::Null) => {
                    without_class += 1;
                    continue;
                }
                Some(class) => class.to_string(),
            };
            let covered = cover::pixels(grid, &feature.geometry, &to_grid, pixels.len())
                .map_err(|over| ProcessError::input("samples", over))?;
            outside += usize::from(covered.is_empty());
            pixels.extend(covered.into_iter().map(|at| (at, class.clone())));
        }
        let all = table.features.len();
        for (count, what) in [(without_class, "have no class"), (outside, "lie outside the map")] {
            if count > 0 {
                context.progress.note(&format!("samples: {count} of {all} {what} and are left out"));
            }
        }
        if let Some(mask) = mask {
            let mut kept = Vec::with_capacity(pixels.len());
            for sample in pixels {
                let (row, col) = sample.0;
                let at = Window { row, col, rows: 1, cols: 1 };
                if allows(mask.read(grid, at, Resampling::Nearest)?.values[0]) {
                    kept.push(sample);
                }
            }
            pixels = kept;
        }
        if pixels.is_empty() {
            return Err(ProcessError::input("samples", "no sample lies on the map"));
        }
        Ok(Self::Samples(pixels))
    }

    /// The map's own legend, else that of the named classes, else that of the samples' classes.
    fn legend(&self, inputs: &AssessInputs, own: Option<&Legend>) -> Result<Legend, ProcessError> {
        if let Some(legend) = own {
            return Ok(legend.clone());
        }
        if let Some(classes) = &inputs.classes {
            return of_classes(classes);
        }
        match self {
            Self::Samples(samples) => {
                let names: Vec<&str> =
                    samples.iter().map(|s| s.1.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
                for known in [Legend::rice(), Legend::stress(), Legend::land_cover()] {
                    if names.iter().all(|n| known.code_of(n).is_some()) {
                        return Ok(known);
                    }
                }
                Legend::of_classes(&names).map_err(|e| ProcessError::input("samples", e))
            }
            Self::Map(reference) => reference.legend().cloned().ok_or_else(|| {
                let message = "neither the map nor the reference carries a legend; name the classes";
                ProcessError::input("classes", message)
            }),
        }
    }

    /// The map's class of each code of a reference map: by name where it has a legend of its own.
    fn labels(&self, legend: &Legend) -> Result<Vec<Option<usize>>, ProcessError> {
        let mut labels = vec![None; 256];
        let own = match self {
            Self::Map(reference) => reference.legend(),
            Self::Samples(_) => None,
        };
        for class in &own.unwrap_or(legend).classes {
            let label = legend.classes.iter().position(|c| c.name == class.name).ok_or_else(|| {
                let names: Vec<&str> = legend.classes.iter().map(|c| c.name.as_str()).collect();
                let message = format!(
                    "class `{}` of the reference is not in the map's legend ({})",
                    class.name,
                    names.join(", ")
                );
                ProcessError::input("samples", message)
            })?;
            labels[usize::from(class.code)] = Some(label);
        }
        Ok(labels)
    }

    /// The confusion matrix, and the mapped hectares of each class.
    fn compare(
        &self,
        map: &dyn RasterReader,
        mask: Option<&dyn RasterReader>,
        legend: &Legend,
        context: &Context<'_>,
    ) -> Result<(Confusion, Vec<f64>), ProcessError> {
        let names: Vec<String> = legend.classes.iter().map(|c| c.name.clone()).collect();
        let position = |code: u8| legend.classes.iter().position(|c| c.code == code);
        let truth_of = self.labels(legend)?;
        let truth_of = |code: u8| truth_of[usize::from(code)];
        let grid = map.grid();
        let mut codes_of_samples = Vec::new();
        if let Self::Samples(samples) = self {
            for (at, class) in samples {
                let label = names.iter().position(|n| n == class).ok_or_else(|| {
                    let message =
                        format!("class `{class}` is not in the map's legend ({})", names.join(", "));
                    ProcessError::input("samples", message)
                })?;
                codes_of_samples.push((*at, label));
            }
            codes_of_samples.sort_unstable();
        }
        let _tally = context.claim("map", "areas by row and class", AreaTally::bytes(legend, grid.rows))?;
        let mut confusion = Confusion::new(&names);
        let (mut tally, mut lost) = (AreaTally::new(legend, grid.rows), 0usize);
        let blocks = Window::strips(grid.rows, grid.cols, BLOCK.0, BLOCK.1);
        context.progress.step("compare", blocks.len() as u64);
        for (i, window) in blocks.enumerate() {
            context.cancel.check()?;
            let plane = map.read(grid, window, Resampling::Nearest)?;
            let codes: Vec<u8> = plane.values.iter().map(|&v| code(v, legend.nodata)).collect();
            tally.add(window, &codes);
            match self {
                Self::Samples(_) => {
                    let from = codes_of_samples.partition_point(|s| s.0.0 < window.row);
                    let to = codes_of_samples.partition_point(|s| s.0.0 < window.row + window.rows);
                    for &((row, col), label) in &codes_of_samples[from..to] {
                        let found = codes[(row - window.row) * window.cols + col - window.col];
                        match position(found) {
                            Some(mapped) => confusion.matrix[label][mapped] += 1,
                            None => lost += 1,
                        }
                    }
                }
                Self::Map(reference) => {
                    let truth = reference.read(grid, window, Resampling::Nearest)?;
                    let mask = mask.map(|m| m.read(grid, window, Resampling::Nearest)).transpose()?;
                    for (pixel, (&found, &truth)) in codes.iter().zip(&truth.values).enumerate() {
                        let masked = mask.as_ref().is_some_and(|m| !allows(m.values[pixel]));
                        let Some(label) = whole_code(truth).and_then(truth_of).filter(|_| !masked) else {
                            continue;
                        };
                        match position(found) {
                            Some(mapped) => confusion.matrix[label][mapped] += 1,
                            None => lost += 1,
                        }
                    }
                }
            }
            context.progress.done(i as u64 + 1);
        }
        if lost > 0 {
            context
                .progress
                .note(&format!("{lost} reference pixels lie on nodata of the map and are left out"));
        }
        let areas = tally.areas(legend, grid);
        let hectares = |name: &String| areas.iter().find(|a| a.name == *name).map_or(0.0, |a| a.hectares);
        let hectares = names.iter().map(hectares).collect();
        Ok((confusion, hectares))
    }
}

/// The code of a pixel; anything that is no code is nodata.
fn code(value: f32, nodata: u8) -> u8 {
    whole_code(value).unwrap_or(nodata)
}

fn whole_code(value: f32) -> Option<u8> {
    (0.0..=255.0).contains(&value).then_some(value as u8)
}

fn allows(mask: f32) -> bool {
    !mask.is_nan() && mask != 0.0
}

/// Whether an input names a raster, by media type or ending.
fn is_raster(file: &FileInput) -> bool {
    let (href, media_type) = match file {
        FileInput::Link { href, media_type } => (href, media_type.as_deref().unwrap_or_default()),
        FileInput::Path(path) => (path, ""),
        FileInput::Value(_) => return false,
    };
    let path = href.split('?').next().unwrap_or(href).to_ascii_lowercase();
    media_type.starts_with("image/") || [".tif", ".tiff", ".jp2"].iter().any(|e| path.ends_with(e))
}
