//! The command line: the same processes without a server.
#![expect(clippy::print_stderr, reason = "a command talks to its terminal")]

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
