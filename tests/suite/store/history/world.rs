//! PostgreSQL and the replicas, and the injection of faults into them.

use std::time::{Duration, Instant};

use lupa::store::{Epoch, Point, Revision};
use tokio::task::block_in_place;
use tokio::time::sleep;
use tonic::transport::Channel;

use super::MAX_STALENESS;
use super::faults::Fault;
use super::log::{Operation, Row, Table, code};
use super::replica::Replica;
use super::workers::RECOVERY_MAX;
use crate::core::generator::rng::Rng;
use crate::fixtures::pooler::Pooler;
use crate::fixtures::postgres::{self, Cluster};
use crate::fixtures::relay::Mode;

const REPLICAS: usize = 3;

/// Each replica writes through one and reads through others.
const POOLED_CONNECTIONS: usize = 8;

pub(super) struct World<'c> {
    /// The primary. Another one after a failover.
    cluster: &'c mut Cluster,
    /// Between the links and the primary, in some histories.
    pooler: Option<Pooler>,
    /// Connects directly, not through the links.
    url: String,
    replicas: Vec<Replica>,
    /// The tables before each loss.
    tables: Vec<Table>,
}

impl<'c> World<'c> {
    pub(super) async fn start(cluster: &'c mut Cluster, is_pooled: bool) -> Self {
        let url = block_in_place(|| cluster.database());
        let pooler = is_pooled.then(|| block_in_place(|| Pooler::start(cluster, POOLED_CONNECTIONS)));
        let port = pooler.as_ref().map_or(cluster.port(), Pooler::port);
        let (_, database) = url.rsplit_once('/').unwrap();
        let mut replicas = Vec::new();
        for _ in 0..REPLICAS {
            replicas.push(Replica::start(port, database).await);
        }
        Self { cluster, pooler, replicas, tables: Vec::new(), url }
    }

    pub(super) fn channels(&self) -> Vec<Channel> {
        self.replicas.iter().map(Replica::channel).collect()
    }

    /// Injects a fault and repairs it.
    pub(super) async fn strike(&mut self, fault: Fault, rng: &mut Rng) {
        let chosen = rng.below(REPLICAS);
        match fault {
            Fault::Links { mode, replicas, lasts } => {
                let links = || self.replicas.iter().cycle().skip(chosen).take(replicas);
                links().for_each(|replica| replica.relay.set(mode));
                sleep(lasts).await;
                links().for_each(|replica| replica.relay.set(Mode::Passes));
            }
            Fault::Pause(lasts) => {
                self.replicas[chosen].signal("STOP");
                sleep(lasts).await;
                self.replicas[chosen].signal("CONT");
            }
            Fault::Kill => {
                self.replicas[chosen].kill();
                sleep(Duration::from_millis(200)).await;
                block_in_place(|| self.replicas[chosen].run());
            }
            Fault::RestartServer => block_in_place(|| {
                self.cluster.stop();
                self.cluster.run();
            }),
            Fault::EndSessions => block_in_place(|| self.cluster.end_sessions()),
            Fault::IdleTransaction(lasts) => {
                self.hold("BEGIN; SELECT pg_current_xact_id()", lasts).await;
            }
            Fault::HoldHead(lasts) => {
                self.hold("BEGIN; SELECT 1 FROM lupa.head FOR UPDATE", lasts).await;
            }
            Fault::Promote => block_in_place(|| {
                self.cluster.stop();
                self.cluster.promote_at_start();
                self.cluster.run();
            }),
            Fault::FailOver { is_synchronous } => self.fail_over(is_synchronous).await,
            Fault::Restore { is_recovery } => self.restore(is_recovery, rng).await,
            Fault::StepClock(seconds) => {
                let replica = &self.replicas[chosen];
                replica.relay.set(Mode::Silent);
                replica.set_clock(seconds);
                // Longer than an earlier freshness proof lasts, by either clock.
                sleep(MAX_STALENESS * 2 + Duration::from_secs(seconds.unsigned_abs().into())).await;
                replica.relay.set(Mode::Passes);
                replica.set_clock(0);
            }
        }
    }

    async fn hold(&self, sql: &str, lasts: Duration) {
        let session = postgres::connect(&self.url).await;
        session.batch_execute(sql).await.unwrap();
        sleep(lasts).await;
    }

