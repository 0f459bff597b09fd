//! From a class map to zones with their attributes: what `stress-zones` and `monitor` share.

mod attributes;

use std::sync::atomic::{AtomicU64, Ordering};

use geo::Geometry;

use super::mines::Mines;
use super::{Context, ProcessError, RasterReader};
use crate::budget::{self, Claim};
use crate::classmap::{Connectivity, Legend, PixelArea, sieve};
use crate::crs::{GeoBox, pixel_metres};
use crate::raster::{Plane, Resampling, Window};
use crate::zones::{Join, MineIndex, NearMines, Zones, outline_pieces, polygonize_while};
pub use attributes::{YearOf, write_mines, write_zones};

/// Most rows of the blocks that rasters are read in, and about how many pixels they have.
const BLOCK: (usize, usize) = (512, 1 << 23);

/// What makes a zone.
#[derive(Clone, Debug)]
pub struct ZoneOptions<'a> {
    /// Classes that are drawn.
    pub classes: &'a [String],
    /// Hectares below which a patch falls to its largest neighbour.
    pub minimum_mapping_unit: f64,
    /// What joins pixels.
    pub connectivity: Connectivity,
    /// Metres that borders may be off.
    pub simplify: f64,
}

/// Zones of a map.
pub struct FoundZones {
    /// The map's grid.
    pub grid: GeoBox,
    /// The map's classes.
    pub legend: Legend,
    /// The zones.
    pub zones: Zones,
    /// Square metres of each.
    pub areas: Vec<f64>,
    /// Square metres of a pixel by row.
    pub of_pixel: Vec<f64>,
    /// The memory of the zones.
    _claim: Claim,
}

/// The mines beside zones.
pub struct Joined {
    /// What lies near each zone.
    pub near: Vec<NearMines>,
    /// Square metres of zones by band around each mine.
    pub bands: Vec<Vec<f64>>,
}

/// Finds the zones of a class map, which errors call `input`.
///
/// # Errors
/// [`ProcessError::Input`] naming `classes` or the map, and what reading fails with.
pub fn find(
    map: &dyn RasterReader,
    input: &str,
    options: &ZoneOptions<'_>,
    context: &Context<'_>,
) -> Result<FoundZones, ProcessError> {
    let grid = map.grid().clone();
    let legend = map.legend().cloned().unwrap_or_else(Legend::stress);
    let mut chosen = [false; 256];
    for (i, class) in options.classes.iter().enumerate() {
        let codes = legend.codes_meant(class);
        if codes.is_empty() {
            let known: Vec<&str> = legend.classes.iter().map(|c| c.name.as_str()).collect();
            let why = format!("the map has no class `{class}` (it has {})", known.join(", "));
            let at = if options.classes.len() == 1 { input.to_owned() } else { format!("classes[{i}]") };
            return Err(ProcessError::input(at, why));
        }
        for code in codes {
            chosen[usize::from(code)] = true;
        }
    }
    // A patch is known only once the whole map is: one byte a pixel.
    let _map =
        context.claim(input, "the map as a whole", (grid.rows as u64).checked_mul(grid.cols as u64))?;
    let mut plane = read_codes(map, input, &legend, context)?;
    let go_on = || !context.cancel.is_cancelled();
    let of_run = sieve::BYTES_OF_RUN.max(Zones::BYTES_OF_RUN);
    let borders = context.claim(input, "the patches of the map", sieve::runs(&plane).checked_mul(of_run))?;
    context.progress.step("sieve", 0);
    let area = PixelArea::of(&grid);
    let threshold = area.pixels(options.minimum_mapping_unit);
    let outline = |plane: &Plane<u8>| {
        polygonize_while(plane, &chosen, options.connectivity, &go_on).ok_or(ProcessError::Cancelled)
    };
    if !sieve::sieve_while(&mut plane, Some(legend.nodata), threshold, options.connectivity, &go_on) {
        return Err(ProcessError::Cancelled);
    }
    context.progress.step("polygonize", 0);
    let mut zones = outline(&plane)?;
    // A sieve leaves what has no neighbour to fall to, as an islet in nodata.
    if zones.zones.iter().any(|zone| zone.pixels < u64::from(threshold)) {
        for row in 0..grid.rows {
            for (cols, zone) in zones.runs(row) {
                if zones.zones[zone].pixels < u64::from(threshold) {
                    plane.values[row * grid.cols..][cols].fill(legend.nodata);
                }
            }
        }
        drop(zones);
        zones = outline(&plane)?;
    }
    if options.simplify > 0.0 {
        context.progress.step("simplify", 0);
        if !zones.simplify_while(pixel_metres(&grid), options.simplify, &go_on) {
            return Err(ProcessError::Cancelled);
        }
    }
    let of_pixel: Vec<f64> = (0..grid.rows).map(|row| area.square_metres(row)).collect();
    let areas = zones.square_metres(&of_pixel);
    Ok(FoundZones { grid, legend, zones, areas, of_pixel, _claim: borders })
}

