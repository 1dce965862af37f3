//! How gRPC frames the one message of a request or of an answer: a flag, the
//! length, and the message.
//!
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>

use prost::bytes::Bytes;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use uuid::Uuid;

/// The number of bytes before a message: the flag and the length.
pub const PREFIX_BYTES: usize = 5;

/// Why the body of a request is not one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misframed {
    /// The message is compressed.
    #[error("compressed messages are not accepted: send the message without compression")]
    Compressed,
    /// The message is longer than it may be.
    #[error("the request message is larger than the limit: split it")]
    TooLarge,
    /// There is no message, it ends too early, or something follows it.
    #[error("the request is not one whole message: send one message and then end the stream")]
    NotOneMessage,
}

/// The length of a message, by the bytes before it. None: they are not complete.
#[must_use]
pub fn declared_length(mut prefix: impl Iterator<Item = u8>) -> Option<usize> {
    let _flag = prefix.next()?;
    let length = [prefix.next()?, prefix.next()?, prefix.next()?, prefix.next()?];
    usize::try_from(u32::from_be_bytes(length)).ok()
}

/// The message of a body.
pub fn message_in(body: &Bytes, bytes_max: usize) -> Result<Bytes, Misframed> {
    let length = declared_length(body.iter().copied()).ok_or(Misframed::NotOneMessage)?;
    if length > bytes_max {
        return Err(Misframed::TooLarge);
    }
    match body.first() {
        Some(0) => {}
        Some(1) => return Err(Misframed::Compressed),
        Some(_) | None => return Err(Misframed::NotOneMessage),
    }
    if body.len() != PREFIX_BYTES.saturating_add(length) {
        return Err(Misframed::NotOneMessage);
    }
    Ok(body.slice(PREFIX_BYTES..))
}

/// The bytes before a message.
#[must_use]
pub fn prefix_of(length: usize) -> [u8; PREFIX_BYTES] {
    // A longer answer is refused before it is sent.
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [0, a, b, c, d]
}

impl From<Misframed> for Status {
    fn from(misframed: Misframed) -> Self {
        let code = match misframed {
            Misframed::Compressed => Code::Unimplemented,
            Misframed::TooLarge => Code::ResourceExhausted,
            Misframed::NotOneMessage => Code::InvalidArgument,
        };
        let mut status = refused_before_services(code, &misframed.to_string());
        if misframed == Misframed::Compressed {
            status.metadata_mut().insert("grpc-accept-encoding", MetadataValue::from_static("identity"));
        }
        status
    }
}

/// The answer to a message that is not protobuf, or not of this method.
#[must_use]
pub fn undecodable() -> Status {
    let message = "the request message cannot be decoded: send the protobuf message of this method";
    refused_before_services(Code::InvalidArgument, message)
}

/// In place of an answer that is longer than it may be.
#[must_use]
pub fn answer_too_large() -> Status {
    refused_before_services(
        Code::ResourceExhausted,
        "the answer is larger than the limit: ask for less at one time",
    )
}

fn refused_before_services(code: Code, message: &str) -> Status {
    let error_id = Uuid::now_v7();
    tracing::debug!(%error_id, code = i32::from(code), "request rejected outside the services");
    Status::new(code, format!("{message} (error {error_id})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &[u8]) -> Result<Bytes, Misframed> {
        message_in(&Bytes::copy_from_slice(bytes), 3)
    }

    #[test]
    fn a_body_is_one_whole_message() {
        assert_eq!(body(&[0, 0, 0, 0, 2, 7, 8]).as_deref(), Ok(&[7, 8][..]));
        assert_eq!(body(&[0, 0, 0, 0, 0]).as_deref(), Ok(&[][..]));
        for not_one in [
            &[][..],
            &[0, 0, 0, 0],
            &[0, 0, 0, 0, 2, 7],
            &[0, 0, 0, 0, 2, 7, 8, 9],
            &[0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 1, 7],
            &[2, 0, 0, 0, 1, 7],
        ] {
            assert_eq!(body(not_one), Err(Misframed::NotOneMessage), "{not_one:?}");
        }
        assert_eq!(body(&[1, 0, 0, 0, 1, 7]), Err(Misframed::Compressed));
        assert_eq!(body(&[0, 0, 0, 0, 4]), Err(Misframed::TooLarge));
        assert_eq!(body(&[0, 255, 255, 255, 255, 1]), Err(Misframed::TooLarge));
    }

    #[test]
    fn what_is_written_is_read() {
        let message = b"abc";
        let written = [&prefix_of(message.len())[..], message].concat();
        assert_eq!(body(&written).as_deref(), Ok(&message[..]));
    }
}
