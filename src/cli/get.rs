//! `lupa get`: shows one declaration of a client.

use clap::Args;

use super::Global;
use super::code::code;
use super::connection;
use super::declarations;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::parties::ViewArgs;
use super::question::client_id;
use super::refusal::ServerRefusal;
use super::terminal::Terminal;
use crate::wire::v1;

const AFTER_HELP: &str = "\
A denial is shown only for one of three purposes and to a named viewer, and the viewing is logged. A
denial of another sector than the professional's is reported as not found.

Example:
  lupa get --client 010181-900C --declaration ID --viewing-purpose investigation \\
    --viewed-by my-kanta";

/// Arguments of `lupa get`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct GetArgs {
    /// The client's identity code
    #[arg(long, value_name = "CODE", value_parser = code)]
    client: String,
    /// The id of the declaration, as shown by `lupa list`
    #[arg(long, value_name = "ID")]
    declaration: String,
    #[command(flatten)]
    view: ViewArgs,
}

pub(super) async fn run(args: GetArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let GetArgs { client, declaration, view } = args;
    let (viewing_purpose, viewer) = view.into_view();
    let request = v1::GetDeclarationRequest {
        client: Some(client_id(client)),
        declaration_id: declaration,
        viewing_purpose,
        viewer,
    };
    let mut service = connection::declarations(global).await?;
    let response = service.get_declaration(request).await.map_err(ServerRefusal::of)?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&response)?;
    } else {
        let declarations: Vec<_> = response.declaration.into_iter().collect();
        terminal.show_table(declarations::table(terminal, &declarations, "not withdrawn"), "")?;
    }
    Ok(Exit::Success)
}
