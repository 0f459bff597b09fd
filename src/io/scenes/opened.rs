//! Scenes that are found and whose files are open: cubes are made of them, on coarser grids too.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::calibration::calibrate;
use super::grid::{TargetGrid, target_grid};
use super::reader::{BandLayer, Layer, SceneLayers, SceneReader, Watch};
use super::reflectance::{Reflectance, describe};
use super::sample::look;
use super::scene::{Asset, Scene, SceneError};
use super::{
    Links, SceneSource, choose_masks, common_bands, filter, find_scenes, open_files, prefer_level2,
    refuse_duplicates,
};
use crate::crs::{Affine, Crs, GeoBox, pixel_metres};
use crate::cube::{Acquisition, Band, CubeRequest, DataCube, Findings};
use crate::io::raster_file::{Place, RasterFile};
use crate::raster::{Mapping, NodeGrid, Resampling};

/// Files by their places.
type Files = HashMap<Place, Arc<RasterFile>>;

/// How the values of each band of a scene become reflectance.
type Units = BTreeMap<Band, Reflectance>;

/// Scenes whose files are open.
pub struct OpenScenes {
    scenes: Vec<Scene>,
    bands: Vec<Band>,
    notes: Vec<String>,
    files: Files,
    /// What the values of each scene's bands mean, by scene.
    reflectance: Vec<Units>,
    findings: Arc<Findings>,
    target: TargetGrid,
    /// Columns of the overviews of each file, once they are asked for.
    overviews: HashMap<Place, Vec<usize>>,
}

impl OpenScenes {
    /// Finds the scenes of all sources, and opens their files.
    ///
    /// # Errors
    /// As [`super::open_cube`].
    pub fn find(
        links: &dyn Links,
        sources: &[SceneSource],
        base_dir: &Path,
        request: &CubeRequest,
    ) -> Result<Self, SceneError> {
        let input =
            sources.first().map_or("cube", |s| s.input.split('[').next().unwrap_or("cube")).to_owned();
        let mut scenes = Vec::new();
        let mut notes = Vec::new();
        for source in sources {
            scenes.extend(find_scenes(links, source, base_dir, &mut notes)?);
        }
        refuse_duplicates(&scenes)?;
        let scenes = prefer_level2(scenes, &mut notes);
        let mut scenes = filter(&input, scenes, request, &mut notes)?;
        let bands = common_bands(&input, &scenes, &request.bands)?;
        choose_masks(&mut scenes, request.cloud_mask, &mut notes)?;
        let files = open_files(links, &scenes, &bands)?;
        let rasters = scenes.iter().flat_map(|s| bands.iter().map(|b| &files[&s.bands[b].place].grid));
        let target = target_grid(&input, &rasters.collect::<Vec<_>>(), request)?;
        let findings = Arc::default();
        let reflectance = calibrate_all(&scenes, &bands, &files, &target.grid, &findings)?;
        notes.extend(findings.take());
        let overviews = HashMap::new();
        Ok(Self { scenes, bands, notes, files, reflectance, findings, target, overviews })
    }

    /// The cube on the grid that was asked for.
    ///
    /// # Errors
    /// As [`super::open_cube`].
    pub fn into_cube(self) -> Result<DataCube, SceneError> {
        let (days, acquisitions) = self.days(&self.target.grid, &self.files)?;
        let reader = SceneReader::new(days, self.target.spans, self.findings);
        Ok(DataCube::new(self.target.grid, acquisitions, self.bands, self.notes, Arc::new(reader)))
    }

    /// The grid that was asked for.
    pub fn grid(&self) -> &GeoBox {
        &self.target.grid
    }

