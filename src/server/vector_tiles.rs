//! Vector tiles of collections of features: tilesets, TileJSON, tiles.

use std::io::Write as _;
use std::sync::Arc;

use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, web};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};

use super::collections::{parameters, value};
use super::error::{Answer, ApiError, document};
use super::features::{AskedCrs, columns, conditions, pairs, table, told_fields};
use super::maps::{self, address, matrix_set, no_form};
use super::routes::{Mount as _, Read as _, at};
use super::state::ServerState;
use crate::io::feature_file::FeatureFile;
use crate::ogc::features::PropertyKind;
use crate::ogc::segment;
use crate::ogc::tiles::{MVT, TileJson, TilesetInfo, tilesets};
use crate::store::collections::{Collection, Origin};
use crate::store::feature_query::{Filter, tile_rows};
use crate::tiles::mvt::{TileFeature, encode};
use crate::tiles::{GoOn, MatrixSet, TileAddress, TileError};
use crate::vector::{Field, GeometryKind};

/// The level down to which tiles differ from those above.
const DEEPEST: u8 = 16;

/// Parameters of tiles that are no properties.
const RESERVED: [&str; 5] = ["f", "properties", "filter", "filter-lang", "filter-crs"];

/// The routes of vector tiles.
pub fn routes(config: &mut ServiceConfig) {
    let below = |end: &str| at(&format!("/collections/{{collection}}/tiles{end}"));
    config
        .mount(below("").read(list))
        .mount(below("/{tiles}").read(set))
        .mount(below("/{tiles}/{level}/{row}/{column}").read(tile));
}

/// The name of the layer in a tile.
pub fn layer_name(collection: &Collection) -> &str {
    match &collection.origin {
        Origin::Job { output, .. } => output,
        Origin::Configured { .. } | Origin::Live { .. } => &collection.id,
    }
}

fn tileset(
    collection: &Collection,
    file: &FeatureFile,
    set: MatrixSet,
    state: &ServerState,
    base: &str,
) -> TilesetInfo {
    let told = maps::tileset(collection, None, set, state, base);
    TilesetInfo {
        data_type: "vector",
        own: format!("{base}/collections/{}/tiles/{}", segment(&collection.id), set.id()),
        formats: vec![(MVT, "mvt")],
        style: None,
        layers: Some(json!([layer(collection, file)])),
        ..told
    }
}

/// The layer of a tile with its attributes.
fn layer(collection: &Collection, file: &FeatureFile) -> Value {
    let kinds = told_fields(file).into_iter().map(|(name, kind)| {
        let kind = match kind {
            PropertyKind::Text => "string",
            PropertyKind::Integer => "integer",
            PropertyKind::Number => "number",
            PropertyKind::Boolean => "boolean",
        };
        (name.to_owned(), json!({"type": kind}))
    });
    let properties: Map<String, Value> = kinds.collect();
    let mut layer = json!({
        "id": layer_name(collection), "title": collection.title, "dataType": "vector",
        "minTileMatrix": "0", "maxTileMatrix": DEEPEST.to_string(),
        "propertiesSchema": {"type": "object", "properties": properties},
    });
    match file.geometry() {
        GeometryKind::Point => layer["geometryDimension"] = 0.into(),
        GeometryKind::Polygon => layer["geometryDimension"] = 2.into(),
        GeometryKind::Any => {}
    }
    layer
}

fn tilejson(collection: &Collection, file: &FeatureFile, tileset: TilesetInfo) -> Value {
    let fields = told_fields(file).into_iter().map(|(name, kind)| {
        let kind = match kind {
            PropertyKind::Text => "String",
            PropertyKind::Integer | PropertyKind::Number => "Number",
            PropertyKind::Boolean => "Boolean",
        };
        (name.to_owned(), kind.into())
    });
    let fields: Map<String, Value> = fields.collect();
    let layer = json!({"id": layer_name(collection), "minzoom": 0, "maxzoom": DEEPEST, "fields": fields});
    TileJson {
        name: collection.title.clone(),
        tiles: vec![format!("{}/{{z}}/{{y}}/{{x}}", tileset.own)],
        bounds: tileset.bounds,
        zooms: (0, DEEPEST),
        zoom: tileset.zoom,
        attribution: tileset.attribution,
        vector_layers: Some(json!([layer])),
        ..TileJson::default()
    }
    .document()
}

