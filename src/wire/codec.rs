//! The codec of `Decide`: a question is read where it lies, and its answer is
//! bytes already when it comes here. All other methods go by prost's codec.
//!
//! ```text
//!  bytes ─ decode ─▶ DecideCall ─▶ service: record by record, read, ─▶ Answer ─ encode ─▶ bytes
//!                    its head        decided and written at once
//! ```

use prost::bytes::{Buf, BufMut, Bytes};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::policy::request::Situation;

use super::answer::Answer;
use super::decision::{ReadRecord, record_of, situation};
use super::view::{Malformed, RecordView, RequestView, records};
use super::violation::InvalidRequest;

/// Enough for the request about one record and for the answer to it. Larger
/// ones have their buffers grow once, when their length is known.
const BUFFER_BYTES: usize = 1024;

/// When several messages are sent together; there is one.
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

/// The records of a question, in the message that was received. They have been
/// counted, and not been read.
pub struct AskedRecords {
    message: Bytes,
    count: usize,
}

impl DecideCall {
    /// Reads a message but for its records, or says that it is none.
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

    /// Refuses the message if a record of it is malformed.
    pub fn check(&self) -> Result<(), Malformed> {
        records(&self.message).try_for_each(|record| record.map(drop))
    }

    /// Reads one after the other. If one is malformed the whole message is.
    #[inline]
    pub fn read<'a>(&'a self, mut each: impl FnMut(ReadRecord<'a>)) -> Result<(), Malformed> {
        let mut views = records(&self.message);
        let mut view = RecordView::default();
        while views.read_next(&mut view)? {
            each(record_of(&view));
        }
        Ok(())
    }
}

impl From<Malformed> for Status {
    fn from(malformed: Malformed) -> Self {
        // As tonic-prost tells it, so that it is told alike for all methods.
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
