//! Maps that are computed where they are looked at: their cubes stay open, at every level of detail.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use jiff::civil::Date;
use serde_json::Value;

use super::cubes::scene_sources;
use super::{Identity, Offered, ServedSource};
use crate::crs::GeoBox;
use crate::cube::CubeError;
use crate::io::cog_values::shown_range;
use crate::io::pyramid::BlockCache;
use crate::io::scenes::{AnyLinks, OpenScenes};
use crate::ogc::{CubeInput, CubeSource, FileInput};
use crate::process::live::{LiveInputs, LiveMap, LivePixels, LiveRecipe};
use crate::process::{DataSource as _, ProcessError, Silent, read_model};
use crate::raster::Window;

/// Side of the blocks that are computed, in pixels of their level.
pub const BLOCK: usize = 128;
/// A level of this side is coarse enough.
const COARSEST: usize = 256;
/// Side of the pixels of a level that a tile may touch: a level is left for a coarser one where a
/// pixel of the tile is two of it.
const TILE: usize = 512;

/// Live maps by name, and what they may take.
#[derive(Clone, Debug, Default)]
pub struct LiveOffers {
    /// What each is made of.
    pub maps: BTreeMap<String, LiveInputs>,
    /// Bytes of decoded scenes that each keeps.
    pub bytes: usize,
    /// Most stored pixels that a tile may read.
    pub pixels: u64,
}

/// A live map that is open.
pub struct LiveLayer {
    recipe: LiveRecipe,
    scenes: OpenScenes,
    bytes: usize,
    dates: Vec<Date>,
    levels: Vec<Level>,
    /// Name of its blocks in the cache, that of the first date.
    blocks: u64,
    range: (f64, f64),
}

struct Level {
    grid: GeoBox,
    map: OnceLock<Result<LiveMap, String>>,
}

impl std::fmt::Debug for LiveLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveLayer").field("dates", &self.dates.len()).finish_non_exhaustive()
    }
}

impl LiveLayer {
    /// Opens the scenes and fits the model to them.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming the key of the configuration.
    pub fn open(inputs: &LiveInputs, offered: &Offered) -> Result<Self, ProcessError> {
        let source = ServedSource::new(offered, &Silent, &|_| None);
        let path = offered.cubes.get(&inputs.cube).ok_or_else(|| {
            let known: Vec<&str> = offered.cubes.keys().map(String::as_str).collect();
            let why = format!("`{}` is none of [data.cubes] ({})", inputs.cube, known.join(", "));
            ProcessError::input("cube", why)
        })?;
        let recipe = LiveRecipe::read(inputs, &source).map_err(by_key)?;
        let request = inputs.request(recipe.bands().map_err(by_key)?, &source).map_err(by_key)?;
        let cube = CubeInput::One(CubeSource::Path(path.to_string_lossy().into_owned()));
        let cube = scene_sources("cube", &cube);
        let scenes = OpenScenes::find(&AnyLinks::default(), &cube, Path::new("/"), &request)
            .and_then(OpenScenes::with_overviews)
            .map_err(|e| by_key(ProcessError::input(e.path, e.message)))?;
        let bytes = offered.live.bytes;
        let (dates, levels, blocks, range) = (Vec::new(), Vec::new(), 0, (0.0, 1.0));
        let mut layer = Self { recipe, scenes, bytes, dates, levels, blocks, range };
        let finest = layer.over(0).map_err(by_key)?;
        layer.dates = finest.dates().collect();
        layer.levels.push(Level { grid: layer.scenes.grid().clone(), map: OnceLock::from(Ok(finest)) });
        let budget = offered.live.pixels as f64;
        layer.add_levels(budget);
        layer.blocks = BlockCache::names(layer.dates.len());
        layer.range = match inputs.range {
            Some([least, greatest]) if least < greatest => (least, greatest),
            Some(_) => return Err(ProcessError::input("range", "expected [LEAST, GREATEST]")),
            None if layer.is_by_date() => {
                layer.usual_range(budget).map_err(|e| ProcessError::input("cube", e))?
            }
            None => layer.range,
        };
        Ok(layer)
    }

    /// Coarser and coarser, as long as a tile does not read more than it may.
    fn add_levels(&mut self, budget: f64) {
        // A tile of an index reads one of the dates.
        let at_once = if self.is_by_date() { self.dates.len() } else { 1 };
        while self.levels.last().is_some_and(|l| l.grid.rows.max(l.grid.cols) > COARSEST) {
            let factor = 1 << self.levels.len();
            if self.scenes.cost(factor, TILE) > budget * at_once as f64 {
                return;
            }
            self.levels.push(Level { grid: self.scenes.coarser(factor), map: OnceLock::new() });
        }
    }

    fn over(&self, level: usize) -> Result<LiveMap, ProcessError> {
        // Three quarters for the finest; a quarter is for all the others, each half of the one before.
        let bytes = if level == 0 { self.bytes / 4 * 3 } else { self.bytes >> (level + 2) };
        let cube = self.scenes.cube(1 << level, bytes);
        self.recipe.over(cube.map_err(|e| ProcessError::input(e.path, e.message))?)
    }

