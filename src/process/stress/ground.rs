//! Where rice grows, for maps that classify nothing else: from a map, or from a model as the map
//! goes along.

use std::borrow::Borrow;
use std::sync::Arc;

use crate::classify::predict::{Ground, Masks, PredictError, Predictor, is_rice};
use crate::classify::{ClassifyError, Model};
use crate::classmap::Legend;
use crate::cube::{CubeError, DataCube};
use crate::process::RasterReader;
use crate::raster::{Resampling, Window};

/// What tells where rice grows.
#[derive(Clone)]
pub enum RiceSource {
    /// A class map.
    Map(Arc<dyn RasterReader>),
    /// A model of rice, for the same cube.
    Model(Arc<Model>),
}

/// What each code of a map of this legend says of the ground.
fn ground_of(legend: &Legend) -> Vec<Ground> {
    let mut ground = vec![Ground::Unknown; 256];
    for class in &legend.classes {
        let kind = if is_rice(&class.name) { Ground::Rice } else { Ground::Other };
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
        RiceSource::Map(map) => (map.legend().cloned().unwrap_or_else(Legend::rice), None),
        RiceSource::Model(model) => {
            (model.card.legend.clone(), Some(Predictor::new(cube.clone(), model.clone())?))
        }
    };
    let (ground, source) = (ground_of(&legend), source.clone());
    Ok(move |window: Window| match (&source, &predictor) {
        (RiceSource::Map(map), _) => {
            let plane = map.read(&cube.borrow().grid, window, Resampling::Nearest);
            let plane = plane.map_err(|e| CubeError::Read(e.to_string()))?;
            let known = |v: &f32| {
                if (0.0..=255.0).contains(v) { ground[*v as usize] } else { Ground::Unknown }
            };
            Ok(plane.values.iter().map(known).collect())
        }
        (RiceSource::Model(_), Some(predictor)) => {
            let answer = predictor.block(window, Masks::default()).map_err(|e| match e {
                PredictError::Cube(e) => e,
                PredictError::Classify(e) => CubeError::Read(e.to_string()),
                PredictError::Cancelled | PredictError::Write(()) => CubeError::Read("cancelled".to_owned()),
            })?;
            Ok(answer.codes.iter().map(|&code| ground[usize::from(code)]).collect())
        }
        (RiceSource::Model(_), None) => Ok(vec![Ground::Unknown; window.len()]),
    })
}
