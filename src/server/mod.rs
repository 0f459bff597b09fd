//! The processes over HTTP: OGC API - Processes. One file per group of routes; `error.rs` alone
//! has status codes. [`configure`] mounts everything in any actix-web host.

mod access;
mod budget;
mod callbacks;
mod collection_output;
mod collections;
pub mod config;
mod connections;
mod cors;
mod cross_site;
mod disposition;
mod error;
mod execute;
mod features;
mod health;
mod host;
mod html;
mod inline;
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

use self::routes::{Mount as _, Read as _, at};

pub use service::serve;
pub use state::{ServerState, StartError, TEMPORARY, check_sources};

/// Mounts every route, relative to where it is called: at the root, or in a scope whose path
/// [`ServerState::at`] was told.
pub fn configure(config: &mut ServiceConfig, state: web::Data<ServerState>) {
    let bytes = state.config.limits.body_megabytes << 20;
    config
        .app_data(state)
        .app_data(web::PayloadConfig::new(bytes))
        .mount(at("").read(pages::landing))
        .mount(at("/").read(pages::landing))
        .mount(at("/conformance").read(pages::conformance))
        .mount(at("/api").read(pages::api))
        .mount(at("/static/{file}").read(html::assets::one))
        .mount(at("/health").read(health::health))
        .mount(at("/metrics").read(metrics::metrics))
        .mount(at("/processes").read(pages::processes))
        .mount(at("/processes/{process}").read(pages::process))
        .mount(at("/processes/{process}/execution").post(execute::execute).get(execute::by_query))
        .mount(at("/wps").get(wps::get).post(wps::post))
        .mount(at("/jobs").read(jobs::list))
        .mount(at("/jobs/{job}").read(jobs::status).delete(jobs::dismiss))
        .mount(at("/jobs/{job}/log").read(jobs::log))
        .mount(at("/jobs/{job}/wps").read(wps::stored))
        .mount(at("/jobs/{job}/results").read(results::all))
        .mount(at("/jobs/{job}/results/{output}").read(results::one))
        .mount(at("/collections").read(collections::list))
        .mount(at("/collections/{collection}").read(collections::one))
        .mount(at("/collections/{collection}/series").read(series::series))
        .mount(at("/viewer").read(pages::viewer))
        .mount(at("/jobs/{job}/results/{output}/picture").read(results::picture))
        .configure(maps::configure)
        .configure(features::routes)
        .configure(vector_tiles::routes)
        .default_service(web::route().to(pages::nowhere));
}
