//! Metrics, over OTLP as over HTTP, and the page that describes them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use lupa::identity::Verb;
use lupa::telemetry::Telemetry;
use lupa::telemetry::metrics::{METRICS, markdown, plain};
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;

use super::receiver::Receiver;
use super::{decide, request_of, start};
use crate::fixtures::patience::until;
use crate::fixtures::process::{Process, request, serve};
use crate::fixtures::requests::{CONSENT, aino_declares, person, recording};

const PAGE: &str = "docs/metrics.md";
const MARKER: &str = "<!-- generated: lupa metrics --markdown -->\n\n";

#[test]
fn metrics_page_is_generated() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (_, table) = page.split_once(MARKER).unwrap_or_else(|| panic!("{PAGE} lacks {MARKER}"));
    assert_eq!(table, markdown(), "replace all below the marker of {PAGE} by `lupa metrics --markdown`");
    for metric in METRICS {
        assert!(!metric.help.contains(['|', '\n']) && !metric.help.ends_with('.'), "{}", metric.name);
        assert!(plain().contains(&metric.exposed_name()), "{}", metric.name);
    }
}

/// Name, type, help and labels of every metric at `/metrics`.
fn exposed(text: &str) -> BTreeMap<String, (String, String, BTreeSet<String>)> {
    let mut families = BTreeMap::new();
    let described = |what: &str| {
        let lines =
            text.lines().filter_map(move |line| line.strip_prefix("# ")?.strip_prefix(what)?.split_once(' '));
        lines.map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect::<BTreeMap<_, _>>()
    };
    let help = described("HELP ");
    for (name, kind) in described("TYPE ") {
        let series = text.lines().filter(|line| !line.starts_with('#') && line.starts_with(&name));
        let labels = series.filter_map(|line| line.split_once('{')?.1.split_once('}'));
        let labels =
            labels.flat_map(|(labels, _)| labels.split("\",")).filter_map(|label| label.split_once('='));
        let labels = labels.map(|(label, _)| label.to_owned()).filter(|label| label != "le").collect();
        let exposed = if kind == "counter" { format!("{name}_total") } else { name.clone() };
        families.insert(exposed, (kind, help[&name].clone(), labels));
    }
    families
}

/// A callers file by which this machine may do everything, and an authority that expires.
fn callers_file(folder: &Path) -> PathBuf {
    let made = Command::new(env!("CARGO_BIN_EXE_lupa")).args(["dev", "certs"]).arg(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let path = folder.join("callers.toml");
    let verbs = Verb::ALL.map(|verb| format!("\"{}\"", verb.word())).join(", ");
    let local = format!(
        "\n[[callers]]\nname = \"local\"\nlocal = \"loopback\"\norganisations = \"any\"\n\
         registers = \"any\"\nverbs = [{verbs}]\n"
    );
    let listed = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, listed + &local).unwrap();
    path
}

/// The catalogue and the server agree: each metric has the name, type, text and labels that the page says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalogue_is_what_the_server_exposes() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = serve(&folder.path().join("lupa.sqlite"));
    command
        .env("LUPA_SERVER__HTTP_ADDRESS", "127.0.0.1:0")
        .env("LUPA_SERVER__CALLERS_FILE", callers_file(folder.path()))
        .env("LUPA_INDEX__CHECKPOINT_CHANGES_MIN", "1")
        .env("LUPA_INDEX__CHECKPOINT_INTERVAL_MS", "1");
    let process = Process::start(command).unwrap();
    let channel = process.connect().await;
    aino_declares(channel.clone()).await;
    decide(&channel, request_of(&["visit-1"])).await.unwrap();
    // One that is refused.
    let mut declarations = DeclarationServiceClient::new(channel);
    declarations.record_declaration(recording(person(1), "key", CONSENT)).await.unwrap_err();
    let expected = METRICS.iter().map(|metric| {
        let labels: BTreeSet<String> = metric.exposed_labels().collect();
        (metric.exposed_name(), (metric.kind.name().to_owned(), metric.help.to_owned(), labels))
    });
    let mut expected: BTreeMap<_, _> = expected.collect();
    until("the metrics of a checkpoint", async || {
        let (_, text) = request(process.http(), "GET", "/metrics", "").await;
        let found = exposed(&text);
        // The last one to appear.
        let is_complete = found.contains_key("lupa_index_checkpoint_seconds");
        if is_complete {
            // These appear when a minute has ended.
            expected.retain(|name, _| !name.starts_with("lupa_index_marked_") || found.contains_key(name));
            assert_eq!(found, expected);
        }
        is_complete
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exported_metrics_match_the_scraped_ones() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await);
    let process = start(folder.path(), &receiver, &[("LUPA_SERVER__HTTP_ADDRESS", "127.0.0.1:0")]);
    let channel = process.connect().await;
    aino_declares(channel.clone()).await;
    decide(&channel, request_of(&["visit-1", "visit-2"])).await.unwrap();
    receiver.until(|receiver| receiver.metrics().iter().any(|metric| metric.name == "lupa.decisions")).await;
    let ended = process.terminate();
    assert!(ended.status.success(), "{}", ended.output);
    let sent: BTreeSet<String> = receiver.metrics().into_iter().map(|metric| metric.name).collect();
    for name in [
        "lupa.build_info",
        "lupa.connections.accepted",
        "lupa.connections.accept_failures",
        "lupa.connections.open",
        "lupa.decisions",
        "lupa.declarations",
        "lupa.index.age",
        "lupa.index.base",
        "lupa.index.revision",
        "lupa.store.errors",
        "lupa.store.operation.duration",
        "rpc.server.call.duration",
    ] {
        assert!(sent.contains(name), "{name} is not among {sent:#?}");
    }
}

#[test]
fn rare_counters_exist_from_the_start() {
    let text = Telemetry::unsent().metrics.text().unwrap();
    for line in [
        "lupa_store_errors_total{lupa_store_operation=\"append\"} 0",
        "lupa_declarations_total{lupa_declaration_kind=\"denial\"} 0",
        "lupa_connections_accept_failures_total 0",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}
