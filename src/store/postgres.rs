//! The shared store: a PostgreSQL database, which any number of Lupas write
//! and follow.
//!
//! ```text
//!  writer thread ── one transaction a group, the head locked ──▶ lupa.change, lupa.head
//!                                                                     │ NOTIFY: a hint
//!  follow: look at the head, read what came after  ◀── poll ──────────┘
//! ```
//!
//! INVARIANT (durable): nothing is answered before the server has committed it
//! with its synchronous commit on; if no answer comes, it is *unknown* and looked up.
//! INVARIANT (locked-head): revisions are given while the one row of
//! `lupa.head` is locked, and it stays so until they are committed.
//! INVARIANT (committed-proof): that there is nothing new is proven by a commit,
//! which a server cannot make any more of which a standby has taken the place.
//! INVARIANT (settled): nothing is proven fresh, committed, or read for an
//! answer on a server or timeline of which it is not known that nothing is lost there.

mod connection;
mod copy;
mod failure;
mod listen;
mod look;
mod options;
mod pool;
mod read;
mod schema;
mod server;
mod settle;
mod state;
mod write;

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::{self, Runtime};
use tokio::sync::{Mutex, mpsc};

pub(super) use copy::copy_in;
pub use failure::PostgresFailure;
pub use options::{Password, PostgresOptions, PostgresTls};

use super::StoreOptions;
use super::change::{Change, ChangeBatch, ChangedClient, Epoch, IndexChange, Point, Revision};
use super::columns::Columns;
use super::error::StoreError;
use super::hired::{Begun, Hired, Told};
use super::history::ClientHistory;
use super::raw::{RawChange, RawViewing};
use crate::policy::client_id::ClientId;
use crate::policy::declaration::Declaration;
use connection::{Connector, Purpose, Session};
use listen::listen;
use pool::Sessions;
use server::{How, Server};
use state::State;
use write::Writer;

/// So many batches of a load may wait to be read.
const BATCHES_WAITING_MAX: usize = 4;

/// The database, connected.
pub(super) struct Postgres {
    pub(super) server: Arc<Server>,
    runtime: Arc<Background>,
    /// For histories, which may take a while.
    pool: Sessions,
    /// The connection that follows; none while there is none.
    following: Arc<Mutex<Option<Session>>>,
}

/// The threads that talk to the server. Dropped without waiting for them.
struct Background(Option<Runtime>);

