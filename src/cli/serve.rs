//! `rededge serve` and `rededge config`.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use rededge::server::config::{ConfigError, LogConfig, LogFormat, ServerConfig};
use rededge::server::{TEMPORARY, check_sources, serve};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Serve the processes over HTTP (OGC API - Processes)
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
}

/// Print the effective configuration of `rededge serve`
#[derive(clap::Args)]
pub struct ConfigArgs {
    #[command(flatten)]
    source: Source,
}

#[derive(clap::Args)]
struct Source {
    /// Configuration file (`rededge.toml` of this folder where there is one)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port (127.0.0.1:8080 where not configured)
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Folder of jobs and results
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Source {
    fn read(&self) -> Result<ServerConfig, ConfigError> {
        let usual = PathBuf::from("rededge.toml");
        let file = self.config.clone().or_else(|| usual.exists().then_some(usual));
        let config = file.map_or_else(|| Ok(ServerConfig::default()), |file| ServerConfig::read(&file))?;
        let mut config = config.with_environment(|name| std::env::var(name).ok())?;
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(data) = &self.data {
            config.store = Some(data.clone());
        }
        Ok(config)
    }
}

impl Args {
    /// Serves until a signal.
    pub fn execute(self) -> ExitCode {
        let config = match self.source.read() {
            Ok(config) => config,
            Err(error) => return refuse(&error),
        };
        let json = match log(&config.log) {
            Ok(json) => json,
            Err(error) => return refuse(&error),
        };
        // What waits to be put in order or sent waits where results are kept, not in the system's folder.
        if let Ok(store) = config.store_folder() {
            let store = std::path::absolute(&store).unwrap_or(store);
            let _ = tempfile::env::override_temp_dir(&store.join(TEMPORARY));
        }
        let ready = |address: &str| {
            if json {
                tracing::info!(address, "listening on {address}");
            } else {
                eprintln!("listening on {address}");
            }
        };
        match serve(config, ready) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&error),
        }
    }
}

impl ConfigArgs {
    /// Prints.
    #[expect(clippy::print_stdout, reason = "a command talks to its terminal")]
    pub fn execute(self) -> ExitCode {
        let told = self.source.read().and_then(|config| {
            let unavailable = check_sources(&config)?;
            Ok((config.effective()?, unavailable))
        });
        match told {
            Ok((text, unavailable)) => {
                print!("{text}");
                for source in unavailable {
                    eprintln!("warning: unavailable: {source}");
                }
                ExitCode::SUCCESS
            }
            Err(error) => refuse(&error),
        }
    }
}

/// Starts the log, and tells whether it is JSON.
fn log(config: &LogConfig) -> Result<bool, String> {
    let wrong = |e: ParseError| format!("log.level: {e}");
    let filter: EnvFilter = EnvFilter::builder().parse(&config.level).map_err(wrong)?;
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let started = if json {
        log.json().flatten_event(true).with_span_list(false).try_init()
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    started.map(|()| json).map_err(|e| format!("no log: {e}"))
}

fn refuse(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(2)
}
