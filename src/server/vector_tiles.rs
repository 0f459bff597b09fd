//! Vector tiles of collections of features: tilesets, TileJSON, tiles.

use std::io::Write as _;

use actix_web::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, VARY};
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::collections::{parameters, value};
use super::error::{Answer, ApiError, document, not_modified, ok};
use super::features::{AskedCrs, columns, conditions, etag, is_known, pairs, table, tagged};
use super::state::ServerState;
use crate::io::feature_file::FeatureFile;
use crate::ogc::ProblemType;
use crate::ogc::vector_tiles::{MVT, Tileset, tilesets};
use crate::store::collections::{Collection, Origin};
use crate::store::feature_query::tile_rows;
use crate::tiles::mvt::{TileFeature, encode};
use crate::tiles::{Frame, Grid};
use crate::vector::Field;

/// Parameters of tiles that are no properties.
const RESERVED: [&str; 5] = ["f", "properties", "filter", "filter-lang", "filter-crs"];

/// The routes of vector tiles.
pub fn routes(config: &mut ServiceConfig) {
    let at = |end: &str| web::resource(format!("/collections/{{collection}}/tiles{end}"));
    config
        .service(at("").get(list))
        .service(at("/{tiles}").get(set))
        .service(at("/{tiles}/{level}/{row}/{column}").get(tile).head(tile));
}

/// The grid of the path.
fn grid(id: &str) -> Result<Grid, ApiError> {
    Grid::of(id).ok_or_else(|| {
        let known = Grid::ALL.map(Grid::id).join(", ");
        ApiError::absent(
            ProblemType::Plain,
            format!("there is no tile matrix set `{id}` here (known: {known})"),
        )
    })
}

/// The name of the layer in a tile.
pub fn layer_name(collection: &Collection) -> &str {
    match &collection.origin {
        Origin::Job { output, .. } => output,
        Origin::Configured { .. } | Origin::Live { .. } => &collection.id,
    }
}

fn tileset<'a>(collection: &'a Collection, file: &'a FeatureFile, grid: Grid, base: &'a str) -> Tileset<'a> {
    Tileset {
        base,
        collection: &collection.id,
        title: &collection.title,
        layer: layer_name(collection),
        grid: (grid.id(), grid.uri(), grid.crs()),
        bounds: file.bounds(),
        geometry: match file.geometry() {
            crate::vector::GeometryKind::Point => Some(0),
            crate::vector::GeometryKind::Polygon => Some(2),
            crate::vector::GeometryKind::Any => None,
        },
        fields: super::features::told_fields(file),
    }
}

async fn list(request: HttpRequest, path: web::Path<String>, state: web::Data<ServerState>) -> Answer {
    let listed = async {
        parameters(&request, &["f"])?;
        let (collection, file) = table(&request, &state, &path).await?;
        let base = state.base(&request);
        let all: Vec<_> = Grid::ALL.iter().map(|grid| tileset(&collection, &file, *grid, &base)).collect();
        Ok(document(&tilesets(&all)))
    };
    listed.await.map_err(|e: ApiError| e.to(&request))
}

async fn set(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    state: web::Data<ServerState>,
) -> Answer {
    let (id, tiles) = path.into_inner();
    let told = async {
        let query = parameters(&request, &["f"])?;
        let (collection, file) = table(&request, &state, &id).await?;
        let (grid, base) = (grid(&tiles)?, state.base(&request));
        let set = tileset(&collection, &file, grid, &base);
        match value(&query, "f") {
            None | Some("json") => Ok(document(&set.document())),
            Some("tilejson") if grid == Grid::WebMercatorQuad => Ok(document(&set.tilejson())),
            Some(other) => {
                let told = format!("`{other}` is none of json, tilejson (of WebMercatorQuad)");
                Err(ApiError::parameter("f", told))
            }
        }
    };
    told.await.map_err(|e| e.to(&request))
}

async fn tile(
    request: HttpRequest,
    path: web::Path<(String, String, String, String, String)>,
    state: web::Data<ServerState>,
) -> Answer {
    let (id, tiles, level, row, column) = path.into_inner();
    let answered = async {
        let (collection, file) = table(&request, &state, &id).await?;
        let query = pairs(&request, &RESERVED, &file)?;
        if let Some(other) = value(&query, "f").filter(|f| !["mvt", "pbf"].contains(f)) {
            return Err(ApiError::parameter("f", format!("`{other}` is not mvt")));
        }
        let frame = frame(grid(&tiles)?, &level, &row, &column)?;
        let place = [&tiles, &level, &row, &column].map(String::as_str);
        let tag = etag(&[&[collection.layer.version.as_str(), request.query_string()], &place[..]].concat());
        if is_known(&request, &tag) {
            return Ok(not_modified().insert_header((ETAG, tag)).finish());
        }
        let bytes = web::block(move || drawn(&collection, &file, &query, &frame)).await??;
        sent(&request, bytes, &tag)
    };
    answered.await.map_err(|e: ApiError| e.to(&request))
}

/// The tile of the path.
fn frame(grid: Grid, level: &str, row: &str, column: &str) -> Result<Frame, ApiError> {
    let found = || grid.tile(level.parse().ok()?, row.parse().ok()?, column.parse().ok()?);
    found().ok_or_else(|| {
        let told = format!("{} has no tile {level}/{row}/{column}", grid.id());
        ApiError::absent(ProblemType::Plain, told)
    })
}

/// A tile, packed.
fn drawn(
    collection: &Collection,
    file: &FeatureFile,
    query: &Vec<(String, String)>,
    frame: &Frame,
) -> Result<Vec<u8>, ApiError> {
    let crs = match value(query, "filter-crs") {
        Some(text) => AskedCrs::parse("filter-crs", text, file.epsg())?,
        None => AskedCrs::usual(),
    };
    let filters = conditions(query, file, &crs)?;
    let columns = columns(query, file)?;
    let rows = tile_rows(file, &frame.bounds(), &filters, frame.web_level()).map_err(ApiError::internal)?;
    let stored = file.features(&rows, &columns).map_err(ApiError::internal)?;
    let fields: Vec<Field> = columns.iter().map(|&c| file.fields()[c].clone()).collect();
    let features =
        stored.iter().map(|f| TileFeature { id: f.number.into(), geometry: &f.geometry, values: &f.values });
    let tile = encode(layer_name(collection), &fields, features, |x, y| frame.to_tile(x, y));
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&tile.map_err(ApiError::internal)?).map_err(ApiError::internal)?;
    packed.finish().map_err(ApiError::internal)
}

/// A packed tile, unpacked for those who do not take it so.
fn sent(request: &HttpRequest, packed: Vec<u8>, tag: &str) -> Answer {
    let accept = request.headers().get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut response = ok();
    response
        .content_type(MVT)
        .insert_header((VARY, "Accept-Encoding"))
        .insert_header((CACHE_CONTROL, "no-cache"));
    let mut response: HttpResponse = if accept.contains("gzip") {
        response.insert_header((CONTENT_ENCODING, "gzip")).body(packed)
    } else {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.as_slice()), &mut bytes)
            .map_err(ApiError::internal)?;
        response.insert_header((CONTENT_ENCODING, "identity")).body(bytes)
    };
    tagged(&mut response, tag)?;
    Ok(response)
}