/// TileJSON of a collection of features.
///
/// # Errors
/// 404 where there is no such collection of features.
pub async fn of_features(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    id: &str,
) -> Result<Value, ApiError> {
    let (collection, file) = table(request, state, id).await?;
    let set = tileset(&collection, &file, MatrixSet::WebMercatorQuad, state, &state.base(request));
    Ok(tilejson(&collection, &file, set))
}

async fn list(request: HttpRequest, path: web::Path<String>, state: web::Data<ServerState>) -> Answer {
    let listed = async {
        parameters(&request, &["f"])?;
        let (collection, file) = table(&request, &state, &path).await?;
        let base = state.base(&request);
        let all = MatrixSet::ALL.map(|set| tileset(&collection, &file, set, &state, &base));
        Ok(document(&tilesets(&format!("{base}/collections/{}/tiles", segment(&collection.id)), &all)))
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
        let set = tileset(&collection, &file, matrix_set(&tiles)?, &state, &state.base(&request));
        match value(&query, "f") {
            None | Some("json") => Ok(document(&set.document())),
            Some("tilejson") if set.tilejson => Ok(document(&tilejson(&collection, &file, set))),
            Some(other) => Err(no_form(other)),
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
        let awaited = collection.layer.is_awaited();
        let query = if awaited { Vec::new() } else { pairs(&request, &RESERVED, &file)? };
        if let Some(other) = value(&query, "f").filter(|f| !["mvt", "pbf"].contains(f)) {
            return Err(ApiError::parameter("f", format!("`{other}` is not mvt")));
        }
        let tile = address(matrix_set(&tiles)?, &level, &row, &column)?;
        let chosen = query.iter().filter(|(name, _)| name != "f");
        let asked: String = chosen.map(|(name, value)| format!("{name}={value}&")).collect();
        let layer = collection.layer.clone();
        let prepare =
            move || Wanted::of(collection, file, &query, tile).map(|w| move |_: GoOn<'_>| w.drawn());
        maps::vector_tile(&request, &state, (&layer, &asked, tile), prepare).await
    };
    answered.await.map_err(|e: ApiError| e.to(&request))
}

/// A tile that is wanted.
struct Wanted {
    collection: Collection,
    file: Arc<FeatureFile>,
    filters: Vec<Filter>,
    columns: Vec<usize>,
    tile: TileAddress,
}

impl Wanted {
    /// By the parameters of a request.
    ///
    /// # Errors
    /// 400 naming the parameter.
    fn of(
        collection: Collection,
        file: Arc<FeatureFile>,
        query: &Vec<(String, String)>,
        tile: TileAddress,
    ) -> Result<Self, ApiError> {
        let crs = match value(query, "filter-crs") {
            Some(text) => AskedCrs::parse("filter-crs", text, file.epsg())?,
            None => AskedCrs::usual(),
        };
        let filters = conditions(query, &file, &crs)?;
        let columns = columns(query, &file)?;
        Ok(Self { collection, file, filters, columns, tile })
    }

    /// Its bytes, packed.
    fn drawn(&self) -> Result<Bytes, TileError> {
        let fail = |e: &dyn std::fmt::Display| TileError::Source(e.to_string());
        let Self { file, columns, tile, .. } = self;
        let rows = tile_rows(file, &tile.degrees(), &self.filters, tile.web_level()).map_err(|e| fail(&e))?;
        let stored = file.features(&rows, columns).map_err(|e| fail(&e))?;
        let fields: Vec<Field> = columns.iter().map(|&c| file.fields()[c].clone()).collect();
        let features = stored.iter().map(|f| TileFeature {
            id: f.number.into(),
            geometry: &f.geometry,
            values: &f.values,
        });
        let layer = layer_name(&self.collection);
        let encoded =
            encode(layer, &fields, features, |x, y| tile.to_units(x, y)).map_err(TileError::Encode)?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&encoded).map_err(|e| fail(&e))?;
        packed.finish().map(Bytes::from).map_err(|e| fail(&e))
    }
}
