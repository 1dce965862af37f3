//! The digest of a request, by which a repetition with the same idempotency key
//! is recognized.

use prost::Message;
use sha2::{Digest, Sha256};

use crate::wire::v1::{
    LinkClientsRequest, RecordDeclarationRequest, UnlinkClientsRequest, WithdrawDeclarationRequest,
};

/// The digest by which a repeated request is recognized: of everything but the
/// fields that do not change what is stored.
pub(super) fn digest_of_record(message: RecordDeclarationRequest) -> [u8; 32] {
    digest("Record", &RecordDeclarationRequest { idempotency_key: String::new(), wait: 0, ..message })
}

/// As [`digest_of_record`].
pub(super) fn digest_of_withdrawal(message: WithdrawDeclarationRequest) -> [u8; 32] {
    digest("Withdraw", &WithdrawDeclarationRequest { idempotency_key: String::new(), wait: 0, ..message })
}

/// As [`digest_of_record`].
pub(super) fn digest_of_link(message: LinkClientsRequest) -> [u8; 32] {
    digest("Link", &LinkClientsRequest { idempotency_key: String::new(), wait: 0, ..message })
}

/// As [`digest_of_record`].
pub(super) fn digest_of_unlink(message: UnlinkClientsRequest) -> [u8; 32] {
    digest("Unlink", &UnlinkClientsRequest { idempotency_key: String::new(), wait: 0, ..message })
}

/// The digest of a message, the same however the message was encoded. Digests
/// are stored, so neither the names nor the way to make them may change.
fn digest(name: &str, message: &impl Message) -> [u8; 32] {
    Sha256::new().chain_update(name).chain_update([0]).chain_update(message.encode_to_vec()).finalize().into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_types::FileDescriptorSet;

    use super::*;
    use crate::policy::day::Instant;
    use crate::wire::violation::to_timestamp;
    use crate::wire::{DESCRIPTORS, v1};

    /// Fields that do not change what is stored: a request that differs only in them
    /// is a repetition.
    const NOT_IN_PAYLOAD: [&str; 2] = ["idempotency_key", "wait"];

    /// A field, and a change of it.
    type FieldChange<M> = (&'static str, fn(&mut M));

    fn fields(message: &str) -> BTreeSet<String> {
        let files = FileDescriptorSet::decode(DESCRIPTORS).expect("descriptors").file;
        let messages = files.into_iter().flat_map(|file| file.message_type);
        let message = messages.into_iter().find(|one| one.name() == message).expect("the message");
        message.field.into_iter().map(|field| field.name().to_owned()).collect()
    }

    /// Each change of one field changes the digest, unless it is not in the payload,
    /// and there is a change for each field.
    fn assert_covered<M: Default>(message: &str, changes: &[FieldChange<M>], digest: fn(M) -> [u8; 32]) {
        let changed: BTreeSet<String> = changes.iter().map(|(field, _)| (*field).to_owned()).collect();
        assert_eq!(changed, fields(message), "say here of a new field whether it changes what is stored");
        for (field, change) in changes {
            let mut message = M::default();
            change(&mut message);
            let is_same = digest(message) == digest(M::default());
            assert_eq!(is_same, NOT_IN_PAYLOAD.contains(field), "{field}");
        }
    }

    #[test]
    fn every_field_is_in_the_digest_or_listed() {
        assert_covered::<RecordDeclarationRequest>(
            "RecordDeclarationRequest",
            &[
                ("client", |message| message.client = Some(v1::ClientId::default())),
                ("declaration", |message| message.declaration = Some(v1::Declaration::default())),
                ("given_at", |message| message.given_at = Some(to_timestamp(Instant::UNIX_EPOCH))),
                ("declarer", |message| message.declarer = Some(v1::Declarer::default())),
                ("recorded_by", |message| message.recorded_by = Some(v1::RecordedBy::default())),
                ("idempotency_key", |message| message.idempotency_key = "key".to_owned()),
                ("wait", |message| message.set_wait(v1::Wait::Everywhere)),
            ],
            digest_of_record,
        );
        assert_covered::<WithdrawDeclarationRequest>(
            "WithdrawDeclarationRequest",
            &[
                ("client", |message| message.client = Some(v1::ClientId::default())),
                ("declaration_id", |message| message.declaration_id = "id".to_owned()),
                ("declarer", |message| message.declarer = Some(v1::Declarer::default())),
                ("recorded_by", |message| message.recorded_by = Some(v1::RecordedBy::default())),
                ("given_at", |message| message.given_at = Some(to_timestamp(Instant::UNIX_EPOCH))),
                ("idempotency_key", |message| message.idempotency_key = "key".to_owned()),
                ("wait", |message| message.set_wait(v1::Wait::Everywhere)),
            ],
            digest_of_withdrawal,
        );
        assert_covered::<LinkClientsRequest>(
            "LinkClientsRequest",
            &[
                ("clients", |message| message.clients.push(v1::ClientId::default())),
                ("current", |message| message.current = Some(v1::ClientId::default())),
                ("reason", |message| message.set_reason(v1::LinkReason::DuplicateMerged)),
                ("recorded_by", |message| message.recorded_by = Some(v1::LinkRecorder::default())),
                ("given_at", |message| message.given_at = Some(to_timestamp(Instant::UNIX_EPOCH))),
                ("idempotency_key", |message| message.idempotency_key = "key".to_owned()),
                ("wait", |message| message.set_wait(v1::Wait::Everywhere)),
            ],
            digest_of_link,
        );
        assert_covered::<UnlinkClientsRequest>(
            "UnlinkClientsRequest",
            &[
                ("client", |message| message.client = Some(v1::ClientId::default())),
                ("link_id", |message| message.link_id = "id".to_owned()),
                ("recorded_by", |message| message.recorded_by = Some(v1::LinkRecorder::default())),
                ("given_at", |message| message.given_at = Some(to_timestamp(Instant::UNIX_EPOCH))),
                ("idempotency_key", |message| message.idempotency_key = "key".to_owned()),
                ("wait", |message| message.set_wait(v1::Wait::Everywhere)),
            ],
            digest_of_unlink,
        );
    }

    /// The store has digests of requests of earlier versions.
    #[test]
    fn a_digest_stays_as_it_is() {
        let message = WithdrawDeclarationRequest { declaration_id: "id".to_owned(), ..Default::default() };
        let bytes = [b"Withdraw\0".as_slice(), b"\x12\x02id"].concat();
        let expected: [u8; 32] = Sha256::digest(bytes).into();
        assert_eq!(digest_of_withdrawal(message), expected);
    }
}
