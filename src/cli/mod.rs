//! Commands, one file each. Exit codes: 0 done, 1 failed or cancelled, 2 bad input.

mod demo;
mod describe;
mod failure;
mod report;
mod run;
mod runner;
mod serve;
mod simulate;
mod stop;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use failure::Failure;

/// Paddy rice, heavy-metal stress in rice and the mines behind it, from satellite time series.
#[derive(Parser)]
#[command(name = "rededge", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Describe(describe::Args),
    Simulate(simulate::Args),
    Demo(demo::Args),
    Serve(serve::Args),
    Config(serve::ConfigArgs),
}

/// Reads the command line and runs the command.
pub fn main() -> ExitCode {
    rededge::io::isolate::run_if_child();
    // What panics is caught and told as an error; where it happened is for the log.
    std::panic::set_hook(Box::new(|panic| tracing::debug!(%panic, "panic")));
    let command = Cli::parse().command;
    // Who runs a command sees where files lie; callers of a server do not.
    if !matches!(command, Command::Serve(_)) {
        rededge::named::show_whole_paths();
    }
    match command {
        Command::Run(args) => args.execute(),
        Command::Describe(args) => args.execute(),
        Command::Simulate(args) => args.execute(),
        Command::Demo(args) => args.execute(),
        Command::Serve(args) => args.execute(),
        Command::Config(args) => args.execute(),
    }
}
