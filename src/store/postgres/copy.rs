//! Copies the rows of another store into a database, and reads rows to be copied or verified.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use super::arrays::{sql, sql_type};
use super::connection::{Connector, Session};
use super::failure::PostgresFailure;
use super::head_probe::{self, PROBE_HEAD, typed};
use super::options::PostgresOptions;
use super::runtime::Background;
use super::schema;
use super::transaction::Purpose;
use crate::store::change::Revision;
use crate::store::error::{CopyError, OpenError};
use crate::store::id::DeclarationIds;
use crate::store::random::random;
use crate::store::table::{
    ASSIGNED_VIEWING_COLUMNS, ChangeRow, ColumnType, ReadColumns, Rows, Value, ViewingRow, change_columns,
    new_viewing_columns, viewing_columns,
};

/// Copies rows into an empty database, in one transaction: all of them or none.
pub(in crate::store) fn copy_in(
    options: &PostgresOptions,
    ids: DeclarationIds,
    next: &mut dyn FnMut() -> Result<Rows, CopyError>,
) -> Result<(), CopyError> {
    let runtime = Background::start()?;
    let connector = Arc::new(Connector::new(options)?);
    let commit = i64::from_be_bytes(random().map_err(OpenError::from)?);
    let starting = Arc::clone(&connector);
    let mut session = runtime.wait(async move { start(&starting, ids).await })??;
    loop {
        let connector = Arc::clone(&connector);
        let copied: Result<Session, PostgresFailure> = match next()? {
            Rows::Changes(rows) => runtime.wait(async move {
                copy_changes(&session, commit, &rows).await?;
                Ok(session)
            })?,
            Rows::Viewings(rows) => runtime.wait(async move {
                let sql =
                    concat!("COPY lupa.viewing (", new_viewing_columns!(), ") FROM STDIN (FORMAT binary)");
                // The database numbers them again, in the same order.
                let rows = rows.iter().map(|row| row.values().skip(ASSIGNED_VIEWING_COLUMNS));
                let columns = ViewingRow::TYPES.iter().skip(ASSIGNED_VIEWING_COLUMNS);
                copy_rows(&session, sql, columns, rows).await?;
                Ok(session)
            })?,
            Rows::End => {
                let committed = runtime.wait(async move { commit_copy(&session).await })?;
                return Ok(committed.map_err(|error| connector.unreachable(error.into()))?);
            }
        };
        session = copied.map_err(|source| connector.unreachable(source))?;
    }
}

/// Creates the tables, requires that they are empty, and opens the transaction.
async fn start(connector: &Connector, ids: DeclarationIds) -> Result<Session, CopyError> {
    let session = connector.connect().await?;
    schema::migrate(connector, &session).await?;
    let failed = |error: tokio_postgres::Error| connector.unreachable(error.into());
    let client = &session.client;
    client.batch_execute(connector.start(Purpose::Maintain)).await.map_err(failed)?;
    client.batch_execute("LOCK TABLE lupa.head").await.map_err(failed)?;
    let row = head_probe::probe(client, PROBE_HEAD, None).await.map_err(failed)?;
    if connector.parse_probe(&row)?.head.revision > Revision(0) {
        return Err(CopyError::NotEmpty { store: connector.place().clone() });
    }
    let tag = ids.tag().cast_signed();
    let tag = [typed(&tag, Type::INT4)];
    client.execute_typed("UPDATE lupa.meta SET id_tag = $1", &tag).await.map_err(failed)?;
    // The rows arrive in order and are verified afterwards; the trigger would look up each predecessor.
    client.batch_execute("ALTER TABLE lupa.change DISABLE TRIGGER change_is_dense").await.map_err(failed)?;
    Ok(session)
}

