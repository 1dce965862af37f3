//! Bytes decoded by prost and by the borrowing decoder.

use lupa::wire::decision;
use lupa::wire::v1;
use lupa::wire::view::{RecordView, RequestView, records};
use prost::Message;

/// What both said.
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

    // The same conversions follow, so this says that they see all there is.
    let read = view.ok().map(decision::situation);
    let expected = decision::situation(&message);
    assert_eq!(format!("{read:?}"), format!("{:?}", Some(expected)), "of {bytes:02X?}");
    Outcome::Decoded
}
