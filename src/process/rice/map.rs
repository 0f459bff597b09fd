//! From a model and a cube to the class map: written block by block, sieved where asked for.

use super::training::check_dates;
use crate::classify::Model;
use crate::classify::assess::{Accuracy, AreaAdjusted, Confusion};
use crate::classify::predict::{BlockAnswer, Masks, PredictError, Predictor, RiceMask};
use crate::classmap::{AreaTally, ClassArea, PixelArea};
use crate::classmap::{Connectivity, sieve};
use crate::cube::{CubeError, DataCube};
use crate::ogc::{FileInput, outputs};
use crate::process::{Context, ProcessError, RasterKind, RasterReader, RasterWriter};
use crate::raster::terrain::{slope, with_margin};
use crate::raster::{Plane, Resampling, Window};

/// Ground steeper than a limit, from a DEM.
pub struct Steep {
    pub dem: Box<dyn RasterReader>,
    pub degrees: f32,
}

/// Opens the DEM of a request.
///
/// # Errors
/// [`ProcessError::Input`] naming `dem`.
pub fn steep(
    dem: Option<&FileInput>,
    max_slope: Option<f32>,
    context: &Context<'_>,
) -> Result<Option<Steep>, ProcessError> {
    let Some(dem) = dem else { return Ok(None) };
    let degrees = max_slope.unwrap_or(USUAL_SLOPE);
    Ok(Some(Steep { dem: context.data.raster("dem", dem)?, degrees }))
}

/// Degrees beyond which there is no rice ([Z] 3.1).
pub const USUAL_SLOPE: f32 = 8.0;

/// How a map is made.
pub struct MapOptions<'a> {
    pub steep: Option<Steep>,
    /// Where rice grows, if that is known: nothing else is classified.
    pub rice: Option<&'a RiceMask<'a>>,
    /// What the classes are called whose probability is written to `probability`; without a name, that
    /// of the answer is written to `confidence`.
    pub told: Option<&'a str>,
    /// Hectares; smaller patches fall to their largest neighbour.
    pub minimum_mapping_unit: f64,
}

/// Classifies the cube and writes the outputs `classMap` and `confidence` (or `probability`) where
/// they are wanted.
///
/// # Errors
/// A model that does not fit the cube, unreadable pixels, a full disk, cancelled.
pub fn map(
    cube: &DataCube,
    model: &Model,
    options: &MapOptions<'_>,
    context: &Context<'_>,
) -> Result<Vec<ClassArea>, ProcessError> {
    let legend = &model.card.legend;
    let told = if options.told.is_some() { legend.stressed() } else { Vec::new() };
    check_dates(model, cube, context.progress)?;
    let predictor = Predictor::new(cube, model).map_err(|e| ProcessError::input("model", e))?;
    let predictor = predictor.telling(told);
    let grid = &cube.grid;
    let open = |output: &str, kind: RasterKind| -> Result<Option<Box<dyn RasterWriter>>, ProcessError> {
        context.sink.wants(output).then(|| context.sink.raster(output, grid, &kind)).transpose()
    };
    let mut class_map = open("classMap", RasterKind::Classes(legend.clone()))?;
    let (percent, label) = match options.told {
        Some(class) => ("probability", format!("probability of {class}")),
        None => ("confidence", "confidence".to_owned()),
    };
    let mut confidence = open(percent, RasterKind::Percent { label })?;
    let threshold = PixelArea::of(grid).pixels(options.minimum_mapping_unit);
    // A patch is only known whole, so a sieve needs the whole map: one byte a pixel.
    let pixels = (grid.rows as u64).checked_mul(grid.cols as u64);
    let _whole = (threshold > 1).then(|| context.claim("area", "the map as a whole", pixels)).transpose()?;
    let whole = (threshold > 1)
        .then(|| Plane::try_filled("the map as a whole", grid.rows, grid.cols, legend.nodata))
        .transpose();
    let mut whole = whole.map_err(|over| ProcessError::input("area", over))?;
    let _tally = context.claim("area", "areas by row and class", AreaTally::bytes(legend, grid.rows))?;
    let mut tally = AreaTally::new(legend, grid.rows);

    let total = (grid.rows * grid.cols) as u64;
    context.progress.step("classify", total);
    let mask = options.steep.as_ref().map(|s| {
        move |window: Window| too_steep(s, cube, window).map_err(|e| CubeError::Read(e.to_string()))
    });
    let masks =
        Masks { steep: mask.as_ref().map(|m| m as &crate::classify::predict::SteepMask), rice: options.rice };
    let go_on = |pixels: usize| {
        context.progress.done(pixels as u64);
        !context.cancel.is_cancelled()
    };
    let write = |answer: BlockAnswer| -> Result<(), ProcessError> {
        let BlockAnswer { window, codes, confidence: percent } = answer;
        if let Some(writer) = &mut confidence {
            writer.write(window, &percent)?;
        }
        if let Some(plane) = &mut whole {
            place(plane, window, &codes);
        } else {
            tally.add(window, &codes);
        }
        // Where a sieve follows, what is written before it is for those who watch the map grow.
        class_map.as_mut().map_or(Ok(()), |writer| writer.write(window, &codes))
    };
    predictor.run(masks, &go_on, write).map_err(|e| match e {
        PredictError::Cancelled => ProcessError::Cancelled,
        PredictError::Write(e) => e,
        PredictError::Cube(e) => ProcessError::input("cube", e),
        PredictError::Classify(e) => ProcessError::input("model", e),
    })?;
    if let Some(mut plane) = whole {
        context.progress.step("sieve", 0);
        let patches = sieve::runs(&plane).checked_mul(sieve::BYTES_OF_RUN);
        let _patches = context.claim("area", "the patches of the map", patches)?;
        let go_on = || !context.cancel.is_cancelled();
        if !sieve::sieve_while(&mut plane, Some(legend.nodata), threshold, Connectivity::Four, &go_on) {
            return Err(ProcessError::Cancelled);
        }
        tally.add(grid.window(), &plane.values);
        if let Some(writer) = &mut class_map {
            for window in Window::strips(grid.rows, grid.cols, 512, 1 << 23) {
                let start = window.row * grid.cols;
                writer.write(window, &plane.values[start..start + window.len()])?;
            }
        }
    }
    context.progress.step("write", 0);
    for writer in [class_map, confidence].into_iter().flatten() {
        context.cancel.check()?;
        writer.finish()?;
    }
    Ok(tally.areas(legend, grid))
}

