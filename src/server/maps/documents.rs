//! Documents about maps of a collection.

use serde_json::{Value, json};

use super::live::least_zoom;
use super::service::style_of;
use crate::crs::pixel_metres;
use crate::ogc::collections::rel;
use crate::ogc::outputs::{GEOTIFF, JSON, PNG};
use crate::ogc::tiles::{TileJson, TileLimits, TileMatrixInfo, TileMatrixSetInfo, TilesetInfo};
use crate::ogc::{Link, segment};
use crate::server::state::ServerState;
use crate::server::vector_tiles::layer_name;
use crate::store::collections::Collection;
use crate::style::{LayerSource, Style};
use crate::tiles::{Format, MatrixSet};

/// Address of a collection in a style.
pub fn own(collection: &Collection, style: Option<&Style>, base: &str) -> String {
    let own = format!("{base}/collections/{}", segment(&collection.id));
    style.map_or(own.clone(), |style| format!("{own}/styles/{}", segment(&style.id)))
}

/// Links of a collection to its maps, styles and values.
pub fn collection_links(collection: &Collection, base: &str) -> Vec<Link> {
    let layer = &collection.layer;
    let own = own(collection, None, base);
    let mut links = Vec::new();
    if layer.kind.is_raster() {
        links.extend([
            Link::new(format!("{own}/map/tiles"), rel::TILESETS_MAP, JSON).titled("Tilesets of maps"),
            Link::new(format!("{own}/map"), rel::MAP, PNG).titled("A map"),
            Link::new(format!("{base}/tiles/{}/tilejson.json", segment(&collection.id)), "describedby", JSON)
                .titled("TileJSON"),
        ]);
    }
    if layer.kind.is_raster() && layer.live.is_none() {
        let link = Link::new(format!("{own}/statistics"), "related", JSON);
        links.push(link.titled("Statistics of the values"));
    }
    if layer.kind.is_raster() && layer.live.is_none() && layer.growing.is_none() {
        let coverage = format!("{own}/coverage");
        links.extend([
            Link::new(&coverage, rel::COVERAGE, GEOTIFF).titled("The values as a COG"),
            Link::new(&coverage, "enclosure", GEOTIFF).titled("Download"),
        ]);
    }
    if let Some(style) = layer.styles.first() {
        let legend = format!("{own}/styles/{style}/legend");
        links.extend([
            Link::new(format!("{own}/styles"), rel::STYLES, JSON).titled("Styles"),
            Link::new(format!("{legend}?f=json"), rel::LEGEND, JSON).titled("Legend"),
            Link::new(format!("{legend}?f=png"), rel::LEGEND, PNG).titled("Legend as a picture"),
        ]);
    }
    links
}

/// The level at which a collection's pixels are seen whole, and the one at which all of it is.
pub fn zooms(collection: &Collection, set: MatrixSet) -> (u8, u8) {
    let bounds = collection.layer.bounds.unwrap_or([-180.0, -85.0, 180.0, 85.0]);
    let middle = f64::midpoint(bounds[1], bounds[3]);
    let native = collection.layer.kind.grid().map_or(14, |grid| {
        let (width, height) = pixel_metres(grid);
        set.level_of(width.min(height), middle)
    });
    let whole = (0..=native).rev().find(|&z| {
        let (across, down) = set.limits(z, bounds);
        across[1] - across[0] <= 2 && down[1] - down[0] <= 2
    });
    (native, whole.unwrap_or(0).max(least_zoom(collection, set)))
}

/// The level at which a pixel is no more than so many of the collection's own.
pub fn level_below(collection: &Collection, set: MatrixSet, pixels: f64) -> u8 {
    let [_, south, _, north] = collection.layer.bounds.unwrap_or([-180.0, -85.0, 180.0, 85.0]);
    collection.layer.kind.grid().map_or(0, |grid| {
        let (width, height) = pixel_metres(grid);
        set.level_of(pixels * width.min(height), f64::midpoint(south, north))
    })
}

/// The tileset of a collection in a style.
pub fn tileset(
    collection: &Collection,
    style: Option<&Style>,
    set: MatrixSet,
    state: &ServerState,
    base: &str,
) -> TilesetInfo {
    let shown = style.cloned().or_else(|| style_of(collection, ""));
    let (native, zoom) = zooms(collection, set);
    let bounds = collection.layer.bounds;
    let world = [-180.0, -90.0, 180.0, 90.0];
    // Where all of it is less than a pixel there is nothing to see: GDAL 3.6 takes no such level either.
    let seen =
        |z: &u8| bounds.is_none_or(|bounds| collection.layer.kind.is_features() || set.shows(*z, bounds));
    let levels = least_zoom(collection, set)..=native.saturating_add(2).min(set.finest());
    let limits = levels.filter(seen).map(|z| {
        let (across, down) = set.limits(z, bounds.unwrap_or(world));
        TileLimits {
            tile_matrix: z.to_string(),
            min_tile_row: down[0],
            max_tile_row: down[1],
            min_tile_col: across[0],
            max_tile_col: across[1],
        }
    });
    TilesetInfo {
        title: format!("{} ({})", collection.title, set.id()),
        data_type: "map",
        own: format!("{}/map/tiles/{}", own(collection, style, base), set.id()),
        base: base.to_owned(),
        set: (set.id().to_owned(), set.uri(), set.crs_uri().to_owned()),
        bounds,
        limits: limits.collect(),
        zoom,
        formats: Format::ALL.map(|f| (f.media_type(), f.ending())).to_vec(),
        style: shown.map(|s| {
            let legend = format!("{}/legend?f=png", own(collection, Some(&s), base));
            (s.id, s.title, legend)
        }),
        attribution: state.config.data.attribution.clone(),
        tilejson: set == MatrixSet::WebMercatorQuad,
        layers: None,
    }
}

