//! The server: opens the parts, connects them, listens, and shuts down in order.
//!
//! ```text
//!  SIGTERM ─▶ NOT_SERVING ─▶ drain delay ─▶ stop accepting ─▶ grace period ─▶ stop the follower
//!             (health,        (still          (close the        (finish requests
//!              Watch)          accepting)      listeners)        in flight)
//! ```

mod answer;
mod connection;
mod envoy;
mod frames;
mod gauges;
mod http;
mod identification;
mod identity_reload;
mod large;
mod layers;
mod observed;
mod options;
pub mod opening;
mod readiness;
mod received;
mod requests;
mod room;
mod services;
mod serving;
mod streams;
mod workers;

use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Notify, oneshot};
use tokio::{task, time};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::config::{self, Config, ConfigFault};
use crate::identity::{Access, Identities};
use crate::index::{Follower, Index};
use crate::limits::SidePool;
use crate::policy::calendar::Calendar;
use crate::policy::day::Instant;
use crate::service::Core;
#[cfg(feature = "envoy")]
use crate::service::sidecar::RouteFault;
use crate::store::{OpenError, Store, WriteError};
use crate::telemetry::{LogLevel, Telemetry};

use envoy::Envoy;
use identification::Identification;
use large::LargeRequests;
use options::{access, identities, index_options, limits};
use readiness::Readiness;
use services::Parts;
use serving::Serving;
use workers::Workers;

/// The services whose health is reported. The first one stands for the whole server.
const SERVICES: [&str; 6] = [
    "",
    "lupa.v1.DecisionService",
    "lupa.v1.DeclarationService",
    "lupa.v1.DirectoryService",
    "lupa.admin.v1alpha.IndexService",
    envoy::NAME,
];