/// Writes what stands beside a map: the outputs `model`, `accuracy` (adjusted by the mapped areas)
/// where it was trained and tested, and `areas`.
///
/// # Errors
/// As [`map`].
pub fn write(
    model: &Model,
    areas: &[ClassArea],
    trained: Option<(Confusion, Accuracy)>,
    context: &Context<'_>,
) -> Result<(), ProcessError> {
    let document = |value: Result<_, serde_json::Error>| value.map_err(ProcessError::failed);
    if context.sink.wants("model") {
        let bytes = model.to_bytes().map_err(ProcessError::failed)?;
        context.sink.file("model", outputs::MODEL, &bytes)?;
    }
    if let Some((confusion, mut accuracy)) = trained {
        let hectares: Vec<f64> = areas.iter().map(|a| a.hectares).collect();
        accuracy.area_adjusted = area_adjusted(&confusion, &hectares, context);
        context.sink.document("accuracy", document(serde_json::to_value(accuracy))?)?;
    }
    context.sink.document("areas", document(serde_json::to_value(areas))?)
}

/// Accuracy by the mapped hectares of each class; the user is told why there is none.
pub fn area_adjusted(confusion: &Confusion, hectares: &[f64], context: &Context<'_>) -> Option<AreaAdjusted> {
    let adjusted = confusion.area_adjusted(hectares);
    adjusted.map_err(|why| context.progress.note(&format!("no area-adjusted accuracy: {why}"))).ok()
}

fn place(plane: &mut Plane<u8>, window: Window, codes: &[u8]) {
    for (row, line) in codes.chunks_exact(window.cols.max(1)).enumerate() {
        let start = (window.row + row) * plane.cols + window.col;
        plane.values[start..start + window.cols].copy_from_slice(line);
    }
}

fn too_steep(steep: &Steep, cube: &DataCube, window: Window) -> Result<Vec<bool>, ProcessError> {
    let around = with_margin(&cube.grid, window);
    let elevation = steep.dem.read(&cube.grid, around, Resampling::Bilinear)?;
    let degrees = slope(&cube.grid, &elevation, around, window);
    Ok(degrees.values.iter().map(|&d| d > steep.degrees).collect())
}
