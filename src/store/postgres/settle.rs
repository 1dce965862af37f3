//! What is done when a server was promoted or restored, see [`super::look`].

use super::Server;
use super::connection::{Purpose, Session};
use super::look::{self, Home, Judged, LOOK_AND_LOCK, Look};
use crate::store::change::Epoch;
use crate::store::error::StoreError;

/// Looks again, with the lock, and settles what is found.
pub(super) async fn settle_now(server: &Server) -> Result<(), StoreError> {
    if server.read_only {
        return Err(server.unsettled());
    }
    let session = server.connector.connect(Purpose::Write).await?;
    let failed = |error: tokio_postgres::Error| server.unreachable(error.into());
    session.client.batch_execute("BEGIN").await.map_err(failed)?;
    let before = server.state.get();
    let row = look::ask(&session.client, LOOK_AND_LOCK, before.known).await;
    let look = server.connector.look_of(&row.map_err(failed)?)?;
    let judged = server.state.take(&look, before);
    settle(server, &session, before.epoch, &look, judged).await
}

/// Settles what a look has found for who was in an epoch, in a transaction that
/// has the lock, and ends it.
pub(super) async fn settle(
    server: &Server,
    session: &Session,
    from: Epoch,
    look: &Look,
    judged: Judged,
) -> Result<(), StoreError> {
    match judged {
        Judged::Whole | Judged::OtherEpoch => Ok(()),
        Judged::Standby => Err(server.standby()),
        Judged::Moved => {
            commit_home(server, session, look, look.epoch).await?;
            let Home { timeline, .. } = &look.here;
            tracing::info!(%timeline, epoch = %look.epoch, "the store is on another server or timeline, and whole");
            Ok(())
        }
        Judged::Unsettled if !server.state.has_waited(server.settle_timeout) => Err(server.unsettled()),
        Judged::Unsettled | Judged::Lost => {
            let epoch = Epoch::begin()?;
            commit_home(server, session, look, epoch).await?;
            let Home { timeline, .. } = &look.here;
            let is_loss_known = judged == Judged::Lost;
            tracing::error!(
                %timeline,
                %epoch,
                is_loss_known,
                "the store was restored or promoted and may lack changes that were acknowledged: \
                 a new epoch begins, and tokens of before count no more"
            );
            server.state.enter(from, epoch);
            Ok(())
        }
    }
}

/// Notes where the store is now, and its epoch.
async fn commit_home(
    server: &Server,
    session: &Session,
    look: &Look,
    Epoch(epoch): Epoch,
) -> Result<(), StoreError> {
    let Home { system_identifier, timeline } = &look.here;
    let commit = async {
        session
            .client
            .execute(
                "UPDATE lupa.head SET epoch = $1, system_identifier = $2, timeline = $3",
                &[&epoch, system_identifier, timeline],
            )
            .await?;
        session.client.batch_execute("COMMIT").await
    };
    commit.await.map_err(|error: tokio_postgres::Error| server.unreachable(error.into()))
}
