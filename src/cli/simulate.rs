//! `lupa simulate`: decides as at another time, with other declarations or
//! another directory.

use std::path::PathBuf;

use clap::Args;
use pbjson_types::Timestamp;

use super::Global;
use super::connection;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::input::Input;
use super::parties::instant;
use super::question::QuestionArgs;
use super::refusal::ServerRefusal;
use super::terminal::Terminal;
use super::verdicts;
use crate::wire::v1;

const AFTER_HELP: &str = "\
Example: will the record be permitted after 1 March 2027?
  lupa simulate --at 2027-03-01T08:00:00+02:00 --client 010181-900C \\
    --requester 1.2.246.10.32213086.19.3 --channel kanta --ground client --access-right \\
    --record id=rx-1,register=1.2.246.10.32213086.19.1,kind=prescription,recorded-on=2026-09-14";

/// Arguments of `lupa simulate`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct SimulateArgs {
    /// Decide at this instant, such as 2027-03-01T08:00:00+02:00 [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    at: Option<Timestamp>,
    /// Decide with this directory instead of the stored one
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
    /// Decide with these additional declarations: a list of StoredDeclaration in YAML or JSON
    #[arg(long, value_name = "FILE")]
    declarations: Option<PathBuf>,
    /// Ignore the stored declarations
    #[arg(long)]
    ignore_stored: bool,
    /// A SimulateRequest in YAML or JSON instead of arguments; `-` reads standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "client", "requester", "organisation", "professional", "channel", "ground", "access_right", "claims",
            "records", "at_least", "at", "directory", "declarations", "ignore_stored",
        ]
    )]
    file: Option<PathBuf>,
    /// Exit with 1 unless every record would be permitted
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    question: QuestionArgs,
}

pub(super) async fn run(args: SimulateArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let SimulateArgs { question, at, directory, declarations, ignore_stored, file, exit_code } = args;
    let file = file.as_deref().map(Input::read).transpose()?;
    let directory = directory.as_deref().map(Input::read).transpose()?;
    let declarations = declarations.as_deref().map(Input::read).transpose()?;
    let request = match &file {
        Some(file) => file.parse()?,
        None => v1::SimulateRequest {
            decide: Some(question.into_request()),
            at,
            directory: directory.as_ref().map(Input::parse).transpose()?,
            declarations: declarations.as_ref().map(Input::parse).transpose()?.unwrap_or_default(),
            ignore_stored,
        },
    };
    let records = request.decide.as_ref().map(|decide| decide.records.clone()).unwrap_or_default();
    let mut client = connection::decisions(global).await?;
    let response = client.simulate(request).await;
    let response = response.map_err(|status| ServerRefusal::of_file(status, file.as_ref(), ""))?.into_inner();
    let terminal = Terminal::detect();
    let Some(decision) = &response.decision else {
        return Err(CommandFailure::Internal("the response contains no decision"));
    };
    if global.json {
        terminal.show_json(&response)?;
    } else {
        terminal.show("SIMULATED: this is no permission to show a record.\n")?;
        verdicts::show(terminal, &records, decision)?;
    }
    Ok(verdicts::exit(decision, exit_code))
}
