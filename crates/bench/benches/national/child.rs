//! Servers in child processes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use lupa_bench::measure::noise::{add_child, processor_seconds_of, remove_child};
use lupa_bench::measure::repository;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::empties::{Reads, Runs};

/// Maximum time in which a server loads a country.
const READY_WITHIN: Duration = Duration::from_secs(900);

/// The release build of `lupa`, which Cargo brings up to date on the first call:
/// a bench does not depend on the binary of another package.
pub(crate) fn lupa() -> &'static Path {
    static LUPA: OnceLock<PathBuf> = OnceLock::new();
    LUPA.get_or_init(|| {
        let build = ["build", "--release", "--locked", "--package", "lupa", "--bin", "lupa"];
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(build)
            .arg("--message-format=json-render-diagnostics")
            .current_dir(repository())
            .stderr(Stdio::inherit())
            .output()
            .unwrap_or_else(|error| panic!("cannot run Cargo to build lupa: {error}"));
        assert!(built.status.success(), "lupa does not build: run `cargo {}`", build.join(" "));
        let executable = |line: &str| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            let is_lupa = message.pointer("/target/name")? == "lupa";
            is_lupa.then(|| message.get("executable")?.as_str().map(PathBuf::from))?
        };
        let built = String::from_utf8_lossy(&built.stdout);
        built.lines().find_map(executable).expect("Cargo prints the path of the executable")
    })
}

/// What a server has logged so far.
type Logged = Arc<Mutex<Vec<f64>>>;

/// A server in a child process, which is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    /// Durations in milliseconds of the merges that the server has logged.
    merges: Logged,
    /// Durations in milliseconds of the loads that the server has logged, of the whole store or a checkpoint.
    loads: Logged,
    pub(crate) address: SocketAddr,
    /// Time from the start of the process until its health was SERVING.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// `lupa serve` on a store, serving.
    pub(crate) fn lupa(store: &Path, settings: &[(&str, &str)]) -> Self {
        Self::try_lupa(store, settings).unwrap_or_else(|output| panic!("lupa serve: {output}"))
    }

    /// The same, or the output of a server that did not start.
    pub(crate) fn try_lupa(store: &Path, settings: &[(&str, &str)]) -> Result<Self, String> {
        let mut command = Command::new(lupa());
        command
            .arg("serve")
            .env_clear()
            .env("LUPA_STORE__PATH", store)
            .env("LUPA_SERVER__LISTEN_ADDRESS", "127.0.0.1:0")
            .env("LUPA_LOG__FORMAT", "json")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let start = Instant::now();
        let mut child = command.spawn().expect("lupa serve");
        let output = child.stderr.take().expect("standard error");
        let (merges, loads) = (Logged::default(), Logged::default());
        let (logged_merges, logged_loads) = (Arc::clone(&merges), Arc::clone(&loads));
        let read_on = move |line: &str| {
            locked(&logged_merges).extend(elapsed_millis(line, "the overlay is merged"));
            locked(&logged_loads).extend(elapsed_millis(line, "the store is loaded"));
        };
        let (mut child, address) = listening(child, output, read_on, |line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            let address = line
                .get("address")
                .filter(|_| line.get("message").is_some_and(|message| message == "listening"));
            address?.as_str()?.parse().ok()
        })?;
        let ready = wait_until_serving(address, &mut child, start);
        let server = Self { child, merges, loads, address, ready_after: start.elapsed() };
        ready.map(|()| server)
    }

    /// An empty service with a constant answer.
    pub(crate) fn empty(reads: Reads, runs: Runs, answer: &Path) -> Self {
        let program = std::env::current_exe().expect("this program");
        let start = Instant::now();
        let mut child = Command::new(program)
            .args(["--serve-empty", reads.name(), runs.name()])
            .arg(answer)
            .stdout(Stdio::piped())
            .spawn()
            .expect("an empty service");
        let output = child.stdout.take().expect("standard output");
        let (child, address) =
            listening(child, output, |_| (), |line| line.strip_prefix("listening ")?.parse().ok())
                .unwrap_or_else(|output| panic!("an empty service: {output}"));
        let (merges, loads) = (Logged::default(), Logged::default());
        Self { child, merges, loads, address, ready_after: start.elapsed() }
    }

    /// Processor time since the start of the process.
    pub(crate) fn processor_seconds(&self) -> f64 {
        processor_seconds_of(self.child.id())
    }

    /// Memory in MiB: `VmRSS` is the current value, `VmHWM` the peak.
    pub(crate) fn mebibytes(&self, what: &str) -> f64 {
        mebibytes_of(self.child.id(), what)
    }

    /// Durations in milliseconds of the merges since the last call.
    pub(crate) fn take_merges(&self) -> Vec<f64> {
        std::mem::take(&mut *locked(&self.merges))
    }

    /// Durations in milliseconds of the loads since the last call.
    pub(crate) fn take_loads(&self) -> Vec<f64> {
        std::mem::take(&mut *locked(&self.loads))
    }

    /// A connection of tonic's client, for the setup.
    pub(crate) async fn connect(&self) -> Channel {
        connect(self.address).await.expect("a connection")
    }

    /// Sends SIGTERM and waits for the process.
    pub(crate) fn terminate(mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("the command `kill`");
        assert!(sent.success(), "SIGTERM is sent");
        self.child.wait().expect("an end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        remove_child(self.child.id());
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.child.kill().expect("killed");
            self.child.wait().expect("an end");
        }
    }
}

/// A line of `/proc/PID/status`, in MiB.
pub(crate) fn mebibytes_of(pid: u32, what: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
    let kibibytes = line.split_whitespace().nth(1).and_then(|kibibytes| kibibytes.parse::<f64>().ok());
    kibibytes.map_or(f64::NAN, |kibibytes| kibibytes / 1_024.0)
}

fn locked(logged: &Logged) -> MutexGuard<'_, Vec<f64>> {
    logged.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The duration that a line of the log reports, if it has this message.
fn elapsed_millis(line: &str, message: &str) -> Option<f64> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let is_it = line.get("message")? == message;
    is_it.then(|| line.get("elapsed_ms")?.as_f64())?
}

/// Waits until a process prints its address. A thread reads the rest of its output.
fn listening(
    mut child: Child,
    output: impl Read + Send + 'static,
    read_on: impl Fn(&str) + Send + 'static,
    address: impl Fn(&str) -> Option<SocketAddr>,
) -> Result<(Child, SocketAddr), String> {
    let mut output = BufReader::new(output);
    let mut all = String::new();
    let mut line = String::new();
    while output.read_line(&mut line).expect("its output") > 0 {
        if let Some(address) = address(line.trim_end()) {
            add_child(child.id());
            thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| read_on(&line)));
            return Ok((child, address));
        }
        all += &line;
        line.clear();
    }
    child.wait().expect("an end");
    Err(all)
}

/// Waits until the health service reports SERVING.
fn wait_until_serving(address: SocketAddr, child: &mut Child, start: Instant) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        loop {
            if let Ok(channel) = connect(address).await {
                let request = HealthCheckRequest { service: String::new() };
                let answer = HealthClient::new(channel).check(request).await;
                if answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving) {
                    return Ok(());
                }
            }
            if child.try_wait().expect("its state").is_some() || start.elapsed() > READY_WITHIN {
                return Err("it does not report SERVING in time".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
}

async fn connect(address: SocketAddr) -> Result<Channel, tonic::transport::Error> {
    Channel::from_shared(format!("http://{address}")).expect("a URL").connect().await
}
