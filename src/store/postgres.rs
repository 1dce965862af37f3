//! The shared store: one PostgreSQL database that any number of Lupa processes (replicas) write and
//! follow. All coordination goes through the database; the replicas do not know each other.
//!
//! ```text
//!  replica A                          primary                               replica B
//!  writer ── BEGIN                     lupa.head   one row                  follower
//!            lock the head row ──────▶   epoch, revision, commit_id,          poll ─▶ probe the head
//!            insert, move the head ──▶   run of the server                           read the new changes
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
//! would name other changes. No process can prove that nothing is missing: one that knows *some* commit
//! does not know the *last* one, because another may have acknowledged a later one. So nobody tries. Every
//! *move* of the server starts a new epoch, which names its parent and the revision *through* which it
//! continues it ([`epochs`], [`super::lineage`]).
//!
//! A move is another *run* of the server: another system identifier (a new cluster), another timeline (a
//! promotion, a recovery to a point) or another time at which the server was started (files put back, and
//! every restart). The head row names the run on which its epoch started. Each probe compares it with the
//! server's ([`head_probe`]). What is proven, and by whom:
//!
//! 1. *One writer after the other.* Every transaction that writes locks the head row and compares the runs
//!    under the lock. So on each run, the first one that writes starts the epoch, before any other change.
//! 2. *The server proves `through`.* Rows are never changed, and are numbered without holes. At the head
//!    row's revision R, the moved server has a copy of the first R changes of the parent, whatever it lacks
//!    after them. A token of the parent up to R names a change that is there; one above R names a change
//!    that is lost. The first is honoured, the second is refused. An old primary that still acknowledges in
//!    the parent epoch numbers from its own head, which is R or later.
//! 3. *A replica proves its own loss.* Every commit stores a random `commit_id`, and a process remembers the
//!    newest that it saw ([`replica_state`]). At or below R, it must find it there. Above R, the store has
//!    lost changes that were acknowledged: it counts them, logs an error, and reads the store again.
//! 4. *The index goes on.* At or below R it is the same as what the store has, and follows from there
//!    without a load.
//! 5. *A move that does not show*, such as a virtual machine that was set back while it ran: a process that
//!    misses the commit that it saw, or finds an epoch that it had left, starts an epoch with R = 0, which
//!    honours nothing of its parent.
//!
//! A process that only reads never writes the head row: after a move it waits until one that writes has
//! started the epoch, and serves nothing meanwhile.
//!
//! INVARIANT (durable): no answer is sent before the server has committed with synchronous commit on. A
//! commit that is not answered is *unknown*, and resolved by its idempotency key.
//! INVARIANT (locked-head): revisions are assigned while the row of `lupa.head` is locked, and the lock is
//! held until they are committed.
//! INVARIANT (committed-proof): freshness is proven by a commit: a deposed primary cannot commit.
//! INVARIANT (moved): after a move nothing is served, committed or reported fresh until a new epoch has
//! started, which honours only what the moved server has.

mod arrays;
mod cancel;
mod checkpoint;
mod connection;
mod copy;
mod epochs;
mod failure;
mod head_probe;
mod import;
mod listen;
mod options;
mod pool;
mod pooler;
mod read;
mod replica_state;
mod runtime;
mod schema;
mod server;
mod transaction;
mod url;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::{Mutex, mpsc};

pub(super) use copy::copy_in;
use failure::PostgresFailure;
pub use options::{Password, PostgresOptions, PostgresTls};

