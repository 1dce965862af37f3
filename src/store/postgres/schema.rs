//! Creates the tables of the store and migrates them.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::connection::{Connector, Session};
use super::epochs;
use super::failure::PostgresFailure;
use super::head_probe::{self, HeadProbe, PROBE_HEAD, typed};
use super::transaction::Purpose;
use crate::store::change::{Epoch, Identity};
use crate::store::error::{DriverError, OpenError};
use crate::store::id::DeclarationIds;
use crate::store::random::random;

/// The migration at index n leads to schema version n + 1.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/postgres/0001_changes.sql"),
    include_str!("../migrations/postgres/0002_links_and_imports.sql"),
    include_str!("../migrations/postgres/0003_epochs.sql"),
    include_str!("../migrations/postgres/0004_checkpoints.sql"),
    include_str!("../migrations/postgres/0005_equal_viewings.sql"),
];

/// The version to which all migrations lead.
const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// Held while tables are created, so that only one of several processes creates them: `LUPA`.
const ADVISORY_LOCK: i64 = 0x4C55_5041;

/// Migrates the tables to the newest version in one transaction, and creates a store if there is none.
/// Only reads if there is nothing to do: the role may be one that owns no table.
pub(super) async fn migrate(connector: &Connector, session: &Session) -> Result<(), OpenError> {
    if version(connector, session).await? == SCHEMA_VERSION {
        return Ok(());
    }
    let client = &session.client;
    let refused = |error| connector.refused(error);
    client.batch_execute(connector.start(Purpose::Maintain)).await.map_err(refused)?;
    let lock = [typed(&ADVISORY_LOCK, Type::INT8)];
    client.execute_typed("SELECT pg_advisory_xact_lock($1)", &lock).await.map_err(refused)?;
    // Another process may have migrated them meanwhile.
    let found = version_in_transaction(connector, session).await?;
    let missing = MIGRATIONS.get(found as usize..).unwrap_or_default();
    let may_not = |error: tokio_postgres::Error| match error.code() {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => OpenError::MayNotMigrate {
            store: connector.place().clone(),
            found,
            known: SCHEMA_VERSION,
            source: DriverError::new(PostgresFailure::from(error)),
        },
        _ => connector.refused(error).into(),
    };
    for migration in missing {
        client.batch_execute(migration).await.map_err(may_not)?;
    }
    if found == 0 {
        create_store(connector, session).await?;
    }
    if !missing.is_empty() {
        let newest = SCHEMA_VERSION.cast_signed();
        let newest = [typed(&newest, Type::INT4)];
        client.execute_typed("UPDATE lupa.meta SET schema_version = $1", &newest).await.map_err(may_not)?;
    }
    client.batch_execute("COMMIT").await.map_err(refused)?;
    Ok(())
}

/// Raises the maximum staleness of the store to that of this process: an acknowledgement states when
/// every replica has applied the change or stopped deciding.
pub(super) async fn register_max_staleness(
    connector: &Connector,
    session: &Session,
    max_staleness: Duration,
) -> Result<(), OpenError> {
    let millis = i64::try_from(max_staleness.as_millis()).unwrap_or(i64::MAX);
    let millis = [typed(&millis, Type::INT8)];
    let sql = "UPDATE lupa.head SET max_staleness_ms = $1 WHERE max_staleness_ms < $1";
    let client = &session.client;
    let registered = tokio::try_join!(
        biased;
        client.batch_execute(connector.start(Purpose::Write)),
        client.execute_typed(sql, &millis),
        client.batch_execute("COMMIT"),
    );
    registered.map_err(|error| connector.refused(error))?;
    Ok(())
}

/// The schema version of the tables; 0 if there are none.
async fn version(connector: &Connector, session: &Session) -> Result<u32, OpenError> {
    let refused = |error| connector.refused(error);
    session.client.batch_execute(connector.start(Purpose::Read)).await.map_err(refused)?;
    let found = version_in_transaction(connector, session).await?;
    session.client.batch_execute("COMMIT").await.map_err(refused)?;
    Ok(found)
}

async fn version_in_transaction(connector: &Connector, session: &Session) -> Result<u32, OpenError> {
    let refused = |error| connector.refused(error);
    let exists = session.client.query_typed_one("SELECT to_regclass('lupa.meta') IS NOT NULL", &[]);
    if !exists.await.map_err(refused)?.get::<_, bool>(0) {
        return Ok(0);
    }
    let row = session.client.query_typed_one("SELECT schema_version FROM lupa.meta", &[]).await;
    let found = row.map_err(refused)?.get::<_, i32>(0).cast_unsigned();
    if found > SCHEMA_VERSION {
        return Err(OpenError::Newer { store: connector.place().clone(), found, known: SCHEMA_VERSION });
    }
    Ok(found)
}

/// For a read-only process: an error unless the tables exist and have this version.
pub(super) async fn require(connector: &Connector, session: &Session) -> Result<(), OpenError> {
    match version(connector, session).await? {
        0 => Err(OpenError::NothingThere { store: connector.place().clone() }),
        SCHEMA_VERSION => Ok(()),
        found => Err(OpenError::Older { store: connector.place().clone(), found, known: SCHEMA_VERSION }),
    }
}

/// The identity of the store, and its head.
pub(super) async fn identity(
    connector: &Connector,
    session: &Session,
) -> Result<(Identity, HeadProbe), OpenError> {
    let client = &session.client;
    let rows = tokio::try_join!(
        biased;
        client.batch_execute(connector.start(Purpose::Read)),
        client.query_typed_one("SELECT token_key, id_tag FROM lupa.meta", &[]),
        head_probe::probe(client, PROBE_HEAD, None),
        client.batch_execute("COMMIT"),
    );
    let ((), meta, row, ()) = rows.map_err(|error| connector.refused(error))?;
    let probe = connector.parse_probe(&row)?;
    let token_key = meta.get::<_, &[u8]>(0);
    let token_key =
        token_key.try_into().map_err(|_| connector.damaged("its token key has another length"))?;
    let ids = DeclarationIds::new(meta.get::<_, i32>(1).cast_unsigned());
    let max_staleness = probe.max_staleness();
    let lineage = epochs::read_lineage(&session.client, probe.epoch).await;
    let lineage = lineage.map_err(|error| connector.refused(error))?;
    Ok((Identity { lineage: Arc::new(lineage), token_key, ids, max_staleness }, probe))
}

/// Gives a new store its identity.
async fn create_store(connector: &Connector, session: &Session) -> Result<(), OpenError> {
    let refused = |error| connector.refused(error);
    let token_key: [u8; 32] = random()?;
    let token_key = token_key.as_slice();
    let tag = DeclarationIds::random()?.tag().cast_signed();
    session
        .client
        .execute_typed(
            "INSERT INTO lupa.meta (schema_version, token_key, id_tag) VALUES (0, $1, $2)",
            &[typed(&token_key, Type::BYTEA), typed(&tag, Type::INT4)],
        )
        .await
        .map_err(refused)?;
    let Epoch(epoch) = Epoch::random()?;
    session
        .client
        .execute_typed(
            "INSERT INTO lupa.head (epoch, revision, recorded_at, commit_id, system_identifier, timeline,
                 server_started_at, max_staleness_ms)
             SELECT $1, 0, 0, 0, (SELECT system_identifier FROM pg_catalog.pg_control_system()),
                 substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8),
                 (extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000000)::int8, 0",
            &[typed(&epoch, Type::UUID)],
        )
        .await
        .map_err(refused)?;
    Ok(())
}
