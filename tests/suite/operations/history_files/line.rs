//! Lines of history, written as `lupa export` writes them.

use lupa::wire::v1;
use lupa::wire::v1::history_line::Entry;
use pbjson_types::Timestamp;

use crate::fixtures::requests::message;

/// A client with an identifier of another system.
pub(super) fn other(extension: &str) -> v1::ClientId {
    v1::ClientId { extension: extension.to_owned(), root: "1.2.246.10.99999999.22.1".to_owned() }
}

/// A declaration, given when it was recorded; its content as YAML.
pub(super) fn declaration(client: v1::ClientId, id: &str, at: Timestamp, content: &str) -> v1::HistoryLine {
    let declaration = v1::StoredDeclaration {
        id: id.to_owned(),
        declaration: Some(message(content)),
        given_at: Some(at),
        recorded_at: Some(at),
        ..Default::default()
    };
    v1::HistoryLine { client: Some(client), entry: Some(Entry::Declaration(declaration)) }
}

/// A link between codes; the last one is the current one.
pub(super) fn link(id: &str, codes: &[v1::ClientId], at: Timestamp) -> v1::HistoryLine {
    let link = v1::StoredLink {
        id: id.to_owned(),
        clients: codes.to_vec(),
        current: codes.last().cloned(),
        reason: v1::LinkReason::DuplicateMerged.into(),
        given_at: Some(at),
        recorded_at: Some(at),
        recorded_by: Some(message("population_register: {}")),
        end: None,
    };
    v1::HistoryLine { client: None, entry: Some(Entry::Link(link)) }
}

/// A withdrawal under one code of a declaration under another.
pub(super) fn withdrawal(client: v1::ClientId, of: &str, kind: v1::Kind, at: Timestamp) -> v1::HistoryLine {
    let withdrawal = v1::StoredWithdrawal {
        declaration_id: of.to_owned(),
        kind: kind.into(),
        recorded_at: Some(at),
        given_at: Some(at),
        withdrawn_by: Some(message("role: ROLE_CLIENT")),
    };
    v1::HistoryLine { client: Some(client), entry: Some(Entry::Withdrawal(withdrawal)) }
}

/// A day of 2024, by its number, at 9 o'clock.
pub(super) fn day(number: i64) -> Timestamp {
    Timestamp { seconds: 1_704_099_600 + number * 86_400, nanos: 0 }
}

/// The file of lines.
pub(super) fn file_of(lines: &[v1::HistoryLine]) -> Vec<u8> {
    let text = |line| serde_json::to_string(line).unwrap() + "\n";
    lines.iter().map(text).collect::<String>().into_bytes()
}
