//! The codec of `Decide`: reads the question without copying it, and has the
//! answer written into the buffer that is sent.
//!
//! ```text
//!  bytes ─ decode ─▶ DecideCall ─ service ─▶ DecideAnswer ─ encode ─▶ bytes
//!          all read once,                    a promise, kept when
//!          malformed ones refused            the buffer is there
//! ```
//!
//! What may be refused is refused by the service, before there is an answer;
//! writing it cannot fail. All other methods go by prost's codec.

use prost::bytes::{Buf, Bytes};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::policy::request::Situation;

use super::decision::{ReadRecord, record, situation};
use super::view::{Malformed, RequestView, records};
use super::violation::InvalidRequest;

/// Enough for the request about one record and for the answer to it. Larger
/// ones have their buffers grow once, when their length is known.
const BUFFER_BYTES: usize = 1024;

/// From how many bytes an answer is sent; it is sent whole, so this is of no account.
const YIELD_BYTES: usize = 32 * 1024;

/// A question as it was received.
pub struct DecideCall {
    /// What is asked in, or everything that is wrong with it.
    pub situation: Result<Situation<'static>, InvalidRequest>,
    /// What is asked about.
    pub records: AskedRecords,
    /// A consistency token; empty = none.
    pub at_least: Box<str>,
    /// The caller's own id for the request.
    pub request_id: Box<str>,
}

/// The records of a question, in the message that was received.
pub struct AskedRecords {
    message: Bytes,
    count: usize,
}

impl DecideCall {
    /// Reads a message whole, or says that it is none.
    pub fn read(message: Bytes) -> Result<Self, Malformed> {
        let view = RequestView::read(&message)?;
        let (at_least, request_id) = (view.at_least.into(), view.request_id.into());
        let count = view.record_count;
        let situation = situation(view).map(Situation::into_owned);
        Ok(Self { situation, records: AskedRecords { message, count }, at_least, request_id })
    }
}

impl AskedRecords {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Reads one after the other.
    pub fn iter(&self) -> impl Iterator<Item = ReadRecord<'_>> {
        // None of them is malformed: the message has been read whole.
        records(&self.message).map_while(Result::ok).map(record)
    }
}

/// An answer, to be written once there is a buffer.
pub struct DecideAnswer(Box<dyn FnOnce(&mut EncodeBuf<'_>) + Send>);

impl DecideAnswer {
    /// Promises to write an answer.
    pub fn new(write: impl FnOnce(&mut EncodeBuf<'_>) + Send + 'static) -> Self {
        Self(Box::new(write))
    }
}

/// The codec of `Decide`.
#[derive(Clone, Copy, Debug, Default)]
pub struct DecideCodec;

impl Codec for DecideCodec {
    type Encode = DecideAnswer;
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
        // As tonic-prost says it.
        DecideCall::read(message)
            .map(Some)
            .map_err(|error| Status::internal(format!("failed to decode: {error}")))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER_BYTES, YIELD_BYTES)
    }
}

impl Encoder for DecideCodec {
    type Item = DecideAnswer;
    type Error = Status;

    fn encode(&mut self, answer: DecideAnswer, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let DecideAnswer(write) = answer;
        write(to);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER_BYTES, YIELD_BYTES)
    }
}
