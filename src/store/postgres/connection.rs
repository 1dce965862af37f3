//! A connection to the server, with its settings.

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
use super::look::Look;
use super::options::{Address, PostgresOptions};
use crate::store::error::StoreError;
use crate::store::place::Place;
use crate::store::row::Unreadable;

/// The oldest server that is supported.
const VERSION_NUMBER_MIN: i32 = 130_000;

/// A transaction that does nothing for so long is ended by the server: it may
/// hold the lock for which all others wait, and its client may be gone.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);

/// Connects.
pub(super) struct Connector {
    address: Address,
    /// Which host answered last.
    last: AtomicUsize,
    connect_timeout: Duration,
    read_timeout: Duration,
    write_timeout: Duration,
}

/// A connection in use.
pub(super) struct Session {
    pub(super) client: Client,
    /// The server has warned of something since this was last looked at.
    has_warned: Arc<AtomicBool>,
    /// What is told by NOTIFY.
    pub(super) notified: mpsc::UnboundedReceiver<String>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
}

impl Connector {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, StoreError> {
        let PostgresOptions { connect_timeout, read_timeout, write_timeout, .. } = *options;
        let (address, last) = (Address::of(options)?, AtomicUsize::new(0));
        Ok(Self { address, last, connect_timeout, read_timeout, write_timeout })
    }

    pub(super) fn place(&self) -> &Place {
        &self.address.place
    }

    /// Connects, and makes sure of the settings by which the server keeps what
    /// it says that it has committed.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<Session, StoreError> {
        let session = self.begin().await.map_err(|source| self.unreachable(source))?;
        let asked = async {
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
        let row = asked.await.map_err(|error| self.unreachable(error.into()))?;
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
                return Err(StoreError::ServerNotDurable {
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
            return Err(StoreError::ServerTooOld { store, found: version, least });
        }
        Ok(session)
    }

    /// Tries one host after the other, beginning with the one that answered
    /// last. One that is frozen accepts and then says nothing: so the limit is
    /// on all of it.
    async fn begin(&self) -> Result<Session, PostgresFailure> {
        let last = self.last.load(Ordering::Relaxed);
        let hosts = self.address.hosts.iter().enumerate();
        let (before, after): (Vec<_>, Vec<_>) = hosts.partition(|(place, _)| *place < last);
        let mut failure = PostgresFailure::timed_out();
        for (place, host) in after.into_iter().chain(before) {
            match time::timeout(self.connect_timeout, self.begin_at(host)).await {
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

    async fn begin_at(&self, config: &Config) -> Result<Session, tokio_postgres::Error> {
        let tls = &self.address.tls;
        let (told, notified) = mpsc::unbounded_channel();
        let has_warned = Arc::new(AtomicBool::new(false));
        let client = match tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                tokio::spawn(drive(connection, Arc::clone(&has_warned), told));
                client
            }
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(drive(connection, Arc::clone(&has_warned), told));
                client
            }
        };
        Ok(Session { client, has_warned, notified })
    }

    /// Has the server give up what a session waits for, if that can be asked of
    /// it. Not for a transaction that has changed something: cancelled while it
    /// waits for a standby, it is committed and seen, and not replicated.
    pub(super) async fn cancel(&self, session: &Session) {
        let token = session.client.cancel_token();
        let cancel = async {
            match &self.address.tls {
                Some(tls) => token.cancel_query(tls.clone()).await,
                None => token.cancel_query(NoTls).await,
            }
        };
        // If it cannot be asked, it ends when the server notices that nobody is there.
        drop(time::timeout(self.connect_timeout, cancel).await);
    }

    /// What each session is set to, whatever the server and the role have.
    fn settings(&self, purpose: Purpose) -> String {
        let timeout = match purpose {
            Purpose::Read => self.read_timeout,
            Purpose::Write => self.write_timeout,
        };
        // A plan that was made for an empty table is not kept until it is large.
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

    pub(super) fn unreachable(&self, source: PostgresFailure) -> StoreError {
        StoreError::Unreachable { store: self.place().clone(), source }
    }

    /// The server has answered, and refuses.
    pub(super) fn refused(&self, source: tokio_postgres::Error) -> StoreError {
        StoreError::Server { store: self.place().clone(), source: source.into() }
    }

    /// What a look has found.
    pub(super) fn look_of(&self, row: &Row) -> Result<Look, StoreError> {
        Look::of(row).map_err(|Unreadable| self.damaged("the time of its last change does not exist"))
    }

    pub(super) fn damaged(&self, finding: &str) -> StoreError {
        StoreError::Damaged { store: self.place().clone(), finding: finding.to_owned(), source: None }
    }

    pub(super) fn read_timeout(&self) -> Duration {
        self.read_timeout
    }
}

impl Session {
    /// Whether the server has warned since this was asked last. A commit whose
    /// wait for a standby was cancelled is said to be done, with a warning:
    /// <https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION>.
    pub(super) fn has_warned(&self) -> bool {
        self.has_warned.swap(false, Ordering::AcqRel)
    }
}

/// Reads what the server sends until the connection ends. Warnings are noted
/// before the answer that they precede is handed on.
async fn drive<S, T>(
    mut connection: Connection<S, T>,
    has_warned: Arc<AtomicBool>,
    told: mpsc::UnboundedSender<String>,
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
                // Nobody listens any more: the connection ends soon.
                drop(told.send(notification.payload().to_owned()));
            }
            _ => {}
        }
    }
}
