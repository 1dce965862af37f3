//! Links between the codes of one person, both ways.

use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::link::{
    CODES_MAX, Link, LinkEnd, LinkReason, LinkRecorder, LinkSubmission, LinkedCodes, RecordedLink,
    UnlinkSubmission,
};
use crate::wire::client::{client_id, client_in, to_client};
use crate::wire::v1;
use crate::wire::violation::{InvalidRequest, Violations, to_timestamp};

use super::professional;
use super::stored::to_professional;
use super::submitted::{Recording, recording};

/// Reads a link to record, with its idempotency key and wait.
pub fn link(message: &v1::LinkClientsRequest) -> Result<(LinkSubmission, Recording), InvalidRequest> {
    let v1::LinkClientsRequest { clients, current, reason, recorded_by, given_at, idempotency_key, wait } =
        message;
    let mut violations = Violations::default();
    let linked = linked("", clients, current.as_ref(), &mut violations);
    let reason = link_reason("reason", *reason, &mut violations);
    let recorded_by = recorder("recorded_by", recorded_by.as_ref(), &mut violations);
    let given_at = violations.optional_instant("given_at", given_at.as_ref());
    let recording = recording(idempotency_key, *wait, &mut violations);
    let read = (|| {
        let submission = LinkSubmission {
            linked: linked?,
            reason: reason?,
            given_at: given_at?,
            recorded_by: recorded_by?,
        };
        Some((submission, recording?))
    })();
    violations.finish(read)
}

/// Reads the end of a link to record, with its idempotency key and wait.
pub fn unlink(message: &v1::UnlinkClientsRequest) -> Result<(UnlinkSubmission, Recording), InvalidRequest> {
    let v1::UnlinkClientsRequest { client, link_id, recorded_by, given_at, idempotency_key, wait } = message;
    let mut violations = Violations::default();
    let client = client_id(client.as_ref(), &mut violations);
    let link = violations.owned_id("link_id", link_id);
    let recorded_by = recorder("recorded_by", recorded_by.as_ref(), &mut violations);
    let given_at = violations.optional_instant("given_at", given_at.as_ref());
    let recording = recording(idempotency_key, *wait, &mut violations);
    let read = (|| {
        let submission =
            UnlinkSubmission { client: client?, link: link?, given_at: given_at?, recorded_by: recorded_by? };
        Some((submission, recording?))
    })();
    violations.finish(read)
}

/// Reads a link as stored.
pub fn stored_link(message: &v1::StoredLink) -> Result<RecordedLink, InvalidRequest> {
    let v1::StoredLink { id, clients, current, reason, given_at, recorded_at, recorded_by, end } = message;
    let mut violations = Violations::default();
    let id = violations.owned_id("link.id", id);
    let linked = linked("link.", clients, current.as_ref(), &mut violations);
    let reason = link_reason("link.reason", *reason, &mut violations);
    let given_at = violations.optional_instant("link.given_at", given_at.as_ref());
    let recorded_at = required_instant("link.recorded_at", recorded_at.as_ref(), &mut violations);
    let recorded_by = recorder("link.recorded_by", recorded_by.as_ref(), &mut violations);
    let end = match end {
        None => Some(None),
        Some(end) => link_end(end, &mut violations).map(Some),
    };
    let read = (|| {
        Some(RecordedLink {
            link: Link { id: id?, linked: linked?, recorded_at: recorded_at? },
            reason: reason?,
            given_at: given_at?.or(recorded_at)?,
            recorded_by: recorded_by?,
            end: end?,
        })
    })();
    violations.finish(read)
}

fn link_end(message: &v1::LinkEnd, violations: &mut Violations) -> Option<LinkEnd> {
    let v1::LinkEnd { given_at, recorded_at, recorded_by } = message;
    let given_at = violations.optional_instant("link.end.given_at", given_at.as_ref());
    let recorded_at = required_instant("link.end.recorded_at", recorded_at.as_ref(), violations);
    let recorded_by = recorder("link.end.recorded_by", recorded_by.as_ref(), violations);
    Some(LinkEnd {
        given_at: given_at?.or(recorded_at)?,
        recorded_at: recorded_at?,
        recorded_by: recorded_by?,
    })
}

