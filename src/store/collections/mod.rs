//! Layers that are published: outputs of successful jobs, and what the operator offers by name.
//! Each is described from its file once, and forgotten with it.

mod catalogue;
mod describe;
mod growing;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

pub use catalogue::{Asked, Catalogue, JobResults, check_live, check_names};
pub use describe::{is_layer_of_features, styles_of};
pub use growing::Growing;

use crate::classmap::Legend;
use crate::crs::GeoBox;
use crate::cube::Band;
use crate::store::LiveLayer;
use crate::vector::{Field, GeometryKind};

/// A published layer under its id.
#[derive(Clone, Debug)]
pub struct Collection {
    /// Letters of any script, digits, `-` and `_`: `JOB-output`, or the name that the operator gave.
    pub id: String,
    /// For people.
    pub title: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What it holds.
    pub layer: Arc<Layer>,
}

/// Where a collection comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// The operator offers it.
    Configured {
        /// By this name, which requests use.
        name: String,
    },
    /// The operator has it computed where it is looked at.
    Live {
        /// Under this name.
        name: String,
        /// From the cube that is offered by this name.
        cube: String,
    },
    /// A job made it. It is its owner's.
    Job {
        /// The job.
        job: String,
        /// Its process.
        process: String,
        /// The output.
        output: String,
        /// When the job was made.
        created: Timestamp,
    },
}

/// What a layer's file holds.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The file; the place of the scenes of a cube.
    pub file: PathBuf,
    /// Its media type.
    pub media_type: String,
    /// Changes when the file does: part of every ETag.
    pub version: String,
    /// What it is.
    pub kind: LayerKind,
    /// West, south, east and north in degrees, where it has a place. West is greater than east
    /// across the date line.
    pub bounds: Option<[f64; 4]>,
    /// First and last day, where they are known.
    pub dates: Option<(Date, Date)>,
    /// Ids of styles that suit it, the default first.
    pub styles: Vec<String>,
    /// What computes its pixels, where no file has them.
    pub live: Option<Live>,
    /// What there is of it so far, where it is still computed: then there is no file.
    pub growing: Option<Growing>,
}

/// A layer whose pixels are computed where they are looked at.
#[derive(Clone, Debug)]
pub struct Live {
    /// What computes them.
    pub map: Arc<LiveLayer>,
    /// The date that is shown, where each is a map of its own.
    pub time: usize,
}

/// What a layer is.
#[derive(Clone, Debug)]
pub enum LayerKind {
    /// A raster that is promised; its grid is not known yet.
    Promised,
    /// A raster of class codes.
    Classes {
        /// Its grid.
        grid: GeoBox,
        /// The classes, as the file has them.
        legend: Legend,
    },
    /// A raster of percent, 0 to 100.
    Percent {
        /// Its grid.
        grid: GeoBox,
        /// What is measured.
        label: String,
        /// The value of pixels without an answer.
        nodata: Option<f64>,
    },
    /// A raster of numbers.
    Values {
        /// Its grid.
        grid: GeoBox,
        /// What is measured.
        label: String,
        /// In what.
        unit: String,
        /// The value of pixels without an answer.
        nodata: Option<f64>,
        /// The least and the greatest, that the ramp of colours spans.
        range: (f64, f64),
    },
    /// Scenes of several dates.
    Cube {
        /// The grid that they are read on where none is asked for.
        grid: GeoBox,
        /// Bands that every date has.
        bands: Vec<Band>,
        /// The dates, rising.
        dates: Vec<Date>,
    },
    /// Points or polygons with attributes.
    Features {
        /// What the geometries are.
        geometry: GeometryKind,
        /// How many there are.
        count: u64,
        /// Their attributes.
        fields: Vec<Field>,
        /// The EPSG code of the file's CRS, where it has one.
        epsg: Option<u32>,
    },
}

impl Collection {
    /// The same on another date: the nearest to a day, or the last within several. `None` where there is
    /// none within, or where dates are no maps of their own.
    pub fn on(&self, (first, last): (Date, Date)) -> Option<Self> {
        let live = self.layer.live.as_ref().filter(|live| live.map.is_by_date())?;
        let dates = live.map.dates();
        let away = |date: &Date| (*date - first).get_days().abs();
        let time = if first == last {
            (0..dates.len()).min_by_key(|&k| away(&dates[k]))?
        } else {
            (0..dates.len()).rev().find(|&k| (first..=last).contains(&dates[k]))?
        };
        let mut layer = (*self.layer).clone();
        layer.live = Some(Live { map: live.map.clone(), time });
        layer.version = format!("{}@{}", layer.version, dates[time]);
        Some(Self { layer: Arc::new(layer), ..self.clone() })
    }
}

impl LayerKind {
    /// The grid of rasters and cubes.
    pub fn grid(&self) -> Option<&GeoBox> {
        match self {
            Self::Classes { grid, .. }
            | Self::Percent { grid, .. }
            | Self::Values { grid, .. }
            | Self::Cube { grid, .. } => Some(grid),
            Self::Features { .. } | Self::Promised => None,
        }
    }

    /// Whether it is one raster, kept in a file or computed where it is looked at.
    pub fn is_raster(&self) -> bool {
        !self.is_cube() && !self.is_features()
    }

    /// Whether it is scenes of several dates.
    pub fn is_cube(&self) -> bool {
        matches!(self, Self::Cube { .. })
    }

    /// Whether it holds points or polygons.
    pub fn is_features(&self) -> bool {
        matches!(self, Self::Features { .. })
    }
}
