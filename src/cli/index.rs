//! `lupa index`: the state of the index of a running server.

use clap::Subcommand;
use indicatif::{BinaryBytes, HumanCount};
use pbjson_types::Duration;

use super::Global;
use super::connection;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::refusal::ServerRefusal;
use super::terminal::Terminal;
use crate::wire::admin;

/// The commands of `lupa index`.
#[derive(Debug, Subcommand)]
pub enum IndexCommand {
    /// Show its size, freshness, merges and checkpoint
    Stats,
}

pub(super) async fn run(command: &IndexCommand, global: &Global) -> Result<Exit, CommandFailure> {
    match command {
        IndexCommand::Stats => stats(global).await,
    }
}

async fn stats(global: &Global) -> Result<Exit, CommandFailure> {
    let mut service = connection::index(global).await?;
    let stats = service
        .get_index_stats(admin::GetIndexStatsRequest {})
        .await
        .map_err(ServerRefusal::of)?
        .into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&stats)?;
        return Ok(Exit::Success);
    }
    let mut table = terminal.table(["index", ""]);
    for (name, value) in rows(&stats) {
        table.add_row([name.to_owned(), value]);
    }
    terminal.show_table(table, "")?;
    Ok(Exit::Success)
}

fn rows(stats: &admin::GetIndexStatsResponse) -> Vec<(&'static str, String)> {
    let admin::GetIndexStatsResponse {
        revision,
        age,
        clients,
        declarations,
        base_bytes,
        overlay_clients,
        merges,
        load_took,
        checkpoint,
        digest,
        mark,
    } = stats;
    let admin::BaseBytes { clients: client_bytes, entries, contents } = base_bytes.unwrap_or_default();
    let admin::Merges { count, last_took, longest_step } = merges.unwrap_or_default();
    let count_of = |count: &u64| HumanCount(*count).to_string();
    let size = |bytes: u64| BinaryBytes(bytes).to_string();
    let merges = match count {
        0 => "none yet".to_owned(),
        count => format!("{count}, the last took {}", took(last_took)),
    };
    let checkpoint = match checkpoint {
        None => "none".to_owned(),
        Some(admin::Checkpoint { revision, age, bytes: 0, took: read }) => {
            format!("revision {revision}, read {} ago in {}", took(*age), took(*read))
        }
        Some(admin::Checkpoint { revision, age, bytes, took: written }) => {
            let (age, written, bytes) = (took(*age), took(*written), size(*bytes));
            format!("revision {revision}, written {age} ago in {written}, {bytes}")
        }
    };
    let mark = match mark {
        None => "none yet".to_owned(),
        Some(admin::Mark { revision, digest }) => format!("revision {revision}: {digest}"),
    };
    vec![
        ("revision", revision.to_string()),
        ("digest, equal on all replicas", digest.clone()),
        ("  at the last full minute", mark),
        ("proven fresh", format!("{} ago", took(*age))),
        ("clients", count_of(clients)),
        ("declarations", count_of(declarations)),
        ("base", size(client_bytes + entries + contents)),
        ("  client tables", size(client_bytes)),
        ("  declaration entries", size(entries)),
        ("  declaration contents", size(contents)),
        ("overlay, changed clients", count_of(overlay_clients)),
        ("merges", merges),
        ("  longest step", took(longest_step)),
        ("loaded in", took(*load_took)),
        ("checkpoint", checkpoint),
    ]
}

/// A duration in a readable unit.
fn took(duration: Option<Duration>) -> String {
    let Duration { seconds, nanos } = duration.unwrap_or_default();
    let duration = std::time::Duration::new(seconds.unsigned_abs(), nanos.unsigned_abs());
    format!("{duration:.1?}")
}
