//! The processes over HTTP: OGC API - Processes. One file per group of routes; `error.rs` alone
//! has status codes. [`configure`] mounts everything in any actix-web host.

mod access;
mod budget;
mod callbacks;
mod collection_output;
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
mod proxy;
mod results;
mod routes;
mod series;
mod service;
mod state;
mod taken;
mod vector_tiles;
mod watch;
mod wire;
mod wps;

use actix_web::web::{self, ServiceConfig};

use self::routes::{Read as _, at};

pub use service::serve;
pub use state::{ServerState, StartError, TEMPORARY, check_live};

/// Mounts every route, relative to where it is called: at the root, or in a scope whose path
/// [`ServerState::at`] was told.
pub fn configure(config: &mut ServiceConfig, state: web::Data<ServerState>) {
    let bytes = state.config.limits.body_megabytes << 20;
    config
        .app_data(state)
        .app_data(web::PayloadConfig::new(bytes))
        .service(at("").read(pages::landing))
        .service(at("/").read(pages::landing))
        .service(at("/conformance").read(pages::conformance))
        .service(at("/api").read(pages::api))
        .service(at("/static/{file}").read(html::assets::one))
        .service(at("/health").read(health::health))
        .service(at("/metrics").read(metrics::metrics))
        .service(at("/processes").read(pages::processes))
        .service(at("/processes/{process}").read(pages::process))
        .service(at("/processes/{process}/execution").post(execute::execute).get(execute::by_query))
        .service(at("/wps").get(wps::get).post(wps::post))
        .service(at("/jobs").read(jobs::list))
        .service(at("/jobs/{job}").read(jobs::status).delete(jobs::dismiss))
        .service(at("/jobs/{job}/log").read(jobs::log))
        .service(at("/jobs/{job}/wps").read(wps::stored))
        .service(at("/jobs/{job}/results").read(results::all))
        .service(at("/jobs/{job}/results/{output}").read(results::one))
        .service(at("/collections").read(collections::list))
        .service(at("/collections/{collection}").read(collections::one))
        .service(at("/collections/{collection}/series").read(series::series))
        .service(at("/viewer").read(pages::viewer))
        .service(at("/jobs/{job}/results/{output}/picture").read(results::picture))
        .configure(maps::configure)
        .configure(features::routes)
        .configure(vector_tiles::routes)
        .default_service(web::route().to(pages::nowhere));
}
