//! Undecodable and oversized messages.

use lupa::wire::v1;
use prost::Message;
use prost::bytes::{Buf, BufMut, Bytes};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::fixture::Fixture;
use crate::fixtures::requests::{aino, entry, message, question};

/// A codec of raw bytes.
struct AsTheyAre;

impl Codec for AsTheyAre {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsTheyAre {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for AsTheyAre {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// Sends bytes as the message of a method.
pub(super) async fn send(channel: Channel, method: &'static str, bytes: Vec<u8>) -> Result<Bytes, Status> {
    let mut client = Grpc::new(channel);
    client.ready().await.expect("a connection");
    let path = http::uri::PathAndQuery::from_static(method);
    let answer = client.unary(Request::new(Bytes::from(bytes)), path, AsTheyAre).await;
    answer.map(tonic::Response::into_inner)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undecodable_message_is_an_invalid_argument() {
    let fixture = Fixture::start().await;
    // A field that ends too early, a wire type that does not exist, text that
    // is not UTF-8, and a varint without end.
    let garbage: [&[u8]; 4] = [&[0x0A, 0x7F, 0x00], &[0x0F], &[0x4A, 0x02, 0xC3, 0x28], &[0x18, 0xFF, 0xFF]];
    for method in [
        "/lupa.v1.DecisionService/Decide",
        "/lupa.v1.DecisionService/Explain",
        "/lupa.v1.DecisionService/Simulate",
        "/lupa.v1.DeclarationService/RecordDeclaration",
        "/lupa.v1.DeclarationService/WithdrawDeclaration",
        "/lupa.v1.DeclarationService/ListDeclarations",
        "/lupa.v1.DirectoryService/ReplaceDirectory",
    ] {
        for bytes in garbage {
            let is_readable_elsewhere = bytes[0] == 0x4A && !method.ends_with("Decide");
            let status = send(fixture.channel(), method, bytes.to_vec()).await.expect_err("it is refused");
            assert_eq!(status.code(), Code::InvalidArgument, "{method} {bytes:02X?}: {status:?}");
            let is_invalid_argument =
                status.message().contains("cannot be decoded: send the protobuf message of this method");
            assert!(is_invalid_argument || is_readable_elsewhere, "{method} {bytes:02X?}: {status:?}");
        }
    }
    let unknown = send(fixture.channel(), "/lupa.v1.DecisionService/Permit", Vec::new())
        .await
        .expect_err("it is refused");
    assert_eq!(unknown.code(), Code::Unimplemented);
    fixture.decide(question(aino(), vec![entry("doc-1", "visit-1")])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn message_over_the_limit_is_refused_with_the_limit() {
    let fixture = Fixture::start_with(&[("server.request_bytes_max", "4096")]).await;
    let large = "x".repeat(4096);
    let decide =
        v1::DecideRequest { request_id: large.clone(), ..question(aino(), vec![entry("doc-1", "visit-1")]) };
    let list = v1::ListDeclarationsRequest { client: Some(aino()), page_token: large, ..message("{}") };
    for status in [
        fixture.decisions().decide(decide).await.expect_err("it is refused"),
        fixture.declarations().list_declarations(list).await.expect_err("it is refused"),
    ] {
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        assert!(
            status.message().starts_with("the request message is larger than the limit: split it"),
            "{status:?}"
        );
    }
    let of = |count: usize| {
        question(aino(), (0..count).map(|number| entry(&format!("doc-{number}"), "visit-1")).collect())
    };
    let count = 4096 / of(1).encoded_len();
    assert!(of(count).encoded_len() <= 4096);
    assert_eq!(fixture.decide(of(count)).await.verdicts.len(), count);
}
