//! `lupa index`: how the policy cache of a running server is.

use clap::Subcommand;
use indicatif::{BinaryBytes, HumanCount};
use pbjson_types::Duration;

use super::Global;
use super::connection;
use super::failure::{Exit, Failure};
use super::refusal::Refusal;
use super::terminal::Terminal;
use crate::wire::admin;

/// What to tell of the index.
#[derive(Debug, Subcommand)]
pub enum IndexCommand {
    /// Show how large, how fresh and how recently packed and written it is
    Stats,
}

pub(super) async fn run(command: &IndexCommand, global: &Global) -> Result<Exit, Failure> {
    match command {
        IndexCommand::Stats => stats(global).await,
    }
}

async fn stats(global: &Global) -> Result<Exit, Failure> {
    let mut service = connection::index(&global.server).await?;
    let stats =
        service.get_index_stats(admin::GetIndexStatsRequest {}).await.map_err(Refusal::of)?.into_inner();
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
        count => format!("{count}, the last in {}", took(last_took)),
    };
    let checkpoint = match checkpoint {
        None => "none".to_owned(),
        Some(admin::Checkpoint { revision, age, bytes: 0, took: read }) => {
            format!("of revision {revision}, read {} ago in {}", took(*age), took(*read))
        }
        Some(admin::Checkpoint { revision, age, bytes, took: written }) => {
            let (age, written, bytes) = (took(*age), took(*written), size(*bytes));
            format!("of revision {revision}, written {age} ago in {written}, {bytes}")
        }
    };
    let mark = match mark {
        None => "none yet".to_owned(),
        Some(admin::Mark { revision, digest }) => format!("revision {revision}: {digest}"),
    };
    vec![
        ("revision", revision.to_string()),
        ("digest, to compare replicas", digest.clone()),
        ("  when a minute last ended", mark),
        ("known to be the newest", format!("{} ago", took(*age))),
        ("clients", count_of(clients)),
        ("declarations", count_of(declarations)),
        ("base", size(client_bytes + entries + contents)),
        ("  tables of clients", size(client_bytes)),
        ("  entries of declarations", size(entries)),
        ("  what they say", size(contents)),
        ("clients changed since it was packed", count_of(overlay_clients)),
        ("packed again", merges),
        ("  longest step", took(longest_step)),
        ("loaded in", took(*load_took)),
        ("checkpoint", checkpoint),
    ]
}

/// A time in the unit that suits it.
fn took(duration: Option<Duration>) -> String {
    let Duration { seconds, nanos } = duration.unwrap_or_default();
    let duration = std::time::Duration::new(seconds.unsigned_abs(), nanos.unsigned_abs());
    format!("{duration:.1?}")
}
