//! The records of the checkpoints of all replicas.

use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::connection::Session;
use super::head_probe::typed;
use crate::store::change::{Epoch, Point, Revision};
use crate::store::checkpoint_record::{CheckpointRecord, RECORDS_KEPT_MAX};

/// A replica that has recorded another digest for the point came first: its record stays.
pub(super) const INSERT: &str = "INSERT INTO lupa.checkpoint (epoch, revision, build, digest)
     SELECT * FROM unnest($1, $2, $3, $4) ON CONFLICT DO NOTHING";

pub(super) const DELETE_OLD: &str =
    "DELETE FROM lupa.checkpoint WHERE number <= (SELECT max(number) FROM lupa.checkpoint) - $1";

/// The columns of the records of a batch.
#[derive(Default)]
pub(super) struct RecordColumns {
    epochs: Vec<Uuid>,
    revisions: Vec<i64>,
    builds: Vec<&'static str>,
    digests: Vec<i64>,
}

impl RecordColumns {
    pub(super) fn of(records: &[CheckpointRecord]) -> Self {
        let mut columns = Self::default();
        for record in records {
            let CheckpointRecord { point: Point { epoch: Epoch(epoch), revision }, build, digest } = *record;
            columns.epochs.push(epoch);
            columns.revisions.push(revision.0.cast_signed());
            columns.builds.push(build);
            columns.digests.push(digest.cast_signed());
        }
        columns
    }

    /// The parameters of [`INSERT`].
    pub(super) fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 4] {
        let Self { epochs, revisions, builds, digests } = self;
        [
            typed(epochs, Type::UUID_ARRAY),
            typed(revisions, Type::INT8_ARRAY),
            typed(builds, Type::TEXT_ARRAY),
            typed(digests, Type::INT8_ARRAY),
        ]
    }
}

/// The parameter of [`DELETE_OLD`].
pub(super) fn kept() -> [(&'static (dyn ToSql + Sync), Type); 1] {
    [typed(&RECORDS_KEPT_MAX, Type::INT8)]
}

/// See [`crate::store::backend::Backend::checkpoint_digest`].
pub(super) async fn digest(
    session: &Session,
    Point { epoch: Epoch(epoch), revision: Revision(revision) }: Point,
    build: &str,
) -> Result<Option<u64>, tokio_postgres::Error> {
    let sql = "SELECT digest FROM lupa.checkpoint WHERE epoch = $1 AND revision = $2 AND build = $3";
    let revision = revision.cast_signed();
    let parameters = [typed(&epoch, Type::UUID), typed(&revision, Type::INT8), typed(&build, Type::TEXT)];
    let rows = session.client.query_typed(sql, &parameters).await?;
    Ok(rows.first().map(|row| row.get::<_, i64>(0).cast_unsigned()))
}
