//! OGC API - Features: items of collections, one of them, and what may be asked.

mod asked;
mod crs;
mod download;

use std::sync::Arc;

use actix_web::http::header::{CONTENT_TYPE, ETAG};
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use self::asked::{Asked, Format, MOST, Pairs, USUAL, pairs_of_items};
use super::collections::{collection, parameters, value};
use super::error::{Answer, ApiError, not_modified, ok};
use super::html::items::{self as pages, Of};
use super::html::{self, show};
use super::routes::{Mount as _, Read as _, at};
use super::state::{ServerState, block};
use super::wire::is_known;
use crate::io::IoError;
use crate::io::feature_file::{FeatureFile, Stored};
use crate::ogc::features::{self, Property, PropertyKind, SCHEMA_JSON};
use crate::ogc::outputs::{GEOJSON, HTML, JSON};
use crate::ogc::{Link, ProblemType, segment};
use crate::store::collections::{Collection, Growing};
use crate::store::feature_query::{TimeFormat, geometry_name, time_column, time_format};
use crate::vector::{Field, FieldKind, GeometryKind, reproject};

pub use asked::{columns, conditions, for_spreadsheets, pairs};
pub use crs::{AskedCrs, supported};

/// The routes of features.
pub fn routes(config: &mut ServiceConfig) {
    let below = |end: &str| at(&format!("/collections/{{collection}}/{end}"));
    config
        .mount(below("items").read(items))
        .mount(below("items/{feature}").read(item))
        .mount(below("queryables").read(queryables))
        .mount(below("schema").read(schema));
}

/// The columns of a collection of features.
///
/// # Errors
/// 404 where it has no features.
pub async fn table(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    id: &str,
) -> Result<(Collection, Arc<FeatureFile>), ApiError> {
    let found = collection(request, state, id).await?;
    if !found.layer.kind.is_features() {
        let told = format!("the collection `{id}` has no features");
        return Err(ApiError::absent(ProblemType::Plain, told));
    }
    let (indexes, layer) = (state.indexes.clone(), found.layer.clone());
    let file = block(move || match &layer.growing {
        None => indexes.of(&layer.file),
        Some(Growing::Features(file)) => Ok(file.clone()),
        Some(_) => indexes.nothing(),
    });
    let file = file.await?.map_err(ApiError::internal)?;
    Ok((found, file))
}

pub async fn items(request: HttpRequest, path: web::Path<String>, state: web::Data<ServerState>) -> Answer {
    let answered = async {
        let (collection, file) = table(&request, &state, &path).await?;
        // Of what is not begun nothing is known that could be asked for.
        let awaited = collection.layer.is_awaited();
        let query = if awaited { Vec::new() } else { pairs_of_items(&request, &file)? };
        let format = Format::of(&request, &query)?;
        let shown = for_spreadsheets(&query, format == Format::Csv)?;
        let base = state.base(&request);
        if format == Format::Page {
            return table_page(&request, &state, collection, file, query).await;
        }
        let tag = etag(&[collection.layer.version.as_str(), &base, request.query_string(), format.name()]);
        if is_known(&request, &tag) {
            return Ok(not_modified().insert_header((ETAG, tag)).finish());
        }
        let sent = request.clone();
        let mut response = match format {
            Format::GeoJson => block(move || page(&collection, &file, &query, &base)).await??.into_response(),
            _ => {
                block(move || whole(&collection, &file, &query, (format, shown))).await??.into_response(&sent)
            }
        };
        tagged(&mut response, &tag)?;
        Ok(response)
    };
    answered.await.map_err(|e: ApiError| e.to(&request))
}

/// A page of items for people.
async fn table_page(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    collection: Collection,
    file: Arc<FeatureFile>,
    mut query: Pairs,
) -> Answer {
    // A form sends what is left empty too.
    query.retain(|(_, value)| !value.is_empty());
    let (told, asked, base) = (collection.clone(), query.clone(), state.base(request));
    let found = block(move || page(&collection, &file, &query, &base)).await??;
    let of = Of { id: &told.id, title: &told.title };
    Ok(show(request, state, |site| pages::page(site, &of, &found.document, &asked)))
}

pub async fn item(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    state: web::Data<ServerState>,
) -> Answer {
    let (id, fid) = path.into_inner();
    let answered = async {
        let (collection, file) = table(&request, &state, &id).await?;
        let query = parameters(&request, &["f", "crs", "properties"])?;
        let base = state.base(&request);
        let as_page = html::wants_page_of(&request, &["geojson"])?;
        let tag = etag(&[collection.layer.version.as_str(), &base, request.query_string(), &fid]);
        if !as_page && is_known(&request, &tag) {
            return Ok(not_modified().insert_header((ETAG, tag)).finish());
        }
        let told = collection.clone();
        let single = block(move || single(&collection, &file, &query, &fid, &base)).await??;
        if as_page {
            let of = Of { id: &told.id, title: &told.title };
            return Ok(show(&request, &state, |site| pages::item(site, &of, &single.document)));
        }
        let mut response = single.into_response();
        tagged(&mut response, &tag)?;
        Ok(response)
    };
    answered.await.map_err(|e: ApiError| e.to(&request))
}

