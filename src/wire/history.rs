//! Lines of history, which `lupa import` reads and `lupa export` writes.

use crate::policy::day::Instant;
use crate::policy::declaration::{Kind, Withdrawal};
use crate::policy::history::HistoryEntry;
use crate::policy::oid::OpaqueId;

use super::client::{check_born_in, client_id, to_client};
use super::declaration::{declarer, stored_declaration, stored_link, to_declarer, to_stored, to_stored_link};
use super::v1;
use super::v1::history_line::Entry;
use super::violation::{InvalidRequest, Violations, to_timestamp};

/// Reads a line. What cannot have been recorded by `now` is a violation.
pub fn history_entry(line: &v1::HistoryLine, now: Instant) -> Result<HistoryEntry, InvalidRequest> {
    let v1::HistoryLine { client, entry } = line;
    let mut violations = Violations::default();
    let read = match violations.required("entry", entry.as_ref()) {
        None => None,
        Some(Entry::Declaration(message)) => {
            let client = client_id(client.as_ref(), &mut violations);
            let declaration = violations.include(stored_declaration("declaration", message));
            client
                .zip(declaration)
                .map(|(client, declaration)| HistoryEntry::Declaration(client, declaration))
        }
        Some(Entry::Link(message)) => {
            if client.is_some() {
                violations.add("client", "a link names its codes itself: leave it out");
            }
            violations.include(stored_link(message)).map(HistoryEntry::Link)
        }
        Some(Entry::Withdrawal(message)) => {
            let client = client_id(client.as_ref(), &mut violations);
            withdrawal(message, &mut violations).zip(client).map(
                |((kind, declaration_id, withdrawal), client)| HistoryEntry::Withdrawal {
                    client,
                    kind,
                    declaration_id,
                    withdrawal,
                },
            )
        }
    };
    if let Some(read) = &read {
        check_times(read, now, &mut violations);
    }
    violations.finish(read)
}

fn withdrawal(
    message: &v1::StoredWithdrawal,
    violations: &mut Violations,
) -> Option<(Kind, OpaqueId<'static>, Withdrawal)> {
    let v1::StoredWithdrawal { declaration_id, kind, recorded_at, given_at, withdrawn_by } = message;
    let id = violations.owned_id("withdrawal.declaration_id", declaration_id);
    let kind = match violations.known("withdrawal.kind", *kind) {
        Some(v1::Kind::Unspecified) => violations.required("withdrawal.kind", None),
        Some(v1::Kind::Information) => Some(Kind::Information),
        Some(v1::Kind::Consent) => Some(Kind::Consent),
        Some(v1::Kind::Denial) => Some(Kind::Denial),
        None => None,
    };
    let recorded_at = violations
        .required("withdrawal.recorded_at", recorded_at.as_ref())
        .and_then(|timestamp| violations.instant("withdrawal.recorded_at", timestamp));
    let given_at = violations.optional_instant("withdrawal.given_at", given_at.as_ref());
    let by = match withdrawn_by {
        None => Some(None),
        Some(by) => declarer("withdrawal.withdrawn_by", by, violations),
    };
    let withdrawal = Withdrawal { recorded_at: recorded_at?, given_at: given_at?.or(recorded_at)?, by: by? };
    Some((kind?, id?, withdrawal))
}

/// What was recorded has a time in the past and a client who is born: otherwise a
/// clock or a century sign was wrong, and the entry would silently have no effect.
fn check_times(entry: &HistoryEntry, now: Instant, violations: &mut Violations) {
    let mut recorded = |field: &str, at: Instant| {
        if at > now {
            violations.add(field, "in the future: correct the time, or the clock of this machine");
        }
    };
    match entry {
        HistoryEntry::Declaration(client, declaration) => {
            recorded("declaration.recorded_at", declaration.recorded_at);
            if let Some(withdrawal) = &declaration.withdrawal {
                recorded("declaration.withdrawn_at", withdrawal.recorded_at);
            }
            violations.include(check_born_in("client", client, now));
        }
        HistoryEntry::Link(link) => {
            recorded("link.recorded_at", link.link.recorded_at);
            if let Some(end) = &link.end {
                recorded("link.end.recorded_at", end.recorded_at);
            }
            for (place, code) in link.link.linked.codes.iter().enumerate() {
                violations.include(check_born_in(&format!("link.clients[{place}]"), code, now));
            }
        }
        HistoryEntry::Withdrawal { client, withdrawal, .. } => {
            recorded("withdrawal.recorded_at", withdrawal.recorded_at);
            violations.include(check_born_in("client", client, now));
        }
    }
}

/// Writes a line.
#[must_use]
pub fn to_history_line(entry: &HistoryEntry) -> v1::HistoryLine {
    match entry {
        HistoryEntry::Declaration(client, declaration) => v1::HistoryLine {
            client: Some(to_client(client)),
            entry: Some(Entry::Declaration(to_stored(declaration))),
        },
        HistoryEntry::Link(link) => {
            v1::HistoryLine { client: None, entry: Some(Entry::Link(to_stored_link(link))) }
        }
        HistoryEntry::Withdrawal { client, kind, declaration_id, withdrawal } => {
            let Withdrawal { recorded_at, given_at, by } = withdrawal;
            let kind = match kind {
                Kind::Information => v1::Kind::Information,
                Kind::Consent => v1::Kind::Consent,
                Kind::Denial => v1::Kind::Denial,
            };
            let withdrawal = v1::StoredWithdrawal {
                declaration_id: declaration_id.as_str().to_owned(),
                kind: kind.into(),
                recorded_at: Some(to_timestamp(*recorded_at)),
                given_at: Some(to_timestamp(*given_at)),
                withdrawn_by: by.as_ref().map(to_declarer),
            };
            v1::HistoryLine { client: Some(to_client(client)), entry: Some(Entry::Withdrawal(withdrawal)) }
        }
    }
}
