//! Starts a new epoch after a restart, promotion or restore of the server, and enters one that another
//! process has started. [`super`] has the argument, [`super::head_probe`] notices the move.

use tokio_postgres::Client;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::PostgresServer;
use super::connection::Session;
use super::failure::PostgresFailure;
use super::head_probe::{self, HeadProbe, HistoryCheck, PROBE_AND_LOCK_HEAD, ServerRun, typed};
use super::replica_state::EpochState;
use super::transaction::Purpose;
use crate::store::change::{Epoch, Point, Revision};
use crate::store::error::ReadError;
use crate::store::lineage::Lineage;

/// Nothing in common with the parent is proven.
const NOTHING: Revision = Revision(0);

/// Reads the lineage of an epoch of this store.
pub(super) async fn read_lineage(client: &Client, epoch: Epoch) -> Result<Lineage, tokio_postgres::Error> {
    let rows = client.query_typed("SELECT epoch, parent, through FROM lupa.epoch", &[]).await?;
    let parents = rows.iter().map(|row| {
        let through: i64 = row.get(2);
        let parent = Point { epoch: Epoch(row.get(1)), revision: Revision(through.cast_unsigned()) };
        (Epoch(row.get(0)), parent)
    });
    Ok(Lineage::of(epoch, parents))
}

/// Probes the head again, with the lock, and resolves what the probe finds.
pub(super) async fn resolve_with_lock(server: &PostgresServer) -> Result<(), ReadError> {
    if server.read_only {
        return Err(server.moved());
    }
    let session = server.connector.connect().await?;
    let failed = |error: tokio_postgres::Error| server.unreachable(error.into());
    session.client.batch_execute(server.connector.start(Purpose::Write)).await.map_err(failed)?;
    let before = server.state.get();
    let row = head_probe::probe(&session.client, PROBE_AND_LOCK_HEAD, before.last_seen).await;
    let probe = server.connector.parse_probe(&row.map_err(failed)?)?;
    let check = server.state.observe(&probe, &before);
    resolve(server, &session, &before, &probe, check).await
}

/// Resolves the result of a check in the transaction that holds the lock. It commits if it starts an epoch;
/// otherwise the caller releases the lock by dropping the session.
pub(super) async fn resolve(
    server: &PostgresServer,
    session: &Session,
    before: &EpochState,
    probe: &HeadProbe,
    check: HistoryCheck,
) -> Result<(), ReadError> {
    match check {
        HistoryCheck::Intact => Ok(()),
        HistoryCheck::Standby => Err(server.standby()),
        HistoryCheck::EpochChanged if enter(server, session, before, probe).await? => Ok(()),
        HistoryCheck::EpochChanged | HistoryCheck::CommitsLost => {
            start(server, session, before, probe, NOTHING).await
        }
        HistoryCheck::Moved => start(server, session, before, probe, probe.head.revision).await,
    }
}

/// Enters the epoch that the probe found. `false` if a commit that was seen here contradicts its lineage: a
/// new epoch must start.
pub(super) async fn enter(
    server: &PostgresServer,
    session: &Session,
    before: &EpochState,
    probe: &HeadProbe,
) -> Result<bool, ReadError> {
    let lineage = read_lineage(&session.client, probe.epoch).await;
    let lineage = lineage.map_err(|error| server.unreachable(error.into()))?;
    let is_true = !before.contradicts(&lineage, probe);
    if is_true {
        server.state.enter_epoch(before, lineage, probe);
    }
    Ok(is_true)
}

/// Starts an epoch that continues the one of the head row through a revision, and commits.
async fn start(
    server: &PostgresServer,
    session: &Session,
    before: &EpochState,
    probe: &HeadProbe,
    through: Revision,
) -> Result<(), ReadError> {
    let epoch = Epoch::random()?;
    let failed = |error: tokio_postgres::Error| server.unreachable(error.into());
    let parents = read_lineage(&session.client, probe.epoch).await.map_err(failed)?;
    let continuing = |through| parents.continued_by(epoch, through);
    // What was seen here may show that less is in common than the server's move alone.
    let (lineage, through) = match continuing(through) {
        lineage if before.contradicts(&lineage, probe) => (continuing(NOTHING), NOTHING),
        lineage => (lineage, through),
    };
    commit(&session.client, probe, epoch, through).await.map_err(failed)?;
    if session.has_warned() {
        return Err(server.unreachable(PostgresFailure::warned()));
    }
    let ServerRun { system_identifier, timeline, .. } = &probe.running_on;
    tracing::warn!(
        %epoch,
        parent = %probe.epoch,
        %through,
        system_identifier,
        timeline,
        "the server of the store was restarted, promoted or restored: a new epoch starts, and honours the \
         tokens of its parent through that revision"
    );
    server.state.enter_epoch(before, lineage, probe);
    Ok(())
}

async fn commit(
    client: &Client,
    probe: &HeadProbe,
    Epoch(epoch): Epoch,
    through: Revision,
) -> Result<(), tokio_postgres::Error> {
    let ServerRun { system_identifier, timeline, started_at } = &probe.running_on;
    let parent: Uuid = probe.epoch.0;
    let through = through.0.cast_signed();
    client
        .execute_typed(
            "INSERT INTO lupa.epoch (epoch, parent, through) VALUES ($1, $2, $3)",
            &[typed(&epoch, Type::UUID), typed(&parent, Type::UUID), typed(&through, Type::INT8)],
        )
        .await?;
    client
        .execute_typed(
            "UPDATE lupa.head SET epoch = $1, system_identifier = $2, timeline = $3, server_started_at = $4",
            &[
                typed(&epoch, Type::UUID),
                typed(system_identifier, Type::INT8),
                typed(timeline, Type::TEXT),
                typed(started_at, Type::INT8),
            ],
        )
        .await?;
    client.batch_execute("COMMIT").await
}
