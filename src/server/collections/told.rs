//! A collection as it is told: its description with links to everything else of it.

use serde_json::{Map, Value, json};

use crate::jobs::Job;
use crate::ogc::collections::{CRS84, CollectionInfo, DataType, Extent, crs_uri, rel};
use crate::ogc::features::{self, SCHEMA_JSON};
use crate::ogc::outputs::{CSV, GEOJSON, GEOPACKAGE, JSON};
use crate::ogc::{Link, segment};
use crate::server::config::DataConfig;
use crate::server::maps;
use crate::store::collections::{Collection, LayerKind, Origin};
use crate::vector::FieldKind;

/// The description of a collection of a service at `base`.
pub fn told(collection: &Collection, base: &str, data: &DataConfig) -> CollectionInfo {
    let layer = &collection.layer;
    let grid = layer.kind.grid();
    let storage = grid.map(crate::crs::GeoBox::bounds).map(|b| [b.min_x, b.min_y, b.max_x, b.max_y]);
    let storage_crs = grid.and_then(|g| g.crs.epsg()).map(crs_uri);
    let storage_crs = storage_crs.or_else(|| layer.kind.is_features().then(|| CRS84.to_owned()));
    let features = layer.kind.is_features();
    let mut more = more(&layer.kind);
    if let (Origin::Live { cube, .. }, Some(live)) = (&collection.origin, &layer.live) {
        more.insert("live".to_owned(), maps::told_live(collection, live, cube));
    }
    if let Origin::Configured { name } = &collection.origin {
        // What inputs of processes call it.
        more.insert("offeredAs".to_owned(), name.as_str().into());
    }
    let crs = match &layer.kind {
        LayerKind::Features { epsg, .. } => crate::server::features::supported(*epsg),
        _ => std::iter::once(CRS84.to_owned()).chain(storage_crs.clone()).collect(),
    };
    CollectionInfo {
        id: collection.id.clone(),
        title: collection.title.clone(),
        description: description(collection),
        attribution: data.attribution.clone(),
        extent: Extent::new(layer.bounds, storage, layer.dates),
        item_type: features.then_some("feature"),
        data_type: if features { DataType::Vector } else { DataType::Coverage },
        crs,
        storage_crs,
        styles: layer.styles.iter().map(|id| json!({"id": id})).collect(),
        default_style: layer.styles.first().cloned(),
        more,
        links: links(collection, base, data),
    }
}

fn description(collection: &Collection) -> String {
    let what = match &collection.layer.kind {
        LayerKind::Classes { legend, .. } => {
            let names: Vec<&str> = legend.classes.iter().map(|c| c.name.as_str()).collect();
            let note = legend.note().map_or_else(String::new, |note| format!(" ({note})"));
            format!("A map of classes: {}{note}.", names.join(", "))
        }
        LayerKind::Percent { label, .. } => format!("Percent: {label}."),
        LayerKind::Values { label, unit, .. } if unit.is_empty() => format!("Values: {label}."),
        LayerKind::Values { label, unit, .. } => format!("Values: {label}, in {unit}."),
        LayerKind::Cube { bands, dates, .. } => {
            format!("Scenes of {} dates with {} bands.", dates.len(), bands.len())
        }
        LayerKind::Features { count, .. } => format!("{count} features."),
        LayerKind::Promised => "A raster that is not begun yet.".to_owned(),
    };
    match &collection.origin {
        Origin::Configured { name } => format!("{what} Offered as `{name}`."),
        Origin::Live { cube, .. } => {
            format!("{what} Computed from the scenes of `{cube}` where it is looked at.")
        }
        Origin::Job { job, process, output, .. } => {
            format!("{what} Output `{output}` of job {job} ({process}).")
        }
    }
}

