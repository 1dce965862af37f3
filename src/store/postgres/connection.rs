//! Connections to the server: which host is tried, and what an open connection is.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time;
use tokio_postgres::error::Severity;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Row};

use super::cancel::cancel;
use super::failure::PostgresFailure;
use super::head_probe::HeadProbe;
use super::options::{Address, PostgresOptions};
use super::pooler;
use super::transaction::{Purpose, Transactions, require_durable};
use crate::policy::day::Instant;
use crate::store::error::{DriverError, OpenError, ReadError};
use crate::store::place::Place;
use crate::store::row::{self, Unreadable};

/// The oldest supported server: PostgreSQL 13.
const VERSION_NUMBER_MIN: i32 = 130_000;

/// Whether the server is a standby, its encoding and its version.
const DESCRIBE_SERVER: &str = "SELECT pg_is_in_recovery(), current_setting('server_encoding'),
    current_setting('server_version_num')::int";

/// Opens connections.
pub(super) struct Connector {
    address: Address,
    /// Index of the host that answered last.
    last: AtomicUsize,
    connect_timeout: Duration,
    read_timeout: Duration,
    transactions: Transactions,
}

/// An open connection.
pub(super) struct Session {
    pub(super) client: Client,
    /// Index of the host.
    host: usize,
    /// Whether the server has sent a warning since the last call of [`Session::has_warned`].
    has_warned: Arc<AtomicBool>,
    /// Payloads of NOTIFY.
    pub(super) notified: mpsc::UnboundedReceiver<String>,
}

impl Connector {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, OpenError> {
        let PostgresOptions { connect_timeout, read_timeout, write_timeout, .. } = *options;
        let (address, last) = (Address::of(options)?, AtomicUsize::new(0));
        let connect_timeout = address.connect_timeout.unwrap_or(connect_timeout);
        let transactions = Transactions::new(read_timeout, write_timeout);
        Ok(Self { address, last, connect_timeout, read_timeout, transactions })
    }

    pub(super) fn place(&self) -> &Place {
        &self.address.place
    }

    /// Connects to the primary, and checks what does not change while it runs.
    pub(super) async fn connect(&self) -> Result<Session, ReadError> {
        let (session, row) = self.connect_any().await.map_err(|source| self.unreachable(source))?;
        let encoding: String = row.get(1);
        if encoding != "UTF8" {
            let (setting, wanted) = ("server_encoding", "UTF8");
            let store = self.place().clone();
            return Err(ReadError::ServerNotDurable { store, setting, found: encoding, wanted });
        }
        let version: i32 = row.get(2);
        if version < VERSION_NUMBER_MIN {
            let (store, least) = (self.place().clone(), VERSION_NUMBER_MIN);
            return Err(ReadError::ServerTooOld { store, found: version, least });
        }
        Ok(session)
    }

    /// Tries the hosts in turn, starting with the one that answered last, until one is the primary. A frozen
    /// server accepts the connection and never answers, so the timeout covers everything.
    async fn connect_any(&self) -> Result<(Session, Row), PostgresFailure> {
        let last = self.last.load(Ordering::Relaxed);
        let hosts = self.address.hosts.iter().enumerate();
        let (before, after): (Vec<_>, Vec<_>) = hosts.partition(|(place, _)| *place < last);
        let mut failures = Vec::new();
        for (place, host) in after.into_iter().chain(before) {
            let failure =
                match time::timeout(self.connect_timeout, self.connect_to(place, &host.config)).await {
                    Ok(Ok((_, row))) if row.get(0) => PostgresFailure::standby(),
                    Ok(Ok(connected)) => {
                        self.last.store(place, Ordering::Relaxed);
                        return Ok(connected);
                    }
                    Ok(Err(error)) => error.into(),
                    Err(_) => PostgresFailure::timed_out(),
                };
            failures.push((host.name.as_str(), failure));
        }
        Err(PostgresFailure::of_hosts(&failures))
    }