pub async fn queryables(
    request: HttpRequest,
    path: web::Path<String>,
    state: web::Data<ServerState>,
) -> Answer {
    described(&request, &path, &state, "queryables").await.map_err(|e| e.to(&request))
}

pub async fn schema(request: HttpRequest, path: web::Path<String>, state: web::Data<ServerState>) -> Answer {
    described(&request, &path, &state, "schema").await.map_err(|e| e.to(&request))
}

async fn described(request: &HttpRequest, id: &str, state: &web::Data<ServerState>, what: &str) -> Answer {
    parameters(request, &["f"])?;
    let (collection, file) = table(request, state, id).await?;
    let table = file.clone();
    let times = block(move || {
        let formats = (0..table.fields().len()).map(|column| time_format(&table, column));
        Ok::<_, IoError>((formats.collect::<Result<Vec<_>, _>>()?, time_column(&table)?))
    });
    let (formats, time) = times.await?.map_err(ApiError::internal)?;
    let property = |((name, kind), format)| {
        let format = match format {
            Some(TimeFormat::Date) => Some("date"),
            Some(TimeFormat::DateTime) => Some("date-time"),
            Some(TimeFormat::Mixed) | None => None,
        };
        Property { name, kind, format }
    };
    let properties: Vec<Property<'_>> = told_fields(&file).into_iter().zip(formats).map(property).collect();
    let shape = match file.geometry() {
        GeometryKind::Point => "point-or-multipoint",
        GeometryKind::Polygon => "polygon-or-multipolygon",
        GeometryKind::Any => "any",
    };
    let time = time.map(|column| file.fields()[column].name.as_str());
    let address = format!("{}/collections/{}/{what}", state.base(request), segment(&collection.id));
    let geometry = (&*geometry_name(&file), shape);
    let schema = features::schema(&address, &collection.title, geometry, &properties, time);
    Ok(ok().content_type(SCHEMA_JSON).body(schema.to_string()))
}

/// Names and kinds of properties.
pub fn told_fields(file: &FeatureFile) -> Vec<(&str, PropertyKind)> {
    let kind = |field: &Field| match field.kind {
        FieldKind::Text => PropertyKind::Text,
        FieldKind::Integer => PropertyKind::Integer,
        FieldKind::Real => PropertyKind::Number,
        FieldKind::Boolean => PropertyKind::Boolean,
    };
    file.fields().iter().map(|field| (field.name.as_str(), kind(field))).collect()
}

/// A page of items as GeoJSON.
fn page(collection: &Collection, file: &FeatureFile, query: &Pairs, base: &str) -> Result<Written, ApiError> {
    let asked = Asked::read(query, file, &collection.layer)?;
    let limit = asked.limit.unwrap_or(USUAL).min(MOST);
    let (matched, rows) = asked.query.page(file, asked.offset, limit).map_err(ApiError::internal)?;
    let stored = file.features(&rows, &asked.columns).map_err(ApiError::internal)?;
    let found = written(stored, file, &asked.columns, &asked.crs)?;
    let own = format!("{base}/collections/{}", segment(&collection.id));
    let links = links(&own, query, (asked.offset, limit), matched);
    let document = features::page(found, matched, &links);
    Ok(Written { document, crs: asked.crs.header(), count: Some((matched, rows.len())) })
}

/// GeoJSON with what its headers say: the CRS, how many matched and how many are here.
struct Written {
    document: Value,
    crs: String,
    count: Option<(usize, usize)>,
}

impl Written {
    fn into_response(self) -> HttpResponse {
        let mut response = ok();
        response.content_type(GEOJSON).insert_header(("Content-Crs", self.crs));
        if let Some((matched, returned)) = self.count {
            response.insert_header(("OGC-NumberMatched", matched.to_string()));
            response.insert_header(("OGC-NumberReturned", returned.to_string()));
        }
        response.body(self.document.to_string())
    }
}

/// Items as a file of a format, and whether its formulas are shown.
fn whole(
    collection: &Collection,
    file: &FeatureFile,
    query: &Pairs,
    (format, shown): (Format, bool),
) -> Result<Sent, ApiError> {
    let asked = Asked::read(query, file, &collection.layer)?;
    let name = match &collection.origin {
        crate::store::collections::Origin::Job { output, .. } => output,
        _ => &collection.id,
    };
    let download = download::download(file, &asked, (format, shown), name)?;
    Ok(Sent { download, crs: asked.crs.header() })
}

/// A file of items with what its headers say.
struct Sent {
    download: download::Download,
    crs: String,
}

impl Sent {
    fn into_response(self, request: &HttpRequest) -> HttpResponse {
        let mut response = self.download.file.into_response(request);
        let headers = response.headers_mut();
        let said = [
            ("content-crs", self.crs),
            ("ogc-numbermatched", self.download.matched.to_string()),
            ("ogc-numberreturned", self.download.returned.to_string()),
        ];
        for (name, said) in said {
            if let Ok(said) = said.parse() {
                headers.insert(actix_web::http::header::HeaderName::from_static(name), said);
            }
        }
        response
    }
}

