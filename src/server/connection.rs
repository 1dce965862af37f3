//! Connections over TCP or a Unix domain socket, counted while they are open.

use std::io::{self, IoSlice};
use std::net;
use std::os::unix;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::frames::FrameWatch;
use super::identification::Peer;
use crate::limits::ConnectionPlace;

/// After this many bytes the worker serves its other connections.
const RECEIVED_AT_ONCE_BYTES: usize = 32 * 1024;

/// Counts the open connections of a worker, and those that it ever had.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenConnections(Arc<ConnectionCounts>);

#[derive(Debug, Default)]
struct ConnectionCounts {
    open: AtomicUsize,
    ever: AtomicU64,
}

/// Counts one connection as open until it is dropped.
#[derive(Debug)]
struct CountedConnection(OpenConnections);

impl OpenConnections {
    /// Number of open connections.
    pub(super) fn count(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// Number of connections since the start.
    pub(super) fn ever(&self) -> u64 {
        self.0.ever.load(Ordering::Relaxed)
    }

    fn add(&self) -> CountedConnection {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.0.ever.fetch_add(1, Ordering::Relaxed);
        CountedConnection(self.clone())
    }
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An accepted connection.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Accepted {
    /// Who is at the other end.
    pub(super) fn peer(&self) -> io::Result<Peer> {
        match self {
            Self::Tcp(stream) => Ok(Peer::Address(stream.peer_addr()?)),
            Self::Unix(stream) => {
                Ok(Peer::User(stream.peer_cred().ok().map(|user| (user.uid(), user.gid()))))
            }
        }
    }
}

/// The stream of a connection in service.
#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

/// A connection that was handed over to another runtime. That runtime's worker
/// already counts it.
#[derive(Debug)]
pub(super) struct HandedOver {
    stream: DetachedStream,
    counted: CountedConnection,
    place: ConnectionPlace,
    peer: Peer,
}

#[derive(Debug)]
enum DetachedStream {
    Tcp(net::TcpStream),
    Unix(unix::net::UnixStream),
}

/// A connection in service, with what its requests share.
pub(super) struct Adopted {
    pub(super) connection: Connection,
    pub(super) place: ConnectionPlace,
    pub(super) peer: Peer,
}

impl HandedOver {
    /// Detaches a connection from the runtime that accepted it.
    pub(super) fn detach(
        accepted: Accepted,
        to: &OpenConnections,
        place: ConnectionPlace,
        peer: Peer,
    ) -> io::Result<Self> {
        let stream = match accepted {
            Accepted::Tcp(stream) => {
                stream.set_nodelay(true)?;
                DetachedStream::Tcp(stream.into_std()?)
            }
            Accepted::Unix(stream) => DetachedStream::Unix(stream.into_std()?),
        };
        Ok(Self { stream, counted: to.add(), place, peer })
    }

    /// Attaches the connection to the current runtime.
    pub(super) fn adopt(self, control_frames_per_second_max: u32) -> io::Result<Adopted> {
        let Self { stream, counted, place, peer } = self;
        let stream = match stream {
            DetachedStream::Tcp(stream) => Stream::Tcp(TcpStream::from_std(stream)?),
            DetachedStream::Unix(stream) => Stream::Unix(UnixStream::from_std(stream)?),
        };
        let connection = Connection {
            stream,
            frames: FrameWatch::new(control_frames_per_second_max),
            progress: ConnectionProgress::default(),
            received_at_once: 0,
            _counted: counted,
        };
        Ok(Adopted { connection, place, peer })
    }
}

/// What is seen of a connection from outside while it is served.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionProgress(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    are_headers_open: AtomicBool,
    /// Since when nothing that is written is taken. Milliseconds since the first
    /// connection; 0 = it is taken.
    blocked_since: AtomicU64,
    was_flooded: AtomicBool,
}

impl ConnectionProgress {
    /// Whether a block of headers has started and not ended.
    pub(super) fn are_headers_open(&self) -> bool {
        self.0.are_headers_open.load(Ordering::Relaxed)
    }

    /// For how long nothing that is written has been taken.
    pub(super) fn blocked_for(&self) -> Duration {
        match self.0.blocked_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(milliseconds().saturating_sub(since)),
        }
    }

