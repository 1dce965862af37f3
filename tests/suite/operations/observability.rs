//! The dashboards and alerts of `deploy/observability`, with the real Prometheus scraping
//! the real Lupa: every panel has data.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::fixtures::patience::{PATIENCE, until};
use crate::fixtures::ports::free_port;
use crate::fixtures::process::{Process, serve, try_request};
use crate::fixtures::requests::{UNKNOWN, aino, aino_declares, entry, person, question, recording};

const FOLDER: &str = "deploy/observability";
const OPERATIONS: &str = "docs/operations.md";

/// A program of Prometheus.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/prometheus/usr/bin").join(name);
    assert!(path.exists(), "there is no {name}: scripts/test installs it at {}", path.display());
    path
}

struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Prometheus {
    /// With the deployed configuration, but another target and a short scrape interval.
    fn start(lupa: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let deployed = std::fs::read_to_string(format!("{FOLDER}/prometheus.yaml")).unwrap();
        let asked = deployed.replace("lupa:7412", &lupa.to_string()).replace("10s", "500ms");
        assert_ne!(asked, deployed);
        let config = folder.path().join("prometheus.yaml");
        std::fs::write(&config, asked).unwrap();
        std::fs::copy(format!("{FOLDER}/alerts.yaml"), folder.path().join("alerts.yaml")).unwrap();
        let address = free_port();
        let child = Command::new(program("prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, address, _folder: folder }
    }

    /// The result of a query; `None` until Prometheus answers.
    async fn query(&self, query: &str) -> Option<Vec<serde_json::Value>> {
        let escaped: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/api/v1/query?query={escaped}");
        let answer = try_request(self.address, "GET", &path, "").await.ok()?;
        let answer: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].as_array().cloned()
    }
}

/// Every query of every panel, by the panel's name.
fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for file in std::fs::read_dir(format!("{FOLDER}/grafana/dashboards")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let name = format!("{}: {}", dashboard["title"], panel["title"]);
                let query = target["expr"].as_str().unwrap().replace("$__rate_interval", "20s");
                queries.push((name, query.replace("$instance", ".*")));
            }
        }
    }
    queries
}

/// One round of load: permitted, denied and refused decisions and recordings.
async fn load(channel: &Channel, round: usize) {
    let mut decisions = DecisionServiceClient::new(channel.clone());
    let mut stranger = entry("r-3", "visit-1");
    stranger.register = UNKNOWN.to_owned();
    let records = vec![entry("r-1", "visit-1"), entry("r-2", "visit-2"), stranger];
    decisions.decide(question(aino(), records)).await.unwrap();
    decisions.decide(question(aino(), vec![entry("r-1", "visit-1")])).await.unwrap();
    decisions.decide(question(aino(), Vec::new())).await.unwrap_err();
    let mut declarations = DeclarationServiceClient::new(channel.clone());
    let information = "{ information: { version: '2.0' } }";
    let key = format!("load-{round}");
    declarations.record_declaration(recording(person(round), &key, information)).await.unwrap();
    let consent = "{ consent: { kind: CONSENT_KIND_HEALTHCARE } }";
    declarations.record_declaration(recording(person(1_000_000), "never", consent)).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_panel_shows_something() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = serve(&folder.path().join("lupa.sqlite"));
    command.env("LUPA_SERVER__HTTP_ADDRESS", "127.0.0.1:0");
    let lupa = Process::start(command).unwrap();
    let channel = lupa.connect().await;
    aino_declares(channel.clone()).await;
    let prometheus = Prometheus::start(lupa.http());
    let mut empty = queries();
    assert!(empty.len() > 35, "{} queries", empty.len());
    let began = Instant::now();
    let mut round = 0;
    while !empty.is_empty() {
        assert!(began.elapsed() < PATIENCE, "these have no data: {empty:#?}");
        load(&channel, round).await;
        round += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
        if !round.is_multiple_of(10) {
            continue;
        }
        let mut left = Vec::new();
        for (name, query) in empty {
            let shown = prometheus.query(&query).await.unwrap_or_default();
            if !shown.iter().any(|series| series["value"][1].as_str().is_some_and(|value| value != "NaN")) {
                left.push((name, query));
            }
        }
        empty = left;
    }
    // The load has ended. Once a scrape includes all decisions, its counters agree: two of the
    // four records of a round are denied.
    let decided = (4 * round).to_string();
    until("a scrape after the last decision", async || {
        let total = prometheus.query("sum(lupa_decisions_total)").await.unwrap_or_default();
        total.first().is_some_and(|total| total["value"][1] == decided.as_str())
    })
    .await;
    let denied = prometheus.query("sum(lupa_decisions_total{lupa_effect=\"EFFECT_DENY\"})").await.unwrap();
    assert_eq!(denied[0]["value"][1], (2 * round).to_string());
    let firing = prometheus.query("ALERTS{alertstate=\"firing\",severity=\"critical\"}").await.unwrap();
    assert!(firing.is_empty(), "{firing:#?}");
}

#[test]
fn alerts_fire_as_tested_and_are_documented() {
    for (command, file) in [("check", "alerts.yaml"), ("test", "alerts.test.yaml")] {
        let checked =
            Command::new(program("promtool")).args([command, "rules", file]).current_dir(FOLDER).output();
        let checked = checked.unwrap();
        let output = String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{output}");
    }
    // Each alert is in the tests, and its runbook in the page for operators.
    let tests = std::fs::read_to_string(format!("{FOLDER}/alerts.test.yaml")).unwrap();
    let page = std::fs::read_to_string(OPERATIONS).unwrap();
    let alerts = std::fs::read_to_string(format!("{FOLDER}/alerts.yaml")).unwrap();
    for alert in alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(alert), "{alert} is not tested");
        assert!(page.contains(&format!("### {alert}\n")), "{alert} is not in {OPERATIONS}");
    }
}

#[test]
fn every_setting_is_in_the_page_for_operators() {
    let page = std::fs::read_to_string(OPERATIONS).unwrap();
    for setting in lupa::config::SETTINGS.iter() {
        assert!(page.contains(&format!("`{}`", setting.name)), "{} is not in {OPERATIONS}", setting.name);
    }
}
