//! Bytes decoded by prost and by the borrowing decoder.

use lupa::policy::client_id::ClientId;
use lupa::policy::oid::Oid;
use lupa::policy::request::{Channel, Claim, Ground, Situation};
use lupa::wire::decision;
use lupa::wire::v1;
use lupa::wire::view::{RecordView, RequestView, records};
use prost::Message;

/// The common result of both decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Decoded,
    Refused,
}

/// Fails if the two differ.
pub(crate) fn compare(bytes: &[u8]) -> Outcome {
    let view = RequestView::read(bytes);
    let records: Result<Vec<_>, _> = records(bytes).collect();
    let Ok(message) = v1::DecideRequest::decode(bytes) else {
        assert!(view.is_err() || records.is_err(), "prost refuses {bytes:02X?}");
        return Outcome::Refused;
    };
    let expected: Vec<_> = message.records.iter().map(RecordView::from).collect();
    assert_eq!(records, Ok(expected), "of {bytes:02X?}");
    let expected = RequestView::from(&message);
    assert_eq!(view.as_ref(), Ok(&expected), "of {bytes:02X?}");

    // The same conversion follows, so equal situations mean that no field was missed.
    let read = view.map(decision::situation).map(|read| read.map(parts));
    assert_eq!(read, Ok(decision::situation(&message).map(parts)), "of {bytes:02X?}");
    Outcome::Decoded
}

type Parts<'a> = (ClientId, Oid<'a>, Channel, bool, Option<Ground>, Vec<Claim>);

fn parts(situation: Situation<'_>) -> Parts<'_> {
    let Situation { client, requester, channel, access_right, ground, claims } = situation;
    (client, requester, channel, access_right, ground, claims.into_vec())
}
