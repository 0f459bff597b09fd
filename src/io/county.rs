//! Writes a simulated county: scenes as a STAC ItemCollection, truth, samples, mines and a DEM.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::geotiff_write::{Sample, TiledWriter};
use crate::crs::{Crs, GeoBox};
use crate::cube::Band;
use crate::simulate::{BLOCK, County, Pass, Sampler, SimulateError, Theme, native_step};
use crate::vector::{FeatureTable, Value};

/// Why a county was not written.
#[derive(Debug, thiserror::Error)]
pub enum CountyError {
    /// The folder holds something already.
    #[error("{} holds files already; name a new or empty folder", .0.display())]
    NotEmpty(PathBuf),
    /// The file system refused: disk full, no permission.
    #[error("cannot write {}: {source}; nothing was left behind", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The caller stopped it.
    #[error("cancelled; nothing was left behind")]
    Cancelled,
    /// The county itself.
    #[error(transparent)]
    Simulate(#[from] SimulateError),
}

/// How far the writing is.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// Where the files are until all are there.
    pub aside: &'a Path,
    /// Blocks that are written.
    pub blocks: usize,
    /// All blocks.
    pub of: usize,
}

/// What was written, in a few numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct CountySummary {
    /// Samples by theme.
    pub samples: Vec<(Theme, usize)>,
    /// Mines in and around the county.
    pub mines: usize,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Writes a county to a new or empty folder: `items.json`, a folder per scene with a file per
/// band and `QA60.tif`, `dem.tif`, `truth-*.tif`, `samples-*.geojson`, `mines.geojson`.
/// Everything is written aside and appears at once. Memory depends on a block and the threads,
/// never on the county. `progress` is called before the first block and after each, and may stop
/// the work.
///
/// # Errors
/// [`CountyError`] names the folder or file.
pub fn write_county(
    county: &County,
    folder: &Path,
    mut progress: impl FnMut(Written<'_>) -> ControlFlow<()>,
) -> Result<CountySummary, CountyError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| CountyError::Write { path, source }
    };
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => return Err(CountyError::NotEmpty(folder.to_owned())),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(folder)(error)),
        _ => {}
    }
    // A folder that is there already stays the same one: somebody may stand in it, or a link lead
    // to it.
    let there = folder.is_dir();
    let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let home = if there { folder } else { parent };
    std::fs::create_dir_all(home).map_err(at(home))?;
    let aside = tempfile::Builder::new().prefix(".simulate-").tempdir_in(home).map_err(at(home))?;
    let summary = write_into(county, aside.path(), &mut progress)?;
    if there {
        move_into(aside.path(), folder).map_err(at(folder))?;
    } else {
        open_to_others(aside.path());
        std::fs::rename(aside.path(), folder).map_err(at(folder))?;
        // What was renamed is no longer there to be removed.
        let _ = aside.keep();
    }
    Ok(summary)
}

/// Moves everything, `items.json` last; undoes it all at the first refusal.
fn move_into(aside: &Path, folder: &Path) -> io::Result<()> {
    let mut names = std::fs::read_dir(aside)?
        .map(|entry| entry.map(|e| e.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort_by_key(|name| (name == "items.json", name.clone()));
    for (i, name) in names.iter().enumerate() {
        if let Err(error) = std::fs::rename(aside.join(name), folder.join(name)) {
            for moved in &names[..i] {
                let _ = std::fs::rename(folder.join(moved), aside.join(moved));
            }
            return Err(error);
        }
    }
    Ok(())
}

/// A temporary folder belongs to its owner alone; a finished one has the usual mode.
fn open_to_others(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let _ = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755));
    }
}

/// The files of one pass.
struct SceneFiles {
    bands: Vec<TiledWriter>,
    qa60: TiledWriter,
    cloudy: usize,
}

