//! `lupa metrics`: the catalogue of metrics.

use clap::Args;
use serde_json::json;

use super::Global;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::terminal::Terminal;
use crate::telemetry::metrics::{METRICS, MetricDefinition, markdown, plain};

/// Arguments of `lupa metrics`.
#[derive(Debug, Args)]
#[command(after_help = "\
The values are served at /metrics of the HTTP port, which server.http_address sets, and sent by OTLP.")]
pub struct MetricsArgs {
    /// Print a table in Markdown, as in docs/metrics.md
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

pub(super) fn run(args: &MetricsArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let terminal = Terminal::detect();
    if args.markdown {
        terminal.show(&markdown())?;
    } else if global.json {
        terminal.show_json(&METRICS.iter().map(|metric| in_json(metric)).collect::<Vec<_>>())?;
    } else {
        terminal.show(&plain())?;
    }
    Ok(Exit::Success)
}

fn in_json(metric: &MetricDefinition) -> serde_json::Value {
    json!({
        "metric": metric.exposed_name(),
        "type": metric.kind.name(),
        "unit": metric.unit_name(),
        "labels": metric.exposed_labels().collect::<Vec<_>>(),
        "meaning": metric.help,
    })
}
