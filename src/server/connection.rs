//! A connection, over TCP or a Unix domain socket, counted while it is open.

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

/// How many connections are open, and how many ever were.
#[derive(Clone, Debug, Default)]
pub(super) struct Open(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    ever: AtomicU64,
}

/// One connection among those that are open.
#[derive(Debug)]
struct Counted(Open);

impl Open {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// How many there have been.
    pub(super) fn ever(&self) -> u64 {
        self.0.ever.load(Ordering::Relaxed)
    }

    fn add(&self) -> Counted {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.0.ever.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection as it was accepted.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connection on its way to the runtime that will serve it. It counts there already.
#[derive(Debug)]
pub(super) struct Handed {
    stream: HandedStream,
    counted: Counted,
}

#[derive(Debug)]
enum HandedStream {
    Tcp(net::TcpStream),
    Unix(unix::net::UnixStream),
}

impl Handed {
    /// Takes a connection out of the runtime that accepted it.
    pub(super) fn over(accepted: Accepted, to: &Open) -> io::Result<Self> {
        let stream = match accepted {
            Accepted::Tcp(stream) => {
                stream.set_nodelay(true)?;
                HandedStream::Tcp(stream.into_std()?)
            }
            Accepted::Unix(stream) => HandedStream::Unix(stream.into_std()?),
        };
        Ok(Self { stream, counted: to.add() })
    }

    /// Takes it up in the runtime that this is called in.
    pub(super) fn take_up(self) -> io::Result<Connection> {
        let Self { stream, counted } = self;
        let stream = match stream {
            HandedStream::Tcp(stream) => Accepted::Tcp(TcpStream::from_std(stream)?),
            HandedStream::Unix(stream) => Accepted::Unix(UnixStream::from_std(stream)?),
        };
        Ok(Connection { stream, _counted: counted })
    }
}

/// A connection that is served.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Accepted,
    /// Until the connection is dropped.
    _counted: Counted,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    /// Who is at a socket of this machine has no address.
    fn connect_info(&self) -> TcpConnectInfo {
        match &self.stream {
            Accepted::Tcp(stream) => stream.connect_info(),
            Accepted::Unix(_) => TcpConnectInfo { local_addr: None, remote_addr: None },
        }
    }
}

/// Does the same with a stream of either kind.
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
