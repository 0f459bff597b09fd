//! What a process asks of a cube: bands, grid, dates, clouds.

use super::Band;
use crate::crs::{Bounds, Crs};

/// Where: a box or polygons in some CRS.
#[derive(Clone, Debug)]
pub enum Area {
    /// A box in its CRS.
    Box(Bounds, Crs),
    /// Polygons in WGS 84: pixels whose centre lies outside are nodata.
    Polygons(geo::MultiPolygon<f64>),
}

/// Which masks of a scene hide its clouds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum CloudMask {
    /// QA60 and the scene classification, both where a scene has both.
    #[default]
    Both,
    /// QA60 alone: opaque clouds and cirrus ([Z]).
    Qa60,
    /// The scene classification alone: shadows, clouds, cirrus, snow, saturated.
    Scl,
    /// No mask: for scenes whose clouds are already nodata.
    None,
}

/// What is asked of a cube. `None` leaves the choice to the scenes: the finest
/// resolution of the bands, the CRS of the first scene, their common extent.
#[derive(Clone, Debug, Default)]
pub struct CubeRequest {
    /// Bands every date must have.
    pub bands: Vec<Band>,
    /// Pixel size in units of the CRS (metres or degrees).
    pub resolution: Option<f64>,
    /// Target CRS.
    pub crs: Option<Crs>,
    /// Target area; the grid is snapped to whole pixels.
    pub area: Option<Area>,
    /// First and last day, both included.
    pub dates: Option<(jiff::civil::Date, jiff::civil::Date)>,
    /// Scenes with a cloud cover (percent) at or above this are left out ([Z]: 30).
    pub max_cloud_cover: Option<f32>,
    /// Which masks hide clouds.
    pub cloud_mask: CloudMask,
    /// Accept Level-1C.
    pub allow_top_of_atmosphere: bool,
}