    /// Takes a backup and restores it after later commits. Often a replica is cut off before these, and is the
    /// first to write after the restore: what it knows is still there.
    async fn restore(&mut self, is_recovery: bool, rng: &mut Rng) {
        let backup = block_in_place(|| self.cluster.back_up());
        let cut_off = rng.below(REPLICAS + 1);
        if let Some(cut_off) = self.replicas.get(cut_off) {
            cut_off.relay.set(Mode::Closes);
        }
        self.further_rows().await;
        self.cut_off_before_loss().await;
        block_in_place(|| {
            self.cluster.stop();
            self.cluster.restore(&backup);
            if is_recovery {
                self.cluster.promote_at_start();
            }
            self.cluster.run();
        });
        if let Some(cut_off) = self.replicas.get(cut_off) {
            cut_off.relay.set(Mode::Passes);
            self.further_rows().await;
        }
        self.replicas.iter().for_each(|replica| replica.relay.set(Mode::Passes));
    }

    /// Promotes a standby. An asynchronous one lacks the last commits.
    async fn fail_over(&mut self, is_synchronous: bool) {
        let standby = block_in_place(|| self.cluster.standby());
        if is_synchronous {
            block_in_place(|| {
                self.cluster.require_standby();
                self.cluster.has_sent_all();
            });
            self.further_rows().await;
            block_in_place(|| self.cluster.stop());
        } else {
            block_in_place(|| {
                self.cluster.has_sent_all();
                standby.shut_down();
            });
            self.further_rows().await;
            self.cut_off_before_loss().await;
            block_in_place(|| {
                self.cluster.stop();
                standby.run_as_standby();
            });
        }
        block_in_place(|| standby.promote());
        let (_, database) = self.url.rsplit_once('/').unwrap();
        self.url = standby.url(database);
        *self.cluster = standby;
        if self.pooler.is_some() {
            self.pooler = Some(block_in_place(|| Pooler::start(self.cluster, POOLED_CONNECTIONS)));
        }
        let port = self.pooler.as_ref().map_or(self.cluster.port(), Pooler::port);
        for replica in &self.replicas {
            replica.relay.lead_to(([127, 0, 0, 1], port).into());
            replica.relay.set(Mode::Passes);
        }
    }

    /// Waits until more is stored.
    async fn further_rows(&self) {
        let deadline = Instant::now() + RECOVERY_MAX;
        let had = table(&self.url).await.rows.len();
        while table(&self.url).await.rows.len() <= had {
            assert!(Instant::now() < deadline, "nothing is recorded");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Keeps the table that is about to lose rows. No write may follow it.
    async fn cut_off_before_loss(&mut self) {
        self.replicas.iter().for_each(|replica| replica.relay.set(Mode::Closes));
        block_in_place(|| self.cluster.end_sessions());
        let table = table(&self.url).await;
        self.tables.push(table);
    }

    /// Kills the replicas and returns the tables, the last one last.
    pub(super) async fn end(mut self) -> Vec<Table> {
        self.replicas.iter_mut().for_each(Replica::kill);
        let table = table(&self.url).await;
        self.tables.push(table);
        // Keeps the backups of later histories small.
        block_in_place(|| self.cluster.drop_database(&self.url));
        self.tables
    }
}

/// The stored changes of a database.
pub(super) async fn table(url: &str) -> Table {
    let client = postgres::connect(url).await;
    let head = client.query_one("SELECT epoch FROM lupa.head", &[]).await.unwrap();
    let parents = client.query("SELECT epoch, parent, through FROM lupa.epoch", &[]).await.unwrap();
    let parents: Vec<(Epoch, Point)> = parents
        .iter()
        .map(|row| {
            let revision = Revision(row.get::<_, i64>(2).cast_unsigned());
            (Epoch(row.get(0)), Point { epoch: Epoch(row.get(1)), revision })
        })
        .collect();
    let sql = "SELECT revision, idempotency_key, declaration_id, client_extension,
                      min(revision) OVER (PARTITION BY declaration_id, what)
               FROM lupa.change ORDER BY revision";
    let rows = client.query(sql, &[]).await.unwrap().into_iter().map(|row| {
        let (key, extension): (Option<String>, Option<String>) = (row.get(1), row.get(3));
        let first_revision = row.get::<_, i64>(4).cast_unsigned();
        Row {
            revision: row.get::<_, i64>(0).cast_unsigned(),
            code: extension.map(|extension| code(&extension)),
            operation: key.map(|key| Operation { key, declaration_id: row.get(2), first_revision }),
        }
    });
    Table::new(Epoch(head.get(0)), &parents, rows.collect())
}
