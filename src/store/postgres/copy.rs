//! The rows of another store, put into a database in which there is none.

use std::pin::pin;
use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use super::Background;
use super::connection::{Connector, Purpose, Session};
use super::failure::PostgresFailure;
use super::look::typed;
use super::options::PostgresOptions;
use super::schema;
use crate::store::change::Revision;
use crate::store::copy::Rows;
use crate::store::error::StoreError;
use crate::store::id::DeclarationIds;
use crate::store::random::random;
use crate::store::raw::{RawChange, RawViewing, change_columns, viewing_columns};

/// The types of the columns of changes, and of the id of their commit.
const CHANGE_TYPES: [Type; 13] = [
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::BYTEA,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
];

const VIEWING_TYPES: [Type; 6] = [Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT];

/// Puts rows in, in one transaction: all of them or none.
pub(in crate::store) fn copy_in(
    options: &PostgresOptions,
    ids: DeclarationIds,
    next: &mut dyn FnMut() -> Result<Rows, StoreError>,
) -> Result<(), StoreError> {
    let runtime = Background::start()?;
    let connector = Arc::new(Connector::new(options)?);
    let commit = i64::from_be_bytes(random()?);
    let beginning = Arc::clone(&connector);
    let mut session = runtime.wait(async move { begin(&beginning, ids).await })??;
    loop {
        let connector = Arc::clone(&connector);
        let put: Result<Session, PostgresFailure> = match next()? {
            Rows::Changes(rows) => runtime.wait(async move {
                put_changes(&session, &rows, commit).await?;
                Ok(session)
            })?,
            Rows::Viewings(rows) => runtime.wait(async move {
                put_viewings(&session, &rows).await?;
                Ok(session)
            })?,
            Rows::End => {
                let ended = runtime.wait(async move { end(&session).await })?;
                return ended.map_err(|error| connector.unreachable(error.into()));
            }
        };
        session = put.map_err(|source| connector.unreachable(source))?;
    }
}

/// Makes the tables, unless there is something in them, and opens the transaction.
async fn begin(connector: &Connector, ids: DeclarationIds) -> Result<Session, StoreError> {
    let session = connector.connect(Purpose::Write).await?;
    schema::migrate(connector, &session).await?;
    let failed = |error: tokio_postgres::Error| connector.unreachable(error.into());
    let client = &session.client;
    // However long it takes.
    let set = "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0";
    client.batch_execute(set).await.map_err(failed)?;
    client.batch_execute("BEGIN; LOCK TABLE lupa.head").await.map_err(failed)?;
    let row = client.query_one("SELECT revision FROM lupa.head", &[]).await.map_err(failed)?;
    if row.get::<_, i64>(0) > 0 {
        return Err(StoreError::NotEmpty { store: connector.place().clone() });
    }
    let tag = ids.tag().cast_signed();
    client.execute("UPDATE lupa.meta SET id_tag = $1", &[&tag]).await.map_err(failed)?;
    // Each row is as it was, and in order; the trigger would look for the one before it.
    client.batch_execute("ALTER TABLE lupa.change DISABLE TRIGGER change_is_dense").await.map_err(failed)?;
    Ok(session)
}

async fn put_changes(
    session: &Session,
    rows: &[RawChange],
    commit: i64,
) -> Result<(), tokio_postgres::Error> {
    let sql = concat!("COPY lupa.change (", change_columns!(), ", commit_id) FROM STDIN (FORMAT binary)");
    let sink = session.client.copy_in(sql).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &CHANGE_TYPES));
    for row in rows {
        let RawChange {
            revision,
            recorded_at,
            what,
            kind,
            client_root,
            client_extension,
            declaration_id,
            body,
            idempotency_key,
            payload_digest,
            notices,
            replaced_id,
        } = row;
        let values: [&(dyn ToSql + Sync); 13] = [
            revision,
            recorded_at,
            what,
            kind,
            client_root,
            client_extension,
            declaration_id,
            body,
            idempotency_key,
            payload_digest,
            notices,
            replaced_id,
            &commit,
        ];
        writer.as_mut().write(&values).await?;
    }
    writer.finish().await.map(drop)
}

async fn put_viewings(session: &Session, rows: &[RawViewing]) -> Result<(), tokio_postgres::Error> {
    let sql = "COPY lupa.viewing (at, client_root, client_extension, viewer, purpose, what)
                   FROM STDIN (FORMAT binary)";
    let sink = session.client.copy_in(sql).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &VIEWING_TYPES));
    for row in rows {
        // In order, and numbered anew.
        let RawViewing { number: _, at, client_root, client_extension, viewer, purpose, what } = row;
        writer.as_mut().write(&[at, client_root, client_extension, viewer, purpose, what]).await?;
    }
    writer.finish().await.map(drop)
}

async fn end(session: &Session) -> Result<(), tokio_postgres::Error> {
    session
        .client
        .batch_execute(
            "UPDATE lupa.head SET (revision, recorded_at, commit_id) =
                 (SELECT revision, recorded_at, commit_id FROM lupa.change ORDER BY revision DESC LIMIT 1)
                 WHERE EXISTS (SELECT FROM lupa.change);
             ALTER TABLE lupa.change ENABLE TRIGGER change_is_dense;
             COMMIT;
             ANALYZE lupa.change",
        )
        .await
}

/// Rows of changes after a revision, in order.
pub(super) async fn raw_changes(
    session: &Session,
    after: Revision,
    most: usize,
) -> Result<Vec<RawChange>, tokio_postgres::Error> {
    let sql = concat!(
        "SELECT ",
        change_columns!(),
        " FROM lupa.change WHERE revision > $1 ORDER BY revision LIMIT $2"
    );
    let rows = rows_after(session, sql, after.0.cast_signed(), most).await?;
    let raw = |row: &Row| RawChange {
        revision: row.get(0),
        recorded_at: row.get(1),
        what: row.get(2),
        kind: row.get(3),
        client_root: row.get(4),
        client_extension: row.get(5),
        declaration_id: row.get(6),
        body: row.get(7),
        idempotency_key: row.get(8),
        payload_digest: row.get(9),
        notices: row.get(10),
        replaced_id: row.get(11),
    };
    Ok(rows.iter().map(raw).collect())
}

/// Rows of viewings after a number, in order.
pub(super) async fn raw_viewings(
    session: &Session,
    after: i64,
    most: usize,
) -> Result<Vec<RawViewing>, tokio_postgres::Error> {
    let sql = concat!(
        "SELECT ",
        viewing_columns!(),
        " FROM lupa.viewing WHERE number > $1 ORDER BY number LIMIT $2"
    );
    let rows = rows_after(session, sql, after, most).await?;
    let raw = |row: &Row| RawViewing {
        number: row.get(0),
        at: row.get(1),
        client_root: row.get(2),
        client_extension: row.get(3),
        viewer: row.get(4),
        purpose: row.get(5),
        what: row.get(6),
    };
    Ok(rows.iter().map(raw).collect())
}

/// How many viewings there are.
pub(super) async fn count_viewings(session: &Session) -> Result<u64, tokio_postgres::Error> {
    let row = session.client.query_one("SELECT count(*) FROM lupa.viewing", &[]).await?;
    Ok(row.get::<_, i64>(0).cast_unsigned())
}

async fn rows_after(
    session: &Session,
    sql: &str,
    after: i64,
    most: usize,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    session.client.query_typed(sql, &[typed(&after, Type::INT8), typed(&most, Type::INT8)]).await
}
