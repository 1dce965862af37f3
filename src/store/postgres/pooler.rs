//! Detects a pooler between this process and the server, such as PgBouncer.
//!
//! `LISTEN` belongs to a session. Through a pooler in transaction mode its notifications would be lost, and
//! the session would stay behind for other clients. A server gives each connection the id of its own
//! process, as part of the key that cancels a statement; a pooler gives a key of its own.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::connection::Session;
use super::failure::PostgresFailure;

/// Length of a request for encryption, which precedes the other request if the connection is encrypted.
const ENCRYPTION_REQUEST_BYTES: usize = 8;

/// Length of a request to cancel, and the place of the process id in it:
/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>.
const CANCEL_REQUEST_BYTES: usize = 16;
const PROCESS_ID_AT: std::ops::Range<usize> = 8..12;

/// Whether the connection leads to a session of its own on the server.
pub(super) async fn is_direct(session: &Session, is_encrypted: bool) -> Result<bool, PostgresFailure> {
    let sql = "SELECT pg_catalog.pg_backend_pid()";
    let process_id: i32 = session.client.query_typed_one(sql, &[]).await?.get(0);
    let request = cancel_request(session, is_encrypted).await?;
    let id = request.get(PROCESS_ID_AT).and_then(|id| id.try_into().ok()).unwrap_or_default();
    Ok(i32::from_be_bytes(id) == process_id)
}

/// The message that cancels the statement of a connection. The driver does not reveal the key in it, so the
/// driver writes the message to a buffer here.
pub(super) async fn cancel_request(
    session: &Session,
    is_encrypted: bool,
) -> Result<[u8; CANCEL_REQUEST_BYTES], PostgresFailure> {
    let (mut written, stream) = tokio::io::duplex(ENCRYPTION_REQUEST_BYTES + CANCEL_REQUEST_BYTES);
    let read = async {
        if is_encrypted {
            written.read_exact(&mut [0; ENCRYPTION_REQUEST_BYTES]).await?;
            written.write_all(b"S").await?;
        }
        let mut request = [0; CANCEL_REQUEST_BYTES];
        written.read_exact(&mut request).await?;
        Ok(request)
    };
    let cancel = async { Ok(session.client.cancel_token().cancel_query_raw(stream, Unencrypted).await) };
    let read: io::Result<_> = tokio::try_join!(read, cancel);
    let (request, cancelled) = read.map_err(|error| PostgresFailure::of_io(&error))?;
    cancelled?;
    Ok(request)
}

/// A connection in memory needs no encryption.
struct Unencrypted;

/// The same, once it is connected.
struct InMemory(DuplexStream);

impl TlsConnect<DuplexStream> for Unencrypted {
    type Stream = InMemory;
    type Error = io::Error;
    type Future = Ready<io::Result<InMemory>>;

    fn connect(self, stream: DuplexStream) -> Self::Future {
        ready(Ok(InMemory(stream)))
    }
}

impl TlsStream for InMemory {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for InMemory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for InMemory {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
