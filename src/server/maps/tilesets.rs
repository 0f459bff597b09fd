//! Tile matrix sets, and the tilesets of maps.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::documents;
use super::images::{matrix_set as known_set, name, styled};
use super::live::least_zoom;
use crate::ogc::Link;
use crate::ogc::outputs::JSON;
use crate::ogc::tiles::{TileJson, tilesets};
use crate::server::collections::{parameters, value};
use crate::server::error::{Answer, ApiError, document};
use crate::server::state::ServerState;
use crate::store::collections::Collection;
use crate::style::Style;
use crate::tiles::MatrixSet;

pub async fn matrix_sets(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    parameters(&request, &["f"]).map_err(|e| e.to(&request))?;
    let base = state.base(&request);
    let sets = MatrixSet::ALL.map(|set| {
        let own = format!("{base}/tileMatrixSets/{}", set.id());
        json!({"id": set.id(), "title": set.title(), "uri": set.uri(), "crs": set.crs_uri(),
               "links": [Link::new(own, "self", JSON).titled(set.title())]})
    });
    let links = [Link::new(format!("{base}/tileMatrixSets"), "self", JSON)];
    Ok(document(&json!({"tileMatrixSets": sets, "links": links})))
}

pub async fn matrix_set(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let found = parameters(&request, &["f"]).and_then(|_| known_set(name(&request, "set")));
    Ok(document(&documents::matrix_set(found.map_err(|e| e.to(&request))?)))
}

/// The collection and style of a path, where it has maps; the style is none where the path has none.
async fn found(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
) -> Result<(Collection, Option<Style>), ApiError> {
    let asked = name(request, "style");
    let (collection, style) = styled(request, state, name(request, "collection"), asked).await?;
    if !collection.layer.kind.is_raster() {
        return Err(ApiError::no_map());
    }
    Ok((collection, (!asked.is_empty()).then_some(style)))
}

pub async fn list(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = async {
        parameters(&request, &["f"])?;
        let (collection, style) = found(&request, &state).await?;
        let base = state.base(&request);
        let own = format!("{}/map/tiles", documents::own(&collection, style.as_ref(), &base));
        let sets =
            MatrixSet::ALL.map(|set| documents::tileset(&collection, style.as_ref(), set, &state, &base));
        Ok::<_, ApiError>(tilesets(&own, &sets))
    };
    Ok(document(&told.await.map_err(|e| e.to(&request))?))
}

pub async fn one(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = async {
        let query = parameters(&request, &["f"])?;
        let (collection, style) = found(&request, &state).await?;
        let set = known_set(name(&request, "set"))?;
        let base = state.base(&request);
        let tileset = documents::tileset(&collection, style.as_ref(), set, &state, &base);
        match value(&query, "f") {
            None | Some("json") => Ok(tileset.document()),
            Some("tilejson") if tileset.tilejson => Ok(tilejson(&collection, &tileset.own, set, &state)),
            Some(other) => Err(no_form(other)),
        }
    };
    Ok(document(&told.await.map_err(|e| e.to(&request))?))
}

/// Nothing that a tileset is told as.
pub fn no_form(asked: &str) -> ApiError {
    ApiError::parameter("f", format!("`{asked}` is none of json, tilejson (of WebMercatorQuad)"))
}

/// TileJSON of a tileset by its own addresses.
fn tilejson(collection: &Collection, own: &str, set: MatrixSet, state: &ServerState) -> Value {
    let (native, zoom) = documents::zooms(collection, set);
    TileJson {
        name: collection.title.clone(),
        tiles: vec![format!("{own}/{{z}}/{{y}}/{{x}}?f=png")],
        bounds: collection.layer.bounds,
        zooms: (least_zoom(collection, set), native),
        zoom,
        attribution: state.config.data.attribution.clone(),
        ..TileJson::default()
    }
    .document()
}
