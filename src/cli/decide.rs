//! `lupa decide`: decides whether records may be shown.

use std::path::PathBuf;

use clap::Args;

use super::Global;
use super::connection;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::input::Input;
use super::question::{QUESTION, QuestionArgs};
use super::refusal::ServerRefusal;
use super::terminal::Terminal;
use super::verdicts;

const AFTER_HELP: &str = "\
Example:
  lupa decide --client 010181-900C --requester 1.2.246.10.99999999.5.1 --channel kanta \\
    --ground care --access-right \\
    --record id=rx-1,register=1.2.246.10.32213086.19.1,kind=prescription,recorded-on=2026-09-14
  lupa decide --file request.yaml --json";

/// Arguments of `lupa decide`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct DecideArgs {
    /// A DecideRequest in YAML or JSON instead of arguments; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = QUESTION)]
    file: Option<PathBuf>,
    /// Exit with 1 unless every record is permitted
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    question: QuestionArgs,
}

pub(super) async fn run(args: DecideArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let DecideArgs { question, file, exit_code } = args;
    let file = file.as_deref().map(Input::read).transpose()?;
    let request = match &file {
        Some(file) => file.parse()?,
        None => question.into_request(),
    };
    let mut client = connection::decisions(global).await?;
    let response = client.decide(request.clone()).await;
    let decision = response.map_err(|status| ServerRefusal::of_file(status, file.as_ref(), ""))?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&decision)?;
    } else {
        verdicts::show(terminal, &request.records, &decision)?;
    }
    Ok(verdicts::exit(&decision, exit_code))
}
