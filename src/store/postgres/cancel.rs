//! Cancels the statement that a connection waits for, by a connection of its own:
//! <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS>.
//!
//! The driver closes that connection as soon as it has sent the request, and PgBouncer 1.18 then ends with
//! a fatal error. Here the server closes it, as with libpq.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::Host;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Asks the server to encrypt the connection: the length of the message and its code.
const ENCRYPTION_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Sends a request to cancel to a host, and waits until the host has received it.
pub(super) async fn cancel(
    host: &Host,
    port: u16,
    tls: Option<&MakeRustlsConnect>,
    request: &[u8],
) -> io::Result<()> {
    match (host, tls) {
        (Host::Unix(folder), _) => {
            send(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?, request).await
        }
        (Host::Tcp(name), None) => send(TcpStream::connect((name.as_str(), port)).await?, request).await,
        (Host::Tcp(name), Some(tls)) => {
            let mut stream = TcpStream::connect((name.as_str(), port)).await?;
            stream.write_all(&ENCRYPTION_REQUEST).await?;
            if stream.read_u8().await? != b'S' {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let mut tls = tls.clone();
            let tls =
                MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, name).map_err(io::Error::other)?;
            send(tls.connect(stream).await.map_err(io::Error::other)?, request).await
        }
    }
}

async fn send(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> io::Result<()> {
    stream.write_all(request).await?;
    stream.flush().await?;
    stream.read(&mut [0]).await.map(drop)
}
