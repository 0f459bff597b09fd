//! `rededge serve` and `rededge config`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use rededge::server::config::{ConfigError, ServerConfig};
use rededge::server::serve;

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
        let _ = tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).try_init();
        let config = match self.source.read() {
            Ok(config) => config,
            Err(error) => return refuse(&error),
        };
        match serve(config, |address| eprintln!("listening on {address}")) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&error),
        }
    }
}

impl ConfigArgs {
    /// Prints.
    #[expect(clippy::print_stdout, reason = "a command talks to its terminal")]
    pub fn execute(self) -> ExitCode {
        match self.source.read().map(|config| toml::to_string_pretty(&config)) {
            Ok(Ok(text)) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            Ok(Err(error)) => refuse(&error),
            Err(error) => refuse(&error),
        }
    }
}

fn refuse(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(2)
}