/// A tile matrix set as it is told.
pub fn matrix_set(set: MatrixSet) -> TileMatrixSetInfo {
    let (x, y) = set.origin();
    let level = |z: u8| {
        let (width, height) = set.size(z);
        TileMatrixInfo {
            id: z.to_string(),
            identifier: z.to_string(),
            scale_denominator: set.scale_denominator(z),
            cell_size: set.cell_size(z),
            corner_of_origin: "topLeft",
            point_of_origin: [x, y],
            top_left_corner: [x, y],
            tile_width: 256,
            tile_height: 256,
            matrix_width: width,
            matrix_height: height,
        }
    };
    let (ordered_axes, scales) = match set {
        MatrixSet::WebMercatorQuad => (["X", "Y"], "GoogleMapsCompatible"),
        MatrixSet::WorldCrs84Quad => (["Lon", "Lat"], "GoogleCRS84Quad"),
    };
    TileMatrixSetInfo {
        id: set.id().to_owned(),
        identifier: set.id().to_owned(),
        title: set.title().to_owned(),
        uri: set.uri(),
        crs: set.crs_uri().to_owned(),
        supported_crs: set.crs_uri().to_owned(),
        bounding_box: json!({"lowerLeft": [x, -y], "upperRight": [-x, y], "crs": set.crs_uri()}),
        ordered_axes,
        well_known_scale_set: Some(format!("http://www.opengis.net/def/wkss/OGC/1.0/{scales}")),
        tile_matrices: (0..=set.finest()).map(level).collect(),
    }
}

/// TileJSON of a collection's maps.
pub fn tilejson(
    collection: &Collection,
    style: &Style,
    datetime: Option<&str>,
    state: &ServerState,
    base: &str,
) -> Value {
    let (native, zoom) = zooms(collection, MatrixSet::WebMercatorQuad);
    let own = collection.layer.styles.first() == Some(&style.id);
    let style_asked = (!own).then(|| format!("style={}", segment(&style.id)));
    let date_asked = datetime.map(|text| format!("datetime={}", segment(text)));
    let asked: Vec<String> = style_asked.into_iter().chain(date_asked).collect();
    let query = if asked.is_empty() { String::new() } else { format!("?{}", asked.join("&")) };
    TileJson {
        name: collection.title.clone(),
        description: style.note.clone().unwrap_or_default(),
        tiles: vec![format!("{base}/tiles/{}/{{z}}/{{x}}/{{y}}.png{query}", segment(&collection.id))],
        bounds: collection.layer.bounds,
        zooms: (least_zoom(collection, MatrixSet::WebMercatorQuad), native),
        zoom,
        attribution: state.config.data.attribution.clone(),
        vector_layers: None,
    }
    .document()
}

/// Where MapLibre would find the tiles of a collection that is put in place of `{collectionId}`.
pub fn any_source(style: &Style, base: &str) -> LayerSource {
    let own = format!("{base}/collections/{{collectionId}}");
    let tiles = if style.is_of_features() {
        format!("{own}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?f=mvt")
    } else {
        format!("{own}/styles/{}/map/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?f=png", style.id)
    };
    LayerSource {
        tiles: vec![tiles],
        max_zoom: 22,
        layer: "{collectionId}".to_owned(),
        ..LayerSource::default()
    }
}

/// Where MapLibre finds the tiles of a collection.
pub fn source(collection: &Collection, style: &Style, state: &ServerState, base: &str) -> LayerSource {
    let own = own(collection, None, base);
    let (below, more) = if style.is_of_features() {
        (format!("{own}/tiles"), "?f=mvt")
    } else {
        (format!("{own}/styles/{}/map/tiles", segment(&style.id)), "?f=png")
    };
    LayerSource {
        tiles: vec![format!("{below}/WebMercatorQuad/{{z}}/{{y}}/{{x}}{more}")],
        bounds: collection.layer.bounds,
        max_zoom: zooms(collection, MatrixSet::WebMercatorQuad).0,
        attribution: state.config.data.attribution.clone(),
        layer: layer_name(collection).to_owned(),
    }
}
