//! How a transaction starts: the only place that sets what a transaction depends on.
//!
//! A connection may lead to a pooler in transaction mode. There each transaction may run in another session
//! of the server, with settings that another client left behind; and a setting of Lupa for the session
//! would hold for other clients. So Lupa assumes nothing of a session and leaves nothing there:
//!
//! - Every setting is local to its transaction. The ones on which durability depends are read with the head,
//!   in the same transaction ([`require_durable`]).
//! - No statement has a name, except that of COPY, which ends with its transaction.
//! - Advisory locks are those of a transaction.
//! - `LISTEN` is used only on a connection without a pooler ([`super::pooler`]).
//!
//! INVARIANT (durable-settings): a commit counts, and proves freshness, only if its own transaction has
//! found `fsync`, `full_page_writes` and `synchronous_commit` on.

use std::time::Duration;

use tokio_postgres::Row;

use crate::store::error::ReadError;
use crate::store::place::Place;

/// The server ends a load whose reader is suspended or gone for this long. A load locks nothing that others
/// wait for. On a busy machine the rows of a country are decoded for longer than they are sent: meanwhile the
/// session is idle, or cannot send.
const LOAD_STALLED_MAX: Duration = Duration::from_secs(300);

/// The server ends a transaction that is idle for this long. It may hold the lock on the head row, and its
/// process may be suspended or gone: then the other replicas wait for at most this long. A writer sends its
/// whole transaction in two parts, and an import sends a heartbeat between its statements.
pub(super) const IDLE_IN_TRANSACTION_MAX: Duration = Duration::from_millis(800);

/// The settings that each transaction must have found, and the values that are accepted.
const DURABLE: [(&str, &[&str]); 3] =
    [("fsync", &["on"]), ("full_page_writes", &["on"]), ("synchronous_commit", &["on", "remote_apply"])];

/// Purpose of a transaction. It selects the timeouts, and whether the transaction may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reads; the caller waits.
    Read,
    /// Proves freshness: writes WAL and commits, but changes no row.
    Prove,
    /// Reads the whole store.
    Load,
    /// Changes the head row.
    Write,
    /// The same, and may take longer than any timeout.
    Import,
    /// Creates, changes or fills tables; no other process uses them meanwhile.
    Maintain,
}

/// The statements that start a transaction.
pub(super) struct Transactions {
    read: String,
    prove: String,
    load: String,
    write: String,
    import: String,
    maintain: String,
}

/// Timeouts of a transaction; zero: none.
struct Timeouts {
    statement: Duration,
    lock: Duration,
    idle: Duration,
}

impl Transactions {
    pub(super) fn new(read_timeout: Duration, write_timeout: Duration) -> Self {
        let within = |timeout| Timeouts { statement: timeout, lock: timeout, idle: IDLE_IN_TRANSACTION_MAX };
        let long = |timeout| Timeouts { statement: Duration::ZERO, ..within(timeout) };
        let unlimited = Timeouts { statement: Duration::ZERO, lock: Duration::ZERO, idle: Duration::ZERO };
        // A deposed primary still serves reads and still accepts statements that write, but without its
        // synchronous standby it cannot commit; and a commit waits for the standby only if its transaction
        // wrote WAL. A logical message is the smallest WAL record: no row is touched, and no process reads
        // it.
        let proof = "; SELECT pg_catalog.pg_logical_emit_message(true, 'lupa', 'proof')";
        Self {
            read: start("READ ONLY", &within(read_timeout), read_timeout),
            prove: start("READ WRITE", &within(read_timeout), read_timeout) + proof,
            load: start(
                "READ ONLY",
                &Timeouts { idle: LOAD_STALLED_MAX, ..long(read_timeout) },
                LOAD_STALLED_MAX,
            ),
            write: start("READ WRITE", &within(write_timeout), write_timeout),
            import: start("READ WRITE", &long(write_timeout), write_timeout),
            maintain: start("READ WRITE", &unlimited, write_timeout),
        }
    }

    /// The statements with which a transaction starts; they are sent as one message.
    pub(super) fn start(&self, purpose: Purpose) -> &str {
        match purpose {
            Purpose::Read => &self.read,
            Purpose::Prove => &self.prove,
            Purpose::Load => &self.load,
            Purpose::Write => &self.write,
            Purpose::Import => &self.import,
            Purpose::Maintain => &self.maintain,
        }
    }
}

/// - `client_min_messages`: the server reports by a warning that a commit was not replicated.
/// - `plan_cache_mode`: otherwise a plan made for an empty table is kept after the table has grown.
/// - `tcp_user_timeout`: a session whose client has vanished ends.
/// - `transaction_timeout`: since PostgreSQL 17.
fn start(access: &str, timeouts: &Timeouts, vanished: Duration) -> String {
    let Timeouts { statement, lock, idle } = timeouts;
    format!(
        "START TRANSACTION ISOLATION LEVEL READ COMMITTED, {access};
         SET LOCAL search_path = pg_catalog;
         SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                 WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true),
             set_config('client_min_messages', 'warning', true),
             set_config('plan_cache_mode', 'force_custom_plan', true),
             set_config('statement_timeout', '{statement}', true),
             set_config('lock_timeout', '{lock}', true),
             set_config('idle_in_transaction_session_timeout', '{idle}', true),
             set_config('tcp_user_timeout', '{vanished}', true),
             CASE WHEN current_setting('server_version_num')::int >= 170000
                 THEN set_config('transaction_timeout', '{statement}', true) END",
        statement = statement.as_millis(),
        lock = lock.as_millis(),
        idle = idle.as_millis(),
        vanished = vanished.as_millis(),
    )
}

/// An error unless the transaction that returned this row of the head probe commits durably.
pub(super) fn require_durable(row: &Row, place: &Place) -> Result<(), ReadError> {
    for (setting, accepted) in DURABLE {
        let found: String = row.get(setting);
        if !accepted.contains(&found.as_str()) {
            let wanted = accepted.first().copied().unwrap_or_default();
            return Err(ReadError::ServerNotDurable { store: place.clone(), setting, found, wanted });
        }
    }
    Ok(())
}
