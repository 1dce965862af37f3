//! The command line: the definition of all commands, and one file for each.

mod callers;
mod completions;
mod config;
mod code;
mod connection;
mod decide;
mod declarations;
mod declare;
mod demo;
mod dev;
mod directory;
pub mod document;
mod errors;
mod exit;
mod explain;
mod export;
pub mod failure;
mod first_process;
mod get;
mod health;
mod import;
mod index;
pub mod input;
mod link;
mod list;
mod metrics;
pub mod names;
mod parties;
mod print;
mod question;
mod refusal;
mod rules;
pub mod scenario;
mod serve;
mod simulate;
mod status;
mod store;
pub mod terminal;
mod test;
mod verdicts;
mod withdraw;
pub mod words;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tokio::sync::Notify;

use crate::config::LoadedConfig;

pub use self::exit::Exit;
pub use self::failure::CommandFailure;

const AFTER_HELP: &str = "\
Exit codes:
  0   done; for a decision: it was made (with --exit-code: every record is permitted)
  1   the answer is negative: a denied record (with --exit-code), a failed test, a fault found
  2   wrong usage: an argument, a file or a setting is invalid
  3   the server rejected the request
  4   the server cannot be reached or cannot answer now: neither permit nor deny
  70  an internal error of lupa

Identity codes:
  @FILE, @-   in place of a code: read it from the first line of a file, or from the next line of
              standard input, so that the list of processes does not show it

Environment:
  LUPA_SECTION__KEY  overrides a setting, such as LUPA_SERVER__LISTEN_ADDRESS
  LUPA_CONFIG        the configuration file, like --config
  LUPA_URL           the server to call, like --server
  NO_COLOR           print without colors

`lupa config` lists the settings; `lupa COMMAND --help` has examples.";

/// Default of `--timeout`.
const TIMEOUT_SECONDS: u64 = 10;

