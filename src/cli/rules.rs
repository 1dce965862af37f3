//! `lupa rules`: the rule catalogue.

use super::Global;
use super::connection;
use super::failure::{Exit, Failure};
use super::names::label;
use super::refusal::Refusal;
use super::terminal::Terminal;
use crate::wire::v1;

pub(super) async fn run(global: &Global) -> Result<Exit, Failure> {
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
            rule.sources.join(", "),
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