/// What a kind of layer holds beyond what the standards have members for.
fn more(kind: &LayerKind) -> Map<String, Value> {
    let value = match kind {
        LayerKind::Classes { grid, legend } => {
            let class = |c: &crate::classmap::ClassEntry| json!({"value": c.code, "name": c.name, "color": crate::classmap::Hex(c.color).to_string()});
            let classes: Vec<Value> = legend.classes.iter().map(class).collect();
            json!({"kind": "classes", "classes": classes, "nodata": legend.nodata,
                   "shape": [grid.rows, grid.cols], "transform": grid.affine.0})
        }
        LayerKind::Percent { grid, label, nodata } => {
            json!({"kind": "percent", "label": label, "unit": "%", "nodata": nodata,
                   "shape": [grid.rows, grid.cols], "transform": grid.affine.0})
        }
        LayerKind::Values { grid, label, unit, range, nodata } => {
            json!({"kind": "values", "label": label, "unit": unit, "range": [range.0, range.1],
                   "nodata": nodata.filter(|v| v.is_finite()),
                   "shape": [grid.rows, grid.cols], "transform": grid.affine.0})
        }
        LayerKind::Cube { grid, bands, dates } => {
            let bands: Vec<&str> = bands.iter().map(|b| b.common_name()).collect();
            json!({"kind": "cube", "bands": bands, "dates": dates,
                   "shape": [grid.rows, grid.cols], "transform": grid.affine.0})
        }
        LayerKind::Features { count, fields, .. } => {
            let field = |f: &crate::vector::Field| {
                let kind = match f.kind {
                    FieldKind::Text => "string",
                    FieldKind::Integer => "integer",
                    FieldKind::Real => "number",
                    FieldKind::Boolean => "boolean",
                };
                json!({"name": f.name, "type": kind})
            };
            let fields: Vec<Value> = fields.iter().map(field).collect();
            json!({"kind": "features", "count": count, "fields": fields})
        }
        LayerKind::Promised => json!({"kind": "raster"}),
    };
    value.as_object().cloned().unwrap_or_default()
}

/// Links of a collection. What another part serves of it is linked here.
fn links(collection: &Collection, base: &str, data: &DataConfig) -> Vec<Link> {
    let own = format!("{base}/collections/{}", segment(&collection.id));
    let mut links = vec![
        Link::new(&own, "self", JSON).titled("This document"),
        Link::new(format!("{own}?f=html"), "alternate", "text/html").titled("This document as a page"),
        Link::new(format!("{base}/collections"), "up", JSON).titled("All collections"),
    ];
    links.extend(maps::collection_links(collection, base));
    links.extend(origin_links(collection, base));
    if collection.layer.kind.is_features() {
        links.extend(feature_links(&own));
    }
    if let Some(license) = data.license.as_ref().filter(|l| l.starts_with("http")) {
        links.push(Link::new(license, "license", "text/html"));
    }
    links
}

/// To items, what may be asked of them, and vector tiles.
fn feature_links(own: &str) -> Vec<Link> {
    let items = format!("{own}/items");
    vec![
        Link::new(&items, "items", GEOJSON).titled("Its features"),
        Link::new(format!("{items}?f=csv"), "items", CSV).titled("All its features, as a table"),
        Link::new(format!("{items}?f=gpkg"), "items", GEOPACKAGE).titled("All its features, as a GeoPackage"),
        Link::new(format!("{own}/queryables"), features::rel::QUERYABLES, SCHEMA_JSON)
            .titled("What may be asked of its features"),
        Link::new(format!("{own}/schema"), features::rel::SCHEMA, SCHEMA_JSON)
            .titled("What its features have"),
        Link::new(format!("{own}/tiles"), rel::TILESETS_VECTOR, JSON).titled("Its vector tiles"),
    ]
}

/// To the job that made it, or makes it.
fn origin_links(collection: &Collection, base: &str) -> Vec<Link> {
    let Origin::Job { job, process, output, .. } = &collection.origin else { return Vec::new() };
    let job = format!("{base}/jobs/{job}");
    if collection.layer.growing.is_some() {
        let link =
            |rel: &str| Link::new(&job, rel, JSON).titled(format!("The job of {process} that makes it"));
        return vec![link("via"), link("monitor")];
    }
    vec![
        Link::new(&job, "via", JSON).titled(format!("The job of {process} that made it")),
        Link::new(format!("{job}/results/{output}"), "original", "application/octet-stream")
            .titled("The output as the job left it"),
    ]
}

/// Tells of a collection that is still computed how far its job is.
pub fn tell_growth(told: &mut CollectionInfo, job: &Job) {
    told.more.insert("status".to_owned(), job.state.as_str().into());
    told.more.insert("progress".to_owned(), job.progress.into());
}
