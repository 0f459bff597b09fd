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

use super::routes::{Read as _, at};

pub use documents::{collection_links, tileset};
pub use drawn::vector_tile;
pub use images::{address, matrix_set};
pub use live::told_live;
pub use service::Maps;
pub use tilesets::no_form;

/// Mounts the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(at("/tileMatrixSets").read(tilesets::matrix_sets))
        .service(at("/tileMatrixSets/{set}").read(tilesets::matrix_set))
        .service(at("/styles").read(styles::list))
        .service(at("/styles/{style}").read(styles::one))
        .service(at("/styles/{style}/metadata").read(styles::metadata))
        .service(at("/styles/{style}/legend").read(styles::legend))
        .service(at("/wmts").read(wmts::by_query))
        .service(at("/wmts/1.0.0/WMTSCapabilities.xml").read(wmts::capabilities))
        .service(at("/wmts/1.0.0/{layer}/{style}/{set}/{z}/{row}/{col}.{ending}").read(wmts::tile))
        .service(
            at("/wmts/1.0.0/{layer}/{style}/{set}/{z}/{row}/{col}/{j}/{i}.json").read(wmts::feature_info),
        )
        .service(at("/tiles/{collection}/tilejson.json").read(xyz::tilejson))
        .service(at("/tiles/{collection}/{z}/{x}/{file}").read(xyz::tile));
    for below in ["/collections/{collection}", "/collections/{collection}/styles/{style}"] {
        config
            .service(at(&format!("{below}/map")).read(images::map))
            .service(at(&format!("{below}/map/tiles")).read(tilesets::list))
            .service(at(&format!("{below}/map/tiles/{{set}}")).read(tilesets::one))
            .service(at(&format!("{below}/map/tiles/{{set}}/{{z}}/{{row}}/{{col}}")).read(images::tile));
    }
    config
        .service(at("/collections/{collection}/styles").read(styles::of_collection))
        .service(at("/collections/{collection}/styles/{style}").read(styles::one_of_collection))
        .service(at("/collections/{collection}/styles/{style}/legend").read(styles::legend_of_collection))
        .service(at("/collections/{collection}/point").read(values::point))
        .service(at("/collections/{collection}/statistics").read(values::statistics))
        .service(at("/collections/{collection}/coverage").read(values::coverage));
}