/// One item.
fn single(
    collection: &Collection,
    file: &FeatureFile,
    query: &Pairs,
    fid: &str,
    base: &str,
) -> Result<Written, ApiError> {
    let crs = value(query, "crs").map(|text| AskedCrs::parse("crs", text, file.epsg())).transpose()?;
    let crs = crs.unwrap_or_else(AskedCrs::usual);
    let columns = columns(query, file)?;
    let number = fid.parse::<usize>().ok().filter(|n| (1..=file.len()).contains(n)).ok_or_else(|| {
        ApiError::absent(ProblemType::Plain, format!("`{}` has no feature `{fid}`", collection.id))
    })?;
    let mut rows = Vec::new();
    file.rows_of(number - 1..number, &mut rows).map_err(ApiError::internal)?;
    let stored = file.features(&rows, &columns).map_err(ApiError::internal)?;
    let mut feature = written(stored, file, &columns, &crs)?.pop().unwrap_or_default();
    let own = format!("{base}/collections/{}", segment(&collection.id));
    feature["links"] = json!([
        Link::new(format!("{own}/items/{number}"), "self", GEOJSON).titled("This feature"),
        Link::new(format!("{own}/items/{number}?f=html"), "alternate", HTML).titled("This feature as a page"),
        Link::new(&own, "collection", JSON).titled("Its collection"),
    ]);
    Ok(Written { document: feature, crs: crs.header(), count: None })
}

/// Features as GeoJSON.
fn written(
    stored: Vec<Stored>,
    file: &FeatureFile,
    columns: &[usize],
    crs: &AskedCrs,
) -> Result<Vec<Value>, ApiError> {
    let way = crs.away_from_degrees().map_err(ApiError::internal)?;
    let write = |mut feature: Stored| {
        reproject(&mut feature.geometry, &way).map_err(ApiError::internal)?;
        let named = columns.iter().map(|&c| &file.fields()[c]).zip(&feature.values);
        let properties: Map<String, Value> =
            named.map(|(field, value)| (field.name.clone(), json_of(value))).collect();
        let geometry = crs.coordinates().geometry(&feature.geometry);
        Ok(features::feature(feature.number.into(), geometry, properties))
    };
    stored.into_iter().map(write).collect()
}

fn json_of(value: &crate::vector::Value) -> Value {
    use crate::vector::Value as V;
    match value {
        V::Null => Value::Null,
        V::Bool(flag) => (*flag).into(),
        V::Integer(n) => (*n).into(),
        V::Number(n) => (*n).into(),
        V::Text(text) => text.as_str().into(),
    }
}

/// Links of a page to itself, its neighbours, its collection, and other forms.
fn links(own: &str, query: &Pairs, (offset, limit): (usize, usize), matched: usize) -> Vec<Link> {
    let link = |changes: &[(&str, String)], rel: &str, media_type: &str| {
        let same = query.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let same = same.map(|(name, value)| (name.as_str(), value.as_str()));
        let changed =
            changes.iter().map(|(name, value)| (*name, value.as_str())).filter(|(_, v)| !v.is_empty());
        let all: Vec<String> = same
            .chain(changed)
            .map(|(name, value)| format!("{}={}", segment(name), segment(value)))
            .collect();
        let mark = if all.is_empty() { "" } else { "?" };
        Link::new(format!("{own}/items{mark}{}", all.join("&")), rel, media_type)
    };
    let mut links = vec![link(&[], "self", GEOJSON).titled("This document")];
    if offset.saturating_add(limit) < matched {
        let next = [("offset", (offset + limit).to_string()), ("limit", limit.to_string())];
        links.push(link(&next, "next", GEOJSON).titled("Next page"));
    }
    if offset > 0 {
        let before = match offset.saturating_sub(limit) {
            0 => String::new(),
            n => n.to_string(),
        };
        links.push(
            link(&[("offset", before), ("limit", limit.to_string())], "prev", GEOJSON)
                .titled("Previous page"),
        );
    }
    links.push(link(&[("f", "html".to_owned())], "alternate", HTML).titled("This document as a page"));
    for format in [Format::Csv, Format::GeoPackage] {
        let whole = [("f", format.name().to_owned()), ("limit", String::new()), ("offset", String::new())];
        links.push(link(&whole, "alternate", format.media_type()).titled("All that match, as a file"));
    }
    links.push(Link::new(own, "collection", JSON).titled("The collection"));
    links
}

/// The tag of an answer that these make.
fn etag(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let hex: String = hash.finalize().iter().take(12).map(|b| format!("{b:02x}")).collect();
    format!("W/\"{hex}\"")
}

/// The answer with its tag.
fn tagged(response: &mut HttpResponse, tag: &str) -> Result<(), ApiError> {
    let tag = tag.parse().map_err(ApiError::internal)?;
    response.headers_mut().insert(ETAG, tag);
    debug_assert!(response.headers().contains_key(CONTENT_TYPE));
    Ok(())
}
