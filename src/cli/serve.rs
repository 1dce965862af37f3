//! `lupa serve`: runs the server until SIGTERM or Ctrl-C.

mod reload;
mod socket;

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::{task, time};

use super::Global;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::terminal::PROGRESS_INTERVAL;
use crate::clock;
use crate::config::{Config, LoadedConfig};
use crate::index::Index;
use crate::policy::calendar::Calendar;
use crate::server::{self, Listeners, Server, ServerError};
use crate::store::with_causes;
use crate::telemetry::Running;

pub(super) async fn run(global: &Global) -> Result<Exit, CommandFailure> {
    // First: the kernel drops a signal to process 1 that has no handler, and a store may take minutes to open.
    let interrupted = interrupted();
    let hangup = signal(SignalKind::hangup());
    let LoadedConfig { config, calendar, .. } = global.load_config()?;
    check_settings(&config)?;
    let telemetry = start_telemetry(&config)?;
    let reload = Arc::default();
    let served = tokio::select! {
        served = serve(&config, calendar, &telemetry, Arc::clone(&reload), interrupted) => served,
        never = reload::at_each(hangup, global, &telemetry.level, &reload) => match never {},
    };
    stop_telemetry(telemetry, &config).await;
    served
}

async fn serve(
    config: &Config,
    calendar: Calendar,
    telemetry: &Running,
    reload: Arc<Notify>,
    interrupted: impl Future<Output = ()> + Send,
) -> Result<Exit, CommandFailure> {
    let mut interrupted = pin!(interrupted);
    let grpc = listen(config.server.listen_address, "server.listen_address").await?;
    let address = grpc.local_addr().unwrap_or(config.server.listen_address);
    let http = match config.server.http_address {
        Some(address) => Some(listen(address, "server.http_address").await?),
        None => None,
    };
    let socket = socket::listen(&config.sidecar)?;
    match &config.store.url {
        Some(_) => tracing::info!("connecting to the store"),
        None => {
            let bytes = std::fs::metadata(&config.store.path).map_or(0, |file| file.len());
            tracing::info!(store = %config.store.path.display(), bytes, "opening and checking the store");
        }
    }
    let checking = spinner("checking the store");
    let opened = tokio::select! {
        opened = Server::open(config, calendar, clock::now, telemetry.telemetry.clone()) => Some(opened),
        () = &mut interrupted => None,
    };
    checking.finish_and_clear();
    let Some(opened) = opened else {
        // The thread that opens the store ends with the process, as in a crash, which every store survives.
        socket::remove(&config.sidecar);
        tracing::info!("stopped before the store was open");
        return Ok(Exit::Success);
    };
    let server =
        opened.map_err(|error| failed(&error))?.with_log_level(telemetry.level.clone()).with_reload(reload);
    let http_address = http.as_ref().and_then(|http| http.local_addr().ok());
    tracing::info!(
        %address,
        http_address = http_address.map(tracing::field::display),
        store = %server.store().place(),
        epoch = %server.store().epoch(),
        "listening"
    );
    let progress = task::spawn(show_progress(server.index().clone()));
    let stopped = server.run(Listeners { grpc, socket, http }, interrupted).await;
    socket::remove(&config.sidecar);
    progress.abort();
    stopped.map_err(|error| failed(&error))?;
    tracing::info!("stopped");
    Ok(Exit::Success)
}

/// Reports the faults of settings that only the server validates.
pub(super) fn check_settings(config: &Config) -> Result<(), CommandFailure> {
    server::check_settings(config).map_err(|error| CommandFailure::Usage(with_causes(&error)))
}

pub(super) fn start_telemetry(config: &Config) -> Result<Running, CommandFailure> {
    Running::start(&config.log, config.telemetry.detail)
        .map_err(|fault| CommandFailure::Usage(with_causes(&fault)))
}

/// Flushes the telemetry, within the grace period of the shutdown.
pub(super) async fn stop_telemetry(telemetry: Running, config: &Config) {
    let grace = Duration::from_millis(config.server.shutdown_grace_ms);
    if task::spawn_blocking(move || telemetry.shut_down(grace)).await.is_err() {
        tracing::warn!("the telemetry panicked");
    }
}

/// Binds the address. This comes first, so that an address in use is reported at once.
async fn listen(address: SocketAddr, setting: &str) -> Result<TcpListener, CommandFailure> {
    TcpListener::bind(address).await.map_err(|error| {
        CommandFailure::Usage(format!(
            "cannot listen on {address} ({error}): another process may use it; set {setting}"
        ))
    })
}

/// Registers for SIGTERM and Ctrl-C at once, and waits for one of them when it is polled.
pub(super) fn interrupted() -> impl Future<Output = ()> + Send {
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        tokio::select! {
            () = received(terminate, "SIGTERM") => {}
            () = received(interrupt, "SIGINT") => {}
        }
    }
}

async fn received(registered: io::Result<Signal>, name: &'static str) {
    match registered {
        Ok(mut signal) => drop(signal.recv().await),
        Err(error) => {
            tracing::warn!(%error, signal = name, "cannot wait for a signal: stop the process with another one");
            std::future::pending().await
        }
    }
}

pub(super) fn failed(error: &ServerError) -> CommandFailure {
    CommandFailure::Server(with_causes(error))
}

/// A spinner on a terminal, for work whose progress is unknown.
fn spinner(what: &'static str) -> ProgressBar {
    let spinner = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    spinner.set_message(what);
    spinner.enable_steady_tick(PROGRESS_INTERVAL);
    spinner
}

/// A progress bar on a terminal while the index loads.
async fn show_progress(index: Index) {
    let mut readiness = index.readiness();
    let bar = if io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) =
        ProgressStyle::with_template("loading {bar:40} {human_pos} of {human_len} changes, {eta}")
    {
        bar.set_style(style);
    }
    loop {
        let (loaded, total) = index.load_progress();
        bar.set_length(total);
        bar.set_position(loaded);
        if *readiness.borrow_and_update() {
            break;
        }
        if let Ok(Err(_)) = time::timeout(PROGRESS_INTERVAL, readiness.changed()).await {
            break;
        }
    }
    bar.finish_and_clear();
}
