//! Connections over TCP or a Unix domain socket, counted while they are open.

use std::io::{self, IoSlice};
use std::net;
use std::os::unix;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tonic::transport::server::{Connected, TcpConnectInfo};

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

/// A connection that was handed over to another runtime. That runtime's worker
/// already counts it.
#[derive(Debug)]
pub(super) struct HandedOver {
    stream: DetachedStream,
    counted: CountedConnection,
}

#[derive(Debug)]
enum DetachedStream {
    Tcp(net::TcpStream),
    Unix(unix::net::UnixStream),
}

impl HandedOver {
    /// Detaches a connection from the runtime that accepted it.
    pub(super) fn detach(accepted: Accepted, to: &OpenConnections) -> io::Result<Self> {
        let stream = match accepted {
            Accepted::Tcp(stream) => {
                stream.set_nodelay(true)?;
                DetachedStream::Tcp(stream.into_std()?)
            }
            Accepted::Unix(stream) => DetachedStream::Unix(stream.into_std()?),
        };
        Ok(Self { stream, counted: to.add() })
    }

    /// Attaches the connection to the current runtime.
    pub(super) fn adopt(self) -> io::Result<Connection> {
        let Self { stream, counted } = self;
        let stream = match stream {
            DetachedStream::Tcp(stream) => Accepted::Tcp(TcpStream::from_std(stream)?),
            DetachedStream::Unix(stream) => Accepted::Unix(UnixStream::from_std(stream)?),
        };
        Ok(Connection { stream, _counted: counted })
    }
}

/// A connection in service.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Accepted,
    /// Dropped together with the connection.
    _counted: CountedConnection,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    /// A caller on a Unix domain socket has no address.
    fn connect_info(&self) -> TcpConnectInfo {
        match &self.stream {
            Accepted::Tcp(stream) => stream.connect_info(),
            Accepted::Unix(_) => TcpConnectInfo { local_addr: None, remote_addr: None },
        }
    }
}

/// Applies an expression to a stream of either kind.
macro_rules! with_stream {
    ($connection:expr, $stream:ident => $do:expr) => {
        match &mut $connection.stream {
            Accepted::Tcp($stream) => $do,
            Accepted::Unix($stream) => $do,
        }
    };
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        with_stream!(self, stream => Pin::new(stream).poll_read(context, to))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        with_stream!(self, stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        with_stream!(self, stream => Pin::new(stream).poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Accepted::Tcp(stream) => stream.is_write_vectored(),
            Accepted::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, stream => Pin::new(stream).poll_shutdown(context))
    }
}
