//! A decision as a table.

use comfy_table::Cell;

use super::exit::Exit;
use super::failure::CommandFailure;
use super::names::label;
use super::terminal::{Terminal, instant};
use super::words;
use crate::wire::v1;

/// Prints a decision: one row for each record, and the deciding declarations.
pub(super) fn show(
    terminal: Terminal,
    records: &[v1::Record],
    decision: &v1::DecideResponse,
) -> Result<(), CommandFailure> {
    let mut table = terminal.table(["record", "register", "verdict", "reason", "rule", "why", "obligations"]);
    for (at, verdict) in decision.verdicts.iter().enumerate() {
        let (id, register) =
            records.get(at).map_or(("", ""), |record| (record.id.as_str(), record.register.as_str()));
        table.add_row([
            Cell::new(id),
            Cell::new(register),
            terminal.effect(verdict.effect),
            Cell::new(label::<v1::Reason>(verdict.reason)),
            Cell::new(&verdict.details().rule),
            Cell::new(words::why(verdict)),
            Cell::new(obligations(&verdict.obligations)),
        ]);
    }
    let mut below = String::from("\n");
    for (at, verdict) in decision.verdicts.iter().enumerate() {
        let deciding = &verdict.details().declarations;
        if let (Some(record), [_, ..]) = (records.get(at), deciding.as_slice()) {
            below.push_str(&format!("{}: decided by declaration  {}\n", record.id, deciding.join(", ")));
        }
    }
    below.push_str(&format!(
        "decision    {}\ndecided at  {}\ntoken       {}\nrules       {}\n",
        decision.decision_id,
        instant(decision.decided_at.as_ref()),
        decision.token,
        decision.catalogue_version,
    ));
    if !decision.request_id.is_empty() {
        below.push_str(&format!("request     {}\n", decision.request_id));
    }
    terminal.show_table(table, &below)
}

/// The exit code of the command: with `--exit-code` it depends on the verdicts.
pub(super) fn exit(decision: &v1::DecideResponse, by_verdicts: bool) -> Exit {
    let is_permitted = |verdict: &v1::Verdict| verdict.effect == i32::from(v1::Effect::Permit);
    if by_verdicts && !decision.verdicts.iter().all(is_permitted) { Exit::Negative } else { Exit::Success }
}

fn obligations(obligations: &[i32]) -> String {
    let phrases = obligations.iter().map(|obligation| {
        v1::Obligation::try_from(*obligation)
            .map_or("an obligation that this version does not know", words::obligation)
    });
    phrases.collect::<Vec<_>>().join("; ")
}
