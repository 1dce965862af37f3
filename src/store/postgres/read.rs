//! Reads committed changes from the server.

use futures_util::TryStreamExt;
use tokio::sync::mpsc;
use tokio_postgres::binary_copy::{BinaryCopyOutRow, BinaryCopyOutStream};
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, Row};

use super::connection::{Connector, Session};
use super::failure::PostgresFailure;
use super::head_probe::typed;
use super::transaction::Purpose;
use crate::policy::client_id::ClientId;
use crate::store::change::{Change, ChangedClient, Revision};
use crate::store::error::{DriverError, ReadError};
use crate::store::history::Histories;
use crate::store::place::Place;
use crate::store::row;
use crate::store::stored_change::StoredChange;
use crate::store::table::stored_columns;

/// The types of [`stored_columns`].
const STORED_TYPES: [Type; 8] =
    [Type::INT8, Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT];

/// Number of rows in a batch of a load.
const ROWS_PER_BATCH: usize = 1_024;

/// Rows that are not decoded. The thread that loads decodes them, in parallel to the connection.
pub(super) type Batch = Vec<BinaryCopyOutRow>;

/// One statement that reads rows.
pub(super) struct Query {
    sql: &'static str,
    parameters: Vec<(Box<dyn ToSql + Send + Sync>, Type)>,
}

impl Query {
    pub(super) async fn rows(&self, client: &Client) -> Result<Vec<Row>, tokio_postgres::Error> {
        let parameters = self.parameters.iter();
        let parameters: Vec<_> = parameters.map(|(value, type_)| typed(&**value, type_.clone())).collect();
        client.query_typed(self.sql, &parameters).await
    }
}

/// The next rows after a revision, in order.
pub(super) fn rows_since(after: Revision, limit: usize) -> Query {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Query {
        sql: concat!(
            "SELECT ",
            stored_columns!(),
            " FROM lupa.change WHERE revision > $1 ORDER BY revision LIMIT $2"
        ),
        parameters: vec![(Box::new(after.0.cast_signed()), Type::INT8), (Box::new(limit), Type::INT8)],
    }
}