    /// Whether the peer was cut off because it sent frames that nothing explains.
    pub(super) fn was_flooded(&self) -> bool {
        self.0.was_flooded.load(Ordering::Relaxed)
    }

    fn headers_are_open(&self, are_open: bool) {
        if self.are_headers_open() != are_open {
            self.0.are_headers_open.store(are_open, Ordering::Relaxed);
        }
    }

    fn written<T>(&self, written: &Poll<T>) {
        let since = self.0.blocked_since.load(Ordering::Relaxed);
        match written {
            Poll::Ready(_) if since != 0 => self.0.blocked_since.store(0, Ordering::Relaxed),
            Poll::Pending if since == 0 => self.0.blocked_since.store(milliseconds(), Ordering::Relaxed),
            Poll::Ready(_) | Poll::Pending => {}
        }
    }
}

/// By the monotonic clock; never 0.
fn milliseconds() -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    u64::try_from(FIRST.get_or_init(Instant::now).elapsed().as_millis()).map_or(u64::MAX, |passed| passed + 1)
}

/// Applies an expression to a stream of either kind.
macro_rules! with_stream {
    ($connection:expr, $stream:ident => $do:expr) => {
        match &mut $connection.stream {
            Stream::Tcp($stream) => $do,
            Stream::Tls($stream) => $do,
            Stream::Unix($stream) => $do,
        }
    };
}

/// A connection in service.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    frames: FrameWatch,
    progress: ConnectionProgress,
    /// Number of bytes received since the worker could serve others.
    received_at_once: usize,
    /// Dropped together with the connection.
    _counted: CountedConnection,
}

impl Connection {
    pub(super) fn progress(&self) -> ConnectionProgress {
        self.progress.clone()
    }

    /// The connection after the handshake of TLS; one over the Unix domain socket has none.
    pub(super) async fn shake_hands(self, config: Arc<ServerConfig>) -> io::Result<Self> {
        let Self { stream, frames, progress, received_at_once, _counted } = self;
        let stream = match stream {
            Stream::Tcp(stream) => Stream::Tls(Box::new(TlsAcceptor::from(config).accept(stream).await?)),
            Stream::Tls(_) | Stream::Unix(_) => stream,
        };
        Ok(Self { stream, frames, progress, received_at_once, _counted })
    }

    /// The certificates that the peer has shown in the handshake. None: no TLS.
    pub(super) fn certificates(&self) -> Option<&[CertificateDer<'static>]> {
        match &self.stream {
            Stream::Tls(stream) => Some(stream.get_ref().1.peer_certificates().unwrap_or_default()),
            Stream::Tcp(_) | Stream::Unix(_) => None,
        }
    }

    /// Checks what was received; cuts off a peer that floods.
    fn received(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Err(flood) = self.frames.received(bytes) else {
            self.progress.headers_are_open(self.frames.are_headers_open());
            return Ok(());
        };
        self.progress.0.was_flooded.store(true, Ordering::Relaxed);
        if let Some(farewell) = self.frames.farewell() {
            let mut once = Context::from_waker(Waker::noop());
            let sent = with_stream!(self, stream => Pin::new(&mut *stream).poll_write(&mut once, &farewell));
            let flushed = with_stream!(self, stream => Pin::new(&mut *stream).poll_flush(&mut once));
            // The connection ends in any case.
            drop((sent, flushed));
        }
        Err(io::Error::other(flood))
    }

    fn sent(&mut self, slices: &[IoSlice<'_>], mut count: usize) {
        for slice in slices {
            let sent = slice.get(..count.min(slice.len())).unwrap_or_default();
            self.frames.sent(sent);
            count -= sent.len();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.received_at_once >= RECEIVED_AT_ONCE_BYTES {
            self.received_at_once = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let filled = to.filled().len();
        let read = with_stream!(self, stream => Pin::new(stream).poll_read(context, to));
        if read.is_pending() {
            self.received_at_once = 0;
        }
        ready!(read)?;
        let received = to.filled().get(filled..).unwrap_or_default();
        self.received_at_once += received.len();
        Poll::Ready(self.received(received))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = with_stream!(self, stream => Pin::new(stream).poll_write_vectored(context, slices));
        self.progress.written(&written);
        let count = ready!(written)?;
        self.sent(slices, count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Tcp(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
            Stream::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, stream => Pin::new(stream).poll_shutdown(context))
    }
}
