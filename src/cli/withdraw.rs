//! `lupa withdraw`: withdraws a declaration.

use std::path::PathBuf;

use clap::Args;

use super::Global;
use super::connection;
use super::declare::show_notices;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::input::Input;
use super::parties::{STATEMENT, Statement, StatementArgs, new_key, wait};
use super::question::client_id;
use super::refusal::ServerRefusal;
use super::terminal::{Terminal, instant};
use crate::wire::v1;

const AFTER_HELP: &str = "\
Example:
  lupa withdraw --client 010181-900C --declaration ID --role client --recorded-by my-kanta";

/// Arguments of `lupa withdraw`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, mut_arg("recorded_by", |by| by.required_unless_present("file")))]
pub struct WithdrawArgs {
    /// The id of the declaration, as shown by `lupa list`
    #[arg(long, value_name = "ID", required = true)]
    declaration: Option<String>,
    /// A WithdrawDeclarationRequest in YAML or JSON instead of arguments; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = STATEMENT, conflicts_with = "declaration")]
    file: Option<PathBuf>,
    #[command(flatten)]
    statement: StatementArgs,
}

pub(super) async fn run(args: WithdrawArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let WithdrawArgs { declaration, statement, file } = args;
    let file = file.as_deref().map(Input::read).transpose()?;
    let request = match &file {
        Some(file) => {
            let mut request: v1::WithdrawDeclarationRequest = file.parse()?;
            if let Some(key) = statement.idempotency_key {
                request.idempotency_key = key;
            } else if request.idempotency_key.is_empty() {
                request.idempotency_key = new_key();
            }
            if statement.wait_everywhere {
                request.wait = wait(true).into();
            }
            request
        }
        None => {
            let Statement { client, given_at, declarer, recorded_by, idempotency_key, wait } =
                statement.into_statement();
            v1::WithdrawDeclarationRequest {
                client: client.map(client_id),
                declaration_id: declaration.unwrap_or_default(),
                declarer,
                recorded_by,
                given_at,
                idempotency_key,
                wait: wait.into(),
            }
        }
    };
    let mut service = connection::declarations(global).await?;
    let response = service.withdraw_declaration(request).await;
    let withdrawn =
        response.map_err(|status| ServerRefusal::of_file(status, file.as_ref(), ""))?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&withdrawn)?;
    } else {
        terminal.show(&format!(
            "withdrawn at  {}\ntoken         {}\neverywhere    from {}\n",
            instant(withdrawn.recorded_at.as_ref()),
            withdrawn.token,
            instant(withdrawn.effective_everywhere_after.as_ref())
        ))?;
        show_notices(terminal, &withdrawn.notices)?;
    }
    Ok(Exit::Success)
}