fn write_into(
    county: &County,
    root: &Path,
    progress: &mut impl FnMut(Written<'_>) -> ControlFlow<()>,
) -> Result<CountySummary, CountyError> {
    let bands = &county.options().bands;
    let grids = [1, 2, 6].map(|step| (step, county.grid(step)));
    let grid = |step: usize| grids.iter().find(|(s, _)| *s == step).map_or(&grids[0].1, |(_, grid)| grid);
    let mut scenes = Vec::new();
    for pass in county.passes() {
        let folder = root.join(&pass.id);
        std::fs::create_dir(&folder).map_err(|source| CountyError::Write { path: folder.clone(), source })?;
        let bands = bands.iter().map(|&band| {
            let step = native_step(band);
            create::<u16>(&folder.join(format!("{}.tif", name(band))), grid(step), BLOCK / step, Some(0))
        });
        scenes.push(SceneFiles {
            bands: bands.collect::<Result<_, _>>()?,
            qa60: create::<u16>(&folder.join("QA60.tif"), grid(6), BLOCK / 6, None)?,
            cloudy: 0,
        });
    }
    let mut dem = create::<f32>(&root.join("dem.tif"), grid(1), BLOCK, None)?;
    let mut test_mask = create::<u8>(&root.join("truth-testmask.tif"), grid(1), BLOCK, None)?;
    let mut themes = Vec::new();
    for theme in Theme::ALL {
        let file = create::<u8>(&root.join(format!("truth-{}.tif", theme.name())), grid(1), BLOCK, None)?;
        themes.push((theme, file, Sampler::new(county, theme)));
    }
    let (rows, cols) = county.blocks();
    let mut told = |blocks| match progress(Written { aside: root, blocks, of: rows * cols }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(CountyError::Cancelled),
    };
    told(0)?;
    for k in 0..rows * cols {
        let block = (k / cols, k % cols);
        let ground = county.ground(block);
        scenes.par_iter_mut().enumerate().try_for_each(|(pass, files)| {
            let scene = county.scene(&ground, pass);
            for (file, values) in files.bands.iter_mut().zip(&scene.bands) {
                append(file, block, values)?;
            }
            append(&mut files.qa60, block, &scene.qa60)?;
            files.cloudy += scene.cloudy;
            Ok::<_, CountyError>(())
        })?;
        append(&mut dem, block, &ground.elevation)?;
        append(&mut test_mask, block, &ground.test_mask())?;
        themes.par_iter_mut().try_for_each(|(theme, file, sampler)| {
            let truth = theme.truth(&ground);
            sampler.offer(&ground, &truth);
            append(file, block, &truth)
        })?;
        told(k + 1)?;
    }
    let footprint = footprint(grid(1))?;
    let cells = (grid(6).rows * grid(6).cols) as f64;
    let mut items = Vec::new();
    for (pass, files) in county.passes().iter().zip(scenes) {
        let clouds = (files.cloudy as f64 / cells * 1e4).round() / 100.0;
        items.push(item(pass, bands, &footprint, clouds));
        for file in files.bands.into_iter().chain([files.qa60]) {
            finish(file)?;
        }
    }
    finish(dem)?;
    finish(test_mask)?;
    write_json(&root.join("items.json"), &json!({"type": "FeatureCollection", "features": items}))?;
    let mines = mines(county)?;
    write_json(&root.join("mines.geojson"), &mines)?;
    let mut samples = Vec::new();
    for (theme, file, sampler) in themes {
        finish(file)?;
        let table = sampler.finish(county)?;
        write_json(&root.join(format!("samples-{}.geojson", theme.name())), &points(&table))?;
        samples.push((theme, table.features.len()));
    }
    let mines = mines["features"].as_array().map_or(0, Vec::len);
    Ok(CountySummary { samples, mines, bytes: size(root) })
}

fn name(band: Band) -> &'static str {
    band.sentinel2().unwrap_or_else(|| band.common_name())
}

fn create<T: Sample>(
    path: &Path,
    grid: &GeoBox,
    tile: usize,
    nodata: Option<u8>,
) -> Result<TiledWriter, CountyError> {
    TiledWriter::create::<T>(path, grid, tile, nodata)
        .map_err(|source| CountyError::Write { path: path.to_owned(), source })
}

fn append<T: Sample>(
    file: &mut TiledWriter,
    (row, col): (usize, usize),
    tile: &[T],
) -> Result<(), CountyError> {
    file.append(row, col, tile).map_err(|source| CountyError::Write { path: file.path().to_owned(), source })
}

fn finish(file: TiledWriter) -> Result<(), CountyError> {
    let path = file.path().to_owned();
    file.finish().map_err(|source| CountyError::Write { path, source })
}