    /// How its pixels are computed.
    pub fn recipe(&self) -> &LiveRecipe {
        &self.recipe
    }

    /// The dates of the scenes, rising.
    pub fn dates(&self) -> &[Date] {
        &self.dates
    }

    /// Whether each date is a map of its own.
    pub fn is_by_date(&self) -> bool {
        matches!(self.recipe, LiveRecipe::Index(_))
    }

    /// The values at the ends of the colours of an index.
    pub fn range(&self) -> (f64, f64) {
        self.range
    }

    /// How many levels there are; those beyond would read too much.
    pub fn levels(&self) -> usize {
        self.levels.len()
    }

    /// The grid of a level; each pixel is twice as wide as one of the level before.
    pub fn grid(&self, level: usize) -> &GeoBox {
        &self.levels[level].grid
    }

    /// Whether the coarsest level shows the whole of it in a tile.
    pub fn reaches_all(&self) -> bool {
        self.levels.last().is_some_and(|l| l.grid.rows.max(l.grid.cols) <= COARSEST)
    }

    /// What the blocks of a date are kept under.
    pub fn name(&self, time: usize) -> u64 {
        self.blocks + time as u64
    }

    /// Computes a window of a level.
    ///
    /// # Errors
    /// [`CubeError::Read`] naming the file.
    pub fn block(&self, level: usize, time: usize, window: Window) -> Result<LivePixels, CubeError> {
        let open = || {
            // On a thread of its own: headers are read by several, and one of a pool that waits for
            // them would take up other work of its pool meanwhile, which may want this level too.
            let opened = std::thread::scope(|scope| scope.spawn(|| self.over(level)).join());
            let opened = opened.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            opened.map_err(|e| e.to_string())
        };
        let map = self.levels[level].map.get_or_init(open);
        map.as_ref().map_err(|e| CubeError::Read(e.clone()))?.block(time, window)
    }

    /// What all but a few values of an index lie between, on all dates in the middle of the coarsest
    /// level at which that does not read more than a tile may.
    fn usual_range(&self, budget: f64) -> Result<(f64, f64), CubeError> {
        let fits = |&level: &usize| self.scenes.cost(1 << level, COARSEST) <= budget;
        let level = (0..self.levels.len()).rev().find(fits).unwrap_or(0);
        let grid = self.grid(level);
        let (rows, cols) = (grid.rows.min(COARSEST), grid.cols.min(COARSEST));
        let window = Window { row: (grid.rows - rows) / 2, col: (grid.cols - cols) / 2, rows, cols };
        let mut values = Vec::new();
        for time in 0..self.dates.len() {
            if let LivePixels::Numbers(found) = self.block(level, time, window)? {
                values.extend(found.into_iter().filter(|v| v.is_finite()));
            }
        }
        values.sort_by(f32::total_cmp);
        let at = |share: f64| {
            let found = values.get((share * values.len() as f64) as usize).copied().unwrap_or_default();
            // Two digits are enough for the ends of a ramp.
            (f64::from(found) * 100.0).round() / 100.0
        };
        Ok(shown_range(at(0.02), at(0.98)))
    }
}

/// Changes with the files behind a live map and with what is asked of it; `None` where they are gone.
pub fn version_of(inputs: &LiveInputs, offered: &Offered) -> Option<String> {
    let Ok(Value::Object(members)) = serde_json::to_value(inputs) else { return None };
    let files = Identity::of(&members, offered, &|_| false);
    Some(format!("{:x}", hash_of(&(files.text, Value::Object(members).to_string()))))
}

/// The key of a model or map beside a live map's cube that is offered and cannot be read, and why.
pub fn broken_file(inputs: &LiveInputs, offered: &Offered) -> Option<(&'static str, String)> {
    let source = ServedSource::new(offered, &Silent, &|_| None);
    let named =
        |name: &Option<String>| name.clone().filter(|name| offered.has_name(name)).map(FileInput::Path);
    for (key, name) in [("model", &inputs.model), ("rice_model", &inputs.rice_model)] {
        if let Some(Err(error)) = named(name).map(|file| read_model(key, &file, None, &source)) {
            return Some((key, error.to_string()));
        }
    }
    let map = named(&inputs.rice_map)?;
    source.raster("rice_map", &map).err().map(|error| ("rice_map", error.to_string()))
}

fn hash_of(value: &impl std::hash::Hash) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The error with the key as the configuration spells it: `cloudMask` is `cloud_mask` there.
fn by_key(error: ProcessError) -> ProcessError {
    let ProcessError::Input { input, message } = error else { return error };
    let mut key = String::new();
    for letter in input.chars() {
        if letter.is_ascii_uppercase() {
            key.push('_');
        }
        key.push(letter.to_ascii_lowercase());
    }
    ProcessError::Input { input: key, message }
}