fn required_instant(
    field: &str,
    timestamp: Option<&pbjson_types::Timestamp>,
    violations: &mut Violations,
) -> Option<Instant> {
    violations.required(field, timestamp).and_then(|timestamp| violations.instant(field, timestamp))
}

/// Reads the codes of a link, and the current one among them.
fn linked(
    path: &str,
    clients: &[v1::ClientId],
    current: Option<&v1::ClientId>,
    violations: &mut Violations,
) -> Option<LinkedCodes> {
    let field = format!("{path}clients");
    if !(2..=CODES_MAX).contains(&clients.len()) {
        violations.add(&field, format_args!("name 2 to {CODES_MAX} codes of one person"));
        return None;
    }
    let read = |(place, client): (usize, &v1::ClientId)| {
        client_in(&format!("{field}[{place}]"), Some(client), violations)
    };
    let codes: Vec<Option<ClientId>> = clients.iter().enumerate().map(read).collect();
    let current_field = format!("{path}current");
    let current = client_in(&current_field, current, violations);
    let (codes, current) = (codes.into_iter().collect::<Option<Box<[_]>>>()?, current?);
    if codes.iter().enumerate().any(|(place, code)| codes.iter().take(place).any(|other| other == code)) {
        violations.add(&field, "a code is named twice: name each once");
        return None;
    }
    if !codes.contains(&current) {
        violations.add(&current_field, "not one of the codes to link: name one of them");
        return None;
    }
    Some(LinkedCodes { codes, current })
}

fn link_reason(field: &str, reason: i32, violations: &mut Violations) -> Option<LinkReason> {
    let reason = match violations.known(field, reason)? {
        v1::LinkReason::Unspecified => None,
        v1::LinkReason::IdentityCodeChanged => Some(LinkReason::IdentityCodeChanged),
        v1::LinkReason::TemporaryCodeReplaced => Some(LinkReason::TemporaryCodeReplaced),
        v1::LinkReason::DuplicateMerged => Some(LinkReason::DuplicateMerged),
    };
    violations.required(field, reason)
}

fn recorder(
    path: &str,
    message: Option<&v1::LinkRecorder>,
    violations: &mut Violations,
) -> Option<LinkRecorder> {
    use v1::link_recorder::System as Wire;
    let system = message.and_then(|message| message.system.as_ref());
    match violations.required(path, system)? {
        Wire::PopulationRegister(_) => Some(LinkRecorder::PopulationRegister),
        Wire::Professional(message) => {
            professional(&format!("{path}.professional"), message, violations).map(LinkRecorder::Professional)
        }
    }
}

/// Writes a link as it is stored.
#[must_use]
pub fn to_stored_link(recorded: &RecordedLink) -> v1::StoredLink {
    let RecordedLink { link, reason, given_at, recorded_by, end } = recorded;
    let Link { id, linked: LinkedCodes { codes, current }, recorded_at } = link;
    let reason = match reason {
        LinkReason::IdentityCodeChanged => v1::LinkReason::IdentityCodeChanged,
        LinkReason::TemporaryCodeReplaced => v1::LinkReason::TemporaryCodeReplaced,
        LinkReason::DuplicateMerged => v1::LinkReason::DuplicateMerged,
    };
    v1::StoredLink {
        id: id.as_str().to_owned(),
        clients: codes.iter().map(to_client).collect(),
        current: Some(to_client(current)),
        reason: reason.into(),
        given_at: Some(to_timestamp(*given_at)),
        recorded_at: Some(to_timestamp(*recorded_at)),
        recorded_by: Some(to_recorder(recorded_by)),
        end: end.as_ref().map(|LinkEnd { given_at, recorded_at, recorded_by }| v1::LinkEnd {
            given_at: Some(to_timestamp(*given_at)),
            recorded_at: Some(to_timestamp(*recorded_at)),
            recorded_by: Some(to_recorder(recorded_by)),
        }),
    }
}

fn to_recorder(recorder: &LinkRecorder) -> v1::LinkRecorder {
    use v1::link_recorder::System as Wire;
    let system = match recorder {
        LinkRecorder::PopulationRegister => Wire::PopulationRegister(v1::PopulationRegister {}),
        LinkRecorder::Professional(professional) => Wire::Professional(to_professional(professional)),
    };
    v1::LinkRecorder { system: Some(system) }
}