fn write_json(path: &Path, value: &Json) -> Result<(), CountyError> {
    std::fs::write(path, value.to_string())
        .map_err(|source| CountyError::Write { path: path.to_owned(), source })
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|e| if e.path().is_dir() { size(&e.path()) } else { e.metadata().map_or(0, |m| m.len()) })
        .sum()
}

/// The corners of a grid in WGS 84, anticlockwise from the south-west.
fn footprint(grid: &GeoBox) -> Result<[[f64; 2]; 4], SimulateError> {
    let b = grid.bounds();
    let (mut x, mut y) = ([b.min_x, b.max_x, b.max_x, b.min_x], [b.min_y, b.min_y, b.max_y, b.max_y]);
    grid.crs.transformer_to(&Crs::wgs84())?.apply(&mut x, &mut y)?;
    Ok(std::array::from_fn(|k| [x[k], y[k]]))
}

fn item(pass: &Pass, bands: &[Band], corners: &[[f64; 2]; 4], clouds: f64) -> Json {
    let extreme = |axis: usize, pick: fn(f64, f64) -> f64| {
        corners.iter().map(|c| c[axis]).reduce(pick).unwrap_or_default()
    };
    let bbox = [extreme(0, f64::min), extreme(1, f64::min), extreme(0, f64::max), extreme(1, f64::max)];
    let kind = "image/tiff; application=geotiff";
    let mut assets = serde_json::Map::new();
    for &band in bands {
        assets.insert(
            name(band).to_owned(),
            json!({
                "href": format!("{}/{}.tif", pass.id, name(band)),
                "type": kind,
                "roles": ["data"],
                "eo:bands": [{"name": name(band), "common_name": band.common_name()}],
                "raster:bands": [{
                    "data_type": "uint16",
                    "scale": 0.0001,
                    // Through text, so that -0.1 stays -0.1.
                    "offset": format!("{}", pass.baseline.offset).parse().unwrap_or(0.0_f64),
                    "nodata": 0,
                    "spatial_resolution": 10 * native_step(band),
                }],
            }),
        );
    }
    let mask = json!({"href": format!("{}/QA60.tif", pass.id), "type": kind, "roles": ["cloud"]});
    assets.insert("QA60".to_owned(), mask);
    let ring: Vec<_> = corners.iter().chain(corners.first()).collect();
    json!({
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
            "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
        ],
        "id": pass.id,
        "bbox": bbox,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "links": [],
        "properties": {
            "datetime": format!("{}T03:05:41Z", pass.date),
            "platform": pass.platform,
            "instruments": ["msi"],
            "description": "simulated",
            "eo:cloud_cover": clouds,
            "proj:epsg": 32649,
            "s2:processing_baseline": pass.baseline.code,
        },
        "assets": assets,
    })
}

fn mines(county: &County) -> Result<Json, SimulateError> {
    let to_wgs84 = county.grid(1).crs.transformer_to(&Crs::wgs84())?;
    let mut features = Vec::new();
    for (k, mine) in county.mines().iter().enumerate() {
        let (x, y) = County::place(mine.x, mine.y);
        let (mut x, mut y) = ([x], [y]);
        to_wgs84.apply(&mut x, &mut y)?;
        features.push(json!({
            "type": "Feature",
            "id": k + 1,
            "geometry": {"type": "Point", "coordinates": rounded(x[0], y[0])},
            "properties": {
                "name": format!("mine {}", k + 1),
                "commodity": mine.commodity,
                "status": mine.status,
            },
        }));
    }
    Ok(json!({"type": "FeatureCollection", "features": features}))
}

/// About a centimetre.
fn rounded(lon: f64, lat: f64) -> [f64; 2] {
    [lon, lat].map(|v| (v * 1e7).round() / 1e7)
}

fn points(table: &FeatureTable) -> Json {
    let features = table.features.iter().filter_map(|feature| {
        let geo::Geometry::Point(point) = feature.geometry else { return None };
        let properties: serde_json::Map<String, Json> = feature
            .properties
            .iter()
            .map(|(key, value)| {
                let value = match value {
                    Value::Integer(n) => json!(n),
                    other => json!(other.to_string()),
                };
                (key.clone(), value)
            })
            .collect();
        let geometry = json!({"type": "Point", "coordinates": rounded(point.x(), point.y())});
        Some(json!({"type": "Feature", "geometry": geometry, "properties": properties}))
    });
    json!({"type": "FeatureCollection", "features": features.collect::<Vec<_>>()})
}
