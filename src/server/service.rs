//! The server as a program.

use std::pin::pin;
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::{AppConfig, Server};
use actix_web::middleware::{Compress, DefaultHeaders, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::{App, rt, web};
use futures_util::future::{Either, ready, select};

use super::config::ServerConfig;
use super::connections::{Connections, Stream, most_connections, raise_open_files};
use super::cors::cors;
use super::state::{ServerState, StartError};
use super::watch::watch;
use super::wire::finish;

/// Seconds that answers on their way have once nothing runs any more.
const LAST_ANSWERS: u64 = 5;
/// How long a connection that the server closes is given for what is still on its way.
const DISCONNECT: Duration = Duration::from_secs(1);

/// Serves until it is stopped by a signal; then running jobs are given their grace, and what is not
/// done waits for the next start. A second signal ends the grace. `told` is told the address once the
/// server listens.
///
/// # Errors
/// [`StartError`] naming what is in the way.
pub fn serve(config: ServerConfig, told: impl FnOnce(&str)) -> Result<(), StartError> {
    let grace = Duration::from_secs(config.jobs.grace_seconds);
    let patience = Duration::from_secs(config.limits.client_seconds);
    let (address, most) = (config.listen, config.limits.connections);
    let open_files = raise_open_files();
    let listen =
        |e: std::io::Error| StartError::Listen { address: address.to_string(), reason: e.to_string() };
    rt::System::new().block_on(async move {
        // Bound before the store is opened: a second server must not touch the first one's jobs.
        let listener = std::net::TcpListener::bind(address).map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        let state = web::Data::new(ServerState::start(config)?);
        let queue = state.queue.clone();
        let connections = Connections::new(most_connections(most, open_files));
        let (taken, closing) = (connections.clone(), connections.clone());
        let service = move || {
            let (state, cors, taken) = (state.clone(), cors(&state), taken.clone());
            // The last is the outermost.
            let app = App::new()
                .wrap(DefaultHeaders::new().add(("X-Content-Type-Options", "nosniff")))
                .wrap(from_fn(finish))
                .wrap(Compress::default())
                .wrap(cors)
                .wrap(from_fn(watch))
                .configure(|config| super::configure(config, state))
                .into_factory()
                .map_err(|error: actix_web::Error| error.error_response());
            let http = HttpService::build()
                .client_request_timeout(patience)
                .client_disconnect_timeout(DISCONNECT)
                // A client that closes its side is gone: nothing is computed for it any more.
                .h1_allow_half_closed(false)
                .on_connect_ext(|stream: &Stream, data| drop(data.insert(stream.line().clone())))
                .h1(map_config(app, |()| AppConfig::default()));
            fn_service(move |stream: TcpStream| {
                let admitted = taken.admit(stream).map(|stream| {
                    let peer = stream.peer();
                    (stream, peer)
                });
                ready(admitted.map_err(DispatchError::Io))
            })
            .and_then(http)
        };
        let server = Server::build().shutdown_timeout(LAST_ANSWERS).disable_signals();
        let server = server.listen("rededge", listener, service).map_err(listen)?;
        told(&format!("http://{bound}"));
        rt::spawn(connections.look_after());
        let server = server.run();
        let (handle, down) = (server.handle(), queue.clone());
        rt::spawn(async move {
            signal().await;
            tracing::info!(grace_seconds = grace.as_secs(), "stopping; a second signal stops at once");
            // Jobs first: meanwhile callers may still ask how theirs stand.
            let down = rt::task::spawn_blocking(move || down.shutdown(grace));
            let in_time = matches!(select(down, pin!(signal())).await, Either::Left(_));
            closing.close();
            handle.stop(in_time).await;
        });
        let served = server.await.map_err(listen);
        queue.shutdown(Duration::ZERO);
        served
    })
}

/// Waits until somebody wants the server to stop.
async fn signal() {
    #[cfg(unix)]
    {
        use rt::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                select(pin!(interrupt()), pin!(terminate.recv())).await;
            }
            Err(error) => {
                tracing::warn!(%error, "the signal to terminate is not heard");
                interrupt().await;
            }
        }
    }
    #[cfg(not(unix))]
    interrupt().await;
}

async fn interrupt() {
    if let Err(error) = rt::signal::ctrl_c().await {
        tracing::warn!(%error, "the signal to interrupt is not heard");
        std::future::pending::<()>().await;
    }
}
