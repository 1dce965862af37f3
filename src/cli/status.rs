//! `lupa status`: what information a client has received, and whether there is a
//! duty to inform.

use clap::Args;

use super::Global;
use super::code::code;
use super::connection;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::names::phrase;
use super::question::client_id;
use super::refusal::ServerRefusal;
use super::terminal::{Terminal, minute};
use crate::wire::v1;

const AFTER_HELP: &str = "\
In social welfare the duty to inform starts when the requesting register has joined Kanta and shares
within the sector: name it with --asked-by.

Example:
  lupa status --client 010181-900C --asked-by 1.2.246.10.32213086.19.3";

/// Arguments of `lupa status`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct StatusArgs {
    /// The client's identity code
    #[arg(long, value_name = "CODE", value_parser = code)]
    client: String,
    /// OID of the register whose duty to inform is shown [default: without regard to a register]
    #[arg(long, value_name = "OID")]
    asked_by: Option<String>,
}

pub(super) async fn run(args: StatusArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let StatusArgs { client, asked_by } = args;
    let request = v1::GetInformationStatusRequest {
        client: Some(client_id(client)),
        asked_by: asked_by.unwrap_or_default(),
    };
    let mut service = connection::declarations(global).await?;
    let response = service.get_information_status(request).await.map_err(ServerRefusal::of)?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&response)?;
    } else {
        show(terminal, &response)?;
    }
    Ok(Exit::Success)
}

fn show(terminal: Terminal, status: &v1::GetInformationStatusResponse) -> Result<(), CommandFailure> {
    let v1::GetInformationStatusResponse { received, current_version, must_inform, explanation } = status;
    let must_inform = if *must_inform { "yes" } else { "no" };
    let summary =
        format!("current version  {current_version}\nmust inform      {must_inform}: {explanation}\n");
    if received.is_empty() {
        return terminal.show(&format!("No information received.\n\n{summary}"));
    }
    let mut table = terminal.table(["received", "at", "how", "counts"]);
    for one in received {
        let v1::ReceivedInformation { version, received_at, way, on_behalf, ignored } = one;
        let way = match v1::Way::try_from(*way) {
            Ok(v1::Way::Unspecified) => String::new(),
            Ok(_) | Err(_) => phrase::<v1::Way>(*way),
        };
        let how = match (way.as_str(), on_behalf) {
            (_, false) => way,
            ("", true) => "on behalf of the client".to_owned(),
            (_, true) => format!("{way}, on behalf of the client"),
        };
        let counts = if *ignored { "no: the version is unknown or was not valid" } else { "yes" };
        table.add_row([version.clone(), minute(received_at.as_ref()), how, counts.to_owned()]);
    }
    terminal.show_table(table, &format!("\n{summary}"))
}
