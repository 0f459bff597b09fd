//! The processes over HTTP: OGC API - Processes. One file per group of routes; `error.rs` alone
//! has status codes. [`configure`] mounts everything in any actix-web host.

mod access;
mod budget;
mod callbacks;
mod collections;
pub mod config;
mod cors;
mod error;
mod execute;
mod features;
mod health;
mod host;
mod html;
mod jobs;
mod links;
mod maps;
mod metrics;
mod oidc;
mod pace;
mod pages;
mod paging;
mod results;
mod series;
mod service;
mod state;
mod vector_tiles;
mod watch;
mod wire;
mod wps;

use actix_web::web::{self, ServiceConfig};

pub use service::serve;
pub use state::{ServerState, StartError, TEMPORARY, check_live};

/// Mounts every route, relative to where it is called: at the root, or in a scope whose path
/// [`ServerState::at`] was told.
pub fn configure(config: &mut ServiceConfig, state: web::Data<ServerState>) {
    let bytes = state.config.limits.body_megabytes << 20;
    config
        .app_data(state)
        .app_data(web::PayloadConfig::new(bytes))
        .service(web::resource(["", "/"]).get(pages::landing))
        .service(web::resource("/conformance").get(pages::conformance))
        .service(web::resource("/api").get(pages::api))
        .service(web::resource("/static/{file}").get(html::assets::one))
        .service(web::resource("/health").get(health::health).head(health::health))
        .service(web::resource("/metrics").get(metrics::metrics))
        .service(web::resource("/processes").get(pages::processes))
        .service(web::resource("/processes/{process}").get(pages::process))
        .service(
            web::resource("/processes/{process}/execution").post(execute::execute).get(execute::by_query),
        )
        .service(web::resource("/wps").get(wps::get).post(wps::post))
        .service(web::resource("/jobs").get(jobs::list))
        .service(web::resource("/jobs/{job}").get(jobs::status).delete(jobs::dismiss))
        .service(web::resource("/jobs/{job}/log").get(jobs::log))
        .service(web::resource("/jobs/{job}/wps").get(wps::stored))
        .service(web::resource("/jobs/{job}/results").get(results::all))
        .service(web::resource("/jobs/{job}/results/{output}").get(results::one).head(results::one))
        .service(web::resource("/collections").get(collections::list))
        .service(web::resource("/collections/{collection}").get(collections::one))
        .service(web::resource("/collections/{collection}/series").get(series::series))
        .service(web::resource("/viewer").get(pages::viewer))
        .service(web::resource("/jobs/{job}/results/{output}/picture").get(results::picture))
        .configure(maps::configure)
        .configure(features::routes)
        .configure(vector_tiles::routes)
        .default_service(web::route().to(pages::nowhere));
}
