//! The codec of `Decide`: a zero-copy reader of the request, and an encoder of
//! answers that are bytes already. All other methods use prost's codec.
//!
//! ```text
//!  bytes ─ decode ─▶ DecideCall ─▶ service: each record is decoded, ─▶ Answer ─ encode ─▶ bytes
//!                    without its     decided and its verdict
//!                    records         written
//! ```
//!
//! The records are passed over twice: once to count them, so that a request over
//! the limit is refused before any work, and once to decide them.

use prost::bytes::{Buf, BufMut, Bytes};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::policy::request::Situation;

use super::answer::Answer;
use super::decision::situation;
use super::view::{Malformed, RecordView, RecordViews, RequestView, records};
use super::violation::InvalidRequest;

/// Enough for a request with one record and for its answer. The buffer of a
/// larger message grows once, when its length is known.
const BUFFER_BYTES: usize = 1024;

/// From how many bytes on a stream of messages is flushed. `Decide` sends one
/// message, so the value does not matter.
const YIELD_BYTES: usize = 32 * 1024;

/// A request to `Decide`, decoded but for its records.
pub struct DecideCall {
    /// The situation, or every field at fault.
    pub situation: Result<Situation<'static>, InvalidRequest>,
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
        let count = view.record_count;
        let situation = situation(view).map(Situation::into_owned);
        Ok(Self { situation, records: EncodedRecords { message, count }, at_least, request_id })
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
    fn from(malformed: Malformed) -> Self {
        // The words of tonic-prost, so that all methods answer alike.
        Self::internal(format!("failed to decode: {malformed}"))
    }
}

/// The codec of `Decide`.
#[derive(Clone, Copy, Debug, Default)]
pub struct DecideCodec;

impl Codec for DecideCodec {
    type Encode = Answer;
    type Decode = DecideCall;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Decoder for DecideCodec {
    type Item = DecideCall;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DecideCall>, Status> {
        let message = from.copy_to_bytes(from.remaining());
        Ok(Some(DecideCall::read(message)?))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER_BYTES, YIELD_BYTES)
    }
}

impl Encoder for DecideCodec {
    type Item = Answer;
    type Error = Status;

    fn encode(&mut self, answer: Answer, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let bytes = answer.bytes();
        to.reserve(bytes.len());
        to.put_slice(bytes);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER_BYTES, YIELD_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use tonic::Streaming;
    use tonic::codec::EncodeBody;
    use tonic_prost::{ProstDecoder, ProstEncoder};

    use super::*;
    use crate::policy::day::Instant;
    use crate::policy::request::RecordField;
    use crate::wire::answer::{AnswerTail, AnswerWriter};
    use crate::wire::decision::record_of;
    use crate::wire::v1;
    use crate::wire::verdict::Disclosure;

    /// A message as it arrives, written by one codec and read by another.
    async fn sent<M, T: 'static>(
        encoder: impl Encoder<Item = M, Error = Status> + Send + 'static,
        message: M,
        decoder: impl Decoder<Item = T, Error = Status> + Send + 'static,
    ) -> T
    where
        M: Send + 'static,
    {
        let body = EncodeBody::new_client(encoder, tokio_stream::once(Ok(message)), None, None);
        let mut received = Streaming::new_request(decoder, body, None, None);
        received.message().await.expect("it can be read").expect("a message")
    }

    #[tokio::test]
    async fn a_request_is_read_and_an_answer_written_as_by_prosts_codec() {
        let record = |id: &str| v1::Record { id: id.to_owned(), ..v1::Record::default() };
        let question = v1::DecideRequest {
            records: vec![record("document-1"), record("document-2"), record("document-3")],
            at_least: "a token".to_owned(),
            request_id: "request-1".to_owned(),
            ..v1::DecideRequest::default()
        };
        let call = sent(ProstEncoder::default(), question, DecideCodec).await;
        assert_eq!((&*call.at_least, &*call.request_id, call.records.count()), ("a token", "request-1", 3));
        assert_eq!(call.records.check(), Ok(()));
        let mut faults = Vec::new();
        let mut cursor = call.records.cursor();
        while let Some((_, view)) = cursor.read_next().expect("a record") {
            faults.extend(record_of(view).err());
        }
        assert_eq!(faults, [RecordField::Register; 3]);

        let tail = AnswerTail {
            decision_id: "decision-1",
            token: "a token",
            decided_at: Instant::UNIX_EPOCH,
            catalogue_version: "1",
            request_id: "request-1",
        };
        let answer = AnswerWriter::new(0, Disclosure::Public, |_| None::<&str>).finish(&tail);
        let received: v1::DecideResponse = sent(DecideCodec, answer, ProstDecoder::default()).await;
        assert_eq!(
            (received.decision_id.as_str(), received.request_id.as_str()),
            ("decision-1", "request-1")
        );
    }

    #[test]
    fn a_malformed_record_is_found_when_it_is_decoded() {
        // A record with one field of a wire type that does not exist.
        let call = DecideCall::read(Bytes::from_static(&[0x3A, 0x01, 0x0F])).expect("a question");
        assert_eq!(call.records.check(), Err(Malformed));
        assert_eq!(call.records.cursor().read_next().err(), Some(Malformed));
    }
}
