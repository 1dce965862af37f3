//! A gRPC service of bytes with the defaults of tonic: tokio's runtime with one
//! thread per core, and the system's allocator.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tower::Service;

const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
const WINDOW_BYTES: u32 = 8 * 1024 * 1024;

type Answering = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

/// Answers the requests to a path.
pub(crate) type Answer = Arc<dyn Fn(&str, Bytes) -> Answering + Send + Sync>;

/// Answers every request with the bytes of a file. Never returns.
pub(crate) fn serve_constant(file: &Path) {
    let answer = Bytes::from(std::fs::read(file).expect("an answer"));
    serve::<Decisions>(Arc::new(move |_, _| {
        let answer = answer.clone();
        Box::pin(async move { Ok(Response::new(answer)) })
    }));
}

/// Serves on a free port and prints the address. Never returns.
pub(crate) fn serve<Named>(answer: Answer)
where
    Named: From<Answer> + NamedService + Clone + Send + Sync + 'static,
    Named: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    Named::Future: Send,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
        println!("listening {}", listener.local_addr().expect("an address"));
        tonic::transport::Server::builder()
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .add_service(Named::from(answer))
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
            .await
            .expect("serving");
    });
}

/// A service by its name.
macro_rules! named {
    ($type:ident, $name:literal) => {
        #[derive(Clone)]
        pub(crate) struct $type(Answer);

        impl NamedService for $type {
            const NAME: &'static str = $name;
        }

        impl From<Answer> for $type {
            fn from(answer: Answer) -> Self {
                Self(answer)
            }
        }

        impl Service<http::Request<Body>> for $type {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                let unary = Unary { answer: Arc::clone(&self.0), path: request.uri().path().to_owned() };
                Box::pin(async move {
                    let mut grpc = Grpc::new(BytesCodec)
                        .max_decoding_message_size(MESSAGE_BYTES_MAX)
                        .max_encoding_message_size(MESSAGE_BYTES_MAX);
                    Ok(grpc.unary(unary, request).await)
                })
            }
        }
    };
}

named!(Decisions, "lupa.v1.DecisionService");
named!(Permissions, "authzed.api.v1.PermissionsService");

struct Unary {
    answer: Answer,
    path: String,
}

impl UnaryService<Bytes> for Unary {
    type Response = Bytes;
    type Future = Answering;

    fn call(&mut self, request: Request<Bytes>) -> Answering {
        (self.answer)(&self.path, request.into_inner())
    }
}

#[derive(Clone, Copy)]
struct BytesCodec;

impl Codec for BytesCodec {
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

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
