//! A caller that speaks HTTP/2 by itself, so that it can do what no client library does.

use std::net::{IpAddr, SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::{Builder, Connection, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use lupa::wire::v1;
use prost::Message;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

pub(super) const DECIDE: &str = "/lupa.v1.DecisionService/Decide";
pub(super) const SIMULATE: &str = "/lupa.v1.DecisionService/Simulate";

/// `RESOURCE_EXHAUSTED`.
pub(super) const EXHAUSTED: &str = "8";
/// `DEADLINE_EXCEEDED`.
pub(super) const TIMED_OUT: &str = "4";

/// One connection. It ends when this is dropped.
pub(super) struct Raw {
    client: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

/// A request without the end of its message.
pub(super) struct Unended {
    pub(super) answer: ResponseFuture,
    pub(super) message: SendStream<Bytes>,
}

impl Raw {
    /// With windows of the usual size.
    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self::connect_with(address, &Builder::new()).await
    }

    /// That never reads a message of an answer: its windows have no room.
    pub(super) async fn without_windows(address: SocketAddr) -> Self {
        Self::connect_with(address, Builder::new().initial_window_size(0)).await
    }

    async fn connect_with(address: SocketAddr, builder: &Builder) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let (client, connection) = builder.handshake(stream).await.expect("HTTP/2");
        Self::of(client, connection)
    }

    /// With a handshake of its own.
    pub(super) fn of(client: SendRequest<Bytes>, connection: Connection<TcpStream>) -> Self {
        Self { client, connection: tokio::spawn(connection) }
    }

    /// Whether the connection has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.connection.is_finished()
    }

    /// Sends a request whole. None: the server has ended the connection.
    pub(super) async fn send(&mut self, path: &str, message: &[u8]) -> Option<ResponseFuture> {
        let mut unended = self.start_request(path).await?;
        send_all(&mut unended.message, framed(message), true).await.then_some(unended.answer)
    }

    /// Starts a request.
    pub(super) async fn start_request(&mut self, path: &str) -> Option<Unended> {
        let request = Request::post(format!("http://lupa{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .expect("a request");
        let mut client = self.client.clone().ready().await.ok()?;
        let (answer, message) = client.send_request(request, false).ok()?;
        Some(Unended { answer, message })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Sends bytes as the windows of the server let it. False: the stream has ended before.
pub(super) async fn send_all(stream: &mut SendStream<Bytes>, mut bytes: Bytes, is_end: bool) -> bool {
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len());
        let room = match std::future::poll_fn(|context| stream.poll_capacity(context)).await {
            Some(Ok(room)) => room.min(bytes.len()),
            Some(Err(_)) | None => return false,
        };
        let piece = bytes.split_to(room);
        if stream.send_data(piece, is_end && bytes.is_empty()).is_err() {
            return false;
        }
    }
    true
}

/// A message as gRPC sends it.
pub(super) fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).expect("a length"));
    framed.put_slice(message);
    framed.freeze()
}

/// A question about as many records, whose answer is some hundred bytes for each.
pub(super) fn large_question(client: v1::ClientId, records: usize) -> Vec<u8> {
    use crate::fixtures::requests::{entry, question};
    let records = (0..records).map(|number| entry(&format!("document-{number}"), "visit-1")).collect();
    question(client, records).encode_to_vec()
}

/// What became of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A message follows, which is not read yet.
    Answered(RecvStream),
    /// Only a status: its number.
    Refused(String),
    /// The stream or the connection was ended.
    Ended,
}

pub(super) async fn outcome(answer: ResponseFuture) -> Outcome {
    let Ok(response) = answer.await else { return Outcome::Ended };
    match status_in(response.headers()) {
        Some(status) => Outcome::Refused(status),
        None => Outcome::Answered(response.into_body()),
    }
}

fn status_in(headers: &HeaderMap) -> Option<String> {
    headers.get("grpc-status").map(|status| status.to_str().expect("a number").to_owned())
}

/// A connection from one of the addresses of this machine, as another caller has it.
pub(super) async fn connect_from(source: IpAddr, to: SocketAddr) -> Raw {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::new(source, 0)).expect("an address of this machine");
    let stream = socket.connect(to).await.expect("a connection");
    let (client, connection) = Builder::new().handshake(stream).await.expect("HTTP/2");
    Raw::of(client, connection)
}
