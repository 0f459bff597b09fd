//! Where rice grows, for maps that classify nothing else: from a map, or from a model as the map
//! goes along.

use std::borrow::Borrow;
use std::sync::Arc;

use crate::classify::predict::{Ground, Masks, PredictError, Predictor};
use crate::classify::{ClassifyError, Model};
use crate::classmap::{Legend, RiceError};
use crate::cube::{CubeError, DataCube};
use crate::process::RasterReader;
use crate::raster::{Resampling, Window};

/// What tells where rice grows.
#[derive(Clone)]
pub enum RiceSource {
    /// A class map, and its legend in which some class is rice.
    Map(Arc<dyn RasterReader>, Legend),
    /// A model of rice, for the same cube, and likewise its legend.
    Model(Arc<Model>, Legend),
}

impl RiceSource {
    /// A class map. `declared` are classes that are rice, where neither names nor the map tell.
    ///
    /// # Errors
    /// [`RiceError`] where no class is rice.
    pub fn of_map(map: Box<dyn RasterReader>, declared: Option<&[String]>) -> Result<Self, RiceError> {
        let legend = map.legend().cloned().unwrap_or_else(Legend::rice).with_rice(declared)?;
        Ok(Self::Map(Arc::from(map), legend))
    }

    /// A model, likewise.
    ///
    /// # Errors
    /// [`RiceError`] where no class is rice.
    pub fn of_model(model: Model, declared: Option<&[String]>) -> Result<Self, RiceError> {
        let legend = model.card.legend.clone().with_rice(declared)?;
        Ok(Self::Model(Arc::new(model), legend))
    }
}

/// What each code of a map of this legend says of the ground.
fn ground_of(legend: &Legend) -> Vec<Ground> {
    let mut ground = vec![Ground::Unknown; 256];
    for (class, rice) in legend.classes.iter().zip(legend.is_rice()) {
        let kind = if rice { Ground::Rice } else { Ground::Other };
        ground[usize::from(class.code)] = kind;
    }
    ground
}

/// Answers what the pixels of a window of the cube carry.
///
/// # Errors
/// A model that does not fit the cube.
pub fn rice_mask<C: Borrow<DataCube> + Clone + Send + Sync>(
    source: &RiceSource,
    cube: C,
) -> Result<impl Fn(Window) -> Result<Vec<Ground>, CubeError> + Send + Sync + use<C>, ClassifyError> {
    let (legend, predictor) = match source {
        RiceSource::Map(_, legend) => (legend, None),
        RiceSource::Model(model, legend) => (legend, Some(Predictor::new(cube.clone(), model.clone())?)),
    };
    let (ground, source) = (ground_of(legend), source.clone());
    Ok(move |window: Window| match (&source, &predictor) {
        (RiceSource::Map(map, _), _) => {
            let plane = map.read(&cube.borrow().grid, window, Resampling::Nearest);
            let plane = plane.map_err(|e| CubeError::Read(e.to_string()))?;
            let known = |v: &f32| {
                if (0.0..=255.0).contains(v) { ground[*v as usize] } else { Ground::Unknown }
            };
            Ok(plane.values.iter().map(known).collect())
        }
        (RiceSource::Model(..), Some(predictor)) => {
            let answer = predictor.block(window, Masks::default()).map_err(|e| match e {
                PredictError::Cube(e) => e,
                PredictError::Classify(e) => CubeError::Read(e.to_string()),
                PredictError::Cancelled | PredictError::Write(()) => CubeError::Read("cancelled".to_owned()),
            })?;
            Ok(answer.codes.iter().map(|&code| ground[usize::from(code)]).collect())
        }
        (RiceSource::Model(..), None) => Ok(vec![Ground::Unknown; window.len()]),
    })
}
