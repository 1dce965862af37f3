//! The `lupa-bench` binary: the data that Lupa is measured with.

#![forbid(unsafe_code)]

mod data;
mod denials;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use mimalloc::MiMalloc;

/// The allocator of `lupa`, so that the time to fill a store is comparable.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Creates the data that Lupa is measured with.
#[derive(Debug, Parser)]
#[command(name = "lupa-bench", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
struct Global {
    /// The configuration file of Lupa; without one, the defaults and the environment
    #[arg(long, global = true, value_name = "FILE", env = "LUPA_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Print JSON instead of a sentence
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a store with a synthetic population, by default as large as a country's
    Data(data::DataArgs),
    /// Compare the cost of a record of a client with many denials with that of a few
    Denials(denials::DenialsArgs),
}

/// Why a command failed.
#[derive(Debug)]
enum Failure {
    /// An argument, a setting or the path of the store is wrong.
    Usage(String),
    /// The store cannot be written.
    Store(String),
    /// A fault of this program.
    Internal(&'static str),
}

impl Failure {
    /// The exit code, as those of `lupa`.
    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::Store(_) => 4,
            Self::Internal(_) => 70,
        })
    }

    fn message(&self) -> &str {
        match self {
            Self::Usage(message) | Self::Store(message) => message,
            Self::Internal(message) => message,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let result = match command {
        Command::Data(args) => data::run(args, &global).await,
        Command::Denials(args) => denials::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.message());
            failure.exit_code()
        }
    }
}