/// Copies changes in, as rows of a commit.
pub(super) async fn copy_changes(
    session: &Session,
    commit: i64,
    rows: &[ChangeRow<'_>],
) -> Result<(), tokio_postgres::Error> {
    let sql = concat!("COPY lupa.change (", change_columns!(), ", commit_id) FROM STDIN (FORMAT binary)");
    let rows = rows.iter().map(|row| row.values().chain([Value::Integer(commit)]));
    let columns = ChangeRow::TYPES.iter().chain(&[ColumnType::Integer]);
    copy_rows(session, sql, columns, rows).await
}

async fn copy_rows<'r>(
    session: &Session,
    statement: &str,
    columns: impl Iterator<Item = &ColumnType>,
    rows: impl Iterator<Item = impl Iterator<Item = Value<'r>>>,
) -> Result<(), tokio_postgres::Error> {
    let types: Vec<Type> = columns.copied().map(sql_type).collect();
    let sink = session.client.copy_in(statement).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    for row in rows {
        let values: Vec<Value<'_>> = row.collect();
        let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(sql).collect();
        writer.as_mut().write(&parameters).await?;
    }
    writer.finish().await.map(drop)
}

/// Moves the head to the last row and commits.
async fn commit_copy(session: &Session) -> Result<(), tokio_postgres::Error> {
    session
        .client
        .batch_execute(
            "UPDATE lupa.head SET (revision, recorded_at, commit_id) =
                 (SELECT revision, recorded_at, commit_id FROM lupa.change ORDER BY revision DESC LIMIT 1)
                 WHERE EXISTS (SELECT FROM lupa.change);
             ALTER TABLE lupa.change ENABLE TRIGGER change_is_dense;
             ANALYZE lupa.change;
             COMMIT",
        )
        .await
}

/// See [`crate::store::backend::Backend::change_rows`].
pub(super) async fn change_rows(
    session: &Session,
    after: Revision,
    limit: usize,
) -> Result<Vec<ChangeRow<'static>>, tokio_postgres::Error> {
    let sql = concat!(
        "SELECT ",
        change_columns!(),
        " FROM lupa.change WHERE revision > $1 ORDER BY revision LIMIT $2"
    );
    let rows = rows_after(session, sql, after.0.cast_signed(), limit).await?;
    rows.iter().map(ChangeRow::read).collect()
}

/// See [`crate::store::backend::Backend::viewing_rows`].
pub(super) async fn viewing_rows(
    session: &Session,
    after: i64,
    limit: usize,
) -> Result<Vec<ViewingRow<'static>>, tokio_postgres::Error> {
    let sql = concat!(
        "SELECT ",
        viewing_columns!(),
        " FROM lupa.viewing WHERE number > $1 ORDER BY number LIMIT $2"
    );
    let rows = rows_after(session, sql, after, limit).await?;
    rows.iter().map(ViewingRow::read).collect()
}

/// The number of viewings.
pub(super) async fn count_viewings(session: &Session) -> Result<u64, tokio_postgres::Error> {
    let row = session
        .client
        .query_typed_one("SELECT coalesce(sum(times), 0)::bigint FROM lupa.viewing", &[])
        .await?;
    Ok(row.get::<_, i64>(0).cast_unsigned())
}

async fn rows_after(
    session: &Session,
    sql: &str,
    after: i64,
    limit: usize,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    session.client.query_typed(sql, &[typed(&after, Type::INT8), typed(&limit, Type::INT8)]).await
}

impl ReadColumns for Row {
    type Error = tokio_postgres::Error;

    fn integer(&self, at: usize) -> Result<i64, Self::Error> {
        self.try_get(at)
    }

    fn text(&self, at: usize) -> Result<Cow<'static, str>, Self::Error> {
        self.try_get::<_, String>(at).map(Cow::Owned)
    }

    fn nullable_text(&self, at: usize) -> Result<Option<Cow<'static, str>>, Self::Error> {
        Ok(self.try_get::<_, Option<String>>(at)?.map(Cow::Owned))
    }

    fn nullable_bytes(&self, at: usize) -> Result<Option<Cow<'static, [u8]>>, Self::Error> {
        Ok(self.try_get::<_, Option<Vec<u8>>>(at)?.map(Cow::Owned))
    }
}
