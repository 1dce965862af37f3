//! A gRPC client with little of its own: HTTP/2, bytes that were encoded
//! before, no codec and no layers.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::{self, SendRequest};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use tokio::net::TcpStream;

/// Large enough that no answer waits for the window to open.
const WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// What gRPC puts before a message: whether it is compressed, and its length.
const FRAME_BYTES: usize = 5;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    /// A method, by its path.
    Rpc(&'static str),
    /// A page, by one who has a token.
    Page { path: &'static str, token: &'static str },
}

/// A connection; a clone shares it.
#[derive(Clone)]
pub(crate) struct Caller {
    sender: SendRequest<Bytes>,
    authority: String,
}

/// A message with its frame.
pub(crate) fn framed(message: &impl prost::Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(length + FRAME_BYTES);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).expect("a message below 4 GiB"));
    message.encode(&mut frame).expect("room for the message");
    frame.freeze()
}

impl Asked {
    pub(crate) const DECIDE: Self = Self::Rpc("/lupa.v1.DecisionService/Decide");
    pub(crate) const RECORD: Self = Self::Rpc("/lupa.v1.DeclarationService/RecordDeclaration");
}

impl Caller {
    /// Connects; the connection is driven by a task of the current runtime.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let mut builder = client::Builder::new();
        builder.initial_window_size(WINDOW_BYTES).initial_connection_window_size(WINDOW_BYTES);
        let (sender, connection) = builder.handshake(stream).await.expect("HTTP/2");
        tokio::spawn(async move {
            // Ends when the server or the last caller goes.
            connection.await.unwrap_or(());
        });
        Self { sender: sender.ready().await.expect("a connection"), authority: address.to_string() }
    }

    /// Asks, and gives the answer: of a method its message, without its frame.
    pub(crate) async fn ask(&mut self, asked: Asked, frame: Bytes) -> Result<Bytes, String> {
        match asked {
            Asked::Rpc(path) => self.call(path, frame).await,
            Asked::Page { path, token } => self.get(path, token).await,
        }
    }

    fn uri(&self, path: &'static str) -> Uri {
        let uri = Uri::builder().scheme("http").authority(self.authority.as_str());
        uri.path_and_query(path).build().expect("a URI")
    }

    async fn get(&mut self, path: &'static str, token: &'static str) -> Result<Bytes, String> {
        let request = Request::builder()
            .uri(self.uri(path))
            .header("authorization", format!("Bearer {token}"))
            .body(())
            .expect("a request");
        let mut sender = self.sender.clone().ready().await.map_err(|error| error.to_string())?;
        let (answer, _) = sender.send_request(request, true).map_err(|error| error.to_string())?;
        let answer = answer.await.map_err(|error| error.to_string())?;
        if answer.status() == StatusCode::OK { Ok(Bytes::new()) } else { Err(answer.status().to_string()) }
    }

    async fn call(&mut self, path: &'static str, frame: Bytes) -> Result<Bytes, String> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.uri(path))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .expect("a request");
        let mut sender = self.sender.clone().ready().await.map_err(|error| error.to_string())?;
        let (answer, mut body) = sender.send_request(request, false).map_err(|error| error.to_string())?;
        body.send_data(frame, true).map_err(|error| error.to_string())?;
        let answer = answer.await.map_err(|error| error.to_string())?;
        if let Some(failure) = failure(answer.headers()) {
            return Err(failure);
        }
        let mut answer = answer.into_body();
        let mut message = BytesMut::new();
        while let Some(data) = answer.data().await {
            let data = data.map_err(|error| error.to_string())?;
            answer.flow_control().release_capacity(data.len()).map_err(|error| error.to_string())?;
            message.extend_from_slice(&data);
        }
        let trailers = answer.trailers().await.map_err(|error| error.to_string())?;
        match trailers.as_ref().and_then(failure) {
            Some(failure) => Err(failure),
            None if message.len() < FRAME_BYTES => Err("an answer without a message".to_owned()),
            None => Ok(message.freeze().slice(FRAME_BYTES..)),
        }
    }
}

fn failure(headers: &HeaderMap) -> Option<String> {
    let status = headers.get("grpc-status").filter(|status| *status != "0")?;
    let message = headers.get("grpc-message").and_then(|message| message.to_str().ok()).unwrap_or_default();
    Some(format!("{status:?} {message}"))
}
