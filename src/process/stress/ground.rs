//! Where rice grows, for maps that classify nothing else: from a map, or from a model as the map
//! goes along.

use crate::classify::Model;
use crate::classify::predict::{Ground, Masks, PredictError, Predictor, is_rice};
use crate::classmap::Legend;
use crate::cube::{CubeError, DataCube};
use crate::process::RasterReader;
use crate::raster::{Resampling, Window};

/// What tells where rice grows.
pub enum RiceSource {
    /// A class map.
    Map(Box<dyn RasterReader>),
    /// A model of rice, for the same cube.
    Model(Box<Model>),
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
pub fn rice_mask<'a>(
    source: &'a RiceSource,
    cube: &'a DataCube,
) -> Result<impl Fn(Window) -> Result<Vec<Ground>, CubeError> + Sync + 'a, crate::classify::ClassifyError> {
    let (legend, predictor) = match source {
        RiceSource::Map(map) => (map.legend().cloned().unwrap_or_else(Legend::rice), None),
        RiceSource::Model(model) => (model.card.legend.clone(), Some(Predictor::new(cube, model)?)),
    };
    let ground = ground_of(&legend);
    Ok(move |window: Window| match (source, &predictor) {
        (RiceSource::Map(map), _) => {
            let plane = map.read(&cube.grid, window, Resampling::Nearest);
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