    async fn connect_to(
        &self,
        place: usize,
        config: &Config,
    ) -> Result<(Session, Row), tokio_postgres::Error> {
        let tls = &self.address.tls;
        let (notifications, notified) = mpsc::unbounded_channel();
        let has_warned = Arc::new(AtomicBool::new(false));
        let client = match tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                tokio::spawn(drive(connection, Arc::clone(&has_warned), notifications));
                client
            }
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(drive(connection, Arc::clone(&has_warned), notifications));
                client
            }
        };
        let (_, row, ()) = tokio::try_join!(
            biased;
            client.batch_execute(self.start(Purpose::Read)),
            client.query_typed_one(DESCRIBE_SERVER, &[]),
            client.batch_execute("COMMIT"),
        )?;
        Ok((Session { client, host: place, has_warned, notified }, row))
    }

    /// Cancels the statement that a session waits for. Not for a transaction that has changed rows: if it
    /// is cancelled while its commit waits for a standby, it is committed and visible but not replicated.
    pub(super) async fn cancel(&self, session: &Session) {
        let cancel = async {
            let request = pooler::cancel_request(session, self.is_encrypted()).await?;
            let host = self.address.hosts.get(session.host).ok_or_else(PostgresFailure::timed_out)?;
            let (port, host) = (host.config.get_ports().first(), host.config.get_hosts().first());
            let (host, port) = host.zip(port).ok_or_else(PostgresFailure::timed_out)?;
            let sent = cancel(host, *port, self.address.tls.as_ref(), &request).await;
            sent.map_err(|error| PostgresFailure::of_io(&error))
        };
        // If the request cannot be sent, the server ends the session once it notices the closed
        // connection.
        drop(time::timeout(self.connect_timeout, cancel).await);
    }

    /// The statements that start a transaction.
    pub(super) fn start(&self, purpose: Purpose) -> &str {
        self.transactions.start(purpose)
    }

    /// The server did not answer, or refused a request.
    pub(super) fn unreachable(&self, source: PostgresFailure) -> ReadError {
        if source.is_refusal() {
            return ReadError::Refused { store: self.place().clone(), source: DriverError::new(source) };
        }
        ReadError::Unreachable { store: self.place().clone(), source: DriverError::new(source) }
    }

    /// The server answered and refused the request.
    pub(super) fn refused(&self, source: tokio_postgres::Error) -> ReadError {
        ReadError::Refused {
            store: self.place().clone(),
            source: DriverError::new(PostgresFailure::from(source)),
        }
    }

    pub(super) fn parse_probe(&self, row: &Row) -> Result<HeadProbe, ReadError> {
        require_durable(row, self.place())?;
        HeadProbe::of(row).map_err(|Unreadable| self.damaged("the time of its last change does not exist"))
    }

    /// A row of [`head_probe::READ_CLOCK`].
    pub(super) fn parse_clock(&self, row: &Row) -> Result<Instant, ReadError> {
        row::instant(row.get(0)).map_err(|Unreadable| self.damaged("the time of its server does not exist"))
    }

    pub(super) fn damaged(&self, finding: &str) -> ReadError {
        ReadError::Damaged { store: self.place().clone(), finding: finding.to_owned(), source: None }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.address.tls.is_some()
    }

    pub(super) fn read_timeout(&self) -> Duration {
        self.read_timeout
    }
}

impl Session {
    /// Whether the server has sent a warning since the last call. If the wait for a synchronous standby
    /// is cancelled, the server reports the commit as done and sends a warning:
    /// <https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION>.
    pub(super) fn has_warned(&self) -> bool {
        self.has_warned.swap(false, Ordering::AcqRel)
    }
}

/// Reads from the server until the connection closes. The flag for a warning is set before the response
/// that follows it is delivered.
async fn drive<S, T>(
    mut connection: Connection<S, T>,
    has_warned: Arc<AtomicBool>,
    notifications: mpsc::UnboundedSender<String>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            AsyncMessage::Notice(notice) => {
                let is_warning = matches!(notice.parsed_severity(), Some(Severity::Warning) | None);
                has_warned.fetch_or(is_warning, Ordering::AcqRel);
            }
            AsyncMessage::Notification(notification) => {
                // If the receiver is gone, the connection closes soon.
                drop(notifications.send(notification.payload().to_owned()));
            }
            _ => {}
        }
    }
}
