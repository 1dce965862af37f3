//! A TCP connection, counted while it is open.

use std::io::{self, IoSlice};
use std::net;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// How many connections are open.
#[derive(Clone, Debug, Default)]
pub(super) struct Open(Arc<AtomicUsize>);

/// One connection among those that are open.
#[derive(Debug)]
struct Counted(Open);

impl Open {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection on its way to the runtime that will serve it. It counts there already.
#[derive(Debug)]
pub(super) struct Handed {
    stream: net::TcpStream,
    counted: Counted,
}

impl Handed {
    /// Takes a connection out of the runtime that accepted it.
    pub(super) fn over(stream: TcpStream, to: &Open) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream: stream.into_std()?, counted: to.add() })
    }

    /// Takes it up in the runtime that this is called in.
    pub(super) fn take_up(self) -> io::Result<Connection> {
        let Self { stream, counted } = self;
        Ok(Connection { stream: TcpStream::from_std(stream)?, _counted: counted })
    }
}

/// A connection that is served.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    /// Until the connection is dropped.
    _counted: Counted,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, to)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