/// Decodes rows in order; an error if one is missing.
pub(super) fn in_order<T>(
    rows: &[Row],
    after: Revision,
    place: &Place,
    read: impl Fn(StoredChange<'_>) -> Result<T, &'static str>,
) -> Result<Vec<T>, ReadError> {
    let expected = std::iter::successors(Some(after.next()), |revision| Some(revision.next()));
    rows.iter()
        .zip(expected)
        .map(|(row, expected)| {
            let columns = columns_of(row);
            read_next(columns, expected, place, &read)
        })
        .collect()
}

/// Decodes a row; an error if it is not of the expected revision.
fn read_next<T>(
    columns: StoredChange<'_>,
    expected: Revision,
    place: &Place,
    read: &impl Fn(StoredChange<'_>) -> Result<T, &'static str>,
) -> Result<T, ReadError> {
    let revision = columns.revision;
    if revision != expected {
        return Err(ReadError::Hole { store: place.clone(), after: Revision(expected.0 - 1) });
    }
    read(columns).map_err(|part| ReadError::Unreadable { store: place.clone(), revision, part })
}

/// The columns of a row that was selected with [`stored_columns`].
fn columns_of(row: &Row) -> StoredChange<'_> {
    let text_or_null = |at: usize| row.get::<_, Option<&str>>(at);
    StoredChange {
        revision: Revision(row.get::<_, i64>(0).cast_unsigned()),
        recorded_at: row.get(1),
        what: row.get(2),
        kind: text_or_null(3),
        client: text_or_null(4).zip(text_or_null(5)),
        declaration_id: text_or_null(6),
        body: row.get::<_, &str>(7).as_bytes(),
    }
}

/// Sends the rows after one revision up to another, by binary COPY, until the receiver is dropped.
pub(super) async fn copy_range(
    connector: &Connector,
    session: Session,
    (after, until): (Revision, Revision),
    batches: mpsc::Sender<Result<Batch, ReadError>>,
) {
    let copy = async {
        // COPY takes no parameters; these two are numbers.
        let sql = format!(
            "COPY (SELECT {} FROM lupa.change WHERE revision > {after} AND revision <= {until} ORDER BY revision)
                 TO STDOUT (FORMAT binary)",
            stored_columns!()
        );
        // The whole COPY may take longer than any timeout; each batch must arrive within the read
        // timeout. The statement has a name, which the driver removes before the transaction ends.
        session.client.batch_execute(connector.start(Purpose::Load)).await?;
        let rows = BinaryCopyOutStream::new(session.client.copy_out(&sql).await?, &STORED_TYPES);
        let mut rows = std::pin::pin!(rows.try_chunks(ROWS_PER_BATCH));
        loop {
            let next = tokio::time::timeout(connector.read_timeout(), rows.try_next()).await;
            let next = next.map_err(|_| PostgresFailure::timed_out())?;
            let Some(batch) = next.map_err(|error| PostgresFailure::from(error.1))? else { break };
            if batches.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
        Ok(session.client.batch_execute("COMMIT").await?)
    };
    let copied: Result<(), PostgresFailure> = copy.await;
    if let Err(source) = copied {
        // If the receiver is gone, there is no caller to report the error to.
        drop(batches.send(Err(connector.unreachable(source))).await);
    }
}

/// Decodes the rows of a batch until `each` returns `false`. Returns the last revision read, and whether
/// to continue.
pub(super) fn read_batch<T>(
    batch: &Batch,
    after: Revision,
    place: &Place,
    read: &impl Fn(StoredChange<'_>) -> Result<T, &'static str>,
    each: &mut dyn FnMut(T) -> bool,
) -> Result<(Revision, bool), ReadError> {
    let mut last = after;
    for row in batch {
        let damaged = |error| ReadError::Damaged {
            store: place.clone(),
            finding: "a column has another type".to_owned(),
            source: Some(DriverError::new(PostgresFailure::from(error))),
        };
        let columns = columns_of_copied(row).map_err(damaged)?;
        let change = read_next(columns, last.next(), place, read)?;
        last = last.next();
        if !each(change) {
            return Ok((last, false));
        }
    }
    Ok((last, true))
}

fn columns_of_copied(row: &BinaryCopyOutRow) -> Result<StoredChange<'_>, tokio_postgres::Error> {
    fn get<'r, T: FromSql<'r>>(row: &'r BinaryCopyOutRow, at: usize) -> Result<T, tokio_postgres::Error> {
        row.try_get(at)
    }
    let client = get::<Option<&str>>(row, 4)?.zip(get::<Option<&str>>(row, 5)?);
    Ok(StoredChange {
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
pub(super) fn rows_of_clients<'c>(clients: impl Iterator<Item = &'c ClientId>, until: Revision) -> Query {
    // A client that cannot be stored has no rows.
    let columns = clients.filter_map(|client| row::client_columns(client).ok());
    let columns = columns.map(|(root, extension)| (root.to_owned(), extension.to_owned()));
    let (roots, extensions): (Vec<String>, Vec<String>) = columns.unzip();
    Query {
        sql: concat!(
            "SELECT ",
            stored_columns!(),
            " FROM unnest($1, $2) AS wanted (root, extension)
             JOIN lupa.change ON client_root = root AND client_extension = extension
             WHERE revision <= $3 ORDER BY revision"
        ),
        parameters: vec![
            (Box::new(roots), Type::TEXT_ARRAY),
            (Box::new(extensions), Type::TEXT_ARRAY),
            (Box::new(until.0.cast_signed()), Type::INT8),
        ],
    }
}

/// The next revisions after one up to another, in order, with the client of each.
pub(super) fn clients_since(after: Revision, until: Revision, limit: usize) -> Query {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Query {
        sql: "SELECT revision, client_root, client_extension FROM lupa.change
             WHERE revision > $1 AND revision <= $2 ORDER BY revision LIMIT $3",
        parameters: vec![
            (Box::new(after.0.cast_signed()), Type::INT8),
            (Box::new(until.0.cast_signed()), Type::INT8),
            (Box::new(limit), Type::INT8),
        ],
    }
}

/// Decodes the rows of [`clients_since`].
pub(super) fn clients_changed(rows: &[Row], place: &Place) -> Result<Vec<ChangedClient>, ReadError> {
    let changed = |row: &Row| {
        let revision = Revision(row.get::<_, i64>(0).cast_unsigned());
        let client = row.get::<_, Option<&str>>(1).zip(row.get::<_, Option<&str>>(2));
        let client = client.map(|(root, extension)| row::client(root, extension)).transpose();
        let unreadable = |_| ReadError::Unreadable { store: place.clone(), revision, part: "client" };
        Ok(ChangedClient { revision, client: client.map_err(unreadable)? })
    };
    rows.iter().map(changed).collect()
}

/// Applies each row to the history of its client.
pub(super) fn apply_rows(rows: &[Row], place: &Place, histories: &mut Histories) -> Result<(), ReadError> {
    for row in rows {
        let columns = columns_of(row);
        let unreadable =
            |part| ReadError::Unreadable { store: place.clone(), revision: columns.revision, part };
        let client = columns.client.map(|(root, extension)| row::client(root, extension)).transpose();
        if let Some(client) = client.map_err(|_| unreadable("client"))? {
            histories.apply(&client, change(row, place)?);
        }
    }
    Ok(())
}

/// Decodes a row that was selected with [`stored_columns`].
pub(super) fn change(row: &Row, place: &Place) -> Result<Change, ReadError> {
    let columns = columns_of(row);
    let revision = columns.revision;
    columns.decode().map_err(|part| ReadError::Unreadable { store: place.clone(), revision, part })
}