    /// Looks which overviews the files have, for coarser cubes to read.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn with_overviews(mut self) -> Result<Self, SceneError> {
        for (place, file) in &self.files {
            let found = file.overviews().map_err(|e| SceneError::new("cube", e))?;
            self.overviews.insert(place.clone(), found);
        }
        Ok(self)
    }

    /// The grid on which a pixel is so many pixels along a side, from the same corner.
    pub fn coarser(&self, factor: usize) -> GeoBox {
        let grid = &self.target.grid;
        let [x, a, b, y, c, d] = grid.affine.0;
        let by = factor as f64;
        GeoBox {
            rows: grid.rows.div_ceil(factor),
            cols: grid.cols.div_ceil(factor),
            affine: Affine([x, a * by, b * by, y, c * by, d * by]),
            crs: grid.crs.clone(),
        }
    }

    /// The cube on a coarser grid (1 is the grid that was asked for), from overviews where there are
    /// any, keeping so many bytes of what it has read.
    ///
    /// # Errors
    /// As [`super::open_cube`].
    pub fn cube(&self, factor: usize, bytes: usize) -> Result<DataCube, SceneError> {
        let grid = self.coarser(factor);
        let mut files = self.files.clone();
        if factor > 1 {
            for file in files.values_mut() {
                if let Some((overview, _)) = self.overview(file, factor) {
                    *file = Arc::new(file.overview(overview).map_err(|e| SceneError::new("cube", e))?);
                }
            }
        }
        let (days, acquisitions) = self.days(&grid, &files)?;
        // Polygons are cut at the pixels that were asked for alone.
        let spans = self.target.spans.clone().filter(|_| factor == 1);
        let reader = SceneReader::new(days, spans, self.findings.clone()).keeping(bytes);
        Ok(DataCube::new(grid, acquisitions, self.bands.clone(), self.notes.clone(), Arc::new(reader)))
    }

    /// Pixels that are read for a square of `side` pixels of a coarser grid.
    pub fn cost(&self, factor: usize, side: usize) -> f64 {
        let file = |asset: &Asset| {
            let file = &self.files[&asset.place];
            let shrunk = self.overview(file, factor).map_or(1.0, |o| o.1);
            let along = side as f64 * self.pixels_along(file) * factor as f64 / shrunk;
            (along * along).min(file.grid.rows as f64 * file.grid.cols as f64 / (shrunk * shrunk))
        };
        let scene = |scene: &Scene| -> f64 {
            let bands = self.bands.iter().map(|band| &scene.bands[band]);
            bands.chain(scene.masks.iter().map(|mask| &mask.1)).map(file).sum()
        };
        self.scenes.iter().map(scene).sum()
    }

    /// Pixels of a file along a pixel of the grid.
    fn pixels_along(&self, file: &RasterFile) -> f64 {
        let (own, target) = (pixel_metres(&file.grid), pixel_metres(&self.target.grid));
        (target.0 / own.0).min(target.1 / own.1)
    }

    /// The coarsest overview whose pixels are no larger than those of a coarser grid, and how much
    /// larger than the file's own they are.
    fn overview(&self, file: &RasterFile, factor: usize) -> Option<(usize, f64)> {
        let most = self.pixels_along(file) * factor as f64 * 1.001;
        let list = self.overviews.get(file.place())?.iter().enumerate();
        let shrunk = list.map(|(k, &cols)| (k, file.grid.cols as f64 / cols.max(1) as f64));
        shrunk.filter(|o| o.1 > 1.0 && o.1 <= most).max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The layers of each day on a grid, and what is known of the day.
    fn days(
        &self,
        target: &GeoBox,
        files: &Files,
    ) -> Result<(Vec<Vec<SceneLayers>>, Vec<Acquisition>), SceneError> {
        let mut systems = Vec::new();
        let mut layer = |asset: &Asset, mask: bool| layer_of(asset, mask, target, files, &mut systems);
        // Scenes keep the order of the sources within a day: the first has precedence.
        let mut by_day: BTreeMap<jiff::civil::Date, Vec<(&Scene, &Units)>> = BTreeMap::new();
        for scene in self.scenes.iter().zip(&self.reflectance) {
            by_day.entry(scene.0.date).or_default().push(scene);
        }
        let mut days = Vec::with_capacity(by_day.len());
        let mut acquisitions = Vec::with_capacity(by_day.len());
        for (date, scenes) in by_day {
            let layers = scenes.iter().map(|&(scene, reflectance)| {
                let band = |&band: &Band| {
                    let asset = &scene.bands[&band];
                    let layer = layer(asset, false)?;
                    let watch = Some(Watch::new(self.findings.clone(), place_of(scene, band)));
                    Ok((band, BandLayer { layer, reflectance: reflectance[&band], watch }))
                };
                let bands = self.bands.iter().map(band).collect::<Result<_, SceneError>>()?;
                let masks = scene.masks.iter().map(|(kind, asset)| Ok((*kind, layer(asset, true)?)));
                Ok(SceneLayers { bands, masks: masks.collect::<Result<_, SceneError>>()? })
            });
            days.push(layers.collect::<Result<Vec<_>, SceneError>>()?);
            let covers: Vec<f32> = scenes.iter().filter_map(|s| s.0.cloud_cover).collect();
            acquisitions.push(Acquisition {
                date,
                scenes: scenes.iter().map(|s| s.0.id.clone()).collect(),
                cloud_cover: (!covers.is_empty()).then(|| covers.iter().sum::<f32>() / covers.len() as f32),
            });
        }
        Ok((days, acquisitions))
    }
}

