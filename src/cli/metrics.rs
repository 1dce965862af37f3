//! `lupa metrics`: the catalogue of metrics.

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::terminal::Terminal;
use crate::telemetry::metrics::catalogue;

/// Arguments of `lupa metrics`.
#[derive(Debug, Args)]
#[command(after_help = "\
The values are served at /metrics of the HTTP port, which server.http_address sets, and sent by OTLP.")]
pub struct MetricsArgs {
    /// Print a table in Markdown, as in docs/metrics.md
    #[arg(long)]
    markdown: bool,
}

pub(super) fn run(args: &MetricsArgs) -> Result<Exit, Failure> {
    let text = if args.markdown { catalogue::markdown() } else { catalogue::plain() };
    Terminal::detect().show(&text)?;
    Ok(Exit::Success)
}