/// Why the server could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The store could not be opened.
    #[error("the store cannot be opened")]
    Open(#[source] OpenError),
    /// The configured Envoy routes are invalid.
    #[cfg(feature = "envoy")]
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Routes(Vec<RouteFault>),
    /// Routes are configured, but this build lacks the `envoy` feature.
    #[cfg(not(feature = "envoy"))]
    #[error(
        "sidecar.routes: routes are configured, but this build lacks the `envoy` feature: remove them, or build lupa \
         with the feature"
    )]
    NoEnvoy,
    /// The certificates or the callers file have faults.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Identities(Vec<ConfigFault>),
    /// A write to the store failed. Only durable declarations were acknowledged.
    #[error("the store failed, so the server stopped; every acknowledged declaration is stored")]
    Store(#[source] Arc<WriteError>),
    /// Server reflection could not be set up.
    #[error("server reflection cannot be set up")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// A thread could not be started.
    #[error("cannot start a thread: free some memory or raise the limit of threads")]
    NoThread(#[source] std::io::Error),
    /// A task that opens the store or serves connections panicked or was cancelled.
    #[error("a task of the server was interrupted")]
    Interrupted(#[from] task::JoinError),
    /// A worker thread ended unexpectedly.
    #[error("a worker thread ended unexpectedly")]
    WorkerFailed,
}

/// The listeners of the server.
#[derive(Debug)]
pub struct Listeners {
    /// gRPC over TCP.
    pub grpc: TcpListener,
    /// gRPC over a Unix domain socket.
    pub socket: Option<UnixListener>,
    /// HTTP for operators: health, metrics and the log level.
    pub http: Option<TcpListener>,
}

/// The opened and connected parts of the server, before it listens.
pub struct Server {
    store: Store,
    index: Index,
    follower: Follower,
    core: Core,
    config: config::Server,
    limits: config::Limits,
    envoy: Envoy,
    poll_interval: Duration,
    step_back_max: Duration,
    telemetry: Telemetry,
    level: Option<LogLevel>,
    access: Access,
    identities: Option<Identities>,
    reload: Arc<Notify>,
}

impl Server {
    /// Opens the store and starts to load the index.
    pub async fn open(
        config: &Config,
        calendar: Calendar,
        clock: fn() -> Instant,
        telemetry: Telemetry,
    ) -> Result<Self, ServerError> {
        let envoy = Envoy::new(&config.sidecar)?;
        let identities = identities(&config.server)?;
        let given = config.clone();
        let store = task::spawn_blocking(move || opening::open(&given, clock)).await?;
        let store = store.map_err(ServerError::Open)?;
        let (index, follower) =
            Index::start(store.clone(), index_options(config, &store)).map_err(ServerError::NoThread)?;
        let config::Limits { side_threads, side_queue_length_max, .. } = config.limits;
        let side = SidePool::start(NonZeroUsize::new(side_threads), side_queue_length_max)
            .map_err(ServerError::NoThread)?;
        let core = Core::new(store.clone(), index.clone(), calendar, limits(config), side, telemetry.clone());
        gauges::observe_build(telemetry.metrics.meter());
        gauges::observe_index(telemetry.metrics.meter(), &index);
        gauges::observe_losses(telemetry.metrics.meter(), store.lost_revisions());
        gauges::observe_clock(telemetry.metrics.meter(), store.clock().clone());
        let poll_interval = Duration::from_millis(config.index.poll_interval_ms);
        let step_back_max = Duration::from_millis(config.clock.step_back_ms_max);
        Ok(Self {
            store,
            index,
            follower,
            core,
            config: config.server.clone(),
            limits: config.limits.clone(),
            envoy,
            poll_interval,
            step_back_max,
            telemetry,
            level: None,
            access: access(&config.access),
            identities,
            reload: Arc::default(),
        })
    }

    /// Lets operators change the log level over HTTP.
    #[must_use]
    pub fn with_log_level(self, level: LogLevel) -> Self {
        Self { level: Some(level), ..self }
    }

    /// Reloads certificates and callers when this is notified.
    #[must_use]
    pub fn with_reload(self, reload: Arc<Notify>) -> Self {
        Self { reload, ..self }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Serves until `shutdown` or until the store fails, and then shuts down
    /// gracefully. It reports NOT_SERVING and keeps accepting for the drain delay,
    /// so that load balancers stop sending requests. Then it stops accepting, and
    /// requests in flight may finish within the grace period.
    pub async fn run(
        self,
        listeners: Listeners,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServerError> {
        let Self {
            store,
            index,
            follower,
            core,
            config,
            limits,
            envoy,
            poll_interval,
            step_back_max,
            telemetry,
            level,
            access,
            identities,
            reload,
        } = self;
        let Listeners { grpc: listener, socket, http } = listeners;
        let health = HealthReporter::new();
        // Before the server accepts: a new reporter says SERVING for the server and knows no service.
        set_health(&health, ServingStatus::NotServing).await;
        let clock = store.clock().clone();
        let readiness = Readiness { index, clock, step_back_max, is_ending: core.is_ending() };
        let health_task = task::spawn(report_health(health.clone(), readiness.clone(), poll_interval));
        let metrics = Arc::clone(&telemetry.metrics);
        let state = http::AdminState { readiness, metrics, level };
        let http_task = http.map(|http| task::spawn(http::serve(http, state, limits.clone())));
        let reflects = reflects(config.reflection, &listener);
        let grace = Duration::from_millis(config.shutdown_grace_ms);
        let metrics = Arc::clone(&telemetry.metrics);
        let callers = room::callers(&limits, &config);
        gauges::observe_in_flight(metrics.meter(), callers.clone());
        let parts =
            Parts { config: config.clone(), core: core.clone(), envoy, health: health.clone(), reflects };
        let large = LargeRequests::start().map_err(ServerError::NoThread)?;
        let reload_task = identities.clone().map(|identities| {
            let failed = Arc::default();
            gauges::observe_identities(metrics.meter(), identities.clone(), Arc::clone(&failed));
            task::spawn(identity_reload::keep_up_to_date(identities, reload, failed))
        });
        let identification = Identification::new(identities, access, Arc::clone(&metrics));
        let serving = Serving { server: config.clone(), limits, parts, telemetry, large, identification };
        let mut workers = Workers::start(&serving, callers)?;
        let (stop_viewings, stopped) = oneshot::channel();
        let viewings_task = task::spawn(core.clone().write_numbers_of_viewings(stopped));
        gauges::observe_connections(metrics.meter(), workers.connections());
        let failure = tokio::select! {
            ended = workers.accept(&listener, socket.as_ref(), &metrics) => return ended,
            () = shutdown => None,
            failure = store.failed() => Some(failure),
        };
        health_task.abort();
        core.tell_ending();
        set_health(&health, ServingStatus::NotServing).await;
        let drain_delay = Duration::from_millis(config.shutdown_wait_ms);
        if failure.is_none() && !drain_delay.is_zero() {
            tracing::info!(
                wait_ms = config.shutdown_wait_ms,
                "draining: accepting while NOT_SERVING is reported"
            );
            let accepting = workers.accept(&listener, socket.as_ref(), &metrics);
            if let Ok(ended) = time::timeout(drain_delay, accepting).await {
                return ended;
            }
        }
        drop((listener, socket));
        if !workers.shut_down(grace).await? {
            tracing::warn!(grace_ms = config.shutdown_grace_ms, "requests in flight were cancelled");
        }
        drop(stop_viewings);
        if time::timeout(grace, viewings_task).await.is_err() {
            tracing::warn!("the numbers of equal viewings were not written within the grace period");
        }
        // Waits for the current read, which may hang on a failing disk.
        if time::timeout(grace, task::spawn_blocking(|| follower.stop())).await.is_err() {
            tracing::warn!("a read of the store did not end within the grace period");
        }
        http_task.iter().chain(&reload_task).for_each(task::JoinHandle::abort);
        match failure {
            Some(failure) => Err(ServerError::Store(failure)),
            None => Ok(()),
        }
    }
}

/// Validates the settings that only the server can validate, so that their
/// faults are reported before anything starts.
pub fn check_settings(config: &Config) -> Result<(), ServerError> {
    Envoy::new(&config.sidecar).map(drop)
}

/// Whether server reflection is enabled. It depends on the listen address and not
/// on the caller's, because through a proxy every caller is on this machine.
fn reflects(reflection: config::Reflection, listener: &TcpListener) -> bool {
    match reflection {
        config::Reflection::On => true,
        config::Reflection::Loopback => listener.local_addr().is_ok_and(|address| address.ip().is_loopback()),
        config::Reflection::Off => false,
    }
}

/// Reports the health of each service: SERVING while nothing keeps the server from
/// deciding. It is polled, because a follower that hangs in a read cannot report
/// that the index becomes stale, and nobody reports that the clock is set.
async fn report_health(health: HealthReporter, readiness: Readiness, interval: Duration) {
    let mut index_changes = readiness.index.readiness();
    let mut reported = None;
    loop {
        let reasons = readiness.reasons();
        let is_serving = reasons.is_empty();
        if reported == Some(true) && !is_serving {
            tracing::error!(reasons = reasons.join("; "), "the server decides nothing");
        }
        if reported != Some(is_serving) {
            let status = if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing };
            set_health(&health, status).await;
            reported = Some(is_serving);
        }
        if let Ok(Err(_)) = time::timeout(interval, index_changes.changed()).await {
            // The follower has ended: from now on only the age of the index changes.
            time::sleep(interval).await;
        }
    }
}

async fn set_health(health: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        health.set_service_status(service, status).await;
    }
}
