//! Tiles as web maps ask for them, and TileJSON.

use actix_web::{HttpRequest, web};

use super::documents;
use super::drawn;
use super::images::{address, name, styled};
use super::live::dated;
use crate::ogc::ProblemType;
use crate::server::collections::{parameters, value};
use crate::server::error::{Answer, ApiError, document};
use crate::server::state::ServerState;
use crate::server::vector_tiles::of_features;
use crate::tiles::{Format, MatrixSet};

/// `7.png`, `7@2x.png`, `7.webp`: row, scale and format.
fn file(text: &str) -> Option<(&str, u8, Format)> {
    let (stem, ending) = text.rsplit_once('.')?;
    let (row, scale) = stem.strip_suffix("@2x").map_or((stem, 1), |row| (row, 2));
    Some((row, scale, Format::parse(ending)?))
}

pub async fn tile(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let drawn = async {
        let query = parameters(&request, &["style", "datetime"])?;
        let style = value(&query, "style").unwrap_or_default();
        let (found, style) = styled(&request, &state, name(&request, "collection"), style).await?;
        let found = dated(found, value(&query, "datetime"))?;
        let (row, scale, format) = file(name(&request, "file")).ok_or_else(|| {
            ApiError::absent(ProblemType::Plain, "a tile is {y}.png, {y}@2x.png, {y}.webp or {y}@2x.webp")
        })?;
        let tile = address(MatrixSet::WebMercatorQuad, name(&request, "z"), row, name(&request, "x"))?;
        drawn::tile(&request, &state, &found, &style, (tile, scale, format)).await
    };
    drawn.await.map_err(|e| e.to(&request))
}

pub async fn tilejson(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = async {
        let query = parameters(&request, &["style", "datetime", "f"])?;
        let style = value(&query, "style").unwrap_or_default();
        let (found, style) = styled(&request, &state, name(&request, "collection"), style).await?;
        let datetime = value(&query, "datetime");
        let found = dated(found, datetime)?;
        if found.layer.kind.is_features() {
            return of_features(&request, &state, name(&request, "collection")).await;
        }
        Ok::<_, ApiError>(documents::tilejson(&found, &style, datetime, &state, &state.base(&request)))
    };
    Ok(document(&told.await.map_err(|e| e.to(&request))?))
}
