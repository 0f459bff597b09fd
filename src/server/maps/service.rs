//! What draws maps: threads, open rasters, and what was drawn.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::IntCounterVec;
use serde_json::Value;

use super::flights::Flights;
use super::live::LiveLevels;
use crate::io::pyramid::{BlockCache, Pyramid};
use crate::server::config::MapsConfig;
use crate::store::collections::{Collection, Growing, Layer, LayerKind};
use crate::style::Style;
use crate::tiles::{
    FileLevels, GoOn, Indexed, Levels, Painter, Pool, RasterSource, TileCache, TileError, View,
};

/// Rasters that stay open.
const OPEN: usize = 256;

/// The painter of a layer in a style.
type Painters = HashMap<(String, String), Arc<dyn Painter>>;

/// Draws maps of collections.
pub struct Maps {
    /// Where tiles are drawn.
    pub pool: Pool,
    /// What was drawn.
    pub cache: TileCache,
    /// What is being drawn.
    pub flights: Flights,
    blocks: Arc<BlockCache>,
    open: Mutex<HashMap<String, Arc<Pyramid>>>,
    painters: Mutex<Painters>,
    counted: Mutex<HashMap<String, Value>>,
    /// What becomes of blocks of live maps.
    live_blocks: IntCounterVec,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a layer's tiles are kept under: its file and the file's version.
pub fn layer_key(layer: &Layer) -> String {
    format!("{}@{}", layer.file.display(), layer.version)
}

impl Maps {
    /// Starts the threads; `live_blocks` counts what becomes of blocks of live maps.
    ///
    /// # Errors
    /// Where the system has none to give.
    pub fn new(config: &MapsConfig, live_blocks: IntCounterVec) -> Result<Self, String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if config.threads == 0 { cores } else { config.threads };
        Ok(Self {
            pool: Pool::new(threads, config.waiting)?,
            cache: TileCache::new(config.tile_megabytes << 20),
            flights: Flights::default(),
            blocks: Arc::new(BlockCache::new(config.block_megabytes << 20)),
            open: Mutex::default(),
            painters: Mutex::default(),
            counted: Mutex::default(),
            live_blocks,
        })
    }

    /// What draws a collection in a style; `None` where it is drawn by clients alone. May read the
    /// head of a file.
    ///
    /// # Errors
    /// [`TileError::File`].
    pub fn painter(
        &self,
        collection: &Collection,
        style: &Style,
    ) -> Result<Option<Arc<dyn Painter>>, TileError> {
        if collection.layer.is_awaited() {
            return Ok(Some(Arc::new(Nothing)));
        }
        let key = (layer_key(&collection.layer), style.id.clone());
        if let Some(known) = held(&self.painters).get(&key) {
            return Ok(Some(known.clone()));
        }
        let Some(palette) = style.palette().filter(|_| collection.layer.kind.is_raster()) else {
            return Ok(None);
        };
        let levels = self.levels(&collection.layer)?;
        let source = RasterSource::new(levels, Arc::new(palette), collection.layer.bounds);
        let painter: Arc<dyn Painter> = Arc::new(source);
        if collection.layer.live.is_some() || collection.layer.growing.is_some() {
            // Made in no time; kept, it would hold on to what has changed.
            return Ok(Some(painter));
        }
        let mut painters = held(&self.painters);
        if painters.len() >= OPEN {
            painters.clear();
        }
        painters.insert(key, painter.clone());
        Ok(Some(painter))
    }

    /// Whether the painter is at hand, so that no file is read.
    pub fn has_painter(&self, collection: &Collection, style: &Style) -> bool {
        let key = (layer_key(&collection.layer), style.id.clone());
        collection.layer.live.is_some() || held(&self.painters).contains_key(&key)
    }

    /// What a layer is drawn from.
    ///
    /// # Errors
    /// [`TileError::File`].
    pub fn levels(&self, layer: &Layer) -> Result<Arc<dyn Levels>, TileError> {
        let blocks = self.blocks.clone();
        if let Some(live) = &layer.live {
            let nodata = match &layer.kind {
                LayerKind::Classes { legend, .. } => Some(f64::from(legend.nodata)),
                LayerKind::Percent { nodata, .. } | LayerKind::Values { nodata, .. } => *nodata,
                LayerKind::Cube { .. } | LayerKind::Features { .. } | LayerKind::Promised => None,
            };
            let (live, counted) = (live.clone(), self.live_blocks.clone());
            return Ok(Arc::new(LiveLevels { live, nodata, blocks, counted }));
        }
        let pyramid = self.pyramid(layer)?;
        Ok(Arc::new(FileLevels { pyramid, blocks }))
    }

    /// The open raster of a layer.
    ///
    /// # Errors
    /// [`TileError::File`].
    pub fn pyramid(&self, layer: &Layer) -> Result<Arc<Pyramid>, TileError> {
        if let Some(Growing::Raster(pyramid)) = &layer.growing {
            return Ok(pyramid.clone());
        }
        let key = layer_key(layer);
        if let Some(known) = held(&self.open).get(&key) {
            return Ok(known.clone());
        }
        let pyramid = Arc::new(Pyramid::open(&layer.file)?);
        let mut open = held(&self.open);
        if open.len() >= OPEN {
            open.clear();
        }
        open.insert(key, pyramid.clone());
        Ok(pyramid)
    }

    /// What `count` finds in a layer's raster, counted once.
    ///
    /// # Errors
    /// [`TileError::File`].
    pub fn statistics(
        &self,
        layer: &Layer,
        count: impl FnOnce(&Self, &LayerKind, &Pyramid) -> Result<Value, TileError>,
    ) -> Result<Value, TileError> {
        if layer.growing.is_some() {
            return count(self, &layer.kind, &*self.pyramid(layer)?);
        }
        let key = layer_key(layer);
        if let Some(known) = held(&self.counted).get(&key) {
            return Ok(known.clone());
        }
        let found = count(self, &layer.kind, &*self.pyramid(layer)?)?;
        let mut counted = held(&self.counted);
        if counted.len() >= OPEN {
            counted.clear();
        }
        counted.insert(key, found.clone());
        Ok(found)
    }

    /// Decoded pieces of rasters.
    pub fn blocks(&self) -> &BlockCache {
        &self.blocks
    }

    /// Forgets everything of the files of a folder that is gone.
    pub fn forget(&self, folder: &Path) {
        let within = |key: &str| Path::new(key).starts_with(folder);
        self.cache.forget(within);
        held(&self.open).retain(|key, _| !within(key));
        held(&self.painters).retain(|(key, _), _| !within(key));
        held(&self.counted).retain(|key, _| !within(key));
    }
}

/// What is not begun.
struct Nothing;

impl Painter for Nothing {
    fn paint(&self, _: &View, _: GoOn<'_>) -> Result<Option<Indexed>, TileError> {
        Ok(None)
    }
}

/// The style of a collection with this id: `default`, or none, is its own.
pub fn style_of(collection: &Collection, id: &str) -> Option<Style> {
    let layer = &collection.layer;
    if layer.is_awaited() {
        // Which it will have is not known, and nothing is drawn in it.
        return Style::find("probability");
    }
    let id = if id.is_empty() || id == "default" { layer.styles.first()? } else { id };
    if !layer.styles.iter().any(|known| known == id) {
        return None;
    }
    match &layer.kind {
        // The file's own legend: it may hold some of the classes, or other colours.
        LayerKind::Classes { legend, .. } => Some(Style::of_legend(id, legend.clone())),
        LayerKind::Values { range, unit, .. } => Some(Style::find(id)?.over(range.0, range.1, unit)),
        _ => Style::find(id),
    }
}
