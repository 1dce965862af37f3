//! Connections to the server: which host is tried, and the session settings that make a commit durable.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time;
use tokio_postgres::error::Severity;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Row};

use super::failure::PostgresFailure;
use super::head_probe::HeadProbe;
use super::options::{Address, PostgresOptions};
use crate::store::error::{DriverError, OpenError, ReadError};
use crate::store::place::Place;
use crate::store::row::Unreadable;

/// The oldest supported server: PostgreSQL 13.
const VERSION_NUMBER_MIN: i32 = 130_000;

/// The server ends a transaction that is idle for this long: it may hold the lock on the head row, and
/// the process that opened it may be gone.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);

/// Opens connections.
pub(super) struct Connector {
    address: Address,
    /// Index of the host that answered last.
    last: AtomicUsize,
    connect_timeout: Duration,
    read_timeout: Duration,
    write_timeout: Duration,
}

/// An open connection.
pub(super) struct Session {
    pub(super) client: Client,
    /// Whether the server has sent a warning since the last call of [`Session::has_warned`].
    has_warned: Arc<AtomicBool>,
    /// Payloads of NOTIFY.
    pub(super) notified: mpsc::UnboundedReceiver<String>,
}

/// Purpose of a connection. It selects the timeouts, and whether transactions may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
}

impl Connector {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, OpenError> {
        let PostgresOptions { connect_timeout, read_timeout, write_timeout, .. } = *options;
        let (address, last) = (Address::of(options)?, AtomicUsize::new(0));
        Ok(Self { address, last, connect_timeout, read_timeout, write_timeout })
    }

    pub(super) fn place(&self) -> &Place {
        &self.address.place
    }

    /// Connects, sets the session's settings and checks the ones on which durability depends.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<Session, ReadError> {
        let session = self.connect_any().await.map_err(|source| self.unreachable(source))?;
        let settings = async {
            session.client.batch_execute(&self.settings(purpose)).await?;
            session
                .client
                .query_one(
                    "SELECT current_setting('fsync'), current_setting('full_page_writes'),
                         current_setting('synchronous_commit'), current_setting('transaction_isolation'),
                         current_setting('server_encoding'), current_setting('server_version_num')::int",
                    &[],
                )
                .await
        };
        let row = settings.await.map_err(|error| self.unreachable(error.into()))?;
        let wanted: [(&'static str, &[&'static str]); 5] = [
            ("fsync", &["on"]),
            ("full_page_writes", &["on"]),
            ("synchronous_commit", &["on", "remote_apply"]),
            ("transaction_isolation", &["read committed"]),
            ("server_encoding", &["UTF8"]),
        ];
        for (column, (setting, may_be)) in wanted.into_iter().enumerate() {
            let found: String = row.get(column);
            if !may_be.contains(&found.as_str()) {
                let wanted = may_be.first().copied().unwrap_or_default();
                return Err(ReadError::ServerNotDurable {
                    store: self.place().clone(),
                    setting,
                    found,
                    wanted,
                });
            }
        }
        let version: i32 = row.get(wanted.len());
        if version < VERSION_NUMBER_MIN {
            let (store, least) = (self.place().clone(), VERSION_NUMBER_MIN);
            return Err(ReadError::ServerTooOld { store, found: version, least });
        }
        Ok(session)
    }

    /// Tries the hosts in turn, starting with the one that answered last. A frozen server accepts the
    /// connection and never answers, so the timeout covers the whole handshake.
    async fn connect_any(&self) -> Result<Session, PostgresFailure> {
        let last = self.last.load(Ordering::Relaxed);
        let hosts = self.address.hosts.iter().enumerate();
        let (before, after): (Vec<_>, Vec<_>) = hosts.partition(|(place, _)| *place < last);
        let mut failure = PostgresFailure::timed_out();
        for (place, host) in after.into_iter().chain(before) {
            match time::timeout(self.connect_timeout, self.connect_to(host)).await {
                Ok(Ok(session)) => {
                    self.last.store(place, Ordering::Relaxed);
                    return Ok(session);
                }
                Ok(Err(error)) => failure = error.into(),
                Err(_) => failure = PostgresFailure::timed_out(),
            }
        }
        Err(failure)
    }

    async fn connect_to(&self, config: &Config) -> Result<Session, tokio_postgres::Error> {
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
        Ok(Session { client, has_warned, notified })
    }

    /// Cancels the statement that a session waits for. Not for a transaction that has changed rows: if it
    /// is cancelled while its commit waits for a standby, it is committed and visible but not replicated.
    pub(super) async fn cancel(&self, session: &Session) {
        let token = session.client.cancel_token();
        let cancel = async {
            match &self.address.tls {
                Some(tls) => token.cancel_query(tls.clone()).await,
                None => token.cancel_query(NoTls).await,
            }
        };
        // If the request cannot be sent, the server ends the session once it notices the closed
        // connection.
        drop(time::timeout(self.connect_timeout, cancel).await);
    }

    /// Settings of every session. They override those of the server and of the role.
    fn settings(&self, purpose: Purpose) -> String {
        let timeout = match purpose {
            Purpose::Read => self.read_timeout,
            Purpose::Write => self.write_timeout,
        };
        // Without `force_custom_plan` a plan made for an empty table is kept after the table has grown.
        format!(
            "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                 WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false);
             SET default_transaction_isolation = 'read committed';
             SET default_transaction_read_only = {};
             SET statement_timeout = {timeout};
             SET lock_timeout = {timeout};
             SET idle_in_transaction_session_timeout = {};
             SET tcp_user_timeout = {timeout};
             SET plan_cache_mode = force_custom_plan;
             SET search_path = pg_catalog;",
            if purpose == Purpose::Read { "on" } else { "off" },
            IDLE_IN_TRANSACTION.as_millis(),
            timeout = timeout.as_millis(),
        )
    }

    pub(super) fn unreachable(&self, source: PostgresFailure) -> ReadError {
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
        HeadProbe::of(row).map_err(|Unreadable| self.damaged("the time of its last change does not exist"))
    }

    pub(super) fn damaged(&self, finding: &str) -> ReadError {
        ReadError::Damaged { store: self.place().clone(), finding: finding.to_owned(), source: None }
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
