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

use actix_web::web::{self, ServiceConfig};

pub use documents::{collection_links, tileset};
pub use drawn::vector_tile;
pub use images::{address, matrix_set};
pub use live::told_live;
pub use service::Maps;
pub use tilesets::no_form;

/// Mounts the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/tileMatrixSets").get(tilesets::matrix_sets))
        .service(web::resource("/tileMatrixSets/{set}").get(tilesets::matrix_set))
        .service(web::resource("/styles").get(styles::list))
        .service(web::resource("/styles/{style}").get(styles::one))
        .service(web::resource("/styles/{style}/metadata").get(styles::metadata))
        .service(web::resource("/styles/{style}/legend").get(styles::legend))
        .service(web::resource("/wmts").get(wmts::by_query))
        .service(web::resource("/wmts/1.0.0/WMTSCapabilities.xml").get(wmts::capabilities))
        .service(web::resource("/wmts/1.0.0/{layer}/{style}/{set}/{z}/{row}/{col}.{ending}").get(wmts::tile))
        .service(
            web::resource("/wmts/1.0.0/{layer}/{style}/{set}/{z}/{row}/{col}/{j}/{i}.json")
                .get(wmts::feature_info),
        )
        .service(web::resource("/tiles/{collection}/tilejson.json").get(xyz::tilejson))
        .service(web::resource("/tiles/{collection}/{z}/{x}/{file}").get(xyz::tile));
    for below in ["/collections/{collection}", "/collections/{collection}/styles/{style}"] {
        config
            .service(web::resource(format!("{below}/map")).get(images::map))
            .service(web::resource(format!("{below}/map/tiles")).get(tilesets::list))
            .service(web::resource(format!("{below}/map/tiles/{{set}}")).get(tilesets::one))
            .service(
                web::resource(format!("{below}/map/tiles/{{set}}/{{z}}/{{row}}/{{col}}")).get(images::tile),
            );
    }
    config
        .service(web::resource("/collections/{collection}/styles").get(styles::of_collection))
        .service(web::resource("/collections/{collection}/styles/{style}").get(styles::one_of_collection))
        .service(
            web::resource("/collections/{collection}/styles/{style}/legend")
                .get(styles::legend_of_collection),
        )
        .service(web::resource("/collections/{collection}/point").get(values::point))
        .service(web::resource("/collections/{collection}/statistics").get(values::statistics))
        .service(
            web::resource("/collections/{collection}/coverage").get(values::coverage).head(values::coverage),
        );
}
