//! WMTS 1.0.0, by key and value and by address.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};

use super::documents;
use super::drawn::{self, small};
use super::images::{name, styled};
use super::live::dated;
use super::service::style_of;
use super::values;
use crate::ogc::outputs::{JSON, PNG};
use crate::ogc::read_query;
use crate::ogc::wmts::{TileRequest, WmtsCapabilities, WmtsException, WmtsLayer, WmtsRequest, XML};
use crate::server::access::caller;
use crate::server::collections::{Wanted, value};
use crate::server::error::{Answer, ApiError, ok, wmts_report};
use crate::server::pages::DESCRIPTION;
use crate::server::state::{ServerState, block};
use crate::store::collections::Collection;
use crate::style::Style;
use crate::tiles::{Format, MatrixSet, TileAddress};

/// Most layers of the capabilities.
const LAYERS: usize = 1000;

/// What goes wrong: as WMTS has it, or as everything else.
enum Fault {
    Wmts(WmtsException),
    Api(ApiError),
}

impl From<WmtsException> for Fault {
    fn from(exception: WmtsException) -> Self {
        Self::Wmts(exception)
    }
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

fn answer(told: Result<HttpResponse, Fault>, request: &HttpRequest) -> Answer {
    match told {
        Ok(response) => Ok(response),
        Err(Fault::Wmts(exception)) => Ok(wmts_report(&exception)),
        Err(Fault::Api(error)) => Err(error.to(request)),
    }
}

pub async fn by_query(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = async {
        match WmtsRequest::parse(&read_query(request.query_string()))? {
            WmtsRequest::Capabilities => Ok(all(&request, &state).await?),
            WmtsRequest::Tile(asked) => {
                let format = Format::parse(&asked.format).ok_or_else(|| {
                    WmtsException::invalid("format", format!("`{}` is no format of tiles", asked.format))
                })?;
                draw(&request, &state, &asked, format).await
            }
            WmtsRequest::FeatureInfo { tile, i, j, info_format } => {
                if info_format != JSON && info_format != "application/geo+json" {
                    let text = format!("`{info_format}` is not {JSON}");
                    return Err(WmtsException::invalid("infoformat", text).into());
                }
                info(&request, &state, &tile, (i, j)).await
            }
        }
    };
    answer(told.await, &request)
}

pub async fn capabilities(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    answer(all(&request, &state).await.map_err(Fault::from), &request)
}

pub async fn tile(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = async {
        let ending = name(&request, "ending");
        let format = Format::parse(ending)
            .ok_or_else(|| WmtsException::invalid("format", format!("`.{ending}` is no format of tiles")))?;
        draw(&request, &state, &of_path(&request), format).await
    };
    answer(told.await, &request)
}

pub async fn feature_info(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let told = async {
        let pixel = |key: &'static str| {
            let text = name(&request, key);
            text.parse::<u32>().ok().filter(|&n| n < 256).ok_or_else(|| {
                WmtsException::new("PointIJOutOfRange", key, format!("`{text}` is not from 0 to 255"))
            })
        };
        info(&request, &state, &of_path(&request), (pixel("i")?, pixel("j")?)).await
    };
    answer(told.await, &request)
}

fn of_path(request: &HttpRequest) -> TileRequest {
    let text = |key: &str| name(request, key).to_owned();
    TileRequest {
        layer: text("layer"),
        style: text("style"),
        format: text("ending"),
        set: text("set"),
        matrix: text("z"),
        row: text("row"),
        col: text("col"),
        time: value(&read_query(request.query_string()), "time").and_then(WmtsRequest::time),
    }
}

