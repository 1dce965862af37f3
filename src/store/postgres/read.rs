//! Committed changes, read from the server.

use futures_util::TryStreamExt;
use tokio::sync::mpsc;
use tokio_postgres::Row;
use tokio_postgres::binary_copy::{BinaryCopyOutRow, BinaryCopyOutStream};
use tokio_postgres::types::{FromSql, Type};

use super::connection::{Connector, Session};
use super::failure::PostgresFailure;
use super::look::typed;
use crate::policy::client_id::ClientId;
use crate::store::change::{Change, ChangedClient, Revision};
use crate::store::columns::{Columns, columns};
use crate::store::error::StoreError;
use crate::store::place::Place;
use crate::store::row;

/// The types of [`columns`].
const COLUMN_TYPES: [Type; 8] =
    [Type::INT8, Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT];

/// So many rows are handed on together.
const ROWS_PER_BATCH: usize = 1_024;

/// Rows as they came, to be read elsewhere.
pub(super) type Batch = Vec<BinaryCopyOutRow>;

/// The rows after one revision up to another, at most so many, in order.
pub(super) async fn rows_since(
    session: &Session,
    after: Revision,
    until: Revision,
    most: usize,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let (after, until) = (after.0.cast_signed(), until.0.cast_signed());
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    session
        .client
        .query_typed(
            concat!(
                "SELECT ",
                columns!(),
                " FROM lupa.change WHERE revision > $1 AND revision <= $2 ORDER BY revision LIMIT $3"
            ),
            &[typed(&after, Type::INT8), typed(&until, Type::INT8), typed(&most, Type::INT8)],
        )
        .await
}

