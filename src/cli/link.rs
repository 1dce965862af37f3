//! `lupa link`, `lupa unlink` and `lupa links`: the codes of one person.

use clap::{Args, ValueEnum};
use pbjson_types::Timestamp;

use super::Global;
use super::code::code;
use super::connection;
use super::declare::show_notices;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::names::{label, parser};
use super::parties::{ProfessionalArgs, instant as parse_instant, new_key, wait};
use super::question::{client_id, client_text};
use super::refusal::ServerRefusal;
use super::terminal::{Terminal, instant, minute};
use crate::wire::v1;

const AFTER_LINK_HELP: &str = "\
From then on the declarations under all of the codes count together, under each of them, and the person's
age goes by the current code. A link is never deleted; `lupa unlink` ends one that was a mistake.

Example:
  lupa link 010181-900C 010181-901D --current 010181-901D --reason identity-code-changed \\
    --recorded-by population-register";

const AFTER_UNLINK_HELP: &str = "\
Example:
  lupa unlink --client 010181-900C --link ID --recorded-by population-register";

/// Arguments of `lupa link`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_LINK_HELP)]
pub struct LinkArgs {
    /// The codes of the person, 2 to 16: identity codes, or ROOT:EXTENSION for an identifier of another
    /// system
    #[arg(value_name = "CODE", required = true, num_args = 2..=16, value_parser = code)]
    clients: Vec<String>,
    /// The code in use now, one of them
    #[arg(long, value_name = "CODE", value_parser = code)]
    current: String,
    /// Why the codes are linked
    #[arg(long, value_parser = parser::<v1::LinkReason>())]
    reason: v1::LinkReason,
    #[command(flatten)]
    recording: RecordingArgs,
}

/// Arguments of `lupa unlink`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_UNLINK_HELP)]
pub struct UnlinkArgs {
    /// One of the codes of the link
    #[arg(long, value_name = "CODE", value_parser = code)]
    client: String,
    /// The id of the link, as shown by `lupa links`
    #[arg(long, value_name = "ID")]
    link: String,
    #[command(flatten)]
    recording: RecordingArgs,
}

/// Arguments of `lupa links`.
#[derive(Debug, Args)]
pub struct LinksArgs {
    /// One of the client's identity codes
    #[arg(value_name = "CODE", value_parser = code)]
    client: String,
}

/// The arguments that a link and its end have in common.
#[derive(Debug, Args)]
struct RecordingArgs {
    /// When it was said, such as 2024-05-06T10:00:00+03:00 [default: when it is recorded]
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    given_at: Option<Timestamp>,
    /// Idempotency key: repeat the printed one to retry without recording twice [default: a new one]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Return only after no replica of the store can decide without it any more
    #[arg(long)]
    wait_everywhere: bool,
    /// Recorded by a feed; otherwise name the professional
    #[arg(
        long,
        value_name = "FEED",
        required_unless_present = "professional_register",
        conflicts_with = "professional_register"
    )]
    recorded_by: Option<Feed>,
    #[command(flatten)]
    professional: ProfessionalArgs,
}

/// A feed that records links.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Feed {
    /// The population register.
    PopulationRegister,
}

/// The common fields of a link and its end.
struct LinkRecording {
    given_at: Option<Timestamp>,
    recorded_by: Option<v1::LinkRecorder>,
    idempotency_key: String,
    wait: i32,
}

impl RecordingArgs {
    fn into_recording(self) -> LinkRecording {
        use v1::link_recorder::System;
        let Self { given_at, idempotency_key, wait_everywhere, recorded_by, professional } = self;
        let system = match recorded_by {
            Some(Feed::PopulationRegister) => Some(System::PopulationRegister(v1::PopulationRegister {})),
            None => professional.into_professional().map(System::Professional),
        };
        LinkRecording {
            given_at,
            recorded_by: system.map(|system| v1::LinkRecorder { system: Some(system) }),
            idempotency_key: idempotency_key.unwrap_or_else(new_key),
            wait: wait(wait_everywhere).into(),
        }
    }
}

pub(super) async fn link(args: LinkArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let LinkArgs { clients, current, reason, recording } = args;
    let LinkRecording { given_at, recorded_by, idempotency_key, wait } = recording.into_recording();
    let request = v1::LinkClientsRequest {
        clients: clients.into_iter().map(client_id).collect(),
        current: Some(client_id(current)),
        reason: reason.into(),
        recorded_by,
        given_at,
        idempotency_key,
        wait,
    };
    let mut service = connection::declarations(global).await?;
    let linked = service.link_clients(request).await.map_err(ServerRefusal::of)?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&linked)?;
    } else {
        terminal.show(&format!(
            "link        {}\nrecorded at {}\ntoken       {}\neverywhere  from {}\n",
            linked.link_id,
            instant(linked.recorded_at.as_ref()),
            linked.token,
            instant(linked.effective_everywhere_after.as_ref())
        ))?;
        show_notices(terminal, &linked.notices)?;
    }
    Ok(Exit::Success)
}

pub(super) async fn unlink(args: UnlinkArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let UnlinkArgs { client, link, recording } = args;
    let LinkRecording { given_at, recorded_by, idempotency_key, wait } = recording.into_recording();
    let client = Some(client_id(client));
    let request =
        v1::UnlinkClientsRequest { client, link_id: link, recorded_by, given_at, idempotency_key, wait };
    let mut service = connection::declarations(global).await?;
    let unlinked = service.unlink_clients(request).await.map_err(ServerRefusal::of)?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&unlinked)?;
    } else {
        terminal.show(&format!(
            "unlinked at {}\ntoken       {}\neverywhere  from {}\n",
            instant(unlinked.recorded_at.as_ref()),
            unlinked.token,
            instant(unlinked.effective_everywhere_after.as_ref())
        ))?;
        show_notices(terminal, &unlinked.notices)?;
    }
    Ok(Exit::Success)
}

pub(super) async fn links(args: LinksArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let request = v1::ListLinksRequest { client: Some(client_id(args.client)) };
    let mut service = connection::declarations(global).await?;
    let listed = service.list_links(request).await.map_err(ServerRefusal::of)?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&listed)?;
        return Ok(Exit::Success);
    }
    if listed.links.is_empty() {
        terminal.show("No links.\n")?;
        return Ok(Exit::Success);
    }
    let codes = |clients: &[v1::ClientId]| clients.iter().map(client_text).collect::<Vec<_>>().join(" ");
    let mut table = terminal.table(["link", "codes", "current", "reason", "recorded at", "ended at"]);
    for link in &listed.links {
        table.add_row([
            link.id.clone(),
            codes(&link.clients),
            link.current.as_ref().map(client_text).unwrap_or_default(),
            label::<v1::LinkReason>(link.reason),
            minute(link.recorded_at.as_ref()),
            minute(link.end.as_ref().and_then(|end| end.recorded_at.as_ref())),
        ]);
    }
    let below = match &listed.current {
        None => "The client is not linked now.\n".to_owned(),
        Some(current) => {
            let named = |client: &v1::ClientId| {
                let in_use = if client == current { " (in use now)" } else { "" };
                format!("{}{in_use}", client_text(client))
            };
            let all: Vec<String> = listed.clients.iter().map(named).collect();
            format!("\nCodes of the client: {}\n", all.join(", "))
        }
    };
    terminal.show_table(table, &below)?;
    Ok(Exit::Success)
}
