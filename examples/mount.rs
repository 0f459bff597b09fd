//! rededge in a server that has routes of its own: everything stands below `/rededge`, and the rest of the
//! server knows nothing of it.
//!
//! ```sh
//! cargo run --release --example mount -- 127.0.0.1:8080 rededge.toml
//! curl http://127.0.0.1:8080/farms/7
//! curl http://127.0.0.1:8080/rededge/processes
//! ```
//!
//! Behind a proxy, links take scheme, host and the path that the proxy took away from `Forwarded` and
//! `X-Forwarded-*` where the configuration says `trust_proxy = true`; or `base_url` says what they begin with.
#![expect(clippy::print_stderr, reason = "a command talks to its terminal")]

use std::path::Path;

use actix_web::{App, HttpResponse, HttpServer, Responder, get, web};
use rededge::server::config::ServerConfig;
use rededge::server::{ServerState, configure};

/// Where rededge stands.
const PREFIX: &str = "/rededge";

/// A route of the host's own.
#[get("/farms/{number}")]
async fn farm(number: web::Path<u32>) -> impl Responder {
    HttpResponse::Ok().json(serde_json::json!({"farm": number.into_inner()}))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Files of callers are read by this program, started again as a child.
    rededge::io::isolate::run_if_child();
    actix_web::rt::System::new().block_on(serve())
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let config = match arguments.next() {
        Some(file) => ServerConfig::read(Path::new(&file))?,
        None => ServerConfig::default(),
    };
    let listener = std::net::TcpListener::bind(listen)?;
    let bound = listener.local_addr()?;
    let state = web::Data::new(ServerState::start(config)?.at(PREFIX));
    let queue = state.queue.clone();
    let grace = std::time::Duration::from_secs(state.config.jobs.grace_seconds);
    let server = HttpServer::new(move || {
        let state = state.clone();
        App::new().service(farm).service(web::scope(PREFIX).configure(|config| configure(config, state)))
    })
    .listen(listener)?;
    eprintln!("listening on http://{bound}");
    server.run().await?;
    queue.shutdown(grace);
    Ok(())
}