/// The layer, style and tile of a request.
async fn found(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    asked: &TileRequest,
) -> Result<(Collection, Style, TileAddress), Fault> {
    caller(state, request).await?;
    let found = styled(request, state, &asked.layer, &asked.style).await.map_err(|e| {
        let locator = if e.detail().contains("style") { "style" } else { "layer" };
        WmtsException::invalid(locator, e.detail())
    })?;
    let collection =
        dated(found.0, asked.time.as_deref()).map_err(|e| WmtsException::invalid("time", e.detail()))?;
    let set = MatrixSet::parse(&asked.set)
        .ok_or_else(|| WmtsException::invalid("tilematrixset", format!("there is no set `{}`", asked.set)))?;
    let z: u8 = asked.matrix.parse().ok().filter(|&z| z <= set.finest()).ok_or_else(|| {
        WmtsException::invalid("tilematrix", format!("{} has no matrix `{}`", set.id(), asked.matrix))
    })?;
    let (cols, rows) = set.size(z);
    let index = |name: &str, text: &str, most: u32| {
        let number: u32 = text
            .parse()
            .map_err(|_| WmtsException::invalid(name, format!("`{text}` is not a whole number from 0")))?;
        if number < most {
            Ok(number)
        } else {
            Err(WmtsException::out_of_range(name, format!("{number} is not below {most}")))
        }
    };
    let (row, col) = (index("tilerow", &asked.row, rows)?, index("tilecol", &asked.col, cols)?);
    let tile = TileAddress::new(set, z, row, col)
        .ok_or_else(|| WmtsException::out_of_range("tilecol", "the tile is outside of its matrix"))?;
    Ok((collection, found.1, tile))
}

async fn draw(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    asked: &TileRequest,
    format: Format,
) -> Result<HttpResponse, Fault> {
    let (collection, style, tile) = found(request, state, asked).await?;
    Ok(drawn::tile(request, state, &collection, &style, (tile, 1, format)).await?)
}

async fn info(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    asked: &TileRequest,
    (i, j): (u32, u32),
) -> Result<HttpResponse, Fault> {
    let (collection, _, tile) = found(request, state, asked).await?;
    let (x, y) = tile.grid(1).centre(j as usize, i as usize);
    let (lon, lat) = tile.set.unproject(x, y);
    let told = values::at(state, &collection, (lon, lat)).await?;
    let feature = values::as_feature(&told, (lon, lat));
    let bytes = serde_json::to_vec(&feature).map_err(ApiError::internal)?;
    Ok(small(request, state, JSON, bytes))
}

async fn all(request: &HttpRequest, state: &web::Data<ServerState>) -> Answer {
    let owner = caller(state, request).await?;
    let shared = state.clone();
    let wanted = Wanted { limit: LAYERS, ..Wanted::default() };
    let page = block(move || shared.published.list(&shared.queue, owner.as_deref(), &wanted)).await??;
    let base = state.base(request);
    let layer = |collection: &Collection| WmtsLayer {
        id: collection.id.clone(),
        title: collection.title.clone(),
        description: collection.title.clone(),
        bounds: collection.layer.bounds,
        styles: collection
            .layer
            .styles
            .iter()
            .filter_map(|id| style_of(collection, id))
            .map(|s| {
                let legend = format!("{}/legend?f=png", documents::own(collection, Some(&s), &base));
                (s.id, s.title, legend)
            })
            .collect(),
        dates: match &collection.layer.live {
            Some(live) if live.map.is_by_date() => live.map.dates().iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        },
    };
    let maps = page.collections.iter().filter(|c| c.layer.kind.is_raster());
    let layers: Vec<WmtsLayer> = maps.map(layer).collect();
    let sets = MatrixSet::ALL.map(|set| {
        let (crs, scales) = set.wmts_names();
        (documents::matrix_set(set), crs, scales)
    });
    let document = WmtsCapabilities {
        title: &state.config.title,
        description: DESCRIPTION,
        base: &base,
        layers: &layers,
        formats: &[(PNG, "png"), (Format::WebP.media_type(), "webp")],
        info_formats: &[JSON],
        sets: &sets,
    };
    // Layers come and go.
    let mut response = ok();
    response.content_type(XML).insert_header((CACHE_CONTROL, "no-cache"));
    Ok(response.body(document.document()))
}
