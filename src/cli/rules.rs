//! `lupa rules`: the rule catalogue, and the matrix of decisions.

mod basis;
mod matrix;
mod sources;

use clap::Args;

use super::Global;
use super::connection;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::names::label;
use super::refusal::ServerRefusal;
use super::terminal::Terminal;
use crate::clock;
use crate::policy::day::Day;
use crate::wire::v1;

pub(super) use sources::Sources;

/// Arguments of `lupa rules`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lupa rules
  lupa rules --matrix
  lupa rules --matrix --on 2027-11-01   # when prescriptions go to social welfare

The catalogue is the server's. The matrix is computed by this command, with the configured calendar.")]
pub struct RulesArgs {
    /// Print the decision between every two kinds of registers, for every channel and basis
    #[arg(long)]
    matrix: bool,
    /// The day of the matrix [default: today]
    #[arg(long, value_name = "DATE", requires = "matrix", value_parser = Day::parse)]
    on: Option<Day>,
}

pub(super) async fn run(args: RulesArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let RulesArgs { matrix, on } = args;
    if matrix {
        let calendar = global.load_config()?.calendar;
        let text = matrix::matrix(on.unwrap_or_else(|| Day::of(clock::now())), &calendar)
            .map_err(|_| CommandFailure::Internal("a request of the matrix is invalid"))?;
        Terminal::detect().show(&text)?;
        return Ok(Exit::Success);
    }
    let mut service = connection::decisions(global).await?;
    let catalogue =
        service.list_rules(v1::ListRulesRequest {}).await.map_err(ServerRefusal::of)?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&catalogue)?;
        return Ok(Exit::Success);
    }
    let mut sources = Sources::default();
    let mut table = terminal.table(["rule", "title", "for", "in force", "reasons", "dates", "sources"]);
    for rule in &catalogue.rules {
        let reasons: Vec<String> = rule.reasons.iter().map(|reason| label::<v1::Reason>(*reason)).collect();
        let dates: Vec<String> =
            rule.dates.iter().map(|date| format!("{} {}", date.name, date.date)).collect();
        table.add_row([
            rule.id.clone(),
            rule.title.clone(),
            rule.list.clone(),
            period(&rule.in_force_from, &rule.in_force_until),
            reasons.join(", "),
            dates.join(", "),
            sources.numbers(&rule.sources),
        ]);
    }
    let below = format!(
        "\nRules are evaluated in this order; the first one that matches decides.\n\n{}\nrules  {}\n",
        sources.legend(terminal),
        catalogue.catalogue_version
    );
    terminal.show_table(table, &below)?;
    Ok(Exit::Success)
}

fn period(from: &str, until: &str) -> String {
    match (from, until) {
        ("", "") => "always".to_owned(),
        (from, "") => format!("from {from}"),
        ("", until) => format!("until {until}"),
        (from, until) => format!("from {from} until {until}"),
    }
}