/// Decides who may see which health and social-welfare record, and why.
#[derive(Debug, Parser)]
#[command(name = "lupa", version, after_help = AFTER_HELP, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub struct Global {
    /// The server to call
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "LUPA_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:7411"
    )]
    pub server: String,
    /// The configuration file; without one, only the environment overrides the defaults
    #[arg(long, global = true, value_name = "FILE", env = "LUPA_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Print JSON (the protobuf JSON mapping) instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// How long to wait for the server, in whole seconds: to connect and for all its answers
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        default_value_t = TIMEOUT_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    pub timeout: u64,
    /// PEM file with the authorities that may vouch for the server; without it, those of this machine
    #[arg(long, global = true, value_name = "FILE", env = "LUPA_TLS_CA", hide_env_values = true)]
    pub tls_ca: Option<PathBuf>,
    /// PEM file with the certificate of this caller, for a server that knows its callers
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "LUPA_TLS_CERTIFICATE",
        hide_env_values = true,
        requires = "tls_key"
    )]
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the private key of --tls-certificate
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "LUPA_TLS_KEY",
        hide_env_values = true,
        requires = "tls_certificate"
    )]
    pub tls_key: Option<PathBuf>,
    /// Notified when the command starts to connect to the server.
    #[arg(skip)]
    pub(crate) connecting: Notify,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve,
    /// Run a demo server and show the decisions for some fictional clients
    Demo(demo::DemoArgs),
    /// Decide whether records may be shown
    Decide(decide::DecideArgs),
    /// Explain a decision: every rule that was evaluated for one record
    Explain(explain::ExplainArgs),
    /// Decide as at another time, with other declarations or another directory
    Simulate(simulate::SimulateArgs),
    /// Record what a client declares: information, a consent or a denial
    Declare(declare::DeclareArgs),
    /// Withdraw a declaration
    Withdraw(withdraw::WithdrawArgs),
    /// List a client's declarations
    List(list::ListArgs),
    /// Show one declaration of a client
    Get(get::GetArgs),
    /// Show what information a client has received, and whether there is a duty to inform
    Status(status::StatusArgs),
    /// Print a client's consents or denials for the client
    Print(print::PrintArgs),
    /// Link identity codes that are one person's
    Link(link::LinkArgs),
    /// End a link that was a mistake
    Unlink(link::UnlinkArgs),
    /// Show under which identity codes a client is known
    Links(link::LinksArgs),
    /// Check, load or show the organisations and registers
    #[command(subcommand)]
    Directory(directory::DirectoryCommand),
    /// Check the callers file, and which caller a certificate or a token names, without a server
    #[command(subcommand)]
    Callers(callers::CallersCommand),
    /// Make certificates for development
    #[command(subcommand)]
    Dev(dev::DevCommand),
    /// Check whether a server decides: the health check of a container
    Health(health::HealthArgs),
    /// Show the state of the index of a running server
    #[command(subcommand)]
    Index(index::IndexCommand),
    /// Import declarations and links that another system recorded, without a server
    Import(import::ImportArgs),
    /// Export all declarations and links to a file, without a server
    Export(export::ExportArgs),
    /// Copy, back up and verify stores, without a server
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Run scenario files, which test the policy as data
    Test(test::TestArgs),
    /// Show the rule catalogue, or the decisions between all kinds of registers
    Rules(rules::RulesArgs),
    /// Show every setting with its effective value, and where it comes from
    Config(config::ConfigArgs),
    /// Show every error reason with its code, meaning and what to do
    Errors(errors::ErrorsArgs),
    /// Show every metric with its labels and meaning
    Metrics(metrics::MetricsArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// Runs the command. One that talks to a server ends within `--timeout`.
pub async fn run(cli: Cli) -> Result<Exit, CommandFailure> {
    let Cli { global, command } = cli;
    first_process::end_at_signals(&command);
    tokio::select! {
        result = run_command(command, &global) => result,
        failure = connection::timed_out(&global) => Err(failure),
    }
}

async fn run_command(command: Command, global: &Global) -> Result<Exit, CommandFailure> {
    match command {
        Command::Serve => serve::run(global).await,
        Command::Demo(args) => demo::run(&args, global).await,
        Command::Decide(args) => decide::run(args, global).await,
        Command::Explain(args) => explain::run(args, global).await,
        Command::Simulate(args) => simulate::run(args, global).await,
        Command::Declare(args) => declare::run(args, global).await,
        Command::Withdraw(args) => withdraw::run(args, global).await,
        Command::List(args) => list::run(args, global).await,
        Command::Get(args) => get::run(args, global).await,
        Command::Status(args) => status::run(args, global).await,
        Command::Print(args) => print::run(args, global).await,
        Command::Directory(command) => directory::run(command, global).await,
        Command::Callers(command) => callers::run(&command, global),
        Command::Dev(command) => dev::run(&command),
        Command::Link(args) => link::link(args, global).await,
        Command::Unlink(args) => link::unlink(args, global).await,
        Command::Links(args) => link::links(args, global).await,
        Command::Health(args) => health::run(args, global).await,
        Command::Index(command) => index::run(&command, global).await,
        Command::Import(args) => import::run(args, global).await,
        Command::Export(args) => export::run(args, global).await,
        Command::Store(command) => store::run(command, global).await,
        Command::Test(args) => test::run(&args, global),
        Command::Rules(args) => rules::run(args, global).await,
        Command::Config(args) => config::run(&args, global),
        Command::Errors(args) => errors::run(&args, global),
        Command::Metrics(args) => metrics::run(&args, global),
        Command::Completions(args) => completions::run(&args),
    }
}

impl Global {
    /// The options for calls of another server, outside `--timeout`.
    fn of_server(&self, server: String) -> Self {
        let Self { server: _, config, json, timeout, tls_ca, tls_certificate, tls_key, connecting: _ } = self;
        Self {
            server,
            config: config.clone(),
            json: *json,
            timeout: *timeout,
            tls_ca: tls_ca.clone(),
            tls_certificate: tls_certificate.clone(),
            tls_key: tls_key.clone(),
            connecting: Notify::new(),
        }
    }

    /// Loads the effective configuration.
    pub fn load_config(&self) -> Result<LoadedConfig, CommandFailure> {
        crate::config::load(self.config.as_deref(), std::env::vars_os()).map_err(CommandFailure::Config)
    }
}

#[cfg(test)]
mod tests;
