//! The series of a spectral index at a point of a cube that the operator offers.

use actix_web::{HttpRequest, web};
use serde_json::json;

use super::collections::{collection, parameters, value};
use super::error::{Answer, ApiError, document};
use super::state::{ServerState, block};
use crate::ogc::{CubeInput, CubeSource, ProblemType};
use crate::process::{ProcessError, Silent, series_at};
use crate::store::ServedSource;
use crate::store::collections::{Collection, Origin};

/// The index where none is asked for.
const USUAL: &str = "NDRE";

pub async fn series(request: HttpRequest, path: web::Path<String>, state: web::Data<ServerState>) -> Answer {
    let told = async {
        let query = parameters(&request, &["lon", "lat", "index", "f"])?;
        let place = (degrees(&query, "lon", 360.0)?, degrees(&query, "lat", 90.0)?);
        let index = value(&query, "index").unwrap_or(USUAL).to_owned();
        let found = collection(&request, &state, &path).await?;
        let cube = cube_of(&found)?;
        let (shared, asked) = (state.clone(), index.clone());
        let series = block(move || {
            let source = ServedSource::new(shared.host.offered(), &Silent, &|_| None);
            series_at(&source, &cube, &asked, place)
        });
        let series = series.await?.map_err(told_as_parameter)?;
        Ok(document(
            &json!({"collection": found.id, "index": index, "lon": place.0, "lat": place.1, "series": series}),
        ))
    };
    told.await.map_err(|e: ApiError| e.to(&request))
}

/// The cube behind a collection.
fn cube_of(collection: &Collection) -> Result<CubeInput, ApiError> {
    match &collection.origin {
        Origin::Configured { name } if collection.layer.kind.is_cube() => {
            Ok(CubeInput::One(CubeSource::Path(name.clone())))
        }
        _ => Err(ApiError::absent(
            ProblemType::Plain,
            format!("the collection `{}` is no cube, and has no series", collection.id),
        )),
    }
}

/// What is wrong with the request is wrong with the parameter that it came by.
fn told_as_parameter(error: ProcessError) -> ApiError {
    match error {
        ProcessError::Input { message, .. } => ApiError::parameter("index", message),
        other => ApiError::internal(other),
    }
}

fn degrees(query: &[(String, String)], name: &str, most: f64) -> Result<f64, ApiError> {
    let text = value(query, name).ok_or_else(|| ApiError::parameter(name, "is missing"))?;
    text.parse::<f64>().ok().filter(|v| v.abs() <= most).ok_or_else(|| {
        ApiError::parameter(name, format!("`{text}` is not a number of degrees from -{most} to {most}"))
    })
}
