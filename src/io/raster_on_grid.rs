//! One band of a raster (a class map, a DEM, a mask) read by windows of its own grid or of another.

use std::sync::{Arc, Mutex, PoisonError};

use super::chunks::ChunkCache;
use super::cog::read_legend;
use super::gdal_setup::open_raster;
use super::raster_file::{Place, RasterError, RasterFile};
use super::scenes::reader::{BandLayer, Layer};
use super::scenes::reflectance::Reflectance;
use crate::classmap::Legend;
use crate::crs::{CrsError, GeoBox};
use crate::raster::{Mapping, NodeGrid, Plane, Resampling, Window};

/// Bytes of decoded pixels kept for the windows that follow.
const CACHE_BYTES: usize = 64 << 20;

/// What can go wrong with a raster on another grid.
#[derive(Debug, thiserror::Error)]
pub enum OnGridError {
    /// The file.
    #[error(transparent)]
    File(#[from] RasterError),
    /// The grid has no place in the raster's CRS.
    #[error("{place}: {source}")]
    Crs {
        /// The raster.
        place: Place,
        /// Why.
        source: CrsError,
    },
}

/// The first band of a raster. Threads may read it at once.
pub struct RasterOnGrid {
    file: Arc<RasterFile>,
    legend: Option<Legend>,
    cache: ChunkCache,
    /// Ways from the grids that were asked for: one or two a run.
    mappings: Mutex<Vec<(GeoBox, Mapping)>>,
}

impl RasterOnGrid {
    /// Opens a raster and reads its header and legend.
    ///
    /// # Errors
    /// [`RasterError`] names the file.
    pub fn open(place: &Place) -> Result<Self, RasterError> {
        let file = Arc::new(RasterFile::open(place, None)?);
        let legend = open_raster(&place.gdal_path()).ok().as_ref().and_then(read_legend);
        Ok(Self { file, legend, cache: ChunkCache::new(CACHE_BYTES), mappings: Mutex::default() })
    }

    /// The raster's own grid.
    pub fn grid(&self) -> &GeoBox {
        &self.file.grid
    }

    /// Category names by code, where the file carries a legend of this crate.
    pub fn legend(&self) -> Option<&Legend> {
        self.legend.as_ref()
    }

    /// Reads a window of `grid`; NaN is nodata and outside.
    ///
    /// # Errors
    /// [`OnGridError`] names the file: damaged pixels, or a grid without a place in its CRS.
    pub fn read(&self, grid: &GeoBox, window: Window, method: Resampling) -> Result<Plane<f32>, OnGridError> {
        let layer = Layer { file: self.file.clone(), band: 1, mapping: self.mapping(grid)?, method };
        let nodata = self.file.nodata.first().copied().flatten();
        let (scale, offset) = self.file.calibration.first().copied().flatten().unwrap_or((1.0, 0.0));
        let numbers = Reflectance {
            scale: scale as f32,
            offset: offset as f32,
            nodata: [nodata, None],
            surface: false,
        };
        let band = BandLayer { layer, reflectance: numbers, watch: None };
        let mut plane = Plane::filled(window.rows, window.cols, f32::NAN);
        if !band.read(&self.cache, window, &mut plane.values)? {
            plane.values.fill(f32::NAN);
        }
        Ok(plane)
    }

    fn mapping(&self, grid: &GeoBox) -> Result<Mapping, OnGridError> {
        let mut mappings = self.mappings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = mappings.iter().find(|(known, _)| known == grid) {
            return Ok(known.clone());
        }
        let own = &self.file.grid;
        let nodes = if grid.crs == own.crs {
            None
        } else {
            let nodes = NodeGrid::new(grid, &own.crs);
            let place = || self.file.place().clone();
            Some(Arc::new(nodes.map_err(|source| OnGridError::Crs { place: place(), source })?))
        };
        let mapping = Mapping::new(grid, own, nodes);
        mappings.push((grid.clone(), mapping.clone()));
        Ok(mapping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::{Affine, Crs};
    use crate::io::cog::{CogKind, CogWriter};

    #[test]
    fn a_class_map_is_read_back_on_its_own_grid_and_on_a_shifted_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.tif");
        let grid = GeoBox {
            rows: 3,
            cols: 4,
            affine: Affine::north_up(7e5, 3.09e6, 10.0, 10.0),
            crs: Crs::from_epsg(32649).unwrap(),
        };
        let mut writer = CogWriter::create(&path, &grid, CogKind::Classes(Legend::rice()), &[]).unwrap();
        writer.write(grid.window(), &[1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 3]).unwrap();
        writer.finish().unwrap();
        let raster = RasterOnGrid::open(&Place::File(path)).unwrap();
        assert_eq!(raster.legend(), Some(&Legend::rice()));
        let plane = raster.read(&grid, grid.window(), Resampling::Nearest).unwrap();
        assert!(plane.get(0, 3).is_nan(), "nodata");
        assert_eq!((plane.get(0, 0), plane.get(2, 3)), (1.0, 3.0));
        let wider = GeoBox {
            rows: 1,
            cols: 2,
            affine: Affine::north_up(7e5 + 30.0, 3.09e6 - 20.0, 10.0, 10.0),
            ..grid
        };
        let plane = raster.read(&wider, wider.window(), Resampling::Nearest).unwrap();
        assert_eq!(plane.get(0, 0), 3.0);
        assert!(plane.get(0, 1).is_nan(), "outside");
    }
}