/// What each row says, in order; an error if one is missing.
pub(super) fn in_order<T>(
    rows: &[Row],
    after: Revision,
    place: &Place,
    read: impl Fn(Columns<'_>) -> Result<T, &'static str>,
) -> Result<Vec<T>, StoreError> {
    let expected = std::iter::successors(Some(after.next()), |revision| Some(revision.next()));
    rows.iter()
        .zip(expected)
        .map(|(row, expected)| {
            let columns = columns_of(row);
            read_next(columns, expected, place, &read)
        })
        .collect()
}

/// What a row says that must be of a revision.
fn read_next<T>(
    columns: Columns<'_>,
    expected: Revision,
    place: &Place,
    read: &impl Fn(Columns<'_>) -> Result<T, &'static str>,
) -> Result<T, StoreError> {
    let revision = columns.revision;
    if revision != expected {
        return Err(StoreError::Hole { store: place.clone(), after: Revision(expected.0 - 1) });
    }
    read(columns).map_err(|part| StoreError::Unreadable { store: place.clone(), revision, part })
}

/// The columns of a row, in the order of [`columns`].
fn columns_of(row: &Row) -> Columns<'_> {
    let text_or_null = |at: usize| row.get::<_, Option<&str>>(at);
    Columns {
        revision: Revision(row.get::<_, i64>(0).cast_unsigned()),
        recorded_at: row.get(1),
        what: row.get(2),
        kind: text_or_null(3),
        client: text_or_null(4).zip(text_or_null(5)),
        declaration_id: text_or_null(6),
        body: row.get::<_, &str>(7).as_bytes(),
    }
}

/// Sends the rows after one revision up to another, by binary COPY, until
/// nobody takes them any more.
pub(super) async fn copy_range(
    connector: &Connector,
    session: Session,
    (after, until): (Revision, Revision),
    batches: mpsc::Sender<Result<Batch, StoreError>>,
) {
    let copy = async {
        // COPY takes no parameters; these are numbers.
        let sql = format!(
            "COPY (SELECT {} FROM lupa.change WHERE revision > {after} AND revision <= {until} ORDER BY revision)
                 TO STDOUT (FORMAT binary)",
            columns!()
        );
        // As long as rows come it may take as long as it takes.
        session.client.batch_execute("SET statement_timeout = 0").await?;
        let rows = BinaryCopyOutStream::new(session.client.copy_out(&sql).await?, &COLUMN_TYPES);
        let mut rows = std::pin::pin!(rows.try_chunks(ROWS_PER_BATCH));
        loop {
            let next = tokio::time::timeout(connector.read_timeout(), rows.try_next()).await;
            let next = next.map_err(|_| PostgresFailure::timed_out())?;
            let Some(batch) = next.map_err(|error| PostgresFailure::from(error.1))? else { return Ok(()) };
            if batches.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
    };
    let copied: Result<(), PostgresFailure> = copy.await;
    if let Err(source) = copied {
        // Nobody takes it any more: then nobody misses it.
        drop(batches.send(Err(connector.unreachable(source))).await);
    }
}

/// What each row of a batch says, until `each` has had enough. Tells the last
/// revision read, and whether to go on.
pub(super) fn read_batch<T>(
    batch: &Batch,
    after: Revision,
    place: &Place,
    read: &impl Fn(Columns<'_>) -> Result<T, &'static str>,
    each: &mut dyn FnMut(T) -> bool,
) -> Result<(Revision, bool), StoreError> {
    let mut last = after;
    for row in batch {
        let unreadable = || StoreError::Damaged {
            store: place.clone(),
            finding: "a column has another type".to_owned(),
            source: None,
        };
        let columns = columns_of_copied(row).map_err(|_| unreadable())?;
        let loaded = read_next(columns, last.next(), place, read)?;
        last = last.next();
        if !each(loaded) {
            return Ok((last, false));
        }
    }
    Ok((last, true))
}

fn columns_of_copied(row: &BinaryCopyOutRow) -> Result<Columns<'_>, tokio_postgres::Error> {
    fn get<'r, T: FromSql<'r>>(row: &'r BinaryCopyOutRow, at: usize) -> Result<T, tokio_postgres::Error> {
        row.try_get(at)
    }
    let client = get::<Option<&str>>(row, 4)?.zip(get::<Option<&str>>(row, 5)?);
    Ok(Columns {
        revision: Revision(get::<i64>(row, 0)?.cast_unsigned()),
        recorded_at: get(row, 1)?,
        what: get(row, 2)?,
        kind: get(row, 3)?,
        client,
        declaration_id: get(row, 6)?,
        body: get::<&str>(row, 7)?.as_bytes(),
    })
}

/// The rows of clients' changes up to a revision, in order.
pub(super) async fn rows_of_clients<'c>(
    client: &impl tokio_postgres::GenericClient,
    wanted: impl Iterator<Item = &'c ClientId>,
    until: Revision,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    // Nothing is stored of a client that cannot be.
    let columns = wanted.filter_map(|client| row::client_columns(client).ok());
    let (roots, extensions): (Vec<&str>, Vec<&str>) = columns.unzip();
    let until = until.0.cast_signed();
    client
        .query_typed(
            concat!(
                "SELECT ",
                columns!(),
                " FROM unnest($1, $2) AS wanted (root, extension)
                 JOIN lupa.change ON client_root = root AND client_extension = extension
                 WHERE revision <= $3 ORDER BY revision"
            ),
            &[
                typed(&roots, Type::TEXT_ARRAY),
                typed(&extensions, Type::TEXT_ARRAY),
                typed(&until, Type::INT8),
            ],
        )
        .await
}

/// The revisions after one up to another, at most so many, and whose each is.
pub(super) async fn clients_since(
    client: &impl tokio_postgres::GenericClient,
    after: Revision,
    until: Revision,
    most: usize,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let (after, until) = (after.0.cast_signed(), until.0.cast_signed());
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    client
        .query_typed(
            "SELECT revision, client_root, client_extension FROM lupa.change
             WHERE revision > $1 AND revision <= $2 ORDER BY revision LIMIT $3",
            &[typed(&after, Type::INT8), typed(&until, Type::INT8), typed(&most, Type::INT8)],
        )
        .await
}

/// Whom rows concern.
pub(super) fn clients_changed(rows: &[Row], place: &Place) -> Result<Vec<ChangedClient>, StoreError> {
    let concerns = |row: &Row| {
        let revision = Revision(row.get::<_, i64>(0).cast_unsigned());
        let client = row.get::<_, Option<&str>>(1).zip(row.get::<_, Option<&str>>(2));
        let client = client.map(|(root, extension)| row::client(root, extension)).transpose();
        let unreadable = |_| StoreError::Unreadable { store: place.clone(), revision, part: "client" };
        Ok(ChangedClient { revision, client: client.map_err(unreadable)? })
    };
    rows.iter().map(concerns).collect()
}

/// Applies each row to the history of its client.
pub(super) fn apply_rows(
    rows: &[Row],
    place: &Place,
    mut apply: impl FnMut(&ClientId, Change),
) -> Result<(), StoreError> {
    for row in rows {
        let columns = columns_of(row);
        let revision = columns.revision;
        let unreadable = |part| StoreError::Unreadable { store: place.clone(), revision, part };
        let change = columns.change().map_err(unreadable)?;
        match &change {
            Change::Declaration { client, .. } | Change::Withdrawal { client, .. } => {
                apply(&client.clone(), change);
            }
            Change::UnreadableWithdrawal { .. } | Change::Directory { .. } => {}
        }
    }
    Ok(())
}
