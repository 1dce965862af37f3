//! What a process does after a failover or a restore: it verifies, with the head row locked, that
//! no acknowledged commit was lost, and continues the epoch or starts a new one.
//! The steps are described in [`super`]; [`super::head_probe`] does the comparison.

use tokio_postgres::types::Type;

use super::PostgresServer;
use super::connection::Session;
use super::head_probe::{self, HeadProbe, HistoryCheck, PROBE_AND_LOCK_HEAD, ServerTimeline, typed};
use super::transaction::Purpose;
use crate::store::change::Epoch;
use crate::store::error::ReadError;

/// Probes the head again, with the lock, and resolves what the probe finds.
pub(super) async fn verify_after_failover(server: &PostgresServer) -> Result<(), ReadError> {
    if server.read_only {
        return Err(server.unverified());
    }
    let session = server.connector.connect().await?;
    let failed = |error: tokio_postgres::Error| server.unreachable(error.into());
    session.client.batch_execute(server.connector.start(Purpose::Write)).await.map_err(failed)?;
    let before = server.state.get();
    let row = head_probe::probe(&session.client, PROBE_AND_LOCK_HEAD, before.last_seen).await;
    let probe = server.connector.parse_probe(&row.map_err(failed)?)?;
    let check = server.state.observe(&probe, before);
    resolve(server, &session, before.epoch, &probe, check).await
}

/// Resolves the result of a check in the transaction that holds the lock. It commits if it changes the
/// head; otherwise the caller releases the lock by dropping the session.
/// `from` is the epoch in which this process was before the probe.
pub(super) async fn resolve(
    server: &PostgresServer,
    session: &Session,
    from: Epoch,
    probe: &HeadProbe,
    check: HistoryCheck,
) -> Result<(), ReadError> {
    match check {
        HistoryCheck::Intact | HistoryCheck::EpochChanged => Ok(()),
        HistoryCheck::Standby => Err(server.standby()),
        HistoryCheck::MovedIntact => {
            commit_timeline(server, session, probe, probe.epoch).await?;
            let ServerTimeline { timeline, .. } = &probe.running_on;
            tracing::info!(%timeline, epoch = %probe.epoch, "the store is on another server or timeline, and whole");
            Ok(())
        }
        HistoryCheck::Unverified if !server.state.settle_timeout_passed(server.settle_timeout) => {
            Err(server.unverified())
        }
        HistoryCheck::Unverified | HistoryCheck::CommitsLost => {
            let epoch = Epoch::random()?;
            commit_timeline(server, session, probe, epoch).await?;
            let ServerTimeline { timeline, .. } = &probe.running_on;
            let is_loss_known = check == HistoryCheck::CommitsLost;
            tracing::error!(
                %timeline,
                %epoch,
                is_loss_known,
                "the store was restored or promoted and may lack changes that were acknowledged: \
                 a new epoch starts, and tokens of earlier epochs are refused"
            );
            server.state.enter_epoch(from, epoch);
            Ok(())
        }
    }
}

/// Writes the server's timeline and the epoch to the head row, and commits.
async fn commit_timeline(
    server: &PostgresServer,
    session: &Session,
    probe: &HeadProbe,
    Epoch(epoch): Epoch,
) -> Result<(), ReadError> {
    let ServerTimeline { system_identifier, timeline } = &probe.running_on;
    let commit = async {
        session
            .client
            .execute_typed(
                "UPDATE lupa.head SET epoch = $1, system_identifier = $2, timeline = $3",
                &[
                    typed(&epoch, Type::UUID),
                    typed(system_identifier, Type::INT8),
                    typed(timeline, Type::TEXT),
                ],
            )
            .await?;
        session.client.batch_execute("COMMIT").await
    };
    commit.await.map_err(|error: tokio_postgres::Error| server.unreachable(error.into()))
}
