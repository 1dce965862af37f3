//! A minimal gRPC client: HTTP/2 and messages that are encoded in advance, no
//! codec and no layers, so that the client takes little of the shared machine.

use std::fmt;
use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::{self, SendRequest};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use tokio::net::TcpStream;

/// Flow-control window, large enough that no answer waits for it.
const WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// The prefix of a gRPC message: a compression flag and the length.
const FRAME_BYTES: usize = 5;

/// The status `RESOURCE_EXHAUSTED`.
const NO_ROOM: &str = "8";

/// What is called.
#[derive(Clone, Copy, Debug)]
pub enum Call {
    /// A gRPC method, by its path.
    Rpc(&'static str),
    /// A page, with a bearer token.
    Page {
        /// The path of the page.
        path: &'static str,
        /// The token.
        token: &'static str,
    },
}

/// A connection. A clone shares it.
#[derive(Clone)]
pub struct Caller {
    sender: SendRequest<Bytes>,
    authority: String,
}

/// A message with its gRPC prefix.
#[must_use]
pub fn framed(message: &impl prost::Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(length + FRAME_BYTES);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).expect("a message below 4 GiB"));
    message.encode(&mut frame).expect("room for the message");
    frame.freeze()
}

/// Why a call was not answered.
#[derive(Clone, Debug)]
pub enum CallError {
    /// There is no room for it: `RESOURCE_EXHAUSTED`.
    NoRoom(String),
    /// Anything else.
    Failed(String),
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NoRoom(message) | Self::Failed(message)) = self;
        formatter.write_str(message)
    }
}

impl From<h2::Error> for CallError {
    fn from(error: h2::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Call {
    /// The `Decide` method.
    pub const DECIDE: Self = Self::Rpc("/lupa.v1.DecisionService/Decide");
    /// The `Explain` method.
    pub const EXPLAIN: Self = Self::Rpc("/lupa.v1.DecisionService/Explain");
    /// The `Simulate` method.
    pub const SIMULATE: Self = Self::Rpc("/lupa.v1.DecisionService/Simulate");
    /// The method that records a declaration.
    pub const RECORD: Self = Self::Rpc("/lupa.v1.DeclarationService/RecordDeclaration");
}

impl Caller {
    /// Connects. A task of the current runtime drives the connection.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let mut builder = client::Builder::new();
        builder.initial_window_size(WINDOW_BYTES).initial_connection_window_size(WINDOW_BYTES);
        let (sender, connection) = builder.handshake(stream).await.expect("HTTP/2");
        tokio::spawn(async move {
            // Ends when the server or the last clone closes the connection.
            connection.await.unwrap_or(());
        });
        Self { sender: sender.ready().await.expect("a connection"), authority: address.to_string() }
    }

    /// Sends a request and returns the answer: for a method the message without
    /// its prefix, for a page nothing.
    pub async fn send(&mut self, call: Call, frame: Bytes) -> Result<Bytes, CallError> {
        match call {
            Call::Rpc(path) => self.rpc(path, frame).await,
            Call::Page { path, token } => self.page(path, token).await,
        }
    }

    fn uri(&self, path: &'static str) -> Uri {
        let uri = Uri::builder().scheme("http").authority(self.authority.as_str());
        uri.path_and_query(path).build().expect("a URI")
    }

    async fn page(&mut self, path: &'static str, token: &'static str) -> Result<Bytes, CallError> {
        let request = Request::builder()
            .uri(self.uri(path))
            .header("authorization", format!("Bearer {token}"))
            .body(())
            .expect("a request");
        let mut sender = self.sender.clone().ready().await?;
        let (answer, _) = sender.send_request(request, true)?;
        let answer = answer.await?;
        match answer.status() {
            StatusCode::OK => Ok(Bytes::new()),
            status => Err(CallError::Failed(status.to_string())),
        }
    }

    async fn rpc(&mut self, path: &'static str, frame: Bytes) -> Result<Bytes, CallError> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.uri(path))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .expect("a request");
        let mut sender = self.sender.clone().ready().await?;
        let (answer, mut body) = sender.send_request(request, false)?;
        body.send_data(frame, true)?;
        let answer = answer.await?;
        if let Some(failure) = failure(answer.headers()) {
            return Err(failure);
        }
        let mut answer = answer.into_body();
        let mut message = BytesMut::new();
        while let Some(data) = answer.data().await {
            let data = data?;
            answer.flow_control().release_capacity(data.len())?;
            message.extend_from_slice(&data);
        }
        let trailers = answer.trailers().await?;
        match trailers.as_ref().and_then(failure) {
            Some(failure) => Err(failure),
            None if message.len() < FRAME_BYTES => {
                Err(CallError::Failed("an answer without a message".to_owned()))
            }
            None => Ok(message.freeze().slice(FRAME_BYTES..)),
        }
    }
}

/// The gRPC status, unless it is OK.
fn failure(headers: &HeaderMap) -> Option<CallError> {
    let status = headers.get("grpc-status").filter(|status| *status != "0")?;
    let message = headers.get("grpc-message").and_then(|message| message.to_str().ok()).unwrap_or_default();
    let text = format!("{status:?} {message}");
    Some(if status == NO_ROOM { CallError::NoRoom(text) } else { CallError::Failed(text) })
}