/// An asset on a grid. `systems` are the CRSs that were met before, with the grid's nodes in them.
fn layer_of(
    asset: &Asset,
    mask: bool,
    target: &GeoBox,
    files: &Files,
    systems: &mut Vec<(Crs, Arc<NodeGrid>)>,
) -> Result<Layer, SceneError> {
    let file = files[&asset.place].clone();
    let nodes = if file.grid.crs == target.crs {
        None
    } else if let Some(known) = systems.iter().find(|s| s.0 == file.grid.crs) {
        Some(known.1.clone())
    } else {
        let nodes = NodeGrid::new(target, &file.grid.crs).map_err(|e| SceneError::new(&asset.path, e))?;
        let nodes = Arc::new(nodes);
        systems.push((file.grid.crs.clone(), nodes.clone()));
        Some(nodes)
    };
    let mapping = Mapping::new(target, &file.grid, nodes);
    let (x, y) = mapping.scale();
    let method = match mask {
        true => Resampling::Nearest,
        false if x.max(y) > 1.0 + 1e-3 => Resampling::Average,
        false => Resampling::Bilinear,
    };
    Ok(Layer { file, band: asset.band, mapping, method })
}

/// Scene and band, as notes name them.
fn place_of(scene: &Scene, band: Band) -> String {
    format!("scene `{}` {band}", scene.id)
}

/// What the values of all bands mean, after a look at some of them.
fn calibrate_all(
    scenes: &[Scene],
    bands: &[Band],
    files: &Files,
    target: &GeoBox,
    findings: &Findings,
) -> Result<Vec<Units>, SceneError> {
    let one = |(scene, band): (&Scene, Band)| {
        let asset = &scene.bands[&band];
        calibrated(scene, band, asset, &files[&asset.place], target, findings)
    };
    let all: Vec<(&Scene, Band)> = scenes.iter().flat_map(|s| bands.iter().map(move |&b| (s, b))).collect();
    // Collected first, so that the error is that of the first in order.
    let all: Vec<Result<Reflectance, SceneError>> = all.into_par_iter().map(one).collect();
    let all = all.into_iter().collect::<Result<Vec<_>, _>>()?;
    let by_band = |of_scene: &[Reflectance]| bands.iter().copied().zip(of_scene.iter().copied()).collect();
    Ok(all.chunks_exact(bands.len()).map(by_band).collect())
}

fn calibrated(
    scene: &Scene,
    band: Band,
    asset: &Asset,
    file: &RasterFile,
    target: &GeoBox,
    findings: &Findings,
) -> Result<Reflectance, SceneError> {
    let has = file.nodata.len();
    if asset.band > has {
        let message = format!("{} has {has} bands, not {}", asset.place, asset.band);
        return Err(SceneError::new(&asset.path, message));
    }
    let place = place_of(scene, band);
    let fail = |why: String| SceneError::new(&asset.path, format!("{place}: {why}"));
    let found = calibrate(asset, scene, file).map_err(fail)?;
    if let Some(note) = &found.note {
        findings.add(note, &place, "");
    }
    if found.assumed {
        let what = "no offset is taken, as the processing baseline is not known; where it is 04.00 or later, declare \
                    the offset of -0.1 (in `raster:bands`, or as `offset` beside the `href` of a folder)";
        findings.add(what, &format!("scene `{}`", scene.id), "");
    }
    let reflectance = found.reflectance;
    // Metadata of the product itself need no look, nor do those that links are catalogued with: each
    // look is a request.
    let link = matches!(asset.place, Place::Link(_));
    let believed = link && !file.floating && asset.scale.is_some() && reflectance.scale < 1e-3;
    if asset.certain || believed {
        return Ok(reflectance);
    }
    let seen = look(file, asset.band, &reflectance, target);
    if let Some(why) = seen.refusal(&reflectance) {
        return Err(fail(why));
    }
    for (odd, detail) in seen.findings() {
        findings.add(&describe(odd), &place, &detail);
    }
    if seen.is_dark() {
        let what = "all reflectance that was looked at is below 0.01: is the scale right";
        findings.add(what, &place, "");
    }
    Ok(reflectance)
}
