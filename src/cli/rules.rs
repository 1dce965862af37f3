//! `lupa rules`: the rule catalogue.

mod basis;
mod matrix;

use clap::Args;

use super::Global;
use super::connection;
use super::failure::{Exit, Failure};
use super::names::label;
use super::refusal::Refusal;
use super::serve::configured_calendar;
use super::terminal::Terminal;
use crate::policy::day::Day;
use crate::server::clock;
use crate::wire::v1;

/// What of the rules to show.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lupa rules
  lupa rules --matrix
  lupa rules --matrix --on 2027-11-01   # when prescriptions go to social welfare

The catalogue is that of the server. The matrix is computed here, by the calendar of this configuration.")]
pub struct RulesArgs {
    /// What is answered between every two kinds of registers, on every channel and basis
    #[arg(long)]
    matrix: bool,
    /// The day of the matrix; otherwise today
    #[arg(long, value_name = "DATE", requires = "matrix", value_parser = Day::parse)]
    on: Option<Day>,
}

pub(super) async fn run(args: RulesArgs, global: &Global) -> Result<Exit, Failure> {
    let RulesArgs { matrix, on } = args;
    if matrix {
        let calendar = configured_calendar(&global.load_config()?.config)?;
        let text = matrix::matrix(on.unwrap_or_else(|| Day::of(clock::now())), &calendar)
            .map_err(|_| Failure::Internal("a question of the matrix cannot be asked"))?;
        Terminal::detect().show(&text)?;
        return Ok(Exit::Success);
    }
    let mut service = connection::decisions(&global.server).await?;
    let catalogue = service.list_rules(v1::ListRulesRequest {}).await.map_err(Refusal::of)?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&catalogue)?;
        return Ok(Exit::Success);
    }
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
            rule.sources.join("; "),
        ]);
    }
    let below = format!("\nThe first rule that speaks decides.\nrules  {}\n", catalogue.catalogue_version);
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
