//! The shared store: one PostgreSQL database that any number of Lupa processes (replicas) write and
//! follow. All coordination goes through the database; the replicas do not know each other.
//!
//! ```text
//!  replica A                          primary                               replica B
//!  writer ── BEGIN                     lupa.head   one row                  follower
//!            lock the head row ──────▶   epoch, revision, commit_id,          poll ─▶ probe the head
//!            insert, move the head ──▶   timeline, system_identifier                 read the new changes
//!            NOTIFY, COMMIT ─────────▶ lupa.change   one row a change         ◀─ hint: NOTIFY
//!                         │                 │ WAL
//!                         │                 ▼
//!                         └─ waits ───▶ synchronous standby
//! ```
//!
//! # Writing
//! *Revisions* number the changes 1, 2, 3, … in commit order. A sequence cannot do that: transactions
//! commit in another order than they draw numbers, and a poller that has seen 2 would never read 1. So
//! every writing transaction locks the one row of `lupa.head` (`SELECT … FOR UPDATE`), numbers its changes
//! from there and moves the head. The lock is held until the commit, also against other replicas. It
//! makes commits serial, so each one carries all waiting requests (*group commit*, [`write`]). A commit is
//! acknowledged only with `synchronous_commit` on: it is in the WAL of the primary and, if there is one,
//! of the synchronous standby. If no answer comes, the outcome is unknown; the idempotency key resolves it.
//!
//! # Following, and the freshness proof
//! A replica polls: it *probes* the head, and reads the changes after its own revision. NOTIFY only
//! wakes it earlier ([`listen`]); a lost notification costs one poll interval. To decide, a replica must
//! know that no newer change was acknowledged elsewhere. A plain read cannot show that: a *deposed
//! primary*, cut off and replaced by its standby, still answers reads. But it cannot commit, because its
//! synchronous standby no longer confirms. So a poll that must prove freshness runs in a transaction that
//! writes a few bytes of WAL and commits ([`server`]). This *fences* the deposed primary without a lease or
//! a clock. It requires a synchronous standby; with asynchronous ones a deposed primary can still commit.
//!
//! # Failover and restore
//! The *epoch*, a UUID in the head row, names the history that revisions and consistency tokens count in.
//! A promoted standby or a restored backup may lack acknowledged commits; then the same revision numbers
//! would name other changes. PostgreSQL shows the event: a promotion or point-in-time restore starts a new
//! *timeline*, another cluster has another *system identifier*. The head row names the pair on which the
//! history was last verified. Every commit also stores a random `commit_id`, and each replica remembers the
//! last commit that it saw ([`replica_state`]). After an event:
//!
//! 1. *Probe.* One statement reads the head row, the server's timeline and the `commit_id` at the last
//!    seen revision ([`head_probe`]).
//! 2. *History check.* Same timeline and the last seen commit is there: intact. Another timeline: not
//!    yet verified. Commit missing or replaced, on whatever timeline: commits are lost.
//! 3. *Verify,* with the head row locked ([`failover`]). A replica whose last seen commit is there writes
//!    the new timeline to the head row, and the epoch continues. One that misses it starts a new epoch.
//! 4. *Settle timeout.* A replica that has seen no commit, because it has just started, cannot decide. It
//!    waits `store.settle_timeout_ms` for one that can, and then starts a new epoch.
//! 5. *New epoch.* The other replicas find it with their next probe, drop their index and load the store
//!    again. Until then they serve nothing. Tokens of the old epoch are refused.
//!
//! A replica that only reads never writes the head row: it waits for step 3 or 4 of another one.
//!
//! INVARIANT (durable): no answer is sent before the server has committed with synchronous commit on. A
//! commit that is not answered is *unknown*, and resolved by its idempotency key.
//! INVARIANT (locked-head): revisions are assigned while the row of `lupa.head` is locked, and the lock is
//! held until they are committed.
//! INVARIANT (committed-proof): freshness is proven by a commit: a deposed primary cannot commit.
//! INVARIANT (settled): after a failover or restore nothing is served, committed or reported fresh until
//! this server and timeline are verified to hold every acknowledged commit, or a new epoch has started.

mod arrays;
mod connection;
mod copy;
mod failover;
mod failure;
mod head_probe;
mod import;
mod listen;
mod options;
mod pool;
mod read;
mod replica_state;
mod runtime;
mod schema;
mod server;
mod write;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};

pub(super) use copy::copy_in;
use failure::PostgresFailure;
pub use options::{Password, PostgresOptions, PostgresTls};

