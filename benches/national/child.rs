//! Servers in processes of their own.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::empties::{Reads, Runs};
use crate::noise::{add_child, remove_child, ticks_of};

/// The program, built with this bench.
pub(crate) const LUPA: &str = env!("CARGO_BIN_EXE_lupa");

/// In which the kernel counts a process's time.
const TICKS_PER_SECOND: f64 = 100.0;

/// How long a server may take to load a country.
const READY_WITHIN: Duration = Duration::from_secs(900);

/// A server in a process; it is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    /// Milliseconds of each merge of the index, as it told them.
    merges: Arc<Mutex<Vec<f64>>>,
    pub(crate) address: SocketAddr,
    /// From the start of the process until it said that it serves.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// `lupa serve` on a store, serving.
    pub(crate) fn lupa(store: &Path, settings: &[(&str, &str)]) -> Self {
        Self::try_lupa(store, settings).unwrap_or_else(|said| panic!("lupa serve: {said}"))
    }

    /// The same, or what it said when it would not start.
    pub(crate) fn try_lupa(store: &Path, settings: &[(&str, &str)]) -> Result<Self, String> {
        let mut command = Command::new(LUPA);
        command
            .arg("serve")
            .env_clear()
            .env("LUPA_STORE__PATH", store)
            .env("LUPA_SERVER__LISTEN_ADDRESS", "127.0.0.1:0")
            .env("LUPA_LOG__FORMAT", "json")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn().expect("lupa serve");
        let said = child.stderr.take().expect("its words");
        let merges = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&merges);
        let hear = move |line: &str| {
            let merged = merge_millis(line);
            heard.lock().unwrap_or_else(PoisonError::into_inner).extend(merged);
        };
        let (mut child, address) = listening(child, said, hear, |line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            let address =
                line.get("address").filter(|_| line.get("message").is_some_and(|said| said == "listening"));
            address?.as_str()?.parse().ok()
        })?;
        let ready = wait_until_serving(address, &mut child, began);
        let server = Self { child, merges, address, ready_after: began.elapsed() };
        ready.map(|()| server)
    }

    /// An empty service that gives an answer.
    pub(crate) fn empty(reads: Reads, runs: Runs, answer: &Path) -> Self {
        let program = std::env::current_exe().expect("this program");
        let began = Instant::now();
        let mut child = Command::new(program)
            .args(["--serve-empty", reads.name(), runs.name()])
            .arg(answer)
            .stdout(Stdio::piped())
            .spawn()
            .expect("an empty service");
        let said = child.stdout.take().expect("its words");
        let (child, address) =
            listening(child, said, |_| (), |line| line.strip_prefix("listening ")?.parse().ok())
                .unwrap_or_else(|said| panic!("an empty service: {said}"));
        Self { child, merges: Arc::default(), address, ready_after: began.elapsed() }
    }

    /// Processor time so far, in seconds.
    pub(crate) fn processor_seconds(&self) -> f64 {
        ticks_of(self.child.id()) as f64 / TICKS_PER_SECOND
    }

    /// Memory in MiB: `VmRSS` as it is, `VmHWM` at its peak.
    pub(crate) fn mebibytes(&self, what: &str) -> f64 {
        mebibytes_of(self.child.id(), what)
    }

    /// Milliseconds of the merges since it was asked last.
    pub(crate) fn take_merges(&self) -> Vec<f64> {
        std::mem::take(&mut *self.merges.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A connection of the ordinary client, to set things up with.
    pub(crate) async fn connect(&self) -> Channel {
        connect(self.address).await.expect("a connection")
    }

    /// Ends it in order, as SIGTERM does, and waits for the end.
    pub(crate) fn terminate(mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("the command `kill`");
        assert!(sent.success(), "SIGTERM was not sent");
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

/// A line of a process's status, in MiB.
pub(crate) fn mebibytes_of(pid: u32, what: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
    let kibibytes = line.split_whitespace().nth(1).and_then(|kibibytes| kibibytes.parse::<f64>().ok());
    kibibytes.map_or(f64::NAN, |kibibytes| kibibytes / 1_024.0)
}

/// How long a merge took that a line of the log tells of.
fn merge_millis(line: &str) -> Option<f64> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let is_merged = line.get("message")? == "the overlay is merged";
    is_merged.then(|| line.get("elapsed_ms")?.as_f64())?
}

/// Waits until a process says where it listens; the rest is heard beside.
fn listening(
    mut child: Child,
    said: impl Read + Send + 'static,
    hear: impl Fn(&str) + Send + 'static,
    address: impl Fn(&str) -> Option<SocketAddr>,
) -> Result<(Child, SocketAddr), String> {
    let mut said = BufReader::new(said);
    let mut all = String::new();
    let mut line = String::new();
    while said.read_line(&mut line).expect("its words") > 0 {
        if let Some(address) = address(line.trim_end()) {
            add_child(child.id());
            thread::spawn(move || said.lines().map_while(Result::ok).for_each(|line| hear(&line)));
            return Ok((child, address));
        }
        all += &line;
        line.clear();
    }
    child.wait().expect("an end");
    Err(all)
}

/// Waits for the health service to say SERVING.
fn wait_until_serving(address: SocketAddr, child: &mut Child, began: Instant) -> Result<(), String> {
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
            if child.try_wait().expect("its state").is_some() || began.elapsed() > READY_WITHIN {
                return Err("it does not come to serve".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
}

async fn connect(address: SocketAddr) -> Result<Channel, tonic::transport::Error> {
    Channel::from_shared(format!("http://{address}")).expect("a URL").connect().await
}
