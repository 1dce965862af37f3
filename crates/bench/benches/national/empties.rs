//! Empty services: the lower bound for a gRPC service on this machine. They answer
//! `Decide`, and Envoy's `Check`, with the bytes of an earlier answer of Lupa.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes};
use lupa::wire::v1;
use prost::Message;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tower::Service;

use crate::listening::{self, Incoming};

const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The defaults of Lupa's settings.
const STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
const FRAME_BYTES_MAX: u32 = 64 * 1024;

/// An empty service, as its process is started.
pub(crate) struct Empty {
    reads: Reads,
    runs: Runs,
    /// The file with the answer.
    answer: PathBuf,
}

/// What an empty service does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Nothing: bytes in, bytes out.
    Nothing,
    /// Decodes it with prost into owned messages.
    WithProst,
}

/// The runtime of an empty service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runs {
    /// One runtime per core.
    PerCore,
    /// tokio's default: one runtime with one thread per core.
    Shared,
}

impl Empty {
    pub(crate) fn of(reads: &str, runs: &str, answer: PathBuf) -> Self {
        let reads = if reads == Reads::WithProst.name() { Reads::WithProst } else { Reads::Nothing };
        let runs = if runs == Runs::Shared.name() { Runs::Shared } else { Runs::PerCore };
        Self { reads, runs, answer }
    }
}

impl Reads {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::WithProst => "with-prost",
        }
    }
}

impl Runs {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PerCore => "per-core",
            Self::Shared => "shared",
        }
    }
}

/// Serves until the process is killed.
pub(crate) fn serve(empty: &Empty) {
    let answer = Bytes::from(std::fs::read(&empty.answer).expect("an answer"));
    match empty.reads {
        Reads::Nothing => run::<Raw>(empty.runs, answer),
        Reads::WithProst => run::<Prost>(empty.runs, answer),
    }
}

fn run<D: Decoding>(runs: Runs, answer: Bytes) {
    let service = Answers::<D, Decide> { answer, what: PhantomData };
    let serve = move |incoming| serve_all(service.clone(), incoming);
    match runs {
        Runs::PerCore => listening::per_core(serve),
        Runs::Shared => listening::shared(serve),
    }
}

async fn serve_all<D: Decoding>(service: Answers<D, Decide>, incoming: Incoming) {
    let check = Answers::<D, Check> { answer: service.answer.clone(), what: PhantomData };
    Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .add_service(service)
        .add_service(check)
        .serve_with_incoming(incoming)
        .await
        .expect("serving");
}

/// Decodes a request.
trait Decoding: Default + Clone + Send + Sync + 'static {
    fn decode(buffer: &mut DecodeBuf<'_>) -> Result<(), Status>;
}

#[derive(Clone, Copy, Default)]
struct Raw;

#[derive(Clone, Copy, Default)]
struct Prost;

impl Decoding for Raw {
    fn decode(buffer: &mut DecodeBuf<'_>) -> Result<(), Status> {
        buffer.advance(buffer.remaining());
        Ok(())
    }
}

impl Decoding for Prost {
    fn decode(buffer: &mut DecodeBuf<'_>) -> Result<(), Status> {
        let request = v1::DecideRequest::decode(buffer);
        black_box(request.map_err(|_| Status::internal("not a question"))?);
        Ok(())
    }
}

/// A service by its name.
trait Named: Clone + Send + Sync + 'static {
    const NAME: &'static str;
}

#[derive(Clone, Copy)]
struct Decide;

#[derive(Clone, Copy)]
struct Check;

impl Named for Decide {
    const NAME: &'static str = "lupa.v1.DecisionService";
}

impl Named for Check {
    const NAME: &'static str = "envoy.service.auth.v3.Authorization";
}

#[derive(Clone)]
struct Answers<D, N> {
    answer: Bytes,
    what: PhantomData<(D, N)>,
}

impl<D: Decoding, N: Named> NamedService for Answers<D, N> {
    const NAME: &'static str = N::NAME;
}

impl<D: Decoding, N: Named> Service<http::Request<Body>> for Answers<D, N> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let constant = Constant(self.answer.clone());
        Box::pin(async move {
            let mut grpc = Grpc::new(BytesCodec::<D>::default())
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .max_encoding_message_size(MESSAGE_BYTES_MAX);
            Ok(grpc.unary(constant, request).await)
        })
    }
}

struct Constant(Bytes);

impl UnaryService<()> for Constant {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(self.0.clone())))
    }
}

#[derive(Clone, Copy, Default)]
struct BytesCodec<D>(PhantomData<D>);

impl<D: Decoding> Codec for BytesCodec<D> {
    type Encode = Bytes;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::default()
    }

    fn decoder(&mut self) -> Self {
        Self::default()
    }
}

impl<D: Decoding> Encoder for BytesCodec<D> {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl<D: Decoding> Decoder for BytesCodec<D> {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        D::decode(buffer).map(Some)
    }
}
