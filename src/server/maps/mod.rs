//! Maps of collections: tiles by OGC API - Tiles, WMTS and XYZ, styles and legends, and the values
//! behind them.

mod documents;
mod drawn;
mod flights;
mod images;
mod live;
mod service;
mod styles;
mod tilesets;
mod values;
mod wmts;
mod xyz;

use actix_web::web::ServiceConfig;

use super::routes::{Mount as _, Read as _, at};

pub use documents::{collection_links, tileset};
pub use drawn::vector_tile;
pub use images::{address, matrix_set};
pub use live::told_live;
pub use service::Maps;
pub use tilesets::no_form;

/// Mounts the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .mount(at("/tileMatrixSets").read(tilesets::matrix_sets))
        .mount(at("/tileMatrixSets/{set}").read(tilesets::matrix_set))
        .mount(at("/styles").read(styles::list))
        .mount(at("/styles/{style}").read(styles::one))
        .mount(at("/styles/{style}/metadata").read(styles::metadata))
        .mount(at("/styles/{style}/legend").read(styles::legend))
        .mount(at("/wmts").read(wmts::by_query))
        .mount(at("/wmts/1.0.0/WMTSCapabilities.xml").read(wmts::capabilities))
        .mount(at("/wmts/1.0.0/{layer}/{style}/{set}/{z}/{row}/{col}.{ending}").read(wmts::tile))
        .mount(at("/wmts/1.0.0/{layer}/{style}/{set}/{z}/{row}/{col}/{j}/{i}.json").read(wmts::feature_info))
        .mount(at("/tiles/{collection}/tilejson.json").read(xyz::tilejson))
        .mount(at("/tiles/{collection}/{z}/{x}/{file}").read(xyz::tile));
    for below in ["/collections/{collection}", "/collections/{collection}/styles/{style}"] {
        config
            .mount(at(&format!("{below}/map")).read(images::map))
            .mount(at(&format!("{below}/map/tiles")).read(tilesets::list))
            .mount(at(&format!("{below}/map/tiles/{{set}}")).read(tilesets::one))
            .mount(at(&format!("{below}/map/tiles/{{set}}/{{z}}/{{row}}/{{col}}")).read(images::tile));
    }
    config
        .mount(at("/collections/{collection}/styles").read(styles::of_collection))
        .mount(at("/collections/{collection}/styles/{style}").read(styles::one_of_collection))
        .mount(at("/collections/{collection}/styles/{style}/legend").read(styles::legend_of_collection))
        .mount(at("/collections/{collection}/point").read(values::point))
        .mount(at("/collections/{collection}/statistics").read(values::statistics))
        .mount(at("/collections/{collection}/coverage").read(values::coverage));
}
