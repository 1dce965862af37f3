//! The request to `Decide`, read where it stands: its records are decoded one by
//! one while they are decided.
//!
//! They are passed over twice: once to count them, so that a request over the limit
//! is refused before any work, and once to decide them.

use prost::bytes::Bytes;
use tonic::Status;

use crate::policy::request::Situation;

use super::decision::situation;
use super::framing::undecodable;
use super::view::{Malformed, RecordView, RecordViews, RequestView, records};
use super::violation::InvalidRequest;

/// A request to `Decide`, decoded but for its records.
pub struct DecideCall {
    /// The situation, or every field at fault.
    pub situation: Result<Situation<'static>, InvalidRequest>,
    /// The organisation of the requester, as the caller names it; empty = not named.
    pub organisation: Box<str>,
    /// The records.
    pub records: EncodedRecords,
    /// A consistency token; empty = none.
    pub at_least: Box<str>,
    /// The caller's own id for the request.
    pub request_id: Box<str>,
}

/// The records of a request, still encoded in the received message. They are
/// counted but not decoded.
pub struct EncodedRecords {
    message: Bytes,
    count: usize,
}

impl DecideCall {
    /// Decodes a message but for its records.
    pub fn read(message: Bytes) -> Result<Self, Malformed> {
        let view = RequestView::read(&message)?;
        let (at_least, request_id) = (view.at_least.into(), view.request_id.into());
        let organisation = view.requester.as_ref().map_or("", |requester| requester.organisation).into();
        let count = view.record_count;
        let situation = situation(view).map(Situation::into_owned);
        let records = EncodedRecords { message, count };
        Ok(Self { situation, organisation, records, at_least, request_id })
    }
}

impl EncodedRecords {
    /// The number of records.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Checks that every record can be decoded.
    pub fn check(&self) -> Result<(), Malformed> {
        records(&self.message).try_for_each(|record| record.map(drop))
    }

    /// Starts before the first record.
    #[must_use]
    pub fn cursor(&self) -> EncodedCursor<'_> {
        EncodedCursor { views: records(&self.message), view: RecordView::default(), count: self.count }
    }
}

/// Decodes one record after the other. A malformed record makes the whole message
/// malformed.
pub struct EncodedCursor<'a> {
    views: RecordViews<'a>,
    view: RecordView<'a>,
    count: usize,
}

impl<'a> EncodedCursor<'a> {
    /// The number of records of the message.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The next record, encoded and decoded; none after the last.
    #[inline]
    pub fn read_next(&mut self) -> Result<Option<(&'a [u8], &RecordView<'a>)>, Malformed> {
        let encoded = self.views.read_next(&mut self.view)?;
        Ok(encoded.map(|encoded| (encoded, &self.view)))
    }
}

impl From<Malformed> for Status {
    fn from(_: Malformed) -> Self {
        undecodable()
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::policy::request::RecordField;
    use crate::wire::decision::record_of;
    use crate::wire::v1;

    #[test]
    fn a_request_is_read_as_by_prost() {
        let record = |id: &str| v1::Record { id: id.to_owned(), ..v1::Record::default() };
        let question = v1::DecideRequest {
            records: vec![record("document-1"), record("document-2"), record("document-3")],
            at_least: "a token".to_owned(),
            request_id: "request-1".to_owned(),
            ..v1::DecideRequest::default()
        };
        let call = DecideCall::read(question.encode_to_vec().into()).expect("a request");
        assert_eq!((&*call.at_least, &*call.request_id, call.records.count()), ("a token", "request-1", 3));
        assert_eq!(call.records.check(), Ok(()));
        let mut faults = Vec::new();
        let mut cursor = call.records.cursor();
        while let Some((_, view)) = cursor.read_next().expect("a record") {
            faults.extend(record_of(view).err());
        }
        assert_eq!(faults, [RecordField::Register; 3]);
    }

    #[test]
    fn a_malformed_record_is_found_when_it_is_decoded() {
        // A record with one field of a wire type that does not exist.
        let call = DecideCall::read(Bytes::from_static(&[0x3A, 0x01, 0x0F])).expect("a question");
        assert_eq!(call.records.check(), Err(Malformed));
        assert_eq!(call.records.cursor().read_next().err(), Some(Malformed));
    }
}
