//! `lupa list`: lists the declarations of a client.

use clap::Args;

use super::Global;
use super::code::code;
use super::connection;
use super::declarations;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::names::parser;
use super::parties::{ViewArgs, viewer_required};
use super::question::client_id;
use super::refusal::ServerRefusal;
use super::terminal::Terminal;
use crate::wire::v1;

const AFTER_HELP: &str = "\
Denials are shown only for one of three purposes and to a named viewer, and each viewing is logged.
MyKanta sees all of them; a professional sees those of their own sector and of both sectors. To list
declarations without denials, name the other kinds with --kind.

Examples:
  lupa list --client 010181-900C --kind consent --kind information
  lupa list --client 010181-900C --viewing-purpose client-changes-denials --viewed-by my-kanta
  lupa list --client 010181-900C --kind denial --viewing-purpose disclosure-outside-kanta \\
    --professional-register 1.2.246.10.32213086.19.1 \\
    --professional-organisation 1.2.246.10.32213086.10.0";

/// Maximum number of pages that are read.
const PAGES_MAX: usize = 1000;

/// Arguments of `lupa list`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ListArgs {
    /// The client's identity code
    #[arg(long, value_name = "CODE", value_parser = code)]
    client: String,
    /// Only this kind; can be repeated [default: every kind]
    #[arg(long = "kind", value_name = "KIND", value_parser = parser::<v1::Kind>())]
    kinds: Vec<v1::Kind>,
    /// Include withdrawn, replaced and superseded declarations
    #[arg(long)]
    include_ended: bool,
    #[command(flatten)]
    view: ViewArgs,
}

pub(super) async fn run(args: ListArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let ListArgs { client, kinds, include_ended, view } = args;
    let (viewing_purpose, viewer) = view.into_view();
    if viewer.is_none() && (kinds.is_empty() || kinds.contains(&v1::Kind::Denial)) {
        return Err(viewer_required("--viewed-by"));
    }
    let mut request = v1::ListDeclarationsRequest {
        client: Some(client_id(client)),
        kinds: kinds.into_iter().map(Into::into).collect(),
        include_ended,
        viewing_purpose,
        viewer,
        page_size: 0,
        page_token: String::new(),
    };
    let mut service = connection::declarations(global).await?;
    let mut listed = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = service.list_declarations(request.clone()).await.map_err(ServerRefusal::of)?.into_inner();
        listed.extend(page.declarations);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let response = v1::ListDeclarationsResponse { declarations: listed, next_page_token: request.page_token };
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&response)?;
    } else if response.declarations.is_empty() {
        terminal.show("No declarations.\n")?;
    } else {
        let status_in_force = if include_ended { "not withdrawn" } else { "in force" };
        let more = if response.next_page_token.is_empty() { "" } else { "There are more declarations.\n" };
        terminal.show_table(declarations::table(terminal, &response.declarations, status_in_force), more)?;
    }
    Ok(Exit::Success)
}