fn read_codes(
    map: &dyn RasterReader,
    input: &str,
    legend: &Legend,
    context: &Context<'_>,
) -> Result<Plane<u8>, ProcessError> {
    let grid = map.grid();
    let plane = Plane::try_filled("the map as a whole", grid.rows, grid.cols, legend.nodata);
    let mut plane = plane.map_err(|over| ProcessError::input(input, over))?;
    let blocks = Window::strips(grid.rows, grid.cols, BLOCK.0, BLOCK.1);
    context.progress.step("read the map", blocks.len() as u64);
    for (i, window) in blocks.enumerate() {
        context.cancel.check()?;
        let block = map.read(grid, window, Resampling::Nearest)?;
        let to = &mut plane.values[window.row * grid.cols..][..window.len()];
        for (to, value) in to.iter_mut().zip(&block.values) {
            if (0.0..=255.0).contains(value) {
                *to = *value as u8;
            }
        }
        context.progress.done(i as u64 + 1);
    }
    Ok(plane)
}

impl FoundZones {
    /// The mean of a raster on the same grid over each zone; NaN where it has no value there.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming `input` where it lies on another grid.
    pub fn means(
        &self,
        raster: &dyn RasterReader,
        input: &str,
        context: &Context<'_>,
    ) -> Result<Vec<f64>, ProcessError> {
        self.check_grid(raster.grid(), input)?;
        let mut sums = vec![(0.0f64, 0u64); self.zones.zones.len()];
        self.over(raster, "zonal statistics", context, |values, _, zone| {
            for value in values.iter().filter(|v| !v.is_nan()) {
                sums[zone].0 += f64::from(*value);
                sums[zone].1 += 1;
            }
        })?;
        Ok(sums
            .into_iter()
            .map(|(sum, count)| if count == 0 { f64::NAN } else { sum / count as f64 })
            .collect())
    }

    /// The share of each zone's pixels that another class map of the same grid calls by one of
    /// the zones' own classes.
    ///
    /// # Errors
    /// As [`FoundZones::means`].
    pub fn share_alike(
        &self,
        map: &dyn RasterReader,
        input: &str,
        context: &Context<'_>,
    ) -> Result<Vec<f64>, ProcessError> {
        self.check_grid(map.grid(), input)?;
        let legend = map.legend().cloned().unwrap_or_else(Legend::stress);
        let code: Vec<Option<u8>> = (0..=255u8)
            .map(|own| self.legend.entry(own).and_then(|class| legend.code_of(&class.name)))
            .collect();
        let mut alike = vec![0u64; self.zones.zones.len()];
        self.over(map, "compare years", context, |values, own, zone| {
            let wanted = code[usize::from(own)].map(f32::from);
            alike[zone] += values.iter().filter(|v| wanted == Some(**v)).count() as u64;
        })?;
        let share = |(alike, zone): (u64, &crate::zones::Zone)| alike as f64 / zone.pixels.max(1) as f64;
        Ok(alike.into_iter().zip(&self.zones.zones).map(share).collect())
    }

    /// Hands every run's values of a raster over, with the run's class code and zone.
    fn over(
        &self,
        raster: &dyn RasterReader,
        step: &str,
        context: &Context<'_>,
        mut take: impl FnMut(&[f32], u8, usize),
    ) -> Result<(), ProcessError> {
        let grid = &self.grid;
        let blocks = Window::strips(grid.rows, grid.cols, BLOCK.0, BLOCK.1);
        context.progress.step(step, blocks.len() as u64);
        for (i, window) in blocks.enumerate() {
            context.cancel.check()?;
            let block = raster.read(grid, window, Resampling::Nearest)?;
            for (row, line) in block.values.chunks_exact(grid.cols).enumerate() {
                for (cols, zone) in self.zones.runs(window.row + row) {
                    take(&line[cols], self.zones.zones[zone].code, zone);
                }
            }
            context.progress.done(i as u64 + 1);
        }
        Ok(())
    }

    fn check_grid(&self, other: &GeoBox, input: &str) -> Result<(), ProcessError> {
        if *other == self.grid {
            return Ok(());
        }
        let show = |g: &GeoBox| {
            let (x, y) = g.affine.apply(0.0, 0.0);
            format!("{} x {} pixels from {x}, {y} in {}", g.cols, g.rows, g.crs.name())
        };
        let why = format!(
            "lies on another grid ({}) than the map ({}); take the raster that was made with it",
            show(other),
            show(&self.grid)
        );
        Err(ProcessError::input(input, why))
    }

    /// Joins the zones to mines: those within `radius` metres are counted, areas are summed by
    /// bands that end at `edges` metres.
    ///
    /// # Errors
    /// [`ProcessError::Cancelled`], or a map without a place on Earth.
    pub fn join(
        &self,
        mines: &Mines,
        radius: f64,
        edges: &[f64],
        context: &Context<'_>,
    ) -> Result<Joined, ProcessError> {
        let geometries: Vec<&Geometry<f64>> = mines.geometries().collect();
        budget::followed("50 m", outline_pieces(geometries.iter().copied()))
            .map_err(|over| ProcessError::input("mines", over))?;
        let index = MineIndex::new(geometries);
        let join = Join::new(&self.zones, &self.grid, &index, radius).map_err(ProcessError::failed)?;
        let told = AtomicU64::new(0);
        let go_on = |done: usize| {
            if told.fetch_max(done as u64, Ordering::Relaxed) < done as u64 {
                context.progress.done(done as u64);
            }
            !context.cancel.is_cancelled()
        };
        context.progress.step("join the mines", self.zones.zones.len() as u64);
        let near = join.run(go_on).ok_or(ProcessError::Cancelled)?;
        told.store(0, Ordering::Relaxed);
        context.progress.step("zones around each mine", index.len() as u64);
        let bands = join.bands(edges, &self.of_pixel, go_on).ok_or(ProcessError::Cancelled)?;
        Ok(Joined { near, bands })
    }
}