use super::backend::Backend;
use super::change::{Change, ChangeBatch, ChangedClient, Epoch, IndexChange, Point, Revision};
use super::error::{OpenError, ReadError};
use super::history::{Histories, PersonHistory};
use super::id::DeclarationIds;
use super::options::StoreOptions;
use super::place::Place;
use super::stored_change::StoredChange;
use super::table::{ChangeRow, ViewingRow};
use super::writer::{Opened, WriterHandle, WriterStatus};
use crate::policy::client_id::ClientId;
use connection::{Connector, Purpose, Session};
use listen::listen;
use pool::Sessions;
use replica_state::ReplicaState;
use runtime::Background;
use server::{PostgresServer, ReadMode};
use write::PostgresWriter;

/// Maximum number of load batches queued for the thread that decodes them.
const LOAD_BATCHES_QUEUED_MAX: usize = 4;

/// The database, connected.
pub(super) struct Postgres {
    server: Arc<PostgresServer>,
    runtime: Arc<Background>,
    /// For reads that may take long.
    pool: Sessions,
    /// The connection of the follower; `None` until it is opened, and after a failure.
    following: Arc<Mutex<Option<Session>>>,
}

impl Postgres {
    /// See [`super::Store::connect`].
    pub(super) fn open(given: &PostgresOptions, options: StoreOptions) -> Result<Opened<Self>, OpenError> {
        let runtime = Arc::new(Background::start()?);
        let connector = Connector::new(given)?;
        let read_only = given.read_only;
        let opened = runtime.wait(async move {
            let purpose = if read_only { Purpose::Read } else { Purpose::Write };
            let session = connector.connect(purpose).await?;
            if read_only {
                schema::require(&connector, &session).await?;
            } else {
                schema::migrate(&connector, &session).await?;
                schema::register_max_staleness(&connector, &session, options.max_staleness).await?;
            }
            let (identity, probe) = schema::identity(&connector, &session).await?;
            if options.max_staleness > identity.max_staleness {
                return Err(OpenError::StalenessTooLong {
                    store: connector.place().clone(),
                    own: options.max_staleness,
                    most: identity.max_staleness,
                });
            }
            Ok::<_, OpenError>((connector, session, identity, probe))
        });
        let (connector, session, identity, probe) = opened??;
        let server = Arc::new(PostgresServer {
            connector,
            state: ReplicaState::new(identity.epoch),
            ids: identity.ids,
            token_key: identity.token_key,
            write_timeout: given.write_timeout,
            settle_timeout: given.settle_timeout,
            read_only,
        });
        let status = Arc::new(WriterStatus::new(probe.head.revision));
        runtime.handle()?.spawn(listen(Arc::clone(&server), Arc::downgrade(&status)));
        let pool = Sessions::new(Arc::clone(&server), options.read_connections_max.max(1))?;
        let writer = if read_only {
            None
        } else {
            let writer = PostgresWriter {
                server: Arc::clone(&server),
                runtime: runtime.handle()?.clone(),
                background: Arc::clone(&runtime),
                clock: options.clock,
                group_commit_max: options.group_commit_max.max(1),
                status: Arc::clone(&status),
                session: Some(session),
                is_commit_sent: false,
            };
            Some(WriterHandle::start(options.queue_length_max, Vec::new(), &status, writer)?)
        };
        Ok(Opened { backend: Self { server, runtime, pool, following: Arc::default() }, writer, status })
    }

    /// Reads the next changes after a revision through the follower's connection, and decodes them.
    fn next_changes<T>(
        &self,
        after: Revision,
        (epoch, mode): (Option<Epoch>, ReadMode),
        limit: usize,
        decode: impl Fn(StoredChange<'_>) -> Result<T, &'static str>,
    ) -> Result<Vec<T>, ReadError> {
        let (server, following) = (Arc::clone(&self.server), Arc::clone(&self.following));
        let rows = self.runtime.wait(async move {
            let read = async |session: &Session| {
                let last = server.probe_up_to(session, mode, (epoch, after)).await?.head.revision;
                let expected = usize::try_from(last.0 - after.0).unwrap_or(usize::MAX).min(limit);
                let rows = match expected {
                    0 => Vec::new(),
                    _ => read::rows_since(session, after, last, limit)
                        .await
                        .map_err(|error| server.unreachable(error.into()))?,
                };
                Ok((rows, expected))
            };
            server.read_through(&following, read).await
        })??;
        let (rows, expected) = rows;
        let changes = read::in_order(&rows, after, &self.server.place(), decode)?;
        if changes.len() < expected {
            let after = Revision(after.0 + changes.len() as u64);
            return Err(ReadError::Hole { store: self.server.place(), after });
        }
        Ok(changes)
    }
}

impl Backend for Postgres {
    fn place(&self) -> Place {
        self.server.place()
    }

