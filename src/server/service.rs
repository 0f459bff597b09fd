//! The server as a program.

use std::time::Duration;

use actix_web::middleware::{Compress, Condition, DefaultHeaders};
use actix_web::{App, HttpServer, web};

use super::config::ServerConfig;
use super::state::{ServerState, StartError};

/// Serves until it is stopped by a signal; then running jobs are given their grace. `ready` is told
/// the address once the server listens.
///
/// # Errors
/// [`StartError`] naming what is in the way.
pub fn serve(config: ServerConfig, ready: impl FnOnce(&str)) -> Result<(), StartError> {
    let grace = Duration::from_secs(config.jobs.grace_seconds);
    let address = config.listen;
    let listen =
        |e: std::io::Error| StartError::Listen { address: address.to_string(), reason: e.to_string() };
    actix_web::rt::System::new().block_on(async move {
        // Bound before the store is opened: a second server must not touch the first one's jobs.
        let listener = std::net::TcpListener::bind(address).map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        let state = web::Data::new(ServerState::start(config)?);
        let queue = state.queue.clone();
        let server = HttpServer::new(move || {
            let state = state.clone();
            App::new()
                .wrap(Condition::new(true, Compress::default()))
                .wrap(DefaultHeaders::new().add(("X-Content-Type-Options", "nosniff")))
                .configure(|config| super::configure(config, state))
        })
        .client_request_timeout(Duration::from_secs(20))
        .shutdown_timeout(grace.as_secs())
        .listen(listener)
        .map_err(listen)?;
        ready(&format!("http://{bound}"));
        let served = server.run().await.map_err(listen);
        queue.shutdown(grace);
        served
    })
}
