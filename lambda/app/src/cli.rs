//! The command line: what can be asked, and how the answer leaves the program.
//!
//! Exit codes: 0 done; 1 with `--exit-code` when there are findings; 2 when something could not be
//! read or an argument is wrong.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use failure_monitor_core::render::terminal;

use crate::config::Environment;

mod athena;
mod canary;
mod causes;
mod check_key;
mod doctor;
mod explain;
mod scan;
mod summary;

/// Finds AWS requests that were refused because their credentials are not recognised, groups them
/// by access key and source, and works out the likely cause.
#[derive(Debug, Parser)]
#[command(name = "failure-monitor", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Scan(Box<scan::Arguments>),
    Summary(Box<summary::Arguments>),
    Explain(Box<explain::Arguments>),
    CheckKey(check_key::Arguments),
    Causes(causes::Arguments),
    Athena(Box<athena::Arguments>),
    Canary(Box<canary::Arguments>),
    Doctor(doctor::Arguments),
}

/// Nothing to be told apart by the caller: a message, and exit code 2.
const TROUBLE: u8 = 2;

/// Runs the program.
pub fn main() -> ExitCode {
    let environment = Environment::read();
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .init();
    let result = match Arguments::parse().command {
        Command::Scan(arguments) => scan::run(&arguments, environment),
        Command::Summary(arguments) => summary::run(&arguments, environment),
        Command::Explain(arguments) => explain::run(&arguments, environment),
        Command::CheckKey(arguments) => check_key::run(&arguments),
        Command::Causes(arguments) => causes::run(&arguments),
        Command::Athena(arguments) => athena::run(&arguments),
        Command::Canary(arguments) => canary::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments, environment),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(err) => {
            let _ = writeln!(io::stderr(), "error: {}", terminal::escape(&format!("{err:#}")));
            ExitCode::from(TROUBLE)
        }
    }
}

/// Writes the answer. A reader that has gone away, such as `head`, is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}