impl Postgres {
    /// See [`super::Store::connect`].
    pub(super) fn open(given: &PostgresOptions, options: StoreOptions) -> Result<Begun<Self>, StoreError> {
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
                schema::tell_staleness(&connector, &session, options.max_staleness).await?;
            }
            let (identity, look) = schema::identity(&connector, &session).await?;
            if options.max_staleness > identity.max_staleness {
                return Err(StoreError::StalenessTooLong {
                    store: connector.place().clone(),
                    own: options.max_staleness,
                    most: identity.max_staleness,
                });
            }
            Ok::<_, StoreError>((connector, session, identity, look))
        });
        let (connector, session, identity, look) = opened??;
        let server = Arc::new(Server {
            connector,
            state: State::new(identity.epoch),
            ids: identity.ids,
            token_key: identity.token_key,
            write_timeout: given.write_timeout,
            settle_timeout: given.settle_timeout,
            read_only,
        });
        let told = Arc::new(Told::new(look.head.revision));
        runtime.handle()?.spawn(listen(Arc::clone(&server), Arc::downgrade(&told)));
        let pool = Sessions::new(Arc::clone(&server), options.read_connections_max.max(1))?;
        let hired = if read_only {
            None
        } else {
            let writer = Writer {
                server: Arc::clone(&server),
                clock: options.clock,
                group_commit_max: options.group_commit_max.max(1),
                told: Arc::clone(&told),
                session: Some(session),
                is_sent: false,
            };
            // The writer keeps the threads that it needs.
            let (handle, kept) = (runtime.handle()?.clone(), Arc::clone(&runtime));
            let write = move |queue| {
                let _kept = kept;
                writer.run(&handle, queue);
            };
            Some(Hired::start(options.queue_length_max, None, &told, write)?)
        };
        Ok((Self { server, runtime, pool, following: Arc::default() }, hired, told))
    }

    /// See [`super::Store::epoch`].
    pub(super) fn epoch(&self) -> Epoch {
        self.server.state.get().epoch
    }

    /// See [`super::Store::count`].
    pub(super) fn count(&self) -> Result<Revision, StoreError> {
        let (server, following) = (Arc::clone(&self.server), Arc::clone(&self.following));
        let look = self.runtime.wait(async move {
            server.through(&following, async |session| server.look(session, How::Only).await).await
        })??;
        Ok(look.head.revision)
    }

    /// See [`super::Store::follow`].
    pub(super) fn follow(
        &self,
        after: Point,
        most: usize,
        with_proof: bool,
    ) -> Result<ChangeBatch, StoreError> {
        let ids = self.server.ids;
        let how = if with_proof { How::Proving } else { How::Only };
        let changes =
            self.since(after.revision, (Some(after.epoch), how), most, |columns| columns.loaded(ids))?;
        Ok(ChangeBatch { changes, proves_freshness: with_proof })
    }

    /// See [`super::Store::changes_since`].
    pub(super) fn changes_since(&self, after: Revision, most: usize) -> Result<Vec<Change>, StoreError> {
        self.since(after, (None, How::Only), most, |columns| columns.change())
    }

    fn since<T>(
        &self,
        after: Revision,
        (epoch, how): (Option<Epoch>, How),
        most: usize,
        read: impl Fn(Columns<'_>) -> Result<T, &'static str>,
    ) -> Result<Vec<T>, StoreError> {
        let (server, following) = (Arc::clone(&self.server), Arc::clone(&self.following));
        let rows = self.runtime.wait(async move {
            let read = async |session: &Session| {
                let last = server.look_as_far_as(session, how, (epoch, after)).await?.head.revision;
                let expected = usize::try_from(last.0 - after.0).unwrap_or(usize::MAX).min(most);
                let rows = match expected {
                    0 => Vec::new(),
                    _ => read::rows_since(session, after, last, most)
                        .await
                        .map_err(|error| server.unreachable(error.into()))?,
                };
                Ok((rows, expected))
            };
            server.through(&following, read).await
        })??;
        let (rows, expected) = rows;
        let changes = read::in_order(&rows, after, &self.server.place(), read)?;
        if changes.len() < expected {
            let after = Revision(after.0 + changes.len() as u64);
            return Err(StoreError::Hole { store: self.server.place(), after });
        }
        Ok(changes)
    }

    /// See [`super::Store::load_range`].
    pub(super) fn load_range(
        &self,
        after: Revision,
        until: Revision,
        each: &mut dyn FnMut(IndexChange) -> bool,
    ) -> Result<Revision, StoreError> {
        let (batches, mut received) = mpsc::channel(BATCHES_WAITING_MAX);
        let server = Arc::clone(&self.server);
        self.runtime.handle()?.spawn(async move {
            match server.connector.connect(Purpose::Read).await {
                Ok(session) => read::copy_range(&server.connector, session, (after, until), batches).await,
                // Nobody waits for it any more: then nobody misses it.
                Err(error) => drop(batches.send(Err(error)).await),
            }
        });
        let (place, ids) = (self.server.place(), self.server.ids);
        let read = |columns: Columns<'_>| columns.loaded(ids);
        let mut last = after;
        while let Some(batch) = futures_executor::block_on(received.recv()) {
            let (read_to, goes_on) = read::read_batch(&batch?, last, &place, &read, each)?;
            last = read_to;
            if !goes_on {
                return Ok(last);
            }
        }
        if last < until { Err(StoreError::Hole { store: place, after: last }) } else { Ok(last) }
    }

    /// See [`super::Store::clients_changed`].
    pub(super) fn clients_changed(
        &self,
        after: Revision,
        until: Point,
        most: usize,
    ) -> Result<Vec<ChangedClient>, StoreError> {
        let pool = self.pool.clone();
        let rows = self.runtime.wait(async move {
            let read = async |session: &Session| {
                read::clients_since(&session.client, after, until.revision, most).await
            };
            pool.read_until(until, read).await
        })??;
        read::clients_changed(&rows, &self.server.place())
    }

    /// See [`super::Store::verify`].
    pub(super) fn raw_changes(&self, after: Revision, most: usize) -> Result<Vec<RawChange>, StoreError> {
        let pool = self.pool.clone();
        self.runtime.wait(async move {
            pool.read(async |session| copy::raw_changes(session, after, most).await).await
        })?
    }

    /// See [`super::Store::copy`].
    pub(super) fn raw_viewings(&self, after: i64, most: usize) -> Result<Vec<RawViewing>, StoreError> {
        let pool = self.pool.clone();
        self.runtime.wait(async move {
            pool.read(async |session| copy::raw_viewings(session, after, most).await).await
        })?
    }

    /// See [`super::Store::verify`].
    pub(super) fn count_viewings(&self) -> Result<u64, StoreError> {
        let pool = self.pool.clone();
        self.runtime
            .wait(async move { pool.read(async |session| copy::count_viewings(session).await).await })?
    }

    /// See [`super::Store::history_of`].
    pub(super) fn history_of(&self, client: &ClientId, until: Point) -> Result<Vec<Declaration>, StoreError> {
        let (pool, client) = (self.pool.clone(), client.clone());
        let rows = self.runtime.wait(async move {
            let read = async |session: &Session| {
                read::rows_of_clients(&session.client, std::iter::once(&client), until.revision).await
            };
            pool.read_until(until, read).await
        })??;
        let mut history = ClientHistory::default();
        read::apply_rows(&rows, &self.server.place(), |_, change| history.apply(change))?;
        Ok(history.into_declarations())
    }
}

impl Background {
    fn start() -> Result<Self, StoreError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("lupa-postgres")
            .enable_all()
            .build()
            .map_err(StoreError::NoThread)?;
        Ok(Self(Some(runtime)))
    }

    fn handle(&self) -> Result<&runtime::Handle, StoreError> {
        self.0.as_ref().map(Runtime::handle).ok_or(StoreError::Interrupted)
    }

    /// Waits for something that is done there, from whichever thread.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let task = self.handle()?.spawn(work);
        futures_executor::block_on(task).map_err(|_| StoreError::Interrupted)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