    fn file(&self) -> Option<&Path> {
        None
    }

    fn epoch(&self) -> Epoch {
        self.server.state.get().epoch
    }

    fn token_key(&self) -> &[u8; 32] {
        &self.server.token_key
    }

    fn declaration_ids(&self) -> DeclarationIds {
        self.server.ids
    }

    fn last_revision(&self) -> Result<Revision, ReadError> {
        let (server, following) = (Arc::clone(&self.server), Arc::clone(&self.following));
        let probe = self.runtime.wait(async move {
            let read = async |session: &Session| server.probe_head(session, ReadMode::Plain).await;
            server.read_through(&following, read).await
        })??;
        Ok(probe.head.revision)
    }

    fn load_range(
        &self,
        after: Revision,
        until: Revision,
        each: &mut dyn FnMut(IndexChange) -> bool,
    ) -> Result<Revision, ReadError> {
        let (batches, mut received) = mpsc::channel(LOAD_BATCHES_QUEUED_MAX);
        let server = Arc::clone(&self.server);
        self.runtime.handle()?.spawn(async move {
            match server.connector.connect(Purpose::Read).await {
                Ok(session) => read::copy_range(&server.connector, session, (after, until), batches).await,
                // If the receiver is gone, there is no caller to report the error to.
                Err(error) => drop(batches.send(Err(error)).await),
            }
        });
        let (place, ids) = (self.server.place(), self.server.ids);
        let decode = |columns: StoredChange<'_>| columns.decode_for_index(ids);
        let mut last = after;
        while let Some(batch) = futures_executor::block_on(received.recv()) {
            let (read_to, goes_on) = read::read_batch(&batch?, last, &place, &decode, each)?;
            last = read_to;
            if !goes_on {
                return Ok(last);
            }
        }
        if last < until { Err(ReadError::Hole { store: place, after: last }) } else { Ok(last) }
    }

    fn follow(&self, after: Point, limit: usize, with_proof: bool) -> Result<ChangeBatch, ReadError> {
        let ids = self.server.ids;
        let mode = if with_proof { ReadMode::WithFreshnessProof } else { ReadMode::Plain };
        let decode = |columns: StoredChange<'_>| columns.decode_for_index(ids);
        let changes = self.next_changes(after.revision, (Some(after.epoch), mode), limit, decode)?;
        Ok(ChangeBatch { changes, proves_freshness: with_proof })
    }

    fn changes_since(&self, after: Revision, limit: usize) -> Result<Vec<Change>, ReadError> {
        self.next_changes(after, (None, ReadMode::Plain), limit, |columns| columns.decode())
    }

    fn clients_changed(
        &self,
        after: Revision,
        until: Point,
        limit: usize,
    ) -> Result<Vec<ChangedClient>, ReadError> {
        let pool = self.pool.clone();
        let rows = self.runtime.wait(async move {
            let read = async |session: &Session| {
                read::clients_since(&session.client, after, until.revision, limit).await
            };
            pool.read_until(until, read).await
        })??;
        read::clients_changed(&rows, &self.server.place())
    }

    fn history_of(&self, codes: &[ClientId], until: Point) -> Result<PersonHistory, ReadError> {
        let (pool, wanted) = (self.pool.clone(), codes.to_vec());
        let rows = self.runtime.wait(async move {
            let read = async |session: &Session| {
                read::rows_of_clients(&session.client, wanted.iter(), until.revision).await
            };
            pool.read_until(until, read).await
        })??;
        let mut histories = Histories::of(codes);
        read::apply_rows(&rows, &self.server.place(), &mut histories)?;
        Ok(histories.into_person())
    }

    fn change_rows(&self, after: Revision, limit: usize) -> Result<Vec<ChangeRow<'static>>, ReadError> {
        let pool = self.pool.clone();
        self.runtime.wait(async move {
            pool.read(async |session| copy::change_rows(session, after, limit).await).await
        })?
    }

    fn viewing_rows(&self, after: i64, limit: usize) -> Result<Vec<ViewingRow<'static>>, ReadError> {
        let pool = self.pool.clone();
        self.runtime.wait(async move {
            pool.read(async |session| copy::viewing_rows(session, after, limit).await).await
        })?
    }

    fn count_viewings(&self) -> Result<u64, ReadError> {
        let pool = self.pool.clone();
        self.runtime
            .wait(async move { pool.read(async |session| copy::count_viewings(session).await).await })?
    }

    /// PostgreSQL checks each page as it is read, where data checksums are on; so there is nothing to do
    /// beside reading every row.
    fn check_structure(&self) -> Result<(), ReadError> {
        Ok(())
    }
}