use super::backend::Backend;
use super::change::{Change, ChangeBatch, ChangedClient, IndexChange, Point, Revision};
use super::error::{OpenError, ReadError};
use super::history::{Histories, PersonHistory};
use super::id::DeclarationIds;
use super::lineage::Lineage;
use super::options::StoreOptions;
use super::place::Place;
use super::stored_change::StoredChange;
use super::table::{ChangeRow, ViewingRow};
use super::writer::{Opened, WriterHandle, WriterStatus};
use crate::clock::{CheckedClock, boottime_nanos};
use crate::policy::client_id::ClientId;
use connection::{Connector, Session};
use listen::listen;
use pool::Sessions;
use replica_state::ReplicaState;
use runtime::Background;
use server::{PostgresServer, ReadMode, ReadStart};
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
            let session = connector.connect().await?;
            if read_only {
                schema::require(&connector, &session).await?;
            } else {
                schema::migrate(&connector, &session).await?;
                schema::register_max_staleness(&connector, &session, options.max_staleness).await?;
            }
            let sent_at = boottime_nanos();
            let (identity, probe) = schema::identity(&connector, &session).await?;
            let clock = CheckedClock::of_database(options.clock, options.clock_difference_max);
            clock.compare(probe.clock, sent_at);
            if options.max_staleness > identity.max_staleness {
                return Err(OpenError::StalenessTooLong {
                    store: connector.place().clone(),
                    own: options.max_staleness,
                    most: identity.max_staleness,
                });
            }
            Ok::<_, OpenError>((connector, session, clock, identity, probe))
        });
        let (connector, session, clock, identity, probe) = opened??;
        let server = Arc::new(PostgresServer {
            connector,
            state: ReplicaState::new(Lineage::clone(&identity.lineage)),
            ids: identity.ids,
            token_key: identity.token_key,
            clock,
            write_timeout: given.write_timeout,
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
        (start, mode): (ReadStart, ReadMode),
        limit: usize,
        decode: impl Fn(StoredChange<'_>) -> Result<T, &'static str>,
    ) -> Result<(Vec<T>, Arc<Lineage>), ReadError> {
        let (server, following) = (Arc::clone(&self.server), Arc::clone(&self.following));
        let rows = self.runtime.wait(async move {
            let read = async |session: &Session| {
                let query = read::rows_since(after, limit);
                let (probe, lineage, mut rows) = server.read_from(session, mode, start, Some(&query)).await?;
                let last = probe.head.revision;
                let expected = usize::try_from(last.0 - after.0).unwrap_or(usize::MAX).min(limit);
                // The probe says nothing about what was committed after it.
                rows.truncate(expected);
                Ok((rows, expected, lineage))
            };
            server.read_through(&following, read).await
        })??;
        let (rows, expected, lineage) = rows;
        let changes = read::in_order(&rows, after, &self.server.place(), decode)?;
        if changes.len() < expected {
            let after = Revision(after.0 + changes.len() as u64);
            return Err(ReadError::Hole { store: self.server.place(), after });
        }
        Ok((changes, lineage))
    }
}

impl Backend for Postgres {
    fn place(&self) -> Place {
        self.server.place()
    }

    fn file(&self) -> Option<&Path> {
        None
    }

    fn lineage(&self) -> Arc<Lineage> {
        self.server.state.get().lineage
    }

    fn lost_revisions(&self) -> Arc<AtomicU64> {
        self.server.state.lost_revisions()
    }

    fn clock(&self) -> &CheckedClock {
        &self.server.clock
    }

    fn token_key(&self) -> &[u8; 32] {
        &self.server.token_key
    }

    fn declaration_ids(&self) -> DeclarationIds {
        self.server.ids
    }

    fn head(&self) -> Result<(Arc<Lineage>, Revision), ReadError> {
        let (server, following) = (Arc::clone(&self.server), Arc::clone(&self.following));
        let (probe, lineage, _) = self.runtime.wait(async move {
            let start = ReadStart::AnyEpoch(Revision(0));
            let read =
                async |session: &Session| server.read_from(session, ReadMode::Plain, start, None).await;
            server.read_through(&following, read).await
        })??;
        Ok((lineage, probe.head.revision))
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
            match server.connector.connect().await {
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

    fn follow(
        &self,
        (known, after): (&Arc<Lineage>, Revision),
        limit: usize,
        with_proof: bool,
    ) -> Result<ChangeBatch, ReadError> {
        let ids = self.server.ids;
        let mode = if with_proof { ReadMode::WithFreshnessProof } else { ReadMode::Plain };
        let decode = |columns: StoredChange<'_>| columns.decode_for_index(ids);
        let start = ReadStart::Index(Arc::clone(known), after);
        let (changes, lineage) = self.next_changes(after, (start, mode), limit, decode)?;
        Ok(ChangeBatch { changes, proves_freshness: with_proof, lineage })
    }

    fn changes_since(&self, after: Revision, limit: usize) -> Result<Vec<Change>, ReadError> {
        let start = ReadStart::AnyEpoch(after);
        let (changes, _) =
            self.next_changes(after, (start, ReadMode::Plain), limit, |columns| columns.decode())?;
        Ok(changes)
    }

    fn clients_changed(
        &self,
        after: Revision,
        until: Point,
        limit: usize,
    ) -> Result<Vec<ChangedClient>, ReadError> {
        let pool = self.pool.clone();
        let query = read::clients_since(after, until.revision, limit);
        let rows = self.runtime.wait(async move { pool.read_until(until, &query).await })??;
        read::clients_changed(&rows, &self.server.place())
    }

    fn history_of(&self, codes: &[ClientId], until: Point) -> Result<PersonHistory, ReadError> {
        let pool = self.pool.clone();
        let query = read::rows_of_clients(codes.iter(), until.revision);
        let rows = self.runtime.wait(async move { pool.read_until(until, &query).await })??;
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

    fn checkpoint_digest(&self, point: Point, build: &str) -> Result<Option<u64>, ReadError> {
        let (pool, build) = (self.pool.clone(), build.to_owned());
        self.runtime.wait(async move {
            pool.read(async |session| checkpoint::digest(session, point, &build).await).await
        })?
    }

    /// PostgreSQL checks each page as it is read, where data checksums are on; so there is nothing to do
    /// beside reading every row.
    fn check_structure(&self) -> Result<(), ReadError> {
        Ok(())
    }
}
